from __future__ import annotations

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.data import DataLoader, TensorDataset
from dlframe.errors import DTypeError, FileFormatError, PluginError, StateDictError
from dlframe.utils import load, load_checkpoint, mismatches, save, save_checkpoint


def build():
    """A small run: a model with buffers and dropout, an optimizer with state, a schedule."""
    model = nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2)
    )
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.5)
    generator = dl.Generator().manual_seed(7)
    data = TensorDataset(dl.arange(80).reshape(20, 4).float() / 80, dl.tensor([0, 1] * 10))
    loader = DataLoader(data, batch_size=4, shuffle=True, generator=generator)
    return {"model": model, "optimizer": optimizer, "scheduler": scheduler, "loader": loader}


def steps(run, count):
    """Train for so many batches, over the ends of epochs, and return the losses."""
    losses = []
    loss = nn.CrossEntropyLoss()
    while True:
        for x, y in run["loader"]:
            run["optimizer"].zero_grad()
            value = loss(run["model"](x), y)
            value.backward()
            run["optimizer"].step()
            run["scheduler"].step()
            losses.append(value.item())
            if len(losses) == count:
                return losses


def values(model):
    return {key: value.numpy().copy() for key, value in model.state_dict().items()}


# --- there and back ----------------------------------------------------------------------------


@pytest.mark.parametrize("stop", [1, 4, 5, 6, 9])
def test_a_run_goes_on_bit_for_bit(tmp_path, stop):
    dl.manual_seed(1)
    whole = build()
    expected = steps(whole, 12)

    dl.manual_seed(1)
    first = build()
    losses = steps(first, stop)
    path = tmp_path / "last.h5"
    save_checkpoint(path, **first, step=stop)

    dl.manual_seed(999)  # another process: other weights, another random state
    second = build()
    extra = load_checkpoint(path, **second, generator=dl.random.default_generator)
    assert extra == {"step": stop}
    assert losses + steps(second, 12 - stop) == expected
    assert second["scheduler"].get_last_lr() == whole["scheduler"].get_last_lr()
    for key, value in values(whole["model"]).items():
        assert np.array_equal(values(second["model"])[key], value), key


def test_everything_else_comes_back_too(tmp_path):
    path = tmp_path / "x.h5"
    config = {"name": "mlp", "kwargs": {"hidden": [25, 25]}}
    history = {"loss": [0.5, 0.25], "lr": (0.1, 0.05)}
    save_checkpoint(path, model=nn.Linear(2, 1), config=config, history=history, best=None)
    assert load_checkpoint(path) == {"config": config, "history": history, "best": None}
    assert sorted(load(path)["model"]) == ["bias", "weight"]


def test_the_default_generator_is_always_saved(tmp_path):
    path = tmp_path / "x.h5"
    dl.manual_seed(3)
    dl.rand(5)
    save_checkpoint(path)
    expected = dl.rand(5).tolist()
    load_checkpoint(path)
    assert dl.rand(5).tolist() != expected  # only who asks for it
    load_checkpoint(path, generator=dl.random.default_generator)
    assert dl.rand(5).tolist() == expected


def test_another_generator(tmp_path):
    own = dl.Generator().manual_seed(5)
    save_checkpoint(tmp_path / "x.h5", generator=own)
    expected = own.uniform(3)
    other = dl.Generator()
    load_checkpoint(tmp_path / "x.h5", generator=other)
    assert np.array_equal(other.uniform(3), expected)


# --- what does not fit -------------------------------------------------------------------------


def test_every_mismatch_in_one_report_and_nothing_changed(tmp_path):
    path = tmp_path / "x.h5"
    saved = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    saved[0].register_buffer("scale", dl.ones(2))
    saved[2].double()
    save_checkpoint(path, model=saved)
    model = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3), nn.Linear(3, 1))
    before = values(model)
    with pytest.raises(StateDictError) as caught:
        load_checkpoint(path, model=model)
    assert str(caught.value) == (
        f"{path} does not fit Sequential; nothing was changed:\n"
        "  missing in the file: 3.weight float32(1, 3)\n"
        "  missing in the file: 3.bias float32(1,)\n"
        "  not in the model: 0.scale float32(2,)\n"
        "  shape of 0.weight: file (8, 4), model (8, 5)\n"
        "  dtype of 2.weight: file float64, model float32\n"
        "  dtype of 2.bias: file float64, model float32"
    )
    for key, value in values(model).items():
        assert np.array_equal(value, before[key])
    assert mismatches(saved, saved.state_dict()) == []


def test_parts_that_were_not_saved(tmp_path):
    path = tmp_path / "x.h5"
    run = build()
    save_checkpoint(path, model=run["model"], optimizer=run["optimizer"])
    with pytest.raises(StateDictError, match=r"no state of: scheduler, loader.*model, optimizer"):
        load_checkpoint(path, **run)


def test_all_or_nothing(tmp_path):
    path = tmp_path / "x.h5"
    dl.manual_seed(0)
    saved = build()
    steps(saved, 3)
    save_checkpoint(path, **saved)
    run = build()
    steps(run, 2)
    run["optimizer"] = optim.Adam([{"params": [p]} for p in run["model"].parameters()])
    state = run["scheduler"].state_dict().copy()
    weights = values(run["model"])
    with pytest.raises(ValueError, match="group") as caught:
        load_checkpoint(path, **run)
    assert "while restoring the optimizer" in caught.value.__notes__[0]
    assert run["scheduler"].state_dict() == state
    for key, value in values(run["model"]).items():
        assert np.array_equal(value, weights[key])


