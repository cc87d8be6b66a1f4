"""NumPy's functions on tensors: what holds for every call in tests/samples/numpy_calls.py."""

from __future__ import annotations

import importlib
import inspect
import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.testing import overrides
from samples.numpy_calls import CALLS, DROPPED, INPUTS, NEWER, UFUNC_CALLS

import dlframe as dl
from dlframe import nn, ops
from dlframe.autograd.gradcheck import gradcheck, gradgradcheck
from dlframe.errors import ArgumentError, DTypeError, GradientError, LinAlgError
from dlframe.ops.numpy_api import policy, ufuncs
from dlframe.ops.numpy_api.dispatch import name_of
from dlframe.ops.numpy_api.support import RULES

# A function counts once its module is imported, and these load on first use.
NUMPY_MODULES = ("char", "fft", "lib.recfunctions", "linalg", "polynomial", "rec", "strings")

# What a NumPy after the one that was looked at adds is refused by name, and no failure here.
NEWER_NUMPY = tuple(map(int, np.__version__.split(".")[:2])) > (2, 5)

ALL_CALLS = [
    pytest.param(call, id=f"{name}-{i}")
    for name, calls in [*CALLS.items(), *UFUNC_CALLS.items()]
    for i, call in enumerate(calls)
]


def arrays_for(call: Callable[..., Any]) -> list[np.ndarray]:
    """The values of a call's parameters."""
    return [INPUTS[p.name] for p in inspect.signature(call).parameters.values() if p.name in INPUTS]


def parts(out: Any) -> list[Any]:
    return list(out) if isinstance(out, (tuple, list)) else [out]


# --- the table ---------------------------------------------------------------------------------


def test_every_rule_has_a_call() -> None:
    assert RULES.keys() - CALLS.keys() - DROPPED <= NEWER.keys()
    assert {ufunc.__name__ for ufunc in ufuncs.DIFFERENTIABLE} <= UFUNC_CALLS.keys()


def test_the_list_of_modules_has_every_operation_that_is_a_ufunc() -> None:
    """NumPy's dispatch imports these modules only."""
    listed = {id(value) for name in ufuncs.MODULES for value in vars(sys.modules[name]).values()}
    for name in ops.__all__:
        function = getattr(ops, name)
        if getattr(getattr(function, "definition", None), "ufunc", None) is not None:
            assert id(function) in listed, name


def overridable_functions() -> list[Callable[..., Any]]:
    """NumPy's own functions that ask tensors, whatever else was imported or defined before."""
    for name in NUMPY_MODULES:
        importlib.import_module(f"numpy.{name}")
    return [
        function
        for function in overrides.get_overridable_numpy_array_functions()
        if home_of(function).partition(".")[0] == "numpy"
    ]


def home_of(function: Callable[..., Any]) -> str:
    """The module that defines a function; those written in C have no globals, and are NumPy's."""
    beneath = getattr(function, "_implementation", None)
    return getattr(beneath, "__globals__", {"__name__": "numpy"})["__name__"]


def test_every_function_of_numpy_is_decided_on_once() -> None:
    tables = (
        RULES,
        policy.PLAIN,
        policy.WITHOUT_RULE,
        policy.CREATION,
        policy.WRITERS,
        policy.REFUSED,
    )
    for function in overridable_functions():
        name = name_of(function)
        found = sum(name in table for table in tables)
        found += name.rpartition(".")[0] in policy.REFUSED_MODULES
        if found == 0 and NEWER_NUMPY:
            continue  # it is refused by name until somebody decides
        assert found == 1, f"np.{name} is in {found} tables of dlframe.ops.numpy_api"


def test_every_ufunc_of_numpy_is_decided_on_once() -> None:
    tables = (policy.PLAIN_UFUNCS, policy.WITHOUT_RULE_UFUNCS, policy.REFUSED_UFUNCS)
    for ufunc in overrides.get_overridable_numpy_ufuncs():
        found = (ufunc in ufuncs.DIFFERENTIABLE) + (ufunc in ufuncs.PLAIN)
        found += sum(ufunc.__name__ in table for table in tables)
        if found == 0 and NEWER_NUMPY:
            continue
        assert found == 1, f"np.{ufunc.__name__} is in {found} tables of dlframe.ops.numpy_api"


