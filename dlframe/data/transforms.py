"""Transforms of images, with torchvision's names; each works on one sample and on a whole batch.

A transform is called with a sample: a PIL image, an ndarray (height, width[, channels]) as image
files have it, or a Tensor ([channels,] height, width). Its method `batch(x)` does the same to many
samples in one array operation; x is an ndarray (n, height, width[, channels]) or a Tensor (n,
channels, height, width). A data set whose transform has that method (`batchable`) is fetched batch
by batch, and the numbers are the same either way.

Inside a loader, random transforms draw from the stream of the sample (`dlframe.data.stream`), so
the result for a sample does not depend on workers, batches or interruptions. Outside a loader they
draw from the default generator, as torchvision's transforms draw from PyTorch's.

A transform of your own is any callable. If it can work on whole batches, give it a `batch` method,
and draw its random numbers from `dlframe.data.sample_generator`.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlframe import random
from dlframe.base.quiet import quiet
from dlframe.data.stream import current_draws
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.tensor import Tensor

__all__ = [
    "CenterCrop",
    "Compose",
    "Flatten",
    "Lambda",
    "Normalize",
    "Pad",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomVerticalFlip",
    "ToTensor",
    "batchable",
]

Array = np.ndarray[Any, Any]


def batchable(transform: Any) -> bool:
    """Whether a transform has a `batch` method that means the same as calling it.

    If a subclass overrides only `__call__`, its meaning has changed, so the inherited `batch` is
    ignored.

    >>> batchable(Compose([ToTensor(), Flatten()])), batchable(Compose([ToTensor(), abs]))
    (True, False)
    """
    if isinstance(transform, Compose) and type(transform).__call__ is Compose.__call__:
        return all(batchable(inner) for inner in transform.transforms)
    if isinstance(transform, Lambda):
        return transform.batch_lambd is not None
    if not callable(getattr(transform, "batch", None)):
        return False
    for cls in type(transform).__mro__:
        if "batch" in vars(cls):
            return True
        if "__call__" in vars(cls):
            return False
    return False


class Compose:
    """One transform after the other.

    >>> import numpy as np
    >>> image = np.full((2, 2), 255, np.uint8)
    >>> Compose([ToTensor(), Normalize((0.5,), (0.5,)), Flatten()])(image).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = transforms

    def __call__(self, x: Any) -> Any:
        for transform in self.transforms:
            x = transform(x)
        return x

    def batch(self, x: Any) -> Any:
        fresh = False  # whether x is memory made by the step before, which nothing else uses
        for transform in self.transforms:
            if fresh and type(transform) is Normalize:
                x = transform.normalize_(x)  # a third of the time of writing to new memory
            else:
                x = transform.batch(x)  # type: ignore[attr-defined] # batchable() looked
            fresh = type(transform) in {ToTensor, Normalize}
        return x

    def __repr__(self) -> str:
        inner = "".join(f"\n    {transform}" for transform in self.transforms)
        return f"Compose({inner}\n)"


class ToTensor:
    """An image as a float32 Tensor (channels, height, width) in [0, 1].

    A PIL image, or an ndarray (height, width[, channels]); uint8 is divided by 255, other dtypes
    are kept as they are. Raises DTypeError for anything else, ShapeError for an array of other than
    2 or 3 dimensions.

    >>> import numpy as np
    >>> ToTensor()(np.zeros((4, 6, 3), np.uint8)).shape == (3, 4, 6)
    True
    """

    def __call__(self, x: Any) -> Tensor:
        if isinstance(x, Tensor):
            raise DTypeError(
                "ToTensor: x should be a PIL image or an ndarray, and is a Tensor already; got "
                f"shape {tuple(x.shape)}. Leave ToTensor() out"
            )
        array = _image_array(x) if _is_pil(x) else x
        if not isinstance(array, np.ndarray):
            raise DTypeError(
                f"ToTensor: x should be a PIL image or an ndarray; got {type(x).__name__}"
            )
        if array.ndim not in {2, 3}:
            raise ShapeError(
                "ToTensor: x should have 2 or 3 dimensions (height, width[, channels]); got shape "
                f"{array.shape}"
            )
        return Tensor(_unit_range(array[..., None] if array.ndim == 2 else array))

    def batch(self, x: Array) -> Tensor:
        if not isinstance(x, np.ndarray) or x.ndim not in {3, 4}:
            raise ShapeError(
                "ToTensor.batch: x should be an ndarray (n, height, width[, channels]); got "
                f"{type(x).__name__} of shape {getattr(x, 'shape', None)}"
            )
        return Tensor(_unit_range(x[..., None] if x.ndim == 3 else x))

    def __repr__(self) -> str:
        return "ToTensor()"


