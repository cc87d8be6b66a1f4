from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest

from dlframe import nn
from dlframe.tensor import Tensor


def zeros(*shape: int) -> Tensor:
    return Tensor(np.zeros(shape, dtype=np.float32))


def test_parameter_list() -> None:
    given = nn.Parameter(zeros(1))
    values = nn.ParameterList([zeros(2, 3), given, 3])
    assert isinstance(values[0], nn.Parameter)
    assert values[1] is given
    assert values[-1] == 3
    assert list(values.state_dict()) == ["0", "1"]
    values += [zeros(4)]
    assert values.append(zeros(5)) is values
    assert len(values) == len(list(values)) == 5
    values[2] = zeros(7)
    assert [p.shape for p in values.parameters()] == [(2, 3), (1,), (4,), (5,), (7,)]
    assert isinstance(values[1:3], nn.ParameterList)
    assert values[1:3][0] is given
    with pytest.raises(IndexError, match="out of range"):
        values[5]
    with pytest.raises(TypeError, match="should be called with an iterable"):
        values.extend(zeros(2))  # type: ignore[arg-type] # wrong on purpose
    with pytest.raises(RuntimeError, match="should not be called"):
        values(1)


def test_parameter_list_prints() -> None:
    assert repr(nn.ParameterList([zeros(2, 3), "x"])) == (
        "ParameterList(\n"
        "    (0): Parameter containing: [float32 of size 2x3]\n"
        "    (1): Object of type: str\n"
        ")"
    )


def test_parameter_dict() -> None:
    values = nn.ParameterDict({"b": zeros(1), "a": zeros(2)})
    assert list(values) == ["a", "b"]  # a plain dict goes in sorted, as in PyTorch
    values.update(OrderedDict(z=zeros(3), c=4))
    assert list(values.keys()) == ["a", "b", "z", "c"]
    assert list(reversed(values)) == ["c", "z", "b", "a"]
    assert [name for name, _ in values.named_parameters()] == ["a", "b", "z"]
    assert values.get("c") == values.setdefault("c", 5) == 4
    assert values.get("nothing", 7) == 7
    assert values.setdefault("d", 8) == 8
    assert values.popitem() == ("d", 8)
    assert values.pop("c") == 4
    copied = values.copy()
    assert copied["a"] is values["a"]
    both = values | nn.ParameterDict({"new": zeros(1)})
    assert list(both) == ["a", "b", "z", "new"]
    assert "new" not in values
    values |= nn.ParameterDict({"new": zeros(1)})
    assert "new" in values
    assert len(values) == 4
    assert [p.shape for p in values.values()] == [p.shape for _, p in values.items()]
    assert list(values.fromkeys(["x", "y"], 1).items()) == [("x", 1), ("y", 1)]
    values.clear()
    assert len(values) == len(values.state_dict()) == 0
    with pytest.raises(KeyError):
        values["a"]
    with pytest.raises(TypeError, match="a key must be a string"):
        values[3] = zeros(1)  # type: ignore[index] # wrong on purpose
    with pytest.raises(KeyError, match="already exists"):
        values["update"] = zeros(1)
    with pytest.raises(RuntimeError, match="should not be called"):
        values(1)


def test_parameter_dict_prints() -> None:
    assert repr(nn.ParameterDict({"a": zeros(2, 3), "b": 1})) == (
        "ParameterDict(\n"
        "    (a): Parameter containing: [float32 of size 2x3]\n"
        "    (b): Object of type: int\n"
        ")"
    )
