"""The arguments and results of `autograd.functional`, and the errors of strict mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlframe.autograd.func.variables import gradients_of, zeros_of
from dlframe.errors import GradientError, ShapeError
from dlframe.ops.calling import wrap
from dlframe.ops.record import TensorBase, target_of

INDEPENDENT = "This is not allowed in strict mode."

# --- inputs and outputs ------------------------------------------------------------------------

NEEDS_V_OUTPUT = (
    "The vector v can only be None if the user-provided function returns a single Tensor with a "
    "single element."
)
NEEDS_V_INPUT = (
    "The vector v can only be None if the input to the user-provided function is a single Tensor "
    "with a single element."
)


def as_tuple(value: Any, what: str, by: str) -> tuple[tuple[Any, ...], bool]:
    """`value` as a tuple, and whether it was a single tensor."""
    one = not isinstance(value, tuple)
    values = (value,) if one else value
    for i, x in enumerate(values):
        if not isinstance(x, TensorBase):
            where = f"given {what} has type" if one else f"value at index {i} has type"
            raise TypeError(
                f"The {what} given to {by} must be either a Tensor or a tuple of Tensors but the "
                f"{where} {type(x)}."
            )
    return values, one


def outputs_of(out: Any, by: str, strict: bool) -> tuple[tuple[Any, ...], bool]:
    """The function's result as a tuple, and whether it was a single tensor."""
    outputs, one = as_tuple(out, "outputs of the user-provided function", by)
    check_recorded(outputs, "outputs", strict)
    return outputs, one


def variables_of(inputs: Any, by: str, create_graph: bool) -> tuple[tuple[Any, ...], bool]:
    """New tensors for the inputs to differentiate, linked to the old ones if wanted."""
    xs, one = as_tuple(inputs, "inputs", by)
    return tuple([_own(x, create_graph, True) for x in xs]), one


def _own(x: Any, create_graph: bool, needs_grad: bool) -> Any:
    if create_graph and x.needs_grad:
        return x.view_as(x)
    new = x.detach()
    return new.requires_grad_(needs_grad)


def vector_like(
    v: Any, like: Sequence[Any], create_graph: bool, missing: str, by: str
) -> tuple[Any, ...]:
    """The vector `v` as a tuple like `like`; a one if it is left out for a single number."""
    if v is None:
        if len(like) != 1 or like[0].array.size != 1:
            raise GradientError(missing)
        return (wrap(np.ones_like(like[0].array)),)
    vs, _ = as_tuple(v, "v", by)
    if len(vs) != len(like):
        if len(like) == 1:
            raise GradientError("The given v should contain a single Tensor.")
        raise GradientError(
            f"v is a tuple of invalid length: should be {len(like)} but got {len(vs)}."
        )
    for i, (u, x) in enumerate(zip(vs, like, strict=True)):
        if u.array.shape != x.array.shape:
            prepend = f"Entry {i} in " if len(like) > 1 else ""
            raise ShapeError(
                f"{prepend}v has invalid size: should be {list(x.array.shape)} but got "
                f"{list(u.array.shape)}."
            )
    return tuple([_own(u, create_graph, False) for u in vs])


def one_number(out: Any, by: str, strict: bool) -> Any:
    """The tensor of one element that the function must have returned."""
    outputs, one = outputs_of(out, by, strict)
    if not one:
        raise GradientError(f"The function given to {by} should return a single Tensor")
    if outputs[0].array.size != 1:
        raise ShapeError(
            f"The Tensor returned by the function given to {by} should contain a single element"
        )
    return outputs[0]


def variable_zeros(like: Sequence[Any]) -> tuple[Any, ...]:
    """Zeros that require grad, for the two passes of forward mode."""
    return tuple([zeros_of(x).requires_grad_() for x in like])


def gradients(
    outputs: Sequence[Any],
    inputs: Sequence[Any],
    starts: Sequence[Any],
    create_graph: bool = False,
    retain_graph: bool | None = None,
) -> tuple[Any, ...]:
    """The gradients with respect to `inputs`, or None; outputs without a graph are ignored."""
    found = gradients_of(
        outputs,
        [target_of(x) for x in inputs],
        starts,
        create_graph=create_graph,
        retain_graph=create_graph if retain_graph is None else retain_graph,
    )
    return tuple(found)


