"""Arithmetic, powers, logarithms, trigonometry, choices."""

from __future__ import annotations

from dlframe.viz.explain.formulas.notation import formula, slope, step

ARITHMETIC = {
    "add": formula("x + y", x="g", y="g"),
    "subtract": formula("x - y", x="g", y="-g"),
    "multiply": formula("x y", x="g y", y="g x"),
    "divide": formula(r"\frac{x}{y}", x=r"\frac{g}{y}", y=r"-\frac{g z}{y}"),
    "power": formula("x^y", x="g y x^{y-1}", y=r"g z \ln x"),
    "remainder": formula(
        r"x - y \left\lfloor \frac{x}{y} \right\rfloor",
        x="g",
        y=r"-g \left\lfloor \frac{x}{y} \right\rfloor",
    ),
    "fmod": formula(
        r"x - y \cdot \mathrm{trunc}\left(\frac{x}{y}\right)",
        x="g",
        y=r"-g \cdot \mathrm{trunc}\left(\frac{x}{y}\right)",
    ),
    "floor_divide": step(r"\left\lfloor \frac{x}{y} \right\rfloor", "x", "y"),
    "trunc_divide": step(r"\mathrm{trunc}\left(\frac{x}{y}\right)", "x", "y"),
    "copy": formula("x", x="g"),
    "cast": formula("x", x="g"),
    "positive": formula("x", x="g"),
    "negative": formula("-x", x="-g"),
    "absolute": slope("|x|", r"\mathrm{sign}(x)"),
    "square": formula("x^2", x="2 g x"),
    "reciprocal": slope(r"\frac{1}{x}", r"(-z^2)"),
    "sqrt": formula(r"\sqrt{x}", x=r"\frac{g}{2 z}"),
    "rsqrt": formula(r"\frac{1}{\sqrt{x}}", x=r"-\frac{1}{2} g z^3"),
    "cbrt": formula(r"\sqrt[3]{x}", x=r"\frac{g}{3 z^2}"),
    "hypot": formula(r"\sqrt{x^2 + y^2}", x=r"g \frac{x}{z}", y=r"g \frac{y}{z}"),
    "lerp": formula("x + W (y - x)", x="g (1 - W)", y="g W", weight="g (y - x)"),
    "degrees": slope(r"\frac{180}{\pi} x", r"\frac{180}{\pi}"),
    "radians": slope(r"\frac{\pi}{180} x", r"\frac{\pi}{180}"),
}

EXPONENTIALS = {
    "exp": slope("e^x", "z"),
    "exp2": slope("2^x", r"z \ln 2"),
    "expm1": slope("e^x - 1", "(z + 1)"),
    "log": formula(r"\ln x", x=r"\frac{g}{x}"),
    "log2": formula(r"\log_2 x", x=r"\frac{g}{x \ln 2}"),
    "log10": formula(r"\log_{10} x", x=r"\frac{g}{x \ln 10}"),
    "log1p": formula(r"\ln(1 + x)", x=r"\frac{g}{1 + x}"),
    "logaddexp": formula(r"\ln(e^x + e^y)", x="g e^{x - z}", y="g e^{y - z}"),
    "logaddexp2": formula(r"\log_2(2^x + 2^y)", x=r"g \cdot 2^{x - z}", y=r"g \cdot 2^{y - z}"),
    "logit": formula(r"\ln \frac{x}{1 - x}", x=r"\frac{g}{x (1 - x)}"),
    "xlogy": formula(r"x \ln y", x=r"g \ln y", y=r"g \frac{x}{y}"),
    "xlog1py": formula(r"x \ln(1 + y)", x=r"g \ln(1 + y)", y=r"g \frac{x}{1 + y}"),
    "entr": slope(r"-x \ln x", r"(-\ln x - 1)"),
}

