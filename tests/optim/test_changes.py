"""Parameters and gradients that change their memory, dtype, shape or use between two steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from samples.optimizers import OPTIMIZERS, WHOLE

import dlframe as dl
from dlframe import nn, optim
from dlframe.errors import ShapeError

EVERY = {**OPTIMIZERS, **WHOLE}
SHAPES = ((4, 3), (3, 5))


class Run:
    """Two matrices, and steps of an optimizer by gradients of its own seed."""

    def __init__(self, name: str) -> None:
        self.row, self.rng = EVERY[name], np.random.default_rng(0)
        self.params = [nn.Parameter(self.array(shape)) for shape in SHAPES]
        self.make = lambda params: getattr(optim, name)(params, lr=self.row.lr, **self.row.typical)
        self.optimizer = self.make(self.params)

    def array(self, shape: tuple[int, ...]) -> np.ndarray:
        return self.rng.normal(size=shape).astype(np.float32)

    def step(self, layout: Callable[[Any], Any] = dl.from_numpy) -> None:
        loss = float(self.rng.normal())
        for p in self.params:
            g = self.row.gradient(self.array(p.array.shape)).astype(p.array.dtype)
            p.grad = layout(g) if p.requires_grad else None
        self.optimizer.step(lambda: dl.tensor(loss))

    def values(self) -> list[Any]:
        return [p.tolist() for p in self.params]


def strided(g: np.ndarray) -> Any:
    wide = np.zeros((2 * g.shape[0], 2 * g.shape[1]), g.dtype)
    wide[::2, ::2] = g
    return dl.from_numpy(wide)[::2, ::2]


def read_only(g: np.ndarray) -> Any:
    made = dl.tensor(g)
    made.array.flags.writeable = False
    return made


LAYOUTS = {
    "Fortran's order": lambda g: dl.from_numpy(np.asfortranarray(g)),
    "transposed": lambda g: dl.from_numpy(np.ascontiguousarray(g.T)).t(),
    "with gaps": strided,
    "read-only": read_only,
    "backwards": lambda g: dl.Tensor(np.ascontiguousarray(g[::-1])[::-1]),
}


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_memory_of_gradients_has_no_effect(name: str, layout: str) -> None:
    run, plain = Run(name), Run(name)
    for i in range(5):
        run.step(LAYOUTS[layout] if i % 2 else dl.from_numpy)
        plain.step()
    assert run.values() == plain.values()


@pytest.mark.parametrize("name", EVERY)
def test_replaced_data_is_as_good_as_written_data(name: str) -> None:
    replaced, written = Run(name), Run(name)
    for run in (replaced, written):
        for _ in range(3):
            run.step()
    new = np.ones(SHAPES[0], np.float32)
    replaced.params[0].data = dl.tensor(new)
    written.params[0].array[...] = new
    for run in (replaced, written):
        for _ in range(3):
            run.step()
    assert replaced.values() == written.values()


@pytest.mark.parametrize("name", EVERY)
def test_a_model_that_is_cast_goes_on_as_one_that_is_restored(name: str) -> None:
    run, twin = Run(name), Run(name)
    for each in (run, twin):
        for _ in range(3):
            each.step()
        for p in each.params:
            p.grad, p.data = None, p.data.double()
    state = twin.optimizer.state_dict()
    twin.optimizer = twin.make(twin.params)
    twin.optimizer.load_state_dict(state)
    for each in (run, twin):
        for _ in range(3):
            each.step()
    assert run.params[0].dtype == dl.float64
    assert run.values() == twin.values()


@pytest.mark.parametrize("name", [name for name in EVERY if not EVERY[name].closure])
def test_a_frozen_parameter_and_its_state_stay(name: str) -> None:
    run = Run(name)
    for _ in range(3):
        run.step()
    first = run.params[0]
    first.requires_grad_(False)
    before, state = run.values(), repr(run.optimizer.state[first])
    run.step()
    assert run.values()[0] == before[0]
    assert run.values()[1] != before[1]
    assert repr(run.optimizer.state[first]) == state
    first.requires_grad_(True)
    run.step()
    assert run.values()[0] != before[0]


@pytest.mark.parametrize("name", EVERY)
def test_another_shape_is_refused_with_what_to_do(name: str) -> None:
    run = Run(name)
    for _ in range(3):
        run.step()
    first = run.params[0]
    first.grad, first.data = None, dl.ones(4, 4)
    state = repr(run.optimizer.state[first])
    with pytest.raises(ShapeError, match=r"make a new optimizer for .* or optimizer\.state\.pop"):
        run.step()
    assert set(first.reshape(-1).tolist()) == {1.0}
    if not run.row.closure:  # which counts evaluations
        assert repr(run.optimizer.state[first]) == state
    run.optimizer.state.pop(first)
    run.step()
    if not run.row.closure:  # whose line search sees that the loss does not fall
        assert set(first.reshape(-1).tolist()) != {1.0}
