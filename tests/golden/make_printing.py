"""Write printing.json: how PyTorch prints tensors; tests/test_printing.py compares.

Each entry is the NumPy expression that makes the values, the print options, and the text.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

EXPRESSIONS = [
    # integers and bools
    "np.arange(5)",
    "np.array([-1, 20, 3])",
    "np.arange(-6, 6).reshape(3, 4) * 100",
    "np.arange(100) * 1000",
    "np.arange(3, dtype='uint8')",
    "np.array([-128], 'int8')",
    "np.array([5], 'int16')",
    "np.array([[1, -2]], 'int32')",
    "np.array([[True], [False]])",
    "np.arange(80).reshape(2, 40) % 3 == 0",
    # floats: notation and width
    "np.array([1.0, 2.5], 'float32')",
    "np.array([-1.5, 2], 'float32')",
    "np.array([-3.0, -20.0], 'float32')",
    "np.array([1.0, 2, 3000], 'float32')",
    "np.array([1.0, 1000], 'float32')",
    "np.array([1.0, 1001], 'float32')",
    "np.array([1.0, 2e9], 'float32')",
    "np.array([1.0, 2000.5], 'float32')",
    "np.array([0.5, 499.5], 'float32')",
    "np.array([1e-8, 1], 'float32')",
    "np.array([1e10, 1], 'float32')",
    "np.array([1.1e-4, 2e-4], 'float32')",
    "np.array([9e-5], 'float32')",
    "np.array([1e-42, 1], 'float32')",
    "np.array([3.4e38], 'float32')",
    "np.zeros(3, 'float32')",
    "np.array([-0.0, 1.0], 'float32')",
    "np.array([1e-300, 1e300])",
    "np.array([65504, 1e-3], 'float16')",
    "np.array([1, 2.5], 'float16')",
    # nan and infinity
    "np.array([np.nan, 1.5], 'float32')",
    "np.array([np.nan, 3.0, -2.0], 'float32')",
    "np.array([np.inf, -np.inf, 1.0], 'float32')",
    "np.array([[np.inf, 2.0], [3.0, 4.0]], 'float32')",
    "np.array([np.nan, np.nan], 'float32')",
    "np.array([np.nan, 0.0, -np.inf], 'float32')",
    # no dimension, no element
    "np.array(1.5, 'float32')",
    "np.array(3.0, 'float32')",
    "np.array(1e9, 'float32')",
    "np.array(1e-7, 'float32')",
    "np.array(np.nan, 'float32')",
    "np.array(2.5)",
    "np.array(2.5, 'float16')",
    "np.array(3)",
    "np.array(True)",
    "np.zeros(0, 'float32')",
    "np.zeros((0, 3), 'float32')",
    "np.zeros((2, 0))",
    "np.zeros(0, 'int64')",
    "np.zeros((3, 0, 2), bool)",
    # dimensions, lines, summaries
    "np.sin(np.arange(11)).astype('float32')",
    "np.arange(30.0)",
    "np.sin(np.arange(90)).astype('float32').reshape(3, 30)",
    "1e5 * np.sin(np.arange(50)).astype('float32').reshape(2, 25)",
    "np.sin(np.arange(24)).astype('float32').reshape(2, 3, 4)",
    "np.sin(np.arange(24)).astype('float32').reshape(2, 2, 2, 3)",
    "np.sin(np.arange(3)).astype('float32').reshape(1, 1, 3)",
    "np.arange(1000)",
    "np.arange(1001)",
    "np.sin(np.arange(2000)).astype('float32').reshape(40, 50)",
    "np.sin(np.arange(2000)).astype('float32').reshape(2000, 1)",
    "np.sin(np.arange(2000)).astype('float32').reshape(1, 2000)",
    "np.sin(np.arange(8000)).astype('float32').reshape(20, 20, 20)",
    "np.sin(np.arange(1890)).astype('float32').reshape(3, 10, 7, 9)",
]

OPTIONS: list[dict[str, Any]] = [
    {"precision": 2},
    {"precision": 8},
    {"threshold": 10, "edgeitems": 2},
    {"linewidth": 40},
    {"sci_mode": True},
    {"sci_mode": False},
    {"profile": "short"},
]


def text(expression: str, options: dict[str, Any]) -> str:
    """What PyTorch prints, with dlframe's name instead of its own."""
    torch.set_printoptions(profile="default")
    torch.set_printoptions(**options)
    values = eval(expression, {"np": np})
    return repr(torch.tensor(values)).replace("dtype=torch.", "dtype=dlframe.")


def main() -> None:
    entries = [(expression, {}, text(expression, {})) for expression in EXPRESSIONS]
    for options in OPTIONS:
        entries += [(e, options, text(e, options)) for e in EXPRESSIONS[10::3]]
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    Path(__file__).with_name("printing.json").write_text(f"[\n{lines}\n]\n", "utf-8")


if __name__ == "__main__":
    main()
