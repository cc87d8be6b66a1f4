"""What happens inside the networks of the disk problem, drawn."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlframe import nn, random
from dlframe.autograd import no_grad
from dlframe.data.datasets import Disk
from dlframe.study.experiments.disk.training import (
    CENTRE,
    SPREAD,
    Course,
    network,
    points,
    squared_error,
    trained,
)
from dlframe.study.explanation import Part
from dlframe.study.results import Results
from dlframe.study.seeds import Seeds
from dlframe.tensor import Tensor
from dlframe.tensor.creation import as_tensor

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[Any]

SIDE = 160  # places along each side of the square at which networks are asked
FRESH = 20_000  # points at which the errors of a demonstration are counted
RATES = {"SGD": 0.3, "Adam": 0.01}  # where no rate was chosen
PUBLISHED = {"SGD": "91.8 ± 6.4", "Adam": "97.6 ± 1.3"}


def parts(found: Mapping[str, Results]) -> list[Part]:
    """The pictures of the page, from its results and from three trainings with seed 0."""
    disk = found["disk"]
    sgd, adam, tanh = (
        demonstration(disk, *kind) for kind in (("SGD", "ReLU"), ("Adam", "ReLU"), ("Adam", "Tanh"))
    )
    return [
        reached(disk),
        *([owed(found)] if {"recipe", "recipe_adam"} <= found.keys() else []),
        *([learned(disk)] if disk.curves() else []),
        boundaries(sgd, adam),
        units(adam),
        corners(adam, tanh),
        paths(sgd, adam),
        misses(sgd, adam, tanh),
    ]


def demonstration(disk: Results, optimizer: str, activation: str) -> Course:
    """A training with seed 0, the squared error, and the rate that the study chose."""
    seeds, arm = Seeds(0), f"{optimizer}, {activation}, MSE"
    random.manual_seed(seeds.data)
    train = points()
    random.manual_seed(seeds.weights)
    return trained(
        network(activation), train, order=seeds.order, optimizer=optimizer, loss="MSE",
        lr=disk.chosen.get(arm, {}).get("lr", RATES[optimizer]), schedule="cosine", batch_size=5,
        epochs=disk.study.defaults["epochs"],
    )  # fmt: skip


# --- numbers -----------------------------------------------------------------------------------


def reached(disk: Results) -> Part:
    """The accuracies that were reached, beside those published for this problem."""
    tests, trains = disk.values("test_accuracy"), disk.values("accuracy")
    rows = [
        [arm, _percent(trains[arm]), _percent(tests[arm]), _wrong(trains[arm]), _wrong(tests[arm]),
         str(disk.of(arm)[0]["tuned"].get("lr", "–"))]
        for arm in disk.arms
    ]  # fmt: skip
    columns = ["arm", "training %", "test %", "wrong of 1,000, training", "test", "learning rate"]
    return Part(
        "Accuracies and errors",
        "Mean and standard deviation over the runs. For this network and the squared error, "
        f"{PUBLISHED['SGD']} % of the test points were published for SGD and {PUBLISHED['Adam']} % "
        "for Adam.",
        table=(columns, rows),
    )


def owed(found: Mapping[str, Results]) -> Part:
    """Test accuracy with and without each part of the recipe."""
    sgd, adam = (found[name].values("test_accuracy") for name in ("recipe", "recipe_adam"))
    rows = [[arm, _percent(sgd[arm]), _percent(adam[arm])] for arm in found["recipe"].arms]
    return Part(
        "What the recipe gives",
        "Network, loss and number of epochs are the same in all rows, and the learning rate was "
        "chosen anew for each. What varies is the schedule (a rate that falls to 0 along a cosine, "
        "or a constant one), the inputs (coordinates with mean 0 and standard deviation 1, or raw "
        "from 0 to 1) and the number of points in a batch. The first row is the recipe of `disk`. "
        f"Compare {PUBLISHED['SGD']} for SGD and {PUBLISHED['Adam']} for Adam, the published "
        "figures: within a column, only the way of training differs.",
        table=(["recipe", "SGD: test %", "Adam: test %"], rows),
    )


def _percent(values: Sequence[float]) -> str:
    numbers = 100 * np.array([v for v in values if np.isfinite(v)])
    if not numbers.size:
        return "–"
    spread = f" ± {numbers.std(ddof=1):.1f}" if numbers.size > 1 else ""
    return f"{numbers.mean():.1f}{spread}"


def _wrong(values: Sequence[float]) -> str:
    numbers = [1000 * (1 - v) for v in values if np.isfinite(v)]
    return f"{np.mean(numbers):.1f}" if numbers else "–"


def learned(disk: Results) -> Part:
    """Loss and errors through the epochs, with bands over the runs."""
    from dlframe.viz import compare

    curves = {arm: runs for arm, runs in disk.curves().items() if arm.endswith("ReLU, MSE")}
    figure = compare(
        curves or disk.curves(), names=["loss", "test_accuracy", "train_error", "test_error"],
        every_run=False, title="Loss and errors through the epochs",
    )  # fmt: skip
    return Part(
        "Through the epochs",
        "Lines are means over all runs, bands their 95 % intervals. The loss is the mean over the "
        "batches of an epoch, while the weights move; errors are shares of points on the wrong "
        "side after it. The rate falls to 0 along a cosine: at first large steps find the rough "
        "shape, and towards the end small ones settle it.",
        figure,
        "Four charts over the epochs: the loss, the accuracy on the test points, and the errors on "
        "training and test points, with a line and a band for SGD and for Adam.",
    )


# --- maps --------------------------------------------------------------------------------------


def _square(side: int = SIDE) -> Tensor:
    """Places in the unit square, row by row from below, as the network gets them."""
    marks = (np.arange(side) + 0.5) / side
    x, y = np.meshgrid(marks, marks)
    places = (np.stack([x.ravel(), y.ravel()], axis=1) - CENTRE) / SPREAD
    return as_tensor(places.astype(np.float32))


def _lead(model: nn.Module) -> Array:
    """How far the output for "inside" is above that for "outside", on the square."""
    with no_grad():
        output = model(_square()).numpy()
    lead: Array = (output[:, 1] - output[:, 0]).reshape(SIDE, SIDE)
    return lead


def _draw_sides(axes: Axes, lead: Array) -> None:
    """The area that a network takes for the disk, its boundary, and the true circle."""
    from dlframe.viz import style

    axes.imshow(
        lead > 0, extent=(0, 1, 0, 1), origin="lower", cmap=style.pale_scale(), vmin=0, vmax=1
    )
    _draw_lines(axes, lead)


def _draw_lines(axes: Axes, lead: Array) -> None:
    from dlframe.viz import style

    marks = (np.arange(SIDE) + 0.5) / SIDE
    if lead.min() < 0 < lead.max():
        axes.contour(marks, marks, lead, levels=[0.0], colors=style.BLUE, linewidths=1.8)
    angle = np.linspace(0, 2 * np.pi, 200)
    circle = 0.5 + Disk.radius * np.array([np.cos(angle), np.sin(angle)])
    axes.plot(*circle, color=style.INK, lw=1, linestyle=(0, (4, 3)))
    axes.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[], aspect="equal")
    axes.spines[:].set_visible(True)


def _figure(width: float, height: float, title: str, subtitle: str) -> Figure:
    from dlframe.viz import style

    figure = style.new_figure(width, height, title, subtitle)
    style.lay_out(figure, height)
    return figure


def boundaries(sgd: Course, adam: Course) -> Part:
    """The boundary of both networks at the start and after some epochs."""
    from dlframe.viz import style

    last = len(sgd.weights) - 1
    moments = sorted({0, 1, 2, last // 2, last} & set(range(last + 1)))
    with style.house_style():
        width = max(4.4, 1.75 * len(moments))
        figure = _figure(width, 4.1, "The boundary through the epochs", "dashed: the true circle")
        grid = figure.subplots(2, len(moments), squeeze=False)
        for row, (name, course) in zip(grid, {"SGD": sgd, "Adam": adam}.items(), strict=True):
            for axes, moment in zip(row, moments, strict=True):
                course.model.load_state_dict(course.weights[moment])
                _draw_sides(axes, _lead(course.model))
                axes.set_title("start" if moment == 0 else f"after {moment}", size=9)
            row[0].set_ylabel(name)
        style.finish(figure, None)
    return Part(
        "The boundary through the epochs",
        "Shaded is what the network takes for the disk. Both begin with the same random weights. A "
        "first pass over the points finds that the middle differs from the corners; the later "
        "passes, with a smaller and smaller rate, move the boundary onto the circle.",
        figure,
        "Squares in two rows, SGD and Adam: the shaded area and its boundary at the start and "
        "after some epochs, with the true circle dashed.",
    )


def activations(model: nn.Sequential, x: Tensor) -> list[Array]:
    """What the units of each hidden layer say: (points, units)."""
    found = []
    with no_grad():
        for layer in model:
            x = layer(x)
            if not isinstance(layer, nn.Linear):
                found.append(x.numpy())
    return found


def units(course: Course) -> Part:
    """Every hidden unit as a map over the square."""
    from dlframe.viz import style

    course.model.load_state_dict(course.weights[-1])
    side = 48
    layers = activations(course.model, _square(side))
    dead = [int((layer.max(axis=0) == 0).sum()) for layer in layers]
    with style.house_style():
        figure = _figure(
            8.4, 3.2, "What each hidden unit says", "white: 0; dark: its largest value"
        )
        for number, (axes, layer) in enumerate(zip(figure.subplots(1, 3), layers, strict=True), 1):
            axes.set_facecolor(style.MUTED)  # of the gaps, which are NaN
            axes.imshow(_mosaic(layer, side), cmap=style.blue_scale(), vmin=0, vmax=1)
            axes.set(xticks=[], yticks=[], title=f"layer {number}")
            axes.spines[:].set_visible(False)
        style.finish(figure, None)
    return Part(
        "Each hidden unit's map",
        "A tile is the unit square, and its shade what one unit says there; the network is the one "
        "that Adam trained. A unit of the first layer is `relu(w·x + b)`: 0 on one side of a "
        "straight line, and rising from it on the other. The second layer adds such slopes up and "
        "cuts the sum off at 0 again, so that its areas have corners. The third does the same with "
        "those, and the more the training has learned, the more its tiles look like the disk or "
        "like what is outside of it: then the two outputs only need to add them up.\n\n"
        "A tile that is white all over is a dead unit, which says 0 everywhere in the square. No "
        "gradient passes through it, so only changes in the layers before it could bring it back. "
        f"The three layers have {', '.join(map(str, dead))} of 25.",
        figure,
        "Three mosaics of 25 tiles, a layer each: straight edges in the first layer, bent areas in "
        "the second, and in the third areas that are like the disk or like its outside.",
    )


def _mosaic(layer: Array, side: int) -> Array:
    """The units' maps, five in a row, with gaps; each is divided by its largest value."""
    gap, count = 3, 5
    found = np.full((count * (side + gap) - gap,) * 2, np.nan)
    for unit in range(min(layer.shape[1], count * count)):
        top, left = ((side + gap) * place for place in divmod(unit, count))
        values = layer[:, unit].reshape(side, side)[::-1]
        found[top : top + side, left : left + side] = values / (values.max() or 1)
    return found


