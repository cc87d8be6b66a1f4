"""Write architectures.json: PyTorch's losses in ten steps of training of each network."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import torch

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from samples.architectures import NETWORKS, make, train  # noqa: E402 - after its folder is on the path


def main() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    losses = {name: train(make(name, torch), torch) for name in NETWORKS}
    path = Path(__file__).with_suffix("").with_name("architectures.json")
    path.write_text(json.dumps(losses, indent=1) + "\n", encoding="utf-8")
    print(f"{path.name}: {len(losses)} networks, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
