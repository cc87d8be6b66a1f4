"""`detect_anomaly`: stop at the first nan or infinity, and say where it came from."""

from __future__ import annotations

from contextlib import ContextDecorator
from typing import Any

import numpy as np

from dlframe.autograd.describing import counted, describe, values_of
from dlframe.base import nests
from dlframe.errors import AnomalyError
from dlframe.ops.record import Array, Node, TensorBase
from dlframe.ops.watching import (
    Call,
    Note,
    Watcher,
    in_backward,
    note_of,
    set_watchers,
    watchers,
)

__all__ = [
    "detect_anomaly",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "set_anomaly_enabled",
    "set_detect_anomaly",
]


class set_detect_anomaly(ContextDecorator):
    """Switch `detect_anomaly` on or off: at once, and until the end of a `with` block.

    >>> import dlframe as dl
    >>> _ = dl.autograd.set_detect_anomaly(True)
    >>> dl.autograd.is_anomaly_enabled()
    True
    >>> _ = dl.autograd.set_detect_anomaly(False)
    """

    def __init__(
        self, mode: bool, check_nan: bool = True, *, check_inf: bool | None = None
    ) -> None:
        self._mode = mode
        self._checks = (check_nan, check_nan if check_inf is None else check_inf)
        self._before = watchers()
        self._switch()

    def _switch(self) -> None:
        others = tuple(w for w in watchers() if not isinstance(w, _Detector))
        set_watchers((*others, _Detector(*self._checks)) if self._mode else others)

    def __enter__(self) -> None:
        self._switch()

    def __exit__(self, *exception: object) -> None:
        set_watchers(self._before)


def set_anomaly_enabled(mode: bool, check_nan: bool = True) -> None:
    """`set_detect_anomaly` as a plain function.

    >>> dl.set_anomaly_enabled(True, check_nan=False)
    >>> dl.is_anomaly_enabled(), dl.is_anomaly_check_nan_enabled()
    (True, False)
    >>> dl.set_anomaly_enabled(False)
    """
    set_detect_anomaly(mode, check_nan)


class detect_anomaly(set_detect_anomaly):
    """Within a `with` block, stop at the first nan or infinity, forward or backward.

    The `AnomalyError` names the operation, the module that was running, and the line of the user's
    program; of every operand it shows shape, dtype, range, and how many numbers are nan or
    infinite. For the backward pass it names the rule, and the line of the *forward* call.

    nan always raises. An infinity raises if an operation made it from finite numbers and its
    result needs a gradient; so masks may contain -inf, and constants too. Each operation takes
    several times as long inside the block, so use it only to search for a mistake.

    Args:
        check_nan: whether values are checked. If not, errors that a backward pass raises still
            get a note with the line of the forward call.
        check_inf: whether infinities raise too; by default as `check_nan`. PyTorch does not have
            this argument, because it only checks gradients for nan.

    Raises:
        AnomalyError: the first value that is not finite; also a RuntimeError.

    >>> import dlframe as dl
    >>> x = dl.tensor([4.0, -1.0], requires_grad=True)
    >>> with dl.autograd.detect_anomaly():
    ...     x.sqrt()
    Traceback (most recent call last):
    dlframe.errors.AnomalyError: sqrt made 1 nan (first at [1]) of finite numbers.
    ...
    """

    def __init__(self, check_nan: bool = True, *, check_inf: bool | None = None) -> None:
        self._mode = True
        self._checks = (check_nan, check_nan if check_inf is None else check_inf)
        self._before = ()

    def __enter__(self) -> None:
        self._before = watchers()
        self._switch()

    def _recreate_cm(self) -> detect_anomaly:
        return detect_anomaly(self._checks[0], check_inf=self._checks[1])


def is_anomaly_enabled() -> bool:
    """Whether `detect_anomaly` is on here."""
    return any(isinstance(w, _Detector) for w in watchers())


def is_anomaly_check_nan_enabled() -> bool:
    """Whether `detect_anomaly` is on here, and checks values."""
    return any(isinstance(w, _Detector) and w.check_nan for w in watchers())


class _Detector(Watcher):
    """Checks each result and each gradient."""

    def __init__(self, check_nan: bool, check_inf: bool) -> None:
        self.check_nan, self.check_inf = check_nan, check_inf

    def called(self, call: Call) -> None:
        if in_backward():
            return  # `gradients` will check the result, and knows more about it
        for output in call.outputs:
            if not isinstance(output, TensorBase):
                continue
            fault = self._fault(values_of(output), (call.inputs, call.options), output.needs_grad)
            if fault is not None:
                raise AnomalyError(_forward_message(call, values_of(output), fault))

    def gradients(self, node: Node, g: Any, grads: Any) -> None:
        for i, gradient in enumerate(grads):
            if gradient is None or isinstance(gradient, tuple):  # a tuple is g itself
                continue
            array = values_of(gradient)
            fault = self._fault(array, (g, node.args), True)
            if fault is not None:
                raise AnomalyError(_backward_message(node, g, i, array, fault))

    def _fault(self, array: Any, given: Any, on_path: bool) -> str | None:
        """The fault of `array`, a result of `given`: "nan", "inf", or None."""
        if array.dtype.kind != "f" or np.isfinite(array).all():
            return None
        if self.check_nan and np.isnan(array).any():
            return "nan"
        if self.check_inf and on_path and np.isinf(array).any() and not _any_inf(given):
            return "inf"
        return None


