"""Parametrizations, weight and spectral norm, fusion, pruning."""

from __future__ import annotations

import importlib
from typing import Any

from samples.modules import Row, live, row, rows
from samples.table import ErrorSample, Numbers, calls

_P = "nn.utils.parametrizations"
_X = "dl.randn(4, 3)"
_IMAGES = "dl.randn(2, 2, 5, 5)"

# PyTorch's second derivative of weight norm takes the norms for constants, so it is wrong; see
# tests/nn/utils/test_parametrizations.py for ours.
MODULES: list[Row] = [
    # parametrizations
    row(f"{_P}.weight_norm(nn.Linear(3, 2))", _X, order=1, kit=None),
    row(f"{_P}.weight_norm(nn.Linear(3, 2), 'bias', None)", _X, kit=None),
    row(f"{_P}.spectral_norm(nn.Linear(3, 2))", _X, kit=None),
    row(f"{_P}.spectral_norm(nn.Conv2d(2, 3, 3), n_power_iterations=3, dim=1)", _IMAGES, kit=None),
    row(f"{_P}.orthogonal(nn.Linear(3, 3))", _X, coarse=0, kit=None),
    row(f"{_P}.orthogonal(nn.Linear(3, 5))", _X, kit=None),
    # hooks
    row("nn.utils.weight_norm(nn.Linear(3, 2))", _X, order=1, kit=None),
    row("nn.utils.spectral_norm(nn.Linear(3, 2))", _X, kit=None),
    row("nn.utils.weight_norm(nn.Linear(3, 2), name='weight')", _X, order=1, kit=None, recorded=False),
    row("nn.utils.spectral_norm(nn.Linear(3, 2), name='weight')", _X, kit=None, recorded=False),
    row("nn.utils.remove_weight_norm(nn.utils.weight_norm(nn.Linear(3, 2), 'bias', None), name='bias')", _X, recorded=False, kit=None),
    # pruning
    row("prune.random_unstructured(nn.Linear(3, 4), 'weight', 0.4)", _X, kit=None),
    row("prune.random_structured(nn.Linear(3, 4), 'weight', 2, dim=0)", _X, kit=None),
    row("prune.l1_unstructured(nn.Linear(3, 4), 'weight', 5)", _X, kit=None),
    row("prune.ln_structured(nn.Conv2d(2, 3, 3), 'weight', 0.4, n=2, dim=0)", _IMAGES, kit=None),
    *live([
        *rows(f"{_P}.weight_norm(nn.Linear(3, 2), dim={{d}})", _X, choices={"d": [1, None, -2]}, order=1),
        *rows(f"{_P}.weight_norm(nn.Conv2d(2, 3, 3), dim={{d}})", _IMAGES, choices={"d": [0, 1, 3, None]}, order=1),
        *rows(f"{_P}.spectral_norm(nn.Conv2d(2, 3, 3), eps={{e}}, dim={{d}})", _IMAGES, choices={"e": [1e-12, 1e-3], "d": [None, 0, -1]}),
        row(f"{_P}.spectral_norm(nn.Linear(3, 2), 'bias')", _X),
        *rows(
            f"{_P}.orthogonal(nn.Linear({{n}}), orthogonal_map={{m!r}}, use_trivialization={{t}})", _X,
            choices={"n": ["3, 3", "3, 5", "3, 2", "3, 1"], "m": ["cayley", "matrix_exp", "householder"], "t": [True]}, coarse=0,  # in float16 PyTorch's matrix_exp is nan
        ),
        *rows(
            f"{_P}.orthogonal(nn.Linear({{n}}), orthogonal_map={{m!r}}, use_trivialization=False)", _X,
            choices={"n": ["3, 3", "3, 5", "3, 2"], "m": ["cayley", "matrix_exp", "householder"]}, coarse=0,
        ),
        row(f"{_P}.orthogonal({_P}.weight_norm(nn.Linear(3, 3), 'bias'))", _X, order=1, coarse=0),
        row(f"{_P}.weight_norm({_P}.spectral_norm(nn.Linear(3, 3)), 'bias')", _X, order=1),
        *rows("nn.utils.weight_norm(nn.Conv2d(2, 3, 3), dim={d})", _IMAGES, choices={"d": [0, 1, None]}, order=1),
        row("nn.utils.remove_weight_norm(nn.utils.weight_norm(nn.Linear(3, 2)))", _X),
        row("nn.utils.spectral_norm(nn.Conv2d(2, 3, 3), n_power_iterations=2, eps=1e-4, dim=1)", _IMAGES),
        row(f"nn.utils.parametrize.remove_parametrizations({_P}.weight_norm(nn.Linear(3, 2)), 'weight')", _X),
        *rows(
            f"nn.utils.parametrize.remove_parametrizations({_P}.spectral_norm(nn.Linear(3, 2)), 'weight', {{l}})", _X,
            choices={"l": [True, False]},
        ),
        row(f"nn.utils.parametrize.transfer_parametrizations_and_params({_P}.weight_norm(nn.Linear(3, 2)), nn.Linear(3, 2))", _X, order=1),
        row(f"nn.utils.parametrize.transfer_parametrizations_and_params({_P}.spectral_norm(nn.Linear(3, 2)), nn.Linear(3, 2), 'weight')", _X),
        *rows("prune.random_unstructured(nn.Linear(3, 4), {n!r}, {a})", _X, choices={"n": ["weight", "bias"], "a": [0, 0.0, 3, 1.0]}),
        *rows("prune.random_structured(nn.Conv2d(2, 3, 3), 'weight', {a}, {d})", _IMAGES, choices={"a": [0, 1, 0.5], "d": [0, 1, -1]}),
        *rows("prune.l1_unstructured(nn.Linear(3, 4), 'weight', {a}, dl.arange(12.0).reshape(4, 3))", _X, choices={"a": [0, 4, 0.3]}),
        *rows("prune.ln_structured(nn.Conv2d(2, 3, 3), 'weight', 1, {n}, {d})", _IMAGES, choices={"n": [1, 2, "float('inf')", "-1", "0"], "d": [0, -1]}),
        row("prune.ln_structured(nn.Linear(3, 4), 'weight', 0.5, 2, 0, dl.arange(12.0).reshape(4, 3))", _X),
        row("prune.identity(nn.Linear(3, 4), 'bias')", _X),
        row("prune.custom_from_mask(nn.Linear(3, 4), 'bias', dl.tensor([1, 0, 1, 0]))", _X),
        row("prune.l1_unstructured(prune.random_unstructured(nn.Linear(3, 4), 'weight', 3), 'weight', 0.5)", _X),
        row("prune.random_structured(prune.ln_structured(nn.Linear(3, 4), 'weight', 1, 2, 0), 'weight', 1, 0)", _X),
        row("prune.remove(prune.l1_unstructured(nn.Linear(3, 4), 'weight', 5), 'weight')", _X),
        row(
            "(lambda m: [m, prune.global_unstructured([(m[0], 'weight'), (m[1], 'bias')], prune.L1Unstructured, amount=5)][0])"
            "(nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 3)))", _X,
        ),
        row(
            "(lambda m: [m, prune.global_unstructured([(m[0], 'weight'), (m[1], 'weight')], prune.RandomUnstructured, amount=0.5)][0])"
            "(nn.Sequential(prune.l1_unstructured(nn.Linear(3, 4), 'weight', 2), nn.Linear(4, 3)))", _X,
        ),
        # fusion
        row("nn.utils.fuse_linear_bn_eval(nn.Linear(3, 2).eval(), nn.BatchNorm1d(2).eval())", _X),
        row("nn.utils.fuse_linear_bn_eval(nn.Linear(3, 2, bias=False).eval(), nn.BatchNorm1d(2).eval())", _X),
        row("nn.utils.fuse_linear_bn_eval(nn.Linear(3, 2).eval(), nn.BatchNorm1d(1).eval())", _X),
        row("nn.utils.fuse_conv_bn_eval(nn.Conv2d(2, 3, 3).eval(), nn.BatchNorm2d(3).eval())", _IMAGES),
        row("nn.utils.fuse_conv_bn_eval(nn.ConvTranspose2d(2, 3, 3).eval(), nn.BatchNorm2d(3).eval(), transpose=True)", _IMAGES),
        row(f"{_P}.spectral_norm(nn.ConvTranspose2d(2, 3, 3))", _IMAGES),
        row("nn.utils.spectral_norm(nn.ConvTranspose2d(2, 3, 3))", _IMAGES),
        row("nn.utils.fuse_conv_bn_eval(nn.Conv2d(2, 3, 3, bias=False).eval(), nn.BatchNorm2d(3, affine=False).eval())", _IMAGES),
    ]),
]  # fmt: skip


