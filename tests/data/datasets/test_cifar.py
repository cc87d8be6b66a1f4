"""CIFAR-10: every form of the files, and a pickle that attacks."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import pickle
import tarfile
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import dlframe as dl
from dlframe.data import DataLoader
from dlframe.data.datasets import CIFAR10
from dlframe.data.download import Checksum
from dlframe.data.transforms import Compose, Normalize, RandomCrop, RandomHorizontalFlip, ToTensor
from dlframe.errors import DatasetError, DatasetMissingError, FileFormatError
from dlframe.utils.unpickle import load_plain

NAMES = [
    "data_batch_1",
    "data_batch_2",
    "data_batch_3",
    "data_batch_4",
    "data_batch_5",
    "test_batch",
]


class Small:
    """CIFAR-10 with four images per batch, in all its forms."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.images = rng.integers(0, 256, (24, 3072), dtype=np.uint8)
        self.labels = rng.integers(0, 10, 24).tolist()
        self.pickled, self.binary = {}, {}
        for i, name in enumerate(NAMES):
            images, labels = self.images[4 * i : 4 * i + 4], self.labels[4 * i : 4 * i + 4]
            batch = {b"data": images, b"labels": labels, b"batch_label": b"x"}
            self.pickled[name] = pickle.dumps(batch, protocol=2)
            records = np.concatenate([np.array(labels, np.uint8)[:, None], images], axis=1)
            self.binary[f"{name}.bin"] = records.tobytes()
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            everything = {**self.pickled, "readme.html": b"hello", "../../evil": b"evil"}
            for name, content in everything.items():
                member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        self.archive = archive.getvalue()

    def cls(self) -> type[CIFAR10]:
        def sums(files: dict[str, bytes]) -> dict[str, Checksum]:
            return {n: Checksum(md5=hashlib.md5(c).hexdigest()) for n, c in files.items()}

        return type(
            "SmallCIFAR10",
            (CIFAR10,),
            {
                "batches": sums(self.pickled),
                "binaries": sums(self.binary),
                "archive_checksum": sums({"a": self.archive})["a"],
            },
        )


@pytest.fixture
def small(rng: np.random.Generator) -> Small:
    return Small(rng)


