"""Linear layers by several threads, and attention."""

from __future__ import annotations

import numpy as np
import pytest
from dlframe import testing
from dlframe.base import threads

ALL = ("forward", "fast_backward")


@pytest.fixture
def two_threads():
    before = threads.number()
    threads.set_number(2)
    yield
    threads.set_number(before)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    ("shape", "outputs"), [((96, 70), 65), ((70, 80), 110), ((3, 41, 64), 64)], ids=str
)
@pytest.mark.usefixtures("two_threads")
def test_linear_layers_of_several_threads(shape, outputs, bias, rng):
    x, weight = rng.standard_normal(shape), rng.standard_normal((outputs, shape[-1])) / 8
    testing.check_kernel(
        "linear",
        [x, weight, rng.standard_normal(outputs) if bias else None],
        runs=ALL,
        order=1,
        narrow=1e-5,
    )


def test_one_thread_leaves_products_to_dlframe(rng):
    from dlframe_numba import products

    before = threads.number()
    threads.set_number(1)
    x, weight = (rng.standard_normal((200, 200)).astype(np.float32) for _ in range(2))
    try:
        assert products.linear.forward(x, weight) is NotImplemented
        assert products.linear.fast_backward(x, (True, True, True), x, weight) is NotImplemented
    finally:
        threads.set_number(before)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    ("lead", "rows", "keys"),
    [((2, 3), 5, 5), ((2,), 70, 70), ((2, 1), 37, 50), ((1, 2), 50, 37), ((3, 1), 1, 4)],
    ids=str,
)
def test_attention_is_computed_by_the_kernel(lead, rows, keys, causal, rng, crowd):
    query, key, value = (
        rng.standard_normal((*lead, *shape)) for shape in ((rows, 6), (keys, 6), (keys, 9))
    )
    testing.check_kernel(
        "attention",
        [query, key, value],
        options={"scale": 0.4, "causal": causal},
        runs=("forward", "fast_forward", "fast_backward"),
        order=1,
        narrow=2e-5,
    )


def test_long_attention_goes_block_by_block(rng, two_threads):
    query, key, value = (rng.standard_normal((1, 1, 600, 8)) for _ in range(3))
    testing.check_kernel(
        "attention",
        [query, key, value],
        options={"scale": 0.4},
        runs=("forward", "fast_forward", "fast_backward"),
        order=1,
        narrow=3e-5,
        strange=(),
        dtypes=("float32",),
    )
