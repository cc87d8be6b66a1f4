r"""Every formula that `explain` prints gives the numbers of its operation or rule.

Formulas of elementwise operations are evaluated on the samples of these. A formula with indices or
matrices has a case below: inputs, and what its letters are. Letters that are the names of inputs
and options, z, g and their capitals (matrices) are known; `free` are the indices of the result.
"""

from __future__ import annotations

import functools
import gc
import importlib
import itertools
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from samples import SAMPLES, Sample
from samples.latex import Matrix, evaluate, holds, plain, split
from samples.table import is_float

import dlframe as dl
from dlframe import ops
from dlframe.ops.decompositions import permutation
from dlframe.ops.definition import Op
from dlframe.ops.regions import Region
from dlframe.ops.resampling import Band
from dlframe.viz.explain.formulas import formula_of
from dlframe.viz.explain.notation import symbol

Array = np.ndarray[Any, Any]
Env = dict[str, Any]

OPTIONS = {  # the letters of options
    "alpha": r"\alpha", "beta": r"\beta", "correction": "c", "delta": r"\delta",
    "eps": r"\varepsilon", "index": "index", "k": "k", "lambd": r"\lambda", "margin": "m",
    "max": r"x_{\max}", "min": r"x_{\min}", "n": "n",
    "negative_slope": r"\alpha", "ord": "p", "p": "p", "place": "k", "places": "index",
    "scale": r"\lambda", "shift": "s", "target": "t",
}  # fmt: skip

# Formulas that cannot be evaluated, and why.
NOT_EVALUATED = {
    **dict.fromkeys(
        [("igamma", "a"), ("igammac", "a"), ("zeta", "x"), ("once", "x")],
        "the rule raises: there is no derivative in closed form",
    ),
    **dict.fromkeys(
        itertools.product(
            ["show_batch", "hide_batch", "pick_example", "place_example"], ["z", "x"]
        ),
        "numbers move between a batch and its examples, which only exist within vmap",
    ),
    **dict.fromkeys(
        [
            ("ctc_loss", "z"),
            ("ctc_loss", "x"),
            ("ctc_gradient", "z"),
            ("ctc_gradient", "x"),
            ("ctc_gradient", "y"),
        ],
        "sums over all alignments; the samples compare them one by one",
    ),
    **dict.fromkeys(
        itertools.product(["linear_cross_entropy"], ["z", "x", "weight", "bias"]),
        "y, the logits, are no input; the samples compare with cross_entropy of a product",
    ),
    **dict.fromkeys(
        itertools.product(["multilabel_margin_loss"], ["z", "x"]), "sums over lists of labels"
    ),
    ("multi_margin_loss", "z"): "a sum over all classes but one",
    ("multi_margin_loss", "x"): "d stands for the slopes of the wrong classes",
    ("join_examples", "z"): "as the four before",
    ("join_examples", "examples"): "as the four before",
    **dict.fromkeys(
        [
            *itertools.product(
                ("rnn_layer", "lstm_layer", "gru_layer"),
                ("z", "x", "h", "w_ih", "w_hh", "b_ih", "b_hh"),
            ),
            *(("lstm_layer", name) for name in ("c", "w_hr")),
        ],
        "a formula from step to step: samples/recurrent.py computes it",
    ),
    **dict.fromkeys(
        itertools.product(["pdist"], "zx"), "pairs i < j, row by row; the samples compute them"
    ),
    **dict.fromkeys(
        itertools.product(["glu"], "zx"), "a and b, the halves, are no inputs; the samples split x"
    ),
    ("winners", "z"): "places in the flattened image, and not in the window",
    ("reflect", "z"): "a function without a name of its own in mathematics",
    ("reflect", "x"): "its sign depends on how often the place was folded",
    **dict.fromkeys(
        itertools.product(("extend", "collect"), "zx"), "the places p are given as slices"
    ),
    ("select_output", "z"): "it takes one of several results, and no array",
    ("select_output", "x"): "its gradients are those of several results",
    ("split_at", "z"): "its results are pieces of one array",
    ("split_at", "x"): "its gradients are those of several results",
}

# Files of operations whose formulas leave out samples and channels.
_NETWORKS = tuple(
    f"dlframe.ops.{name}" for name in ("networks", "pooling", "sampling", "folding", "window")
)


