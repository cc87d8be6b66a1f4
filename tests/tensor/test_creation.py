"""Tensors from data, constants and the random stream: PyTorch's values, dtypes and errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import dlframe as dl
from dlframe.errors import ArgumentError

GOLDEN = json.loads(
    (Path(__file__).resolve().parents[1] / "golden" / "creation.json").read_text("utf-8")
)

# Where dlframe's error is of another class, on purpose.
OTHER_ERRORS = {
    "L.tensor([1, [2]])": "ShapeError",
    "L.arange(3, dtype=L.bool)": "DTypeError",
    "L.randn(2, dtype=L.int64)": "DTypeError",
}


@pytest.mark.parametrize(("expression", "expected"), GOLDEN, ids=lambda x: str(x)[:60])
def test_the_outcome_is_pytorchs(expression, expected):
    dl.manual_seed(0)
    if "raises" in expected:
        with pytest.raises(Exception) as caught:
            eval(expression, {"L": dl, "np": np})
        ours = {c.__name__ for c in type(caught.value).__mro__}
        assert OTHER_ERRORS.get(expression, expected["raises"][0]) in ours, repr(caught.value)
        return
    out = eval(expression, {"L": dl, "np": np})
    assert (out.dtype, list(out.shape)) == (expected["dtype"], expected["shape"])
    # every build has its own log, sin and pow
    rounds = any(s in expression for s in ("norm", "randn", "exponential", "cauchy", "logspace"))
    tolerance = {"rtol": 1e-5, "atol": 1e-6} if rounds else {"rtol": 0, "atol": 0}
    values = np.array(expected["values"], out.dtype).reshape(out.shape)
    np.testing.assert_allclose(out.array, values, **tolerance)


def test_the_other_errors_are_among_the_expressions():
    assert set(OTHER_ERRORS) <= {expression for expression, _ in GOLDEN}


class TestMemory:
    def test_tensor_copies(self):
        a = np.zeros(2)
        x = dl.tensor(a)
        x[0] = 1
        assert a.tolist() == [0, 0]

    def test_from_numpy_and_as_tensor_share(self):
        a = np.zeros(2)
        for x in (dl.from_numpy(a), dl.as_tensor(a), dl.from_dlpack(a)):
            x += 1
        assert a.tolist() == [3, 3]

    def test_from_numpy_takes_the_elements_of_subclasses(self):
        matrix = np.array([[1.0, 2.0], [3.0, 4.0]]).view(np.matrix)
        x = dl.from_numpy(matrix)
        assert (x * x).tolist() == [[1, 4], [9, 16]]
        assert x[0].shape == (2,) == x.sum(0).shape
        x[0] = 0
        assert matrix.tolist() == [[0, 0], [3, 4]]
        masked = dl.from_numpy(np.ma.array([1.0, 2.0], mask=[True, False])).requires_grad_()
        (masked * masked).sum().backward()
        assert masked.grad.tolist() == [2, 4]
        assert type(masked.detach().numpy()) is np.ndarray

    def test_as_tensor_of_another_dtype_copies(self):
        a = np.zeros(2)
        dl.as_tensor(a, dtype=dl.float32).add_(1)
        assert a.tolist() == [0, 0]

    def test_as_tensor_of_a_tensor_is_the_tensor(self):
        x = dl.ones(2, requires_grad=True)
        assert dl.as_tensor(x) is x
        assert (dl.as_tensor(x, dtype=dl.float64) * 2).requires_grad

    def test_like_keeps_the_order_in_memory(self):
        x = dl.zeros(2, 3).T
        for y in (dl.zeros_like(x), dl.ones_like(x), dl.empty_like(x), dl.full_like(x, 2)):
            assert y.stride() == (1, 3)


class TestDefaultDtype:
    def test_python_floats_and_constants_take_it(self):
        dl.set_default_dtype(dl.float64)
        for x in (dl.tensor(1.5), dl.zeros(1), dl.rand(1), dl.arange(1.0), dl.linspace(0, 1, 2)):
            assert x.dtype == dl.float64
        assert dl.tensor(1).dtype == dl.int64
        assert dl.tensor(np.float32(1)).dtype == dl.float32

    def test_must_be_a_float(self):
        with pytest.raises(TypeError, match="only floating-point"):
            dl.set_default_dtype(dl.int64)


class TestArguments:
    @pytest.mark.parametrize(
        "make",
        [
            lambda **k: dl.tensor([1.0], **k),
            lambda **k: dl.zeros(1, **k),
            lambda **k: dl.ones(1, **k),
            lambda **k: dl.empty(1, **k),
            lambda **k: dl.full((1,), 1.0, **k),
            lambda **k: dl.eye(1, **k),
            lambda **k: dl.arange(1.0, **k),
            lambda **k: dl.linspace(0, 1, 1, **k),
            lambda **k: dl.logspace(0, 1, 1, **k),
            lambda **k: dl.zeros_like(dl.ones(1), **k),
            lambda **k: dl.full_like(dl.ones(1), 1, **k),
            lambda **k: dl.rand(1, **k),
            lambda **k: dl.randn(1, **k),
            lambda **k: dl.rand_like(dl.ones(1), **k),
            lambda **k: dl.randn_like(dl.ones(1), **k),
            lambda **k: dl.randint_like(dl.ones(1), 5, **k),
            lambda **k: dl.randint(5, (1,), dtype=dl.float32, **k),
            lambda **k: dl.randperm(1, dtype=dl.float32, **k),
            lambda **k: dl.ones(1).new_zeros(1, **k),
            lambda **k: dl.ones(1).new_ones(1, **k),
            lambda **k: dl.ones(1).new_empty(1, **k),
            lambda **k: dl.ones(1).new_full((1,), 1, **k),
            lambda **k: dl.ones(1).new_tensor([1.0], **k),
        ],
    )
    def test_requires_grad_and_device(self, make):
        x = make(requires_grad=True, device="cpu")
        assert x.requires_grad
        assert x.is_leaf
        assert not make().requires_grad
        with pytest.raises(ArgumentError, match="cuda"):
            make(device="cuda")

    def test_a_generator_of_ones_own(self):
        dl.manual_seed(1)
        other = dl.Generator().manual_seed(0)
        for make in (
            lambda g: dl.rand(2, generator=g),
            lambda g: dl.randn(2, generator=g),
            lambda g: dl.randint(9, (2,), generator=g),
            lambda g: dl.randperm(5, generator=g),
            lambda g: dl.normal(0.0, 1.0, (2,), generator=g),
            lambda g: dl.rand_like(dl.ones(2), generator=g),
            lambda g: dl.ones(2).normal_(generator=g),
        ):
            other.manual_seed(0)
            mine = make(other)
            dl.manual_seed(0)
            assert mine.tolist() == make(None).tolist()

    def test_messages_name_what_was_given(self):
        for make, message in (
            (lambda: dl.tensor([[1, 2], [3]]), r"different lengths.*pad"),
            (lambda: dl.tensor([dl.ones(2)]), r"one of shape \[2\]; use dl.stack"),
            (lambda: dl.tensor("a"), "cannot make a tensor of str"),
            (lambda: dl.arange(5, 1), "from 5 to 1 in steps of 1"),
            (lambda: dl.zeros(2, -3), r"\[2, -3\]"),
            (lambda: dl.from_numpy([1]), r"got list\); use dl.tensor"),
            (lambda: dl.zeros_like([1]), "got list"),
            (lambda: dl.randint(9), "randint: the size is missing"),
        ):
            with pytest.raises((ArgumentError, TypeError, ValueError), match=message):
                make()


@pytest.mark.parametrize("name", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint64"])
def test_the_limits_of_a_dtype_fit_and_their_neighbours_do_not(name):
    dtype = getattr(dl, name)
    limits = dl.iinfo(dtype)
    for values in ([limits.max, limits.min], [limits.max], [limits.min]):
        assert dl.tensor(values, dtype=dtype).tolist() == values
    with pytest.raises(dl.errors.ArgumentError, match=r"without overflow|does not fit"):
        dl.tensor([limits.max + 1], dtype=dtype)


@pytest.mark.parametrize(
    ("values", "name", "expected"),
    [
        ([2**63 + 1, 1], "uint64", [2**63 + 1, 1]),  # NumPy makes floats of these
        ([[2**64 - 1], [0]], "uint64", [[2**64 - 1], [0]]),
        ([2**63 - 1, 0.5], "int64", [2**63 - 1, 0]),
        ([2**53 + 1, -0.5], "int64", [2**53 + 1, 0]),
        ([True, 2**63 - 1], "int64", [1, 2**63 - 1]),
    ],
)
def test_large_integers_are_exact(values, name, expected):
    assert dl.tensor(values, dtype=getattr(dl, name)).tolist() == expected


@pytest.mark.parametrize("values", [[2**64 - 1, -1], [2**64], [1e20], [float("nan"), 2**63]])
def test_integers_that_do_not_fit(values):
    with pytest.raises(ArgumentError):
        dl.tensor(values, dtype=dl.uint64)


@pytest.mark.parametrize("values", [[2**63], [2**63, 1], [[-1], [2**63]], [2**64, True]])
def test_integers_beyond_int64_do_not_become_floats(values):
    with pytest.raises(ArgumentError, match="Overflow"):
        dl.tensor(values)
