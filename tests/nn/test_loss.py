from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.errors import LabelError, ShapeError

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
