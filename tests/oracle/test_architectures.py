"""Whole networks, made from PyTorch's state, beside PyTorch's own."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from samples.architectures import NETWORKS, Network, make, resnet18, train

import dlframe as dl

torch = pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what PyTorch says of nested tensors and masks
        yield
    torch.set_num_threads(threads)


def close(ours: Any, theirs: Any, what: str, tolerance: float = 1e-8) -> None:
    a, b = (np.asarray(x.detach().numpy()) for x in (ours, theirs))
    assert (a.shape, a.dtype) == (b.shape, b.dtype), what
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=what)


def loss_of(network: Network, lib: Any) -> Any:
    """One loss in training, with its gradients."""
    before = lib.get_default_dtype()
    lib.set_default_dtype(lib.float64)
    try:
        lib.manual_seed(3)
        loss = network.loss(network.model, network.batch(0))
        loss.backward()
        return loss
    finally:
        lib.set_default_dtype(before)


@pytest.mark.parametrize("name", NETWORKS)
def test_network_is_pytorchs(name: str) -> None:
    """Text, initial values, one loss with all gradients, ten steps of training, evaluation."""
    ours, theirs = make(name, dl, seed=0), make(name, torch, seed=0)
    assert str(ours.model) == str(theirs.model)
    state = theirs.model.state_dict()
    assert list(ours.model.state_dict()) == list(state)
    for key, value in state.items():
        close(ours.model.state_dict()[key], value, f"initial {key}")
    ours = make(name, dl, seed=5)  # other weights, which PyTorch's replace
    ours.model.load_state_dict(state)
    close(loss_of(ours, dl), loss_of(theirs, torch), "loss")
    grads = dict(theirs.model.named_parameters())
    for key, parameter in ours.model.named_parameters():
        close(parameter.grad, grads[key].grad, f"gradient of {key}")
    for network in (ours, theirs):
        network.model.zero_grad()
    assert train(ours, dl) == pytest.approx(train(theirs, torch), rel=1e-7)
    for key, value in theirs.model.state_dict().items():
        close(ours.model.state_dict()[key], value, f"{key} after training", 1e-6)
    for network in (ours, theirs):
        network.model.eval()
    close(loss_of(ours, dl), loss_of(theirs, torch), "loss in evaluation", 1e-6)


def test_resnet18_of_full_width() -> None:
    """11 million parameters: one loss with its gradients, in float32."""
    networks = []
    for lib in (dl, torch):
        lib.manual_seed(0)
        networks.append(resnet18(lib, 64))
    ours, theirs = networks
    ours.model.load_state_dict(theirs.model.state_dict())
    losses = []
    for network in networks:
        network.batch = lambda step, batch=network.batch: batch(step)
        loss = network.loss(network.model, network.batch(0))
        loss.backward()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    grads = dict(theirs.model.named_parameters())
    for key, parameter in ours.model.named_parameters():
        close(parameter.grad, grads[key].grad, key, 1e-3)
