"""Random programs of operations, views, writes, hooks and modes give PyTorch's gradients."""

from __future__ import annotations

import random

import numpy as np
import pytest
from samples.programs import VIEWS as MORE_VIEWS
from samples.programs import WRITES as MORE_WRITES
from samples.programs import Args

import dlframe as dl

torch = pytest.importorskip("torch")

UNARY = ["sin", "tanh", "exp", "square", "sqrt", "sigmoid", "neg"]
BINARY = ["add", "sub", "mul"]
VIEWS = {
    "transposed": lambda t: t.T if t.ndim == 2 else t[:],
    "tail": lambda t: t[1:],
    "first": lambda t: t[0],
    "last": lambda t: t[..., -1:],
    "new axis": lambda t: t.unsqueeze(0),
    "flat": lambda t: t.reshape(-1),
}
# New tensors whose memory PyTorch lays out in its own way: what views of them show, and whether a
# write through reshape() arrives, depends on it.
RESULTS = {
    "turned": lambda lib, t: t.permute(*range(1, t.ndim), 0) * 1.0,
    "turned back": lambda lib, t: t.permute(t.ndim - 1, *range(t.ndim - 1)).sin(),
    "sum of both": lambda lib, t: t.mT.mT * 1.0 + t.mT.clone().mT,
    "selected": lambda lib, t: t.index_select(t.ndim - 1, lib.tensor([1, 0])),
    "indexed": lambda lib, t: t[:, [1, 0]],
    "softmax": lambda lib, t: t.softmax(0),
    "cumsum": lambda lib, t: t.cumsum(1),
    "stacked": lambda lib, t: lib.stack([t[0], t[1]], 1),
    "triangle": lambda lib, t: t.tril(),
    "masked": lambda lib, t: t.masked_fill(t > 0.9, 0.5),
    "flipped": lambda lib, t: t.flip(0),
    "kept": lambda lib, t: t.sum(0, keepdim=True).expand(2, *t.shape[1:]).clone(),
}
WRITES = {
    "scale": lambda lib, t, u, c: t.mul_(c),
    "shift": lambda lib, t, u, c: t.add_(c),
    "sin": lambda lib, t, u, c: t.sin_(),
    "exp": lambda lib, t, u, c: t.exp_(),
    "square": lambda lib, t, u, c: t.square_(),
    "mul": lambda lib, t, u, c: t.mul_(u),
    "add": lambda lib, t, u, c: t.add_(u),
    "sub": lambda lib, t, u, c: t.sub_(u),
    "copy": lambda lib, t, u, c: t.copy_(u),
    "zero": lambda lib, t, u, c: t.zero_(),
    "set number": lambda lib, t, u, c: t.__setitem__(0, c),
    "set first": lambda lib, t, u, c: t.__setitem__(0, u),
    "set tail": lambda lib, t, u, c: t.__setitem__(slice(1, None), u),
    "set mask": lambda lib, t, u, c: t.__setitem__(t > c, u.sum()),
    "set index": lambda lib, t, u, c: t.__setitem__(lib.tensor([0]), u),
}


def without_recording(lib, t, c):
    with lib.no_grad():
        t.mul_(c)


def step(choice, lib, tensors, i, j, c):
    """Carry out one step; a new tensor is returned, and everything else happens in place."""
    kind, name = choice
    t, u = tensors[i], tensors[j]
    if kind == "unary":
        return getattr(t, name)()
    if kind == "binary":
        return getattr(t, name)(u)
    if kind == "view":
        return VIEWS[name](t)
    if kind == "result":
        return RESULTS[name](lib, t)
    if kind == "more views":
        d, k = int(c * 100) % t.ndim, int(c * 1000) % 7
        return MORE_VIEWS[name].of_tensor(t, d, k)
    if kind == "index":
        MORE_WRITES[name].in_place(Args(lib, t, u, u.mean(), c, int(c * 1000) % 7))
        return None
    if kind == "detach":
        return t.detach()
    if kind == "write":
        WRITES[name](lib, t, u, c)
    elif kind == "no_grad":
        without_recording(lib, t, c)
    elif kind == "hook" and t.requires_grad:
        t.register_hook(lambda g: g * c)
    elif kind == "retain" and t.requires_grad:
        t.retain_grad()
    return None


