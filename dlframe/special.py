"""Special functions under PyTorch's path; written in `dlframe.tensor.special`.

Values come from SciPy, the derivatives from the formulas beside the operations in `dlframe.ops`.
Functions without a gradient in PyTorch (Bessel functions, polynomials) have one here.

>>> x = dl.tensor([1.0], requires_grad=True)
>>> dl.special.bessel_j0(x).backward()
>>> x.grad, -dl.special.bessel_j1(x.detach())
(tensor([-0.4401]), tensor([-0.4401]))
"""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    # Each family by itself: through two stars type checkers lose the names.
    from dlframe.tensor.special.bessel import *
    from dlframe.tensor.special.elementary import *
    from dlframe.tensor.special.gamma import *
    from dlframe.tensor.special.normal import *
    from dlframe.tensor.special.polynomials import *

__all__ = lazily(__name__)
