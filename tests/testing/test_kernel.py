"""check_kernel accepts kernels that conform; each of its claims is broken by one here."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

from dlframe import testing
from dlframe.kernels import Kernel
from dlframe.testing import ConformanceError

X = np.linspace(-2.0, 2.0, 12).reshape(3, 4) + 0.05


def check(name="tanh", *inputs, **kernel):
    options = {key: kernel.pop(key) for key in ("runs", "elementwise", "dtypes") if key in kernel}
    return testing.check_kernel(name, inputs or [X], kernel=Kernel(**kernel), **options)


def in_order_of(x, values):
    """`values` in memory as `x` lies there, without gaps."""
    out = np.empty_like(x)
    out[...] = values
    return out


def test_a_kernel_that_computes_the_same_conforms():
    ran = check(
        forward=lambda x: in_order_of(x, np.tanh(x)),
        fast_backward=lambda g, needs, out: (g * (1 - out * out),),
        runs=("forward", "fast_backward"),
        elementwise=True,
    )
    assert ran["forward"] > 0
    assert ran["fast_backward"] > 0
    assert ran["fast_forward"] == 0


def test_a_kernel_that_declines_conforms_and_did_not_run():
    assert not check(forward=lambda x: NotImplemented)
    with pytest.raises(ConformanceError, match="computes by its own forward: forward never did"):
        check(forward=lambda x: NotImplemented, runs=("forward",))


def only_if(condition):
    """tanh, and something else where the condition holds."""
    return lambda x: np.tanh(x) + 1 if condition(x) else in_order_of(x, np.tanh(x))


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        ({"forward": np.sinh}, "float32 values and gradients of the plain operation"),
        ({"forward": lambda x: np.tanh(x).astype(np.float64)}, "is float64 instead of float32"),
        ({"forward": lambda x: np.tanh(x)[:1]}, "shape"),
        ({"forward": only_if(lambda x: x.dtype == np.float64)}, "float64 values"),
        ({"forward": only_if(lambda x: not x.flags.c_contiguous)}, "inputs that are not contig"),
        ({"forward": only_if(lambda x: not x.flags.writeable)}, "inputs that are read-only"),
        ({"forward": only_if(lambda x: np.isnan(x).any())}, "treats nan in float32 input 0"),
        ({"forward": only_if(lambda x: (x == -np.inf).any())}, "treats -inf in float32 input 0"),
        ({"forward": only_if(lambda x: not x.ndim), "elementwise": True}, r"of the shape \(\)"),
        ({"forward": lambda x: x.no_such_method()}, "no_such_method"),
        ({"fast_backward": lambda g, needs, out: (g * out,)}, "the gradient of input 0"),
        ({"fast_backward": lambda g, needs, strange: (g,)}, "asks for .'strange'."),
        ({"fast_backward": lambda g, needs, out: (g.astype("d"),)}, "gradient"),
    ],
)
def test_other_kernels_are_found(kernel, message):
    with pytest.raises(ConformanceError, match=f"(?s)the kernel of tanh .*{message}"):
        check(**kernel)


def test_a_kernel_that_writes_into_its_input_is_found():
    def forward(x):
        if x.flags.writeable:
            np.tanh(x, out=x)
            return x.copy()
        return np.tanh(x)

    with pytest.raises(ConformanceError, match="input 0 was written to"):
        check(forward=forward)


def test_a_kernel_that_cannot_run_in_two_threads_is_found():
    main = threading.main_thread()

    def forward(x):
        alone = threading.current_thread() is main
        return in_order_of(x, np.tanh(x)) + (0 if alone else 1)

    with pytest.raises(ConformanceError, match="in several threads at once"):
        check(forward=forward)


def test_forked_processes_are_tried(capfd):
    if not hasattr(os, "fork"):
        pytest.skip("there is no fork")
    parent = os.getpid()

    def forward(x):
        return in_order_of(x, np.tanh(x)) + (0 if os.getpid() == parent else 1)

    kernel = Kernel(forward=forward)
    with pytest.raises(ConformanceError, match="in a forked process"):
        testing.check_kernel("tanh", [X], kernel=kernel, processes=True)
    assert "ConformanceError" in capfd.readouterr().err
