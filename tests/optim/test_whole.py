"""The optimizers whose rule needs a parameter as a whole, or all: WHOLE in samples.optimizers."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples.optimizers import WHOLE, valley

import dlframe as dl
from dlframe import nn, optim
from dlframe.errors import GradientError, StateDictError
from dlframe.optim.adafactor import adafactor_formula
from dlframe.optim.muon import muon_formula
from dlframe.tensor import Tensor

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "optim_whole.npz"
with np.load(GOLDEN) as _file:
    ABOUT = json.loads(str(_file["description"]))
    ARRAYS = {name: _file[name] for name in _file.files if name != "description"}
CASES = ABOUT["cases"]


def case_id(case: dict[str, Any]) -> str:
    options = [f"{k}={v}" for k, v in case["options"].items()]
    return "-".join([case["name"], case["dtype"], *options])


class Walk:
    """An optimizer, its parameters, and steps with gradients that depend on the seed alone."""

    def __init__(self, name: str, options: dict[str, Any], dtype: Any = np.float64) -> None:
        row = WHOLE[name]
        self.rng = np.random.default_rng(0)
        self.closure = row.closure
        arrays = [np.array(self.rng.random(s) - 0.5, dtype) for s in row.shapes]
        self.params: list[Any] = [nn.Parameter(a) for a in arrays]
        self.optimizer = getattr(optim, name)(self.params, **options)

    def loss(self) -> Tensor:
        self.optimizer.zero_grad()
        loss = valley(dl.cat([p.reshape(-1) for p in self.params]))
        loss.backward()
        return loss

    def step(self) -> None:
        if self.closure:
            self.optimizer.step(self.loss)
            return
        for p in self.params:
            p.grad = Tensor(np.array(self.rng.random(p.array.shape) - 0.5, p.array.dtype))
        self.optimizer.step()

    def values(self) -> np.ndarray:
        return np.concatenate([p.array.reshape(-1) for p in self.params])


def tolerance(case: dict[str, Any], step: int) -> float:
    """How far from PyTorch's parameters ours may be."""
    if case["name"] == "Muon":
        # Products of matrices are rounded to bfloat16; a sum in another order may round to the
        # neighbour, 2⁻⁸ of an update, and the last step moves by the learning rate.
        return 2.0**-7 * step**0.5 * case["options"]["lr"]
    if case["name"] == "LBFGS":
        return 1e-9 if case["dtype"] == "float64" else 1e-2
    return 1e-12 if case["dtype"] == "float64" else 2e-6


