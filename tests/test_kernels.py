from __future__ import annotations

import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest

import dlframe as dl
from dlframe import kernels, ops, plugins
from dlframe.kernels import Kernel
from dlframe.nn import functional as F

ROOT = Path(dl.__file__).resolve().parents[1]
LARGE = kernels.FEW


def gelu_times(factor, **changes):
    """A kernel of gelu with wrong values, which show that it ran."""
    return Kernel(
        forward=lambda x, *, approximate="none": x * factor,
        fast_forward=lambda x, *, approximate="none": (x * factor, x),
        fast_backward=lambda g, needs, residuals, approximate: (g * factor,),
        **{"smallest": 1} | changes,
    )


# --- where a kernel runs -----------------------------------------------------------------------


def test_a_kernel_computes_values_and_first_gradients():
    x = dl.tensor([1.0, -2.0], requires_grad=True)
    with kernels.replaced("gelu", gelu_times(3)):
        out = F.gelu(x)
        out.sum().backward()
        plain = F.gelu(x.detach())
    assert out.tolist() == plain.tolist() == [3.0, -6.0]
    assert x.grad.tolist() == [3.0, 3.0]
    assert F.gelu(x.detach()).tolist() != [3.0, -6.0]


def test_second_gradients_follow_the_rules():
    x = dl.tensor([0.5, -2.0], requires_grad=True)

    def second():
        (g,) = dl.autograd.grad(F.gelu(x).sum(), x, create_graph=True)
        return dl.autograd.grad(g.sum(), x)[0].tolist()

    expected = second()
    with kernels.replaced("gelu", gelu_times(3)):
        assert second() == expected


def test_a_kernel_takes_the_place_of_a_single_rule():
    kernel = Kernel(fast_backward=lambda g, needs, out: (out * 7,), smallest=1)
    x = dl.tensor([0.5, -2.0], requires_grad=True)
    with kernels.replaced("tanh", kernel):
        out = x.tanh()
        out.sum().backward()
    assert x.grad.tolist() == (out.detach() * 7).tolist()
    np.testing.assert_allclose(out.detach().numpy(), np.tanh([0.5, -2.0]), rtol=1e-6)
    x.grad = None
    x.tanh().sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 1 - np.tanh([0.5, -2.0]) ** 2, rtol=1e-5)


def test_each_function_may_be_missing():
    x = dl.tensor([1.0, -2.0], requires_grad=True)
    F.gelu(x).sum().backward()
    expected, x.grad = x.grad.tolist(), None
    with kernels.replaced("gelu", Kernel(forward=lambda x, *, approximate: x, smallest=1)):
        F.gelu(x).sum().backward()
    assert x.grad.tolist() == expected


def test_small_arrays_do_not_ask_a_kernel():
    with kernels.replaced("gelu", gelu_times(3, smallest=5)):
        assert F.gelu(dl.ones(4))[0].item() != 3
        assert F.gelu(dl.ones(5))[0].item() == 3


def test_what_a_kernel_declines_is_computed_plainly():
    def declines(*args, **options):
        return NotImplemented

    kernel = Kernel(
        forward=declines,
        fast_forward=declines,
        fast_backward=lambda g, needs, x: NotImplemented,
        smallest=1,
    )
    x = dl.tensor([1.0, -2.0], requires_grad=True)
    F.gelu(x).sum().backward()
    expected, x.grad = x.grad.tolist(), None
    before = kernels.runs()
    with kernels.replaced("gelu", kernel):
        out = F.gelu(x)
        out.sum().backward()
    assert out.tolist() == F.gelu(x).tolist()
    assert x.grad.tolist() == expected
    assert kernels.runs() == before


def test_kernels_see_only_plain_arrays():
    seen = []

    def forward(x, *, approximate="none"):
        seen.append(type(x))
        assert x.dtype.isnative
        assert x.flags.aligned
        return NotImplemented

    class Own(np.ndarray):
        pass

    x = np.linspace(-1, 1, 8, dtype=np.float32)
    unaligned = np.zeros(33, np.uint8)[1:].view(np.float32)
    with kernels.replaced("gelu", Kernel(forward=forward, smallest=1)):
        for strange in (x.view(Own), x.astype(">f4"), unaligned):
            np.testing.assert_allclose(ops.gelu(strange), ops.gelu(np.array(strange, np.float32)))
        assert set(seen) == {np.ndarray}
        assert len(seen) == 3
        out = dl.vmap(F.gelu)(dl.tensor(x).reshape(2, 4))
    np.testing.assert_allclose(out.numpy().reshape(-1), ops.gelu(x), rtol=1e-6)
    assert set(seen) == {np.ndarray}


