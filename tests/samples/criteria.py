"""Losses as modules, and the functions of margins, pairs and distributions."""

from __future__ import annotations

from typing import Any

import numpy as np

from samples.functional import case, custom, ints, of
from samples.losses import reduced
from samples.modules import Row, live, row, rows
from samples.table import Array, Call, Numbers, Sample

n = Numbers(31)
REDUCTIONS = ("mean", "sum", "none")
R = {"r": list(REDUCTIONS)}
PAIR = "dl.randn(4, 3), dl.randn(4, 3)"
SIGNS = "dl.tensor([[1.0, -1, 1], [-1, -1, 1], [1, 1, -1], [-1, 1, -1]])"
MATRIX, LABELS = "dl.randn(5, 4)", "dl.tensor([0, 3, 2, 2, 1])"
GRID = "dl.randn(2, 4, 3), dl.tensor([[0, 3, 1], [2, 2, 1]])"
IMAGES = "dl.randn(2, 4, 2, 2), dl.tensor([[[0, 3], [1, 2]], [[2, 2], [1, 0]]])"
SHARES = "dl.randn(5, 4), dl.rand(5, 4).softmax(1)"
SHARES_GRID = "dl.randn(2, 4, 3), dl.rand(2, 4, 3)"
LOG_SHARES = "dl.randn(4, 3).log_softmax(1), dl.rand(4, 3).softmax(1)"
NONE = {"kit": None}


def loss(new: str, inputs: str, **options: object) -> Row:
    """A row that `check_loss` can take."""
    return row(new, inputs, loss=True, **options)


# --- numbers and distributions -----------------------------------------------------------------

NUMBERS = [
    loss("nn.MSELoss()", PAIR),
    *live(rows("nn.MSELoss(reduction={r!r})", PAIR, "dl.randn(()), dl.randn(())", choices=R)),
    row("nn.L1Loss(reduction='sum')", PAIR, kit=None),
    loss("nn.L1Loss()", PAIR, kit={}, recorded=False),
    *live(rows("nn.L1Loss(reduction={r!r})", PAIR, "dl.zeros(2, 3), dl.zeros(2, 3)", choices=R)),
    loss("nn.HuberLoss(delta=0.5)", PAIR),
    *live(rows("nn.HuberLoss({r!r}, {d})", PAIR, choices={**R, "d": [0.3, 1, 2.0]})),
    loss("nn.SmoothL1Loss(beta=0.5)", PAIR),
    *live(rows("nn.SmoothL1Loss(reduction={r!r}, beta={b})", PAIR, choices={**R, "b": [0, 0.3, 1]})),
    *(
        row(f"nn.MSELoss({flags})", PAIR, recorded=False, **NONE)
        for flags in ("False", "reduce=False", "True, True", "size_average=False, reduce=True")
    ),
    # the rows with "mean" have no kit, since it warns
    row("nn.KLDivLoss(reduction='batchmean')", LOG_SHARES, kit={"empty_batch": False}),
    row("nn.KLDivLoss(reduction='sum', log_target=True)", "dl.randn(4, 3).log_softmax(1), dl.randn(4, 3).log_softmax(1)", **NONE),
    *live(rows("nn.KLDivLoss(reduction={r!r}, log_target={t})", LOG_SHARES, "dl.randn(3).log_softmax(0), dl.rand(3)",
               "dl.randn(2, 3, 2), dl.rand(2, 3, 2)", "dl.randn(()), dl.rand(())",
               choices={"r": ["mean", "sum", "none", "batchmean"], "t": [False, True]})),
    *live(rows("nn.KLDivLoss({f})", LOG_SHARES, choices={"f": ["False", "reduce=False"]})),
    row("nn.GaussianNLLLoss()", "dl.randn(4, 3), dl.randn(4, 3), dl.rand(4, 3) + 0.1", kit={"empty_batch": False}),
    row("nn.GaussianNLLLoss(full=True, eps=0.5, reduction='none')", "dl.randn(4, 3), dl.randn(4, 3), dl.rand(4)", **NONE),
    *live(rows("nn.GaussianNLLLoss(full={f}, eps={e}, reduction={r!r})", "dl.randn(4, 3), dl.randn(4, 3), dl.rand(4, 3)",
               "dl.randn(4, 3), dl.randn(4, 3), dl.rand(4, 1)", "dl.randn(4, 3), dl.randn(4, 3), dl.rand(4)",
               "dl.randn(4, 3), dl.randn(4, 3), 0.3", "dl.randn(4), dl.randn(4), dl.rand(4)", "dl.randn(3, 2), dl.randn(3, 2), dl.rand(1, 2)",
               choices={"f": [False, True], "e": [0.4], **R})),
    loss("nn.PoissonNLLLoss()", "dl.randn(4, 3), dl.rand(4, 3) * 3"),
    row("nn.PoissonNLLLoss(False, True, eps=0.1, reduction='none')", "dl.rand(6) + 0.2, dl.tensor([0.5, 1.5, 0.9, 2.0, 3.0, 7.0])", **NONE),
    # PyTorch takes the logarithms of integers in float32
    row("nn.PoissonNLLLoss(full=True)", "dl.rand(3) + 0.1, dl.tensor([0, 4, 1])", recorded=False, tolerance=1e-6, **NONE),
    *live(rows("nn.PoissonNLLLoss({log}, {f}, reduction={r!r})", "dl.rand(4, 3) + 0.1, dl.rand(4, 3) * 4 + 0.1", "dl.rand(()), dl.rand(()) + 1",
               choices={"log": [True, False], "f": [False, True], **R})),
]  # fmt: skip