@pytest.mark.parametrize("number", range(len(CASES)), ids=map(case_id, CASES))
def test_trajectories_are_those_of_pytorch(number: int) -> None:
    case, expected = CASES[number], iter(ARRAYS[f"params{number}"])
    walk = Walk(case["name"], case["options"], np.dtype(case["dtype"]))
    steps = max(ABOUT["snapshots"])
    if walk.closure and case["dtype"] == "float32":
        steps = 2  # differences of nearly equal losses decide the way, which is another one later
    for step in range(1, steps + 1):
        walk.step()
        if step in ABOUT["snapshots"]:
            want = next(expected)
            atol = tolerance(case, step) * max(1.0, float(np.abs(want).max()))
            np.testing.assert_allclose(walk.values(), want, rtol=0, atol=atol)
    state = walk.optimizer.state_dict()["state"]
    assert [list(entry) for entry in state.values()] == case["state"]
    if not walk.closure:
        tensors = [v for entry in state.values() for v in entry.values()]
        found = np.concatenate([v.array.reshape(-1) for v in tensors])
        np.testing.assert_allclose(found, ARRAYS[f"state{number}"], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("way", ["state_dict", "pickle", "deepcopy"])
def test_a_restored_optimizer_goes_on_bit_for_bit(name: str, way: str) -> None:
    options = {"lr": WHOLE[name].lr, **WHOLE[name].typical}
    walk, other = Walk(name, options), Walk(name, options)
    for _ in range(4):
        walk.step()
    if way == "state_dict":
        for p, q in zip(other.params, walk.params, strict=True):
            p.array[...] = q.array
        other.optimizer.load_state_dict(walk.optimizer.state_dict())
    else:
        copied = copy.deepcopy if way == "deepcopy" else lambda x: pickle.loads(pickle.dumps(x))
        other.optimizer = copied(walk.optimizer)
        other.params = other.optimizer.param_groups[0]["params"]
    other.rng = copy.deepcopy(walk.rng)
    for _ in range(4):
        walk.step()
        other.step()
    np.testing.assert_array_equal(walk.values(), other.values())


@pytest.mark.parametrize("name", WHOLE)
def test_unfit_state_is_refused(name: str) -> None:
    walk = Walk(name, {})
    walk.step()
    walk.step()
    saved = walk.optimizer.state_dict()
    broken = copy.deepcopy(saved)
    del broken["param_groups"][0]["lr"]
    with pytest.raises(StateDictError, match=r"lr +a finite number +missing"):
        walk.optimizer.load_state_dict(broken)
    key = {"Adafactor": "row_var", "LBFGS": "d", "Muon": "momentum_buffer"}[name]
    for wrong in (dl.ones(7, 7), None):
        broken = copy.deepcopy(saved)
        broken["state"][0][key] = wrong
        with pytest.raises(StateDictError, match=key):
            walk.optimizer.load_state_dict(broken)


@pytest.mark.parametrize("name", WHOLE)
def test_an_older_graph_notices_the_step(name: str) -> None:
    walk = Walk(name, {})
    loss = (walk.params[0] ** 2).sum()
    loss.backward(retain_graph=True)
    walk.step()
    with pytest.raises(GradientError, match=rf"{name}\.step"):
        loss.backward()


# --- Adafactor ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, message",
    [
        ({"lr": -1.0}, "Learning rate should be >= 0 but is: -1.0"),
        ({"lr": dl.ones(2)}, "Tensor lr must be 1-element"),
        ({"beta2_decay": 0.1}, "beta2_decay should be <= 0 but is: 0.1"),
        ({"eps": (-1.0, 0.0)}, "epsilon1 should be >= 0 but is: -1.0"),
        ({"eps": (None, -1.0)}, "epsilon2 should be >= 0 but is: -1.0"),
        ({"eps": 1e-8}, "eps must be a pair of numbers; got 1e-08"),
        ({"d": 0.5}, "Clipping threshold d should be >= 1 but is: 0.5"),
        ({"weight_decay": -1.0}, "weight_decay should be >= 0 but is: -1.0"),
    ],
)
def test_adafactor_refuses_unfit_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        optim.Adafactor([nn.Parameter(dl.ones(1))], **options)


def test_adafactor_by_hand() -> None:
    p = nn.Parameter(dl.tensor([[3.0, 4.0]], dtype=dl.float64))
    optimizer = optim.Adafactor([p], lr=dl.tensor(0.5), eps=(0.0, 0.0), weight_decay=0.2)
    p.grad = dl.tensor([[1.0, 7.0]], dtype=dl.float64)
    optimizer.step()  # in the first step v = R C / mean R = C = g²; the factor is RMS(p) = √12.5
    step = 0.5 * np.sqrt(12.5)
    np.testing.assert_allclose(p.array, [[0.9 * 3 - step, 0.9 * 4 - step]])
    assert optimizer.state[p]["row_var"].tolist() == [[25.0]]
    assert optimizer.state[p]["col_var"].tolist() == [[1.0, 49.0]]


def test_parameters_without_elements_and_of_half_precision() -> None:
    empty, half = nn.Parameter(dl.ones(0, 3)), nn.Parameter(dl.ones(4, 4, dtype=dl.float16))
    for make in (optim.Adafactor, optim.Muon):
        optimizer = make([empty, half], lr=0.5)
        empty.grad, half.grad = dl.zeros(0, 3), dl.ones(4, 4, dtype=dl.float16)
        before = half.array.copy()
        optimizer.step()
        assert half.dtype == dl.float16
        assert (half.array < before).all()


def test_a_gradient_of_another_shape_is_refused() -> None:
    p = nn.Parameter(dl.ones(2, 2))
    p.grad = dl.ones(2, 2)
    p.array = np.ones((2, 3), np.float32)
    with pytest.raises(ValueError, match=r"got \[2, 2\] for a parameter of \[2, 3\]"):
        optim.Muon([p]).step()


