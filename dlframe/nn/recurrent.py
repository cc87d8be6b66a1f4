"""Recurrent layers over whole sequences."""

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

__all__ = ["GRU", "LSTM", "RNN", "RNNBase"]

Pair: TypeAlias = tuple[Tensor, Tensor]
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


def _no_projection(kwargs: dict[str, Any], name: str) -> None:
    """Raise for keyword arguments that only an LSTM has, or nobody."""
    if "proj_size" in kwargs:
        raise ArgumentError("proj_size argument is only supported for LSTM, not RNN or GRU")
    if kwargs:
        raise TypeError(
            f"{name}.__init__() got an unexpected keyword argument {next(iter(kwargs))!r}"
        )


class RNN(RNNBase):
    r"""The simple recurrent network: hₜ = tanh(W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh).

    One step of the sequence after the other updates the state h with the same weights (Elman 1990).
    The gradient goes back through as many factors W_hhᵀ · tanh′ as there are steps, so it vanishes
    or explodes with the distance (Bengio, Simard and Frasconi 1994): dependencies over more than
    about ten steps are rarely learned. LSTM and GRU have gates against that; `clip_grad_norm_`
    helps where it explodes.

    Shapes: input (L, N, input_size), with `batch_first` (N, L, input_size), without a batch
    (L, input_size), or a `PackedSequence`. The output has D · hidden_size features, with D = 2 if
    `bidirectional`. hx and the last state are (num_layers · D, N, hidden_size), or without N.

    Args:
        input_size: features of the input.
        hidden_size: features of the state.
        num_layers: layers, each of which reads the outputs of the one before.
        nonlinearity: `"tanh"` or `"relu"`.
        bias: whether there are biases.
        batch_first: whether the batch is the first dimension of input and output.
        dropout: probability of `Dropout` on the outputs of each layer but the last.
        bidirectional: whether a second direction reads from the end.
        device: None or `"cpu"`.
        dtype: of the parameters; by default the default dtype.

    Formula: `dlframe/ops/recurrent.py`, rnn_layer.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> rnn = nn.RNN(10, 20, 2)
    >>> output, h = rnn(dl.randn(5, 3, 10))
    >>> output.shape, h.shape
    ((5, 3, 20), (2, 3, 20))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        _no_projection(kwargs, "RNN")
        if nonlinearity not in ("tanh", "relu"):
            raise ArgumentError(
                f"Unknown nonlinearity {nonlinearity!r}. Select from 'tanh' or 'relu'."
            )
        mode = "RNN_TANH" if nonlinearity == "tanh" else "RNN_RELU"
        sizes = (input_size, hidden_size, num_layers)
        super().__init__(
            mode, *sizes, bias, batch_first, dropout, bidirectional, device=device, dtype=dtype
        )
        self.nonlinearity = nonlinearity

    def forward(self, input: Sequences, hx: Tensor | None = None) -> tuple[Sequences, Tensor]:
        """The outputs of the last layer at all steps, and the last state of each layer."""
        output, (h,) = self._run(input, hx)
        return output, h


class LSTM(RNNBase):
    r"""Long short-term memory: a second state c, to which each step adds.

    ::

        i, f, o = σ(W x + b + V h + d), each with its own W, b, V, d;   g = tanh(W x + b + V h + d)
        c' = f · c + i · g
        h' = o · tanh(c')

    The gates i, f and o decide what is added to c, what remains of it, and what is shown. Along c
    the gradient is multiplied by f alone, which can stay near 1, so it lasts over hundreds of steps
    (Hochreiter and Schmidhuber 1997; the gate f is from Gers et al. 2000). It still may explode.
    A bias of f that starts at 1 often helps to learn long dependencies.

    Shapes: those of `RNN`, and c is (num_layers · D, N, hidden_size). With `proj_size`,
    h' = W_hr (o · tanh(c')), and h and the output have proj_size features instead of hidden_size
    (Sak et al. 2014).

    The gates are in the rows of the weights in the order i, f, g, o.

    Args:
        input_size: features of the input.
        hidden_size: features of the states.
        num_layers: layers, each of which reads the outputs of the one before.
        bias: whether there are biases.
        batch_first: whether the batch is the first dimension of input and output.
        dropout: probability of `Dropout` on the outputs of each layer but the last.
        bidirectional: whether a second direction reads from the end.
        proj_size: features of h, if it is projected.
        device: None or `"cpu"`.
        dtype: of the parameters; by default the default dtype.

    Formula: `dlframe/ops/recurrent.py`, lstm_layer.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> lstm = nn.LSTM(10, 20, 2)
    >>> output, (h, c) = lstm(dl.randn(5, 3, 10))
    >>> output.shape, h.shape, c.shape
    ((5, 3, 20), (2, 3, 20), (2, 3, 20))
    """

    def __init__(
        self,
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
        sizes = (input_size, hidden_size, num_layers)
        super().__init__(
            "LSTM", *sizes, bias, batch_first, dropout, bidirectional, proj_size, device, dtype
        )

    def forward(self, input: Sequences, hx: Pair | None = None) -> tuple[Sequences, Pair]:
        """The outputs of the last layer at all steps, and the last h and c of each layer."""
        output, (h, c) = self._run(input, hx)
        return output, (h, c)

    def get_expected_cell_size(
        self, input: Tensor, batch_sizes: Tensor | None
    ) -> tuple[int, int, int]:
        """The shape of c: (layers · directions, sequences, features)."""
        return *self.get_expected_hidden_size(input, batch_sizes)[:2], self.hidden_size

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raise unless input and states fit the layer."""
        if not isinstance(hidden, (tuple, list)) or len(hidden) != 2:
            raise ArgumentError("LSTM: lstm expects two hidden states: hx = (h, c)")
        self.check_input(input, batch_sizes)
        self.check_hidden_size(
            hidden[0],
            self.get_expected_hidden_size(input, batch_sizes),
            "Expected hidden[0] size {}, got {}",
        )
        self.check_hidden_size(
            hidden[1],
            self.get_expected_cell_size(input, batch_sizes),
            "Expected hidden[1] size {}, got {}",
        )

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The states with the sequences in another order."""
        h, c = hx
        permuted = super().permute_hidden
        return permuted(h, permutation), permuted(c, permutation)


class GRU(RNNBase):
    r"""Gated recurrent units: gates as in an LSTM, but one state, and fewer weights.

    ::

        r, z = σ(W x + b + V h + d), each with its own W, b, V, d
        n = tanh(W x + b + r · (V h + d))
        h' = (1 - z) · n + z · h

    Where the update gate z is near 1 the state stays as it is, and the gradient with it; the reset
    gate r lets the new value forget the state (Cho et al. 2014). It learns about as well as an LSTM
    with three quarters of its weights. In the paper r · h is multiplied by V; here, as in PyTorch,
    r multiplies the product, which can be computed for all gates at once.

    Shapes: those of `RNN`. The gates are in the rows of the weights in the order r, z, n.

    Args:
        input_size: features of the input.
        hidden_size: features of the state.
        num_layers: layers, each of which reads the outputs of the one before.
        bias: whether there are biases.
        batch_first: whether the batch is the first dimension of input and output.
        dropout: probability of `Dropout` on the outputs of each layer but the last.
        bidirectional: whether a second direction reads from the end.
        device: None or `"cpu"`.
        dtype: of the parameters; by default the default dtype.

    Formula: `dlframe/ops/recurrent.py`, gru_layer.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> gru = nn.GRU(10, 20, batch_first=True, bidirectional=True)
    >>> output, h = gru(dl.randn(3, 5, 10))
    >>> output.shape, h.shape
    ((3, 5, 40), (2, 3, 20))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        _no_projection(kwargs, "GRU")
        sizes = (input_size, hidden_size, num_layers)
        super().__init__(
            "GRU", *sizes, bias, batch_first, dropout, bidirectional, device=device, dtype=dtype
        )

    def forward(self, input: Sequences, hx: Tensor | None = None) -> tuple[Sequences, Tensor]:
        """The outputs of the last layer at all steps, and the last state of each layer."""
        output, (h,) = self._run(input, hx)
        return output, h
