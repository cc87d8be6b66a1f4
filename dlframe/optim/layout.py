"""The memory of optimizers: flat state arrays, and chunks of parameters that are updated as one.

`Layout` gives each parameter's state a place in one flat array per name. `Chunk` is a run of
neighbours in it: their gradients and values are gathered into flat scratch arrays, or, if it is one
parameter alone, used where they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Any

import numpy as np

from dlframe.dtypes import float32, float64, get_default_dtype
from dlframe.errors import DTypeError, ShapeError
from dlframe.tensor import Tensor

Array = np.ndarray[Any, np.dtype[Any]]
Arrays = tuple[Array, ...]
# parameters, gradients, the state in the order of its names, arrays for intermediate results
Block = tuple[Array, Array, Arrays, Arrays]
Place = tuple[
    int, slice, Array, Arrays, Arrays
]  # which gradient and which part of it, and the rest

BLOCK = 32768  # elements of gathered parameters: they stay in the cache until written back
SPAN = 65536  # elements of a large parameter that are updated at a time
shape_of = attrgetter("shape")

NUMBERS = ("step", "eta", "mu", "mu_product")
"""The state that is one number for each parameter; all other state has one for each element."""

LARGE = 8192  # elements: from this size on, gathering costs more than a dozen separate calls
SHARED = 262144  # elements: fewer are updated sooner than another thread wakes up
LINE = 64  # bytes: arrays that start on a cache line are written up to twice as fast


def aligned_zeros(size: int, dtype: np.dtype[Any]) -> Array:
    """A flat array of zeros that starts on a cache line; NumPy's own start anywhere."""
    memory = np.zeros(size * dtype.itemsize + LINE, np.uint8)
    first = -memory.ctypes.data % LINE
    return memory[first : first + size * dtype.itemsize].view(dtype)


def step_dtype() -> np.dtype[Any]:
    """The dtype in which steps are counted, as in PyTorch: never a narrow one."""
    return float64 if get_default_dtype() == float64 else float32


class Layout:
    """The places of parameters of one dtype in the flat state arrays.

    Small parameters come first, so they are neighbours even if others lie between in the model.
    """

    def __init__(self, params: Sequence[Tensor]) -> None:
        self.params = sorted(dict.fromkeys(params), key=lambda p: p.array.size >= LARGE)
        self.place = {p: i for i, p in enumerate(self.params)}
        self.shapes = [p.array.shape for p in self.params]
        self.dtype = self.params[0].array.dtype
        self.starts: list[int] = []
        self.stops: list[int] = []
        end = 0
        for p in self.params:
            start = end + (-end % LINE if p.array.size >= LARGE else 0)
            end = start + p.array.size
            self.starts.append(start)
            self.stops.append(end)
        self._flat: dict[str, Array] = {}
        self._views: dict[tuple[str, int], Tensor] = {}

    def is_plain(self, place: int) -> bool:
        """Whether a parameter can be updated in its own memory."""
        coarse = self.dtype != np.result_type(self.dtype, float32)
        return not coarse and self.params[place].array.flags.c_contiguous

    def in_place(self, place: int) -> bool:
        """Whether a parameter can be, and is so large that gathering it would cost more."""
        return self.params[place].array.size >= LARGE and self.is_plain(place)

    def flat(self, name: str, first: int, last: int) -> Array:
        """The state called `name` of the parameters at places `first` to `last`, flat.

        One number for each parameter if it is one of `NUMBERS`, else one for each element.
        """
        if name in NUMBERS:
            if name not in self._flat:
                self._flat[name] = np.zeros(len(self.params), step_dtype())
            return self._flat[name][first : last + 1]
        if name not in self._flat:
            # parameters without gradients cost no memory: the system maps zeros when touched
            self._flat[name] = aligned_zeros(self.stops[-1], self.dtype)
        return self._flat[name][self.starts[first] : self.stops[last]]

    def adopt(self, entry: dict[str, Any], name: str, place: int) -> bool:
        """Make `entry[name]` a view of the flat array, with its value; True if there was none."""
        value = entry.get(name)
        view = self._views.get((name, place))
        if view is None:
            shape = () if name in NUMBERS else self.shapes[place]
            view = Tensor(self.flat(name, place, place).reshape(shape))
            self._views[name, place] = view
        if value is view:
            return False
        array = np.asarray(0 if value is None else getattr(value, "array", value))
        if array.ndim and array.shape != view.array.shape:
            raise other_shape(name, array.shape, view.array.shape)
        view.array[...] = array
        entry[name] = view
        return value is None


