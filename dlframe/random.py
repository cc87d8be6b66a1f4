"""Random numbers: PyTorch's CPU generator, number for number.

After the same `manual_seed`, a `Generator` gives what PyTorch 2.13 gives on a CPU, so initial
weights, shuffles and dropout masks carry over. Its methods return ndarrays. `generator=None`,
here and elsewhere, means `default_generator`, which `manual_seed` seeds.

All numbers come from one stream, the Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998),
32 bits a draw; a 64-bit draw is two of them, the high word first. What becomes of the draws:

===============  ================================================================================
``uniform``      float32: the low 24 bits of a draw · 2⁻²⁴; float64: the low 53 bits of 64 · 2⁻⁵³
``normal``       Box–Muller: 16 values and more in blocks of 16, fewer in pairs
``randint``      low + draw mod (high − low); a range of 2²⁸ or more takes 64-bit draws
``random``       draw mod (the dtype's maximum + 1): PyTorch's ``random_()``
``randperm``     Fisher–Yates from the front: swap i with i + draw mod (n − i)
``bernoulli``    uniform < p, in p's dtype
``keep_mask``    float64 uniform < p: PyTorch's ``bernoulli_(p)`` for a number p, and its dropout
``multinomial``  with replacement: where a float64 uniform falls among the cumulative sums;
                 without: the largest p / exponential
the rest         the inverse distribution function of a float64 uniform, rounded to the dtype
===============  ================================================================================

Which numbers are equal to PyTorch's, and where that depends on the build:

- On every build: `uniform` on [0, 1), integers, permutations, `bernoulli`, `keep_mask`, the state;
  `multinomial`, unless candidates tie to the last bit (without replacement from many float32).
- To rounding: `normal`, `log_normal`, `exponential`, `cauchy` (and `geometric` next to an integer),
  since every build of PyTorch and of NumPy has its own `log`, `sin` and `cos`.
- `uniform` on another [low, high) is x · (high − low) + low, in float32 rounded once: PyTorch on
  x86 with AVX2 (a fused multiply-add); without it PyTorch rounds twice. NumPy cannot fuse in
  float64: there the last bit can differ.
- Intel's MKL plays no part in PyTorch 2.13. Versions up to 2.4 or so, if built with MKL and run on
  an Intel processor, took `bernoulli_(p)`, dropout, `exponential_` and `multinomial` from MKL's own
  generator; its numbers repeated. They are not reproduced here.

Methods are atomic, so threads may share a generator; who gets which numbers is then up to chance.
`sample_rng` gives every sample a stream of its own instead.
"""

from __future__ import annotations

import math
import operator
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe.errors import ArgumentError, DTypeError, ShapeError

if TYPE_CHECKING:
    import numpy.typing as npt  # 12 ms, for annotations alone

Array = np.ndarray[Any, np.dtype[Any]]
Shape = int | Sequence[int]

DEFAULT_SEED = 67280421310721  # what an unseeded PyTorch generator starts from

_F16, _F32, _F64 = np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64)
_CACHE_BLOCK = 1 << 16  # so many values are made at a time: they stay in the cache
_RANDPERM_LIMIT = (2**32 - 1) // 20  # from this size on PyTorch shuffles by another algorithm

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


