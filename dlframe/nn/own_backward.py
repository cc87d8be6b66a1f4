"""Layers with their own forward and backward, on plain arrays.

Such a layer needs no graph. `forward` takes and returns arrays, and stores the arrays for
`backward` in attributes. `backward` takes dL/d(output), adds to the gradients and returns
dL/d(input), which must not be None if the input requires grad. It is a tuple for several inputs;
of a loss, whose other argument is the target, the one gradient is enough::

    class Linear(nn.Module):
        def __init__(self, in_features, out_features):
            super().__init__()
            self.weight = nn.Parameter(dl.randn(out_features, in_features))

        def forward(self, x):
            self.x = x
            return x @ self.weight.array.T

        def backward(self, grad_output):
            self.weight.accumulate_grad(grad_output.T @ self.x)
            return grad_output @ self.weight.array

It can be used in three ways, and any optimizer trains it:

- in a loop of your own: `y = layer(x)`, …, `dx = layer.backward(dy)`, beside the library's layers,
  which have a `backward` for calls on arrays too (`dlframe.nn.by_hand`);
- in `nn.Sequential`, whose `backward` calls the layers in reverse order;
- called with Tensors, among ordinary layers: the call becomes one node of the graph, and
  `loss.backward()` calls the layer's own `backward`.

Its parts may be layers of either kind: `forward` calls them with arrays, and `backward` calls
their `backward`.

If the method `backward` of a class means something else, set `own_backward = False` in the class.

For `create_graph=True`, a class may have a third method, on tensors: `backward_on_tensors(self,
grad_output, *inputs)`. It returns the gradient of each input and then of each parameter, in the
order of `parameters()`, and what it computes is differentiated like everything else::

        def backward_on_tensors(self, g, x):
            return g @ self.weight, g.T @ x
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from dlframe.autograd import Function, is_grad_enabled, set_grad_enabled
from dlframe.autograd.func.modules import replaced
from dlframe.base import nests
from dlframe.errors import GradientError, ShapeError
from dlframe.nn.locating import locate_backward
from dlframe.nn.parameter import Parameter, advice
from dlframe.ops.batched.examples import recorded_one_by_one, tensors_hold_batch
from dlframe.ops.record import unwrapped
from dlframe.tensor import Tensor, to_array

if TYPE_CHECKING:
    from dlframe.nn.module import Module


def forward_on_arrays(module: Module, *args: Any, **kwargs: Any) -> Any:
    """Call a module that has its own backward: arrays give arrays, Tensors join the graph."""
    if not any(isinstance(value, Tensor) for value in (*args, *kwargs.values())):
        return module.forward(*args, **kwargs)
    for name, value in kwargs.items():
        if isinstance(value, Tensor) and value.requires_grad:
            raise GradientError(
                f"{type(module).__name__}: the keyword argument {name!r} requires grad; its own "
                "backward gives gradients to positional arguments only; pass it by position"
            )
    held = _held(module)
    plain = {name: unwrapped(value) for name, value in kwargs.items()}
    call = _Call(module, plain, held, is_grad_enabled())
    return _function_of(type(module)).apply(call, *args, *[tensor for tensor, _ in held])


def returned_none(name: str, i: int | None = None) -> str:
    """The message for a backward without the gradient that layers before it need."""
    where = "its input" if i is None else f"input {i}, which requires grad"
    return (
        f"{name}.backward returned None for {where}: the layers before it would not learn. End it "
        "with `return` and dL/d(input); where that is 0, return np.zeros_like(the input)"
    )


_TARGETS = ("target", "target_", "targets")  # arguments of losses that have no gradient
_places: WeakKeyDictionary[type, tuple[int, ...]] = WeakKeyDictionary()


def places_of_targets(module: Module) -> tuple[int, ...]:
    """Which positional arguments of the class's forward are targets of a loss."""
    kind = type(module)
    if kind not in _places:
        try:
            names = list(inspect.signature(kind.forward).parameters)[1:]
        except (TypeError, ValueError):
            names = []
        _places[kind] = tuple(i for i, name in enumerate(names) if name in _TARGETS)
    return _places[kind]


# --- one node of the graph ---------------------------------------------------------------------

# A tensor of the module, and the attributes that it is: (owner, name), several if it is shared.
Held = list[tuple[Any, list[tuple[Any, str]]]]


class _Call:
    """What a call needs besides tensors."""

    def __init__(self, module: Any, kwargs: dict[str, Any], held: Held, recorded: bool) -> None:
        self.module, self.kwargs, self.held, self.recorded = module, kwargs, held, recorded
        self.name = type(module).__name__
        self.placed: list[Any] = []  # what forward had in the places of parameters


def _held(module: Module) -> Held:
    """The parameters of the module and its parts, or what `functional_call` put in their places."""
    found: dict[int, tuple[Any, list[tuple[Any, str]]]] = {}
    others = replaced.get()
    for part in module.modules():
        for name, value in vars(part).items():
            if name not in part._buffer_names and (
                isinstance(value, Parameter) or (id(part), name) in others
            ):
                found.setdefault(id(value), (value, []))[1].append((part, name))
    return list(found.values())


