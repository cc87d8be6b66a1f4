"""Where in a model an error arose: the module, what it was called with, and what made that.

A call that succeeds pays nothing for this. When an exception leaves a `forward`, the innermost
`Module.__call__` looks up the stack for the calls around it, and says once which module of the
outermost one it is. Our own errors get this as the end of their message; all others, those of
your code among them, as a note (PEP 678), so that their type, text and traceback stay as they are.

What made the input is read from the order of a Sequential, or from the graph.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from itertools import pairwise
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlframe.errors import DlframeError
from dlframe.nn.source import maker_in_source
from dlframe.ops.batched import LoopNeeded
from dlframe.ops.record import Node, TensorBase
from dlframe.ops.watching import users_frame

if TYPE_CHECKING:
    from dlframe.nn.module import Module

_LONGEST = 100  # characters of a module's text, or of an argument's
_FAR = 10_000  # nodes of a graph that are searched


class _Call(NamedTuple):
    """A call of a module that has not ended."""

    module: Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    frame: FrameType


def locate(error: Exception) -> None:
    """Say in `error` which module it left; called by `Module.__call__` in its except clause.

    Whatever goes wrong here must not replace the error itself.
    """
    if isinstance(error, LoopNeeded) or hasattr(error, "_dlframe_located"):
        return
    frame = sys._getframe(1)
    try:
        error._dlframe_located = True  # type: ignore[attr-defined]  # seen by the modules around
        _say(error, _description(_calls(frame)))
    except Exception:  # noqa: BLE001 - a repr of the user's that raises, a class without __dict__ …
        return
    finally:
        del frame  # a frame that is kept keeps all its locals


def locate_backward(error: Exception, module: Module) -> None:
    """Say in `error` whose backward of its own it left, by a variable of the code that runs."""
    if isinstance(error, LoopNeeded) or hasattr(error, "_dlframe_located"):
        return
    try:
        error._dlframe_located = True  # type: ignore[attr-defined]  # as above
        found = _by_parameter(_modules_around(sys._getframe(1))).get(id(module), ("", module))
        _say(error, f"In the backward of {described(*found)}")
    except Exception:  # noqa: BLE001 - as above
        return


def _say(error: Exception, text: str) -> None:
    """Add `text` to an error of ours, or as a note to any other."""
    if isinstance(error, DlframeError) and len(error.args) == 1 and type(error.args[0]) is str:
        error.args = (f"{error.args[0]}\n{text}",)
    else:
        error.add_note(text)


def _calls(frame: FrameType) -> list[_Call]:
    """The calls of modules around `frame`, a frame of `Module.__call__`, the innermost first."""
    code, found = frame.f_code, []
    outer: FrameType | None = frame
    while outer is not None:
        if outer.f_code is code:
            values = outer.f_locals
            found.append(_Call(values["self"], values["args"], values["kwargs"], outer))
        outer = outer.f_back
    return found


def _description(calls: list[_Call]) -> str:
    failed, outermost = calls[0], calls[-1].module
    head = f"In {described(path_of(calls), failed.module)}"
    if failed.module is not outermost:
        head += f", a part of {type(outermost).__name__}"
    lines = [head, *(f"  got {text}" for text in _arguments(failed))]
    values = [*failed.args, *failed.kwargs.values()]
    for value in values:
        wrong = value is values[0] and (value is None or isinstance(value, tuple))
        if wrong or isinstance(value, (TensorBase, np.ndarray)):
            made = _maker(value, calls)
            if made:
                lines.append(f"  {'the first' if len(values) > 1 else 'which'} is {made}")
            break
    return "\n".join(lines)


# --- words for modules and arguments -----------------------------------------------------------


def described(path: str, module: Any) -> str:
    """The path and one line of the module: "classifier.2 Linear(in_features=4, …)"."""
    text = repr(module)
    if "\n" in text or len(text) > _LONGEST:
        text = type(module).__name__
    return f"{path} {text}" if path else text


def _arguments(call: _Call) -> Iterator[str]:
    """Names, dtypes and shapes of what the module was called with."""
    try:
        bound = inspect.signature(call.module.forward).bind(*call.args, **call.kwargs)
        pairs = list(bound.arguments.items())
    except (TypeError, ValueError):  # the call does not fit the signature
        pairs = [("", value) for value in call.args] + list(call.kwargs.items())
    for name, value in pairs:
        yield f"{name}: {_short(value)}" if name else _short(value)


def _short(value: Any) -> str:
    """A tensor's dtype and shape; other things by their text."""
    if isinstance(value, TensorBase):
        return f"{value.array.dtype} {list(value.array.shape)}"
    if isinstance(value, np.ndarray):
        return f"array of {value.dtype} {list(value.shape)}"
    if type(value) in (tuple, list) and any(isinstance(v, TensorBase) for v in value):
        return f"{type(value).__name__} of " + ", ".join(_short(each) for each in value[:8])
    text = repr(value) if isinstance(value, (str, int, float, bool, type(None), tuple)) else ""
    return text if text and len(text) <= _LONGEST and "\n" not in text else type(value).__name__


