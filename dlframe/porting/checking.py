"""What a program that was written for PyTorch would find in dlframe: read, and not run."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from dlframe.errors import did_you_mean
from dlframe.porting import absent, places
from dlframe.porting.differing import ATTRIBUTES, DIFFERENT, KEYWORDS, METHODS
from dlframe.porting.reading import Found, Method, Program, Text, is_pytorch

Verdict: TypeAlias = Literal["there", "different", "missing", "probably missing", "behind a check"]

ORDER: tuple[Verdict, ...] = (
    "missing", "probably missing", "behind a check", "different", "there",
)  # fmt: skip

OUT = "write in place instead, `x.copy_(…)`"
NO_ARGUMENT = "dlframe's has no such argument"


@dataclass(frozen=True)
class Use:
    """A name of PyTorch's in a line of a program."""

    name: str
    """In full, `torch.nn.Linear`; of an argument `torch.add(out=)`."""
    verdict: Verdict
    words: str
    """How it differs, or why it is missing and what to do instead."""
    file: str
    line: int
    guarded: bool
    """Behind a condition that is False on a machine without a GPU."""


def check(paths: Iterable[Path]) -> list[Use]:
    """Every use of PyTorch's names in programs, and in the modules beside them that they import.

    Args:
        paths: files, or folders, of which all files of Python are read.

    Raises:
        OSError: a file cannot be read.
        SyntaxError: it is no Python.
    """
    program = Program()
    for path in paths:
        if path.is_dir():
            for file in sorted(path.rglob("*.py")):
                program.read(file, path)
        else:
            program.read(path)
    defined = {name for text in program.files.values() for name in text.defined}
    uses: list[Use] = []
    for text in program.files.values():
        found = [*_imports(text), *_names(text), *_methods(text, defined)]
        uses += sorted(set(found), key=lambda use: (use.line, use.name))
    return uses


def is_ready(uses: Iterable[Use]) -> bool:
    """Whether nothing is missing; what is probably missing does not count."""
    return not any(use.verdict == "missing" for use in uses)


# --- one use -----------------------------------------------------------------------------------


def _imports(text: Text) -> Iterator[Use]:
    """Imports that fail: of modules and names that PyTorch has not, or torchvision."""
    for node, guarded in text.imports:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if is_pytorch(alias.name)]
        else:
            module = node.module or ""
            names = [module] if not places.is_module(module) else []
            names = names or [
                f"{module}.{alias.name}"
                for alias in node.names
                if alias.name != "*" and not absent.is_name(f"{module}.{alias.name}")
            ]
        for name in names:
            if places.place(name) is None and not absent.is_module(name):
                yield _use(text, node, name, "missing", _why(name), guarded=guarded)


def _names(text: Text) -> Iterator[Use]:
    for found in text.uses:
        place = places.place(found.name)
        if place is None:
            name = _beginning(found.name)
            yield _use(text, found.node, name, "missing", _why(name), guarded=found.guarded)
            continue
        words = DIFFERENT.get(found.name, "")
        verdict: Verdict = "different" if words else "there"
        yield _use(text, found.node, found.name, verdict, words, guarded=found.guarded)
        yield from _keywords(text, found, place.value)


def _beginning(name: str) -> str:
    """The first part of a name that is not there: `torch.fft.fft` of `torch.fft.fft.__doc__`."""
    parts = name.split(".")
    for count in range(1, len(parts)):
        beginning = ".".join(parts[:count])
        if places.place(beginning) is None:
            return beginning
    return name


def _why(name: str) -> str:
    """Why a name is missing, and what to do instead."""
    if absent.is_name(name) or absent.is_module(name):
        return absent.reason(name) or "PyTorch has it, dlframe does not yet"
    known = absent.reason(name)
    if known:
        return known
    module, _, last = name.rpartition(".")
    above = places.place(module)
    hint = "" if above is None else did_you_mean(last, dir(above.value)).strip()
    if name.startswith("torchvision."):
        return f"dlframe does not have it. {hint}".strip()
    return f"PyTorch {absent.VERSION} does not have it either. {hint}".strip()


