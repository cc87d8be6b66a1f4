"""Ways in which an array may lie in memory, and how the results of a call then lie there.

tests/tensor/functions/test_layouts.py compares one way with what PyTorch recorded
(tests/golden/layouts), and tests/oracle/test_layouts.py all of them with PyTorch itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from samples.evaluate import as_result, changed, inputs_of, is_tensor, leaves, run, weighted
from samples.table import Array, Call


def in_memory(array: Array, axes: tuple[int, ...]) -> Array:
    """A copy whose axes lie in memory in the order `axes`, the one with the longest steps first."""
    return np.ascontiguousarray(array.transpose(axes)).transpose(np.argsort(axes))


def apart(array: Array) -> Array:
    """Every second element of a larger array."""
    large = np.zeros([2 * n for n in array.shape], array.dtype)
    view = large[(slice(None, None, 2),) * array.ndim]
    view[...] = array
    return view


def narrow(array: Array) -> Array:
    """The first columns of a wider array."""
    large = np.zeros((*array.shape[:-1], array.shape[-1] + 3), array.dtype)
    view = large[..., : array.shape[-1]]
    view[...] = array
    return view


TURNED = "rotated"  # the layout of the golden file


def rotated(n: int) -> tuple[int, ...]:
    return (*range(1, n), 0)


# Per layout: the array in it, and the number of dimensions from which on it is another one.
LAYOUTS: dict[str, tuple[Callable[[Array], Array], int]] = {
    "in order": (lambda a: a, 0),
    "transposed": (lambda a: in_memory(a, tuple(range(a.ndim))[::-1]), 3),
    "rotated": (lambda a: in_memory(a, rotated(a.ndim)), 2),
    "rotated back": (lambda a: in_memory(a, (a.ndim - 1, *range(a.ndim - 1))), 3),
    "last two swapped": (lambda a: in_memory(a, (*range(a.ndim - 2), a.ndim - 1, a.ndim - 2)), 3),
    "first two swapped": (lambda a: in_memory(a, (1, 0, *range(2, a.ndim))), 3),
    "apart": (apart, 1),
    "narrow": (narrow, 1),
    "apart and rotated": (lambda a: apart(np.ascontiguousarray(a.transpose(rotated(a.ndim)))).transpose(np.argsort(rotated(a.ndim))), 2),
    "expanded": (lambda a: as_strided(a[:1].copy(), a.shape, (0, *a.strides[1:])), 2),
}  # fmt: skip


def laid(call: Call, layout: str, only: int | None = None) -> Any:
    """Args and options with all arrays in `layout`, or only that at one place; None if none is."""
    change, ndim = LAYOUTS[layout]
    count, hit = -1, False

    def move(a: Array) -> Array:
        nonlocal count, hit
        count += 1
        if a.ndim < ndim or not a.size or only not in (None, count):
            return a.copy()
        hit = True
        return change(a.copy())

    arrays = changed(call, move)
    return arrays if hit else None


def variants(call: Call) -> Iterator[tuple[str, int | None]]:
    """All layouts, of all arrays together and of each alone."""
    count = sum(isinstance(x, np.ndarray) for x in leaves((call.args, call.options)))
    for layout in LAYOUTS:
        yield layout, None
        if count > 1 and layout != "in order":
            yield from ((layout, i) for i in range(count))


def steps(x: Any) -> list[int]:
    """The strides that matter: those of dimensions with several elements."""
    shape = tuple(x.shape)
    return [] if 0 in shape else [s for s, n in zip(x.stride(), shape, strict=True) if n > 1]


def outcome(call: Call, lib: Any, arrays: Any, *, backward: bool = True) -> dict[str, Any]:
    """Per result and gradient of a leaf its strides, and per result also its values."""
    args, options, wanted = inputs_of(call, lib, arrays, grad=backward)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outs = [x for x in leaves(run(call, lib, args, options)) if is_tensor(x)]
        found: dict[str, Any] = {f"value {i}": (steps(x), as_result(x)) for i, x in enumerate(outs)}
        smooth = [x for x in outs if x.requires_grad]
        if wanted and smooth:
            weighted(lib, smooth).backward()
            found |= {
                f"gradient {i}": (steps(x.grad), as_result(x.grad))
                for i, x in enumerate(wanted)
                if x.grad is not None
            }
    return found


def order_of(step: list[int]) -> str:
    """Strides in a few characters, for the golden file."""
    return ",".join(map(str, step))


# --- differences, each with its reason ---------------------------------------------------------

_COLUMNS = "LAPACK's results lie in columns in PyTorch, and in order here"
_CHANNELS = "PyTorch keeps channels last; dlframe has no memory formats"
_HISTORY = "gradients that are returned lie as their rule gives them"
_PARTS = "parts of one array in PyTorch"

DIFFERS = {
    **dict.fromkeys(
        ["cholesky", "cholesky_inverse", "cholesky_solve", "inverse", "linalg.cholesky", "linalg.cholesky_ex",
         "linalg.eigh", "linalg.householder_product", "linalg.inv", "linalg.inv_ex", "linalg.lstsq", "linalg.lu",
         "linalg.lu_factor", "linalg.lu_factor_ex", "linalg.lu_solve", "linalg.qr", "linalg.solve", "linalg.solve_ex",
         "linalg.solve_triangular", "linalg.svd", "linalg.tensorinv", "lu_solve", "lu_unpack",
         "matrix_power", "linalg.matrix_power", "qr", "svd", "triangular_solve",
         "geqrf", "orgqr", "ormqr", "lu", "svd_lowrank", "pca_lowrank", "linalg.ldl_factor", "linalg.ldl_factor_ex", "linalg.ldl_solve"], _COLUMNS),
    **{f"nn.functional.{name}": _CHANNELS for name in
       ("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_max_pool1d", "adaptive_max_pool1d_with_indices", "avg_pool1d",
        "batch_norm", "interpolate", "lp_pool1d", "max_pool1d", "max_pool1d_with_indices", "max_pool3d", "max_pool3d_with_indices")},
    **dict.fromkeys(["Tensor.backward", "Tensor.retain_grad", "func.hessian", "func.jacrev", "func.vmap"], _HISTORY),
    "gru_cell": "in order, where PyTorch follows the state",
    **dict.fromkeys(
        ["batch_norm", "native_batch_norm", "conv1d", "convolution", "max_pool1d", "max_pool1d_with_indices", "avg_pool1d",
         "adaptive_avg_pool1d", "adaptive_max_pool1d", "nn.functional.conv1d", "nn.functional.conv_transpose1d"], _CHANNELS),
    "nn.utils.rnn.unpad_sequence": "PyTorch turns the input in place",
    **dict.fromkeys(["histogramdd", "unravel_index", "unique_consecutive"], _PARTS),
    "Tensor.__deepcopy__": "a copy has no gaps",
    "Tensor.__reduce_ex__": "a copy has no gaps",
    "addr": "in order, where PyTorch follows the matrix",
    "binary_cross_entropy_with_logits": "the input decides about the order, in PyTorch the target",
    "nn.functional.instance_norm": "with given statistics like the input, where PyTorch has it in order",
    "nn.functional.binary_cross_entropy_with_logits": "the input decides about the order, in PyTorch the target",
    "einsum": "in order, where PyTorch may give a transposed view",
    "put": "in order, where PyTorch follows the input",
    "put_at": "an inner operation",
}  # fmt: skip
