"""Reference values for tests/nn from PyTorch: printed text, initial values, outputs and gradients.

Expressions are evaluated here with `nn` = torch.nn and `dl` = torch, in the tests with ours.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

# What prints the same: reprs and names.
TEXTS = [
    "nn.Sequential()",
    "nn.Sequential(nn.Identity(), nn.Identity())",
    "nn.Sequential(OrderedDict(a=nn.Identity(), b=nn.Sequential(nn.Identity())))",
    "nn.Sequential(OrderedDict(a=nn.Identity(), b=nn.Identity()))[1:]",
    "nn.Sequential(nn.Identity()) * 3",
    "nn.Sequential(nn.Identity()) + nn.Sequential(OrderedDict(x=nn.Identity()))",
    "nn.Sequential(nn.Identity()).append(nn.ModuleList()).insert(0, nn.ModuleDict())",
    "nn.ModuleList()",
    "nn.ModuleList([nn.Identity(), nn.ModuleList(), nn.ModuleList(), nn.Identity()])",
    "nn.ModuleList([nn.Sequential(nn.Identity()) for _ in range(3)])",
    "nn.ModuleList([nn.Identity(), nn.Module(), nn.Sequential()])[1:]",
    "nn.ModuleList([nn.Identity()]) + nn.ModuleList([nn.Module()])",
    "nn.ModuleDict()",
    "nn.ModuleDict({'b': nn.Identity(), 'a': nn.Module()})",
    "nn.ModuleDict([('b', nn.Identity()), ('a', nn.ModuleDict())])",
    "nn.ParameterList()",
    "nn.ParameterDict()",
    "list(nn.ParameterDict({'b': 1, 'a': 2}).keys())",
    "list(nn.ParameterDict(OrderedDict(b=1, a=2)).keys())",
]

# name of the case: shape, function and arguments of torch.nn.init
INIT = {
    "uniform": ((3, 7), "uniform_", {"a": -0.3, "b": 0.7}),
    "normal": ((3, 7), "normal_", {"mean": 1.0, "std": 3.0}),
    "normal_few": ((3,), "normal_", {"mean": 1.0, "std": 3.0}),
    "trunc_normal": ((20, 7), "trunc_normal_", {"std": 1.5}),
    "trunc_normal_tail": ((20, 7), "trunc_normal_", {"a": 1.0, "b": 3.0}),
    "trunc_normal_around_mode": ((20, 7), "trunc_normal_", {"a": -0.1, "b": 0.2}),
    "xavier_uniform": ((4, 3, 2, 2), "xavier_uniform_", {"gain": 2.0}),
    "xavier_normal": ((4, 3, 2, 2), "xavier_normal_", {}),
    "kaiming_uniform": ((4, 3, 2, 2), "kaiming_uniform_", {"a": 5**0.5}),
    "kaiming_uniform_out": ((4, 3, 2), "kaiming_uniform_", {"mode": "fan_out"}),
    "kaiming_normal": ((4, 6), "kaiming_normal_", {"nonlinearity": "relu"}),
    "orthogonal_wide": ((3, 7), "orthogonal_", {}),
    "orthogonal_tall": ((7, 3), "orthogonal_", {"gain": 2.0}),
    "orthogonal_conv": ((4, 3, 2, 2), "orthogonal_", {}),
    "sparse": ((10, 4), "sparse_", {"sparsity": 0.33}),
    "dirac": ((4, 2, 3), "dirac_", {}),
    "dirac_groups": ((6, 2, 3, 4), "dirac_", {"groups": 3}),
    "dirac_volume": ((2, 3, 1, 2, 3), "dirac_", {}),
    "eye": ((3, 5), "eye_", {}),
}


# What layers print, besides those of LAYERS.
TEXTS += [
    "nn.Bilinear(2, 3, 4, bias=False)",
    "nn.Flatten()",
    "nn.Unflatten(1, (2, 3))",
    "nn.Conv2d(4, 6, (3, 5), stride=2, padding=(1, 2), dilation=(1, 2), groups=2, bias=False)",
    "nn.Conv2d(1, 2, 3, padding='same', padding_mode='reflect')",
    "nn.ReLU(inplace=True)",
    "nn.LeakyReLU(0.2, inplace=True)",
    "nn.ELU(0.5, inplace=True)",
    "nn.CELU(0.5, inplace=True)",
    "nn.GELU()",
    "nn.GELU(approximate='tanh')",
    "nn.SiLU(True)",
    "nn.Softplus(2.0, 10.0)",
    "nn.Softmax()",
    "nn.LogSoftmax(dim=1)",
    "nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2, 3, bias=False))",
]

# Layers and their inputs. All random numbers, initial values and inputs alike, come from one seed.
LAYERS = [
    ("nn.Conv2d(2, 3, 3)", "dl.randn(2, 2, 5, 4)"),
    ("nn.Conv2d(4, 6, (2, 3), (2, 1), (1, 2), (2, 1), 2)", "dl.randn(1, 4, 5, 4)"),
    ("nn.Conv2d(1, 2, (2, 3), padding='same')", "dl.randn(1, 1, 4, 4)"),
    ("nn.Conv2d(1, 2, 3, padding=(1, 2), padding_mode='reflect')", "dl.randn(1, 1, 4, 4)"),
    ("nn.Conv2d(1, 2, 3, padding=2, padding_mode='replicate')", "dl.randn(1, 1, 4, 4)"),
    ("nn.Conv2d(1, 2, (2, 4), padding='same', padding_mode='circular')", "dl.randn(1, 4, 4)"),
    ("nn.Conv2d(1, 2, 3, padding='valid', padding_mode='circular')", "dl.randn(1, 1, 4, 4)"),
    ("nn.ReLU()", "dl.randn(6)"),
    ("nn.LeakyReLU(0.2)", "dl.randn(6)"),
    ("nn.ELU(0.5)", "dl.randn(6)"),
    ("nn.CELU(0.5)", "dl.randn(6)"),
    ("nn.GELU()", "dl.randn(6)"),
    ("nn.GELU('tanh')", "dl.randn(6)"),
    ("nn.SiLU()", "dl.randn(6)"),
    ("nn.Sigmoid()", "dl.randn(6)"),
    ("nn.Tanh()", "dl.randn(6)"),
    ("nn.Softplus(2.0, 1.0)", "dl.randn(6)"),
    ("nn.Softmax(dim=0)", "dl.randn(2, 3)"),
    ("nn.LogSoftmax(dim=1)", "dl.randn(2, 3)"),
]


def evaluate(expression: str) -> Any:
    return eval(expression, {"nn": nn, "dl": torch, "OrderedDict": OrderedDict})


def run_layer(constructor: str, inputs: str) -> dict[str, np.ndarray]:
    """What one layer starts with, gives while training and in evaluation, and its gradients."""
    torch.manual_seed(7)
    layer = evaluate(constructor)
    found = {f"start.{name}": value.clone() for name, value in layer.state_dict().items()}
    args = evaluate(f"({inputs},)")
    if args[0].is_floating_point():
        args[0].requires_grad_()
    found["train"] = layer(*args)
    found["train"].square().sum().backward()
    found |= {f"grad.{name}": p.grad for name, p in layer.named_parameters()}
    if args[0].grad is not None:
        found["grad"] = args[0].grad
    found["eval"] = layer.eval()(*args)
    found |= {f"buffer.{name}": value for name, value in layer.named_buffers()}
    return {name: value.detach().numpy() for name, value in found.items()}


def main() -> None:
    arrays: dict[str, np.ndarray] = {
        "text_expressions": np.array(TEXTS),
        "text_results": np.array([str(evaluate(expression)) for expression in TEXTS]),
        "init_cases": np.array([repr((name, *case)) for name, case in INIT.items()]),
        "layer_cases": np.array(LAYERS),
    }
    for name, (shape, function, kwargs) in INIT.items():
        torch.manual_seed(11)
        tensor = torch.empty(shape)
        getattr(nn.init, function)(tensor, **kwargs)
        arrays[f"init.{name}"] = tensor.numpy()
    # all small arrays in one: a file in the archive costs a quarter of a kilobyte
    names, sizes, values = [], [], []
    for number, case in enumerate(LAYERS):
        for name, value in run_layer(*case).items():
            names.append(f"{number} {name} {'x'.join(map(str, value.shape))}")
            sizes.append(value.size)
            values.append(value.ravel().astype(np.float64))
    arrays["layer_names"] = np.array(names)
    arrays["layer_sizes"] = np.array(sizes)
    arrays["layer_values"] = np.concatenate(values)
    np.savez_compressed(Path(__file__).with_name("nn.npz"), **arrays)


if __name__ == "__main__":
    main()