@pytest.mark.parametrize("call", ALL_CALLS)
def test_value_is_numpys(call: Callable[..., Any]) -> None:
    arrays = arrays_for(call)
    expected, got = parts(call(*arrays)), parts(call(*map(dl.from_numpy, arrays)))
    assert len(expected) == len(got)
    for e, g in zip(expected, got, strict=True):
        assert isinstance(g, dl.Tensor)
        assert g.shape == np.shape(e)
        np.testing.assert_allclose(g.array, e, rtol=1e-12, atol=1e-14)


EDGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "a nan": lambda a: np.where(np.arange(a.size).reshape(a.shape) == 0, np.nan, a),
    "one row": lambda a: a[:1] if a.ndim else a,
    "nothing": lambda a: a[:0] if a.ndim else a,
    "no dimension": lambda a: a.reshape(-1)[0].reshape(()),
    "zeros": np.zeros_like,
}

# Where NumPy and tensors differ at an edge.
OTHER_AT_EDGES = {
    "cov": "NumPy refuses another number of rows",
    "full_like": "a vector of one does not fill a tensor without dimensions",
    "geomspace": "the last value is `stop`, also beside a nan",
    "gradient": "NumPy refuses steps for no dimension",
    "linalg.cholesky": "a matrix with nan is refused",
    "linalg.multi_dot": "numbers are refused",
    "pad": "the widths of a tensor without dimensions are no pairs",
    "partition": "which of the smaller elements come first is open",
    "piecewise": "NumPy refuses conditions without elements",
    "poly": "no zeros are refused",
    "polydiv": "NumPy does not count trailing zeros, nor what follows nan",
    "polymul": "no coefficients are refused",
    "trim_zeros": "a tensor without dimensions is refused",
}


