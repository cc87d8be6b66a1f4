"""The display of progress: on terminals of several widths, in files, and in notebooks."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.errors import ArgumentError
from dlframe.metrics import F1, Accuracy, Precision, Recall
from dlframe.training import ProgressBar, Trainer
from dlframe.training.callbacks.progress import (
    Layout,
    bar_format,
    fields_of,
    for_verbose,
    shows_unicode,
)

ROOT = Path(__file__).resolve().parent.parent.parent
WIDTHS = [40, 60, 80, 132]
NAMES = ["loss", "accuracy", "recall_macro", "precision_macro", "a_rather_long_name_for_a_metric"]


def logs(rng: np.random.Generator, names: list[str]) -> dict[str, float]:
    values = {name: float(10.0 ** rng.integers(-6, 7)) for name in names}
    values |= {f"val_{name}": value * 3 for name, value in values.items()}
    return {**values, "lr": 10.0 ** float(rng.uniform(-9, 1)), "seconds": 2345.6}


@pytest.mark.parametrize("count", range(1, len(NAMES) + 1))
@pytest.mark.parametrize("width", WIDTHS)
def test_results_fit_and_no_number_is_cut(rng: np.random.Generator, width: int, count: int) -> None:
    layout = Layout()
    for epoch in range(1, 30):
        record = logs(rng, NAMES[:count])
        lines = layout.lines(record, f"epoch {epoch:3}/100", width)
        assert max(map(len, lines)) <= width
        words = re.split(r"\s+", " ".join(lines))
        for _, number in fields_of(record):
            assert number.split()[0] in words


def test_results_of_training_stand_above_those_of_validation() -> None:
    record = {"loss": 0.33611, "accuracy": 0.8732, "val_loss": 0.4321, "val_accuracy": 0.5}
    record |= {"lr": 0.004948, "seconds": 2.5}
    layout = Layout()
    assert layout.lines(record, "epoch  3/15", 80) == [
        "epoch  3/15  loss 0.3361  accuracy 0.8732  lr 0.004948  2.5 s",
        "        val  loss 0.4321  accuracy 0.5000",
    ]
    assert layout.lines(record, "epoch  3/15", 40) == [
        "epoch  3/15  loss 0.3361",
        "             accuracy 0.8732",
        "             lr 0.004948  2.5 s",
        "        val  loss 0.4321",
        "             accuracy 0.5000",
    ]
    assert len(layout.lines(record, "epoch  3/15", 120)) == 1


def test_the_layout_does_not_jump_from_epoch_to_epoch() -> None:
    layout = Layout()
    long = layout.lines({"loss": 1.0, "val_loss": 1.0, "lr": 0.00123}, "epoch 1/2", 50)
    short = layout.lines({"loss": 1.0, "val_loss": 1.0, "lr": 0.1}, "epoch 1/2", 50)
    assert (len(long), len(short)) == (2, 2)


@pytest.mark.parametrize("width", [3, 10, 20, *WIDTHS])
@pytest.mark.parametrize("total", [None, 8, 187_500])
def test_a_bar_fits(width: int, total: int | None) -> None:
    fields = [(name, "0.1234") for name in NAMES]
    for done in (0, 7):
        text = bar_format("epoch  3/15", done, total, 3.0, fields, width)
        shown = re.sub(r"\{bar:(\d+)\}", lambda m: "#" * int(m[1]), text)
        assert len(shown) <= width
        assert all(number == "0.1234" for number in re.findall(r"\b0\.\d*", shown))
        assert "loss 0.1234" in shown or width < 40


def test_braces_in_a_name_are_no_format() -> None:
    text = bar_format("epoch 1/1", 1, 2, 1.0, [("{x}", "0.5000")], 80)
    assert text.format(bar="") == "epoch 1/1                        1/2  0:01 left  {x} 0.5000"


# --- on a terminal -----------------------------------------------------------------------------

PROGRAM = """
import time
import dlframe as dl
from dlframe import nn, optim
from dlframe.metrics import Accuracy, F1, Precision, Recall
from dlframe.training import Callback, Trainer

class Slow(Callback):
    def on_batch_end(self, trainer):
        time.sleep(0.12)
    def on_validation_batch_end(self, trainer):
        time.sleep(0.15)

