"""What a `Call` gives under one library: everything that the two libraries must agree about.

A result is a dict from a name ("value 0", "gradient 1") to an array, or to a text where there is no
number: a dtype, or that the call raised.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import dlframe as dl
from dlframe.testing.op import Case
from samples.table import Array, Call, Named, find, is_float

Results = dict[str, Any]

DTYPES = ("bool", "uint8", "int32", "int64", "float16", "float32", "float64")
RAISED = "raises"

# As methods, they take their sizes or dims by place: x.permute(1, 0), x.permute((1, 0)).
SIZES_BY_PLACE = {"broadcast_to", "flip", "permute", "reshape", "tile"}

# Functions that change their inputs, besides those whose name says it.
WRITES = {"Tensor.data"}


# --- a call ------------------------------------------------------------------------------------


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """`tree` with every leaf replaced; lists, tuples and dicts are the branches."""
    if isinstance(tree, (list, tuple)):
        return type(tree)([mapped(function, x) for x in tree])
    if isinstance(tree, dict):
        return {key: mapped(function, x) for key, x in tree.items()}
    return function(tree)


def leaves(tree: Any) -> Iterator[Any]:
    """The leaves from left to right."""
    if isinstance(tree, (list, tuple)):
        for x in tree:
            yield from leaves(x)
    elif isinstance(tree, dict):
        for x in tree.values():
            yield from leaves(x)
    else:
        yield tree


def changed(call: Call, function: Callable[[Array], Array]) -> tuple[Any, Any]:
    """Args and options with `function` applied to every array."""
    return mapped(
        lambda x: function(x) if isinstance(x, np.ndarray) else x, (call.args, call.options)
    )


def inputs_of(call: Call, lib: Any, arrays: Any = None, grad: bool = True) -> tuple[Any, Any, list]:
    """Args, options, and those of their tensors that are differentiated."""
    count = -1
    wanted = []

    def leaf(x: Any) -> Any:
        nonlocal count
        if isinstance(x, Named):
            return find(lib, x.path)
        if not isinstance(x, np.ndarray):
            return x
        # from_numpy keeps the layout; the array is a copy already
        tensor = lib.from_numpy(x) if x.ndim else lib.tensor(x)
        if is_float(x):
            count += 1
            if grad and call.order and count not in call.fixed:
                wanted.append(tensor.requires_grad_())
        return tensor

    source = changed(call, np.copy) if arrays is None else arrays
    args, options = mapped(leaf, source)
    return args, options, wanted


def run(call: Call, lib: Any, args: Any, options: Any, form: str = "function") -> Any:
    """The call in one of its forms: "function", "method", "in place", "in place of a view"."""
    lib.manual_seed(7)
    if call.run is not None and form == "function":
        out = call.run(lib, *args, **options)
    elif form == "function":
        out = find(lib, call.name)(*args, **options)
    elif form == "method":
        if call.name in SIZES_BY_PLACE:
            args, options = [*args, *options.values()], {}
        out = getattr(args[0], call.base)(*args[1:], **options)
    else:
        x = args[0].clone()
        if form == "in place of a view":  # with gaps, in memory that other elements share
            x = lib.stack([x, x], -1)[..., 0]
        out = getattr(x, f"{call.base}_")(*args[1:], **options)
        if out is not x:
            raise AssertionError(f"{call.base}_ returned another tensor than the one it wrote to")
    return out if call.then is None else call.then(lib, out)


def case_of(call: Call) -> Case:
    """The call as a function of its arrays, for the claims of dlframe.testing."""
    source = (call.args, call.options)
    arrays = [x for x in leaves(source) if isinstance(x, np.ndarray)]
    floats = [i for i, x in enumerate(arrays) if is_float(x)]

    def function(*tensors: Any) -> Any:
        left = iter(tensors)

        def leaf(x: Any) -> Any:
            if isinstance(x, Named):
                return find(dl, x.path)
            return next(left) if isinstance(x, np.ndarray) else x

        args, options = mapped(leaf, source)
        return run(call, dl, args, options)

    return Case(
        call.key,
        function,
        arrays,
        call.order,
        [i for k, i in enumerate(floats) if k in call.fixed],
        dtype=None,
        writes=call.name in WRITES or (call.name.endswith("_") and not call.name.endswith("__")),
        tolerance=max(call.tolerance, 1e-9),
    )


# --- results -----------------------------------------------------------------------------------


def is_tensor(x: Any) -> bool:
    return hasattr(x, "requires_grad") and hasattr(x, "detach")


def as_result(x: Any) -> Any:
    """A tensor as an array, anything else as it prints, without the library's name."""
    if is_tensor(x):
        return np.array(x.numpy(force=True))
    if isinstance(x, np.ndarray):
        return x
    return str(x).replace("torch.", "").replace("dlframe.", "")


