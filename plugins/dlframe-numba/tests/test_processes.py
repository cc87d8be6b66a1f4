"""Processes, threads, broken caches and missing packages."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import dlframe as dl
import numpy as np
import pytest
from dlframe import kernels, testing
from dlframe.nn import functional as F

import dlframe_numba

PACKAGE = Path(dlframe_numba.__file__).parent
CALLS = {
    "gelu": ([(4, 5)], {}),
    "softmax": ([(4, 5)], {}),
    "normalize": ([(4, 20), (20,), (20,)], {"axes": (1,), "over": (0,), "eps": 1e-5}),
    "lstm_layer": ([(3, 2, 4), (2, 5), (2, 5), (20, 4), (20, 5), (20,), (20,)], {}),
}


@pytest.mark.parametrize("name", CALLS)
def test_kernels_compute_in_forked_and_spawned_processes(name, rng):
    shapes, options = CALLS[name]
    inputs = [rng.standard_normal(shape) for shape in shapes]
    testing.check_kernel(
        name,
        inputs,
        options=options,
        order=1,
        processes=True,
        strange=(),
        dtypes=("float32",),
        narrow=2e-5,
    )


def run(code, *arguments, **variables):
    """The output of a new Python, in which warnings of kernels are errors."""
    env = os.environ | variables
    command = [sys.executable, "-W", "error:the kernel:RuntimeWarning", "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


FORK = """
import os, threading, time
import dlframe as dl
from dlframe.nn import functional as F
x = dl.randn(200, 200)
F.relu(x)                     # numba is imported, and gelu not compiled
worker = threading.Thread(target=lambda: F.gelu(x))
worker.start()
time.sleep(0.05)
child = os.fork()
F.silu(x)
if child == 0:
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
worker.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_fork_waits_until_the_compiler_has_ended(tmp_path):
    assert run(FORK, NUMBA_CACHE_DIR=str(tmp_path), PYTHONWARNINGS="ignore") == "0\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_loaders_with_workers_use_kernels(tmp_path):
    code = """
import dlframe as dl
from dlframe import data
from dlframe.nn import functional as F
class Set(data.Dataset):
    def __len__(self): return 8
    def __getitem__(self, i): return F.gelu(dl.ones(200, 200) * i)
if __name__ == "__main__":
    F.gelu(dl.ones(200, 200))
    for count in (0, 2):
        batches = data.DataLoader(Set(), batch_size=4, num_workers=count)
        print(*[round(float(batch.sum()), -2) for batch in batches])
"""
    first, second = run(code).splitlines()
    assert first == second


WITHOUT = """
import sys, warnings
sys.modules["numba"] = None
import dlframe as dl
from dlframe.nn import functional as F
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    x = dl.ones(200, 200, requires_grad=True)
    F.layer_norm(F.gelu(x), (200,)).sum().backward()
print(len(caught), "dlframe-numba" in str(caught[0].message), "numba" in str(caught[0].message))
"""


def test_without_numba_the_plain_operations_run():
    assert run(WITHOUT) == "1 True True\n"


USE = """
import dlframe as dl
from dlframe import kernels
from dlframe.nn import functional as F
out = F.gelu(dl.ones(200, 200))
print(round(out.mean().item(), 4), kernels.runs()["gelu: forward"])
"""


def test_a_damaged_cache_is_no_error(tmp_path):
    folder = str(tmp_path)
    assert run(USE, NUMBA_CACHE_DIR=folder) == "0.8413 1\n"
    for file in tmp_path.rglob("*.nb*"):
        file.write_bytes(b"damaged")
    damaged = subprocess.run(
        [sys.executable, "-c", USE],
        capture_output=True,
        text=True,
        env=os.environ | {"NUMBA_CACHE_DIR": folder},
        timeout=120,
    )
    assert damaged.stdout.startswith("0.8413"), damaged.stderr


def test_code_older_than_a_source_is_removed():
    from dlframe_numba import compiling

    cached = PACKAGE / "__pycache__"
    if not list(cached.glob("*.nbi")):
        pytest.skip("compiled code is kept elsewhere")
    old = cached / "test-of-old-code.nbi"
    old.write_bytes(b"")
    os.utime(old, (0, 0))
    compiling._forget_old_code()
    assert not old.exists()


def test_results_do_not_depend_on_the_number_of_threads(rng):
    x = dl.tensor(rng.standard_normal((700, 600)).astype(np.float32))
    before, found = dl.get_num_threads(), []
    for count in (1, 2, 3):
        dl.set_num_threads(count)
        layer = dl.nn.LayerNorm(600)
        y = layer(F.gelu(x.clone().requires_grad_()))
        y.square().sum().backward()
        found.append([y.detach().numpy(), layer.weight.grad.numpy(), layer.bias.grad.numpy()])
    dl.set_num_threads(before)
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_threads_that_call_first_get_the_numbers(rng):
    x = dl.tensor(rng.standard_normal((300, 300)).astype(np.float32))
    with kernels.flags(enabled=False):
        wanted = F.mish(x).numpy()
    found = []
    threads = [threading.Thread(target=lambda: found.append(F.mish(x).numpy())) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    for each in found:
        np.testing.assert_allclose(each, wanted, rtol=1e-5, atol=1e-6)
