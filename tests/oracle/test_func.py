"""Transformations of functions, functional, hooks and checkpoints, under dlframe and PyTorch.

Values and gradients of ordinary calls are compared by tests/oracle/test_calls.py; here are programs
that go further: nesting, errors, hooks, structures of results.
"""

from __future__ import annotations

import importlib

import numpy as np
import pytest

torch = pytest.importorskip("torch")
CASES = []


def case(program):
    CASES.append(program)
    return program


def x64(lib, *shape, seed=0):
    return lib.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def flat(out):
    """Tensors as lists, with whether they require grad; containers with what they are."""
    if isinstance(out, (tuple, list)):
        return [type(out).__name__, *(x for part in out for x in flat(part))]
    if isinstance(out, dict):
        return ["dict", *(x for key, part in out.items() for x in (key, *flat(part)))]
    if hasattr(out, "requires_grad"):
        return [out.detach().tolist(), out.requires_grad]
    return [out]


def function(lib, **methods):
    return type(
        "Fn", (lib.autograd.Function,), {name: staticmethod(m) for name, m in methods.items()}
    )


def checkpoint(lib):
    return importlib.import_module(f"{lib.__name__}.utils.checkpoint").checkpoint


def functional(lib, name):
    return getattr(importlib.import_module(f"{lib.__name__}.autograd.functional"), name)


# --- func --------------------------------------------------------------------------------------


@case
def nested_derivatives(lib):
    x = lib.tensor(1.3, dtype=lib.float64)
    g = lib.func.grad
    return flat(
        [
            g(lambda t: t * g(lambda y: (t * y) ** 2)(t))(x),
            g(g(g(lambda t: t.sin() * t**4)))(x),
            lib.func.jvp(g(lambda t: t**3), (x,), (x,)),
            lib.func.vjp(lambda t: lib.func.jvp(lib.sin, (t,), (t,)), x)[0],
        ]
    )


@case
def a_derivative_of_what_requires_grad(lib):
    x, w = x64(lib, 3).requires_grad_(), x64(lib, 3, seed=1).requires_grad_()
    f = lambda t: (t**2 * w).sum()
    with lib.no_grad():
        inside = lib.func.grad(f)(x)
    g = lib.func.grad(f)(x)
    return flat([inside, g, lib.autograd.grad(g.sum(), [x, w]), lib.func.grad(f)(x.detach())])


@case
def no_grad_inside(lib):
    def f(t):
        with lib.no_grad():
            c = t**2
        return (t - c).sum()

    return flat(lib.func.grad(f)(x64(lib, 3)))


@case
def aux_and_values(lib):
    f = lambda t: ((t * t).sum(), {"twice": t * 2, "list": [t.exp()]})
    x = x64(lib, 3)
    return flat(
        [
            lib.func.grad(f, has_aux=True)(x),
            lib.func.grad_and_value(f, has_aux=True)(x),
            lib.func.jacrev(f, has_aux=True)(x),
            lib.func.jacfwd(f, has_aux=True)(x),
        ]
    )


@case
def derivatives_of_shared_models(lib):
    model = lib.nn.Sequential(lib.nn.Linear(3, 2), lib.nn.Tanh(), lib.nn.Linear(2, 1)).double()
    with lib.no_grad():
        for i, p in enumerate(model.parameters()):
            p.copy_(x64(lib, *p.shape, seed=i))
    params = {name: p.detach() for name, p in model.named_parameters()}
    loss = lambda p, x: (lib.func.functional_call(model, p, (x,)) ** 2).sum()
    x = x64(lib, 4, 3, seed=9)
    return flat(
        [
            lib.func.grad(loss)(params, x),
            lib.func.vmap(lib.func.grad(loss), in_dims=(None, 0))(params, x),
            lib.func.hessian(loss)(params, x)["0.weight"]["2.weight"],
            lib.func.vmap(lib.func.jacrev(loss), in_dims=(None, 0), chunk_size=3)(params, x),
        ]
    )


