"""Distances and similarities of pairs of vectors."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from samples.functional import of
from samples.modules import Row, live, row, rows
from samples.table import Array, Call, Edge, ErrorSample, Numbers, Sample, calls

n = Numbers(32)
ONE, OTHER = n.spread(4, 3), n.spread(4, 3) + 0.02
ZEROS = np.zeros((2, 3))
POWERS = (0.5, 1.0, 2.0, 3.0, math.inf)

MANY = n.spread(11, 3)  # enough for products, in float32


def distances(x: Array, p: float = 2.0) -> Array:
    i, j = np.triu_indices(len(x), 1)
    size = abs(x[i] - x[j])
    return (size**p).sum(1) ** (1 / p) if p < math.inf else size.max(1)


SAMPLES = [
    *(
        Sample("pdist", (x,), {"p": p}, reference=distances)
        for x in (ONE, MANY)
        for p in (1.0, 2.0, 2.5)
    ),
    Sample("pdist", (n.away(4, 3),), {"p": math.inf}, reference=distances),
    Sample("pdist", (ONE[:1],), reference=distances),
]

CALLS: list[Call] = [
    *calls("cosine_similarity", (ONE, OTHER), (ONE, OTHER, 0), (ONE, n.away(3), {"dim": -1, "eps": 3.0}),
           (n.away(2, 1, 3), n.away(4, 3), 2), (ONE[0], OTHER[0], 0), forms=False),
    *calls("cosine_similarity", (n.ints(1, 5, 3, 4), ONE[0][:, None], 0), forms=False, dtypes=False, note="integers"),
    *(call for p in POWERS for call in calls("pairwise_distance", (ONE, OTHER, p), note=f"p {p}", forms=False)),
    *calls("pairwise_distance", (ONE, OTHER[0], {"eps": 0.3, "keepdim": True}), (ONE[0], OTHER, {"p": -1.0}),
           (ONE[0], OTHER[0]), (n.away(2, 1, 3), OTHER), forms=False),
    *calls("pairwise_distance", (ONE, OTHER, 0.0), order=0, note="p 0", forms=False),
    *calls("pdist", ONE, (ONE, 1.0), (ONE, 2.5), (n.away(4, 3), math.inf), (ONE[:1], {"p": 3.0}), MANY, (np.repeat(MANY, 2, 0),), (np.where(np.eye(11, 3) > 0, math.inf, MANY),), (MANY + 1e3, 2.0), (MANY, 3.0),
           order=1, forms=False, dtypes=False, variants=False),  # PyTorch has no second derivative, and no float16
    *calls("pdist", (ONE, 0.0), order=0, forms=False, dtypes=False, variants=False),
    of("cosine_similarity", "", ONE, OTHER, dim=0, eps=1e-3),
    Call("cosine_similarity", (ONE * 0, OTHER), {"eps": 1e-3}, note="of zeros", fixed=(0,), forms=False),
    Call("cosine_similarity", (ONE * 0, OTHER), {"eps": 0.0}, note="of zeros without eps", order=1, forms=False, dtypes=False, variants=False),
    of("pairwise_distance", "", ONE, OTHER, p=3.0, eps=1e-3, keepdim=True),
    replace(of("pdist", "", ONE, p=3.0), order=1),
]  # fmt: skip


def error(name: str, call: Any, message: str, kind: Any = RuntimeError) -> ErrorSample:
    return ErrorSample(name, call, kind, message)


ERRORS: list[ErrorSample] = [
    error("cosine_similarity: shapes", lambda lib: lib.cosine_similarity(lib.ones(3, 2), lib.ones(4, 2)), "3.*4"),
    error("cosine_similarity: integers", lambda lib: lib.cosine_similarity(lib.tensor([1]), lib.tensor([1]), 0), "floating"),
    error("cosine_similarity: dim", lambda lib: lib.cosine_similarity(lib.ones(2), lib.ones(2)), "Dimension out of range", IndexError),
    error("pairwise_distance: shapes", lambda lib: lib.pairwise_distance(lib.ones(3, 2), lib.ones(4, 2)), "3.*4"),
    error("pdist: dimensions", lambda lib: lib.pdist(lib.ones(3)), "only supports 2D"),
    error("pdist: integers", lambda lib: lib.pdist(lib.ones(3, 2).long()), "floating-point"),
    error("pdist: p", lambda lib: lib.pdist(lib.ones(3, 2), -1.0), "non-negative p"),
]  # fmt: skip


SAME = np.array([[1.0, 2.0], [1.0, 2.0], [3.0, 3.0]])
EDGES = [
    Edge("cosine_similarity_of_zeros", lambda lib, x, y: lib.cosine_similarity(x, y), (ZEROS, ZEROS + 1)),
    Edge("cosine_similarity_of_two_zeros", lambda lib, x, y: lib.cosine_similarity(x, y), (ZEROS, ZEROS)),
    Edge("cosine_similarity_large", lambda lib, x, y: lib.cosine_similarity(x, y, 0), (np.full(2, 1e200), np.ones(2))),
    *(Edge(f"pdist_equal_{p}", lambda lib, x, p=p: lib.pdist(x, p), (SAME,)) for p in (1.0, 1.5, 2.0, 3.0, math.inf)),
    *(Edge(f"pairwise_distance_equal_{p}", lambda lib, x, y, p=p: lib.pairwise_distance(x, y, p), (SAME, SAME[::-1].copy()))
      for p in (1.0, 2.0, math.inf)),
    Edge("pairwise_distance_without_eps", lambda lib, x, y: lib.pairwise_distance(x, y, eps=0.0), (SAME, SAME)),
]  # fmt: skip


PAIR = "dl.randn(4, 3), dl.randn(4, 3)"
HALF = ("float32", "float64", "float16")
MODULES: list[Row] = [
    row("nn.CosineSimilarity()", PAIR, dtypes=HALF),
    row("nn.CosineSimilarity(dim=0, eps=0.5)", PAIR, kit={"empty_batch": False}),
    row("nn.PairwiseDistance()", PAIR, dtypes=HALF),
    row("nn.PairwiseDistance(1.0, 0.1, True)", "dl.randn(4, 3), dl.randn(3)", kit=None),
    row("nn.PairwiseDistance(float('inf'))", "dl.randn(3), dl.randn(3)", kit=None),
    *live(rows("nn.CosineSimilarity({d})", PAIR, "dl.randn(2, 3, 4), dl.randn(3, 4)", "dl.randn(2, 1, 4), dl.randn(3, 1)",
               choices={"d": ["-1", "dim=-2"]})),
    *live(rows("nn.PairwiseDistance({p}, keepdim={k})", PAIR, "dl.randn(2, 3, 4), dl.randn(3, 4)", "dl.randn(3), dl.randn(2, 3)",
               choices={"p": ["0.5", "3.0", "-1.0"], "k": [True, False]}, narrow=1e-3)),
]  # fmt: skip
