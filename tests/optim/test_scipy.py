from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import func, nn, optim, utils
from dlframe.errors import AnomalyError, GradientError, StateDictError
from dlframe.optim.scipy import BOUNDED, CONSTRAINED, METHODS, WITH_HESSIAN, WITH_PRODUCTS


def bowl(p: Any, q: Any) -> Any:
    """Its minimum is at p = (1, 2) and q = 3."""
    target = dl.tensor([1.0, 2.0], dtype=p.dtype)
    return ((p - target) ** 2).sum() + 2 * (q - 3) ** 2 + ((p - target) ** 4).sum()


class Problem:
    def __init__(self, method: str, dtype: Any = dl.float64, **options: Any) -> None:
        self.p = nn.Parameter(dl.zeros(2, dtype=dtype))
        self.q = nn.Parameter(dl.zeros((), dtype=dtype))
        named = [("net.p", self.p), ("net.q", self.q)]
        self.second = method in (*WITH_PRODUCTS, *WITH_HESSIAN)
        self.optimizer = optim.SciPy(named, method, **options)

    def closure(self) -> Any:
        self.optimizer.zero_grad()
        loss = bowl(self.p, self.q)
        loss.backward(create_graph=self.second)
        return loss

    def step(self) -> Any:
        return self.optimizer.step(self.closure)

    def values(self) -> list[float]:
        return [*self.p.tolist(), self.q.item()]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [dl.float32, dl.float64])
def test_every_method_finds_the_minimum(method: str, dtype: Any) -> None:
    problem = Problem(method, dtype)
    first = problem.step()
    assert first.item() == pytest.approx(1 + 4 + 18 + 1 + 16)
    np.testing.assert_allclose(problem.values(), [1, 2, 3], atol=0.02)
    assert problem.p.dtype == dtype
    assert problem.p.grad is None
    state = problem.optimizer.state[problem.p]
    assert state["func_evals"] > 1
    assert problem.optimizer.result.fun < 1e-3


@pytest.mark.parametrize("method", BOUNDED)
def test_bounds_for_all_by_name_and_by_group(method: str) -> None:
    problem = Problem(method, bounds={"*.q": (None, 1.0), "net.p": (-5.0, dl.tensor([9.0, 0.5]))})
    problem.step()
    np.testing.assert_allclose(problem.values(), [1, 0.5, 1], atol=0.02)
    problem = Problem(method, bounds=(-1.0, 0.5))
    problem.step()
    np.testing.assert_allclose(problem.values(), [0.5, 0.5, 0.5], atol=0.02)
    problem.optimizer = optim.SciPy(
        [{"params": [problem.p], "bounds": (-1, 0)}, {"params": [problem.q]}], method
    )
    problem.step()
    np.testing.assert_allclose(problem.values(), [0, 0, 3], atol=0.02)


@pytest.mark.filterwarnings("ignore:delta_grad == 0.0")  # SciPy's, as this constraint is linear
@pytest.mark.parametrize("method", CONSTRAINED)
def test_constraints(method: str) -> None:
    ceiling = {"type": "ineq", "fun": lambda p, q: 3 - p.sum() - q}
    problem = Problem(method, constraints=[ceiling])
    problem.step()
    assert sum(problem.values()) == pytest.approx(3, abs=0.01)
    if method == "SLSQP":
        problem = Problem(method, constraints={"type": "eq", "fun": lambda p, q: p - q})
        problem.step()
        assert problem.values() == pytest.approx([problem.values()[0]] * 3)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"method": "Adam"}, "method is one of Nelder-Mead, .*; got 'Adam'"),
        ({"method": "BFGS", "bounds": (0, 1)}, "BFGS takes no bounds; use one of"),
        ({"method": "CG", "constraints": [{}]}, "CG takes no constraints; use one of"),
        ({"method": "TNC", "bounds": {"other*": (0, 1)}}, "no parameter has a name like 'other"),
    ],
)
def test_unfit_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Problem(**options)


def test_closures_without_the_derivatives_are_explained() -> None:
    problem = Problem("L-BFGS-B")
    with pytest.raises(GradientError, match=r"which L-BFGS-B needs; call loss\.backward\(\)"):
        problem.optimizer.step(lambda: bowl(problem.p, problem.q))
    problem = Problem("trust-ncg")
    problem.second = False
    with pytest.raises(GradientError, match=r"trust-ncg needs second .*create_graph=True"):
        problem.step()
    problem = Problem("Nelder-Mead", max_iter=3)
    problem.optimizer.step(lambda: bowl(problem.p, problem.q))
    assert problem.optimizer.result.nit == 3