def attempt(*args):
    try:
        return step(*args), None
    except Exception as error:  # noqa: BLE001 - whether both raise is compared
        return None, error


def choose(rnd, t):
    kind = rnd.choice(
        [
            *("unary", "binary", "view", "more views", "no_grad", "detach", "hook", "retain"),
            *["result"] * 2,
            *["write"] * 3,
            *["index"] * 3,
        ]
    )
    if kind == "more views":
        fitting = [name for name, view in MORE_VIEWS.items() if t.ndim and view.fits(t)]
        if fitting:
            return kind, rnd.choice(fitting)
        kind = "unary"
    if kind == "result":
        large = 1 < t.ndim < 4 and min(t.shape) > 1
        return (kind, rnd.choice(sorted(RESULTS))) if large else ("unary", rnd.choice(UNARY))
    if kind == "index":
        return kind, rnd.choice([name for name, write in MORE_WRITES.items() if write.fits(t)])
    # PyTorch drops the hooks of a view when its base is written to
    if (kind == "view" and t.ndim == 0) or (kind in {"hook", "retain"} and t._base is not None):
        kind = "unary"
    names = {"unary": UNARY, "binary": BINARY, "view": sorted(VIEWS), "write": sorted(WRITES)}
    return kind, rnd.choice(names.get(kind, [""]))


def loss(tensors, weights):
    return sum(t.sum() * w for t, w in zip(tensors, weights, strict=True))


@pytest.mark.parametrize("block", range(20))
def test_gradients_are_pytorchs(block, seed):
    compared = 0
    for k in range(50):
        rnd = random.Random(seed + 50 * block + k)
        values = np.random.default_rng(rnd.randrange(2**32))
        starts = [values.uniform(0.5, 1.5, shape) for shape in ((3, 4), (4,), (3, 4), (2, 3, 4))]
        theirs = [torch.tensor(a, requires_grad=i < 2) for i, a in enumerate(starts)]
        ours = [dl.tensor(a, requires_grad=i < 2) for i, a in enumerate(starts)]
        compared += compare(rnd, theirs, ours)
    assert compared > 25


def compare(rnd, theirs, ours):
    """Whether a random program ran to its end under PyTorch; dlframe must then have its numbers."""
    log = []
    for _ in range(rnd.randint(4, 14)):
        i, j = rnd.randrange(len(theirs)), rnd.randrange(len(theirs))
        c = rnd.uniform(0.5, 1.5)
        choice = choose(rnd, theirs[i])
        log.append((*choice, i, j, c))
        a, refused = attempt(choice, torch, theirs, i, j, c)
        b, error = attempt(choice, dl, ours, i, j, c)
        if refused is not None and error is None:
            return False  # dlframe can go on where PyTorch cannot
        if error is not None and "single memory location" in str(error):
            return False  # windows that share elements: PyTorch writes, even where it then raises
        assert (error is None) == (refused is None), (log, error)
        if a is not None:
            theirs.append(a)
            ours.append(b)
        for t, x in zip(theirs, ours, strict=True):
            np.testing.assert_allclose(x.array, t.detach().numpy(), err_msg=str(log))
            assert t.requires_grad == x.requires_grad, log
            assert t.is_contiguous() == x.is_contiguous(), log
    weights = [rnd.uniform(0.5, 1.5) for _ in theirs]
    try:
        loss(theirs, weights).backward()
    except RuntimeError:
        return False  # what a rule needs was overwritten; dlframe may have kept a copy
    loss(ours, weights).backward()
    for t, x in zip(theirs, ours, strict=True):
        if t.is_leaf or t.retains_grad:
            expected = np.zeros(t.shape) if t.grad is None else t.grad.numpy()
            got = np.zeros(x.shape) if x.grad is None else x.grad.array
            np.testing.assert_allclose(got, expected, rtol=1e-9, err_msg=str(log))
    return True
