"""Make optim_whole.npz: PyTorch's trajectories for the rows of WHOLE in tests/samples/optimizers.

Gradients are uniform numbers from NumPy's PCG64 with seed 0, minus 0.5. An optimizer that needs a
closure gets the loss of `samples.optimizers.valley` instead. Run by `make golden`.
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

from samples.optimizers import WHOLE, valley  # noqa: E402 - after its folder is on the path

STEPS = 100
SNAPSHOTS = (1, 2, 10, 100)


def cases() -> list[dict[str, Any]]:
    return [
        {"name": name, "options": options, "dtype": dtype}
        for name, row in WHOLE.items()
        for options in (*row.combinations(), {"lr": row.lr, **row.typical})
        for dtype in ("float64", "float32")
    ]


def trajectory(case: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """The parameters after some of the steps, flat, and the numbers of the state after the last."""
    row = WHOLE[case["name"]]
    rng = np.random.default_rng(0)
    dtype = getattr(torch, case["dtype"])
    params = [torch.nn.Parameter(torch.tensor(rng.random(s) - 0.5).to(dtype)) for s in row.shapes]
    optimizer = getattr(torch.optim, case["name"])(params, **case["options"])

    def closure() -> Any:
        optimizer.zero_grad()
        loss = valley(torch.cat([p.reshape(-1) for p in params]))
        loss.backward()
        return loss

    snapshots = []
    for step in range(1, STEPS + 1):
        if row.closure:
            optimizer.step(closure)
        else:
            for p in params:
                p.grad = torch.tensor(rng.random(p.shape) - 0.5).to(dtype)
            optimizer.step()
        if step in SNAPSHOTS:
            snapshots.append(np.concatenate([p.detach().numpy().reshape(-1) for p in params]))
    state = optimizer.state_dict()["state"]
    case["state"] = [list(entry) for entry in state.values()]
    numbers = [
        v.numpy().reshape(-1) for e in state.values() for v in e.values() if torch.is_tensor(v)
    ]
    return np.stack(snapshots), np.concatenate(numbers)


def main() -> None:
    arrays: dict[str, np.ndarray] = {}
    described = cases()
    for i, case in enumerate(described):
        arrays[f"params{i}"], arrays[f"state{i}"] = trajectory(case)
    description = {"snapshots": SNAPSHOTS, "cases": described, "torch": torch.__version__}
    path = Path(__file__).with_name("optim_whole.npz")
    np.savez_compressed(path, description=np.array(json.dumps(description)), **arrays)
    print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB, {len(arrays)} arrays")


if __name__ == "__main__":
    main()
