"""The studies of images, on the digits that come with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlframe.data.datasets import Digits
from dlframe.errors import ArgumentError, DatasetMissingError
from dlframe.study import Results, Seeds
from dlframe.study.experiments import images
from dlframe.study.experiments.images import classes, filters, inside, reading, training
from dlframe.tensor import to_array

SMALL: dict[str, Any] = {"data": "digits", "root": "nowhere", "epochs": 1}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Results]:
    folder = tmp_path_factory.mktemp("images")
    return {
        name: getattr(images, name).changed(seeds=1, baseline=SMALL).run(folder=folder, workers=1)
        for name in ("mnist", "cifar10")
    }


# --- data and networks -------------------------------------------------------------------------


def test_digits_are_normalized_as_written() -> None:
    pixels = to_array(Digits(train=True).data)
    kind = training.pictures("digits")
    assert kind.mean[0] == pytest.approx(pixels.mean(), abs=6e-5)
    assert kind.std[0] == pytest.approx(pixels.std(), abs=6e-5)


def test_only_training_images_are_augmented() -> None:
    train, val = training.training_sets("digits", "nowhere", 0, augmented=True)
    plain, same = training.training_sets("digits", "nowhere", 0)
    assert not set(train.indices) & set(val.indices)
    assert list(train.indices) == list(plain.indices)
    first, again = (to_array(reading.some_images(part, 20)) for part in (val, same))
    np.testing.assert_array_equal(first, again)
    moved, still = (to_array(reading.some_images(part, 20)) for part in (train, plain))
    assert (moved != still).any()


def test_digits_are_not_mirrored_and_photographs_are() -> None:
    names = {
        data: {type(s).__name__ for s in kind.transform(augmented=True).transforms}
        for data, kind in training.PICTURES.items()
    }
    assert "RandomHorizontalFlip" in names["cifar10"]
    assert "RandomHorizontalFlip" not in names["mnist"] | names["digits"]


@pytest.mark.parametrize("network", [training.reader, training.photographs])
@pytest.mark.parametrize("data", training.PICTURES)
def test_networks_fit_every_size_of_images(network: Any, data: str) -> None:
    from dlframe.tensor.creation import zeros

    kind = training.pictures(data)
    assert network(data)(zeros(2, kind.channels, kind.side, kind.side)).shape == (2, 10)


def test_other_data_are_refused_and_missing_ones_named(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="mnist, cifar10, digits; got 'letters'"):
        training.run_descent(Seeds(0), data="letters")
    with pytest.raises(DatasetMissingError, match="CIFAR10"):
        training.run_photographs(Seeds(0), root=str(tmp_path))


def test_as_many_rates_are_tried_for_each_optimizer() -> None:
    assert {len(training.rates({"optimizer": name})["lr"]) for name in training.OPTIMIZERS} == {3}


# --- runs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", training.OPTIMIZERS)
def test_every_optimizer_learns_digits(optimizer: str) -> None:
    lr = training.rates({"optimizer": optimizer})["lr"][1]
    result = training.run_descent(Seeds(0), optimizer, lr, epochs=12, data="digits")
    assert result["test_accuracy"]() > 0.9


def test_a_run_leaves_its_model_only_where_it_has_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    result = training.run_photographs(Seeds(0), epochs=1, data="digits", folder=folder)
    assert not folder.exists()  # before the test
    measured = result["test_accuracy"]()
    model = training.photographs("digits")
    content = training.load_run(folder, model)
    assert float(content["accuracy"]) == measured
    outputs = to_array(training.answers(model, training.test_set("digits", "nowhere")))
    np.testing.assert_allclose(outputs, to_array(content["outputs"]), rtol=1e-5, atol=1e-5)


def test_models_that_were_read_answer_as_in_their_runs(found: dict[str, Results]) -> None:
    for results, network in (
        (found["mnist"], training.reader),
        (found["cifar10"], training.photographs),
    ):
        checks = reading.checks(results, network)
        assert [check.arm for check in checks] == results.arms
        assert all(check.same for check in checks), checks


# --- parts -------------------------------------------------------------------------------------


def test_parts_have_pictures_and_words(found: dict[str, Results]) -> None:
    pytest.importorskip("matplotlib")
    parts = images.explanation.parts(found)
    titles = [part.title for part in parts]
    assert len(set(titles)) == len(titles) == 18
    assert all(part.text for part in parts)
    assert sum(part.figure is not None for part in parts) == 16
    for part in parts:
        if part.table is not None:
            columns, rows = part.table
            assert rows
            assert all(len(row) == len(columns) for row in rows), part.title


def test_without_models_or_images_the_page_says_so(
    found: dict[str, Results], monkeypatch: pytest.MonkeyPatch
) -> None:
    results = found["mnist"]
    monkeypatch.setattr(reading.Read, "test_set", lambda self: None)
    [part] = inside.seen(results, training.reader, filters.sharing)
    assert "not on this machine" in part.text
    assert reading.checks(results, training.reader) == []
    monkeypatch.setattr(Results, "folder_of", lambda self, run: None)
    [part] = inside.seen(results, training.reader, filters.sharing)
    assert "left no models" in part.text


def test_a_study_whose_runs_failed_has_its_parts() -> None:
    pytest.importorskip("matplotlib")
    study = images.cifar10.changed(seeds=1, baseline={"data": "nothing"})
    with pytest.warns(UserWarning, match="none of 2 runs"):
        results = study.run(workers=1)
    parts = inside.parts({"cifar10": results})
    assert [part.figure is None for part in parts] == [False, True, True]


def test_moved_images_have_moved_maps(found: dict[str, Results]) -> None:
    model = reading.best(found["mnist"], training.reader)
    assert model is not None
    part = filters.moved(model, model.test_set())
    assert part.table is not None
    (_, own, dense), *_ = part.table[1]
    assert (own, dense) == ("416", "16,640")  # 16 · (5·5 + 1), and (8·8 + 1) · 16·4·4


def test_the_most_confused_pair_comes_first(found: dict[str, Results]) -> None:
    model = reading.best(found["mnist"], training.reader)
    assert model is not None
    part = classes.confused(model, model.test_set())
    assert part.table is not None
    counts = [int(first) + int(second) for _, first, second, _ in part.table[1]]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 0


def test_a_network_with_one_answer_has_intervals_too(found: dict[str, Results]) -> None:
    """A class that was never named has no precision."""
    pytest.importorskip("matplotlib")
    model = reading.best(found["mnist"], training.reader)
    assert model is not None
    outputs = np.zeros_like(model.outputs)
    outputs[:, 3] = 1
    same = reading.Read(model.study, model.run, model.model, outputs, 0.1, 0)
    part = classes.scores(same, same.test_set())
    assert part.table is not None
    assert part.table[1][0][2] == "–"
