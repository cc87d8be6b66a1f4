"""What a convolutional network sees: images, filters, maps, and what augmentation makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import nn, random
from dlframe.autograd import no_grad
from dlframe.data import transforms
from dlframe.study.experiments.images.reading import Array, Read, names, some_images, undone
from dlframe.study.experiments.images.training import labels, pictures
from dlframe.study.explanation import Part
from dlframe.tensor import Tensor, to_array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 30  # images in a grid of samples
DRAWS = 11  # of one augmented photograph


def samples(model: Read, test: Any) -> Part:
    """The first test images."""
    from dlframe import viz

    kind = pictures(model.data)
    shape = f"{kind.side} × {kind.side} pixels" + (" in three colours" if kind.channels > 1 else "")
    text = (
        f"The first {SHOWN} of {len(test):,} test images, with their labels. Each has {shape}. The "
        "network gets the numbers of the pixels, less their mean over all training images and "
        "divided by their standard deviation, and nothing else."
    )
    figure = viz.sample_grid(
        some_images(test, SHOWN), labels(test)[:SHOWN], names(test), columns=10,
        **undone(model.data),
    )  # fmt: skip
    alt = f"A grid of {SHOWN} small images, each with the name of its class below."
    return Part(f"What is to be told apart ({model.study})", text, figure, alt)


def looked_for(model: Read) -> Part:
    """The filters of the first layer."""
    from dlframe import viz

    first = model.model[0]
    assert isinstance(first, nn.Conv2d)
    size = " × ".join(map(str, first.kernel_size))
    colours = (
        "With three weights for each place, a filter is shown in colour; grey is zero."
        if first.in_channels == 3
        else "Yellow weights are positive, blue ones negative, and grey is zero."
    )
    text = (
        f"A filter of the first layer is a small picture of {size} weights. It is laid over every "
        "place of the image, and its answer there is the sum of pixels times weights: high where "
        "the image looks like the filter. Before training the filters are noise; nobody told the "
        f"network what to look for. {colours} A filter with one sign on one side and the other "
        f"sign on the other answers to edges. {model.words}"
    )
    figure = viz.filters_grid(first, columns=8, title="The filters of the first layer")
    alt = "Small pictures of weights in rows, a tile for each filter."
    return Part(f"What the first layer looks for ({model.study})", text, figure, alt)


# --- shared weights ----------------------------------------------------------------------------


def sharing(model: Read, test: Any) -> list[Part]:
    """The first filters, and what they make of an image and of the same image elsewhere."""
    return [looked_for(model), moved(model, test)]


def moved(model: Read, test: Any) -> Part:
    """A moved image has moved maps; and how many weights that saves."""
    image = some_images(test, 1)
    by = max(1, pictures(model.data).side // 14)  # steps of the filters
    first = model.model[0]
    assert isinstance(first, nn.Conv2d)
    step = int(first.stride[0])
    other = image.roll(by * step, 3)
    with no_grad():
        before, after = (to_array(model.model[:2](x))[0] for x in (image, other))
    border = slice(by + 1, -1)  # what came in at the edge is another image
    difference = np.abs(np.roll(before, by, 2) - after)[:, :, border].max()
    text = (
        "The same weights are used at every place. So when the digit moves, its maps move with it "
        "and are otherwise the same: what the layer learned in one place it knows in all. A linear "
        "layer has weights of its own for each pixel and would have to learn the moved digit "
        "anew. Above are three maps of a digit, below those of the same digit, moved to the right "
        f"by {_count(by * step, 'pixel')}. In the maps that is {_count(by, 'place')}, since this "
        f"layer goes over the image in steps of {_count(step, 'pixel')}. Apart from the edges, the "
        f"largest difference between the moved maps and the maps of the moved digit is "
        f"{difference:.1g}.\n\n"
        "The table counts weights: those that a convolution has, and those of a linear layer with "
        "as many inputs and outputs."
    )
    alt = "A digit and three maps of it, and below the same, all moved to the right."
    return Part(f"How a convolution shares its weights ({model.study})", text,
                _maps(image, other, before, after), alt, _weights(model.model, image))  # fmt: skip


def _count(number: int, name: str) -> str:
    return f"{number} {name}" + ("s" if number != 1 else "")


def _maps(image: Tensor, moved: Tensor, before: Array, after: Array) -> Figure:
    """Two rows: an image and its strongest maps."""
    from dlframe import viz

    chosen = before.max(axis=(1, 2)).argsort()[::-1][:3]
    scale = before[chosen].max(axis=(1, 2), keepdims=True) + 1e-12
    tiles, names = [], []
    for x, maps, word in ((image, before, ""), (moved, after, ", moved")):
        pixels = to_array(x)[0, 0]
        tiles.append((pixels - pixels.min()) / np.ptp(pixels))
        names.append(f"image{word}")
        side = len(pixels) // before.shape[1]
        for number, one in zip(chosen, maps[chosen] / scale, strict=True):
            tiles.append(np.kron(one.clip(0, 1), np.ones((side, side))))
            names.append(f"map {number + 1}{word}")
    return viz.sample_grid(np.stack(tiles), names, columns=4)


def _weights(model: nn.Sequential, x: Tensor) -> tuple[Sequence[str], list[Sequence[object]]]:
    """The weights of each convolution, and of a linear layer in its place."""
    rows: list[Sequence[object]] = []
    with no_grad():
        for i, layer in enumerate(model):
            y = layer(x)
            if isinstance(layer, nn.Conv2d):
                own = sum(p.numel() for p in layer.parameters())
                dense = (x[0].numel() + 1) * y[0].numel()
                rows.append((f"{i}: {tuple(x.shape[1:])} to {tuple(y.shape[1:])}",
                             f"{own:,}", f"{dense:,}"))  # fmt: skip
            x = y
    return ("layer", "convolution", "linear"), rows


# --- augmentation ------------------------------------------------------------------------------


def augmented(model: Read, test: Any) -> list[Part]:
    """One image as augmentation shows it, the first filters, and what they make of the image."""
    return [versions(model, test), looked_for(model), maps(model, test)]


def versions(model: Read, test: Any) -> Part:
    """One image, and what the network may see in its place."""
    from dlframe import viz

    kind = pictures(model.data)
    image = to_array(some_images(test, 1))
    # the normalization comes last in training; of what is moved and mirrored it changes nothing
    changes = [s for s in kind.transform(augmented=True).transforms if _draws(s)]
    with random.fork_rng():
        random.manual_seed(0)
        drawn = [_applied(changes, _pixels(model, image)) for _ in range(DRAWS)]
    shown = np.concatenate([_pixels(model, image), *drawn])
    changed = float(np.mean([(one != shown[0]).mean() for one in shown[1:]]))
    mirrored = ", and half of the time it is mirrored" if kind.mirrored else ""
    text = (
        f"An image is moved by up to {_count(kind.side // 8, 'pixel')} in both directions"
        f"{mirrored}; what comes in at the edges is black. The first tile is the image itself, the "
        "others are what the network may see in its place, epoch after epoch. To a person they are "
        f"one image; but of the numbers that the network gets, {100 * changed:.0f} % have changed."
    )
    figure = viz.sample_grid(shown, ["as it is", *map(str, range(1, DRAWS + 1))], columns=6)
    alt = f"One image, and {DRAWS} versions of it, moved and some of them mirrored."
    return Part(f"What augmentation does ({model.study})", text, figure, alt)


def _draws(transform: Any) -> bool:
    return isinstance(transform, (transforms.RandomCrop, transforms.RandomHorizontalFlip))


def _applied(steps: Sequence[Any], images: Array) -> Array:
    x = Tensor(images)
    for step in steps:
        x = step.batch(x)
    return to_array(x)


def _pixels(model: Read, images: Array) -> Array:
    """Images (n, c, h, w) from 0 to 1 again, of normalized ones."""
    kind = pictures(model.data)
    mean, std = (np.array(v, np.float32).reshape(-1, 1, 1) for v in (kind.mean, kind.std))
    return np.asarray(np.clip(images * std + mean, 0, 1))


def maps(model: Read, test: Any) -> Part:
    """What the first layer hands on."""
    from dlframe import viz

    figure = viz.feature_maps(
        model.model, some_images(test, 1), model.model[2], columns=8,
        title="The first test image, as the first layer hands it on",
    )  # fmt: skip
    text = (
        "Each tile is the answer of one filter at all places, after batch normalization "
        "and ReLU: light where the filter found what it looks for, black where the answer is 0. "
        "The layers behind see these maps and not the image."
    )
    alt = "Maps of one image in grey; in each of them other places are light."
    return Part(f"What the first layer makes of an image ({model.study})", text, figure, alt)
