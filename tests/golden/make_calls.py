"""Write calls/FAMILY.npz: PyTorch's results for the calls that tests/samples lists.

python tests/golden/make_calls.py [FAMILY ...]   (by default all)
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import torch

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from samples import CALLS  # noqa: E402 - after its folder is on the path
from samples.recorded import everything, save  # noqa: E402 - after the folder of the samples is known


def main() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for family in sys.argv[1:] or list(CALLS):
        recorded = {}
        for call in CALLS[family]:
            try:
                recorded[call.key] = everything(call, torch)
            except Exception as error:
                error.add_note(f"PyTorch does not compute the sample {call.key!r}")
                raise
        size = save("calls", family, recorded)
        print(f"calls/{family}.npz: {len(recorded)} calls, {size} bytes")


if __name__ == "__main__":
    main()
