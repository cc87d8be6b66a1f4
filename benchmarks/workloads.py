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


def _training(
    lib: Any, model: Any, loss_function: Any, x: Any, y: Any, lr: float, optimizer: str = "SGD"
) -> Step:
    chosen = getattr(lib.optim, optimizer)(model.parameters(), lr=lr)

    def step() -> Any:
        chosen.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        chosen.step()
        return loss

    return step


def _mlp(lib: Any, *sizes: int, activation: str = "Tanh") -> Any:
    nn = lib.nn
    layers: list[Any] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), getattr(nn, activation)()]
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
    return _training(lib, model, lib.nn.MSELoss(), x, y, 1e-3, "Adam")


def mlp_digits(lib: Any) -> Step:
    """784-128-64-10 with ReLU and Adam on 64 images."""
    lib.manual_seed(0)
    model = _mlp(lib, 784, 128, 64, 10, activation="ReLU")
    x, y = lib.rand(64, 784), lib.randint(0, 10, (64,))
    return _training(lib, model, lib.nn.CrossEntropyLoss(), x, y, 1e-3, "Adam")


def mlp_gelu(lib: Any) -> Step:
    """784-1024-1024-10 with GELU and AdamW on 256 images."""
    lib.manual_seed(0)
    model = _mlp(lib, 784, 1024, 1024, 10, activation="GELU")
    x, y = lib.rand(256, 784), lib.randint(0, 10, (256,))
    return _training(lib, model, lib.nn.CrossEntropyLoss(), x, y, 1e-3, "AdamW")


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
    return _training(lib, model, nn.CrossEntropyLoss(), x, y, 0.01)


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
    return _training(lib, model, nn.CrossEntropyLoss(), x, y, 0.01)


def _inference(lib: Any, model: Any, x: Any) -> Step:
    model.eval()

    def step() -> Any:
        with lib.no_grad():
            return model(x)[0, 0]

    return step


def infer_mlp(lib: Any) -> Step:
    """The outputs of 784-128-64-10 for one image."""
    lib.manual_seed(0)
    return _inference(lib, _mlp(lib, 784, 128, 64, 10, activation="ReLU"), lib.rand(1, 784))


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


def loader(lib: Any) -> Step:
    """An epoch of a shuffled loader: 8192 samples of 3 × 32 × 32 in memory, batches of 64."""
    lib.manual_seed(0)
    data = lib.utils.data if hasattr(lib.utils, "data") else lib.data
    x, y = lib.rand(8192, 3, 32, 32), lib.randint(0, 10, (8192,))
    batches = data.DataLoader(data.TensorDataset(x, y), batch_size=64, shuffle=True)

    def step() -> Any:
        for images, _ in batches:
            last = images
        return last[0, 0, 0, 0]

    return step


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


def _gpt(lib: Any, layers: int, width: int, heads: int, by_hand: bool = False) -> Step:
    """A step of a language model of 65 letters as programs write it: batch 12, length 64."""
    lib.manual_seed(0)
    nn, F = lib.nn, lib.nn.functional
    batch, length, letters = 12, 64, 65

    class Attention(nn.Module):  # type: ignore[misc] # of either library
        def __init__(self) -> None:
            super().__init__()
            self.project, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.register_buffer("later", lib.ones(length, length, dtype=lib.bool).triu(1))

        def forward(self, x: Any) -> Any:
            b, t, c = x.shape
            parts = self.project(x).split(c, dim=2)
            q, k, v = (part.view(b, t, heads, c // heads).transpose(1, 2) for part in parts)
            if by_hand:
                scores = (q @ k.transpose(-2, -1)) * (c // heads) ** -0.5
                y = scores.masked_fill(self.later, float("-inf")).softmax(dim=-1) @ v
            else:
                y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.out(y.transpose(1, 2).contiguous().view(b, t, c))

    class Block(nn.Module):  # type: ignore[misc] # of either library
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.attention = nn.LayerNorm(width), Attention()
            self.norm2, self.network = nn.LayerNorm(width), nn.Sequential(
                nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
            )  # fmt: skip

        def forward(self, x: Any) -> Any:
            x = x + self.attention(self.norm1(x))
            return x + self.network(self.norm2(x))

    class Model(nn.Module):  # type: ignore[misc] # of either library
        def __init__(self) -> None:
            super().__init__()
            self.letter, self.place = nn.Embedding(letters, width), nn.Embedding(length, width)
            self.blocks = nn.Sequential(*[Block() for _ in range(layers)])
            self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, letters)

        def forward(self, x: Any) -> Any:
            x = self.letter(x) + self.place(lib.arange(x.shape[1]))
            return self.head(self.norm(self.blocks(x)))

    model = Model()
    optimizer = lib.optim.AdamW(model.parameters(), lr=1e-3)
    text = lib.randint(0, letters, (batch, length + 1))
    x, y = text[:, :-1], text[:, 1:]

    def step() -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x).view(-1, letters), y.reshape(-1))
        loss.backward()
        optimizer.step()
        return loss

    return step


def gpt_small(lib: Any) -> Step:
    """A GPT of 3 layers of 48 with 3 heads: forward, backward and AdamW."""
    return _gpt(lib, 3, 48, 3)