# --- Muon --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, message",
    [
        ({"lr": -1.0}, "Learning rate should be >= 0 but is: -1.0"),
        ({"momentum": -1.0}, "momentum should be >= 0 but is: -1.0"),
        ({"weight_decay": -1.0}, "weight decay should be >= 0 but is: -1.0"),
        ({"adjust_lr_fn": "mine"}, "Adjust learning rate function mine is not supported"),
        ({"ns_coefficients": (1.0, 2.0)}, "exactly 3 values"),
    ],
)
def test_muon_refuses_unfit_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        optim.Muon([nn.Parameter(dl.ones(1, 1))], **options)


def test_muon_takes_matrices_only() -> None:
    matrix, vector = nn.Parameter(dl.ones(2, 2)), nn.Parameter(dl.ones(2))
    with pytest.raises(ValueError, match=r"only supports 2D parameters .* \[2\]; give biases"):
        optim.Muon([matrix, vector])
    optimizer = optim.Muon([matrix])
    with pytest.raises(ValueError, match="only supports 2D"):
        optimizer.add_param_group({"params": [vector]})
    assert len(optimizer.param_groups) == 1
    optimizer = optim.Muon([matrix], ns_steps=100)
    matrix.grad = dl.ones(2, 2)
    with pytest.raises(ValueError, match="less than 100"):
        optimizer.step()


def test_bfloat16_rounds_to_nearest_even() -> None:
    from dlframe.optim.muon import to_bfloat16

    last = 2.0**-7  # the last digit of numbers from 1 to 2
    given = np.array([1, 1 + 0.5 * last, 1 + 1.5 * last, 1 + 0.6 * last, -1 - 0.6 * last, 3e38])
    want = [1, 1, 1 + 2 * last, 1 + last, -1 - last, 3.004055e38]
    np.testing.assert_allclose(to_bfloat16(given), want, rtol=1e-4)
    assert to_bfloat16(given)[1] == 1.0
    special = to_bfloat16(np.array([np.nan, np.inf, -np.inf, 0.0]))
    np.testing.assert_array_equal(special, [np.nan, np.inf, -np.inf, 0.0])


def test_muon_makes_singular_values_alike(rng: np.random.Generator) -> None:
    p = nn.Parameter(dl.zeros(6, 4))
    u, _ = np.linalg.qr(rng.normal(size=(6, 4)))
    v, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    p.grad = Tensor(np.float32(u * [10.0, 3.0, 1.0, 0.5] @ v))
    optim.Muon([p], lr=1.0, adjust_lr_fn="original").step()
    values = np.linalg.svd(p.array, compute_uv=False) / np.sqrt(6 / 4)
    assert values.min() > 0.6
    assert values.max() < 1.3


# --- LBFGS -------------------------------------------------------------------------------------


def test_lbfgs_takes_one_group_and_a_closure() -> None:
    p, q = nn.Parameter(dl.ones(2)), nn.Parameter(dl.ones(2))
    with pytest.raises(ValueError, match="doesn't support per-parameter options"):
        optim.LBFGS([{"params": [p]}, {"params": [q]}])
    with pytest.raises(ValueError, match="Invalid learning rate: -1"):
        optim.LBFGS([p], lr=-1)
    with pytest.raises(TypeError, match="argument: 'closure'"):
        optim.LBFGS([p]).step()
    with pytest.raises(TypeError, match=r"closure is a function .* got Tensor"):
        optim.LBFGS([p]).step((p * p).sum())


def test_lbfgs_refuses_another_line_search() -> None:
    walk = Walk("LBFGS", {"line_search_fn": "armijo"})
    with pytest.raises(RuntimeError, match=r"only 'strong_wolfe' is supported; got .*'armijo'"):
        walk.step()


def test_lbfgs_stops_at_a_minimum_and_puts_the_parameters_back() -> None:
    walk = Walk("LBFGS", {"line_search_fn": "strong_wolfe", "max_iter": 100})
    walk.step()
    walk.loss()
    assert max(float(p.grad.abs().max()) for p in walk.params) < 1e-3
    p = nn.Parameter(dl.zeros(3))
    optimizer = optim.LBFGS([p])
    p.grad = dl.zeros(3)
    assert optimizer.step(lambda: dl.tensor(4.0)).item() == 4.0
    assert optimizer.state[p] == {"func_evals": 1, "n_iter": 0}
    optimizer.load_state_dict(optimizer.state_dict())

    def failing() -> Tensor:
        loss = walk.loss()
        if walk.optimizer.state[walk.params[0]]["n_iter"] > 0 and loss.item() != first:
            raise KeyboardInterrupt
        return loss

    walk = Walk("LBFGS", {"line_search_fn": "strong_wolfe"})
    before, first = walk.values(), walk.loss().item()
    with pytest.raises(KeyboardInterrupt):
        walk.optimizer.step(failing)
    np.testing.assert_array_equal(walk.values(), before)


