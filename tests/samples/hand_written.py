"""Layers written by hand, on arrays, and the common mistakes in them with what is said of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import dlframe as dl
from dlframe import nn

Array = np.ndarray


# --- right layers ------------------------------------------------------------------------------


class Linear(nn.Module):
    """y = x Wᵀ + b."""

    sizes = (3, 2)

    def __init__(self) -> None:
        super().__init__()
        features, outputs = self.sizes
        self.weight = nn.Parameter(dl.randn(outputs, features))
        self.bias = nn.Parameter(dl.zeros(outputs))

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.weight.array.T + self.bias.array

    def dw(self, g: Array) -> Array:
        return g.T @ self.x

    def db(self, g: Array) -> Array:
        return g.sum(axis=0)

    def dx(self, g: Array) -> Array:
        return g @ self.weight.array

    def backward(self, g: Array) -> Any:
        self.weight.accumulate_grad(self.dw(g))
        self.bias.accumulate_grad(self.db(g))
        return self.dx(g)


class Square(Linear):
    sizes = (3, 3)


class LinearTanh(Linear):
    """y = tanh(x Wᵀ + b)."""

    def forward(self, x: Array) -> Array:
        self.y = np.tanh(super().forward(x))
        return self.y

    def backward(self, g: Array) -> Any:
        return super().backward(g * (1 - self.y**2))


class Activation(nn.Module):
    """y = f(x)."""

    def forward(self, x: Array) -> Array:
        self.x, self.y = x, self.f(x)
        return self.y

    def backward(self, g: Array) -> Array:
        return g * self.slope()


class ReLU(Activation):
    def f(self, x: Array) -> Array:
        return x * (x > 0)

    def slope(self) -> Array:
        return (self.x > 0).astype(self.x.dtype)


class Tanh(Activation):
    def f(self, x: Array) -> Array:
        return np.tanh(x)

    def slope(self) -> Array:
        return 1 - self.y**2


class Sigmoid(Activation):
    def f(self, x: Array) -> Array:
        return 1 / (1 + np.exp(-x))

    def slope(self) -> Array:
        return self.y * (1 - self.y)


class LeakyReLU(Activation):
    def __init__(self) -> None:
        super().__init__()
        self.leak = 0.1

    def f(self, x: Array) -> Array:
        return np.where(x > 0, x, x * self.leak).astype(x.dtype)

    def slope(self) -> Array:
        return np.where(self.x > 0, 1, self.leak).astype(self.x.dtype)


class Softmax(nn.Module):
    """Along the last axis."""

    def forward(self, x: Array) -> Array:
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        self.y = e / e.sum(axis=-1, keepdims=True)
        return self.y

    def backward(self, g: Array) -> Array:
        return self.y * (g - (g * self.y).sum(axis=-1, keepdims=True))


class Dropout(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.p = 0.3

    def forward(self, x: Array) -> Array:
        self.mask = np.ones(x.shape, x.dtype)
        if self.training:
            kept = dl.rand(*x.shape).numpy() >= self.p
            self.mask = (kept / (1 - self.p)).astype(x.dtype)
        return x * self.mask

    def backward(self, g: Array) -> Array:
        return g * self.mask


class BatchNorm(nn.Module):
    """(N, C), with running statistics."""

    eps = 1e-5

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(dl.ones(3)), nn.Parameter(dl.zeros(3))
        self.mean, self.var = nn.Buffer(dl.zeros(3)), nn.Buffer(dl.ones(3))

    def forward(self, x: Array) -> Array:
        mean, var = self.mean.array, self.var.array
        if self.training and len(x):
            mean, var = x.mean(axis=0), x.var(axis=0)
            for buffer, now in ((self.mean, mean), (self.var, var)):
                buffer.array[...] = 0.9 * buffer.array + 0.1 * now
        self.std = np.sqrt(var + self.eps)
        self.hat = (x - mean) / self.std
        return self.weight.array * self.hat + self.bias.array

    def dw(self, g: Array) -> Array:
        return (g * self.hat).sum(axis=0)

    def backward(self, g: Array) -> Array:
        self.weight.accumulate_grad(self.dw(g))
        self.bias.accumulate_grad(g.sum(axis=0))
        return self.dx(g * self.weight.array) / self.std

    def dx(self, d: Array) -> Array:
        if not self.training:
            return d
        return d - d.mean(axis=0) - self.hat * (d * self.hat).mean(axis=0)


class Embedding(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(dl.randn(5, 2))

    def forward(self, ids: Array) -> Array:
        self.ids = ids
        return self.weight.array[ids]

    def dw(self, g: Array) -> Array:
        d = np.zeros_like(self.weight.array)
        np.add.at(d, self.ids, g)
        return d

    def backward(self, g: Array) -> None:
        self.weight.accumulate_grad(self.dw(g))


class Conv(nn.Module):
    """(N, 2, H, W) to (N, 3, H - 1, W - 1), with a kernel of 2 × 2."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(dl.randn(3, 2, 2, 2)), nn.Parameter(dl.zeros(3))

    def parts(self, x: Array) -> Any:
        rows, columns = x.shape[2] - 1, x.shape[3] - 1
        for k in range(2):
            for m in range(2):
                yield k, m, np.s_[:, :, k : k + rows, m : m + columns]

    def forward(self, x: Array) -> Array:
        self.x = x
        y = self.bias.array[:, None, None]
        for k, m, part in self.parts(x):
            y = y + np.einsum("oc,ncij->noij", self.weight.array[:, :, k, m], x[part])
        return y

    def dw(self, g: Array) -> Array:
        d = np.zeros_like(self.weight.array)
        for k, m, part in self.parts(self.x):
            d[:, :, k, m] = np.einsum("noij,ncij->oc", g, self.x[part])
        return d

    def db(self, g: Array) -> Array:
        return g.sum(axis=(0, 2, 3))

    def dx(self, g: Array) -> Array:
        d = np.zeros_like(self.x)
        for k, m, part in self.parts(self.x):
            d[part] += np.einsum("oc,noij->ncij", self.weight.array[:, :, k, m], g)
        return d

    def backward(self, g: Array) -> Array:
        self.weight.accumulate_grad(self.dw(g))
        self.bias.accumulate_grad(self.db(g))
        return self.dx(g)


