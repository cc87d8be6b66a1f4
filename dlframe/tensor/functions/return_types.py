"""What functions with several results return: named tuples, as `torch.return_types`.

>>> dl.max(dl.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
dlframe.return_types.max(
values=tensor([5., 7.]),
indices=tensor([1, 0]))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from dlframe.tensor import Tensor


class max(NamedTuple):
    """Of `dlframe.max` along a dim: the largest elements and where they were."""

    values: Tensor
    indices: Tensor


class min(NamedTuple):
    """Of `dlframe.min` along a dim: the smallest elements and where they were."""

    values: Tensor
    indices: Tensor


class sort(NamedTuple):
    """Of `dlframe.sort`: the elements in order, and where they were."""

    values: Tensor
    indices: Tensor


class topk(NamedTuple):
    """Of `dlframe.topk`: the largest elements in order, and where they were."""

    values: Tensor
    indices: Tensor


class aminmax(NamedTuple):
    """Of `dlframe.aminmax`: the smallest and the largest elements."""

    min: Tensor
    max: Tensor


class linalg_ldl_factor(NamedTuple):
    """Of `dlframe.linalg.ldl_factor`: L and D in one matrix, and the exchanges."""

    LD: Tensor
    pivots: Tensor


class linalg_ldl_factor_ex(NamedTuple):
    """Of `dlframe.linalg.ldl_factor_ex`: the factors, and which of D is 0."""

    LD: Tensor
    pivots: Tensor
    info: Tensor


class geqrf(NamedTuple):
    """Of `dlframe.geqrf`: R with the vectors of the reflections, and their factors."""

    a: Tensor
    tau: Tensor


class median(NamedTuple):
    """Of `dlframe.median` along a dim: the elements in the middle, and where they are."""

    values: Tensor
    indices: Tensor


class nanmedian(NamedTuple):
    """Of `dlframe.nanmedian` along a dim: the elements in the middle, and where they are."""

    values: Tensor
    indices: Tensor


class mode(NamedTuple):
    """Of `dlframe.mode`: the most frequent elements, and where they are."""

    values: Tensor
    indices: Tensor


class kthvalue(NamedTuple):
    """Of `dlframe.kthvalue`: the k-th smallest elements, and where they are."""

    values: Tensor
    indices: Tensor


class cummax(NamedTuple):
    """Of `dlframe.cummax`: the largest elements so far, and where they are."""

    values: Tensor
    indices: Tensor


class cummin(NamedTuple):
    """Of `dlframe.cummin`: the smallest elements so far, and where they are."""

    values: Tensor
    indices: Tensor


class histogram(NamedTuple):
    """Of `dlframe.histogram`: how much there is in each bin, and where the bins end."""

    hist: Tensor
    bin_edges: Tensor


class histogramdd(NamedTuple):
    """Of `dlframe.histogramdd`: how much there is in each cell, and the edges per dimension."""

    hist: Tensor
    bin_edges: tuple[Tensor, ...]


# --- linear algebra ----------------------------------------------------------------------------


class linalg_cholesky_ex(NamedTuple):
    """Of `dlframe.linalg.cholesky_ex`: the factors, and 0 for each that exists."""

    L: Tensor
    info: Tensor


class linalg_eigh(NamedTuple):
    """Of `dlframe.linalg.eigh`: ascending eigenvalues, and eigenvectors as columns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class linalg_inv_ex(NamedTuple):
    """Of `dlframe.linalg.inv_ex`: the inverses, and 0 for each that exists."""

    inverse: Tensor
    info: Tensor


class linalg_lstsq(NamedTuple):
    """Of `dlframe.linalg.lstsq`; what its driver does not compute is empty."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


class linalg_lu(NamedTuple):
    """Of `dlframe.linalg.lu`: A = P L U."""

    P: Tensor
    L: Tensor
    U: Tensor


class linalg_lu_factor(NamedTuple):
    """Of `dlframe.linalg.lu_factor`: L and U in one matrix, and the row exchanges, from 1."""

    LU: Tensor
    pivots: Tensor


class linalg_lu_factor_ex(NamedTuple):
    """Of `dlframe.linalg.lu_factor_ex`: as `linalg_lu_factor`; info is k if U[k, k] is 0."""

    LU: Tensor
    pivots: Tensor
    info: Tensor


class linalg_qr(NamedTuple):
    """Of `dlframe.linalg.qr`: A = Q R."""

    Q: Tensor
    R: Tensor


class linalg_slogdet(NamedTuple):
    """Of `dlframe.linalg.slogdet`: det A = sign · exp(logabsdet)."""

    sign: Tensor
    logabsdet: Tensor


class linalg_solve_ex(NamedTuple):
    """Of `dlframe.linalg.solve_ex`: the solutions, and 0 for each that exists."""

    result: Tensor
    info: Tensor


class linalg_svd(NamedTuple):
    """Of `dlframe.linalg.svd`: A = U diag(S) Vh."""

    U: Tensor
    S: Tensor
    Vh: Tensor


class lu_unpack(NamedTuple):
    """Of `dlframe.lu_unpack`: A = P L U."""

    P: Tensor
    L: Tensor
    U: Tensor


class qr(NamedTuple):
    """Of `dlframe.qr`: input = Q R."""

    Q: Tensor
    R: Tensor


class slogdet(NamedTuple):
    """Of `dlframe.slogdet`: det = sign · exp(logabsdet)."""

    sign: Tensor
    logabsdet: Tensor


class svd(NamedTuple):
    """Of `dlframe.svd`: input = U diag(S) Vᵀ."""

    U: Tensor
    S: Tensor
    V: Tensor


class triangular_solve(NamedTuple):
    """Of `dlframe.triangular_solve`: the solution, and a copy of the matrix."""

    solution: Tensor
    cloned_coefficient: Tensor


class frexp(NamedTuple):
    """Of `dlframe.frexp`: the mantissas, and the exponents of 2 that they are to be scaled with."""

    mantissa: Tensor
    exponent: Tensor


# --- as text -----------------------------------------------------------------------------------


def _text(self: Any) -> str:
    """A field per line, as PyTorch prints them."""
    fields = (f"{name}={value!r}" for name, value in self._asdict().items())
    return f"dlframe.return_types.{type(self).__name__}(\n" + ",\n".join(fields) + ")"


for _class in list(vars().values()):
    if isinstance(_class, type) and issubclass(_class, tuple):
        _class.__repr__ = _text  # type: ignore[method-assign] # a named tuple has its own
