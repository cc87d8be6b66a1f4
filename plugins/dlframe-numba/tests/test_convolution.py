"""The convolutions against those of dlframe, which need no numba."""

from __future__ import annotations

import math
from types import SimpleNamespace

import dlframe as dl
import numpy as np
import pytest
from dlframe import kernels, ops, testing
from dlframe.nn import functional as F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlframe_numba import convolution as compiled
from dlframe_numba import direct, winograd

PLAIN = {
    name: getattr(ops, name).definition.plain_forward
    for name in ("convolution", "convolution_input", "convolution_weight")
}


def compare(found, expected):
    if found is NotImplemented:
        return False
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(np.isfinite(found), finite)
    np.testing.assert_array_equal(found[~finite], expected[~finite])
    size = max(1.0, abs(expected[finite]).max(initial=0))
    limit = 3e-5 if found.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(found[finite], expected[finite], rtol=0, atol=limit * size)
    return True


def all_three(x, weight, bias, g, **options):
    """Which of the three operations were computed; what was is compared."""
    with np.errstate(all="ignore"):
        size, kernel = x.shape[2:], weight.shape[2:]
        return [
            compare(
                compiled.convolution.forward(x, weight, bias, **options),
                PLAIN["convolution"](x, weight, bias, **options),
            ),
            compare(
                compiled.convolution_input.forward(g, weight, size=size, **options),
                PLAIN["convolution_input"](g, weight, size=size, **options),
            ),
            compare(
                compiled.convolution_weight.forward(x, g, kernel=kernel, **options),
                PLAIN["convolution_weight"](x, g, kernel=kernel, **options),
            ),
        ]


@st.composite
def cases(draw):
    dims = draw(st.integers(1, 3))

    def sizes(low, high):
        return tuple(draw(st.lists(st.integers(low, high), min_size=dims, max_size=dims)))

    usual = draw(st.booleans())  # those that Winograd's method is for, if there are two dimensions
    groups = 1 if usual else draw(st.sampled_from([1, 1, 2, 3]))
    channels, outputs = (draw(st.sampled_from([1, 2, 3, 5, 8, 17, 32])) for _ in "io")
    kernel = (3,) * dims if usual else sizes(1, 4)
    stride, dilation = ((1,) * dims,) * 2 if usual else (sizes(1, 4), sizes(1, 3))
    least = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    padding = tuple(zip(sizes(-1, 3), sizes(-1, 3), strict=True))
    longest = 35 if dims == 1 else 20 if dims == 2 else 6
    size = tuple(
        max(1, n - a - b) + more
        for n, (a, b), more in zip(least, padding, sizes(0, longest), strict=True)
    )
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    shapes = {
        "x": (draw(st.sampled_from([1, 2, 5])), channels * groups, *size),
        "weight": (outputs * groups, channels, *kernel),
        "bias": (outputs * groups,),
    }
    return shapes, options, draw(st.sampled_from("fd")), draw(st.integers(0, 2**32 - 1))


def arrays_of(shapes, options, dtype, seed):
    rng = np.random.default_rng(seed)
    x, weight, bias = (rng.standard_normal(shape).astype(dtype) for shape in shapes.values())
    out = PLAIN["convolution"](x, weight, bias, **options)
    return rng, x, weight, bias, rng.standard_normal(out.shape).astype(dtype)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_any_shape(case):
    _, x, weight, bias, g = arrays_of(*case)
    all_three(x, weight, bias, g, **case[1])


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases(), st.sampled_from([np.inf, -np.inf, np.nan]), st.sampled_from("xwg"))
def test_what_is_not_finite_goes_where_it_goes_in_dlframe(case, value, which):
    rng, x, weight, bias, g = arrays_of(*case)
    changed = {"x": x, "w": weight, "g": g}[which].reshape(-1)
    changed[rng.integers(changed.size)] = value
    all_three(x, weight, bias, g, **case[1])


USUAL = {"stride": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1), "groups": 1}


@pytest.mark.parametrize(
    ("shape", "outputs", "kernel", "changes"),
    [
        ((4, 32, 12, 12), 32, 3, {}),  # Winograd's
        ((3, 40, 7, 9), 25, 3, {"padding": ((0, 2), (2, 1))}),
        ((5, 3, 32, 32), 16, 3, {}),
        ((2, 1, 28, 28), 6, 5, {"padding": ((2, 2), (2, 2))}),
        ((2, 16, 16, 16), 32, 3, {"stride": (2, 2)}),
        ((2, 16, 15, 17), 8, 2, {"stride": (3, 3)}),  # some elements belong to no window
        ((2, 16, 16, 16), 8, 3, {"dilation": (2, 2)}),
        ((2, 16, 9, 9), 32, 3, {"groups": 4}),
        ((2, 16, 16, 16), 32, 1, {"stride": (2, 2), "padding": ((0, 0), (0, 0))}),
    ],
)
def test_shapes_that_are_computed(shape, outputs, kernel, changes, rng):
    options = USUAL | changes
    x = rng.standard_normal(shape, dtype=np.float32)
    each = shape[1] // options["groups"]
    weight = rng.standard_normal((outputs, each, kernel, kernel), dtype=np.float32)
    bias = rng.standard_normal(outputs, dtype=np.float32)
    g = rng.standard_normal(PLAIN["convolution"](x, weight, bias, **options).shape)
    assert all(all_three(x, weight, bias, g.astype(np.float32), **options))