def value_or_none(call: Callable[..., Any], arrays: Sequence[Any]) -> Any:
    """What the call gives, or None where it raises."""
    try:
        return parts(call(*arrays))
    except Exception:  # noqa: BLE001 - errors of any kind are compared
        return None


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("name", sorted(CALLS.keys() - OTHER_AT_EDGES))
@pytest.mark.filterwarnings("ignore")
def test_value_is_numpys_at_the_edges(name: str, edge: str) -> None:
    """And where NumPy raises, tensors raise, too."""
    for call in CALLS[name]:
        arrays = [np.asarray(EDGES[edge](a)) for a in arrays_for(call)]
        expected = value_or_none(call, arrays)
        got = value_or_none(call, [dl.from_numpy(a.copy()) for a in arrays])
        assert (got is None) == (expected is None), (arrays, expected, got)
        for e, g in zip(expected or [], got or [], strict=True):
            assert g.shape == np.shape(e)
            np.testing.assert_allclose(g.array, e, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("call", ALL_CALLS)
def test_gradient_is_the_derivative(call: Callable[..., Any]) -> None:
    tensors = [dl.tensor(a, requires_grad=True) for a in arrays_for(call)]
    finite = lambda *xs: [np.where(np.isfinite(y.array), y, 0.0) for y in parts(call(*xs))]
    assert gradcheck(finite, tensors, fast_mode=True)


@pytest.mark.parametrize("call", ALL_CALLS)
def test_float32_stays_float32(call: Callable[..., Any]) -> None:
    tensors = [dl.tensor(a.astype(np.float32), requires_grad=True) for a in arrays_for(call)]
    outputs = parts(call(*tensors))
    doubles = call in UFUNC_CALLS["float_power"]  # by definition, as in PyTorch
    assert {out.dtype for out in outputs} == {dl.float64 if doubles else dl.float32}
    recorded = [out for out in outputs if out.requires_grad]
    grads = dl.autograd.grad(
        recorded, tensors, [dl.ones_like(out) for out in recorded], allow_unused=True
    )
    assert {g.dtype for g in grads if g is not None} <= {dl.float32}


# Rules that are compositions get their second order from the ops; these cover each kind.
SECOND_ORDER = [
    CALLS["prod"][2],
    CALLS["std"][1],
    CALLS["median"][2],
    CALLS["nanstd"][0],
    CALLS["polyval"][0],
    CALLS["sinc"][0],
    CALLS["sinc"][1],
    CALLS["convolve"][0],
    CALLS["linalg.norm"][1],
    CALLS["linalg.matrix_power"][2],
    CALLS["kron"][0],
    CALLS["insert"][1],
    CALLS["take_along_axis"][2],
    *(UFUNC_CALLS[name][0] for name in ("cbrt", "hypot", "logaddexp2", "copysign", "fmax", "fmin")),
    *(UFUNC_CALLS[name][0] for name in ("heaviside", "degrees", "divmod", "modf", "ldexp")),
]


@pytest.mark.parametrize("call", SECOND_ORDER)
def test_second_order(call: Callable[..., Any]) -> None:
    tensors = [dl.tensor(a, requires_grad=True) for a in arrays_for(call)]
    assert gradgradcheck(call, tensors, fast_mode=True)


# --- ufuncs ------------------------------------------------------------------------------------


def test_array_on_the_left_keeps_the_graph() -> None:
    t = dl.tensor([1.0, 2.0], requires_grad=True)
    array = np.array([3.0, 4.0], np.float32)
    for out in (array + t, array - t, array * t, array / t, array**t, np.float32(2) * t, array @ t):
        assert isinstance(out, dl.Tensor)
        assert out.requires_grad
        assert out.dtype == dl.float32
    (array * t).sum().backward()
    np.testing.assert_array_equal(t.grad.array, array)


def test_promotion_is_pytorchs() -> None:
    t = dl.tensor([1.0, 2.0])
    assert np.add(t, 1.5).dtype == dl.float32
    assert np.add(np.float64(1.5), t).dtype == dl.float32  # a scalar does not widen a tensor
    assert np.add(np.array([1, 2]), t).dtype == dl.float32  # NumPy itself: float64
    assert np.add(np.array([1.0, 2.0]), t).dtype == dl.float64
    assert np.exp(dl.tensor([1, 2])).dtype == dl.float32
    assert np.mean(dl.tensor([1, 2])).dtype == dl.float32
    assert np.concatenate([t, [1, 2]]).dtype == dl.float32
    assert np.concatenate([t, [0.5]]).dtype == dl.float32


def test_dtype_option() -> None:
    t = dl.tensor([1.0, 2.0], requires_grad=True)
    out = np.add(t, 1.0, dtype=np.float64)
    assert out.dtype == dl.float64
    assert np.sum(t, dtype=np.float64).dtype == dl.float64
    assert np.concatenate([t, t], dtype=np.float64).dtype == dl.float64
    assert np.astype(t, np.float64).requires_grad if hasattr(np, "astype") else True
    out.sum().backward()
    assert t.grad.dtype == dl.float32


@pytest.mark.parametrize(
    "call",
    [
        lambda m: np.add.reduce(m),
        lambda m: np.add.reduce(m, 1),
        lambda m: np.add.reduce(m, axis=None, keepdims=True),
        lambda m: np.multiply.reduce(m, axis=1),
        lambda m: np.maximum.reduce(m, axis=-1, keepdims=True),
        lambda m: np.minimum.reduce(m),
        lambda m: np.add.accumulate(m, axis=1),
        lambda m: np.multiply.accumulate(m),
        lambda m, v: np.subtract.outer(m, v),
        lambda v: np.multiply.outer([1.0, 2.0], v),
    ],
)
def test_methods_of_ufuncs(call: Callable[..., Any]) -> None:
    test_value_is_numpys(call)
    test_gradient_is_the_derivative(call)
    test_float32_stays_float32(call)


def test_methods_of_ufuncs_without_rule_are_refused() -> None:
    t = dl.tensor([1.0, 2.0], requires_grad=True)
    for method, call in [
        ("np.add.reduceat", lambda t: np.add.reduceat(t, [0])),
        ("np.subtract.reduce", lambda t: np.subtract.reduce(t)),
        ("np.maximum.accumulate", lambda t: np.maximum.accumulate(t)),
        ("np.add.reduce", lambda t: np.add.reduce(t, where=np.array([True, False]))),
    ]:
        with pytest.raises(GradientError, match=rf"{method} .*no gradient rule"):
            call(t)
        np.testing.assert_array_equal(np.asarray(call(t.detach())), call(t.detach().array))


def test_comparisons_and_bits_have_no_history() -> None:
    t = dl.tensor([1.0, -2.0], requires_grad=True)
    for out in (np.greater(t, 0), np.isnan(t), np.signbit(t), np.less.outer(t, t)):
        assert isinstance(out, dl.Tensor)
        assert out.dtype == dl.bool
        assert not out.requires_grad
    assert not np.logical_and.reduce(np.greater(t, 0))
    assert np.gcd(dl.tensor([4, 6]), 10).tolist() == [2, 2]
    assert (~dl.tensor([True])).tolist() == np.invert(dl.tensor([True])).tolist() == [False]


def test_other_libraries_ufuncs() -> None:
    special = pytest.importorskip("scipy.special")
    t = dl.tensor([1.0, 2.0])
    assert isinstance(special.gamma(t), dl.Tensor)
    with pytest.raises(GradientError, match=r"^gamma has no gradient rule"):
        special.gamma(t.requires_grad_())


def test_foreign_operands_get_their_turn() -> None:
    class Foreign:
        def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> str:
            return "foreign"

    assert np.add(dl.tensor(1.0), Foreign()) == "foreign"
    with pytest.raises(TypeError):
        np.add(dl.tensor(1.0), object())


def test_parameters_are_tensors_too() -> None:
    p = nn.Parameter(dl.tensor([1.0, 2.0]))
    out = np.sum(np.square(p))
    assert type(out) is dl.Tensor
    out.backward()
    assert p.grad.tolist() == [2.0, 4.0]


def test_fmax_ignores_nan_also_in_the_gradient() -> None:
    x = dl.tensor([np.nan, 1.0, 2.0], requires_grad=True)
    y = dl.tensor([5.0, np.nan, 2.0], requires_grad=True)
    np.sum(np.fmax(x, y)).backward()
    assert x.grad.tolist() == [0.0, 1.0, 1.0]
    assert y.grad.tolist() == [1.0, 0.0, 0.0]


def test_empty_and_0d() -> None:
    empty = dl.zeros((0, 3), requires_grad=True)
    assert np.sum(empty, axis=0).tolist() == [0.0, 0.0, 0.0]
    assert np.concatenate([empty, np.ones((1, 3), np.float32)]).shape == (1, 3)
    assert np.vstack([empty, empty]).shape == (0, 3)
    assert np.rot90(empty).shape == (3, 0)
    scalar = dl.tensor(2.0, requires_grad=True)
    np.add(scalar, scalar).backward()
    assert scalar.grad.item() == 2.0


# --- create_graph, modes -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda v: np.nanmedian(v),
        lambda v: np.median(v),
        lambda v: np.quantile(v, 0.5, method="lower"),
        lambda v: np.nanquantile(v, [0.2, 0.9], method="nearest"),
        lambda v: np.diff(v[:2], n=0, prepend=0.5),
    ],
)
def test_infinities_and_ends(call: Callable[..., Any]) -> None:
    v = np.array([1.0, 2.0, math.inf, math.inf])
    np.testing.assert_array_equal(call(dl.tensor(v)).array, call(v))


