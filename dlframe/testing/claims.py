"""Parts that all checks share: claims and their failure, and inputs in all forms users have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from dlframe.base import nests
from dlframe.ops.record import Array
from dlframe.random import fork_rng, manual_seed
from dlframe.tensor import Tensor, to_array


class ConformanceError(AssertionError):
    """An object breaks a rule of dlframe's; the message says which, and what was found."""


class Broken(Exception):
    """Raised inside of a `claim` by `require`; users see the `ConformanceError`."""


@contextmanager
def claim(subject: str, text: str) -> Iterator[None]:
    """Run a block; any exception that it raises becomes a ConformanceError with `text`."""
    try:
        yield
    except Broken as broken:
        raise ConformanceError(f"{subject} {text}: {broken}") from None
    except Exception as error:
        raise ConformanceError(f"{subject} {text}: {type(error).__name__}: {error}") from error


def require(holds: Any, found: str) -> None:
    """Fail the claim around it with what was found."""
    if not holds:
        raise Broken(found)


def require_refused(what: str, call: Callable[..., Any], *args: Any) -> None:
    """Fail unless `call(*args)` raises."""
    try:
        out = call(*args)
    except Exception:  # noqa: BLE001 - any exception refuses; which one is the author's choice
        return
    raise Broken(f"{what} was accepted and gave {out!r}")


def require_same(got: Any, wanted: Any, what: str, *, rtol: float = 0, atol: float = 0) -> None:
    """Fail unless two tensors, arrays or numbers have one shape and the same values."""
    got, wanted = to_array(got), to_array(wanted)
    require(got.shape == wanted.shape, f"{what}: shape {got.shape} instead of {wanted.shape}")
    if not np.allclose(got, wanted, rtol=rtol, atol=atol, equal_nan=True):
        raise Broken(f"{what}\n{got}\ninstead of\n{wanted}")


Results = dict[str, Any]


def results_of(out: Any) -> Results:
    """The results of a call by their names in messages: arrays, and the text of all else."""
    return {f"output {i}": _plain(x) for i, x in enumerate(nests.leaves(out))}


def _plain(x: Any) -> Any:
    if isinstance(x, (Tensor, np.ndarray)):
        return to_array(x)
    if isinstance(x, (np.generic, int, float)):
        return np.asarray(x)
    text = repr(x)
    return name_of(x) if " at 0x" in text else text  # an address differs each time


def require_alike(
    got: Results,
    wanted: Results,
    *,
    tolerance: float = 0,
    rtol: float | None = None,
    atol: float | None = None,
    dtypes: bool = True,
) -> None:
    """Fail unless two calls gave the same; `tolerance` is `rtol` and `atol` together."""
    for what in {**got, **wanted}:
        require(what in got and what in wanted, f"{what} is there in one case only")
        a, b = got[what], wanted[what]
        if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
            if dtypes:
                require(a.dtype == b.dtype, f"{what} is {a.dtype} instead of {b.dtype}")
            require_same(
                a,
                b,
                what,
                rtol=tolerance if rtol is None else rtol,
                atol=tolerance if atol is None else atol,
            )
        else:
            same = isinstance(a, str) and isinstance(b, str) and a == b
            require(same, f"{what} is {a} instead of {b}")


def require_shape(x: Any, shape: tuple[int, ...], what: str) -> None:
    """Fail unless `x` has that shape."""
    require(x.shape == shape, f"{what} has shape {tuple(x.shape)} instead of {tuple(shape)}")


def name_of(thing: Any) -> str:
    """The name of a function, class or object."""
    return getattr(thing, "__name__", None) or type(thing).__name__


# --- inputs ------------------------------------------------------------------------------------


def is_float(x: Any) -> bool:
    """Whether gradients can flow to it."""
    return isinstance(x, (Tensor, np.ndarray)) and x.dtype.kind == "f"


def check_factory(where: str, make: Any, kind: type) -> None:
    """Raise TypeError for an object where a function that makes it is needed."""
    if isinstance(make, kind) or not callable(make):
        made = type(make).__name__
        hint = f"lambda: {made}(…)" if isinstance(make, kind) else f"lambda: My{kind.__name__}(…)"
        raise TypeError(
            f"{where}: the first argument must be a function that makes a new {kind.__name__}, "
            f"such as {hint}, because it is made several times; got {made}"
        )