n = Numbers(61)
_STATISTICS = n.away(3), n.positive(3), 1e-5, n.away(3), n.away(3)
_FUSION: dict[str, Any] = {"order": 0, "dtypes": False, "variants": False}

CALLS = [
    *calls(
        "nn.utils.fuse_conv_bn_weights",
        (n.away(3, 2, 2, 2), n.away(3), *_STATISTICS),
        (n.away(2, 3, 2), None, *_STATISTICS, True),
        (n.away(2, 3, 2), n.away(3), *_STATISTICS[:3], None, None, {"transpose": True}),
        **_FUSION,
    ),
    *calls(
        "nn.utils.fuse_linear_bn_weights",
        (n.away(3, 2), n.away(3), *_STATISTICS),
        (n.away(3, 2), None, *_STATISTICS),
        **_FUSION,
    ),
]


# --- errors ------------------------------------------------------------------------------------


def _prune(lib: Any) -> Any:
    return importlib.import_module(f"{lib.__name__}.nn.utils.prune")


def _plain(lib: Any, name: str, **methods: Any) -> Any:
    """A parametrization with these methods."""
    return type(name, (lib.nn.Module,), methods)()


def _registered(lib: Any, forward: Any, **methods: Any) -> Any:
    module = _plain(lib, "Made", forward=forward, **methods)
    return lib.nn.utils.parametrize.register_parametrization(lib.nn.Linear(2, 2), "weight", module)


