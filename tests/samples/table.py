"""What one line of the table is, and the random numbers that the lines are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from dlframe import ops

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
        through: what the inputs go through first, where the operation is only meant for such (symmetric matrices).
        reference: the value, by NumPy or by a formula of its own: reference(*inputs, **options).
        public: PyTorch's function for the same, as a path below `torch`: "sum", "nn.functional.pad".
        public_options: the keyword arguments of that function.
        call: instead of `public`, call(lib, *tensors) with lib = dlframe or torch.
        order: how often gradients are checked; 0 for an operation without them.
        surrogate: whether the gradient differs from the values' on purpose.
        dtypes: dtypes that come out as they went in.
        elementwise: whether the operation takes any shape, so that empty and 0-d inputs can be made of this one.
        tolerance: of the comparison in float64, absolute and relative.
    """

    op: str
    inputs: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    fixed: tuple[int, ...] = ()
    before: tuple[Any, ...] = ()
    through: Callable[[Any], Any] | None = None
    reference: Callable[..., Any] | None = None
    public: str = ""
    public_options: dict[str, Any] = field(default_factory=dict)
    call: Callable[..., Any] | None = None
    order: int = 2
    surrogate: bool = False
    dtypes: tuple[str, ...] = WIDE_FLOATS
    elementwise: bool = False
    tolerance: float = 1e-12
    name: str = ""

    def floats(self) -> list[int]:
        """The places of the inputs that are differentiated."""
        return [i for i, x in enumerate(self.inputs) if is_float(x) and i not in self.fixed]

    def run(self, *inputs: Any) -> Any:
        """The operation, called with these instead of its inputs."""
        if self.through is not None:
            inputs = tuple(map(self.through, inputs))
        return getattr(ops, self.op)(*self.before, *inputs, **self.options)

    def surface(self, lib: Any, tensors: list[Any]) -> Any:
        """The call as a user of `lib` (dlframe or torch) writes it."""
        if self.call is not None:
            return self.call(lib, *tensors)
        return find(lib, self.public)(*tensors, **self.public_options)


@dataclass(frozen=True)
class Named:
    """Something of the library by its path, as an argument of a call: Named("float64")."""

    path: str


@dataclass(frozen=True)
class Call:
    """One call of a public function, as users of dlframe and of PyTorch write it.

    From each follow: values, gradients and second gradients against PyTorch's; the same in float32; the
    dtypes that other dtypes lead to; empty and 0-d inputs; inputs that do not lie in order; the
    method, and the in-place form. samples/evaluate.py does it, samples/checks.py says which apply.

    Args:
        name: the path below torch: "add", "linalg.svd", "Tensor.fill_".
        args: arrays (also in lists, tuples and dicts) become tensors, `Named` what it names.
        options: keyword arguments, likewise.
        note: what is special about this call.
        run: instead of the call by name: run(lib, *args) with lib = dlframe or torch.
        then: then(lib, out) maps the result to what is unique about it (a decomposition's product).
        passes: the arguments that `run` passes, for the count of arguments.
        order: how often it is differentiated by its float64 arrays; 0 where PyTorch has no gradient.
        fixed: places among all float arrays (counted through args, then options) that are not differentiated.
        forms: whether the method and the in-place form are called as well.
        dtypes: whether inputs of other dtypes are tried; False where the values leave no sense in them.
        variants: whether empty and 0-d inputs are tried.
        differs: results that differ from PyTorch's on purpose, with the reason: {"empty": "we raise: …"}.
            Keys: dtypes such as "bool", "empty", "0-d", "in place".
        tolerance: in float64, relative and absolute.
        narrow: in float32; 0 for no comparison.
    """

    name: str
    args: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    run: Callable[..., Any] | None = None
    then: Callable[..., Any] | None = None
    passes: tuple[str, ...] = ()
    order: int = 2
    fixed: tuple[int, ...] = ()
    forms: bool = True
    dtypes: bool = True
    variants: bool = True
    differs: dict[str, str] = field(default_factory=dict)
    tolerance: float = 1e-10
    narrow: float = 1e-4
    key: str = ""  # set by `keyed`: unique in its family

    @property
    def base(self) -> str:
        """The name without "Tensor." and without the underscore of an in-place form."""
        return self.name.removeprefix("Tensor.")


def calls(name: str, *rows: Any, **common: Any) -> list[Call]:
    """Several calls of one function: each row is a tuple of args, whose last may be a dict of options.

    `calls("sum", (x,), (x, {"dim": 0}), (x, 1, {"keepdim": True}))`
    """
    out = []
    for row in rows:
        args = row if isinstance(row, tuple) else (row,)
        options = args[-1] if args and isinstance(args[-1], dict) else {}
        out.append(Call(name, args[:-1] if options else args, options, **common))
    return out


def call_of(sample: Sample) -> Call | None:
    """The public call that an operation's sample describes, if it names one."""
    if not sample.public and sample.call is None:
        return None
    floats = [i for i, x in enumerate(sample.inputs) if is_float(x)]
    return Call(
        sample.public or sample.op,
        sample.inputs,
        sample.public_options if sample.call is None else {},
        run=sample.call,
        passes=tuple(sample.public_options),
        order=sample.order,
        fixed=tuple(floats.index(i) for i in sample.fixed if i in floats),
        dtypes="nn." not in sample.public and (bool(sample.dtypes) or sample.elementwise),
        variants=sample.call is None and "nn." not in sample.public,
        tolerance=max(sample.tolerance, 1e-10),
    )


def keyed(rows: list[Call]) -> list[Call]:
    """The calls with a key each: the name, counted where it has several, and the note."""
    seen: dict[str, int] = {}
    out = []
    for call in rows:
        seen[call.name] = count = seen.get(call.name, -1) + 1
        out.append(
            replace(call, key=f"{call.name}-{count}" + (f" {call.note}" if call.note else ""))
        )
    return out


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
    """`lib.a.b` for "a.b"."""
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
