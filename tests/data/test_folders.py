"""Data sets of files in folders: what torchvision does, and what hostile folders lead to."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlframe.data import DataLoader, transforms
from dlframe.data.datasets import DatasetFolder, ImageFolder
from dlframe.data.folders import FolderError, default_loader
from dlframe.errors import DatasetError, FileFormatError


def save(
    path: Path, colour: tuple[int, int, int] = (1, 2, 3), size: tuple[int, int] = (4, 3)
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    for name in ("zebra/10.png", "zebra/9.png", "cat/deep/b.png", "cat/a.PNG", "dog/d.jpg"):
        save(tmp_path / name)
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    (tmp_path / "readme.png").write_text("in no class")
    return tmp_path


def test_classes_and_files_come_in_order(animals: Path) -> None:
    data = ImageFolder(animals)
    assert data.classes == ["cat", "dog", "zebra"]
    assert data.class_to_idx == {"cat": 0, "dog": 1, "zebra": 2}
    names = [os.path.relpath(path, animals) for path, _ in data.samples]
    assert names == ["cat/a.PNG", "cat/deep/b.png", "dog/d.jpg", "zebra/10.png", "zebra/9.png"]
    assert data.targets == [0, 0, 1, 2, 2]
    assert data.imgs is data.samples
    image, label = data[0]
    assert (image.mode, image.size, label) == ("RGB", (4, 3), 0)
    assert repr(data).splitlines()[:2] == ["Dataset ImageFolder", "    Number of datapoints: 5"]


def test_transforms_and_a_loader(animals: Path) -> None:
    data = ImageFolder(animals, transforms.ToTensor(), lambda label: label + 10)
    x, y = next(iter(DataLoader(data, batch_size=5)))
    assert x.shape == (5, 3, 3, 4)
    assert y.tolist() == [10, 10, 11, 12, 12]
    np.testing.assert_allclose(x[0, :, 0, 0].numpy(), np.array([1, 2, 3]) / 255, rtol=1e-6)


def test_which_files_are_taken(animals: Path) -> None:
    data = DatasetFolder(animals, Path, is_valid_file=lambda path: "cat" in path, allow_empty=True)
    assert [Path(path).name for path, _ in data.samples] == ["a.PNG", "notes.txt", "b.png"]
    assert data.classes == ["cat", "dog", "zebra"]
    assert len(DatasetFolder(animals, Path, ".png", allow_empty=True)) == 4
    for options in ({}, {"extensions": (".png",), "is_valid_file": bool}):
        with pytest.raises(ValueError, match="cannot be None or not None at the same time"):
            DatasetFolder(animals, Path, **options)  # type: ignore[arg-type] # a mistake


@pytest.mark.parametrize("make", ["nothing", "file", "files only", "empty"])
def test_folders_without_classes(tmp_path: Path, make: str) -> None:
    root = tmp_path / "data"
    if make == "file":
        root.write_text("x")
    elif make != "nothing":
        root.mkdir()
        if make == "files only":
            save(root / "a.png")
    with pytest.raises(FileNotFoundError, match=r"data") as caught:
        ImageFolder(root)
    assert isinstance(caught.value, FolderError)
    assert str(caught.value).isprintable()


def test_ten_classes_with_one_file(tmp_path: Path) -> None:
    for i in range(10):
        (tmp_path / f"class {i}").mkdir()
    save(tmp_path / "class 3" / "a.png")
    with pytest.raises(FolderError) as caught:
        ImageFolder(tmp_path)
    message = str(caught.value)
    assert "no valid file for 9 of the 10 classes" in message
    assert "class 0, class 1, class 2, class 4, class 5 and 4 more" in message
    assert ".webp" in message
    assert len(ImageFolder(tmp_path, allow_empty=True)) == 1


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_an_unreadable_image_is_named(animals: Path, content: bytes) -> None:
    (animals / "cat" / "a.PNG").write_bytes(content)
    data = ImageFolder(animals)
    with pytest.raises(FileFormatError, match=r"cat.a\.PNG is damaged, or no image") as caught:
        data[0]
    assert isinstance(caught.value, OSError)
    assert default_loader(data.samples[1][0]).size == (4, 3)


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_links_are_followed_but_not_in_a_circle(
    animals: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    save(other / "more.png")
    (animals / "cat" / "link").symlink_to(other)
    assert len(ImageFolder(animals)) == 6
    for place, target in ((other, animals), (other, animals / "cat"), (other, other)):
        (place / "back").symlink_to(target)
        with pytest.raises(DatasetError, match="is a link to a folder that it lies in"):
            ImageFolder(animals)
        (place / "back").unlink()


def test_what_systems_and_editors_leave_is_no_class_and_no_sample(animals: Path) -> None:
    samples = ImageFolder(animals).samples
    for name in ("cat/._a.png", "cat/.hidden.png", "dog/.ipynb_checkpoints/d-checkpoint.jpg",
                 ".git/a.png", "__MACOSX/._a.png", ".ipynb_checkpoints/a.png"):  # fmt: skip
        save(animals / name)
    for name in ("cat/.DS_Store", "cat/Thumbs.db", "dog/desktop.ini", ".DS_Store"):
        (animals / name).write_bytes(b"\0")
    data = ImageFolder(animals)
    assert data.classes == ["cat", "dog", "zebra"]
    assert data.samples == samples
    plain = DatasetFolder(animals, Path, "")  # whatever the name
    assert [Path(path).name for path, _ in plain.samples if "dog" in path] == ["d.jpg"]
    own = DatasetFolder(
        animals, Path, is_valid_file=lambda path: path.endswith(".png"), allow_empty=True
    )
    assert any(path.endswith(".hidden.png") for path, _ in own.samples)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes with names")
def test_pipes_sockets_and_links_to_nothing_are_left_out(animals: Path) -> None:
    samples = ImageFolder(animals).samples
    os.mkfifo(animals / "cat" / "pipe.png")
    (animals / "dog" / "gone.png").symlink_to("nothing")
    (animals / "dog" / "loop.png").symlink_to("loop.png")
    (animals / "loop").symlink_to("loop")  # no class
    (animals / "zebra" / "other").symlink_to("/dev/null")  # no image by its name
    with pytest.warns(UserWarning, match="left out, as they are no files") as caught:
        data = ImageFolder(animals)
    assert data.samples == samples
    text = str(caught[0].message)
    assert text.count("pipe.png (a pipe)") == 1
    assert text.count("(a link that leads nowhere)") == 2
    assert caught[0].filename == __file__
    asked: list[str] = []
    with pytest.warns(UserWarning, match="no files"):
        DatasetFolder(animals, Path, is_valid_file=lambda path: asked.append(path) or True)
    assert not {Path(path).name for path in asked} & {"pipe.png", "gone.png", "loop.png"}
    with pytest.raises(FileFormatError, match=r"pipe\.png is a pipe, not an image file"):
        default_loader(str(animals / "cat" / "pipe.png"))
    with pytest.raises(FileFormatError, match="is a folder, not an image file"):
        default_loader(str(animals))
    with pytest.raises(FileFormatError, match="null is a device, not an image file"):
        default_loader(os.devnull)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="Windows has no such sockets")
def test_a_socket_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "cat" / "a.png")
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("cat/s.png")
        with pytest.warns(UserWarning, match=r"s\.png \(a socket\)"):
            assert len(ImageFolder(tmp_path)) == 1


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_folders_and_files_that_may_not_be_read(animals: Path) -> None:
    (animals / "cat" / "a.PNG").chmod(0)
    with pytest.raises(PermissionError, match=r"a\.PNG"):
        ImageFolder(animals)[0]
    (animals / "cat" / "deep").chmod(0)
    try:
        with pytest.raises(DatasetError, match="deep cannot be read: Permission denied"):
            ImageFolder(animals)
    finally:
        (animals / "cat" / "deep").chmod(0o700)


def test_a_class_without_a_folder_is_empty(animals: Path) -> None:
    assert not DatasetFolder.make_dataset(animals, {"cow": 0}, (".png",), allow_empty=True)
    with pytest.raises(FolderError, match=r"no valid file for 1 of the 1 classes.*cow"):
        DatasetFolder.make_dataset(animals, {"cow": 0}, (".png",))
