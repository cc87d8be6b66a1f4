"""Special functions: error functions, gamma, Bessel, orthogonal polynomials."""

from __future__ import annotations

from dlframe.viz.explain.formulas.notation import formula, slope

ERRORS = {
    "erf": slope(r"\frac{2}{\sqrt{\pi}} \int_0^x e^{-t^2} dt", r"\frac{2}{\sqrt{\pi}} e^{-x^2}"),
    "erfc": slope(
        r"\frac{2}{\sqrt{\pi}} \int_x^\infty e^{-t^2} dt", r"\frac{-2}{\sqrt{\pi}} e^{-x^2}"
    ),
    "erfcx": slope(r"e^{x^2} \cdot \mathrm{erfc}(x)", r"\left(2 x z - \frac{2}{\sqrt{\pi}}\right)"),
    "erfinv": slope(r"\mathrm{erf}^{-1}(x)", r"\frac{\sqrt{\pi}}{2} e^{z^2}"),
    "ndtr": slope(r"\Phi(x)", r"\frac{1}{\sqrt{2 \pi}} e^{-x^2 / 2}"),
    "ndtri": slope(r"\Phi^{-1}(x)", r"\sqrt{2 \pi} e^{z^2 / 2}"),
    "log_ndtr": slope(r"\ln \Phi(x)", r"\frac{1}{\sqrt{2 \pi}} e^{-x^2 / 2 - z}"),
}

GAMMA = {
    "lgamma": slope(r"\ln |\Gamma(x)|", r"\psi(x)"),
    "digamma": slope(r"\psi(x) = \frac{d}{dx} \ln \Gamma(x)", r"\psi^{(1)}(x)"),
    "polygamma": slope(r"\psi^{(n)}(x)", r"\psi^{(n + 1)}(x)"),
    "igamma": formula(
        r"\frac{1}{\Gamma(a)} \int_0^x t^{a - 1} e^{-t} dt",
        a=r"g \frac{\partial z}{\partial a}",
        x=r"g \frac{x^{a - 1} e^{-x}}{\Gamma(a)}",
    ),
    "igammac": formula(
        r"\frac{1}{\Gamma(a)} \int_x^\infty t^{a - 1} e^{-t} dt",
        a=r"g \frac{\partial z}{\partial a}",
        x=r"-g \frac{x^{a - 1} e^{-x}}{\Gamma(a)}",
    ),
    "zeta": formula(
        r"\sum_{k=0}^\infty \frac{1}{(k + q)^x}",
        x=r"g \frac{\partial z}{\partial x}",
        q=r"-g x \zeta(x + 1, q)",
    ),
}

BESSEL = {
    "airy_ai": slope(r"\mathrm{Ai}(x)", r"\mathrm{Ai}'(x)"),
    "airy_ai_slope": slope(r"\mathrm{Ai}'(x)", r"x \cdot \mathrm{Ai}(x)"),
    "bessel_j0": slope("J_0(x)", "(-J_1(x))"),
    "bessel_j1": slope("J_1(x)", r"\left(J_0(x) - \frac{z}{x}\right)"),
    "bessel_y0": slope("Y_0(x)", "(-Y_1(x))"),
    "bessel_y1": slope("Y_1(x)", r"\left(Y_0(x) - \frac{z}{x}\right)"),
    "i0": slope("I_0(x)", "I_1(x)"),
    "i0e": slope("e^{-|x|} I_0(x)", r"(e^{-|x|} I_1(x) - \mathrm{sign}(x) z)"),
    "i1": slope("I_1(x)", r"\left(I_0(x) - \frac{z}{x}\right)"),
    "i1e": slope(
        "e^{-|x|} I_1(x)",
        r"\left(e^{-|x|} I_0(x) - z \left(\mathrm{sign}(x) + \frac{1}{x}\right)\right)",
    ),
    "modified_bessel_k0": slope("K_0(x)", "(-K_1(x))"),
    "modified_bessel_k1": slope("K_1(x)", r"\left(-K_0(x) - \frac{z}{x}\right)"),
    "scaled_modified_bessel_k0": slope("e^x K_0(x)", "(z - e^x K_1(x))"),
    "scaled_modified_bessel_k1": slope("e^x K_1(x)", r"\left(z - e^x K_0(x) - \frac{z}{x}\right)"),
    "spherical_bessel_j0": slope(r"\frac{\sin x}{x}", r"\frac{\cos x - z}{x}"),
}

POLYNOMIALS = {
    "chebyshev_polynomial_t": slope("T_n(x)", "n U_{n-1}(x)"),
    "chebyshev_polynomial_u": slope("U_n(x)", "U_n'(x)"),
    "chebyshev_polynomial_v": slope("V_n(x)", "V_n'(x)"),
    "chebyshev_polynomial_w": slope("W_n(x)", "W_n'(x)"),
    "hermite_polynomial_h": formula("H_n(x)", x="2 n g H_{n-1}(x)"),
    "hermite_polynomial_he": slope("He_n(x)", "n He_{n-1}(x)"),
    "laguerre_polynomial_l": slope("L_n(x)", "L_n'(x)"),
    "legendre_polynomial_p": slope("P_n(x)", "P_n'(x)"),
}

TABLE = ERRORS | GAMMA | BESSEL | POLYNOMIALS
