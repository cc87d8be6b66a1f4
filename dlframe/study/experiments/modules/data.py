"""The images that perceptrons learn, and the small movements that make new images of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe import nn, random
from dlframe.data.datasets import CIFAR10, MNIST, Digits
from dlframe.errors import ArgumentError
from dlframe.nn import functional as F
from dlframe.study.seeds import Seeds
from dlframe.tensor import Tensor
from dlframe.tensor.creation import rand, randint, randperm
from dlframe.tensor.functions import stack

POOL = 10_000  # images of MNIST and CIFAR-10 of which some are drawn for each seed
MOST = 2400  # images for training and validation together: a run takes a second
CLASSES = 10

Pair = tuple[Tensor, Tensor]


@functools.cache
def read(data: str, root: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Images (n, c, h, w) of mean 0 and standard deviation 1, and labels; then of the test.

    Those of CIFAR-10 are halved in height and width.

    Raises:
        ArgumentError: data that are not known.
    """
    sets: dict[str, Callable[[bool], Any]] = {
        "digits": lambda train: Digits(train=train),
        "mnist": lambda train: MNIST(root, train=train),
        "cifar10": lambda train: CIFAR10(root, train=train),
    }
    if data not in sets:
        raise ArgumentError(f"study modules: data is one of {', '.join(sets)}; got {data!r}")
    parts = [sets[data](True), sets[data](False)]
    images = [_channels(part.data[:POOL]) for part in parts]
    mean, spread = float(images[0].mean()), float(images[0].std())
    labels = [Tensor(np.array(part.targets[:POOL]).astype(np.int64)) for part in parts]
    x, x_test = ((part - mean) / spread for part in images)
    return x, labels[0], x_test, labels[1]


def _channels(images: Any) -> Tensor:
    pixels = np.asarray(images, np.float32)
    if pixels.ndim == 3:
        pixels = pixels[:, None]
    elif pixels.shape[-1] == 3:
        pixels = pixels.transpose(0, 3, 1, 2)
        return F.avg_pool2d(Tensor(np.ascontiguousarray(pixels)), 2)
    return Tensor(pixels)


def divided(seeds: Seeds, data: str, root: str, images: int, wrong: float) -> tuple[Pair, Pair]:
    """Training and validation data, drawn anew for each seed.

    So many `images` to train on, or for 0 all that are left; a share of them have labels by chance.
    """
    x, y, _, _ = read(data, root)
    random.manual_seed(seeds.split)
    order = randperm(len(x))[:MOST]
    held = len(order) // 6
    val, train = order[:held], order[held:]
    train = train[: images or len(train)]
    labels = y[train]
    noisy = round(wrong * len(train))
    labels[:noisy] = randint(0, CLASSES, (noisy,))
    return (x[train], labels), (x[val], y[val])


# --- augmentation ------------------------------------------------------------------------------


class Moved(nn.Module):
    """In training, each image (n, c, h, w) turned, scaled and shifted a little; black around it.

    `extent` is the largest shift as a share of the image's side, the largest change of its size,
    and the largest turn in units of two radians (0.1 is 11 degrees).
    """

    def __init__(self, extent: float) -> None:
        super().__init__()
        self.extent = extent

    def forward(self, x: Tensor) -> Tensor:
        """The images, in evaluation as they are."""
        if not self.training:
            return x
        turn, size, right, down = (2 * self.extent * (2 * rand(4, len(x)) - 1)).unbind(0)
        size = 1 + size / 2
        cos, sin = size * turn.cos(), size * turn.sin()
        rows = [stack([cos, -sin, right], 1), stack([sin, cos, down], 1)]
        places = F.affine_grid(stack(rows, 1), list(x.shape), align_corners=False)
        black = x.min()  # what grid_sample puts around an image is 0
        moved: Tensor = F.grid_sample(x - black, places, align_corners=False) + black
        return moved

    def extra_repr(self) -> str:
        return f"extent={self.extent:g}"
