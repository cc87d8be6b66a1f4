"""The problems of the study of the engine, in a form of seconds: errors against exact solutions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import optimize

import dlframe as dl
from dlframe import func
from dlframe.autograd import grad
from dlframe.study import Seeds
from dlframe.study.experiments.engine import PROBLEMS, chain, curve, histograms, ode, pde
from dlframe.study.explanation import Part

# --- the chain ---------------------------------------------------------------------------------


def test_the_exact_joints_are_where_the_energy_is_stationary() -> None:
    exact = chain.exact_joints(12)
    links = np.diff(exact, axis=0, prepend=np.zeros((1, 2)))
    angles = dl.tensor(np.arctan2(links[:, 1], links[:, 0]))
    np.testing.assert_allclose(np.hypot(*links.T), chain.LENGTH / 12, rtol=1e-12)
    np.testing.assert_allclose(exact[-1], [chain.WIDTH, 0], atol=1e-12)
    forces = chain.first_forces(angles)
    balance = func.grad(chain.energy)(angles) + func.jacrev(chain.gap)(angles).T @ forces
    assert float(balance.abs().max()) < 1e-12


def test_newton_finds_the_chain_and_its_forces() -> None:
    found = chain.run(Seeds(0), "Newton", epochs=8)
    assert found["error"][-1] < 1e-10
    assert found["force upward"] == pytest.approx(chain.LENGTH / 2, abs=1e-9)
    assert found["force across"] == pytest.approx(chain.sag(), rel=1e-3)


@pytest.mark.parametrize(("name", "lr"), [("gradient descent", 3.0), ("Adam", 0.01), ("LBFGS", 1)])
def test_descent_nears_the_chain(name: str, lr: float) -> None:
    errors = chain.run(Seeds(0), name, lr, epochs=20)["error"]
    assert errors[-1] < 0.2 * errors[0]


def test_twice_as_many_links_are_four_times_as_near_to_the_catenary() -> None:
    apart = [np.abs(chain.exact_joints(n) - chain.catenary(n)).max() for n in (40, 80)]
    assert apart[0] / apart[1] == pytest.approx(4, rel=0.05)


# --- differential equations --------------------------------------------------------------------


def test_the_exact_oscillation_fulfils_the_equation() -> None:
    def u(t: Any) -> Any:
        nu = np.sqrt(ode.FREQUENCY**2 - ode.DAMPING**2)
        return (-ode.DAMPING * t).exp() * ((nu * t).cos() + ode.DAMPING / nu * (nu * t).sin())

    for time in (0.0, 0.7, 3.1):
        t = dl.tensor(time, dtype=dl.float64)
        assert float(u(t)) == pytest.approx(float(ode.exact(np.array(time))))
        first, second = func.grad(u)(t), func.grad(func.grad(u))(t)
        residual = second + 2 * ode.DAMPING * first + ode.FREQUENCY**2 * u(t)
        assert abs(float(residual)) < 1e-10
        assert float(second) == pytest.approx(float(ode._second(np.array(time))))


def test_sines_solve_the_oscillator() -> None:
    assert ode.run(Seeds(0), "sine", epochs=4)["error"][-1] < 0.05


def test_a_network_of_relus_has_no_second_derivative() -> None:
    found = ode.run(Seeds(0), "ReLU", epochs=4)
    assert found["error"][-1] > 0.5
    assert not ode.solution(ode.network("ReLU", 0))["u2"].any()
    assert ode.solution(ode.network("Tanh", 0))["u2"].any()


def test_the_source_belongs_to_the_exact_solution() -> None:
    inside, _ = pde.points(0)
    x, y = inside.T
    u = (np.pi * x).sin() * (2 * np.pi * y).sin()
    [first] = grad(u.sum(), inside, create_graph=True)
    twice = [grad(first[:, i].sum(), inside, retain_graph=True)[0][:, i] for i in (0, 1)]
    np.testing.assert_allclose((twice[0] + twice[1]).numpy(), pde.source(inside.detach()).numpy())
    np.testing.assert_allclose(u.detach().numpy(), pde.exact(*inside.detach().numpy().T))


def test_a_network_solves_poissons_equation() -> None:
    found = pde.run(Seeds(0), "built in", epochs=3)
    assert found["error"][-1] < 0.05
    assert found["error on the boundary"] == 0
    assert pde.run(Seeds(0), "penalty", epochs=1)["error on the boundary"] > 0


def test_differences_are_of_second_order() -> None:
    coarse, fine = (pde.error(pde.by_differences(size)) for size in (21, 41))
    assert coarse / fine == pytest.approx(4, rel=0.05)


# --- the curve ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["Gauss-Newton", "Levenberg-Marquardt", "LBFGS"])
def test_methods_find_what_scipy_finds(method: str) -> None:
    seeds = Seeds(0)
    t, y = curve.points(seeds.data)
    start = curve.first(seeds.weights, 0.1)
    wanted = optimize.least_squares(
        lambda p: curve.curve(dl.tensor(p), t).numpy() - y.numpy(), start.numpy(),
        method="lm", xtol=1e-14, ftol=1e-14, gtol=1e-14,
    )  # fmt: skip
    found = curve.fitted(curve.residuals_of(t, y), start, method, curve.RATES[method], 15)[-1]
    np.testing.assert_allclose(found.numpy(), wanted.x, rtol=1e-5)
    variance = 2 * wanted.cost / (len(t) - 4)
    sure = np.sqrt(variance * np.diag(np.linalg.inv(wanted.jac.T @ wanted.jac)))
    np.testing.assert_allclose(curve.standard_errors(found, t, y), sure, rtol=1e-4)


def test_the_best_fit_is_as_near_to_the_truth_as_noise_allows() -> None:
    found = curve.run(Seeds(0), "Levenberg-Marquardt", "far start")
    assert found["error"][-1] < 0.2
    assert found[curve.DISTANCE][-1] < 1e-6


# --- histograms --------------------------------------------------------------------------------


def test_families_differ_in_neither_mean_nor_variance() -> None:
    dl.manual_seed(0)
    for draw in histograms.FAMILIES.values():
        numbers = draw(100, 2000).numpy().astype(np.float64)
        assert abs(numbers.mean()) < 0.02
        assert numbers.std() == pytest.approx(1, abs=0.02)


def test_histograms_hold_shares() -> None:
    dl.manual_seed(0)
    x, labels = histograms.histograms(50, 200)
    np.testing.assert_allclose((x.numpy() ** 2).sum(axis=2), 1, rtol=1e-5)
    assert x.shape == (50, 1, histograms.BINS)
    assert set(labels.tolist()) == set(range(len(histograms.FAMILIES)))


def test_a_convolution_tells_families() -> None:
    found = histograms.run(Seeds(0), epochs=2)
    assert found["test_accuracy"]() > 0.9


# --- pages -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hanging_chain", "oscillator", "poisson", "decaying_oscillation"])
def test_parts_are_made_with_and_without_files(name: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    module: Any = PROBLEMS[name]
    study = getattr(module, name).changed(seeds=1, baseline={"epochs": 1})
    counts = []
    for folder in (tmp_path, None):
        results = study.run(workers=1, folder=folder)
        parts = module.parts(results)
        assert all(isinstance(part, Part) and part.text for part in parts)
        counts.append(len(parts))
    assert counts[0] >= counts[1] > 0


@pytest.mark.slow
def test_the_part_with_mistakes_comes_from_files(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    study = histograms.families.changed(
        seeds=1, factors={"network": ["CNN"]}, baseline={"epochs": 1}
    )
    results = study.run(workers=1, folder=tmp_path)
    assert [part.figure is not None for part in histograms.parts(results)] == [True, True]
