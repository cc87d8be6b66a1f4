"""Modules as functions of their parameters, for `grad` and `vmap`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from dlframe.errors import StateDictError
from dlframe.ops.record import TensorBase
from dlframe.tensor.functions import stack

Tensors = dict[str, Any]

# Where `functional_call` has put other tensors, while it runs: (id of the module, attribute).
replaced: ContextVar[frozenset[tuple[int, str]]] = ContextVar("replaced", default=frozenset())


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: Tensors | Sequence[Tensors],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call `module` with these parameters and buffers instead of its own.

    Args:
        module: the module; it is not changed.
        parameter_and_buffer_dicts: tensors by their dotted names, in one dict or in several. For
            other names the module uses its own tensors. If the module replaces a buffer by another
            tensor, it is replaced in the (single) dict too.
        args: a tuple of arguments; anything else is the only argument.
        kwargs: its keyword arguments.
        tie_weights: a parameter under several names is replaced under all of them.
        strict: require all names, and no others.

    Raises:
        ValueError: one name in two dicts, or two values for tied parameters.
        StateDictError: with `strict`, names that are missing or unexpected.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> model = nn.Linear(2, 1)
    >>> dl.func.functional_call(model, {"weight": dl.ones(1, 2), "bias": dl.zeros(1)}, dl.ones(2))
    tensor([2.])
    """
    given = _one_dict(parameter_and_buffer_dicts)
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with _replaced(module, given, tie_weights, strict):
        return module(*args, **(kwargs or {}))


def stack_module_state(models: Sequence[Any]) -> tuple[Tensors, Tensors]:
    """The parameters and the buffers of models of one kind, stacked along a new dimension 0.

    With `functional_call` and `vmap` the models then run as one:

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> models = [nn.Linear(3, 2) for _ in range(5)]
    >>> params, buffers = dl.func.stack_module_state(models)
    >>> run = lambda p, b, x: dl.func.functional_call(models[0], (p, b), x)
    >>> dl.vmap(run, in_dims=(0, 0, None))(params, buffers, dl.ones(4, 3)).shape
    (5, 4, 2)
    """
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if not (all(m.training for m in models) or not any(m.training for m in models)):
        raise RuntimeError(
            "stack_module_state: Expected all models to have the same training/eval mode."
        )
    if not all(type(m) is type(models[0]) for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    return (
        _stacked([dict(m.named_parameters()) for m in models]),
        _stacked([dict(m.named_buffers()) for m in models]),
    )


def _stacked(states: list[Tensors]) -> Tensors:
    stacked = {}
    for name, first in states[0].items():
        tensor = stack([state[name].detach() for state in states])
        stacked[name] = tensor.requires_grad_(first.requires_grad)
    return stacked


def replace_all_batch_norm_modules_(root: Any) -> Any:
    """Remove the running statistics of the batch normalizations in `root`.

    `vmap` cannot write them. The statistics of each batch are used then, also in evaluation mode.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> model = dl.func.replace_all_batch_norm_modules_(nn.Sequential(nn.BatchNorm1d(2)))
    >>> model[0].running_mean is None
    True
    """
    for module in root.modules():
        if hasattr(module, "track_running_stats") and "running_mean" in vars(module):
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root


# --- replacing ---------------------------------------------------------------------------------


def _one_dict(given: Any) -> Tensors:
    if isinstance(given, dict):
        return given
    if not isinstance(given, Sequence):
        raise ValueError(
            "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
            f"{type(given)}"
        )
    if not all(isinstance(d, dict) for d in given):
        raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
    names = [name for d in given for name in d]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(
            f"{repeated} appeared in multiple dictionaries; behavior of functional call is "
            "ambiguous"
        )
    return {name: value for d in given for name, value in d.items()}


@contextmanager
def _replaced(module: Any, given: Tensors, tie_weights: bool, strict: bool) -> Iterator[None]:
    values = _tied(module, given) if tie_weights else given
    if strict:
        _check_names(module, values)
    places = {name: _place(module, name) for name in values}
    before = {name: vars(owner).get(key) for name, (owner, key) in places.items()}
    here = {(id(owner), key) for owner, key in places.values()}
    token = replaced.set(replaced.get() | here)
    try:
        # not by the module's own assignment, which would register new parameters
        for name, (owner, key) in places.items():
            vars(owner)[key] = values[name]
        yield
    finally:
        replaced.reset(token)
        for name, (owner, key) in places.items():
            if name in given and vars(owner)[key] is not values[name]:
                given[name] = vars(owner)[key]  # the tensor that forward assigned, for the caller
            vars(owner)[key] = before[name]


def _place(module: Any, name: str) -> tuple[Any, str]:
    path, _, key = name.rpartition(".")
    owner = module.get_submodule(path)
    if key not in vars(owner):
        raise AttributeError(f"{type(owner).__name__} has no attribute `{key}`")
    current = vars(owner)[key]
    if current is not None and not isinstance(current, TensorBase):
        raise TypeError(f"{name} is not a tensor of the module, but {type(current).__name__}")
    return owner, key


def _all_tensors(module: Any) -> Tensors:
    return {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }


def _tied(module: Any, given: Tensors) -> Tensors:
    """`given`, with each value also under the other names of its tensor."""
    groups: dict[int, list[str]] = {}
    for name, tensor in _all_tensors(module).items():
        groups.setdefault(id(tensor), []).append(name)
    values = dict(given)
    for names in groups.values():
        passed = [name for name in names if name in given]
        if len(names) < 2 or not passed:
            continue
        if any(given[name] is not given[passed[0]] for name in passed):
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(names)}, which are tied. "
                "Consider using tie_weights=False"
            )
        values.update(dict.fromkeys(names, given[passed[0]]))
    return values


def _check_names(module: Any, values: Tensors) -> None:
    known = _all_tensors(module)
    unexpected = [name for name in values if name not in known]
    missing = [name for name in known if name not in values]
    lines = []
    if unexpected:
        lines.append(f"Unexpected key(s): {', '.join(map(repr, unexpected))}.")
    if missing:
        lines.append(f"Missing key(s): {', '.join(map(repr, missing))}.")
    if lines:
        raise StateDictError(
            f"Error(s) in reparametrizing for {type(module).__name__}:\n\t" + "\n\t".join(lines)
        )


__all__ = ["functional_call", "replace_all_batch_norm_modules_", "stack_module_state"]
