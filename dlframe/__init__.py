"""dlframe: deep learning in readable NumPy. PyTorch's API, PyTorch's numbers, none of PyTorch's weight.

>>> import dlframe as dl
>>> x = dl.tensor(3.0, requires_grad=True)
>>> (x**2).backward()
>>> x.grad
tensor(6.)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from dlframe import autograd, cuda, errors, nn, optim, random
from dlframe.autograd import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from dlframe.creation import (
    arange,
    as_tensor,
    bernoulli,
    empty,
    empty_like,
    eye,
    from_dlpack,
    from_numpy,
    full,
    full_like,
    linspace,
    multinomial,
    normal,
    ones,
    ones_like,
    rand,
    rand_like,
    randint,
    randn,
    randn_like,
    randperm,
    tensor,
    zeros,
    zeros_like,
)
from dlframe.device import device
from dlframe.dtypes import (
    bool,
    can_cast,
    double,
    finfo,
    float,
    float16,
    float32,
    float64,
    get_default_dtype,
    half,
    iinfo,
    int,
    int8,
    int16,
    int32,
    int64,
    long,
    promote_types,
    set_default_dtype,
    short,
    uint8,
    uint16,
    uint32,
    uint64,
)
from dlframe.functions import *
from dlframe.printing import set_printoptions
from dlframe.random import (
    Generator,
    default_generator,
    fork_rng,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from dlframe.tensor import Tensor
from dlframe.version import __version__

if TYPE_CHECKING:
    from dlframe import data, metrics, models, plugins, testing, training, utils, viz
    from dlframe.training import Trainer

# Loaded on first use: they pull in what a bare `import dlframe` should not pay for.
_LAZY_MODULES = {"data", "metrics", "models", "plugins", "testing", "training", "utils", "viz"}
_LAZY_NAMES = {
    "Trainer": "dlframe.training",
    "get_num_threads": "dlframe.threads",
    "set_num_threads": "dlframe.threads",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY_MODULES:
        return importlib.import_module(f"dlframe.{name}")
    if name in _LAZY_NAMES:
        return getattr(importlib.import_module(_LAZY_NAMES[name]), name)
    raise AttributeError(f"module 'dlframe' has no attribute {name!r}")