def test_lbfgs_ignores_idle_parameters() -> None:
    used, idle = nn.Parameter(dl.full((3,), 2.0)), nn.Parameter(dl.ones(2))
    optimizer = optim.LBFGS([idle, used], line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = (used**2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    np.testing.assert_allclose(used.array, 0, atol=1e-6)
    assert idle.tolist() == [1.0, 1.0]


def test_a_learning_rate_of_zero_stays() -> None:
    for search in (None, "strong_wolfe"):
        walk = Walk("LBFGS", {"lr": 0.0, "line_search_fn": search})
        before = walk.values()
        for _ in range(3):
            walk.step()
        np.testing.assert_array_equal(walk.values(), before)


def by_formula(
    case: dict[str, Any], optimizer: Any, p: np.ndarray, g: np.ndarray, memory: Any, t: int
) -> tuple[np.ndarray, ...]:
    """One step by the readable function that stands beside the optimizer."""
    options = {k: v for k, v in optimizer.param_groups[0].items() if k in optimizer.defaults}
    if case["name"] == "Muon":
        return muon_formula(p, g, *memory, **options)
    options["eps"] = (options["eps"][0] or np.finfo(p.dtype).eps, options["eps"][1])
    del options["foreach"]
    return adafactor_formula(p, g, memory, t, **options)


@pytest.mark.parametrize("case", [c for c in CASES if c["name"] != "LBFGS"], ids=case_id)
def test_updates_equal_the_formula(case: dict[str, Any]) -> None:
    walk = Walk(case["name"], case["options"], np.dtype(case["dtype"]))
    expected = [p.array.copy() for p in walk.params]
    shapes = [walk.optimizer._state_shapes(p).values() for p in walk.params]
    memory = [[np.zeros(s, e.dtype) for s in x] for x, e in zip(shapes, expected, strict=True)]
    for t in range(1, 4):
        walk.step()
        for i, p in enumerate(walk.params):
            g = p.grad.array
            expected[i], *memory[i] = by_formula(case, walk.optimizer, expected[i], g, memory[i], t)
            atol = tolerance(case, t) * max(1.0, float(np.abs(expected[i]).max()))
            np.testing.assert_allclose(p.array, expected[i], rtol=0, atol=atol)


@pytest.mark.parametrize("name", ["Adafactor", "Muon"])
def test_a_step_allocates_nothing(name: str, memory_of_a_step: Callable[[Any], int]) -> None:
    params = [nn.Parameter(np.ones(s, np.float32)) for s in ((600, 500), (500, 300))]
    for p in params:
        p.grad = dl.rand(*p.shape)
    optimizer = getattr(optim, name)(params, **WHOLE[name].typical)
    optimizer.step()
    # lists and views, rows and columns, NumPy's own buffers; a parameter has 1200 and 600 kB
    assert memory_of_a_step(optimizer) < 150_000


@pytest.mark.parametrize("of", ["parameter", "state"])
@pytest.mark.parametrize("name", ["Adafactor", "Muon"])
def test_read_only_memory_is_refused_and_nothing_changed(name: str, of: str) -> None:
    walk = Walk(name, {"weight_decay": 0.1})
    walk.step()
    p, saved = walk.params[0], copy.deepcopy(walk.optimizer.state_dict())
    before = walk.values()
    entry = walk.optimizer.state[p]
    arrays = [v.array for k, v in entry.items() if k != "step"] if of == "state" else [p.array]
    for array in arrays:
        array.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        walk.step()
    np.testing.assert_array_equal(walk.values(), before)
    for key, value in walk.optimizer.state_dict()["state"][0].items():
        np.testing.assert_array_equal(value.array, saved["state"][0][key].array)
