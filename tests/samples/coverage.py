"""Which checks each name of the surface goes through, and what is missing: the coverage report."""

from __future__ import annotations

import ast
import warnings
from collections import Counter
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import dlframe as dl
from samples import CALLS, ERRORS, MODULES
from samples.checks import CHECKS, in_pytorch, signatures
from samples.evaluate import inputs_of
from samples.surface import SURFACE, names
from samples.table import Call

# Arguments that mean nothing here: one device, one layout, results are new arrays.
NOT_COUNTED = {
    "out", "device", "layout", "memory_format", "pin_memory", "non_blocking", "requires_grad",
    "input", "self", "generator", "out_dtype", "grad_variables", "only_inputs",
}  # fmt: skip

ALL_NAMES = frozenset(names())


@dataclass
class Row:
    """One name: how many calls go through each check, the arguments that none of them passes."""

    name: str
    checks: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    errors: int = 0
    missing: list[str] = field(default_factory=list)


def rows() -> dict[str, list[Row]]:
    """The report, per section."""
    calls: dict[str, list[Call]] = {}
    for family in CALLS.values():
        for call in family:
            calls.setdefault(call.name, []).append(call)
    errors = Counter(sample.name.split(":")[0].split(" ")[0] for sample in ERRORS)
    return {
        section: [_row(name, calls, errors) for name in text.split()]
        for section, text in SURFACE.items()
    }


def _row(name: str, by_name: dict[str, list[Call]], errors: Counter[str]) -> Row:
    calls = by_name.get(name, [])
    # The errors of linalg.inv are called "inv: singular"; those of "det: …" are det's, not linalg.det's.
    short = name.rpartition(".")[2]
    own = errors[name] if short in ALL_NAMES else errors[name] + errors[short]
    row = Row(name, calls=len(calls), errors=own)
    for check, applies in CHECKS.items():
        row.checks[check] = sum(bool(applies(call)) for call in calls)
    if not calls:
        row.missing.append("calls")
        return row
    row.missing += [f"{argument}=" for argument in unpassed(name, calls)]
    if "." not in name:
        methods = [("method", f"Tensor.{name}"), ("in place", f"Tensor.{name}_")]
        for check, path in methods:
            if in_pytorch(path) and not row.checks[check] and path not in by_name:
                row.missing.append(path)
    return row


def unpassed(name: str, calls: list[Call]) -> list[str]:
    """The arguments in PyTorch's signature that no call passes, by place or by name."""
    overloads = signatures().get(f"torch.{name}", [])
    known = {p.split("=")[0] for overload in overloads for p in overload}
    passed: set[str] = set()
    for call in calls:
        passed |= set(call.passes)
        places = [(len(call.args), set(call.options))] if call.run is None else _watched(call, name)
        for count, options in places:
            passed |= options
            for overload in overloads:
                by_place = overload[: overload.index("*")] if "*" in overload else overload
                passed |= {p.split("=")[0] for p in by_place[:count]}
    return sorted(p for p in known - passed - NOT_COUNTED if not p.startswith(("*", "_")))


# --- classes -----------------------------------------------------------------------------------


@dataclass
class ClassRow:
    """One class of `nn`: how many rows go through each check, the arguments that none of them passes."""

    name: str
    checks: Counter[str] = field(default_factory=Counter)
    missing: list[str] = field(default_factory=list)


CLASS_COLUMNS = {
    "rows": lambda row: not row.ours,
    "recorded": lambda row: row.recorded and not row.ours,
    "gradient": lambda row: row.order > 0 and not row.ours,
    "second": lambda row: row.order > 1 and not row.ours,
    "float32": lambda row: "float32" in row.dtypes and not row.ours,
    "float16": lambda row: "float16" in row.dtypes and not row.ours,
    "kit": lambda row: row.kit is not None,
}


def class_rows() -> list[ClassRow]:
    """The report of layers and losses, for the classes that have rows."""
    by_name: dict[str, list[Any]] = {}
    for rows in MODULES.values():
        for row in rows:
            if path := row.new.partition("(")[0].removeprefix("nn."):
                by_name.setdefault(path, []).append(row)
    report = []
    for name, rows in sorted(by_name.items()):
        counted = ClassRow(name)
        for column, applies in CLASS_COLUMNS.items():
            counted.checks[column] = sum(bool(applies(row)) for row in rows)
        calls = [ast.parse(row.new, mode="eval").body for row in rows]
        known = [p for p in (signatures().get(f"torch.nn.{name}") or [[]])[0] if p[0] != "*"]
        passed: set[str | None] = set()
        for call in calls:
            passed |= {p.split("=")[0] for p in known[: len(call.args)]}  # type: ignore[attr-defined] # a call
            passed |= {k.arg for k in call.keywords}  # type: ignore[attr-defined] # a call
        names = [p.split("=")[0] for p in known]
        counted.missing = [f"{p}=" for p in names if p not in passed | NOT_COUNTED | {"dtype"}]
        report.append(counted)
    return report


