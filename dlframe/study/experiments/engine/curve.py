"""A curve fitted to points: Gauss-Newton and Levenberg-Marquardt beside methods of the gradient.

The points lie on a decaying oscillation a exp(-bt) cos(ωt + φ), with noise. The four parameters
that made them are known, so the error of a fit can be told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe import func, linalg, optim, random
from dlframe.dtypes import float64
from dlframe.study.experiments.engine.descending import DIGITS, Descent, right_digits
from dlframe.study.experiments.engine.drawing import courses, lines, mean_of
from dlframe.study.explanation import Part
from dlframe.study.results import Results
from dlframe.study.seeds import Seeds
from dlframe.study.study import Study
from dlframe.tensor import Tensor
from dlframe.tensor.creation import linspace, rand, randn, tensor
from dlframe.tensor.functions import diag

TRUTH = (2.0, 0.3, 4.0, 0.5)
NAMES = ("amplitude a", "decay b", "frequency ω", "phase φ")
POINTS, TIME, NOISE = 80, 8.0, 0.1
STARTS = {"near start": 0.1, "far start": 0.5}  # by which share of itself each may be changed
EVALUATIONS = 10  # of the gradient in an epoch; one step for those that use the Jacobian

DISTANCE, FOUND = "error from the best fit", 1e-3
BEST_DIGITS = f"{DIGITS} of the best fit"

Residuals = Callable[[Tensor], Tensor]


# --- the curve ---------------------------------------------------------------------------------


def truth() -> Tensor:
    """The parameters that made the points."""
    return tensor(TRUTH, dtype=float64)


def curve(params: Tensor, t: Tensor) -> Tensor:
    """a exp(-bt) cos(ωt + φ)."""
    a, b, omega, phi = params
    values: Tensor = a * (-b * t).exp() * (omega * t + phi).cos()
    return values


def points(seed: int) -> tuple[Tensor, Tensor]:
    """Times and noisy values."""
    random.manual_seed(seed)
    t = linspace(0, TIME, POINTS, dtype=float64)
    return t, curve(truth(), t) + NOISE * randn(POINTS, dtype=float64)


def first(seed: int, away: float) -> Tensor:
    """The true parameters, each changed by up to this share of itself."""
    random.manual_seed(seed)
    changed: Tensor = truth() * (1 + away * (2 * rand(4, dtype=float64) - 1))
    return changed


def residuals_of(t: Tensor, y: Tensor) -> Residuals:
    """The residuals of these points, as a function of the parameters."""

    def residuals(params: Tensor) -> Tensor:
        apart: Tensor = curve(params, t) - y
        return apart

    return residuals


def loss_of(residuals: Tensor) -> Tensor:
    """Half the mean square."""
    loss: Tensor = (residuals * residuals).mean() / 2
    return loss


# --- methods -----------------------------------------------------------------------------------


class GaussNewton:
    """p ← p + lr s, where s is the least-squares solution of J s = -r.

    That is Newton's method without the second derivatives of the residuals: JᵀJ for the Hessian.
    """

    def __init__(self, residuals: Residuals, params: Tensor, name: str, lr: float) -> None:
        self.residuals, self.params, self.lr = residuals, params, lr

    def epoch(self) -> None:
        """One step."""
        jacobian, r = func.jacfwd(self.residuals)(self.params), self.residuals(self.params)
        step = linalg.lstsq(jacobian, -r[:, None]).solution[:, 0]
        self.params = self.params + self.lr * step


class LevenbergMarquardt:
    """(JᵀJ + λ diag JᵀJ) s = -Jᵀr; a step that does not lower the loss is not taken.

    With a small λ it is Gauss-Newton's step, with a large one a short step down the gradient. λ
    falls after a success and grows after a failure. Marquardt 1963.
    """

    def __init__(self, residuals: Residuals, params: Tensor, name: str, lr: float) -> None:
        self.residuals, self.params, self.damping = residuals, params, lr

    def epoch(self) -> None:
        """One step, or none."""
        jacobian, r = func.jacfwd(self.residuals)(self.params), self.residuals(self.params)
        square = jacobian.T @ jacobian
        damped = square + self.damping * diag(diag(square))
        tried = self.params - linalg.solve(damped, jacobian.T @ r)
        if loss_of(self.residuals(tried)) < loss_of(r):
            self.params, self.damping = tried, self.damping / 3
        else:
            self.damping *= 3


class Gradient:
    """Gradient descent, Adam or LBFGS on half the mean square."""

    def __init__(self, residuals: Residuals, params: Tensor, name: str, lr: float) -> None:
        self.residuals = residuals
        self.params = params.clone().requires_grad_()
        self.descent = Descent(name, [self.params], lr, EVALUATIONS)

    def epoch(self) -> None:
        """Some steps."""
        self.descent.epoch(lambda: loss_of(self.residuals(self.params)))


METHODS: dict[str, Any] = {"Gauss-Newton": GaussNewton, "Levenberg-Marquardt": LevenbergMarquardt}

RATES = {"gradient descent": 0.1, "Adam": 0.03, "LBFGS": 1.0, "Gauss-Newton": 1.0,
         "Levenberg-Marquardt": 0.1}  # fmt: skip
"""Learning rates; the share of Gauss-Newton's step that is taken; the first damping λ."""


