"""Regions and views where the table of calls cannot ask PyTorch: memory, leaves, gradients."""

from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe.autograd.gradcheck import gradcheck, gradgradcheck
from dlframe.errors import GradientError


def made(*shape: int) -> dl.Tensor:
    values = np.random.default_rng(5).standard_normal(shape)
    return dl.tensor(values, requires_grad=True)


def test_gradient_of_as_strided_scatter_is_the_finite_difference() -> None:
    """PyTorch 2.13 gives the input the gradient of what was overwritten, and none of the rest."""
    for args in (((2, 3), (4, 1)), ((2, 2), (1, 5), 1)):
        call = lambda x, src, args=args: dl.as_strided_scatter(x, src, *args)
        inputs = (made(3, 4), made(*args[0]))
        assert gradcheck(call, inputs)
        assert gradgradcheck(call, inputs)


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x.unfold(0, 2, 2),
        lambda x: x.as_strided((2, 2), (1, 4)),
        lambda x: x.narrow(1, 1, 2),
        lambda x: x.select(0, 1),
        lambda x: x.split(2)[1],
        lambda x: x.tensor_split(3, 1)[0],
        lambda x: x.unbind(1)[2],
        lambda x: x.diagonal(1),
        lambda x: x.movedim(0, 1),
        lambda x: x.unflatten(1, (2, 2)),
        lambda x: x.squeeze(0),
        lambda x: x.expand(2, 4, 4),
        lambda x: dl.atleast_3d(x),
        lambda x: dl.broadcast_tensors(x, dl.zeros(2, 1, 1))[0],
        lambda x: dl.meshgrid(x[0], x[1], indexing="ij")[0],
        lambda x: x.mT,
        lambda x: x.adjoint(),
        lambda x: x.swapdims(0, 1),
    ],
)
def test_views_share_memory(view) -> None:
    x = dl.arange(16.0).reshape(4, 4)
    assert np.shares_memory(view(x).array, x.array)


@pytest.mark.parametrize(
    "copy",
    [
        lambda x: x.flip(0),
        lambda x: x.roll(0, 0),
        lambda x: x.rot90(4),
        lambda x: x.repeat(1, 1),
        lambda x: x.tile((1,)),
        lambda x: x.repeat_interleave(1, 0),
        lambda x: x[:1].repeat_interleave(3, 0),
        lambda x: x.tril(9),
        lambda x: x.diag(),
        lambda x: x.narrow_copy(0, 0, 2),
        lambda x: dl.cat([x]),
        lambda x: dl.diff(x, 0),
        lambda x: x.select_scatter(x[0], 0, 0),
        lambda x: x.slice_scatter(x),
        lambda x: x.fill(2),
    ],
)
def test_copies_do_not(copy) -> None:
    x = dl.arange(16.0).reshape(4, 4)
    assert not np.shares_memory(copy(x).array, x.array)


def test_in_place_views_change_the_tensor_itself() -> None:
    x = dl.zeros(2, 3)
    row = x[0]
    assert x.t_() is x
    assert x.shape == (3, 2)
    x[1, 0] = 5
    assert row.tolist() == [0, 5, 0]
    assert x.unsqueeze_(0).squeeze_().transpose_(0, 1).shape == (2, 3)


def test_in_place_views_of_leaves_need_no_grad() -> None:
    x = dl.zeros(2, 3, requires_grad=True)
    with pytest.raises(GradientError, match="leaf Variable"):
        x.t_()
    with dl.no_grad():
        x.t_()
    x.sum().backward()
    assert x.grad.shape == x.shape == (3, 2)


def test_in_place_view_without_recording_keeps_the_graph_right() -> None:
    x = made(2, 3)
    y = x * 2
    with dl.no_grad():
        y.t_()
    (y * dl.arange(6.0).reshape(3, 2)).sum().backward()
    assert x.grad.tolist() == [[0, 4, 8], [2, 6, 10]]


def test_overlapping_windows_cannot_be_written_to() -> None:
    with pytest.raises(RuntimeError, match="single memory location"):
        dl.zeros(5).unfold(0, 2, 1).add_(1)
