"""New initial values for a whole model, by name or function, also by kind of layer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from dlframe.base.printable import printable
from dlframe.errors import ArgumentError, did_you_mean
from dlframe.nn import Module, init
from dlframe.nn.parameter import is_lazy

Initializer = Callable[[Any], Any]

_NAMES = """constant dirac eye kaiming_normal kaiming_uniform normal ones orthogonal sparse
trunc_normal uniform xavier_normal xavier_uniform zeros"""
_KNOWN = {name: getattr(init, f"{name}_") for name in _NAMES.split()}
_ELSEWHERE = {
    # Keras, whose names begin with Random or Variance; papers' authors
    "he": "kaiming_normal or kaiming_uniform",
    "henormal": "kaiming_normal",
    "heuniform": "kaiming_uniform",
    "kaiming": "kaiming_normal or kaiming_uniform",
    "msra": "kaiming_normal",
    "glorot": "xavier_normal or xavier_uniform",
    "glorotnormal": "xavier_normal",
    "glorotuniform": "xavier_uniform",
    "xavier": "xavier_normal or xavier_uniform",
    "lecun": "a function: lambda p: nn.init.kaiming_normal_(p, nonlinearity='linear')",
    "lecunnormal": "a function: lambda p: nn.init.kaiming_normal_(p, nonlinearity='linear')",
    "lecununiform": "a function: lambda p: nn.init.kaiming_uniform_(p, nonlinearity='linear')",
    "variancescaling": "kaiming_normal, kaiming_uniform, xavier_normal or xavier_uniform",
    "randomnormal": "normal",
    "gaussian": "normal",
    "randomuniform": "uniform",
    "truncatednormal": "trunc_normal",
    "identity": "eye",
    "delta": "dirac",
    "zero": "zeros",
    "one": "ones",
}
"""What others call it, in small letters without `_` and `-`."""

_NEEDS_MORE = ("constant", "sparse")  # a value, a share: they are given as functions


def initialize(model: Module, how: Any) -> list[str]:
    """Give a model's parameters new initial values; the names of those that got some.

    Args:
        how: the name of a function of `nn.init` ("xavier_uniform", "kaiming_normal", …), or a
            function that fills a parameter: it is used for each matrix and kernel, that is each
            parameter of two dimensions or more. Vectors, which are biases and the weights of
            normalization, and scalars keep their values.
            Or a dict of such, for kinds of layers and for the names of parameters:
            `{nn.Conv2d: "kaiming_normal", nn.Linear: "xavier_uniform", "bias": "zeros"}`.
            A class stands for the matrices of its layers; the last class that fits counts. A name
            ("bias", "weight_hh_l0") or pattern ("*.bias", "0.*") stands for the parameters by
            that name, also vectors, and comes before classes.

    Random numbers come from dlframe's generator (`manual_seed`), in the order of
    `model.named_parameters()`. A parameter that two layers share is filled once.

    Raises:
        ArgumentError: an unknown name; a class or pattern that fits no parameter; a model with
            lazy layers, whose parameters have no sizes yet.

    >>> model = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2))
    >>> dl.training.initialize(model, "xavier_uniform")
    ['0.weight', '2.weight']
    >>> dl.training.initialize(model, {nn.Linear: "orthogonal", "bias": "zeros"})
    ['0.weight', '0.bias', '1.bias', '2.weight', '2.bias']
    """
    rules = how if isinstance(how, Mapping) else {Module: how}
    chosen = {kind: _function(rule) for kind, rule in rules.items()}
    used: set[Any] = set()
    found: dict[int, tuple[str, Any, Initializer]] = {}
    for prefix, module in model.named_modules():
        for own, parameter in module.named_parameters(recurse=False):
            name = f"{prefix}.{own}" if prefix else own
            if is_lazy(parameter):
                raise ArgumentError(
                    f"initialize: {name} has no size yet, as its layer is lazy; call the model "
                    "once before"
                )
            if id(parameter) in found:
                continue
            rule: Initializer | None = None
            for kind, function in chosen.items():
                if isinstance(kind, str):
                    fits = own == kind or fnmatchcase(name, kind)
                else:
                    fits = parameter.ndim >= 2 and isinstance(module, kind)
                if fits and (isinstance(kind, str) or not _has_name(rules, own, name)):
                    used.add(kind)
                    rule = function
            if rule is not None:
                found[id(parameter)] = (name, parameter, rule)
    unused = [kind for kind in rules if kind not in used]
    if unused and isinstance(how, Mapping):
        names = ", ".join(k if isinstance(k, str) else k.__name__ for k in unused)
        raise ArgumentError(f"initialize: the model has no parameter for {names}")
    for _, parameter, rule in found.values():
        rule(parameter)
    return [name for name, _, _ in found.values()]


def _has_name(rules: Mapping[Any, Any], own: str, name: str) -> bool:
    """Whether a rule is for this name, so that none for a class counts."""
    names = [kind for kind in rules if isinstance(kind, str)]
    return any(own == kind or fnmatchcase(name, kind) for kind in names)


def name_here(name: str) -> str | None:
    """What a name of another library is called in `nn.init`; None for one that is not known.

    >>> name_here("glorot_uniform"), name_here("HeNormal"), name_here("house")
    ('xavier_uniform', 'kaiming_normal', None)
    """
    plain = re.sub(r"[\W_]", "", name).casefold()
    spelt = next((one for one in _KNOWN if one.replace("_", "") == plain), None)
    return spelt or _ELSEWHERE.get(plain)


def _function(how: Any) -> Initializer:
    if callable(how) and not isinstance(how, type):
        return how  # type: ignore[no-any-return] # it fills a parameter
    if not isinstance(how, str):
        raise ArgumentError(
            "initialize: expected the name of a function of nn.init, a function that fills a "
            f"parameter, or a dict of such; got {how!r}"
        )
    name = how.rstrip("_")
    if name in _NEEDS_MORE:
        raise ArgumentError(
            f"initialize: {name} needs another argument; pass a function, such as "
            f"lambda p: nn.init.{name}_(p, 0.1)"
        )
    if name not in _KNOWN:
        meant = name_here(name)
        hint = f" It is {meant} here." if meant else did_you_mean(name, _KNOWN)
        raise ArgumentError(
            f"initialize: nn.init has no {printable(repr(how))}.{hint} "
            f"Known: {', '.join(sorted(_KNOWN))}"
        )
    known: Initializer = _KNOWN[name]
    return known
