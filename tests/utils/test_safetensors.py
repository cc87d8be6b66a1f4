"""Files of the safetensors format, and NumPy's archives."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.errors import DTypeError
from dlframe.utils import safetensors

DTYPES = (
    *("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("float16", "float32", "float64"),
)
STATE = {
    "one": dl.arange(6.0).reshape(2, 3),
    "turned": dl.arange(6.0).reshape(2, 3).t(),
    "number": dl.tensor(3),
    "empty": dl.zeros(0, 2),
} | {dtype: dl.tensor([1, 0, 1]).to(dtype) for dtype in DTYPES}


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_round_trip(tmp_path: Path, suffix: str) -> None:
    dl.save(STATE, tmp_path / f"x{suffix}")
    found = dl.load(tmp_path / f"x{suffix}")
    assert set(found) == set(STATE)
    for name, value in STATE.items():
        assert found[name].dtype == value.dtype
        assert found[name].shape == value.shape
        assert found[name].tolist() == value.tolist()
        assert isinstance(found[name], np.ndarray if suffix == ".npz" else dl.Tensor)


def test_the_file_is_as_the_format_says() -> None:
    file = io.BytesIO()
    dl.save({"b": dl.ones(3, dtype=dl.int8), "a": dl.ones(2)}, file, format="safetensors")
    whole = file.getvalue()
    length = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + length])
    assert header == {
        "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
        "b": {"dtype": "I8", "shape": [3], "data_offsets": [8, 11]},
    }
    assert (8 + length) % 8 == 0
    assert whole[8 + length :] == np.ones(2, "<f4").tobytes() + b"\1\1\1"


def test_bfloat16_is_read_as_float32() -> None:
    header = b'{"w":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}'
    content = len(header).to_bytes(8, "little") + header + b"\x80\x3f\x00\xc0"
    with pytest.warns(UserWarning, match="BF16 were read as float32") as caught:
        w = dl.load(io.BytesIO(content))["w"]
    assert caught[0].filename == __file__
    assert w.tolist() == [1, -2]


def test_metadata(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    dl.save({"w": dl.ones(2)}, path, metadata={"format": "pt", "note": "ä"})
    assert safetensors.read_metadata(path) == {"format": "pt", "note": "ä"}
    assert list(dl.load(path)) == ["w"]
    with pytest.raises(DTypeError, match="texts by texts"):
        dl.save({}, path, metadata={"epoch": 3})


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([dl.ones(1)], "holds a dict"),
        (nn.Linear(2, 1), "state_dict"),
        ({1: dl.ones(1)}, "the names in"),
        ({"a": {"b": dl.ones(1)}}, r"dict at obj\['a'\]. Save nests"),
        ({"a": np.array([None])}, "an array of object"),
    ],
)
def test_what_cannot_be_stored(tmp_path: Path, suffix: str, value: object, message: str) -> None:
    path = tmp_path / f"x{suffix}"
    with pytest.raises(DTypeError, match=message):
        dl.save(value, path)
    assert not path.exists()


def test_a_model_goes_on(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    x = dl.rand(4, 3)
    wanted = model.eval()(x).tolist()
    for suffix in (".safetensors", ".npz", ".pt", ".h5"):
        dl.save(model.state_dict(), tmp_path / f"x{suffix}")
        other = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).eval()
        other.load_state_dict(dl.load(tmp_path / f"x{suffix}"))
        assert other(x).tolist() == wanted


def test_numpy_reads_it_and_is_read(tmp_path: Path) -> None:
    dl.save({"a": dl.ones(2), "n": 3}, tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz", allow_pickle=False) as found:
        assert found["a"].tolist() == [1, 1]
        assert found["n"] == 3
    for write in (np.savez, np.savez_compressed):
        write(
            tmp_path / "y.npz",
            a=np.arange(6).reshape(2, 3).T,
            t=np.array(["x"]),
            b=np.ones(3, ">f4"),
        )
        found = dl.load(tmp_path / "y.npz")
        assert found["a"].tolist() == [[0, 3], [1, 4], [2, 5]]
        assert found["t"].tolist() == ["x"]
        assert found["b"].tolist() == [1, 1, 1]
