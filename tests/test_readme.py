"""The README, the pages under docs/ and the examples do what they say: Python runs, commands exist.

The blocks of a page run in order, in one process, in an empty folder. A block that should not run
says why, in a comment on the line before it: `<!-- not run: needs the network -->`.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from samples.reference import illustrated, sections

from dlframe import nn, optim

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]


class Block(NamedTuple):
    language: str
    line: int  # where the code begins
    code: str


def blocks(page: Path) -> list[Block]:
    """The fenced code blocks of a page, without those that say why they do not run."""
    found = []
    text = page.read_text("utf-8")
    pattern = r"(?P<why><!-- not run: [^\n]+ -->\n+)?^```(?P<language>\w+)\n(?P<code>.*?)^```$"
    for match in re.finditer(pattern, text, flags=re.MULTILINE | re.DOTALL):
        if not match["why"]:
            line = text.count("\n", 0, match.start("code")) + 1
            found.append(Block(match["language"], line, match["code"]))
    return found


LONG = {"docs/guide/viz.md", "docs/guide/report.md"}  # pages whose blocks take some seconds


def with_blocks(*languages: str) -> list[object]:
    """The pages that have such blocks, as parameters of a test."""
    return [
        pytest.param(
            page,
            id=page.relative_to(ROOT).as_posix(),
            marks=[pytest.mark.slow] if page.relative_to(ROOT).as_posix() in LONG else [],
        )
        for page in PAGES
        if any(block.language in languages for block in blocks(page))
    ]


def run(arguments: list[str], folder: Path) -> str:
    """Run a command in a folder; the test fails with its output if it fails."""
    environment = os.environ | {
        "MPLBACKEND": "Agg",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),  # the checkout, also where dlframe is not installed
        "PYTHONWARNINGS": "error",
    }
    done = subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.fail(f"{shlex.join(arguments)}\n{done.stdout}\n{done.stderr}", pytrace=False)
    return done.stdout


def run_python(page: Path, folder: Path) -> None:
    """Run the Python blocks of a page as one program; a traceback names the page's line."""
    source = ""
    for block in blocks(page):
        if block.language == "python":
            source += "\n" * (block.line - 1 - source.count("\n")) + block.code
    script = folder / page.name
    script.write_text(source, "utf-8")
    run([sys.executable, str(script)], folder)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_block_is_left_out_without_a_reason(page: Path) -> None:
    """Compares what is found with the fences, read line by line."""
    lines = page.read_text("utf-8").splitlines()
    fences = [i for i, line in enumerate(lines) if line.lstrip().startswith("```")]
    begins = fences[::2]
    assert len(fences) % 2 == 0, "a block that does not end"
    run_or_shown = {block.line for block in blocks(page)}
    for i in begins:
        assert re.fullmatch(r"```\w+", lines[i]), f"line {i + 1}: a block without a language"
        before = next((line for line in reversed(lines[:i]) if line), "")
        excused = re.fullmatch(r"<!-- not run: \S.* -->", before) is not None
        assert (i + 2 in run_or_shown) != excused, f"line {i + 1} is left out, or should be"


@pytest.mark.parametrize("page", with_blocks("python"))
def test_python_blocks_run(page: Path, tmp_path: Path) -> None:
    run_python(page, tmp_path)


@pytest.mark.parametrize("page", with_blocks("pycon"))
def test_sessions_print_what_they_show(page: Path, tmp_path: Path) -> None:
    session = "\n".join(block.code for block in blocks(page) if block.language == "pycon")
    (tmp_path / "session.txt").write_text(session, "utf-8")
    options = ["-o", "ELLIPSIS", "-o", "NORMALIZE_WHITESPACE"]
    run([sys.executable, "-m", "doctest", *options, "session.txt"], tmp_path)


def commands(page: Path) -> list[list[str]]:
    """The command lines of a page, without prompts and comments; `\\` continues a line."""
    text = "".join(block.code for block in blocks(page) if block.language in {"sh", "bash"})
    lines = text.replace("\\\n", " ").splitlines()
    parsed = [shlex.split(line.removeprefix("$ "), comments=True) for line in lines]
    return [words for words in parsed if words]


