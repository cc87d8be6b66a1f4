"""Sound programs of many kinds: no alarm. Notes are allowed, and every check can be made."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlframe as dl
import dlframe.nn.functional as F
from dlframe import nn, optim, training
from dlframe.data import DataLoader, TensorDataset, WeightedRandomSampler, transforms
from dlframe.data.datasets import CIFAR10, MNIST
from dlframe.models import cnn

Parts = tuple[nn.Module, Any, Any, optim.Optimizer | None, dict[str, Any]]
PROGRAMS: dict[str, Callable[[], Parts]] = {}


def program(make: Callable[[], Parts]) -> Callable[[], Parts]:
    PROGRAMS[make.__name__] = make
    return make


def adam(model: nn.Module, lr: float = 1e-3) -> optim.Optimizer:
    return optim.Adam([p for p in model.parameters() if p.requires_grad], lr=lr)


def classes_of(x: dl.Tensor, classes: int) -> dl.Tensor:
    """Labels that follow from the inputs, with some noise."""
    scores = x.reshape(len(x), -1) @ dl.randn(x[0].numel(), classes)
    return (scores + 0.3 * dl.randn(len(x), classes)).argmax(1)


def split(x, y, at):
    return (x[:at], y[:at]), {"val": (x[at:], y[at:])}


@program
def mlp():
    x = dl.randn(400, 10)
    train, more = split(x, classes_of(x, 3), 320)
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 3))
    return model, nn.CrossEntropyLoss(), train, adam(model), more


@program
def deep_relu_network():
    x = dl.randn(256, 10)
    layers = [nn.Linear(10, 64), nn.ReLU()]
    for _ in range(4):
        layers += [nn.Linear(64, 64), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(64, 3))
    for module in model:
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    with dl.no_grad():
        model[-1].weight.mul_(0.1)
    return model, nn.CrossEntropyLoss(), (x, classes_of(x, 3)), adam(model), {}


@program
def cnn_with_batch_norm():
    x = dl.randn(160, 3, 8, 8)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 4),
    )
    train, more = split(x, classes_of(x, 4), 128)
    return model, nn.CrossEntropyLoss(label_smoothing=0.1), train, adam(model, 3e-3), more


@program
def bytes_divided_in_the_model():
    x = dl.randint(0, 256, (128, 1, 8, 8)).to(dl.uint8)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.out = nn.Conv2d(1, 4, 3), nn.Linear(144, 2)

        def forward(self, x):
            x = x.float() / 127.5 - 1
            return self.out(self.conv(x).relu().flatten(1))

    model = Net()
    return (
        model,
        nn.CrossEntropyLoss(),
        (x, (x.float().mean((1, 2, 3)) > 127).long()),
        adam(model),
        {},
    )


@program
def batch_norm_first_takes_any_scale():
    x = 50 + 100 * dl.randn(256, 5)
    model = nn.Sequential(nn.BatchNorm1d(5), nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 2))
    return model, nn.CrossEntropyLoss(), (x, (x[:, 0] > 50).long()), adam(model), {}


@program
def residual_network_with_zero_init():
    x = dl.randn(200, 16)

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(16, 32), nn.Linear(32, 16)
            nn.init.zeros_(self.b.weight)
            nn.init.zeros_(self.b.bias)

        def forward(self, x):
            return x + self.b(self.a(x).relu())

    model = nn.Sequential(Block(), Block(), nn.LayerNorm(16), nn.Linear(16, 4))
    nn.init.zeros_(model[-1].weight)
    return model, nn.CrossEntropyLoss(), (x, classes_of(x, 4)), adam(model), {}


class Last(nn.Module):
    """The last step of a recurrent layer, and a linear one."""

    def __init__(self, rnn: nn.Module, size: int, classes: int):
        super().__init__()
        self.rnn, self.out = rnn, nn.Linear(size, classes)

    def forward(self, x):
        return self.out(self.rnn(x)[0][:, -1])


@program
def lstm():
    x = dl.randn(192, 12, 4)
    model = Last(nn.LSTM(4, 24, batch_first=True), 24, 2)
    y = (x[:, -3:, 0].sum(1) > 0).long()
    return model, nn.CrossEntropyLoss(), (x, y), adam(model, 5e-3), {}


@program
def gru_of_two_layers_for_regression():
    x = dl.randn(192, 10, 3)
    model = Last(nn.GRU(3, 16, num_layers=2, batch_first=True), 16, 1)
    return model, nn.MSELoss(), (x, x[:, -1, :1] + x[:, -2, 1:2]), adam(model, 5e-3), {}


class GPT(nn.Module):
    """A small causal transformer; the embedding is the last layer's weight, too."""

    def __init__(self, vocabulary: int, length: int, size: int = 32, *, tie: bool = True):
        super().__init__()
        self.token, self.place = nn.Embedding(vocabulary, size), nn.Embedding(length, size)
        nn.init.normal_(self.token.weight, std=0.02)
        nn.init.normal_(self.place.weight, std=0.02)
        layer = nn.TransformerEncoderLayer(
            size, 4, 64, dropout=0.1, batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(
            layer, 2, norm=nn.LayerNorm(size), enable_nested_tensor=False
        )
        self.head = nn.Linear(size, vocabulary, bias=False)
        if tie:
            self.head.weight = self.token.weight

    def forward(self, tokens):
        length = tokens.shape[1]
        x = self.token(tokens) + self.place(dl.arange(length))
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        return self.head(self.blocks(x, mask=mask, is_causal=True))


@program
def gpt_with_tied_weights():
    text = "the quick brown fox jumps over the lazy dog. " * 40
    letters = sorted(set(text))
    codes = dl.tensor([letters.index(letter) for letter in text])
    starts = dl.randint(0, len(codes) - 17, (200,)).tolist()
    x = dl.stack([codes[i : i + 16] for i in starts])
    y = dl.stack([codes[i + 1 : i + 17] for i in starts])
    model = GPT(len(letters), 16)

    def loss(out, y):
        return F.cross_entropy(out.reshape(-1, len(letters)), y.reshape(-1))

    return model, loss, (x, y), optim.AdamW(model.parameters(), lr=3e-3), {}


@program
def transformer_for_sentences():
    x = dl.randint(0, 20, (192, 9))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(20, 16)
            layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
            self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
            self.out = nn.Linear(16, 2)

        def forward(self, x):
            return self.out(self.encoder(self.embed(x)).mean(1))

    model = Net()
    return model, nn.CrossEntropyLoss(), (x, (x == 3).any(1).long()), adam(model), {}


@program
def bag_of_words():
    x = dl.randint(0, 50, (256, 6))
    model = nn.Sequential(nn.EmbeddingBag(50, 16, mode="mean"), nn.Linear(16, 2))
    y = (x.float().mean(1) > 25).long()
    return model, nn.CrossEntropyLoss(), (x, y), optim.SGD(model.parameters(), lr=0.5), {}


@program
def autoencoder():
    x = dl.randn(256, 12) @ dl.randn(12, 12) / math.sqrt(12)
    model = nn.Sequential(nn.Linear(12, 4), nn.Tanh(), nn.Linear(4, 12))

    def itself(batch):
        return [batch[0]], batch[0]

    return model, nn.MSELoss(), TensorDataset(x), adam(model), {"split": itself}


@program
def variational_autoencoder():
    class VAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.encode, self.decode = nn.Linear(12, 6), nn.Linear(3, 12)

        def forward(self, x):
            mean, log_variance = self.encode(x).chunk(2, dim=1)
            z = mean + (0.5 * log_variance).exp() * dl.randn(*mean.shape)
            return self.decode(z), mean, log_variance

    def loss(output, x):
        made, mean, log_variance = output
        divergence = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(1).mean()
        return F.mse_loss(made, x, reduction="sum") / len(x) + divergence

    x = dl.randn(256, 3) @ dl.randn(3, 12)
    x = x / x.std()
    model = VAE()
    return (
        model,
        loss,
        TensorDataset(x),
        adam(model),
        {"split": lambda batch: ([batch[0]], batch[0])},
    )


@program
def regression():
    x = dl.linspace(-2, 2, 256).reshape(256, 1)
    model = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))
    return model, nn.MSELoss(), (x, (2 * x).sin()), optim.SGD(model.parameters(), lr=0.05), {}


