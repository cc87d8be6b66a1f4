"""What is noted of the machine and the program."""

from __future__ import annotations

import json
from pathlib import Path

from dlframe.utils.environment import environment, git_commit, processor

COMMIT, OTHER = "0123456789abcdef" * 2 + "01234567", "f" * 40


def repository(folder: Path, head: str) -> Path:
    git = folder / ".git"
    git.mkdir(parents=True)
    (git / "HEAD").write_text(head + "\n")
    return git


def test_the_environment_is_plain() -> None:
    found = environment()
    assert json.loads(json.dumps(found)) == found
    assert found["processor"]


def test_a_branch_a_packed_one_and_a_bare_commit(tmp_path: Path) -> None:
    git = repository(tmp_path / "a", "ref: refs/heads/main")
    inner = tmp_path / "a" / "deep" / "down"
    inner.mkdir(parents=True)
    assert git_commit(inner) is None  # a branch without a commit
    (git / "packed-refs").write_text(f"# pack-refs\n{OTHER} refs/heads/main\n")
    assert git_commit(inner) == OTHER
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "refs" / "heads" / "main").write_text(COMMIT + "\n")
    assert git_commit(inner) == COMMIT
    repository(tmp_path / "b", OTHER)
    assert git_commit(tmp_path / "b") == OTHER


def test_a_worktree(tmp_path: Path) -> None:
    git = repository(tmp_path / "a", "ref: refs/heads/main")
    own = git / "worktrees" / "b"
    own.mkdir(parents=True)
    (own / "HEAD").write_text("ref: refs/heads/b\n")
    (own / "commondir").write_text("../..\n")
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "refs" / "heads" / "b").write_text(COMMIT)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / ".git").write_text(f"gitdir: {own}\n")
    assert git_commit(tmp_path / "b") == COMMIT


def test_no_repository_and_damaged_ones(tmp_path: Path) -> None:
    git = repository(tmp_path / "a", "no commit")
    assert git_commit(tmp_path / "a") is None
    (git / "HEAD").write_bytes(b"\xff\xfe")
    assert git_commit(tmp_path / "a") is None
    (git / "HEAD").unlink()
    assert git_commit(tmp_path / "a") is None


def test_the_name_of_the_processor(tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text("processor\t: 0\nmodel name\t: Some CPU @ 3 GHz\nmodel name\t: Other\n")
    assert processor(file) == "Some CPU @ 3 GHz"
    file.write_text("nothing")
    assert processor(file) == processor(tmp_path / "none")