def corners(relu: Course, tanh: Course) -> Part:
    """The boundaries of ReLU and tanh, with the pieces on which ReLU is linear."""
    from dlframe.viz import style

    with style.house_style():
        figure = _figure(7.6, 4.0, "Corners and curves", "blue: the boundary; dashed: the circle")
        panels = figure.subplots(1, 2)
        for axes, (name, course) in zip(panels, {"ReLU": relu, "tanh": tanh}.items(), strict=True):
            course.model.load_state_dict(course.weights[-1])
            lead = _lead(course.model)
            if name == "ReLU":
                edges = _edges(activations(course.model, _square()))
                axes.imshow(edges, extent=(0, 1, 0, 1), origin="lower", cmap="Greys", vmax=3)
            marks = (np.arange(SIDE) + 0.5) / SIDE
            levels = np.unique(np.linspace(lead.min(), lead.max(), 7))
            if len(levels) > 1:
                axes.contour(
                    marks,
                    marks,
                    lead,
                    levels=levels,
                    colors="#8b99a8",
                    linewidths=0.7,
                    linestyles="solid",
                )
            _draw_lines(axes, lead)
            axes.set_title(name)
        style.finish(figure, None)
    return Part(
        "ReLU has corners, tanh has none",
        "A network of ReLUs is linear as long as no unit changes between 0 and positive. The "
        "shaded lines are the places where some unit does: they cut the square into pieces, on "
        "each of which the output is a plane. The boundary is therefore a polygon, whose corners "
        "lie on these lines; where many pieces are small it looks round. With tanh there are no "
        "pieces, and boundary and contour lines (grey) are smooth curves.",
        figure,
        "Two squares. With ReLU a net of straight lines cuts the square into pieces and the "
        "boundary is a polygon near the circle; with tanh all lines are smooth.",
    )


