from __future__ import annotations

import re

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.utils import summary


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.scale = nn.Parameter(dl.ones(1))
        self.flatten = nn.Flatten()
        self.head = nn.Linear(4 * 4 * 4, 10)
        self.unused = nn.Linear(3, 3)

    def forward(self, x):
        return self.head(self.flatten(self.features(x) * self.scale))


def test_numbers_by_hand():
    result = summary(Net(), (2, 1, 8, 8))
    rows = {row.path: row for row in result.rows}
    assert list(rows) == [
        "Net",
        "features",
        "features.0",
        "features.1",
        "features.2",
        "features.3",
        "flatten",
        "head",
        "unused",
    ]
    conv, head = rows["features.0"], rows["head"]
    assert (conv.input_shape, conv.output_shape) == ((2, 1, 8, 8), (2, 4, 8, 8))
    assert conv.parameters == 4 * 1 * 3 * 3 + 4
    assert conv.multiply_adds == 2 * 4 * 8 * 8 * 1 * 3 * 3
    assert conv.activation_bytes == 2 * 4 * 8 * 8 * 4
    assert head.multiply_adds == 2 * 10 * 64
    assert rows["features.2"].multiply_adds is None
    assert rows["flatten"].activation_bytes == 0  # the same memory
    assert rows["Net"].parameters == 1  # the scale; its parts count for themselves
    assert rows["unused"].calls == 0
    assert result.parameters == 40 + 8 + 1 + 650 + 12
    assert result.multiply_adds == conv.multiply_adds + head.multiply_adds
    per_image = (4 * 64) * 3 + 4 * 16 + 10
    assert result.activation_bytes == 2 * 4 * per_image
    assert result.input_bytes == 2 * 64 * 4
    assert result.parameter_bytes == result.parameters * 4


def test_the_table():
    model = Net()
    for parameter in model.features.parameters():
        parameter.requires_grad = False
    assert str(summary(model, (2, 1, 8, 8))).splitlines() == [
        "Layer       Type         Output shape  Parameters  Trainable  Multiply-adds",
        "---------------------------------------------------------------------------",
        "Net         Net          (2, 10)                1          1",
        "  features  Sequential   (2, 4, 4, 4)",
        "    0       Conv2d       (2, 4, 8, 8)          40          0          4,608",
        "    1       BatchNorm2d  (2, 4, 8, 8)           8          0",
        "    2       ReLU         (2, 4, 8, 8)",
        "    3       MaxPool2d    (2, 4, 4, 4)",
        "  flatten   Flatten      (2, 64)",
        "  head      Linear       (2, 10)              650        650          1,280",
        "  unused    Linear       not called            12         12",
        "---------------------------------------------------------------------------",
        "Parameters: 711 (663 trainable), 2.8 KiB",
        "Multiply-adds: 5,888 for the whole batch",
        "Memory: input 512 B, activations 6.6 KiB",
    ]
    short = summary(model, (2, 1, 8, 8), depth=1)
    assert "Conv2d" not in str(short)
    assert "Parameters: 711" in str(short)


def test_nothing_is_left_behind():
    model = Net()
    model.features[1].eval()
    modes = [module.training for module in model.modules()]
    buffers = [buffer.numpy().copy() for buffer in model.buffers()]
    state = dl.get_rng_state()
    summary(model, (2, 1, 8, 8))
    with pytest.raises(RuntimeError):
        summary(model, (2, 3, 8, 8))
    assert [module.training for module in model.modules()] == modes
    for buffer, before in zip(model.buffers(), buffers, strict=True):
        assert np.array_equal(buffer.numpy(), before)
    assert np.array_equal(dl.get_rng_state(), state)
    for module in model.modules():
        assert not module._hooks.forward
        assert not module._hooks.forward_pre
    assert model(dl.zeros(1, 1, 8, 8)).requires_grad


