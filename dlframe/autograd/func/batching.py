"""`vmap`: a function of one example becomes a function of a batch of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from dlframe.autograd.batching import Batch, under_way
from dlframe.autograd.func.random import Randomness
from dlframe.base import nests
from dlframe.errors import ArgumentError
from dlframe.ops.batched.base import LoopNeeded, ValueNeeded, WriteNeeded
from dlframe.ops.record import TensorBase, last_mutation
from dlframe.random import get_rng_state, set_rng_state
from dlframe.random.transform import transformed
from dlframe.tensor.functions import cat, stack

Dims = int | tuple[Any, ...] | None


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """The function that maps `func` over a dimension of its inputs, all examples at once.

    `vmap(f)(x)[i] = f(x[i])`, without a loop in Python: NumPy's functions work on the whole
    batch. If a function cannot compute the whole batch (a decomposition by SciPy, a dimension of
    indices), it runs example by example, and the result is the same.

    Args:
        func: a function of tensors that returns tensors, in any nesting.
        in_dims: the dimension of each input that counts the examples, or None for an input that
            all examples share; one value for all inputs, or nested as the inputs are.
        out_dims: the dimension of each output that counts the examples.
        randomness: whether random numbers in `func` are "different" for the examples, the "same",
            or an "error".
        chunk_size: the number of examples to compute at once; by default all.

    Raises:
        ValueError: dims that do not fit the inputs, or inputs of different batch sizes.
        VmapError: the function branches on values, or does something else that a batch cannot do.

    >>> import dlframe as dl
    >>> x, y = dl.tensor([[1.0, 2.0], [3.0, 4.0]]), dl.tensor([10.0, 20.0])
    >>> dl.vmap(dl.dot, in_dims=(0, None))(x, y)
    tensor([ 50., 110.])
    >>> loss = lambda w, x, y: (w @ x - y) ** 2
    >>> w = dl.tensor([1.0, -1.0])
    >>> dl.vmap(dl.func.grad(loss), in_dims=(None, 0, 0))(w, x, y)  # a gradient per example
    tensor([[ -22.,  -44.],
            [-126., -168.]])
    """
    if randomness not in ("error", "different", "same"):
        raise ArgumentError(
            "Only allowed values for randomness are 'error', 'different', or 'same'. Got "
            f"{randomness}"
        )
    if chunk_size is not None and not (type(chunk_size) is int and chunk_size > 0):
        raise ArgumentError(
            f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})"
        )

    @functools.wraps(func)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        inputs = _Inputs(func, in_dims, args)
        if chunk_size is None or chunk_size >= inputs.size:
            return _mapped(func, inputs, kwargs, out_dims, randomness)[0]
        return _in_chunks(func, inputs, kwargs, out_dims, randomness, chunk_size)

    return mapped


class _Inputs:
    """The arguments, flat, with the dimension of each that counts the examples."""

    def __init__(self, func: Any, in_dims: Any, args: tuple[Any, ...]):
        self.name = name_of(func)
        where = f"vmap({self.name}, in_dims={in_dims}, ...)(<inputs>): "
        if not isinstance(in_dims, (int, tuple)):
            raise ArgumentError(
                f"{where}expected `in_dims` to be int or a (potentially nested) tuple matching the "
                f"structure of inputs, got: {type(in_dims)}."
            )
        if not args:
            raise ArgumentError(
                f"vmap({self.name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or "
                "you are trying to vmap over a function with no inputs. The latter is unsupported."
            )
        self.leaves, self.tree = nests.flatten(args)
        dims = nests.spread(in_dims, self.tree)
        if dims is None:
            raise ArgumentError(
                f"{where}in_dims is not compatible with the structure of `inputs`. in_dims has "
                f"structure {nests.flatten(in_dims)[1]} but inputs has structure {self.tree}."
            )
        self.dims = [_checked_dim(where, x, dim) for x, dim in zip(self.leaves, dims, strict=True)]
        self.size = _common_size(self.leaves, self.dims)

    def part(self, start: int, stop: int) -> _Inputs:
        """The same with some of the examples only."""
        new = object.__new__(_Inputs)
        new.name, new.tree, new.dims, new.size = self.name, self.tree, self.dims, stop - start
        new.leaves = [
            x if dim is None else x[(slice(None),) * dim + (slice(start, stop),)]
            for x, dim in zip(self.leaves, self.dims, strict=True)
        ]
        return new


def _checked_dim(where: str, x: Any, dim: Any) -> int | None:
    if dim is None:
        return None
    if not isinstance(dim, int):
        raise ArgumentError(
            f"{where}Got in_dim={dim} for an input but in_dim must be either an integer dimension "
            "or None."
        )
    if not isinstance(x, TensorBase):
        raise ArgumentError(
            f"{where}Got in_dim={dim} for an input but the input is of type {type(x)}. We cannot "
            "vmap over non-Tensor arguments, please use None as the respective in_dim"
        )
    ndim = x.array.ndim
    if not -ndim <= dim < ndim:
        raise ArgumentError(
            f"{where}Got in_dim={dim} for some input, but that input is a Tensor of dimensionality "
            f"{ndim} so expected in_dim to satisfy -{ndim} <= in_dim < {ndim}."
        )
    return dim % ndim


def _common_size(leaves: list[Any], dims: list[int | None]) -> int:
    sizes = [x.array.shape[dim] for x, dim in zip(leaves, dims, strict=True) if dim is not None]
    if not sizes:
        raise ArgumentError("vmap: Expected at least one Tensor to vmap over")
    if any(n != sizes[0] for n in sizes):
        raise ArgumentError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    return int(sizes[0])


def _mapped(
    func: Any, inputs: _Inputs, kwargs: Any, out_dims: Any, randomness: str
) -> tuple[Any, list[Any], list[Any]]:
    """One call for all examples; also the flat outputs and their dims."""
    batch = Batch(inputs.size)
    entered = [
        x if dim is None else batch.enter(x, dim)
        for x, dim in zip(inputs.leaves, inputs.dims, strict=True)
    ]
    state = get_rng_state()
    try:
        with transformed(Randomness(batch, randomness)), under_way(batch, randomness):
            out = func(*nests.unflatten(entered, inputs.tree), **kwargs)
    except (ValueNeeded, WriteNeeded):
        raise  # the examples take different branches, or a write has no place for a batch
    except LoopNeeded:
        if last_mutation() > batch.start or not inputs.size:
            raise  # a second run would write a second time
        set_rng_state(state)
        return _in_turn(func, inputs, kwargs, out_dims, randomness)
    leaves, tree = nests.flatten(out)
    dims = _output_dims(inputs.name, out_dims, leaves, tree, batch)
    chosen = [i for i, dim in enumerate(dims) if dim is not None]
    left = batch.leave([leaves[i] for i in chosen], [dims[i] for i in chosen])
    for i, x in zip(chosen, left, strict=True):
        leaves[i] = x
    return nests.unflatten(leaves, tree), leaves, dims


def _in_turn(
    func: Any, inputs: _Inputs, kwargs: Any, out_dims: Any, randomness: str
) -> tuple[Any, list[Any], list[Any]]:
    """The same, one example after the other, for functions that cannot take a batch."""
    batch = Batch(inputs.size)
    state = get_rng_state()
    rows, tree = [], None
    for i in range(inputs.size):
        if randomness == "same":
            set_rng_state(state)
        one = [
            x if dim is None else x[(slice(None),) * dim + (i,)]
            for x, dim in zip(inputs.leaves, inputs.dims, strict=True)
        ]
        with transformed(Randomness(batch, "error" if randomness == "error" else "same")):
            out = func(*nests.unflatten(one, inputs.tree), **kwargs)
        leaves, tree = nests.flatten(out)
        rows.append(leaves)
    dims = _output_dims(inputs.name, out_dims, rows[0], tree, batch)
    joined = [
        column[0] if dim is None else stack(column, dim)
        for column, dim in zip(zip(*rows, strict=True), dims, strict=True)
    ]
    return nests.unflatten(joined, tree), joined, dims


def _output_dims(name: str, out_dims: Any, leaves: Any, tree: Any, batch: Batch) -> list[Any]:
    if isinstance(out_dims, tuple) and tree is None and len(out_dims) == 1:
        out_dims = out_dims[0]
    dims = nests.spread(out_dims, tree)
    if dims is None:
        raise ArgumentError(
            f"vmap({name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with "
            f"the structure of `outputs`. out_dims has structure {nests.flatten(out_dims)[1]} but "
            f"outputs has structure {tree}."
        )
    return [_checked_output(name, x, dim, batch) for x, dim in zip(leaves, dims, strict=True)]


def _checked_output(name: str, x: Any, dim: Any, batch: Batch) -> int | None:
    if dim is not None and not isinstance(dim, int):
        raise ArgumentError(
            f"vmap({name}, ..., out_dims={dim}): `out_dims` must be an int, None or a tuple of "
            f"ints representing where in the outputs the vmapped dimension should appear."
        )
    if dim is None:
        if isinstance(x, TensorBase) and batch.holds(x):
            raise ArgumentError(
                f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None"
            )
        return None
    if not isinstance(x, TensorBase):
        raise ArgumentError(
            f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(x)}. Did you "
            "mean to set out_dims= to None for output?"
        )
    ndim = x.array.ndim + 1
    if not -ndim <= dim < ndim:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but got "
            f"{dim})"
        )
    return dim % ndim


def _in_chunks(
    func: Any, inputs: _Inputs, kwargs: Any, out_dims: Any, randomness: str, chunk_size: int
) -> Any:
    pieces, tree = [], None
    dims: list[Any] = []
    state = get_rng_state() if randomness == "same" else None
    for start in range(0, inputs.size, chunk_size):
        part = inputs.part(start, min(start + chunk_size, inputs.size))
        if state is not None:
            set_rng_state(state)
        out, leaves, dims = _mapped(func, part, kwargs, out_dims, randomness)
        pieces.append(leaves)
        tree = nests.flatten(out)[1]
    joined = [
        column[0] if dim is None else cat(column, dim)
        for column, dim in zip(zip(*pieces, strict=True), dims, strict=True)
    ]
    return nests.unflatten(joined, tree)


def name_of(func: Any) -> str:
    return getattr(func, "__name__", None) or repr(func)


__all__ = ["vmap"]
