"""What is varied: factors and their levels, and the arms that a design makes of them."""

from __future__ import annotations

import inspect
import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dlframe.errors import ArgumentError, did_you_mean
from dlframe.study.identity import Plain, resolved

Levels = Sequence[Any] | Mapping[str, Any]

FOLDER = "folder"  # the parameter of a run that is given a folder, and not varied


@dataclass(frozen=True)
class Level:
    """One value of a factor, and its name in tables."""

    name: str
    value: Any
    plain: Plain

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Level) and self.plain == other.plain

    def __hash__(self) -> int:
        return hash(str(self.plain))


@dataclass(frozen=True)
class Arm:
    """One choice of levels: what is compared with other arms."""

    levels: Mapping[str, Level]
    label: str

    @property
    def config(self) -> dict[str, Any]:
        """The arguments for the function that makes a run."""
        return {factor: level.value for factor, level in self.levels.items()}

    @property
    def names(self) -> dict[str, str]:
        """The names of the levels, by factor."""
        return {factor: level.name for factor, level in self.levels.items()}


@dataclass(frozen=True)
class Random:
    """A design of `arms` different arms, drawn from all combinations; Bergstra and Bengio 2012."""

    arms: int
    seed: int = 0


SAY_NOTHING = ("none", "default", "off", "on")  # words that need the name of their factor

DESIGNS = ("grid", "one at a time", "without one")

Design = str | Random


# --- factors -----------------------------------------------------------------------------------


def factors_of(
    run: Callable[..., Any], factors: Mapping[str, Levels], where: str = "study"
) -> dict[str, list[Level]]:
    """The levels of each factor, checked against the parameters of the function.

    Raises:
        ArgumentError: a factor that is no parameter, without levels, or with two equal ones.
    """
    if not isinstance(factors, Mapping) or not factors:
        raise ArgumentError(
            f"{where}: factors is a dict from parameters of the function to their levels, such as "
            f'{{"optimizer": ["SGD", "Adam"]}}; got {factors!r:.80}'
        )
    known = parameters(run)
    found = {}
    for factor, given in factors.items():
        if factor not in known:
            raise ArgumentError(
                f"{where}: {run.__name__}() has no parameter {factor!r}; it has "
                f"{', '.join(known) or 'none but seeds'}.{did_you_mean(str(factor), known)}"
            )
        found[factor] = levels_of(where, factor, given)
    return found


def levels_of(where: str, factor: str, given: Levels) -> list[Level]:
    """The levels of one factor; a dict names them."""
    if isinstance(given, str) or not isinstance(given, (Sequence, Mapping)) or not given:
        raise ArgumentError(
            f"{where}: the levels of {factor!r} are a list, or a dict from names to values; got "
            f"{given!r:.80}"
        )
    pairs = given.items() if isinstance(given, Mapping) else ((name_of(v), v) for v in given)
    levels = [
        Level(str(name), value, resolved(f"{where}: {factor}", value)) for name, value in pairs
    ]
    for first, second in itertools.combinations(levels, 2):
        if first.name == second.name or first == second:
            raise ArgumentError(
                f"{where}: {factor!r} has the level {second.name!r} twice; values that are written "
                'alike need names: {"one": value, "other": value}'
            )
    return levels


