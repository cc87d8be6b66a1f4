"""What a tensor is, as functions; for the most part of numbers that are not complex."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlframe.tensor.arguments import require_tensor

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "conj",
    "conj_physical",
    "conj_physical_",
    "detach",
    "detach_",
    "fill_",
    "get_device",
    "imag",
    "is_complex",
    "is_conj",
    "is_inference",
    "is_neg",
    "is_same_size",
    "is_signed",
    "real",
    "resize_as_",
    "resolve_conj",
    "resolve_neg",
    "zero_",
]


def _of(name: str, input: Any) -> Any:
    require_tensor(name, "'input' (position 1)", input)
    return input


# --- questions ---------------------------------------------------------------------------------


def is_complex(input: Tensor) -> bool:
    """Always False, since there are no complex tensors.

    >>> dl.is_complex(dl.ones(1))
    False
    """
    return bool(_of("is_complex", input).is_complex())


def is_conj(input: Tensor) -> bool:
    """Always False: real numbers are not conjugated.

    >>> dl.is_conj(dl.ones(1))
    False
    """
    return bool(_of("is_conj", input).is_conj())


def is_neg(input: Tensor) -> bool:
    """Always False: no tensor is a view that shows its memory with another sign.

    >>> dl.is_neg(-dl.ones(1))
    False
    """
    return bool(_of("is_neg", input).is_neg())


def is_signed(input: Tensor) -> bool:
    """Whether the dtype has negative numbers.

    >>> dl.is_signed(dl.ones(1)), dl.is_signed(dl.tensor([True]))
    (True, False)
    """
    return bool(_of("is_signed", input).is_signed())


def is_inference(input: Tensor) -> bool:
    """Whether the tensor was made in inference mode, so that it cannot be part of a graph.

    >>> with dl.inference_mode():
    ...     x = dl.ones(1).exp()
    >>> dl.is_inference(x)
    True
    """
    return bool(_of("is_inference", input).is_inference())


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether both have the same shape.

    >>> dl.is_same_size(dl.ones(2, 1), dl.ones(1, 2))
    False
    """
    return bool(_of("is_same_size", input).is_same_size(_of("is_same_size", other)))


def get_device(input: Tensor) -> int:
    """The number of the GPU; always -1, which means the CPU.

    >>> dl.get_device(dl.ones(1))
    -1
    """
    return int(_of("get_device", input).get_device())


# --- real numbers ------------------------------------------------------------------------------


def real(input: Tensor) -> Tensor:
    """The tensor itself: its numbers are real.

    >>> dl.real(dl.tensor([1.0]))
    tensor([1.])
    """
    out: Tensor = _of("real", input).real
    return out


def imag(input: Tensor) -> Tensor:
    """Raises a DTypeError, as in PyTorch: real numbers have no imaginary part."""
    out: Tensor = _of("imag", input).imag
    return out


def conj(input: Tensor) -> Tensor:
    """The tensor itself: its numbers are real.

    >>> dl.conj(dl.tensor([1.0]))
    tensor([1.])
    """
    out: Tensor = _of("conj", input).conj()
    return out


def conj_physical(input: Tensor) -> Tensor:
    """The tensor itself, as `conj`.

    >>> dl.conj_physical(dl.tensor([1.0]))
    tensor([1.])
    """
    return conj(input)


def conj_physical_(input: Tensor) -> Tensor:
    """The tensor itself, as `conj`.

    >>> dl.conj_physical_(dl.tensor([1.0]))
    tensor([1.])
    """
    return conj(input)


def resolve_conj(input: Tensor) -> Tensor:
    """The tensor itself: nothing is left to conjugate.

    >>> dl.resolve_conj(dl.tensor([1.0]))
    tensor([1.])
    """
    return conj(input)


def resolve_neg(input: Tensor) -> Tensor:
    """The tensor itself: its memory shows the right signs.

    >>> dl.resolve_neg(dl.tensor([1.0]))
    tensor([1.])
    """
    return conj(input)


# --- methods as functions ----------------------------------------------------------------------


def detach(input: Tensor) -> Tensor:
    """The same memory without the graph; see `Tensor.detach`.

    >>> dl.detach(dl.ones(1, requires_grad=True)).requires_grad
    False
    """
    out: Tensor = _of("detach", input).detach()
    return out


def detach_(input: Tensor) -> Tensor:
    """Cut the tensor off its graph, in place.

    >>> dl.detach_(dl.ones(1, requires_grad=True).exp())
    tensor([2.7183])
    """
    out: Tensor = _of("detach_", input).detach_()
    return out


def zero_(input: Tensor) -> Tensor:
    """Set every element to 0.

    >>> dl.zero_(dl.ones(2))
    tensor([0., 0.])
    """
    out: Tensor = _of("zero_", input).zero_()
    return out


def fill_(input: Tensor, value: Any) -> Tensor:
    """Set every element to `value`, a number or a 0-d tensor, whose gradient is the sum.

    >>> dl.fill_(dl.ones(2), 3)
    tensor([3., 3.])
    """
    out: Tensor = _of("fill_", input).fill_(value)
    return out


def resize_as_(input: Tensor, the_template: Tensor) -> Tensor:
    """Give `input` the shape of another tensor, in place; see `Tensor.resize_`.

    >>> dl.resize_as_(dl.tensor([1.0, 2.0]), dl.ones(3))
    tensor([1., 2., 0.])
    """
    out: Tensor = _of("resize_as_", input).resize_as_(the_template)
    return out
