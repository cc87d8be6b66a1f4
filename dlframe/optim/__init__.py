"""Optimizers, the schedulers of their learning rates, and regularization.

>>> model = nn.Linear(2, 1)
>>> optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
>>> scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=10)
"""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.optim import lr_scheduler, regularization, swa_utils
    from dlframe.optim.adadelta import *
    from dlframe.optim.adafactor import *
    from dlframe.optim.adagrad import *
    from dlframe.optim.adam import *
    from dlframe.optim.adamax import *
    from dlframe.optim.adamw import *
    from dlframe.optim.asgd import *
    from dlframe.optim.lbfgs import *
    from dlframe.optim.muon import *
    from dlframe.optim.nadam import *
    from dlframe.optim.optimizer import Optimizer as Optimizer
    from dlframe.optim.radam import *
    from dlframe.optim.regularization import *
    from dlframe.optim.rmsprop import *
    from dlframe.optim.rprop import *
    from dlframe.optim.scipy import *
    from dlframe.optim.sgd import *
    from dlframe.optim.sparse_adam import *

__all__ = lazily(__name__)
