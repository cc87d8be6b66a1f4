"""Arguments that Trainer does not have: which were meant, also in the words of other libraries."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from dlframe.errors import did_you_mean

F = TypeVar("F", bound=Callable[..., Any])

ELSEWHERE = {
    # Keras
    "callbacks": "Trainer(callbacks=[…])",
    "initial_epoch": "trainer.resume(path), which knows its epoch",
    "validation_freq": "fit(validate_every=n)",
    "validation_batch_size": "fit(val=DataLoader(…, batch_size=n))",
    "steps": "fit(steps_per_epoch=n)",
    "clipnorm": "Trainer(clip_grad_norm=x)",
    "clipvalue": "Trainer(clip_grad_value=x)",
    "gradient_accumulation_steps": "Trainer(accumulate=n)",
    "kernel_initializer": "Trainer(initializer=…)",
    "use_ema": "callbacks=[training.EMAWeightAveraging(0.999)]",
    "use_multiprocessing": "fit(num_workers=n)",
    "workers": "fit(num_workers=n)",
    # Lightning
    "accumulate_grad_batches": "Trainer(accumulate=n)",
    "check_val_every_n_epoch": "fit(validate_every=n)",
    "ckpt_path": "trainer.resume(path) before fit",
    "default_root_dir": "callbacks=[training.ModelCheckpoint(folder)]",
    "enable_progress_bar": "fit(progress=…)",
    "gradient_clip_val": "Trainer(clip_grad_norm=x)",
    "limit_train_batches": "fit(steps_per_epoch=n)",
    "limit_val_batches": "fit(validation_steps=n)",
    "max_epochs": "fit(epochs=n)",
    "train_dataloaders": "fit(train)",
    "val_check_interval": "fit(validate_every_batches=n)",
    "val_dataloaders": "fit(train, val)",
    # fastai
    "cbs": "Trainer(callbacks=[…])",
    "lr_max": 'Trainer(scheduler="one_cycle"), whose highest rate is the optimizer\'s lr',
    "n_epoch": "fit(epochs=n)",
    "opt_func": "Trainer(optimizer=…)",
    # PyTorch, skorch and others
    "criterion": "Trainer(loss=…)",
    "device": "nothing: there are no devices to choose from",
    "gradient_accumulation": "Trainer(accumulate=n)",
    "max_grad_norm": "Trainer(clip_grad_norm=x)",
    "num_train_epochs": "fit(epochs=n)",
    "warmup_steps": "Trainer(scheduler=lambda optimizer, steps: SequentialLR(…))",
}


def with_known_keywords(function: F) -> F:
    """Let a function name the argument that was meant when it gets one that it does not have."""
    accepted = tuple(inspect.signature(function).parameters)
    name = function.__qualname__.removesuffix(".__init__")

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for given in kwargs:
            if given not in accepted:
                raise TypeError(f"{name}() has no argument {given!r}.{meant(given, accepted)}")
        return function(*args, **kwargs)

    return call  # type: ignore[return-value] # the same arguments and result


def meant(given: str, accepted: tuple[str, ...]) -> str:
    """What to write instead of an argument that there is not, for a message."""
    if given in ELSEWHERE:
        return f" It is {ELSEWHERE[given]}"
    near = did_you_mean(given, accepted[1:])
    return near or f" Known: {', '.join(accepted[1:])}"
