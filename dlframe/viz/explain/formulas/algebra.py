"""Products of matrices, decompositions, equations.

Here A is the input a, Z the result and G its gradient; a bar over a result, as over U, marks that
result's own gradient. Φ takes the lower triangle, with half of the diagonal, tril₋₁ that below the
diagonal. F holds 1/(λⱼ - λᵢ), for singular values 1/(σⱼ² - σᵢ²), and zeros on its diagonal.
"""

from __future__ import annotations

from dlframe.viz.explain.formulas.notation import Formula, formula

PRODUCTS = {
    "matmul": formula("X Y", x="G Y^\\top", y="X^\\top G"),
    "addmm": formula(
        r"\beta M + \alpha X Y",
        input=r"\beta G",
        x=r"\alpha G Y^\top",
        y=r"\alpha X^\top G",
    ),
    "contract": formula(
        r"\sum_k x_{i k} y_{k j}", x=r"\sum_j g_{i j} y_{k j}", y=r"\sum_i g_{i j} x_{i k}"
    ),
    "cross": formula(r"x \times y", x=r"y \times g", y=r"g \times x"),
    "cdist": formula(
        r"\left\Vert x_i - y_j \right\Vert_p",
        x=r"\sum_j g_{ij} \frac{\partial z_{ij}}{\partial x_i}",
        y=r"-\sum_i g_{ij} \frac{\partial z_{ij}}{\partial x_i}",
    ),
    "euclidean_distances": formula(
        r"\left\Vert x_i - y_j \right\Vert_2",
        x=r"\sum_j g_{ij} \frac{x_i - y_j}{z_{ij}}",
        y=r"\sum_i g_{ij} \frac{y_j - x_i}{z_{ij}}",
    ),
}

_SYMMETRIC = r"V \left(\mathrm{diag}(\bar{\lambda}) + F \odot V^\top \bar{V}\right) V^\top"

DECOMPOSITIONS = {
    "cholesky": formula(r"L: A = L L^\top", a=r"L^{-\top} \Phi(L^\top G) L^{-1}"),
    "eigh": formula(r"\lambda, V: A = V \cdot \mathrm{diag}(\lambda) V^\top", a=_SYMMETRIC),
    "eigvalsh": formula(r"\lambda: A v_i = \lambda_i v_i", a=r"V \cdot \mathrm{diag}(g) V^\top"),
    "lu_factor": formula(
        r"L, U: P A = L U",
        a=r"P^\top L^{-\top} (\mathrm{tril}_{-1}(L^\top \bar{L}) + \mathrm{triu}(\bar{U} U^\top))"
        r" U^{-\top}",
    ),
    "qr": formula(
        "Q, R: A = Q R",
        a=r"(\bar{Q} + Q \cdot \mathrm{copyltu}(R \bar{R}^\top - \bar{Q}^\top Q)) R^{-\top}",
    ),
    "svd": formula(
        r"U, \sigma, V: A = U \cdot \mathrm{diag}(\sigma) V^\top",
        a=r"U \left(\mathrm{diag}(\bar{\sigma})"
        r" + (F \odot (U^\top \bar{U} - \bar{U}^\top U)) \Sigma"
        r" + \Sigma (F \odot (V^\top \bar{V} - \bar{V}^\top V))\right) V^\top",
    ),
    "svdvals": formula(
        r"\sigma: A = U \cdot \mathrm{diag}(\sigma) V^\top", a=r"U \cdot \mathrm{diag}(g) V^\top"
    ),
}

EQUATIONS = {
    "inv": formula("A^{-1}", a=r"-Z^\top G Z^\top"),
    "solve": formula("Z: A Z = B", a=r"-A^{-\top} G Z^\top", b=r"A^{-\top} G"),
    "cholesky_solve": formula(
        r"Z: L L^\top Z = B",
        b=r"(L L^\top)^{-1} G",
        factor=r"-(M + M^\top) L, \quad M = (L L^\top)^{-1} G Z^\top",
    ),
    "solve_triangular": formula(
        "Z: A Z = B", a=r"\mathrm{triangle}(-A^{-\top} G Z^\top)", b=r"A^{-\top} G"
    ),
    "least_squares": formula(
        r"Z: \min_Z \left\Vert A Z - B \right\Vert_2",
        a=r"(B - A Z) (A^{+} A^{+\top} G)^\top - A^{+\top} G Z^\top",
        b=r"A^{+\top} G",
    ),
    "pinv": formula(
        "A^{+}",
        a=r"-Z^\top G Z^\top + (I - A Z) G^\top Z Z^\top + Z^\top Z G^\top (I - Z A)",
    ),
    "det": formula(r"\det A", a=r"g z A^{-\top}"),
    "slogdet": formula(r"\mathrm{sign}(\det A), \ln |\det A|", a=r"g A^{-\top}"),
    "expm": formula(
        r"e^A = \sum_{k=0}^\infty \frac{A^k}{k!}",
        a=r"\int_0^1 e^{t A^\top} G e^{(1 - t) A^\top} dt",
    ),
}

TABLE: dict[str, Formula] = PRODUCTS | DECOMPOSITIONS | EQUATIONS
