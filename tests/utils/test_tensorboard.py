"""`SummaryWriter`: what TensorBoard itself reads in the files, and shows in its pages."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig
from tensorboard.util import tensor_util

import dlframe as dl
from dlframe import nn, viz
from dlframe.errors import ArgumentError, DTypeError, FileFormatError, LabelError, ShapeError
from dlframe.utils import tensorboard
from dlframe.utils.tensorboard import SummaryWriter


def read(folder):
    found = EventAccumulator(str(folder), {"scalars": 0, "images": 0, "tensors": 0})
    return found.Reload()


def numbers(folder, tag):
    return [(event.step, event.value) for event in read(folder).Scalars(tag)]


def pixels(folder, tag):
    (event,) = read(folder).Images(tag)
    with Image.open(io.BytesIO(event.encoded_image_string)) as image:
        array = np.asarray(image)
    assert (event.height, event.width) == array.shape[:2]
    return array


def stored(folder, tag):
    (event,) = read(folder).Tensors(tag)
    return tensor_util.make_ndarray(event.tensor_proto)


@pytest.fixture
def writer(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        yield writer


# --- numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [0.5, np.float32(0.5), np.array([[0.5]]), [0.5], dl.tensor([0.5], requires_grad=True)],
    ids=["float", "scalar", "array", "list", "tensor"],
)
def test_a_number_of_any_kind(writer, value, tmp_path):
    writer.add_scalar("loss", value, dl.tensor(3), walltime=12.5)
    writer.flush()
    (event,) = read(tmp_path).Scalars("loss")
    assert (event.wall_time, event.step, event.value) == (12.5, 3, 0.5)


def test_numbers_that_are_not_finite_stay(writer, tmp_path):
    for step, value in enumerate([np.nan, np.inf, -np.inf]):
        writer.add_scalar("loss", value, step)
    writer.flush()
    np.testing.assert_equal([v for _, v in numbers(tmp_path, "loss")], [np.nan, np.inf, -np.inf])


def test_new_style_is_a_tensor(writer, tmp_path):
    writer.add_scalar("single", 0.1, 1, new_style=True)
    writer.add_scalar("double", 0.1, 1, new_style=True, double_precision=True)
    writer.flush()
    assert stored(tmp_path, "single") == np.float32(0.1)
    assert stored(tmp_path, "double").dtype == np.float64


def test_several_numbers_are_runs_beside_each_other(writer, tmp_path):
    writer.add_scalars("curve/of", {"a": 1, "b": dl.tensor(2.0)}, 7)
    writer.close()
    assert numbers(tmp_path / "curve_of_a", "curve/of") == [(7, 1.0)]
    assert numbers(tmp_path / "curve_of_b", "curve/of") == [(7, 2.0)]


@pytest.mark.parametrize(
    "dtype", [np.float16, np.float32, np.int64, np.uint8, np.bool_, np.complex64]
)
def test_tensors_come_back(writer, dtype, tmp_path):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    writer.add_tensor("t", array[:, ::-1])
    writer.flush()
    np.testing.assert_array_equal(stored(tmp_path, "t"), array[:, ::-1])
    assert stored(tmp_path, "t").dtype == dtype


@pytest.mark.parametrize(
    ("value", "error", "match"),
    [
        (np.zeros(3), ShapeError, r"add_scalar, loss: expected one number, got shape \(3,\)"),
        ("high", DTypeError, "add_scalar, loss: expected real numbers"),
        (None, DTypeError, "add_scalar, loss: expected real numbers, got object"),
        (1j, DTypeError, "got complex128"),
    ],
    ids=["several", "text", "nothing", "complex"],
)
def test_no_number_is_refused(writer, value, error, match):
    with pytest.raises(error, match=match):
        writer.add_scalar("loss", value)


# --- histograms --------------------------------------------------------------------------------


def test_a_histogram_counts_every_finite_value(writer, tmp_path, rng):
    values = rng.normal(size=1000)
    values[:3] = np.nan, np.inf, 1e30
    writer.add_histogram("w", dl.tensor(values, requires_grad=True), 1)
    writer.flush()
    (event,) = read(tmp_path).Histograms("w")
    found, finite = event.histogram_value, values[np.isfinite(values)]
    assert found.num == sum(found.bucket) == 998
    assert (found.min, found.max) == (finite.min(), finite.max())
    np.testing.assert_allclose([found.sum, found.sum_squares], [finite.sum(), finite @ finite])
    assert found.bucket[0] == 0
    limits = np.array(found.bucket_limit)
    inner = finite[finite < 1e20]
    for upper, lower, count in zip(limits[1:-1], limits[:-2], found.bucket[1:-1], strict=True):
        assert count == ((lower <= inner) & (inner < upper)).sum()


def test_bins_of_ones_own_and_joined_ones(writer, tmp_path):
    writer.add_histogram("few", [0.5, 1.5, 1.6, 9.0], bins=[0, 1, 2, 3], max_bins=2)
    writer.add_histogram("auto", np.zeros((2, 2)), bins="auto")
    writer.flush()
    few, auto = (read(tmp_path).Histograms(tag)[0].histogram_value for tag in ("few", "auto"))
    assert (few.bucket_limit, few.bucket) == ([0, 2, 3], [0, 3, 1])
    assert sum(auto.bucket) == 4


def test_a_histogram_that_was_counted_already(writer, tmp_path):
    writer.add_histogram_raw("raw", 0, 3, 4, 6, 14, dl.tensor([1.0, 3.0]), np.array([1, 3]))
    writer.flush()
    found = read(tmp_path).Histograms("raw")[0].histogram_value
    assert (found.bucket_limit, found.bucket, found.num) == ([1, 3], [1, 3], 4)


@pytest.mark.parametrize("values", [[], [np.nan], np.zeros((0, 3))], ids=["none", "nan", "empty"])
def test_a_histogram_of_nothing_is_refused(writer, values):
    with pytest.raises(ArgumentError, match="add_histogram, w: there is no finite value"):
        writer.add_histogram("w", values)


@pytest.mark.parametrize("bins", [[1], [2, 1], [[0, 1]]], ids=["one", "falling", "matrix"])
def test_bins_that_are_none_are_refused(writer, bins):
    with pytest.raises(ArgumentError, match="bins must be two or more limits in rising order"):
        writer.add_histogram("w", [1.0], bins=bins)


# --- precision and recall ----------------------------------------------------------------------


def test_a_curve_counts_what_is_at_least_the_threshold(writer, tmp_path, rng):
    labels, scores, weights = rng.integers(0, 2, 50), rng.random(50), rng.random(50)
    writer.add_pr_curve(
        "pr", dl.tensor(labels), dl.tensor(scores, requires_grad=True), 0, 11, weights
    )
    writer.flush()
    found = stored(tmp_path, "pr")
    for column, threshold in zip(found.T, np.arange(11) / 10, strict=True):
        above = np.floor(scores * 10) >= np.round(threshold * 10)
        tp, fp = ((weights * (above & (labels == k))).sum() for k in (1, 0))
        tn, fn = ((weights * (~above & (labels == k))).sum() for k in (0, 1))
        wanted = [tp, fp, tn, fn, tp / max(1e-7, tp + fp), tp / max(1e-7, tp + fn)]
        np.testing.assert_allclose(column, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("labels", "scores", "error", "match"),
    [
        ([0, 2], [0.1, 0.2], LabelError, "labels must be 0 and 1"),
        ([0, 1], [0.1, 2.0], ArgumentError, "take the sigmoid of logits"),
        ([0, 1], [0.1, np.nan], ArgumentError, "predictions must be probabilities"),
        ([0, 1, 1], [0.1, 0.2], ShapeError, "3 labels for 2 predictions"),
    ],
    ids=["classes", "logits", "nan", "sizes"],
)
def test_a_curve_of_something_else_is_refused(writer, labels, scores, error, match):
    with pytest.raises(error, match=match):
        writer.add_pr_curve("pr", labels, scores)


def test_a_curve_that_was_counted_already(writer, tmp_path):
    writer.add_pr_curve_raw("raw", *np.arange(18.0).reshape(6, 3), 0, num_thresholds=3)
    writer.flush()
    np.testing.assert_array_equal(stored(tmp_path, "raw"), np.arange(18.0).reshape(6, 3))
    with pytest.raises(ShapeError, match="differ in length: 3, 3, 2"):
        writer.add_pr_curve_raw("raw", [1] * 3, [1] * 3, [1] * 2, [1] * 3, [1] * 3, [1] * 3)


# --- pictures, sounds, texts -------------------------------------------------------------------


@pytest.mark.parametrize("form", ["CHW", "HWC", "hwc", "WCH"])
def test_an_image_in_any_order(writer, tmp_path, form, rng):
    image = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    given = image.transpose(["HWC".index(letter) for letter in form.upper()])
    writer.add_image("bytes", given, dataformats=form)
    writer.add_image("floats", dl.tensor(given / 255.0, requires_grad=True), dataformats=form)
    writer.flush()
    np.testing.assert_array_equal(pixels(tmp_path, "bytes"), image)
    assert np.abs(pixels(tmp_path, "floats").astype(int) - image).max() <= 1


def test_what_no_pixel_can_hold_is_cut_off(writer, tmp_path):
    writer.add_image("hw", np.array([[np.nan, -1.0, 0.5], [1.0, 2.0, np.inf]]), dataformats="HW")
    writer.flush()
    grey = pixels(tmp_path, "hw")
    assert grey.shape == (2, 3, 3)
    assert grey[..., 0].tolist() == [[0, 0, 127], [255, 255, 255]]


def test_several_images_make_a_grid(writer, tmp_path):
    images = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1) * np.ones((1, 1, 2, 3), np.uint8)
    writer.add_images("grid", images)
    writer.flush()
    grid = pixels(tmp_path, "grid")[..., 0]
    assert grid.shape == (4, 24)
    assert grid[::2, ::3].tolist() == [[0, 1, 2, 3, 4, 5, 6, 7], [8, 9, 0, 0, 0, 0, 0, 0]]


def test_boxes_are_drawn(writer, tmp_path):
    blank, boxes = np.zeros((3, 40, 60), np.uint8), dl.tensor([[5.0, 6.0, 30.0, 20.0]])
    writer.add_image_with_boxes("boxes", blank, boxes)
    writer.add_image_with_boxes("named", blank, boxes, rescale=2, labels=["a cat"])
    writer.flush()
    plain = pixels(tmp_path, "boxes")[..., 0] > 0
    assert plain[6, 5:31].all()
    assert plain[6:21, 30].all()
    assert not plain[10:15, 10:25].any()
    assert pixels(tmp_path, "named").shape == (80, 120, 3)
    with pytest.raises(ShapeError, match="2 labels for 1 boxes"):
        writer.add_image_with_boxes("boxes", blank, boxes, labels=["a", "b"])
    with pytest.raises(ShapeError, match="boxes have 4 numbers each"):
        writer.add_image_with_boxes("boxes", blank, np.zeros((2, 3)))


def test_figures_are_images(writer, tmp_path):
    figure = viz.curves({"loss": [3, 2, 1]})
    writer.add_figure("one", figure)
    writer.add_figure("two", [figure, figure])
    writer.flush()
    height, width = pixels(tmp_path, "one").shape[:2]
    assert pixels(tmp_path, "one").min() < 128
    assert pixels(tmp_path, "two").shape[:2] == (height, 2 * width)


def test_a_video_is_an_animation(writer, tmp_path):
    video = np.zeros((3, 4, 1, 6, 5), np.float32)
    video += np.array([0, 0.2, 1, 0.4], np.float32)[None, :, None, None, None]
    writer.add_video("v", video, fps=10)
    writer.flush()
    (event,) = read(tmp_path).Images("v")
    with Image.open(io.BytesIO(event.encoded_image_string)) as gif:
        assert (gif.format, gif.size) == ("GIF", (10, 12))
        assert gif.info["duration"] == 100
        means = []
        for frame in range(gif.n_frames):
            gif.seek(frame)
            means.append(np.asarray(gif.convert("L")).mean())
    np.testing.assert_allclose(means, np.array([0, 0.2, 1, 0.4]) * 255 * 3 / 4, atol=2)


def test_a_sound(writer, tmp_path):
    writer.add_audio("s", dl.tensor([[0.0, 1.0, -1.0, 5.0]]), sample_rate=8000)
    writer.flush()
    (event,) = read(tmp_path).Audio("s")
    assert (event.sample_rate, event.length_frames) == (8000, 4)
    samples = np.frombuffer(event.encoded_audio_string[-8:], "<i2")
    assert samples.tolist() == [0, 32767, -32767, 32767]


def test_a_text(writer, tmp_path):
    writer.add_text("t", "**ü**\n")
    writer.flush()
    assert stored(tmp_path, "t/text_summary").tolist() == ["**ü**\n".encode()]
    with pytest.raises(TypeError, match="add_text, t: expected a str, got int"):
        writer.add_text("t", 3)


def test_a_mesh(writer, tmp_path):
    writer.add_mesh("m", dl.rand(1, 4, 3), np.zeros((1, 4, 3), np.uint8), [[[0, 1, 2]]])
    writer.flush()
    assert sorted(read(tmp_path).Tags()["tensors"]) == ["m_COLOR", "m_FACE", "m_VERTEX"]
    assert stored(tmp_path, "m_FACE").tolist() == [[[0, 1, 2]]]
    with pytest.raises(ShapeError, match=r"each vertex has 3 numbers.*got shape \(4, 3\)"):
        writer.add_mesh("m", dl.rand(4, 3))


@pytest.mark.parametrize(
    ("shape", "form", "error"),
    [
        ((2, 5, 5), "CHW", ShapeError),
        ((5, 5), "CHW", ShapeError),
        ((0, 5, 5), "CHW", ShapeError),
        ((3, 5, 5), "CHH", ArgumentError),
        ((3, 5, 5), "XYZ", ArgumentError),
    ],
)
def test_no_image_is_refused(writer, shape, form, error):
    with pytest.raises(error, match="add_image, i: "):
        writer.add_image("i", np.zeros(shape), dataformats=form)


@pytest.mark.parametrize(
    ("function", "values"),
    [
        ("add_scalar", [1.0]),
        ("add_tensor", [np.ones(2)]),
        ("add_text", ["a"]),
        ("add_histogram", [np.ones(2)]),
        ("add_histogram_raw", [0, 1, 1, 1, 1, [1], [1]]),
        ("add_pr_curve", [[0, 1], [0.5, 0.6]]),
        ("add_image", [np.ones((3, 2, 2))]),
        ("add_images", [np.ones((1, 3, 2, 2))]),
        ("add_video", [np.ones((1, 2, 3, 2, 2))]),
        ("add_audio", [np.zeros(8)]),
        ("add_mesh", [np.ones((1, 3, 3))]),
    ],
)
def test_a_tag_is_a_text(writer, tmp_path, function, values):
    add = getattr(writer, function)
    with pytest.raises(TypeError, match=r"add_\w+: the tag must be a str; got int 3"):
        add(3, *values)
    add("t", *values)  # and nothing else was wrong
    writer.flush()
    tags = read(tmp_path).Tags()
    kinds = ("scalars", "tensors", "histograms", "images", "audio")
    assert [tag[0] for kind in kinds for tag in tags[kind]] == ["t"]


@pytest.mark.parametrize("figure", [3, None, [3], viz], ids=["int", "None", "list", "module"])
def test_no_figure_is_refused(writer, figure):
    with pytest.raises(TypeError, match="add_figure: expected a figure of matplotlib"):
        writer.add_figure("f", figure)


@pytest.mark.parametrize(
    ("colors", "faces", "error", "match"),
    [
        (None, [[[0, 1, 4]]], ArgumentError, "from 0 to 3; got 0 to 4"),
        (None, [[[0, 1, -1]]], ArgumentError, "from 0 to 3; got -1 to 1"),
        (None, [[[0, 1, 2]]] * 2, ShapeError, r"faces\(2, 1, 3\) and vertices\(1, 4, 3\) differ"),
        (np.ones((1, 3, 3)), None, ShapeError, r"colors\(1, 3, 3\) must have the shape"),
    ],
    ids=["too large", "negative", "batch", "colors"],
)
def test_parts_of_a_mesh_fit(writer, colors, faces, error, match):
    with pytest.raises(error, match=match):
        writer.add_mesh("m", dl.rand(1, 4, 3), colors, faces)


# --- graphs ------------------------------------------------------------------------------------


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
        self.blocks = nn.ModuleList([nn.Linear(8, 8), nn.Linear(8, 2)])

    def forward(self, x, scale=None):
        x = self.body(x)
        for block in self.blocks:
            x = block(x)
        return x * scale if scale is not None else x + x


def nodes(folder):
    graph = GraphDef.FromString(read(folder).Graph().SerializeToString())
    sizes = {
        node.name: tuple(dim.size for dim in node.attr["_output_shapes"].list.shape[0].dim)
        for node in graph.node
    }
    return graph.node, sizes


def test_a_graph_has_the_modules_paths(writer, tmp_path):
    net = Net()
    before = net.state_dict()
    writer.add_graph(net, dl.rand(5, 4))
    writer.flush()
    found, sizes = nodes(tmp_path)
    assert sizes == {
        "input": (5, 4),
        "Net/Sequential[body]/Linear[0]/weight": (8, 4),
        "Net/Sequential[body]/Linear[0]/bias": (8,),
        "Net/Sequential[body]/Linear[0]/linear": (5, 8),
        "Net/Sequential[body]/ReLU[1]/relu": (5, 8),
        "Net/ModuleList[blocks]/Linear[0]/weight": (8, 8),
        "Net/ModuleList[blocks]/Linear[0]/bias": (8,),
        "Net/ModuleList[blocks]/Linear[0]/linear": (5, 8),
        "Net/ModuleList[blocks]/Linear[1]/weight": (2, 8),
        "Net/ModuleList[blocks]/Linear[1]/bias": (2,),
        "Net/ModuleList[blocks]/Linear[1]/linear": (5, 2),
        "Net/add": (5, 2),
        "output": (5, 2),
    }
    kinds = {node.name: node.op for node in found}
    assert kinds["Net/Sequential[body]/Linear[0]/weight"] == "Parameter"
    assert kinds["Net/add"] == "add"
    last = "Net/ModuleList[blocks]/Linear[1]/linear"
    assert {node.name: list(node.input) for node in found}["Net/add"] == [last, last]
    assert net.training
    assert all(dl.equal(value, before[name]) for name, value in net.state_dict().items())


def test_a_graph_of_a_call_with_names_and_of_one_module_twice(writer, tmp_path):
    layer = nn.Linear(3, 3)
    writer.add_graph(nn.Sequential(layer, layer), np.zeros((2, 3), np.float32))
    writer.flush()
    names = [node.name for node in nodes(tmp_path)[0]]
    assert len(names) == len(set(names)) == 6  # one weight and one bias, and two products
    with SummaryWriter(tmp_path / "named") as other:
        other.add_graph(Net(), {"x": dl.rand(5, 4), "scale": dl.ones(1)})
    assert "input/1" in nodes(tmp_path / "named")[1]


def test_a_graph_behind_a_tensor(writer, tmp_path, capsys):
    x = dl.ones(3, requires_grad=True)
    writer.add_graph(((x * 2).exp() + x).sum(), verbose=True)
    writer.flush()
    found = {node.name: list(node.input) for node in nodes_of(tmp_path)}
    assert found == {
        "Sum": ["Add"],
        "Add": ["Exp", "Leaf"],
        "Exp": ["Mul"],
        "Mul": ["Leaf"],
        "Leaf": [],
    }
    assert "Exp" in capsys.readouterr().out


def nodes_of(folder):
    return GraphDef.FromString(read(folder).Graph().SerializeToString()).node


def test_what_has_no_graph_is_refused(writer):
    with pytest.raises(ArgumentError, match="input_to_model is needed"):
        writer.add_graph(Net())
    with pytest.raises(ArgumentError, match="this tensor has no graph"):
        writer.add_graph(dl.ones(2))
    with pytest.raises(TypeError, match="expected a Module or a Tensor with a graph; got str"):
        writer.add_graph("net")


# --- the projector -----------------------------------------------------------------------------


def config(folder):
    from google.protobuf import text_format

    text = (folder / "projector_config.pbtxt").read_text("utf-8")
    return text_format.Parse(text, ProjectorConfig()).embeddings


def test_points_with_labels_and_images(writer, tmp_path):
    points, images = dl.randn(5, 3, requires_grad=True), np.zeros((5, 1, 4, 6), np.uint8)
    images[3] = 200
    writer.add_embedding(points, ["a", "b", "c\td", "", "e"], images, 2, "words/x")
    (info,) = config(tmp_path)
    assert info.tensor_name == "words/x:00002"
    np.testing.assert_array_equal(
        np.loadtxt(tmp_path / info.tensor_path, dtype=np.float32), points.detach().numpy()
    )
    labels = (tmp_path / info.metadata_path).read_text("utf-8").split("\n")
    assert labels == ["a", "b", "c d", " ", "e", ""]
    with Image.open(tmp_path / info.sprite.image_path) as sprite:
        assert sprite.size == (18, 12)
        assert np.asarray(sprite)[4:8, :6].min() == 200
    assert list(info.sprite.single_image_dim) == [6, 4]


def test_columns_of_labels_and_runs_that_go_on(writer, tmp_path):
    writer.add_embedding(dl.randn(2, 3), [["a", 1], ["b", 2]], metadata_header=["name", "n"])
    (info,) = config(tmp_path)
    assert (tmp_path / info.metadata_path).read_text("utf-8") == "name\tn\na\t1\nb\t2\n"
    with SummaryWriter(tmp_path) as later:
        later.add_embedding(dl.randn(4, 3), global_step=1)
        later.add_embedding(dl.randn(6, 3), global_step=1)
    assert [one.tensor_name for one in config(tmp_path)] == ["default:00000", "default:00001"]
    assert len((tmp_path / "00001/default/tensors.tsv").read_text().splitlines()) == 6


def test_points_that_do_not_fit_leave_no_files(writer, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    cases = [
        ((dl.randn(3),), r"a row for each point, \(N, D\); got shape \(3,\)"),
        ((dl.randn(3, 2), ["a"]), "1 entries of metadata for 3 points"),
        ((dl.randn(3, 2), None, dl.rand(2, 3, 4, 4)), "2 images for 3 points"),
    ]
    for args, match in cases:
        with pytest.raises(ShapeError, match=match):
            writer.add_embedding(*args)
    with pytest.raises(ShapeError, match="metadata_header has 2 columns, and an entry"):
        writer.add_embedding(dl.randn(1, 2), [["a"]], metadata_header=["name", "n"])
    assert sorted(tmp_path.rglob("*")) == before
    (tmp_path / "projector_config.pbtxt").write_text("{")
    with pytest.raises(FileFormatError, match="is no list of the projector's"):
        writer.add_embedding(dl.randn(3, 2))


# --- settings of runs --------------------------------------------------------------------------


def test_settings_and_results_are_a_run_of_their_own(writer, tmp_path):
    settings = {"lr": dl.tensor(0.1), "layers": 3, "bias": True, "kind": "mlp", "none": None}
    writer.add_hparams(settings, {"acc": 0.5}, {"kind": ["mlp", "cnn"]}, run_name="first")
    assert numbers(tmp_path / "first", "acc") == [(0, 0.5)]
    tags = read(tmp_path / "first").Tags()["tensors"]
    assert tags == [
        f"_hparams_/{name}" for name in ("experiment", "session_start_info", "session_end_info")
    ]
    writer.add_hparams({}, {})
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 2


@pytest.mark.parametrize(
    ("hparams", "results", "domains", "error", "match"),
    [
        ([1], {}, None, TypeError, "hparam_dict must be a dict; got list"),
        ({}, None, None, TypeError, "metric_dict must be a dict; got NoneType"),
        (
            {"a": [1]},
            {},
            None,
            ArgumentError,
            "a must be a number, a bool, a str or None; got list",
        ),
        ({"a": 1}, {"acc": "x"}, None, DTypeError, "add_scalar, acc"),
        ({"a": 1}, {}, {"b": [1]}, ArgumentError, "names 'b', which hparam_dict has not"),
        ({"a": 1}, {}, {"a": ["x"]}, ArgumentError, "not of the kind of its value"),
    ],
    ids=["list", "none", "value", "result", "name", "domain"],
)
def test_wrong_settings_leave_no_run(writer, tmp_path, hparams, results, domains, error, match):
    with pytest.raises(error, match=match):
        writer.add_hparams(hparams, results, domains)
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


def test_charts_are_checked(writer):
    with pytest.raises(ArgumentError, match='a chart is "Multiline" or "Margin"; got \'Line\''):
        writer.add_custom_scalars({"a": {"x": ["Line", ["loss"]]}})
    with pytest.raises(ArgumentError, match="got 2"):
        writer.add_custom_scalars({"a": {"x": ["Margin", ["a", "b"]]}})
    with pytest.raises(ArgumentError, match="got 1"):
        writer.add_custom_scalars_marginchart(["a"])
    for chart in (3, [], ["Multiline"], ["Multiline", "loss"], "Multiline"):
        with pytest.raises(ArgumentError, match=r"add_custom_scalars, x: a chart is .*; got"):
            writer.add_custom_scalars({"a": {"x": chart}})
    for layout, name in ((3, "layout"), ({"a": 3}, "a")):
        with pytest.raises(TypeError, match=f"add_custom_scalars: {name} must be a dict"):
            writer.add_custom_scalars(layout)


# --- files -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"max_queue": "x"}, TypeError, "max_queue must be a number; got 'x'"),
        ({"flush_secs": None}, TypeError, "flush_secs must be a number; got None"),
        ({"filename_suffix": 3}, TypeError, "filename_suffix must be a str; got 3"),
        ({"filename_suffix": "/../x"}, ArgumentError, "filename_suffix is the end of a file"),
    ],
)
def test_options_are_refused_by_name_and_leave_no_folder(tmp_path, options, error, match):
    with pytest.raises(error, match=match):
        SummaryWriter(tmp_path / "new", **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "step",
    [2**63, -(2**63) - 1, np.nan, np.inf, 10**400, np.uint64(2**63)],
    ids=["above", "below", "nan", "inf", "huge", "uint64"],
)
def test_a_step_has_64_bits(writer, step):
    with pytest.raises(ArgumentError, match="global_step: expected a whole number of 64 bits"):
        writer.add_scalar("s", 1.0, step)


def test_the_largest_steps_stay_exact(writer, tmp_path):
    writer.add_scalar("s", 1.0, 2**63 - 1)
    writer.add_scalar("t", 1.0, dl.tensor(2**53 + 1))
    writer.flush()
    assert numbers(tmp_path, "s") == [(2**63 - 1, 1.0)]
    assert numbers(tmp_path, "t") == [(2**53 + 1, 1.0)]


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda w: w.add_scalars("m", [1], 0), "add_scalars: expected a dict .*; got list"),
        (lambda w: w.add_scalars(3, {"a": 1}, 0), "add_scalars: the tag must be a str; got int 3"),
        (lambda w: w.add_embedding(np.ones((2, 2)), tag=3), "add_embedding: the tag must be a str"),
        (
            lambda w: w.add_hparams({"a": 1}, {"b": 1}, run_name=3),
            "run_name must be a str; got int",
        ),
    ],
    ids=["numbers", "tag", "points", "run"],
)
def test_names_are_texts(writer, tmp_path, call, match):
    with pytest.raises(TypeError, match=match):
        call(writer)
    assert not any(one.is_dir() for one in tmp_path.iterdir())


def test_a_writer_goes_on_after_it_was_closed(tmp_path):
    writer = SummaryWriter(tmp_path, filename_suffix=".mine")
    writer.add_scalar("loss", 1, 1)
    writer.close()
    writer.close()
    writer.flush()
    writer.add_scalar("loss", 2, 2)
    writer.close()
    assert numbers(tmp_path, "loss") == [(1, 1.0), (2, 2.0)]
    assert [path.suffix for path in tmp_path.iterdir()] == [".mine", ".mine"]


def test_the_usual_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with SummaryWriter(comment="_lr0.1") as writer:
        assert re.fullmatch(r"runs/[A-Z][a-z]{2}\d\d_\d\d-\d\d-\d\d_.+_lr0\.1", writer.get_logdir())
    assert (tmp_path / writer.log_dir).is_dir()


def test_purging_hides_what_came_after_a_step(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        for step in range(6):
            writer.add_scalar("loss", step, step)
    with SummaryWriter(tmp_path, purge_step=3) as writer:
        writer.add_scalar("loss", 30, 3)
    assert numbers(tmp_path, "loss") == [(0, 0.0), (1, 1.0), (2, 2.0), (3, 30.0)]


def test_threads_may_share_a_writer(writer, tmp_path):
    def work(name):
        for step in range(100):
            writer.add_scalar(name, step, step)
            writer.add_scalars("group", {name: step}, step)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.flush()
    wanted = [(step, float(step)) for step in range(100)]
    assert all(numbers(tmp_path, name) == wanted for name in "abcd")
    assert all(numbers(tmp_path / f"group_{name}", "group") == wanted for name in "abcd")


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file") as error:
        SummaryWriter(tmp_path / "file" / "run")
    assert not isinstance(error.value, EOFError)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit for the size of files")
def test_a_full_disk_is_an_error_and_no_stop_for_ever(tmp_path):
    program = f"""
