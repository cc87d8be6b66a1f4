"""`dlframe.utils.data`: PyTorch's path to the data sets, samplers and loaders."""

from __future__ import annotations

import subprocess
import sys

import pytest

import dlframe.data as ours
from dlframe.utils import data
from dlframe.utils.data import IterDataPipe, _utils, functional_datapipe
from dlframe.utils.data._utils.collate import collate, default_collate_fn_map
from dlframe.utils.data._utils.worker import WorkerInfo
from dlframe.utils.data.dataloader import DataLoader
from dlframe.utils.data.dataset import random_split
from dlframe.utils.data.distributed import DistributedSampler
from dlframe.utils.data.sampler import Sampler

# What `dir(torch.utils.data)` of PyTorch 2.13 has of public names, without its graphs of pipes.
NAMES = [
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


def test_all_names_of_pytorch_are_there() -> None:
    assert sorted(data.__all__) == NAMES


def test_they_are_the_same_objects() -> None:
    for name in set(NAMES) & set(ours.__all__):
        assert getattr(data, name) is getattr(ours, name)
    assert data.DataLoader is DataLoader
    assert data.DistributedSampler is DistributedSampler
    assert data.random_split is random_split
    assert data.Sampler is Sampler
    assert _utils.collate.collate is collate
    assert WorkerInfo.__name__ == "WorkerInfo"


def test_a_type_can_be_registered_for_collating(monkeypatch: pytest.MonkeyPatch) -> None:
    class Word:
        def __init__(self, text: str) -> None:
            self.text = text

    def join(batch: list[Word], *, collate_fn_map: object = None) -> str:
        return "-".join(word.text for word in batch)

    monkeypatch.setitem(default_collate_fn_map, Word, join)
    samples = [(Word("a"), 1), (Word("b"), 2)]
    text, numbers = next(iter(DataLoader(samples, batch_size=2)))
    assert (text, numbers.tolist()) == ("a-b", [1, 2])


@pytest.mark.parametrize("kind", [float, int])
def test_a_function_can_take_the_place_of_ours(monkeypatch: pytest.MonkeyPatch, kind: type) -> None:
    monkeypatch.setitem(default_collate_fn_map, kind, lambda batch, **_: list(batch))
    assert data.default_collate([kind(1), kind(2)]) == [1, 2]
    columns = ours.Batch(([kind(1), kind(2)], [True, False]))
    assert data.default_collate(columns)[0] == [1, 2]


def test_pipes_can_be_imported_and_say_what_to_do() -> None:
    with pytest.raises(NotImplementedError, match=r"IterDataPipe: .*IterableDataset"):
        IterDataPipe()
    with pytest.raises(NotImplementedError, match=r"IterDataPipe: .*IterableDataset"):

        class Pipe(IterDataPipe):
            pass

    with pytest.raises(NotImplementedError, match="functional_datapipe"):
        functional_datapipe("f")


def test_import_dlframe_loads_none_of_it() -> None:
    code = "import sys, dlframe; print([m for m in sys.modules if m.startswith('dlframe.utils')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
