"""Takes a saved state apart for an optimizer: whose is what, and a report of all that does not fit.

`checked_state` returns what `Optimizer.load_state_dict` takes over, and changes nothing. It goes
through the whole state before it raises, so that one message has every fault, a row for each.
"""

from __future__ import annotations

import copy
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlframe import states
from dlframe.base import nests
from dlframe.base.printable import printable
from dlframe.errors import StateDictError
from dlframe.nn.locating import level_of_user
from dlframe.nn.parameter import is_lazy
from dlframe.optim.layout import NUMBERS
from dlframe.optim.safety import known_names
from dlframe.tensor import Tensor

if TYPE_CHECKING:
    from dlframe.optim.optimizer import Optimizer

Group = dict[str, Any]

_GROUPS = states.listed(states.mapping(states.plain))
UNSPECIFIC = {
    *("params", "param_names", "initial_lr", "maximize", "decoupled_weight_decay"),
    *("foreach", "fused", "capturable", "differentiable"),
}
"""Options that say nothing about the class that has them."""

# the first words of PyTorch's errors
_COUNT = "loaded state dict has a different number of parameter groups"
_SIZES = (
    "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
)
_ORDER = "the parameter groups are in another order"


class _Place(NamedTuple):
    """One parameter of the optimizer: the number of its group, its own one, and its name."""

    group: int
    number: int
    name: str | None
    p: Tensor


def checked_state(optimizer: Optimizer, state_dict: Any, where: str) -> dict[str, Any]:
    """The state and the groups for `optimizer.__setstate__`.

    Raises:
        StateDictError: with a table of all that does not fit.
    """
    given = states.take(
        state_dict, where, state=states.mapping(states.plain, states.plain), param_groups=_GROUPS
    )
    groups: list[Group] = [
        nests.map_leaves(states.from_elsewhere, group)
        for group in copy.deepcopy(given["param_groups"])
    ]
    for i, group in enumerate(groups):
        _check_lists(f"{where}, group {i}", group)
    report = _Report(optimizer, groups)
    of_number = report.match()
    usable = []  # the options by which to see what state is needed
    for i, (ours, saved) in enumerate(zip(optimizer.param_groups, groups, strict=False)):
        usable.append({**ours, **report.compare_options(i, saved)})
        saved["params"] = ours["params"]
        if "param_names" in ours:  # the names that the parameters have now
            saved["param_names"] = ours["param_names"]
    state: defaultdict[Any, Any] = defaultdict(dict)
    for key, value in given["state"].items():
        place = of_number.get(key)
        if place is not None:
            state[place.p] = report.compare_state(place, value, usable)
        elif type(key) is int and not report.misplaced:
            report.add("", key, entry="state", expected="a number that a group lists", found="none")
        elif type(key) is not int:  # not about one parameter
            state[key] = value
    report.raise_faults(where)
    return {"state": state, "param_groups": groups}


def _check_lists(where: str, saved: Group) -> None:
    states.take(saved, where, params=states.listed(states.count))
    if "param_names" in saved:
        names = states.listed(states.text, len(saved["params"]))
        states.take(saved, where, param_names=names)


