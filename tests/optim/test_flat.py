"""The flat, blocked updates: equal to the formulas, whatever the parameters are."""

from __future__ import annotations

import copy
import json
import weakref
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples.optimizers import OPTIMIZERS

import dlframe as dl
from dlframe import nn, optim
from dlframe.base import threads
from dlframe.errors import DTypeError, GradientError, ShapeError
from dlframe.optim.layout import BLOCK, LARGE, SHARED, SPAN
from dlframe.tensor import Tensor

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "optim.npz"
with np.load(GOLDEN) as _file:
    CASES = json.loads(str(_file["description"]))["optimizers"]

# small, 0-d, empty, just below and above the size that is updated in place, more than two blocks
SHAPES = ((3, 4), (), (0, 2), (7,), (LARGE - 1,), (LARGE,), (2, SPAN + 5), (2, 2, 2))


def case_id(case: dict[str, Any]) -> str:
    options = [f"{k}={v}" for k, v in case["options"].items() if v and k != "lr"]
    return "-".join([case["name"], case["dtype"], *options, *["idle"] * case["idle"]])


def is_idle(case: dict[str, Any], index: int, step: int) -> bool:
    # as in tests/golden/make_optim.py
    return case["idle"] and ((index == 1 and step % 3 == 1) or (index == 3 and step < 5))


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case_id(case) for case in CASES])
def test_trajectories_are_those_of_pytorch(number: int, optim_golden: dict[str, Any]) -> None:
    case, about = CASES[number], optim_golden["description"]
    rng = np.random.default_rng(0)
    dtype = np.dtype(case["dtype"])
    params = [nn.Parameter(np.array(rng.random(s) - 0.5, dtype)) for s in about["shapes"]]
    second = about["second_group"]
    groups = [{"params": params[:second]}, {"params": params[second:], "lr": about["second_lr"]}]
    optimizer = getattr(optim, case["name"])(groups, **case["options"])
    snapshots = []
    for step in range(1, max(about["snapshots"]) + 1):
        for index, p in enumerate(params):
            values = OPTIMIZERS[case["name"]].gradient(rng.random(p.array.shape) - 0.5)
            gradient = Tensor(np.array(values, dtype))
            p.grad = None if is_idle(case, index, step) else gradient
        optimizer.step()
        if step in about["snapshots"]:
            snapshots.append(np.concatenate([p.array.reshape(-1) for p in params]))
    # A few roundings apart: PyTorch's kernels fuse a product and a sum into one rounding.
    eps = float(np.finfo(dtype).eps)
    expected = optim_golden[f"params{number}"]
    for snapshot, e in zip(snapshots, expected, strict=True):
        scale = np.maximum(np.abs(expected).max(axis=0), 0.1)
        assert np.all(np.abs(np.float64(snapshot) - e) <= 10 * eps * scale)
    state = optimizer.state_dict()["state"]
    assert sorted(state[0] if state else []) == case["state"]
    found = [
        [state[i][name].array.reshape(-1) for i in range(len(params))] for name in case["state"]
    ]
    start = 0
    for arrays in found:
        got = np.concatenate(arrays)
        want = optim_golden[f"state{number}"][start : start + got.size]
        start += got.size
        np.testing.assert_allclose(got, want, rtol=0, atol=10 * eps * max(np.abs(want).max(), 0.1))


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case["dtype"] == "float32" and not case["idle"]],
    ids=case_id,
)
def test_flat_updates_equal_the_formula(
    case: dict[str, Any],
    make_params: Callable[..., list[nn.Parameter]],
    give_gradients: Callable[[list[nn.Parameter]], None],
    formula_step: Callable[..., Any],
) -> None:
    params = make_params(*SHAPES) + make_params((3,), (2, 2), dtype=np.float64)
    expected = [p.array.copy() for p in params]
    memory: list[Any] = [None] * len(params)
    optimizer = getattr(optim, case["name"])(params, **case["options"])
    for t in range(1, 4):
        give_gradients(params)
        optimizer.step()
        for i, p in enumerate(params):
            g = p.grad.array
            expected[i], memory[i] = formula_step(
                case["name"], case["options"], expected[i], g, memory[i], t
            )
            np.testing.assert_array_equal(p.array, expected[i])  # to the last bit


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_idle_parameters_are_skipped(
    name: str,
    make_params: Callable[..., list[nn.Parameter]],
    rng: np.random.Generator,
    formula_step: Callable[..., Any],
) -> None:
    options = {"lr": 0.1, **OPTIMIZERS[name].typical}
    params = make_params(*[(5,)] * 6, (LARGE,), (LARGE,))
    expected = [p.array.copy() for p in params]
    memory: list[Any] = [None] * len(params)
    steps = [0] * len(params)
    optimizer = getattr(optim, name)(params, **options)
    for _ in range(12):
        for i, p in enumerate(params):
            if rng.random() < 0.4:
                p.grad = None
                continue
            p.grad = Tensor(rng.normal(size=p.array.shape).astype(np.float32))
            steps[i] += 1
            expected[i], memory[i] = formula_step(
                name, options, expected[i], p.grad.array, memory[i], steps[i]
            )
        optimizer.step()
        for p, e in zip(params, expected, strict=True):
            np.testing.assert_array_equal(p.array, e)
    if name != "SGD":
        assert [optimizer.state[p]["step"].item() for p in params] == steps


