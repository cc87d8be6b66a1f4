"""Parametrizations: a parameter that is computed from another one each time it is read.

`register_parametrization(layer, "weight", Symmetric())` moves the parameter to
`layer.parametrizations.weight.original`, which is what an optimizer trains and a state holds.
`layer.weight` becomes a property, whose value is `Symmetric()(original)`. The property lies in a
class of the layer's own, made for it; so the layer's code stays as it is.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from dlframe.autograd import is_grad_enabled, no_grad
from dlframe.errors import ArgumentError
from dlframe.nn.container import ModuleDict, ModuleList
from dlframe.nn.module import Module
from dlframe.nn.parameter import Buffer, Parameter
from dlframe.tensor import Tensor

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

# (module, name, whether gradients are recorded) -> the value; None outside of `cached()`
_cache: ContextVar[dict[Any, Tensor] | None] = ContextVar("parametrized", default=None)


@contextmanager
def cached() -> Iterator[None]:
    """A context in which each parametrized tensor is computed once, at its first use.

    It is for models that use one weight several times in a forward, as recurrent ones do. Do not
    step an optimizer inside: the values would stay those of the old parameters.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> from dlframe.nn.utils import parametrizations, parametrize
    >>> layer = parametrizations.weight_norm(nn.Linear(2, 3))
    >>> with parametrize.cached():
    ...     layer.weight is layer.weight
    True
    """
    if _cache.get() is not None:  # the outermost context decides how long values are kept
        yield
        return
    token = _cache.set({})
    try:
        yield
    finally:
        _cache.reset(token)


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, in the order in which they are applied.

    Its parameter `original` (or `original0`, `original1`, … if the first parametrization takes
    several) is what is trained. `register_parametrization` makes such lists.

    Args:
        modules: the parametrizations.
        original: the parameter or buffer that is parametrized.
        unsafe: whether the result may have another shape or dtype than the original.
    """

    original: Tensor
    unsafe: bool

    def __init__(
        self, modules: Sequence[Module], original: Tensor | Parameter, unsafe: bool = False
    ) -> None:
        if len(modules) == 0:
            raise ArgumentError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        before = original.array.shape, original.array.dtype
        new = self._inverted(original, required=False)
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if isinstance(new, Tensor) else len(new)
        if isinstance(new, Tensor):
            _check_dtype("right_inverse", new, original)
            original.array = new.array  # the same object, so that an optimizer still knows it
            _register(self, "original", original)
        else:
            for i, part in enumerate(new):
                _register(self, f"original{i}", _own_part(part, original))
        if not unsafe:
            _check_kept("Registering a parametrization", self(), *before)

    def _inverted(self, value: Any, *, required: bool) -> Any:
        """The originals that give `value`; one without a `right_inverse` is taken as identity."""
        with no_grad():
            for module in reversed(self._layers()):
                if hasattr(module, "right_inverse"):
                    try:
                        value = module.right_inverse(value)
                    except NotImplementedError:
                        if required:
                            raise
                elif required:
                    raise ArgumentError(
                        f"parametrization {type(module).__name__} does not implement "
                        "right_inverse, so no value can be assigned; define right_inverse(value)"
                    )
        parts = value if isinstance(value, Sequence) else [value]
        if not all(isinstance(part, Tensor) for part in parts):
            raise ArgumentError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {', '.join(type(part).__name__ for part in parts)}"
            )
        return value

    def originals(self) -> list[Tensor]:
        """The tensors that the first parametrization takes."""
        if self.is_tensor:
            return [self.original]
        return [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals so that the result is `value`: what an assignment does."""
        new = self._inverted(value, required=True)
        parts = [new] if isinstance(new, Tensor) else list(new)
        if isinstance(new, Tensor) != self.is_tensor or len(parts) != self.ntensors:
            raise ArgumentError(
                f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. "
                f"Got a sequence of length {len(parts)}."
            )
        for part, original in zip(parts, self.originals(), strict=True):
            _check_dtype("right_inverse", part, original)
        for part, original in zip(parts, self.originals(), strict=True):
            original.array = part.array

    def forward(self) -> Tensor:
        """The parametrized tensor."""
        first, *others = self._layers()
        x: Tensor = first(*self.originals())
        for module in others:
            x = module(x)
        return x


def _own_part(part: Tensor, original: Tensor) -> Tensor:
    """One of several originals: a parameter if the original was one."""
    if isinstance(original, Parameter):
        return Parameter(part.detach(), original.requires_grad)
    return part.detach().requires_grad_(original.requires_grad)


def _register(module: Module, name: str, value: Tensor) -> None:
    if isinstance(value, Parameter):
        module.register_parameter(name, value)
    else:
        module.register_buffer(name, value)


# --- checks ------------------------------------------------------------------------------------


def _check_dtype(what: str, new: Tensor, original: Tensor) -> None:
    if new.dtype != original.dtype:
        raise ArgumentError(
            f"{what} may not change the dtype: it returned {new.dtype} for {original.dtype}; "
            "convert with .to(dtype)"
        )


def _check_kept(what: str, new: Any, shape: tuple[int, ...], dtype: Any) -> None:
    """Raise unless `new` is a tensor of this shape and dtype."""
    if not isinstance(new, Tensor):
        raise ArgumentError(f"A parametrization must return a tensor. Got {type(new).__name__}.")
    if new.dtype != dtype:
        raise ArgumentError(
            f"{what} may not change the dtype of the tensor, unless the `unsafe` flag is enabled: "
            f"got {new.dtype} for {dtype}"
        )
    if new.array.shape != shape:
        raise ArgumentError(
            f"{what} may not change the shape of the tensor, unless the `unsafe` flag is enabled: "
            f"got {list(new.array.shape)} for {list(shape)}"
        )


# --- the class of a parametrized module --------------------------------------------------------


def _class_with(base: type[Module], names: Sequence[str]) -> type[Module]:
    """A subclass of `base` in which these names are computed.

    Each module has a class of its own, so that one whose copy is changed stays as it is.
    """
    methods: dict[str, Any] = {"__getstate__": _no_state, "__module__": base.__module__}
    if not hasattr(base, "__deepcopy__"):
        methods["__deepcopy__"] = _deep_copy
    properties = {name: _computed(name) for name in names}
    return type(f"Parametrized{base.__name__}", (base,), methods | properties)


def _computed(name: str) -> property:
    """The attribute `name`, computed by `parametrizations.name`."""

    def get(module: Any) -> Tensor:
        values = _cache.get()
        if values is None:
            value: Tensor = module.parametrizations[name]()
            return value
        key = module, name, is_grad_enabled()
        if key not in values:
            values[key] = module.parametrizations[name]()
        return values[key]

    def set(module: Any, value: Tensor) -> None:
        module.parametrizations[name].right_inverse(value)

    return property(get, set, doc=f"Computed by `parametrizations.{name}`.")


def _no_state(module: Module) -> Any:
    raise RuntimeError(
        "Serialization of parametrized modules is only supported through state_dict()."
    )


def _deep_copy(module: Module, memo: dict[int, Any]) -> Module:
    copied = object.__new__(type(module))
    memo[id(module)] = copied
    copied.__dict__.update(copy.deepcopy(module.__dict__, memo))
    return copied


# --- the functions -----------------------------------------------------------------------------


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Compute `module.tensor_name` by `parametrization` from now on; returns the module.

    A second one is applied to the result of the first. If a parametrization defines
    `right_inverse(value)`, `module.tensor_name = value` sets the originals by it, and the original
    starts from it; it may return several tensors, which `forward` then takes.

    Args:
        module: the module, which gets a class of its own.
        tensor_name: the name of a parameter, a buffer, or a tensor that is parametrized already.
        parametrization: from the original to the tensor, of the same shape and dtype.
        unsafe: allow another shape or dtype, and check nothing.

    Raises:
        ArgumentError: there is no such tensor, or the result has another shape or dtype.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> from dlframe.nn.utils import parametrize
    >>> class Symmetric(nn.Module):
    ...     def forward(self, x):
    ...         return x.triu() + x.triu(1).T
    >>> layer = parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    >>> bool((layer.weight == layer.weight.T).all())
    True
    >>> list(layer.state_dict())
    ['bias', 'parametrizations.weight.original']
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        _add(module, tensor_name, parametrization, unsafe)
        return module
    original = getattr(module, tensor_name, None)
    if module._slot(tensor_name) not in (Parameter, Buffer) or original is None:
        raise ArgumentError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element "
            f"with name '{tensor_name}'"
        )
    listed = ParametrizationList([parametrization], original, unsafe)
    delattr(module, tensor_name)
    names = [tensor_name]
    if is_parametrized(module):
        names += _parametrizations(module)
    else:
        module.add_module("parametrizations", ModuleDict())
    module.__class__ = _class_with(_plain_class(module, len(names) > 1), names)
    _parametrizations(module)[tensor_name] = listed
    return module


def _add(module: Module, name: str, parametrization: Module, unsafe: bool) -> None:
    """Apply one more parametrization to a tensor that has some."""
    listed: Any = _parametrizations(module)[name]
    if not unsafe:
        y = getattr(module, name)
        x = parametrization(y)
        _check_kept("Registering a parametrization", x, y.array.shape, y.dtype)
        if hasattr(parametrization, "right_inverse"):
            try:
                z = parametrization.right_inverse(x)
            except NotImplementedError:
                pass
            else:
                _check_kept("parametrization.right_inverse", z, y.array.shape, y.dtype)
    listed.append(parametrization)
    listed.unsafe |= unsafe


def _parametrizations(module: Module) -> ModuleDict:
    found: ModuleDict = module.parametrizations  # type: ignore[attr-defined]  # made at run time
    return found


def _plain_class(module: Module, parametrized: bool) -> type[Module]:
    return module.__class__.__bases__[0] if parametrized else module.__class__


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether the module has parametrizations (of that tensor).

    >>> from dlframe import nn
    >>> from dlframe.nn.utils import parametrize
    >>> parametrize.is_parametrized(nn.Linear(2, 2), "weight")
    False
    """
    found = getattr(module, "parametrizations", None)
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


def remove_parametrizations(
    module: Module, tensor_name: str, leave_parametrized: bool = True
) -> Module:
    """Make `module.tensor_name` a plain parameter or buffer again; returns the module.

    Args:
        module: the module.
        tensor_name: the parametrized tensor.
        leave_parametrized: whether it keeps its present value. Otherwise it becomes the original,
            which only works if there is one original.

    Raises:
        ArgumentError: the tensor is not parametrized, or has several originals.

    >>> from dlframe import nn
    >>> from dlframe.nn.utils import parametrizations, parametrize
    >>> layer = parametrizations.weight_norm(nn.Linear(2, 2))
    >>> parametrize.remove_parametrizations(layer, "weight")
    Linear(in_features=2, out_features=2, bias=True)
    """
    if not is_parametrized(module, tensor_name):
        raise ArgumentError(f"Module {module} does not have a parametrization on {tensor_name}")
    listed: Any = _parametrizations(module)[tensor_name]
    if listed.is_tensor:
        original = listed.original
        if leave_parametrized:
            with no_grad():
                original.array = getattr(module, tensor_name).array
    elif leave_parametrized:
        value = getattr(module, tensor_name)
        original = Parameter(value.detach()) if value.requires_grad else value
    else:
        raise ArgumentError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is "
            "parametrized in terms of a sequence of tensors."
        )
    del _parametrizations(module)[tensor_name]
    names, base = list(_parametrizations(module)), _plain_class(module, True)
    if names:
        module.__class__ = _class_with(base, names)
    else:
        delattr(module, "parametrizations")
        module.__class__ = base
    _register(module, tensor_name, original)
    return module


