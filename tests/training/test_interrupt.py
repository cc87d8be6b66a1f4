"""Ctrl-C: the batch is finished, the state saved, and nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.data import DataLoader, TensorDataset
from dlframe.training import (
    Callback,
    EarlyStopping,
    EMAWeightAveraging,
    LambdaCallback,
    ModelCheckpoint,
    Trainer,
)
from dlframe.training.interrupt import Interrupt


class Press(Callback):
    """Presses Ctrl-C in the middle of a batch."""

    def __init__(self, at: int, times: int = 1) -> None:
        self.at = at
        self.times = times

    def on_batch_begin(self, trainer: Trainer) -> None:
        if trainer.step == self.at:
            for _ in range(self.times):
                signal.raise_signal(signal.SIGINT)


def make(*callbacks: Callback) -> tuple[Trainer, DataLoader, DataLoader]:
    dl.manual_seed(0)
    x = dl.randn(14, 3)
    y = (x[:, 0] > 0).long()
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.3), nn.Linear(4, 2))
    trainer = Trainer(
        model, nn.CrossEntropyLoss(), optim.Adam(model.parameters()), callbacks=callbacks
    )
    val = DataLoader(TensorDataset(x, y), 4, shuffle=True)
    return trainer, DataLoader(TensorDataset(x, y), 4, shuffle=True), val


def weights(trainer: Trainer) -> list[Any]:
    return [p.tolist() for p in trainer.model.parameters()]


def test_the_batch_is_finished_and_fit_goes_on_where_it_was(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    trainer, train, val = make()
    trainer.fit(train, val, epochs=3, progress=False)
    expected = weights(trainer)
    for at in range(12):
        pressed, train, val = make(Press(at), ModelCheckpoint(tmp_path), EarlyStopping(patience=99))
        before = signal.getsignal(signal.SIGINT)
        pressed.fit(train, val, epochs=3, progress=False)
        assert signal.getsignal(signal.SIGINT) is before
        assert pressed.interrupted
        assert pressed.step == at + 1
        assert "finishing this batch" in capfd.readouterr().err

        # from the file, in another trainer
        resumed, train2, val2 = make(
            ModelCheckpoint(tmp_path), EarlyStopping(patience=99, restore_best=False)
        )
        resumed.resume(tmp_path / "last.h5")
        resumed.fit(train2, val2, epochs=3, progress=False)
        assert weights(resumed) == expected

        # and in this one
        dl.randn(3)
        pressed.callbacks = []
        pressed.fit(train, val, epochs=3, progress=False)
        assert not pressed.interrupted
        assert weights(pressed) == expected


def test_validation_is_broken_off_and_done_again(tmp_path: Path) -> None:
    class Slow(Trainer):
        presses = True

        def split(self, batch: Any) -> Any:
            if self.presses and self._pass_done and self.epoch == 1:
                self.presses = False
                signal.raise_signal(signal.SIGINT)
            return super().split(batch)

    def make_slow() -> tuple[Trainer, DataLoader, DataLoader]:
        trainer, train, val = make()
        slow = Slow(
            trainer.model, trainer.loss, trainer.optimizer, callbacks=[ModelCheckpoint(tmp_path)]
        )
        return slow, train, val

    plain, train, val = make()
    plain.fit(train, val, epochs=3, progress=False)
    slow, train, val = make_slow()
    slow.fit(train, val, epochs=3, progress=False)
    assert (slow.interrupted, slow.epoch, slow.batch) == (True, 1, 4)
    resumed, train, val = make_slow()
    resumed.presses = False  # type: ignore[attr-defined] # an attribute of its subclass
    resumed.resume(tmp_path / "last.h5")
    resumed.fit(train, val, epochs=3, progress=False)
    assert resumed.history["val_loss"] == plain.history["val_loss"]
    assert weights(resumed) == weights(plain)


def test_best_weights_are_not_put_back_after_an_interruption() -> None:
    trainer, train, val = make(EarlyStopping(patience=9), Press(9))
    trainer.fit(train, val, epochs=9, progress=False)
    inside = weights(trainer)
    trainer.callbacks[0].best_weights = None  # type: ignore[attr-defined] # an attribute of its subclass
    assert weights(trainer) == inside


def test_a_second_ctrl_c_aborts_at_once() -> None:
    trainer, train, _ = make(Press(2, times=2))
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(train, epochs=3, progress=False)
    assert signal.getsignal(signal.SIGINT) is before
    assert trainer.step == 2
    trainer.callbacks = []
    trainer.fit(train, epochs=3, progress=False)
    assert trainer.epoch == 3


def test_other_threads_leave_signals_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []
    trainer, train, _ = make()

    def run() -> None:
        with Interrupt():
            seen.append(signal.getsignal(signal.SIGINT))
        trainer.fit(train, progress=False)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [before]
    assert trainer.epoch == 1


def test_a_handler_of_the_program_comes_back() -> None:
    def own(number: int, frame: Any) -> None:
        raise AssertionError

    before = signal.signal(signal.SIGINT, own)
    try:
        with Interrupt() as interrupt:
            signal.raise_signal(signal.SIGINT)
        assert interrupt.requested
        assert signal.getsignal(signal.SIGINT) is own
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with Interrupt() as interrupt:
            signal.raise_signal(signal.SIGINT)
        assert not interrupt.requested
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("worker_type", ["thread", "process"])
def test_a_real_ctrl_c_with_workers(worker_type: str, tmp_path: Path, repository: Path) -> None:
    """A terminal sends it to the whole group of processes."""
    script = tmp_path / "script.py"
    script.write_text(
        f"""
