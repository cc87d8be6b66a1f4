"""Sums and other reductions, scans, sorting, shapes, indexing."""

from __future__ import annotations

from dlframe.viz.explain.formulas.notation import Formula, formula

REDUCTIONS = {
    "sum": formula(r"\sum x_i", x="g"),
    "mean": formula(r"\frac{1}{n} \sum x_i", x=r"\frac{g}{n}"),
    "prod": formula(r"\prod x_i", x=r"g \prod_{j \neq i} x_j"),
    "amax": formula(r"\max x_i", x=r"\frac{g [x_i = z]}{\sum [x_j = z]}"),
    "amin": formula(r"\min x_i", x=r"\frac{g [x_i = z]}{\sum [x_j = z]}"),
    "var": formula(
        r"\frac{1}{n - c} \sum (x_i - \bar{x})^2", x=r"g \frac{2 (x_i - \bar{x})}{n - c}"
    ),
    "std": formula(
        r"\sqrt{\frac{1}{n - c} \sum (x_i - \bar{x})^2}", x=r"g \frac{x_i - \bar{x}}{(n - c) z}"
    ),
    "norm": formula(
        r"\left(\sum |x_i|^p\right)^{1/p}",
        x=r"g \cdot \mathrm{sign}(x_i) \left(\frac{|x_i|}{z}\right)^{p-1}",
    ),
    "vector_norm": formula(
        r"\left(\sum |x_i|^p\right)^{1/p}",
        x=r"g \cdot \mathrm{sign}(x_i) \left(\frac{|x_i|}{z}\right)^{p-1}",
    ),
    "logsumexp": formula(r"\ln \sum e^{x_i}", x="g e^{x_i - z}"),
    "sum_to": formula(r"\sum x_i", x="g"),
    "shared": formula("x_k", x=r"\frac{g [x_i = z]}{\sum [x_j = z]}"),
}

SCANS = {
    "cumsum": formula(r"\sum_{j \leq i} x_j", x=r"\sum_{j \geq i} g_j"),
    "cumprod": formula(
        r"\prod_{j \leq i} x_j", x=r"\sum_{j \geq i} g_j \prod_{k \leq j, k \neq i} x_k"
    ),
    "logcumsumexp": formula(r"\ln \sum_{j \leq i} e^{x_j}", x=r"\sum_{j \geq i} g_j e^{x_i - z_j}"),
    "linear_scan": formula(
        "b_i + a_i z_{i-1}",
        b=r"g_i + a_{i+1} \bar{b}_{i+1}",
        a=r"\bar{b}_i z_{i-1}",
    ),
}

SHAPES = {
    "reshape": formula("x", x="g"),
    "broadcast_to": formula("x", x=r"\sum g_i"),
    "tile": formula(r"(x, x, \ldots)", x=r"\sum g_i"),
    "transpose": formula("X^\\top", x="G^\\top"),
    "swapaxes": formula("X^\\top", x="G^\\top"),
    "flip": formula("x_{n-1-i}", x="g_{n-1-i}"),
    "roll": formula("x_{i-s}", x="g_{i+s}"),
    "pad": formula(r"(c, x, c)", x="g_i"),
    "concatenate": formula(r"(x_1, x_2, \ldots)", arrays="g_i"),
    "stack": formula(r"(x_1, x_2, \ldots)", arrays="g_i"),
    "tril": formula(r"x_{ij} [j \leq i + k]", x=r"g_{ij} [j \leq i + k]"),
    "triu": formula(r"x_{ij} [j \geq i + k]", x=r"g_{ij} [j \geq i + k]"),
    "diagonal": formula("x_{i, i+k}", x=r"\mathrm{diag}(g)"),
    "put_diagonal": formula(r"\mathrm{diag}(x)", x="g_{i, i+k}"),
    "show_batch": formula("x", x="g"),
    "hide_batch": formula("x", x="g"),
    "pick_example": formula("x_i", x=r"g [j = i]"),
    "place_example": formula("x [j = i]", x="g_i"),
    "join_examples": formula(r"(x_1, x_2, \ldots)", examples="g_i"),
    "sliding_windows": formula("x_{s i + k}", x=r"\sum_{s i + k = j} g_{i k}"),
    "select_output": formula("x_i", x="g"),
}

INDEXING = {
    "take_at": formula(r"x_{\mathrm{index}}", x=r"\sum_{\mathrm{index} = i} g"),
    "take_rows": formula(r"x_{\mathrm{index}}", x=r"\sum_{\mathrm{index} = i} g"),
    "take_region": formula(r"x_{\mathrm{region}}", x="g"),
    "select_at": formula(r"x_{\mathrm{index}}", x=r"\sum_{\mathrm{index} = i} g"),
    "slice_at": formula(r"x_{\mathrm{index}}", x=r"\sum_{\mathrm{index} = i} g"),
    "put_at": formula(r"\sum_{\mathrm{index} = i} x", x=r"g_{\mathrm{index}}"),
    "put_region": formula("x", x=r"g_{\mathrm{region}}"),
    "add_rows": formula(r"\sum_{\mathrm{index} = i} x", x=r"g_{\mathrm{index}}"),
    "replace_at": formula(
        r"x, \quad z_{\mathrm{index}} = v",
        x=r"g [i \notin \mathrm{index}]",
        value=r"g_{\mathrm{index}}",
    ),
    "replace_region": formula(
        r"x, \quad z_{\mathrm{region}} = v",
        x=r"g [i \notin \mathrm{region}]",
        value=r"g_{\mathrm{region}}",
    ),
    "scatter_prod": formula(
        r"x \prod_{\mathrm{index} = i} v", x=r"g \prod_{\mathrm{index} = i} v", src=r"g \frac{z}{v}"
    ),
    "scatter_extreme": formula(
        r"\max(x, \max_{\mathrm{index} = i} v)",
        x=r"\frac{g [x = z]}{[x = z] + \sum [v = z]}",
        src=r"\frac{g [v = z]}{[x = z] + \sum [v = z]}",
    ),
    "once": formula("x", x=r"\mathrm{undefined}"),  # it stands for a second derivative without rule
    "pick": formula(r"x_{p(i)}", x=r"\sum_{p(j) = i} g_j"),
    "place": formula(r"\sum_{p(j) = i} x_j", x="g_{p(i)}"),
    "nonzero": Formula(r"(i : x_i \neq 0)", {}),
    "argsort": Formula(r"(i_1, i_2, \ldots): x_{i_1} \leq x_{i_2} \leq \ldots", {}),
    "index_of_rank": Formula(r"i: x_i = x_{(k)}", {}),
    "mode_index": Formula(r"i: x_i = \mathrm{mode}(x)", {}),
    "topk_indices": Formula(r"i_1, \ldots, i_k: x_{i_1} \geq \ldots \geq x_{i_k}", {}),
    "argmax": Formula(r"\mathrm{argmax}_i x_i", {}),
    "argmin": Formula(r"\mathrm{argmin}_i x_i", {}),
    "cummax_indices": Formula(r"\mathrm{argmax}_{j \leq i} x_j", {}),
    "cummin_indices": Formula(r"\mathrm{argmin}_{j \leq i} x_j", {}),
}

TABLE = REDUCTIONS | SCANS | SHAPES | INDEXING
