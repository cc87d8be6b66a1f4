from __future__ import annotations

import math

import dlframe as dl
import numpy as np
import pytest
from dlframe import nn, plugins, testing

from dlframe_focus import FocalLoss, MatthewsCorrelation, SqueezeExcite


def test_dlframe_finds_all_three_by_name():
    assert plugins.get("layers", "SqueezeExcite") is SqueezeExcite
    assert plugins.get("losses", "FocalLoss") is FocalLoss
    assert plugins.get("metrics", "MatthewsCorrelation") is MatthewsCorrelation
    assert plugins.requirement_of(SqueezeExcite) == ("dlframe-focus", "0.1.0")


# --- SqueezeExcite -----------------------------------------------------------------------------


def test_squeeze_excite_is_the_formula():
    layer = SqueezeExcite(8, squeezed=2)
    x = dl.randn(3, 8, 4, 5)
    w1, b1, w2, b2 = (p.detach().numpy() for p in layer.parameters())
    hidden = np.maximum(x.numpy().mean((2, 3)) @ w1[:, :, 0, 0].T + b1, 0)
    weight = 1 / (1 + np.exp(-(hidden @ w2[:, :, 0, 0].T + b2)))
    expected = x.numpy() * weight[:, :, None, None]
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, rtol=1e-5, atol=1e-6)


def test_squeeze_excite_conforms():
    testing.check_layer(lambda: SqueezeExcite(4, squeezed=2), [dl.randn(2, 4, 3, 3)])


def test_squeeze_excite_names_are_torchvisions():
    shapes = {name: tuple(value.shape) for name, value in SqueezeExcite(64).state_dict().items()}
    assert shapes == {
        "fc1.weight": (4, 64, 1, 1),
        "fc1.bias": (4,),
        "fc2.weight": (64, 4, 1, 1),
        "fc2.bias": (64,),
    }


# --- FocalLoss ---------------------------------------------------------------------------------


def test_focal_loss_by_hand():
    scores = dl.tensor([[math.log(0.9), math.log(0.1)]])
    loss = FocalLoss(gamma=2.0, reduction="none")
    for target, p in ((0, 0.9), (1, 0.1)):
        expected = -((1 - p) ** 2) * math.log(p)
        assert loss(scores, dl.tensor([target])).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_focal_loss_with_gamma_0_is_cross_entropy(reduction):
    scores, target = dl.randn(6, 3), dl.tensor([0, 1, 2, 2, -100, 1])
    weight = dl.tensor([1.0, 2.0, 0.5])
    ours = FocalLoss(0.0, weight, reduction=reduction)(scores, target)
    theirs = nn.CrossEntropyLoss(weight, reduction=reduction)(scores, target)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_focal_loss_conforms(gamma):
    scores, target = dl.randn(5, 3), dl.tensor([0, 1, 2, 0, 1])
    testing.check_loss(lambda **options: FocalLoss(gamma, **options), scores, target)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_focal_loss_gradients_are_finite_where_it_is_certain(gamma):
    loss = FocalLoss(gamma)
    certain = dl.tensor([[1000.0, -1000.0]], requires_grad=True)
    loss(certain, dl.tensor([0])).backward()
    assert np.isfinite(certain.grad.numpy()).all()


def test_focal_loss_checks_its_arguments():
    with pytest.raises(ValueError, match="gamma"):
        FocalLoss(-1.0)
    with pytest.raises(IndexError):
        FocalLoss()(dl.zeros(1, 3), dl.tensor([3]))


# --- MatthewsCorrelation -----------------------------------------------------------------------


def test_matthews_correlation_conforms():
    guesses, truth = np.array([0, 1, 1, 2, 2, 2]), np.array([0, 1, 2, 0, 1, 2])
    testing.check_metric(lambda: MatthewsCorrelation(num_classes=3), guesses, truth)


def test_matthews_correlation_of_two_classes_by_hand():
    metric = MatthewsCorrelation(num_classes=2)
    predicted = np.repeat([1, 1, 0, 0], [6, 1, 3, 2])  # 6 true positives, 1 false positive,
    true = np.repeat([1, 0, 0, 1], [6, 1, 3, 2])  # 3 true negatives, 2 false negatives
    metric.update(predicted[:5], true[:5])  # in two batches
    metric.update(predicted[5:], true[5:])
    assert metric.compute() == pytest.approx((6 * 3 - 1 * 2) / math.sqrt(7 * 8 * 4 * 5))


def test_matthews_correlation_of_many_classes_is_a_correlation():
    rng = np.random.default_rng(0)
    true, predicted = rng.integers(0, 4, 200), rng.integers(0, 4, 200)
    predicted[:120] = true[:120]
    metric = MatthewsCorrelation(num_classes=4)
    metric.update(predicted, true)
    # Gorodkin's definition: the covariances of the two one-hot matrices
    one_hot_true, one_hot_predicted = np.eye(4)[true], np.eye(4)[predicted]

    def covariance(a, b):
        return ((a - a.mean(0)) * (b - b.mean(0))).sum()

    expected = covariance(one_hot_true, one_hot_predicted) / math.sqrt(
        covariance(one_hot_true, one_hot_true) * covariance(one_hot_predicted, one_hot_predicted)
    )
    assert metric.compute() == pytest.approx(expected)


def test_matthews_correlation_at_the_ends():
    metric = MatthewsCorrelation(num_classes=3)
    assert math.isnan(metric.compute())
    metric.update(np.array([0, 1, 2]), np.array([0, 1, 2]))
    assert metric.compute() == 1.0
    metric.reset()
    metric.update(np.array([1, 1, 1]), np.array([0, 1, 2]))
    assert metric.compute() == 0.0


# --- all together ------------------------------------------------------------------------------


def test_the_three_train_a_network():
    dl.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(2, 8, 3, padding=1),
        nn.ReLU(),
        SqueezeExcite(8),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 2),
    )
    images = dl.randn(64, 2, 6, 6)
    target = (images[:, 0].mean(dim=(1, 2)) > images[:, 1].mean(dim=(1, 2))).long()
    optimizer = dl.optim.Adam(model.parameters(), lr=0.02)
    loss, metric = FocalLoss(), MatthewsCorrelation(num_classes=2)
    for _ in range(60):
        optimizer.zero_grad()
        loss(model(images), target).backward()
        optimizer.step()
    metric.update(model(images), target)
    assert metric.compute() > 0.8
