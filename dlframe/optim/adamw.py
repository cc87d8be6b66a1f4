"""AdamW: Adam with weight decay that does not enter its averages."""

from __future__ import annotations

from typing import Any

from dlframe.optim.adam import Adam
from dlframe.tensor import Tensor

__all__ = ["AdamW"]


class AdamW(Adam):
    """Adam whose weight decay reduces the parameters directly, and is not part of the gradient.

    One step as a readable function: `dlframe.optim.adam.adam_formula`.

    With γ the learning rate and λ the weight decay, each step begins with ::

        θ ← θ − γ λ θ

    and continues as `Adam` without weight decay. So λ acts equally on all elements, and is not
    divided by √v̂. Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019), algorithm
    2.

    Arguments and errors are those of `Adam`.

    >>> weight = nn.Parameter(dl.tensor([4.0, 0.0]))
    >>> optimizer = optim.AdamW([weight], lr=0.5, weight_decay=0.1)
    >>> weight.grad = dl.zeros(2)
    >>> optimizer.step()  # no gradient: only the decay by 1 - 0.5 * 0.1
    >>> weight.tolist()
    [3.8, 0.0]
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True  # also after loading the state of an Adam