# --- probabilities and classes -----------------------------------------------------------------

CLASSES = [
    loss("nn.BCELoss()", "dl.rand(4, 3), dl.rand(4, 3)", tolerance=1e-8, narrow=1e-3),
    loss("nn.BCELoss(dl.rand(3))", "dl.rand(4, 3), dl.rand(4, 3)", kit={}, tolerance=1e-8, narrow=1e-3),
    *live(rows("nn.BCELoss({w}, reduction={r!r})", "dl.rand(4, 3), dl.rand(4, 3)", tolerance=1e-8, narrow=1e-3,
               choices={"w": ["None", "dl.rand(3)", "dl.rand(4, 3)", "dl.rand(4, 1)"], **R})),
    loss("nn.BCEWithLogitsLoss()", "dl.randn(4, 3) * 50, dl.rand(4, 3)", recorded=False),
    loss("nn.BCEWithLogitsLoss(dl.rand(3), pos_weight=dl.rand(3))", "dl.randn(4, 3), dl.rand(4, 3)", kit={}),
    *live(rows("nn.BCEWithLogitsLoss({w}, pos_weight={p}, reduction={r!r})", "dl.randn(4, 3) * 5, dl.rand(4, 3)",
               choices={"w": ["None", "dl.rand(3)"], "p": ["None", "dl.rand(3)", "dl.rand(1)"], **R})),
    loss("nn.NLLLoss()", f"{MATRIX}, {LABELS}", recorded=False),
    loss("nn.NLLLoss(dl.rand(4), ignore_index=1)", f"{MATRIX}, {LABELS}", kit={"weighted": True}),
    row("nn.NLLLoss2d(dl.rand(4), ignore_index=1, reduction='sum')", IMAGES, kit=None),
    loss("nn.CrossEntropyLoss()", f"{MATRIX}, {LABELS}"),
    loss("nn.CrossEntropyLoss(dl.rand(4), ignore_index=0, label_smoothing=0.1)", GRID, kit={"weighted": True}),
    loss("nn.CrossEntropyLoss(label_smoothing=0.1)", f"{MATRIX}, {LABELS}", kit={}, recorded=False),
    loss("nn.CrossEntropyLoss()", IMAGES, kit={}, recorded=False),
    row("nn.CrossEntropyLoss(dl.rand(4), label_smoothing=0.1)", SHARES, **NONE),
    *live(rows("nn.{n}({w}, ignore_index={i}, reduction={r!r})", f"{MATRIX}, {LABELS}", GRID, IMAGES, "dl.randn(4), dl.tensor(3)",
               choices={"n": ["NLLLoss", "CrossEntropyLoss"], "w": ["None", "dl.rand(4)"], "i": [-100, 2], **R})),
    *live(rows("nn.CrossEntropyLoss({w}, label_smoothing={e}, reduction={r!r})", f"{MATRIX}, {LABELS}", SHARES, SHARES_GRID,
               "dl.randn(4), dl.rand(4)", choices={"w": ["None", "dl.rand(4)"], "e": [0.0, 0.2, 1.0], **R})),
]  # fmt: skip

