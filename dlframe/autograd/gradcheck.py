"""Compare gradients with finite differences.

`gradcheck` compares the whole Jacobian; with ``fast_mode=True`` only one random number of it: for random
directions u (in the inputs) and v (in the outputs), vᵀ J u computed by backward must equal the central
difference vᵀ (f(x + εu) - f(x - εu)) / 2ε. A wrong rule passes with probability zero, at the cost of two
evaluations instead of two per input element (Griewank & Walther, *Evaluating Derivatives*, 2008, ch. 3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlframe.autograd.backward import grad
from dlframe.errors import GradientError
from dlframe.ops.calling import wrap
from dlframe.ops.record import TensorBase, grad_mode


class GradcheckError(GradientError):
    """The gradient by backward differs from the finite difference."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    fast_mode: bool = False,
    seed: int = 0,
) -> bool:
    """Check the gradients of `func` with respect to every float input that requires grad.

    Args:
        func: a function of tensors that returns a tensor or a tuple of tensors.
        inputs: a tensor, or a sequence of arguments; use float64, since ε = 1e-6 is lost in float32.
        eps: the step of the central difference.
        atol, rtol: |analytic - numeric| ≤ atol + rtol · |numeric|.
        raise_exception: raise `GradcheckError` instead of returning False.
        fast_mode: compare one random projection instead of the whole Jacobian.
        seed: of the random projection; printed on failure.

    >>> import dlframe as dl
    >>> x = dl.tensor([0.5, 2.0], dtype=dl.float64, requires_grad=True)
    >>> dl.autograd.gradcheck(dl.exp, x)
    True
    """
    args = (inputs,) if isinstance(inputs, TensorBase) else tuple(inputs)
    which = [i for i, x in enumerate(args) if isinstance(x, TensorBase) and x.needs_grad]
    if not which:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have it"
        )
    for i in which:
        if args[i].array.dtype != np.float64:
            raise ValueError(
                f"gradcheck: input {i} is {args[i].array.dtype}; finite differences need float64"
            )
    outputs = _outputs(func, args)
    check = _check_projection if fast_mode else _check_jacobian
    try:
        for k, output in enumerate(outputs):
            if output.needs_grad or fast_mode:
                check(func, args, which, k, output, eps, atol, rtol, seed)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    fast_mode: bool = False,
    seed: int = 0,
) -> bool:
    """`gradcheck` of the gradient of `func`, as a function of the inputs and of the gradients of the outputs."""
    args = (inputs,) if isinstance(inputs, TensorBase) else tuple(inputs)
    outputs = [o for o in _outputs(func, args) if o.array.dtype.kind == "f"]
    rng = np.random.default_rng(seed)
    if grad_outputs is None:
        starts = [wrap(rng.standard_normal(o.array.shape)) for o in outputs]
        for start in starts:
            start.needs_grad = True
    else:
        starts = list(grad_outputs) if not isinstance(grad_outputs, TensorBase) else [grad_outputs]
    which = [i for i, x in enumerate(args) if isinstance(x, TensorBase) and x.needs_grad]

    def gradient(*values: Any) -> tuple[Any, ...]:
        xs, gs = values[: len(args)], values[len(args) :]
        ys = [o for o in _outputs(func, xs) if o.array.dtype.kind == "f"]
        pairs = [(y, g) for y, g in zip(ys, gs, strict=True) if y.needs_grad]
        got = grad(
            [y for y, _ in pairs],
            [xs[i] for i in which],
            [g for _, g in pairs],
            create_graph=True,
            allow_unused=True,
        )
        return tuple(g for g in got if g is not None)

    return gradcheck(
        gradient,
        (*args, *starts),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        fast_mode=fast_mode,
        seed=seed,
    )


def _outputs(func: Callable[..., Any], args: Sequence[Any]) -> tuple[Any, ...]:
    out = func(*args)
    return tuple(
        o for o in (out if isinstance(out, (tuple, list)) else (out,)) if isinstance(o, TensorBase)
    )


def _values(func: Callable[..., Any], args: Sequence[Any], k: int) -> Any:
    """The k-th output on copies of the inputs. Grad stays enabled: `func` may compute gradients itself."""
    copies = []
    for x in args:
        if isinstance(x, TensorBase):
            copy = wrap(x.array.copy())
            copy.needs_grad = x.needs_grad
            x = copy
        copies.append(x)
    token = grad_mode.set(True)
    try:
        return _outputs(func, copies)[k].array
    finally:
        grad_mode.reset(token)


def _shifted(args: Sequence[Any], i: int, step: Any) -> list[Any]:
    moved = list(args)
    moved[i] = wrap(args[i].array + step)
    moved[i].needs_grad = True
    return moved


def _check_projection(
    func: Any,
    args: Any,
    which: Any,
    k: int,
    output: Any,
    eps: float,
    atol: float,
    rtol: float,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed + k)
    v = rng.standard_normal(output.array.shape)
    grads: tuple[Any, ...] = (None,) * len(which)
    if output.needs_grad:
        grads = grad(
            output, [args[i] for i in which], wrap(v), retain_graph=True, allow_unused=True
        )
    for i, g in zip(which, grads, strict=True):
        u = rng.standard_normal(args[i].array.shape)
        u /= max(float(np.linalg.norm(u)), 1e-30)
        above = _values(func, _shifted(args, i, eps * u), k)
        below = _values(func, _shifted(args, i, -eps * u), k)
        numeric = float((v * (above - below)).sum() / (2 * eps))
        analytic = 0.0 if g is None else float((g.array * u).sum())
        if not _close(analytic, numeric, atol, rtol):
            raise GradcheckError(
                f"gradcheck: output {k}, input {i} of shape {list(args[i].array.shape)}: along a random direction "
                f"(seed {seed}) backward gives {analytic:.8g}, the central difference {numeric:.8g}"
            )


def _check_jacobian(
    func: Any,
    args: Any,
    which: Any,
    k: int,
    output: Any,
    eps: float,
    atol: float,
    rtol: float,
    seed: int,
) -> None:
    for i in which:
        x = args[i].array
        numeric = np.zeros((x.size, output.array.size))
        for j in range(x.size):
            step = np.zeros(x.size)
            step[j] = eps
            step = step.reshape(x.shape)
            above, below = (_values(func, _shifted(args, i, s), k) for s in (step, -step))
            numeric[j] = ((above - below) / (2 * eps)).reshape(-1)
        analytic = np.zeros_like(numeric)
        for j in range(output.array.size):
            v = np.zeros(output.array.size)
            v[j] = 1
            (g,) = grad(
                output,
                args[i],
                wrap(v.reshape(output.array.shape)),
                retain_graph=True,
                allow_unused=True,
            )
            if g is not None:
                analytic[:, j] = g.array.reshape(-1)
        wrong = ~(np.abs(analytic - numeric) <= atol + rtol * np.abs(numeric))
        wrong &= ~(np.isnan(analytic) & np.isnan(numeric))
        if wrong.any():
            a, b = (int(n) for n in np.argwhere(wrong)[0])
            raise GradcheckError(
                f"gradcheck: Jacobian mismatch for output {k} with respect to input {i}: d output[{b}] / d input[{a}] "
                f"is {analytic[a, b]:.8g} by backward and {numeric[a, b]:.8g} by central difference "
                f"({int(wrong.sum())} of {wrong.size} entries differ)"
            )


def _close(a: float, b: float, atol: float, rtol: float) -> bool:
    return abs(a - b) <= atol + rtol * abs(b) or (np.isnan(a) and np.isnan(b))
