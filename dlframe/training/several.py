"""Several optimizers or schedules in one trainer, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dlframe import states
from dlframe.errors import StateDictError

SCHEDULES = (
    "Trainer: with several optimizers, pass a dict of schedules by the names of their optimizers"
)
"""What is said of one schedule for several optimizers."""


class Several(Mapping[str, Any]):
    """Optimizers, or schedules, by name: `trainer.optimizer["critic"]`.

    What is asked of all of them is answered for all: their states, `param_groups`, `zero_grad`.
    The steps of optimizers are made one by one, in `Trainer.train_step`.
    """

    needs_closure = False

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self._parts = dict(parts)

    def __getitem__(self, name: str) -> Any:
        return self._parts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of all optimizers, one after another."""
        return [group for one in self._parts.values() for group in one.param_groups]

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for one in self._parts.values():
            one.zero_grad()

    def state_dict(self) -> dict[str, Any]:
        """The states of all parts, by their names."""
        return {name: one.state_dict() for name, one in self._parts.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load what `state_dict` gave."""
        if not isinstance(state, dict) or sorted(map(str, state)) != sorted(self._parts):
            raise StateDictError(
                f"expected the states of {', '.join(self._parts)}; got {states.shown(state)}"
            )
        for name, one in self._parts.items():
            one.load_state_dict(state[name])

    def _state_holders(self) -> list[Any]:
        return [holder for one in self._parts.values() for holder in states.holders(one)]
