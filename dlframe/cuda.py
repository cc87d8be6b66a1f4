"""What programs ask of CUDA before they choose a device: there is none."""

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


def manual_seed(seed: int) -> None:
    """Nothing, as in PyTorch where there is no GPU: `dl.manual_seed` seeds what there is.

    >>> import dlframe as dl
    >>> dl.cuda.manual_seed(0)
    """


def manual_seed_all(seed: int) -> None:
    """Nothing, as `manual_seed`.

    >>> import dlframe as dl
    >>> dl.cuda.manual_seed_all(0)
    """


__all__ = ["device_count", "is_available", "manual_seed", "manual_seed_all"]
