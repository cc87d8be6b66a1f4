"""`check`: what it takes, what it leaves untouched, and the report that it gives."""

from __future__ import annotations

import random
import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim, training
from dlframe.data import DataLoader, TensorDataset
from dlframe.errors import ArgumentError, DTypeError
from dlframe.training.doctor import CHECKS, Finding, Report
from dlframe.training.doctor.environment import ENVIRONMENT_CHECKS

X = dl.linspace(-1, 1, 96).reshape(48, 2)
Y = (X.sum(1) > 0).long()


class Restless(nn.Module):
    """Has everything that a check could change: statistics, dropout, a counter, a chance."""

    def __init__(self):
        super().__init__()
        self.a, self.norm = nn.Linear(2, 6), nn.BatchNorm1d(6)
        self.drop, self.b = nn.Dropout(0.3), nn.Linear(6, 2)
        self.register_buffer("seen", dl.zeros(1))
        self.calls = 0

    def forward(self, x):
        self.seen = self.seen + 1
        self.calls += 1
        chance = random.random() + np.random.random()  # noqa: NPY002 - to be put back
        return self.b(self.drop(self.norm(self.a(x)).relu())) + 0.0 * chance


def everything(model, optimizer, loaders):
    """All bits that a check could change, and the identities of what holds them."""
    tensors = [*model.parameters(), *model.buffers()]
    return {
        "values": [t.array.tobytes() for t in tensors],
        "arrays": [id(t.array) for t in tensors],
        "gradients": [None if t.grad is None else (id(t.grad), t.grad.tolist()) for t in tensors],
        "modes": [module.training for module in model.modules()],
        "hooks": [module._hooks is None for module in model.modules()],
        "calls": getattr(model, "calls", None),
        "options": [{k: v for k, v in g.items() if k != "params"} for g in optimizer.param_groups],
        "state": [
            v.array.tobytes() if isinstance(v, dl.Tensor) else v
            for entry in optimizer.state.values()
            for v in entry.values()
        ],
        "positions": [{k: str(v) for k, v in loader.state_dict().items()} for loader in loaders],
        "random": (
            dl.get_rng_state().tolist(),
            random.getstate(),
            str(np.random.get_state()),  # noqa: NPY002 - to compare it
        ),
    }


def prepared(model=None):
    """A training in the middle of an epoch, with state everywhere."""
    dl.manual_seed(3)
    model = model or Restless()
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    loader = DataLoader(TensorDataset(X, Y), batch_size=5, shuffle=True, generator=dl.Generator())
    val = DataLoader(TensorDataset(X[:9], Y[:9]), batch_size=4)
    batches = iter(loader)
    for _ in range(3):
        x, y = next(batches)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    model.drop.eval()
    return model, optimizer, loader, val, batches


def test_everything_is_as_before() -> None:
    model, optimizer, loader, val, batches = prepared()
    before = everything(model, optimizer, [loader, val])
    report = training.check(model, nn.CrossEntropyLoss(), loader, optimizer, val=val)
    assert report.left_out == {}, report
    assert everything(model, optimizer, [loader, val]) == before
    # and the epoch goes on where it was
    again = prepared()
    assert [b[1].tolist() for b in batches] == [b[1].tolist() for b in again[-1]]


def test_the_same_training_follows() -> None:
    losses = []
    for checked in (False, True):
        model, optimizer, loader, val, _ = prepared()
        trainer = training.Trainer(model, nn.CrossEntropyLoss(), optimizer)
        if checked:
            training.check(model, trainer.loss, loader, optimizer, val=val)
        losses.append(trainer.fit(loader, val, epochs=2, progress=False)["loss"])
    assert losses[0] == losses[1]


class Failing(Restless):
    """Raises after some calls."""

    def __init__(self, after, error):
        super().__init__()
        self.after, self.error, self.count = after, error, [0]

    def forward(self, x):
        self.count[0] += 1
        if self.count[0] > self.after:
            raise self.error
        return super().forward(x)


@pytest.mark.parametrize("after", [3, 4, 5, 9, 30, 120])
def test_everything_is_as_before_if_the_model_fails(after: int) -> None:
    model, optimizer, loader, val, _ = prepared(Failing(after, ValueError("out of order")))
    before = everything(model, optimizer, [loader, val])
    report = training.check(model, nn.CrossEntropyLoss(), loader, optimizer, val=val)
    assert everything(model, optimizer, [loader, val]) == before
    said = " ".join([*report.left_out.values(), *(one.what for one in report)])
    assert "out of order" in said


