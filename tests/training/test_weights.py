"""Weights of samples and of classes in the loss."""

from __future__ import annotations

import functools
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dlframe as dl
from dlframe import nn, optim
from dlframe.data import DataLoader, TensorDataset
from dlframe.errors import ArgumentError, LabelError, ShapeError
from dlframe.metrics import Accuracy
from dlframe.training import Evaluator, Trainer

F = nn.functional
RNG = np.random.default_rng(1)
X = RNG.normal(size=(12, 3)).astype(np.float32)
LABELS = np.array([0, 1, 2, 0, 0, 1, 2, 0, 0, 1, 0, 0])
WEIGHTS = RNG.uniform(0.1, 3, 12)


def weights_after(loss: Any, outputs: int, y: Any, *data: Any, **how: Any) -> np.ndarray[Any, Any]:
    dl.manual_seed(0)
    model = nn.Linear(3, outputs)
    one = Trainer(model, loss, optim.SGD(model.parameters(), lr=0.1))
    one.fit(X, y, *data, epochs=2, batch_size=5, shuffle=False, progress=False, **how)
    return model.weight.detach().numpy().copy()


def by_hand(each: Any, outputs: int, y: Any, weights: Any) -> np.ndarray[Any, Any]:
    """Two epochs with the weighted mean; `each` gives the loss of each sample."""
    dl.manual_seed(0)
    model = nn.Linear(3, outputs)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        for i in range(0, 12, 5):
            rows = slice(i, i + 5)
            factor = dl.tensor(weights[rows].astype(np.float32))
            optimizer.zero_grad()
            losses = each(model(dl.tensor(X[rows])), dl.tensor(y[rows]))
            ((losses * factor).sum() / factor.sum()).backward()
            optimizer.step()
    return model.weight.detach().numpy().copy()


NUMBERS = X.sum(axis=1)
ZEROS_ONES = (NUMBERS > 0).astype(np.float32)

LOSSES: dict[str, tuple[list[Any], Any, int, Any]] = {
    "cross entropy": (
        [nn.CrossEntropyLoss(), F.cross_entropy, "cross_entropy",
         functools.partial(F.cross_entropy, reduction="mean"),
         lambda x, y: F.cross_entropy(x, y, reduction="none"),
         nn.CrossEntropyLoss(reduction="none")],
        lambda x, y: F.cross_entropy(x, y, reduction="none"), 3, LABELS,
    ),
    "mse": (
        [nn.MSELoss(), F.mse_loss, lambda x, y: (x - y) ** 2],
        lambda x, y: ((x - y) ** 2)[:, 0], 1, NUMBERS[:, None],
    ),
    "bce": (
        [nn.BCEWithLogitsLoss(), F.binary_cross_entropy_with_logits],
        lambda x, y: F.binary_cross_entropy_with_logits(x, y, reduction="none")[:, 0], 1,
        ZEROS_ONES[:, None],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_the_loss_is_the_mean_weighted_by_samples(name: str) -> None:
    losses, each, outputs, y = LOSSES[name]
    expected = by_hand(each, outputs, y, WEIGHTS)
    for loss in losses:
        got = weights_after(loss, outputs, y, sample_weight=WEIGHTS)
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)
    batches = [(X[i : i + 5], y[i : i + 5], WEIGHTS[i : i + 5]) for i in range(0, 12, 5)]
    for data in (batches, DataLoader(TensorDataset(*map(dl.tensor, (X, y, WEIGHTS))), 5)):
        dl.manual_seed(0)
        model = nn.Linear(3, outputs)
        Trainer(model, losses[0], optim.SGD(model.parameters(), lr=0.1)).fit(
            data, epochs=2, progress=False
        )
        np.testing.assert_allclose(model.weight.detach().numpy(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_weights_of_one_are_none(name: str) -> None:
    losses, _, outputs, y = LOSSES[name]
    expected = weights_after(losses[0], outputs, y)
    got = weights_after(losses[0], outputs, y, sample_weight=np.ones(12, int))
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.booleans(), st.booleans(), st.sampled_from(["mean", "sum"]),
    st.sampled_from([(), (4,), (2, 3)]), st.sampled_from([0.0, 0.1]), st.booleans(),
)  # fmt: skip
def test_class_weights_are_those_of_cross_entropy(
    ignores: bool, own: bool, reduction: str, shape: tuple[int, ...], smoothing: float, both: bool
) -> None:
    """`class_weight` is what `CrossEntropyLoss(weight=…)` does, also for pixels, and beside it."""
    rng = np.random.default_rng(len(shape) + 10 * ignores)
    scores = dl.tensor(rng.normal(size=(6, 3, *shape)).astype(np.float32))
    y = rng.integers(0, 3, (6, *shape))
    if ignores:
        y[0] = -100
    table = np.array([0.5, 1.0, 3.0], np.float32)
    given_table = np.array([2.0, 1.0, 0.25], np.float32) if own else np.ones(3, np.float32)
    options: dict[str, Any] = {"reduction": reduction}
    if smoothing and not both:
        options["label_smoothing"] = 0.0  # the smoothed part weighs the classes, not the samples
    weighted = nn.CrossEntropyLoss(weight=dl.tensor(table * given_table), **options)
    plain = nn.CrossEntropyLoss(weight=dl.tensor(given_table) if own else None, **options)
    samples = np.full(6, 2.0) if both else None
    from dlframe.training.data.weighting import ClassWeights
    from dlframe.training.data.weighting import weighted as mean

    target = dl.tensor(y)
    got, size = mean(plain, scores, target, target, samples, ClassWeights({0: 0.5, 2: 3.0}))
    factor = 2.0 if both and reduction == "sum" else 1.0
    assert got.item() == pytest.approx(factor * weighted(scores, target).item(), rel=1e-4)
    assert size > 0


def test_class_weight_in_every_form() -> None:
    loss = nn.CrossEntropyLoss()
    expected = weights_after(nn.CrossEntropyLoss(weight=dl.tensor([1.0, 5.0, 2.0])), 3, LABELS)
    for form in ({1: 5, 2: 2.0}, [1, 5, 2], (1, 5, 2), np.array([1, 5, 2]), {0: 1, 1: 5, 2: 2}):
        got = weights_after(loss, 3, LABELS, class_weight=form)
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)
    shares = dl.tensor([12 / (3 * 7), 12 / (3 * 3), 12 / (3 * 2)])
    expected = weights_after(nn.CrossEntropyLoss(weight=shares), 3, LABELS)
    got = weights_after(loss, 3, LABELS, class_weight="balanced")
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)


