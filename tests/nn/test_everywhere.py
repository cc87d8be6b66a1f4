"""Every layer and loss works in all that is built on modules: copies, files, hooks, `func` …"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from samples import MODULES
from samples.evaluate import is_tensor
from samples.modules import Built, Row

import dlframe as dl
from dlframe import utils
from dlframe.base import nests
from dlframe.func import functional_call, vmap
from dlframe.utils.checkpoint import checkpoint

FIRST: dict[str, Row] = {}
for _rows in MODULES.values():
    for _row in _rows:
        if _row.call == "m(*x)" and isinstance(getattr(dl.nn, _row.name, None), type):
            FIRST.setdefault(_row.name, _row)
each_class = pytest.mark.parametrize("row", FIRST.values(), ids=FIRST)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of deprecated arguments and modules
        yield


def built(row: Row) -> tuple[Any, tuple[Any, ...]]:
    """A module in evaluation, called once (lazy ones have their sizes), and its inputs."""
    made = Built(row, dl, "float64")
    dl.manual_seed(3)
    with dl.no_grad():
        made.module(*made.inputs)
    return made.module.eval(), made.inputs


def outputs(value: Any) -> list[np.ndarray]:
    return [np.array(x.detach().numpy()) for x in nests.leaves(value) if is_tensor(x)]


def same(a: Any, b: Any, tolerance: float = 1e-9) -> None:
    mine, want = outputs(a), outputs(b)
    assert len(mine) == len(want) > 0
    for x, y in zip(mine, want, strict=True):
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance)


def called(module: Any, inputs: tuple[Any, ...]) -> Any:
    dl.manual_seed(5)
    return module(*inputs)


@pytest.mark.slow
@each_class
def test_copies_and_files(row: Row, tmp_path: Any) -> None:
    module, inputs = built(row)
    want = called(module, inputs)
    same(called(copy.deepcopy(module), inputs), want)
    utils.save(module.state_dict(), tmp_path / "state.h5")
    other = Built(row, dl, "float64", seed=11).module.eval()
    other.load_state_dict(utils.load(tmp_path / "state.h5"))
    same(called(other, inputs), want)


@each_class
def test_hooks_summary_and_checkpoints(row: Row) -> None:
    module, inputs = built(row)
    want = called(module, inputs)
    seen: list[Any] = []
    handles = [
        module.register_forward_pre_hook(lambda m, x: seen.append("before")),
        module.register_forward_hook(lambda m, x, y: seen.append("after")),
        module.register_full_backward_hook(lambda m, gx, gy: seen.append("backward")),
    ]
    given = wanting(row, inputs)
    y = called(module, given)
    same(y, want)
    ends = [t for t in nests.leaves(y) if is_tensor(t) and t.requires_grad]
    if ends:
        sum(t.sum() for t in ends).backward()
        assert seen == ["before", "after", "backward"]
    for handle in handles:
        handle.remove()
    dl.manual_seed(5)
    (top, *_) = utils.summary(module, input_data=inputs).rows
    assert (top.calls, top.type) == (1, row.name if "Lazy" not in row.name else top.type)
    dl.manual_seed(5)
    same(checkpoint(module, *inputs, use_reentrant=False), want)


def wanting(row: Row, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The inputs, which require grad where they can."""

    def one(x: Any) -> Any:
        is_float = is_tensor(x) and x.is_floating_point()
        return x.detach().clone().requires_grad_() if is_float else x

    return tuple(x if i in row.fixed else nests.map_leaves(one, x) for i, x in enumerate(inputs))


@pytest.mark.slow
@each_class
def test_explain(row: Row) -> None:
    module, inputs = built(row)
    y = called(module, wanting(row, inputs))
    ends = [t for t in nests.leaves(y) if is_tensor(t) and t.requires_grad]
    if ends:
        explanation = ends[0].sum().explain()
        assert str(explanation)
        assert explanation.markdown()


@each_class
def test_functional_call_and_vmap(row: Row) -> None:
    """Other parameters get the gradients; a batch of inputs gives a batch of outputs."""
    module, inputs = built(row)
    want = called(module, inputs)
    state = {k: p.detach().clone().requires_grad_() for k, p in module.named_parameters()}
    dl.manual_seed(5)
    y = functional_call(module, state, inputs)
    same(y, want)
    ends = [t for t in nests.leaves(y) if is_tensor(t) and t.requires_grad]
    if state and ends:
        sum((t * t).sum() for t in ends).backward()
        assert any(p.grad is not None for p in state.values())
        assert all(p.grad is None for p in module.parameters())
    twice = nests.map_leaves(lambda x: dl.stack([x, x]) if is_tensor(x) else x, inputs)
    dims = nests.map_leaves(lambda x: 0 if is_tensor(x) else None, inputs)
    dl.manual_seed(5)
    batch = vmap(lambda *x: module(*x), in_dims=tuple(dims), randomness="same")(*twice)
    same(nests.map_leaves(lambda t: t[1] if is_tensor(t) else t, batch), want)
