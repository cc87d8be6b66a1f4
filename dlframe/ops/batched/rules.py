"""NumPy's functions on batches, with one function here for each kind.

The axis of a reduction, a join or a rearrangement is shifted by one, and linear algebra accepts
leading dimensions. Functions that are not listed here are computed example by example.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe.ops.batched.array import RULES, NoRule, ndim_of, remade, shifted
from dlframe.ops.batched.base import BatchedBase, batched_in, is_of, lifted, with_batch
from dlframe.ops.batched.indexing import read

Rule = Callable[..., Any]
_function: Any  # the loops below go through functions of many types


def _rule_for(*functions: Any) -> Callable[[Rule], Rule]:
    def add(rule: Rule) -> Rule:
        for function in functions:
            RULES[function] = rule
        return rule

    return add


def _physical(like: BatchedBase, x: Any) -> Any:
    """The memory of `x`, which must have the batch dimension."""
    if not is_of(like, x):
        raise NoRule
    return x.physical


def _refuse_batches(*values: Any) -> None:
    if any(True for _ in batched_in(values)):
        raise NoRule


# --- what an array is --------------------------------------------------------------------------

RULES[np.shape] = lambda like, a: a.shape
RULES[np.ndim] = lambda like, a: a.ndim
RULES[np.size] = lambda like, a, axis=None: a.size if axis is None else a.shape[axis]
RULES[np.iscomplexobj] = lambda like, x: x.dtype.kind == "c"
RULES[np.isrealobj] = lambda like, x: x.dtype.kind != "c"


@_rule_for(np.result_type, np.can_cast)
def _(like: Any, *args: Any, **kwargs: Any) -> Any:
    raise NoRule  # of any example, they are all alike


@_rule_for(np.may_share_memory, np.shares_memory)
def _(like: Any, a: Any, b: Any, max_work: Any = None) -> Any:
    a, b = (x.physical if is_of(like, x) else x for x in (a, b))
    return np.may_share_memory(a, b)


def _like(function: Any) -> None:
    def rule(like: Any, a: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse_batches(args, kwargs)
        shape = kwargs.pop("shape", None)
        p = _physical(like, a)
        if shape is not None:
            kwargs["shape"] = (p.shape[0], *((shape,) if isinstance(shape, int) else shape))
        return like.remade(function(p, *args, **kwargs))

    RULES[function] = rule


for _function in (np.empty_like, np.zeros_like, np.ones_like, np.full_like):
    _like(_function)


# --- elementwise functions that are not ufuncs -------------------------------------------------


def _elementwise(function: Any) -> None:
    def rule(like: Any, *inputs: Any, **kwargs: Any) -> Any:
        _refuse_batches(kwargs)
        ndim = max(ndim_of(x) for x in inputs)
        return remade(like, function(*[lifted(x, ndim, like) for x in inputs], **kwargs))

    RULES[function] = rule


for _function in (np.isclose, np.nan_to_num, np.round, np.sinc, np.i0, np.copy, np.real,
                  np.fix, np.isposinf, np.isneginf, np.unwrap):  # fmt: skip
    _elementwise(_function)


@_rule_for(np.where)
def _(like: Any, condition: Any, *branches: Any) -> Any:
    if not branches:
        raise NoRule
    ndim = max(ndim_of(x) for x in (condition, *branches))
    return like.remade(np.where(*[lifted(x, ndim, like) for x in (condition, *branches)]))


@_rule_for(np.clip)
def _(like: Any, a: Any, a_min: Any = None, a_max: Any = None, **kwargs: Any) -> Any:
    a_min, a_max = kwargs.pop("min", a_min), kwargs.pop("max", a_max)
    _refuse_batches(kwargs)
    ndim = max(ndim_of(x) for x in (a, a_min, a_max) if x is not None)
    a, a_min, a_max = (lifted(x, ndim, like) for x in (a, a_min, a_max))
    return like.remade(np.clip(a, a_min, a_max, **kwargs))


@_rule_for(np.copyto)
def _(like: Any, dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    p = _physical(like, dst)
    ndim = dst.ndim
    source, chosen = lifted(src, ndim, like), lifted(where, ndim, like)
    np.copyto(p, source, casting=casting, where=chosen)  # type: ignore[arg-type] # a literal


# --- reductions --------------------------------------------------------------------------------


def _reduction(function: Any, *, many: bool = True) -> None:
    """`many`: whether the function takes several axes at once."""

    def rule(like: Any, a: Any, axis: Any = None, *args: Any, **kwargs: Any) -> Any:
        p, ndim = _physical(like, a), a.ndim
        where = kwargs.pop("where", None)
        _refuse_batches(args, kwargs)
        if where is not None:
            kwargs["where"] = lifted(where, ndim, like)
        if many:
            axes = tuple(range(1, ndim + 1)) if axis is None else shifted(axis, ndim)
            if axes == 1 and ndim == 0:
                axes = ()
            return like.remade(function(p, axes, *args, **kwargs))
        if ndim == 0 or axis is None:
            keepdims = kwargs.pop("keepdims", False) is True
            out = function(p.reshape(p.shape[0], -1), 1, *args, **kwargs)
            if axis is not None and function in _SCANS:
                out = out.reshape(p.shape)
            return like.remade(out.reshape(len(out), *(1,) * ndim) if keepdims else out)
        return like.remade(function(p, shifted(axis, ndim), *args, **kwargs))

    RULES[function] = rule


_SCANS = (np.cumsum, np.cumprod, np.nancumsum, np.nancumprod)
for _function in (np.sum, np.prod, np.mean, np.max, np.min, np.any, np.all, np.std, np.var, np.ptp,
                  np.amax, np.amin, np.nansum, np.nanprod, np.nanmean, np.nanmax, np.nanmin,
                  np.nanstd, np.nanvar, np.count_nonzero, np.median, np.nanmedian):  # fmt: skip
    _reduction(_function)
for _function in (np.argmax, np.argmin, np.nanargmax, np.nanargmin, *_SCANS):
    _reduction(_function, many=False)


def _along_last(function: Any) -> None:
    """Functions along one axis, by default the last; None flattens."""

    def rule(like: Any, a: Any, axis: Any = -1, *args: Any, **kwargs: Any) -> Any:
        _refuse_batches(args, kwargs)
        p = _physical(like, a)
        if a.ndim == 0:
            raise NoRule
        if axis is None:
            p, axis = p.reshape(p.shape[0], -1), -1
        return like.remade(function(p, shifted(axis, p.ndim - 1), *args, **kwargs))

    RULES[function] = rule


for _function in (np.sort, np.argsort):
    _along_last(_function)


@_rule_for(np.diff)
def _(like: Any, a: Any, n: int = 1, axis: int = -1, **kwargs: Any) -> Any:
    _refuse_batches(kwargs)
    if kwargs:
        raise NoRule
    return like.remade(np.diff(_physical(like, a), n, shifted(axis, a.ndim)))


# --- rearranging -------------------------------------------------------------------------------


@_rule_for(np.reshape)
def _(like: Any, a: Any, shape: Any = None, order: str = "C", **kwargs: Any) -> Any:
    p = _physical(like, a)
    shape = kwargs.pop("newshape", shape)
    if order != "C" or kwargs:
        raise NoRule
    sizes = (shape,) if not isinstance(shape, (tuple, list)) else tuple(shape)
    if -1 in sizes:  # a batch of zero examples leaves NumPy nothing to infer it from
        known = math.prod(n for n in sizes if n != -1)
        if known and a.size % known == 0:
            sizes = tuple(a.size // known if n == -1 else n for n in sizes)
    return like.remade(p.reshape(p.shape[0], *sizes))


@_rule_for(np.ravel)
def _(like: Any, a: Any, order: str = "C") -> Any:
    return np.reshape(a, -1)


@_rule_for(np.transpose, np.permute_dims)
def _(like: Any, a: Any, axes: Any = None) -> Any:
    axes = range(a.ndim)[::-1] if axes is None else axes
    return like.remade(_physical(like, a).transpose(0, *[shifted(i, a.ndim) for i in axes]))


@_rule_for(np.matrix_transpose)
def _(like: Any, x: Any) -> Any:
    return like.remade(_physical(like, x).swapaxes(-1, -2))


@_rule_for(np.swapaxes)
def _(like: Any, a: Any, axis1: int, axis2: int) -> Any:
    p = _physical(like, a)
    return like.remade(p.swapaxes(shifted(axis1, a.ndim), shifted(axis2, a.ndim)))


@_rule_for(np.moveaxis)
def _(like: Any, a: Any, source: Any, destination: Any) -> Any:
    p, n = _physical(like, a), a.ndim
    source, destination = (
        shifted(list(x) if not isinstance(x, (int, np.integer)) else x, n)
        for x in (source, destination)
    )
    return like.remade(np.moveaxis(p, source, destination))


@_rule_for(np.expand_dims)
def _(like: Any, a: Any, axis: Any) -> Any:
    p = _physical(like, a)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    return like.remade(np.expand_dims(p, shifted(tuple(axes), a.ndim + len(axes))))


@_rule_for(np.squeeze)
def _(like: Any, a: Any, axis: Any = None) -> Any:
    if axis is None:
        axes: Any = tuple(i + 1 for i, n in enumerate(a.shape) if n == 1)
    else:
        axes = shifted(axis, a.ndim)
    return like.remade(_physical(like, a).squeeze(axes))


@_rule_for(np.broadcast_to)
def _(like: Any, array: Any, shape: Any, subok: bool = False) -> Any:
    _physical(like, array)
    sizes = (shape,) if not isinstance(shape, (tuple, list)) else tuple(shape)
    if array.ndim > len(sizes):
        raise ValueError("input operand has more dimensions than allowed by the axis remapping")
    p = lifted(array, len(sizes), like)
    return like.remade(np.broadcast_to(p, (p.shape[0], *sizes)))


@_rule_for(np.flip)
def _(like: Any, m: Any, axis: Any = None) -> Any:
    axes = tuple(range(1, m.ndim + 1)) if axis is None else shifted(axis, m.ndim)
    return like.remade(np.flip(_physical(like, m), axes))


@_rule_for(np.roll)
def _(like: Any, a: Any, shift: Any, axis: Any = None) -> Any:
    p = _physical(like, a)
    if axis is None:
        return np.reshape(np.roll(np.reshape(a, -1), shift, 0), a.shape)
    return like.remade(np.roll(p, shift, shifted(axis, a.ndim)))


@_rule_for(np.tile)
def _(like: Any, A: Any, reps: Any) -> Any:
    times = tuple(reps) if isinstance(reps, (tuple, list)) else (reps,)
    times = (1,) * (A.ndim - len(times)) + times
    _physical(like, A)
    return like.remade(np.tile(lifted(A, len(times), like), (1, *times)))


@_rule_for(np.repeat)
def _(like: Any, a: Any, repeats: Any, axis: Any = None) -> Any:
    _refuse_batches(repeats)
    if axis is None:
        a, axis = np.reshape(a, -1), 0
    return like.remade(np.repeat(_physical(like, a), repeats, shifted(axis, a.ndim)))


@_rule_for(np.pad)
def _(like: Any, array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    _refuse_batches(kwargs)
    widths = np.broadcast_to(np.asarray(pad_width), (array.ndim, 2)).tolist()
    if any(np.ndim(v) for v in kwargs.values()) or callable(mode):
        raise NoRule
    return like.remade(np.pad(_physical(like, array), [(0, 0), *widths], mode, **kwargs))


def _triangle(function: Any) -> None:
    def rule(like: Any, m: Any, k: int = 0) -> Any:
        if m.ndim < 2:
            raise NoRule
        return like.remade(function(_physical(like, m), k))

    RULES[function] = rule


for _function in (np.tril, np.triu):
    _triangle(_function)


@_rule_for(np.diagonal)
def _(like: Any, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    p = _physical(like, a)
    return like.remade(np.diagonal(p, offset, shifted(axis1, a.ndim), shifted(axis2, a.ndim)))


@_rule_for(np.trace)
def _(like: Any, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return np.diagonal(a, offset, axis1, axis2).sum(axis=-1)


# --- joining and splitting ---------------------------------------------------------------------


@_rule_for(np.concatenate, np.concat)
def _(like: Any, arrays: Any, axis: Any = 0, out: Any = None, **kwargs: Any) -> Any:
    arrays = list(arrays)
    if axis is None:
        arrays, axis = [np.reshape(a, -1) for a in arrays], 0
    ndim = ndim_of(arrays[0])
    physical = [with_batch(like, a) for a in arrays]
    return like.remade(np.concatenate(physical, shifted(axis, ndim), **kwargs))


@_rule_for(np.stack)
def _(like: Any, arrays: Any, axis: int = 0, out: Any = None, **kwargs: Any) -> Any:
    arrays = list(arrays)
    physical = [with_batch(like, a) for a in arrays]
    return like.remade(np.stack(physical, shifted(axis, ndim_of(arrays[0]) + 1), **kwargs))


@_rule_for(np.split, np.array_split)
def _(like: Any, ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    _refuse_batches(indices_or_sections)
    p = _physical(like, ary)
    parts = np.array_split(p, indices_or_sections, shifted(axis, ary.ndim))
    return [like.remade(part) for part in parts]


# --- picking -----------------------------------------------------------------------------------


@_rule_for(np.take)
def _(like: Any, a: Any, indices: Any, axis: Any = None, **kwargs: Any) -> Any:
    if kwargs or not isinstance(indices, (np.ndarray, int)):
        raise NoRule
    if axis is None:
        a, axis = np.reshape(a, -1), 0
    return like.remade(read(a, (*(slice(None),) * (axis % a.ndim), indices), like))


def _aligned_for_axis(like: Any, values: Any, ndim: int) -> list[Any]:
    if any(ndim_of(x) not in (ndim, 0) for x in values):
        raise NoRule
    return [with_batch(like, x) if np.ndim(x) else x for x in values]


@_rule_for(np.take_along_axis)
def _(like: Any, arr: Any, indices: Any, axis: Any = -1) -> Any:
    if axis is None:
        arr, axis = np.reshape(arr, -1), 0
    x, i = _aligned_for_axis(like, (arr, indices), ndim_of(arr))
    return like.remade(np.take_along_axis(x, i, shifted(axis, ndim_of(arr))))


@_rule_for(np.put_along_axis)
def _(like: Any, arr: Any, indices: Any, values: Any, axis: Any) -> None:
    p = _physical(like, arr)
    if axis is None:
        raise NoRule
    indices, values = _aligned_for_axis(like, (indices, values), arr.ndim)
    np.put_along_axis(p, indices, values, shifted(axis, arr.ndim))


# --- products ----------------------------------------------------------------------------------


@_rule_for(np.dot)
def _(like: Any, a: Any, b: Any, out: Any = None) -> Any:
    if ndim_of(a) == 0 or ndim_of(b) == 0:
        return np.multiply(a, b)
    if ndim_of(b) <= 2:
        return np.matmul(a, b)
    raise NoRule


@_rule_for(np.outer)
def _(like: Any, a: Any, b: Any, out: Any = None) -> Any:
    return np.multiply(np.reshape(a, (-1, 1)), np.reshape(b, (1, -1)))


@_rule_for(np.einsum)
def _(like: Any, equation: Any, *operands: Any, optimize: Any = False, **kwargs: Any) -> Any:
    """The batch gets an index of its own."""
    if not isinstance(equation, str) or "." in equation or kwargs:
        raise NoRule
    letter = next(c for c in "ZYXWVUzyxwvu" if c not in equation)
    left, arrow, right = equation.replace(" ", "").partition("->")
    if not arrow:
        right = "".join(c for c in sorted(set(left) - {","}) if left.count(c) == 1)
    terms = [
        letter + term if is_of(like, x) else term
        for term, x in zip(left.split(","), operands, strict=True)
    ]
    physical = [x.physical if is_of(like, x) else x for x in operands]
    # pairwise by BLAS, unless asked otherwise: one loop over all indices is slow
    path = optimize or len(operands) > 1
    return like.remade(np.einsum(f"{','.join(terms)}->{letter}{right}", *physical, optimize=path))


@_rule_for(np.tensordot)
def _(like: Any, a: Any, b: Any, axes: Any = 2) -> Any:
    n, m = ndim_of(a), ndim_of(b)
    if isinstance(axes, (int, np.integer)):
        pairs = [(n - axes + i, i) for i in range(axes)]
    else:
        ours, theirs = ([x] if isinstance(x, (int, np.integer)) else list(x) for x in axes)
        pairs = [(i % n, j % m) for i, j in zip(ours, theirs, strict=True)]
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
    of_a, of_b = list(letters[:n]), list(letters[n : n + m])
    for i, j in pairs:
        of_b[j] = of_a[i]
    summed = {of_a[i] for i, _ in pairs}
    kept = [c for c in of_a + of_b if c not in summed]
    return np.einsum(f"{''.join(of_a)},{''.join(of_b)}->{''.join(kept)}", a, b)


# --- linear algebra: NumPy's takes leading dimensions ------------------------------------------


def _leading(function: Any) -> None:
    def rule(like: Any, a: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse_batches(args, kwargs)
        if a.ndim < 2:
            raise NoRule
        return remade(like, function(_physical(like, a), *args, **kwargs))

    RULES[function] = rule


for _function in (np.linalg.inv, np.linalg.det, np.linalg.slogdet, np.linalg.cholesky,
                  np.linalg.eigh, np.linalg.eigvalsh, np.linalg.qr, np.linalg.svd,
                  np.linalg.svdvals, np.linalg.matrix_power):  # fmt: skip
    _leading(_function)


@_rule_for(np.linalg.solve)
def _(like: Any, a: Any, b: Any) -> Any:
    vector = ndim_of(b) == 1
    b = b[:, None] if vector else b
    if ndim_of(b) < 2:
        raise NoRule
    ndim = max(ndim_of(a), ndim_of(b))
    out = np.linalg.solve(*[lifted(x, ndim, like) for x in (a, b)])
    return like.remade(out[..., 0] if vector else out)
