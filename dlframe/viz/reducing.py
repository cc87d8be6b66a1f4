"""From many features to two: principal components, t-SNE, or a function of the user's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe import random
from dlframe.errors import ArgumentError, ShapeError, did_you_mean, needs
from dlframe.tensor import to_array
from dlframe.viz import given

Points = NDArray[np.float64]

METHODS = ("pca", "tsne")
REDUCED = 50  # components that are kept for t-SNE
WHOLE = 512  # up to so many samples or features there is a full singular value decomposition


def check_method(method: Any, options: Mapping[str, Any]) -> None:
    """Raise ArgumentError for an unknown method, or options of one that has none."""
    if isinstance(method, str):
        if method not in METHODS:
            raise ArgumentError(
                f"embedding: method must be one of {', '.join(METHODS)}, or a function; got "
                f"{method!r}.{did_you_mean(method, METHODS)}"
            )
    elif isinstance(method, type) or not (callable(method) or hasattr(method, "fit_transform")):
        raise ArgumentError(
            "embedding: method must be a name, a function of features, or have fit_transform; got "
            f"{method if isinstance(method, type) else type(method).__name__}"
        )
    if options and method != "tsne":
        raise ArgumentError(
            f"embedding: unknown option {next(iter(options))!r}; only t-SNE has options"
        )


def in_the_plane(
    x: Points, method: Any, generator: random.Generator, options: Mapping[str, Any]
) -> tuple[Points, tuple[float, float] | None]:
    """Points (n, 2) of features (n, d); and by PCA the shares of the variance."""
    if method == "pca":
        points, shares = components(x, 2)
        return points, (float(shares[0]), float(shares[1]))
    if method == "tsne":
        return _neighbours(x, generator, options), None
    found = method.fit_transform(x) if hasattr(method, "fit_transform") else method(x)
    return _checked(name_of(method), found, len(x)), None


def components(x: Points, count: int) -> tuple[Points, Points]:
    """The first principal components (n, count), and their shares of the variance.

    The largest number of each direction is positive, so that signs are certain. What there is no
    direction for is 0.

    >>> points, shares = components(np.array([[1.0, 0.0], [3.0, 0.0]]), 2)
    >>> points[:, 0], shares
    (array([-1., 1.]), array([1., 0.]))
    """
    centred = x - x.mean(axis=0)
    scale = np.abs(centred).max()
    if scale > 0:
        centred /= scale  # squares of large numbers overflow
    total = float((centred**2).sum())
    if min(x.shape) <= WHOLE or count >= min(x.shape) - 1:
        u, s, v = np.linalg.svd(centred, full_matrices=False)
    else:
        with needs("scipy"):
            from scipy.sparse.linalg import svds
        start = np.ones(min(x.shape)) / math.sqrt(min(x.shape))
        u, s, v = svds(centred, k=count, v0=start)
        order = np.argsort(-s)
        u, s, v = u[:, order], s[order], v[order]
    kept = min(count, int((s > 1e-10 * s.max(initial=0.0)).sum())) if total else 0
    signs = np.sign(v[np.arange(kept), np.abs(v[:kept]).argmax(axis=1)])
    points = np.zeros((len(x), count))
    points[:, :kept] = u[:, :kept] * (s[:kept] * signs * scale)
    shares = np.zeros(count)
    shares[:kept] = s[:kept] ** 2 / total if total else 0.0
    return points, shares


def _neighbours(x: Points, generator: random.Generator, options: Mapping[str, Any]) -> Points:
    with needs("sklearn", extra="sklearn"):
        from sklearn import manifold
    if min(x.shape) > REDUCED:
        x, _ = components(x, REDUCED)
    chosen: dict[str, Any] = {"perplexity": min(30.0, (len(x) - 1) / 3), "init": "pca"}
    if min(x.shape) < 2 or not np.ptp(x, axis=0).any():
        chosen["init"] = "random"
    seed = int(to_array(generator.randint(0, 2**31 - 1, (1,)))[0])
    try:
        tsne = manifold.TSNE(n_components=2, random_state=seed, **{**chosen, **options})
    except TypeError as error:
        raise ArgumentError(f"embedding: t-SNE does not know an option: {error}") from error
    return _checked("tsne", tsne.fit_transform(x.astype(np.float32)), len(x))


def _checked(name: str, found: Any, count: int) -> Points:
    name = name or "the method"
    points = given.numbers_of(found)
    if points.shape != (count, 2) or points.dtype.kind not in "iuf":
        raise ShapeError(
            f"embedding: {name} gave {points.dtype} {points.shape} for {count} samples; expected "
            f"points ({count}, 2)"
        )
    if not np.isfinite(points).all():
        raise ArgumentError(f"embedding: {name} gave points that are not finite")
    return points.astype(np.float64)


def name_of(method: Any) -> str:
    """What a method is called in the picture and in messages."""
    if isinstance(method, str):
        return method
    if hasattr(method, "fit_transform"):
        return type(method).__name__
    name = getattr(method, "__name__", type(method).__name__)
    return "" if name == "<lambda>" else str(name)
