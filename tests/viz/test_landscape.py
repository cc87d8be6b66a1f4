"""Landscapes: directions, values, projected paths, and a model that is left as it was."""

from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe import Trainer, nn, optim
from dlframe.errors import ArgumentError
from dlframe.training import Snapshots
from dlframe.viz import Landscape, landscape, principal_directions, random_directions

X = dl.linspace(-1, 1, 24).reshape(12, 2)
Y = X.sum(dim=1, keepdim=True)

MODELS = {
    "linear": lambda: nn.Linear(2, 1),
    "batch norm and dropout": lambda: nn.Sequential(
        nn.Linear(2, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.3), nn.Linear(6, 1)
    ),
    "spectral norm": lambda: nn.Sequential(
        nn.utils.parametrizations.spectral_norm(nn.Linear(2, 5)), nn.Tanh(), nn.Linear(5, 1)
    ),
    "float64": lambda: nn.Linear(2, 1).double().float(),
}


def everything(model):
    return (
        [(t.array.tobytes(), id(t.array)) for t in (*model.parameters(), *model.buffers())],
        [None if p.grad is None else (id(p.grad), p.grad.tolist()) for p in model.parameters()],
        [module.training for module in model.modules()],
        dl.get_rng_state().tolist(),
    )


@pytest.mark.parametrize("name", MODELS)
def test_the_model_is_as_it_was(name):
    model = MODELS[name]()
    nn.functional.mse_loss(model(X), Y).backward()
    next(iter(model.modules())).train()
    directions = random_directions(model)
    before = everything(model)
    found = landscape(model, nn.MSELoss(), (X, Y), directions, points=3)
    assert everything(model) == before
    calls = []

    def failing(output, target):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return nn.functional.mse_loss(output, target)

    with pytest.raises(KeyboardInterrupt):
        landscape(model, failing, (X, Y), directions, points=3)
    assert everything(model) == before
    with dl.no_grad():
        here = nn.functional.mse_loss(model.eval()(X), Y).item()
    assert found.center == pytest.approx(here, rel=1e-5)
    assert found.values[1, 1] == pytest.approx(here, rel=1e-5)


def test_random_directions_have_the_norms_of_the_filters():
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3, 4))
    with dl.no_grad():
        model[3].weight[1] = 0.0
    first, second = random_directions(model)
    for name, p in model.named_parameters():
        assert first[name].shape == tuple(p.shape)
        if p.ndim < 2:
            assert not first[name].any()
            continue
        rows = len(p.array)
        norms = np.linalg.norm(p.array.reshape(rows, -1), axis=1)
        np.testing.assert_allclose(
            np.linalg.norm(first[name].reshape(rows, -1), axis=1), norms, rtol=1e-6
        )
        assert not np.allclose(first[name], second[name])
    assert not first["3.weight"][1].any()
    (all_of_it,) = random_directions(model, 1, biases=True)
    bias = model[3].bias.array
    np.testing.assert_allclose(np.linalg.norm(all_of_it["3.bias"]), np.linalg.norm(bias), rtol=1e-6)
    one, other = (random_directions(model, generator=dl.Generator().manual_seed(1)) for _ in "ab")
    np.testing.assert_array_equal(one[1]["0.weight"], other[1]["0.weight"])


def test_principal_directions_find_the_plane_of_a_path(rng):
    basis = np.linalg.qr(rng.normal(size=(7, 2)))[0].T
    coordinates = np.stack([np.linspace(-3, 3, 9), np.linspace(-1, 1, 9) ** 2], axis=1)
    rows = 5 + coordinates @ basis
    path = [{"a": row[:4].reshape(2, 2), "b": row[4:]} for row in rows]
    directions, shares = principal_directions(path)
    flat = np.stack([np.concatenate([d["a"].ravel(), d["b"]]) for d in directions])
    np.testing.assert_allclose(flat @ flat.T, np.eye(2), atol=1e-9)
    np.testing.assert_allclose(flat @ basis.T @ basis, flat, atol=1e-9)  # in the plane
    assert shares[0] > shares[1]
    assert sum(shares) == pytest.approx(1)
    centred = rows - rows.mean(axis=0)
    np.testing.assert_allclose(
        ((centred @ flat.T) ** 2).sum(axis=0) / (centred**2).sum(), shares, rtol=1e-9
    )
    assert (centred[0] @ flat[0]) < 0
    with pytest.raises(ArgumentError, match="2 snapshots have 1 independent directions, 2 are"):
        principal_directions(path[:2])
    with pytest.raises(ArgumentError, match=r"snapshots \[1\] have values that are not finite"):
        principal_directions([path[0], {"a": path[0]["a"] * np.nan, "b": path[0]["b"]}, path[1]])