def put(files: dict[str, bytes], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def check(data: Any, small: Small) -> None:
    chosen = slice(0, 20) if data.train else slice(20, 24)
    images = small.images[chosen].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(data.data, images)
    assert data.targets == small.labels[chosen]
    assert type(data.targets) is list
    image, label = data[1]
    assert isinstance(image, Image.Image)
    np.testing.assert_array_equal(np.asarray(image), images[1])
    assert label == small.labels[chosen][1]


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("place", [".", "cifar-10-batches-py", "cifar10/cifar-10-batches-py"])
def test_python_batches(small: Small, tmp_path: Path, place: str, train: bool) -> None:
    put(small.pickled, tmp_path / place)
    check(small.cls()(tmp_path, train), small)


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("place", [".", "cifar-10-batches-bin"])
def test_binary_batches(small: Small, tmp_path: Path, place: str, train: bool) -> None:
    put(small.binary, tmp_path / place)
    check(small.cls()(str(tmp_path), train), small)


def test_an_archive_is_unpacked_and_nothing_but_batches_leaves_it(
    small: Small, tmp_path: Path
) -> None:
    root = tmp_path / "deep" / "root"
    put({"cifar-10-python.tar.gz": small.archive}, root)
    check(small.cls()(root), small)
    assert sorted(f.name for f in (root / "cifar-10-batches-py").iterdir()) == NAMES
    assert not list(tmp_path.rglob("evil"))
    (root / "cifar-10-python.tar.gz").unlink()
    check(small.cls()(root, train=False), small)


def test_download(small: Small, tmp_path: Path, server: Any) -> None:
    server.files["/c.tar.gz"] = small.archive
    cls = small.cls()
    cls.urls = (server.url("/c.tar.gz"),)
    check(cls(tmp_path, download=True), small)
    check(cls(tmp_path, train=False, download=True), small)
    assert len(server.requests) == 1


@pytest.mark.parametrize("place", [".", "cifar-10-batches-py", "cifar10/cifar-10-batches-py"])
def test_what_is_damaged_is_fetched_again(
    small: Small, tmp_path: Path, server: Any, place: str
) -> None:
    server.files["/c.tar.gz"] = small.archive
    cls = small.cls()
    cls.urls = (server.url("/c.tar.gz"),)
    put(small.pickled, tmp_path / place)
    (tmp_path / place / "test_batch").write_bytes(b"")
    (tmp_path / place / "data_batch_3").unlink()
    (tmp_path / cls.archive).write_bytes(small.archive[:100])
    (tmp_path / "cifar-10-batches-py").mkdir(exist_ok=True)
    outside = tmp_path / "precious"
    outside.write_text("precious")
    (tmp_path / "cifar-10-batches-py" / "data_batch_3.part").symlink_to(outside)
    with pytest.raises(DatasetError):
        cls(tmp_path)
    for _ in range(2):
        check(cls(tmp_path, download=True), small)
        check(cls(tmp_path, train=False, download=True), small)
    assert len(server.requests) == 1
    assert outside.read_text() == "precious"


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(DatasetMissingError) as caught:
        CIFAR10(tmp_path)
    for part in ("cifar-10-batches-py", "download=True", "cs.toronto.edu", str(tmp_path)):
        assert part in str(caught.value)


def test_one_missing_batch(small: Small, tmp_path: Path) -> None:
    put(small.pickled, tmp_path)
    (tmp_path / "data_batch_3").unlink()
    with pytest.raises(DatasetMissingError, match="data_batch_3"):
        small.cls()(tmp_path)


def test_damaged_files(small: Small, tmp_path: Path) -> None:
    put({**small.pickled, "data_batch_2": b"damaged"}, tmp_path)
    with pytest.raises(DatasetError, match="data_batch_2 is damaged: md5 expected"):
        small.cls()(tmp_path)
    archive = tmp_path / "other" / "cifar-10-python.tar.gz"
    put({archive.name: small.archive[:-1]}, archive.parent)
    with pytest.raises(DatasetError, match=r"tar.gz is damaged: md5 expected"):
        small.cls()(archive.parent)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({b"data": np.zeros((4, 10), np.uint8), b"labels": [0] * 4}, r"uint8 \(n, 3072\)"),
        ({b"data": np.zeros((4, 3072)), b"labels": [0] * 4}, "float64"),
        ({b"data": np.zeros((4, 3072), np.uint8), b"labels": [0] * 3}, "one number 0…9"),
        ({b"data": np.zeros((1, 3072), np.uint8), b"labels": [10]}, "one number 0…9"),
        ({b"data": [1, 2]}, "not hold a batch of CIFAR-10"),
        ([1, 2], "not hold a batch of CIFAR-10"),
    ],
)
def test_batches_of_another_form(small: Small, tmp_path: Path, content: Any, message: str) -> None:
    small.pickled["data_batch_1"] = pickle.dumps(content)
    put(small.pickled, tmp_path)
    with pytest.raises(DatasetError, match=message):
        small.cls()(tmp_path)


def test_a_binary_batch_of_another_length(small: Small, tmp_path: Path) -> None:
    small.binary["data_batch_1.bin"] += b"x"
    put(small.binary, tmp_path)
    with pytest.raises(DatasetError, match="3073-byte records"):
        small.cls()(tmp_path)


