"""Studies: a question about modules, answered by experiment, with intervals.

A study is one function that makes a run, and what is varied in it. `Study.run` makes the runs on
all processors, keeps each result, and goes on where it was interrupted.
"""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.study import statistics
    from dlframe.study.design import Random
    from dlframe.study.explanation import Explanation, Part
    from dlframe.study.results import Results, Row
    from dlframe.study.seeds import Seeds
    from dlframe.study.study import Study

__all__ = ["Explanation", "Part", "Random", "Results", "Row", "Seeds", "Study", "statistics"]

lazily(__name__)
