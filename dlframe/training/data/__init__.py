"""What `fit` is given, and how it becomes batches that a model, a loss and metrics take."""

from __future__ import annotations

__all__: list[str] = []
