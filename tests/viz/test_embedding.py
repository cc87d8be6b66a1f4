"""Samples in the plane: the components, which samples are drawn, and the names of classes."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import dlframe as dl
from dlframe import Trainer, data, nn, optim, viz
from dlframe.errors import ArgumentError, DTypeError, MissingExtraError, ShapeError
from dlframe.nn.modes import evaluating
from dlframe.viz.embedding import apart
from dlframe.viz.reducing import components


@pytest.fixture
def blobs(rng):
    labels = rng.integers(0, 4, 90)
    return rng.normal(0, 5, (4, 6))[labels] + rng.normal(size=(90, 6)), labels


@pytest.fixture
def net():
    dl.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 4))


def drawn(figure):
    """Label → points of the collection that shows it."""
    return {c.get_label(): np.asarray(c.get_offsets()) for c in figure.axes[0].collections}


# --- components --------------------------------------------------------------------------------


def test_components_are_those_of_the_covariance(blobs):
    x, _ = blobs
    points, shares = components(x, 2)
    values = np.linalg.eigvalsh(np.cov(x.T))[::-1]
    np.testing.assert_allclose(points.var(axis=0, ddof=1), values[:2])
    np.testing.assert_allclose(shares, values[:2] / values.sum())
    np.testing.assert_allclose(points[:, 0] @ points[:, 1], 0, atol=1e-9)
    np.testing.assert_allclose(components(-x, 2)[0], -points)  # directions do not turn


def test_many_features_and_samples_go_another_way(rng):
    x = rng.normal(size=(520, 3)) @ np.diag([5.0, 3.0, 1.0]) @ rng.normal(size=(3, 515))
    x += 0.01 * rng.normal(size=x.shape)
    points, shares = components(x, 2)
    s = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)
    np.testing.assert_allclose(np.linalg.norm(points, axis=0), s[:2])
    np.testing.assert_allclose(shares, s[:2] ** 2 / (s**2).sum())


@pytest.mark.parametrize("shape", [(2, 1), (5, 1), (2, 7), (3, 2)])
def test_few_samples_or_features(shape, rng):
    found = viz.embedding(rng.normal(size=shape))
    assert found.points.shape == (shape[0], 2)
    assert sum(found.explained) <= 1 + 1e-9
    found.plot()


def test_features_that_are_all_the_same_and_large_ones(rng):
    found = viz.embedding(np.ones((5, 3)))
    assert found.explained == (0.0, 0.0)
    assert not found.points.any()
    found.plot()
    x = rng.normal(size=(9, 3))
    large = viz.embedding(1e200 * x)
    np.testing.assert_allclose(large.points / 1e200, viz.embedding(x).points)


# --- samples -----------------------------------------------------------------------------------


def test_every_form_of_features_and_targets(blobs):
    x, labels = blobs
    wanted = viz.embedding(x, labels)
    names = np.array(["a", "b", "c", "d"])
    pairs = data.TensorDataset(dl.tensor(x), dl.tensor(labels))
    forms = [
        (dl.tensor(x), dl.tensor(labels)), (x.tolist(), labels.tolist()), (x, labels[:, None]),
        (x.reshape(90, 2, 3), np.eye(4)[labels]), (pairs, None), (data.DataLoader(pairs, 7), None),
        ((x, labels), None), (x, pairs), ({"x": x, "y": labels}, None),
        (x, labels.astype(np.float32)), (x, names[labels]), (x[::-1][::-1], labels),
    ]  # fmt: skip
    for features, targets in forms:
        found = viz.embedding(features, targets)
        np.testing.assert_allclose(found.points, wanted.points)
        np.testing.assert_array_equal(found.targets, labels)
    assert viz.embedding(x, names[labels]).classes == ("a", "b", "c", "d")
    assert viz.embedding(x).targets is None


def test_a_layer_of_a_model(blobs, net):
    x, labels = blobs
    trainer = Trainer(net, nn.CrossEntropyLoss(), optim.SGD(net.parameters(), lr=0.1))
    state = {name: value.clone() for name, value in net.state_dict().items()}
    inputs = dl.tensor(x, dtype=dl.float32)
    with evaluating(net):
        hidden = net[:3](inputs).detach().numpy()
        outputs = net(inputs).detach().numpy()
    pairs = data.TensorDataset(inputs, dl.tensor(labels))
    for asked in (net, trainer):
        for given in (pairs, data.DataLoader(pairs, 16), (x, labels)):
            for layer, wanted in (("2", hidden), (net[2], hidden), (None, outputs)):
                found = viz.embedding(asked, given, layer=layer)
                np.testing.assert_allclose(
                    found.points, viz.embedding(wanted).points, rtol=1e-4, atol=1e-5
                )
                np.testing.assert_array_equal(found.targets, labels)
    assert viz.embedding(net, x).targets is None
    assert viz.embedding(net, (x, np.array(list("abcd"))[labels])).classes == tuple("abcd")
    assert net.training
    assert all((net.state_dict()[name] == value).all() for name, value in state.items())
    assert not any(part._forward_hooks for part in net.modules())


def test_the_first_of_several_outputs(rng):
    lstm = nn.LSTM(3, 4, batch_first=True)

    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = lstm

        def forward(self, x):
            return self.lstm(x)[0][:, -1]

    x = rng.normal(size=(6, 5, 3)).astype(np.float32)
    found = viz.embedding(Last(), x, layer="lstm")
    assert found.features == 20
    np.testing.assert_allclose(
        found.points, viz.embedding(lstm(dl.tensor(x))[0].detach()).points, atol=1e-5
    )
    with pytest.raises(ShapeError, match=r"of 'lstm' has shape \(5, 6, 4\) for 6 samples; .*batch"):
        lstm.batch_first = False
        viz.embedding(Turned(lstm), x, layer="lstm")


class Turned(nn.Module):
    def __init__(self, lstm):
        super().__init__()
        self.lstm = lstm

    def forward(self, x):
        return self.lstm(x.transpose(0, 1))[0][-1]


def test_of_many_samples_some_are_drawn(blobs, net):
    x, labels = blobs
    pairs = data.TensorDataset(dl.tensor(x).float(), dl.tensor(labels))
    state = dl.random.get_rng_state().copy()
    found = viz.embedding(x, labels, max_samples=20)
    assert len(found.points) == 20
    assert found.total == 90
    assert (np.diff(found.indices) > 0).all()
    np.testing.assert_array_equal(found.targets, labels[found.indices])
    np.testing.assert_allclose(found.points, viz.embedding(x[found.indices]).points)
    again = viz.embedding(pairs, max_samples=20)
    np.testing.assert_array_equal(again.indices, found.indices)
    other = viz.embedding(pairs, max_samples=20, generator=dl.Generator().manual_seed(7))
    assert other.indices.tolist() != found.indices.tolist()
    of_model = viz.embedding(net, pairs, max_samples=20)
    np.testing.assert_array_equal(of_model.targets, labels[of_model.indices])
    of_loader = viz.embedding(net, data.DataLoader(pairs, 8), max_samples=20)
    np.testing.assert_array_equal(of_loader.targets, labels[:20])
    assert "20 of 90 samples, 6 features" in str(found)
    assert (dl.random.get_rng_state() == state).all()


# --- methods -----------------------------------------------------------------------------------


def test_t_sne_is_the_same_again_and_keeps_neighbours(rng):
    pytest.importorskip("sklearn")
    labels = np.repeat(np.arange(3), 15)
    x = 20 * np.eye(3)[labels] @ rng.normal(size=(3, 60)) + rng.normal(size=(45, 60))
    found = viz.embedding(x, labels, method="tsne", max_iter=300)
    np.testing.assert_array_equal(
        found.points, viz.embedding(x, labels, method="tsne", max_iter=300).points
    )
    distance = np.linalg.norm(found.points[:, None] - found.points[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (labels[distance.argmin(axis=1)] == labels).mean() > 0.9
    figure = found.plot()
    assert figure.axes[0].get_xlabel() == "t-SNE 1"
    assert not len(figure.axes[0].get_xticks())
    with pytest.raises(ArgumentError, match=r"t-SNE does not know an option: .*perplexit"):
        viz.embedding(x, method="tsne", perplexit=3)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_t_sne_of_few_samples(count, rng):
    pytest.importorskip("sklearn")
    found = viz.embedding(rng.normal(size=(count, 3)), method="tsne", max_iter=260)
    assert found.points.shape == (count, 2)


def test_without_scikit_learn_the_error_names_the_extra(monkeypatch, blobs):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.delitem(sys.modules, "sklearn.manifold", raising=False)
    viz.embedding(blobs[0])
    with pytest.raises(MissingExtraError, match=r"pip install 'dlframe\[sklearn\]'"):
        viz.embedding(blobs[0], method="tsne")


def test_methods_of_ones_own(blobs):
    x, labels = blobs

    class Twice:
        def fit_transform(self, x):
            return 2 * x[:, :2]

    def first_two(x):
        return x[:, :2].tolist()

    np.testing.assert_allclose(viz.embedding(x, labels, method=Twice()).points, 2 * x[:, :2])
    found = viz.embedding(x, labels, method=first_two)
    np.testing.assert_allclose(found.points, x[:, :2])
    assert found.plot().axes[0].get_ylabel() == "first_two 2"
    assert viz.embedding(x, method=lambda x: x[:, :2]).plot().axes[0].get_xlabel() == "dimension 1"


BAD = {
    "unknown method": (lambda x: viz.embedding(x, method="tnse"), "Did you mean 'tsne'"),
    "a class": (lambda x: viz.embedding(x, method=dict), "method must be a name, a function"),
    "other shape": (lambda x: viz.embedding(x, method=lambda x: x), r"expected points \(90, 2\)"),
    "not finite": (
        lambda x: viz.embedding(x, method=lambda x: x[:, :2] * np.nan),
        "gave points that are not finite",
    ),
    "option": (lambda x: viz.embedding(x, perplexity=3), "unknown option 'perplexity'; only t-SNE"),
    "layer": (lambda x: viz.embedding(x, layer="0"), "layer= names a part of a model"),
    "nan": (lambda x: viz.embedding(np.where(x > 4, np.nan, x)), "features must be finite"),
    "one sample": (lambda x: viz.embedding(x[:1]), "two samples or more"),
    "targets": (lambda x: viz.embedding(x, [1, 2]), "90 samples and 2 targets"),
    "no data": (lambda x: viz.embedding(nn.Linear(6, 2)), "with a model goes its data"),
    "other data": (lambda x: viz.embedding(nn.Linear(6, 2), "x"), "the data of a model are"),
    "max_samples": (lambda x: viz.embedding(x, max_samples=1), "max_samples must be 2 or more"),
    "unknown layer": (
        lambda x: viz.embedding(nn.Sequential(nn.Linear(6, 2)), x, layer="1"),
        "no part '1'",
    ),
    "texts": (lambda x: viz.embedding(["a", "b"]), "features must be numbers; got dtype"),
    "nothing": (lambda x: viz.embedding(None), "features must be numbers; got NoneType"),
    "images": (
        lambda x: viz.embedding(x, images=np.zeros((3, 4, 4))),
        "3 images for 90 samples",
    ),
    "thumbnails": (lambda x: viz.embedding(x).plot(thumbnails=True), "there are no images"),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_what_cannot_be_placed(case, blobs):
    call, message = BAD[case]
    with pytest.raises((ArgumentError, ShapeError, DTypeError), match=message):
        call(blobs[0])


# --- the picture -------------------------------------------------------------------------------


def test_few_classes_have_a_legend_and_markers(blobs, texts, inside):
    x, labels = blobs
    found = viz.embedding(x, labels, classes=["one", "two", "three", "four, and much longer"])
    figure = found.plot(title="Blobs")
    groups = drawn(figure)
    for k, name in enumerate(("one", "two", "three")):
        np.testing.assert_allclose(groups[name], found.points[labels == k])
    markers = {c.get_paths()[0].vertices.shape for c in figure.axes[0].collections}
    assert len(markers) > 1
    first = found.explained[0]
    assert f"component 1 ({100 * first:.1f} % of the variance)" in texts(figure)
    inside(figure)


@pytest.mark.parametrize("count", [11, 40, 100])
def test_many_classes_are_named_where_they_are(count, rng):
    labels = np.arange(4 * count) % count
    x = 9 * rng.normal(size=(count, 2))[labels] + rng.normal(size=(4 * count, 2))
    figure = viz.embedding(x, labels).plot()
    axes = figure.axes[0]
    assert sorted(int(text.get_text()) for text in axes.texts) == list(range(count))
    assert axes.get_legend() is None
    frame = axes.get_window_extent()
    figure.canvas.draw()
    for text in axes.texts:
        box = text.get_window_extent()
        assert frame.x0 - 2 <= box.x0 <= box.x1 <= frame.x1 + 2
        assert frame.y0 - 2 <= box.y0 <= box.y1 <= frame.y1 + 2


def test_too_many_classes_are_not_all_named(rng, texts):
    figure = viz.embedding(rng.normal(size=(150, 2)), np.arange(150)).plot()
    assert len(figure.axes[0].texts) == 100
    assert "The first 100 of 150 classes are named." in texts(figure)


def test_boxes_are_moved_apart(rng):
    centres = rng.uniform(1, 2, (30, 2))
    boxes = np.tile([0.6, 0.15], (30, 1))
    low, high = np.zeros(2), np.full(2, 5.0)
    found = apart(centres, boxes, low, high)
    gaps = np.abs(found[:, None] - found[None]) - boxes[0] + 1e-3
    covered = (gaps < 0).all(axis=2) & ~np.eye(30, dtype=bool)
    assert not covered.any()
    assert (found >= low).all()
    assert (found <= high).all()


def test_numbers_have_a_scale(blobs, texts):
    x, _ = blobs
    found = viz.embedding(x, x[:, 0])
    figure = found.plot()
    np.testing.assert_allclose(figure.axes[0].collections[0].get_array(), x[:, 0])
    assert len(figure.axes) == 2
    with pytest.raises(ArgumentError, match="targets must be finite"):
        viz.embedding(x, np.where(x[:, 0] > 0, np.nan, 0.5))


def test_images_in_place_of_points(rng, net):
    from matplotlib.offsetbox import AnnotationBbox

    images = rng.random((12, 3, 2))
    labels = np.arange(12) % 4
    flat = nn.Sequential(nn.Flatten(), *net)
    x = images.astype(np.float32)
    for found in (
        viz.embedding(images, labels, images=True),
        viz.embedding(images, labels, images=images),
        viz.embedding(flat, (x, labels), images=True),
        viz.embedding(data.TensorDataset(dl.tensor(x), dl.tensor(labels)), images=True),
    ):
        np.testing.assert_allclose(found.images[:, 0], images, atol=1e-6)
        boxes = [a for a in found.plot().axes[0].artists if isinstance(a, AnnotationBbox)]
        assert 1 <= len(boxes) <= 12
    few = viz.embedding(images, labels, images=images, max_samples=5)
    np.testing.assert_array_equal(few.images[:, 0], images[few.indices])
    assert not few.plot(thumbnails=False).axes[0].artists


def test_it_is_written(tmp_path, blobs):
    viz.embedding(*blobs).plot(path=tmp_path / "new" / "points.png")
    assert (tmp_path / "new" / "points.png").stat().st_size > 1000


class Endless(data.IterableDataset):
    """Batches without end."""

    def __iter__(self):
        while True:
            yield dl.randn(8, 6), dl.ones(8)


@pytest.mark.parametrize("layer", [None, "2"])
def test_of_a_stream_so_many_are_taken(net, layer):
    found = viz.embedding(net, Endless(), layer=layer, max_samples=30)
    assert len(found.points) == 30
