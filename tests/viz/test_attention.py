"""Weights of attention: those that the model used, where its masks hide, and what is drawn."""

from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
import dlframe.nn.functional as F
from dlframe import Trainer, nn, optim, viz
from dlframe.errors import ArgumentError, DTypeError, ShapeError

WORDS = ["the", "cat", "saw", "a", "dog"]


@pytest.fixture(autouse=True)
def _seeded():
    dl.manual_seed(0)


def panels(figure):
    return [axes for axes in figure.axes if axes.images]


def drawn(axes):
    return np.asarray(axes.images[0].get_array())


class Fused(nn.Module):
    """Attention by the fused operation."""

    def __init__(self, **options):
        super().__init__()
        self.query, self.key, self.options = nn.Linear(8, 8), nn.Linear(8, 8), options

    def forward(self, x):
        return F.scaled_dot_product_attention(self.query(x), self.key(x), x, **self.options)

    def weights(self, x, mask=0.0):
        scores = self.query(x) @ self.key(x).transpose(-1, -2) / 8**0.5
        return (scores + mask).softmax(-1).detach().numpy()


class ByHand(Fused):
    def forward(self, x):
        scores = self.query(x) @ self.key(x).transpose(-1, -2) / 8**0.5
        return (scores.softmax(-1) @ x).softmax(1)


# --- what is recorded --------------------------------------------------------------------------


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("masked", [False, True])
def test_the_weights_of_multihead_attention(need_weights, masked):
    layer, x = nn.MultiheadAttention(8, 2, batch_first=True), dl.randn(3, 5, 8)
    hide = dl.tensor(np.arange(5) >= np.array([[5], [4], [3]])) if masked else None
    _, wanted = layer(x, x, x, key_padding_mask=hide, average_attn_weights=False)
    found = viz.attention(layer, x, key_padding_mask=hide, need_weights=need_weights)
    np.testing.assert_allclose(found[0].weights, wanted.detach().numpy(), atol=1e-6)
    hidden = np.zeros((3, 2, 5, 5), bool) if hide is None else hide.numpy()[:, None, None, :]
    np.testing.assert_array_equal(found[0].hidden, np.broadcast_to(hidden, (3, 2, 5, 5)))


def test_every_layer_of_an_encoder_with_a_causal_mask():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    model, x = nn.TransformerEncoder(layer, 3), dl.randn(2, 5, 8)
    mask = nn.Transformer.generate_square_subsequent_mask(5)
    for options in ({"mask": mask}, {"mask": mask, "is_causal": True}):
        found = viz.attention(model, x, **options)
        assert [one.name for one in found] == [f"layers.{i}.self_attn" for i in range(3)]
        for one in found:
            np.testing.assert_array_equal(one.hidden[1, 1], np.triu(np.ones((5, 5), bool), 1))
            assert (one.weights[one.hidden] == 0).all()
            np.testing.assert_allclose(one.weights.sum(-1), 1, atol=1e-6)
    model.eval()
    _, wanted = model.layers[0].self_attn(x, x, x, attn_mask=mask, average_attn_weights=False)
    np.testing.assert_allclose(found[0].weights, wanted.detach().numpy(), atol=1e-6)


def test_self_and_cross_attention_of_a_transformer():
    model = nn.Transformer(8, 2, 1, 2, 16, batch_first=True)
    found = viz.attention(model, dl.randn(2, 5, 8), dl.randn(2, 4, 8))
    assert [(one.name, one.role, one.weights.shape[2:]) for one in found] == [
        ("encoder.layers.0.self_attn", "encoder", (5, 5)),
        ("decoder.layers.0.self_attn", "self", (4, 4)),
        ("decoder.layers.0.multihead_attn", "cross", (4, 5)),
        ("decoder.layers.1.self_attn", "self", (4, 4)),
        ("decoder.layers.1.multihead_attn", "cross", (4, 5)),
    ]
    same = viz.attention(model, dl.randn(1, 4, 8), dl.randn(1, 4, 8))
    assert [one.role for one in same] == ["encoder", "self", "cross", "self", "cross"]
    crossed = viz.attention(nn.MultiheadAttention(8, 2), dl.randn(4, 1, 8), dl.randn(6, 1, 8))
    assert (crossed[0].role, crossed[0].weights.shape) == ("cross", (1, 2, 4, 6))


def test_the_fused_operation_of_a_model_of_ones_own():
    x = dl.randn(2, 3, 5, 8)
    model = Fused()
    np.testing.assert_allclose(viz.attention(model, x)[0].weights, model.weights(x), atol=1e-6)
    see = dl.tensor(np.eye(5, dtype=bool) | (np.arange(5) > 1))
    model = Fused(attn_mask=see)
    found = viz.attention(model, x)[0]
    added = dl.tensor(np.where(see.numpy(), 0, -np.inf).astype(np.float32))
    np.testing.assert_allclose(found.weights, model.weights(x, added), atol=1e-6)
    np.testing.assert_array_equal(found.hidden[1, 2], ~see.numpy())
    causal = viz.attention(Fused(is_causal=True), x[:, 0])[0]
    assert causal.weights.shape == (2, 1, 5, 5)  # no heads
    np.testing.assert_array_equal(causal.hidden[0, 0], np.triu(np.ones((5, 5), bool), 1))
    assert viz.attention(Fused(), x[0, 0])[0].weights.shape == (1, 1, 5, 5)


