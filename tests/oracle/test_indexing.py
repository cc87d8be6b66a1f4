"""Random indices, read and written to, under dlframe and under PyTorch."""

from __future__ import annotations

import random

import numpy as np
import pytest

import dlframe as dl

torch = pytest.importorskip("torch")

SHAPES = [(3, 4, 2), (3, 4), (4,), (2, 3, 2, 2), (), (0, 3), (3, 0), (2, 1, 3)]
KINDS = ["int", "slice", "slice", "None", "...", "array", "array", "mask", "mask 2", "bool", "list"]
KINDS += ["mask list", "number", "0-d bool"]


def part(rnd, rng, kind, shape, d):
    """A part of an index: whether it is to be a tensor, its value, how many dimensions it takes."""
    size = shape[d] if d < len(shape) else 3
    if kind == "int":
        return False, rnd.randint(-size, size - 1) if size else 0, 1
    if kind == "slice":
        bounds = rnd.choice([None, 0, 1, -1, -2, 5]), rnd.choice([None, 2, -1, 1, 9])
        return False, slice(*bounds, rnd.choice([None, 1, 2])), 1
    if kind in ("array", "list"):
        where = rnd.choice([(2,), (1,), (2, 2), (2, 1), (0,), (3,)]) if size else (0,)
        places = rng.integers(-size, max(size, 1 - size), where)
        return kind == "array", places if kind == "array" else places.tolist(), 1
    if kind in ("mask", "mask list"):
        mask = rng.random(size + (rnd.random() < 0.03)) < 0.5
        return kind == "mask", mask if kind == "mask" else mask.tolist(), 1
    if kind == "mask 2":
        return True, rng.random(shape[d : d + 2]) < 0.5, len(shape[d : d + 2])
    if kind == "number":
        return True, np.array(rnd.randint(-size, size - 1) if size else 0), 1
    if kind == "0-d bool":
        return True, np.array(rnd.random() < 0.7), 0
    return False, {"None": None, "...": ...}.get(kind, rnd.random() < 0.7), 0


def random_index(rnd, shape):
    """A function that makes the index of tensors of a library."""
    rng = np.random.default_rng(rnd.randrange(2**32))
    parts, d, count = [], 0, rnd.randint(1, len(shape) + 2)
    for kind in rnd.choices(KINDS, k=count):
        tensor, value, taken = part(rnd, rng, kind, shape, d)
        if d + taken > len(shape) + (rnd.random() < 0.03):
            continue
        if kind == "..." and any(value is ... for _, value in parts):
            continue
        parts.append((tensor, value))
        d += taken
    alone = len(parts) == 1 and rnd.random() < 0.5

    def build(lib):
        index = tuple(lib.tensor(value) if tensor else value for tensor, value in parts)
        return index[0] if alone else index

    return build, parts


def weighted(lib, t):
    weights = np.cos(np.arange(t.numel()) + 1.0).reshape(tuple(t.shape))
    return (t * lib.tensor(weights)).sum()


def read(lib, start, index):
    x = lib.tensor(start, requires_grad=True)
    y = x[index(lib)]
    weighted(lib, y).backward()
    return [y.detach().numpy(), x.grad.numpy(), y._base is x]


def written(lib, start, index, value):
    x = lib.tensor(start, requires_grad=True)
    v = lib.tensor(value, requires_grad=True)
    y = x * 1
    y[index(lib)] = v
    weighted(lib, y).backward()
    return [y.detach().numpy(), x.grad.numpy(), None if v.grad is None else v.grad.numpy()]


def attempt(function, *args):
    try:
        return function(*args), None
    except (IndexError, RuntimeError, TypeError) as error:
        return None, error


def assert_same(theirs, ours, about):
    (want, refused), (got, error) = theirs, ours
    if refused is not None or error is not None:
        if refused is None:  # PyTorch accepts an index out of range that selects nothing
            assert "out of bounds" in str(error), (about, error)
            assert not want[0].size, (about, error)
        else:
            assert isinstance(error, type(refused)), (about, refused, error)
        return
    for a, b in zip(want, got, strict=True):
        if isinstance(a, np.ndarray):
            np.testing.assert_allclose(b, a, err_msg=str(about))
            assert a.shape == b.shape, about
        else:
            assert a is b, about


@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence")
@pytest.mark.parametrize("block", range(10))
def test_an_index_means_what_it_means_in_pytorch(block, seed):
    for k in range(100):
        rnd = random.Random(seed + 100 * block + k)
        shape = rnd.choice(SHAPES)
        start = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
        index, parts = random_index(rnd, shape)
        about = (shape, parts)
        theirs = attempt(read, torch, start, index)
        assert_same(theirs, attempt(read, dl, start, index), about)
        if theirs[0] is None or not theirs[0][0].size:
            continue
        found = theirs[0][0].shape
        short = tuple(n if rnd.random() < 0.6 else 1 for n in found)[rnd.randint(0, len(found)) :]
        fit = rnd.choice([found, short, (1, *found), tuple(n + 1 for n in found)])
        value = np.random.default_rng(k).random(fit)
        results = [attempt(written, lib, start, index, value) for lib in (torch, dl)]
        assert_same(*results, (*about, fit))