def weighted(lib: Any, tensors: list[Any]) -> Any:
    """Σ w · t with weights that are all different."""
    total = None
    for t in tensors:
        w = np.cos(np.arange(math.prod(t.shape)) + 1.0).reshape(tuple(t.shape))
        term = (t * lib.tensor(w).to(t.dtype)).sum()
        total = term if total is None else total + term.to(total.dtype)
    return total


def derivatives(call: Call, lib: Any, outs: list[Any], wanted: list[Any]) -> Results:
    """First and second gradients of the results, weighted with fixed numbers."""
    found: Results = {}
    smooth = [o for o in outs if is_tensor(o) and o.requires_grad]
    if not (call.order and wanted and smooth):
        return found
    grads = lib.autograd.grad(
        weighted(lib, smooth), wanted, create_graph=call.order > 1, allow_unused=True
    )
    found |= {f"gradient {i}": as_result(g) for i, g in enumerate(grads) if g is not None}
    smooth = [g for g in grads if g is not None and g.requires_grad]
    if call.order > 1 and smooth:
        seconds = lib.autograd.grad(weighted(lib, smooth), wanted, allow_unused=True)
        found |= {f"second {i}": as_result(g) for i, g in enumerate(seconds) if g is not None}
    return found


def results(call: Call, lib: Any, arrays: Any = None, form: str = "function") -> Results:
    """Values, gradients and second gradients."""
    args, options, wanted = inputs_of(call, lib, arrays)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out = run(call, lib, args, options, form)
        outs = list(leaves(out))
        found = {f"value {i}": as_result(o) for i, o in enumerate(outs)}
        return found | derivatives(call, lib, outs, wanted)


def values(call: Call, lib: Any, arrays: Any, form: str = "function") -> Results:
    """Values alone, or that the call raised."""
    args, options, _ = inputs_of(call, lib, arrays, grad=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            out = run(call, lib, args, options, form)
        except (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError):
            return {"value 0": RAISED}
    return {f"value {i}": as_result(o) for i, o in enumerate(leaves(out))}


def in_place(call: Call, lib: Any, arrays: Any = None, form: str = "in place") -> Results:
    """The in-place form with its gradients, or that it raised."""
    try:
        return results(call, lib, arrays, form)
    except (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError):
        return {"value 0": RAISED}


# --- the same call with other inputs -----------------------------------------------------------


def cast_to(call: Call, dtype: str) -> Any:
    """Args and options with float arrays of another dtype."""
    with np.errstate(invalid="ignore"):  # nan among integers is some integer
        return changed(call, lambda x: x.astype(dtype) if is_float(x) else x.copy())


def scalars(call: Call) -> Any:
    """Every array as its first element, without dimensions."""
    return changed(call, lambda x: np.array(x.reshape(-1)[0]) if x.size else x.copy())


def emptied(call: Call) -> Any:
    """Every array without elements: its first dimension has size 0."""
    return changed(call, lambda x: x[:0].copy() if x.ndim else x.copy())


VARIANTS = {"empty": emptied, "0-d": scalars}


# --- comparison --------------------------------------------------------------------------------


def difference(got: Results, want: Results, tolerance: float, *, dtypes: bool = True) -> str:
    """What differs, in words; "" where nothing does. A gradient of zeros may be missing."""
    for key in {**got, **want}:
        a, b = got.get(key), want.get(key)
        if a is None or b is None:
            rest = b if a is None else a
            if key.startswith("value") or isinstance(rest, str) or np.any(rest):
                return f"{key}: {a!r}, and PyTorch has {b!r}"
            continue
        if isinstance(a, str) or isinstance(b, str):
            if not (isinstance(a, str) and isinstance(b, str) and a == b):
                return f"{key}: {a!r}, and PyTorch has {b!r}"
            continue
        if a.shape != b.shape or (dtypes and a.dtype != b.dtype):
            return f"{key}: {a.dtype}{list(a.shape)}, and PyTorch has {b.dtype}{list(b.shape)}"
        if not np.allclose(
            a.astype(np.float64), b.astype(np.float64), tolerance, tolerance, equal_nan=True
        ):
            return f"{key}:\n{a!r}\nand PyTorch has\n{b!r}"
    return ""


def dtypes_of(found: Results) -> list[str]:
    """The dtypes of the values, or that the call raised."""
    return [x if isinstance(x, str) else str(x.dtype) for x in found.values()]
