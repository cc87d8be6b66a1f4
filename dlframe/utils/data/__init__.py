"""Data sets, samplers and loaders under PyTorch's path; written in `dlframe.data`.

>>> from dlframe.utils.data import DataLoader, TensorDataset
>>> [x.tolist() for x, in DataLoader(TensorDataset(dl.arange(3)), batch_size=2)]
[[0, 1], [2]]
"""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.data import (
        BatchSampler,
        ChainDataset,
        ConcatDataset,
        DataLoader,
        Dataset,
        DistributedSampler,
        IterableDataset,
        RandomSampler,
        Sampler,
        SequentialSampler,
        StackDataset,
        Subset,
        SubsetRandomSampler,
        TensorDataset,
        WeightedRandomSampler,
        default_collate,
        default_convert,
        get_worker_info,
        random_split,
    )
    from dlframe.utils.data import _utils, dataloader, datapipes, dataset, distributed, sampler
    from dlframe.utils.data.datapipes import (
        DataChunk,
        DFIterDataPipe,
        IterDataPipe,
        MapDataPipe,
        argument_validation,
        functional_datapipe,
        guaranteed_datapipes_determinism,
        non_deterministic,
        runtime_validation,
        runtime_validation_disabled,
    )

__all__ = [
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DFIterDataPipe",
    "DataChunk",
    "DataLoader",
    "Dataset",
    "DistributedSampler",
    "IterDataPipe",
    "IterableDataset",
    "MapDataPipe",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "argument_validation",
    "dataloader",
    "datapipes",
    "dataset",
    "default_collate",
    "default_convert",
    "distributed",
    "functional_datapipe",
    "get_worker_info",
    "guaranteed_datapipes_determinism",
    "non_deterministic",
    "random_split",
    "runtime_validation",
    "runtime_validation_disabled",
    "sampler",
]

lazily(__name__)
