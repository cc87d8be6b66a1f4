"""Learning to learn, the flow and the names of the study of the engine, in a form of seconds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe.autograd import grad, no_grad
from dlframe.study import Seeds
from dlframe.study.experiments.engine import PROBLEMS, flow, maml, names
from dlframe.study.explanation import Part

# --- learning to learn -------------------------------------------------------------------------


def test_the_gradient_goes_through_the_inner_step() -> None:
    """(I − α ∇²L) ∇L' for a model with one weight, where all can be written down."""
    model = dl.nn.Linear(1, 1, bias=False).double()
    weight = model.weight.item()
    x = dl.tensor([[[1.0]] * maml.SEEN + [[2.0]] * 5], dtype=dl.float64)
    y = 3 * x
    found = {}
    for method in ("MAML", "first-order MAML"):
        loss = maml.outer_loss(model, method, (x, y), 0.1)
        found[method] = grad(loss, [model.weight])[0].item()
    moved = weight - 0.1 * 2 * (weight - 3)  # L = (w − 3)², and L'' = 2
    slope = 2 * 4 * (moved - 3)  # of (2w − 6)²
    assert found["MAML"] == pytest.approx((1 - 0.1 * 2) * slope)
    assert found["first-order MAML"] == pytest.approx(slope)


def test_the_course_of_a_sine_is_that_of_plain_descent() -> None:
    dl.manual_seed(0)
    model, task = maml.network().double(), tuple(t.double() for t in maml.sines(1, 20))
    x, y, x_new, y_new = (part[0] for part in maml.parted(task))
    weights = dict(model.named_parameters())
    expected = []
    for _ in range(3):
        expected.append(maml.error(model, weights, x_new, y_new).item())
        gradient = grad(maml.error(model, weights, x, y), list(weights.values()))
        weights = {k: w - 0.01 * g for (k, w), g in zip(weights.items(), gradient, strict=True)}
    assert maml.course(model, task, 0.01, 2) == pytest.approx(expected)


@pytest.mark.slow
def test_a_little_learning_to_learn_helps() -> None:
    found = {m: maml.run(Seeds(0), m, epochs=2)["test_error"]() for m in ("MAML", "from scratch")}
    assert found["MAML"] < 0.8 * found["from scratch"]


# --- the flow ----------------------------------------------------------------------------------


@pytest.fixture
def bent() -> flow.Flow:
    """A flow whose couplings are no identities any more."""
    dl.manual_seed(0)
    model = flow.Flow(4).double()
    with no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * dl.randn(parameter.shape, dtype=dl.float64)
    return model


def test_the_determinant_is_that_of_the_jacobian(bent: flow.Flow) -> None:
    x = dl.randn(5, 2, dtype=dl.float64)
    _, log_det = bent(x)
    for point, found in zip(x, log_det, strict=True):
        jacobian = dl.func.jacrev(lambda p: bent(p[None])[0][0])(point)
        assert dl.linalg.det(jacobian).abs().log().item() == pytest.approx(found.item())


def test_the_inverse_is_exact(bent: flow.Flow) -> None:
    x = dl.randn(100, 2, dtype=dl.float64)
    assert flow.inverse_error(bent, x) < 1e-12


@pytest.mark.slow
def test_densities_integrate_to_one(bent: flow.Flow) -> None:
    assert flow.integral(flow.Flow(2)) == pytest.approx(1, abs=1e-3)
    line = np.linspace(-2, 3, 101)
    points = np.stack(np.meshgrid(line, line), axis=2).reshape(-1, 2)
    area = (line[1] - line[0]) ** 2
    assert np.exp(flow.true_log_prob(points)).sum() * area == pytest.approx(1, abs=1e-6)