def inputs_of_one_call(inputs: Any) -> Sequence[Any]:
    """The inputs of a call as a list; a tensor or an array is the only one."""
    return [inputs] if isinstance(inputs, (Tensor, np.ndarray)) else inputs


def fresh(
    inputs: Sequence[Any],
    dtype: Any = np.float32,
    *,
    requires_grad: bool | Sequence[int] = False,
) -> list[Any]:
    """The inputs again: arrays and tensors as new tensors, floats among them in `dtype`.

    With `dtype=None` they keep their own. `requires_grad` is for all floats, or for the inputs at
    these places.
    """
    copies = []
    for i, x in enumerate(inputs):
        if isinstance(x, (Tensor, np.ndarray)):
            wanted = requires_grad if isinstance(requires_grad, bool) else i in requires_grad
            kind = dtype if is_float(x) and dtype is not None else x.dtype
            array = to_array(x).astype(kind)  # a copy, in any case
            x = Tensor(array, requires_grad=wanted and is_float(x))
        copies.append(x)
    return copies


def strided(inputs: Sequence[Any]) -> list[Any]:
    """The inputs again, as every second element of a larger array, its axes in reverse order.

    Along the last axis they are read backwards.
    """

    def apart(array: Array) -> Array:
        large = np.full([2 * n for n in array.shape[::-1]], 77, array.dtype).T
        every_second: Any = (*(slice(None, None, 2),) * (array.ndim - 1), slice(None, None, -2))
        view: Array = large[every_second if array.ndim else ...]
        view[...] = array
        return view

    return _with_arrays(inputs, apart)


def turned(inputs: Sequence[Any]) -> list[Any]:
    """The inputs again, with the last axis outermost in memory, as results of permuted tensors."""
    return _with_arrays(inputs, _turned)


def read_only(inputs: Sequence[Any]) -> list[Any]:
    """The inputs again, in memory that may not be written to."""

    def locked(array: Array) -> Array:
        array = array.copy()
        array.flags.writeable = False
        return array

    return _with_arrays(inputs, locked)


def _turned(array: Array) -> Array:
    if array.ndim < 2:
        return array.copy()
    return np.moveaxis(np.moveaxis(array, -1, 0).copy(), 0, -1)


def filled(inputs: Sequence[Any], shape: tuple[int, ...]) -> list[Any]:
    """The inputs again, each with that shape and filled with its own first value."""
    return _with_arrays(inputs, lambda array: np.full(shape, array.reshape(-1)[0], array.dtype))


def _with_arrays(inputs: Sequence[Any], change: Callable[[Array], Array]) -> list[Any]:
    return [
        Tensor(change(x.array), requires_grad=x.requires_grad) if isinstance(x, Tensor) else x
        for x in inputs
    ]


def tensors_in(out: Any) -> list[Tensor]:
    """The tensors among the results: of one, or of a nest of tuples, lists and dicts."""
    return [x for x in nests.leaves(out) if isinstance(x, Tensor)]


@contextmanager
def unchanged(inputs: Sequence[Any], what: str) -> Iterator[None]:
    """Fail if the block writes into the tensors `inputs`."""
    tensors = [x for x in inputs if isinstance(x, Tensor)]
    before = [to_array(x).copy() for x in tensors]
    yield
    for i, (x, array) in enumerate(zip(tensors, before, strict=True)):
        require_same(x, array, f"{what} {i} was written to")


# --- running -----------------------------------------------------------------------------------


def seeded(seed: int, call: Callable[[], Any]) -> Any:
    """`call()` with the default generator at `seed`, which is put back afterwards."""
    with fork_rng():
        manual_seed(seed)
        return call()


def cotangents(outputs: Sequence[Tensor], seed: int) -> list[Tensor]:
    """A random gradient for each float output."""
    rng = np.random.default_rng(seed)
    return [Tensor(np.asarray(rng.standard_normal(out.shape)).astype(out.dtype)) for out in outputs]


def backward(outputs: Sequence[Tensor], seed: int = 0) -> None:
    """Send a random gradient back from all outputs that have a graph."""
    recorded = [out for out in outputs if out.requires_grad]
    require(recorded, "no output has a graph, although an input or a parameter requires grad")
    total: Any = 0.0
    for out, g in zip(recorded, cotangents(recorded, seed), strict=True):
        total = (out * g).sum() + total
    total.backward()


def arrays_of(tensors: Sequence[Tensor | None]) -> list[Array | None]:
    """Copies of their values."""
    return [None if t is None else to_array(t).copy() for t in tensors]
