"""What users have, brought to what pictures are drawn of: images, labels, outputs, models, data.

One rule holds for all pictures of a classifier: where outputs go a model may stand, and where the
targets go then stands its data, as `Trainer.evaluate` takes it.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlframe.autograd.modes import no_grad
from dlframe.base.printable import printable
from dlframe.data import DataLoader, Dataset, RandomSampler, SequentialSampler, Subset
from dlframe.dtypes import get_default_dtype
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.metrics import scores_of
from dlframe.metrics.labels import check_labels, class_weights, whole_numbers
from dlframe.nn import Module
from dlframe.nn.modes import evaluating
from dlframe.tensor import Tensor, to_array
from dlframe.training.data import batches, data_forms, scoring
from dlframe.training.data.arrays import is_array, is_sparse, mapped
from dlframe.training.data.inputs import InputForm
from dlframe.training.evaluator import Evaluator
from dlframe.training.untouched import untouched
from dlframe.viz import style

Array = NDArray[Any]

CHANNELS = (1, 3)  # of images in the order (C, H, W)
LAST = (1, 3, 4)  # in the order (H, W, C): files have an alpha channel, feature maps have not


# --- images ------------------------------------------------------------------------------------


def images_of(value: Any, where: str, *, any_channels: bool = False) -> Array:
    """Images as (N, C, H, W).

    - (N, C, H, W), or (N, H, W, C) where the second size is no number of channels;
    - (N, H, W): grey; (H, W): one grey image; (H, W, 3) or (H, W, 4): one in colour;
    - an image of PIL, the path of a file; a list of images in any of these forms.

    An alpha channel is drawn over white. With `any_channels`, which is for what a model takes,
    (N, C, H, W) may have any number of channels.
    """
    if _is_file(value) or _is_pil(value):
        return _one_image(value, where)[None]
    if isinstance(value, (list, tuple)) and value and not _is_numbers(value[0]):
        return _stacked([_one_image(one, where) for one in value], where)
    array = _numbers(value, where)
    if array.ndim == 2:
        array = array[None]
    if array.ndim == 3:
        array = array[None] if _is_colour_last(array) else array[:, None]
    if array.ndim != 4:
        raise ShapeError(
            f"{where}: images must be (N, C, H, W), (N, H, W, C), (N, H, W) or (H, W); got "
            f"{array.shape}"
        )
    if array.shape[1] not in CHANNELS and _are_colours_last(array):
        return _with_pixels(_channels_first(array), where)
    if any_channels or array.shape[1] in CHANNELS:
        return _with_pixels(array, where)
    raise ShapeError(
        f"{where}: images have 1 or 3 channels (grey, RGB), got {array.shape}; choose one or three "
        "of them, images[:, :3]"
    )


def _is_numbers(value: Any) -> bool:
    """Whether it is a number, or a list of numbers: then what holds it is one array."""
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    return isinstance(value, (bool, int, float, np.generic))


def _is_pil(value: Any) -> bool:
    return hasattr(value, "getbands") and hasattr(value, "convert")


def _is_file(value: Any) -> bool:
    return isinstance(value, (str, os.PathLike))


def _is_colour_last(array: Array) -> bool:
    return array.shape[2] in (3, 4) and min(array.shape[:2]) > 4


def _are_colours_last(array: Array) -> bool:
    """Whether (N, a, b, c) is (N, H, W, C); not for small feature maps such as (N, 16, 3, 3)."""
    _, height, width, last = array.shape
    return last in LAST and (height == width or width != last)


def _numbers(value: Any, where: str) -> Array:
    if is_sparse(value):
        value = value.toarray()
    try:
        array = to_array(value)
    except ValueError:
        array = np.empty(0, object)
    if array.dtype.kind not in "biuf":
        kind = type(value).__name__ if array.dtype == object else f"dtype {array.dtype}"
        raise DTypeError(
            f"{where}: expected images (arrays of numbers, images of PIL, a data set of them); "
            f"got {kind}"
        )
    return array


def _one_image(value: Any, where: str) -> Array:
    """One image as (C, H, W)."""
    if _is_file(value):
        from PIL import Image  # on first use

        with Image.open(value) as image:
            return _of_pil(image)
    if _is_pil(value):
        return _of_pil(value)
    array: Array = _numbers(value, where)
    if array.ndim == 4 and len(array) == 1:
        array = array[0]
    if array.ndim == 2:
        return array[None]
    if array.ndim == 3 and array.shape[0] in CHANNELS:
        return array
    if array.ndim == 3 and array.shape[2] in LAST:
        found: Array = _channels_first(array[None])[0]
        return found
    raise ShapeError(
        f"{where}: an image in a list must be (H, W), (C, H, W) or (H, W, C) with 1 or 3 channels; "
        f"got {array.shape}"
    )


def _of_pil(image: Any) -> Array:
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        opaque: Array = _channels_first(np.asarray(image.convert("RGBA"))[None])[0]
        return opaque
    if image.mode == "1":
        image = image.convert("L")
    elif len(image.getbands()) > 1 or image.mode == "P":
        image = image.convert("RGB")
    array: Array = np.asarray(image)
    return array[None] if array.ndim == 2 else np.moveaxis(array, -1, 0)


def _channels_first(images: Array) -> Array:
    """(N, H, W, C) as (N, C, H, W), where alpha is drawn over white."""
    if images.shape[3] == 4:
        white = np.iinfo(images.dtype).max if images.dtype.kind in "iu" else 1
        opaque = images[..., 3:].astype(np.float64) / white
        mixed = images[..., :3] * opaque + white * (1 - opaque)
        images = mixed.round().astype(images.dtype) if images.dtype.kind in "iu" else mixed
    return np.moveaxis(images, -1, 1)


def _stacked(images: list[Array], where: str) -> Array:
    sizes = [image.shape[1:] for image in images]
    odd = next((i for i, size in enumerate(sizes) if size != sizes[0]), None)
    if odd is not None:
        (h, w), (height, width) = sizes[odd], sizes[0]
        raise ShapeError(
            f"{where}: images must have one size; image {odd} is {h} × {w} and the first is "
            f"{height} × {width}. Resize them, such as with image.resize(({width}, {height})) of "
            "PIL"
        )
    most = max(len(image) for image in images)
    wide = [np.repeat(image, most, axis=0) if len(image) < most else image for image in images]
    if len({image.dtype for image in wide}) > 1:  # bytes beside numbers from 0 to 1
        wide = [image / 255.0 if image.dtype == np.uint8 else image for image in wide]
    return _with_pixels(np.stack(wide), where)


def _with_pixels(images: Array, where: str) -> Array:
    if 0 in images.shape[2:]:
        raise ShapeError(f"{where}: images without pixels, {images.shape}")
    return images


def floats_of(images: Array, model: Module) -> Array:
    """Images as the model takes them: in the dtype of its parameters."""
    brought = InputForm(None).bring([Tensor(images)], model, lambda inputs: model(*inputs))
    array = to_array(brought[0])
    return array if array.dtype.kind == "f" else array.astype(get_default_dtype())


# --- data --------------------------------------------------------------------------------------


class Samples(NamedTuple):
    """Images (N, C, H, W) of data, with labels (N,) and names of classes if it has any."""

    images: Array
    labels: Any
    classes: Sequence[object] | None
    total: int | None  # how many samples there are, if that is known


def is_data(value: Any) -> bool:
    """Whether it gives samples or batches with targets: a data set, a loader, a pair (x, y).

    >>> is_data((np.zeros((3, 2)), [0, 1, 1])), is_data(np.zeros((3, 2)))
    (True, False)
    """
    if isinstance(value, (Dataset, DataLoader)):
        return True
    if isinstance(value, (Tensor, np.ndarray, str, Module)) or is_array(value):
        return False
    if isinstance(value, Mapping):
        return {"x", "y"} <= set(value)
    if isinstance(value, tuple):
        return len(value) == 2 and all(map(_is_column, value))
    if isinstance(value, list):
        return bool(value) and isinstance(value[0], (tuple, list)) and len(value[0]) == 2
    samples = hasattr(value, "__getitem__") and hasattr(value, "__len__")
    return samples and not _is_pil(value) and not hasattr(value, "dtype")


def _is_column(value: Any) -> bool:
    """Whether it is a row of samples, and not one sample."""
    return is_array(value) and (not hasattr(value, "shape") or len(value.shape) > 0)


def samples_of(data: Any, limit: int | None, where: str) -> Samples:
    """The first samples of data, without a trace in loaders and random streams."""
    classes = classes_of(data)
    if isinstance(data, Mapping):
        data = (data["x"], data["y"])
    if isinstance(data, tuple):
        images, labels = data
        found = images_of(images, where)
        return Samples(found[:limit], np.asarray(numbers_of(labels))[:limit], classes, len(found))
    with untouched(loader=data if isinstance(data, DataLoader) else None, where=where):
        pairs = list(itertools.islice(_pairs(data, where), limit))
    total = (
        len(data.dataset) if isinstance(data, DataLoader) and _has_length(data.dataset) else None
    )
    total = len(data) if total is None and _has_length(data) else total
    if not pairs:
        return Samples(np.zeros((0, 1, 1, 1)), None, classes, 0)
    images = images_of([image for image, _ in pairs], where)
    labels = [label for _, label in pairs]
    known = all(label is not None for label in labels)
    return Samples(images, numbers_of(labels) if known else None, classes, total)


def some_of(data: Any, limit: int | None, where: str) -> tuple[Array, Any]:
    """The inputs of the first samples as an array, and their targets, or None."""
    if isinstance(data, Mapping):
        data = (data["x"], data["y"])
    if isinstance(data, tuple):
        return numbers_of(data[0])[:limit], numbers_of(data[1])[:limit]
    with untouched(loader=data if isinstance(data, DataLoader) else None, where=where):
        pairs = list(itertools.islice(_pairs(data, where), limit))
    inputs = numbers_of([_one_image(x, where) if _is_pil(x) else to_array(x) for x, _ in pairs])
    known = bool(pairs) and all(y is not None for _, y in pairs)
    return inputs, numbers_of([y for _, y in pairs]) if known else None


def _has_length(data: Any) -> bool:
    try:
        len(data)
    except (TypeError, NotImplementedError):
        return False
    return True


def _pairs(data: Any, where: str) -> Iterable[tuple[Any, Any]]:
    """Each sample as input and target; None for a target that there is not."""
    if isinstance(data, DataLoader):
        for batch in data:
            x, y = _parted(batch, where)
            yield from zip(x, itertools.repeat(None) if y is None else y, strict=y is not None)
        return
    if hasattr(data, "__getitem__") and _has_length(data):
        for i in range(len(data)):
            yield _parted(data[i], where)
        return
    for sample in data:
        yield _parted(sample, where)


def _parted(sample: Any, where: str) -> tuple[Any, Any]:
    if isinstance(sample, Mapping):
        if "x" not in sample:
            raise ArgumentError(
                f"{where}: a sample is a dict with the keys {', '.join(map(repr, sample))}; "
                "expected pairs (x, y), or dicts with x and y"
            )
        return sample["x"], sample.get("y")
    if isinstance(sample, (tuple, list)):
        return (sample[0], sample[1]) if len(sample) > 1 else (sample[0], None)
    return sample, None


def classes_of(data: Any) -> Sequence[object] | None:
    """The names of the classes that a data set has, also behind a Subset or a loader."""
    while isinstance(data, (DataLoader, Subset)):
        data = data.dataset
    found = getattr(data, "classes", None)
    return found if isinstance(found, Sequence) and not isinstance(found, str) else None


def targets_of(data: Any, where: str) -> Any:
    """The targets of all samples of data, or targets themselves, as an array."""
    if not is_data(data):
        return numbers_of(data)
    if isinstance(data, Mapping):
        return numbers_of(data["y"])
    if isinstance(data, tuple):
        return numbers_of(data[1])
    known = data_forms.labels_of(data) if _gives_all(data) else None
    if known is not None:
        return known
    with untouched(loader=data if isinstance(data, DataLoader) else None, where=where):
        targets = [y for _, y in _pairs(data, where)]
    if not targets or any(y is None for y in targets):
        raise ArgumentError(f"{where}: the samples of this {type(data).__name__} have no labels")
    return numbers_of(targets)


def _gives_all(data: Any) -> bool:
    """Whether a data set's `targets` are the targets of its samples, each once."""
    if isinstance(data, DataLoader):
        sampler: Any = data.sampler
        plain = type(sampler) is SequentialSampler or (
            type(sampler) is RandomSampler
            and not sampler.replacement
            and len(sampler) == len(data.dataset)
        )
        if not plain or data.drop_last:
            return False
    while isinstance(data, (DataLoader, Subset)):
        data = data.dataset
    return getattr(data, "target_transform", None) is None


