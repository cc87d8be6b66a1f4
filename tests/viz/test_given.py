"""What users have: every picture takes it in each usual form, or says in a sentence what it wants.

A table of forms of images, labels, outputs and data; from it follow the calls.
"""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import dlframe as dl
from dlframe import Trainer, data, nn, optim, viz
from dlframe.data.datasets import CIFAR10, MNIST
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.viz import given

RNG = np.random.default_rng(5)
BYTES = RNG.integers(0, 256, (6, 3, 9, 7), dtype=np.uint8)
GREY = RNG.integers(0, 256, (6, 9, 7), dtype=np.uint8)
NAMES = ["cat", "dog", "fox"]
TRUTH = np.array([0, 1, 2, 2, 1, 0])
SCORES = RNG.normal(size=(6, 3)).astype(np.float32)


class Pairs(data.Dataset):
    """Images of PIL and their labels; it notes which samples were read."""

    classes = NAMES

    def __init__(self):
        self.read = []

    def __len__(self):
        return 6

    def __getitem__(self, index):
        self.read.append(index)
        return Image.fromarray(np.moveaxis(BYTES[index], 0, -1)), int(TRUTH[index])


class Stream(data.IterableDataset):
    """The same as a stream of dicts."""

    def __iter__(self):
        return ({"x": image, "y": label} for image, label in zip(BYTES, TRUTH, strict=True))


def tiles_of(figure):
    return np.stack([np.asarray(image.get_array()) for image in figure.axes[0].images])


def captions(figure):
    return [text.get_text() for text in figure.axes[0].texts]


# --- images ------------------------------------------------------------------------------------

COLOURS = {
    "NCHW": BYTES,
    "NHWC": np.moveaxis(BYTES, 1, -1),
    "not contiguous": np.repeat(BYTES, 2, axis=0)[::2],
    "tensor": dl.tensor(BYTES),
    "requires grad": dl.tensor(BYTES / 255.0, requires_grad=True),
    "float16": (BYTES / 255.0).astype(np.float16),
    "float32": (BYTES / 255.0).astype(np.float32),
    "float64": BYTES / 255.0,
    "list of CHW": list(BYTES),
    "list of HWC": list(np.moveaxis(BYTES, 1, -1)),
    "tuple of tensors": tuple(dl.tensor(BYTES)),
    "list of batches": [BYTES[i : i + 1] for i in range(6)],
    "PIL": [Image.fromarray(np.moveaxis(one, 0, -1)) for one in BYTES],
    "PIL with alpha": [Image.fromarray(np.moveaxis(one, 0, -1)).convert("RGBA") for one in BYTES],
    "data set": Pairs(),
    "subset": data.Subset(Pairs(), range(6)),
    "loader": data.DataLoader(Pairs(), 4, collate_fn=lambda batch: list(zip(*batch, strict=True))),
    "stream": Stream(),
    "pair": (BYTES, TRUTH),
    "dict": {"x": BYTES, "y": TRUTH},
    "list of pairs": list(zip(BYTES, TRUTH, strict=True)),
}
GREYS = {
    "NHW": GREY,
    "N1HW": GREY[:, None],
    "NHW1": GREY[..., None],
    "list": list(GREY),
    "PIL": [Image.fromarray(one) for one in GREY],
    "nested lists": (GREY / 255.0).tolist(),
}


@pytest.mark.parametrize("form", sorted(COLOURS))
def test_images_in_colour(form):
    drawn = tiles_of(viz.sample_grid(COLOURS[form]))
    np.testing.assert_allclose(drawn, np.moveaxis(BYTES, 1, -1) / 255, atol=5e-4)


