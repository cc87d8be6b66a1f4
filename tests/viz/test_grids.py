"""Grids: which images, in which order, in which shades, with which words."""

from __future__ import annotations

import numpy as np
import pytest

from dlframe.errors import LabelError, ShapeError
from dlframe.tensor import Tensor
from dlframe.viz import filters_grid, mistakes_grid, sample_grid, tiles


def shown(figure):
    """The tiles' pixels, in the order drawn."""
    return [np.asarray(image.get_array()) for image in figure.axes[0].images]


def captions(figure):
    return [text.get_text() for text in figure.axes[0].texts]


@pytest.mark.parametrize("count", [1, 3, 10, 100])
@pytest.mark.parametrize("shape", [(8, 8), (1, 28, 28), (3, 32, 32)])
def test_every_image_is_drawn_inside_the_figure(count, shape, inside):
    rng = np.random.default_rng(0)
    figure = sample_grid(rng.random((count, *shape)), labels=np.arange(count), title="Samples")
    assert len(shown(figure)) == count
    assert captions(figure) == [str(i) for i in range(count)]
    assert max(figure.get_size_inches()) < 16
    inside(figure)


def test_tiles_do_not_overlap():
    figure = sample_grid(np.zeros((10, 8, 8)), labels=["a long name, and longer"] * 10)
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    boxes += [image.get_window_extent() for image in figure.axes[0].images]
    for i, first in enumerate(boxes):
        for second in boxes[:i]:
            assert not first.overlaps(second)


def test_values_from_0_to_1_and_bytes_stay_as_they_are():
    levels = np.array([[[0.2, 0.4]]])
    np.testing.assert_allclose(shown(sample_grid(levels))[0][..., 0], [[0.2, 0.4]])
    levels = np.array([[[0, 51]]], np.uint8)
    np.testing.assert_allclose(shown(sample_grid(levels))[0][..., 1], [[0.0, 0.2]])


def test_other_values_are_stretched_over_all_images_or_each():
    images = np.array([[[0.0, 16.0]], [[4.0, 8.0]]])
    together = shown(sample_grid(images))
    np.testing.assert_allclose(together[1][..., 0], [[0.25, 0.5]])
    each = shown(sample_grid(images, per_image=True))
    np.testing.assert_allclose(each[1][..., 0], [[0.0, 1.0]])


def test_an_even_image_is_grey():
    for per_image in (False, True):
        tile = shown(sample_grid(np.full((1, 2, 2), 7.0), per_image=per_image))[0]
        np.testing.assert_array_equal(tile, 0.5)


def test_mean_and_std_undo_a_normalisation():
    images = np.random.default_rng(0).random((2, 3, 4, 4))
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.1)
    columns = np.array([mean, std]).reshape(2, 1, 3, 1, 1)
    figure = sample_grid((images - columns[0]) / columns[1], mean=mean, std=std)
    np.testing.assert_allclose(shown(figure)[1], np.moveaxis(images[1], 0, -1), atol=1e-12)
    with pytest.raises(ShapeError, match=r"one number or one per channel \(3\), got shape \(2,\)"):
        sample_grid(images, mean=(0.1, 0.2))


def test_nan_pixels_are_magenta():
    tile = shown(sample_grid(np.array([[[0.0, np.nan, 1.0]]])))[0]
    np.testing.assert_allclose(tile[0, 1], np.array([0xD8, 0x1B, 0x60]) / 255)
    np.testing.assert_allclose(tile[0, 2], 1.0)


def test_the_input_is_not_changed():
    images = np.array([[[0.0, np.nan, 5.0]]])
    before = images.copy()
    sample_grid(images)
    np.testing.assert_array_equal(images, before)


def test_more_than_the_limit_is_said(texts):
    figure = sample_grid(np.zeros((12, 4, 4)), limit=5, title="Digits")
    assert len(shown(figure)) == 5
    assert "the first 5 of 12" in texts(figure)


def test_classes_name_the_labels_and_are_checked():
    images = Tensor(np.zeros((2, 4, 4), np.float32))
    assert captions(sample_grid(images, Tensor(np.array([1, 0])), ["cat", "dog"])) == ["dog", "cat"]
    with pytest.raises(LabelError, match=r"labels\[1\] is 2; with 2 classes"):
        sample_grid(images, [0, 2], ["cat", "dog"])
    with pytest.raises(ShapeError, match=r"labels must be \(2,\), one per image, got \(3,\)"):
        sample_grid(images, [0, 1, 0])


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((4,), r"must be \(N, C, H, W\), \(N, H, W, C\), \(N, H, W\) or \(H, W\); got \(4,\)"),
        ((2, 16, 4, 4), r"1 or 3 channels \(grey, RGB\), got \(2, 16, 4, 4\); choose one or three"),
        ((2, 16, 3, 3), r"1 or 3 channels \(grey, RGB\), got \(2, 16, 3, 3\)"),
        ((2, 3, 0, 4), r"without pixels"),
    ],
)
def test_shapes_that_are_no_images(shape, message):
    with pytest.raises(ShapeError, match=f"sample_grid: .*{message}"):
        sample_grid(np.zeros(shape))


