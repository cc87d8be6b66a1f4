"""No floating-point warning of NumPy's leaves dlframe, whatever the filters; the user's own do."""

from __future__ import annotations

import subprocess
import sys
import threading
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
from samples import CALLS, evaluate
from samples.optimizers import OPTIMIZERS
from samples.table import is_float

import dlframe as dl
from dlframe import metrics, nn, optim
from dlframe.base.quiet import in_force, quietly, silence, users_own
from dlframe.data import transforms
from dlframe.optim.safety import unheeded
from dlframe.utils.checkpoint import checkpoint

VALUES = [0.0, -0.0, np.inf, -np.inf, np.nan, 3e38, -3e38, 1e-45, 1.0, -200.0]


@contextmanager
def only_dlframes():
    """As in a fresh program, dlframe's filter comes first; what it lets through raises."""
    with warnings.catch_warnings():
        warnings.resetwarnings()
        warnings.simplefilter("error")
        text = "(divide by zero|invalid value|overflow|underflow) encountered"
        warnings.filterwarnings("ignore", text, RuntimeWarning, module=r"dlframe\.")
        assert in_force()
        yield


@contextmanager
def everything_raises():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not in_force()
        yield


STATES = {"the filter is in force": only_dlframes, "everything raises": everything_raises}


@pytest.fixture(params=STATES)
def state(request):
    with STATES[request.param]():
        yield


# --- the table ---------------------------------------------------------------------------------


def extreme(x):
    with np.errstate(over="ignore"):  # in float16
        return np.resize(np.array(VALUES), x.shape).astype(x.dtype) if is_float(x) else x.copy()


def first_and_others(family):
    first = {call.name: call.key for call in reversed(CALLS[family])}
    return [[c for c in CALLS[family] if (first[c.name] == c.key) is one] for one in (True, False)]


def leaks(calls):
    """The warnings that come out of calls with their own values, and with extreme ones."""
    found = []
    for call in calls:
        for arrays in (evaluate.changed(call, np.copy), evaluate.changed(call, extreme)):
            args, options, wanted = evaluate.inputs_of(call, dl, arrays)
            try:
                out = evaluate.run(call, dl, args, options)
                evaluate.derivatives(call, dl, list(evaluate.leaves(out)), wanted)
            except RuntimeWarning as warning:
                found.append((call.key, str(warning)))
            except (ArithmeticError, RuntimeError, TypeError, ValueError, IndexError):
                pass  # values that the function refuses
            except FutureWarning:
                pass  # functions that PyTorch warns of, too
            except UserWarning:
                pass
    return found


@pytest.mark.parametrize("family", CALLS)
def test_no_function_warns(family, state):
    assert leaks(first_and_others(family)[0]) == []


@pytest.mark.slow
@pytest.mark.parametrize("family", CALLS)
def test_no_other_call_warns(family, state):
    assert leaks(first_and_others(family)[1]) == []


# --- around the functions ----------------------------------------------------------------------


def trains():
    model = nn.Sequential(nn.Linear(10, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 1))
    for name in OPTIMIZERS:
        optimizer = getattr(optim, name)(model.parameters(), lr=1e30)
        for _ in range(2):
            model(dl.tensor([VALUES] * 2)).sum().backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            with unheeded(optimizer):  # it would say that gradients are infinite
                optimizer.step()


def writes():
    x = dl.tensor(VALUES, dtype=dl.float64)
    for dtype in (dl.int64, dl.uint8, dl.float16, dl.float32):
        x.to(dtype)
        dl.tensor(x.numpy(), dtype=dtype)
        x.new_tensor(x.numpy(), dtype=dtype)
    y = dl.zeros(10)
    y.copy_(x)
    y[:] = x
    y /= 0
    y -= y


def goes_back():
    x = dl.tensor(VALUES, requires_grad=True)
    y = (x / 0 + x * np.inf).sum() + x.log().exp().sum()
    y.backward(retain_graph=True)
    (g,) = dl.autograd.grad(y, x, create_graph=True)
    dl.autograd.grad(g.sum(), x)
    dl.func.vmap(lambda t: (t / 0).sin())(x.detach())


def counts():
    dl.linspace(0, 1e39, 3)
    dl.linspace(np.inf, np.nan, 3)
    dl.logspace(0, 50, 3)
    dl.arange(0, 1e39, 1e38)


