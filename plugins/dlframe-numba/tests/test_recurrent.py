from __future__ import annotations

import numpy as np
import pytest
from dlframe import testing

ALL = ("forward", "fast_forward", "fast_backward")


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("name", "gates", "states"), [("lstm_layer", 4, 2), ("gru_layer", 3, 1)])
def test_layers_are_computed_by_the_kernel(name, gates, states, bias, reverse, rng, crowd):
    steps, sequences, features, size = 5, 4, 3, 6
    x = rng.standard_normal((steps, sequences, features))
    state = [rng.standard_normal((sequences, size)) for _ in range(states)]
    weights = [rng.standard_normal((gates * size, n)) for n in (features, size)]
    biases = [rng.standard_normal(gates * size) for _ in range(2)] if bias else [None, None]
    testing.check_kernel(
        name,
        [x, *state, *weights, *biases],
        options={"reverse": reverse},
        runs=ALL,
        order=1,
        narrow=2e-5,
        # for an infinite c the plain fast gradient is nan, and PyTorch's, the rule's and this ±∞
        strange=(np.nan,),
    )