def test_memory_of_parameters_is_not_moved(
    make_params: Callable[..., list[nn.Parameter]],
    give_gradients: Callable[[list[nn.Parameter]], None],
) -> None:
    params = make_params((3, 4), (4,), (LARGE,))
    held = [p.detach().numpy() for p in params]
    optimizer = optim.Adam(params)
    for _ in range(2):
        give_gradients(params)
        optimizer.step()
    for p, array in zip(params, held, strict=True):
        assert np.shares_memory(p.array, array)
        np.testing.assert_array_equal(p.array, array)


def test_gradients_are_not_written_to(
    make_params: Callable[..., list[nn.Parameter]],
    give_gradients: Callable[[list[nn.Parameter]], None],
) -> None:
    params = make_params((3,), (LARGE,), (4, BLOCK))
    give_gradients(params)
    before = [p.grad.array.copy() for p in params]
    for name in OPTIMIZERS:
        getattr(optim, name)(params, maximize=True, **OPTIMIZERS[name].decay).step()
    for p, g in zip(params, before, strict=True):
        np.testing.assert_array_equal(p.grad.array, g)


@pytest.mark.parametrize("shape", [(6, 8), (200, 300)], ids=["small", "large"])
def test_layouts_in_memory_do_not_matter(shape: tuple[int, int], rng: np.random.Generator) -> None:
    values = rng.normal(size=shape).astype(np.float32)
    gradients = rng.normal(size=(3, *shape)).astype(np.float32)
    wide = np.zeros((shape[0], 2 * shape[1]), np.float32)
    arrays = [values.copy(), np.asfortranarray(values), wide[:, ::2]]
    arrays[2][...] = values
    for to_gradient in (np.array, np.asfortranarray):
        results = []
        for array in arrays:
            p = nn.Parameter(array.copy(order="K") if array is not arrays[2] else array)
            p.array[...] = values
            other = nn.Parameter(np.ones(3, np.float32))
            optimizer = optim.AdamW([other, p], lr=0.1)
            for g in gradients:
                p.grad, other.grad = Tensor(to_gradient(g)), Tensor(np.ones(3, np.float32))
                optimizer.step()
            results.append(p.array.copy())
        np.testing.assert_array_equal(results[0], results[1])
        np.testing.assert_array_equal(results[0], results[2])
    np.testing.assert_array_equal(wide[:, ::2], results[2])
    assert not wide[:, 1::2].any()


def test_a_parameter_listed_twice_moves_twice(
    make_params: Callable[..., list[nn.Parameter]], formula_step: Callable[..., Any]
) -> None:
    a, b = make_params((3,), (2,))
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optimizer = optim.Adam([a, a, b], lr=0.1)
    expected, memory = a.array.copy(), None
    once, its_memory = b.array.copy(), None
    g, h = np.array([1.0, -2.0, 0.5], np.float32), np.array([0.3, -0.1], np.float32)
    for t in range(3):
        a.grad, b.grad = Tensor(g * (t + 1)), Tensor(h * (3 - t))
        optimizer.step()
        for k in (1, 2):
            expected, memory = formula_step(
                "Adam", {"lr": 0.1}, expected, a.grad.array, memory, 2 * t + k
            )
        once, its_memory = formula_step("Adam", {"lr": 0.1}, once, b.grad.array, its_memory, t + 1)
        np.testing.assert_array_equal(a.array, expected)
        np.testing.assert_array_equal(b.array, once)
    assert optimizer.state[a]["step"].item() == 6
    assert optimizer.state[b]["step"].item() == 3


def test_parameters_that_share_memory_see_each_others_updates() -> None:
    memory = np.zeros(6, np.float32)
    a, b = nn.Parameter(memory[:4]), nn.Parameter(memory[2:])
    optimizer = optim.SGD([a, b], lr=1.0)
    a.grad, b.grad = Tensor(-np.ones(4, np.float32)), Tensor(-np.ones(4, np.float32))
    optimizer.step()
    assert memory.tolist() == [1, 1, 2, 2, 1, 1]


