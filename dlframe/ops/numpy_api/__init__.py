"""What NumPy's own functions do with tensors: differentiable, plain, or refused by name.

`Tensor` implements NumPy's two protocols (NEP 13, NEP 18). This package decides on every function:

- *differentiable*: NumPy's signature, computed by ops, so the graph goes on. There is a module for
  each family, from `elementwise` to `linalg`; it reads the arguments as NumPy does, and what it
  computes with them it shares with `dlframe.tensor.functions`, in `dlframe.ops`. Promotion of
  dtypes is PyTorch's;
- *plain*: there is no gradient, or it is zero (`argmax`, `isclose`, `shape` …). NumPy
  computes it on the values; arrays come back as tensors without history, numbers as they are;
- *without a rule*: a derivative exists, but not here (`fft.fft`, `linalg.eig`, `histogram` …).
  A call that would be recorded is refused. Where there is no graph to lose, because no tensor among
  the arguments requires grad or under `no_grad`, NumPy runs on the values. The same holds for
  options that a rule does not have, and for `out=` an array;
- *refused*: functions that write into a tensor without telling the graph, or need other dtypes.

`policy` lists the last three. A function of a later NumPy that is in no table is refused.

>>> import dlframe as dl
>>> import numpy as np
>>> t = dl.tensor([3.0, 4.0], requires_grad=True)
>>> length = np.linalg.norm(t)
>>> length.backward()
>>> t.grad
tensor([0.6000, 0.8000])
>>> np.fft.fft(t)
Traceback (most recent call last):
dlframe.errors.GradientError: np.fft.fft has no gradient rule in dlframe: use t.detach().numpy() ...
"""

from __future__ import annotations

from dlframe.ops.numpy_api import (
    calculus,
    curves,
    decompositions,
    elementwise,
    joining,
    linalg,
    padding,
    reduction,
    selection,
    shape,
    statistics,
)
from dlframe.ops.numpy_api.dispatch import call_function, call_ufunc

__all__ = [
    "calculus",
    "call_function",
    "call_ufunc",
    "curves",
    "decompositions",
    "elementwise",
    "joining",
    "linalg",
    "padding",
    "reduction",
    "selection",
    "shape",
    "statistics",
]
