"""The first steps of the study of the engine, beside the same programs in PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dlframe.study import Seeds
from dlframe.study.experiments.engine import chain, curve, ode, pde
from dlframe.study.experiments.engine.descending import Descent

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit")  # PyTorch's forward mode, of its own

DESCENTS = [("gradient descent", 0.01), ("Adam", 0.003), ("LBFGS", 1.0)]


def theirs(tensor: Any) -> Any:
    return torch.tensor(tensor.detach().numpy().copy())


def optimizer_of(name: str, params: Any, lr: float, evaluations: int) -> Any:
    if name == "LBFGS":
        return torch.optim.LBFGS(
            params, lr=lr, max_iter=evaluations, max_eval=evaluations, tolerance_grad=1e-12,
            tolerance_change=1e-15, line_search_fn="strong_wolfe",
        )  # fmt: skip
    return (torch.optim.SGD if name == "gradient descent" else torch.optim.Adam)(params, lr=lr)


def epoch(optimizer: Any, evaluations: int, loss: Any) -> float:
    """`Descent.epoch` in PyTorch."""

    def closure() -> Any:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    for _ in range(1 if isinstance(optimizer, torch.optim.LBFGS) else evaluations):
        last = optimizer.step(closure)
    return float(last.detach())


def descend(name: str, params: Any, lr: float, evaluations: int, loss: Any) -> float:
    return epoch(optimizer_of(name, list(params), lr, evaluations), evaluations, loss)


def close(ours: Any, other: Any) -> None:
    np.testing.assert_allclose(ours.detach().numpy(), other.detach().numpy(), rtol=1e-6, atol=1e-8)


# --- the chain ---------------------------------------------------------------------------------


def joints(angles: Any) -> Any:
    steps = torch.stack([angles.cos(), angles.sin()], dim=1) * (chain.LENGTH / len(angles))
    return steps.cumsum(0)


def energy(angles: Any) -> Any:
    heights = joints(angles)[:, 1]
    return (heights.sum() - heights[-1] / 2) * (chain.LENGTH / len(angles))


def gap(angles: Any) -> Any:
    return joints(angles)[-1] - torch.tensor([chain.WIDTH, 0.0], dtype=torch.float64)


def first_forces(angles: Any) -> Any:
    slopes, jacobian = torch.func.grad(energy)(angles), torch.func.jacrev(gap)(angles)
    return torch.linalg.lstsq(jacobian.T, -slopes[:, None]).solution[:, 0]


@pytest.mark.parametrize(("name", "lr"), DESCENTS)
def test_descent_of_the_chain(name: str, lr: float) -> None:
    start = chain.start(20, 0)
    ours = chain.Multipliers(start, name, lr)
    angles = theirs(start).requires_grad_()
    forces = first_forces(theirs(start))

    def loss() -> Any:
        apart = gap(angles)
        return energy(angles) + forces @ apart + chain.PENALTY / 2 * apart @ apart

    optimizer = optimizer_of(name, [angles], lr, chain.EVALUATIONS)
    for _ in range(2):
        ours.epoch()
        epoch(optimizer, chain.EVALUATIONS, loss)
        forces = forces + chain.PENALTY * gap(angles.detach())
    close(ours.angles, angles)
    close(ours.forces, forces)


def test_newtons_steps_of_the_chain() -> None:
    start = chain.start(20, 0)
    ours = chain.Newton(start, "Newton", 1.0)
    z = torch.cat([theirs(start), first_forces(theirs(start))])
    lagrangian = lambda z: energy(z[:-2]) + z[-2:] @ gap(z[:-2])
    for _ in range(4):
        ours.epoch()
        z = z - torch.linalg.solve(
            torch.func.hessian(lagrangian)(z), torch.func.grad(lagrangian)(z)
        )
    close(ours.unknowns, z)


# --- differential equations --------------------------------------------------------------------


class TheirSine(torch.nn.Module):
    def forward(self, x: Any) -> Any:
        return x.sin()


def copied(layers: Any) -> Any:
    """The same network in PyTorch, with the same weights."""
    made = []
    for layer in layers:
        name = type(layer).__name__
        if name == "Linear":
            linear = torch.nn.Linear(layer.in_features, layer.out_features).double()
            linear.load_state_dict({k: theirs(v) for k, v in layer.state_dict().items()})
            made.append(linear)
        else:
            made.append(TheirSine() if name == "Sine" else getattr(torch.nn, name)())
    return torch.nn.Sequential(*made)


def slope(y: Any, t: Any) -> Any:
    return torch.autograd.grad(
        y.sum(), t, create_graph=True, allow_unused=True, materialize_grads=True
    )[0]


@pytest.mark.parametrize(("name", "lr"), DESCENTS)
@pytest.mark.parametrize("activation", ["Tanh", "sine", "SiLU", "Sigmoid", "ReLU"])
def test_steps_of_the_oscillator(activation: str, name: str, lr: float) -> None:
    model = ode.network(activation, 0)
    other = copied(model)
    t = ode.linspace(0, ode.TIME, 50, dtype=ode.float64).reshape(-1, 1).requires_grad_()
    time = theirs(t).requires_grad_()

    def loss() -> Any:
        u = other(time)
        first = slope(u, time)
        second = slope(first, time)
        residual = second + 2 * ode.DAMPING * first + ode.FREQUENCY**2 * u
        beginning = (u[0] - 1) ** 2 + first[0] ** 2
        return (residual**2).mean() + ode.BEGINNING * beginning.sum()

    lr = lr / 100 if name == "gradient descent" else lr
    descent = Descent(name, model.parameters(), lr, 6)
    ours = descent.epoch(lambda: ode.loss_of(model, t))
    assert ours == pytest.approx(descend(name, other.parameters(), lr, 6, loss), rel=1e-9)
    for p, q in zip(model.parameters(), other.parameters(), strict=True):
        close(p, q)


@pytest.mark.parametrize("boundary", ["built in", "penalty"])
@pytest.mark.parametrize(("name", "lr"), DESCENTS)
def test_steps_of_poissons_equation(boundary: str, name: str, lr: float) -> None:
    model = pde.field(boundary, 0)
    inside, edge = pde.points(0)
    network = copied(model.network)
    points, sides = theirs(inside).requires_grad_(), theirs(edge)

    def field(at: Any) -> Any:
        u = network(at)[:, 0]
        return (at * (1 - at)).prod(dim=1) * u if boundary == "built in" else u

    def loss() -> Any:
        first = slope(field(points), points)
        laplacian = slope(first[:, 0], points)[:, 0] + slope(first[:, 1], points)[:, 1]
        x, y = points.T
        source = -5 * np.pi**2 * (np.pi * x).sin() * (2 * np.pi * y).sin()
        value = ((laplacian - source) ** 2).mean()
        if boundary == "penalty":
            value = value + pde.PENALTY * (field(sides) ** 2).mean()
        return value

    lr = lr / 100 if name == "gradient descent" else lr
    descent = Descent(name, model.parameters(), lr, 6)
    ours = descent.epoch(lambda: pde.loss_of(model, inside, edge))
    assert ours == pytest.approx(descend(name, network.parameters(), lr, 6, loss), rel=1e-9)
    for p, q in zip(model.network.parameters(), network.parameters(), strict=True):
        close(p, q)


# --- the curve ---------------------------------------------------------------------------------


def their_residuals(t: Any, y: Any) -> Any:
    def residuals(params: Any) -> Any:
        a, b, omega, phi = params
        return a * (-b * t).exp() * (omega * t + phi).cos() - y

    return residuals


def test_gauss_newton() -> None:
    t, y = curve.points(0)
    start = curve.first(1, 0.1)
    ours = curve.fitted(curve.residuals_of(t, y), start, "Gauss-Newton", 1.0, 4)[-1]
    residuals, p = their_residuals(theirs(t), theirs(y)), theirs(start)
    for _ in range(4):
        jacobian = torch.func.jacfwd(residuals)(p)
        p = p + torch.linalg.lstsq(jacobian, -residuals(p)[:, None]).solution[:, 0]
    close(ours, p)


def test_levenberg_marquardt() -> None:
    t, y = curve.points(0)
    start = curve.first(Seeds(0).weights, 0.5)
    ours = curve.fitted(curve.residuals_of(t, y), start, "Levenberg-Marquardt", 0.1, 6)[-1]
    residuals, p, damping = their_residuals(theirs(t), theirs(y)), theirs(start), 0.1
    for _ in range(6):
        jacobian, r = torch.func.jacfwd(residuals)(p), residuals(p)
        square = jacobian.T @ jacobian
        tried = p - torch.linalg.solve(
            square + damping * torch.diag(torch.diag(square)), jacobian.T @ r
        )
        if (residuals(tried) ** 2).sum() < (r**2).sum():
            p, damping = tried, damping / 3
        else:
            damping *= 3
    close(ours, p)


@pytest.mark.parametrize(("name", "lr"), DESCENTS)
def test_steps_down_the_gradient_of_the_curve(name: str, lr: float) -> None:
    t, y = curve.points(0)
    start = curve.first(1, 0.1)
    ours = curve.fitted(curve.residuals_of(t, y), start, name, lr, 1)[-1]
    residuals, p = their_residuals(theirs(t), theirs(y)), theirs(start).requires_grad_()
    descend(name, [p], lr, curve.EVALUATIONS, lambda: (residuals(p) ** 2).mean() / 2)
    close(ours, p)