def numbers_of(values: Any) -> Array:
    """An array of a Tensor, an array, a frame's column, or a list of these."""
    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    if isinstance(values, (list, tuple)) and any(isinstance(one, Tensor) for one in values):
        values = [to_array(one) for one in values]
    try:
        return to_array(values)
    except ValueError:
        raise ShapeError("viz: the arrays of a list must have one shape; these differ") from None


# --- labels ------------------------------------------------------------------------------------


def labels_of(values: Any, classes: Sequence[object] | None, what: str, where: str) -> Array:
    """Labels as int64 (N, …): from numbers, (N, 1), one-hot rows, or names among `classes`."""
    array = numbers_of(values)
    if array.ndim == 0:
        kind = "one number" if array.dtype.kind in "biuf" else type(values).__name__
        raise ShapeError(f"{where}: {what} must be one for each sample, (N,); got {kind}")
    if array.dtype.kind in "USO":
        return _numbered(array, classes, what, where)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2 and array.shape[1] > 1:
        array = class_weights(array).argmax(axis=1)
    labels = whole_numbers(array, what)
    check_labels(labels, None, what)
    return labels


def _numbered(
    array: Array, classes: Sequence[object] | None, what: str, where: str
) -> NDArray[np.int64]:
    """The numbers of names."""
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if classes is None or array.ndim != 1:
        raise ArgumentError(f"{where}: {what} are names, so pass the names of all classes as well")
    places = {str(name): i for i, name in enumerate(classes)}
    unknown = sorted({str(one) for one in array.tolist()} - set(places))
    if unknown:
        known = ", ".join(itertools.islice(places, 10))
        raise ArgumentError(
            f"{where}: {what} have {printable(unknown[0])}, which is none of the classes {known}"
        )
    return np.array([places[str(one)] for one in array.tolist()], np.int64)


