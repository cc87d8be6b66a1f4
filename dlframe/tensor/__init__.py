"""The tensor, and everything that belongs to it.

`tensor` is the class, and `methods` what it inherits, a file per family; `functions`, `linalg` and
`special` are PyTorch's functions, by PyTorch's names; `creation` makes tensors. Beside them stand
their text (`printing`), `size`, `types`, `devices` and `settings`.
"""

from __future__ import annotations

from dlframe.tensor.tensor import Tensor, to_array

__all__ = ["Tensor", "to_array"]
