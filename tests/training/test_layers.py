"""LayerLog: its numbers are those that a loop by hand computes with NumPy."""

from __future__ import annotations

import json

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim, training
from dlframe.errors import ArgumentError, FileFormatError, StateDictError
from dlframe.training import LayerLog, Trainer, read_layers

X = dl.linspace(-1, 1, 36).reshape(12, 3)
Y = (X.sum(dim=1, keepdim=True) * 3).tanh()


def network() -> nn.Sequential:
    dl.manual_seed(3)
    return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 5), nn.Tanh(), nn.Linear(5, 1))


def fit(log, *, rows=12, epochs=2, model=None, lr=0.1, kind=Trainer, **options):
    model = network() if model is None else model
    trainer = kind(
        model, nn.MSELoss(), optim.SGD(model.parameters(), lr=lr), callbacks=[log], **options
    )
    trainer.fit((X, Y), epochs=epochs, batch_size=rows, shuffle=False, progress=False)
    return trainer


def by_hand(steps, rows=12):
    """For each step: weights, gradients, outputs, gradients of outputs, and sizes of updates."""
    model, found = network(), []
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for step in range(steps):
        part = slice(step * rows % 12, step * rows % 12 + rows)
        values, outputs = X[part], {}
        for name, layer in model.named_children():
            values = layer(values)
            values.retain_grad()
            outputs[name] = values
        optimizer.zero_grad()
        nn.functional.mse_loss(values, Y[part]).backward()
        named = dict(model.named_parameters())
        entry = {
            "weights": {n: p.detach().numpy().copy() for n, p in named.items()},
            "gradients": {n: p.grad.numpy().copy() for n, p in named.items()},
            "outputs": {n: t.detach().numpy() for n, t in outputs.items()},
            "output_gradients": {n: t.grad.numpy() for n, t in outputs.items()},
        }
        optimizer.step()
        entry["updates"] = {
            n: np.linalg.norm(p.detach().numpy() - entry["weights"][n])
            / np.linalg.norm(entry["weights"][n])
            for n, p in named.items()
        }
        found.append(entry)
    return found


def check(log, expected):
    """The log has the moments and counts of these arrays."""
    assert len(log) == len(expected)
    for kind in ("weights", "gradients", "outputs", "output_gradients"):
        courses = log.courses(kind)
        assert list(courses) == list(expected[0][kind])
        for name, course in courses.items():
            for i, entry in enumerate(expected):
                x = entry[kind][name].astype(np.float64)
                numbers = course.mean[i], course.std[i], course.norm[i], course.zeros[i]
                direct = x.mean(), x.std(), np.linalg.norm(x), (x == 0).mean()
                np.testing.assert_allclose(numbers, direct, 2e-4, 1e-8, err_msg=f"{kind} {name}")
                assert course.counts[i].sum() == x.size
                np.testing.assert_allclose(
                    course.quantiles[i], np.quantile(x, log.quantiles), 2e-4, 1e-7
                )
    for name, column in log.updates.items():
        np.testing.assert_allclose(column, [entry["updates"][name] for entry in expected], 1e-3)


# --- the numbers -------------------------------------------------------------------------------


def test_in_a_trainer():
    log = LayerLog()
    fit(log, rows=4)
    expected = by_hand(6, rows=4)
    check(log, expected)
    assert log.steps == [1, 2, 3, 4, 5, 6]
    assert log.epochs == [1, 1, 1, 2, 2, 2]
    assert log.types == {"0": "Linear", "1": "ReLU", "2": "Linear", "3": "Tanh", "4": "Linear"}
    hidden = expected[-1]["outputs"]["1"]
    assert log.outputs["1"].dead[-1] == pytest.approx((hidden == 0).all(axis=0).mean())
    flat = np.abs(expected[-1]["outputs"]["3"]) > 0.99
    assert log.outputs["3"].saturated[-1] == pytest.approx(flat.mean())
    assert np.isnan(log.outputs["0"].saturated).all()
    assert np.isnan(log.weights["0.weight"].dead).all()


def test_in_a_loop_of_ones_own():
    log, model = LayerLog(), network()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with log.attach(model, optimizer):
        for _ in range(4):
            optimizer.zero_grad()
            nn.functional.mse_loss(model(X), Y).backward()
            optimizer.step()
            with dl.no_grad():  # not counted, as little as what is in evaluation mode
                model(X[:2])
            model.eval()
            model(X[:3])
            model.train()
    model(X)
    check(log, by_hand(4))
    with pytest.raises(ArgumentError, match="attach the log to a model"):
        log.record()


