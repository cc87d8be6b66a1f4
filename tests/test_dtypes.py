"""Dtypes, and PyTorch's table of type promotion, exhaustively."""

from __future__ import annotations

import itertools
import json
import operator
from pathlib import Path

import numpy as np
import pytest

import dlframe as dl
from dlframe.dtypes import as_dtype
from dlframe.errors import DTypeError

GOLDEN = json.loads((Path(__file__).parent / "golden" / "dtypes.json").read_text("utf-8"))
SCALARS = {"bool": True, "int64": 2, "float64": 2.5}
OPERATIONS = {
    "result": dl.result_type,
    "add": lambda x, y: operator.add(x, y).dtype,
    "div": lambda x, y: operator.truediv(x, y).dtype,
    "pow": lambda x, y: operator.pow(x, y).dtype,
    "maximum": lambda x, y: dl.maximum(x, y).dtype,
    "less": lambda x, y: operator.lt(x, y).dtype,
}


def operand(kind: str, name: str):
    if kind == "s":
        return SCALARS[name]
    return dl.ones(3 if kind == "3" else (), dtype=name)


def outcome(operation, x, y):
    try:
        return operation(x, y).name
    except (RuntimeError, TypeError):
        return None


@pytest.mark.parametrize("name", OPERATIONS)
def test_promotion_is_pytorchs(name):
    wrong = {}
    for key, expected in GOLDEN[name].items():
        p, a, q, b = key.split()
        if name == "pow" and a == b == "bool":
            continue  # PyTorch refuses two tensors, but not a tensor and True; dlframe does
        got = outcome(OPERATIONS[name], operand(p, a), operand(q, b))
        if got != expected:
            wrong[key] = (got, expected)
    assert wrong == {}


@pytest.mark.parametrize("name", ["promote", "can_cast"])
def test_pairs_of_dtypes(name):
    function = {"promote": lambda a, b: dl.promote_types(a, b).name, "can_cast": dl.can_cast}[name]
    assert {key: function(*key.split()) for key in GOLDEN[name]} == GOLDEN[name]


def test_the_wider_unsigned_integers_promote_while_a_type_holds_both():
    assert dl.promote_types(dl.uint16, dl.int8) == dl.int32
    assert dl.promote_types(dl.uint64, dl.uint8) == dl.uint64
    with pytest.raises(DTypeError, match="uint64 and int64"):
        dl.promote_types(dl.uint64, dl.int64)


def test_numpy_scalars_are_as_weak_as_pythons():
    x, n = dl.tensor(1.0), dl.tensor([1, 2])
    for scalar in (np.float64(2), np.float32(2), np.int8(2), np.bool_(True)):
        assert (x * scalar).dtype == (scalar * x).dtype == dl.float32
    assert (n * np.float64(2)).dtype == dl.float32
    assert (n + np.int8(2)).dtype == dl.int64


def test_a_dtype_is_numpys():
    assert dl.float32 == np.float32 == np.dtype("float32")
    assert dl.ones(2).dtype is dl.float32
    names = {"half": "float16", "float": "float32", "double": "float64"}
    names |= {"short": "int16", "int": "int32", "long": "int64"}
    assert {name: getattr(dl, name).name for name in names} == names


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (float, "float64"),
        (int, "int64"),
        (bool, "bool"),
        ("float16", "float16"),
        (np.int8, "int8"),
        (np.dtype(">f4"), "float32"),
        (np.dtype("q"), "int64"),
    ],
)
def test_what_may_stand_for_a_dtype(given, expected):
    found = as_dtype(given)
    assert found is np.dtype(expected)
    assert dl.zeros(1, dtype=given).dtype is found


@pytest.mark.parametrize("given", ["float3", None, complex, str, object, np.longdouble, 3])
def test_what_may_not(given):
    with pytest.raises(DTypeError):
        as_dtype(given)


def test_result_type_needs_operands():
    with pytest.raises(DTypeError, match="at least one"):
        dl.result_type()


def test_limits():
    assert dl.finfo(dl.float32).eps == np.finfo(np.float32).eps
    assert dl.iinfo(dl.int8).max == 127


def test_every_pair_of_dtypes_computes():
    """With gradients: each operand's comes back in its own dtype."""
    floats = [dl.float16, dl.float32, dl.float64]
    for a, b in itertools.product(floats, floats):
        x, y = (dl.ones(2, dtype=d, requires_grad=True) for d in (a, b))
        (x * y + x / y - y**x).sum().backward()
        assert (x.grad.dtype, y.grad.dtype) == (a, b)
