"""Make schedules.npz: PyTorch's rates and momenta for the rows of tests/samples/schedules.py.

Run by `make golden`.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from samples.schedules import (  # noqa: E402 - after its folder is on the path
    CASES,
    STEPS,
    everything,
    momenta,
    step,
)


def course(name: str, make: Any, kind: str, optimizer_name: str) -> np.ndarray:
    """(steps + 1, 2, groups): rates and momenta before the first step and after each."""
    params = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    options = {"momentum": 0.9} if optimizer_name == "SGD" else {}
    groups = [{"params": params[0]}, {"params": params[1], "lr": 0.7}]
    optimizer = getattr(torch.optim, optimizer_name)(groups, lr=0.3, **options)
    schedule = make(everything(torch.optim), optimizer)
    found = [[schedule.get_last_lr(), momenta(optimizer)]]
    for t in range(1, STEPS + 1):
        optimizer.step()
        step(name, schedule, t, kind)
        found.append([schedule.get_last_lr(), momenta(optimizer)])
    return np.array(found)


def main() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # step(epoch), nested sequences
        arrays = {case: course(name, make, kind, o) for case, name, make, o, kind in CASES}
    path = Path(__file__).with_name("schedules.npz")
    np.savez_compressed(path, **arrays)
    print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB, {len(arrays)} arrays")


if __name__ == "__main__":
    main()
