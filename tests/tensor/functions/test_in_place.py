"""The functions that write into their argument: `dl.relu_(x)`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe.tensor import functions

INPUTS = {"gcd_": [12, 18], "lcm_": [12, 18], "acosh_": [1.5, 2.0], "arccosh_": [1.5, 2.0]}
OTHERS: dict[str, tuple[Any, ...]] = {
    "alpha_dropout_": (1.0, True),
    "dropout_": (1.0, True),
    "feature_alpha_dropout_": (1.0, True),
    "feature_dropout_": (1.0, True),
    "clamp_": (0.3, 0.6),
    "clip_": (0.3, 0.6),
    "clamp_min_": (0.5,),
    "clamp_max_": (0.5,),
    "addmv_": (dl.ones(2, 3), dl.ones(3)),
    "index_put_": ((dl.tensor([1]),), dl.tensor(7.0)),
    "fill_": (7.0,),
    "gcd_": (dl.tensor([6, 4]),),
    "lcm_": (dl.tensor([6, 4]),),
    "ldexp_": (dl.tensor([1, 2]),),
    "threshold_": (0.5, 9.0),
    "xlogy_": (2.0,),
}


# These are there in place only.
ALONE = ("embedding_renorm_", "resize_as_", "zero_")
NAMES = [n for n in functions.__all__ if n.endswith("_") and n not in ALONE]


@pytest.mark.parametrize("name", NAMES)
def test_the_result_is_written_into_the_argument(name: str) -> None:
    x = dl.tensor(INPUTS.get(name, [0.25, 0.75]))
    others = OTHERS.get(name, ())
    want = getattr(dl, name[:-1])(x, *others)
    out = getattr(dl, name)(x, *others)
    assert out is x
    np.testing.assert_array_equal(x.numpy(), want.numpy())


def test_the_gradient_goes_on() -> None:
    x = dl.tensor([-1.0, 2.0], requires_grad=True)
    y = x * 3
    dl.relu_(y)
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 3.0]


def test_a_leaf_that_requires_grad_is_refused() -> None:
    with pytest.raises(RuntimeError, match="leaf"):
        dl.exp_(dl.ones(2, requires_grad=True))
