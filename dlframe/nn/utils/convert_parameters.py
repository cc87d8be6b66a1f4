"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from dlframe import ops
from dlframe.errors import ShapeError
from dlframe.tensor import Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All elements of all parameters in one row; gradients flow back to them.

    >>> from dlframe import nn
    >>> parameters_to_vector(nn.Linear(3, 2).parameters()).shape
    (8,)
    """
    rows = [ops.reshape(parameter, shape=(-1,)) for parameter in parameters]
    return ops.concatenate(*rows, axis=0)  # type: ignore[no-any-return] # an op returns Any


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Give the elements of `vec` to the parameters, in their order; they share its memory then.

    Raises ShapeError, and changes nothing, if there are too few elements or too many.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.Linear(1, 2)
    >>> vector_to_parameters(dl.tensor([1.0, 2.0, 3.0, 4.0]), layer.parameters())
    >>> layer.bias.tolist()
    [3.0, 4.0]
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected a Tensor, but got: {type(vec).__name__}")
    parameters = list(parameters)
    count = sum(parameter.array.size for parameter in parameters)
    if vec.array.shape != (count,):
        raise ShapeError(
            f"vector_to_parameters: the parameters have {count} elements, got a vector of shape "
            f"{vec.array.shape}"
        )
    start = 0
    for parameter in parameters:
        stop = start + parameter.array.size
        parameter.array = vec.array[start:stop].reshape(parameter.array.shape)
        start = stop