TRIGONOMETRY = {
    "sin": slope(r"\sin x", r"\cos x"),
    "cos": formula(r"\cos x", x=r"-g \sin x"),
    "tan": slope(r"\tan x", "(1 + z^2)"),
    "arcsin": formula(r"\arcsin x", x=r"\frac{g}{\sqrt{1 - x^2}}"),
    "arccos": formula(r"\arccos x", x=r"-\frac{g}{\sqrt{1 - x^2}}"),
    "arctan": formula(r"\arctan x", x=r"\frac{g}{1 + x^2}"),
    "arctan2": formula(
        r"\arctan \frac{x}{y}", x=r"g \frac{y}{x^2 + y^2}", y=r"-g \frac{x}{x^2 + y^2}"
    ),
    "sinh": slope(r"\sinh x", r"\cosh x"),
    "cosh": slope(r"\cosh x", r"\sinh x"),
    "tanh": slope(r"\tanh x", "(1 - z^2)"),
    "arcsinh": formula(r"\mathrm{arsinh}(x)", x=r"\frac{g}{\sqrt{x^2 + 1}}"),
    "arccosh": formula(r"\mathrm{arcosh}(x)", x=r"\frac{g}{\sqrt{x^2 - 1}}"),
    "arctanh": formula(r"\mathrm{artanh}(x)", x=r"\frac{g}{1 - x^2}"),
    "sinc": slope(r"\frac{\sin \pi x}{\pi x}", r"\frac{\cos \pi x - z}{x}"),
}

ACTIVATIONS = {
    "relu": slope(r"\max(x, 0)", "[x > 0]"),
    "sigmoid": slope(r"\sigma(x) = \frac{1}{1 + e^{-x}}", "z (1 - z)"),
    "silu": slope(r"x \sigma(x)", r"\sigma(x) (1 + x (1 - \sigma(x)))"),
    "leaky_relu": formula(r"\max(x, 0) + \alpha \min(x, 0)", x=r"g ([x > 0] + \alpha [x \leq 0])"),
    "elu": formula(
        r"\max(x, 0) + \alpha (e^{\min(x, 0)} - 1)", x=r"g ([x > 0] + \alpha e^x [x \leq 0])"
    ),
    "softplus": slope(r"\frac{1}{\beta} \ln(1 + e^{\beta x})", r"\sigma(\beta x)"),
    "gelu": slope(r"x \Phi(x)", r"(\Phi(x) + x \varphi(x))"),
}

STEPS = {
    "sign": step(r"\mathrm{sign}(x)"),
    "floor": step(r"\lfloor x \rfloor"),
    "ceil": step(r"\lceil x \rceil"),
    "trunc": step(r"\mathrm{trunc}(x)"),
    "rint": step(r"\mathrm{round}(x)"),
    "zeros_like": step("0"),
    "frac": formula(r"x - \mathrm{trunc}(x)", x="g"),
    "angle": step(r"\pi [x < 0]"),
    "heaviside": formula(r"[x > 0] + y [x = 0]", x="0", y="g [x = 0]"),
    "copysign": formula(
        r"|x| \mathrm{sign}(y)", x=r"g \cdot \mathrm{sign}(x) \cdot \mathrm{sign}(y)", y="0"
    ),
    "spacing": step(r"\varepsilon(x)"),
    "nextafter": formula(r"x \pm \varepsilon", x="g", y="0"),
    "frexp": formula(r"x \cdot 2^{-e}", x=r"g \cdot 2^{-e}"),
}

_WINS = r"g ([{0} {2} {1}] + \frac{{1}}{{2}} [{0} = {1}])"

CHOICES = {
    "where": formula("c x + (1 - c) y", x="g c", y="g (1 - c)"),
    "maximum": formula(r"\max(x, y)", x=_WINS.format("x", "y", ">"), y=_WINS.format("y", "x", ">")),
    "minimum": formula(r"\min(x, y)", x=_WINS.format("x", "y", "<"), y=_WINS.format("y", "x", "<")),
    "fmax": formula(r"\max(x, y)", x=r"g [x \geq y]", y="g [x < y]"),
    "fmin": formula(r"\min(x, y)", x=r"g [x \leq y]", y="g [x > y]"),
    "clip": formula(
        r"\min(\max(x, x_{\min}), x_{\max})",
        x=r"g [x_{\min} \leq x \leq x_{\max}]",
        min=r"g [x < x_{\min} < x_{\max}]",
        max=r"g [x > x_{\max}]",
    ),
    "nan_to_num": slope(r"x [|x| < \infty]", r"[|x| < \infty]"),
}

TABLE = ARITHMETIC | EXPONENTIALS | TRIGONOMETRY | ACTIVATIONS | STEPS | CHOICES
