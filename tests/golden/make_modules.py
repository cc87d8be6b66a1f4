"""Write modules/FAMILY.npz: PyTorch's numbers for the layers and losses that tests/samples lists.

python tests/golden/make_modules.py [FAMILY ...]   (by default all)
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from samples import MODULES  # noqa: E402 - after its folder is on the path
from samples.modules import recorded  # noqa: E402 - after the folder of the samples is known
from samples.recorded import save  # noqa: E402 - after the folder of the samples is known


def main() -> None:
    torch.set_num_threads(1)
    for family in sys.argv[1:] or [family for family, rows in MODULES.items() if rows]:
        results = {}
        for row in MODULES[family]:
            if row.recorded and not row.ours:
                try:
                    results[row.key] = {"value": recorded(row, torch)}
                except Exception as error:
                    error.add_note(f"PyTorch does not compute the row {row.key!r}")
                    raise
        size = save("modules", family, results)
        print(f"modules/{family}.npz: {len(results)} modules, {size} bytes")


if __name__ == "__main__":
    main()
