"""Training on data of one's own: CSV files, .npz files, folders of images, data sets of plugins."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dlframe import data, plugins
from dlframe.cli import main
from dlframe.cli.description import description_in
from dlframe.cli.sources import digest
from dlframe.errors import FileFormatError
from dlframe.utils import load_checkpoint

Captured = pytest.CaptureFixture[str]
QUICK = ["--epochs", "2", "--no-pictures", "--quiet"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> Path:
    """A folder with data of every kind, and the present one."""
    monkeypatch.chdir(tmp_path)
    kinds = ["rose", "iris", "lily"]
    rows = [
        f"{rng.normal(4 * k, 0.3):.3f},{'' if i % 9 == 0 else f'{rng.normal(-k):.3f}'},"
        f"{rng.choice(['red', 'blue'])},{i},{kinds[k]}"
        for i, k in enumerate(np.arange(90) % 3)
    ]
    Path("flowers.csv").write_text("\n".join(["length,width,colour,number,kind", *rows]))
    area = rng.uniform(20, 150, 120)
    lines = [f"{a:.2f};{3 * a + rng.normal():.2f}" for a in area]
    Path("prices.csv").write_text("\n".join(["area;price", *lines]))
    x = rng.normal(size=(90, 5))
    np.savez("rows.npz", x=x, y=(x[:, 0] > 0) * 7)
    np.savez("numbers.npz", x=x, y=x @ np.arange(5))
    pixels = rng.integers(0, 100, (60, 9, 9), dtype=np.uint8)
    pixels[::2] += 120
    labels = np.array(["light", "dark"] * 30)
    np.savez("images.npz", x_train=pixels[:40], y_train=labels[:40], x_test=pixels[40:],
             y_test=labels[40:])  # fmt: skip
    for i, (image, label) in enumerate(zip(pixels, labels, strict=True)):
        Path("pictures", label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(f"pictures/{label}/{i}.png")
    return tmp_path


def last_line(text: str, begin: str) -> str:
    (found,) = [line for line in text.splitlines() if line.startswith(begin)]
    return found


@pytest.mark.parametrize(
    ("source", "more", "model", "report"),
    [
        ("flowers.csv", ["--ignore", "number"], "mlp", "test accuracy"),
        ("flowers.csv", ["--target", "colour", "--model", "linear"], "linear", "test accuracy"),
        ("prices.csv", ["--optimizer", "sgd"], "mlp", "mean absolute error"),
        ("rows.npz", [], "mlp", "test accuracy"),
        (
            "numbers.npz",
            ["--loss", "huber", "delta=0.5", "--metric", "rmse"],
            "mlp",
            "mean absolute error",
        ),
        ("images.npz", ["--augment"], "cnn", "test accuracy"),
        ("pictures", ["--size", "8"], "cnn", "test accuracy"),
    ],
)
def test_a_run_is_repeated_resumed_and_measured(
    here: Path, capsys: Captured, source: str, more: list[str], model: str, report: str
) -> None:
    train = ["train", "--data", source, *more, *QUICK]
    name = f"{Path(source).stem}-{model}"
    assert main(train) == 0
    first = capsys.readouterr().out
    assert main([*train, "--out", "again"]) == 0
    assert last_line(first, report) == last_line(capsys.readouterr().out, report)
    assert main(["evaluate", f"runs/{name}"]) == 0
    assert last_line(capsys.readouterr().out, report) == last_line(first, report)
    resume = ["train", "--resume", "--no-pictures", "--out"]
    assert main([*resume, f"runs/{name}", "--data", source]) == 0
    assert last_line(capsys.readouterr().out, report) == last_line(first, report)
    assert main([*resume, f"runs/{name}", "--seed", "5"]) == 2
    config = json.loads(Path("runs", name, "config.json").read_text())
    path = Path("runs", name, "checkpoints", "last.h5")
    assert description_in(load_checkpoint(path), path) == config


@pytest.mark.slow
def test_pictures_of_every_kind(here: Path, capsys: Captured) -> None:
    for source, drawn in {
        "flowers.csv": {"curves", "confusion"},
        "prices.csv": {"curves"},
        "pictures": {"curves", "confusion", "samples", "mistakes"},
    }.items():
        assert main(["train", "--data", source, "--epochs", "2", "--quiet", "--out", "run",
                     "--overwrite"]) == 0  # fmt: skip
        assert {path.stem for path in Path("run").glob("*.png")} == drawn


@pytest.mark.slow
def test_what_is_learned_is_used_for_new_rows(here: Path, capsys: Captured) -> None:
    assert main(["train", "--data", "flowers.csv", "--ignore", "number", "--epochs", "30",
                 "--no-pictures", "--quiet"]) == 0  # fmt: skip
    assert (
        main(["train", "--data", "prices.csv", "--epochs", "60", "--no-pictures", "--quiet"]) == 0
    )
    assert main(["train", "--data", "moons", *QUICK]) == 0
    capsys.readouterr()
    Path("new.csv").write_text("colour,width,length\nblue,0,0\ngreen,,8.1\nred,-1,4\n")
    assert main(["predict", "new.csv"]) == 0  # the newest run with these columns
    out = capsys.readouterr().out
    assert "runs/flowers-mlp/checkpoints/best.h5: mlp, trained on flowers.csv" in out
    assert "new.csv: kind of 3 rows" in out
    assert [line.split()[:2] for line in out.splitlines()[-3:]] == [
        ["1", "rose"], ["2", "lily"], ["3", "iris"],
    ]  # fmt: skip
    Path("areas.csv").write_text("area\n100\n50\n")
    assert main(["predict", "areas.csv"]) == 0
    numbers = [float(line.split()[1]) for line in capsys.readouterr().out.splitlines()[-2:]]
    assert numbers == pytest.approx([300, 150], rel=0.1)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("predict pictures/dark/1.png", "no run in runs/ (there is 1) was trained on images"),
        ("predict x.png --checkpoint runs/flowers-mlp", "on a table (flowers.csv), not on images"),
        ("predict areas.csv", "was trained on a table with the columns of areas.csv"),
        ("predict areas.csv x.png", "give either images or tables"),
        ("predict areas.csv --checkpoint runs/flowers-mlp", "the rows have no column 'length'"),
        ("predict nowhere.csv --checkpoint runs/flowers-mlp", "No such file"),
        ("predict empty.csv --checkpoint runs/flowers-mlp", "empty.csv is empty"),
    ],
)
def test_what_cannot_be_predicted(here: Path, capsys: Captured, line: str, message: str) -> None:
    assert main(["train", "--data", "flowers.csv", *QUICK]) == 0
    capsys.readouterr()
    Path("areas.csv").write_text("area\n100\n50\n")
    Path("empty.csv").write_text("")
    assert main(line.split()) in (1, 2)
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("source", ["flowers.csv", "images.npz", "pictures"])
def test_data_that_have_changed_are_not_used(here: Path, capsys: Captured, source: str) -> None:
    assert main(["train", "--data", source, *QUICK, "--out", "run"]) == 0
    if source == "pictures":
        Path("pictures/dark/new.png").write_bytes(b"")
    else:
        Path(source).write_bytes(Path(source).read_bytes() + b"\n")
    capsys.readouterr()
    for line in (["evaluate", "run"], ["train", "--resume", "--out", "run", "--epochs", "3"]):
        assert main(line) == 1
        assert "has changed since the run began" in capsys.readouterr().err
    shutil.rmtree(source) if Path(source).is_dir() else Path(source).unlink()
    assert main(["evaluate", "run"]) == 1
    assert "is not there any more" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("flowers.csv --target kinds", "target: there is no column 'kinds'. Did you mean 'kind'?"),
        ("flowers.csv --target 9", "there is no column '9'. There are 5: length, width"),
        ("flowers.csv --ignore x", "ignore: there is no column 'x'"),
        ("flowers.csv --task numbers", "'kind' should be a number, and has texts"),
        ("flowers.csv --size 8", "--size has no meaning for a table"),
        ("flowers.csv --model cnn", "cnn needs images, and flowers.csv has samples of"),
        ("flowers.csv --loss crossentropy weight=3", "--loss: CrossEntropyLoss"),
        ("prices.csv --loss crossentropy", "'crossentropy' fits no run of the command line"),
        ("prices.csv --metric f1", "--metric: F1: "),
        ("rows.npz --target 1", "--target has no meaning for an .npz file"),
        ("pictures a=1", "KEY=VALUE has no meaning for a folder of images"),
        ("commas.csv", "column 'x' has numbers with commas, such as 1,5"),
        ("each.csv --target x --task classes", "9 rows of 9 classes are too few"),
        ("few.csv", "4 rows are too few: 8 or more are needed"),
        ("one.csv", "has one class only: a"),
        ("empty.csv", "empty.csv is empty"),
        ("broken.npz", "cannot be read as an .npz file"),
        ("nothing", "Couldn't find any class folder in"),
        ("hollow", "Found no valid file for 9 of the 10 classes"),
        ("torn", "torn/a/0.png is damaged, or no image"),
        ("loop", "is a link to a folder that it lies in"),
    ],
)
def test_hostile_data(here: Path, capsys: Captured, line: str, message: str) -> None:
    Path("commas.csv").write_text("x;y\n" + "1,5;a\n2,5;b\n" * 9)
    Path("each.csv").write_text("x,y\n" + "".join(f"{i},{i}\n" for i in range(9)))
    Path("few.csv").write_text("x,y\n" + "1,a\n2,b\n" * 2)
    Path("one.csv").write_text("x,y\n" + "1,a\n2,a\n" * 9)
    Path("empty.csv").write_text("")
    Path("broken.npz").write_bytes(b"PK")
    Path("nothing").mkdir()
    for i in range(10):
        Path("hollow", f"class{i}").mkdir(parents=True)
    Image.new("L", (9, 9)).save("hollow/class3/a.png")
    for name in ("torn", "loop"):
        for label in "ab":
            Path(name, label).mkdir(parents=True)
            for i in range(5):
                Image.new("L", (9, 9)).save(Path(name, label, f"{i}.png"))
    Path("torn/a/0.png").write_bytes(b"\x89PNG")
    Path("loop/b/back").symlink_to(Path("loop").resolve())
    code = main(["train", "--data", *line.split(), *QUICK, "--out", "run"])
    err = capsys.readouterr().err
    assert code in (1, 2)
    assert message in err
    assert err.count("\n") == 1, err
    assert "ignore=" not in err
    assert not Path("run").exists()


@pytest.mark.parametrize("out", ["rows.npz", "rows.npz/run"])
def test_a_folder_that_is_a_file(here: Path, capsys: Captured, out: str) -> None:
    before = sorted(here.rglob("*"))
    assert main(["train", "--data", "rows.npz", *QUICK, "--out", out]) == 2
    assert "rows.npz is no folder: name another one with --out" in capsys.readouterr().err
    assert main(["train", "--data", "rows.npz", *QUICK, "--out", out, "--overwrite"]) == 2
    assert sorted(here.rglob("*")) == before


class Rings(data.Dataset[Any]):
    """A data set of a program's own, of points on two rings."""

    classes = ("inner", "outer")

    def __init__(self, train: bool = True, noise: float = 0.1) -> None:
        rng = np.random.default_rng(int(train))
        self.y = np.arange(80 if train else 40) % 2
        angle = rng.uniform(0, 7, len(self.y))
        radius = 1 + self.y + rng.normal(0, noise, len(self.y))
        self.x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self.x[index].astype(np.float32), int(self.y[index])