def test_after_a_nan_the_parameters_are_the_best() -> None:
    problem = Problem("L-BFGS-B")
    losses: list[Any] = []

    def closure() -> Any:
        losses.append((problem.closure(), problem.values()))
        return losses[-1][0] * (1.0 if len(losses) < 4 else float("nan"))

    with pytest.raises(AnomalyError, match="the loss is nan at evaluation 4; the lowest loss"):
        problem.optimizer.step(closure)
    assert problem.values() == min(losses[:3], key=lambda pair: pair[0].item())[1]


@pytest.mark.parametrize("method", ["trust-ncg", "L-BFGS-B", "SLSQP", "Nelder-Mead"])
def test_a_callback_sees_the_parameters(method: str) -> None:
    seen: list[list[float]] = []
    problem = Problem(method, callback=lambda _: seen.append(problem.values()))
    problem.step()
    assert len(seen) >= 2
    np.testing.assert_allclose(seen[-1], [1, 2, 3], atol=0.1)


def test_callback_and_stopping() -> None:
    seen: list[list[float]] = []

    def note(optimizer: Any) -> None:
        seen.append(problem.values())
        if len(seen) == 2:
            raise StopIteration

    problem = Problem("BFGS", callback=note)
    problem.step()
    assert len(seen) == 2
    assert problem.optimizer.result.nit == 2
    assert problem.values() == pytest.approx(seen[-1])


@pytest.mark.parametrize("method", METHODS)
def test_every_method_stops_after_the_iterations(method: str) -> None:
    """TNC has no such option, and COBYLA counts evaluations."""
    problem = Problem(method, max_iter=6, options={"gtol": 0.0} if method == "TNC" else {})
    problem.step()
    result = problem.optimizer.result
    assert result["nfev" if method == "COBYLA" else "nit"] <= 6
    assert problem.closure().item() <= 40
    if method == "TNC":
        assert not result.success
        assert "iterations" in result.message


def test_bounds_of_a_state_that_do_not_fit_change_nothing(tmp_path: Path) -> None:
    bounds = (-5.0, np.array([0.5, np.inf]))
    p = nn.Parameter(dl.zeros(2))
    optimizer = optim.SciPy([p], bounds=bounds)
    utils.save(optimizer.state_dict(), tmp_path / "scipy.h5")
    other = optim.SciPy([p])
    other.load_state_dict(utils.load(tmp_path / "scipy.h5"))
    low, high = other.param_groups[0]["bounds"]
    assert (low, high.tolist()) == (-5.0, [0.5, np.inf])
    for wrong in (np.ones(3), "x", np.array([-9.0, 1.0])):
        state = optimizer.state_dict()
        state["param_groups"][0]["bounds"] = (-5.0, wrong)
        with pytest.raises(StateDictError, match="nothing was changed"):
            other.load_state_dict(state)
        assert other.param_groups[0]["bounds"][1] is high


def test_saving_and_copying() -> None:
    problem = Problem("L-BFGS-B", max_iter=1, options={"ftol": 0.0})
    problem.step()
    saved = problem.optimizer.state_dict()
    other = Problem("L-BFGS-B")
    other.optimizer.load_state_dict(saved)
    assert other.optimizer.state[other.p] == problem.optimizer.state[problem.p]
    for again in (
        copy.deepcopy(problem.optimizer),
        pickle.loads(pickle.dumps(problem.optimizer)),
    ):
        assert (again.method, again.max_iter, again.options) == ("L-BFGS-B", 1, {"ftol": 0.0})