import dlframe as dl
from dlframe import nn, optim
from dlframe.data import DataLoader, TensorDataset
from dlframe.training import Callback, Trainer

class Say(Callback):
    def on_batch_end(self, trainer):
        if trainer.step == 5:
            print("ready", flush=True)

if __name__ == "__main__":
    model = nn.Linear(3, 2)
    data = TensorDataset(dl.randn(64, 3), dl.zeros(64, dtype=dl.int64))
    loader = DataLoader(data, 4, shuffle=True, num_workers=2, worker_type="{worker_type}")
    sgd = optim.SGD(model.parameters())
    trainer = Trainer(model, nn.CrossEntropyLoss(), sgd, callbacks=[Say()])
    trainer.fit(loader, epochs=10**9, progress=False)
    print("interrupted", trainer.interrupted, flush=True)
"""
    )
    environment = os.environ | {"PYTHONPATH": str(repository)}
    process = subprocess.Popen(
        [sys.executable, "-W", "error", str(script)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env=environment,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert out == "interrupted True\n", err
    assert "Traceback" not in err
    assert process.returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_the_notice_is_not_written_into_a_file_that_got_descriptor_2(tmp_path: Path) -> None:
    code = """
import os, signal, sys
from dlframe.training.interrupt import Interrupt
assert sys.stderr is None
while (descriptor := os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)) < 2:
    pass
assert os.path.samestat(os.fstat(2), os.stat(sys.argv[1]))
with Interrupt() as interrupt:
    signal.raise_signal(signal.SIGINT)
print(interrupt.requested)
"""
    done = subprocess.run(
        ["sh", "-c", '"$0" -c "$1" "$2" 2>&-', sys.executable, code, tmp_path / "weights"],
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "True\n"
    assert (tmp_path / "weights").read_bytes() == b""


MOMENTS = (
    "on_train_begin", "on_epoch_begin", "on_batch_begin", "on_backward_end", "on_step_begin",
    "on_step_end", "on_batch_end", "on_validation_begin", "on_validation_batch_end",
    "on_validation_end", "on_pass_end", "on_epoch_end",
)  # fmt: skip


@pytest.mark.parametrize(
    "moment",
    [
        name if name == "on_backward_end"
        else pytest.param(name, marks=pytest.mark.slow) for name in MOMENTS
    ],
)  # fmt: skip
def test_ctrl_c_at_every_moment_of_groups_and_validations(
    moment: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """At each of its calls: the rest, in new objects and in the same ones, gives the same bits."""
    calls = 0

    def press(at: int) -> Callback:
        def count(trainer: Trainer) -> None:
            nonlocal calls
            if calls == at:
                signal.raise_signal(signal.SIGINT)
            calls += 1

        return LambdaCallback(**{moment: count})

    def run(trainer: Trainer, train: DataLoader, val: DataLoader) -> None:
        trainer.fit(
            train, val, epochs=2, steps_per_epoch=5, validate_every_batches=2, progress=False
        )

    def grouped(*callbacks: Callback) -> tuple[Trainer, DataLoader, DataLoader]:
        trainer, train, val = make()
        kept = [EMAWeightAveraging(0.5), EarlyStopping(patience=99), *callbacks]
        double = Trainer(
            trainer.model, trainer.loss, trainer.optimizer, callbacks=kept, accumulate=3,
            scheduler="one_cycle",
        )  # fmt: skip
        return double, train, val

    whole, train, val = grouped(press(-1))
    run(whole, train, val)
    expected, total = weights(whole), calls
    assert total > 0
    for at in range(total):
        calls = 0
        pressed, train, val = grouped(press(at), ModelCheckpoint(tmp_path / str(at)))
        run(pressed, train, val)
        resumed, train2, val2 = grouped(ModelCheckpoint(tmp_path / str(at)))
        if pressed.epoch < 2:
            assert pressed.interrupted
            resumed.resume(tmp_path / str(at) / "last.h5")
            run(resumed, train2, val2)
            assert weights(resumed) == expected
            for p in pressed.model.parameters():
                p.grad = None
            dl.randn(3)
            run(pressed, train, val)
        assert weights(pressed) == expected
        assert pressed.history["val_loss"] == whole.history["val_loss"]
        assert [r["val_loss"] for r in pressed.history.validations] == [
            r["val_loss"] for r in whole.history.validations
        ]
    capfd.readouterr()
