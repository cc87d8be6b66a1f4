"""The stream behind all random numbers: the Mersenne Twister, its seed and its state."""

from __future__ import annotations

import operator
import os
import secrets
import threading
import weakref
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from dlframe.base import lazily
from dlframe.errors import ArgumentError, DTypeError
from dlframe.random.checks import F64, Array

if TYPE_CHECKING:
    import numpy.typing as npt  # 12 ms, for annotations alone

DEFAULT_SEED = 67280421310721  # what an unseeded PyTorch generator starts from

_CACHE_BLOCK = 1 << 16  # values made at a time, so that they stay in the cache

# The bytes of `torch.Generator.get_state()`; the fields named `unused` are always zero.
_STATE = np.dtype(
    [
        ("initial_seed", "<u8"),
        ("left", "<i4"),
        ("seeded", "<i4"),
        ("next", "<u8"),
        ("key", "<u8", 624),
        ("unused_x", "<f8"),
        ("spare", "<f8"),
        ("unused_rho", "<f8"),
        ("has_spare", "<i4"),
        ("unused_tail", "V12"),
    ]
)


# All streams, for a fork.
_streams: weakref.WeakSet[Stream] = weakref.WeakSet()
_streams_lock = threading.RLock()
_held: list[Stream] = []  # those that are locked while a process forks