def are_names(values: Any) -> bool:
    """Whether these are texts, such as names of classes."""
    if values is None or is_data(values) or is_model(values) or isinstance(values, Tensor):
        return False
    array = numbers_of(values)
    return array.size > 0 and array.dtype.kind in "USO" and isinstance(array.flat[0], str)


# --- models ------------------------------------------------------------------------------------


class Answers(NamedTuple):
    """What a classifier said and what is true.

    `output` are scores or labels, `target` labels; `scores` says what scores are, if it is known.
    """

    output: Array
    target: NDArray[np.int64]
    classes: Sequence[object] | None
    scores: str | None
    inputs: Any = None  # of a model's data, if they were asked for

    @property
    def columns(self) -> int:
        """Of how many classes each sample has a score; 1 for one score or label per sample."""
        return self.output.shape[1] if self.output.ndim == 2 else 1


def is_model(value: Any) -> bool:
    """Whether it is a module, or an Evaluator or Trainer, whose loss says what the outputs are."""
    return isinstance(value, (Module, Evaluator))


def answers(
    where: str,
    output: Any,
    target: Any,
    classes: Sequence[object] | None = None,
    scores: str | None = None,
    *,
    inputs: bool = False,
) -> Answers:
    """Outputs and targets, or those of a model on data."""
    if classes is None and is_data(target):
        classes = classes_of(target)
    found = None
    if is_model(output):
        if isinstance(target, tuple) and is_data(target) and are_names(target[1]):
            classes = sorted_names(target[1]) if classes is None else classes
            target = (target[0], labels_of(target[1], classes, "target", where))
        output, target, scores, found = asked(where, output, target, scores, inputs=inputs)
    elif isinstance(target, DataLoader) and not isinstance(target.sampler, SequentialSampler):
        raise ArgumentError(
            f"{where}: this loader gives its samples in an order of its own, so that its targets "
            "are not those of the outputs; pass the model in place of the outputs, or the data set"
        )
    elif is_data(target):
        target = targets_of(target, where)
    given = numbers_of(output)
    if classes is None and (are_names(given) or are_names(target)):
        classes = sorted_names(*[one for one in (given, target) if are_names(one)])
    if not given.ndim:
        raise ShapeError(f"{where}: outputs must be (N,) or (N, C); got {type(output).__name__}")
    if given.dtype.kind in "USO":
        given = _numbered(given, classes, "predictions", where)
    labels = numbers_of(target)
    if given.ndim < 3 and not _are_sequences(given, labels):
        labels = labels_of(labels, classes, "target", where)
    if labels.ndim and len(given) != len(labels):
        raise ShapeError(
            f"{where}: there are {len(given)} outputs and {len(labels)} targets; got "
            f"output{given.shape} and target{labels.shape}"
        )
    if scores is None and given.ndim == 2 and given.shape[1] > 1 and given.dtype.kind == "f":
        scores = _kind_of(given)
    return Answers(given, labels, classes, scores, found)