def test_a_lazy_part_that_is_not_called_has_no_parameters_yet():
    class Partial(nn.Sequential):
        def forward(self, x):
            return self[0](x)

    result = summary(Partial(nn.LazyLinear(3), nn.LazyLinear(5)), (2, 4))
    assert (result.parameters, result.parameter_bytes) == (15, 60)
    assert result.rows[2].calls == 0


def test_an_error_names_the_layer():
    model = nn.Sequential(nn.Linear(4, 8), nn.Sequential(nn.ReLU(), nn.Linear(9, 2)))
    with pytest.raises(RuntimeError) as caught:
        summary(model, (16, 4))
    # the words of nn/locating.py, once
    assert str(caught.value).count("1.1 Linear(in_features=9") == 1
    assert not hasattr(caught.value, "__notes__")


def test_a_layer_that_is_called_again_counts_its_parameters_once():
    shared = nn.Linear(4, 4)
    result = summary(nn.Sequential(shared, nn.ReLU(), shared), (2, 4))
    assert result.parameters == 20
    assert result.multiply_adds == 2 * (2 * 4 * 4)
    assert result.rows[1].calls == 2
    assert "(2, 4) x2" in str(result)


def test_shared_parameters_count_once():
    first, second = nn.Linear(4, 4), nn.Linear(4, 4)
    second.weight = first.weight
    assert summary(nn.Sequential(first, second), (1, 4)).parameters == 24


class TwoInputs(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10, 3)

    def forward(self, words, weights):
        vectors = self.embedding(words)
        return {"vectors": vectors, "mean": (vectors * weights).mean()}


def test_several_inputs_and_outputs():
    result = summary(TwoInputs(), [(2, 5), (2, 5, 1)], dtypes=[dl.int64, dl.float32])
    assert result.input_shapes == [(2, 5), (2, 5, 1)]
    assert result.rows[0].output_shape == {"vectors": (2, 5, 3), "mean": ()}
    named = {"words": (2, 5), "weights": (2, 5, 1)}
    by_keyword = summary(TwoInputs(), named, dtypes={"words": dl.int64, "weights": dl.float32})
    assert by_keyword.rows[0].input_shape == named
    assert by_keyword.rows[0].output_shape == result.rows[0].output_shape
    again = summary(TwoInputs(), input_data=(dl.zeros(2, 5).long(), dl.ones(2, 5, 1)))
    assert again.rows == result.rows


def test_the_input_is_given_once():
    with pytest.raises(ValueError, match="either input_size or input_data"):
        summary(nn.Flatten())
    with pytest.raises(ValueError, match="either input_size or input_data"):
        summary(nn.Flatten(), (1, 2), input_data=dl.zeros(1, 2))


def test_no_batch_at_all():
    assert summary(nn.Flatten(), (0, 2, 2)).rows[0].output_shape == (0, 4)


class Nested(nn.Module):
    """Takes (x, [y, {"z": z}]), returns a list of a tensor, a tuple and None."""

    def forward(self, x, rest):
        y, last = rest
        return [x @ y, (last["z"] * 2, "text"), None]


def test_any_nesting():
    result = summary(Nested(), [(2, 3), [(3, 4), {"z": (5,)}]])
    assert result.rows[0].output_shape == [(2, 4), ((5,), "text"), None]
    assert result.rows[0].input_shape == [(2, 3), [(3, 4), {"z": (5,)}]]
    assert result.rows[0].multiply_adds == 2 * 3 * 4
    assert result.input_bytes == 4 * (6 + 12 + 5)
    data = (dl.ones(2, 3), [dl.ones(3, 4), {"z": dl.ones(5)}])
    assert summary(Nested(), input_data=data).rows == result.rows
    with pytest.raises(TypeError, match="5 is a number"):
        summary(Nested(), [(2, 3), 5])


