"""The check that every layer has to pass."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from dlframe.func import functional_call
from dlframe.nn import Module
from dlframe.nn.parameter import is_lazy
from dlframe.tensor import Tensor, to_array
from dlframe.testing.by_hand import check_by_hand
from dlframe.testing.claims import (
    Results,
    backward,
    check_factory,
    claim,
    fresh,
    inputs_of_one_call,
    is_float,
    require,
    require_alike,
    require_same,
    require_shape,
    results_of,
    seeded,
    tensors_in,
    unchanged,
)
from dlframe.testing.gradients import check_first_order, run, varied
from dlframe.testing.op import Case, check_gradients, check_layouts, require_dtype


def check_layer(
    make: Callable[[], Module],
    inputs: Sequence[Any],
    *,
    order: int = 2,
    surrogate: bool = False,
    empty_batch: bool = True,
    unused: Sequence[str] = (),
    atol: float = 1e-5,
    rtol: float = 1e-3,
    seed: int = 0,
) -> None:
    """Check a layer: any Module that turns tensors into tensors.

    The same seed gives the same parameters and outputs; evaluation is deterministic and changes no
    buffer; `train` and `eval` reach all parts; gradients, of inputs and parameters, agree with
    central differences in training and in evaluation; float32 stays float32 and agrees with
    float64, which `double()` makes of it; inputs are not written to, may lie in memory in any way,
    and may be read-only; an empty batch gives an empty batch; `state_dict` holds all that the
    outputs depend on; printing and copying work.

    A layer with its own backward gives the same by hand, on arrays: it writes neither to its inputs
    nor to the gradient that it is given, adds to the gradients of its parameters, and each backward
    belongs to the last call. What a wrong gradient probably means, the message says.

    Args:
        make: a new layer, in training mode; random initial values come from dlframe's generator.
        inputs: of one call, a small batch; floats among them are cast to the dtype being checked.
            A tensor or an array is the only input.
        order: how often it can be differentiated; once, if it has its own backward on arrays.
        surrogate: whether the gradient is not that of the values, on purpose; then it is not
            compared with central differences.
        empty_batch: whether the first dimension of inputs and outputs is the batch.
        unused: names of parameters that do not take part in this call.
        atol, rtol: the tolerance of the comparison with central differences.
        seed: of parameters, dropped elements and random gradients.

    Raises:
        ConformanceError: with the first rule that does not hold.
        TypeError: `make` is a layer, and no function that makes one.

    >>> from dlframe import testing
    >>> testing.check_layer(lambda: nn.Linear(3, 2), [dl.randn(4, 3)])
    >>> class Double(nn.Module):
    ...     def forward(self, x):
    ...         x *= 2
    ...         return x
    >>> testing.check_layer(Double, [dl.ones(4, 3)])
    Traceback (most recent call last):
    dlframe.testing.claims.ConformanceError: Double leaves its inputs as they are: input 0 was ...
    """
    check_factory("check_layer", make, Module)
    inputs = inputs_of_one_call(inputs)
    with claim("the factory", "makes a Module"):
        layer = seeded(seed, make)
        require(isinstance(layer, Module), f"it made {type(layer).__name__}")
    name = type(layer).__name__
    if any(map(is_lazy, (*layer.parameters(), *layer.buffers()))):
        make = partial(_called_once, make, inputs)  # what is checked is what it becomes
    make_again = partial(seeded, seed, make)
    with claim(name, "is made in training mode"):
        require(layer.training, "layer.training is False")
    _check_printing(name, layer)
    _check_modes(name, layer)
    _check_repeatable(name, make_again, inputs, seed)
    _check_inputs(name, make_again, inputs, seed)
    _check_dtypes(name, make_again, inputs, seed)
    _check_parameters_get_gradients(name, make_again(), inputs, set(unused), seed)
    _check_state(name, make, inputs, seed)
    if empty_batch:
        _check_empty_batch(name, make_again(), inputs)
    own = [part for part in layer.modules() if part.own_backward]
    if not all(hasattr(part, "backward_on_tensors") for part in own):
        order = min(order, 1)
    for training in (True, False):
        mode = name if training else f"{name}, in evaluation,"
        double = varied(make_again().double(), seed)
        if not training:
            run(double, fresh(inputs, np.float64), seed)  # running statistics that are not 0 and 1
            double.eval()
        call = partial(_of_copy, double)
        check_layouts(Case(mode, call, inputs, min(order, 1), seed=seed))
        if not surrogate:
            right = not training  # for otherwise it would not have come here
            check_first_order(mode, double, inputs, seed, atol, rtol, right_in_training=right)
        if own:
            check_by_hand(mode, double, inputs, seed)
        if order > 1 and not surrogate:
            _check_all_orders(mode, double, inputs, order, atol, rtol, seed)


def _called_once(make: Callable[[], Module], inputs: Sequence[Any]) -> Module:
    """A lazy layer after the call that gives it its sizes."""
    layer = make()
    layer(*fresh(inputs))
    return layer


def arrays_by_name(what: str, tensors: Mapping[Any, Tensor | None]) -> Results:
    """The values of the tensors that are not None, by their names in messages."""
    return {f"{what} {key}": to_array(t) for key, t in tensors.items() if t is not None}


def _of_copy(layer: Module, *args: Any) -> list[Tensor]:
    """The output tensors; the layer's buffers stay as they are."""
    return tensors_in(copy.deepcopy(layer)(*args))


