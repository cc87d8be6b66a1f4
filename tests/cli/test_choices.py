"""Names with options: what they mean, what is made of them, and what is refused."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.cli import choices, config, main
from dlframe.cli.choices import UsageError
from dlframe.cli.description import description_in
from dlframe.cli.parser import make_parser
from dlframe.utils import load, load_checkpoint

# what a schedule or regularizer needs, where there is no default
SCHEDULES = {
    "cyclic": "base_lr=0.01 max_lr=0.1 cycle_momentum=false",
    "exponential": "gamma=0.5",
    "multi_step": "milestones=1,3",
    "restarts": "T_0=2",
    "swa": "swa_lr=0.01",
}
REGULARIZERS = {
    **dict.fromkeys(["l1", "l2", "elastic", "weight_decay"], "strength=0.01"),
    "bounds": "low=-1 high=none",
    "max_norm": "max_norm=2 only=0.weight,2.weight",
    "clip_grad_norm": "max_norm=1",
    "clip_grad_value": "clip_value=0.1",
}
RUN = "train --data moons --epochs 2 --batch-size 100 --hidden 4 --no-pictures --quiet --limit 200"


def problem() -> tuple[nn.Module, optim.Optimizer]:
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2))
    return model, optim.SGD(model.parameters(), lr=0.1)


def test_there_is_a_name_for_every_class() -> None:
    kinds = {name for name in optim.lr_scheduler.__all__ if name not in choices._NOT_PLAIN}
    assert set(choices.SCHEDULES.values()) == kinds | {"none", "SWALR"}
    assert {"L1", "LabelSmoothing", "SAM", "WeightDecay"} <= set(choices.REGULARIZERS.values())


@pytest.mark.parametrize("interval", ["", "interval=epoch", "interval=batch"])
@pytest.mark.parametrize("name", choices.SCHEDULES)
def test_every_schedule_lasts_a_run(name: str, interval: str) -> None:
    if name in ("none", "plateau") and interval:
        return
    words = f"{name} {SCHEDULES.get(name, '')} {interval}".split()
    _, optimizer = problem()
    named = choices.scheduler(words)
    assert json.loads(json.dumps(named)) == named
    schedule, when = choices.make_scheduler(named, optimizer, epochs=5, batches=3)
    if name == "none":
        assert schedule is None
        return
    assert type(schedule).__name__ == named["name"]
    assert when in interval if interval else when in ("epoch", "batch")
    rates = []
    for _ in range(15 if when == "batch" else 5):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step(*((1.0,) if name == "plateau" else ()))
    assert len(set(rates)) > 1 or name in ("constant", "plateau")


@pytest.mark.parametrize(
    ("words", "rates"),
    [
        ("cosine", [0.1, 0.075, 0.025]),
        ("cosine eta_min=0.05", [0.1, 0.0875, 0.0625]),
        ("CosineAnnealingLR T_max=2", [0.1, 0.05, 0.0]),
        ("linear", [0.1, 0.1 * 7 / 9, 0.1 * 5 / 9]),
        ("step gamma=0.5", [0.1, 0.05, 0.025]),
        ("step_lr step_size=2 gamma=0.5", [0.1, 0.1, 0.05]),
        ("multi-step milestones=1 gamma=0.5", [0.1, 0.05, 0.05]),
    ],
)
def test_the_rates_of_some(words: str, rates: list[float]) -> None:
    _, optimizer = problem()
    schedule, _ = choices.make_scheduler(choices.scheduler(words.split()), optimizer, 3, 1)
    assert [rate for (rate,) in schedule.course(3)] == pytest.approx(rates)


@pytest.mark.parametrize("name", choices.REGULARIZERS)
def test_every_regularizer_is_made(name: str) -> None:
    model, optimizer = problem()
    named = choices.regularizer(f"{name} {REGULARIZERS.get(name, '')}".split())
    found, used = choices.make_regularizers([named], model, nn.CrossEntropyLoss(), optimizer)
    assert (found == []) == (name == "sam") == (used is not optimizer)
    assert type((*found, used)[0]).__name__ == named["name"]
    trainer = dl.Trainer(model, nn.CrossEntropyLoss(), used, regularizers=found)
    data = (dl.randn(8, 2), dl.arange(8) % 2)
    assert trainer.fit(data, epochs=1, progress=False)["loss"][0] > 0


def test_a_run_with_all_of_it_resumes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (
        "--scheduler step gamma=0.5 step_size=2 interval=batch --optimizer adam betas=0.8,0.95 "
        "amsgrad=true "
        "--regularizer l1 strength=1e-3 only=*.weight --regularizer label_smoothing "
        "--regularizer sam rho=0.02"
    )
    options = shlex.split(text)
    run = [*RUN.split(), *options]
    assert main([*run, "--epochs", "3", "--out", str(tmp_path / "a")]) == 0
    assert main([*run, "--out", str(tmp_path / "b")]) == 0
    again = ["train", "--resume", "--epochs", "3", "--no-pictures", "--out", str(tmp_path / "b")]
    capsys.readouterr()
    assert main([*again, *options, "--quiet"]) == 0
    printed = capsys.readouterr().out
    assert "Adam (lr 0.02, betas [0.8, 0.95], amsgrad True), L1 strength=0.001" in printed
    assert "schedule StepLR gamma=0.5 step_size=2 interval=batch," in printed
    ours, others = (load(tmp_path / f / "checkpoints" / "last.h5")["model"] for f in "ab")
    assert all((value == others[key]).all() for key, value in ours.items())
    records = (tmp_path / "a" / "metrics.jsonl").read_text().splitlines()
    assert {"l1", "label_smoothing", "sharpness"} <= json.loads(records[-1]).keys()
    for other, message in {
        "--scheduler step gamma=0.25": "has StepLR gamma=0.5 step_size=2 interval=batch; leave",
        "--regularizer l1 strength=1": "has L1 strength=0.001 only=*.weight, LabelSmoothing, SAM",
        "--optimizer adam betas=0.8,0.9": r"--betas [0.8, 0.9] contradicts the run, which has [0.8",
        "--optimizer sgd": "--optimizer SGD contradicts the run, which has Adam",
    }.items():
        assert main([*again, *other.split()]) == 2
        assert message in capsys.readouterr().err


def test_a_description_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    assert main([*RUN.split(), "--scheduler", "linear", "--out", str(tmp_path)]) == 0
    path = tmp_path / "checkpoints" / "last.h5"
    content = load_checkpoint(path)
    new = content["extra"]["config"]
    assert new["scheduler"] == {"name": "LinearLR", "arguments": {}}
    old = {name: value for name, value in new.items() if name != "regularizers"}
    old["scheduler"] = "linear"
    assert description_in({"extra": {"config": old}}, path) == new


def parsed(line: str) -> Any:
    return config.from_options(make_parser().parse_args(f"train --data moons {line}".split()))


def test_recipes_give_way_to_options() -> None:
    assert parsed("")["scheduler"] == {"name": "CosineAnnealingLR", "arguments": {}}
    assert parsed("--scheduler none")["scheduler"] == {"name": "none", "arguments": {}}
    assert parsed("--optimizer sgd nesterov=true lr=0.5 momentum=0.9")["optimizer"] == {
        "name": "SGD",
        "arguments": {"lr": 0.5, "nesterov": True, "momentum": 0.9},
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--scheduler stp", "there is no 'stp'. Did you mean 'step'? Known: none, constant, cos"),
        ("--scheduler step gama=3", "StepLR has no 'gama'. Did you mean 'gamma'? It has step_size"),
        ("--scheduler step gamma", "expected KEY=VALUE, such as gamma=0.5; got 'gamma'"),
        ("--scheduler step gamma=1 gamma=2", "--scheduler: gamma is given twice"),
        ("--scheduler none gamma=1", "none has no options"),
        ("--scheduler step optimizer=1", "StepLR has no 'optimizer'"),
        ("--regularizer l3", "there is no 'l3'. Known: "),
        ("--regularizer labelsmoothng", "Did you mean 'label_smoothing'"),
        ("--regularizer l1 model=3", "L1 has no 'model'. It has strength, only, skip, name"),
        ("--optimizer sgd nesterof=1", "SGD has no 'nesterof'. Did you mean 'nesterov'?"),
        ("--optimizer sgd lr=1 --lr 2", "--optimizer: lr is given twice, also by an option"),
        (
            "--activation leaky_relu negative_slope=a",
            "LeakyReLU does not work with negative_slope=a (TypeError",
        ),
        ("--init constant", "--init: constant needs val=…"),
        ("--optimizer scipy", "SciPy has no learning rate, and takes no batches"),
    ],
)
def test_wrong_words(line: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parsed(line)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("cyclic", "CyclicLR needs base_lr=…, max_lr=…"),
        ("cosine T_max=0", "CosineAnnealingLR does not work with T_max=0 (ZeroDivisionError"),
        ("step gamma=x", "StepLR does not work with gamma=x (TypeError"),
        ("step interval=week", "interval is epoch or batch; got week"),
        ("plateau interval=batch", "plateau watches a value that is known once per epoch"),
        ("plateau mode=max", "plateau watches val_loss, which falls; leave out mode=max"),
    ],
)
def test_schedules_that_cannot_be_made(words: str, message: str) -> None:
    _, optimizer = problem()
    named = choices.scheduler(words.split())
    with pytest.raises(UsageError) as caught:
        choices.make_scheduler(named, optimizer, 3, 2)
    assert message in str(caught.value)
