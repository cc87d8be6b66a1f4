"""Products and linear algebra, as methods and in place."""

from __future__ import annotations

from dlframe.ops.record import TensorBase
from dlframe.tensor import functions as F
from dlframe.tensor.functions import products


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

    det = F.det
    slogdet = F.slogdet
    logdet = F.logdet
    inverse = F.inverse
    pinverse = F.pinverse
    cholesky = F.cholesky
    cholesky_inverse = F.cholesky_inverse
    cholesky_solve = F.cholesky_solve
    triangular_solve = F.triangular_solve
    lu = F.lu
    lu_solve = F.lu_solve
    geqrf = F.geqrf
    orgqr = F.orgqr
    ormqr = F.ormqr
    qr = F.qr
    svd = F.svd
    matrix_power = F.matrix_power
    matrix_exp = F.matrix_exp
