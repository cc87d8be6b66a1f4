"""The check that every optimizer has to pass."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from dlframe.autograd import is_grad_enabled
from dlframe.errors import GradientError
from dlframe.nn import Parameter
from dlframe.ops.record import Array
from dlframe.optim import Optimizer
from dlframe.tensor import Tensor, to_array
from dlframe.testing.claims import (
    Broken,
    check_factory,
    claim,
    require,
    require_refused,
    require_same,
    unchanged,
)

Make = Callable[[Any], Optimizer]
Start = Callable[..., list[Parameter]]  # the parameters where every walk begins, in a dtype
SHAPES = ((3, 4), (4,), (2, 3, 2), ())


def check_optimizer(
    make: Make,
    *,
    steps: int = 100,
    seed: int = 0,
    shapes: Sequence[tuple[int, ...]] = SHAPES,
    groups: bool = True,
) -> None:
    """Check an optimizer: it goes downhill, and a saved one goes on where it was.

    It comes closer to the minimum of a bowl; parameters keep their dtype and gradients are not
    written to; a parameter without gradient stays where it is; `step` takes a closure; the
    options of groups count; a graph that kept old values refuses to run; and from `state_dict`
    another optimizer goes on bit for bit.

    Args:
        make: returns an optimizer for the given parameters (or groups). It has to halve their
            distance from the minimum, so the learning rate should suit parameters of size 1.
        steps: how many it may need.
        seed: of the initial values.
        shapes: of four parameters, of which the third has two dimensions or more.
        groups: False for an optimizer that takes one group only.

    Raises:
        ConformanceError: with the first rule that does not hold.

    >>> from dlframe import testing
    >>> testing.check_optimizer(lambda params: optim.SGD(params, lr=0.1, momentum=0.9))
    >>> testing.check_optimizer(lambda params: optim.SGD(params, lr=0.1, maximize=True))
    Traceback (most recent call last):
    dlframe.testing.claims.ConformanceError: SGD comes closer to a minimum: ...
    """
    start: Start = partial(_parameters, seed, shapes)
    check_factory("check_optimizer", make, Optimizer)
    with claim("the factory", "makes an Optimizer"):
        optimizer = make(start())
        require(isinstance(optimizer, Optimizer), f"it made {type(optimizer).__name__}")
    name = type(optimizer).__name__
    with claim(name, "prints under its name"):
        require(name in repr(optimizer), f"repr is {optimizer!r}")
    with claim(name, "refuses an empty list of parameters"):
        require_refused("an empty list", make, [])
    _check_progress(name, make, steps, start)
    _check_step(name, make, start)
    if groups:
        _check_groups(name, make, start)
    _check_graph(name, make, start)
    _check_resume(name, make, start)


# --- a bowl to descend into --------------------------------------------------------------------


def _parameters(
    seed: int, shapes: Sequence[tuple[int, ...]], dtype: Any = np.float32
) -> list[Parameter]:
    rng = np.random.default_rng(seed)
    values = [np.asarray(rng.standard_normal(shape)).astype(dtype) for shape in shapes]
    return [Parameter(Tensor(a)) for a in values]


def _loss(params: Sequence[Tensor]) -> Tensor:
    """Σ c p², steeper in some directions than in others: its minimum is at 0."""
    total: Any = 0.0
    for p in params:
        curvature = np.linspace(0.5, 2.0, p.numel()).reshape(p.shape).astype(p.dtype)
        total = (p * p * Tensor(curvature)).sum() + total
    return total  # type: ignore[no-any-return] # an op returns Any


def _walk(optimizer: Optimizer, params: Sequence[Tensor], steps: int) -> None:
    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = _loss(params)
        loss.backward()
        return loss

    for _ in range(steps):
        closure()
        optimizer.step(closure)


def _values(params: Sequence[Tensor]) -> list[Array]:
    return [to_array(p).copy() for p in params]


# --- the claims --------------------------------------------------------------------------------


def _check_progress(name: str, make: Make, steps: int, start: Start) -> None:
    for dtype in (np.float32, np.float64):
        params = start(dtype)
        shapes = [p.shape for p in params]
        distance = np.sqrt(_loss(params).item())
        with claim(name, "comes closer to a minimum"):
            starts = _values(params)
            optimizer = make(params)
            _walk(optimizer, params, 1)
            moves = [to_array(p) - a for p, a in zip(params, starts, strict=True)]
            _walk(optimizer, params, steps - 1)
            now = np.sqrt(max(_loss(params).item(), 0.0))
            if not now < distance / 2:
                meaning = _meaning(moves, starts, now)
                raise Broken(
                    f"at distance {distance:.3g}, and after {steps} steps {now:.3g}{meaning}"
                )
        with claim(name, f"leaves {dtype.__name__} parameters {dtype.__name__}"):
            for i, p in enumerate(params):
                require(p.dtype == dtype, f"parameter {i} became {p.dtype}")
                require(p.shape == shapes[i], f"parameter {i}{shapes[i]} became {p.shape}")
    with claim(name, "takes the same way again"):
        first, second = start(), start()
        for params in (first, second):
            _walk(make(params), params, 5)
        for i, (a, b) in enumerate(zip(first, second, strict=True)):
            require_same(b, a, f"parameter {i}")
    with claim(name, "moves parameters that are not contiguous as it moves others"):
        plain, *others = (start()[2] for _ in range(4))
        kinds: dict[str, Callable[[Array], Array]] = {
            "a transposed parameter": lambda a: a.T.copy().T,
            "a reversed parameter": lambda a: a[::-1].copy()[::-1],
            "a parameter with gaps": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
        }
        _walk(make([plain]), [plain], 3)
        for (kind, change), p in zip(kinds.items(), others, strict=True):
            p.array = change(p.array)
            _walk(make([p]), [p], 3)
            require_same(p, plain, kind, rtol=1e-5, atol=1e-6)


def _meaning(moves: list[Array], before: list[Array], distance: float) -> str:
    """What is probably wrong with an optimizer whose first step made these moves."""
    if not any(move.any() for move in moves):
        return "; the first step moves nothing: does it write to the parameters, as in p.add_()?"
    still = [i for i, move in enumerate(moves) if not move.any()]
    if still:
        return f"; the first step moves nothing of parameter {still[0]}{moves[still[0]].shape}"
    gradients = [np.linspace(0.5, 2.0, p.size).reshape(p.shape) * 2 * p for p in before]
    along = sum(float((move * g).sum()) for move, g in zip(moves, gradients, strict=True))
    if along > 0:
        return "; the first step goes up, along the gradient: is its sign reversed?"
    if not np.isfinite(distance) or distance > 100:
        return "; it goes down at first, and then away: is the learning rate too large?"
    return "; it goes down, but slowly: is the learning rate, or a factor of the step, too small?"


def _check_step(name: str, make: Make, start: Start) -> None:
    params = start()
    optimizer = make(params)
    with claim(name, "leaves gradients as they are"):
        _loss(params).backward()
        with unchanged([p.grad for p in params], "gradient"):
            optimizer.step(lambda: _loss(params))
    with claim(name, "leaves a parameter without gradient where it is"):
        params = start()
        optimizer, before = make(params), _values(params)
        _loss(params[1:]).backward()
        optimizer.step(lambda: _loss(params[1:]))
        require_same(params[0], before[0], "parameter 0")
        require((to_array(params[1]) != before[1]).any(), "the others did not move either")
    with claim(name, "drops gradients at zero_grad()"):
        optimizer.zero_grad()
        require(all(p.grad is None for p in params), "a gradient is still there")
    with claim(name, "calls a closure with gradients enabled, and returns its loss"):
        enabled = []

        def closure() -> Tensor:
            enabled.append(is_grad_enabled())
            optimizer.zero_grad()
            loss = _loss(params)
            loss.backward()
            return loss

        loss = optimizer.step(closure)
        require(enabled, "the closure was not called")
        require(all(enabled), "grad was disabled in the closure")
        require(loss is not None, "step(closure) returned None")


def _check_groups(name: str, make: Make, start: Start) -> None:
    with claim(name, "moves the parameters of all groups"):
        params = start()
        optimizer, before = make([{"params": params[:2]}, {"params": params[2:]}]), _values(params)
        _walk(optimizer, params, 3)
        moved = [bool((to_array(p) != a).any()) for p, a in zip(params, before, strict=True)]
        require(all(moved), f"of the four parameters these moved: {moved}")
    if "lr" in optimizer.defaults and len(optimizer.param_groups) > 1:
        with claim(name, "reads options from the group, at each step"):
            params = start()
            optimizer, before = (
                make([{"params": params[:2]}, {"params": params[2:]}]),
                _values(params),
            )
            optimizer.param_groups[1]["lr"] = 0.0
            _walk(optimizer, params, 3)
            require_same(params[2], before[2], "a parameter whose group has lr=0")
            require((to_array(params[0]) != before[0]).any(), "the other group did not move")


def _check_graph(name: str, make: Make, start: Start) -> None:
    with claim(name, "tells graphs that it changed what they kept (autograd.mark_mutated)"):
        params = start()
        optimizer, loss = make(params), _loss(params)
        loss.backward(retain_graph=True)
        optimizer.step(lambda: _loss(params))
        try:
            loss.backward()
        except GradientError:
            return
        require(False, "a backward of the loss from before the step gave gradients in silence")


def _check_resume(name: str, make: Make, start: Start) -> None:
    with claim(name, "goes on from its state_dict bit for bit"):
        params = start()
        optimizer = make(params)
        _walk(optimizer, params, 3)
        saved = copy.deepcopy(optimizer.state_dict())
        others = [Parameter(Tensor(a)) for a in _values(params)]
        other = make(others)
        other.load_state_dict(saved)
        for o, p in ((optimizer, params), (other, others)):
            _walk(o, p, 3)
        for i, (a, b) in enumerate(zip(others, params, strict=True)):
            require_same(a, b, f"parameter {i}, three steps after loading")
