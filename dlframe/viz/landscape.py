"""The loss around a trained model, along one or two directions, with the path of its training."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlframe import random
from dlframe.autograd import mark_mutated
from dlframe.autograd.modes import no_grad
from dlframe.errors import ArgumentError
from dlframe.metrics import Mean
from dlframe.nn import Module
from dlframe.tensor import to_array
from dlframe.tensor.creation import randn
from dlframe.training.callbacks.snapshots import Snapshots
from dlframe.training.data import batches
from dlframe.training.data.batches import Batch
from dlframe.training.data.data_forms import make_loader
from dlframe.training.evaluator import Evaluator
from dlframe.training.untouched import untouched
from dlframe.viz import style
from dlframe.viz.trajectories import log_levels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
Direction = Mapping[str, NDArray[Any]]
Weights = Mapping[str, Any]

PLOT = 4.6  # inches across


# --- directions --------------------------------------------------------------------------------


def random_directions(
    model: Module,
    count: int = 2,
    *,
    biases: bool = False,
    generator: random.Generator | None = None,
) -> list[dict[str, Array]]:
    """Random directions whose filters are as long as the model's: one array per parameter.

    A filter is what belongs to one output: a row of a weight of two or more dimensions, with norm
    ‖θ_f‖. The direction is d_f ← ‖θ_f‖ d_f / ‖d_f‖ for normal d, so that a step of 1 changes each
    filter by its own size, and landscapes of models whose weights have other scales (which ReLU
    and normalization undo) can be compared. Parameters of one dimension, biases and the weights of
    norms, are left alone, or with `biases` changed by their norm as a whole. Li et al.,
    "Visualizing the loss landscape of neural nets" (2018), section 4.

    >>> layer = nn.Linear(3, 2)
    >>> (direction,) = random_directions(layer, 1)
    >>> norms = np.linalg.norm(layer.weight.detach().numpy(), axis=1)
    >>> np.allclose(np.linalg.norm(direction["weight"], axis=1), norms), direction["bias"].tolist()
    (True, [0.0, 0.0])
    """
    found = []
    for _ in range(count):
        direction = {}
        for name, p in model.named_parameters():
            drawn = np.array(to_array(randn(p.shape, dtype=np.float64, generator=generator)))
            if p.ndim < 2 and not biases:
                drawn = np.zeros(p.shape)
            rows = len(drawn) if p.ndim >= 2 else 1
            d, theta = drawn.reshape(rows, -1), p.array.astype(np.float64).reshape(rows, -1)
            length = np.linalg.norm(d, axis=1, keepdims=True)
            unit = np.divide(d, length, out=np.zeros_like(d), where=length > 0)
            direction[name] = (unit * np.linalg.norm(theta, axis=1, keepdims=True)).reshape(p.shape)
        found.append(direction)
    return found


def principal_directions(
    snapshots: Snapshots | Sequence[Weights], count: int = 2
) -> tuple[list[dict[str, Array]], tuple[float, ...]]:
    """The directions in which the path of training varies most, and the share of each.

    They are the first right singular vectors of the matrix of snapshots (n, parameters) minus its
    mean: orthonormal over all parameters together, signed so that the path begins on the negative
    side. The shares are those of the squared distances from the mean. Random directions are almost
    orthogonal to any path, so that it would look like a point on them (Li et al., 2018, section 7).
    Even a random walk in many dimensions has a large share here: two directions that explain much
    do not prove that the path is flat (Antognini and Sohl-Dickstein, 2018).

    Raises ArgumentError if the snapshots have fewer independent directions than asked for.

    >>> path = [{"w": np.array([t, t * t, 0.0])} for t in (-1.0, 0.0, 1.0)]
    >>> (first, second), shares = principal_directions(path)
    >>> first["w"].round(6).tolist(), [round(share, 6) for share in shares]
    ([1.0, 0.0, 0.0], [0.75, 0.25])
    """
    weights = _weights_of(snapshots)
    rows = np.stack([_flat(one) for one in weights]) if weights else np.zeros((0, 0))
    if not np.isfinite(rows).all():
        bad = [i for i, row in enumerate(rows) if not np.isfinite(row).all()]
        raise ArgumentError(
            f"principal_directions: snapshots {bad} have values that are not finite"
        )
    centred = rows - rows.mean(axis=0) if len(rows) else rows
    _, sizes, vectors = np.linalg.svd(centred, full_matrices=False)
    rank = int((sizes > 1e-10 * sizes.max(initial=0.0)).sum())
    if rank < count:
        raise ArgumentError(
            f"principal_directions: {len(weights)} snapshots have {rank} independent directions, "
            f"{count} are asked for; record at least {count + 1} that differ"
        )
    shares = sizes**2 / (sizes**2).sum()
    found = []
    for vector in vectors[:count]:
        sign = -1.0 if centred[0] @ vector > 0 else 1.0
        found.append(_unflat(sign * vector, weights[0]))
    return found, tuple(float(share) for share in shares[:count])


def _weights_of(snapshots: Snapshots | Sequence[Weights]) -> list[dict[str, NDArray[Any]]]:
    given = snapshots.weights if isinstance(snapshots, Snapshots) else snapshots
    return [{name: to_array(value) for name, value in one.items()} for one in given]


def _flat(weights: Weights) -> Array:
    return np.concatenate([np.ravel(value).astype(np.float64) for value in weights.values()])


def _unflat(vector: Array, like: Weights) -> dict[str, Array]:
    parts, start = {}, 0
    for name, value in like.items():
        parts[name] = vector[start : start + value.size].reshape(value.shape)
        start += value.size
    return parts


# --- the landscape -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Landscape:
    """Losses around a model: `values[i, j]` at `axes[1][i]` up and `axes[0][j]` across.

    Along one direction, `values[j]` is the loss at `axes[0][j]`. 0 is the model itself, and
    `center` its loss. `path` are the coordinates (n, directions) of the snapshots, projected by
    least squares, and `captured` the share of their squared distances to the model that lies in
    the plane. `explained` is what `principal_directions` says of each direction. What is None was
    not asked for. All numbers are float64.
    """

    values: Array
    axes: tuple[Array, ...]
    directions: tuple[Direction, ...]
    center: float
    path: Array | None = None
    captured: float | None = None
    explained: tuple[float, ...] | None = None

    @property
    def missing(self) -> int:
        """How many values are nan or infinite."""
        return int((~np.isfinite(self.values)).sum())

    def __str__(self) -> str:
        finite = self.values[np.isfinite(self.values)]
        lines = [f"loss {self.center:.4g} at the model"]
        if finite.size:
            lines[0] += f", {finite.min():.4g} to {finite.max():.4g} around it"
        if self.missing:
            lines.append(f"{self.missing} of {self.values.size} values are not finite")
        if self.explained is not None:
            shares = " and ".join(style.percent(share) for share in self.explained)
            lines.append(f"the directions explain {shares} of the path")
        elif self.captured is not None:
            lines.append(f"{style.percent(self.captured)} of the path lies in these directions")
        return "; ".join(lines)

    def plot(
        self, *, title: str | None = None, path: str | os.PathLike[str] | None = None
    ) -> Figure:
        """Draw contour lines (even in the logarithm above the lowest value), or a curve.

        A cross is the model; the ring is the first snapshot, dots are the others. Values that are
        not finite are gaps in pink, and the heading counts them.
        """
        with style.house_style():
            figure = style.new_figure(PLOT + 0.8, PLOT, title or "Loss landscape", str(self))
            style.lay_out(figure, PLOT)
            axes = figure.add_subplot()
            if len(self.axes) == 1:
                self._draw_curve(axes)
            else:
                self._draw_plane(figure, axes)
            return style.finish(figure, path)

    def _draw_plane(self, figure: Figure, axes: Axes) -> None:
        across, up = self.axes
        masked = np.ma.masked_invalid(self.values)
        if self.missing:
            axes.set_facecolor(style.MISSING)
            axes.plot([], [], "s", color=style.MISSING, label="not finite")
        levels = log_levels(self.values)
        if len(levels) > 1:
            style.shade_between(axes, across, up, masked, levels)
            lines = axes.contour(
                across, up, masked, levels=levels, colors="#8b99a8", linewidths=0.7
            )
        axes.plot(0, 0, "+", color=style.INK, ms=11, mew=1.8, linestyle="none", label="the model")
        if self.path is not None:
            axes.plot(*self.path.T, color=style.BLUE, marker="o", ms=3.5, lw=1.3, label="training")
            look: dict[str, Any] = {"mfc": "none", "mec": style.INK, "linestyle": "none"}
            axes.plot(*self.path[0], marker="o", ms=9, label="first snapshot", **look)
        axes.set(
            xlim=(across[0], across[-1]), ylim=(up[0], up[-1]), xlabel=self._name(0),
            ylabel=self._name(1),
        )  # fmt: skip
        axes.spines[:].set_visible(True)
        axes.legend(loc="upper left", bbox_to_anchor=(0.0, -0.14), ncols=2, borderpad=0)
        if len(levels) > 1:
            how: dict[str, Any] = {"fmt": "%.3g", "fontsize": style.SMALL_SIZE - 1}
            points = np.zeros((1, 2)) if self.path is None else np.vstack([self.path, [[0, 0]]])
            free = _readable(figure, axes, (across, up, masked), levels[1::2], points, how)
            axes.clabel(lines, free, colors=style.MUTED, **how)

    def _draw_curve(self, axes: Axes) -> None:
        (across,) = self.axes
        shown = np.where(np.isfinite(self.values), self.values, np.nan)
        for place in across[~np.isfinite(self.values)]:
            axes.axvline(place, color=style.MISSING, lw=1.0, alpha=0.6)
        axes.plot(across, shown, color=style.BLUE, marker="o", ms=2.5)
        if np.isfinite(self.center):
            axes.plot(0, self.center, "+", color=style.INK, ms=11, mew=1.8)
        if self.path is not None:
            places = self.path[:, 0]
            heights = np.interp(places, across, shown)
            axes.plot(places, heights, "o", mfc="none", mec=style.ORANGE, ms=7, label="training")
            axes.legend()
        axes.set(xlabel=self._name(0), ylabel="loss")
        axes.grid(axis="y")

    def _name(self, number: int) -> str:
        if self.explained is None:
            return f"direction {number + 1}"
        share = style.percent(self.explained[number])
        return f"principal direction {number + 1} ({share} of the path)"


def landscape(
    model: Module | Evaluator,
    loss: Any = None,
    data: Any = None,
    directions: Sequence[Direction] | None = None,
    *,
    snapshots: Snapshots | Sequence[Weights] | None = None,
    extent: float | tuple[float, float] | None = None,
    points: int = 25,
    batch_size: int = 256,
    generator: random.Generator | None = None,
) -> Landscape:
    """The loss L(θ + a d₁ + b d₂) around the model's parameters θ, for `points` values of a and b.

    `model` and `loss` may be those of a Trainer: `landscape(trainer, data=data)`. `loss` may be a
    name, such as "cross_entropy". `data` is what `Trainer.fit` takes; its batches are loaded once
    and kept, and each point is the mean over all of them, so pass a part of a large data set. One
    direction gives a curve, two a plane. Without `directions` they are the principal ones of
    `snapshots`, or two random ones (`random_directions`). `extent` is the range of a and b; by
    default it is the range of the path and a fifth more, or from -1 to 1.

    The model is in evaluation mode: no dropout, and BatchNorm keeps its running statistics, which
    belong to θ (far from it, a training would have others). Afterwards model, loss and loader are
    bit for bit as before, also after an error, and so are the random numbers: random directions are
    those of `generator`, by default one with a fixed seed.

    It shows a plane of a space with as many dimensions as there are parameters: what looks convex
    here can curve down elsewhere. Compare landscapes of one kind of direction and extent only.
    Source: Li et al. (2018); one direction between two models: Goodfellow et al. (2015).

    >>> x = dl.linspace(-1, 1, 32).reshape(32, 1)
    >>> model = nn.Linear(1, 1)
    >>> found = landscape(model, nn.MSELoss(), (x, 2 * x), points=5)
    >>> found.values.shape, bool(np.isclose(found.values[2, 2], found.center)), found.path
    ((5, 5), True, None)
    >>> figure = found.plot()
    """
    if points < 2:
        raise ArgumentError(f"landscape: points must be 2 or more; got {points}")
    evaluator = _evaluator(model, loss)
    model, loss = evaluator.model, evaluator.loss
    if data is None:
        raise ArgumentError("landscape: the data on which the loss is measured are missing")
    explained = None
    weights = None if snapshots is None else _weights_of(snapshots)
    if directions is None and weights is not None:
        directions, explained = principal_directions(weights)
    elif directions is None:
        if generator is None:
            generator = random.Generator().manual_seed(0)
        directions = random_directions(model, generator=generator)
    if len(directions) not in (1, 2):
        raise ArgumentError(f"landscape: needs one or two directions; got {len(directions)}")
    parameters = dict(model.named_parameters())
    for what in (*directions, *(weights or ())):
        _check_fits(parameters, what)
    center = {name: p.array.astype(np.float64) for name, p in parameters.items()}
    path, captured = None, None
    if weights:
        path, captured = _projected(center, directions, weights)
    axes = tuple(
        np.linspace(*_range(extent, None if path is None else path[:, k]), points)
        for k in range(len(directions))
    )
    loader = make_loader(data, batch_size, shuffle=False, num_workers=0, where="landscape")
    values = np.empty([points] * len(axes))
    with untouched(model, loss, loader=loader, where="landscape"), no_grad():
        model.eval()
        if isinstance(loss, Module):
            loss.eval()
        kept = [evaluator._take(batch) for batch in loader]
        if not kept:
            raise ArgumentError(f"landscape: the data gave no batch{batches.why_empty(loader)}")
        here = _mean_loss(evaluator, kept)
        for place in product(range(points), repeat=len(axes)):
            _move(
                parameters,
                center,
                directions,
                [axis[i] for axis, i in zip(axes, place, strict=True)],
            )
            values[place[::-1]] = _mean_loss(evaluator, kept)
    return Landscape(values, axes, tuple(directions), here, path, captured, explained)


def _readable(
    figure: Figure, axes: Axes, plane: tuple[Any, ...], levels: Array, points: Array, how: Any
) -> list[float]:
    """The contour levels with labels apart from one another and from points, (n, 2).

    From the highest on: low ones enclose little.
    """
    lines = axes.contour(*plane, levels=levels, colors="none")
    # with their gaps, as they are drawn afterwards: places are chosen on what is left of a line
    found = [(float(text.get_text()), text) for text in axes.clabel(lines, **how)]
    figure.draw_without_rendering()
    taken: list[Any] = []
    places = axes.transData.transform(points)
    touching: set[float] = set()
    for height, text in sorted(found, key=lambda one: -one[0]):
        box = text.get_window_extent()
        is_covered = any(box.padded(4).contains(x, y) for x, y in places)
        if is_covered or any(box.overlaps(other) for other in taken):
            touching.add(height)
        else:
            taken.append(box)
    lines.remove()  # and its labels
    return [float(one) for one in levels if float(how["fmt"] % one) not in touching]


def _evaluator(model: Module | Evaluator, loss: Any) -> Evaluator:
    if isinstance(model, Evaluator):
        if loss is not None:
            raise ArgumentError(
                "landscape: this model brings its loss; pass the data by name, data=…, or the "
                "model itself with another loss"
            )
        return model
    if loss is None:
        raise ArgumentError(
            'landscape: with a model goes a loss, such as "cross_entropy"; a Trainer has its own'
        )
    return Evaluator(model, loss)


def _check_fits(parameters: Mapping[str, Any], given: Weights) -> None:
    """Raise ArgumentError for a direction or snapshot of another model."""
    wanted = {name: tuple(p.shape) for name, p in parameters.items()}
    found = {name: tuple(np.shape(value)) for name, value in given.items()}
    if wanted != found:
        name = next(n for n in (*wanted, *found) if wanted.get(n) != found.get(n))
        raise ArgumentError(
            "landscape: directions and snapshots must have an array for each parameter of the "
            f"model; {name!r} has shape {found.get(name, 'none')} there, and "
            f"{wanted.get(name, 'none')} in the model"
        )


def _projected(
    center: Weights, directions: Sequence[Direction], weights: Sequence[Weights]
) -> tuple[Array, float]:
    """Coordinates of snapshots (n, k) by least squares, and the share that they capture."""
    names = list(center)
    basis = np.stack([_flat({n: d[n] for n in names}) for d in directions], axis=1)
    away = np.stack([_flat({n: w[n] for n in names}) for w in weights], axis=1)
    away -= _flat(center)[:, None]
    coordinates = np.asarray(np.linalg.lstsq(basis, away, rcond=None)[0], np.float64)
    total = float((away**2).sum())
    left = float(((away - basis @ coordinates) ** 2).sum())
    return coordinates.T, 1 - left / total if total else 1.0


def _range(extent: float | tuple[float, float] | None, path: Array | None) -> tuple[float, float]:
    if isinstance(extent, tuple):
        low, high = extent
    elif extent is not None:
        low, high = -extent, extent
    elif path is None:
        low, high = -1.0, 1.0
    else:  # the model and the path are inside
        low, high = min(0.0, float(path.min())), max(0.0, float(path.max()))
        room = 0.2 * (high - low) or 1.0
        low, high = low - room, high + room
    if not low < high:
        raise ArgumentError(f"landscape: extent must be a range above zero; got {extent}")
    return low, high


def _move(
    parameters: Mapping[str, Any],
    center: Mapping[str, Array],
    directions: Sequence[Direction],
    place: Sequence[float],
) -> None:
    """Set the parameters to the center plus so much of each direction."""
    with np.errstate(all="ignore"):
        for name, p in parameters.items():
            moves = (a * d[name] for a, d in zip(place, directions, strict=True))
            p.array[...] = sum(moves, start=center[name])
            mark_mutated(p.array, "landscape")


def _mean_loss(evaluator: Evaluator, kept: Sequence[Batch]) -> float:
    """The mean loss over all samples."""
    mean = Mean("loss")
    for batch in kept:
        _, value = evaluator._loss_of(batch)
        loss = batches.per_sample(evaluator.loss, float(value.item()), batch.size)
        mean.update(loss, batch.size)
    return float(mean.compute())
