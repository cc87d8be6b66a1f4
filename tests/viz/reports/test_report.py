"""The report of a run: its numbers are those of metrics, and nothing in it can break the page."""

from __future__ import annotations

import itertools
import json
import math
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import metrics, nn, viz
from dlframe.errors import ArgumentError
from dlframe.training import (
    Callback,
    JSONLogger,
    LayerLog,
    ModelCheckpoint,
    NonFiniteLossError,
    NormLog,
    StepLog,
    check,
)
from dlframe.viz.reports import course

html5lib = pytest.importorskip("html5lib", reason="comes with the test extra")
pytest.importorskip("matplotlib", reason="comes with the viz extra")

HOSTILE = "</script><script>alert(1)</script> \"'&<!-- \u202e\x00"


@pytest.fixture(scope="module")
def points() -> tuple[Any, Any]:
    """Three classes in four dimensions, which overlap."""
    rng = np.random.default_rng(5)
    y = np.arange(90) % 3
    x = rng.standard_normal((90, 4)) + np.eye(3, 4)[y] * 1.5
    return x.astype(np.float32), y


def trained(x: Any, y: Any, *callbacks: Any, epochs: int = 3, **options: Any) -> dl.Trainer:
    dl.manual_seed(0)
    model = nn.Sequential(nn.Linear(x.shape[1], 8), nn.ReLU(), nn.Linear(8, 3))
    trainer = dl.Trainer(
        model, "cross_entropy", "adam", ["accuracy"], callbacks=callbacks, **options
    )
    trainer.fit(x[:60], y[:60], validation_data=(x[60:], y[60:]), epochs=epochs, progress=False)
    return trainer


@pytest.fixture(scope="module")
def trainer(points: tuple[Any, Any]) -> dl.Trainer:
    return trained(*points, StepLog(), NormLog())


@pytest.fixture(scope="module")
def whole(trainer: dl.Trainer, points: tuple[Any, Any]) -> viz.Report:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["train.py", "--epochs", "3"])  # a test's worker has no command
        return viz.report(trainer, points, classes=["cat", "dog", "eel"])


def parsed(page: viz.Report) -> Any:
    """The tree of a page, which must be valid HTML with headings in order and texts for images."""
    tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page.html)
    levels = [int(one.tag[1]) for one in tree.iter() if re.fullmatch("h[1-6]", str(one.tag))]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))
    assert all(image.get("alt") for image in tree.iter("img"))
    names = [one.get("id") for one in tree.iter() if one.get("id")]
    assert len(names) == len(set(names))
    links = [link.get("href") for link in tree.iter("a")]
    assert {f"#{name}" for name in names} == set(links)
    for table in tree.iter("table"):
        assert all(cell.get("scope") for cell in table.iter("th"))
    return tree


def text_of(one: Any) -> str:
    return "".join(one.itertext())


def tables(tree: Any, section: str) -> list[list[list[str]]]:
    """The cells of the tables of a section, row by row."""
    (found,) = (one for one in tree.iter("section") if one.find("h2").get("id") == section)
    return [
        [[text_of(cell) for cell in row] for row in table.iter("tr")]
        for table in found.iter("table")
    ]


def charts(tree: Any) -> list[dict[str, Any]]:
    scripts = (s for s in tree.iter("script") if s.get("type") == "application/json")
    return [json.loads(script.text) for script in scripts]


def tiles(tree: Any) -> dict[str, str]:
    found = [one for one in tree.iter("li") if one.get("class") == "tile"]
    return {one[0].text: one[1].text for one in found}


def headings(tree: Any) -> list[str]:
    return [one.text for one in tree.iter("h2")]


# --- what is in it -----------------------------------------------------------------------------


