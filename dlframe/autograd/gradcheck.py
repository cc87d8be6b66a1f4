"""Compare gradients with finite differences.

`gradcheck` compares the whole Jacobian J. With `fast_mode=True` it compares only one number: for
random directions u (in the inputs) and v (in the outputs), vᵀ J u computed by backward must equal
the central difference vᵀ (f(x + εu) - f(x - εu)) / 2ε. A wrong rule passes with probability zero,
and the check needs two evaluations instead of two per input element (Griewank & Walther,
*Evaluating Derivatives*, 2008, ch. 3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from dlframe.autograd.backward import grad
from dlframe.base.quiet import silence
from dlframe.errors import GradientError
from dlframe.ops.calling import wrap
from dlframe.ops.record import TensorBase, grad_mode


class GradcheckError(GradientError):
    """The gradient of backward differs from the finite difference."""


class _Options(NamedTuple):
    eps: float
    atol: float
    rtol: float
    nondet_tol: float
    check_grad_dtypes: bool
    check_batched_grad: bool
    check_forward_ad: bool
    check_backward_ad: bool
    seed: int


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
    seed: int = 0,
) -> bool:
    """Check the gradients of `func` with respect to every float input that requires grad.

    Args:
        func: a function of tensors that returns a tensor or a tuple of tensors.
        inputs: a tensor, or a sequence of arguments; in float64, as float32 is too coarse.
        eps: the step of the central difference.
        atol: |analytic - numeric| ≤ atol + rtol · |numeric| must hold.
        rtol: see `atol`.
        raise_exception: raise `GradcheckError` instead of returning False.
        nondet_tol: the largest difference between two runs of one backward.
        check_undefined_grad: accepted; if there are several outputs, only one at a time gets a
            gradient in any case.
        check_grad_dtypes: check that gradients have their inputs' dtypes.
        check_batched_grad: check that a batch of gradients gives the same as each of them alone.
        check_batched_forward_grad: accepted; with `check_forward_ad` only.
        check_forward_ad: check J u as well, along a random direction u.
        check_backward_ad: whether to check backward at all.
        fast_mode: compare one random projection instead of the whole Jacobian.
        masked: accepted; it concerns sparse tensors.
        seed: of the random projection; printed on failure.

    >>> import dlframe as dl
    >>> x = dl.tensor([0.5, 2.0], dtype=dl.float64, requires_grad=True)
    >>> dl.autograd.gradcheck(dl.exp, x)
    True
    """
    if not (check_forward_ad or check_backward_ad):
        raise ValueError(
            "Expected at least one of check_forward_ad or check_backward_ad to be True"
        )
    if check_batched_grad and not check_backward_ad:
        raise ValueError("Setting check_batched_grad=True requires check_backward_ad to be True")
    if check_batched_forward_grad and not check_forward_ad:
        raise ValueError(
            "Setting check_batched_forward_grad=True requires check_forward_ad to be True"
        )
    args = (inputs,) if isinstance(inputs, TensorBase) else tuple(inputs)
    which = [i for i, x in enumerate(args) if isinstance(x, TensorBase) and x.needs_grad]
    if not which:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them "
            "have it"
        )
    for i in which:
        if args[i].array.dtype != np.float64:
            raise ValueError(
                f"gradcheck: input {i} is {args[i].array.dtype}; finite differences need float64"
            )
    options = _Options(
        eps,
        atol,
        rtol,
        nondet_tol,
        check_grad_dtypes,
        check_batched_grad,
        check_forward_ad,
        check_backward_ad,
        seed,
    )
    check = _check_projection if fast_mode else _check_jacobian
    try:
        for k, output in enumerate(_outputs(func, args)):
            if check_backward_ad and output.needs_grad:
                _check_backward(args, which, k, output, options)
            if check_backward_ad and (output.needs_grad or fast_mode):
                check(func, args, which, k, output, options)
            if check_forward_ad and output.array.dtype.kind == "f":
                _check_forward(func, args, which, k, options)
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
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
    seed: int = 0,
) -> bool:
    """Check second gradients: `gradcheck` of the gradient of `func`.

    The gradient is differentiated with respect to the inputs and to the gradients of the outputs.
    The arguments are those of `gradcheck`, and `gen_non_contig_grad_outputs`: use gradients of the
    outputs that are not contiguous in memory; `check_fwd_over_rev`, `check_rev_over_rev`: the modes
    in which the gradient is differentiated.

    >>> import dlframe as dl
    >>> x = dl.tensor([0.5, 2.0], dtype=dl.float64, requires_grad=True)
    >>> dl.autograd.gradgradcheck(dl.exp, x)
    True
    """
    args = (inputs,) if isinstance(inputs, TensorBase) else tuple(inputs)
    outputs = [o for o in _outputs(func, args) if o.array.dtype.kind == "f"]
    # not the numbers of gradcheck's projections: with those, J and its transposed look alike
    rng = np.random.default_rng((seed, 1))
    if grad_outputs is None:
        numbers = [rng.standard_normal(o.array.shape) for o in outputs]
        if gen_non_contig_grad_outputs:
            numbers = [np.repeat(n[..., None], 2, axis=-1)[..., 0] for n in numbers]
        starts = [wrap(n) for n in numbers]
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
        nondet_tol=nondet_tol,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
        fast_mode=fast_mode,
        seed=seed,
    )


def _outputs(func: Callable[..., Any], args: Sequence[Any]) -> tuple[Any, ...]:
    out = func(*args)
    outputs = out if isinstance(out, (tuple, list)) else (out,)
    return tuple(o for o in outputs if isinstance(o, TensorBase))


def _values(func: Callable[..., Any], args: Sequence[Any], k: int) -> Any:
    """The k-th output on copies of the inputs; recorded, as `func` may compute gradients itself."""
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


def _gradients(output: Any, xs: list[Any], v: Any) -> tuple[Any, ...]:
    return grad(output, xs, wrap(v), retain_graph=True, allow_unused=True)


def _check_backward(args: Any, which: Any, k: int, output: Any, options: _Options) -> None:
    """One backward run twice gives the same gradients, and gives them in the inputs' dtypes."""
    xs = [args[i] for i in which]
    v = np.random.default_rng(options.seed).standard_normal(output.array.shape)
    v = v.astype(output.array.dtype)
    for i, x, g, again in zip(
        which, xs, _gradients(output, xs, v), _gradients(output, xs, v), strict=True
    ):
        if g is None:
            continue
        with silence():
            apart = np.abs(g.array - again.array).max(initial=0)
        if apart > options.nondet_tol:
            raise GradcheckError(
                f"gradcheck: Backward is not reentrant, i.e., running backward twice for output "
                f"{k} gives two different gradients of input {i}; see nondet_tol"
            )
        if options.check_grad_dtypes and g.array.dtype != x.array.dtype:
            raise GradcheckError(
                f"gradcheck: the gradient of input {i} is {g.array.dtype}, the input "
                f"{x.array.dtype}"
            )

    if options.check_batched_grad:
        _check_batched(xs, which, k, output, options)


