"""Files go both ways: what PyTorch and safetensors write is read here, and the other way."""

from __future__ import annotations

import io
import time

import pytest

torch = pytest.importorskip("torch")

import numpy as np  # noqa: E402 - only where there is something to compare with

import dlframe as dl  # noqa: E402 - as above
from dlframe.errors import FileFormatError  # noqa: E402 - as above

DTYPES = (
    *("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"),
    *("uint16", "uint32", "uint64"),
)
OLD_DTYPES = DTYPES[:9]  # PyTorch's form before version 1.6 does not have the others


def layouts(lib, dtype):
    """One memory in many views, by the same calls in both libraries."""
    whole = lib.arange(24).reshape(2, 3, 4)
    whole = whole % 2 == 0 if dtype == "bool" else whole.to(getattr(lib, dtype))
    return {
        "whole": whole,
        "turned": whole.permute(2, 0, 1),
        "part": whole[:, 1:, ::2],
        "spread": whole[0, 0, 1].expand(3, 2),
        "number": whole[1, 0, 1],
        "empty": whole[:0],
        "alone": whole.clone().permute(1, 2, 0),
    }


def sent(value, save, load, old=False):
    file = io.BytesIO()
    save(value, file, _use_new_zipfile_serialization=not old)
    file.seek(0)
    return load(file)


def strict(file):
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_all_dtypes_and_layouts(dtype, old):
    if old and dtype not in OLD_DTYPES:
        pytest.skip("the old form does not have it")
    theirs = layouts(torch, dtype)
    read = sent(theirs, torch.save, dl.load, old)
    written = sent(layouts(dl, dtype), dl.save, strict, old)
    for name, wanted in theirs.items():
        assert read[name].dtype == dtype
        assert written[name].dtype is getattr(torch, dtype)
        for found in (read[name], written[name]):
            assert found.tolist() == wanted.tolist()
            assert tuple(found.stride()) == wanted.stride() or not wanted.numel()
    for found in (read, written):
        found["whole"][0, 1, 2] = 0
        assert found["part"].tolist()[0][0][1] == 0


def nest(lib):
    return {
        "values": [None, True, 1, -5, 2**40, -(2**70), 1.5, "ä", b"\x00\xff", 1 + 2j, (1, ())],
        "set": {1, "a"},
        "size": lib.Size([1, 2]),
        "dtype": lib.float32,
        "device": lib.device("cpu"),
        ("a", 1): {5: 6},
        "parameter": lib.nn.Parameter(lib.ones(2)),
        "frozen": lib.nn.Parameter(lib.ones(2), requires_grad=False),
        "needs_grad": lib.ones(2, requires_grad=True),
    }


@pytest.mark.parametrize("old", [False, True])
def test_nests(old):
    read = sent(nest(torch), torch.save, dl.load, old)
    written = sent(nest(dl), dl.save, strict, old)
    for found, lib in ((read, dl), (written, torch)):
        for key, value in nest(lib).items():
            assert type(found[key]) is type(value)
            if isinstance(value, lib.Tensor):
                assert found[key].requires_grad == value.requires_grad
                assert found[key].tolist() == value.tolist()
            else:
                assert found[key] == value


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("old", [False, True])
def test_protocols_of_pickle(protocol, old):
    file = io.BytesIO()
    value = nest(torch) | {"numpy": np.arange(6.0).reshape(2, 3).T, "scalar": np.float32(3)}
    torch.save(value, file, pickle_protocol=protocol, _use_new_zipfile_serialization=not old)
    file.seek(0)
    found = dl.load(file)
    assert found["values"] == value["values"]
    assert found["numpy"].tolist() == value["numpy"].tolist()
    assert (found["scalar"], type(found["scalar"])) == (3, np.float32)