@case
def gradients_of_shared_inputs(lib):
    x, w = x64(lib, 4, 3).requires_grad_(), x64(lib, 3, seed=1).requires_grad_()
    y = lib.func.vmap(lambda t: ((t * w).prod() + w.sum(), (t @ w).sin()))(x)
    g = lib.autograd.grad((y[0] * y[1]).sum(), [x, w], create_graph=True)
    return flat([y, g, lib.autograd.grad((g[0] ** 2).sum() + (g[1] ** 3).sum(), [x, w])])


@case
def random_numbers(lib):
    out = []
    for mode in ("same", "different"):
        lib.manual_seed(0)
        x = lib.zeros(4, 3)
        draws = (
            lambda t: t + lib.randn(3),
            lambda t: t + lib.rand(3),
            lambda t: t + lib.randint(0, 9, (3,)),
            lambda t: lib.nn.functional.dropout(t + 1, 0.4),
            lambda t: t + lib.randperm(3),
        )
        for draw in draws:
            out.append(lib.func.vmap(draw, randomness=mode)(x))
            out.append(lib.func.vmap(draw, randomness="same", chunk_size=2)(x))
    return flat(out)


@case
def functions_with_vmap(lib):
    seen = []
    F = function(
        lib,
        forward=lambda x: x**3,
        setup_context=lambda ctx, inputs, output: ctx.save_for_backward(*inputs),
        backward=lambda ctx, g: g * 3 * ctx.saved_tensors[0] ** 2,
        vmap=lambda info, dims, x: (seen.append((*info, dims)), (F.apply(x), 0))[1],
    )
    x = x64(lib, 2, 3).requires_grad_()
    y = lib.func.vmap(F.apply)(x)
    one = lib.func.vmap(lib.func.grad(lambda t: F.apply(t).sum()))(x.detach())
    return [*flat([y, lib.autograd.grad(y.sum(), x), one]), len(seen) > 0]


@case
def once_differentiable_and_contexts(lib):
    F = function(
        lib,
        forward=lambda x: (x * x, x.sign()),
        setup_context=lambda ctx, inputs, out: (
            ctx.save_for_backward(*inputs),
            ctx.save_for_forward(*inputs),
            ctx.mark_non_differentiable(out[1]),
            ctx.set_materialize_grads(False),
        )[0],
        backward=lambda ctx, g, h: 2 * ctx.saved_tensors[0] * g if h is None else None,
    )
    x = x64(lib, 3).requires_grad_()
    y, sign = F.apply(x)
    return flat(
        [y, sign, lib.autograd.grad(y.sum(), x), lib.func.grad(lambda t: F.apply(t)[0].sum())(x)]
    )


