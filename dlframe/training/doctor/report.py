"""What the checks before training find, and the report that lists it."""

from __future__ import annotations

import html
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from dlframe.base.terminals import columns
from dlframe.errors import ArgumentError, DlframeError

SEVERITIES = ("error", "warning", "note")  # the worst first
_WIDTH = 80


class CheckFailedError(DlframeError, RuntimeError):
    """The checks before training found a fault; `report` has all findings."""

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self.report = report


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    Attributes:
        severity: "error" (training fails, or learns something else than meant), "warning" (most
            likely a fault) or "note" (worth knowing; often on purpose).
        where: the part that it is about, such as "training targets" or "features.0.weight".
        what: what was measured, in words with numbers.
        number: the number that decided; None where none did.
        reason: why it matters.
        fix: what to do.
        check: the name of the check.
    """

    severity: str
    where: str
    what: str
    number: float | None
    reason: str
    fix: str
    check: str = ""

    def text(self, width: int | None = _WIDTH) -> str:
        """The finding in lines of at most so many columns; None: a line for each part."""
        lines = [_wrapped(f"{self.severity.upper()} {self.check}: {self.where}", "", "  ", width)]
        for label, text in (("", self.what), ("Why: ", self.reason), ("Fix: ", self.fix)):
            if text:
                lines.append(_wrapped(label + text, "  ", "       " if label else "  ", width))
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()


def _wrapped(text: str, first: str, later: str, width: int | None) -> str:
    paragraphs = [
        textwrap.fill(
            line,
            width or sys.maxsize,
            initial_indent=later if number else first,
            subsequent_indent=later,
        )
        for number, line in enumerate(text.splitlines())
        if line.strip()
    ]
    return "\n".join(paragraphs)


@dataclass
class Report:
    """The findings of all checks, the worst first; it prints as text of at most 80 columns, or as
    many as the terminal has.

    It is true in an `if` when there is no error and no warning. `report["labels-in-range"]` are the
    findings of one check.

    Attributes:
        findings: all of them.
        made: the names of the checks that were made.
        left_out: why a check could not be made, by its name.
        looked_at: what was looked at, such as "training samples" -> "10,000 of 60,000".
        estimates: what training will cost, as measured here.
    """

    findings: list[Finding] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    looked_at: dict[str, str] = field(default_factory=dict)
    estimates: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))

    @property
    def ok(self) -> bool:
        """Whether there is no error and no warning."""
        return not self.errors and not self.warnings

    def __bool__(self) -> bool:
        return self.ok

    @property
    def errors(self) -> list[Finding]:
        """The findings with which training fails, or learns something else than meant."""
        return self._of("error")

    @property
    def warnings(self) -> list[Finding]:
        """The findings that are most likely faults."""
        return self._of("warning")

    @property
    def notes(self) -> list[Finding]:
        """The findings that are worth knowing."""
        return self._of("note")

    def _of(self, severity: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity == severity]

    def __getitem__(self, check: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.check == check]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def raise_if(self, severity: str = "error") -> None:
        """Raise CheckFailedError if anything of this severity, or worse, was found.

        >>> Report().raise_if("note")
        """
        if severity not in SEVERITIES:
            raise ArgumentError(
                f"raise_if: severity must be one of {', '.join(SEVERITIES)}; got {severity!r}"
            )
        wanted = SEVERITIES[: SEVERITIES.index(severity) + 1]
        bad = [finding for finding in self.findings if finding.severity in wanted]
        if bad:
            raise CheckFailedError("\n\n".join([self._head(), *map(str, bad)]), self)

    def joined(self, other: Report) -> Report:
        """The findings of two reports in one."""
        return Report(
            [*self.findings, *other.findings],
            [*self.made, *other.made],
            {**self.left_out, **other.left_out},
            {**self.looked_at, **other.looked_at},
            {**self.estimates, **other.estimates},
        )

    def _head(self) -> str:
        counts = [
            f"{len(found)} {name}{'' if len(found) == 1 else 's'}"
            for name in SEVERITIES
            if (found := self._of(name))
        ]
        count = f"{len(self.made)} check{'' if len(self.made) == 1 else 's'}"
        return f"{', '.join(counts) or 'Nothing found'} in {count}."

    def text(self, width: int | None = _WIDTH) -> str:
        """The report in lines of at most so many columns; None: a line for each part."""
        parts = [self._head(), *(finding.text(width) for finding in self.findings)]
        for title, pairs in (
            ("Looked at", self.looked_at),
            ("Estimates", self.estimates),
            ("Not checked", self.left_out),
        ):
            if pairs:
                parts.append("\n".join([f"{title}:", *_listed(pairs, width)]))
        return "\n\n".join(parts)

    def __str__(self) -> str:
        return self.text(min(_WIDTH, columns() or _WIDTH))

    def __repr__(self) -> str:
        return f"<Report: {self._head().removesuffix('.')}>"

    def _repr_html_(self) -> str:
        """The report as a table, for notebooks."""
        # legible on white and on dark pages
        colours = {"error": "#d9483b", "warning": "#b07a1a", "note": "inherit"}
        rows = "".join(
            f'<tr><td style="color:{colours[one.severity]}"><b>{one.severity}</b></td>'
            f"<td>{html.escape(one.check)}</td><td>{html.escape(one.where)}</td>"
            f'<td style="text-align:left">{html.escape(one.what)}<br>'
            f"<i>{html.escape(one.reason)}</i><br>{html.escape(one.fix)}</td></tr>"
            for one in self.findings
        )
        more = "".join(
            f"<li>{html.escape(f'{name}: {text}')}</li>"
            for pairs in (self.looked_at, self.estimates, self.left_out)
            for name, text in pairs.items()
        )
        return f"<p>{html.escape(self._head())}</p><table>{rows}</table><ul>{more}</ul>"


def _listed(pairs: Mapping[str, str], width: int | None) -> Iterable[str]:
    return (_wrapped(f"{name}: {text}", "  ", "    ", width) for name, text in pairs.items())
