"""Hooks on nodes, leaves and several tensors; edges of the graph."""

from __future__ import annotations

import copy

import pytest

import dlframe as dl
from dlframe.autograd.graph import (
    get_gradient_edge,
    increment_version,
    register_multi_grad_hook,
    save_on_cpu,
)
from dlframe.errors import ArgumentError, GradientError


def leaves():
    return dl.tensor([1.0, 2.0], requires_grad=True), dl.tensor(3.0, requires_grad=True)


def test_a_hook_on_a_node_sees_both_sides():
    x, w = leaves()
    y, seen = x * w, []
    handle = y.grad_fn.register_hook(
        lambda inputs, outputs: seen.append([t.tolist() for t in (*inputs, *outputs)])
    )
    y.sum().backward(retain_graph=True)
    assert seen == [[[3.0, 3.0], 3.0, [1.0, 1.0]]]  # the gradient of w is summed already
    handle.remove()
    y.sum().backward()
    assert len(seen) == 1
    assert x.grad.tolist() == [6.0, 6.0]


@pytest.mark.parametrize("order", [1, 2])
def test_what_hooks_on_a_node_return_replaces_gradients(order):
    x, w = leaves()
    y = x * w
    y.grad_fn.register_prehook(lambda outputs: (outputs[0] * 2,))
    y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] * 5, inputs[1]))
    grads = dl.autograd.grad(y.sum(), [x, w], create_graph=order == 2)
    assert grads[0].tolist() == [30.0, 30.0]
    assert grads[1].item() == 6.0
    if order == 2:
        assert dl.autograd.grad(grads[0].sum(), w)[0].item() == 20.0


def test_a_hook_that_returns_too_little():
    x, w = leaves()
    y = x * w
    y.grad_fn.register_hook(lambda inputs, outputs: inputs[:1])
    with pytest.raises(RuntimeError, match="incorrect number"):
        y.sum().backward()


def test_hooks_on_nodes_of_every_kind():
    x = dl.randn(2, 3, requires_grad=True)
    for y in (dl.cat([x, x]), x.softmax(1), dl.nn.functional.linear(x, x), x.sort()[0], x.max()):
        seen = []
        y.grad_fn.register_hook(lambda inputs, outputs: seen.append(len(inputs)))  # noqa: B023 - called within its turn of the loop
        plain = dl.autograd.grad(y.sum(), x, retain_graph=True)[0]
        assert len(seen) == 1
        assert plain.shape == x.shape


def test_a_leaf_says_when_its_gradient_is_complete():
    x, w = leaves()
    seen = []
    handle = x.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.tolist()))
    (x * w + x).sum().backward()
    (x * w).sum().backward(inputs=[x])
    dl.autograd.grad((x * w).sum(), x)  # adds to no .grad
    assert seen == [[4.0, 4.0], [7.0, 7.0]]
    handle.remove()
    x.sum().backward()
    assert len(seen) == 2
    assert copy.deepcopy(x).tolist() == [1.0, 2.0]
    with pytest.raises(GradientError, match="non-leaf"):
        (x * 2).register_post_accumulate_grad_hook(print)
    with pytest.raises(GradientError, match="require gradient"):
        dl.ones(1).register_post_accumulate_grad_hook(print)


def test_a_hook_on_several_tensors():
    x, w = leaves()
    complete, first = [], []
    handles = [
        register_multi_grad_hook([x, w], lambda gs: complete.append([g is None for g in gs])),
        register_multi_grad_hook([x, w], lambda g: first.append(1), mode="any"),
    ]
    (x * w).sum().backward()
    (x * 2).sum().backward()
    assert complete == [[False, False], [False, True]]
    assert len(first) == 2
    for handle in handles:
        handle.remove()
    (x * w).sum().backward()
    assert len(complete) == len(first) == 2
    with pytest.raises(ArgumentError, match="mode"):
        register_multi_grad_hook([x], print, mode="some")


def test_an_edge_stands_for_a_tensor():
    x, _ = leaves()
    edge = get_gradient_edge(y := x.exp())
    z = (y * y).sum()
    del y
    (g,) = dl.autograd.grad(z, edge)
    assert dl.allclose(g, 2 * x.exp())
    with pytest.raises(GradientError, match="gradient edge"):
        get_gradient_edge(dl.ones(1))


def test_a_version_that_was_raised_stops_stale_graphs():
    x, _ = leaves()
    y = x * x
    increment_version([x])
    with pytest.raises(GradientError, match="increment_version"):
        y.sum().backward()


def test_saving_on_the_cpu_changes_nothing():
    x, w = leaves()
    with save_on_cpu(pin_memory=True):
        y = (x * w).sum()
    y.backward()
    assert w.grad.item() == 3.0


EMPTY = {
    "scatter": lambda x, none, src: x.scatter(0, none, src),
    "scatter_add": lambda x, none, src: x.scatter_add(0, none, src),
    "scatter_add_": lambda x, none, src: (x * 1).scatter_add_(0, none, src),
    "scatter_reduce": lambda x, none, src: x.scatter_reduce(0, none, src, "mean"),
    "index_add": lambda x, none, src: x.index_add(0, none, src[:0]),
    "index_copy": lambda x, none, src: x.index_copy(0, none, src[:0]),
}


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_index_keeps_the_graph(name):
    src = dl.ones(3, requires_grad=True)
    x = dl.tensor([1.0, -0.0])
    out = EMPTY[name](x, dl.zeros(0, dtype=dl.int64), src)
    assert out.tolist() == x.tolist()
    out.sum().backward()
    assert src.grad.tolist() == [0, 0, 0]
    x.requires_grad_()
    EMPTY[name](x, dl.zeros(0, dtype=dl.int64), src.detach()).sum().backward()
    assert x.grad.tolist() == [1, 1]