def test_condition_of_the_zero_matrix_and_tens_of_integers() -> None:
    assert np.linalg.cond(dl.zeros(2, 2)).item() == math.inf
    assert np.isnan(dl.linalg.cond(dl.zeros(2, 2))).item()  # as in PyTorch
    assert np.round(dl.tensor([15, 25, -34]), -1).array.tolist() == [20, 20, -30]


def test_powers_of_integers_are_of_int64() -> None:
    for dtype in (np.int32, np.uint8, np.bool_):
        v = np.array([0, 1, 1]).astype(dtype)
        out = np.vander(dl.tensor(v), 4)
        assert out.dtype == np.vander(v, 4).dtype == np.int64
        np.testing.assert_array_equal(out.array, np.vander(v, 4))


def test_the_median_of_nothing_is_nan() -> None:
    assert np.isnan(np.median(dl.zeros(0))).item()
    assert np.isnan(np.nanmedian(dl.zeros(2, 0), axis=1)).array.tolist() == [True, True]


def test_rules_run_on_tensors_through_the_protocols() -> None:
    t = dl.tensor([0.3, 0.8], dtype=dl.float64, requires_grad=True)
    (g,) = dl.autograd.grad(np.sum(np.sin(t) * np.hypot(t, 1.0)), t, create_graph=True)
    assert g.requires_grad
    (h,) = dl.autograd.grad(g.sum(), t, create_graph=True)
    (third,) = dl.autograd.grad(h.sum(), t)
    x, step = t.detach().array, 1e-4
    f1 = lambda x: np.cos(x) * np.hypot(x, 1) + np.sin(x) * x / np.hypot(x, 1)
    np.testing.assert_allclose(g.detach().array, f1(x), rtol=1e-12)
    second = (f1(x + step) - f1(x - step)) / (2 * step)
    np.testing.assert_allclose(h.detach().array, second, rtol=1e-6)
    third_numeric = (f1(x + step) - 2 * f1(x) + f1(x - step)) / step**2
    np.testing.assert_allclose(third.array, third_numeric, rtol=1e-4)


def test_nothing_is_recorded_or_refused_without_grad() -> None:
    t = dl.tensor([1.0, 2.0], requires_grad=True)
    with dl.no_grad():
        assert not np.sum(t).requires_grad
        assert np.interp(1.5, [1.0, 2.0], t) == 1.5
        np.testing.assert_array_equal(np.fft.fft(t), np.fft.fft(t.array))


