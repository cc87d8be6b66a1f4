"""Recurrent networks as functions: all layers and directions, or one step of a cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from dlframe import ops
from dlframe.errors import ArgumentError, ShapeError
from dlframe.nn.functional.checks import same_dtype
from dlframe.nn.functional.dropout import dropout as drop
from dlframe.tensor import Tensor, to_array

__all__ = [
    "gru",
    "gru_cell",
    "lstm",
    "lstm_cell",
    "rnn_relu",
    "rnn_relu_cell",
    "rnn_tanh",
    "rnn_tanh_cell",
]

Layer = Callable[..., tuple[Tensor, ...]]

_REST = ("params", "has_biases", "num_layers", "dropout", "train", "bidirectional")
_PADDED = ("input", "hx", *_REST, "batch_first")
_PACKED = ("data", "batch_sizes", "hx", *_REST)
RELU: Layer = partial(ops.rnn_layer, relu=True)

# Blocks of rows in the weights, one per gate.
_GATES = {"rnn_tanh": 1, "rnn_relu": 1, "lstm": 4, "gru": 3}


# --- all layers --------------------------------------------------------------------------------


def rnn_tanh(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """hₜ = tanh(W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh), for all steps and layers.

    `nn.RNN` checks more, and documents it. There are two ways to call it:

    - `rnn_tanh(input, hx, params, has_biases, num_layers, dropout, train, bidirectional,
      batch_first)` with input (L, N, features), or (N, L, features) if `batch_first`;
    - `rnn_tanh(data, batch_sizes, hx, params, has_biases, num_layers, dropout, train,
      bidirectional)` with the data and batch_sizes of a `PackedSequence`.

    `params` lists w_ih, w_hh, b_ih and b_hh (without `has_biases` only the first two) for each
    layer and direction.

    Returns:
        The outputs of the last layer, and the last state of each layer and direction.

    >>> import dlframe as dl
    >>> weights = [dl.ones(3, 2), dl.zeros(3, 3)]
    >>> h0 = dl.zeros(1, 1, 3)
    >>> out, h = dl.rnn_tanh(dl.ones(4, 1, 2), h0, weights, False, 1, 0.0, False, False, False)
    >>> out.shape, h.shape
    ((4, 1, 3), (1, 1, 3))
    """
    return _recurrent("rnn_tanh", ops.rnn_layer, args, kwargs)  # type: ignore[return-value] # two results


def rnn_relu(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """hₜ = max(0, W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh); called as `rnn_tanh`."""
    return _recurrent("rnn_relu", RELU, args, kwargs)  # type: ignore[return-value] # two results


def lstm(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Long short-term memory; called as `rnn_tanh`, with hx = (h, c).

    `nn.LSTM` has the formula. With a projection, `params` has w_hr after the biases.

    Returns:
        The outputs of the last layer, and the last h and c of each layer and direction.
    """
    return _recurrent("lstm", ops.lstm_layer, args, kwargs)  # type: ignore[return-value] # three results


