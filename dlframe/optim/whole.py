"""Updates that need a parameter as a whole: its norm, its rows and columns, a product of matrices.

`FlatOptimizer` gathers many parameters into flat blocks, which only an elementwise rule allows.
Here an update runs once for each parameter, in the parameter's own memory and with intermediate
results in arrays that are kept for the next step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dlframe import states
from dlframe.autograd import enable_grad, mark_mutated_many
from dlframe.base.quiet import quietly
from dlframe.errors import ShapeError
from dlframe.optim.layout import Array, Scratch, check_writeable, other_shape
from dlframe.optim.optimizer import Optimizer, ParamGroup
from dlframe.optim.options import STEPS
from dlframe.tensor import Tensor

__all__: list[str] = []


class WholeOptimizer(Optimizer):
    """An optimizer with a rule for one parameter at a time: a subclass writes `_update`."""

    _counts_steps = True  # whether state["step"] is kept

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        self._scratch = Scratch()
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._scratch = Scratch()

    def _state_shapes(self, p: Tensor) -> dict[str, tuple[int, ...]]:
        """The names of a parameter's state arrays and their shapes; they start with zeros."""
        raise NotImplementedError

    def _update(self, group: ParamGroup, p: Array, g: Array, memory: list[Array], t: int) -> None:
        """Change the parameter and its state arrays in place, at step `t`; `g` is only read."""
        raise NotImplementedError

    def _state_forms(
        self, group: ParamGroup, p: Tensor, entry: Mapping[str, Any]
    ) -> dict[str, states.Form]:
        if not entry:
            return {}
        shapes = self._state_shapes(p)
        forms = {name: states.tensor(shape) for name, shape in shapes.items()}
        return {"step": STEPS, **forms} if self._counts_steps else forms

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient, once.

        Args:
            closure: computes the loss again, calls `backward` on it and returns it; called first.

        Returns:
            What `closure` returned, or None.

        Raises:
            ShapeError: a gradient and its parameter differ in shape.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            moving = [p for p in group["params"] if p.grad is not None]
            for p in moving:
                self._step_of(group, p)
            mark_mutated_many([p.array for p in moving], type(self).__name__ + ".step")
        return loss

    def _step_of(self, group: ParamGroup, p: Tensor) -> None:
        entry, array = self.state[p], p.array
        gradient: Array = p.grad.array
        if gradient.shape != array.shape:
            raise ShapeError(
                "step: the gradient has another shape than its parameter: got "
                f"{list(gradient.shape)} for a parameter of {list(array.shape)}"
            )
        shapes = self._state_shapes(p)
        if not entry:
            if self._counts_steps:
                entry["step"] = Tensor(np.zeros((), np.float32))
            entry.update({n: Tensor(np.zeros(s, array.dtype)) for n, s in shapes.items()})
        for name, shape in shapes.items():
            kept = entry[name].array
            if kept.shape != shape:
                raise other_shape(name, kept.shape, array.shape)
            if kept.dtype != array.dtype:  # the model was cast, and a loaded state would be
                entry[name] = Tensor(kept.astype(array.dtype))
        own = [array, *(entry[name].array for name in shapes)]
        check_writeable(own)
        t = 0
        if self._counts_steps:
            t = int(entry["step"]) + 1
            entry["step"] = Tensor(np.array(t, np.float32))
        if not array.size:
            return
        wide = np.result_type(array.dtype, np.float32)  # float16 is computed in float32
        # in one order of memory, so that sums do not depend on the parameter's
        x, *memory = (np.asarray(a, wide, order="C") for a in own)
        quietly(self._update, group, x, np.asarray(gradient, wide, order="C"), memory, t)
        for mine, computed in zip(own, [x, *memory], strict=True):
            if mine is not computed:
                mine[...] = computed
