"""Write metrics.npz: scikit-learn's values for the rows of tests/samples/measured.py.

python tests/golden/make_metrics.py   (with the environment of `make oracle`)
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import sklearn.metrics

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from samples.measured import ROWS, data  # noqa: E402 - after its folder is on the path

SEEDS = range(4)


def main() -> None:
    warnings.simplefilter("ignore")
    values = {
        f"{seed} {row.key}": np.asarray(row.theirs(sklearn.metrics, data(seed)), np.float64)
        for seed in SEEDS
        for row in ROWS
    }
    path = Path(__file__).with_name("metrics.npz")
    np.savez_compressed(path, **values)
    print(f"metrics.npz: {len(values)} values, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
