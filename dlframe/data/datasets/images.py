"""The base class of data sets of images: transforms, classes, and the search for files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlframe.data.batch import Batch, take
from dlframe.data.dataset import Dataset, fetch
from dlframe.data.transforms import batchable
from dlframe.errors import DatasetError, DatasetMissingError
from dlframe.tensor import Tensor, to_array

Transform = Callable[[Any], Any]


class ImageDataset(Dataset[tuple[Any, Any]]):
    """Images and labels in memory; a sample is (transform(image), target_transform(label)).

    A subclass defines `_raw(index)`, which returns one image for the transform, and
    `_raws(indices)`, which returns several. Without a transform the sample has the image of
    `_raw`. If the transform works on batches (`dlframe.data.transforms.batchable`), a loader
    fetches whole batches.
    """

    classes: Sequence[str] = ()
    data: Any
    targets: Any

    def __init__(
        self, transform: Transform | None = None, target_transform: Transform | None = None
    ) -> None:
        self.transform = transform
        self.target_transform = target_transform

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The label of each class name."""
        return {name: label for label, name in enumerate(self.classes)}

    def _raw(self, index: int) -> Any:
        raise NotImplementedError

    def _raws(self, indices: Sequence[int]) -> Any:
        raise NotImplementedError

    def _labels(self, indices: Sequence[int]) -> list[int]:
        targets = self.targets
        if isinstance(targets, (Tensor, np.ndarray)):
            numbers: list[int] = take(to_array(targets), indices).tolist()
            return numbers
        return [int(targets[i]) for i in indices]

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image = self._raw(index)
        label: Any = self._labels([index])[0]
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            label = self.target_transform(label)
        return image, label

    def __getitems__(self, indices: list[int]) -> Sequence[tuple[Any, Any]]:
        if not batchable(self.transform):
            return fetch(_OneByOne(self), indices)
        images = self.transform.batch(self._raws(indices))  # type: ignore[union-attr] # batchable() looked
        labels: Any = self._labels(indices)
        if self.target_transform is not None:
            labels = [self.target_transform(label) for label in labels]
        else:
            labels = np.array(labels, dtype=np.int64)
        return Batch((images, labels))

    def __repr__(self) -> str:
        return f"{type(self).__name__} of {len(self)} images"


class _OneByOne:
    """A data set without its `__getitems__`."""

    def __init__(self, dataset: ImageDataset) -> None:
        self.dataset = dataset

    def __getitem__(self, index: int) -> Any:
        return self.dataset[index]


def find_files(folders: Iterable[Path], names: Sequence[str]) -> list[Path]:
    """All files of these names in these folders, folder by folder."""
    return [path for folder in folders for name in names if (path := folder / name).is_file()]


def not_found(
    dataset: str,
    key: str,
    names: Sequence[str],
    folders: Iterable[Path],
    urls: Sequence[str],
) -> DatasetMissingError:
    """The error for missing files: it names them, the folders searched, and how to get them.

    `key` is the data set's name in `DATASETS` and on the command line.
    """
    places = "\n".join(f"  {folder}" for folder in folders)
    addresses = "\n".join(f"  {url}" for url in urls)
    facts = f"{dataset}: {' or '.join(names)} was found in none of\n{places}"
    return DatasetMissingError(
        f"{facts}\nPass download=True (or run: dlframe data download {key}), or put the file into "
        f"one of these folders; it is at\n{addresses}",
        facts=f"{facts}\nIt is at\n{addresses}",
        key=key,
    )


def damaged(dataset: str, key: str, path: Path, complaint: str) -> DatasetError:
    """The error for a file whose content is not the published one."""
    facts = f"{dataset}: {path} is damaged: {complaint}"
    return DatasetError(
        f"{facts}. Pass download=True (or run: dlframe data download {key}) to fetch it again",
        facts=facts,
        key=key,
    )


def as_root(root: str | os.PathLike[str]) -> Path:
    """The folder as a Path, with ~ for the home folder; DatasetError if there is none."""
    try:
        return Path(root).expanduser()
    except RuntimeError:
        raise DatasetError(
            f"the folder {os.fspath(root)!r} begins with ~, and it is not known which folder that "
            "is for this user: write it out, or set the variable HOME"
        ) from None
