"""Every kernel, on every sample of its operation in dlframe's own table."""

from __future__ import annotations

import numpy as np
import pytest
from dlframe import kernels, testing
from samples import SAMPLES

OURS = sorted(e.name for e in kernels.installed() if e.package == "dlframe-numba")
SAMPLED = [sample for sample in SAMPLES if sample.op in OURS]


@pytest.mark.parametrize("sample", SAMPLED, ids=lambda sample: sample.name)
def test_a_kernel_gives_the_numbers_of_the_plain_operation(sample):
    testing.check_kernel(
        sample.op,
        sample.inputs,
        options=sample.options,
        function=lambda *inputs, **options: sample.run(*inputs),
        order=sample.order,
        fixed=sample.fixed,
        elementwise=sample.elementwise,
        strange=(np.nan,) if sample.op == "lstm_layer" else (np.nan, np.inf, -np.inf),
    )