class _Report(states.Report):
    """What does not fit of a saved state, group by group and parameter by parameter."""

    def __init__(self, optimizer: Optimizer, saved: Sequence[Group]) -> None:
        super().__init__("group", "parameter")
        self.optimizer, self.saved = optimizer, saved
        self.places = list(_places(optimizer.param_groups))
        self.options = [set(map(str, group)) for group in saved]
        self.known: dict[int, str] | None = None  # names of parameters, looked up for a fault
        self.misplaced = ""  # why parameters cannot be found, in PyTorch's words if it has some
        self.lazy = False  # whether there is state for a parameter without a size
        self.shapes: list[tuple[Any, Any]] = []  # of a parameter, and of state that does not fit

    # --- whose is what -------------------------------------------------------------------------

    def match(self) -> dict[Any, _Place]:
        """The parameters by their numbers in the saved groups."""
        ours, theirs = self.optimizer.param_groups, self.saved
        numbers = list(chain.from_iterable(group["params"] for group in theirs))
        names = [place.name for place in self.places]
        named = all("param_names" in group for group in theirs) and None not in names
        known = list(chain.from_iterable(group.get("param_names", ()) for group in theirs))
        if len(ours) != len(theirs):
            self.misplaced = _COUNT
            self._add_count("", "param_groups", "group", len(ours), len(theirs))
        if named and Counter(known) == Counter(names) and len(set(names)) == len(names):
            self._compare_order()
            by_name = {place.name: place for place in self.places}
            return dict(zip(numbers, map(by_name.__getitem__, known), strict=True))
        for i, (group, saved) in enumerate(zip(ours, theirs, strict=False)):
            if len(group["params"]) != len(saved["params"]):
                self.misplaced = self.misplaced or _SIZES
                here, there = len(group["params"]), len(saved["params"])
                self._add_count(i, "params", "parameter", here, there)
        if named:
            self._compare_names(names, known)
        if self.misplaced:
            return {}
        found = dict(zip(numbers, self.places, strict=True))
        if len(found) != len({id(place.p) for place in self.places}):
            self.misplaced = "two parameters have one number"
            self.add("", "", entry="params", expected="a number for each", found="one twice")
        return found

    def _add_count(self, group: object, entry: str, what: str, ours: int, theirs: int) -> None:
        expected, found = (f"{n} {what}{'' if n == 1 else 's'}" for n in (ours, theirs))
        self.add(group, "", entry=entry, expected=expected, found=found)

    def _compare_order(self) -> None:
        """Refuse groups that only changed places, since options and schedules go by position."""
        ours = [set(group["param_names"]) for group in self.optimizer.param_groups]
        theirs = [set(group["param_names"]) for group in self.saved]
        for i, names in enumerate(ours):
            if names and names in theirs and names not in theirs[i : i + 1]:
                self.misplaced = self.misplaced or _ORDER
                found = f"those of group {ours.index(theirs[i])}" if theirs[i] in ours else "others"
                expected = f"those of the saved group {theirs.index(names)}"
                self.add(i, "", entry="param_names", expected=expected, found=found)

    def _compare_names(self, ours: Sequence[str | None], theirs: Sequence[str]) -> None:
        """Names that differ: positions decide, if no name that both know is elsewhere then."""
        if ours == theirs:  # with one name twice
            return
        common = set(ours) & set(theirs)
        moved = [a for a, b in zip(ours, theirs, strict=False) if a != b and {a, b} & common]
        unknown = [name for name in theirs if name not in common]
        if not moved and not self.misplaced:
            warnings.warn(
                "load_state_dict: the state names parameters that this optimizer does not have "
                f"({printable(unknown, longest=200)}), so parameters are matched by position",
                stacklevel=level_of_user(),
            )
            return
        self.misplaced = self.misplaced or "the names of the parameters differ"
        for place in self.places:
            if place.name not in common:
                self.add(*self._cells(place), entry="", expected="its name", found="missing")
        for i, group in enumerate(self.saved):
            for name in group["param_names"]:
                if name not in common:
                    self.add(i, name, entry="", expected="no such name", found="a parameter")

    # --- what it has ---------------------------------------------------------------------------

    def compare_options(self, i: int, saved: Group) -> Group:
        """The options of a saved group that make sense; the others are noted.

        An option that the class does not have may mean anything to a class of one's own.
        """
        optimizer = self.optimizer
        needed = optimizer.defaults.keys() - optimizer._optional_options.keys()
        known = needed | (saved.keys() & {*optimizer.defaults, "initial_lr"})
        forms = {name: form for name, form in optimizer._option_forms.items() if name in known}
        return self.compare(saved, i, "", **forms)

    def compare_state(self, place: _Place, value: Any, groups: Sequence[Group]) -> Any:
        """A copy of a parameter's state for the optimizer; what does not fit is noted."""
        cells = self._cells(place)
        if is_lazy(place.p):
            if value:
                self.lazy = True
                self.add(*cells, entry="", expected="no state, as it has no size yet", found="some")
            return {}
        try:
            entry = _copied(value, place.p)
        except states.Unfit as unfit:
            self.add(
                *cells, entry=unfit.inside, expected=unfit.form, found=states.shown(unfit.value)
            )
            return {}
        if place.group >= len(groups):
            return entry
        whole = entry if isinstance(entry, Mapping) else {}
        forms = self.optimizer._state_forms(groups[place.group], place.p, whole)
        if forms is not None:
            before = len(self.faults)
            self.compare(entry, *cells, **forms)
            arrays = [whole.get(fault.entry) for fault in self.faults[before:]]
            found = [x.array.shape for x in arrays if isinstance(x, Tensor)]
            self.shapes += [(place.p.array.shape, shape) for shape in found[:1]]
        return entry

    def _cells(self, place: _Place) -> tuple[object, object]:
        return place.group, _Cell(self, place)

    def named(self, place: _Place) -> str:
        """A parameter by its name, else its number, and its shape."""
        if self.known is None:
            self.known = known_names(self.optimizer, [one.p for one in self.places])
        name = self.known.get(id(place.p), str(place.number))
        return name if is_lazy(place.p) else f"{name} {list(place.p.array.shape)}"

    # --- saying it -----------------------------------------------------------------------------

    def raise_faults(self, where: str) -> None:
        """Raise StateDictError, if something does not fit."""
        if not self.faults:
            return
        words = f"{self.misplaced}. " if self.misplaced else ""
        does = (
            "1 entry of the state does"
            if len(self.faults) == 1
            else (f"{len(self.faults)} entries of the state do")
        )
        raise StateDictError(
            f"{words}{where}: {does} not fit, and nothing was changed{self._cause()}\n{self}"
        )

    def _cause(self) -> str:
        """What is likely the reason of all faults."""
        known = set.intersection(*self.options) - UNSPECIFIC if self.options else set()
        kinds = self.optimizer._classes_with(known)
        if kinds and type(self.optimizer).__name__ not in kinds:
            return f". The options are those of {' or '.join(kinds)}, another optimizer."
        expected, found = (
            (Counter(shapes) for shapes in zip(*self.shapes)) if self.shapes else (0, 1)
        )
        if self.misplaced == _ORDER:
            return ". Give them in the order in which they were saved."
        if self.lazy:
            return (
                ". A lazy module takes its sizes from its first input: call the model once before."
            )
        if expected == found:
            return ". The parameters were probably given in another order."
        if self.shapes or self.misplaced:
            return (
                ". The state belongs to another model, or the parameters were given in another "
                "order or in other groups."
            )
        return "."


