"""Where in an image a model looks: saliency, occlusion, Grad-CAM; and the feature maps of a layer.

Each function measures first, and `Attribution.plot` draws. The model is called in evaluation mode
and is afterwards as it was, gradients included.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlframe import random
from dlframe.autograd import enable_grad, grad, no_grad
from dlframe.errors import ArgumentError, ShapeError
from dlframe.nn import Module
from dlframe.nn import functional as F
from dlframe.nn.modes import evaluating
from dlframe.tensor import Tensor, to_array
from dlframe.tensor.creation import randn
from dlframe.viz import given, style, tiles
from dlframe.viz.parts import outputs_seen, part_of
from dlframe.viz.tiles import Caption

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dlframe.training.evaluator import Evaluator

Array = NDArray[Any]

MOST = 16  # images that are taken of a data set
AT_ONCE = 64  # covered images in one call of the model
OPACITY = 0.62  # of the colours over an image


@dataclass(frozen=True)
class Attribution:
    """How much each place of some images counts for the score of a class.

    `maps` (N, H, W) are the values of `method`, `images` (N, C, H, W) what was asked about,
    `target` (N,) the classes, `probability` (N,) what the model gave them.
    """

    method: str
    images: Array
    maps: Array
    target: NDArray[np.int64]
    probability: NDArray[np.float64]

    def plot(
        self,
        classes: Sequence[object] | None = None,
        *,
        mean: object = None,
        std: object = None,
        title: str | None = None,
        path: str | os.PathLike[str] | None = None,
    ) -> Figure:
        """Draw each image beside itself with its map as colours over it, dark to light.

        Each map is stretched to its own range. `mean` and `std` undo a normalization.
        """
        with style.house_style():
            count = len(self.images)
            rgb = tiles.as_rgb(given.images_of(self.images, self.method), mean, std)
            names = given.names(classes, int(self.target.max()) + 1, 18)
            captions = [
                Caption(names[c], f"{100 * p:.0f} %")
                for c, p in zip(self.target, self.probability, strict=True)
            ]
            pairs = [one for pair in zip(rgb, self._over(rgb), strict=True) for one in pair]
            both = [one for caption in captions for one in (caption, Caption(""))]
            columns = 2 * min(count, 4)
            layout = tiles.arrange(self.images.shape[2:], 2 * count, both, columns, 2.8)
            figure = style.new_figure(*layout.size, title or self.method)
            tiles.draw(
                style.canvas_in_inches(figure, layout.size[1]), np.stack(pairs), layout, both
            )
            return style.finish(figure, path)

    def _over(self, rgb: Array) -> Array:
        """The images in grey, under the colours of their maps."""
        import matplotlib as mpl

        low = self.maps.min(axis=(1, 2), keepdims=True)
        span = np.ptp(self.maps, axis=(1, 2), keepdims=True)
        shares = (self.maps - low) / np.where(span > 0, span, 1)
        grey = rgb.mean(axis=-1, keepdims=True)
        colours = mpl.colormaps["cividis"](shares)[..., :3]
        mixed: Array = OPACITY * colours + (1 - OPACITY) * grey
        return mixed


# --- three ways to ask -------------------------------------------------------------------------


def saliency(
    model: Module | Evaluator,
    images: object,
    target: object = None,
    *,
    noise: float = 0.0,
    samples: int = 1,
) -> Attribution:
    """The size of the gradient of a class's score with respect to each pixel.

    m = max over channels of |∂ s_c / ∂ x|: how much the score changes with the pixel. With `noise`
    it is the mean over `samples` images with normal noise of this deviation (SmoothGrad), which is
    less speckled.

    Args:
        model: from images (N, C, H, W) to scores (N, C), or (N,) or (N, 1) of two classes.
        images: (N, C, H, W), or what `sample_grid` takes; of a data set or loader the first 16.
        target: the class (N,) asked about; by default the one with the highest score.

    Simonyan et al., "Deep inside convolutional networks" (2014); Smilkov et al., "SmoothGrad"
    (2017).

    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    >>> found = saliency(model, dl.ones(1, 1, 2, 2), target=[1])
    >>> np.allclose(found.maps.ravel(), model[1].weight.detach().abs()[1])
    True
    """
    if samples < 1 or noise < 0:
        raise ArgumentError(
            f"saliency: samples must be 1 or more and noise 0 or more; got {samples} and {noise}"
        )
    model = _module(model, "saliency")
    x = _images(images, "saliency", model)
    with evaluating(model), random.fork_rng():
        classes, probability = _asked(model, x, target, "saliency")
        total = np.zeros((len(x), *x.shape[2:]))
        for _ in range(samples):
            noisy = x + np.float32(noise) * randn(*x.shape).array if noise else x
            at = Tensor(np.asarray(noisy, x.dtype)).requires_grad_()
            with enable_grad():
                score = _score_of(model(at), classes).sum()
                (g,) = grad(score, [at])
            total += np.abs(to_array(g)).max(axis=1)
    return Attribution("saliency", x, total / samples, classes, probability)


def occlusion(
    model: Module | Evaluator,
    images: object,
    target: object = None,
    *,
    size: int | None = None,
    stride: int | None = None,
    value: float | None = None,
) -> Attribution:
    """How much the probability of a class falls when a square of the image is covered.

    m at a pixel is the mean fall over all squares that cover it: positive where the model needs
    what is there. It needs no gradients.

    Args:
        model, images, target: as for `saliency`.
        size: pixels of the square's side, by default a quarter of the image's shorter side.
        stride: pixels from one square to the next, by default half of the size.
        value: what covers; by default the mean of each image's channel.

    Zeiler and Fergus, "Visualizing and understanding convolutional networks" (2014).

    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    >>> occlusion(model, dl.rand(2, 1, 4, 4), size=2).maps.shape
    (2, 4, 4)
    """
    model = _module(model, "occlusion")
    x = _images(images, "occlusion", model)
    height, width = x.shape[2:]
    size = max(1, min(height, width) // 4) if size is None else size
    stride = max(1, size // 2) if stride is None else stride
    if not 1 <= size <= min(height, width) or stride < 1:
        raise ArgumentError(
            f"occlusion: size must be from 1 to {min(height, width)} and stride 1 or more; got "
            f"size={size}, stride={stride}"
        )
    cover = x.mean(axis=(2, 3), keepdims=True)
    if value is not None:
        cover = np.full_like(cover, value)
    with evaluating(model), no_grad():
        classes, probability = _asked(model, x, target, "occlusion")
        falls, covers = np.zeros((len(x), height, width)), np.zeros((height, width))
        for squares in _in_parts(_squares(height, width, size, stride), max(1, AT_ONCE // len(x))):
            covered = np.repeat(x[None], len(squares), axis=0)
            for one, (rows, columns) in zip(covered, squares, strict=True):
                one[:, :, rows, columns] = cover
            output = model(Tensor(covered.reshape(-1, *x.shape[1:])))
            given = _probability_of(output, np.tile(classes, len(squares)))
            for fall, (rows, columns) in zip(
                probability - given.reshape(len(squares), -1), squares, strict=True
            ):
                falls[:, rows, columns] += fall[:, None, None]
                covers[rows, columns] += 1
    return Attribution("occlusion", x, falls / np.maximum(covers, 1), classes, probability)


def grad_cam(
    model: Module | Evaluator, images: object, layer: Module | str, target: object = None
) -> Attribution:
    """Which places of a layer's feature maps speak for a class.

    The maps A_k of the layer are weighted by the mean gradient that they get, and what speaks for
    the class is kept: m = ReLU(Σ_k a_k A_k), a_k = mean of ∂ s_c / ∂ A_k over the places. The
    result is stretched to the image's size. Later layers say more and see less sharply; the usual
    one is the last with places, before global pooling or flattening.

    Args:
        model, images, target: as for `saliency`.
        layer: a part of the model, or its name, whose output is (N, K, h, w).

    Selvaraju et al., "Grad-CAM" (2017).

    >>> model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))
    >>> grad_cam(model, dl.rand(2, 1, 4, 4), "1").maps.shape
    (2, 4, 4)
    """
    model = _module(model, "grad_cam")
    x = _images(images, "grad_cam", model)
    part, name = part_of(model, layer, "grad_cam")
    with evaluating(model):
        classes, probability = _asked(model, x, target, "grad_cam")
        with enable_grad(), outputs_seen(part) as seen:
            # an input that requires grad has gradients in all layers, also in frozen ones
            score = _score_of(model(Tensor(x.copy()).requires_grad_()), classes).sum()
            maps = _only_map(seen, name, "grad_cam")
            (g,) = grad(score, [maps], allow_unused=True)
    if g is None:
        raise ArgumentError(f"grad_cam: the scores do not depend on the output of {name!r}")
    weights = to_array(g).mean(axis=(2, 3), keepdims=True)
    found = np.maximum((weights * to_array(maps)).sum(axis=1, keepdims=True), 0)
    with no_grad():
        stretched = F.interpolate(
            Tensor(found), size=x.shape[2:], mode="bilinear", align_corners=False
        )
    return Attribution(f"Grad-CAM of {name}", x, to_array(stretched)[:, 0], classes, probability)


def feature_maps(
    model: Module | Evaluator,
    image: Any,
    layer: Module | str,
    *,
    limit: int = 64,
    columns: int | None = None,
    title: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw the maps that a layer makes of one image, one tile for each channel.

    Args:
        image: (C, H, W) or (H, W), an image of PIL, or a batch of one.
        layer: a part of the model, or its name, whose output is (1, K, h, w).
        limit: draw the first so many channels.

    Each map is stretched to its own range; a map that is the same everywhere is grey. The heading
    counts those: a channel that is zero for every image is dead.

    >>> model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU())
    >>> len(feature_maps(model, dl.rand(1, 8, 8), "0").axes[0].images)
    3
    """
    model = _module(model, "feature_maps")
    if isinstance(image, (Tensor, np.ndarray)) and image.ndim == 3:
        image = image[None]
    x = _images(image, "feature_maps", model)
    if len(x) != 1:
        raise ShapeError(f"feature_maps: one image, (C, H, W); got a batch of {len(x)}")
    part, name = part_of(model, layer, "feature_maps")
    with evaluating(model), no_grad(), outputs_seen(part) as seen:
        model(Tensor(x))
        maps = to_array(_only_map(seen, name, "feature_maps"))[0]
    flat = int((np.ptp(maps, axis=(1, 2)) == 0).sum())
    with style.house_style():
        shown = maps[:limit, None]
        layout = tiles.arrange(shown.shape[2:], len(shown), [], columns, 2.8)
        some = f"the first {limit} of {len(maps)}" if len(maps) > limit else f"{len(maps)}"
        remark = f"{some} maps of {maps.shape[1]} × {maps.shape[2]}"
        if flat:
            remark += f", {flat} the same everywhere"
        figure = style.new_figure(*layout.size, title or f"{name}, {type(part).__name__}", remark)
        axes = style.canvas_in_inches(figure, layout.size[1])
        tiles.draw(axes, tiles.as_rgb(shown, per_image=True), layout, [])
        return style.finish(figure, path)


