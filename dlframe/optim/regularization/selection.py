"""Which parameters to regularize: by default the weights, otherwise those whose names match."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from dlframe.base.printable import printable
from dlframe.errors import ArgumentError
from dlframe.nn import Module, Parameter, PReLU

Patterns = str | Sequence[str] | None


def weights(model: Module, *, only: Patterns = None, skip: Patterns = None) -> dict[str, Parameter]:
    """The parameters to regularize, by their names.

    By default these are all but biases (parameters named `bias`, `bias_…` or `…_bias`), parameters
    of normalization layers (a class of theirs has "Norm" in its name) and slopes of PReLU. To pull
    those to zero makes a model no simpler, and often harms it.

    Args:
        model: the module whose `named_parameters` are chosen from.
        only: a pattern or several, as in the shell: those that match are chosen, and nothing else
            is left out. `"*"` chooses all, `"encoder.*.weight"` the weights of a part.
        skip: a pattern or several: those that match are left out.

    Raises:
        ArgumentError: a pattern that matches no parameter, or nothing is left; the names are
            listed.

    >>> model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))
    >>> list(optim.weights(model))
    ['0.weight', '3.weight']
    >>> list(optim.weights(model, only="0.*")), list(optim.weights(model, skip="3.*"))
    (['0.weight', '0.bias'], ['0.weight'])
    """
    return {name: parameter for name, parameter, _ in chosen(model, only, skip)}


def decay_groups(
    model: Module, weight_decay: float, *, only: Patterns = None, skip: Patterns = None
) -> list[dict[str, Any]]:
    """Two groups for an optimizer: what `weights` chooses has the decay, and the rest has none.

    The parameters keep their names. A group without parameters is left out.

    >>> model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))
    >>> optimizer = optim.AdamW(optim.decay_groups(model, 0.1), lr=1e-3)
    >>> for group in optimizer.param_groups:
    ...     print(group["weight_decay"], group["param_names"])
    0.1 ['0.weight', '3.weight']
    0.0 ['0.bias', '1.weight', '1.bias', '3.bias']
    """
    if not weight_decay >= 0:
        raise ArgumentError(f"decay_groups: weight_decay must be 0 or more; got {weight_decay}")
    decayed = weights(model, only=only, skip=skip)
    others = {name: p for name, p in model.named_parameters() if name not in decayed}
    groups = ((decayed, float(weight_decay)), (others, 0.0))
    return [
        {"params": list(named.items()), "weight_decay": decay} for named, decay in groups if named
    ]


Entry = tuple[str, Parameter, Module]


class Choice:
    """The chosen parameters of a model, looked up again when its modules or parameters are others.

    Each use compares the parameters and modules that the model has with those of the last look,
    which takes a tenth of the time of a look.

    Args:
        model, only, skip: see `weights`.
    """

    def __init__(self, model: Module, only: Patterns, skip: Patterns) -> None:
        self.model, self.only, self.skip = model, only, skip
        self._seen: list[tuple[Module, type[Module], list[tuple[str, Any]]]] = []
        self._entries: list[Entry] = []
        self.entries()  # so that a wrong pattern is an error here

    def entries(self) -> list[Entry]:
        """The parameters with their names and the modules they belong to."""
        if not self._seen or not all(map(_is_as_seen, self._seen)):
            self._entries = chosen(self.model, self.only, self.skip)
            self._seen = [(one, type(one), _members(one)) for one in self.model.modules()]
        return self._entries

    def __getstate__(self) -> dict[str, Any]:
        # a copy looks at the copy of the model
        return {**vars(self), "_seen": [], "_entries": []}


def _members(module: Module) -> list[tuple[str, Any]]:
    """The names, parameters and modules that lie in a module itself."""
    kinds = (Parameter, Module)
    return [(name, one) for name, one in vars(module).items() if isinstance(one, kinds)]


def _is_as_seen(seen: tuple[Module, type[Module], list[tuple[str, Any]]]) -> bool:
    module, kind, before = seen
    now = _members(module)
    return (
        type(module) is kind
        and len(now) == len(before)
        and all(a is b and n == m for (n, a), (m, b) in zip(now, before, strict=True))
    )


def chosen(model: Module, only: Patterns, skip: Patterns) -> list[Entry]:
    """The chosen parameters with their names and the modules they belong to; see `weights`."""
    if not isinstance(model, Module):
        raise TypeError(
            f"regularization: expected the model, an nn.Module; got {type(model).__name__}. Its "
            "parameters are chosen by name: only= and skip="
        )
    entries = list(_owned(model))
    names = [name for name, _, _ in entries]
    wanted, unwanted = _patterns(only, "only", names), _patterns(skip, "skip", names)
    found = [
        entry
        for entry in entries
        if (_matches(entry[0], wanted) if wanted else _is_weight(entry[0], entry[2]))
        and not _matches(entry[0], unwanted)
    ]
    if not found:
        raise ArgumentError(
            f"regularization: no parameter of the {type(model).__name__} is left to regularize "
            f"(only={only!r}, skip={skip!r}). {_listed(names)}"
        )
    return found


def _owned(model: Module) -> Iterator[tuple[str, Parameter, Module]]:
    """Each parameter once, with its name and its module, in the order of `named_parameters`."""
    seen: set[Parameter] = set()
    for prefix, module in model.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter not in seen:
                seen.add(parameter)
                yield (f"{prefix}.{name}" if prefix else name), parameter, module


def _is_weight(name: str, module: Module) -> bool:
    parts = name.split(".")
    # the parametrized bias of a layer is named `parametrizations.bias.original`
    leaf = parts[-2] if parts[-3:-2] == ["parametrizations"] else parts[-1]
    is_bias = leaf == "bias" or leaf.startswith("bias_") or leaf.endswith("_bias")
    is_norm = any("Norm" in kind.__name__ for kind in type(module).__mro__)
    return not (is_bias or is_norm or isinstance(module, PReLU))


def _patterns(given: Patterns, argument: str, names: list[str]) -> list[str]:
    """The patterns as a list, each of which matches a name."""
    patterns = [given] if isinstance(given, str) else list(given or ())
    for pattern in patterns:
        if not isinstance(pattern, str):
            raise TypeError(
                f"regularization: {argument} takes patterns of names; got {type(pattern).__name__}"
            )
        if not any(fnmatchcase(name, pattern) for name in names):
            raise ArgumentError(
                f"regularization: {argument}={pattern!r} matches no parameter. {_listed(names)}"
            )
    return patterns


def _matches(name: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _listed(names: list[str]) -> str:
    if not names:
        return "The model has no parameters"
    return f"The parameters are {printable(', '.join(names), longest=600)}"
