"""The functions of networks that PyTorch has at its top level, with the arguments they have there.

Those of `nn.functional` came later, with an order of arguments of their own; both compute the same.
Here a reduction is a number, 0 for none, 1 for the mean and 2 for the sum, and the statistics of
batches come after the weights. `cudnn_enabled` has no meaning here.
"""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.nn.top.layers import *
    from dlframe.nn.top.losses import *
    from dlframe.nn.top.native import *

__all__ = lazily(__name__)
