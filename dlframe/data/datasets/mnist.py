"""MNIST and its relatives: the original IDX files, verified and read into arrays."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from dlframe.data.batch import take
from dlframe.data.datasets.images import (
    ImageDataset,
    Transform,
    as_root,
    damaged,
    find_files,
    not_found,
)
from dlframe.data.download import Checksum, download
from dlframe.errors import DatasetError
from dlframe.tensor import Tensor, to_array

MOST_BYTES = 1 << 26  # of one file; the largest one has 26 MB


class MNIST(ImageDataset):
    """70000 handwritten digits, 28×28 grey pixels: 60000 for training, 10000 for testing.

    The files (`train-images-idx3-ubyte` and so on, with `.gz` or unpacked) are looked for in
    `root`, `root/MNIST/raw` (torchvision's place), `root/MNIST`, and likewise under the data set's
    name in lower case and on the command line. Their checksums are verified. `download=True`
    fetches what is missing or damaged into `root/MNIST/raw`.

    `data` is a uint8 Tensor (n, 28, 28), `targets` an int64 Tensor (n,). A sample is (PIL
    image, int), or what the transforms make of it. Raises DatasetError for missing or damaged
    files.

    Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document
    recognition", Proceedings of the IEEE 86(11), 1998.
    """

    name: ClassVar[str] = "MNIST"
    key: ClassVar[str] = "mnist"  # in DATASETS
    mirrors: ClassVar[Sequence[str]] = (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    )
    #: checksums of the .gz files
    packed: ClassVar[Mapping[str, Checksum]] = {
        "train-images-idx3-ubyte": Checksum(
            sha256="440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
        ),
        "train-labels-idx1-ubyte": Checksum(
            sha256="3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
        ),
        "t10k-images-idx3-ubyte": Checksum(
            sha256="8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
        ),
        "t10k-labels-idx1-ubyte": Checksum(
            sha256="f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
        ),
    }
    #: checksums of the same files unpacked, where they are published
    unpacked: ClassVar[Mapping[str, Checksum]] = {
        "train-images-idx3-ubyte": Checksum(md5="6bbc9ace898e44ae57da46a324031adb"),
        "train-labels-idx1-ubyte": Checksum(md5="a25bea736e30d166cdddb491f175f624"),
        "t10k-images-idx3-ubyte": Checksum(md5="2646ac647ad5339dbf082846283269ea"),
        "t10k-labels-idx1-ubyte": Checksum(md5="27ae3e4e09519cfbb04c329615203637"),
    }
    classes: Sequence[str] = (
        "0 - zero", "1 - one", "2 - two", "3 - three", "4 - four",
        "5 - five", "6 - six", "7 - seven", "8 - eight", "9 - nine",
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
        self._intact: dict[str, Path] = {}
        if download:
            self._download()
        part = "train" if train else "t10k"
        images = self._read(f"{part}-images-idx3-ubyte", 3)
        labels = self._read(f"{part}-labels-idx1-ubyte", 1)
        if len(images) != len(labels):
            raise DatasetError(
                f"{self.name}: {len(images)} images, but {len(labels)} labels in {self.root}; the "
                "files belong to different sets"
            )
        if images.shape[1:] != (28, 28) or labels.max(initial=0) >= len(self.classes):
            raise DatasetError(
                f"{self.name}: images of 28×28 and labels below {len(self.classes)} were expected "
                f"in {self.root}; got {'×'.join(map(str, images.shape[1:]))} and "
                f"{labels.max(initial=0)}"
            )
        self.data = Tensor(images)
        self.targets = Tensor(labels.astype(np.int64))

    @property
    def raw_folder(self) -> Path:
        """The folder for downloads, the same as torchvision's."""
        return self.root / self.name / "raw"

    @property
    def _folders(self) -> list[Path]:
        own = [self.root / name for name in dict.fromkeys([self.name, self.name.lower(), self.key])]
        return [self.root, *(place for folder in own for place in (folder / "raw", folder))]

    def _download(self) -> None:
        """Fetch the files of both parts that are missing or damaged, as torchvision does."""
        for name, checksum in self.packed.items():
            if self._find(name) is None:
                self._intact[name] = download(
                    [f"{mirror}{name}.gz" for mirror in self.mirrors],
                    self.raw_folder / f"{name}.gz",
                    sha256=checksum.sha256,
                    md5=checksum.md5,
                    most_bytes=MOST_BYTES,
                )

    def _candidates(self, name: str) -> list[Path]:
        return find_files(self._folders, [f"{name}.gz", name])

    def _checksum(self, path: Path) -> Checksum:
        is_packed = path.suffix == ".gz"
        return (self.packed if is_packed else self.unpacked).get(path.stem, Checksum())

    def _find(self, name: str) -> Path | None:
        """The first file that has its checksum; it is computed once."""
        if name not in self._intact:
            for path in self._candidates(name):
                if self._checksum(path).fits(path):
                    self._intact[name] = path
                    break
        return self._intact.get(name)

    def _read(self, name: str, dimensions: int) -> np.ndarray[Any, Any]:
        path = self._find(name)
        if path is None:
            for path in self._candidates(name):
                raise damaged(self.name, self.key, path, self._checksum(path).complaint(path))
            urls = [f"{mirror}{name}.gz" for mirror in self.mirrors]
            raise not_found(self.name, self.key, [f"{name}.gz", name], self._folders, urls)
        try:
            content = path.read_bytes()
            return read_idx(
                gzip.decompress(content) if path.suffix == ".gz" else content, dimensions
            )
        except (ValueError, EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise damaged(self.name, self.key, path, str(error)) from error

    def _raw(self, index: int) -> Any:
        from PIL import Image  # here: `import dlframe` loads no PIL

        return Image.fromarray(to_array(self.data)[index], mode="L")

    def _raws(self, indices: Sequence[int]) -> Any:
        return take(to_array(self.data), indices)


class FashionMNIST(MNIST):
    """70000 pictures of clothes, 28×28 grey pixels, in MNIST's form; files in
    `root/FashionMNIST/raw`.

    H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine
    learning algorithms", arXiv:1708.07747, 2017.
    """

    name = "FashionMNIST"
    key = "fashion-mnist"
    mirrors = (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    )
    packed: ClassVar[Mapping[str, Checksum]] = {
        "train-images-idx3-ubyte": Checksum(
            sha256="3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
        ),
        "train-labels-idx1-ubyte": Checksum(
            sha256="a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
        ),
        "t10k-images-idx3-ubyte": Checksum(
            sha256="346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
        ),
        "t10k-labels-idx1-ubyte": Checksum(
            sha256="67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
        ),
    }
    unpacked: ClassVar[Mapping[str, Checksum]] = {
        "train-images-idx3-ubyte": Checksum(md5="f4a8712d7a061bf5bd6d2ca38dc4d50a"),
        "train-labels-idx1-ubyte": Checksum(md5="9018921c3c673c538a1fc5bad174d6f9"),
        "t10k-images-idx3-ubyte": Checksum(md5="8181f5470baa50b63fa0f6fddb340f0a"),
        "t10k-labels-idx1-ubyte": Checksum(md5="15d484375f8d13e6eb1aabb0c3f46965"),
    }
    classes = (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    )  # fmt: skip


class KMNIST(MNIST):
    """70000 handwritten Japanese characters, 28×28 grey pixels, in MNIST's form; in
    `root/KMNIST/raw`.

    T. Clanuwat et al., "Deep Learning for Classical Japanese Literature", arXiv:1812.01718, 2018.
    """

    name = "KMNIST"
    key = "kmnist"
    mirrors = (
        "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
    )
    packed: ClassVar[Mapping[str, Checksum]] = {
        "train-images-idx3-ubyte": Checksum(
            sha256="51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"
        ),
        "train-labels-idx1-ubyte": Checksum(
            sha256="e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"
        ),
        "t10k-images-idx3-ubyte": Checksum(
            sha256="edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"
        ),
        "t10k-labels-idx1-ubyte": Checksum(
            sha256="20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"
        ),
    }
    #: none are published, so only the form of unpacked files is checked
    unpacked: ClassVar[Mapping[str, Checksum]] = {}
    classes = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")


def read_idx(content: bytes, dimensions: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The array in an IDX file of unsigned bytes; raises ValueError for anything else.

    The header: two zero bytes, the type (8: unsigned byte), the number of dimensions, then each
    size as a big-endian 32-bit integer.

    >>> read_idx(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]), 1)
    array([7, 8, 9], dtype=uint8)
    """
    expected = bytes([0, 0, 8, dimensions])
    if content[:4] != expected:
        raise ValueError(
            f"not an IDX file of unsigned bytes in {dimensions} dimensions: it begins with "
            f"{content[:4].hex(' ')}, not {expected.hex(' ')}"
        )
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise ValueError(f"the header should have {start} bytes; the file has {len(content)}")
    shape = tuple(int(n) for n in np.frombuffer(content[4:start], dtype=">u4"))
    if len(content) - start != math.prod(shape):
        raise ValueError(
            f"the header announces {shape}, {math.prod(shape)} bytes; {len(content) - start} follow"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()