# --- margins -----------------------------------------------------------------------------------

UNARY = {"fixed": (1,)}
MANY = "dl.randn(3, 4), dl.tensor([[3, 0, -1, 1], [2, -1, 0, 0], [1, 0, 2, 3]])"
MARGINS = [
    loss("nn.HingeLoss()", f"dl.randn(4, 3), {SIGNS}", ours=True, **UNARY),
    loss("nn.HingeLoss(0.5, 2)", f"dl.randn(4, 3), {SIGNS}", ours=True, **UNARY, kit={}),
    loss("nn.PerceptronLoss()", f"dl.randn(4, 3), {SIGNS}", ours=True, **UNARY),
    loss("nn.CrammerSingerLoss()", f"{MATRIX}, {LABELS}", ours=True),
    loss("nn.CrammerSingerLoss(0.5, 2)", f"{MATRIX}, {LABELS}", ours=True, kit={}),
    loss("nn.WestonWatkinsLoss()", f"{MATRIX}, {LABELS}", ours=True),
    loss("nn.WestonWatkinsLoss(0.5, 2)", f"{MATRIX}, {LABELS}", ours=True, kit={}),
    loss("nn.SoftMarginLoss()", f"dl.randn(4, 3), {SIGNS}", **UNARY),
    *live(rows("nn.SoftMarginLoss(reduction={r!r})", f"dl.randn(4, 3), {SIGNS}", "dl.randn(()), dl.tensor(-1.0)", choices=R, **UNARY)),
    # PyTorch has no second gradients of these
    loss("nn.MultiMarginLoss()", f"{MATRIX}, {LABELS}", order=1),
    loss("nn.MultiMarginLoss(2, 0.5, dl.rand(4))", f"{MATRIX}, {LABELS}", order=1, kit={}),
    *live(rows("nn.MultiMarginLoss({p}, {m}, {w}, reduction={r!r})", f"{MATRIX}, {LABELS}", "dl.randn(4), dl.tensor(1)", "dl.randn(4), dl.tensor([1])", order=1,
               choices={"p": [1, 2], "m": [1, 0.3], "w": ["None", "dl.rand(4)"], **R})),
    row("nn.MultiLabelMarginLoss()", MANY, order=1, kit={"empty_batch": False}),
    *live(rows("nn.MultiLabelMarginLoss(reduction={r!r})", MANY, "dl.randn(4), dl.tensor([1, 1, 2, -1])",
               "dl.randn(2, 3), dl.tensor([[-1, 0, 1], [0, 1, 2]])", order=1, choices=R)),
    row("nn.MultiLabelSoftMarginLoss(dl.rand(3))", "dl.randn(4, 3), dl.rand(4, 3)", loss=True),
    *live(rows("nn.MultiLabelSoftMarginLoss({w}, reduction={r!r})", "dl.randn(4, 3), dl.rand(4, 3)", "dl.randn(3), dl.rand(3)",
               "dl.randn(2, 4, 3), dl.rand(2, 4, 3)", choices={"w": ["None", "dl.rand(3)"], **R})),
]  # fmt: skip

# --- pairs and triples -------------------------------------------------------------------------

