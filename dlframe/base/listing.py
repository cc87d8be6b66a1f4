"""Collects the public names of a package from its modules."""

from __future__ import annotations

import sys


def gathered(package: str, *more: str) -> list[str]:
    """The names that `from .module import *` brought into `package`, and `more`, sorted.

    Each module lists its names in its `__all__`, beside their definitions, and the package's
    `__init__` imports them with a star. So a new name is written in one file only.

    >>> from dlframe.tensor import special
    >>> "bessel_j0" in gathered("dlframe.tensor.special")
    True
    """
    names = set(more)
    here = vars(sys.modules[package])
    for name, module in list(sys.modules.items()):
        if name.rpartition(".")[0] == package:
            listed = getattr(module, "__all__", ())
            # the same object: `nn.functional` lists a function `linear`, `nn` has a module of it
            names.update(n for n in listed if n in here and here[n] is getattr(module, n, None))
    return sorted(names)