class Chunk:
    """Parameters whose state lies side by side, with the same history: one update serves them all.

    Small ones are gathered, those of `LARGE` elements and more are updated where they are.

    Attributes:
        fresh: whether they had no state before this step.
        numbers: by name, the state that is one number for each of them; they all have the same.
        shares: the blocks that each thread updates.
    """

    def __init__(
        self,
        layout: Layout,
        first: int,
        last: int,
        names: Sequence[str],
        scratch: Scratch,
        fresh: bool,
        numbers: Sequence[str],
        threads: int = 1,
    ) -> None:
        places = range(first, last + 1)
        self.params = layout.params[first : last + 1]
        self.shapes = layout.shapes[first : last + 1]
        self.arrays = [p.array for p in self.params]
        self.fresh = fresh
        self.numbers = {name: layout.flat(name, first, last) for name in numbers}
        # float16 is too coarse to compute in: as PyTorch does, compute in float32 and round
        self.dtype = np.result_type(layout.dtype, float32)
        check_writeable(self.arrays)
        self.gathered = not (
            all(layout.in_place(i) for i in places) or (first == last and layout.is_plain(first))
        )
        if self.gathered:
            contiguous = all(a.flags.c_contiguous for a in self.arrays)
            size = layout.stops[last] - layout.starts[first]
            self.p, self.g = (x[:size] for x in scratch.gathered(self.dtype, size))
            ends = np.cumsum([a.size for a in self.arrays])[:-1]
            pieces = np.split(self.p, ends)
            self.pieces = [x.reshape(s) for x, s in zip(pieces, self.shapes, strict=True)]
            self.sources = [a.reshape(-1) for a in self.arrays] if contiguous else self.arrays
            self.axis = 0 if contiguous else None  # None flattens, at the cost of a copy each time
            values, states = [self.p], [tuple(layout.flat(name, first, last) for name in names)]
        else:
            values = [a.reshape(-1) for a in self.arrays]
            states = [tuple(layout.flat(name, i, i) for name in names) for i in places]
        span = BLOCK if self.gathered else SPAN
        spans = [
            (i, slice(start, min(start + span, x.size)))
            for i, x in enumerate(values)
            for start in range(0, x.size, span)
        ]
        self.shares = divided([s.stop - s.start for _, s in spans], threads)
        self.places: list[Place] = []
        for lane, share in enumerate(self.shares):
            for i, s in spans[share]:
                size = s.stop - s.start
                temporaries = scratch.temporaries(self.dtype, max(size, BLOCK), lane)
                state = tuple(x[s] for x in states[i])
                self.places.append(
                    (i, s, values[i][s], state, tuple(t[:size] for t in temporaries))
                )
        if self.gathered:
            self.blocks: list[Block] = [(p, self.g[s], x, t) for _, s, p, x, t in self.places]

    @property
    def step(self) -> float:
        """The number of this step, from 1, for rules that have it in their state."""
        return float(self.numbers["step"][0])

    def number(self, x: Any) -> Any:
        """An option (a number, or a tensor of one) as a scalar in the dtype of the computation."""
        return self.dtype.type(scalar(x))

    def in_step(self) -> bool:
        """Whether the parameters have had equally many steps; a user may have changed that."""
        lists = map(np.ndarray.tolist, self.numbers.values())
        return all(values.count(values[0]) == len(values) for values in lists)

    def load(self) -> list[Block]:
        """The blocks to update; small parameters and their gradients are gathered first."""
        try:
            grads = [p.grad.array for p in self.params]
        except AttributeError:
            raise _no_tensor(self.params) from None
        if list(map(shape_of, grads)) != self.shapes:
            self._refuse(grads)
        try:
            if not self.gathered:
                flat = [g.reshape(-1).astype(self.dtype, casting="safe", copy=False) for g in grads]
                return [(p, flat[i][s], x, t) for i, s, p, x, t in self.places]
            np.concatenate(grads, axis=None, out=self.g, casting="safe")
        except TypeError:
            self._refuse(grads)
        np.concatenate(self.sources, axis=self.axis, out=self.p)
        return self.blocks

    def store(self) -> None:
        """Write gathered parameters back to their own memory."""
        self.fresh = False
        if self.gathered:
            for array, piece in zip(self.arrays, self.pieces):
                array[...] = piece

    def _refuse(self, grads: Sequence[Array]) -> None:
        for p, g in zip(self.arrays, grads, strict=True):
            got = f"{g.dtype}{list(g.shape)} for a parameter of {p.dtype}{list(p.shape)}"
            if g.shape != p.shape:
                raise ShapeError(f"step: the gradient has another shape than its parameter: {got}")
            if not np.can_cast(g.dtype, self.dtype, "safe"):
                raise DTypeError(f"step: the gradient has another dtype than its parameter: {got}")