THREE = "dl.randn(4, 3), dl.randn(4, 3), dl.randn(4, 3)"
ROWS_OF_SIGNS = "dl.tensor([1, -1, 1, -1])"
PAIRS = [
    loss("nn.HingeEmbeddingLoss()", f"dl.rand(4, 3) + 0.1, {SIGNS}", **UNARY),
    *live(rows("nn.HingeEmbeddingLoss({m}, reduction={r!r})", f"dl.randn(4, 3), {SIGNS}", "dl.tensor([1.0, 1.0]), dl.tensor([1, -1])",
               choices={"m": [1, 0.2], **R}, **UNARY)),
    row("nn.MarginRankingLoss(0.3)", f"{PAIR}, {SIGNS}.int()", kit={"empty_batch": False}),
    *live(rows("nn.MarginRankingLoss({m}, reduction={r!r})", f"{PAIR}, {SIGNS}", f"dl.zeros(4, 3), dl.zeros(4, 3), {SIGNS}",
               "dl.randn(4), dl.randn(4), dl.tensor([1, -1, 1, -1])", choices={"m": [0, 0.5], **R})),
    row("nn.CosineEmbeddingLoss(0.1)", f"{PAIR}, {ROWS_OF_SIGNS}", kit={"empty_batch": False}),
    *live(rows("nn.CosineEmbeddingLoss({m}, reduction={r!r})", f"{PAIR}, {ROWS_OF_SIGNS}", "dl.randn(3), dl.randn(3), dl.tensor(-1)",
               f"dl.zeros(4, 3), dl.randn(4, 3), {ROWS_OF_SIGNS}", f"dl.ones(4, 3), dl.ones(4, 3), {ROWS_OF_SIGNS}",
               choices={"m": [0, -0.5, 0.5], **R}, fixed=(2,))),
    row("nn.TripletMarginLoss()", THREE, kit={"empty_batch": False}),
    row("nn.TripletMarginLoss(0.5, 3, 0.1, True, reduction='none')", THREE, **NONE),
    row("nn.TripletMarginLoss(p=float('inf'))", THREE, recorded=False, **NONE),
    *live(rows("nn.TripletMarginLoss({m}, {p}, swap={s}, reduction={r!r})", THREE, "dl.randn(3), dl.randn(3), dl.randn(3)",
               "dl.randn(2, 3, 2), dl.randn(2, 3, 2), dl.randn(2, 3, 2)", choices={"m": [0.5], "p": [1, 2.0, 3.5], "s": [False, True], **R})),
    row("nn.TripletMarginWithDistanceLoss(distance_function=lambda x, y: (x - y).abs().sum(-1))", THREE, kit={"empty_batch": False}),
    *live(rows("nn.TripletMarginWithDistanceLoss(distance_function={f}, margin={m}, swap={s}, reduction={r!r})", THREE,
               choices={"f": ["None", "nn.PairwiseDistance(1.0)", "lambda x, y: ((x - y) ** 2).sum(-1)"], "m": [1.0, 0.2], "s": [False, True], **R})),
]  # fmt: skip

# --- PyTorch's former flags --------------------------------------------------------------------

FLAGS = [
    Row(f"nn.{name}(size_average=False, reduce=True)", inputs, recorded=False, kit=None, order=1, fixed=(1,))
    for inputs, names in {
        PAIR: "L1Loss SmoothL1Loss",
        "dl.rand(4, 3), dl.rand(4, 3)": "BCELoss BCEWithLogitsLoss KLDivLoss MultiLabelSoftMarginLoss PoissonNLLLoss",
        f"{MATRIX}, {LABELS}": "CrossEntropyLoss NLLLoss MultiMarginLoss",
        f"dl.randn(4, 3), {SIGNS}": "SoftMarginLoss HingeEmbeddingLoss",
        MANY: "MultiLabelMarginLoss",
        f"{PAIR}, {SIGNS}.int()": "MarginRankingLoss",
        f"{PAIR}, {ROWS_OF_SIGNS}": "CosineEmbeddingLoss",
        THREE: "TripletMarginLoss",
        IMAGES: "NLLLoss2d",
    }.items()
    for name in names.split()
]  # fmt: skip

