"""`BatchedArray`: looks like an ndarray of one example, while NumPy computes with all examples.

It takes part in NumPy's dispatch protocols (NEP 13 for ufuncs, NEP 18 for other functions), so the
forwards and rules of operations need not be changed: `x * w`, `x.sum(axis=0)` and
`np.where(x > 0, x, 0)` mean what they mean for one example, and are computed for all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from dlframe.base import nests
from dlframe.errors import VmapError
from dlframe.ops.batched import indexing
from dlframe.ops.batched.base import (
    BatchedBase,
    LoopNeeded,
    ValueNeeded,
    WriteNeeded,
    batched_in,
    is_of,
    lifted,
)
from dlframe.ops.batched.loop import example, stacked
from dlframe.ops.record import TensorBase
from dlframe.ops.sums import add

# Per function of NumPy: rule(x, *args, **kwargs) -> the result with its batch dimension; filled by
# `dlframe.ops.batched.rules`.
RULES: dict[Any, Callable[..., Any]] = {}
_ADDED = {"axis", "keepdims", "out"}  # the arguments of np.add.reduce that leave it a plain sum
WRITERS = {np.copyto, np.put_along_axis, np.put, np.place, np.putmask, np.fill_diagonal}


class NoRule(Exception):
    """A rule does not cover these arguments: go example by example."""


class BatchedArray(BatchedBase, NDArrayOperatorsMixin):
    """An array that hides axis 0 of `physical`: the examples of one `vmap`."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment] # as an ndarray

    def __init__(self, physical: Any, level: int):
        self.physical, self.level = physical, level

    @property
    def __class__(self) -> Any:
        # Operations test whether they got an ndarray. This object must pass that test, so that an
        # ordinary call needs no other test. C code calls __array__ instead.
        return np.ndarray

    @__class__.setter
    def __class__(self, value: Any) -> None:
        raise TypeError("a BatchedArray stays one")

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        raise LoopNeeded(
            "vmap: the memory of a whole batch was asked for where that of one example is meant"
        )

    # --- NumPy's protocols ---------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        for x in inputs:
            if isinstance(x, TensorBase):  # a gradient without a graph and a weight with one
                return NotImplemented  # the tensor's operation records it
        like = innermost((inputs, kwargs))
        if method == "__call__":
            function = _gufunc if ufunc.signature else _elementwise
            return function(like, ufunc, inputs, kwargs)
        if method == "reduce" and isinstance(inputs[0], BatchedBase):
            plain_sum = ufunc is np.add and kwargs.keys() <= _ADDED
            return _reduce(like, add if plain_sum else ufunc.reduce, inputs, {"axis": 0, **kwargs})
        if method == "accumulate" and isinstance(inputs[0], BatchedBase):
            return _accumulate(like, ufunc.accumulate, *inputs, **kwargs)
        if method == "outer":
            x, y = inputs
            return ufunc(x[(..., *(None,) * np.ndim(y))], y, **kwargs)
        if method == "at":
            raise LoopNeeded(f"vmap: np.{ufunc.__name__}.at writes example by example")
        return _examples_of(getattr(ufunc, method), like, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(issubclass(kind, TensorBase) for kind in types):
            return NotImplemented
        like = innermost((args, kwargs))
        rule = RULES.get(func)
        if rule is not None and not has_out(kwargs):
            try:
                return rule(like, *args, **kwargs)
            except NoRule:
                pass
        if func in WRITERS:
            return _write_one_by_one(func, like, args, kwargs)
        return _examples_of(func, like, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if hasattr(np.ndarray, name):
            raise LoopNeeded(f"vmap: ndarray.{name} is not defined for a batch")
        raise AttributeError(f"'ndarray' object has no attribute {name!r}")

    # --- what it looks like --------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return self.physical.shape[1:]  # type: ignore[no-any-return] # physical is Any

    @property
    def ndim(self) -> int:
        return self.physical.ndim - 1  # type: ignore[no-any-return] # physical is Any

    @property
    def size(self) -> int:
        return math.prod(self.physical.shape[1:])

    @property
    def dtype(self) -> Any:
        return self.physical.dtype

    @property
    def itemsize(self) -> int:
        return self.physical.itemsize  # type: ignore[no-any-return] # physical is Any

    @property
    def nbytes(self) -> int:
        return self.size * self.itemsize

    @property
    def strides(self) -> tuple[int, ...]:
        return self.physical.strides[1:]  # type: ignore[no-any-return] # physical is Any

    @property
    def flags(self) -> Any:
        return self.physical.flags

    @property
    def base(self) -> Any:
        return self.physical  # the owner of the memory, by which views of one array are recognized

    @property
    def T(self) -> Any:
        return self.transpose()

    @property
    def mT(self) -> Any:
        return self.swapaxes(-1, -2)

    @property
    def real(self) -> Any:
        return self

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"BatchedArray(lvl={self.level}, bdim=0, value={self.physical!r})"

    def item(self, *_: Any) -> NoReturn:
        raise ValueNeeded(
            "vmap: It looks like you're either (1) calling .item() on a Tensor or (2) attempting "
            "to use a Tensor in some data-dependent control flow or (3) encountering this error in "
            "an operation that needs single values. Each example may have another value: use "
            "where() instead of if, or call the function once per example."
        )

    tolist = item

    def _one_value(self) -> NoReturn:
        raise LoopNeeded("vmap: a number was asked for where each example has another one")

    __bool__ = __int__ = __float__ = __index__ = __complex__ = _one_value

    # --- reading and writing -------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Any:
        like = innermost((self, index))
        return like.remade(indexing.read(self, index, like))

    def __setitem__(self, index: Any, value: Any) -> None:
        like = innermost((self, index, value))
        if self.level != like.level:
            raise_written_without_batch()
        indexing.write(self, index, value, like)

    def fill(self, value: Any) -> None:
        self[...] = value

    # --- methods, by NumPy's functions of the same name ----------------------------------------

    def reshape(self, *shape: Any, **kwargs: Any) -> Any:
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, **kwargs)

    def transpose(self, *axes: Any) -> Any:
        given = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
        return np.transpose(self, given or None)

    def swapaxes(self, axis1: int, axis2: int) -> Any:
        return np.swapaxes(self, axis1, axis2)

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        return self.remade(self.physical.astype(dtype, *args, **kwargs))

    def copy(self, order: str = "C") -> Any:
        return self.remade(self.physical.copy())

    def view(self, *args: Any) -> Any:
        if args and self.physical.dtype.itemsize != np.dtype(args[0]).itemsize:
            raise LoopNeeded("vmap: a view as another dtype changes the last dimension")
        return self.remade(self.physical.view(*args))

    def dot(self, other: Any) -> Any:
        return np.dot(self, other)

    def ravel(self, order: str = "C") -> Any:
        return np.reshape(self, -1)

    def flatten(self, order: str = "C") -> Any:
        return np.reshape(self, -1).copy()

    def sort(self, axis: int = -1, **kwargs: Any) -> None:
        self[...] = np.sort(self, axis, **kwargs)

    def squeeze(self, axis: Any = None) -> Any:
        return np.squeeze(self, axis)

    def clip(self, min: Any = None, max: Any = None, **kwargs: Any) -> Any:
        return np.clip(self, min, max, **kwargs)


def _method(function: Any) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    return method


for _function in (
    np.all, np.any, np.argmax, np.argmin, np.argsort, np.argpartition, np.cumprod, np.cumsum,
    np.diagonal, np.max, np.mean, np.min, np.nonzero, np.prod, np.repeat, np.round, np.searchsorted,
    np.std, np.sum, np.take, np.trace, np.var, np.compress, np.choose, np.conjugate,
):  # fmt: skip
    setattr(BatchedArray, _function.__name__, _method(_function))


# --- helpers for rules -------------------------------------------------------------------------


def innermost(value: Any) -> Any:
    """The batched array of the innermost `vmap` in `value`."""
    found = list(batched_in(value))
    like: Any = found[0]
    for x in found[1:]:
        if x.level > like.level:
            like = x
    for x in found:
        if x.level != like.level and like.level in x.levels:
            raise VmapError("vmap: batches of two vmaps are nested in two orders")
    return like


def ndim_of(x: Any) -> int:
    return x.ndim if isinstance(x, np.ndarray) else np.ndim(x)


def remade(like: BatchedBase, out: Any) -> Any:
    """Physical results as batched arrays."""
    return nests.map_leaves(like.remade, out)


def raise_written_without_batch() -> NoReturn:
    raise WriteNeeded(
        "vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor "
        "`other` in extra_args that has more elements than `self`: a tensor without a batch "
        "dimension cannot take a batch; use the out-of-place form"
    )


def has_out(kwargs: Any) -> bool:
    """Whether the result is to go into a buffer, which may have no batch dimension."""
    return kwargs.get("out") is not None


# --- ufuncs ------------------------------------------------------------------------------------


def _elementwise(like: Any, ufunc: Any, inputs: Any, kwargs: Any) -> Any:
    out = kwargs.pop("out", None)
    ndim = max(ndim_of(x) for x in inputs)
    if kwargs:
        kwargs = {k: lifted(v, ndim, like) for k, v in kwargs.items()}
    physical = [lifted(x, ndim, like) for x in inputs]
    if out is None:
        return remade(like, ufunc(*physical, **kwargs))
    for target in out:
        if not is_of(like, target):
            raise_written_without_batch()
    ufunc(*physical, out=tuple([target.physical for target in out]), **kwargs)
    return out[0] if len(out) == 1 else out


def _gufunc(like: Any, ufunc: Any, inputs: Any, kwargs: Any) -> Any:
    out = kwargs.pop("out", None)
    if out is not None:
        out[0][...] = _gufunc(like, ufunc, inputs, kwargs)  # which raises if it has no batch
        return out[0]
    if ufunc is np.matmul and not kwargs:
        return like.remade(matmul(like, *inputs))
    core = [len(part.split(",")) for part in ufunc.signature.split("->")[0][1:-1].split("),(")]
    if kwargs or "?" in ufunc.signature:
        return _examples_of(ufunc, like, inputs, kwargs)
    loops = max(ndim_of(x) - n for x, n in zip(inputs, core, strict=True))
    physical = [lifted(x, loops + n, like) for x, n in zip(inputs, core, strict=True)]
    return remade(like, ufunc(*physical))


def matmul(like: Any, x: Any, y: Any) -> Any:
    """`x @ y` with the batch dimension in front; vectors become matrices for the product."""
    x_vector, y_vector = ndim_of(x) == 1, ndim_of(y) == 1
    if ndim_of(x) == 0 or ndim_of(y) == 0:
        raise ValueError("matmul: operands have at least one dimension")
    if not x_vector and is_of(like, x) and not is_of(like, y) and ndim_of(y) <= 2:
        # one large product: the rows of all examples against the same matrix
        p = x.physical
        rows = p.reshape(math.prod(p.shape[:-1]), p.shape[-1]) @ y
        return rows.reshape(*p.shape[:-1], *rows.shape[1:])
    if x_vector and is_of(like, x) and not is_of(like, y) and ndim_of(y) == 2:
        return x.physical @ y
    x = x[None, :] if x_vector else x
    y = y[:, None] if y_vector else y
    ndim = max(x.ndim, y.ndim)
    out = lifted(x, ndim, like) @ lifted(y, ndim, like)
    if y_vector:
        out = out[..., 0]
    if x_vector:
        out = out[..., 0] if y_vector else out[..., 0, :]
    return out


def shifted(axis: Any, ndim: int) -> Any:
    """Axes of an example as axes of the batch."""
    if isinstance(axis, (tuple, list)):
        return tuple([shifted(a, ndim) for a in axis])
    axis = int(axis)
    if not -max(ndim, 1) <= axis < max(ndim, 1):
        raise np.exceptions.AxisError(axis, ndim)
    return axis + 1 if axis >= 0 else axis + ndim + 1


def _reduce(like: Any, function: Any, inputs: Any, kwargs: Any) -> Any:
    (x,) = inputs
    if not is_of(like, x) or has_out(kwargs):
        raise LoopNeeded("vmap: a reduction into a buffer")
    axis = kwargs.pop("axis")
    kwargs.pop("out", None)
    axes = tuple(range(1, x.ndim + 1)) if axis is None else shifted(axis, x.ndim)
    if "where" in kwargs:
        kwargs["where"] = lifted(kwargs["where"], x.ndim, like)
    return like.remade(
        np.asanyarray(function(x.physical, axis=axes, **kwargs))
        if not isinstance(x.physical, BatchedBase)
        else function(x.physical, axis=axes, **kwargs)
    )


def _accumulate(like: Any, function: Any, x: Any, axis: int = 0, *args: Any, **kwargs: Any) -> Any:
    if not is_of(like, x) or args or kwargs:
        raise LoopNeeded("vmap: accumulate with options")
    return like.remade(function(x.physical, axis=shifted(axis, x.ndim)))


# --- other functions of NumPy ------------------------------------------------------------------


def _write_one_by_one(func: Any, like: Any, args: Any, kwargs: Any) -> None:
    if not args or not is_of(like, args[0]):
        raise_written_without_batch()
    for i in range(like.physical.shape[0]):  # the examples are views
        func(*example(args, like.level, i), **example(kwargs, like.level, i))


def _examples_of(func: Any, like: Any, args: Any, kwargs: Any) -> Any:
    """`one_by_one` without its first attempt, since there is no rule."""
    if has_out(kwargs):
        raise LoopNeeded(f"vmap: np.{func.__name__} into a buffer")
    size = like.physical.shape[0]
    if size == 0:
        raise LoopNeeded(f"vmap: np.{func.__name__} of an empty batch")
    results = [
        func(*example(args, like.level, i), **example(kwargs, like.level, i)) for i in range(size)
    ]
    return stacked(results, like)
