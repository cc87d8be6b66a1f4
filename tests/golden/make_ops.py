"""Write ops.npz: PyTorch's values and gradients at the edges that tests/samples lists."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from samples import EDGES


def main() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    out = {}
    for edge in EDGES:
        inputs = [torch.tensor(x, requires_grad=True) for x in edge.inputs]
        result = edge.call(torch, *inputs)
        out[f"{edge.name}/out"] = result.detach().numpy()
        if result.requires_grad:
            grads = torch.autograd.grad(result.sum(), inputs, allow_unused=True)
            for i, g in enumerate(grads):
                if g is not None:
                    out[f"{edge.name}/grad{i}"] = g.numpy()
    file = Path(__file__).with_suffix("").with_name("ops.npz")
    np.savez_compressed(file, **out)
    print(f"{file.name}: {len(EDGES)} edges, {file.stat().st_size} bytes")


if __name__ == "__main__":
    main()
