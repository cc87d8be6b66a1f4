"""Calls of what makes tensors: of data, of constants, of ranges, of random numbers (after one seed)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from samples.table import Call, ErrorSample, Named, Numbers, calls

n = Numbers(34)

x, v, whole = n.away(2, 3), n.away(5), n.ints(-3, 4, 2, 3)
p, rows = n.rng.uniform(0.1, 0.9, (3, 4)), n.positive(3, 5)
rates = np.array([[0.0, 0.3, 2.0, 9.5], [10.0, 25.5, 100.0, 3.0]])
counts, chances = (
    np.array([0.0, 3, 20, 50, 50, 400, 7]),
    np.array([0.5, 0.2, 0.9, 0.3, 0.7, 0.05, 1.0]),
)
int32, float64, float16, boolean = (Named(name) for name in ("int32", "float64", "float16", "bool"))
plain: dict[str, Any] = {"order": 0, "dtypes": False, "variants": False}
unchecked: dict[str, Any] = {"order": 0, "variants": False}


def about(name: str, *args: Any, **options: Any) -> Call:
    """What is not left to chance of uninitialized memory: shape, dtype and steps."""

    def run(lib: Any, *args: Any, **options: Any) -> list[Any]:
        path = lib
        for part in name.split("."):
            path = getattr(path, part)
        args = [a.contiguous() if hasattr(a, "contiguous") else a for a in args]
        out = path(*args, **options)
        return [tuple(out.shape), out.dtype, tuple(out.stride()), out.requires_grad]

    return Call(name, args, options, run=run, passes=("size", *options), **{**plain, "narrow": 0})  # fmt: skip


def shared(name: str, run: Any, **options: Any) -> Call:
    return Call(name, (), run=run, **{**plain, **options})


DATA = [
    *calls("tensor", 3, 2.5, True, ([1, 2.5],), ([[1, 2], [3, 4]],), ([],), ([True, 2],), ([1, 2], {"dtype": float64}), ([[1.5, 2]], {"dtype": int32, "requires_grad": False}), **plain),
    *calls("as_tensor", 3, ([1, 2.5],), ([1, 2], {"dtype": float64}), **plain), Call("as_tensor", (x,), {"dtype": Named("float32")}, forms=False),
    *calls("asarray", 3, ([1, 2.5],), ([1, 2], {"dtype": float64}), ([1, 2], {"copy": True}), **plain), Call("asarray", (x,), {"copy": True}, forms=False), Call("asarray", (x,), {"dtype": float64}, forms=False),
    Call("asarray", (x,), {"requires_grad": False}, order=0, dtypes=False), shared("asarray", lambda lib: lib.asarray(bytearray([1, 2, 0, 0]), dtype=lib.int32)),
    shared("asarray", lambda lib: wrote(lib, lib.asarray), note="shares memory"), shared("asarray", lambda lib: wrote(lib, lambda a: lib.asarray(a, copy=True)), note="copies"),
    shared("from_numpy", lambda lib: wrote(lib, lib.from_numpy), passes=("ndarray",)), shared("from_numpy", lambda lib: lib.from_numpy(np.arange(6.0).reshape(2, 3).T), note="transposed"),
    shared("as_tensor", lambda lib: wrote(lib, lib.as_tensor), note="shares memory"), shared("tensor", lambda lib: wrote(lib, lib.tensor), note="copies"),
    shared("frombuffer", lambda lib: lib.frombuffer(bytearray([1, 0, 2, 0, 3, 0]), dtype=lib.int16), passes=("buffer", "dtype")),
    shared("frombuffer", lambda lib: lib.frombuffer(bytearray(range(8)), dtype=lib.uint8, count=3, offset=2), passes=("count", "offset")),
    *calls("scalar_tensor", 3, 2.5, True, (3, {"dtype": int32}), **plain),
]  # fmt: skip


def wrote(lib: Any, make: Any) -> Any:
    """The array after a write to the tensor that was made of it."""
    array = np.arange(3.0)
    make(array)[0] = 7
    return array


CONSTANTS = [
    *[row for name in ("zeros", "ones") for row in calls(name, (2, 3), ((2, 0),), ([2],), ((),), (2, {"dtype": int32}), {"size": (2,), "dtype": boolean}, **plain)],
    *calls("full", ((2, 3), 7), ((2,), 2.5), ((), True), ([2], 1, {"dtype": float64}), {"size": (2,), "fill_value": 1.5, "dtype": int32}, **plain),
    *calls("eye", 3, (2, 4), (3, {"m": 2, "dtype": int32}), {"n": 2}, 0, **plain),
    *calls("tril_indices", (3, 4), (4, 3, 1), (3, 3, -1), {"row": 2, "col": 3, "offset": -1, "dtype": int32}, (0, 2), **plain),
    *calls("triu_indices", (3, 4), (4, 3, 1), (3, 3, -1), {"row": 2, "col": 3, "offset": -1, "dtype": int32}, (2, 0), **plain),
    about("empty", 2, 3), about("empty", (2, 1), dtype=float64), about("empty", size=(2,), dtype=boolean), about("empty_strided", (2, 3), (1, 2)), about("empty_strided", (2, 3), (5, 1), dtype=float64),
    about("empty_permuted", (2, 3, 5), (0, 2, 1)), about("empty_permuted", (2, 3), (1, 0), dtype=int32),
    *[row for name in ("zeros_like", "ones_like") for row in (*calls(name, x, whole, (x, {"dtype": int32}), order=0), Call(name, (v.astype("float16"),), **unchecked))],
    *calls("full_like", (x, 7), (whole, 2.5), (whole, {"fill_value": 1.5, "dtype": float64}), order=0), about("empty_like", whole), about("empty_like", whole, dtype=float16),
    *[row for name in ("new_zeros", "new_ones") for row in calls(f"Tensor.{name}", (x, 2, 3), (whole, (2,)), (x, 2, {"dtype": int32}), (x, {"size": (2, 1)}), order=0, variants=False)],
    *calls("Tensor.new_full", (x, (2, 3), 7), (whole, (2,), 1), (x, (2,), 1.5, {"dtype": float64}), (x, {"size": (2,), "fill_value": 3}), order=0, variants=False),
    *calls("Tensor.new_tensor", (x, 3), (whole, [1, 2]), (x, {"data": [1.5], "dtype": int32}), order=0, variants=False), about("Tensor.new_empty", whole, 2, 3), about("Tensor.new_empty", x, (2,), dtype=int32),
    about("Tensor.new_empty_strided", x, (2, 3), (1, 2)), about("Tensor.new_empty_strided", x, size=(2, 3), stride=(3, 1), dtype=int32),
    *calls("fill", (x, 2.5), (whole, 3), (x, np.array(1.5)), (x, {"value": 0}), order=1, forms=False),
    *calls("Tensor.fill_", (x, 2.5), (whole, 3), order=0), Call("Tensor.fill_", (x, np.array(1.5)), run=lambda lib, x, value: (x * 2).fill_(value), passes=("value",), variants=False), Call("Tensor.zero_", (x,), run=lambda lib, x: (x * 2).zero_()),
    *[Call("Tensor.fill_diagonal_", (a, *args), options, run=lambda lib, x, *args, **options: (x * 1).fill_diagonal_(*args, **options), passes=("fill_value", "wrap"), variants=False, dtypes=False)
      for a, args, options in [(n.away(3, 3), (5.0,), {}), (n.away(2, 4), (5.0,), {}), (n.away(7, 3), (5,), {}), (n.away(7, 3), (5.0, True), {}), (n.away(8, 3), (5,), {"wrap": True}), (n.away(3, 3, 3), (2,), {}), (n.ints(0, 9, 3, 3), (2,), {})]],
]  # fmt: skip

RANGES = [
    *calls("arange", 5, 2.5, (1, 8, 3), (5, 1, -2), (0, 1, 0.25), (3, {"dtype": float64}), {"end": 3}, {"start": 1, "end": 7, "step": 2, "dtype": int32}, (0.5, 3, {"dtype": Named("int64")}), **plain), Call("arange", (np.array(4),), note="a tensor", forms=False, **plain),
    *calls("range", (1, 4), (0, 1, 0.25), (3, -1, -2), {"start": 0, "end": 3, "step": 2, "dtype": float64}, **plain),
    *calls("fft.fftfreq", 5, (4, 0.5), {"n": 3, "d": 2.0, "dtype": float64}, **plain),
    *calls("fft.rfftfreq", 5, (4, 0.5), {"n": 3, "d": 2.0, "dtype": float64}, **plain),
    *calls("linspace", (0, 1, 5), (3, -1, 4), (0, 1, 1), (0, 1, 0), (0.1, 0.7, 9, {"dtype": float64}), {"start": 0, "end": 10, "steps": 4, "dtype": int32}, **plain),
    Call("linspace", (np.array(0.0), np.array(2.0), 5), note="tensors", forms=False, **plain), Call("linspace", (np.array(0.0), 2, 5), note="a tensor", forms=False, **plain), Call("linspace", (1, np.array(2.0), 5), note="a tensor", forms=False, **plain),
    *calls("logspace", (0, 2, 3, {"dtype": float64}), (0, 3, 4, 2.0, {"dtype": float64}), {"start": -1, "end": 1, "steps": 3, "base": 3.0, "dtype": float64}, **plain), Call("logspace", (0, 2, 3), tolerance=1e-5, **plain),
    Call("logspace", (np.array(0.0), np.array(2.0), 5), {"dtype": float64}, note="tensors", forms=False, **plain),
]  # fmt: skip

# float32 numbers agree to rounding with every build's own log and cos
rounded: dict[str, Any] = {**plain, "tolerance": 1e-5}


def alike(name: str, *rows: Any, **common: Any) -> list[Call]:
    """Random numbers are drawn in the order of memory, so the layout is made the same first."""

    def run(lib: Any, x: Any, *args: Any, **options: Any) -> Any:
        if name.startswith("Tensor."):
            return getattr(x.contiguous(), name.removeprefix("Tensor."))(*args, **options)
        return getattr(lib, name)(x.contiguous(), *args, **options)

    # in float32 the numbers are others: another number of bits is drawn
    return [replace(call, run=run) for call in calls(name, *rows, **{"order": 0, "dtypes": False, "variants": False, "narrow": 0, **common})]  # fmt: skip


SAMPLED = [
    *calls("rand", (2, 3), ((4,),), (3, {"dtype": float64}), {"size": (2,), "dtype": float16}, **plain), *calls("randn", (2, 3), ((20,),), (3, {"dtype": float64}), {"size": (2,)}, **rounded),
    *calls("randint", (9, (4,)), (-3, 3, (2, 2)), {"low": 2, "high": 9, "size": (3,), "dtype": int32}, (9, (2,), {"dtype": float64}), **plain),
    *calls("randperm", 7, (3, {"dtype": int32}), {"n": 1000}, 0, **plain),
    *calls("normal", (1.0, 2.0, (3,)), {"mean": 0.0, "std": 1.0, "size": (17,)}, **rounded), *calls("normal", (x, np.abs(x)), (x, 2.0), (0.5, np.abs(x)), (x,), (x, {"std": np.abs(x[:1])}), {"mean": x, "std": 0.5}, order=0, dtypes=False, variants=False, tolerance=1e-5),
    *alike("bernoulli", p, p.astype("float32"), (p, 0.3)), *alike("Tensor.bernoulli", p, (p, 0.3)),
    *calls("multinomial", (rows, 2), (rows, 7, True), (rows[0], 3), (rows, {"num_samples": 1, "replacement": False}), order=0, dtypes=False, variants=False),
    *calls("poisson", rates, rates.astype("float32"), order=0, dtypes=False), *calls("binomial", (counts, chances), (counts.astype("float32"), chances.astype("float32")), order=0, dtypes=False, variants=False),
    *alike("rand_like", x, (x, {"dtype": float16})), *alike("randn_like", x, (x, {"dtype": float64}), tolerance=1e-5), *alike("randint_like", (x, 9), (whole, -3, 3), (x, {"low": 2, "high": 9, "dtype": int32})),
    *[Call(f"Tensor.{name}_", (np.zeros(shape), *args), run=lambda lib, x, *args, name=name, **options: getattr(x.contiguous(), f"{name}_")(*args, **options), options=options, passes=passes, order=0, dtypes=False, variants=False, tolerance=1e-5, narrow=0)
      for name, passes, rows in [
          ("uniform", ("from", "to"), [((), {}), ((-1, 2), {}), ((), {"to": 3})]), ("normal", ("mean", "std"), [((), {}), ((1.0, 2.0), {}), ((), {"mean": 3, "std": 0.5})]),
          ("exponential", ("lambd",), [((), {}), ((2.0,), {}), ((), {"lambd": 0.5})]), ("geometric", ("p",), [((0.3,), {}), ((), {"p": 0.7})]),
          ("cauchy", ("median", "sigma"), [((), {}), ((1.0, 2.0), {}), ((), {"median": 2, "sigma": 3})]), ("log_normal", ("mean", "std"), [((), {}), ((0.5, 0.25), {}), ((), {"mean": 0, "std": 1})]),
          ("random", ("from", "to"), [((), {}), ((9,), {}), ((-3, 9), {}), ((), {"to": 5})]), ("bernoulli", ("p",), [((), {}), ((0.3,), {}), ((), {"p": 0.7}), ((np.full((3, 5), 0.4),), {})])]
      for args, options in rows for shape in ((3, 5),)],
]  # fmt: skip


CALLS = [
    *DATA,
    *CONSTANTS,
    *RANGES,
    *SAMPLED,
    *calls(
        "arange",
        (3.6, {"dtype": Named("int16")}),
        (3.6, {"dtype": Named("int64")}),
        (0.5, 3.6, {"dtype": Named("int32")}),
        order=0,
        note="cut to integers",
    ),
]

ERRORS = [
    ErrorSample("zeros: negative", lambda lib: lib.zeros(-1), RuntimeError, "negative dimension"), ErrorSample("ones: a float", lambda lib: lib.ones(2.5), TypeError, "integer|int"),
    ErrorSample("full: a vector", lambda lib: lib.full((2,), lib.ones(2)), Exception, "fill_value|Scalar"), ErrorSample("eye: negative", lambda lib: lib.eye(-1), RuntimeError, "negative|greater"),
    ErrorSample("empty_strided: lengths", lambda lib: lib.empty_strided((2, 3), (1,)), RuntimeError, "must match dimensionality"), ErrorSample("empty_permuted: order", lambda lib: lib.empty_permuted((2, 3), (0, 0)), RuntimeError, "physical_layout|[Dd]uplicate"),
    ErrorSample("tril_indices: negative", lambda lib: lib.tril_indices(-1, 2), RuntimeError, "negative"), ErrorSample("triu_indices: negative", lambda lib: lib.triu_indices(2, -1), RuntimeError, "negative"),
    ErrorSample("tensor: ragged", lambda lib: lib.tensor([[1, 2], [3]]), ValueError, "length"), ErrorSample("tensor: strings", lambda lib: lib.tensor("a"), TypeError, "str"),
    ErrorSample("tensor: pinned", lambda lib: lib.tensor([1], pin_memory=True), RuntimeError, "pin_memory|accelerator"), ErrorSample("from_numpy: a list", lambda lib: lib.from_numpy([1]), TypeError, "ndarray"),
    ErrorSample("frombuffer: empty", lambda lib: lib.frombuffer(bytearray(), dtype=lib.uint8), ValueError, "buffer length"), ErrorSample("frombuffer: offset", lambda lib: lib.frombuffer(bytearray(4), dtype=lib.uint8, offset=4), ValueError, "offset"),
    ErrorSample("frombuffer: rest", lambda lib: lib.frombuffer(bytearray(5), dtype=lib.int16), ValueError, "multiple"), ErrorSample("frombuffer: count", lambda lib: lib.frombuffer(bytearray(4), dtype=lib.int16, count=3), ValueError, "greater"),
    ErrorSample("asarray: another dtype", lambda lib: lib.asarray(lib.ones(2), dtype=lib.float64, copy=False), ValueError, "alias"), ErrorSample("asarray: a list", lambda lib: lib.asarray([1], copy=False), ValueError, "alias"),
    ErrorSample("arange: step", lambda lib: lib.arange(1, 5, -1), RuntimeError, "step"), ErrorSample("linspace: steps", lambda lib: lib.linspace(0, 1, -1), RuntimeError, "non-negative"),
    ErrorSample("linspace: a vector", lambda lib: lib.linspace(lib.zeros(2), 1, 3), RuntimeError, "0-dim"), ErrorSample("logspace: steps", lambda lib: lib.logspace(0, 1, -1), RuntimeError, "non-negative"),
    ErrorSample("Tensor.fill_: a vector", lambda lib: lib.zeros(2).fill_(lib.ones(2)), RuntimeError, "0-dim"), ErrorSample("fill: a vector", lambda lib: lib.fill(lib.zeros(2), lib.ones(2)), RuntimeError, "0-dim"),
    ErrorSample("Tensor.fill_diagonal_: a vector", lambda lib: lib.zeros(2).fill_diagonal_(1), RuntimeError, "dimensions"), ErrorSample("Tensor.fill_diagonal_: unequal", lambda lib: lib.zeros(2, 2, 3).fill_diagonal_(1), RuntimeError, "equal length"),
    ErrorSample("normal: std", lambda lib: lib.normal(lib.zeros(2), -1.0), RuntimeError, "std"), ErrorSample("normal: sizes", lambda lib: lib.normal(lib.zeros(2), lib.ones(3)), RuntimeError, "broadcast|match"),
    ErrorSample("bernoulli: p", lambda lib: lib.bernoulli(lib.tensor([2.0])), RuntimeError, "p|prob"), ErrorSample("multinomial: too many", lambda lib: lib.multinomial(lib.ones(2), 3), RuntimeError, "without replacement|num_samples"),
    ErrorSample("poisson: negative", lambda lib: lib.poisson(lib.tensor([-1.0])), RuntimeError, "non-negative"), ErrorSample("poisson: integers", lambda lib: lib.poisson(lib.tensor([1])), Exception, "dtype|not implemented"),
    ErrorSample("binomial: integers", lambda lib: lib.binomial(lib.tensor([1]), lib.tensor([0.5])), ValueError, "dtype"), ErrorSample("binomial: dtypes", lambda lib: lib.binomial(lib.ones(1), lib.ones(1, dtype=lib.float64)), RuntimeError, "dtype"),
    ErrorSample("randint: empty range", lambda lib: lib.randint(3, 3, (2,)), RuntimeError, "high"), ErrorSample("randperm: negative", lambda lib: lib.randperm(-1), RuntimeError, "n must|non-negative"),
    *[ErrorSample(f"Tensor.{name}: {what}", call, RuntimeError, message) for name, what, call, message in [
        ("uniform_", "range", lambda lib: lib.zeros(2).uniform_(1, 0), "range|from"), ("normal_", "std", lambda lib: lib.zeros(2).normal_(0, -1), "std"), ("exponential_", "rate", lambda lib: lib.zeros(2).exponential_(0), "lambda|lambd"),
        ("geometric_", "p", lambda lib: lib.zeros(2).geometric_(1.5), "p"), ("cauchy_", "sigma", lambda lib: lib.zeros(2).cauchy_(0, -1), "sigma"), ("log_normal_", "std", lambda lib: lib.zeros(2).log_normal_(0, 0), "std"),
        ("random_", "range", lambda lib: lib.zeros(2).random_(3, 3), "from|high"), ("bernoulli_", "p", lambda lib: lib.zeros(2).bernoulli_(2.0), "p")]],
    ErrorSample("full_like: nan as an integer", lambda lib: lib.full_like(lib.tensor([1]), float("nan")), RuntimeError, "without overflow"),
    ErrorSample("Tensor.new_full: too large", lambda lib: lib.tensor([1], dtype=lib.int8).new_full((2,), 300), RuntimeError, "without overflow"),
    ErrorSample("Tensor.new_zeros: negative", lambda lib: lib.ones(2).new_zeros(-1), RuntimeError, "negative dimension"),
]  # fmt: skip