def draws():
    for dtype in (dl.float16, dl.float32):
        x = dl.zeros(20, dtype=dtype)
        for draw in (x.exponential_, x.cauchy_, x.normal_, x.log_normal_):
            draw(*{"exponential_": [1e-30], "log_normal_": [100, 50]}.get(draw.__name__, [0, 1e38]))


def measures():
    x = np.array([value for value in VALUES if not np.isnan(value)])  # which metrics refuse
    metrics.mean_squared_error(x, -x)
    metrics.MeanAbsoluteError().update(dl.tensor(x), dl.tensor(x))
    metrics.log_loss(np.array([[0.0, 1.0], [1e-300, 1.0]]), np.array([0, 1]))
    metrics.log_loss(np.array([np.inf, -np.inf]), np.array([0, 1]), scores="logits")
    metrics.r2_score(np.zeros(3), np.zeros(3))
    metrics.auroc(np.array([np.inf, 1.0]), np.array([0, 1]), thresholds=[0.5])
    transforms.Normalize([0.0], [1e-45])(dl.tensor(VALUES).reshape(1, 2, 5))


def prints():
    for dtype in (dl.float16, dl.float32, dl.float64):
        x = dl.tensor(VALUES, dtype=dl.float64)
        repr(quietly(x.numpy().astype, dtype))
        repr(x.to(dtype))


@pytest.mark.parametrize("program", [trains, writes, goes_back, counts, draws, measures, prints])
def test_no_program_warns(program, state):
    program()


def test_no_warning_in_threads(state):
    seen = []

    def work():
        try:
            goes_back()
            trains()
        except BaseException as error:  # noqa: BLE001 - what a thread raises would be lost
            seen.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == []


def test_under_w_error():
    code = "import dlframe as dl; print(dl.sigmoid(dl.tensor([-200.0])), dl.zeros(1) / 0)"
    options = ["-W", "error", "-c", code]
    done = subprocess.run([sys.executable, *options], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("tensor([0.]) tensor([nan])\n", "")


# --- the user's own ----------------------------------------------------------------------------


class Own(dl.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        np.log(np.zeros(1))
        return x * 1

    @staticmethod
    def backward(ctx, g):
        np.log(np.zeros(1))
        return g


@dl.ops.op
def own_log(x):
    return np.log(x)


@own_log.vjp("x")
def _(g, x):
    return g / x


def logs(*_):
    np.log(np.zeros(1))


def count(program):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        program()
        logs()  # and afterwards as before
    return len(seen) - 1


def in_a_hook():
    x = dl.ones(1, requires_grad=True)
    x.register_hook(logs)
    (x / 0).backward()


def in_a_function():
    Own.apply(dl.ones(1, requires_grad=True)).backward()


def in_an_operation():
    own_log(dl.zeros(1, requires_grad=True)).backward()


def in_a_checkpoint():
    checkpoint(lambda t: (logs(), t * 2)[1], dl.ones(1, requires_grad=True)).backward()


@pytest.mark.parametrize(
    ("program", "times"),
    [(in_a_hook, 1), (in_a_function, 2), (in_an_operation, 2), (in_a_checkpoint, 2)],
)
def test_numpy_warns_in_the_users_functions(program, times):
    assert count(program) == times


def test_the_users_state_returns_after_every_block():
    with np.errstate(divide="raise"):
        with silence():
            logs()
            with users_own(), pytest.raises(FloatingPointError):
                logs()
            logs()
        with pytest.raises(FloatingPointError):
            logs()


# --- filters -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "holds"),
    [
        (lambda: None, True),
        (lambda: warnings.simplefilter("ignore"), True),
        (lambda: warnings.simplefilter("error", DeprecationWarning), True),
        (lambda: warnings.filterwarnings("error", module="mine"), True),
        (lambda: warnings.simplefilter("error", append=True), True),
        (lambda: warnings.simplefilter("error"), False),
        (lambda: warnings.simplefilter("always", RuntimeWarning), False),
        (lambda: warnings.filterwarnings("error", "overflow"), False),
        (warnings.resetwarnings, False),
    ],
)
def test_whether_the_filter_is_in_force(change, holds):
    with only_dlframes():
        for _ in range(2):
            with warnings.catch_warnings():
                change()
                assert in_force() is holds
                assert in_force() is holds  # as it was remembered
            assert in_force()