# --- plain -------------------------------------------------------------------------------------


def test_plain_functions_give_numbers_and_tensors_without_history() -> None:
    t = dl.tensor([[3.0, 1.0], [2.0, 0.0]], requires_grad=True)
    a = t.detach().array
    assert np.shape(t) == (2, 2)
    assert np.ndim(t) == 2
    assert np.size(t) == 4
    assert np.argmax(t) == 0
    assert np.count_nonzero(t) == 3
    assert np.any(t)
    assert not np.all(t)
    assert np.allclose(t, a)
    assert np.array_equal(t, t)
    assert np.array_repr(t) == np.array_repr(a)
    assert np.result_type(t, np.float64) == np.float64
    assert np.iscomplexobj(t) is False
    assert np.linalg.matrix_rank(t) == 2
    for out, expected in [
        (np.argsort(t), np.argsort(a)),
        (np.argmax(t, axis=1), np.argmax(a, axis=1)),
        (np.isclose(t, 1.0), np.isclose(a, 1.0)),
        (np.zeros_like(t), np.zeros_like(a)),
        (np.ones_like(t, dtype=np.int64), np.ones_like(a, dtype=np.int64)),
        (np.searchsorted([0.5, 2.5], t), np.searchsorted([0.5, 2.5], a)),
        (np.digitize(t, [0.5, 2.5]), np.digitize(a, [0.5, 2.5])),
        (np.all(t, axis=0), np.all(a, axis=0)),
        (np.imag(t), np.imag(a)),
        (np.angle(-t), np.angle(-a)),
        (np.isin(t, [1.0]), np.isin(a, [1.0])),
    ]:
        assert isinstance(out, dl.Tensor)
        assert not out.requires_grad
        np.testing.assert_array_equal(out.array, expected)
        assert out.dtype == expected.dtype
    rows, columns = np.nonzero(t)
    assert rows.tolist() == [0, 0, 1]
    assert t[rows, columns].requires_grad
    assert np.where(t > 1)[0].tolist() == [0, 1]
    assert np.bincount(dl.tensor([1, 1, 2])).tolist() == [0, 2, 1]


def test_plain_functions_may_write_into_arrays() -> None:
    out = np.zeros(2, np.int64)
    t = dl.tensor([[3.0, 1.0], [2.0, 4.0]], requires_grad=True)
    assert np.argmax(t, axis=1, out=out) is out
    assert out.tolist() == [0, 1]


# --- without a rule ----------------------------------------------------------------------------

WITHOUT_RULE = {
    "fft.fft": lambda v: np.fft.fft(v),
    "linalg.eigvals": lambda s: np.linalg.eigvals(s),
    "histogram": lambda v: np.histogram(v, bins=3),
    "asarray": lambda v: np.asarray(v, like=dl.tensor(0.0)) if isinstance(v, dl.Tensor) else v,
}


@pytest.mark.parametrize("name", WITHOUT_RULE)
def test_functions_without_rule(name: str) -> None:
    call = WITHOUT_RULE[name]
    (array,) = arrays_for(call)
    message = rf"np\.{name} has no gradient rule in dlframe: use t\.detach\(\)\.numpy\(\)"
    with pytest.raises(GradientError, match=message):
        call(dl.tensor(array, requires_grad=True))
    for got, expected in zip(parts(call(dl.from_numpy(array))), parts(call(array)), strict=True):
        if np.ndim(expected) and np.asarray(expected).dtype.kind != "c":
            assert isinstance(got, dl.Tensor)
        np.testing.assert_array_equal(np.asarray(got), expected)


def test_broadcast_arrays_gives_arrays() -> None:
    """Plotting libraries call it with whatever they were given."""
    t = dl.ones(3)
    got = np.broadcast_arrays(t, 0.5, None, "x")
    assert [type(a) for a in got] == [np.ndarray] * 4
    assert [a.shape for a in got] == [(3,)] * 4
    assert np.shares_memory(got[0], t.numpy())
    with pytest.raises(GradientError, match=r"np\.broadcast_arrays has no gradient rule"):
        np.broadcast_arrays(t.requires_grad_(), 1)