def _check_printing(name: str, layer: Module) -> None:
    with claim(name, "prints under its name"):
        require(name in repr(layer), f"repr is {layer!r}")


def _check_modes(name: str, layer: Module) -> None:
    for mode in (False, True):
        with claim(name, f"passes train({mode}) on to its parts, and returns itself"):
            require(layer.train(mode) is layer, "train() returned something else")
            wrong = [part for part in layer.modules() if part.training is not mode]
            require(not wrong, f"{wrong} did not hear of it")


def _check_repeatable(
    name: str, make: Callable[[], Module], inputs: Sequence[Any], seed: int
) -> None:
    with claim(name, "has the same initial values from the same seed"):
        first, second = make().state_dict(), make().state_dict()
        require(list(first) == list(second), f"names {list(first)} and {list(second)}")
        for key, value in first.items():
            require_same(second[key], value, key)
    with claim(name, "has the same outputs from the same seed"):
        pairs = zip(run(make(), fresh(inputs), seed), run(make(), fresh(inputs), seed), strict=True)
        for i, (a, b) in enumerate(pairs):
            require_same(b, a, f"output {i}")
    layer = make().eval()
    with claim(name, "draws no random numbers in evaluation"):
        pairs = zip(run(layer, fresh(inputs), 1), run(layer, fresh(inputs), 2), strict=True)
        for i, (a, b) in enumerate(pairs):
            require_same(b, a, f"output {i}")
    state = [*layer.parameters(), *layer.buffers()]
    with (
        claim(name, "changes neither parameters nor buffers in evaluation"),
        unchanged(state, "parameter or buffer"),
    ):
        run(layer, fresh(inputs), seed)
    with claim(name, "can be copied with copy.deepcopy"):
        pairs = zip(run(copy.deepcopy(layer), fresh(inputs), seed), run(layer, fresh(inputs), seed))
        for i, (a, b) in enumerate(pairs):
            require_same(a, b, f"output {i} of the copy")


def _check_inputs(name: str, make: Callable[[], Module], inputs: Sequence[Any], seed: int) -> None:
    with claim(name, "leaves its inputs as they are"):
        args = fresh(inputs)
        with unchanged(args, "input"):
            run(make(), args, seed)
    with claim(name, "can be differentiated"):
        backward(run(make(), fresh(inputs, requires_grad=True), seed))
    with claim(name, "leaves its inputs and parameters as they are, in backward too"):
        layer, args = make(), fresh(inputs, requires_grad=True)
        with unchanged([*args, *layer.parameters()], "input or parameter"):
            backward(run(layer, args, seed))


