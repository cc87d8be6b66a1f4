from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.errors import GradientError, LabelError, ShapeError

ELEMENTWISE = [nn.MSELoss, nn.L1Loss, nn.HuberLoss, nn.SmoothL1Loss, nn.BCELoss,
               nn.BCEWithLogitsLoss, nn.HingeLoss, nn.HingeEmbeddingLoss]  # fmt: skip


@pytest.mark.parametrize("loss", ELEMENTWISE)
def test_reductions_belong_together(loss: Any) -> None:
    x, t = dl.rand(3, 2), dl.ones(3, 2)
    each = loss(reduction="none")(x, t)
    assert each.shape == (3, 2)
    np.testing.assert_allclose(loss(reduction="sum")(x, t).item(), each.array.sum(), rtol=1e-5)
    np.testing.assert_allclose(loss()(x, t).item(), each.array.mean(), rtol=1e-5)
    with pytest.raises(ValueError, match="reduction"):
        loss(reduction="average")(x, t)


@pytest.mark.parametrize("loss", ELEMENTWISE)
def test_nothing_is_broadcast(loss: Any) -> None:
    with pytest.raises(ShapeError, match="same shape"):
        loss()(dl.rand(4, 1), dl.ones(4))


def test_the_older_flags() -> None:
    for flags, reduction in (
        ({"size_average": False}, "sum"),
        ({"size_average": True}, "mean"),
        ({"reduce": False}, "none"),
        ({"reduce": True, "size_average": False}, "sum"),
    ):
        with pytest.warns(UserWarning, match=f"please use reduction='{reduction}'"):
            assert nn.MSELoss(**flags).reduction == reduction


def test_weights_are_buffers() -> None:
    loss = nn.CrossEntropyLoss(np.array([1.0, 2.0], dtype=np.float32))
    assert list(loss.state_dict()) == ["weight"]
    assert loss.double().weight.dtype == dl.float64
    assert list(nn.CrossEntropyLoss().state_dict()) == []
    both = nn.BCEWithLogitsLoss(dl.ones(2), pos_weight=dl.ones(2))
    assert list(both.state_dict()) == ["weight", "pos_weight"]


def test_labels_are_checked() -> None:
    x = dl.zeros(2, 3)
    for loss in (nn.CrossEntropyLoss(), nn.NLLLoss()):
        with pytest.raises(LabelError, match="3"):
            loss(x, dl.tensor([0, 3]))
    nn.CrossEntropyLoss(ignore_index=3)(x, dl.tensor([0, 3]))
    with pytest.raises(LabelError, match=r"targets must be -1 or 1, got 0.0 at index \[1\]"):
        nn.HingeEmbeddingLoss()(dl.ones(2), dl.tensor([1.0, 0.0]))
    with pytest.raises(LabelError, match="-1 or 1"):
        nn.HingeLoss()(dl.ones(2), dl.tensor([1.0, 0.0]))


def test_hinge_by_hand() -> None:
    x, t = dl.tensor([0.5, 2.0, -3.0]), dl.tensor([1.0, -1.0, -1.0])
    assert nn.HingeLoss(reduction="none")(x, t).tolist() == [0.5, 3, 0]
    assert nn.HingeLoss(p=2, reduction="none")(x, t).tolist() == [0.25, 9, 0]
    assert nn.HingeLoss(margin=0, reduction="none")(x, t).tolist() == [0, 2, 0]


def test_hinge_embedding_gradient() -> None:
    x = dl.tensor([0.25, 0.25, 4.0], requires_grad=True)
    nn.HingeEmbeddingLoss(reduction="sum")(x, dl.tensor([1, -1, -1])).backward()
    assert x.grad.tolist() == [1, -1, 0]


def test_huber_delta() -> None:
    with pytest.raises(TypeError, match="delta must be a float or int"):
        nn.HuberLoss(delta="1")


def test_kl_div_warns_of_mean() -> None:
    x, t = dl.zeros(2, 3).log_softmax(1), dl.full((2, 3), 1 / 3)
    with pytest.warns(UserWarning, match="'batchmean' divides only by the batch size"):
        nn.KLDivLoss()(x, t)
    nn.KLDivLoss(reduction="batchmean")(x, t)


