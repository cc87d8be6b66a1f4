"""What the networks for digits learn, drawn; and one training beside itself, written three ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import nn, optim, random
from dlframe.autograd import no_grad
from dlframe.study.experiments.mnist.networks import (
    BATCH,
    MEAN,
    NETWORKS,
    SPREAD,
    accuracy,
    divided,
)
from dlframe.study.explanation import Part
from dlframe.study.results import Results
from dlframe.study.seeds import Seeds
from dlframe.tensor import Tensor
from dlframe.tensor.creation import randperm

if TYPE_CHECKING:
    from matplotlib.axes import Axes

IMAGES = {"50 units": (20_000, 2), "CNN": (15_000, 1)}  # how many to train on, and how often

LINES = {
    "The scores": {
        "a loop": "model(x)",
        "by hand": "scores = second.forward(np.maximum(hidden, 0))",
    },
    "The loss": {
        "fit": '"cross_entropy"',
        "a loop": "loss = nn.functional.cross_entropy(model(x), y)",
        "by hand": "loss = -logarithms[rows, y].mean()",
    },
    "Its gradient": {
        "a loop": "loss.backward()",
        "by hand": "g = np.exp(logarithms); g[rows, y] -= 1; g /= len(x)",
    },
    "The gradients of weights, and the step": {
        "fit": "optim.SGD(model.parameters(), lr=0.1)",
        "a loop": "optimizer.step()",
        "by hand": "first.backward(second.backward(g, 0.1) * (hidden > 0), 0.1)",
    },
    "Over all batches and epochs": {
        "fit": "history = trainer.fit(loader, epochs=epochs, progress=False)",
        "a loop": "for x, y in loader:",
        "by hand": "for images, labels in loader:",
    },
}
"""What each way writes for the same thing; a test looks for these lines in the functions."""


def parts(found: Mapping[str, Results]) -> list[Part]:
    """The pictures of the page, from two short trainings with seed 0."""
    defaults = found["mnist"].study.defaults
    train, _, test = divided(defaults["data"], defaults["root"], Seeds(0).split)
    simple, cnn = (trained(name, train) for name in IMAGES)
    return [
        weights(simple),
        filters(cnn, test[0]),
        mistakes(cnn, test),
        *([three(found["ways"])] if "ways" in found else []),
    ]


def trained(name: str, train: tuple[Tensor, Tensor]) -> nn.Sequential:
    """A network after a short training on a part of the images."""
    count, epochs = IMAGES[name]
    x, y = (part[:count] for part in train)
    random.manual_seed(Seeds(0).weights)
    model = NETWORKS[name](x[0].numel())
    descent = optim.SGD(model.parameters(), lr=0.1)
    random.manual_seed(Seeds(0).order)
    for _ in range(epochs):
        for batch in randperm(len(x)).split(BATCH):
            loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
            descent.zero_grad()
            loss.backward()
            descent.step()
    model.eval()
    return model


# --- pictures ----------------------------------------------------------------------------------


def weights(simple: nn.Sequential) -> Part:
    """The weights of the first layer as images."""
    from dlframe.viz import filters_grid

    return Part(
        "What each of the 50 units looks for",
        "Each tile has the weights of one unit, laid out as the pixels that they belong to: light "
        "where ink speaks for the unit, dark where ink speaks against it. The unit says a large "
        "number for an image that has ink where the tile is light, and none where it is dark. They "
        "are no digits, but strokes and gaps: what tells one digit from another. Pixels at the "
        "edge are the same in nearly all images, so their weights stay what they were at the "
        "start, which is random and small.",
        filters_grid(simple, columns=10, title="Weights of the first layer"),
        "50 tiles of the size of an image, with light and dark spots and bands.",
    )


def filters(cnn: nn.Sequential, images: Tensor) -> Part:
    """The kernels of the first convolution, and what they make of one image."""
    from dlframe.viz import style

    first = next(layer for layer in cnn if isinstance(layer, nn.Conv2d))
    with no_grad():
        maps = first(images[:1])[0].numpy()
    kernels = first.weight.detach().numpy()[:, 0]
    with style.house_style():
        figure = style.new_figure(
            8.4, 4.6, "16 filters", "Each with what it makes of the digit on the left; grey is 0"
        )
        style.lay_out(figure, 4.6)
        grid = figure.subplots(4, 9)
        _tile(grid[0, 0], images[0, 0].numpy(), "Greys")
        for axes in grid[1:, 0]:
            axes.set_axis_off()
        for kernel, answer, place in zip(kernels, maps, np.ndindex(2, 8), strict=True):
            row, column = place
            _tile(grid[2 * row, column + 1], kernel, "gray")
            _tile(grid[2 * row + 1, column + 1], answer, "gray")
        style.finish(figure, None)
    return Part(
        "The filters of the convolutional network",
        "A filter has 3 × 3 weights, and its map is `Σ w·x + b` at every place of the image: light "
        "where the image looks like the filter, dark where it looks like the opposite. A filter "
        "that is light on one side and dark on the other answers to edges of one direction, and "
        "one that is light all over to ink as such. The second convolution looks at these maps in "
        "the same way, 16 at a time, and so finds corners, crossings and ends of strokes.",
        figure,
        "One digit, and 16 small filters above their maps, in which strokes or their edges are "
        "light or dark.",
    )


def _tile(axes: Axes, values: Any, colours: str) -> None:
    """An image; those with both signs have 0 in the middle of the scale."""
    top = float(np.abs(values).max()) or 1.0
    low = float(values.min()) if colours == "Greys" else -top
    axes.imshow(values, cmap=colours, vmin=low, vmax=top, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def mistakes(cnn: nn.Sequential, test: tuple[Tensor, Tensor]) -> Part:
    """The test images that the network reads wrongly, the most certain first."""
    from dlframe.viz import mistakes_grid

    x, y = test
    with no_grad():
        scores = np.concatenate([cnn(x[i : i + 500]).numpy() for i in range(0, len(x), 500)])
    share = accuracy(cnn, x, y)
    return Part(
        "Mistakes",
        f"After a short training on {IMAGES['CNN'][0]:,} images at most, this network reads "
        f"{100 * share:.1f} % of the test images. The others are here, those first of which it is "
        "most certain. With some, people hesitate as well: a stroke is missing, or joins where it "
        "should not. With others it is plain what they are; nothing in the training was like them.",
        mistakes_grid(
            x, scores, y, scores="logits", limit=24, columns=8, mean=MEAN, std=SPREAD,
            title="Mistakes of the convolutional network",
        ),
        "Digits that were misread, each with the predicted and the true class, and how certain the "
        "network was.",
    )  # fmt: skip


# --- three ways --------------------------------------------------------------------------------


def three(ways: Results) -> Part:
    """The lines of each way, and how far their results agree."""
    text = ["What the ways write for the same thing. What a way does not write, the library does."]
    for what, lines in LINES.items():
        written = "; ".join(f"{way}: `{line}`" for way, line in lines.items())
        text.append(f"{what} \N{EN DASH} {written}.")
    names = ("loss", "size of weights", "test_accuracy")
    values = {name: ways.values(name) for name in names if name in ways.measures()}
    rows = [[arm, *(f"{found[arm][0]:.9g}" for found in values.values())] for arm in ways.arms]
    text.append("The table has the numbers of the first seed with all their digits.")
    columns = ("way", *values)
    return Part("One training, three ways to write it", "\n\n".join(text), table=(columns, rows))
