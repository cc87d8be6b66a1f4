"""Activation checkpoints: the same numbers, with less memory."""

from __future__ import annotations

import contextlib
import gc
import weakref

import numpy as np
import pytest
from samples.checkpoints import HOOKS

import dlframe as dl
from dlframe import nn
from dlframe.autograd.recompute import CheckpointError, noop_context_fn
from dlframe.errors import GradientError
from dlframe.func import grad, vmap
from dlframe.ops import record
from dlframe.utils.checkpoint import checkpoint, checkpoint_sequential


def x64(*shape, seed=0):
    return dl.from_numpy(np.random.default_rng(seed).standard_normal(shape)).requires_grad_()


def network(depth=6):
    dl.manual_seed(0)
    layer = lambda: nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Dropout(0.3))
    return nn.Sequential(*[layer() for _ in range(depth)]).double()


def gradients(model, run):
    """Those of the input and the parameters, and the random number that is drawn next."""
    x = x64(5, 4)
    model.zero_grad()
    dl.manual_seed(1)
    (run(x) ** 2).sum().backward()
    found = [x.grad.numpy(), *(p.grad.numpy().copy() for p in model.parameters())]
    return found, dl.rand(1).item()


WAYS = {
    "one part": lambda m: lambda x: checkpoint(m, x, use_reentrant=False),
    "reentrant": lambda m: lambda x: checkpoint(m, x, use_reentrant=True),
    "segments": lambda m: lambda x: checkpoint_sequential(m, 3, x),
    "a list in segments": lambda m: lambda x: checkpoint_sequential(list(m), 2, x),
    "one segment": lambda m: lambda x: checkpoint_sequential(m, 1, x),
    "nested": lambda m: lambda x: checkpoint(lambda t: checkpoint(m[3:], checkpoint(m[:3], t)), x),
    "keyword": lambda m: lambda x: checkpoint(lambda *, t: m(t), t=x),
}


@pytest.mark.parametrize("way", WAYS)
def test_gradients_and_dropout_are_those_without(way):
    model = network()
    want, next_number = gradients(model, model)
    got, next_number_then = gradients(model, WAYS[way](model))
    assert all(np.array_equal(a, b) for a, b in zip(want, got, strict=True))
    assert next_number == next_number_then


def test_without_the_random_state_the_masks_differ():
    x = x64(50)
    dl.manual_seed(0)
    drop = lambda t: nn.functional.dropout(t, 0.5) * t
    y = checkpoint(drop, x, preserve_rng_state=False)
    (g,) = dl.autograd.grad(y.sum(), x)
    assert ((g == 0) != (y == 0)).any()


def test_the_third_derivative():
    f = lambda t: (t.exp() * t).sin()

    def third(h):
        x = x64(4)
        y = h(x).sum()
        for _ in range(3):
            (g,) = dl.autograd.grad(y, x, create_graph=True)
            y = (g * g).sum()
        return g.detach().numpy()

    assert np.allclose(third(f), third(lambda t: checkpoint(f, t)), rtol=1e-12)


def test_memory_is_given_back_between_forward_and_backward():
    kept = []

    def layer(x):
        doubled = x * 2
        kept.append(weakref.ref(doubled.array))
        return doubled.sin()  # which keeps what it was given

    x = x64(100)
    gc.disable()
    try:
        plain, recomputed = layer(x), checkpoint(layer, x)
        assert kept[0]() is not None
        assert kept[1]() is None  # freed by reference count, at once
        recomputed.sum().backward()
        assert kept[2]() is None  # and so is what backward computed again
    finally:
        gc.enable()
    assert plain is not None


def test_outputs_and_arguments_of_any_structure():
    def f(x, factor, pair, *, flag):
        assert flag
        return {"a": (x * factor, "text"), "b": [x.exp().sum(), pair[0].detach(), x > 0]}

    x, y = x64(3), x64(3, seed=1)
    out = checkpoint(f, x, 3, (y,), flag=True)
    assert out["a"][1] == "text"
    assert not out["b"][2].requires_grad
    (out["a"][0].sum() + out["b"][0]).backward()
    assert np.allclose(x.grad.numpy(), 3 + np.exp(x.detach().numpy()))


def test_tensors_from_outside_get_gradients():
    x, w = x64(3), x64(3, seed=1)
    scaled = w * 2
    checkpoint(lambda t: (t * scaled).sum(), x).backward()
    assert np.allclose(w.grad.numpy(), 2 * x.detach().numpy())


def test_what_needs_no_gradient_is_simply_computed():
    calls = []

    def f(x):
        calls.append(x.requires_grad)
        return x * 2

    assert not checkpoint(f, dl.ones(2)).requires_grad
    with dl.no_grad():
        assert not checkpoint(f, x64(2)).requires_grad
    assert len(calls) == 2


