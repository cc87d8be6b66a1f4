"""Pictures of parametrizations, pruning and fusion, computed by `nn.utils`."""

from __future__ import annotations

from typing import Any

import numpy as np

import dlframe as dl
from dlframe import nn
from dlframe.nn.utils import parametrizations, prune
from drawings.page import (
    BLUE,
    HAIRLINE,
    INK,
    LOOKS,
    MUTED,
    ORANGE,
    PAPER,
    PINK,
    arrow,
    axes_page,
    cells,
    note,
    plain_page,
    zero_axes,
)

PALE = "#d5e3f3"


def _vector(axes: Any, start: Any, end: Any, colour: str, style: Any = "solid") -> None:
    axes.annotate(
        "",
        xy=end,
        xytext=start,
        arrowprops={
            "arrowstyle": "-|>",
            "color": colour,
            "lw": 2,
            "linestyle": style,
            "shrinkA": 0,
            "shrinkB": 0,
        },
    )


def weight_norm() -> Any:
    """w as length times direction; and what descent does to both."""
    figure, ((left, right),) = axes_page(2, 1, 7.6, 3.4)
    v = np.array([1.2, 0.9])
    layer = parametrizations.weight_norm(nn.Linear(2, 1, bias=False)).double()
    parts = layer.parametrizations.weight
    parts.original0.data, parts.original1.data = dl.tensor([[2.5]]).double(), dl.tensor(v[None])
    w = layer.weight.detach().numpy()[0]
    (layer.weight * dl.tensor([[1.0, -0.4]])).sum().backward()
    step = -0.9 * parts.original1.grad.numpy()[0]
    zero_axes(left)
    angle = np.linspace(0, 2 * np.pi, 200)
    left.plot(np.cos(angle), np.sin(angle), color=HAIRLINE, lw=1)
    _vector(left, (0, 0), w, BLUE)
    _vector(left, (0, 0), v, ORANGE)
    _vector(left, (0, 0), v / np.linalg.norm(v), PINK)
    _vector(left, v, v + step, INK, (0, (3, 1.5)))
    left.text(w[0] - 0.25, w[1] + 0.1, "w = g v / ‖v‖", color=BLUE)
    left.text(v[0] + 0.12, v[1] - 0.12, "v", color=ORANGE)
    left.text(0.3, 0.75, "v / ‖v‖", color=PINK, ha="right")
    left.text(*(v + step + [0.12, 0.0]), "a step of v,\nat a right angle", color=INK)
    left.set(xlim=(-1.3, 2.6), ylim=(-1.15, 2.6), aspect="equal", title="length g, direction v")
    lengths = []
    for rate in (0.05, 0.2, 0.5):
        dl.manual_seed(0)
        x, y = dl.randn(64, 8), dl.randn(64, 1)
        trained = parametrizations.weight_norm(nn.Linear(8, 1))
        optimizer = dl.optim.SGD(trained.parameters(), lr=rate)
        found = []
        for _ in range(40):
            optimizer.zero_grad()
            loss = (trained(x) - y).pow(2).mean()
            loss.backward()
            optimizer.step()
            found.append(trained.parametrizations.weight.original1.detach().norm().item())
        lengths.append((rate, found))
    for look, (rate, found) in zip(LOOKS, lengths, strict=False):
        right.plot(found, label=f"learning rate {rate:g}", **look)
    right.set(xlabel="step", ylabel="‖v‖", title="so v only grows")
    right.legend()
    return figure


