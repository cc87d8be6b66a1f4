"""Functions of each element give the same numbers, block by block and on several threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import dlframe as dl
import dlframe.nn.functional as F
from dlframe.base import threads
from dlframe.ops import blocks
from dlframe.ops.blocks import LARGE, in_blocks

COUNT = 3 * LARGE + 7


@pytest.fixture(params=[1, 3], ids=["one thread", "three threads"])
def number_of_threads(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[int]:
    before = threads.number()
    monkeypatch.setattr(blocks, "_WORTH_A_THREAD", 0)
    threads.set_number(request.param)
    yield request.param
    threads.set_number(before)


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "relu": F.relu,
    "tanh": dl.tanh,
    "exp": dl.exp,
    "sigmoid": dl.sigmoid,
    "square": dl.square,
    "multiply": lambda x: x * x.flip(0),
    "add": lambda x: x + x.flip(0),
    "scaled": lambda x: 2.5 * x,
    "divided": lambda x: x / (x.flip(0).abs() + 1),
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
    "hardtanh": lambda x: F.hardtanh(x, -0.5, 0.7),
    "hardsigmoid": F.hardsigmoid,
    "hardswish": F.hardswish,
    "hardshrink": F.hardshrink,
    "softshrink": F.softshrink,
    "silu": F.silu,
    "elu": lambda x: F.elu(x, 0.9),
    "celu": F.celu,
    "selu": F.selu,
    "softplus": F.softplus,
    "mish": F.mish,
    "gelu": F.gelu,
    "gelu by tanh": lambda x: F.gelu(x, approximate="tanh"),
}


def _value_and_gradient(f: Callable[[Any], Any], x: np.ndarray, g: np.ndarray) -> list[np.ndarray]:
    tensor = dl.tensor(x, requires_grad=True)
    out = f(tensor)
    out.backward(dl.tensor(g))
    return [out.detach().numpy(), tensor.grad.numpy()]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_large_array_is_its_parts(
    name: str, dtype: type, number_of_threads: int, rng: np.random.Generator
) -> None:
    f = FUNCTIONS[name]
    x, g = (rng.normal(size=COUNT).astype(dtype) for _ in range(2))
    x[[0, 5, -1]], x[LARGE], g[3] = np.nan, np.inf, np.inf
    whole = _value_and_gradient(f, x, g)
    if name in ("multiply", "add", "divided"):  # x.flip(0) of a part is another one
        expected = _value_and_gradient(f, x.astype(np.float64), g.astype(np.float64))
    else:
        parts = [slice(i, i + 9999) for i in range(0, COUNT, 9999)]
        made = [_value_and_gradient(f, x[part], g[part]) for part in parts]
        expected = [np.concatenate(values) for values in zip(*made, strict=True)]
    for ours, theirs in zip(whole, expected, strict=True):
        assert ours.dtype == dtype
        tolerance = 1e-5 if dtype == np.float32 else 1e-12
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["relu", "gelu", "multiply", "tanh"])
def test_other_orders_in_memory(
    name: str, number_of_threads: int, rng: np.random.Generator
) -> None:
    f = FUNCTIONS[name]
    x = rng.normal(size=(700, 900))
    g = rng.normal(size=(700, 900))
    plain = _value_and_gradient(f, x, g)
    tensor = dl.tensor(np.asfortranarray(x))
    turned = tensor.t().contiguous().t().requires_grad_()
    assert not turned.is_contiguous()
    out = f(turned)
    out.backward(dl.tensor(g).expand(700, 900))
    np.testing.assert_allclose(out.detach().numpy(), plain[0], rtol=1e-12)
    np.testing.assert_allclose(turned.grad.numpy(), plain[1], rtol=1e-12)


def test_a_gradient_without_memory_of_its_own(number_of_threads: int) -> None:
    x = dl.ones(LARGE + 3, dtype=dl.float64, requires_grad=True)
    x.tanh().sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 1 - np.tanh(1) ** 2)


def test_several_results_and_none(number_of_threads: int, rng: np.random.Generator) -> None:
    x = rng.normal(size=(COUNT // 7, 7))
    square, none, sign = in_blocks(lambda x: (x * x, None, x > 0), x)
    np.testing.assert_array_equal(square, x * x)
    np.testing.assert_array_equal(sign, x > 0)
    assert none is None
    assert sign.dtype == np.bool


def test_what_is_no_option_is_left_to_the_function() -> None:
    seen = []
    x = np.zeros(COUNT)
    in_blocks(lambda x, shape: seen.append(x.shape), x, (2, 3))
    in_blocks(lambda x, y: seen.append(x.shape), x, np.zeros(1))
    in_blocks(lambda x, y: seen.append(x.shape), x, x[::-1])
    assert seen == [x.shape] * 3