def test_matplotlib_draws_tensors() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("Agg")
    x = dl.linspace(0, 1, 5)
    try:
        assert len(pyplot.bar(x, x * 2)) == 5
        axes = pyplot.figure().add_subplot(projection="3d")
        axes.plot_surface(*dl.meshgrid(x, x, indexing="ij"), dl.rand(5, 5))
    finally:
        pyplot.close("all")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: np.emath.sqrt(-t), r"np\.emath\.sqrt: the result is complex"),
        (lambda t: np.emath.arcsin(t + 1), r"np\.emath\.arcsin: the result is complex"),
        (lambda t: np.emath.power(-t, 0.5), r"np\.emath\.power: the result is complex"),
        (lambda t: np.emath.logn(2, -t), r"np\.emath\.logn: the result is complex"),
        (lambda t: np.geomspace(-t, t, 3), r"np\.geomspace: .* different signs"),
    ],
)
def test_results_that_no_tensor_holds(call: Callable[..., Any], message: str) -> None:
    with pytest.raises(DTypeError, match=message):
        call(dl.tensor([1.0, 2.0], requires_grad=True))


def test_options_without_rule() -> None:
    t = dl.tensor([1.0, 2.0], requires_grad=True)
    mask = np.array([True, False])
    with pytest.raises(GradientError, match=r"np\.sum with these arguments"):
        np.sum(t, where=mask)
    with pytest.raises(GradientError, match=r"np\.exp with where= has no gradient rule"):
        np.exp(t, where=mask)
    with pytest.raises(GradientError, match=r"np\.linalg\.svd with these arguments"):
        np.linalg.svd(t[:, None] * t, hermitian=True)
    with pytest.raises(GradientError, match=r"np\.interp with these arguments"):
        np.interp(t, [0.0, 1.0], [0.0, 1.0], period=3.0)
    with pytest.raises(GradientError, match=r"np\.poly .* eigenvalues"):
        np.poly(t[:, None] * t)
    with pytest.raises(ArgumentError, match=r"np\.reshape: order must be 'C' or 'F'"):
        np.reshape(t, (1, 2), order="A")
    with pytest.raises(ArgumentError, match=r"np\.pad: .*'linear_ramp'"):
        np.pad(t, 1, mode="median")
    assert np.sum(t.detach(), where=mask) == 1.0


def test_out_is_an_array_and_only_where_no_graph_is_lost() -> None:
    t = dl.tensor([1.0, 2.0], requires_grad=True)
    total = np.zeros(2)
    total += t.detach()
    assert isinstance(total, np.ndarray)
    assert total.tolist() == [1.0, 2.0]
    with pytest.raises(GradientError, match=r"np\.add with out= has no gradient rule"):
        total += t
    with pytest.raises(GradientError, match=r"np\.sum with these arguments"):
        np.sum(t, out=np.zeros(()))
    with pytest.raises(ArgumentError, match=r"np\.add would write into a tensor"):
        np.add(total, total, out=t)
    with pytest.raises(ArgumentError, match=r"np\.sum would write into a tensor"):
        np.sum(total, out=dl.tensor(0.0))


def test_like_makes_a_tensor() -> None:
    out = np.ones((2, 3), np.float32, like=dl.tensor(0.0))
    assert isinstance(out, dl.Tensor)
    assert out.dtype == dl.float32


# --- refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("copyto", lambda t: np.copyto(t, 1.0)),
        ("fill_diagonal", lambda t: np.fill_diagonal(t, 1.0)),
        ("place", lambda t: np.place(t, [[True, False]], [1.0])),
        ("put", lambda t: np.put(t, [0], [1.0])),
        ("put_along_axis", lambda t: np.put_along_axis(t, np.array([[0]]), 1.0, 1)),
        ("putmask", lambda t: np.putmask(t, [[True, False]], [1.0])),
        ("add.at", lambda t: np.add.at(t, 0, 1.0)),
    ],
)
def test_nothing_writes_into_tensors(name: str, call: Callable[..., Any]) -> None:
    t = dl.tensor([[1.0, 2.0]])
    with pytest.raises(ArgumentError, match=rf"np\.{name} would write .* t\[\.\.\.\] = value"):
        call(t)
    assert t.tolist() == [[1.0, 2.0]]


def test_values_may_be_written_into_arrays() -> None:
    t = dl.tensor([1.0, 2.0])
    array = np.zeros(2)
    np.copyto(array, t)
    np.put(array, [0], t[1:])
    np.add.at(array, [1, 1], t)
    assert array.tolist() == [2.0, 5.0]
    assert np.full(2, t).tolist() == [1.0, 2.0]
    with pytest.raises(GradientError, match=r"np\.copyto has no gradient rule"):
        np.copyto(array, t.requires_grad_())


