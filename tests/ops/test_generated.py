"""What must hold for every operation, generated from the table in tests/samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from samples import EDGES, ERRORS, SAMPLES, Edge, ErrorSample, Sample
from samples.table import find

import dlframe as dl
from dlframe import ops
from dlframe.autograd.gradcheck import gradcheck, gradgradcheck

Array = np.ndarray[Any, Any]


def each(samples: list[Any], choose: Callable[[Any], bool] = lambda _: True) -> Any:
    """One test per sample that is chosen; where none is, one test that fails."""
    chosen = [s for s in samples if choose(s)]
    return pytest.mark.parametrize(
        "sample", chosen or [None], ids=lambda s: s.name if s else "NO SAMPLES"
    )


def smooth(sample: Sample) -> bool:
    return sample.order >= 1


def definition(sample: Sample) -> Any:
    """What the operation keeps and computes; composed functions have none of their own."""
    return getattr(getattr(ops, sample.op), "definition", None)


def tensors_of(sample: Sample, requires_grad: bool = True) -> list[Any]:
    floats = sample.floats() if requires_grad and sample.order else []
    return [
        dl.tensor(x, requires_grad=i in floats) if isinstance(x, np.ndarray) else x
        for i, x in enumerate(sample.inputs)
    ]


def run(sample: Sample, *inputs: Any) -> Any:
    if sample.through is not None:
        inputs = tuple(map(sample.through, inputs))
    return getattr(ops, sample.op)(*sample.before, *inputs, **sample.options)


def listed(out: Any) -> list[Any]:
    """The results one by one; most operations have a single one."""
    return list(out) if isinstance(out, (tuple, list)) else [out]


def arrays(out: Any) -> list[Array]:
    return [o.array if isinstance(o, dl.Tensor) else np.asarray(o) for o in listed(out)]


def gradients(sample: Sample, tensors: list[Any], create_graph: bool = False) -> list[Array | None]:
    """By every float input, of the results weighted with fixed random numbers."""
    outs = [o for o in listed(run(sample, *tensors)) if o.requires_grad]
    rng = np.random.default_rng(7)
    weights = [dl.tensor(rng.standard_normal(o.shape).astype(o.dtype)) for o in outs]
    wanted = [tensors[i] for i in sample.floats()]
    found = dl.autograd.grad(outs, wanted, weights, create_graph=create_graph, allow_unused=True)
    return [None if g is None else g.array for g in found]


def assert_same(got: list[Any], want: list[Any], rtol: float = 1e-12, atol: float = 1e-12) -> None:
    assert len(got) == len(want)
    for a, b in zip(got, want, strict=True):
        if a is None or b is None:
            assert a is None
            assert b is None
            continue
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


# --- the table itself --------------------------------------------------------------------------


def test_every_operation_has_samples() -> None:
    sampled = {sample.op for sample in SAMPLES}
    same = {id(getattr(ops, name)) for name in sampled}  # abs is absolute
    operations = [name for name in ops.__all__ if hasattr(getattr(ops, name), "definition")]
    assert [name for name in operations if id(getattr(ops, name)) not in same] == []


def test_every_differentiable_operation_is_differentiated() -> None:
    checked = {id(getattr(ops, sample.op)) for sample in SAMPLES if sample.order}
    operations = [
        name for name in ops.__all__
        if (op := getattr(getattr(ops, name), "definition", None)) is not None
        and (op.joint is not None or any(rule is not None for rule in op.rules))
    ]  # fmt: skip
    assert [name for name in operations if id(getattr(ops, name)) not in checked] == []


def test_names_are_unique() -> None:
    for rows in (SAMPLES, ERRORS, EDGES):
        names = [row.name for row in rows]
        assert [name for name in names if names.count(name) > 1] == []


# --- values and gradients ----------------------------------------------------------------------


@each(SAMPLES, lambda s: s.reference is not None)
def test_value_is_the_references(sample: Sample) -> None:
    want = sample.reference(*sample.inputs, **sample.options)  # type: ignore[misc]
    got = arrays(run(sample, *tensors_of(sample)))
    assert_same(got, arrays(want), sample.tolerance, sample.tolerance)
    for a, b in zip(got, arrays(want), strict=True):
        assert a.dtype == b.dtype


@each(SAMPLES, smooth)
def test_gradient_is_the_finite_difference(sample: Sample) -> None:
    assert gradcheck(lambda *xs: run(sample, *xs), tensors_of(sample), fast_mode=True)


@each(SAMPLES, lambda s: s.order >= 2)
def test_second_gradient_is_the_finite_difference(sample: Sample) -> None:
    assert gradgradcheck(lambda *xs: run(sample, *xs), tensors_of(sample), fast_mode=True)


@each(SAMPLES, smooth)
def test_gradient_reaches_every_float_input(sample: Sample) -> None:
    assert not any(g is None for g in gradients(sample, tensors_of(sample)))


@each(SAMPLES, lambda s: s.order >= 2)
def test_rules_give_the_same_on_arrays_and_on_tensors(sample: Sample) -> None:
    plain, on_tensors = (
        gradients(sample, tensors_of(sample), create_graph=c) for c in (False, True)
    )
    assert_same(plain, on_tensors)


@each(SAMPLES, lambda s: definition(s) is not None and definition(s).fast is not None)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fast_door_gives_what_the_rule_gives(sample: Sample, dtype: str) -> None:
    sample = sample.cast(dtype)
    fast, by_rule = (gradients(sample, tensors_of(sample), create_graph=c) for c in (False, True))
    tolerance = 1e-12 if dtype == "float64" else 2e-5
    assert_same(fast, by_rule, tolerance, tolerance)


# --- what goes in and what comes out -----------------------------------------------------------


@each(SAMPLES)
def test_arrays_in_arrays_out(sample: Sample) -> None:
    out = run(sample, *sample.inputs)
    assert not any(isinstance(o, dl.Tensor) for o in listed(out))
    assert_same(
        arrays(out), arrays(run(sample, *tensors_of(sample))), sample.tolerance, sample.tolerance
    )


def test_dtype_in_is_dtype_out() -> None:
    """float32 never becomes float64, in no value and in no gradient of any order."""
    ran = 0
    wrong = []
    for sample in SAMPLES:
        for dtype in sample.dtypes:
            small = sample.cast(dtype)
            tensors = tensors_of(small)
            outs = [*arrays(run(small, *tensors))]
            if sample.order:
                outs += [
                    g for c in (False, True) for g in gradients(small, tensors, c) if g is not None
                ]
            ran += 1
            wrong += [
                f"{sample.name}: {dtype} became {o.dtype}"
                for o in outs
                if o.dtype.kind == "f" and o.dtype != dtype
            ]
    assert ran > len(SAMPLES) // 2
    assert wrong == []


@each(SAMPLES, lambda s: bool(s.dtypes))
def test_float32_is_close_to_float64(sample: Sample) -> None:
    wide, narrow = sample, sample.cast("float32")
    assert_same(
        arrays(run(narrow, *tensors_of(narrow))), arrays(run(wide, *tensors_of(wide))), 1e-4, 1e-5
    )
    if sample.order:
        assert_same(
            gradients(narrow, tensors_of(narrow)), gradients(wide, tensors_of(wide)), 1e-3, 1e-4
        )


def non_contiguous(x: Array) -> Array:
    """The same values, every second element of a larger array whose order is reversed."""
    big = np.full([2 * n for n in x.shape[::-1]], 77, x.dtype).T
    view = big[(*(slice(None, None, 2),) * x.ndim, ...)]
    view[...] = x
    return view


def read_only(x: Array) -> Array:
    x = x.copy()
    x.flags.writeable = False
    return x


@each(SAMPLES, lambda s: any(isinstance(x, np.ndarray) for x in s.inputs))
@pytest.mark.parametrize("layout", [non_contiguous, read_only])
def test_layout_in_memory_does_not_matter(sample: Sample, layout: Any) -> None:
    inputs = [layout(x) if isinstance(x, np.ndarray) else x for x in sample.inputs]
    before = [x.copy() if isinstance(x, np.ndarray) else x for x in inputs]
    floats = sample.floats() if sample.order else []
    tensors = [
        dl.Tensor(x, requires_grad=i in floats) if isinstance(x, np.ndarray) else x
        for i, x in enumerate(inputs)
    ]
    want = tensors_of(sample)
    assert_same(
        arrays(run(sample, *tensors)),
        arrays(run(sample, *want)),
        sample.tolerance,
        sample.tolerance,
    )
    if sample.order:
        assert_same(gradients(sample, tensors), gradients(sample, want), 1e-10, 1e-10)
    for x, y in zip(inputs, before, strict=True):
        if isinstance(x, np.ndarray):
            np.testing.assert_array_equal(x, y)  # inputs unmodified


@each(SAMPLES, lambda s: s.elementwise)
@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1, 1)])
def test_any_shape(sample: Sample, shape: tuple[int, ...]) -> None:
    """Elementwise operations of inputs with no dimensions, or with no elements."""
    inputs = [
        np.full(shape, x.reshape(-1)[0], x.dtype) if isinstance(x, np.ndarray) else x
        for x in sample.inputs
    ]
    small = replace(sample, inputs=tuple(inputs))
    tensors = tensors_of(small)
    (out,) = arrays(run(small, *tensors))
    assert out.shape == shape
    (want,) = arrays(run(small, *inputs))
    assert out.dtype == want.dtype
    if sample.order:
        assert [g.shape for g in gradients(small, tensors) if g is not None] == [shape] * len(
            small.floats()
        )


# --- one operation, several names --------------------------------------------------------------


def is_public(sample: Sample) -> bool:
    if sample.call is not None:
        return True
    try:
        find(dl, sample.public)
    except AttributeError:
        return False
    return bool(sample.public)


@each(SAMPLES, is_public)
def test_public_function_is_the_operation(sample: Sample) -> None:
    out = sample.surface(dl, tensors_of(sample))
    assert_same(
        arrays(out), arrays(run(sample, *tensors_of(sample))), sample.tolerance, sample.tolerance
    )


# Methods that take a shape as one argument or as several, as PyTorch's do.
SHAPES_BY_PLACE = {"reshape", "permute", "flip", "tile", "broadcast_to"}


def has_method(sample: Sample) -> bool:
    first = sample.inputs[0] if sample.inputs else None
    return (
        bool(sample.public) and isinstance(first, np.ndarray) and hasattr(dl.Tensor, sample.public)
    )


@each(SAMPLES, has_method)
def test_method_is_the_operation(sample: Sample) -> None:
    x, *others = tensors_of(sample)
    if sample.public == "where":
        x, others = others[0], [x, others[1]]
        if not isinstance(x, dl.Tensor):
            pytest.skip("a number has no methods")
    options = sample.public_options
    if sample.public in SHAPES_BY_PLACE:
        out = getattr(x, sample.public)(*options.values())
    else:
        out = getattr(x, sample.public)(*others, **options)
    assert_same(
        arrays(out), arrays(run(sample, *tensors_of(sample))), sample.tolerance, sample.tolerance
    )


def is_ufunc(sample: Sample) -> bool:
    return isinstance(getattr(np, sample.op, None), np.ufunc) and not sample.options


@each(SAMPLES, is_ufunc)
def test_numpys_ufunc_is_the_operation(sample: Sample) -> None:
    out = getattr(np, sample.op)(*tensors_of(sample))
    assert all(isinstance(o, dl.Tensor) for o in listed(out))
    assert_same(
        arrays(out), arrays(run(sample, *tensors_of(sample))), sample.tolerance, sample.tolerance
    )


# --- errors, and points where numbers end ------------------------------------------------------


@each(ERRORS)
def test_error_says_what_and_where(sample: ErrorSample) -> None:
    with pytest.raises(sample.error, match=sample.message):
        sample.call(dl)


@each(EDGES)
def test_edge_is_pytorchs(sample: Edge, golden: Callable[[str], dict[str, Array]]) -> None:
    """Value and gradient where derivatives jump, at infinities, at nan: tests/golden/ops.npz."""
    numbers = golden("ops")
    inputs = [dl.tensor(x, requires_grad=True) for x in sample.inputs]
    with np.errstate(all="ignore"):
        out = sample.call(dl, *inputs)
        np.testing.assert_allclose(
            out.detach().numpy(), numbers[f"{sample.name}/out"], rtol=1e-10, atol=1e-12
        )
        if out.requires_grad:
            grads = dl.autograd.grad(out.sum(), inputs, allow_unused=True)
        else:
            grads = (None,) * len(inputs)
    for i, g in enumerate(grads):
        want = numbers.get(f"{sample.name}/grad{i}")
        if want is None or g is None:
            assert want is None or not want.any()
            assert g is None or not g.array.any()
        else:
            np.testing.assert_allclose(g.numpy(), want, rtol=1e-10, atol=1e-12)
