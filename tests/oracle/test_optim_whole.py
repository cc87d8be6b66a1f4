"""The optimizers of WHOLE beside PyTorch's, and states that change sides in a run."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from samples.optimizers import WHOLE, valley

import dlframe as dl
from dlframe import nn, optim
from dlframe.optim.muon import orthogonalized
from dlframe.tensor import Tensor

torch = pytest.importorskip("torch")

KINDS = [
    (name, options)
    for name, row in WHOLE.items()
    for options in ({"lr": row.lr}, {"lr": row.lr, **row.typical}, *row.single)
]


class Pair:
    """The same parameters and optimizer, ours and PyTorch's, and steps of both."""

    def __init__(self, name: str, options: dict[str, Any], rng: np.random.Generator) -> None:
        self.row, self.rng = WHOLE[name], rng
        arrays = [rng.normal(size=s) for s in self.row.shapes]
        self.ours: list[Any] = [nn.Parameter(np.array(a)) for a in arrays]
        self.theirs = [torch.nn.Parameter(torch.tensor(a)) for a in arrays]
        self.optimizer = getattr(optim, name)(self.ours, **options)
        self.oracle = getattr(torch.optim, name)(self.theirs, **options)

    def step(self) -> None:
        if self.row.closure:
            self.optimizer.step(lambda: self.loss(self.optimizer, self.ours, dl.cat))
            self.oracle.step(lambda: self.loss(self.oracle, self.theirs, torch.cat))
            return
        for p, q in zip(self.ours, self.theirs, strict=True):
            g = np.array(self.rng.normal(size=p.array.shape))
            p.grad, q.grad = Tensor(g), torch.tensor(g)
        self.optimizer.step()
        self.oracle.step()

    def loss(self, optimizer: Any, params: Any, cat: Any) -> Any:
        optimizer.zero_grad()
        loss = valley(cat([p.reshape(-1) for p in params]))
        loss.backward()
        return loss

    def check(self, lr: float) -> None:
        # Muon: an update that is rounded to bfloat16's other neighbour
        atol = 0.05 * lr if isinstance(self.optimizer, optim.Muon) else 1e-9
        for p, q in zip(self.ours, self.theirs, strict=True):
            np.testing.assert_allclose(p.array, q.detach().numpy(), rtol=1e-9, atol=atol)


def as_torch(value: Any) -> Any:
    if isinstance(value, Tensor):
        return torch.tensor(value.numpy())
    if isinstance(value, dict):
        return {k: as_torch(v) for k, v in value.items()}
    return [as_torch(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name, options", KINDS)
def test_state_travels_both_ways(
    name: str, options: dict[str, Any], rng: np.random.Generator
) -> None:
    pair = Pair(name, options, rng)
    lr = options.get("lr", 1e-3)
    for _ in range(4):
        pair.step()
    pair.check(lr)
    assert repr(pair.optimizer) == repr(pair.oracle)

    restored = getattr(optim, name)(pair.ours)
    restored.load_state_dict(pair.oracle.state_dict())
    pair.optimizer = restored
    for _ in range(4):
        pair.step()
    pair.check(lr)

    ours, theirs = restored.state_dict(), pair.oracle.state_dict()
    assert ours["param_groups"] == theirs["param_groups"]
    for i, entry in theirs["state"].items():
        assert list(ours["state"][i]) == list(entry)
        for key, value in entry.items():
            mine = ours["state"][i][key]
            if torch.is_tensor(value):
                assert tuple(mine.shape) == tuple(value.shape)
                assert str(mine.dtype).split(".")[-1] == str(value.dtype).split(".")[-1]
            else:
                assert type(mine) is type(value)
    pair.oracle = getattr(torch.optim, name)(pair.theirs)
    pair.oracle.load_state_dict(as_torch(copy.deepcopy(ours)))
    for _ in range(4):
        pair.step()
    pair.check(lr)


@pytest.mark.parametrize("name, options", KINDS)
def test_a_hundred_steps_in_float64(
    name: str, options: dict[str, Any], rng: np.random.Generator
) -> None:
    pair = Pair(name, options, rng)
    for _ in range(100):
        pair.step()
    # Muon's updates that were rounded to another neighbour add up like the steps of a random walk
    pair.check(4 * options.get("lr", 1e-3))


@pytest.mark.parametrize("name", WHOLE)
def test_errors_are_pytorchs(name: str, rng: np.random.Generator) -> None:
    unfit: list[dict[str, Any]] = [{"lr": -1.0}]
    if name == "Adafactor":
        unfit += [{"d": 0.5}, {"eps": (-1.0, 0.0)}, {"eps": (None, -1.0)}, {"beta2_decay": 1.0}]
    if name == "Muon":
        unfit += [{"momentum": -1.0}, {"weight_decay": -1.0}, {"adjust_lr_fn": "mine"}]
    for options in unfit:
        with pytest.raises(ValueError) as theirs:
            getattr(torch.optim, name)([torch.nn.Parameter(torch.ones(1, 1))], **options)
        with pytest.raises(ValueError) as ours:
            getattr(optim, name)([nn.Parameter(dl.ones(1, 1))], **options)
        assert str(ours.value).startswith(str(theirs.value))


@pytest.mark.parametrize("shape", [(3, 4), (40, 30), (64, 128), (200, 100)])
def test_the_iteration_is_pytorchs_up_to_neighbours_of_bfloat16(
    shape: tuple[int, int], rng: np.random.Generator
) -> None:
    from torch.optim._muon import _zeropower_via_newtonschulz

    x = rng.normal(size=shape).astype(np.float32)
    coefficients = (3.4445, -4.7750, 2.0315)
    ours = orthogonalized(x, coefficients, 5, 1e-7)
    theirs = _zeropower_via_newtonschulz(torch.tensor(x), coefficients, 5, 1e-7).float().numpy()
    assert np.abs(ours - theirs).max() < 2**-5
    assert np.abs(ours - theirs).mean() < 2**-9
