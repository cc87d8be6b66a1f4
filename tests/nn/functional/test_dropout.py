from __future__ import annotations

import dlframe as dl
import dlframe.nn.functional as F


def test_dropout_keeps_the_expectation() -> None:
    out = F.dropout(dl.ones(10000), 0.2)
    assert set(out.tolist()) == {0.0, 1.25}
    assert abs(out.mean().item() - 1) < 0.03


def test_dropout_draws_anew_and_repeats_with_the_seed() -> None:
    x = dl.ones(50)
    draws = []
    for _ in range(2):
        generator = dl.Generator().manual_seed(5)
        draws.append([F.dropout(x, generator=generator).tolist() for _ in range(2)])
    assert draws[0] == draws[1]
    assert draws[0][0] != draws[0][1]


def test_dropout_without_effect_gives_the_input_itself() -> None:
    x = dl.ones(3)
    assert F.dropout(x, 0.5, training=False) is x
    assert F.dropout(x, 0.0) is x


def test_dropout_in_place() -> None:
    x = dl.ones(20)
    assert F.dropout(x, 0.5, inplace=True) is x
    assert set(x.tolist()) == {0.0, 2.0}


def test_gradient_goes_through_the_same_mask() -> None:
    x = dl.ones(30, requires_grad=True)
    out = F.dropout(x, 0.5)
    out.sum().backward()
    assert x.grad.tolist() == out.tolist()
