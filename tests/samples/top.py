"""Functions of networks with the arguments that they have at PyTorch's top level."""

from __future__ import annotations

from typing import Any

import numpy as np

from samples.functional import of
from samples.table import Call, ErrorSample, Numbers, calls

n = Numbers(33)
LINE, PLANE, ROOM = n.away(2, 2, 7), n.away(2, 2, 5, 4), n.away(1, 2, 3, 4, 3)
WEIGHT, BIAS, MEAN, VAR = n.positive(2), n.away(2), n.away(2), n.positive(2)
STATE = (WEIGHT, BIAS, MEAN, VAR)
SHARES, SCORES, SIGNS = n.positive(3, 4) / 2.5, n.away(3, 4), np.array([1.0, -1.0, 1.0])
MANY = np.where(n.bools(3, 4), 1.0, -1.0)
PATHS = -n.positive(5, 2, 4)
ONCE: dict[str, Any] = {"order": 1, "forms": False, "dtypes": False, "variants": False}

CALLS: list[Call] = [
    *calls("conv1d", (LINE, n.away(4, 1, 2), n.away(4), 2, 1, 2, 2), (LINE, n.away(3, 2, 3), None, 1, "same"), **ONCE),
    *calls("conv2d", (PLANE, n.away(4, 1, 2, 2), n.away(4), 1, (1, 0), (2, 1), 2), **ONCE),
    *calls("conv3d", (ROOM, n.away(2, 1, 2, 2, 2), n.away(2), 1, 1, 1, 2), **ONCE),
    *calls("conv_transpose1d", (LINE, n.away(2, 1, 3), n.away(2), 2, 1, 1, 2, 2), **ONCE),
    *calls("conv_transpose2d", (PLANE, n.away(2, 1, 2, 2), n.away(2), 2, 1, 1, 2, 1), **ONCE),
    *calls("conv_transpose3d", (ROOM, n.away(2, 1, 2, 2, 2), n.away(2), 2, 1, 1, 2, 1), **ONCE),
    *calls("conv_tbc", (n.away(5, 2, 3), n.away(2, 3, 4), n.away(4), 1), **ONCE),
    *calls("convolution", (LINE, n.away(3, 2, 3), None, [2], [1], [1], False, [0], 1),
           (PLANE, n.away(2, 3, 2, 2), None, [2, 2], [0, 0], [1, 1], True, [1, 1], 1), **ONCE),
    *calls("max_pool1d", (LINE, 3, 2, 1), **ONCE),
    *calls("max_pool1d_with_indices", (LINE, 3, 2), **ONCE),
    *calls("max_pool2d", (PLANE, 2, {"ceil_mode": True}), **ONCE),
    *calls("max_pool3d", (ROOM, 2, 1), **ONCE),
    *calls("avg_pool1d", (LINE, 3, 2, 1, True, False), **ONCE),
    *calls("adaptive_avg_pool1d", (LINE, 3), **ONCE),
    *calls("adaptive_max_pool1d", (LINE, 3), **ONCE),
    *calls("constant_pad_nd", (PLANE, (1, 2, 0, 1), 0.5), (LINE, (1, -1)), **ONCE),
    Call("batch_norm", (LINE, *STATE, True, 0.1, 1e-5, False), fixed=(3, 4), **ONCE,
         run=lambda lib, x, w, b, mean, var, *rest: lib.batch_norm(x, w, b, mean * 1, var * 1, *rest)),
    Call("batch_norm", (LINE, *STATE, False, 0.1, 1e-5, False), fixed=(3, 4), **ONCE),
    Call("instance_norm", (LINE, WEIGHT, BIAS, None, None, True, 0.1, 1e-5, False), **ONCE),
    *calls("layer_norm", (PLANE, (4,), n.away(4), n.away(4), 1e-3, False), **ONCE),
    *calls("group_norm", (PLANE, 2, WEIGHT, BIAS, 1e-3, False), **ONCE),
    *calls("rms_norm", (PLANE, (4,), n.away(4), 1e-3), **ONCE),
    *calls("pixel_shuffle", (n.away(2, 8, 2, 3), 2), **ONCE),
    *calls("pixel_unshuffle", (n.away(2, 2, 4, 2), 2), **ONCE),
    *calls("channel_shuffle", (n.away(2, 4, 3), 2), **ONCE),
    *calls("native_channel_shuffle", (n.away(2, 4, 3), 2), **ONCE | {"order": 0}),
    *calls("embedding", (n.away(4, 3), np.array([1, 3, 3])), (n.away(4, 3), np.array([1, 3, 3]), 3, True), **ONCE),
    *calls("bilinear", (n.away(4, 3), n.away(4, 2), n.away(5, 3, 2), n.away(5)), (n.away(3), n.away(2), n.away(5, 3, 2)), **ONCE),
    of("bilinear", "", n.away(2, 4, 3), n.away(2, 4, 2), n.away(5, 3, 2), n.away(5)),
    *calls("binary_cross_entropy_with_logits", *((SCORES, SHARES, None, n.positive(4), r) for r in (0, 1, 2)), fixed=(1, 2), **ONCE),
    *(Call(name, args, note="no reduction", **ONCE | {"order": 0}) for name, args in (
        ("binary_cross_entropy_with_logits", (SCORES, SHARES)), ("kl_div", (SCORES, SHARES)), ("hinge_embedding_loss", (SCORES, MANY)),
        ("margin_ranking_loss", (SCORES, SHARES, MANY)), ("cosine_embedding_loss", (SCORES, SHARES, SIGNS)),
        ("triplet_margin_loss", (SCORES, SHARES, MANY)))),
    *calls("grid_sampler_2d", *((PLANE, n.unit(2, 2, 3, 2), mode, padding, align) for mode, padding, align in ((0, 0, False), (1, 1, True), (2, 2, False))), **ONCE),
    *calls("grid_sampler_3d", (ROOM, n.unit(1, 2, 2, 2, 3), 0, 1, True), (ROOM, n.unit(1, 2, 2, 2, 3), 1, 2, False), **ONCE),
    Call("native_batch_norm", (LINE, *STATE, True, 0.1, 1e-5), fixed=(3, 4), **ONCE,
         run=lambda lib, x, w, b, mean, var, *rest: lib.native_batch_norm(x, w, b, mean * 1, var * 1, *rest)),
    Call("native_batch_norm", (LINE, *STATE, False, 0.1, 1e-5), fixed=(3, 4), **ONCE),
    *calls("native_layer_norm", (PLANE, (5, 4), n.away(5, 4), n.away(5, 4), 1e-3), (LINE, (7,), None, None, 1e-5), **ONCE),
    *calls("native_group_norm", (PLANE, WEIGHT, BIAS, 2, 2, 20, 2, 1e-3), (LINE, None, None, 2, 2, 7, 1, 1e-5), **ONCE),
    *calls("native_dropout", (SCORES, 0.4, True), (SCORES, 0.4, False), (SCORES, 1.0, True), (n.away(4, 5), 0.0, True), **ONCE),
    Call("native_dropout", (SCORES, 0.4, None), note="left open", **ONCE | {"order": 0}),  # PyTorch's gradient lacks the factor
    *calls("cosine_embedding_loss", *((SCORES, SHARES, SIGNS, 0.2, r) for r in (0, 1, 2)), fixed=(2,), **ONCE),
    *calls("hinge_embedding_loss", *((SCORES, MANY, 1.5, r) for r in (0, 1, 2)), fixed=(1,), **ONCE),
    *calls("margin_ranking_loss", *((SCORES[:, 0], SHARES[:, 0], SIGNS, 0.2, r) for r in (0, 1, 2)), fixed=(2,), **ONCE),
    *calls("triplet_margin_loss", *((SCORES, SHARES, n.away(3, 4), 2.5, 3.0, 1e-3, True, r) for r in (0, 1, 2)), **ONCE),
    *calls("kl_div", *((SCORES, SHARES, r) for r in (0, 1, 2)), (SCORES, SHARES, 1, {"log_target": True}), **ONCE),
    *calls("poisson_nll_loss", *((SHARES, SHARES[::-1] * 4, log, full, 1e-3, r) for log, full, r in ((True, False, 0), (False, True, 1), (True, True, 2))), fixed=(1,), **ONCE),
    *calls("ctc_loss", *((PATHS, np.array([[1, 2], [3, 3]]), (5, 4), (2, 1), 0, r, zero) for r, zero in ((0, False), (1, True), (2, False))), **ONCE),
    *calls("ctc_loss", (PATHS, np.array([1, 2, 3]), np.array([5, 4]), np.array([2, 1])), (PATHS, np.array([[1, 0]] * 2), [5, 4], [2, 2], {"blank": 3}), **ONCE),
]  # fmt: skip