class Bilinear(nn.Module):
    """y = a · b · w, of two inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(dl.randn(3))

    def forward(self, a: Array, b: Array) -> Array:
        self.a, self.b = a, b
        return a * b * self.w.array

    def backward(self, g: Array) -> Any:
        self.w.accumulate_grad((g * self.a * self.b).sum(axis=0))
        return g * self.b * self.w.array, g * self.a * self.w.array


class Residual(nn.Module):
    """y = x + relu(linear(x)), of parts of both kinds."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.relu = nn.Linear(3, 3), ReLU()

    def forward(self, x: Array) -> Any:
        return x + self.relu(self.linear(x))

    def backward(self, g: Array) -> Any:
        return g + self.linear.backward(self.relu.backward(g))


class Rule(Linear):
    """Of any order."""

    def backward_on_tensors(self, g: Any, x: Any) -> Any:
        return g @ self.weight, g.T @ x, g.sum(0)


ROWS = np.array([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7], [-0.4, 0.9, 1.1], [0.2, -0.6, -1.3]])
IMAGES = np.random.default_rng(0).normal(size=(2, 2, 4, 3))
IDS = np.array([0, 4, 2, 4])
INPUTS: dict[type, list[Any]] = {Conv: [IMAGES], Embedding: [IDS], Bilinear: [ROWS, ROWS[::-1]]}

RIGHT = [
    Linear, Square, LinearTanh, ReLU, Tanh, Sigmoid, LeakyReLU, Softmax, Dropout, BatchNorm,
    Embedding, Conv, Bilinear, Residual, Rule,
]  # fmt: skip


def inputs_of(kind: type) -> list[Any]:
    return next((x for base, x in INPUTS.items() if issubclass(kind, base)), [ROWS])


# --- their mistakes ----------------------------------------------------------------------------