BAD = {
    "grad: no number": lambda lib: lib.func.grad(lambda t: t)(x64(lib, 3)),
    "grad: no tensor": lambda lib: lib.func.grad(lambda t: 3.0)(x64(lib, 3)),
    "grad: integers": lambda lib: lib.func.grad(lambda t: t.sum())(lib.tensor([1])),
    "grad: argnums": lambda lib: lib.func.grad(lambda t: t.sum(), argnums=2)(x64(lib, 3)),
    "grad: argnums twice": lambda lib: lib.func.grad(lambda t: t.sum(), argnums=(0, 0))(
        x64(lib, 3)
    ),
    "grad: no argnums": lambda lib: lib.func.grad(lambda t: t.sum(), argnums=())(x64(lib, 3)),
    "grad: no aux": lambda lib: lib.func.grad(lambda t: t.sum(), has_aux=True)(x64(lib, 3)),
    "vjp: structure": lambda lib: lib.func.vjp(lib.sin, x64(lib, 3))[1]((x64(lib, 3),)),
    "jvp: no tuple": lambda lib: lib.func.jvp(lib.sin, x64(lib, 3), x64(lib, 3)),
    "jvp: structure": lambda lib: lib.func.jvp(lib.sin, (x64(lib, 3),), (x64(lib, 3), x64(lib, 3))),
    "jvp: shape": lambda lib: lib.func.jvp(lib.sin, (x64(lib, 3),), (x64(lib, 2),)),
    "jvp: strict": lambda lib: lib.func.jvp(
        lambda t: lib.ones(2), (x64(lib, 3),), (x64(lib, 3),), strict=True
    ),
    "vmap: in_dims": lambda lib: lib.func.vmap(lib.sin, in_dims=(0, 0))(x64(lib, 3)),
    "vmap: in_dims of a kind": lambda lib: lib.func.vmap(lib.sin, in_dims="a")(x64(lib, 3)),
    "vmap: in_dim": lambda lib: lib.func.vmap(lib.sin, in_dims=3)(x64(lib, 3)),
    "vmap: sizes": lambda lib: lib.func.vmap(lib.mul)(x64(lib, 3), x64(lib, 4)),
    "vmap: a number": lambda lib: lib.func.vmap(lib.mul)(x64(lib, 3), 3),
    "vmap: nothing": lambda lib: lib.func.vmap(lambda: 1)(),
    "vmap: nothing mapped": lambda lib: lib.func.vmap(lib.sin, in_dims=(None,))(x64(lib, 3)),
    "vmap: out_dim": lambda lib: lib.func.vmap(lib.sin, out_dims=3)(x64(lib, 3)),
    "vmap: out_dims": lambda lib: lib.func.vmap(lambda t: [t, t], out_dims=(0, 1))(x64(lib, 3)),
    "vmap: out_dims of one": lambda lib: lib.func.vmap(lib.sin, out_dims=(0, 1))(x64(lib, 3)),
    "vmap: no out_dim": lambda lib: lib.func.vmap(lib.sin, out_dims=None)(x64(lib, 3)),
    "vmap: chunks": lambda lib: lib.func.vmap(lib.sin, chunk_size=0)(x64(lib, 3)),
    "vmap: randomness": lambda lib: lib.func.vmap(lib.sin, randomness="x")(x64(lib, 3)),
    "vmap: random": lambda lib: lib.func.vmap(lambda t: t + lib.rand(1))(x64(lib, 3)),
    "vmap: dropout": lambda lib: lib.func.vmap(lib.nn.functional.dropout)(x64(lib, 3)),
    "vmap: item": lambda lib: lib.func.vmap(lambda t: t.item())(x64(lib, 3)),
    "vmap: branch": lambda lib: lib.func.vmap(lambda t: t if t > 0 else -t)(x64(lib, 3)),
    "vmap: write": lambda lib: lib.func.vmap(lambda t: lib.zeros(3).double().add_(t))(x64(lib, 3)),
    "functional_call: names": lambda lib: lib.func.functional_call(
        lib.nn.Linear(1, 1), {"a": lib.ones(1)}, lib.ones(1), strict=True
    ),
    "functional_call: dicts": lambda lib: lib.func.functional_call(
        lib.nn.Linear(1, 1), ({"bias": lib.ones(1)}, {"bias": lib.ones(1)}), lib.ones(1)
    ),
    "functional_call: kind": lambda lib: lib.func.functional_call(
        lib.nn.Linear(1, 1), 3, lib.ones(1)
    ),
    "stack: none": lambda lib: lib.func.stack_module_state([]),
    "stack: kinds": lambda lib: lib.func.stack_module_state([lib.nn.Tanh(), lib.nn.ReLU()]),
    "jacobian: strategy": lambda lib: functional(lib, "jacobian")(
        lib.sin, x64(lib, 3), strategy="x"
    ),
    "jacobian: forward": lambda lib: functional(lib, "jacobian")(
        lib.sin, x64(lib, 3), strategy="forward-mode"
    ),
    "hessian: vector": lambda lib: functional(lib, "hessian")(lib.sin, x64(lib, 3)),
    "hessian: strict": lambda lib: functional(lib, "hessian")(
        lambda t: t.sum(), x64(lib, 3), strict=True
    ),
    "vjp: no v": lambda lib: functional(lib, "vjp")(lib.sin, x64(lib, 3)),
    "jvp: v": lambda lib: functional(lib, "jvp")(lib.sin, x64(lib, 3), x64(lib, 2)),
    "vhp: strict": lambda lib: functional(lib, "vhp")(
        lambda t: t.sum(), x64(lib, 3), x64(lib, 3), strict=True
    ),
    "checkpoint: check": lambda lib: checkpoint(lib)(
        lib.sin, x64(lib, 3), use_reentrant=False, determinism_check="x"
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", BAD)
def test_bad_input_raises_in_both(name, agree):
    with pytest.raises(Exception):  # noqa: B017 - of which kind is compared below
        BAD[name](torch)
    agree(BAD[name])


# --- grad, hooks, graph ------------------------------------------------------------------------


@case
def hooks(lib):
    graph, seen = lib.autograd.graph, []
    x, w = lib.tensor([1.0, 2.0], requires_grad=True), lib.tensor(3.0, requires_grad=True)
    y = x * w
    handles = [
        x.register_post_accumulate_grad_hook(lambda t: seen.append(("post", *t.grad.tolist()))),
        y.grad_fn.register_hook(lambda i, o: seen.append(("node", i[0].tolist(), o[0].tolist()))),
        y.grad_fn.register_prehook(lambda o: (o[0] * 2,)),
        graph.register_multi_grad_hook([x, w], lambda gs: seen.append([g.tolist() for g in gs])),
        graph.register_multi_grad_hook([x, w], lambda g: seen.append("any"), mode="any"),
    ]
    y.sum().backward(retain_graph=True)
    for handle in handles:
        handle.remove()
    y.sum().backward()
    return [*seen, x.grad, w.grad]


@case
def replacing_gradients_behind_a_node(lib):
    x, w = lib.tensor([1.0, 2.0], requires_grad=True), lib.tensor(3.0, requires_grad=True)
    y = (x * w).exp()
    y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] * 10,))
    g = lib.autograd.grad(y.sum(), [x, w], create_graph=True)
    return flat([g, lib.autograd.grad(g[0].sum(), [x, w])])


