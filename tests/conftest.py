"""Fixtures for every test: reference numbers, real data, and randomness that can be repeated."""

from __future__ import annotations

import os
import random
import signal
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent

# Charts are drawn into files; matplotlib, which reads this when imported, would look for a screen.
os.environ["MPLBACKEND"] = "Agg"

# Hundreds of tests start Python. Without its compiled files, which some machines switch off, every
# one of them would compile the whole library; with them in a folder of their own, none is left
# beside the sources.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ["PYTHONPYCACHEPREFIX"] = str(ROOT / ".pytest_cache" / "bytecode")

# A shell starts background jobs with Ctrl-C ignored, and Python leaves it so. Tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline: the first call of a test pays for imports. print_blob: a failure can be repeated.
hypothesis.settings.register_profile("dlframe", deadline=None, print_blob=True)
hypothesis.settings.load_profile("dlframe")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--seed",
        default="fixed",
        help="seed of the `seed` and `rng` fixtures: a number, 'random', or 'fixed' (one per test)",
    )


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """This test's seed; when the test fails, the report says how to run it with the same one."""
    choice = request.config.getoption("--seed")
    if choice == "fixed":
        value = zlib.crc32(
            request.node.nodeid.encode()
        )  # tests differ from each other, runs do not
    elif choice == "random":
        value = random.SystemRandom().randrange(2**32)
    else:
        value = int(choice)
    request.node.add_report_section("setup", "seed", f"repeat with: pytest --seed={value}")
    return value


@pytest.fixture
def rng(seed: int) -> np.random.Generator:
    """NumPy's generator, seeded with `seed`."""
    return np.random.default_rng(seed)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def golden() -> Callable[[str], dict[str, np.ndarray]]:
    """`golden("name")`: the arrays of tests/golden/name.npz, which a script there made."""

    def load(name: str) -> dict[str, np.ndarray]:
        with np.load(ROOT / "tests" / "golden" / f"{name}.npz", allow_pickle=False) as file:
            return dict(file)

    return load


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with the original files of public data sets; without it the test is skipped."""
    folder = Path(os.environ.get("DLFRAME_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; DLFRAME_TEST_DATA names another folder")
    return folder


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Put a package where Python finds it, as pip does: its modules, and its dist-info."""
    from dlframe import plugins

    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    before = set(sys.modules)

    def put(name: str, version: str, entry_points: str, **modules: str) -> None:
        info = site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(entry_points)
        for module, source in modules.items():
            (site / f"{module}.py").write_text(source)
        plugins.refresh()

    yield put
    for module in set(sys.modules) - before:
        del sys.modules[module]
    monkeypatch.undo()
    plugins.refresh()
