"""Copies of tensors, parameters and modules: gradients, attributes and memory, beside PyTorch."""

from __future__ import annotations

import copy
import pickle

import pytest

pytest.importorskip("torch")

WAYS = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
}
KINDS = {
    "parameter": lambda lib: lib.nn.Parameter(lib.ones(2)),
    "frozen parameter": lambda lib: lib.nn.Parameter(lib.ones(2), requires_grad=False),
    "leaf": lambda lib: lib.ones(2, requires_grad=True),
    "plain": lambda lib: lib.ones(2),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_tensor(kind, way, agree):
    def program(lib):
        x = KINDS[kind](lib)
        x.tag = ["an attribute"]
        x.grad = lib.full((2,), 3.0)
        y = WAYS[way](x)
        attributes = getattr(y, "tag", None)
        grad = None if y.grad is None else y.grad.tolist()
        return [
            type(y).__name__, y.requires_grad, y.is_leaf, grad, attributes,
            attributes is x.tag, y.data_ptr() == x.data_ptr(), y.grad is x.grad,
        ]  # fmt: skip

    agree(program)


@pytest.mark.parametrize("way", WAYS)
def test_a_module(way, agree):
    def program(lib):
        m = lib.nn.Linear(2, 2)
        m.weight.tag = "an attribute"
        m.tied, m.note = m.weight, lib.ones(2)
        m.note.grad = lib.ones(2)
        m.register_buffer("b", lib.ones(2))
        m(lib.ones(1, 2)).sum().backward()
        c = WAYS[way](m)
        grads = [None if x.grad is None else x.grad.tolist() for x in (c.weight, c.bias, c.note)]
        shared = [getattr(c, name) is getattr(m, name) for name in ("weight", "b", "note")]
        return [*grads, *shared, c.tied is c.weight, getattr(c.weight, "tag", None)]

    agree(program)


def test_a_parameter_with_its_gradient(agree):
    def program(lib):
        p = lib.nn.Parameter(lib.ones(2))
        p.grad = lib.ones(2)
        q, again, g = copy.deepcopy([p, p, p.grad])
        return [q is again, q.grad is None, g]

    agree(program)
