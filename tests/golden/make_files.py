"""Makes `files/`: small checkpoints of both of PyTorch's forms, and what is in them.

.venv-oracle/bin/python tests/golden/make_files.py
"""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path

import torch

HERE = Path(__file__).parent / "files"
DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")
NEW = ("uint16", "uint32", "uint64")  # the old form does not have them


def layouts(dtype: str) -> dict[str, torch.Tensor]:
    """One memory in many views, with an empty one and one without dimensions."""
    whole = torch.arange(24).reshape(2, 3, 4)
    whole = whole % 2 == 0 if dtype == "bool" else whole.to(getattr(torch, dtype))
    return {
        "whole": whole,
        "turned": whole.permute(2, 0, 1),
        "part": whole[:, 1:, ::2],
        "spread": whole[0, 0, 1].expand(3, 2),
        "number": whole[1, 0, 1],
        "empty": whole[:0],
    }


def plain() -> dict:
    """Every plain type that a checkpoint may have."""
    return {
        "none": None,
        "tuple": (1, (2.5, ()), "x"),
        "list": [1, -5, 300, 70000, 2**40, -(2**70), True],
        "set": {1, "a", 2.5},
        "bytes": b"ab\x00\xff",
        "complex": 1 + 2j,
        "text": "äö\u20ac",
        "ordered": OrderedDict(b=1, a=[]),
        "size": torch.Size([1, 2]),
        "dtype": torch.float32,
        "device": torch.device("cpu"),
        ("a", 1): {5: 6},
    }


def trained() -> dict:
    """The states of a model and its optimizer after a step."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    x = torch.arange(12.0).reshape(4, 3)
    (model(x) ** 2).sum().backward()
    optimizer.step()
    return {"model": model.state_dict(), "optimizer": optimizer.state_dict()}


def content(dtypes: tuple[str, ...]) -> dict:
    """All of it."""
    frozen = torch.nn.Parameter(torch.ones(2), requires_grad=False)
    marked = torch.nn.Parameter(torch.ones(2))
    marked.decay = False
    return {
        "layouts": {dtype: layouts(dtype) for dtype in dtypes},
        "plain": plain(),
        "state": trained(),
        "parameters": [torch.nn.Parameter(torch.ones(2)), frozen, marked],
        "needs_grad": torch.ones(2, requires_grad=True),
    }


def main() -> None:
    """Write the files, and the numbers of their tensors beside them."""
    HERE.mkdir(exist_ok=True)
    everything = content(DTYPES + NEW)
    torch.save(everything, HERE / "checkpoint.pt")
    torch.save(content(DTYPES), HERE / "legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(torch.nn.Linear(2, 1), HERE / "module.pt")
    torch.save({"w": torch.linspace(-2, 2, 9).bfloat16()}, HERE / "bfloat16.pt")
    numbers = {
        dtype: {name: {"values": t.tolist(), "stride": t.stride()} for name, t in views.items()}
        for dtype, views in everything["layouts"].items()
    }
    numbers["model"] = {name: t.tolist() for name, t in everything["state"]["model"].items()}
    (HERE / "checkpoint.json").write_text(json.dumps(numbers) + "\n")


if __name__ == "__main__":
    main()
