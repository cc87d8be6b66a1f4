from __future__ import annotations

import math
import random
import subprocess
import sys
import time
from collections import Counter, OrderedDict, defaultdict
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from samples.nests import same

import dlframe as dl
from dlframe.errors import ArgumentError, DTypeError, FileFormatError
from dlframe.nn import Parameter
from dlframe.tensor import Tensor
from dlframe.utils import inspect, load, save
from dlframe.utils.encoding import MAX_DEPTH

# --- what round trips --------------------------------------------------------------------------


def round_trip(obj, path, **options):
    save(obj, path, **options)
    return load(path)


def test_load_takes_pytorchs_arguments(tmp_path):
    path = tmp_path / "x.h5"
    save({"a": 1}, path)
    assert load(path, "cpu", weights_only=True) == {"a": 1}
    assert load(path, map_location=dl.device("cpu"), weights_only=False) == {"a": 1}
    with pytest.raises(ArgumentError, match="computes on the CPU, got device='cuda'"):
        load(path, map_location="cuda")


DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16", ">f4"]
arrays = st.sampled_from([*DTYPES, ">i8", "M8[s]", "m8[ns]", "U3", "S2", "g"]).flatmap(
    lambda dtype: hnp.arrays(
        dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
    )
)
tensors = st.sampled_from(DTYPES[:12]).flatmap(lambda dtype: hnp.arrays(dtype, st.just((2,))))
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.complex_numbers(allow_nan=False),
    st.text(max_size=5),
    st.binary(max_size=5),
    arrays,
    arrays.map(lambda a: a.reshape(-1)[0] if a.size else a),  # NumPy scalars
    tensors.map(Tensor),
)
keys = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=4),
    st.integers(-(2**70), 2**70),
    st.sampled_from(["", ".", "..", "/", "a/b", "%", "%2F", "[0]", "fc.weight", "\0", "kind"]),
)
nests = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.lists(st.integers(), max_size=4),
        st.dictionaries(keys, inner, max_size=4),
        st.dictionaries(keys, inner, max_size=4).map(OrderedDict),
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=200)
@given(obj=nests, compression=st.sampled_from([0, 4]))
def test_any_nest_comes_back_typed_as_it_was(tmp_path_factory, obj, compression):
    path = tmp_path_factory.getbasetemp() / "nest.h5"
    assert same(round_trip(obj, path, compression=compression), obj)


@pytest.mark.parametrize(
    "obj",
    [
        math.nan,
        -math.inf,
        -0.0,
        5e-324,
        2**63 - 1,
        2**63,
        -(2**63),
        -(2**63) - 1,
        1 << 20_000,
        [True, False],
        [1, True],  # not all of one type
        [1, 2**64],
        (1.0, math.nan),
        "\ud800",  # a lone surrogate
        "NUL \0 inside and at the end \0",
        np.str_("NUL at the end \0"),
        "x" * 100_000,
        b"\0\0",
        Counter({3: 2, 5: 1}),
        {1: "int", "1": "str", "[1]": "text", -1: None},
        {"a": {"b": 1}, "a/b": 2, "a.b": 3},
        [[], (), {}, [[]], ((),)],
        np.zeros((1,) * 32),
        np.float16(1.5),
        np.bool_(True),
        np.datetime64("2020-01-01"),
        np.str_("a"),
        np.bytes_(b"a"),
    ],
    ids=lambda obj: type(obj).__name__,
)
def test_edges(tmp_path, obj):
    assert same(round_trip(obj, tmp_path / "x.h5"), obj)


def test_tensors_and_parameters(tmp_path):
    leaf = Tensor(np.arange(3.0), requires_grad=True)
    back = round_trip(
        {"p": Parameter(Tensor(np.ones((2, 2), np.float32))), "t": leaf}, tmp_path / "x"
    )
    assert type(back["p"]) is Tensor
    assert back["p"].requires_grad
    assert back["p"].dtype == dl.float32
    assert back["t"].requires_grad
    back["t"].array[0] = 5.0  # fresh memory, and writable
    assert leaf.array[0] == 0.0