@program
def line_by_full_batches_in_order():
    x = dl.linspace(-1, 1, 64).reshape(64, 1)
    model = nn.Linear(1, 1)
    loader = DataLoader(TensorDataset(x, 2 * x + 1), batch_size=64)
    return model, nn.L1Loss(), loader, optim.SGD(model.parameters(), lr=0.1), {}


@program
def binary_with_logits():
    x = dl.randn(300, 6)
    y = (x[:, :1] - x[:, 1:2] > 0).float()
    model = nn.Sequential(nn.Linear(6, 16), nn.GELU(), nn.Linear(16, 1))
    train, more = split(x, y, 240)
    return model, nn.BCEWithLogitsLoss(), train, adam(model), more


@program
def binary_with_probabilities():
    x = dl.randn(300, 6)
    y = (x[:, :1] > 0).float()
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1), nn.Sigmoid())
    return model, nn.BCELoss(), (x, y), adam(model), {}


@program
def log_softmax_with_nll():
    x = dl.randn(300, 6)
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3), nn.LogSoftmax(dim=1))
    return model, nn.NLLLoss(), (x, classes_of(x, 3)), adam(model), {}


@program
def several_labels():
    x = dl.randn(300, 10)
    y = (x @ dl.randn(10, 5) > 1).float()
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 5))
    return model, nn.BCEWithLogitsLoss(), (x, y), adam(model), {}


