"""What can be chosen in the playground: names, limits, defaults, and the check of all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from dlframe import states
from dlframe.base.printable import printable
from dlframe.errors import ArgumentError, did_you_mean

__all__ = ["Settings"]

WHERE = "playground"


# --- points ------------------------------------------------------------------------------------


class Points(NamedTuple):
    """A class of `dlframe.data.datasets`, its options, and the square that becomes [-1, 1]²."""

    name: str
    options: dict[str, int | float]
    centre: tuple[float, float]
    half: float


_UNIT = ((0.5, 0.5), 0.55)  # the unit square, with a margin of a tenth
_ROUND = ((0.0, 0.0), 1.25)

POINTS: dict[str, Points] = {
    "disk": Points("Disk", {}, *_UNIT),
    "moons": Points("Moons", {}, (0.5, 0.25), 1.75),
    "spirals": Points("Spirals", {"classes": 2, "turns": 1.0}, *_ROUND),
    "circles": Points("Circles", {}, *_ROUND),
    "blobs": Points("Blobs", {"classes": 2}, (0.0, 0.0), 1.75),
    "xor": Points("Checkerboard", {"squares": 2}, *_UNIT),
    "checkerboard": Points("Checkerboard", {"squares": 4}, *_UNIT),
}
OWN = "own"  # no data set: only the points that the user puts
DATA = (*POINTS, OWN)

# --- the network and its training --------------------------------------------------------------

# formulas of the features, for points p of which x and y are the coordinates
FEATURES = {
    "x": "x",
    "y": "y",
    "xx": "x * x",
    "yy": "y * y",
    "xy": "x * y",
    "sinx": "dl.sin(math.pi * x)",
    "siny": "dl.sin(math.pi * y)",
}
ACTIVATIONS = (
    "Tanh", "ReLU", "Sigmoid", "LeakyReLU", "ELU", "SELU", "CELU", "GELU", "SiLU", "Mish",
    "Softplus", "Softsign", "Hardtanh", "ReLU6", "Hardsigmoid", "Hardswish", "Tanhshrink",
    "Identity",
)  # fmt: skip
DEFAULT_INIT = "default"
INITS = (
    DEFAULT_INIT, "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal",
    "orthogonal", "uniform", "normal", "trunc_normal", "eye", "ones", "zeros",
)  # fmt: skip
# of CrossEntropyLoss and MultiMarginLoss the target is the label, of the others it is one-hot
LABEL_LOSSES = ("CrossEntropyLoss", "MultiMarginLoss")
LOSSES = ("CrossEntropyLoss", "MSELoss", "L1Loss", "HuberLoss", "MultiMarginLoss")
# the class, and its options besides lr and weight_decay
OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "SGD": ("SGD", {}),
    "Momentum": ("SGD", {"momentum": 0.9}),
    "Nesterov": ("SGD", {"momentum": 0.9, "nesterov": True}),
    "Adam": ("Adam", {}),
    "AdamW": ("AdamW", {}),
    "RMSprop": ("RMSprop", {}),
    "Adagrad": ("Adagrad", {}),
    "Adadelta": ("Adadelta", {}),
    "Adamax": ("Adamax", {}),
    "NAdam": ("NAdam", {}),
    "RAdam": ("RAdam", {}),
    "ASGD": ("ASGD", {}),
    "Rprop": ("Rprop", {}),
}
NO_DECAY = ("Rprop",)  # optimizers without weight_decay

CHOICES: dict[str, tuple[str, ...]] = {
    "data": DATA,
    "features": tuple(FEATURES),
    "activation": ACTIVATIONS,
    "init": INITS,
    "loss": LOSSES,
    "optimizer": tuple(OPTIMIZERS),
}
MOST_POINTS, MOST_OWN = 2000, 500
MOST_LAYERS, MOST_UNITS = 6, 64
LIMITS: dict[str, tuple[float, float]] = {
    "points": (1, MOST_POINTS),
    "noise": (0, 1),
    "test_share": (0, 0.9),
    "lr": (1e-6, 1000),
    "batch_size": (1, MOST_POINTS + MOST_OWN),
    "l1": (0, 10),
    "l2": (0, 10),
    "weight_decay": (0, 10),
    "dropout": (0, 0.9),
    "seed": (0, 2**32 - 1),
}


# --- forms -------------------------------------------------------------------------------------


def _between(name: str) -> states.Form:
    low, high = LIMITS[name]

    def form(value: Any) -> float:
        if not low <= states.number(value) <= high:
            raise states.Unfit(f"a number from {low:g} to {high:g}", value)
        return float(value)

    return form


def _whole(name: str) -> states.Form:
    low, high = LIMITS[name]
    return states.integer(int(low), int(high))


def _named(known: Any) -> states.Form:
    def form(value: Any) -> str:
        if not isinstance(value, str) or value not in known:
            raise states.Unfit(f"one of {', '.join(known)}", value)
        return value

    return form


def _features(value: Any) -> tuple[str, ...]:
    chosen = states.listed(_named(FEATURES))(value)
    if not chosen or len(set(chosen)) != len(chosen):
        raise states.Unfit("a list of at least one feature, each once", value)
    return tuple(name for name in FEATURES if name in chosen)


def _layers(value: Any) -> tuple[int, ...]:
    sizes = states.listed(states.integer(1, MOST_UNITS))(value)
    if len(sizes) > MOST_LAYERS:
        raise states.Unfit(f"a list of at most {MOST_LAYERS} hidden layers", value)
    return tuple(sizes)


def _own(value: Any) -> tuple[tuple[float, float, int], ...]:
    points = states.listed(states.plain)(value)
    if len(points) > MOST_OWN:
        raise states.Unfit(f"a list of at most {MOST_OWN} points", f"{len(points)} of them")
    return tuple(_own_point(point) for point in points)


def _own_point(value: Any) -> tuple[float, float, int]:
    form = "a list of points [x, y, class], x and y from -1 to 1, class 0 or 1"
    try:
        x, y, label = states.listed(states.number, 3)(value)
    except states.Unfit:
        raise states.Unfit(form, value) from None
    if not (-1 <= x <= 1 and -1 <= y <= 1 and label in (0, 1)):
        raise states.Unfit(form, value)
    # three digits are less than a pixel, and keep the address of the page short
    return round(float(x), 3) + 0.0, round(float(y), 3) + 0.0, int(label)


FORMS: dict[str, states.Form] = {
    "data": _named(CHOICES["data"]),
    "points": _whole("points"),
    "noise": _between("noise"),
    "test_share": _between("test_share"),
    "own": _own,
    "features": _features,
    "layers": _layers,
    "activation": _named(CHOICES["activation"]),
    "init": _named(CHOICES["init"]),
    "loss": _named(CHOICES["loss"]),
    "optimizer": _named(CHOICES["optimizer"]),
    "lr": _between("lr"),
    "batch_size": _whole("batch_size"),
    "l1": _between("l1"),
    "l2": _between("l2"),
    "weight_decay": _between("weight_decay"),
    "dropout": _between("dropout"),
    "batch_norm": states.flag,
    "seed": _whole("seed"),
}


# --- settings ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All that is chosen: points, network, training. Every value is checked.

    Args:
        data: "disk", "moons", "spirals", "circles", "blobs", "xor", "checkerboard" of
            `dlframe.data.datasets`, moved and scaled to the square from -1 to 1; "own" for none.
        points: how many of them, 1 to 2000.
        noise: their standard deviation, in units of the data set.
        test_share: the part of them that is held back and only measured, 0 to 0.9.
        own: points [x, y, class] to learn from besides, at most 500.
        features: what the network gets of a point: "x", "y", "xx", "yy", "xy", "sinx" and "siny",
            which is sin(πx) and sin(πy).
        layers: the units of each hidden layer; at most 6 of at most 64.
        activation, init, loss, optimizer: names as in `nn`, `nn.init`, `nn`, `optim`; also
            "Momentum" and "Nesterov", which are SGD with a momentum of 0.9.
        lr, batch_size: of the optimizer and of the loader.
        l1, l2: strengths of `optim.L1` and `optim.L2` of the weights.
        weight_decay: of the optimizer.
        dropout: the probability after each hidden layer.
        batch_norm: whether a BatchNorm1d stands before each activation.
        seed: of points, initial values, order and dropout.

    Raises:
        ArgumentError: a value that cannot be, in one sentence.

    >>> Settings(data="moons", layers=[4, 4]).layers
    (4, 4)
    >>> Settings(lr=-1)
    Traceback (most recent call last):
    dlframe.errors.ArgumentError: playground: lr is a number from 1e-06 to 1000; got -1.
    """

    data: str = "disk"
    points: int = 500
    noise: float = 0.0
    test_share: float = 0.2
    own: tuple[tuple[float, float, int], ...] = ()
    features: tuple[str, ...] = ("x", "y")
    layers: tuple[int, ...] = (25, 25, 25)
    activation: str = "Tanh"
    init: str = DEFAULT_INIT
    loss: str = "CrossEntropyLoss"
    optimizer: str = "Adam"
    lr: float = 0.01
    batch_size: int = 32
    l1: float = 0.0
    l2: float = 0.0
    weight_decay: float = 0.0
    dropout: float = 0.0
    batch_norm: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name, form in FORMS.items():
            try:
                value = form(getattr(self, name))
            except states.Unfit as unfit:
                hint = did_you_mean(unfit.value, CHOICES[name]) if name in CHOICES else ""
                raise ArgumentError(
                    f"{WHERE}: {name}{unfit.inside} is {unfit.form}; got "
                    f"{printable(unfit.value, longest=60)}.{hint}"
                ) from None
            object.__setattr__(self, name, value)
        self._check_together()

    def _check_together(self) -> None:
        if self.optimizer in NO_DECAY and self.weight_decay:
            raise ArgumentError(
                f"{WHERE}: {self.optimizer} has no weight_decay; set it to 0, or use l2"
            )
        if self.batch_norm and self.batch_size < 2:
            raise ArgumentError(
                f"{WHERE}: batch_norm needs a batch_size of 2 or more, since it compares the "
                "samples of a batch"
            )

    @classmethod
    def of(cls, values: object) -> Self:
        """The settings in a dict, such as one from JSON; the others have their defaults.

        >>> Settings.of({"data": "xor", "seed": 3}).seed
        3
        """
        if not isinstance(values, Mapping):
            raise ArgumentError(f"{WHERE}: settings are a dict; got {type(values).__name__}")
        for name in values:
            if name not in FORMS:
                raise ArgumentError(
                    f"{WHERE}: there is no setting {printable(repr(name), longest=60)}."
                    f"{did_you_mean(name, FORMS)} Known: {', '.join(FORMS)}"
                )
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """All settings as plain values, for JSON."""
        return {name: _plain(getattr(self, name)) for name in FORMS}

    # --- what follows from them ----------------------------------------------------------------

    @property
    def made(self) -> int:
        """How many points the data set gives."""
        return 0 if self.data == OWN else self.points

    @property
    def held_back(self) -> int:
        """How many of them are only measured."""
        return min(round(self.made * self.test_share), max(self.made - 1, 0))

    @property
    def learnt(self) -> int:
        """How many points there are to learn from."""
        return self.made - self.held_back + len(self.own)

    @property
    def batch(self) -> int:
        """The samples of a batch: `batch_size`, or all of them if there are fewer."""
        return max(1, min(self.batch_size, self.learnt))

    @property
    def drops_last(self) -> bool:
        """Whether a last batch that is smaller is left out, since it might have one sample."""
        return self.batch_norm and self.learnt % self.batch == 1


def _plain(value: Any) -> Any:
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
