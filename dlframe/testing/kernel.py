"""The check that every compiled kernel has to pass: the numbers of the plain operation, always."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from dlframe import kernels, ops, plugins
from dlframe.base import nests
from dlframe.tensor import Tensor
from dlframe.testing.claims import (
    Results,
    claim,
    filled,
    is_float,
    read_only,
    require,
    require_alike,
    results_of,
    strided,
    turned,
    unchanged,
)
from dlframe.testing.op import SHAPES, Case

_LAYOUTS: dict[str, Callable[[list[Any]], list[Any]]] = {
    "in order": list,
    "not contiguous": strided,
    "in another order": turned,
    "read-only": read_only,
}
_PATIENCE = 120.0  # seconds until a child counts as hanging: it may have to compile


def check_kernel(
    name: str,
    inputs: Sequence[Any],
    *,
    options: Mapping[str, Any] | None = None,
    kernel: Any = None,
    function: Callable[..., Any] | None = None,
    runs: Sequence[str] = (),
    order: int = 2,
    fixed: Sequence[int] = (),
    elementwise: bool = False,
    strange: Sequence[float] = (np.nan, np.inf, -np.inf),
    processes: bool = False,
    dtypes: Sequence[str] = ("float32", "float64"),
    tolerance: float = 1e-10,
    narrow: float = 1e-5,
    seed: int = 0,
) -> Counter[str]:
    """Check the kernel of an operation by one call, with it and without it.

    Values, their dtype and their order in memory, and gradients of both orders are those of the
    plain operation: for each dtype, for each input that may need a gradient alone, for inputs that
    lie in memory in any way or may not be written to, for nan and infinity, and in several threads
    at once. The kernel is asked for arrays of any size.

    Args:
        name: the operation's.
        inputs: tensors, arrays and other things, as for `check_op`.
        options: keyword arguments.
        kernel: by default the one that is installed under the name.
        function: what to call instead of the operation, with the same arguments.
        runs: the functions of the kernel that must have computed something here.
        order: how often it can be differentiated.
        fixed: the places of float inputs that have no gradient.
        elementwise: whether inputs without elements are tried, too.
        strange: the values that are put into each input, one at a time.
        processes: whether forked and spawned processes are tried; they take seconds. A spawned one
            can only ask for a kernel that is installed.
        dtypes: the dtypes that are compared.
        tolerance: how close both are in float64, relative and absolute.
        narrow: the same in float32.
        seed: of the random gradients.

    Returns:
        How often each function of the kernel computed; none of them may have, if it declined.

    Raises:
        ConformanceError: with the first rule that does not hold.

    >>> import numpy as np
    >>> from dlframe import testing
    >>> from dlframe.kernels import Kernel
    >>> testing.check_kernel("exp", [np.ones((2, 3))], kernel=Kernel(forward=np.exp))["forward"] > 9
    True
    >>> testing.check_kernel("exp", [np.ones((2, 3))], kernel=Kernel(forward=np.sinh))
    Traceback (most recent call last):
    dlframe.testing.claims.ConformanceError: the kernel of exp has float32 values and gradients ...
    """
    named = dict(options or {})
    called = function or getattr(ops, name)
    case = Case(
        f"the kernel of {name}",
        lambda *args: called(*args, **named),
        inputs,
        order=order,
        fixed=fixed,
        seed=seed,
    )
    offered = plugins.get("kernels", name) if kernel is None else kernel
    before = kernels.runs()
    with kernels.replaced(name, offered, always=True), _faults_are_errors():
        for dtype in dtypes:
            close = {"float16": 2e-2, "float32": narrow}.get(dtype, tolerance)
            _check_numbers(case, dtype, close)
            _check_layouts(case, dtype, close)
            _check_strange(case, dtype, close, strange)
            if elementwise:
                _check_empty(case, dtype)
            _check_threads(case, dtype, close)
            if processes:
                _check_forked(case, dtype, close)
    if processes and kernel is None:
        _check_spawned(name, case, named, narrow)
    found = kernels.runs() - before
    counted = Counter({
        door: found[f"{name}: {door}"]
        for door in ("forward", "fast_forward", "fast_backward", "update")
    })  # fmt: skip
    with claim(case.name, f"computes by its own {', '.join(runs) or 'functions'}"):
        missing = [door for door in runs if not counted[door]]
        require(not missing, f"{', '.join(missing)} never did; it always returned NotImplemented")
    return +counted  # those that are not 0


@contextlib.contextmanager
def _faults_are_errors() -> Iterator[None]:
    """A kernel that fails gives way to the plain operation with a warning; here that is a fault."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "the kernel", RuntimeWarning)
        kernels.warn_again()
        yield


def _plainly(call: Callable[..., Results], *args: Any, **options: Any) -> Results:
    """The call without kernels."""
    with kernels.flags(enabled=False):
        return call(*args, **options)


def _values(case: Case, args: list[Any]) -> Results:
    return results_of(case.call(*args))


def _numbers(case: Case, args: list[Any], *, second: bool = False) -> Results:
    """Values and gradients of one call."""
    out = case.call(*args)
    found = case.derivatives(out, args) if second else case.gradients(out, args)
    return results_of(out) | found if case.order else results_of(out)


