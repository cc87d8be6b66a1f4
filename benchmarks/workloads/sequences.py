"""Recurrent layers, and transformers as programs write them."""

from __future__ import annotations

from typing import Any

from benchmarks.workloads.step import Step, training


def recurrent(lib: Any, model: Any, steps: int = 50) -> Step:
    """Forward and backward of 32 sequences of 50 steps with 32 features."""
    x = lib.randn(steps, 32, 32)

    def step() -> Any:
        loss = model(x)[0].square().mean()
        model.zero_grad()
        loss.backward()
        return loss

    return step


def rnn(lib: Any) -> Step:
    """RNN 32 → 128 over 50 steps of 32 sequences."""
    lib.manual_seed(0)
    return recurrent(lib, lib.nn.RNN(32, 128))


def lstm(lib: Any) -> Step:
    """LSTM 32 → 128 over 50 steps of 32 sequences."""
    lib.manual_seed(0)
    return recurrent(lib, lib.nn.LSTM(32, 128))


def gru(lib: Any) -> Step:
    """GRU 32 → 128 over 50 steps of 32 sequences."""
    lib.manual_seed(0)
    return recurrent(lib, lib.nn.GRU(32, 128))


def lstm_deep(lib: Any) -> Step:
    """Two layers of LSTM in both directions, 32 → 128, over 50 steps of 32 sequences."""
    lib.manual_seed(0)
    return recurrent(lib, lib.nn.LSTM(32, 128, 2, bidirectional=True))


def gpt_of(
    lib: Any,
    layers: int,
    width: int,
    heads: int,
    by_hand: bool = False,
    batch: int = 12,
    length: int = 64,
) -> Step:
    """A step of a language model of 65 letters as programs write it."""
    lib.manual_seed(0)
    nn, F, letters = lib.nn, lib.nn.functional, 65

    class Attention(nn.Module):  # type: ignore[misc] # of either library
        def __init__(self) -> None:
            super().__init__()
            self.project, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.register_buffer("later", lib.ones(length, length, dtype=lib.bool).triu(1))

        def forward(self, x: Any) -> Any:
            b, t, c = x.shape
            parts = self.project(x).split(c, dim=2)
            q, k, v = (part.view(b, t, heads, c // heads).transpose(1, 2) for part in parts)
            if by_hand:
                scores = (q @ k.transpose(-2, -1)) * (c // heads) ** -0.5
                y = scores.masked_fill(self.later, float("-inf")).softmax(dim=-1) @ v
            else:
                y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.out(y.transpose(1, 2).contiguous().view(b, t, c))

    class Block(nn.Module):  # type: ignore[misc] # of either library
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.attention = nn.LayerNorm(width), Attention()
            self.norm2, self.network = nn.LayerNorm(width), nn.Sequential(
                nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
            )  # fmt: skip

        def forward(self, x: Any) -> Any:
            x = x + self.attention(self.norm1(x))
            return x + self.network(self.norm2(x))

    class Model(nn.Module):  # type: ignore[misc] # of either library
        def __init__(self) -> None:
            super().__init__()
            self.letter, self.place = nn.Embedding(letters, width), nn.Embedding(length, width)
            self.blocks = nn.Sequential(*[Block() for _ in range(layers)])
            self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, letters)

        def forward(self, x: Any) -> Any:
            x = self.letter(x) + self.place(lib.arange(x.shape[1]))
            return self.head(self.norm(self.blocks(x)))

    model = Model()
    optimizer = lib.optim.AdamW(model.parameters(), lr=1e-3)
    text = lib.randint(0, letters, (batch, length + 1))
    x, y = text[:, :-1], text[:, 1:]

    def step() -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x).view(-1, letters), y.reshape(-1))
        loss.backward()
        optimizer.step()
        return loss

    return step


def gpt_small(lib: Any) -> Step:
    """A GPT of 3 layers of 48 with 3 heads: forward, backward and AdamW."""
    return gpt_of(lib, 3, 48, 3)


def gpt(lib: Any) -> Step:
    """A GPT of 4 layers of 128 with 4 heads."""
    return gpt_of(lib, 4, 128, 4)


def gpt_by_hand(lib: Any) -> Step:
    """The same with masked_fill and softmax in place of scaled_dot_product_attention."""
    return gpt_of(lib, 4, 128, 4, by_hand=True)


def encoder_layer(lib: Any) -> Step:
    """`TransformerEncoderLayer(128, 4)` on 12 sequences of 64, with dropout."""
    lib.manual_seed(0)
    layer = lib.nn.TransformerEncoderLayer(128, 4, batch_first=True)
    x, y = lib.randn(12, 64, 128), lib.randn(12, 64, 128)
    return training(lib, layer, lib.nn.MSELoss(), x, y, 0.01)