@pytest.mark.parametrize("after", [3, 8, 60])
def test_everything_is_as_before_after_an_interrupt(after: int) -> None:
    model, optimizer, loader, val, _ = prepared(Failing(after, KeyboardInterrupt()))
    before = everything(model, optimizer, [loader, val])
    with pytest.raises(KeyboardInterrupt):
        training.check(model, nn.CrossEntropyLoss(), loader, optimizer, val=val)
    assert everything(model, optimizer, [loader, val]) == before


class Pressed(Restless):
    """Presses Ctrl-C in one of its calls."""

    def __init__(self, after):
        super().__init__()
        self.after, self.count = after, [0]

    def forward(self, x):
        self.count[0] += 1
        if self.count[0] == self.after:
            signal.raise_signal(signal.SIGINT)
        return super().forward(x)


@pytest.mark.parametrize("after", [4, 5, 12, 100])
def test_everything_is_as_before_after_ctrl_c(after: int) -> None:
    model, optimizer, loader, val, _ = prepared(Pressed(after))
    before = everything(model, optimizer, [loader, val])
    with pytest.raises(KeyboardInterrupt):
        training.check(model, nn.CrossEntropyLoss(), loader, optimizer, val=val)
    assert everything(model, optimizer, [loader, val]) == before


def test_the_report_is_the_same_each_time() -> None:
    model, optimizer, loader, val, _ = prepared()
    reports = []
    for seed in (1, 2):
        dl.manual_seed(seed)
        report = training.check(model, nn.CrossEntropyLoss(), loader, optimizer, val=val)
        reports.append([one for one in report if one.check != "time"])
    assert reports[0] == reports[1]


def test_warnings_of_the_library_come_again_in_training(recwarn: pytest.WarningsRecorder) -> None:
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts, self.out = [nn.Linear(2, 2)], nn.Linear(2, 2)

        def forward(self, x):
            return self.out(self.parts[0](x))

    model = Net()
    report = training.check(model, nn.CrossEntropyLoss(), (X, Y))
    assert report["hidden-parameters"]
    assert list(recwarn) == []
    with pytest.warns(UserWarning, match="plain list"):
        list(model.parameters())


# --- arguments ---------------------------------------------------------------------------------


def sound():
    dl.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))
    return model, nn.CrossEntropyLoss()


def test_only_and_skip() -> None:
    report = training.check(*sound(), (X, Y), only=["leaks", "runs"])
    assert report.made == ["leaks", "runs"]
    report = training.check(*sound(), (X, Y), skip=["one-batch"])
    assert len(report.made) == len(CHECKS) - 1


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"only": ["leak"]}, ArgumentError, "no check 'leak' to only. Did you mean 'leaks'?"),
        ({"skip": ["speed"]}, ArgumentError, "no check 'speed' to skip.* Known: empty-data"),
        ({"only": "leaks"}, TypeError, "only must be a list of names; got the text 'leaks'"),
        ({"samples": 0}, ArgumentError, "samples ≥ 1"),
        ({"batch_size": 0}, ArgumentError, "batch_size ≥ 1"),
        ({"seconds": float("nan")}, ArgumentError, "seconds ≥ 0"),
        ({"optimizer": "adam"}, TypeError, "optimizer must be an Optimizer; got str"),
        ({"data": iter([(X, Y)])}, ArgumentError, "training data is an iterator"),
        ({"val": iter([(X, Y)])}, ArgumentError, "validation data is an iterator"),
        ({"data": X}, TypeError, "Pass the pair"),
        ({"model": lambda x: x}, TypeError, "model must be a Module; got function"),
        ({"model": nn.LazyLinear(2)}, ArgumentError, "training.check: the model has lazy layers"),
    ],
)
def test_wrong_arguments(options, error, message) -> None:
    model, loss = sound()
    given = {"model": model, "loss": loss, "data": (X, Y)} | options
    with pytest.raises(error, match=message):
        training.check(**given)


def test_out_of_time() -> None:
    model, loss = sound()
    report = training.check(model, loss, (X, Y), optim.Adam(model.parameters()), seconds=0)
    assert set(report.left_out) == {"one-batch", "learning-rate"}
    assert "0 seconds were over" in report.left_out["one-batch"]
    assert "Not checked:" in str(report)


