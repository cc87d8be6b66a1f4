"""For data in which little matters much: few channels, few hard examples, one rare class."""

from __future__ import annotations

from dlframe_focus.layer import SqueezeExcite
from dlframe_focus.loss import FocalLoss
from dlframe_focus.metric import MatthewsCorrelation

__all__ = ["FocalLoss", "MatthewsCorrelation", "SqueezeExcite"]