@pytest.fixture
def registered() -> Any:
    plugins.register("datasets", "Rings")(Rings)
    plugins.register("datasets", "Seven")(lambda: 7)
    yield
    plugins.unregister("datasets", "Rings")
    plugins.unregister("datasets", "Seven")


@pytest.mark.usefixtures("registered")
def test_a_data_set_by_name(here: Path, capsys: Captured) -> None:
    line = ["train", "--data", "rings", "noise=0.05", "--epochs", "20", "--no-pictures", "--quiet"]
    assert main([*line, "--out", "run"]) == 0
    out = capsys.readouterr().out
    assert "rings: 72 samples to train on, 8 to validate, 40 to test at the end" in out
    assert "inner" in out
    assert "samples to train on (" in out
    assert main(["evaluate", "run"]) == 0
    assert last_line(capsys.readouterr().out, "test accuracy") == last_line(out, "test accuracy")
    for words, message in {
        "rings nois=1": "has no 'nois'. Did you mean 'noise'?",
        "rings noise=x": "cannot be made with",
        "seven": "does not give pairs of an array and a target",
        "ring": "Did you mean 'Rings'",
    }.items():
        assert main(["train", "--data", *words.split(), *QUICK]) in (1, 2)
        err = capsys.readouterr().err
        assert message in err
        assert err.count("\n") == 1


