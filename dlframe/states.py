"""What `load_state_dict` may be given, and loading all of it or nothing.

A state may come from a file of anyone's. `take` compares its entries with forms, functions that
return a value or raise, before anything is changed; `all_or_nothing` puts everything back if a
later step fails.

>>> take({"epoch": 3, "best": None}, "Stopping", epoch=count, best=optional(number))
{'epoch': 3, 'best': None}
>>> take({"epoch": -3}, "Stopping", epoch=count)
Traceback (most recent call last):
dlframe.errors.StateDictError: Stopping: 'epoch' is an integer from 0 to 2**63 - 1; got -3 (int)
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from dlframe.base.printable import error_text, printable
from dlframe.errors import StateDictError
from dlframe.tensor import Tensor

Form = Callable[[Any], Any]


class Unfit(Exception):
    """A value that does not have a form; the message says which form."""

    def __init__(self, form: str, value: Any, inside: str = "") -> None:
        super().__init__(form)
        self.form = form
        self.value = value
        self.inside = inside


def take(state: Any, where: str, /, **forms: Form) -> dict[str, Any]:
    """The entries of a state that have forms; StateDictError for one that is missing or unfit."""
    if not isinstance(state, Mapping):
        raise StateDictError(f"{where}: expected a dict, got {type(state).__name__}")
    missing = [name for name in forms if name not in state]
    if missing:
        keys = printable(sorted(map(str, state)), longest=200)
        raise StateDictError(f"{where}: the state has no {', '.join(missing)}; it has {keys}")
    return {name: check(state[name], form, where, name) for name, form in forms.items()}


def check(value: Any, form: Form, where: str, name: object) -> Any:
    """The value, if it has the form; else StateDictError says where it is."""
    try:
        return form(value)
    except Unfit as unfit:
        raise StateDictError(
            f"{where}: {_short(name)}{unfit.inside} is {unfit.form}; got {_short(unfit.value)} "
            f"({type(unfit.value).__name__})"
        ) from None


def from_elsewhere(value: Any) -> Any:
    """A tensor of another library, such as PyTorch's, as a Tensor; anything else as it is."""
    if isinstance(value, (Tensor, np.ndarray, np.generic)) or not hasattr(value, "__array__"):
        return value
    return Tensor(np.array(value.__array__()))


# --- all faults at once ------------------------------------------------------------------------


class Fault(NamedTuple):
    """One row of a report: where in a state something does not fit, and what is there."""

    place: tuple[object, ...]
    entry: str
    expected: str
    found: str


