"""What made the input of a module, read from the source of the `forward` that called it.

For errors where no graph was recorded. Only what is certain is read: a call in the argument
itself, or the last assignment before it in the same blocks; not what depends on a branch or on the
round of a loop.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from types import FrameType
from typing import Any


def maker_in_source(frame: FrameType, owner: Any, module: Any, place: int) -> Any:
    """The part of `owner` whose output is argument `place` of a call of `module`, or None.

    `frame` is that of `owner.forward`, which is calling `module`.
    """
    lines, first = inspect.getsourcelines(frame.f_code)
    line = frame.f_lineno - first + 1
    function = ast.parse(textwrap.dedent("".join(lines))).body[0]
    if not isinstance(function, ast.FunctionDef):
        return None
    this = function.args.args[0].arg
    calls = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and node.lineno <= line <= (node.end_lineno or 0)
        and _part(node.func, this, owner) is module
    ]
    if len(calls) != 1 or len(calls[0].args) <= place:
        return None  # the module is called twice there, or not by its name
    return _maker(calls[0].args[place], _before(function.body, line), this, owner)


def _part(node: ast.expr, this: str, owner: Any) -> Any:
    """The value of `self.a.b[0]`; None for other expressions."""
    if isinstance(node, ast.Name):
        return owner if node.id == this else None
    if isinstance(node, ast.Attribute):
        found = _part(node.value, this, owner)
        return None if found is None else vars(found).get(node.attr)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        found = _part(node.value, this, owner)
        return None if found is None else found[node.slice.value]
    return None


def _before(body: list[ast.stmt], line: int) -> list[ast.stmt | None]:
    """The statements before the line, the last first; None where a loop's start is passed."""
    for i, statement in enumerate(body):
        if statement.lineno <= line <= (statement.end_lineno or 0):
            inner: list[ast.stmt | None] = []
            for block in _blocks(statement):
                if block and block[0].lineno <= line <= (block[-1].end_lineno or 0):
                    inner = _before(block, line)
                    inner += [None] if isinstance(statement, ast.For | ast.While) else []
            return [*inner, *reversed(body[:i])]
    return []


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(statement, name, [])
        if isinstance(block, list):
            yield block


def _maker(node: ast.expr, before: list[ast.stmt | None], this: str, owner: Any) -> Any:
    """The part of `owner` that the expression calls last, or that its variable comes from."""
    if isinstance(node, ast.Call):
        part = _part(node.func, this, owner)
        if part is not None:
            return part
        inner = [node.func.value] if isinstance(node.func, ast.Attribute) else []
        return _first_of([*inner, *node.args], before, this, owner)
    if isinstance(node, ast.BinOp):
        return _first_of([node.left, node.right], before, this, owner)
    if not isinstance(node, ast.Name):
        return None
    for i, statement in enumerate(before):
        if statement is None or node.id not in _assigned(statement):
            if statement is None:
                return None
            continue
        if isinstance(statement, ast.Assign) and [type(t) for t in statement.targets] == [ast.Name]:
            return _maker(statement.value, before[i + 1 :], this, owner)
        return None  # in a branch, or one of several
    return None


def _first_of(nodes: list[ast.expr], before: Any, this: str, owner: Any) -> Any:
    return next(
        (part for node in nodes if (part := _maker(node, before, this, owner)) is not None), None
    )


def _assigned(statement: ast.stmt) -> set[str]:
    """The variables that a statement may set."""
    return {
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
