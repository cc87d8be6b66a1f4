"""The check that every differentiable function has to pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from dlframe.autograd import grad, no_grad
from dlframe.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
from dlframe.random import fork_rng, get_rng_state, manual_seed
from dlframe.tensor import Tensor, to_array
from dlframe.testing.claims import (
    Broken,
    Results,
    claim,
    cotangents,
    filled,
    fresh,
    inputs_of_one_call,
    is_float,
    name_of,
    read_only,
    require,
    require_alike,
    require_shape,
    results_of,
    seeded,
    strided,
    tensors_in,
    turned,
    unchanged,
)
from dlframe.testing.gradients import explained

LAYOUTS = {"not contiguous": strided, "in another order": turned, "read-only": read_only}
SHAPES = ((), (0,), (2, 0, 3), (1, 1))


def check_op(
    function: Callable[..., Any],
    inputs: Sequence[Any],
    *,
    name: str = "",
    options: Mapping[str, Any] | None = None,
    reference: Callable[..., Any] | None = None,
    order: int = 2,
    fixed: Sequence[int] = (),
    surrogate: bool = False,
    elementwise: bool = False,
    arrays: bool = False,
    dtypes: Sequence[str] = ("float32", "float64"),
    tolerance: float = 1e-12,
    narrow: float = 1e-4,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    seed: int = 0,
) -> None:
    """Check a differentiable function of tensors: an op, a Function's `apply`, any other.

    Its value is the reference's, if there is one. A dtype that goes in comes out, in values and in
    gradients, and float32 agrees with float64. Gradients agree with central differences, up to
    `order`, and are the same with and without `create_graph`; this compares an op's fast door with
    its rule. Inputs are not written to, may lie in memory in any way, and may be read-only. Without
    `requires_grad` and under `no_grad` nothing is recorded.

    Args:
        function: takes the inputs by position and the options by keyword.
        inputs: tensors, arrays and other things; gradients are checked for all floats among them.
        name: what messages call it; by default the function's name.
        options: keyword arguments.
        reference: what the value should be, given the inputs as float64 arrays.
        order: how often it can be differentiated; 0 for a function without gradient.
        fixed: the places of float inputs that have no gradient.
        surrogate: whether the gradient is not that of the values, on purpose, as a straight-through
            estimator's; then it is not compared with central differences.
        elementwise: whether it takes any shape, also without dimensions or without elements.
        arrays: whether it gives arrays for arrays; ops do, and are always asked.
        dtypes: the dtypes that come out as they went in.
        tolerance: how close two ways to one result are in float64, relative and absolute.
        narrow: how close float32 is to float64; 0 for no comparison.
        atol, rtol: the tolerance of the comparison with central differences.
        seed: of the random gradients, and of a function that draws random numbers.

    Raises:
        ConformanceError: with the first rule that does not hold.

    >>> from dlframe import ops, testing
    >>> testing.check_op(ops.exp, [np.array([0.5, -1.0])], reference=np.exp, elementwise=True)
    >>> from dlframe.ops import elementwise
    >>> square = elementwise(lambda x: x * x, name="square", x=lambda g, x: g * x)
    >>> testing.check_op(square, [np.array([0.5, -1.0])])
    Traceback (most recent call last):
    dlframe.testing.claims.ConformanceError: square has the gradients of its values: ...
    """
    named = dict(options or {})
    case = Case(
        name or name_of(function),
        lambda *args: function(*args, **named),
        inputs_of_one_call(inputs),
        order=order,
        fixed=fixed,
        tolerance=tolerance,
        seed=seed,
    )
    check_values(case, reference)
    if arrays or hasattr(function, "definition"):
        check_arrays(case)
    check_recording(case)
    check_dtypes(case, dtypes)
    if order > 0:
        check_derivatives(case, dtypes)
    check_layouts(case)
    if narrow and "float32" in dtypes:
        check_narrow(case, narrow)
    if elementwise:
        check_any_shape(case)
    if order > 0 and not surrogate:
        check_gradients(case, atol=atol, rtol=rtol)


@dataclass(frozen=True)
class Case:
    """A function and inputs for it: what the claims below are about."""

    name: str
    function: Callable[..., Any]
    inputs: Sequence[Any]
    order: int = 2
    fixed: Sequence[int] = ()
    dtype: Any = field(default=np.float64, kw_only=True)  # None leaves the inputs as they are
    writes: bool = field(default=False, kw_only=True)  # whether it changes its inputs on purpose
    tolerance: float = field(default=1e-12, kw_only=True)
    seed: int = field(default=0, kw_only=True)

    def args(self, dtype: Any = "", *, requires_grad: bool = True) -> list[Any]:
        """The inputs as new tensors; those that are differentiated require grad."""
        dtype = self.dtype if dtype == "" else dtype
        grads = self.places if requires_grad and self.order else []
        return fresh(self.inputs, dtype, requires_grad=grads)

    def call(self, *args: Any) -> Any:
        """One call, with its random numbers from the seed."""
        return seeded(self.seed, lambda: self.function(*args))

    @cached_property
    def draws(self) -> bool:
        """Whether it draws random numbers: they come in the order of memory, as in PyTorch."""
        with fork_rng():
            manual_seed(self.seed)
            before = get_rng_state()
            self.function(*self.args())
            return not np.array_equal(before, get_rng_state())

    @property
    def places(self) -> list[int]:
        """Which inputs are differentiated."""
        return [i for i, x in enumerate(self.inputs) if is_float(x) and i not in self.fixed]

    def gradients(self, out: Any, args: list[Any], *, recorded: bool = False) -> Results:
        """The gradients of `out`, weighted with random numbers, for the differentiated `args`."""
        return _named("gradient", self.places, self._grads(tensors_in(out), args, recorded))

    def derivatives(self, out: Any, args: list[Any]) -> Results:
        """Gradients, and for order 2 second gradients."""
        found = self.gradients(out, args) if self.order else {}
        if self.order > 1:
            first = self._grads(tensors_in(out), args, recorded=True)
            second = self._grads([g for g in first if g is not None], args, recorded=False)
            found |= _named("second gradient", self.places, second)
        return found

    def _grads(self, out: list[Tensor], args: list[Any], recorded: bool) -> list[Tensor | None]:
        out = [t for t in out if t.requires_grad]
        if not (out and self.places):
            return [None for _ in self.places]
        wanted = [args[i] for i in self.places]
        starts = cotangents(out, self.seed)
        return list(
            grad(out, wanted, starts, retain_graph=True, create_graph=recorded, allow_unused=True)
        )

    @cached_property
    def values(self) -> Results:
        """The results of one call."""
        return results_of(self.call(*self.args()))

    @cached_property
    def slopes(self) -> Results:
        """The gradients and second gradients."""
        args = self.args()
        return self.derivatives(self.call(*args), args)


def _named(what: str, places: list[int], grads: Sequence[Tensor | None]) -> Results:
    """The gradients that are not None, by their names in messages."""
    pairs = zip(places, grads, strict=True)
    return {f"the {what} of input {i}": to_array(g) for i, g in pairs if g is not None}


# --- values ------------------------------------------------------------------------------------


def check_values(case: Case, reference: Callable[..., Any] | None = None) -> None:
    """It returns tensors, the same each time, and what a reference gives."""
    with claim(case.name, "returns a tensor, or several"):
        out = case.call(*case.args())
        require(tensors_in(out), f"it returned {type(out).__name__}")
    with claim(case.name, "gives the same values when called again"):
        require_alike(results_of(out), case.values)
    with claim(case.name, "gives the same values with a graph and without one"):
        out = case.call(*case.args(requires_grad=False))
        require_alike(results_of(out), case.values, tolerance=case.tolerance)
    if reference is not None:
        with claim(case.name, "has the values of its reference"):
            plain = [x.array if isinstance(x, Tensor) else x for x in case.args()]
            require_alike(case.values, results_of(reference(*plain)), tolerance=case.tolerance)
    with claim(case.name, "leaves its inputs as they are"):
        args = case.args()
        with unchanged(args, "input"):
            case.call(*args)


def check_arrays(case: Case) -> None:
    """Ops that are given plain arrays return plain arrays."""
    with claim(case.name, "gives arrays for arrays, and the values that tensors have"):
        out = case.call(*(x.array if isinstance(x, Tensor) else x for x in case.args()))
        require(not tensors_in(out), "it returned a tensor")
        require_alike(results_of(out), case.values, tolerance=case.tolerance, dtypes=False)


def check_recording(case: Case) -> None:
    """A graph is recorded if it is asked for, and only then."""
    with claim(case.name, "records nothing unless an input requires grad"):
        outputs = tensors_in(case.call(*case.args(requires_grad=False)))
        require(not any(t.requires_grad for t in outputs), "an output requires grad")
        args = case.args()
        with no_grad():
            outputs = [t for t in tensors_in(case.call(*args)) if not any(t is x for x in args)]
        recorded = any(t.requires_grad for t in outputs)
        require(not recorded, "an output requires grad under no_grad()")
    if case.order == 0:
        with claim(case.name, "has no gradient (order=0)"):
            args = fresh(case.inputs, case.dtype, requires_grad=case.places)
            outputs = tensors_in(case.call(*args))
            require(not any(t.requires_grad for t in outputs), "an output requires grad")


# --- dtypes, layouts, shapes -------------------------------------------------------------------


def check_dtypes(case: Case, dtypes: Sequence[str]) -> None:
    """The results have the dtype of the inputs."""
    for dtype in dtypes:
        with claim(case.name, f"gives {dtype} for {dtype}"):
            require_dtype(results_of(tensors_in(case.call(*case.args(dtype)))), dtype)


def require_dtype(found: Results, dtype: Any) -> None:
    """Fail if floats among the results have another dtype."""
    for what, x in found.items():
        if isinstance(x, np.ndarray) and x.dtype.kind == "f":
            require(x.dtype == dtype, f"{what} is {x.dtype}")


def check_layouts(case: Case) -> None:
    """How the inputs lie in memory does not matter, and nothing writes to them."""
    for layout, change in LAYOUTS.items():
        if change is read_only and case.writes:
            continue
        args = change(case.args())
        if change is turned and not any(_is_turned(x) for x in args):
            continue
        kept = [] if case.writes else args
        with claim(case.name, f"takes inputs that are {layout}"), unchanged(kept, "input"):
            out = case.call(*args)
            if case.draws:
                continue  # other elements get the random numbers
            require_alike(results_of(out), case.values, tolerance=case.tolerance)
        if case.order:
            with (
                claim(case.name, f"has the same gradients for inputs that are {layout}"),
                unchanged(kept, "input"),
            ):
                require_alike(case.derivatives(out, args), case.slopes, tolerance=case.tolerance)


def _is_turned(x: Any) -> bool:
    return isinstance(x, Tensor) and not x.is_contiguous()


def check_narrow(case: Case, narrow: float) -> None:
    """What float32 gives is close to what float64 gives."""
    args = case.args("float32")
    with claim(case.name, "gives in float32 nearly what it gives in float64 (within narrow=)"):
        out = case.call(*args)
        require_alike(results_of(out), case.values, rtol=narrow, atol=narrow / 10, dtypes=False)
        found = case.derivatives(out, args)
        require_alike(found, case.slopes, tolerance=narrow, dtypes=False)
        require_dtype(found, "float32")


def check_any_shape(case: Case) -> None:
    """Inputs without dimensions and without elements."""
    for shape in SHAPES:
        with claim(case.name, f"takes inputs of the shape {shape} (elementwise=True)"):
            args = filled(case.args(), shape)
            out = case.call(*args)
            for (what, x), full in zip(results_of(out).items(), case.values.values(), strict=True):
                require(x.shape == shape, f"{what} has shape {x.shape}")
                require(x.dtype == full.dtype, f"{what} is {x.dtype} instead of {full.dtype}")
            for what, g in (case.gradients(out, args) if case.order else {}).items():
                require(g.shape == shape, f"{what} has shape {g.shape}")


# --- gradients ---------------------------------------------------------------------------------


def check_derivatives(case: Case, dtypes: Sequence[str]) -> None:
    """Each input has a gradient of its own shape and dtype, whichever door computes it."""
    for dtype in dict.fromkeys((*dtypes, "float64")):
        args = case.args(dtype)
        with (
            claim(case.name, f"gives {dtype} gradients of its inputs' shapes"),
            unchanged(args, "in backward, input"),
        ):
            require(case.places, "no input is of floats; is it order=0?")
            out = case.call(*args)
            plain = case.gradients(out, args)
            for i in case.places:
                g = plain.get(f"the gradient of input {i}")
                require(g is not None, f"input {i} got none; if that is right, name it in fixed=")
                require_shape(g, args[i].shape, f"the gradient of input {i}")
            if dtype in dtypes:
                require_dtype(plain, dtype)
        with claim(case.name, f"has the same {dtype} gradients with create_graph=True"):
            recorded = case.gradients(out, args, recorded=True)
            tolerance = {"float16": 2e-2, "float32": 2e-5}.get(dtype, case.tolerance)
            require_alike(plain, recorded, tolerance=tolerance)


def check_gradients(case: Case, *, atol: float, rtol: float) -> None:
    """Compare gradients (and, for order 2, theirs) with central differences, along random lines."""
    options: dict[str, Any] = {"atol": atol, "rtol": rtol, "fast_mode": True, "seed": case.seed}
    args = case.args(np.float64)
    with claim(case.name, "has the gradients of its values"):
        require(case.places, "no input is of floats; is it order=0?")
        try:
            gradcheck(case.call, args, **options)
        except GradcheckError as error:
            fixed = [i for i in range(len(args)) if i not in case.places]
            more = explained(case.call, args, fixed=fixed, seed=case.seed, rtol=rtol)
            raise Broken(f"GradcheckError: {error}{more}") from error
    if case.order > 1:
        with claim(case.name, "has second derivatives of its values"):
            gradgradcheck(case.call, args, **options)
