"""Names with options on the command line: `--scheduler step gamma=0.5 step_size=10`.

A name is that of a class, or a short form of it, in any case and with or without `_` and `-`; what
follows are arguments of the class, each as KEY=VALUE. Optimizers, schedules and regularizers are
given in this way, and are stored as `{"name": ..., "arguments": {...}}`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dlframe import plugins, states
from dlframe.base.printable import error_text, printable
from dlframe.cli.names import UsageError
from dlframe.errors import PluginError, did_you_mean
from dlframe.nn import Module
from dlframe.optim import SAM, Optimizer, Regularizer, lr_scheduler, regularization, swa_utils
from dlframe.training import Callback

Named = dict[str, Any]


# --- what there is -----------------------------------------------------------------------------

# made of functions or of other schedules, which no command line can hold
_NOT_PLAIN = {
    "ChainedScheduler", "LRScheduler", "LambdaLR", "MultiplicativeLR", "SequentialLR",
}  # fmt: skip
_BASES = {"Constraint", "OutputPenalty", "Penalty", "Regularizer", "StepHook"}
_SHORTER = {
    "CosineAnnealingLR": "cosine",
    "CosineAnnealingWarmRestarts": "restarts",
    "ReduceLROnPlateau": "plateau",
}

SCHEDULE_CLASSES: dict[str, Any] = {
    name: getattr(lr_scheduler, name) for name in lr_scheduler.__all__ if name not in _NOT_PLAIN
} | {"SWALR": swa_utils.SWALR}
REGULARIZER_CLASSES: dict[str, Any] = {
    name: kind
    for name in regularization.__all__
    if isinstance(kind := getattr(regularization, name), type) and name not in _BASES
}


def _short(name: str) -> str:
    """The usual form of a class's name on the command line: one_cycle for OneCycleLR."""
    words = re.sub("(?<=[a-z])(?=[A-Z])", "_", name.removesuffix("LR"))
    return _SHORTER.get(name, words.lower())


SCHEDULES = {"none": "none", **{_short(name): name for name in SCHEDULE_CLASSES}}
REGULARIZERS = {_short(name): name for name in sorted(REGULARIZER_CLASSES)}

# what the run passes, and no user
_PASSED = {"optimizer", "last_epoch", "model", "loss", "generator", "params", "tensor"}
_LISTS = {"milestones", "betas"}  # also where there is one value only


# --- words to names and arguments --------------------------------------------------------------


def chosen(
    option: str, words: Sequence[str], known: Mapping[str, str], meant: str | None = None
) -> Named:
    """The name and the arguments of the words after an option; UsageError for an unknown name.

    `meant` is what an unknown name is called here, where that is known.
    """
    plain = {_plain(short): full for short, full in known.items()}
    plain |= {_plain(full): full for full in known.values()}
    name = plain.get(_plain(words[0]))
    if name is None:
        hint = f" It is {meant} here." if meant else did_you_mean(words[0], list(known))
        raise UsageError(f"{option}: there is no {words[0]!r}.{hint} Known: {', '.join(known)}")
    return {"name": name, "arguments": arguments(option, words[1:])}


def _plain(name: str) -> str:
    return re.sub("[_-]", "", name).lower()


def arguments(option: str, words: Iterable[str]) -> dict[str, Any]:
    """The arguments in words such as `gamma=0.5`; UsageError for others.

    >>> arguments("--scheduler", ["milestones=10,20", "gamma=0.5"])
    {'milestones': [10, 20], 'gamma': 0.5}
    """
    found: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not (key.isidentifier() and equals and text):
            raise UsageError(f"{option}: expected KEY=VALUE, such as gamma=0.5; got {word!r}")
        if key in found:
            raise UsageError(f"{option}: {key} is given twice")
        value = [_value(part) for part in text.split(",") if part]
        found[key] = value if "," in text or key in _LISTS else _value(text)
    return found


def _value(text: str) -> Any:
    """A number, True, False or None, or the text itself.

    >>> [_value(text) for text in ("3", "1e-3", "true", "None", "cos")]
    [3, 0.001, True, None, 'cos']
    """
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def check_arguments(option: str, kind: Any, given: Mapping[str, Any], *more: str) -> None:
    """Raise UsageError for an argument that a class does not have.

    `more` are arguments of the command line's own.
    """
    known = [name for name in parameters_of(kind) if name not in _PASSED]
    for key in given:
        if key not in (*known, *more):
            raise UsageError(
                f"{option}: {kind.__name__} has no {key!r}."
                f"{did_you_mean(key, [*known, *more])} It has {', '.join([*known, *more])}"
            )


