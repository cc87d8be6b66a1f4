"""`SummaryWriter` beside PyTorch's: the same arguments, and the same messages in the files."""

from __future__ import annotations

import inspect
import io
import warnings

import numpy as np
import pytest
from PIL import Image

import dlframe as dl
from dlframe.utils import tensorboard as ours

torch = pytest.importorskip("torch")
theirs = pytest.importorskip("torch.utils.tensorboard")
loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
tensor_util = pytest.importorskip("tensorboard.util.tensor_util")

LEFT_OUT = {"add_onnx_graph"}  # ONNX files are drawn by tools of their own
METHODS = [n for n in dir(theirs.SummaryWriter) if not n.startswith("_") and n not in LEFT_OUT]


@pytest.mark.parametrize("name", ["__init__", *METHODS])
def test_the_arguments_are_the_same(name: str) -> None:
    mine, wanted = (
        [
            (p.name, p.default, p.kind)
            for p in inspect.signature(getattr(lib.SummaryWriter, name)).parameters.values()
        ]
        for lib in (ours, theirs)
    )
    assert mine == wanted


def messages(lib, folder, call):
    """What a call writes, without what is of another form on purpose."""
    with lib.SummaryWriter(folder) as writer:
        call(writer)
    found = []
    for file in sorted(folder.rglob("events*")):
        for event in loader.EventFileLoader(str(file)).Load():
            place = (str(file.parent.relative_to(folder)), event.step)
            found += [(*place, value) for value in event.summary.value]
    return sorted(found, key=lambda one: (one[0], one[1], one[2].tag))


RNG = np.random.default_rng(0)
VALUES, SCORES, LABELS = RNG.normal(size=500), RNG.random(40), RNG.integers(0, 2, 40)
IMAGE = RNG.integers(0, 256, (3, 5, 7), dtype=np.uint8)
IMAGES = RNG.integers(0, 256, (10, 1, 5, 7), dtype=np.uint8)
CALLS = {
    "scalar": lambda w: w.add_scalar("loss", 0.25, 3),
    "new style": lambda w: w.add_scalar("loss", 0.25, 3, new_style=True),
    "double": lambda w: w.add_scalar("loss", 0.1, 3, new_style=True, double_precision=True),
    "scalars": lambda w: w.add_scalars("a/b", {"x": 1, "y": 2}, 3),
    "histogram": lambda w: w.add_histogram("w", VALUES, 1),
    "bins": lambda w: w.add_histogram("w", VALUES, 1, bins="auto"),
    "raw": lambda w: w.add_histogram_raw("w", 0, 1, 3, 2, 2, [0.5, 1.0], [1, 2]),
    "curve": lambda w: w.add_pr_curve("pr", LABELS, SCORES, 2, num_thresholds=21),
    "raw curve": lambda w: w.add_pr_curve_raw("pr", *np.ones((6, 4), np.float32), 1, 4),
    "text": lambda w: w.add_text("note", "ü", 1),
    "image": lambda w: w.add_image("i", IMAGE, 1),
    "floats": lambda w: w.add_image("i", IMAGE / 255.0, 1),
    "images": lambda w: w.add_images("i", IMAGES, 1),
    "audio": lambda w: w.add_audio("s", VALUES[None, :100] / 5, 1),
    "charts": lambda w: w.add_custom_scalars({"c": {"t": ["Margin", ["a", "b", "d"]]}}),
    "hparams": lambda w: w.add_hparams({"lr": 0.1, "k": "a"}, {"acc": 0.5}, run_name="r"),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_files_say_the_same(name: str, tmp_path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's own
        wanted = messages(theirs, tmp_path / "theirs", CALLS[name])
    mine = messages(ours, tmp_path / "ours", CALLS[name])
    assert [one[:2] for one in mine] == [one[:2] for one in wanted]
    for (_, _, a), (_, _, b) in zip(mine, wanted, strict=True):
        assert a.tag == b.tag
        if a.HasField("metadata"):
            assert a.metadata.plugin_data == b.metadata.plugin_data
        if a.HasField("histo"):
            for field in ("min", "max", "num", "sum", "sum_squares", "bucket"):
                np.testing.assert_allclose(getattr(a.histo, field), getattr(b.histo, field))
            np.testing.assert_allclose(a.histo.bucket_limit, b.histo.bucket_limit, rtol=1e-9)
        elif a.HasField("image"):
            np.testing.assert_array_equal(decoded(a.image), decoded(b.image))
        elif a.HasField("tensor"):
            np.testing.assert_array_equal(values_of(a.tensor), values_of(b.tensor))
        else:
            assert a == b


def decoded(image):
    return np.asarray(Image.open(io.BytesIO(image.encoded_image_string)))


def values_of(message):
    return tensor_util.make_ndarray(message)


def test_tensors_of_both_are_taken() -> None:
    from dlframe.utils.tensorboard import summaries

    number = torch.tensor(0.5)
    assert summaries.scalar("a", number) == summaries.scalar("a", dl.tensor(0.5))
