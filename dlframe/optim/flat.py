"""Elementwise updates of many parameters, in a form that is fast with NumPy.

A rule such as Adam's consists of a dozen elementwise operations. If it runs for each parameter, a
small network has the overhead of a dozen NumPy calls for each bias; and if it runs for the whole of
a large weight, each operation reads it from memory. So a rule here gets *blocks*, flat arrays
that fit into the cache:

- Small parameters are gathered, with their gradients, into one flat array, updated together, and
  written back. Their state is always in flat arrays.
- A large parameter is updated in its own memory, block by block, by several threads where that
  pays (`dl.set_num_threads`).

A step allocates no memory, and a parameter's memory is never moved, so arrays that a user got from
`p.numpy()` stay valid. The plan depends on which parameters have gradients, where their
memory is, and which state they have. Each step checks this, and plans again after a change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain, cycle
from operator import is_
from typing import Any, ClassVar

from dlframe import states
from dlframe.autograd import enable_grad, mark_mutated_many
from dlframe.base import threads
from dlframe.base.quiet import quietly
from dlframe.nn.parameter import is_lazy
from dlframe.optim.layout import BLOCK, LARGE, SHARED, Block, Chunk, Layout, Scratch, sharing_memory
from dlframe.optim.optimizer import Optimizer, ParamGroup
from dlframe.optim.options import FORMS, NUMBER, STEPS, WITHOUT_EFFECT
from dlframe.tensor import Tensor

_SWITCHED_OFF = {"momentum": 0, "centered": False, "amsgrad": False}


class FlatOptimizer(Optimizer):
    """An optimizer with an elementwise rule: a subclass names its state and writes `_update`.

    Args:
        params: parameters, or groups of them.
        defaults: the options of every group that does not set them.
        without_effect: the options of `WITHOUT_EFFECT` that PyTorch's optimizer has. They
            are checked and kept as options, so that a state dict has PyTorch's keys.
    """

    _option_forms = FORMS
    _optional_options = WITHOUT_EFFECT | {"maximize": False}
    _looks_at_gradients = True
    # the state that is one number for each parameter; all parameters of a chunk have the same
    _numbers: ClassVar[tuple[str, ...]] = ("step",)

    def __init__(self, params: Any, defaults: dict[str, Any], **without_effect: Any) -> None:
        if without_effect.get("foreach") and without_effect.get("fused"):
            raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
        if without_effect.get("differentiable"):
            raise NotImplementedError(
                f"{type(self).__name__}: differentiable=True is not supported, a step writes into "
                "the parameters. Write an update to differentiate through with tensor operations."
            )
        self._forget_plans()
        super().__init__(params, defaults | without_effect)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._forget_plans()

    def _state_forms(
        self, group: ParamGroup, p: Tensor, entry: Mapping[str, Any]
    ) -> dict[str, states.Form]:
        if not entry:
            return {}
        # what an option wants that was switched on lately may be missing: it starts with zeros
        needed = self._state_names({**group, **_SWITCHED_OFF})
        names = [n for n in self._state_names(group) if n in needed or n in entry]
        forms = dict.fromkeys(names, states.optional(states.tensor(p.array.shape)))
        return {name: STEPS if name == "step" else NUMBER for name in self._numbers} | forms

    def _forget_plans(self) -> None:
        self._plans: dict[int, Plan] = {}
        self._scratch = Scratch()

    def _state_names(self, group: ParamGroup) -> tuple[str, ...]:
        """The names of the state arrays that the rule needs with the group's options."""
        raise NotImplementedError

    def _first_state(self, p: Tensor, group: ParamGroup) -> dict[str, Any]:
        """The state before the first step, up to the last that does not start with zeros."""
        return {}

    def _update(self, group: ParamGroup, chunk: Chunk, blocks: list[Block]) -> None:
        """Apply the rule to each block, in place; gradients are the user's and only read."""
        raise NotImplementedError

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient, once.

        Args:
            closure: computes the loss again, calls `backward` on it and returns it; called first.

        Returns:
            What `closure` returned, or None.

        Raises:
            ShapeError: a gradient and its parameter differ in shape.
            DTypeError: a gradient cannot be cast to the dtype of its parameter.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for index, group in enumerate(self.param_groups):
            plan = self._plans.get(index)
            names = self._state_names(group)
            if plan is None or not plan.fits(group["params"], names, self.state):
                plan = self._plans[index] = Plan(self, group, names, plan)
            looked_at, block = next(plan.turns)
            for chunk in plan.chunks:
                blocks = chunk.load()
                if chunk is looked_at:
                    self._watch.look(self, blocks[block][1])
                if "step" in chunk.numbers:
                    chunk.numbers["step"] += 1
                if len(chunk.shares) < 2:
                    quietly(self._update, group, chunk, blocks)
                else:
                    update = partial(quietly, self._update, group, chunk)
                    threads.together([partial(update, blocks[share]) for share in chunk.shares])
                chunk.store()
            if plan.arrays:
                mark_mutated_many(plan.arrays, type(self).__name__ + ".step")
        return loss