@pytest.mark.parametrize("form", sorted(GREYS))
def test_images_in_grey(form):
    drawn = tiles_of(viz.sample_grid(GREYS[form]))
    np.testing.assert_allclose(drawn, np.repeat(GREY[..., None], 3, -1) / 255, atol=1e-9)


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "longdouble"]
)
def test_every_type_of_number(dtype):
    drawn = tiles_of(viz.sample_grid((GREY // 128).astype(dtype)))
    np.testing.assert_array_equal(drawn[..., 0], GREY // 128)


def test_one_image(tmp_path):
    for one in (GREY[0], Image.fromarray(GREY[0]), [GREY[0]]):
        np.testing.assert_allclose(tiles_of(viz.sample_grid(one))[0, ..., 0], GREY[0] / 255)
    colour = np.moveaxis(BYTES[0], 0, -1)
    file = tmp_path / "one.png"
    Image.fromarray(colour).save(file)
    for one in (colour, Image.fromarray(colour), file, str(file), [BYTES[0]]):
        np.testing.assert_allclose(tiles_of(viz.sample_grid(one))[0], colour / 255)


def test_alpha_is_over_white_and_grey_beside_colour_is_grey():
    see_through = np.zeros((1, 5, 5, 4))
    np.testing.assert_array_equal(tiles_of(viz.sample_grid(see_through)), 1)
    drawn = tiles_of(viz.sample_grid([np.full((5, 5), 51, np.uint8), np.ones((3, 5, 5))]))
    np.testing.assert_allclose(drawn[0], 0.2)
    np.testing.assert_allclose(drawn[1], 1.0)


def test_small_feature_maps_are_no_pictures_with_channels_last():
    with pytest.raises(ShapeError, match=r"1 or 3 channels .* got \(2, 16, 3, 3\)"):
        viz.sample_grid(np.zeros((2, 16, 3, 3)))


BAD_IMAGES = {
    "none": (None, DTypeError, "expected images .* got NoneType"),
    "complex": (np.zeros((2, 4, 4), complex), DTypeError, "got dtype complex128"),
    "ragged": ([[1.0, 2.0], [1.0]], DTypeError, "expected images"),
    "sizes": (
        [np.zeros((4, 4)), np.zeros((5, 4))],
        ShapeError,
        "image 1 is 5 × 4 and the first is 4 × 4. Resize them",
    ),
    "points": (data.TensorDataset(dl.zeros(3, 2), dl.zeros(3)), ShapeError, r"got \(2,\)"),
    "no pixels": (np.zeros((2, 3, 0, 4)), ShapeError, "without pixels"),
    "dict": ([{"image": 1}], ArgumentError, "keys 'image'; expected pairs"),
}


@pytest.mark.parametrize("form", sorted(BAD_IMAGES))
def test_what_is_no_image(form):
    images, error, message = BAD_IMAGES[form]
    if form == "dict":
        images = data.Subset(images, [0])
    with pytest.raises(error, match=f"sample_grid: .*{message}"):
        viz.sample_grid(images)


def test_rows_of_pixels_are_explained():
    with pytest.raises(ShapeError, match=r"rows of pixels; .* images\.reshape\(-1, 28, 28\)"):
        viz.sample_grid(np.zeros((10, 784)), np.arange(10))


def test_of_a_data_set_only_what_is_drawn_is_read():
    pairs = Pairs()
    figure = viz.sample_grid(pairs, limit=2)
    assert pairs.read == [0, 1]
    assert captions(figure) == ["cat", "dog"]
    assert any(text.get_text() == "the first 2 of 6" for text in figure.texts)


def test_a_loader_and_the_random_streams_are_left_as_they_were():
    loader = data.DataLoader(
        data.TensorDataset(dl.tensor(BYTES), dl.tensor(TRUTH)), 2, shuffle=True
    )
    dl.manual_seed(3)
    wanted = [x.numpy() for x, _ in loader]
    dl.manual_seed(3)
    viz.sample_grid(loader, limit=3)
    viz.class_balance(loader)
    np.testing.assert_array_equal([x.numpy() for x, _ in loader], wanted)


def test_real_data(real_data):
    cifar, mnist = CIFAR10(real_data, train=False), MNIST(real_data, train=False)
    figure = viz.sample_grid(cifar.data[:24], cifar.targets[:24], cifar.classes)
    np.testing.assert_allclose(tiles_of(figure), cifar.data[:24] / 255)
    assert captions(figure) == captions(viz.sample_grid(cifar, limit=24))
    figure = viz.sample_grid(mnist, limit=5)
    np.testing.assert_allclose(tiles_of(figure)[..., 0], mnist.data[:5].numpy() / 255)
    assert viz.class_balance(cifar).axes[0].patches[3].get_width() == 1000


# --- labels ------------------------------------------------------------------------------------

LABELS = {
    "int64": TRUTH,
    "uint8": TRUTH.astype(np.uint8),
    "float": TRUTH.astype(np.float32),
    "tensor": dl.tensor(TRUTH),
    "list": TRUTH.tolist(),
    "list of tensors": list(dl.tensor(TRUTH)),
    "(N, 1)": TRUTH[:, None],
    "one-hot": np.eye(3)[TRUTH],
    "one-hot of booleans": np.eye(3, dtype=bool)[TRUTH],
    "probabilities": 0.9 * np.eye(3)[TRUTH] + 0.1 / 3,
    "names": [NAMES[i] for i in TRUTH],
    "array of names": np.array(NAMES)[TRUTH],
    "objects": np.array(NAMES, object)[TRUTH],
}
OUTPUTS = {
    "logits": SCORES,
    "tensor with grad": dl.tensor(SCORES, requires_grad=True),
    "list": SCORES.tolist(),
    "list of tensors": list(dl.tensor(SCORES)),
    "probabilities": dl.tensor(SCORES).softmax(1),
    "log-probabilities": dl.tensor(SCORES).log_softmax(1),
    "float64": SCORES.astype(np.float64),
    "float16": SCORES.astype(np.float16),
    "labels": SCORES.argmax(1),
    "names": np.array(NAMES)[SCORES.argmax(1)],
}
COUNTS = np.zeros((3, 3), int)
np.add.at(COUNTS, (TRUTH, SCORES.argmax(1)), 1)


def matrix_drawn(figure):
    return np.asarray(figure.axes[0].images[0].get_array())


@pytest.mark.parametrize("form", sorted(LABELS))
def test_labels(form):
    labels = LABELS[form]
    figure = viz.sample_grid(BYTES, labels, NAMES)
    assert captions(figure) == [NAMES[i] for i in TRUTH]
    np.testing.assert_array_equal(
        matrix_drawn(viz.confusion(SCORES, target=labels, classes=NAMES)), COUNTS
    )
    np.testing.assert_array_equal(matrix_drawn(viz.confusion(SCORES, dl.tensor(TRUTH))), COUNTS)
    widths = [bar.get_width() for bar in viz.class_balance(labels, NAMES).axes[0].patches]
    assert widths == [2, 2, 2]
    wanted = viz.roc(SCORES, TRUTH, NAMES).axes[0].lines[1]
    found = viz.roc(SCORES, labels, NAMES).axes[0].lines[1]
    np.testing.assert_array_equal(found.get_xydata(), wanted.get_xydata())


@pytest.mark.parametrize("form", sorted(OUTPUTS))
def test_outputs(form):
    output = OUTPUTS[form]
    figures = [
        viz.confusion(output, NAMES, target=TRUTH),
        viz.confusion(output, TRUTH),
    ]
    for figure in figures:
        np.testing.assert_array_equal(matrix_drawn(figure), COUNTS)
    recall = COUNTS.diagonal() / COUNTS.sum(axis=1)
    bars = viz.class_scores(output, NAMES, target=TRUTH, names=["recall"]).axes[0].patches
    np.testing.assert_allclose([bar.get_width() for bar in bars], recall)
    wrong = np.flatnonzero(SCORES.argmax(1) != TRUTH)
    found = captions(viz.mistakes_grid(BYTES, output, TRUTH, classes=NAMES))
    assert len(found) == 2 * len(wrong)
    assert sorted(found[1::2]) == sorted(f"true {NAMES[TRUTH[i]]}" for i in wrong)
    for draw in (viz.roc, viz.precision_recall, viz.calibration):
        if form in ("labels", "names"):
            with pytest.raises(ArgumentError, match=r"needs scores, .* got labels of shape"):
                draw(output, TRUTH)
        else:
            draw(output, TRUTH)


def test_names_alone_are_classes_in_the_order_of_the_alphabet(texts):
    figure = viz.confusion(["b", "a", "b"], ["a", "a", "b"])
    assert matrix_drawn(figure).tolist() == [[1, 1], [0, 1]]
    assert {"a", "b"} <= texts(figure)
    figure = viz.class_balance({"here": ["y", "x"], "there": ["y"]})
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["x", "y"]


def test_sequences_and_places_are_samples_of_their_own():
    labels = np.array([[0, 2, 1], [1, 1, 2]])
    assert (
        matrix_drawn(viz.confusion(labels, target=labels)).tolist() == np.diag([1, 3, 2]).tolist()
    )
    scores = np.moveaxis(np.eye(3)[labels], -1, 1)
    assert matrix_drawn(viz.confusion(scores, target=labels)).trace() == 6


def test_a_square_matrix_stays_one_beside_as_many_names():
    assert matrix_drawn(viz.confusion(COUNTS, [10, 20, 30])).tolist() == COUNTS.tolist()
    scores = SCORES[:3]
    assert scores.min() < 0
    assert matrix_drawn(viz.confusion(scores, [0, 1, 2])).sum() == 3


BAD_ANSWERS = {
    "unknown name": (
        SCORES,
        ["cat"] * 5 + ["cow"],
        "target have cow, which is none of the classes",
    ),
    "several labels": (SCORES, np.ones((6, 3)), r"adds up to 3 over the 3 classes"),
    "half a label": (SCORES, TRUTH / 2, "labels are whole numbers"),
    "too few": (SCORES, TRUTH[1:], r"6 outputs and 5 targets"),
    "nan": (SCORES * np.nan, TRUTH, r"output\[0, 0\] is nan"),
    "no target": (SCORES, None, "needs a square matrix"),
    "a matrix of negative numbers": (-COUNTS, None, "counts samples, so its numbers are 0 or more"),
    "a number": (3.0, TRUTH, r"outputs must be \(N,\) or \(N, C\)"),
    "a model without data": (nn.Linear(2, 3), None, "with a model goes its data"),
    "a model and labels": (nn.Linear(2, 3), TRUTH, "with a model goes its data.* got a ndarray"),
    "a loader that shuffles": (
        SCORES,
        data.DataLoader(data.TensorDataset(dl.zeros(6, 2), dl.tensor(TRUTH)), shuffle=True),
        "an order of its own",
    ),
}


@pytest.mark.parametrize("form", sorted(BAD_ANSWERS))
def test_answers_that_are_none(form):
    output, target, message = BAD_ANSWERS[form]
    for draw in (viz.confusion, viz.class_scores):
        with pytest.raises((ValueError, TypeError), match=message):
            draw(output, NAMES, target=target)


@pytest.mark.parametrize("draw", [viz.roc, viz.precision_recall, viz.calibration])
def test_no_samples(draw):
    with pytest.raises(ShapeError, match=r"there are no samples; got output\(0, 3\)"):
        draw(SCORES[:0], TRUTH[:0])


# --- models and data ---------------------------------------------------------------------------

POINTS = RNG.normal(size=(6, 2)).astype(np.float32)


@pytest.fixture
def model():
    dl.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 3))


def dataset():
    found = data.TensorDataset(dl.tensor(POINTS), dl.tensor(TRUTH))
    found.classes = NAMES
    return found


DATA = {
    "data set": dataset,
    "subset": lambda: data.Subset(dataset(), range(6)),
    "loader": lambda: data.DataLoader(dataset(), 4),
    "shuffled loader": lambda: data.DataLoader(dataset(), 4, shuffle=True),
    "pair": lambda: (POINTS, TRUTH),
    "pair of lists": lambda: (POINTS.tolist(), TRUTH.tolist()),
    "float64": lambda: (POINTS.astype(np.float64), TRUTH),
    "names": lambda: (POINTS, np.array(NAMES)[TRUTH]),
    "dict": lambda: {"x": POINTS, "y": TRUTH},
}


# the others take a second each
SOON = {"data set", "names", "pair"}
FORMS = [
    pytest.param(name, marks=[] if name in SOON else [pytest.mark.slow]) for name in sorted(DATA)
]


@pytest.mark.parametrize("form", FORMS)
def test_a_model_and_its_data_in_place_of_outputs_and_targets(form, model, texts):
    loss, optimizer = nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1)
    trainer = Trainer(model, loss, optimizer)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with given.evaluating(model):
        output = model(dl.tensor(POINTS)).detach()
    counts = matrix_drawn(viz.confusion(output, TRUTH))
    for asked in (model, trainer):
        for figure in (
            viz.confusion(asked, DATA[form]()),
            viz.confusion(asked, target=DATA[form]()),
        ):
            np.testing.assert_array_equal(matrix_drawn(figure), counts)
            if form in ("data set", "subset", "loader", "shuffled loader", "names"):
                assert set(NAMES) <= texts(figure)
        for draw in (viz.roc, viz.precision_recall, viz.calibration):
            wanted, found = (draw(*pair).axes[0].lines for pair in (
                (output, TRUTH), (asked, DATA[form]())
            ))  # fmt: skip
            for one, other in zip(wanted, found, strict=True):
                np.testing.assert_allclose(one.get_xydata(), other.get_xydata(), atol=1e-6)
        viz.class_scores(asked, target=DATA[form]())
        viz.decision_boundary(asked, DATA[form](), resolution=9)
    assert model.training
    assert all((model.state_dict()[name] == value).all() for name, value in before.items())


def test_several_models_on_one_data_set():
    labels = TRUTH % 2
    models = {"one": nn.Linear(2, 1), "other": nn.Sequential(nn.Linear(2, 1), nn.Sigmoid())}
    lines = viz.roc(models, (POINTS, labels)).axes[0].lines
    assert {line.get_label().split()[0] for line in lines[1:]} == {"one", "other"}
    curve = viz.calibration(models, (POINTS, labels)).axes[0].lines
    assert len(curve) == 3


def test_mistakes_of_a_model(tmp_path):
    images = data.TensorDataset(dl.tensor(BYTES / 255.0).float(), dl.tensor(TRUTH))
    net = nn.Sequential(nn.Flatten(), nn.Linear(189, 3))
    output = net(images.tensors[0]).detach()
    wanted = viz.mistakes_grid(images.tensors[0], output, TRUTH)
    loader = data.DataLoader(images, 4, shuffle=True)
    for figure in (
        viz.mistakes_grid(images, net),
        viz.mistakes_grid(loader, net),
        viz.mistakes_grid(images.tensors, net),
        viz.mistakes_grid(images.tensors[0], net, TRUTH),
        viz.mistakes_grid(images, output),
    ):
        assert captions(figure) == captions(wanted)
        np.testing.assert_allclose(tiles_of(figure), tiles_of(wanted), atol=1e-6)
    with pytest.raises(ArgumentError, match="with a model and images go the true labels"):
        viz.mistakes_grid(images.tensors[0], net)


def test_a_model_with_several_outputs_is_refused():
    class Two(nn.Module):
        def forward(self, x):
            return x, x

    with pytest.raises(ArgumentError, match="one Tensor for each sample; got tuple"):
        viz.confusion(Two(), (POINTS, TRUTH))


# --- weights -----------------------------------------------------------------------------------

WEIGHTS = {
    "convolution": (lambda: nn.Conv2d(3, 4, 5), (5, 5, 3), 4),
    "the first of a model": (
        lambda: nn.Sequential(nn.Linear(2, 2), nn.Conv2d(3, 4, 5), nn.Conv2d(4, 2, 3)),
        (5, 5, 3),
        4,
    ),
    "depthwise": (lambda: nn.Conv2d(4, 4, 3, groups=4), (3, 3, 3), 4),
    "transposed": (lambda: nn.ConvTranspose2d(3, 4, 5), (5, 5, 3), 4),
    "one dimension": (lambda: nn.Conv1d(2, 4, 7), (2, 7, 3), 4),
    "a square of pixels": (lambda: nn.Linear(49, 4), (7, 7, 3), 4),
    "a square in colour": (lambda: nn.Linear(147, 4), (7, 7, 3), 4),
    "an array": (lambda: np.ones((4, 3, 2, 2), np.float16), (2, 2, 3), 4),
    "lists": (lambda: np.ones((4, 1, 2, 2)).tolist(), (2, 2, 3), 4),
}


@pytest.mark.parametrize("form", sorted(WEIGHTS))
def test_weights(form):
    make, shape, count = WEIGHTS[form]
    images = [np.asarray(image.get_array()) for image in viz.filters_grid(make()).axes[0].images]
    assert [image.shape for image in images[:count]] == [shape] * count


def test_a_linear_of_pictures_that_are_no_squares():
    layer = nn.Linear(24, 3)
    with pytest.raises(ShapeError, match=r"24 inputs are no square picture .* pass shape="):
        viz.filters_grid(layer)
    assert viz.filters_grid(layer, shape=(4, 6)).axes[0].images[0].get_array().shape == (4, 6, 3)
    with pytest.raises(ShapeError, match=r"shape must be \(H, W\) or \(C, H, W\) of 24 inputs"):
        viz.filters_grid(layer, shape=(5, 6))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (nn.ReLU(), "no Conv1d, Conv2d or Linear whose weights could be drawn, but ReLU"),
        (nn.LazyLinear(3), "has no weights before its first call"),
        ("weights", "expected weights, a layer or a model; got str"),
    ],
    ids=["relu", "lazy", "text"],
)
def test_what_has_no_weights(weights, message):
    with pytest.raises((ArgumentError, DTypeError), match=message):
        viz.filters_grid(weights)


