"""Models with several outputs, and what is made of outputs: probabilities, classes, scores."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.errors import ArgumentError
from dlframe.metrics import Accuracy
from dlframe.training import Evaluator, Trainer

F = nn.functional
RNG = np.random.default_rng(3)
X = RNG.normal(size=(12, 3)).astype(np.float32)
LABELS = np.arange(12) % 3
NUMBERS = X.sum(axis=1).astype(np.float64)


class Pair(NamedTuple):
    kind: Any
    size: Any


class Heads(nn.Module):
    """Class scores and a number, as a tuple, dict or named tuple."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.kind, self.size, self.form = nn.Linear(3, 3), nn.Linear(3, 1), form

    def forward(self, x: Any) -> Any:
        kind, size = self.kind(x), self.size(x)
        if self.form == "dict":
            return {"kind": kind, "size": size}
        return Pair(kind, size) if self.form == "named" else (kind, size)


def heads(form: str, **options: Any) -> Trainer:
    dl.manual_seed(0)
    model = Heads(form)
    options.setdefault("loss", ["cross_entropy", "mse"] if form == "tuple" else
                       {"kind": "cross_entropy", "size": "mse"})  # fmt: skip
    return Trainer(model, optimizer=optim.SGD(model.parameters(), lr=0.1), **options)


def by_hand(weights: Any = (1.0, 1.0), samples: Any = None) -> Heads:
    dl.manual_seed(0)
    model = Heads("tuple")
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    factor = dl.ones(12) if samples is None else dl.tensor(samples.astype(np.float32))
    for _ in range(2):
        optimizer.zero_grad()
        kind, size = model(dl.tensor(X))
        first = F.cross_entropy(kind, dl.tensor(LABELS), reduction="none")
        second = (size[:, 0] - dl.tensor(NUMBERS.astype(np.float32))) ** 2
        losses = [(one * factor).sum() / factor.sum() for one in (first, second)]
        (losses[0] * weights[0] + losses[1] * weights[1]).backward()
        optimizer.step()
    return model


HOW: dict[str, Any] = {"epochs": 2, "batch_size": 12, "shuffle": False, "progress": False}


@pytest.mark.parametrize("form", ["tuple", "dict", "named"])
def test_each_output_has_its_loss_target_and_metrics(form: str) -> None:
    y: Any = (LABELS, NUMBERS) if form != "dict" else {"size": NUMBERS, "kind": LABELS}
    if form == "named":
        y = {"kind": LABELS, "size": NUMBERS}
    metrics: Any = [["accuracy"], []] if form == "tuple" else {"kind": ["accuracy"]}
    one = heads(form, metrics=metrics)
    one.fit(X, y, validation_data=(X, y), **HOW)
    expected = by_hand()
    for name, value in one.model.state_dict().items():
        np.testing.assert_allclose(
            value.numpy(), expected.state_dict()[name].numpy(), rtol=1e-4, atol=1e-6
        )
    first, second = ("output_0", "output_1") if form == "tuple" else ("kind", "size")
    logs = one.logs
    assert logs["loss"] == pytest.approx(logs[f"{first}_loss"] + logs[f"{second}_loss"], rel=1e-6)
    assert {f"val_{first}_loss", f"val_{first}_accuracy"} <= set(logs)
    whole = Evaluator(one.model, one.loss, metrics).evaluate(X, y, batch_size=5)
    assert whole["loss"] == pytest.approx(logs["val_loss"], rel=1e-5)
    predicted = one.predict(X, batch_size=5)
    kind = predicted[0] if form != "dict" else predicted["kind"]
    assert kind.shape == (12, 3)
    assert type(predicted) is {"tuple": tuple, "dict": dict, "named": Pair}[form]