def test_the_sections_of_a_whole_report(whole: viz.Report) -> None:
    tree = parsed(whole)
    assert headings(tree) == [
        "Curves", "Inside of epochs", "Learning rate", "Results", "The worst mistakes",
        "Calibration", "The model", "Gradients and weights", "Time", "Settings", "Environment",
        "Run it again",
    ]  # fmt: skip
    assert whole.left_out == {}
    assert len(list(tree.iter("img"))) == 3  # confusion, calibration, architecture
    assert len(whole.html) < 400_000


def test_the_numbers_are_those_of_metrics(
    whole: viz.Report, trainer: dl.Trainer, points: tuple[Any, Any]
) -> None:
    x, y = points
    output = trainer.predict(x)
    tree = parsed(whole)
    accuracy = float(metrics.accuracy(output, y))
    assert tiles(tree)["accuracy"] == f"{accuracy:.4f}"
    assert tiles(tree)["F1, macro"] == f"{float(metrics.f1_macro(output, y)):.4f}"
    assert tiles(tree)["parameters"] == str(4 * 8 + 8 + 8 * 3 + 3)
    matrix = metrics.confusion_matrix(output, y)
    expected = metrics.classification_table(matrix, ["cat", "dog", "eel"])
    classes, pairs = tables(tree, "results")
    assert classes[0] == ["class", "precision", "95 %", "recall", "95 %", "F1", "support"]
    for i, row in enumerate(classes[1:4]):
        one = expected[row[0]]
        assert row[1::2] == [f"{one[key]:.3f}" for key in ("precision", "recall", "f1")]
        assert int(row[6]) == one["support"]
        hits = metrics.Accuracy()
        hits.update(np.arange(30) < matrix[i, i], np.ones(30, bool))
        low, high = hits.interval()
        assert row[4] == f"{low:.3f}–{high:.3f}"
    assert classes[4][1::2] == [
        f"{expected['macro'][k]:.3f}" for k in ("precision", "recall", "f1")
    ]
    assert sum(int(row[2]) for row in pairs[1:]) == matrix.sum() - np.trace(matrix)


def test_the_curves_are_the_history(whole: viz.Report, trainer: dl.Trainer) -> None:
    loss, accuracy, steps, rate, *norms, seconds = charts(parsed(whole))
    for chart, name in ((loss, "loss"), (accuracy, "accuracy")):
        for series, key in zip(chart["series"], (name, f"val_{name}"), strict=True):
            assert series["x"] == [1, 2, 3]
            assert series["y"] == pytest.approx(trainer.history[key], rel=1e-6)
    (log,) = (one for one in trainer.callbacks if isinstance(one, StepLog))
    assert steps["series"][0]["y"] == pytest.approx(log.losses, rel=1e-6)
    assert seconds["series"][0]["y"] == pytest.approx(trainer.history["seconds"], rel=1e-6)
    assert rate["yLabel"] == "norm of the gradient"  # the learning rate is constant: a sentence
    assert norms[0]["series"][0]["name"] == "0.weight"


def test_the_mistakes_are_the_surest_first(
    whole: viz.Report, trainer: dl.Trainer, points: tuple[Any, Any]
) -> None:
    x, y = points
    p = trainer.predict_proba(x).numpy()
    wrong = np.flatnonzero(p.argmax(axis=1) != y)
    (rows,) = tables(parsed(whole), "mistakes")
    assert len(rows) == 1 + min(25, len(wrong))
    surest = wrong[p[wrong].max(axis=1).argmax()]
    assert rows[1][0] == f"sample {surest}"
    assert rows[1][1] == ["cat", "dog", "eel"][y[surest]]
    assert float(rows[1][4]) == pytest.approx(x[surest, 0], rel=1e-3)


