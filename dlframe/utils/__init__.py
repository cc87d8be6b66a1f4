"""Files, checkpoints and summaries of models.

>>> from dlframe import utils
>>> model = nn.Linear(3, 1)
>>> utils.summary(model, (8, 3)).parameters
4
"""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.utils import _pytree, data, dlpack, safetensors, tensorboard
    from dlframe.utils.atomic import atomic_write
    from dlframe.utils.checkpoint import load_checkpoint, mismatches, save_checkpoint
    from dlframe.utils.files import load, save
    from dlframe.utils.hdf5 import inspect
    from dlframe.utils.summary import Summary, summary

__all__ = [
    "Summary",
    "atomic_write",
    "data",
    "dlpack",
    "inspect",
    "load",
    "load_checkpoint",
    "mismatches",
    "safetensors",
    "save",
    "save_checkpoint",
    "summary",
    "tensorboard",
]

lazily(__name__)