def gru(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """Gated recurrent units; called as `rnn_tanh`. `nn.GRU` has the formula."""
    return _recurrent("gru", ops.gru_layer, args, kwargs)  # type: ignore[return-value] # two results


def _recurrent(
    name: str, layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Tensor, ...]:
    packed = (
        "batch_sizes" in kwargs
        or "data" in kwargs
        or (len(args) > 2 and isinstance(args[2], Tensor))
        or (len(args) > 1 and name == "lstm" and isinstance(args[1], Tensor))
    )
    given = _named(name, _PACKED if packed else _PADDED, args, kwargs)
    state = given["hx"] if name == "lstm" else (given["hx"],)
    if len(state) != 1 + (name == "lstm"):
        raise ArgumentError(f"{name} expects two hidden states: hx = (h, c), got {len(state)}")
    layers = [layer, given["params"], given["has_biases"], given["num_layers"]]
    rest = [given["dropout"] if given["train"] else 0.0, given["bidirectional"]]
    if packed:
        sizes = tuple(to_array(given["batch_sizes"]).tolist())
        return run_layers(name, given["data"], state, sizes, *layers, *rest)
    x = given["input"]
    if len(x.shape) != 3:
        raise ShapeError(f"{name}: input must have 3 dimensions, got {list(x.shape)}")
    if not given["batch_first"]:
        return run_layers(name, x, state, None, *layers, *rest)
    x = ops.swapaxes(x, axis1=0, axis2=1)
    out, *state = run_layers(name, x, state, None, *layers, *rest)
    return ops.swapaxes(out, axis1=0, axis2=1), *state


def _named(
    name: str, names: Sequence[str], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """The arguments by their names; all must be given."""
    given = dict(zip(names, args, strict=False)) | kwargs
    if len(args) > len(names) or sorted(given) != sorted(names):
        missing = [key for key in names if key not in given]
        unknown = [key for key in given if key not in names]
        raise TypeError(
            f"{name}() takes {', '.join(names)}; missing {missing}, unknown {unknown}, "
            f"{len(args)} given by place"
        )
    return given


def run_layers(
    name: str,
    x: Tensor,
    state: Sequence[Tensor],
    sizes: tuple[int, ...] | None,
    layer: Layer,
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    bidirectional: bool,
) -> tuple[Tensor, ...]:
    """The outputs of the last layer, and the last states of all.

    Args:
        name: for messages.
        x: (steps, sequences, features), or with sizes their rows.
        state: h of shape (layers · directions, sequences, features), and for an LSTM c.
        sizes: how many sequences there are at each step, or None if all run to the end.
        layer: the operation for one direction of one layer.
        params: w_ih, w_hh, the biases and the projection of each direction of each layer.
        has_biases: whether there are biases.
        num_layers: how many layers, each of which reads the outputs of the one before.
        dropout: of the outputs between layers.
        bidirectional: whether each layer also reads backwards.
    """
    directions = 2 if bidirectional else 1
    count = num_layers * directions
    each = len(params) // count
    least = 4 if has_biases else 2
    if len(params) != each * count or each not in (least, least + (name == "lstm")):
        raise ArgumentError(
            f"{name}: got {len(params)} parameters for {count} layers and directions, each "
            f"of which has {least}"
        )
    if 0 in (x.shape[:1] if sizes is None else (len(sizes),)):
        raise ShapeError(
            f"{name}: Expected sequence length to be larger than 0 in RNN, got {list(x.shape)}"
        )
    same_dtype(name, input=x, hx=state[0], cx=state[-1], weight_ih=params[0])
    n = x.shape[1] if sizes is None else sizes[0]
    last: list[list[Tensor]] = []
    for i in range(num_layers):
        outs = []
        for k in range(i * directions, (i + 1) * directions):
            weights = params[k * each : (k + 1) * each]
            if not has_biases:
                weights = [*weights[:2], None, None, *weights[2:]]  # type: ignore[list-item] # no biases
            _check_sizes(name, x.shape[-1], n, [s.shape for s in state], count, weights)
            start = [s[k] for s in state]
            out, *after = layer(x, *start, *weights, sizes=sizes, reverse=k % directions == 1)
            outs.append(out)
            last.append(after)
        x = outs[0] if directions == 1 else ops.concatenate(*outs, axis=-1)
        if dropout and i < num_layers - 1:
            x = drop(x, dropout)
    return x, *(ops.stack(*parts, axis=0) for parts in zip(*last, strict=True))


def _check_sizes(
    name: str,
    features: int,
    n: int,
    states: Sequence[tuple[int, ...]],
    count: int,
    weights: Sequence[Any],
) -> None:
    """Raise unless the input, the states and the weights of one layer fit together."""
    shapes = [None if w is None else tuple(w.shape) for w in weights]
    rows = weights[1].shape[0]
    size = rows // _GATES[name]
    projection = shapes[4] if len(shapes) > 4 else None
    width = size if projection is None else projection[0]
    wanted = [(rows, features), (rows, width), (rows,), (rows,), (width, size)]
    for what, shape, right in zip(
        ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"), shapes, wanted, strict=False
    ):
        if shape is not None and shape != right:
            raise ShapeError(
                f"{name}: {what} must have shape {list(right)} for input of {features} features "
                f"and a state of {width}, got {list(shape)}"
            )
    for what, shape, right in zip(
        ("h", "c"), states, ((count, n, width), (count, n, size)), strict=False
    ):
        if tuple(shape) != right:
            raise ShapeError(
                f"{name}: Expected hidden size {right} for {what}, (layers · directions, "
                f"sequences, features), got {list(shape)}"
            )


# --- one step ----------------------------------------------------------------------------------


def rnn_tanh_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), for x of shape (N, features) and h (N, hidden)."""
    return _step("rnn_tanh", ops.rnn_layer, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def rnn_relu_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """h' = max(0, W_ih x + b_ih + W_hh h + b_hh)."""
    return _step("rnn_relu", RELU, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def lstm_cell(
    input: Tensor,
    hx: Sequence[Tensor],
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """The next (h, c) of an LSTM from hx = (h, c); `nn.LSTMCell` has the formula."""
    if len(hx) != 2:
        raise ArgumentError(f"lstm_cell expects two hidden states: hx = (h, c), got {len(hx)}")
    h, c = _step("lstm", ops.lstm_layer, input, tuple(hx), w_ih, w_hh, b_ih, b_hh)
    return h, c


def gru_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """The next h of a GRU; `nn.GRUCell` has the formula."""
    return _step("gru", ops.gru_layer, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def _step(
    name: str, layer: Layer, x: Tensor, state: Sequence[Tensor], *weights: Tensor | None
) -> list[Tensor]:
    """The next state: a sequence of one step."""
    if len(x.shape) != 2 or any(len(s.shape) != 2 for s in state):
        raise ShapeError(
            f"{name}_cell: input and hidden must have 2 dimensions, got "
            f"{', '.join(str(list(t.shape)) for t in (x, *state))}"
        )
    if (weights[2] is None) != (weights[3] is None):
        raise ArgumentError(f"{name}_cell: give both b_ih and b_hh, or none")
    same_dtype(f"{name}_cell", input=x, hx=state[0], cx=state[-1], w_ih=weights[0])
    states = [(1, *s.shape) for s in state]
    _check_sizes(name, x.shape[1], x.shape[0], states, 1, weights)
    _, *after = layer(ops.expand_dims(x, axis=0), *state, *weights)
    return after