import resource, signal, sys
sys.dont_write_bytecode = True  # the limit would leave halves of these files, too
from dlframe.utils.tensorboard import SummaryWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
writer = SummaryWriter({str(tmp_path)!r})
try:
    for step in range(100):
        writer.add_text("t", "x" * 1000, step)
        writer.flush()
except OSError as error:
    print(error)
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.strip() == f"[Errno 27] File too large: '{tmp_path}'"


def test_what_a_killed_process_wrote_is_there(tmp_path):
    program = f"""
import os, signal
from dlframe.utils.tensorboard import SummaryWriter
writer = SummaryWriter({str(tmp_path)!r})
for step in range(10):
    writer.add_scalar("loss", step, step)
writer.flush()
writer.add_scalar("loss", 10, 10)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == -signal.SIGKILL
    assert numbers(tmp_path, "loss")[:10] == [(step, float(step)) for step in range(10)]
    with SummaryWriter(tmp_path, purge_step=5) as writer:  # in the same second
        writer.add_scalar("loss", 50, 5)
    assert numbers(tmp_path, "loss") == [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 50.0)]


def test_it_names_the_extra_where_it_is_missing(tmp_path):
    program = f"""
import sys
sys.modules["tensorboard"] = None
class Absent:
    def find_spec(self, name, path, target=None):
        if name == "tensorboard":
            raise ModuleNotFoundError("No module named 'tensorboard'", name=name)
