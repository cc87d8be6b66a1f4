"""Linear algebra by the names of `torch.linalg`; its path for users is `dlframe.linalg`."""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.errors import LinAlgError
    from dlframe.tensor.linalg.decompositions import *
    from dlframe.tensor.linalg.norms import *
    from dlframe.tensor.linalg.products import *
    from dlframe.tensor.linalg.solvers import *

__all__ = lazily(__name__)
