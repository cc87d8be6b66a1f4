"""For data in which only few channels, few hard examples or one rare class are important."""

from __future__ import annotations

from dlframe_focus.layer import SqueezeExcite
from dlframe_focus.loss import FocalLoss
from dlframe_focus.metric import MatthewsCorrelation

__all__ = ["FocalLoss", "MatthewsCorrelation", "SqueezeExcite"]
