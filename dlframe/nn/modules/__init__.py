"""PyTorch's paths to the layers: `nn.modules.conv.Conv2d` is `nn.Conv2d`.

Programs name these modules for the bases of layers, as in `isinstance(m, nn.modules.batchnorm.
_BatchNorm)`, and for small helpers such as `nn.modules.utils._pair`. They exist for such programs;
everything is defined elsewhere.

>>> from dlframe import nn
>>> nn.modules.conv.Conv2d is nn.Conv2d
True
>>> isinstance(nn.BatchNorm2d(3), nn.modules.batchnorm._BatchNorm)
True
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

from dlframe.nn.modules import utils

__all__ = [
    "activation", "adaptive", "batchnorm", "channelshuffle", "container", "conv", "distance",
    "dropout", "flatten", "fold", "instancenorm", "lazy", "linear", "loss", "module",
    "normalization", "padding", "pixelshuffle", "pooling", "rnn", "sparse", "transformer",
    "upsampling", "utils",
]  # fmt: skip

PARTS = [name for name in __all__ if name != "utils"]

BASES = {
    "_BatchNorm": "batchnorm._BatchNorm",
    "_NormBase": "batchnorm.RunningNorm",
    "_LazyNormBase": "batchnorm.LazyRunningNorm",
    "_InstanceNorm": "instancenorm._InstanceNorm",
    "_ConvNd": "conv._Kernels",
    "_ConvTransposeNd": "conv._Transposed",
    "_DropoutNd": "dropout._Dropout",
    "_Loss": "loss._Loss",
    "_WeightedLoss": "loss._Loss",
    "_MaxPoolNd": "pooling._MaxPool",
    "_AvgPoolNd": "pooling._AvgPool",
    "_LPPoolNd": "pooling._LPPool",
    "_ConstantPadNd": "padding._ConstantPadding",
    "LazyModuleMixin": "lazy.LazyModuleMixin",
    "_IncompatibleKeys": "state.IncompatibleKeys",
}
"""PyTorch's names of the classes that layers have in common, and where they are here."""

FROM_NN = ("Module", "Parameter", "functional", "init")


class Part(ModuleType):
    """A module of PyTorch's, whose names are those of `dlframe.nn`."""

    def __getattr__(self, name: str) -> Any:
        if name in BASES:
            module, _, own = BASES[name].rpartition(".")
            value = getattr(importlib.import_module(f"dlframe.nn.{module}"), own)
        elif not name.startswith("_") and name in _names():
            value = getattr(_nn(), name)
        elif hasattr(utils, name) and name.startswith("_") and not name.startswith("__"):
            value = getattr(utils, name)  # several modules of PyTorch have them
        else:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        vars(self)[name] = value
        return value

    def __dir__(self) -> list[str]:
        return sorted({*vars(self), *_names(), *BASES})


def _nn() -> ModuleType:
    return importlib.import_module("dlframe.nn")


def _names() -> set[str]:
    return {name for name in _nn().__all__ if name[:1].isupper()} | set(FROM_NN)


for _name in PARTS:
    _part = Part(f"{__name__}.{_name}", f"PyTorch's path to layers: see `{__name__}`.")
    sys.modules[_part.__name__] = globals()[_name] = _part  # for `import dlframe.nn.modules.conv`


def __getattr__(name: str) -> Any:
    return getattr(sys.modules[f"{__name__}.module"], name)