@contextmanager
def _placed(
    held: Held, values: tuple[Any, ...], *, as_they_are: bool = False
) -> Iterator[list[Any]]:
    """Put `values` in the places of parameters, and give the tensors that are then there.

    A parameter that is there already stays, without its `.grad` and its hooks, which are for the
    gradient that the graph will give it; any other tensor is wrapped in one, unless it shall be
    there as it is.
    """
    before = [(owner, name, vars(owner)[name]) for _, places in held for owner, name in places]
    grads = []
    placed = []
    try:
        for (_, places), value in zip(held, values, strict=True):
            there = all(vars(owner)[name] is value for owner, name in places)
            if there and isinstance(value, Parameter):
                grads.append((value, value.grad, value.hooks))
                if not as_they_are:
                    value.grad = value.hooks = None
            else:
                value = value if as_they_are or _stands_in(value) else _StandIn(value.array)
                if not as_they_are:
                    value.grad = None
                for owner, name in places:
                    owner.__dict__[name] = value
            placed.append(value)
        yield placed
    finally:
        for owner, name, value in before:
            owner.__dict__[name] = value
        for value, grad, hooks in grads:
            value.grad, value.hooks = grad, hooks


class _StandIn(Parameter):
    """A parameter for the time of one call, instead of a tensor that is none."""


def _stands_in(value: Any) -> bool:
    return isinstance(value, _StandIn)


_functions: WeakKeyDictionary[type[Module], type[_OwnBackward]] = WeakKeyDictionary()


def _function_of(kind: type[Module]) -> type[_OwnBackward]:
    """The Function for modules of a class, under the name of that class."""
    if kind not in _functions:
        _functions[kind] = type(kind.__name__, (_OwnBackward,), {})
    return _functions[kind]


class _OwnBackward(Function):
    """One call of such a module, as a node of the graph."""

    hidden = 1  # `explain` does not show the first argument

    @staticmethod
    def forward(ctx: Any, call: _Call, *tensors: Any) -> Any:
        count = len(tensors) - len(call.held)
        args, values = tensors[:count], tensors[count:]
        arrays = [unwrapped(x) for x in args]
        # parts of the library's note what their backward needs only where gradients are wanted
        recorded = call.recorded and any(ctx.needs_input_grad)
        with _placed(call.held, values) as call.placed, set_grad_enabled(recorded):
            output = call.module.forward(*arrays, **call.kwargs)
        outputs = output if isinstance(output, tuple) else (output,)
        outputs = tuple(Tensor(_apart(to_array(part), arrays)) for part in outputs)
        ctx.call, ctx.kept = call, kept_by(call.module)
        keep_calls(ctx.kept)
        ctx.shapes = [x.shape if isinstance(x, Tensor) else None for x in args]
        ctx.only = _only_place(call.module, args)
        ctx.count, ctx.differentiable = count, hasattr(call.module, "backward_on_tensors")
        # a write to what backward will use is an error: weights, and the arrays kept from forward
        kept = [
            x for _, plain in ctx.kept for x in nests.leaves(plain) if isinstance(x, np.ndarray)
        ]
        given = [x if _is_used(x, kept) or ctx.differentiable else None for x in args]
        ctx.save_for_backward(*given, *values, *[y for y in outputs if _is_used(y, kept)])
        return outputs if isinstance(output, tuple) else outputs[0]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        try:
            return _gradients(ctx, gradients)
        except Exception as error:
            locate_backward(error, ctx.call.module)
            raise


def _gradients(ctx: Any, gradients: tuple[Tensor, ...]) -> Any:
    """The gradients of the call, its inputs and its parameters, by the module's own backward."""
    call: _Call = ctx.call
    try:
        saved = ctx.saved_tensors
    except GradientError as error:
        error.add_note(f"It is an input, an output or a parameter of {call.name}.")
        raise
    end = ctx.count + len(call.held)
    args, values = saved[: ctx.count], saved[ctx.count : end]
    if tensors_hold_batch(gradients) and not ctx.differentiable:
        return recorded_one_by_one(partial(_OwnBackward.backward, ctx), gradients)
    if is_grad_enabled() or tensors_hold_batch(gradients):
        return None, *_on_tensors(call, gradients, args, values, ctx.shapes)
    current = put_back(ctx.kept)
    try:
        # The layer adds to .grad by itself. Here the engine must do it, so that autograd.grad()
        # and hooks get these gradients too: the layer gets an empty .grad for the moment.
        with _placed(call.held, tuple(call.placed)) as parameters:
            grad_input = call.module.backward(*(g.array for g in gradients))
            grads = [parameter.grad for parameter in parameters]
    finally:
        put_back(current)
    if grad_input is None:
        grad_input = (None,) * ctx.count
    if ctx.only is not None and not isinstance(grad_input, tuple):  # a loss, and its labels
        inputs: tuple[Any, ...] = (None,) * ctx.count
        inputs = (*inputs[: ctx.only], grad_input, *inputs[ctx.only + 1 :])
    else:
        inputs = grad_input if isinstance(grad_input, tuple) else (grad_input,)
    if len(inputs) != ctx.count:
        raise GradientError(
            f"{call.name}.backward returned {_counted(len(inputs), 'gradient')}, but its forward "
            f"took {_counted(ctx.count, 'argument')}; return one for each, or None"
        )
    found = [_as_tensor(call.name, i, g) for i, g in enumerate(inputs)]
    for i, g in enumerate(found):
        if g is None and ctx.needs_input_grad[i + 1]:
            raise GradientError(returned_none(call.name, i))
    _check_shapes(call.name, found, ctx.shapes)
    return None, *found, *grads


