"""Every sample of the operations' table, side by side with PyTorch."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from samples import ERRORS, SAMPLES, ErrorSample, Sample
from samples.table import find

import dlframe as dl

torch = pytest.importorskip("torch")

Array = np.ndarray[Any, Any]


def comparable(sample: Sample) -> bool:
    """Whether both libraries have the function."""
    if sample.call is not None:
        return True
    try:
        find(dl, sample.public)
        find(torch, sample.public)
    except AttributeError:
        return False
    return bool(sample.public)


COMPARED = [sample for sample in SAMPLES if comparable(sample)]


def test_most_samples_are_compared() -> None:
    assert len(COMPARED) > 0.8 * len(SAMPLES)


def inputs_of(sample: Sample, lib: Any) -> list[Any]:
    floats = sample.floats() if sample.order else []
    return [
        lib.tensor(np.asarray(x), requires_grad=i in floats) if isinstance(x, np.ndarray) else x
        for i, x in enumerate(sample.inputs)
    ]


def results(sample: Sample, lib: Any) -> dict[str, Any]:
    """Values, first and second gradients of the results weighted with fixed random numbers."""
    inputs = inputs_of(sample, lib)
    out = sample.surface(lib, inputs)
    outs = list(out) if isinstance(out, (tuple, list)) else [out]
    found = {f"value {i}": o.detach() for i, o in enumerate(outs)}
    wanted = [inputs[i] for i in sample.floats()]
    rng = np.random.default_rng(3)

    def weighted(tensors: Any) -> Any:
        terms = [
            (
                t
                * lib.tensor(
                    np.asarray(rng.standard_normal(tuple(t.shape))).astype(
                        str(t.dtype).split(".")[-1]
                    )
                )
            ).sum()
            for t in tensors
        ]
        return sum(terms[1:], terms[0])

    smooth = [o for o in outs if o.requires_grad]
    if sample.order < 1 or not smooth:
        return found
    grads = lib.autograd.grad(
        weighted(smooth), wanted, create_graph=sample.order > 1, allow_unused=True
    )
    found |= {f"gradient {i}": g.detach() for i, g in enumerate(grads) if g is not None}
    smooth = [g for g in grads if g is not None and g.requires_grad]
    if sample.order > 1 and smooth:
        seconds = lib.autograd.grad(weighted(smooth), wanted, allow_unused=True)
        found |= {
            f"second gradient {i}": g.detach() for i, g in enumerate(seconds) if g is not None
        }
    return found


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sample", COMPARED, ids=lambda s: s.name)
def test_sample_is_pytorchs(sample: Sample, dtype: str) -> None:
    sample = sample.cast(dtype)
    ours, theirs = results(sample, dl), results(sample, torch)
    tolerance = 1e-10 if dtype == "float64" else 1e-4
    for key in ours.keys() | theirs.keys():
        a, b = ours.get(key), theirs.get(key)
        if a is None or b is None:  # a gradient that is zero everywhere may be missing
            rest = b if a is None else a
            assert not rest.numpy(force=True).any(), key
            continue
        assert tuple(a.shape) == tuple(b.shape), key
        assert str(a.dtype) == str(b.dtype).removeprefix("torch."), key
        np.testing.assert_allclose(
            a.numpy(force=True), b.numpy(force=True), rtol=tolerance, atol=tolerance, err_msg=key
        )


# Where our exception is of another class than PyTorch's, on purpose.
OTHER_EXCEPTION = {
    "gather: index",  # an index out of bounds is an IndexError everywhere in dlframe
    "gather: negative index",
    "index: floats",  # a wrong dtype is a DTypeError
}


@pytest.mark.parametrize("sample", [e for e in ERRORS if e.in_torch], ids=lambda e: e.name)
def test_error_is_raised_by_pytorch_too(sample: ErrorSample) -> None:
    """And `except` written for PyTorch's exception catches ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(Exception) as theirs:
            sample.call(torch)
    with pytest.raises(Exception) as ours:
        sample.call(dl)
    if sample.name in OTHER_EXCEPTION:
        return
    expected = next(
        c for c in (IndexError, TypeError, ValueError, RuntimeError) if isinstance(theirs.value, c)
    )
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