del sys.modules["tensorboard"]
sys.meta_path.insert(0, Absent())
from dlframe.utils.tensorboard import SummaryWriter
try:
    SummaryWriter({str(tmp_path)!r})
except ImportError as error:
    print(error)
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        "tensorboard is not installed; it comes with an extra: pip install 'dlframe[tensorboard]'"
    )
    assert list(tmp_path.iterdir()) == []


def test_the_package_offers_it():
    assert tensorboard.SummaryWriter is SummaryWriter


# --- TensorBoard's own pages -------------------------------------------------------------------


@pytest.fixture
def server(tmp_path):
    """Asks a real TensorBoard, which reads `tmp_path`: a function from an address to its answer."""
    command = [
        *(sys.executable, "-m", "tensorboard.main", "--logdir", str(tmp_path), "--port", "0"),
        *("--host", "127.0.0.1", "--load_fast", "false", "--reload_interval", "1"),
    ]
    environment = os.environ | {"PYTHONWARNINGS": "ignore"}
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    lines = []
    for line in running.stderr:
        lines.append(line)
        if match := re.search(r"at (http://127\.0\.0\.1:\d+)/", line):
            break
    else:
        pytest.fail("".join(lines))
    reader = threading.Thread(target=running.stderr.read, daemon=True)  # lest the pipe fills
    reader.start()

    def ask(path, body=None, **query):
        address = f"{match[1]}/data/{path}?{urllib.parse.urlencode(query)}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return text if answer.headers.get_content_type() != "application/json" else json.loads(text)

    yield ask
    running.terminate()
    running.wait(30)
    reader.join(30)
    running.stderr.close()