BUGS: dict[str, tuple[type, str]] = {}


def bug(name: str, base: type, message: str, **methods: Callable[..., Any]) -> None:
    """Enter a layer with these methods in place of those of `base`, and what is to be said."""
    assert name not in BUGS
    BUGS[name] = (type("Wrong", (base,), methods), message)


def keeps_first(self: Any, x: Array) -> Array:
    y = Linear.forward(self, x)
    self.first = getattr(self, "first", x)
    self.x = self.first
    return y


def sums_up(self: Any, g: Array) -> Array:
    self.total = getattr(self, "total", 0) + g.T @ self.x
    return self.total


def overwrites(self: Any, g: Array) -> Array:
    self.weight.grad = dl.from_numpy(self.dw(g))
    self.bias.accumulate_grad(self.db(g))
    return self.dx(g)


def twice(self: Any, g: Array) -> Array:
    self.weight.accumulate_grad(self.dw(g))
    return Linear.backward(self, g)


def no_bias(self: Any, g: Array) -> Array:
    self.weight.accumulate_grad(self.dw(g))
    return self.dx(g)


def scales_g(self: Any, g: Array) -> Array:
    g *= 1 - self.y**2
    return g


def scales_x(self: Any, x: Array) -> Array:
    x *= x > 0
    self.x = x
    return x.copy()


def plain_add(self: Any, g: Array) -> Array:
    d = np.zeros_like(self.weight.array)
    d[self.ids] += g
    return d


def valid_only(self: Any, g: Array) -> Array:
    d = np.zeros_like(self.x)
    for k, m, part in self.parts(self.x):
        d[part] = np.einsum("oc,noij->ncij", self.weight.array[:, :, k, m], g)
    return d


def forgets(self: Any, g: Array) -> None:
    Linear.backward(self, g)


def tensor_out(self: Any, x: Array) -> Any:
    return dl.from_numpy(np.asarray(Linear.forward(self, x)))


def last_relu_only(self: Any, g: Array) -> Any:
    return self.linear.backward(self.relu.backward(g))


X4 = r"at \[\d(, \d)*\], the central difference \S+ \(ratio "

