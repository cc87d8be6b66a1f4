"""What programs ask about CUDA before they choose a device: there is none."""

from __future__ import annotations


def is_available() -> bool:
    """Whether tensors can live on an NVIDIA GPU: never.

    >>> import dlframe as dl
    >>> dl.cuda.is_available()
    False
    """
    return False


def device_count() -> int:
    """The number of such GPUs: 0.

    >>> import dlframe as dl
    >>> dl.cuda.device_count()
    0
    """
    return 0


__all__ = ["device_count", "is_available"]
