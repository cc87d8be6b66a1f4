"""Write functional.npz: PyTorch's numbers for the calls that tests/samples/functional.py lists.

``numbers`` holds all of them, one after the other, in float32 (tests/oracle compares in float64);
``index`` says in JSON whose they are: call → result → shape and dtype.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from samples.functional import CALLS, results


def main() -> None:
    torch.set_num_threads(1)
    index: dict[str, Any] = {}
    numbers = []
    for call in CALLS:
        found = results(call, torch)
        index[call.name] = {key: [list(a.shape), str(a.dtype)] for key, a in found.items()}
        numbers += [a.reshape(-1) for a in found.values()]
    file = Path(__file__).with_name("functional.npz")
    np.savez_compressed(
        file, numbers=np.concatenate(numbers).astype(np.float32), index=np.array(json.dumps(index))
    )
    print(f"{file.name}: {len(CALLS)} calls, {file.stat().st_size} bytes")


if __name__ == "__main__":
    main()