def test_class_weight_of_two_classes_and_of_regression_on_classes() -> None:
    expected = by_hand(LOSSES["bce"][1], 1, ZEROS_ONES[:, None], np.where(ZEROS_ONES, 4.0, 1.0))
    for y in (ZEROS_ONES, ZEROS_ONES.astype(int), ZEROS_ONES[:, None]):
        got = weights_after("bce_with_logits", 1, y, class_weight={1: 4.0})
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)
    rows = np.eye(3, dtype=np.float32)[LABELS]
    expected = by_hand(
        lambda x, y: ((x - y) ** 2).mean(dim=1), 3, rows, np.array([1.0, 1.0, 6.0])[LABELS]
    )
    for y in (LABELS, rows):
        got = weights_after("mse", 3, y, class_weight={2: 6.0})
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)


def test_both_weights_multiply() -> None:
    table = np.array([1.0, 5.0, 2.0])
    expected = weights_after("cross_entropy", 3, LABELS, sample_weight=WEIGHTS * table[LABELS])
    got = weights_after("cross_entropy", 3, LABELS, sample_weight=WEIGHTS, class_weight=[1, 5, 2])
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_validation_has_the_weights_that_it_is_given() -> None:
    dl.manual_seed(0)
    model = nn.Linear(3, 3)
    one = Trainer(model, "cross_entropy", ("sgd", {"lr": 0.0}))
    val = (X, LABELS, WEIGHTS)
    one.fit(X, LABELS, class_weight=[1, 9, 9], validation_data=val, progress=False, batch_size=5)
    with dl.no_grad():
        losses = F.cross_entropy(model(dl.tensor(X)), dl.tensor(LABELS), reduction="none").numpy()
    assert one.logs["val_loss"] == pytest.approx(np.average(losses, weights=WEIGHTS), rel=1e-5)
    classes = np.array([1, 9, 9])[LABELS]
    assert one.logs["loss"] == pytest.approx(np.average(losses, weights=classes), rel=1e-5)
    plain = one.evaluate(X, LABELS)["loss"]
    assert plain == pytest.approx(losses.mean(), rel=1e-5)
    assert one.evaluate(X, LABELS, sample_weight=WEIGHTS)["loss"] == pytest.approx(
        one.logs["val_loss"], rel=1e-5
    )


