"""Errors and promotion, side by side with PyTorch; values and gradients: test_calls.py."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from samples import ERRORS, ErrorSample

import dlframe as dl
from dlframe.errors import DlframeError

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("sample", [e for e in ERRORS if e.in_torch], ids=lambda e: e.name)
def test_error_is_raised_by_pytorch_too(sample: ErrorSample) -> None:
    """And `except` written for PyTorch's exception catches ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(Exception) as theirs:
            sample.call(torch)
    with pytest.raises(Exception) as ours:
        sample.call(dl)
    kinds = {k: k for k in (IndexError, TypeError, ValueError, RuntimeError)}
    kinds[AssertionError] = DlframeError  # nobody catches an AssertionError
    expected = next(ours for kind, ours in kinds.items() if isinstance(theirs.value, kind))
    assert isinstance(ours.value, expected), (repr(theirs.value), repr(ours.value))


# --- promotion ---------------------------------------------------------------------------------

DTYPES = ["bool", "uint8", "int32", "int64", "float16", "float32", "float64"]
BINARY = [
    "add",
    "sub",
    "mul",
    "div",
    "pow",
    "maximum",
    "eq",
    "lt",
    "floor_divide",
    "remainder",
    "logical_and",
]


def attempt(lib: Any, name: str, a: Any, b: Any) -> str:
    """The dtype of the result, or that there is none."""
    try:
        out = getattr(lib, name)(a, b)
    except (RuntimeError, TypeError, NotImplementedError):
        return "error"
    return str(out.dtype).removeprefix("torch.") + str(list(out.shape))


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("first", DTYPES)
def test_promotion_is_pytorchs(name: str, first: str) -> None:
    """Tensors of every dtype with tensors of every dtype, 0-d tensors, and Python numbers."""
    different = []
    for second in DTYPES:
        for shape in ((3,), ()):
            pair = [
                [
                    lib.ones(3, dtype=getattr(lib, first)),
                    lib.ones(shape, dtype=getattr(lib, second)),
                ]
                for lib in (dl, torch)
            ]
            for swap in (False, True):
                mine, theirs = (
                    attempt(lib, name, *(p[::-1] if swap else p))
                    for lib, p in zip((dl, torch), pair, strict=True)
                )
                if theirs not in {mine, "error"}:  # what PyTorch does not compute, we may
                    different.append((second, shape, swap, mine, theirs))
    for number in (2, 2.5):
        mine, theirs = (
            attempt(lib, name, lib.ones(3, dtype=getattr(lib, first)), number)
            for lib in (dl, torch)
        )
        if theirs not in {mine, "error"}:
            different.append((number, mine, theirs))
    assert different == []


UNARY = [
    "exp",
    "sqrt",
    "sin",
    "sigmoid",
    "abs",
    "neg",
    "square",
    "floor",
    "round",
    "sign",
    "reciprocal",
    "relu",
    "erf",
]
REDUCTIONS = [
    "sum",
    "prod",
    "amax",
    "argmax",
    "any",
    "mean",
    "std",
    "logsumexp",
    "cumsum",
    "count_nonzero",
]


@pytest.mark.parametrize("name", UNARY + REDUCTIONS)
def test_dtype_of_result_is_pytorchs(name: str) -> None:
    different = []
    for dtype in DTYPES:
        found = []
        for lib in (dl, torch):
            x = lib.ones(3, dtype=getattr(lib, dtype))
            try:
                needs_dim = name in {"logsumexp", "cumsum"}
                out = getattr(lib, name)(x, 0) if needs_dim else getattr(lib, name)(x)
            except (RuntimeError, TypeError):
                found.append("error")
            else:
                found.append(str(out.dtype).removeprefix("torch."))
        if found[1] not in {found[0], "error"}:
            different.append((dtype, *found))
    assert different == []