class Scratch:
    """Flat arrays that all chunks of a dtype share, for gathering and for intermediate results."""

    def __init__(self) -> None:
        self._gathered: dict[Any, list[Array]] = {}
        self._temporaries: dict[tuple[Any, int], list[Array]] = {}

    def gathered(self, dtype: np.dtype[Any], size: int) -> list[Array]:
        """Two arrays of at least `size`: for parameters and for their gradients."""
        arrays = self._gathered.get(dtype)
        if arrays is None or size > arrays[0].size:
            arrays = [aligned_zeros(max(size, BLOCK), dtype) for _ in range(2)]
            self._gathered[dtype] = arrays
        return arrays

    def temporaries(
        self, dtype: np.dtype[Any], size: int, lane: int = 0, count: int = 3
    ) -> list[Array]:
        """Arrays of at least `size` for intermediate results; each thread has a lane of its own."""
        arrays = self._temporaries.setdefault((dtype, lane), [])
        if arrays and size > arrays[0].size:
            arrays.clear()
        while len(arrays) < count:
            arrays.append(aligned_zeros(max(size, *(x.size for x in arrays), 1), dtype))
        return arrays[:count]

    def shaped(self, count: int, shape: tuple[int, ...], dtype: Any) -> list[Array]:
        """Temporaries of a shape."""
        size = math.prod(shape)
        arrays = self.temporaries(np.dtype(dtype), size, count=count)
        return [x[:size].reshape(shape) for x in arrays]


def divided(sizes: Sequence[int], shares: int) -> list[slice]:
    """Slices of a list that divide its items, of these sizes, into about equal shares.

    >>> divided([4, 4, 4, 4, 2], 2)
    [slice(0, 2, None), slice(2, 5, None)]
    """
    middles = np.cumsum(sizes) - np.array(sizes, np.int64) / 2
    wanted = sum(sizes) / shares * np.arange(1, shares)
    ends = [0, *np.searchsorted(middles, wanted).tolist(), len(sizes)]
    return [slice(a, b) for a, b in pairwise(ends) if a < b]


def scalar(x: Any) -> Any:
    """An option as a Python number: a learning rate may be a tensor of one element."""
    if type(x) is float:
        return x
    return x.item() if hasattr(x, "item") else x


def sharing_memory(params: Sequence[Tensor]) -> set[Tensor]:
    """The parameters whose memory overlaps that of one at a lower address."""
    bounds = sorted(
        (
            (*np.lib.array_utils.byte_bounds(p.array), i)
            for i, p in enumerate(params)
            if p.array.size
        )
    )
    found: set[Tensor] = set()
    reached = 0
    for low, high, i in bounds:
        if low < reached:
            found.add(params[i])
        reached = max(reached, high)
    return found


def _no_tensor(params: Sequence[Tensor]) -> TypeError:
    wrong = next(p for p in params if not isinstance(p.grad, Tensor))
    return TypeError(
        f"step: the gradient of a parameter of shape {list(wrong.shape)} is a "
        f"{type(wrong.grad).__name__} and not a Tensor; set p.grad = dl.from_numpy(array), or call "
        "p.accumulate_grad(array), which adds to what is there"
    )


def other_shape(name: str, state: tuple[int, ...], parameter: tuple[int, ...]) -> ShapeError:
    """The error for state of another shape, as after `p.data = …` between two steps."""
    return ShapeError(
        f"the optimizer's state {name!r} has shape {state}, its parameter {parameter}; make a new "
        "optimizer for parameters that have changed their shape, or optimizer.state.pop(p)"
    )


def check_writeable(arrays: Sequence[Array]) -> None:
    """Refuse parameters, and their state, whose memory is read-only."""
    for array in arrays:
        if not array.flags.writeable:
            raise ValueError(
                f"step: the memory of a parameter of shape {list(array.shape)} is read-only, or "
                "that of its state (a broadcast or memory-mapped array?); make it from a copy"
            )
