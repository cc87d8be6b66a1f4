from __future__ import annotations

import math

import numpy as np
import pytest

import dlframe as dl
import dlframe.nn.functional as F


def test_equal_logits_cost_log_of_the_number_of_classes() -> None:
    x = dl.zeros(4, 10, requires_grad=True)
    loss = F.cross_entropy(x, dl.tensor([0, 3, 9, 3]))
    assert loss.item() == pytest.approx(math.log(10))
    loss.backward()
    want = (0.1 - F.one_hot(dl.tensor([0, 3, 9, 3]), 10).numpy()) / 4
    np.testing.assert_allclose(x.grad.numpy(), want, atol=1e-7)


@pytest.mark.parametrize(
    "options", [{}, {"label_smoothing": 0.1}, {"weight": dl.tensor([1.0, 2.0, 3.0])}]
)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_indices_are_probabilities_of_one(
    options: dict, reduction: str, rng: np.random.Generator
) -> None:
    x, labels = dl.tensor(rng.standard_normal((5, 3))), dl.tensor([0, 2, 1, 1, 0])
    if options.get("weight") is not None:
        options = {"weight": options["weight"].double()}
    hard = F.cross_entropy(x, labels, reduction=reduction, **options)
    soft = F.cross_entropy(x, F.one_hot(labels, 3).double(), reduction=reduction, **options)
    if reduction == "mean" and "weight" in options:  # divides by the weights, not by the samples
        soft = soft * 5 / options["weight"].numpy()[labels.numpy()].sum()
    np.testing.assert_allclose(hard.numpy(), soft.numpy(), rtol=1e-12)


def test_log_softmax_and_nll_are_cross_entropy(rng: np.random.Generator) -> None:
    x, labels = dl.tensor(rng.standard_normal((5, 3, 2))), dl.tensor(rng.integers(0, 3, (5, 2)))
    a, b = F.cross_entropy(x, labels), F.nll_loss(F.log_softmax(x, 1), labels)
    np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)


def test_large_logits_do_not_overflow() -> None:
    x = dl.tensor([[1e4, 0.0], [-1e4, 0.0]], requires_grad=True)
    loss = F.cross_entropy(x, dl.tensor([1, 1]), reduction="none")
    assert loss.tolist() == [1e4, 0]
    loss.sum().backward()
    assert x.grad.tolist() == [[1, -1], [0, 0]]


def test_ignored_targets_count_for_nothing() -> None:
    x = dl.rand(4, 3, requires_grad=True)
    labels = dl.tensor([0, -100, 2, -100])
    loss = F.cross_entropy(x, labels)
    assert loss.item() == pytest.approx(F.cross_entropy(x[::2], labels[::2]).item())
    loss.backward()
    assert not x.grad.numpy()[1::2].any()


def test_a_batch_of_ignored_targets_is_nan_with_gradient_0() -> None:
    x = dl.rand(2, 3, requires_grad=True)
    loss = F.cross_entropy(x, dl.tensor([7, 7]), ignore_index=7)
    assert math.isnan(loss.item())
    loss.backward()
    assert not x.grad.numpy().any()


def test_an_impossible_class_does_not_spoil_ignored_rows() -> None:
    x = dl.tensor([[-math.inf, 0.0], [0.0, 0.0]], requires_grad=True)
    loss = F.cross_entropy(x, dl.tensor([-100, 1]), reduction="none")
    np.testing.assert_allclose(loss.detach().numpy(), [0, math.log(2)], rtol=1e-6)


@pytest.mark.parametrize("dtype", [dl.int32, dl.int64, dl.uint8])
def test_labels_of_every_integer_dtype(dtype: dl.dtype) -> None:
    assert F.nll_loss(dl.tensor([[-1.0, -2.0]]), dl.tensor([1], dtype=dtype)).item() == 2


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("soft", [False, True])
def test_float32_stays_float32(reduction: str, soft: bool) -> None:
    x = dl.rand(5, 3, requires_grad=True)
    target = dl.rand(5, 3) if soft else dl.tensor([0, 1, 2, 0, 1])
    weight = dl.rand(3)
    for options in ({}, {"weight": weight}, {"weight": weight, "label_smoothing": 0.1}):
        x.grad = None
        loss = F.cross_entropy(x, target, reduction=reduction, **options)
        loss.sum().backward()
        assert (loss.dtype, x.grad.dtype) == (dl.float32, dl.float32)


def test_the_error_points_at_the_label() -> None:
    labels = dl.zeros(2, 4, 4, dtype=dl.int64)
    labels[1, 2, 3] = 255
    with pytest.raises(IndexError, match=r"Target 255 is out of bounds.*5 classes.*\[1, 2, 3\]"):
        F.cross_entropy(dl.zeros(2, 5, 4, 4), labels)
    assert F.cross_entropy(dl.zeros(2, 5, 4, 4), labels, ignore_index=255).item() > 0