def test_without_an_optimizer():
    log, model = LayerLog(every=2), network()
    handle = log.attach(model)
    for _ in range(4):
        model.zero_grad()
        nn.functional.mse_loss(model(X), Y).backward()
        log.record()
    handle.remove()
    assert log.steps == [1, 2, 4]
    assert np.isnan(log.updates.get("0.weight", np.nan)).all()
    expected = by_hand(1)[0]["gradients"]["0.weight"]
    assert log.gradients["0.weight"].norm[2] == pytest.approx(np.linalg.norm(expected), rel=1e-4)


def test_a_step_of_several_batches_is_that_of_one_large_batch():
    parts, whole = LayerLog(), LayerLog()
    fit(parts, rows=5, accumulate=3)  # of 5, 5 and 2 samples
    fit(whole)
    assert parts.steps == whole.steps == [1, 2]
    for kind in ("gradients", "outputs"):
        for name, course in whole.courses(kind).items():
            other = parts.courses(kind)[name]
            np.testing.assert_allclose(other.quantiles, course.quantiles, 1e-4, 1e-6)
            np.testing.assert_allclose(other.count, course.count)
    for name, course in whole.output_gradients.items():
        np.testing.assert_allclose(parts.output_gradients[name].norm, course.norm, 1e-4)
    for name, ratios in whole.updates.items():
        np.testing.assert_allclose(parts.updates[name], ratios, 1e-3)


def test_training_is_not_changed_by_it():
    def losses(callbacks):
        dl.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 9), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(9, 1))
        trainer = Trainer(
            model, nn.MSELoss(), optim.Adam(model.parameters()), callbacks=callbacks,
            clip_grad_norm=0.1,
        )  # fmt: skip
        return trainer.fit((X, Y), (X, Y), epochs=3, batch_size=4, progress=False)

    log, norms = LayerLog(), training.NormLog()
    with_it, without = losses([log, norms]), losses([])
    for name in ("loss", "val_loss", "grad_norm"):
        assert with_it[name] == without[name]
    for name, course in log.gradients.items():  # before clipping, as there
        np.testing.assert_allclose(course.norm, norms.gradients[name], 1e-5)
    assert log.outputs["0"].count.tolist() == [4 * 9] * 9  # of training alone
    # what relu does in place is not seen at the layer before it
    assert log.outputs["0"].zeros.max() == 0
    assert log.outputs["1"].zeros.min() > 0


def test_a_layer_that_is_called_several_times():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 3)
            self.again = self.layer
            self.unused = nn.Linear(2, 2)

        def forward(self, x):
            return self.again(self.layer(x).relu()).sum(dim=1, keepdim=True)

    log = LayerLog()
    fit(log, model=Shared(), epochs=1)
    assert list(log.outputs) == ["layer"]
    assert log.outputs["layer"].count[0] == 2 * 36
    assert log.output_gradients["layer"].count[0] == 2 * 36
    assert list(log.gradients) == ["layer.weight", "layer.bias"]
    assert list(log.weights) == ["layer.weight", "layer.bias", "unused.weight", "unused.bias"]
    assert log.updates["unused.bias"].tolist() == [0.0]


class Gan(Trainer):
    measured = ("critic",)

    def train_step(self, batch):
        real, _ = batch
        model, steps = self.model, self.optimizer
        steps["critic"].zero_grad()
        loss = (model["critic"](model["generator"](real).detach()) - 1).square().mean()
        loss.backward()
        steps["critic"].step()
        steps["generator"].zero_grad()
        model["critic"](model["generator"](real)).square().mean().backward()
        steps["generator"].step()
        return {"critic": loss.item()}


def test_several_optimizers():
    def parts():
        dl.manual_seed(1)
        model = nn.ModuleDict({"critic": nn.Linear(3, 1), "generator": nn.Linear(3, 3)})
        return model, {name: optim.SGD(model[name].parameters(), lr=0.1) for name in model}

    model, optimizers = parts()
    log = LayerLog()
    trainer = Gan(model, nn.MSELoss(), optimizers, callbacks=[log])
    trainer.fit((X, Y), epochs=2, batch_size=12, progress=False)
    model, optimizers = parts()
    before = model["critic"].weight.detach().numpy().copy()
    model["critic"](model["generator"](X).detach()).sub(1).square().mean().backward()
    gradient = model["critic"].weight.grad.numpy()
    course = log.gradients["critic.weight"]
    assert course.norm[0] == pytest.approx(np.linalg.norm(gradient), rel=1e-5)
    ratio = 0.1 * np.linalg.norm(gradient) / np.linalg.norm(before)
    assert log.updates["critic.weight"][0] == pytest.approx(ratio, rel=1e-4)
    assert log.outputs["critic"].count.tolist() == [24, 24]
    assert log.steps == [1, 2]

    model, optimizers = parts()  # in a loop of one's own, with two steps of the one
    own = LayerLog()
    with own.attach(model, *optimizers.values()):
        for _ in range(2):
            for name in ("critic", "critic", "generator"):
                model[name](X).square().sum().backward()
                optimizers[name].step()
                optimizers[name].zero_grad()
    assert own.steps == [1, 2]
    assert own.outputs["critic"].count.tolist() == [24, 24]
    assert own.gradients["generator.weight"].norm.min() > 0


