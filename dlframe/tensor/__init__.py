"""The tensor, and everything that belongs to it.

`tensor` is the class, and `methods` are its methods, a file per family. `functions`, `linalg` and
`special` are PyTorch's functions, under PyTorch's names. `creation` makes tensors. The other files
are `printing`, `size`, `types`, `devices` and `settings`.
"""

from __future__ import annotations

from dlframe.tensor.tensor import Tensor, to_array

__all__ = ["Tensor", "to_array"]
