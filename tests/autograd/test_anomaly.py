"""`detect_anomaly`: the first value that is not finite, and where it came from."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.autograd import detect_anomaly, is_anomaly_enabled, set_detect_anomaly
from dlframe.errors import AnomalyError
from dlframe.ops import watching


def found(function: Callable[[], Any], **options: Any) -> str:
    """The message that `function` raises under detect_anomaly."""
    with pytest.raises(AnomalyError) as caught, detect_anomaly(**options):
        function()
    return str(caught.value)


# --- forward -----------------------------------------------------------------------------------


def test_a_nan_names_operation_line_and_operands() -> None:
    x = dl.tensor([4.0, -1.0, 9.0])
    text = found(lambda: x.sqrt().sum())
    assert "sqrt made 1 nan (first at [1]) of finite numbers." in text
    assert "test_anomaly.py" in text
    assert "in <lambda>" in text
    assert "text = found(lambda: x.sqrt().sum())" in text
    assert "^" * len("x.sqrt()") + "\n" in text
    assert "x: float32 [3], min -1, max 9, mean 4" in text
    assert "result: float32 [3], min 2, max 3, mean 2.5, 1 nan (first at [1])" in text


class Root(nn.Module):
    def forward(self, x: Any) -> Any:
        return (x * 2).sqrt()


def test_the_module_is_named_from_the_outermost_on() -> None:
    text = found(lambda: nn.Sequential(nn.Identity(), nn.Sequential(Root()))(dl.tensor([-1.0])))
    assert "in Sequential.1.0 (Root)" in text
    assert "return (x * 2).sqrt()" in text
    assert "x: float32 [1], value -2" in text


def test_a_module_called_by_itself_is_its_own_outermost() -> None:
    assert "in Root\n" in found(lambda: Root()(dl.tensor([-1.0])))


def test_a_module_that_is_no_part_of_its_caller_is_named_too() -> None:
    root = Root()

    class Caller(nn.Module):
        def forward(self, x: Any) -> Any:
            return root(x)

    assert "in Caller → Root (Root)" in found(lambda: Caller()(dl.tensor([-1.0])))


def test_what_came_in_is_told_from_what_was_made() -> None:
    x = dl.tensor([1.0, np.nan])
    text = found(lambda: x * 2 + 1)
    assert "multiply: 1 nan (first at [1]) came in with x." in text
    both = found(lambda: dl.tensor([np.nan]) + dl.tensor([np.nan]))
    assert "came in with x and y" in both


def test_infinite_operands_are_told_and_where_they_came_from() -> None:
    x = dl.tensor([0.0, 1.0])
    text = found(lambda: (1 / x) - (1 / x))
    assert "subtract made 1 nan (first at [0]) of infinite numbers" in text
    y = dl.tensor([0.0, 1.0], requires_grad=True)
    text = found(lambda: (1 / y) - (1 / y), check_inf=False)
    assert "; made by multiply, test_anomaly.py:" in text  # 1 / y is reciprocal(y) · 1


def test_an_infinity_made_of_finite_numbers_raises_on_a_path_of_gradients() -> None:
    x = dl.tensor([0.0, 1.0], requires_grad=True)
    text = found(lambda: x.log())
    assert "log made 1 -inf (first at [0]) of finite numbers." in text
    with detect_anomaly(check_inf=False):
        x.log()
    with detect_anomaly():
        x.detach().log()  # as for a mask


def test_masks_of_infinity_are_no_anomaly() -> None:
    scores = dl.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    mask = dl.tensor([[False, True, False]])
    with detect_anomaly():
        masked = scores.masked_fill(mask, -np.inf)
        dl.where(mask, -np.inf, scores)
        loss = masked.softmax(dim=1).square().sum() + masked.logsumexp(dim=1).sum()
        loss.backward()
    assert scores.grad[0, 1] == 0


def test_questions_about_nan_are_allowed() -> None:
    x = dl.tensor([1.0, np.nan])
    with detect_anomaly():
        assert x.isnan().tolist() == [False, True]
        assert dl.where(x.isnan(), 0.0, x).tolist() == [1.0, 0.0]
        assert x.nan_to_num(5.0).tolist() == [1.0, 5.0]


def test_options_are_shown() -> None:
    x = dl.tensor([[1.0, 2.0]])
    text = found(lambda: dl.log_softmax(x * -np.inf, dim=1))
    assert "log_softmax made 2 nan" in text
    assert "axis=1" in text


def test_values_of_integers_are_left_alone() -> None:
    with detect_anomaly():
        assert (dl.tensor([1, 2]) + 1).tolist() == [2, 3]


# --- backward ----------------------------------------------------------------------------------


def test_a_rule_that_makes_an_infinity_is_named_with_its_forward_call() -> None:
    x = dl.tensor([4.0, 0.0], requires_grad=True)

    def train() -> None:
        y = x.sqrt()
        y.sum().backward()

    text = found(train)
    assert "backward of sqrt made 1 inf (first at [1]) in the gradient of x." in text
    assert "y = x.sqrt()" in text
    assert "in train" in text
    assert "g, the gradient that came: float32 [2], min 1, max 1, mean 1" in text
    assert "out, kept by the forward: float32 [2], min 0, max 2, mean 1" in text
    assert "gradient of x: float32 [2], min 0.25, max 0.25, mean 0.25, 1 inf (first at [1])" in text
    assert x.grad is None


def test_the_classical_mistake_with_where() -> None:
    x = dl.tensor([4.0, 0.0], requires_grad=True)
    text = found(lambda: dl.where(x > 0, x.sqrt(), 0.0).sum().backward())
    assert "backward of sqrt made 1 nan (first at [1])" in text
    assert "Function 'SqrtBackward0' returned nan values in its 0th output" in text  # as PyTorch


def test_the_module_of_the_forward_call_is_named_in_backward() -> None:
    model = nn.Sequential(nn.Linear(1, 1), Root())
    nn.init.zeros_(model[0].weight)
    nn.init.zeros_(model[0].bias)
    text = found(lambda: model(dl.ones(1, 1)).sum().backward())
    assert "in Sequential.1 (Root)" in text
    assert "return (x * 2).sqrt()" in text


def test_a_forward_outside_says_so() -> None:
    x = dl.tensor(0.0, requires_grad=True)
    y = x.sqrt()
    assert "outside of detect_anomaly()" in found(y.backward)


def test_gradients_that_came_in_are_said_so() -> None:
    x = dl.tensor([1.0, 2.0], requires_grad=True)
    text = found(lambda: (x * 2).backward(dl.tensor([1.0, np.nan])))
    assert "backward of multiply: 1 nan (first at [1]) came in with the gradient g." in text


def test_functions_of_the_user_and_operations_with_several_results() -> None:
    class Bad(dl.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * np.nan

    x = dl.tensor([1.0], requires_grad=True)
    text = found(lambda: Bad.apply(x).sum().backward())
    assert "backward of Bad made 1 nan (first at [0]) in the gradient of input[0]." in text
    a = dl.eye(2).requires_grad_()
    with detect_anomaly(), pytest.raises(AnomalyError, match="eigh"):  # equal eigenvalues
        dl.linalg.eigh(a)[1].square().sum().backward()


def test_other_errors_in_backward_learn_the_line_of_the_forward_call() -> None:
    class Broken(dl.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            raise KeyError("lost")

    x = dl.tensor([1.0], requires_grad=True)
    with pytest.raises(KeyError) as caught, detect_anomaly(check_nan=False):
        Broken.apply(x).sum().backward()
    assert "In the backward of Broken, called at\nFile" in caught.value.__notes__[0]


def test_a_write_in_place_names_both_lines() -> None:
    x = dl.tensor([1.0], requires_grad=True)
    with pytest.raises(dl.errors.GradientError) as caught, detect_anomaly():
        y = x.exp()
        y.add_(1)
        y.sum().backward()
    assert "(add_, test_anomaly.py:" in str(caught.value)
    assert "y = x.exp()" in caught.value.__notes__[0]


def test_second_order() -> None:
    x = dl.tensor(0.0, requires_grad=True)
    with detect_anomaly(), pytest.raises(AnomalyError, match="backward of"):
        (g,) = dl.autograd.grad(x.abs().pow(1.5), x, create_graph=True)
        g.backward()  # d² |x|^1.5 is infinite at 0
    with detect_anomaly():
        y = dl.tensor(2.0, requires_grad=True)
        (g,) = dl.autograd.grad(y**3, y, create_graph=True)
        g.backward()
    assert y.grad.item() == 12


# --- the mode ----------------------------------------------------------------------------------


def test_it_is_a_runtime_error() -> None:
    assert issubclass(AnomalyError, RuntimeError)
    assert issubclass(AnomalyError, dl.errors.DlframeError)


def test_nothing_is_left_on() -> None:
    with detect_anomaly():
        assert is_anomaly_enabled()
        assert watching.watched
    assert not is_anomaly_enabled()
    assert not watching.watched
    dl.tensor(-1.0).sqrt()


def test_the_function_switches_until_told_otherwise() -> None:
    set_detect_anomaly(True)
    try:
        assert is_anomaly_enabled()
        assert dl.autograd.is_anomaly_check_nan_enabled()
        with pytest.raises(AnomalyError):
            dl.tensor(-1.0).sqrt()
        with set_detect_anomaly(False):
            dl.tensor(-1.0).sqrt()
        assert is_anomaly_enabled()
    finally:
        set_detect_anomaly(False)
    assert not is_anomaly_enabled()
    assert not watching.watched


def test_blocks_nest_and_the_inner_one_counts() -> None:
    with detect_anomaly(), detect_anomaly(check_nan=False):
        assert is_anomaly_enabled()
        assert not dl.autograd.is_anomaly_check_nan_enabled()
        dl.tensor(-1.0).sqrt()
    assert not watching.watched


def test_it_decorates() -> None:
    @detect_anomaly()
    def root(x: Any) -> Any:
        return x.sqrt()

    with pytest.raises(AnomalyError):
        root(dl.tensor(-1.0))
    with pytest.raises(AnomalyError):
        root(dl.tensor(-1.0))
    assert not watching.watched


def test_other_threads_are_left_alone() -> None:
    results = []
    with detect_anomaly():
        thread = threading.Thread(target=lambda: results.append(dl.tensor(-1.0).sqrt().item()))
        thread.start()
        thread.join()
    assert np.isnan(results[0])


def test_training_is_the_same_with_it() -> None:
    def losses() -> list[float]:
        dl.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
        optimizer = dl.optim.SGD(model.parameters(), lr=0.1)
        values = []
        for _ in range(3):
            loss = nn.CrossEntropyLoss()(model(dl.randn(16, 4)), dl.randint(0, 3, (16,)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            values.append(loss.item())
        return values

    expected = losses()
    with detect_anomaly():
        assert losses() == expected


def test_fit_stops_at_the_first_nan() -> None:
    x = dl.randn(32, 3)
    data = dl.data.TensorDataset(x, x.sum(dim=1, keepdim=True))
    model = nn.Sequential(nn.Linear(3, 1), Root())
    nn.init.constant_(model[0].bias, -100.0)
    trainer = dl.Trainer(model, nn.MSELoss(), dl.optim.SGD(model.parameters(), lr=0.1))
    with detect_anomaly(), pytest.raises(AnomalyError, match=r"in Sequential\.1 \(Root\)"):
        trainer.fit(dl.data.DataLoader(data, batch_size=8), epochs=1, progress=False)
