"""What the pickle of one of PyTorch's checkpoints may make: tensors, containers, plain values.

Each function takes arguments from a file that may lie, checks them, and builds a value.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe.base.printable import printable
from dlframe.dtypes import DType
from dlframe.errors import FileFormatError
from dlframe.nn.parameter import Parameter
from dlframe.tensor import Tensor
from dlframe.tensor.devices import device
from dlframe.tensor.size import Size
from dlframe.utils import unpickle
from dlframe.utils.encoding import MAX_DEPTH
from dlframe.utils.pytorch_names import ORDERED_DICT, UNTYPED, StorageKind
from dlframe.utils.unpickle import refused

_MAX_DIMS = 64  # NumPy's limit
MAX_SAME_HASH = 100  # keys of one dict that differ and share a hash; more are made on purpose


class Storage:
    """Memory that tensors share. The unpickler makes it, and its bytes are read after that."""

    def __init__(
        self, key: str, kind: StorageKind, count: int, mapped: np.ndarray[Any, Any] | None = None
    ) -> None:
        self.key, self.kind, self.count = key, kind, count
        self.is_mapped = mapped is not None
        self.array = np.empty(count, kind.dtype) if mapped is None else mapped

    def elements(self, dtype: DType | None) -> np.ndarray[Any, Any]:
        """The memory as elements of a dtype, which an UntypedStorage does not have itself."""
        if dtype is None or dtype == self.array.dtype:
            return self.array
        if self.kind != UNTYPED or self.array.size % dtype.itemsize:
            raise FileFormatError(f"a {self.kind.name} of {self.count} elements is none of {dtype}")
        return self.array.view(dtype)


class Refused:
    """Stands for what was refused, until its place is known."""

    def __init__(self, why: str) -> None:
        self.why = why


class _TensorType:
    """Stands for a class of tensors, which can be named but not called."""

    def __init__(self, made: type[Tensor]) -> None:
        self.made = made


# --- what a pickle may call --------------------------------------------------------------------


def _tensor(
    storage: Any,
    offset: Any,
    size: Any,
    stride: Any,
    requires_grad: Any = False,
    hooks: Any = None,
    metadata: Any = None,
) -> Tensor:
    return _view(storage, offset, size, stride, requires_grad, hooks, None, metadata)


def _tensor_with_dtype(
    storage: Any,
    offset: Any,
    size: Any,
    stride: Any,
    requires_grad: Any,
    hooks: Any,
    dtype: Any,
    metadata: Any = None,
) -> Tensor:
    if not isinstance(dtype, np.dtype):
        raise FileFormatError("a tensor without a dtype")
    return _view(storage, offset, size, stride, requires_grad, hooks, dtype, metadata)


def _view(
    storage: Any,
    offset: Any,
    size: Any,
    stride: Any,
    requires_grad: Any,
    hooks: Any,
    dtype: DType | None,
    metadata: Any,
) -> Tensor:
    """The tensor that a part of a storage is, after its numbers were checked."""
    if not isinstance(storage, Storage):
        raise FileFormatError("a tensor without a storage")
    if hooks or metadata:
        raise refused("hooks of a tensor" if hooks else "a tensor of another kind (conj, neg)")
    elements = storage.elements(dtype)
    if not (_are_sizes(size) and _are_sizes(stride) and _are_sizes((offset,))):
        raise FileFormatError("a tensor whose size, strides and offset are no whole numbers")
    if len(size) != len(stride) or len(size) > _MAX_DIMS:
        raise FileFormatError(f"a tensor of {len(size)} dimensions with {len(stride)} strides")
    size = tuple(size)
    if 0 in size:
        array = np.empty(size, elements.dtype)
    else:
        end = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) + 1
        if end > elements.size:
            raise FileFormatError(
                f"a tensor of size {printable(size, longest=80)} and strides "
                f"{printable(stride, longest=80)} from element {offset} on, which reaches out of "
                f"its storage of {elements.size} elements"
            )
        width = elements.itemsize
        steps = [n * width for n in stride]
        array = np.ndarray(size, elements.dtype, elements, offset * width, steps)
    if requires_grad and array.dtype.kind != "f":
        raise FileFormatError(f"a tensor of {array.dtype} that requires a gradient")
    return Tensor(array, bool(requires_grad))


def _are_sizes(numbers: Any) -> bool:
    if type(numbers) not in (tuple, Size, list):
        return False
    return all(type(n) is int and 0 <= n < 1 << 62 for n in numbers)


def _parameter(data: Any, requires_grad: Any = True, hooks: Any = None, state: Any = None) -> Any:
    if not isinstance(data, Tensor) or hooks:
        raise FileFormatError("a Parameter that is made of something else than a tensor")
    if requires_grad and data.array.dtype.kind != "f":
        raise FileFormatError(f"a Parameter of {data.array.dtype} that requires a gradient")
    return _with_attributes(Parameter(data, bool(requires_grad)), state)


def _of_type(function: Any, kind: Any, arguments: Any, state: Any) -> Any:
    """A tensor with attributes of its own."""
    if not any(function is one for one in (_tensor, _tensor_with_dtype, _parameter)):
        raise refused("a tensor that is made by another function")
    if not isinstance(kind, _TensorType) or type(arguments) is not tuple:
        raise refused("a tensor of another class")
    tensor = function(*arguments)
    if kind.made is Parameter and type(tensor) is not Parameter:
        tensor = Parameter(tensor, tensor.requires_grad)
    return _with_attributes(tensor, state)


def _with_attributes(tensor: Tensor, state: Any) -> Tensor:
    state = state[0] if type(state) is tuple and state else state  # and slots, which are None
    if state and type(state) is not dict:
        raise refused("the state of a tensor")
    for name, value in (state or {}).items():
        if type(name) is not str or hasattr(type(tensor), name):
            raise refused(f"an attribute {name!r} of a tensor, which is a method")
        tensor.__dict__[name] = value
    return tensor


def _list_of(made: type) -> Callable[..., Any]:
    """Makes a set from a list in the pickle, after its elements were checked."""

    def make(*arguments: Any) -> Any:
        if not arguments:
            return made()
        (given,) = arguments
        if type(given) not in (list, tuple):
            raise refused(f"a {made.__name__} that is not made of a list")
        check_hashable(given)
        return made(given)

    return make


def _ordered_dict(*arguments: Any) -> Any:
    if arguments:
        raise refused("an OrderedDict with arguments")
    return OrderedDict()


def _counter(*arguments: Any) -> Any:
    if arguments and (len(arguments) > 1 or type(arguments[0]) is not dict):
        raise refused("a Counter that is not made of a dict")
    return Counter(*arguments)


def _complex(real: Any, imaginary: Any) -> complex:
    return complex(float(real), float(imaginary))


def _bytearray(text: Any = "", encoding: Any = "latin-1") -> bytearray:
    return bytearray(text if isinstance(text, bytes) else str(text).encode("latin-1"))


def _bytes(*arguments: Any) -> bytes:
    if arguments:
        raise refused("bytes with arguments")
    return b""


def _size(numbers: Any) -> Size:
    if not _are_sizes(numbers):
        raise FileFormatError("a torch.Size that is not made of sizes")
    return Size(numbers)


def _device(kind: Any, index: Any = None) -> device:
    text = str(kind) if index is None else f"{kind}:{index}"
    return device(text)


def _layout(name: Any) -> str:
    if name != "torch.strided":
        raise refused(f"the layout {name!r}")
    return "strided"


def _scalar(dtype: Any, data: Any) -> Any:
    """A NumPy scalar."""
    if type(data) is str:
        data = data.encode("latin-1")
    if not isinstance(dtype, unpickle.Dtype) or not isinstance(data, bytes):
        raise refused("a NumPy scalar that is not made of bytes")
    if len(data) != dtype.dtype.itemsize:
        raise FileFormatError(f"{len(data)} bytes for a {dtype.dtype}")
    return np.frombuffer(data, dtype.dtype)[0]


FUNCTIONS: dict[tuple[str, str], Any] = {
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor_v3"): _tensor_with_dtype,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): _parameter,
    ("torch._tensor", "_rebuild_from_type_v2"): _of_type,
    ("torch", "Size"): _size,
    ("torch", "device"): _device,
    ("torch.serialization", "_get_layout"): _layout,
    ORDERED_DICT: _ordered_dict,
    ("collections", "Counter"): _counter,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy._core.multiarray", "scalar"): _scalar,
} | {
    (module, name): function
    for module in ("builtins", "__builtin__")  # as Python 3 and Python 2 call it
    for name, function in (
        *(("set", _list_of(set)), ("frozenset", _list_of(frozenset))),
        *(("complex", _complex), ("bytearray", _bytearray), ("bytes", _bytes)),
    )
}

TYPES: dict[tuple[str, str], Any] = {
    ("torch", "Tensor"): _TensorType(Tensor),
    ("torch.nn.parameter", "Parameter"): _TensorType(Parameter),
    ("torch.nn", "Parameter"): _TensorType(Parameter),
}

# --- keys --------------------------------------------------------------------------------------

_PLAIN_KEYS = (str, bytes, int, float, bool, type(None))


def is_hashable(key: Any, depth: int = 0) -> bool:
    """Whether it is a key of a plain type; others take long to hash, or run code."""
    if type(key) in _PLAIN_KEYS or isinstance(key, (np.dtype, device)):
        return True
    if type(key) not in (tuple, Size) or depth > 3:
        return False
    return all(is_hashable(item, depth + 1) for item in key)


def check_hashable(keys: Any) -> None:
    """Raise FileFormatError for keys that cannot be hashed, or that all have one hash."""
    for key in keys:
        if not is_hashable(key):
            raise refused(f"a {type(key).__name__} as a key of a dict or an element of a set")
    numbers = [key for key in keys if type(key) is not str]
    if len(numbers) > MAX_SAME_HASH:
        # those that are equal are one key; n that differ and share a hash take n² steps
        (_, most), *_ = Counter(map(hash, numbers)).most_common(1)
        if most > MAX_SAME_HASH:
            raise refused("many keys that all have the same hash")


# --- the whole nest ----------------------------------------------------------------------------

_CONTAINERS = (dict, OrderedDict, Counter, list, tuple, set, frozenset)
_LEAVES = {
    type(None), bool, int, float, complex, str, bytes, bytearray, Size, device, Tensor, Parameter,
    np.ndarray,
}  # fmt: skip


def checked_nest(value: Any) -> None:
    """Raise FileFormatError for a nest with a value of another type, or that is too deep.

    A part that occurs in several places is looked at again only where it is deeper than before, so
    that it takes no longer than the limit of the depth times the size.
    """
    seen: dict[int, int] = {}

    def check(value: Any, depth: int, place: tuple[Any, ...]) -> None:
        kind = type(value)
        if kind in _LEAVES or isinstance(value, (np.generic, np.dtype)):
            return
        if kind not in _CONTAINERS:
            raise FileFormatError(f"at {_path(place)}: {_in_words(value)}")
        if depth > MAX_DEPTH:
            raise FileFormatError(
                f"it is nested deeper than {MAX_DEPTH} levels, or contains itself"
            )
        if seen.get(id(value), -1) >= depth:
            return
        seen[id(value)] = depth
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in pairs:
            if type(item) not in _LEAVES:
                check(item, depth + 1, (*place, key))

    check(value, 0, ())


def _path(place: tuple[Any, ...]) -> str:
    return printable("obj" + "".join(f"[{key!r}]" for key in place), longest=200)


def _in_words(value: Any) -> str:
    if isinstance(value, Refused):
        return value.why
    what = "a function or class"
    if isinstance(value, Storage):
        what = "a bare storage"
    elif isinstance(value, StorageKind):
        what = f"the class torch.{value.name}"
    return f"{what}, where a tensor or a plain value should be"