def test_heads_that_share_keys():
    class Grouped(nn.Module):
        def forward(self, query, key):
            return F.scaled_dot_product_attention(query, key, key, enable_gqa=True)

    query, key = dl.randn(2, 4, 5, 8), dl.randn(2, 2, 6, 8)
    found = viz.attention(Grouped(), query, key)[0]
    every = key.numpy().repeat(2, axis=1)
    scores = query.numpy() @ every.swapaxes(-1, -2) / 8**0.5
    wanted = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    np.testing.assert_allclose(found.weights, wanted, atol=1e-5)


def test_attention_by_hand_is_found_in_a_named_part():
    model, x = nn.Sequential(nn.Linear(8, 8), ByHand()), dl.randn(2, 5, 8)
    with pytest.raises(ArgumentError, match=r"the model called neither .* name the part .* layer="):
        viz.attention(model, x)
    for layer in ("1", model[1]):
        found = viz.attention(model, x, layer=layer)
        assert len(found) == 1  # a softmax along another dimension is none
        wanted = model[1].weights(model[0](x))
        np.testing.assert_allclose(found[0].weights[:, 0], wanted, atol=1e-6)


def test_a_part_of_a_model_and_a_module_that_is_called_twice():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    model = nn.Sequential(layer, layer)
    x = dl.randn(1, 5, 8)
    names = [one.name for one in viz.attention(model, x)]
    assert names == ["0.self_attn", "0.self_attn, call 2"]
    stack = nn.TransformerEncoder(layer, 3)
    only = viz.attention(stack, x, layer="layers.1")
    assert [one.name for one in only] == ["layers.1.self_attn"]


def test_the_model_and_its_numbers_stay_as_they_are():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    model = nn.TransformerEncoder(layer, 2)
    x = dl.randn(2, 5, 8)
    trainer = Trainer(model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1))
    state = {name: value.clone() for name, value in model.state_dict().items()}
    dl.manual_seed(5)
    wanted = model(x).detach().numpy()  # with dropout
    for asked in (model, trainer):
        dl.manual_seed(5)
        viz.attention(asked, x)
        np.testing.assert_array_equal(model(x).detach().numpy(), wanted)
    assert model.training
    assert all((model.state_dict()[name] == value).all() for name, value in state.items())
    assert not any(part._forward_pre_hooks for part in model.modules())
    with pytest.raises(ShapeError):
        viz.attention(model, dl.randn(2, 5, 7))
    from dlframe.ops.watching import watchers

    assert watchers() == ()


def test_inputs_of_other_forms():
    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(10, 8)
            self.layer = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x):
            x = self.embedding(x)
            return self.layer(x, x, x)[0]

    model, words = Words(), np.array([[1, 2, 3], [4, 5, 6]])
    wanted = viz.attention(model, dl.tensor(words))[0].weights
    for form in (words, words.tolist(), words.astype(np.int32)):
        np.testing.assert_array_equal(viz.attention(model, form)[0].weights, wanted)
    layer, x = nn.MultiheadAttention(8, 2, batch_first=True), dl.randn(2, 5, 8)
    double = viz.attention(layer, x.numpy().astype(np.float64))[0]
    np.testing.assert_allclose(double.weights, viz.attention(layer, x)[0].weights, atol=1e-6)
    assert double.role == "self"


def test_weights_that_were_kept(rng):
    one = rng.dirichlet(np.ones(5), (2, 3, 4))
    forms = [(one, (2, 3, 4, 5)), (one[0], (1, 3, 4, 5)), (one[0, 0], (1, 1, 4, 5))]
    for weights, shape in forms:
        for form in (weights, dl.tensor(weights), weights.tolist()):
            found = viz.attention(form)
            assert found[0].weights.shape == shape
    assert [m.name for m in viz.attention([one, one])] == ["layer 0", "layer 1"]
    assert viz.attention({"first": one})[0].name == "first"


