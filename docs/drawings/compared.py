"""Optimizers, schedules and regularizers on the same small problems, each at its best setting."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

import dlframe as dl
from dlframe import nn, optim
from dlframe.data.datasets import Digits
from dlframe.nn.functional import cross_entropy
from dlframe.optim import lr_scheduler as lrs
from drawings.page import BLUE, HAIRLINE, INK, MUTED, ORANGE, axes_page

RATES = [10 ** (k / 2) for k in range(-8, 4)]  # 0.0001, 0.00032, 0.001, ... 32
Make = Callable[[nn.Module, float], Any]
Array = np.ndarray[Any, Any]


@cache
def digits(train: bool) -> tuple[dl.Tensor, dl.Tensor]:
    """Images as rows of 64 numbers from 0 to 1, and their classes."""
    data = Digits(train=train)
    return data.data.flatten(1), data.targets


def batches(count: int, size: int) -> Iterable[Any]:
    """The rows of each full batch of an epoch, in random order."""
    order = dl.randperm(count)
    return (order[k : k + size] for k in range(0, count - size + 1, size))


def classifier(hidden: int, *between: nn.Module) -> nn.Module:
    """From 64 inputs to 10 logits."""
    return nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), *between, nn.Linear(hidden, 10))


def loss_of(model: nn.Module, x: dl.Tensor, y: dl.Tensor) -> float:
    """The mean loss in evaluation mode."""
    with dl.no_grad():
        return cross_entropy(model.eval()(x), y).item()


class Both:
    """Two optimizers that step together: Muon for a matrix, AdamW for the rest."""

    def __init__(self, model: nn.Module, lr: float) -> None:
        matrices = [model[0].weight]
        others = [p for p in model.parameters() if p is not matrices[0]]
        self.parts = [optim.Muon(matrices, lr=lr), optim.AdamW(others, lr=lr)]

    def zero_grad(self) -> None:
        """Clear all gradients."""
        for part in self.parts:
            part.zero_grad()

    def step(self, closure: Callable[[], Any]) -> None:
        """Compute the gradients once, and make a step of both."""
        closure()
        for part in self.parts:
            part.step()


def made(name: str, **options: Any) -> Make:
    """What makes an optimizer for a model and a rate."""
    return lambda model, lr: getattr(optim, name)(model.parameters(), lr=lr, **options)


NAMES = ["SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "SparseAdam", "RMSprop", "Adagrad"]
NAMES += ["Adadelta", "Rprop", "ASGD", "Adafactor"]
MAKERS: dict[str, Make] = {
    "SGD": made("SGD"),
    "SGD, momentum=0.9": made("SGD", momentum=0.9),
    **{name: made(name) for name in NAMES[1:]},
    "Muon, with AdamW": Both,
    "LBFGS, max_iter=1": made("LBFGS", max_iter=1),
}


# --- optimizers --------------------------------------------------------------------------------


def trained(make: Make, lr: float, seed: int) -> float:
    """The loss over all 1442 digits after five epochs in batches of 32; infinite if it diverges."""
    dl.manual_seed(seed)
    x, y = digits(True)
    model = classifier(32)
    optimizer = make(model, lr)
    for _ in range(5):
        for rows in batches(len(x), 32):

            def closure(rows: Any = rows) -> Any:
                optimizer.zero_grad()
                loss = cross_entropy(model(x[rows]), y[rows])
                loss.backward()
                return loss

            optimizer.step(closure)
            if not np.isfinite(model[0].bias.array).all():
                return math.inf
    return loss_of(model, x, y)


def optimizers_in_batches() -> Any:
    """The loss after training over the learning rate, a panel for each optimizer."""
    figure, grid = axes_page(4, 4, 9.6, 7.2)
    top, bottom = 6.0, 0.004
    for axes, (name, make) in zip(grid.ravel(), MAKERS.items(), strict=True):
        losses = np.array([np.mean([trained(make, lr, seed) for seed in (0, 1)]) for lr in RATES])
        losses = np.where(np.isfinite(losses), losses, 1e9)
        best = int(losses.argmin())
        good = [lr for lr, loss in zip(RATES, losses, strict=True) if loss <= 2 * losses[best]]
        axes.axvspan(min(good) / 10**0.25, max(good) * 10**0.25, color="#dfe7f1", zorder=0)
        axes.axhline(math.log(10), color=MUTED, lw=0.7, ls=(0, (3, 2)), zorder=1)
        axes.plot(RATES, np.minimum(losses, 2 * top), color=BLUE, marker="o", ms=2.5, lw=1.4)
        axes.plot(RATES[best], losses[best], "o", ms=6, mfc="white", mec=INK, mew=1.4, zorder=4)
        axes.set(xscale="log", yscale="log", ylim=(bottom, top), xlim=(7e-5, 50))
        axes.set_xticks([1e-4, 1e-2, 1], ["0.0001", "0.01", "1"])
        axes.set_yticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
        axes.minorticks_off()
        axes.set_title(name, size=8.5)
    for axes in grid[-1]:
        axes.set_xlabel("learning rate")
    for axes in grid[:, 0]:
        axes.set_ylabel("loss")
    return figure


class Spent(Exception):
    """All evaluations have been made."""


def fitted(make: Make, lr: float, seed: int) -> float:
    """The loss of a curve fitted by 37 weights, after 300 gradients; infinite if it diverges."""
    dl.manual_seed(seed)
    x = dl.linspace(-2, 2, 60, dtype=dl.float64)[:, None]
    y = (2 * x).sin() + 0.3 * x
    model = nn.Sequential(nn.Linear(1, 12), nn.Tanh(), nn.Linear(12, 1)).double()
    optimizer = make(model, lr)
    best, calls = math.inf, 0

    def closure() -> Any:
        nonlocal best, calls
        if calls == 300:
            raise Spent
        calls += 1
        optimizer.zero_grad()
        loss = (model(x) - y).square().mean()
        if not math.isfinite(loss.item()):
            best = math.inf
            raise Spent
        best = min(best, loss.item())
        loss.backward()
        return loss

    try:
        while True:
            optimizer.step(closure)
    except (Spent, dl.errors.AnomalyError):
        return best


def optimizers_on_all_data() -> Any:
    """The best loss within 300 gradients of the whole data, each at its best learning rate."""
    plain = [name for name in MAKERS if "LBFGS" not in name]
    found = {}
    for name in plain:
        losses = [spread(partial(fitted, MAKERS[name], lr)) for lr in RATES]
        best = min(range(len(RATES)), key=lambda k: losses[k][1])
        found[f"{name}, lr={float(f'{RATES[best]:.1g}'):g}"] = losses[best]
    searching = made("LBFGS", line_search_fn="strong_wolfe")
    found['LBFGS, "strong_wolfe"'] = spread(partial(fitted, searching, 1.0))
    for method in ("CG", "L-BFGS-B", "BFGS"):
        wrapped = partial(_minimizer, method)
        found[f'SciPy, "{method}"'] = spread(partial(fitted, wrapped, 0.0))
    figure, grid = axes_page(1, 1, 6.6, 4.6)
    axes = grid[0, 0]
    order = sorted(found, key=lambda name: found[name][1])
    for place, name in enumerate(order):
        low, middle, high = found[name]
        axes.plot([low, high], [place, place], color=BLUE, lw=1.4)
        axes.plot(middle, place, "o", ms=5, color=BLUE)
        axes.axhline(place, color=HAIRLINE, lw=0.6, zorder=0)
    axes.set_yticks(range(len(order)), order, size=8)
    axes.set(xscale="log", ylim=(len(order) - 0.4, -0.6))
    axes.set_xticks([1e-6, 1e-5, 1e-4, 1e-3, 1e-2], ["10⁻⁶", "10⁻⁵", "10⁻⁴", "0.001", "0.01"])
    axes.minorticks_off()
    axes.set_xlabel("mean squared error, of three starts")
    return figure


def spread(run: Callable[[int], float]) -> tuple[float, float, float]:
    """The least, the middle and the largest of three seeds."""
    low, middle, high = sorted(run(seed) for seed in (0, 1, 2))
    return low, middle, high


def _minimizer(method: str, model: nn.Module, _: float) -> Any:
    return optim.SciPy(model.parameters(), method)


# --- schedules ---------------------------------------------------------------------------------

BATCH, EPOCHS = 16, 8
STEPS = EPOCHS * (1442 // BATCH)

SCHEDULES: dict[str, Callable[[Any], Any]] = {
    "no schedule": lambda o: None,
    "ConstantLR, 1/3 for 5 %": lambda o: lrs.ConstantLR(o, 1 / 3, STEPS // 20),
    "LinearLR, 0.1 to 1 in 5 %": lambda o: lrs.LinearLR(o, 0.1, total_iters=STEPS // 20),
    "StepLR, ×0.1 each third": lambda o: lrs.StepLR(o, STEPS // 3, 0.1),
    "MultiStepLR, ×0.1 at 50, 75 %": lambda o: lrs.MultiStepLR(o, [STEPS // 2, STEPS * 3 // 4]),
    "ExponentialLR, to 0.01": lambda o: lrs.ExponentialLR(o, 0.01 ** (1 / STEPS)),
    "LambdaLR, 1 / (1 + 10 share)": lambda o: lrs.LambdaLR(o, lambda t: 1 / (1 + 10 * t / STEPS)),
    "PolynomialLR, power=2": lambda o: lrs.PolynomialLR(o, STEPS, 2.0),
    "LinearLR, 1 to 0": lambda o: lrs.LinearLR(o, 1.0, 0.0, STEPS),
    "CosineAnnealingLR": lambda o: lrs.CosineAnnealingLR(o, STEPS),
    "LinearLR, then cosine (SequentialLR)": lambda o: lrs.SequentialLR(
        o,
        [
            lrs.LinearLR(o, 0.1, total_iters=STEPS // 20),
            lrs.CosineAnnealingLR(o, STEPS - STEPS // 20),
        ],
        [STEPS // 20],
    ),
    "CosineAnnealingWarmRestarts": lambda o: lrs.CosineAnnealingWarmRestarts(o, STEPS // 7 + 1, 2),
    'CyclicLR, "triangular2"': lambda o: lrs.CyclicLR(
        o, o.defaults["lr"] / 10, o.defaults["lr"], STEPS // 8, mode="triangular2"
    ),
    "OneCycleLR": lambda o: lrs.OneCycleLR(o, o.defaults["lr"], STEPS),
    "ReduceLROnPlateau, ×0.3": lambda o: lrs.ReduceLROnPlateau(o, factor=0.3, patience=0),
}


def scheduled(make: Callable[[Any], Any], lr: float, seed: int) -> Array:
    """The losses over training and test digits, of SGD with momentum under a schedule."""
    dl.manual_seed(seed)
    x, y = digits(True)
    model = classifier(32)
    optimizer = optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    schedule = make(optimizer)
    by_epoch = isinstance(schedule, lrs.ReduceLROnPlateau)
    for _ in range(EPOCHS):
        losses = []
        for rows in batches(len(x), BATCH):
            optimizer.zero_grad()
            loss = cross_entropy(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if schedule is not None and not by_epoch and schedule.last_epoch < STEPS - 1:
                schedule.step()
        if by_epoch:
            schedule.step(np.mean(losses))
    return np.array([loss_of(model, x, y), loss_of(model, *digits(False))])


def schedules_compared() -> Any:
    """The losses after eight epochs, each schedule with the best of four learning rates."""
    found = {}
    for name, make in SCHEDULES.items():
        losses = {
            lr: np.mean([scheduled(make, lr, seed) for seed in (0, 1)], axis=0)
            for lr in (0.03, 0.1, 0.2, 0.3)
        }
        best = min(losses, key=lambda lr: float(losses[lr][0]))
        found[f"{name}: lr={best:g}"] = losses[best]
    return dots(found, 0, "loss after eight epochs, mean of two runs", (0.01, 0.3))


# --- regularizers ------------------------------------------------------------------------------


class Setting(NamedTuple):
    """What one run of `regularized` has beside the loss; the functions get model or parameters."""

    make: Callable[[Any], Any] = partial(optim.Adam, lr=3e-3)
    penalty: Callable[[nn.Module], Any] | None = None
    hook: Callable[[nn.Module], Any] | None = None
    smoothing: float = 0.0
    dropout: float = 0.0
    stops: bool = False


REGULARIZERS: dict[str, list[tuple[float | str, Setting]]] = {
    "no regularization": [("", Setting())],
    "L1": [(s, Setting(penalty=partial(optim.L1, strength=s))) for s in (1e-3, 3e-3, 1e-2)],
    "L2": [(s, Setting(penalty=partial(optim.L2, strength=s))) for s in (3e-3, 1e-2, 3e-2)],
    "Elastic": [(s, Setting(penalty=partial(optim.Elastic, strength=s))) for s in (1e-3, 3e-3)],
    "AdamW, weight_decay": [
        (s, Setting(partial(optim.AdamW, lr=3e-3, weight_decay=s))) for s in (0.1, 1.0, 3.0)
    ],
    "MaxNorm": [(s, Setting(hook=partial(optim.MaxNorm, max_norm=s))) for s in (0.7, 1.0, 1.5)],
    "UnitNorm": [("", Setting(hook=optim.UnitNorm))],
    "NonNegative": [("", Setting(hook=optim.NonNegative))],
    "Bounds ±": [(s, Setting(hook=partial(optim.Bounds, low=-s, high=s))) for s in (0.1, 0.2, 0.3)],
    "GradientNoise": [
        (s, Setting(hook=lambda _, s=s: optim.GradientNoise(s))) for s in (1e-3, 1e-2, 0.3)
    ],
    "ClipGradNorm": [(s, Setting(hook=lambda _, s=s: optim.ClipGradNorm(s))) for s in (0.1, 1.0)],
    "SAM": [
        (s, Setting(lambda p, s=s: optim.SAM(optim.Adam(p, lr=3e-3), rho=s)))
        for s in (0.1, 0.3, 0.5)
    ],
    "label smoothing": [(s, Setting(smoothing=s)) for s in (0.1, 0.2)],
    "dropout": [(s, Setting(dropout=s)) for s in (0.3, 0.5, 0.7)],
    "early stopping": [("", Setting(stops=True))],
}
FEW = 200


@cache
def few_digits() -> tuple[dl.Tensor, dl.Tensor]:
    """200 digits, one in seven of them with a class drawn by chance."""
    x, y = digits(True)
    rng = np.random.default_rng(0)
    wrong = rng.random(FEW) < 0.15
    labels = np.where(wrong, rng.integers(0, 10, FEW), y[:FEW].numpy())
    return x[:FEW], dl.tensor(labels)


def regularized(setting: Setting, seed: int, watch: Callable[[Any], None] | None = None) -> Array:
    """The losses over training, test and validation data after sixty epochs on few digits."""
    dl.manual_seed(seed)
    x, y = few_digits()
    others = tuple(part[FEW : 2 * FEW] for part in digits(True))
    model = classifier(64, nn.Dropout(setting.dropout))
    optimizer = setting.make(model.parameters())
    penalty = setting.penalty(model) if setting.penalty else None
    if setting.hook:
        setting.hook(model).attach(optimizer)
    kept: list[Any] = [math.inf, None]
    for _ in range(60):
        for rows in batches(FEW, 20):

            def closure(rows: Any = rows) -> Any:
                optimizer.zero_grad()
                loss = cross_entropy(model(x[rows]), y[rows], label_smoothing=setting.smoothing)
                (loss if penalty is None else loss + penalty()).backward()
                return loss

            model.train()
            optimizer.step(closure)
        if watch:
            watch(model)
        if setting.stops and (loss := loss_of(model, *others)) < kept[0]:
            kept = [loss, {name: value.clone() for name, value in model.state_dict().items()}]
    if setting.stops:
        model.load_state_dict(kept[1])
    rest = tuple(part[2 * FEW :] for part in digits(True))
    return np.array([loss_of(model, *data) for data in ((x, y), rest, others)])


def regularizers_compared() -> Any:
    """The losses of a network that learns wrong labels by heart, under each regularizer."""
    found = {}
    for name, settings in REGULARIZERS.items():
        losses = [
            (np.mean([regularized(setting, seed) for seed in (0, 1)], axis=0), strength)
            for strength, setting in settings
        ]
        best, strength = min(losses, key=lambda entry: float(entry[0][2]))
        found[f"{name} {strength}".strip()] = best[:2]
    return dots(found, 1, "loss after sixty epochs, mean of two runs", (0.2, 1.4))


# --- rows of dots ------------------------------------------------------------------------------


def dots(found: dict[str, Array], by: int, label: str, limits: tuple[float, float]) -> Any:
    """Two losses for each row, sorted by one of them."""
    figure, grid = axes_page(1, 1, 7.0, 0.27 * len(found) + 0.7)
    axes = grid[0, 0]
    order = sorted(found, key=lambda name: float(found[name][by]))
    for place, name in enumerate(order):
        training, test = found[name]
        axes.axhline(place, color=HAIRLINE, lw=0.6, zorder=0)
        axes.plot(training, place, "o", ms=5.5, mfc="white", mec=BLUE, mew=1.5)
        axes.plot(test, place, "D", ms=5, color=ORANGE)
        if name.startswith("no "):
            axes.axvline(test, color=MUTED, lw=0.8, ls=(0, (3, 2)), zorder=0)
    axes.plot([], [], "o", ms=5.5, mfc="white", mec=BLUE, mew=1.5, label="training data")
    axes.plot([], [], "D", ms=5, color=ORANGE, label="test data")
    axes.set_yticks(range(len(order)), order, size=8)
    axes.set(xscale="log", xlim=limits, ylim=(len(order) - 0.4, -0.6), xlabel=label)
    ticks = [
        tick
        for tick in (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1, 1.4)
        if tick <= limits[1]
    ]
    axes.set_xticks([t for t in ticks if t >= limits[0]])
    axes.set_xticklabels([f"{t:g}" for t in ticks if t >= limits[0]])
    axes.minorticks_off()
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return figure


PICTURES = {
    "optimizers-compared-batches": optimizers_in_batches,
    "optimizers-compared-whole": optimizers_on_all_data,
    "schedules-compared": schedules_compared,
    "regularization-compared": regularizers_compared,
}
