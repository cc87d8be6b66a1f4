"""What the errors say of PyTorch's files is true of files that PyTorch wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import dlframe as dl  # noqa: E402 - only where there is something to compare with
from dlframe.errors import FileFormatError  # noqa: E402 - torch is imported first, or the tests are skipped


def test_the_advice_for_a_checkpoint_converts_it(tmp_path: Path) -> None:
    file, path = tmp_path / "model.pt", tmp_path / "model.h5"
    torch.manual_seed(0)
    torch.save(torch.nn.Linear(3, 2).state_dict(), file)
    with pytest.raises(FileFormatError, match="PyTorch checkpoint") as caught:
        dl.load(file)
    advice = str(caught.value).partition("state_dict: ")[2]
    eval(advice, {"torch": torch, "dlframe": dl, "file": file, "path": path})
    model = dl.nn.Linear(3, 2)
    model.load_state_dict(dl.load(path))
    dl.manual_seed(0)
    for name, value in dl.nn.Linear(3, 2).state_dict().items():
        assert value.tolist() == model.state_dict()[name].tolist()
