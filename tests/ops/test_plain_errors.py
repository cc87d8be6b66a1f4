"""An error of an ordinary program goes through no code, and has no word, of vmap."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from samples import ERRORS, ErrorSample

import dlframe as dl
from dlframe import nn

GUESTS = ("ops/batched", "autograd/batching", "autograd/func/batching")
ORDINARY = [e for e in ERRORS if "vmap" not in e.name]


def shown(error: BaseException | None) -> Iterator[BaseException]:
    """The error and those that Python prints above it."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def assert_plain(call: Callable[[], Any]) -> None:
    with pytest.raises(Exception) as caught:  # which one, other tests say
        call()
    for error in shown(caught.value):
        files = [
            frame.filename.replace("\\", "/") for frame in traceback.extract_tb(error.__traceback__)
        ]
        assert not [file for file in files if any(guest in file for guest in GUESTS)]
        assert "vmap" not in str(error)


@pytest.mark.parametrize("sample", ORDINARY, ids=lambda sample: sample.name)
def test_sampled_errors(sample: ErrorSample) -> None:
    assert_plain(lambda: sample.call(dl))


def test_a_layer_with_other_features() -> None:
    assert_plain(lambda: nn.Linear(3, 1)(dl.ones(4, 2)))


def test_a_rule_that_fails() -> None:
    """In backward, too: the rule of a Function, and one of an operation."""

    class Wrong(dl.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            raise ValueError("the user's own mistake")

    def backward() -> None:
        Wrong.apply(dl.ones(2, requires_grad=True)).sum().backward()

    assert_plain(backward)

    from dlframe.ops import elementwise

    wrong = elementwise(lambda x: x * 2, name="wrong", x=lambda g, x: g @ x.reshape(3, 1))
    assert_plain(lambda: wrong(dl.ones(2, requires_grad=True)).sum().backward())
