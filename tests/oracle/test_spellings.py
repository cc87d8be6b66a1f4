"""Old and rare spellings beside PyTorch's."""

from __future__ import annotations

import warnings

import pytest

PROGRAMS = {
    "sizes": lambda lib: [
        *lib.Tensor(2, 3).shape,
        *lib.LongTensor(2, 3).shape,
        lib.Tensor(3).dim(),
    ],
    "lists": lambda lib: [lib.Tensor([[1, 2]]), lib.LongTensor([1, 2]), lib.FloatTensor([1, 2])],
    "kinds": lambda lib: [
        isinstance(lib.ones(2), lib.FloatTensor),
        isinstance(lib.ones(2), lib.LongTensor),
        lib.ones(2).type("torch.DoubleTensor").double(),
        lib.nn.Linear(1, 1).type("torch.DoubleTensor").weight.dtype == lib.float64,
    ],
    "storage": lambda lib: [
        lib.ones(2, 3)[0].untyped_storage().nbytes(),
        lib.ones(2, 3)[0].storage().size(),
        lib.arange(6).reshape(2, 3).t().storage().tolist(),
        len(lib.ones(2, 3).storage()),
        lib.arange(3).storage()[1],
        lib.is_storage(lib.ones(2).storage()),
    ],
    "one memory": lambda lib: [
        (x := lib.ones(2, 3))[1].storage().data_ptr() == x.data_ptr(),
        x.untyped_storage().data_ptr() == x.data_ptr(),
    ],
    "written storage": lambda lib: [
        x := lib.zeros(3),
        x.storage().__setitem__(1, 5.0),
        x,
    ],
    "attributes": lambda lib: [
        lib.ones(2).layout == lib.strided,
        lib.ones(2).name,
        lib.ones(2).output_nr,
        lib.ones(2, 3).t().dim_order(),
        lib.ones(2).is_xla,
        lib.ones(2).to_dense(),
        lib.ones(2).volatile,
    ],
    "channels last": lambda lib: [
        lib.ones(1, 1, 2, 2).to(memory_format=lib.channels_last),
        lib.ones(2).contiguous(memory_format=lib.contiguous_format),
        lib.nn.Conv2d(1, 1, 1).to(memory_format=lib.channels_last).training,
    ],
    "subclass": lambda lib: [lib.ones(2).as_subclass(lib.Tensor)],
    "modules": lambda lib: [
        lib.nn.Linear(1, 1).compile(),
        tuple(lib.nn.Linear(2, 1).to_empty(device="cpu").weight.shape),
    ],
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name, agree):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns of storages, volatile and others
        agree(PROGRAMS[name])
