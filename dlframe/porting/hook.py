"""Lets `import torch` and `import torchvision` find dlframe, in this process and its workers."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from dlframe.errors import DlframeError
from dlframe.porting import absent
from dlframe.porting.facade import Facade
from dlframe.tensor import Tensor
from dlframe.tensor.size import Size

ROOTS = {"torch": "dlframe", "torchvision": "dlframe.vision"}
"""Which package answers for which."""

MOVED = {
    "torchvision.datasets": "dlframe.data.datasets",
    "torchvision.transforms": "dlframe.data.transforms",
}
"""Where dlframe has a module in another place."""


def install_torch() -> None:
    """Let `import torch` and `import torchvision` find dlframe, in this process and its workers.

    For notebooks and programs that were written for PyTorch; `dlframe run script.py` does the same
    for a script. The modules are dlframe's own under PyTorch's paths: `torch.nn` is `dlframe.nn`,
    `torch.Tensor` is `dlframe.Tensor`. What dlframe lacks can be imported, and raises when it is
    used. Within the process `x.shape` is a `Size` (elsewhere it is a plain tuple, which is faster),
    and in what is imported from now on, as in the cells of a notebook, `x.dtype.is_floating_point`
    has PyTorch's meaning. It does nothing where it was called before.

    Raises:
        DlframeError: PyTorch itself has been imported.

    >>> from dlframe import porting
    >>> porting.install_torch()
    >>> import torch
    >>> torch.ones(2, 3).shape.numel(), torch.__version__[:4]
    (6, '2.13')
    >>> porting.uninstall_torch()
    """
    if is_installed():
        return
    for root in ROOTS:
        if root in sys.modules:
            raise DlframeError(
                f"install_torch: {root} itself has been imported already, from "
                f"{getattr(sys.modules[root], '__file__', 'somewhere')}; call install_torch first"
            )
    sys.meta_path.insert(0, _finder)
    Size.package = "torch"
    Tensor.shape = property(_size)  # type: ignore[assignment,method-assign] # while it is installed
    from dlframe.porting import source  # which is not needed before

    source.begin()


def uninstall_torch() -> None:
    """Undo `install_torch`; modules that were imported keep what they have."""
    if not is_installed():
        return
    from dlframe.porting import source  # as above

    source.end()
    sys.meta_path.remove(_finder)
    Size.package = "dlframe"
    Tensor.shape = _shape  # type: ignore[method-assign] # as it was
    for name in list(sys.modules):
        if _root(name) in ROOTS:
            del sys.modules[name]


def is_installed() -> bool:
    """Whether `import torch` finds dlframe."""
    return _finder in sys.meta_path


_shape = vars(Tensor)["shape"]


def _size(x: Tensor) -> Size:
    return Size(x.array.shape)


def _root(name: str) -> str:
    return name.partition(".")[0]


# --- finding -----------------------------------------------------------------------------------


class Finder(MetaPathFinder):
    """Finds PyTorch's modules in dlframe."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """A spec for PyTorch's names; None, so that others are asked, for all others."""
        if _root(fullname) not in ROOTS:
            return None
        return ModuleSpec(fullname, _loader, is_package=True)


class Stand(Loader):
    """Puts a module of dlframe into `sys.modules` under PyTorch's name."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """An empty module, which is replaced."""
        return ModuleType(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Replace it: the import system takes what `sys.modules` has afterwards."""
        sys.modules[module.__name__] = found(module.__name__)


_finder, _loader = Finder(), Stand()


def found(name: str) -> ModuleType:
    """The module that answers for one of PyTorch's.

    Raises:
        ModuleNotFoundError: PyTorch has none of this name.
    """
    return Facade(name, _target(name), OWN.get(name))


def _target(name: str) -> ModuleType:
    """Where the names of a module of PyTorch's are in dlframe."""
    root = _root(name)
    ours = MOVED.get(name, ROOTS[root] + name[len(root) :])
    try:
        return importlib.import_module(ours)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{ours}.".startswith(f"{error.name}."):
            raise  # a module of ours lacks one of somebody else's
    if not absent.is_module(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return Above(name)


class Above(ModuleType):
    """A module that dlframe lacks: what its packages have of the same, as `nn.modules.linear`."""

    def __getattr__(self, name: str) -> Any:
        if not absent.is_name(f"{self.__name__}.{name}"):
            above = self.__name__.rpartition(".")[0]
            if above in sys.modules:
                return getattr(sys.modules[above], name)
        raise AttributeError(name)


OWN: dict[str, dict[str, Any]] = {
    "torch": {"__version__": f"{absent.VERSION}+dlframe"},
    "torch.version": {
        "__version__": f"{absent.VERSION}+dlframe", "cuda": None, "hip": None, "xpu": None,
        "git_version": "unknown", "debug": False,
    },
    "torchvision": {"__version__": "0.28.0+dlframe"},
}  # fmt: skip
"""What PyTorch's modules say of themselves."""
