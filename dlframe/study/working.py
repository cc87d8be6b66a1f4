"""One run of a study, in whichever process it is made, and what came of it."""

from __future__ import annotations

import math
import random
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dlframe.errors import ArgumentError, DatasetMissingError
from dlframe.random import fork_rng, manual_seed
from dlframe.study.design import FOLDER, takes_folder
from dlframe.study.seeds import Seeds
from dlframe.study.store import now
from dlframe.tensor import Tensor
from dlframe.tensor.settings import get_num_threads, set_num_threads

DONE, NOT_FINITE, FAILED, KILLED = "done", "nan", "failed", "killed"

LONGEST = 20_000  # letters of a traceback that are kept


@dataclass(frozen=True)
class Task:
    """A run to be made: sent to another process, so everything in it can be pickled."""

    run: Callable[..., Any]
    config: Mapping[str, Any]  # the arguments of `run`
    seeds: Seeds
    measure: str  # the quantity that must be finite, and that a tuning run needs
    record: Mapping[str, Any] = field(
        default_factory=dict
    )  # key, arm, stage ...: kept with the result
    folder: Path | None = None  # where it may leave files, if it takes one


_one_at_a_time = threading.RLock()
"""Random numbers and the number of threads are the process's: runs in its threads wait."""


def work(task: Task) -> dict[str, Any]:
    """Make a run with one thread; its record with status, values, curves and costs.

    A run that raises, or whose measure is not finite, is a result as well: its record says so.

    Raises:
        DatasetMissingError: says nothing about the arm, and the run is to be made when the files
            are there.
    """
    with _one_at_a_time:
        return _work(task)


def _work(task: Task) -> dict[str, Any]:
    threads = get_num_threads()
    found: dict[str, Any] = {**task.record, "started": now()}
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        set_num_threads(1)
        with fork_rng():
            _seed(task.seeds.stream("not seeded"))
            given = {**task.config, "seeds": task.seeds}
            if takes_folder(task.run):
                given[FOLDER] = task.folder
            outcome = task.run(**given)
            values, curves = taken_apart(outcome, final=task.record.get("stage") != "tune")
        found |= {"status": DONE, "values": values, "curves": curves}
        if task.measure not in values:
            raise ArgumentError(
                f"study: the run returned no {task.measure!r}; it returned "
                f"{', '.join(map(repr, values)) or 'nothing'}"
            )
        if not math.isfinite(values[task.measure]):
            found["status"] = NOT_FINITE
    except DatasetMissingError:
        raise
    except Exception as error:  # noqa: BLE001 # whatever it is, it is an outcome
        found |= {
            "status": FAILED,
            "values": {},
            "curves": {},
            "error": f"{type(error).__name__}: {error}"[:LONGEST],
            "traceback": traceback.format_exc()[-LONGEST:],
        }
    finally:
        set_num_threads(threads)
    found["cpu_seconds"] = time.process_time() - cpu
    found["seconds"] = time.perf_counter() - wall
    return found


def _seed(seed: int) -> None:
    """What a run draws without a seed of its own does not depend on the run before it."""
    manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 # other libraries draw from it


def taken_apart(outcome: Any, *, final: bool) -> tuple[dict[str, float], dict[str, list[float]]]:
    """What a run returned, as single values and as curves, one number for each epoch.

    The last number of a curve is its value. A function is called in final runs only, and once: so
    that the test data are read once, after everything was chosen.

    >>> taken_apart({"loss": [0.5, 0.25], "test_accuracy": lambda: 0.75}, final=True)
    ({'loss': 0.25, 'test_accuracy': 0.75}, {'loss': [0.5, 0.25]})

    Raises:
        ArgumentError: something else than a mapping from names to numbers, lists and functions.
    """
    if not isinstance(outcome, Mapping):
        raise ArgumentError(
            "study: a run returns a dict from names to numbers, to lists with a number for each "
            f"epoch, or a History; got {type(outcome).__name__}"
        )
    values: dict[str, float] = {}
    curves: dict[str, list[float]] = {}
    for name, given in outcome.items():
        value = given
        if callable(value) and not isinstance(value, Tensor):
            if not final:
                continue
            value = value()
        try:
            number = _numbers(value)
        except (TypeError, ValueError) as error:
            raise ArgumentError(
                f"study: the run's {name!r} is {value!r:.80}, which is neither a number nor a list "
                "with a number for each epoch"
            ) from error
        if isinstance(number, list):
            if not number:
                continue
            curves[str(name)] = number
            number = number[-1]
        values[str(name)] = number
    return values, curves


def _numbers(value: Any) -> float | list[float]:
    if isinstance(value, Tensor):
        value = value.detach().numpy()
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, str):
        if any(isinstance(entry, (list, tuple, str)) for entry in value):
            raise TypeError("a nest")
        return [math.nan if entry is None else float(entry) for entry in value]
    return float(value)
