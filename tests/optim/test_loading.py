"""Whose state is whose when an optimizer loads it, and the report of what does not fit."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.errors import StateDictError

# --- names -------------------------------------------------------------------------------------


def test_names_are_saved() -> None:
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.named_parameters(), lr=0.5)
    assert optimizer.param_groups[0]["params"] == [model.weight, model.bias]
    saved = optimizer.state_dict()["param_groups"][0]
    assert saved["param_names"] == ["weight", "bias"]
    assert saved["params"] == [0, 1]


def test_names_decide_over_positions() -> None:
    a, b = (nn.Parameter(np.zeros(2, np.float32)) for _ in range(2))
    optimizer = optim.SGD([("a", a), ("b", b)], momentum=0.5)
    a.grad, b.grad = dl.tensor([1.0, 1.0]), dl.tensor([2.0, 2.0])
    optimizer.step()
    other = optim.SGD([("b", b), ("a", a)], momentum=0.5)
    other.load_state_dict(optimizer.state_dict())
    assert other.state[a]["momentum_buffer"].tolist() == [1.0, 1.0]
    assert other.state[b]["momentum_buffer"].tolist() == [2.0, 2.0]
    assert other.param_groups[0]["param_names"] == ["b", "a"]


def test_unknown_names_are_reported_and_positions_decide() -> None:
    a = nn.Parameter(np.zeros(2, np.float32))
    optimizer = optim.SGD([("a", a)], momentum=0.5)
    a.grad = dl.ones(2)
    optimizer.step()
    renamed = optim.SGD([("layer.a", a)], momentum=0.5)
    with pytest.warns(UserWarning, match=r"\['a'\]"):
        renamed.load_state_dict(optimizer.state_dict())
    assert renamed.state[a]["momentum_buffer"].tolist() == [1.0, 1.0]
    assert renamed.param_groups[0]["param_names"] == ["layer.a"]


def test_names_on_one_side_only_are_carried_on() -> None:
    a = nn.Parameter(np.zeros(2, np.float32))
    named, unnamed = optim.SGD([("a", a)]), optim.SGD([a])
    named.load_state_dict(unnamed.state_dict())
    assert named.param_groups[0]["param_names"] == ["a"]
    unnamed.load_state_dict(named.state_dict())
    assert unnamed.param_groups[0]["param_names"] == ["a"]


SHAPES = {"a": (2, 3), "b": (3,), "c": (2, 3), "d": (3,)}
Groups = list[list[str]]


def grouped(groups: Groups, kind: str = "SGD", **options: Any) -> Any:
    """An optimizer of parameters with these names, each group with a learning rate of its own."""
    names = [name for group in groups for name in group]
    params = {name: nn.Parameter(dl.zeros(*SHAPES.get(name, (2, 3)))) for name in names}
    made = getattr(optim, kind)(
        [
            {"params": [(name, params[name]) for name in group], "lr": 0.1 * (i + 1)}
            for i, group in enumerate(groups)
        ],
        **options,
    )
    made.params = params
    return made


def remembering(groups: Groups) -> Any:
    """One whose momentum buffers are full of the position of the name in the alphabet."""
    optimizer = grouped(groups, momentum=0.5)
    for name, p in optimizer.params.items():
        p.grad = dl.full_like(p, float(ord(name)))
    optimizer.step()
    return optimizer


@pytest.mark.parametrize(
    "saved, here",
    [
        ([["a", "b"], ["c", "d"]], [["a", "d"], ["c", "b"]]),
        ([["a", "b"], ["c", "d"]], [["b", "a"], ["d", "c"]]),
        ([["a", "b"], ["c", "d"]], [["a"], ["b", "c", "d"]]),
        ([["a", "b", "c"], ["d"]], [["a", "c"], ["d", "b"]]),
        ([["a", "b", "c", "d"]], [["d", "c", "b", "a"]]),
    ],
)
def test_a_parameter_may_move_to_another_place_or_group(saved: Groups, here: Groups) -> None:
    optimizer = grouped(here, momentum=0.9)
    optimizer.load_state_dict(remembering(saved).state_dict())
    for name, p in optimizer.params.items():
        buffer = optimizer.state[p]["momentum_buffer"]
        assert buffer.shape == p.shape
        assert set(buffer.reshape(-1).tolist()) == {float(ord(name))}
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.2][: len(here)]
    assert [group["param_names"] for group in optimizer.param_groups] == here
    assert all(group["momentum"] == 0.5 for group in optimizer.param_groups)


# --- reports -----------------------------------------------------------------------------------


def changed(state: dict[str, Any], **options: Any) -> dict[str, Any]:
    """A state with other options in its first group; None takes one away."""
    first, *others = state["param_groups"]
    new = {name: value for name, value in (first | options).items() if value is not None}
    return {**state, "param_groups": [new, *others]}


def adam(*shapes: tuple[int, ...], named: bool = True, steps: int = 1) -> Any:
    params = [nn.Parameter(dl.ones(*shape)) for shape in shapes]
    optimizer = optim.Adam([(f"p{i}", p) for i, p in enumerate(params)] if named else params)
    for p in params:
        p.grad = dl.ones_like(p)
    for _ in range(steps):
        optimizer.step()
    return optimizer


def spoiled(state: dict[str, Any]) -> dict[str, Any]:
    """A state with a fault of each kind that leaves its parameters where they are."""
    entries = {**state["state"], 0: {"step": "x", "exp_avg": np.ones(2, complex)}, 1: 7}
    return changed(state | {"state": entries | {9: {}}}, weight_decay=-1.0, eps=None)


def lazy() -> Any:
    model = nn.Sequential(nn.LazyLinear(3), nn.Linear(3, 1))
    return optim.Adam(model.named_parameters())


def of_lazy_one() -> dict[str, Any]:
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    optimizer = optim.Adam(model.named_parameters())
    model(dl.ones(1, 2)).sum().backward()
    optimizer.step()
    return optimizer.state_dict()


REPORTS: dict[str, tuple[Any, Any, str]] = {
    "another number of groups": (
        lambda: grouped([["a"], ["b"]]),
        lambda: grouped([["a", "b"]]).state_dict(),
        """
        loaded state dict has a different number of parameter groups. SGD.load_state_dict: 1 entry \
        of the state does not fit, and nothing was changed. The state belongs to another model, or \
        the parameters were given in another order or in other groups.
        group  parameter  entry         expected  found
                          param_groups  2 groups  1 group
        """,
    ),
    "another size of a group": (
        lambda: grouped([["a", "b"]]),
        lambda: grouped([["a", "c", "d"]]).state_dict(),
        """
        loaded state dict contains a parameter group that doesn't match the size of optimizer's \
        group. SGD.load_state_dict: 4 entries of the state do not fit, and nothing was changed. \
        The state belongs to another model, or the parameters were given in another order or in \
        other groups.
        group  parameter  entry   expected      found
        0                 params  2 parameters  3 parameters
        0      b [3]              its name      missing
        0      c                  no such name  a parameter
        0      d                  no such name  a parameter
        """,
    ),
    "a name elsewhere, beside one that is unknown": (
        lambda: grouped([["a", "x"]]),
        lambda: grouped([["c", "a"]]).state_dict(),
        """
        the names of the parameters differ. SGD.load_state_dict: 2 entries of the state do not \
        fit, and nothing was changed. The state belongs to another model, or the parameters were \
        given in another order or in other groups.
        group  parameter  entry  expected      found
        0      x [2, 3]          its name      missing
        0      c                 no such name  a parameter
        """,
    ),
    "groups in another order": (
        lambda: grouped([["a"], ["b"], ["c"]]),
        lambda: grouped([["b"], ["a"], ["c"]]).state_dict(),
        """
        the parameter groups are in another order. SGD.load_state_dict: 2 entries of the state do \
        not fit, and nothing was changed. Give them in the order in which they were saved.
        group  parameter  entry        expected                    found
        0                 param_names  those of the saved group 1  those of group 1
        1                 param_names  those of the saved group 0  those of group 0
        """,
    ),
    "another order": (
        lambda: adam((2, 3), (3,), named=False),
        lambda: adam((3,), (2, 3), named=False).state_dict(),
        """
        Adam.load_state_dict: 4 entries of the state do not fit, and nothing was changed. The \
        parameters were probably given in another order.
        group  parameter   entry       expected                  found
        0      0 [2, 3]    exp_avg     a tensor of shape (2, 3)  float32(3,)
        0      0 [2, 3]    exp_avg_sq  a tensor of shape (2, 3)  float32(3,)
        0      1 [3]       exp_avg     a tensor of shape (3,)    float32(2, 3)
        0      1 [3]       exp_avg_sq  a tensor of shape (3,)    float32(2, 3)
        """,
    ),
    "another model": (
        lambda: adam((2, 3)),
        lambda: adam((5, 3)).state_dict(),
        """
        Adam.load_state_dict: 2 entries of the state do not fit, and nothing was changed. The \
        state belongs to another model, or the parameters were given in another order or in other \
        groups.
        group  parameter  entry       expected                  found
        0      p0 [2, 3]  exp_avg     a tensor of shape (2, 3)  float32(5, 3)
        0      p0 [2, 3]  exp_avg_sq  a tensor of shape (2, 3)  float32(5, 3)
        """,
    ),
    "another optimizer": (
        lambda: grouped([["b"]], "Adam"),
        lambda: remembering([["b"]]).state_dict(),
        """
        Adam.load_state_dict: 5 entries of the state do not fit, and nothing was changed. The \
        options are those of SGD, another optimizer.
        group  parameter  entry       expected                found
        0                 betas       a list                  missing
        0                 eps         a finite number         missing
        0      b [3]      step        a finite number         missing
        0      b [3]      exp_avg     a tensor of shape (3,)  missing
        0      b [3]      exp_avg_sq  a tensor of shape (3,)  missing
        """,
    ),
    "single entries": (
        lambda: adam((2,), (3,), (2,)),
        lambda: spoiled(adam((2,), (3,), (2,)).state_dict()),
        """
        Adam.load_state_dict: 5 entries of the state do not fit, and nothing was changed.
        group  parameter  entry    expected                         found
        0                 eps           a finite number                  missing
        0                 weight_decay  a number of 0 or more            -1.0 (float)
        0      p0 [2]     exp_avg  real numbers                     complex128(2,)
        0      p1 [3]              a dict                           7 (int)
               9          state    a number that a group lists      none
        """,
    ),
    "parameters without a size": (
        lazy,
        of_lazy_one,
        """
        Adam.load_state_dict: 2 entries of the state do not fit, and nothing was changed. A lazy \\
        module takes its sizes from its first input: call the model once before.
        group  parameter  entry  expected                         found
        0      0.weight          no state, as it has no size yet  some
        0      0.bias            no state, as it has no size yet  some
        """,
    ),
    "parameters without a size and with other names": (
        lazy,
        lambda: grouped([["a"]], "Adam").state_dict(),
        """
        loaded state dict contains a parameter group that doesn't match the size of optimizer's \\
        group. Adam.load_state_dict: 6 entries of the state do not fit, and nothing was changed. \\
        The state belongs to another model, or the parameters were given in another order or in \\
        other groups.
        group  parameter      entry   expected      found
        0                     params  4 parameters  1 parameter
        0      0.weight               its name      missing
        0      0.bias                 its name      missing
        0      1.weight [1, 3]        its name      missing
        0      1.bias [1]             its name      missing
        0      a                      no such name  a parameter
        """,
    ),
    "many": (
        lambda: adam(*[(2,)] * 20),
        lambda: adam(*[(3,)] * 20).state_dict(),
        """
        Adam.load_state_dict: 40 entries of the state do not fit, and nothing was changed. The \
        state belongs to another model, or the parameters were given in another order or in other \
        groups.
        group  parameter  entry       expected                found
        """
        + "\n".join(
            f"        0      p{i} [2]     {name:<10}  a tensor of shape (2,)  float32(3,)"
            for i in range(6)
            for name in ("exp_avg", "exp_avg_sq")
        )
        + "\n        and 28 more\n",
    ),
}


@pytest.mark.parametrize("what", REPORTS)
def test_all_that_does_not_fit_is_one_table(what: str) -> None:
    make, state, expected = REPORTS[what]
    optimizer = make()
    before = repr(optimizer.state_dict())
    with pytest.raises(StateDictError) as caught:
        optimizer.load_state_dict(state())
    found, wanted = str(caught.value), inspect.cleandoc(expected).replace("\\\n", "")
    assert [line.split() for line in found.splitlines()] == [
        line.split() for line in wanted.splitlines()
    ]
    assert repr(optimizer.state_dict()) == before


def test_the_columns_of_a_table_stand_below_each_other() -> None:
    with pytest.raises(StateDictError) as caught:
        adam((2, 3), (3,)).load_state_dict(spoiled(adam((3,), (5,)).state_dict()))
    titles, *rows = str(caught.value).splitlines()[1:]
    for title in ("entry", "expected", "found"):
        start = titles.index(title)
        assert all(row[start - 2 : start].isspace() for row in rows)
        assert all(row[start] != " " for row in rows if title != "entry")


def test_the_state_of_a_class_with_the_same_options_is_loaded() -> None:
    state = adam((2,)).state_dict()
    adamw = optim.AdamW([nn.Parameter(dl.ones(2))])
    adamw.load_state_dict(state)
    assert adamw.param_groups[0]["decoupled_weight_decay"] is True
    with pytest.raises(StateDictError, match=r"those of Adam or AdamW, another optimizer"):
        optim.SGD([nn.Parameter(dl.ones(2))]).load_state_dict(state)


def test_a_single_name_that_is_twice_there_is_matched_by_position() -> None:
    p, q = nn.Parameter(dl.ones(2)), nn.Parameter(dl.ones(3))
    optimizer = optim.SGD([("w", p), ("w", q)], momentum=0.5)
    p.grad, q.grad = dl.ones(2), dl.ones(3)
    optimizer.step()
    other = optim.SGD([("w", p), ("w", q)], momentum=0.5)
    other.load_state_dict(optimizer.state_dict())
    assert other.state[q]["momentum_buffer"].shape == (3,)