@program
def unbalanced_on_purpose():
    x = dl.randn(600, 6)
    y = (x[:, 0] > 1.5).long()
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))
    weight = dl.tensor([1.0, 14.0])
    train, more = split(x, y, 480)
    return model, nn.CrossEntropyLoss(weight=weight), train, adam(model), more


@program
def rare_classes_drawn_more_often():
    x = dl.randn(600, 6)
    y = (x[:, 0] > 1.5).long()
    weights = dl.where(y == 1, 14.0, 1.0).tolist()
    loader = DataLoader(
        TensorDataset(x, y), batch_size=32, sampler=WeightedRandomSampler(weights, 600)
    )
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))
    return model, nn.CrossEntropyLoss(), loader, adam(model), {}


@program
def fine_tuning_with_frozen_layers():
    x = dl.randn(256, 10)
    body = nn.Sequential(nn.Linear(10, 32), nn.BatchNorm1d(32), nn.ReLU())
    body.requires_grad_(False)
    body.eval()
    model = nn.Sequential(body, nn.Linear(32, 3))
    return model, nn.CrossEntropyLoss(), (x, classes_of(x, 3)), adam(model), {}


@program
def low_rank_adapter():
    x = dl.randn(256, 10)

    class Adapter(nn.Module):
        def __init__(self):
            super().__init__()
            self.base = nn.Linear(10, 10).requires_grad_(False)
            self.down, self.up = nn.Linear(10, 2, bias=False), nn.Linear(2, 10, bias=False)
            nn.init.zeros_(self.up.weight)
            self.out = nn.Linear(10, 3)

        def forward(self, x):
            return self.out((self.base(x) + self.up(self.down(x))).relu())

    model = Adapter()
    return model, nn.CrossEntropyLoss(), (x, classes_of(x, 3)), adam(model), {}


@program
def discriminator_of_a_gan():
    real, noise = dl.randn(128, 2) @ dl.tensor([[1.0, 0.8], [0.0, 0.6]]), dl.randn(128, 4)
    generator = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
    judge = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
    with dl.no_grad():
        made = generator(noise)
    x, y = dl.cat([real, made]), dl.cat([dl.ones(128, 1), dl.zeros(128, 1)])
    optimizer = optim.Adam(judge.parameters(), lr=1e-3, betas=(0.5, 0.999))
    return judge, nn.BCEWithLogitsLoss(), (x, y), optimizer, {}


