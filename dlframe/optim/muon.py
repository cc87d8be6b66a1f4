"""Muon: momentum whose singular values are all made about 1."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from dlframe import states
from dlframe.optim.layout import BLOCK, Array, scalar
from dlframe.optim.optimizer import ParamGroup
from dlframe.optim.options import FORMS, check_counts, check_numbers
from dlframe.optim.rules import lerp, lerp_formula
from dlframe.optim.whole import WholeOptimizer
from dlframe.tensor import Tensor

__all__ = ["Muon"]


def muon_formula(
    p: Array,
    g: Array,
    b: Array,
    *,
    lr: float,
    weight_decay: float,
    momentum: float,
    nesterov: bool,
    ns_coefficients: tuple[float, float, float],
    eps: float,
    ns_steps: int,
    adjust_lr_fn: str | None,
) -> tuple[Array, Array]:
    """One step for one matrix.

    Args:
        p: the parameter, (n, m).
        g: its gradient.
        b: the average of gradients, zero at first.

    Returns:
        The new `p, b`.
    """
    b = lerp_formula(b, g, 1 - momentum)
    direction = lerp_formula(g, b, momentum) if nesterov else b
    update = orthogonalized(direction, ns_coefficients, ns_steps, eps).astype(p.dtype)
    return p * (1 - lr * weight_decay) - lr * size_of_step(p, adjust_lr_fn) * update, b


def orthogonalized(
    x: Array, coefficients: tuple[float, float, float], steps: int, eps: float
) -> Array:
    """Nearly U Vᵀ for x = U S Vᵀ, by Newton and Schulz's iteration in bfloat16.

    Each step applies s ← a s + b s³ + c s⁵ to the singular values, without computing them. The
    usual coefficients do not converge to 1, they bring values between 0.01 and 1 to between 0.7 and
    1.2 within five steps, which is enough.
    """
    _check_steps(steps)
    a, b, c = map(np.float32, coefficients)
    tall = x.shape[0] > x.shape[1]
    y: Array = to_bfloat16(x.T if tall else x)
    norm = to_bfloat16(np.sqrt(np.square(y).sum(dtype=np.float32)))
    y = to_bfloat16(y / np.maximum(norm, to_bfloat16(np.float32(eps))))
    for _ in range(steps):
        gram = to_bfloat16(y @ y.T)
        factor = to_bfloat16(b * gram + c * (gram @ gram))
        y = to_bfloat16(a * y + factor @ y)
    return y.T if tall else y


def orthogonalize(
    x: Array,
    scratch: list[Array],
    coefficients: tuple[float, float, float],
    steps: int,
    eps: float,
) -> None:
    """`orthogonalized`, written into `x`, float32 and not tall, with three arrays like it."""
    _check_steps(steps)
    a, b, c = map(np.float32, coefficients)
    other, n = scratch[0], len(x)
    gram, factor = (y.reshape(-1)[: n * n].reshape(n, n) for y in scratch[1:])
    round_to_bfloat16(x, other)
    norm = to_bfloat16(np.sqrt(np.multiply(x, x, out=other).sum(dtype=np.float32)))
    round_to_bfloat16(np.divide(x, max(norm, to_bfloat16(np.float32(eps))), out=x), other)
    for _ in range(steps):
        round_to_bfloat16(np.matmul(x, x.T, out=gram), factor)
        np.multiply(np.matmul(gram, gram, out=factor), c, out=factor)
        np.add(np.multiply(gram, b, out=gram), factor, out=factor)
        round_to_bfloat16(factor, gram)
        np.matmul(factor, x, out=other)
        np.add(np.multiply(x, a, out=x), other, out=x)
        round_to_bfloat16(x, other)


def round_to_bfloat16(x: Array, scratch: Array) -> None:
    """`to_bfloat16`, written into `x`, block by block."""
    if not math.isfinite(x.reshape(-1).dot(x.reshape(-1))):
        x[...] = to_bfloat16(x)
        return
    bits, spare = (y.reshape(-1).view(np.uint32) for y in (x, scratch))
    for i in range(0, bits.size, BLOCK):
        upper = bits[i : i + BLOCK]
        odd = np.right_shift(upper, 16, out=spare[i : i + BLOCK])
        np.bitwise_and(odd, 1, out=odd)
        np.add(odd, 0x7FFF, out=odd)
        np.add(upper, odd, out=upper)
        np.bitwise_and(upper, 0xFFFF0000, out=upper)


def to_bfloat16(x: Any) -> Any:
    """The nearest numbers that have 8 binary digits, as float32; of two the even one.

    bfloat16 is the upper half of a float32. Adding just below one half of its last digit, or one
    half if that digit is odd, before the lower half is cut off rounds to nearest.
    """
    bits = np.asarray(x, np.float32).view(np.uint32)
    upper = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) & np.uint32(
        0xFFFF0000
    )
    return np.where(np.isfinite(x), upper.view(np.float32), np.float32(x))


def _check_steps(steps: int) -> None:
    if steps >= 100:
        raise ValueError(
            "Number of steps must be less than 100 for computational efficiency; "
            f"got ns_steps={steps}"
        )


def size_of_step(p: Array, adjust_lr_fn: str | None) -> float:
    """What multiplies the learning rate, for matrices that are not square."""
    rows, columns = p.shape
    if adjust_lr_fn == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1, rows / columns))


class Muon(WholeOptimizer):
    """Muon: the momentum of a matrix, orthogonalized, so that it acts equally in all directions.

    One step as a readable function: `dlframe.optim.muon.muon_formula`.

    With γ the learning rate, λ the weight decay, μ the momentum, for each step::

        b ← μ b + (1 − μ) g
        u = μ b + (1 − μ) g     with nesterov, u = b without
        x = u / ‖u‖             (Frobenius), and ns_steps times
        x ← a x + (b' x xᵀ + c (x xᵀ)²) x
        θ ← θ − γ λ θ
        θ ← θ − γ κ x           κ = √max(1, n/m), or 0.2 √max(n, m) with "match_rms_adamw"

    The iteration takes the singular values of u to about 1 and leaves its directions, so also
    those appear in the step that the gradients of a few strong directions hide otherwise. It runs
    in bfloat16, as PyTorch's, whatever the dtype of the parameters.

    Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024); the second κ,
    with which learning rates of AdamW suit, is from Liu et al., "Muon is Scalable for LLM
    Training" (2025).

    It is made for the weight matrices of hidden layers. Leave biases, norms, embeddings and
    the last layer to `AdamW`; flatten the kernels of convolutions. Each step costs 2 ns_steps
    products of the size of the matrix and ns_steps of its shorter side.

    Args:
        params: matrices, pairs `(name, matrix)`, or dicts that describe groups.
        lr: learning rate γ, a number or a tensor of one element.
        weight_decay: λ, decoupled as in `AdamW`.
        momentum: μ.
        nesterov: look one gradient further.
        ns_coefficients: a, b', c of the iteration.
        eps: the smallest norm to divide by.
        ns_steps: iterations, below 100.
        adjust_lr_fn: "original" (None is the same) or "match_rms_adamw".

    Raises:
        ValueError: a negative option, another `adjust_lr_fn`, or a parameter that is not a matrix.

    >>> weight = nn.Parameter(dl.zeros(2, 2))
    >>> optimizer = optim.Muon([weight], lr=1.0)
    >>> weight.grad = dl.tensor([[100.0, 0.0], [0.0, 1.0]])
    >>> optimizer.step()  # far from each other in the gradient, alike in the step
    >>> (weight.abs().diagonal() > 0.2).tolist()
    [True, True]
    """

    _counts_steps = False
    _option_forms: ClassVar[dict[str, states.Form]] = {
        **{name: FORMS[name] for name in ("lr", "weight_decay", "momentum", "nesterov", "eps")},
        "ns_coefficients": states.listed(states.number, 3),
        "ns_steps": states.integer(0, 99),
        "adjust_lr_fn": states.optional(states.one_of("original", "match_rms_adamw")),
    }

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        check_counts(0, ns_steps=ns_steps)
        check_numbers(lr=lr, momentum=momentum, weight_decay=weight_decay, eps=eps)
        if not scalar(lr) >= 0.0:
            raise ValueError(f"Learning rate should be >= 0 but is: {scalar(lr)}")
        if not momentum >= 0.0:
            raise ValueError(f"momentum should be >= 0 but is: {momentum}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(
                f"Adjust learning rate function {adjust_lr_fn} is not supported; it is None, "
                "'original' or 'match_rms_adamw'"
            )
        if not isinstance(ns_coefficients, (tuple, list)) or len(ns_coefficients) != 3:
            raise ValueError(
                f"Coefficients must be a tuple of exactly 3 values; got {ns_coefficients}"
            )
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)

    def add_param_group(self, param_group: ParamGroup) -> None:
        """Add a group of matrices; ValueError for a parameter of other dimensions."""
        super().add_param_group(param_group)
        for p in param_group["params"]:
            if p.array.ndim != 2:
                self.param_groups.pop()
                raise ValueError(
                    "Muon only supports 2D parameters whereas we found a parameter with size: "
                    f"{list(p.array.shape)}; give biases, norms and others to optim.AdamW"
                )

    def _state_shapes(self, p: Tensor) -> dict[str, tuple[int, ...]]:
        return {"momentum_buffer": p.array.shape}

    def _update(self, group: ParamGroup, p: Array, g: Array, memory: list[Array], t: int) -> None:
        (b,), momentum, lr = memory, group["momentum"], scalar(group["lr"])
        tall = p.shape[0] > p.shape[1]
        (u,) = self._scratch.shaped(1, p.shape, p.dtype)
        lerp(b, g, 1 - momentum, u)
        if group["nesterov"]:  # g + μ (b − g), from the nearer of the two
            np.subtract(b, g, out=u)
            np.multiply(u, momentum if momentum < 0.5 else momentum - 1, out=u)
            np.add(u, g if momentum < 0.5 else b, out=u)
        direction = u if group["nesterov"] else b
        scratch = self._scratch.shaped(5, p.T.shape if tall else p.shape, np.float32)
        x = scratch[1]  # the first may be u
        x[...] = direction.T if tall else direction
        orthogonalize(x, scratch[2:], group["ns_coefficients"], group["ns_steps"], group["eps"])
        if group["weight_decay"] != 0:
            np.multiply(p, 1 - lr * group["weight_decay"], out=p)
        np.multiply(x, lr * size_of_step(p, group["adjust_lr_fn"]), out=x)
        np.subtract(p, x.T if tall else x, out=p)
