"""Single steps of recurrent networks."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, ShapeError
from dlframe.nn import init
from dlframe.nn.functional import recurrent as F
from dlframe.nn.module import Module
from dlframe.nn.parameter import Parameter, new_parameter
from dlframe.nn.recurrent import Pair
from dlframe.tensor import Tensor

__all__ = ["GRUCell", "LSTMCell", "RNNCell", "RNNCellBase"]


class RNNCellBase(Module):
    """What RNNCell, LSTMCell and GRUCell share: their parameters, and the shapes of their input.

    `weight_ih` is (num_chunks · hidden_size, input_size), `weight_hh` (num_chunks · hidden_size,
    hidden_size), the biases `bias_ih` and `bias_hh` (num_chunks · hidden_size,). All start uniform
    on ±1 / √hidden_size.

    >>> from dlframe import nn
    >>> nn.RNNCellBase(10, 20, bias=False, num_chunks=3).weight_ih.shape
    (60, 10)
    """

    weight_ih: Parameter
    weight_hh: Parameter
    bias_ih: Parameter | None
    bias_hh: Parameter | None
    nonlinearity: str
    _states: ClassVar[int] = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = new_parameter((rows, input_size), dtype, device)
        self.weight_hh = new_parameter((rows, hidden_size), dtype)
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, new_parameter((rows,), dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def _stepped(self, step: Any, input: Tensor, states: tuple[Tensor, ...] | None) -> list[Tensor]:
        """The next states, by a function of (input, states) and the weights; N may be missing."""
        dims = len(input.shape)
        for what, x in (("input", input), *(("hidden", s) for s in states or ())):
            if len(x.shape) not in (1, 2):
                raise ShapeError(
                    f"{type(self).__name__}: Expected {what} to be 1D or 2D, got {len(x.shape)}D "
                    f"instead: {list(x.shape)}"
                )
        if dims == 1:
            input = ops.expand_dims(input, axis=0)
        if states is None:
            zeros = Tensor(np.zeros((input.shape[0], self.hidden_size), input.dtype))
            states = (zeros,) * self._states
        elif dims == 1:
            states = tuple(ops.expand_dims(s, axis=0) for s in states)
        hx = states if self._states > 1 else states[0]
        out = step(input, hx, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        after = list(out) if self._states > 1 else [out]
        return [ops.squeeze(s, axis=0) for s in after] if dims == 1 else after

    def extra_repr(self) -> str:
        """The sizes, and the arguments that are not the default."""
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            text += f", nonlinearity={self.nonlinearity}"
        return text


class RNNCell(RNNCellBase):
    """One step of `RNN`: h' = tanh(W_ih x + b_ih + W_hh h + b_hh).

    For loops of your own, such as one that feeds an output back as the next input. Over a whole
    sequence `RNN` is several times as fast.

    Shapes: x is (N, input_size) or (input_size,), h and the result (N, hidden_size) or
    (hidden_size,). Without h it is zero.

    Args:
        input_size: features of the input.
        hidden_size: features of the state.
        bias: whether there are biases.
        nonlinearity: `"tanh"` or `"relu"`.
        device: None or `"cpu"`.
        dtype: of the parameters; by default the default dtype.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> cell, h = nn.RNNCell(10, 20), dl.zeros(3, 20)
    >>> for x in dl.randn(6, 3, 10):
    ...     h = cell(x, h)
    >>> h.shape
    (3, 20)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, num_chunks=1, device=device, dtype=dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The next state."""
        steps = {"tanh": F.rnn_tanh_cell, "relu": F.rnn_relu_cell}
        if self.nonlinearity not in steps:
            raise ArgumentError(
                f"Unknown nonlinearity: {self.nonlinearity}; it is 'tanh' or 'relu'"
            )
        return self._stepped(steps[self.nonlinearity], input, None if hx is None else (hx,))[0]


class LSTMCell(RNNCellBase):
    """One step of `LSTM`, from (h, c) to the next (h, c).

    Shapes: x is (N, input_size) or (input_size,); h, c and the results (N, hidden_size) or
    (hidden_size,). Without a state it is zero.

    Args:
        input_size: features of the input.
        hidden_size: features of the states.
        bias: whether there are biases.
        device: None or `"cpu"`.
        dtype: of the parameters; by default the default dtype.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> cell, state = nn.LSTMCell(10, 20), None
    >>> for x in dl.randn(6, 3, 10):
    ...     state = cell(x, state)
    >>> [s.shape for s in state]
    [(3, 20), (3, 20)]
    """

    _states: ClassVar[int] = 2

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, num_chunks=4, device=device, dtype=dtype)

    def forward(self, input: Tensor, hx: Pair | None = None) -> Pair:
        """The next h and c."""
        h, c = self._stepped(F.lstm_cell, input, None if hx is None else tuple(hx))
        return h, c


class GRUCell(RNNCellBase):
    """One step of `GRU`, from h to the next h.

    Shapes: x is (N, input_size) or (input_size,), h and the result (N, hidden_size) or
    (hidden_size,). Without h it is zero.

    Args:
        input_size: features of the input.
        hidden_size: features of the state.
        bias: whether there are biases.
        device: None or `"cpu"`.
        dtype: of the parameters; by default the default dtype.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.GRUCell(10, 20)(dl.randn(3, 10)).shape
    (3, 20)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, num_chunks=3, device=device, dtype=dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The next state."""
        return self._stepped(F.gru_cell, input, None if hx is None else (hx,))[0]