def gpt(lib: Any) -> Step:
    """A GPT of 4 layers of 128 with 4 heads."""
    return _gpt(lib, 4, 128, 4)


def gpt_by_hand(lib: Any) -> Step:
    """The same with masked_fill and softmax in place of scaled_dot_product_attention."""
    return _gpt(lib, 4, 128, 4, by_hand=True)


def encoder_layer(lib: Any) -> Step:
    """`TransformerEncoderLayer(128, 4)` on 12 sequences of 64, with dropout."""
    lib.manual_seed(0)
    layer = lib.nn.TransformerEncoderLayer(128, 4, batch_first=True)
    x, y = lib.randn(12, 64, 128), lib.randn(12, 64, 128)
    return _training(lib, layer, lib.nn.MSELoss(), x, y, 0.01)


def _layer(lib: Any, layer: Any, *shape: int) -> Step:
    """Forward and backward of one layer, with the gradient of its input."""
    x = lib.randn(*shape, requires_grad=True)

    def step() -> Any:
        loss = layer(x).square().mean()
        layer.zero_grad()
        x.grad = None
        loss.backward()
        return loss

    return step


def layer_norm(lib: Any) -> Step:
    """LayerNorm of 64 sequences of 128 with 512 features."""
    lib.manual_seed(0)
    return _layer(lib, lib.nn.LayerNorm(512), 64, 128, 512)


def group_norm(lib: Any) -> Step:
    """GroupNorm of 8 groups on 16 pictures of 64 × 32 × 32."""
    lib.manual_seed(0)
    return _layer(lib, lib.nn.GroupNorm(8, 64), 16, 64, 32, 32)


def conv1d(lib: Any) -> Step:
    """Conv1d 32 → 64, kernel 5, on 16 sequences of 256."""
    lib.manual_seed(0)
    return _layer(lib, lib.nn.Conv1d(32, 64, 5, padding=2), 16, 32, 256)


def conv_transpose2d(lib: Any) -> Step:
    """ConvTranspose2d 32 → 16, kernel 4, stride 2, on 16 pictures of 16 × 16."""
    lib.manual_seed(0)
    layer = lib.nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1)
    return _layer(lib, layer, 16, 32, 16, 16)


def upsample_bilinear(lib: Any) -> Step:
    """Bilinear upsampling to twice the size of 16 pictures of 16 × 32 × 32."""
    lib.manual_seed(0)
    return _layer(lib, lib.nn.Upsample(scale_factor=2, mode="bilinear"), 16, 16, 32, 32)


class _Probe:
    """Stands for a loss where there is none: the first number of a parameter, read when asked."""

    def __init__(self, p: Any) -> None:
        self._p = p

    def item(self) -> float:
        return float(self._p.detach().reshape(-1)[0])


def _optimizer_steps(name: str, options: dict[str, Any], shapes: list[tuple[int, ...]]) -> Any:
    """A workload: steps of one optimizer with given gradients, nothing else."""

    def workload(lib: Any) -> Step:
        lib.manual_seed(0)
        params = [lib.nn.Parameter(lib.randn(*shape)) for shape in shapes]
        for p in params:
            p.grad = lib.randn(*p.shape)
        optimizer, probe = getattr(lib.optim, name)(params, **options), _Probe(params[-1])

        def step() -> Any:
            optimizer.step()
            return probe

        return step

    return workload


_SMALL_NETWORK = [(25, 2), (25,), (25, 25), (25,), (25, 25), (25,), (2, 25), (2,)]
_SIZES: dict[str, list[tuple[int, ...]]] = {
    "5m_in_1": [(5_000_000,)],
    "5m_in_200": [(250, 100)] * 200,
    "8_small": _SMALL_NETWORK,
    "40_small": _SMALL_NETWORK * 5,
}
_OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd_momentum": ("SGD", {"lr": 1e-4, "momentum": 0.9}),
    "adam": ("Adam", {"lr": 1e-4}),
    "adamw": ("AdamW", {"lr": 1e-4}),
    "rmsprop": ("RMSprop", {"lr": 1e-4}),
}
# PyTorch has two implementations for a CPU: a loop over the parameters, its default here, and
# foreach. dlframe has one, and the option has no effect.
OPTIMIZERS = {
    f"{key}_{size}{'_foreach' if foreach else ''}": _optimizer_steps(
        name, {**options, "foreach": foreach}, shapes
    )
    for key, (name, options) in _OPTIMIZERS.items()
    for size, shapes in _SIZES.items()
    for foreach in (None, True)
}

_ALL = (
    op_chain,
    mlp_small,
    mlp_small_adam,
    mlp_digits,
    mlp_medium,
    mlp_gelu,
    mlp_wide,
    vae,
    lenet,
    cifar_cnn,
    cifar_small,
    resnet,
    infer_mlp,
    infer_cnn,
    loader,
    rnn,
    lstm,
    gru,
    lstm_deep,
    gpt_small,
    gpt,
    gpt_by_hand,
    encoder_layer,
    layer_norm,
    group_norm,
    conv1d,
    conv_transpose2d,
    upsample_bilinear,
)
WORKLOADS = {function.__name__: function for function in _ALL}
GROUPS = {"models": list(WORKLOADS), "optimizers": list(OPTIMIZERS)}
WORKLOADS |= OPTIMIZERS
