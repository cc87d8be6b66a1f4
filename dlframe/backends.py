"""Stands in for PyTorch's libraries, of which dlframe uses none; and `kernels`, which it may use.

So programs that ask for a library get False. Settings such as `backends.cudnn.benchmark = True`
may be changed, and have no effect. `backends.kernels` are the compiled kernels of other packages
(`dlframe.kernels`), with PyTorch's names for such a library.

>>> import dlframe as dl
>>> dl.backends.cudnn.is_available(), dl.backends.mps.is_available()
(False, False)
>>> dl.backends.cudnn.benchmark = True
"""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

from dlframe import kernels as compiled

__all__ = ["cuda", "cudnn", "kernels", "mkl", "mkldnn", "mps", "openmp"]


class Backend(ModuleType):
    """A library that dlframe does not use; programs may ask for it and change its settings."""

    def __init__(self, name: str, meaning: str, **settings: Any):
        super().__init__(f"{__name__}.{name}", f"{meaning}: dlframe does not use it.")
        self.__dict__.update(settings)
        sys.modules[self.__name__] = self  # for `import dlframe.backends.cudnn`

    def is_available(self) -> bool:
        """False: dlframe does not use the library."""
        return False

    def is_built(self) -> bool:
        """False: dlframe was not built with the library."""
        return False

    def version(self) -> None:
        """None: a library that is not used has no version."""


cuda = Backend("cuda", "NVIDIA's products of matrices", matmul=SimpleNamespace(allow_tf32=False))
cudnn = Backend(
    "cudnn",
    "NVIDIA's library of layers",
    enabled=False,
    benchmark=False,
    allow_tf32=False,
    deterministic=True,
)
mkl = Backend("mkl", "Intel's library of linear algebra")
mkldnn = Backend("mkldnn", "Intel's library of layers")
mps = Backend("mps", "Apple's library for its GPUs")


class Kernels(ModuleType):
    """The compiled kernels of other packages, as a library that may be switched off.

    >>> import dlframe as dl
    >>> with dl.backends.kernels.flags(enabled=False):
    ...     dl.backends.kernels.enabled
    False
    """

    def __init__(self) -> None:
        super().__init__(f"{__name__}.kernels", "Compiled kernels: see dlframe.kernels.")
        sys.modules[self.__name__] = self

    @property
    def enabled(self) -> bool:
        """Whether they are used where there are any; may be set."""
        return compiled.is_enabled()

    @enabled.setter
    def enabled(self, value: bool) -> None:
        compiled.set_enabled(value)

    is_available = staticmethod(compiled.is_available)
    flags = staticmethod(compiled.flags)


kernels = Kernels()
openmp = Backend("openmp", "OpenMP")
