"""The check that every loss has to pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlframe.errors import GradientError
from dlframe.nn import Module
from dlframe.tensor import Tensor, to_array
from dlframe.testing.by_hand import check_by_hand
from dlframe.testing.claims import (
    Broken,
    Results,
    backward,
    check_factory,
    claim,
    fresh,
    require,
    require_alike,
    require_refused,
    require_same,
    require_shape,
    results_of,
    tensors_in,
    unchanged,
)
from dlframe.testing.gradients import check_first_order
from dlframe.testing.op import Case, check_gradients, check_layouts, require_dtype


def check_loss(
    make: Callable[..., Module],
    input: Any,
    target: Any,
    *,
    order: int = 2,
    weighted: bool = False,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    seed: int = 0,
) -> None:
    """Check a loss: a Module called with a model's output and its target, which can reduce.

    `reduction="sum"` is the sum of what `"none"` gives, `"mean"` its mean, the default is
    `"mean"` and anything else an error; gradients agree with central differences; float32 stays
    float32; nothing is written to; shapes that would have to be broadcast are refused, and so are
    labels that are not classes. A loss with its own backward gives the same on arrays, for each
    call its own gradient.

    Args:
        make: a new loss; called with `reduction=`, or without arguments.
        input: the outputs of a model, (N, …) or (N, C, …).
        target: floats of the shape of `input`, or class labels (N, …).
        order: how often it can be differentiated with respect to `input`; once, if it has its own
            backward on arrays.
        weighted: whether the mean is a weighted one; it must only lie among the values.
        atol, rtol: the tolerance of the comparison with central differences.
        seed: of random gradients.

    Raises:
        ConformanceError: with the first rule that does not hold.

    >>> from dlframe import testing
    >>> testing.check_loss(nn.CrossEntropyLoss, dl.randn(4, 3), dl.tensor([0, 2, 1, 1]))
    >>> class Squares(nn.Module):
    ...     def __init__(self, reduction="mean"):
    ...         super().__init__()
    ...         self.reduction = reduction
    ...
    ...     def forward(self, input, target):
    ...         values = (input - target) ** 2
    ...         return values if self.reduction == "none" else getattr(values, self.reduction)()
    >>> testing.check_loss(Squares, dl.randn(4), dl.zeros(4))
    Traceback (most recent call last):
    dlframe.testing.claims.ConformanceError: Squares refuses shapes that do not match: ...
    """
    check_factory("check_loss", make, Module)
    with claim("the factory", "makes a Module, given reduction= or nothing"):
        losses = {r: make(reduction=r) for r in ("mean", "sum", "none")}
        for loss in (*losses.values(), make()):
            require(isinstance(loss, Module), f"it made {type(loss).__name__}")
    name = type(losses["mean"]).__name__
    with claim(name, "prints under its name"):
        require(name in repr(losses["mean"]), f"repr is {losses['mean']!r}")
    pair = fresh([input, target])
    with claim(name, "leaves input and target as they are"):
        for loss in losses.values():
            args = _recorded(loss, input, target)
            with unchanged(args, "argument"):
                backward(tensors_in(loss(*args)), seed)
    _check_reductions(name, make, losses, pair, weighted=weighted)
    _check_forms(name, losses, input, target)
    _check_shapes_are_checked(name, losses["mean"], pair)
    if pair[1].dtype.kind in "iu":
        _check_labels_are_checked(name, losses["mean"], pair)
    own = [part for part in losses["mean"].modules() if part.own_backward]
    if not all(hasattr(part, "backward_on_tensors") for part in own):
        order = min(order, 1)
    for reduction, loss in losses.items():
        subject, args = f'{name}(reduction="{reduction}")', [input, target]
        case = Case(subject, loss.double(), args, order, fixed=[1], seed=seed)
        check_layouts(case)
        if order > 0:
            check_first_order(subject, loss, args, seed, atol, rtol, fixed=[1])
        if own:
            check_by_hand(subject, loss, args, seed, fixed=[1])
        if order > 1:
            check_gradients(case, atol=atol, rtol=rtol)


def _recorded(loss: Module, input: Any, target: Any) -> list[Any]:
    """Tensors that require grad; a loss may refuse that of its target with a GradientError."""
    try:
        backward(tensors_in(loss(*fresh([input, target], requires_grad=True))))
    except GradientError:
        return fresh([input, target], requires_grad=[0])
    return fresh([input, target], requires_grad=True)


def _check_reductions(
    name: str, make: Any, losses: dict[str, Module], pair: list[Any], *, weighted: bool
) -> None:
    values = {r: to_array(loss(*pair)) for r, loss in losses.items()}
    with claim(name, 'gives one number for "mean" and "sum"'):
        for reduction in ("mean", "sum"):
            require(values[reduction].shape == (), f"{reduction}: shape {values[reduction].shape}")
    each = values["none"]
    with claim(name, 'gives one value per sample or element for "none"'):
        require(each.ndim and each.shape[0] == pair[0].shape[0], f"shape {each.shape}")
    with claim(name, 'gives for "sum" the sum of the values'):
        require_same(values["sum"], each.sum(), "sum", rtol=1e-4, atol=1e-6)
    with claim(name, 'gives for "mean" the mean of the values (a weighted one if weighted=True)'):
        mean = values["mean"]
        if weighted:
            inside = each.min() - 1e-6 <= mean <= each.max() + 1e-6
            require(inside, f"{mean} is not between {each.min()} and {each.max()}")
        else:
            require_same(mean, each.mean(), "mean", rtol=1e-4, atol=1e-6)
    with claim(name, 'reduces with "mean" unless told otherwise'):
        require_same(make()(*pair), values["mean"], "the default")
    with claim(name, "refuses a reduction that does not exist"):
        require_refused('reduction="maximal"', lambda: make(reduction="maximal")(*pair))


def _check_forms(name: str, losses: dict[str, Module], input: Any, target: Any) -> None:
    results: dict[str, Results] = {"float32": {}, "float64": {}}
    for dtype, cast in (("float32", Module.float), ("float64", Module.double)):
        with claim(name, f"computes in {dtype} for {dtype}"):
            for reduction, loss in losses.items():
                x, t = fresh([input, target], dtype)
                x.requires_grad = True
                out = cast(loss)(x, t)
                require_dtype(results_of(out), dtype)
                backward([out])
                require_dtype({"the gradient of input": to_array(x.grad)}, dtype)
                require_shape(x.grad, x.shape, "the gradient of input")
                results[dtype][f'the loss with "{reduction}"'] = to_array(out)
                results[dtype][f'the gradient with "{reduction}"'] = to_array(x.grad)
            for loss in losses.values():
                loss.float()
    with claim(name, "gives in float32 nearly what it gives in float64"):
        require_alike(results["float32"], results["float64"], tolerance=1e-4, dtypes=False)


def _check_shapes_are_checked(name: str, loss: Module, pair: list[Any]) -> None:
    """Shapes that NumPy would broadcast: one sample for all, or an extra dimension of size 1."""
    input, target = pair
    with claim(name, "refuses shapes that do not match"):
        require(input.shape[0] > 1, "the input given to check_loss needs two samples or more")
        for x, t in ((input, target[:1]), (input[:1], target), (input, target[None])):
            require_refused(f"input{x.shape} with target{t.shape}", loss, x, t)
        if input.shape == target.shape:
            for x, t in ((input[..., None], target), (input, target[..., None])):
                require_refused(f"input{x.shape} with target{t.shape}", loss, x, t)


def _check_labels_are_checked(name: str, loss: Module, pair: list[Any]) -> None:
    input, target = pair
    with claim(name, "refuses labels that are not classes"):
        if input.ndim == target.ndim:
            raise Broken(
                f"whole numbers of the input's shape {input.shape} are not labels; give floats"
            )
        for label in (input.shape[1], -1):
            labels = to_array(target).copy()
            labels.reshape(-1)[0] = label
            what = f"label {label} among {input.shape[1]} classes"
            require_refused(what, loss, input, Tensor(labels))
