"""Programs that choose a device run after their import line was changed."""

from __future__ import annotations

import pickle

import pytest

import dlframe as dl
from dlframe import nn
from dlframe.errors import ArgumentError


def test_the_usual_line():
    device = dl.device("cuda" if dl.cuda.is_available() else "cpu")
    model = nn.Linear(2, 1).to(device)
    x = dl.ones(3, 2, device=device).to(device, dl.float32)
    assert model(x).device == device
    assert nn.Linear(2, 1, device=device).weight.device.type == "cpu"
    assert dl.cuda.device_count() == 0


def test_names_and_numbers():
    assert dl.device("cuda:1").index == dl.device("cuda", 1).index == 1
    assert dl.device("cuda", 1) == "cuda:1"
    assert repr(dl.device("cuda:1")) == "device(type='cuda', index=1)"
    assert dl.device(dl.device("cpu")).index is None
    assert pickle.loads(pickle.dumps(dl.device("cpu"))) == dl.device("cpu")


def test_seeding_gpus_leaves_the_generator_alone():
    before = dl.get_rng_state()
    dl.cuda.manual_seed(1)
    dl.cuda.manual_seed_all(1)
    assert dl.equal(dl.get_rng_state(), before)


@pytest.mark.parametrize("wrong", ["gpu", "cuda:x", ""])
def test_unknown_names(wrong):
    with pytest.raises(RuntimeError, match="expected one of cpu, cuda"):
        dl.device(wrong)


@pytest.mark.parametrize(
    "go", [lambda x: x.cuda(), lambda x: x.to("cuda:0"), lambda x: x.to(dl.device("mps"))]
)
def test_tensors_stay_where_they_are(go):
    with pytest.raises(ArgumentError, match="computes on the CPU"):
        go(dl.ones(1))


def test_modules_too():
    with pytest.raises(ArgumentError, match="computes on the CPU"):
        nn.Linear(1, 1).to("cuda")