BAD = {
    "no inputs": (lambda: viz.attention(nn.MultiheadAttention(4, 2)), "with a model go its inputs"),
    "inputs of weights": (lambda: viz.attention(np.ones((2, 2)), 1), "inputs go with a model"),
    "shape": (lambda: viz.attention(np.ones(3)), r"weights must be \(L, S\), .* are \(3,\)"),
    "empty": (lambda: viz.attention(np.ones((2, 0, 3))), "and not empty"),
    "texts": (lambda: viz.attention("weights"), "expected a model and its inputs, or weights"),
    "dict": (lambda: viz.attention({}), "the dict of weights is empty"),
    "no attention": (lambda: viz.attention(nn.Linear(2, 2), dl.ones(1, 2)), "called neither"),
    "no layer": (
        lambda: viz.attention(nn.Sequential(nn.Linear(2, 2)), dl.ones(1, 2), layer="a"),
        "no part 'a'",
    ),
    "sample": (lambda: viz.attention(np.ones((2, 2))).plot(sample=1), "sample must be from 0 to 0"),
    "heads": (lambda: viz.attention(np.ones((2, 2))).plot(heads=[1]), "heads from 0 to 0"),
    "layers": (lambda: viz.attention(np.ones((2, 2))).plot(layers=[1]), "numbers from 0 to 0"),
    "words": (
        lambda: viz.attention(np.ones((2, 2))).plot(["one"]),
        "there are 2 queries of attention, and tokens= has 1 names",
    ),
    "keys": (
        lambda: viz.attention(np.ones((2, 3))).plot(["a", "b"], ["c"]),
        "there are 3 keys of attention, and keys= has 1 names",
    ),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_what_is_no_attention(case):
    call, message = BAD[case]
    with pytest.raises((ArgumentError, ShapeError, DTypeError), match=message):
        call()


# --- the picture -------------------------------------------------------------------------------


def test_a_row_for_each_layer_and_a_column_for_each_head(texts, inside):
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    model = nn.TransformerEncoder(layer, 3)
    mask = nn.Transformer.generate_square_subsequent_mask(5)
    found = viz.attention(model, dl.randn(2, 5, 8), mask=mask)
    figure = found.plot(WORDS, sample=1)
    maps = panels(figure)
    assert len(maps) == 6
    for i, axes in enumerate(maps):
        np.testing.assert_array_equal(drawn(axes), found[i // 2].weights[1, i % 2])
        dots = set(zip(*axes.lines[0].get_data(), strict=True))
        assert dots == {(s, q) for q in range(5) for s in range(q + 1, 5)}
        assert [label.get_text() for label in axes.get_xticklabels()] == WORDS
    assert [label.get_text() for label in maps[0].get_yticklabels()] == WORDS
    assert {"layers.2.self_attn", "head 1", "weight", "query"} <= texts(figure)
    assert {axes.images[0].norm.vmax for axes in maps} == {
        max(one.weights[1].max() for one in found)
    }
    inside(figure)


def test_words_of_two_sequences():
    model = nn.Transformer(8, 2, 1, 1, 16, batch_first=True)
    found = viz.attention(model, dl.randn(1, 5, 8), dl.randn(1, 4, 8))
    target = ["le", "chat", "voit", "un"]
    sides = [
        tuple(
            [label.get_text() for label in labels]
            for labels in (axes.get_yticklabels(), axes.get_xticklabels())
        )
        for axes in panels(found.plot(target, WORDS))[::2]
    ]
    assert sides == [(WORDS, WORDS), (target, target), (target, WORDS)]


@pytest.mark.slow
def test_of_many_layers_and_heads_the_first_are_drawn(rng, texts):
    figure = viz.attention([rng.dirichlet(np.ones(4), (1, 14, 4)) for _ in range(14)]).plot()
    assert len(panels(figure)) == 12 * 12
    assert "the first 12 of 14 layers, the first 12 of 14 heads" in texts(figure)


def test_some_layers_and_heads_and_their_mean(rng, texts):
    weights = [rng.dirichlet(np.ones(4), (1, 14, 4)) for _ in range(14)]
    found = viz.attention(weights)
    maps = panels(found.plot(layers=[-1, 3], heads=[13, 0]))
    np.testing.assert_array_equal(drawn(maps[0]), weights[13][0, 13])
    np.testing.assert_array_equal(drawn(maps[3]), weights[3][0, 0])
    (mean,) = panels(found.plot(layers=[2], average=True))
    np.testing.assert_allclose(drawn(mean), weights[2][0].mean(axis=0))


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (2, 40), (300, 200)])
def test_sizes(rows, columns, rng, inside):
    figure = viz.attention(rng.dirichlet(np.ones(columns), (2, rows))).plot(
        [f"a long word {i}" for i in range(rows)], [f"key {i}" for i in range(columns)]
    ) if rows != columns else viz.attention(np.ones((2, 1, 1))).plot()  # fmt: skip
    assert max(figure.get_size_inches()) < 22
    inside(figure)


def test_queries_without_keys_are_pink(tmp_path):
    layer, x = nn.MultiheadAttention(8, 1, batch_first=True), dl.randn(1, 2, 8)
    hide = dl.tensor([[True, True]])
    found = viz.attention(layer, x, key_padding_mask=hide)
    assert np.isnan(found[0].weights).all()
    found.plot(path=tmp_path / "map.png")
    assert (tmp_path / "map.png").stat().st_size > 1000
