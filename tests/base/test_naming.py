"""Errors about arguments name the class that the user called."""

from __future__ import annotations

import inspect
import pickle

import pytest

import dlframe as dl
from dlframe import metrics, nn
from dlframe.nn.utils import prune

TAKES_ANYTHING = ("Identity", "ParameterDict")
PUBLIC = {
    name: value
    for space in (nn, prune, metrics)
    for name, value in vars(space).items()
    if inspect.isclass(value) and name in space.__all__ and name not in TAKES_ANYTHING
    if not inspect.isabstract(value) and value.__init__ is not object.__init__
}


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_wrong_argument_of_the_constructor(name: str) -> None:
    cls = PUBLIC[name]
    with pytest.raises(TypeError) as caught:
        cls(*[0] * 40, no_such_argument=0)
    text = str(caught.value)
    assert "__init__()" not in text or text.startswith(f"{cls.__qualname__}.__init__()"), text


LAYERS = [nn.Conv2d(1, 1, 1), nn.LazyConv2d(1, 1), nn.MaxPool2d(2), nn.LazyBatchNorm1d()]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_a_missing_input_of_forward(layer: nn.Module) -> None:
    with pytest.raises(TypeError, match=rf"^{type(layer).__name__}\.\w+\(\) missing 1 required"):
        layer()


def test_super_and_signature_are_those_of_the_method_that_was_copied() -> None:
    class Own(nn.Conv2d):
        def __init__(self, channels: int) -> None:
            super().__init__(channels, channels, 3, bias=False)

    assert Own(2)(dl.zeros(1, 2, 3, 3)).shape == (1, 2, 1, 1)
    assert pickle.loads(pickle.dumps(nn.Conv2d(1, 2, 3))).out_channels == 2
    assert str(inspect.signature(nn.LPPool1d)).startswith("(norm_type")
    assert nn.Conv2d.forward.__doc__ == nn.Conv1d.forward.__doc__ == "The convolved input."


def test_classes_of_users_stay_as_they_are() -> None:
    class Own(nn.Linear):
        pass

    assert not {"__init__", "forward"} & vars(Own).keys()
    with pytest.raises(TypeError, match=r"^Linear.__init__\(\) missing 2"):
        Own()  # as in PyTorch
