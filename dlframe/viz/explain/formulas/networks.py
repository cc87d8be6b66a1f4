"""Operations of networks: linear layers, normalization, softmax, convolution, pooling, losses.

Losses are written for the mean; summed they lack the 1/n. s is the stride of a window, k the place
in it.
"""

from __future__ import annotations

from dlframe.viz.explain.formulas.notation import formula

LAYERS = {
    "linear": formula("X W^\\top + b", x="G W", weight="G^\\top X", bias=r"\sum_n g_n"),
    "softmax": formula(
        r"\frac{e^{x_i}}{\sum_j e^{x_j}}", x=r"z_i \left(g_i - \sum_j g_j z_j\right)"
    ),
    "log_softmax": formula(r"x_i - \ln \sum_j e^{x_j}", x=r"g_i - e^{z_i} \sum_j g_j"),
    "normalize": formula(
        r"W \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + b",
        x=r"\frac{1}{\sqrt{\sigma^2 + \varepsilon}} \left(g W - \frac{1}{n} \sum g W"
        r" - \frac{\hat{x}}{n} \sum g W \hat{x}\right)",
        weight=r"\sum g \hat{x}",
        bias=r"\sum g",
    ),
}

WINDOWS = {
    "convolution": formula(
        r"\sum_k W_k x_{s i + k} + b",
        x=r"\sum_{s i + k = j} W_k g_i",
        weight=r"\sum_i g_i x_{s i + k}",
        bias=r"\sum_i g_i",
    ),
    # the two adjoints of the convolution: they take gradients, and are each other's derivative
    "convolution_input": formula(
        r"\sum_{s i + k = j} W_k y_i",
        y=r"\sum_k W_k g_{s i + k}",
        weight=r"\sum_i y_i g_{s i + k}",
    ),
    "convolution_weight": formula(
        r"\sum_i y_i x_{s i + k}", x=r"\sum_{s i + k = j} g_k y_i", y=r"\sum_k g_k x_{s i + k}"
    ),
    "max_pool": formula(r"\max_k x_{s i + k}", x=r"\sum_{s i + k = j} g_i [x_j = z_i]"),
    "sum_windows": formula(r"\sum_k x_{s i + k}", x=r"\sum_{s i + k = j} g_i"),
    "spread_windows": formula(r"\sum_{s i + k = j} x_i", x=r"\sum_k g_{s i + k}"),
}

LOSSES = {
    "mse_loss": formula(
        r"\frac{1}{n} \sum (x_i - y_i)^2",
        x=r"\frac{2}{n} g (x_i - y_i)",
        y=r"-\frac{2}{n} g (x_i - y_i)",
    ),
    "l1_loss": formula(
        r"\frac{1}{n} \sum |x_i - y_i|",
        x=r"\frac{g}{n} \cdot \mathrm{sign}(x_i - y_i)",
        y=r"-\frac{g}{n} \cdot \mathrm{sign}(x_i - y_i)",
    ),
    "huber_loss": formula(
        r"\frac{1}{n} \sum h_\delta(x_i - y_i)",
        x=r"\frac{g}{n} \min(\max(x_i - y_i, -\delta), \delta)",
        y=r"-\frac{g}{n} \min(\max(x_i - y_i, -\delta), \delta)",
    ),
    "cross_entropy": formula(
        r"-\frac{1}{n} \sum_n \ln \frac{e^{x_{n t_n}}}{\sum_j e^{x_{n j}}}",
        x=r"\frac{g}{n} \left(\frac{e^{x_{n i}}}{\sum_j e^{x_{n j}}} - [i = t_n]\right)",
    ),
    "nll_loss": formula(r"-\frac{1}{n} \sum_n x_{n t_n}", x=r"-\frac{g}{n} [i = t_n]"),
    "binary_cross_entropy": formula(
        r"-\frac{1}{n} \sum W (y \ln x + (1 - y) \ln(1 - x))",
        x=r"\frac{g}{n} W \frac{x - y}{x (1 - x)}",
        y=r"\frac{g}{n} W (\ln(1 - x) - \ln x)",
    ),
    "binary_cross_entropy_with_logits": formula(
        r"-\frac{1}{n} \sum W (p y \ln \sigma(x) + (1 - y) \ln(1 - \sigma(x)))",
        x=r"\frac{g}{n} W ((1 - y) \sigma(x) - p y (1 - \sigma(x)))",
        y=r"\frac{g}{n} W (\ln(1 - \sigma(x)) - p \ln \sigma(x))",
    ),
    "hinge_loss": formula(
        r"\frac{1}{n} \sum \max(0, m - t x)^p",
        x=r"-\frac{g}{n} p t \max(0, m - t x)^{p-1}",
    ),
}

TABLE = LAYERS | WINDOWS | LOSSES