ERRORS = [
    ErrorSample("binary_cross_entropy_with_logits: number of a reduction",
                lambda lib: lib.binary_cross_entropy_with_logits(lib.ones(2), lib.ones(2), None, None, 5), RuntimeError,
                "reduction must be 0", in_torch=False),
    ErrorSample("bilinear: sizes", lambda lib: lib.bilinear(lib.ones(4, 3), lib.ones(4, 3), lib.ones(5, 3, 2)), RuntimeError,
                r"bilinear.*\[5, 3, 2\]"),
    ErrorSample("bilinear: rows", lambda lib: lib.bilinear(lib.ones(4, 3), lib.ones(2, 2), lib.ones(5, 3, 2)), RuntimeError,
                r"\[4, 3\].*\[2, 2\]"),
    ErrorSample("convolution: dimensions", lambda lib: lib.convolution(
        lib.ones(1, 1), lib.ones(1, 1), None, [], [], [], False, [], 1), RuntimeError, "3 to 5", in_torch=False),
    *(ErrorSample(f"{name}: number of a reduction", lambda lib, name=name, count=count: getattr(lib, name)(*[lib.ones(2)] * count, reduction=3), RuntimeError,
                  "reduction must be 0", in_torch=False)
      for name, count in (("cosine_embedding_loss", 3), ("hinge_embedding_loss", 2), ("margin_ranking_loss", 3), ("triplet_margin_loss", 3), ("kl_div", 2))),
    ErrorSample("grid_sampler_2d: a volume", lambda lib: lib.grid_sampler_2d(lib.ones(1, 1, 2, 2, 2), lib.zeros(1, 1, 1, 1, 3), 0, 0, True), RuntimeError,
                "4D input", in_torch=False),  # without an error PyTorch reads memory that is not the grid's
    ErrorSample("grid_sampler_3d: an image", lambda lib: lib.grid_sampler_3d(lib.ones(1, 1, 2, 2), lib.zeros(1, 1, 1, 2), 0, 0, True), RuntimeError, "5D input"),
    ErrorSample("native_dropout: p", lambda lib: lib.native_dropout(lib.ones(2), 1.5, True), RuntimeError, "p.*[01]"),
    ErrorSample("native_dropout: integers", lambda lib: lib.native_dropout(lib.tensor([1]), 0.5, True), RuntimeError, "native_dropout.*int64|Long"),
    ErrorSample("native_group_norm: sizes", lambda lib: lib.native_group_norm(lib.ones(2, 4, 3), None, None, 2, 4, 5, 2, 1e-5), RuntimeError, "N.*HxW"),
]  # fmt: skip
