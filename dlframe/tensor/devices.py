"""The only device, the CPU, and the only layout; programs that choose between several still run."""

from __future__ import annotations

from typing import Any, Self

from dlframe.errors import ArgumentError, DeviceError

__all__ = [
    "channels_last",
    "channels_last_3d",
    "contiguous_format",
    "device",
    "layout",
    "memory_format",
    "preserve_format",
    "strided",
]

KNOWN = ("cpu", "cuda", "mps", "xpu", "meta")


class device(str):
    """The name of a device: a string with the parts `type` and `index`.

    Other devices than the CPU have names too, so that programs can compare with them; a tensor
    cannot be moved to them.

    Raises:
        ArgumentError: there is no such kind of device.

    >>> import dlframe as dl
    >>> device = dl.device("cuda" if dl.cuda.is_available() else "cpu")
    >>> dl.ones(2).to(device).device
    device(type='cpu')
    """

    __slots__ = ()

    def __new__(cls, type: str = "cpu", index: int | None = None) -> Self:
        kind, _, number = str(type).partition(":")
        numbered = number.isdecimal() and index is None
        if kind not in KNOWN or (number and not numbered):
            raise ArgumentError(f"device: expected one of {', '.join(KNOWN)}, got {type!r}")
        return super().__new__(cls, type if index is None else f"{type}:{index}")

    @property
    def type(self) -> str:
        """The kind of device, without its number."""
        return str(self).partition(":")[0]  # str(): partition would give self back

    @property
    def index(self) -> int | None:  # type: ignore[override] # PyTorch's name; str.index searches
        """The number of the device, if one was given."""
        number = str(self).partition(":")[2]
        return int(number) if number else None

    def __reduce__(self) -> tuple[Any, ...]:
        return device, (str(self),)

    def __repr__(self) -> str:
        at = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{at})"


CPU = device("cpu")


def check_device(wanted: Any) -> None:
    """Raise a DeviceError unless `wanted` is None or names the CPU."""
    if wanted is not None and device(wanted).type != "cpu":
        raise DeviceError(f"dlframe computes on the CPU, got device={str(wanted)!r}; use 'cpu'")


# PyTorch's constants for the only layout, and for orders in memory, which NumPy chooses here.


class layout(str):  # PyTorch's name
    """How a tensor's memory is laid out: `strided` is the only one."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"dlframe.{self}"


class memory_format(str):  # PyTorch's name
    """An order of dimensions in memory; functions accept it, and keep the order that there is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"dlframe.{self}"


strided = layout("strided")
contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")


def check_placement(device: Any, layout: Any = None, pin_memory: bool = False) -> None:
    """Raise a DeviceError for other devices, an ArgumentError for layouts and pinned memory."""
    check_device(device)
    if layout is not None and layout != strided:
        raise ArgumentError(f"layout: dlframe's tensors are strided, got {layout!r}")
    if pin_memory:
        raise ArgumentError("pin_memory: pinned memory is useful only for a GPU, and there is none")
