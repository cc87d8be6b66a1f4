"""How results lie in memory: as PyTorch's do, and right whatever way the inputs lie.

PyTorch's strides were recorded by tests/golden/make_layouts.py; tests/oracle/test_layouts.py
compares more layouts with PyTorch itself.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import CALLS
from samples.evaluate import difference, in_place
from samples.layouts import DIFFERS, LAYOUTS, TURNED, laid, order_of, outcome

import dlframe as dl
from dlframe.nn import functional as F

ROWS = [
    (family, call)
    for family, rows in CALLS.items()
    for call in rows
    if call.name not in DIFFERS and laid(call, TURNED) is not None
]


@cache
def recorded(family: str) -> dict[str, dict[str, str]]:
    path = Path(__file__).resolve().parents[2] / "golden" / "layouts" / f"{family}.json"
    found: dict[str, dict[str, str]] = json.loads(path.read_text()) if path.exists() else {}
    return found


@pytest.mark.parametrize("family", [family for family in CALLS if family != "creation"])
@pytest.mark.filterwarnings("ignore")
def test_a_write_in_place_does_not_depend_on_memory(family: str) -> None:
    """Those of random numbers do: they go to the elements in the order of memory, as PyTorch's."""
    different = []
    for call in CALLS[family]:
        written = call.forms and isinstance((call.args or (None,))[0], np.ndarray)
        if not (written and hasattr(dl.Tensor, f"{call.base}_")) or call.base == "detach":
            continue  # a view cannot be detached, as in PyTorch
        want = in_place(call, dl)
        found = {layout: laid(call, layout) for layout in (TURNED, "transposed")}
        tried = {k: in_place(call, dl, arrays) for k, arrays in found.items() if arrays is not None}
        tried["a view"] = in_place(call, dl, form="in place of a view")
        for layout, got in tried.items():
            if problem := difference(got, want, call.tolerance):
                different.append((call.key, layout, problem))
    assert different == []


@pytest.mark.parametrize("family", CALLS)
def test_results_and_gradients_lie_in_memory_as_pytorchs(family: str) -> None:
    different = []
    for of, call in ROWS:
        want = recorded(family).get(call.key) if of == family else None
        if want is None:
            continue
        found = outcome(call, dl, laid(call, TURNED))
        different += [
            (call.key, what, order_of(steps), want[what])
            for what, (steps, _) in found.items()
            if what in want and order_of(steps) != want[what]
        ]
    assert different == []


# --- views of turned results -------------------------------------------------------------------


def turned_results() -> list[Any]:
    """Tensors of 0 to 23 with the shape (2, 3, 4), which lie in memory in all ways."""
    x = np.arange(24.0).reshape(2, 3, 4)
    found = [
        dl.from_numpy(change(x)) for name, (change, _) in LAYOUTS.items() if name != "expanded"
    ]
    return [*found, dl.Tensor(np.arange(23.0, -1, -1).reshape(2, 3, 4)[::-1, ::-1, ::-1])]


@pytest.mark.parametrize("dim", [0, 1, 2])
def test_windows_show_the_elements_and_take_writes_in_any_memory(dim: int) -> None:
    want = np.lib.stride_tricks.sliding_window_view(np.arange(24.0).reshape(2, 3, 4), 2, dim)
    for x in turned_results():
        leaf = x.clone().requires_grad_()
        y = leaf * 1
        np.testing.assert_array_equal(y.unfold(dim, 2, 1).detach(), want)
        weights = dl.arange(want.size, dtype=dl.float64).reshape(want.shape)
        (y.unfold(dim, 2, 1) * weights).sum().backward()
        counted = np.zeros((2, 3, 4))
        np.add.at(counted.reshape(-1), want.astype(int), weights.numpy())
        np.testing.assert_array_equal(leaf.grad, counted)
        x.unfold(dim, 1, 1).zero_()
        assert not x.any()


def test_as_strided_with_the_own_strides_is_the_tensor() -> None:
    for x in turned_results()[:-1]:  # strides are not negative in as_strided
        y = x * 1
        np.testing.assert_array_equal(y.as_strided(y.shape, y.stride()), x)
        y.as_strided(y.shape, y.stride()).mul_(2)
        np.testing.assert_array_equal(y, 2 * x)


def test_results_in_order_can_be_viewed_and_written_through() -> None:
    x = dl.arange(24.0).reshape(2, 3, 4)
    y, i = x.permute(2, 0, 1), dl.tensor([1, 0, 1])
    for z in (
        x.index_select(1, i), x[:, i], x[..., i], dl.einsum("bij,bkj->bki", x, x),
        F.pad(x, (1, 1), mode="reflect"), dl.cat([y, y]), dl.stack([y, y], 1), y.softmax(1),
        F.layer_norm(y, (3,)), y.cumsum(1), y.masked_fill(y > 3, 0.0), y.sum(1, keepdim=True),
        y.roll(1, 0), y.tril(), F.one_hot(dl.tensor([[0, 1], [2, 0]]).t(), 3),
    ):  # fmt: skip
        assert z.view(-1).shape == (z.numel(),)
        for flat in (z.reshape(-1), z.flatten(), z.ravel()):
            flat[1] = 99
            assert z.view(-1)[1] == 99
            flat[1] = 0


def test_the_first_operand_decides_about_the_order() -> None:
    a, b = dl.ones(3, 4), dl.ones(4, 3).t()
    assert (a + b).stride() == (4, 1)
    assert (b + a).stride() == (1, 3)
    assert (b > a).stride() == dl.where(b > a, a, b).stride() == (1, 3)


def test_gradients_of_leaves_lie_as_the_leaves() -> None:
    for x in turned_results()[:-1]:
        leaf = x.clone().requires_grad_()
        (leaf.permute(2, 1, 0) * dl.ones(4, 3, 2, dtype=dl.float64)).sum().backward()
        assert leaf.grad.stride() == leaf.stride()


def test_random_numbers_go_to_elements_in_the_order_of_memory() -> None:
    def drawn(x: Any) -> Any:
        dl.manual_seed(0)
        return F.dropout(x, 0.5)

    x = dl.ones(5, 7)
    np.testing.assert_array_equal(drawn(x.t()), drawn(x).t())


def test_tensors_without_elements_have_the_strides_of_pytorch() -> None:
    assert (dl.ones(0).stride(), dl.zeros(0, 3).stride(), dl.zeros(3, 0).stride()) == (
        (1,),
        (3, 1),
        (1, 1),
    )


def test_concatenate_takes_dim_and_axis() -> None:
    for name in ("dim", "axis"):
        assert dl.concatenate([dl.ones(2, 2), dl.ones(2, 2)], **{name: 1}).shape == (2, 4)