@pytest.mark.slow
@pytest.mark.parametrize("page", with_blocks("sh", "bash"))
def test_commands_exist(page: Path, tmp_path: Path) -> None:
    for words in commands(page):
        if words[0] == "make":
            run(["make", "--dry-run", "-C", str(ROOT), *words[1:]], tmp_path)
        elif words[:2] == ["python", "-m"]:
            assert importlib.util.find_spec(words[2]), words
        elif words[0] in {"bash", "python"}:
            assert (ROOT / words[1]).is_file(), words
        elif words[0] == "dlframe":
            options = [word.split("=")[0] for word in words if word.startswith("--")]
            help_text = run([sys.executable, "-m", "dlframe.cli", words[1], "--help"], tmp_path)
            assert [option for option in options if option not in help_text] == [], words
        else:
            assert words[0] in {"cd", "git", "pip", "pytest"}, f"no test for {shlex.join(words)}"


@pytest.mark.slow
@pytest.mark.parametrize("page", with_blocks("sh", "bash"))
def test_commands_run(page: Path, tmp_path: Path) -> None:
    if any(words[0] == "dlframe" for words in commands(page)):
        run_python(page, tmp_path)  # it may make the files that the commands read
    for words in commands(page):
        if words[0] == "dlframe":
            run([sys.executable, "-m", "dlframe.cli", *words[1:]], tmp_path)


# --- examples and reference --------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("script", sorted(ROOT.glob("examples/*.py")), ids=lambda path: path.name)
def test_examples_run(script: Path, tmp_path: Path) -> None:
    assert "loss" in run([sys.executable, str(script)], tmp_path)


@pytest.mark.parametrize(
    "module", ["dlframe.nn", "dlframe.nn.init", "dlframe.optim", "dlframe.optim.lr_scheduler"]
)
def test_reference_has_a_section_for_each_name(module: str) -> None:
    offered = importlib.import_module(module)
    names = {
        name
        for name in offered.__all__
        if isinstance(getattr(offered, name), type) or module == "dlframe.nn.init"
    }
    assert names - sections().keys() - {"Optimizer"} == set()


# What has no picture, or no formula, not even by a link to a relative's section.
PLAIN = {
    "Identity": "nothing happens in it",
    "DataParallel": "it computes what its module computes",
    "RNNBase": "what recurrent layers share, without a forward",
    "RNNCellBase": "what recurrent cells share, without a forward",
    "Buffer": "a tensor",
}


def test_each_class_of_nn_has_a_formula_and_a_picture() -> None:
    classes = [name for name in nn.__all__ if isinstance(getattr(nn, name), type)]
    shown = {name: illustrated()[name] for name in classes if name not in PLAIN}
    assert [name for name, text in shown.items() if "![" not in text] == []
    assert [name for name, text in shown.items() if "$" not in text] == []


OF_OPTIM = [
    name
    for module in (optim, optim.lr_scheduler, optim.swa_utils)  # optim has the regularizers
    for name in module.__all__
    if isinstance(getattr(module, name), type) and name != "Optimizer"
]
# What is no class of optim, and has a section like one.
OF_OPTIM += ["least_squares", "get_ema_avg_fn", "get_ema_multi_avg_fn", "update_bn"]
OF_OPTIM += ["Decoupled weight decay", "Early stopping"]


@pytest.mark.parametrize("name", OF_OPTIM)
def test_each_part_of_optim_has_formula_picture_use_failure_and_source(name: str) -> None:
    text = sections()[name]
    assert "$$" in text
    assert "![" in text or (
        re.search(r"\[(picture|above)\]\(", text) and "![" in illustrated()[name]
    )
    for part in (r"\*\*When:\*\* \S", r"\*\*How it fails:\*\* \S", r"Sources?: .*\(\d{4}"):
        assert re.search(rf"^{part}", text, flags=re.MULTILINE), part
