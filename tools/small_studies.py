"""Run every study that comes with dlframe in a small form: `make studies`.

Two seeds and an epoch or two show that a study works; what it says needs its full form. A study
fails here if its command does, if a run gave no number, or if a file is missing.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import time
from pathlib import Path

from dlframe.study.experiments import STUDIES
from dlframe.study.outputs import FILES

# what differs from two seeds and one epoch, and stands in for data that are not in the package
OPTIONS = {
    "alike": ["--seeds", "32", "--epochs", "2"],  # four small studies of eight pairs
    "mnist": ["--data", "digits"],
    "images": ["--data", "digits"],
}


def main() -> int:
    """Run them, or those that are named; 1 if one of them fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--out", type=Path, default=Path("runs/studies"))
    parser.add_argument("--workers", default="2")
    options = parser.parse_args()
    began = time.perf_counter()
    failed = [
        name
        for name in options.names or STUDIES
        if not _passes(name, options.out / name, options.workers)
    ]
    print(f"{time.perf_counter() - began:.0f} s in all; the pages are {options.out}/*/report.html")
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


def _passes(name: str, out: Path, workers: str) -> bool:
    began = time.perf_counter()
    (out / "runs.jsonl").unlink(missing_ok=True)  # or nothing would be made
    usual = ["--seeds", "2", "--epochs", "1", "--workers", workers, "--out", str(out)]
    command = [sys.executable, "-m", "dlframe", "study", name, *usual, *OPTIONS.get(name, [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    why = _fault(out) if done.returncode == 0 else f"exit status {done.returncode}"
    print(f"{name:10} {time.perf_counter() - began:5.0f} s  {why or 'passed'}", flush=True)
    if why:
        print(done.stdout[-3000:], done.stderr[-3000:], sep="\n")
    return not why


def _fault(out: Path) -> str:
    """What is wrong with what a command left."""
    for file in FILES:
        if not (out / file).is_file() or not (out / file).stat().st_size:
            return f"{file} is missing or empty"
    with (out / "results.csv").open(newline="", encoding="utf-8") as file:
        bad = [row for row in csv.DictReader(file) if row["status"] != "done"]
    return f"{len(bad)} runs gave no number, such as {bad[0]}" if bad else ""


if __name__ == "__main__":
    sys.exit(main())
