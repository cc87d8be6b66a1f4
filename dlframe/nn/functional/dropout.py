"""Dropout."""

from __future__ import annotations

import warnings

from dlframe.errors import ShapeError
from dlframe.random import Generator
from dlframe.tensor import Tensor, functions

__all__ = [
    "alpha_dropout",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
]


def dropout(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Zero each element with probability p and multiply the rest by 1 / (1 - p).

    So the expectation stays the same (Srivastava et al. 2014). Without `training` the input comes
    back as it is. Each call draws a new mask; with the same seed PyTorch draws the same one.

    Args:
        input: any shape.
        p: between 0 and 1.
        training: whether to do anything.
        inplace: write into the input.
        generator: what to draw from, by default the global one.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> _ = dl.manual_seed(0)
    >>> sorted(set(F.dropout(dl.ones(100), 0.5).tolist()))
    [0.0, 2.0]
    """
    drop = functions.dropout_ if inplace else functions.dropout
    return drop(input, p, training, generator=generator)


def dropout1d(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Zero each channel of each sequence with probability p, and multiply the rest by 1 / (1 - p).

    Neighbours in a sequence are alike, so that a single zero is no loss: its neighbours tell the
    same. Whole channels are (Tompson et al. 2015).

    Args:
        input: (N, C, L), or (C, L) without a batch.
        p, training, inplace, generator: as in `dropout`.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> _ = dl.manual_seed(4)
    >>> F.dropout1d(dl.ones(3, 2))
    tensor([[2., 2.],
            [0., 0.],
            [2., 2.]])
    """
    nd = len(input.shape)
    if nd not in (2, 3):
        raise ShapeError(
            f"dropout1d: Expected 2D or 3D input, (C, L) or (N, C, L), got {list(input.shape)}; "
            "for single elements use dropout()"
        )
    return _of_channels(input, nd == 3, p, training, inplace, generator)


def dropout2d(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Zero each channel of each image with probability p, and multiply the rest by 1 / (1 - p).

    Args:
        input: (N, C, H, W). Three dimensions are read as (N, C, L), with a warning, as in PyTorch.
        p, training, inplace, generator: as in `dropout`.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> _ = dl.manual_seed(4)
    >>> F.dropout2d(dl.ones(1, 3, 1, 2))
    tensor([[[[2., 2.]],
    <BLANKLINE>
             [[0., 0.]],
    <BLANKLINE>
             [[2., 2.]]]])
    """
    nd = len(input.shape)
    if nd == 3:
        warnings.warn(
            f"dropout2d: the input{list(input.shape)} has 3 dimensions and is read as (N, C, L), "
            "not as (C, H, W); use dropout1d() for sequences, and unsqueeze(0) for one image",
            stacklevel=2,
        )
    elif nd != 4:
        _warn_of_dimensions("dropout2d", "(N, C, H, W)", input)
    return _of_channels(input, True, p, training, inplace, generator)


def dropout3d(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Zero each channel of each volume with probability p, and multiply the rest by 1 / (1 - p).

    Args:
        input: (N, C, D, H, W), or (C, D, H, W) without a batch.
        p, training, inplace, generator: as in `dropout`.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> _ = dl.manual_seed(4)
    >>> F.dropout3d(dl.ones(3, 2, 2, 2)).sum((1, 2, 3))
    tensor([16.,  0., 16.])
    """
    nd = len(input.shape)
    if nd not in (4, 5):
        _warn_of_dimensions("dropout3d", "(N, C, D, H, W)", input)
    return _of_channels(input, nd == 5, p, training, inplace, generator)


def _of_channels(
    input: Tensor,
    batched: bool,
    p: float,
    training: bool,
    inplace: bool,
    generator: Generator | None,
) -> Tensor:
    drop = functions.feature_dropout_ if inplace else functions.feature_dropout
    if batched:
        return drop(input, p, training, generator=generator)
    out = drop(input.unsqueeze(0), p, training, generator=generator)
    return input if inplace else out.squeeze(0)


def _warn_of_dimensions(name: str, shape: str, input: Tensor) -> None:
    warnings.warn(
        f"{name}: the input{list(input.shape)} should have the dimensions {shape}; whole channels "
        "along its second dimension are dropped. Use dropout() for single elements",
        stacklevel=3,
    )


def alpha_dropout(
    input: Tensor,
    p: float = 0.5,
    training: bool = False,
    inplace: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Set each element to SELU's limit at -∞ with probability p; mean 0 and variance 1 stay.

    y = a (x m + d (1 - m)) + b with m = 0 with probability p, d = -λα ≈ -1.758, and a and b such
    that an input of mean 0 and variance 1 keeps both (Klambauer et al. 2017).

    Args:
        input: any shape.
        p: between 0 and 1.
        training: whether to do anything; unlike in `dropout`, by default False.
        inplace: write into the input.
        generator: what to draw from, by default the global one.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> _ = dl.manual_seed(0)
    >>> y = F.alpha_dropout(dl.randn(100_000), 0.3, training=True)
    >>> y.mean().abs() < 0.01, (y.std() - 1).abs() < 0.01
    (tensor(True), tensor(True))
    """
    drop = functions.alpha_dropout_ if inplace else functions.alpha_dropout
    return drop(input, p, training, generator=generator)


def feature_alpha_dropout(
    input: Tensor,
    p: float = 0.5,
    training: bool = False,
    inplace: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """`alpha_dropout` of whole channels.

    Args:
        input: (N, C, *).
        p, training, inplace, generator: as in `alpha_dropout`.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> _ = dl.manual_seed(4)
    >>> F.feature_alpha_dropout(dl.zeros(1, 3, 2), training=True)
    tensor([[[ 0.7792,  0.7792],
             [-0.7792, -0.7792],
             [ 0.7792,  0.7792]]])
    """
    drop = functions.feature_alpha_dropout_ if inplace else functions.feature_alpha_dropout
    return drop(input, p, training, generator=generator)
