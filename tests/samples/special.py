"""Samples of dlframe/special and of the operations behind it: erf, gamma, bessel, polynomials."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from samples.table import ALL_FLOATS, Array, Call, ErrorSample, Named, Numbers, Sample, calls

n = Numbers(11)
inf, nan = math.inf, math.nan

NO_INTS = "PyTorch has no kernel for integers"


def unary(op: str, public: str, x: Array, reference: Any, order: int = 2, **more: Any) -> Sample:
    return Sample(
        op, (x,), reference=reference, public=public, dtypes=ALL_FLOATS, elementwise=True, order=order, **more
    )  # fmt: skip


def own(op: str, x: Array, reference: Any) -> Sample:
    """An operation whose gradient PyTorch does not have: the call is among `CALLS`, without one."""
    return unary(op, "", x, reference)


def polynomial(op: str, reference: Any, x: Array, degree: Any) -> Sample:
    return Sample(op, (x, degree), reference=lambda x, k: reference(k, x), elementwise=True)


def third_kind(k: Any, x: Any) -> Any:
    return np.cos((k + 0.5) * np.arccos(x)) / np.cos(0.5 * np.arccos(x))


def fourth_kind(k: Any, x: Any) -> Any:
    return np.sin((k + 0.5) * np.arccos(x)) / np.sin(0.5 * np.arccos(x))


POLYNOMIALS = {
    "chebyshev_polynomial_t": special.eval_chebyt,
    "chebyshev_polynomial_u": special.eval_chebyu,
    "chebyshev_polynomial_v": third_kind,
    "chebyshev_polynomial_w": fourth_kind,
    "hermite_polynomial_h": special.eval_hermite,
    "hermite_polynomial_he": special.eval_hermitenorm,
    "laguerre_polynomial_l": special.eval_laguerre,
    "legendre_polynomial_p": special.eval_legendre,
}
BESSEL = {
    "bessel_j0": special.j0,
    "bessel_j1": special.j1,
    "bessel_y0": special.y0,
    "bessel_y1": special.y1,
    "modified_bessel_k0": special.k0,
    "modified_bessel_k1": special.k1,
    "scaled_modified_bessel_k0": special.k0e,
    "scaled_modified_bessel_k1": special.k1e,
}

SAMPLES = [
    unary("erf", "special.erf", n.away(3, 4), special.erf),
    unary("erfc", "erfc", n.away(3, 4), special.erfc),
    unary("erfcx", "special.erfcx", n.away(3, 4), special.erfcx),
    unary("erfinv", "erfinv", n.unit(3, 4), special.erfinv),
    unary("ndtr", "special.ndtr", n.away(3, 4), special.ndtr),
    unary("ndtri", "special.ndtri", n.unit(3, 4) / 2 + 0.5, special.ndtri),
    unary("log_ndtr", "special.log_ndtr", n.away(3, 4) * 3, special.log_ndtr),
    unary("lgamma", "", n.away(3, 4) + 0.05, special.gammaln),
    unary("digamma", "", n.positive(3, 4), special.digamma),
    unary("digamma", "", n.positive(3, 4) - 2.5, special.digamma),
    *(
        Sample("polygamma", (n.positive(3, 4),), {"n": k}, reference=lambda x, n: special.polygamma(n, x), elementwise=True,
               tolerance=1e-11)
        for k in (0, 1, 2, 5)
    ),
    Sample("igamma", (n.positive(3, 4), n.positive(3, 4)), fixed=(0,), reference=special.gammainc, public="igamma", elementwise=True),
    Sample("igammac", (n.positive(3, 4), n.positive(4)), fixed=(0,), reference=special.gammaincc, public="igammac", elementwise=True),
    Sample("zeta", (n.positive(3, 4) + 1.2, n.positive(4)), fixed=(0,), reference=special.zeta, public="special.zeta",
           elementwise=True),
    Sample("zeta", (2.5, n.positive(3, 4)), reference=special.zeta, public="special.zeta", elementwise=True),
    unary("i0", "i0", n.away(3, 4), special.i0),
    unary("i0e", "special.i0e", n.away(3, 4), special.i0e),
    unary("i1", "special.i1", n.away(3, 4), special.i1),
    unary("i1", "special.i1", n.unit(3, 4) * 0.01, special.i1),  # by the series, in the gradients
    unary("i1e", "special.i1e", n.away(3, 4), special.i1e),
    unary("i1e", "special.i1e", n.unit(3, 4) * 0.01, special.i1e),
    *(own(op, n.positive(3, 4), reference) for op, reference in BESSEL.items()),
    own("bessel_j1", n.unit(3, 4) * 0.01, special.j1),
    own("spherical_bessel_j0", n.away(3, 4), lambda x: np.sin(x) / x),
    own("airy_ai", n.away(3, 4), lambda x: special.airy(x)[0]),
    own("airy_ai_slope", n.away(3, 4), lambda x: special.airy(x)[1]),
    *(polynomial(op, f, n.unit(3, 4), k) for op, f in POLYNOMIALS.items() for k in (n.ints(0, 6, 4), n.ints(0, 6, 3, 1))),
]  # fmt: skip

ends = np.array([-inf, -100.0, -2.0, -1.5, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 2.0, 100.0, inf, nan])


def at_ends(name: str, *values: float, order: int = 1) -> Call:
    """A call where numbers end: there dtypes and shapes are of no interest."""
    x = np.array(values) if values else ends
    return Call(
        name, (x,), note="where numbers end", dtypes=False, variants=False, order=order, narrow=0
    )


x, y = n.positive(3, 4), n.positive(4)

TRIGAMMA = 1e-8

CALLS = [
    # PyTorch has no gradient for these
    *(
        Call(f"special.{name}", (n.positive(3, 4),), order=0)
        for name in (*BESSEL, "spherical_bessel_j0", "airy_ai", "modified_bessel_i0", "modified_bessel_i1")
    ),
    *(
        Call(f"special.{name}", (n.unit(3, 4) * 1.5, degree), order=0)
        for name in (*POLYNOMIALS, *(f"shifted_{name}" for name in POLYNOMIALS if name.startswith("chebyshev")))
        for degree in (3, n.ints(-1, 12, 4), n.ints(0, 4, 3, 1))
    ),
    *calls("special.legendre_polynomial_p", (0.3, n.ints(0, 7, 5)), order=0, tolerance=1e-6),
    # the other names of functions at the top level
    # PyTorch's trigamma function is exact to nine digits
    *calls("lgamma", (n.away(3, 4) + 0.05,), tolerance=TRIGAMMA),
    *calls("digamma", (x,), (x - 2.5,), tolerance=TRIGAMMA),
    *calls("special.digamma", (x,), tolerance=TRIGAMMA),
    *calls("special.psi", (x,), tolerance=TRIGAMMA),
    *calls("special.erfc", (x,)),
    *calls("special.erfinv", (n.unit(3, 4),)),
    *calls("special.exp2", (x,)),
    *calls("special.expit", (x,)),
    *calls("special.expm1", (x,)),
    *calls("special.gammainc", (x, y), fixed=(0,)),
    *calls("special.gammaincc", (x, y), fixed=(0,)),
    *calls("special.gammaln", (x,), tolerance=TRIGAMMA),
    *calls("special.i0", (x,)),
    *calls("special.log1p", (x,)),
    *calls("special.logit", (n.unit(3, 4) / 2 + 0.5,), (n.unit(3, 4) / 2 + 0.5, {"eps": 0.2})),
    *calls("special.log_softmax", (n.ints(0, 4, 3, 4), 1, {"dtype": Named("float64")})),
    *calls("special.log_softmax", (x, 0), (x, {"dim": -1})),
    *calls("special.softmax", (x, 0), (x, {"dim": -1}), (n.ints(0, 4, 3, 4), 1, {"dtype": Named("float64")})),
    *calls("special.logsumexp", (x, 0), (x, {"dim": -1}), (x, 1, {"keepdim": True})),
    *calls("special.multigammaln", (x + 1, 3), (x + 1, {"p": 1}), tolerance=TRIGAMMA),
    *calls("mvlgamma", (x + 1, 3), (x + 1, {"p": 1}), tolerance=TRIGAMMA),
    *calls("special.polygamma", (2, x)),
    *calls("polygamma", (0, x), (1, x), (2, x), (3, {"input": x}), tolerance=TRIGAMMA),
    *calls("Tensor.polygamma", (x, 2), run=lambda lib, x, n: x.polygamma(n), passes=("n",)),
    *calls("Tensor.polygamma_", (x, 2), run=lambda lib, x, n: x.clone().polygamma_(n), passes=("n",)),
    *calls("special.round", (n.away(3, 4) * 10,), (n.away(3, 4) * 10, {"decimals": 1})),
    *calls("special.sinc", (x,)),
    *calls("special.xlogy", (x, y), (x, 2), (2, y)),
    *calls("special.xlog1py", (x, y), (2, y)),
    *calls("special.zeta", (x + 1.2, 1.5), fixed=(0,)),
    # where numbers end
    *(at_ends(name) for name in ("erf", "erfc", "erfinv", "special.erfcx", "special.ndtr", "special.entr")),
    at_ends("special.log_ndtr", -100.0, -2.0, 0.0, 2.0, 100.0, inf, nan),
    at_ends("special.ndtri", -0.5, 0.0, 0.5, 1.0, 1.5, nan),
    at_ends("lgamma", -100.5, -1.5, 0.5, 1.0, 2.0, 100.0, 1e10, inf, nan),
    at_ends("digamma", -1.5, -0.0, 0.0, 0.5, 100.0, inf, nan, order=0),
    *(at_ends(name, -100.0, -2.0, 0.0, 1e-20, 2.0, 100.0) for name in ("i0", "special.i1", "special.i0e", "special.i1e")),
    Call("special.xlog1py", tuple(np.meshgrid([-2.0, -1.0, 0.0, 0.7, inf, nan], [-2.0, -1.0, 0.0, 0.7, inf, nan])),
         note="where numbers end", dtypes=False, variants=False, order=1, narrow=0),
    *(
        Call(name, (np.array([1.0, 0.0, 2.0, 0.0, -1.0, inf, 1.0, 3.0]), np.array([1.0, 1.0, 0.0, 0.0, 1.0, 1.0, inf, 2.0])),
             note="where numbers end", dtypes=False, variants=False, order=0, narrow=0)
        for name in ("igamma", "igammac")
    ),
    Call("special.zeta", (np.array([2.0, 1.0, 0.5, 2.0, 2.0, 2.5]), np.array([1.0, 1.0, 1.0, 0.0, -0.5, -0.5])),
         note="where numbers end", dtypes=False, variants=False, order=0, narrow=0),
]  # fmt: skip

ERRORS = [
    ErrorSample("polygamma: negative n", lambda lib: lib.polygamma(-1, lib.ones(2)), RuntimeError, "negative n"),
    ErrorSample("polygamma: a fraction", lambda lib: lib.polygamma(1.5, lib.ones(2)), TypeError, "integer"),
    ErrorSample("mvlgamma: p", lambda lib: lib.mvlgamma(lib.ones(2), 0), RuntimeError, "p has to be"),
    ErrorSample("igamma: gradient by input",
                lambda lib: lib.igamma(lib.ones(2, requires_grad=True), lib.ones(2)).sum().backward(), RuntimeError,
                "not implemented"),
    ErrorSample("special.gammaincc: gradient by input",
                lambda lib: lib.special.gammaincc(lib.ones(2, requires_grad=True), lib.ones(2)).sum().backward(), RuntimeError,
                "not implemented"),
    ErrorSample("special.zeta: gradient by input",
                lambda lib: lib.special.zeta(lib.ones(2, requires_grad=True) * 2, 1).sum().backward(), RuntimeError,
                "not implemented"),
    ErrorSample("special.zeta: two numbers", lambda lib: lib.special.zeta(2.0, 1.0), TypeError, "zeta"),
    ErrorSample("special.hermite_polynomial_h: two numbers", lambda lib: lib.special.hermite_polynomial_h(2.0, 1), TypeError,
                "hermite"),
    ErrorSample("special.xlogy: text", lambda lib: lib.special.xlogy(lib.ones(2), "a"), TypeError, "xlogy"),
]  # fmt: skip
