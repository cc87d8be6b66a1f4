"""The sections of facts: headline numbers, settings, environment, findings, commands."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from dlframe import metrics
from dlframe.base.printable import printable
from dlframe.viz.pages.html import Markup, element, joined, pairs, table
from dlframe.viz.reports.course import best_of, column, number, panels_of, seconds
from dlframe.viz.reports.results import errors_of, interval
from dlframe.viz.reports.source import Source

LONGEST = 400  # characters of a value
MOST_ENTRIES = 200  # of the settings


def tiles(source: Source) -> Markup:
    """The headline numbers."""
    found = [*_of_results(source), *_of_course(source), *_of_model(source)]
    items = [
        element(
            "li", element("span", name), element("b", value), element("span", more), class_="tile"
        )
        for name, value, more in found
    ]
    return element("ul", items, class_="tiles") if items else Markup()


def _of_results(source: Source) -> Iterator[tuple[str, str, str]]:
    one = source.measured
    if one is None or one.kind == "other":
        return
    if one.kind == "classes" and one.matrix.sum():
        right, samples = int(one.matrix.trace()), int(one.matrix.sum())
        sure = interval(right, samples)
        yield "accuracy", f"{right / samples:.4f}", f"95 %: {sure}; {right:,} of {samples:,}"
        f1 = metrics.f1_macro(one.predicted, one.target)
        yield "F1, macro", f"{float(f1):.4f}", f"{len(one.matrix)} classes, {one.name}"
    if one.kind == "numbers":
        finite = np.isfinite(one.output) & np.isfinite(one.target)
        absolute, root, r2 = errors_of(one.output[finite], one.target[finite])
        yield "R²", r2, f"{one.count:,} samples, {one.name}"
        yield "mean absolute error", absolute, f"root of the mean square: {root}"


def _of_course(source: Source) -> Iterator[tuple[str, str, str]]:
    history = source.history
    for name in panels_of(history):
        best = best_of(history, name)
        if best is not None:
            which = "validation" if f"val_{name}" in history else "training"
            yield f"best {name}, {which}", number(best[1]), f"epoch {best[0]} of {history.epochs}"
    planned = source.planned
    more = f"of {planned} planned" if planned and planned != history.epochs else ""
    yield "epochs", f"{history.epochs:,}", more
    spent = column(history, "seconds") if "seconds" in history else None
    if spent is not None and np.isfinite(spent).any():
        yield "time of training", seconds(float(np.nansum(spent))), "with validation"


def _of_model(source: Source) -> Iterator[tuple[str, str, str]]:
    if source.model is not None:
        count = sum(parameter.array.size for parameter in source.model.parameters())
        yield "parameters", f"{count:,}", type(source.model).__name__


# --- settings ----------------------------------------------------------------------------------


def settings(source: Source) -> Markup | None:
    """The configuration of the run."""
    rows = dict(list(_flat(source.config))[:MOST_ENTRIES])
    return pairs(rows) if rows else None


def _flat(config: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Names and values, of nested settings with a dot between."""
    for name, value in config.items():
        label = f"{above}{name}"
        if isinstance(value, Mapping) and set(value) == {"name", "arguments"}:
            yield label, _described(value)
        elif isinstance(value, Mapping) and value and not label.count("."):
            yield from _flat(value, f"{label}.")
        elif value is not None:
            yield label, _text(value)


def _described(named: Mapping[str, Any]) -> str:
    given = named["arguments"]
    options = given.items() if isinstance(given, Mapping) else [("arguments", given)]
    text = ", ".join(f"{key} {_text(value)}" for key, value in options if value is not None)
    return f"{named['name']}" + (f": {text}" if text else "")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(one, Mapping) and "name" in one for one in value):
            return ", ".join(_described({"arguments": {}, **one}) for one in value)
        shown = ", ".join(map(_text, value[:50]))
        return (f"{shown} … ({len(value)} in all)" if len(value) > 50 else shown) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(one)}" for key, one in value.items()) or "none"
    return printable(value, longest=LONGEST)


# --- environment -------------------------------------------------------------------------------


def surroundings(source: Source) -> Markup | None:
    """Versions, processor, BLAS and threads, commit, command, time."""
    found = source.environment
    if not found:
        return None
    packages = found.get("packages")
    pools = found.get("thread_pools")
    rows: dict[str, Any] = {
        "written": found.get("time"),
        "dlframe": found.get("dlframe"),
        "Python": found.get("python"),
        "packages": ", ".join(f"{name} {version}" for name, version in packages.items())
        if isinstance(packages, Mapping)
        else packages,
        "BLAS": found.get("blas"),
        "threads": ", ".join(_pool(pool) for pool in pools) if isinstance(pools, list) else pools,
        "variables": found.get("variables") or None,
        "processor": found.get("processor"),
        "processors": found.get("processors"),
        "SIMD": found.get("simd"),
        "system": found.get("platform"),
        "Git commit": found.get("commit"),
        "seed": source.config.get("seed"),
        "command": _command(found.get("command")),
    }
    return pairs({name: _text(value) for name, value in rows.items() if value not in (None, "")})


def _pool(pool: Any) -> str:
    if not isinstance(pool, Mapping):
        return _text(pool)
    return f"{pool.get('library')}: {pool.get('threads')}"


def _command(words: Any) -> str | None:
    if not isinstance(words, list) or not words:
        return None
    return shlex.join(map(str, words))


def commands(source: Source) -> Markup | None:
    """How to run it again."""
    found = list(source.again)
    command = _command(source.environment.get("command"))
    if not found and command and "ipykernel" not in command and not command.startswith("-"):
        found.append(("The command that wrote this page", f"python {command}"))
    if not found:
        return None
    parts = [
        (element("p", f"{what}:"), element("pre", element("code", command)))
        for what, command in found
    ]
    return joined(parts)


# --- the doctor --------------------------------------------------------------------------------


def findings(source: Source) -> Markup | None:
    """What `training.check` found before training."""
    report = source.findings
    if report is None:
        return None
    colours = {"error": "bad", "warning": "warning", "note": "muted"}
    head = element("p", str(report).splitlines()[0])
    if not report.findings:
        return joined(head, _remarks(report))
    rows = [
        [
            element("span", one.severity, class_=colours[one.severity]),
            one.check,
            one.where,
            joined(one.what, element("br"), element("em", one.reason)),
            one.fix,
        ]
        for one in report.findings
    ]
    columns = ["", "check", "where", "what, and why it matters", "what to do"]
    return joined(head, table(columns, rows, caption="Findings, the worst first"), _remarks(report))


def _remarks(report: Any) -> Markup | None:
    rows = {**report.looked_at, **report.estimates}
    rows |= {f"not checked: {name}": why for name, why in report.left_out.items()}
    return pairs(rows) if rows else None


def gaps(source: Source) -> Markup | None:
    """Which parts are missing, and why."""
    if not source.left_out:
        return None
    rows = [element("li", f"{name}: {why}") for name, why in source.left_out.items()]
    return element("ul", rows)
