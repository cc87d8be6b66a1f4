"""Studies on real engines, Dask and MPI: the same bits as in one process.

    make clusters

Each runs in a process of its own, as its users start it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

STUDY = Path(__file__).resolve().parent.parent / "study"

BEGIN = """
import json, sys
sys.path.insert(0, {study!r})
import sleepers

def shown(results):
    rows = [[run["key"], run["status"], run["values"], run["curves"]] for run in results.runs]
    print("RESULT", json.dumps(rows), flush=True)

"""

DASK = """
if __name__ == "__main__":
    from distributed import Client, LocalCluster
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            executor = client.get_executor()
            shown(sleepers.study(**{options}).run(executor=executor, folder={folder!r}))
"""

MPI = """
if __name__ == "__main__":
    from mpi4py.futures import MPIPoolExecutor
    with MPIPoolExecutor() as executor:
        shown(sleepers.study(**{options}).run(executor=executor, folder={folder!r}))
"""

ALONE = """
shown(sleepers.study(**{options}).run(workers=1))
"""


def printed(command: list[str], script: str, tmp_path: Path, **options: Any) -> list[Any]:
    """The results that a script shows when it is run by a command."""
    file = tmp_path / "script.py"
    file.write_text(
        (BEGIN + script)
        .replace("{study!r}", repr(str(STUDY)))
        .replace("{folder!r}", repr(str(tmp_path)))
        .replace("{options}", repr(options))
    )
    # Open MPI asks for this where everything runs as root, as in containers
    allowed = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    done = subprocess.run(
        [*command, str(file)], capture_output=True, text=True, check=False, timeout=200,
        env={**os.environ, **allowed, "PYTHONPATH": os.pathsep.join([str(STUDY), *sys.path])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    [line] = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    found: list[Any] = json.loads(line.removeprefix("RESULT "))
    return found


@pytest.fixture
def alone(tmp_path: Path) -> list[Any]:
    found = printed([sys.executable], ALONE, tmp_path)
    assert [status for _, status, _, _ in found] == ["done"] * 6
    return found


def test_dask_gives_the_same_bits(alone: list[Any], tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    assert printed([sys.executable], DASK, tmp_path) == alone
    assert printed([sys.executable], ALONE, tmp_path, seeds=2) == [
        run for run in alone if run[0] in {key for key, *_ in alone[:4]}
    ]


def test_mpi_gives_the_same_bits(alone: list[Any], tmp_path: Path) -> None:
    beside = str(Path(sys.executable).parent)
    launcher = shutil.which("mpiexec", path=os.pathsep.join([beside, os.environ.get("PATH", "")]))
    assert launcher, "mpi4py is here, but no mpiexec; `make clusters` installs Open MPI"
    command = [launcher, "--oversubscribe", "-n", "3", sys.executable, "-m", "mpi4py.futures"]
    assert printed(command, MPI, tmp_path) == alone
    assert len((tmp_path / "runs.jsonl").read_text().splitlines()) == 6