def _same(self: Any, x: Any) -> Any:
    return x


ERRORS = [
    ErrorSample(
        "parametrize: no such tensor",
        lambda lib: lib.nn.utils.parametrize.register_parametrization(
            lib.nn.Linear(2, 2), "weights", lib.nn.Identity()
        ),
        ValueError,
        "'weights'",
    ),
    ErrorSample(
        "parametrize: another shape",
        lambda lib: _registered(lib, lambda self, x: x[0]),
        ValueError,
        r"may not change the shape.*\[2\] for \[2, 2\]",
    ),
    ErrorSample(
        "parametrize: another dtype",
        lambda lib: _registered(lib, lambda self, x: x.double()),
        ValueError,
        "float64 for float32",
    ),
    ErrorSample(
        "parametrize: no tensor",
        lambda lib: _registered(lib, lambda self, x: 3),
        ValueError,
        "must return a tensor. Got int",
    ),
    ErrorSample(
        "parametrize: inverse is no tensor",
        lambda lib: _registered(lib, _same, right_inverse=lambda self, x: 3),
        ValueError,
        "Got int",
    ),
    ErrorSample(
        "parametrize: no inverse to assign by",
        lambda lib: setattr(_registered(lib, _same), "weight", lib.ones(2, 2)),
        RuntimeError,
        "does not implement right_inverse",
    ),
    ErrorSample(
        "remove_parametrizations: of nothing",
        lambda lib: lib.nn.utils.parametrize.remove_parametrizations(lib.nn.Linear(2, 2), "weight"),
        ValueError,
        "does not have a parametrization on weight",
    ),
    ErrorSample(
        "remove_parametrizations: several originals",
        lambda lib: lib.nn.utils.parametrize.remove_parametrizations(
            lib.nn.utils.parametrizations.weight_norm(lib.nn.Linear(2, 2)), "weight", False
        ),
        ValueError,
        "a sequence of tensors",
    ),
    ErrorSample(
        "orthogonal: a vector",
        lambda lib: lib.nn.utils.parametrizations.orthogonal(lib.nn.Linear(2, 2), "bias"),
        ValueError,
        "1 dimensions",
    ),
    ErrorSample(
        "orthogonal: unknown map",
        lambda lib: lib.nn.utils.parametrizations.orthogonal(
            lib.nn.Linear(2, 2), orthogonal_map="rotate"
        ),
        ValueError,
        "rotate",
    ),
    ErrorSample(
        "spectral_norm: no such parameter",
        lambda lib: lib.nn.utils.parametrizations.spectral_norm(lib.nn.Linear(2, 2), "weights"),
        ValueError,
        "'weights'",
    ),
    ErrorSample(
        "spectral_norm: no steps",
        lambda lib: lib.nn.utils.parametrizations.spectral_norm(
            lib.nn.Linear(2, 2), n_power_iterations=0
        ),
        ValueError,
        "positive",
    ),
    ErrorSample(
        "spectral_norm: dim out of range",
        lambda lib: lib.nn.utils.parametrizations.spectral_norm(lib.nn.Linear(2, 2), dim=2),
        IndexError,
        r"\[-2, 1\]",
    ),
    ErrorSample(
        "spectral_norm: twice",
        lambda lib: lib.nn.utils.spectral_norm(lib.nn.utils.spectral_norm(lib.nn.Linear(2, 2))),
        RuntimeError,
        "two spectral_norm hooks",
    ),
    ErrorSample(
        "remove_spectral_norm: of nothing",
        lambda lib: lib.nn.utils.remove_spectral_norm(lib.nn.Linear(2, 2)),
        ValueError,
        "not found",
    ),
    ErrorSample(
        "remove_weight_norm: of nothing",
        lambda lib: lib.nn.utils.remove_weight_norm(lib.nn.Linear(2, 2)),
        ValueError,
        "not found",
    ),
    ErrorSample(
        "fuse_conv_bn_eval: training",
        lambda lib: lib.nn.utils.fuse_conv_bn_eval(lib.nn.Conv2d(1, 1, 1), lib.nn.BatchNorm2d(1)),
        AssertionError,
        "only for eval",
    ),
    ErrorSample(
        "fuse_conv_bn_eval: no statistics",
        lambda lib: lib.nn.utils.fuse_conv_bn_eval(
            lib.nn.Conv2d(1, 1, 1).eval(), lib.nn.BatchNorm2d(1, track_running_stats=False).eval()
        ),
        AssertionError,
        "must not be None",
    ),
    ErrorSample(
        "fuse_linear_bn_eval: sizes",
        lambda lib: lib.nn.utils.fuse_linear_bn_eval(
            lib.nn.Linear(2, 3).eval(), lib.nn.BatchNorm1d(2).eval()
        ),
        AssertionError,
        "out_features=3 and bn.num_features=2",
    ),
    ErrorSample(
        "skip_init: no module",
        lambda lib: lib.nn.utils.skip_init(int),
        RuntimeError,
        "Expected a Module",
    ),
    ErrorSample(
        "skip_init: no device",
        lambda lib: lib.nn.utils.skip_init(lib.nn.ReLU),
        RuntimeError,
        "'device'",
    ),
    *(
        ErrorSample(f"prune: {name}", lambda lib, f=f: f(lib, _prune(lib)), error, message)
        for name, f, error, message in (
            ("amount is text", lambda lib, p: p.L1Unstructured("a"), TypeError, "int or float"),
            ("share above 1", lambda lib, p: p.L1Unstructured(1.5), ValueError, "1.5"),
            ("negative", lambda lib, p: p.RandomUnstructured(-1), ValueError, "-1"),
            (
                "more than there are",
                lambda lib, p: p.l1_unstructured(lib.nn.Linear(2, 2), "weight", 5),
                ValueError,
                "amount=5 .*=4",
            ),
            (
                "channels of a vector",
                lambda lib, p: p.random_structured(lib.nn.Linear(2, 2), "bias", 1, 0),
                ValueError,
                "1 dims",
            ),
            (
                "dim out of range",
                lambda lib, p: p.ln_structured(lib.nn.Linear(2, 2), "weight", 1, 2, 5),
                IndexError,
                "5",
            ),
            (
                "shape of the mask",
                lambda lib, p: p.custom_from_mask(lib.nn.Linear(2, 2), "bias", lib.ones(3)),
                AssertionError,
                r"\[2\].*\[3\]",
            ),
            (
                "shape of scores",
                lambda lib, p: p.l1_unstructured(lib.nn.Linear(2, 2), "bias", 1, lib.ones(3)),
                AssertionError,
                r"\[3\] vs \[2\]",
            ),
            (
                "nothing to remove",
                lambda lib, p: p.remove(lib.nn.Linear(2, 2), "weight"),
                ValueError,
                "has to be pruned",
            ),
            (
                "global with channels",
                lambda lib, p: p.global_unstructured(
                    [(lib.nn.Linear(2, 2), "weight")], p.LnStructured, amount=1, n=2
                ),
                TypeError,
                "unstructured",
            ),
        )
    ),
]  # fmt: skip
