"""Backward hooks of modules: a node before and one after the module, which call the hooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from dlframe.autograd import Function, is_grad_enabled
from dlframe.tensor import Tensor

if TYPE_CHECKING:
    from dlframe.nn.module import Module

Gradients = tuple[Tensor | None, ...]
Look = Callable[[Gradients], Gradients]


class _Watch(Function):
    """The identity; its backward calls `look` with the gradients and returns its result."""

    passes_gradients = True

    @staticmethod
    def forward(ctx: Any, look: Look, zeros: bool, *tensors: Tensor) -> Any:
        ctx.look = look
        ctx.set_materialize_grads(zeros)
        ctx.mark_non_differentiable(*[t for t in tensors if not t.requires_grad])
        return tensors

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        return None, None, *ctx.look(gradients)


class BackwardHooks:
    """One call of a module, with a node at its inputs and one at its outputs.

    The gradients reach the outputs' node first: there the pre-hooks see `grad_output`. When they
    have passed through the module to the inputs' node, the hooks see `grad_input` as well.
    """

    def __init__(self, module: Module, pre_hooks: Sequence[Any], hooks: Sequence[Any]) -> None:
        self.module, self.pre_hooks, self.hooks = module, pre_hooks, hooks
        self.grad_output: Gradients | None = None
        self.input_count = self.output_count = 0
        # which arguments and outputs are watched; none if none of them needs a gradient
        self.input_places: list[int] = []
        self.output_places: list[int] = []

    def watch_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, with their tensors passed through a node."""
        self.input_count = len(args)
        watched, self.input_places = _watch(args, self._at_inputs, zeros=True)
        return watched

    def watch_outputs(self, result: Any) -> Any:
        """The module's result, with its tensors passed through a node."""
        outputs = result if isinstance(result, tuple) else (result,)
        self.output_count = len(outputs)
        watched, self.output_places = _watch(outputs, self._at_outputs, zeros=False)
        return watched if isinstance(result, tuple) else watched[0]

    def _at_outputs(self, gradients: Gradients) -> Gradients:
        grad_output = _spread(gradients, self.output_places, self.output_count)
        for hook in self.pre_hooks:
            replaced = hook.function(self.module, grad_output)
            grad_output = _checked(replaced, grad_output, "pre hook", "grad_output")
        self.grad_output = grad_output
        if not self.input_places:
            # no gradient will arrive at the inputs, so the hooks run now
            self._run_hooks((None,) * self.input_count)
        return tuple(grad_output[place] for place in self.output_places)

    def _at_inputs(self, gradients: Gradients) -> Gradients:
        grad_input = _spread(gradients, self.input_places, self.input_count)
        if self.grad_output is not None:  # None: the gradient came by another way than the outputs
            grad_input = self._run_hooks(grad_input)
        return tuple(grad_input[place] for place in self.input_places)

    def _run_hooks(self, grad_input: Gradients) -> Gradients:
        for hook in self.hooks:
            replaced = hook.function(self.module, grad_input, self.grad_output)
            grad_input = _checked(replaced, grad_input, "hook", "grad_input")
        self.grad_output = None
        return grad_input


def _watch(values: tuple[Any, ...], look: Look, zeros: bool) -> tuple[tuple[Any, ...], list[int]]:
    """`values` with their tensors passed through a node that calls `look`, and their places.

    For tensors that got no gradient, `look` gets zeros (with `zeros`) or None.
    """
    places = [place for place, value in enumerate(values) if isinstance(value, Tensor)]
    tensors = [values[place] for place in places]
    if not (is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)):
        return values, []
    replaced = list(values)
    for place, tensor in zip(places, _Watch.apply(look, zeros, *tensors), strict=True):
        replaced[place] = tensor
    return tuple(replaced), places


def _spread(gradients: Gradients, places: list[int], count: int) -> Gradients:
    """The gradients at their places among `count` values; None for values that are not tensors."""
    found = dict(zip(places, gradients, strict=True))
    return tuple(found.get(place) for place in range(count))


def _checked(replaced: Any, current: Gradients, kind: str, what: str) -> Gradients:
    """What a hook returned, as a tuple; `current` if it returned None."""
    if replaced is None:
        return current
    new = (replaced,) if isinstance(replaced, Tensor) else tuple(replaced)
    if len(new) != len(current):
        raise RuntimeError(
            f"Backward {kind} returned an invalid number of {what}, got {len(new)}, "
            f"but expected {len(current)}"
        )
    return new