def parameters_of(kind: Any) -> dict[str, inspect.Parameter]:
    """The parameters that can be given by name; none, where a plugin's class does not tell."""
    try:
        known = inspect.signature(kind).parameters
    except (TypeError, ValueError):
        return {}
    any_number = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {name: one for name, one in known.items() if one.kind not in any_number}


def check_needed(option: str, kind: Any, given: Collection[str], name: str) -> None:
    """Raise UsageError for arguments without a default that are not given."""
    needed = [
        key
        for key, one in parameters_of(kind).items()
        if one.default is one.empty and key not in given
    ]
    if needed:
        raise UsageError(f"{option}: {name} needs {', '.join(f'{key}=…' for key in needed)}")


def made(option: str, kind: Any, passed: Mapping[str, Any], given: Mapping[str, Any]) -> Any:
    """An object of a class; UsageError if it cannot be made with these arguments."""
    parameters = parameters_of(kind)
    check_needed(option, kind, {*passed, *given}, kind.__name__)
    try:
        return kind(**{key: value for key, value in passed.items() if key in parameters}, **given)
    except Exception as error:  # whatever a wrong value leads to is the user's to mend
        raise UsageError(cannot(option, kind.__name__, given, error)) from error


def cannot(option: str, name: str, given: Mapping[str, Any], error: BaseException) -> str:
    """What a class says of its arguments; where it says nothing of them, also what they were."""
    said = printable(error_text(error))
    if isinstance(error, ValueError) or not given:  # a message of our own
        return f"{option}: {name}: {said}"
    values = printable(" ".join(f"{key}={_text(value)}" for key, value in given.items()))
    return f"{option}: {name} does not work with {values} ({said})"


def described(named: Named) -> str:
    """As on the command line, for a message."""
    words = [f"{key}={_text(value)}" for key, value in named["arguments"].items()]
    return printable(" ".join([named["name"], *words]), longest=200)


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


# --- schedules ---------------------------------------------------------------------------------

