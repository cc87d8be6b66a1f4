"""The notation of differentiable operations: a forward, and one vector-Jacobian product per input.

::

    mul = elementwise(np.multiply, x=lambda g, y: g * y, y=lambda g, x: g * x)

    @op
    def softmax(x, *, axis=-1): ...

    @softmax.vjp("x")
    def _(g, out, *, axis):
        return (g - (g * out).sum(axis=axis, keepdims=True)) * out

The keyword (or the argument of ``vjp``) names the input; the rule's parameter names say what is kept for the
backward pass: ``g`` is the incoming gradient, ``out`` the result, an input's or option's name that value, and
``shape`` and ``dtype`` are those of the rule's own input. Nothing else is kept. All names are checked at import.

Rules run on arrays, and for higher orders the same rules run on tensors; see `dlframe.autograd.engine`.
`fast_backward` is a second door for first-order gradients alone, which may keep residuals and write in place.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np

from dlframe.dtypes import get_default_dtype, result_type
from dlframe.errors import DTypeError, GradientError, ShapeError
from dlframe.ops import record
from dlframe.ops.record import INFERENCE, Array, Node, TensorBase, View, clock, grad_mode

Rule = Callable[..., Any]
ndarray = np.ndarray
_new = object.__new__
_recording = grad_mode.get

# The class of the tensors that ops return. `dlframe.tensor` binds the real one; ops cannot import it.
_tensor: list[type[TensorBase]] = [TensorBase]


def bind_tensor(cls: type[TensorBase]) -> None:
    """Tell the ops which class to wrap results in."""
    _tensor[0] = cls


class OpFunction(Protocol):
    """What `op` and `elementwise` return: a function, with the means to add rules to it."""

    definition: Op

    def __call__(self, *inputs: Any, **options: Any) -> Any: ...
    def vjp(self, *names: str) -> Callable[[Rule], Rule]: ...
    def fast_backward(self, rule: Rule) -> Rule: ...
    def fast_forward(self, forward: Callable[..., Any]) -> Callable[..., Any]: ...


class Op:
    """An operation: its forward on plain arrays, and the rules that its gradients follow.

    Fields that the engine reads: ``rules`` (per input), ``joint`` (all inputs at once), ``fast``
    (all inputs at once, arrays only), and ``kept`` (per input: the names of what its rule keeps).
    """

    materialize = True  # rules of several outputs get zeros where no gradient arrived

    def __init__(self, name: str, forward: Callable[..., Any], *, broadcasts: bool = False, view: bool = False,
                 promotes: tuple[str, ...] = ()):
        self.name = name
        self.grad_name = "".join(part.capitalize() for part in name.split("_")) + "Backward0"
        self.forward = forward
        self.broadcasts, self.view = broadcasts, view
        self.inputs, self.options, self.variadic = _signature(forward)
        self.input_defaults: tuple[Any, ...] = forward.__defaults__ or ()
        self.input_defaults = (None,) * (len(self.inputs) - len(self.input_defaults)) + self.input_defaults
        self.promotes = tuple(i for i, x in enumerate(self.inputs) if x in promotes)
        self.rules: list[Rule | None] = [None] * len(self.inputs)
        self.kept: list[tuple[str, ...]] = [()] * len(self.inputs)
        self.gather: list[Callable[..., Any] | None] = [None] * len(self.inputs)
        self.joint: Rule | None = None
        self.simple = True  # one rule per input, one output: what the engine's loop does itself
        self.keeps = False  # whether any rule keeps anything
        self.trained = False  # whether there is any rule
        self.fast: Rule | None = None
        self.fast_kept: tuple[str, ...] = ()
        self.fast_gather: Callable[..., Any] | None = None
        self.fast_forward: Callable[..., Any] | None = None

    def __repr__(self) -> str:
        return f"<op {self.name}({', '.join([*self.inputs, *self.options])})>"

    def kept_by(self, node: Node) -> list[tuple[tuple[str, ...], tuple[Any, ...]]]:
        """The names and the values that `node` keeps, one pair per rule."""
        if self.fast is not None:
            return [(self.fast_kept, node.args)]
        return [(names, values) for names, values in zip(self.kept, node.args) if values]

    def add_rule(self, name: str, rule: Rule) -> None:
        """Set the vector-Jacobian product for the input `name`, or for all with ``*inputs``."""
        if name.startswith("*"):
            if name[1:] != self.variadic:
                raise TypeError(f"{self.name}: there is no input {name!r}; the inputs are {self.inputs}")
            kept = self._names_of(rule, extra=("shapes",))
            self.joint, self.kept, self.gather = positional(rule), [kept], [self._gatherer(kept, 0)]
            self.simple = False
        else:
            if name not in self.inputs:
                raise TypeError(f"{self.name}: there is no input {name!r}; the inputs are {self.inputs}")
            i = self.inputs.index(name)
            kept = self._names_of(rule, extra=("shape", "dtype"))
            self.rules[i], self.kept[i], self.gather[i] = positional(rule), kept, self._gatherer(kept, i)
        self.trained, self.keeps = True, self.keeps or bool(kept)

    def add_fast(self, rule: Rule) -> None:
        """Set the first-order door: (g, needs, …) -> one gradient (or None) per input.

        A node then keeps one tuple: what the door asks for, and what the rules need besides.
        """
        asked = [name for name in self._names_of(rule, extra=("needs", "residuals")) if name != "needs"]
        for names in self.kept:
            if {"shape", "dtype", "shapes"} & set(names):
                raise TypeError(f"{self.name}: with a fast_backward, rules ask for inputs and not for {names}")
            asked += [name for name in names if name not in asked]
        self.fast_kept = tuple(asked)
        self.fast_gather = self._gatherer(self.fast_kept, 0)
        self.fast, self.simple = positional(rule, ("g", "needs", *self.fast_kept)), False
        self.keeps = self.keeps or bool(self.fast_kept)

    def _names_of(self, rule: Rule, extra: tuple[str, ...]) -> tuple[str, ...]:
        names = tuple(inspect.signature(rule).parameters)
        known = {*self.inputs, *self.options, "out", *extra}
        if not names or names[0] != "g":
            raise TypeError(f"{self.name}: the first parameter of a rule is g, the gradient of the result; got {names}")
        unknown = [name for name in names[1:] if name not in known]
        if unknown:
            raise TypeError(f"{self.name}: a rule asks for {unknown}, but there are only {sorted(known)}")
        return names[1:]

    def _gatherer(self, kept: tuple[str, ...], i: int) -> Callable[..., Any]:
        # A lambda from source, as dataclasses do it: picking values by name costs then no loop per call.
        special = {"shape": f"_shape({self._own(i)})", "dtype": f"_dtype({self._own(i)})",
                   "shapes": "tuple([_shape(x) for x in xs])"}
        inputs = ["xs" if name == self.variadic else name for name in self.inputs]
        values = [special.get(name, "xs" if name == self.variadic else name) for name in kept]
        options = [
            name if default is inspect.Parameter.empty else f"{name}=_defaults[{name!r}]"
            for name, default in self.options.items()
        ]
        parameters = ", ".join([*inputs, "out", "*", *options, "residuals=None"])
        source = f"lambda {parameters}: ({''.join(value + ', ' for value in values)})"
        names = {"_shape": np.shape, "_dtype": _dtype_of, "_defaults": self.options}
        return eval(source, names)  # noqa: S307 - our own source

    def _own(self, i: int) -> str:
        return self.inputs[i]


def _dtype_of(x: Any) -> Any:
    return x.dtype if hasattr(x, "dtype") else get_default_dtype()


def _signature(forward: Callable[..., Any]) -> tuple[tuple[str, ...], dict[str, Any], str | None]:
    """Inputs, options with their defaults, and the name of ``*inputs`` if there is one."""
    inputs: list[str] = []
    options: dict[str, Any] = {}
    variadic = None
    for p in inspect.signature(forward).parameters.values():
        if p.kind is p.KEYWORD_ONLY:
            options[p.name] = p.default
        else:
            inputs.append(p.name)
            if p.kind is p.VAR_POSITIONAL:
                variadic = p.name
    return tuple(inputs), options, variadic


def positional(rule: Rule, order: tuple[str, ...] | None = None) -> Rule:
    """`rule` as a function of positional arguments only, in `order` (by default the rule's own)."""
    parameters = inspect.signature(rule).parameters
    names = tuple(parameters)
    keyword_only = {n for n, p in parameters.items() if p.kind is p.KEYWORD_ONLY}
    if not keyword_only and order in (None, names):
        return rule
    order = order or names
    call = ", ".join(f"{name}={name}" if name in keyword_only else name for name in names)
    return eval(f"lambda {', '.join(order)}: _rule({call})", {"_rule": rule})  # type: ignore[no-any-return]  # noqa: S307 - our own source


# --- the general form ----------------------------------------------------------------------------------


def op(
    forward: Callable[..., Any] | None = None,
    *,
    broadcasts: bool = False,
    view: bool = False,
    promotes: tuple[str, ...] = (),
) -> Any:
    """Turn a forward on plain arrays into a differentiable operation.

    Positional parameters are inputs (arrays or tensors), keyword-only ones are options.

    Args:
        forward: the function on ndarrays; it returns an array, or a tuple of arrays.
        broadcasts: inputs broadcast against each other, so gradients are summed back centrally.
        view: the result may share its input's memory, so in-place writes go through to it.
        promotes: the inputs that are brought to one dtype first, by PyTorch's rules of promotion.
    """
    if forward is None:
        return lambda f: op(f, broadcasts=broadcasts, view=view, promotes=promotes)
    definition = Op(forward.__name__, forward, broadcasts=broadcasts, view=view, promotes=promotes)
    return _attach(_general(definition), definition)


def _general(definition: Op) -> Callable[..., Any]:
    forward, count, defaults = definition.forward, len(definition.inputs), definition.input_defaults
    variadic, promotes, names = definition.variadic, definition.promotes, set(definition.inputs)

    def call(*inputs: Any, **kwargs: Any) -> Any:
        if len(inputs) != count and variadic is None:
            if names.isdisjoint(kwargs) and len(inputs) < count:
                inputs += defaults[len(inputs) :]
            else:
                inputs = _bind(definition, inputs, kwargs)
        if promotes:
            inputs = _of_one_dtype(inputs, range(len(inputs)) if variadic else promotes)
        arrays = []
        tensors = needed = False
        for x in inputs:
            if isinstance(x, TensorBase):
                tensors = True
                needed = needed or x.needs_grad
                x = x.array
            arrays.append(x)
        if not tensors:
            return forward(*arrays, **kwargs)
        if not (needed and definition.trained and _recording()):
            return _wrap_plain(definition, inputs, kwargs, forward(*arrays, **kwargs))
        if definition.fast_forward is None:
            return record_call(definition, inputs, arrays, kwargs, forward(*arrays, **kwargs))
        out, residuals = definition.fast_forward(*arrays, **kwargs)
        return record_call(definition, inputs, arrays, kwargs, out, residuals)

    return call


def _bind(definition: Op, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """Inputs given by keyword, or left out, put in their places."""
    bound = inspect.signature(definition.forward).bind(*inputs, **kwargs)
    bound.apply_defaults()
    for name in definition.inputs:
        kwargs.pop(name, None)
    return tuple(bound.arguments[name] for name in definition.inputs)


def _of_one_dtype(inputs: tuple[Any, ...], chosen: Iterable[int]) -> tuple[Any, ...]:
    """`inputs` with those at the places `chosen` cast to their common dtype, if tensors are among them."""
    values = [inputs[i] for i in chosen if inputs[i] is not None]
    tensors = [x for x in values if isinstance(x, TensorBase)]
    if not tensors:
        return inputs
    first = tensors[0].array.dtype
    if len(tensors) == len(values) and all(x.array.dtype is first for x in tensors):
        return inputs
    dtype = result_type(*(x.array if isinstance(x, TensorBase) else x for x in values))
    brought = list(inputs)
    for i in chosen:
        if inputs[i] is not None:
            brought[i] = _brought_to(inputs[i], dtype)
    return tuple(brought)


def _wrap_plain(definition: Op, inputs: Any, options: dict[str, Any], out: Any) -> Any:
    if isinstance(out, tuple):
        return tuple(wrap(a) for a in out)
    result = wrap(out)
    if definition.view:
        _note_view(result, definition, inputs, options)
    return result


def wrap(out: Any) -> Any:
    """A tensor without history around an array (or a NumPy scalar)."""
    result: TensorBase = _new(_tensor[0])
    result.array = out if out.__class__ is ndarray else np.asarray(out)
    result.needs_grad = False
    result.node = INFERENCE if record.inference.get() else None
    result.grad = result.view_of = result.hooks = None
    return result


def record_call(
    definition: Op, inputs: Any, arrays: Any, options: dict[str, Any], out: Any, residuals: Any = None
) -> Any:
    """Wrap the result of `definition` and remember how it came about."""
    node = _new(Node)
    node.op, node.seq = definition, next(clock)
    node.hooks = node.outputs = None
    node.shapes = tuple([np.shape(a) for a in arrays]) if definition.broadcasts else None
    targets: list[Any] = []
    for x in inputs:  # `_target`, written out: this is the hot path
        if isinstance(x, TensorBase) and x.needs_grad and x.view_of is None:
            targets.append(x.node or x)
        else:
            targets.append(_target(definition, x))
    if out.__class__ is not ndarray and not isinstance(out, tuple):
        out = np.asarray(out)
    if definition.fast_gather is not None:
        node.args = definition.fast_gather(*arrays, out, residuals=residuals, **options)
    elif definition.joint is not None:
        values = (tuple(arrays),) if definition.variadic else arrays
        node.args = (definition.gather[0](*values, out, **options),)  # type: ignore[misc]
    else:
        args: list[Any] = []
        for i, gather in enumerate(definition.gather):
            if gather is None:
                targets[i] = None  # an input without a rule
            args.append(None if targets[i] is None else gather(*arrays, out, **options))  # type: ignore[misc]
        node.args = args
    node.targets = targets
    if isinstance(out, tuple):
        definition.simple = False
        node.outputs = tuple([(a.shape, a.dtype) for a in out])
        return tuple([output_of(node, i, a) for i, a in enumerate(out)])
    result = _new(_tensor[0])
    result.array, result.node, result.needs_grad = out, node, True
    result.grad = result.view_of = result.hooks = None
    if definition.view:
        _note_view(result, definition, inputs, options)
    return result


def _target(definition: Op, x: Any) -> Any:
    if not isinstance(x, TensorBase):
        return None
    if x.needs_grad:
        return (x.node or x) if x.view_of is None else record.target_of(x)
    if x.node is INFERENCE:
        raise GradientError(
            f"{definition.name}: Inference tensors cannot be saved for backward; this one was made under "
            "inference_mode(). Use .clone() on it outside of that mode, or no_grad() in its place."
        )
    return None


def _note_view(result: TensorBase, definition: Op, inputs: Any, options: dict[str, Any]) -> None:
    """Remember that `result` shares memory with its first input (if it does)."""
    x = inputs[0]
    if not isinstance(x, TensorBase) or record.owner_of(result.array) is not record.owner_of(x.array):
        return
    step = lambda base: definition.function(base, *inputs[1:], **options)  # type: ignore[attr-defined]  # noqa: E731
    if x.view_of is not None:
        result.view_of = View(x.view_of.base, x.view_of.base.node, (*x.view_of.path, step))
    else:
        result.view_of = View(x, x.node, (step,))


# --- several outputs -----------------------------------------------------------------------------------


class Cotangents(tuple[Any, ...]):
    """The gradients of a node with several outputs; None where nothing has arrived yet."""

    def __add__(self, other: Any) -> Cotangents:
        pairs = zip(self, other, strict=True)
        return Cotangents(b if a is None else a if b is None else a + b for a, b in pairs)


def output_of(node: Node, i: int, array: Array) -> TensorBase:
    """The i-th result as a tensor: a node of its own that puts its gradient into the i-th place."""
    result = wrap(array)
    if array.dtype.kind == "f":
        slot = _new(Node)
        slot.op, slot.seq = _SELECT, next(clock)
        slot.hooks = slot.outputs = slot.shapes = None
        slot.targets, slot.args = (node,), [(i, len(node.outputs))]
        result.node, result.needs_grad = slot, True
    return result


def _select(x: Any, *, i: int, n: int) -> Any:
    return x[i]


def _select_vjp(g: Any, i: int, n: int) -> Cotangents:
    return Cotangents(g if k == i else None for k in range(n))


_SELECT = Op("select_output", _select)
_SELECT.add_rule("x", _select_vjp)


# --- elementwise operations, the hot path --------------------------------------------------------------


def elementwise(ufunc: Callable[..., Any], *, name: str | None = None, floats: bool = False, **rules: Rule) -> OpFunction:
    """An elementwise operation of one or two inputs, from a ufunc and a rule per input.

    Args:
        ufunc: the forward on arrays.
        name: the operation's name, by default the ufunc's.
        floats: integer inputs become the default float dtype first (``exp``, ``div``).
        rules: per input, in the order of the ufunc's arguments: the vector-Jacobian product.
    """
    name = name or ufunc.__name__
    if len(rules) == 1:
        (x,) = rules
        definition = Op(name, eval(f"lambda {x}: _f({x})", {"_f": ufunc}))  # noqa: S307 - our own source
        call: Any = _unary(definition, ufunc, floats)
    else:
        x, y = rules
        forward = eval(f"lambda {x}, {y}: _f({x}, {y})", {"_f": ufunc})  # noqa: S307 - our own source
        definition = Op(name, forward, broadcasts=True)
        call = _binary(definition, ufunc, floats)
    for input_name, rule in rules.items():
        definition.add_rule(input_name, rule)
    return _attach(call, definition)


def _unary(definition: Op, ufunc: Callable[..., Any], floats: bool) -> Callable[..., Any]:
    gathers = definition.gather  # filled by add_rule, read at call time

    def call(x: Any) -> Any:
        if not isinstance(x, TensorBase):
            return ufunc(x)
        a = x.array
        if floats and a.dtype.kind != "f":
            a = a.astype(get_default_dtype())
        out = ufunc(a)
        if out.__class__ is not ndarray:
            out = np.asarray(out)
        result = _new(_tensor[0])
        result.array = out
        result.grad = result.view_of = result.hooks = None
        if x.needs_grad and _recording():
            node = result.node = _new(Node)
            node.op = definition
            node.seq = next(clock)
            node.targets = ((x.node or x) if x.view_of is None else record.target_of(x),)
            node.args = (gathers[0](a, out),)  # type: ignore[misc]
            node.hooks = node.outputs = node.shapes = None
            result.needs_grad = True
        else:
            result.needs_grad = False
            result.node = INFERENCE if record.inference.get() else None
        return result

    return call


def _binary(definition: Op, ufunc: Callable[..., Any], floats: bool) -> Callable[..., Any]:
    gathers = definition.gather

    def call(x: Any, y: Any) -> Any:
        x_grad = y_grad = False
        if isinstance(x, TensorBase):
            a, x_grad = x.array, x.needs_grad
            if isinstance(y, TensorBase):
                b, y_grad = y.array, y.needs_grad
                if a.dtype is not b.dtype or (floats and a.dtype.kind != "f"):
                    return _promoted(definition, call, x, y, floats)
            elif type(y) is float and a.dtype.kind == "f":
                b = y
            else:
                return _promoted(definition, call, x, y, floats)
        elif isinstance(y, TensorBase) and type(x) is float and y.array.dtype.kind == "f":
            a, b, y_grad = x, y.array, y.needs_grad
        elif isinstance(y, TensorBase):
            return _promoted(definition, call, x, y, floats)
        else:
            return ufunc(x, y)
        try:
            out = ufunc(a, b)
        except (ValueError, TypeError) as error:
            raise _explained(definition, a, b, error) from None
        if out.__class__ is not ndarray:
            out = np.asarray(out)
        result = _new(_tensor[0])
        result.array = out
        result.grad = result.view_of = result.hooks = None
        if (x_grad or y_grad) and _recording():
            node = result.node = _new(Node)
            node.op = definition
            node.seq = next(clock)
            node.hooks = node.outputs = None
            if x_grad:
                tx = (x.node or x) if x.view_of is None else record.target_of(x)
                kept_x = gathers[0](a, b, out)  # type: ignore[misc]
            else:
                tx, kept_x = _target(definition, x), None
            if y_grad:
                ty = (y.node or y) if y.view_of is None else record.target_of(y)
                kept_y = gathers[1](a, b, out)  # type: ignore[misc]
            else:
                ty, kept_y = _target(definition, y), None
            node.targets = (tx, ty)
            node.args = (kept_x, kept_y)
            node.shapes = None if b.__class__ is float or a.__class__ is float or a.shape == b.shape else (a.shape, b.shape)
            result.needs_grad = True
        else:
            result.needs_grad = False
            result.node = INFERENCE if record.inference.get() else None
        return result

    return call


def _promoted(definition: Op, call: Callable[..., Any], x: Any, y: Any, floats: bool) -> Any:
    """The same call after both operands were brought to the dtype that PyTorch gives the result."""
    for value in (x, y):
        if not isinstance(value, (TensorBase, ndarray, np.generic, bool, int, float)):
            return NotImplemented
    dtype = result_type(*(v.array if isinstance(v, TensorBase) else v for v in (x, y)))
    if floats and dtype.kind != "f":
        dtype = get_default_dtype()
    if dtype.kind == "b" and definition.name in ("subtract", "negative"):
        raise DTypeError(
            f"{definition.name}: Subtraction, the `-` operator, with a bool tensor is not supported; "
            "use logical_xor or the `^` operator."
        )
    return call(_brought_to(x, dtype), _brought_to(y, dtype))


def _brought_to(x: Any, dtype: Any) -> Any:
    """A tensor of that dtype; differentiable, so that the gradient comes back in the dtype of `x`."""
    if isinstance(x, TensorBase):
        return x if x.array.dtype is dtype else cast(x, dtype=dtype)
    if dtype.kind == "f" and isinstance(x, (bool, int, float)) and not isinstance(x, np.generic):
        return float(x)
    return wrap(np.asarray(x, dtype=dtype))


def _explained(definition: Op, a: Any, b: Any, error: Exception) -> Exception:
    if isinstance(error, ValueError):
        return ShapeError(
            f"{definition.name}: shapes {list(np.shape(a))} and {list(np.shape(b))} cannot be broadcast together: "
            "sizes must be equal or 1, counted from the last dimension. Try unsqueeze() or reshape()."
        )
    return DTypeError(f"{definition.name}: not defined for {_dtype_of(a)} and {_dtype_of(b)} ({error})")


def plain(function: Callable[..., Any], *, name: str | None = None) -> OpFunction:
    """An operation without gradient (comparisons, argmax, floor …): tensors in, tensors out, no history."""
    forward = _forward_of(function) if isinstance(function, np.ufunc) else function
    definition = Op(name or function.__name__, forward)

    def call(*inputs: Any, **options: Any) -> Any:
        tensors = False
        arrays = []
        for x in inputs:
            if isinstance(x, TensorBase):
                tensors = True
                x = x.array
            arrays.append(x)
        try:
            out = function(*arrays, **options)
        except ValueError as error:
            if len(arrays) == 2 and isinstance(function, np.ufunc):
                raise _explained(definition, *arrays, error) from None
            raise
        if not tensors:
            return out
        return tuple(wrap(a) for a in out) if isinstance(out, tuple) else wrap(out)

    return _attach(call, definition)


def _forward_of(ufunc: np.ufunc) -> Callable[..., Any]:
    return (lambda x: ufunc(x)) if ufunc.nin == 1 else (lambda x, y: ufunc(x, y))


def _attach(call: Any, definition: Op) -> OpFunction:
    def vjp(*names: str) -> Callable[[Rule], Rule]:
        def add(rule: Rule) -> Rule:
            for name in names:
                definition.add_rule(name, rule)
            return rule

        return add

    def fast_backward(rule: Rule) -> Rule:
        definition.add_fast(rule)
        return rule

    def fast_forward(forward: Callable[..., Any]) -> Callable[..., Any]:
        definition.fast_forward = forward
        return forward

    call.definition, call.vjp, call.fast_backward, call.fast_forward = definition, vjp, fast_backward, fast_forward
    call.__name__ = call.__qualname__ = definition.name
    call.__doc__ = definition.forward.__doc__
    definition.function = call  # type: ignore[attr-defined]
    return call  # type: ignore[no-any-return]


@op
def cast(x, *, dtype):  # type: ignore[no-untyped-def]
    """`x` in another dtype; the gradient comes back in the dtype of `x`."""
    return x.astype(dtype)


@cast.vjp("x")  # type: ignore[untyped-decorator]
def _(g, dtype):  # type: ignore[no-untyped-def]
    return cast(g, dtype=dtype)
