"""Optimizers, and the schedulers of their learning rates.

>>> model = nn.Linear(2, 1)
>>> optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
>>> scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=10)
"""

from __future__ import annotations

from dlframe.optim import lr_scheduler
from dlframe.optim.adam import Adam
from dlframe.optim.adamw import AdamW
from dlframe.optim.optimizer import Optimizer
from dlframe.optim.rmsprop import RMSprop
from dlframe.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop", "lr_scheduler"]
