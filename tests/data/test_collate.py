"""PyTorch's rules for making a batch, type by type."""

from __future__ import annotations

from collections import OrderedDict, UserDict, UserList, defaultdict
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest

import dlframe as dl
from dlframe.data import Batch, default_collate, default_convert
from dlframe.data.collate import collate
from dlframe.errors import ShapeError


class Point(NamedTuple):
    x: Any
    y: Any


def same(tensor: Any, values: Any, dtype: Any) -> bool:
    return isinstance(tensor, dl.Tensor) and tensor.dtype == dtype and tensor.tolist() == values


@pytest.mark.parametrize(
    ("batch", "dtype"),
    [
        ([1, 2], np.int64),
        ([True, False], np.bool_),
        ([True, 2], np.int64),
        ([1.5, 2.5], np.float64),
        ([1.5, 2], np.float64),
        ([1, 2.5], np.float32),
        ([np.float32(1), np.float32(2)], np.float32),
        ([np.float64(1), np.float64(2)], np.float64),
        ([np.int32(1), np.int32(2)], np.int32),
        ([np.uint8(1), np.uint8(2)], np.uint8),
        ([np.bool_(True), np.bool_(False)], np.bool_),
    ],
)
def test_numbers(batch: list[Any], dtype: Any) -> None:
    assert same(default_collate(batch), [float(b) for b in batch], dtype)


def test_tensors_and_arrays_are_stacked() -> None:
    assert same(default_collate([dl.tensor([1, 2]), dl.tensor([3, 4])]), [[1, 2], [3, 4]], np.int64)
    assert same(default_collate([np.array(1.0), np.array(2.0)]), [1.0, 2.0], np.float64)
    float16 = np.zeros(2, np.float16)
    assert default_collate([float16, float16]).dtype == np.float16


def test_a_stack_is_a_copy() -> None:
    sample = np.zeros(2)
    default_collate([sample]).array[...] = 1
    assert sample.tolist() == [0, 0]


def test_strings_stay() -> None:
    assert default_collate(["a", "b"]) == ["a", "b"]
    assert default_collate([b"a"]) == [b"a"]


def test_containers() -> None:
    first, second = default_collate([(1, "a"), (2, "b")])
    assert same(first, [1, 2], np.int64)
    assert second == ("a", "b")
    assert type(default_collate([(1, 2)])) is list
    point = default_collate([Point(0, 1), Point(2, 3)])
    assert type(point) is Point
    assert same(point.y, [1, 3], np.int64)
    inner = default_collate([{"a": [1, {"b": 2.0}]}, {"a": [3, {"b": 4.0}]}])
    assert same(inner["a"][1]["b"], [2.0, 4.0], np.float64)
    assert [t.tolist() for t in default_collate([range(2), range(2)])] == [[0, 0], [1, 1]]


@pytest.mark.parametrize("make", [dict, OrderedDict, UserDict, MappingProxyType])
def test_mappings_keep_their_type(make: Any) -> None:
    result = default_collate([make({"a": 1}), make({"a": 2})])
    assert type(result) is make
    assert result["a"].tolist() == [1, 2]


def test_what_a_mapping_carries_besides_is_kept() -> None:
    sample = defaultdict(lambda: "default", a=1)
    assert default_collate([sample])["other"] == "default"
    assert sample["a"] == 1


def test_sequences_keep_their_type() -> None:
    result = default_collate([UserList([1, 2]), UserList([3, 4])])
    assert type(result) is UserList
    assert result[0].tolist() == [1, 3]


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ([[1, 2], [3]], r"each element in list of batch should be of equal size; got lengths"),
        ([np.ones(2), np.ones(3)], r"\[2\] at entry 0 and \[3\] at entry 1"),
        ([dl.ones(2), dl.ones(2), dl.ones(1, 2)], r"\[2\] at entry 0 and \[1, 2\] at entry 2"),
    ],
)
def test_unequal_sizes(batch: list[Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        default_collate(batch)


@pytest.mark.parametrize(
    ("batch", "named"),
    [([None], "NoneType"), ([{1}], "set"), ([np.array(["a"])], "<U1"), ([object()], "object")],
)
def test_other_types_are_refused_by_name(batch: list[Any], named: str) -> None:
    with pytest.raises(TypeError, match=f"default_collate: batch must contain.*{named}"):
        default_collate(batch)


def test_mixtures() -> None:
    with pytest.raises(TypeError, match="expected Tensor as element 1 in argument 0, but got int"):
        default_collate([dl.ones(1), 3])
    with pytest.raises(ValueError, match="int64"):
        default_collate([2**70])
    with pytest.raises(KeyError):
        default_collate([{"a": 1}, {"b": 1}])


def test_a_batch_of_columns() -> None:
    result = default_collate(Batch((dl.ones(2, 3), np.array([1, 2]), ["a", "b"], [1.5, 2.5])))
    assert [type(r) for r in result] == [dl.Tensor, dl.Tensor, tuple, dl.Tensor]
    assert result[3].dtype == np.float64
    named = default_collate(Batch({"x": Batch((np.zeros(2), [1, 2]))}))
    assert named["x"][1].tolist() == [1, 2]


def test_a_map_of_ones_own() -> None:
    def largest(batch: Any, *, collate_fn_map: Any) -> int:
        return max(batch)

    assert collate([(1, 5), (2, 3)], collate_fn_map={int: largest}) == [2, 5]
    assert collate([True, False], collate_fn_map={(int, float): largest}) is True
    exact = {int: lambda *a, **k: "int", bool: lambda *a, **k: "bool"}
    assert collate([True], collate_fn_map=exact) == "bool"


def test_convert() -> None:
    array = np.zeros(2)
    converted = default_convert({"x": array, "s": "s", "p": Point(np.float32(1), 2), "t": (array,)})
    assert converted["x"].array is array
    assert converted["s"] == "s"
    assert converted["p"].x.dtype == np.float32
    assert converted["p"].y == 2
    assert type(converted["t"]) is list
    strings = np.array(["a"])
    assert default_convert(strings) is strings
    tensor = dl.ones(2)
    assert default_convert(tensor) is tensor
    assert default_convert(3) == 3
    assert default_convert(range(2)) == [0, 1]
