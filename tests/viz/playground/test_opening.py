"""`viz.playground` and `dlframe playground`: they open a page, and end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from dlframe import viz
from dlframe.errors import ArgumentError
from dlframe.viz.playground import Settings


def fetched(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read().decode()


def test_it_can_be_opened_in_a_program() -> None:
    with viz.playground(Settings(data="xor"), open_browser=False, block=False) as opened:
        assert "<title>Playground" in fetched(opened.url)
        assert '"settings":{"data":"xor"' in fetched(f"{opened.url}api/choices")
    with pytest.raises(OSError):
        fetched(opened.url)


def test_a_port_that_is_none() -> None:
    with pytest.raises(ArgumentError, match="port is a number from 0 to 65535, got 70000"):
        viz.playground(port=70000)


def test_a_port_that_is_taken() -> None:
    with viz.playground(open_browser=False, block=False) as opened:
        port = int(opened.url.rsplit(":", 1)[1][:-1])
        with pytest.raises(OSError, match=f"port {port} is taken by another program"):
            viz.playground(port=port, open_browser=False, block=False)


@pytest.mark.slow
def test_the_command_runs_until_it_is_interrupted(repository: Path) -> None:
    command = [sys.executable, "-m", "dlframe", "playground", "--no-browser"]
    with subprocess.Popen(
        command, cwd=repository, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(repository)},
    ) as running:  # fmt: skip
        assert running.stdout is not None
        line = running.stdout.readline()
        found = re.fullmatch(r"playground: (http://127\.0\.0\.1:\d+/) \(Ctrl-C ends it\)\n", line)
        assert found, line
        assert "<title>Playground" in fetched(found[1])
        running.send_signal(signal.SIGINT)
        out, error = running.communicate(timeout=30)
    assert (running.returncode, out, error) == (0, "", "")
