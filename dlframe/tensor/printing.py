"""Prints tensors by PyTorch's rules for widths, decimals, scientific notation and long tensors."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from textwrap import indent
from typing import Any

import numpy as np

from dlframe import dtypes
from dlframe.ops.batched import BatchedBase
from dlframe.ops.calling import wrap


@dataclass(frozen=True)
class _Options:
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_options = _Options()
_PROFILES = {
    "default": _Options(),
    "short": _Options(precision=2, edgeitems=2),
    "full": _Options(threshold=math.inf),
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors print.

    Args:
        precision: digits after the point (4).
        threshold: number of elements above which the middle is left out (1000).
        edgeitems: items shown at each end of a summarized dimension (3).
        linewidth: characters per line (80).
        profile: `"default"`, `"short"` or `"full"`, before the other settings.
        sci_mode: scientific notation always (True), never (False), or by the values' range (None).

    >>> import dlframe as dl
    >>> dl.set_printoptions(precision=2)
    >>> dl.tensor([1.2345])
    tensor([1.23])
    >>> dl.set_printoptions(profile="default")
    """
    global _options
    if profile is not None:
        if profile not in _PROFILES:
            raise ValueError(
                f"set_printoptions: profile is one of {', '.join(_PROFILES)}, got {profile!r}"
            )
        _options = _PROFILES[profile]
    given = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    changes: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
    _options = replace(_options, sci_mode=sci_mode, **changes)


class _Formatter:
    """One width and one notation for all the numbers of a tensor."""

    def __init__(self, values: np.ndarray[Any, Any]):
        self.floats = values.dtype.kind == "f"
        self.integral = True
        self.scientific = False
        if self.floats:
            # zeros, nan and infinities do not count; a wider one is printed without padding
            values = values[np.isfinite(values) & (values != 0)].astype(np.float64)
            if values.size:
                self._choose_notation(values)
        self.width = max((len(self._text(v)) for v in values.reshape(-1).tolist()), default=1)

    def _choose_notation(self, values: np.ndarray[Any, Any]) -> None:
        self.integral = bool((values == np.ceil(values)).all())
        size = np.abs(values)
        low, high = float(size.min()), float(size.max())
        self.scientific = high / low > 1000 or high > 1e8 or low < 1e-4
        if _options.sci_mode is not None:
            self.scientific = _options.sci_mode

    def _text(self, value: Any) -> str:
        if not self.floats or not math.isfinite(value):
            return str(value)
        if self.scientific:
            return f"{value:.{_options.precision}e}"
        if self.integral:
            return f"{value:.0f}."
        return f"{value:.{_options.precision}f}"

    def __call__(self, value: Any) -> str:
        return self._text(value).rjust(self.width)


def tensor_text(x: Any, name: str = "tensor") -> str:
    """`tensor([...], dtype=..., grad_fn=...)` as PyTorch writes it."""
    array = x.array
    if isinstance(array, BatchedBase):  # in a function that vmap maps
        inside = indent(tensor_text(wrap(array.physical), name), "    ")
        return f"BatchedTensor(lvl={len(array.levels)}, bdim=0, value=\n{inside}\n)"
    prefix = f"{name}("
    suffixes = []
    usual = dtypes.get_default_dtype()
    if array.size == 0 and array.ndim != 1:
        suffixes.append(f"size={tuple(array.shape)}")
    if array.dtype != usual and (array.size == 0 or array.dtype not in ("int64", "bool")):
        suffixes.append(f"dtype=dlframe.{array.dtype}")
    if x.node is not None and x.needs_grad:
        suffixes.append(f"grad_fn=<{x.node.name()}>")
    elif x.needs_grad:
        suffixes.append("requires_grad=True")
    body = "[]" if array.size == 0 else _body(array, len(prefix))
    return _with_suffixes(prefix + body, suffixes, len(prefix))


def tensor_html(x: Any) -> str:
    """The text of a tensor for a notebook, with what it does not say in a line below."""
    from dlframe.base import html  # only notebooks need it

    parts = [f"shape {tuple(x.shape)}", f"dlframe.{x.dtype}"]
    if x.needs_grad:
        parts.append("requires grad" if x.node is None else f"grad_fn {x.node.name()}")
    if x.node is None and x.gradient is not None:
        parts.append("has a gradient")
    return html.preformatted(repr(x), ", ".join(parts))


def _with_suffixes(text: str, suffixes: list[str], indent: int) -> str:
    parts = [text]
    last_line = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if last_line + len(suffix) + 2 > _options.linewidth:
            parts.append(",\n" + " " * indent + suffix)
            last_line = indent + len(suffix)
        else:
            parts.append(", " + suffix)
            last_line += len(suffix) + 2
    return "".join(parts) + ")"


def _body(array: np.ndarray[Any, Any], indent: int) -> str:
    summarize = array.size > _options.threshold
    if array.dtype == np.float16:
        array = array.astype(np.float32)
    return _nested(array, indent, summarize, _Formatter(_edges(array) if summarize else array))


def _edges(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The first and last items of every dimension, which a summarized tensor shows."""
    n = _options.edgeitems
    for axis, size in enumerate(array.shape):
        if size > 2 * n:
            keep = [*range(n), *range(size - n, size)]
            array = array.take(keep, axis=axis)
    return array


def _nested(array: np.ndarray[Any, Any], indent: int, summarize: bool, fmt: _Formatter) -> str:
    if array.ndim == 0:
        return fmt(array.item())
    n = _options.edgeitems
    cut = summarize and array.shape[0] > 2 * n
    if array.ndim == 1:
        return _row(array, indent, cut, fmt)
    rows = [*array[:n], *array[-n:]] if cut else list(array)
    texts = [_nested(row, indent + 1, summarize, fmt) for row in rows]
    if cut:
        texts.insert(n, "...")
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(texts) + "]"


def _row(array: np.ndarray[Any, Any], indent: int, cut: bool, fmt: _Formatter) -> str:
    n = _options.edgeitems
    values = [*array[:n].tolist(), *array[-n:].tolist()] if cut else array.tolist()
    texts = [fmt(v) for v in values]
    if cut:
        texts.insert(n, " ...")
    per_line = max(1, (_options.linewidth - indent) // (fmt.width + 2))
    lines = [", ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