def _check_batched(xs: Any, which: Any, k: int, output: Any, options: _Options) -> None:
    """Two gradients in one backward give the same as in two."""
    v = np.random.default_rng(options.seed).standard_normal((2, *output.array.shape))
    together = grad(
        output, xs, wrap(v), retain_graph=True, allow_unused=True, is_grads_batched=True
    )
    alone = [_gradients(output, xs, vi) for vi in v]
    for i, both, *single in zip(which, together, *alone, strict=True):
        for n, g in enumerate(single):
            if g is not None and not _close(both.array[n], g.array, options).all():
                raise GradcheckError(
                    f"gradcheck: for output {k}, a batch of gradients gives another gradient of "
                    f"input {i} than each of them alone"
                )


def _check_forward(func: Any, args: Any, which: Any, k: int, options: _Options) -> None:
    """J u along a random direction u equals the central difference."""
    from dlframe.autograd.func.derivatives import jvp  # on first use: it stands on this package

    rng = np.random.default_rng(options.seed + k)
    us = [rng.standard_normal(args[i].array.shape) for i in which]

    def of_floats(*xs: Any) -> Any:
        values = list(args)
        for i, x in zip(which, xs, strict=True):
            values[i] = x
        return _outputs(func, values)[k]

    xs = tuple(wrap(args[i].array) for i in which)
    _, analytic = jvp(of_floats, xs, tuple(wrap(u) for u in us))
    moved = []
    for step in (options.eps, -options.eps):
        values = list(args)
        for i, u in zip(which, us, strict=True):
            values = _shifted(values, i, step * u)
        moved.append(_values(func, values, k))
    numeric = (moved[0] - moved[1]) / (2 * options.eps)
    if not _close(analytic.array, numeric, options).all():
        raise GradcheckError(
            f"gradcheck: output {k}: along a random direction (seed {options.seed}) forward mode "
            f"gives {analytic.array.reshape(-1)[:3]}, the central difference "
            f"{numeric.reshape(-1)[:3]} (first values)"
        )


