"""Transforms: torchvision's meaning, and one result for a sample and for a batch of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

import dlframe as dl
from dlframe.data.stream import SampleDraws, drawing
from dlframe.data.transforms import (
    CenterCrop,
    Compose,
    Flatten,
    Lambda,
    Normalize,
    Pad,
    RandomCrop,
    RandomHorizontalFlip,
    RandomVerticalFlip,
    ToTensor,
    batchable,
)
from dlframe.errors import ArgumentError, DTypeError, ShapeError

STATS = ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))


def array_of(x: Any) -> np.ndarray:
    return x.array if isinstance(x, dl.Tensor) else np.asarray(x)


@pytest.fixture
def images(rng: np.random.Generator) -> np.ndarray:
    """Colour images as files have them: (n, height, width, channels)."""
    return rng.integers(0, 256, (6, 8, 10, 3), dtype=np.uint8)


PIPELINES: dict[str, Any] = {
    "to tensor": ToTensor(),
    "normalized": Compose([ToTensor(), Normalize(*STATS)]),
    "cifar": Compose(
        [RandomCrop((8, 10), padding=2), RandomHorizontalFlip(), ToTensor(), Normalize(*STATS)]
    ),
    "tensor first": Compose([ToTensor(), RandomCrop(6), RandomHorizontalFlip(0.3), Flatten()]),
    "reflect": Compose([RandomCrop(7, (1, 2, 3, 4), padding_mode="reflect"), ToTensor()]),
    "needed": Compose([RandomCrop(12, pad_if_needed=True, fill=7), ToTensor()]),
    "colour": Compose([RandomCrop(8, 3, fill=(1, 2, 3)), RandomVerticalFlip(), ToTensor()]),
    "tensor colour": Compose([ToTensor(), RandomCrop(8, 3, fill=(1, 2, 3))]),
    "wide border": Compose([RandomCrop(3, padding=(9, 0, 1, 12), fill=5), ToTensor()]),
    "tensor border": Compose([ToTensor(), RandomCrop((20, 5), padding=(2, 9)), Flatten()]),
    "flips": Compose([RandomHorizontalFlip(), RandomVerticalFlip(), ToTensor()]),
    "tensor flips": Compose([ToTensor(), RandomHorizontalFlip(), RandomVerticalFlip()]),
    "centre": Compose([CenterCrop((5, 4)), ToTensor(), CenterCrop(7)]),
    "padded": Compose([Pad(2, fill=9), ToTensor(), Pad((1, 0), padding_mode="edge")]),
    "padded colour": Compose([Pad((1, 2, 3, 4), (1, 2, 3)), ToTensor(), Pad(1, (0.1, 0.2, 0.3))]),
    "padded mirrored": Compose([Pad((1, 2, 3, 4), padding_mode="reflect"), ToTensor()]),
    "lambda": Compose([ToTensor(), Lambda(lambda x: x * 2, batch=lambda x: x * 2)]),
}


@pytest.mark.parametrize("kind", ["array", "PIL"])
@pytest.mark.parametrize("name", PIPELINES)
def test_a_batch_is_its_samples(images: np.ndarray, name: str, kind: str) -> None:
    transform = PIPELINES[name]
    assert batchable(transform)
    with drawing(SampleDraws(1, 2, range(6))):
        together = array_of(transform.batch(images.copy()))
    for i, image in enumerate(images):
        sample = Image.fromarray(image) if kind == "PIL" else image.copy()
        with drawing(SampleDraws(1, 2, [i])):
            alone = array_of(transform(sample))
        assert alone.dtype == together.dtype
        np.testing.assert_array_equal(alone, together[i])


@pytest.mark.parametrize("name", ["cifar", "flips", "tensor flips", "colour", "wide border"])
def test_a_batch_is_its_samples_in_any_memory(images: np.ndarray, name: str) -> None:
    transform = PIPELINES[name]
    for given in (images[..., ::-1], images[:, ::-1], images.swapaxes(1, 2), images[::-1]):
        with drawing(SampleDraws(1, 2, range(6))):
            together = array_of(transform.batch(given))
        for i, image in enumerate(given):
            with drawing(SampleDraws(1, 2, [i])):
                np.testing.assert_array_equal(array_of(transform(image)), together[i])


def test_grey_images(rng: np.random.Generator) -> None:
    images = rng.integers(0, 256, (4, 8, 8), dtype=np.uint8)
    transform = Compose([RandomCrop(6), RandomHorizontalFlip(), ToTensor(), Normalize(0.5, 0.25)])
    with drawing(SampleDraws(1, 2, range(4))):
        together = transform.batch(images)
    assert together.shape == (4, 1, 6, 6)
    for i, image in enumerate(images):
        with drawing(SampleDraws(1, 2, [i])):
            alone = transform(Image.fromarray(image))
        np.testing.assert_array_equal(alone.array, together.array[i])


def test_to_tensor_and_normalize_give_pytorchs_bits(golden: Any) -> None:
    reference = golden("data")
    result = Compose([ToTensor(), Normalize(*STATS)]).batch(reference["pixels"])
    np.testing.assert_array_equal(result.array, reference["normalized"])


@pytest.mark.parametrize("name", ["cifar", "tensor first", "colour"])
def test_inputs_are_not_changed(images: np.ndarray, name: str) -> None:
    before = images.copy()
    with drawing(SampleDraws(0, 0, range(6))):
        PIPELINES[name].batch(images)
        PIPELINES[name](images[0])
    np.testing.assert_array_equal(images, before)


class TestToTensor:
    def test_values_and_shape(self) -> None:
        tensor = ToTensor()(np.array([[[0, 51], [255, 102]]], dtype=np.uint8))
        assert tensor.dtype == np.float32
        assert tensor.array.flags.c_contiguous
        np.testing.assert_array_equal(tensor.array, np.float32([[[0, 1]], [[0.2, 0.4]]]))

    def test_other_dtypes_are_kept(self) -> None:
        assert ToTensor()(np.full((2, 2), 3.0)).array.tolist() == [[[3.0, 3.0], [3.0, 3.0]]]
        assert ToTensor()(np.zeros((2, 2), np.int16)).dtype == np.int16

    @pytest.mark.parametrize(
        ("mode", "shape", "largest"),
        [("1", (1, 3, 2), 1), ("L", (1, 3, 2), 1), ("RGBA", (4, 3, 2), 1)],
    )
    def test_modes(self, mode: str, shape: tuple[int, ...], largest: float) -> None:
        image = Image.new("L", (2, 3), 255).convert(mode)
        tensor = ToTensor()(image)
        assert (tensor.shape, tensor.array.max(), tensor.dtype) == (shape, largest, np.float32)

    def test_modes_with_more_than_a_byte(self) -> None:
        assert ToTensor()(Image.new("I", (2, 3), 70000)).array.max() == 70000
        assert ToTensor()(Image.new("F", (2, 3), 0.5)).array.max() == 0.5
        with pytest.raises(DTypeError, match="palette"):
            ToTensor()(Image.new("P", (2, 3)))

    def test_errors(self) -> None:
        with pytest.raises(TypeError, match="Leave ToTensor"):
            ToTensor()(dl.zeros(1, 2, 2))
        with pytest.raises(TypeError, match="got list"):
            ToTensor()([[1]])
        with pytest.raises(ValueError, match=r"\(2, 2, 2, 2\)"):
            ToTensor()(np.zeros((2, 2, 2, 2)))
        with pytest.raises(ShapeError, match=r"ToTensor.batch"):
            ToTensor().batch(np.zeros((2, 2)))


class TestNormalize:
    def test_arrays_and_tensors(self) -> None:
        array = np.ones((2, 3, 4), np.float32)
        expected = np.stack([np.zeros((3, 4)), np.full((3, 4), 0.5)])
        for x in (array, dl.Tensor(array)):
            y = Normalize([1, 0], [1, 2])(x)
            assert type(y) is type(x)
            np.testing.assert_array_equal(array_of(y), expected)
        assert array.min() == 1

    def test_inplace(self) -> None:
        x = dl.ones(1, 2, 2)
        assert Normalize(1, 1, inplace=True)(x) is x
        assert x.array.max() == 0

    def test_errors(self) -> None:
        with pytest.raises(TypeError, match=r"got uint8.*ToTensor"):
            Normalize(0, 1)(np.zeros((1, 2, 2), np.uint8))
        with pytest.raises(TypeError, match="got list"):
            Normalize(0, 1)([1.0])
        with pytest.raises(ShapeError, match=r"\(2, 2\)"):
            Normalize(0, 1)(np.zeros((2, 2)))
        with pytest.raises(ValueError, match=r"std evaluated to zero .* float32"):
            Normalize(0, [0, 1])(np.zeros((2, 2, 2), np.float32))
        with pytest.raises(ShapeError, match="mean has 3 values for 2 channels"):
            Normalize([1, 2, 3], 1)(np.zeros((2, 2, 2), np.float32))


class TestCrops:
    def test_every_place_comes(self) -> None:
        image = np.arange(16).reshape(4, 4)
        with drawing(SampleDraws(0, 0, range(500))):
            crops = RandomCrop((3, 2)).batch(np.broadcast_to(image, (500, 4, 4)))
        corners, counts = np.unique(crops[:, 0, 0], return_counts=True)
        assert corners.tolist() == [0, 1, 2, 4, 5, 6]
        assert counts.min() > 50
        for crop in crops:
            np.testing.assert_array_equal(crop - crop[0, 0], [[0, 1], [4, 5], [8, 9]])

    @pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric"])
    def test_padding_modes(self, mode: str) -> None:
        image = np.arange(9).reshape(3, 3)
        crop = RandomCrop(7, padding=2, padding_mode=mode)(image)
        np.testing.assert_array_equal(crop, np.pad(image, 2, mode=mode))

    def test_pil_gives_pil(self) -> None:
        for transform in (RandomCrop(2), CenterCrop(2), RandomHorizontalFlip(1.0)):
            image = transform(Image.new("RGB", (4, 4), (1, 2, 3)))
            assert isinstance(image, Image.Image)
            assert image.getpixel((0, 0)) == (1, 2, 3)

    def test_outside_a_loader_draws_come_from_the_default_generator(self) -> None:
        """As in torchvision: randint for the row, randint for the column; nothing if it fits."""
        image = np.arange(100).reshape(10, 10)
        dl.manual_seed(5)
        corner = RandomCrop(4)(image)[0, 0]
        g = dl.Generator().manual_seed(5)
        assert corner == 10 * g.randint(0, 7, (1,))[0] + g.randint(0, 7, (1,))[0]
        state = dl.random.get_rng_state()
        RandomCrop(10)(image)
        assert (dl.random.get_rng_state() == state).all()
        flipped = RandomHorizontalFlip()(image)[0, 0] == 9
        assert flipped == (g.uniform((1,))[0] < 0.5)
        dl.manual_seed(5)
        assert RandomCrop(4).batch(image[None])[0, 0, 0] == corner

    def test_centre(self) -> None:
        image = np.arange(25).reshape(5, 5)
        assert CenterCrop(1)(image).tolist() == [[12]]
        assert CenterCrop((2, 5))(image).shape == (2, 5)
        assert CenterCrop((2, 5))(image)[0, 0] == 10  # round(1.5) is 2, as in torchvision
        np.testing.assert_array_equal(CenterCrop(8)(image), np.pad(image, ((1, 2), (1, 2))))

    def test_errors(self) -> None:
        with pytest.raises(ValueError, match=r"\(5, 5\) is larger than input image size \(4, 4\)"):
            RandomCrop(5)(np.zeros((4, 4)))
        with pytest.raises(ArgumentError, match="padding_mode"):
            RandomCrop(5, padding_mode="wrap")
        with pytest.raises(ArgumentError, match="1, 2 or 4"):
            RandomCrop(5, padding=(1, 2, 3))(np.zeros((9, 9)))
        with pytest.raises(ArgumentError, match="height, width"):
            CenterCrop((1, 2, 3))
        with pytest.raises(DTypeError, match="got list"):
            RandomCrop(1)([[1]])


class TestFlips:
    def test_chance(self) -> None:
        images = np.broadcast_to(np.arange(2), (2000, 1, 2))
        with drawing(SampleDraws(3, 0, range(2000))):
            flipped = RandomHorizontalFlip(0.25).batch(images)[:, 0, 0].mean()
        assert abs(flipped - 0.25) < 0.04

    def test_axes(self) -> None:
        x = np.arange(4).reshape(2, 2)
        assert RandomVerticalFlip(1)(x).tolist() == [[2, 3], [0, 1]]
        assert RandomHorizontalFlip(1)(dl.Tensor(x[None])).tolist() == [[[1, 0], [3, 2]]]
        assert RandomHorizontalFlip(0)(x) is not None

    def test_errors(self) -> None:
        with pytest.raises(ArgumentError, match=r"RandomVerticalFlip.*p=1.5"):
            RandomVerticalFlip(1.5)


class TestPad:
    """torchvision's sides and modes: left, top, right, bottom."""

    IMAGE = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)

    @pytest.mark.parametrize(
        ("padding", "sides"),
        [(1, (1, 1, 1, 1)), ([2], (2, 2, 2, 2)), ((1, 2), (1, 2, 1, 2)), ((1, 2, 3, 4),) * 2],
    )
    def test_sides(self, padding: Any, sides: tuple[int, ...]) -> None:
        left, top, right, bottom = sides
        out = Pad(padding, fill=7)(self.IMAGE)
        assert out.shape == (2 + top + bottom, 3 + left + right)
        assert out[top : top + 2, left : left + 3].tolist() == self.IMAGE.tolist()
        assert (out == 7).sum() == out.size - 6
        assert out.dtype == np.uint8

    @pytest.mark.parametrize(
        ("mode", "row"),
        [
            ("constant", [0, 0, 1, 2, 3, 0, 0]),
            ("edge", [1, 1, 1, 2, 3, 3, 3]),
            ("reflect", [3, 2, 1, 2, 3, 2, 1]),
            ("symmetric", [2, 1, 1, 2, 3, 3, 2]),
        ],
    )
    def test_modes(self, mode: str, row: list[int]) -> None:
        pad = Pad((2, 0), padding_mode=mode)
        assert pad(self.IMAGE)[0].tolist() == row
        assert pad(Image.fromarray(self.IMAGE)).size == (7, 2)
        assert pad(dl.tensor(self.IMAGE[None])).tolist()[0][0] == row

    def test_errors(self) -> None:
        with pytest.raises(ArgumentError, match="Pad: padding should be 1, 2 or 4 numbers"):
            Pad((1, 2, 3))
        with pytest.raises(ArgumentError, match="should not be negative; got -1"):
            Pad(-1)
        with pytest.raises(ArgumentError, match=r"Pad: padding_mode should be .* got 'wrap'"):
            Pad(1, padding_mode="wrap")
        with pytest.raises(ShapeError, match="an image of 0 × 3 has no pixels for 'edge'"):
            Pad(1, padding_mode="edge")(np.zeros((0, 3)))


