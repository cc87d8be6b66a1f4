"""Losses, metrics, activations and initial values by name, and runs that are made longer."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import dlframe as dl
from dlframe import metrics, nn, plugins
from dlframe.cli import main, measures, names
from dlframe.cli.images import read_image
from dlframe.cli.problems import KINDS
from dlframe.data.datasets import DATASETS
from dlframe.nn import functional as F
from dlframe.utils import load

Captured = pytest.CaptureFixture[str]
RUN = "train --data moons --epochs 2 --batch-size 100 --hidden 4 --no-pictures --limit 200"


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("name", names.LOSSES)
def test_every_loss_falls(name: str, classes: int) -> None:
    loss = measures.make_loss(measures.loss_of([name], None, classes), classes)
    labels = dl.arange(6) % classes
    right, wrong = (F.one_hot((labels + i) % classes, classes).float() for i in (0, 1))
    scores = (0.01 * (wrong - right)).requires_grad_()
    first = loss(scores, labels)
    first.backward()
    with dl.no_grad():
        better = scores - 0.1 * scores.grad
    assert loss(better, labels).item() < first.item()
    assert scores.grad is not None
    assert (scores.grad[dl.arange(6), labels] < 0).all()


def test_targets_of_other_forms() -> None:
    scores = dl.tensor([[0.5, -1.0], [2.0, 0.0]])
    labels = dl.tensor([1, 0])
    one_hot = measures.make_loss({"name": "MSELoss", "arguments": {}}, 2)
    assert one_hot(scores, labels).item() == pytest.approx((0.25 + 4 + 1 + 0) / 4)
    signs = measures.make_loss({"name": "HingeLoss", "arguments": {}}, 2)
    hinge = np.maximum(0, 1 - scores.numpy() * [[-1, 1], [1, -1]]).mean()
    assert signs(scores, labels).item() == pytest.approx(hinge)
    smooth = measures.make_loss(measures.loss_of(None, 0.1, 2), 2)
    assert smooth(scores, labels).item() == pytest.approx(
        F.cross_entropy(scores, labels, label_smoothing=0.1).item()
    )


@pytest.mark.parametrize("name", names.ACTIVATIONS)
@pytest.mark.parametrize("model", ["mlp", "cnn"])
def test_every_activation(name: str, model: str) -> None:
    words = [name, *(["threshold=0", "value=0"] if name == "Threshold" else [])]
    named = measures.activation_of(words)
    assert named["name"] == name
    sizes = {"in_features": 64, "hidden": [3]} if model == "mlp" else {"channels": 1, "size": 8}
    made = dl.models.build(model, classes=3, activation=named["name"], batch_norm=True,
                           activation_arguments=named["arguments"], **sizes)  # fmt: skip
    assert made(dl.zeros(2, 1, 8, 8)).shape == (2, 3)
    assert any(type(layer).__name__ == name for layer in made)


@pytest.mark.parametrize("name", sorted(set(plugins.core_names("layers")) - {*names.ACTIVATIONS}))
def test_other_layers_are_no_activations(name: str) -> None:
    with pytest.raises(names.UsageError, match=r"fits no run of the command line.* Known: CELU"):
        measures.activation_of([name])


@pytest.mark.parametrize("name", names.INITS)
def test_every_init(name: str) -> None:
    more = {"constant": ["val=0.5"], "sparse": ["sparsity=0.5"]}.get(name, [])
    model = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
    before = [p.clone() for p in model.parameters()]
    if name == "dirac":
        with pytest.raises(names.UsageError, match=r"--init: dirac of 0\.weight, \[4, 6\]: Val"):
            measures.initialize(measures.init_of([name]), model)
        return
    dl.manual_seed(3)
    measures.initialize(measures.init_of([name, *more]), model)
    dl.manual_seed(3)
    again = nn.Linear(6, 4)
    dl.manual_seed(3)
    arguments = {key: float(text) for key, _, text in (word.partition("=") for word in more)}
    getattr(nn.init, f"{name}_")(again.weight, **arguments)
    assert (model[0].weight == again.weight).all()
    for old, new in zip(before, model.parameters(), strict=True):
        assert new.ndim > 1 or (old == new).all()


FOR_CLASSES = [
    "accuracy", "Accuracy", "balanced_accuracy", "precision", "Recall", "f1", "f1_micro", "jaccard",
    "TopKAccuracy k=2", "top2_accuracy", "auroc", "auc", "average_precision",
    "f2", "FBeta beta=2", "roc_curve positive=1", "log_loss", "ece", "mcc", "confusion_matrix",
]  # fmt: skip


@pytest.mark.parametrize("words", FOR_CLASSES)
def test_metrics_of_classes(words: str, tmp_path: Path, capsys: Captured) -> None:
    name, *more = words.split()
    run = [*RUN.split(), "--metric", name, *more, "--quiet", "--out", str(tmp_path / "run")]
    assert main(run) == 0
    trained = capsys.readouterr().out.partition("\ntest loss")[2]
    assert main(["evaluate", str(tmp_path / "run")]) == 0
    assert (
        capsys.readouterr().out.partition("\ntest loss")[2] == trained.partition("\n\n")[0] + "\n"
    )
    record = json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[0])
    named = measures.metric_of([name, *more], 2)
    assert f"val_{measures.make_metric(named, 2).name}" in record
    assert main(["evaluate", str(tmp_path / "run"), "--metric", "f1", "average=micro"]) == 0
    assert "test f1_micro" in capsys.readouterr().out


class Halves(metrics.Metric):
    """A metric of a plugin's, which is given a name."""

    def empty(self) -> Any:
        return np.zeros(1)

    def update(self, output: Any, target: Any) -> None:
        self.state += 0.5

    def compute(self) -> float:
        return float(self.state[0])


