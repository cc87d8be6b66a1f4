"""Losses, metrics, optimizers and schedules by name, class or function; mistakes in them."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim, plugins
from dlframe.errors import ArgumentError, PluginError, ShapeError
from dlframe.metrics import Accuracy
from dlframe.optim import lr_scheduler
from dlframe.training import Evaluator, Trainer

RNG = np.random.default_rng(2)
X = RNG.normal(size=(12, 3)).astype(np.float32)
LABELS = np.arange(12) % 2


def test_a_trainer_of_names_is_one_of_objects() -> None:
    dl.manual_seed(0)
    model = nn.Linear(3, 2)
    one = Trainer(model, "cross_entropy", "adam", ["accuracy"])
    one.fit(X, LABELS, epochs=3, progress=False)
    dl.manual_seed(0)
    model = nn.Linear(3, 2)
    two = Trainer(model, nn.CrossEntropyLoss(), optim.Adam(model.parameters()), [Accuracy()])
    two.fit((X, LABELS), epochs=3, progress=False)
    for name in ("loss", "accuracy", "lr"):
        assert one.history[name] == two.history[name]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("cross_entropy", "CrossEntropyLoss"), ("CrossEntropyLoss", "CrossEntropyLoss"),
        ("mse", "MSELoss"), ("mse_loss", "MSELoss"), ("mean_squared_error", "MSELoss"),
        ("mae", "L1Loss"), ("l1", "L1Loss"), ("huber", "HuberLoss"), ("nll", "NLLLoss"),
        ("smooth_l1", "SmoothL1Loss"), ("bce", "BCELoss"), ("binary_cross_entropy", "BCELoss"),
        ("binary_crossentropy", "BCELoss"), ("bce_with_logits", "BCEWithLogitsLoss"),
        ("binary_cross_entropy_with_logits", "BCEWithLogitsLoss"), ("kl_div", "KLDivLoss"),
        ("hinge", "MultiMarginLoss"),
    ],
)  # fmt: skip
def test_losses_by_name(name: str, kind: str) -> None:
    evaluator = Evaluator(nn.Sequential(nn.Linear(3, 2), nn.Identity()), name)
    assert type(evaluator.loss).__name__ == kind


def test_every_loss_has_a_name_or_says_what_it_needs() -> None:
    for name in plugins.core_names("losses"):
        if name == "NLLLoss2d":
            continue  # deprecated
        try:
            Evaluator(nn.Sequential(nn.Linear(3, 2), nn.Tanh()), name)
        except ArgumentError as error:
            assert "needs arguments" in str(error)  # noqa: PT017 - one of many


def test_losses_that_are_none() -> None:
    model = nn.Linear(3, 2)
    with pytest.raises(ArgumentError, match=r"no loss 'cross_entropi'\. Did you mean 'cross_en"):
        Trainer(model, "cross_entropi", "sgd")
    with pytest.raises(ArgumentError, match='Keras\'s name; here "cross_entropy" takes labels'):
        Trainer(model, "sparse_categorical_crossentropy", "sgd")
    with pytest.raises(TypeError, match=r"loss is the class MSELoss; pass an object of it: MSEL"):
        Trainer(model, nn.MSELoss, "sgd")
    with pytest.raises(TypeError, match=r"loss must be a function .* got int"):
        Trainer(model, 5, "sgd")
    with pytest.raises(ArgumentError, match="loss_weights= goes with a list or dict of losses"):
        Trainer(model, "mse", "sgd", loss_weights=[1.0])


def test_optimizers_in_every_form() -> None:
    forms: list[Any] = [
        ("sgd", {"lr": 0.5}), (optim.SGD, {"lr": 0.5}), functools.partial(optim.SGD, lr=0.5),
        lambda parameters: optim.SGD(parameters, lr=0.5),
    ]  # fmt: skip
    for form in forms:
        made = Trainer(nn.Linear(3, 2), "mse", form).optimizer
        assert isinstance(made, optim.SGD)
        assert made.param_groups[0]["lr"] == 0.5
    assert isinstance(Trainer(nn.Linear(3, 2), "mse", "AdamW").optimizer, optim.AdamW)
    assert isinstance(Trainer(nn.Linear(3, 2), "mse", optim.RMSprop).optimizer, optim.RMSprop)


def test_optimizers_that_are_none() -> None:
    model = nn.Linear(3, 2)
    with pytest.raises(PluginError, match=r"no optimizer 'adan'\. Did you mean 'Adam'"):
        Trainer(model, "mse", "adan")
    with pytest.raises(ArgumentError, match=r"optimizer SGD cannot be made .*rate"):
        Trainer(model, "mse", ("sgd", {"rate": 0.1}))
    with pytest.raises(TypeError, match="optimizer must be Optimizer; got int"):
        Trainer(model, "mse", 5)


def test_metrics_in_every_form() -> None:
    def wrong(output: Any, target: Any) -> Any:
        return (output.argmax(dim=1) != target).float().mean()

    def each(output: Any, target: Any) -> Any:
        return (output.argmax(dim=1) != target).float()

    model = nn.Linear(3, 2)
    one = Evaluator(model, "cross_entropy", ["Accuracy", wrong, each])
    results = one.evaluate(X, LABELS, batch_size=5)
    assert results["averaged_wrong"] == pytest.approx(1 - results["accuracy"])
    assert results["averaged_each"] == pytest.approx(1 - results["accuracy"])
    for form in (Accuracy, Accuracy(), "accuracy"):
        assert (
            Evaluator(model, "cross_entropy", [form]).evaluate(X, LABELS)["accuracy"]
            == (results["accuracy"])
        )
    with pytest.raises(
        (ArgumentError, PluginError), match=r"'acuracy'.* Did you mean '[Aa]ccuracy"
    ):
        Evaluator(model, "cross_entropy", ["acuracy"])
    with pytest.raises(ShapeError, match="must return one number for a batch"):
        Evaluator(model, "cross_entropy", [lambda x, y: np.ones(7)]).evaluate(X, LABELS)


def test_a_name_alone_is_no_list() -> None:
    with pytest.raises(TypeError, match="metrics must be a list; got str; pass a list also of one"):
        Evaluator(nn.Linear(3, 2), "cross_entropy", "accuracy")


def test_a_registered_name() -> None:
    @plugins.register("losses", "Cubed")
    class Cubed(nn.Module):
        def forward(self, output: Any, target: Any) -> Any:
            return ((output - target) ** 3).abs().mean()

    try:
        assert isinstance(Evaluator(nn.Linear(3, 1), "cubed").loss, Cubed)
    finally:
        plugins.unregister("losses", "Cubed")


def test_schedules_in_every_form() -> None:
    options = {"step_size": 1, "gamma": 0.5}
    for form in (("StepLR", options), ("steplr", options), (lr_scheduler.StepLR, options)):
        one = Trainer(nn.Linear(3, 2), "cross_entropy", ("sgd", {"lr": 1.0}), scheduler=form)
        one.fit(X, LABELS, epochs=3, progress=False)
        assert one.history["lr"] == [1.0, 0.5, 0.25]
    one = Trainer(nn.Linear(3, 2), "cross_entropy", "sgd", scheduler="ReduceLROnPlateau")
    assert isinstance(one.scheduler, lr_scheduler.ReduceLROnPlateau)
    one = Trainer(nn.Linear(3, 2), "cross_entropy", "sgd", scheduler="cosine")
    one.fit(X, LABELS, epochs=4, progress=False)
    assert one.history["lr"][-1] < one.history["lr"][0]
    with pytest.raises(ArgumentError, match=r"StepLR cannot be made: .*step_size"):
        Trainer(nn.Linear(3, 2), "mse", "sgd", scheduler="StepLR")
    with pytest.raises(ArgumentError, match=r"no schedule 'StpLR' that takes options\. Did you m"):
        Trainer(nn.Linear(3, 2), "mse", "sgd", scheduler=("StpLR", {"step_size": 1}))
    with pytest.raises(TypeError, match="a scheduler with options is a pair"):
        Trainer(nn.Linear(3, 2), "mse", "sgd", scheduler=("StepLR", 3))


# --- parts that do not fit ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "loss", "message"),
    [
        (nn.Softmax(dim=1), nn.CrossEntropyLoss(), "applies a softmax itself"),
        (nn.Softmax(dim=1), nn.functional.cross_entropy, "applies a softmax itself"),
        (nn.Sigmoid(), nn.BCEWithLogitsLoss(), "applies a sigmoid itself"),
        (nn.Softmax(dim=1), nn.NLLLoss(), "the logarithms of probabilities"),
        (nn.Linear(2, 2), nn.NLLLoss(), "the logarithms of probabilities"),
    ],
    ids=lambda value: value if isinstance(value, str) else getattr(value, "__name__", str(value)),
)
def test_a_last_layer_that_does_not_fit_the_loss(last: Any, loss: Any, message: str) -> None:
    with pytest.warns(UserWarning, match=message) as caught:
        Evaluator(nn.Sequential(nn.Linear(3, 2), nn.Sequential(last)), loss)
    assert caught[0].filename == __file__


def test_last_layers_that_fit() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for last, loss in ((nn.LogSoftmax(dim=1), "nll"), (nn.Sigmoid(), "bce"),
                           (nn.Softmax(dim=1), "mse"), (nn.LogSoftmax(dim=1), "cross_entropy"),
                           (nn.Tanh(), "cross_entropy")):  # fmt: skip
            Evaluator(nn.Sequential(nn.Linear(3, 2), last), loss)


def test_cross_entropy_of_one_score() -> None:
    with pytest.raises(
        ArgumentError, match=r"gives one per sample \(output\[5, 1\]\): the loss wo"
    ):
        Trainer(nn.Linear(3, 1), "cross_entropy", "sgd").fit(
            X, LABELS, batch_size=5, progress=False
        )


def test_an_optimizer_of_a_part_of_the_model() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    with pytest.warns(
        UserWarning, match=r"2 of 4 trainable parameters of the model: 0\.weight, 0\.bias\. They"
    ):
        Trainer(model, "cross_entropy", optim.SGD(model[2].parameters(), lr=0.1))
    for p in model[0].parameters():
        p.requires_grad_(False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Trainer(model, "cross_entropy", optim.SGD(model[2].parameters(), lr=0.1))
    with pytest.raises(ArgumentError, match="holds none of the 2 trainable parameters"):
        Trainer(model, "cross_entropy", optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1))


def test_frozen_parameters_and_modes() -> None:
    dl.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 2))
    model[0].requires_grad_(False)
    before = model[0].weight.tolist()
    model.eval()
    Trainer(model, "cross_entropy", ("sgd", {"lr": 1.0})).fit(X, LABELS, progress=False)
    assert model[0].weight.tolist() == before
    assert not model.training


def test_a_wrong_model() -> None:
    with pytest.raises(TypeError, match=r"model must be Module; got type; pass Linear\(…\)"):
        Trainer(nn.Linear, "mse", "sgd")  # type: ignore[arg-type] # a class


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("he", "kaiming_normal or kaiming_uniform"),
        ("HeNormal", "kaiming_normal"),
        ("glorot", "xavier_normal or xavier_uniform"),
        ("glorot_uniform", "xavier_uniform"),
        ("Orthogonal", "orthogonal"),
        ("TruncatedNormal", "trunc_normal"),
        ("lecun_normal", "a function: lambda p: nn.init.kaiming_normal_"),
    ],
)
def test_initial_values_by_the_names_of_others(name: str, meant: str) -> None:
    model = nn.Linear(3, 2)
    with pytest.raises(ArgumentError, match=f"nn.init has no '{name}'. It is {meant}"):
        Trainer(model, "mse", "sgd", initializer=name)