def test_an_update_gives_nothing_and_a_kernel_may_give_a_number():
    steps = []

    def update(p, *args):
        steps.append(p.size)
        p -= 1  # in place, as the plain function

    p = dl.nn.Parameter(dl.ones(LARGE))
    p.grad = dl.ones(LARGE)
    with kernels.replaced("SGD", Kernel(update=update, smallest=1)):
        dl.optim.SGD([p], lr=0.1).step()
    assert sum(steps) == LARGE
    assert (p == 0).all()
    loss = Kernel(forward=lambda *args, **options: np.float32(7), smallest=1)
    with kernels.replaced("cross_entropy", loss):
        out = F.cross_entropy(dl.ones(100, 3), dl.zeros(100, dtype=dl.int64))
    assert out.item() == 7


def test_operations_of_users_have_no_kernels():
    gelu = ops.op(lambda x: x + 1)
    gelu.definition.name = "gelu"
    with kernels.replaced("gelu", gelu_times(3)):
        assert gelu(dl.ones(2)).tolist() == [2.0, 2.0]


def test_runs_are_counted():
    before = kernels.runs()
    with kernels.replaced("gelu", gelu_times(3)):
        F.gelu(dl.ones(2, requires_grad=True)).sum().backward()
    found = kernels.runs() - before
    assert found == {"gelu: fast_forward": 1, "gelu: fast_backward": 1}


# --- the switch --------------------------------------------------------------------------------


def test_the_switch_holds_for_a_block():
    with kernels.replaced("gelu", gelu_times(3)):
        assert F.gelu(dl.ones(2))[0].item() == 3
        with kernels.flags(enabled=False):
            assert not kernels.is_enabled()
            assert F.gelu(dl.ones(2))[0].item() != 3
        assert F.gelu(dl.ones(2))[0].item() == 3


def test_operations_called_while_off_look_again_when_on():
    with kernels.flags(enabled=False), kernels.replaced("gelu", gelu_times(3)):
        assert F.gelu(dl.ones(2))[0].item() != 3
        with kernels.flags(enabled=True):
            assert F.gelu(dl.ones(2))[0].item() == 3
        assert F.gelu(dl.ones(2))[0].item() != 3


def in_new_process(code, **variables):
    env = os.environ | {"PYTHONPATH": str(ROOT)} | variables
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("value, on", [("0", False), ("off", False), ("1", True), ("", True)])
def test_the_environment_switches_kernels_off(value, on):
    code = "from dlframe import kernels; print(kernels.is_enabled())"
    assert in_new_process(code, DLFRAME_KERNELS=value) == f"{on}\n"


def test_an_import_searches_nothing_and_no_call_searches_while_off():
    code = """
import sys
import dlframe as dl
assert "importlib.metadata" not in sys.modules
dl.randn(300, 300).exp()
print("dlframe.plugins" in sys.modules)
"""
    assert in_new_process(code, DLFRAME_KERNELS="0") == "False\n"


# --- packages ----------------------------------------------------------------------------------

GOOD = """
from dlframe.kernels import Kernel
gelu = Kernel(forward=lambda x, *, approximate="none": x * 3, smallest=1)
"""
LINE = "[dlframe.kernels]\ngelu = {}:gelu\n"


def test_an_installed_kernel_is_imported_for_the_first_large_array(install):
    install("fast-one", "1.0", LINE.format("fast_one"), fast_one=GOOD)
    assert [e.owner for e in kernels.installed() if e.package == "fast-one"] == ["fast-one 1.0"]
    assert F.gelu(dl.ones(LARGE - 1))[0].item() != 3
    assert "fast_one" not in sys.modules
    assert F.gelu(dl.ones(LARGE))[0].item() == 3
    assert F.gelu(dl.ones(1))[0].item() == 3  # from now on its own limit holds
    assert plugins.get("kernels", "fast-one:gelu").smallest == 1


