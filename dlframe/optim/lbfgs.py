"""L-BFGS: steps by an estimate of the inverse Hessian, from the last changes of the gradient."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from dlframe import states
from dlframe.autograd import enable_grad, mark_mutated_many
from dlframe.base.quiet import quietly
from dlframe.optim.layout import Array, other_shape, scalar
from dlframe.optim.line_search import Number, Point, strong_wolfe
from dlframe.optim.optimizer import Optimizer, ParamGroup
from dlframe.optim.options import FORMS, NUMBER, check_counts, check_not_negative, check_numbers
from dlframe.optim.safety import loss_of
from dlframe.tensor import Tensor

__all__ = ["LBFGS"]


def lbfgs_direction(
    g: Array, ys: Sequence[Array], ss: Sequence[Array], rhos: Sequence[Number], scale: Number
) -> tuple[Array, list[Number]]:
    """−H g, for the estimate H of the inverse Hessian; H itself is never formed.

    H starts as `scale` times the identity. Each pair of a step s and the change y of the gradient
    over it improves H so that H y = s. Nocedal and Wright, "Numerical Optimization" (2006),
    algorithm 7.4.

    Args:
        g: the gradient, flat.
        ys: the changes of the gradient, the oldest first.
        ss: the steps to which they belong.
        rhos: 1 / (y · s) for each pair.
        scale: y · s / y · y of the last pair.

    Returns:
        The direction, and the coefficients α of the first of the two loops.
    """
    q = -g
    alphas: list[Number] = [0.0] * len(ys)
    for i in reversed(range(len(ys))):
        alphas[i] = ss[i].dot(q) * rhos[i]
        q = q - alphas[i] * ys[i]
    r = q * scale
    for i in range(len(ys)):
        r = r + (alphas[i] - ys[i].dot(r) * rhos[i]) * ss[i]
    return r, alphas


class LBFGS(Optimizer):
    """L-BFGS: a quasi-Newton method, for losses that are the same at every evaluation.

    The direction as a readable function: `dlframe.optim.lbfgs.lbfgs_direction`; the line search:
    `dlframe.optim.line_search.strong_wolfe`.

    With γ the learning rate, for each of at most `max_iter` iterations of one step::

        s = the last step,  y = the last change of the gradient;  both are kept if y·s > 10⁻¹⁰
        d = −H g                    H from the last `history_size` pairs (s, y); d = −g at first
        t = γ                       γ min(1, 1/‖g‖₁) at first
        with "strong_wolfe": t from a line search that starts there
        θ ← θ + t d

    Liu and Nocedal, "On the limited memory BFGS method for large scale optimization" (1989).

    Use it on small problems with all data in each evaluation: it needs fewer evaluations than
    `Adam`, no learning rate, and reaches the last digits. Dropout or changing batches make the
    changes of the gradient meaningless. Without a line search it may diverge; prefer
    `line_search_fn="strong_wolfe"`.

    Args:
        params: parameters, or pairs `(name, parameter)`; one group only.
        lr: learning rate γ, a number or a tensor of one element.
        max_iter: the most iterations in one step.
        max_eval: the most evaluations in one step, those of the line search among them; 1.25
            `max_iter` by default. With `max_iter=1` the line search has one try.
        tolerance_grad: a step ends when no element of the gradient is larger than this.
        tolerance_change: a step ends when the loss or the parameters change by less.
        history_size: how many pairs are kept; each takes twice the memory of the parameters.
        line_search_fn: "strong_wolfe", or None to go γ far.

    Raises:
        TypeError: an option of another type.
        ValueError: a negative learning rate, no history, or more than one group.
        RuntimeError: in `step`, another `line_search_fn`.

    >>> p = nn.Parameter(dl.tensor([-1.0, 2.0]))
    >>> optimizer = optim.LBFGS([p], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = (1 - p[0]) ** 2 + 10 * (p[1] - p[0] ** 2) ** 2
    ...     loss.backward()
    ...     return loss
    >>> first = optimizer.step(closure)
    >>> bool(((p - 1).abs() < 0.01).all())  # near the minimum, at (1, 1)
    True
    """

    needs_closure = True
    _option_forms: ClassVar[dict[str, states.Form]] = {
        "lr": FORMS["lr"],
        "max_iter": states.count,
        "max_eval": states.count,
        "tolerance_grad": states.number,
        "tolerance_change": states.number,
        "history_size": states.count,
        "line_search_fn": states.optional(states.one_of("strong_wolfe")),
    }

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_not_negative(lr=lr)
        check_counts(0, max_iter=max_iter)
        check_counts(1, history_size=history_size)
        check_numbers(tolerance_grad=tolerance_grad, tolerance_change=tolerance_change)
        if max_eval is not None:
            check_numbers(max_eval=max_eval)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)

    def add_param_group(self, param_group: ParamGroup) -> None:
        """Take the only group; ValueError for a second one."""
        if self.param_groups:
            raise ValueError(
                "LBFGS doesn't support per-parameter options (parameter groups): its directions "
                "come from all parameters together"
            )
        super().add_param_group(param_group)

    def _state_forms(
        self, group: ParamGroup, p: Tensor, entry: Mapping[str, Any]
    ) -> dict[str, states.Form]:
        params = self.param_groups[0]["params"]
        if not entry or p is not params[0]:
            return {}
        forms: dict[str, states.Form] = {"func_evals": states.count, "n_iter": states.count}
        if "d" in entry:
            vector = states.tensor((sum(q.array.size for q in params),))
            dirs = entry.get("old_dirs")
            pairs = len(dirs) if isinstance(dirs, (list, tuple)) else None
            forms |= dict.fromkeys(("d", "prev_flat_grad"), vector)
            forms |= dict.fromkeys(("old_dirs", "old_stps"), states.listed(vector, pairs))
            forms |= {"ro": states.listed(NUMBER, pairs), "t": NUMBER, "H_diag": NUMBER}
            forms["prev_loss"] = states.any_number
        if "al" in entry:  # not before the second iteration
            forms["al"] = states.listed(states.optional(NUMBER))
        return forms

    # --- the parameters as one vector ----------------------------------------------------------

    def _gradient(self) -> Array:
        """All gradients, flat; zeros for a parameter without one."""
        params = self.param_groups[0]["params"]
        return np.concatenate(
            [
                (np.zeros_like(p.array) if p.grad is None else p.grad.array).reshape(-1)
                for p in params
            ]
        )

    def _move(self, t: Number, d: Array) -> None:
        """θ ← θ + t d."""
        start = 0
        arrays = [p.array for p in self.param_groups[0]["params"]]
        for array in arrays:
            array[...] += t * d[start : start + array.size].reshape(array.shape)
            start += array.size
        mark_mutated_many(arrays, "LBFGS.step")

    # --- one step ------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override] # as PyTorch's
        """Go at most `max_iter` iterations on.

        Args:
            closure: computes the loss, calls `backward` on it and returns it; called several times.

        Returns:
            What `closure` returned the first time, before the parameters changed.

        Raises:
            TypeError: no closure, or one that returns None.
        """
        if not callable(closure):
            raise TypeError(
                "LBFGS.step: closure is a function that calls zero_grad(), computes the loss, "
                f"calls backward() on it and returns it; got {type(closure).__name__}"
            )
        return quietly(self._iterate, closure)

    def _iterate(self, closure: Callable[[], Any]) -> Any:
        def evaluate() -> Any:
            with enable_grad():
                return loss_of(self, self._watch.call(self, closure))

        group = self.param_groups[0]
        state = self.state[group["params"][0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first_loss = evaluate()
        loss, evaluations = float(first_loss), 1
        g = self._gradient()
        state["func_evals"] += 1
        if np.abs(g).max() <= group["tolerance_grad"]:
            return first_loss
        memory = _Memory(state)
        if memory.direction is not None and memory.direction.shape != g.shape:
            raise other_shape("d", memory.direction.shape, g.shape)
        for i in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            first = memory.direction is None
            if first:
                memory.begin(g)
            else:
                alphas = memory.update(g, group["history_size"])
                kept = state["al"] = list(state.get("al") or [None] * group["history_size"])
                kept[: len(alphas)] = map(_kept, alphas)
            d, memory.gradient, memory.loss = memory.direction, g, loss
            lr = scalar(group["lr"])
            memory.t = t = min(1.0, 1.0 / np.abs(g).sum()) * lr if first else lr
            slope = g.dot(d)
            if slope > -group["tolerance_change"]:
                break
            before = evaluations
            if group["line_search_fn"] is not None:
                place, count = self._search(evaluate, Point(0, loss, g, slope), d, t, evaluations)
                t, loss, g, evaluations = place.t, place.loss, place.gradient, evaluations + count
                self._move(t, d)
            else:
                self._move(t, d)
                if i < group["max_iter"]:  # after the last one the next step evaluates the loss
                    loss, g, evaluations = float(evaluate()), self._gradient(), evaluations + 1
            memory.t = t
            state["func_evals"] += evaluations - before
            if (
                evaluations >= group["max_eval"]
                or np.abs(g).max() <= group["tolerance_grad"]
                or np.abs(d * t).max() <= group["tolerance_change"]
                or abs(loss - memory.loss) < group["tolerance_change"]
            ):
                break
        memory.save(state)
        return first_loss

    def _search(
        self, evaluate: Callable[[], Any], start: Point, d: Array, t: Number, evaluations: int
    ) -> tuple[Point, int]:
        """The point of a line search, and how many evaluations it took; the parameters stay."""
        group = self.param_groups[0]
        if group["line_search_fn"] != "strong_wolfe":
            raise RuntimeError(
                f"only 'strong_wolfe' is supported; got line_search_fn={group['line_search_fn']!r}"
            )
        arrays = [p.array for p in group["params"]]
        values = [a.copy() for a in arrays]

        def place(t: Number) -> Point:
            self._move(t, d)
            try:
                loss, g = float(evaluate()), self._gradient()
            finally:
                for array, value in zip(arrays, values, strict=True):
                    array[...] = value
            return Point(t, loss, g, g.dot(d))

        return strong_wolfe(
            place,
            start,
            t,
            size=np.abs(d).max(),
            tolerance=group["tolerance_change"],
            most=group["max_eval"] - evaluations,
        )


class _Memory:
    """What one iteration leaves to the next; PyTorch's names are in the state."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.direction, self.gradient = (_value(state.get(k)) for k in ("d", "prev_flat_grad"))
        self.t, self.scale = _value(state.get("t")), _value(state.get("H_diag"))
        self.ys, self.ss, self.rhos = (
            [_value(v) for v in state.get(key) or ()] for key in ("old_dirs", "old_stps", "ro")
        )
        self.loss = state.get("prev_loss")

    def begin(self, g: Array) -> None:
        self.direction, self.scale = -g, 1
        self.ys, self.ss, self.rhos = [], [], []

    def update(self, g: Array, size: int) -> list[Number]:
        """Take in the last step; set the next direction, and return the α of its first loop."""
        y, s = g - self.gradient, self.direction * self.t
        ys = y.dot(s)
        if ys > 1e-10:  # the loss is convex between the two places
            if len(self.ys) == size:
                for kept in (self.ys, self.ss, self.rhos):
                    kept.pop(0)
            self.ys.append(y)
            self.ss.append(s)
            self.rhos.append(1.0 / ys)
            self.scale = ys / y.dot(y)
        self.direction, alphas = lbfgs_direction(g, self.ys, self.ss, self.rhos, self.scale)
        return alphas

    def save(self, state: dict[str, Any]) -> None:
        state["d"], state["t"] = _kept(self.direction), _kept(self.t)
        for key, values in (("old_dirs", self.ys), ("old_stps", self.ss), ("ro", self.rhos)):
            state[key] = [_kept(v) for v in values]
        state["H_diag"] = _kept(self.scale)
        state["prev_flat_grad"], state["prev_loss"] = _kept(self.gradient), self.loss


def _kept(value: Any) -> Any:
    """A value as the state holds it: arrays and scalars of NumPy become tensors."""
    return Tensor(np.asarray(value)) if isinstance(value, np.ndarray | np.generic) else value


def _value(value: Any) -> Any:
    """A value of the state as an array, or as a scalar if it has no dimensions."""
    return value.array[()] if isinstance(value, Tensor) else value
