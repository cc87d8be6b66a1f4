"""The part of smoothed labels beside the cross-entropy with and without them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.errors import ArgumentError

LOGITS = dl.linspace(-2, 3, 5 * 4, dtype=dl.float64).reshape(5, 4)
IMAGES = dl.linspace(-2, 3, 2 * 3 * 4, dtype=dl.float64).reshape(2, 3, 4)
LABELS = dl.tensor([0, 3, 1, 1, 2])
SHARES = dl.tensor(np.random.default_rng(0).dirichlet(np.ones(4), 5))
WEIGHT = dl.tensor([1.0, 2.0, 0.5, 0.25], dtype=dl.float64)

# logits, targets, and options of the loss
TABLE: list[tuple[Any, Any, dict[str, Any]]] = [
    (LOGITS, LABELS, {}),
    (LOGITS, LABELS, {"weight": WEIGHT}),
    (LOGITS, LABELS, {"ignore_index": 1}),
    (LOGITS, LABELS, {"ignore_index": 1, "weight": WEIGHT, "reduction": "sum"}),
    (LOGITS, SHARES, {}),
    (LOGITS, SHARES, {"weight": WEIGHT}),
    (LOGITS, SHARES, {"reduction": "sum"}),
    (LOGITS[0], LABELS[0], {}),
    (IMAGES, dl.tensor([[0, 2, 1, 0], [1, 1, 2, -100]]), {}),
]


@pytest.mark.parametrize("strength", [0.0, 0.1, 1.0])
@pytest.mark.parametrize(("logits", "targets", "options"), TABLE)
def test_it_is_what_smoothing_adds(
    logits: Any, targets: Any, options: dict[str, Any], strength: float
) -> None:
    plain = nn.CrossEntropyLoss(**options)
    smoothed = nn.CrossEntropyLoss(**options, label_smoothing=strength)
    penalty = optim.LabelSmoothing(strength, plain)
    x = logits.clone().requires_grad_()
    (expected,) = dl.autograd.grad(smoothed(x, targets) - plain(x, targets), x)
    part = penalty(x, targets)
    (gradient,) = dl.autograd.grad(part, x)
    difference = smoothed(x, targets) - plain(x, targets)
    assert part.item() == pytest.approx(difference.item(), rel=1e-12, abs=1e-14)
    np.testing.assert_allclose(gradient.numpy(), expected.numpy(), rtol=1e-12, atol=1e-14)
    assert penalty.last == part.item()


def test_errors() -> None:
    smooth = nn.CrossEntropyLoss(label_smoothing=0.2)
    with pytest.raises(ArgumentError, match=r"strength must be from 0 to 1; got 1\.5"):
        optim.LabelSmoothing(1.5)
    with pytest.raises(ArgumentError, match=r"smooths labels itself, by 0\.2, so .* twice"):
        optim.LabelSmoothing(0.1, smooth)
    with pytest.raises(ArgumentError, match='reduction="none" gives no single number'):
        optim.LabelSmoothing(0.1, nn.CrossEntropyLoss(reduction="none"))
    with pytest.raises(TypeError, match=r"expected an nn\.CrossEntropyLoss; got NLLLoss"):
        optim.LabelSmoothing(0.1, nn.NLLLoss())  # type: ignore[arg-type] # what is tested


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (nn.CrossEntropyLoss(label_smoothing=0.2), "smooths labels itself"),
        (nn.CrossEntropyLoss(weight=dl.ones(2)), r"make it with the loss: .*Smoothing\(0\.1, loss"),
        (nn.CrossEntropyLoss(reduction="sum"), "other weights of classes, ignore_index or red"),
        (nn.CrossEntropyLoss(ignore_index=1), "other weights of classes, ignore_index or red"),
        (nn.NLLLoss(ignore_index=1), "other weights of classes, ignore_index or red"),
        (nn.MSELoss(), "belongs to a cross-entropy .* and the loss is MSELoss"),
        (nn.LinearCrossEntropyLoss(3, 2), "and the loss is LinearCrossEntropyLoss"),
    ],
)
def test_a_trainer_refuses_a_loss_with_other_options(loss: nn.Module, message: str) -> None:
    model = nn.Sequential(nn.Linear(3, 2))
    if isinstance(loss, nn.NLLLoss):
        model.append(nn.LogSoftmax(1))
    optimizer = optim.SGD(model.parameters())
    with pytest.raises(ArgumentError, match=message):
        dl.Trainer(model, loss, optimizer, regularizers=[optim.LabelSmoothing(0.1)])


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_in_fit_the_loss_stays_comparable(reduction: str) -> None:
    dl.manual_seed(0)
    x, y = dl.randn(10, 3, dtype=dl.float64), dl.arange(10) % 2
    histories = []
    for smooth_in_loss in (True, False):
        dl.manual_seed(1)
        model = nn.Linear(3, 2).double()
        loss = nn.CrossEntropyLoss(
            reduction=reduction, label_smoothing=0.2 if smooth_in_loss else 0.0
        )
        parts = [] if smooth_in_loss else [optim.LabelSmoothing(0.2, loss)]
        optimizer = optim.SGD(model.parameters(), lr=0.05)
        trainer = dl.Trainer(model, loss, optimizer, regularizers=parts)
        histories.append(trainer.fit((x, y), (x, y), 3, batch_size=4, progress=False))
    inside, beside = histories
    total = np.add(beside["loss"], beside["label_smoothing"])
    np.testing.assert_allclose(total, inside["loss"], rtol=1e-12)
    plain = nn.CrossEntropyLoss()(model(x), y).item()
    assert beside["val_loss"][-1] == pytest.approx(plain)


def test_it_fits_log_probabilities_and_losses_of_ones_own() -> None:
    class Own(nn.Module):
        def forward(self, output: Any, target: Any) -> Any:
            return nn.functional.cross_entropy(output, target)

    x, y = dl.randn(6, 3), dl.arange(6) % 2
    numbers = []
    for loss in (nn.CrossEntropyLoss(), nn.NLLLoss(), Own(), nn.functional.cross_entropy):
        dl.manual_seed(0)
        last = nn.LogSoftmax(dim=1) if isinstance(loss, nn.NLLLoss) else nn.Identity()
        model = nn.Sequential(nn.Linear(3, 2), last)
        optimizer = optim.SGD(model.parameters())
        trainer = dl.Trainer(model, loss, optimizer, regularizers=[optim.LabelSmoothing(0.1)])
        numbers.append(trainer.fit((x, y), epochs=1, progress=False)["label_smoothing"][0])
    assert numbers == pytest.approx([numbers[0]] * 4, rel=1e-5)


def test_the_options_of_a_loss_that_is_given_are_followed() -> None:
    loss = nn.CrossEntropyLoss(weight=dl.tensor([1.0, 3.0]))
    model = nn.Linear(3, 2)
    dl.Trainer(
        model,
        nn.CrossEntropyLoss(weight=dl.tensor([1.0, 3.0])),
        optim.SGD(model.parameters()),
        regularizers=[optim.LabelSmoothing(0.1, loss)],
    )


def test_a_penalty_of_ones_own() -> None:
    class Confidence(optim.OutputPenalty):
        def term(self, output: Any, target: Any) -> Any:
            log_p = output.log_softmax(dim=-1)
            return 0.1 * (log_p.exp() * log_p).sum(dim=-1).mean()

    dl.manual_seed(0)
    x, y = dl.randn(6, 3), dl.arange(6) % 2
    model = nn.Linear(3, 2)
    expected = Confidence("confidence")(model(x), y).item()
    trainer = dl.Trainer(
        model,
        nn.CrossEntropyLoss(),
        optim.SAM(optim.SGD(model.parameters())),
        regularizers=[Confidence("confidence")],
    )
    history = trainer.fit((x, y), epochs=1, progress=False)
    assert history["confidence"] == [pytest.approx(expected)]  # not at the disturbed weights
    with pytest.raises(NotImplementedError, match=r"OutputPenalty has no term\(\)"):
        optim.OutputPenalty()(x, y)