def _unit_range(images: Array) -> Array:
    """(…, height, width, channels) to (…, channels, height, width); uint8 to float32 in [0, 1]."""
    dtype = np.dtype(np.float32) if images.dtype == np.uint8 else images.dtype
    out = np.array(np.moveaxis(images, -1, -3), dtype=dtype, order="C")
    if images.dtype == np.uint8:
        out /= np.float32(255)
    return out


class Normalize:
    """(x - mean) / std, channel by channel, for a float Tensor or array (…, channels, height,
    width).

    One number for all channels may be given. Raises ArgumentError for a std of 0, DTypeError for
    integers.

    >>> import dlframe as dl
    >>> Normalize([0.5, 0.0], [2.0, 1.0])(dl.ones(2, 1, 1)).tolist()
    [[[0.25]], [[1.0]]]
    """

    def __init__(
        self, mean: float | Sequence[float], std: float | Sequence[float], inplace: bool = False
    ) -> None:
        self.mean = mean
        self.std = std
        self.inplace = inplace

    def __call__(self, x: Any) -> Any:
        if self.inplace:
            return self.normalize_(x)
        array = self._checked(x)
        out = self._into(array, np.empty_like(array))
        return Tensor(out) if isinstance(x, Tensor) else out

    def batch(self, x: Any) -> Any:
        return self(x)

    def normalize_(self, x: Any) -> Any:
        """The same in x's own memory; returns x."""
        array = self._checked(x)
        self._into(array, array)
        return x

    @quiet
    def _into(self, array: Array, out: Array) -> Array:
        mean, std = self._constants(array)
        if array.ndim > 3:
            # for each image all its constants: one loop over it, and not one for each channel
            mean, std = (np.tile(one, (1, *array.shape[-2:])) for one in (mean, std))
        np.subtract(array, mean, out=out)
        return np.divide(out, std, out=out)

    @staticmethod
    def _checked(x: Any) -> Array:
        array = x.array if isinstance(x, Tensor) else x
        if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
            got = array.dtype if isinstance(array, np.ndarray) else type(x).__name__
            raise DTypeError(
                f"Normalize: x should be a float tensor; got {got}. Put ToTensor() before it"
            )
        if array.ndim < 3:
            raise ShapeError(
                "Normalize: x should have the shape (…, channels, height, width); got "
                f"{tuple(array.shape)}"
            )
        return array

    def _constants(self, array: Array) -> tuple[Array, Array]:
        """mean and std in x's dtype and shaped to meet its channels."""
        mean = np.asarray(self.mean, dtype=array.dtype).reshape(-1, 1, 1)
        std = np.asarray(self.std, dtype=array.dtype).reshape(-1, 1, 1)
        if not std.all():
            raise ArgumentError(
                f"Normalize: std evaluated to zero after conversion to {array.dtype}, leading to "
                f"division by zero; got std={self.std}"
            )
        for name, values in (("mean", mean), ("std", std)):
            if len(values) not in {1, array.shape[-3]}:
                raise ShapeError(
                    f"Normalize: {name} has {len(values)} values for {array.shape[-3]} channels; "
                    f"got x of shape {tuple(array.shape)}"
                )
        return mean, std

    def __repr__(self) -> str:
        return f"Normalize(mean={self.mean}, std={self.std})"


