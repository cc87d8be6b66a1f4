"""Makes a batch from a list of samples, by PyTorch's rules for each type."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from dlframe.data.batch import Batch
from dlframe.dtypes import get_default_dtype
from dlframe.errors import ShapeError
from dlframe.tensor import Tensor

default_collate_err_msg_format = (
    "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}. "
    "Turn such samples into tensors in the data set (for an image: transform=ToTensor()), "
    "or pass a collate_fn"
)


def default_convert(data: Any) -> Any:
    """Turn NumPy arrays and numbers into Tensors, also inside containers; keep the rest.

    A loader with `batch_size=None` does this to each sample. Arrays are shared, tuples become
    lists.

    >>> default_convert({"x": np.zeros(2), "name": "a"})["x"].shape == (2,)
    True
    """
    if isinstance(data, (Tensor, str, bytes)):
        return data
    if isinstance(data, (np.ndarray, np.generic)):
        return data if data.dtype.kind in "SUO" else Tensor(np.asarray(data))
    if isinstance(data, Batch):
        return default_collate(data)
    if isinstance(data, Mapping):
        return _like_mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, Sequence):
        return _like_sequence(data, [default_convert(value) for value in data])
    return data


def collate(batch: Any, *, collate_fn_map: Mapping[Any, Callable[..., Any]] | None = None) -> Any:
    """Collate by the type of the first sample: with a function of the map, or each part in turn.

    A key of `collate_fn_map` is a type or a tuple of types; its function is called with the batch
    and `collate_fn_map=`.
    """
    first = batch[0]
    functions = collate_fn_map or {}
    if type(first) in functions:
        return functions[type(first)](batch, collate_fn_map=functions)
    for kind, function in functions.items():
        if isinstance(first, kind):
            return function(batch, collate_fn_map=functions)

    def inner(samples: Any) -> Any:
        return collate(samples, collate_fn_map=collate_fn_map)

    if isinstance(first, Mapping):
        return _like_mapping(first, {key: inner([s[key] for s in batch]) for key in first})
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            lengths = sorted({len(sample) for sample in batch})
            raise ShapeError(
                "each element in list of batch should be of equal size; "
                f"got lengths {lengths}. Pad the samples, or pass a collate_fn"
            )
        return _like_sequence(first, [inner(samples) for samples in zip(*batch, strict=True)])
    raise TypeError(default_collate_err_msg_format.format(type(first)))


def default_collate(batch: Any) -> Any:
    """Make a batch from a list of samples, with a new first dimension that counts them.

    Tensors and arrays are stacked; floats give float64, ints int64, bools bool; strings stay a
    list; dicts, named tuples and lists are kept and collated inside, tuples become lists.

    Raises ShapeError for tensors of unequal shapes or sequences of unequal lengths, and TypeError
    for any other type.

    >>> default_collate([(1, "a"), (2, "b")])[1]
    ('a', 'b')
    """
    if isinstance(batch, Batch) and _is_ours(default_collate_fn_map):
        columns = [_collate_column(column) for column in batch.parts()]
        return dict(zip(batch.columns, columns, strict=True)) if _named(batch) else columns
    return collate(batch, collate_fn_map=default_collate_fn_map)


def _collate_column(column: Any) -> Any:
    if isinstance(column, Tensor):
        return column
    if isinstance(column, np.ndarray):
        return Tensor(column)
    if isinstance(column, Batch):
        return default_collate(column)
    # a tuple, as from transposed samples: strings come back as one
    return default_collate(tuple(column))


def _is_ours(functions: Mapping[Any, Any]) -> bool:
    """Whether nobody has put other functions in the places of those below."""
    return all(functions.get(kind) is function for kind, function in _OURS.items())


def _named(batch: Batch) -> bool:
    return isinstance(batch.columns, Mapping)


def collate_tensor_fn(batch: Any, **_: Any) -> Tensor:
    """Stack tensors of one shape."""
    for i, sample in enumerate(batch):
        if not isinstance(sample, Tensor):
            raise TypeError(
                f"expected Tensor as element {i} in argument 0, but got {type(sample).__name__}"
            )
    if any(sample.requires_grad for sample in batch):
        # only for samples that have a graph, which is rare; arrays are stacked faster
        from dlframe.tensor.functions import stack

        _check_shapes([sample.shape for sample in batch])
        return stack(list(batch), 0)
    return _stack_arrays([sample.array for sample in batch])


def collate_numpy_array_fn(batch: Any, **_: Any) -> Tensor:
    """Stack arrays of one shape as a Tensor; arrays of texts raise TypeError."""
    if batch[0].dtype.kind in "SUO":
        raise TypeError(default_collate_err_msg_format.format(batch[0].dtype))
    return _stack_arrays([np.asarray(sample) for sample in batch])


def _stack_arrays(arrays: list[np.ndarray[Any, Any]]) -> Tensor:
    _check_shapes([array.shape for array in arrays])
    return Tensor(np.stack(arrays))


def _check_shapes(shapes: list[tuple[int, ...]]) -> None:
    for i, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise ShapeError(
                "stack expects each tensor to be equal size, but got "
                f"{list(shapes[0])} at entry 0 and {list(shape)} at entry {i}. "
                "Bring the samples to one size in a transform, or pass a collate_fn"
            )


def collate_numpy_scalar_fn(batch: Any, **_: Any) -> Tensor:
    """A Tensor of NumPy's numbers, in their dtype."""
    return Tensor(np.asarray(batch))


def collate_float_fn(batch: Any, **_: Any) -> Tensor:
    """A Tensor of floats, float64."""
    return Tensor(np.array(batch, dtype=np.float64))


def collate_int_fn(batch: Any, **_: Any) -> Tensor:
    """A Tensor of ints, int64, or of bools."""
    numbers = np.array(batch)
    if numbers.dtype.kind == "f":  # a float among the ints: the default dtype, as in torch.tensor
        numbers = numbers.astype(get_default_dtype())
    elif numbers.dtype.kind not in "bi":
        raise ValueError(f"default_collate: an int does not fit into int64; got {batch}")
    return Tensor(numbers)


def collate_str_fn(batch: Any, **_: Any) -> Any:
    """Texts stay as they are."""
    return batch


default_collate_fn_map: dict[Any, Callable[..., Any]] = {
    Tensor: collate_tensor_fn,
    np.ndarray: collate_numpy_array_fn,
    (np.bool_, np.number, np.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}
"""The functions of `default_collate` by type; add an entry to collate a type of your own."""

_OURS = dict(default_collate_fn_map)


def _like_mapping(model: Mapping[Any, Any], content: dict[Any, Any]) -> Any:
    """The content in a mapping of the model's type, with its other attributes."""
    try:
        if isinstance(model, MutableMapping):
            clone = copy.copy(model)
            clone.update(content)
            return clone
        return type(model)(content)  # type: ignore[call-arg] # such types take their content
    except TypeError:  # a type that cannot be copied or built from a dict
        return content


def _like_sequence(model: Sequence[Any], content: list[Any]) -> Any:
    """The content in a sequence of the model's type; a plain tuple becomes a list (PyTorch)."""
    if isinstance(model, tuple):
        return type(model)(*content) if hasattr(model, "_fields") else content
    try:
        if isinstance(model, MutableSequence):
            clone = copy.copy(model)
            for i, value in enumerate(content):
                clone[i] = value
            return clone
        return type(model)(content)  # type: ignore[call-arg] # such types take their content
    except TypeError:  # a type that cannot be written to or built from a list, such as range
        return content
