"""The mistakes of beginners: each message says what was probably meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.utils import summary

F = nn.functional


def ones(*shape: int) -> Any:
    return dl.ones(*shape)


class Misspelt(nn.Module):
    def foward(self, x: Any) -> Any:
        return x


class Returnless(nn.Module):
    def forward(self, x: Any) -> None:
        x + 1


def state_that_is_not_detached() -> None:
    model, h = nn.RNN(2, 3), ones(1, 1, 3)
    for _ in range(2):
        out, h = model(ones(2, 1, 2), h)
        out.sum().backward()


def packed() -> Any:
    return nn.utils.rnn.pack_padded_sequence(ones(5, 3, 2), [5, 3, 2])


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "channels last": (
        lambda: nn.Conv2d(3, 8, 3)(ones(2, 16, 16, 3)), r"channels last\? x.movedim\(-1, 1\)"
    ),
    "channels last, one image": (
        lambda: nn.Conv2d(3, 8, 3)(ones(16, 16, 3)), r"channels last\? x.movedim\(-1, 0\)"
    ),
    "channels last, sequences": (
        lambda: nn.Conv1d(16, 8, 3)(ones(2, 50, 16)), r"channels last\? x.movedim\(-1, 1\)"
    ),
    "no channels": (
        lambda: nn.Conv2d(1, 4, 3)(ones(8, 28, 28)), r"a batch without channels: x.unsqueeze\(1\)"
    ),
    "a class instead of a layer": (
        lambda: nn.Sequential(nn.Linear(2, 2), nn.ReLU), r"ReLU is a class: call it, ReLU\(…\)"
    ),
    "a list of layers": (
        lambda: nn.Sequential([nn.ReLU()]), r"one by one: nn.Sequential\(\*layers\)"
    ),
    "tensors to make a loss": (
        lambda: nn.CrossEntropyLoss(ones(3, 2), dl.tensor([0, 1, 1])), "a loss is made first"
    ),
    "labels before scores": (
        lambda: F.cross_entropy(dl.tensor([1, 0]), ones(2, 3)), "the scores come first"
    ),
    "two states for a GRU": (
        lambda: nn.GRU(2, 3)(ones(5, 1, 2), (ones(1, 1, 3), ones(1, 1, 3))), "only an LSTM has two"
    ),
    "indices for an LSTM": (
        lambda: nn.LSTM(10, 20)(dl.ones(5, 3, dtype=dl.int64)), "put an nn.Embedding before"
    ),
    "all that an LSTM returns": (
        lambda: nn.Sequential(nn.LSTM(10, 20), nn.Linear(20, 2))(ones(5, 3, 10)),
        "take the part that is meant",
    ),
    "a packed sequence": (lambda: nn.Linear(2, 3)(packed()), "pass its .data"),
    "a module instead of its output": (
        lambda: F.linear(nn.ReLU(), ones(2, 2)), r"to get its output: ReLU\(…\)\(x\)"
    ),
    "a forward without return": (
        lambda: nn.Sequential(Returnless(), nn.ReLU())(ones(2)), "lack its `return`"
    ),
    "None for a loss": (lambda: F.mse_loss(None, ones(2)), "lack its `return`"),
    "a misspelt forward": (lambda: Misspelt()(ones(2)), r"is foward meant to be it\?"),
    "a list that is called": (
        lambda: nn.ModuleList([nn.ReLU()])(ones(2)), "it only holds modules: call those"
    ),
    "a tensor as a parameter": (
        lambda: setattr(nn.Linear(2, 2), "weight", ones(2, 2)), "wrap it in nn.Parameter"
    ),
    "lengths of the other dimension": (
        lambda: nn.utils.rnn.pack_padded_sequence(ones(3, 5, 2), [5, 3, 2]), "is batch_first right"
    ),
    "a mask of the other dimension": (
        lambda: nn.MultiheadAttention(8, 2)(
            *[ones(2, 5, 8)] * 3, key_padding_mask=dl.zeros(2, 5).bool()
        ),
        "is batch_first right",
    ),
    "a state that is carried on": (state_that_is_not_detached, r"such as a hidden state"),
    "statistics of other dimensions": (
        lambda: nn.BatchNorm2d(4)(ones(2, 4, 7)), "BatchNorm1d is the layer for it"
    ),
    "statistics of other channels": (
        lambda: nn.BatchNorm2d(4)(ones(2, 8, 7, 7)), "make num_features 8"
    ),
    "a model instead of parameters": (
        lambda: nn.utils.clip_grad_norm_(nn.Linear(2, 2), 1.0), r"pass .parameters\(\)"
    ),
    "a size that was divided": (lambda: nn.Linear(7 * 32 / 2, 10), "a / b is a float"),
    "a shape that was divided": (lambda: nn.LayerNorm(8 / 2), "a / b is a float"),
    "a kernel that was divided": (
        lambda: F.max_pool2d(ones(1, 1, 4, 4), (4 / 2, 2)), "max_pool2d: kernel_size must be integ"
    ),
    "an input instead of its size": (
        lambda: summary(nn.Linear(2, 2), ones(1, 2)), "pass the input itself as input_data="
    ),
    "a path instead of a state": (
        lambda: nn.Linear(2, 2).load_state_dict("model.h5"), r"dl.load\(path\) gives one"
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_message_says_what_to_do(mistake: str) -> None:
    make, advice = MISTAKES[mistake]
    with pytest.raises(Exception, match=advice):
        make()


def test_a_wrong_output_of_a_part_is_named() -> None:
    with pytest.raises(TypeError) as caught:
        nn.Sequential(nn.LSTM(10, 20), nn.Linear(20, 2))(ones(5, 3, 10))
    assert "which is the output of 0 LSTM(10, 20)" in caught.value.__notes__[0]


def test_advice_is_given_only_where_it_may_be_right() -> None:
    with pytest.raises(Exception, match=r"got 4 channels instead") as caught:
        nn.Conv2d(3, 8, 3)(ones(2, 4, 5, 6))
    assert "movedim" not in str(caught.value)
    with pytest.raises(TypeError, match=r"not list; dl.tensor\(\) makes"):
        nn.Linear(2, 2)([1.0, 2.0])
    assert nn.MSELoss()(np.ones(2, np.float32), ones(2)).item() == 0
