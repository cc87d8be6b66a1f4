"""SciPy's minimizers, with derivatives from autograd, for small models."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from dlframe import func, states
from dlframe.autograd import enable_grad, grad, mark_mutated_many
from dlframe.errors import AnomalyError, GradientError, needs
from dlframe.optim.layout import Array
from dlframe.optim.optimizer import Optimizer, ParamGroup
from dlframe.optim.safety import loss_of
from dlframe.tensor import Tensor

__all__ = ["SciPy", "least_squares"]

# What the methods need, and what they take.
WITHOUT_GRADIENT = ("Nelder-Mead", "Powell", "COBYLA", "COBYQA")
WITH_GRADIENT = ("CG", "BFGS", "L-BFGS-B", "TNC", "SLSQP", "trust-constr")
WITH_PRODUCTS = ("Newton-CG", "trust-ncg", "trust-krylov")
WITH_HESSIAN = ("dogleg", "trust-exact")
METHODS = (*WITHOUT_GRADIENT, *WITH_GRADIENT, *WITH_PRODUCTS, *WITH_HESSIAN)
BOUNDED = (*WITHOUT_GRADIENT, "L-BFGS-B", "TNC", "SLSQP", "trust-constr")
CONSTRAINED = ("COBYLA", "COBYQA", "SLSQP", "trust-constr")

Bounds = tuple[Any, Any]


class SciPy(Optimizer):
    """One of the minimizers of `scipy.optimize`, for small models and losses without noise.

    All parameters are one vector x in float64. `step(closure)` runs the whole minimization::

        min L(x)   subject to   low ≤ x ≤ high,   c(x) = 0   or   c(x) ≥ 0

    The closure runs in the dtype of the parameters, and SciPy computes in float64 with what it
    returns. Rounding of float32 stops a minimizer early, so call `model.double()` for the last
    digits. Nocedal and Wright, "Numerical Optimization" (2006), describes the methods.

    Use it for fits, for logistic regression, and for networks of up to some thousand weights. It
    fails with batches or dropout, as a method cannot tell a better point from a lucky one: it ends
    after a few iterations, and "L-BFGS-B" calls that convergence.

    Args:
        params: parameters, pairs `(name, parameter)`, or dicts that describe groups; `bounds` may
            be an option of a group.
        method: "L-BFGS-B", "BFGS", "CG", "TNC", "SLSQP" and "trust-constr" use gradients;
            "Newton-CG", "trust-ncg" and "trust-krylov" also products with the Hessian; "dogleg" and
            "trust-exact" the Hessian, at one product for each number; "Nelder-Mead", "Powell",
            "COBYLA" and "COBYQA" values only.
        bounds: a pair `(low, high)` for all parameters, or a dict from patterns of names to pairs.
            A limit is None, a number, or an array that broadcasts to the parameter.
        constraints: dicts `{"type": "eq" or "ineq", "fun": c}`, where `c` takes the parameters as
            tensors in float64, one argument each, and returns a tensor: zero, or not negative.
        tol: SciPy's tolerance for the method.
        max_iter: the most iterations in one step; the method's own limit by default. COBYLA counts
            evaluations.
        options: further options for the method, such as `{"gtol": 1e-12}`.
        callback: called with the optimizer after each iteration, when the parameters are the best
            so far. StopIteration ends the step.

    `result` is SciPy's result of the last step: `result.success`, `result.message`, `result.nit`.
    What a method knows about the curvature is not kept: a further step begins anew. Parameters that
    need no gradients stay as they are, if others need some.

    Raises:
        ValueError: an unknown method; bounds or constraints that the method does not take, or that
            are none.

    >>> p = nn.Parameter(dl.tensor([-1.0, 2.0], dtype=dl.float64))
    >>> optimizer = optim.SciPy([p], bounds=(None, 0.5))
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = (1 - p[0]) ** 2 + 10 * (p[1] - p[0] ** 2) ** 2
    ...     loss.backward()
    ...     return loss
    >>> first = optimizer.step(closure)
    >>> [round(x, 3) for x in p.tolist()]
    [0.5, 0.25]
    """

    needs_closure = True
    _option_forms: ClassVar[dict[str, states.Form]] = {
        "bounds": states.optional(states.listed(states.plain, 2))
    }

    def __init__(
        self,
        params: Any,
        method: str = "L-BFGS-B",
        *,
        bounds: Bounds | dict[str, Bounds] | None = None,
        constraints: Sequence[dict[str, Any]] = (),
        tol: float | None = None,
        max_iter: int | None = None,
        options: dict[str, Any] | None = None,
        callback: Callable[[SciPy], Any] | None = None,
    ) -> None:
        if method not in METHODS:
            raise ValueError(f"SciPy: method is one of {', '.join(METHODS)}; got {method!r}")
        constraints = [constraints] if isinstance(constraints, dict) else list(constraints)
        if constraints and method not in CONSTRAINED:
            raise ValueError(
                f"SciPy: {method} takes no constraints; use one of {', '.join(CONSTRAINED)}"
            )
        for constraint in constraints:
            _check_constraint(constraint)
        self.method, self.constraints, self.tol = method, constraints, tol
        self.max_iter, self.options, self.callback = max_iter, dict(options or {}), callback
        self.result: Any = None
        by_name = isinstance(bounds, dict)
        self.named_bounds: dict[str, Bounds] = bounds if isinstance(bounds, dict) else {}
        super().__init__(params, {"bounds": None if by_name else bounds})
        self._limits()  # refuses unfit ones now

    def __getstate__(self) -> dict[str, Any]:
        names = ("method", "constraints", "tol", "max_iter", "options", "callback", "result")
        own = {name: getattr(self, name) for name in (*names, "named_bounds")}
        return super().__getstate__() | own

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._limits()  # refuses bounds that do not fit

    def _state_forms(
        self, group: ParamGroup, p: Tensor, entry: Mapping[str, Any]
    ) -> dict[str, states.Form]:
        return {"func_evals": states.count, "n_iter": states.count} if entry else {}

    @property
    def _params(self) -> list[Any]:
        return [p for group in self.param_groups for p in group["params"]]

    def _limits(self) -> list[tuple[Array, Array]] | None:
        """The lower and upper bound of each number, or None without any."""
        names = [name for group in self.param_groups for name in group.get("param_names", ())]
        for pattern in self.named_bounds:
            if not fnmatch.filter(names, pattern):
                raise ValueError(
                    f"SciPy: no parameter has a name like {pattern!r}; the names are {names}. Pass "
                    "model.named_parameters() for bounds by name"
                )
        found: list[tuple[str, Bounds | None]] = []
        for group in self.param_groups:
            for i, _ in enumerate(group["params"]):
                name = group["param_names"][i] if "param_names" in group else ""
                bounds = group["bounds"]
                for pattern, pair in self.named_bounds.items():
                    if fnmatch.fnmatchcase(name, pattern):
                        bounds = pair
                found.append((name or f"parameter {len(found)}", bounds))
        frozen = self._frozen()
        # methods with gradients see that such a parameter has no slope
        held = any(frozen) and self.method in WITHOUT_GRADIENT
        if not held and all(bounds is None for _, bounds in found):
            return None
        if self.method not in BOUNDED:
            raise ValueError(
                f"SciPy: {self.method} takes no bounds; use one of {', '.join(BOUNDED)}"
            )
        pairs = [
            limits_of(bounds, p.array.shape, f"SciPy, {name}")
            for (name, bounds), p in zip(found, self._params, strict=True)
        ]
        return [
            (p.array, p.array) if is_frozen else pair
            for pair, p, is_frozen in zip(pairs, self._params, frozen, strict=True)
        ]

    def _frozen(self) -> list[bool]:
        """Which parameters stay as they are: those without gradients, beside others with some."""
        needed = [bool(p.requires_grad) for p in self._params]
        return [any(needed) and not one for one in needed]

    def _look_after_step(self) -> None:
        """Nothing: every loss and gradient was looked at, and no gradient is left."""

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override] # is required
        """Minimize the loss, until the method is content or for `max_iter` iterations.

        Args:
            closure: computes the loss, calls `backward` on it and returns it. Methods that use the
                Hessian need `backward(create_graph=True)`; those without gradients no `backward`.

        Returns:
            What `closure` returned the first time, before the parameters changed.

        Raises:
            AnomalyError: the loss or its gradient is nan.
            GradientError: no parameter has a gradient, or none of second order though the method
                needs it.

        After an error the parameters are the best ones that were evaluated, with constraints those
        from before the step.
        """
        with needs("scipy"):
            from scipy import optimize

        params = self._params
        run = _Run(self, params, closure)
        before = start = flat([p.array for p in params])
        if not start.size:
            raise ValueError("SciPy.step: the parameters have no elements, so nothing can change")
        limits = self._limits()
        derivatives: dict[str, Any] = {}
        if self.method not in WITHOUT_GRADIENT:
            derivatives["jac"] = run.gradient
        if self.method in WITH_PRODUCTS:
            derivatives["hessp"] = run.product
        if self.method in WITH_HESSIAN:
            derivatives["hess"] = run.hessian
        if limits is not None:
            low, high = flat([low for low, _ in limits]), flat([high for _, high in limits])
            derivatives["bounds"] = optimize.Bounds(low, high)
            start = np.clip(start, low, high)
        if self.max_iter is not None and not run.counts_itself:
            derivatives["options"] = {**self.options, "maxiter": self.max_iter}
        elif self.options:
            derivatives["options"] = self.options
        try:
            self.result = optimize.minimize(
                run.loss,
                start,
                method=self.method,
                constraints=[constraint_for(c, params) for c in self.constraints],
                tol=self.tol,
                callback=run.after_iteration if self.callback or run.counts_itself else None,
                **derivatives,
            )
        except _StoppedError as stopped:
            self.result = optimize.OptimizeResult(
                x=run.best, fun=run.lowest, nit=run.iterations, nfev=run.evaluations,
                success=False, message=str(stopped),
            )  # fmt: skip
        except BaseException:
            assign(params, before if self.constraints else run.best)
            raise
        assign(params, self.result.x)
        self.zero_grad()
        entry = self.state[params[0]]
        entry["func_evals"] = entry.get("func_evals", 0) + run.evaluations
        entry["n_iter"] = entry.get("n_iter", 0) + int(self.result.get("nit", 0))
        return run.first


class _StoppedError(Exception):
    """Ends TNC, to which StopIteration is an error, and SLSQP, which would return a trial point.

    The message is the reason.
    """


class _Run:
    """The functions that one minimization calls; the last point is evaluated once for all."""

    def __init__(self, owner: SciPy, params: list[Any], closure: Callable[[], Any]) -> None:
        self.owner, self.params, self.closure = owner, params, closure
        self.evaluations = self.iterations = 0
        # TNC has a limit of evaluations only
        self.counts_itself = owner.method == "TNC" and owner.max_iter is not None
        self.best = flat([p.array for p in params])
        self.lowest = math.inf
        self.x: Array | None = None
        self.first: Any = None

    def evaluate(self, x: Array) -> None:
        if self.x is not None and np.array_equal(x, self.x):
            return
        self.x = None
        assign(self.params, x)
        for p in self.params:
            p.grad = None
        with enable_grad():
            loss = loss_of(self.owner, self.closure())
        self.evaluations += 1
        self.first = loss if self.evaluations == 1 else self.first
        self.value = float(loss)
        method, gradients = self.owner.method, [p.grad for p in self.params]
        needed = method not in WITHOUT_GRADIENT
        if needed and all(g is None for g in gradients):
            raise GradientError(
                f"SciPy.step: no parameter has a gradient after closure(), which {method} needs; "
                "call loss.backward() in the closure, after zero_grad()"
            )
        second = method in (*WITH_PRODUCTS, *WITH_HESSIAN)
        if second and not any(g is not None and g.requires_grad for g in gradients):
            raise GradientError(
                f"SciPy.step: {method} needs second derivatives; call "
                "loss.backward(create_graph=True) in the closure"
            )
        self.slopes = flat(
            [
                np.zeros(p.array.shape) if g is None else g.array
                for p, g in zip(self.params, gradients, strict=True)
            ]
        )
        if math.isnan(self.value) or (needed and np.isnan(self.slopes).any()):
            what = "loss" if math.isnan(self.value) else "gradient"
            raise AnomalyError(
                f"SciPy.step: the {what} is nan at evaluation {self.evaluations}; the lowest loss "
                f"before was {self.lowest:g}. Bounds can keep the parameters where it is defined"
            )
        if self.value < self.lowest:
            self.lowest, self.best = self.value, np.array(x)
        self.x = np.array(x)

    def loss(self, x: Array) -> float:
        self.evaluate(x)
        return self.value

    def gradient(self, x: Array) -> Array:
        self.evaluate(x)
        return self.slopes

    def product(self, x: Array, v: Array) -> Array:
        """H v: the derivative of g · v; the identity for frozen parameters, which g holds still."""
        self.evaluate(x)
        parts = split(v, self.params)
        pairs = [
            (p.grad, Tensor(part.astype(p.array.dtype)))
            for p, part in zip(self.params, parts, strict=True)
            if p.grad is not None and p.grad.requires_grad
        ]
        with enable_grad():
            total: Any = sum((g * part).sum() for g, part in pairs)
        wanted = [i for i, p in enumerate(self.params) if p.requires_grad]
        found = grad(total, [self.params[i] for i in wanted], retain_graph=True, allow_unused=True)
        for i, h in zip(wanted, found, strict=True):
            parts[i] = np.zeros(parts[i].shape) if h is None else h.array
        return flat(parts)

    def hessian(self, x: Array) -> Array:
        return np.stack([self.product(x, row) for row in np.eye(len(x))])

    def after_iteration(self, x: Array, *_: Any) -> None:
        if self.x is None or not np.array_equal(x, self.x):  # a write would end the graph of x
            assign(self.params, np.asarray(x))
            self.x = None
        self.iterations += 1
        try:
            if self.owner.callback is not None:
                self.owner.callback(self.owner)
        except StopIteration:
            if self.owner.method == "TNC" or (
                self.owner.method == "SLSQP" and not self.owner.constraints
            ):
                raise _StoppedError("`callback` raised `StopIteration`.") from None
            raise
        if self.counts_itself and self.iterations == self.owner.max_iter:
            raise _StoppedError("Maximum number of iterations has been exceeded.")


def least_squares(
    residuals: Callable[..., Any],
    params: Sequence[Tensor],
    *,
    bounds: Bounds | Sequence[Bounds] | None = None,
    forward: bool = False,
    **options: Any,
) -> Any:
    """Fit parameters so that the sum of squared residuals is smallest: ½ Σ rᵢ(θ)².

    `scipy.optimize.least_squares` runs in float64, with the Jacobian of the residuals from
    `func.jacrev`, or `func.jacfwd`. It uses JᵀJ in place of the Hessian, so it needs few iterations
    where the residuals become small. It finds a local minimum, near to the start.

    Args:
        residuals: takes the parameters as tensors in float64, one argument each, and returns a
            tensor. For a module, use `func.functional_call` in it.
        params: the parameters; the fitted values are written into them.
        bounds: a pair `(low, high)` for all, or a list with a pair for each parameter; a limit is
            None, a number, or an array that broadcasts to the parameter.
        forward: forward mode, better with more residuals than parameters on large problems.
        options: of `scipy.optimize.least_squares`: `method`, `loss`, `f_scale`, `ftol`, …

    Returns:
        SciPy's result, with `cost`, `jac`, `success`, `message`.

    Raises:
        TypeError: parameters that are no tensors of floating-point numbers.
        ValueError: parameters or residuals that are not finite at the start; bounds without room.

    A start outside the bounds is moved to the nearest place within them.

    >>> x = dl.linspace(0, 3, 20, dtype=dl.float64)
    >>> y = 2.0 * (-0.7 * x).exp()
    >>> scale, rate = dl.tensor(1.0), dl.tensor(0.1)
    >>> result = optim.least_squares(lambda a, k: a * (-k * x).exp() - y, [scale, rate])
    >>> round(scale.item(), 4), round(rate.item(), 4)
    (2.0, 0.7)
    """
    with needs("scipy"):
        from scipy import optimize

    params = _checked(params)

    def values(*tensors: Any) -> Any:
        found = _tensor(residuals(*tensors), "least_squares: residuals").reshape(-1)
        if not found.array.size:
            raise ValueError("least_squares: residuals() returned no elements; are there data?")
        return found

    each: Any = bounds if isinstance(bounds, list) else [bounds] * len(params)
    if len(each) != len(params):
        raise ValueError(
            f"least_squares: {len(each)} bounds for {len(params)} parameters; a list has one pair "
            "for each parameter"
        )
    limits = [
        limits_of(b, p.array.shape, f"least_squares, parameter {i}")
        for i, (b, p) in enumerate(zip(each, params, strict=True))
    ]
    low, high = flat([low for low, _ in limits]), flat([high for _, high in limits])
    result = optimize.least_squares(
        lambda x: np.array(values(*tensors_of(x, params)).array, np.float64),
        # a fit in float32 that ended at a limit may be outside by its rounding
        np.clip(flat([p.array for p in params]), low, high),
        jac=lambda x: jacobian(values, x, params, forward=forward),
        bounds=(low, high),
        **options,
    )
    assign(params, result.x)
    return result


# --- checks ------------------------------------------------------------------------------------


def _checked(params: Any) -> list[Any]:
    """The parameters of `least_squares` as a list."""
    if isinstance(params, Tensor):
        raise TypeError("least_squares: params is a list of tensors; got a tensor: pass [tensor]")
    checked = list(params)
    for i, p in enumerate(checked):
        if not isinstance(p, Tensor) or p.array.dtype.kind != "f":
            kind = p.dtype if isinstance(p, Tensor) else type(p).__name__
            raise TypeError(
                f"least_squares: parameter {i} must be a tensor of floating-point numbers; got "
                f"{kind}"
            )
        if not np.isfinite(p.array).all():
            raise ValueError(f"least_squares: parameter {i} is not finite at the start")
    if not sum(p.array.size for p in checked):
        raise ValueError("least_squares: the parameters have no elements, so nothing can change")
    return checked


def _check_constraint(constraint: Any) -> None:
    kinds = ("eq", "ineq")
    if (
        not isinstance(constraint, dict)
        or constraint.get("type") not in kinds
        or not callable(constraint.get("fun"))
    ):
        raise ValueError(
            'SciPy: a constraint is a dict {"type": "eq" or "ineq", "fun": function of the '
            f"parameters}}; got {constraint!r}"
        )


def _tensor(value: Any, what: str) -> Tensor:
    if not isinstance(value, Tensor):
        raise TypeError(f"{what} must return a tensor; got {type(value).__name__}")
    return value


# --- vectors and parameters --------------------------------------------------------------------


def flat(arrays: Sequence[Array]) -> Array:
    """All numbers as one vector in float64."""
    return np.concatenate([np.asarray(a, np.float64) for a in arrays], axis=None)


def split(x: Array, params: Sequence[Any]) -> list[Array]:
    """The parts of a vector that belong to the parameters, in their shapes."""
    ends = np.cumsum([p.array.size for p in params])[:-1]
    return [part.reshape(p.array.shape) for part, p in zip(np.split(x, ends), params, strict=True)]


def assign(params: Sequence[Any], x: Array) -> None:
    """Write a vector into the parameters."""
    for p, part in zip(params, split(x, params), strict=True):
        p.array[...] = part
    mark_mutated_many([p.array for p in params], "SciPy.step")


def tensors_of(x: Array, params: Sequence[Any]) -> list[Tensor]:
    return [Tensor(np.array(part)) for part in split(x, params)]


def jacobian(
    values: Callable[..., Any], x: Array, params: Sequence[Any], *, forward: bool = False
) -> Array:
    """The derivatives of a vector by all parameters, (values, numbers)."""
    transform = func.jacfwd if forward else func.jacrev
    parts = transform(values, argnums=tuple(range(len(params))))(*tensors_of(x, params))
    # not -1: a parameter may have no elements
    flat_parts = [part.array.reshape(len(part), math.prod(part.shape[1:])) for part in parts]
    return np.concatenate(flat_parts, axis=1)


def constraint_for(constraint: dict[str, Any], params: Sequence[Any]) -> dict[str, Any]:
    """A constraint as SciPy takes it, with its Jacobian."""

    def values(*tensors: Any) -> Any:
        return _tensor(constraint["fun"](*tensors), "SciPy: a constraint").reshape(-1)

    return {
        "type": constraint["type"],
        "fun": lambda x: np.array(values(*tensors_of(x, params)).array, np.float64),
        "jac": lambda x: jacobian(values, x, params),
    }


def limits_of(bounds: Bounds | None, shape: tuple[int, ...], where: str) -> tuple[Array, Array]:
    """The lower and the upper limit of each element; ValueError, with `where`, for unfit ones."""
    if bounds is None:
        bounds = (None, None)
    if not isinstance(bounds, (tuple, list)) or len(bounds) != 2:
        raise ValueError(f"{where}: bounds are a pair (low, high); got {bounds!r}")
    low, high = (
        _limit(limit, default, shape, where)
        for limit, default in zip(bounds, (-np.inf, np.inf), strict=True)
    )
    if not ((low <= high) & (low < np.inf) & (high > -np.inf)).all():  # nan too
        raise ValueError(f"{where}: no number is between low and high; got {bounds!r}")
    return low, high


def _limit(limit: Any, default: float, shape: tuple[int, ...], where: str) -> Array:
    given = default if limit is None else limit.array if isinstance(limit, Tensor) else limit
    try:
        return np.broadcast_to(np.asarray(given, np.float64), shape)
    except (TypeError, ValueError):
        raise ValueError(
            f"{where}: a limit is None, a number, or an array that broadcasts to "
            f"{list(shape)}; got {limit!r}"
        ) from None