@program
def generator_of_a_gan():
    generator = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
    judge = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
    judge.requires_grad_(False)

    def loss(made, real):
        return F.softplus(-judge(made)).mean()

    data = (dl.randn(256, 4), dl.randn(256, 2))
    return generator, loss, data, adam(generator), {}


@program
def table_with_categories():
    numbers = dl.randn(300, 4)
    kinds = dl.randint(0, 7, (300,))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.out = nn.Embedding(7, 3), nn.Linear(7, 1)

        def forward(self, numbers, kinds):
            return self.out(dl.cat([numbers, self.embed(kinds)], dim=1)).squeeze(1)

    y = numbers[:, 0] + (kinds.float() - 3) / 2
    model = Net()
    return model, nn.MSELoss(), (numbers, kinds, y), adam(model, 1e-2), {}


@program
def segmentation():
    x = dl.randn(64, 1, 8, 8)
    y = (x[:, 0] > 0).long()
    model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 1))
    return model, nn.CrossEntropyLoss(), (x, y), adam(model, 1e-2), {}


@program
def augmented_images():
    dl.manual_seed(5)
    x = dl.randn(128, 1, 8, 8)
    y = classes_of(x, 2)

    class Images(dl.data.Dataset):
        def __init__(self, transform=None):
            self.transform = transform

        def __len__(self):
            return 128

        def __getitem__(self, i):
            image = x[i]
            return (image if self.transform is None else self.transform(image)), y[i]

    augment = transforms.RandomHorizontalFlip()
    train = dl.data.Subset(Images(augment), range(100))
    val = dl.data.Subset(Images(), range(100, 128))
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))
    return model, nn.CrossEntropyLoss(), train, adam(model), {"val": val}


@program
def stream_of_batches():
    batches = []
    for _ in range(6):
        x = dl.randn(32, 5)
        batches.append((x, (x[:, 0] > 0).long()))
    model = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 2))
    return model, nn.CrossEntropyLoss(), batches, adam(model), {}


@program
def pairs_without_targets():
    class Pairs(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 4))
            self.scale = nn.Parameter(dl.tensor(1.0))

        def forward(self, a, b):
            a, b = (F.normalize(self.body(x), dim=1) for x in (a, b))
            return a @ b.T * self.scale.exp()

    def loss(out, y):
        return F.cross_entropy(out, dl.arange(len(out)))

    x, model = dl.randn(128, 6), Pairs()
    return model, loss, (x, x + 0.1 * dl.randn(128, 6), dl.zeros(128)), adam(model, 1e-2), {}


@program
def triples():
    class Triples(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 4))

        def forward(self, *parts):
            return tuple(self.body(part) for part in parts)

    x, margin = dl.randn(128, 6), nn.TripletMarginLoss()
    data = (x, x + 0.1 * dl.randn(128, 6), dl.randn(128, 6), dl.zeros(128))
    model = Triples()
    return model, lambda out, y: margin(*out), data, adam(model), {}


@program
def time_before_batch():
    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.rnn, self.out = (
                nn.Embedding(20, 16),
                nn.LSTM(16, 32),
                nn.Linear(32, 20),
            )

        def forward(self, x):
            return self.out(self.rnn(self.embed(x))[0])

    def loss(out, y):
        return F.cross_entropy(out.reshape(-1, 20), y.reshape(-1))

    model = Words()
    words = [dl.randint(0, 20, (12, 16)) for _ in range(8)]
    return model, loss, [(x, (x + 1) % 20) for x in words], adam(model, 1e-2), {}