def _any_inf(value: Any) -> bool:
    """Whether there is an infinity in a nest of tensors, arrays and numbers."""
    numbers = (float, np.ndarray, np.generic)
    found = [x for x in map(values_of, nests.leaves(value)) if isinstance(x, numbers)]
    return any(np.asarray(x).dtype.kind == "f" and np.isinf(x).any() for x in found)


def _has(fault: str, value: Any) -> bool:
    array = np.asarray(values_of(value))
    if array.dtype.kind != "f":
        return False
    return bool((np.isnan(array) if fault == "nan" else np.isinf(array)).any())


# --- the message -------------------------------------------------------------------------------


def _forward_message(call: Call, out: Array, fault: str) -> str:
    name = call.definition.name
    operands = list(zip(_names(call.definition, len(call.inputs)), call.inputs, strict=False))
    guilty = [operand for operand, value in operands if _has(fault, value)]
    if guilty:
        head = f"{name}: {counted(fault, out)} came in with {' and '.join(guilty)}."
    else:
        infinite = any(_has("inf", value) for _, value in operands)
        head = f"{name} made {counted(fault, out)} of {'in' * infinite}finite numbers."
    lines = [head, *_whereabouts(call.note)]
    for operand, value in operands:
        if value is not None:
            lines.append(f"  {operand}: {describe(values_of(value))}{_origin(value)}")
    lines += [f"  {option}={value!r}" for option, value in call.options.items() if _short(value)]
    return "\n".join([*lines, f"  result: {describe(out)}"])


def _backward_message(node: Node, g: Any, i: int, gradient: Any, fault: str) -> str:
    op = node.op
    names = _names(op, i + 1)
    known = [(f"its gradient g{k}", gk) for k, gk in _parts(g)]
    kept = [(name, v) for names_, values in op.kept_by(node) for name, v in _pairs(names_, values)]
    guilty = [name for name, value in known if _has(fault, value)]
    if guilty:
        head = f"backward of {op.name}: {counted(fault, gradient)} came in with the gradient g."
    else:
        head = (
            f"backward of {op.name} made {counted(fault, gradient)} in the gradient of {names[i]}."
            f"\n  (Function {node.name()!r} returned {fault} values in its {i}th output.)"
        )
    note = note_of(node)
    if note is None:
        lines = [head, f"  {op.name} was called outside of detect_anomaly(): do the forward in it,",
                 "  and the message will name the line."]  # fmt: skip
    else:
        lines = [head, "  Its forward call:", *_whereabouts(note)]
    lines += [f"  g{k}, the gradient that came: {describe(values_of(gk))}" for k, gk in _parts(g)]
    lines += [f"  {name}, kept by the forward: {describe(values_of(v))}" for name, v in kept]
    return "\n".join([*lines, f"  gradient of {names[i]}: {describe(np.asarray(gradient))}"])


def _parts(g: Any) -> list[tuple[str, Any]]:
    """The gradients of the results that have one, each with its number if there are several."""
    if not isinstance(g, tuple):
        return [("", g)]
    return [(f"[{k}]", gk) for k, gk in enumerate(g) if gk is not None]


def _pairs(names: Any, values: Any) -> list[tuple[str, Any]]:
    """The arrays and numbers that a node kept, each once."""
    pairs = list(zip(names, values, strict=False))
    return [(n, v) for n, v in pairs if isinstance(v, (np.ndarray, TensorBase, float))]


def _names(op: Any, count: int) -> list[str]:
    """The operands' names; those of `*xs` are numbered."""
    if op.variadic or not op.inputs:
        return [f"{op.variadic or 'input'}[{i}]" for i in range(count)]
    return list(op.inputs)


def _whereabouts(note: Note) -> list[str]:
    lines = [] if note.path is None else [f"  in {note.path}"]
    if note.place is not None:
        lines += [f"  {line}" for line in str(note.place).split("\n")]
    return lines


def _origin(value: Any) -> str:
    """The operation and the line that made an operand, if it was made inside the block."""
    note = note_of(getattr(value, "node", None))
    if note is None or note.place is None:
        return ""
    return f"; made by {value.node.op.name}, {note.place.short}"


def _short(value: Any) -> bool:
    return isinstance(value, (bool, int, float, str, tuple)) and len(repr(value)) < 40