def test_other_orders_in_memory_and_read_only_arrays(rng):
    x = rng.standard_normal((12, 12, 4, 32), dtype=np.float32).transpose(2, 3, 0, 1)
    weight = np.asfortranarray(rng.standard_normal((32, 32, 3, 3), dtype=np.float32))
    g = rng.standard_normal((4, 32, 12, 24), dtype=np.float32)[..., ::2]
    x.flags.writeable = weight.flags.writeable = False
    assert all(all_three(x, weight, None, g, **USUAL))


def test_nothing_is_written_beyond_the_last_sample(rng, monkeypatch):
    # seven samples, of which six fit into one room; without padding between them
    x = rng.standard_normal((7, 8, 10), dtype=np.float32)
    weight = rng.standard_normal((1, 8, 1), dtype=np.float32)
    options = {"stride": (2,), "padding": ((0, 0),), "dilation": (1,), "groups": 1}
    room = np.full(7 * 5 + 64, 9, np.float32)
    beside = SimpleNamespace(**vars(np))
    beside.empty = lambda shape, dtype: room[: math.prod(shape)].reshape(shape)
    monkeypatch.setattr(direct, "np", beside)
    monkeypatch.setattr(direct, "_FEW", 30)
    direct._forward_tasks.cache_clear()
    direct.convolved(x, weight, None, (5,), *options.values())
    direct._forward_tasks.cache_clear()
    assert (room[7 * 5 :] == 9).all()


def test_empty_arrays_and_other_dtypes_are_left_to_dlframe():
    x, weight = np.zeros((0, 3, 8, 8), np.float32), np.zeros((4, 3, 3, 3), np.float32)
    assert compiled.convolution.forward(x, weight, **USUAL) is NotImplemented
    x = np.zeros((2, 3, 8, 8), np.int64)
    assert compiled.convolution.forward(x, weight.astype(np.int64), **USUAL) is NotImplemented


@pytest.mark.parametrize(
    ("shape", "outputs", "changes"),
    [
        ((2, 24, 9, 8), 24, {}),  # Winograd's
        ((2, 4, 9, 26), 6, {}),
        ((2, 5, 10, 9), 16, {"stride": (2, 2)}),
    ],
)
def test_the_rules_of_kernels(shape, outputs, changes, rng):
    options = USUAL | changes
    x = rng.standard_normal(shape)
    weight, bias = rng.standard_normal((outputs, shape[1], 3, 3)), rng.standard_normal(outputs)
    found = testing.check_kernel(
        "convolution", [x, weight, bias], options=options, runs=["forward"], narrow=1e-4
    )
    assert found["forward"]
    g = PLAIN["convolution"](x, weight, bias, **options)
    for name, arrays, more in (
        ("convolution_input", [g, weight], {"size": shape[2:]}),
        ("convolution_weight", [x, g], {"kernel": (3, 3)}),
    ):
        testing.check_kernel(name, arrays, options=options | more, runs=["forward"], narrow=1e-3)


def test_forked_and_spawned_processes(rng):
    x, weight = rng.standard_normal((4, 24, 40, 40)), rng.standard_normal((24, 24, 3, 3))
    testing.check_kernel(
        "convolution", [x, weight], options=USUAL, order=1, narrow=1e-3, processes=True
    )


@pytest.mark.parametrize("channels", [8, 32])
def test_the_number_of_threads_changes_no_bit(channels, rng):
    x = rng.standard_normal((10, channels, 30, 31), dtype=np.float32)
    weight = rng.standard_normal((32, channels, 3, 3), dtype=np.float32)
    g = rng.standard_normal((10, 32, 30, 31), dtype=np.float32)
    before, found = dl.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            dl.set_num_threads(threads)
            found.append(
                [
                    compiled.convolution.forward(x, weight, **USUAL),
                    compiled.convolution_input.forward(g, weight, size=(30, 31), **USUAL),
                    compiled.convolution_weight.forward(x, g, kernel=(3, 3), **USUAL),
                ]
            )
    finally:
        dl.set_num_threads(before)
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_winograd_is_as_exact_as_the_definition(rng):
    x = rng.standard_normal((2, 64, 14, 14), dtype=np.float32)
    weight = rng.standard_normal((64, 64, 3, 3), dtype=np.float32)
    found = winograd.convolved(x, weight, None, (14, 14), (1, 1))
    exact = PLAIN["convolution"](x.astype(np.float64), weight.astype(np.float64), **USUAL)
    # 576 products of standard normals: 24 is the size of a sum, half a unit in its last place 1e-6
    assert abs(found - exact).max() < 1e-4
    assert math.sqrt(((found - exact) ** 2).mean()) < 1e-5


def test_a_layer_uses_them():
    layer = dl.nn.Conv2d(3, 8, 3)
    x = dl.randn(16, 3, 24, 24, requires_grad=True)
    before = kernels.runs()
    layer(x).square().sum().backward()
    found = kernels.runs() - before
    for name in PLAIN:
        assert found[f"{name}: forward"] == 1
    grads = x.grad, layer.weight.grad
    x.grad = layer.weight.grad = None
    with kernels.flags(enabled=False):
        layer(x).square().sum().backward()
    for g, plain in zip(grads, (x.grad, layer.weight.grad), strict=True):
        np.testing.assert_allclose(g, plain, rtol=1e-4, atol=1e-4)


def test_second_derivatives(rng):
    x = dl.tensor(rng.standard_normal((2, 3, 12, 12)), requires_grad=True)
    weight = dl.tensor(rng.standard_normal((4, 3, 3, 3)), requires_grad=True)
    assert dl.autograd.gradgradcheck(
        lambda x, w: F.conv2d(x, w, padding=1), (x[:, :, :3, :3].detach().requires_grad_(), weight)
    )