def spectral_norm() -> Any:
    """The unit circle through W, and through W / σ; and how fast σ is found."""
    figure, ((left, right),) = axes_page(2, 1, 7.6, 3.4)
    dl.manual_seed(3)
    weight = np.array([[1.6, 0.9], [0.1, 0.8]])
    layer = parametrizations.spectral_norm(nn.Linear(2, 2, bias=False))
    layer.weight = dl.tensor(weight, dtype=dl.float32)
    for _ in range(30):
        normed = layer.weight.detach().numpy()
    angle = np.linspace(0, 2 * np.pi, 300)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    zero_axes(left)
    curves = {"‖x‖ = 1": circle, "W x": weight @ circle, "W x / σ": normed @ circle}
    for look, (name, (x, y)) in zip(LOOKS, curves.items(), strict=False):
        left.plot(x, y, label=name, **look)
    u, s, _ = np.linalg.svd(weight)
    longest = abs(u[:, 0]) * s[0]
    _vector(left, (0, 0), longest, INK)
    left.text(longest[0], longest[1] + 0.35, f"σ = {s[0]:.2f}", ha="center")
    left.set(aspect="equal", xlim=(-2.1, 2.1), ylim=(-1.7, 2.4))
    left.legend(loc="upper left", ncols=3, columnspacing=0.8, handlelength=1.8)
    for look, ratio in zip(LOOKS, (0.5, 0.8, 0.95), strict=False):
        rng = np.random.default_rng(0)
        a, b = (np.linalg.qr(rng.normal(size=(16, 16)))[0] for _ in range(2))
        matrix = dl.tensor((a * ratio ** np.arange(16)) @ b)
        dl.manual_seed(1)
        u_, v_ = (parametrizations.unit(dl.randn(16).double(), 1e-12) for _ in range(2))
        errors = []
        for _ in range(30):
            parametrizations.power_step(matrix, u_, v_, 1e-12, True)
            errors.append(max(1 - (u_ @ matrix @ v_).item(), 1e-16))
        right.semilogy(errors, label=f"σ₂ / σ₁ = {ratio:g}", **look)
    right.yaxis.set_major_formatter(lambda value, _: f"{value:.0e}")
    right.set(xlabel="steps of the power method", ylabel="1 - estimate / σ", ylim=(1e-12, 2))
    right.legend(loc="lower right", bbox_to_anchor=(1.05, 0.36))
    return figure


def orthogonal() -> Any:
    """A matrix bends a square and a circle, an orthogonal one turns them; lengths over layers."""
    figure, grid = axes_page(3, 1, 7.8, 2.7)
    dl.manual_seed(6)
    turned = parametrizations.orthogonal(nn.Linear(2, 2, bias=False)).weight.detach().numpy()
    plain = np.array([[1.1, 0.7], [-0.2, 0.6]])
    angle = np.linspace(0, 2 * np.pi, 200)
    shapes = [np.stack([np.cos(angle), np.sin(angle)])]
    shapes.append(np.array([[-1, 1, 1, -1, -1], [-1, -1, 1, 1, -1]]) * 0.7)
    for axes, matrix, title in zip(
        grid[0], (plain, turned), ("any W", "W orthogonal"), strict=False
    ):
        zero_axes(axes)
        for shape, look, name in zip(shapes, LOOKS, ("circle", "square"), strict=False):
            axes.plot(*shape, color=HAIRLINE, lw=1.4)
            axes.plot(*(matrix @ shape), label=name, **look)
        axes.set(aspect="equal", xlim=(-1.9, 1.9), ylim=(-1.9, 1.9))
        axes.set_title(title)
    axes = grid[0, 2]
    kinds = {
        "Linear, as it starts": lambda: nn.Linear(64, 64, bias=False),
        "orthogonal": lambda: parametrizations.orthogonal(nn.Linear(64, 64, bias=False)),
    }
    for look, (name, make) in zip(LOOKS, kinds.items(), strict=False):
        dl.manual_seed(0)
        x = dl.randn(100, 64)
        lengths = [1.0]
        start = x.norm(dim=1).mean().item()
        for _ in range(30):
            x = make()(x).detach()
            lengths.append(x.norm(dim=1).mean().item() / start)
        axes.semilogy(lengths, label=name, **look)
    axes.set(xlabel="layers", title="length of x", ylim=(1e-9, 30))
    axes.set_yticks([1, 1e-4, 1e-8], ["1", "10⁻⁴", "10⁻⁸"])
    axes.minorticks_off()
    axes.legend(fontsize=8, loc="lower left")
    return figure