class Watched:
    """Something of the library that notes with what it is called; as a library it hands on itself."""

    def __init__(self, value: Any, path: str, noted: list[tuple[str, int, set[str]]]) -> None:
        self._value, self._path, self._noted = value, path, noted

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._value, name)
        path = f"{self._path}.{name}".removeprefix(".")
        if isinstance(value, ModuleType) or f"torch.{path}" in signatures():
            return Watched(value, path, self._noted)
        return value

    def __call__(self, *args: Any, **options: Any) -> Any:
        self._noted.append((self._path, len(args), set(options)))
        return self._value(*args, **options)

    def __mro_entries__(self, bases: Any) -> tuple[Any, ...]:
        return (self._value,)  # a class to inherit from


def _watched(call: Call, name: str) -> list[tuple[int, set[str]]]:
    """With how many arguments by place, and with which by name, `run` calls the function."""
    noted: list[tuple[str, int, set[str]]] = []
    args, options, _ = inputs_of(call, dl)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        call.run(Watched(dl, "", noted), *args, **options)  # type: ignore[misc] # its arguments are of any kind
    return [(count, names) for path, count, names in noted if path == name]


# --- the page ----------------------------------------------------------------------------------

HEAD = """# Coverage

What is checked of every name of PyTorch's tensors and functions that dlframe covers. This page is
made from the tables in tests/samples by `tools/make_coverage.py`; a test fails where it is out of
date, where a name has no samples, or where an argument in PyTorch's signature is passed by none.

Each sample is a call whose numbers are compared with PyTorch's, once with recorded ones (`make
test`) and once side by side (`make oracle`). The columns count the samples that go through

- **value**: the results, in float64 (and in **float32**, which stays float32);
- **grad**, **2nd**: the gradient and the gradient of the gradient, by every float input;
- **dtypes**: the dtypes of the results for inputs of bool, uint8, int32, int64 and three floats;
- **empty**: inputs without elements, and inputs without dimensions: the same values, or an error in both;
- **layout**: inputs that do not lie in memory in order;
- **method**, **in place**: `x.name(…)` and `x.name_(…)`, where PyTorch has them;
- **errors**: bad input that must raise in both libraries, with a message that says what and where.

A dash means that PyTorch has nothing there: no gradient, no such method, no float input.
"""
CLASSES = """## Layers and losses

A row is a module, made with PyTorch's arguments and called. Its text, initial values, outputs, gradients and buffers in training and
in evaluation are compared with PyTorch's, as is a state that goes from either library to the other. `recorded` rows are compared
in `make test` as well, `kit` rows pass the checks of `dlframe.testing`.
"""
COLUMNS = {
    "value": "value", "float32": "float32", "grad": "gradient", "2nd": "second gradient",
    "dtypes": "dtypes", "empty": "empty and 0-d", "layout": "layout", "method": "method",
    "in place": "in place",
}  # fmt: skip


def page() -> str:
    """docs/coverage.md."""
    report = rows()
    total = sum(row.calls for section in report.values() for row in section)
    count = sum(len(section) for section in report.values())
    parts = [HEAD, f"{count} names, {total} samples.\n"]
    for section, found in report.items():
        parts += [f"## {section}\n", f"| name | {' | '.join(COLUMNS)} | errors |"]
        parts.append("|---|" + "---:|" * (len(COLUMNS) + 1))
        for row in found:
            cells = [str(row.checks[check] or "–") for check in COLUMNS.values()]
            parts.append(f"| `{row.name}` | {' | '.join(cells)} | {row.errors or '–'} |")
        parts.append("")
    parts += [
        CLASSES,
        f"| class | {' | '.join(CLASS_COLUMNS)} |",
        "|---|" + "---:|" * len(CLASS_COLUMNS),
    ]
    for one in class_rows():
        cells = [str(one.checks[column] or "–") for column in CLASS_COLUMNS]
        parts.append(f"| `nn.{one.name}` | {' | '.join(cells)} |")
    parts.append("")
    return "\n".join(parts)
