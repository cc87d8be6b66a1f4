"""Distances and similarities, which PyTorch has at its top level, too."""

from __future__ import annotations

from dlframe.tensor import functions

__all__ = ["cosine_similarity", "pairwise_distance", "pdist"]

cosine_similarity = functions.cosine_similarity
pairwise_distance = functions.pairwise_distance
pdist = functions.pdist