class Stream:
    """Raw draws of MT19937 (Matsumoto and Nishimura, 1998), as `torch.Generator` makes them."""

    def __init__(self, device: str = "cpu") -> None:
        if str(device) != "cpu":
            raise ArgumentError(f"Generator: the device must be 'cpu', got {device!r}")
        self._lock = threading.RLock()
        self._bits = np.random.MT19937(0)
        # The legacy interface, because NumPy promises not to change its numbers (NEP 19).
        self._legacy = np.random.RandomState(self._bits)
        self.manual_seed(DEFAULT_SEED)
        with _streams_lock:
            _streams.add(self)  # now that it is complete

    @property
    def device(self) -> str:
        """The device, always `"cpu"`."""
        return "cpu"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(initial_seed={self.initial_seed()})"

    # --- seed and state ------------------------------------------------------------------------

    def manual_seed(self, seed: int) -> Self:
        """Start the stream of `seed`, from −2⁶³ to 2⁶⁴ − 1, and return the generator.

        A negative seed stands for seed + 2⁶⁴. As in PyTorch, its low 32 bits choose the stream.

        >>> dl.Generator().manual_seed(-1).initial_seed() == 2**64 - 1
        True
        """
        if isinstance(seed, bool) or not hasattr(seed, "__index__"):
            raise DTypeError(f"manual_seed: the seed must be an integer, got {seed!r}")
        seed = operator.index(seed)
        if not -(2**63) <= seed < 2**64:
            raise ArgumentError(f"manual_seed: the seed must lie in [-2**63, 2**64), got {seed}")
        with self._lock:
            self._initial_seed = seed % 2**64
            self._legacy.seed(seed % 2**32)
            self._spare = np.empty(0)  # the second normal of a pair, until it is used
        return self

    def seed(self) -> int:
        """Seed from the operating system's entropy; returns the seed, so a run can be repeated."""
        seed = secrets.randbits(53)  # 53 bits, as in PyTorch: exact as a float, too
        self.manual_seed(seed)
        return seed

    def initial_seed(self) -> int:
        """The seed last set.

        >>> dl.Generator().initial_seed()
        67280421310721
        """
        return self._initial_seed

    def get_state(self) -> npt.NDArray[np.uint8]:
        """The state that determines the next numbers: 5056 bytes in PyTorch's layout.

        So a state can be moved from one library to the other.

        >>> g = dl.Generator()
        >>> state = g.get_state()
        >>> before = g.normal(3)
        >>> g.set_state(state)
        >>> bool((g.normal(3) == before).all())
        True
        """
        state = np.zeros(1, _STATE)
        with self._lock:
            twister = self._bits.state["state"]
            key, position = twister["key"], int(twister["pos"])
            # Right after seeding the key still holds the seed; there PyTorch has 0, NumPy 624.
            fresh = position == 624 and int(key[0]) == self._initial_seed % 2**32
            state["initial_seed"], state["seeded"], state["key"] = self._initial_seed, 1, key
            state["next"], state["left"] = (0, 1) if fresh else (position, 625 - position)
            if self._spare.size:
                state["has_spare"], state["spare"] = 1, self._spare
        return state.view(np.uint8)

    def set_state(self, state: npt.ArrayLike) -> None:
        """Continue from a state that `get_state` returned, here or in PyTorch.

        >>> dl.Generator().set_state(np.zeros(3, np.uint8))
        Traceback (most recent call last):
        dlframe.errors.ArgumentError: set_state: a state has 5056 bytes, got 3; ...
        """
        data = np.asarray(state)
        if data.dtype != np.uint8:
            raise DTypeError(f"set_state: a state is an array of uint8, got {data.dtype}")
        if data.size != _STATE.itemsize:
            raise ArgumentError(
                f"set_state: a state has {_STATE.itemsize} bytes, got {data.size}; "
                "pass what get_state() returned"
            )
        fields = np.frombuffer(data.tobytes(), _STATE)
        left, position = int(fields["left"][0]), int(fields["next"][0])
        if left == 1:
            position = 624  # the next draw makes 624 new words
        if not fields["seeded"][0] or not 1 <= left <= 624 or left + position != 625:
            raise ArgumentError("set_state: these bytes are not the state of a generator")
        with self._lock:
            self._initial_seed = int(fields["initial_seed"][0])
            self._bits.state = {
                "bit_generator": "MT19937",
                "state": {"key": fields["key"][0].astype(np.uint32), "pos": position},
            }
            self._spare = fields["spare"][fields["has_spare"] != 0]

    def clone_state(self) -> Self:
        """A new generator that will give the same numbers as this one."""
        copied: Self = _from_state(type(self), self.get_state())
        return copied

    def __reduce__(self) -> tuple[Any, ...]:
        # For copy.deepcopy, and to send a generator to another process: a lock cannot be pickled.
        return _from_state, (type(self), self.get_state())

    # --- raw draws -----------------------------------------------------------------------------

    def raw32(self, n: int) -> npt.NDArray[np.uint32]:
        """The next `n` draws of the Mersenne Twister, 32 bits each.

        >>> dl.Generator().manual_seed(5489).raw32(2)
        array([3499211612,  581869302], dtype=uint32)
        """
        if n < 4096:  # `randint` is the faster one, but costs ten times as much to call
            return self._bits.random_raw(n).astype(np.uint32)
        return self._legacy.randint(0, 1 << 32, n, dtype=np.uint32)

    def raw64(self, n: int) -> npt.NDArray[np.uint64]:
        """The next `n` 64-bit draws, two of 32 bits each, the high word first."""
        if n < 4096:
            words = self._bits.random_raw(2 * n)
            return words[0::2] << np.uint64(32) | words[1::2]
        return self._legacy.randint(0, 1 << 64, n, dtype=np.uint64)

    def _unit(self, out: Array) -> Array:
        """Fill `out`, 1-d of float32 or float64, with uniforms on [0, 1)."""
        raw, bits = (self.raw64, 53) if out.dtype == F64 else (self.raw32, 24)
        with self._lock:
            for i in range(0, out.size, _CACHE_BLOCK):
                block = out[i : i + _CACHE_BLOCK]
                block[...] = raw(block.size) & (2**bits - 1)
                block *= 0.5**bits
        return out


def _from_state(cls: type[Stream], state: npt.NDArray[np.uint8]) -> Any:
    generator = cls()
    generator.set_state(state)
    return generator


# --- forks -------------------------------------------------------------------------------------

# A fork copies only the thread that forks. So a lock that another thread holds would stay locked in
# the child, which would wait for ever at its first draw. The forking thread therefore takes all
# locks first; then no stream is in the middle of a draw either.


def _before_fork() -> None:
    lazily.before_fork()  # first: an import may make a stream
    _streams_lock.acquire()
    for stream in list(_streams):
        stream._lock.acquire()
        stream._bits.lock.acquire()
        _held.append(stream)


def _after_fork() -> None:
    while _held:
        stream = _held.pop()
        stream._bits.lock.release()
        stream._lock.release()
    _streams_lock.release()
    lazily.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork
    )
