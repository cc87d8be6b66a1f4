"""What one line of the table is, and the random numbers that the lines are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
ALL_FLOATS = ("float32", "float64", "float16")
WIDE_FLOATS = ("float32", "float64")


@dataclass(frozen=True)
class Sample:
    """One call of one operation, with what it should give.

    Args:
        op: the operation's name in `dlframe.ops`.
        inputs: arrays (floats are differentiated), numbers or None.
        options: keyword arguments of the operation.
        fixed: places of float inputs that are not differentiated.
        before: what the operation takes before its inputs, as the equation of einsum.
        reference: the value, by NumPy or by a formula of its own: reference(*inputs, **options).
        public: PyTorch's function for the same, as a path below `torch`: "sum", "nn.functional.pad".
        public_options: the keyword arguments of that function.
        call: in place of `public`, call(lib, *tensors) with lib = dlframe or torch.
        order: how often gradients are checked; 0 for an operation without them.
        dtypes: dtypes that come out as they went in.
        elementwise: whether the operation takes any shape, so that empty and 0-d inputs can be made of this one.
        tolerance: of the comparison in float64, absolute and relative.
    """

    op: str
    inputs: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    fixed: tuple[int, ...] = ()
    before: tuple[Any, ...] = ()
    reference: Callable[..., Any] | None = None
    public: str = ""
    public_options: dict[str, Any] = field(default_factory=dict)
    call: Callable[..., Any] | None = None
    order: int = 2
    dtypes: tuple[str, ...] = WIDE_FLOATS
    elementwise: bool = False
    tolerance: float = 1e-12
    name: str = ""

    def floats(self) -> list[int]:
        """The places of the inputs that are differentiated."""
        return [i for i, x in enumerate(self.inputs) if is_float(x) and i not in self.fixed]

    def cast(self, dtype: str) -> Sample:
        """The same with float inputs of another dtype."""
        inputs = tuple(x.astype(dtype) if is_float(x) else x for x in self.inputs)
        return replace(self, inputs=inputs)

    def surface(self, lib: Any, tensors: list[Any]) -> Any:
        """The call as a user of `lib` (dlframe or torch) writes it."""
        if self.call is not None:
            return self.call(lib, *tensors)
        return find(lib, self.public)(*tensors, **self.public_options)


@dataclass(frozen=True)
class ErrorSample:
    """A call that must raise: which exception, and what its message must contain.

    Args:
        name: what is wrong.
        call: call(lib), with lib = dlframe or torch.
        error: the exception.
        message: a regular expression.
        in_torch: whether PyTorch raises as well.
    """

    name: str
    call: Callable[[Any], Any]
    error: type[BaseException]
    message: str
    in_torch: bool = True


@dataclass(frozen=True)
class Edge:
    """A call at a point where a derivative does not exist or numbers end; PyTorch's answer is in the golden file."""

    name: str
    call: Callable[..., Any]
    inputs: tuple[Any, ...]


def is_float(x: Any) -> bool:
    """Whether `x` is an array of floats."""
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def find(lib: Any, path: str) -> Any:
    """``lib.a.b`` for "a.b"."""
    for part in path.split("."):
        lib = getattr(lib, part)
    return lib


def named(samples: list[Sample]) -> list[Sample]:
    """The samples with a name each: the operation's, counted where it has several."""
    seen: dict[str, int] = {}
    out = []
    for sample in samples:
        key = sample.name or sample.op
        seen[key] = seen.get(key, -1) + 1
        out.append(replace(sample, name=f"{key}-{seen[key]}"))
    return out


class Numbers:
    """Random inputs that stay away from points where derivatives do not exist."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def positive(self, *shape: int) -> Array:
        """In [0.2, 2]."""
        return np.asarray(self.rng.uniform(0.2, 2, shape))

    def away(self, *shape: int) -> Array:
        """In ±[0.2, 2]."""
        return np.asarray(self.positive(*shape) * self.rng.choice([-1.0, 1.0], shape))

    def unit(self, *shape: int) -> Array:
        """In ±[0.1, 0.9]."""
        return self.rng.uniform(0.1, 0.9, shape) * self.rng.choice([-1.0, 1.0], shape)

    def spread(self, *shape: int) -> Array:
        """All different, at least 0.1 apart: for extremes and orders."""
        n = int(np.prod(shape))
        return (self.rng.permutation(n) - n / 2).reshape(shape) * 0.15 + 0.05

    def ints(self, low: int, high: int, *shape: int) -> Array:
        """int64 in [low, high)."""
        return self.rng.integers(low, high, shape)

    def bools(self, *shape: int) -> Array:
        """True or False."""
        return self.rng.random(shape) < 0.5
