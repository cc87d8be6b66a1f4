"""What recurrent layers share: parameters, checks, and the way through layers and directions."""

from __future__ import annotations

import math
import warnings
from numbers import Number
from typing import Any, TypeAlias

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, ShapeError
from dlframe.nn import init
from dlframe.nn.functional import recurrent as F
from dlframe.nn.module import Module
from dlframe.nn.parameter import Parameter, new_parameter
from dlframe.nn.utils.rnn import PackedSequence
from dlframe.tensor import Tensor, to_array

__all__ = ["RNNBase"]

Sequences: TypeAlias = Tensor | PackedSequence

# What a mode of RNNBase computes, and how many gates it has: blocks of rows in its weights.
_MODES: dict[str, tuple[str, F.Layer, int]] = {
    "RNN_TANH": ("rnn_tanh", ops.rnn_layer, 1),
    "RNN_RELU": ("rnn_relu", F.RELU, 1),
    "LSTM": ("lstm", ops.lstm_layer, 4),
    "GRU": ("gru", ops.gru_layer, 3),
}


class RNNBase(Module):
    """What RNN, LSTM and GRU share: the parameters of all layers and directions, and their call.

    The parameters of layer k are `weight_ih_lk`, `weight_hh_lk`, with `bias` also `bias_ih_lk` and
    `bias_hh_lk`, and with `proj_size` also `weight_hr_lk`; those of the backward direction end with
    `_reverse`. All start uniform on ±1 / √hidden_size.

    Args:
        mode: `"RNN_TANH"`, `"RNN_RELU"`, `"LSTM"` or `"GRU"`.
        input_size: features of the input.
        hidden_size: features of the state.
        num_layers: layers, each of which reads the outputs of the one before.
        bias: whether there are biases.
        batch_first: whether input and output are (N, L, features) instead of (L, N, features).
            States are (layers · directions, N, features) in both cases.
        dropout: probability of `Dropout` on the outputs of each layer but the last.
        bidirectional: whether a second direction reads from the end; the outputs are side by side.
        proj_size: if not 0, features to which the output of an LSTM is projected.
        device: None or `"cpu"`.
        dtype: of the parameters; by default the default dtype.

    >>> from dlframe import nn
    >>> nn.RNNBase("GRU", 10, 20, num_layers=2)
    RNNBase(10, 20, num_layers=2)
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _check_arguments(input_size, hidden_size, num_layers, bias, batch_first, dropout, proj_size)
        if mode not in _MODES:
            raise ArgumentError(f"Unrecognized RNN mode: {mode}; there are {', '.join(_MODES)}")
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        directions = 2 if bidirectional else 1
        rows, width = _MODES[mode][2] * hidden_size, proj_size or hidden_size
        self._all_weights: list[list[str]] = []  # their names, layer by layer
        for layer in range(num_layers):
            features = width * directions if layer else input_size
            shapes: dict[str, tuple[int, ...]] = {
                "weight_ih": (rows, features),
                "weight_hh": (rows, width),
            }
            if bias:
                shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
            if proj_size:
                shapes["weight_hr"] = (proj_size, hidden_size)
            for suffix in ("", "_reverse")[:directions]:
                names = {f"{name}_l{layer}{suffix}": shape for name, shape in shapes.items()}
                for name, shape in names.items():
                    setattr(self, name, new_parameter(shape, dtype, device))
                self._all_weights.append(list(names))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters, a list for each direction of each layer."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights(self) -> list[Parameter]:
        return [weight for weights in self.all_weights for weight in weights]

    def flatten_parameters(self) -> None:
        """Nothing: it prepares memory for GPUs."""

    # --- checks --------------------------------------------------------------------------------

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Raise unless `input` has the right dtype, dimensions and features."""
        name, weight = type(self).__name__, self._flat_weights[0]
        if input.dtype != weight.dtype:
            other = (
                f"convert model: model.to({input.dtype})"
                if input.dtype.kind == "f"
                else "if it holds indices, put an nn.Embedding before the layer"
            )
            raise ArgumentError(
                f"{name}: RNN input dtype ({input.dtype}) does not match weight dtype "
                f"({weight.dtype}). Convert input: input.to({weight.dtype}), or {other}"
            )
        dims = 3 if batch_sizes is None else 2
        if len(input.shape) != dims:
            raise ShapeError(f"{name}: input must have {dims} dimensions, got {list(input.shape)}")
        if input.shape[-1] != self.input_size:
            raise ShapeError(
                f"{name}: input.size(-1) must be equal to input_size. Expected {self.input_size}, "
                f"got {input.shape[-1]}, of input{list(input.shape)}"
            )

    def get_expected_hidden_size(
        self, input: Tensor, batch_sizes: Tensor | None
    ) -> tuple[int, int, int]:
        """The shape of h: (layers · directions, sequences, features)."""
        if batch_sizes is not None:
            n = int(to_array(batch_sizes)[0])
        else:
            n = input.shape[0 if self.batch_first else 1]
        return len(self._all_weights), n, self.proj_size or self.hidden_size

    def check_hidden_size(
        self,
        hx: Tensor,
        expected_hidden_size: tuple[int, int, int],
        msg: str = "Expected hidden size {}, got {}",
    ) -> None:
        """Raise unless the state has the expected shape."""
        if not isinstance(hx, Tensor):
            raise ArgumentError(
                f"{type(self).__name__}: the state must be one tensor, got {type(hx).__name__}; "
                "only an LSTM has two, (h, c)"
            )
        if tuple(hx.shape) != expected_hidden_size:
            raise ShapeError(
                f"{type(self).__name__}: {msg.format(expected_hidden_size, list(hx.shape))}: "
                "(num_layers · directions, sequences, features), also with batch_first"
            )

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raise unless input and states fit the layer."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The state with the sequences in another order."""
        return hx if permutation is None else ops.take(hx, permutation, axis=1)

    # --- the call ------------------------------------------------------------------------------

    def _run(self, input: Sequences, hx: Any) -> tuple[Sequences, list[Tensor]]:
        """The outputs, and the last states; `hx` is as `forward` takes it."""
        if isinstance(input, PackedSequence):
            x, batch_sizes, order, back = input
            hx = self._zeros(x, batch_sizes) if hx is None else self.permute_hidden(hx, order)
            self.check_forward_args(x, hx, batch_sizes)
            out, *last = self._layers(x, hx, tuple(to_array(batch_sizes).tolist()))
            last = [s if back is None else ops.take(s, back, axis=1) for s in last]
            return PackedSequence(out, batch_sizes, order, back), last
        dims = len(input.shape)
        if dims not in (2, 3):
            raise ShapeError(
                f"{type(self).__name__}: Expected input to be 2D or 3D, got {dims}D tensor "
                f"instead: {list(input.shape)}"
            )
        sequences = 0 if self.batch_first else 1
        x = ops.expand_dims(input, axis=sequences) if dims == 2 else input
        if hx is None:
            hx = self._zeros(x, None)
        else:
            states = hx if isinstance(hx, (tuple, list)) else (hx,)
            if any(len(s.shape) != dims for s in states):
                raise ShapeError(
                    f"{type(self).__name__}: For {'batched 3' if dims == 3 else 'unbatched 2'}-D "
                    f"input, hx should also be {dims}-D but got "
                    f"{', '.join(f'{len(s.shape)}-D' for s in states)} tensor"
                )
            if dims == 2:
                states = [ops.expand_dims(s, axis=1) for s in states]
            hx = states[0] if hx is not states and len(states) == 1 else tuple(states)
        self.check_forward_args(x, hx, None)
        if self.batch_first:
            x = ops.swapaxes(x, axis1=0, axis2=1)
        out, *last = self._layers(x, hx, None)
        if self.batch_first:
            out = ops.swapaxes(out, axis1=0, axis2=1)
        if dims == 2:
            out, last = (
                ops.squeeze(out, axis=sequences),
                [ops.squeeze(s, axis=1) for s in last],
            )
        return out, last

    def _zeros(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        """The initial state by default."""
        shape = self.get_expected_hidden_size(input, batch_sizes)
        h = Tensor(np.zeros(shape, input.dtype))
        if self.mode != "LSTM":
            return h
        return h, Tensor(np.zeros((*shape[:2], self.hidden_size), input.dtype))

    def _layers(self, x: Tensor, hx: Any, sizes: tuple[int, ...] | None) -> tuple[Tensor, ...]:
        name, layer, _ = _MODES[self.mode]
        return F.run_layers(
            name,
            x,
            hx if isinstance(hx, tuple) else (hx,),
            sizes,
            layer,
            self._flat_weights,
            self.bias,
            self.num_layers,
            self.dropout if self.training else 0.0,
            self.bidirectional,
        )

    def extra_repr(self) -> str:
        """The sizes, and the arguments that are not the default."""
        text = f"{self.input_size}, {self.hidden_size}"
        defaults = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0,
            "bidirectional": False,
        }
        for name, default in defaults.items():
            value = getattr(self, name)
            if value != default:
                text += f", {name}={value}"
        return text