def test_new_memory_of_a_parameter_is_noticed() -> None:
    p = nn.Parameter(np.zeros(2, np.float32))
    q = nn.Parameter(np.zeros(2, np.float32))
    optimizer = optim.SGD([p, q], lr=1.0, momentum=0.5)
    for x in (p, q):
        x.grad = Tensor(np.ones(2, np.float32))
    optimizer.step()
    p.data = dl.tensor([10.0, 10.0])
    optimizer.step()
    assert p.tolist() == [8.5, 8.5]  # the momentum, 1.5, goes on
    assert q.tolist() == [-2.5, -2.5]


def test_another_dtype_of_a_parameter_is_noticed() -> None:
    p = nn.Parameter(np.zeros(2, np.float32))
    optimizer = optim.SGD([p], lr=1.0, momentum=0.5)
    p.grad = dl.ones(2)
    optimizer.step()
    p.data = p.data.double()
    p.grad = dl.ones(2, dtype=dl.float64)
    optimizer.step()
    assert p.dtype == dl.float64
    assert p.tolist() == [-2.5, -2.5]
    assert optimizer.state[p]["momentum_buffer"].dtype == dl.float64


def test_state_belongs_to_the_user(
    make_params: Callable[..., list[nn.Parameter]],
    give_gradients: Callable[[list[nn.Parameter]], None],
) -> None:
    params = make_params((3,), (2, 2))
    twins = copy.deepcopy(params)
    optimizer, fresh = optim.Adam(params), optim.Adam(twins)
    give_gradients(params)
    optimizer.step()
    for p, q in zip(params, twins, strict=True):
        q.array[...] = p.array
        q.grad = p.grad
    optimizer.state = defaultdict(dict)  # a well-known way to start over
    optimizer.step()
    fresh.step()
    for p, q in zip(params, twins, strict=True):
        np.testing.assert_array_equal(p.array, q.array)

    optimizer.state[params[0]]["exp_avg"] = dl.zeros(3)
    fresh.state[twins[0]]["exp_avg"].array[...] = 0  # replaced or written to: the same
    del optimizer.state[params[1]]
    fresh.state[twins[1]].clear()
    optimizer.step()
    fresh.step()
    for p, q in zip(params, twins, strict=True):
        np.testing.assert_array_equal(p.array, q.array)
    assert optimizer.state[params[1]]["step"].item() == 1

    optimizer.state[params[0]]["step"].array[...] = 7
    optimizer.step()
    assert [optimizer.state[p]["step"].item() for p in params] == [8, 2]


def test_state_is_a_view_that_stays(
    make_params: Callable[..., list[nn.Parameter]],
    give_gradients: Callable[[list[nn.Parameter]], None],
) -> None:
    params = make_params((3,), (2, 2))
    optimizer = optim.Adam(params)
    give_gradients(params)
    optimizer.step()
    held = optimizer.state[params[0]]["exp_avg"]
    before = held.array.copy()
    params[1].grad = None  # another set of gradients: another plan
    optimizer.step()
    assert optimizer.state[params[0]]["exp_avg"] is held
    assert not np.array_equal(held.array, before)


def test_options_may_change_between_steps(
    make_params: Callable[..., list[nn.Parameter]],
    give_gradients: Callable[[list[nn.Parameter]], None],
) -> None:
    (p,) = make_params((3,))
    start = p.array.copy()
    optimizer = optim.SGD([p], lr=1.0)
    give_gradients([p])
    g = p.grad.array
    optimizer.step()
    optimizer.param_groups[0].update(lr=0.5, momentum=0.5)
    optimizer.step()
    optimizer.step()
    np.testing.assert_allclose(p.array, start - g - 0.5 * g - 0.5 * 1.5 * g, rtol=1e-5)


def test_a_parameter_added_to_the_group_by_hand_is_updated(
    make_params: Callable[..., list[nn.Parameter]],
    give_gradients: Callable[[list[nn.Parameter]], None],
) -> None:
    params = make_params((3,), (2,))
    optimizer = optim.Adam(params[:1], lr=0.5)
    give_gradients(params)
    optimizer.step()
    before = params[1].array.copy()
    optimizer.param_groups[0]["params"].append(params[1])
    optimizer.step()
    np.testing.assert_allclose(np.abs(params[1].array - before), 0.5, rtol=1e-5)
    assert [optimizer.state[p]["step"].item() for p in params] == [2, 1]


