"""The description of a worker under PyTorch's path; written in `dlframe.data.fetch`."""

from __future__ import annotations

from dlframe.data.fetch import (
    WorkerInfo,
    get_worker_info,
)

__all__ = [
    "WorkerInfo",
    "get_worker_info",
]