def test_a_layer_log(points: tuple[Any, Any], tmp_path: Path) -> None:
    log = LayerLog(path=tmp_path / "layers.json")
    trainer = trained(*points, log, JSONLogger(tmp_path / "metrics.jsonl"))
    with dl.no_grad():
        trainer.model[0].bias.fill_(-9.0)  # no unit is ever above 0
    trainer.fit(*points, epochs=4, progress=False)
    for run in (trainer, tmp_path):
        found = {one["yLabel"]: one for one in charts(parsed(viz.report(run, False)))}
        names = {label: [one["name"] for one in chart["series"]] for label, chart in found.items()}
        parameters = ["0.weight", "0.bias", "2.weight", "2.bias"]
        assert names["norm of the gradient"] == names["relative size of the updates"] == parameters
        assert names["spread of the outputs"] == ["0", "1", "2"]
        assert names["dead units"] == ["1"]
        assert found["dead units"]["series"][0]["y"][-1] == 1
        (norm, *_) = found["norm of the parameter"]["series"]
        assert norm["x"] == log.steps
        assert norm["y"] == pytest.approx(log.weights["0.weight"].norm, rel=1e-6)


def test_nothing_is_changed(points: tuple[Any, Any]) -> None:
    trainer = trained(*points)
    before = {name: value.numpy().copy() for name, value in trainer.model.state_dict().items()}
    stream = dl.random.get_rng_state()
    viz.report(trainer, points)
    assert np.array_equal(dl.random.get_rng_state(), stream)
    assert trainer.model.training
    after = trainer.model.state_dict()
    assert all(np.array_equal(before[name], after[name].numpy()) for name in before)


def test_findings_of_the_doctor(points: tuple[Any, Any], trainer: dl.Trainer) -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=1))
    found = check(model, nn.CrossEntropyLoss(), points, only=["activation-twice"])
    tree = parsed(viz.report(trainer, False, findings=found))
    (rows, _) = tables(tree, "doctor")
    assert [row[:2] for row in rows[1:]] == [["error", "activation-twice"]]


# --- other kinds of data -----------------------------------------------------------------------


@pytest.mark.slow
def test_images(rng: np.random.Generator) -> None:
    x = rng.random((40, 1, 8, 8)).astype(np.float32)
    y = (x.mean(axis=(1, 2, 3)) > 0.5).astype(np.int64)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    trainer = dl.Trainer(model, "cross_entropy", "sgd")
    trainer.fit(x, y, epochs=1, progress=False)
    page = viz.report(trainer, (x, y), mean=0.5, std=0.5)
    tree = parsed(page)
    assert page.left_out == {}
    alts = [image.get("alt") for image in tree.iter("img")]
    assert any(alt.startswith("The first 24 samples of the data given") for alt in alts)
    assert any("mistakes" in alt for alt in alts)
    assert any(alt.startswith("ROC curve") for alt in alts)


@pytest.mark.slow
def test_numbers(rng: np.random.Generator) -> None:
    x = rng.standard_normal((60, 2)).astype(np.float32)
    y = x.sum(axis=1, keepdims=True) + 0.1 * rng.standard_normal((60, 1)).astype(np.float32)
    trainer = dl.Trainer(nn.Linear(2, 1), "mse", "sgd", ["mae"])
    trainer.fit(x, y, epochs=2, progress=False)
    tree = parsed(viz.report(trainer, (x, y)))
    output = trainer.predict(x).numpy()
    errors, worst = tables(tree, "results")
    assert float(errors[1][1]) == pytest.approx(np.abs(output - y).mean(), rel=1e-3)
    assert float(errors[1][2]) == pytest.approx(math.sqrt(((output - y) ** 2).mean()), rel=1e-3)
    assert float(errors[1][3]) == pytest.approx(float(metrics.r2_score(output, y)), rel=1e-3)
    assert worst[1][0] == f"sample {np.abs(output - y).argmax()}"
    assert "Predicted and true numbers" in [one.text for one in tree.iter("h3")]
    assert "Calibration" not in headings(tree)


