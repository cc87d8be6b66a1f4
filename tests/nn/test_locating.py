"""Errors name the module: its path, what it got, what made that; and nothing is disguised."""

from __future__ import annotations

import gc
import threading
import traceback
import warnings
import weakref
from collections import OrderedDict

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.errors import LabelError, ShapeError


class Net(nn.Module):
    """A convolution, and a classifier that does not fit."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2))
        self.heads = nn.ModuleDict({"main": nn.Linear(10, 8)})

    def forward(self, x):
        return self.heads["main"](self.features(x).flatten(1))


class Raises(nn.Module):
    """Code of a user's."""

    def forward(self, x, scale=2.0):
        raise Own(x.shape)


class Own(Exception):
    """A user's exception, whose arguments must stay."""


def message(error, call):
    with pytest.raises(error) as found:
        call()
    return str(found.value)


def test_a_sequential():
    model = nn.Sequential(
        OrderedDict(
            body=nn.Sequential(nn.Linear(5, 4), nn.ReLU()),
            classifier=nn.Sequential(nn.Linear(6, 2)),
        )
    )
    for mode in (dl.enable_grad(), dl.no_grad()):
        with mode:
            text = message(ShapeError, lambda: model(dl.ones(3, 5)))
        assert "x has 4 features, the weight expects 6" in text
        assert "In classifier.0 Linear(in_features=6, out_features=2, bias=True)" in text
        assert "a part of Sequential" in text
        assert "got input: float32 [3, 4]" in text
        assert "the output of body.1 ReLU(), after body.0 Linear(in_features=5" in text
        assert "Make in_features 4" in text
        assert text.count("\nIn ") == 1


def test_the_models_own_input():
    text = message(ShapeError, lambda: Net()(dl.ones(2, 2, 8, 8)))
    assert "In features.0 Conv2d(1, 3, kernel_size=(3, 3), stride=(1, 1)), a part of Net" in text
    assert "which is the input of the whole model" in text


def test_a_forward_of_ones_own():
    text = message(ShapeError, lambda: Net()(dl.ones(2, 1, 8, 8)))
    assert "In heads.main Linear" in text
    assert "which is reshape of the output of features.0 Conv2d" in text


def test_a_forward_of_ones_own_without_a_graph():
    class Small(nn.Module):
        def __init__(self, way):
            super().__init__()
            self.way = way
            self.pools = nn.ModuleList([nn.MaxPool2d(2), nn.AvgPool2d(2)])
            self.last = nn.Linear(5, 2)

        def forward(self, x):
            if self.way == "nested":
                return self.last(self.pools[1](x).flatten(1))
            if self.way == "assigned":
                y = self.pools[0](x)
                y = y.flatten(1) * 2
                return self.last(y)
            if self.way == "branch":
                y = x
                if self.way:
                    y = self.pools[0](y)
                return self.last(y.flatten(1))
            for pool in self.pools:
                x = pool(x)
            return self.last(x)

    images = dl.ones(1, 1, 8, 8)
    made = "which is made from the output of pools."
    found = {
        way: message(ShapeError, lambda way=way: Small(way)(images))
        for way in ("nested", "assigned", "branch", "loop")
    }
    assert made + "1 AvgPool2d" in found["nested"]
    assert made + "0 MaxPool2d" in found["assigned"]
    for way in ("branch", "loop"):
        assert "In last Linear" in found[way]
        assert "which" not in found[way]
    with dl.no_grad():
        text = message(ShapeError, lambda: Net()(dl.ones(2, 1, 8, 8)))
    assert "which is made from the output of features.2 MaxPool2d" in text


def test_a_loss_names_what_made_its_input():
    model = nn.Sequential(nn.Linear(5, 4), nn.Tanh())
    text = message(
        LabelError, lambda: nn.CrossEntropyLoss()(model(dl.ones(3, 5)), dl.tensor([0, 1, 9]))
    )
    assert "In CrossEntropyLoss()" in text
    assert "got target: int64 [3]" in text
    assert "the first is tanh of the output of model.0 Linear" in text
    text = message(ShapeError, lambda: nn.MSELoss()(model(dl.ones(3, 5)), dl.ones(3)))
    assert "got target: float32 [3]" in text


def test_dtype():
    text = message(TypeError, lambda: nn.Sequential(nn.Linear(2, 2))(np.ones((1, 2))))
    assert "In 0 Linear" in text
    assert "float64 [1, 2]" in text


def test_exceptions_of_others_get_a_note():
    model = nn.Sequential(nn.Linear(2, 3), Raises())
    with pytest.raises(Own) as found:
        model(dl.ones(1, 2))
    assert found.value.args == ((1, 3),)
    assert type(found.value) is Own
    (note,) = found.value.__notes__
    assert note.startswith("In 1 Raises(), a part of Sequential\n  got x: float32 [1, 3]")
    assert note in "".join(traceback.format_exception(found.value))
    assert "nn/locating.py" not in "".join(traceback.format_exception(found.value))


