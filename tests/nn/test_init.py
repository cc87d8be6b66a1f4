from __future__ import annotations

import ast
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.random import Generator, default_generator, manual_seed
from dlframe.tensor import Tensor

Golden = Callable[[str], dict[str, np.ndarray]]


def empty(*shape: int, dtype: str = "float32") -> Tensor:
    return Tensor(np.full(shape, np.nan, dtype=dtype))


def test_every_function_gives_pytorchs_numbers(golden: Golden) -> None:
    reference = golden("nn")
    for case in reference["init_cases"]:
        name, shape, function, kwargs = ast.literal_eval(str(case))
        manual_seed(11)
        tensor = empty(*shape)
        assert getattr(nn.init, function)(tensor, **kwargs) is tensor
        expected = reference[f"init.{name}"]
        if "uniform" in function or "dirac" in function or "eye" in function:
            np.testing.assert_array_equal(tensor.array, expected, err_msg=name)
        else:
            np.testing.assert_allclose(tensor.array, expected, rtol=3e-6, atol=1e-6, err_msg=name)


def test_a_generator_of_ones_own() -> None:
    state = default_generator.get_state()
    for fill in (nn.init.xavier_uniform_, nn.init.kaiming_normal_, nn.init.trunc_normal_,
                 nn.init.orthogonal_):  # fmt: skip
        one, two = (fill(empty(3, 4), generator=Generator().manual_seed(5)) for _ in range(2))
        np.testing.assert_array_equal(one.array, two.array)
    np.testing.assert_array_equal(default_generator.get_state(), state)


def test_a_transposed_tensor_is_filled_along_its_memory() -> None:
    # "w.T" in the docs of kaiming_uniform_; PyTorch walks through memory, not through indices
    plain, turned = empty(4, 6), empty(4, 6)
    manual_seed(3)
    nn.init.uniform_(plain)
    manual_seed(3)
    nn.init.uniform_(Tensor(turned.array.T))
    np.testing.assert_array_equal(plain.array, turned.array)


def test_constants() -> None:
    assert (nn.init.zeros_(empty(2)).array == 0).all()
    assert (nn.init.ones_(empty(2)).array == 1).all()
    assert (nn.init.constant_(empty(2), 0.5).array == 0.5).all()


def test_orthogonal_is_orthogonal() -> None:
    w = nn.init.orthogonal_(empty(5, 2, 2, dtype="float64"), gain=3.0).array.reshape(5, 4)
    np.testing.assert_allclose(w.T @ w, 9 * np.eye(4), atol=1e-12)


def test_fans_have_pytorchs_names() -> None:
    weight = dl.empty(6, 4, 3, 3)
    assert nn.init._calculate_fan_in_and_fan_out(weight) == (36, 54)
    assert nn.init._calculate_correct_fan(weight, "fan_out") == 54


def test_gains() -> None:
    gain = nn.init.calculate_gain
    assert gain("linear") == gain("conv2d") == gain("sigmoid") == 1
    assert gain("tanh") == 5 / 3
    assert gain("relu") == math.sqrt(2)
    assert gain("leaky_relu") == math.sqrt(2 / (1 + 0.01**2))
    assert gain("leaky_relu", 0.2) == math.sqrt(2 / 1.04)
    assert gain("selu") == 0.75
    with pytest.raises(ValueError, match="Unsupported nonlinearity swish"):
        gain("swish")
    with pytest.raises(ValueError, match="negative_slope True not a valid number"):
        gain("leaky_relu", True)


@pytest.mark.parametrize(
    "fill, shape, message",
    [
        (nn.init.eye_, (2,), "Only tensors with 2 dimensions"),
        (nn.init.dirac_, (2, 2), "Only tensors with 3, 4, or 5 dimensions"),
        (lambda t: nn.init.dirac_(t, groups=2), (3, 2, 1), "divisible by groups"),
        (nn.init.xavier_uniform_, (2,), "fewer than 2 dimensions"),
        (nn.init.orthogonal_, (2,), "2 or more dimensions"),
        (lambda t: nn.init.sparse_(t, 0.1), (2,), "Only tensors with 2 dimensions"),
        (lambda t: nn.init.kaiming_normal_(t, mode="out"), (2, 2), "Mode out not supported"),
    ],
)
def test_errors(fill: Any, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fill(empty(*shape))


def test_empty_tensors() -> None:
    with pytest.warns(UserWarning, match="zero-element tensors is a no-op"):
        nn.init.kaiming_uniform_(empty(0, 3))
    with pytest.warns(UserWarning, match="zero-element tensors is a no-op"):
        nn.init.kaiming_normal_(empty(0, 3))
    nn.init.orthogonal_(empty(0, 3))


def test_far_from_the_mean() -> None:
    with pytest.warns(UserWarning, match="more than 2 std from"):
        t = nn.init.trunc_normal_(empty(10), mean=0, std=0.1, a=1, b=2)
    assert ((t.array >= 1) & (t.array <= 2)).all()


@pytest.mark.parametrize("name", [n for n in nn.init.__all__ if f"{n}_" in nn.init.__all__])
def test_old_names_warn_and_do_the_same(name: str) -> None:
    shape = (3, 4, 5) if name == "dirac" else (4, 5)
    arguments = {"constant": (2.0,), "sparse": (0.5,)}.get(name, ())
    dl.manual_seed(0)
    want = getattr(nn.init, f"{name}_")(dl.empty(*shape), *arguments)
    dl.manual_seed(0)
    with pytest.warns(FutureWarning, match=rf"in favor of `nn.init.{name}_`") as caught:
        got = getattr(nn.init, name)(dl.empty(*shape), *arguments)
    assert got.tolist() == want.tolist()
    assert caught[0].filename == __file__