# --- paths -------------------------------------------------------------------------------------


def path_of(calls: list[_Call]) -> str:
    """The innermost call's module as a part of the outermost: "classifier.2"; "" is that itself."""
    names = []
    for inner, outer in pairwise(calls):
        if inner.module is outer.module:
            continue  # it called itself
        names.append(_name_in(outer.module, inner.module))
    return ".".join(name for name in reversed(names) if name)


def _name_in(outer: Module, inner: Module) -> str:
    """The path of `inner` in `outer`, also where it hides in a plain list or dict."""
    for path, part in outer.named_modules():
        if part is inner:
            return path
    for path, part in outer.named_modules():
        for name, value in part.__dict__.items():
            pairs: Iterable[tuple[Any, Any]] = ()
            if isinstance(value, (list, tuple)):
                pairs = enumerate(value)
            elif isinstance(value, dict):
                pairs = value.items()
            for key, each in pairs:
                if each is inner:
                    return f"{path}.{name}[{key!r}]".removeprefix(".")
    return f"(a {type(inner).__name__} of no attribute)"


# --- what made the input -----------------------------------------------------------------------


def _maker(value: Any, calls: list[_Call]) -> str:
    """What computed `value`, the input of the innermost call; "" if that cannot be known."""
    for i, call in enumerate(calls):
        if not any(each is value for each in (*call.args, *call.kwargs.values())):
            break  # the forward around made it, by other means than its parts in a row
        outer = calls[i + 1 :]
        if not outer:
            if i > 0:
                return "the input of the whole model"
            break
        before = _before(call, outer)
        if before:
            return before
    owners = [("", calls[-1].module), *_modules_around(calls[-1].frame)]
    return _maker_in_graph(value, owners) or _maker_in_source(value, calls)


def _maker_in_source(value: Any, calls: list[_Call]) -> str:
    """The module that the `forward` around names as the maker of `value`."""
    for i, call in enumerate(calls[:-1]):
        place = next((k for k, each in enumerate(call.args) if each is value), None)
        outer, frame = calls[i + 1], call.frame.f_back
        if place is None or frame is None:
            return ""
        if any(each is value for each in outer.args):
            continue  # it was handed on
        if frame.f_code is not getattr(type(outer.module).forward, "__code__", None):
            return ""
        part = maker_in_source(frame, outer.module, call.module, place)
        if not hasattr(part, "named_modules"):
            return ""
        path = ".".join(filter(None, (path_of(calls[i + 1 :]), _name_in(outer.module, part))))
        last = list(_in_order(part, path))[-1:] if _is_sequential(part) else []
        made = described(*(last[0] if last else (path, part)))
        return f"made from the output of {made}"
    return ""


def _before(call: _Call, outer: list[_Call]) -> str:
    """The module before `call` in a Sequential, or "" where it is the first, or in none."""
    row = outer[0].module
    layers = getattr(row, "_layers", None)
    if layers is None or not _is_in_a_row(row, call):
        return ""
    place = next((i for i, layer in enumerate(layers()) if layer is call.module), 0)
    if place == 0 or layers().count(call.module) > 1:
        return ""
    before = list(_in_order(row, path_of(outer), place))
    text = f"the output of {described(*before[-1])}"
    if not before[-1][1]._own_parameters():  # a layer with weights made these sizes
        weights = [each for each in before if each[1]._own_parameters()]
        text += f", after {described(*weights[-1])}" if weights else ""
    return text


