"""Every operation in a batch: vmap gives what a loop gives, generated from tests/samples.

Values, gradients and second gradients, with all float inputs batched and with each of them alone;
the others are then shared by the examples, and their gradients add up.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from samples import SAMPLES

import dlframe as dl
from dlframe import ops
from dlframe.func import vmap
from dlframe.ops.batched.array import RULES, BatchedArray

EXAMPLES = 3


def arrays_of(sample):
    return [i for i in sample.floats() if isinstance(sample.inputs[i], np.ndarray)]


CASES = [
    (sample, which)
    for sample in SAMPLES
    for floats in [arrays_of(sample)]
    for which in ([floats] if len(floats) < 2 else [floats, *([i] for i in floats)])
    if floats
]


def flat(out):
    """The tensors of a result."""
    if isinstance(out, (tuple, list)):
        return [x for part in out for x in flat(part)]
    return [out] if isinstance(out, dl.Tensor) else []


def outcome(run, inputs, order):
    """Outputs, gradients and second gradients."""
    xs = [dl.tensor(x, requires_grad=order > 0) for x in inputs]
    outputs = flat(run(xs))
    found = list(outputs)
    recorded = [y for y in outputs if y.requires_grad]
    for n in range(order if recorded else 0):
        weights = [np.cos(np.arange(y.numel())).reshape(y.shape).astype(y.dtype) for y in recorded]
        total = sum((y * dl.from_numpy(w)).sum() for y, w in zip(recorded, weights, strict=True))
        grads = dl.autograd.grad(total, xs, create_graph=n + 1 < order, allow_unused=True)
        found += grads
        recorded = [g for g in grads if g is not None and g.requires_grad]
        if not recorded:
            break
    return [None if x is None else x.detach().numpy() for x in found]


@pytest.mark.parametrize(
    ("sample", "which"), CASES, ids=[f"{s.name}-{''.join(map(str, w))}" for s, w in CASES]
)
def test_a_batch_is_a_loop(sample, which):
    shared = [i for i in arrays_of(sample) if i not in which]
    places = [*which, *shared]
    # other values in each example, but as far inside of the domain
    batches = [
        np.stack([sample.inputs[i] * (1 - 0.04 * k) for k in range(EXAMPLES)]) for i in which
    ]
    inputs = [*batches, *(sample.inputs[i] for i in shared)]

    def call(*values):
        args = [dl.tensor(x) if isinstance(x, np.ndarray) else x for x in sample.inputs]
        for i, value in zip(places, values, strict=True):
            args[i] = value
        out = getattr(ops, sample.op)(*sample.before, *args, **sample.options)
        return tuple(out) if isinstance(out, (tuple, list)) else out

    def by_loop(xs):
        rows = [call(*(x[k] for x in xs[: len(which)]), *xs[len(which) :]) for k in range(EXAMPLES)]
        if not isinstance(rows[0], tuple):
            return dl.stack(rows)
        return [dl.stack(column) for column in zip(*rows, strict=True)]

    def at_once(xs):
        return vmap(call, in_dims=(*(0,) * len(which), *(None,) * len(shared)))(*xs)

    want = outcome(by_loop, inputs, sample.order)
    got = outcome(at_once, inputs, sample.order)
    assert len(got) == len(want)
    for a, b in zip(got, want, strict=True):
        if a is None or b is None:  # nothing, or zeros, where there is no influence
            assert a is None or not a.any()
            assert b is None or not b.any()
            continue
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        scale = max(1.0, float(np.abs(b[np.isfinite(b)]).max(initial=0)))
        assert np.allclose(a, b, rtol=1e-8, atol=1e-10 * scale, equal_nan=True)


# --- NumPy's functions on batches --------------------------------------------------------------


def batch(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return BatchedArray(rng.standard_normal((EXAMPLES, *shape)), 1)


NUMPY = {
    "sum": lambda x, w: x.sum() + np.sum(x, axis=(0, -1), keepdims=True),
    "reduce": lambda x, w: np.add.reduce(x) + np.maximum.reduce(x, axis=1, keepdims=True),
    "accumulate": lambda x, w: np.add.accumulate(x, axis=1),
    "outer": lambda x, w: np.multiply.outer(x, w),
    "cumsum": lambda x, w: np.cumsum(x) * np.cumprod(x, axis=0).sum(),
    "argmax": lambda x, w: np.argmax(x) + np.argmin(x, axis=0, keepdims=True),
    "median": lambda x, w: np.median(x, axis=1) + np.std(x),
    "where": lambda x, w: np.where(x > w, x, 0),
    "clip": lambda x, w: np.clip(x, w.min(), x.max()),
    "moveaxis": lambda x, w: np.moveaxis(x[None], 0, -1).transpose(2, 1, 0),
    "expand": lambda x, w: (
        np.expand_dims(x, (0, -1)) + np.squeeze(x[:, None]).T[None, ..., None].mean()
    ),
    "roll": lambda x, w: np.roll(x, 2) + np.roll(x, (1, 2), (0, 1)) + np.flip(x) + x[::-1],
    "tile": lambda x, w: np.tile(x, (2, 1, 2)).sum(axis=0) + np.repeat(x, 2, axis=1),
    "pad": lambda x, w: np.pad(x, ((1, 0), (0, 2))) + np.pad(x, 1, mode="edge")[1:, 1:5].sum(),
    "diagonal": lambda x, w: np.trace(x) * np.tril(x) + np.diagonal(x, 1).sum(),
    "concatenate": lambda x, w: np.concatenate([x, w[None]], axis=0) * np.stack([x, x])[0, :1],
    "split": lambda x, w: np.split(x, [1], axis=1)[1] * np.array_split(x, 2)[0][0, :2],
    "take": lambda x, w: np.take(x, [0, 5]).sum() + np.take_along_axis(x, np.argsort(x, axis=1), 1),
    "basic index": lambda x, w: x[0, 1:] + x[..., None, ::-1][1, 0, :2],
    "index arrays": lambda x, w: (
        x[[0, 1], :][:, np.array([[2, 0]])] + x[np.array([1]), np.array([2])]
    ),
    "separated index arrays": lambda x, w: np.stack([x, x])[np.array([0, 1]), :, np.array([1, 2])],
    "index of a batch": lambda x, w: (
        np.take(x, np.argsort(x, axis=1)) + x[np.argmax(x, axis=1) * 0, 1:2].sum()
    ),
    "matmul": lambda x, w: x @ w + (w @ x.T) + (x @ x.T)[0] + w @ w,
    "dot": lambda x, w: x.dot(w) + w.dot(w) + np.dot(x, x.T).sum(),
    "einsum": lambda x, w: np.einsum("ij,kj,j->ik", x, x, w) + np.einsum("ij", x).sum(),
    "tensordot": lambda x, w: np.tensordot(x, x, axes=([1], [1])) + np.tensordot(x, w, 1).sum(),
    "solve": lambda x, w: np.linalg.solve(x @ x.T + 3 * np.eye(2), x[:, 0]),
    "without a rule": lambda x, w: np.kron(x, w) + np.cov(x).sum(),
}


@pytest.mark.parametrize("case", NUMPY)
def test_numpy_on_a_batch_is_numpy_on_each_example(case):
    x, w = batch(2, 3), np.random.default_rng(1).standard_normal(3)
    got = NUMPY[case](x, w)
    want = np.stack([NUMPY[case](row, w) for row in x.physical])
    assert got.shape == want.shape[1:]
    assert np.allclose(got.physical, want)


def test_writing_into_a_batch():
    def write(x, w):
        x = x.copy()
        x[0] = w
        x[1, 1:] += x[0, :2]
        x[:, [0, 2]] = x[:, [2, 0]] * 2
        x[x > 1] = 1
        np.copyto(x, w, where=x < -1)
        np.put_along_axis(x, np.argmin(x, axis=1)[:, None], 7.0, axis=1)
        x *= w
        return x

    x, w = batch(2, 3), np.arange(3.0)
    assert np.allclose(write(x, w).physical, [write(row, w) for row in x.physical])


def test_a_batch_within_a_batch():
    rows = np.random.default_rng(0).standard_normal((2, EXAMPLES, 4))
    inner = BatchedArray(BatchedArray(rows, 1), 2)
    weights = BatchedArray(np.array([[1.0], [2.0]]), 1)
    assert inner.shape == (4,)
    out = (np.sort(inner) * weights[0]).sum() - np.kron(inner, inner)[0]
    assert out.levels == (2, 1)
    want = (np.sort(rows) * [[[1.0]], [[2.0]]]).sum(-1) - rows[..., 0] ** 2
    assert np.allclose(out.physical.physical, want)


def test_memory_is_not_given_away():
    x = batch(2)
    for ask in (np.asarray, float, bool, list, lambda b: np.zeros(2).__setitem__(0, b[0])):
        if ask is list:
            assert len(list(x)) == 2  # the rows, each a batch
            continue
        with pytest.raises((RuntimeError, ValueError)):
            ask(x)
    with pytest.raises(RuntimeError, match="ctypes"):
        x.ctypes
    with pytest.raises(AttributeError):
        x.nothing


def test_rules_are_for_functions_of_numpy():
    assert all(callable(f) and f.__module__.startswith("numpy") for f in RULES)
    assert math.prod(batch(2, 3).shape) == batch(2, 3).size == len(batch(6))


def test_writing_within_a_batch_stays_in_its_memory() -> None:
    for x in (dl.tensor([[0, 3], [5, 1]]), dl.tensor([[0.0, 3.0], [5.0, 1.0]])):
        limit = dl.tensor([2, 2]).to(x.dtype)
        out = dl.func.vmap(lambda t, limit=limit: t.clamp_(max=limit))(x)
        assert out.data_ptr() == x.data_ptr()
        assert x.tolist() == [[0, 2], [2, 1]]


def test_shapes_that_do_not_fit_are_explained_within_a_batch() -> None:
    with pytest.raises(dl.errors.ShapeError, match="logical_and: shapes"):
        dl.func.vmap(lambda t: t.logical_and(dl.ones(4)))(dl.ones(2, 3))


@pytest.mark.parametrize("shapes", [((2, 3), (3, 4)), ((2, 3), (3,)), ((3,), (3, 4))])
@pytest.mark.parametrize("in_dims", [(0, None), (None, 0), (0, 0)])
def test_products_take_a_batch_as_a_whole(shapes, in_dims, monkeypatch):
    def fail(*args, **options):
        raise AssertionError("one example after the other")

    x, y = (
        dl.randn(*((EXAMPLES,) if dim == 0 else ()), *shape)
        for shape, dim in zip(shapes, in_dims, strict=True)
    )
    monkeypatch.setattr("dlframe.ops.calling.one_by_one", fail)
    out = vmap(dl.matmul, in_dims=in_dims)(x, y)
    for i in range(EXAMPLES):
        one = (x[i] if in_dims[0] == 0 else x) @ (y[i] if in_dims[1] == 0 else y)
        np.testing.assert_allclose(out[i].numpy(), one.numpy(), rtol=1e-5, atol=1e-6)