def fitted(
    residuals: Residuals, params: Tensor, method: str, lr: float, epochs: int
) -> list[Tensor]:
    """The parameters after each epoch."""
    fit = METHODS.get(method, Gradient)(residuals, params, method, lr)
    found = []
    for _ in range(epochs):
        fit.epoch()
        found.append(fit.params.detach().clone())
    return found


def run(
    seeds: Seeds,
    method: str = "Gauss-Newton",
    start: str = "near start",
    lr: float | None = None,
    epochs: int = 30,
) -> dict[str, Any]:
    """Which method finds the parameters of a curve?"""
    t, y = points(seeds.data)
    residuals = residuals_of(t, y)
    rate = RATES[method] if lr is None else lr
    path = fitted(residuals, first(seeds.weights, STARTS[start]), method, rate, epochs)
    best = best_fit(residuals)
    distances = [apart(params, best) for params in path]
    values = dict(zip(NAMES, path[-1].tolist(), strict=True))
    return {
        "error": [apart(params, truth()) for params in path],
        DISTANCE: distances,
        BEST_DIGITS: right_digits(distances[-1]),
        "loss": [float(loss_of(residuals(params))) for params in path],
        **values,
    }


def apart(params: Tensor, others: Tensor) -> float:
    """The largest difference of a parameter from another, as a share of the true one."""
    return float(((params - others) / truth()).abs().max())


def best_fit(residuals: Residuals) -> Tensor:
    """The least-squares fit, by SciPy from the true parameters."""
    best = truth()
    optim.least_squares(residuals, [best], xtol=1e-14, ftol=1e-14, gtol=1e-14)
    return best


def standard_errors(params: Tensor, t: Tensor, y: Tensor) -> NDArray[np.float64]:
    """How far noise moves the estimates: the roots of the diagonal of σ² (JᵀJ)⁻¹."""
    residuals = residuals_of(t, y)
    jacobian, r = func.jacfwd(residuals)(params), residuals(params)
    variance = (r @ r) / (len(y) - len(params))
    return np.asarray((variance * linalg.inv(jacobian.T @ jacobian).diagonal()).sqrt().numpy())


decaying_oscillation = Study(
    run,
    {"method": list(RATES),
     "start": list(STARTS)},
    measure=BEST_DIGITS,
    mode="max",
    seeds=5,
    name="fitting a curve",
)  # fmt: skip


# --- what happens inside -----------------------------------------------------------------------