def test_losses_have_weights() -> None:
    for weights in ([0.5, 2.0], {0: 0.5, 1: 2}):
        one = heads("tuple", loss_weights=weights)
        one.fit(X, (LABELS, NUMBERS), **HOW)
        expected = by_hand((0.5, 2.0))
        np.testing.assert_allclose(
            one.model.size.weight.tolist(), expected.size.weight.tolist(), rtol=1e-4
        )
        parts = [one.logs["output_0_loss"], one.logs["output_1_loss"]]
        assert one.logs["loss"] == pytest.approx(0.5 * parts[0] + 2 * parts[1], rel=1e-6)


def test_samples_have_weights_for_all_outputs() -> None:
    samples = RNG.uniform(0.1, 2, 12)
    one = heads("tuple")
    one.fit(X, (LABELS, NUMBERS), sample_weight=samples, **HOW)
    expected = by_hand(samples=samples)
    np.testing.assert_allclose(
        one.model.kind.weight.tolist(), expected.kind.weight.tolist(), rtol=1e-4, atol=1e-6
    )


def test_an_output_without_a_loss() -> None:
    one = heads("dict", loss={"kind": "cross_entropy", "size": None})
    one.fit(X, {"kind": LABELS}, **HOW)
    assert "size_loss" not in one.logs


def test_it_is_resumed(tmp_path: Any) -> None:
    y = {"kind": LABELS, "size": NUMBERS}
    how = HOW | {"batch_size": 5}
    whole = heads("dict", metrics={"kind": ["accuracy"]})
    whole.fit(X, y, **how | {"epochs": 4})
    part = heads("dict", metrics={"kind": ["accuracy"]})
    part.fit(X, y, **how)
    part.save(tmp_path / "part.h5")
    rest = heads("dict", metrics={"kind": ["accuracy"]})
    rest.resume(tmp_path / "part.h5")
    rest.fit(X, y, **how | {"epochs": 4})
    assert rest.history["kind_accuracy"] == whole.history["kind_accuracy"]
    assert rest.history["size_loss"] == whole.history["size_loss"]


def test_outputs_that_do_not_fit() -> None:
    with pytest.raises(
        ArgumentError, match=r"loss is given for each output, so that the target mus"
    ):
        heads("tuple").fit(X, LABELS, **HOW)
    with pytest.raises(ArgumentError, match=r"a loss for 'kind', and the target has kynd"):
        heads("dict").fit(X, {"kynd": LABELS, "size": NUMBERS}, **HOW)
    with pytest.raises(
        ArgumentError, match=r"metrics has 'kynd', and loss has 'kind', 'size'\. Did"
    ):
        heads("dict", metrics={"kynd": ["accuracy"]})
    with pytest.raises(ArgumentError, match="metrics are a dict or a list of lists"):
        heads("tuple", metrics=["accuracy"])
    with pytest.raises(ArgumentError, match="3 loss_weights for 2 losses"):
        heads("tuple", loss_weights=[1, 2, 3])
    with pytest.raises(ArgumentError, match="loss_weights has 'kynd'"):
        heads("dict", loss_weights={"kynd": 1.0})
    with pytest.raises(ArgumentError, match="there is a loss for output 1, and there are 1"):
        Trainer(Heads("tuple"), [None, "mse"], "sgd").loss([1], [1, 2])


# --- regression on classes ---------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["mse", "l1", "bce_with_logits"])
def test_labels_become_one_hot_for_the_loss_and_stay_labels_for_accuracy(loss: str) -> None:
    rows = np.eye(3, dtype=np.float32)[LABELS]
    results = []
    for y in (LABELS, LABELS[:, None], rows):
        dl.manual_seed(0)
        model = nn.Linear(3, 3)
        one = Trainer(model, loss, ("sgd", {"lr": 0.3}))
        one.fit(X, y, epochs=30, progress=False)
        results.append(model.weight.tolist())
    assert results[0] == results[1] == results[2]
    outputs = one.predict(X).numpy()
    true = (outputs.argmax(axis=1) == LABELS).mean()
    assert one.evaluate(X, LABELS, metrics=["accuracy"])["accuracy"] == pytest.approx(true)
    if loss != "bce_with_logits":  # there rows may be several labels
        assert one.evaluate(X, rows, metrics=["accuracy"])["accuracy"] == pytest.approx(true)


