"""DataLoader: batches from a data set, in PyTorch's order, fetched ahead by workers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sized
from types import GenericAlias
from typing import TYPE_CHECKING, Any, cast

from dlframe import random, states
from dlframe.base.printable import printable
from dlframe.data.collate import default_collate, default_convert
from dlframe.data.dataset import IterableDataset
from dlframe.data.fetch import FetchPlan
from dlframe.data.iterators import LoaderIterator, SingleIterator, WorkerIterator
from dlframe.data.position import (
    VERSION,
    EpochOrder,
    generators_of,
    position_forms,
    restore,
    states_of,
)
from dlframe.data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler
from dlframe.errors import AssertedArgumentError, StateDictError

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext


class _Endless(Sampler[None]):
    """The sampler of a stream, which has no indices: it repeats None without end."""

    def __iter__(self) -> Iterator[None]:
        return itertools.repeat(None)


class DataLoader:
    """Iterates over a data set in batches; the same seed gives the same batches as in PyTorch.

    The arguments are PyTorch's. Differences:

    - Workers (`num_workers`) are threads. They share the data set and start at once, and NumPy
      releases the GIL while it computes. `worker_type="process"` starts processes instead (always
      "spawn", so dataset and functions must be picklable, and a script needs `if __name__ ==
      "__main__":`). `multiprocessing_context` implies processes.
    - If the data set has `__getitems__`, a batch is fetched at once; it never shares memory with
      the data set.
    - A worker's error is of the same kind, and also a WorkerError that names the sample, with the
      original as its cause. It ends the epoch.
    - `pin_memory` and `pin_memory_device` are accepted and do nothing: there is no device to
      copy to.
    - In a worker, what `manual_seed` and random functions use is a generator of its own, with
      PyTorch's seed. Python's and NumPy's generators are seeded so in processes; threads share
      them.
    - Random transforms draw from a separate stream for each sample, which is computed from the
      base seed, the epoch and the sample's index (`dlframe.data.stream`).
    - `state_dict` and `load_state_dict` resume in the middle of an epoch.

    >>> import dlframe as dl
    >>> from dlframe.data import TensorDataset
    >>> data = TensorDataset(dl.arange(5))
    >>> [batch[0].tolist() for batch in DataLoader(data, batch_size=2)]
    [[0, 1], [2, 3], [4]]
    """

    # PyTorch's has a type variable, for the batches: `DataLoader[Any]` in an annotation
    __class_getitem__: Any = classmethod(GenericAlias)

    _initialized = False

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: str | BaseContext | None = None,
        generator: random.Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
        worker_type: str = "thread",
    ) -> None:
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.in_order = in_order
        self.worker_type = worker_type
        self.multiprocessing_context = multiprocessing_context
        self.generator = generator
        self.persistent_workers = persistent_workers
        self._check_workers()
        self._is_stream = isinstance(dataset, IterableDataset)
        if self._is_stream:
            _check_stream_options(shuffle, sampler, batch_sampler)
        _check_sampling_options(batch_size, shuffle, sampler, batch_sampler, drop_last)
        if batch_sampler is not None:
            batch_size = None
        if sampler is None:
            sampler = self._default_sampler(bool(shuffle))
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        if collate_fn is None:
            collate_fn = default_convert if batch_sampler is None else default_collate
        self.collate_fn = collate_fn
        self._len_called: int | None = None  # len() of a stream, once asked for
        self._epochs = 0  # epochs begun
        self._order: EpochOrder | None = None  # of the epoch begun last
        self._resume: dict[str, Any] | None = None  # where the next epoch is to start
        self._kept: WorkerIterator | None = None  # persistent workers
        self._kept_seed: int | None = None  # of those in a loaded state
        self._initialized = True

    def _check_workers(self) -> None:
        if self.num_workers < 0:
            raise ValueError(
                "num_workers option should be non-negative; use num_workers=0 to load in the main "
                f"thread. Got num_workers={self.num_workers}"
            )
        if self.timeout < 0:
            raise ValueError(f"timeout option should be non-negative; got {self.timeout}")
        if self.num_workers == 0:
            if self.prefetch_factor is not None:
                raise ValueError(
                    "prefetch_factor option could only be specified with workers: "
                    "let num_workers > 0, or leave prefetch_factor out"
                )
            if self.persistent_workers:
                raise ValueError("persistent_workers option needs num_workers > 0")
        elif self.prefetch_factor is None:
            self.prefetch_factor = 2
        elif self.prefetch_factor < 0:
            raise ValueError(
                f"prefetch_factor option should be non-negative; got {self.prefetch_factor}"
            )
        if self.worker_type not in {"thread", "process"}:
            raise ValueError(
                f"worker_type should be 'thread' or 'process'; got {self.worker_type!r}"
            )

    @property
    def multiprocessing_context(self) -> BaseContext | None:
        """How worker processes are started; setting it, also by name, makes workers processes."""
        return self._context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context: str | BaseContext | None) -> None:
        self._context = _context(context, self.num_workers)
        if context is not None:
            self.worker_type = "process"

    def _default_sampler(self, shuffle: bool) -> Iterable[Any]:
        if self._is_stream:
            return _Endless()
        if shuffle:
            return RandomSampler(self.dataset, generator=self.generator)
        return SequentialSampler(self.dataset)

    def __setattr__(self, name: str, value: Any) -> None:
        fixed = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset")
        if self._initialized and name in (*fixed, "persistent_workers"):
            raise ValueError(
                f"{name} attribute should not be set after {type(self).__name__} is initialized"
            )
        super().__setattr__(name, value)

    def __len__(self) -> int:
        """The number of batches in an epoch; for a stream it is computed from its `__len__`."""
        if not self._is_stream:
            return len(cast("Sized", self._index_sampler))
        length = self._len_called = len(self.dataset)
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else -(-length // self.batch_size)

    @property
    def _index_sampler(self) -> Iterable[Any]:
        """The sampler to draw from: it gives lists of indices, or single indices."""
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    @property
    def plan(self) -> FetchPlan:
        """How a batch is fetched; workers get a copy."""
        return FetchPlan(
            iterable=self._is_stream,
            batched=self.batch_sampler is not None,
            drop_last=self.drop_last,
            collate_fn=self.collate_fn,
        )

    def __iter__(self) -> LoaderIterator:
        if self.num_workers == 0:
            if self.timeout:
                raise AssertedArgumentError(
                    "timeout needs num_workers > 0: the main thread cannot interrupt itself"
                )
            return SingleIterator(self, self._begin_epoch())
        kept = self._kept
        if kept is not None and not kept.closed:
            kept.begin(self, self._begin_epoch(base_seed=kept.base_seed))
            return kept
        if not self.persistent_workers:
            return WorkerIterator(self, self._begin_epoch())
        self._kept = iterator = WorkerIterator(self, self._begin_epoch(self._kept_seed))
        self._kept_seed = None
        return iterator

    def _generators(self) -> list[random.Generator]:
        inner = getattr(self.batch_sampler, "sampler", None)
        return generators_of(self, self.sampler, self.batch_sampler, inner)

    def _begin_epoch(self, base_seed: int | None = None) -> EpochOrder:
        """A new epoch, or the one that was loaded."""
        resume, self._resume = self._resume, None
        if resume is None:
            order = self._new_order(self._epochs, base_seed)
            self._epochs += 1
        else:
            order = self._resumed_order(resume)
            self._epochs = order.epoch + 1
        self._order = order
        return order

    def _new_order(self, epoch: int, base_seed: int | None) -> EpochOrder:
        return EpochOrder(
            self._index_sampler,
            self._generators(),
            epoch,
            seed_from=random.or_default(self.generator),
            base_seed=base_seed,
            iterate_twice=self.num_workers > 0,
        )

    def _resumed_order(self, state: dict[str, Any]) -> EpochOrder:
        generators = self._generators()
        now = states_of(generators)
        restore(generators, [state["start"][str(i)] for i in range(len(generators))])
        try:
            base_seed = int(state["base_seed"]) if state["base_seed_given"] else None
            order = self._new_order(int(state["epoch"]), base_seed)
            order.replay(state, stream=self._is_stream)
        finally:
            # the saved run has made the draws above already
            restore(generators, now)
        return order

    def state_dict(self) -> dict[str, Any]:
        """The loader's position, as numbers and arrays: its epoch, batch and order.

        Call it between two batches; the batch that the loop is working on counts as done. The state
        of generators given to the loader or its samplers is included. The present state of the
        default generator is not, because it belongs to the whole program: save
        `dl.get_rng_state()` as well.

        >>> import dlframe as dl
        >>> from dlframe.data import TensorDataset
        >>> loader = DataLoader(TensorDataset(dl.arange(6)), batch_size=2, shuffle=True)
        >>> batches = iter(loader)
        >>> _ = next(batches)
        >>> state = loader.state_dict()
        >>> rest = [batch[0].tolist() for batch in batches]
        >>> loader.load_state_dict(state)
        >>> rest == [batch[0].tolist() for batch in loader]
        True
        """
        own = self._generators()[1:]
        state: dict[str, Any] = {
            "version": VERSION,
            "epoch": self._epochs,
            "batch": 0,
            "in_epoch": False,
            "length": self._dataset_length(),
            "generators": {str(i): value for i, value in enumerate(states_of(own))},
        }
        if self._resume is not None:
            return {**self._resume, "generators": state["generators"]}
        order = self._order
        if order is not None and not order.finished:
            self._check_order_is_kept()
            state.update(order.state(), epoch=order.epoch, in_epoch=True)
        elif (seed := self._seed_of_kept()) is not None:
            state["kept_seed"] = seed
        return state

    def _check_order_is_kept(self) -> None:
        if self.num_workers and not self.in_order:
            raise StateDictError(
                "DataLoader.state_dict: with in_order=False it is chance which batches of an epoch "
                "have come, so there is no place in the middle to go on from. Call it between two "
                "epochs, or let in_order=True"
            )

    def _leave_epoch(self) -> None:
        """The epoch in progress will not be gone on with: the next iteration begins another."""
        if self._resume is not None:
            self._begin_epoch()
        if self._order is not None:
            self._order.finished = True

    def _seed_of_kept(self) -> int | None:
        """The seed with which persistent workers began: later epochs draw none."""
        kept = self._kept
        return self._kept_seed if kept is None or kept.closed else kept.base_seed

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load a position: the next `iter(loader)` gives the rest of the saved epoch.

        The number of workers may differ. Raises StateDictError for a data set of another length
        or another set of generators. A sampler that gives another order raises it when iteration
        begins.
        """
        where = "DataLoader.load_state_dict"
        known = sorted(map(str, state)) if isinstance(state, dict) else []
        version = state["version"] if "version" in known else None
        if type(version) is not int or version != VERSION:
            keys = printable(known, longest=200)
            raise StateDictError(
                f"{where}: this is not the state of a DataLoader, or of another version; got the "
                f"keys {keys}"
            )
        given = states.take(state, where, **position_forms(state))
        if given["length"] != self._dataset_length():
            raise StateDictError(
                f"{where}: the state belongs to a data set of {given['length']} "
                f"samples, this one has {self._dataset_length()}"
            )
        own = self._generators()[1:]
        if list(given["generators"]) != [str(i) for i in range(len(own))]:
            raise StateDictError(
                f"{where}: the state has {len(given['generators'])} generators "
                f"besides the default one, this loader has {len(own)}; pass generator= as it was"
            )
        if given["in_epoch"] and len(given["start"]) != len(own) + 1:
            raise StateDictError(f"{where}: the start of the epoch lacks the state of a generator")
        restore(own, list(given["generators"].values()))
        self._order = None
        self._epochs = given["epoch"]
        self._resume = {"version": VERSION, **given} if given["in_epoch"] else None
        self._keep_seed(given.get("base_seed", given.get("kept_seed")))

    def _keep_seed(self, seed: int | None) -> None:
        """Give persistent workers the seed of a loaded state; without one, they begin anew."""
        self._kept_seed = seed if self.persistent_workers else None
        kept = self._kept
        if kept is not None and seed is None:
            kept.close()
        elif kept is not None and seed is not None:
            kept.base_seed = seed

    def _dataset_length(self) -> int:
        """The length of the data set, or -1 if it has none."""
        try:
            return len(self.dataset)
        except (TypeError, NotImplementedError):
            return -1