@program
def sequences_of_several_lengths():
    class Packed(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.out = nn.GRU(3, 16, batch_first=True), nn.Linear(16, 2)

        def forward(self, x, lengths):
            packed = nn.utils.rnn.pack_padded_sequence(
                x, lengths, batch_first=True, enforce_sorted=False
            )
            return self.out(self.rnn(packed)[1][-1])

    model, x = Packed(), dl.randn(128, 7, 3)
    data = (x, dl.randint(2, 8, (128,)), (x[:, 0, 0] > 0).long())
    return model, nn.CrossEntropyLoss(), data, adam(model, 1e-2), {}


@program
def labels_that_are_left_out():
    class Tags(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.out = nn.Embedding(11, 16), nn.Linear(16, 11)

        def forward(self, x):
            return self.out(self.embed(x)).transpose(1, 2)

    x = dl.randint(1, 11, (96, 8))
    y = (x * 3) % 11
    y[:, 5:] = -100
    model = Tags()
    return model, nn.CrossEntropyLoss(), (x, y), adam(model, 1e-2), {}


@program
def critic_of_a_wasserstein_gan():
    x = dl.randn(128, 4)
    y = (x[:, :1] > 0).float() * 2 - 1
    model = nn.Sequential(nn.Linear(4, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    return model, lambda out, y: -(out * y).mean(), (x, y), adam(model), {}


@program
def layer_with_a_backward_by_hand():
    class Square(nn.Module):
        def forward(self, x):
            self.x = x
            return x * x

        def backward(self, g):
            return 2 * self.x * g

    x = dl.randn(128, 4)
    model = nn.Sequential(nn.Linear(4, 8), Square(), nn.Linear(8, 1))
    return model, nn.MSELoss(), (x, x[:, :1] ** 2 - 1), adam(model, 1e-2), {}


@program
def weight_norm_and_lbfgs():
    x = dl.randn(200, 4)
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(4, 16))
    model = nn.Sequential(layer, nn.Tanh(), nn.Linear(16, 1))
    optimizer = optim.LBFGS(model.parameters(), lr=0.1, max_iter=3)
    return model, nn.MSELoss(), (x, x[:, :1] * x[:, 1:2]), optimizer, {"batch_size": 200}


@program
def warm_up_from_a_tiny_rate():
    x = dl.randn(256, 6)
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    optim.lr_scheduler.LinearLR(optimizer, start_factor=1e-7, total_iters=10)
    return model, nn.CrossEntropyLoss(), (x, classes_of(x, 3)), optimizer, {}


@program
def policy_gradient():
    x = dl.randn(256, 6)
    taken = dl.stack([(x[:, 0] > 0).float(), dl.randn(256)], 1)  # actions and rewards
    model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 2))

    def loss(scores, target):
        chosen = nn.functional.log_softmax(scores, 1).gather(1, target[:, :1].long())
        return -(chosen[:, 0] * target[:, 1]).mean()

    return model, loss, (x, taken), adam(model), {}


@program
def days_of_the_year():
    day = dl.randint(0, 100, (800,)).float() * (2 * np.pi / 100)
    x = dl.stack([day.sin(), day.cos(), (2 * day).sin(), (2 * day).cos()], 1)
    train, more = split(x, classes_of(x, 2), 600)
    model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
    return model, nn.CrossEntropyLoss(), train, adam(model), more


@pytest.mark.parametrize("name", list(PROGRAMS))
def test_no_alarm(name: str, seed: int) -> None:
    dl.manual_seed(seed)
    model, loss, data, optimizer, more = PROGRAMS[name]()
    report = training.check(model, loss, data, optimizer, **more)
    assert report.ok, f"{report}"
    assert bool(report)
    assert report.left_out == {}, f"{report}"
    assert max(map(len, str(report).splitlines())) <= 80


# losses that may be negative, or whose targets are no answers


def numbers(columns: int = 1) -> tuple[dl.Tensor, dl.Tensor]:
    x = dl.randn(256, 6)
    return x, (x @ dl.randn(6, columns)) / 3


def small(outputs: int, *last: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, outputs), *last)


@program
def gaussian_likelihood_of_a_mean_and_a_deviation():
    x, y = numbers()

    def loss(out, y):
        return (((out[:, :1] - y) / out[:, 1:].exp()) ** 2 / 2 + out[:, 1:]).mean() - 1

    model = small(2)
    return model, loss, (x, y), adam(model), {}


