"""The loader under PyTorch's path; written in `dlframe.data.loader`."""

from __future__ import annotations

from dlframe.data.collate import default_collate, default_convert
from dlframe.data.dataset import Dataset, IterableDataset
from dlframe.data.fetch import get_worker_info
from dlframe.data.loader import DataLoader
from dlframe.data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

__all__ = [
    "BatchSampler",
    "DataLoader",
    "Dataset",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "default_collate",
    "default_convert",
    "get_worker_info",
]
