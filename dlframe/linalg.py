"""Linear algebra under PyTorch's path; written in `dlframe.tensor.linalg`.

The last two dimensions are a matrix, those before them a batch. Matrices are float32 or float64.

>>> import dlframe as dl
>>> A = dl.tensor([[2.0, 1.0], [1.0, 3.0]], requires_grad=True)
>>> dl.linalg.slogdet(A).logabsdet.backward()
>>> A.grad  # the inverse, transposed
tensor([[ 0.6000, -0.2000],
        [-0.2000,  0.4000]])
"""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    # Each family by itself: through two stars type checkers lose the names.
    from dlframe.errors import LinAlgError
    from dlframe.tensor.linalg.decompositions import *
    from dlframe.tensor.linalg.norms import *
    from dlframe.tensor.linalg.products import *
    from dlframe.tensor.linalg.solvers import *

__all__ = lazily(__name__)
