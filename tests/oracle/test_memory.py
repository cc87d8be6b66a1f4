"""Results share memory with inputs where PyTorch's do, and only as views that the graph knows of.

A write to a result that is an input in disguise would change the input, and no gradient would know.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from samples import CALLS
from samples.evaluate import inputs_of, leaves, run

import dlframe as dl

torch = pytest.importorskip("torch")

# PyTorch's bytes in another dtype, shallow copies and exchange formats are outside of the graph.
OUTSIDE = {"Tensor.view", "Tensor.__copy__", "Tensor.__dlpack__"}

# What shares memory here and not in PyTorch, or the other way round; each is safe.
DIFFERENT = {
    "put_at": "the gradient of a read of everything: a copy; in PyTorch the gradient passed in",
    "unsafe_split": "views that the graph knows of; PyTorch hides them from it",
    "unsafe_split_with_sizes": "likewise",
    "unsafe_chunk": "likewise",
    "Tensor.unsafe_split": "likewise",
    "broadcast_tensors": "views of all; PyTorch returns those of the right shape themselves",
    "histogramdd": "copies of given edges",
    "einsum": "returns its argument where there is nothing to do; a view in PyTorch",
}


def array(x):
    return np.asarray(x.detach())


def sharing(call, lib):
    """How results lie in the memory of inputs: "same", "view", or "hidden" from the graph."""
    args, options, _ = inputs_of(call, lib, grad=False)
    inputs = [x for x in leaves((args, options)) if hasattr(x, "detach")]
    found = set()
    for out in leaves(run(call, lib, args, options)):
        for x in inputs if hasattr(out, "detach") else ():
            if out is x:
                found.add("same")
            elif out.numel() and x.numel() and np.shares_memory(array(out), array(x)):
                known = out._base is not None and any(out._base is b for b in (x, x._base))
                found.add("view" if known else "hidden")
    return found


def differences(calls):
    """The calls whose results share memory otherwise than PyTorch's."""
    wrong = []
    for call in calls:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                theirs = sharing(call, torch)
            except (RuntimeError, TypeError, ValueError):
                continue  # of integers, where only floats were meant
            ours = sharing(call, dl)
        if ours != theirs:
            wrong.append((call.key, ours, theirs))
    return wrong


@pytest.mark.parametrize("family", CALLS)
def test_results_share_memory_as_pytorchs_do(family):
    excepted = OUTSIDE | DIFFERENT.keys()
    assert differences(call for call in CALLS[family] if call.name not in excepted) == []


@pytest.mark.parametrize("name", DIFFERENT)
def test_listed_differences_are_needed(name):
    assert differences(call for calls in CALLS.values() for call in calls if call.name == name)
