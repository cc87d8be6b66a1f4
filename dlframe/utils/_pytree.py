"""Trees: nested containers, taken apart and put together, under PyTorch's private path.

A tree is a list, tuple, dict, OrderedDict, defaultdict, deque or namedtuple of trees, or an object
of a registered type. Everything else, None and classes derived from these included, is a leaf.
(Inside, dlframe takes derived classes for containers, too: `dlframe.base.nests`.)

>>> from dlframe.utils import _pytree as pytree
>>> leaves, spec = pytree.tree_flatten({"a": [1, 2], "b": (3,)})
>>> leaves, pytree.tree_unflatten([10, 20, 30], spec)
([1, 2, 3], {'a': [10, 20], 'b': (30,)})
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from dlframe.tensor.size import Size

__all__ = [
    "LeafSpec",
    "PyTree",
    "TreeSpec",
    "is_namedtuple",
    "is_namedtuple_class",
    "is_namedtuple_instance",
    "map_only",
    "register_dataclass",
    "register_pytree_node",
    "tree_all",
    "tree_all_only",
    "tree_any",
    "tree_any_only",
    "tree_flatten",
    "tree_is_leaf",
    "tree_iter",
    "tree_leaves",
    "tree_map",
    "tree_map_",
    "tree_map_only",
    "tree_map_only_",
    "tree_structure",
    "tree_unflatten",
]

PyTree = Any
_NAMEDTUPLE = namedtuple  # noqa: PYI024 - the key under which PyTorch lists them all
IsLeaf = Callable[[Any], bool] | None


# --- kinds of containers -----------------------------------------------------------------------


class NodeDef(NamedTuple):
    """How a container of some type is taken apart, and made again."""

    type: Any
    flatten_fn: Callable[[Any], tuple[list[Any], Any]]
    unflatten_fn: Callable[[Iterable[Any], Any], Any]


SUPPORTED_NODES: dict[Any, NodeDef] = {}
"""The containers by type; all namedtuples are under the function `namedtuple`."""


def register_pytree_node(
    cls: Any,
    flatten_fn: Callable[[Any], tuple[list[Any], Any]],
    unflatten_fn: Callable[[Iterable[Any], Any], Any],
    *,
    serialized_type_name: str | None = None,
    to_dumpable_context: Callable[[Any], Any] | None = None,
    from_dumpable_context: Callable[[Any], Any] | None = None,
    flatten_with_keys_fn: Callable[[Any], Any] | None = None,
) -> None:
    """Make a class a container: `flatten_fn(x)` gives its parts and a context, which
    `unflatten_fn(parts, context)` makes an object of. The other arguments have no effect here.

    Raises ValueError for a class that is registered already.
    """
    if cls in SUPPORTED_NODES:
        raise ValueError(f"{cls} is already registered as pytree node.")
    SUPPORTED_NODES[cls] = NodeDef(cls, flatten_fn, unflatten_fn)


def register_dataclass(
    cls: type[Any],
    *,
    field_names: list[str] | None = None,
    drop_field_names: list[str] | None = None,
    serialized_type_name: str | None = None,
) -> None:
    """Make a dataclass a container of its fields, but for those to drop."""
    if field_names is None:
        field_names = [field.name for field in dataclasses.fields(cls) if field.init]
    kept = [name for name in field_names if name not in (drop_field_names or [])]
    register_pytree_node(
        cls,
        lambda x: ([getattr(x, name) for name in kept], kept),
        lambda values, context: cls(**dict(zip(context, values, strict=True))),
    )


def is_namedtuple_class(cls: type) -> bool:
    """Whether a class is that of a namedtuple."""
    return isinstance(cls, type) and issubclass(cls, tuple) and hasattr(cls, "_fields")


def is_namedtuple(obj: object | type) -> bool:
    """Whether an object, or a class, is a namedtuple."""
    return is_namedtuple_class(obj if isinstance(obj, type) else type(obj))


def is_namedtuple_instance(obj: object) -> bool:
    """Whether an object is a namedtuple."""
    return is_namedtuple_class(type(obj))


register_pytree_node(tuple, lambda x: (list(x), None), lambda values, _: tuple(values))
register_pytree_node(list, lambda x: (x, None), lambda values, _: list(values))
register_pytree_node(
    dict,
    lambda x: (list(x.values()), list(x)),
    lambda values, keys: dict(zip(keys, values, strict=True)),
)
register_pytree_node(_NAMEDTUPLE, lambda x: (list(x), type(x)), lambda values, kind: kind(*values))
register_pytree_node(
    OrderedDict,
    lambda x: (list(x.values()), list(x)),
    lambda values, keys: OrderedDict(zip(keys, values, strict=True)),
)
register_pytree_node(
    defaultdict,
    lambda x: (list(x.values()), [x.default_factory, list(x)]),
    lambda values, context: defaultdict(context[0], zip(context[1], values, strict=True)),
)
register_pytree_node(
    deque, lambda x: (list(x), x.maxlen), lambda values, longest: deque(values, maxlen=longest)
)
register_pytree_node(Size, lambda x: (list(x), None), lambda values, _: tuple(values))

_DICTS = (dict, OrderedDict, defaultdict)


def _node_type(tree: Any) -> Any:
    return _NAMEDTUPLE if is_namedtuple_instance(tree) else type(tree)


# --- the form of a tree ------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class TreeSpec:
    """The form of a tree: the type of a container, what it needs beside its parts, their forms."""

    type: Any
    context: Any
    _children: list[TreeSpec]

    def is_leaf(self) -> bool:
        """Whether the tree is a leaf."""
        return isinstance(self, LeafSpec)

    def children(self) -> list[TreeSpec]:
        """The forms of the parts."""
        return list(self._children)

    def child(self, index: int) -> TreeSpec:
        """The form of one part."""
        return self._children[index]

    @property
    def num_children(self) -> int:
        """The number of parts."""
        return len(self._children)

    @property
    def num_leaves(self) -> int:
        """The number of leaves."""
        return 1 if self.is_leaf() else sum(child.num_leaves for child in self._children)

    @property
    def num_nodes(self) -> int:
        """The number of containers and leaves."""
        return 1 + sum(child.num_nodes for child in self._children)

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """A tree of this form; raises ValueError for another number of leaves."""
        values = list(leaves)
        if len(values) != self.num_leaves:
            raise ValueError(
                f"treespec.unflatten(leaves): `leaves` has length {len(values)} but the spec "
                f"refers to a pytree that holds {self.num_leaves} items ({self})."
            )
        rest = iter(values)

        def build(spec: TreeSpec) -> Any:
            if spec.is_leaf():
                return next(rest)
            parts = [build(child) for child in spec._children]
            return SUPPORTED_NODES[spec.type].unflatten_fn(parts, spec.context)

        return build(self)

    def flatten_up_to(self, tree: Any) -> list[Any]:
        """What `tree` has where this form has its leaves; raises ValueError where it differs."""
        if self.is_leaf():
            return [tree]
        parts = self._parts_of(tree)
        return [
            value
            for child, part in zip(self._children, parts, strict=True)
            for value in child.flatten_up_to(part)
        ]

    def _parts_of(self, tree: Any) -> list[Any]:
        """The parts of a tree whose top is like this one's."""
        kind = _node_type(tree)
        both_dicts = self.type in _DICTS and kind in _DICTS
        if kind is not self.type and not both_dicts:
            raise ValueError(f"Node type mismatch; expected {self.type!r}, but got {kind!r}.")
        parts, context = SUPPORTED_NODES[kind].flatten_fn(tree)
        if len(parts) != self.num_children:
            raise ValueError(
                f"Node arity mismatch; expected {self.num_children}, but got {len(parts)}."
            )
        if both_dicts:
            keys = self.context[1] if self.type is defaultdict else self.context
            if set(keys) != set(tree):
                raise ValueError(f"Node keys mismatch; expected {keys!r}, but got {list(tree)!r}.")
            return [tree[key] for key in keys]
        if kind is not deque and context != self.context:
            raise ValueError(
                f"Node context mismatch for {self.type!r}; expected {self.context!r}, "
                f"but got {context!r}."
            )
        return list(parts)

    def __repr__(self) -> str:
        return self._text(0)

    def _text(self, indent: int) -> str:
        if self.is_leaf():
            return "*"
        first, *others = [child._text(indent + 2) for child in self._children] or [""]
        parts = first + "".join(f",\n{' ' * (indent + 2)}{other}" for other in others)
        return f"TreeSpec({self.type.__name__}, {self.context}, [{parts}])"