def test_any_memory_layout(tmp_path):
    base = np.arange(24.0).reshape(4, 6)
    read_only = base.copy()
    read_only.flags.writeable = False
    for array in (base.T, base[::-2, 1::2], np.broadcast_to(base[0], (3, 6)), read_only):
        back = round_trip(array, tmp_path / "x.h5")
        assert np.array_equal(back, array)
        assert back.flags.writeable
    mapped = np.memmap(tmp_path / "raw", dtype=np.float32, mode="w+", shape=(5,))
    assert type(round_trip(mapped, tmp_path / "x.h5")) is np.ndarray


def test_a_state_dict_is_a_group_with_one_dataset_per_key(tmp_path):
    path = tmp_path / "model.h5"
    save({"model": {"0.weight": Tensor(np.ones((2, 3))), "0.bias": Tensor(np.zeros(2))}}, path)
    with h5py.File(path) as file:
        assert file.attrs["dlframe_format"] == 1
        assert file.attrs["dlframe_version"].decode() == dl.__version__
        assert list(file["model"]) == ["0.weight", "0.bias"]  # the order of the keys
        assert np.array_equal(file["model/0.weight"], np.ones((2, 3)))


def test_a_long_list_of_numbers_is_one_dataset(tmp_path):
    path = tmp_path / "x.h5"
    save({"order": list(range(60_000))}, path)
    assert [entry.shape for entry in inspect(path).entries] == [(60_000,)]


def test_the_same_values_make_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        save({"w": np.ones(5), "n": [1, "x"]}, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_compression(tmp_path):
    array = np.zeros(100_000)
    save(array, tmp_path / "plain.h5")
    save(array, tmp_path / "small.h5", compression=4)
    assert (tmp_path / "small.h5").stat().st_size < (tmp_path / "plain.h5").stat().st_size / 20
    assert same(load(tmp_path / "small.h5"), array)
    for wrong in (10, -1, True, "gzip"):
        with pytest.raises(ValueError, match="gzip level"):
            save(array, tmp_path / "new.h5", compression=wrong)
    assert not (tmp_path / "new.h5").exists()


def test_partial_reading(tmp_path):
    path = tmp_path / "x.h5"
    save({"model": {"w": 1}, 3: "three", "a/b": None}, path)
    assert load(path, names=["a/b", 3]) == {3: "three", "a/b": None}
    assert load(path, names=[]) == {}
    with pytest.raises(KeyError, match=r"has no \['modle'\]; it has \['model', 3, 'a/b'\]"):
        load(path, names=["modle", 3])
    save([1, "x"], path)
    with pytest.raises(FileFormatError, match="not a dict"):
        load(path, names=["model"])


def test_inspect_lists_in_order_without_reading(tmp_path):
    path = tmp_path / "x.h5"
    save({"z": {"w": np.zeros((2, 3), np.float32)}, "a": None, "t": np.array(["ab"])}, path)
    listing = inspect(path)
    assert [(e.name, e.kind, e.dtype, e.shape) for e in listing.entries] == [
        ("z", "dict", "", ()),
        ("z/w", "array", "float32", (2, 3)),
        ("a", "none", "", ()),
        ("t", "array", "<U2", (1,)),
    ]
    assert listing.file_bytes == path.stat().st_size
    assert "z/w  array" in str(listing)


# --- what cannot be stored ---------------------------------------------------------------------


class Point(NamedTuple):
    x: int
    y: int


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"model": [0, {"seen": {1, 2}}]}, r"set at obj\['model'\]\[1\]\['seen'\].*sorted"),
        ({"p": Path("x")}, r"PosixPath at obj\['p'\].*str\("),
        ([Point(1, 2)], r"Point at obj\[0\].*tuple\("),
        ({"f": len}, r"builtin_function_or_method at obj\['f'\].*its name"),
        (object(), r"object at obj\. What can be stored"),
        (np.array([None]), r"dtype object at obj"),
        (np.zeros(1, "f4,i4"), r"dtype .* at obj"),
        ({"m": np.ma.masked_array([1.0])}, r"MaskedArray at obj\['m'\]"),
        ({(1, 2): 3}, r"\(1, 2\) \(tuple\) in obj"),
        ({True: 1}, r"True \(bool\) in obj"),
        ({np.int64(1): 1}, r"numpy.int64\) in obj"),
        ({"\ud800": 1}, "not valid Unicode"),
        ({"k" * 40_000: 1}, "bytes long"),
        (defaultdict(int), "defaultdict"),
        (np.zeros((1,) * 33), "33 dimensions"),
        (np.ndarray((3,), "U0"), "dtype <U0 at obj"),  # no bytes could say how many there are
    ],
    ids=lambda value: type(value).__name__,
)
def test_unknown_values_are_refused_by_type_and_place(tmp_path, value, message):
    path = tmp_path / "x.h5"
    path.write_text("old")
    with pytest.raises(DTypeError, match=message):
        save(value, path)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["x.h5"]


