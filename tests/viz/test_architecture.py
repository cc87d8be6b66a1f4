"""Architectures: which boxes and arrows there are, what they say, and that nothing changes."""

from __future__ import annotations

import re

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.errors import ArgumentError
from dlframe.viz import architecture, graph
from dlframe.viz.architecture import MOST, _details, _Found


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1)
        self.drop = nn.Dropout()

    def forward(self, x):
        return (x + self.drop(self.conv(x))).relu()


def found(model, *args, depth=None, **kwargs):
    it = _Found(model, depth)
    it.see_inputs((args, kwargs))
    with it.watching(), dl.no_grad():
        model.eval()(*args, **kwargs)
    return it.used()


def heads(boxes):
    return [f"{box.name} {box.kind}".strip() for box in boxes]


def sources(boxes):
    return [list(box.sources) for box in boxes]


def test_a_residual_block_has_two_ways():
    boxes = found(nn.Sequential(Residual(), nn.Flatten()), dl.zeros(1, 2, 4, 4))
    names = ["input", "0.conv Conv2d", "0.drop Dropout", "add", "relu", "1 Flatten"]
    assert heads(boxes) == names
    assert sources(boxes) == [[], [0], [1], [0, 2], [3], [4]]
    assert [box.shape for box in boxes][-2:] == ["1 × 2 × 4 × 4", "1 × 32"]
    assert [box.parameters for box in boxes] == [0, 38, 0, 0, 0, 0]


def test_depth_makes_one_box_of_each_part():
    boxes = found(nn.Sequential(Residual(), nn.Flatten()), dl.zeros(1, 2, 4, 4), depth=1)
    assert heads(boxes) == ["input", "0 Residual", "1 Flatten"]
    assert sources(boxes) == [[], [0], [1]]
    assert boxes[1].parameters == 38
    whole = found(nn.Sequential(Residual()), dl.zeros(1, 2, 4, 4), depth=0)
    assert heads(whole) == ["input", "Sequential"]


def test_a_layer_that_is_called_twice_is_two_boxes():
    layer = nn.Linear(3, 3)
    boxes = found(nn.Sequential(layer, nn.ReLU(), layer), dl.zeros(1, 3))
    assert heads(boxes) == ["input", "0 Linear", "1 ReLU", "0 Linear"]


def test_several_inputs_outputs_and_keywords():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(2, 3)

        def forward(self, x, state=None):
            out, (h, c) = self.lstm(x, state)
            return out[-1] + h[0] * c[0]

    x, state = dl.zeros(4, 1, 2), (dl.zeros(1, 1, 3), dl.zeros(1, 1, 3))
    boxes = found(Both(), x, state=state)
    assert heads(boxes)[:4] == ["input 0", "input 1", "input 2", "lstm LSTM"]
    assert sources(boxes)[3] == [0, 1, 2]
    assert boxes[3].shape == "4 × 1 × 3, 1 × 1 × 3, 1 × 1 × 3"
    assert boxes[-1].name == "add"


def test_what_does_not_reach_the_output_is_left_out():
    class Wasteful(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x):
            self.b(x)
            return self.a(x)

    assert heads(found(Wasteful(), dl.zeros(1, 2))) == ["input", "a Linear"]


def test_attention_is_one_box():
    boxes = found(nn.TransformerEncoderLayer(8, 2, 16), dl.zeros(3, 1, 8))
    assert heads(boxes)[:3] == ["input", "self_attn MultiheadAttention", "dropout1 Dropout"]


def test_layers_with_their_own_backward():
    class Double(nn.Module):
        def forward(self, x):
            return 2 * x

        def backward(self, g):
            return 2 * g

    assert heads(found(nn.Sequential(Double()), dl.zeros(1, 2))) == ["input", "0 Double"]


DETAILS = {
    "3 → 4": lambda: nn.Linear(3, 4),
    "3 → 4, bias=False": lambda: nn.Linear(3, 4, bias=False),
    "3 → 8, kernel 3×3, stride 2×2, padding 1×1": lambda: nn.Conv2d(3, 8, 3, 2, 1),
    "3 → 8, kernel 3": lambda: nn.ConvTranspose1d(3, 8, 3),
    "8": lambda: nn.BatchNorm2d(8),
    "2, 4, affine=False, bias=False": lambda: nn.GroupNorm(2, 4, affine=False),
    "p=0.1": lambda: nn.Dropout(0.1),
    "kernel_size=2, stride=2": lambda: nn.MaxPool2d(2),
    "": lambda: nn.Flatten(),
}


@pytest.mark.parametrize("text", sorted(DETAILS))
def test_options_that_are_not_the_usual_ones_are_told(text):
    assert _details(DETAILS[text]()) == text


def test_the_picture_shows_it(texts, inside, tmp_path):
    model = nn.Sequential(Residual(), nn.Flatten(), nn.Linear(32, 10))
    figure = architecture(model, (1, 2, 4, 4), title="Net", path=tmp_path / "net.svg")
    seen = texts(figure)
    assert {"Net", "Sequential, 368 parameters", "input", "add", "2 Linear", "32 → 10"} <= seen
    assert {"1 × 10", "330 parameters"} <= seen
    inside(figure)
    assert (tmp_path / "net.svg").stat().st_size > 1000


def test_the_model_is_as_it_was():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout())
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    hooks = [len(part._forward_hooks) for part in model.modules()]
    dl.manual_seed(5)
    expected = dl.rand(3)
    dl.manual_seed(5)
    architecture(model, (2, 1, 4, 4))
    with pytest.raises(ValueError, match="channels"):
        architecture(model, (2, 3, 4, 4))
    assert model.training
    assert np.array_equal(dl.rand(3).numpy(), expected.numpy())
    assert [len(part._forward_hooks) for part in model.modules()] == hooks
    for name, value in model.state_dict().items():
        assert np.array_equal(value.numpy(), before[name])


def test_too_many_boxes_are_refused_with_what_to_do():
    model = nn.Sequential(*(nn.ReLU() for _ in range(MOST)))
    with pytest.raises(ArgumentError, match=rf"{MOST + 1} boxes are more .* depth=1 draws"):
        architecture(model, (1,))


def test_wrong_arguments():
    with pytest.raises(TypeError, match=re.escape("architecture: model must be a Module; got str")):
        architecture("model", (1,))
    with pytest.raises(ValueError, match="architecture: give either input_size or input_data"):
        architecture(nn.ReLU())
    with pytest.raises(TypeError, match=r"viz\.architecture\(model, input_size\)"):
        graph(nn.ReLU())
