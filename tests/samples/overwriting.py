"""What may be overwritten after a call: each tensor that it was given or returned, one at a time.

An operation that keeps a value for its gradient refuses to run backward once the value was changed.
Where PyTorch keeps nothing of a tensor, neither do we: networks with in-place layers depend on it.
"""

from __future__ import annotations

import itertools
import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from samples.evaluate import RAISED, as_result, inputs_of, is_tensor, leaves, mapped, run, weighted
from samples.table import Call

UNWRITABLE = "cannot be written"
Outcomes = dict[str, Any]


def outcomes(call: Call, lib: Any, order: int = 1) -> Outcomes:
    """Per choice of inputs with a gradient, and of a tensor to overwrite: the gradients, or a text.

    The names are such as "0,1: input 2" and "0: output 0"; "0: nothing" is the plain gradient.
    """
    _, _, floats = inputs_of(call, lib)
    found: Outcomes = {}
    for needing in _choices(len(floats)):
        name = ",".join(map(str, needing))
        for place in itertools.count(-1):
            outcome = _overwritten(call, lib, needing, place, order)
            if outcome is None:
                break
            found[f"{name}: {outcome[0]}"] = outcome[1]
    return found


def allowed(call: Call, found: Outcomes) -> list[str]:
    """What may be overwritten: backward runs, and gives the gradient that it gives otherwise."""
    plain = lambda name: found[f"{name.partition(':')[0]}: nothing"]
    return [
        name for name, x in found.items() if not isinstance(x, str) and equal(x, plain(name), call)
    ]


def equal(a: Any, b: Any, call: Call) -> bool:
    """Whether two lists of gradients are equal; a missing one is zero."""
    if isinstance(a, str) or isinstance(b, str):
        return False
    pairs = [(0.0 if x is None else x, 0.0 if y is None else y) for x, y in zip(a, b, strict=True)]
    tolerance = max(call.tolerance, 1e-9)
    return all(np.allclose(x, y, tolerance, tolerance, equal_nan=True) for x, y in pairs)


def _choices(n: int) -> Iterator[tuple[int, ...]]:
    """All inputs, and each one alone."""
    yield tuple(range(n))
    if n > 1:
        yield from ((i,) for i in range(n))


def _overwritten(
    call: Call, lib: Any, needing: Any, place: int, order: int
) -> tuple[str, Any] | None:
    args, options, floats = inputs_of(call, lib)
    wanted = [floats[i] for i in needing]
    inner = {id(x): (x * 1.0 if i in needing else x.detach()) for i, x in enumerate(floats)}
    args, options = mapped(lambda x: inner.get(id(x), x), (args, options))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            outs = [x for x in leaves(run(call, lib, args, options)) if is_tensor(x)]
        except RuntimeError:
            return None  # a program that asks for the gradients of all its inputs
        smooth = [x for x in outs if x.requires_grad]
        if not smooth:
            return None
        total = weighted(lib, smooth)
        given = [x for x in leaves((args, options)) if is_tensor(x)]
        tensors = [*given, *outs]
        if place >= len(tensors):
            return None
        name = "nothing"
        if place >= 0:
            is_input = place < len(given)
            name = f"input {place}" if is_input else f"output {place - len(given)}"
            x = tensors[place].detach()
            try:
                x.fill_(0.5 if x.is_floating_point() else 0)
            except RuntimeError:
                return name, UNWRITABLE
        try:
            grads = lib.autograd.grad(total, wanted, create_graph=order > 1, allow_unused=True)
            again = [g for g in grads if g is not None and g.requires_grad]
            if order > 1 and again:
                grads += lib.autograd.grad(weighted(lib, again), wanted, allow_unused=True)
        except RuntimeError:
            return name, RAISED
    return name, [None if g is None else as_result(g) for g in grads]


def packed(names: list[str]) -> str:
    """The names in one text: "0,1: input 0", "0,1: output 1" … are "0,1:i0o1 …"."""
    groups: dict[str, str] = {}
    for name in names:
        needing, what = name.split(": ")
        if what != "nothing":
            kind, place = what.split(" ")
            groups[needing] = groups.get(needing, "") + kind[0] + place
    return " ".join(f"{needing}:{places}" for needing, places in groups.items())


def unpacked(text: str) -> list[str]:
    """The names again."""
    kinds = {"i": "input", "o": "output"}
    return [
        f"{needing}: {kinds[kind]} {place}"
        for needing, places in (group.split(":") for group in text.split())
        for kind, place in re.findall(r"([io])(\d+)", places)
    ]


# Where PyTorch happens to have made a copy, or computes with a formula of several steps, and a value
# may be overwritten there that we keep: by the beginning of the call's key.
STRICTER = {
    "matmul": "of operands whose batches broadcast PyTorch makes copies, several times as large",
    "einsum": "likewise",
    "kron-4": "likewise, without elements",
    "nn.functional.conv1d-3 same": "PyTorch pads the input in a copy if the padding is not symmetric",
    "nn.functional.conv2d-7 same": "PyTorch pads the input in a copy if the padding is not symmetric",
    "normalize-6": "PyTorch repeats the weight of instance_norm for each sample, in a copy",
    "nn.functional.instance_norm": "likewise, and the running statistics",
    "instance_norm": "likewise",
    "normalize-9": "PyTorch keeps the normalized input of rms_norm",
    "nn.functional.rms_norm": "likewise",
    "rms_norm": "likewise",
    "nn.functional.multilabel_soft_margin_loss": "for the gradient by the target PyTorch keeps logarithms",
    "margin_ranking_loss": "PyTorch keeps the target with its sign turned, a copy",
    "nn.functional.scaled_dot_product_attention": "PyTorch keeps what we keep in four dimensions, else scaled copies",
    "nn.functional.linear_cross_entropy": "in parts PyTorch computes the gradients on the way forward",
    "special.ndtr": "PyTorch computes it from erf of a multiple",
    "ldexp": "PyTorch brings the exponent to another dtype",
    **dict.fromkeys(
        ["rnn_", "lstm", "gru"], "one operation keeps what the gradients of all its inputs need"
    ),
    "func.": "what is kept for the derivative inside also counts outside",
}

# What is read again when backward computes it again: the function must do the same both times.
READ_AGAIN = {"utils.checkpoint.checkpoint-3 closure"}


def refused(call: Call, found: Outcomes, wanted: list[str]) -> list[str]:
    """What of `wanted` may not be overwritten here."""
    names = allowed(call, found)
    return [x for x in wanted if x in found and x not in names and found[x] is not UNWRITABLE]


def faults(call: Call, found: Outcomes, wanted: list[str]) -> list[str]:
    """What `found` refuses of what is `wanted`, and where it gives another gradient than before."""
    names = allowed(call, found)
    stricter = any(call.key.startswith(key) for key in STRICTER)
    missing = [
        f"{call.key}: backward refuses after writing to {name}"
        for name in ([] if stricter else refused(call, found, wanted))
    ]
    wrong = [
        f"{call.key}: another gradient after writing to {name}"
        for name, x in found.items()
        if not isinstance(x, str) and name not in names and call.key not in READ_AGAIN
    ]
    return missing + wrong