def test_optimizers_that_ask_again_are_seen_once():
    model, log = network(), LayerLog()
    trainer = Trainer(model, nn.MSELoss(), optim.LBFGS(model.parameters()), callbacks=[log])
    trainer.fit((X, Y), epochs=2, batch_size=12, progress=False)
    assert log.outputs["0"].count.tolist() == [96, 96]
    np.testing.assert_allclose(
        log.output_gradients["4"].norm[0],
        np.linalg.norm(by_hand(1)[0]["output_gradients"]["4"]),
        1e-4,
    )


def test_outputs_of_other_kinds():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.memory = nn.Embedding(5, 4), nn.LSTM(4, 6, batch_first=True)

        def forward(self, x):
            return self.memory(self.words(x))[0].mean(dim=(1, 2)).reshape(-1, 1)

    log, model = LayerLog(), Both()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with log.attach(model, optimizer):
        model(dl.tensor([[0, 1], [2, 2]])).sum().backward()
        optimizer.step()
    assert log.outputs["memory"].count.tolist() == [2 * 2 * 6]
    assert log.gradients["words.weight"].zeros[0] >= 2 / 5


# --- when, and what ----------------------------------------------------------------------------


def test_every_few_steps_and_each_epoch():
    log, each = LayerLog(4), LayerLog("epoch")
    fit(log, rows=4, epochs=4)
    fit(each, rows=4, epochs=4)
    assert log.steps == [1, 4, 8, 12]
    assert (each.steps, each.epochs) == ([1, 4, 7, 10], [1, 2, 3, 4])


def test_the_number_of_entries_is_bounded():
    log, each, all_of_them = LayerLog(max_entries=5), LayerLog("epoch", max_entries=3), LayerLog()
    for one in (log, each, all_of_them):
        fit(one, rows=4, epochs=8)
    assert log.steps == [1, 8, 16, 24]
    assert each.epochs == [1, 4, 8]
    place = [0, 7, 15, 23]
    for name, course in all_of_them.outputs.items():
        np.testing.assert_array_equal(log.outputs[name].quantiles, course.quantiles[place])
    np.testing.assert_array_equal(log.updates["0.bias"], all_of_them.updates["0.bias"][place])


@pytest.mark.parametrize(
    ("layers", "outputs", "weights"),
    [("2", ["2"], ["2.weight", "2.bias"]), ("*.weight", [], ["0.weight", "2.weight", "4.weight"]),
     (nn.ReLU, ["1"], []), ([nn.Tanh, "0", "4.bias"], ["0", "3"], ["0.weight", "0.bias", "4.bias"]),
     (nn.Linear, ["0", "2", "4"], [f"{i}.{n}" for i in (0, 2, 4) for n in ("weight", "bias")])],
    ids=["name", "parameters", "type", "several", "linear"],
)  # fmt: skip
def test_chosen_layers(layers, outputs, weights):
    log = LayerLog(layers=layers)
    fit(log)
    assert list(log.outputs) == outputs
    assert sorted(log.weights) == sorted(weights)
    assert list(log.gradients) == list(log.weights)


def test_chosen_kinds():
    log = LayerLog(kinds=["outputs"])
    fit(log)
    assert [k for k in ("weights", "gradients", "output_gradients") if log.courses(k)] == []
    assert log.updates == {}
    assert len(log.outputs) == 5


def test_a_model_that_is_a_single_layer():
    log = LayerLog()
    fit(log, model=nn.Linear(3, 1))
    assert list(log.outputs) == ["Linear"]
    assert list(log.weights) == ["weight", "bias"]


