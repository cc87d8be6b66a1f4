"""What must hold for every operation, generated from the table in tests/samples.

What holds for the operations of others, too, is in `dlframe.testing.check_op`; this file adds the
other names of an operation, its errors, and its numbers at the edges.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from samples import EDGES, ERRORS, SAMPLES, Edge, ErrorSample, Sample
from samples.table import find

import dlframe as dl
from dlframe import ops, testing
from dlframe.base import nests
from dlframe.testing.claims import require_alike, results_of

Array = np.ndarray[Any, Any]


def each(samples: list[Any], choose: Callable[[Any], bool] = lambda _: True) -> Any:
    """One test per sample that is chosen; where none is, one test that fails."""
    chosen = [s for s in samples if choose(s)]
    return pytest.mark.parametrize(
        "sample", chosen or [None], ids=lambda s: s.name if s else "NO SAMPLES"
    )


# --- the table itself --------------------------------------------------------------------------


# The gradient of ctc_loss, whose samples compare it; its rules say that there is no second one.
NOT_ALONE = {"ctc_gradient"}


def test_every_operation_has_samples() -> None:
    sampled = {sample.op for sample in SAMPLES} | NOT_ALONE
    same = {id(getattr(ops, name)) for name in sampled}  # abs is absolute
    operations = [name for name in ops.__all__ if hasattr(getattr(ops, name), "definition")]
    assert [name for name in operations if id(getattr(ops, name)) not in same] == []


def test_every_differentiable_operation_is_differentiated() -> None:
    checked = {id(getattr(ops, sample.op)) for sample in SAMPLES if sample.order}
    checked |= {id(getattr(ops, name)) for name in NOT_ALONE}
    operations = [
        name for name in ops.__all__
        if (op := getattr(getattr(ops, name), "definition", None)) is not None
        and (op.joint is not None or any(rule is not None for rule in op.rules))
    ]  # fmt: skip
    assert [name for name in operations if id(getattr(ops, name)) not in checked] == []


def test_every_fast_door_is_compared_with_its_rule() -> None:
    checked = {id(getattr(ops, sample.op)) for sample in SAMPLES if sample.order}
    checked |= {id(getattr(ops, name)) for name in NOT_ALONE}
    operations = [
        name for name in ops.__all__
        if (op := getattr(getattr(ops, name), "definition", None)) is not None
        and op.fast is not None
    ]  # fmt: skip
    assert operations
    assert [name for name in operations if id(getattr(ops, name)) not in checked] == []


def test_names_are_unique() -> None:
    for rows in (SAMPLES, ERRORS, EDGES):
        names = [row.name for row in rows]
        assert [name for name in names if names.count(name) > 1] == []


# --- what every operation holds ----------------------------------------------------------------


@each(SAMPLES)
def test_operation_conforms(sample: Sample) -> None:
    """Values, gradients of both orders, dtypes, layouts, shapes: all that the kit claims."""
    reference = None
    if sample.reference is not None:
        reference = partial(sample.reference, **sample.options)
    testing.check_op(
        sample.run,
        sample.inputs,
        name=sample.name,
        reference=reference,
        order=sample.order,
        fixed=sample.fixed,
        surrogate=sample.surrogate,
        elementwise=sample.elementwise,
        arrays=True,
        dtypes=sample.dtypes,
        tolerance=sample.tolerance,
    )


# --- one operation, several names --------------------------------------------------------------


def tensors_of(sample: Sample) -> list[Any]:
    return [dl.tensor(x) if isinstance(x, np.ndarray) else x for x in sample.inputs]


def assert_is_the_operation(sample: Sample, out: Any) -> None:
    want = sample.run(*tensors_of(sample))
    require_alike(results_of(out), results_of(want), tolerance=sample.tolerance)


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
    assert_is_the_operation(sample, out)


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
    assert_is_the_operation(sample, out)


def is_ufunc(sample: Sample) -> bool:
    return isinstance(getattr(np, sample.op, None), np.ufunc) and not sample.options


@each(SAMPLES, is_ufunc)
def test_numpys_ufunc_is_the_operation(sample: Sample) -> None:
    out = getattr(np, sample.op)(*tensors_of(sample))
    assert all(isinstance(o, dl.Tensor) for o in nests.leaves(out))
    assert_is_the_operation(sample, out)


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
