"""Reference values for tests/nn from PyTorch: printed text of containers, and initial values.

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
    "nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2, 3, bias=False))",
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


def evaluate(expression: str) -> Any:
    return eval(expression, {"nn": nn, "dl": torch, "OrderedDict": OrderedDict})


def main() -> None:
    arrays: dict[str, np.ndarray] = {
        "text_expressions": np.array(TEXTS),
        "text_results": np.array([str(evaluate(expression)) for expression in TEXTS]),
        "init_cases": np.array([repr((name, *case)) for name, case in INIT.items()]),
    }
    for name, (shape, function, kwargs) in INIT.items():
        torch.manual_seed(11)
        tensor = torch.empty(shape)
        getattr(nn.init, function)(tensor, **kwargs)
        arrays[f"init.{name}"] = tensor.numpy()
    np.savez_compressed(Path(__file__).with_name("nn.npz"), **arrays)


if __name__ == "__main__":
    main()