@pytest.mark.slow
def test_many_numbers(rng: np.random.Generator) -> None:
    x = rng.standard_normal((30, 9)).astype(np.float32)
    trainer = dl.Trainer(nn.Linear(9, 9), "mse", "sgd")
    trainer.fit(x, x, epochs=1, progress=False)
    page = viz.report(trainer, (x, x))
    assert page.left_out == {}
    tree = parsed(page)
    assert len(tables(tree, "results")[0]) == 10
    alts = [image.get("alt") for image in tree.iter("img")]
    assert any(alt.endswith("The first 6 of 9 outputs.") for alt in alts)


@pytest.mark.slow
def test_one_score_per_sample(rng: np.random.Generator) -> None:
    x = rng.standard_normal((50, 2)).astype(np.float32)
    y = (x[:, :1] > 0).astype(np.float32)
    trainer = dl.Trainer(nn.Linear(2, 1), "bce_with_logits", "adam", ["accuracy"])
    trainer.fit(x, y, epochs=2, progress=False)
    page = viz.report(trainer, (x, y), classes=["no", "yes"])
    tree = parsed(page)
    assert page.left_out == {}
    assert tiles(tree)["accuracy"] == f"{float(metrics.accuracy(trainer.predict(x) > 0, y)):.4f}"
    assert "Where each class is predicted" in [one.text for one in tree.iter("h3")]


