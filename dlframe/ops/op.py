r"""The notation of differentiable operations: a forward, and one vector-Jacobian product per input.

::

    mul = elementwise(np.multiply, latex="x y", x=lambda g, y: g * y, y=lambda g, x: g * x)

    @op(latex=r"\frac{e^{x_i}}{\sum_j e^{x_j}}")
    def softmax(x, *, axis=-1): ...

    @softmax.vjp("x", latex=r"z_i (g_i - \sum_j g_j z_j)")
    def _(g, out, *, axis):
        return (g - (g * out).sum(axis=axis, keepdims=True)) * out

The keyword (or the argument of `vjp`) names the input; the rule's parameter names say what is
kept for the backward pass: `g` is the incoming gradient, `out` the result, an input's or
option's name that value, and `shape` and `dtype` are those of the rule's own input. No other values
are kept. All names are checked at import.

`latex` is the formula that `Tensor.explain` prints, for the result and for each gradient; the
letters are explained in `dlframe.viz.explain.notation`. A lambda needs none: its formula is printed
from its source.

Rules run on arrays, and for higher orders the same rules run on tensors (see
`dlframe.autograd.engine`). `fast_backward` is a second door only for first-order gradients, which
may keep residuals and write in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, overload

import numpy as np

from dlframe.dtypes import get_default_dtype, result_type
from dlframe.errors import DTypeError
from dlframe.ops.blocks import by_blocks
from dlframe.ops.calling import binary_call, general_call, plain_call, unary_call, wrap
from dlframe.ops.definition import Op, Rule
from dlframe.ops.doors import open_later
from dlframe.ops.record import TensorBase

__all__ = [
    "cast",
    "elementwise",
    "op",
    "plain",
    "printed_as",
]


class OpFunction(Protocol):
    """The functions that `op` and `elementwise` return, with methods that add rules."""

    definition: Op

    def __call__(self, *inputs: Any, **options: Any) -> Any: ...
    def vjp(self, *names: str, latex: str | None = None) -> Callable[[Rule], Rule]: ...
    def vjp_of_all(self, latex: dict[str, str]) -> Callable[[Rule], Rule]: ...
    def fast_backward(self, rule: Rule) -> Rule: ...
    def fast_forward(self, forward: Callable[..., Any]) -> Callable[..., Any]: ...


@overload
def op(forward: Callable[..., Any], /) -> OpFunction: ...
@overload
def op(
    *,
    broadcasts: bool = False,
    view: bool = False,
    order: str = "C",
    promotes: tuple[str, ...] = (),
    by_element: bool = False,
    latex: str | None = None,
) -> Callable[[Callable[..., Any]], OpFunction]: ...
def op(
    forward: Callable[..., Any] | None = None,
    *,
    broadcasts: bool = False,
    view: bool = False,
    order: str = "C",
    promotes: tuple[str, ...] = (),
    by_element: bool = False,
    latex: str | None = None,
) -> Any:
    """Turn a forward on plain arrays into a differentiable operation.

    Positional parameters are inputs (arrays or tensors), keyword-only ones are options.

    Args:
        forward: the function on ndarrays; it returns an array, or a tuple of arrays.
        broadcasts: inputs broadcast against each other, so gradients are summed back centrally.
        view: the result may share its input's memory, so in-place writes go through to it.
        order: how the result lies in memory (`dlframe.ops.memory`): "C" in order; "K" as the
            forward gives it, which is the way for elementwise functions and for views; "like"
            as the first input, if that has no gaps.
        promotes: the inputs that are brought to one dtype first, by PyTorch's rules of promotion.
        by_element: each element of the result, and of the gradients, depends on the elements of the
            inputs at its place only, so large arrays may be computed block by block.
        latex: the formula of the result.
    """
    if forward is None:
        return lambda f: _from_forward(f, broadcasts, view, order, promotes, by_element, latex)
    return _from_forward(forward, broadcasts, view, order, promotes, by_element, latex)


def _from_forward(
    forward: Callable[..., Any],
    broadcasts: bool,
    view: bool,
    order: str,
    promotes: tuple[str, ...],
    by_element: bool,
    latex: str | None,
) -> OpFunction:
    definition = Op(
        forward.__name__,
        forward,
        broadcasts=broadcasts,
        view=view,
        order="" if view else order,
        promotes=promotes,
        by_element=by_element,
        latex=latex,
    )
    return _attach(general_call(definition, _of_one_dtype), definition, forward.__doc__)


def elementwise(
    ufunc: Callable[..., Any],
    *,
    name: str | None = None,
    floats: bool = False,
    latex: str | None = None,
    **rules: Rule,
) -> OpFunction:
    """An elementwise operation of one or two inputs, from a ufunc and a rule per input.

    Args:
        ufunc: the forward on arrays.
        name: the operation's name, by default the ufunc's.
        floats: integer inputs become the default float dtype first (`exp`, `div`).
        latex: the formula of the result. Those of the gradients are printed from the rules.
        rules: per input, in the order of the ufunc's arguments: the vector-Jacobian product.
    """
    name = name or ufunc.__name__
    if len(rules) == 1:
        definition = Op(name, _with_names(ufunc, rules), by_element=True, latex=latex)
        call: Any = unary_call(definition, ufunc, floats)
    else:
        forward = _with_names(ufunc, rules)
        definition = Op(name, forward, broadcasts=True, by_element=True, latex=latex)
        call = binary_call(definition, ufunc, floats, _promoted)
    for input_name, rule in rules.items():
        definition.add_rule(input_name, rule)
    _remember(ufunc, definition)
    return _attach(call, definition, _meaning(ufunc))


def printed_as(latex: str) -> Callable[[Rule], Rule]:
    """Give a formula to a rule that is not defined by `@f.vjp(name, latex=...)`."""

    def give(rule: Rule) -> Rule:
        rule.latex = latex  # type: ignore[attr-defined] # functions take attributes
        return rule

    return give


def plain(
    function: Callable[..., Any],
    *,
    name: str | None = None,
    order: str = "C",
    latex: str | None = None,
) -> OpFunction:
    """An operation without gradient (comparisons, argmax …); its results have no graph."""
    forward = _forward_of(function) if isinstance(function, np.ufunc) else function
    order = "K" if isinstance(function, np.ufunc) else order
    definition = Op(name or function.__name__, forward, order=order, latex=latex)
    _remember(function, definition)
    return _attach(plain_call(definition, function), definition, _meaning(function))


# --- ufuncs ------------------------------------------------------------------------------------


def stands_for(ufunc: Any, *, same_for: str = "") -> Callable[[Rule], Any]:
    """Decorate a forward that replaces a ufunc of NumPy; it gets the ufunc's name and calls.

    Args:
        ufunc: calls such as `np.floor(tensor)` then use the operation made of this forward.
        same_for: the kinds of dtype ("f", "i", "u", "b") for which both give the same numbers, so
            that the in-place form may use the ufunc.
    """

    def named(forward: Any) -> Any:
        forward.__name__ = ufunc.__name__
        forward.__doc__ = forward.__doc__ or summary(ufunc)
        forward.ufunc, forward.same_for = ufunc, same_for
        return forward

    return named


def _remember(forward: Any, definition: Op) -> None:
    """Note in `definition` which ufunc it is; `numpy_api.ufuncs` and in-place forms ask for it."""
    if isinstance(forward, np.ufunc):
        # NumPy has more functions of integers than PyTorch, for which they give floats
        definition.ufunc, definition.same_for = forward, "f" if forward.nin == 1 else "fiub"
    elif isinstance(getattr(forward, "ufunc", None), np.ufunc):
        definition.ufunc, definition.same_for = forward.ufunc, forward.same_for


def _forward_of(ufunc: np.ufunc) -> Callable[..., Any]:
    """`ufunc` with a signature that names its inputs."""
    return _with_names(ufunc, ("x", "y")[: ufunc.nin])


def _with_names(function: Callable[..., Any], names: Iterable[str]) -> Callable[..., Any]:
    inputs = ", ".join(names)
    source = f"lambda {inputs}: _f({inputs})"
    forward = eval(source, {"_f": function})  # noqa: S307 # our own source
    forward.__doc__ = summary(function)
    return forward  # type: ignore[no-any-return] # eval, and attributes, are Any to mypy


def summary(function: Callable[..., Any]) -> str | None:
    """The first sentence of the documentation; before it, NumPy's ufuncs have their signature."""
    paragraphs = (function.__doc__ or "").split("\n\n")
    return paragraphs[1 if isinstance(function, np.ufunc) else 0].strip() or None


