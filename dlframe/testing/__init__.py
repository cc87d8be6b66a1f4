"""The conformance kit: what dlframe demands of operations, layers, losses, metrics and the like.

A plugin calls these in its own tests; dlframe's tests do the same. Each check uses your object in
all the ways a user may, and raises `ConformanceError`, which says what was claimed and what was
found::

    from dlframe import testing

    def test_squeeze_excite_conforms():
        testing.check_layer(lambda: SqueezeExcite(8), [dl.randn(2, 8, 4, 4)])

Small inputs are enough, and quick. Avoid values at a kink (0 for relu, two equal numbers for max):
there a derivative and a finite difference may differ.
"""

from __future__ import annotations

from dlframe.testing.claims import ConformanceError
from dlframe.testing.kernel import check_kernel
from dlframe.testing.layer import check_layer
from dlframe.testing.loss import check_loss
from dlframe.testing.metric import check_metric
from dlframe.testing.op import check_op
from dlframe.testing.optimizer import check_optimizer

__all__ = [
    "ConformanceError",
    "check_kernel",
    "check_layer",
    "check_loss",
    "check_metric",
    "check_op",
    "check_optimizer",
]
