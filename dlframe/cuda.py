"""Answers programs that ask for CUDA before they choose a device: there is no GPU."""

from __future__ import annotations


def is_available() -> bool:
    """Whether tensors can be on an NVIDIA GPU; always False.

    >>> import dlframe as dl
    >>> dl.cuda.is_available()
    False
    """
    return False


def device_count() -> int:
    """The number of GPUs; always 0.

    >>> import dlframe as dl
    >>> dl.cuda.device_count()
    0
    """
    return 0


def manual_seed(seed: int) -> None:
    """Do nothing, as PyTorch does without a GPU; `dl.manual_seed` seeds the generator.

    >>> import dlframe as dl
    >>> dl.cuda.manual_seed(0)
    """


def manual_seed_all(seed: int) -> None:
    """Do nothing, as `manual_seed`.

    >>> import dlframe as dl
    >>> dl.cuda.manual_seed_all(0)
    """


__all__ = ["device_count", "is_available", "manual_seed", "manual_seed_all"]
