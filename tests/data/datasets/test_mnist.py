"""MNIST: found where torchvision puts it, verified, fetched from mirrors; the real files too."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import struct
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

import dlframe as dl
from dlframe.data import DataLoader, Subset
from dlframe.data.datasets import DATASETS, KMNIST, MNIST, FashionMNIST
from dlframe.data.datasets.mnist import read_idx
from dlframe.data.download import Checksum
from dlframe.data.transforms import Compose, Flatten, Normalize, RandomCrop, ToTensor
from dlframe.errors import DatasetError, DatasetMissingError, DownloadError


def idx(array: np.ndarray) -> bytes:
    header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.tobytes()


@pytest.fixture
def files(rng: np.random.Generator) -> dict[str, bytes]:
    """Small files in MNIST's form."""
    content = {}
    for part, n in (("train", 12), ("t10k", 5)):
        images = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        content[f"{part}-images-idx3-ubyte"] = idx(images)
        content[f"{part}-labels-idx1-ubyte"] = idx(np.arange(n, dtype=np.uint8) % 10)
    return content


@pytest.fixture
def Small(files: dict[str, bytes]) -> type[MNIST]:
    """MNIST with the checksums of the small files."""

    class SmallMNIST(MNIST):
        packed: ClassVar[Any] = {
            name: Checksum(sha256=hashlib.sha256(gzip.compress(content, mtime=0)).hexdigest())
            for name, content in files.items()
        }
        unpacked: ClassVar[Any] = {
            name: Checksum(md5=hashlib.md5(content).hexdigest()) for name, content in files.items()
        }

    return SmallMNIST


def put(files: dict[str, bytes], folder: Path, packed: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))
        else:
            (folder / name).write_bytes(content)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("place", [".", "MNIST/raw", "mnist"])
def test_it_is_found(
    files: dict[str, bytes], Small: Any, tmp_path: Path, place: str, packed: bool
) -> None:
    put(files, tmp_path / place, packed)
    train, test = Small(tmp_path), Small(str(tmp_path), train=False)
    assert (len(train), len(test)) == (12, 5)
    assert (train.data.shape, train.data.dtype) == ((12, 28, 28), np.uint8)
    assert (train.targets.tolist()[:3], train.targets.dtype) == ([0, 1, 2], np.int64)
    image, label = train[3]
    assert isinstance(image, Image.Image)
    assert (image.mode, image.size) == ("L", (28, 28))
    np.testing.assert_array_equal(np.asarray(image), train.data.array[3])
    assert (label, type(label)) == (3, int)
    assert train.classes[3] == "3 - three"
    assert train.class_to_idx["3 - three"] == 3


def test_missing_files_are_named_with_the_places_and_the_way_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(DatasetMissingError) as caught:
        MNIST(tmp_path)
    text = str(caught.value)
    for part in (
        "train-images-idx3-ubyte.gz or train-images-idx3-ubyte",
        f"{tmp_path}\n",
        str(tmp_path / "MNIST" / "raw"),
        "download=True",
        "https://ossci-datasets.s3.amazonaws.com/mnist/train-images-idx3-ubyte.gz",
    ):
        assert part in text


@pytest.mark.parametrize("packed", [True, False])
def test_damaged_files_are_refused(
    files: dict[str, bytes], Small: Any, tmp_path: Path, packed: bool
) -> None:
    put(files, tmp_path, packed)
    suffix = ".gz" if packed else ""
    file = tmp_path / f"train-images-idx3-ubyte{suffix}"
    file.write_bytes(file.read_bytes()[:-1])
    kind = "sha256" if packed else "md5"
    with pytest.raises(DatasetError, match=f"{file.name} is damaged: {kind} expected .* received"):
        Small(tmp_path)
    assert len(Small(tmp_path, train=False)) == 5