def test_values_are_the_losses_at_the_places():
    """For y = w x without bias, mean (w x - 0)² is w² mean x², known in closed form."""
    model = nn.Linear(2, 1, bias=False)
    with dl.no_grad():
        model.weight.copy_(dl.tensor([[1.0, -2.0]]))
    x, y = dl.eye(2), dl.zeros(2, 1)
    directions = [{"weight": np.array([[1.0, 0.0]])}, {"weight": np.array([[0.0, 1.0]])}]
    found = landscape(model, nn.MSELoss(), (x, y), directions, extent=(-1, 2), points=4)
    a, b = np.meshgrid(*found.axes)
    np.testing.assert_allclose(found.axes[0], [-1, 0, 1, 2])
    np.testing.assert_allclose(found.values, ((1 + a) ** 2 + (b - 2) ** 2) / 2, rtol=1e-6)
    assert found.center == 2.5
    line = landscape(model, nn.MSELoss(reduction="sum"), (x, y), directions[:1], points=5)
    np.testing.assert_allclose(line.values, ((1 + line.axes[0]) ** 2 + 4) / 2, rtol=1e-6)
    halves = landscape(model, nn.MSELoss(), (x, y), directions[:1], points=5, batch_size=1)
    np.testing.assert_allclose(halves.values, line.values, rtol=1e-6)


def test_paths_are_projected_by_least_squares():
    model = nn.Linear(2, 1, bias=False)
    center = model.weight.array.astype(np.float64)
    oblique = [{"weight": np.array([[1.0, 0.0]])}, {"weight": np.array([[1.0, 1.0]])}]
    places = np.array([[2.0, -1.0], [0.5, 0.25], [0.0, 0.0]])
    path = [
        {"weight": center + a * oblique[0]["weight"] + b * oblique[1]["weight"]} for a, b in places
    ]
    found = landscape(model, nn.MSELoss(), (X, Y), oblique, snapshots=path, points=2)
    np.testing.assert_allclose(found.path, places, atol=1e-9)
    assert found.captured == pytest.approx(1)
    np.testing.assert_allclose(found.axes[0], [-0.4, 2.4], atol=1e-9)
    line = landscape(model, nn.MSELoss(), (X, Y), oblique[:1], snapshots=path, points=2)
    np.testing.assert_allclose(line.path[:, 0], places.sum(axis=1), atol=1e-9)
    assert line.captured == pytest.approx(1 - 1.0625 / (1 + 1 + 0.75**2 + 0.25**2))


def test_snapshots_of_a_trainer_and_of_a_loop():
    model = nn.Linear(2, 1)
    snapshots, often = Snapshots(), Snapshots(every_batches=2)
    trainer = Trainer(
        model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1), callbacks=[snapshots, often]
    )
    start = model.weight.array.copy()
    trainer.fit((X, Y), epochs=3, batch_size=4, progress=False)
    assert snapshots.steps == [0, 3, 6, 9]
    assert often.steps == [0, 2, 4, 6, 8]
    np.testing.assert_array_equal(snapshots.weights[0]["weight"], start)
    np.testing.assert_array_equal(snapshots.weights[-1]["weight"], model.weight.array)
    loaded = Snapshots()
    loaded.load_state_dict(snapshots.state_dict())
    assert loaded.steps == snapshots.steps
    np.testing.assert_array_equal(loaded.weights[2]["bias"], snapshots.weights[2]["bias"])
    found = landscape(model, nn.MSELoss(), (X, Y), snapshots=snapshots, points=3)
    np.testing.assert_allclose(found.path[-1], 0, atol=1e-9)
    assert found.path[0, 0] < 0 < sum(found.explained) <= 1 + 1e-9
    loop = Snapshots()
    loop.record(model)
    loop.record(model)
    assert loop.steps == [0, 1]
    with pytest.raises(ArgumentError, match="every_batches must be 1 or more"):
        Snapshots(every_batches=0)


