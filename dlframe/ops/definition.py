"""What an operation is: its forward on plain arrays, and the rules that its gradients follow."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from dlframe.base.quiet import by_user
from dlframe.dtypes import get_default_dtype
from dlframe.ops.blocks import SEVERAL, by_blocks, in_blocks, rule_by_blocks
from dlframe.ops.memory import ARRANGEMENTS
from dlframe.ops.record import Node

Rule = Callable[..., Any]

# PyTorch's names for the nodes of operations that have another name in NumPy (or here).
_NODE_NAMES = {
    "absolute": "Abs",
    "broadcast_to": "Expand",
    "cast": "ToCopy",
    "clip": "Clamp",
    "concatenate": "Cat",
    "contiguous": "Clone",
    "copy": "Clone",
    "cross_entropy": "NllLoss",
    "divide": "Div",
    "linear": "Addmm",
    "log1p": "Log1P",
    "matmul": "Mm",
    "multiply": "Mul",
    "negative": "Neg",
    "power": "Pow",
    "replace_at": "IndexPut",
    "reshape": "View",
    "rint": "Round",
    "select_at": "Select",
    "slice_at": "Slice",
    "subtract": "Sub",
    "swapaxes": "Transpose",
    "take_at": "Index",
    "take_region": "AsStrided",
    "take_rows": "Embedding",
    "tile": "Repeat",
    "transpose": "Permute",
}


# Stands for missing residuals: the fast door of that node cannot be used.
NO_RESIDUALS: Any = object()


class NodeOp:
    """The op of a node, which computes the gradients of inputs from that of the result.

    It does so in one of three ways: by a rule for each input, by one function for all inputs
    (`joint`), or by the fast door (`fast`), for first-order gradients on arrays. `Op` has rules,
    and may have the others. Other nodes (user-written Functions, checkpoints, batches) have
    an op of another class, which defines `joint`, `name`, `grad_name` and `kept`.
    """

    name: str  # for messages
    grad_name: str  # PyTorch's name for such a node
    inputs: tuple[str, ...] = ()  # their names
    variadic: str | None = None  # the name of `*inputs`, if their number varies

    rules: Sequence[Rule | None] = ()  # per input: (g, *kept) -> its gradient
    joint: Callable[..., Any] | None = None  # (g, *kept) -> a gradient (or None) per input
    together: Rule | None = None  # the same, for an op whose rules would repeat each other's work
    fast: Rule | None = None  # (g, needs, *kept) -> the same, on arrays only
    simple = False  # whether there are only rules, so that `by_rules` is enough

    by_rules: Callable[..., Sequence[Any]]  # (g, targets, a node's args) -> the rules' gradients

    kept: Sequence[tuple[str, ...]]  # the names of what each rule keeps
    fast_kept: tuple[str, ...] = ()  # the same for the fast door, which then serves the rules too
    residuals_at: int | None = None  # the place among them of the fast forward's residuals
    keeps = True  # whether a node keeps anything that its backward can release
    passes_gradients = False  # whether `explain` passes gradients on without calling `joint`
    hidden = 0  # the number of first inputs that `explain` does not show
    materialize = False  # whether missing gradients of several results are given as zeros

    def kept_by(
        self, node: Node, *, first_order: bool = False
    ) -> list[tuple[tuple[str, ...], tuple[Any, ...]]]:
        """The names and the arrays that `node` keeps: a write to one of them is an error.

        By default none, since Functions and checkpoints keep tensors and nodes, checked elsewhere.

        Args:
            node: the node.
            first_order: only those that a pass on arrays uses, through the fast door if it can.
        """
        return []


def _always_the_same(*doors: Any) -> None:
    """What `Op.lead_to` is for operations whose calls go to one function for ever."""


def _caller(rules: Sequence[Rule | None], kept: Sequence[tuple[str, ...]], by_element: bool) -> Any:
    """A function that calls the `rules` of the inputs whose gradients are wanted.

    Written out, as `lambda g, targets, args: (rule0(g, args[0][0]), …)`: the engine calls one for
    almost every node.

    Args:
        by_element: large arrays may be computed by blocks.
    """
    calls = []
    for i, (rule, names) in enumerate(zip(rules, kept, strict=True)):
        values = "".join(f", args[{i}][{k}]" for k in range(len(names)))
        wanted = "" if len(rules) == 1 else f"None if targets[{i}] is None else "
        call = f"rule{i}(g{values})"
        if by_element:
            call = f"({call} if g.size < {SEVERAL} else in_blocks(rule{i}, g{values}))"
        calls.append("None, " if rule is None else f"{wanted}{call}, ")
    source = f"lambda g, targets, args: ({''.join(calls)})"
    named: dict[str, Any] = {f"rule{i}": rule for i, rule in enumerate(rules)}
    named["in_blocks"] = in_blocks
    return eval(_compiled(source), named)  # noqa: S307 - our own source


class Op(NodeOp):
    """An operation: its forward on plain arrays, and the rules that its gradients follow."""

    materialize = True

    def __init__(
        self,
        name: str,
        forward: Callable[..., Any],
        *,
        broadcasts: bool = False,
        view: bool = False,
        order: str = "",
        promotes: tuple[str, ...] = (),
        by_element: bool = False,
        latex: str | None = None,
    ):
        self.name = name
        words = "".join(part.capitalize() for part in name.split("_"))
        self.grad_name = f"{_NODE_NAMES.get(name, words)}Backward0"
        self.forward = forward
        # whether it is a user's, in whose formulas NumPy warns as it always does
        self.users = not (forward.__module__ or __name__).startswith("dlframe.")
        self.broadcasts, self.view = broadcasts, view
        self.by_element = by_element  # whether large arrays may be computed by blocks
        self.arrange = ARRANGEMENTS[order]  # brings the result into its order in memory, if any
        self.inputs, self.options, self.variadic = _signature(forward)
        self.input_defaults: tuple[Any, ...] = forward.__defaults__ or ()
        self.input_defaults = (None,) * (
            len(self.inputs) - len(self.input_defaults)
        ) + self.input_defaults
        self.promotes = tuple(i for i, x in enumerate(self.inputs) if x in promotes)
        self.rules: list[Rule | None] = [None] * len(self.inputs)
        self.kept: list[tuple[str, ...]] = [()] * len(self.inputs)
        self.pick_kept: list[Any] = [None] * len(self.inputs)
        self.joint: Rule | None = None
        self.latex = latex  # the result's formula, and below per input that of its gradient
        self.gradient_latex: dict[str, str] = {}
        self.simple = True
        self.keeps = False  # whether any rule keeps an array
        self.differentiable = False  # whether there is any rule
        self.fast: Rule | None = None
        self.fast_kept: tuple[str, ...] = ()
        self.residuals_at: int | None = None  # the place of the residuals among them
        self.door_count = 0  # how many of `fast_kept` the door itself asks for: they come first
        self.pick_fast: Any = None  # gathers what a node with a fast door keeps
        self.picks: dict[
            int, Callable[..., Any]
        ] = {}  # for inputs without gradient, see `pick_for`
        self.fast_forward: Callable[..., Any] | None = None
        self.function: Callable[..., Any] = forward  # what users call; `op` sets it
        # of both, what calls go through (`dlframe.ops.doors`); a call that can change sets these
        self.plain_forward = by_blocks(forward) if by_element else forward
        self.lead_to: Callable[..., None] = _always_the_same
        self.own_fast: Rule | None = None  # `fast`, before a kernel took its place
        self.ufunc: np.ufunc | None = None  # NumPy's, if the operation is one of them
        self.same_for = ""  # the kinds of dtype for which that gives the very same numbers

    def __repr__(self) -> str:
        return f"<op {self.name}({', '.join([*self.inputs, *self.options])})>"

    def kept_by(
        self, node: Node, *, first_order: bool = False
    ) -> list[tuple[tuple[str, ...], tuple[Any, ...]]]:
        """The names and the values that `node` keeps, one pair per rule."""
        if self.fast is not None:
            n = self.door_count if first_order and not self.has_no_residuals(node) else None
            return [(self.fast_kept[:n], node.args[:n])]
        return [(names, values) for names, values in zip(self.kept, node.args) if values]

    def by_rules(self, g: Any, targets: Any, args: Any) -> Sequence[Any]:
        """The gradients that the rules give; from the second call on the function made here."""
        made = self.__dict__["by_rules"] = _caller(self.rules, self.kept, self.by_element)
        gradients: Sequence[Any] = made(g, targets, args)
        return gradients

    def add_rule(self, name: str, rule: Rule, latex: str | None = None) -> None:
        """Set the vector-Jacobian product for the input `name`, or for all with `*inputs`."""
        latex = latex or getattr(rule, "latex", None)
        if latex is not None:
            self.gradient_latex[name.lstrip("*")] = latex
        if name.startswith("*"):
            if name[1:] != self.variadic:
                raise TypeError(
                    f"{self.name}: there is no input {name!r}; the inputs are {self.inputs}"
                )
            kept = self._names_of(rule, extra=("shapes",))
            self.joint, self.kept, self.pick_kept = (
                self._called(rule),
                [kept],
                [self._first_pick(kept, 0)],
            )
            self.simple = False
        else:
            if name not in self.inputs:
                raise TypeError(
                    f"{self.name}: there is no input {name!r}; the inputs are {self.inputs}"
                )
            i = self.inputs.index(name)
            kept = self._names_of(rule, extra=("shape", "dtype"))
            self.rules[i], self.kept[i], self.pick_kept[i] = (
                self._called(rule),
                kept,
                self._first_pick(kept, i),
            )
        self.__dict__.pop("by_rules", None)  # made for fewer rules
        self.differentiable, self.keeps = True, self.keeps or self._are_arrays(kept)

    def add_together(self, rule: Rule, latex: dict[str, str]) -> None:
        """Set one function that gives the gradients of all inputs, as a tuple.

        The rule of each input takes its part, and `latex` has its formula. The engine calls the
        function itself, once.
        """

        def part(i: int) -> Rule:
            @functools.wraps(rule)
            def rule_of_input(*args: Any, **options: Any) -> Any:
                return rule(*args, **options)[i]

            return rule_of_input

        for i, name in enumerate(self.inputs):
            self.add_rule(name, part(i), latex[name])
        self.together = self._called(rule)

    def add_fast(self, rule: Rule) -> None:
        """Set the first-order door: (g, needs, …) -> one gradient (or None) per input.

        A node then keeps one tuple, with the values for the door and for the rules. An input (or
        `out`) that is named by rules, but not by one whose gradient is needed, is None there.
        """
        asked = [
            name for name in self._names_of(rule, extra=("needs", "residuals")) if name != "needs"
        ]
        door_count = len(asked)
        for names in self.kept:
            if {"shape", "dtype", "shapes"} & set(names):
                raise TypeError(
                    f"{self.name}: with a fast_backward, rules ask for inputs and not for {names}"
                )
            asked += [name for name in names if name not in asked]
        self.door_count, self.fast_kept = door_count, tuple(asked)
        self.pick_fast = self._gatherer(self.fast_kept, 0)
        self.residuals_at = asked.index("residuals") if "residuals" in asked else None
        door = self._called(rule, ("g", "needs", *self.fast_kept))
        self.fast = self.own_fast = rule_by_blocks(door) if self.by_element else door
        self.simple = False
        self.keeps = self.keeps or self._are_arrays(self.fast_kept)

    def _are_arrays(self, kept: Sequence[str]) -> bool:
        """Whether inputs or results are kept: backward releases these, not shapes, axes, places."""
        return not {*self.inputs, self.variadic, "out", "residuals"}.isdisjoint(kept)

    def _called(self, rule: Rule, order: tuple[str, ...] | None = None) -> Rule:
        rule = positional(rule, order)
        return by_user(rule) if self.users else rule

    def pick_for(self, idle: int) -> Callable[..., Any]:
        """What gathers the values of a node with a fast door; `idle` has a bit for each input.

        The bit is set if the input needs no gradient.
        """
        rules = [(names, not idle >> i & 1) for i, names in enumerate(self.kept)]
        spared = {n for names, need in rules if not need for n in names}
        spared &= {*self.inputs, "out"}  # options take no memory
        spared -= {n for names, need in rules if need for n in names}
        pick = self.picks[idle] = self._gatherer(self.fast_kept, 0, spared)
        return pick

    def has_no_residuals(self, node: Node) -> bool:
        """Whether the forward kept nothing for the fast door, which can then not be used."""
        at = self.residuals_at
        return at is not None and node.args[at] is NO_RESIDUALS

    def _names_of(self, rule: Rule, extra: tuple[str, ...]) -> tuple[str, ...]:
        names, _, _ = parameters_of(rule)
        known = {*self.inputs, *self.options, "out", *extra}
        if not names or names[0] != "g":
            raise TypeError(
                f"{self.name}: the first parameter of a rule is g, the gradient of the result; "
                f"got {names}"
            )
        unknown = [name for name in names[1:] if name not in known]
        if unknown:
            raise TypeError(
                f"{self.name}: a rule asks for {unknown}, but there are only {sorted(known)}"
            )
        return names[1:]

    def _first_pick(self, kept: tuple[str, ...], i: int) -> Callable[..., Any]:
        """What stands in `pick_kept` until it is called: most operations are never used."""

        def pick(*args: Any, **options: Any) -> Any:
            made = self.pick_kept[i] = self._gatherer(kept, i)
            return made(*args, **options)

        return pick

    def _gatherer(
        self, kept: tuple[str, ...], i: int, spared: Iterable[str] = ()
    ) -> Callable[..., Any]:
        # A lambda made from source, as in dataclasses, so that a call needs no loop over names.
        special = dict.fromkeys(spared, "None") | {
            "shape": f"_shape({self.inputs[i]})",
            "dtype": f"_dtype({self.inputs[i]})",
            "shapes": "tuple([_shape(x) for x in xs])",
        }
        inputs = ["xs" if name == self.variadic else name for name in self.inputs]
        values = [special.get(name, "xs" if name == self.variadic else name) for name in kept]
        options = [
            name if default is inspect.Parameter.empty else f"{name}=_defaults[{name!r}]"
            for name, default in self.options.items()
        ]
        parameters = ", ".join([*inputs, "out", "*", *options, "residuals=None"])
        source = f"lambda {parameters}: ({''.join(value + ', ' for value in values)})"
        names = {"_shape": np.shape, "_dtype": dtype_of, "_defaults": self.options}
        gather: Callable[..., Any] = eval(_compiled(source), names)  # noqa: S307 - our own source
        return gather


def dtype_of(x: Any) -> Any:
    return x.dtype if hasattr(x, "dtype") else get_default_dtype()


@functools.cache
def _compiled(source: str) -> Any:
    return compile(source, "<from dlframe.ops.definition>", "eval")  # many ops have the same source


def parameters_of(
    function: Callable[..., Any],
) -> tuple[tuple[str, ...], tuple[str, ...], str | None]:
    """The names of all parameters, those of the keyword-only ones, and that of `*inputs`.

    `inspect.signature` gives the same, but takes twenty times as long, and an import needs
    hundreds of them.
    """
    code = getattr(function, "__code__", None)
    if code is None or hasattr(function, "__wrapped__") or code.co_flags & inspect.CO_VARKEYWORDS:
        parameters = inspect.signature(function).parameters.values()
        keyword_only = tuple([p.name for p in parameters if p.kind is p.KEYWORD_ONLY])
        variadic = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
        return tuple([p.name for p in parameters]), keyword_only, variadic
    places, count = code.co_argcount, code.co_argcount + code.co_kwonlyargcount
    names: tuple[str, ...] = code.co_varnames
    if not code.co_flags & inspect.CO_VARARGS:
        return names[:count], names[places:count], None
    return (*names[:places], names[count], *names[places:count]), names[places:count], names[count]


def _signature(forward: Callable[..., Any]) -> tuple[tuple[str, ...], dict[str, Any], str | None]:
    """Inputs, options with their defaults, and the name of `*inputs` if there is one."""
    names, keyword_only, variadic = parameters_of(forward)
    defaults = getattr(inspect.unwrap(forward), "__kwdefaults__", None) or {}
    options = {name: defaults.get(name, inspect.Parameter.empty) for name in keyword_only}
    return tuple([name for name in names if name not in options]), options, variadic


def positional(rule: Rule, order: tuple[str, ...] | None = None) -> Rule:
    """`rule` as a function of positional arguments only, in `order` (by default the rule's own)."""
    names, keyword_only, _ = parameters_of(rule)
    if not keyword_only and order in (None, names):
        return rule
    order = order or names
    call = ", ".join(f"{name}={name}" if name in keyword_only else name for name in names)
    source = f"lambda {', '.join(order)}: _rule({call})"
    reordered: Rule = eval(_compiled(source), {"_rule": rule})  # noqa: S307 - our own source
    return reordered