def test_functions_that_run_on_values_cannot_write_into_them() -> None:
    t = dl.tensor([np.nan, 2.0, 1.0])
    with pytest.raises(ValueError, match="read-only"):
        np.nan_to_num(t, copy=False)
    assert np.isnan(t[0].item())


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("is_busday", lambda t: np.is_busday(t)),
        pytest.param(
            "strings.upper",
            lambda t: np.strings.upper(t),
            marks=pytest.mark.skipif(
                not hasattr(np.strings.upper, "_implementation"),
                reason="NumPy 2.0 refuses it itself, without asking us",
            ),
        ),
        ("isnat", lambda t: np.isnat(t)),
        ("lib.recfunctions.unstructured_to_structured", None),
    ],
)
def test_what_tensors_cannot_hold(name: str, call: Callable[..., Any] | None) -> None:
    if call is None:
        from numpy.lib import recfunctions

        call = recfunctions.unstructured_to_structured
    with pytest.raises(DTypeError, match=rf"np\.{name}: tensors hold numbers"):
        call(dl.tensor([1.0]))


def test_unknown_functions_are_refused_by_name() -> None:
    from numpy._core.overrides import array_function_dispatch

    @array_function_dispatch(lambda a: (a,), module="numpy")
    def brand_new(a: Any) -> Any:
        return a

    with pytest.raises(GradientError, match=r"np\.brand_new is not known to this version"):
        brand_new(dl.tensor([1.0]))


def test_arguments_are_checked_as_numpy_checks_them() -> None:
    t = dl.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    with pytest.raises(ValueError):
        np.squeeze(t, axis=1)
    with pytest.raises(ValueError):
        np.split(t, 2, axis=1)
    with pytest.raises(ValueError):
        np.vsplit(t[0], 3)
    with pytest.raises(ValueError):
        np.diff(t, n=-1)
    with pytest.raises(ValueError):
        np.median(t, axis=2)
    with pytest.raises(ValueError):
        np.vander(t)
    with pytest.raises(ValueError):
        np.repeat(t, -1)
    with pytest.raises(ValueError):
        np.moveaxis(t, 5, 0)
    with pytest.raises(ValueError):
        np.concatenate([t, dl.zeros(3)])
    with pytest.raises(ArgumentError):
        np.where(t > 1, t)
    with pytest.raises(ArgumentError):
        np.select([t > 1], [])


AXES_OUT_OF_RANGE: list[Callable[[Any], Any]] = [
    lambda t: np.apply_along_axis(np.sum, 5, t),
    lambda t: np.apply_along_axis(np.sum, 0, t[0, 0]),
    lambda t: np.compress([True], t, axis=5),
    lambda t: np.gradient(t, axis=5),
    lambda t: np.gradient(t, axis=(0, -3)),
    lambda t: np.gradient(t[0, 0], axis=0),
    lambda t: np.linalg.norm(t, axis=(0, 5)),
    lambda t: np.linalg.tensorsolve(t, t[0], axes=(5,)),
    lambda t: np.repeat(t, 2, axis=5),
    lambda t: np.roll(t, 1, axis=-3),
    lambda t: np.roll(t, (1,), axis=(5,)),
    lambda t: np.roll(t, (1, 2), axis=(0, 5)),
    lambda t: np.roll(t[0, 0], 1, axis=0),
    lambda t: np.take(t, [0], axis=5),
    lambda t: np.take_along_axis(t, np.array([[0]]), axis=5),
    lambda t: np.tensordot(t, t, axes=([0], [5])),
    lambda t: np.trapezoid(t, axis=5),
    lambda t: np.trapezoid(t, t[0], axis=-3),
    lambda t: np.trapezoid(t[0, 0]),
]


@pytest.mark.parametrize("call", AXES_OUT_OF_RANGE)
def test_axes_out_of_range_do_not_wrap_around(call: Callable[[Any], Any]) -> None:
    with pytest.raises((IndexError, ValueError)):
        call(np.ones((3, 3)))
    with pytest.raises(np.exceptions.AxisError):
        call(dl.ones(3, 3))


def test_more_axes_than_there_are_do_not_wrap_around() -> None:
    with pytest.raises(IndexError):
        np.tensordot(dl.ones(3, 3), dl.ones(3, 3), axes=3)


def test_a_number_has_one_axis_to_take_from() -> None:
    calls: list[Callable[[Any], Any]] = [
        lambda x: np.take(x, [0, 0], axis=0),
        lambda x: np.repeat(x, 2, axis=-1),
        lambda x: np.compress([True], x, axis=0),
    ]
    for call in calls:
        np.testing.assert_array_equal(call(dl.tensor(2.0)), call(np.array(2.0)))


