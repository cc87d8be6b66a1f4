"""Lazy modules: modules that take their sizes from their first input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from dlframe.base.naming import name_inherited
from dlframe.errors import ArgumentError
from dlframe.nn.module import Module
from dlframe.nn.parameter import UninitializedTensorMixin, is_lazy

__all__: list[str] = []  # torch.nn does not offer the mixin by itself: nn.lazy.LazyModuleMixin


class LazyModuleMixin(Module):
    """Mixed into a module, it lets the first input decide sizes: `class Lazy(LazyModuleMixin, M)`.

    The parameters (and buffers) of unknown size begin as `UninitializedParameter` and
    `UninitializedBuffer`. The first call runs `initialize_parameters` with the same arguments,
    which gives each a size and values; then the module's class becomes `cls_to_become`. The
    parameters stay the same objects, so an optimizer may be made before. Initial values are drawn
    at the first call, after those of all other modules.

    `load_state_dict` gives the sizes, too; `to(dtype)` before the first call is remembered.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> class Scale(nn.Module):
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> class LazyScale(nn.lazy.LazyModuleMixin, Scale):
    ...     cls_to_become = Scale
    ...
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = nn.UninitializedParameter()
    ...
    ...     def initialize_parameters(self, x):
    ...         self.factor.materialize(x.shape[-1:])
    ...         nn.init.ones_(self.factor)
    >>> layer = LazyScale()
    >>> layer(dl.ones(2, 3)).shape
    (2, 3)
    >>> layer
    Scale()
    """

    cls_to_become: ClassVar[type[Module] | None] = None
    _waiting = True  # for the first call

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        name_inherited(cls, "initialize_parameters")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._waiting:
            self._infer_parameters(args, kwargs)
            return self(*args, **kwargs)
        return super().__call__(*args, **kwargs)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give every parameter of unknown size its size and values; a subclass says how."""
        raise NotImplementedError(
            f"initialize_parameters is not implemented for {type(self).__name__}"
        )

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer of this module itself has no size yet."""
        return any(map(is_lazy, self.__dict__.values()))

    def materialize(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Give the parameters and buffers of these names their shapes; None stays None."""
        for name, shape in shapes.items():
            value = getattr(self, name)
            if isinstance(value, UninitializedTensorMixin):
                value.materialize(shape)

    def _infer_parameters(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.initialize_parameters(*args, **kwargs)
        if self.has_uninitialized_params():
            raise ArgumentError(
                f"module {type(self).__name__} has not been fully initialized: "
                "initialize_parameters has to give every uninitialized parameter a size"
            )
        if self.cls_to_become is None:
            self._waiting = False
        else:
            self.__class__ = self.cls_to_become  # type: ignore[assignment]  # the class changes