@pytest.mark.slow
def test_tensorboard_shows_it(tmp_path, server):
    folder = tmp_path / "run"
    with SummaryWriter(folder) as writer:
        for step in range(3):
            writer.add_scalar("loss", 1 / (step + 1), step)
        writer.add_pr_curve("pr", [0, 1, 1, 0], [0.1, 0.9, 0.4, 0.5], 0, num_thresholds=5)
        writer.add_graph(Net(), dl.rand(5, 4))
        writer.add_histogram("weights", dl.randn(100), 0)
        writer.add_text("note", "**bold**")
        writer.add_image("picture", dl.rand(3, 4, 4))
        writer.add_custom_scalars_multilinechart(["loss"], "mine", "chart")
        writer.add_mesh("mesh", dl.rand(1, 4, 3))
        writer.add_embedding(dl.randn(4, 2), ["a", "b", "c", "d"])
        writer.add_hparams({"lr": 0.1, "kind": "mlp", "bias": True}, {"acc": 0.5}, run_name="hp")
    begun = time.monotonic()
    while len(server("runs")) < 2 and time.monotonic() - begun < 60:
        time.sleep(0.3)
    assert sorted(server("runs")) == ["run", "run/hp"]
    values = [point[1:] for point in server("plugin/scalars/scalars", run="run", tag="loss")]
    assert values == [[0, 1.0], [1, 0.5], [2, pytest.approx(1 / 3)]]
    (curve,) = server("plugin/pr_curves/pr_curves", run="run", tag="pr")["run"]
    assert (curve["true_positives"], curve["false_positives"]) == ([2, 2, 1, 1], [2, 1, 1, 0])
    graph = server("plugin/graphs/graph", run="run").decode()
    assert 'name: "Net/Sequential[body]/Linear[0]/linear"' in graph
    assert server("plugin/histograms/tags")["run"].keys() == {"weights"}
    (note,) = server("plugin/text/text", run="run", tag="note/text_summary")
    assert "<p><strong>bold</strong></p>" in note["text"]
    assert server("plugin/images/tags")["run"].keys() == {"picture"}
    layout = server("plugin/custom_scalars/layout")
    assert layout["category"][0]["chart"][0]["multiline"]["tag"] == ["loss"]
    assert "mesh" in server("plugin/mesh/tags")["run"]
    info = server("plugin/projector/info", run="run")
    assert info["embeddings"][0]["tensorName"] == "default:00000"
    experiment = server("plugin/hparams/experiment", body={"experimentName": ""})
    kinds = {one["name"]: one["type"] for one in experiment["hparamInfos"]}
    assert kinds == {
        "lr": "DATA_TYPE_FLOAT64", "kind": "DATA_TYPE_STRING", "bias": "DATA_TYPE_BOOL",
    }  # fmt: skip
    groups = server(
        "plugin/hparams/session_groups",
        body={
            "experimentName": "", "allowedStatuses": ["STATUS_SUCCESS"],
            "colParams": [], "startIndex": 0, "sliceSize": 10,
        },
    )["sessionGroups"]  # fmt: skip
    assert groups[0]["hparams"] == {"lr": 0.1, "kind": "mlp", "bias": True}
    (result,) = groups[0]["metricValues"]
    assert (result["name"]["tag"], result["value"]) == ("acc", 0.5)
