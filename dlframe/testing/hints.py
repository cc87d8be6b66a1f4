"""What a wrong gradient probably means: each hint looks at the numbers and says so, or nothing.

A hint gets the call that was compared, the name of an input or parameter, its gradient `a` by
backward, and the right one `b` by central differences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe.ops.record import Array
from dlframe.tensor import Tensor, to_array

if TYPE_CHECKING:
    from dlframe.testing.gradients import Compared

COMPARED = 256  # elements of a gradient that are compared one by one, when it is wrong

# The derivatives of activations, computed from their outputs: g · dy/dx.
ACTIVATIONS: dict[str, Callable[[Array, Array], Array]] = {
    "tanh, 1 - y²": lambda g, y: g * (1 - y * y),
    "sigmoid, y (1 - y)": lambda g, y: g * y * (1 - y),
    "relu, y > 0": lambda g, y: g * (y > 0),
    "exp, y": lambda g, y: g * y,
    "softmax, y (g - Σ g y)": lambda g, y: y * (g - (g * y).sum(axis=-1, keepdims=True)),
    "log_softmax, g - exp(y) Σ g": lambda g, y: g - np.exp(y) * g.sum(axis=-1, keepdims=True),
}


def _close(a: Any, b: Any) -> bool:
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-3, atol=1e-6)


def _none(found: Compared, what: str, a: Array, b: Array) -> str:
    if a.any():
        return ""
    return "It is 0 everywhere: is it left out in backward?"


def _factor(found: Compared, what: str, a: Array, b: Array) -> str:
    """One factor for all elements."""
    k = np.unravel_index(np.abs(b).argmax(), b.shape)
    if not b.any():
        return ""
    factor = float(a[k] / b[k])
    if not factor or not _close(a, factor * b):
        return ""
    text = "all by the factor" if a.size > 1 else "all of it, by the factor"
    meanings = list(dict.fromkeys(_meanings(found, abs(factor))))
    if factor < 0:
        meanings = ["the sign is reversed", *meanings]
    return f"{text} {factor:.4g}" + (f": {'; or '.join(meanings)}" if meanings else "")


def _meanings(found: Compared, factor: float) -> Iterator[str]:
    """What such a factor, which is positive, usually is."""
    if np.isclose(factor, 1, rtol=1e-3):
        return
    sizes = list(_sizes(found))
    batch = sizes[:1] if sizes and sizes[0][1].startswith("the batch") else []
    yield from _by_size(factor, batch)
    for path, part in found.layer.named_modules():
        for name, value in vars(part).items():
            if isinstance(value, float) and 0 < value < 1e6 and value != 1:
                forms = {name: value, f"1 / {name}": 1 / value}
                if value < 1:
                    forms |= {f"1 - {name}": 1 - value, f"1 / (1 - {name})": 1 / (1 - value)}
                for form, number in forms.items():
                    if np.isclose(factor, number, rtol=1e-3):
                        where = f"{path}." if path else ""
                        yield f"it is {form}, for {where}{name} = {value:g}"
    if np.isclose(factor, 2, rtol=1e-3):
        yield "it is added twice, or a factor of 2 is too much"
    elif np.isclose(factor, 0.5, rtol=1e-3):
        yield "a factor of 2 is missing"
    yield from _by_size(factor, sizes[len(batch) :])


def _by_size(factor: float, sizes: list[tuple[int, str, str]]) -> Iterator[str]:
    for size, of, over in sizes:
        if np.isclose(factor, 1 / size, rtol=1e-3):
            yield f"it is 1/{size}, and {of}: a mean over {over}, where a sum is right?"
        elif np.isclose(factor, size, rtol=1e-3):
            yield f"it is {size}, and {of}: a sum over {over}, where a mean is right?"


def _sizes(found: Compared) -> Iterator[tuple[int, str, str]]:
    """The sizes over which sums and means go."""
    tensors = [x for x in found.args if isinstance(x, Tensor) and x.ndim]
    batch = len(tensors[0]) if tensors else 0
    if batch > 1:
        yield batch, f"the batch has {batch} samples", "them"
    for of, arrays in (("the output", found.values), ("the input", map(to_array, tensors))):
        for x in arrays:
            for axis in range(1, x.ndim):
                if x.shape[axis] > 1:
                    yield x.shape[axis], f"dimension {axis} of {of} has that size", "it"
            if x.ndim > 2:
                inner = int(np.prod(x.shape[2:]))
                yield inner, f"a channel of {of} has {inner} places", "them"
                yield batch * inner, f"a channel of {of} has {batch} × {inner} places", "them"
            if x.ndim > 1 and x.size:
                yield x.size, f"{of} has {x.size} elements", "them"


def _axes(found: Compared, what: str, a: Array, b: Array) -> str:
    """Transposed or flipped axes."""
    if a.ndim < 2:
        return ""
    for i in range(a.ndim):
        for j in range(i + 1, a.ndim):
            if a.shape[i] == a.shape[j] and _close(a, b.swapaxes(i, j)):
                return "It is equal to the transposed of the right one" + (
                    "" if a.ndim == 2 else f" (axes {i} and {j})"
                )
    if a.ndim > 2 and _close(a, np.flip(b, tuple(range(2, a.ndim)))):
        return "It is the right one with its places in reverse order: is the kernel flipped?"
    return ""


def _incoming(found: Compared, what: str, a: Array, b: Array) -> str:
    """The gradient of the output itself, or its sum over the batch."""
    for g in found.starts:
        if _close(a, g):
            return "It is the gradient of the output itself: is the layer's derivative left out?"
        if a.ndim == 1 and g.ndim > 1:
            for axis, size in enumerate(g.shape):
                others = tuple(k for k in range(g.ndim) if k != axis)
                if size == a.size and _close(a, g.sum(axis=others)):
                    return (
                        "It is the sum of the gradient of the output: is what comes after this "
                        "parameter, such as an activation, left out?"
                    )
    return ""


def _activation(found: Compared, what: str, a: Array, b: Array) -> str:
    """The derivative of an activation at the end of the layer, which is missing."""
    for name, derivative in ACTIVATIONS.items():
        starts = [
            derivative(g, y) for g, y in zip(found.starts, found.values, strict=True) if y.ndim
        ]
        if len(starts) != len(found.starts):
            continue
        try:
            with np.errstate(all="ignore"):
                g = found.again(what, starts)
        except Exception:  # noqa: BLE001 - a layer that refuses other gradients gives no hint
            return ""
        if g is not None and _close(g, b):
            return f"With the derivative of {name}, it is right: is that left out?"
    return ""


def _diagonal(found: Compared, what: str, a: Array, b: Array) -> str:
    """Only the dependence of each output on the input at its own place."""
    if len(found.values) != 1 or found.values[0].shape != a.shape or a.size > 64:
        return ""
    slopes = np.zeros(a.shape)
    for place in np.ndindex(a.shape):
        one = np.zeros(a.shape)
        one[place] = 1.0
        slopes[place] = found.slope(what, one, [one])
    if not _close(a, found.starts[0] * slopes):
        return ""
    return (
        "It counts only how y[i] depends on x[i]: each output depends on other inputs, too, and "
        "their parts have to be added"
    )


def _swapped(found: Compared, what: str, a: Array, b: Array) -> str:
    """The right gradient of another input or parameter."""
    for other, x in found.places.items():
        same = other != what and tuple(x.shape) == a.shape and a.size <= COMPARED
        if same and _close(a, found.right(other).reshape(a.shape)):
            return f"It is the right one of {other}: are the two swapped?"
    return ""


def _by_a_matrix(found: Compared, what: str, a: Array, b: Array) -> str:
    """g W and g Wᵀ, where W is square."""
    for name, p in found.places.items():
        w = to_array(p)
        if w.ndim == 2 and a.shape[-1:] == w.shape[:1] == w.shape[1:]:
            for g in found.starts:
                if g.shape == a.shape and _close(a, g @ w.T) and _close(b, g @ w):
                    return f"It is g @ {name}.T, and the right one is g @ {name}"
                if g.shape == a.shape and _close(a, g @ w) and _close(b, g @ w.T):
                    return f"It is g @ {name}, and the right one is g @ {name}.T"
    return ""


def _skipped(found: Compared, what: str, a: Array, b: Array) -> str:
    """What is missing is the gradient of the output itself."""
    if any(_close(b - a, g) for g in found.starts):
        return "What is missing is the gradient of the output: is a skip connection left out?"
    if any(_close(a - b, g) for g in found.starts):
        return "What is too much is the gradient of the output: is it added without a reason?"
    return ""


def _repeated(found: Compared, what: str, a: Array, b: Array) -> str:
    """Rows that are used several times, of which one counts."""
    for x in found.args:
        if not isinstance(x, Tensor) or x.dtype.kind not in "iu" or a.ndim < 1:
            continue
        ids, counts = np.unique(to_array(x), return_counts=True)
        if not ids.size or ids.max() >= len(a) or ids.min() < 0:
            continue
        several = ids[counts > 1]
        wrong = {i for i in range(len(a)) if not _close(a[i], b[i])}
        if wrong and wrong <= set(several.tolist()):
            i = min(wrong)
            return (
                f"Only rows that are used several times are wrong: row {i} is used "
                f"{int(counts[ids == i][0])} times; np.add.at(d, i, g) adds, d[i] += g does not"
            )
    return ""


def _mask(found: Compared, what: str, a: Array, b: Array) -> str:
    """Zeros at other places."""
    zero, was = np.abs(b) < 1e-6, np.abs(a) < 1e-9
    if (zero & ~was).any() and _close(a[~zero] * _ratio(b[~zero], a[~zero]), b[~zero]):
        return "It is not 0 where the right one is: is a mask, of dropout or relu, left out?"
    if zero.any() and (zero == ~was).all() and not zero.all():
        return "It is 0 exactly where the right one is not: is a mask, or a comparison, reversed?"
    if (was & ~zero).any() and _close(a[~was], b[~was]):
        return "It is 0 where the right one is not: is a mask used where there is none?"
    return ""


def _ratio(a: Array, b: Array) -> float:
    k = int(np.abs(b).argmax()) if b.size else 0
    return float(a[k] / b[k]) if b.size and b[k] else 1.0


def _along_one_axis(found: Compared, what: str, a: Array, b: Array) -> str:
    """A factor that depends on one axis only, and perhaps is one of the layer's tensors."""
    if (np.abs(b) < 1e-6).any():
        return ""
    ratio = a / b
    for axis in range(a.ndim) if a.ndim > 1 else (0,):
        others = tuple(k for k in range(a.ndim) if k != axis)
        factors = ratio.mean(axis=others)
        if not _close(ratio, np.broadcast_to(np.expand_dims(factors, others), a.shape)):
            continue
        tensors = (*found.layer.named_parameters(), *found.layer.named_buffers())
        for name, t in tensors:
            value = to_array(t)
            if value.shape != factors.shape or value.dtype.kind != "f" or not value.all():
                continue
            spread = np.sqrt(np.abs(value))
            forms = {name: value, f"1 / {name}": 1 / value}
            forms |= {f"√{name}": spread, f"1 / √{name}": 1 / spread}
            for form, number in forms.items():
                if np.allclose(factors, number, rtol=1e-2):
                    return f"Along axis {axis} the factor is {form}: is {name} left out, or twice?"
        if a.ndim > 1 and a.shape[axis] > 1:
            text = ", ".join(f"{f:.4g}" for f in factors[:4])
            more = ", …" if len(factors) > 4 else ""
            return f"The factor differs along axis {axis} only: {text}{more}"
    return ""