@case
def edges(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x.exp()
    edge = lib.autograd.graph.get_gradient_edge(y)
    g = lib.autograd.grad((y * y).sum(), [edge, x])
    lib.autograd.graph.increment_version(x)
    return [*flat(g), edge.output_nr, x._version]


@case
def batches_of_gradients(lib):
    x, w = x64(lib, 3).requires_grad_(), x64(lib, 3).requires_grad_()
    y, eye = x.exp() * x.sum(), lib.eye(3, dtype=lib.float64)
    options = {"is_grads_batched": True, "retain_graph": True}
    (g,) = lib.autograd.grad(y, x, eye, create_graph=True, **options)
    return flat(
        [
            g,
            lib.autograd.grad(g.sin().sum(), x, retain_graph=True),
            lib.autograd.grad(y, [x, w], eye, allow_unused=True, **options),
            lib.autograd.grad(y, [x, w], eye, materialize_grads=True, **options),
            lib.autograd.grad([y, x * 2], x, [eye, 2 * eye], **options),
        ]
    )


@case
def checks_of_gradients(lib):
    x = x64(lib, 3).requires_grad_()
    bad = function(lib, forward=lambda ctx, t: t * 2, backward=lambda ctx, g: g * 3).apply
    check = lib.autograd.gradcheck
    return [
        check(lib.sin, x, check_forward_ad=True, check_batched_grad=True),
        check(bad, x, raise_exception=False),
        lib.autograd.gradgradcheck(lib.sin, x, gen_non_contig_grad_outputs=True),
    ]


@case
def checkpoints(lib):
    def f(a, k, *, b):
        return {"a": (a * b).sin() * k, "b": [b.exp().sum(), 3, a.detach()]}

    x, y = x64(lib, 3).requires_grad_(), x64(lib, 3, seed=1).requires_grad_()
    out = checkpoint(lib)(f, x, 2.0, b=y, use_reentrant=False)
    loss = out["a"].sum() + out["b"][0]
    g = lib.autograd.grad(loss, [x, y], create_graph=True)
    return flat([out["a"].detach(), g, lib.autograd.grad(g[0].sum() + (g[1] ** 2).sum(), [x, y])])


@case
def a_checkpoint_that_changes_its_mind(lib):
    calls = []

    def f(t):
        calls.append(1)
        return (t.exp().sin() if len(calls) == 1 else t * 2).sum()

    y = checkpoint(lib)(f, x64(lib, 3).requires_grad_(), use_reentrant=False)
    try:
        y.backward()
    except RuntimeError as error:
        return [type(error).__name__, str(error).splitlines()[0]]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("program", CASES, ids=lambda f: f.__name__)
def test_the_outcome_is_pytorchs(program, agree):
    agree(program)