def test_a_hook_may_rename_keys(tmp_path):
    path = tmp_path / "x.h5"
    old = nn.Sequential(nn.Linear(2, 1))
    save_checkpoint(path, model=old)
    new = nn.Linear(2, 1)

    def rename(module, state, prefix, *rest):
        for key in list(state):
            state[key.removeprefix("0.")] = state.pop(key)

    new.register_load_state_dict_pre_hook(rename)
    load_checkpoint(path, model=new)
    assert np.array_equal(values(new)["weight"], values(old)["0.weight"])


def test_files_that_are_no_checkpoint(tmp_path):
    path = tmp_path / "x.h5"
    save({"weights": 1}, path)
    with pytest.raises(FileFormatError, match=r"not a checkpoint: it has the keys \['weights'\]"):
        load_checkpoint(path)
    save([1, "x"], path)
    with pytest.raises(FileFormatError, match="not a dict with names"):
        load_checkpoint(path)
    save({"checkpoint": 2, "requires": []}, path)
    with pytest.raises(FileFormatError, match=r"version 2.*pgrade"):
        load_checkpoint(path)
    path.write_bytes(b"PK\x03\x04 data.pkl")
    with pytest.raises(FileFormatError, match="PyTorch"):
        load_checkpoint(path)


def test_what_cannot_be_stored_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.h5"
    save_checkpoint(path, epoch=1)
    with pytest.raises(DTypeError, match=r"obj\['model_class'\]"):
        save_checkpoint(path, epoch=2, model_class=nn.Linear)
    assert load_checkpoint(path) == {"epoch": 1}


def test_a_missing_plugin_is_named_with_its_command(tmp_path):
    path = tmp_path / "x.h5"
    note = {"package": "no-such-plugin", "version": "1.4", "class": "Fancy", "module": "features.2"}
    save({"checkpoint": 1, "requires": [note], "model": {}}, path)
    with pytest.raises(PluginError, match=r"Fancy \(at features.2\) from no-such-plugin 1.4") as e:
        load_checkpoint(path)
    assert "pip install 'no-such-plugin==1.4'" in str(e.value)


# --- keeping the last k ------------------------------------------------------------------------


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_keep_the_last_k(tmp_path):
    for other in ("best.h5", "step-1.txt", "step-1-copy.h5"):
        (tmp_path / other).write_text("stays")
    for step in (1, 2, 10, 9, 100):
        save_checkpoint(tmp_path / f"step-{step}.h5", keep=2, step=step)
    assert names(tmp_path) == [
        "best.h5",
        "step-1-copy.h5",
        "step-1.txt",
        "step-100.h5",
        "step-9.h5",
    ]


def test_a_new_run_in_the_same_folder_keeps_its_own(tmp_path):
    for number, step in enumerate((500, 600, 1, 2)):
        path = tmp_path / f"run2-step{step:04}.h5"
        save_checkpoint(path, keep=2)
        os.utime(path, (number, number))  # clocks of file systems may be coarse
    assert names(tmp_path) == ["run2-step0001.h5", "run2-step0002.h5"]


@pytest.mark.parametrize(("name", "keep"), [("last.h5", 3), ("step-1.h5", 0)])
def test_keep_is_checked_before_anything_is_written(tmp_path, name, keep):
    with pytest.raises(ValueError, match="keep"):
        save_checkpoint(tmp_path / name, keep=keep)
    assert names(tmp_path) == []


# --- in another process ------------------------------------------------------------------------


def test_another_process_sees_the_same_numbers(tmp_path):
    dl.manual_seed(0)
    run = build()
    steps(run, 5)
    path = tmp_path / "x.h5"
    save_checkpoint(path, model=run["model"], config={"sizes": [4, 8, 2]})
    x = dl.arange(8).reshape(2, 4).float()
    expected = run["model"].eval()(x).tolist()
    code = """
import sys
import dlframe as dl
from dlframe import nn
from dlframe.utils import load_checkpoint
a, b, c = load_checkpoint(sys.argv[1])["config"]["sizes"]
model = nn.Sequential(
    nn.Linear(a, b), nn.BatchNorm1d(b), nn.ReLU(), nn.Dropout(0.3), nn.Linear(b, c)
)
load_checkpoint(sys.argv[1], model=model)
print(model.eval()(dl.arange(8).reshape(2, 4).float()).tolist())
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == str(expected), done.stderr


@pytest.mark.parametrize(
    "scheduler",
    [
        lambda o: optim.lr_scheduler.CosineAnnealingLR(o, T_max=5),
        optim.lr_scheduler.LinearLR,
        lambda o: optim.lr_scheduler.LambdaLR(o, lambda step: 0.9**step),
    ],
    ids=["cosine", "linear", "lambda"],
)
def test_schedulers(tmp_path, scheduler):
    def make():
        optimizer = optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1, momentum=0.9)
        return {"optimizer": optimizer, "scheduler": scheduler(optimizer)}

    def step(run):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # no optimizer step before it
            run["scheduler"].step()
        return run["scheduler"].get_last_lr()

    run = make()
    step(run)
    save_checkpoint(tmp_path / "x.h5", **run)
    other = make()
    load_checkpoint(tmp_path / "x.h5", **other)
    assert step(other) == step(run)