def _keywords(text: Text, found: Found, value: Any) -> Iterator[Use]:
    """Arguments by name that are not taken, or mean something else."""
    if found.call is None:
        return
    taken = parameters(value)
    for keyword in found.call.keywords:
        if keyword.arg is None:
            continue
        name = f"{found.name}({keyword.arg}=)"
        differs = KEYWORDS.get((found.name, keyword.arg))
        if taken is not None and keyword.arg not in taken:
            words = OUT if keyword.arg == "out" else NO_ARGUMENT
            yield _use(text, keyword.value, name, "missing", words, guarded=found.guarded)
        elif differs is not None and not _is_off(keyword.value):
            yield _use(text, keyword.value, name, "different", differs, guarded=found.guarded)


ALSO = {"dim": "axis", "keepdim": "keepdims"}  # other names of arguments, taken everywhere


def parameters(value: Any) -> set[str] | None:
    """The names of arguments; None if any is taken, or nobody knows."""
    if not callable(value):
        return None
    try:
        found = inspect.signature(value).parameters
    except (TypeError, ValueError):
        return None
    if any(each.kind is each.VAR_KEYWORD for each in found.values()):
        return None
    return {*found, *(other for name, other in ALSO.items() if name in found)}


def _is_off(node: ast.expr) -> bool:
    """False, None or 0: the argument asks for nothing."""
    return isinstance(node, ast.Constant) and not node.value


def _methods(text: Text, defined: set[str]) -> Iterator[Use]:
    """Methods of PyTorch's tensors and modules, called on what nobody knows the type of."""
    lacking = absent.methods()
    for each in text.methods:
        node, last = each.node, each.node.attr
        inner = node.value.attr if isinstance(node.value, ast.Attribute) else ""
        if (inner, last) in ATTRIBUTES and not (each.call and inner == "dtype"):
            words = ATTRIBUTES[inner, last]
            yield _use(text, node, f".{inner}.{last}", "different", words, guarded=each.guarded)
        elif each.call is not None and last not in defined:
            yield from _method(text, each, lacking.get(last))


def _method(text: Text, each: Method, cls: str | None) -> Iterator[Use]:
    last = each.node.attr
    if last in METHODS:
        name = METHODS[last]
        yield _use(
            text, each.node, f".{last}()", "different", DIFFERENT[name], guarded=each.guarded
        )
    elif cls is not None:
        words = absent.reason(f"{cls}.{last}") or f"{cls} has it in PyTorch; dlframe's does not"
        verdict: Verdict = "probably missing"
        yield _use(text, each.node, f".{last}()", verdict, words, guarded=each.guarded)


def _use(
    text: Text, node: ast.AST, name: str, verdict: Verdict, words: str, *, guarded: bool
) -> Use:
    if guarded and verdict != "there":
        verdict, words = "behind a check", words and f"not reached here: {words}"
    return Use(name, verdict, words, str(text.path), getattr(node, "lineno", 0), guarded)


# --- what is shown -----------------------------------------------------------------------------


def as_json(uses: Sequence[Use]) -> dict[str, Any]:
    """Everything, as data."""
    counts = {verdict: len({u.name for u in uses if u.verdict == verdict}) for verdict in ORDER}
    return {"ready": is_ready(uses), "names": counts, "uses": [asdict(use) for use in uses]}


def rows(uses: Sequence[Use]) -> list[tuple[str, str, str, str]]:
    """A table with its heads: each name once, with the lines where it is, what is missing first.

    Names that are there without a difference are not in it.
    """
    first = Path(uses[0].file) if uses else Path()
    together: dict[tuple[str, str, str], list[str]] = {}
    others = [use for use in uses if use.verdict != "there"]
    for use in sorted(others, key=lambda use: (ORDER.index(use.verdict), use.name)):
        place = str(use.line) if Path(use.file) == first else f"{Path(use.file).name}:{use.line}"
        together.setdefault((use.name, use.verdict, use.words), []).append(place)
    table = [("name", "is", "lines", "")]
    for (name, verdict, words), lines in together.items():
        table.append((name, verdict, _lines(lines), words))
    return table


def there(uses: Iterable[Use]) -> list[str]:
    """The names that are there, and do what PyTorch's do."""
    return sorted({use.name for use in uses if use.verdict == "there"})


MOST = 3  # lines that are named


def _lines(lines: list[str]) -> str:
    each = list(dict.fromkeys(lines))
    more = f" +{len(each) - MOST}" if len(each) > MOST else ""
    return ", ".join(each[:MOST]) + more
