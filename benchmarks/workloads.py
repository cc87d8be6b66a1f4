"""The workloads that are measured. `lib` is dlframe or torch; the code is the same for both.

Each workload seeds the generator, builds a model and its data, and returns a function that runs one
step and returns the loss.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

Step = Callable[[], Any]


def op_chain(lib: Any) -> Step:
    """Forward and backward of 24 elementwise operations on 16 × 16 float32: mostly overhead."""
    lib.manual_seed(0)
    x = lib.randn(16, 16, requires_grad=True)
    scale, shift = lib.randn(16, 16), lib.randn(16, 16)

    def step() -> Any:
        y = x
        for _ in range(6):
            y = y * scale
            y = y + shift
            y = y.tanh()
            y = y - shift
        loss = y.sum()
        loss.backward()
        x.grad = None
        return loss

    return step


def _training(lib: Any, model: Any, loss_function: Any, x: Any, y: Any, lr: float) -> Step:
    optimizer = lib.optim.SGD(model.parameters(), lr=lr)

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def _mlp(lib: Any, *sizes: int) -> Any:
    nn = lib.nn
    layers: list[Any] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def mlp_small(lib: Any) -> Step:
    """A training step of 2-25-25-25-2 with tanh, mean squared error and SGD on 100 points."""
    lib.manual_seed(0)
    model = _mlp(lib, 2, 25, 25, 25, 2)
    return _training(lib, model, lib.nn.MSELoss(), lib.rand(100, 2), lib.randn(100, 2), 0.1)


def mlp_small_adam(lib: Any) -> Step:
    """The same with Adam: eight small parameters, and two states each."""
    lib.manual_seed(0)
    model = _mlp(lib, 2, 25, 25, 25, 2)
    x, y = lib.rand(100, 2), lib.randn(100, 2)
    loss_function, optimizer = lib.nn.MSELoss(), lib.optim.Adam(model.parameters(), lr=1e-3)

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def mlp_medium(lib: Any) -> Step:
    """784-256-128-10 on 64 images: the usual first network for MNIST."""
    lib.manual_seed(0)
    model = _mlp(lib, 784, 256, 128, 10)
    x, y = lib.rand(64, 784), lib.randint(0, 10, (64,))
    return _training(lib, model, lib.nn.CrossEntropyLoss(), x, y, 0.05)


def mlp_wide(lib: Any) -> Step:
    """1024-2048-2048-10 on 128 samples: matrix products are nearly all of it."""
    lib.manual_seed(0)
    model = _mlp(lib, 1024, 2048, 2048, 10)
    x, y = lib.rand(128, 1024), lib.randint(0, 10, (128,))
    return _training(lib, model, lib.nn.CrossEntropyLoss(), x, y, 0.01)


def lenet(lib: Any) -> Step:
    """LeNet-5 on 64 images of 28 × 28."""
    lib.manual_seed(0)
    nn = lib.nn
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip
    x, y = lib.rand(64, 1, 28, 28), lib.randint(0, 10, (64,))
    return _training(lib, model, nn.CrossEntropyLoss(), x, y, 0.05)


def cifar_cnn(lib: Any) -> Step:
    """Three blocks of convolution, batch norm and pooling on 32 images of 3 × 32 × 32."""
    lib.manual_seed(0)
    nn = lib.nn
    layers: list[Any] = []
    for inputs, outputs in ((3, 32), (32, 64), (64, 128)):
        layers += [
            nn.Conv2d(inputs, outputs, 3, padding=1),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))
    x, y = lib.rand(32, 3, 32, 32), lib.randint(0, 10, (32,))
    return _training(lib, model, nn.CrossEntropyLoss(), x, y, 0.05)


def _sequences(lib: Any, model: Any) -> Step:
    """Forward and backward of 32 sequences of 50 steps with 32 features."""
    x = lib.randn(50, 32, 32)

    def step() -> Any:
        loss = model(x)[0].square().mean()
        model.zero_grad()
        loss.backward()
        return loss

    return step


def rnn(lib: Any) -> Step:
    """RNN 32 → 128 over 50 steps of 32 sequences."""
    lib.manual_seed(0)
    return _sequences(lib, lib.nn.RNN(32, 128))


def lstm(lib: Any) -> Step:
    """LSTM 32 → 128 over 50 steps of 32 sequences."""
    lib.manual_seed(0)
    return _sequences(lib, lib.nn.LSTM(32, 128))


def gru(lib: Any) -> Step:
    """GRU 32 → 128 over 50 steps of 32 sequences."""
    lib.manual_seed(0)
    return _sequences(lib, lib.nn.GRU(32, 128))


def lstm_deep(lib: Any) -> Step:
    """Two layers of LSTM in both directions, 32 → 128, over 50 steps of 32 sequences."""
    lib.manual_seed(0)
    return _sequences(lib, lib.nn.LSTM(32, 128, 2, bidirectional=True))


_ALL = (
    op_chain,
    mlp_small,
    mlp_small_adam,
    mlp_medium,
    mlp_wide,
    lenet,
    cifar_cnn,
    rnn,
    lstm,
    gru,
    lstm_deep,
)
WORKLOADS = {function.__name__: function for function in _ALL}
