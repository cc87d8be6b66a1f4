"""Sequences so long that they are worked on in pieces: as two shorter ones, one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.nn.utils.rnn import pack_sequence, unpack_sequence


def gradients(layer: nn.Module, outputs: Any, x: Any) -> list[np.ndarray]:
    weights = np.cos(np.arange(outputs.numel())).reshape(outputs.shape)
    loss = (outputs * dl.tensor(weights)).sum()
    return [g.numpy() for g in dl.autograd.grad(loss, [x, *layer.parameters()])]


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_a_long_sequence_is_two_short_ones(kind: Any) -> None:
    layer = kind(2, 200, dtype=dl.float64)
    x = dl.randn(400, 3, 2, dtype=dl.float64, requires_grad=True)
    whole, last = layer(x)
    first, state = layer(x[:150])
    second, end = layer(x[150:], state)
    parts = dl.cat([first, second])
    np.testing.assert_allclose(whole.detach(), parts.detach(), rtol=1e-9, atol=1e-12)
    for a, b in zip(last, end, strict=True):
        np.testing.assert_allclose(a.detach(), b.detach(), rtol=1e-9, atol=1e-12)
    for a, b in zip(gradients(layer, whole, x), gradients(layer, parts, x), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_long_packed_sequences_are_each_by_itself(kind: Any) -> None:
    """Backwards in time as well, where the pieces of several lengths come in the other order."""
    layer = kind(2, 200, bidirectional=True, dtype=dl.float64)
    sequences = [dl.randn(n, 2, dtype=dl.float64) for n in (500, 330, 3)]
    packed = unpack_sequence(layer(pack_sequence(sequences))[0])
    for x, y in zip(sequences, packed, strict=True):
        np.testing.assert_allclose(y.detach(), layer(x)[0].detach(), rtol=1e-9, atol=1e-12)


def test_an_infinite_gradient_does_not_pass_a_relu_that_is_0() -> None:
    rnn = dl.nn.RNN(1, 2, nonlinearity="relu")
    with dl.no_grad():
        for parameter in rnn.parameters():
            parameter.fill_(0.5)
        rnn.weight_ih_l0[0] = -3
        rnn.bias_ih_l0[0] = -9
    x = dl.ones(3, 1, 1, requires_grad=True)
    out, _ = rnn(x)
    g = dl.zeros(3, 1, 2)
    g[1, 0, 0] = float("inf")
    out.backward(g)
    for found in (x, *rnn.parameters()):
        assert found.grad is not None
        assert not found.grad.any()