@pytest.mark.parametrize(
    ("shape", "k", "axes", "message"),
    [
        ((3,), 1, (0, -1), "Axes must be different"),
        ((1,), 2, (0, 1), "Axes must be different"),
        ((3, 3), 0, (0, -2), "Axes must be different"),
        ((3, 3), 1, (0, 5), "out of range"),
        ((3, 3), 1, (0, 1, 2), "must be 2"),
        ((), 1, (0, 1), "out of range"),
    ],
)
def test_axes_of_rot90_are_checked_by_numpy(shape: Any, k: int, axes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        np.rot90(dl.ones(shape), k, axes=axes)


def test_tensorsolve_of_shapes_that_do_not_fit() -> None:
    for a, b, axes in (((2, 3), (4,), None), ((2, 3), (2,), None), ((2, 3, 6), (2, 3), (0,))):
        with pytest.raises(np.linalg.LinAlgError):
            np.linalg.tensorsolve(np.ones(a), np.ones(b), axes=axes)
        with pytest.raises(LinAlgError, match="must be square"):
            np.linalg.tensorsolve(dl.ones(a), dl.ones(b), axes=axes)
    with pytest.raises(ValueError):
        np.linalg.tensorsolve(dl.ones(2, 3, 6), dl.ones(2, 2))


def test_condition_of_vectors_and_numbers_is_refused() -> None:
    for x in (dl.tensor(3.0), dl.ones(3)):
        for p in (None, 1):
            with pytest.raises(LinAlgError, match="at least two-dimensional"):
                np.linalg.cond(x, p)


def test_bools_count_in_repeat() -> None:
    assert np.repeat(dl.tensor(2.0), dl.tensor(True)).tolist() == [2]
    assert np.repeat(dl.ones(2), dl.tensor([True, False])).tolist() == [1]


# --- numbers and dtypes ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{}, {"dx": 0.3}, {"dx": [0.1, 0.2, 0.3]}, {"x": [0.1, 0.3, 0.7, 1.9]}]
)
def test_trapezoid_is_numpys(options: dict[str, Any]) -> None:
    y = np.random.default_rng(0).normal(size=(5, 4))
    axes = [-1, 0] if "x" not in options and np.ndim(options.get("dx", 1)) == 0 else [-1]
    for axis in axes:
        np.testing.assert_allclose(
            np.trapezoid(dl.tensor(y), **options, axis=axis),
            np.trapezoid(y, **options, axis=axis),
            rtol=1e-12, strict=True,
        )  # fmt: skip


def test_trapezoid_of_infinities_and_of_few() -> None:
    assert np.trapezoid(dl.tensor([math.inf, 1.0, 2.0])).item() == math.inf
    assert dl.trapezoid(dl.tensor([math.inf, 1.0, 2.0])).isnan()  # as in PyTorch
    assert np.trapezoid(dl.ones(1)).item() == np.trapezoid(dl.ones(0)).item() == 0
    assert np.trapezoid(dl.ones(0, 3), axis=0).tolist() == [0, 0, 0]


def test_round_of_integers_and_bools_is_a_tensor_of_their_dtype() -> None:
    for x, decimals in ((4, 0), ([4, 17], -1), (True, 0), ([True, False], 1)):
        t = dl.tensor(x)
        for function in (np.round, np.around):
            out = function(t, decimals)
            assert isinstance(out, dl.Tensor)
            assert out.dtype == t.dtype
    assert np.round(dl.tensor([4, 17]), -1).tolist() == [0, 20]
    assert np.round(dl.tensor([True, False]), 1).tolist() == [True, False]


# --- PyTorch's functions with the same rules ---------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda x: dl.unique(x),
        lambda x: dl.nansum(x),
        lambda x: dl.logcumsumexp(x, 0),
        lambda x: dl.repeat_interleave(x, 2),
    ],
)
def test_functions_of_pytorch_take_tensors_only(call: Callable[[Any], Any]) -> None:
    for x in (np.float32(2), np.ones(2), 2.0, [1.0, 2.0]):
        with pytest.raises(TypeError):
            call(x)


def test_covariance_of_nothing_with_weights_is_nan_without_a_warning() -> None:
    assert dl.cov(dl.ones(0), aweights=dl.ones(0)).isnan()
    assert dl.cov(dl.ones(2, 0), aweights=dl.ones(0)).isnan().all()