def test_labels_outside_of_the_outputs() -> None:
    with pytest.raises(IndexError, match=r"labels from 0 to 5, and output\[12, 3\] has scores"):
        Evaluator(nn.Linear(3, 3), "mse").evaluate(X, np.arange(12) % 6)


def test_numbers_are_not_taken_for_labels() -> None:
    with pytest.raises(RuntimeError, match=r"mse_loss|MSELoss"):
        Evaluator(nn.Linear(3, 3), "mse").evaluate(X, LABELS.astype(np.float32))


# --- probabilities, classes, scores ------------------------------------------------------------


def test_probabilities_by_loss_and_last_layer() -> None:
    model, single = nn.Linear(3, 3), nn.Linear(3, 1)
    with dl.no_grad():
        scores, one = model(dl.tensor(X)), single(dl.tensor(X))
    soft = scores.softmax(dim=1).numpy()
    sigmoid = one.sigmoid().numpy()
    two = np.concatenate([1 - sigmoid, sigmoid], axis=1)
    cases: list[tuple[Any, Any, Any]] = [
        (model, "cross_entropy", soft),
        (nn.Sequential(model, nn.LogSoftmax(dim=1)), "nll", soft),
        (nn.Sequential(model, nn.Softmax(dim=1)), "mse", soft),
        (model, "bce_with_logits", scores.sigmoid().numpy()),
        (single, "bce_with_logits", two),
        (nn.Sequential(single, nn.Sigmoid()), "bce", two),
        (nn.Sequential(single, nn.Sigmoid()), "mse", two),
        (nn.Sequential(single, nn.Flatten(0)), "bce_with_logits", two),
    ]
    for layers, loss, expected in cases:
        got = Evaluator(layers, loss).predict_proba(X).numpy()
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-7)
    for loss in ("mse", lambda x, y: x.sum()):
        with pytest.raises(ArgumentError, match="predict_proba: neither the last layer of the mod"):
            Evaluator(model, loss).predict_proba(X)


def test_classes() -> None:
    model, single = nn.Linear(3, 3), nn.Linear(3, 1)
    with dl.no_grad():
        scores, one = model(dl.tensor(X)).numpy(), single(dl.tensor(X)).numpy()
    got = Evaluator(model, "cross_entropy").predict_classes(X)
    assert got.dtype == dl.int64
    np.testing.assert_array_equal(got.numpy(), scores.argmax(axis=1))
    got = Evaluator(single, "bce_with_logits").predict_classes(X).numpy()
    np.testing.assert_array_equal(got, one[:, 0] > 0)
    got = Evaluator(nn.Sequential(single, nn.Sigmoid()), "bce").predict_classes(X).numpy()
    np.testing.assert_array_equal(got, one[:, 0] > 0)
    got = Evaluator(model, "bce_with_logits").predict_classes(X).numpy()
    np.testing.assert_array_equal(got, scores > 0)
    with pytest.raises(ArgumentError, match="says above which score the class is 1"):
        Evaluator(single, lambda x, y: x.sum()).predict_classes(X)
    both = heads("dict").predict_classes
    with pytest.raises(ArgumentError, match=r"above which score"):
        Evaluator(Heads("dict"), {"size": lambda x, y: x.sum()}).predict_classes(X)
    assert set(both(X)) == {"kind", "size"}


