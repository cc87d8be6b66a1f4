"""ONNX files are not written: what imports this module runs, and `export` raises."""

from __future__ import annotations

from typing import Any, NoReturn

from dlframe.base.lazily import tell_missing

__all__ = ["export", "is_in_onnx_export"]


def export(*args: Any, **kwargs: Any) -> NoReturn:
    """Raise NotImplementedError: write the weights with `dl.save`, and let PyTorch export them."""
    raise NotImplementedError(
        "torch.onnx.export: dlframe writes no ONNX. `torch.save(model.state_dict(), 'model.pt')` "
        "keeps the weights, which PyTorch loads and exports"
    )


def is_in_onnx_export() -> bool:
    """False.

    >>> import dlframe as dl
    >>> dl.onnx.is_in_onnx_export()
    False
    """
    return False


tell_missing(__name__)
