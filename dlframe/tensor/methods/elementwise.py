"""Elementwise functions, as methods and in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlframe.autograd.inplace import in_place_form
from dlframe.base.lazily import IN_ADVANCE, deferred
from dlframe.ops.record import TensorBase
from dlframe.tensor import functions

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

if IN_ADVANCE:
    from dlframe.tensor.functions import (
        activation,
        arithmetic,
        clamping,
        exponential,
        special,
        steps,
        trigonometric,
    )
else:
    globals().update(
        deferred(
            "dlframe.tensor.functions",
            "activation",
            "arithmetic",
            "clamping",
            "exponential",
            "special",
            "steps",
            "trigonometric",
        )
    )


class ElementwiseMethods(TensorBase):
    """Arithmetic and functions of each element; see `dlframe.tensor.functions`."""

    __slots__ = ()

    # --- arithmetic, powers, roots -------------------------------------------------------------

    add, add_ = arithmetic.add, arithmetic.add_
    sub, sub_ = subtract, subtract_ = arithmetic.sub, arithmetic.sub_
    mul, mul_ = multiply, multiply_ = arithmetic.mul, arithmetic.mul_
    div, div_ = divide, divide_ = true_divide, true_divide_ = arithmetic.div, arithmetic.div_
    pow, pow_ = arithmetic.pow, arithmetic.pow_
    remainder, remainder_ = arithmetic.remainder, arithmetic.remainder_
    fmod, fmod_ = arithmetic.fmod, arithmetic.fmod_
    floor_divide, floor_divide_ = arithmetic.floor_divide, arithmetic.floor_divide_
    addcmul, addcmul_ = arithmetic.addcmul, arithmetic.addcmul_
    addcdiv, addcdiv_ = arithmetic.addcdiv, arithmetic.addcdiv_
    lerp, lerp_ = arithmetic.lerp, arithmetic.lerp_
    float_power, float_power_ = arithmetic.float_power, arithmetic.float_power_
    hypot, hypot_ = arithmetic.hypot, arithmetic.hypot_
    ldexp, ldexp_ = arithmetic.ldexp, arithmetic.ldexp_
    copysign, copysign_ = arithmetic.copysign, arithmetic.copysign_
    nextafter, nextafter_ = arithmetic.nextafter, arithmetic.nextafter_
    clone = arithmetic.clone
    abs, abs_ = absolute, absolute_ = arithmetic.abs, arithmetic.abs_
    neg, neg_ = negative, negative_ = arithmetic.neg, arithmetic.neg_
    positive = arithmetic.positive
    square, square_ = arithmetic.square, arithmetic.square_
    sqrt, sqrt_ = arithmetic.sqrt, arithmetic.sqrt_
    rsqrt, rsqrt_ = arithmetic.rsqrt, arithmetic.rsqrt_
    reciprocal, reciprocal_ = arithmetic.reciprocal, arithmetic.reciprocal_

    # --- choices -------------------------------------------------------------------------------

    maximum = clamping.maximum
    minimum = clamping.minimum
    fmax = clamping.fmax
    fmin = clamping.fmin
    clamp, clamp_ = clip, clip_ = clamping.clamp, clamping.clamp_
    clamp_min, clamp_min_ = clamping.clamp_min, clamping.clamp_min_
    clamp_max, clamp_max_ = clamping.clamp_max, clamping.clamp_max_
    nan_to_num, nan_to_num_ = clamping.nan_to_num, clamping.nan_to_num_

    def where(self: Any, condition: Tensor, other: Any) -> Tensor:
        """This tensor where `condition` holds, else `other`; see `dlframe.where`."""
        return functions.where(condition, self, other)

    # --- activations ---------------------------------------------------------------------------

    relu, relu_ = activation.relu, activation.relu_
    prelu = activation.prelu
    hardshrink = activation.hardshrink

    # --- exponentials and logarithms -----------------------------------------------------------

    exp, exp_ = exponential.exp, exponential.exp_
    exp2, exp2_ = exponential.exp2, exponential.exp2_
    expm1, expm1_ = exponential.expm1, exponential.expm1_
    log, log_ = exponential.log, exponential.log_
    log2, log2_ = exponential.log2, exponential.log2_
    log10, log10_ = exponential.log10, exponential.log10_
    log1p, log1p_ = exponential.log1p, exponential.log1p_
    logaddexp = exponential.logaddexp
    logaddexp2 = exponential.logaddexp2
    xlogy, xlogy_ = exponential.xlogy, exponential.xlogy_
    sigmoid, sigmoid_ = exponential.sigmoid, exponential.sigmoid_
    logit, logit_ = exponential.logit, exponential.logit_

    # --- trigonometric and hyperbolic functions ------------------------------------------------

    sin, sin_ = trigonometric.sin, trigonometric.sin_
    cos, cos_ = trigonometric.cos, trigonometric.cos_
    tan, tan_ = trigonometric.tan, trigonometric.tan_
    asin, asin_ = arcsin, arcsin_ = trigonometric.asin, trigonometric.asin_
    acos, acos_ = arccos, arccos_ = trigonometric.acos, trigonometric.acos_
    atan, atan_ = arctan, arctan_ = trigonometric.atan, trigonometric.atan_
    atan2, atan2_ = arctan2, arctan2_ = trigonometric.atan2, trigonometric.atan2_
    sinh, sinh_ = trigonometric.sinh, trigonometric.sinh_
    cosh, cosh_ = trigonometric.cosh, trigonometric.cosh_
    tanh, tanh_ = trigonometric.tanh, trigonometric.tanh_
    asinh, asinh_ = arcsinh, arcsinh_ = trigonometric.asinh, trigonometric.asinh_
    acosh, acosh_ = arccosh, arccosh_ = trigonometric.acosh, trigonometric.acosh_
    atanh, atanh_ = arctanh, arctanh_ = trigonometric.atanh, trigonometric.atanh_
    sinc, sinc_ = trigonometric.sinc, trigonometric.sinc_
    deg2rad, deg2rad_ = trigonometric.deg2rad, trigonometric.deg2rad_
    rad2deg, rad2deg_ = trigonometric.rad2deg, trigonometric.rad2deg_
    angle = trigonometric.angle

    # --- signs, rounding, parts of a float -----------------------------------------------------

    sign, sign_ = steps.sign, steps.sign_
    sgn, sgn_ = steps.sgn, steps.sgn_
    floor, floor_ = steps.floor, steps.floor_
    ceil, ceil_ = steps.ceil, steps.ceil_
    trunc, trunc_ = fix, fix_ = steps.trunc, steps.trunc_
    round, round_ = steps.round, steps.round_
    frac, frac_ = steps.frac, steps.frac_
    frexp = steps.frexp
    heaviside, heaviside_ = steps.heaviside, steps.heaviside_

    # --- special functions ---------------------------------------------------------------------

    erf, erf_ = special.erf, special.erf_
    erfc, erfc_ = special.erfc, special.erfc_
    erfinv, erfinv_ = special.erfinv, special.erfinv_
    lgamma, lgamma_ = special.lgamma, special.lgamma_
    digamma, digamma_ = special.digamma, special.digamma_
    mvlgamma, mvlgamma_ = special.mvlgamma, special.mvlgamma_
    igamma, igamma_ = special.igamma, special.igamma_
    igammac, igammac_ = special.igammac, special.igammac_
    i0, i0_ = special.i0, special.i0_

    def polygamma(self: Any, n: int) -> Tensor:
        """The n-th derivative of `digamma`; see `dlframe.polygamma`."""
        return functions.polygamma(n, self)

    polygamma_ = in_place_form(polygamma)
