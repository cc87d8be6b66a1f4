"""Functions of each element, as methods and in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlframe.autograd.inplace import in_place
from dlframe.dtypes import float64
from dlframe.errors import DTypeError
from dlframe.ops.record import TensorBase
from dlframe.tensor import functions as F
from dlframe.tensor.methods.support import in_place_form

if TYPE_CHECKING:
    from dlframe.tensor import Tensor


class ElementwiseMethods(TensorBase):
    """Arithmetic and functions of each element; see `dlframe.tensor.functions`."""

    __slots__ = ()

    # --- arithmetic, powers, roots -------------------------------------------------------------

    add = F.add
    sub = subtract = F.sub
    mul = multiply = F.mul
    div = divide = F.div
    true_divide = F.div
    pow = F.pow
    remainder = F.remainder
    fmod = F.fmod
    floor_divide = F.floor_divide
    addcmul = F.addcmul
    addcdiv = F.addcdiv
    lerp = F.lerp
    float_power = F.float_power
    hypot = F.hypot
    ldexp = F.ldexp
    copysign = F.copysign
    nextafter = F.nextafter
    clone = F.clone
    abs = absolute = F.abs
    neg = negative = F.neg
    positive = F.positive
    square = F.square
    sqrt = F.sqrt
    rsqrt = F.rsqrt
    reciprocal = F.reciprocal

    # --- choices -------------------------------------------------------------------------------

    maximum = F.maximum
    minimum = F.minimum
    fmax = F.fmax
    fmin = F.fmin
    clamp = F.clamp
    clip = F.clip
    clamp_min = F.clamp_min
    clamp_max = F.clamp_max
    nan_to_num = F.nan_to_num
    relu = F.relu

    def where(self: Any, condition: Tensor, other: Any) -> Tensor:
        """This tensor where `condition` holds, else `other`; see `dlframe.where`."""
        return F.where(condition, self, other)

    # --- exponentials and logarithms -----------------------------------------------------------

    exp = F.exp
    exp2 = F.exp2
    expm1 = F.expm1
    log = F.log
    log2 = F.log2
    log10 = F.log10
    log1p = F.log1p
    logaddexp = F.logaddexp
    logaddexp2 = F.logaddexp2
    xlogy = F.xlogy
    sigmoid = F.sigmoid
    logit = F.logit

    # --- trigonometric and hyperbolic functions ------------------------------------------------

    sin = F.sin
    cos = F.cos
    tan = F.tan
    asin = arcsin = F.asin
    acos = arccos = F.acos
    atan = arctan = F.atan
    atan2 = arctan2 = F.atan2
    sinh = F.sinh
    cosh = F.cosh
    tanh = F.tanh
    asinh = arcsinh = F.asinh
    acosh = arccosh = F.acosh
    atanh = arctanh = F.atanh
    sinc = F.sinc
    deg2rad = F.deg2rad
    rad2deg = F.rad2deg
    angle = F.angle

    # --- signs, rounding, parts of a float -----------------------------------------------------

    sign = F.sign
    sgn = F.sgn
    floor = F.floor
    ceil = F.ceil
    trunc = fix = F.trunc
    round = F.round
    frac = F.frac
    frexp = F.frexp
    heaviside = F.heaviside

    # --- special functions ---------------------------------------------------------------------

    erf = F.erf
    erfc = F.erfc
    erfinv = F.erfinv
    lgamma = F.lgamma
    digamma = F.digamma
    mvlgamma = F.mvlgamma
    igamma = F.igamma
    igammac = F.igammac
    i0 = F.i0

    def polygamma(self: Any, n: int) -> Tensor:
        """The n-th derivative of `digamma`; see `dlframe.polygamma`."""
        return F.polygamma(n, self)

    # --- in place ------------------------------------------------------------------------------

    add_ = in_place_form(F.add)
    sub_ = subtract_ = in_place_form(F.sub)
    mul_ = multiply_ = in_place_form(F.mul)
    div_ = divide_ = true_divide_ = in_place_form(F.div)
    pow_ = in_place_form(F.pow)
    remainder_ = in_place_form(F.remainder)
    fmod_ = in_place_form(F.fmod)
    floor_divide_ = in_place_form(F.floor_divide)
    addcmul_ = in_place_form(F.addcmul)
    addcdiv_ = in_place_form(F.addcdiv)
    lerp_ = in_place_form(F.lerp)

    def float_power_(self: Any, exponent: Any) -> Tensor:
        """`float_power` in place, of float64 only."""
        if self.dtype != float64:
            raise DTypeError(
                f"the base given to float_power_ has dtype {self.dtype} but the operation's result "
                "requires dtype float64; convert with .double(), or use pow_"
            )
        result: Tensor = in_place(F.float_power, self, "float_power_", exponent)
        return result

    hypot_ = in_place_form(F.hypot)
    ldexp_ = in_place_form(F.ldexp)
    copysign_ = in_place_form(F.copysign)
    nextafter_ = in_place_form(F.nextafter)
    clamp_ = clip_ = in_place_form(F.clamp)
    clamp_min_ = in_place_form(F.clamp_min)
    clamp_max_ = in_place_form(F.clamp_max)
    nan_to_num_ = in_place_form(F.nan_to_num)
    abs_ = absolute_ = in_place_form(F.abs)
    neg_ = negative_ = in_place_form(F.neg)
    sign_ = in_place_form(F.sign)
    sgn_ = in_place_form(F.sgn)
    square_ = in_place_form(F.square)
    sqrt_ = in_place_form(F.sqrt)
    rsqrt_ = in_place_form(F.rsqrt)
    reciprocal_ = in_place_form(F.reciprocal)
    exp_ = in_place_form(F.exp)
    exp2_ = in_place_form(F.exp2)
    expm1_ = in_place_form(F.expm1)
    log_ = in_place_form(F.log)
    log2_ = in_place_form(F.log2)
    log10_ = in_place_form(F.log10)
    log1p_ = in_place_form(F.log1p)
    xlogy_ = in_place_form(F.xlogy)
    logit_ = in_place_form(F.logit)
    sin_ = in_place_form(F.sin)
    cos_ = in_place_form(F.cos)
    tan_ = in_place_form(F.tan)
    asin_ = arcsin_ = in_place_form(F.asin)
    acos_ = arccos_ = in_place_form(F.acos)
    atan_ = arctan_ = in_place_form(F.atan)
    atan2_ = arctan2_ = in_place_form(F.atan2)
    sinh_ = in_place_form(F.sinh)
    cosh_ = in_place_form(F.cosh)
    tanh_ = in_place_form(F.tanh)
    asinh_ = arcsinh_ = in_place_form(F.asinh)
    acosh_ = arccosh_ = in_place_form(F.acosh)
    atanh_ = arctanh_ = in_place_form(F.atanh)
    sinc_ = in_place_form(F.sinc)
    deg2rad_ = in_place_form(F.deg2rad)
    rad2deg_ = in_place_form(F.rad2deg)
    sigmoid_ = in_place_form(F.sigmoid)
    relu_ = in_place_form(F.relu)
    erf_ = in_place_form(F.erf)
    erfc_ = in_place_form(F.erfc)
    erfinv_ = in_place_form(F.erfinv)
    lgamma_ = in_place_form(F.lgamma)
    digamma_ = in_place_form(F.digamma)
    mvlgamma_ = in_place_form(F.mvlgamma)
    igamma_ = in_place_form(F.igamma)
    igammac_ = in_place_form(F.igammac)
    i0_ = in_place_form(F.i0)
    polygamma_ = in_place_form(polygamma)
    floor_ = in_place_form(F.floor)
    ceil_ = in_place_form(F.ceil)
    trunc_ = fix_ = in_place_form(F.trunc)
    round_ = in_place_form(F.round)
    frac_ = in_place_form(F.frac)
    heaviside_ = in_place_form(F.heaviside)
