"""The position of a loader in its epoch, and how to return to it.

The order of an epoch is not stored. Instead the position holds the states of the random generators
at the beginning of the epoch, and how many batches were drawn from the sampler and delivered. A
resumed loader draws the same order again and skips the delivered batches; it reads no data for
them.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from dlframe import random, states
from dlframe.errors import DlframeError, StateDictError
from dlframe.tensor import to_array

VERSION = 1


def generators_of(*objects: Any) -> list[random.Generator]:
    """The default generator, and every other one that a loader or its samplers draw from."""
    found = [random.default_generator]
    for thing in objects:
        generator = getattr(thing, "generator", None)
        if isinstance(generator, random.Generator) and all(generator is not g for g in found):
            found.append(generator)
    return found


def states_of(generators: Iterable[random.Generator]) -> list[np.ndarray[Any, Any]]:
    """Copies of their states, as arrays."""
    return [np.array(to_array(generator.get_state())) for generator in generators]


def restore(generators: Iterable[random.Generator], states: Iterable[Any]) -> None:
    """Put the generators back into these states."""
    for generator, state in zip(generators, states, strict=True):
        generator.set_state(state)


_generator_bytes = states.array(np.uint8, ndim=1)
_MOST_OF_A_STREAM = 10**8  # batches; to skip them, each is noted


def _generator_state(value: Any) -> Any:
    """The state of a generator, tried on one that nobody draws from."""
    state = _generator_bytes(value)
    try:
        random.Generator().set_state(state)
    except DlframeError as error:
        raise StateDictError(f"DataLoader.load_state_dict: {error}") from None
    return state


def position_forms(state: dict[str, Any]) -> dict[str, states.Form]:
    """The forms of a position's entries."""
    forms: dict[str, states.Form] = {
        "epoch": states.count,
        "batch": states.count,
        "in_epoch": states.flag,
        "length": states.integer(-1),
        "generators": states.mapping(_generator_state),
    }
    if "kept_seed" in state:  # of persistent workers, between epochs
        forms["kept_seed"] = states.integer(-(1 << 63))
    if state.get("in_epoch") is True:
        forms |= {
            "drawn": states.count,
            "exhausted": states.flag,
            "base_seed": states.integer(-(1 << 63)),
            "base_seed_given": states.flag,
            "checksum": states.count,
            "start": states.mapping(_generator_state),
        }
    return forms


class EpochOrder:
    """The index batches of one epoch, drawn from the sampler one by one, and counted."""

    def __init__(
        self,
        sampler: Iterable[Any],
        generators: list[random.Generator],
        epoch: int,
        *,
        seed_from: random.Generator,
        base_seed: int | None = None,
        iterate_twice: bool = False,
    ) -> None:
        self.epoch = epoch
        self.base_seed_given = base_seed is not None
        self.start = states_of(generators)
        self.drawn = 0
        self.delivered = 0
        self.exhausted = False  # whether the sampler has ended
        self.finished = False  # whether the consumer knows it
        self._again: deque[Any] = deque()  # drawn before an interruption, but not delivered
        self._last: Any = None  # what the sampler gave last
        # PyTorch draws the base seed after iter(sampler), and with workers calls iter() once more;
        # it matters for a sampler that draws its order in iter() and not at the first next()
        self._indices: Iterator[Any] = iter(sampler)
        if base_seed is None:
            base_seed = int(seed_from.random_int64(1)[0])
            if iterate_twice:
                self._indices = iter(sampler)
        self.base_seed = base_seed

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        """The next index (or list of indices) to fetch."""
        if self._again:
            return self._again.popleft()
        if self.exhausted:
            raise StopIteration
        try:
            indices = next(self._indices)
        except StopIteration:
            self.exhausted = True
            raise
        self.drawn += 1
        self._last = indices
        return indices

    def state(self) -> dict[str, Any]:
        """The position for `replay`, in plain types."""
        return {
            "batch": self.delivered,
            "drawn": self.drawn,
            "exhausted": self.exhausted,
            "base_seed": self.base_seed,
            "base_seed_given": self.base_seed_given,
            "checksum": checksum_of(self._last),
            "start": {str(i): state for i, state in enumerate(self.start)},
        }

    def replay(self, state: dict[str, Any], stream: bool) -> None:
        """Draw the same batches of indices again, and keep those that were not delivered.

        For a stream none is kept: its batches have no indices, so its first batches are fetched
        again and skipped.
        """
        drawn, delivered = int(state["drawn"]), int(state["batch"])
        if delivered > drawn or (stream and drawn > _MOST_OF_A_STREAM):
            raise _changed(f"it would have delivered {delivered} batches of {drawn} drawn")
        replayed: deque[Any] = deque(maxlen=None if stream else max(drawn - delivered, 1))
        for number in range(drawn):
            try:
                replayed.append(next(self._indices))
            except StopIteration:
                raise _changed(
                    f"the sampler ended after {number} batches, the saved run had drawn "
                    f"{state['drawn']}"
                ) from None
        if state["exhausted"] and next(self._indices, None) is not None:
            raise _changed("the sampler goes on where the saved run's had ended")
        self._last = replayed[-1] if replayed else None
        if checksum_of(self._last) != int(state["checksum"]):
            raise _changed("the sampler gives other indices than in the saved run")
        self.drawn = drawn
        self.exhausted = bool(state["exhausted"])
        self.delivered = delivered
        self._again.extend(replayed if stream or drawn > delivered else ())


def checksum_of(batch: Any) -> int:
    """A checksum of one batch of indices, to notice a sampler that gives another order."""
    indices = list(batch) if isinstance(batch, (list, tuple, np.ndarray)) else [batch]
    plain = [int(i) if isinstance(i, np.integer) else i for i in indices]
    return zlib.crc32(repr(plain).encode())


def _changed(what: str) -> StateDictError:
    return StateDictError(
        f"DataLoader: the epoch cannot be resumed: {what}. Resume with the same data set, batch "
        "size and sampler, and let a sampler of your own draw from a dlframe generator that is its "
        "attribute `generator` (or from the default one), so that its state is saved too"
    )
