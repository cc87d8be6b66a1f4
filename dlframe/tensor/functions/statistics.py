"""Statistics: quantiles, covariances and correlations."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.ops.record import Array, TensorBase, to_array
from dlframe.tensor.arguments import checked_dim, numpy_names

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "corrcoef",
    "cov",
    "nanquantile",
    "quantile",
]


# --- quantiles ---------------------------------------------------------------------------------

# How a rank becomes whole, and the weight of the upper neighbour. NumPy's methods differ in which
# ranks they mean, and have their own table.
INTERPOLATIONS: dict[str, tuple[Any, float | None]] = {
    "linear": (None, None),
    "lower": (np.floor, 0.0),
    "higher": (np.ceil, 0.0),
    "midpoint": (None, 0.5),
    "nearest": (np.rint, 0.0),
}


@numpy_names
def quantile(
    input: Tensor,
    q: Tensor | float,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """The values below which the fractions `q` of the elements are; nan if any element is.

    The n elements, in order, are the quantiles 0, 1/(n-1) … 1. Between two of them,

    - `"linear"` interpolates; `"midpoint"` is their mean;
    - `"lower"` and `"higher"` are one of them, `"nearest"` the nearer one (of equally near
      ones that with the even rank).

    Args:
        q: a number, or a vector of them in the dtype of `input`, each in [0, 1]. The results for
            a vector lie along a new first dimension.
        dim: along which dimension; None means all elements.

    Raises:
        ArgumentError: `q` is outside of [0, 1], or `interpolation` unknown.
        DTypeError: `input` is not float32 or float64, or `q` of another dtype.

    >>> x = dl.tensor([1.0, 2.0, 3.0, 4.0])
    >>> dl.quantile(x, 0.5)
    tensor(2.5000)
    >>> dl.quantile(x, dl.tensor([0.0, 0.4]), interpolation="lower")
    tensor([1., 2.])
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation)


@numpy_names
def nanquantile(
    input: Tensor,
    q: Tensor | float,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """`quantile` of the elements that are not nan; nan where there are none.

    >>> dl.nanquantile(dl.tensor([1.0, dl.nan, 2.0]), 0.5)
    tensor(1.5000)
    """
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation)


def _quantile(
    name: str, input: Tensor, q: Any, dim: int | None, keepdim: bool, interpolation: str
) -> Any:
    axis = None if dim is None else checked_dim(dim, input.ndim)
    q = _checked_fractions(name, input, q, interpolation)
    flat = q.reshape(-1)
    to_whole, weight = INTERPOLATIONS[interpolation]

    def ranks_of(n: Array) -> Any:
        ranks = flat * (n - 1).astype(input.dtype)
        return ranks if to_whole is None else to_whole(to_array(ranks))

    return ops.quantiles(
        input,
        ranks_of,
        fractions=tuple(q.shape),
        axis=axis,
        keepdims=keepdim,
        skip_nan=name == "nanquantile",
        weight=weight,
    )


def _checked_fractions(name: str, input: Tensor, q: Any, interpolation: str) -> Any:
    if input.dtype.kind != "f" or input.dtype.itemsize < 4:
        raise DTypeError(
            f"{name}() input tensor must be either float or double dtype, got {input.dtype}"
        )
    if not input.array.size:
        raise ShapeError(f"{name}() input tensor must be non-empty, got {list(input.shape)}")
    if interpolation not in INTERPOLATIONS:
        raise ArgumentError(
            f"{name}() interpolation must be one of {', '.join(INTERPOLATIONS)}, but got "
            f"{interpolation!r}"
        )
    if not isinstance(q, TensorBase):
        q = np.asarray(q, input.dtype)
    elif q.dtype != input.dtype:  # type: ignore[attr-defined] # a Tensor's
        raise DTypeError(f"{name}() q tensor must be same dtype as the input tensor")
    values = q.array if isinstance(q, TensorBase) else q
    if values.ndim > 1:
        raise ShapeError(f"{name}() q must be a scalar or 1D tensor, got {values.ndim} dimensions")
    if not ((values >= 0) & (values <= 1)).all():
        raise ArgumentError(f"{name}() q must be in the range [0, 1] but got {values.tolist()}")
    return q


# --- covariance --------------------------------------------------------------------------------


def cov(
    input: Tensor,
    *,
    correction: int = 1,
    fweights: Tensor | None = None,
    aweights: Tensor | None = None,
) -> Tensor:
    """The covariances of the rows of `input`, each a variable; the columns are observations.

    With the weights w, Σw (x - mean)(y - mean) / (Σw - correction), where the means are weighted
    too. A vector is one variable, and has its variance.

    Args:
        fweights: how often each observation occurred, integers.
        aweights: how much each observation counts, floats; the divisor is then
            Σw - correction · Σ(w · aweights) / Σw.

    Raises:
        DTypeError: weights of another kind, or `input` of bools.
        ShapeError: more than two dimensions, or not one weight per observation.
        ArgumentError: a negative weight, or all of them zero.

    >>> dl.cov(dl.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if input.dtype.kind == "b":
        raise DTypeError("cov(): bool dtype is not supported for input; convert with .int()")
    if input.ndim > 2:
        raise ShapeError(
            "cov(): expected input to have two or fewer dimensions but got an input with "
            f"{input.ndim} dimensions"
        )
    x = input if input.ndim == 2 else ops.reshape(input, shape=(1, -1))
    n = x.shape[1]
    weights = _weights(n, fweights, aweights)
    freedom = ops.degrees_of_freedom(n, correction, weights, aweights)
    if not float(freedom):
        warnings.warn(
            "cov(): degrees of freedom is <= 0. Correction should be strictly less than the number "
            f"of observations, which is {n}.",
            UserWarning,
            stacklevel=2,
        )
    return ops.covariance(x, freedom, weights)


def _weights(n: int, fweights: Any, aweights: Any) -> Any:
    """The product of both kinds of weights, one for each of n observations; None without any."""
    for name, weights, kinds in (("fweights", fweights, "iu"), ("aweights", aweights, "f")):
        if weights is None:
            continue
        if weights.ndim > 1 or weights.array.size != n:
            raise ShapeError(
                f"cov(): expected {name} to be a vector with the same numel as there are "
                f"observations in the input, got shape {list(weights.shape)} for {n} observations"
            )
        if weights.dtype.kind not in kinds:
            wanted = "integral" if kinds == "iu" else "floating point"
            raise DTypeError(f"cov(): expected {name} to have {wanted} dtype, got {weights.dtype}")
        if (weights.array < 0).any():
            raise ArgumentError(f"cov(): {name} cannot be negative")
    given = [w for w in (fweights, aweights) if w is not None]
    if not given:
        return None
    weights = given[0] if len(given) == 1 else given[0] * given[1]
    if n and not weights.array.sum():
        raise ArgumentError("cov(): weights sum to zero, can't be normalized")
    return weights


def corrcoef(input: Tensor) -> Tensor:
    """The correlations of the rows of `input`: cov(x, y) / √(var x · var y), in [-1, 1].

    >>> dl.corrcoef(dl.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if input.ndim > 2:
        raise ShapeError(
            "corrcoef(): expected input to have two or fewer dimensions but got an input with "
            f"{input.ndim} dimensions"
        )
    return ops.correlation(cov(input))