def test_the_hinge_losses_of_classes_belong_together() -> None:
    x, t = dl.randn(6, 4, dtype=dl.float64), dl.tensor([0, 3, 1, 2, 2, 0])
    for p in (1, 2):
        each = nn.WestonWatkinsLoss(p=p, reduction="none")(x, t).numpy()
        np.testing.assert_allclose(each, 4 * nn.MultiMarginLoss(p, reduction="none")(x, t).numpy())
        two, signs = x[:, :2], 1.0 - 2.0 * (t % 2)
        binary = nn.HingeLoss(p=p, reduction="none")(two[:, 0] - two[:, 1], signs.double()).numpy()
        for loss in (nn.WestonWatkinsLoss, nn.CrammerSingerLoss):
            got = loss(p=p, reduction="none")(two, t % 2).numpy()
            np.testing.assert_allclose(got, binary)
    perceptron = nn.PerceptronLoss(reduction="none")(two[:, 0] - two[:, 1], signs.double())
    of_classes = nn.CrammerSingerLoss(margin=0, reduction="none")(two, t % 2)
    np.testing.assert_allclose(of_classes.numpy(), perceptron.numpy())


def test_ctc_warns_of_scores_and_has_no_second_derivative() -> None:
    scores = dl.randn(6, 1, 4, generator=dl.Generator().manual_seed(0)).double().requires_grad_()
    given = dl.tensor([[1, 2]]), (6,), (2,)
    with pytest.warns(UserWarning, match=r"positive numbers.*log_softmax\(dim=-1\)"):
        nn.CTCLoss()(scores, *given)
    loss = nn.CTCLoss()(scores.log_softmax(2), *given)
    (g,) = dl.autograd.grad(loss, scores, create_graph=True)
    assert dl.autograd.gradcheck(lambda x: nn.CTCLoss()(x.log_softmax(2), *given), scores)
    with pytest.raises(GradientError, match="ctc_loss: it has no second derivative"):
        g.sum().backward()


def test_ctc_takes_long_improbable_sequences() -> None:
    """All in logarithms: the probability is e^-1600."""
    x = dl.full((400, 1, 50), -4.0, requires_grad=True)
    targets = dl.tensor([[1, 2] * 60])
    loss = nn.CTCLoss(reduction="sum")(x, targets, (400,), (120,))
    loss.backward()
    assert 1000 < loss.item() < 1600
    assert np.isfinite(x.grad.numpy()).all()


def test_parts_of_a_batch_give_what_the_whole_gives() -> None:
    x = dl.randn(7, 3, dtype=dl.float64, requires_grad=True)
    whole = nn.LinearCrossEntropyLoss(3, 9, bias=True, dtype=dl.float64)
    target, results = dl.tensor([0, 8, 3, 3, 1, 5, 7]), []
    for options in (None, nn.LinearCrossEntropyOptions(batch_chunk_size=3)):
        whole.options = options
        (g,) = dl.autograd.grad(whole(x, target), x, create_graph=True)
        (h,) = dl.autograd.grad((g * g).sum(), x)
        results.append((g.detach().numpy(), h.numpy()))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    with pytest.warns(UserWarning, match="options ignored"):
        whole(x, dl.rand(7, 9, dtype=dl.float64))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"acc_policy": "fast"}, "invalid acc_policy: 'fast'"),
        ({"chunking_method": "aspect_ratio:0"}, "invalid chunking_method"),
        ({"batch_chunk_size": 0}, "must be positive int or None, got 0"),
        ({"acc_dtype": dl.int64}, "acc_dtype must be one of"),
    ],
)
def test_options_are_checked(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        nn.LinearCrossEntropyOptions(**wrong)


@pytest.mark.parametrize("cutoffs", [[], [5, 3], [0, 3], [3, 10], [3, 3], [2.5]])
def test_cutoffs_are_checked(cutoffs: list[Any]) -> None:
    with pytest.raises(ValueError, match="cutoffs should be a sequence"):
        nn.AdaptiveLogSoftmaxWithLoss(8, 10, cutoffs)