def trained(lib, optimizer):
    """A model, its optimizer after two steps, and a function that makes one more."""
    model = lib.nn.Sequential(
        lib.nn.Linear(3, 4, bias=False), lib.nn.BatchNorm1d(4), lib.nn.Linear(4, 1)
    )
    with lib.no_grad():
        for parameter in model.parameters():
            parameter.copy_(lib.linspace(-1, 1, parameter.numel()).reshape(parameter.shape))
    held = getattr(lib.optim, optimizer)(model.parameters(), lr=0.01)
    x = lib.linspace(-1, 1, 15).reshape(5, 3) ** 2

    def step():
        held.zero_grad()
        (model(x) ** 2).sum().backward()
        held.step()
        return [parameter.detach().tolist() for parameter in model.parameters()]

    return model, held, step


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam"])
def test_training_goes_on_in_the_other_library(optimizer, tmp_path):
    for first, second, load in ((torch, dl, dl.load), (dl, torch, strict)):
        model, held, step = trained(first, optimizer)
        step()
        state = {"model": model.state_dict(), "optimizer": held.state_dict(), "epoch": 1}
        first.save(state, tmp_path / "x.pt")
        found = load(tmp_path / "x.pt")
        other, other_held, other_step = trained(second, optimizer)
        other.load_state_dict(found["model"])
        other_held.load_state_dict(found["optimizer"])
        for wanted, got in zip(step(), other_step(), strict=True):
            np.testing.assert_allclose(np.array(got), np.array(wanted), rtol=1e-5, atol=1e-6)


def test_bfloat16():
    value = torch.linspace(-3, 3, 1001).bfloat16()
    with pytest.warns(UserWarning, match="bfloat16"):
        found = sent({"w": value, "part": value[3:]}, torch.save, dl.load)
    assert found["w"].tolist() == value.float().tolist()
    assert found["part"].tolist() == value[3:].float().tolist()


def test_without_checksums():
    torch.serialization.set_crc32_options(False)
    try:
        assert sent([torch.ones(2)], torch.save, dl.load)[0].tolist() == [1, 1]
    finally:
        torch.serialization.set_crc32_options(True)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: torch.nn.Linear(2, 1), "whole module"),
        (lambda: torch.ones(2, dtype=torch.complex64), "ComplexFloatStorage"),
        (lambda: torch.ones(2).to_sparse(), "sparse"),
        (lambda: torch.ones(2, dtype=torch.float8_e4m3fn), "float8"),
        (lambda: torch.ones(2).storage(), "bare storage"),
        (lambda: torch.ones(2, device="meta"), "meta"),
        (lambda: print, "print"),
    ],
)
def test_what_is_refused_is_named_with_its_place(make, message):
    with pytest.raises(FileFormatError, match=rf"at obj\['a'\]\[1\]: .*{message}"):
        sent({"a": [1, make()]}, torch.save, dl.load)


def test_pytorch_maps_what_was_written(tmp_path):
    dl.save({"w": dl.arange(1000.0)}, tmp_path / "x.pt")
    found = torch.load(tmp_path / "x.pt", mmap=True, weights_only=True)
    assert found["w"].tolist() == list(range(1000))


def test_safetensors(tmp_path):
    theirs = pytest.importorskip("safetensors.torch")
    path = tmp_path / "x.safetensors"
    tensors = {d: torch.tensor([[1, 0, 1]]).to(getattr(torch, d)) for d in DTYPES}
    tensors |= {"number": torch.tensor(3.0), "empty": torch.zeros(0, 2)}
    theirs.save_file(tensors, path, {"format": "pt"})
    found = dl.load(path)
    assert dl.utils.safetensors.read_metadata(path) == {"format": "pt"}
    assert {k: (str(t.dtype), t.tolist()) for k, t in found.items()} == {
        k: (str(t.dtype).removeprefix("torch."), t.tolist()) for k, t in tensors.items()
    }
    ours = tmp_path / "ours.safetensors"
    dl.save(found, ours, metadata={"format": "pt"})
    again = theirs.load_file(ours)
    assert all(torch.equal(again[name], tensor) for name, tensor in tensors.items())


def test_reading_takes_not_much_longer(tmp_path):
    torch.save({str(i): torch.ones(1 << 20) for i in range(16)}, tmp_path / "x.pt")

    def fastest(load):
        times = []
        for _ in range(5):
            start = time.perf_counter()
            load(tmp_path / "x.pt")
            times.append(time.perf_counter() - start)
        return min(times)

    # the checksums, which PyTorch does not compare, take half of the time
    assert fastest(dl.load) < 10 * fastest(strict)
