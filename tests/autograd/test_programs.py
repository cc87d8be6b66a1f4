"""Random programs of views and in-place writes give the gradients of the same program without them.

A `Program` runs under dlframe as it is written. Beside it goes a `Model` of it in pure form: for
every tensor that owns its memory one flat value, which is only ever replaced out of place; a view
is a set of places in it. Where a write destroyed what a rule had kept, an error is right; a wrong
number never.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from samples.programs import RESULTS, VIEWS, WRITES, Args

import dlframe as dl
from dlframe.errors import GradientError
from dlframe.ops import replace_at

Array = np.ndarray[Any, Any]


# --- the model ---------------------------------------------------------------------------------


class Overwritten(dl.autograd.Function):
    """Other values in the same place of the graph: what a write that is not recorded does."""

    @staticmethod
    def forward(ctx, x, values):
        return values.clone()

    @staticmethod
    def backward(ctx, g):
        return g, None


@dataclass
class Base:
    """A tensor that is not a view of another one with a graph: its value, and its memory."""

    value: dl.Tensor
    memory: int
    cells: Array
    leaf: bool = False
    frozen: bool = False  # made under no_grad() as a view of a tensor that requires grad


@dataclass
class Model:
    bases: list[Base] = field(default_factory=list)
    views: list[tuple[int, Array, bool]] = field(default_factory=list)  # base, places, one of many
    kept: set[int] = field(default_factory=set)  # memory that some rule may need
    destroyed: bool = False  # whether such memory was written to

    def read(self, i: int) -> dl.Tensor:
        base, places, _ = self.views[i]
        return self.bases[base].value[places]

    def add(self, value: dl.Tensor, leaf: bool = False) -> None:
        memory = max((b.memory for b in self.bases), default=-1) + 1
        self.bases.append(Base(value.reshape(-1), memory, np.arange(value.numel()), leaf))
        places = np.arange(value.numel()).reshape(value.shape)
        self.views.append((len(self.bases) - 1, places, False))

    def alias(self, i: int, places: Array, frozen: bool = False) -> None:
        """A tensor in the memory of another one, without its graph."""
        base = self.bases[self.views[i][0]]
        value = base.value.detach()[places.reshape(-1)].clone()
        cells = base.cells[places.reshape(-1)]
        self.bases.append(Base(value, base.memory, cells, frozen=frozen))
        self.views.append(
            (len(self.bases) - 1, np.arange(places.size).reshape(places.shape), False)
        )

    def refuses(self, i: int, with_grad: bool, recording: bool) -> bool:
        """Whether a write must raise."""
        number, places, many = self.views[i]
        base = self.bases[number]
        if np.unique(base.cells[places]).size < places.size:
            return True
        if not recording:
            return False
        grad = base.value.requires_grad
        return (base.leaf and grad) or base.frozen or (many and (grad or with_grad))

    def write(self, i: int, value: dl.Tensor, recording: bool) -> None:
        number, places, _ = self.views[i]
        base = self.bases[number]
        self.destroyed |= base.memory in self.kept
        new = replace_at(base.value, value.expand(places.shape), index=places)
        memory = dict(zip(base.cells.tolist(), new.tolist(), strict=True))
        for k, other in enumerate(self.bases):
            if other.memory != base.memory or (k == number and recording):
                continue
            old = other.value.tolist()
            values = [memory.get(c, o) for c, o in zip(other.cells.tolist(), old, strict=True)]
            if values != old:
                other.value = Overwritten.apply(other.value, dl.tensor(values, dtype=dl.float64))
        if recording:
            base.value = new

    def keep(self, *places: int) -> None:
        self.kept |= {self.bases[self.views[i][0]].memory for i in places}


REFUSED = r"in-place|inplace|single memory location"  # what a refused write says


# --- a program under dlframe, and its model ----------------------------------------------------


class Program:
    """A program, step by step; after each one all values are the model's."""

    def __init__(self) -> None:
        starts = np.linspace(0.2, 1.1, 6).reshape(2, 3), np.linspace(-0.7, 0.9, 9).reshape(3, 3)
        self.leaves = [dl.tensor(a, requires_grad=True) for a in starts]
        self.twins = [dl.tensor(a, requires_grad=True) for a in starts]
        buffer = dl.tensor(np.linspace(0, 1, 6).reshape(2, 3))
        self.tensors = [*[x * 1.0 for x in self.leaves], buffer, self.leaves[0]]
        self.model = Model()
        for twin in self.twins:
            self.model.add(twin * 1.0)
        self.model.add(buffer.clone())
        self.model.add(self.twins[0] + 0.0, leaf=True)
        self.log: list[Any] = []
        self.compared = 0  # how many gradients

    def view(self, name: str, i: int, d: int, k: int, recording: bool) -> None:
        t, kind = self.tensors[i], VIEWS[name]
        base, places, many = self.model.views[i]
        if not kind.fits(t) or t.numel() > 40:
            return
        d %= max(t.ndim, 1)
        if name == "strided":
            owner = t if t.view_of is None else t.view_of.base
            at = next(m for m, x in enumerate(self.tensors) if x is owner)
            if (
                not owner.array.flags.c_contiguous
                or (np.diff(self.model.views[at][1].ravel()) < 0).any()  # by t_(), of another order
                or np.unique(places).size < owner.numel()  # PyTorch's gradient stays within t
                or self.model.bases[base].frozen
            ):
                return
        there = np.asarray(kind.of_array(places, d, k))
        self.log.append(("view", name, i, d, k, recording))
        with nullcontext() if recording else dl.no_grad():
            found = kind.of_tensor(t, d, k)
        if not np.shares_memory(found.array, t.array) and found.numel():  # reshape had to copy
            value = self.model.read(i).reshape(found.shape)
            self.model.add(value if recording else value.detach())
        elif not recording and self.model.bases[base].value.requires_grad:
            self.model.alias(i, there, frozen=True)
        else:
            self.model.views.append((base, there, many or kind.many))
        self.tensors.append(found)
        self.check()

    def result(self, name: str, i: int, j: int, c: float) -> None:
        function, keeps, keeps_result = RESULTS[name]
        t, pure = self.tensors[i], self.model.read(i)
        if (name == "sum" and not t.ndim) or t.numel() > 40:
            return
        j = j if self.broadcasts(j, i) else i
        self.log.append(("result", name, i, j, c))
        self.tensors.append(function(t, self.tensors[j], c))
        if keeps:
            self.model.keep(i, j)
        self.model.add(function(pure, self.model.read(j), c))
        if keeps_result:
            self.model.keep(len(self.tensors) - 1)
        self.check()

    def broadcasts(self, j: int, i: int) -> bool:
        """Whether tensor j has the shape of i, or broadcasts to it."""
        small, large = self.tensors[j].shape, self.tensors[i].shape
        return len(small) <= len(large) and all(
            n in (1, m) for n, m in zip(small[::-1], large[::-1], strict=False)
        )

    def detach(self, i: int) -> None:
        self.log.append(("detach", i))
        self.tensors.append(self.tensors[i].detach())
        self.model.alias(i, self.model.views[i][1])
        self.check()

    def transpose_in_place(self, i: int) -> None:
        t = self.tensors[i]
        base, places, many = self.model.views[i]
        if t.ndim != 2 or self.model.bases[base].leaf or self.model.refuses(i, False, True):
            return
        self.log.append(("t_", i))
        t.t_()
        self.model.views[i] = (base, places.T, many)
        self.check()

    def write(self, name: str, i: int, j: int, c: float, k: int, recording: bool) -> None:
        kind, t = WRITES[name], self.tensors[i]
        if not kind.fits(t) or not t.numel() or t.numel() > 40:
            return
        if not t.array.flags.writeable or (self.model.refuses(i, False, False) and "+= v" in name):
            return  # part of what expand() showed; or Python's += writes to a part first
        cells = self.model.bases[self.model.views[i][0]].cells
        if np.unique(cells).size < cells.size and not self.model.refuses(i, False, False):
            return  # one of several windows that share elements: the model has each of them apart
        pure, u, pure_u = self.model.read(i), self.tensors[j], self.model.read(j)
        if not self.broadcasts(j, i):
            u, pure_u = u.mean(), pure_u.mean()
        value = None
        with nullcontext() if recording else dl.no_grad():
            v, pure_v = u.mean() * 0.5, pure_u.mean() * 0.5
            args = Args(dl, t, u, v, c, k)
            with_grad = {"u": u, "v": v}.get(kind.reads, t.detach()).requires_grad
            self.log.append(("write", name, i, j, c, k, recording))
            if self.model.refuses(i, with_grad, recording):
                with pytest.raises(RuntimeError, match=REFUSED):
                    kind.in_place(args)
            else:
                value = kind.pure(Args(dl, pure, pure_u, pure_v, c, k))
                kind.in_place(args)
        if value is not None:
            self.model.write(i, value, recording)
            if kind.keeps and recording and u is self.tensors[j]:
                self.model.keep(j)
        self.check()

    def check(self) -> None:
        for i, t in enumerate(self.tensors):
            pure = self.model.read(i)
            np.testing.assert_allclose(t.array, pure.array, 1e-9, 1e-9, err_msg=str(self.log))
            frozen = self.model.bases[self.model.views[i][0]].frozen
            assert frozen or t.requires_grad == pure.requires_grad, (i, self.log)

    def gradients(self, create_graph: bool = False) -> None:
        """Of the weighted sum of all tensors; the second ones as well with `create_graph`."""
        self.log.append(("gradients", create_graph))
        weights = [1.0 + 0.1 * i for i in range(len(self.tensors))]
        loss = sum(
            (t.sum() * w for t, w in zip(self.tensors, weights, strict=True)), dl.tensor(0.0)
        )
        want = sum((self.model.read(i).sum() * w for i, w in enumerate(weights)), dl.tensor(0.0))
        assert np.isclose(loss.item(), want.item(), 1e-9, equal_nan=True), self.log
        options = {"create_graph": create_graph, "retain_graph": True, "allow_unused": True}
        expected = dl.autograd.grad(want, self.twins, **options)
        try:
            found = dl.autograd.grad(loss, self.leaves, **options)
            self.compare(found, expected)
            if create_graph:
                self.second(found, expected)
        except GradientError as error:
            if "Double backward" not in str(error):  # several zeros in one product
                assert "inplace operation" in str(error), self.log  # noqa: PT017 - one right end
                assert self.model.destroyed, self.log

    def second(self, found: Any, expected: Any) -> None:
        self.compare(second_gradients(found, self.leaves), second_gradients(expected, self.twins))

    def compare(self, found: Any, expected: Any) -> None:
        for x, g, want in zip(self.leaves, found, expected, strict=True):
            a, b = (np.zeros(x.shape) if one is None else one.array for one in (g, want))
            limit = 1e-8 * max(1.0, float(np.abs(b).max()))
            np.testing.assert_allclose(a, b, 1e-8, limit, err_msg=str(self.log))
        self.compared += 1