class Generator:
    """A stream of random numbers, equal to that of `torch.Generator` on a CPU.

    >>> from dlframe.random import Generator
    >>> g = Generator().manual_seed(0)
    >>> g.uniform(3)
    array([0.4962566 , 0.7682218 , 0.08847743], dtype=float32)
    >>> g.randperm(5)
    array([0, 4, 2, 1, 3])
    """

    def __init__(self, device: str = "cpu") -> None:
        if str(device) != "cpu":
            raise ArgumentError(f"Generator: the device must be 'cpu', got {device!r}")
        self._lock = threading.RLock()
        self._bits = np.random.MT19937(0)
        # The legacy interface, because NumPy promises never to change its numbers (NEP 19).
        self._legacy = np.random.RandomState(self._bits)
        self.manual_seed(DEFAULT_SEED)

    @property
    def device(self) -> str:
        """The device, always ``"cpu"``."""
        return "cpu"

    def __repr__(self) -> str:
        return f"Generator(initial_seed={self.initial_seed()})"

    # -- seed and state --------------------------------------------------------------------------

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream of `seed`, from −2⁶³ to 2⁶⁴ − 1, and return the generator.

        A negative seed stands for seed + 2⁶⁴. As in PyTorch, its low 32 bits choose the stream.

        >>> Generator().manual_seed(-1).initial_seed() == 2**64 - 1
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
            self._spare = np.empty(0)  # the second normal of a pair, while nobody has taken it
        return self

    def seed(self) -> int:
        """Seed from the operating system's entropy; returns the seed, so a run can be repeated."""
        seed = secrets.randbits(53)  # 53 bits, as in PyTorch: exact as a float, too
        self.manual_seed(seed)
        return seed

    def initial_seed(self) -> int:
        """The seed last set.

        >>> Generator().initial_seed()
        67280421310721
        """
        return self._initial_seed

    def get_state(self) -> npt.NDArray[np.uint8]:
        """All that determines the numbers to come: 5056 bytes, laid out as PyTorch's are.

        So a state goes from one library to the other.

        >>> g = Generator()
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
        """Go on from where `get_state` was called; takes its bytes, or those of PyTorch.

        >>> Generator().set_state(np.zeros(3, np.uint8))
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

    def clone_state(self) -> Generator:
        """A new generator that will give the same numbers as this one."""
        return _from_state(self.get_state())

    def __reduce__(self) -> tuple[Any, ...]:
        # For copy.deepcopy, and for sending a generator to another process: a lock cannot travel.
        return _from_state, (self.get_state(),)

    # -- raw draws -------------------------------------------------------------------------------

    def raw32(self, n: int) -> npt.NDArray[np.uint32]:
        """The next `n` draws of the Mersenne Twister, 32 bits each.

        >>> Generator().manual_seed(5489).raw32(2)
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
        raw, bits = (self.raw64, 53) if out.dtype == _F64 else (self.raw32, 24)
        with self._lock:
            for i in range(0, out.size, _CACHE_BLOCK):
                block = out[i : i + _CACHE_BLOCK]
                block[...] = raw(block.size) & (2**bits - 1)
                block *= 0.5**bits
        return out

    # -- real numbers ----------------------------------------------------------------------------

    def uniform(
        self, shape: Shape, dtype: npt.DTypeLike = _F32, *, low: float = 0.0, high: float = 1.0
    ) -> Array:
        """Numbers spread evenly over [low, high): `torch.rand` and `Tensor.uniform_(low, high)`.

        >>> Generator().manual_seed(0).uniform((1, 2), low=-1, high=1)
        array([[-0.00748682,  0.5364436 ]], dtype=float32)
        """
        shape, n = _sizes("uniform", shape)
        dtype = _float_dtype("uniform", dtype)
        work = _F64 if dtype == _F64 else _F32
        u = np.empty(n, work)
        if (low, high) == (0, 1) and dtype == work:
            return self._unit(u).reshape(shape)
        limit = float(np.finfo(dtype).max)
        if not -limit <= low <= high <= limit or high - low > limit:
            raise ArgumentError(
                f"uniform: [low, high) must be a range that {dtype} holds, got [{low}, {high})"
            )
        start, width = work.type(low), work.type(high) - work.type(low)
        # For float32 the product is exact in float64: one rounding, at the end.
        values = self._unit(u).astype(_F64, copy=False)
        values *= float(width)
        values += float(start)
        out = values.astype(work, copy=False).astype(dtype, copy=False)
        out[out == dtype.type(high)] = low  # rounding may have reached `high`
        return out.reshape(shape)

    def normal(
        self, shape: Shape, dtype: npt.DTypeLike = _F32, *, mean: float = 0.0, std: float = 1.0
    ) -> Array:
        """Normally distributed numbers: `torch.randn` and `Tensor.normal_(mean, std)`.

        First all uniforms are drawn; then each block of 16 becomes 16 normals (`_box_muller`). If
        the size is no multiple of 16, the last 16 values are made anew from 16 more uniforms. Fewer
        than 16 come from `normal_by_pairs`: `normal(15)` and `normal(16)` have nothing in common.

        >>> Generator().manual_seed(0).normal(3).round(4)
        array([ 1.541 , -0.2934, -2.1788], dtype=float32)
        """
        shape, n = _sizes("normal", shape)
        dtype = _float_dtype("normal", dtype)
        if n < 16:
            return self.normal_by_pairs(shape, dtype, mean=mean, std=std)
        _check_std(std)
        out = np.empty(n, _F64 if dtype == _F64 else _F32)
        whole = n - n % 16
        with self._lock:
            # In float16 PyTorch draws no uniforms for the incomplete block.
            self._unit(out[:whole] if dtype == _F16 else out)
            last = self._unit(np.empty(16 if n % 16 else 0, out.dtype))
        for i in range(0, whole, _CACHE_BLOCK):
            _box_muller(out[i : min(i + _CACHE_BLOCK, whole)])
        if n % 16:
            out[-16:] = _box_muller(last)
        if std != 1:
            out *= float(std)
        if mean != 0:
            out += float(mean)
        return out.astype(dtype, copy=False).reshape(shape)

    def normal_by_pairs(
        self, shape: Shape, dtype: npt.DTypeLike = _F32, *, mean: float = 0.0, std: float = 1.0
    ) -> Array:
        """Normals made two at a time in float64, as PyTorch makes fewer than 16.

        (It fills non-contiguous tensors of any size so, too.) Of two uniforms the first gives the
        angle, the second the radius √(−2 log(1 − u)). The cosine comes first; a sine that is left
        over begins the next call.

        >>> g = Generator().manual_seed(0)
        >>> g.normal_by_pairs(1).round(4), g.normal_by_pairs(2).round(4)
        (array([1.541], dtype=float32), array([-0.2934, -2.1788], dtype=float32))
        """
        shape, n = _sizes("normal", shape)
        dtype = _float_dtype("normal", dtype)
        _check_std(std)
        with self._lock:
            pairs = (max(n - self._spare.size, 0) + 1) // 2
            u = self._unit(np.empty(2 * pairs)).reshape(pairs, 2)
            angle, radius = 2 * math.pi * u[:, 0], np.sqrt(-2 * np.log1p(-u[:, 1]))
            points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
            values = np.concatenate([self._spare, points.ravel()])
            self._spare = values[n:].copy()
        return (values[:n] * float(std) + float(mean)).astype(dtype).reshape(shape)

    def log_normal(
        self, shape: Shape, dtype: npt.DTypeLike = _F32, *, mean: float = 1.0, std: float = 2.0
    ) -> Array:
        """exp of normals, made by pairs: `Tensor.log_normal_(mean, std)`, with its defaults."""
        dtype = _float_dtype("log_normal", dtype)
        _check_positive("log_normal", "std", std)
        values = self.normal_by_pairs(shape, _F64, mean=mean, std=std)
        return np.asarray(np.exp(values)).astype(dtype)

    def exponential(
        self, shape: Shape, dtype: npt.DTypeLike = _F32, *, lambd: float = 1.0
    ) -> Array:
        """−log(1 − u) / lambd, for u uniform: `Tensor.exponential_(lambd)`.

        >>> Generator().manual_seed(0).exponential(2).round(4)
        array([3.5083, 1.2304], dtype=float32)
        """
        dtype = _float_dtype("exponential", dtype)
        _check_positive("exponential", "lambd", lambd)
        u = self.uniform(shape, _F64)
        return np.asarray(-1.0 / lambd * np.log1p(-u)).astype(dtype)

    def cauchy(
        self, shape: Shape, dtype: npt.DTypeLike = _F32, *, median: float = 0.0, sigma: float = 1.0
    ) -> Array:
        """median + sigma · tan(π (u − ½)), for u uniform: `Tensor.cauchy_(median, sigma)`."""
        dtype = _float_dtype("cauchy", dtype)
        _check_positive("cauchy", "sigma", sigma)
        u = self.uniform(shape, _F64)
        return np.asarray(median + sigma * np.tan(math.pi * (u - 0.5))).astype(dtype)

    def geometric(self, p: float, shape: Shape, dtype: npt.DTypeLike = _F32) -> Array:
        """⌈log u / log(1 − p)⌉, the number of trials up to a success: `Tensor.geometric_(p)`."""
        if not 0 < p < 1:
            raise ArgumentError(f"geometric: p must lie strictly between 0 and 1, got {p}")
        u = self.uniform(shape, _F64)
        return np.asarray(np.ceil(np.log(u) / math.log1p(-p))).astype(dtype)

    # -- integers --------------------------------------------------------------------------------

    def randint(self, low: int, high: int, shape: Shape, dtype: npt.DTypeLike = np.int64) -> Array:
        """Integers from `low` to `high` − 1: `torch.randint(low, high, shape)`.

        >>> Generator().manual_seed(0).randint(0, 10, 5)
        array([4, 9, 3, 0, 3])
        """
        shape, n = _sizes("randint", shape)
        dtype = np.dtype(dtype)
        low, high = operator.index(low), operator.index(high)
        if not low < high:
            raise ArgumentError(f"randint: low must be less than high, got [{low}, {high})")
        integer = dtype.kind in "iu" and dtype != np.uint64
        bounds = np.iinfo(dtype if integer else np.int64)
        if low < bounds.min or high - 1 > bounds.max:
            raise ArgumentError(f"randint: {dtype} cannot hold all of [{low}, {high})")
        width = high - low
        draws = self.raw64(n) if width >= 2**28 else self.raw32(n)
        if width == 2**64:  # then PyTorch takes the draw itself, as a signed number
            return draws.astype(np.int64).astype(dtype, copy=False).reshape(shape)
        values = (draws % draws.dtype.type(width)).astype(np.int64)
        values += np.int64(low)  # integers wrap around, so a width above 2⁶³ comes out right, too
        return values.astype(dtype, copy=False).reshape(shape)

    def random(self, shape: Shape, dtype: npt.DTypeLike = np.int64) -> Array:
        """Any non-negative value of an integer dtype: `Tensor.random_()`.

        Of a float dtype, any integer from 0 to 2^(bits of its precision); of bool, either value.
        """
        shape, n = _sizes("random", shape)
        dtype = np.dtype(dtype)
        if dtype == np.bool:
            count = 2
        elif dtype.kind == "f":
            count = 2 ** (np.finfo(dtype).nmant + 1) + 1
        else:
            count = int(np.iinfo(dtype).max) + 1
        draws = self.raw64(n) if dtype in (np.int64, _F64) else self.raw32(n)
        return (draws % draws.dtype.type(count)).astype(dtype).reshape(shape)

    def random_int64(self, n: int) -> npt.NDArray[np.int64]:
        """`n` integers from 0 to 2⁶³ − 1: the seeds that PyTorch's loaders and samplers draw.

        >>> Generator().manual_seed(0).random_int64(1)
        array([900450186894289455])
        """
        return self.random(n, np.int64)

    def randperm(self, n: int) -> npt.NDArray[np.int64]:
        """The integers from 0 to n − 1 in random order: `torch.randperm(n)`.

        >>> Generator().manual_seed(0).randperm(4)
        array([0, 1, 3, 2])
        """
        if not 0 <= n < _RANDPERM_LIMIT:
            raise ArgumentError(f"randperm: n must lie in [0, {_RANDPERM_LIMIT}), got {n}")
        first = np.arange(max(n - 1, 0), dtype=np.uint32)
        second = first + self.raw32(first.size) % (np.uint32(n) - first)
        order = list(range(n))  # every swap needs the one before; nothing swaps as fast as a list
        for i, j in enumerate(second.tolist()):
            order[i], order[j] = order[j], order[i]
        return np.array(order, dtype=np.int64)

    # -- choices ---------------------------------------------------------------------------------

    def bernoulli(self, p: npt.ArrayLike) -> Array:
        """1 with probability p, else 0, for each p of an array, in its dtype: `torch.bernoulli(p)`.

        >>> Generator().manual_seed(0).bernoulli(np.array([0.0, 0.8, 1.0]))
        array([0., 1., 1.])
        """
        p = np.asarray(p)
        dtype = _float_dtype("bernoulli", p.dtype)
        _check_all("bernoulli", "p must lie in [0, 1]", p, (p >= 0) & (p <= 1))
        u = self.uniform(p.shape, _F64 if dtype == _F64 else _F32)
        return np.asarray(u < p).astype(dtype)

    def keep_mask(self, p: float, shape: Shape) -> npt.NDArray[np.bool]:
        """True with probability p, the same p for all: `Tensor.bernoulli_(p)`.

        Dropout at rate r keeps where ``keep_mask(1 - r, shape)`` is True.

        >>> Generator().manual_seed(0).keep_mask(0.5, 4)
        array([False, False,  True, False])
        """
        shape, n = _sizes("keep_mask", shape)
        if not 0 <= p <= 1:
            raise ArgumentError(f"keep_mask: p must lie in [0, 1], got {p}")
        # k · 2⁻⁵³ < p, in integers: exact, and no float is made.
        return ((self.raw64(n) & (2**53 - 1)) < math.ceil(float(p) * 2**53)).reshape(shape)

    def multinomial(
        self, probs: npt.ArrayLike, num_samples: int, replacement: bool = False
    ) -> npt.NDArray[np.int64]:
        """Indices drawn in proportion to `probs`, (n,) or (rows, n): `torch.multinomial`.

        Returns (num_samples,) or (rows, num_samples). The sums need not be one. Without replacement
        the largest p / q are taken, q being exponential: index i comes first with probability
        p[i] / Σ p, the second is chosen from the rest in the same way, and so on.

        >>> g = Generator().manual_seed(0)
        >>> g.multinomial(np.array([0.1, 0.2, 0.7]), 2)
        array([2, 1])
        >>> g.multinomial(np.array([0.1, 0.2, 0.7]), 5, replacement=True)
        array([2, 2, 2, 1, 2])
        """
        probs = np.asarray(probs)
        _check_multinomial(probs, num_samples, replacement)
        if replacement:
            u = self.uniform((*probs.shape[:-1], num_samples), _F64)
            return _slots(probs, u)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # float16 may reach 0
            scores = probs / self.exponential(probs.shape, probs.dtype)
        best: npt.NDArray[np.int64]
        if num_samples == 1:
            best = scores.argmax(axis=-1, keepdims=True)
        else:
            best = np.argsort(-scores, axis=-1, kind="stable")[..., :num_samples]
        return best


def _from_state(state: npt.NDArray[np.uint8]) -> Generator:
    generator = Generator()
    generator.set_state(state)
    return generator


def _box_muller(u: Array) -> Array:
    """Turn uniforms into normals, in place; u.size is a multiple of 16.

    A point of the plane with independent normal coordinates has the radius √(−2 log u₁) and the
    angle 2π u₂, for u₁, u₂ uniform (Box and Muller, 1958). Of every 16 values the first eight give
    radii, the last eight angles; the first eight coordinates are cosines, the last eight sines.
    """
    # Eight values as one item: arithmetic on rows of eight would cost more than the logarithm.
    halves = u.view(f"V{8 * u.itemsize}").reshape(-1, 2)
    radius = halves[:, 0].copy().view(u.dtype)
    angle = halves[:, 1].copy().view(u.dtype)
    np.log(1 - radius, out=radius)  # of (0, 1]
    radius *= -2
    np.sqrt(radius, out=radius)
    angle *= 2 * math.pi
    halves[:, 0] = (radius * np.cos(angle)).view(halves.dtype)
    halves[:, 1] = (radius * np.sin(angle)).view(halves.dtype)
    return u


def _slots(probs: Array, u: Array) -> npt.NDArray[np.int64]:
    """For each u the first index whose cumulative probability reaches it, row by row."""
    cumulative = probs.astype(_F64 if probs.dtype == _F64 else _F32).cumsum(axis=-1)
    cumulative /= cumulative[..., -1:].copy()
    # The last index takes all that is left, whatever the sum was rounded to. float64, because u is.
    edges = cumulative[..., :-1].astype(_F64)
    if probs.ndim == 1:
        return np.searchsorted(edges, u)
    found = np.empty(u.shape, np.int64)
    for row in range(len(found)):
        found[row] = np.searchsorted(edges[row], u[row])
    return found


# -- checks --------------------------------------------------------------------------------------


def _sizes(name: str, shape: Shape) -> tuple[tuple[int, ...], int]:
    """The shape as a tuple, and the number of elements."""
    sizes = tuple(shape) if isinstance(shape, Sequence) else (operator.index(shape),)
    if any(size < 0 for size in sizes):
        raise ShapeError(f"{name}: a shape cannot have negative sizes, got {sizes}")
    return sizes, math.prod(sizes)


def _float_dtype(name: str, dtype: npt.DTypeLike) -> np.dtype[Any]:
    found = np.dtype(dtype)
    if found not in (_F16, _F32, _F64):
        raise DTypeError(f"{name}: the dtype must be float16, float32 or float64, got {found}")
    return found


def _check_std(std: float) -> None:
    if not std >= 0:
        raise ArgumentError(f"normal: std must not be negative, got {std}")


def _check_positive(name: str, argument: str, value: float) -> None:
    if not value > 0:
        raise ArgumentError(f"{name}: {argument} must be positive, got {value}")


def _check_all(name: str, rule: str, values: Array, good: npt.NDArray[np.bool]) -> None:
    if not good.all():
        place = tuple(int(i) for i in np.argwhere(~good)[0])
        raise ArgumentError(f"{name}: every {rule}, got {values[place]} at index {place}")


def _check_multinomial(probs: Array, num_samples: int, replacement: bool) -> None:
    if probs.ndim not in (1, 2):
        raise ShapeError(f"multinomial: probs must be (n,) or (rows, n), got shape {probs.shape}")
    _float_dtype("multinomial", probs.dtype)
    n = probs.shape[-1]
    if num_samples <= 0:
        raise ArgumentError(f"multinomial: num_samples must be positive, got {num_samples}")
    if num_samples > n and not replacement:
        raise ArgumentError(
            f"multinomial: cannot take {num_samples} of {n} without replacement; "
            "pass replacement=True, or ask for fewer"
        )
    good = (probs >= 0) & np.isfinite(probs)
    _check_all("multinomial", "probability must be finite and not negative", probs, good)
    if not (probs.sum(axis=-1) > 0).all():
        raise ArgumentError("multinomial: the probabilities of each row must have a positive sum")


# -- the default generator -----------------------------------------------------------------------

default_generator = Generator()
default_generator.seed()  # as in PyTorch: without `manual_seed` no two runs are alike


def or_default(generator: Generator | None) -> Generator:
    """The generator itself, or `default_generator` for None."""
    return default_generator if generator is None else generator


def manual_seed(seed: int) -> Generator:
    """Seed the default generator, and return it.

    >>> import dlframe as dl
    >>> dl.manual_seed(1).uniform(2)
    array([0.7576316 , 0.27931088], dtype=float32)
    """
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Seed the default generator from the operating system's entropy; returns the seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The default generator's seed."""
    return default_generator.initial_seed()


