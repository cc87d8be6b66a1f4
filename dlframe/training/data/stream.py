"""The training batches, in epochs that need not be passes of the loader."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from dlframe.data import DataLoader
from dlframe.errors import ArgumentError
from dlframe.random import Generator
from dlframe.training import trainer_state
from dlframe.training.data import batches
from dlframe.training.random_state import random_state, set_random_state


class Stream:
    """The batches of a loader, in epochs: its passes, or `per_epoch` batches each.

    With `per_epoch`, an epoch begins where the last one ended. Where a pass of the loader ends, the
    next pass begins.

    Attributes:
        loader: what gives the batches.
        per_epoch: the batches of an epoch, if they are not a pass.
        length: the batches of an epoch; None if only the end of the pass will tell.
        drawn: the batches drawn in the present pass of the loader.
    """

    def __init__(self, loader: Any, per_epoch: int | None = None) -> None:
        self.loader = loader
        self.per_epoch = per_epoch
        self.length = batches.length_of(loader) if per_epoch is None else per_epoch
        self.drawn = 0
        self.goes_on = False  # whether the loader is the one that the last fit drew from
        self._iterator: Iterator[Any] | None = None

    @property
    def is_once(self) -> bool:
        """Whether the loader is an iterator, which goes on where it is and cannot go back."""
        return is_once(self.loader)

    def rest(self, done: int) -> Iterator[Any]:
        """The batches that are left of an epoch of which `done` are done."""
        empty = 0
        while self.per_epoch is None or done < self.per_epoch:
            try:
                batch = next(self._going())
            except StopIteration:
                self.restart()
                self.drawn = 0
                if self.per_epoch is None:
                    return
                empty += 1  # the first may be a pass that was resumed at its end
                if empty == 2 or self.is_once:
                    raise ArgumentError(
                        f"fit: the training data ended after {done} of {self.per_epoch} batches of "
                        f"an epoch{batches.why_empty(self.loader)}"
                    ) from None
                continue
            self.drawn += 1
            done += 1
            empty = 0
            yield batch

    def go_to(self, position: Any, drawn: int) -> None:
        """Go to where another run, or another fit, was."""
        trainer_state.go_to(self.loader, position)
        self.drawn = drawn
        self.restart()

    def restart(self) -> None:
        """Forget the pass in progress: it is gone on with from the loader's position."""
        self._iterator = None

    def _going(self) -> Iterator[Any]:
        if self._iterator is None:
            self._iterator = iter(self.loader)
            # loaders of ours know where they are
            knows = (self.goes_on and self.is_once) or trainer_state.has_position(self.loader)
            if self.drawn and not knows:
                self._iterator = itertools.islice(self._iterator, self.drawn, None)
        return self._iterator


def is_once(data: Any) -> bool:
    """Whether something can be iterated only once, as a generator."""
    return not hasattr(data, "state_dict") and hasattr(data, "__next__")


class Limited:
    """The first batches of a loader, each time it is iterated; its position is the loader's."""

    def __init__(self, loader: Any, count: int) -> None:
        self.loader = loader
        self.count = count
        if trainer_state.has_position(loader):
            self.state_dict = loader.state_dict
            self.load_state_dict = loader.load_state_dict

    def __len__(self) -> int:
        length = batches.length_of(self.loader)
        return self.count if length is None else min(self.count, length)

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from itertools.islice(self.loader, self.count)
        finally:
            if isinstance(self.loader, DataLoader):
                self.loader._leave_epoch()


def first_batches(loader: Any, count: int, where: str) -> list[Any]:
    """The first batches, not shuffled, as a list; the loader and random numbers stay as they are.

    Raises ArgumentError for an iterator, whose batches would be gone, and where there is no batch.
    """
    if is_once(loader):
        raise ArgumentError(
            f"{where}: the data is an iterator, whose batches would be gone afterwards; pass a "
            "DataLoader, a data set or a list of batches"
        )
    randomness = random_state()  # a sampler of the user's may draw
    found = batches.Batches(Limited(_in_order(loader), count))
    set_random_state(randomness)
    if not found:
        raise ArgumentError(f"{where}: the data gave no batch{batches.why_empty(loader)}")
    return found


def _in_order(loader: Any) -> Iterable[Any]:
    """A loader of the same batches that does not shuffle, and leaves the given one alone."""
    if not isinstance(loader, DataLoader):
        return loader  # type: ignore[no-any-return] # any iterable of batches
    # transforms draw from it: the same numbers in a run that is resumed
    generator = Generator().manual_seed(0)
    how: dict[str, Any] = {"collate_fn": loader.collate_fn, "generator": generator}
    if loader.batch_size is None and loader.batch_sampler is not None:  # a user's own order
        return DataLoader(loader.dataset, batch_sampler=loader.batch_sampler, **how)
    return DataLoader(loader.dataset, loader.batch_size, drop_last=loader.drop_last, **how)
