"""Programs with one fault each: the check of that fault finds it, with the right number."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import dlframe as dl
import dlframe.nn.functional as F
from dlframe import nn, optim, training
from dlframe.data import DataLoader, TensorDataset
from dlframe.training.doctor import CHECKS

ADAM = optim.Adam


@dataclass
class Program:
    """The parts of a training; `optimizer` is made from the model unless it is given."""

    model: nn.Module
    loss: Any
    data: Any
    optimizer: Any = None
    more: dict[str, Any] = field(default_factory=dict)

    def check(self, **options: Any) -> training.Report:
        optimizer = self.optimizer
        with warnings.catch_warnings():  # of layers in a plain list
            warnings.simplefilter("ignore")
            if optimizer is None and any(p.requires_grad for p in self.model.parameters()):
                optimizer = ADAM(self.model.parameters())
        return training.check(
            self.model, self.loss, self.data, optimizer or None, **self.more, **options
        )


@dataclass
class Fault:
    """A program, and what is to be found in it; `number` is a value or a test of it."""

    make: Callable[[], Program]
    check: str
    severity: str
    number: Any
    where: str = ""

    @property
    def name(self) -> str:
        return self.make.__name__


FAULTS: list[Fault] = []


def fault(check: str, severity: str, number: Any = None, where: str = "") -> Callable[..., Any]:
    def add(make: Callable[[], Program]) -> Callable[[], Program]:
        FAULTS.append(Fault(make, check, severity, number, where))
        return make

    return add


def table(n: int = 256, features: int = 8, classes: int = 4) -> tuple[dl.Tensor, dl.Tensor]:
    """Standard normal inputs, and classes that follow from them."""
    dl.manual_seed(1)
    x = dl.randn(n, features)
    return x, (x @ dl.randn(features, classes)).argmax(1)


def mlp(*sizes: int, act: Callable[[], nn.Module] = nn.ReLU) -> nn.Sequential:
    dl.manual_seed(2)
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise(sizes):
        layers += [nn.Linear(a, b), act()]
    return nn.Sequential(*layers[:-1])


CE = nn.CrossEntropyLoss

# --- targets -----------------------------------------------------------------------------------


@fault("labels-in-range", "error", lambda n: n == 56, "training targets")
def labels_count_from_one():
    x, _y = table(n=224)
    return Program(mlp(8, 16, 4), CE(), (x, dl.arange(224) % 4 + 1))


@fault("labels-in-range", "error", 64, "training targets")
def one_output_too_few():
    x, _ = table()
    return Program(mlp(8, 16, 3), CE(), (x, dl.arange(256) % 4))


@fault("labels-in-range", "error", 2, "validation targets")
def wrong_label_in_validation():
    x, y = table()
    bad = dl.tensor([0, 1, 2, 3, 7, -1])
    return Program(mlp(8, 16, 4), CE(), (x, y), more={"val": (dl.randn(6, 8), bad)})


@fault("class-indices", "error", 3.0, "training targets")
def labels_are_floats():
    x, y = table()
    return Program(mlp(8, 16, 4), CE(), (x, y.float()))


@fault("class-indices", "error", lambda n: n == 1.0, "training targets")
def several_labels_in_cross_entropy():
    x, y = table()
    several = F.one_hot(y, 4).float() + F.one_hot((y + 1) % 4, 4).float()
    return Program(mlp(8, 16, 4), CE(), (x, several))


@fault("binary-targets", "error", -1.0, "training targets")
def labels_of_minus_one_and_one():
    x, y = table(classes=2)
    target = 2 * y.float().reshape(-1, 1) - 1
    return Program(mlp(8, 16, 1), nn.BCEWithLogitsLoss(), (x, target))


@fault("constant-targets", "error", 2.0, "training targets")
def all_targets_are_one_class():
    x, _ = table()
    return Program(mlp(8, 16, 4), CE(), (x, dl.full((256,), 2)))


@fault("missing-classes", "warning", 1, "validation targets")
def validation_lacks_a_class():
    x, y = table(n=400)
    keep = (y != 2).numpy()
    val = (x.numpy()[keep][:150] + np.float32(1), y.numpy()[keep][:150])
    return Program(mlp(8, 16, 4), CE(), (x, y), more={"val": val})


@fault("unbalanced-classes", "note", 15.0, "training targets")
def one_class_is_rare():
    x, _ = table(n=320)
    return Program(mlp(8, 16, 2), CE(), (x, (dl.arange(320) % 16 == 0).long()))


@fault("contradictions", "note", lambda n: abs(n - 10 / 266) < 1e-9, "training data")
def same_input_other_label():
    x, y = table()
    x, y = dl.cat([x, x[:10]]), dl.cat([y, (y[:10] + 1) % 4])
    return Program(mlp(8, 16, 4), CE(), (x, y))


# --- data --------------------------------------------------------------------------------------


@fault("not-finite", "error", 3, "training inputs")
def nan_in_the_table():
    x, y = table()
    x[7, 2] = x[9, 2] = float("nan")
    x[11, 0] = float("inf")
    return Program(mlp(8, 16, 4), CE(), (x, y))


@fault("not-finite", "error", 1, "training targets")
def nan_in_the_targets():
    x, _ = table()
    y = x.sum(1, keepdim=True)
    y[5] = float("nan")
    return Program(mlp(8, 16, 1), nn.MSELoss(), (x, y))


@fault("leaks", "warning", 0.5, "training and validation data")
def half_of_validation_is_training_data():
    x, y = table()
    val = (dl.cat([x[:30], dl.randn(30, 8)]), dl.cat([y[:30], y[30:60]]))
    return Program(mlp(8, 16, 4), CE(), (x, y), more={"val": val})


@fault("leaks", "warning", 0.25, "training and validation data")
def copies_in_lists_of_batches():
    x, y = table()
    train = [(x[i : i + 32], y[i : i + 32]) for i in range(0, 256, 32)]
    val = [(dl.randn(32, 8), y[:32]) for _ in range(3)] + [train[5]]
    return Program(mlp(8, 16, 4), CE(), train, more={"val": val})


@fault("leaks", "warning", 1.0, "training and validation data")
def repeated_before_the_data_were_divided():
    x, y = table()
    order = np.random.default_rng(0).permutation(np.repeat(np.arange(len(x)), 8))
    x, y = x[order], y[order]
    return Program(mlp(8, 16, 4), CE(), (x[:1800], y[:1800]), more={"val": (x[1800:], y[1800:])})


@fault("leaks", "warning", 1.0, "training and test data")
def augmentation_hides_the_leak():
    x, y = table()

    class Noisy(dl.data.Dataset):
        def __len__(self):
            return 256

        def __getitem__(self, i):
            return x[i] + 0.01 * dl.randn(8), y[i]

    everything = Noisy()
    train = dl.data.Subset(everything, range(256))
    test = dl.data.Subset(everything, range(200, 256))
    return Program(mlp(8, 16, 4), CE(), train, more={"test": test})


@fault("copies", "note", lambda n: abs(n - 64 / 320) < 1e-9, "training data")
def samples_were_copied():
    x, y = table()
    return Program(mlp(8, 16, 4), CE(), (dl.cat([x, x[:64]]), dl.cat([y, y[:64]])))


@fault("repeatable", "warning", None, "validation inputs")
def validation_is_augmented():
    x, y = table()

    class Noisy(dl.data.Dataset):
        def __init__(self, x, y):
            self.x, self.y = x, y

        def __len__(self):
            return len(self.x)

        def __getitem__(self, i):
            return self.x[i] + 0.1 * dl.randn(8), self.y[i]

    return Program(mlp(8, 16, 4), CE(), (x[:200], y[:200]), more={"val": Noisy(x[200:], y[200:])})


@fault("repeatable", "error", None, "training targets")
def targets_are_drawn_again():
    x, _ = table()

    class Drawn(dl.data.Dataset):
        def __len__(self):
            return len(x)

        def __getitem__(self, i):
            return x[i], dl.randint(0, 4, ()).long()

    return Program(mlp(8, 16, 4), CE(), Drawn())


@fault("shuffled", "warning", lambda n: n > 0.98, "order of the training data")
def sorted_by_class():
    x, y = table()
    order = y.argsort()
    loader = DataLoader(TensorDataset(x[order], y[order]), batch_size=32)
    return Program(mlp(8, 16, 4), CE(), loader)


@fault("shuffled", "warning", lambda n: n > 0.99, "order of the training data")
def a_curve_from_left_to_right():
    x = dl.linspace(-2, 2, 200).reshape(200, 1)
    return Program(
        mlp(1, 16, 1, act=nn.Tanh),
        nn.MSELoss(),
        DataLoader(TensorDataset(x, x.sin()), batch_size=20),
    )


@fault("last-batch", "error", 1, "training batches")
def last_batch_of_one_with_batch_norm():
    x, y = table(n=129)
    model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 4))
    return Program(model, CE(), (x, y), more={"batch_size": 32})


@fault("bytes-unscaled", "warning", 255, "training inputs")
def pixels_from_0_to_255():
    dl.manual_seed(3)
    x = dl.randint(0, 256, (128, 1, 6, 6)).float()
    x[0, 0, 0, 0] = 255
    y = (x.mean((1, 2, 3)) > 127).long()
    return Program(nn.Sequential(nn.Flatten(), mlp(36, 16, 2)), CE(), (x, y))


@fault("input-scale", "warning", lambda n: 1900 < n < 2100, "training inputs")
def a_column_of_years():
    x, y = table()
    x[:, 3] = 2000 + 10 * x[:, 3]
    return Program(mlp(8, 16, 4), CE(), (x, y))


@fault("input-scale", "warning", lambda n: 1000 < n < 1e5, "training inputs")
def columns_of_other_scales():
    x, y = table()
    x[:, 3] *= 1e-4
    return Program(mlp(8, 16, 4), CE(), (x, y))


@fault("input-scale", "warning", lambda n: n < 0.01, "training inputs")
def scaled_twice():
    x, y = table()
    return Program(mlp(8, 16, 4), CE(), (x / 255, y))


@fault("input-scale", "error", 0.0, "training inputs")
def inputs_never_change():
    _, y = table()
    return Program(mlp(8, 16, 4), CE(), (dl.ones(256, 8), y))


@fault("same-scale", "warning", lambda n: 200 < n < 300, "validation inputs")
def only_the_training_data_were_scaled():
    x, y = table()
    return Program(mlp(8, 16, 4), CE(), (x[:200], y[:200]), more={"val": (255 * x[200:], y[200:])})


@fault("same-scale", "error", None, "test inputs")
def other_form_of_the_test_data():
    x, y = table()
    return Program(mlp(8, 16, 4), CE(), (x, y), more={"test": (dl.randn(40, 7), y[:40])})


@fault("readable", "error", 77, "training data")
def a_damaged_sample():
    x, y = table()

    class Files(dl.data.Dataset):
        def __len__(self):
            return 256

        def __getitem__(self, i):
            if i in (77, 201):
                raise OSError(f"image {i} is truncated")
            return x[i], y[i]

    return Program(mlp(8, 16, 4), CE(), Files())


@fault("constant-inputs", "note", 2, "training inputs")
def two_empty_columns():
    x, y = table()
    x[:, 1] = 0
    x[:, 6] = 1
    return Program(mlp(8, 16, 4), CE(), (x, y))


@fault("dtypes", "warning", 2, "parameters")
def one_layer_in_float64():
    x, y = table()

    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(8, 16)
            self.second = nn.Linear(16, 4).double()

        def forward(self, x):
            return self.second(self.first(x).relu().double())

    return Program(Mixed(), CE(), (x, y))


@fault("dtypes", "error", None, "training inputs")
def numpy_arrays_in_float64():
    x, y = table()
    return Program(mlp(8, 16, 4), CE(), (x.numpy().astype(np.float64), y.numpy()))


@fault("empty-data", "error", 0, "training data")
def drop_last_leaves_nothing():
    x, y = table(n=20)
    return Program(
        mlp(8, 16, 4), CE(), DataLoader(TensorDataset(x, y), batch_size=32, drop_last=True)
    )


# --- output and loss ---------------------------------------------------------------------------


@fault("runs", "error", None, "the model")
def layers_do_not_fit():
    x, y = table()
    return Program(nn.Sequential(nn.Linear(8, 16), nn.Linear(17, 4)), CE(), (x, y))


@fault("runs", "error", None, "the loss")
def loss_of_each_sample():
    x, y = table()
    return Program(mlp(8, 16, 4), CE(reduction="none"), (x, y))


@fault(
    "activation-twice", "error", lambda n: abs(n - math.log(1 + 3 / math.e)) < 1e-9, "3 (Softmax)"
)
def softmax_before_cross_entropy():
    x, y = table()
    return Program(nn.Sequential(*mlp(8, 16, 4), nn.Softmax(dim=1)), CE(), (x, y))


@fault("activation-twice", "error", lambda n: abs(n - math.log(1 + 3 / math.e)) < 1e-9)
def softmax_by_hand():
    x, y = table()

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = mlp(8, 16, 4)

        def forward(self, x):
            e = self.net(x).exp()
            return e / e.sum(1, keepdim=True)

    return Program(Net(), lambda out, y: F.cross_entropy(out, y), (x, y))


@fault("activation-twice", "error", lambda n: abs(n - math.log(2)) < 1e-9, "3 (Sigmoid)")
def sigmoid_before_the_loss_with_logits():
    x, y = table(classes=2)
    model = nn.Sequential(*mlp(8, 16, 1), nn.Sigmoid())
    return Program(model, nn.BCEWithLogitsLoss(), (x, y.float().reshape(-1, 1)))


@fault("activation-twice", "error", lambda n: abs(n - 5.1) < 0.4, "3 (Softmax)")
def probabilities_to_nll():
    x, y = table()
    return Program(nn.Sequential(*mlp(8, 16, 4), nn.Softmax(dim=1)), nn.NLLLoss(), (x, y))


@fault("activation-twice", "error", lambda n: 3 < n < 6)
def logits_to_nll():
    x, y = table()
    return Program(mlp(8, 16, 4), nn.NLLLoss(), (x, y))


@fault("activation-twice", "warning", 0.0, "3 (ReLU)")
def relu_after_the_last_layer():
    x, y = table()
    return Program(nn.Sequential(*mlp(8, 16, 4), nn.ReLU()), CE(), (x, y))


@fault("targets-in-reach", "error", lambda n: 0.4 < n < 0.6, "3 (ReLU)")
def negative_targets_behind_a_relu():
    x, _ = table()
    return Program(
        nn.Sequential(*mlp(8, 16, 1), nn.ReLU()), nn.MSELoss(), (x, x.mean(1, keepdim=True))
    )


@fault("broadcast", "error", 1024, "subtract in the loss")
def column_against_row():
    x, _ = table()
    return Program(mlp(8, 16, 1), lambda out, y: ((out - y) ** 2).mean(), (x, x.sum(1)))


@fault("initial-loss", "warning", lambda n: n > 5, "the first loss")
def last_layer_far_too_large():
    x, y = table()
    model = mlp(8, 16, 4)
    with dl.no_grad():
        model[-1].weight.mul_(40)
    return Program(model, CE(), (x, y))


@fault("initial-loss", "warning", lambda n: n > 8, "the first loss")
def tied_embedding_of_variance_one():
    dl.manual_seed(6)
    x = dl.randint(0, 30, (128, 6))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(30, 64)
            self.head = nn.Linear(64, 30, bias=False)
            self.head.weight = self.embed.weight

        def forward(self, x):
            return self.head(self.embed(x)).transpose(1, 2)

    return Program(Net(), CE(), (x, (x + 1) % 30))


@fault("initial-loss", "warning", lambda n: 30 < n < 80, "the first loss")
def prices_were_not_scaled():
    x, _ = table()
    y = 200_000 + 10_000 * x.sum(1, keepdim=True)
    return Program(mlp(8, 16, 1), nn.MSELoss(), (x, y))


@fault("output-width", "note", 2, "the model's output")
def two_outputs_too_many():
    x, y = table()
    return Program(mlp(8, 16, 6), CE(), (x, y))


@fault("loss-is-finite", "error", None, "log in the loss")
def logarithm_of_zero():
    x, y = table(classes=2)

    def loss(out, y):
        p = out.sigmoid() * 0
        return -(y * p.log() + (1 - y) * (1 - p).log()).mean()

    return Program(mlp(8, 16, 1), loss, (x, y.float().reshape(-1, 1)))


# --- how the model runs ------------------------------------------------------------------------


@fault("mode", "warning", 1, "the model")
def left_in_evaluation_mode():
    x, y = table()
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 4))
    return Program(model.eval(), CE(), (x, y))


@fault("chance-in-evaluation", "warning", 1)
def dropout_that_is_always_on():
    x, y = table()

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(8, 16), nn.Linear(16, 4)

        def forward(self, x):
            return self.b(F.dropout(self.a(x).relu(), 0.5))

    return Program(Net(), CE(), (x, y))


@fault("mixed-samples", "warning", lambda n: n > 0.01, "the model")
def batch_first_was_forgotten():
    dl.manual_seed(4)
    x = dl.randn(64, 5, 3)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.out = nn.LSTM(3, 8), nn.Linear(8, 2)

        def forward(self, x):
            return self.out(self.rnn(x)[0][:, -1])

    return Program(Net(), CE(), (x, (x[:, -1, 0] > 0).long()))


@fault("mixed-samples", "warning", lambda n: n > 0.001, "the model")
def softmax_over_the_batch():
    x, y = table()

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(8, 8), nn.Linear(8, 4)

        def forward(self, x):
            return self.b(x * F.softmax(self.a(x), dim=0))

    return Program(Net(), CE(), (x, y))


@fault("dead-units", "warning", 1.0, "relu in 1 (ReLU)")
def units_that_are_never_active():
    x, y = table()
    model = mlp(8, 32, 4)
    with dl.no_grad():
        model[0].bias.fill_(-50)
    return Program(model, CE(), (x, y))


@fault("saturated", "warning", lambda n: n > 0.8, "tanh in 1 (Tanh)")
def weights_that_saturate_tanh():
    x, y = table()
    model = mlp(8, 32, 4, act=nn.Tanh)
    with dl.no_grad():
        model[0].weight.normal_(0, 10)
    return Program(model, CE(), (x, y))


# --- gradients ---------------------------------------------------------------------------------


@fault("detached", "error", 4, "the loss")
def loss_of_detached_numbers():
    x, y = table()
    return Program(mlp(8, 16, 4), lambda out, y: F.cross_entropy(out.detach(), y), (x, y))


@fault("detached", "error", 0, "parameters")
def everything_is_frozen():
    x, y = table()
    return Program(mlp(8, 16, 4).requires_grad_(False), CE(), (x, y))


class Branches(nn.Module):
    """Has a layer that forward does not use, or cuts off."""

    def __init__(self, *, cut: bool):
        super().__init__()
        self.body, self.extra, self.head = nn.Linear(8, 16), nn.Linear(8, 16), nn.Linear(16, 4)
        self.cut = cut

    def forward(self, x):
        h = self.body(x).relu()
        return self.head(h.detach() + self.extra(x) if self.cut else h)


@fault("unused-parameters", "warning", 2, "parameters")
def a_layer_that_is_not_used():
    return Program(Branches(cut=False), CE(), table())


@fault("unused-parameters", "warning", 2, "parameters")
def a_layer_behind_detach():
    return Program(Branches(cut=True), CE(), table())


@fault("zero-gradients", "warning", 4, "gradients")
def a_branch_times_zero():
    x, y = table()

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.branch, self.out = mlp(8, 16, 8), nn.Linear(8, 4)

        def forward(self, x):
            return self.out(x + 0 * self.branch(x))

    return Program(Net(), CE(), (x, y))


@fault("gradient-sizes", "warning", lambda n: n < 1e-6, "0.weight")
def sigmoids_twenty_deep():
    x, y = table()
    return Program(mlp(8, *[16] * 20, 4, act=nn.Sigmoid), CE(), (x, y))


@fault("gradient-sizes", "warning", lambda n: n > 100)
def products_that_explode():
    x, _ = table()
    model = mlp(8, *[16] * 8, 1, act=nn.Identity)
    with dl.no_grad():
        for p in model.parameters():
            p.mul_(4)
    return Program(model, nn.MSELoss(), (x, x.sum(1, keepdim=True)))


@fault("gradient-sizes", "error", 1, "gradients")
def slope_of_a_root_at_zero():
    x, y = table()

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(8, 8), nn.Linear(8, 4)

        def forward(self, x):
            h = self.a(x)
            return self.b(h) + (0 * h).pow(2).sum(1, keepdim=True).sqrt()

    return Program(Net(), CE(), (x, y))


@fault("symmetric-weights", "warning", 16, "0.weight")
def all_weights_begin_alike():
    x, y = table(classes=2)
    model = mlp(8, 16, 1)
    for layer in (model[0], model[2]):
        nn.init.constant_(layer.weight, 0.1)
        nn.init.zeros_(layer.bias)
    return Program(model, nn.BCEWithLogitsLoss(), (x, y.float().reshape(-1, 1)))


@fault("hidden-parameters", "warning", 4, "parameters")
def layers_in_a_plain_list():
    x, y = table()

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = [nn.Linear(8, 8), nn.Linear(8, 8)]
            self.out = nn.Linear(8, 4)

        def forward(self, x):
            for block in self.blocks:
                x = block(x).relu()
            return self.out(x)

    return Program(Net(), CE(), (x, y))


@fault("hidden-parameters", "warning", 2, "parameters")
def a_layer_made_in_forward():
    x, y = table()

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(8, 16)

        def forward(self, x):
            return nn.Linear(16, 4)(self.a(x).relu())

    return Program(Net(), CE(), (x, y))


@fault("frozen", "warning", 2, "2.bias")
def the_head_is_frozen():
    x, y = table()
    model = mlp(8, 16, 4)
    model[2].requires_grad_(False)
    return Program(model, CE(), (x, y))


# --- the optimizer -----------------------------------------------------------------------------


@fault("optimizer-parameters", "error", 4, "Adam")
def optimizer_of_another_model():
    x, y = table()
    return Program(mlp(8, 16, 4), CE(), (x, y), ADAM(mlp(8, 16, 4).parameters()))


@fault("optimizer-parameters", "warning", 2, "SGD")
def optimizer_of_the_head_alone():
    x, y = table()
    model = mlp(8, 16, 4)
    return Program(model, CE(), (x, y), optim.SGD(model[2].parameters(), lr=0.1))


@fault("optimizer-parameters", "warning", 1, "SGD")
def optimizer_with_a_foreign_tensor():
    x, y = table()
    model = mlp(8, 16, 4)
    foreign = nn.Parameter(dl.ones(3))
    return Program(model, CE(), (x, y), optim.SGD([*model.parameters(), foreign], lr=0.1))


@fault("optimizer-parameters", "error", 1, "SGD")
def a_parameter_that_is_held_twice():
    x, y = table()
    model = mlp(8, 16, 4)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    optimizer.param_groups[0]["params"].append(model[0].weight)
    return Program(model, CE(), (x, y), optimizer)


@fault("no-rate", "error", 0, "SGD")
def a_rate_of_zero():
    x, y = table()
    model = mlp(8, 16, 4)
    return Program(model, CE(), (x, y), optim.SGD(model.parameters(), lr=0.0))


@fault("learning-rate", "warning", 100.0, "SGD")
def a_rate_that_diverges():
    x, y = table()
    model = mlp(8, 16, 4)
    return Program(model, CE(), (x, y), optim.SGD(model.parameters(), lr=100.0))


@fault("learning-rate", "warning", 1e-9, "Adam")
def a_rate_that_does_nothing():
    x, y = table()
    model = mlp(8, 16, 4)
    return Program(model, CE(), (x, y), ADAM(model.parameters(), lr=1e-9))


@fault("weight-decay", "note", 2, "AdamW")
def weight_decay_on_biases():
    x, y = table()
    model = mlp(8, 16, 4)
    return Program(model, CE(), (x, y), optim.AdamW(model.parameters(), weight_decay=0.1))


def of_two_targets(loss: Any) -> Program:
    x, _ = table()
    return Program(mlp(8, 16, 2), loss, (x, dl.stack([x.sum(1), x[:, 0]], dim=1)))


@fault("loss-direction", "error", lambda n: n < -1, "the loss")
def cross_entropy_with_a_minus_too_much():
    x, y = table()
    return Program(mlp(8, 16, 4), lambda out, y: -F.cross_entropy(out, y), (x, y))


@fault("loss-direction", "error", lambda n: n < 0, "the loss")
def a_negated_squared_error():
    return of_two_targets(lambda out, y: -F.mse_loss(out, y))


@fault("loss-direction", "error", lambda n: n < 0, "the loss")
def a_negated_binary_loss():
    x, y = table(classes=2)
    model = nn.Sequential(*mlp(8, 16, 1), nn.Sigmoid())
    target = y.float().reshape(-1, 1)
    return Program(model, lambda out, y: -F.binary_cross_entropy(out, y), (x, target))


@fault("loss-direction", "error", lambda n: n < 0, "the loss")
def a_negated_binary_loss_of_logits_with_a_penalty():
    x, y = table(classes=2)
    model = mlp(8, 16, 1)

    def loss(out, y):
        size = sum((p**2).sum() for p in model.parameters())
        return 1e-4 * size - F.binary_cross_entropy_with_logits(out, y)

    return Program(model, loss, (x, y.float().reshape(-1, 1)))


@fault("loss-direction", "warning", lambda n: n < -1, "the loss")
def a_log_probability_without_its_minus():
    x, y = table()

    def loss(out, y):
        return out.log_softmax(1).gather(1, y[:, None]).mean()

    return Program(mlp(8, 16, 4), loss, (x, y))


@fault("loss-direction", "warning", lambda n: n < -1, "the loss")
def a_log_probability_of_a_softmax_without_its_minus():
    x, y = table()
    model = nn.Sequential(*mlp(8, 16, 4), nn.Softmax(dim=1))
    return Program(model, lambda out, y: out[dl.arange(len(y)), y].log().mean(), (x, y))


@fault("loss-direction", "warning", lambda n: n < 0, "the loss")
def a_squared_error_by_hand_with_a_minus():
    return of_two_targets(lambda out, y: -((out - y) ** 2).mean())


@fault("loss-direction", "warning", lambda n: n < 0, "the loss")
def an_absolute_error_from_a_large_constant():
    return of_two_targets(lambda out, y: -(out - y).abs().sum())


@fault("loss-direction", "warning", lambda n: 0 < n < 1, "the loss")
def dice_that_is_minimized():
    x, _ = table()
    model = nn.Sequential(*mlp(8, 16, 8), nn.Sigmoid())

    def dice(out, y):
        return (2 * (out * y).sum() / (out.sum() + y.sum() + 1e-6)).mean()

    return Program(model, dice, (x, (x > 0).float()))


@fault("one-batch", "warning", lambda n: n > 0.5, "one batch")
def the_model_ignores_its_inputs():
    x, y = table()

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = mlp(8, 16, 4)

        def forward(self, x):
            return self.net(dl.zeros_like(x))

    return Program(Net(), CE(), (x, y))


@fault("one-batch", "warning", lambda n: n >= 0)
def a_loss_that_the_output_cannot_change():
    x, _ = table()

    def loss(out, y):
        return ((0 * out + 3 - y) ** 2).mean()

    return Program(mlp(8, 16, 1), loss, (x, x.sum(1, keepdim=True)))


# --- tests -------------------------------------------------------------------------------------


@pytest.mark.parametrize("one", FAULTS, ids=lambda one: one.name)
def test_fault_is_found(one: Fault) -> None:
    report = one.make().check()
    found = report[one.check]
    text = str(report)
    assert found, text
    finding = found[0]
    assert finding.severity == one.severity, text
    assert one.where in finding.where, text
    if callable(one.number):
        assert finding.number is not None, text
        assert one.number(finding.number), text
    elif one.number is None:
        assert finding.number is None, text
    else:
        assert finding.number == pytest.approx(one.number), text
    assert finding.reason, text
    assert finding.fix, text
    assert max(map(len, text.splitlines())) <= 80, text


def test_there_are_many_and_of_most_checks() -> None:
    assert len(FAULTS) >= 50
    proven = {one.check for one in FAULTS}
    # what hangs on the machine, and what is no fault, has tests of its own
    assert {one.name for one in CHECKS} - proven == {"tied", "time", "memory"}
