"""Attributes of other libraries, whose errors say what they are called here."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.base.elsewhere import Elsewhere
from dlframe.training import Evaluator, History, Trainer


def trainer() -> Any:
    model = nn.Linear(2, 1)
    return Trainer(model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1))


@pytest.mark.parametrize(
    ("make", "name", "hint"),
    [
        (History, "history", r"It is itself the mapping: history\['loss'\]"),
        (History, "to_frame", r"pandas.DataFrame\(history.records\(\)\)"),
        (trainer, "history_", "It is trainer.history"),
        (trainer, "summary", "utils.summary"),
        (trainer, "fit_one_cycle", "one_cycle"),
        (trainer, "lr_find", "trainer.find_lr"),
        (trainer, "test", "trainer.evaluate"),
        (trainer, "compile", "arguments: Trainer"),
        (lambda: nn.Sequential(nn.Linear(2, 1)), "fit", r"training.Trainer\(model, loss, opt"),
        (lambda: nn.Linear(2, 1), "save", r"utils.save\(model.state_dict\(\), path\)"),
        (lambda: nn.Linear(2, 1), "trainable_variables", "p.requires_grad"),
    ],
)
def test_the_names_of_other_libraries(make: Any, name: str, hint: str) -> None:
    one = make()
    pattern = f"'{type(one).__name__}' object has no attribute '{name}'. .*{hint}"
    with pytest.raises(AttributeError, match=pattern):
        getattr(one, name)
    assert not hasattr(one, name)
    assert name not in dir(one)


def words_of(cls: type) -> list[str]:
    return [name for name, value in vars(cls).items() if isinstance(value, Elsewhere)]


@pytest.mark.parametrize("cls", [History, Evaluator, Trainer, nn.Module])
def test_each_name_has_an_error_of_its_own(cls: type) -> None:
    assert words_of(cls)
    for name in words_of(cls):
        with pytest.raises(AttributeError, match=f"no attribute '{name}'"):
            getattr(cls, name)


def test_what_hints_speak_of_exists() -> None:
    one = trainer()
    for name in ("logs", "epoch", "step", "updates", "callbacks", "stop", "train_step", "resume"):
        assert hasattr(one, name)
    assert hasattr(one.history, "records")
    assert one.optimizer.param_groups[0]["lr"] == 0.1


def test_attributes_of_a_users_own() -> None:
    class Saving:
        kind = "mixin"

        def save(self) -> str:
            return "saved"

        @property
        def weights(self) -> int:
            return 3

        @classmethod
        def from_pretrained(cls) -> str:
            return cls.__name__

    class Net(nn.Module, Saving):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(2, 2)])
            self.device = "cpu"

        def summary(self) -> str:
            return "mine"

    net: Any = Net()
    assert (net.save(), net.weights, net.summary(), net.device) == ("saved", 3, "mine", "cpu")
    assert net.from_pretrained() == "Net"
    kind: Any = Net
    assert kind.from_pretrained() == "Net"
    assert "layers.0.weight" in net.state_dict()
    assert "layers" in dir(net)
    net.add_module("score", nn.Linear(1, 1))
    assert isinstance(net.score, nn.Linear)
    with pytest.raises(AttributeError, match=r"training\.Trainer"):
        net.fit


def test_a_wrapper_that_hands_on_what_it_does_not_have() -> None:
    class Wrapper(nn.Module):
        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.__dict__["inner"] = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self.__dict__["inner"], name)

    class Inner:
        fit = "of the inner one"

    assert Wrapper(Inner()).fit == "of the inner one"


def test_copies_and_files_are_as_before() -> None:
    history = History({"loss": [1.0]})
    assert copy.deepcopy(history).to_dict() == history.to_dict()
    assert pickle.loads(pickle.dumps(history)).to_dict() == history.to_dict()
    model = nn.Linear(2, 1)
    dl.testing.check_layer(lambda: nn.Linear(2, 1), [dl.randn(3, 2)])
    assert copy.deepcopy(model).state_dict().keys() == model.state_dict().keys()
