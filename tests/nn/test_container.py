from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dlframe import nn

Golden = Callable[[str], dict[str, np.ndarray]]


class Add(nn.Module):
    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n

    def forward(self, x: int) -> int:
        return x + self.n

    def extra_repr(self) -> str:
        return str(self.n)


def row(*numbers: int) -> nn.Sequential:
    return nn.Sequential(*map(Add, numbers))


def numbers(modules: Any) -> list[int]:
    return [module.n for module in modules]


def names(module: nn.Module) -> list[str]:
    return [name for name, _ in module.named_children()]


def test_prints_as_pytorch_does(golden: Golden) -> None:
    reference = golden("nn")
    for expression, expected in zip(
        reference["text_expressions"], reference["text_results"], strict=True
    ):
        result = str(eval(str(expression), {"nn": nn, "OrderedDict": OrderedDict}))
        assert result == expected, expression


# --- Sequential --------------------------------------------------------------------------------


def test_sequential_runs_in_order() -> None:
    assert row(1, 2, 3)(0) == 6
    assert nn.Sequential()(5) == 5
    named = nn.Sequential(OrderedDict(a=Add(1), b=Add(2)))
    assert names(named) == ["a", "b"]
    assert named(0) == 3
    assert named.a.n == 1


def test_sequential_indices() -> None:
    net = row(1, 2, 3, 4)
    assert len(net) == 4
    assert net[0].n == 1
    assert net[-1].n == 4
    assert net[np.int64(1)].n == 2
    assert isinstance(net[1:3], nn.Sequential)
    assert net[1:3](0) == 5
    assert names(net[1:3]) == ["1", "2"]  # a slice keeps the names
    net[1] = Add(10)
    assert numbers(net) == [1, 10, 3, 4]
    for wrong in (4, -5):
        with pytest.raises(IndexError, match="out of range"):
            net[wrong]
    del net[0]
    assert names(net) == ["0", "1", "2"]
    del net[1:]
    assert numbers(net) == [10]
    assert net.pop(0).n == 10
    assert len(net) == 0


def test_sequential_growing() -> None:
    net = row(1)
    assert net.append(Add(2)).extend(row(3, 4)).insert(1, Add(9)) is net
    assert numbers(net) == [1, 9, 2, 3, 4]
    assert names(net) == ["0", "1", "2", "3", "4"]
    net.insert(-1, Add(8))
    assert numbers(net) == [1, 9, 2, 3, 8, 4]
    with pytest.raises(IndexError, match="Index out of range: 9"):
        net.insert(9, Add(0))
    with pytest.raises(TypeError, match="int is not a Module"):
        net.insert(0, 3)  # type: ignore[arg-type] # wrong on purpose
    with pytest.raises(TypeError, match="should be called with an iterable"):
        net.extend(3)  # type: ignore[arg-type] # wrong on purpose
    with pytest.raises(TypeError, match="cannot assign 'int'"):
        nn.Sequential(3)  # type: ignore[arg-type] # wrong on purpose


def test_sequential_arithmetic() -> None:
    assert numbers(row(1) + row(2, 3)) == [1, 2, 3]
    assert numbers(row(1, 2) * 2) == numbers(2 * row(1, 2)) == [1, 2, 1, 2]
    net = row(1)
    same = net
    net += row(2)
    net *= 2
    assert net is same
    assert numbers(net) == [1, 2, 1, 2]
    assert net[0] is net[2]
    with pytest.raises(ValueError, match="only objects of Sequential"):
        row(1) + [Add(1)]  # noqa: RUF005 - the operator is what is tested
    with pytest.raises(ValueError, match="Non-positive"):
        row(1) * 0
    with pytest.raises(TypeError, match="unsupported operand"):
        row(1) * 1.5


def test_sequential_with_more_than_layers() -> None:
    class Counting(nn.Sequential):
        def __init__(self, *layers: nn.Module) -> None:
            super().__init__(*layers)
            self.calls = 0

        def forward(self, x: int) -> int:
            self.calls += 1
            result: int = super().forward(x)
            return result

    net = Counting(Add(1), Add(2))
    assert net(0) == 3
    assert net.calls == 1
    assert len(net) == 2
    assert copy.deepcopy(net)(0) == 3


# --- ModuleList --------------------------------------------------------------------------------


def test_module_list() -> None:
    parts = nn.ModuleList(Add(n) for n in (1, 2, 3))
    assert numbers(parts) == [1, 2, 3]
    assert parts[-1].n == 3
    assert isinstance(parts[:2], nn.ModuleList)
    assert numbers(parts[:2]) == [1, 2]
    parts += [Add(4)]
    parts.append(Add(5)).extend([Add(6)])
    parts.insert(0, Add(0))
    assert numbers(parts) == [0, 1, 2, 3, 4, 5, 6]
    assert names(parts) == [str(n) for n in range(7)]
    parts[1] = Add(11)
    del parts[2], parts[-1]
    assert numbers(parts) == [0, 11, 3, 4, 5]
    assert parts.pop(0).n == 0
    assert names(parts) == ["0", "1", "2", "3"]
    assert numbers(parts + [Add(7)]) == [11, 3, 4, 5, 7]  # noqa: RUF005 - as above
    with pytest.raises(NotImplementedError, match="forward"):
        parts(1)


# --- ModuleDict --------------------------------------------------------------------------------


def test_module_dict() -> None:
    parts = nn.ModuleDict({"b": Add(2), "a": Add(1)})
    assert list(parts) == list(parts.keys()) == ["b", "a"]
    assert numbers(parts.values()) == [2, 1]
    assert [(key, module.n) for key, module in parts.items()] == [("b", 2), ("a", 1)]
    assert "a" in parts
    assert "training" not in parts
    assert len(parts) == 2
    parts["c"] = Add(3)
    parts.update({"a": Add(10)})
    parts.update([("d", Add(4))])
    assert numbers(parts.values()) == [2, 10, 3, 4]
    assert parts.pop("b").n == 2
    del parts["c"]
    assert list(nn.ModuleDict(parts)) == ["a", "d"]
    parts.clear()
    assert len(parts) == 0
    for call in (lambda: parts["a"], lambda: parts.pop("a"), lambda: parts.__delitem__("a")):
        with pytest.raises(KeyError, match="a"):
            call()
    with pytest.raises(KeyError, match="already exists"):
        parts["keys"] = Add(1)
    with pytest.raises(TypeError, match="iterable of key/value pairs"):
        parts.update(3)  # type: ignore[arg-type] # wrong on purpose
    with pytest.raises(TypeError, match="element #0 should be Iterable"):
        parts.update([3])  # type: ignore[list-item] # wrong on purpose
    with pytest.raises(ValueError, match="element #0 has length 1; 2 is required"):
        parts.update([(3,)])  # type: ignore[list-item] # wrong on purpose