def parts(results: Results) -> list[Part]:
    """The fits, how fast they came, and how sure their parameters are."""
    return [_fits(results), *_speeds(results), _certainty()]


def _fits(results: Results) -> Part:
    seed = Seeds(0)
    t, y = points(seed.data)
    fine = linspace(0, TIME, 400, dtype=float64)
    panel = {
        "points": (t.numpy(), y.numpy()),
        "true curve": (fine.numpy(), curve(truth(), fine).numpy()),
        "far start": (fine.numpy(), curve(first(seed.weights, STARTS["far start"]), fine).numpy()),
        "fitted": (fine.numpy(), curve(best_fit(residuals_of(t, y)), fine).numpy()),
    }
    figure = lines({"": panel}, "A decaying oscillation, measured and fitted", "t", "y", ["points"])
    lost = {
        arm: sum(not run["values"].get(DISTANCE, 1.0) < FOUND for run in results.of(arm))
        for arm in results.arms
    }
    rows = [
        [arm, f"{len(results.of(arm)) - n} of {len(results.of(arm))}",
         f"{mean_of(results, arm, 'error'):.3f}"]
        for arm, n in lost.items()
    ]  # fmt: skip
    columns = ["arm", "runs that found the best fit", "mean error against the true parameters"]
    return Part(
        "A curve: residuals and their Jacobian",
        f"""Each point gives a residual r = curve - y, and the loss is half of their mean square.
        Its Hessian is JᵀJ plus the residuals times their second derivatives, divided by the number
        of points, where J = ∂r/∂p has a row for each point and a column for each parameter.
        Gauss-Newton leaves the second part out: near a good fit the residuals are small. So first
        derivatives, by `func.jacfwd`, give nearly Newton's step.

        Far from the fit JᵀJ is a bad Hessian, and a full step may lead anywhere: to another
        frequency, or out of all bounds. Levenberg-Marquardt takes no step that raises the loss: it
        adds λ diag JᵀJ, which makes the step shorter and turns it to the gradient, until it lowers
        the loss.

        The table counts the runs that came to the best fit, up to a difference of {FOUND:g} in
        each parameter as a share of the true one. Its last column is over those that gave a
        number.""",
        figure,
        "Noisy points on an oscillation that dies away; the fitted curve lies on the true one, and "
        "the start is another oscillation.",
        (columns, rows),
    )


def _speeds(results: Results) -> list[Part]:
    found = []
    for level in STARTS:
        arms = [arm for arm in results.arms if arm.endswith(level)]
        title = f"Distance from the best fit, {level}"
        figure = courses(results, arms, DISTANCE, title)
        if figure is None:
            continue
        text = f"""An epoch is one step with the Jacobian, or {EVALUATIONS} evaluations of the
            gradient. Each run is the first of its arm that gave a number. The distance is that from
            the least-squares fit, which SciPy's `least_squares` finds from the true parameters."""
        alt = f"Distance from the best fit over epochs for each method, from a {level}."
        found.append(Part(title, text, figure, alt))
    return found


def _certainty() -> Part:
    t, y = points(Seeds(0).data)
    best = best_fit(residuals_of(t, y))
    sure = standard_errors(best, t, y)
    rows = [
        [name, f"{true:g}", f"{found:.3f}", f"{error:.3f}"]
        for name, true, found, error in zip(NAMES, TRUTH, best.tolist(), sure, strict=True)
    ]
    return Part(
        "What is left is noise",
        """The best fit is not the truth: noise on the points moves it, and no method can undo that.
        How far is known from the Jacobian: the covariance of the estimates is about σ² (JᵀJ)⁻¹,
        with σ² the mean square of the residuals, divided by n - 4 instead of n. The roots of its
        diagonal are the standard errors. So the error against the true parameters is the same for
        all methods that find the best fit, and arms are judged by how many digits of that they
        found.""",
        table=(["parameter", "true", "best fit", "standard error"], rows),
    )
