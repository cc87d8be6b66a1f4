"""Compiled kernels: packages that compute operations faster, and nothing else.

A kernel computes the values of one operation, or of one of its gradients, on arrays. It comes from
another package, which names the operation in its `pyproject.toml`::

    [project.entry-points."dlframe.kernels"]
    gelu = "dlframe_numba.activation:gelu"

Nothing is searched or imported before it is needed: an operation looks for its kernel when it is
called first, and the kernel is imported when the first large array arrives. A kernel says
`NotImplemented` to what it does not know, and the plain operation answers. It does so, too, after
one warning, where a kernel cannot be imported or fails.

`DLFRAME_KERNELS=0` in the environment switches all kernels off; `flags` does so for a block:

>>> from dlframe import kernels
>>> with kernels.flags(enabled=False):
...     kernels.is_enabled()
False
"""

from __future__ import annotations

import functools
import os
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import index
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from dlframe.base.printable import error_text, printable

if TYPE_CHECKING:
    from dlframe.plugins import Entry

__all__ = [
    "Kernel",
    "flags",
    "in_use",
    "installed",
    "is_available",
    "is_enabled",
    "problems",
    "replaced",
    "runs",
    "set_enabled",
]

INTERFACE = 1
"""What kernels are given and give back; it is raised when the residuals of an operation change."""

FEW = 16384
"""Elements: no package is imported for smaller arrays. Afterwards each kernel has its own limit."""

_DOORS = ("forward", "fast_forward", "fast_backward", "update")

Function = Callable[..., Any]
F = TypeVar("F", bound=Function)
ndarray = np.ndarray


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """What a package offers for one operation; every function may be left out.

    A function returns `NotImplemented` for arguments that it leaves to the plain operation. It gets
    arrays of a native dtype, aligned, of any memory order, and must not write to them.

    Args:
        forward: takes what the operation takes, arrays instead of tensors, and gives its value.
        fast_forward: the same with `residuals`, in the form that the operation's own
            `fast_forward` has: `(value, residuals)`.
        fast_backward: `(g, needs, …)` as in the notation of operations (`dlframe.ops.op`); it may
            name what the operation's rules and its own `fast_backward` name.
        update: for an optimizer, under the name of its class: takes the arguments of the function
            in its file that changes the arrays of a block in place. It must decline or fail before
            it has written anything.
        smallest: the fewest elements of the first array, or of `g` (where that is one number, of
            the value after `needs`), for which calling it pays.
        interface: the `INTERFACE` of dlframe that the package was made for.

    >>> import numpy as np
    >>> from dlframe.kernels import Kernel
    >>> Kernel(forward=lambda x: np.tanh(x)).smallest
    2048
    """

    forward: Function | None = None
    fast_forward: Function | None = None
    fast_backward: Function | None = None
    update: Function | None = None
    smallest: int = 2048
    interface: int = INTERFACE


# --- the switch --------------------------------------------------------------------------------

_VARIABLE = "DLFRAME_KERNELS"


class _Switch:
    """Whether kernels are used, in the whole process."""

    on = os.environ.get(_VARIABLE, "").strip().lower() not in ("0", "off", "false", "no")


def is_enabled() -> bool:
    """Whether kernels are used where there are any."""
    return _Switch.on


def set_enabled(enabled: bool) -> None:
    """Use kernels from now on, or do not, in the whole process.

    >>> from dlframe import kernels
    >>> before = kernels.is_enabled()
    >>> kernels.set_enabled(False)
    >>> kernels.set_enabled(before)
    """
    if enabled and not _Switch.on:
        _start_again()  # operations that were called meanwhile have not looked
    _Switch.on = bool(enabled)


@contextmanager
def flags(enabled: bool = True) -> Iterator[None]:
    """A block in which kernels are used, or are not; for the whole process, as PyTorch's flags.

    >>> import dlframe as dl
    >>> from dlframe import kernels
    >>> x = dl.randn(100, 100)
    >>> with kernels.flags(enabled=False):
    ...     plain = dl.nn.functional.gelu(x)
    >>> bool(((plain - dl.nn.functional.gelu(x)).abs() < 1e-5).all())
    True
    """
    before = _Switch.on
    set_enabled(enabled)
    try:
        yield
    finally:
        set_enabled(before)


