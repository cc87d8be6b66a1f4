"""The check that every metric has to pass."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlframe.metrics import Metric
from dlframe.tensor import Tensor, to_array
from dlframe.testing.claims import (
    check_factory,
    claim,
    read_only,
    require,
    require_refused,
    require_same,
    strided,
    turned,
    unchanged,
)


def check_metric(
    make: Callable[[], Metric],
    output: Any,
    target: Any,
    *,
    rtol: float = 1e-6,
    atol: float = 1e-9,
    scores: str | None = None,
    ordered: bool = False,
) -> None:
    """Check a metric: updated batch by batch, it comes to the value of all samples at once.

    The value does not depend on how the samples fall into batches; several metrics that see a
    part each, added or merged, give it too, and so do the samples in another order. `compute` may
    be called at any time and changes nothing; `reset` forgets; copying `state` is enough to store
    the metric; `copy.deepcopy` and `pickle` copy it. `assume` takes each kind of scores, and None
    undoes it. Tensors and arrays give the same; inputs are not written to; different numbers of
    outputs and targets are refused.

    Args:
        make: a new metric.
        output, target: of at least four samples, along the first dimension.
        rtol, atol: how close values computed in another order have to be.
        scores: what the outputs are, if the value depends on it: it is assumed throughout.
        ordered: the value is one of the order of the samples, too; then that is not checked.

    Raises:
        ConformanceError: with the first rule that does not hold.

    >>> from dlframe import metrics, testing
    >>> scores, labels = np.eye(3)[[0, 1, 1, 2, 2, 2]], np.array([0, 1, 2, 0, 1, 2])
    >>> testing.check_metric(metrics.Accuracy, scores, labels)
    >>> class LastBatch(metrics.Accuracy):
    ...     def update(self, output, target):
    ...         self.reset()
    ...         super().update(output, target)
    >>> testing.check_metric(LastBatch, scores, labels)
    Traceback (most recent call last):
    dlframe.testing.claims.ConformanceError: LastBatch gives for a stream of batches the ...
    """
    check_factory("check_metric", make, Metric)
    with claim("the factory", "makes a Metric"):
        metric = make()
        require(isinstance(metric, Metric), f"it made {type(metric).__name__}")
    name = type(metric).__name__
    if scores is not None:
        make = _assuming(make, scores)
    x, t = to_array(output).copy(), to_array(target).copy()
    with claim(name, "has a name, and prints it with its value, also before the first sample"):
        require(isinstance(metric.name, str) and metric.name, f"its name is {metric.name!r}")
        require(metric.name in repr(metric), f"it prints {metric!r}")
    with claim(name, "computes the value of some samples"):
        require(len(x) >= 4, f"check_metric needs four samples or more, got {len(x)}")
        whole = _of(make, [(x.copy(), t.copy())])
    _check_forms(name, make, x, t, whole, rtol, atol)
    _check_batches(name, make, x, t, whole, rtol, atol)
    if not ordered:
        _check_order(name, make, x, t, whole, rtol, atol)
    _check_state(name, make, x, t, whole)
    _check_assumed(name, make, x, t, whole, scores)


def _of(make: Callable[[], Metric], batches: Sequence[tuple[Any, Any]]) -> Any:
    metric = make()
    for output, target in batches:
        metric.update(output, target)
    return metric.compute()


def _check_batches(
    name: str,
    make: Callable[[], Metric],
    x: Any,
    t: Any,
    whole: Any,
    rtol: float,
    atol: float,
) -> None:
    n = len(x)
    for cut in ([n // 2], [1, 3], range(1, n)):
        batches = list(zip(np.split(x, cut), np.split(t, cut), strict=True))
        sizes = [len(part) for part, _ in batches]
        with claim(name, "gives for a stream of batches the value of all samples at once"):
            require_same(_of(make, batches), whole, f"batches of {sizes}", rtol=rtol, atol=atol)
        with claim(name, "adds up over metrics that saw a part of the samples each"):
            parts = []
            for output, target in batches:
                parts.append(make())
                parts[-1].update(output, target)
            total = parts[0]
            for part in parts[1:]:
                before = to_array(part.state).copy()
                total = total + part
                require_same(part.state, before, "the state of a metric that was added")
            require_same(total.compute(), whole, f"parts of {sizes}", rtol=rtol, atol=atol)
            parts[0].merge(make())  # of nothing
            for part in parts[1:]:
                parts[0].merge(part)
            require_same(parts[0].compute(), whole, f"merged {sizes}", rtol=rtol, atol=atol)
    with claim(name, "is unchanged by a batch of no samples"):
        got = _of(make, [(x, t), (x[:0], t[:0])])
        require_same(got, whole, "with an empty batch", rtol=rtol, atol=atol)


def _assuming(make: Callable[[], Metric], scores: str) -> Callable[[], Metric]:
    """A maker of the same metrics that are told what scores are."""

    def told() -> Metric:
        metric = make()
        metric.assume(scores)
        return metric

    return told


def _check_order(
    name: str, make: Callable[[], Metric], x: Any, t: Any, whole: Any, rtol: float, atol: float
) -> None:
    with claim(name, "does not depend on the order of the samples"):
        for order in (np.arange(len(x))[::-1], np.argsort(np.arange(len(x)) * 7 % 5)):
            got = _of(make, [(x[order].copy(), t[order].copy())])
            require_same(got, whole, f"in the order {order.tolist()}", rtol=rtol, atol=atol)


def _check_assumed(
    name: str, make: Callable[[], Metric], x: Any, t: Any, whole: Any, scores: str | None
) -> None:
    with claim(name, "takes what scores are by assume(), and None as nothing said"):
        metric = make()
        before = to_array(metric.state).copy()
        for kind in ("logits", "probabilities", "log_probabilities", None, scores):
            metric.assume(kind)
            require_same(metric.state, before, f"the state after assume({kind!r})")
        metric.update(x, t)
        require_same(metric.compute(), whole, "after all kinds were assumed and taken back")
        metric.assume("logits")
        require_same(metric.compute(), whole, "what was counted, after assume('logits')")


def _check_state(name: str, make: Callable[[], Metric], x: Any, t: Any, whole: Any) -> None:
    n = len(x)
    with claim(name, "may be asked for its value at any time"):
        metric = make()
        metric.compute()
        metric.update(x[: n // 2], t[: n // 2])
        first = copy.deepcopy(metric.compute())
        require_same(metric.compute(), first, "the second compute()")
        metric.update(x[n // 2 :], t[n // 2 :])
        require_same(metric.compute(), whole, "compute() between updates", rtol=1e-6, atol=1e-9)
    with claim(name, "forgets all at reset()"):
        metric.reset()
        require_same(metric.compute(), make().compute(), "after reset()")
        metric.update(x, t)
        require_same(metric.compute(), whole, "after reset() and the same samples")
    with claim(name, "is stored by a copy of its state"):
        other = make()
        other.state = np.array(metric.state)
        require_same(other.compute(), whole, "a new metric with that state")
    with claim(name, "can be pickled with what it counted, if its parts can be"):
        loaded = _pickled(metric)
        if loaded is not None:
            require_same(loaded.compute(), whole, "the copy from pickle")
            loaded.update(x, t)
            require_same(metric.compute(), whole, "the original, after the copy was updated")
    with claim(name, "can be copied with copy.deepcopy"):
        twin = copy.deepcopy(metric)
        twin.update(x, t)
        require_same(metric.compute(), whole, "the original, after the copy was updated")


def _check_forms(
    name: str,
    make: Callable[[], Metric],
    x: Any,
    t: Any,
    whole: Any,
    rtol: float,
    atol: float,
) -> None:
    with claim(name, "leaves outputs and targets as they are"):
        args = [Tensor(x.copy()), Tensor(t.copy())]
        with unchanged(args, "argument"):
            _of(make, [(args[0].array, args[1].array)])
    with claim(name, "takes tensors and arrays alike"):
        tensors = [Tensor(x), Tensor(t)]
        tensors[0].requires_grad = x.dtype.kind == "f"
        require_same(_of(make, [(tensors[0], tensors[1])]), whole, "of tensors")
    with claim(name, "takes arrays that are not contiguous"):
        gaps = strided([Tensor(x), Tensor(t)])
        got = _of(make, [(gaps[0].array, gaps[1].array)])
        require_same(got, whole, "with gaps", rtol=rtol, atol=atol)  # NumPy adds in memory's order
    with claim(name, "takes arrays in any order in memory"):
        other = turned([Tensor(x), Tensor(t)])
        got = _of(make, [(other[0].array, other[1].array)])
        require_same(got, whole, "in another order", rtol=rtol, atol=atol)
    with claim(name, "takes arrays that are read-only"):
        locked = read_only([Tensor(x), Tensor(t)])
        require_same(_of(make, [(locked[0].array, locked[1].array)]), whole, "of read-only arrays")
    with claim(name, "keeps nothing of a batch but its state"):
        held, metric = x.copy(), make()
        metric.update(held, t)
        held[...] = 0
        require_same(metric.compute(), whole, "after the batch's memory was used again")
    with claim(name, "refuses different numbers of outputs and targets"):
        require_refused(f"{len(x)} outputs, {len(t) - 1} targets", make().update, x, t[:-1])


def _pickled(metric: Metric) -> Metric | None:
    """The metric from its pickle; None if it holds what has no name, as a lambda or local class."""
    try:
        data = pickle.dumps(metric)
    except (pickle.PicklingError, AttributeError):
        return None
    loaded = pickle.loads(data)  # noqa: S301 - our own bytes
    require(type(loaded) is type(metric), f"the copy is {type(loaded).__name__}")
    return loaded  # type: ignore[no-any-return] # it is of the metric's type
