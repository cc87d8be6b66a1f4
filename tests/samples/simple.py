"""Linear and the layers that only change a shape."""

from __future__ import annotations

from samples.modules import Row, live, row, rows

MODULES: list[Row] = [
    row("nn.Linear(3, 4)", "dl.randn(5, 3)"),
    row("nn.Linear(6, 2, bias=False)", "dl.randn(2, 5, 6)", kit={}),
    row("nn.Linear(3, 5)", "dl.randn(3)", recorded=False),
    row("nn.LazyLinear(4)", "dl.randn(2, 5, 3)"),
    row("nn.LazyLinear(4, False)", "dl.randn(3)", recorded=False),
    row("nn.Bilinear(3, 2, 4)", "dl.randn(5, 3), dl.randn(5, 2)"),
    row("nn.Bilinear(3, 2, 4, bias=False)", "dl.randn(2, 5, 3), dl.randn(2, 5, 2)", kit={}),
    row("nn.Bilinear(3, 2, 4)", "dl.randn(3), dl.randn(2)", recorded=False),
    row("nn.Identity()", "dl.randn(2)"),
    row("nn.Flatten()", "dl.randn(2, 3, 4)"),
    row("nn.Flatten(0, 1)", "dl.randn(2, 3, 4)", kit={"empty_batch": False}),
    row("nn.Unflatten(1, (3, -1))", "dl.randn(2, 6)"),
    *live(rows("nn.Linear(3, 5, bias={b})", "dl.randn(2, 4, 3)", choices={"b": [True, False]})),
    *live(rows("nn.Flatten({a})", "dl.randn(2, 3, 4)", choices={"a": ["0, -2", "1, 2", "-1"]})),
    row("nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.3), nn.Linear(4, 2))", "dl.randn(4, 3)"),
    row("nn.DataParallel(nn.Linear(3, 2), device_ids=None, output_device=None, dim=0)", "dl.randn(4, 3)"),
    row("nn.ByHand(nn.Linear(3, 2))", "dl.randn(4, 3)", ours=True),
]  # fmt: skip