class LeafSpec(TreeSpec):
    """The form of a leaf."""

    def __init__(self) -> None:
        super().__init__(None, None, [])


# --- apart and together ------------------------------------------------------------------------


def tree_is_leaf(tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether a tree is a leaf, by itself or because `is_leaf` says so."""
    return (is_leaf is not None and is_leaf(tree)) or _node_type(tree) not in SUPPORTED_NODES


def tree_flatten(tree: Any, is_leaf: IsLeaf = None) -> tuple[list[Any], TreeSpec]:
    """The leaves from left to right, and the form."""
    leaves: list[Any] = []

    def walk(node: Any) -> TreeSpec:
        if tree_is_leaf(node, is_leaf):
            leaves.append(node)
            return LeafSpec()
        kind = _node_type(node)
        parts, context = SUPPORTED_NODES[kind].flatten_fn(node)
        return TreeSpec(kind, context, [walk(part) for part in parts])

    spec = walk(tree)
    return leaves, spec


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> Any:
    """The tree of a form with these leaves."""
    if not isinstance(treespec, TreeSpec):
        raise TypeError(
            "tree_unflatten(leaves, treespec): Expected `treespec` to be instance of "
            f"PyTreeSpec but got item of type {type(treespec)}."
        )
    return treespec.unflatten(leaves)


def tree_iter(tree: Any, is_leaf: IsLeaf = None) -> Iterator[Any]:
    """The leaves, one after the other."""
    yield from tree_leaves(tree, is_leaf)


def tree_leaves(tree: Any, is_leaf: IsLeaf = None) -> list[Any]:
    """The leaves."""
    return tree_flatten(tree, is_leaf)[0]


def tree_structure(tree: Any, is_leaf: IsLeaf = None) -> TreeSpec:
    """The form."""
    return tree_flatten(tree, is_leaf)[1]


# --- functions of leaves -----------------------------------------------------------------------


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: IsLeaf = None) -> Any:
    """`func` of each leaf, and of what the other trees have at its place.

    >>> tree_map(lambda x, y: x + y, {"x": 7, "y": (42, 64)}, {"x": 1, "y": (2, 3)})
    {'x': 8, 'y': (44, 67)}
    """
    leaves, spec = tree_flatten(tree, is_leaf)
    return spec.unflatten(map(func, leaves, *[spec.flatten_up_to(rest) for rest in rests]))


def tree_map_(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: IsLeaf = None) -> Any:
    """Call `func`, which changes leaves in place, as `tree_map` does; returns the tree itself."""
    leaves, spec = tree_flatten(tree, is_leaf)
    for values in zip(leaves, *[spec.flatten_up_to(rest) for rest in rests], strict=True):
        func(*values)
    return tree


def map_only(type_or_types_or_pred: Any, /) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator: the function is called for leaves of these types, or of which the predicate is
    true; others stay as they are.
    """
    chosen = type_or_types_or_pred
    is_types = isinstance(chosen, (type, tuple)) or not callable(chosen)

    def decorate(func: Callable[..., Any]) -> Callable[..., Any]:
        def of_leaf(x: Any) -> Any:
            return func(x) if (isinstance(x, chosen) if is_types else chosen(x)) else x

        return of_leaf

    return decorate


def tree_map_only(
    type_or_types_or_pred: Any,
    /,
    func: Callable[..., Any],
    tree: Any,
    is_leaf: IsLeaf = None,
) -> Any:
    """`tree_map` of the leaves of some types alone.

    >>> tree_map_only(int, lambda x: -x, [1, "a"])
    [-1, 'a']
    """
    return tree_map(map_only(type_or_types_or_pred)(func), tree, is_leaf=is_leaf)


def tree_map_only_(
    type_or_types_or_pred: Any,
    /,
    func: Callable[..., Any],
    tree: Any,
    is_leaf: IsLeaf = None,
) -> Any:
    """`tree_map_` of the leaves of some types alone."""
    return tree_map_(map_only(type_or_types_or_pred)(func), tree, is_leaf=is_leaf)


def tree_all(pred: Callable[[Any], bool], tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether `pred` is true of all leaves."""
    return all(map(pred, tree_iter(tree, is_leaf)))


def tree_any(pred: Callable[[Any], bool], tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether `pred` is true of a leaf."""
    return any(map(pred, tree_iter(tree, is_leaf)))


def tree_all_only(
    type_or_types: Any, /, pred: Callable[[Any], bool], tree: Any, is_leaf: IsLeaf = None
) -> bool:
    """Whether `pred` is true of all leaves of some types."""
    return all(pred(x) for x in tree_iter(tree, is_leaf) if isinstance(x, type_or_types))


def tree_any_only(
    type_or_types: Any, /, pred: Callable[[Any], bool], tree: Any, is_leaf: IsLeaf = None
) -> bool:
    """Whether `pred` is true of a leaf of some types."""
    return any(pred(x) for x in tree_iter(tree, is_leaf) if isinstance(x, type_or_types))
