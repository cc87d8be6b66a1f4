"""What random programs are made of: views, results and in-place writes.

tests/autograd/test_programs.py runs them beside the same program without views and writes, and
tests/oracle/test_programs.py under PyTorch. `lib` is dlframe or torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import dlframe as dl

Array = np.ndarray[Any, Any]


# --- views -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class View:
    """A view of a tensor, the same of an array of places, and what the tensor must have for it.

    Both get the tensor (or the array), a dimension d and an integer k; `many` is a view that came
    with others from one call.
    """

    of_tensor: Callable[..., Any]
    of_array: Callable[..., Any]
    fits: Callable[[Any], Any] = lambda t: t.ndim and t.numel()
    many: bool = False


def windows(a: Array, d: int, k: int) -> Array:
    shown = np.lib.stride_tricks.sliding_window_view(a, 2, d)
    return shown.swapaxes(0, d)[:: k % 2 + 1].swapaxes(0, d)


def strided(a: Array, d: int, k: int) -> Array:
    """The places of as_strided in a contiguous base."""
    return k % 2 + np.arange(2)[:, None] * (k % 3) + np.arange(2)


def narrowed(a: Array, d: int, k: int) -> Array:
    return a.swapaxes(0, d)[k % a.shape[d] :].swapaxes(0, d)


def first_chunk(a: Array, d: int, k: int) -> Array:
    return a.swapaxes(0, d)[: (a.shape[d] + 1) // 2].swapaxes(0, d)


def anything(t: Any) -> bool:
    return True


VIEWS = {
    "select": View(lambda t, d, k: t.select(d, k % t.shape[d]), lambda a, d, k: a.take(k % a.shape[d], d)),
    "number": View(lambda t, d, k: t[k % len(t)], lambda a, d, k: a[k % len(a)]),
    "narrow": View(lambda t, d, k: t.narrow(d, k % t.shape[d], t.shape[d] - k % t.shape[d]), narrowed),
    "slice": View(lambda t, d, k: t[..., k % 2 :: 2], lambda a, d, k: a[..., k % 2 :: 2]),
    "transpose": View(lambda t, d, k: t.transpose(0, d), lambda a, d, k: a.swapaxes(0, d)),
    "permute": View(lambda t, d, k: t.permute(*range(t.ndim)[::-1]), lambda a, d, k: a.T, anything),
    "flat": View(lambda t, d, k: t.reshape(-1), lambda a, d, k: a.reshape(-1), anything),
    "new axis": View(lambda t, d, k: t.unsqueeze(d), lambda a, d, k: np.expand_dims(a, d), lambda t: t.ndim < 4),
    "squeeze": View(lambda t, d, k: t.squeeze(), lambda a, d, k: a.squeeze(), anything),
    "expand": View(lambda t, d, k: t.expand(2, *t.shape), lambda a, d, k: np.broadcast_to(a, (2, *a.shape)),
                   lambda t: t.ndim < 3),
    "unfold": View(lambda t, d, k: t.unfold(d, 2, k % 2 + 1), windows, lambda t: 0 < t.ndim < 4 and min(t.shape) > 1),
    "diagonal": View(lambda t, d, k: t.diagonal(k % 3 - 1), lambda a, d, k: a.diagonal(k % 3 - 1),
                     lambda t: t.ndim == 2 and min(t.shape) > 1),
    "strided": View(lambda t, d, k: t.as_strided((2, 2), (k % 3, 1), k % 2), strided, lambda t: t.ndim and t.numel() > 5),
    "unbind": View(lambda t, d, k: t.unbind(d)[k % t.shape[d]], lambda a, d, k: a.take(k % a.shape[d], d), many=True),
    "chunk": View(lambda t, d, k: t.chunk(2, d)[0], first_chunk, lambda t: t.ndim and min(t.shape) > 1, many=True),
}  # fmt: skip


# --- results -----------------------------------------------------------------------------------

# New tensors of a tensor t, another one u and a number c; whether a rule keeps t and u, and whether
# one keeps the result.
RESULTS: dict[str, tuple[Callable[..., Any], bool, bool]] = {
    "exp": (lambda t, u, c: (t * 0.1).exp(), False, True),
    "product": (lambda t, u, c: t * t * 0.3, True, False),
    "times": (lambda t, u, c: t * u * 0.3, True, False),
    "plus": (lambda t, u, c: t + u, False, False),
    "sin": (lambda t, u, c: t.sin(), True, False),
    "tanh": (lambda t, u, c: t.tanh(), False, True),
    "sum": (lambda t, u, c: (t * c).sum(-1 if t.ndim else ()), False, False),
    "scaled": (lambda t, u, c: t * c, False, False),
    "clone": (lambda t, u, c: t.clone(), False, False),
}


# --- writes ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Args:
    """What a write gets: the library, the tensor, another one that broadcasts to it, a tensor
    without dimensions that is made of that one, a number and an integer."""

    lib: Any
    t: Any
    u: Any
    v: Any
    c: float
    k: int

    def rows(self) -> Any:
        """Indices for the first dimension, some of them twice."""
        return self.lib.tensor([0, self.k % len(self.t), 0, len(self.t) - 1][: 2 + self.k % 3])

    def lots(self) -> Any:
        """An index for gather and scatter: the places of `rows`, in every column."""
        shape = (-1, *(1,) * (self.t.ndim - 1))
        return self.rows().reshape(shape).expand(-1, *self.t.shape[1:])

    def at_rows(self) -> Any:
        return self.t.index_select(0, self.rows()) * self.c + self.v

    def at_lots(self) -> Any:
        return self.t.gather(0, self.lots()) * self.c + self.v

    def mask(self) -> Any:
        return self.t.detach() > self.c - 1


@dataclass(frozen=True)
class Write:
    """A write in place, and the value that the tensor has after it.

    `keeps`: whether a rule keeps u; `reads`: whether the write reads "u" or "v".
    """

    in_place: Callable[[Args], Any]
    pure: Callable[[Args], Any]
    fits: Callable[[Any], Any] = anything
    keeps: bool = False
    reads: str = ""


def with_rows(t: Any) -> Any:
    return t.ndim and t.numel()


def setting(index: Callable[[Args], Any], reads: str = "v") -> Write:
    """`t[index] = v`, or u."""

    def in_place(a: Args) -> None:
        a.t[index(a)] = getattr(a, reads)

    def pure(a: Args) -> Any:
        return dl.ops.set_item(a.t, getattr(a, reads), index=index(a))

    return Write(in_place, pure, with_rows, reads=reads)


def augmented(index: Callable[[Args], Any]) -> Write:
    """`t[index] += v` as Python carries it out: read, add in place, write."""

    def in_place(a: Args) -> None:
        a.t[index(a)] += a.v

    def pure(a: Args) -> Any:
        return dl.ops.set_item(a.t, a.t[index(a)] + a.v, index=index(a))

    return Write(in_place, pure, with_rows, reads="v")


def method(name: str, *make: Callable[[Args], Any], **more: Any) -> Write:
    """`t.name_(…)`, whose arguments each come from one of `make`."""
    return Write(
        lambda a: getattr(a.t, f"{name}_")(*[m(a) for m in make]),
        lambda a: getattr(a.t, name)(*[m(a) for m in make]),
        **more,
    )


def plus_u(a: Args) -> None:
    t = a.t
    t += a.u


def times_c(a: Args) -> None:
    t = a.t
    t *= a.c


def u(a: Args) -> Any:
    return a.u


def v(a: Args) -> Any:
    return a.v


def c(a: Args) -> float:
    return a.c


def zero(a: Args) -> int:
    return 0


def number(a: Args) -> int:
    return a.k % len(a.t)


def tail(a: Args) -> slice:
    return slice(1, None)


def as_list(a: Args) -> Any:
    return a.rows().tolist()


def true(a: Args) -> bool:
    return True


ROWS, LOTS, AT_ROWS, AT_LOTS, MASK = Args.rows, Args.lots, Args.at_rows, Args.at_lots, Args.mask
long: dict[str, Any] = {"fits": with_rows, "reads": "v"}

WRITES = {
    "mul_ number": method("mul", c),
    "mul_": method("mul", u, keeps=True, reads="u"),
    "add_": method("add", u, reads="u"),
    "sub_": method("sub", u, reads="u"),
    "sin_": method("sin"),
    "tanh_": method("tanh"),
    "+=": Write(plus_u, lambda a: a.t + a.u, reads="u"),
    "*=": Write(times_c, lambda a: a.t * a.c),
    "copy_": Write(lambda a: a.t.copy_(a.u), lambda a: a.u + dl.zeros_like(a.t.detach()), reads="u"),
    "zero_": Write(lambda a: a.t.zero_(), lambda a: a.t * 0.0),
    "fill_": Write(lambda a: a.t.fill_(a.v), lambda a: a.v.expand(a.t.shape), reads="v"),
    "clamp_": method("clamp", lambda a: -a.c, c),
    "masked_fill_": method("masked_fill", MASK, v, reads="v"),
    "masked_scatter_": method("masked_scatter", MASK, lambda a: a.t * a.c),
    "t[...] = u": setting(lambda a: ..., "u"),
    "t[k] = v": setting(number),
    "t[1:] = v": setting(tail),
    "t[mask] = v": setting(MASK),
    "t[rows] = v": setting(ROWS),
    "t[list] = v": setting(as_list),
    "t[k] += v": augmented(number),
    "t[1:] += v": augmented(tail),
    "t[mask] += v": augmented(MASK),
    "t[rows] += v": augmented(ROWS),
    "index_put_": method("index_put", lambda a: (a.rows(),), v, true, **long),
    "index_add_": method("index_add", zero, ROWS, AT_ROWS, **long),
    "index_copy_": method("index_copy", zero, ROWS, AT_ROWS, **long),
    "index_fill_": method("index_fill", zero, ROWS, v, **long),
    "scatter_": method("scatter", zero, LOTS, AT_LOTS, **long),
    "scatter_add_": method("scatter_add", zero, LOTS, AT_LOTS, **long),
    # the rule of a product divides by its factors: one of 1e-17 would leave no digit of the second
    "scatter_reduce_ prod": method("scatter_reduce", zero, LOTS, lambda a: a.at_lots().square() + 0.5,
                                   lambda a: "prod", **long),
    **{f"scatter_reduce_ {how}": method("scatter_reduce", zero, LOTS, AT_LOTS, lambda a, how=how: how, **long)
       for how in ("mean", "amax")},
    "index_reduce_": method("index_reduce", zero, ROWS, AT_ROWS, lambda a: "mean", **long),
    "put_": method("put", ROWS, lambda a: a.v * (a.rows() + 1), **long),
}  # fmt: skip