def test_it_is_computed_once_more_for_each_backward():
    calls = []
    x = x64(2)
    y = checkpoint(lambda t: (calls.append(1), t.sin())[1], x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert len(calls) == 3
    with pytest.raises(GradientError, match="second time"):
        y.backward()


def changing(first, second):
    """A function that does one thing at first, and another one then."""
    calls = []

    def f(x):
        calls.append(1)
        return (first if len(calls) == 1 else second)(x)

    return f


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (lambda x: x.exp().sin().sum(), lambda x: (x * 2).sum(), "different number of tensors"),
        (lambda x: x[:2].sin().sum(), lambda x: x[:3].sin().sum(), "different metadata"),
        (lambda x: x[:2] * 1, lambda x: x[:3] * 1, "different metadata"),
    ],
)
def test_a_function_that_changes_its_mind_is_found_out(first, second, message):
    y = checkpoint(changing(first, second), x64(4), use_reentrant=False)
    with pytest.raises(CheckpointError, match=message):
        y.sum().backward()


def test_unless_asked_not_to_look():
    x = x64(4)
    changes = changing(lambda t: t.exp().sin().sum(), lambda t: (t * 2).sum())
    checkpoint(changes, x, determinism_check="none").backward()
    assert (x.grad == 2).all()
    with pytest.raises(RuntimeError, match="determinism_check"):
        checkpoint(changes, x, determinism_check="some")


def test_an_argument_that_was_written_to_is_found_out():
    x, factor = x64(3), dl.ones(3, dtype=dl.float64)
    y = checkpoint(lambda a, b: (a * b).sum(), x, factor)
    factor.add_(1)
    with pytest.raises(GradientError, match="inplace"):
        y.backward()


def test_contexts_around_both_computations():
    seen = []

    @contextlib.contextmanager
    def note(name):
        seen.append(name)
        yield

    x = x64(2)
    y = checkpoint(dl.sin, x, context_fn=lambda: (note("first"), note("second")))
    assert seen == ["first"]
    y.sum().backward()
    assert seen == ["first", "second"]
    assert len(noop_context_fn()) == 2


def test_under_func():
    x = x64(4, 3).detach()
    f = lambda t: (t.exp() * t).sin()
    want = grad(lambda t: f(t).sum())(x)
    assert np.allclose(vmap(grad(lambda t: checkpoint(f, t).sum()))(x).numpy(), want.numpy())
    assert np.allclose(grad(lambda t: checkpoint(vmap(f), t).sum())(x).numpy(), want.numpy())


def test_unknown_arguments_of_segments():
    with pytest.raises(ValueError, match="Unexpected keyword"):
        checkpoint_sequential([dl.sin], 1, x64(2), context=3)


# --- hooks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOOKS)
def test_hooks_see_what_they_see_without_a_checkpoint(name):
    plain = HOOKS[name](dl, lambda f, *args: f(*args))
    recomputed = HOOKS[name](dl, checkpoint)
    for a, b in zip(plain, recomputed, strict=True):
        assert (a.tolist() if hasattr(a, "tolist") else a) == (
            b.tolist() if hasattr(b, "tolist") else b
        )


def test_a_hook_in_segments_runs_once():
    x, w = dl.ones(2, requires_grad=True), dl.full((2,), 2.0, requires_grad=True)
    for tensor in (x, w):
        tensor.register_hook(lambda g: g * 10)
    checkpoint_sequential([lambda t: t * w] * 3, 3, x).sum().backward()
    assert x.grad.tolist() == [80.0, 80.0]
    assert w.grad.tolist() == [120.0, 120.0]


def test_backward_looks_only_at_the_part_that_it_computes_again(monkeypatch):
    visited = []
    walk = record.walk

    def counting(roots, *args):
        nodes, borders = walk(roots, *args)
        visited.append(len(nodes))
        return nodes, borders

    monkeypatch.setattr(record, "walk", counting)
    y = x64(2)
    for _ in range(30):
        y = checkpoint(dl.sin, y)
    y.sum().backward()
    assert max(visited) == 1


@pytest.mark.parametrize("write", [lambda x, part: x.mul_(2), lambda x, part: part.mul_(2)])
def test_a_part_of_a_tensor_that_was_written_to(write):
    def gradients(call):
        x = dl.tensor([1.0, 2.0, 3.0], requires_grad=True)
        whole = x * 1.5
        part = whole[:2]
        write(whole, part)
        loss = call(lambda v: (v * v).tanh().sum(), part)
        loss.backward(retain_graph=True)
        loss.backward()
        return x.grad.tolist()

    assert gradients(checkpoint) == gradients(lambda function, x: function(x))