def second_gradients(gradients: Any, leaves: Any) -> Any:
    """By the leaves, of the sum of the squares of the first ones."""
    total = sum(((g * g).sum() for g in gradients if g is not None), dl.tensor(0.0))
    if not total.requires_grad:
        return [None] * len(leaves)
    return dl.autograd.grad(total, leaves, retain_graph=True, allow_unused=True)


# --- the tests ---------------------------------------------------------------------------------

ANY_WRITE = st.sampled_from(sorted(WRITES))
NUMBER, SCALE = st.integers(0, 50), st.sampled_from([0.5, 0.9, 1.3])
RECORDING = st.sampled_from([True, True, True, True, False])


class Programs(RuleBasedStateMachine):
    """Programs step by step, as hypothesis chooses (and shrinks) them."""

    def __init__(self) -> None:
        super().__init__()
        self.program = Program()

    def one(self, i: int) -> int:
        return i % len(self.program.tensors)

    @precondition(lambda self: len(self.program.tensors) < 12)
    @rule(name=st.sampled_from(sorted(VIEWS)), i=NUMBER, d=NUMBER, k=NUMBER, recording=RECORDING)
    def view(self, name, i, d, k, recording):
        self.program.view(name, self.one(i), d, k, recording)

    @precondition(lambda self: len(self.program.tensors) < 12)
    @rule(name=st.sampled_from(sorted(RESULTS)), i=NUMBER, j=NUMBER, c=SCALE)
    def result(self, name, i, j, c):
        self.program.result(name, self.one(i), self.one(j), c)

    @rule(name=ANY_WRITE, i=NUMBER, j=NUMBER, c=SCALE, k=NUMBER, recording=RECORDING)
    def write(self, name, i, j, c, k, recording):
        self.program.write(name, self.one(i), self.one(j), c, k, recording)

    @rule(name=ANY_WRITE, i=NUMBER, c=SCALE, k=NUMBER)
    def write_of_itself(self, name, i, c, k):
        self.program.write(name, self.one(i), self.one(i), c, k, recording=True)

    @precondition(lambda self: len(self.program.tensors) < 12)
    @rule(i=NUMBER)
    def detach(self, i):
        self.program.detach(self.one(i))

    @rule(i=NUMBER)
    def transpose_in_place(self, i):
        self.program.transpose_in_place(self.one(i))

    @rule(create_graph=st.booleans())
    def gradients(self, create_graph):
        self.program.gradients(create_graph)

    def teardown(self) -> None:
        self.program.gradients(create_graph=True)


def run(examples: int) -> None:
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        Programs,
        settings=settings(
            max_examples=examples,
            stateful_step_count=14,
            deadline=None,
            suppress_health_check=quiet,
        ),
    )


def test_random_programs():
    run(60)


@pytest.mark.slow
def test_many_random_programs():
    run(3000)


def test_programs_have_gradients_and_not_only_errors():
    program = Program()
    program.view("narrow", 0, 0, 1, recording=True)
    program.write("mul_ number", 4, 0, 0.5, 1, recording=True)
    program.view("permute", 0, 0, 0, recording=True)
    program.write("add_", 5, 4, 0.5, 1, recording=True)
    program.write("t[mask] = v", 4, 5, 0.5, 1, recording=True)
    program.result("exp", 0, 0, 0.5)
    program.gradients(create_graph=True)
    assert program.compared == 2