def _meaning(function: Callable[..., Any]) -> str | None:
    """The docstring of `function`; in that of a ufunc it comes after the signature."""
    doc = function.__doc__
    return doc.split("\n\n")[1] if doc and isinstance(function, np.ufunc) else doc


def _attach(call: Any, definition: Op, doc: str | None) -> OpFunction:
    def vjp(*names: str, latex: str | None = None) -> Callable[[Rule], Rule]:
        def add(rule: Rule) -> Rule:
            for name in names:
                definition.add_rule(name, rule, latex)
            return rule

        return add

    def vjp_of_all(latex: dict[str, str]) -> Callable[[Rule], Rule]:
        def add(rule: Rule) -> Rule:
            definition.add_together(rule, latex)
            return rule

        return add

    def fast_backward(rule: Rule) -> Rule:
        definition.add_fast(rule)
        return rule

    def fast_forward(forward: Callable[..., Any]) -> Callable[..., Any]:
        definition.fast_forward = by_blocks(forward) if definition.by_element else forward
        open_later(definition)
        return forward

    call.definition, call.vjp, call.vjp_of_all, call.fast_backward, call.fast_forward = (
        definition,
        vjp,
        vjp_of_all,
        fast_backward,
        fast_forward,
    )
    call.__name__ = call.__qualname__ = definition.name
    call.__doc__ = doc
    definition.function = call
    open_later(definition)
    return call  # type: ignore[no-any-return] # eval, and attributes, are Any to mypy