def name_of(value: Any) -> str:
    """How a level is written in a table.

    >>> name_of(0.1), name_of(int), name_of(None), name_of([25, 25])
    ('0.1', 'int', 'none', '25-25')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)) and value and all(isinstance(n, int) for n in value):
        return "-".join(map(str, value))
    return str(getattr(value, "__name__", value))


def parameters(run: Callable[..., Any]) -> dict[str, Any]:
    """The parameters of a run beside `seeds` and `folder=None`, with their defaults.

    Raises:
        ArgumentError: the function does not take `seeds`, or takes arguments by position only.
    """
    try:
        found = dict(inspect.signature(run).parameters)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"study: run must be a function; got {run!r:.80}") from error
    if "seeds" not in found:
        raise ArgumentError(
            f"study: {getattr(run, '__name__', run)}() needs a parameter `seeds`: each run takes "
            "its random numbers from them, as in dl.manual_seed(seeds.weights)"
        )
    del found["seeds"]
    for name, parameter in found.items():
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL,
                              parameter.VAR_KEYWORD):  # fmt: skip
            raise ArgumentError(
                f"study: {run.__name__}() takes {name!r} not by name; every factor is a named "
                "parameter with a default, which is its value where it is not varied"
            )
    if FOLDER in found and found[FOLDER].default is None:
        del found[FOLDER]
    return {name: parameter.default for name, parameter in found.items()}


def takes_folder(run: Callable[..., Any]) -> bool:
    """Whether a run can be given a folder of its own: it has the parameter `folder=None`."""
    found = inspect.signature(run).parameters.get(FOLDER)
    return found is not None and found.default is None


# --- arms --------------------------------------------------------------------------------------


def arms_of(
    factors: Mapping[str, list[Level]], baseline: Mapping[str, Level], design: Design
) -> list[Arm]:
    """The arms of a design, the baseline first where it is among them.

    "grid" has all combinations. "one at a time" has the baseline, and each other level of each
    factor in its place. "without one" has the baseline, and for each factor its first level in
    place of the baseline's: an ablation, if the first level is the one that does without. `Random`
    draws some of the combinations.

    Raises:
        ArgumentError: another design, or more random arms than there are combinations.
    """
    if isinstance(design, Random):
        return _drawn(factors, design)
    if design not in DESIGNS:
        raise ArgumentError(
            f"study: design is one of {', '.join(DESIGNS)}, or study.Random(arms=20); got "
            f"{design!r}.{did_you_mean(str(design), DESIGNS)}"
        )
    if design == "grid":
        return [_arm(factors, choice) for choice in _combinations(factors)]
    chosen = [dict(baseline)]
    for factor, levels in factors.items():
        others = levels if design == "one at a time" else levels[:1]
        chosen += [{**baseline, factor: level} for level in others if level != baseline[factor]]
    return [_arm(factors, choice, baseline) for choice in chosen]


def _combinations(factors: Mapping[str, list[Level]]) -> Iterator[dict[str, Level]]:
    for choice in itertools.product(*factors.values()):
        yield dict(zip(factors, choice, strict=True))


def _drawn(factors: Mapping[str, list[Level]], design: Random) -> list[Arm]:
    sizes = [len(levels) for levels in factors.values()]
    total = 1
    for size in sizes:
        total *= size
    if not 1 <= design.arms <= total:
        raise ArgumentError(
            f"study: Random(arms={design.arms}) of {total} combinations; draw from 1 to {total}"
        )
    arms = []
    # Which combinations are drawn must not depend on Python's version: `randrange` alone is fixed.
    stream, numbers = random.Random(design.seed), dict[int, None]()
    while len(numbers) < design.arms:
        numbers[int(stream.random() * total)] = None
    for number in numbers:
        choice, rest = {}, number
        for factor, levels in factors.items():
            rest, index = divmod(rest, len(levels))
            choice[factor] = levels[index]
        arms.append(_arm(factors, choice))
    return arms


def _arm(
    factors: Mapping[str, list[Level]],
    choice: dict[str, Level],
    baseline: Mapping[str, Level] | None = None,
) -> Arm:
    """An arm, labelled by what tells it from the others."""
    if baseline is None:
        telling = {f: level for f, level in choice.items() if len(factors[f]) > 1} or choice
    else:
        telling = {f: level for f, level in choice.items() if level != baseline[f]}
    if not telling:
        return Arm(choice, "baseline")
    words = [_telling(factor, level, factors) for factor, level in telling.items()]
    return Arm(choice, ", ".join(words))


def _telling(factor: str, level: Level, factors: Mapping[str, list[Level]]) -> str:
    """A level so that it can stand alone: `Adam`, but `lr 0.1` and `dropout none`."""
    speaks = isinstance(level.value, (str, type)) or callable(level.value)
    owners = sum(any(other.name == level.name for other in levels) for levels in factors.values())
    if speaks and owners == 1 and level.name not in SAY_NOTHING:
        return level.name
    return f"{factor} {level.name}"