def test_samples_of_weight_zero_do_not_count() -> None:
    weights = np.where(np.arange(12) < 5, 0.0, 1.0)  # the whole first batch
    model = nn.Linear(3, 3)
    start = model.weight.detach().clone()
    Trainer(model, "cross_entropy", "sgd").fit([(X, LABELS, np.zeros(12))], progress=False)
    assert (model.weight == start).all()
    evaluator = Evaluator(nn.Linear(3, 3), "cross_entropy")
    weighted = evaluator.evaluate(X, LABELS, sample_weight=weights, batch_size=5)["loss"]
    assert weighted == pytest.approx(evaluator.evaluate(X[5:], LABELS[5:])["loss"], rel=1e-5)


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ({7: 2.0}, ArgumentError, "no sample of the training data is of class 7; their classes"),
        ({"cat": 2.0}, ArgumentError, "'cat' is no class; classes are 0, 1, 2"),
        ({1.5: 2.0}, ArgumentError, "1.5 is no class"),
        ({1: -2.0}, ArgumentError, "the weight of class 1 must be 0 or more; got -2.0"),
        ({1: "a"}, ArgumentError, "must be 0 or more; got 'a'"),
        ([1.0, 2.0], ArgumentError, "2 weights for the classes 0 to 1, and the data have class 2"),
        ([1.0, 2.0, 1.0, 4.0], ArgumentError, "a weight for class 3, and the model has scores for"),
        ([[1.0]], ArgumentError, "a list has one weight for each class"),
        ("balance", ArgumentError, 'the only word it knows is "balanced"'),
        (5, ArgumentError, "expected a dict"),
        ([0.0, 0.0, 0.0], ArgumentError, "all weights are 0, so that no sample counts"),
        ({0: 0, 1: 0.0, 2: 0}, ArgumentError, "all weights are 0"),
    ],
    ids=str,
)  # fmt: skip
def test_class_weights_that_make_no_sense(weights: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        weights_after("cross_entropy", 3, LABELS, class_weight=weights)


@pytest.mark.parametrize("one", [True, np.True_, 1.0, np.float32(1), np.int8(1)], ids=repr)
def test_keys_that_python_takes_for_1(one: Any) -> None:
    labels = LABELS == 1
    plain = weights_after("cross_entropy", 2, labels, class_weight={0: 1.0, 1: 5.0})
    found = weights_after("cross_entropy", 2, labels, class_weight={0: 1.0, one: 5.0})
    assert np.array_equal(plain, found)


def test_classes_whose_numbers_are_far_too_large() -> None:
    for labels in (np.where(LABELS == 1, 2**40, 0), np.where(LABELS == 1, 2**63, 0)):
        labels = labels.astype(np.uint64)
        with pytest.raises((ArgumentError, LabelError), match=f"{labels.max()}"):
            weights_after("cross_entropy", 3, labels, class_weight="balanced")


def test_a_class_with_a_weight_is_enough() -> None:
    found = weights_after("cross_entropy", 3, LABELS, class_weight={0: 0.0, 1: 0.0})
    each = np.where(LABELS == 2, 1.0, 0.0)
    assert np.array_equal(found, weights_after("cross_entropy", 3, LABELS, sample_weight=each))


@pytest.mark.parametrize("zeros", [np.zeros(12), [0] * 12, np.zeros((12, 1), np.float32)])
def test_weights_of_zero_alone_are_refused(zeros: Any) -> None:
    """Their mean would be 0 / 0, which would stand in the history as nan."""
    message = "sample_weight: all weights are 0, so that no sample counts"
    with pytest.raises(ArgumentError, match=f"fit: {message}"):
        weights_after("cross_entropy", 3, LABELS, sample_weight=zeros)
    with pytest.raises(ArgumentError, match=f"evaluate: {message}"):
        Evaluator(nn.Linear(3, 3), "cross_entropy").evaluate(X, LABELS, sample_weight=zeros)


def test_weights_that_make_no_sense() -> None:
    for weights in (-WEIGHTS, np.full(12, np.nan)):
        with pytest.raises(ArgumentError, match="weights must be finite numbers of 0 or more"):
            weights_after("cross_entropy", 3, LABELS, sample_weight=weights)
    with pytest.raises(
        ShapeError, match=re.escape("sample_weight: weights[5, 2] do not fit losses")
    ):
        weights_after("cross_entropy", 3, LABELS, sample_weight=np.ones((12, 2)))
    with pytest.raises(ShapeError, match="weights need the loss of each sample"):
        weights_after(lambda x, y: (x - y).mean(), 1, NUMBERS[:, None], sample_weight=WEIGHTS)
    with pytest.raises(ArgumentError, match="has targets that are no labels"):
        weights_after("mse", 1, NUMBERS, class_weight=[1.0, 2.0])
    with pytest.raises(ArgumentError, match="a sample has several labels"):
        many = np.eye(3, dtype=np.float32)[LABELS]
        weights_after("bce_with_logits", 3, many, class_weight={0: 2.0})
    loader = DataLoader(TensorDataset(dl.tensor(X), dl.tensor(LABELS)), 4)
    model = nn.Linear(3, 3)
    with pytest.raises(ArgumentError, match="let a DataLoader give batches"):
        Trainer(model, "cross_entropy", "sgd").fit(loader, sample_weight=WEIGHTS)
    with pytest.raises(ArgumentError, match="do not show theirs before they are read"):
        Trainer(model, "cross_entropy", "sgd").fit([(X, LABELS)], class_weight="balanced")
    with pytest.raises(LabelError, match="2 weights, and a sample of class 2"):
        Trainer(model, "cross_entropy", "sgd").fit(
            [(X, LABELS)], class_weight=[1, 2], progress=False
        )
    with pytest.raises(ArgumentError, match="this model returns its loss itself"):
        Trainer(nn.Linear(3, 1), None, "sgd").fit([X[:1]], class_weight=[1, 2], progress=False)


def test_classes_by_their_names() -> None:
    class Named(TensorDataset):
        classes = ("cat", "dog", "owl")

    dl.manual_seed(0)
    model = nn.Linear(3, 3)
    one = Trainer(model, "cross_entropy", optim.SGD(model.parameters(), lr=0.1))
    data = Named(dl.tensor(X), dl.tensor(LABELS))
    one.fit(data, epochs=2, batch_size=5, shuffle=False, class_weight={"dog": 5}, progress=False)
    expected = weights_after("cross_entropy", 3, LABELS, class_weight={1: 5})
    assert np.array_equal(model.weight.detach().numpy(), expected)
    with pytest.raises(ArgumentError, match="'cow' is no class; classes are cat, dog, owl"):
        one.fit(data, epochs=3, class_weight={"cow": 5}, progress=False)


def test_optimizers_that_compute_the_loss_again_have_the_same_weights() -> None:
    results = []
    for y in (LABELS, np.eye(3, dtype=np.float32)[LABELS]):
        dl.manual_seed(0)
        model = nn.Linear(3, 3)
        one = Trainer(model, "mse", optim.LBFGS(model.parameters(), lr=0.5))
        one.fit(X, y, class_weight=[1, 5, 2], epochs=2, batch_size=12, progress=False)
        results.append(model.weight.detach().numpy())
    np.testing.assert_allclose(results[0], results[1], rtol=1e-5)
    table = np.array([1.0, 5.0, 2.0], np.float32)[LABELS]
    ones = np.hstack([X, np.ones((12, 1))]) * np.sqrt(table)[:, None]
    rows = np.eye(3)[LABELS] * np.sqrt(table)[:, None]
    best = np.linalg.lstsq(ones, rows, rcond=None)[0][:3].T
    np.testing.assert_allclose(results[0], best, atol=0.02)


# --- weights of classes and ignored labels in the loss itself ----------------------------------

OWN = {
    "weight": {"weight": dl.tensor([0.5, 2.0, 3.0])},
    "ignored": {"ignore_index": 0},
    "both": {"weight": dl.tensor([0.5, 2.0, 3.0]), "ignore_index": 2},
    "smoothed": {"weight": dl.tensor([0.5, 2.0, 3.0]), "label_smoothing": 0.2},
}
IN_A_ROW = np.sort(LABELS)  # so that a batch may have ignored labels only


@pytest.mark.parametrize("options", OWN.values(), ids=OWN.keys())
@pytest.mark.parametrize("smaller", [1, 3, 5])
def test_a_loss_with_weights_of_its_own_does_not_depend_on_the_batches(
    options: dict[str, Any], smaller: int
) -> None:
    model = nn.Linear(3, 3)
    whole = F.cross_entropy(model(dl.tensor(X)), dl.tensor(IN_A_ROW), **options).item()
    for loss in (nn.CrossEntropyLoss(**options), functools.partial(F.cross_entropy, **options)):
        found = Evaluator(model, loss).evaluate((X, IN_A_ROW), batch_size=smaller)
        np.testing.assert_allclose(found["loss"], whole, rtol=1e-5)


@pytest.mark.parametrize("options", OWN.values(), ids=OWN.keys())
def test_accumulated_batches_are_one_also_with_weights_in_the_loss(
    options: dict[str, Any],
) -> None:
    found = []
    for size, groups in ((12, 1), (4, 3)):
        dl.manual_seed(0)
        model = nn.Linear(3, 3)
        optimizer = optim.SGD(model.parameters(), lr=0.5)
        one = Trainer(model, nn.CrossEntropyLoss(**options), optimizer, accumulate=groups)
        how: dict[str, Any] = {"shuffle": False, "progress": False}
        history = one.fit(X, IN_A_ROW, batch_size=size, epochs=2, **how)
        found.append((model.weight.detach().numpy(), history["loss"]))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-5)


