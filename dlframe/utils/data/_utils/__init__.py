"""Parts of the loader that programs import by their private path in PyTorch."""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.utils.data._utils import collate, worker

__all__ = ["collate", "worker"]

lazily(__name__)