class Plan:
    """The way to update a group: its chunks, and the conditions under which they are valid."""

    def __init__(
        self,
        optimizer: FlatOptimizer,
        group: ParamGroup,
        names: tuple[str, ...],
        previous: Plan | None,
    ) -> None:
        params: list[Tensor] = group["params"]
        self.params, self.names = list(params), names
        self.has_gradient = [p.grad is not None for p in params]
        self.active = [p for p in params if p.grad is not None]
        self.arrays = [p.array for p in self.active]
        ready = [p for p in params if not is_lazy(p)]  # lazy ones come in when they have a size
        self.forms = [(p.array.dtype, p.array.shape) for p in ready]
        if previous and same(previous.params, params) and previous.forms == self.forms:
            # the same flat arrays, so that views of the state that users hold stay valid
            self.layouts: list[Layout] = previous.layouts
        else:
            self.layouts = [
                Layout([p for p in ready if p.array.dtype == dtype])
                for dtype in dict.fromkeys(dtype for dtype, _ in self.forms)
            ]
        self.numbers = optimizer._numbers
        self.threads = threads.number()
        if self.numbers or self.names:
            for p in self.active:  # so that state_dict() lists them in the order of the group
                if not optimizer.state.get(p):
                    optimizer.state[p] = optimizer._first_state(p, group)
        self.chunks: list[Chunk] = []
        for layout in self.layouts:
            self._add_chunks(layout, optimizer)
        # in each step one block is looked at for nan: all of a small network, a part of a large one
        places = [(chunk, i) for chunk in self.chunks for i in range(len(chunk.places))]
        self.turns = cycle(places or [(None, 0)])
        self.values = self._values(optimizer.state)

    def fits(self, params: Sequence[Tensor], names: tuple[str, ...], state: Any) -> bool:
        """Whether the plan is still valid."""
        return (
            same(params, self.params)
            and names == self.names
            and threads.number() == self.threads
            and [p.grad is not None for p in params] == self.has_gradient
            and same([p.array for p in self.active], self.arrays)
            and same(self._values(state), self.values)
            and all(chunk.in_step() for chunk in self.chunks)
        )

    def _values(self, state: Any) -> list[Any]:
        """All state values, any of which the user may have replaced in the dicts."""
        if not (self.numbers or self.names):
            return []
        return list(chain.from_iterable(map(dict.values, map(state.__getitem__, self.active))))

    def _add_chunks(self, layout: Layout, optimizer: FlatOptimizer) -> None:
        """Join neighbours into chunks as long as one update can serve them."""
        place = layout.place
        active = sorted((p for p in self.active if p in place), key=place.__getitem__)
        history = {p: self._adopt(layout, p, optimizer) for p in dict.fromkeys(active)}
        apart = sharing_memory(list(history))  # one's update has to see the other's
        apart |= {p for p, times in Counter(active).items() if times > 1}  # ahead of its neighbours
        runs: list[list[Tensor]] = []
        for p in active:
            joins = (
                bool(runs)
                and place[p] == place[runs[-1][-1]] + 1  # else one between is idle
                and history[p] == history[runs[-1][-1]]
                and apart.isdisjoint([p, runs[-1][-1]])
            )
            if joins and layout.in_place(place[p]):
                joins = layout.in_place(place[runs[-1][0]])
            elif joins:
                size = layout.stops[place[p]] - layout.starts[place[runs[-1][0]]]
                joins = p.array.size < LARGE and size <= BLOCK
            if joins:
                runs[-1].append(p)
            else:
                runs.append([p])
        for run in runs:
            fresh, _ = history[run[0]]
            ends = place[run[0]], place[run[-1]]
            self.chunks.append(
                Chunk(
                    layout,
                    *ends,
                    self.names,
                    optimizer._scratch,
                    fresh,
                    self.numbers,
                    self._threads_for(run),
                )
            )

    def _threads_for(self, run: Sequence[Tensor]) -> int:
        """How many threads are worth waking; a rule that changes numbers runs only once."""
        size = sum(p.array.size for p in run)
        # threads that meet between short operations wait for each other: Python's lock
        if size < SHARED * len(run) // 4 or not {"step"}.issuperset(self.numbers):
            return 1
        return max(1, min(self.threads, size // SHARED))

    def _adopt(self, layout: Layout, p: Tensor, optimizer: FlatOptimizer) -> tuple[bool, Any]:
        """Bring the state of `p` into the layout: whether there was none, and its numbers."""
        if not (self.numbers or self.names):
            return False, ()
        entry, place = optimizer.state[p], layout.place[p]
        for name in self.numbers:
            layout.adopt(entry, name, place)
        fresh = [layout.adopt(entry, name, place) for name in self.names]
        return any(fresh), tuple(entry[name].item() for name in self.numbers)


def same(a: Sequence[Any], b: Sequence[Any]) -> bool:
    """Whether two sequences hold the very same objects; `==` would compare tensors by element."""
    return len(a) == len(b) and all(map(is_, a, b))
