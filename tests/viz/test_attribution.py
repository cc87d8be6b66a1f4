"""Attributions: each is what its definition says, and the model is afterwards as it was."""

from __future__ import annotations

import re

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.errors import ArgumentError, ShapeError
from dlframe.viz import feature_maps, grad_cam, occlusion, saliency


@pytest.fixture
def net():
    dl.manual_seed(2)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 5, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Dropout(), nn.Linear(80, 3),
    ).double()  # fmt: skip


@pytest.fixture
def images():
    return dl.rand(2, 1, 8, 8, dtype=dl.float64)


def scores(net, x):
    with dl.no_grad():
        return net.eval()(dl.tensor(x)).numpy()


def test_saliency_is_the_size_of_the_gradient(net, images):
    found = saliency(net, images, target=[2, 0])
    h, x = 1e-6, images.numpy()
    for n, c in enumerate((2, 0)):
        for i, j in [(0, 0), (3, 4), (7, 2)]:
            up, down = x.copy(), x.copy()
            up[n, 0, i, j] += h
            down[n, 0, i, j] -= h
            slope = (scores(net, up) - scores(net, down))[n, c] / (2 * h)
            np.testing.assert_allclose(found.maps[n, i, j], abs(slope), rtol=1e-5, atol=1e-8)


def test_saliency_takes_the_largest_of_the_channels():
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 2, bias=False))
    found = saliency(model, dl.ones(1, 3, 2, 2), target=1)
    weights = model[1].weight.detach().numpy()[1].reshape(3, 2, 2)
    np.testing.assert_allclose(found.maps[0], np.abs(weights).max(axis=0), rtol=1e-6)


def test_noise_averages_gradients_and_leaves_random_numbers_alone(net, images):
    dl.manual_seed(4)
    expected = dl.rand(3).numpy()
    dl.manual_seed(4)
    one = saliency(net, images, noise=0.1, samples=3)
    assert np.array_equal(dl.rand(3).numpy(), expected)
    assert not np.array_equal(one.maps, saliency(net, images).maps)
    with pytest.raises(ArgumentError, match="samples must be 1 or more"):
        saliency(net, images, samples=0)


@pytest.mark.parametrize("value", [None, 0.25])
def test_occlusion_is_the_mean_fall_of_the_squares_over_a_pixel(net, images, value):
    found = occlusion(net, images, target=[1, 2], size=3, stride=2, value=value)
    x = images.numpy()

    def probability(x):
        e = np.exp(scores(net, x))
        return (e / e.sum(axis=1, keepdims=True))[[0, 1], [1, 2]]

    starts = [0, 2, 4, 5]  # the last square ends with the image
    falls, covers = np.zeros((2, 8, 8)), np.zeros((8, 8))
    for r in starts:
        for c in starts:
            covered = x.copy()
            cover = x.mean(axis=(2, 3), keepdims=True) if value is None else value
            covered[:, :, r : r + 3, c : c + 3] = cover
            fall = probability(x) - probability(covered)
            falls[:, r : r + 3, c : c + 3] += fall[:, None, None]
            covers[r : r + 3, c : c + 3] += 1
    np.testing.assert_allclose(found.maps, falls / covers, atol=1e-12)
    np.testing.assert_allclose(found.probability, probability(x))
    assert (covers > 0).all()


@pytest.mark.parametrize("layer", ["4", "2"])
def test_grad_cam_weights_maps_by_their_mean_gradient(net, images, layer):
    net.eval()
    first, rest = net[: int(layer) + 1], net[int(layer) + 1 :]
    maps = first(images).detach().requires_grad_()
    rest(maps)[[0, 1], [0, 1]].sum().backward()
    weights = maps.grad.numpy().mean(axis=(2, 3), keepdims=True)
    cam = np.maximum((weights * maps.detach().numpy()).sum(axis=1, keepdims=True), 0)
    stretched = nn.functional.interpolate(dl.tensor(cam), size=(8, 8), mode="bilinear").numpy()
    for part in (layer, net[int(layer)]):
        found = grad_cam(net, images, part, target=[0, 1])
        np.testing.assert_allclose(found.maps, stretched[:, 0], atol=1e-12)
        assert found.method == f"Grad-CAM of {layer}"