class Report:
    """Collects what does not fit of a state, to raise all of it at once, as a table.

    Args:
        columns: the titles of the cells that say where in the state an entry is.

    >>> report = Report("group")
    >>> group = {"lr": -1.0, "eps": "small", "momentum": 0.9}
    >>> report.compare(group, 0, lr=not_negative, eps=number, momentum=number, alpha=number)
    {'momentum': 0.9}
    >>> print(report)
    group  entry  expected               found
    0      lr     a number of 0 or more  -1.0 (float)
    0      eps    a finite number        'small' (str)
    0      alpha  a finite number        missing
    """

    LONGEST = 12  # rows
    WIDEST = 44  # characters of a cell

    def __init__(self, *columns: str) -> None:
        self.columns = columns
        self.faults: list[Fault] = []

    def add(self, *place: object, entry: object, expected: str, found: str) -> None:
        """Note that an entry does not fit; `place` has a cell for each column, printed by str."""
        self.faults.append(Fault(place, str(entry), expected, found))

    def compare(self, state: Any, /, *place: object, **forms: Form) -> dict[str, Any]:
        """The entries of a state that have their forms; the others are noted."""
        if not isinstance(state, Mapping):
            self.add(*place, entry="", expected="a dict", found=shown(state))
            return {}
        fit = {}
        for name, form in forms.items():
            value = state.get(name, _MISSING)
            try:
                fit[name] = form(value)
            except Unfit as unfit:
                entry = f"{name}{unfit.inside}"
                self.add(*place, entry=entry, expected=unfit.form, found=shown(unfit.value))
                continue
            if value is _MISSING:
                del fit[name]
                self.add(*place, entry=name, expected="a value", found=shown(value))
        return fit

    def __str__(self) -> str:
        """The table; of many rows the first ones, and how many there are more."""
        titles = (*self.columns, "entry", "expected", "found")
        rows = [(*map(str, place), *rest) for place, *rest in self.faults[: self.LONGEST]]
        rows = [tuple(printable(c, longest=self.WIDEST) for c in row) for row in (titles, *rows)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        more = len(self.faults) - self.LONGEST
        return "\n".join([*lines, *([f"and {more} more"] if more > 0 else [])])


class _Missing:
    def __repr__(self) -> str:
        return "missing"


_MISSING = _Missing()


def shown(value: Any) -> str:
    """A value for a message: a number or text as it is, an array by dtype and shape."""
    if value is _MISSING:
        return "missing"
    array = value.array if isinstance(value, Tensor) else value
    if isinstance(array, np.ndarray) and array.size != 1:
        return f"{array.dtype}{array.shape}"
    return f"{_short(value)} ({type(value).__name__})"


def _short(value: Any) -> str:
    """The beginning of a value's text, or dots where it has none, as a nest that is too deep."""
    try:
        return printable(repr(value), longest=60)
    except Exception:  # noqa: BLE001 - the code of whoever wrote its class
        return "..."


# --- forms -------------------------------------------------------------------------------------


_HIGHEST = (1 << 63) - 1


def integer(low: int, high: int = _HIGHEST) -> Form:
    """An int from `low` to `high`."""
    end = "2**63 - 1" if high == _HIGHEST else str(high)

    def form(value: Any) -> int:
        if type(value) is not int and not isinstance(value, np.integer):
            raise Unfit("an integer", value)
        if not low <= value <= high:
            raise Unfit(f"an integer from {low} to {end}", value)
        return int(value)

    return form


count = integer(0)
"""An int, 0 or more."""


def number(value: Any) -> Any:
    """A number that is neither nan nor infinite."""
    if not _is_number(value) or not math.isfinite(value):
        raise Unfit("a finite number", value)
    return value


def not_negative(value: Any) -> Any:
    """A finite number, 0 or more."""
    if number(value) < 0:
        raise Unfit("a number of 0 or more", value)
    return value


def not_positive(value: Any) -> Any:
    """A number of 0 or less."""
    if number(value) > 0:
        raise Unfit("a number of 0 or less", value)
    return value


def positive(value: Any) -> Any:
    """A finite number above 0."""
    if number(value) <= 0:
        raise Unfit("a number above 0", value)
    return value


def below(limit: float) -> Form:
    """A finite number below a limit."""

    def form(value: Any) -> Any:
        if number(value) >= limit:
            raise Unfit(f"a number below {limit:g}", value)
        return value

    return form


def both(first: Form, second: Form) -> Form:
    """A value of two forms."""
    return lambda value: second(first(value))


def any_number(value: Any) -> Any:
    """A number, also nan and the infinities."""
    if not _is_number(value):
        raise Unfit("a number", value)
    return value


def _is_number(value: Any) -> bool:
    if isinstance(value, (bool, np.bool_)):
        return False
    if isinstance(value, int):
        return -(1 << 1023) < value < 1 << 1023  # else no float holds it
    return isinstance(value, (float, np.integer, np.floating))


def flag(value: Any) -> bool:
    """True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise Unfit("True or False", value)
    return bool(value)


def text(value: Any) -> str:
    """A str."""
    if not isinstance(value, str):
        raise Unfit("a text", value)
    return value


def plain(value: Any) -> Any:
    """Anything: a value that is only kept."""
    return value


def one_of(*values: str) -> Form:
    """One of a few texts."""

    def form(value: Any) -> str:
        if not isinstance(value, str) or value not in values:
            raise Unfit(" or ".join(map(repr, values)), value)
        return value

    return form


def matching(pattern: re.Pattern[str], meaning: str) -> Form:
    """A text that a pattern matches as a whole."""

    def form(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise Unfit(meaning, value)
        return value

    return form


def optional(inner: Form) -> Form:
    """None, or a value of a form."""
    return lambda value: None if value is None else inner(value)


def listed(inner: Form, length: int | None = None) -> Form:
    """A list (a tuple stays one) of values of a form, of a certain length if one is given."""

    def form(value: Any) -> Any:
        if not isinstance(value, (list, tuple)):
            raise Unfit("a list", value)
        if length is not None and len(value) != length:
            raise Unfit(f"a list of {length}", value)
        entries = (_inside(inner, entry, i) for i, entry in enumerate(value))
        return tuple(entries) if isinstance(value, tuple) else list(entries)

    return form


def mapping(inner: Form, keys: Form = text) -> Form:
    """A dict whose values have a form."""

    def form(value: Any) -> dict[Any, Any]:
        if not isinstance(value, Mapping):
            raise Unfit("a dict", value)
        return {keys(key): _inside(inner, entry, key) for key, entry in value.items()}

    return form


def array(dtype: Any, shape: tuple[int, ...] | None = None, ndim: int | None = None) -> Form:
    """An array or tensor, as an array, of one dtype and of a shape or number of dimensions."""
    wanted = np.dtype(dtype)
    named = f"an array of {wanted}" + (f" with shape {shape}" if shape is not None else "")

    def form(value: Any) -> np.ndarray[Any, Any]:
        given = value.array if isinstance(value, Tensor) else value
        if not isinstance(given, np.ndarray) or given.dtype != wanted:
            raise Unfit(named, value)
        if given.shape != (given.shape if shape is None else shape):
            raise Unfit(named, value)
        if ndim is not None and given.ndim != ndim:
            raise Unfit(f"{named} of {ndim} dimensions", value)
        return given

    return form


def numbers(ndim: int | None = None) -> Form:
    """An array or tensor of numbers of any dtype and size, as an array."""

    def form(value: Any) -> np.ndarray[Any, Any]:
        given = value.array if isinstance(value, Tensor) else value
        if not isinstance(given, np.ndarray) or given.dtype.kind not in "biufc":
            raise Unfit("an array of numbers", value)
        if ndim is not None and given.ndim != ndim:
            raise Unfit(f"an array of {ndim} dimensions", value)
        return given

    return form


def tensor(shape: tuple[int, ...]) -> Form:
    """A Tensor of a shape."""

    def form(value: Any) -> Any:
        if not isinstance(value, Tensor) or value.array.shape != shape:
            raise Unfit(f"a tensor of shape {shape}", value)
        return value

    return form


def _inside(form: Form, value: Any, place: Any) -> Any:
    try:
        return form(value)
    except Unfit as unfit:
        raise Unfit(unfit.form, unfit.value, f"[{place!r}]{unfit.inside}") from None


# --- all or nothing ----------------------------------------------------------------------------


@contextmanager
def all_or_nothing(where: str, *parts: Any) -> Iterator[None]:
    """Give the parts their old attributes back, and raise StateDictError, if the block fails.

    Attributes are compared by identity and not copied: what a block changes in place, it must
    check before.
    """
    before = [(holder, dict(vars(holder))) for part in parts for holder in holders(part)]
    try:
        yield
    except BaseException as error:
        for holder, attributes in before:
            vars(holder).clear()
            vars(holder).update(attributes)
        if isinstance(error, StateDictError) or not isinstance(error, Exception):
            raise
        raise StateDictError(f"{where}: nothing was changed: {error_text(error)}") from error


def holders(part: Any) -> Iterable[Any]:
    """The objects whose attributes a part's `load_state_dict` sets: itself, and those it names."""
    own = getattr(part, "_state_holders", None)
    if own is not None:
        return own()  # type: ignore[no-any-return] # a list of objects
    return [part] if hasattr(part, "__dict__") else []
