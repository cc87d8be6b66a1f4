"""`dlframe train --tracker`: which callbacks it makes, and that they are told again to go on."""

from __future__ import annotations

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from dlframe import cli, plugins, training
from dlframe.cli import choices
from dlframe.cli.names import UsageError

TRAIN = ["train", "--data", "moons", "--quiet", "--no-pictures", "--epochs", "2"]
BOARD = ["--tracker", "tensorboard", "update_freq=5", "histogram_freq=1"]


def steps(folder, tag):
    return [event.step for event in EventAccumulator(str(folder)).Reload().Scalars(tag)]


def test_a_run_is_written_for_tensorboard(tmp_path, capsys):
    run = tmp_path / "run"
    assert cli.main([*TRAIN, "--out", str(run), *BOARD]) == 0
    assert steps(run / "tensorboard", "val_loss") == [1, 2]
    assert steps(run / "tensorboard/batch", "batch/loss")[:2] == [5, 10]
    resume = ["train", "--resume", "--out", str(run), "--epochs", "3", "--quiet", "--no-pictures"]
    assert cli.main([*resume, *BOARD]) == 0
    assert steps(run / "tensorboard", "val_loss") == [1, 2, 3]
    capsys.readouterr()


def test_the_names_and_their_options(tmp_path):
    made = choices.tracker(["TensorBoard", "samples=4"], tmp_path, tmp_path / "board")
    assert isinstance(made, training.TensorBoard)
    assert (made.samples, made.log_dir) == (4, tmp_path / "board")
    elsewhere = choices.tracker(["tensorboard", "log_dir=x"], tmp_path, tmp_path / "board")
    assert str(elsewhere.log_dir) == "x"


def test_a_plugins_callback(tmp_path):
    @plugins.register("callbacks")
    class Shout(training.Callback):
        def __init__(self, volume):
            self.volume = volume

    try:
        assert choices.tracker(["shout", "volume=3"], tmp_path, tmp_path).volume == 3
        with pytest.raises(UsageError, match="--tracker: Shout needs volume=…"):
            choices.tracker(["Shout"], tmp_path, tmp_path)
    finally:
        plugins.unregister("callbacks", "Shout")


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["tensrboard"], "there is no callback 'tensrboard'. Did you mean 'TensorBoard'"),
        (["EarlyStopping"], "EarlyStopping is no tracker. The trackers are tensorboard, mlflow"),
        (["tensorboard", "foo=1"], "TensorBoard has no 'foo'"),
        (["tensorboard", "samples=-1"], "samples must be 0 or more"),
        (["tensorboard", "update_freq"], "expected KEY=VALUE"),
    ],
)
def test_what_is_no_tracker_is_refused_before_a_folder_is_made(tmp_path, capsys, words, match):
    out = tmp_path / "run"
    assert cli.main([*TRAIN, "--out", str(out), "--tracker", *words]) == 2
    assert match in capsys.readouterr().err
    assert not out.exists()


def test_a_link_in_the_place_of_its_folder_is_refused(tmp_path, capsys):
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    assert cli.main([*TRAIN, "--out", str(run)]) == 0
    elsewhere.mkdir()
    (run / "tensorboard").symlink_to(elsewhere)
    resume = ["train", "--resume", "--out", str(run), "--epochs", "3", "--quiet", *BOARD]
    assert cli.main(resume) == 2
    assert "is a symbolic link" in capsys.readouterr().err
    assert list(elsewhere.iterdir()) == []