def _edges(layers: Sequence[Array]) -> Array:
    """1 where the next place to the right or above has other units that are 0, else 0."""
    on = np.concatenate([layer > 0 for layer in layers], axis=1).reshape(SIDE, SIDE, -1)
    edges = np.zeros((SIDE, SIDE))
    edges[:, :-1] += (on[:, 1:] != on[:, :-1]).any(axis=2)
    edges[:-1] += (on[1:] != on[:-1]).any(axis=2)
    return edges.clip(0, 1)


# --- paths and errors --------------------------------------------------------------------------


def paths(sgd: Course, adam: Course) -> Part:
    """The ways of both optimizers over the loss, in the plane that shows most of them."""
    from dlframe.viz import landscape, principal_directions, style
    from dlframe.viz.trajectories import log_levels

    both = [*sgd.weights, *adam.weights]
    directions, shares = principal_directions(both)
    random.manual_seed(Seeds(0).data)
    adam.model.load_state_dict(adam.weights[-1])
    plane = landscape(
        adam.model, squared_error, points(), directions, snapshots=both, points=21, batch_size=1000
    )
    assert plane.path is not None  # snapshots were given
    across, up = plane.axes
    ways = {"SGD": plane.path[: len(sgd.weights)], "Adam": plane.path[len(sgd.weights) :]}
    looks: dict[str, dict[str, Any]] = {
        "SGD": {"color": style.BLUE, "marker": "o"},
        "Adam": {"color": style.ORANGE, "marker": "^", "linestyle": (0, (5, 1.6))},
    }
    with style.house_style():
        subtitle = f"The plane holds {style.percent(sum(shares))} of both paths' spread"
        figure = _figure(5.6, 4.6, "Two paths over one loss", subtitle)
        axes, levels = figure.subplots(), log_levels(plane.values)
        if len(levels) > 1:
            style.shade_between(axes, across, up, plane.values, levels)
            axes.contour(across, up, plane.values, levels=levels, colors="#8b99a8", linewidths=0.7)
        for name, way in ways.items():
            axes.plot(*way.T, lw=1.5, ms=4.5, label=name, **looks[name])
        axes.plot(*plane.path[0], "o", ms=10, mfc="none", mec=style.INK, label="start")
        axes.set(xlabel="principal direction 1", ylabel="principal direction 2")
        axes.legend(loc="best")
        style.finish(figure, None)
    return Part(
        "Paths of the loss",
        "Points are the weights after each epoch, seen in the plane in which both paths differ "
        "most; lines join places of equal loss (the mean squared error on the training points), "
        "and white is low. Both start in the same place. SGD moves by `-lr·g`, so that it goes far "
        "only where the gradient is large. Adam divides by the gradient's own size, "
        "`-lr·m/(√v + ε)`: every weight moves by about the rate in each step, also those with "
        "small gradients. So the two arrive in different places. That need not make one of them "
        "worse, since many networks draw the same circle.\n\n"
        "The plane is a thin cut through a space with a dimension for each weight. Away from a "
        "path, the contour lines are those of the plane, and not of what the path itself saw.",
        figure,
        "Contour lines of the loss in a plane, with the paths of SGD and Adam: both begin at the "
        "ring and end apart.",
    )


