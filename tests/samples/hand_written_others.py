"""Losses and optimizers written by hand, and the common mistakes in them."""

from __future__ import annotations

from typing import Any

import numpy as np

import dlframe as dl
from dlframe import nn, optim
from samples.hand_written import ROWS, Array

# --- losses ------------------------------------------------------------------------------------


class Squares(nn.Module):
    """(x - t)², with a backward of its own."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(reduction)
        self.reduction = reduction

    def forward(self, input: Array, target: Array) -> Any:
        if input.shape != target.shape:
            raise ValueError(f"{input.shape}, {target.shape}")
        self.apart = input - target
        values = self.apart**2
        return values if self.reduction == "none" else getattr(values, self.reduction)()

    def slope(self) -> Array:
        return 2 * self.apart

    def share(self) -> float:
        return 1 / self.apart.size if self.reduction == "mean" else 1

    def backward(self, g: Any = 1.0) -> Array:
        return (g * self.share() * self.slope()).astype(self.apart.dtype)


class CrossEntropy(Squares):
    """-log softmax(x)[label]."""

    def forward(self, input: Array, target: Array) -> Any:
        if input.ndim != 2 or target.shape != input.shape[:1]:
            raise ValueError(f"{input.shape}, {target.shape}")
        if target.min(initial=0) < 0 or target.max(initial=0) >= input.shape[1]:
            raise ValueError("a label is not a class")
        e = np.exp(input - input.max(axis=1, keepdims=True))
        self.shares, self.rows = e / e.sum(axis=1, keepdims=True), np.arange(len(target))
        self.labels = target
        values = -np.log(self.shares[self.rows, target])
        return values if self.reduction == "none" else getattr(values, self.reduction)()

    def one_hot(self) -> Array:
        hot = np.zeros_like(self.shares)
        hot[self.rows, self.labels] = 1
        return hot

    def backward(self, g: Any = 1.0) -> Any:
        g = np.asarray(g, self.shares.dtype) / (len(self.rows) if self.reduction == "mean" else 1)
        return (g[:, None] if g.ndim else g) * (self.shares - self.one_hot())


TARGETS, LABELS = ROWS[::-1] + 0.1, np.array([0, 2, 1, 1])


def no_mean(self: Any, g: Any = 1.0) -> Any:
    g = np.asarray(g, self.shares.dtype)
    return (g[:, None] if g.ndim else g) * (self.shares - self.one_hot())


def no_one_hot(self: Any, g: Any = 1.0) -> Any:
    g = np.asarray(g, self.shares.dtype) / (len(self.rows) if self.reduction == "mean" else 1)
    return (g[:, None] if g.ndim else g) * self.shares


def wide(self: Any, input: Array, target: Array) -> Any:
    return Squares.forward(self, input, target) * np.ones((), np.float64)


LOSS_BUGS: dict[str, tuple[type, dict[str, Any], str]] = {
    "not divided by N": (CrossEntropy, {"backward": no_mean}, r'reduction="mean"\) has .* of input 0 .*\(ratio 4\).*it is 4, and the batch has 4 samples: a sum over them, where a mean'),
    "without the one-hot": (CrossEntropy, {"backward": no_one_hot}, "Along axis 1 the right one adds up to 0"),
    "not divided by all": (Squares, {"share": lambda self: 1}, "by the factor 12: it is 12, and the input has 12 elements: a sum over them, where a mean"),
    "divided by the batch": (Squares, {"share": lambda self: 1 / len(self.apart) if self.reduction == "mean" else 1}, "all by the factor 3: it is 3, and dimension 1 of the input has that size"),
    "without the 2": (Squares, {"slope": lambda self: self.apart}, "all by the factor 0.5: a factor of 2 is missing"),
    "sign": (Squares, {"slope": lambda self: -2 * self.apart}, "all by the factor -1: the sign is reversed"),
    "g left out": (Squares, {"backward": lambda self, g=1.0: self.share() * self.slope()}, "of input 0 backward gives"),
    "nothing returned": (Squares, {"backward": lambda self, g=1.0: None}, "Wrong.backward returned None for input 0"),
    "float64": (Squares, {"forward": wide}, "computes in float32 for float32: output 0 is float64"),
}  # fmt: skip


# --- optimizers --------------------------------------------------------------------------------


class Momentum(optim.Optimizer):
    """v = β v + g, p = p - lr v."""

    def __init__(self, params: Any, lr: float = 0.05, beta: float = 0.8) -> None:
        super().__init__(params, {"lr": lr, "beta": beta})

    def step(self, closure: Any = None) -> Any:
        loss = None
        if closure is not None:
            with dl.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.move(p, self.state[p], group)
        return loss

    def move(self, p: Any, state: Any, group: Any) -> None:
        v = state.get("v", 0.0) * group["beta"] + p.grad
        state["v"] = v
        with dl.no_grad():
            p.sub_(group["lr"] * v)


def up(self: Any, p: Any, state: Any, group: Any) -> None:
    with dl.no_grad():
        p.add_(group["lr"] * p.grad)


def nowhere(self: Any, p: Any, state: Any, group: Any) -> None:
    p.detach().clone().sub_(group["lr"] * p.grad)


def not_the_third(self: Any, p: Any, state: Any, group: Any) -> None:
    if p.ndim != 3:
        Momentum.move(self, p, state, group)


def with_lr_of(lr: float) -> Any:
    return lambda self, p, state, group: Momentum.move(self, p, state, {**group, "lr": lr})


def into_the_gradient(self: Any, p: Any, state: Any, group: Any) -> None:
    with dl.no_grad():
        p.sub_(p.grad.mul_(group["lr"]))


def raw(self: Any, p: Any, state: Any, group: Any) -> None:
    p.array[...] -= group["lr"] * p.grad.array


def widened(self: Any, p: Any, state: Any, group: Any) -> None:
    p.array = p.array - group["lr"] * p.grad.array.astype(np.float64)


def own_store(self: Any, p: Any, state: Any, group: Any) -> None:
    store = self.__dict__.setdefault("store", {})
    Momentum.move(self, p, store.setdefault(p, {}), group)


def always(self: Any, closure: Any = None) -> None:
    for group in self.param_groups:
        for p in group["params"]:
            with dl.no_grad():
                p.mul_(0.9)


OPTIMIZER_BUGS: dict[str, tuple[dict[str, Any], str]] = {
    "sign": ({"move": up}, "comes closer to a minimum: .* goes up, along the gradient: is its sign reversed"),
    "a copy moves": ({"move": nowhere}, "the first step moves nothing: does it write to the parameters"),
    "one is left out": ({"move": not_the_third}, r"the first step moves nothing of parameter 2\(2, 3, 2\)"),
    "too large": ({"move": with_lr_of(1.0)}, "it goes down at first, and then away: is the learning rate too large"),
    "too small": ({"move": with_lr_of(1e-6)}, "it goes down, but slowly"),
    "group's lr": ({"move": with_lr_of(0.05)}, "reads options from the group"),
    "gradients": ({"move": into_the_gradient}, "leaves gradients as they are"),
    "graph": ({"move": raw}, "tells graphs that it changed what they kept"),
    "dtype": ({"move": widened}, "leaves float32 parameters float32: parameter 0 became float64"),
    "state": ({"move": own_store}, "goes on from its state_dict bit for bit"),
    "without gradient": ({"step": always}, "leaves a parameter without gradient where it is"),
}  # fmt: skip