def test_samples_are_counted() -> None:
    report = training.check(*sound(), (X, Y), val=(X, Y), samples=12)
    assert report.looked_at["training samples"] == "12 of 48"
    assert report["leaks"][0].number == 1.0  # the same 12 of both


def test_a_leak_is_estimated_for_all_samples() -> None:
    x, y = dl.randn(4000, 2), dl.zeros(4000).long()
    y[::2] = 1
    report = training.check(*sound(), (x, y), val=(x[:1000], y[:1000]), samples=1000)
    (found,) = report["leaks"]
    assert 0.7 < found.number <= 1.0
    assert "of all of them, about" in found.what


def test_batches_that_are_no_pairs() -> None:
    report = training.check(*sound(), [{"points": X, "y": Y}])
    assert [one.where for one in report["runs"]] == ["the data"]
    report = training.check(
        *sound(), [{"points": X, "y": Y}], split=lambda batch: ([batch["points"]], batch["y"])
    )
    assert report["runs"] == []


def test_inputs_by_name() -> None:
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.out = nn.Linear(2, 2)

        def forward(self, *, left, right):
            return self.out(left - right)

    data = [(X[i : i + 12], X[i : i + 12] ** 2, Y[i : i + 12]) for i in range(0, 48, 12)]
    report = training.check(
        Net(), nn.CrossEntropyLoss(), data, split=lambda b: ({"right": b[1], "left": b[0]}, b[2])
    )
    assert report["runs"] == []
    assert report.left_out == {}


def test_inputs_by_name_in_another_order() -> None:
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = nn.Linear(2, 2), nn.Linear(3, 2)

        def forward(self, left, *, right):
            return self.left(left) - self.right(right)

    model = Net()
    data = ({"right": dl.randn(48, 3), "left": X}, Y)
    trainer = training.Trainer(model, nn.CrossEntropyLoss(), optim.Adam(model.parameters()))
    for report in (training.check(model, trainer.loss, data), trainer.check(data)):
        assert report["runs"] == []
        assert report.left_out == {}


def test_from_a_trainer() -> None:
    class Named(training.Trainer):
        def split(self, batch):
            return [batch["x"]], batch["y"]

        def forward(self, x):
            return self.model(x - 1)

    model, loss = sound()
    trainer = Named(model, loss, optim.SGD(model.parameters(), lr=0.1))
    data = [{"x": X[i : i + 12], "y": Y[i : i + 12]} for i in range(0, 48, 12)]
    report = trainer.check(data, data, test=data, skip=["shuffled"])
    assert report["runs"] == []
    assert [one.where for one in report["leaks"]] == [
        "training and validation data",
        "training and test data",
        "validation and test data",
    ]


def test_forward_of_ones_own() -> None:
    model, loss = sound()
    report = training.check(model, loss, (dl.cat([X, X], 1), Y), forward=lambda x: model(x[:, :2]))
    assert report["runs"] == []
    assert report.left_out == {}


def test_shared_weights_and_costs_are_told() -> None:
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c = nn.Linear(2, 4), nn.Linear(4, 2), nn.Linear(2, 4)
            self.c.weight = self.a.weight
            self.out = nn.Linear(4, 2)

        def forward(self, x):
            return self.out(self.c(self.b(self.a(x).tanh())).tanh())

    model = Net()
    report = training.check(
        model, nn.CrossEntropyLoss(), (X, Y), optim.Adam(model.parameters()), batch_size=16
    )
    assert report["tied"][0].what == "1 parameters are shared: a.weight = c.weight"
    # 8 + 4, 8 + 2, 4, 8 + 2 numbers of 4 bytes; Adam keeps two for each
    assert "weights 144 B, gradients 144 B, optimizer 288 B" in report.estimates["memory"]
    assert "3 batches" in report.estimates["time of an epoch"]


class Slow(TensorDataset):
    def __getitems__(self, indices):
        time.sleep(0.02)
        return super().__getitems__(indices)


def test_slow_data_are_told() -> None:
    model, loss = sound()
    loader = DataLoader(Slow(X, Y), batch_size=4, shuffle=True)
    report = training.check(
        model, loss, loader, optim.Adam(model.parameters()), only=["learning-rate", "time"]
    )
    assert report["time"][0].where == "training data"
    assert report["time"][0].number > 1