@dataclass(frozen=True)
class Case:
    """Inputs for one operation, and what the letters of its formulas stand for.

    Args:
        op: the operation.
        inputs: its inputs.
        options: its options.
        free: the indices of the result ("z") and of the gradients, in the order of their axes.
        ranges: how far each index runs; by default as far as the first input.
        letters: letters(inputs, outs, gs) are further ones.
        fixed: inputs without gradient.
        elementwise: whether inputs are broadcast, and their gradients added up.
        tolerance: relative, of values; that of derivatives by differences is the default.
    """

    op: Op
    inputs: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    free: dict[str, str] = field(default_factory=dict)
    ranges: dict[str, int] = field(default_factory=dict)
    letters: Callable[[Any, Any, Any], Env] | None = None
    fixed: tuple[int, ...] = ()
    elementwise: bool = False
    tolerance: float = 1e-7


# --- all formulas ------------------------------------------------------------------------------


@functools.cache
def every_op() -> dict[str, Op]:
    for module in pkgutil.walk_packages(dl.__path__, "dlframe."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found = {o.name: o for o in gc.get_objects() if isinstance(o, Op) and _is_ours(o)}
    return dict(sorted(found.items()))


def _is_ours(op: Op) -> bool:
    rules = [rule for rule in [*op.rules, op.joint, op.forward] if rule is not None]
    names = {getattr(rule, "__globals__", {}).get("__name__", "") for rule in rules}
    return not any(name.startswith(("tests", "test_", "samples", "dlframe_")) for name in names)


def formulas() -> list[tuple[str, str]]:
    """(op, "z") and (op, input) of all formulas."""
    found = []
    for name, op in every_op().items():
        formula = formula_of(op)
        assert formula is not None, name
        inputs = [x for x, rule in zip(op.inputs, op.rules, strict=True) if rule is not None]
        inputs += [op.variadic] if op.joint is not None and op.variadic else []
        assert all(formula.gradient(x) for x in inputs), name
        found += [(name, x) for x in ("z", *inputs)]
    return found


# --- cases -------------------------------------------------------------------------------------

rng = np.random.default_rng(3)


def numbers(*shape: int) -> Array:
    return rng.standard_normal(shape)


def positive(*shape: int) -> Array:
    return rng.uniform(0.5, 2.0, shape)


def symmetric(n: int) -> Array:
    a = numbers(n, n)
    return a + a.T


def definite(n: int) -> Array:
    a = numbers(n, n)
    return a @ a.T + np.eye(n)


CASES: dict[str, list[Case]] = {}


def case(name: str, *inputs: Any, **more: Any) -> None:
    options = more.pop("options", {})
    CASES.setdefault(name, []).append(Case(every_op()[name], inputs, options, **more))


def define_cases() -> None:
    # reductions: the gradient has the index of x
    for name in ("sum", "mean", "prod", "amax", "amin", "logsumexp", "norm"):
        case(name, numbers(5), free={"x": "i"})
    for name in ("var", "std"):
        case(name, numbers(5), options={"correction": 1}, free={"x": "i"})
    for p in (1, 2, 3, 1.5):
        case("vector_norm", numbers(5), options={"ord": p}, free={"x": "i"})
    case("shared", numbers(5), options={"place": 2}, free={"x": "i"})
    case("sum_to", numbers(5), options={"shape": (1,)})
    case("broadcast_to", numbers(1), options={"shape": (4,)}, ranges={"i": 4})
    for name in ("all", "any", "count_nonzero", "argmax", "argmin"):
        case(name, np.array([0.0, 2.0, -1.0]))
    case("all", np.array([1.0, 2.0]))
    # along an axis
    for name in ("cumsum", "cumprod", "logcumsumexp"):
        case(
            name,
            numbers(5),
            options={"axis": 0},
            free={"z": "i", "x": "i"},
            ranges={"k": 5},
        )
    for name in ("cummax_indices", "cummin_indices"):
        case(name, numbers(5), options={"axis": 0}, free={"z": "i"})
    case(
        "linear_scan", numbers(5), numbers(5), options={"axis": 0},
        free={"z": "i", "b": "i", "a": "i"},
        letters=lambda xs, outs, gs: {r"\bar{b}": _gradients("linear_scan")["b"]},
    )  # fmt: skip
    # shapes
    case("reshape", numbers(2, 3), options={"shape": (3, 2)}, letters=_flat)
    case("transpose", numbers(2, 3))
    case("swapaxes", numbers(2, 3), options={"axis1": 0, "axis2": 1})
    case("flip", numbers(5), options={"axis": 0}, free={"z": "i", "x": "i"})
    case("roll", numbers(5), options={"shift": 2, "axis": 0}, free={"z": "i", "x": "i"})
    case("tile", numbers(3), options={"reps": (2,)}, free={"z": "i", "x": "j"}, ranges={"i": 6})
    case(
        "pad", numbers(3), options={"pad_width": ((2, 2),), "value": 4.0},
        free={"z": "i", "x": "i"},
        letters=lambda xs, outs, gs: {"b": 2, "c": np.full(2, 4.0)},
    )  # fmt: skip
    for name in ("concatenate", "stack"):
        case(name, numbers(3), numbers(3), numbers(3), options={"axis": 0}, letters=_listed)
    for name in ("tril", "triu"):
        case(name, numbers(3, 4), options={"k": 1}, free={"z": "ij", "x": "ij"}, ranges={"j": 4})
    case("diagonal", numbers(4, 4), options={"offset": 1}, free={"z": "i", "x": "ij"},
         letters=lambda xs, outs, gs: {"k": 1})  # fmt: skip
    case("put_diagonal", numbers(3), options={"size": (4, 4), "offset": 1},
         free={"z": "ij", "x": "i"}, letters=lambda xs, outs, gs: {"k": 1})  # fmt: skip
    case("sliding_windows", numbers(7), options={"size": 3, "step": 2, "axis": 0},
         free={"z": "ik", "x": "j"}, letters=lambda xs, outs, gs: {"s": 2})  # fmt: skip
    # indices
    index = np.array([2, 0, 2])
    case("take_at", numbers(4), options={"index": index}, free={"x": "i"})
    case("take_rows", numbers(4), options={"index": index}, free={"x": "i"})
    case("select_at", numbers(4), options={"index": 2}, free={"x": "i"})
    case("slice_at", numbers(4), options={"index": slice(1, 4, 2)}, free={"x": "i"},
         letters=lambda xs, outs, gs: {"index": np.array([1, 3])})  # fmt: skip
    case("put_at", numbers(3), options={"index": (index,), "size": (4,)}, free={"z": "i"},
         letters=lambda xs, outs, gs: {"index": index})  # fmt: skip
    case("add_rows", numbers(3), options={"index": index, "rows": 4}, free={"z": "i"})
    case("replace_at", numbers(4), numbers(2), options={"index": np.array([3, 1])}, free={"x": "i"})
    memory = numbers(6)
    part = memory[1::2]
    options = {"region": Region(memory, part)}
    region = lambda xs, outs, gs: {"region": np.array([1, 3, 5])}
    case("take_region", memory, options=options, free={"x": "i"}, letters=region)
    case("put_region", numbers(3), options=options, free={"z": "i"}, letters=region)
    case("replace_region", memory, numbers(3), options=options, free={"x": "i"}, letters=region)
    case("scatter_prod", numbers(4), numbers(3), options={"places": index, "include_self": True},
         free={"z": "i", "x": "i"})  # fmt: skip
    tied = np.array([1.0, 0.0, 5.0, 2.0]), np.array([5.0, 5.0, 5.0])
    largest = {"places": index, "reduce": "amax", "include_self": True}
    case("scatter_extreme", *tied, options=largest,
         free={"z": "i", "x": "i", "src": "k"})  # fmt: skip
    places = np.array([3, 0, 2])
    picked = lambda xs, outs, gs: {"p": lambda i: places[int(i)]}
    case("pick", numbers(4), options={"places": places}, free={"z": "i", "x": "i"},
         ranges={"j": 3}, letters=picked)  # fmt: skip
    case("place", numbers(3), options={"places": places, "size": (4,)},
         free={"z": "i", "x": "i"}, ranges={"j": 3}, letters=picked)  # fmt: skip
    # orders
    found = lambda xs, outs, gs: {"i": outs[0]}
    case("nonzero", np.array([0.0, 2.0, 0.0, -1.0]), letters=found)
    case("argsort", numbers(5), options={"axis": 0}, free={"z": "j"}, letters=found)
    case("topk_indices", numbers(5), options={"k": 3, "axis": 0}, free={"z": "j"}, letters=found)
    case("index_of_rank", numbers(5), options={"rank": 2, "axis": 0},
         letters=lambda xs, outs, gs: {"i": outs[0], "k": 2})  # fmt: skip
    case("mode_index", np.array([3.0, 1.0, 3.0, 2.0]), options={"axis": 0}, letters=found)


def define_networks() -> None:
    case("linear", numbers(4, 3), numbers(2, 3), numbers(2), ranges={"n": 4})
    for name in ("softmax", "log_softmax"):
        case(name, numbers(5), free={"z": "i", "x": "i"})
    case("normalize", numbers(5, 1), numbers(1), numbers(1), free={},
         options={"axes": (0,), "over": (0,), "eps": 1e-3},
         letters=lambda xs, outs, gs: {r"\mu": xs[0].mean(), r"\sigma": xs[0].std()})  # fmt: skip
    stride = lambda xs, outs, gs: {"s": 2}
    window: dict[str, Any] = {"stride": (2,), "padding": ((0, 0),)}
    convolution = {**window, "dilation": (1,), "groups": 1}
    x, y, weight = numbers(1, 1, 7), numbers(1, 1, 3), numbers(1, 1, 3)
    case("convolution", x, weight, numbers(1), options=convolution, ranges={"j": 7, "k": 3},
         free={"z": "i", "x": "j", "weight": "k"}, letters=stride)  # fmt: skip
    case("convolution_input", y, weight, numbers(1), options={**convolution, "size": (7,)},
         ranges={"j": 7}, free={"z": "j", "y": "i", "weight": "k"}, letters=stride)  # fmt: skip
    case("convolution_weight", x, y, options={**convolution, "kernel": (3,)},
         free={"z": "k", "x": "j", "y": "i"}, letters=stride)  # fmt: skip
    folding = {**window, "kernel": (3,), "dilation": (1,)}
    case("im2col", x, options=folding, ranges={"j": 7}, free={"z": "ki", "x": "j"}, letters=stride)
    case("col2im", numbers(1, 3, 3), options={**folding, "size": (7,)}, ranges={"i": 3, "k": 3},
         free={"z": "j", "x": "ki"}, letters=stride)  # fmt: skip
    pooling = {**window, "kernel": (3,), "windows": (3,)}
    case("max_pool", x, options={**pooling, "dilation": (1,)}, ranges={"k": 3},
         free={"z": "i", "x": "j"}, letters=stride)  # fmt: skip
    case("sum_windows", x, options=pooling, ranges={"k": 3}, free={"z": "i", "x": "j"},
         letters=stride)  # fmt: skip
    case("spread_windows", y, options={**pooling, "size": (7,)}, ranges={"k": 3},
         free={"z": "j", "x": "i"}, letters=stride)  # fmt: skip
    places = np.array([[0, 1, 2], [2, 3, 4], [4, 5, 6]])
    case("max_within", x, options={"ranges": (places,)}, ranges={"i": 3, "j": 7, "k": 3},
         free={"z": "i", "x": "j"}, letters=lambda xs, outs, gs: {"p": places})  # fmt: skip
    matrix = Band.of(places, numbers(3, 3), 7, np.float64)
    case("weigh", numbers(7), options={"matrix": matrix, "axis": 0}, ranges={"i": 3, "j": 7},
         free={"z": "i", "x": "j"}, letters=lambda xs, outs, gs: {"W": matrix.dense()})  # fmt: skip
    taps, kept = np.array([[[0, 2, 3], [1, 2, 0]]]), {"p": np.array([[0, 2, 3], [1, 2, 0]])}
    image, shares, values = numbers(1, 1, 4), numbers(1, 2, 3), numbers(1, 1, 3)
    found = lambda xs, outs, gs: kept | {"w": shares[0]}
    case("sample_taps", image, shares, options={"taps": taps}, ranges={"i": 3, "j": 4, "k": 2},
         free={"z": "i", "x": "j", "weights": "ki"}, letters=found)  # fmt: skip
    case("spread_taps", values, shares, options={"taps": taps, "places": 4},
         ranges={"i": 3, "j": 4, "k": 2}, free={"z": "j", "y": "i", "weights": "ki"},
         letters=found)  # fmt: skip
    case("weigh_taps", values, image, options={"taps": taps}, ranges={"i": 3, "j": 4, "k": 2},
         free={"z": "ki", "y": "i", "x": "j"}, letters=lambda xs, outs, gs: kept)  # fmt: skip
    for name in ("mse_loss", "l1_loss", "huber_loss"):
        case(name, numbers(5), numbers(5), free={"x": "i", "y": "i"})
    unit = rng.uniform(0.1, 0.9, 5), rng.uniform(0.1, 0.9, 5)
    case("binary_cross_entropy", *unit, positive(5), fixed=(2,))
    case("binary_cross_entropy_with_logits", numbers(5), unit[1], positive(5), positive(5),
         fixed=(2, 3))  # fmt: skip
    for name in ("cross_entropy", "nll_loss"):
        case(name, numbers(4, 3), options={"target": np.array([2, 0, 1, 0])}, free={"x": "ki"},
             ranges={"k": 4, "j": 3}, letters=lambda xs, outs, gs: {"n": 4})  # fmt: skip
    for p in (1, 2):
        case("hinge_loss", numbers(5), options={"target": np.array([1, -1, 1, 1, -1]), "p": p})
    case("soft_margin_loss", numbers(5), options={"target": np.array([1, -1, 1, 1, -1])})


def define_algebra() -> None:
    case("matmul", numbers(2, 3), numbers(3, 4))
    case("addmm", numbers(2, 4), numbers(2, 3), numbers(3, 4), options={"alpha": 2.0, "beta": 3.0})
    case("cross", numbers(3), numbers(3))
    case("contract", numbers(2, 3), numbers(3, 4), options={"inputs": ("ik", "kj"), "output": "ij"},
         free={"z": "ij", "x": "ik", "y": "kj"})  # fmt: skip
    for p in (1.5, 2.0, 3.0):
        case("cdist", numbers(3, 2), numbers(4, 2), options={"p": p}, ranges={"i": 3, "j": 4},
             free={"z": "ij", "x": "i", "y": "j"})  # fmt: skip
    case("euclidean_distances", numbers(3, 2), numbers(4, 2), ranges={"i": 3, "j": 4},
         free={"z": "ij", "x": "i", "y": "j"})  # fmt: skip
    case("cholesky", definite(3), letters=lambda xs, outs, gs: {"L": Matrix(outs[0])})
    case("eigh", symmetric(3), letters=lambda xs, outs, gs: {
        r"\lambda": outs[0], "V": Matrix(outs[1]), r"\bar{\lambda}": gs[0],
        r"\bar{V}": Matrix(gs[1]), "F": Matrix(inverse_gaps(outs[0])),
    })  # fmt: skip
    case("eigvalsh", symmetric(3), letters=lambda xs, outs, gs: {
        r"\lambda": outs[0], "V": Matrix(np.linalg.eigh(xs[0])[1])})  # fmt: skip
    case("lu_factor", np.roll(np.eye(3), 1, 0) * 9 + numbers(3, 3), letters=lambda xs, outs, gs: {
        "L": Matrix(np.tril(outs[0], -1) + np.eye(3)), "U": Matrix(np.triu(outs[0])),
        "P": Matrix(permutation(outs[1], 3, np.float64).T),
        r"\bar{L}": Matrix(np.tril(gs[0], -1)), r"\bar{U}": Matrix(np.triu(gs[0]))})  # fmt: skip
    case("qr", numbers(4, 3), letters=lambda xs, outs, gs: {
        "Q": Matrix(outs[0]), "R": Matrix(outs[1]), r"\bar{Q}": Matrix(gs[0]),
        r"\bar{R}": Matrix(gs[1])})  # fmt: skip
    for shape in ((3, 3), (4, 3), (3, 4)):
        case("svd", numbers(*shape), options={"full_matrices": False}, letters=of_svd)
        case("svdvals", numbers(*shape), letters=of_svdvals)
    case("inv", numbers(3, 3))
    case("solve", numbers(3, 3), numbers(3, 2))
    case("cholesky_solve", numbers(3, 2), np.linalg.cholesky(definite(3)))
    for upper, triangle in ((False, np.tril), (True, np.triu)):
        case("solve_triangular", triangle(definite(3)), numbers(3, 2), options={"upper": upper},
             letters=lambda xs, outs, gs, f=triangle: {"triangle": lambda m: Matrix(f(m.array))},
             )  # fmt: skip
    gelsd = {"rcond": 1e-15, "driver": "gelsd"}
    case("least_squares", numbers(4, 3), numbers(4, 2), options=gelsd)
    for shape in ((4, 3), (3, 4)):
        case("pinv", numbers(*shape))
    case("attention_weights", numbers(3, 2), numbers(4, 2), numbers(3, 4), options={"scale": 0.7},
         free={"z": "ij"}, ranges={"j": 4, "k": 4}, letters=of_attention)  # fmt: skip
    case("attention", numbers(3, 2), numbers(4, 2), numbers(4, 5), numbers(3, 4),
         options={"scale": 0.7}, letters=of_attention)  # fmt: skip
    case("det", numbers(3, 3))
    case("slogdet", numbers(3, 3), letters=lambda xs, outs, gs: {"g": gs[1]})
    case("expm", numbers(3, 3) / 2)


def of_attention(xs: Any, outs: Any, gs: Any) -> Env:
    query, key, *value, mask = xs
    softmax = lambda m: Matrix(np.exp(m.array) / np.exp(m.array).sum(-1, keepdims=True))
    p = softmax(Matrix(0.7 * query @ key.T + mask)).array
    g = gs[0] @ value[0].T if value else gs[0]
    d = p * (g - (g * p).sum(-1, keepdims=True))
    known = {"P": Matrix(p), "D": Matrix(d), "s": 0.7, "softmax": softmax}
    return known | ({"V": Matrix(value[0])} if value else {})


def _listed(xs: Any, outs: Any, gs: Any) -> Env:
    parts = gs[0] if gs[0].ndim == 2 else gs[0].reshape(len(xs), -1)
    return {"x": list(xs), "g": list(parts)}


def _flat(xs: Any, outs: Any, gs: Any) -> Env:
    return {"x": xs[0].reshape(outs[0].shape), "g": gs[0].reshape(xs[0].shape)}


def inverse_gaps(x: Array) -> Array:
    """1 / (x[j] - x[i]) at [i, j], and zeros on the diagonal."""
    gaps = x[None, :] - x[:, None]
    return np.where(gaps == 0, 0, 1 / np.where(gaps == 0, 1, gaps))


def of_svd(xs: Any, outs: Any, gs: Any) -> Env:
    u, s, vh = outs
    return {
        "U": Matrix(u), r"\sigma": s, "V": Matrix(vh.T), r"\bar{U}": Matrix(gs[0]),
        r"\bar{\sigma}": gs[1], r"\bar{V}": Matrix(gs[2].T), r"\Sigma": Matrix(np.diag(s)),
        "F": Matrix(inverse_gaps(s * s)),
    }  # fmt: skip


def of_svdvals(xs: Any, outs: Any, gs: Any) -> Env:
    u, s, vh = np.linalg.svd(xs[0], full_matrices=False)
    return {"U": Matrix(u), r"\sigma": s, "V": Matrix(vh.T)}


# --- evaluation --------------------------------------------------------------------------------


@functools.cache
def cases() -> dict[str, list[Case]]:
    define_cases()
    define_networks()
    define_algebra()
    for sample in SAMPLES:
        definition = getattr(getattr(ops, sample.op), "definition", None)
        if definition is not None and definition.name not in CASES and _has_letters(sample):
            CASES.setdefault(f"{definition.name} ", []).append(
                Case(
                    definition,
                    sample.inputs,
                    sample.options,
                    fixed=sample.fixed,
                    elementwise=sample.elementwise,
                )
            )
    for name in ("cbrt", "degrees", "radians", "spacing"):  # those of NumPy's own functions
        case(name, positive(5))
    tied = np.array([1.0, 0.0, 2.0, -3.0]), np.array([1.0, 0.5, 4.0, -3.0])
    for name in ("maximum", "minimum", "fmax", "fmin", "heaviside", "where"):
        inputs = (tied[0] > 0, *tied) if name == "where" else tied
        case(name, *inputs, elementwise=True)
    case("nextafter", *tied, elementwise=True, tolerance=0.0)
    case("clip", numbers(9), np.full(9, -0.5), np.full(9, 0.5), elementwise=True)
    case("clip", numbers(9), np.full(9, 0.5), np.full(9, -0.5), elementwise=True)
    for name in ("cast", "zeros_like", "once"):
        case(name, positive(5), options={"dtype": np.dtype(np.float64)} if name == "cast" else {})
    for name in [name for name in CASES if name.endswith(" ")]:
        CASES[name.strip()] = CASES.pop(name) + CASES.get(name.strip(), [])
    return CASES


def _has_letters(sample: Sample) -> bool:
    """Whether the formula holds for the options: those without a letter change what is computed."""
    return (
        len(sample.inputs) == len(getattr(ops, sample.op).definition.inputs)
        and all(x is not None for x in sample.inputs)
        and set(sample.options) <= set(OPTIONS)
        and not (sample.op in ("logit", "normalize") and sample.options)
    )


class Run:
    """One case, computed: inputs, results, the gradients of the results and of the inputs."""

    def __init__(self, case: Case) -> None:
        self.case, op = case, case.op
        self.names = tuple(f"{op.variadic}_{i}" for i in range(len(case.inputs)))
        self.names = self.names if op.variadic else op.inputs
        wanted = [i for i, x in enumerate(case.inputs) if is_float(x) and self.has_rule(i)]
        tensors = [
            dl.tensor(x, requires_grad=i in wanted) if isinstance(x, np.ndarray) else x
            for i, x in enumerate(case.inputs)
        ]
        out = op.function(*tensors, **case.options)
        outs = list(out) if isinstance(out, tuple) else [out]
        self.outs = [o.array if isinstance(o, dl.Tensor) else np.asarray(o) for o in outs]
        rng = np.random.default_rng(5)
        self.gs = [rng.standard_normal(o.shape) for o in self.outs]
        used = [i for i, o in enumerate(outs) if isinstance(o, dl.Tensor) and o.requires_grad]
        self.gradients: dict[str, Array] = {}
        for i in wanted:
            (found,) = dl.autograd.grad(
                [outs[k] for k in used],
                [tensors[i]],
                [dl.tensor(self.gs[k]) for k in used],
                create_graph=True,  # by the rule, and not by the fast door
            )
            self.gradients[self.names[i]] = found.array

    def has_rule(self, i: int) -> bool:
        case, op = self.case, self.case.op
        if i in case.fixed or (op.name, op.inputs[i % len(op.inputs)]) in NOT_EVALUATED:
            return False
        return op.joint is not None or op.rules[i] is not None

    def env(self) -> Env:
        """What the letters mean."""
        case = self.case
        inputs = [x != 0 for x in case.inputs] if "logical" in case.op.name else case.inputs
        env: Env = {symbol(name): x for name, x in zip(self.names, inputs)}
        env |= {"z": self.outs[0], "g": self.gs[0]}
        if self.squeezed():
            env = {k: np.squeeze(v) if isinstance(v, np.ndarray) else v for k, v in env.items()}
        first = np.squeeze(np.asarray(inputs[0]))
        ranges = dict.fromkeys("ij", np.shape(first)[0] if np.ndim(first) else 1)
        for of, letters in case.free.items():
            ranges |= dict(zip(letters, self.target(of).shape))
        env["ranges"] = {**ranges, **case.ranges}
        for name, default in case.op.options.items():
            if name in OPTIONS:
                value = case.options.get(name, default)
                env[OPTIONS[name]] = (
                    value[0] if name == "index" and isinstance(value, tuple) else value
                )
        if "n" not in env["ranges"]:
            env.setdefault("n", float(first.size))
        for key, value in list(env.items()):
            if len(key) == 1 and key.isupper() and np.ndim(value) == 2:
                env[key] = Matrix(value)
        return env if case.letters is None else env | case.letters(inputs, self.outs, self.gs)

    def squeezed(self) -> bool:
        """Whether dimensions for samples and channels, of size 1, are left out."""
        return self.case.op.forward.__module__ in _NETWORKS

    def target(self, of: str) -> Array:
        """What the formula's numbers are compared with."""
        found = self.outs[0] if of == "z" else self.gradients[of]
        return np.squeeze(found) if self.squeezed() else np.asarray(found)


def _gradients(name: str) -> dict[str, Array]:
    return Run(CASES[name][0]).gradients


def numbers_of(text: str, env: Env, letters: str, shape: tuple[int, ...]) -> Any:
    """The formula's number for each index, its definitions after ", \\quad" put in."""
    main, *definitions = split(text, r", \quad ")
    pairs = [d.partition(" = ")[::2] for d in definitions]
    known, later = dict(env), []
    for name, right in pairs:
        try:
            known[name] = evaluate(right, known)
        except KeyError:  # it has an index of the result
            later.append((name, right))
    if not letters:
        return plain(evaluate(main, known))
    out = []
    for place in itertools.product(*(range(n) for n in shape[: len(letters)])):
        here = {**known, **dict(zip(letters, place))}
        for name, right in later:
            here[name] = evaluate(right, here)
        out.append(plain(evaluate(main, here)))
    return np.asarray(out).reshape(shape[: len(letters)] + np.shape(out[0]))


def assert_equal(got: Any, want: Array, tolerance: float = 1e-7) -> None:
    got = np.asarray(got, float)
    if got.ndim > want.ndim or got.size > want.size:  # the input was broadcast
        got = summed(got, want.shape)
    got = np.broadcast_to(got, want.shape)  # one number for all: g
    np.testing.assert_allclose(
        got, np.asarray(want, float), rtol=tolerance, atol=1e-9 if tolerance else 0
    )


def summed(x: Array, shape: tuple[int, ...]) -> Array:
    """`x` added up over the axes along which `shape` was broadcast."""
    lead = x.ndim - len(shape)
    stretched = tuple(i + lead for i, n in enumerate(shape) if n == 1 and x.shape[i + lead] != 1)
    return x.sum(axis=(*range(lead), *stretched), keepdims=True).reshape(shape)


def check_value(run: Run, text: str) -> None:
    """An expression, a relation after ": ", a list of parts, or an assignment."""
    env, letters = run.env(), run.case.free.get("z", "")
    main = split(text, r", \quad ")[0]
    names, colon, relation = main.partition(": ")
    if colon and names not in (r"\forall i", r"\exists i"):
        assert_relation(relation, env, letters, run.outs[0].shape)
    elif r"\quad z_{" in text:  # x, z_{index} = v
        (index,) = {name for name in ("index", "region") if name in text}
        want = np.array(evaluate(main, env))
        want[env[index]] = evaluate(text.rpartition(" = ")[2], env)
        assert_equal(want, run.outs[0])
    elif main.startswith("("):
        assert_equal(joined(main, env), run.outs[0].reshape(-1))
    elif len(sides := split(main, ", ")) > 1:
        for side, want in zip(sides, run.outs, strict=True):
            assert_equal(plain(evaluate(side, env)), want)
    else:
        assert_sides(text, env, letters, run.target("z"), run.case.tolerance)


def check_gradient(run: Run, of: str, text: str, definitions: list[str]) -> None:
    case, env = run.case, run.env()
    if case.op.variadic:
        for i, name in enumerate(run.names):
            got = evaluate(text, {**env, "i": i})
            assert_equal(got.reshape(-1), run.gradients[name].reshape(-1))
        return
    if case.elementwise:
        text = f"{text} + 0 z"  # of the shape of the result, before it is added up
    assert_sides(r", \quad ".join([text, *definitions]), env, case.free.get(of, ""), run.target(of))


def assert_sides(text: str, env: Env, letters: str, target: Array, tolerance: float = 1e-7) -> None:
    """Every side of an equation gives the numbers of `target`."""
    main, *definitions = split(text, r", \quad ")
    for side in split(main, " = "):
        whole = r", \quad ".join([side, *definitions])
        assert_equal(numbers_of(whole, env, letters, target.shape), target, tolerance)


def joined(text: str, env: Env) -> Array:
    r"""A list of parts: (c, x, c), or (x_1, x_2, \ldots)."""
    parts = split(text[1:-1], ", ")
    if parts[-1] == r"\ldots":  # as many as there are
        listed = {**env, "x": [None, *env["x"]]}  # counted from 1
        parts = [evaluate(part, listed) for part in parts[:-1]]
        return np.concatenate([np.reshape(x, -1) for x in [*parts, *env["x"][len(parts) :]]])
    return np.concatenate([np.reshape(env[p], -1) for p in parts])


def assert_relation(text: str, env: Env, letters: str, shape: tuple[int, ...]) -> None:
    for part in split(text, ", "):
        left, equal, right = part.partition(" = ")
        if letters:  # the i-th and the next
            assert all(holds(part, {**env, letters: i}) for i in range(shape[0] - 1))
        elif equal:
            assert_equal(plain(evaluate(left, env)), np.asarray(plain(evaluate(right, env))))
        else:
            assert np.all(holds(part, env))


@pytest.mark.parametrize(("name", "of"), formulas(), ids=lambda x: x)
def test_formula_gives_the_numbers_of_operation_and_rule(name: str, of: str) -> None:
    formula = formula_of(every_op()[name])
    assert formula is not None
    if (name, of) in NOT_EVALUATED:
        return
    runs = [Run(one) for one in cases()[name]]
    definitions = [d for d in split(formula.value, r", \quad ")[1:] if "z_" not in d]
    if of == "z":
        for run in runs:
            check_value(run, formula.value)
        return
    runs = [run for run in runs if of in run.gradients or run.case.op.variadic == of]
    assert runs, "no sample has a gradient"
    for run in runs:
        check_gradient(run, of, formula.gradient(of) or "", definitions)


def test_what_is_not_evaluated_is_there() -> None:
    assert set(NOT_EVALUATED) <= set(formulas())
