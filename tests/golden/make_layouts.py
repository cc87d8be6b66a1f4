"""Write layouts/FAMILY.json: how PyTorch's results lie in memory where the inputs are turned.

Per call of tests/samples whose arrays have two dimensions or more: the strides of each result and
gradient, with the first axis of all inputs innermost in memory.

python tests/golden/make_layouts.py [FAMILY ...]   (by default all)
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import torch

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from samples import CALLS  # noqa: E402 - after its folder is on the path
from samples.layouts import DIFFERS, TURNED, laid, order_of, outcome  # noqa: E402 - after the folder of the samples is known


def main() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for family in sys.argv[1:] or list(CALLS):
        found = {}
        for call in CALLS[family]:
            arrays = laid(call, TURNED)
            if arrays is None or call.name in DIFFERS:
                continue
            try:
                results = outcome(call, torch, arrays)
            except (RuntimeError, ValueError, IndexError, AssertionError):
                continue
            found[call.key] = {k: order_of(steps) for k, (steps, _) in results.items()}
        path = Path(__file__).with_name("layouts") / f"{family}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            json.dumps(found, separators=(",", ":")).replace("},", "},\n") + "\n", encoding="utf-8"
        )
        print(f"layouts/{path.name}: {len(found)} calls, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
