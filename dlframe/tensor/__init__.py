"""The tensor, and everything that belongs to it.

`tensor` is the class, and `methods` are its methods, a file per family. `functions`, `linalg` and
`special` are PyTorch's functions, under PyTorch's names. `creation` makes tensors. The other files
are `printing`, `size`, `types`, `devices` and `settings`.
"""

from __future__ import annotations

from dlframe.tensor.tensor import Tensor, to_array
from dlframe.tensor.tensor import _rebuild as _rebuild  # older pickles name it here

__all__ = ["Tensor", "to_array"]
