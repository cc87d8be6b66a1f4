"""Small networks, which the command line, the examples and the benchmarks train."""

from __future__ import annotations

from dlframe.models.classic import cnn, lenet, linear, mlp
from dlframe.models.registry import MODELS, build

__all__ = ["MODELS", "build", "cnn", "lenet", "linear", "mlp"]