def _elementwise(found: Compared, what: str, a: Array, b: Array) -> str:
    """A factor that is the input or the output at the same place."""
    if (np.abs(b) < 1e-6).any() or (np.abs(a) < 1e-6).any():
        return ""
    inputs = {name: to_array(x) for name, x in found.places.items() if name.startswith("input")}
    outputs = {f"output {i}": y for i, y in enumerate(found.values)}
    for name, x in (inputs | outputs).items():
        if x.shape == a.shape and x.all():
            for form, number in ((name, x), (f"1 / ({name})", 1 / x)):
                if _close(a, number * b):
                    return f"The factor is {form} at the same place: left out, or used twice?"
    return ""


def _sum_of_zero(found: Compared, what: str, a: Array, b: Array) -> str:
    """What shifts all of its inputs alike changes nothing, as in softmax and normalizations."""
    axes = [(axis,) for axis in range(a.ndim)] + [tuple(k for k in range(a.ndim) if k != 1)]
    for axis in axes:
        if not axis or int(np.prod([a.shape[k] for k in axis])) < 2:
            continue
        sums, wrong = b.sum(axis=axis), a.sum(axis=axis)
        if np.abs(sums).max() < 1e-5 and np.abs(wrong).max() > 1e-3:
            where = f"axis {axis[0]}" if len(axis) == 1 else f"the axes {axis}"
            return (
                f"Along {where} the right one adds up to 0, and this one does not: does backward "
                "leave out that a mean, or a sum, depends on all of the inputs?"
            )
    return ""


Hint = Callable[[Any, str, Array, Array], str]  # of a `Compared`
HINTS: tuple[Hint, ...] = (
    _none,
    _factor,
    _axes,
    _incoming,
    _by_a_matrix,
    _swapped,
    _skipped,
    _repeated,
    _mask,
    _activation,
    _diagonal,
    _along_one_axis,
    _elementwise,
    _sum_of_zero,
)

__all__ = ["COMPARED", "HINTS"]