def test_a_gradient_of_another_shape_or_dtype_is_refused() -> None:
    p, q = nn.Parameter(np.zeros((2, 3), np.float32)), nn.Parameter(np.zeros(2, np.float32))
    # beneath the check of p.grad = …, as when a parameter's dtype was changed
    for params in ([p], [p, q]):  # used in place, and gathered
        q.grad = dl.ones(2)
        optimizer = optim.SGD(params)
        p.gradient = Tensor(np.ones((3, 2), np.float32))
        with pytest.raises(ShapeError, match=r"float32\[3, 2\] for a parameter of float32\[2, 3\]"):
            optimizer.step()
        p.gradient = Tensor(np.ones((2, 3), np.float64))
        with pytest.raises(DTypeError, match="float64"):
            optimizer.step()
    assert not p.array.any()


def test_a_read_only_parameter_is_refused() -> None:
    p = nn.Parameter(np.broadcast_to(np.float32(0), (3,)))
    p.grad = dl.ones(3)
    with pytest.raises(ValueError, match="read-only"):
        optim.SGD([p]).step()


def test_float16_is_computed_in_float32(
    make_params: Callable[..., list[nn.Parameter]],
    give_gradients: Callable[[list[nn.Parameter]], None],
    formula_step: Callable[..., Any],
) -> None:
    params = make_params((5,), (3, 2), (2, BLOCK), dtype=np.float16)
    give_gradients(params)
    options = {"lr": 0.1, "weight_decay": 0.03, "momentum": 0.999}
    expected = [
        formula_step("SGD", options, np.float32(p.array), np.float32(p.grad.array), None, 1)[0]
        for p in params
    ]
    optim.SGD(params, **options).step()
    for p, e in zip(params, expected, strict=True):
        # the momentum buffer is rounded to float16, then the parameter
        np.testing.assert_allclose(p.array, e, rtol=2**-10, atol=2**-11)
        assert p.array.dtype == np.float16


def test_an_older_graph_notices_the_step() -> None:
    p = nn.Parameter(np.ones(2, np.float32))
    loss = (p * p).sum()
    loss.backward(retain_graph=True)
    optim.SGD([p]).step()
    with pytest.raises(GradientError, match=r"SGD\.step"):
        loss.backward()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_allocates_nothing(
    name: str,
    make_params: Callable[..., list[nn.Parameter]],
    give_gradients: Callable[[list[nn.Parameter]], None],
    memory_of_a_step: Callable[[Any], int],
) -> None:
    params = make_params((25, 2), (25,), (100, 1000), (1000,))
    optimizer = getattr(optim, name)(params, **OPTIMIZERS[name].decay)
    give_gradients(params)
    optimizer.step()
    assert (
        memory_of_a_step(optimizer) < 16_000
    )  # lists and views; one block of float32 would be 128 KiB


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_number_of_threads_does_not_matter(
    name: str,
    make_params: Callable[..., list[nn.Parameter]],
    give_gradients: Callable[[list[nn.Parameter]], None],
) -> None:
    shapes = ((3, 4), (SHARED + 5,), (2, SHARED), (SHARED // 2,))
    few = make_params(*shapes)
    many = [nn.Parameter(p.detach().clone()) for p in few]
    give_gradients(few)
    for p, q in zip(few, many, strict=True):
        q.grad = p.grad
    optimizers = [getattr(optim, name)(x, **OPTIMIZERS[name].decay) for x in (few, many)]
    before = threads.number()
    try:
        for step in range(4):
            threads.set_number(1)
            optimizers[0].step()
            threads.set_number(3 if step < 3 else 2)  # it may change at any time
            optimizers[1].step()
            if step == 2:  # the state belongs to the user, whoever computes it
                copied = optimizers[1].state_dict()
                optimizers[1].load_state_dict(copied)
    finally:
        threads.set_number(before)
    for p, q in zip(few, many, strict=True):
        np.testing.assert_array_equal(p.array, q.array)
    shared = max(len(chunk.shares) for chunk in optimizers[1]._plans[0].chunks)
    assert shared == (2 if {"step"}.issuperset(optimizers[1]._numbers) else 1)


def test_gradients_are_not_kept_alive(
    make_params: Callable[..., list[nn.Parameter]],
    give_gradients: Callable[[list[nn.Parameter]], None],
) -> None:
    params = make_params((3,), (100, 1000))
    give_gradients(params)
    gradients = [weakref.ref(p.grad.array) for p in params]
    optimizer = optim.Adam(params)
    optimizer.step()
    optimizer.zero_grad()
    assert [gradient() for gradient in gradients] == [None, None]


def test_a_gradient_that_is_an_array_is_explained() -> None:
    p = nn.Parameter(dl.ones(2))
    with pytest.raises(TypeError, match=r"got grad of type ndarray; set x\.grad = dl\.from_numpy"):
        p.grad = np.ones(2, "float32")
    p.gradient = np.ones(2, "float32")
    with pytest.raises(TypeError, match=r"ndarray and not a Tensor.*accumulate_grad"):
        optim.SGD([p], lr=0.1).step()
    assert p.tolist() == [1.0, 1.0]
