"""What happens inside a network along training: weights, gradients, outputs, updates."""

from __future__ import annotations

import fnmatch
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlframe import states
from dlframe.autograd import is_grad_enabled, no_grad
from dlframe.base import nests
from dlframe.base.hooks import RemovableHandle
from dlframe.base.printable import printable
from dlframe.errors import ArgumentError, FileFormatError, StateDictError, did_you_mean
from dlframe.nn import Flatten, Identity, Module, Sigmoid, Tanh, Unflatten
from dlframe.nn.modes import evaluating
from dlframe.nn.parameter import is_lazy
from dlframe.tensor import Tensor
from dlframe.training.callbacks.callback import Callback
from dlframe.training.data.weighting import adds_up
from dlframe.training.distributions import (
    BINS,
    FLAT,
    QUANTILES,
    VALUES,
    Array,
    Course,
    Pool,
    measured,
    row_width,
)
from dlframe.training.history import plain
from dlframe.training.several import Several
from dlframe.utils.atomic import atomic_write, check_writable

if TYPE_CHECKING:
    from dlframe.training.trainer import Trainer

KINDS = ("weights", "gradients", "outputs", "output_gradients", "updates")
"""What is recorded; of updates one number each, of the others a distribution."""

_DISTRIBUTED = KINDS[:-1]

FILE = "layers.json"
"""The name of the file in a run's folder."""

_PASSING = (Flatten, Identity, Unflatten)
_FLAT = {Tanh: FLAT["tanh"], Sigmoid: FLAT["sigmoid"]}
_FORMAT = "dlframe layers"
_DIGITS = 7  # of the numbers in a file

Choice = str | type | Iterable[str | type]


