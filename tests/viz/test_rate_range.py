"""The picture of a range test: both curves, the marks, and the words."""

from __future__ import annotations

import numpy as np

import dlframe as dl
from dlframe import nn, optim
from dlframe.training import RateRange, lr_range_test

X = dl.linspace(-1, 1, 48).reshape(24, 2)
Y = X.sum(dim=1, keepdim=True)


def test_the_picture(texts, inside, tmp_path):
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    found = lr_range_test(model, nn.MSELoss(), (X, Y), optimizer, start=1e-4, steps=40)
    figure = found.plot(path=tmp_path / "rates.png")
    assert (tmp_path / "rates.png").stat().st_size > 1000
    axes = figure.axes[0]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), found.losses)
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), found.smoothed)
    assert f"suggestion {found.suggestion:.1e}" in texts(figure)
    assert "where the loss diverges" in " ".join(texts(figure))
    assert {"1e-03", "1e-01"} <= texts(figure)
    inside(figure)
    nothing = RateRange(found.rates[:1], np.array([np.nan]), np.array([np.nan]), True)
    inside(nothing.plot())