@program
def gaussian_likelihood_with_the_shape_of_its_targets():
    x, y = numbers()

    def loss(out, y):
        return 50 * ((out - y) ** 2).mean() - math.log(10)

    model = small(1)
    return model, loss, (x, y), adam(model), {}


@program
def exponential_likelihood_of_a_log_rate():
    """The larger the target, the smaller the output."""
    x, y = numbers()
    model = small(1)
    times = dl.rand(256, 1) * (2 * y).exp()
    return model, lambda out, t: (out.exp() * t - out).mean(), (x, times), adam(model), {}


@program
def poisson_counts():
    x, y = numbers()
    model = small(1)
    return model, nn.PoissonNLLLoss(), (x, dl.poisson((y + 1).exp())), adam(model), {}


@program
def negative_cosine_similarity():
    x, y = numbers(5)
    model = small(5)
    return model, lambda out, y: -F.cosine_similarity(out, y).mean(), (x, y), adam(model), {}


@program
def negative_dice():
    x, y = numbers(5)
    model = small(5, nn.Sigmoid())

    def loss(out, y):
        return -(2 * (out * y).sum() / (out.sum() + y.sum() + 1e-6))

    return model, loss, (x, (y > 0).float()), adam(model), {}


@program
def distances_of_pairs():
    """With the target -1 a distance is to be large."""
    x, y = numbers()
    model = small(1, nn.Softplus())
    return model, nn.HingeEmbeddingLoss(), (x, (y > 0).float() * 2 - 1), adam(model), {}


@program
def a_critic_of_labels():
    x, y = numbers()
    model = small(1)
    return model, lambda out, y: -(out * y).mean(), (x, (y > 0).float() * 2 - 1), adam(model), {}


@program
def cross_entropy_with_a_reward_for_entropy():
    x, y = numbers(4)

    def loss(out, y):
        p = out.softmax(1)
        return F.cross_entropy(out, y) + 0.1 * (p * p.log()).sum(1).mean() - 2

    model = small(4)
    return model, loss, (x, y.argmax(1)), adam(model), {}


def test_there_are_many() -> None:
    assert len(PROGRAMS) >= 30


# --- real data ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_mnist(real_data: Path) -> None:
    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]
    )
    train, test = (
        MNIST(real_data / "mnist", train=is_train, transform=transform)
        for is_train in (True, False)
    )
    dl.manual_seed(0)
    model = cnn(channels=1, size=28, classes=10, width=4)
    report = training.check(
        model,
        nn.CrossEntropyLoss(),
        DataLoader(train, batch_size=64, shuffle=True),
        adam(model),
        test=test,
        samples=2000,
    )
    assert report.ok, f"{report}"
    assert report.looked_at["training samples"] == "2,000 of 60,000"


@pytest.mark.slow
def test_mnist_whose_test_data_are_training_data(real_data: Path) -> None:
    train = MNIST(real_data / "mnist", train=True)
    pixels, labels = train.data.float().reshape(-1, 784) / 255, train.targets
    model = nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))
    report = training.check(
        model,
        nn.CrossEntropyLoss(),
        (pixels[:4000], labels[:4000]),
        val=(pixels[3000:5000], labels[3000:5000]),
        only=["leaks"],
    )
    assert [one.number for one in report.warnings] == [0.5]


@pytest.mark.slow
def test_cifar10_as_bytes_and_in_order(real_data: Path) -> None:
    dl.manual_seed(0)
    train = CIFAR10(real_data / "cifar10", train=True)
    x, y = np.moveaxis(train.data[:2000], -1, 1), np.asarray(train.targets)[:2000]
    order = np.argsort(y, kind="stable")
    data = TensorDataset(dl.tensor(x[order].astype(np.float32)), dl.tensor(y[order]))
    model = cnn(channels=3, size=32, classes=10, width=4)
    loader = DataLoader(data, batch_size=50)
    report = training.check(model, nn.CrossEntropyLoss(), loader, adam(model), skip=["one-batch"])
    names = {one.check for one in report.warnings}
    assert {"shuffled", "bytes-unscaled"} <= names, f"{report}"