# --- the report --------------------------------------------------------------------------------


def a_report() -> Report:
    note = Finding("note", "here", "a <b> & c", 1.0, "because " * 30, "do\nthat", "one")
    error = Finding("error", "x" * 70, "long " * 40, None, "so", "", "two")
    return Report([note, error], ["one", "two", "three"], {"four": "no time"}, {"rows": "3 of 3"})


def test_a_report_lists_the_worst_first_within_80_columns() -> None:
    text = str(a_report())
    assert text.startswith("1 error, 1 note in 3 checks.\n\nERROR two:\n  xxx")
    assert max(map(len, text.splitlines())) <= 80
    assert "Not checked:\n  four: no time" in text
    assert repr(a_report()) == "<Report: 1 error, 1 note in 3 checks>"
    assert str(Report([], ["one"])) == "Nothing found in 1 check."


def test_a_report_as_html() -> None:
    page = a_report()._repr_html_()
    assert "a &lt;b&gt; &amp; c" in page
    assert page.count("<tr>") == 2


def test_a_report_in_conditions() -> None:
    report = a_report()
    assert not report
    assert not report.ok
    assert Report([report.notes[0]])
    assert len(report) == 2
    assert [one.check for one in report] == ["two", "one"]
    assert report["one"] == report.notes
    assert len(report.joined(report)) == 4


def test_raise_if() -> None:
    report = a_report()
    with pytest.raises(training.CheckFailedError, match="ERROR two") as caught:
        report.raise_if()
    assert caught.value.report is report
    assert "NOTE" not in str(caught.value)
    with pytest.raises(training.CheckFailedError, match="NOTE one"):
        report.raise_if("note")
    Report(report.notes).raise_if("warning")
    with pytest.raises(ArgumentError, match="error, warning, note; got 'bad'"):
        report.raise_if("bad")


def test_every_check_has_a_name_and_a_meaning() -> None:
    names = [one.name for one in CHECKS]
    assert len(names) == len(set(names))
    assert all(one.meaning.endswith((".", "?")) for one in CHECKS)


def test_every_check_is_explained(repository: Path) -> None:
    page = (repository / "docs" / "guide" / "doctor.md").read_text("utf-8")
    told = re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE)
    assert sorted(told) == sorted([*(one.name for one in CHECKS), *ENVIRONMENT_CHECKS])


def test_the_width_of_a_report() -> None:
    finding = training.Finding("note", "the data", "what " * 40, 1.0, "why " * 40, "how " * 40, "x")
    report = training.Report([finding], ["x"], looked_at={"samples": "many " * 40})
    for width in (60, 80):
        assert width - 8 < max(map(len, report.text(width).splitlines())) <= width
    assert report.text(None).count("\n") == 8  # a line for each part
    assert report.text(None).split() == str(report).split()


def test_a_trainer_that_needs_no_targets_is_checked_without_them() -> None:
    x = dl.randn(64, 4)
    model = nn.Sequential(nn.Linear(4, 2), nn.Tanh(), nn.Linear(2, 4))
    report = training.Trainer(model, "mse", "adam", inputs=0, target=0).check(
        x, only=["runs", "dtypes"]
    )
    assert report.ok
    assert report.made == ["dtypes", "runs"]
    message = r"check: training data: the data must hold inputs and targets; got one array of shape"
    with pytest.raises(DTypeError, match=message):
        training.Trainer(nn.Linear(4, 2), "cross_entropy", "adam").check(x)
    with pytest.raises(DTypeError, match=message):
        training.check(nn.Linear(4, 2), nn.CrossEntropyLoss(), x)


def test_a_rate_that_changes_nothing_is_seen_beside_a_first_batch_that_is_hard() -> None:
    dl.manual_seed(0)
    x = dl.randn(320, 4)
    y = (x[:, 0] > 0).long()
    x[:32] *= 3  # the loss of the first batch is another one, whatever the rate
    batches = [(x[i : i + 32], y[i : i + 32]) for i in range(0, 320, 32)]
    model = nn.Linear(4, 2)
    for lr, ok in ((1e-7, False), (0.1, True)):
        optimizer = optim.SGD(model.parameters(), lr=lr)
        loss = nn.CrossEntropyLoss()
        report = training.check(model, loss, batches, optimizer, only=["learning-rate"])
        assert report.ok == ok, report