def _in_order(row: Module, path: str, stop: int | None = None) -> Iterator[tuple[str, Module]]:
    """The parts of a Sequential in the order of their calls, and the parts of those in it."""
    for name, module in row._own_modules()[:stop]:
        inner = ".".join(filter(None, (path, name)))
        if _is_sequential(module) and module._own_modules():
            yield from _in_order(module, inner)
        else:
            yield inner, module


def _is_sequential(module: Module) -> bool:
    from dlframe.nn.container import Sequential  # on first use: it imports Module, which calls us

    return isinstance(module, Sequential) and type(module).forward is Sequential.forward


def _is_in_a_row(row: Module, call: _Call) -> bool:
    """Whether the forward that called `call` is the Sequential's own loop."""
    frame = call.frame.f_back
    return _is_sequential(row) and frame is not None and frame.f_code is type(row).forward.__code__


def warn_of_scores(name: str, input: Any, made_by: str, instead: str) -> None:
    """Warn if `input` comes straight from the function that the loss itself applies."""
    node = getattr(input, "node", None)
    if node is None or node.op is None or node.op.name != made_by:
        return
    made = _maker_in_graph(input, _modules_around(sys._getframe(1)))
    where = f" ({made})" if made else ""
    warnings.warn(
        f"{name}: the input is the result of {made_by}{where}, but {name} {instead}",
        UserWarning,
        stacklevel=level_of_user(),
    )


def level_of_user() -> int:
    """The `stacklevel`, seen from our caller, of the innermost frame that is not the library's."""
    frame, level, user = sys._getframe(1), 1, users_frame()
    while frame is not user and frame.f_back is not None:
        frame, level = frame.f_back, level + 1
    return level


def _modules_around(frame: FrameType) -> Iterator[tuple[str, Module]]:
    """The modules that variables of the frames around hold, with the variables' names."""
    from dlframe.nn.module import Module  # on first use, as above

    outer: FrameType | None = frame.f_back
    seen: set[int] = set()
    while outer is not None:
        spaces = [outer.f_locals, outer.f_globals]
        holder = outer.f_locals.get("self")
        if hasattr(holder, "__dict__"):
            spaces.append(vars(holder))
        for space in spaces:
            if id(space) in seen:
                continue
            seen.add(id(space))
            for name, value in list(space.items()):
                if isinstance(value, Module) and name != "self":
                    yield name, value
        outer = outer.f_back


def _maker_in_graph(value: Any, owners: Iterable[tuple[str, Module]]) -> str:
    """The newest module whose parameter the graph of `value` meets, and what came after it."""
    node = value.node if isinstance(value, TensorBase) else None
    if node is None:
        return ""
    paths: dict[Any, tuple[str, Module]] | None = None
    heap, seen = [(-node.seq, node)], {node}
    after: list[str] = []
    while heap and len(seen) < _FAR:
        node = heappop(heap)[1]
        call = getattr(getattr(node.op, "ctx", None), "call", None)
        own = getattr(call, "module", None)  # of a layer with its own backward
        leaves = [t for t in node.targets if t is not None and t.__class__ is not Node]
        if leaves or own is not None:
            if paths is None:
                paths = _by_parameter(owners)
            found = next((paths[key] for key in map(id, [own, *leaves]) if key in paths), None)
            if found is None and own is not None:
                found = ("", own)
            if found is not None:
                through = f"{after[0]} of " if after else ""
                return f"{through}the output of {described(*found)}"
        if node.op is not None:
            after.append(str(node.op.name))
        for target in node.targets:
            if target.__class__ is Node and target not in seen:
                seen.add(target)
                heappush(heap, (-target.seq, target))
    return ""


def _by_parameter(owners: Iterable[tuple[str, Module]]) -> dict[int, tuple[str, Module]]:
    """The module of each parameter, by the parameter's id; and each module by its own."""
    found: dict[int, tuple[str, Module]] = {}
    for start, owner in owners:
        for path, module in owner.named_modules():
            name = ".".join(filter(None, (start, path)))
            found.setdefault(id(module), (name, module))
            for value in module.__dict__.values():
                if isinstance(value, TensorBase):
                    found.setdefault(id(value), (name, module))
    return found
