"""The functions that write their result into their argument: `dl.relu_(x)` is `x.relu_()`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from dlframe.autograd.inplace import in_place
from dlframe.tensor.functions import (
    arithmetic,
    clamping,
    comparison,
    exponential,
    special,
    steps,
    trigonometric,
)

__all__ = [
    "abs_",
    "acos_",
    "acosh_",
    "arccos_",
    "arccosh_",
    "arcsin_",
    "arcsinh_",
    "arctan_",
    "arctanh_",
    "asin_",
    "asinh_",
    "atan_",
    "atanh_",
    "ceil_",
    "clamp_",
    "clamp_max_",
    "clamp_min_",
    "clip_",
    "cos_",
    "cosh_",
    "deg2rad_",
    "erf_",
    "erfc_",
    "exp2_",
    "exp_",
    "expm1_",
    "fix_",
    "floor_",
    "frac_",
    "gcd_",
    "i0_",
    "lcm_",
    "ldexp_",
    "log1p_",
    "log2_",
    "log10_",
    "log_",
    "logit_",
    "nan_to_num_",
    "neg_",
    "negative_",
    "rad2deg_",
    "reciprocal_",
    "relu_",
    "round_",
    "rsqrt_",
    "sigmoid_",
    "sin_",
    "sinc_",
    "sinh_",
    "sqrt_",
    "square_",
    "tan_",
    "tanh_",
    "threshold_",
    "trunc_",
    "xlogy_",
]


def _in_place(function: Callable[..., Any]) -> Callable[..., Any]:
    name = f"{function.__name__}_"

    @functools.wraps(function)
    def write(input: Any, *args: Any, **kwargs: Any) -> Any:
        return in_place(function, input, name, *args, **kwargs)

    write.__name__ = write.__qualname__ = name
    write.__module__ = __name__
    write.__doc__ = f"`{function.__name__}`, with the result put into `input` itself."
    return write


abs_ = _in_place(arithmetic.abs)
neg_ = negative_ = _in_place(arithmetic.neg)
square_ = _in_place(arithmetic.square)
sqrt_ = _in_place(arithmetic.sqrt)
rsqrt_ = _in_place(arithmetic.rsqrt)
reciprocal_ = _in_place(arithmetic.reciprocal)
ldexp_ = _in_place(arithmetic.ldexp)

exp_ = _in_place(exponential.exp)
exp2_ = _in_place(exponential.exp2)
expm1_ = _in_place(exponential.expm1)
log_ = _in_place(exponential.log)
log2_ = _in_place(exponential.log2)
log10_ = _in_place(exponential.log10)
log1p_ = _in_place(exponential.log1p)
xlogy_ = _in_place(exponential.xlogy)
sigmoid_ = _in_place(exponential.sigmoid)
logit_ = _in_place(exponential.logit)

sin_ = _in_place(trigonometric.sin)
cos_ = _in_place(trigonometric.cos)
tan_ = _in_place(trigonometric.tan)
asin_ = arcsin_ = _in_place(trigonometric.asin)
acos_ = arccos_ = _in_place(trigonometric.acos)
atan_ = arctan_ = _in_place(trigonometric.atan)
sinh_ = _in_place(trigonometric.sinh)
cosh_ = _in_place(trigonometric.cosh)
tanh_ = _in_place(trigonometric.tanh)
asinh_ = arcsinh_ = _in_place(trigonometric.asinh)
acosh_ = arccosh_ = _in_place(trigonometric.acosh)
atanh_ = arctanh_ = _in_place(trigonometric.atanh)
sinc_ = _in_place(trigonometric.sinc)
deg2rad_ = _in_place(trigonometric.deg2rad)
rad2deg_ = _in_place(trigonometric.rad2deg)

floor_ = _in_place(steps.floor)
ceil_ = _in_place(steps.ceil)
trunc_ = fix_ = _in_place(steps.trunc)
round_ = _in_place(steps.round)
frac_ = _in_place(steps.frac)

clamp_ = clip_ = _in_place(clamping.clamp)
clamp_min_ = _in_place(clamping.clamp_min)
clamp_max_ = _in_place(clamping.clamp_max)
nan_to_num_ = _in_place(clamping.nan_to_num)
relu_ = _in_place(clamping.relu)
threshold_ = _in_place(clamping.threshold)

erf_ = _in_place(special.erf)
erfc_ = _in_place(special.erfc)
i0_ = _in_place(special.i0)

gcd_ = _in_place(comparison.gcd)
lcm_ = _in_place(comparison.lcm)