def _check_numbers(case: Case, dtype: str, close: float) -> None:
    """Values and gradients, and how the values lie in memory."""
    args = case.args(dtype)
    with (
        claim(case.name, f"has {dtype} values and gradients of the plain operation"),
        unchanged(args, "input"),
    ):
        found = _numbers(case, args, second=case.order > 1)
        wanted = _plainly(_numbers, case, case.args(dtype), second=case.order > 1)
        require_alike(found, wanted, tolerance=close)
    with claim(case.name, f"has {dtype} values of the plain operation without a graph"):
        plain_args = case.args(dtype, requires_grad=False)
        found = _values(case, plain_args)
        wanted = _plainly(_values, case, plain_args)
        require_alike(found, wanted, tolerance=close)
    for i in case.places if case.order else ():
        with claim(case.name, f"has the {dtype} gradient of input {i} where no other has one"):
            alone = [k for k in range(len(case.inputs)) if k != i]
            single = Case(
                case.name, case.function, case.inputs, order=1, fixed=alone, seed=case.seed
            )
            found = _numbers(single, single.args(dtype))
            wanted = _plainly(_numbers, single, single.args(dtype))
            require_alike(found, wanted, tolerance=close)


def _check_layouts(case: Case, dtype: str, close: float) -> None:
    """Inputs that lie in memory in any way; the results lie as those of the plain operation."""
    for layout, change in _LAYOUTS.items():
        args = change(case.args(dtype))
        with (
            claim(case.name, f"takes {dtype} inputs that are {layout}"),
            unchanged(args, "input"),
        ):
            found = _numbers(case, args)
            wanted = _plainly(_numbers, case, args)
            require_alike(found, wanted, tolerance=close)
        with claim(case.name, f"gives {dtype} results in their order for inputs {layout}"):
            found, wanted = _strides(case, args), _plainly(_strides, case, args)
            require(found == wanted, f"the strides are {found} instead of {wanted}")


def _strides(case: Case, args: list[Any]) -> Results:
    """How the results of a call lie in memory."""
    return {
        f"output {i}": [
            stride for stride, n in zip(x.array.strides, x.array.shape, strict=True) if n > 1
        ]
        for i, x in enumerate(nests.leaves(case.call(*args)))
        if isinstance(x, Tensor) and x.array.size
    }


def _check_strange(case: Case, dtype: str, close: float, values: Sequence[float]) -> None:
    """Numbers that are none go the same ways."""
    for i, x in enumerate(case.inputs):
        if not is_float(x) or not x.size:
            continue
        for value in values:
            with claim(case.name, f"treats {value} in {dtype} input {i} as the plain operation"):
                args = [_with(value, arg) if k == i else arg for k, arg in enumerate(case.inputs)]
                other = Case(
                    case.name,
                    case.function,
                    args,
                    order=min(case.order, 1),
                    fixed=case.fixed,
                    seed=case.seed,
                )
                found = _numbers(other, other.args(dtype))
                wanted = _plainly(_numbers, other, other.args(dtype))
                require_alike(found, wanted, tolerance=close)


def _with(value: float, x: Any) -> Any:
    array = np.array(x.array if isinstance(x, Tensor) else x)
    array.reshape(-1)[array.size // 2] = value
    return array


def _check_empty(case: Case, dtype: str) -> None:
    for shape in SHAPES:
        with claim(case.name, f"takes {dtype} inputs of the shape {shape} (elementwise=True)"):
            found = _numbers(case, filled(case.args(dtype), shape))
            wanted = _plainly(_numbers, case, filled(case.args(dtype), shape))
            require_alike(found, wanted, tolerance=1e-5)


# --- threads and processes ---------------------------------------------------------------------


def _check_threads(case: Case, dtype: str, close: float) -> None:
    """Several threads call it at the same time."""
    wanted = _plainly(_numbers, case, case.args(dtype))
    found: list[Any] = []

    def work() -> None:
        try:
            found.append(_numbers(case, case.args(dtype)))
        except BaseException as error:  # noqa: BLE001 - raised below
            found.append(error)

    with claim(case.name, f"computes {dtype} in several threads at once"):
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for each in found:
            if isinstance(each, BaseException):
                raise each
            require_alike(each, wanted, tolerance=close)


def _check_forked(case: Case, dtype: str, close: float) -> None:
    """A process that was forked after the kernel had run, and its own threads."""
    if not hasattr(os, "fork"):
        return
    with claim(case.name, f"computes {dtype} in a forked process"), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that there are threads
        child = os.fork()
        if child == 0:
            status = 1
            try:
                _check_numbers(case, dtype, close)
                _check_threads(case, dtype, close)
                status = 0
            except BaseException:  # noqa: BLE001 - printed, and the parent fails
                traceback.print_exc()
            finally:
                os._exit(status)
        until = time.monotonic() + _PATIENCE
        while True:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                break
            if time.monotonic() > until:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                require(False, f"it did not end within {_PATIENCE:.0f} seconds")
            time.sleep(0.01)
        require(status == 0, "it failed; what it printed says how")


def _check_spawned(name: str, case: Case, options: dict[str, Any], close: float) -> None:
    """A new process, which imports the kernel itself."""
    with claim(case.name, "computes in a spawned process"):
        arrays = [x.array if isinstance(x, Tensor) else x for x in case.inputs]
        details = (name, arrays, options, case.fixed, case.order, close)
        child = multiprocessing.get_context("spawn").Process(target=_spawned, args=details)
        child.start()
        child.join(_PATIENCE)
        hangs = child.is_alive()
        if hangs:
            child.kill()
            child.join()
        require(not hangs, f"it did not end within {_PATIENCE:.0f} seconds")
        require(child.exitcode == 0, "it failed; what it printed says how")


def _spawned(name: str, inputs: Any, options: Any, fixed: Any, order: int, close: float) -> None:
    call = getattr(ops, name)
    case = Case(name, lambda *args: call(*args, **options), inputs, order=order, fixed=fixed)
    with kernels.replaced(name, plugins.get("kernels", name), always=True), _faults_are_errors():
        _check_threads(case, "float32", close)
        _check_numbers(case, "float32", close)