class _Cell(NamedTuple):
    """A parameter's cell in a table: names are looked up when it is printed."""

    report: _Report
    place: _Place

    def __str__(self) -> str:
        return self.report.named(self.place)


def _places(groups: Sequence[Group]) -> Iterator[_Place]:
    number = 0
    for i, group in enumerate(groups):
        names = group.get("param_names", [None] * len(group["params"]))
        for name, p in zip(names, group["params"], strict=True):
            yield _Place(i, number, name, p)
            number += 1


# --- copies ------------------------------------------------------------------------------------


def _copied(value: Any, p: Tensor, key: str = "") -> Any:
    """A deep copy of saved state: arrays become tensors, those of the parameter in its dtype."""
    if isinstance(value, dict):
        return nests.rebuilt(value, [_copied(v, p, k) for k, v in value.items()])
    return nests.map_leaves(lambda x: _fitting(x, p, key), value)


def _fitting(value: Any, p: Tensor, key: str) -> Any:
    if not hasattr(value, "__array__") and not isinstance(value, Tensor):
        return value
    array = np.array(value.array if isinstance(value, Tensor) else value.__array__())
    if array.dtype.kind not in "biuf":
        raise states.Unfit("real numbers", array, str(key))
    return Tensor(array if key in NUMBERS else array.astype(p.array.dtype, copy=False))
