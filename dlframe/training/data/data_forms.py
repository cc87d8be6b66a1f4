"""What `fit`, `evaluate` and `predict` accept as data, and the loaders that are made of it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from dlframe.data import Batch, DataLoader, Dataset, Subset, TensorDataset, splits
from dlframe.data.splits import pairs_of
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.tensor import Tensor
from dlframe.training.data.arrays import (
    is_array,
    is_nest,
    is_sparse,
    mapped,
    plain_array,
    refuse_zeros,
)

KEYS = ("x", "y", "sample_weight")
"""The keys of a batch that is a dict and says itself what is what."""


class FitData(NamedTuple):
    """The data to train on and those to validate on, or None."""

    train: Any
    val: Any


class Columns(Dataset[Any]):
    """Arrays of one length, in tuples, lists and dicts; a sample has the same form.

    Raises ShapeError where the lengths differ.

    >>> data = Columns({"x": {"a": np.zeros((3, 2)), "b": np.ones(3)}, "y": np.arange(3)}, "fit")
    >>> len(data), data[2]["y"]
    (3, 2)
    """

    def __init__(self, parts: Any, where: str) -> None:
        self.parts = parts
        self._length = common_length(parts, where)

    def __len__(self) -> int:
        return self._length

    @property
    def targets(self) -> Any:
        """The targets of all samples, if they are one array; None otherwise."""
        found = self.parts.get("y") if isinstance(self.parts, Mapping) else self.parts[-1]
        return found if is_array(found) and not is_sparse(found) else None

    def __getitem__(self, index: Any) -> Any:
        return _columns(self.parts, [index])[0]

    def __getitems__(self, indices: list[int]) -> Batch:
        batch = _columns(self.parts, indices)
        assert isinstance(batch, Batch)
        return batch


def _columns(parts: Any, indices: list[int]) -> Any:
    if isinstance(parts, Mapping):
        return Batch({key: _columns(part, indices) for key, part in parts.items()})
    if isinstance(parts, (list, tuple)):
        return Batch(tuple(_columns(part, indices) for part in parts))
    if is_sparse(parts):
        return parts[indices].toarray()
    return parts[np.asarray(indices, np.intp)]


def common_length(parts: Any, where: str) -> int:
    """The number of samples of arrays; ShapeError if they differ, or if one has none to count."""
    named = _named(parts)
    lengths = {tuple(leaf.shape[:1]) for leaf in named.values()}
    if lengths == {()} or len(lengths) != 1:
        listed = ", ".join(f"{name} has shape {tuple(named[name].shape)}" for name in named)
        one = lengths <= {(), (1,), tuple(named.get("x", np.zeros(0)).shape)}
        hint = ". If x is one sample, write x[None]" if one and "x" in named else ""
        hint += ", and [y]" if hint and () in lengths else ""
        raise ShapeError(
            f"{where}: the first dimension of each array counts the samples, and must be the same "
            f"in all: {listed}{hint}"
        )
    return int(next(iter(lengths))[0])


def _named(parts: Any, name: str = "") -> dict[str, Any]:
    """The arrays of a nest by name, as `x[0]`."""
    found: dict[str, Any] = {}
    if isinstance(parts, Mapping):
        for key, part in parts.items():
            inner = str(key) if not name and key in KEYS else f"{name or 'data'}[{key!r}]"
            found |= _named(part, inner)
    elif isinstance(parts, (list, tuple)):
        for i, part in enumerate(parts):
            inner = f"{name}[{i}]" if name else ("x" if i < len(parts) - 1 else "y")
            if not name and len(parts) > 2 and i < len(parts) - 1:
                inner = f"x[{i}]"
            found |= _named(part, inner)
    else:
        found[name or "x"] = parts
    return found


# --- the arguments of fit ----------------------------------------------------------------------


def fit_data(
    train: Any,
    val: Any,
    *,
    y: Any = None,
    validation_data: Any = None,
    validation_split: Any = None,
    sample_weight: Any = None,
    needs_target: bool = True,
    has_outputs: bool = False,
) -> FitData:
    """Sort the arguments of `fit`: which of them are inputs, targets, and data to validate on.

    Args:
        needs_target: whether inputs alone are no data: not where the target is one of the inputs,
            or where the model returns its loss.
        has_outputs: whether the model has several outputs, so that targets are several, too.
    """
    check_given(train, "fit")
    if y is None and val is not None and needs_target and _is_inputs(train, val):
        if not has_outputs and is_nest(val):
            raise ArgumentError(
                f"fit: the first argument is one array of inputs, and the second {_form(val)}. "
                "Write fit(x, y, validation_data=(x_val, y_val)), or fit((x, y), (x_val, y_val))"
            )
        y, val = val, None
    if validation_data is not None:
        if val is not None:
            raise ArgumentError("fit: pass val or validation_data=, which are the same, not both")
        val = validation_data
    train = with_target(train, y, sample_weight, "fit", needs_target=needs_target)
    if val is not None:
        val = validation(val, needs_target)
    if validation_split is None or (
        isinstance(validation_split, (int, float)) and not validation_split
    ):
        return FitData(train, val)
    if val is not None:
        raise ArgumentError("fit: pass data to validate on or validation_split=, not both")
    return _split_off(train, validation_split)


def _is_inputs(train: Any, val: Any) -> bool:
    """Whether the first argument holds inputs only, so that the second one is their targets."""
    if is_array(train) or (isinstance(train, Mapping) and is_nest(train)):
        return not (isinstance(train, Mapping) and {"x", "y"} <= set(train))
    if not _is_row(train):
        return False
    if is_array(val):
        return True  # one array is nothing to validate on
    if isinstance(train, list) and isinstance(val, list) and _is_row(val):
        raise ArgumentError(
            "fit: two lists of arrays may be inputs and targets, or pairs (x, y) to train and to "
            "validate on. Write fit([a, b], y=[c, d]) or fit((x, y), (x_val, y_val))"
        )
    return False


def _is_row(value: Any) -> bool:
    """Whether it is a tuple or list of arrays."""
    return isinstance(value, (tuple, list)) and is_nest(value) and all(map(is_array, value))


def _form(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"a dict of {len(value)} arrays"
    return f"a {type(value).__name__} of {len(value)} arrays"


def validation(val: Any, needs_target: bool) -> Any:
    """Data to validate on, as Keras writes them too: (x, y), (x, y, weight), …"""
    if is_array(val) and needs_target:
        raise DTypeError(
            "fit: the data to validate on must hold inputs and targets; got one array of shape "
            f"{_shape(val)}. Pass the pair (x, y)"
        )
    return val


def with_target(
    data: Any, y: Any, sample_weight: Any, where: str, *, needs_target: bool = True
) -> Any:
    """The data with the targets and weights that were passed beside them."""
    check_given(data, where)
    if y is None and sample_weight is None:
        if is_array(data) and needs_target:
            other = "" if " " in where else f", or {where}(x, y)"
            raise DTypeError(
                f"{where}: the data must hold inputs and targets; got one array of shape "
                f"{_shape(data)}. Pass the pair (x, y){other}"
            )
        return data
    parts: dict[str, Any]
    if y is None:
        parts = _taken_apart(data, where)
    elif not (is_array(data) or is_nest(data)):
        raise ArgumentError(
            f"{where}: y= goes with arrays of inputs; a {type(data).__name__} gives its targets "
            "itself"
        )
    else:
        parts = {"x": data, "y": y}
    if sample_weight is not None:
        if "sample_weight" in parts:
            raise ArgumentError(f"{where}: the data hold weights already; sample_weight= gives two")
        refuse_zeros(sample_weight, f"{where}: sample_weight")
        parts["sample_weight"] = sample_weight
    elif not is_nest(data) and not is_nest(y):
        return data, y
    return parts


def _taken_apart(data: Any, where: str) -> dict[str, Any]:
    """The inputs and the target of a pair of arrays, by name."""
    if isinstance(data, Mapping) and {"x", "y"} <= set(data) <= set(KEYS):
        return dict(data)
    if isinstance(data, tuple) and len(data) == 2 and is_nest(data):
        return {"x": data[0], "y": data[1]}
    raise ArgumentError(
        f"{where}: sample_weight= goes with arrays (x, y); let a {type(data).__name__} give "
        "batches (x, y, weight) itself"
    )


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(value.shape if hasattr(value, "shape") else plain_array(value, "x").shape)


# --- validation_split --------------------------------------------------------------------------


def _split_off(train: Any, how: Any) -> FitData:
    """The data to train on and those to validate on; see `data.split`."""
    data = data_set(train, "fit")
    if data is None or isinstance(train, DataLoader):
        raise ArgumentError(
            f"fit: validation_split divides arrays or a data set; a {type(train).__name__} cannot "
            "be split. Pass data to validate on: fit(train, val), and see data.split"
        )
    labels = labels_of(data)
    first, second = next(pairs_of(how, len(data), labels, "fit: validation_split"))
    if isinstance(how, (float, int)):
        _warn_of_order(labels, len(first))
    return FitData(Subset(data, first.tolist()), Subset(data, second.tolist()))


def _warn_of_order(labels: np.ndarray[Any, Any] | None, first: int) -> None:
    """Say it if the last part has classes that the first one lacks: the data are in order."""
    if labels is None or labels.dtype.kind not in "iub" or labels.ndim != 1:
        return
    known = np.unique(labels[:first])
    unseen = np.setdiff1d(np.unique(labels[first:]), known)
    if unseen.size and known.size + unseen.size <= min(1000, len(labels) // 5):  # else no classes
        warnings.warn(
            f"fit: validation_split takes the last part of the data, and the classes "
            f"{', '.join(map(str, unseen[:5]))} are in this part only: the data are in the order "
            "of their classes. Use validation_split=data.Split(0.2, stratify=True)",
            stacklevel=4,
        )


def labels_of(data: Any) -> np.ndarray[Any, Any] | None:
    """The targets of all samples, where the data hold them as numbers; None otherwise."""
    labels = splits.labels_of(data.dataset if isinstance(data, DataLoader) else data)
    return labels if labels is not None and labels.dtype.kind in "biuf" else None


# --- loaders -----------------------------------------------------------------------------------


def make_loader(
    data: Any, batch_size: int, *, shuffle: bool, num_workers: int, where: str
) -> Iterable[Any]:
    """A loader of the given data: a loader, arrays, a data set, or an iterable of batches."""
    if isinstance(data, DataLoader):
        return data
    found = data_set(data, where)
    if found is not None:
        check_batch_size(batch_size, where)
        # shuffling an empty data set is an error of the sampler, which cannot say which data it was
        shuffle = shuffle and len(found) > 0
        return DataLoader(found, int(batch_size), shuffle=shuffle, num_workers=num_workers)
    if hasattr(data, "__iter__") and not isinstance(data, (str, Mapping)):
        return data  # type: ignore[no-any-return] # batches, in whatever form they come
    raise DTypeError(
        f"{where}: expected a DataLoader, a pair (x, y), a data set or an iterable of batches; got "
        f"{type(data).__name__}"
    )


def check_given(data: Any, where: str) -> None:
    """Raise DTypeError for data that are None, whole or in part."""
    advice = "A function that was to load them may lack its return"
    if data is None:
        what = "what to predict for" if where == "predict" else "the inputs"
        raise DTypeError(f"{where}: the first argument, {what}, is None. {advice}")
    if isinstance(data, Mapping):
        named = {f"{key!r}": part for key, part in data.items() if key != "sample_weight"}
    elif isinstance(data, tuple):
        names = {1: ["x"], 2: ["x", "y"], 3: ["x[0]", "x[1]", "y"]}.get(len(data), [])
        named = dict(zip(names, data, strict=True)) if names else {}
    else:
        return
    missing = [str(name) for name, part in named.items() if part is None]
    if missing:
        kind = "dict" if isinstance(data, Mapping) else f"tuple of {len(data)}"
        kind = "pair (x, y)" if isinstance(data, tuple) and len(data) == 2 else kind
        what = " and ".join(missing)
        raise DTypeError(
            f"{where}: {what} of the {kind} {'is' if len(missing) == 1 else 'are'} None. {advice}"
        )


def check_batch_size(batch_size: Any, where: str) -> None:
    """Raise ArgumentError unless it is an int of 1 or more, also one of NumPy."""
    is_int = isinstance(batch_size, (int, np.integer)) and not isinstance(batch_size, bool)
    if not is_int or batch_size < 1:
        raise ArgumentError(f"{where}: batch_size must be an int of 1 or more; got {batch_size!r}")


def data_set(data: Any, where: str) -> Any:
    """A data set of the given data, or None for what only gives batches, one after another."""
    check_given(data, where)
    if is_array(data):
        data = (data,)
    if is_nest(data) and not _is_batches(data):
        parts = _plain(data, where)
        flat = not isinstance(parts, Mapping) and all(
            isinstance(part, (Tensor, np.ndarray)) for part in parts
        )
        common_length(parts, where)
        return TensorDataset(*parts) if flat else Columns(parts, where)
    if hasattr(data, "__getitem__") and hasattr(data, "__len__") and not isinstance(data, list):
        samples = isinstance(data, tuple) and all(
            isinstance(p, (tuple, list, Mapping)) for p in data
        )
        if isinstance(data, (str, Mapping)) or (isinstance(data, tuple) and not samples):
            parts = data.values() if isinstance(data, Mapping) else data
            kinds = "str" if isinstance(data, str) else ", ".join(type(p).__name__ for p in parts)
            raise DTypeError(
                f"{where}: expected arrays of inputs and targets; got {type(data).__name__} of "
                f"{kinds or 'nothing'}. Give the pair (x, y)"
            )
        return data
    return None


def _plain(data: Any, where: str) -> Any:
    """The same nest with plain arrays; messages name them x and y."""
    if isinstance(data, Mapping):
        return {key: mapped(plain_array, part, f"{where}: {key}") for key, part in data.items()}
    last = len(data) - 1
    names = ["x" if last < 2 else f"x[{i}]" for i in range(last)] + ["y" if last else "x"]
    return tuple(
        mapped(plain_array, part, f"{where}: {name}")
        for part, name in zip(data, names, strict=True)
    )


def _is_batches(data: Any) -> bool:
    """Whether a nest is a list of batches (x, y), and not inputs and their targets."""
    if not isinstance(data, (list, tuple)):
        return False
    pairs = all(isinstance(part, (list, tuple, Mapping)) and not is_array(part) for part in data)
    if not pairs:
        return False
    # inputs and targets that are both several would be as long as each other
    lengths = [{_shape(leaf)[:1] for leaf in leaves_of(part)} for part in data]
    same = all(len(one) == 1 for one in lengths) and len(set(map(tuple, lengths))) == 1
    return isinstance(data, list) or not (len(data) in (2, 3) and same)


def leaves_of(value: Any) -> list[Any]:
    """The arrays of a nest; lists of numbers are arrays."""
    if is_array(value):
        return [value]
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [leaf for part in value for leaf in leaves_of(part)]
    return [value]


def prediction_batches(x: Any, batch_size: int, num_workers: int) -> Iterable[Any]:
    """Batches to predict; arrays are cut in pieces, which draws no random number."""
    if is_array(x):
        x = (x,)
    data = data_set(x, "predict") if is_nest(x) and not _is_batches(x) else None
    if data is None:
        return make_loader(x, batch_size, shuffle=False, num_workers=num_workers, where="predict")
    check_batch_size(batch_size, "predict")
    parts = data.tensors if isinstance(data, TensorDataset) else data.parts
    pieces = range(0, len(data), batch_size)
    return (_rows(parts, slice(i, i + batch_size)) for i in pieces)


def _rows(parts: Any, rows: slice) -> Any:
    return mapped(lambda array, _: array[rows], parts, "x")
