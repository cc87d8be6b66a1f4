"""Recurrent layers over whole sequences."""

from __future__ import annotations

from typing import Any, TypeAlias

from dlframe.errors import ArgumentError
from dlframe.nn.recurrent_base import RNNBase, Sequences
from dlframe.tensor import Tensor

__all__ = ["GRU", "LSTM", "RNN"]

Pair: TypeAlias = tuple[Tensor, Tensor]


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


def _no_projection(kwargs: dict[str, Any], name: str) -> None:
    """Raise for keyword arguments that only an LSTM has, or nobody."""
    if "proj_size" in kwargs:
        raise ArgumentError("proj_size argument is only supported for LSTM, not RNN or GRU")
    if kwargs:
        raise TypeError(
            f"{name}.__init__() got an unexpected keyword argument {next(iter(kwargs))!r}"
        )
