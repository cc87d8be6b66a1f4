"""Attention and transformers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from samples.modules import Row, live, row, rows
from samples.table import Array, Call, ErrorSample, Numbers, Sample, calls

n = Numbers(31)


def weights(
    query: Array, key: Array, mask: Any = None, *, scale: float, causal: bool = False
) -> Array:
    """The definition, with a loop over nothing but the formula."""
    scores = np.einsum("...ie,...je->...ij", query, key) * scale
    scores = scores if mask is None else scores + mask
    if causal:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)
    e = np.exp(scores)
    total = e.sum(-1, keepdims=True)
    return e / np.where(total == 0, 1, total)


def attention(
    query: Array, key: Array, value: Array, mask: Any = None, noise: Any = 1.0, **options: Any
) -> Array:
    p = weights(query, key, mask, **options)
    return np.einsum("...ij,...jv->...iv", p * (1.0 if noise is None else noise), value)


HIDDEN = np.array([[0.0, -np.inf, 0.5, 0.0, 0.0], [-np.inf] * 5, [0.1, 0.2, -np.inf, 0.3, -0.5]])
Q, K, V = n.unit(2, 3, 4), n.unit(2, 5, 4), n.unit(2, 5, 2)
NOISE = n.bools(2, 3, 5) * 2.0

SAMPLES = [
    Sample("attention_weights", (Q, K), {"scale": 0.5}, reference=weights),
    Sample("attention_weights", (Q, K[0], HIDDEN), {"scale": 0.5, "causal": True}, reference=weights),
    Sample("attention", (Q, K, V), {"scale": 0.5}, reference=attention),
    Sample("attention", (Q, K, V, HIDDEN), {"scale": -0.5}, reference=attention),
    Sample("attention", (Q, K, V, None, NOISE), {"scale": 2.0, "causal": True}, fixed=(4,), reference=attention),
    Sample("attention", (Q[0], K[:, None], V[:1], n.unit(3, 1, 5)), {"scale": 0.5}, reference=attention),
    # scores that would overflow without a shift
    Sample("attention", (9 * Q, 9 * K, V), {"scale": 1.0}, reference=attention),
]  # fmt: skip

# --- functions ---------------------------------------------------------------------------------

NAME = "nn.functional.scaled_dot_product_attention"
SEEN = np.isfinite(HIDDEN)
HEADS = n.unit(2, 2, 3, 4), n.unit(2, 2, 5, 4), n.unit(2, 2, 5, 4)  # (N, heads, L or S, E)
TURNED = [n.unit(2, 3, 2, 4).swapaxes(1, 2) for _ in range(3)]  # made of (N, L, heads, E)

CALLS: list[Call] = [
    *calls(
        NAME,
        (Q, K, V),
        (Q, K, V, SEEN),
        (Q, K, V, n.unit(2, 1, 5), 0.4),
        (Q, K, V, None, 0.0, True),
        (K, Q, Q, {"is_causal": True, "scale": -0.7}),
        (Q[0], K[:, None], V),
        (n.unit(4, 2, 3), n.unit(2, 5, 3), n.unit(2, 5, 2), n.unit(1, 2, 5), {"enable_gqa": True}),
        (n.unit(4, 2, 3), n.unit(2, 5, 3), n.unit(4, 5, 2), n.unit(4, 2, 5), 0.3, {"enable_gqa": True}),
        forms=False,
        variants=False,
    ),
    # PyTorch has no second derivative here
    *calls(NAME, (*HEADS, SEEN), (*TURNED,), (*TURNED, {"dropout_p": 0.5}), order=1, forms=False, variants=False),
    *(Call(NAME, (Q[:, :a], K[:, :b], V[:, :b]), note=note, forms=False, variants=False, dtypes=False)
      for note, a, b in (("no queries", 0, 5), ("no keys", 3, 0))),
]  # fmt: skip

QUERY, MEMORY = n.unit(3, 2, 4), n.unit(5, 2, 4)
OUT = n.unit(4, 4), n.unit(4)
HIDE = {"key_padding_mask": n.bools(2, 5), "attn_mask": np.arange(15).reshape(3, 5) % 4 == 1}
CALLS += [
    *calls(
        "nn.functional.multi_head_attention_forward",
        (QUERY, MEMORY, MEMORY, 4, 2, n.unit(12, 4), n.unit(12), n.unit(1, 1, 4), n.unit(1, 1, 4), True, 0.3, *OUT,
         {**HIDE, "training": True, "need_weights": True, "average_attn_weights": False}),
        (QUERY[:, 0], n.unit(5, 3), n.unit(5, 2), 4, 2, None, n.unit(12), None, None, False, 0.3, *OUT,
         {"training": False, "use_separate_proj_weight": True, "q_proj_weight": n.unit(4, 4),
          "k_proj_weight": n.unit(4, 3), "v_proj_weight": n.unit(4, 2)}),
        (QUERY, MEMORY, MEMORY, 4, 2, n.unit(12, 4), n.unit(12), None, None, False, 0.0, *OUT,
         {"static_k": n.unit(4, 6, 2), "static_v": n.unit(4, 6, 2)}),
        forms=False,
        variants=False,
        dtypes=False,
    ),
    *calls(
        "nn.functional.multi_head_attention_forward",
        (QUERY, QUERY, QUERY, 4, 2, n.unit(12, 4), None, None, None, False, 0.0, *OUT,
         {"is_causal": True, "need_weights": False, "attn_mask": np.tri(3) == 0}),
        order=1,
        forms=False,
        variants=False,
        dtypes=False,
    ),
]  # fmt: skip


def wrong(name: str, arguments: Any, message: str, error: Any = RuntimeError, **options: Any) -> ErrorSample:  # fmt: skip
    def call(lib: Any) -> Any:
        q, k, v, *more = arguments(lib)
        return lib.nn.functional.scaled_dot_product_attention(q, k, v, *more, **options)

    return ErrorSample(f"scaled_dot_product_attention: {name}", call, error, message)


def zeros(*shapes: Any) -> Any:
    return lambda lib: [lib.zeros(*shape) for shape in shapes]


ERRORS = [
    wrong("vectors", zeros((3,), (3,), (3,)), r"at least 2 dimensional.*query\[3\]"),
    wrong("features", zeros((2, 3), (2, 4), (2, 4)), r"3 features and keys 4.*query\[2, 3\], key\[2, 4\]"),
    wrong("values", zeros((2, 3), (2, 3), (4, 3)), r"2 keys but 4 values.*key\[2, 3\], value\[4, 3\]"),
    wrong("heads", zeros((4, 2, 3), (2, 2, 3), (2, 2, 3)), r"broadcast.*enable_gqa"),
    wrong("groups", zeros((4, 2, 3), (3, 2, 3), (3, 2, 3)), r"must divide.*key\[3, 2, 3\]", enable_gqa=True),
    wrong("groups of none", zeros((2, 3), (2, 3), (2, 3)), r"at least 3 dimensional", enable_gqa=True, error=IndexError),
    wrong("mask", zeros((2, 3), (4, 3), (4, 3), (2, 3)), r"attn_mask\[2, 3\] does not.*scores\[2, 4\]"),
    wrong("mask of a batch", zeros((2, 3), (4, 3), (4, 3), (5, 2, 4)), r"attn_mask\[5, 2, 4\] does not"),
    wrong("mask's dtype", lambda lib: [lib.zeros(2, 2)] * 3 + [lib.zeros(2, 2, dtype=lib.int64)], r"bool or float.*int64"),
    wrong("dtypes", lambda lib: [lib.zeros(2, 2)] * 2 + [lib.zeros(2, 2, dtype=lib.float64)], r"value float64"),
    wrong("integers", lambda lib: [lib.zeros(2, 2, dtype=lib.int64)] * 3, r"expected floats, got int64"),
    wrong("mask and causal", zeros((2, 3), (2, 3), (2, 3), (2, 2)), r"should not be set when is_causal", is_causal=True),
    wrong("probability", zeros((2, 3), (2, 3), (2, 3)), r"between 0 and 1, but got 2", dropout_p=2.0),
]  # fmt: skip


def heads(name: str, call: Any, message: str, error: Any = RuntimeError, in_torch: bool = True) -> ErrorSample:  # fmt: skip
    return ErrorSample(f"MultiheadAttention: {name}", call, error, message, in_torch)


def attend(lib: Any, *shapes: Any, **options: Any) -> Any:
    layer = lib.nn.MultiheadAttention(4, 2)
    options = {k: lib.zeros(*v) if isinstance(v, tuple) else v for k, v in options.items()}
    return layer(*[lib.zeros(*shape) for shape in shapes], **options)


SHAPES = ((3, 2, 4), (5, 2, 4), (5, 2, 4))
ERRORS += [
    # PyTorch's are AssertionErrors where in_torch is False
    heads("sizes", lambda lib: lib.nn.MultiheadAttention(0, 2), "must be greater than 0, got embed_dim=0", ValueError),
    heads("heads", lambda lib: lib.nn.MultiheadAttention(4, 3), "divisible by num_heads.*4.*3", in_torch=False),
    heads("dimensions", lambda lib: attend(lib, (4,), (4,), (4,)), r"unbatched 2D or batched 3D.*\[4\]", in_torch=False),
    heads("mixed", lambda lib: attend(lib, (3, 2, 4), (5, 4), (5, 4)), r"3-D but found 2-D.*key\[5, 4\]", in_torch=False),
    heads("features", lambda lib: attend(lib, (3, 2, 5), (3, 2, 5), (3, 2, 5)), r"dimension of 4, but got 5", in_torch=False),
    heads("values", lambda lib: attend(lib, (3, 2, 4), (5, 2, 4), (6, 2, 4)), r"key shape \[5, 2, 4\].*\[6, 2, 4\]", in_torch=False),
    heads("batches", lambda lib: attend(lib, (2, 3, 4), (2, 5, 4), (2, 5, 4)), r"batch of 3.*one of 5.*batch_first"),
    heads("mask", lambda lib: attend(lib, *SHAPES, attn_mask=(3, 4)), r"2D attn_mask is \[3, 4\], but should be \[3, 5\]"),
    heads("mask of heads", lambda lib: attend(lib, *SHAPES, attn_mask=(2, 3, 5)), r"\[2, 3, 5\], but should be \[4, 3, 5\]"),
    heads("mask's dimensions", lambda lib: attend(lib, *SHAPES, attn_mask=(5,)), r"2-D or 3-D but found 1-D", in_torch=False),
    heads("padding", lambda lib: attend(lib, *SHAPES, key_padding_mask=(5, 2)), r"shape \[2, 5\].*got \[5, 2\]", in_torch=False),
    heads("padding's dimensions", lambda lib: attend(lib, *SHAPES, key_padding_mask=(5,)), r"2-D but found 1-D", in_torch=False),
    heads("mask's dtype", lambda lib: lib.nn.MultiheadAttention(4, 2)(*[lib.zeros(3, 4)] * 3, attn_mask=lib.ones(3, 3, dtype=lib.int64)),
          "only bool and floating types of attn_mask", in_torch=False),
    heads("causal", lambda lib: attend(lib, *SHAPES, is_causal=True), "Need attn_mask.*generate_square_subsequent_mask"),
    ErrorSample("TransformerEncoderLayer: activation", lambda lib: lib.nn.TransformerEncoderLayer(4, 2, activation="selu"),
                RuntimeError, "should be relu/gelu, not selu"),
    ErrorSample("Transformer: batches", lambda lib: lib.nn.Transformer(4, 2, 1, 1, 4)(lib.zeros(3, 2, 4), lib.zeros(3, 1, 4)),
                RuntimeError, r"batch number.*src\[3, 2, 4\] and tgt\[3, 1, 4\]"),
    ErrorSample("Transformer: features", lambda lib: lib.nn.Transformer(4, 2, 1, 1, 4)(lib.zeros(3, 2, 5), lib.zeros(3, 2, 4)),
                RuntimeError, r"equal to d_model, 4; got src\[3, 2, 5\]"),
]  # fmt: skip


# --- layers ------------------------------------------------------------------------------------

# The mask of a batch of two whose second sequence ends early; causal ones; floats
PADDING = "dl.tensor([[False] * 4, [False, False, True, True]])"
CAUSAL = "nn.Transformer.generate_square_subsequent_mask(4)"
SELF = "m(x[0], x[0], x[0], {})[0]"  # what is one tensor is projected at once

RECORDED = [
    row("nn.MultiheadAttention(4, 2)", "dl.randn(3, 2, 4), dl.randn(5, 2, 4), dl.randn(5, 2, 4)"),
    row("nn.MultiheadAttention(4, 2, batch_first=True, add_bias_kv=True, add_zero_attn=True)",
        f"dl.randn(2, 4, 4), {PADDING}", call="m(x[0], x[0], x[0], x[1], average_attn_weights=False)"),
    row("nn.MultiheadAttention(4, 2, 0.5, bias=False, kdim=3, vdim=2)",
        "dl.randn(3, 2, 4), dl.randn(5, 2, 3), dl.randn(5, 2, 2), dl.randn(2, 5), dl.randn(4, 3, 5)",
        call="m(*x[:3], x[3], False, x[4])[0]"),
    row("nn.MultiheadAttention(4, 1)", "dl.randn(4, 4), dl.randn(6, 4)", call="m(x[0], x[1], x[1])"),
    row("nn.TransformerEncoderLayer(4, 2, 6)", f"dl.randn(4, 2, 4), {CAUSAL} < 0, {PADDING}"),
    row("nn.TransformerEncoderLayer(4, 2, 6, 0.0, 'gelu', 1e-3, True, True, False)", "dl.randn(2, 4, 4)", order=1),
    row("nn.TransformerDecoderLayer(4, 2, 6)", "dl.randn(4, 2, 4), dl.randn(3, 2, 4)"),
    row("nn.TransformerDecoderLayer(4, 2, 6, 0.2, dl.tanh, 1e-3, True, True, False)",
        f"dl.randn(2, 4, 4), dl.randn(2, 3, 4), {CAUSAL}", fixed=(2,)),
    row("nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 6), 2, nn.LayerNorm(4))",
        f"dl.randn(4, 2, 4), {CAUSAL} < 0"),
    row("nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 6), 1, nn.LayerNorm(4))",
        f"dl.randn(4, 2, 4), dl.randn(3, 2, 4), {CAUSAL} < 0"),
    row("nn.Transformer(4, 2, 1, 1, 6, batch_first=True)",
        f"dl.randn(2, 4, 4), dl.randn(2, 4, 4), {CAUSAL} < 0, {CAUSAL} < 0, {CAUSAL} < 0, {PADDING}"),
]  # fmt: skip


def checked(new: str, inputs: str, order: int = 1) -> Row:
    """For the checks of `dlframe.testing`, whose differences take two calls per parameter."""
    return row(new, inputs, recorded=False, kit={"order": order})


SMALL = "2, 1, 2, batch_first=True"
MODULES: list[Row] = [
    *(replace(r, kit=None) for r in RECORDED),
    checked("nn.MultiheadAttention(2, 1, batch_first=True)", ", ".join(["dl.randn(2, 2, 2)"] * 3), order=2),
    checked(f"nn.TransformerEncoderLayer({SMALL})", "dl.randn(2, 2, 2)"),
    checked(f"nn.TransformerDecoderLayer({SMALL})", "dl.randn(2, 2, 2), dl.randn(2, 1, 2)"),
    checked(f"nn.TransformerEncoder(nn.TransformerEncoderLayer({SMALL}), 1)", "dl.randn(2, 2, 2)"),
    checked(f"nn.TransformerDecoder(nn.TransformerDecoderLayer({SMALL}), 1)", "dl.randn(2, 2, 2), dl.randn(2, 1, 2)"),
    checked("nn.Transformer(2, 1, 1, 1, 2, batch_first=True)", "dl.randn(2, 1, 2), dl.randn(2, 1, 2)"),
]  # fmt: skip


def mha(arguments: str, *inputs: str, more: str = "", **options: Any) -> list[Row]:
    """Attention of each of the inputs to itself."""
    return rows(
        f"nn.MultiheadAttention(4, 2{more})", *inputs, call=SELF.format(arguments), **options
    )


STACKS = ("custom_encoder=nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 1, 6), 1), "
          "custom_decoder=nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 1, 6), 1)")  # fmt: skip
SEQUENCE = "dl.randn(4, 3, 4)"
BOOLS = "dl.rand(6, 4, 4) > 0.7"
# PyTorch has no second derivative where order=1
MODULES += live([
    row(f"nn.Transformer(4, {STACKS})", "dl.randn(4, 2, 4), dl.randn(3, 2, 4)"),
    # every form of mask: bools and floats, for all and for each head, of keys, and both
    *mha("attn_mask=x[1]", *(f"{SEQUENCE}, {mask}" for mask in (
        "dl.rand(4, 4) > 0.7", BOOLS, "dl.randn(4, 4)", "dl.randn(6, 4, 4)"))),
    *mha("attn_mask=x[1], need_weights=False", *(f"{SEQUENCE}, {mask}" for mask in (
        "dl.rand(4, 4) > 0.7", BOOLS)), order=1),
    *mha("attn_mask=x[1], need_weights=False", *(f"{SEQUENCE}, {mask}" for mask in ("dl.randn(4, 4)", "dl.randn(6, 4, 4)"))),
    *mha("key_padding_mask=x[1]", *(f"{SEQUENCE}, {mask}" for mask in ("dl.rand(3, 4) > 0.7", "dl.randn(3, 4)"))),
    *mha("x[1], False, x[2]", f"{SEQUENCE}, dl.rand(3, 4) > 0.7, {BOOLS}", order=1),
    *mha("x[1], False, x[2]", f"{SEQUENCE}, dl.randn(3, 4), dl.randn(4, 4)"),
    *mha("x[1], False, x[2]", f"{SEQUENCE}, dl.rand(3, 4) > 0.7, {BOOLS}", more=", add_zero_attn=True, add_bias_kv=True", order=1),
    *mha("need_weights=False, attn_mask=x[1], is_causal=True", f"dl.randn(4, 2, 4), {CAUSAL}", f"dl.randn(4, 4), {CAUSAL}", order=1, fixed=(1,)),
    *mha("x[1], False, x[2], is_causal=True", f"dl.randn(4, 2, 4), {PADDING}, {CAUSAL}", order=1, fixed=(2,)),
    *mha("x[1], True, x[2]", "dl.randn(4, 4), dl.rand(4) > 0.7, dl.rand(2, 4, 4) > 0.7", more=", dropout=0.3"),
    *mha("need_weights=False", "dl.randn(2, 3, 4)", more=", 0.4, batch_first=True"),
    *rows("nn.MultiheadAttention(4, 2, batch_first={b})", "dl.randn(3, 3, 4), dl.randn(3, 3, 4)",
          choices={"b": [False, True]}, call="m(x[0], x[1], x[1])"),
    *rows("nn.TransformerEncoderLayer(4, 2, 6, 0.1, {f}, batch_first={b}, norm_first={n})", "dl.randn(2, 3, 4)",
          choices={"f": ["'gelu'", "nn.ReLU()"], "b": [False, True], "n": [False, True]}),
    *rows("nn.TransformerDecoderLayer(4, 2, 6, 0.1, batch_first={b}, norm_first={n})", "dl.randn(3, 2, 4), dl.randn(3, 2, 4)",
          choices={"b": [False, True], "n": [False, True]}),
    *rows("nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 6, 0.0, batch_first=True), 2, mask_check={c}, enable_nested_tensor=False)",
          f"dl.randn(2, 4, 4), None, {PADDING}", f"dl.randn(2, 4, 4), {CAUSAL} < 0, {PADDING}", choices={"c": [False, True]}, fixed=(1,), order=1),
    *rows("nn.Transformer(4, 2, 1, 1, 6, 0.1, 'gelu', norm_first={n}, bias={b}, layer_norm_eps=1e-3)",
          "dl.randn(4, 2, 4), dl.randn(3, 2, 4)", "dl.randn(4, 4), dl.randn(3, 4)", choices={"n": [False, True], "b": [False, True]}),
])  # fmt: skip
