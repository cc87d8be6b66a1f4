"""Linear algebra, under the names of ``torch.linalg``.

The last two dimensions are a matrix, those before them a batch. Matrices are float32 or float64.

>>> import dlframe as dl
>>> A = dl.tensor([[2.0, 1.0], [1.0, 3.0]], requires_grad=True)
>>> dl.linalg.slogdet(A).logabsdet.backward()
>>> A.grad  # the inverse, transposed
tensor([[ 0.6000, -0.2000],
        [-0.2000,  0.4000]])
"""

from __future__ import annotations

from dlframe.errors import LinAlgError
from dlframe.linalg.decompositions import (
    cholesky,
    cholesky_ex,
    eigh,
    eigvalsh,
    householder_product,
    lu,
    lu_factor,
    lu_factor_ex,
    qr,
    svd,
    svdvals,
)
from dlframe.linalg.norms import cond, matrix_norm, matrix_rank, norm, vector_norm
from dlframe.linalg.products import (
    cross,
    diagonal,
    matmul,
    matrix_exp,
    matrix_power,
    multi_dot,
    vander,
    vecdot,
)
from dlframe.linalg.solvers import (
    det,
    inv,
    inv_ex,
    lstsq,
    lu_solve,
    pinv,
    slogdet,
    solve,
    solve_ex,
    solve_triangular,
    tensorinv,
    tensorsolve,
)

__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_ex",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "householder_product",
    "inv",
    "inv_ex",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_ex",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
    "vector_norm",
]
