"""What an engine of derivatives can do beyond classification: problems whose answer is known.

Each problem has a module of its own, with its study and the pictures of its solution.
"""

from __future__ import annotations

from dlframe.study.experiments.engine import chain
from dlframe.study.experiments.engine.chain import hanging_chain

__all__ = ["PROBLEMS", "hanging_chain"]

PROBLEMS = {
    "hanging_chain": chain,
}
"""The module of each study, by the study's name here."""