def sorted_names(*values: Any) -> list[str]:
    """The names that occur, in the order of the alphabet."""
    return sorted({str(name) for one in values for name in numbers_of(one).ravel().tolist()})


def _are_sequences(given: Array, labels: Array) -> bool:
    """Whether both are several labels for each sample, (N, L), and no one-hot rows."""
    if given.shape != labels.shape or labels.ndim != 2 or labels.shape[1] < 2:
        return False
    if given.dtype.kind not in "iub" or labels.dtype.kind not in "iub":
        return False
    return bool(labels.max(initial=0) > 1 or (labels.sum(axis=1) != 1).any())


def asked(
    where: str, model: Any, data: Any, scores: str | None = None, *, inputs: bool = False
) -> tuple[Any, Any, str | None, Any]:
    """Outputs, targets, the kind of scores and the inputs of a model on data."""
    if not is_data(data):
        got = "no data" if data is None else f"a {type(data).__name__}"
        raise ArgumentError(
            f"{where}: with a model goes its data, with targets: a data set, a loader or a pair "
            f"(x, y) of arrays; got {got}"
        )
    evaluator = evaluator_of(model)
    kept: list[Any] = []

    def one(batch: Any, output: Any) -> None:
        targets.append(mapped(lambda leaf, _: to_array(leaf), batch.target, "y"))
        if inputs:
            kept.append(next(iter(batches.leaves(batch.inputs))))

    targets: list[Any] = []
    outputs = outputs_of(evaluator, data, where, one)
    joined = scoring.joined(outputs)
    if not isinstance(joined, Tensor):
        raise ArgumentError(
            f"{where}: the model's output must be one Tensor for each sample; got "
            f"{type(joined).__name__}. Choose one output, and pass it with the targets"
        )
    if scores is None:
        loss = evaluator.loss if isinstance(model, Evaluator) else None
        scores = scores_of(loss, evaluator.model) or _kind_of(to_array(joined))
    found = np.concatenate([to_array(one) for one in kept]) if inputs else None
    return joined, np.concatenate(targets), scores, found


