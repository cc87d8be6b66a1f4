"""The tables of samples, from which tests are generated.

A family of operations has a module here with

- `SAMPLES`: calls of the operations in `dlframe.ops`, with a reference in NumPy or SciPy;
- `CALLS`: calls of the public functions, whose numbers PyTorch gave (tests/golden/make_calls.py
  FAMILY records them). A sample that names its public function is a call as well;
- `MODULES`: layers and losses with their inputs (samples/modules.py; recorded by
  tests/golden/make_modules.py FAMILY);
- `ERRORS`, `EDGES`: bad input, and points where derivatives jump;

and a place in `FAMILIES`. What is generated: tests/ops/test_generated.py,
tests/functions/test_calls.py, tests/oracle/test_ops.py and test_calls.py.
"""

from __future__ import annotations

import importlib

from samples.modules import Row
from samples.table import Call, Edge, ErrorSample, Named, Sample, call_of, keyed, named

__all__ = [
    "CALLS",
    "EDGES",
    "ERRORS",
    "MODULES",
    "SAMPLES",
    "Call",
    "Edge",
    "ErrorSample",
    "Named",
    "Row",
    "Sample",
]

FAMILIES = (
    "elementwise",
    "special",
    "reduction",
    "scan",
    "sorting",
    "statistics",
    "shape",
    "joining",
    "views",
    "copies",
    "calculus",
    "windows",
    "creation",
    "indexing",
    "scatter",
    "searching",
    "linalg",
    "decompositions",
    "factors",
    "networks",
    "losses",
    "loss_calls",
    "window",
    "simple",
    "convolution",
    "padding",
    "pooling",
    "resampling",
    "normalization",
    "dropout",
    "embeddings",
    "activations",
    "distances",
    "criteria",
    "sequences",
    "recurrent",
    "attention",
    "parametrized",
    "top",
    "tensor",
    "autograd",
)

SAMPLES: list[Sample] = []
CALLS: dict[str, list[Call]] = {}  # per family
ERRORS: list[ErrorSample] = []
EDGES: list[Edge] = []
MODULES: dict[str, list[Row]] = {}  # per family
for family in FAMILIES:
    module = importlib.import_module(f"samples.{family}")
    samples = getattr(module, "SAMPLES", [])
    SAMPLES += samples
    public = [call for call in map(call_of, samples) if call is not None]
    CALLS[family] = keyed([*public, *getattr(module, "CALLS", [])])
    MODULES[family] = getattr(module, "MODULES", [])
    ERRORS += getattr(module, "ERRORS", [])
    EDGES += getattr(module, "EDGES", [])
SAMPLES = named(SAMPLES)
