"""Products and linear algebra, as methods and in place."""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, deferred
from dlframe.ops.record import TensorBase

if IN_ADVANCE:
    from dlframe.tensor import functions as F
    from dlframe.tensor.functions import matrices, products
else:
    globals().update(deferred("dlframe.tensor.functions", "F", "matrices", "products"))


class LinalgMethods(TensorBase):
    """Products of vectors and matrices; see `dlframe.tensor.functions.products`."""

    __slots__ = ()

    matmul = F.matmul
    mm = F.mm
    mv = F.mv
    bmm = F.bmm
    dot = F.dot
    vdot = F.vdot
    inner = F.inner
    outer = F.outer
    ger = F.ger
    kron = F.kron
    cross = F.cross
    addmm, addmm_ = products.addmm, products.addmm_
    addmv, addmv_ = products.addmv, products.addmv_
    addr, addr_ = products.addr, products.addr_
    baddbmm, baddbmm_ = products.baddbmm, products.baddbmm_
    addbmm, addbmm_ = products.addbmm, products.addbmm_

    det = matrices.det
    slogdet = matrices.slogdet
    logdet = matrices.logdet
    inverse = matrices.inverse
    pinverse = matrices.pinverse
    cholesky = matrices.cholesky
    cholesky_inverse = matrices.cholesky_inverse
    cholesky_solve = matrices.cholesky_solve
    triangular_solve = matrices.triangular_solve
    lu = F.lu
    lu_solve = matrices.lu_solve
    geqrf = F.geqrf
    orgqr = F.orgqr
    ormqr = F.ormqr
    qr = matrices.qr
    svd = matrices.svd
    matrix_power = matrices.matrix_power
    matrix_exp = matrices.matrix_exp
