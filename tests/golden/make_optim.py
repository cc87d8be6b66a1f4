"""Make optim.npz: what PyTorch's optimizers do, for every combination of arguments.

Gradients are uniform numbers from NumPy's PCG64 with seed 0, minus 0.5: the same everywhere.
Run by `make golden`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from samples.optimizers import HALF, OPTIMIZERS  # noqa: E402 - after its folder is on the path

STEPS = 100
SNAPSHOTS = (1, 2, 10, 100)
SHAPES = ((3, 4), (4,), (), (2, 1, 2))
SECOND_GROUP = 2  # parameters from here on have a learning rate of their own
SECOND_LR = 0.02


def optimizer_cases() -> list[dict[str, Any]]:
    cases = [
        {"name": name, "options": options, "dtype": "float32", "idle": False}
        for name, row in OPTIMIZERS.items()
        for options in row.combinations()
    ]
    typical = [
        {"name": name, "options": {"lr": row.lr, **row.typical}} for name, row in OPTIMIZERS.items()
    ]
    cases += [{**case, "dtype": "float32", "idle": True} for case in typical]
    cases += [{**case, "dtype": "float64", "idle": False} for case in typical]
    half = [{"name": name, "options": options} for name, options in HALF]
    cases += [{**case, "dtype": "float16", "idle": False} for case in half]
    return cases


def is_idle(case: dict[str, Any], index: int, step: int) -> bool:
    """Whether a parameter has no gradient: one sometimes, one only after some steps."""
    return case["idle"] and ((index == 1 and step % 3 == 1) or (index == 3 and step < 5))


def trajectory(case: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """The parameters after some of the steps, flat, and the state after the last."""
    rng = np.random.default_rng(0)
    dtype = getattr(torch, case["dtype"])
    params = [torch.nn.Parameter(torch.tensor(rng.random(s) - 0.5).to(dtype)) for s in SHAPES]
    groups = [
        {"params": params[:SECOND_GROUP]},
        {"params": params[SECOND_GROUP:], "lr": SECOND_LR},
    ]
    optimizer = getattr(torch.optim, case["name"])(groups, **case["options"])
    row = OPTIMIZERS[case["name"]]
    snapshots = []
    for step in range(1, STEPS + 1):
        for index, p in enumerate(params):
            gradient = torch.tensor(row.gradient(rng.random(p.shape) - 0.5)).to(dtype)
            gradient = gradient.to_sparse() if row.skips_zeros else gradient
            p.grad = None if is_idle(case, index, step) else gradient
        optimizer.step()
        if step in SNAPSHOTS:
            snapshots.append(flat(params))
    state = optimizer.state_dict()["state"]
    names = sorted({name for entry in state.values() for name in entry})
    case["state"] = names
    states = [flat([torch.as_tensor(state[i][name]) for i in range(len(params))]) for name in names]
    return np.stack(snapshots), np.concatenate(states) if states else np.zeros(0)


def flat(tensors: list[torch.Tensor]) -> np.ndarray:
    return np.concatenate([t.detach().numpy().reshape(-1) for t in tensors])


def main() -> None:
    arrays: dict[str, np.ndarray] = {}
    optimizers = optimizer_cases()
    for i, case in enumerate(optimizers):
        arrays[f"params{i}"], arrays[f"state{i}"] = trajectory(case)
    description = {
        "shapes": SHAPES,
        "second_group": SECOND_GROUP,
        "second_lr": SECOND_LR,
        "snapshots": SNAPSHOTS,
        "optimizers": optimizers,
        "torch": torch.__version__,
    }
    path = Path(__file__).with_name("optim.npz")
    np.savez_compressed(path, description=np.array(json.dumps(description)), **arrays)
    print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB, {len(arrays)} arrays")


if __name__ == "__main__":
    main()
