"""Jobs for several threads that begin and end without Python: within a microsecond, not fifty.

Python's lock has to go from thread to thread before each of them runs, and a thread that sleeps has
to be woken. So a thread of dlframe's (`dlframe.base.threads`) that has nothing to do looks into
`STATE` for a while, in compiled code, before it sleeps. A job is a compiled function, its arguments
on the stack of the thread that began it, and a counter from which each thread takes the next part.

The word `OPEN` says whether threads may join: its lowest bit, and above it how many have. The
thread that began the job closes it when no part is left, and waits for those that have joined.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import os
import time

import numpy as np
from dlframe.base import threads
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from dlframe_numba.building import INT, INT32, NUMBER, called, nothing, place
from dlframe_numba.compiling import loop, part

__all__ = ["STATE", "job_of", "look", "run_job"]

# Places in STATE; what several threads write has a line of the cache for itself.
OPEN, NEXT, LEFT, BELL, RESTING, BUSY = 0, 8, 16, 24, 32, 48
FUNCTION, DATA, COUNT, CHUNK, HELPERS, JOB = 40, 41, 42, 43, 44, 45
END = 25

STATE = np.zeros(64, np.int64)
# A thread may look into it while the interpreter ends: it is never freed.
ctypes.pythonapi.Py_IncRef(ctypes.py_object(STATE))

_REST = 3e-4  # seconds that a thread looks for work before it sleeps
_CALM = 500  # pauses in which the others are expected to end

# --- steps that no other thread sees half done -------------------------------------------------


@intrinsic
def read(typing, state, at):
    """state[at], as it is now."""

    def code(context, builder, signature, args):
        return builder.load_atomic(place(context, builder, state, *args), "seq_cst", 8)

    return NUMBER(state, NUMBER), code


@intrinsic
def write(typing, state, at, value):
    """state[at] = value, after all that was written before."""

    def code(context, builder, signature, args):
        spot = place(context, builder, state, *args[:2])
        builder.store_atomic(args[2], spot, "seq_cst", 8)
        return nothing(context)

    return types.none(state, NUMBER, NUMBER), code


@intrinsic
def add(typing, state, at, value):
    """state[at] += value, and what was there."""

    def code(context, builder, signature, args):
        spot = place(context, builder, state, *args[:2])
        return builder.atomic_rmw("add", spot, args[2], "seq_cst")

    return NUMBER(state, NUMBER, NUMBER), code


@intrinsic
def swap(typing, state, at, value):
    """state[at] = value, and what was there."""

    def code(context, builder, signature, args):
        spot = place(context, builder, state, *args[:2])
        return builder.atomic_rmw("xchg", spot, args[2], "seq_cst")

    return NUMBER(state, NUMBER, NUMBER), code


@intrinsic
def replace(typing, state, at, old, new):
    """state[at] = new if it is `old`, and whether it was."""

    def code(context, builder, signature, args):
        spot = place(context, builder, state, *args[:2])
        found = builder.cmpxchg(spot, args[2], args[3], "seq_cst", "seq_cst")
        return builder.extract_value(found, 1)

    return types.boolean(state, NUMBER, NUMBER, NUMBER), code


@intrinsic
def pause(typing):
    """Wait some cycles, for a loop that waits for another thread."""

    def code(context, builder, signature, args):
        if _is_x86():
            kind = ir.FunctionType(ir.VoidType(), [])
            name = "llvm.x86.sse2.pause"
            builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [])
        else:
            builder.fence("seq_cst")
        return nothing(context)

    return types.none(), code


@intrinsic
def give_way(typing):
    """Let another thread have the processor, if the system knows of one."""

    def code(context, builder, signature, args):
        if os.name == "posix":
            called(builder, "sched_yield", INT32)
        return nothing(context)

    return types.none(), code


def _is_x86() -> bool:
    from llvmlite import binding

    return binding.get_process_triple().startswith(("x86_64", "i386", "i686", "amd64"))


# --- a job -------------------------------------------------------------------------------------

_CALL = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer(), INT, INT, INT])


@intrinsic
def job_of(typing, function, arguments):
    """The addresses of a function that computes a part of the job, and of its arguments.

    `function` is a compiled loop that takes the first item of the part, the one after the last, the
    number of the thread, and `arguments`, which belong to the caller of this loop.
    """
    given = (NUMBER, NUMBER, NUMBER, *arguments.types)
    returns = function.get_call_type(typing, given, {}).return_type
    if returns != types.none:
        raise TypeError(f"a loop of several threads returns nothing, this one {returns}")

    def code(context, builder, signature, args):
        compiled = function.dispatcher.overloads[given]
        context.active_code_library.add_linking_library(compiled.library)
        data = cgutils.alloca_once_value(builder, args[1])
        name = f"part_of_{compiled.fndesc.mangled_name}"
        inner = builder.module.globals.get(name)
        if inner is None:
            inner = ir.Function(builder.module, _CALL, name)
            inner.linkage = "internal"
            inside = ir.IRBuilder(inner.append_basic_block())
            pointer, *numbers = inner.args
            values = inside.load(inside.bitcast(pointer, args[1].type.as_pointer()))
            values = cgutils.unpack_tuple(inside, values, len(arguments.types))
            context.call_internal_no_propagate(
                inside, compiled.fndesc, compiled.signature, [*numbers, *values]
            )
            inside.ret_void()
        addresses = [builder.ptrtoint(inner, INT), builder.ptrtoint(data, INT)]
        return context.make_tuple(builder, signature.return_type, addresses)

    return types.UniTuple(NUMBER, 2)(function, arguments), code


@intrinsic
def call(typing, function, data, first, last, number):
    """Compute a part of the job."""

    def code(context, builder, signature, args):
        target = builder.inttoptr(args[0], _CALL.as_pointer())
        data = builder.inttoptr(args[1], ir.IntType(8).as_pointer())
        builder.call(target, [data, *args[2:]])
        return nothing(context)

    return types.none(NUMBER, NUMBER, NUMBER, NUMBER, NUMBER), code


@part
def _take_parts(state, number):
    """Compute the next part, until there is none."""
    function, data, count, chunk = state[FUNCTION], state[DATA], state[COUNT], state[CHUNK]
    first = add(state, NEXT, chunk)
    while first < count:
        call(function, data, first, min(first + chunk, count), number)
        first = add(state, NEXT, chunk)


@part
def run_job(state, job, count, chunk, helpers):
    """Compute a job, with as many other threads as there are, but at most `helpers`."""
    if helpers < 1 or not replace(state, BUSY, 0, 1):  # with another thread's job
        call(job[0], job[1], 0, count, 0)
    else:
        state[FUNCTION], state[DATA] = job[0], job[1]
        state[COUNT], state[CHUNK], state[HELPERS] = count, chunk, helpers
        state[JOB] += 1
        write(state, NEXT, 0)
        write(state, LEFT, 0)
        write(state, OPEN, 1)
        _take_parts(state, 0)
        joined = swap(state, OPEN, 0) >> 1
        left = _CALM
        while read(state, LEFT) < joined:
            pause()
            left -= 1
            if left < 0:
                give_way()
        write(state, BUSY, 0)


@loop
def _rest(state, pauses):
    """Take parts of jobs, until there has been none for a while, or Python calls."""
    left, last = pauses, -1
    add(state, RESTING, 1)
    while left > 0 and read(state, BELL) < 1 and not state[END]:
        word = read(state, OPEN)
        if word & 1 and read(state, JOB) != last and word >> 1 < read(state, HELPERS):
            if replace(state, OPEN, word, word + 2):
                last = read(state, JOB)
                _take_parts(state, (word >> 1) + 1)
                add(state, LEFT, 1)
                left = pauses
        else:
            pause()
            left -= 1
    add(state, RESTING, -1)


@loop
def _pauses(count):
    for _ in range(count):
        pause()


# --- threads that rest -------------------------------------------------------------------------


@functools.cache
def _patience() -> int:
    """How many pauses a thread makes before it sleeps."""
    _pauses(1)
    start = time.perf_counter()
    _pauses(2000)
    return int(2000 * _REST / max(time.perf_counter() - start, 1e-7))


def _look() -> None:
    if threads.number() > 1:
        _rest(STATE, _patience())


def _ring(waiting: int) -> None:
    STATE[BELL] = waiting


def look(count: int, wake: bool) -> int:
    """How many of `count` helpers there may be; those that sleep are woken, if `wake` says so."""
    awake = int(STATE[RESTING])
    if awake < count and wake:
        threads.waken(count - awake)
        return count
    return min(awake, count)


def _stop() -> None:
    """Before the interpreter ends, and with it the compiled code: nobody may be in it."""
    STATE[END] = 1
    end = time.perf_counter() + 1
    while STATE[RESTING] and time.perf_counter() < end:
        time.sleep(1e-5)


def _forget() -> None:
    """In a forked process: no other thread is there."""
    STATE[:] = 0


atexit.register(_stop)
threads.rest_by(_look, _ring)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