class LogCosh(nn.Module):
    """A loss of a plugin's, for numbers of the same shape."""

    def forward(self, output: dl.Tensor, target: dl.Tensor) -> dl.Tensor:
        return (output - target).cosh().log().mean()


def test_parts_of_a_program(tmp_path: Path, capsys: Captured) -> None:
    plugins.register("metrics", "Halves")(Halves)
    plugins.register("losses", "LogCosh")(LogCosh)
    try:
        run = [*RUN.split(), "--loss", "logcosh", "--metric", "halves", "--out", str(tmp_path)]
        assert main([*run, "--quiet"]) == 0
        assert "test halves" in capsys.readouterr().out
        assert main(["evaluate", str(tmp_path)]) == 0
        config = json.loads((tmp_path / "config.json").read_text())
        assert config["loss"]["name"].endswith(":LogCosh")
    finally:
        plugins.unregister("metrics", "Halves")
        plugins.unregister("losses", "LogCosh")
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--loss bce", "--loss: 'bce' fits no run of the command line."),
        ("--loss hinge margn=1", "HingeLoss has no 'margn'. Did you mean 'margin'?"),
        ("--loss mse reduction=none", "gives 12 numbers for a batch; reduction=mean makes one"),
        (
            "--loss hinge --label-smoothing 0.1",
            "--label-smoothing is an option of CrossEntropyLoss",
        ),
        ("--loss crossentropy label_smoothing=0.1 --label-smoothing 0.1", "is given twice"),
        ("--metric acuracy", "'acuracy' is not known. Did you mean 'accuracy'"),
        ("--metric accuracy --metric accuracy", "two are named accuracy; say name=… for one"),
        ("--metric f1 average=x", "--metric: F1: "),
        ("--metric rmse", "--metric: rmse: "),
        ("--activation rellu", "'rellu' is not known. Did you mean 'ReLU'?"),
        ("--activation leaky_relu slope=1", "LeakyReLU has no 'slope'"),
        ("--activation softmax", "--activation: 'softmax' fits no run"),
        ("--init xavir_normal", "Did you mean 'xavier_normal'?"),
        ("--init normal tensor=1", "normal_ has no 'tensor'"),
        ("--init constant val=x", "--init: constant of 1.weight, [4, 2]"),
        ("--clip 1 --regularizer clip_grad_norm max_norm=2", "--clip is given twice"),
        ("--model linear --batch-norm", "--batch-norm has no meaning for the model linear"),
    ],
)
def test_wrong_words(tmp_path: Path, capsys: Captured, words: str, message: str) -> None:
    assert main([*RUN.split(), "--out", str(tmp_path / "x"), *words.split()]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "x").exists()


def test_a_run_with_all_of_it_is_resumed(tmp_path: Path, capsys: Captured) -> None:
    words = shlex.split(
        "--loss mse --metric f1 average=micro --metric recall --init orthogonal gain=0.5 "
        "--activation leaky_relu negative_slope=0.2 --batch-norm --clip 0.5 --scheduler none"
    )
    assert main([*RUN.split(), *words, "--epochs", "3", "--quiet", "--out", f"{tmp_path}/a"]) == 0
    assert main([*RUN.split(), *words, "--quiet", "--out", f"{tmp_path}/b"]) == 0
    again = ["train", "--resume", "--epochs", "3", "--no-pictures", "--out", f"{tmp_path}/b"]
    assert main([*again, *words, "--quiet"]) == 0
    ours, others = (load(tmp_path / f / "checkpoints" / "last.h5")["model"] for f in "ab")
    assert all((value == others[key]).all() for key, value in ours.items())
    capsys.readouterr()
    for other, message in {
        "--loss hinge": "--loss HingeLoss contradicts the run, which has MSELoss",
        "--metric f1": "contradicts the run, which has F1 average=micro, Recall average=macro",
        "--init normal": "--init normal contradicts the run, which has orthogonal gain=0.5",
        "--activation relu": "--activation ReLU contradicts the run, which has LeakyReLU",
        "--no-batch-norm": "--batch-norm False contradicts the run, which has True",
        "--clip 2": "--clip 2.0 contradicts the run, which has 0.5",
        "--label-smoothing 0.1": "--label-smoothing 0.1 contradicts the run, which has None",
    }.items():
        assert main([*again, *other.split()]) == 2
        assert message in capsys.readouterr().err