def _context(context: str | BaseContext | None, num_workers: int) -> BaseContext | None:
    if context is None:
        return None
    import multiprocessing  # here, since threads do not need it
    from multiprocessing.context import BaseContext

    if num_workers == 0:
        raise ValueError(
            "multiprocessing_context can only be used with num_workers > 0; got num_workers=0"
        )
    if isinstance(context, str):
        known = multiprocessing.get_all_start_methods()
        if context not in known:
            raise ValueError(
                f"multiprocessing_context option should specify a valid start method in {known}, "
                f"but got multiprocessing_context={context!r}"
            )
        return multiprocessing.get_context(context)
    if not isinstance(context, BaseContext):
        raise TypeError(
            "multiprocessing_context option should be a valid context object or a string "
            f"specifying the start method, but got multiprocessing_context={context}"
        )
    return context


def _check_stream_options(shuffle: Any, sampler: Any, batch_sampler: Any) -> None:
    options = {"shuffle": shuffle or None, "sampler": sampler, "batch_sampler": batch_sampler}
    for name, value in options.items():
        if value is not None:
            raise ValueError(
                f"DataLoader with IterableDataset: expected unspecified {name} option, but got "
                f"{name}={value}; a stream decides its own order"
            )


def _check_sampling_options(
    batch_size: Any, shuffle: Any, sampler: Any, batch_sampler: Any, drop_last: bool
) -> None:
    if sampler is not None and shuffle:
        raise ValueError("sampler option is mutually exclusive with shuffle")
    if batch_sampler is not None:
        if batch_size != 1 or shuffle or sampler is not None or drop_last:
            raise ValueError(
                "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, "
                "and drop_last"
            )
    elif batch_size is None and drop_last:
        raise ValueError(
            "batch_size=None option disables auto-batching and is mutually exclusive with drop_last"
        )
