from __future__ import annotations

import dlframe as dl
import dlframe.nn.functional as F


def test_linear_by_hand() -> None:
    x, w, b = dl.tensor([[1.0, 2.0]]), dl.tensor([[3.0, 4.0], [5.0, 6.0]]), dl.tensor([0.5, -1.0])
    assert F.linear(x, w, b).tolist() == [[11.5, 16]]
    assert F.linear(input=x, weight=w).tolist() == [[11, 17]]
