"""The names in PyTorch's checkpoints: of dtypes, kinds of storage and functions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dlframe import dtypes

Name = tuple[str, str]
"""A module and a name in it."""

DTYPES: dict[Name, dtypes.DType] = {
    ("torch", d.name): d
    for d in (
        *(dtypes.bool, dtypes.uint8, dtypes.uint16, dtypes.uint32, dtypes.uint64),
        *(dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64),
        *(dtypes.float16, dtypes.float32, dtypes.float64),
    )
}


class StorageKind(NamedTuple):
    """A class of storages: the name and dtype of its elements; None if dlframe has no such dtype.

    `bfloat16` is read as float32, which holds each of its numbers exactly.
    """

    name: str
    dtype: dtypes.DType | None
    is_bfloat16: bool = False

    @property
    def itemsize(self) -> int:
        """The bytes of an element in a file."""
        assert self.dtype is not None
        return 2 if self.is_bfloat16 else self.dtype.itemsize


_STORAGES = {
    "BoolStorage": dtypes.bool,
    "ByteStorage": dtypes.uint8,
    "CharStorage": dtypes.int8,
    "ShortStorage": dtypes.int16,
    "IntStorage": dtypes.int32,
    "LongStorage": dtypes.int64,
    "HalfStorage": dtypes.float16,
    "FloatStorage": dtypes.float32,
    "DoubleStorage": dtypes.float64,
}
STORAGE_OF: dict[Any, str] = {dtype: name for name, dtype in _STORAGES.items()}
"""The kind of storage of a dtype; others, such as uint16, are in an UntypedStorage of bytes."""

UNTYPED = StorageKind("UntypedStorage", np.dtype(np.uint8))

STORAGES: dict[Name, StorageKind] = {
    (module, name): kind
    for module in ("torch", "torch.cuda")
    for name, kind in (
        *((name, StorageKind(name, dtype)) for name, dtype in _STORAGES.items()),
        ("BFloat16Storage", StorageKind("BFloat16Storage", dtypes.float32, is_bfloat16=True)),
        ("ComplexFloatStorage", StorageKind("ComplexFloatStorage", None)),
        ("ComplexDoubleStorage", StorageKind("ComplexDoubleStorage", None)),
        *((f"Q{q}Storage", StorageKind(f"Q{q}Storage", None)) for q in ("Int8", "Int32", "UInt8")),
    )
} | {("torch.storage", "UntypedStorage"): UNTYPED, ("torch", "UntypedStorage"): UNTYPED}

REBUILD = ("torch._utils", "_rebuild_tensor_v2")
REBUILD_WITH_DTYPE = ("torch._utils", "_rebuild_tensor_v3")
REBUILD_PARAMETER = ("torch._utils", "_rebuild_parameter")
ORDERED_DICT = ("collections", "OrderedDict")

LEGACY_PROTOCOL = 1001
