"""Samples of the functions that differentiate functions: each call is a small program of its own."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable
from typing import Any

from samples.table import Call, Numbers

# A row of a table is a line.
# fmt: off

n = Numbers(31)
X, W, V, U = n.away(4, 3), n.away(2, 3), n.away(3), n.away(3)


def program(name: str, note: str, run: Callable[..., Any], *args: Any, order: int = 2, **options: Any) -> Call:
    """A call of `name` inside of run(lib, *args)."""
    return Call(name, args, note=note, run=run, order=order, forms=False, dtypes=False, variants=False, **options)


def functional(lib: Any, name: str) -> Any:
    return getattr(lib.autograd.functional, name)


def checkpoint(lib: Any) -> Any:
    return importlib.import_module(f"{lib.__name__}.utils.checkpoint").checkpoint


def sequential(lib: Any) -> Any:
    return importlib.import_module(f"{lib.__name__}.utils.checkpoint").checkpoint_sequential


def number(x: Any) -> Any:
    return (x**3).sum() * x.exp().mean()


def vector(x: Any) -> Any:
    return (x * x.sum()).sin()


def two(x: Any, y: Any) -> Any:
    return (x * y.exp()).sin(), (x + y * y).sum()


def bilinear(x: Any, y: Any) -> Any:
    return (x * x * y.sin()).sum()


def tanh_layer(w: Any, x: Any) -> Any:
    return ((w @ x).tanh() ** 2).sum()


# --- grad and backward -------------------------------------------------------------------------


def with_grad(fn: Callable[..., Any]) -> Callable[..., Any]:
    """fn(lib, leaf …) on leaves of its own."""
    return lambda lib, *xs: fn(lib, *[x.detach().requires_grad_() for x in xs])


def backward_twice(lib: Any, x: Any, **options: Any) -> Any:
    y = number(x)
    lib.autograd.backward(y, retain_graph=True)
    lib.autograd.backward([y, x * 2], [lib.ones_like(y), x.detach()], **options)
    return x.grad


def to_inputs(lib: Any, x: Any, y: Any) -> Any:
    lib.autograd.backward((x * y).sum(), inputs=[x])
    return x.grad, y.grad is None


def twice_recorded(lib: Any, x: Any) -> Any:
    lib.autograd.backward(number(x), create_graph=True)
    g, x.grad = x.grad, None
    return lib.autograd.grad(g.sin().sum(), x)


def batched(lib: Any, x: Any, y: Any, **options: Any) -> Any:
    basis = lib.eye(3, dtype=lib.float64)
    return lib.autograd.grad(vector(x), [x, y], basis, is_grads_batched=True, allow_unused=True, **options)


def retained(lib: Any, x: Any) -> Any:
    y = number(x)
    return lib.autograd.grad(y, x, retain_graph=True), lib.autograd.grad(y, x, retain_graph=False)


GRAD = [
    program("autograd.backward", "twice", with_grad(backward_twice), V, order=0),
    program("autograd.backward", "inputs", with_grad(to_inputs), V, U, order=0),
    program("autograd.backward", "create_graph", with_grad(twice_recorded), V, order=0),
    program("autograd.grad", "two outputs", lambda lib, x, y: lib.autograd.grad(two(x, y), [x, y], [x.detach(), y.sum()], create_graph=True), V, U),
    program("autograd.grad", "retain_graph", with_grad(retained), V, order=0),
    program("autograd.grad", "unused", with_grad(lambda lib, x, y: lib.autograd.grad(number(x), [x, y], allow_unused=True)), V, U, order=0),
    program("autograd.grad", "materialized", with_grad(lambda lib, x, y: lib.autograd.grad(number(x), [x, y], materialize_grads=True)), V, U, order=0),
    program("autograd.grad", "batched", with_grad(batched), V, U, order=0),
    program("autograd.grad", "batched, recorded", lambda lib, x: lib.autograd.grad(vector(x), x, lib.eye(3, dtype=lib.float64), is_grads_batched=True, create_graph=True), V),
]


# --- modes -------------------------------------------------------------------------------------


def in_mode(name: str, *args: Any) -> Callable[..., Any]:
    def run(lib: Any, x: Any) -> Any:
        with getattr(lib, name)(*args):
            y, enabled = x * 2, lib.is_grad_enabled()
            with lib.enable_grad():
                z = x * 3
        return y.requires_grad, z.requires_grad, enabled, y.detach(), lib.is_grad_enabled()

    return run


def decorated(name: str, *args: Any) -> Callable[..., Any]:
    def run(lib: Any, x: Any) -> Any:
        double = getattr(lib, name)(*args)(lambda t: t * 2)
        return double(x).requires_grad

    return run


MODES = [
    *(program(mode, "with", in_mode(mode), V, order=1) for mode in ("no_grad", "enable_grad")),
    *(program(mode, "decorator", decorated(mode), V, order=1) for mode in ("no_grad", "enable_grad", "inference_mode")),
    *(program("inference_mode", f"with {mode}", lambda lib, x, mode=mode: _inference(lib, x, mode), V, order=1) for mode in (True, False)),
    *(program("set_grad_enabled", str(flag), in_mode("set_grad_enabled", flag), V, order=1) for flag in (True, False)),
    program("is_grad_enabled", "", lambda lib: lib.is_grad_enabled(), order=0),
]


def _inference(lib: Any, x: Any, mode: bool) -> Any:
    with lib.inference_mode(mode):
        y, enabled = x * 2, lib.is_inference_mode_enabled()
    return y.requires_grad, y.is_inference(), enabled, lib.is_inference_mode_enabled(), y.clone()


# --- Function ----------------------------------------------------------------------------------


def cube(lib: Any, once: bool = False, split: bool = False) -> Any:
    """x³ as a Function."""

    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return g * 3 * x * x

    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x**3

    methods = {"forward": forward, "backward": backward}
    if split:
        methods["forward"] = lambda x: x**3
        methods["setup_context"] = lambda ctx, inputs, output: ctx.save_for_backward(*inputs)
    if once:
        methods["backward"] = lib.autograd.function.once_differentiable(backward)
    return type("Cube", (lib.autograd.Function,), {key: staticmethod(m) for key, m in methods.items()}).apply


FUNCTIONS = [
    program("autograd.Function", "saved", lambda lib, x: cube(lib)(x), V),
    program("autograd.Function", "setup_context", lambda lib, x: cube(lib, split=True)(x), V),
    program("autograd.Function", "func.grad", lambda lib, x: lib.func.grad(lambda t: cube(lib, split=True)(t).sum())(x), V),
    program("autograd.function.once_differentiable", "", lambda lib, x: cube(lib, once=True)(x), V, order=1),
    program("autograd.gradcheck", "", lambda lib, x: lib.autograd.gradcheck(number, (x,)), V, order=1, narrow=0),
    program("autograd.gradcheck", "all", lambda lib, x: lib.autograd.gradcheck(vector, (x,), check_batched_grad=True, check_grad_dtypes=True, fast_mode=True), V, order=1, narrow=0),
    program("autograd.gradcheck", "tolerances", lambda lib, x: lib.autograd.gradcheck(
        number, (x,), eps=1e-5, atol=1e-4, rtol=1e-2, raise_exception=False, nondet_tol=1e-9, check_undefined_grad=False,
        check_batched_forward_grad=False, check_forward_ad=False, check_backward_ad=True, masked=False), V, order=1, narrow=0),
    program("autograd.gradcheck", "wrong", lambda lib, x: lib.autograd.gradcheck(
        lambda t: t * t.detach(), (x,), raise_exception=False), V, order=1, narrow=0),
    program("autograd.gradgradcheck", "tolerances", lambda lib, x: lib.autograd.gradgradcheck(
        number, (x,), None, eps=1e-5, atol=1e-3, rtol=1e-2, gen_non_contig_grad_outputs=True, raise_exception=False, nondet_tol=1e-9,
        check_undefined_grad=False, check_grad_dtypes=True, check_batched_grad=True, check_fwd_over_rev=False,
        check_rev_over_rev=True, fast_mode=True, masked=False), V, order=1, narrow=0),
    program("autograd.gradgradcheck", "", lambda lib, x: lib.autograd.gradgradcheck(number, (x,)), V, order=1, narrow=0),
    *(program("autograd.detect_anomaly", f"check_nan={check}", lambda lib, x, check=check: _watched(lib, x, check), V, order=0) for check in (True, False)),
]


def _watched(lib: Any, x: Any, check: bool) -> Any:
    with contextlib.suppress(UserWarning), lib.autograd.detect_anomaly(check_nan=check):
        x = x.detach().requires_grad_()
        try:
            ((x * 0).sqrt() * 0).sum().backward()
        except RuntimeError as error:
            return "nan" in str(error)
    return False


# --- autograd.functional -----------------------------------------------------------------------

FUNCTIONAL = [
    program(f"autograd.functional.{name}", f"{f.__name__}, strict={strict}", lambda lib, *xs, name=name, f=f, strict=strict: functional(lib, name)(f, xs if len(xs) > 1 else xs[0], create_graph=True, strict=strict), *args)
    for name, f, args in (
        ("jacobian", vector, (V,)), ("jacobian", two, (V, U)), ("jacobian", bilinear, (V, U)),
        ("hessian", number, (V,)), ("hessian", bilinear, (V, U)), ("vjp", number, (V,)),
    )
    for strict in (False, True)
    if not (strict and f is two)
]
FUNCTIONAL += [
    program(f"autograd.functional.{name}", f"v, {f.__name__}", lambda lib, *xs, name=name, f=f: functional(lib, name)(f, xs if len(xs) > 1 else xs[0], tuple(x.cos() for x in xs) if len(xs) > 1 else xs[0].cos(), create_graph=True), *args)
    for name, f, args in (
        ("vjp", vector, (V,)), ("jvp", vector, (V,)), ("jvp", two, (V, U)), ("vhp", number, (V,)), ("vhp", bilinear, (V, U)),
        ("hvp", number, (V,)), ("hvp", bilinear, (V, U)),
    )
]
FUNCTIONAL += [
    program(f"autograd.functional.{name}", "strict, v", lambda lib, x, name=name, f=f: functional(lib, name)(f, x, x.cos(), strict=True), V, order=0)
    for name, f in (("vjp", vector), ("jvp", vector), ("vhp", number), ("hvp", number))
]
FUNCTIONAL += [
    program("autograd.functional.vjp", "two outputs", lambda lib, x, y: functional(lib, "vjp")(two, (x, y), (x.cos(), y.sum()), create_graph=True), V, U),
    program("autograd.functional.jvp", "one number", lambda lib, x: functional(lib, "jvp")(lambda t: t * V.sum(), x, create_graph=True), n.away(1)),
    *(program("autograd.functional.jacobian", f"vectorized, {mode}", lambda lib, x, mode=mode: functional(lib, "jacobian")(vector, x, vectorize=True, strategy=mode), V, order=0) for mode in ("reverse-mode", "forward-mode")),
    *(program("autograd.functional.hessian", f"vectorized, {mode}", lambda lib, x, mode=mode: functional(lib, "hessian")(number, x, vectorize=True, outer_jacobian_strategy=mode).detach(), V, order=0) for mode in ("reverse-mode", "forward-mode")),
    program("autograd.functional.jacobian", "independent", lambda lib, x, y: functional(lib, "jacobian")(lambda a, b: a.sin(), (x, y)), V, U, order=0),
]


# --- func --------------------------------------------------------------------------------------

FUNC = [
    program("func.grad", "number", lambda lib, x: lib.func.grad(number)(x), V),
    program("func.grad", "of grad", lambda lib, x: lib.func.grad(lambda t: lib.func.grad(number)(t).sin().sum())(x), V),
    program("func.grad", "argnums", lambda lib, x, y: lib.func.grad(bilinear, argnums=(1, 0))(x, y), V, U),
    program("func.grad", "negative argnum", lambda lib, x, y: lib.func.grad(bilinear, argnums=-1)(x, y), V, U),
    program("func.grad", "nested", lambda lib, x, w: lib.func.grad(lambda p: tanh_layer(p["w"], p["in"][0]))({"w": w, "in": [x, x]}), V, W),
    program("func.grad", "aux", lambda lib, x: lib.func.grad(lambda t: (number(t), {"twice": t * 2}), has_aux=True)(x), V),
    program("func.grad", "unused", lambda lib, x, y: lib.func.grad(lambda a, b: number(a), argnums=(0, 1))(x, y), V, U, order=1),
    program("func.grad_and_value", "", lambda lib, x: lib.func.grad_and_value(number)(x), V),
    program("func.grad_and_value", "aux", lambda lib, x: lib.func.grad_and_value(lambda t: (number(t), t.exp()), has_aux=True)(x), V),
    program("func.vjp", "", lambda lib, x, y: _applied(lib.func.vjp(two, x, y), (x.cos(), y.sum())), V, U),
    program("func.vjp", "aux", lambda lib, x: _applied(lib.func.vjp(lambda t: (vector(t), t.exp()), x, has_aux=True), x), V),
    program("func.jvp", "", lambda lib, x, y: lib.func.jvp(two, (x, y), (y.cos(), x.sin())), V, U),
    program("func.grad_and_value", "argnums", lambda lib, x, y: lib.func.grad_and_value(lambda a, b: (a * b.exp()).sum(), argnums=(1, 0))(x, y), V, U),
    program("func.jvp", "strict", lambda lib, x: lib.func.jvp(vector, (x,), (x.cos(),), strict=True), V),
    program("func.jacfwd", "randomness", lambda lib, x: lib.func.jacfwd(vector, randomness="same")(x), V, order=1),
    program("func.jvp", "aux", lambda lib, x: lib.func.jvp(lambda t: (vector(t), t.exp()), (x,), (x.cos(),), has_aux=True), V),
    program("func.linearize", "", lambda lib, x: _applied(lib.func.linearize(vector, x), x), V, order=0),
    *(program(f"func.{name}", note, run, *args) for name in ("jacrev", "jacfwd") for note, run, args in (
        ("vector", lambda lib, x, name=name: getattr(lib.func, name)(vector)(x), (V,)),
        ("two", lambda lib, x, y, name=name: getattr(lib.func, name)(two, argnums=(0, 1))(x, y), (V, U)),
        ("nested", lambda lib, x, w, name=name: getattr(lib.func, name)(lambda p: {"y": p["w"] @ p["x"].sin()})({"w": w, "x": x}), (V, W)),
        ("aux", lambda lib, x, name=name: getattr(lib.func, name)(lambda t: (vector(t), t.exp()), has_aux=True)(x), (V,)),
    )),
    program("func.jacrev", "chunks", lambda lib, x: lib.func.jacrev(vector, chunk_size=2)(x), V),
    program("func.jacfwd", "of jacrev", lambda lib, x: lib.func.jacfwd(lib.func.jacrev(vector))(x), V, order=1),
    program("func.jacrev", "of jacfwd", lambda lib, x: lib.func.jacrev(lib.func.jacfwd(vector))(x), V, order=1),
    program("func.hessian", "", lambda lib, x: lib.func.hessian(number)(x), V, order=1),
    program("func.hessian", "argnums", lambda lib, x, y: lib.func.hessian(bilinear, argnums=(0, 1))(x, y), V, U, order=1),
    program("func.functional_call", "", lambda lib, w, b, x: _called(lib, {"weight": w, "bias": b}, x), W, n.away(2), X),
    program("func.functional_call", "two dicts", lambda lib, w, b, x: _called(lib, ({"weight": w}, {"bias": b}), (x,), tie_weights=False, strict=True), W, n.away(2), X),
    program("func.functional_call", "some", lambda lib, w, x: _called(lib, {"weight": w}, None, {"input": x}), W, X, narrow=0),
    program("func.stack_module_state", "", lambda lib: [{k: t.detach() for k, t in d.items()} for d in lib.func.stack_module_state([lib.nn.BatchNorm1d(2), lib.nn.BatchNorm1d(2)])], order=0),
]


def _applied(made: Any, argument: Any) -> Any:
    """(value, function …) with the function called."""
    return made[0], made[1](argument), *made[2:]


def _called(lib: Any, tensors: Any, args: Any, kwargs: Any = None, **options: Any) -> Any:
    module = lib.nn.Linear(3, 2).double()
    with lib.no_grad():
        module.bias.fill_(0.5)
    return lib.func.functional_call(module, tensors, args, kwargs, **options)


VMAP = [
    program("func.vmap", "dot", lambda lib, x, v: lib.func.vmap(lib.dot, in_dims=(0, None))(x, v), X, V),
    program("func.vmap", "dims", lambda lib, x: lib.func.vmap(lambda t: (t.exp(), t.sum()), in_dims=1, out_dims=(-1, 0))(x), X),
    program("func.vmap", "chunks", lambda lib, x: lib.func.vmap(vector, chunk_size=3)(x), X),
    program("func.vmap", "nested inputs", lambda lib, x, v: lib.func.vmap(lambda d, s: d["a"][0] * d["b"] + s, in_dims=({"a": [0], "b": None}, 1))({"a": [x], "b": v}, x.T), X, V),
    program("func.vmap", "nested outputs", lambda lib, x: lib.func.vmap(lambda t: {"a": [t * 2], "b": (t.sin(), t.cos())})(x), X),
    program("func.vmap", "of vmap", lambda lib, x, y: lib.func.vmap(lib.func.vmap(lambda a, b: (a * b).sin(), in_dims=(0, None)), in_dims=(None, 0))(x, y), V, U),
    program("func.vmap", "of grad", lambda lib, w, x: lib.func.vmap(lib.func.grad(tanh_layer), in_dims=(None, 0))(w, x), W, X),
    program("func.vmap", "in grad", lambda lib, w, x: lib.func.grad(lambda p: lib.func.vmap(lambda t: tanh_layer(p, t))(x).sum())(w), W, X),
    program("func.vmap", "of hessian", lambda lib, w, x: lib.func.vmap(lib.func.hessian(tanh_layer), in_dims=(None, 0))(w, x), W, X, order=0),
    program("func.vmap", "in hessian", lambda lib, w, x: lib.func.hessian(lambda p: lib.func.vmap(lambda t: tanh_layer(p, t))(x).sum())(w), W, X, order=0),
    program("func.vmap", "of jvp", lambda lib, x: lib.func.vmap(lambda t: lib.func.jvp(vector, (t,), (t.cos(),)))(x), X),
    program("func.vmap", "of a vjp function", lambda lib, x: lib.func.vmap(lib.func.vjp(vector, x)[1])(lib.eye(3, dtype=lib.float64)), V),
    program("func.vmap", "writes", lambda lib, x: lib.func.vmap(_written)(x), X),
    program("func.vmap", "indices", lambda lib, x, i: lib.func.vmap(lambda t, j: t[j] * t[1:].sum())(x, i), X, n.ints(0, 3, 4, 2)),
    program("func.vmap", "sort", lambda lib, x: lib.func.vmap(lambda t: t.sort(descending=True)[0].cumsum(0))(x), X),
    program("func.vmap", "prod", lambda lib, x: lib.func.vmap(lambda t: t.prod())(x), X),
    program("vmap", "the name", lambda lib, x: lib.vmap(vector)(x), X),
    *(program("func.vmap", f"randomness {mode}", lambda lib, x, mode=mode: lib.func.vmap(lambda t: (t * lib.rand(3, dtype=lib.float64), lib.nn.functional.dropout(t, 0.4)), randomness=mode)(x), X) for mode in ("same", "different")),
]


def _written(t: Any) -> Any:
    y = t.clone()
    y[0] = 1.0
    y[1:].mul_(t.sum())
    return y.add_(t) * t


# --- activation checkpoints --------------------------------------------------------------------


def _layers(lib: Any) -> list[Any]:
    return [lib.sin, vector, lib.exp, lambda t: lib.nn.functional.dropout(t, 0.4), number]


CHECKPOINTS = [
    program("utils.checkpoint.checkpoint", "", lambda lib, x: checkpoint(lib)(vector, x, use_reentrant=False), V, order=1),
    program("utils.checkpoint.checkpoint", "nested outputs", lambda lib, x, y: checkpoint(lib)(lambda a, k, b: {"a": two(a, b), "b": [a * k]}, x, 3, y, use_reentrant=False), V, U, order=1),
    program("utils.checkpoint.checkpoint", "keyword", lambda lib, x, y: checkpoint(lib)(lambda a, b: bilinear(a, b), x, b=y, use_reentrant=False, determinism_check="none"), V, U, order=1),
    program("utils.checkpoint.checkpoint", "closure", lambda lib, x, y: checkpoint(lib)(lambda a: bilinear(a, y), x, use_reentrant=False), V, U, order=1),
    program("utils.checkpoint.checkpoint", "dropout", lambda lib, x: checkpoint(lib)(lambda t: lib.nn.functional.dropout(t, 0.4) * t.sin(), x, use_reentrant=False), V, order=1),
    program("utils.checkpoint.checkpoint_sequential", "", lambda lib, x: sequential(lib)(_layers(lib), 2, x, use_reentrant=False), V, order=1),
]

CALLS = [*GRAD, *MODES, *FUNCTIONS, *FUNCTIONAL, *FUNC, *VMAP, *CHECKPOINTS]
