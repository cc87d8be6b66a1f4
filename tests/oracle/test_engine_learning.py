"""MAML, the flow and the GPT of the study of the engine, beside the same programs in PyTorch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import optim
from dlframe.data.datasets import Moons
from dlframe.study.experiments.engine import flow, maml, names

torch = pytest.importorskip("torch")
nn = torch.nn
F = nn.functional


def theirs(tensor: Any) -> Any:
    return torch.tensor(tensor.detach().numpy().copy())


def state(model: Any) -> dict[str, Any]:
    return {name: theirs(value) for name, value in model.state_dict().items()}


def losses(model: Any, optimizer: Any, loss: Any, steps: int) -> list[float]:
    """The loss of each step, under either library."""
    found = []
    descent = optimizer(model.parameters(), lr=0.01)
    for step in range(steps):
        value = loss(model, step)
        descent.zero_grad()
        value.backward()
        descent.step()
        found.append(value.item())
    return found


# --- learning to learn -------------------------------------------------------------------------


def outer_loss(model: Any, task: Any, rate: float, *, first_order: bool) -> Any:
    """MAML as it is written with `create_graph`, one sine after the other."""
    errors = []
    for x, y in zip(*task, strict=True):
        weights = dict(model.named_parameters())
        inner = F.mse_loss(torch.func.functional_call(model, weights, (x[: maml.SEEN],)),
                           y[: maml.SEEN])  # fmt: skip
        gradient = torch.autograd.grad(inner, weights.values(), create_graph=not first_order)
        fast = {name: w - rate * g for (name, w), g in zip(weights.items(), gradient, strict=True)}
        new = torch.func.functional_call(model, fast, (x[maml.SEEN :],))
        errors.append(F.mse_loss(new, y[maml.SEEN :]))
    return torch.stack(errors).mean()


@pytest.mark.parametrize("method", ["MAML", "first-order MAML"])
def test_learning_to_learn(method: str) -> None:
    dl.manual_seed(0)
    ours = maml.network().double()
    tasks = [tuple(part.double() for part in maml.sines(4, 20)) for _ in range(5)]
    other = nn.Sequential(nn.Linear(1, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(),
                          nn.Linear(40, 1)).double()  # fmt: skip
    other.load_state_dict(state(ours))
    found = losses(ours, optim.Adam, lambda m, i: maml.outer_loss(m, method, tasks[i], 0.02), 5)
    first_order = method != "MAML"
    expected = losses(
        other,
        torch.optim.Adam,
        lambda m, i: outer_loss(m, map(theirs, tasks[i]), 0.02, first_order=first_order),
        5,
    )
    np.testing.assert_allclose(found, expected, rtol=1e-9)


# --- the flow ----------------------------------------------------------------------------------


class Flow(nn.Module):
    """Couplings and a scale, in PyTorch."""

    def __init__(self, couplings: int, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.couplings = nn.ModuleList(
            nn.ModuleDict({"network": nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32),
                                                    nn.Tanh(), nn.Linear(32, 2))})
            for _ in range(couplings)
        )  # fmt: skip
        self.log_scale = nn.Parameter(torch.zeros(2))
        self.register_buffer("centre", torch.tensor(flow.CENTRE))

    def log_prob(self, x: Any) -> Any:
        z, total = (x - self.centre) / flow.SPREAD, -2 * math.log(flow.SPREAD)
        for i, coupling in enumerate(self.couplings):
            first, second = z[:, :1], z[:, 1:]
            kept, moved = (second, first) if i % 2 else (first, second)
            s, t = coupling["network"](kept).chunk(2, dim=1)
            s = 2 * torch.tanh(s / 2) if self.kind == "affine" else torch.zeros_like(s)
            moved = moved * s.exp() + t
            z = torch.cat([moved, kept] if i % 2 else [kept, moved], dim=1)
            total = total + s[:, 0]
        z = z * self.log_scale.exp()
        normal = torch.distributions.Normal(0, 1).log_prob(z).sum(dim=1)
        return normal + total + self.log_scale.sum()


@pytest.mark.parametrize("kind", ["affine", "additive"])
def test_the_flow(kind: str) -> None:
    dl.manual_seed(0)
    ours = flow.Flow(4, kind).double()
    x = Moons(200).data.double()
    other = Flow(4, kind).double()
    other.load_state_dict(state(ours))
    found = losses(ours, optim.Adam, lambda m, i: -m.log_prob(x).mean(), 10)
    expected = losses(other, torch.optim.Adam, lambda m, i: -m.log_prob(theirs(x)).mean(), 10)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


# --- names -------------------------------------------------------------------------------------


class GPT(nn.Module):
    """The small GPT, in PyTorch."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(27, 48)
        self.position = nn.Embedding(13, 48)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(48, 4, 192, 0.0, "gelu", batch_first=True, norm_first=True)
            for _ in range(2)
        )
        self.norm = nn.LayerNorm(48)
        self.head = nn.Linear(48, 27)

    def forward(self, x: Any) -> Any:
        h = self.embedding(x) + self.position(torch.arange(x.shape[1]))
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        for layer in self.layers:
            h = layer(h, src_mask=mask, is_causal=True)
        return self.head(self.norm(h))


def test_the_gpt() -> None:
    dl.manual_seed(0)
    ours, other = names.GPT(dropout=0.0), GPT()
    other.load_state_dict(state(ours))
    x, y = names.encoded(names.read()[::100])
    tx, ty = theirs(x), theirs(y)
    found = losses(ours, optim.AdamW, lambda m, i: names.loss_of(m, x, y), 5)
    expected = losses(
        other,
        torch.optim.AdamW,
        lambda m, i: F.cross_entropy(m(tx).flatten(0, 1), ty.flatten(), ignore_index=-100),
        5,
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_gru() -> None:
    dl.manual_seed(0)
    ours = names.GRU().eval()  # without dropout
    embedding, gru, head = nn.Embedding(27, 32), nn.GRU(32, 64, batch_first=True), nn.Linear(64, 27)
    for name, module in (("embedding", embedding), ("gru", gru), ("head", head)):
        module.load_state_dict(state(getattr(ours, name)))
    x, _ = names.encoded(names.read()[::100])
    expected = head(gru(embedding(theirs(x)))[0])
    np.testing.assert_allclose(ours(x).detach().numpy(), expected.detach().numpy(), atol=1e-5)