def _as_tensor(name: str, i: int, g: Any) -> Tensor | None:
    """One gradient that the layer returned, as a tensor."""
    if g is None or isinstance(g, Tensor):
        return g
    array = np.asarray(g) if isinstance(g, (np.ndarray, np.generic, int, float)) else None
    if array is None or array.dtype.kind not in "fiub":
        what = f"an array of {array.dtype}" if array is not None else f"a {type(g).__name__}"
        raise GradientError(
            f"{name}.backward returned {what} for input {i}; return an array of numbers, and a "
            "tuple of them for several inputs"
        )
    return Tensor(array)


def _on_tensors(call: _Call, gradients: Any, args: Any, values: Any, shapes: list[Any]) -> Any:
    """The gradients by the module's rule on tensors, which are differentiated in their turn."""
    rule = getattr(call.module, "backward_on_tensors", None)
    if rule is None:  # not once_differentiable, with which some second derivatives are 0
        raise GradientError(
            f"{call.name} has its own backward on plain arrays, which cannot be differentiated "
            "again: leave out create_graph=True, use operations only, or add a method "
            "backward_on_tensors(self, grad_output, *inputs), which returns the gradient of each "
            "input and then of each parameter"
        )
    with _placed(call.held, values, as_they_are=True):
        found = rule(*gradients, *args)
    found = found if isinstance(found, tuple) else (found,)
    if len(found) != len(args) + len(values):
        raise GradientError(
            f"{call.name}.backward_on_tensors returned {len(found)} gradients; it has to return "
            f"one (or None) for each of {len(args)} inputs and {len(values)} parameters"
        )
    _check_shapes(call.name, found[: len(args)], shapes, "backward_on_tensors")
    return found


def _only_place(module: Module, args: tuple[Any, ...]) -> int | None:
    """The argument that has a gradient, if the others are targets, integers or no tensors."""
    targets = places_of_targets(module) if len(args) > 1 else ()
    places = [
        i
        for i, x in enumerate(args)
        if isinstance(x, Tensor) and x.array.dtype.kind == "f" and i not in targets
    ]
    return places[0] if len(places) == 1 else None


def _apart(output: Any, inputs: list[Any]) -> Any:
    """`output`, in memory of its own."""
    arrays = [x for x in inputs if isinstance(x, np.ndarray)]
    shared = isinstance(output, np.ndarray) and any(np.may_share_memory(output, x) for x in arrays)
    return output.copy() if shared else output


def _is_used(x: Any, kept: list[Any]) -> bool:
    array = unwrapped(x)
    return isinstance(array, np.ndarray) and any(np.may_share_memory(array, k) for k in kept)


def _check_shapes(name: str, gradients: Any, shapes: list[Any], method: str = "backward") -> None:
    """A gradient in its input's shape; the graph may sum over axes that the layer added."""
    for i, (g, shape) in enumerate(zip(gradients, shapes, strict=True)):
        if g is None or shape is None or _sums_to(g.shape, shape):
            continue
        raise ShapeError(
            f"{name}.{method} returned a gradient of shape {tuple(g.shape)} for input {i}, whose "
            f"shape is {tuple(shape)}; {advice(tuple(g.shape), tuple(shape), 'input')}"
        )


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" + ("" if n == 1 else "s")


def _sums_to(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, wanted) == tuple(shape)
    except ValueError:
        return False


Kept = list[tuple["Module", dict[str, Any]]]


def kept_by(module: Module) -> Kept:
    """The plain attributes of the module and its parts, in which forward stores its arrays."""
    kept: Kept = []
    for part in module.modules():
        plain = {name: v for name, v in part.__dict__.items() if part._slot(name) is None}
        plain.pop("training", None)
        kept.append((part, plain))
    return kept


def keep_calls(kept: Kept) -> None:
    """Let the calls of parts that are among `kept` have several backward passes."""
    for _, plain in kept:
        if plain.get("_last_call") is not None:
            plain["_last_call"].keep()


def put_back(kept: Kept) -> Kept:
    """Set the attributes to `kept`, and return their old values, to restore them later.

    A module may be called several times before the first backward, as in a recurrent network;
    each backward needs the arrays of its own forward.
    """
    replaced: Kept = []
    for part, attributes in kept:
        now = part.__dict__
        changed = {k: v for k, v in attributes.items() if k in now and now[k] is not v}
        replaced.append((part, {k: now[k] for k in changed}))
        now.update(changed)
    return replaced
