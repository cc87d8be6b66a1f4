"""The table of operations: every one with samples, from which tests are generated.

A new family of operations gets a module here with `SAMPLES` (and `ERRORS`, `EDGES` where there are any) and a
place in `FAMILIES`. tests/ops/test_generated.py and tests/oracle/test_ops.py run over the whole table.
"""

from __future__ import annotations

import importlib
import importlib.util

from samples.table import Edge, ErrorSample, Sample, named

__all__ = ["EDGES", "ERRORS", "SAMPLES", "Edge", "ErrorSample", "Sample"]

FAMILIES = ("elementwise", "reduction", "shape", "indexing", "linalg", "fused", "losses", "window")

SAMPLES: list[Sample] = []
ERRORS: list[ErrorSample] = []
EDGES: list[Edge] = []
for family in FAMILIES:
    if importlib.util.find_spec(f"samples.{family}") is not None:
        module = importlib.import_module(f"samples.{family}")
        SAMPLES += module.SAMPLES
        ERRORS += getattr(module, "ERRORS", [])
        EDGES += getattr(module, "EDGES", [])
SAMPLES = named(SAMPLES)
