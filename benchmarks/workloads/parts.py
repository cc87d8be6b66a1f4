"""Parts alone: a chain of operations, the loader, single layers, steps of optimizers."""

from __future__ import annotations

import math
from typing import Any

from benchmarks.workloads.step import Step


def op_chain(lib: Any) -> Step:
    """Forward and backward of 24 elementwise operations on 16 × 16 float32: mostly overhead."""
    lib.manual_seed(0)
    x = lib.randn(16, 16, requires_grad=True)
    scale, shift = lib.randn(16, 16), lib.randn(16, 16)

    def step() -> Any:
        y = x
        for _ in range(6):
            y = y * scale
            y = y + shift
            y = y.tanh()
            y = y - shift
        loss = y.sum()
        loss.backward()
        x.grad = None
        return loss

    return step


def loader(lib: Any) -> Step:
    """An epoch of a shuffled loader: 8192 samples of 3 × 32 × 32 in memory, batches of 64."""
    lib.manual_seed(0)
    data = lib.utils.data if hasattr(lib.utils, "data") else lib.data
    x, y = lib.rand(8192, 3, 32, 32), lib.randint(0, 10, (8192,))
    batches = data.DataLoader(data.TensorDataset(x, y), batch_size=64, shuffle=True)

    def step() -> Any:
        for images, _ in batches:
            last = images
        return last[0, 0, 0, 0]

    return step


def _layer(lib: Any, layer: Any, *shape: int) -> Step:
    """Forward and backward of one layer, with the gradient of its input."""
    x = lib.randn(*shape, requires_grad=True)

    def step() -> Any:
        loss = layer(x).square().mean()
        layer.zero_grad()
        x.grad = None
        loss.backward()
        return loss

    return step


def layer_norm(lib: Any) -> Step:
    """LayerNorm of 64 sequences of 128 with 512 features."""
    lib.manual_seed(0)
    return _layer(lib, lib.nn.LayerNorm(512), 64, 128, 512)


def group_norm(lib: Any) -> Step:
    """GroupNorm of 8 groups on 16 pictures of 64 × 32 × 32."""
    lib.manual_seed(0)
    return _layer(lib, lib.nn.GroupNorm(8, 64), 16, 64, 32, 32)


def conv1d(lib: Any) -> Step:
    """Conv1d 32 → 64, kernel 5, on 16 sequences of 256."""
    lib.manual_seed(0)
    return _layer(lib, lib.nn.Conv1d(32, 64, 5, padding=2), 16, 32, 256)


def conv_transpose2d(lib: Any) -> Step:
    """ConvTranspose2d 32 → 16, kernel 4, stride 2, on 16 pictures of 16 × 16."""
    lib.manual_seed(0)
    layer = lib.nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1)
    return _layer(lib, layer, 16, 32, 16, 16)


def upsample_bilinear(lib: Any) -> Step:
    """Bilinear upsampling to twice the size of 16 pictures of 16 × 32 × 32."""
    lib.manual_seed(0)
    return _layer(lib, lib.nn.Upsample(scale_factor=2, mode="bilinear"), 16, 16, 32, 32)


class _Probe:
    """Stands for a loss where there is none: the first number of a parameter, read when asked."""

    def __init__(self, p: Any) -> None:
        self._p = p

    def item(self) -> float:
        return float(self._p.detach().reshape(-1)[0])


def _optimizer_steps(name: str, options: dict[str, Any], shapes: list[tuple[int, ...]]) -> Any:
    """A workload: steps of one optimizer with given gradients, nothing else."""

    def workload(lib: Any) -> Step:
        lib.manual_seed(0)
        params = [lib.nn.Parameter(lib.randn(*shape)) for shape in shapes]
        for p in params:
            p.grad = lib.randn(*p.shape)
        optimizer, probe = getattr(lib.optim, name)(params, **options), _Probe(params[-1])

        def step() -> Any:
            optimizer.step()
            return probe

        return step

    count = sum(math.prod(shape) for shape in shapes)
    workload.__doc__ = f"A step of {name} alone on {count:,} numbers in {len(shapes)} tensor(s)."
    return workload


_SMALL_NETWORK = [(25, 2), (25,), (25, 25), (25,), (25, 25), (25,), (2, 25), (2,)]
_SIZES: dict[str, list[tuple[int, ...]]] = {
    "5m_in_1": [(5_000_000,)],
    "5m_in_200": [(250, 100)] * 200,
    "8_small": _SMALL_NETWORK,
    "40_small": _SMALL_NETWORK * 5,
}
_OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd_momentum": ("SGD", {"lr": 1e-4, "momentum": 0.9}),
    "adam": ("Adam", {"lr": 1e-4}),
    "adamw": ("AdamW", {"lr": 1e-4}),
    "rmsprop": ("RMSprop", {"lr": 1e-4}),
}
# PyTorch has two implementations for a CPU: a loop over the parameters, its default here, and
# foreach. dlframe has one, and the option has no effect.
OPTIMIZERS = {
    f"{key}_{size}{'_foreach' if foreach else ''}": _optimizer_steps(
        name, {**options, "foreach": foreach}, shapes
    )
    for key, (name, options) in _OPTIMIZERS.items()
    for size, shapes in _SIZES.items()
    for foreach in (None, True)
}