def type_before_parametrizations(module: Module) -> type[Module]:
    """The module's class, without what parametrizations made of it.

    >>> from dlframe import nn
    >>> from dlframe.nn.utils import parametrizations, parametrize
    >>> parametrize.type_before_parametrizations(parametrizations.weight_norm(nn.Linear(2, 2)))
    <class 'dlframe.nn.linear.Linear'>
    """
    return _plain_class(module, is_parametrized(module))


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Give `to_module` the parametrizations (of that tensor) and originals of `from_module`.

    Both use the same parameters afterwards. Returns `to_module`.

    >>> from dlframe import nn
    >>> from dlframe.nn.utils import parametrizations, parametrize
    >>> a, b = parametrizations.weight_norm(nn.Linear(2, 2)), nn.Linear(2, 2)
    >>> b = parametrize.transfer_parametrizations_and_params(a, b)
    >>> bool((a.weight == b.weight).all())
    True
    """
    if not is_parametrized(from_module):
        return to_module
    names = list(_parametrizations(from_module)) if tensor_name is None else [tensor_name]
    for name in names:
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name).detach()))
        source: Any = _parametrizations(from_module)[name]
        for parametrization in source._layers():
            register_parametrization(to_module, name, parametrization, unsafe=source.unsafe)
        target: Any = _parametrizations(to_module)[name]
        for key in (
            ["original"] if source.is_tensor else [f"original{i}" for i in range(source.ntensors)]
        ):
            setattr(target, key, getattr(source, key))
    return to_module
