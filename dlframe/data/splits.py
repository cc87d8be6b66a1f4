"""Which samples are to train on, and which to validate on: at random, by class, by group, in folds.

A split is a number, the share of the last samples, or an object with a method `split(X, y)` that
gives pairs of index arrays, as `Split` and `KFold` here and all splitters of scikit-learn do, or a
list of such pairs. `split` and `folds` divide data by it, and so does `fit(validation_split=)`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from dlframe import random
from dlframe.data.dataset import ConcatDataset, Subset, TensorDataset
from dlframe.data.table import Table
from dlframe.errors import ArgumentError
from dlframe.tensor import Tensor, to_array

Array = np.ndarray[Any, Any]


class _Splitter:
    """What `Split` and `KFold` share: their options, and the order of samples and groups."""

    def __init__(self, *, shuffle: bool, stratify: Any, groups: Any, seed: int) -> None:
        name = type(self).__name__
        is_int = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
        if not is_int or seed < 0:
            raise ArgumentError(f"{name}: seed must be an int of 0 or more; got {seed!r}")
        if groups is not None and stratify is not False:
            raise ArgumentError(
                f"{name}: groups= and stratify= exclude each other here: a group is never divided. "
                "scikit-learn's StratifiedGroupKFold tries both, and fit takes it"
            )
        self.shuffle, self.stratify, self.groups, self.seed = shuffle, stratify, groups, int(seed)

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Array, Array]]:
        """Pairs of index arrays, ascending: what to train on, and what to validate on.

        Args:
            X: what is divided; only its length counts.
            y: the classes of the samples, for `stratify=True`.
            groups: instead of those of the constructor.
        """
        name = type(self).__name__
        samples = int(X.shape[0]) if hasattr(X, "shape") else len(X)
        generator = random.Generator().manual_seed(self.seed)
        groups = self.groups if groups is None else groups
        if groups is not None:
            members = _members(_row(groups, samples, name, "groups"))
            validation = self._of_groups(members, samples, generator)
        elif self.stratify is not False and self.stratify is not None:
            labels = y if self.stratify is True else self.stratify
            if labels is None:
                raise ArgumentError(
                    f"{name}: stratify=True needs the classes of the samples, and they are not "
                    "known here; pass an array of them: stratify=labels"
                )
            codes, names = _classes(labels, samples, name)
            validation = self._of_classes(codes, names, generator)
        else:
            validation = self._of_samples(self._order(samples, generator))
        for chosen in validation:
            held_out = np.zeros(samples, bool)
            held_out[chosen] = True
            yield np.flatnonzero(~held_out), np.flatnonzero(held_out)

    def _order(self, count: int, generator: random.Generator) -> Array:
        if not self.shuffle:
            return np.arange(count)
        return np.array(generator.randperm(count).tolist(), np.intp)

    def _of_samples(self, order: Array) -> list[Array]:
        raise NotImplementedError

    def _of_classes(
        self, codes: Array, names: list[str], generator: random.Generator
    ) -> list[Array]:
        raise NotImplementedError

    def _of_groups(
        self, members: list[Array], samples: int, generator: random.Generator
    ) -> list[Array]:
        raise NotImplementedError


class Split(_Splitter):
    """One division of the samples: a share of them to validate on, the others to train on.

    Args:
        share: between 0 and 1, or how many samples, an int. Of N samples, N − ⌊N (1 − share)⌋ are
            to validate on, as Keras rounds.
        shuffle: draw them at random; False takes the last ones, as they are in time. With
            `stratify`, the last ones of each class; with `groups`, the last groups.
        stratify: True lets each class have its share, as near as whole numbers allow, and at least
            one sample in both parts. The classes are the targets, or an array of labels given here.
        groups: (N,), such as the patient of each image: no group is in both parts. The part to
            validate on is filled with whole groups up to the share, and has one at least.
        seed: of the shuffle. The same seed divides the same data in the same way, so that a
            resumed training validates on what it never trained on.

    Raises ArgumentError where a part would have no sample, for targets that are no classes, and for
    classes with fewer samples than parts.

    >>> labels = [0] * 8 + [1] * 4
    >>> ((train, val),) = Split(0.25, stratify=True).split(labels, labels)
    >>> [labels[i] for i in val], len(train)
    ([0, 0, 1], 9)
    """

    def __init__(
        self,
        share: float = 0.2,
        *,
        shuffle: bool = True,
        stratify: Any = False,
        groups: Any = None,
        seed: int = 0,
    ) -> None:
        super().__init__(shuffle=shuffle, stratify=stratify, groups=groups, seed=seed)
        is_number = isinstance(share, (int, float, np.number)) and not isinstance(share, bool)
        is_count = isinstance(share, (int, np.integer))
        if not is_number or not share > 0 or not (is_count or share < 1):
            raise ArgumentError(
                f"Split: share must be between 0 and 1, or a number of samples; got {share!r}"
            )
        self.share = share

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """1: how many pairs `split` gives, as scikit-learn asks for it."""
        return 1

    def _count(self, samples: int) -> int:
        if isinstance(self.share, (int, np.integer)):
            count = int(self.share)
        else:
            count = samples - int(samples * (1 - self.share))
        if not 0 < count < samples:
            raise ArgumentError(
                f"Split: share={self.share} of {samples} samples leaves {max(samples - count, 0)} "
                f"to train on and {min(count, samples)} to validate on"
            )
        return count

    def _of_samples(self, order: Array) -> list[Array]:
        return [order[len(order) - self._count(len(order)) :]]

    def _of_classes(
        self, codes: Array, names: list[str], generator: random.Generator
    ) -> list[Array]:
        count = self._count(len(codes))
        sizes = np.bincount(codes)
        _check_sizes("Split", sizes, names, 2, "one to train on and one to validate on")
        if min(count, len(codes) - count) < len(sizes):
            raise ArgumentError(
                f"Split: share={self.share} of {len(codes)} samples leaves {len(codes) - count} to "
                f"train on and {count} to validate on, too few for {len(sizes)} classes "
                f"({_counts(sizes, names)})"
            )
        exact = count * sizes / len(codes)
        chosen = np.clip(np.floor(exact).astype(int), 1, sizes - 1)
        while chosen.sum() != count:  # the class that is farthest from its share
            up = chosen.sum() < count
            room = chosen < sizes - 1 if up else chosen > 1
            lack = np.where(room, (exact - chosen) * (1 if up else -1), -np.inf)
            chosen[int(lack.argmax())] += 1 if up else -1
        parts = []
        for code, take in enumerate(chosen.tolist()):
            of_class = np.flatnonzero(codes == code)
            of_class = of_class[self._order(len(of_class), generator)]
            parts.append(of_class[len(of_class) - take :])
        return [np.concatenate(parts)]

    def _of_groups(
        self, members: list[Array], samples: int, generator: random.Generator
    ) -> list[Array]:
        count = self._count(samples)
        if len(members) < 2:
            raise ArgumentError("Split: all samples are of one group, and a group is never divided")
        order = self._order(len(members), generator)[::-1].tolist()
        chosen = [members[order[0]]]
        filled = len(chosen[0])
        for i in order[1:-1]:
            if filled + len(members[i]) <= count:
                chosen.append(members[i])
                filled += len(members[i])
            elif not self.shuffle:
                break  # what is validated on stays the end
        return [np.concatenate(chosen)]


class KFold(_Splitter):
    """Several divisions, in which each sample is once among those to validate on.

    Args:
        folds: how many, 2 or more. Their sizes differ by one sample at most.
        shuffle, stratify, groups, seed: as `Split` has them. Without `shuffle` a fold is a piece of
            the data; with `stratify` each fold has as many samples of a class as the others, or
            one more; with `groups` whole groups go to the folds, the largest first.

    Raises ArgumentError for fewer samples, groups, or samples of a class than folds.

    >>> for train, val in KFold(3, shuffle=False).split(range(7)):
    ...     print(train.tolist(), val.tolist())
    [3, 4, 5, 6] [0, 1, 2]
    [0, 1, 2, 5, 6] [3, 4]
    [0, 1, 2, 3, 4] [5, 6]
    """

    def __init__(
        self,
        folds: int = 5,
        *,
        shuffle: bool = True,
        stratify: Any = False,
        groups: Any = None,
        seed: int = 0,
    ) -> None:
        super().__init__(shuffle=shuffle, stratify=stratify, groups=groups, seed=seed)
        if isinstance(folds, bool) or not isinstance(folds, (int, np.integer)) or folds < 2:
            raise ArgumentError(f"KFold: folds must be an int of 2 or more; got {folds!r}")
        self.folds = int(folds)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """How many pairs `split` gives, as scikit-learn asks for it."""
        return self.folds

    def _of_samples(self, order: Array) -> list[Array]:
        if len(order) < self.folds:
            raise ArgumentError(f"KFold: {len(order)} samples are too few for {self.folds} folds")
        return np.array_split(order, self.folds)

    def _of_classes(
        self, codes: Array, names: list[str], generator: random.Generator
    ) -> list[Array]:
        _check_sizes("KFold", np.bincount(codes), names, self.folds, "one for each fold")
        order = self._order(len(codes), generator)
        dealt = order[np.argsort(codes[order], kind="stable")]  # class by class, as cards are
        return [dealt[fold :: self.folds] for fold in range(self.folds)]

    def _of_groups(
        self, members: list[Array], samples: int, generator: random.Generator
    ) -> list[Array]:
        if len(members) < self.folds:
            raise ArgumentError(f"KFold: {len(members)} groups are too few for {self.folds} folds")
        parts: list[list[Array]] = [[] for _ in range(self.folds)]
        sizes = [0] * self.folds
        order = self._order(len(members), generator).tolist()
        for i in sorted(order, key=lambda i: -len(members[i])):
            smallest = sizes.index(min(sizes))
            parts[smallest].append(members[i])
            sizes[smallest] += len(members[i])
        return [np.concatenate(part) for part in parts]


# --- data, divided -----------------------------------------------------------------------------


def split(data: Any, how: Any = 0.2, *, y: Any = None) -> tuple[Any, Any]:
    """The data to train on, and those to validate on.

    Args:
        data: an array, a tuple or dict of arrays of one length, a `Table`, each of which gives two
            of its kind; or a data set, which gives two `Subset`s.
        how: the share of the last samples, as in `fit(validation_split=)`; a `Split`, or any object
            with `split(X, y)`, such as scikit-learn's; or a list of pairs of index arrays. Of
            several pairs the first one is used; `folds` gives all.
        y: the classes, where the data do not show them: those are the last array of a tuple, the
            entry "y" of a dict, the target of a table, the last tensor of a `TensorDataset`, and
            what a data set has as `targets`.

    >>> x, y = np.arange(10), np.array([0] * 5 + [1] * 5)
    >>> train, val = split((x, y), Split(0.4, stratify=True))
    >>> val[1].tolist(), len(train[0])
    ([0, 0, 1, 1], 6)
    >>> train, val = split(range(10))
    >>> list(val)
    [8, 9]
    """
    return next(iter(_divided(data, how, y, "split")))


def folds(data: Any, how: Any = 5, *, y: Any = None) -> list[tuple[Any, Any]]:
    """All pairs of data to train on and to validate on, for cross-validation.

    Args:
        data, y: as `split` takes them.
        how: the number of folds, which is a `KFold` of so many; a `KFold`, an object with
            `split(X, y)`, or a list of pairs of index arrays.

    >>> [list(val) for train, val in folds("abcdef", KFold(3, shuffle=False))]
    [['a', 'b'], ['c', 'd'], ['e', 'f']]
    """
    if isinstance(how, (int, np.integer)) and not isinstance(how, bool):
        how = KFold(int(how))
    return list(_divided(data, how, y, "folds"))


def _divided(data: Any, how: Any, y: Any, where: str) -> Iterator[tuple[Any, Any]]:
    take: Any
    parts = _arrays(data)
    if parts:
        lengths = {len(part) for part in parts}
        if len(lengths) != 1:
            raise ArgumentError(
                f"{where}: the arrays have {', '.join(str(len(part)) for part in parts)} samples; "
                "they must have as many as each other"
            )
        samples = lengths.pop()
        take = _rows_of
    elif isinstance(data, Table):
        samples, take = len(data), Table.take
    elif hasattr(data, "__len__") and hasattr(data, "__getitem__"):
        samples = len(data)
        take = lambda data, rows: Subset(data, rows.tolist())
    else:
        raise ArgumentError(
            f"{where}: expected arrays, a Table, or a data set with a length and samples by "
            f"index; a {type(data).__name__} cannot be divided"
        )
    labels = labels_of(data) if y is None else y
    for first, second in pairs_of(how, samples, labels, f"{where}: how"):
        yield take(data, first), take(data, second)


def _arrays(data: Any) -> list[Any]:
    """The arrays of an array, a tuple or a dict of arrays; none for other data."""
    parts = list(data.values()) if isinstance(data, Mapping) else data
    parts = list(parts) if isinstance(parts, (tuple, list)) else [parts]
    # a list beside arrays is the labels
    is_array = any(hasattr(part, "shape") for part in parts) and all(
        len(part.shape) if hasattr(part, "shape") else isinstance(part, list) for part in parts
    )
    return parts if is_array and not isinstance(data, Table) else []


def _rows_of(data: Any, rows: Array) -> Any:
    if isinstance(data, Mapping):
        return {key: _rows_of(part, rows) for key, part in data.items()}
    if isinstance(data, (tuple, list)):
        if not any(hasattr(part, "shape") for part in data):
            return [data[i] for i in rows.tolist()]
        return type(data)(_rows_of(part, rows) for part in data)
    if hasattr(data, "iloc"):
        return data.iloc[rows]
    return data[rows.tolist()] if isinstance(data, Tensor) else data[rows]


# --- from what is asked for to indices ---------------------------------------------------------


def pairs_of(how: Any, samples: int, labels: Any, where: str) -> Iterator[tuple[Array, Array]]:
    """Pairs of index arrays, checked; see `split` for `how`.

    Raises ArgumentError for what gives no such pairs; for indices out of range, or in both parts;
    and for a splitter that draws other samples each time it is asked.
    """
    if isinstance(how, (float, int, np.number)):
        yield _last(how, samples, where)
        return
    if isinstance(how, type):
        raise ArgumentError(f"{where}: {how.__name__} is a class; pass an object, {how.__name__}()")
    if hasattr(how, "split") and not isinstance(how, str):
        pairs = _asked(how, samples, labels, where)
    elif hasattr(how, "__iter__") and not isinstance(how, (str, bytes, Mapping)):
        pairs = iter(how)
    else:
        raise ArgumentError(
            f"{where}: expected a share between 0 and 1, an object with split(X, y), such as "
            f"data.Split(0.2, stratify=True), or a list of pairs of index arrays; got {how!r}"
        )
    found = False
    for pair in pairs:
        found = True
        yield _checked(pair, samples, where)
    if not found:
        raise ArgumentError(f"{where}: {_name(how)} gave no pair of indices")


def _last(share: Any, samples: int, where: str) -> tuple[Array, Array]:
    if isinstance(share, bool) or not 0 < share < 1:
        raise ArgumentError(
            f"{where} must be between 0 and 1, or a split such as data.Split(0.2, stratify=True); "
            f"got {share!r}"
        )
    first = int(samples * (1 - share))  # as Keras rounds
    if not 0 < first < samples:
        raise ArgumentError(
            f"{where}={share} of {samples} samples leaves {first} to train on and "
            f"{samples - first} to validate on"
        )
    return np.arange(first), np.arange(first, samples)


def _asked(how: Any, samples: int, labels: Any, where: str) -> Iterator[Any]:
    if isinstance(how, _Splitter):
        yield from how.split(np.empty(samples), labels)
        return

    def given() -> Iterator[Any]:
        try:
            yield from how.split(np.zeros((samples, 1)), labels)
        except Exception as error:
            raise ArgumentError(
                f"{where}: {_name(how)}.split(X, y) failed: {error} Where it needs groups, pass "
                "its pairs: list(splitter.split(X, y, groups))"
            ) from error

    for pair, other in itertools.zip_longest(given(), given()):
        same = pair is not None and other is not None
        if same:
            pair, other = _checked(pair, samples, where), _checked(other, samples, where)
        if not (same and all(np.array_equal(a, b) for a, b in zip(pair, other, strict=True))):
            raise ArgumentError(
                f"{where}: {_name(how)} draws other samples each time, so that a resumed training "
                "would validate on what it was trained on; give it a random_state= of a number"
            )
        yield pair


def _name(how: Any) -> str:
    return type(how).__name__


def _checked(pair: Any, samples: int, where: str) -> tuple[Array, Array]:
    try:
        first, second = map(np.asarray, pair)
        is_pair = all(one.ndim == 1 and one.dtype.kind in "iu" for one in (first, second))
    except (TypeError, ValueError):
        is_pair = False
    if not is_pair:
        raise ArgumentError(
            f"{where}: a split gives pairs of index arrays (train, validation), each of whole "
            f"numbers; got {type(pair).__name__}. One pair is a list of one: [(train, validation)]"
        )
    if not first.size or not second.size:
        raise ArgumentError(
            f"{where}: the split leaves {first.size} samples to train on and {second.size} to "
            "validate on"
        )
    everything = np.concatenate([first, second])
    out = everything[(everything < 0) | (everything >= samples)]
    if out.size:
        raise ArgumentError(
            f"{where}: the split has the index {out[0]}, and there are {samples} samples"
        )
    trained_on = np.zeros(samples, bool)
    trained_on[first] = True
    both = np.unique(second[trained_on[second]])
    if both.size:
        raise ArgumentError(
            f"{where}: {both.size} samples are both to train on and to validate on, such as "
            f"{both[0]}"
        )
    return first.astype(np.intp), second.astype(np.intp)


# --- classes and groups ------------------------------------------------------------------------


def labels_of(data: Any) -> Array | None:
    """The targets of all samples, where the data hold them as an array; None otherwise."""
    target: Any = None
    if isinstance(data, Subset):
        labels = labels_of(data.dataset)
        return None if labels is None else labels[np.asarray(list(data.indices), np.intp)]
    if isinstance(data, ConcatDataset):
        several = [labels_of(one) for one in data.datasets]
        known = [one for one in several if one is not None]
        alike = len({one.shape[1:] for one in known}) == 1
        return np.concatenate(known) if alike and len(known) == len(several) else None
    if isinstance(data, TensorDataset):
        target = data.tensors[-1] if len(data.tensors) > 1 else None
    elif isinstance(data, Table):
        target = None if data.target is None else data[data.target]
    elif isinstance(data, Mapping):
        target = data.get("y")
    elif isinstance(data, (tuple, list)):
        is_pair = len(data) > 1 and any(hasattr(part, "shape") for part in data)
        target = data[-1] if is_pair else None
    elif hasattr(data, "targets"):
        target = data.targets
    if target is None or hasattr(target, "tocsr"):  # sparse
        return None
    array = to_array(target) if isinstance(target, Tensor) else np.asarray(target)
    return array if array.ndim else None


def _row(values: Any, samples: int, name: str, what: str) -> Array:
    array = to_array(values) if isinstance(values, Tensor) else np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or len(array) != samples:
        raise ArgumentError(
            f"{name}: {what} must have one entry for each of {samples} samples; got shape "
            f"{array.shape}"
        )
    return array


def _members(groups: Array) -> list[Array]:
    """The samples of each group, in the order in which the groups begin."""
    _, first, codes = np.unique(groups, return_index=True, return_inverse=True)
    by_group = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    return [by_group[code] for code in np.argsort(first).tolist()]


def _classes(labels: Any, samples: int, name: str) -> tuple[Array, list[str]]:
    """The number of each sample's class, and the names of the classes."""
    array = to_array(labels) if isinstance(labels, Tensor) else np.asarray(labels)
    if array.ndim == 2 and array.shape[1] > 1:
        is_one_hot = array.dtype.kind in "biuf" and bool(
            ((array == 0) | (array == 1)).all() and (array.sum(axis=1) == 1).all()
        )
        if not is_one_hot:
            raise ArgumentError(
                f"{name}: targets of shape {array.shape} are several numbers or labels per sample, "
                "which are no classes to stratify by. Pass an array of classes: stratify=labels"
            )
        array = array.argmax(axis=1)
    array = _row(array, samples, name, "the classes")
    if array.dtype.kind == "f" and not (np.isfinite(array) & (array == np.round(array))).all():
        raise ArgumentError(
            f"{name}: the targets are numbers, such as {_first_broken(array)}, and no classes to "
            "stratify by. Pass an array of classes: stratify=np.digitize(y, np.quantile(y, "
            "[0.25, 0.5, 0.75]))"
        )
    try:
        values, codes = np.unique(array, return_inverse=True)
    except TypeError as error:
        raise ArgumentError(f"{name}: the classes cannot be put in order: {error}") from error
    return codes.reshape(-1), [str(value) for value in values.tolist()]


def _first_broken(array: Array) -> float:
    return float(array[~(np.isfinite(array) & (array == np.round(array)))][0])


def _check_sizes(name: str, sizes: Array, names: list[str], least: int, why: str) -> None:
    few = sizes < least
    if few.any():
        of = _counts(sizes[few], [one for one, is_few in zip(names, few, strict=True) if is_few])
        raise ArgumentError(
            f"{name}: each class needs {least} samples or more, {why}; too few: {of}. Leave these "
            "classes out, or do not stratify"
        )


def _counts(sizes: Array, names: list[str]) -> str:
    listed = [f"{one!r} has {n}" for one, n in zip(names[:5], sizes[:5].tolist(), strict=True)]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(listed) + more
