"""Normalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from samples.functional import case, custom, ints, of
from samples.modules import Row, live, row, rows
from samples.table import Array, Call, Numbers, Sample

n = Numbers(31)
ALL = ("float32", "float64", "float16")

# --- the operation -----------------------------------------------------------------------------


def normalize(
    x: Array,
    weight: Any = None,
    bias: Any = None,
    *,
    axes: Any,
    over: Any,
    eps: float,
    centre: bool = True,
) -> Array:
    shape = [1 if i in over else size for i, size in enumerate(x.shape)]
    centred = x - x.mean(axes, keepdims=True) if centre else x
    out = centred / np.sqrt((centred * centred).mean(axes, keepdims=True) + eps)
    out = out if weight is None else out * weight.reshape(shape)
    return out if bias is None else out + bias.reshape(shape)


def batch_norm(lib: Any, x: Any, weight: Any = None, bias: Any = None) -> Any:
    return lib.nn.functional.batch_norm(x, None, None, weight, bias, training=True, eps=0.1)


def layer_norm(lib: Any, x: Any, weight: Any = None, bias: Any = None) -> Any:
    return lib.nn.functional.layer_norm(x, x.shape[1:], weight, bias, eps=0.1)


def instance_norm(lib: Any, x: Any, weight: Any = None, bias: Any = None) -> Any:
    return lib.nn.functional.instance_norm(x, None, None, weight, bias, eps=0.1)


def group_norm(lib: Any, x: Any, weight: Any = None, bias: Any = None) -> Any:
    """Of channels that lie in groups already: (N, G, C / G, *)."""
    parameters = [None if p is None else p.reshape(-1) for p in (weight, bias)]
    joined = x.reshape(x.shape[0], -1, *x.shape[3:])
    out = lib.nn.functional.group_norm(joined, x.shape[1], *parameters, eps=0.1)
    return out.reshape(x.shape)


def rms_norm(lib: Any, x: Any, weight: Any = None) -> Any:
    return lib.nn.functional.rms_norm(x, x.shape[1:], weight, eps=0.1)


def sample(call: Any, x: Array, *parameters: Array, axes: Any, over: Any, **options: Any) -> Sample:
    options |= {"axes": axes, "over": over, "eps": 0.1}
    return Sample("normalize", (x, *parameters), options, reference=normalize, call=call)


SAMPLES = [
    sample(batch_norm, n.away(4, 3, 5), axes=(0, 2), over=(0, 2)),
    sample(batch_norm, n.away(4, 3, 5), n.away(3), n.away(3), axes=(0, 2), over=(0, 2)),
    sample(batch_norm, n.away(4, 3), axes=(0,), over=(0,)),
    sample(layer_norm, n.away(4, 3, 5), axes=(1, 2), over=(0,)),
    sample(layer_norm, n.away(4, 3, 5), n.away(3, 5), n.away(3, 5), axes=(1, 2), over=(0,)),
    sample(layer_norm, n.away(4, 3, 5), n.away(3, 5), axes=(1, 2), over=(0,)),
    sample(instance_norm, n.away(2, 3, 5), n.away(3), n.away(3), axes=(2,), over=(0, 2)),
    sample(group_norm, n.away(2, 2, 3, 4), n.away(2, 3), n.away(2, 3), axes=(2, 3), over=(0, 3)),
    sample(group_norm, n.away(2, 2, 3, 4), n.away(2, 3), axes=(2, 3), over=(0, 3)),
    sample(rms_norm, n.away(4, 3, 5), n.away(3, 5), axes=(1, 2), over=(0,), centre=False),
    sample(rms_norm, n.away(4, 3), axes=(1,), over=(0,), centre=False),
]


# --- functions ---------------------------------------------------------------------------------


def running(
    name: str, note: str, *inputs: Array, running: bool = True, order: int = 2, **options: Any
) -> Call:
    """The result of `batch_norm` or `instance_norm`, and the running statistics afterwards."""
    channels = inputs[0].shape[1]
    mean, var = np.linspace(-1, 1, channels), np.linspace(0.5, 2, channels)

    def run(lib: Any, F: Any, x: Any, weight: Any = None, bias: Any = None) -> Any:
        stats = [lib.tensor(s).to(x.dtype) for s in (mean, var)] if running else [None, None]
        out = getattr(F, name)(x, *stats, weight, bias, **options)
        return (out, *(s for s in stats if s is not None))

    return custom(f"{name}: {note}", run, inputs, order)


def last(lib: Any, F: Any, x: Any, *parameters: Any, nd: int = 1) -> Any:
    return F.layer_norm(x, tuple(x.shape)[-nd:], *parameters, eps=0.01)


def written(lib: Any, F: Any, x: Any) -> Any:
    out = lib.empty(0, dtype=x.dtype) if lib.__name__ == "torch" else lib.empty_like(x)
    result = F.normalize(x.detach(), dim=0, out=out)
    return result, out


near_zero = np.array([[0.0, 0.0, 0.0], [0.0, 3.0, -4.0], [1e-20, 0.0, 0.0]])
CALLS = [
    *(running("batch_norm", f"training {len(shape)}-d with {k} parameters", n.away(*shape),
              *(n.away(3) for _ in range(k)), training=True)
      for shape in [(4, 3), (4, 3, 5), (4, 3, 2, 2), (2, 3, 2, 1, 2)] for k in (0, 1, 2)),
    *(running("batch_norm", f"evaluation {shape} with {k} parameters", n.away(*shape),
              *(n.away(3) for _ in range(k)))
      for shape in [(4, 3), (1, 3), (4, 3, 2, 2)] for k in (0, 1, 2)),
    running("batch_norm", "momentum and eps", n.away(4, 3), training=True, momentum=0.4, eps=0.1),
    running("batch_norm", "momentum 1", n.away(4, 3), training=True, momentum=1.0),
    running("batch_norm", "no running statistics", n.away(4, 3), running=False, training=True),
    running("batch_norm", "far from 0", n.away(4, 3) + 50, training=True),
    running("batch_norm", "empty", np.zeros((0, 3, 2)), training=True, order=1),
    running("batch_norm", "no channels", np.zeros((2, 0, 3)), training=True, order=1),
    running("batch_norm", "empty, evaluation", np.zeros((0, 3)), order=1),
    *(running("instance_norm", f"{len(shape)}-d with {k} parameters", n.away(*shape),
              *(n.away(3) for _ in range(k)))
      for shape in [(2, 3, 5), (2, 3, 2, 2), (1, 3, 2, 1, 2)] for k in (0, 1, 2)),
    running("instance_norm", "momentum and eps", n.away(4, 3, 3), momentum=0.4, eps=0.1),
    running("instance_norm", "no running statistics", n.away(4, 3, 2), running=False),
    running("instance_norm", "use_input_stats", n.away(4, 3, 2), n.away(3), n.away(3), use_input_stats=False),
    running("instance_norm", "of given statistics, one place", n.away(4, 3), use_input_stats=False),
    *(custom(f"layer_norm: {nd} of {len(shape)} with {k} parameters",
             lambda lib, F, *xs, nd=nd: last(lib, F, *xs, nd=nd),
             (n.away(*shape), *(n.away(*shape[-nd:]) for _ in range(k))))
      for shape, nd in [((4,), 1), ((3, 4), 1), ((3, 4), 2), ((2, 3, 4), 2)] for k in (0, 1, 2)),
    custom("layer_norm: empty", last, (np.zeros((0, 4)), n.away(4)), order=1),
    *(custom(f"group_norm: {groups} of {shape} with {k} parameters",
             lambda lib, F, x, *p, groups=groups: F.group_norm(x, groups, *p, eps=0.01),
             (n.away(*shape), *(n.away(shape[1]) for _ in range(k))))
      for shape, groups in [((2, 4), 2), ((3, 6, 2), 3), ((2, 4, 2, 2), 1), ((1, 2, 3), 2)] for k in (0, 1, 2)),
    of("group_norm", "empty", np.zeros((0, 4, 2)), num_groups=2, order=1),
    *(custom(f"rms_norm: {nd} of {len(shape)} with {k} parameters, eps={eps}",
             lambda lib, F, x, *p, nd=nd, eps=eps: F.rms_norm(x, list(x.shape)[-nd:], *p, eps=eps),
             (n.away(*shape), *(n.away(*shape[-nd:]) for _ in range(k))))
      for shape, nd, eps in [((4,), 1, None), ((3, 4), 1, 0.1), ((2, 3, 4), 2, None)] for k in (0, 1)),
    custom("rms_norm: empty", lambda lib, F, x, w: F.rms_norm(x, (4,), w), (np.zeros((0, 4)), n.away(4)), order=1),
    custom("rms_norm: zeros", lambda lib, F, x: F.rms_norm(x, (4,), eps=0.1), (np.zeros((2, 4)),)),
    *(of("local_response_norm", f"{shape} {options}", n.away(*shape), **options)
      for shape in [(2, 5, 3), (1, 4, 2, 3), (1, 3, 2, 1, 2)]
      for options in ({"size": 3}, {"size": 2, "alpha": 0.5, "beta": 1.5, "k": 2.0}, {"size": 7, "alpha": 0.1})),
    of("local_response_norm", "empty", np.zeros((0, 3, 2)), size=3, order=0),
    *(of("normalize", f"{options}", n.away(2, 3, 4), **options)
      for options in ({}, {"p": 1}, {"p": 3.5, "dim": 0}, {"dim": -1, "eps": 3.0}, {"dim": (1, 2)})),
    of("normalize", "infinity", n.spread(3, 4), p=float("inf"), order=1),
    of("normalize", "zeros", near_zero, order=1),
    of("normalize", "empty", np.zeros((0, 3)), order=1),
    custom("normalize: out", written, (n.away(3, 2),), order=0),
]  # fmt: skip


# --- errors ------------------------------------------------------------------------------------

ERRORS = [
    case("batch_norm: one value", lambda lib, F: F.batch_norm(lib.ones(1, 3), None, None, training=True),
         r"more than 1 value per channel.*\[1, 3\].*eval\(\)"),
    case("batch_norm: one dimension", lambda lib, F: F.batch_norm(lib.ones(3), lib.ones(3), lib.ones(3)), r"\(N, C, \*\)", RuntimeError),
    case("batch_norm: running_mean", lambda lib, F: F.batch_norm(lib.ones(2, 3), lib.ones(2), lib.ones(3)),
         r"running_mean should contain 3 elements.*\[2\].*\[2, 3\]", RuntimeError),
    case("batch_norm: weight", lambda lib, F: F.batch_norm(lib.ones(2, 3), lib.ones(3), lib.ones(3), lib.ones(1)),
         r"weight should contain 3 elements.*\[1\]", RuntimeError),
    case("batch_norm: no statistics", lambda lib, F: F.batch_norm(lib.ones(2, 3), None, None), "must be defined in evaluation", RuntimeError),
    case("batch_norm: one statistic", lambda lib, F: F.batch_norm(lib.ones(2, 3), lib.ones(3), None, training=True), "either both be None"),
    case("batch_norm: eps", lambda lib, F: F.batch_norm(lib.ones(2, 3), None, None, training=True, eps=0), "eps must be.*positive.*got 0"),
    case("batch_norm: dtypes", lambda lib, F: F.batch_norm(lib.ones(2, 3, dtype=lib.float64), lib.ones(3), lib.ones(3)),
         "one dtype", RuntimeError),
    case("batch_norm: integers", lambda lib, F: F.batch_norm(ints(lib, [1, 2]).reshape(2, 1), None, None, training=True), "int64", RuntimeError),
    case("layer_norm: shape", lambda lib, F: F.layer_norm(lib.ones(2, 3), (2,)), r"\[\*, 2\], but got input\[2, 3\]", RuntimeError),
    case("layer_norm: no dimension", lambda lib, F: F.layer_norm(lib.ones(2, 3), ()), r"normalized_shape=\[\]", RuntimeError),
    case("layer_norm: weight", lambda lib, F: F.layer_norm(lib.ones(2, 3), (3,), lib.ones(1)), r"weight\[1\].*\[3\]", RuntimeError),
    case("layer_norm: dtypes", lambda lib, F: F.layer_norm(lib.ones(2, 3), (3,), lib.ones(3, dtype=lib.float64)), "one dtype", RuntimeError),
    case("rms_norm: shape", lambda lib, F: F.rms_norm(lib.ones(2, 3), (2,)), r"rms_norm: .*\[\*, 2\], but got input\[2, 3\]", RuntimeError),
    case("rms_norm: weight", lambda lib, F: F.rms_norm(lib.ones(2, 3), (3,), lib.ones(1)), r"weight\[1\].*\[3\]", RuntimeError),
    case("instance_norm: one place", lambda lib, F: F.instance_norm(lib.ones(2, 3, 1)), r"more than 1 spatial element.*\[2, 3, 1\].*group_norm"),
    case("instance_norm: one dimension", lambda lib, F: F.instance_norm(lib.ones(3), use_input_stats=False), r"\(N, C, \*\)", RuntimeError),
    case("instance_norm: no statistics", lambda lib, F: F.instance_norm(lib.ones(2, 3, 2), use_input_stats=False),
         "must be defined when use_input_stats is false", RuntimeError),
    case("instance_norm: weight", lambda lib, F: F.instance_norm(lib.ones(2, 3, 2), weight=lib.ones(2)), "weight should contain 3", RuntimeError),
    case("group_norm: groups", lambda lib, F: F.group_norm(lib.ones(2, 3, 2), 2), r"divisible by num_groups.*\[2, 3, 2\] with 3.*=2", RuntimeError),
    case("group_norm: no groups", lambda lib, F: F.group_norm(lib.ones(2, 3, 2), -1), "num_groups=-1", RuntimeError),
    case("group_norm: one dimension", lambda lib, F: F.group_norm(lib.ones(3), 1), r"\(N, C, \*\)", RuntimeError),
    case("group_norm: one value", lambda lib, F: F.group_norm(lib.ones(1, 3), 3), r"more than 1 value per channel.*\[1, 3\]"),
    case("group_norm: weight", lambda lib, F: F.group_norm(lib.ones(2, 4, 2), 2, lib.ones(2)), "weight should contain 4", RuntimeError),
    case("local_response_norm: dimensions", lambda lib, F: F.local_response_norm(lib.ones(2, 3), 3), r"3D or higher.*got 2 dim"),
    case("local_response_norm: size", lambda lib, F: F.local_response_norm(lib.ones(2, 3, 4), 0), "at least 1, got 0", RuntimeError),
    case("normalize: dim", lambda lib, F: F.normalize(lib.ones(3)), "dim", IndexError),
    case("BatchNorm1d: dimensions", lambda lib, F: lib.nn.BatchNorm1d(3)(lib.ones(2, 3, 4, 5)), r"expected 2D or 3D input \(got 4D input\)"),
    case("BatchNorm2d: dimensions", lambda lib, F: lib.nn.BatchNorm2d(3)(lib.ones(2, 3, 4)), r"expected 4D input \(got 3D input\)"),
    case("BatchNorm3d: dimensions", lambda lib, F: lib.nn.BatchNorm3d(3)(lib.ones(2, 3, 4)), r"expected 5D input \(got 3D input\)"),
    case("SyncBatchNorm: dimensions", lambda lib, F: lib.nn.SyncBatchNorm(3)(lib.ones(3)), r"at least 2D input \(got 1D input\)"),
    case("SyncBatchNorm: channels", lambda lib, F: lib.nn.SyncBatchNorm(0)(lib.ones(2, 0)), "should be non-zero"),
    case("InstanceNorm2d: dimensions", lambda lib, F: lib.nn.InstanceNorm2d(3)(lib.ones(2, 3)), r"expected 3D or 4D input \(got 2D input\)"),
    case("InstanceNorm1d: channels", lambda lib, F: lib.nn.InstanceNorm1d(3, affine=True)(lib.ones(2, 4, 5)), r"dim=1 .*num_features \(3\).*4"),
    case("GroupNorm: groups", lambda lib, F: lib.nn.GroupNorm(2, 3), r"num_channels \(3\) must be divisible by num_groups \(2\)"),
    case("CrossMapLRN2d: dimensions", lambda lib, F: lib.nn.CrossMapLRN2d(3)(lib.ones(2, 3, 4)), "4D, got 3D"),
]  # fmt: skip


# --- modules -----------------------------------------------------------------------------------

FEW = {"e": [1e-5, 0.1], "m": [0.1, 0.9, None], "a": [True, False], "t": [True, False]}
EMPTY = {"kit": {"empty_batch": False}}  # statistics of no sample are nan
TWICE = "m(m(*x))"
MODULES: list[Row] = [
    row("nn.BatchNorm1d(3)", "dl.randn(5, 3)", dtypes=ALL),
    row("nn.BatchNorm1d(3, momentum=None, bias=False)", "dl.randn(5, 3, 2)", call=TWICE),
    row("nn.BatchNorm1d(3, momentum=0.0)", "dl.randn(5, 3)", call="(m.eval()(x[0]), m.train()(x[0]))"),
    row("nn.BatchNorm1d(3, track_running_stats=False)", "dl.randn(4, 3)", **EMPTY),
    row("nn.BatchNorm2d(2, eps=0.1, momentum=0.5)", "dl.randn(2, 2, 2, 3)"),
    row("nn.BatchNorm2d(2, affine=False, track_running_stats=False)", "dl.randn(2, 2, 2, 3)", **EMPTY),
    row("nn.BatchNorm3d(2, 1e-3)", "dl.randn(2, 2, 2, 1, 3)", dtypes=ALL),
    row("nn.SyncBatchNorm(3, 0.1, 0.2, True, True, None)", "dl.randn(4, 3, 2)"),
    row("nn.InstanceNorm1d(3)", "dl.randn(2, 3, 4)", dtypes=ALL),
    row("nn.InstanceNorm1d(2, affine=True)", "dl.randn(2, 3)", kit=None),
    row("nn.InstanceNorm2d(2, 0.1, 0.3, True, True)", "dl.randn(3, 2, 2, 3)", call=TWICE),
    row("nn.InstanceNorm3d(2, affine=True, bias=False)", "dl.randn(2, 2, 2, 1, 3)"),
    row("nn.LayerNorm((2, 3))", "dl.randn(4, 2, 3)", dtypes=ALL),
    row("nn.LayerNorm(3, eps=0.1, bias=False)", "dl.randn(4, 3)"),
    row("nn.LayerNorm([4], elementwise_affine=False)", "dl.randn(3, 4)"),
    row("nn.GroupNorm(2, 4)", "dl.randn(3, 4, 2)", dtypes=ALL),
    row("nn.GroupNorm(3, 6, 0.1, affine=True, bias=False)", "dl.randn(2, 6)"),
    row("nn.GroupNorm(1, 2, affine=False)", "dl.randn(2, 2, 2, 2)"),
    row("nn.RMSNorm((2, 3))", "dl.randn(4, 2, 3)", dtypes=ALL),
    row("nn.RMSNorm(3, 0.1, elementwise_affine=False)", "dl.randn(4, 3)"),
    row("nn.LocalResponseNorm(3, 0.2, 1.5, 2.0)", "dl.randn(2, 5, 3)"),
    row("nn.LocalResponseNorm(2)", "dl.randn(1, 3, 2, 2)"),
    # without a gradient, as PyTorch's is wrong; with three channels, since further ones are wrong too
    row("nn.CrossMapLRN2d(5, 0.2, 1.5, 2)", "dl.randn(2, 3, 2, 2)", order=0),
    row("nn.LazyBatchNorm1d()", "dl.randn(4, 3)"),
    row("nn.LazyBatchNorm2d(0.1, None, True, bias=False)", "dl.randn(2, 3, 2, 2)"),
    row("nn.LazyBatchNorm3d(affine=False, track_running_stats=True)", "dl.randn(2, 2, 2, 1, 3)"),
    row("nn.LazyInstanceNorm1d()", "dl.randn(2, 3, 4)"),
    row("nn.LazyInstanceNorm2d(0.1, 0.2, True, False)", "dl.randn(2, 3, 2, 2)"),
    row("nn.LazyInstanceNorm3d(bias=False)", "dl.randn(2, 2, 2, 1, 3)"),
    *live([
        *(row(f"nn.{name}{given}eps=0.1, momentum=0.3, affine=True, track_running_stats=True, bias=False)", f"dl.randn{shape}")
          for shape, k in (("(2, 3, 4)", 1), ("(2, 3, 2, 2)", 2), ("(2, 3, 2, 1, 2)", 3))
          for name, given in ((f"BatchNorm{k}d", "(3, "), (f"InstanceNorm{k}d", "(3, "), (f"LazyBatchNorm{k}d", "("),
                              (f"LazyInstanceNorm{k}d", "("), *([("SyncBatchNorm", "(3, ")] if k == 2 else []))),
        *rows("nn.LazyBatchNorm1d(affine={a}, track_running_stats={t})", "dl.randn(2, 3, 4)", choices={k: FEW[k] for k in "at"}),
        *rows("nn.LazyInstanceNorm1d(affine={a}, track_running_stats={t})", "dl.randn(2, 3, 4)", choices={k: FEW[k] for k in "at"}),
        *rows("nn.BatchNorm1d(3, eps={e}, momentum={m}, affine={a}, track_running_stats={t})",
              "dl.randn(5, 3)", "dl.randn(4, 3, 2)", choices=FEW),
        *rows("nn.BatchNorm2d(3, momentum=None, bias={b})", "dl.randn(2, 3, 4, 5)", choices={"b": [True, False]}),
        *rows("nn.BatchNorm3d(2, affine={a}, track_running_stats={t})", "dl.randn(2, 2, 2, 1, 3)",
              choices={"a": [True, False], "t": [True, False]}, call=TWICE),
        *rows("nn.SyncBatchNorm(3, momentum={m}, affine={a}, track_running_stats={t})",
              "dl.randn(4, 3)", "dl.randn(2, 3, 2, 2)", choices={k: FEW[k] for k in "mat"}),
        *rows("nn.InstanceNorm1d(3, eps={e}, momentum={m}, affine={a}, track_running_stats={t})",
              "dl.randn(2, 3, 4)", "dl.randn(3, 4)", choices=FEW),
        *rows("nn.InstanceNorm2d(3, affine={a}, track_running_stats={t})", "dl.randn(2, 3, 2, 2)", "dl.randn(3, 2, 2)",
              "dl.randn(2, 3, 1, 4)", choices={k: FEW[k] for k in "at"}, call=TWICE),
        *rows("nn.InstanceNorm3d(2, affine={a}, track_running_stats={t})", "dl.randn(2, 2, 2, 1, 3)", "dl.randn(2, 2, 1, 3)",
              choices={k: FEW[k] for k in "at"}),
        *rows("nn.InstanceNorm1d(4)", "dl.randn(2, 3, 5)"),
        *rows("nn.LayerNorm({s}, eps={e}, elementwise_affine={a}, bias={b})", "dl.randn(4, 2, 3)",
              choices={"s": [3, [3], (2, 3), (4, 2, 3)], "e": [1e-5, 0.1], "a": [True, False], "b": [True, False]}),
        *rows("nn.GroupNorm({g}, 6, {e}, {a}, bias={b})", "dl.randn(4, 6)", "dl.randn(2, 6, 3)", "dl.randn(2, 6, 2, 2)",
              choices={"g": [1, 2, 6], "e": [1e-5, 0.1], "a": [True, False], "b": [True, False]}),
        *rows("nn.RMSNorm({s}, {e}, {a})", "dl.randn(4, 2, 3)", dtypes=ALL,
              choices={"s": [3, [3], (2, 3), (4, 2, 3)], "e": [None, 0.1], "a": [True, False]}),
        *rows("nn.LocalResponseNorm({s}, {a}, {b}, {k})", "dl.randn(2, 4, 3)", "dl.randn(1, 4, 2, 2)", "dl.randn(1, 4, 2, 1, 2)",
              choices={"s": [1, 2, 3, 9], "a": [1e-4, 0.5], "b": [0.75, 2.0], "k": [1.0, 3.0]}),
        *rows("nn.CrossMapLRN2d({s}, 0.5)", "dl.randn(2, 2, 2, 3)", choices={"s": [3, 5, 7]}, order=0),
    ]),
]  # fmt: skip
