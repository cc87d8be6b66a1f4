"""Functions that PyTorch removed: each raises, and names its successor in `linalg`."""

from __future__ import annotations

from typing import Any, NoReturn

from dlframe.errors import ArgumentError

__all__ = ["eig", "lstsq", "matrix_rank", "solve", "symeig"]


def _removed(name: str, advice: str) -> ArgumentError:
    return ArgumentError(f"{name}: this function is now removed, as in PyTorch; {advice}")


def eig(self: Any, eigenvectors: bool = False, *, e: Any = None, v: Any = None) -> NoReturn:
    """Raises: removed, since eigenvalues may be complex, which tensors cannot hold.

    `linalg.eigh` has those of symmetric matrices.
    """
    raise _removed("eig", "the eigenvalues of a symmetric matrix are linalg.eigh(A)")


def lstsq(input: Any, A: Any) -> NoReturn:
    """Raises: removed for `linalg.lstsq`, with its arguments the other way round."""
    raise _removed(
        "lstsq", "use linalg.lstsq(A, B), where B is what lstsq had as its first argument"
    )


def matrix_rank(input: Any, tol: Any = None, symmetric: bool = False) -> NoReturn:
    """Raises: removed for `linalg.matrix_rank`, where `symmetric` is called `hermitian`."""
    raise _removed("matrix_rank", "use linalg.matrix_rank(A, hermitian=symmetric)")


def solve(input: Any, A: Any) -> NoReturn:
    """Raises: removed for `linalg.solve`, with its arguments the other way round."""
    raise _removed(
        "solve", "use linalg.solve(A, B), where B is what solve had as its first argument"
    )


def symeig(input: Any, eigenvectors: bool = False, upper: bool = True) -> NoReturn:
    """Raises: removed for `linalg.eigh`, which looks at the lower triangle."""
    raise _removed(
        "symeig", "use linalg.eigvalsh(A) or linalg.eigh(A); UPLO='U' takes the upper triangle"
    )
