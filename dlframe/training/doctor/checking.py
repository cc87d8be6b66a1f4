"""`check`: look for the usual mistakes before the first epoch."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from dlframe.autograd.modes import enable_grad
from dlframe.base.printable import error_text
from dlframe.errors import ArgumentError, did_you_mean
from dlframe.nn import Module
from dlframe.optim import Optimizer
from dlframe.training.data.arrays import as_tensor, mapped
from dlframe.training.data.data_forms import make_loader, with_target
from dlframe.training.data.inputs import Parts, taken_by
from dlframe.training.data.stream import is_once
from dlframe.training.doctor.case import Case
from dlframe.training.doctor.learning import LeftOutError
from dlframe.training.doctor.report import Finding, Report
from dlframe.training.doctor.table import CHECKS, Check
from dlframe.training.untouched import untouched


def check(
    model: Module,
    loss: Callable[[Any, Any], Any],
    data: Any,
    optimizer: Optimizer | None = None,
    *,
    val: Any = None,
    test: Any = None,
    batch_size: int = 32,
    split: Callable[[Any], tuple[Any, ...]] | None = None,
    forward: Callable[..., Any] | None = None,
    samples: int = 10_000,
    seconds: float = 20.0,
    only: Collection[str] | None = None,
    skip: Collection[str] = (),
) -> Report:
    """Look for the usual mistakes before the first epoch, and leave everything as it was.

    It reads some of the data, runs model and loss on the first batch, tries a few steps of
    training, and reports what looks wrong: where, the number, the reason, and what to do.

    Afterwards model, loss, optimizer, loaders and random numbers are bit for bit as before, also
    after an error or Ctrl-C. The report is the same each time, apart from measured times, if
    the time suffices.

    Args:
        model: not lazy: call it once on a batch before.
        loss: a function of (output, target).
        data: what `Trainer.fit` takes: a loader, a pair (x, y), a data set, a list of batches.
        optimizer: of the model; without it the checks of optimizer and learning rate are left out.
        val, test: further data, for leaks and missing classes.
        batch_size: where `data` is no loader.
        split: from a batch to the inputs (a list, or a dict of arguments) and the target, as
            `Trainer.split`.
        forward: from inputs to the output, as `Trainer.forward`; by default the model.
        samples: read at most so many of each data set, evenly spread.
        seconds: no further experiment of training begins after this time, and no data set is read
            for more than a fifth of it; the report says what was left out, or not read.
        only, skip: names of checks (`training.doctor.CHECKS`) to make, or to leave out.

    Raises:
        TypeError: `model` or `optimizer` is something else.
        ArgumentError: a name of no check, data that can be iterated only once, a lazy model.

    >>> x = dl.linspace(-1, 1, 64).reshape(64, 1)
    >>> model = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 2), nn.Softmax(dim=1))
    >>> report = check(model, nn.CrossEntropyLoss(), (x, (x[:, 0] > 0).long()))
    >>> report.ok, report.errors[0].check, report.errors[0].where
    (False, 'activation-twice', '3 (Softmax)')
    """
    _check_arguments(model, optimizer, samples, seconds, batch_size)
    chosen = _chosen(only, skip)
    needs_target = split is None and loss is not None
    loaders = {
        name: _loader(part, batch_size, name, shuffle=name == "training", needs_target=needs_target)
        for name, part in (("training", data), ("validation", val), ("test", test))
        if part is not None
    }
    case = Case(
        model,
        loss,
        optimizer,
        loaders,
        split=split or _pairs_of(model, loss),
        forward=forward or model,
        samples=samples,
        seconds=seconds,
    )
    with ExitStack() as stack:
        stack.enter_context(_quiet(model))
        for loader in loaders.values():
            stack.enter_context(untouched(loader=loader, where="training.check"))
        stack.enter_context(untouched(model, loss, optimizer=optimizer, where="training.check"))
        stack.enter_context(enable_grad())
        return _report(case, chosen)


def _report(case: Case, chosen: list[Check]) -> Report:
    findings: list[Finding] = []
    made: list[str] = []
    left_out: dict[str, str] = {}
    for one in chosen:
        try:
            found = list(one.function(case))
        except LeftOutError as reason:
            left_out[one.name] = str(reason)
            continue
        except Exception as error:  # noqa: BLE001 - a model or data of the user's may raise anything
            left_out[one.name] = error_text(error)
            continue
        made.append(one.name)
        findings += [dataclasses.replace(finding, check=one.name) for finding in found]
    looked = {}
    if "rows" in vars(case):
        looked = {f"{name} samples": rows.text for name, rows in case.rows.items()}
    if "batches" in vars(case):
        looked["batches in the order of training"] = str(len(case.batches))
    return Report(findings, made, left_out, looked, case.estimates)


def _check_arguments(
    model: Any, optimizer: Any, samples: int, seconds: float, batch_size: int
) -> None:
    if not isinstance(model, Module):
        raise TypeError(f"check: model must be a Module; got {type(model).__name__}")
    if optimizer is not None and not isinstance(optimizer, Optimizer):
        raise TypeError(f"check: optimizer must be an Optimizer; got {type(optimizer).__name__}")
    if samples < 1 or batch_size < 1 or not seconds >= 0:
        raise ArgumentError(
            "check: needs samples ≥ 1, batch_size ≥ 1 and seconds ≥ 0; got "
            f"samples={samples}, batch_size={batch_size}, seconds={seconds}"
        )


def _chosen(only: Collection[str] | None, skip: Collection[str]) -> list[Check]:
    names = [one.name for one in CHECKS]
    for argument, given in (("only", only), ("skip", skip)):
        if isinstance(given, str):
            raise TypeError(f"check: {argument} must be a list of names; got the text {given!r}")
        for name in given or ():
            if name not in names:
                raise ArgumentError(
                    f"check: there is no check {name!r} to {argument}.{did_you_mean(name, names)} "
                    f"Known: {', '.join(names)}"
                )
    return [one for one in CHECKS if (only is None or one.name in only) and one.name not in skip]


def _pairs_of(model: Module, loss: Any) -> Callable[[Any], tuple[Any, Any]]:
    """From a batch to inputs and target, as the trainer does it, before it changes any dtype."""
    parts, taken = Parts("check", None, None, None, loss is None), taken_by(model.forward)

    def split(batch: Any) -> tuple[Any, Any]:
        inputs, target, _ = parts.of(batch, taken)
        return mapped(as_tensor, inputs, "x"), mapped(as_tensor, target, "y")

    return split


def _loader(data: Any, batch_size: int, name: str, *, shuffle: bool, needs_target: bool) -> Any:
    where = f"check: {name} data"
    data = with_target(data, None, None, where, needs_target=needs_target)
    loader = make_loader(data, batch_size, shuffle=shuffle, num_workers=0, where=where)
    if is_once(loader):
        raise ArgumentError(
            f"check: the {name} data is an iterator, whose batches would be gone afterwards; pass "
            "a DataLoader, a data set or a list of batches"
        )
    return loader


@contextmanager
def _quiet(model: Module) -> Iterator[None]:
    """What the library warns of meanwhile is among the findings; training warns of it again."""
    classes = {type(part) for part in model.modules()}
    warned = {cls: cls._warned_of_hidden for cls in classes if "_warned_of_hidden" in vars(cls)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            for cls in classes:
                if cls in warned:
                    cls._warned_of_hidden = warned[cls]
                elif "_warned_of_hidden" in vars(cls):
                    del cls._warned_of_hidden
