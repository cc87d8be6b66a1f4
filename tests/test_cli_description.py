"""Descriptions of runs in checkpoints of anybody's: one line says what is wrong with them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples.wrong_values import GONE, WRONG, places, replaced

from dlframe.cli import main
from dlframe.cli.description import description_in, epoch_in
from dlframe.errors import FileFormatError, PluginError
from dlframe.utils import load, load_checkpoint, save


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The checkpoint of a run."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    options = "--data moons --hidden 7 5 --epochs 1 --batch-size 500 --no-pictures --quiet"
    assert main(["train", *options.split(), "--out", str(folder)]) == 0
    return load(folder / "checkpoints" / "last.h5")


def attacks(content: dict[str, Any]) -> list[tuple[tuple[Any, ...], Any]]:
    config = content["extra"]["config"]
    within = [("extra", "config", *place) for place in places(config)]
    outside = [("extra",), ("extra", "config"), ("requires",), ("trainer",), ("trainer", "epoch")]
    return [(place, value) for place in (*outside, *within) for value in (GONE, *WRONG)]


def test_every_wrong_entry_is_one_line(tmp_path: Path, content: dict[str, Any]) -> None:
    path = tmp_path / "x.h5"
    save(content, path)
    good = description_in(content, path)
    accepted = []
    for place, value in attacks(content):
        changed = replaced(content, place, value)
        try:
            config, _ = description_in(changed, path), epoch_in(changed, path)
        except FileFormatError as error:
            message = str(error)
            assert message.isprintable(), (place, value)
            assert len(message) < 1000, (place, value)
        else:
            accepted.append((place, value, config))
    assert accepted
    for place, value, config in accepted:
        assert list(config) == list(good), (place, value)


@pytest.mark.parametrize("command", ["evaluate", "resume"])
def test_the_commands_say_what_is_wrong(
    tmp_path: Path, content: dict[str, Any], capsys: pytest.CaptureFixture[str], command: str
) -> None:
    folder = tmp_path / "run" / "checkpoints"
    folder.mkdir(parents=True)
    all_attacks = attacks(content)
    for i in np.random.default_rng(1).permutation(len(all_attacks))[:15]:
        place, value = all_attacks[i]
        try:
            save(replaced(content, place, value), folder / "last.h5")
        except (TypeError, ValueError):  # a value that no file can hold
            continue
        if command == "evaluate":
            code = main(["evaluate", str(folder / "last.h5")])
        else:
            quiet = ["--epochs", "1", "--no-pictures", "--quiet"]
            code = main(["train", "--resume", "--out", str(tmp_path / "run"), *quiet])
        printed = capsys.readouterr().err
        assert code in (0, 1, 2), (place, value)
        assert (code == 0) == (printed == ""), (place, value, printed)
        assert len(printed.splitlines()) <= 2, printed


def test_layers_that_are_not_in_the_file_take_no_memory(
    tmp_path: Path, content: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    started = time.process_time()
    model = {
        "name": "cnn",
        "arguments": {"channels": 1, "size": 28, "classes": 10, "width": 10**9},
    }
    for place, value in (
        (("extra", "config", "model", "arguments", "hidden"), [10**9]),
        (("extra", "config", "model", "arguments", "hidden"), [50_000, 50_000]),
        (("extra", "config"), content["extra"]["config"] | {"data": "mnist", "model": model}),
    ):
        save(replaced(content, place, value), tmp_path / "x.h5")
        assert main(["evaluate", str(tmp_path / "x.h5")]) == 1
        assert "the file has no weights of the shape" in capsys.readouterr().err
    assert time.process_time() - started < 60


@pytest.mark.parametrize(
    "note",
    [
        7,
        {},
        {"package": ""},
        {"package": "x'; rm -rf ~; '"},
        {"package": "../../x"},
        {"package": "-r/etc/passwd"},
        {"package": "a\x1b[2J"},
        {"package": "a\n"},
        {"version": 7},
    ],
)
def test_requirements_are_packages(tmp_path: Path, content: dict[str, Any], note: Any) -> None:
    whole = {"package": "no-such-plugin", "version": "1.4", "class": "Fancy", "module": "2"}
    given = {**whole, **note} if isinstance(note, dict) and note else note
    save(content | {"requires": [given]}, tmp_path / "x.h5")
    with pytest.raises(FileFormatError, match="what it requires") as caught:
        load_checkpoint(tmp_path / "x.h5")
    assert str(caught.value).isprintable()


def test_the_command_that_a_message_suggests_is_one_word(tmp_path: Path) -> None:
    note = {
        "package": "no-such",
        "version": "1'; rm -rf ~; '\x1b",
        "class": "\x1b]0;x",
        "module": "",
    }
    save({"checkpoint": 1, "requires": [note]}, tmp_path / "x.h5")
    with pytest.raises(PluginError) as caught:
        load_checkpoint(tmp_path / "x.h5")
    message = str(caught.value)
    assert message.isprintable()
    assert """pip install 'no-such==1'"'"'; rm -rf ~; '"'"'\\x1b'.""" in message
