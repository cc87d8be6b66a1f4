"""CIFAR-10, from its archive, its Python or its binary batches; no pickle is ever executed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from dlframe.data.batch import take
from dlframe.data.datasets.images import ImageDataset, Transform, as_root, damaged, not_found
from dlframe.data.download import Checksum, download
from dlframe.data.lock import file_lock
from dlframe.data.partial import own_file
from dlframe.errors import DatasetError, FileFormatError
from dlframe.utils.atomic import sync_folder
from dlframe.utils.unpickle import load_plain

MOST_BYTES = 1 << 28  # of the archive, which has 171 MB


class CIFAR10(ImageDataset):
    """60000 colour pictures of 10 kinds of things, 32×32: 50000 for training, 10000 for testing.

    The files may be in `cifar-10-batches-py` (torchvision's layout) or `cifar-10-batches-bin`, in
    `root` or `root/cifar10`; or in `root` itself; or in the archive `cifar-10-python.tar.gz`,
    which is unpacked in its folder. `download=True` fetches the archive if
    anything is missing or damaged. Checksums are verified.

    `data` is a uint8 array (n, 32, 32, 3), `targets` a list of ints. A sample is (PIL image,
    int), or what the transforms make of it. Raises DatasetError for missing or damaged files.

    A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", technical report, 2009.
    """

    name: ClassVar[str] = "CIFAR10"
    key: ClassVar[str] = "cifar10"  # in DATASETS
    urls: ClassVar[Sequence[str]] = ("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",)
    archive: ClassVar[str] = "cifar-10-python.tar.gz"
    archive_checksum: ClassVar[Checksum] = Checksum(md5="c58f30108f718f92721af3b95e74349a")
    #: the Python batches
    batches: ClassVar[Mapping[str, Checksum]] = {
        "data_batch_1": Checksum(
            sha256="54636561a3ce25bd3e19253c6b0d8538147b0ae398331ac4a2d86c6d987368cd"
        ),
        "data_batch_2": Checksum(
            sha256="766b2cef9fbc745cf056b3152224f7cf77163b330ea9a15f9392beb8b89bc5a8"
        ),
        "data_batch_3": Checksum(
            sha256="0f00d98ebfb30b3ec0ad19f9756dc2630b89003e10525f5e148445e82aa6a1f9"
        ),
        "data_batch_4": Checksum(
            sha256="3f7bb240661948b8f4d53e36ec720d8306f5668bd0071dcb4e6c947f78e9682b"
        ),
        "data_batch_5": Checksum(
            sha256="d91802434d8376bbaeeadf58a737e3a1b12ac839077e931237e0dcd43adcb154"
        ),
        "test_batch": Checksum(
            sha256="f53d8d457504f7cff4ea9e021afcf0e0ad8e24a91f3fc42091b8adef61157831"
        ),
    }
    #: the binary batches, the same images: per record a byte with the label, then 3072 bytes
    binaries: ClassVar[Mapping[str, Checksum]] = {
        "data_batch_1.bin": Checksum(md5="5dd7e06a14cb22eb9f671a540d1b7c25"),
        "data_batch_2.bin": Checksum(md5="5ea93a67294ea407fff1d09f752e9692"),
        "data_batch_3.bin": Checksum(md5="942cd6a4bcdd0dd3c604fbe906cb4421"),
        "data_batch_4.bin": Checksum(md5="ae636b3ba5c66a11e91e8cb52e771fcb"),
        "data_batch_5.bin": Checksum(md5="53f37980c15c3d472c316c40844f3f0d"),
        "test_batch.bin": Checksum(md5="803d5f7f4d78ea53de84dbe85f74fb6d"),
    }
    classes: Sequence[str] = (
        "airplane", "automobile", "bird", "cat", "deer",
        "dog", "frog", "horse", "ship", "truck",
    )  # fmt: skip

    def __init__(
        self,
        root: str | os.PathLike[str],
        train: bool = True,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(transform, target_transform)
        self.root = as_root(root)
        self.train = train
        try:
            images, self.targets = self._read(self._find_folder())
        except DatasetError:
            if not download:
                raise
            images, self.targets = self._read(self._download())
        # a view of the array in the files' layout, as in torchvision
        self.data = images.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)

    @property
    def _folders(self) -> list[Path]:
        below = self.root / "cifar10"
        inner = ("cifar-10-batches-py", "cifar-10-batches-bin")
        return [self.root, *(f / name for f in (self.root, below) for name in inner)]

    def _find_folder(self) -> Path:
        """The folder with the batches; if there is only the archive, it is unpacked first."""
        for folder in self._folders:
            if any((folder / name).is_file() for name in ("test_batch", "test_batch.bin")):
                return folder
        for folder in (self.root, self.root / "cifar10"):
            if (folder / self.archive).is_file():
                return self._unpack(folder / self.archive)
        names = ["data_batch_1 … data_batch_5, test_batch (in cifar-10-batches-py)", self.archive]
        raise not_found(self.name, self.key, names, self._folders, self.urls)

    def _download(self) -> Path:
        archive = self.root / self.archive
        md5 = self.archive_checksum.md5
        return self._unpack(download(self.urls, archive, md5=md5, most_bytes=MOST_BYTES))

    def _unpack(self, archive: Path) -> Path:
        """Write only the batches into `cifar-10-batches-py`, in the archive's folder."""
        import tarfile  # here: most runs find the batches unpacked

        if not self.archive_checksum.fits(archive):
            raise damaged(self.name, self.key, archive, self.archive_checksum.complaint(archive))
        folder = archive.parent / "cifar-10-batches-py"
        folder.mkdir(exist_ok=True)
        with file_lock(archive.with_name(archive.name + ".lock")), tarfile.open(archive) as tar:
            # test_batch is written last, so if it exists, all exist
            for name in self.batches:
                source = tar.extractfile(f"cifar-10-batches-py/{name}")
                if source is None:
                    raise damaged(self.name, self.key, archive, f"{name} is not a file in it")
                part = folder / f"{name}.part"
                part.unlink(missing_ok=True)
                with source, own_file(part, os.O_EXCL) as target:
                    shutil.copyfileobj(source, target, 1 << 20)
                    target.flush()
                    os.fsync(target.fileno())
                part.replace(folder / name)
                sync_folder(folder)
        return folder

    def _read(self, folder: Path) -> tuple[np.ndarray[Any, np.dtype[np.uint8]], list[int]]:
        """The images as (n, 3072) and the labels of the training or the test part."""
        is_binary = (folder / "test_batch.bin").is_file()
        checksums = self.binaries if is_binary else self.batches
        names = [name for name in checksums if name.startswith("data_batch") == self.train]
        parts = []
        labels: list[int] = []
        for name in names:
            path = folder / name
            if not path.is_file():
                raise not_found(self.name, self.key, [name], [folder], self.urls)
            if not checksums[name].fits(path):
                raise damaged(self.name, self.key, path, checksums[name].complaint(path))
            try:
                images, new = _read_binary(path) if is_binary else _read_pickled(path)
            except FileFormatError as error:
                raise damaged(self.name, self.key, path, str(error)) from error
            parts.append(images)
            labels.extend(new)
        return np.concatenate(parts), labels

    def _raw(self, index: int) -> Any:
        from PIL import Image  # here: `import dlframe` loads no PIL

        return Image.fromarray(np.ascontiguousarray(self.data[index]))

    def _raws(self, indices: Sequence[int]) -> Any:
        return take(self.data, indices)


def _read_pickled(path: Path) -> tuple[np.ndarray[Any, Any], list[int]]:
    """A Python batch: a pickled dict of an array and a list."""
    content = load_plain(path.read_bytes(), encoding="bytes")
    try:
        images, labels = content[b"data"], content[b"labels"]
        return _checked(images, labels)
    except (TypeError, KeyError, AttributeError) as error:
        raise FileFormatError(f"it does not hold a batch of CIFAR-10: {error!r}") from error


def _read_binary(path: Path) -> tuple[np.ndarray[Any, Any], list[int]]:
    """A binary batch: records of a label and 3072 pixels."""
    content = np.fromfile(path, np.uint8)
    if len(content) % 3073:
        raise FileFormatError(f"{len(content)} bytes are not a whole number of 3073-byte records")
    records = content.reshape(-1, 3073)
    return _checked(records[:, 1:], records[:, 0].tolist())


def _checked(images: Any, labels: Any) -> tuple[np.ndarray[Any, Any], list[int]]:
    if images.dtype != np.uint8 or images.ndim != 2 or images.shape[1] != 3072:
        raise FileFormatError(
            f"images should be uint8 (n, 3072); got {images.dtype} {images.shape}"
        )
    if len(labels) != len(images) or not all(type(n) is int and 0 <= n <= 9 for n in labels):
        raise FileFormatError("the labels are not one number 0…9 per image")
    return images, labels