ALL = [*NUMBERS, *CLASSES, *MARGINS, *PAIRS, *FLAGS]
MODULES: list[Row] = list({r.key: r for r in reversed(ALL)}.values())[::-1]  # some come twice

# --- operations --------------------------------------------------------------------------------


def multi_margin_loss(
    x: Array, target: Array, weight: Any = None, margin: float = 1.0, p: int = 1, *, reduction: str
) -> Any:
    """One class after the other."""
    values = np.zeros(target.shape)
    for place in np.ndindex(target.shape):
        row, t = x[place], int(target[place])
        others = [max(0, margin - row[t] + row[j]) ** p for j in range(len(row)) if j != t]
        values[place] = (1 if weight is None else weight[t]) * sum(others) / len(row)
    return reduced(values, reduction)


def multilabel_margin_loss(x: Array, labels: Array, listed: Array, reduction: str) -> Any:
    values = np.zeros(x.shape[:-1])
    for place in np.ndindex(values.shape):
        row, right = x[place], labels[place][listed[place]]
        wrong = [i for i in range(len(row)) if i not in right]
        values[place] = sum(max(0, 1 - row[j] + row[i]) for j in right for i in wrong) / len(row)
    return reduced(values, reduction)


SEVERAL = {
    "labels": np.array([[3, 0], [2, 0], [1, 1]]),
    "listed": np.array([[True, True], [True, False], [False, False]]),
}
SAMPLES = [
    *(Sample("multi_margin_loss", (n.spread(3, 4),), {"target": np.array([2, 0, 3]), "p": p, "margin": 0.52, "reduction": r, **weight},
             reference=multi_margin_loss)
      for p in (1, 2) for weight in ({}, {"weight": n.positive(4)}) for r in REDUCTIONS),
    Sample("multi_margin_loss", (n.spread(4),), {"target": np.array(2), "reduction": "mean"}, reference=multi_margin_loss),
    *(Sample("multilabel_margin_loss", (n.spread(3, 4) + 0.02,), {**SEVERAL, "reduction": r}, reference=multilabel_margin_loss)
      for r in REDUCTIONS),
]  # fmt: skip

# --- functions ---------------------------------------------------------------------------------

logs, shares = np.log(n.positive(3, 4) / 9), n.positive(3, 4) / 9
a, b, c = n.spread(3, 4), n.spread(3, 4) + 0.07, n.spread(3, 4) + 0.03
signs, classes = np.where(n.bools(3, 4), 1, -1), np.array([2, 0, 3])
listed = np.array([[3, 0, -1, 1], [2, -1, 0, 0], [1, 2, 0, -1]])


def labelled(name: str, case: str, x: Array, target: Array, order: int = 2, **options: Any) -> Call:
    """A function of scores and whole numbers; arrays among the options are weights."""

    def run(lib: Any, F: Any, x: Any) -> Any:
        given = {
            k: lib.tensor(v).to(x.dtype) if isinstance(v, np.ndarray) else v
            for k, v in options.items()
        }
        return getattr(F, name)(x, lib.tensor(target), **given)  # fmt: skip

    return custom(f"{name}: {case}", run, (x,), order)


def signed(name: str, case: str, *xs: Array, target: Array = signs, **options: Any) -> Call:
    """A function of scores, pairs or vectors and their signs."""
    return custom(
        f"{name}: {case}",
        lambda lib, F, *xs: getattr(F, name)(*xs, lib.tensor(target), **options),
        xs,
    )