@pytest.mark.slow
def test_a_small_network_to_many_digits() -> None:
    dl.manual_seed(0)
    model = nn.Sequential(nn.Linear(1, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    names = [name for name, _ in model.named_parameters()]
    x = dl.linspace(-1, 1, 8, dtype=dl.float64)[:, None]

    def residuals(*values: Any) -> Any:
        return func.functional_call(model, dict(zip(names, values, strict=True)), x) - x**2

    result = optim.least_squares(residuals, list(model.parameters()), max_nfev=300)
    assert result.cost < 1e-8
    assert (model(x) - x**2).square().sum().item() / 2 == pytest.approx(result.cost, rel=1e-3)


@pytest.mark.parametrize("forward", [False, True])
def test_a_curve_with_bounds(forward: bool) -> None:
    x = dl.linspace(0, 3, 20, dtype=dl.float64)
    y = 2 * (-0.7 * x).exp()
    scale, rate = nn.Parameter(dl.ones(1)), nn.Parameter(dl.tensor(0.1))

    def residuals(a: Any, k: Any) -> Any:
        return a * (-k * x).exp() - y

    result = optim.least_squares(residuals, [scale, rate], forward=forward)
    assert result.success
    np.testing.assert_allclose([scale.item(), rate.item()], [2, 0.7], rtol=1e-6)
    optim.least_squares(
        residuals, [scale, rate], bounds=[(None, None), (0, dl.tensor(0.71))], forward=forward
    )
    np.testing.assert_allclose(rate.item(), 0.7, rtol=1e-3)
    rate.array[...] = 0.1
    optim.least_squares(residuals, [scale, rate], bounds=[(None, None), (0, 0.5)])
    assert rate.item() == pytest.approx(0.5)


# --- unfit arguments, errors on the way --------------------------------------------------------


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ((2.0, 0.0), "parameter 0: no number is between"),
        ((np.nan, 1.0), "no number is between"),
        ((np.inf, np.inf), "no number is between"),
        (([0.0, 0.0, 0.0], 1.0), r"broadcasts to \[2\]"),
        (("a", 1.0), "a limit is None, a number"),
        (5.0, "a pair"),
        ((1.0, 2.0, 3.0), "a pair"),
    ],
)
def test_unfit_bounds_are_refused_at_once(bounds: Any, message: str) -> None:
    p = nn.Parameter(dl.zeros(2))
    with pytest.raises(ValueError, match=message):
        optim.SciPy([p], bounds=bounds)
    with pytest.raises(ValueError, match=message):
        optim.least_squares(lambda p: p - 1, [p], bounds=bounds)


@pytest.mark.parametrize("constraint", [abs, {"type": "le", "fun": abs}, {"type": "eq"}])
def test_unfit_constraints_are_refused_at_once(constraint: Any) -> None:
    with pytest.raises(ValueError, match="a constraint is a dict"):
        optim.SciPy([nn.Parameter(dl.zeros(2))], "SLSQP", constraints=[constraint])


@pytest.mark.parametrize("method", METHODS)
def test_stop_iteration_ends_every_method(method: str) -> None:
    def stop(optimizer: Any) -> None:
        raise StopIteration

    problem = Problem(method, callback=stop)
    first = problem.step().item()
    assert problem.closure().item() <= first
    assert problem.optimizer.result.nfev > 0


@pytest.mark.parametrize("method", METHODS)
def test_frozen_parameters_stay(method: str) -> None:
    problem = Problem(method)
    problem.q.requires_grad_(False)
    problem.step()
    assert problem.q.item() == 0
    assert np.allclose(problem.p.tolist(), [1, 2], atol=1e-2)


@pytest.mark.parametrize("method", METHODS)
def test_parameters_without_elements(method: str) -> None:
    optimizer = optim.SciPy([nn.Parameter(dl.zeros(0))], method)
    with pytest.raises(ValueError, match="no elements"):
        optimizer.step(lambda: dl.zeros(()))


def test_an_interrupt_in_a_constraint_leaves_the_parameters() -> None:
    def interrupted(p: Any) -> Any:
        raise KeyboardInterrupt

    p = nn.Parameter(dl.tensor([-10.0, 30.0]))  # outside the bounds
    optimizer = optim.SciPy(
        [p], "SLSQP", bounds=(0, 1), constraints={"type": "eq", "fun": interrupted}
    )
    with pytest.raises(KeyboardInterrupt):
        optimizer.step(lambda: p.sum())
    assert p.tolist() == [-10.0, 30.0]


def test_a_closure_without_a_result() -> None:
    optimizer = optim.SciPy([nn.Parameter(dl.zeros(2))])
    with pytest.raises(TypeError, match="must return the loss"):
        optimizer.step(lambda: None)


def test_a_fit_that_ended_at_a_limit_goes_on_in_float32() -> None:
    p = dl.tensor([3.0])
    for _ in range(2):
        optim.least_squares(lambda p: p - 5.0, [p], bounds=(0.0, 3.1))
    assert p.item() == pytest.approx(3.1)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        (dl.zeros(2), TypeError, r"pass \[tensor\]"),
        ([dl.tensor([1, 2])], TypeError, "parameter 0 must be .* got int64"),
        ([np.zeros(2)], TypeError, "got ndarray"),
        ([dl.tensor([np.nan])], ValueError, "parameter 0 is not finite"),
        ([], ValueError, "no elements"),
    ],
)
def test_unfit_parameters_of_least_squares(
    params: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        optim.least_squares(lambda p: p, params)


def test_a_parameter_without_elements_beside_others() -> None:
    p, empty = dl.tensor(2.0), dl.zeros(0, 3)
    optim.least_squares(lambda p, empty: p + dl.ones(4) + empty.sum(), [p, empty])
    assert p.item() == pytest.approx(-1)
    with pytest.raises(ValueError, match=r"residuals\(\) returned no elements"):
        optim.least_squares(lambda p: p + dl.ones(0), [p])
