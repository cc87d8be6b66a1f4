"""Arrays with a hidden batch dimension, which `dlframe.vmap` computes with.

A `BatchedArray` stands where an ndarray would: it shows the shape of one example, and NumPy's
functions work on all examples at once. What cannot be done at once is done example by example.
"""

from __future__ import annotations

from dlframe.ops.batched.base import BatchedBase, LoopNeeded, all_examples, one_example
from dlframe.ops.batched.loop import one_by_one

__all__ = ["BatchedBase", "LoopNeeded", "all_examples", "one_by_one", "one_example"]
