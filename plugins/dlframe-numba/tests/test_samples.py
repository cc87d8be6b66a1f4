"""Every kernel, on every sample of its operation in dlframe's own table."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from dlframe import kernels, ops, plugins, testing
from samples import SAMPLES

NAMES = sorted(
    entry.name
    for entry in kernels.installed()
    if entry.package == "dlframe-numba" and entry.name in ops.__all__
)
# for an infinite c the plain fast gradient is nan, and PyTorch's, the rule's and the kernel's ±∞
ONLY_NAN = {"lstm_layer"}
# they decline the small samples, whatever they are asked for; test_convolution.py and
# test_products.py have others
LARGE_ONLY = {"convolution", "convolution_input", "convolution_weight", "linear"}


@pytest.mark.parametrize("name", NAMES)
def test_a_kernel_gives_the_numbers_of_the_plain_operation(name):
    ran = Counter()
    for sample in SAMPLES:
        if sample.op != name:
            continue
        print(sample.name)  # a failure shows which it was
        ran += testing.check_kernel(
            name,
            sample.inputs,
            options=sample.options,
            function=lambda *inputs, sample=sample, **options: sample.run(*inputs),
            order=sample.order,
            fixed=sample.fixed,
            elementwise=sample.elementwise,
            strange=(np.nan,) if name in ONLY_NAN else (np.nan, np.inf, -np.inf),
        )
    if name in LARGE_ONLY:
        return
    kernel = plugins.get("kernels", name)
    doors = ("forward", "fast_forward", "fast_backward")
    assert {door for door in doors if getattr(kernel, door)} == set(ran)
