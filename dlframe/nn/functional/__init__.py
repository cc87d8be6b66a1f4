"""The functions behind the layers: PyTorch's `torch.nn.functional`, its names and its arguments.

Inputs are tensors. The shapes in the docstrings write N for the batch, C for channels or classes, *
for any number of further dimensions. A function whose docstring names no shapes takes any shape and
returns the same.
"""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.nn.functional.activation import *
    from dlframe.nn.functional.adaptive_pooling import *
    from dlframe.nn.functional.attention import *
    from dlframe.nn.functional.classification import *
    from dlframe.nn.functional.convolution import *
    from dlframe.nn.functional.distance import *
    from dlframe.nn.functional.dropout import *
    from dlframe.nn.functional.embedding import *
    from dlframe.nn.functional.folding import *
    from dlframe.nn.functional.grids import *
    from dlframe.nn.functional.heads import *
    from dlframe.nn.functional.interpolation import *
    from dlframe.nn.functional.linear import *
    from dlframe.nn.functional.linear_cross_entropy import *
    from dlframe.nn.functional.loss import *
    from dlframe.nn.functional.margins import *
    from dlframe.nn.functional.normalization import *
    from dlframe.nn.functional.pairs import *
    from dlframe.nn.functional.pooling import *
    from dlframe.nn.functional.sequences import *
    from dlframe.nn.functional.unpooling import *
    from dlframe.tensor.functions.padding import pad as pad

__all__ = lazily(__name__)