model = nn.Linear(4, 3)
metrics = [Accuracy(), Precision("macro"), Recall("macro"), F1("macro")]
optimizer = optim.SGD(model.parameters(), 0.123456)
trainer = Trainer(model, nn.CrossEntropyLoss(), optimizer, metrics, [Slow()])
x, y = dl.randn(24, 4), dl.arange(24) % 3
trainer.fit((x, y), (x, y), epochs=2, batch_size=3, OPTIONS)
print("END")
"""


class Terminal:
    """A program on a pseudo-terminal, and what its screen has shown."""

    def __init__(self, code: str, width: int, folder: Path, **more: str) -> None:
        pyte = pytest.importorskip("pyte")
        fcntl = pytest.importorskip("fcntl", reason="Windows has no pseudo-terminals")
        import termios

        def resize(columns: int) -> None:
            fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 60, columns, 0, 0))

        master, slave = os.openpty()
        resize(width)
        self.screens: list[list[str]] = []
        self.raw = ""
        own = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "COLUMNS"))}
        own |= {"PYTHONPATH": str(ROOT), "TERM": "xterm", "LANG": "C.UTF-8"} | more
        script = folder / "program.py"
        script.write_text(code, "utf-8")
        process = subprocess.Popen(
            [sys.executable, str(script)], stdin=slave, stdout=slave, stderr=slave, env=own
        )
        os.close(slave)
        screen = pyte.Screen(width, 60)
        stream = pyte.ByteStream(screen)
        try:
            while True:
                try:
                    piece = os.read(master, 65536)
                except OSError:  # Linux: the program has ended
                    break
                if not piece:
                    break
                self.raw += piece.decode()
                stream.feed(piece)
                self.screens.append([line.rstrip() for line in screen.display])
                if "NARROWER" in piece.decode():
                    resize(40)
            self.code = process.wait(60)
        finally:
            process.kill()
            os.close(master)

    def pieces(self) -> list[str]:
        """What was written between returns to the start of a line."""
        return re.split(r"[\r\n]+", self.raw)


@pytest.mark.slow
@pytest.mark.parametrize("width", [40, 60, 80])
def test_on_a_terminal_no_line_wraps(tmp_path: Path, width: int) -> None:
    terminal = Terminal(PROGRAM.replace("OPTIONS", ""), width, tmp_path)
    assert terminal.code == 0, terminal.raw
    assert max(map(len, terminal.pieces())) <= width
    assert "\x1b" not in terminal.raw
    seen = {line for screen in terminal.screens for line in screen}
    assert any(re.match(r"epoch 1/2  [█▏▎▍▌▋▊▉ ]*  +\d/8 .*loss \d\.\d{4}", line) for line in seen)
    assert any(re.match(r"epoch 2/2 .*\d/8", line) for line in seen)
    # 24 samples are one batch of validation, whose bar comes too late to be seen
    final = "\n".join(terminal.screens[-1])
    for name in ("accuracy", "precision_macro", "recall_macro", "f1_macro"):
        assert len(re.findall(rf"\b{name} +\d\.\d{{4}}(?!\S)", final)) == (4 if width < 132 else 2)
    assert "lr 0.1235" in final
    assert "|" not in final
    assert final.rstrip().endswith("END")


@pytest.mark.slow
def test_the_validation_has_a_bar_of_its_own(tmp_path: Path) -> None:
    loader = "dl.data.DataLoader(dl.data.TensorDataset(x, y), 3)"
    code = PROGRAM.replace("(x, y), epochs=2", f"{loader}, epochs=1").replace("OPTIONS", "")
    terminal = Terminal(code, 60, tmp_path)
    assert max(map(len, terminal.pieces())) <= 60
    seen = {line for screen in terminal.screens for line in screen}
    shown = {int(m[1]) for line in seen if (m := re.match(r"validating 1/1 .* (\d)/8", line))}
    assert len(shown) >= 3
    assert "validating" not in "\n".join(terminal.screens[-1])


@pytest.mark.slow
def test_a_terminal_may_be_resized_while_training_goes_on(tmp_path: Path) -> None:
    signal_of_it = "if trainer.step == 3: print('NARROWER'); time.sleep(0.5)"
    code = PROGRAM.replace("OPTIONS", "")
    code = code.replace("sleep(0.12)", f"sleep(0.12)\n        {signal_of_it}")
    terminal = Terminal(code, 100, tmp_path)
    assert terminal.code == 0, terminal.raw
    before, after = terminal.raw.split("NARROWER")
    assert max(map(len, re.split(r"[\r\n]+", before))) > 40
    # what was drawn last before is cleared once
    pieces = [piece.rstrip() for piece in re.split(r"[\r\n]+", after)]
    assert max(map(len, pieces)) <= 40


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "ascii_only"),
    [
        ({"LANG": "C"}, True),
        ({"LC_ALL": "POSIX", "LANG": "C.UTF-8"}, True),
        ({"PYTHONIOENCODING": "ascii"}, True),
        ({"LANG": "de_DE.UTF-8"}, False),
    ],
)
def test_where_only_ascii_can_be_shown(
    tmp_path: Path, more: dict[str, str], ascii_only: bool
) -> None:
    terminal = Terminal(PROGRAM.replace("OPTIONS", ""), 80, tmp_path, **more)
    assert terminal.code == 0, terminal.raw
    assert terminal.raw.isascii() == ascii_only
    assert ("##" in terminal.raw) == ascii_only


@pytest.mark.slow
@pytest.mark.parametrize("more", [{"TERM": "dumb"}, {}])
def test_no_bar_where_none_is_wanted_or_can_be_drawn(tmp_path: Path, more: dict[str, str]) -> None:
    options = "" if more else "progress=None"
    code = PROGRAM.replace("OPTIONS", options)
    if not more:
        code = code.replace("[Slow()]", "[Slow(), dl.training.ProgressBar(bar=False)]")
    terminal = Terminal(code, 80, tmp_path, **more)
    assert terminal.code == 0, terminal.raw
    assert "\r" not in terminal.raw.replace("\r\n", "")
    assert "/8" not in terminal.raw


# --- elsewhere ---------------------------------------------------------------------------------


def fit(callback: ProgressBar, epochs: int = 2) -> None:
    model = nn.Linear(4, 3)
    metrics = [Accuracy(), Precision("macro"), Recall("macro"), F1("macro")]
    optimizer = optim.SGD(model.parameters(), 0.1)
    trainer = Trainer(model, nn.CrossEntropyLoss(), optimizer, metrics, [callback])
    data = (dl.randn(12, 4), dl.arange(12) % 3)
    trainer.fit(data, data, epochs=epochs)


def test_a_file_has_one_line_for_each_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    fit(ProgressBar())
    out, err = capsys.readouterr()
    assert err == ""
    assert [line.partition("  ")[0] for line in out.splitlines()] == ["epoch 1/2", "epoch 2/2"]
    assert out.replace("\n", "").isprintable()
    assert all("val_f1_macro" in line for line in out.splitlines())


def test_lines_can_be_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    fit(ProgressBar(bar=False, lines=False))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("verbose", "bar"),
    [(None, None), ("auto", None), (1, None), (2, False), (True, True)],
)
def test_verbose_as_in_keras(verbose: bool | int | str | None, bar: bool | None) -> None:
    display = for_verbose(verbose)
    assert display is not None
    assert display.bar is bar


def test_verbose_of_nothing() -> None:
    assert for_verbose(0) is None
    assert for_verbose(False) is None


@pytest.mark.parametrize("verbose", [3, -1, "yes", 1.0, [1]])
def test_verbose_of_other_values(verbose: object) -> None:
    with pytest.raises(ArgumentError, match="verbose must be 0"):
        for_verbose(verbose)  # type: ignore[arg-type] # a mistake


def test_a_closed_stream_shows_nothing() -> None:
    assert not shows_unicode(object())  # type: ignore[arg-type] # whatever stands there


@pytest.mark.slow
@pytest.mark.parametrize("widgets", [True, False])
@pytest.mark.filterwarnings("ignore")  # of Jupyter's own packages
def test_in_a_notebook(tmp_path: Path, widgets: bool) -> None:
    pytest.importorskip("ipykernel")
    nbclient = pytest.importorskip("nbclient")
    import nbformat

    hidden = "" if widgets else "import sys\nsys.modules['ipywidgets'] = None\n"
    code = PROGRAM.replace("OPTIONS", "").replace('print("END")', "")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(hidden + code)])
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(ROOT)
    try:
        nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute(
            cwd=str(tmp_path)
        )
    finally:
        os.environ.pop("PYTHONPATH") if before is None else os.environ.update(PYTHONPATH=before)
    outputs = notebook.cells[0].outputs
    assert [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"] == []
    text = "".join(o.text for o in outputs if o.output_type == "stream")
    lines = [line.rpartition("\r")[2] for line in text.split("\n")]
    assert [line[:9] for line in lines if line.startswith("epoch")] == ["epoch 1/2", "epoch 2/2"]
    shown = [o for o in outputs if "application/vnd.jupyter.widget-view+json" in o.get("data", {})]
    assert bool(shown) == widgets
    assert ("\r" in text) != widgets
