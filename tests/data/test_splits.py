"""Divisions of data: shares, classes, groups, folds, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe.data import KFold, Split, Subset, Table, TensorDataset, folds, split
from dlframe.data.table import Column
from dlframe.errors import ArgumentError

Y = np.array([0] * 12 + [1] * 6 + [2] * 3)
GROUPS = np.array(list("aaabbbbccddddddeeefff"))


def pair(how: Any, y: Any = Y) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    ((train, val),) = how.split(np.empty(len(y)), y)
    assert sorted([*train, *val]) == list(range(len(y)))
    return train, val


# --- Split -------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.9, 3])
def test_a_share_has_the_size_of_keras(share: float) -> None:
    for shuffle in (False, True):
        _, val = pair(Split(share, shuffle=shuffle))
        assert len(val) == (3 if share == 3 else 21 - int(21 * (1 - share)))
        assert (val.tolist() == list(range(21 - len(val), 21))) == (not shuffle)


def test_the_seed_says_which_samples() -> None:
    dl.manual_seed(5)
    before = dl.rand(1).item()
    dl.manual_seed(5)
    one, again, other = (pair(Split(0.3, seed=seed))[1].tolist() for seed in (0, 0, 1))
    assert one == again != other
    assert dl.rand(1).item() == before  # the default generator was not asked


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("share", [0.15, 0.2, 1 / 3, 0.5, 0.8])
def test_each_class_has_its_share(share: float, shuffle: bool) -> None:
    train, val = pair(Split(share, stratify=True, shuffle=shuffle))
    sizes, chosen = np.bincount(Y), np.bincount(Y[val], minlength=3)
    assert len(val) == 21 - int(21 * (1 - share))
    assert (np.abs(chosen - sizes * len(val) / 21) < 1.0001).all()
    assert np.unique(Y[train]).size == np.unique(Y[val]).size == 3
    if not shuffle:
        assert all(val[Y[val] == c].max() == np.flatnonzero(c == Y).max() for c in range(3))


def test_many_random_classes(rng: np.random.Generator) -> None:
    for _ in range(200):
        y = np.repeat(np.arange(k := int(rng.integers(1, 9))), rng.integers(2, 30, k))
        share = float(rng.uniform(0.05, 0.95))
        count = len(y) - int(len(y) * (1 - share))
        if not k <= count <= len(y) - k:
            with pytest.raises(ArgumentError):
                pair(Split(share, stratify=True), y)
            continue
        train, val = pair(Split(share, stratify=True, seed=int(rng.integers(99))), y)
        assert len(val) == count
        assert set(y[train]) == set(y[val]) == set(range(k))


def test_classes_in_every_form() -> None:
    expected = pair(Split(0.25, stratify=True))[1].tolist()
    names = np.array(["ant", "bee", "cat"])[Y]
    for y in (Y[:, None], Y.tolist(), Y.astype(float), names, names.astype(object), np.eye(3)[Y]):
        assert pair(Split(0.25, stratify=True), y)[1].tolist() == expected
    assert pair(Split(0.25, stratify=dl.tensor(Y)), Y * 0)[1].tolist() == expected


@pytest.mark.parametrize("shuffle", [False, True])
def test_no_group_is_in_both_parts(shuffle: bool) -> None:
    for seed in range(10):
        for share in (0.1, 0.3, 0.6):
            train, val = pair(Split(share, groups=GROUPS, shuffle=shuffle, seed=seed))
            assert not set(GROUPS[train]) & set(GROUPS[val])
            assert len(val)
            if not shuffle:
                assert val.tolist() == list(range(min(val), 21))


REFUSED: dict[str, tuple[Any, Any, str]] = {
    "a class of one": (lambda: Split(0.5, stratify=True), [0, 0, 0, 1], "'1' has 1"),
    "many classes of one": (
        lambda: Split(0.5, stratify=True), np.arange(9), "'4' has 1 and 4 more",
    ),
    "more classes than samples": (
        lambda: Split(2, stratify=True), [0, 0, 1, 1, 2, 2], "too few for 3 classes",
    ),
    "numbers": (lambda: Split(0.5, stratify=True), [0.5, 1, 2, 3], "such as 0.5, and no classes"),
    "nan": (lambda: Split(0.5, stratify=True), [0, 1, 0, float("nan")], "such as nan"),
    "several labels": (
        lambda: Split(0.5, stratify=True), np.ones((4, 2), int), "several numbers or labels",
    ),
    "no classes": (lambda: Split(0.5, stratify=True), None, "pass an array of them"),
    "too few classes": (lambda: Split(0.5, stratify=[0, 1]), Y, "one entry for each of 21 samples"),
    "groups and classes": (
        lambda: Split(0.5, stratify=True, groups=GROUPS), Y, "StratifiedGroupKFold",
    ),
    "one group": (lambda: Split(0.5, groups=Y * 0), Y, "all samples are of one group"),
    "a share of nothing": (lambda: Split(0.0), Y, "share must be between 0 and 1"),
    "a share of all": (lambda: Split(1.0), Y, "share must be between 0 and 1"),
    "a share that is NaN": (lambda: Split(float("nan")), Y, "share must be between 0 and 1"),
    "a share that is a text": (lambda: Split("0.2"), Y, "share must be between 0 and 1"),
    "all samples": (lambda: Split(21), Y, "leaves 0 to train on and 21 to validate on"),
    "a seed of None": (lambda: Split(seed=None), Y, "seed must be an int"),
    "one fold": (lambda: KFold(1), Y, "folds must be an int of 2 or more"),
    "more folds than samples": (lambda: KFold(22), Y, "21 samples are too few for 22 folds"),
    "more folds than groups": (lambda: KFold(7, groups=GROUPS), Y, "6 groups are too few"),
    "more folds than of a class": (lambda: KFold(4, stratify=True), Y, "'2' has 3"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(what: str) -> None:
    make, y, message = REFUSED[what]
    with pytest.raises(ArgumentError, match=message):
        list(make().split(np.empty(21 if y is None else len(y)), y))


# --- KFold -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "how",
    [
        KFold(3),
        KFold(3, shuffle=False),
        KFold(3, stratify=True),
        KFold(3, stratify=True, shuffle=False),
        KFold(3, groups=GROUPS),
    ],
    ids=["plain", "in order", "classes", "classes in order", "groups"],
)
def test_each_sample_is_validated_on_once(how: KFold) -> None:
    pairs = list(how.split(Y, Y))
    assert sorted(np.concatenate([val for _, val in pairs])) == list(range(21))
    for train, val in pairs:
        assert sorted([*train, *val]) == list(range(21))
        assert len(val) in ((6, 7, 8) if how.groups is not None else (7,))
        if how.stratify:
            assert np.bincount(Y[val]).tolist() == [4, 2, 1]
        if how.groups is not None:
            assert not set(GROUPS[train]) & set(GROUPS[val])


# --- data --------------------------------------------------------------------------------------


def test_the_parts_are_of_the_same_kind() -> None:
    x = np.arange(21.0)
    how = Split(1 / 3, stratify=True)
    val = pair(how)[1]
    first, second = split((x, Y), how)
    assert type(second) is tuple
    assert second[0].tolist() == val.tolist()
    assert len(first[0]) == 14
    assert split({"x": x, "y": Y}, how)[1]["x"].tolist() == val.tolist()
    assert split((dl.tensor(x), dl.tensor(Y)), how)[1][0].tolist() == val.tolist()
    assert split(x, how, y=Y)[1].tolist() == val.tolist()
    assert split((x, Y.tolist()), how)[1][1] == Y[val].tolist()
    part = split(TensorDataset(dl.tensor(x), dl.tensor(Y)), how)[1]
    assert isinstance(part, Subset)
    assert part.indices == val.tolist()
    table = Table([Column("x", x), Column("y", Y)], "y")
    assert split(table, how)[1]["x"].tolist() == val.tolist()
    inner = split(split(TensorDataset(dl.tensor(x), dl.tensor(Y)), how)[0], how)[1]
    assert sorted(int(y) for _, y in inner) == [0, 0, 0, 1, 2]


def test_folds_of_data() -> None:
    parts = folds((np.arange(21), Y), KFold(3, stratify=True))
    assert [sorted(val[1].tolist()) for _, val in parts] == [[0, 0, 0, 0, 1, 1, 2]] * 3
    assert [len(val) for _, val in folds(range(7), 2)] == [4, 3]


class Other:
    """A splitter of someone else; what it gives is in `pairs`."""

    def __init__(self, *pairs: Any) -> None:
        self.pairs = pairs

    def split(self, X: Any, y: Any = None) -> Any:
        assert X.shape == (21, 1)
        yield from self.pairs


class Random:
    def split(self, X: Any, y: Any = None) -> Any:
        order = dl.randperm(21).numpy()
        yield order[:9], order[9:]


class Failing:
    def split(self, X: Any, y: Any = None) -> Any:
        raise ValueError("the groups parameter should not be None.")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (Other(), "Other gave no pair"),
        (Other(([0, 1], [1, 2])), "1 samples are both to train on and to validate on, such as 1"),
        (Other(([0], [21])), "the index 21, and there are 21 samples"),
        (Other(([-1], [2])), "the index -1"),
        (Other(([0.5], [2])), "pairs of index arrays"),
        (Other(([0], [])), "pairs of index arrays|0 to validate on"),
        (Other(3), "pairs of index arrays"),
        (([0, 1], [2, 3]), r"One pair is a list of one: \[\(train, validation\)\]"),
        (Random(), "draws other samples each time.*random_state="),
        (Failing(), r"Failing.split\(X, y\) failed: the groups parameter.*list\(splitter"),
        (Split, r"pass an object, Split\(\)"),
        ("0.2", "expected a share"),
        (1.5, "must be between 0 and 1"),
    ],
    ids=[
        "nothing", "both", "high", "low", "floats", "empty", "number", "bare", "random", "failing",
        "class", "text", "share",
    ],
)  # fmt: skip
def test_splits_of_others_are_looked_at(how: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        split((np.arange(21), Y), how)


def test_pairs_may_be_given() -> None:
    _, val = split((np.arange(21), Y), Other(([0, 1], [5, 4])))
    assert val[0].tolist() == [5, 4]
    assert [len(one[1]) for one in folds(range(21), [([0], [1, 2]), ([3], [4])])] == [2, 1]


def test_what_cannot_be_divided() -> None:
    with pytest.raises(ArgumentError, match="a generator cannot be divided"):
        split((i for i in range(3)), 0.5)
    with pytest.raises(ArgumentError, match="the arrays have 3, 4 samples"):
        split((np.zeros(3), np.zeros(4)), 0.5)