class Attack:
    """Unpickled the usual way, it writes a file."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


class TestMaliciousPickles:
    @pytest.mark.parametrize("protocol", range(6))
    def test_nothing_is_executed(self, small: Small, tmp_path: Path, protocol: int) -> None:
        victim = tmp_path / "executed"
        for attack in (
            Attack(os.mkdir, str(victim)),
            Attack(eval, f"__import__('os').mkdir({str(victim)!r})"),
            Attack(np.save, str(victim), np.zeros(1)),
        ):
            content = pickle.dumps({b"data": attack, b"labels": []}, protocol=protocol)
            small.pickled["data_batch_1"] = content
            put(small.pickled, tmp_path)
            # the checksum fits: even then
            with pytest.raises(DatasetError, match="it may be an attack and was not executed"):
                small.cls()(tmp_path)
            assert not victim.exists()
            assert not victim.with_suffix(".npy").exists()
        pickle.loads(pickle.dumps(Attack(os.mkdir, str(victim))))
        assert victim.exists()  # the attack is a real one

    @pytest.mark.parametrize(
        "content",
        [
            b"cos\nsystem\n(S'true'\ntR.",
            b"c__builtin__\neval\n(S'1'\ntR.",
            b"cnumpy.core.multiarray\nfromfile\n(S'/etc/passwd'\ntR.",
            b"cnumpy\nndarray.tofile\n.",
            b"\x80\x04\x8c\x05numpy\x8c\x0cndarray.dump\x93.",
            b"cfunctools\npartial\n.",
            # a dtype of objects, whose flags are cleared so that bytes become pointers
            b"cnumpy\ndtype\n(S'O8'\nI00\nI01\ntR(I3\nS'|'\nNNNI-1\nI-1\nI0\ntb.",
            b"cnumpy\ndtype\n(S'u1'\nI00\nI01\ntR(I3\nS'|'\nN(S'a'\nt}I-1\nI-1\nI0\ntb.",
            b"cnumpy\ndtype\n(S'V8'\ntR.",
            b"cnumpy\ndtype\n(S'(1000000000,)u1'\ntR.",
            b"cnumpy\nndarray\n((I10000000000\nttR.",  # memory for nothing
            b"c_codecs\nencode\n(S'x'\nS'zlib'\ntR.",
            b"cnumpy\ndtype\n}S'__class__'\nI1\nsb.",
            b"}" + b")" + b"\x85" * 200_000 + b"I1\ns.",  # hashing it overflows the stack
            b"(I1\nI2\n\x91.",  # a frozenset
        ],
    )
    def test_by_hand(self, content: bytes) -> None:
        with pytest.raises(FileFormatError, match="not executed"):
            load_plain(content)

    @pytest.mark.parametrize(
        "content", [b"", b"garbage", pickle.dumps([1, 2, 3])[:-2], b"\x80\x09"]
    )
    def test_damaged(self, content: bytes) -> None:
        with pytest.raises(FileFormatError, match="cannot be read"):
            load_plain(content)

    @pytest.mark.parametrize(
        "content",
        [
            b"I1\nr\xff\xff\xff\x7f.",  # the unpickler in C reserves 2**31 places
            b"\x80\x05\x96" + (1 << 40).to_bytes(8, "little") + b"x.",
            b"\x80\x04\x95" + (1 << 40).to_bytes(8, "little") + b"N.",
            b"\x8e" + (1 << 40).to_bytes(8, "little") + b"x.",
            pickle.dumps(np.zeros((3, 4)), 4).replace(b"K\x03K\x04", b"K\x7fK\x7f"),
            b"]" + b"]a" * 10 + b"](" * 100_000 + b"e.",
        ],
    )
    def test_little_memory(self, content: bytes) -> None:
        tracemalloc.start()
        with contextlib.suppress(FileFormatError):
            load_plain(content)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 400 * len(content) + 500_000

    def test_any_change_is_an_error_or_another_plain_value(self, rng: np.random.Generator) -> None:
        value = {b"data": np.arange(40, dtype=np.uint8), b"labels": [1, 2], "t": np.array(["ab"])}
        for protocol in range(6):
            whole = pickle.dumps(value, protocol=protocol)
            for _ in range(60):
                content = bytearray(whole)
                for _ in range(rng.integers(1, 4)):
                    content[rng.integers(len(content))] = rng.choice([*range(256)])
                with contextlib.suppress(FileFormatError):
                    loaded = load_plain(bytes(content))
                    if isinstance(loaded, dict):
                        arrays = [a for a in loaded.values() if isinstance(a, np.ndarray)]
                        assert all(a.dtype.kind in "biufSU" for a in arrays)

    def test_plain_values_pass(self, rng: np.random.Generator) -> None:
        value = {"a": [1, 2.5, "x", b"y", None, True, (1,)], "b": rng.random((2, 3))}
        for protocol in range(6):
            loaded = load_plain(pickle.dumps(value, protocol=protocol))
            assert loaded["a"] == value["a"]
            np.testing.assert_array_equal(loaded["b"], value["b"])


def test_batches_equal_samples(small: Small, tmp_path: Path) -> None:
    put(small.pickled, tmp_path)
    stats = ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
    steps = [RandomCrop(32, 4), RandomHorizontalFlip(), ToTensor(), Normalize(*stats)]

    def load(transform: Any, workers: int) -> list[np.ndarray]:
        dl.manual_seed(1)
        data = small.cls()(tmp_path, transform=transform)
        loader = DataLoader(data, batch_size=6, shuffle=True, num_workers=workers)
        return [part.array for _ in range(2) for batch in loader for part in batch]

    whole = load(Compose(steps), 0)
    assert whole[0].shape == (6, 3, 32, 32)
    assert (whole[1].shape, whole[1].dtype) == ((6,), np.int64)
    for other in (load(Compose(steps).__call__, 0), load(Compose(steps), 2)):
        for a, b in zip(whole, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_real_files(real_cifar10: Path) -> None:
    test = CIFAR10(real_cifar10, train=False)
    assert len(test) == 10000
    assert np.bincount(test.targets).tolist() == [1000] * 10
    assert test.classes[test.targets[0]] == "cat"


@pytest.mark.slow
def test_real_files_for_training(real_cifar10: Path) -> None:
    train = CIFAR10(real_cifar10.parent)
    assert train.data.shape == (50000, 32, 32, 3)
    mean = train.data.mean(axis=(0, 1, 2)) / 255
    np.testing.assert_allclose(mean, [0.4914, 0.4822, 0.4465], atol=1e-4)
