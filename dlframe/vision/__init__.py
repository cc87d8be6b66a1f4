"""Helpers for images under torchvision's names; data sets and transforms are in `dlframe.data`."""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.data import datasets, transforms
    from dlframe.vision import utils

__all__ = ["datasets", "transforms", "utils"]

lazily(__name__)