def test_download(files: dict[str, bytes], Small: Any, tmp_path: Path, server: Any) -> None:
    for name, content in files.items():
        server.files[f"/b/{name}.gz"] = gzip.compress(content, mtime=0)
    Small.mirrors = (server.url("/a/"), server.url("/b/"))
    train = Small(tmp_path / "new", download=True)
    assert len(train) == 12
    raw = tmp_path / "new" / "MNIST" / "raw"
    assert sorted(file.name for file in raw.iterdir()) == sorted(f"{name}.gz" for name in files)
    before = len(server.requests)
    assert len(Small(tmp_path / "new", train=False, download=True)) == 5
    assert len(server.requests) == before


@pytest.mark.parametrize("damage", [b"", b"\x1f\x8b", b"<html>"])
@pytest.mark.parametrize("place", [".", "MNIST/raw", "mnist"])
def test_what_is_damaged_is_fetched_again(
    files: dict[str, bytes], Small: Any, tmp_path: Path, server: Any, place: str, damage: bytes
) -> None:
    for name, content in files.items():
        server.files[f"/{name}.gz"] = gzip.compress(content, mtime=0)
    Small.mirrors = (server.url("/"),)
    put(files, tmp_path / place, packed=True)
    (tmp_path / place / "train-images-idx3-ubyte.gz").write_bytes(damage)
    (tmp_path / place / "t10k-labels-idx1-ubyte.gz").unlink()
    (tmp_path / place / "t10k-labels-idx1-ubyte").write_bytes(damage)
    with pytest.raises(DatasetError, match=r"is damaged: sha256 .* Pass download=True"):
        Small(tmp_path)
    assert len(Small(tmp_path, download=True)) == 12
    assert len(server.requests) == 2
    assert len(Small(tmp_path, train=False, download=True)) == 5
    assert len(Small(tmp_path)) == 12
    assert len(server.requests) == 2


@pytest.mark.parametrize(("cls", "own"), [(FashionMNIST, "fashion-mnist"), (KMNIST, "kmnist")])
def test_relatives_are_found_under_their_usual_names(
    files: dict[str, bytes], tmp_path: Path, cls: Any, own: str
) -> None:
    class Small(cls):  # type: ignore[misc] # a class that is only known here
        packed: ClassVar[Any] = {
            name: Checksum(sha256=hashlib.sha256(gzip.compress(content, mtime=0)).hexdigest())
            for name, content in files.items()
        }

    for i, folder in enumerate((f"{cls.name}/raw", cls.name, cls.name.lower(), own, f"{own}/raw")):
        put(files, tmp_path / str(i) / folder, packed=True)
        put(dict.fromkeys(files, b"of MNIST"), tmp_path / str(i), packed=True)
        assert len(Small(tmp_path / str(i))) == 12


@pytest.mark.parametrize(
    ("images", "labels"),
    [((5, 0, 2**31), 5), ((5, 14, 56), 5), ((5, 28, 28), 250), ((0, 28, 27), 0)],
)
def test_unpacked_files_without_a_checksum_have_the_right_form(
    tmp_path: Path, images: tuple[int, ...], labels: int
) -> None:
    header = bytes([0, 0, 8, 3]) + np.array(images, ">u4").tobytes()
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(header + bytes(int(np.prod(images))))
    last = np.full(images[0], labels, np.uint8)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(last))
    with pytest.raises(DatasetError, match="28×28 and labels below 10 were expected"):
        KMNIST(tmp_path, train=False)


@pytest.mark.parametrize("key", ["mnist", "fashion-mnist", "kmnist", "cifar10"])
def test_missing_files_are_downloaded_by_the_name_the_command_line_knows(
    tmp_path: Path, key: str
) -> None:
    with pytest.raises(DatasetMissingError, match=rf"dlframe data download {key}\)"):
        DATASETS[key](tmp_path)


def test_a_download_that_fails(Small: Any, tmp_path: Path, server: Any) -> None:
    Small.mirrors = (server.url("/a/"),)
    with pytest.raises(DownloadError, match="404"):
        Small(tmp_path, download=True)