# --- what is installed -------------------------------------------------------------------------


def is_available() -> bool:
    """Whether any kernel is installed, or registered by this program."""
    return bool(installed())


def installed() -> list[Entry]:
    """The entries of all kernels that are installed or registered; imports none of them.

    >>> from dlframe import kernels
    >>> all(entry.kind == "kernels" for entry in kernels.installed())
    True
    """
    from dlframe import plugins  # on first use: it looks through all packages

    return [entry for entry, _ in plugins.describe("kernels")]


def runs() -> Counter[str]:
    """How often kernels have computed since the program began, by name and function.

    >>> from dlframe import kernels
    >>> kernels.runs()["a name that no kernel has: forward"]
    0
    """
    return Counter(_runs)


def in_use(names: Iterable[str]) -> dict[str, list[str]]:
    """Which of these operations compiled kernels may compute now, by the kernels' package.

    >>> from dlframe import kernels
    >>> kernels.in_use(["no such operation"])
    {}
    """
    found: dict[str, list[str]] = {}
    for name in sorted(set(names)):
        slot = _slots.get(name)
        if _Switch.on and slot is not None and slot._doors:
            found.setdefault(slot.owner, []).append(name)
    return found


def problems() -> list[str]:
    """The kernels that are installed under a name that no operation and no optimizer has.

    >>> from dlframe import kernels
    >>> all("has a kernel" in problem for problem in kernels.problems())
    True
    """
    from dlframe.errors import did_you_mean

    return [
        printable(f"{entry.owner} has a kernel for {entry.name!r}, which dlframe has not.")
        + did_you_mean(entry.name, sorted(NAMES), most=3)
        for entry in installed()
        if entry.name not in NAMES
    ]


def _mentioned() -> bool:
    """Whether the metadata of any package has the group; a glance that takes a millisecond.

    `plugins` reads them all with care, which takes ten times as long.
    """
    from dlframe import plugins

    if forget not in plugins.listeners:
        plugins.listeners.append(forget)
    return plugins.is_mentioned("kernels")


# --- one kernel --------------------------------------------------------------------------------

_lock = threading.RLock()
_slots: dict[str, Slot | None] = {}  # by the name of the operation or optimizer
_again: list[Callable[[], None]] = []  # what makes operations look once more
_warned: set[str] = set()
_runs: Counter[str] = Counter()
NAMES: set[str] = set()
"""The names under which kernels are looked for: those of operations, and others."""
_imported: set[str] = set()  # the packages of which a kernel was imported


class Slot:
    """The place of a kernel for one operation: empty until the first large array comes."""

    def __init__(self, name: str, load: Callable[[], Any], owner: str) -> None:
        self.name, self.owner = name, owner
        self.smallest = 0 if owner in _imported else FEW
        self.always = False  # whether it is asked for arrays of any size
        self.adapt: dict[str, Callable[[Function], Function]] = {}
        self._load: Callable[[], Any] | None = load
        self._doors: dict[str, Function] = {}

    def door(self, door: str) -> Function | None:
        """A function of the kernel, which is imported now; None if it has none, or was given up."""
        if self._load is not None:
            with _lock:
                if self._load is not None:
                    self._open(self._load)
                    self._load = None
        return self._doors.get(door)

    def _open(self, load: Callable[[], Any]) -> None:
        try:
            kernel = load()
            doors = {door: getattr(kernel, door, None) for door in _DOORS}
            if not any(doors.values()):
                raise TypeError(f"{kernel!r} has none of the functions {', '.join(_DOORS)}")
            made_for = getattr(kernel, "interface", INTERFACE)
            if made_for != INTERFACE:
                age = "an older" if made_for < INTERFACE else "a newer"
                raise RuntimeError(f"it was made for {age} dlframe: install a version that fits")
            self.smallest = 0 if self.always else index(getattr(kernel, "smallest", 0))
            made = {
                door: self.adapt.get(door, _unchanged)(function)
                for door, function in doors.items()
                if function is not None
            }
        except Exception as error:  # noqa: BLE001 - whatever a foreign package does
            self.give_up(error)
        else:
            self._doors = made
            _imported.add(self.owner)
            for slot in list(_slots.values()):  # those of the same package cost no more than this
                if slot not in (None, self) and slot.owner == self.owner and slot._load is not None:
                    slot.smallest = 0

    def give_up(self, error: Exception) -> None:
        """Do not call the kernel again; says so once for each package and fault."""
        self._doors = {}
        cause = error.__cause__ or error
        text = error_text(cause)
        if f"{self.owner}: {text}" in _warned:
            return
        _warned.add(f"{self.owner}: {text}")
        _warn(
            f"the kernel {self.name!r} of {self.owner} cannot be used, and the plain operation "
            f"runs instead: {text}. Repair or uninstall the package, or set {_VARIABLE}=0."
        )


