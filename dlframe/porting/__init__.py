"""Programs that were written for PyTorch: run as they are, checked, or rewritten.

`hook` lets `import torch` find dlframe, `running` runs a program in that way, and `source` changes
the few expressions of its text that Python could not give PyTorch's meaning otherwise. `reading`
finds the names that a program uses, `checking` says what is missing, and `rewriting` gives it
dlframe's imports. Nothing here is loaded by `import dlframe`.
"""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.porting.hook import install_torch, is_installed, uninstall_torch

__all__ = ["install_torch", "is_installed", "uninstall_torch"]

lazily(__name__)
