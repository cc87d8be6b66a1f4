from __future__ import annotations

import copy
import inspect

import dlframe as dl
import numpy as np
import pytest
from dlframe import kernels, nn, optim

OPTIONS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5, "maximize": True}),
    ("Adam", {}),
    ("Adam", {"betas": (0.3, 0.5), "weight_decay": 0.1}),
    ("Adam", {"amsgrad": True}),
    ("Adam", {"lr": dl.tensor(0.01), "maximize": True}),
    ("AdamW", {}),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize(("name", "options"), OPTIONS)
@pytest.mark.filterwarnings("ignore::dlframe.errors.NonFiniteGradientWarning")
def test_steps_are_those_of_the_plain_optimizer_to_the_last_bit(name, options, dtype, rng):
    shapes = [(200, 300), (17,), (5, 4, 3), (), (0, 3)]
    values = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
    gradients = [[rng.standard_normal(s).astype(dtype) for s in shapes] for _ in range(4)]
    gradients[2][0][0] = np.nan
    gradients[3][0][1] = np.inf
    found = []
    for enabled in (True, False):
        with kernels.flags(enabled=enabled):
            params = [nn.Parameter(dl.tensor(x)) for x in copy.deepcopy(values)]
            optimizer = getattr(optim, name)(params, **options)
            for step in gradients:
                for p, g in zip(params, step, strict=True):
                    p.grad = dl.tensor(g)
                optimizer.step()
            found.append([p.detach().numpy() for p in params])
    for with_kernel, plain in zip(*found, strict=True):
        np.testing.assert_array_equal(with_kernel, plain)


def test_the_kernels_run():
    before = kernels.runs()
    p = nn.Parameter(dl.randn(300, 300))
    for make in (optim.Adam, optim.AdamW, optim.SGD):
        optimizer = make([p], lr=0.1)
        p.grad = dl.randn(300, 300)
        optimizer.step()
    found = kernels.runs() - before
    assert found["Adam: update"] >= 2
    assert found["SGD: update"] >= 1


def test_updates_have_the_arguments_of_the_plain_ones():
    from dlframe.optim import adam, sgd

    from dlframe_numba import optimizers

    for plain, kernel in ((adam, optimizers.Adam), (sgd, optimizers.SGD)):
        wanted = list(inspect.signature(plain.update_block).parameters)
        assert list(inspect.signature(kernel.update).parameters) == wanted