# the argument that says how long a schedule takes
_LENGTHS = {
    "CosineAnnealingLR": "T_max",
    "LinearLR": "total_iters",
    "OneCycleLR": "total_steps",
    "PolynomialLR": "total_iters",
}
_DEFAULTS: dict[str, Callable[[int, float], dict[str, Any]]] = {
    "CosineAnnealingLR": lambda n, lr: {"T_max": n},
    "LinearLR": lambda n, lr: {"start_factor": 1.0, "end_factor": 1 / n, "total_iters": n},
    "OneCycleLR": lambda n, lr: {"max_lr": lr, "total_steps": n},
    "PolynomialLR": lambda n, lr: {"total_iters": n},
    "ReduceLROnPlateau": lambda n, lr: {"patience": 3},
    "StepLR": lambda n, lr: {"step_size": max(1, n // 3)},
}


def scheduler(words: Sequence[str]) -> Named:
    """The schedule of `--scheduler NAME [KEY=VALUE …]`."""
    named = chosen("--scheduler", words, SCHEDULES)
    if named["name"] != "none":
        kind = SCHEDULE_CLASSES[named["name"]]
        check_arguments("--scheduler", kind, named["arguments"], "interval")
    elif named["arguments"]:
        raise UsageError("--scheduler: none has no options")
    return named


def ends_with_the_run(schedule: Named) -> bool:
    """Whether a schedule is made for the number of epochs, so that it cannot go on after them."""
    given = schedule["arguments"].keys()
    third = schedule["name"] == "StepLR" and "step_size" not in given  # a third of the run
    return third or _is_as_long_as_the_run(schedule)


def _is_as_long_as_the_run(schedule: Named) -> bool:
    length = _LENGTHS.get(schedule["name"])
    return length is not None and not {length, "epochs"} & schedule["arguments"].keys()


def make_scheduler(
    schedule: Named, optimizer: Optimizer, epochs: int, batches: int
) -> tuple[Any, str]:
    """The schedule and its interval, "epoch" or "batch".

    A schedule that is as long as the run ends with its last batch; one whose length is given counts
    epochs, unless `interval=batch` says otherwise.
    """
    name, given = schedule["name"], dict(schedule["arguments"])
    if name == "none":
        return None, "epoch"
    per_batch = _is_as_long_as_the_run(schedule) or name == "CyclicLR"
    interval = given.pop("interval", "batch" if per_batch else "epoch")
    if interval not in ("epoch", "batch"):
        raise UsageError(f"--scheduler: interval is epoch or batch; got {printable(interval)}")
    if name == "ReduceLROnPlateau" and interval == "batch":
        raise UsageError("--scheduler: plateau watches a value that is known once per epoch")
    if name == "ReduceLROnPlateau" and given.get("mode") == "max":
        raise UsageError("--scheduler: plateau watches val_loss, which falls; leave out mode=max")
    steps = epochs * (batches if interval == "batch" else 1)
    lr = float(optimizer.param_groups[0]["lr"])
    defaults = _DEFAULTS[name](steps, lr) if name in _DEFAULTS else {}
    if "epochs" in given:  # OneCycleLR has two ways to say its length
        defaults.pop("total_steps", None)
    one = made("--scheduler", SCHEDULE_CLASSES[name], {"optimizer": optimizer}, defaults | given)
    _try_out(one, given)
    return one, interval


def _try_out(schedule: Any, given: Mapping[str, Any]) -> None:
    """Raise UsageError for arguments with which no step can be made."""
    measured = {"metrics": [1.0] * 3} if type(schedule).__name__ == "ReduceLROnPlateau" else {}
    try:
        schedule.course(3, **measured)
    except Exception as error:  # whatever a wrong value leads to is the user's to mend
        name = type(schedule).__name__
        raise UsageError(cannot("--scheduler", name, given, error)) from error


# --- regularizers ------------------------------------------------------------------------------


def regularizer(words: Sequence[str]) -> Named:
    """A regularizer of `--regularizer NAME [KEY=VALUE …]`."""
    named = chosen("--regularizer", words, REGULARIZERS)
    check_arguments("--regularizer", REGULARIZER_CLASSES[named["name"]], named["arguments"])
    return named


def make_regularizers(
    all_of_them: Sequence[Named], model: Module, loss: Module, optimizer: Optimizer
) -> tuple[list[Regularizer], Optimizer]:
    """The regularizers, and the optimizer, which SAM wraps."""
    found = []
    for named in all_of_them:
        kind = REGULARIZER_CLASSES[named["name"]]
        passed = {"model": model, "loss": loss, "optimizer": optimizer}
        passed = {k: v for k, v in passed.items() if k in inspect.signature(kind).parameters}
        one = made("--regularizer", kind, passed, named["arguments"])
        if isinstance(one, SAM):
            optimizer = one
        else:
            found.append(one)
    return found, optimizer


# --- trackers ----------------------------------------------------------------------------------

TRACKER_CLASSES = {
    "tensorboard": "TensorBoard",
    "mlflow": "MLflowLogger",
    "wandb": "WandbLogger",
    "aim": "AimLogger",
}
_NAMES = {"MLflowLogger": "run_name", "WandbLogger": "name", "AimLogger": "run_name"}


def tracker(words: Sequence[str], folder: Path, board: Path) -> Callback:
    """The callback of `--tracker NAME [KEY=VALUE …]`: a tracker, or a plugin's callback.

    TensorBoard writes into `board`, and the others call the run as its folder.
    """
    name = TRACKER_CLASSES.get(_plain(words[0]), words[0])
    try:
        kind = plugins.get("callbacks", name)
        name = plugins.full_name("callbacks", name)
    except PluginError as error:
        raise UsageError(
            f"--tracker: {error} The trackers are {', '.join(TRACKER_CLASSES)}"
        ) from error
    own = name in plugins.core_names("callbacks")
    if own and name not in TRACKER_CLASSES.values():
        raise UsageError(
            f"--tracker: {name} is no tracker. The trackers are {', '.join(TRACKER_CLASSES)}, and "
            "the callbacks of plugins"
        )
    given = arguments("--tracker", words[1:])
    usual: dict[str, Any] = {"log_dir": board} if name == "TensorBoard" else {}
    if name in _NAMES:
        usual[_NAMES[name]] = folder.name
    if own and not _takes_more(kind):
        check_arguments("--tracker", kind, given)
    one = made("--tracker", kind, {}, usual | given)
    if not isinstance(one, Callback):
        raise UsageError(f"--tracker: {name} makes a {type(one).__name__}, not a Callback")
    return one


def _takes_more(kind: Any) -> bool:
    """Whether a class takes arguments of any name, for the engine behind it."""
    kinds = [one.kind for one in inspect.signature(kind).parameters.values()]
    return inspect.Parameter.VAR_KEYWORD in kinds


# --- forms -------------------------------------------------------------------------------------


def plain_value(value: Any) -> Any:
    """The form of an argument in a description: a number, a text, True, False, None, or a list."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (list, tuple)):
        return states.listed(states.number)(list(value))
    return states.number(value)


def named_form(known: Iterable[str] | None = None) -> states.Form:
    """The form of a name with arguments in a description; with None, of any name."""
    names = states.text if known is None else states.one_of(*known)
    is_dict = states.mapping(states.plain)
    arguments = states.mapping(plain_value)

    def form(value: Any) -> Named:
        if isinstance(value, str):  # runs of earlier versions have a short name alone
            return {"name": names(SCHEDULES.get(value, value)), "arguments": {}}
        parts = is_dict(value)
        return {"name": names(parts.get("name")), "arguments": arguments(parts.get("arguments"))}

    return form
