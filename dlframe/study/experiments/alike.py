"""The runner's own test: two arms that differ by chance alone, compared again and again.

Both arms train the same small network on the same points; only the seeds of their initial weights
differ. So the true difference is 0, an interval of 95 % should hold it in 95 of 100 studies, and a
winner should be named in 5 at most. The runs of this study are divided into hundreds of small
studies of eight pairs, and each of them is evaluated as every study is.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe import nn, optim, random
from dlframe.data.datasets import Moons
from dlframe.study import statistics
from dlframe.study.results import Results
from dlframe.study.seeds import Seeds
from dlframe.study.study import Study
from dlframe.viz.pages import html

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


def more(results: Results) -> list[html.Markup]:
    """The part of the page that says whether the runner kept its promises."""
    found = checked(results)
    facts = {
        "small studies, of eight pairs each": f"{found['studies']:.0f}",
        "intervals of the difference that hold 0": f"{found['covers']:.1%}",
        "intervals of a mean that hold the mean of all runs": f"{found['covers_mean']:.1%}",
        "studies that named a winner": f"{found['alarms']:.1%}",
        "standard error of such a share": f"{found['error']:.1%}",
    }
    text = (
        "The arms differ by chance alone. Promised are intervals that hold the truth in 95 % of "
        "studies, and a winner, which would be a false alarm, in 5 % of them at most."
    )
    section = html.element("section", html.element("h2", "Are the promises kept?"),
                           html.element("p", text), html.pairs(facts))  # fmt: skip
    return [section]


alike = Study(run, {"arm": ["one", "two"]}, measure="test_loss", seeds=400 * PAIRS, name="alike")