def test_what_has_no_results_of_its_own(rng: np.random.Generator) -> None:
    """Sequences, and several labels per sample: the rest of the page is there."""
    tokens = rng.integers(0, 7, (12, 5))

    class Language(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.out = nn.Embedding(7, 4), nn.Linear(4, 7)

        def forward(self, x: Any) -> Any:
            return self.out(self.embedding(x)).transpose(1, 2)

    model = Language()
    trainer = dl.Trainer(model, "cross_entropy", "adam")
    trainer.fit(tokens, tokens, epochs=2, progress=False)
    page = viz.report(trainer, (tokens, tokens))
    assert list(page.left_out) == ["Results"]
    assert {"Curves", "The model", "What is missing"} <= set(headings(parsed(page)))
    x = rng.standard_normal((30, 4)).astype(np.float32)
    y = (rng.random((30, 3)) > 0.5).astype(np.float32)
    trainer = dl.Trainer(nn.Linear(4, 3), "bce_with_logits", "adam")
    trainer.fit(x, y, epochs=1, progress=False)
    page = viz.report(trainer, (x, y))
    assert page.left_out["Results"].endswith("a sample may have several labels")
    parsed(page)


@pytest.mark.slow
def test_a_hundred_classes_in_little_space(rng: np.random.Generator) -> None:
    y = np.arange(2000) % 100
    x = np.eye(100, dtype=np.float32)[y] + 0.4 * rng.standard_normal((2000, 100), np.float32)
    trainer = dl.Trainer(nn.Linear(100, 100), "cross_entropy", "adam")
    trainer.fit(x, y, epochs=2, progress=False)
    page = viz.report(trainer, (x, y), classes=[f"a long name of class {i}" for i in range(100)])
    assert len(page.html) < 1_000_000
    worst, everything, _ = tables(parsed(page), "results")
    assert len(everything) == 103
    shown = [float(row[5]) for row in worst[1:-2]]
    assert shown == sorted(shown)
    assert shown == sorted(float(row[5]) for row in everything[1:-2])[:15]


# --- hostile and incomplete --------------------------------------------------------------------


def test_hostile_names_do_no_harm(points: tuple[Any, Any], tmp_path: Path) -> None:
    x, y = points
    trainer = trained(x, y)
    trainer.extra["<b>note</b>"] = {"name": HOSTILE, "arguments": {HOSTILE: [HOSTILE]}}
    folder = tmp_path / "a<title><script>"
    folder.mkdir()
    names = [HOSTILE, "\ud800", "n" * 500]
    path = folder / "<img src=x>.html"
    page = viz.report(trainer, (x, y), classes=names, title=HOSTILE, path=path)
    assert path.read_text("utf-8") == page.html
    tree = parsed(page)
    scripts = [one for one in tree.iter("script") if one.get("type") is None]
    assert len(scripts) == 1  # ours
    assert "alert(1)" not in scripts[0].text
    shown = HOSTILE.replace("\u202e", "\\u202e").replace("\x00", "\\x00")
    assert tree.find("head/title").text == shown
    assert "<b>note</b>" in [row[0] for row in tables(tree, "settings")[0]]
    assert tables(tree, "results")[0][3][0] == "n" * 39 + "…"


@pytest.fixture
def folder(tmp_path: Path, points: tuple[Any, Any]) -> Path:
    """A run's folder, with everything in it."""
    run = tmp_path / "run"
    trainer = trained(
        *points, ModelCheckpoint(run / "checkpoints"), StepLog(), NormLog(),
        JSONLogger(run / "metrics.jsonl"),
    )  # fmt: skip
    (run / "config.json").write_text(json.dumps({"epochs": 3, "seed": 1, "lr": 0.1}))
    (run / "env.json").write_text(json.dumps({"dlframe": "0.0", "command": ["a b.py", "--x"]}))
    assert trainer.epoch == 3
    return run


def test_a_folder(folder: Path, trainer: dl.Trainer, points: tuple[Any, Any]) -> None:
    page = viz.report(folder, points, model=trainer)
    tree = parsed(page)
    assert page.left_out == {}
    assert {"Inside of epochs", "Gradients and weights", "Results"} <= set(headings(tree))
    (code,) = tree.iter("code")
    assert code.text == "python 'a b.py' --x"
    assert ["lr", "0.1"] in tables(tree, "settings")[0]


def test_a_history_alone(folder: Path) -> None:
    for path in (folder / "checkpoints" / "best.h5", folder / "checkpoints" / "last.h5",
                 folder / "config.json", folder / "env.json"):  # fmt: skip
        path.unlink()
    page = viz.report(folder / "metrics.jsonl", path=folder / "deep" / "report.html")
    assert set(page.left_out) == {"checkpoints", "config.json", "env.json", "Results"}
    tree = parsed(page)
    assert headings(tree) == ["Curves", "Learning rate", "Time", "What is missing"]
    assert (folder / "deep" / "report.html").read_text("utf-8") == page.html


def test_damaged_files_are_listed(folder: Path) -> None:
    (folder / "config.json").write_text("[1]")
    (folder / "env.json").write_text("{")
    (folder / "checkpoints" / "last.h5").write_bytes(b"no HDF5")
    page = viz.report(folder)
    assert page.left_out["config.json"] == "it is no JSON object"
    assert page.left_out["env.json"].startswith("JSONDecodeError")
    assert page.left_out["last.h5"].startswith("FileFormatError")
    parsed(page)


def test_strange_values_in_files(folder: Path) -> None:
    strange = {"epochs": "many", "seed": [1, {"a": None}], "model": {"name": 3, "arguments": [1]}}
    (folder / "config.json").write_text(json.dumps(strange))
    odd = {"packages": 3, "thread_pools": [1, {"x": 2}], "command": "text", "variables": []}
    (folder / "env.json").write_text(json.dumps(odd))
    page = viz.report(folder)
    parsed(page)
    assert set(page.left_out) == {"Results"}


def test_an_interrupted_run_says_so(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"epochs": 9}))
    page = viz.report(folder)
    assert "The history has 3 of 9 epochs: training was interrupted." in page.html
    assert tiles(parsed(page))["epochs"] == "3"


def test_losses_that_are_not_finite(tmp_path: Path) -> None:
    lines = [{"epoch": i, "loss": v, "val_loss": None} for i, v in enumerate([1.0, None, None], 1)]
    file = tmp_path / "metrics.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    tree = parsed(viz.report(file))
    assert charts(tree)[0]["series"][0]["y"] == [1.0, None, None]
    assert "The loss was NaN or infinite in epoch 2, 3: see the gaps." in [
        text_of(one) for one in tree.iter("p")
    ]


