"""Arrays with a hidden batch dimension, which `dlframe.vmap` computes with.

A `BatchedArray` replaces an ndarray: it shows the shape of one example, and NumPy's
functions work on all examples at once, or else example by example.

The rest of the library meets batches at one door: where a formula raised one of `BATCH_ERRORS` and
`holds_batch` says that a batch was among its arguments, `one_by_one` is called.
"""

from __future__ import annotations

from dlframe.ops.batched.base import (
    BATCH_ERRORS,
    BatchedBase,
    LoopNeeded,
    all_examples,
    holds_batch,
    one_example,
)
from dlframe.ops.batched.loop import one_by_one

__all__ = [
    "BATCH_ERRORS",
    "BatchedBase",
    "LoopNeeded",
    "all_examples",
    "holds_batch",
    "one_by_one",
    "one_example",
]