def outputs_of(
    model: Module | Evaluator,
    data: Any,
    where: str,
    look: Callable[[Any, Any], None] | None = None,
    *,
    limit: int | None = None,
) -> list[Any]:
    """The outputs for each batch of data, in evaluation mode; `look` sees batches and outputs.

    With `limit` it stops after so many samples.

    Model, loader and random streams are afterwards as they were.
    """
    evaluator = evaluator_of(model)
    loader = data_forms.make_loader(data, 256, shuffle=False, num_workers=0, where=where)
    found: list[Any] = []
    samples = 0
    model = evaluator.model
    with untouched(model, loader=loader, where=where), evaluating(model), no_grad():
        for batch in loader:
            taken = evaluator._take(batch)
            found.append(evaluator._output(taken.inputs))
            if look is not None:
                look(taken, found[-1])
            samples += batches.batch_length(taken.target, found[-1])
            if limit is not None and samples >= limit:
                break
    if not found:
        raise ArgumentError(f"{where}: the data gave no batch{batches.why_empty(loader)}")
    return found


def evaluator_of(model: Any) -> Evaluator:
    """What lets a model predict; of a Trainer itself."""
    return model if isinstance(model, Evaluator) else Evaluator(model, _no_loss)


def _no_loss(output: Any, target: Any) -> Any:
    """Stands for the loss of an Evaluator that measures none."""
    raise NotImplementedError


def _kind_of(scores: Array) -> str | None:
    """Logits, where no probabilities could be so; None where it is not certain.

    The logarithms of probabilities are logits as well: a softmax gives the probabilities back.
    """
    if scores.dtype.kind != "f" or not scores.size:
        return None
    if scores.min() < 0 or scores.max() > 1:
        return "logits"
    several = scores.ndim == 2 and scores.shape[1] > 1
    whole = several and bool(np.abs(scores.sum(axis=1) - 1).max() < 1e-3)
    return "probabilities" if whole else None


def names(classes: Sequence[object] | None, count: int, longest: int) -> list[str]:
    """The names of so many classes, shortened; different ones stay different."""
    return style.shortened_apart(style.class_names(classes, count)[:count], longest)
