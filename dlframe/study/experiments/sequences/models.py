"""The four readers of sequences: RNN, LSTM, GRU and causal attention, between the same ends."""

from __future__ import annotations

from typing import Any

from dlframe import nn
from dlframe.autograd import no_grad
from dlframe.study.experiments.sequences.tasks import LETTERS
from dlframe.tensor import Tensor
from dlframe.tensor.creation import arange
from dlframe.tensor.functions import stack

CELLS = ["RNN", "LSTM", "GRU", "attention"]

HEADS = 4
PARAMETERS = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]  # of a recurrent layer
SIGNS = LETTERS + 2  # with the blank and the sign to go


class Reader(nn.Module):
    """Enters each step into `hidden` features, reads them in order, and answers at the last steps.

    x is (N, L) letters or (N, L, features) numbers; the result is (N, outputs, last), which is
    what `nn.CrossEntropyLoss` and `nn.MSELoss` take.
    """

    def __init__(
        self, enter: nn.Module, body: nn.Module, outputs: int, hidden: int, last: int
    ) -> None:
        super().__init__()
        self.enter = enter
        self.body = body
        self.leave = nn.Linear(hidden, outputs)
        self.last = last

    def states(self, entered: Tensor) -> Tensor:
        """The state after each step, (N, L, hidden); it depends on this step and earlier ones."""
        found: Any = self.body(entered)
        return found if isinstance(found, Tensor) else found[0]

    def forward(self, x: Tensor) -> Tensor:
        """The outputs of the last steps."""
        found: Tensor = self.leave(self.states(self.enter(x))[:, -self.last :]).transpose(1, 2)
        return found


class Causal(nn.Module):
    """Layers of a transformer, in which a step sees itself and earlier ones.

    Each place has a vector that is learned, and begins as sines and cosines of the place: so a step
    can find the one before it in the same way at all places (Vaswani et al. 2017, section 3.5).
    """

    def __init__(self, hidden: int, longest: int, layers: int = 1) -> None:
        super().__init__()
        self.places = nn.Embedding.from_pretrained(waves(longest, hidden), freeze=False)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                hidden, HEADS, 2 * hidden, dropout=0.0, batch_first=True, norm_first=True
            )
            for _ in range(layers)
        )

    def forward(self, x: Tensor) -> Tensor:
        """x is (N, L, hidden), and so is the result."""
        steps = x.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(steps, dtype=x.dtype)
        x = x + self.places(arange(steps))
        for layer in self.layers:
            x = layer(x, src_mask=mask, is_causal=True)
        return x


def waves(places: int, features: int) -> Tensor:
    """Sines and cosines of the places, with wavelengths from 2π to 20,000 π."""
    slower = 10_000.0 ** (-arange(0, features, 2) / features)
    angles = arange(places).reshape(-1, 1) * slower
    return stack([angles.sin(), angles.cos()], dim=2).reshape(places, features)


def make_body(
    cell: str, hidden: int, longest: int, layers: int = 1, forget_bias: float = 0.0
) -> nn.Module:
    """What reads the steps, by the name of a level; `forget_bias` is added to an LSTM's."""
    if cell == "attention":
        return Causal(hidden, longest, layers)
    body: nn.Module = getattr(nn, cell)(hidden, hidden, batch_first=True)
    if isinstance(body, nn.LSTM):
        with no_grad():
            bias = body.get_parameter("bias_ih_l0")
            bias[hidden : 2 * hidden] += forget_bias  # the rows are those of i, f, g, o
    return body


def for_copying(
    cell: str, delay: int, count: int, hidden: int = 32, forget_bias: float = 0.0
) -> Reader:
    """Letters in, letters out at the last `count` steps."""
    body = make_body(cell, hidden, delay + 2 * count, forget_bias=forget_bias)
    return Reader(nn.Embedding(SIGNS, hidden), body, LETTERS, hidden, last=count)


def for_adding(cell: str, length: int, hidden: int = 32) -> Reader:
    """Pairs of number and mark in, one number out at the last step."""
    body = make_body(cell, hidden, length)
    return Reader(nn.Linear(2, hidden), body, 1, hidden, last=1)


def for_text(cell: str, letters: int, length: int, hidden: int = 64) -> Reader:
    """Letters in, and after each of them the scores of the next one; attention has two layers."""
    body = make_body(cell, hidden, length, layers=2)
    return Reader(nn.Embedding(letters, hidden), body, letters, hidden, last=length)


def gates(body: nn.Module, entered: Tensor) -> dict[str, Tensor]:
    """The gates of an LSTM (i, f, o) or a GRU (r, z) at each step, (N, L, hidden) each."""
    with no_grad():
        h = body(entered)[0]
        before = nn.functional.pad(h, (0, 0, 1, 0))[:, :-1]  # the state that each step found
        w, v, b, d = (body.get_parameter(f"{name}_l0") for name in PARAMETERS)
        z = entered @ w.T + b + before @ v.T + d
        names = "ifgo" if isinstance(body, nn.LSTM) else "rzn"
        parts = z.chunk(len(names), dim=-1)
        return {
            name: part.sigmoid()
            for name, part in zip(names, parts, strict=True)
            if name not in "gn"  # what is added or blended in, which is no gate
        }