def test_frozen_layers_have_a_grad_cam_as_well(net, images):
    expected = grad_cam(net, images, "4").maps
    net.requires_grad_(False)
    np.testing.assert_array_equal(grad_cam(net, images, "4").maps, expected)


@pytest.mark.parametrize("ask", [saliency, occlusion, lambda m, x: grad_cam(m, x, "4")])
def test_nothing_is_changed(net, images, ask):
    net.train()
    net[0].weight.grad = dl.ones_like(net[0].weight)
    before = {name: value.numpy().copy() for name, value in net.state_dict().items()}
    x = images.numpy().copy()
    ask(net, images)
    assert net.training
    assert np.array_equal(images.numpy(), x)
    assert images.grad is None
    assert (net[0].weight.grad == 1).all()
    assert net[8].weight.grad is None
    assert not any(part._forward_hooks for part in net.modules())
    for name, value in net.state_dict().items():
        assert np.array_equal(value.numpy(), before[name])


def test_the_likeliest_class_is_asked_about(net, images):
    found = saliency(net, images)
    assert found.target.tolist() == scores(net, images.numpy()).argmax(axis=1).tolist()
    assert (found.probability > 1 / 3).all()


@pytest.mark.parametrize("shape", [(-1, 1), (-1,)])
def test_one_score_is_that_of_class_1(shape):
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 1)

        def forward(self, x):
            return self.linear(x.flatten(1)).reshape(shape)

    model, x = Two(), dl.rand(3, 1, 2, 2)
    scores = model(x).detach().reshape(-1)
    found = occlusion(model, x, size=1)
    assert found.target.tolist() == (scores > 0).long().tolist()
    for c in (0, 1):
        p = occlusion(model, x, target=c, size=1).probability
        np.testing.assert_allclose(p, (scores * (2 * c - 1)).sigmoid().numpy(), rtol=1e-6)


def test_the_pictures(net, images, texts, inside, tmp_path):
    found = grad_cam(net, images, "4", target=[0, 2])
    figure = found.plot(["cat", "dog", "car"], path=tmp_path / "cam.png")
    assert len(figure.axes[0].images) == 4  # each beside itself with its map
    assert {"Grad-CAM of 4", "cat", "car", f"{100 * found.probability[0]:.0f} %"} <= texts(figure)
    inside(figure)
    figure = feature_maps(net, images[0], "4", limit=3)
    assert len(figure.axes[0].images) == 3
    assert "4, Conv2d" in texts(figure)
    assert any(text.startswith("the first 3 of 5 maps of 4 × 4") for text in texts(figure))
    inside(figure)


def test_maps_that_are_the_same_everywhere_are_counted(texts):
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU())
    with dl.no_grad():
        model[0].bias.copy_(dl.tensor([-9.0, 9.0]))
    figure = feature_maps(model, dl.rand(1, 4, 4), model[1])
    assert "2 maps of 4 × 4, 1 the same everywhere" in texts(figure)


def test_what_cannot_be_asked_is_refused(net, images):
    cases = [
        (lambda: saliency(net, images[0, 0, 0]), ShapeError, "images must be (N, C, H, W)"),
        (lambda: saliency(net, images[:0]), ShapeError, "there are no images; got (0, 1, 8, 8)"),
        (lambda: saliency(len, images), TypeError, "expected a model (Module); got builtin_"),
        (lambda: saliency(net, images, target=[3, 0]), ArgumentError, "a class from 0 to 2"),
        (lambda: saliency(net, images, target=[0, 1, 2]), ArgumentError, "each of the 2 images"),
        (lambda: saliency(net[:1], images), ShapeError, "must give scores (N, C), (N, 1) or (N,)"),
        (lambda: occlusion(net, images, size=9), ArgumentError, "size must be from 1 to 8"),
        (lambda: grad_cam(net, images, "44"), ArgumentError, "no part '44'. Did you mean '4'?"),
        (lambda: grad_cam(net, images, nn.ReLU()), ArgumentError, "ReLU is not a part of the"),
        (lambda: grad_cam(net, images, "8"), ShapeError, "the output of '8' must be maps"),
        (lambda: feature_maps(net, images, "4"), ShapeError, "one image, (C, H, W); got a batch"),
    ]
    for call, error, message in cases:
        with pytest.raises(error, match=re.escape(message)):
            call()
