"""NumPy's two protocols: the calls of ufuncs, and of other functions, with a tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from dlframe.errors import ArgumentError, DTypeError, GradientError
from dlframe.ops import reshape
from dlframe.ops.numpy_api import policy, ufuncs
from dlframe.ops.numpy_api.support import (
    RULES,
    array_likes,
    as_tensors,
    in_dtype,
    operands,
    recorded,
    tensors_in,
    values_of,
)
from dlframe.ops.numpy_api.ufuncs import UFUNCS

Args = tuple[Any, ...]
Options = dict[str, Any]
_NOT_SET = np._NoValue

# Modules that have another name in public; the second is NumPy 2.0's.
_PUBLIC = {"lib.scimath": "emath", "lib._scimath_impl": "emath"}


# --- ufuncs ------------------------------------------------------------------------------------


def call_ufunc(ufunc: np.ufunc, method: str, inputs: Args, kwargs: Options) -> Any:
    """`ufunc(*inputs)`, or one of its methods, with a tensor among the inputs."""
    if method == "__call__" and not kwargs:
        function = UFUNCS.get(ufunc)
        if function is not None:
            out = function(*inputs)
            return out if out is not NotImplemented else _of_lists(function, inputs)
    return _call_uncommon(ufunc, method, inputs, kwargs)


def _of_lists(function: Callable[..., Any], inputs: Args) -> Any:
    """Call an op, with arrays instead of lists; other unknown objects may handle tensors."""
    if any(isinstance(x, (list, tuple)) for x in inputs):
        return function(*operands(*inputs))
    return NotImplemented


def _call_uncommon(ufunc: np.ufunc, method: str, inputs: Args, kwargs: Options) -> Any:
    name = ufunc.__name__
    kwargs = {
        k: v for k, v in kwargs.items() if k == "axis" or (v is not None and v is not _NOT_SET)
    }
    prefix = "np." if getattr(np, name, None) is ufunc else ""  # or it is another library's
    called = f"{prefix}{name}" if method == "__call__" else f"{prefix}{name}.{method}"
    if name in policy.REFUSED_UFUNCS:
        raise DTypeError(f"{called}: {policy.REFUSED_UFUNCS[name]}")
    _refuse_writing(called, kwargs.get("out"))
    if method == "at":
        _refuse_writing(called, inputs[0])
    rule = _rule_of(ufunc, method, inputs, kwargs)
    if rule is not None:
        return rule()
    if not ufuncs.is_plain(ufunc) and recorded((inputs, kwargs)):
        known = ufunc in ufuncs.DIFFERENTIABLE and method == "__call__"
        _refuse(called, f"with {_listed(kwargs)} " if known else "")
    out = getattr(ufunc, method)(*values_of(inputs), **values_of(kwargs))
    return out if "out" in kwargs else as_tensors(out)


def _rule_of(
    ufunc: np.ufunc, method: str, inputs: Args, kwargs: Options
) -> Callable[[], Any] | None:
    """The differentiable form of a call with options, or of a method; None if there is none."""
    function = ufuncs.DIFFERENTIABLE.get(ufunc)
    if method == "__call__" and function is not None and kwargs.keys() == {"dtype"}:
        return lambda: function(*(in_dtype(x, kwargs["dtype"]) for x in inputs))
    if method == "outer" and function is not None and not kwargs:
        x, y = array_likes(inputs)
        return lambda: function(reshape(x, shape=x.shape + (1,) * len(y.shape)), y)
    rule = RULES.get(ufuncs.METHODS.get(method, {}).get(ufunc, ""))
    if rule is not None and rule.takes(inputs, kwargs):
        return lambda: rule.function(*inputs, **{"axis": 0, **kwargs})
    return None


# --- all other functions -----------------------------------------------------------------------


def call_function(func: Callable[..., Any], args: Args, kwargs: Options) -> Any:
    """`func(*args, **kwargs)` with a tensor among the arguments."""
    name = name_of(func)
    called = f"np.{name}"
    rule = RULES.get(name)
    kwargs = {
        k: v for k, v in kwargs.items() if v is not _NOT_SET and not (k == "out" and v is None)
    }
    if rule is not None and rule.takes(args, kwargs):
        return as_tensors(rule.function(*args, **kwargs))
    _refuse_writing(called, kwargs.get("out"))
    if name in policy.WRITERS:
        _refuse_writing(called, args[0] if args else next(iter(kwargs.values())))
    if name not in policy.PLAIN:
        _refuse_unknown(name, known=rule is not None)
        if recorded((args, kwargs)):
            _refuse(called, "with these arguments " if rule is not None else "")
    out = func(*values_of(args), **values_of(kwargs))
    return out if "out" in kwargs or name in policy.ARRAYS else as_tensors(out)


def name_of(func: Callable[..., Any]) -> str:
    """NumPy's name of a function, without `np.`: `"sum"`, `"linalg.norm"`."""
    module = func.__module__.removeprefix("numpy").removeprefix(".")
    module = _PUBLIC.get(module, module)
    return f"{module}.{func.__name__}" if module else func.__name__


def _refuse_unknown(name: str, *, known: bool) -> None:
    module = name.rpartition(".")[0]
    reason = policy.REFUSED.get(name) or policy.REFUSED_MODULES.get(module)
    if reason is not None:
        raise DTypeError(f"np.{name}: {reason}")
    known = known or name in policy.WITHOUT_RULE | policy.CREATION | policy.WRITERS
    if not known:
        raise GradientError(
            f"np.{name} is not known to this version of dlframe: use t.detach().numpy()"
        )


# --- refusing ----------------------------------------------------------------------------------


def _refuse_writing(name: str, target: Any) -> None:
    """Refuse functions that write into tensors, since only the tensors' methods tell the graph."""
    if any(True for _ in tensors_in(target)):
        raise ArgumentError(
            f"{name} would write into a tensor unseen by its graph: write with t[...] = value, or "
            "with a method that ends in _, such as t.add_(value)"
        )


def _refuse(name: str, manner: str) -> NoReturn:
    raise GradientError(
        f"{name} {manner}has no gradient rule in dlframe: use t.detach().numpy() for the values"
    )


def _listed(options: Options) -> str:
    return ", ".join(f"{key}=" for key in options)
