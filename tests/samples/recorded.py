"""PyTorch's results for the calls or the modules of one family, in one small file.

tests/golden/calls/FAMILY.npz, and modules/FAMILY.npz, hold all numbers in one array, and an index
that says, per call and result, the dtype, the shape and where they begin. Texts (a dtype, "raises")
stand in the index.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from samples.checks import CHECKS
from samples.evaluate import (
    DTYPES,
    VARIANTS,
    Results,
    cast_to,
    dtypes_of,
    in_place,
    results,
    values,
)
from samples.table import Call

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


def everything(call: Call, lib: Any) -> dict[str, Results]:
    """All that is recorded of one call, per check."""
    found = {"value": results(call, lib)}
    if CHECKS["dtypes"](call):
        texts = {d: ", ".join(dtypes_of(values(call, lib, cast_to(call, d)))) for d in DTYPES}
        found["dtypes"] = texts
    if CHECKS["empty and 0-d"](call):
        found |= {name: values(call, lib, make(call)) for name, make in VARIANTS.items()}
    if CHECKS["in place"](call):
        found["in place"] = in_place(call, lib)
    return found


def save(kind: str, family: str, recorded: dict[str, dict[str, Results]]) -> int:
    """Write the file of `family`, of "calls" or "modules"; returns its size in bytes."""
    numbers: list[Any] = []
    start = 0
    index: dict[str, Any] = {}
    for key, checks in recorded.items():
        for check, found in checks.items():
            entry = index.setdefault(key, {}).setdefault(check, {})
            for name, x in found.items():
                if isinstance(x, str):
                    entry[name] = x
                    continue
                entry[name] = [str(x.dtype), list(x.shape), start]
                numbers.append(x.astype(np.float64).reshape(-1))
                start += x.size
    path = GOLDEN / kind / f"{family}.npz"
    path.parent.mkdir(exist_ok=True)
    text = np.frombuffer(json.dumps(index).encode(), np.uint8)
    np.savez_compressed(path, index=text, numbers=np.concatenate([np.zeros(0), *numbers]))
    return path.stat().st_size


@cache
def _file(kind: str, family: str) -> tuple[dict[str, Any], np.ndarray]:
    with np.load(GOLDEN / kind / f"{family}.npz", allow_pickle=False) as file:
        return json.loads(file["index"].tobytes()), file["numbers"]


def load(kind: str, family: str, key: str, check: str) -> Results:
    """What PyTorch gave for the call or module `key`."""
    try:
        index, numbers = _file(kind, family)
        entry = index[key][check]
    except (FileNotFoundError, KeyError):
        raise AssertionError(
            f"no recorded numbers for {key!r} ({check}): run tests/golden/make_{kind}.py {family}"
        ) from None
    found: Results = {}
    for name, x in entry.items():
        if isinstance(x, str):
            found[name] = x
        else:
            dtype, shape, start = x
            size = int(np.prod(shape))
            found[name] = numbers[start : start + size].reshape(shape).astype(dtype)
    return found