class Products(nn.Module):
    """Matrix products of every kind, without a layer."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(dl.ones(5, 4))

    def forward(self, x):
        y = nn.functional.linear(x, self.weight)  # 6·4 → 6·5
        z = dl.einsum("ij,kj->ik", y, y)  # 6·6·5
        return dl.addmm(z, y, y.T)  # 6·6·5


def test_every_product_counts_for_the_module_that_calls_it():
    result = summary(nn.Sequential(Products(), nn.ReLU()), (6, 4))
    assert result.rows[1].multiply_adds == 6 * 4 * 5 + 2 * 6 * 6 * 5
    assert result.rows[2].multiply_adds is None


def test_every_step_of_a_sequence_counts():
    lstm = summary(nn.LSTM(3, 4, proj_size=2), (5, 2, 3))
    assert lstm.multiply_adds == 5 * 2 * (16 * (3 + 2) + 2 * 4)
    gru = summary(nn.GRU(3, 4, 2, bidirectional=True, bias=False), (5, 2, 3))
    assert gru.multiply_adds == 5 * 2 * 2 * 12 * (3 + 4 + 8 + 4)


def test_times():
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(inplace=True), nn.Flatten()
    )
    model[1].running_mean.fill_(0.5)
    state = {k: v.clone() for k, v in model.state_dict().items()}
    generator = dl.get_rng_state()
    result = summary(model, (4, 1, 6, 6), times=2)
    for row in result.rows:
        assert row.forward_seconds > 0
        assert row.backward_seconds > 0
    text = str(result)
    assert "Forward" in text.splitlines()[0]
    assert " ms" in text.splitlines()[2]
    assert model.training
    assert all(p.grad is None for p in model.parameters())
    for key, value in model.state_dict().items():
        assert dl.equal(value, state[key]), key
    assert np.array_equal(dl.get_rng_state(), generator)


def test_times_of_what_has_no_gradient():
    class Rounds(nn.Module):
        def forward(self, x):
            return x.argmax(1)

    (row,) = summary(Rounds(), (2, 3), times=1).rows
    assert row.forward_seconds > 0
    assert row.backward_seconds is None


def test_a_layer_with_its_own_backward():
    class Double(nn.Module):
        def forward(self, x):
            return 2 * x

        def backward(self, g):
            return 2 * g

    result = summary(nn.Sequential(nn.Linear(3, 3), Double()), (2, 3), times=1)
    assert result.rows[2].output_shape == (2, 3)
    assert result.rows[2].backward_seconds > 0


def test_products_of_recurrent_layers_and_attention():
    def count(module, *sizes):
        return summary(module, list(sizes)).multiply_adds

    # per step and sequence: all weights of the gates, and the projection
    assert count(nn.RNN(3, 5), (7, 2, 3)) == 7 * 2 * (3 * 5 + 5 * 5)
    assert count(nn.GRU(3, 5), (7, 2, 3)) == 7 * 2 * 3 * (3 * 5 + 5 * 5)
    assert count(nn.LSTM(3, 5, proj_size=2), (7, 2, 3)) == 7 * 2 * (4 * 5 * (3 + 2) + 2 * 5)
    attention = nn.MultiheadAttention(8, 2, batch_first=True)
    x = (3, 6, 8)
    assert count(attention, x, x, x) == 3 * 6 * 8 * 8 * 4 + 2 * 3 * 2 * 6 * 6 * 4
    transposed = nn.ConvTranspose1d(4, 3, 2)
    assert count(transposed, (2, 4, 5)) == 2 * 4 * 5 * 3 * 2


def test_nested_outputs_in_the_table():
    result = summary(nn.LSTM(3, 4, batch_first=True), (2, 5, 3))
    assert "((2, 5, 4), ((1, 2, 4), (1, 2, 4)))" in str(result)


def test_a_narrow_table_has_every_number() -> None:
    model = nn.Sequential(nn.Conv2d(3, 64, 3), nn.ReLU(), nn.Flatten(), nn.Linear(57600, 1000))
    result = summary(model, (8, 3, 32, 32))
    whole = result.text()
    assert str(result) == whole  # pytest's stdout is no terminal
    for width in (60, 40):
        text = result.text(width)
        assert max(map(len, text.splitlines())) <= width
        for number in re.findall(r"[\d,]{4,}", whole):
            assert number in text
        assert text.count("Layer") > 1
