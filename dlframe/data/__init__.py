"""Data sets, the order of their samples, and how samples become batches.

The names are those of `torch.utils.data` and of torchvision's `datasets` and `transforms`.
"""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.data import datasets, transforms
    from dlframe.data.batch import Batch
    from dlframe.data.collate import default_collate, default_convert
    from dlframe.data.dataset import (
        ChainDataset,
        ConcatDataset,
        Dataset,
        IterableDataset,
        StackDataset,
        Subset,
        TensorDataset,
        random_split,
    )
    from dlframe.data.fetch import get_worker_info
    from dlframe.data.loader import DataLoader
    from dlframe.data.sampler import (
        BatchSampler,
        DistributedSampler,
        RandomSampler,
        Sampler,
        SequentialSampler,
        SubsetRandomSampler,
        WeightedRandomSampler,
    )
    from dlframe.data.splits import KFold, Split, folds, split
    from dlframe.data.stream import sample_generator
    from dlframe.data.table import Table, TableEncoder, read_arrays

__all__ = [
    "Batch",
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "DistributedSampler",
    "IterableDataset",
    "KFold",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "Split",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "Table",
    "TableEncoder",
    "TensorDataset",
    "WeightedRandomSampler",
    "datasets",
    "default_collate",
    "default_convert",
    "folds",
    "get_worker_info",
    "random_split",
    "read_arrays",
    "sample_generator",
    "split",
    "transforms",
]

lazily(__name__)