def test_an_exception_without_room_stays_itself():
    class Closed(Exception):
        __slots__ = ()

        def __setattr__(self, name, value):
            raise AttributeError(name)

    class Layer(nn.Module):
        def __repr__(self):
            raise ValueError("no text")

        def forward(self, x):
            raise x

    with pytest.raises(Closed):
        Layer()(Closed())
    with pytest.raises(KeyError) as found:
        Layer()(KeyError("k"))
    assert not hasattr(found.value, "__notes__")


def test_hooks_and_hand_written_layers():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(2, 3))
    model[1].register_forward_hook(lambda *_: None)
    assert "In 1 Linear" in message(ShapeError, lambda: model(dl.ones(1, 2)))

    class Double(nn.Module):
        def forward(self, x):
            return 2 * x

        def backward(self, g):
            return 2 * g

    model = nn.Sequential(nn.Linear(2, 3), Double())
    head = nn.Linear(2, 3)

    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.model, self.head = model, head

        def forward(self, x):
            return self.head(self.model(x))

    text = message(ShapeError, lambda: Two()(dl.ones(1, 2)))
    assert "In head Linear" in text
    assert "which is the output of model.1 Double()" in text


def test_a_backward_of_ones_own():
    class Wrong(nn.Module):
        def forward(self, x):
            return 2 * x

        def backward(self, g):
            raise Own("a mistake")

    class Silent(nn.Module):
        def forward(self, x):
            return 2 * x

        def backward(self, g):
            pass

    model = nn.Sequential(nn.Linear(2, 3), Wrong())
    with pytest.raises(Own) as found:
        model(dl.ones(1, 2)).sum().backward()
    assert found.value.__notes__ == ["In the backward of model.1 Wrong()"]
    model[1] = Silent()
    text = message(RuntimeError, lambda: model(dl.ones(1, 2)).sum().backward())
    assert "Silent.backward returned None" in text


def test_a_module_that_calls_itself():
    class Tree(nn.Module):
        def __init__(self):
            super().__init__()
            self.leaf = nn.Linear(2, 2)

        def forward(self, x, depth):
            return self.leaf(x) if depth == 0 else self(x, depth - 1)

    assert "In leaf Linear" in message(ShapeError, lambda: Tree()(dl.ones(1, 3), 3))

    class Endless(nn.Module):
        def forward(self, x):
            return self(x)

    with pytest.raises(RecursionError):
        Endless()(1)


def test_threads():
    model, found = nn.Sequential(nn.ReLU(), nn.Linear(2, 3)), []

    def run(n):
        found.append((n, message(ShapeError, lambda: model(dl.ones(1, n)))))

    threads = [threading.Thread(target=run, args=(n,)) for n in range(3, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(f"float32 [1, {n}]" in text and "In 1 Linear" in text for n, text in found)


def test_a_forgotten_eval():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    text = message(ShapeError, lambda: model(dl.ones(1, 2)))
    assert "call model.eval() first" in text
    assert "In 1 BatchNorm1d" in text


def test_a_list_that_is_no_module_list():
    class Listed(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = [nn.Linear(2, 2), nn.Linear(3, 3)]

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return x

    model = Listed()
    with pytest.warns(UserWarning, match=r"Use nn.ModuleList"):
        list(model.parameters())
    assert "In layers[1] Linear" in message(ShapeError, lambda: model(dl.ones(1, 2)))
    assert "nn.ModuleList" in message(ValueError, lambda: optim.SGD(model.parameters(), lr=0.1))
    state = {"layers.0.weight": dl.ones(2, 2)}
    assert "layers is a plain list" in message(RuntimeError, lambda: model.load_state_dict(state))


@pytest.mark.parametrize(
    ("last", "loss", "target"),
    [
        (nn.Softmax(1), nn.CrossEntropyLoss(), dl.tensor([0, 1])),
        (nn.Softmax(1), nn.NLLLoss(), dl.tensor([0, 1])),
        (nn.Sigmoid(), nn.BCEWithLogitsLoss(), dl.ones(2, 3)),
    ],
)
def test_scores_that_went_through_the_losss_own_function(last, loss, target):
    model = nn.Sequential(nn.Linear(2, 3), last)
    with pytest.warns(UserWarning, match=r"of the output of model\.0 Linear") as found:
        loss(model(dl.ones(2, 2)), target)
    assert found[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss(model[:1](dl.ones(2, 2)), target)


def test_the_note_keeps_no_tensor_alive():
    x = dl.ones(1, 3)
    gone, kept = weakref.ref(x), None
    try:
        nn.Sequential(Raises())(x)
    except Own as error:
        kept = error.with_traceback(None)
    del x
    gc.collect()
    assert "float32 [1, 3]" in kept.__notes__[0]
    assert gone() is None