def _check_dtypes(name: str, make: Callable[[], Module], inputs: Sequence[Any], seed: int) -> None:
    for dtype, cast in (("float32", Module.float), ("float64", Module.double)):
        with claim(name, f"computes in {dtype} when it and its inputs are {dtype}"):
            layer, args = cast(make()), fresh(inputs, dtype, requires_grad=True)
            parameters = dict(layer.named_parameters())
            require_dtype(arrays_by_name("parameter", parameters), dtype)
            outputs = run(layer, args, seed)
            require_dtype(results_of(outputs), dtype)
            backward(outputs)
            by_input = {i: x.grad for i, x in enumerate(args) if is_float(x)}
            require_dtype(arrays_by_name("the gradient of input", by_input), dtype)
            by_parameter = {key: p.grad for key, p in parameters.items()}
            require_dtype(arrays_by_name("the gradient of parameter", by_parameter), dtype)
            buffers = dict(layer.named_buffers())
            require_dtype(arrays_by_name("after the call, buffer", buffers), dtype)
    with claim(name, "gives in float32 nearly what it gives in float64"):
        narrow = run(make().float().eval(), fresh(inputs, np.float32), seed)
        wide = run(make().double().eval(), fresh(inputs, np.float64), seed)
        got, wanted = results_of(narrow), results_of(wide)
        require_alike(got, wanted, rtol=1e-3, atol=1e-4, dtypes=False)


def _check_parameters_get_gradients(
    name: str, layer: Module, inputs: Sequence[Any], unused: set[str], seed: int
) -> None:
    with claim(name, "gives every parameter a gradient of its shape"):
        backward(run(layer, fresh(inputs, requires_grad=True), seed))
        for key, p in layer.named_parameters():
            if p.requires_grad and key not in unused:
                require(
                    p.grad is not None, f"{key} got none (if that is right, name it in unused=)"
                )
                require_shape(p.grad, p.shape, f"the gradient of {key}")


def _check_state(name: str, make: Callable[[], Module], inputs: Sequence[Any], seed: int) -> None:
    trained, other = seeded(seed, make), seeded(seed + 1, make)
    run(trained, fresh(inputs), seed)  # so that buffers have changed
    with claim(name, "takes back its state_dict, also as plain arrays"):
        state = {key: to_array(value).copy() for key, value in trained.state_dict().items()}
        other.load_state_dict(state)
        for key, value in other.state_dict().items():
            require_same(value, state[key], key)
    with claim(name, "keeps in state_dict all that its outputs depend on"):
        wanted, got = (run(m.eval(), fresh(inputs), seed) for m in (trained, other))
        for i, (a, b) in enumerate(zip(got, wanted, strict=True)):
            require_same(a, b, f"output {i} of another layer with the same state")


def _check_empty_batch(name: str, layer: Module, inputs: Sequence[Any]) -> None:
    with claim(name, "gives no outputs for no samples (empty_batch=False if that cannot be)"):
        none = [x[:0] if isinstance(x, Tensor) and x.ndim else x for x in fresh(inputs)]
        for i, out in enumerate(run(layer.eval(), none, 0)):
            require(out.ndim and out.shape[0] == 0, f"output {i} has shape {out.shape}")


# --- gradients ---------------------------------------------------------------------------------


def _check_all_orders(
    name: str,
    layer: Module,
    inputs: Sequence[Any],
    order: int,
    atol: float,
    rtol: float,
    seed: int,
) -> None:
    """`gradgradcheck` with inputs and parameters alike as arguments of a function."""
    names = [key for key, _ in layer.named_parameters()]
    args = [*inputs, *(p.array for p in layer.parameters())]

    def call(*values: Any) -> Any:
        given = dict(zip(names, values[len(inputs) :], strict=True))
        model = copy.deepcopy(layer)
        return tuple(run(partial(functional_call, model, given), [values[: len(inputs)]], seed))

    check_gradients(Case(name, call, args, order, seed=seed), atol=atol, rtol=rtol)