OLD = {"size_average": False, "reduce": True}
CALLS = [
    of("kl_div", "batchmean", logs, shares, reduction="batchmean"),
    of("kl_div", "log_target", logs, logs[::-1].copy(), reduction="none", log_target=True),
    of("kl_div", "0", logs, np.where(shares > 0.1, shares, 0), reduction="sum", order=0),
    of("kl_div", "flags", logs, shares, **OLD),
    of("gaussian_nll_loss", "", a, b, shares, reduction="sum"),
    of("gaussian_nll_loss", "full", a, b, shares[:, 0].copy(), full=True, eps=0.1, reduction="none"),
    of("gaussian_nll_loss", "number", a, b, 0.5),
    of("poisson_nll_loss", "", logs, shares),
    of("poisson_nll_loss", "rates", shares, 9 * shares, log_input=False, full=True, eps=0.1, reduction="none"),
    of("poisson_nll_loss", "flags", logs, shares, **OLD),
    of("soft_margin_loss", "flags", a, np.ones((3, 4)), order=0, **OLD),
    signed("hinge_embedding_loss", "", a + 0.01),
    signed("hinge_embedding_loss", "margin", a, margin=0.3, reduction="none"),
    signed("hinge_embedding_loss", "flags", a, **OLD),
    signed("margin_ranking_loss", "", a, b),
    signed("margin_ranking_loss", "margin", a, b, margin=0.5, reduction="none"),
    signed("margin_ranking_loss", "equal", a, a, **OLD),
    signed("cosine_embedding_loss", "", a, b, target=signs[:, 0]),
    signed("cosine_embedding_loss", "margin", a, b, target=signs[:, 0], margin=0.2, reduction="none"),
    signed("cosine_embedding_loss", "flags", a[0], b[0], target=signs[0, 0], **OLD),
    of("triplet_margin_loss", "", a, b, c),
    of("triplet_margin_loss", "swap", a, b, c, margin=2.0, p=3, eps=1e-3, swap=True, reduction="none"),
    of("triplet_margin_loss", "flags", a, b, c, **OLD),
    of("triplet_margin_with_distance_loss", "", a, b, c),
    of("triplet_margin_with_distance_loss", "own", a, b, c, distance_function=lambda x, y: abs(x - y).sum(-1), margin=0.4, swap=True,
       reduction="sum"),
    labelled("multi_margin_loss", "", a, classes, order=1),
    labelled("multi_margin_loss", "p", a, classes, order=1, p=2, margin=0.5, weight=n.positive(4), reduction="none"),
    labelled("multi_margin_loss", "flags", a, classes, order=1, **OLD),
    labelled("multilabel_margin_loss", "", a, listed, order=1),
    labelled("multilabel_margin_loss", "none", a, listed, order=1, reduction="none"),
    labelled("multilabel_margin_loss", "flags", a, listed, order=1, **OLD),
    labelled("multilabel_soft_margin_loss", "weight", a, (signs + 1.0) / 2, weight=n.positive(4), reduction="none"),
    of("multilabel_soft_margin_loss", "", a, shares),
    of("multilabel_soft_margin_loss", "gradient of the weight", a, shares, abs(b[0])),
    of("multilabel_soft_margin_loss", "flags", a, shares, **OLD),
]  # fmt: skip

# --- bad input ---------------------------------------------------------------------------------


def matrix(lib: Any) -> Any:
    return lib.ones(2, 3)