def misses(sgd: Course, adam: Course, tanh: Course) -> Part:
    """The share of fresh points on the wrong side, by their distance from the circle."""
    from dlframe.viz import style
    from dlframe.viz.looks import looks_of

    random.manual_seed(Seeds(0).stream("own_fresh"))
    fresh = Disk(FRESH)
    x, y = fresh.data, fresh.targets.numpy()
    distance = np.abs(np.hypot(*(x.numpy().astype(np.float64) - 0.5).T) - Disk.radius)
    marks = np.linspace(0, 0.1, 11)
    courses = {"SGD, ReLU": sgd, "Adam, ReLU": adam, "Adam, tanh": tanh}
    looks, rows = looks_of(courses), []
    with style.house_style():
        figure = _figure(6.2, 3.4, "Where the errors are", f"{FRESH:,} fresh points")
        axes = figure.subplots()
        for name, course in courses.items():
            course.model.load_state_dict(course.weights[-1])
            with no_grad():
                wrong = course.model((x - CENTRE) / SPREAD).argmax(dim=1).numpy() != y
            shares = [
                100 * float(wrong[(low <= distance) & (distance < high)].mean())
                for low, high in itertools.pairwise(marks)
            ]
            near = float((distance[wrong] < 0.02).mean()) if wrong.any() else 0.0
            rows.append([name, f"{100 * wrong.mean():.2f} %", f"{100 * near:.0f} %"])
            axes.plot(0.5 * (marks[:-1] + marks[1:]), shares, label=name, **looks[name])
        axes.set(
            xlabel="distance from the circle", ylabel="wrong, %", xlim=(0, 0.1), ylim=(0, None)
        )
        axes.grid(axis="y")
        axes.legend()
        style.finish(figure, None)
    return Part(
        "Errors by distance from the circle",
        "Points close to the circle are wrong most often. Among 1,000 points a nearest neighbour "
        "is on average 0.016 away (`0.5/√n` in a square of side 1), so little tells the network "
        "more exactly than this where the boundary is. The last column says which part of the "
        "errors lies in this zone: where it is nearly all of them, the shape is learned, and only "
        "more points for training could say where the circle is exactly.",
        figure,
        "A line for each of three networks: the share of points on the wrong side is largest right "
        "at the circle and falls quickly with the distance.",
        (["network", "wrong", "of these within 0.02 of the circle"], rows),
    )