def test_snapshots_survive_a_checkpoint(tmp_path):
    def trainer_with(snapshots):
        model = nn.Linear(2, 1)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        return Trainer(model, nn.MSELoss(), optimizer, callbacks=[snapshots])

    first, second = Snapshots(), Snapshots()
    trainer = trainer_with(first)
    trainer.fit((X, Y), epochs=2, batch_size=4, progress=False)
    trainer.save(tmp_path / "run.h5")
    resumed = trainer_with(second)
    resumed.resume(tmp_path / "run.h5")
    resumed.fit((X, Y), epochs=3, batch_size=4, progress=False)
    assert second.steps == [0, 3, 6, 9]
    np.testing.assert_array_equal(second.weights[1]["weight"], first.weights[1]["weight"])


@pytest.mark.slow
def test_pictures_show_path_gaps_and_words(texts, inside, tmp_path):
    axis = np.linspace(-1, 1, 9)
    values = axis**2 + 4 * axis[:, None] ** 2
    values[0, :3] = np.nan
    values[1, 0] = np.inf
    path = np.array([[-0.8, 0.5], [-0.3, 0.1], [0.0, 0.0]])
    directions = ({"w": np.ones(1)}, {"w": np.zeros(1)})
    found = Landscape(values, (axis, axis), directions, 0.0, path, 0.9, (0.8, 0.1))
    assert found.missing == 4
    figure = found.plot(path=tmp_path / "landscape.png")
    assert (tmp_path / "landscape.png").stat().st_size > 1000
    shown = texts(figure)
    assert {"the model", "training", "first snapshot", "not finite"} <= shown
    assert "principal direction 1 (80.0 % of the path)" in shown
    assert "4 of 81 values are not finite" in " ".join(shown)
    inside(figure)
    lines = [line for line in figure.axes[0].lines if line.get_label() == "training"]
    np.testing.assert_array_equal(lines[0].get_xydata(), path)

    curve = Landscape(values[0], (axis,), directions[:1], 0.0, path[:, :1], 0.9)
    figure = curve.plot(title="Along one direction")
    assert {"Along one direction", "direction 1", "training"} <= texts(figure)
    inside(figure)
    for flat in (np.ones((9, 9)), np.full((9, 9), np.nan)):
        inside(Landscape(flat, (axis, axis), directions, float("nan")).plot())


def test_losses_that_overflow_are_gaps():
    model = nn.Linear(2, 1)
    found = landscape(model, nn.MSELoss(), (X, Y), extent=1e30, points=3)
    assert 0 < found.missing < 9
    assert "values are not finite" in str(found)


def test_what_does_not_fit():
    model, loss = nn.Linear(2, 1), nn.MSELoss()
    with pytest.raises(ArgumentError, match="points must be 2 or more"):
        landscape(model, loss, (X, Y), points=1)
    with pytest.raises(ArgumentError, match="one or two directions; got 3"):
        landscape(model, loss, (X, Y), random_directions(model, 3))
    with pytest.raises(ArgumentError, match=r"'weight' has shape \(1, 3\) there, and \(1, 2\) in"):
        landscape(model, loss, (X, Y), random_directions(nn.Linear(3, 1)))
    with pytest.raises(ArgumentError, match="extent must be a range"):
        landscape(model, loss, (X, Y), extent=(1.0, 1.0))
    with pytest.raises(ArgumentError, match="the data gave no batch"):
        landscape(model, loss, [])


def test_random_directions_leave_the_random_numbers_as_they_were():
    dl.manual_seed(3)
    model = nn.Linear(2, 1)
    first = landscape(model, nn.MSELoss(), (X, Y), points=3)
    drawn = dl.rand(3).numpy()
    dl.manual_seed(3)
    nn.Linear(2, 1)
    np.testing.assert_array_equal(dl.rand(3).numpy(), drawn)
    again = landscape(model, nn.MSELoss(), (X, Y), points=3)
    np.testing.assert_array_equal(first.values, again.values)
    other = landscape(
        model, nn.MSELoss(), (X, Y), points=3, generator=dl.Generator().manual_seed(1)
    )
    assert not np.array_equal(first.values, other.values)


def test_labels_of_contours_are_apart():
    axis = np.linspace(-1, 1, 31)
    bowl = 0.1 + (axis[None] / 0.2) ** 2 + axis[:, None] ** 2  # a narrow valley
    figure = Landscape(bowl, (axis, axis), ({}, {}), 0.1).plot()
    figure.canvas.draw()
    axes = figure.axes[0]
    boxes = [text.get_window_extent() for text in axes.texts if text.get_text()]
    assert len(boxes) >= 3
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
