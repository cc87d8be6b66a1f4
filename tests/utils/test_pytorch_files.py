"""PyTorch's checkpoints, read and written without PyTorch; the files are PyTorch's own."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter, OrderedDict, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples.nests import same

import dlframe as dl
from dlframe import nn, optim
from dlframe.errors import ArgumentError, DTypeError, FileFormatError
from dlframe.nn import Parameter

FILES = Path(__file__).parents[1] / "golden" / "files"
NUMBERS = json.loads((FILES / "checkpoint.json").read_text())
FORMS = {"checkpoint.pt": {}, "legacy.pt": {"_use_new_zipfile_serialization": False}}
NEW = {"uint16", "uint32", "uint64"}  # the old form does not have them

both = pytest.mark.parametrize("name", FORMS)


def again(value: Any, **options: Any) -> Any:
    file = io.BytesIO()
    dl.save(value, file, **options)
    file.seek(0)
    return dl.load(file)


# --- files of PyTorch's ------------------------------------------------------------------------


@both
def test_all_dtypes_and_layouts(name: str) -> None:
    layouts = dl.load(FILES / name, weights_only=True)["layouts"]
    assert set(layouts) == set(NUMBERS) - {"model"} - (NEW if name == "legacy.pt" else set())
    for dtype, views in layouts.items():
        for key, tensor in views.items():
            wanted = NUMBERS[dtype][key]
            assert tensor.dtype == dtype
            assert tensor.tolist() == wanted["values"]
            assert list(tensor.stride()) == wanted["stride"] or not tensor.numel()


@both
def test_views_share_their_memory(name: str) -> None:
    views = dl.load(FILES / name)["layouts"]["float32"]
    views["whole"][0, 1, 2] = -1
    assert views["part"][0, 0, 1] == -1
    assert views["turned"][2, 0, 1] == -1
    views["whole"][0, 0, 1] = -7
    assert (views["spread"] == -7).all()


@both
def test_plain_values(name: str) -> None:
    plain = dl.load(FILES / name)["plain"]
    assert plain["size"] == dl.Size([1, 2])
    assert type(plain["size"]) is dl.Size
    assert plain["dtype"] is dl.float32
    assert plain["device"] == dl.device("cpu")
    assert plain[("a", 1)] == {5: 6}
    assert plain["set"] == {1, "a", 2.5}
    assert type(plain["ordered"]) is OrderedDict
    assert list(plain["ordered"]) == ["b", "a"]
    assert plain["list"] == [1, -5, 300, 70000, 2**40, -(2**70), True]
    assert plain["tuple"] == (1, (2.5, ()), "x")
    assert (plain["bytes"], plain["complex"], plain["none"]) == (b"ab\x00\xff", 1 + 2j, None)
    assert plain["text"] == "äö\u20ac"


@both
def test_parameters(name: str) -> None:
    content = dl.load(FILES / name)
    _first, _frozen, marked = content["parameters"]
    assert all(type(p) is Parameter for p in content["parameters"])
    assert [p.requires_grad for p in content["parameters"]] == [True, False, True]
    assert marked.decay is False
    assert content["needs_grad"].requires_grad
    assert type(content["needs_grad"]) is dl.Tensor


@both
def test_training_goes_on(name: str) -> None:
    state = dl.load(FILES / name)["state"]
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    model.load_state_dict(state["model"])
    assert {key: t.tolist() for key, t in model.state_dict().items()} == NUMBERS["model"]
    optimizer = optim.Adam(model.parameters(), lr=0.5)
    optimizer.load_state_dict(state["optimizer"])
    assert optimizer.param_groups[0]["lr"] == 0.01
    assert optimizer.state_dict()["state"][0]["exp_avg"].shape == (2, 3)


def test_bfloat16_is_read_as_float32() -> None:
    with pytest.warns(UserWarning, match="bfloat16 were read as float32") as caught:
        w = dl.load(FILES / "bfloat16.pt")["w"]
    assert caught[0].filename == __file__
    assert w.tolist() == np.linspace(-2, 2, 9).tolist()


def test_a_whole_module_is_refused_with_advice() -> None:
    with pytest.raises(FileFormatError) as caught:
        dl.load(FILES / "module.pt")
    message = str(caught.value)
    assert "torch.nn.modules.linear.Linear" in message
    assert ".state_dict(), path)" in message
    assert "nothing was executed" in message


def test_what_is_refused_is_named_with_its_place() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x/data.pkl", b"\x80\x02}(X\x01\x00\x00\x00aK\x01X\x01\x00\x00\x00b](K\x02"
                         b"cos\nsystem\nX\x02\x00\x00\x00ls\x85Reu.")  # fmt: skip
    file.seek(0)
    with pytest.raises(FileFormatError, match=r"at obj\['b'\]\[1\]: .*os.system.*not executed"):
        dl.load(file)


def test_other_functions_say_who_reads_it() -> None:
    for read in (dl.utils.inspect, dl.utils.load_checkpoint):
        with pytest.raises(FileFormatError, match=r"PyTorch checkpoint .*dlframe.load reads"):
            read(FILES / "checkpoint.pt")


@pytest.mark.parametrize("location", ["cpu", {"cuda:0": "cpu"}, lambda storage, where: storage])
def test_map_location(location: Any) -> None:
    assert dl.load(FILES / "checkpoint.pt", location)["plain"]["none"] is None


def test_memory_map(tmp_path: Path) -> None:
    read = dl.load(FILES / "checkpoint.pt")
    mapped = dl.load(FILES / "checkpoint.pt", mmap=True)
    before = (FILES / "checkpoint.pt").read_bytes()
    assert same(mapped["layouts"], read["layouts"])
    mapped["layouts"]["float32"]["whole"][0, 1, 2] = -1
    assert mapped["layouts"]["float32"]["part"][0, 0, 1] == -1
    assert (FILES / "checkpoint.pt").read_bytes() == before
    dl.save({"w": dl.ones(3), "b": dl.ones(2) > 0}, tmp_path / "x.safetensors")
    assert dl.load(tmp_path / "x.safetensors", mmap=True)["w"].tolist() == [1, 1, 1]
    with pytest.raises(ArgumentError, match="mmap=True needs the path"):
        dl.load(io.BytesIO(before), mmap=True)
    with pytest.raises(ArgumentError, match="old form"):
        dl.load(FILES / "legacy.pt", mmap=True)


# --- files of ours -----------------------------------------------------------------------------


@both
def test_what_was_read_can_be_written(name: str) -> None:
    content = dl.load(FILES / name)
    assert same(again(content, **FORMS[name]), content)


def test_values_of_numpy() -> None:
    content = {
        "array": np.arange(6.0).reshape(2, 3),
        "turned": np.arange(6).reshape(2, 3).T,
        "texts": np.array(["ab", "c"]),
        "bytes": np.array([b"ab"]),
        "big": np.arange(3, dtype=">i4"),
        "number": np.float32(3),
        "flag": np.bool_(True),
        "counter": Counter("abca"),
        "buffer": bytearray(b"xy"),
    }
    found = again(content)
    assert all(found[key].tolist() == content[key].tolist() for key in list(content)[:5])
    assert same(found["number"], content["number"])
    assert same(found["flag"], content["flag"])
    assert (found["counter"], found["buffer"]) == (Counter("abca"), bytearray(b"xy"))


@pytest.mark.parametrize("legacy", [False, True])
def test_sharing_survives(legacy: bool) -> None:
    x = dl.arange(12.0).reshape(3, 4)
    found = again([x[:, 1], x[:, 2], x], _use_new_zipfile_serialization=not legacy)
    found[2][0, 1] = 100
    assert found[0][0] == 100
    assert found[1].tolist() == [2, 6, 10]
    assert found[2].tolist()[1:] == x.tolist()[1:]


def test_one_object_stays_one() -> None:
    tensor, inner = dl.ones(2), [1]
    found = again([tensor, tensor, inner, inner])
    assert found[0] is found[1]
    assert found[2] is found[3]


def test_a_part_takes_no_more_than_itself() -> None:
    file = io.BytesIO()
    dl.save(dl.zeros(1000, 1000)[:, 0], file)
    assert file.tell() < 10_000


def test_negative_strides() -> None:
    x = dl.from_numpy(np.arange(5.0)[::-1])
    assert again({"x": x})["x"].tolist() == [4, 3, 2, 1, 0]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [nn.Linear(2, 1)]}, r"Linear at obj\['a'\]\[0\]. Store its state_dict"),
        (defaultdict(list), "defaultdict"),
        ({"a": frozenset()}, r"frozenset at obj\['a'\]"),
        ({"a": {dl.ones(1)}}, r"Tensor.* in obj\['a'\]"),
        ({"a": np.array([None])}, r"ndarray at obj\['a'\]"),
    ],
)
def test_what_cannot_be_stored(tmp_path: Path, value: Any, message: str) -> None:
    path = tmp_path / "x.pt"
    path.write_bytes(b"old")
    with pytest.raises(DTypeError, match=message):
        dl.save(value, path)
    assert path.read_bytes() == b"old"


def test_a_nest_that_contains_itself() -> None:
    nest: list[Any] = []
    nest.append(nest)
    with pytest.raises(DTypeError, match="contains itself"):
        again(nest)
    nest = []
    with pytest.raises(DTypeError, match="nested deeper"):
        for _ in range(300):
            nest = [nest, None]
        again(nest)


def test_storages_are_aligned_and_not_compressed(tmp_path: Path) -> None:
    dl.save({"a": dl.ones(3), "b": dl.ones(5, dtype=dl.int8)}, tmp_path / "x.pt")
    whole = (tmp_path / "x.pt").read_bytes()
    with zipfile.ZipFile(tmp_path / "x.pt") as archive:
        assert archive.testzip() is None
        for entry in archive.infolist():
            at = entry.header_offset
            lengths = np.frombuffer(whole[at + 26 : at + 30], "<u2").astype(int)
            assert (at + 30 + lengths.sum()) % 64 == 0
            assert entry.file_size == entry.compress_size


# --- suffixes, open files ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "begins"),
    [(s, b"PK") for s in (".pt", ".pth", ".bin", ".ckpt", ".pth.tar", ".PT", ".npz")]
    + [(s, b"\x89HDF") for s in (".h5", "", ".dat")]
    + [(".safetensors", b"")],
)
def test_the_suffix_says_the_format(tmp_path: Path, suffix: str, begins: bytes) -> None:
    path = tmp_path / f"x{suffix}"
    dl.save({"w": dl.ones(2)}, path)
    assert path.read_bytes().startswith(begins)
    assert dl.load(path)["w"].tolist() == [1, 1]
    assert dl.load(path, names=["w"])["w"].tolist() == [1, 1]
    with pytest.raises(KeyError, match="it has"):
        dl.load(path, names=["v"])


@pytest.mark.parametrize("format", ["hdf5", "torch", "safetensors", "npz"])
def test_open_files(tmp_path: Path, format: str) -> None:
    with (tmp_path / "x").open("wb") as file:
        dl.save({"w": dl.ones(2)}, file, format=format)
    with (tmp_path / "x").open("rb") as file:
        assert dl.load(file)["w"].tolist() == [1, 1]

    class Stream(io.RawIOBase):  # as that of a socket
        def __init__(self) -> None:
            self.data = (whole := (tmp_path / "x").read_bytes())[: len(whole)]

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            n = min(len(buffer), len(self.data))
            buffer[:n], self.data = self.data[:n], self.data[n:]
            return n

    assert dl.load(Stream())["w"].tolist() == [1, 1]


def test_several_in_one_old_file() -> None:
    file = io.BytesIO()
    for i in range(3):
        dl.save([dl.full((2,), i)], file, _use_new_zipfile_serialization=False)
    file.seek(0)
    assert [dl.load(file)[0].tolist() for _ in range(3)] == [[0, 0], [1, 1], [2, 2]]


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    with pytest.raises(TypeError, match="expected a path or"):
        dl.save(1, 3)
    with pytest.raises(TypeError, match="expected a path or"):
        dl.load(3)
    with (tmp_path / "x").open() as file, pytest.raises(TypeError, match="mode 'rb'"):
        dl.load(file)
    with (tmp_path / "y").open("w") as file, pytest.raises(TypeError, match="mode 'wb'"):
        dl.save(1, file)
    for options in ({"format": "zip"}, {"compression": 3}, {"metadata": {"a": "b"}}):
        with pytest.raises(ArgumentError, match="save: "):
            dl.save({}, tmp_path / "x.pt", **options)