class Flatten:
    """A sample as one row of numbers, a batch as a matrix with a row per sample.

    >>> import dlframe as dl
    >>> Flatten()(dl.zeros(1, 8, 8)).shape == (64,)
    True
    """

    def __call__(self, x: Any) -> Any:
        return x.reshape(-1)

    def batch(self, x: Any) -> Any:
        return x.reshape(len(x), -1)

    def __repr__(self) -> str:
        return "Flatten()"


class Lambda:
    """A function as a transform; `batch`, where given, is the same function for a whole batch.

    >>> Lambda(lambda x: x * 2)(21)
    42
    """

    def __init__(
        self, lambd: Callable[[Any], Any], batch: Callable[[Any], Any] | None = None
    ) -> None:
        if not callable(lambd):
            raise DTypeError(f"Lambda: argument should be callable, got {type(lambd).__name__}")
        self.lambd = lambd
        self.batch_lambd = batch

    def __call__(self, x: Any) -> Any:
        return self.lambd(x)

    def batch(self, x: Any) -> Any:
        if self.batch_lambd is None:
            raise ArgumentError("Lambda: no function for batches was given; pass batch=")
        return self.batch_lambd(x)

    def __repr__(self) -> str:
        return "Lambda()"


class CenterCrop:
    """The middle of an image, (height, width) or a square; a smaller image is padded with zeros.

    >>> import numpy as np
    >>> CenterCrop(2)(np.arange(16).reshape(4, 4)).tolist()
    [[5, 6], [9, 10]]
    """

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = _pair("CenterCrop", size)

    def __call__(self, x: Any) -> Any:
        return _on_images(x, self._crop, is_batch=False)

    def batch(self, x: Any) -> Any:
        return _on_images(x, self._crop, is_batch=True)

    def _crop(self, images: Array, axis: int) -> Array:
        height, width = images.shape[axis : axis + 2]
        th, tw = self.size
        if th > height or tw > width:
            # the odd pixel goes before the image, as in torchvision
            left, top = max(0, (tw - width) // 2), max(0, (th - height) // 2)
            right, bottom = max(0, (tw - width + 1) // 2), max(0, (th - height + 1) // 2)
            images = _pad(images, axis, (left, top, right, bottom), 0, "constant")
            height, width = images.shape[axis : axis + 2]
        # Python's round: half to even, as in torchvision
        top, left = round((height - th) / 2.0), round((width - tw) / 2.0)
        return _window(images, axis, top, left, self.size).copy()

    def __repr__(self) -> str:
        return f"CenterCrop(size={self.size})"


class Pad:
    """An image with a border: `padding` pixels wide all around, or on each side its own width.

    Args:
        padding: one number; horizontal and vertical; or left, top, right, bottom.
        fill: what the border holds, a number or one for each channel.
        padding_mode: "constant" for `fill`; "edge" repeats the last pixel; "reflect" mirrors the
            image at its last pixel, "symmetric" with its last pixel.

    Raises:
        ArgumentError: another number of widths, a negative one, or another mode.
        ShapeError: an image without pixels to mirror or to repeat.

    >>> import numpy as np
    >>> image = np.array([[1, 2], [3, 4]])
    >>> Pad((1, 0), fill=9)(image).tolist()
    [[9, 1, 2, 9], [9, 3, 4, 9]]
    >>> Pad((0, 0, 2, 0), padding_mode="edge")(image).tolist()
    [[1, 2, 2, 2], [3, 4, 4, 4]]
    """

    def __init__(
        self,
        padding: int | Sequence[int],
        fill: float | Sequence[float] = 0,
        padding_mode: str = "constant",
    ) -> None:
        _check_mode("Pad", padding_mode)
        self.padding = padding
        self.sides = _four("Pad", padding)
        if min(self.sides) < 0:
            raise ArgumentError(f"Pad: padding should not be negative; got {padding}. Use a crop")
        self.fill = fill
        self.padding_mode = padding_mode

    def __call__(self, x: Any) -> Any:
        return _on_images(x, self._padded, is_batch=False)

    def batch(self, x: Any) -> Any:
        return _on_images(x, self._padded, is_batch=True)

    def _padded(self, images: Array, axis: int) -> Array:
        height, width = images.shape[axis : axis + 2]
        if self.padding_mode != "constant" and 0 in (height, width):
            raise ShapeError(
                f"Pad: an image of {height} × {width} has no pixels for {self.padding_mode!r}"
            )
        return _pad(images, axis, self.sides, self.fill, self.padding_mode)

    def __repr__(self) -> str:
        return f"Pad(padding={self.padding}, fill={self.fill}, padding_mode={self.padding_mode})"


class RandomCrop:
    """A window of the given size at a random place.

    The image is padded first. `padding` is one number, or (horizontal, vertical), or (left, top,
    right, bottom); the border is `fill`, or made by `padding_mode` "edge", "reflect" or
    "symmetric". `pad_if_needed` pads images that are smaller than `size`. Raises ShapeError if the
    image is too small.

    >>> import numpy as np
    >>> RandomCrop(32, padding=4)(np.zeros((32, 32, 3), np.uint8)).shape
    (32, 32, 3)
    """

    def __init__(
        self,
        size: int | Sequence[int],
        padding: int | Sequence[int] | None = None,
        pad_if_needed: bool = False,
        fill: float | Sequence[float] = 0,
        padding_mode: str = "constant",
    ) -> None:
        _check_mode("RandomCrop", padding_mode)
        self.size = _pair("RandomCrop", size)
        self.padding = padding
        self.pad_if_needed = pad_if_needed
        self.fill = fill
        self.padding_mode = padding_mode

    def __call__(self, x: Any) -> Any:
        return _on_images(x, self._crop_one, is_batch=False)

    def batch(self, x: Any) -> Any:
        return _on_images(x, self._crop_many, is_batch=True)

    def _crop_one(self, image: Array, axis: int) -> Array:
        image = self._padded(image, axis)
        tops, lefts = self._places(image.shape[axis : axis + 2], 1)
        return _window(image, axis, int(tops[0]), int(lefts[0]), self.size).copy()

    def _crop_many(self, images: Array, axis: int) -> Array:
        before = (0, 0)  # rows above the image, columns left of it
        if self.padding is not None and self.padding_mode == "constant" and not self.pad_if_needed:
            left, top, right, bottom = _four("RandomCrop", self.padding)
            height, width = images.shape[axis : axis + 2]
            room, before = (height + top + bottom, width + left + right), (top, left)
        else:
            images = self._padded(images, axis)
            room = images.shape[axis : axis + 2]
        tops, lefts = self._places(room, len(images))
        shape = list(images.shape)
        shape[axis : axis + 2] = self.size
        out = np.empty_like(images, shape=shape)  # the same memory layout: contiguous rows
        if before != (0, 0) or room != images.shape[axis : axis + 2]:
            _fill(out, axis, self.fill)
        _copy_windows(images, out, axis, tops - before[0], lefts - before[1])
        return out

    def _padded(self, images: Array, axis: int) -> Array:
        if self.padding is not None:
            images = _pad(
                images, axis, _four("RandomCrop", self.padding), self.fill, self.padding_mode
            )
        height, width = images.shape[axis : axis + 2]
        if self.pad_if_needed:
            dy, dx = max(0, self.size[0] - height), max(0, self.size[1] - width)
            if dx or dy:
                images = _pad(images, axis, (dx, dy, dx, dy), self.fill, self.padding_mode)
        return images

    def _places(self, shape: Sequence[int], n: int) -> tuple[Array, Array]:
        """The upper left corners."""
        height, width = shape
        th, tw = self.size
        if height < th or width < tw:
            raise ShapeError(
                f"RandomCrop: Required crop size {(th, tw)} is larger than input image size "
                f"{(height, width)}; pass padding= or pad_if_needed=True"
            )
        draws = current_draws()
        if draws is not None:
            return draws.integers(height - th + 1), draws.integers(width - tw + 1)
        if (height, width) == (th, tw):  # torchvision draws nothing here
            return np.zeros(n, np.int64), np.zeros(n, np.int64)
        # sample by sample, the row first: the order in which torchvision draws
        rooms = (height - th, width - tw)
        generator = random.default_generator
        drawn = [[generator.randint(0, room + 1, (1,))[0] for room in rooms] for _ in range(n)]
        tops, lefts = np.array(drawn).T
        return tops, lefts

    def __repr__(self) -> str:
        return f"RandomCrop(size={self.size}, padding={self.padding})"


class RandomHorizontalFlip:
    """The mirror image, left and right exchanged, with probability p.

    >>> import numpy as np
    >>> RandomHorizontalFlip(p=1.0)(np.array([[1, 2], [3, 4]])).tolist()
    [[2, 1], [4, 3]]
    """

    offset = 1  # the mirrored axis comes this many axes after that of the height

    def __init__(self, p: float = 0.5) -> None:
        if not 0 <= p <= 1:
            raise ArgumentError(f"{type(self).__name__}: p should be a probability; got p={p}")
        self.p = p

    def __call__(self, x: Any) -> Any:
        return _on_images(x, self._flip_one, is_batch=False)

    def batch(self, x: Any) -> Any:
        return _on_images(x, self._flip_many, is_batch=True)

    def _flip_one(self, image: Array, axis: int) -> Array:
        return np.flip(image, axis + self.offset).copy() if self._chosen(1)[0] else image

    def _flip_many(self, images: Array, axis: int) -> Array:
        out = np.empty_like(images)  # in the same memory layout
        given, target = _with_whole_pixels(images, out) if axis + 2 < images.ndim else (images, out)
        mirrored = np.flip(given, axis + self.offset)
        for i, chosen in enumerate(self._chosen(len(images)).tolist()):
            target[i] = mirrored[i] if chosen else given[i]
        return out

    def _chosen(self, n: int) -> Array:
        draws = current_draws()
        if draws is not None:
            return draws.uniform() < self.p
        uniform = [random.default_generator.uniform((1,)) for _ in range(n)]
        return np.concatenate(uniform) < self.p

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


class RandomVerticalFlip(RandomHorizontalFlip):
    """The image upside down, with probability p."""

    offset = 0


def _is_pil(x: Any) -> bool:
    # without importing PIL: if it is not loaded, x cannot be one of its images
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(x, module.Image)


def _image_array(image: Any) -> Array:
    """A PIL image as an array (height, width[, channels]); bilevel images as 0 and 255."""
    if image.mode == "1":
        return np.uint8(255) * np.array(image, dtype=np.uint8)
    if image.mode == "P":
        raise DTypeError(
            "a palette image has no colours of its own; call image.convert('RGB') first"
        )
    return np.array(image)


def _on_images(x: Any, function: Callable[[Array, int], Array], *, is_batch: bool) -> Any:
    """Call function(array, axis of the height) on an image, and return an image of its type."""
    if _is_pil(x):
        from PIL import Image  # loaded already: x is one

        return Image.fromarray(function(_image_array(x), 0))
    if not isinstance(x, (Tensor, np.ndarray)):
        raise DTypeError(
            f"an image should be a PIL image, an ndarray or a Tensor; got {type(x).__name__}"
        )
    axis = x.ndim - 2 if isinstance(x, Tensor) else 1 if is_batch else 0
    if axis < 0 or x.ndim < axis + 2:
        raise ShapeError(f"an image should have height and width; got shape {list(x.shape)}")
    return Tensor(function(x.array, axis)) if isinstance(x, Tensor) else function(x, axis)


def _with_whole_pixels(*images: Array) -> tuple[Array, ...]:
    """Views of images (…, channels) in which a pixel is one element, where its bytes adjoin.

    Copies of such elements take a third of the time of copies channel by channel.
    """
    if any(x.strides[-1] != x.itemsize or not x.size for x in images):
        return images
    return tuple(x.view(f"V{x.itemsize * x.shape[-1]}")[..., 0] for x in images)


def _copy_windows(images: Array, out: Array, axis: int, tops: Array, lefts: Array) -> None:
    """Copy to each image of `out` the part of the given one from (top, left) on, if there is one.

    One copy per image: slices are faster than an index array for every pixel.
    """
    height, width = images.shape[axis : axis + 2]
    rows, columns = out.shape[axis : axis + 2]
    y, x = np.maximum(-tops, 0), np.maximum(-lefts, 0)
    y_end = np.maximum(np.minimum(rows, height - tops), y)
    x_end = np.maximum(np.minimum(columns, width - lefts), x)
    ends = [y, y_end, x, x_end, y + tops, y_end + tops, x + lefts, x_end + lefts]
    where = [...] * (axis == images.ndim - 2)  # channels first
    for image, target, *at in zip(images, out, *[end.tolist() for end in ends], strict=True):
        source = (*where, slice(at[4], at[5]), slice(at[6], at[7]))
        target[(*where, slice(at[0], at[1]), slice(at[2], at[3]))] = image[source]


def _window(images: Array, axis: int, top: int, left: int, size: tuple[int, int]) -> Array:
    before = (slice(None),) * axis
    return images[(*before, slice(top, top + size[0]), slice(left, left + size[1]))]


def _pad(images: Array, axis: int, sides: tuple[int, ...], fill: Any, mode: str) -> Array:
    """Pad height and width; sides are left, top, right, bottom."""
    left, top, right, bottom = sides
    widths = [(0, 0)] * images.ndim
    widths[axis : axis + 2] = [(top, bottom), (left, right)]
    if mode != "constant":
        return np.pad(images, widths, mode=mode)  # type: ignore[call-overload, no-any-return] # NumPy's types know the modes one by one
    shape = [n + before + after for n, (before, after) in zip(images.shape, widths, strict=True)]
    out = np.empty_like(images, shape=shape)
    _fill(out, axis, fill)
    height, width = images.shape[axis : axis + 2]
    _window(out, axis, top, left, (height, width))[...] = images
    return out


def _fill(images: Array, axis: int, fill: Any) -> None:
    """Set every pixel to `fill`, a number or one for each channel."""
    if np.ndim(fill) and axis == images.ndim - 2:  # a colour for (channels, height, width)
        fill = np.reshape(fill, (-1, 1, 1))
    try:
        images[...] = fill
    except (ValueError, TypeError, OverflowError) as error:
        raise ArgumentError(
            f"fill should be a number, or one for each channel, that {images.dtype} can hold; got "
            f"{fill!r} for images of shape {list(images.shape)} ({error})"
        ) from None


def _pair(name: str, size: int | Sequence[int]) -> tuple[int, int]:
    sizes = _whole_numbers(f"{name}: size", size)
    if len(sizes) == 1:
        sizes = sizes * 2
    if len(sizes) != 2:
        raise ArgumentError(f"{name}: size should be one number or (height, width); got {size}")
    return sizes[0], sizes[1]


def _whole_numbers(what: str, value: Any) -> tuple[int, ...]:
    """One whole number or several, as a tuple."""
    try:
        return tuple(operator.index(n) for n in (value if np.ndim(value) else (value,)))
    except TypeError:
        raise ArgumentError(f"{what} should be whole numbers; got {value!r}") from None


def _check_mode(name: str, mode: str) -> None:
    if mode not in {"constant", "edge", "reflect", "symmetric"}:
        raise ArgumentError(
            f"{name}: padding_mode should be constant, edge, reflect or symmetric; got {mode!r}"
        )


def _four(name: str, padding: int | Sequence[int]) -> tuple[int, ...]:
    """left, top, right, bottom."""
    sides = _whole_numbers(f"{name}: padding", padding)
    if len(sizes := {1: sides * 4, 2: sides * 2, 4: sides}.get(len(sides), ())) != 4:
        raise ArgumentError(f"{name}: padding should be 1, 2 or 4 numbers; got {padding}")
    return sizes
