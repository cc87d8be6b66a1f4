"""The sampler of several processes under PyTorch's path; written in `dlframe.data.sampler`."""

from __future__ import annotations

from dlframe.data.sampler import (
    DistributedSampler,
)

__all__ = [
    "DistributedSampler",
]