# --- the model ---------------------------------------------------------------------------------


def _module(model: Any, where: str) -> Module:
    """The model, which may be that of a Trainer."""
    if not given.is_model(model):
        raise TypeError(f"{where}: expected a model (Module); got {type(model).__name__}")
    return model if isinstance(model, Module) else model.model


def _images(images: Any, where: str, model: Module) -> Array:
    """Images (N, C, H, W) as the model takes them."""
    if given.is_data(images):
        array = given.samples_of(images, MOST, where).images
    else:
        array = given.images_of(images, where, any_channels=True)
    if not len(array):
        raise ShapeError(f"{where}: there are no images; got {array.shape}")
    return given.floats_of(array, model)


def _asked(
    model: Module, x: Array, target: object, where: str
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The classes asked about, and their probabilities."""
    with no_grad():
        output = model(Tensor(x))
    count = _columns(output, where)
    if target is None:
        scores = to_array(output)
        chosen = scores.argmax(axis=1) if count > 1 else (scores.reshape(-1) > 0).astype(np.int64)
    else:
        chosen = to_array(target).astype(np.int64).reshape(-1)
        chosen = np.broadcast_to(chosen, len(x)) if chosen.size == 1 else chosen
        if chosen.shape != (len(x),) or chosen.min() < 0 or chosen.max() >= max(count, 2):
            raise ArgumentError(
                f"{where}: target must be a class from 0 to {max(count, 2) - 1} for each of the "
                f"{len(x)} images; got {to_array(target).tolist()}"
            )
    return chosen, _probability_of(output, chosen)


def _columns(output: Any, where: str) -> int:
    if isinstance(output, Tensor) and output.ndim == 2:
        return int(output.shape[1])
    if isinstance(output, Tensor) and output.ndim == 1:
        return 1
    shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
    raise ShapeError(f"{where}: the model must give scores (N, C), (N, 1) or (N,); got {shape}")


def _score_of(output: Tensor, classes: NDArray[np.int64]) -> Tensor:
    """The score of each sample's class; of one score, minus it is the score of class 0."""
    if output.ndim == 2 and output.shape[1] > 1:
        chosen: Tensor = output[np.arange(len(classes)), classes]
        return chosen
    signs = Tensor(np.where(classes == 1, 1, -1).astype(output.array.dtype))
    signed: Tensor = output.reshape(-1) * signs
    return signed


def _probability_of(output: Tensor, classes: NDArray[np.int64]) -> NDArray[np.float64]:
    with no_grad():
        if output.ndim == 2 and output.shape[1] > 1:
            p = F.softmax(output, dim=1)[np.arange(len(classes)), classes]
        else:
            p = _score_of(output, classes).sigmoid()
    return to_array(p).astype(np.float64)


def _only_map(seen: list[Any], name: str, where: str) -> Tensor:
    if not seen:
        raise ArgumentError(f"{where}: the model did not call {name!r}")
    found = seen[-1]
    if not isinstance(found, Tensor) or found.ndim != 4:
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise ShapeError(
            f"{where}: the output of {name!r} must be maps (N, K, h, w); got {shape}. Choose a "
            "layer before pooling to one place and before flattening"
        )
    return found


# --- squares -----------------------------------------------------------------------------------


def _squares(height: int, width: int, size: int, stride: int) -> list[tuple[slice, slice]]:
    """Squares that cover all of the image; the last of a row or column ends with it."""
    rows, columns = (
        sorted({*range(0, length - size, stride), length - size}) for length in (height, width)
    )
    return [(slice(r, r + size), slice(c, c + size)) for r in rows for c in columns]


def _in_parts(items: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
