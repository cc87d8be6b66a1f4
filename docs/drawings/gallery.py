"""The gallery of `dlframe.viz`: the pictures of the demo itself, and of small trained networks."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import dlframe as dl
from dlframe import Trainer, data, metrics, models, nn, optim, viz
from dlframe.cli import main
from dlframe.data import transforms
from dlframe.data.datasets import Digits, Moons, Spirals


def demo() -> dict[str, Any]:
    """What `make demo` leaves in its folder."""
    folder = Path(tempfile.mkdtemp())
    main(["train", "--data", "digits", "--model", "cnn", "--seed", "0", "--out", str(folder)])
    names = ("samples", "curves", "confusion", "mistakes")
    return {f"-{name}": folder / f"{name}.png" for name in names}


def _classifier(points: Any, widths: list[int], epochs: int) -> nn.Module:
    model = models.mlp(2, widths, len(points.classes), activation="Tanh")
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    trainer = Trainer(model, nn.CrossEntropyLoss(), optimizer)
    trainer.fit(points, epochs=epochs, progress=False)
    return model.eval()


def boundaries() -> dict[str, Any]:
    """Two data sets in the plane, and what a small network believes about them."""
    dl.manual_seed(0)
    found = {}
    for name, points, epochs in (("-moons", Moons(300, 0.2), 40), ("-spirals", Spirals(450), 80)):
        model = _classifier(points, [24, 24], epochs)
        found[name] = viz.decision_boundary(
            model, points.data, points.targets, points.classes, title=f"{name[1:].title()}, 2-24-24"
        )
    return found


def filters() -> Any:
    """The first kernels of a convolution that learned digits for five epochs."""
    dl.manual_seed(0)
    layer = nn.Conv2d(1, 16, 5, padding=2)
    model = nn.Sequential(layer, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 10))
    trainer = Trainer(model, nn.CrossEntropyLoss(), optim.Adam(model.parameters(), lr=5e-3))
    trainer.fit(Digits(), epochs=5, progress=False)
    return viz.filters_grid(layer.weight, columns=8)


def tracker() -> Any:
    """A noisy loss per step, smoothed."""
    dl.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    track = viz.Tracker(smoothing=0.9)
    loader = data.DataLoader(Digits(), batch_size=16, shuffle=True)
    step = 0
    for _ in range(4):
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            step += 1
            track.log(step, loss=loss.item())
    return track.draw()


def compared() -> dict[str, Any]:
    """Five runs of each of four optimizers on points in the plane."""
    ways = {
        "SGD": lambda p: optim.SGD(p, lr=0.1),
        "SGD with momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
        "RMSprop": lambda p: optim.RMSprop(p, lr=0.01),
        "Adam": lambda p: optim.Adam(p, lr=0.01),
    }
    dl.manual_seed(0)
    points, unseen = Spirals(300), Spirals(300)
    runs: dict[str, list[Any]] = {name: [] for name in ways}
    for name, way in ways.items():
        for seed in range(5):
            dl.manual_seed(seed)
            model = models.mlp(2, [24, 24], 3)
            trainer = Trainer(
                model, nn.CrossEntropyLoss(), way(model.parameters()), [metrics.Accuracy()]
            )
            runs[name].append(trainer.fit(points, unseen, epochs=30, progress=False))
    title = "Three spirals, 2-24-24-3"
    return {
        "runs": viz.compare(runs, title=title),
        "outcomes": viz.outcomes(runs, "val_accuracy", title=title),
    }


def classifiers() -> dict[str, Any]:
    """A linear model of digits; and two networks for moons, of which one trained for too long."""
    dl.manual_seed(0)
    model, digits = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), Digits(train=False)
    trainer = Trainer(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1))
    trainer.fit(Digits(), epochs=2, progress=False)
    guesses = trainer.predict(digits.data).numpy()
    outputs, unseen = {}, Moons(1000, 0.35)
    few = Moons(60, 0.35)
    for name, epochs in (("20 epochs", 20), ("600 epochs", 600)):
        scores = _classifier(few, [32, 32], epochs)(unseen.data).detach().numpy()
        outputs[name] = scores[:, 1] - scores[:, 0]
    labels, title = unseen.targets.numpy(), "Noisy moons, trained on 60 points"
    return {
        "classes": viz.class_scores(guesses, digits.classes, target=digits.targets),
        "roc": viz.roc(outputs, labels, title=title),
        "precision": viz.precision_recall(outputs, labels, title=title),
        "det": viz.det(outputs, labels, title=title),
        "calibration": viz.calibration(outputs, labels, scores="logits", title=title),
        "thresholds": viz.thresholds(outputs["20 epochs"], labels, title=title),
    }


def attributions() -> dict[str, Any]:
    """What a small network looks at in digits, and what its first layer makes of one."""
    dl.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 10),
    )  # fmt: skip
    trainer = Trainer(model, nn.CrossEntropyLoss(), optim.Adam(model.parameters(), lr=5e-3))
    trainer.fit(Digits(), epochs=5, progress=False)
    digits = Digits(train=False)
    return {
        "occlusion": viz.occlusion(model, digits.data[:4], size=2).plot(digits.classes),
        "maps": viz.feature_maps(model, digits.data[0], "1", columns=8),
    }


def samples() -> dict[str, Any]:
    """The hidden units of a small network for digits, in the plane."""
    dl.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    trainer = Trainer(model, nn.CrossEntropyLoss(), optim.Adam(model.parameters(), lr=0.01))
    trainer.fit(Digits(), epochs=5, progress=False)
    digits = Digits(train=False)
    tsne = viz.embedding(trainer, digits, layer="1", method="tsne", images=True)
    return {
        "-pca": viz.embedding(trainer, digits, layer="1").plot(),
        "-tsne": tsne.plot(),
    }


def heads() -> Any:
    """What two layers with two heads look at, that learned to say which letter came two before."""
    dl.manual_seed(0)
    layer = nn.TransformerEncoderLayer(32, 2, 64, dropout=0.0, batch_first=True)

    class Copier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.letter, self.place = nn.Embedding(8, 32), nn.Embedding(10, 32)
            self.encoder, self.out = nn.TransformerEncoder(layer, 2), nn.Linear(32, 8)

        def forward(self, x: Any) -> Any:
            hidden = self.letter(x) + self.place(dl.arange(x.shape[1]))
            mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
            return self.out(self.encoder(hidden, mask=mask, is_causal=True))

    model = Copier()
    optimizer = optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(300):
        x = dl.randint(0, 8, (64, 10))
        loss = nn.functional.cross_entropy(model(x)[:, 2:].reshape(-1, 8), x[:, :-2].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    x = dl.randint(0, 8, (1, 10))
    found = viz.attention(model, x)
    title = "Which letter came two before?"
    return found.plot(["abcdefgh"[i] for i in x[0].tolist()], title=title)


class Residual(nn.Module):
    """A residual block."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(out)
        self.short = nn.Conv2d(channels, out, 1, stride, bias=False)

    def forward(self, x: Any) -> Any:
        y = self.norm1(self.conv1(x)).relu()
        return (self.norm2(self.conv2(y)) + self.short(x)).relu()