def _check_arguments(
    input_size: int,
    hidden_size: int,
    num_layers: int,
    bias: bool,
    batch_first: bool,
    dropout: Any,
    proj_size: int,
) -> None:
    if not _is_number(dropout) or not 0 <= dropout <= 1:
        raise ArgumentError(
            "dropout should be a number in range [0, 1] representing the probability of an element "
            f"being zeroed, got {dropout!r}"
        )
    if dropout > 0 and num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout "
            f"expects num_layers greater than 1, but got dropout={dropout} and num_layers=1",
            stacklevel=4,
        )
    flags = {"bias": bias, "batch_first": batch_first}
    for name, flag in flags.items():
        if not isinstance(flag, bool):
            raise TypeError(f"{name} should be of type bool, got: {type(flag).__name__}")
    for name, size in {"input_size": input_size, "hidden_size": hidden_size}.items():
        if not isinstance(size, int):
            raise TypeError(f"{name} should be of type int, got: {type(size).__name__}")
        if size <= 0:
            raise ArgumentError(f"{name} must be greater than zero, got {size}")
    if num_layers <= 0:
        raise ArgumentError(f"num_layers must be greater than zero, got {num_layers}")
    if not 0 <= proj_size < hidden_size:
        raise ArgumentError(
            "proj_size should be a positive integer or zero to disable projections, and proj_size "
            f"has to be smaller than hidden_size: got {proj_size} and {hidden_size}"
        )


def _is_number(x: object) -> bool:
    return isinstance(x, Number) and not isinstance(x, bool)
