"""The runner's own test: two arms that differ by chance alone, compared again and again.

Both arms train the same small network on the same points; only the seeds of their initial weights
differ. So the true difference is 0, an interval of 95 % should hold it in 95 of 100 studies, and a
winner should be named in 5 at most. The runs of this study are divided into hundreds of small
studies of eight pairs, and each of them is evaluated as every study is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from dlframe import nn, optim, random
from dlframe.data.datasets import Moons
from dlframe.study import statistics
from dlframe.study.explanation import Explanation, Part
from dlframe.study.results import Results
from dlframe.study.seeds import Seeds
from dlframe.study.study import Study

PAIRS = 8  # of each small study
POINTS = 100


def run(seeds: Seeds, arm: str = "one", epochs: int = 12) -> dict[str, Any]:
    """Do intervals hold a difference of 0 as often as they promise?"""
    random.manual_seed(seeds.data)
    train, test = Moons(POINTS), Moons(POINTS)
    random.manual_seed(seeds.stream(f"own_{arm}"))
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))
    optimizer = optim.Adam(model.parameters(), lr=0.03)
    for _ in range(epochs):
        loss = nn.functional.cross_entropy(model(train.data), train.targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    found = nn.functional.cross_entropy(model(test.data), test.targets)
    return {"test_loss": float(found)}


def checked(results: Results) -> dict[str, float]:
    """How often small studies held the truth, and how often they named a winner.

    `covers` are shares of intervals of the difference that hold 0, by Student's t; `covers_mean`
    those of one arm's mean that hold the mean of all runs; `alarms` shares of studies that named a
    winner. `error` is the standard error of such a share.
    """
    one, two = (np.array(values) for values in results.values().values())
    count = len(one) // PAIRS
    blocks = [slice(PAIRS * i, PAIRS * (i + 1)) for i in range(count)]
    whole = float(one.mean())
    covers = covers_mean = alarms = 0
    for block in blocks:
        found = statistics.compare(one[block], two[block])
        covers += not found.decided
        alarms += found.decided and found.p <= 0.05
        mean = statistics.estimate(one[block])
        covers_mean += mean.low <= whole <= mean.high
    share = math.sqrt(0.95 * 0.05 / count) if count else math.nan
    return {
        "studies": count,
        "covers": covers / max(count, 1),
        "covers_mean": covers_mean / max(count, 1),
        "alarms": alarms / max(count, 1),
        "error": share,
    }


# --- the page ----------------------------------------------------------------------------------


def parts(found: Mapping[str, Results]) -> list[Part]:
    """Whether the runner kept its promises, and a hundred of its intervals."""
    results = found["alike"]
    shares = checked(results)
    if not shares["studies"]:
        text = f"There are fewer than {PAIRS} pairs of runs, so there is no study to look at."
        return [Part("Are the promises kept?", text)]
    rows = [
        ["small studies, of eight pairs each", f"{shares['studies']:.0f}", ""],
        ["intervals of the difference that hold 0", f"{shares['covers']:.1%}", "95 %"],
        ["intervals of a mean that hold the mean of all runs", f"{shares['covers_mean']:.1%}",
         "95 %"],
        ["studies that named a winner", f"{shares['alarms']:.1%}", "5 % at most"],
        ["standard error of such a share", f"{shares['error']:.1%}", ""],
    ]  # fmt: skip
    return [
        Part(
            "Are the promises kept?",
            "The arms differ by chance alone. Promised are intervals that hold the truth in 95 % "
            "of studies, and a winner, which would be a false alarm, in 5 % of them at most.",
            table=(["what", "found", "promised"], rows),
        ),
        intervals(results),
    ]


def intervals(results: Results, most: int = 100) -> Part:
    """The intervals of the first small studies, and which of them miss 0."""
    from dlframe.viz import style

    one, two = (np.array(values) for values in results.values().values())
    count = min(most, len(one) // PAIRS)
    blocks = [slice(PAIRS * i, PAIRS * (i + 1)) for i in range(count)]
    differences = [statistics.compare(one[block], two[block]).difference for block in blocks]
    misses = [not found.low <= 0 <= found.high for found in differences]
    with style.house_style():
        title = f"{count} intervals of a difference that is 0"
        figure = style.new_figure(7.2, 3.4, title, f"{sum(misses)} of them miss it: thick, squares")
        style.lay_out(figure, 3.4)
        axes = figure.subplots()
        axes.axhline(0, color=style.INK, lw=1, linestyle=(0, (4, 3)))
        for place, (found, miss) in enumerate(zip(differences, misses, strict=True), 1):
            look: dict[str, Any] = {
                "color": style.MISSING if miss else style.BLUE,
                "lw": 2.4 if miss else 0.9,
            }
            axes.plot([place, place], [found.low, found.high], **look)
            axes.plot(place, found.mean, "s" if miss else ".", ms=5, **look)
        axes.set(xlabel="small study", ylabel="difference of the test loss")
        style.finish(figure, None)
    return Part(
        "A hundred intervals" if count == most else "The intervals",
        "Each line is the 95 % interval that one study of eight pairs gives for the difference of "
        "the arms, and the dot its mean. The true difference is 0 in every one of them. About one "
        "in twenty misses it, by no fault of its own: that is what 95 % means. Whoever runs twenty "
        "such studies and shows the one that misses has found nothing. Their widths differ, too, "
        "since the spread is itself estimated from eight numbers.",
        figure,
        f"{count} upright lines around a dashed line at 0; {sum(misses)} of them, drawn thick with "
        "a square, do not touch it.",
    )


alike = Study(run, {"arm": ["one", "two"]}, measure="test_loss", seeds=400 * PAIRS, name="alike")

explanation = Explanation(
    why="""
A study of n pairs sees n differences d, with mean m and standard deviation s. The interval is
`m ± t·s/√n`, and `t` is the number that Student's distribution with n - 1 degrees of freedom leaves
outside in 5 % of cases. If the differences are normal, such an interval holds the true difference
in 95 of 100 studies, whatever the spread is. Test losses are not quite normal, so this must be
tried; here it is, with 3,200 pairs of real trainings.

A winner is named only if the interval leaves 0 out and `p` is at most 0.05 as well. The `p` comes
from another argument: if the arms are alike, each difference could as well have the other sign, so
the mean is compared with those of all signs. Both must agree, which makes false alarms rarer than
each of them would alone.
""",
    not_shown="""
This is one kind of run, with eight pairs. With two or three pairs an interval depends more on
whether differences are normal. Runs that fail, or a few that end far away from all others, are not
among these. And the intervals are about seeds: what other data would give, they do not say.
""",
    questions=(
        "Are the promises kept with few pairs? Write `PAIRS = 3`.",
        (
            "How often do eight pairs find a real difference? Give `alike` the factors "
            '`{"epochs": [12, 14]}` in place of `arm`: the shares are then those of a study in '
            "which 0 is not the truth."
        ),
    ),
    parts=parts,
)
