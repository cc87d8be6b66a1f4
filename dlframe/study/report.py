"""The page of a study: question, answer, table, points, curves, costs, design; one file."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlframe.errors import ArgumentError, MissingExtraError
from dlframe.study.explanation import Explanation, Part, paragraphs
from dlframe.study.numbers import interval, plain, probability
from dlframe.study.results import Results, Row
from dlframe.utils.atomic import atomic_write
from dlframe.viz.compare import spread
from dlframe.viz.pages import html
from dlframe.viz.pages.html import Markup, element

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_CURVES = 6  # quantities with a chart of their own
MOST_OF_GROUPS = 2  # the same, where each factor has its charts
FEW = 6  # arms that get a sentence each
FAR = 1000.0  # from the lowest to the highest value, for a logarithmic axis


def report(
    results: Results | Mapping[str, Results],
    path: str | os.PathLike[str],
    *,
    measure: str | None = None,
    against: str | None = None,
    confidence: float = 0.95,
    title: str | None = None,
    asked: str | None = None,
    explanation: Explanation | None = None,
    command: str | None = None,
) -> None:
    """Write the page of a study as one HTML file, which loads nothing and can be mailed.

    Args:
        results: of a study, or of several that belong together, by names.
        measure, against, confidence: as for `Results.table`, for one study.
        title: the page's; by default the study's name.
        asked: what is asked, in paragraphs; by default the study's question.
        explanation: why it came out so, with pictures of what happens inside.
        command: how the study is made again, as it is typed.

    Raises:
        ArgumentError: measure or against, and several studies.
    """
    found = {results.study.name: results} if isinstance(results, Results) else dict(results)
    if len(found) > 1 and (measure or against):
        raise ArgumentError(
            f"report: measure and against belong to one study; there are {', '.join(found)}"
        )
    title = title or next(iter(found.values())).study.name
    shown = [
        _study(one, measure, against, confidence, named=len(found) > 1) for one in found.values()
    ]
    made = [
        element("section", element("h2", f"How {one.study.name} was made"), _made(one))
        for one in found.values()
    ]
    body = element(
        "main",
        element("h1", title),
        [element("p", coded(text), class_="lead") for text in paragraphs(_asked(found, asked))],
        shown,
        explained(explanation, found),
        made,
        element("section", element("h2", "How to make it again"),
                element("pre", command) if command else None,
                [_again(one) for one in found.values()]),
    )  # fmt: skip
    text = html.page(title, body, scripts=[html.asset("charts.js")])
    with atomic_write(path, "w") as file:
        file.write(text)


def _asked(found: Mapping[str, Results], asked: str | None) -> str:
    [first, *others] = found.values()
    return asked or ("" if others else first.study.question)


def _study(
    results: Results, measure: str | None, against: str | None, confidence: float, *, named: bool
) -> list[Any]:
    """What came out of one study; under its name, where the page has several."""
    measure = measure or results.study.measure
    rows = results.table(measure, against=against, confidence=confidence)
    reference = next(row for row in rows if row.comparison is None and row.verdict == "")
    heading = None
    if named:
        heading = [
            element("h2", f"{results.study.name}: the study"),
            _texts(results.study.question) if results.study.question else None,
        ]
    return [
        heading,
        _answer(rows, reference, measure, confidence),
        element("h3", "Table"),
        _table(rows, reference, measure, confidence),
        _pictures(results, rows, measure, reference),
        _curves(results),
    ]


def _made(results: Results) -> list[Any]:
    rows = results.table()
    return [_costs(results, rows), _tuning(results), _failures(results), _design(results)]


# --- why ---------------------------------------------------------------------------------------


def explained(explanation: Explanation | None, found: Mapping[str, Results]) -> Markup | None:
    """What happens inside, why it came out so, what is not shown, and questions."""
    if explanation is None:
        return None
    inside: list[Any] = []
    try:
        parts = explanation.parts(found) if explanation.parts else ()
        inside = [_part(part) for part in parts]
    except MissingExtraError as error:
        inside = [element("p", f"Without pictures: {error}")]
    questions = element("ol", [element("li", coded(text)) for text in explanation.questions])
    return element(
        "section",
        [element("h2", "What happens inside"), inside] if inside else None,
        element("h2", "Why"), _texts(explanation.why),
        element("h2", "What it does not show"), _texts(explanation.not_shown),
        [element("h2", "To find out yourself"), questions] if explanation.questions else None,
    )  # fmt: skip


def _part(part: Part) -> Markup:
    table = None
    if part.table is not None:
        columns, rows = part.table
        table = html.table(columns, rows, numbers=range(1, len(columns)))
    picture = None if part.figure is None else html.picture(part.figure, part.alt)
    return element("section", element("h3", part.title), _texts(part.text), table, picture)


def _texts(text: str) -> list[Markup]:
    return [element("p", coded(part)) for part in paragraphs(text)]


def coded(text: str) -> Markup:
    """A text whose parts between backticks are code.

    >>> coded("set `lr` to 0.1")
    'set <code>lr</code> to 0.1'
    """
    parts = text.split("`")
    return html.joined([element("code", p) if i % 2 else p for i, p in enumerate(parts)])


# --- the answer --------------------------------------------------------------------------------


def _answer(rows: Sequence[Row], reference: Row, measure: str, confidence: float) -> Markup:
    """What can be said, in sentences; and what cannot, and how many runs would decide it."""
    decided = [row for row in rows if row.verdict not in ("", "undecided")]
    open_ = [row for row in rows if row.verdict == "undecided"]
    sentences: list[Any] = []
    for row in decided:
        assert row.comparison is not None  # a verdict comes from one
        sentences.append(
            element(
                "li",
                element("strong", row.arm),
                f" is {row.verdict} than {reference.arm}: ",
                f"{measure} differs by {interval(row.comparison.difference)}, "
                f"p = {probability(row.p)} ({row.comparison.test}, Holm).",
            )
        )
    if len(open_) <= FEW:
        sentences += [
            element("li", element("strong", row.arm), _undecided(row, reference)) for row in open_
        ]
    else:
        sentences.append(element("li", _all_undecided(open_, reference)))
    if not sentences:
        return element("p", "There is one arm, so nothing is compared.")
    share = f"{100 * confidence:g} %"
    return element(
        "section",
        element("h3", "Answer"),
        element("ul", sentences),
        element(
            "p",
            f"Differences are means over pairs of runs with the same seeds, with their {share} "
            "intervals. An arm is called better or worse only if its interval leaves 0 out, p "
            f"after Holm's correction is at most {1 - confidence:.2g}, and every run has a number.",
            class_="muted",
        ),
    )


def _all_undecided(rows: Sequence[Row], reference: Row) -> Markup:
    """Many arms in one sentence each kind, with the seeds that would probably decide."""
    seeds = {
        row.arm: row.comparison.more_runs
        for row in rows
        if row.comparison and row.comparison.more_runs and _complete(row, reference)
    }
    others = [row.arm for row in rows if row.arm not in seeds]
    text: list[Any] = [element("strong", "Undecided"), f" beside {reference.arm}. "]
    if seeds:
        ordered = sorted(seeds.items(), key=lambda pair: pair[1])
        listed = "; ".join(f"{arm} ({count})" for arm, count in ordered)
        text.append(f"About so many more seeds would probably decide: {listed}. ")
    if others:
        text.append(
            "Runs gave no number, the difference is 0, or an interval that leaves 0 out is to be "
            f"expected among so many: {'; '.join(others)}."
        )
    return html.joined(*text)


def _complete(row: Row, reference: Row) -> bool:
    return row.finished == row.runs and reference.finished == reference.runs


def _undecided(row: Row, reference: Row) -> str:
    if not _complete(row, reference):
        worst = row if row.finished < row.runs else reference
        return (
            f": undecided, since {worst.runs - worst.finished} of {worst.runs} runs of {worst.arm} "
            "gave no number."
        )
    if row.comparison is None:
        return ": undecided; two seeds or more are needed."
    text = f": undecided. The difference is {interval(row.comparison.difference)}"
    if row.comparison.decided and row.comparison.more_runs is None:
        return text + ", but with so many comparisons one such interval is to be expected."
    if row.comparison.more_runs is None:
        return text + ", and no number of further seeds would probably decide it."
    return (
        f"{text}; about {row.comparison.more_runs} more "
        f"{'seed' if row.comparison.more_runs == 1 else 'seeds'} would probably decide it, if mean "
        "and spread stay as they are."
    )


def _table(rows: Sequence[Row], reference: Row, measure: str, confidence: float) -> Markup:
    return html.table(
        columns(reference.arm, measure, confidence), map(cells, rows), numbers=range(1, 6)
    )


def columns(reference: str, measure: str, confidence: float = 0.95) -> list[str]:
    """The headings of the table of arms."""
    share = f"{100 * confidence:g} %"
    return [
        "arm", "runs", f"{measure} [{share}]", "standard deviation",
        f"difference from {reference} [{share}]", "p (Holm)", "verdict",
    ]  # fmt: skip


def cells(row: Row) -> list[str]:
    """An arm in the table, as texts."""
    return [
        row.arm,
        str(row.runs) if row.finished == row.runs else f"{row.finished} of {row.runs}",
        interval(row.estimate),
        plain(row.estimate.std) if row.estimate else "–",
        interval(row.comparison.difference) if row.comparison else "–",
        probability(row.p),
        row.verdict or "reference",
    ]


# --- pictures ----------------------------------------------------------------------------------


def _pictures(results: Results, rows: Sequence[Row], measure: str, reference: Row) -> Markup | None:
    """Every run as a point, and the differences with their intervals."""
    try:
        points = every_run(results, measure)
    except MissingExtraError as error:
        return element("p", f"Without pictures: {error}")
    if points is None:
        return None
    parts = [html.picture(points, f"A point for each run: {measure} of each arm.")]
    if any(row.comparison for row in rows):
        pairs = differences(rows, measure, reference.arm)
        alt = f"The difference of each arm from {reference.arm}, with its interval."
        parts.append(html.picture(pairs, alt))
    return element("section", element("h3", "Runs"), parts)


def every_run(results: Results, measure: str) -> Figure | None:
    """Draw a point for each run that gave a number; None if none did."""
    from dlframe.viz import outcomes

    finished = {
        arm: [{measure: [value]} for value in found if math.isfinite(value)]
        for arm, found in results.values(measure).items()
    }
    finished = {arm: runs for arm, runs in finished.items() if runs}
    return outcomes(finished, measure, title=f"{measure} of every run") if finished else None


def differences(rows: Sequence[Row], measure: str, reference: str) -> Figure:
    """Draw the difference of each arm from the reference, with its interval and the line at 0."""
    from dlframe.viz import style

    shown = [row for row in rows if row.comparison is not None]
    with style.house_style():
        height = 0.9 + 0.42 * len(shown)
        figure = style.new_figure(
            7.2, height, f"Difference from {reference}", "Pairs of runs with the same seeds"
        )
        style.lay_out(figure, height)
        axes = figure.subplots()
        axes.axvline(0, color=style.MUTED, lw=1, linestyle=(0, (4, 3)))
        for index, row in enumerate(shown):
            assert row.comparison is not None
            found = row.comparison.difference
            if math.isfinite(found.low):
                axes.plot([found.low, found.high], [index, index], color=style.INK, lw=1.6)
            filled = row.verdict not in ("", "undecided")
            axes.plot(
                [found.mean], [index], marker="o", markersize=7, color=style.INK,
                markerfacecolor=style.INK if filled else "white",
            )  # fmt: skip
        axes.set_yticks(range(len(shown)), [row.arm for row in shown])
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.set_xlabel(f"{measure}; filled where it is decided")
        axes.grid(axis="x")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        return style.finish(figure, None)


def _curves(results: Results) -> Markup | None:
    """A chart for each quantity with a number per epoch: mean and its interval over seeds.

    Where factors are varied one at a time, each has charts of its own, beside the baseline.
    """
    found = results.curves()
    names = list(dict.fromkeys(n for runs in found.values() for run in runs for n in run))
    names = [name for name in names if _drawn(name)]
    charts: list[Any] = []
    grouped = groups(results)
    for title, arms in grouped.items():
        most = MOST_CURVES if len(grouped) == 1 else MOST_OF_GROUPS
        chosen = {arm: found[arm] for arm in arms if arm in found}
        made = [_chart(name, chosen) for name in _first(names, results, most)]
        if title and any(made):
            charts.append(element("h4", title))
        charts += [chart for chart in made if chart]
    if not charts:
        return None
    note = "Lines are means over the finished runs, bands the 95 % intervals of these means."
    return element("section", element("h3", "Curves"), charts, element("p", note, class_="muted"))


def groups(results: Results) -> dict[str, list[str]]:
    """The arms of each chart: all of them, or those of each factor with the baseline."""
    study = results.study
    if study.design != "one at a time" or len(study.factors) < 2:
        return {"": results.arms}
    baseline, *others = study.arms
    groups: dict[str, list[str]] = {}
    for arm in others:
        [factor] = [f for f, level in arm.levels.items() if level != baseline.levels[f]]
        groups.setdefault(factor, [baseline.label]).append(arm.label)
    return groups


def _first(names: Sequence[str], results: Results, most: int) -> list[str]:
    """The quantities that are drawn, those by which arms are judged first."""
    wanted = [results.study.tune_by, results.study.measure]
    return sorted(names, key=lambda name: name not in wanted)[:most]


def _chart(name: str, found: Mapping[str, Sequence[Mapping[str, list[float]]]]) -> Markup | None:
    series = []
    for arm, runs in found.items():
        curves = [run[name] for run in runs if name in run]
        if not curves:
            continue
        length = min(map(len, curves))
        mean, low, high = spread(np.array([c[:length] for c in curves]), "confidence")
        band = {"low": low, "high": high} if len(curves) > 1 else None
        series.append({"name": arm, "y": mean, **({"band": band} if band else {})})
    if not series:
        return None
    values = np.concatenate([one["y"] for one in series])
    options = {"series": series, "xLabel": "epoch", "yLabel": name, "logY": spans_powers(values)}
    return html.line_chart(options)


def spans_powers(values: NDArray[Any]) -> bool:
    """Whether values are all positive and so far apart that a linear axis would hide most of them.

    >>> spans_powers(np.array([1.0, 1e-4])), spans_powers(np.array([1.0, 0.0]))
    (True, False)
    """
    values = values[np.isfinite(values)]
    return bool(values.size and values.min() > 0 and values.max() >= FAR * values.min())


def _drawn(name: str) -> bool:
    return name != "seconds" and not name.startswith(("lr", "best_", "averaged"))


# --- what it took ------------------------------------------------------------------------------


def _costs(results: Results, rows: Sequence[Row]) -> Markup:
    tried: dict[str, float] = {}
    for run in results.tried:
        tried[run["arm"]] = tried.get(run["arm"], 0.0) + (run["cpu_seconds"] or 0.0)
    cells = [
        [row.arm, f"{row.cpu_seconds / row.runs:.2f}", f"{row.cpu_seconds:.1f}",
         f"{tried[row.arm]:.1f}" if row.arm in tried else "–"]
        for row in rows
    ]  # fmt: skip
    columns = ["arm", "a run", "all runs", "tuning"]
    return element(
        "section",
        element("h3", "Costs"),
        html.table(columns, cells, caption="CPU seconds, one thread", numbers=range(1, 4)),
    )


def _tuning(results: Results) -> Markup | None:
    study = results.study
    if study.tune is None:
        return None
    budget = len(next(iter(study.grids.values()))) * study.tuning_runs
    names = list(dict.fromkeys(name for run in results.tried for name in run["tuned"]))
    chosen = {run["arm"]: run["tuned"] for run in results.runs}
    cells = [[arm, *(chosen[arm].get(name, "–") for name in names)] for arm in results.arms]
    text = (
        f"Chosen for each arm by the best mean {study.tune_by}, with {budget} runs for each arm, "
        "whose seeds are not those of the final runs."
    )
    return element(
        "section", element("h3", "Tuning"), element("p", text), html.table(["arm", *names], cells)
    )


def _failures(results: Results) -> Markup | None:
    failed = results.failures()
    if not failed:
        return None
    cells = [
        [run["arm"], str(run["seed"]), run["stage"], run["status"],
         run.get("error") or "the measure is not finite"]
        for run in failed
    ]  # fmt: skip
    return element(
        "section",
        element("h3", "Runs without a number"),
        html.table(["arm", "seed", "stage", "status", "why"], cells),
    )


# --- how it was made ---------------------------------------------------------------------------


def _design(results: Results) -> Markup:
    study = results.study
    varied = {
        factor: ", ".join(level.name for level in levels)
        for factor, levels in study.factors.items()
    }
    run: Mapping[str, Any] = results.runs[0] if results.runs else {"config": {}}
    held = {
        name: _shown(value)
        for name, value in run["config"].items()
        if name not in {*study.factors, *run["tuned"], "root"}  # where data lie is a machine's
    }
    tried = {
        name: ", ".join(dict.fromkeys(run["tuned"][name] for run in results.tried))
        for name in (results.tried[0]["tuned"] if results.tried else {})
    }
    design = study.design if isinstance(study.design, str) else f"{study.design}"
    facts = {
        "design": f"{design}, {len(study.arms)} arms, {study.seeds} seeds each",
        **{f"varied: {name}": text for name, text in varied.items()},
        **{f"tuned: {name}": text for name, text in tried.items()},
        **{f"held: {name}": text for name, text in held.items()},
        "the same in all runs": ", ".join(study.held) or "nothing",
    }
    return element("section", element("h3", "Design"), html.pairs(facts))


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("class") or value.get("function") or value)
    return str(value)


def _again(results: Results) -> Markup:
    common = results.common
    facts = {
        **common["versions"],
        "function": common["function"],
        **{f"code of {name}": digest for name, digest in common["code"].items()},
        "data": common["data"] or "in the code",
        "study's seed": common["study seed"],
    }
    return html.pairs(facts, caption=results.study.name)
