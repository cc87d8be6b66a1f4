"""The doctor: looks for the usual mistakes before training, and leaves everything as it was."""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.training.doctor.checking import check
    from dlframe.training.doctor.environment import check_environment
    from dlframe.training.doctor.report import CheckFailedError, Finding, Report
    from dlframe.training.doctor.table import CHECKS, Check

__all__ = [
    "CHECKS",
    "Check",
    "CheckFailedError",
    "Finding",
    "Report",
    "check",
    "check_environment",
]

lazily(__name__)
