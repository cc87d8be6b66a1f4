"""Gradients: the engine, its modes, user-written functions, and checks."""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.autograd import functional, graph
    from dlframe.autograd.anomaly import (
        detect_anomaly,
        is_anomaly_check_nan_enabled,
        is_anomaly_enabled,
        set_detect_anomaly,
    )
    from dlframe.autograd.backward import backward, grad
    from dlframe.autograd.function import Function, FunctionCtx, once_differentiable
    from dlframe.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
    from dlframe.autograd.keeping import keep_values
    from dlframe.autograd.modes import (
        enable_grad,
        inference_mode,
        is_grad_enabled,
        is_inference_mode_enabled,
        no_grad,
        set_grad_enabled,
    )
    from dlframe.autograd.variable import Variable
    from dlframe.ops.record import mark_mutated, mark_mutated_many

__all__ = [
    "Function",
    "FunctionCtx",
    "GradcheckError",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "keep_values",
    "mark_mutated",
    "mark_mutated_many",
    "no_grad",
    "once_differentiable",
    "set_detect_anomaly",
    "set_grad_enabled",
]

lazily(__name__)