# --- one dtype for several inputs --------------------------------------------------------------


def _promoted(definition: Op, call: Callable[..., Any], x: Any, y: Any, floats: bool) -> Any:
    """The same call with both operands in the dtype that the result has in PyTorch."""
    for value in (x, y):
        if not isinstance(value, (TensorBase, np.ndarray, np.generic, bool, int, float)):
            return NotImplemented
    dtype = result_type(*(v.array if isinstance(v, TensorBase) else v for v in (x, y)))
    if floats and dtype.kind != "f":
        dtype = get_default_dtype()
    if dtype.kind == "b" and definition.name in ("subtract", "negative"):
        raise DTypeError(
            f"{definition.name}: Subtraction, the `-` operator, with a bool tensor is not "
            "supported; use logical_xor or the `^` operator."
        )
    return call(_brought_to(x, dtype), _brought_to(y, dtype))


def _brought_to(x: Any, dtype: Any) -> Any:
    """A tensor of that dtype; its gradient comes back in the dtype of `x`."""
    if isinstance(x, TensorBase):
        return x if x.array.dtype is dtype else cast(x, dtype=dtype)
    if dtype.kind == "f" and isinstance(x, (bool, int, float)) and not isinstance(x, np.generic):
        return float(x)
    if isinstance(x, np.ndarray):
        return wrap(x.astype(dtype, copy=False))
    # integers beyond the dtype wrap around, as their sums and products do
    return wrap(np.asarray(x).astype(dtype))


def _of_one_dtype(inputs: tuple[Any, ...], chosen: Iterable[int]) -> tuple[Any, ...]:
    """`inputs` with those at the places `chosen` cast to their common dtype, if any is a tensor."""
    values = [inputs[i] for i in chosen if inputs[i] is not None]
    tensors = [x for x in values if isinstance(x, TensorBase)]
    if not tensors:
        return inputs
    first = tensors[0].array.dtype
    alike = all(x.array.dtype is first for x in tensors)
    if alike and len(tensors) == len(values):
        return inputs
    numbers = [x for x in values if type(x) is float or type(x) is int]
    if alike and first.kind == "f" and len(tensors) + len(numbers) == len(values):
        dtype = first  # numbers follow floats
    else:
        dtype = result_type(*(x.array if isinstance(x, TensorBase) else x for x in values))
    brought = list(inputs)
    for i in chosen:
        if inputs[i] is not None:
            brought[i] = _brought_to(inputs[i], dtype)
    return tuple(brought)


@op(order="like", latex="x")
def cast(x: Any, *, dtype: Any) -> Any:
    """`x` in another dtype; the gradient comes back in the dtype of `x`."""
    return x.astype(dtype)


@cast.vjp("x")
def _(g: Any, dtype: Any) -> Any:
    return cast(g, dtype=dtype)