def test_a_skipped_batch_is_not_counted():
    class Skip(training.Callback):
        def on_bad_loss(self, trainer, error):
            return True

    x = X.clone()
    x[:4] = float("nan")
    log, model = LayerLog(), network()
    trainer = Trainer(
        model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1), callbacks=[log, Skip()]
    )
    trainer.fit((x, Y), epochs=1, batch_size=4, shuffle=False, progress=False)
    assert log.steps == [1, 2]
    assert log.outputs["0"].not_finite.tolist() == [0, 0]
    assert log.outputs["0"].count.tolist() == [32, 32]


# --- files and states --------------------------------------------------------------------------


def test_files(tmp_path):
    log = LayerLog(path=tmp_path / "run" / "layers.json", bins=7)
    fit(log)
    found = read_layers(tmp_path / "run")
    assert found.to_dict() == log.to_dict()
    assert json.loads((tmp_path / "run" / "layers.json").read_text())["steps"] == [1, 2]
    np.testing.assert_allclose(
        found.outputs["1"].quantiles, log.outputs["1"].quantiles, 1e-6, 1e-12
    )
    arrays = found.to_arrays()
    assert arrays["outputs"]["1"]["counts"].shape == (2, 7)
    assert arrays["updates"]["0.weight"].shape == arrays["steps"].shape == (2,)
    assert "2 entries; layers: 0, 1, 2, 3, 4" in repr(found)


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"format": "other"}', '{"format": "dlframe layers", "version": 9}',
     '{"format": "dlframe layers", "version": 1}', "broken rows", "broken list"],
)  # fmt: skip
def test_other_files(tmp_path, content):
    if content.startswith("broken"):
        log = LayerLog()
        fit(log)
        whole = log.to_dict()
        if content == "broken rows":
            whole["outputs"]["1"][0].pop()
        else:
            whole["updates"]["0.bias"] = "abc"
        content = json.dumps(whole)
    (tmp_path / "layers.json").write_text(content)
    with pytest.raises(FileFormatError, match="has no record of layers"):
        read_layers(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_layers(tmp_path / "none.json")


def test_a_resumed_log_is_that_of_a_whole_run(tmp_path):
    whole = LayerLog(max_entries=4)
    fit(whole, rows=4, epochs=6)
    fit(LayerLog(max_entries=4), rows=4, epochs=3).save(tmp_path / "half.h5")
    rest, model = LayerLog(max_entries=4), network()
    trainer = Trainer(model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1), callbacks=[rest])
    trainer.resume(tmp_path / "half.h5")
    trainer.fit((X, Y), epochs=6, batch_size=4, shuffle=False, progress=False)
    assert rest.to_dict() == whole.to_dict()
    with pytest.raises(StateDictError, match=r"has 50 bins and the quantiles .* this log 9"):
        LayerLog(bins=9).load_state_dict(whole.state_dict())


# --- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [({"every": 0}, "every must be 1 or more, or 'epoch'; got 0"),
     ({"every": "step"}, "or 'epoch'; got 'step'"),
     ({"kinds": ["activations"]}, "The activations are the 'outputs' of the layers"),
     ({"kinds": "weigths"}, "Did you mean 'weights'"),
     ({"quantiles": [0.5, 0.1]}, "quantiles must rise from 0 to 1"),
     ({"quantiles": [2]}, "quantiles must rise from 0 to 1"),
     ({"bins": 0}, "bins must be 1 or more; got 0"),
     ({"max_entries": 1}, "max_entries must be 2 or more"),
     ({"max_values": 2.5}, "max_values must be 10 or more")],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_arguments_that_make_no_sense(options, message):
    with pytest.raises(ArgumentError, match=message):
        LayerLog(**options)


def test_layers_that_are_not_there():
    with pytest.raises(
        ArgumentError, match=r"no layer and no parameter has a name like '0\.weigt'"
    ):
        fit(LayerLog(layers="0.weigt"))
    with pytest.raises(ArgumentError, match="has no Conv2d; it has Linear, ReLU, Sequential, Tanh"):
        fit(LayerLog(layers=nn.Conv2d))
    with pytest.raises(TypeError, match="takes names and types"):
        LayerLog(layers=[3])
    log = LayerLog()
    with pytest.raises(TypeError, match=r"must be an nn\.Module; got Tensor"):
        log.attach(X)
    with pytest.raises(TypeError, match="takes a model and its optimizers; got MSELoss"):
        log.attach(network(), nn.MSELoss())
    with pytest.raises(ArgumentError, match="pass the log to a Trainer"):
        LayerLog("epoch").attach(network())
    log.attach(network())
    with pytest.raises(ArgumentError, match="attached to a model already"):
        log.attach(network())
