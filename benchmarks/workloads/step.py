"""What a workload returns, and the usual training step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Step = Callable[[], Any]  # runs one step and returns the loss


def training(
    lib: Any, model: Any, loss_function: Any, x: Any, y: Any, lr: float, optimizer: str = "SGD"
) -> Step:
    chosen = getattr(lib.optim, optimizer)(model.parameters(), lr=lr)

    def step() -> Any:
        chosen.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        chosen.step()
        return loss

    return step
