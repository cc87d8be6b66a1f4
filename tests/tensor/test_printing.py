"""How tensors print: PyTorch's text, character by character."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import dlframe as dl

GOLDEN = json.loads(
    (Path(__file__).resolve().parents[1] / "golden" / "printing.json").read_text("utf-8")
)


@pytest.fixture(autouse=True)
def _options():
    dl.set_printoptions(profile="default")
    yield
    dl.set_printoptions(profile="default")


@pytest.mark.parametrize(("expression", "options", "text"), GOLDEN)
def test_prints_as_pytorch_does(expression, options, text):
    dl.set_printoptions(**options)
    assert repr(dl.tensor(eval(expression, {"np": np}))) == text


def test_history_and_dtype_follow_the_values():
    x = dl.tensor([1.0, 2.0], requires_grad=True)
    assert repr(x) == "tensor([1., 2.], requires_grad=True)"
    assert repr(x * 2) == "tensor([2., 4.], grad_fn=<MulBackward0>)"
    assert repr((x.double() + 1).sum()) == (
        "tensor(5., dtype=dlframe.float64, grad_fn=<SumBackward0>)"
    )
    assert repr(x.detach()) == "tensor([1., 2.])"


def test_the_default_dtype_goes_without_saying():
    dl.set_default_dtype(dl.float64)
    try:
        assert repr(dl.ones(1)) == "tensor([1.])"
        assert repr(dl.ones(1).float()) == "tensor([1.], dtype=dlframe.float32)"
        assert repr(dl.ones(0)) == "tensor([])"
        assert repr(dl.ones(0).float()) == "tensor([], dtype=dlframe.float32)"
        assert repr(dl.ones(0).bool()) == "tensor([], dtype=dlframe.bool)"
    finally:
        dl.set_default_dtype(dl.float32)


def test_what_does_not_fit_on_the_line_goes_to_the_next():
    x = dl.linspace(0, 1, 10, requires_grad=True)
    assert repr(x).splitlines()[1:] == [
        "        1.0000], requires_grad=True)",
    ]
    long = dl.arange(1000.0, 1009.0, dtype=dl.float64).requires_grad_() * 1.5
    assert repr(long).splitlines()[1:] == [
        "        1509.0000, 1510.5000, 1512.0000], dtype=dlframe.float64,",
        "       grad_fn=<MulBackward0>)",
    ]


def test_operations_have_pytorchs_names():
    x = dl.ones(2, 2, requires_grad=True)
    results = {
        "Add": x + 1,
        "Sub": x - 1,
        "Div": x / 2,
        "Neg": -x,
        "Pow": x**2,
        "Mm": x @ x,
        "Mean": x.mean(),
        "View": x.view(4),
        "Permute": x.permute(1, 0),
        "Transpose": x.transpose(0, 1),
        "Expand": x.expand(3, 2, 2),
        "Index": x[[0]],
        "Cat": dl.cat([x, x]),
        "Clone": x.clone(),
        "LogSoftmax": x.log_softmax(1),
        "Clamp": x.clamp(0, 1),
    }
    assert {name: f"{name}Backward0" for name in results} == {
        name: result.grad_fn.name() for name, result in results.items()
    }


def test_an_unknown_profile_is_refused():
    with pytest.raises(ValueError, match=r"default, short, full.*'long'"):
        dl.set_printoptions(profile="long")


def test_str_and_format():
    x = dl.tensor([1.5])
    assert str(x) == f"{x}" == repr(x)
    loss = dl.tensor(0.25)
    assert f"{loss}" == "0.25"
    assert f"{loss:.3f}" == "0.250"
    with pytest.raises(TypeError, match="unsupported format string"):
        f"{x:.3f}"
