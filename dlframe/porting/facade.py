"""PyTorch's modules as programs see them: the same names, taken from dlframe's modules."""

from __future__ import annotations

import dis
import importlib
import sys
from collections.abc import Mapping
from types import FrameType, ModuleType
from typing import Any

from dlframe.porting import absent

IMPORT_FROM = dis.opmap["IMPORT_FROM"]


class Facade(ModuleType):
    """A module under PyTorch's name, whose attributes are those of a module of dlframe.

    What dlframe lacks raises an AttributeError that says why, and what is nearest. In
    `from torch.x import name` it is a `Missing` instead, which raises when it is used. Setting an
    attribute sets it in dlframe's module, as patches of PyTorch do.
    """

    def __init__(self, name: str, target: ModuleType, own: Mapping[str, Any] | None = None) -> None:
        super().__init__(name, target.__doc__)
        vars(self).update({
            "_target": target,
            "__path__": [],  # so that what is below can be imported
            "__file__": getattr(target, "__file__", None),
            **(own or {}),
        })  # fmt: skip

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__") and name != "__all__":
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        try:
            value = getattr(self._target, name)
        except AttributeError:
            return self._lacking(name)
        if isinstance(value, ModuleType) and value.__name__.partition(".")[0] == "dlframe":
            return importlib.import_module(f"{self.__name__}.{name}")
        if callable(value):  # it stays the same, unlike settings
            vars(self)[name] = value
        return value

    def _lacking(self, name: str) -> Any:
        full = f"{self.__name__}.{name}"
        if absent.is_listed_module(full):
            return importlib.import_module(full)
        frame = sys._getframe(2)
        if _imports(frame) and absent.is_name(full):
            return absent.Missing(full, f"{frame.f_code.co_filename}:{frame.f_lineno}")
        raise AttributeError(absent.message(full), name=name, obj=self)

    def __setattr__(self, name: str, value: Any) -> None:
        if not isinstance(value, ModuleType) and not name.startswith("__"):
            setattr(self._target, name, value)
            if not callable(value):
                return
        vars(self)[name] = value

    def __dir__(self) -> list[str]:
        return sorted({*vars(self), *dir(self._target)})


def _imports(frame: FrameType) -> bool:
    """Whether a frame is at `from module import name`, or imports for one that is."""
    if frame.f_code.co_name == "_handle_fromlist":  # asks first whether it is a module
        return True
    return frame.f_lasti >= 0 and frame.f_code.co_code[frame.f_lasti] == IMPORT_FROM