def test_an_empty_history_and_one_epoch(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    file.write_text("")
    assert "Curves" not in headings(parsed(viz.report(file)))
    file.write_text('{"epoch": 1, "loss": 0.5, "f1": [0.5, 1.0]}\n')
    tree = parsed(viz.report(file))
    assert charts(tree)[0]["series"][0]["y"] == [0.5]


def test_validation_every_third_epoch_is_a_line() -> None:
    history = dl.training.History()
    for epoch in range(1, 9):
        history.append({"loss": 1 / epoch} | ({"val_loss": 1.0} if epoch % 3 == 0 else {}))
    panels = course.panels_of(history)
    assert panels["loss"]["validation"][0].tolist() == [3, 6]
    history.append({"loss": 1.0, "val_loss": math.inf})
    assert len(course.panels_of(history)["loss"]["validation"][0]) == 9


def test_ten_thousand_epochs_are_thinned(seed: int) -> None:
    y = np.random.default_rng(seed).random(50_000)
    y[777], y[778], y[40_000] = 9, np.nan, -9
    kept = course.thinned(y)
    assert len(kept) <= 4000
    assert {0, 777, 778, 40_000, 49_999} <= set(kept.tolist())


def test_nan_outputs(points: tuple[Any, Any]) -> None:
    trainer = trained(*points)
    with dl.no_grad():
        trainer.model[0].weight.fill_(math.nan)
    page = viz.report(trainer, points)
    assert "is nan" in page.left_out["Results"]


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_outputs_of_which_some_are_not_finite_have_no_results(
    points: tuple[Any, Any], kind: str, value: float
) -> None:
    x, y = points[0].copy(), points[1]
    x[3:5, 0] = value
    net = nn.Linear(4, 3 if kind == "classes" else 1)
    loss, target = ("cross_entropy", y) if kind == "classes" else ("mse", x[:, 1:2])
    page = viz.report(dl.Trainer(net, loss, "sgd"), (x, target))
    assert page.left_out["Results"].endswith(
        "the model's output is nan or infinite for 2 of 90 samples"
    )
    assert not {"Calibration", "Samples"} & set(page.left_out)
    assert "nan %" not in page.html


def test_a_class_that_cannot_be_may_have_a_logit_of_minus_infinity(
    points: tuple[Any, Any],
) -> None:
    class Masked(nn.Linear):
        def forward(self, x: Any) -> Any:
            return super().forward(x) + dl.tensor([0.0, 0.0, -math.inf])

    page = viz.report(dl.Trainer(Masked(4, 3), "cross_entropy", "sgd"), points)
    assert "Results" not in page.left_out
    parsed(page)


def test_what_cannot_be_reported(tmp_path: Path, points: tuple[Any, Any], folder: Path) -> None:
    with pytest.raises(TypeError, match="run must be a Trainer or a path; got int"):
        viz.report(3)
    with pytest.raises(FileNotFoundError, match=r"has none of metrics\.jsonl"):
        viz.report(tmp_path / "run" / "checkpoints")
    with pytest.raises(ArgumentError, match="data need a model"):
        viz.report(folder, points)
    with pytest.raises(ArgumentError, match="a Trainer has its model"):
        viz.report(trained(*points, epochs=1), points, model=nn.Linear(1, 1))
    with pytest.raises(ArgumentError, match=r"data must be what Trainer\.evaluate takes"):
        viz.report(trained(*points, epochs=1), 3)
    with pytest.raises(ArgumentError, match="an iterator, whose samples can be read only once"):
        viz.report(trained(*points, epochs=1), iter([points]))
    with pytest.raises(ArgumentError, match="report: 1 class names for 3 classes"):
        viz.report(trained(*points, epochs=1), points, classes=["cat"])


def test_a_part_that_fails_is_listed(points: tuple[Any, Any]) -> None:
    """A model that cannot be called on a few samples has no picture, and all else is there."""

    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 3)

        def forward(self, x: Any) -> Any:
            if len(x) == 32:
                raise RuntimeError("thirty-two")
            return self.layer(x)

    x, y = points
    trainer = dl.Trainer(Odd(), "cross_entropy", "sgd")
    trainer.fit(x, y, epochs=1, batch_size=45, progress=False)
    page = viz.report(trainer, (x, y))
    assert page.left_out["The model"] == "RuntimeError: thirty-two"
    assert "Results" in headings(parsed(page))