class TestBatchable:
    def test_what_is_and_what_is_not(self) -> None:
        class Other(ToTensor):
            def __call__(self, x: Any) -> Any:
                return super().__call__(x)

        class OtherCompose(Compose):
            def __call__(self, x: Any) -> Any:
                return super().__call__(x)

        assert not batchable(None)
        assert not batchable(abs)
        assert not batchable(Other())
        assert not batchable(OtherCompose([ToTensor()]))
        assert not batchable(Lambda(abs))
        assert not batchable(Compose([ToTensor(), Compose([abs])]))
        assert batchable(Compose([ToTensor(), Compose([Flatten()])]))
        assert batchable(Lambda(abs, batch=abs))

    def test_lambda(self) -> None:
        with pytest.raises(DTypeError, match="callable, got int"):
            Lambda(3)  # type: ignore[arg-type] # wrong on purpose
        with pytest.raises(ArgumentError, match="batch="):
            Lambda(abs).batch(1)


def test_repr_names_the_steps() -> None:
    text = repr(Compose([RandomCrop(4, 2), RandomHorizontalFlip(), ToTensor(), Normalize(0, 1)]))
    for step in ("RandomCrop(size=(4, 4)", "RandomHorizontalFlip(p=0.5)", "ToTensor()"):
        assert step in text
    assert [repr(t) for t in (Pad((1, 2)), Flatten(), Lambda(abs), CenterCrop(2))] == [
        "Pad(padding=(1, 2), fill=0, padding_mode=constant)",
        "Flatten()",
        "Lambda()",
        "CenterCrop(size=(2, 2))",
    ]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Pad(1.5), ArgumentError, "whole numbers; got 1.5"),
        (lambda: Pad("a"), ArgumentError, "whole numbers; got 'a'"),
        (lambda: CenterCrop("a"), ArgumentError, "whole numbers"),
        (lambda: Pad(1)(dl.ones(3)), ShapeError, r"height and width; got shape \[3\]"),
        (lambda: Pad(1, fill=(1, 2, 3))(dl.ones(2, 4, 4)), ArgumentError, "each channel"),
        (lambda: Pad(1, fill=300)(np.ones((2, 2), np.uint8)), ArgumentError, "uint8"),
    ],
)
def test_unfit_sizes_fills_and_images_are_explained(
    call: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()


def test_sizes_may_be_numpys_numbers() -> None:
    assert Pad(np.int64(2))(dl.ones(1, 3, 3)).shape == (1, 7, 7)