def test_no_images_is_a_page_that_says_so(texts):
    figure = sample_grid(np.zeros((0, 4, 4)), title="Samples")
    assert shown(figure) == []
    assert {"Samples", "No images."} <= texts(figure)


# --- mistakes ----------------------------------------------------------------------------------


def test_mistakes_come_most_confident_first(texts):
    images = np.arange(4).reshape(4, 1, 1) / 4
    figure = mistakes_grid(images, [0, 1, 2, 1], [1, 1, 0, 2], [0.6, 0.9, 0.8, 0.994])
    assert [tile[0, 0, 0] for tile in shown(figure)] == [0.75, 0.5, 0.0]
    assert captions(figure) == [
        "predicted 1 · 99 %",
        "true 2",
        "predicted 2 · 80 %",
        "true 0",
        "predicted 0 · 60 %",
        "true 1",
    ]
    assert "3 of 4 images (75.0 %), the most confident first" in texts(figure)


def test_mistakes_without_confidence_and_with_a_limit(texts, inside):
    target = np.arange(40) % 10
    classes = [f"a rather long name {i}" for i in range(10)]
    figure = mistakes_grid(np.zeros((40, 8, 8)), (target + 1) % 10, target, classes=classes)
    assert len(shown(figure)) == 25
    assert "40 of 40 images (100 %); the first 25" in texts(figure)
    inside(figure)


def test_no_mistakes_is_good_news(texts):
    figure = mistakes_grid(np.zeros((3, 8, 8)), [1, 2, 3], [1, 2, 3])
    assert {"All 3 images recognised.", "No mistakes to show."} <= texts(figure)
    assert "No images." in texts(mistakes_grid(np.zeros((0, 8, 8)), [], []))


def test_scores_give_the_confidence_too():
    scores = np.array([[2.0, -1.0, 0.0], [0.0, -3.0, 4.0]])
    figure = mistakes_grid(np.zeros((2, 8, 8)), scores, [0, 1])
    p = np.exp(4) / (np.exp(4) + 1 + np.exp(-3))
    assert captions(figure) == [f"predicted 2 · {100 * p:.0f} %", "true 1"]
    with pytest.raises(ShapeError, match=r"confidence must be \(2,\)"):
        mistakes_grid(np.zeros((2, 8, 8)), [0, 1], [0, 0], np.zeros((2, 10)))


# --- filters -----------------------------------------------------------------------------------


def test_filters_share_one_scale_with_zero_in_the_middle(texts):
    weights = np.array([-2.0, 0.0, 1.0]).reshape(3, 1, 1, 1)
    figure = filters_grid(weights)
    import matplotlib as mpl

    expected = mpl.colormaps["cividis"](np.array([0.0, 0.5, 0.75]))[:, :3]
    np.testing.assert_allclose([tile[0, 0] for tile in shown(figure)[:3]], expected)
    assert {"−2", "0", "+2", "3 filters"} <= texts(figure)


def test_three_input_channels_are_a_colour():
    figure = filters_grid(np.stack([np.full((3, 2, 2), 1.0), np.full((3, 2, 2), -1.0)]))
    assert [tile[0, 0].tolist() for tile in shown(figure)] == [[1, 1, 1], [0, 0, 0]]


def test_more_channels_make_rows(texts, inside):
    figure = filters_grid(np.random.default_rng(0).normal(size=(32, 16, 3, 3)))
    assert len(shown(figure)) == 10 * 12 + 1  # and the scale
    expected = "rows: 32 output channels, columns: 16 input channels; the first 10 × 12"
    assert any(expected.startswith(text) for text in texts(figure) if text.startswith("rows"))
    inside(figure)


def test_zero_weights_and_other_shapes():
    assert len(shown(filters_grid(np.zeros((2, 1, 3, 3))))) == 3
    with pytest.raises(
        ShapeError, match=r"\(out, in, k\) or \(out, in\) and not empty, got \(3, 1, 0, 3\)"
    ):
        filters_grid(np.zeros((3, 1, 0, 3)))
    with pytest.raises(ShapeError, match=r"3 inputs are no square picture.*pass shape="):
        filters_grid(np.zeros((3, 3)))


def test_columns_avoid_stragglers():
    assert [tiles.balanced_columns(n) for n in (1, 2, 3, 10, 100)] == [1, 2, 3, 5, 10]
