"""Dtypes, and PyTorch's table of type promotion, exhaustively."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import dlframe as dl
from dlframe.dtypes import as_dtype
from dlframe.errors import DTypeError

sys.path.insert(0, str(Path(__file__).parent / "golden"))
from make_dtypes import answers, calls

GOLDEN = json.loads((Path(__file__).parent / "golden" / "dtypes.json").read_text("utf-8"))
CALLS = calls(dl)

# Where dlframe computes and PyTorch raises "not implemented for Half", or for bool, nothing is
# compared; an in-place operator must raise where it cannot hold the result.
IN_PLACE = {name for name in CALLS if name.startswith("operator.i")}

# What differs on purpose: per function the pairs, as a predicate of the key, and the reason.
POWERS = (lambda key: "bool s bool" in key, "powers of bools are refused, whatever the exponent is")
DIFFERENT: dict[str, tuple[Callable[[str], bool], str]] = {
    "pow": POWERS,
    "operator.pow": POWERS,
    "operator.ipow": POWERS,
    "operator.isub": (
        lambda key: "bool" in key.split()[3],
        "a bool may be subtracted from a number, as it may be added; PyTorch refuses",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_promotion_is_pytorchs(name):
    expected = dict(zip(GOLDEN["keys"], GOLDEN["tables"][GOLDEN["functions"][name]], strict=True))
    excepted = DIFFERENT.get(name, (lambda key: False, ""))[0]
    wrong, differing = {}, set()
    for key, got in answers(dl, CALLS[name]).items():
        in_place = name in IN_PLACE and not key.startswith("s")  # a number is not written to
        lenient = expected[key] is None and not in_place
        if got != expected[key] and not lenient:
            differing.add(key)
            if not excepted(key):
                wrong[key] = (got, expected[key])
    assert wrong == {}
    assert name not in DIFFERENT or differing, f"{name} does not differ: remove it from DIFFERENT"


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
    assert isinstance(dl.float32, dl.dtype)
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
