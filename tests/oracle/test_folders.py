"""Folders of images beside torchvision's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dlframe.data.datasets import DatasetFolder, ImageFolder

theirs = pytest.importorskip("torchvision.datasets")


@pytest.fixture
def root(tmp_path: Path, rng: np.random.Generator) -> Path:
    for name in ("b/2.png", "b/10.PNG", "B/x.jpg", "a/deep/er/1.bmp", "a/1.webp", "a/deeper/0.ppm"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (5, 4), np.uint8)).save(tmp_path / name)
    (tmp_path / "a" / "x.gif").write_text("")
    (tmp_path / "empty").mkdir()
    return tmp_path


@pytest.mark.parametrize("options", [{}, {"is_valid_file": lambda path: "1" in path}])
def test_image_folders_agree(root: Path, options: dict[str, Any]) -> None:
    with pytest.raises(FileNotFoundError):
        ImageFolder(root, **options)
    ours = ImageFolder(str(root), allow_empty=True, **options)
    other = theirs.ImageFolder(str(root), allow_empty=True, **options)
    for name in ("classes", "class_to_idx", "samples", "targets", "imgs", "extensions"):
        assert getattr(ours, name) == getattr(other, name), name
    assert repr(ours) == repr(other)
    for i in range(len(ours) if not options else 1):
        if Path(ours.samples[i][0]).suffix != ".gif":
            np.testing.assert_array_equal(np.asarray(ours[i][0]), np.asarray(other[i][0]))


def test_folders_of_files_agree(root: Path) -> None:
    ours = DatasetFolder(str(root), Path, (".png", ".gif"), allow_empty=True)
    other = theirs.DatasetFolder(str(root), Path, (".png", ".gif"), allow_empty=True)
    assert ours.samples == other.samples
    assert ours[1] == other[1]