class LayerLog(Callback):
    """Records the distributions of weights, gradients and layers' outputs, and sizes of updates.

    `weights`, `gradients` and `updates` have an entry for each parameter; `outputs` and
    `output_gradients` (the gradients of the loss with respect to the outputs) one for each layer.
    `steps` says after how many steps of the optimizer (the first is 1) an entry was made. Weights
    and gradients are those just before that step, gradients not clipped; outputs are those that
    led to it, of all batches of the step and all calls of a layer. So `log.outputs["1"].dead[-1]`
    is the share of dead units of layer 1 at the last entry: `Course` says what there is.
    `updates["0.weight"]` are ‖Δw‖₂ / ‖w‖₂, the length of each step relative to the weights; about
    0.001 is usual (Karpathy, CS231n), NaN where the weights are all 0.

    There is an entry for the first step and for every n-th one (`every`). When there would be more
    than `max_entries`, every second one is removed, and from then on half as many are made. So a
    log of any length needs bounded memory, and a hundred thousand steps are measured a thousand
    times. Beside entries, it costs nothing; in a step with an entry, a copy of the parameters.

    A Trainer calls it as one of its `callbacks`. In a loop of your own, `attach` it to the model
    and its optimizers. Validation is not recorded: calls without gradients (`no_grad`) and calls
    while the model is in evaluation mode do not count. `viz.histogram_course`,
    `viz.quantile_course`, `viz.gradient_flow`, `viz.activation_course` and `viz.update_ratios` draw
    it. NormLog is the small sister that keeps norms only.

    Args:
        every: make an entry at the first step and at each multiple of this number; or "epoch":
            at the first step of each epoch.
        layers: which layers, and parameters: names as patterns ("encoder.*", "*.weight"), types
            (nn.Linear), or several of both. A layer stands for its parameters and those of its
            parts. By default all parameters, and the outputs of all modules without parts except
            Flatten, Unflatten and Identity.
        kinds: which of "weights", "gradients", "outputs", "output_gradients", "updates".
        bins: of the histograms.
        quantiles: from 0 to 1, rising.
        max_entries: the most entries that are kept.
        max_values: quantiles and histograms are those of at most so many values of a tensor.
        path: a JSON file that is written anew after each epoch and at the end: that of `save`.

    Raises:
        ArgumentError: numbers that make no sense, an unknown kind; at the start, `layers` that fit
            nothing in the model.

    >>> x = dl.linspace(-1, 1, 8).reshape(8, 1)
    >>> model = nn.Sequential(nn.Linear(1, 4), nn.ReLU(), nn.Linear(4, 1))
    >>> log = dl.training.LayerLog()
    >>> trainer = dl.Trainer(
    ...     model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1), callbacks=[log]
    ... )
    >>> history = trainer.fit((x, x), epochs=3, progress=False)
    >>> log.steps, list(log.outputs), list(log.updates)
    ([1, 2, 3], ['0', '1', '2'], ['0.weight', '0.bias', '2.weight', '2.bias'])
    >>> log.weights["0.weight"].mean.shape, log.weights["0.weight"].counts.shape
    ((3,), (3, 50))
    """

    def __init__(
        self,
        every: int | str = 1,
        *,
        layers: Choice | None = None,
        kinds: Sequence[str] = KINDS,
        bins: int = BINS,
        quantiles: Sequence[float] = QUANTILES,
        max_entries: int = 200,
        max_values: int = VALUES,
        path: str | os.PathLike[str] | None = None,
    ) -> None:
        _check_every(every)
        kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
        for kind in kinds:
            check_kind("LayerLog", kind)
        levels = tuple(float(level) for level in quantiles)
        if not all(0 <= level <= 1 for level in levels) or list(levels) != sorted(set(levels)):
            raise ArgumentError(f"LayerLog: quantiles must rise from 0 to 1; got {quantiles}")
        for name, value, low in (
            ("bins", bins, 1), ("max_entries", max_entries, 2), ("max_values", max_values, 10)
        ):  # fmt: skip
            if not isinstance(value, int) or value < low:
                raise ArgumentError(f"LayerLog: {name} must be {low} or more; got {value!r}")
        self.every = every
        self.layers = None if layers is None else _listed(layers)
        self.kinds = kinds
        self.bins = bins
        self.quantiles = levels
        self.max_entries = max_entries
        self.max_values = max_values
        self.path = None if path is None else Path(path)
        self.writes_files = path is not None
        self.steps: list[int] = []
        self.epochs: list[int] = []
        self.types: dict[str, str] = {}
        """The classes of the recorded layers, by name."""
        self._spacing = 1  # of `every`: 2, 4 … after entries were removed
        self._done = 0  # steps
        self._rows: dict[str, dict[str, list[Array]]] = {kind: {} for kind in _DISTRIBUTED}
        self._updates: dict[str, list[float]] = {}
        self._attached: _Attached | None = None
        self._entry: _Entry | None = None

    # --- what was recorded ---------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def weights(self) -> dict[str, Course]:
        """Of each parameter, before the step."""
        return self._courses("weights")

    @property
    def gradients(self) -> dict[str, Course]:
        """Of each parameter's gradient, before it was clipped."""
        return self._courses("gradients")

    @property
    def outputs(self) -> dict[str, Course]:
        """Of each layer's output: its first tensor with real numbers."""
        return self._courses("outputs")

    @property
    def output_gradients(self) -> dict[str, Course]:
        """Of the gradients of the loss of a step with respect to the layers' outputs."""
        return self._courses("output_gradients")

    @property
    def updates(self) -> dict[str, Array]:
        """‖Δw‖₂ / ‖w‖₂ of each parameter: an array (entries,)."""
        return {name: np.array(column) for name, column in self._updates.items()}

    def courses(self, kind: str) -> dict[str, Course]:
        """The courses of one of the kinds but updates, by its name."""
        check_kind("LayerLog", kind, _DISTRIBUTED)
        return self._courses(kind)

    def _courses(self, kind: str) -> dict[str, Course]:
        return {name: Course.of(rows, self.quantiles) for name, rows in self._rows[kind].items()}

    def to_arrays(self) -> dict[str, Any]:
        """All of it as nested dicts of arrays: `["outputs"]["1"]["mean"]` has shape (entries,)."""
        courses = {
            kind: {name: dict(vars(course)) for name, course in self._courses(kind).items()}
            for kind in _DISTRIBUTED
        }
        steps, epochs = np.array(self.steps, np.int64), np.array(self.epochs, np.int64)
        return {"steps": steps, "epochs": epochs, **courses, "updates": self.updates}

    def to_dict(self) -> dict[str, Any]:
        """What `save` writes: plain lists and numbers, NaN as None, seven digits."""
        courses = {
            kind: {name: [_short(row) for row in rows] for name, rows in self._rows[kind].items()}
            for kind in _DISTRIBUTED
        }
        updates = {name: _short(column) for name, column in self._updates.items()}
        return {
            "format": _FORMAT,
            "version": 1,
            "bins": self.bins,
            "quantiles": list(self.quantiles),
            "types": dict(self.types),
            "steps": list(self.steps),
            "epochs": list(self.epochs),
            **courses,
            "updates": updates,
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as JSON, whole or not at all; `training.read_layers` reads it."""
        with atomic_write(path, "w") as file:
            json.dump(self.to_dict(), file, separators=(",", ":"))
            file.write("\n")

    def __repr__(self) -> str:
        names = ", ".join(self.types) or "none"
        return f"LayerLog of {len(self)} entries; layers: {printable(names, longest=200)}"

    # --- in a loop of one's own ----------------------------------------------------------------

    def attach(self, model: Module, *optimizers: Any) -> RemovableHandle:
        """Record the steps of the optimizers, until the handle is removed or its block ends.

        Nothing else is to be called. A step is over when each of the optimizers has made one (or
        several). Parameters are measured just before the first step of theirs. Without optimizers,
        `record` ends a step.

        Optimizers that compute the loss themselves (LBFGS, SAM) have no gradients yet when their
        step begins, unless backward was called before.

        >>> model = nn.Linear(2, 1)
        >>> optimizer = optim.SGD(model.parameters(), lr=0.1)
        >>> log = LayerLog()
        >>> with log.attach(model, optimizer):
        ...     for _ in range(3):
        ...         optimizer.zero_grad()
        ...         model(dl.ones(4, 2)).square().sum().backward()
        ...         optimizer.step()
        >>> log.steps, len(log.gradients["weight"].norm)
        ([1, 2, 3], 3)
        """
        if self.every == "epoch":
            raise ArgumentError(
                "LayerLog.attach: with every='epoch' pass the log to a Trainer, which says when an "
                "epoch begins; in a loop of your own give the number of steps between entries"
            )
        for optimizer in optimizers:
            if not hasattr(optimizer, "register_step_pre_hook"):
                raise TypeError(
                    "LayerLog.attach takes a model and its optimizers; got "
                    f"{type(optimizer).__name__}"
                )
        self._attach(model)
        made: set[int] = set()

        def after(optimizer: Any) -> None:
            made.add(id(optimizer))
            if len(made) == len({id(one) for one in optimizers}):
                made.clear()
                self._end_step()

        self._hook(optimizers, after)
        self._begin_step()
        return RemovableHandle({}, self.detach)

    def record(self) -> None:
        """End a step, in a loop without an optimizer of dlframe's: call it after backward.

        There are no updates then.
        """
        if self._attached is None:
            raise ArgumentError("LayerLog.record: attach the log to a model before")
        self._end_step()

    def detach(self) -> None:
        """Stop recording; an unfinished entry is dropped."""
        self._drop()
        if self._attached is not None:
            for handle in self._attached.handles:
                handle.remove()
        self._attached = None

    def _attach(self, model: Module) -> None:
        if not isinstance(model, Module):
            raise TypeError(f"LayerLog: the model must be an nn.Module; got {type(model).__name__}")
        if self._attached is not None:
            raise ArgumentError("LayerLog: it is attached to a model already; detach it first")
        self._attached = _Attached(model, *_chosen(model, self.layers))

    def _hook(self, optimizers: Iterable[Any], after: Callable[[Any], None] | None = None) -> None:
        assert self._attached is not None
        for one in optimizers:
            held = {id(p) for group in one.param_groups for p in group["params"]}

            def before_step(*_: Any, held: set[int] = held) -> None:
                self._before_step(held)

            def after_step(optimizer: Any, *_: Any) -> None:
                if self._entry is not None:
                    self._entry.is_looking = True
                if after is not None:
                    after(optimizer)

            self._attached.handles += [
                one.register_step_pre_hook(before_step),
                one.register_step_post_hook(after_step),
            ]

    def _begin_step(self) -> None:
        """Begin an entry, if the next step is to have one."""
        step = self._done + 1
        if _is_due(step, self.every, self._spacing):
            self._begin()

    def _end_step(self) -> None:
        self._done += 1
        self._finish(self._done, 0)
        self._begin_step()

    # --- in a trainer --------------------------------------------------------------------------

    def on_train_begin(self, trainer: Trainer) -> None:
        if self.path is not None:
            check_writable(self.path)  # not only after hours of training
        self.detach()  # from the model of a fit that an error ended
        self._attach(trainer.model)
        one = trainer.optimizer
        # an own train_step may make its steps without `on_step_begin`
        self._hook(one.values() if isinstance(one, Several) else [one])

    def on_batch_begin(self, trainer: Trainer) -> None:
        if trainer._group.batches and self._entry is not None:
            return  # a step of several batches goes on; of a resumed one the rest is measured
        if self.every == "epoch":
            first = trainer.batch == trainer._group.batches  # of the steps of the epoch
            due = first and _is_due(trainer.epoch + 1, 1, self._spacing)
        else:
            due = _is_due(trainer.updates + 1, self.every, self._spacing)
        self._drop()  # of a batch that was skipped
        if due:
            self._begin()

    def on_step_begin(self, trainer: Trainer) -> None:
        if self._entry is None:
            return
        if trainer.accumulation and not adds_up(trainer.loss):
            # the loss of each batch had a weight, whose sum has divided the gradients just now
            self._entry.scale = 1 / trainer._group.total
        self._before_step(None)

    def on_step_end(self, trainer: Trainer) -> None:
        self._done = trainer.updates
        self._finish(trainer.updates, trainer.epoch + 1)

    def on_epoch_end(self, trainer: Trainer) -> None:
        if self.path is not None:
            self.save(self.path)

    def on_train_end(self, trainer: Trainer) -> None:
        if self.path is not None:
            self.save(self.path)

    def close(self) -> None:
        self.detach()

    # --- an entry ------------------------------------------------------------------------------

    def _begin(self) -> None:
        assert self._attached is not None
        entry = self._entry = _Entry()
        attached, kinds = self._attached, self.kinds
        if "outputs" in kinds or "output_gradients" in kinds:
            for name, layer in attached.layers.items():
                see = partial(self._see, entry, attached.model, name)
                entry.handles.append(layer.register_forward_hook(see))

    def _see(
        self, entry: _Entry, model: Module, name: str, layer: Module, args: Any, output: Any
    ) -> None:
        """The forward hook."""
        if not (entry.is_looking and model.training and is_grad_enabled()):
            return
        tensor = _first_real(output)
        if tensor is None:
            return
        self.types.setdefault(name, type(layer).__name__)
        if "outputs" in self.kinds:
            pool = entry.outputs.setdefault(name, Pool(self.max_values))
            pool.add(tensor.array, units=True, limits=_limits_of(layer))
        if "output_gradients" in self.kinds and tensor.requires_grad:
            gradients = entry.output_gradients.setdefault(name, Pool(self.max_values))
            tensor.register_hook(lambda g: gradients.add(g.array))

    def _before_step(self, held: set[int] | None) -> None:
        """Measure the parameters that are about to change, once in an entry."""
        entry = self._entry
        if entry is None:
            return
        entry.is_looking = False  # the optimizer may call the model again
        for name, parameter in self._parameters():
            if (held is None or id(parameter) in held) and name not in entry.before:
                self._measure(entry, name, parameter)

    def _measure(self, entry: _Entry, name: str, parameter: Any) -> None:
        entry.before[name] = parameter.array.copy() if "updates" in self.kinds else None
        grad = parameter.grad
        for kind, array in (
            ("weights", parameter.array),
            ("gradients", None if grad is None else grad.array),
        ):
            if kind in self.kinds and array is not None:
                entry.rows[kind][name] = measured(
                    array, self.quantiles, self.bins, most=self.max_values
                )

    def _finish(self, step: int, epoch: int) -> None:
        """Add the entry to the log."""
        entry = self._entry
        if entry is None:
            return
        entry.close()
        for name, parameter in self._parameters():
            if name not in entry.before:  # no optimizer has it
                self._measure(entry, name, parameter)
            elif "updates" in self.kinds:
                entry.updates[name] = _relative(entry.before[name], parameter.array)
        for kind, pools, scale in (
            ("outputs", entry.outputs, 1.0),
            ("output_gradients", entry.output_gradients, entry.scale),
        ):
            for name, pool in pools.items():
                entry.rows[kind][name] = pool.row(self.quantiles, self.bins, scale)
        nothing = np.full(row_width(self.quantiles, self.bins), np.nan)
        for kind, rows in entry.rows.items():
            _append(self._rows[kind], rows, nothing, len(self.steps))
        _append(self._updates, entry.updates, np.nan, len(self.steps))
        self.steps.append(step)
        self.epochs.append(epoch)
        self._entry = None
        if len(self.steps) > self.max_entries:
            self._thin_out()

    def _thin_out(self) -> None:
        self._spacing *= 2
        every, places = (1, self.epochs) if self.every == "epoch" else (self.every, self.steps)
        kept = [i for i, place in enumerate(places) if _is_due(place, every, self._spacing)]
        self.steps = [self.steps[i] for i in kept]
        self.epochs = [self.epochs[i] for i in kept]
        for columns in self._rows.values():
            for name, rows in columns.items():
                columns[name] = [rows[i] for i in kept]
        for name, ratios in self._updates.items():
            self._updates[name] = [ratios[i] for i in kept]

    def _drop(self) -> None:
        if self._entry is not None:
            self._entry.close()
        self._entry = None

    def _parameters(self) -> Iterator[tuple[str, Any]]:
        assert self._attached is not None
        names = self._attached.parameters
        for name, parameter in self._attached.model.named_parameters():
            if (names is None or name in names) and not is_lazy(parameter):
                yield name, parameter

    # --- its state -----------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        rows = {
            kind: {name: np.stack(column) for name, column in columns.items()}
            for kind, columns in self._rows.items()
        }
        return {
            "steps": list(self.steps),
            "epochs": list(self.epochs),
            "spacing": self._spacing,
            "done": self._done,
            "types": dict(self.types),
            "bins": self.bins,
            "quantiles": list(self.quantiles),
            "rows": rows,
            "updates": {name: list(column) for name, column in self._updates.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        where = "LayerLog.load_state_dict"
        given = states.take(
            state,
            where,
            steps=states.listed(states.count),
            epochs=states.listed(states.count),
            spacing=states.integer(1),
            done=states.count,
            types=states.mapping(states.text),
            bins=states.integer(1),
            quantiles=states.listed(states.number),
            rows=states.mapping(states.plain),
            updates=states.mapping(states.listed(states.any_number)),
        )
        own = (self.bins, list(self.quantiles))
        if (given["bins"], list(given["quantiles"])) != own:
            raise StateDictError(
                f"{where}: the state has {given['bins']} bins and the quantiles "
                f"{printable(given['quantiles'], longest=100)}, this log {own[0]} and {own[1]}; "
                "make it with the same ones"
            )
        columns = states.mapping(states.numbers(2))
        rows = states.take(given["rows"], f"{where}, rows", **dict.fromkeys(_DISTRIBUTED, columns))
        shape = (len(given["steps"]), row_width(self.quantiles, self.bins))
        tables = [table for kind in rows.values() for table in kind.values()]
        if any(table.shape != shape or table.dtype.kind == "c" for table in tables):
            raise StateDictError(f"{where}: a table of rows does not have shape {shape}")
        lists = [given["epochs"], *given["updates"].values()]
        if any(len(one) != len(given["steps"]) for one in lists):
            raise StateDictError(f"{where}: the lists differ in length")
        self.steps, self.epochs = list(given["steps"]), list(given["epochs"])
        self._spacing, self._done = given["spacing"], given["done"]
        self.types = dict(given["types"])
        self._rows = {
            kind: {name: list(table.astype(np.float64)) for name, table in tables.items()}
            for kind, tables in rows.items()
        }
        self._updates = {name: list(column) for name, column in given["updates"].items()}


class _Attached:
    """The model that is recorded, and what of it."""

    def __init__(
        self, model: Module, layers: dict[str, Module], parameters: set[str] | None
    ) -> None:
        self.model, self.layers, self.parameters = model, layers, parameters
        self.handles: list[RemovableHandle] = []  # at the optimizers


class _Entry:
    """What is known of a step that is being recorded."""

    def __init__(self) -> None:
        self.outputs: dict[str, Pool] = {}
        self.output_gradients: dict[str, Pool] = {}
        self.rows: dict[str, dict[str, Array]] = {kind: {} for kind in _DISTRIBUTED}
        self.updates: dict[str, float] = {}
        self.before: dict[str, NDArray[Any] | None] = {}  # the weights before the step
        self.scale = 1.0  # of the gradients of outputs
        self.is_looking = True
        self.handles: list[RemovableHandle] = []  # at the layers

    def close(self) -> None:
        """Look at no more calls of layers."""
        for handle in self.handles:
            handle.remove()
        self.handles = []


# --- files -------------------------------------------------------------------------------------


def read_layers(path: str | os.PathLike[str]) -> LayerLog:
    """The log in a file that `LayerLog.save` wrote, or in the file `layers.json` of a folder.

    Raises FileNotFoundError, and FileFormatError for a file that holds something else.
    """
    file = Path(path)
    file = file / FILE if file.is_dir() else file
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise _no_log(file, "it is not JSON") from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise _no_log(file, f"it has no format {_FORMAT!r}")
    if content.get("version") != 1:
        version = printable(content.get("version"), longest=20)
        raise _no_log(
            file,
            f"it has version {version}, this dlframe knows version 1; upgrade with: "
            "pip install -U dlframe",
        )
    try:
        given = {key: content[key] for key in ("steps", "epochs", "types", "bins", "quantiles")}
        log = LayerLog(bins=given["bins"], quantiles=given["quantiles"])
        rows = {
            kind: {name: _table(column) for name, column in content[kind].items()}
            for kind in _DISTRIBUTED
        }
        updates = {name: _numbers(column).tolist() for name, column in content["updates"].items()}
        more = {"spacing": 1, "done": max(content["steps"], default=0)}
        log.load_state_dict({**given, **more, "rows": rows, "updates": updates})
    except (KeyError, TypeError, AttributeError, ValueError, StateDictError) as error:
        raise _no_log(file, f"{type(error).__name__}: {error}") from error
    return log


def _no_log(file: Path, why: str) -> FileFormatError:
    return FileFormatError(
        f"{printable(file)} has no record of layers: {printable(why, longest=300)}. "
        "LayerLog.save and LayerLog(path=…) write such files"
    )


def _short(values: Iterable[float]) -> list[float | None]:
    """Numbers for a file, with few digits; counts as they are, None for what is not known."""
    return [
        int(x) if float(x).is_integer() and abs(x) < 1e15 else plain(float(f"{x:.{_DIGITS}g}"))
        for x in values
    ]


def _numbers(values: Any) -> Array:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _table(rows: Any) -> Array:
    return np.stack([_numbers(row) for row in rows])


# --- one moment --------------------------------------------------------------------------------


def outputs_of(
    model: Module, inputs: Sequence[Any], layers: Choice | None = None
) -> dict[str, Pool]:
    """The outputs of the layers in one call of the model, in evaluation mode and without graph."""
    chosen, _ = _chosen(model, None if layers is None else _listed(layers))
    pools: dict[str, Pool] = {}
    handles = []

    def see(name: str, layer: Module, args: Any, output: Any) -> None:
        tensor = _first_real(output)
        if tensor is not None:
            pool = pools.setdefault(name, Pool())
            pool.add(tensor.array, units=True, limits=_limits_of(layer))

    try:
        for name, layer in chosen.items():
            handles.append(layer.register_forward_hook(partial(see, name)))
        with evaluating(model), no_grad():
            model(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    return pools


# --- which layers ------------------------------------------------------------------------------


def _chosen(
    model: Module, choice: Sequence[str | type] | None
) -> tuple[dict[str, Module], set[str] | None]:
    """The layers to record, by name, and the names of the parameters; None for all of them."""
    modules = {name: module for name, module in model.named_modules() if name or _is_leaf(module)}
    if choice is None:
        layers = {
            name or type(module).__name__: module
            for name, module in modules.items()
            if _is_leaf(module) and not isinstance(module, _PASSING)
        }
        return layers, None
    parameters = [name for name, _ in model.named_parameters()]
    layers, chosen = {}, set()
    for one in choice:
        found = {name: m for name, m in modules.items() if _fits(one, name, m)}
        direct = {name for name in parameters if isinstance(one, str) and _matches(one, name)}
        if not found and not direct:
            raise ArgumentError(_no_layer(one, model))
        layers |= {name or type(module).__name__: module for name, module in found.items()}
        below = tuple(f"{name}." if name else "" for name in found)
        chosen |= direct | {name for name in parameters if name.startswith(below)}
    return layers, chosen


def _is_leaf(module: Module) -> bool:
    return next(iter(module.children()), None) is None


def _fits(one: str | type, name: str, module: Module) -> bool:
    return _matches(one, name) if isinstance(one, str) else isinstance(module, one)


def _matches(pattern: str, name: str) -> bool:
    return bool(name) and fnmatch.fnmatchcase(name, pattern)


def _no_layer(one: str | type, model: Module) -> str:
    if isinstance(one, type):
        kinds = sorted({type(module).__name__ for module in model.modules()})
        return f"LayerLog: the model has no {one.__name__}; it has {', '.join(kinds)}"
    names = [name for name, _ in model.named_modules() if name]
    names += [name for name, _ in model.named_parameters()]
    return (
        f"LayerLog: no layer and no parameter has a name like {one!r}."
        f"{did_you_mean(one, names)} There are {printable(', '.join(names), longest=300)}"
    )


def _listed(layers: Choice) -> list[str | type]:
    entries = [layers] if isinstance(layers, (str, type)) else list(layers)
    for one in entries:
        if not isinstance(one, (str, type)):
            raise TypeError(
                "LayerLog: layers takes names and types, such as 'encoder.*' and nn.Linear; got "
                f"{type(one).__name__}"
            )
    return entries


# --- numbers -----------------------------------------------------------------------------------


def _check_every(every: Any) -> None:
    is_number = isinstance(every, int) and not isinstance(every, bool) and every >= 1
    if not is_number and every != "epoch":
        raise ArgumentError(f"LayerLog: every must be 1 or more, or 'epoch'; got {every!r}")


def check_kind(where: str, kind: Any, known: Sequence[str] = KINDS) -> None:
    """Raise ArgumentError unless it is one of the kinds."""
    if kind not in known:
        names = ", ".join(known)
        hint = did_you_mean(kind, known)
        if kind in ("activations", "acts"):
            hint = " The activations are the 'outputs' of the layers."
        raise ArgumentError(f"{where}: {kind!r} is none of {names}.{hint}")


def _is_due(place: int, every: Any, spacing: int) -> bool:
    return place == 1 or place % (every * spacing) == 0


def _first_real(output: Any) -> Tensor | None:
    """The first tensor with real or complex numbers in a layer's output."""
    tensors = (value for value in nests.leaves(output) if isinstance(value, Tensor))
    return next((tensor for tensor in tensors if tensor.array.dtype.kind in "fc"), None)


def _limits_of(layer: Module) -> tuple[float, float] | None:
    """Where the function of the layer is flat, if that is known."""
    return next((ends for kind, ends in _FLAT.items() if isinstance(layer, kind)), None)


def _relative(before: Any, after: NDArray[Any]) -> float:
    """‖after − before‖ / ‖before‖; NaN where there is none."""
    if before.shape != after.shape:
        return float("nan")
    with np.errstate(all="ignore"):
        size = float(np.linalg.norm(np.ravel(before).astype(np.float64)))
        step = np.ravel(after).astype(np.float64) - np.ravel(before)
        return float(np.linalg.norm(step)) / size if size else float("nan")


def _append(columns: dict[str, list[Any]], new: Mapping[str, Any], nothing: Any, n: int) -> None:
    """Add an entry to the columns; what appeared later has no earlier values."""
    for name in new:
        columns.setdefault(name, [nothing] * n)
    for name, column in columns.items():
        column.append(new.get(name, nothing))