# --- more epochs than were planned -------------------------------------------------------------


def rates(run: Path) -> list[float]:
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["lr"] for line in lines]


@pytest.mark.parametrize(
    "schedule",
    [
        "cosine",
        "step",
        *(pytest.param(s, marks=pytest.mark.slow) for s in ("linear", "one_cycle", "polynomial")),
    ],
)
def test_a_schedule_that_is_over_begins_again(
    tmp_path: Path, schedule: str, capsys: Captured
) -> None:
    run = [*RUN.split(), "--scheduler", schedule, "--quiet", "--epochs", "4"]
    more = ["train", "--resume", "--no-pictures", "--quiet", "--out"]
    assert main([*run, "--out", f"{tmp_path}/a"]) == 0
    assert main([*more, f"{tmp_path}/a", "--epochs", "8"]) == 0
    err = capsys.readouterr().err
    assert "ends with epoch 4, as it was planned; epochs 5 to 8 have one of their own" in err
    found = rates(tmp_path / "a")
    assert found[:4] == pytest.approx(found[4:])
    # in two steps, and asked for before the first schedule is over, it is the same run
    assert main([*run, "--out", f"{tmp_path}/b"]) == 0
    assert main([*more, f"{tmp_path}/b", "--epochs", "8"]) == 0
    assert main([*more, f"{tmp_path}/b"]) == 0
    ours, others = (load(tmp_path / f / "checkpoints" / "last.h5")["model"] for f in "ab")
    assert all((value == others[key]).all() for key, value in ours.items())
    assert main([*more, f"{tmp_path}/b", "--epochs", "10"]) == 0
    assert json.loads((tmp_path / "b" / "config.json").read_text())["ends"] == [4, 8]
    assert len(rates(tmp_path / "b")) == 10
    assert main([*more, f"{tmp_path}/b", "--epochs", "9"]) == 2


def test_other_schedules_go_on(tmp_path: Path, capsys: Captured) -> None:
    run = [*RUN.split(), "--scheduler", "exponential", "gamma=0.5", "--quiet"]
    assert main([*run, "--epochs", "4", "--out", f"{tmp_path}/a"]) == 0
    assert main([*run, "--out", f"{tmp_path}/b"]) == 0
    more = ["train", "--resume", "--no-pictures", "--quiet", "--out", f"{tmp_path}/b"]
    assert main([*more, "--epochs", "4"]) == 0
    assert rates(tmp_path / "a") == rates(tmp_path / "b")
    assert capsys.readouterr().err == ""


# --- drawn digits ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["digits", "mnist"])
@pytest.mark.parametrize("place", [(10, 10), (250, 20), (120, 5)])
def test_a_drawn_digit_is_cut_out_and_centred(
    tmp_path: Path, name: str, place: tuple[int, int]
) -> None:
    kind = KINDS[name]
    size = kind.shape[1]
    paper = Image.new("L", (400, 100), 255)
    paper.paste(0, (*place, place[0] + 12, place[1] + 60))  # a one
    paper.save(tmp_path / "x.png")
    pixels, how = read_image(tmp_path / "x.png", kind, "auto", "auto")
    assert "cut out and centred" in how
    assert pixels.shape == kind.shape
    rows, _ = np.nonzero(pixels[0] > 0.1)
    assert rows.max() - rows.min() + 1 == kind.box
    mass = pixels[0] / pixels.sum()
    middle = [float(mass.sum(axis) @ (np.arange(size) + 0.5)) for axis in (1, 0)]
    assert middle == pytest.approx([size / 2, size / 2], abs=0.51)
    assert "cut out" not in read_image(tmp_path / "x.png", kind, "auto", "no")[1]


def test_images_of_the_data_set_and_empty_ones_stay_as_they_are(tmp_path: Path) -> None:
    digit = (DATASETS["digits"](train=False).data.numpy()[0, 0] * 255).astype(np.uint8)
    Image.fromarray(digit).save(tmp_path / "x.png")
    assert read_image(tmp_path / "x.png", KINDS["digits"], "auto", "auto")[1] == "8×8"
    Image.new("L", (50, 50), 255).save(tmp_path / "x.png")
    pixels, how = read_image(tmp_path / "x.png", KINDS["mnist"], "auto", "yes")
    assert "cut out" not in how
    assert pixels.max() == 0