def test_the_true_density_is_the_one_that_moons_are_drawn_from() -> None:
    dl.manual_seed(0)
    x = flow.Moons(100_000, flow.NOISE).data.numpy().astype(np.float64)
    ends = np.array([[-1.0, 0.0], [-1.0, -0.1], [2.0, 0.5], [0.0, 1.2]])
    fine = flow.true_log_prob(ends, marks=100_000)
    np.testing.assert_allclose(flow.true_log_prob(ends), fine, atol=1e-4)
    box = (np.abs(x - [0.0, 1.0]) < 0.1).all(axis=1).mean()
    line = np.linspace(-0.1, 0.1, 41)
    points = np.stack(np.meshgrid(line, line + 1), axis=2).reshape(-1, 2)
    expected = np.exp(flow.true_log_prob(points)).mean() * 0.04
    assert box == pytest.approx(expected, rel=0.05)


def test_no_flow_is_better_than_the_truth() -> None:
    found = flow.run(Seeds(0), couplings=4, epochs=8)
    assert 0 < found["test_excess_nll"]() < 0.9
    assert found["inverse's largest error"] < 1e-4
    assert found["integral of the density"] == pytest.approx(1, abs=0.01)


# --- names -------------------------------------------------------------------------------------


def test_names_are_different_and_of_small_letters() -> None:
    found = names.read()
    assert found == sorted(set(found))
    assert all(2 <= len(name) <= names.LONGEST and name.isalpha() for name in found)
    assert set("".join(found)) <= set(names.LETTERS)


def test_parts_of_names_are_disjoint() -> None:
    parts = names.divided(0)
    assert sorted(name for part in parts for name in part) == names.read()


def test_the_bigram_model_counts() -> None:
    model = names.Bigram(more=0.0)
    model.count(*names.encoded(["anna", "ada"]))
    x, y = names.encoded(["an"])
    shares = model(x).exp()[0]
    a, d, n = (names.LETTERS.index(letter) for letter in "adn")
    assert shares[0, a] == 1  # both begin with an a
    assert shares[1, 0] == pytest.approx(0.5)  # of four a, two end the name
    assert shares[1, n] == shares[1, d] == pytest.approx(0.25)
    assert names.bits(names.Bigram(1.0), x, y) == pytest.approx(math.log2(27))


@pytest.mark.parametrize("model", ["MLP", "GRU", "GPT"])
def test_no_model_sees_the_letter_that_comes(model: str) -> None:
    dl.manual_seed(0)
    network = names.MODELS[model]().eval()
    x, _ = names.encoded(["alexandra", "alexander"])
    first, second = network(x)
    same = len(".alexand")
    assert (first[:same] - second[:same]).abs().max() < 1e-5
    assert (first[same] - second[same]).abs().max() > 1e-3


def test_the_bits_of_places_are_the_bits() -> None:
    model = names.MLP()
    x, y = names.encoded(["ada", "bo"])
    places = names.bits_by_place(model, x, y)
    counts = [2, 2, 2, 1]
    mean = sum(p * n for p, n in zip(places, counts, strict=True)) / sum(counts)
    assert mean == pytest.approx(names.bits(model, x, y), rel=1e-5)


@pytest.mark.slow
def test_models_learn_names_better_than_pairs() -> None:
    found = {m: names.run(Seeds(0), m, epochs=4)["test_bits"]() for m in ("bigram", "MLP")}
    assert found["MLP"] < found["bigram"] < math.log2(27)


# --- the pages ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "factors", "pictures"),
    [
        ("learning_to_learn", {"method": ["MAML", "from scratch"]}, 2),
        ("moons_flow", {"couplings": [2], "kind": ["affine"]}, 2),
        ("made_up_names", {"model": ["bigram", "GPT"]}, 2),
    ],
)
def test_parts_are_made_with_and_without_files(
    name: str, factors: dict[str, Any], pictures: int, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    module: Any = PROBLEMS[name]
    study = getattr(module, name).changed(seeds=1, factors=factors, baseline={"epochs": 1})
    for folder in (tmp_path, None):
        parts = module.parts(study.run(workers=1, folder=folder))
        assert all(isinstance(part, Part) and part.text for part in parts)
        if folder is not None:
            assert sum(part.figure is not None for part in parts) == pictures
        assert parts