def pruning() -> Any:
    """One weight, and what four methods leave of it."""
    dl.manual_seed(0)
    weight = (dl.randn(4, 5) * 10).round() / 10
    figure, axes = plain_page(7.7, 2.35)
    methods: dict[str, Any] = {
        "weight_orig": lambda m: prune.identity(m, "weight"),
        "random_unstructured\n(amount=0.5)": lambda m: prune.random_unstructured(m, "weight", 0.5),
        "l1_unstructured\n(amount=0.5)": lambda m: prune.l1_unstructured(m, "weight", 0.5),
        "ln_structured\n(amount=2, n=2, dim=0)": lambda m: prune.ln_structured(
            m, "weight", 2, 2, 0
        ),
    }
    left, side = 0.15, 0.34
    for name, method in methods.items():
        layer = nn.Linear(5, 4)
        layer.weight.data = weight.clone()
        method(layer)
        mask = layer.weight_mask.numpy()
        text = np.where(mask == 1, np.char.mod("%.1f", weight.numpy()), "0").astype(object)
        size = np.abs(weight.numpy()) / np.abs(weight.numpy()).max()
        shades = [
            [_blue(share) if kept else PAPER for share, kept in zip(*row, strict=True)]
            for row in zip(size, mask, strict=True)
        ]
        right, bottom = cells(axes, text, left, 0.62, side, shades=shades)
        note(axes, (left + right) / 2, 0.3, name, size=8.5)
        left = right + 0.2
    note(axes, 3.85, bottom + 0.25, "blue: |weight|;  0: the mask is 0", size=8.5, color=MUTED)
    return figure


def _blue(share: float) -> str:
    from matplotlib.colors import to_hex

    from dlframe.viz.style import blue_scale

    return to_hex(blue_scale()(0.75 * share))


def fusion() -> Any:
    """Convolution and batch norm as one convolution, with small numbers."""
    conv, bn = nn.Conv1d(1, 2, 2) if hasattr(nn, "Conv1d") else nn.Linear(2, 2), nn.BatchNorm1d(2)
    conv.weight.data = dl.tensor([[1.0, 2.0], [-1.0, 1.0]]).reshape(conv.weight.shape)
    conv.bias.data = dl.tensor([1.0, 0.0])
    bn.running_mean.data, bn.running_var.data = dl.tensor([3.0, 2.0]), dl.tensor([4.0, 0.25])
    bn.weight.data, bn.bias.data = dl.tensor([1.0, 1.0]), dl.tensor([0.0, 1.0])
    bn.eps = 0.0
    weight, bias = nn.utils.fuse_conv_bn_weights(
        conv.weight, conv.bias, bn.running_mean, bn.running_var, 0.0, bn.weight, bn.bias
    )
    figure, axes = plain_page(7.6, 2.1)
    top, side = 0.72, 0.42
    rows = [[PALE] * 2, ["#fbe3c6"] * 2]

    def block(left: float, title: str, w: Any, b: Any) -> float:
        right, _ = cells(axes, w.detach().numpy().reshape(2, 2), left, top, side, shades=rows)
        note(axes, left + side, top - 0.16, "W", size=9)
        end, _ = cells(
            axes, b.detach().numpy()[:, None], right + 0.18, top, side, shades=[r[:1] for r in rows]
        )
        note(axes, right + 0.18 + side / 2, top - 0.16, "b", size=9)
        note(axes, (left + end) / 2, 0.26, title)
        return end

    def column(left: float, name: str, values: Any) -> float:
        right, _ = cells(
            axes, values.numpy()[:, None], left, top, side, shades=[r[:1] for r in rows]
        )
        note(axes, left + side / 2, top - 0.16, name, size=9)
        return right

    right = block(0.2, "convolution", conv.weight, conv.bias)
    arrow(axes, (right + 0.08, top + side), (right + 0.5, top + side), color=INK)
    left = start = right + 0.6
    for name, values in (
        ("μ", bn.running_mean),
        ("σ²", bn.running_var),
        ("w", bn.weight.detach()),
        ("b", bn.bias.detach()),
    ):
        left = column(left, name, values) + 0.12
    note(axes, (start + left) / 2, 0.26, "batch norm, eval")
    note(axes, left + 0.25, top + side, "=", size=16)
    block(left + 0.5, "one convolution", weight, bias)
    text = "W · w / σ      and      (b - μ) · w / σ + b,  row by row"
    note(axes, 3.8, top + 2 * side + 0.28, text, size=9, color=MUTED)
    return figure


PICTURES = {
    "weight-norm": weight_norm,
    "spectral-norm": spectral_norm,
    "orthogonal": orthogonal,
    "pruning": pruning,
    "fusion": fusion,
}
