"""Write overwriting/FAMILY.json: what PyTorch lets one overwrite between a call and its backward.

python tests/golden/make_overwriting.py [FAMILY ...]   (by default all)
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
from samples.checks import is_differentiated  # noqa: E402 - after the folder of the samples is known
from samples.overwriting import allowed, outcomes, packed  # noqa: E402 - after the folder of the samples is known


def main() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for family in sys.argv[1:] or list(CALLS):
        calls = [call for call in CALLS[family] if is_differentiated(call)]
        lines = [
            f" {json.dumps(c.key)}: {json.dumps(packed(allowed(c, outcomes(c, torch))))}"
            for c in calls
        ]
        path = Path(__file__).with_name("overwriting") / f"{family}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
        print(f"overwriting/{path.name}: {len(lines)} calls, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