def _check_projection(
    func: Any, args: Any, which: Any, k: int, output: Any, options: _Options
) -> None:
    rng = np.random.default_rng(options.seed + k)
    v = rng.standard_normal(output.array.shape)
    grads: tuple[Any, ...] = (None,) * len(which)
    if output.needs_grad:
        grads = _gradients(output, [args[i] for i in which], v)
    for i, g in zip(which, grads, strict=True):
        u = rng.standard_normal(args[i].array.shape)
        u /= max(float(np.linalg.norm(u)), 1e-30)
        above = _values(func, _shifted(args, i, options.eps * u), k)
        below = _values(func, _shifted(args, i, -options.eps * u), k)
        numeric = float((v * (above - below)).sum() / (2 * options.eps))
        analytic = 0.0 if g is None else float((g.array * u).sum())
        if not _close(np.array(analytic), np.array(numeric), options).all():
            raise GradcheckError(
                f"gradcheck: output {k}, input {i} of shape {list(args[i].array.shape)}: along a "
                f"random direction (seed {options.seed}) backward gives {analytic:.8g}, the "
                f"central difference {numeric:.8g}"
            )


def _check_jacobian(
    func: Any, args: Any, which: Any, k: int, output: Any, options: _Options
) -> None:
    for i in which:
        numeric = _numeric_jacobian(func, args, i, k, output.array.size, options.eps)
        analytic = _jacobian_by_backward(output, args[i])
        wrong = ~_close(analytic, numeric, options)
        if wrong.any():
            a, b = (int(n) for n in np.argwhere(wrong)[0])
            raise GradcheckError(
                f"gradcheck: Jacobian mismatch for output {k} with respect to input {i}: "
                f"d output[{b}] / d input[{a}] is {analytic[a, b]:.8g} by backward and "
                f"{numeric[a, b]:.8g} by central difference "
                f"({int(wrong.sum())} of {wrong.size} entries differ)"
            )


def _numeric_jacobian(func: Any, args: Any, i: int, k: int, size: int, eps: float) -> Any:
    x = args[i].array
    jacobian = np.zeros((x.size, size))
    for j in range(x.size):
        step = np.zeros(x.size)
        step[j] = eps
        step = step.reshape(x.shape)
        above, below = (_values(func, _shifted(args, i, s), k) for s in (step, -step))
        with silence():
            jacobian[j] = ((above - below) / (2 * eps)).reshape(-1)
    return jacobian


def _jacobian_by_backward(output: Any, x: Any) -> Any:
    jacobian = np.zeros((x.array.size, output.array.size))
    for j in range(output.array.size):
        v = np.zeros(output.array.size)
        v[j] = 1
        (g,) = _gradients(output, [x], v.reshape(output.array.shape))
        if g is not None:
            jacobian[:, j] = g.array.reshape(-1)
    return jacobian


def _close(a: Any, b: Any, options: _Options) -> Any:
    with silence():
        near = np.abs(a - b) <= options.atol + options.rtol * np.abs(b)
    return near | (np.isnan(a) & np.isnan(b))