# --- histories and the rest --------------------------------------------------------------------


def test_histories(tmp_path, model):
    trainer = Trainer(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1))
    history = trainer.fit((POINTS, TRUTH), epochs=3, progress=False)
    history.save(tmp_path / "history.json")
    tracker = viz.Tracker()
    for step, loss in zip((10, 20, 30), history["loss"], strict=True):
        tracker.log(step, loss=loss)

    class Frame:
        """What pandas gives, as far as it is read."""

        columns = ("epoch", "loss")

        def to_dict(self):
            raise NotImplementedError

        def __getitem__(self, name):
            return self

        def to_numpy(self):
            return np.array(history["loss"])

    forms = [history, trainer, tmp_path / "history.json", str(tmp_path / "history.json")]
    forms += [history.records(), dict(history), tracker, Frame()]
    for form in forms:
        axes = viz.curves(form).axes[0]
        assert axes.get_ylabel() == "loss"
        np.testing.assert_allclose(axes.lines[0].get_ydata(), history["loss"])
        wanted = [10, 20, 30] if form is tracker else [1, 2, 3]
        assert axes.lines[0].get_xdata().tolist() == wanted
        compared = viz.compare({"run": form}, names=["loss"]).axes[0].lines[-1]
        np.testing.assert_allclose(compared.get_ydata(), history["loss"])
    with pytest.raises(ArgumentError, match=r"expected a history .* got int"):
        viz.curves(3)