# --- strict mode -------------------------------------------------------------------------------

_NO_GRADIENT = {
    "back": f"The output of the user-provided function is independent of input {{i}}. "
    f"{INDEPENDENT}",
    "back_trick": "The gradient with respect to the input is independent of entry {i} in the "
    "grad_outputs when using the double backward trick to compute forward mode gradients. "
    f"{INDEPENDENT}",
    "double_back": "The jacobian of the user-provided function is independent of input {i}. "
    f"{INDEPENDENT}",
    "double_back_trick": "The hessian of the user-provided function is independent of entry {i} in "
    "the grad_jacobian. This is not allowed in strict mode as it prevents from using the double "
    "backward trick to replace forward mode AD.",
}

_NOT_RECORDED = {
    "hessian": "The hessian of the user-provided function with respect to input {i} is independent "
    "of the input. This is not allowed in strict mode. You should ensure that your function is "
    "thrice differentiable and that the hessian depends on the inputs.",
    "jacobian": "While computing the hessian, found that the jacobian of the user-provided "
    "function with respect to input {i} is independent of the input. This is not allowed in strict "
    "mode. You should ensure that your function is twice differentiable and that the jacobian "
    "depends on the inputs (this would be violated by a linear function for example).",
    "grad_inputs": "The gradient with respect to input {i} is independent of the inputs of the "
    f"user-provided function. {INDEPENDENT}",
    "outputs": "Output {i} of the user-provided function does not require gradients. The outputs "
    "must be computed in a differentiable manner from the input when running in strict mode.",
}


def check_recorded(tensors: Sequence[Any], kind: str, strict: bool) -> None:
    """In strict mode, raise unless all values depend on the inputs; `kind` names the values."""
    for i, x in enumerate(tensors if strict else ()):
        if x is None:
            raise GradientError(
                f"The output of the user-provided function is independent of input {i}. "
                f"{INDEPENDENT}"
            )
        if not x.needs_grad:
            raise GradientError(_NOT_RECORDED[kind].format(i=i))


def filled(
    grads: Sequence[Any], like: Sequence[Any], strict: bool, create_graph: bool, stage: str
) -> tuple[Any, ...]:
    """Zeros for missing gradients; in strict mode an error."""
    filled = []
    for i, (g, x) in enumerate(zip(grads, like, strict=True)):
        if g is None and strict:
            raise GradientError(_NO_GRADIENT[stage].format(i=i))
        if g is not None and strict and create_graph and not g.needs_grad:
            what = "hessian" if "double" in stage else "jacobian"
            raise GradientError(
                f"The {what} of the user-provided function is independent of input {i}. This is "
                "not allowed in strict mode when create_graph=True."
            )
        filled.append(zeros_of(x) if g is None else g)
    return tuple(filled)


# --- results -----------------------------------------------------------------------------------


def released(tensors: Sequence[Any], create_graph: bool) -> tuple[Any, ...]:
    """The results, without their graph unless it is wanted."""
    return tuple(tensors) if create_graph else tuple([x.detach() for x in tensors])


def result_of(tensors: Sequence[Any], one: bool, create_graph: bool) -> Any:
    """The results as a tuple or a single tensor, as the inputs or outputs were."""
    results = released(tensors, create_graph)
    return results[0] if one else results


def nested(blocks: Sequence[Any], one_output: bool, one_input: bool) -> Any:
    """The blocks for each output and input, without a tuple around a single one."""
    by_output = tuple([block[0] if one_input else block for block in blocks])
    return by_output[0] if one_output else by_output


__all__ = [
    "INDEPENDENT",
    "NEEDS_V_INPUT",
    "NEEDS_V_OUTPUT",
    "as_tuple",
    "check_recorded",
    "filled",
    "gradients",
    "nested",
    "one_number",
    "outputs_of",
    "released",
    "result_of",
    "variable_zeros",
    "variables_of",
    "vector_like",
]
