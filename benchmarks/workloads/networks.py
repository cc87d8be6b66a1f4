"""Feed-forward and convolutional networks: a training step, or the outputs alone."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from benchmarks.workloads.step import Step, training


def mlp(lib: Any, *sizes: int, activation: str = "Tanh") -> Any:
    nn = lib.nn
    layers: list[Any] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), getattr(nn, activation)()]
    return nn.Sequential(*layers[:-1])


def mlp_small(lib: Any) -> Step:
    """A training step of 2-25-25-25-2 with tanh, mean squared error and SGD on 100 points."""
    lib.manual_seed(0)
    model = mlp(lib, 2, 25, 25, 25, 2)
    return training(lib, model, lib.nn.MSELoss(), lib.rand(100, 2), lib.randn(100, 2), 0.1)


def mlp_small_adam(lib: Any) -> Step:
    """The same with Adam: eight small parameters, and two states each."""
    lib.manual_seed(0)
    model = mlp(lib, 2, 25, 25, 25, 2)
    x, y = lib.rand(100, 2), lib.randn(100, 2)
    return training(lib, model, lib.nn.MSELoss(), x, y, 1e-3, "Adam")


def mlp_digits(lib: Any) -> Step:
    """784-128-64-10 with ReLU and Adam on 64 images."""
    lib.manual_seed(0)
    model = mlp(lib, 784, 128, 64, 10, activation="ReLU")
    x, y = lib.rand(64, 784), lib.randint(0, 10, (64,))
    return training(lib, model, lib.nn.CrossEntropyLoss(), x, y, 1e-3, "Adam")


def mlp_gelu(lib: Any) -> Step:
    """784-1024-1024-10 with GELU and AdamW on 256 images."""
    lib.manual_seed(0)
    model = mlp(lib, 784, 1024, 1024, 10, activation="GELU")
    x, y = lib.rand(256, 784), lib.randint(0, 10, (256,))
    return training(lib, model, lib.nn.CrossEntropyLoss(), x, y, 1e-3, "AdamW")


def vae(lib: Any) -> Step:
    """A variational autoencoder 784-400-20 with Adam on 128 images."""
    lib.manual_seed(0)
    nn, F = lib.nn, lib.nn.functional
    encoder = nn.Sequential(nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 40))
    decoder = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784), nn.Sigmoid())
    parameters = [*encoder.parameters(), *decoder.parameters()]
    optimizer = lib.optim.Adam(parameters, lr=1e-3)
    x = lib.rand(128, 784)
    noise = lib.randn(128, 20)

    def step() -> Any:
        optimizer.zero_grad()
        mean, log_var = encoder(x).chunk(2, dim=1)
        z = mean + noise * (0.5 * log_var).exp()
        fit = F.binary_cross_entropy(decoder(z), x, reduction="sum")
        loss = fit - 0.5 * (1 + log_var - mean.pow(2) - log_var.exp()).sum()
        loss.backward()
        optimizer.step()
        return loss

    return step


def mlp_medium(lib: Any) -> Step:
    """784-256-128-10 on 64 images: the usual first network for MNIST."""
    lib.manual_seed(0)
    model = mlp(lib, 784, 256, 128, 10)
    x, y = lib.rand(64, 784), lib.randint(0, 10, (64,))
    return training(lib, model, lib.nn.CrossEntropyLoss(), x, y, 0.05)


def mlp_wide(lib: Any) -> Step:
    """1024-2048-2048-10 on 128 samples: matrix products are nearly all of it."""
    lib.manual_seed(0)
    model = mlp(lib, 1024, 2048, 2048, 10)
    x, y = lib.rand(128, 1024), lib.randint(0, 10, (128,))
    return training(lib, model, lib.nn.CrossEntropyLoss(), x, y, 0.01)


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
    return training(lib, model, nn.CrossEntropyLoss(), x, y, 0.05)


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
    return training(lib, model, nn.CrossEntropyLoss(), x, y, 0.05)


def cifar_small(lib: Any) -> Step:
    """Four convolutions of 32, 32, 64 and 64 channels on 64 images of 3 × 32 × 32."""
    lib.manual_seed(0)
    nn = lib.nn
    model = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
        nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(4096, 10),
    )  # fmt: skip
    x, y = lib.rand(64, 3, 32, 32), lib.randint(0, 10, (64,))
    return training(lib, model, nn.CrossEntropyLoss(), x, y, 0.01)


def resnet(lib: Any) -> Step:
    """A small ResNet with batch norm: three stages of one block, on 32 images of 3 × 32 × 32."""
    lib.manual_seed(0)
    nn = lib.nn

    class Block(nn.Module):  # type: ignore[misc] # of either library
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
            self.norm1 = nn.BatchNorm2d(outputs)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
            self.norm2 = nn.BatchNorm2d(outputs)
            self.relu, self.short = nn.ReLU(), nn.Identity()
            if stride > 1 or inputs != outputs:
                self.short = nn.Sequential(
                    nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
                )

        def forward(self, x: Any) -> Any:
            y = self.relu(self.norm1(self.conv1(x)))
            return self.relu(self.norm2(self.conv2(y)) + self.short(x))

    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip
    x, y = lib.rand(32, 3, 32, 32), lib.randint(0, 10, (32,))
    return training(lib, model, nn.CrossEntropyLoss(), x, y, 0.01)


def _inference(lib: Any, model: Any, x: Any) -> Step:
    model.eval()

    def step() -> Any:
        with lib.no_grad():
            return model(x)[0, 0]

    return step


def infer_mlp(lib: Any) -> Step:
    """The outputs of 784-128-64-10 for one image."""
    lib.manual_seed(0)
    return _inference(lib, mlp(lib, 784, 128, 64, 10, activation="ReLU"), lib.rand(1, 784))


def infer_cnn(lib: Any) -> Step:
    """The outputs of a small CNN for 16 images of 3 × 32 × 32."""
    lib.manual_seed(0)
    nn = lib.nn
    model = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(4096, 10),
    )  # fmt: skip
    return _inference(lib, model, lib.rand(16, 3, 32, 32))