def warn_again() -> None:
    """Tell of every fault once more."""
    _warned.clear()


def _unchanged(function: Function) -> Function:
    return function


def _warn(message: str) -> None:
    warnings.warn(printable(message), RuntimeWarning, stacklevel=2)


def slot_of(name: str) -> Slot | None:
    """The place of the kernel for an operation or optimizer, if there is one."""
    with _lock:
        if name not in _slots:
            _slots[name] = _find(name)
        return _slots[name]


def _find(name: str) -> Slot | None:
    if not _mentioned():
        return None
    from dlframe import plugins

    found = [entry for entry in installed() if entry.name == name]
    if not found:
        return None
    if len(found) > 1:
        owners = " and ".join(entry.owner for entry in found)
        if owners not in _warned:
            _warned.add(owners)
            _warn(
                f"two packages have a kernel {name!r}: {owners}. None of them is used; uninstall "
                f"one, or set {_VARIABLE}=0."
            )
        return None
    entry = found[0]
    return Slot(name, lambda: plugins.get("kernels", f"{entry.package}:{name}"), entry.owner)


# --- calls -------------------------------------------------------------------------------------

_NATIVE = frozenset(np.dtype(c) for c in "?bBhHiIlLqQefdgFDG")
_PLAIN = frozenset((int, float, bool, str, bytes, type(None), slice, type, np.dtype))


def plain_arrays(values: Iterable[Any]) -> bool:
    """Whether compiled code may read these: aligned arrays of native numbers, and no others.

    Not so batched arrays of `vmap`, subclasses of ndarray, and arrays of objects or swapped bytes.
    """
    for x in values:
        kind = type(x)  # batched arrays say in `__class__` that they are arrays
        if kind is ndarray:
            if x.dtype not in _NATIVE or not x.flags.aligned:
                return False
        elif kind in _PLAIN:
            continue
        elif isinstance(x, (tuple, list)):
            if not plain_arrays(x):
                return False
        elif isinstance(x, dict):
            if not plain_arrays(x.values()):
                return False
        elif getattr(kind, "__array_ufunc__", None) is not None and not isinstance(x, np.generic):
            return False
    return True


def guarded(
    slot: Slot, door: str, plain: Function, adapted: Callable[[Function], Function] | None = None
) -> Function:
    """`plain`, but through a function of the kernel where that takes the arguments.

    `adapted` makes of the kernel's function one that takes its arguments as `plain` does.
    """
    if adapted is not None:
        slot.adapt[door] = adapted
    counted, back, calls = f"{slot.name}: {door}", door == "fast_backward", 0

    def call(*args: Any, **options: Any) -> Any:
        nonlocal calls
        if not _Switch.on or not args:
            return plain(*args, **options)
        first = args[0]
        if type(first) is tuple and first:
            first = first[0]  # the gradients of several results
        elif back and type(first) is ndarray and first.size == 1 and len(args) > 2:
            first = args[2]  # what a loss kept
        if type(first) is not ndarray or first.size < slot.smallest:
            return plain(*args, **options)
        function = slot.door(door)
        if (
            function is None
            or first.size < slot.smallest
            or not plain_arrays(args)
            or not plain_arrays(options.values())
        ):
            return plain(*args, **options)
        try:
            with np.errstate(all="ignore"):  # nan and infinity are results
                out = function(*args, **options)
        except MemoryError:
            return plain(*args, **options)
        except Exception as error:  # noqa: BLE001 - whatever a foreign package does
            slot.give_up(error)
            return plain(*args, **options)
        if out is NotImplemented:
            return plain(*args, **options)
        if door != "update" and not isinstance(out, (ndarray, tuple, np.generic)):
            slot.give_up(TypeError(f"{counted} gave {type(out).__name__}, no array"))
            return plain(*args, **options)
        calls += 1
        _runs[counted] += 1
        # the 1st call, the 2nd, 4th, 8th ...: so few that they take no time beside all others
        if not calls & (calls - 1) and door != "update" and not slot.always:
            return _compared(slot, counted, out, plain(*args, **options))
        return out

    return call