def test_score_is_accuracy_or_r2() -> None:
    model = nn.Linear(3, 3)
    evaluator = Evaluator(model, "cross_entropy", [Accuracy()])
    assert evaluator.score(X, LABELS) == evaluator.evaluate((X, LABELS))["accuracy"]
    regressor = Evaluator(nn.Linear(3, 1), "mse")
    guess = regressor.predict(X).numpy()[:, 0].astype(np.float64)
    r2 = 1 - ((NUMBERS - guess) ** 2).sum() / ((NUMBERS - NUMBERS.mean()) ** 2).sum()
    for size in (3, 12):
        assert regressor.score(X, NUMBERS, batch_size=size) == pytest.approx(r2, rel=1e-4)
    with pytest.raises(ArgumentError, match=r"score: the loss .* does not say whether"):
        Evaluator(model, lambda x, y: x.sum()).score(X, LABELS)


def test_outputs_of_different_lengths_are_a_list() -> None:
    class Longest(nn.Linear):
        def forward(self, x: Any) -> Any:
            return super().forward(x)[:, : int(x.abs().max().item()) + 1]

    batches = [(np.full((2, 3), n, np.float32), np.zeros(2)) for n in (0, 1)]
    outputs = Evaluator(Longest(3, 5), "mse").predict(batches)
    assert [tuple(one.shape) for one in outputs] == [(2, 1), (2, 2)]


def test_evaluate_with_other_metrics() -> None:
    one = Evaluator(nn.Linear(3, 3), "cross_entropy", ["accuracy"])
    found = one.evaluate(X, LABELS, metrics=[Accuracy(name="again")])
    assert sorted(found) == ["again", "loss"]
    assert sorted(one.evaluate(X, LABELS)) == ["accuracy", "loss"]


def test_predicting_arrays_draws_no_random_number() -> None:
    dl.manual_seed(5)
    expected = dl.rand(1).item()
    dl.manual_seed(5)
    Evaluator(nn.Identity(), "mse").predict(X)
    assert dl.rand(1).item() == expected


# --- outputs that count different samples ------------------------------------------------------


class TwoKinds(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(3, 2), nn.Linear(3, 4)

    def forward(self, x: Any) -> Any:
        return {"a": self.a(x), "b": self.b(x)}


def half_labelled() -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Inputs, targets of which different ones are ignored, and the losses."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(11, 3)).astype(np.float32)
    a, b = np.arange(11) % 2, np.arange(11) % 4
    a[[0, 1, 2, 5]] = -100
    b[[4, 6, 7, 8, 9, 10]] = -100
    losses = {
        "a": nn.CrossEntropyLoss(),
        "b": nn.CrossEntropyLoss(weight=dl.tensor([1.0, 2, 3, 4])),
    }
    return x, {"a": a, "b": b}, losses


@pytest.mark.parametrize("batch_size", [1, 2, 3, 4, 11])
def test_the_total_is_that_of_the_means_of_the_outputs(batch_size: int) -> None:
    dl.manual_seed(0)
    model, (x, y, losses) = TwoKinds(), half_labelled()
    with dl.no_grad():
        out = model(dl.tensor(x))
        a, b = (losses[key](out[key], dl.tensor(y[key])).item() for key in ("a", "b"))
    evaluator = Evaluator(model, losses, loss_weights={"a": 1.0, "b": 0.25})
    found = evaluator.evaluate((x, y), batch_size=batch_size)
    assert found["a_loss"] == pytest.approx(a, rel=1e-5)
    assert found["b_loss"] == pytest.approx(b, rel=1e-5)
    assert found["loss"] == pytest.approx(a + 0.25 * b, rel=1e-5)


def test_a_group_of_batches_needs_outputs_that_count_alike() -> None:
    x, y, losses = half_labelled()
    trainer = Trainer(TwoKinds(), losses, "sgd", accumulate=2)
    with pytest.raises(
        ArgumentError, match=r"count the same samples.* a 1, b 10\. Use accumulate=1"
    ):
        trainer.fit((x, y), batch_size=4, shuffle=False, progress=False)
    whole = {"a": np.arange(11) % 2, "b": np.arange(11) % 4}
    Trainer(TwoKinds(), {"a": "cross_entropy", "b": "cross_entropy"}, "sgd", accumulate=2).fit(
        (x, whole), batch_size=4, progress=False
    )