def test_cycles_and_depth(tmp_path):
    cycle: list = []
    cycle.append(cycle)
    with pytest.raises(DTypeError, match="contains itself"):
        save(cycle, tmp_path / "x.h5")
    deep: list = []
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert round_trip(deep, tmp_path / "x.h5") == deep
    with pytest.raises(DTypeError, match="deeper"):
        save([deep], tmp_path / "x.h5")


# --- foreign files -----------------------------------------------------------------------------

FOREIGN = {
    "empty": b"",
    "PNG": b"\x89PNG\r\n\x1a\n....",
    "JPEG": b"\xff\xd8\xff\xe0",
    "HTML": b"\n\n<!DOCTYPE html><html><body>404</body></html>",
    "PyTorch": b"PK\x03\x04" + bytes(26) + b"archive/data.pklFB",
    r"\.npz": b"PK\x03\x04" + bytes(26) + b"weight.npy",
    "ZIP": b"PK\x03\x04" + bytes(26) + b"readme",
    "pickle": b"\x80\x04\x95\x10",
    "safetensors": (70).to_bytes(8, "little") + b'{"__metadata__":{}}',
    r"\.npy": b"\x93NUMPY\x01\x00",
    "gzip": b"\x1f\x8b\x08",
    "JSON": b'{"a": 1}',
    "XML": b"<?xml version='1.0'?>",
    "text": b"epoch,loss\n1,0.5\n",
    "zero bytes": bytes(4096),
    "cut off": b"\x89HDF",
    "Git LFS": b"version https://git-lfs.github.com/spec/v1\n",
    "unknown binary": bytes(range(200, 256)),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_a_foreign_file_is_called_by_its_name(tmp_path, what):
    path = tmp_path / "model.h5"
    path.write_bytes(FOREIGN[what])
    for read in (load, inspect):
        with pytest.raises(FileFormatError, match=what) as caught:
            read(path)
        assert str(path) in str(caught.value)


def test_save_and_load_are_names_of_the_package(tmp_path):
    dl.save({"w": np.arange(3.0)}, tmp_path / "x.h5")
    assert dl.load(tmp_path / "x.h5")["w"].tolist() == [0.0, 1.0, 2.0]


def test_hdf5_of_others_newer_formats_missing_files(tmp_path):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["model_weights"] = np.zeros(3)
    with pytest.raises(FileFormatError, match=r"dlframe did not write; read its arrays with h5py"):
        load(path)
    save({"a": 1}, path)
    with h5py.File(path, "a", libver=("v110", "v110")) as file:
        file.attrs["dlframe_format"] = 2
        file.attrs["dlframe_version"] = np.bytes_("9.1")
    with pytest.raises(FileFormatError, match=r"format version 2, written by dlframe 9\.1.*pgrade"):
        load(path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.h5")
    with pytest.raises(IsADirectoryError):
        load(tmp_path)


def test_links_to_other_files_are_not_followed(tmp_path):
    secret = tmp_path / "secret.h5"
    save({"w": np.arange(3.0)}, secret)
    path = tmp_path / "x.h5"
    for link in (h5py.ExternalLink(str(secret), "/w"), h5py.SoftLink("/good")):
        save({"good": 1}, path)
        with h5py.File(path, "a") as file:
            file["w"] = link
        with pytest.raises(FileFormatError, match="link to elsewhere"):
            load(path)
    save({"good": 1}, path)
    with h5py.File(path, "a", libver=("v110", "v110")) as file:
        raw = [(str(secret), 0, 24)]
        file.create_dataset("w", shape=(3,), dtype="f8", external=raw).attrs["kind"] = np.bytes_(
            "array"
        )
    with pytest.raises(FileFormatError, match="values in another file"):
        load(path)


def test_bytes_that_nobody_wrote_are_noticed(tmp_path):
    path = tmp_path / "x.h5"
    save({"w": np.full(1000, np.pi)}, path)
    content = bytearray(path.read_bytes())
    at = content.index(np.float64(np.pi).tobytes() * 2)
    content[at + 3] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=r"bytes of obj\['w'\] were changed"):
        load(path)


# --- broken files ------------------------------------------------------------------------------


def sample():
    return {
        "config": {"name": "mlp", "kwargs": {"hidden": [25, 25]}},
        "model": {f"{i}.weight": Tensor(np.full((7, 11), i, np.float32)) for i in range(6)},
        "losses": [0.5, 0.25],
        "note": "ünicode",
        "big": 2**100,
    }


@pytest.mark.parametrize("compression", [0, 4])
def test_truncation_anywhere_is_a_clear_error(tmp_path, compression):
    path = tmp_path / "x.h5"
    save(sample() | {"long": np.arange(3000)}, path, compression=compression)
    content = path.read_bytes()
    size = len(content)
    offsets = {*range(100), *range(0, size, 97), *range(size - 100, size)}
    for offset in sorted(offsets):
        path.write_bytes(content[:offset])
        with pytest.raises(FileFormatError, match=r"cannot load .*x\.h5"):
            load(path)


def test_damage_anywhere_is_an_error_or_does_no_harm(tmp_path):
    # Any byte may flip, any block may turn to zeros: never a crash, never wrong values.
    path = tmp_path / "x.h5"
    original = sample()
    save(original, path)
    content = path.read_bytes()
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    for _ in range(300):
        damaged = bytearray(content)
        at = rng.randrange(len(damaged))
        if rng.random() < 0.5:
            damaged[at] ^= 1 << rng.randrange(8)
        else:
            damaged[at : at + 64] = bytes(len(damaged[at : at + 64]))
        path.write_bytes(damaged)
        try:
            back = load(path)
        except FileFormatError:
            continue
        assert same(back, original), f"seed {seed}, byte {at}"


def test_a_kill_in_a_loop_of_saves_leaves_a_whole_file(tmp_path):
    path = tmp_path / "last.h5"
    code = """
import sys, numpy as np
from dlframe.utils import save
step = 0
while True:
    step += 1
    save({"step": step, "w": np.full(50_000, step)}, sys.argv[1])
    if step == 1:
        print("ready", flush=True)
"""
    rng = random.Random(0)
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout.readline() == "ready\n"
            time.sleep(rng.uniform(0.0, 0.2))
            child.kill()
        back = load(path)
        assert back["step"] >= 1
        assert (back["w"] == back["step"]).all()


def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.h5"
    save({"old": 1}, path)
    code = """
import resource, signal, sys, numpy as np
from dlframe.utils import save
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    save({"w": np.zeros(1_000_000)}, sys.argv[1])
except OSError as error:
    print(error.strerror)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    )
    assert done.stdout == "File too large\n", done.stderr
    assert done.stderr == ""
    assert load(path) == {"old": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["x.h5"]
