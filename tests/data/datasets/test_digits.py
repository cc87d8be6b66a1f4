"""Digits: the file is the published one, the split is what it says."""

from __future__ import annotations

import hashlib

import numpy as np

import dlframe as dl
from dlframe.data import DataLoader
from dlframe.data.datasets import DATASETS, Digits
from dlframe.data.datasets.digits import FILE
from dlframe.data.transforms import Flatten, Normalize


def test_the_file_is_the_published_one_and_is_attributed() -> None:
    digest = hashlib.sha256(FILE.read_bytes()).hexdigest()
    assert digest == "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"
    readme = FILE.with_name("README.md").read_text("utf-8")
    for part in ("Alpaydin", "Kaynak", "CC BY 4.0", "10.24432/C50P49", digest):
        assert part in readme


def test_the_split() -> None:
    train, test = Digits(), Digits(train=False)
    assert (len(train), len(test)) == (1442, 355)
    assert train.data.shape == (1442, 1, 8, 8)
    assert train.data.dtype == np.float32
    counts = np.bincount(np.concatenate([train.targets.array, test.targets.array]))
    assert counts.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert (np.bincount(test.targets.array) == counts // 5).all()
    rows = {row.tobytes() for row in train.data.array}
    assert len(rows) + len({row.tobytes() for row in test.data.array}) == 1797
    assert not any(row.tobytes() in rows for row in test.data.array)


def test_samples() -> None:
    digits = Digits()
    image, label = digits[0]
    assert image.shape == (1, 8, 8)
    assert (image.array.min(), image.array.max()) == (0, 15 / 16)
    assert label == 0
    assert type(label) is int
    assert digits.classes[label] == "0"
    assert digits.class_to_idx["9"] == 9
    image.array[...] = 9
    assert digits[0][0].array.max() < 1


def test_transforms_by_sample_and_by_batch() -> None:
    plain = next(iter(DataLoader(Digits(), batch_size=5)))
    digits = Digits(transform=Flatten(), target_transform=lambda label: -label)
    image, label = next(iter(DataLoader(digits, batch_size=5)))
    np.testing.assert_array_equal(image.array, plain[0].array.reshape(5, 64))
    np.testing.assert_array_equal(label.array, -plain[1].array)
    assert label.dtype == np.int64
    assert digits[1][0].shape == (64,)
    batch = next(iter(DataLoader(Digits(transform=Normalize(0.5, 0.5)), batch_size=2)))
    assert isinstance(batch[0], dl.Tensor)


def test_it_has_the_arguments_of_the_others() -> None:
    digits = DATASETS["digits"]("nowhere", train=False, transform=None, download=True)
    assert len(digits) == 355