# fully connected
bug(
    "weight / N",
    Linear,
    r"of weight backward gives \S+ "
    + X4
    + r"0.25\); 6 of 6 .*, all by the factor 0.25: it is 1/4, and the batch has 4 samples: a mean",
    dw=lambda self, g: g.T @ self.x / len(g),
)
bug(
    "bias forgotten",
    Linear,
    "gives every parameter a gradient of its shape: bias got none",
    backward=no_bias,
)
bug(
    "bias zero",
    Linear,
    "of bias .*; 2 of 2 elements differ. It is 0 everywhere: is it left out",
    db=lambda self, g: 0 * g.sum(0),
)
bug(
    "bias mean",
    Linear,
    "of bias .*: it is 1/4, and the batch has 4 samples: a mean over them, where a sum",
    db=lambda self, g: g.mean(axis=0),
)
bug(
    "bias without sum",
    Linear,
    r"Wrong.bias.accumulate_grad: .* shape \(4, 2\), the parameter \(2,\); sum over the axes",
    db=lambda self, g: g,
)
bug(
    "weight transposed",
    Linear,
    r"Wrong.weight.accumulate_grad: .* \(3, 2\), the parameter \(2, 3\); transpose it",
    dw=lambda self, g: self.x.T @ g,
)
bug(
    "square weight transposed",
    Square,
    "of weight .* equal to the transposed of the right one",
    dw=lambda self, g: self.x.T @ g,
)
bug(
    "dx transposed weight",
    Square,
    r"It is g @ weight.T, and the right one is g @ weight",
    dx=lambda self, g: g @ self.weight.array.T,
)
bug(
    "dx negated",
    Linear,
    "of input 0 .*, all by the factor -1: the sign is reversed",
    dx=lambda self, g: -g @ self.weight.array,
)
bug(
    "dx doubled",
    Linear,
    "of input 0 .*, all by the factor 2: .*a factor of 2 is too much",
    dx=lambda self, g: 2 * g @ self.weight.array,
)
bug(
    "dx summed",
    Linear,
    r"returned a gradient of shape \(3,\) for input 0, whose shape is \(4, 3\); .* do not sum",
    dx=lambda self, g: (g @ self.weight.array).sum(0),
)
bug(
    "dx flat",
    Linear,
    r"shape \(12,\) for input 0, whose shape is \(4, 3\); reshape it",
    dx=lambda self, g: (g @ self.weight.array).reshape(-1),
)
bug(
    "nothing returned",
    Linear,
    "Wrong.backward returned None for input 0, .* End it with `return`",
    backward=forgets,
)
bug("added twice", Linear, "of weight .*, all by the factor 2: it is added twice", backward=twice)
bug(
    "overwritten",
    Linear,
    "adds to the gradients that are there: the gradient of weight after two calls .* the factor 0.5: the second call overwrites the first",
    backward=overwrites,
)
bug(
    "summed in an attribute",
    Linear,
    "of weight .* is something summed up in an attribute|after two calls",
    dw=sums_up,
)
bug("first input kept", Linear, "after (another|two) call", forward=keeps_first)
bug(
    "float64 gradient",
    Linear,
    "gives float32 arrays for float32 arrays: the gradient of input 0 is float64",
    dx=lambda self, g: g.astype(np.float64) @ self.weight.array,
)
bug(
    "float64 output",
    Linear,
    "computes in float32 .*: output 0 is float64",
    forward=lambda self, x: Linear.forward(self, x).astype(np.float64),
)
# activations
bug(
    "tanh left out",
    LinearTanh,
    r"With the derivative of tanh, 1 - y², it is right[\s\S]*of bias .* is the sum of the gradient of the output",
    backward=Linear.backward,
)
bug(
    "relu identity",
    ReLU,
    "It is the gradient of the output itself: is the layer's derivative left out",
    slope=lambda self: 1,
)
bug(
    "relu of y negated",
    ReLU,
    "It is 0 exactly where the right one is not: is a mask, or a comparison, reversed",
    slope=lambda self: (self.x < 0) * 1.0,
)
bug(
    "tanh y for y²",
    Tanh,
    r"of input 0 backward gives .* \(ratio .*\); 12 of 12 elements differ",
    slope=lambda self: 1 - self.y,
)
bug(
    "sigmoid without y",
    Sigmoid,
    "of input 0 .*With the derivative of exp, y, it is right",
    slope=lambda self: 1 - self.y,
)
bug(
    "g written to",
    Tanh,
    "leaves its inputs, and the gradient that it is given, as they are: the gradient of output 0 was written",
    backward=scales_g,
)
bug("x written to", ReLU, "leaves its inputs as they are: input 0 was written to", forward=scales_x)
bug(
    "softmax diagonal",
    Softmax,
    r"It counts only how y\[i\] depends on x\[i\]",
    backward=lambda self, g: g * self.y * (1 - self.y),
)
bug(
    "softmax over the batch",
    Softmax,
    "Along axis 1 the right one adds up to 0",
    backward=lambda self, g: self.y * (g - (g * self.y).sum(axis=0)),
)
bug(
    "softmax without y",
    Softmax,
    r"of input 0 .*The factor is 1 / \(output 0\) at the same place: left out",
    backward=lambda self, g: g - (g * self.y).sum(axis=-1, keepdims=True),
)
# dropout
bug(
    "dropout without mask",
    Dropout,
    "It is the gradient of the output itself",
    backward=lambda self, g: g,
)
bug(
    "dropout mask 0 and 1",
    Dropout,
    "all by the factor 0.7: it is 1 - p, for p = 0.3",
    backward=lambda self, g: g * (self.mask > 0),
)
bug(
    "dropout scales only",
    Dropout,
    "It is not 0 where the right one is: is a mask, of dropout or relu, left out",
    backward=lambda self, g: g / (1 - self.p) if self.training else g,
)
bug(
    "dropout in evaluation",
    Dropout,
    r"in evaluation, [\s\S]*In training they are right: does backward look at self.training",
    backward=lambda self, g: g * self.mask if self.training else g / (1 - self.p),
)
# batch normalization
bug(
    "batchnorm constant statistics",
    BatchNorm,
    r"Along axis 0 the right one adds up to 0, .* a mean",
    dx=lambda self, d: d,
)
bug(
    "batchnorm without the variance",
    BatchNorm,
    "of input 0 backward gives",
    dx=lambda self, d: d - d.mean(axis=0) if self.training else d,
)
bug(
    "batchnorm formula in evaluation",
    BatchNorm,
    r"Wrong, in evaluation, [\s\S]*of input 0 [\s\S]*In training they are right",
    dx=lambda self, d: d - d.mean(0) - self.hat * (d * self.hat).mean(0),
)
bug(
    "batchnorm without gamma",
    BatchNorm,
    "Along axis 1 the factor is 1 / weight: is weight left out",
    backward=lambda self, g: [
        self.weight.accumulate_grad(self.dw(g)),
        self.bias.accumulate_grad(g.sum(0)),
        self.dx(g) / self.std,
    ][2],
)
bug(
    "batchnorm dw of x",
    BatchNorm,
    "of weight backward gives",
    dw=lambda self, g: (g * (self.hat + 1)).sum(axis=0),
)
# embedding
bug(
    "embedding rows overwritten",
    Embedding,
    "Only rows that are used several times are wrong: row 4 is used 2 times; np.add.at",
    dw=plain_add,
)
bug(
    "embedding mean",
    Embedding,
    "of weight .*the batch has 4 samples: a mean",
    dw=lambda self, g: Embedding.dw(self, g) / len(g),
)
# convolution
bug(
    "conv bias over the batch",
    Conv,
    r"Wrong.bias.accumulate_grad: .* \(3, 3, 2\), the parameter \(3,\); sum over the ",
    db=lambda self, g: g.sum(axis=0),
)
bug(
    "conv bias mean of places",
    Conv,
    "of bias .*a channel of the output has 6 places: a mean over them",
    db=lambda self, g: g.mean(axis=(2, 3)).sum(axis=0),
)
bug(
    "conv kernel flipped",
    Conv,
    "of weight .*places in reverse order: is the kernel flipped",
    dw=lambda self, g: Conv.dw(self, g)[:, :, ::-1, ::-1],
)
bug(
    "conv kernel axes",
    Conv,
    r"of weight .* transposed of the right one \(axes 2 and 3\)",
    dw=lambda self, g: Conv.dw(self, g).swapaxes(2, 3),
)
bug("conv overlaps overwritten", Conv, "of input 0 backward gives", dx=valid_only)
# several inputs, parts
bug(
    "inputs swapped",
    Bilinear,
    "of input 0 .*It is the right one of input 1: are the two swapped",
    backward=lambda self, g: Bilinear.backward(self, g)[::-1],
)
bug(
    "one gradient for two inputs",
    Bilinear,
    "returned 1 gradient, but its forward took 2 arguments",
    backward=lambda self, g: Bilinear.backward(self, g)[0],
)
bug(
    "skip connection forgotten",
    Residual,
    "What is missing is the gradient of the output: is a skip connection left out",
    backward=last_relu_only,
)
bug(
    "relu of the branch forgotten",
    Residual,
    r"of linear.bias .* is the sum of the gradient of the output",
    backward=lambda self, g: g + self.linear.backward(g),
)
bug(
    "tensors for arrays",
    Linear,
    "Wrong gives arrays for arrays: forward returned no array",
    forward=tensor_out,
)
bug(
    "one axis too many",
    Linear,
    r"gives on arrays the gradients that it gives in the graph: .* shape \(1, 4, 3\) instead of",
    dx=lambda self, g: (g @ self.weight.array)[None],
)
bug(
    "nan",
    Linear,
    r"of bias backward gives nan at \[0\], the central difference",
    db=lambda self, g: g.sum(axis=0) * np.array([np.nan, 1], g.dtype),
)
