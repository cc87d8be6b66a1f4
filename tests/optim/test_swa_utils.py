from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.nn.utils.parametrizations import weight_norm
from dlframe.optim import swa_utils
from dlframe.utils import load, save

FUNCTIONS = {
    "mean": {},
    "mean, one": {"avg_fn": swa_utils.get_swa_avg_fn()},
    "mean, many": {"multi_avg_fn": swa_utils.get_swa_multi_avg_fn()},
    "forgetting, one": {"avg_fn": swa_utils.get_ema_avg_fn(0.75)},
    "forgetting, many": {"multi_avg_fn": swa_utils.get_ema_multi_avg_fn(0.75)},
}


def expected(name: str, values: list[float]) -> float:
    if name.startswith("mean"):
        return sum(values) / len(values)
    average = values[0]
    for value in values[1:]:
        average = 0.75 * average + 0.25 * value
    return average


@pytest.mark.parametrize("use_buffers", [False, True])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_averages(name: str, use_buffers: bool) -> None:
    model = nn.BatchNorm1d(2)
    averaged = swa_utils.AveragedModel(model, use_buffers=use_buffers, **FUNCTIONS[name])
    values = [1.0, 3.0, 8.0, 4.0]
    for value in values:
        nn.init.constant_(model.weight, value)
        model.running_mean.fill_(value)
        averaged.update_parameters(model)
    assert int(averaged.n_averaged) == 4
    np.testing.assert_allclose(averaged.module.weight.tolist(), expected(name, values), rtol=1e-6)
    mean = expected(name, values) if use_buffers else 4.0
    np.testing.assert_allclose(averaged.module.running_mean.tolist(), mean, rtol=1e-6)
    assert model.weight.tolist() == [4.0, 4.0]


def test_lazy_and_parametrized_modules_are_averaged_and_saved(tmp_path: Path) -> None:
    model = nn.Sequential(nn.LazyLinear(3), weight_norm(nn.Linear(3, 1)))
    averaged = swa_utils.AveragedModel(model)
    x = dl.ones(2, 4)
    model(x)
    for value in (1.0, 3.0):
        for p in model.parameters():
            nn.init.constant_(p, value)
        averaged.update_parameters(model)
    assert {p.array.flat[0] for p in averaged.parameters()} == {2.0}
    save(averaged.state_dict(), tmp_path / "averaged.h5")
    again = swa_utils.AveragedModel(model)
    again.load_state_dict(load(tmp_path / "averaged.h5"))
    assert int(again.n_averaged) == 2
    assert again(x).tolist() == averaged(x).tolist()
    assert "n_averaged" in averaged.state_dict()
    assert "module.0.weight" in averaged.state_dict()


def test_unfit_arguments_are_refused() -> None:
    functions = {
        "avg_fn": swa_utils.get_swa_avg_fn(),
        "multi_avg_fn": swa_utils.get_swa_multi_avg_fn(),
    }
    with pytest.raises(AssertionError, match="Only one of"):
        swa_utils.AveragedModel(nn.Linear(1, 1), **functions)
    for make in swa_utils.get_ema_avg_fn, swa_utils.get_ema_multi_avg_fn:
        with pytest.raises(ValueError, match=r"Invalid decay value 1\.5"):
            make(1.5)


def test_statistics_are_the_mean_over_all_batches() -> None:
    model = nn.Sequential(nn.BatchNorm1d(1, momentum=0.3)).eval()
    batches = [(dl.tensor([[1.0], [3.0]]), "label"), [dl.tensor([[5.0], [7.0]])]]
    swa_utils.update_bn(batches, model)
    assert model[0].running_mean.tolist() == [4.0]
    assert model[0].momentum == 0.3
    assert not model.training
    with pytest.raises(AttributeError):
        swa_utils.update_bn([object()], model)
    assert model[0].momentum == 0.3  # also after an error
    swa_utils.update_bn(iter(()), nn.Linear(1, 1))  # nothing to measure


def test_a_callback_averages(tmp_path: Path) -> None:
    from dlframe.training import LambdaCallback, Trainer

    model = nn.Linear(1, 1)
    averaged = swa_utils.AveragedModel(model)
    update = LambdaCallback(on_batch_end=lambda t: averaged.update_parameters(t.model))
    trainer = Trainer(model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1), [], [update])
    trainer.fit((dl.ones(4, 1), dl.ones(4, 1)), epochs=2, batch_size=2, progress=False)
    assert int(averaged.n_averaged) == 4
