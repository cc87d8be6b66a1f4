"""Says how far a run of the tests is, and names what fails at once, instead of a page of dots.

`make test` and its kin load it: `python -m pytest -p tools.progress`. On a terminal one line counts
on, elsewhere a line comes every few seconds.

`--within SECONDS`, for `make check`, begins no test after that time, which starts when all tests
are known. The first case of every test
comes first, then the second of each, so that a minute meets nearly all the code.
"""

from __future__ import annotations

import time
import zlib
from collections import Counter
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

PAUSE = {True: 0.2, False: 10.0}  # seconds between two lines, on a terminal and elsewhere


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--within", type=float, metavar="SECONDS", help="begin no test after that")


@pytest.hookimpl(trylast=True)  # after the terminal reporter
def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--within") is not None:
        config.pluginmanager.register(Deadline(config.getoption("--within")), "deadline")
    if hasattr(config, "workerinput"):  # one of several processes, whose parent reports
        config.pluginmanager.register(Terse(), "terse")
    else:
        config.pluginmanager.register(Progress(config), "progress line")


class Deadline:
    """Puts one case of each test before the second of any, and stops when the time is over."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.end = float("inf")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """The same order in every process and every run, without regard to files."""
        seen: Counter[str] = Counter()
        rank = {}
        for item in items:
            test = item.nodeid.partition("[")[0]
            rank[item] = seen[test], zlib.crc32(item.nodeid.encode())
            seen[test] += 1
        items.sort(key=rank.__getitem__)
        self.end = time.monotonic() + self.seconds

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self) -> bool | None:
        """True, so that nobody runs the test, when the time is over."""
        return True if time.monotonic() > self.end else None


class Terse:
    """Sends one report of a test that passes, in place of three and of when it begins and ends.

    The parent spends nearly a millisecond on the reports of a test, as long as many a test takes.
    """

    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """As pytest's own, but for what is logged."""
        for report in runtestprotocol(item, log=False, nextitem=nextitem):
            if report.when == "call" or not report.passed:
                item.ihook.pytest_runtest_logreport(report=report)
        return True


class Progress:
    """Counts the reports of all processes."""

    def __init__(self, config: pytest.Config) -> None:
        self.writer: Any = config.get_terminal_writer()
        self.within: float | None = config.getoption("--within")
        self.moves = self.writer.hasmarkup  # whether a line can be written over
        self.total = self.done = self.failed = 0
        self.started = self.last = time.monotonic()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.total = self.total or len(session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        self.total = len(ids)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(
        self, report: pytest.TestReport | pytest.CollectReport
    ) -> tuple[str, str, str] | None:
        """Count what passed in the summary without a letter for it."""
        if isinstance(report, pytest.TestReport) and report.passed and report.when == "call":
            return "passed", "", ""
        return None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed += 1
            self._over(f"FAILED {report.nodeid}\n", red=True)
        if report.when == "call" or (report.when == "setup" and not report.passed):
            self.done += 1
        now = time.monotonic()
        if now - self.last >= PAUSE[self.moves] or self.done == self.total:
            self.last = now
            self._over(self._line(now - self.started) + ("" if self.moves else "\n"))

    def pytest_sessionfinish(self) -> None:
        if self.moves:
            self._over("\n")
        if self.within is not None and self.done < self.total:
            self._over(f"{self.done} of {self.total} tests fit into {self.within:.0f} s\n")

    def _line(self, seconds: float) -> str:
        share = self.done / self.total if self.total else 0.0
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{self.done} of {self.total} tests ({share:.0%}), {seconds:.0f} s{failed}"

    def _over(self, text: str, **markup: bool) -> None:
        if self.moves:
            self.writer.write("\r\x1b[K")
        self.writer.write(text, flush=True, **markup)
