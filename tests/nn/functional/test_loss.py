from __future__ import annotations

import math

import numpy as np
import pytest

import dlframe as dl
import dlframe.nn.functional as F

PAIRS = ["mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "binary_cross_entropy",
         "binary_cross_entropy_with_logits", "hinge_loss"]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "want"),
    [
        ("mse_loss", [0.25, 4]),
        ("l1_loss", [0.5, 2]),
        ("huber_loss", [0.125, 1.5]),
        ("smooth_l1_loss", [0.125, 1.5]),
        ("hinge_loss", [0.5, 2]),
        ("binary_cross_entropy_with_logits", [math.log(1 + math.exp(-0.5)), math.log(1 + math.e)]),
    ],
)
def test_values_by_hand(name: str, want: list[float]) -> None:
    out = getattr(F, name)(dl.tensor([0.5, -1.0]), dl.tensor([1.0, 1.0]), reduction="none")
    np.testing.assert_allclose(out.numpy(), want, rtol=1e-6)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_float32_stays_float32(name: str, reduction: str) -> None:
    x = dl.rand(3, 4, requires_grad=True)
    out = getattr(F, name)(x, dl.ones(3, 4), reduction=reduction)
    out.sum().backward()
    assert (out.dtype, x.grad.dtype) == (dl.float32, dl.float32)
    assert out.shape == ((3, 4) if reduction == "none" else ())


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize(("a", "b"), [((4, 1), (4,)), ((4,), (4, 1)), ((2, 3), (3,)), ((1,), ())])
def test_nothing_is_broadcast(name: str, a: tuple[int, ...], b: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=rf"{name}: input and target must have the same shape"):
        getattr(F, name)(dl.ones(*a), dl.ones(b))


@pytest.mark.parametrize(
    ("flags", "reduction"),
    [
        ((None, False), "none"),
        ((False, None), "sum"),
        ((True, None), "mean"),
        ((False, True), "sum"),
        ((False, False), "none"),
    ],
)
def test_former_flags_keep_their_places(
    flags: tuple[bool | None, bool | None], reduction: str
) -> None:
    x, y = dl.rand(3), dl.rand(3)
    with pytest.warns(UserWarning, match=f"reduction='{reduction}'") as caught:
        old = F.mse_loss(x, y, *flags)
    assert caught[0].filename == __file__
    assert old.tolist() == F.mse_loss(x, y, reduction=reduction).tolist()
    with pytest.warns(UserWarning, match="reduction="):
        old = F.cross_entropy(dl.ones(2, 3), dl.tensor([0, 1]), None, flags[0], -100, flags[1])
    assert old.shape == ((2,) if reduction == "none" else ())


def test_targets_may_be_lists() -> None:
    """As tensors made of them: floats are float32."""
    assert F.mse_loss(dl.tensor([1.0, 2.0]), [1.0, 4.0]).dtype == dl.float32
    assert F.cross_entropy(dl.zeros(2, 3), [0, 2]).item() == pytest.approx(math.log(3))


def test_logits_far_from_0_do_not_overflow() -> None:
    x = dl.tensor([-1e4, 1e4, -1e4, 1e4], requires_grad=True)
    out = F.binary_cross_entropy_with_logits(x, dl.tensor([0.0, 0.0, 1.0, 1.0]), reduction="none")
    assert out.tolist() == [0, 1e4, 1e4, 0]
    out.sum().backward()
    assert x.grad.tolist() == [0, 1, -1, 0]


def test_logarithms_are_cut_off() -> None:
    x = dl.tensor([0.0, 1.0], requires_grad=True)
    out = F.binary_cross_entropy(x, dl.tensor([1.0, 0.0]), reduction="none")
    assert out.tolist() == [100, 100]
    out.sum().backward()
    assert np.isfinite(x.grad.numpy()).all()


def test_weights_of_squares_divide_the_mean() -> None:
    x, w = dl.tensor([1.0, 3.0]), dl.tensor([3.0, 1.0], requires_grad=True)
    out = F.mse_loss(x, dl.zeros(2), weight=w)
    assert out.item() == 3
    out.backward()
    assert w.grad.tolist() == [-0.5, 1.5]  # (x² - mean) / Σ w
    assert F.huber_loss(x, dl.zeros(2), weight=w.detach()).item() == (3 * 0.5 + 2.5) / 2


@pytest.mark.parametrize("p", [1, 2])
def test_hinge_loss_costs_nothing_beyond_the_margin(p: int) -> None:
    x = dl.tensor([2.0, 0.25, -1.0], requires_grad=True)
    out = F.hinge_loss(x, dl.tensor([1.0, 1.0, 1.0]), margin=1.0, p=p, reduction="none")
    assert out.tolist() == [0, 0.75**p, 2**p]
    out.sum().backward()
    assert x.grad.tolist() == ([0, -1, -1] if p == 1 else [0, -1.5, -4])