@pytest.mark.parametrize(
    "source, text",
    [
        ("import no_such_package_at_all", "ModuleNotFoundError"),
        ("1 / 0", "division by zero"),
        ("gelu = 7", "has none of the functions"),
        ("other = 1", "AttributeError"),
        ("raise SystemExit(3)", "SystemExit"),
        (GOOD.replace("smallest=1", "interface=0"), "made for an older dlframe"),
        (GOOD.replace("smallest=1", "interface=99"), "made for a newer dlframe"),
        (GOOD.replace("x * 3", "x.no_such_method()"), "no_such_method"),
        (GOOD.replace("x * 3", "None"), "gave NoneType, no array"),
        (GOOD.replace("x * 3", "[1]"), "gave list, no array"),
        (GOOD.replace("x * 3", "x[1:]"), "where the operation gives"),
        (GOOD.replace("x * 3", "x.astype('d')"), "float64.*gives.*float32"),
        (GOOD.replace("smallest=1", "smallest='5'"), "cannot be interpreted as an integer"),
        (GOOD.replace("forward=lambda x", "fast_backward=lambda g, strange"), "strange"),
    ],
)
def test_a_broken_kernel_is_named_once_and_the_plain_operation_runs(install, source, text):
    install("broken-one", "1.0", LINE.format("broken_one"), broken_one=source)
    kernels.warn_again()
    x = dl.ones(LARGE, requires_grad=True)

    def both():
        F.gelu(x).sum().backward()
        return F.gelu(x.detach())

    with pytest.warns(RuntimeWarning, match=f"(?s)'gelu' of broken-one 1.0.*{text}") as caught:
        out = both()
    assert len(caught) == 1
    assert abs(out[0].item() - 0.8413447) < 1e-6
    assert abs(x.grad[0].item() - 1.0833155) < 1e-5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        F.gelu(x)


def test_one_fault_of_a_package_is_told_once_for_all_its_kernels(install):
    lines = "[dlframe.kernels]\ngelu = sad:gelu\ntanh = sad:tanh\n"
    install("sad", "1.0", lines, sad="import no_such_package_at_all")
    kernels.warn_again()
    with pytest.warns(RuntimeWarning, match="of sad 1.0") as caught:
        F.gelu(dl.ones(LARGE).tanh())
    assert len(caught) == 1


def test_of_two_packages_with_one_kernel_none_runs(install):
    install("fast-one", "1.0", LINE.format("fast_one"), fast_one=GOOD)
    install("fast-two", "2.0", LINE.format("fast_two"), fast_two=GOOD)
    kernels.warn_again()
    with pytest.warns(RuntimeWarning, match=r"two .*'gelu': fast-one 1.0 and fast-two 2.0") as w:
        assert F.gelu(F.gelu(dl.ones(LARGE)))[0].item() < 3
    assert len(w) == 1
    assert F.gelu(dl.ones(LARGE, requires_grad=True))[0].item() < 3
    statuses = {status for entry, status in plugins.describe("kernels") if entry.name == "gelu"}
    assert statuses == {"conflict"}


def test_a_program_may_register_a_kernel():
    gelu = gelu_times(3)
    plugins.register("kernels", "gelu")(gelu)
    try:
        assert F.gelu(dl.ones(LARGE))[0].item() == 3
    finally:
        plugins.unregister("kernels", "gelu")
    assert F.gelu(dl.ones(LARGE))[0].item() != 3


def test_several_threads_may_call_first():
    out = []
    with kernels.replaced("gelu", gelu_times(3)):
        threads = [
            threading.Thread(target=lambda: out.append(F.gelu(dl.ones(9))[0].item()))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert out == [3.0] * 8


# --- who tells of them -------------------------------------------------------------------------


def test_explain_names_the_package_that_computed():
    x = dl.tensor([1.0, -2.0], requires_grad=True)
    with kernels.replaced("gelu", gelu_times(3)):
        out = F.gelu(x)
        assert "Compiled by this program, with the formulas shown: gelu." in str(out.explain())
    assert "Compiled" not in str(F.gelu(x).explain())


def test_a_name_that_nothing_has_is_a_problem(install):
    install("odd", "1.0", "[dlframe.kernels]\ngelux = odd:gelux\n", odd="")
    F.gelu(dl.ones(2))
    (problem,) = [text for text in kernels.problems() if text.startswith("odd 1.0")]
    assert "has a kernel for 'gelux'" in problem
    assert "'gelu'" in problem


def test_pytorchs_names_for_the_switch():
    with dl.backends.kernels.flags(enabled=False):
        assert dl.backends.kernels.enabled is kernels.is_enabled() is False
    before = dl.backends.kernels.enabled
    dl.backends.kernels.enabled = False
    assert not kernels.is_enabled()
    dl.backends.kernels.enabled = before
    assert isinstance(dl.backends.kernels.is_available(), bool)
