from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import dlframe as dl
from dlframe import nn

Golden = Callable[[str], dict[str, np.ndarray]]


def reference_of(golden: Golden) -> list[tuple[str, str, dict[str, np.ndarray]]]:
    """Per layer: its constructor, its inputs, and what PyTorch made of them."""
    file = golden("nn")
    cases = [(str(new), str(inputs), {}) for new, inputs in file["layer_cases"]]
    ends = np.cumsum(file["layer_sizes"])
    for name, size, end in zip(file["layer_names"], file["layer_sizes"], ends, strict=True):
        number, key, shape = str(name).split(" ")
        values = file["layer_values"][end - size : end]
        cases[int(number)][2][key] = values.reshape([int(n) for n in shape.split("x") if n])
    return cases


def run_layer(constructor: str, inputs: str) -> dict[str, np.ndarray]:
    """As run_layer in golden/make_nn.py."""
    dl.manual_seed(7)
    names = {"nn": nn, "dl": dl}
    layer = eval(constructor, names)
    found: dict[str, Any] = {f"start.{k}": v.clone() for k, v in layer.state_dict().items()}
    args = eval(f"({inputs},)", names)
    if args[0].is_floating_point():
        args[0].requires_grad_()
    found["train"] = layer(*args)
    found["train"].square().sum().backward()
    found |= {f"grad.{name}": p.grad for name, p in layer.named_parameters()}
    if args[0].grad is not None:
        found["grad"] = args[0].grad
    found["eval"] = layer.eval()(*args)
    found |= {f"buffer.{name}": value for name, value in layer.named_buffers()}
    assert found["train"].dtype == dl.float32
    return {name: value.detach().numpy() for name, value in found.items()}


def test_every_layer_gives_pytorchs_numbers(golden: Golden) -> None:
    """Initial values, outputs in both modes, gradients, and the statistics that were kept."""
    for constructor, inputs, expected in reference_of(golden):
        found = run_layer(constructor, inputs)
        assert list(found) == list(expected), constructor
        for name, value in expected.items():
            assert found[name].shape == value.shape, (constructor, name)
            np.testing.assert_allclose(
                found[name], value, rtol=1e-4, atol=2e-6, err_msg=f"{constructor}: {name}"
            )