def get_rng_state() -> npt.NDArray[np.uint8]:
    """The default generator's state, see `Generator.get_state`."""
    return default_generator.get_state()


def set_rng_state(new_state: npt.ArrayLike) -> None:
    """Set the default generator's state, see `Generator.set_state`."""
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(enabled: bool = True) -> Iterator[None]:
    """Put the default generator back, at the end of the block, to where it was at the beginning.

    >>> from dlframe import random
    >>> before = random.get_rng_state()
    >>> with random.fork_rng():
    ...     numbers = random.manual_seed(1).uniform(100)
    >>> bool((random.get_rng_state() == before).all())
    True
    """
    state = get_rng_state()
    try:
        yield
    finally:
        if enabled:
            set_rng_state(state)


# -- data augmentation ---------------------------------------------------------------------------


def sample_rng(seed: int, epoch: int, index: int) -> np.random.Generator:
    """A stream of NumPy's for each (seed, epoch, sample index), for data augmentation.

    What happens to a sample depends on these three alone: not on the number of workers, nor on the
    order in which they work, nor on where a run was interrupted. Philox (Salmon et al., 2011)
    encrypts a counter; here seed (modulo 2⁶⁴) and epoch are the key, and the index is the counter's
    highest word, so the streams of two samples cannot overlap.

    >>> from dlframe.random import sample_rng
    >>> sample_rng(seed=0, epoch=3, index=41).random() == sample_rng(0, 3, 41).random()
    True
    """
    if epoch < 0 or index < 0:
        raise ArgumentError(f"sample_rng: negative epoch or index: epoch={epoch}, index={index}")
    key = np.array([seed % 2**64, epoch], dtype=np.uint64)
    counter = np.array([0, 0, 0, index], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