def test_columns_that_are_not_one_number_per_epoch_are_left_out():
    history = {"loss": [2.0, 1.0], "precision": [[0.5, 0.25], [0.75, 0.5]]}
    assert [axes.get_ylabel() for axes in viz.curves(history).axes] == ["loss"]


def test_images_of_other_types_for_attributions():
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(252, 3))
    floats = (BYTES / 255).astype(np.float32)
    wanted = viz.saliency(net, floats).maps
    trainer = Trainer(net, nn.CrossEntropyLoss(), optim.SGD(net.parameters(), lr=0.1))
    forms = [dl.tensor(floats), list(floats), np.moveaxis(floats, 1, -1), floats.astype(np.float64)]
    forms += [data.TensorDataset(dl.tensor(floats), dl.tensor(TRUTH)), (floats, TRUTH)]
    for form in forms:
        np.testing.assert_allclose(viz.saliency(net, form).maps, wanted, atol=1e-6)
        np.testing.assert_allclose(viz.saliency(trainer, form).maps, wanted, atol=1e-6)
    whole = viz.saliency(net, data.TensorDataset(dl.zeros(40, 3, 9, 7), dl.zeros(40)))
    assert len(whole.maps) == 16
    with pytest.warns(UserWarning, match="holds bytes from"):
        viz.occlusion(net, BYTES[:2], size=4)
    viz.feature_maps(net, np.moveaxis(floats[0], 0, -1), "0")


