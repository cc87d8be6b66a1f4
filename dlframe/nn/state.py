"""Saves and loads the state of a module, for state_dict and load_state_dict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlframe import states
from dlframe.autograd import mark_mutated
from dlframe.base.printable import printable
from dlframe.errors import StateDictError
from dlframe.nn.parameter import Parameter, UninitializedTensorMixin, is_lazy
from dlframe.tensor import Tensor

if TYPE_CHECKING:
    from dlframe.nn.module import Module

EXTRA_STATE = "_extra_state"


class IncompatibleKeys(NamedTuple):
    """The keys that are only in the module, and those that are only in the loaded dict."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return (
            f"IncompatibleKeys(missing_keys={self.missing_keys}, "
            f"unexpected_keys={self.unexpected_keys})"
        )


# --- saving ------------------------------------------------------------------------------------


def save(
    module: Module, destination: dict[str, Any], prefix: str, keep_vars: bool
) -> dict[str, Any]:
    """Write the state of the module, and then that of its parts, into `destination`."""
    hooks = module._state_hooks
    for hook in hooks.save_pre.values() if hooks else ():
        hook.function(module, prefix, keep_vars)
    for name, tensor in _own_tensors(module):
        destination[prefix + name] = tensor if keep_vars or is_lazy(tensor) else tensor.detach()
    if _overrides(module, "get_extra_state"):
        destination[prefix + EXTRA_STATE] = module.get_extra_state()
    for name, child in module._own_modules():
        # by the method, since a part may define its own state_dict
        child.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
    for hook in hooks.save_post.values() if hooks else ():
        if hook.function(module, destination, prefix, {}) is not None:
            raise RuntimeError("state_dict post-hook must return None; it edits the dict in place")
    return destination


def _own_tensors(module: Module) -> Iterator[tuple[str, Tensor]]:
    """The state of the module itself, in PyTorch's order: parameters, then persistent buffers."""
    yield from module._own_parameters()
    for name, buffer in module._own_buffers():
        if module._buffer_names[name]:
            yield name, buffer


def _overrides(module: Module, method: str) -> bool:
    """Whether the module's class overrides `method` of Module."""
    for cls in module.__class__.__mro__:
        if method in cls.__dict__:
            return cls.__module__ != "dlframe.nn.module"
    return False


# --- loading -----------------------------------------------------------------------------------


class _Copy(NamedTuple):
    """One value to be copied into a module."""

    module: Module
    name: str
    target: Tensor
    source: Any