def _compared(slot: Slot, counted: str, out: Any, expected: Any) -> Any:
    """`out` of a kernel, or the plain result if that has other shapes or dtypes."""
    both = (out[0], expected[0]) if counted.endswith("fast_forward") else (out, expected)
    found, wanted = map(_forms, both)
    same = len(found) == len(wanted) and all(
        a == b or a is None or b is None for a, b in zip(found, wanted, strict=True)
    )
    if same:
        return out
    slot.give_up(TypeError(f"{counted} gave {found}, where the operation gives {wanted}"))
    return expected


def _forms(values: Any) -> list[Any]:
    """Shape and dtype of each array; None for one that is not there."""
    return [
        None if x is None else (np.shape(x), str(np.asarray(x).dtype))
        for x in (values if isinstance(values, (tuple, list)) else [values])
    ]


def replaceable(name: str, door: str = "forward") -> Callable[[F], F]:
    """Decorate a function that is no operation, so that a kernel may compute in its place.

    The kernel's function for `door` takes what the decorated one takes.
    """

    def decorate(plain: F) -> F:
        NAMES.add(name)
        target: Function | None = None

        def forget_target() -> None:
            nonlocal target
            target = None

        @functools.wraps(plain)
        def call(*args: Any, **options: Any) -> Any:
            nonlocal target
            if target is None:
                slot = slot_of(name) if _Switch.on else None
                target = plain if slot is None else guarded(slot, door, plain)
                look_again_by(forget_target)
            return target(*args, **options)

        return call  # type: ignore[return-value] # it takes what `plain` takes

    return decorate


# --- looking again -----------------------------------------------------------------------------


def look_again_by(again: Callable[[], None]) -> None:
    """Call `again` once when other kernels may be there."""
    _again.append(again)


def _start_again() -> None:
    """Have all operations look for a kernel when they are called next."""
    with _lock:
        waiting, _again[:] = _again[:], []
        for again in waiting:
            again()


def forget() -> None:
    """Look for kernels anew: packages were installed, or a kernel was registered."""
    with _lock:
        _slots.clear()
    _start_again()


@contextmanager
def replaced(name: str, kernel: Any, *, always: bool = False) -> Iterator[None]:
    """A block in which an operation or optimizer has this kernel, whatever is installed.

    Args:
        name: of an operation, or of an optimizer's class.
        kernel: a `Kernel`, or another object that has functions of these names; None for none.
        always: ask it for arrays of any size, not only from `Kernel.smallest` on.

    >>> import numpy as np
    >>> from dlframe import kernels, ops
    >>> twice = kernels.Kernel(forward=lambda x: x + x, smallest=1)
    >>> with kernels.replaced("exp", twice):
    ...     ops.exp(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    before = slot_of(name)
    _put(name, None if kernel is None else Slot(name, lambda: kernel, "this program"))
    slot = _slots[name]
    if slot is not None:
        slot.smallest, slot.always = 0, always
    try:
        yield
    finally:
        _put(name, before)


def _put(name: str, slot: Slot | None) -> None:
    with _lock:
        _slots[name] = slot
    _start_again()


def _after_fork() -> None:
    """In a forked process: another thread may have held the lock, and is not here."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
