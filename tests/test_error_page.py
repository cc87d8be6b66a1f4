"""The messages in docs/errors.md are those that are raised.

A message stands there in bold, where a paragraph about it begins; `…` stands for what varies.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim, utils
from dlframe.data import DataLoader
from dlframe.data.datasets import MNIST
from dlframe.nn import functional as F

PAGE = Path(__file__).resolve().parent.parent / "docs" / "errors.md"


class Net(nn.Module):
    """Its layers are in a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = [nn.Linear(2, 2)]


class Broken:
    """A data set whose third sample cannot be read."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> int:
        if index == 2:
            raise OSError("no such sample")
        return index


def twice() -> None:
    """Backward through the same graph."""
    loss = dl.ones(2, requires_grad=True).exp().sum()
    loss.backward()
    loss.backward()


def overwritten() -> None:
    """Writing to what a gradient needs."""
    y = dl.ones(2, requires_grad=True).exp()
    y.add_(1)
    y.sum().backward()


def first_nan() -> None:
    """A root of a negative number."""
    with dl.autograd.detect_anomaly():
        dl.tensor([-1.0], requires_grad=True).sqrt()


def cut_off(folder: Path) -> None:
    """A file that ends too early."""
    dl.save({"x": dl.ones(1000)}, folder / "x.h5")
    (folder / "x.h5").write_bytes((folder / "x.h5").read_bytes()[:3000])
    dl.load(folder / "x.h5")


def other_model(folder: Path) -> None:
    """A checkpoint of a larger model."""
    utils.save_checkpoint(folder / "x.h5", model=nn.Sequential(nn.Linear(2, 2)))
    utils.load_checkpoint(folder / "x.h5", model=nn.Sequential(nn.Linear(2, 1)))


def loop(clear: bool = True, value: float = 1.0, first: int = 0) -> None:
    """Steps of plain descent; the optimizer has the parameters of the model from `first` on."""
    model = nn.Sequential(*[nn.Linear(2, 2) for _ in range(4)])
    optimizer = optim.SGD(model[first:].parameters())
    for _ in range(3):
        if clear:
            optimizer.zero_grad()
        model(dl.ones(1, 2)).sum().backward()
        if value != 1.0:
            model[0].weight.grad[0, 0] = value
        optimizer.step()


def no_backward() -> None:
    model = nn.Linear(2, 2)
    optimizer = optim.SGD(model.parameters())
    model(dl.ones(1, 2)).sum()
    optimizer.step()


def scheduled(steps: int) -> None:
    """Steps of a schedule after so many of its optimizer."""
    optimizer = optim.SGD([nn.Parameter(dl.ones(2))])
    schedule = optim.lr_scheduler.StepLR(optimizer, 2)
    for _ in range(steps):
        optimizer.step()
    schedule.step()
    schedule.step()


ATTENTION = nn.MultiheadAttention(8, 2, batch_first=True)
X = dl.ones(2, 5, 8)
ONE = dl.ones(2, requires_grad=True)

# The beginning of a message of the page, and what raises it, given an empty folder.
MAKERS: dict[str, Callable[[Path], Any]] = {
    "linear: mat1": lambda _: nn.Linear(5, 2)(dl.ones(2, 6)),
    "mse_loss": lambda _: nn.MSELoss()(dl.ones(32, 1), dl.ones(32)),
    "conv2d: …": lambda _: nn.Conv2d(3, 2, 3)(dl.ones(2, 1, 8, 8)),
    "batch_norm": lambda _: nn.BatchNorm1d(3)(dl.ones(1, 3)),
    "max_pool2d": lambda _: nn.MaxPool2d(4)(dl.ones(1, 1, 3, 3)),
    "conv2d: Kernel": lambda _: nn.Conv2d(1, 1, 5)(dl.ones(1, 1, 3, 3)),
    "LSTM": lambda _: nn.LSTM(10, 20)(dl.ones(5, 3, 8)),
    "The shape of the 2D": lambda _: ATTENTION(X, X, X, attn_mask=dl.zeros(4, 4)),
    "Expected key_pad": lambda _: ATTENTION(X, X, X, key_padding_mask=dl.zeros(5, 2).bool()),
    "UninitializedParameter": lambda _: nn.LazyLinear(3).weight.sum(),
    "cross_entropy: Target": lambda _: F.cross_entropy(dl.ones(2, 3), dl.tensor([0, 5])),
    "cross_entropy: expected": lambda _: F.cross_entropy(dl.ones(2, 3), dl.ones(2)),
    "cross_entropy: the": lambda _: F.cross_entropy(ONE[None].softmax(1), dl.tensor([0])),
    "embedding": lambda _: nn.Embedding(5, 3)(dl.tensor([7])),
    "ctc_loss": lambda _: F.ctc_loss(dl.zeros(5, 1, 3), dl.tensor([[0, 1]]), (5,), (2,)),
    "optimizer got": lambda _: optim.SGD([], lr=0.1),
    "Net.layers": lambda _: Net().state_dict(),
    "linear: expected": lambda _: nn.Linear(5, 2)(dl.from_numpy(np.ones((2, 5)))),
    "only Tensors": lambda _: dl.tensor([1, 2], requires_grad=True),
    "grad can be": lambda _: (ONE * 2).backward(),
    "element 0": lambda _: dl.ones(()).backward(),
    "Trying": lambda _: twice(),
    "modified": lambda _: overwritten(),
    "a leaf": lambda _: dl.ones(2, requires_grad=True).add_(1),
    "a Tensor that": lambda _: np.asarray(ONE),
    "AnomalyError": lambda _: first_nan(),
    "SGD: step()": lambda _: no_backward(),
    "the gradients were": lambda _: loop(clear=False),
    "backward() computes": lambda _: loop(first=1),
    "the gradients of": lambda _: loop(value=float("nan")),
    "Detected call": lambda _: scheduled(0),
    "StepLR was": lambda _: scheduled(1),
    "cannot load": cut_off,
    "Error(s) in": lambda _: nn.Sequential(nn.Linear(2, 2)).load_state_dict({}),
    "… does not fit": other_model,
    "MNIST: …": lambda folder: MNIST(folder / "nowhere"),
    "DataLoader worker": lambda _: list(DataLoader(Broken(), num_workers=1)),
}
ELSEWHERE = {
    "the loss is nan": "tests/training",
    "the model in": "tests/test_plugins.py",
    "matplotlib is": "tests/viz",
    "StepLR, made": "tests/optim",  # where nothing can be raised: the schedule is being freed
}


def messages() -> list[str]:
    """The messages of the page, in one line each."""
    bold = re.findall(r"\*\*`([^`]+)`", PAGE.read_text("utf-8"))
    return [" ".join(message.split()) for message in bold]


@pytest.mark.parametrize("beginning", MAKERS)
def test_message_is_as_the_page_has_it(
    beginning: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (shown,) = (message for message in messages() if message.startswith(beginning))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises((Exception, Warning)) as caught:
            MAKERS[beginning](tmp_path)
    said = f"{type(caught.value).__name__}: {caught.value}"
    assert re.search(".*".join(map(re.escape, shown.split("…"))), said), said


def test_each_message_of_the_page_is_raised_here_or_elsewhere() -> None:
    known = (*MAKERS, *ELSEWHERE)
    assert [message for message in messages() if not message.startswith(known)] == []
