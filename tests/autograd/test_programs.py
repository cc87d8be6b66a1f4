"""Random programs of views and in-place writes give the gradients of the same program without them.

The reference holds, for every base, one value that is only ever replaced out of place; a view is a
set of flat places in its base. Where a write destroyed what a rule had kept, an error is right; a
wrong number never.
"""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import dlframe as dl
from dlframe.errors import GradientError
from dlframe.ops import replace_at

VIEWS = {
    "first": lambda t: t[0],
    "tail": lambda t: t[1:],
    "every other": lambda t: t[::2],
    "flat": lambda t: t.reshape(-1),
    "transposed": lambda t: t.permute(*range(t.ndim)[::-1]),
    "new axis": lambda t: t[None],
}
ARRAY_VIEWS = {**VIEWS, "transposed": lambda a: a.T}
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["view", "mul_", "add_", "set", "exp", "product", "sin_"]),
        st.integers(0, 50),
        st.integers(0, 50),
        st.sampled_from(sorted(VIEWS)),
    ),
    min_size=1,
    max_size=10,
)


class Reference:
    """The same program in pure form: bases by number, and views as places in them."""

    def __init__(self, x: dl.Tensor):
        self.bases = [x.reshape(-1)]
        self.views = [(0, np.arange(x.numel()).reshape(x.shape))]

    def read(self, i: int) -> dl.Tensor:
        base, places = self.views[i]
        return self.bases[base][places]

    def write(self, i: int, value: dl.Tensor) -> None:
        base, places = self.views[i]
        self.bases[base] = replace_at(self.bases[base], value, index=places)

    def add(self, value: dl.Tensor) -> None:
        self.bases.append(value.reshape(-1))
        self.views.append((len(self.bases) - 1, np.arange(value.numel()).reshape(value.shape)))


def run(steps: list[tuple[str, int, int, str]]) -> None:
    start = np.linspace(0.2, 1.1, 6).reshape(2, 3)
    x, y = (dl.tensor(start, requires_grad=True) for _ in range(2))
    tensors, pure = [x * 1.0], Reference(y * 1.0)
    for name, i, j, view in steps:
        i, j = i % len(tensors), j % len(tensors)
        t = tensors[i]
        if name == "view":
            base, places = pure.views[i]
            if (t.ndim == 0 and view not in {"new axis", "flat"}) or t.ndim > 3 or 0 in t.shape:
                continue
            if view == "tail" and t.shape[0] < 2:
                continue
            found = VIEWS[view](t)
            if found.view_of is None and found.array.size:
                continue  # reshape had to copy
            tensors.append(found)
            pure.views.append((base, np.asarray(ARRAY_VIEWS[view](places))))
        elif name == "mul_":
            t.mul_(1.5)
            pure.write(i, pure.read(i) * 1.5)
        elif name == "sin_":
            t.sin_()
            pure.write(i, pure.read(i).sin())
        elif name == "add_":
            other = tensors[j].sum()
            reference = pure.read(j).sum()
            t.add_(other)
            pure.write(i, pure.read(i) + reference)
        elif name == "set":
            t[...] = tensors[j].mean() * 0.5
            pure.write(i, (pure.read(j).mean() * 0.5).expand(t.shape))
        elif name == "exp":
            tensors.append((t * 0.1).exp())
            pure.add((pure.read(i) * 0.1).exp())
        else:
            tensors.append(t * t)
            pure.add(pure.read(i) * pure.read(i))
    weights = [1.0 + 0.1 * k for k in range(len(tensors))]
    loss = sum((t.sum() * w for t, w in zip(tensors, weights, strict=True)), dl.tensor(0.0))
    expected = sum((pure.read(k).sum() * w for k, w in enumerate(weights)), dl.tensor(0.0))
    assert np.isclose(loss.item(), expected.item(), rtol=1e-12, equal_nan=True)
    expected.backward()
    try:
        loss.backward()
    except GradientError as error:
        assert "inplace operation" in str(error)  # noqa: PT017 # an error is one of two right ends
        return
    np.testing.assert_allclose(x.grad.array, y.grad.array, rtol=1e-10, atol=1e-12)


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_random_programs(steps):
    run(steps)


def test_a_program_with_every_kind_of_step_has_a_gradient():
    """So that the test above is known to compare numbers, not only errors."""
    run(
        [
            ("view", 0, 0, "tail"),
            ("mul_", 1, 0, "first"),
            ("view", 0, 0, "transposed"),
            ("add_", 2, 1, "first"),
            ("set", 1, 2, "first"),
            ("exp", 0, 0, "first"),
        ]
    )