@pytest.mark.parametrize(
    "change",
    [
        {"form": "other"}, {"shape": [3, 3]}, {"shape": [10**9]}, {"classes": ["a"]},
        {"classes": ["a", "a", "b"]}, {"classes": 3}, {"encoder": {}}, {"encoder": None},
        {"digest": 3}, {"place": None}, {"unknown": 1}, {"shape": [1]}, {"header": "yes"},
    ],
)  # fmt: skip
def test_descriptions_of_anybody(here: Path, change: dict[str, Any]) -> None:
    assert main(["train", "--data", "flowers.csv", *QUICK, "--out", "run"]) == 0
    path = Path("run/checkpoints/last.h5")
    content = load_checkpoint(path)
    config = content["extra"]["config"]
    config["source"] = config["source"] | change
    with pytest.raises(FileFormatError) as caught:
        description_in(content, path)
    assert str(caught.value).isprintable()


def test_a_folder_with_one_class(here: Path, capsys: Captured) -> None:
    shutil.move("pictures/light", "elsewhere")
    assert main(["train", "--data", "pictures", "--size", "8", *QUICK]) == 2
    message = capsys.readouterr().err
    assert "--data pictures: there is one folder of a class only (dark); to tell" in message


def test_files_left_behind_do_not_change_what_a_run_was_trained_on(tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.png").write_bytes(b"1")
    before = digest(str(tmp_path))
    for name in (".DS_Store", "cat/.ipynb_checkpoints/a.png", "__MACOSX/cat/a.png"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"2")
    assert digest(str(tmp_path)) == before
    (tmp_path / "cat" / "b.png").write_bytes(b"1")
    assert digest(str(tmp_path)) != before
