"""The bar of a study: how many runs are done, how many failed, how long the rest will take."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Self

from dlframe.study.working import DONE


class Bar:
    """A bar of tqdm's on standard error, or nothing; a context."""

    def __init__(self, name: str, total: int, *, shown: bool | None) -> None:
        from tqdm import tqdm

        self._bar = tqdm(
            total=total,
            desc=name,
            unit="run",
            disable=not (sys.stderr.isatty() if shown is None else shown),
            dynamic_ncols=True,
            bar_format="{desc}: {n_fmt}/{total_fmt} runs |{bar}| {remaining} left{postfix}",
        )
        self._failed = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def skip(self, count: int) -> None:
        """So many runs were there already; they say nothing about the time that the rest takes."""
        if not self._bar.disable:
            self._bar.initial += count
            self._bar.n += count
            self._bar.refresh()

    def add(self, run: Mapping[str, Any]) -> None:
        """A run is done."""
        if run["status"] != DONE:
            self._failed += 1
            self._bar.set_postfix_str(f", {self._failed} failed", refresh=False)
        self._bar.update()
