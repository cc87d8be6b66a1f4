"""docs/guide/numpy.md lists what every function of NumPy does with tensors: the tables, in words.

python tests/ops/test_numpy_guide.py   writes the lists anew.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import numpy as np
import pytest

from dlframe.ops.numpy_api import policy, ufuncs
from dlframe.ops.numpy_api.support import RULES

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "numpy.md"


def tables() -> dict[str, set[str]]:
    """The names under each mark of the guide."""
    plain = {ufunc.__name__ for ufunc in ufuncs.PLAIN} | policy.PLAIN_UFUNCS | policy.PLAIN
    return {
        "differentiable ufuncs": {ufunc.__name__ for ufunc in ufuncs.DIFFERENTIABLE},
        "differentiable": set(RULES),
        "plain": {name for name in plain if not name.startswith("_")},
        "without a rule": set(policy.WITHOUT_RULE),
        "creation": set(policy.CREATION),
        "writers": set(policy.WRITERS),
    }


def parts(text: str) -> dict[str, str]:
    """The paragraph after each mark."""
    return dict(re.findall(r"<!-- ([\w ]+) -->\n\n((?:`[^\n]+\n)*)", text))


@pytest.mark.parametrize("mark", tables())
def test_the_guide_lists_every_function(mark: str) -> None:
    """A name that only another NumPy has may stand there, too."""
    listed = set(re.findall(r"`([\w.]+)`", parts(GUIDE.read_text("utf-8"))[mark]))
    here = tables()[mark]
    assert here - listed == set(), "run this file to write the lists anew"
    assert {name for name in listed - here if hasattr(np, name)} == set()


def main() -> None:
    text = GUIDE.read_text("utf-8")
    for mark, names in tables().items():
        lines = textwrap.fill(
            ", ".join(f"`{name}`" for name in sorted(names)), 120, break_on_hyphens=False
        )
        text = re.sub(
            rf"<!-- {mark} -->\n\n(`[^\n]+\n)*\n?", f"<!-- {mark} -->\n\n{lines}\n\n", text
        )
    GUIDE.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
