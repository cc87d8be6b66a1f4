"""Trees against `torch.utils._pytree`."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest

torch = pytest.importorskip("torch")
import torch.utils._pytree as theirs  # noqa: E402 - torch is imported first, or the tests are skipped
from hypothesis import given  # noqa: E402 - torch is imported first, or the tests are skipped
from hypothesis import strategies as st  # noqa: E402 - torch is imported first, or the tests are skipped

from dlframe.utils import _pytree as ours  # noqa: E402 - torch is imported first, or the tests are skipped


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keyed = st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    row = st.lists(inner, max_size=3)
    return row | row.map(tuple) | keyed | keyed.map(OrderedDict)


TREES = st.recursive(st.none() | st.integers(0, 9), containers, max_leaves=12)


def outcome(library: Any, tree: Any, other: Any) -> Any:
    leaves, spec = library.tree_flatten(tree)
    try:
        fits: Any = spec.flatten_up_to(other)
    except ValueError:
        fits = ValueError
    pairs = library.tree_map(lambda x: (x, 1), tree)
    numbers = spec.num_leaves, spec.num_nodes, spec.num_children, spec.is_leaf()
    return leaves, repr(spec), numbers, spec.unflatten(leaves), fits, pairs


@given(tree=TREES, other=TREES)
def test_trees(tree: Any, other: Any) -> None:
    assert outcome(ours, tree, other) == outcome(theirs, tree, other)
    assert outcome(ours, tree, tree) == outcome(theirs, tree, tree)