def architecture() -> Any:
    """A residual block between the usual beginning and end."""
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), Residual(16, 32, 2), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip
    return viz.architecture(model, (16, 3, 32, 32))


def augmentation() -> Any:
    """One digit, as it comes in eight epochs."""
    dl.manual_seed(0)
    change = transforms.Compose(
        [transforms.RandomCrop(8, padding=1), transforms.RandomHorizontalFlip()]
    )
    digits = Digits(transform=change)
    loader = data.DataLoader(digits, batch_size=8)
    seen = [next(iter(loader))[0].numpy()[4] for _ in range(8)]
    original = Digits().data.numpy()[4]
    captions = ["original", *[f"epoch {i}" for i in range(1, 9)]]
    return viz.sample_grid(np.stack([original, *seen]), captions, columns=9)


def residuals() -> Any:
    """Numbers whose errors grow with them."""
    rng = np.random.default_rng(0)
    true = np.exp(rng.normal(size=400))
    return viz.residuals(true * np.exp(0.15 * rng.normal(size=400)), true)


PICTURES = {
    "demo": demo,
    "boundary": boundaries,
    "filters": filters,
    "tracker": tracker,
    "compared-": compared,
    "classifier-": classifiers,
    "attribution-": attributions,
    "samples": samples,
    "attention-heads-drawn": heads,
    "architecture": architecture,
    "augmentation": augmentation,
    "residuals": residuals,
}
