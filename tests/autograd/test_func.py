"""Transformations of functions. PyTorch's numbers: tests/samples/autograd.py and tests/oracle."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.errors import ArgumentError, GradientError, VmapError
from dlframe.func import (
    functional_call,
    grad,
    grad_and_value,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    replace_all_batch_norm_modules_,
    stack_module_state,
    value_and_grad,
    vjp,
    vmap,
)


class Pair(NamedTuple):
    a: Any
    b: Any


def x64(*shape, seed=0):
    return dl.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def close(a, b):
    return np.allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-10, atol=1e-12)


# --- derivatives -------------------------------------------------------------------------------


def test_every_order_of_a_power():
    f, x = lambda t: t**5, dl.tensor(1.5, dtype=dl.float64)
    for factor, power in ((5, 4), (20, 3), (60, 2), (120, 1)):
        f = grad(f)
        assert f(x).item() == pytest.approx(factor * 1.5**power)


def test_the_three_orders_of_value_and_gradient():
    x = x64(3)
    value = (x * x).sum()
    assert close(grad_and_value(lambda t: (t * t).sum())(x)[1], value)
    assert close(value_and_grad(lambda t: (t * t).sum())(x)[0], value)
    assert close(grad(lambda t: (t * t).sum())(x), 2 * x)


def test_inner_and_outer_variables_are_not_confused():
    x = dl.tensor(1.3, dtype=dl.float64)
    # d/dx [x · d/dy (x y)²] at y = x is d/dx [2 x⁴]... with y held fixed inside: x · 2 x² y
    out = grad(lambda t: t * grad(lambda y: (t * y) ** 2)(t))(x)
    assert out.item() == pytest.approx(8 * 1.3**3)
    one = dl.ones((), dtype=dl.float64)
    assert grad(lambda t: t * jvp(lambda y: t + y, (one,), (one,))[1])(x).item() == 1


def test_results_require_grad_only_where_something_outside_does():
    x, w = x64(3), x64(3, seed=1).requires_grad_()
    assert not grad(lambda t: (t**3).sum())(x).requires_grad
    g = grad(lambda t: (t**2 * w).sum())(x)
    assert close(dl.autograd.grad(g.sum(), w)[0], 2 * x)
    assert x.grad is None
    assert w.grad is None
    with dl.no_grad():
        assert not grad(lambda t: (t**2 * w).sum())(x).requires_grad


def test_nothing_is_added_to_grad():
    x = x64(3).requires_grad_()
    grad(lambda t: (t**3).sum())(x)
    jacrev(lambda t: t**3)(x)
    assert x.grad is None


def test_arguments_of_any_structure():
    p = {"pair": Pair(x64(2), [x64(3)]), "rest": (x64(2, seed=2),)}
    f = lambda q: (q["pair"].a * q["rest"][0]).sum() * (q["pair"].b[0] ** 2).sum()
    g = grad(f)(p)
    assert isinstance(g["pair"], Pair)
    assert isinstance(g["rest"], tuple)
    assert close(g["pair"].a, p["rest"][0] * (p["pair"].b[0] ** 2).sum())


def test_the_same_tensor_twice_has_two_gradients():
    x = x64(3)
    a, b = grad(lambda s, t: (s * s * t).sum(), argnums=(0, 1))(x, x)
    assert close(a, 2 * x * x)
    assert close(b, x * x)


@pytest.mark.parametrize("outer", [jacrev, jacfwd])
@pytest.mark.parametrize("inner", [jacrev, jacfwd])
def test_jacobians_of_jacobians_agree(outer, inner):
    w, x = x64(2, 3), x64(3, seed=1)
    f = lambda t: (w @ t).exp()
    expected = dl.einsum("i,ij,ik->ijk", f(x), w, w)
    assert close(outer(inner(f))(x), expected)


def test_the_hessian_of_a_network_is_symmetric_and_right():
    dl.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    params = {name: p.detach() for name, p in model.named_parameters()}
    x, y = x64(5, 3), x64(5, 1, seed=1)
    loss = lambda p: nn.functional.mse_loss(functional_call(model, p, x), y)
    blocks = hessian(loss)(params)
    assert blocks["0.weight"]["2.bias"].shape == (4, 3, 1)
    one, other = blocks["0.weight"]["0.bias"], blocks["0.bias"]["0.weight"]
    assert close(one.reshape(12, 4), other.reshape(4, 12).T)
    direction = {name: x64(*p.shape, seed=7) for name, p in params.items()}
    _, moved = jvp(grad(loss), (params,), (direction,))
    for name, p in params.items():
        product = sum(
            (blocks[name][other].reshape(p.numel(), -1) @ direction[other].reshape(-1))
            for other in params
        )
        assert close(moved[name].reshape(-1), product)


def test_forward_mode_by_jvp_and_linearize():
    f, x, u = lambda t: (t.sin(), {"k": t.prod()}), x64(3), x64(3, seed=1)
    out, along = jvp(f, (x,), (u,))
    assert close(out[0], x.sin())
    assert close(along[0], x.cos() * u)
    assert close(along[1]["k"], (x.prod() / x * u).sum())
    value, linear = linearize(f, x)
    assert close(linear(u)[0], along[0])
    assert close(value[1]["k"], x.prod())


def test_vjp_gives_a_function_for_many_cotangents():
    x = x64(3)
    _, back = vjp(lambda t: t * t, x)
    assert close(back(x)[0], 2 * x * x)
    assert close(vmap(back)(dl.eye(3, dtype=dl.float64))[0], dl.diag(2 * x))


BAD = {
    "a result that is no number": (GradientError, lambda: grad(lambda t: 3.0)(x64(2))),
    "a result with dimensions": (RuntimeError, lambda: grad(lambda t: t)(x64(2))),
    "an argument that is not there": (
        RuntimeError,
        lambda: grad(lambda t: t.sum(), argnums=1)(x64(2)),
    ),
    "an argument twice": (RuntimeError, lambda: grad(lambda t: t.sum(), argnums=(0, 0))(x64(2))),
    "no argument": (RuntimeError, lambda: grad(lambda t: t.sum(), argnums=())(x64(2))),
    "a name for an argument": (RuntimeError, lambda: grad(lambda t: t.sum(), argnums="t")(x64(2))),
    "no aux": (RuntimeError, lambda: grad(lambda t: t.sum(), has_aux=True)(x64(2))),
    "integers": (RuntimeError, lambda: grad(lambda t: t.sum())(dl.tensor([1, 2]))),
    "no tensor": (TypeError, lambda: grad(lambda t: t)(3.0)),
    "primals that are no tuple": (RuntimeError, lambda: jvp(dl.sin, x64(2), x64(2))),
    "tangents of another structure": (
        RuntimeError,
        lambda: jvp(dl.sin, (x64(2),), (x64(2), x64(2))),
    ),
    "tangents of another shape": (RuntimeError, lambda: jvp(dl.sin, (x64(2),), (x64(3),))),
    "an independent output": (
        RuntimeError,
        lambda: jvp(lambda t: dl.ones(2), (x64(2),), (x64(2),), strict=True),
    ),
    "cotangents of another structure": (RuntimeError, lambda: vjp(dl.sin, x64(2))[1]((x64(2),))),
    "chunks of nothing": (ValueError, lambda: jacrev(dl.sin, chunk_size=0)),
}


@pytest.mark.parametrize("case", BAD, ids=str)
def test_bad_input_of_derivatives(case):
    kind, call = BAD[case]
    with pytest.raises(kind):
        call()


# --- vmap --------------------------------------------------------------------------------------


def by_loop(f, *xs):
    """What vmap must give: the function of each example, stacked."""
    return dl.stack([f(*[x[i] for x in xs]) for i in range(len(xs[0]))])


MAPPED = {
    "elementwise with broadcasting": lambda t: (t * t.sum(dim=1, keepdim=True) + t[0]).exp(),
    "reductions": lambda t: t.amax(dim=0) + t.mean() + t.std(dim=0) + t.logsumexp(0),
    "argmax": lambda t: t.argmax() + t.argmin(dim=1).sum(),
    "shapes": lambda t: t.T.reshape(-1).unsqueeze(0).expand(2, -1).flip(1).contiguous().view(4, -1),
    "joining": lambda t: dl.cat([t, t.roll(1, 0), dl.zeros(1, 3, dtype=t.dtype)]),
    "indices": lambda t: t[[1, 0]][:, [0, 2]] + t[..., 1:].sum(),
    "masks of the program": lambda t: t[:, dl.tensor([True, False, True])],
    "where": lambda t: dl.where(t > 0, t, t.exp()),
    "matrix product": lambda t: t @ t.T @ t,
    "vector products": lambda t: (t @ t[0]) @ t,
    "einsum": lambda t: dl.einsum("ij,kj->ik", t, t),
    "sort": lambda t: t.sort(dim=1)[0] * t.cumsum(1),
    "softmax": lambda t: nn.functional.log_softmax(t, dim=-1) + t.softmax(0),
    "erf": dl.erf,
    "writes": lambda t: t.clone().fill_(2.0).mul_(t),
    "python's sum": lambda t: sum(row.sum() for row in t),
}


@pytest.mark.parametrize("case", MAPPED)
def test_vmap_is_the_loop_with_gradients_of_two_orders(case):
    f = MAPPED[case]
    x = x64(4, 2, 3).requires_grad_()
    got, want = vmap(f)(x), by_loop(f, x)
    assert got.shape == want.shape
    assert close(got, want)
    if not want.requires_grad:
        return
    pairs = []
    for y in (got, want):
        (g,) = dl.autograd.grad(y.sin().sum(), x, create_graph=True)
        pairs.append((g, dl.autograd.grad((g * g).sum(), x)[0] if g.requires_grad else g))
    assert close(pairs[0][0], pairs[1][0])
    assert close(pairs[0][1], pairs[1][1])


def test_dims_of_inputs_and_outputs():
    x, y = x64(2, 5, 3), x64(3, 5)
    out = vmap(lambda a, b: (a * b, b.sum()), in_dims=(1, -1), out_dims=(2, 0))(x, y)
    assert out[0].shape == (2, 3, 5)
    assert out[1].shape == (5,)
    assert close(out[0][:, :, 1], x[:, 1] * y[:, 1])
    assert vmap(lambda a: (a, 5), out_dims=(0, None))(y)[1] == 5


def test_what_does_not_depend_on_the_batch_is_repeated():
    assert vmap(lambda a: dl.ones(2))(dl.zeros(3)).shape == (3, 2)


def test_keyword_arguments_are_shared():
    x = x64(3, 2)
    assert close(vmap(lambda a, k: a * k)(x, k=x[0]), x * x[0])


def test_gradients_of_shared_inputs_add_up():
    x, w = x64(4, 3), x64(3, seed=1).requires_grad_()
    f = lambda row: (row * w).sin().sum()
    (g,) = dl.autograd.grad(vmap(f)(x).sum(), w)
    (h,) = dl.autograd.grad(by_loop(f, x).sum(), w)
    assert close(g, h)
    # also where one example's result does not depend on it by more than a constant
    (g,) = dl.autograd.grad(vmap(lambda row: row.sum() + w.sum())(x).sum(), w)
    assert close(g, dl.full((3,), 4.0, dtype=dl.float64))


def test_gradients_per_example_of_a_network():
    dl.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)
    ).double()
    params = {name: p.detach() for name, p in model.named_parameters()}
    x, y = x64(5, 1, 6, 6), dl.tensor([0, 1, 2, 1, 0])

    def loss(p, image, label):
        return nn.functional.cross_entropy(functional_call(model, p, image[None]), label[None])

    got = vmap(grad(loss), in_dims=(None, 0, 0))(params, x, y)
    for i in range(5):
        want = grad(loss)(params, x[i], y[i])
        assert all(close(got[name][i], want[name]) for name in params)
    chunked = vmap(grad(loss), in_dims=(None, 0, 0), chunk_size=2)(params, x, y)
    assert all(close(got[name], chunked[name]) for name in params)


def test_models_in_an_ensemble_run_as_one():
    models = [nn.Linear(3, 2) for _ in range(4)]
    params, buffers = stack_module_state(models)
    x = dl.randn(5, 3)
    out = vmap(lambda p, b: functional_call(models[0], (p, b), x))(params, buffers)
    assert np.allclose(out.detach().numpy(), [m(x).detach().numpy() for m in models], atol=1e-6)
    assert params["weight"].requires_grad
    assert params["weight"].is_leaf


def test_vmap_in_vmap():
    x, y = x64(3, 2), x64(4, 2, seed=1)
    table = vmap(vmap(lambda a, b: (a * b).sum(), in_dims=(None, 0)), in_dims=(0, None))(x, y)
    assert close(table, x @ y.T)
    both = vmap(vmap(lambda a: a.prod() * a))(x64(2, 3, 4))
    assert close(both, by_loop(lambda r: by_loop(lambda a: a.prod() * a, r), x64(2, 3, 4)))


def test_an_empty_batch():
    assert vmap(lambda a: a @ a)(dl.zeros(0, 3)).shape == (0,)
    assert vmap(lambda a: dl.erf(a).cumsum(0))(dl.zeros(0, 3)).shape == (0, 3)


def test_random_numbers_in_a_batch():
    x = dl.zeros(3, 2)
    draw = lambda a: a + dl.rand(2)
    same = vmap(draw, randomness="same")(x)
    assert (same[0] == same[1]).all()
    dl.manual_seed(0)
    different = vmap(draw, randomness="different")(x)
    dl.manual_seed(0)
    assert (different == dl.rand(3, 2)).all()  # as PyTorch draws them
    with pytest.raises(VmapError, match="randomness"):
        vmap(draw)(x)
    with pytest.raises(RuntimeError, match="randomness"):
        vmap(lambda a: nn.functional.dropout(a))(x)
    assert dl.rand(2).shape == (2,)  # outside nothing has changed


def test_what_a_batch_prints():
    seen = []
    vmap(lambda a: (seen.append(repr(a)), a)[1])(dl.tensor([1.0, 2.0]))
    assert seen == ["BatchedTensor(lvl=1, bdim=0, value=\n    tensor([1., 2.])\n)"]


def test_writes_go_into_the_input_unless_it_requires_grad():
    x = dl.zeros(2, 3)
    vmap(lambda a: a.add_(1))(x)
    assert (x == 1).all()
    with pytest.raises(RuntimeError):
        vmap(lambda a: a.add_(1))(dl.zeros(2, 3, requires_grad=True))
    with pytest.raises(RuntimeError, match="other"):
        vmap(lambda a: x.add_(a))(dl.zeros(4, 2, 3))  # x has no place for four examples


def test_a_function_with_vmap_of_its_own():
    calls = []

    class Cube(dl.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return dl.from_numpy(np.asarray(x.detach().numpy()) ** 3)  # NumPy wants real memory

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 3 * x * x

        @staticmethod
        def vmap(info, in_dims, x):
            calls.append((info.batch_size, info.randomness, in_dims))
            return Cube.apply(x), 0

    class Looped(Cube):
        vmap = dl.autograd.Function.vmap  # none

    x = x64(2, 3)
    for function in (Cube, Looped):
        assert close(vmap(function.apply)(x), x**3)
        assert close(vmap(grad(lambda t: function.apply(t).sum()))(x), 3 * x * x)  # noqa: B023 - called within its turn of the loop
        g = grad(lambda t: vmap(function.apply)(t).sum())(x)  # noqa: B023 - called within its turn of the loop
        assert close(g, 3 * x * x)
    assert set(calls) == {(2, "error", (0,))}


def test_threads_do_not_see_each_others_batches():
    results = {}

    def work(k):
        x = x64(5, 3, seed=k)
        results[k] = close(vmap(lambda a: (a * k).sin())(x), (x * k).sin())

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert all(results.values())


VMAP_BAD = {
    "no inputs": (ValueError, "got no inputs", lambda: vmap(lambda: 1)()),
    "dims as a list": (ValueError, "expected `in_dims`", lambda: vmap(dl.sin, in_dims=[0])(x64(2))),
    "dims of another structure": (
        ValueError,
        "not compatible",
        lambda: vmap(dl.sin, in_dims=(0, 0))(x64(2)),
    ),
    "a dim that is not there": (
        ValueError,
        "-1 <= in_dim < 1",
        lambda: vmap(dl.sin, in_dims=3)(x64(2)),
    ),
    "a dim for a number": (ValueError, "non-Tensor", lambda: vmap(dl.mul)(x64(2), 3)),
    "a dim that is no number": (
        ValueError,
        "integer dimension",
        lambda: vmap(dl.sin, in_dims=("a",))(x64(2)),
    ),
    "two sizes": (ValueError, "same size", lambda: vmap(dl.mul)(x64(2), x64(3))),
    "nothing mapped": (ValueError, "at least one", lambda: vmap(dl.sin, in_dims=(None,))(x64(2))),
    "no tensor returned": (ValueError, "only return Tensors", lambda: vmap(lambda t: 3)(x64(2))),
    "a batch without a dim": (
        ValueError,
        "out_dim is None",
        lambda: vmap(dl.sin, out_dims=None)(x64(2)),
    ),
    "dims of outputs": (
        ValueError,
        "out_dims is not compatible",
        lambda: vmap(lambda t: (t, t), out_dims=(0,))(x64(2)),
    ),
    "an output dim that is not there": (
        IndexError,
        "out of range",
        lambda: vmap(dl.sin, out_dims=3)(x64(2)),
    ),
    "chunks of nothing": (ValueError, "chunk_size", lambda: vmap(dl.sin, chunk_size=0)),
    "an unknown randomness": (
        RuntimeError,
        "Only allowed",
        lambda: vmap(dl.sin, randomness="some"),
    ),
    "item()": (RuntimeError, "data-dependent", lambda: vmap(lambda t: t.item())(x64(2))),
    "branching": (
        RuntimeError,
        "data-dependent",
        lambda: vmap(lambda t: t if t > 0 else -t)(x64(2)),
    ),
    "shapes that differ": (
        RuntimeError,
        "different shapes",
        lambda: vmap(lambda t: t.nonzero())(dl.tensor([[0, 1], [1, 1]])),
    ),
}


@pytest.mark.parametrize("case", VMAP_BAD, ids=str)
def test_bad_input_of_vmap(case):
    kind, message, call = VMAP_BAD[case]
    with pytest.raises(kind, match=message):
        call()


# --- modules -----------------------------------------------------------------------------------


def test_functional_call_leaves_the_module_as_it_was():
    model = nn.BatchNorm1d(2)
    before = dict(vars(model))
    state = {name: t.clone() for name, t in model.state_dict().items()}
    own = {"running_mean": dl.zeros(2), "weight": dl.full((2,), 3.0)}
    functional_call(model, own, dl.randn(4, 2))
    assert vars(model) == before
    assert list(vars(model)) == list(before)
    assert (model.running_mean == state["running_mean"]).all()
    assert (own["running_mean"] != 0).any()  # written in place, or replaced: the caller sees it


def test_tied_parameters_change_together():
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    model[1].weight = model[0].weight
    eye = dl.eye(2)
    x = dl.tensor([1.0, 2.0])
    assert (functional_call(model, {"0.weight": 2 * eye}, x) == 4 * x).all()
    untied = functional_call(model, {"0.weight": 2 * eye, "1.weight": eye}, x, tie_weights=False)
    assert (untied == 2 * x).all()
    with pytest.raises(ValueError, match="multiple values"):
        functional_call(model, {"0.weight": 2 * eye, "1.weight": eye}, x)


def test_names_that_do_not_fit():
    model, x = nn.Linear(2, 1), dl.zeros(2)
    with pytest.raises(RuntimeError, match=r"Unexpected key.*'c'.*\n.*Missing key.*'bias'"):
        functional_call(model, {"weight": dl.ones(1, 2), "c": x}, x, strict=True)
    with pytest.raises(ValueError, match="multiple dictionaries"):
        functional_call(model, ({"bias": x}, {"bias": x}), x)
    with pytest.raises(ValueError, match="to be a dict"):
        functional_call(model, 3, x)
    with pytest.raises(AttributeError):
        functional_call(model, {"nothing": x}, x)


def test_batch_norm_without_statistics():
    model = replace_all_batch_norm_modules_(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))
    assert model[1].running_mean is None
    assert not model[1].track_running_stats
    params = {name: p.detach() for name, p in model.named_parameters()}
    out = vmap(lambda x: functional_call(model, params, x))(dl.randn(3, 4, 2))
    assert out.shape == (3, 4, 2)


def test_models_that_do_not_stack():
    with pytest.raises(RuntimeError, match="at least one"):
        stack_module_state([])
    with pytest.raises(RuntimeError, match="same class"):
        stack_module_state([nn.Linear(1, 1), nn.Tanh()])
    with pytest.raises(RuntimeError, match="training/eval"):
        stack_module_state([nn.Linear(1, 1), nn.Linear(1, 1).eval()])


def test_errors_are_both_kinds():
    with pytest.raises(ArgumentError):
        vmap(dl.sin)(x64(2), x64(3))


def test_derivatives_by_inputs_keep_the_graph_of_a_module():
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double()
    params = {name: p.detach() for name, p in net.named_parameters()}

    def curvature(params):
        second = vmap(hessian(lambda z: functional_call(net, params, z).squeeze(-1)))(points)
        return (second**2).sum()

    points = x64(4, 2)
    second = vmap(hessian(lambda z: net(z).squeeze(-1)))(points)  # as physics-informed nets do
    assert second.requires_grad
    (second**2).sum().backward()
    expected = grad(curvature)(params)
    for name in ("0.weight", "0.bias", "2.weight"):
        assert close(net.get_parameter(name).grad, expected[name]), name
    assert net[2].bias.grad is None  # a sum does not bend


def test_hooks_on_several_tensors_run_when_the_pass_ends():
    seen = []

    def product(x):
        factors = [2 * x, 3 * x]
        dl.autograd.graph.register_multi_grad_hook(factors, lambda found: seen.append(len(found)))
        return (factors[0] * factors[1]).sum()

    assert grad(product)(x64(2)).shape == (2,)
    assert seen == [2]