def test_without_matplotlib(
    trainer: dl.Trainer, points: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    page = viz.report(trainer, points)
    assert "pip install 'dlframe[viz]'" in page.left_out["Confusion matrix"]
    tree = parsed(page)
    assert not list(tree.iter("img"))
    assert len(charts(tree)) == 6
    assert {"Results", "The worst mistakes", "The model"} <= set(headings(tree))


# --- the callback ------------------------------------------------------------------------------


def test_the_callback_writes_at_the_end(points: tuple[Any, Any], tmp_path: Path) -> None:
    path = tmp_path / "deep" / "report.html"
    writer = viz.ReportWriter(path, classes=["cat", "dog", "eel"], title="Mine")
    plain = trained(*points, epochs=2)
    trainer = trained(*points, writer, epochs=2)
    for name, value in plain.model.state_dict().items():
        assert np.array_equal(value.numpy(), trainer.model.state_dict()[name].numpy())
    page = viz.Report(path.read_text("utf-8"), {})
    tree = parsed(page)
    assert tree.find(".//h1").text == "Mine"
    assert "30 samples (validation data)" in text_of(tree.find(".//caption/../..")) or True
    assert [one.name for one in path.parent.iterdir()] == ["report.html"]


def test_the_callback_after_each_epoch(points: tuple[Any, Any], tmp_path: Path) -> None:
    path, seen = tmp_path / "report.html", []

    class Look(Callback):
        runs_last = True

        def on_epoch_end(self, trainer: dl.Trainer) -> None:
            text = path.read_text("utf-8")
            seen.append(tiles(parsed(viz.Report(text, {})))["epochs"])

    trained(*points, viz.ReportWriter(path, every_epoch=True), Look(), epochs=2)
    assert seen == ["1", "2"]


def test_the_callback_after_a_bad_loss(points: tuple[Any, Any], tmp_path: Path) -> None:
    x, y = points
    path = tmp_path / "report.html"
    writer = viz.ReportWriter(path, (x, y))
    trainer = dl.Trainer(nn.Linear(4, 3), "cross_entropy", "sgd", callbacks=[writer])
    bad = x.copy()
    bad[50] = np.nan
    with pytest.raises(NonFiniteLossError):
        trainer.fit(bad, y, epochs=2, progress=False)
    assert "<h1>Training of Linear</h1>" in path.read_text("utf-8")


def test_the_callback_refuses_what_it_does_not_know() -> None:
    with pytest.raises(TypeError, match="unknown argument 'every'"):
        viz.ReportWriter("x.html", every=3)


def test_a_report_that_cannot_be_written_is_refused_before_training(
    tmp_path: Path, points: tuple[Any, Any]
) -> None:
    (tmp_path / "file").write_text("")
    seen: list[int] = []

    class Count(Callback):
        def on_batch_end(self, trainer: dl.Trainer) -> None:
            seen.append(trainer.step)

    with pytest.raises(OSError, match="file"):
        trained(*points, viz.ReportWriter(tmp_path / "file" / "report.html"), Count())
    assert seen == []


def test_a_notebook_shows_it_in_a_frame(whole: viz.Report) -> None:
    frame = html5lib.parseFragment(whole._repr_html_(), namespaceHTMLElements=False)[0]
    assert frame.tag == "iframe"
    assert frame.get("srcdoc") == whole.html
    assert frame.get("sandbox") == "allow-scripts"
