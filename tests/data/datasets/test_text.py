"""Coriolanus: the file is the one that is described, its parts are apart, samples go on."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from dlframe.data import DataLoader
from dlframe.data.datasets import Coriolanus
from dlframe.data.datasets.text import FILE
from dlframe.errors import ArgumentError


def test_the_file_is_described() -> None:
    digest = hashlib.sha256(FILE.read_bytes()).hexdigest()
    readme = FILE.with_name("README.md").read_text("utf-8")
    for part in ("Shakespeare", "public domain", "char-rnn", digest, "66,794"):
        assert part in readme


def test_the_parts_are_the_whole_text() -> None:
    train, test = Coriolanus(), Coriolanus("nowhere", train=False, download=True)
    assert train.text + test.text == FILE.read_text("ascii")
    assert len(train.text) == 60_115
    assert train.letters == test.letters
    assert train.decode(train.data) == train.text
    assert train.data.dtype == np.int64


def test_samples_are_end_to_end() -> None:
    acts = Coriolanus(length=10)
    assert len(acts) == 6011
    (x, y), (following, _) = acts[0], acts[1]
    assert acts.decode(x) + acts.decode(following) == acts.text[:20]
    assert acts.decode(y) == acts.text[1:11]
    x[0] = 0
    assert acts.decode(acts[0][0]) == acts.text[:10]
    last = acts[len(acts) - 1][1]
    assert acts.decode(last) == acts.decode(acts[-1][1]) == acts.text[60_101:60_111]
    with pytest.raises(IndexError, match="no sample 6011"):
        acts[6011]


def test_batches_are_taken_at_once() -> None:
    acts = Coriolanus(length=5)
    x, y = next(iter(DataLoader(acts, batch_size=3)))
    assert (x.shape, y.shape) == ((3, 5), (3, 5))
    assert acts.decode(x.reshape(-1)) == acts.text[:15]
    assert acts.decode(y.reshape(-1)) == acts.text[1:16]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ArgumentError, match="no letter 'é'"):
        Coriolanus().encode("Romé")
    with pytest.raises(ArgumentError, match=r"from 1 to 6678; got 7000"):
        Coriolanus(train=False, length=7000)