ERRORS = [
    case("kl_div: shapes", lambda lib, F: F.kl_div(lib.zeros(2, 3), lib.ones(3), reduction="sum"), r"same shape.*\[2, 3\].*\[3\]", in_torch=False),
    case("kl_div: integers", lambda lib, F: F.kl_div(lib.zeros(2), ints(lib, [1, 0]), reduction="sum"), "Integral inputs not supported", RuntimeError),
    case("kl_div: negative", lambda lib, F: F.kl_div(lib.zeros(2), -lib.ones(2), reduction="sum"), r"-1.0 at index \[0\].*log_target=True", in_torch=False),
    case("kl_div: reduction", lambda lib, F: F.kl_div(lib.zeros(2), lib.ones(2), reduction="avg"), "avg is not a valid value"),
    case("gaussian_nll_loss: negative", lambda lib, F: F.gaussian_nll_loss(lib.ones(2), lib.ones(2), -lib.ones(2)), "var has negative entr.*exp"),
    case("gaussian_nll_loss: negative number", lambda lib, F: F.gaussian_nll_loss(lib.ones(2), lib.ones(2), -1.0), "var has negative entr"),
    case("gaussian_nll_loss: size", lambda lib, F: F.gaussian_nll_loss(matrix(lib), matrix(lib), lib.ones(3)),
         r"var is of incorrect size: expected \[2, 3\], \[2\] .*\[2, 1\], got \[3\]"),
    case("gaussian_nll_loss: target", lambda lib, F: F.gaussian_nll_loss(matrix(lib), lib.ones(3), matrix(lib)), "same shape", in_torch=False),
    case("gaussian_nll_loss: reduction", lambda lib, F: F.gaussian_nll_loss(lib.ones(2), lib.ones(2), 1.0, reduction="avg"), "avg is not"),
    case("poisson_nll_loss: negative", lambda lib, F: F.poisson_nll_loss(lib.ones(2), -lib.ones(2)), "must not be negative.*counts", in_torch=False),
    case("poisson_nll_loss: shapes", lambda lib, F: F.poisson_nll_loss(lib.ones(2, 1), lib.ones(2)), "same shape", in_torch=False),
    case("poisson_nll_loss: reduction", lambda lib, F: F.poisson_nll_loss(lib.ones(2), lib.ones(2), reduction="avg"), "avg is not a valid value"),
    # margins
    *(entry for name in ("multi_margin_loss", "crammer_singer_loss", "weston_watkins_loss") for entry in (
        case(f"{name}: range", lambda lib, F, f=name: getattr(F, f)(matrix(lib), ints(lib, [0, 3])), "Target 3 is out of bounds.*index", IndexError, name[0] == "m"),
        case(f"{name}: from 1", lambda lib, F, f=name: getattr(F, f)(lib.ones(3, 3), ints(lib, [1, 3, 2])), "count from 1 to 3, subtract 1", IndexError, name[0] == "m"),
        case(f"{name}: batch", lambda lib, F, f=name: getattr(F, f)(matrix(lib), ints(lib, [0])), r"target size \[2\] for input\[2, 3\].*\[1\]", RuntimeError, name[0] == "m"),
        case(f"{name}: images", lambda lib, F, f=name: getattr(F, f)(lib.ones(2, 3, 4), ints(lib, [0, 1])), r"\(N, C\) or \(C,\), got \[2, 3, 4\]", RuntimeError, name[0] == "m"),
        case(f"{name}: floats", lambda lib, F, f=name: getattr(F, f)(matrix(lib), lib.ones(2)), r"integers, got float32.*\.long\(\)", RuntimeError, name[0] == "m"),
        case(f"{name}: p", lambda lib, F, f=name: getattr(F, f)(matrix(lib), ints(lib, [0, 1]), p=3), "p must be 1 or 2, got 3", ValueError, name[0] == "m"),
    )),
    case("multi_margin_loss: weight", lambda lib, F: F.multi_margin_loss(matrix(lib), ints(lib, [0, 1]), weight=lib.ones(2)), r"inconsistent weight size.*3 classes.*\[2\]", RuntimeError),
    case("crammer_singer_loss: one class", lambda lib, F: F.crammer_singer_loss(lib.ones(2, 1), ints(lib, [0, 0])), "two classes or more", in_torch=False),
    case("multilabel_margin_loss: size", lambda lib, F: F.multilabel_margin_loss(matrix(lib), ints(lib, [0, 1])), r"inconsistent target size: \[2\].*\[2, 3\].*-1", RuntimeError),
    case("multilabel_margin_loss: range", lambda lib, F: F.multilabel_margin_loss(lib.ones(3), ints(lib, [0, 3, -1])), "target 3 is out of bounds", IndexError),
    case("multilabel_margin_loss: no classes", lambda lib, F: F.multilabel_margin_loss(lib.ones(2, 0), lib.ones(2, 0, dtype=lib.int64)),
         r"\[2, 0\]", RuntimeError),
    case("multilabel_margin_loss: -2", lambda lib, F: F.multilabel_margin_loss(lib.ones(3), ints(lib, [0, -2, -1])), "target -2 is out of bounds", IndexError),
    case("multilabel_soft_margin_loss: shapes", lambda lib, F: F.multilabel_soft_margin_loss(matrix(lib), lib.ones(3)), "same shape", in_torch=False),
    case("multilabel_soft_margin_loss: number", lambda lib, F: F.multilabel_soft_margin_loss(lib.tensor(1.0), lib.tensor(1.0)), r"\(\*, C\)", IndexError),
    # pairs
    case("hinge_embedding_loss: shapes", lambda lib, F: F.hinge_embedding_loss(lib.ones(2, 1), lib.ones(2)), "same shape", in_torch=False),
    case("hinge_embedding_loss: 0", lambda lib, F: F.hinge_embedding_loss(lib.ones(2), ints(lib, [1, 0])), r"must be -1 or 1, got 0.0 at index \[1\]", in_torch=False),
    case("margin_ranking_loss: shapes", lambda lib, F: F.margin_ranking_loss(matrix(lib), lib.ones(3), lib.ones(3)),
         r"same dimension.*input1\[2, 3\], input2\[3\] and target\[3\]", RuntimeError),
    case("margin_ranking_loss: 0", lambda lib, F: F.margin_ranking_loss(lib.ones(2), lib.ones(2), ints(lib, [0, 1])), "must be -1 or 1, got 0", in_torch=False),
    case("cosine_embedding_loss: column", lambda lib, F: F.cosine_embedding_loss(matrix(lib), matrix(lib), lib.ones(2, 1)), r"0D or 1D target.*\[2, 1\]", RuntimeError),
    case("cosine_embedding_loss: shapes", lambda lib, F: F.cosine_embedding_loss(matrix(lib), lib.ones(2, 4), lib.ones(2)), r"input1\[2, 3\], input2\[2, 4\]", RuntimeError),
    case("cosine_embedding_loss: number", lambda lib, F: F.cosine_embedding_loss(lib.ones(3), lib.ones(3), lib.ones(1)), r"\(N, D\).*\[1\]", RuntimeError),
    case("cosine_embedding_loss: 0", lambda lib, F: F.cosine_embedding_loss(matrix(lib), matrix(lib), ints(lib, [0, 1])), "must be -1 or 1, got 0", in_torch=False),
    case("triplet_margin_loss: dimensions", lambda lib, F: F.triplet_margin_loss(matrix(lib), matrix(lib), lib.ones(3)),
         r"same number of dimensions.*anchor\[2, 3\].*negative\[3\]", RuntimeError),
    case("triplet_margin_loss: margin", lambda lib, F: F.triplet_margin_loss(matrix(lib), matrix(lib), matrix(lib), margin=0), "margin must be greater than 0, got 0"),
    case("triplet_margin_with_distance_loss: margin", lambda lib, F: F.triplet_margin_with_distance_loss(matrix(lib), matrix(lib), matrix(lib), margin=-1),
         "margin must be greater than 0, got -1"),
    case("triplet_margin_with_distance_loss: shapes", lambda lib, F: F.triplet_margin_with_distance_loss(matrix(lib), lib.ones(3), matrix(lib)),
         "same number of dimensions", RuntimeError),
    case("triplet_margin_with_distance_loss: reduction", lambda lib, F: F.triplet_margin_with_distance_loss(matrix(lib), matrix(lib), matrix(lib), reduction="avg"),
         "avg is not a valid value"),
    # classes
    case("cross_entropy: one-hot", lambda lib, F: F.cross_entropy(matrix(lib), lib.ones(2, 3, dtype=lib.int64)), r"target\.argmax\(1\).*target\.float\(\)", RuntimeError),
    case("cross_entropy: classes last", lambda lib, F: F.cross_entropy(lib.ones(2, 4, 4, 3), lib.zeros(2, 4, 4, dtype=lib.int64)), r"movedim\(-1, 1\)", RuntimeError),
    case("cross_entropy: from 1", lambda lib, F: F.cross_entropy(lib.ones(3, 3), ints(lib, [1, 3, 2])), "count from 1 to 3, subtract 1", IndexError),
]  # fmt: skip
