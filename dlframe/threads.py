"""How many threads NumPy's BLAS uses for matrix products, which is where dlframe's threads are."""

from __future__ import annotations

from typing import Any

from dlframe.errors import ArgumentError


def get_num_threads() -> int:
    """The number of threads of a matrix product.

    >>> import dlframe as dl
    >>> dl.get_num_threads() >= 1
    True
    """
    return max((pool["num_threads"] for pool in _controller().info()), default=1)


def set_num_threads(num_threads: int) -> None:
    """Use at most this many threads for a matrix product, in the whole process.

    One thread is the best choice for small networks, and wherever other programs keep the
    processors busy: BLAS waits for its threads by spinning, and one that has to wait for a
    processor holds up all.

    Raises:
        ArgumentError: not a positive whole number.

    >>> import dlframe as dl
    >>> before = dl.get_num_threads()
    >>> dl.set_num_threads(1)
    >>> dl.get_num_threads()
    1
    >>> dl.set_num_threads(before)
    """
    if not isinstance(num_threads, int) or num_threads < 1:
        raise ArgumentError(f"set_num_threads expects a positive integer, got {num_threads!r}")
    _controller().limit(limits=num_threads)


def _controller() -> Any:
    from threadpoolctl import ThreadpoolController  # finds the loaded libraries, so not at import

    return ThreadpoolController().select(user_api="blas")
