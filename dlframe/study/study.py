"""A study: what is asked, what is varied and what is held, and how its runs are made."""

from __future__ import annotations

import inspect
import itertools
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

from dlframe.errors import ArgumentError
from dlframe.study import engine, identity
from dlframe.study.bar import Bar
from dlframe.study.design import (
    Arm,
    Design,
    Level,
    Levels,
    arms_of,
    factors_of,
    levels_of,
    name_of,
    parameters,
)
from dlframe.study.results import Results
from dlframe.study.seeds import Seeds, check_streams
from dlframe.study.store import Store
from dlframe.study.working import DONE, Task
from dlframe.training.callbacks.monitor import better, check_mode, infer_mode

Tuning = Mapping[str, Sequence[Any]] | Callable[[dict[str, Any]], Mapping[str, Sequence[Any]]]

TUNING_RUNS = 2


class Study:
    """An experiment: one function makes a run, and the study says which runs there are.

    The function takes what is varied as named parameters, whose defaults are what is held, and
    `seeds`, a `Seeds`. It returns a dict: numbers, lists with a number for each epoch (a History is
    such a dict), and functions, which are called once, in final runs only: that is where the test
    data are read.

    Every arm gets the same seeds, so arms are compared in pairs, run by run. Results are kept in
    `folder`: a run that is there already, made by the same code from the same data, is not made
    again, and seeds or arms that are added later are all that is computed.

    Args:
        run: the function, at the top level of a module or script.
        factors: what is varied: the levels of each parameter. Strings, numbers, None, lists,
            classes and functions can be levels; a dict names them.
        measure: the quantity that is asked for, such as "test_accuracy".
        mode: "min" or "max" is better; by default the name tells.
        seeds: how many runs each arm has.
        design: "grid" has all combinations of levels; "one at a time" varies each factor from the
            baseline; "without one" puts the first level of each factor into the baseline;
            `Random(arms=20)` draws combinations.
        baseline: levels that differ from the function's defaults.
        tune: parameters that are chosen for each arm, with the values that are tried, as many for
            each arm: a dict, or a function that makes it from the arm's levels.
        tune_by: the quantity they are chosen by, of the validation data. It must not begin with
            "test".
        tuning_runs: how many seeds each value is tried with; they are not those of the final runs.
        held: streams of random numbers that are the same in all runs of an arm (`Seeds`): "data",
            "split", "weights", "order", "noise".
        seed: of the study: another one gives other seeds to all runs.
        data: files, folders, arrays or data sets that are not part of the code. Their checksum is
            part of what makes a run the one it is.
        uses: other modules of yours that the function calls; a change in them makes runs anew.
        name, question: for the report.

    Raises:
        ArgumentError: what does not fit the function, or could not be told apart next time.

    >>> def run(seeds, slope=1.0, offset=0.0):
    ...     return {"score": slope * 10 + offset + seeds.run}
    >>> study = Study(run, {"slope": [1.0, 2.0]}, measure="score", seeds=3)
    >>> results = study.run(workers=1)
    >>> results.values("score")
    {'slope 1': [10.0, 11.0, 12.0], 'slope 2': [20.0, 21.0, 22.0]}
    """

    def __init__(
        self,
        run: Callable[..., Mapping[str, Any]],
        factors: Mapping[str, Levels],
        *,
        measure: str,
        mode: str | None = None,
        seeds: int = 5,
        design: Design = "grid",
        baseline: Mapping[str, Any] | None = None,
        tune: Tuning | None = None,
        tune_by: str | None = None,
        tuning_runs: int = TUNING_RUNS,
        held: Iterable[str] = (),
        seed: int = 0,
        data: Any = None,
        uses: Iterable[Any] = (),
        name: str | None = None,
        question: str | None = None,
    ) -> None:
        held, uses = tuple(held), tuple(uses)  # perhaps iterators, and needed again
        self._given = {
            name: value for name, value in locals().items() if name not in ("self", "run")
        }
        self.function = run
        self.measure = measure
        self.mode = check_mode(mode) or infer_mode(measure)
        self.seeds = _count("seeds", seeds)
        self.design = design
        self.held = check_streams("study", held)
        self.seed = seed
        self.data = data
        self.uses = uses
        self.is_named = name is not None
        self.name = name or run.__name__
        self.question = question or (inspect.getdoc(run) or "").partition("\n")[0]
        self.factors = factors_of(run, factors)
        self.defaults = self._defaults(run, baseline or {})
        self.arms = arms_of(self.factors, self._baseline(), design)
        self.tune = tune
        self.tuning_runs = _count("tuning_runs", tuning_runs)
        self.tune_by = self._tune_by(tune_by)
        self.grids = {arm.label: self._grid(arm) for arm in self.arms}
        _check_budgets(self.grids)
        if len({arm.label for arm in self.arms}) < len(self.arms):
            raise ArgumentError("study: two arms have one name; give levels names with a dict")

    def changed(self, *, baseline: Mapping[str, Any] | None = None, **options: Any) -> Study:
        """The same study with other options, and with further values in its baseline.

        >>> def run(seeds, slope=1.0, epochs=5):
        ...     return {"score": slope * epochs}
        >>> study = Study(run, {"slope": [1.0, 2.0]}, measure="score")
        >>> study.changed(seeds=1, baseline={"epochs": 2}).run(workers=1).values()
        {'slope 1': [2.0], 'slope 2': [4.0]}
        """
        held = {**(self._given["baseline"] or {}), **(baseline or {})}
        return Study(self.function, **{**self._given, "baseline": held, **options})

    # --- what is held --------------------------------------------------------------------------

    def _defaults(self, run: Callable[..., Any], baseline: Mapping[str, Any]) -> dict[str, Any]:
        """The value of each parameter where it is not varied."""
        known = parameters(run)
        for name in baseline:
            if name not in known:
                raise ArgumentError(
                    f"study: baseline has {name!r}, which is no parameter of {run.__name__}(); it "
                    f"has {', '.join(known)}"
                )
        found = {**known, **baseline}
        for name, value in found.items():
            if value is inspect.Parameter.empty:
                if name not in self.factors:
                    raise ArgumentError(
                        f"study: {name!r} is not varied and has no default; give it one in the "
                        "function, or in baseline"
                    )
                found[name] = self.factors[name][0].value
        return found

    def _baseline(self) -> dict[str, Level]:
        """The levels that the defaults are; one that is no level is added, but not to a grid."""
        found = {}
        for factor, levels in self.factors.items():
            value = self.defaults[factor]
            [level] = levels_of("study", factor, [value])
            same = [
                other
                for other in levels
                if other == level or (isinstance(value, str) and other.name == value)
            ]
            if same:
                found[factor] = same[0]
            else:
                found[factor] = level
                if self.design in ("one at a time", "without one"):
                    # "without one" takes the first level in the baseline's place
                    levels.insert(0 if self.design == "one at a time" else len(levels), level)
        return found

    # --- tuning --------------------------------------------------------------------------------

    def _tune_by(self, name: str | None) -> str:
        if self.tune is None:
            if name is not None:
                raise ArgumentError("study: tune_by needs tune, the values that are tried")
            return ""
        if name is None or name.startswith("test"):
            raise ArgumentError(
                "study: tune_by is the quantity of the validation data by which values are chosen, "
                f'such as "val_accuracy"; got {name!r}. Choosing by test data would flatter'
            )
        infer_mode(name)
        return name

    def _grid(self, arm: Arm) -> list[dict[str, Any]]:
        """The values that are tried for an arm."""
        if self.tune is None:
            return []
        given = self.tune(arm.config) if callable(self.tune) else self.tune
        known = parameters(self.function)
        values: dict[str, list[Any]] = {}
        for name in given:
            if name not in known or name in self.factors:
                raise ArgumentError(
                    f"study: tune has {name!r}, which is "
                    + ("varied as a factor" if name in self.factors else "no parameter")
                    + f" of {self.function.__name__}()"
                )
            tried = given[name]
            if not isinstance(tried, (str, Mapping)):
                tried = list(tried)
            values[name] = [level.value for level in levels_of("study: tune", name, tried)]
        return [
            dict(zip(values, choice, strict=True)) for choice in itertools.product(*values.values())
        ]

    # --- running -------------------------------------------------------------------------------

    def run(
        self,
        *,
        folder: str | os.PathLike[str] | None = None,
        workers: int | None = None,
        executor: Executor | None = None,
        progress: bool | None = None,
    ) -> Results:
        """Make the runs that are not there yet, and return them all.

        Args:
            folder: where results are kept, in runs.jsonl; a study that was interrupted, in
                whichever way, goes on from there. Without one they are kept in memory.
            workers: processes, with one thread each; by default one for each processor, and 1
                makes the runs in this process. The numbers are the same.
            executor: any `concurrent.futures.Executor` to make the runs instead, such as Dask's
                `client.get_executor()` or mpi4py's `MPIPoolExecutor()`.
            progress: whether a bar is shown; by default on a terminal.

        Raises:
            ArgumentError: the function cannot be sent to other processes.
            DatasetMissingError: a run found no files of its data set. Its message says where they
                may lie; then the same call goes on.
            KeyboardInterrupt: by Ctrl-C. What was finished is kept.
        """
        if workers is not None and executor is not None:
            raise ArgumentError("study: workers are processes of ours; an executor has its own")
        if workers is not None:
            _count("workers", workers)
        store = Store(folder)
        tuning = len(self.arms) * self.tuning_runs * len(next(iter(self.grids.values())))
        total = tuning + len(self.arms) * self.seeds
        with Bar(self.name, total, shown=progress) as bar:

            def keep(found: dict[str, Any]) -> None:
                store.add(found)
                bar.add(found)

            def make(tasks: list[Task]) -> list[dict[str, Any]]:
                missing = [
                    replace(task, folder=store.folder_of(task.record))
                    for task in tasks
                    if task.record["key"] not in store
                ]
                bar.skip(len(tasks) - len(missing))
                engine.make(missing, keep, workers=workers, executor=executor)
                # a run that was kept may have had another name in another study
                return [{**store[task.record["key"]], **task.record} for task in tasks]

            results = self._results(self._common(), make, store)
        if not any(run["status"] == DONE for run in results.runs):
            why = results.runs[0].get("error") or f"{self.measure} is not finite"
            warnings.warn(
                f"study {self.name}: none of {len(results.runs)} runs gave a number; the first: "
                f"{why}. results.failures() has all, with tracebacks",
                stacklevel=2,
            )
        return results

    def read(self, folder: str | os.PathLike[str]) -> Results:
        """The results that are kept in a folder, whatever code and versions made them.

        `run` makes runs anew that an older dlframe made, or another version of your file; this
        takes them as they are. A run is told by its configuration (without `root`, where data lie),
        its function, stage and seed; of several the newest is taken.

        Raises:
            ArgumentError: a run of this study is not there.

        >>> import tempfile
        >>> def run(seeds, slope=1.0):
        ...     return {"score": slope}
        >>> study, folder = Study(run, {"slope": [1.0, 2.0]}, measure="score"), tempfile.mkdtemp()
        >>> _ = study.run(folder=folder, workers=1)
        >>> study.read(folder).values()["slope 2"]
        [2.0, 2.0, 2.0, 2.0, 2.0]
        """
        store = Store(folder)

        def find(tasks: list[Task]) -> list[dict[str, Any]]:
            found = [store.find(task.record) for task in tasks]
            missing = [task for task, run in zip(tasks, found, strict=True) if run is None]
            if missing:
                record = missing[0].record
                raise ArgumentError(
                    f"study {self.name}: {len(missing)} of {len(tasks)} runs are not in {folder}, "
                    f"such as {record['arm']} with seed {record['seed']}; run() makes them"
                )
            own = ("arm", "levels", "tuned")
            return [
                {**run, **{name: task.record[name] for name in own}}
                for task, run in zip(tasks, found, strict=True)
                if run is not None
            ]

        return self._results({**self._common(), "code": {}, "versions": {}}, find, store)

    def _results(
        self,
        common: Mapping[str, Any],
        make: Callable[[list[Task]], list[dict[str, Any]]],
        store: Store,
    ) -> Results:
        """What is chosen, and the final runs; `make` makes or finds the runs of tasks."""
        tried = make(self._tuning(common))
        chosen = self._chosen(tried)
        runs = make(self._final(common, chosen))
        return Results(self, runs, tried, chosen, common, store)

    def _common(self) -> dict[str, Any]:
        return {
            "function": f"{self.function.__module__}.{self.function.__qualname__}",
            "code": identity.code_of(self.function, self.uses),
            "versions": identity.versions(),
            "data": None if self.data is None else identity.checksum("study: data", self.data),
            "study seed": self.seed,
            "held": list(self.held),
        }

    def _task(
        self,
        common: Mapping[str, Any],
        arm: Arm,
        tuned: Mapping[str, Any],
        number: int,
        stage: str,
    ) -> Task:
        config = {**self.defaults, **arm.config, **tuned}
        plain = {name: identity.resolved(f"study: {name}", value) for name, value in config.items()}
        measure = self.tune_by if stage == "tune" else self.measure
        # `__main__` is the name of a script, whichever; its file's hash tells it from others.
        parts = {**common, "config": plain, "run": number, "stage": stage, "measure": measure}
        if parts["function"].startswith(("__main__.", "__mp_main__.")):
            parts["function"] = parts["function"].partition(".")[2]
        record = {
            "key": identity.key_of(parts),
            "function": parts["function"],
            "stage": stage,
            "arm": arm.label,
            "levels": arm.names,
            "tuned": {name: name_of(value) for name, value in tuned.items()},
            "seed": number,
            "config": plain,
        }
        seeds = Seeds(number, self.seed, stage, self.held)
        return Task(self.function, config, seeds, measure, record)

    def _tuning(self, common: Mapping[str, Any]) -> list[Task]:
        return [
            self._task(common, arm, tuned, number, "tune")
            for arm in self.arms
            for tuned in self.grids[arm.label]
            for number in range(self.tuning_runs)
        ]

    def _chosen(self, tried: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """For each arm the values with the best mean; a run that failed is worse than any."""
        chosen: dict[str, dict[str, Any]] = {}
        results = iter(tried)
        for arm in self.arms:
            best: float | None = None
            chosen[arm.label] = {}
            for tuned in self.grids[arm.label]:
                runs = list(itertools.islice(results, self.tuning_runs))
                if not chosen[arm.label]:
                    chosen[arm.label] = tuned  # where all failed: the first
                if any(run["status"] != DONE for run in runs):
                    continue
                mean = sum(run["values"][self.tune_by] for run in runs) / len(runs)
                if better(mean, best, infer_mode(self.tune_by)):
                    best, chosen[arm.label] = mean, tuned
        return chosen

    def _final(
        self, common: Mapping[str, Any], chosen: Mapping[str, Mapping[str, Any]]
    ) -> list[Task]:
        """Run by run and not arm by arm: what is there early can be compared."""
        return [
            self._task(common, arm, chosen[arm.label], number, "run")
            for number in range(self.seeds)
            for arm in self.arms
        ]


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ArgumentError(f"study: {name} must be a whole number from 1 on; got {value!r}")
    return value


def _check_budgets(grids: Mapping[str, Sequence[Any]]) -> None:
    sizes = {label: len(grid) for label, grid in grids.items()}
    if len(set(sizes.values())) > 1:
        least, most = min(sizes, key=sizes.__getitem__), max(sizes, key=sizes.__getitem__)
        raise ArgumentError(
            f"study: tune tries {sizes[least]} values for {least!r} and {sizes[most]} for "
            f"{most!r}; arms are compared fairly only if as much is tried for each"
        )