def test_a_landscape_of_a_trainer(model):
    trainer = Trainer(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1))
    directions = viz.random_directions(model, 1)
    wanted = viz.landscape(model, nn.CrossEntropyLoss(), (POINTS, TRUTH), directions, points=3)
    for found in (
        viz.landscape(trainer, data=(POINTS, TRUTH), directions=directions, points=3),
        viz.landscape(model, "cross_entropy", (POINTS, TRUTH), directions, points=3),
    ):
        np.testing.assert_array_equal(found.values, wanted.values)
    for call, message in (
        (lambda: viz.landscape(trainer), "the data on which the loss is measured are missing"),
        (lambda: viz.landscape(model, data=(POINTS, TRUTH)), "with a model goes a loss"),
        (lambda: viz.landscape(trainer, "mse", (POINTS, TRUTH)), "this model brings its loss"),
    ):
        with pytest.raises(ArgumentError, match=message):
            call()


def test_other_pictures_name_what_they_take():
    with pytest.raises(TypeError, match=r"rate_range: expected what .* got int"):
        viz.rate_range(3)
    with pytest.raises(TypeError, match=r"graph: expected a Tensor .* got float"):
        viz.graph(3.0)
    with pytest.raises(TypeError, match=r"predict must be a model or a function .* got NoneType"):
        viz.decision_boundary(None, (POINTS, TRUTH))
    with pytest.raises(ArgumentError, match="the classes y of the points are missing"):
        viz.decision_boundary(len, POINTS)
