"""Write overwriting.json: what PyTorch lets one overwrite between a call and its backward."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import torch

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from samples import CALLS  # noqa: E402 - after its folder is on the path
from samples.checks import is_differentiated  # noqa: E402
from samples.overwriting import allowed, outcomes, packed  # noqa: E402


def main() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    recorded = {}
    for family, calls in CALLS.items():
        differentiated = [call for call in calls if is_differentiated(call)]
        recorded[family] = {c.key: packed(allowed(c, outcomes(c, torch))) for c in differentiated}
    path = Path(__file__).with_suffix("").with_name("overwriting.json")
    lines = [
        f"{json.dumps(family)}: {{\n"
        + ",\n".join(f" {json.dumps(key)}: {json.dumps(names)}" for key, names in calls.items())
        + "\n}"
        for family, calls in recorded.items()
    ]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(f"overwriting.json: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
