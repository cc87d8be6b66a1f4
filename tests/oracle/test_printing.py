"""Print tensors of random values, shapes and dtypes, and compare with PyTorch's text."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dlframe as dl

torch = pytest.importorskip("torch")

DTYPES = ["bool", "uint8", "int8", "int32", "int64", "float16", "float32", "float64"]
ARRAYS = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(
        dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9)
    )
)


@given(
    ARRAYS,
    st.fixed_dictionaries(
        {},
        optional={
            "precision": st.integers(0, 8),
            "threshold": st.integers(0, 50),
            "edgeitems": st.integers(1, 4),
            "linewidth": st.integers(10, 120),
            "sci_mode": st.booleans(),
        },
    ),
)
def test_random_tensors_print_as_in_pytorch(values, options):
    """But for the line on which the dtype stands: our name is two letters longer."""
    try:
        texts = []
        for lib in (torch, dl):
            lib.set_printoptions(profile="default")
            lib.set_printoptions(**options)
            texts.append(re.sub(r",\s+dtype=\w+\.", ", dtype=", repr(lib.tensor(values))))
    finally:
        for lib in (torch, dl):
            lib.set_printoptions(profile="default")
    assert texts[1] == texts[0]


@pytest.mark.parametrize("width", [20, 60, 80])
def test_suffixes_break_the_line_where_pytorchs_do(width):
    for n in range(1, 40):
        values = np.linspace(0.25, 1, n, dtype="float32")
        try:
            texts = []
            for lib in (torch, dl):
                lib.set_printoptions(linewidth=width)
                x = lib.tensor(values, requires_grad=True)
                texts.append([repr(y) for y in (x, x * 2, x[:0])])
        finally:
            for lib in (torch, dl):
                lib.set_printoptions(profile="default")
        assert texts[1] == texts[0]