def load(
    module: Module, state_dict: Mapping[str, Any], strict: bool, assign: bool
) -> IncompatibleKeys:
    """Compare everything, report every mismatch at once, and only then copy."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(
            f"Expected state_dict to be dict-like, got {type(state_dict)}; dl.load(path) gives one"
        )
    incoming = dict(state_dict)  # a copy, since the hooks may rename keys
    for key in incoming:
        if not isinstance(key, str):
            raise StateDictError(f"{type(module).__name__}.load_state_dict: {key!r} is no name")
    keys = IncompatibleKeys([], [])
    errors: list[str] = []
    parts = list(module.named_modules(remove_duplicate=False))
    for path, part in parts:
        for hook in part._state_hooks.load_pre.values() if part._state_hooks else ():
            hook.function(part, incoming, _prefix(path), {}, strict, *keys, errors)
    copies, extras = _compare(parts, incoming, keys, errors, assign)
    post_hooks = [
        (part, hook.function)
        for _, part in reversed(parts)
        for hook in (part._state_hooks.load_post.values() if part._state_hooks else ())
    ]
    if errors or (strict and not post_hooks):
        _raise_mismatches(module, keys, errors, strict)
    # only code of the user's can fail from here on, and then all must be as it was
    touched = [part for _, part in parts] if assign or extras or post_hooks else []
    lazy = [(copy.target, type(copy.target)) for copy in copies if is_lazy(copy.target)]
    ready = [copy.target for copy in copies if touched and not is_lazy(copy.target)]
    values = [(target, target.array.copy()) for target in ready]
    try:
        with states.all_or_nothing(f"{type(module).__name__}.load_state_dict", *touched):
            for copy in copies:
                _assign(copy) if assign else _write(copy)
            for part, extra in extras:
                part.set_extra_state(extra)
            for part, function in post_hooks:
                if function(part, keys) is not None:
                    raise RuntimeError(
                        "a load_state_dict post-hook must return None; it edits the lists in place"
                    )
            if strict:  # again, because a post-hook may have removed or added keys
                _raise_mismatches(module, keys, errors, strict)
    except BaseException:
        for target, value in values:
            if target.array.flags.writeable:
                target.array[...] = value
        for target, kind in lazy:
            target.__class__ = kind
        raise
    return keys


def _prefix(path: str) -> str:
    return f"{path}." if path else ""


def _compare(
    parts: list[tuple[str, Module]],
    incoming: dict[str, Any],
    keys: IncompatibleKeys,
    errors: list[str],
    assign: bool,
) -> tuple[list[_Copy], list[tuple[Module, Any]]]:
    """The copies to make; values that do not fit go into `keys` and `errors`."""
    copies: list[_Copy] = []
    extras: list[tuple[Module, Any]] = []
    expected: set[str] = set()
    for path, part in parts:
        for name, target in _own_tensors(part):
            key = _prefix(path) + name
            expected.add(key)
            if key not in incoming:
                if name not in part._optional_state:
                    keys.missing_keys.append(key)
                continue
            if is_lazy(target) and is_lazy(incoming[key]):
                continue  # neither has a value
            source = _fit_scalar(_array_or_none(incoming[key]), target)
            error = _mismatch(key, source, incoming[key], target, assign)
            if error:
                errors.append(error)
            else:
                given = incoming[key] if assign and isinstance(incoming[key], Tensor) else source
                copies.append(_Copy(part, name, target, given))
        if _overrides(part, "set_extra_state"):
            key = _prefix(path) + EXTRA_STATE
            expected.add(key)
            if key in incoming:
                extras.append((part, incoming[key]))
            else:
                keys.missing_keys.append(key)
    keys.unexpected_keys.extend(key for key in incoming if key not in expected)
    return copies, extras


def _array_or_none(value: Any) -> np.ndarray | None:
    """The values as an array, without a copy; None if `value` has none."""
    if is_lazy(value):
        return None
    if isinstance(value, Tensor):
        return value.array
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, np.generic) or hasattr(value, "__array__"):  # other libraries' tensors
        return np.asarray(value)
    return None


def _fit_scalar(source: np.ndarray | None, target: Tensor) -> np.ndarray | None:
    """A value for a 0-d target may have shape (1,), as in files of PyTorch before 0.4."""
    if source is not None and source.shape == (1,) and not is_lazy(target) and target.ndim == 0:
        return source.reshape(())
    return source


def _mismatch(
    key: str, source: np.ndarray | None, given: Any, target: Tensor, assign: bool
) -> str | None:
    """The reason why `source` cannot be the value of `target`, or None if it can."""
    if is_lazy(given):
        return (
            f"{key} has no size yet in checkpoint, it is {given!r}: save the state of a lazy model "
            "after its first call."
        )
    if source is None:
        return (
            f'While copying the parameter named "{key}", expected a Tensor or an array '
            f"from checkpoint but received {type(given)}"
        )
    # a lazy target takes the shape of what is loaded
    here = np.empty_like(source, target.dtype) if is_lazy(target) else target.array
    if source.shape != here.shape:
        return (
            f"size mismatch for {key}: copying a param with shape {source.shape} from checkpoint, "
            f"the shape in current model is {here.shape}."
        )
    if assign and target.requires_grad and source.dtype.kind != "f":
        return f"dtype mismatch for {key}: a parameter is floating-point, got {source.dtype}."
    counts = source.dtype.kind == "f" and here.dtype.kind in "iu"  # of whole numbers, as 3.0
    if not assign and not counts and not np.can_cast(source.dtype, here.dtype, "same_kind"):
        return (
            f"dtype mismatch for {key}: {source.dtype} in checkpoint cannot become the "
            f"{here.dtype} of the current model without losing more than precision."
        )
    if not assign and not _keeps_numbers(source, here.dtype):
        if counts:
            return (
                f"dtype mismatch for {key}: {source.dtype} in checkpoint cannot become the "
                f"{here.dtype} of the current model, because not all are whole numbers: leave "
                "counters out of an average, or round them."
            )
        return f"dtype mismatch for {key}: some values do not fit into {here.dtype}."
    if not assign and not here.flags.writeable:
        return f"{key} in the current model is read-only; pass assign=True to replace it."
    return None


def _keeps_numbers(source: np.ndarray, dtype: np.dtype) -> bool:
    """Whether a smaller dtype holds the values: integers exactly, finite floats as finite ones."""
    if np.can_cast(source.dtype, dtype):
        return True
    with np.errstate(all="ignore"):
        cast = source.astype(dtype)
    if dtype.kind in "iu":
        return bool((cast == source).all())
    return bool((np.isfinite(cast) | ~np.isfinite(source)).all())


def _raise_mismatches(
    module: Module, keys: IncompatibleKeys, errors: list[str], strict: bool
) -> None:
    messages = list(errors)
    if strict:
        for what, names in (("Unexpected", keys.unexpected_keys), ("Missing", keys.missing_keys)):
            if names:
                listed = ", ".join(f'"{printable(name, longest=200)}"' for name in names)
                messages.insert(0, f"{what} key(s) in state_dict: {listed}. ")
        messages += _renaming_hint(keys)
    if messages:
        messages += _hidden_hint(module)
        raise StateDictError(
            "Error(s) in loading state_dict for {}:\n\t{}".format(
                module.__class__.__name__, "\n\t".join(messages)
            )
        )


def _hidden_hint(module: Module) -> list[str]:
    """Advice if modules or parameters lie in plain lists, where no state is looked for."""
    for path, part in module.named_modules():
        for name, value in part.__dict__.items():
            if name in ("_empty_slots", "_buffer_names"):
                continue
            held = value.values() if isinstance(value, dict) else value
            if isinstance(value, (list, tuple, dict)) and any(
                isinstance(each, Parameter) or hasattr(each, "named_parameters") for each in held
            ):
                text = (
                    f"{_prefix(path)}{name} is a plain {type(value).__name__}, so what it holds "
                    "has no place in the state: use nn.ModuleList or nn.ModuleDict, or "
                    "nn.ParameterList or nn.ParameterDict."
                )
                return [text]
    return []


def _renaming_hint(keys: IncompatibleKeys) -> list[str]:
    """Advice if the names differ only by a prefix, as after wrapping a model."""
    missing, unexpected = keys
    if not missing or len(missing) != len(unexpected):
        return []
    longer, shorter, new_key = unexpected, missing, 'k.removeprefix("{}")'
    if len(unexpected[0]) < len(missing[0]):
        longer, shorter, new_key = missing, unexpected, '"{}" + k'
    prefix = longer[0].removesuffix(shorter[0])
    if sorted(longer) != sorted(prefix + name for name in shorter):
        return []
    new_key = new_key.format(prefix)
    return [f"The names differ by {prefix!r} only: load {{{new_key}: v for k, v in …}}."]


def _write(copy: _Copy) -> None:
    if isinstance(copy.target, UninitializedTensorMixin):
        copy.target.materialize(copy.source.shape)
    np.copyto(copy.target.array, copy.source, casting="unsafe")  # _mismatch has checked it
    mark_mutated(copy.target.array, "load_state_dict")


def _assign(copy: _Copy) -> None:
    tensor = copy.source if isinstance(copy.source, Tensor) else Tensor(copy.source)
    if isinstance(copy.target, Parameter):
        requires_grad = copy.target.requires_grad
        if not isinstance(tensor, Parameter):
            tensor = Parameter(tensor, requires_grad)
        tensor.requires_grad = requires_grad
    setattr(copy.module, copy.name, tensor)
