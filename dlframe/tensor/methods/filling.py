"""Filling a tensor's memory: with values, and with random numbers (PyTorch's for one seed)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import random
from dlframe.autograd.inplace import write, write_at
from dlframe.base.lazily import IN_ADVANCE, deferred
from dlframe.errors import ShapeError
from dlframe.ops.calling import wrap
from dlframe.ops.indexing import number_for
from dlframe.ops.memory import drawn_like
from dlframe.ops.op import cast
from dlframe.ops.record import Array, TensorBase, to_array

if TYPE_CHECKING:
    from dlframe.random import Generator
    from dlframe.tensor import Tensor

if IN_ADVANCE:
    from dlframe.tensor import functions as F
else:
    globals().update(deferred("dlframe.tensor.functions", "F"))


class FillingMethods(TensorBase):
    """Values and random numbers, written in place."""

    __slots__ = ()

    def copy_(self: Any, src: Any, non_blocking: bool = False) -> Tensor:
        """Copy the values of `src`, which may broadcast and have another dtype."""
        source = src if isinstance(src, TensorBase) else wrap(np.asarray(src))
        recorded = source.needs_grad or self.needs_grad
        if recorded or source.array.dtype is not self.array.dtype:
            source = cast(source, dtype=self.array.dtype)
        return write(self, source, "copy_")

    def fill_(self: Any, value: Any) -> Tensor:
        """Set every element to `value`, a number or a 0-d tensor."""
        if np.ndim(to_array(value)):
            raise ShapeError(
                "fill_ only supports 0-dimension value tensor but got tensor with "
                f"{np.ndim(to_array(value))} dimensions; use copy_()"
            )
        if isinstance(value, (bool, int, float)):
            return write(self, wrap(number_for("fill_", value, self.array.dtype)), "fill_")
        source = value if isinstance(value, TensorBase) else wrap(np.asarray(value))
        return write(self, cast(source, dtype=self.array.dtype), "fill_")

    fill = F.fill

    def fill_diagonal_(self: Any, fill_value: float, wrap: bool = False) -> Tensor:
        """Set the elements with equal indices to a value; `wrap` starts anew below a tall matrix.

        >>> import dlframe as dl
        >>> dl.zeros(2, 2).fill_diagonal_(5)
        tensor([[5., 0.],
                [0., 5.]])
        """
        shape, n = self.array.shape, self.array.ndim
        if n < 2:
            raise ShapeError("fill_diagonal_: dimensions must larger than 1")
        if n > 2 and len(set(shape)) > 1:
            raise ShapeError(
                "fill_diagonal_: all dimensions of input must be of equal length, got "
                f"{list(shape)}"
            )
        count = min(shape)
        starts = range(0, shape[0], shape[1] + 1) if wrap and n == 2 and count else (0,)
        rows = np.concatenate([np.arange(a, min(a + count, shape[0])) for a in starts])
        columns = np.concatenate([np.arange(min(count, shape[0] - a)) for a in starts])
        write_at(self, (rows, *(columns,) * (n - 1)), fill_value)
        return self

    def zero_(self: Any) -> Tensor:
        """Set every element to 0."""
        return write(self, wrap(np.zeros((), self.array.dtype)), "zero_")

    # --- random numbers ------------------------------------------------------------------------

    def _fill(self: Any, draw: Callable[[tuple[int, ...]], Array], by: str) -> Tensor:
        """Write the numbers of `draw` for a shape, in the order of the elements in memory."""
        values = drawn_like(self.array, draw)
        return write(self, wrap(values.astype(self.array.dtype, copy=False)), by)

    def normal_(
        self: Any, mean: float = 0, std: float = 1, *, generator: Generator | None = None
    ) -> Tensor:
        """Draw from the normal distribution.

        >>> import dlframe as dl
        >>> _ = dl.manual_seed(0)
        >>> dl.empty(3).normal_()
        tensor([ 1.5410, -0.2934, -2.1788])
        """
        rng = random.or_default(generator)
        # PyTorch makes blocks of 16 only in contiguous memory
        draw = rng.normal if self.array.flags.c_contiguous else rng.normal_by_pairs
        dtype = self.array.dtype
        return self._fill(lambda shape: draw(shape, dtype, mean=mean, std=std), "normal_")

    def log_normal_(
        self: Any, mean: float = 1, std: float = 2, *, generator: Generator | None = None
    ) -> Tensor:
        """Draw the exp of normal numbers with the given mean and standard deviation."""
        rng, dtype = random.or_default(generator), self.array.dtype
        return self._fill(
            lambda shape: rng.log_normal(shape, dtype, mean=mean, std=std), "log_normal_"
        )

    def uniform_(
        self: Any, from_: float = 0, to: float = 1, *, generator: Generator | None = None
    ) -> Tensor:
        """Draw uniformly from [from_, to).

        >>> import dlframe as dl
        >>> _ = dl.manual_seed(0)
        >>> dl.empty(2).uniform_(-1, 1)
        tensor([-0.0075,  0.5364])
        """
        rng, dtype = random.or_default(generator), self.array.dtype
        return self._fill(lambda shape: rng.uniform(shape, dtype, low=from_, high=to), "uniform_")

    def exponential_(self: Any, lambd: float = 1, *, generator: Generator | None = None) -> Tensor:
        """Draw from the exponential distribution with rate `lambd`."""
        rng, dtype = random.or_default(generator), self.array.dtype
        return self._fill(lambda shape: rng.exponential(shape, dtype, lambd=lambd), "exponential_")

    def cauchy_(
        self: Any, median: float = 0, sigma: float = 1, *, generator: Generator | None = None
    ) -> Tensor:
        """Draw from the Cauchy distribution."""
        rng, dtype = random.or_default(generator), self.array.dtype
        return self._fill(
            lambda shape: rng.cauchy(shape, dtype, median=median, sigma=sigma), "cauchy_"
        )

    def geometric_(self: Any, p: float, *, generator: Generator | None = None) -> Tensor:
        """Draw the number of trials until the first success, each with probability `p`."""
        rng, dtype = random.or_default(generator), self.array.dtype
        return self._fill(lambda shape: rng.geometric(p, shape, dtype), "geometric_")

    def bernoulli_(self: Any, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
        """Draw 1 with probability `p` (a number, or a tensor of this shape), else 0."""
        rng = random.or_default(generator)
        if not isinstance(p, TensorBase):
            return self._fill(lambda shape: rng.keep_mask(p, shape), "bernoulli_")
        return self._fill(lambda shape: rng.bernoulli(p.array), "bernoulli_")

    def random_(
        self: Any, from_: int = 0, to: int | None = None, *, generator: Generator | None = None
    ) -> Tensor:
        """Draw integers uniformly from [from_, to), or from all that the dtype holds exactly.

        `random_(to)` starts at 0.
        """
        rng, dtype = random.or_default(generator), self.array.dtype
        if to is None and from_ == 0:
            return self._fill(lambda shape: rng.random(shape, dtype), "random_")
        low, high = (0, from_) if to is None else (from_, to)
        return self._fill(lambda shape: rng.randint(low, high, shape), "random_")

    def bernoulli(
        self: Any, p: float | None = None, *, generator: Generator | None = None
    ) -> Tensor:
        """1 or 0; each element (or `p`) is the probability of 1."""
        if p is not None:
            return wrap(np.empty_like(self.array)).bernoulli_(p, generator=generator)
        return wrap(random.or_default(generator).bernoulli(self.array))

    def multinomial(
        self: Any,
        num_samples: int,
        replacement: bool = False,
        *,
        generator: Generator | None = None,
    ) -> Tensor:
        """Indices drawn with the probabilities in each row."""
        return wrap(random.or_default(generator).multinomial(self.array, num_samples, replacement))
