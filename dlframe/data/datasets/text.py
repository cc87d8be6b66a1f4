"""Coriolanus: the text that comes with the package, to learn the next letter from."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlframe.data.batch import Batch
from dlframe.data.dataset import Dataset
from dlframe.errors import ArgumentError
from dlframe.tensor import Tensor, to_array

FILE = Path(__file__).parent / "files" / "coriolanus.txt"
TEST_SHARE = 0.1  # of the text, from its end


class Coriolanus(Dataset[tuple[Tensor, Tensor]]):
    r"""The first two acts of Shakespeare's "Coriolanus", 66,794 letters, embedded in the package.

    A sample is (letters, next letters), int64 Tensors (length,): `length` letters of the text, and
    those that follow each of them. The samples lie end to end. The first nine tenths of the text
    are for training, the rest is for testing. `data` is the whole part as an int64 Tensor (n,), and
    `text` as a string. A letter's number is its place in `letters`. `root` and `download` are
    accepted as in other data sets, and have no effect.

    W. Shakespeare, "The Tragedy of Coriolanus", about 1608, public domain.

    >>> acts = Coriolanus(length=20)
    >>> x, y = acts[0]
    >>> acts.decode(x), acts.decode(y)
    ('First Citizen:\nBefor', 'irst Citizen:\nBefore')
    """

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        train: bool = True,
        length: int = 64,
        download: bool = False,
    ) -> None:
        whole = _read()
        cut = round(len(whole) * (1 - TEST_SHARE))
        self.train = train
        self.text = whole[:cut] if train else whole[cut:]
        if not 1 <= length < len(self.text):
            raise ArgumentError(
                f"Coriolanus: length must be from 1 to {len(self.text) - 1}; got {length}"
            )
        self.length = length
        self.letters = "".join(sorted(set(whole)))
        self.data = self.encode(self.text)

    def encode(self, text: str) -> Tensor:
        """The numbers of letters, an int64 Tensor (n,); ArgumentError for one that is unknown."""
        places = {letter: i for i, letter in enumerate(self.letters)}
        try:
            return Tensor(np.array([places[letter] for letter in text], dtype=np.int64))
        except KeyError as error:
            raise ArgumentError(
                f"Coriolanus: the text has no letter {error.args[0]!r}; it has {self.letters!r}"
            ) from None

    def decode(self, numbers: Tensor | Iterable[int]) -> str:
        """The letters of numbers."""
        found = numbers.tolist() if isinstance(numbers, Tensor) else numbers
        return "".join(self.letters[i] for i in found)

    def __len__(self) -> int:
        return (len(self.text) - 1) // self.length

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"Coriolanus: there is no sample {index}; there are {len(self)}")
        x, y = self._rows([index])
        return Tensor(x[0]), Tensor(y[0])

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        return Batch(tuple(map(Tensor, self._rows(indices))))

    def _rows(self, indices: Sequence[int]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        starts = np.arange(len(self))[np.asarray(indices, np.int64)] * self.length
        places = starts[:, None] + np.arange(self.length + 1)
        found = to_array(self.data)[places]
        return found[:, :-1].copy(), found[:, 1:].copy()


@functools.cache
def _read() -> str:
    return FILE.read_text("ascii")
