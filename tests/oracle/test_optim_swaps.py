"""Runs that change between dlframe and PyTorch in the middle, through files, for every option."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples.optimizers import OPTIMIZERS, WHOLE, valley

import dlframe as dl
from dlframe import utils

torch = pytest.importorskip("torch")

EVERY = {**OPTIMIZERS, **WHOLE}
TENSOR = "a tensor"  # stands for a learning rate that is one
CASES = [
    (name, options)
    for name, row in EVERY.items()
    for options in (
        {"lr": row.lr},
        {"lr": row.lr, **row.typical},
        *row.combinations(),
        *([] if row.closure else [{"lr": TENSOR, **row.typical}]),
    )
]


class Side:
    """One library's parameters, in two groups where the optimizer takes them, and its optimizer."""

    def __init__(
        self, lib: Any, name: str, options: dict[str, Any], *, named: bool = False, order: int = 1
    ) -> None:
        self.lib, self.name, self.row = lib, name, EVERY[name]
        self.options, self.named, self.order = options, named, order
        rng = np.random.default_rng(0)
        arrays = [rng.normal(size=shape) for shape in self.row.shapes]
        self.params = [lib.nn.Parameter(lib.tensor(a, dtype=lib.float64)) for a in arrays]
        self.optimizer = self.made()

    def made(self) -> Any:
        """A new optimizer of the parameters."""
        options = dict(self.options)
        if options.get("lr") == TENSOR:
            options["lr"] = self.lib.tensor(self.row.lr, dtype=self.lib.float64)
        names = [f"p{i}" for i in range(len(self.params))]
        entries = list(zip(names, self.params, strict=True)) if self.named else self.params
        kind = getattr(self.lib.optim, self.name)
        if self.row.closure:
            return kind(entries[:: self.order], **options)
        groups = [{"params": entries[:2]}, {"params": entries[2:], "lr": 0.5 * self.row.lr}]
        return kind([{**g, "params": g["params"][:: self.order]} for g in groups], **options)

    def closure(self) -> Any:
        self.optimizer.zero_grad()
        loss = valley(self.lib.cat([p.reshape(-1) for p in self.params]))
        loss.backward()
        return loss

    def step(self, gradients: list[np.ndarray]) -> None:
        if self.row.closure:
            self.optimizer.step(self.closure)
            return
        for p, g in zip(self.params, gradients, strict=True):
            p.grad = self.lib.tensor(g)
            if self.row.skips_zeros and self.lib is torch:
                p.grad = p.grad.to_sparse()
        self.optimizer.step()


def train(steps: int, *sides: Side) -> None:
    rng = np.random.default_rng(steps)
    for _ in range(steps):
        row = sides[0].row
        gradients = [row.gradient(rng.normal(size=shape)) for shape in row.shapes]
        for side in sides:
            side.step(gradients)


# PyTorch's go on a little differently from a state than without one: the numbers of ASGD change
# their dtype, and a step that is a tensor makes SparseAdam's corrections float32.
COARSER = {"ASGD": 1e-6, "SparseAdam": 1e-5}


def assert_same(one: Side, other: Side, *, rtol: float = 1e-9) -> None:
    # Muon: an update that is rounded to bfloat16's other neighbour
    atol = one.row.lr if one.name == "Muon" else rtol / 10
    for p, q in zip(one.params, other.params, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=rtol, atol=atol)


def as_torch(value: Any) -> Any:
    """Our arrays as tensors of PyTorch's, as a user converts a file."""
    if isinstance(value, (dl.Tensor, np.ndarray)):
        return torch.tensor(value.numpy() if isinstance(value, dl.Tensor) else value)
    if isinstance(value, dict):
        return {key: as_torch(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(as_torch(entry) for entry in value)
    return value


def swap(ours: Side, theirs: Side, folder: Path) -> None:
    """Each side goes on with a new optimizer, which read the other's file."""
    torch.save(theirs.optimizer.state_dict(), folder / "theirs.pt")
    utils.save(ours.optimizer.state_dict(), folder / "ours.h5")
    ours.optimizer, theirs.optimizer = ours.made(), theirs.made()
    ours.optimizer.load_state_dict(torch.load(folder / "theirs.pt", weights_only=True))
    theirs.optimizer.load_state_dict(as_torch(utils.load(folder / "ours.h5")))


@pytest.mark.parametrize("name, options", CASES)
def test_a_run_that_changes_sides_goes_on_as_one_that_does_not(
    name: str, options: dict[str, Any], tmp_path: Path
) -> None:
    ours, theirs, alone = (Side(lib, name, options) for lib in (dl, torch, torch))
    train(4 if EVERY[name].closure else 30, ours, theirs, alone)
    swap(ours, theirs, tmp_path)
    train(4 if EVERY[name].closure else 20, ours, theirs, alone)
    assert_same(ours, alone)
    assert_same(theirs, alone, rtol=COARSER.get(name, 1e-9))


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("ours_named, theirs_named", [(True, True), (True, False), (False, True)])
def test_names_on_both_sides_or_on_one(
    name: str, ours_named: bool, theirs_named: bool, tmp_path: Path
) -> None:
    options = {"lr": EVERY[name].lr, **EVERY[name].typical}
    ours = Side(dl, name, options, named=ours_named)
    theirs = Side(torch, name, options, named=theirs_named)
    train(4, ours, theirs)
    swap(ours, theirs, tmp_path)
    names = [group.get("param_names") for group in ours.optimizer.param_groups]
    assert names[0] == [f"p{i}" for i in range(len(ours.params[: 4 if len(names) == 1 else 2]))]
    train(4, ours, theirs)
    assert_same(ours, theirs, rtol=COARSER.get(name, 1e-9))


@pytest.mark.parametrize("name", [name for name in EVERY if not EVERY[name].closure])
def test_a_file_of_pytorchs_whose_names_are_in_another_order(name: str, tmp_path: Path) -> None:
    options = {"lr": EVERY[name].lr, **EVERY[name].typical}
    ours, theirs = (Side(lib, name, options, named=True) for lib in (dl, torch))
    train(4, ours, theirs)
    torch.save(theirs.optimizer.state_dict(), tmp_path / "theirs.pt")
    ours.order = -1
    ours.optimizer = ours.made()
    ours.optimizer.load_state_dict(torch.load(tmp_path / "theirs.pt", weights_only=True))
    assert ours.optimizer.param_groups[0]["param_names"] == ["p1", "p0"]
    train(4, ours, theirs)
    assert_same(ours, theirs)
