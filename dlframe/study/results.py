"""What came out of a study: values by arm, the table with intervals, files to go on with."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlframe.errors import ArgumentError, did_you_mean
from dlframe.study import statistics
from dlframe.study.numbers import tex_interval
from dlframe.study.statistics import Comparison, Estimate
from dlframe.study.working import DONE
from dlframe.training.callbacks.monitor import mode_of
from dlframe.utils.atomic import atomic_write

if TYPE_CHECKING:
    from dlframe.study.store import Store
    from dlframe.study.study import Study


@dataclass(frozen=True)
class Row:
    """An arm in the table: its mean with an interval, and how it differs from the reference.

    `p` is after Holm's correction for all comparisons of the table, None for the reference.
    `verdict` is "better", "worse" or "undecided"; "" for the reference.
    """

    arm: str
    levels: Mapping[str, str]
    tuned: Mapping[str, str]
    estimate: Estimate | None
    finished: int
    runs: int
    comparison: Comparison | None
    p: float | None
    verdict: str
    cpu_seconds: float


class Results:
    """The runs of a study, in the order of its plan.

    `runs` are the records of the final runs, `tried` those of tuning, `chosen` what was chosen for
    each arm. A record has key, arm, levels, tuned, seed, config, status ("done", "nan" if the
    measure is not finite, "failed" if the run raised, "killed" if its process ended), values,
    curves, cpu_seconds, seconds, and for failures error and traceback.
    """

    def __init__(
        self,
        study: Study,
        runs: Sequence[Mapping[str, Any]],
        tried: Sequence[Mapping[str, Any]],
        chosen: Mapping[str, Mapping[str, Any]],
        common: Mapping[str, Any],
        store: Store,
    ) -> None:
        self.study = study
        self.runs = list(runs)
        self.tried = list(tried)
        self.chosen = dict(chosen)
        self.common = dict(common)
        self._store = store

    def __repr__(self) -> str:
        done = sum(run["status"] == DONE for run in self.runs)
        arms = f"{len(self.study.arms)} arms, {done} of {len(self.runs)} runs finished"
        return f"<Results of {self.study.name}: {arms}>"

    # --- numbers -------------------------------------------------------------------------------

    @property
    def arms(self) -> list[str]:
        """The names of the arms."""
        return [arm.label for arm in self.study.arms]

    def of(self, arm: str) -> list[Mapping[str, Any]]:
        """The records of an arm, by seed."""
        if arm not in self.arms:
            raise ArgumentError(
                f"results: there is no arm {arm!r}; there are {', '.join(map(repr, self.arms))}."
                f"{did_you_mean(arm, self.arms)}"
            )
        found = [run for run in self.runs if run["arm"] == arm]
        return sorted(found, key=lambda run: run["seed"])

    def folder_of(self, run: Mapping[str, Any]) -> Path | None:
        """The folder in which a run left files; None if it left none.

        A run whose function has a parameter `folder=None` is given one where results are kept on
        the disk: a path below that folder, which it makes when it needs it.
        """
        folder = self._store.folder_of(run)
        return folder if folder is not None and folder.is_dir() else None

    def measures(self) -> list[str]:
        """The names of all measured values."""
        return list(dict.fromkeys(name for run in self.runs for name in run["values"]))

    def values(self, measure: str | None = None) -> dict[str, list[float]]:
        """A measured value of each run, by arm and in the order of seeds; NaN where it failed."""
        name = self._measure(measure)
        return {
            arm: [
                run["values"].get(name, math.nan) if run["status"] == DONE else math.nan
                for run in self.of(arm)
            ]
            for arm in self.arms
        }

    def curves(self) -> dict[str, list[dict[str, list[float]]]]:
        """The curves of each arm's finished runs, as `viz.compare` takes them."""
        found = {arm: [run["curves"] for run in self.of(arm) if run["curves"]] for arm in self.arms}
        return {arm: runs for arm, runs in found.items() if runs}

    def failures(self) -> list[Mapping[str, Any]]:
        """The runs that gave no number, of tuning as well."""
        return [run for run in [*self.tried, *self.runs] if run["status"] != DONE]

    # --- the table -----------------------------------------------------------------------------

    def table(
        self,
        measure: str | None = None,
        *,
        against: str | None = None,
        confidence: float = 0.95,
        method: str | None = None,
    ) -> list[Row]:
        """The arms with intervals, each compared in pairs of runs with a reference.

        The reference is the arm named by `against`, or the first, which is the baseline where
        factors are varied one at a time. An arm is
        "better" or "worse" only if the interval of its difference leaves 0 out, *and* p, corrected
        by Holm for all comparisons, is at most 1 − confidence, *and* every run of both has a
        number: what failed is an outcome, and a mean of the others would hide it.
        """
        name = self._measure(measure)
        values = self.values(name)
        reference = against or self.arms[0]
        self.of(reference)  # raises if there is none
        mode = self.study.mode if name == self.study.measure else mode_of(name)
        comparisons = {
            arm: self._compared(values[arm], values[reference], confidence, method)
            for arm in self.arms
            if arm != reference
        }
        corrected = statistics.holm(
            {arm: math.nan if found is None else found.p for arm, found in comparisons.items()}
        )
        return [
            self._row(arm, values[arm], comparisons.get(arm), corrected.get(arm),
                      complete=_complete(values[arm], values[reference]), mode=mode,
                      confidence=confidence, method=method)
            for arm in self.arms
        ]  # fmt: skip

    def _compared(
        self, a: Sequence[float], b: Sequence[float], confidence: float, method: str | None
    ) -> Comparison | None:
        pairs = [(x, y) for x, y in zip(a, b, strict=True) if math.isfinite(x) and math.isfinite(y)]
        if len(pairs) < 2:
            return None
        first, second = zip(*pairs, strict=True)
        count = len(self.arms) - 1
        return statistics.compare(
            first, second, confidence=confidence, method=method, comparisons=count
        )

    def _row(
        self,
        arm: str,
        values: Sequence[float],
        comparison: Comparison | None,
        p: float | None,
        *,
        complete: bool,
        mode: str | None,
        confidence: float,
        method: str | None,
    ) -> Row:
        runs = self.of(arm)
        numbers = [value for value in values if math.isfinite(value)]
        estimate = None
        if numbers:
            estimate = statistics.estimate(numbers, confidence=confidence, method=method)
        verdict = "" if p is None else "undecided"
        if comparison and comparison.decided and complete and p is not None and p <= 1 - confidence:
            higher = comparison.difference.mean > 0
            verdict = {"max": "better", "min": "worse"}.get(mode or "", "higher")
            if not higher:
                verdict = {"better": "worse", "worse": "better", "higher": "lower"}[verdict]
        return Row(
            arm=arm,
            levels=runs[0]["levels"],
            tuned=runs[0]["tuned"],
            estimate=estimate,
            finished=len(numbers),
            runs=len(runs),
            comparison=comparison,
            p=p,
            verdict=verdict,
            cpu_seconds=sum(run["cpu_seconds"] or 0.0 for run in runs),
        )

    def _measure(self, name: str | None) -> str:
        name = name or self.study.measure
        known = self.measures()
        if name not in known and (known or name != self.study.measure):
            raise ArgumentError(
                f"results: no run measured {name!r}; they measured {', '.join(known) or 'nothing'}."
                f"{did_you_mean(name, known)}"
            )
        return name

    # --- files ---------------------------------------------------------------------------------

    def rows(self) -> list[dict[str, Any]]:
        """A flat dict for each final run: factors, tuned values, seed, status, values, costs."""
        factors = list(self.study.factors)
        tuned = list(dict.fromkeys(name for run in self.runs for name in run["tuned"]))
        # a History has the rates of its schedule as "lr", which may be a factor, too
        taken = {*factors, *tuned, "seed", "status", "cpu_seconds"}
        names = {f"measured {n}" if n in taken else n: n for n in self.measures()}
        return [
            {
                **{factor: run["levels"].get(factor) for factor in factors},
                **{name: run["tuned"].get(name) for name in tuned},
                "seed": run["seed"],
                "status": run["status"],
                **{column: run["values"].get(n, math.nan) for column, n in names.items()},
                "cpu_seconds": math.nan if run["cpu_seconds"] is None else run["cpu_seconds"],
            }
            for run in self.runs
        ]

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a row for each run; what was not measured is an empty field."""
        from dlframe.study.outputs import write_rows  # which reads results

        write_rows(Path(path), self.rows())

    def report(self, path: str | os.PathLike[str], **options: Any) -> None:
        """Write the page of the study, one HTML file; `study.report` says what the options are."""
        from dlframe.study.report import report  # which reads results

        report(self, path, **options)

    def to_dataframe(self) -> Any:
        """The rows as a data frame of pandas, which has to be installed."""
        try:
            import pandas as pd  # type: ignore[import-untyped,unused-ignore] # has no types
        except ImportError as error:
            raise ImportError(
                "to_dataframe needs pandas, which is not installed: pip install pandas. "
                "Results.rows() has the same as a list of dicts"
            ) from error
        return pd.DataFrame(self.rows())

    def to_latex(self, path: str | os.PathLike[str] | None = None, **options: Any) -> str:
        """The table in LaTeX (with booktabs), also written to `path`; options as for `table`."""
        rows = self.table(**options)
        name = _tex(options.get("measure") or self.study.measure)
        lines = [
            r"\begin{tabular}{lrrrr}",
            r"\toprule",
            rf"arm & runs & {name} & difference & $p$ (Holm) \\",
            r"\midrule",
        ]
        lines += [" & ".join(_cells(row)) + r" \\" for row in rows]
        lines += [r"\bottomrule", r"\end{tabular}", ""]
        text = "\n".join(lines)
        if path is not None:
            with atomic_write(path, "w") as file:
                file.write(text)
        return text


def _complete(a: Sequence[float], b: Sequence[float]) -> bool:
    return all(map(math.isfinite, [*a, *b]))


def _cells(row: Row) -> list[str]:
    runs = str(row.runs) if row.finished == row.runs else f"{row.finished} of {row.runs}"
    return [
        _tex(row.arm),
        runs,
        tex_interval(row.estimate),
        tex_interval(row.comparison.difference if row.comparison else None),
        _probability(row.p),
    ]


def _probability(p: float | None) -> str:
    if p is None or math.isnan(p):
        return ""
    return f"{p:.3f}" if p >= 0.001 else "$<$0.001"


def _tex(text: str) -> str:
    r"""Text with LaTeX's special characters escaped.

    >>> print(_tex("lr_0.1 & 5 % <lambda>"))
    lr\_0.1 \& 5 \% $<$lambda$>$
    """
    special = {
        "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
        **{c: "\\" + c for c in "&%$#_{}"}, **{c: f"${c}$" for c in "<>|"},
        "\N{MINUS SIGN}": "$-$", "\n": " ",
    }  # fmt: skip
    return "".join(special.get(c, c) for c in text)