def test_pixels_that_are_ignored_do_not_count() -> None:
    images = RNG.normal(size=(4, 3, 2, 2)).astype(np.float32)
    labels = RNG.integers(0, 3, (4, 2, 2))
    labels[0] = 255
    labels[2, 0] = 255
    model = nn.Conv2d(3, 3, 1)
    loss = nn.CrossEntropyLoss(ignore_index=255)
    whole = loss(model(dl.tensor(images)), dl.tensor(labels)).item()
    for size in (1, 3, 4):
        found = Evaluator(model, loss).evaluate((images, labels), batch_size=size)
        np.testing.assert_allclose(found["loss"], whole, rtol=1e-5)


@pytest.mark.parametrize("ignored", [-100, 255])
@pytest.mark.parametrize("weights", ["balanced", {1: 2.0}, [0.5, 2.0, 3.0]], ids=str)
def test_the_label_that_the_loss_ignores_is_no_class(ignored: int, weights: Any) -> None:
    labels = LABELS.copy()
    labels[[0, 5]] = ignored
    kept = labels != ignored
    loss = nn.CrossEntropyLoss(ignore_index=ignored)
    how: dict[str, Any] = {"class_weight": weights, "batch_size": 12, "progress": False}
    found = []
    for rows in (slice(None), kept):
        dl.manual_seed(0)
        model = nn.Linear(3, 3)
        one = Trainer(model, loss, optim.SGD(model.parameters(), lr=0.5))
        one.fit(X[rows], labels[rows], shuffle=False, epochs=2, **how)
        found.append(model.weight.detach().numpy())
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5, atol=1e-6)


def test_balanced_weights_refuse_a_negative_label() -> None:
    labels = LABELS.copy()
    labels[0] = -1
    with pytest.raises(LabelError, match="have the label -1; classes are 0, 1, 2"):
        Trainer(nn.Linear(3, 3), "cross_entropy", "sgd").fit(
            X, labels, class_weight="balanced", progress=False
        )


@pytest.mark.parametrize("ignored", [-100, 255])
def test_a_metric_says_how_ignored_labels_are_left_out(ignored: int) -> None:
    labels = LABELS.copy()
    labels[0] = ignored
    one = Evaluator(nn.Linear(3, 3), nn.CrossEntropyLoss(ignore_index=ignored))
    with pytest.raises(LabelError, match=rf"Accuracy\(ignore_index={ignored}\)"):
        one.evaluate(X, labels, metrics=["accuracy"])
    found = one.evaluate(X, labels, metrics=[Accuracy(ignore_index=ignored)])
    assert found["accuracy"] == one.evaluate(X[1:], labels[1:], metrics=["accuracy"])["accuracy"]