def test_batches_equal_samples(files: dict[str, bytes], Small: Any, tmp_path: Path) -> None:
    put(files, tmp_path, True)
    steps = [RandomCrop(28, 3), ToTensor(), Normalize(0.1307, 0.3081), Flatten()]

    def load(transform: Any) -> list[list[Any]]:
        dl.manual_seed(1)
        data = Small(tmp_path, transform=transform, target_transform=lambda label: label + 1)
        loader = DataLoader(Subset(data, range(11)), batch_size=4, shuffle=True)
        return [[image.array, label.array] for image, label in loader]

    whole = load(Compose(steps))
    single = load(Compose(steps).__call__)
    assert [image.shape for image, _ in whole] == [(4, 784), (4, 784), (3, 784)]
    for a, b in zip(whole, single, strict=True):
        for x, y in zip(a, b, strict=True):
            assert x.dtype == y.dtype
            np.testing.assert_array_equal(x, y)


def test_without_a_transform_images_cannot_be_stacked(
    files: dict[str, bytes], Small: Any, tmp_path: Path
) -> None:
    put(files, tmp_path, True)
    with pytest.raises(TypeError, match=r"found .*Image.*transform=ToTensor"):
        next(iter(DataLoader(Small(tmp_path))))


def test_labels_and_images_may_be_replaced(
    files: dict[str, bytes], Small: Any, tmp_path: Path
) -> None:
    put(files, tmp_path, True)
    data = Small(tmp_path, transform=ToTensor())
    data.targets[0] = 7
    data.data = data.data.array[:2]
    image, label = next(iter(DataLoader(data, batch_size=9)))
    assert label.tolist() == [7, 1]
    assert image.shape == (2, 1, 28, 28)


def test_the_parts_must_belong_together(
    files: dict[str, bytes], Small: Any, tmp_path: Path
) -> None:
    Small.packed = Small.unpacked = {}
    files["train-labels-idx1-ubyte"] = files["t10k-labels-idx1-ubyte"]
    put(files, tmp_path, True)
    with pytest.raises(DatasetError, match="12 images, but 5 labels"):
        Small(tmp_path)


def test_read_idx_refuses_what_is_none() -> None:
    good = idx(np.zeros((2, 3), np.uint8))
    assert read_idx(good, 2).shape == (2, 3)
    for bad in (b"", b"PK\3\4", good[:-1], good + b"x", good[:6]):
        with pytest.raises(ValueError, match=r"IDX|header"):
            read_idx(bad, 2)
    with pytest.raises(ValueError, match="3 dimensions"):
        read_idx(good, 3)


def test_relatives() -> None:
    assert FashionMNIST.classes[9] == "Ankle boot"
    assert KMNIST.name == "KMNIST"
    assert DATASETS["fashion-mnist"] is FashionMNIST
    for cls in (FashionMNIST, KMNIST):
        assert cls.packed.keys() == MNIST.packed.keys()
        assert all(len(c.sha256 or "") == 64 for c in cls.packed.values())
        assert len(cls.mirrors) > 1
        assert cls.mirrors[0].startswith("https://")


class TestRealFiles:
    def test_statistics(self, real_mnist: Path) -> None:
        train, test = MNIST(real_mnist), MNIST(real_mnist.parent, train=False)
        assert (len(train), len(test)) == (60000, 10000)
        assert train.targets.tolist()[:5] == [5, 0, 4, 1, 9]
        assert abs(train.data.array.mean() / 255 - 0.1307) < 1e-4
        assert abs(train.data.array.std() / 255 - 0.3081) < 1e-4
        assert test.targets.tolist()[:3] == [7, 2, 1]

    def test_unpacked(self, real_mnist: Path, tmp_path: Path) -> None:
        for file in real_mnist.glob("t10k*.gz"):
            with gzip.open(file) as source, (tmp_path / file.stem).open("wb") as target:
                shutil.copyfileobj(source, target)
        assert len(MNIST(tmp_path, train=False)) == 10000
