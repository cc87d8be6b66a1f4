"""What several problems share: optimizers by the name of a level, and how many steps they take."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from dlframe import optim
from dlframe.errors import ArgumentError
from dlframe.tensor import Tensor

DIGITS = "right digits"


def right_digits(error: float) -> float:
    """-log₁₀ of an error, so that errors of very different sizes can be compared and averaged.

    >>> right_digits(0.001), right_digits(0.0)
    (3.0, 16.0)
    """
    return -math.log10(max(error, 1e-16))


class Descent:
    """Minimizes a loss by the gradient, `evaluations` evaluations of it in each epoch.

    An evaluation is a loss with its gradient. "gradient descent" and "Adam" make one step of each;
    "LBFGS" chooses the length of a step by several of them, and stops where nothing improves.
    """

    def __init__(self, name: str, params: Iterable[Tensor], lr: float, evaluations: int) -> None:
        self.params = list(params)
        self.steps = evaluations
        self.optimizer: optim.Optimizer
        if name == "gradient descent":
            self.optimizer = optim.SGD(self.params, lr=lr)
        elif name == "Adam":
            self.optimizer = optim.Adam(self.params, lr=lr)
        elif name == "LBFGS":
            self.steps = 1
            self.optimizer = optim.LBFGS(
                self.params, lr=lr, max_iter=evaluations, max_eval=evaluations,
                tolerance_grad=1e-12, tolerance_change=1e-15, line_search_fn="strong_wolfe",
            )  # fmt: skip
        else:
            raise ArgumentError(
                f"study engine: the optimizer is gradient descent, Adam or LBFGS; got {name!r}"
            )

    def epoch(self, loss: Callable[[], Tensor]) -> float:
        """Go on for an epoch; returns the loss before its last step."""

        def closure() -> Tensor:
            self.optimizer.zero_grad()
            value = loss()
            value.backward()
            return value

        for _ in range(self.steps):
            last = self.optimizer.step(closure)
        return float(last)
