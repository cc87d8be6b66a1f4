"""Digits: the small set of handwritten digits that comes with the package."""

from __future__ import annotations

import gzip
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlframe.data.batch import take
from dlframe.data.datasets.images import ImageDataset, Transform
from dlframe.tensor import Tensor, to_array

FILE = Path(__file__).parent / "files" / "digits.csv.gz"
TEST_EVERY = 5  # of each class, every fifth image is for testing


class Digits(ImageDataset):
    """1797 handwritten digits, 8×8 grey pixels, embedded in the package: 1442 to train, 355 to
    test.

    The split is fixed: of each class every fifth image, in the order of the file, is for testing.
    `data` is a float32 Tensor (n, 1, 8, 8) in [0, 1], `targets` an int64 Tensor (n,). A sample
    is (Tensor (1, 8, 8), int); a transform gets that Tensor, so ToTensor is not needed. `root`
    and `download` are accepted so that it can replace MNIST, and have no effect.

    E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
    Repository, 1998, doi:10.24432/C50P49, CC BY 4.0.

    >>> digits = Digits(train=False)
    >>> len(digits), digits[0][0].shape == (1, 8, 8)
    (355, True)
    """

    classes: Sequence[str] = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        train: bool = True,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(transform, target_transform)
        self.train = train
        table = _read_table()
        labels = table[:, -1]
        chosen = _is_test(labels) != train
        pixels = table[chosen, :-1].astype(np.float32) / np.float32(16)
        self.data = Tensor(pixels.reshape(-1, 1, 8, 8))
        self.targets = Tensor(labels[chosen].astype(np.int64))

    def _raw(self, index: int) -> Tensor:
        return Tensor(to_array(self.data)[index].copy())

    def _raws(self, indices: Sequence[int]) -> Tensor:
        return Tensor(take(to_array(self.data), indices))


def _read_table() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The file as it is: a row per image, 64 pixels 0…16 and the label."""
    packed = FILE.read_bytes()
    text = gzip.decompress(packed).decode("ascii")
    return np.array([line.split(",") for line in text.split()], dtype=np.uint8)


def _is_test(labels: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Of each class every TEST_EVERYth image."""
    is_test = np.zeros(len(labels), dtype=np.bool_)
    for label in np.unique(labels):
        places = np.flatnonzero(labels == label)
        is_test[places[TEST_EVERY - 1 :: TEST_EVERY]] = True
    return is_test
