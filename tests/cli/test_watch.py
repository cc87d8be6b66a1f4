"""The command `dlframe watch`: its options, and what it says when the page cannot be shown."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from dlframe.cli import main


@pytest.mark.parametrize("port", ["-1", "65536", "abc", "1.5", ""])
def test_a_port_that_is_none(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", f"--port={port}"]) == 2
    error = capsys.readouterr().err
    assert "expected a whole number from 0 to 65535" in error.replace("\n", " ")


def test_a_port_that_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["watch", str(tmp_path), "no/folder", "--port", str(port), "--no-browser"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("no/folder is not there yet; it is shown once it is.")
    assert f"error: dlframe watch: port {port} is taken by another program" in captured.err


def test_an_empty_path(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", ""]) == 2
    assert "the path is empty" in capsys.readouterr().err


def test_the_help_names_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "(default: runs)" in text
    assert "(default: 0, a free one)" in text
    assert "--no-browser" in text
