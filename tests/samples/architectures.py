"""Whole networks as people write them for PyTorch, each with a batch and a loss.

A function `name(lib)` gives the model and `batch(step)`, the arguments of `loss(model, batch)`. `lib` is dlframe
or torch. tests/nn/test_architectures.py compares ten steps of training with recorded losses,
tests/oracle/test_architectures.py all outputs, gradients and parameters with PyTorch itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class Network:
    """A model, its batches, and its loss."""

    model: Any
    batch: Callable[[int], tuple[Any, ...]]
    loss: Callable[[Any, tuple[Any, ...]], Any]


def rng(step: int) -> np.random.Generator:
    return np.random.default_rng(100 + step)


def floats(lib: Any, step: int, *shape: int) -> Any:
    return lib.tensor(rng(step).normal(size=shape)).to(lib.get_default_dtype())


def ints(lib: Any, step: int, high: int, *shape: int) -> Any:
    return lib.tensor(rng(step + 50).integers(0, high, shape))


# --- images ------------------------------------------------------------------------------------


def resnet18(lib: Any, width: int = 8) -> Network:
    """He et al. 2015: four stages of two blocks, with 1 × 1 convolutions where the size changes."""
    nn, F = lib.nn, lib.nn.functional

    class BasicBlock(nn.Module):
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(outputs)
            self.relu = nn.ReLU(inplace=True)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(outputs)
            self.downsample = None
            if stride != 1 or inputs != outputs:
                self.downsample = nn.Sequential(
                    nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False),
                    nn.BatchNorm2d(outputs),
                )

        def forward(self, x: Any) -> Any:
            identity = x if self.downsample is None else self.downsample(x)
            out = self.relu(self.bn1(self.conv1(x)))
            out = self.bn2(self.conv2(out))
            out += identity
            return self.relu(out)

    class ResNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.relu = nn.ReLU(inplace=True)
            self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
            sizes = [width, width, 2 * width, 4 * width, 8 * width]
            for i in range(4):
                stride = 1 if i == 0 else 2
                blocks = (
                    BasicBlock(sizes[i], sizes[i + 1], stride),
                    BasicBlock(sizes[i + 1], sizes[i + 1], 1),
                )
                setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
            self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
            self.fc = nn.Linear(8 * width, 10)
            for m in self.modules():
                if isinstance(m, nn.Conv2d):
                    nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
                elif isinstance(m, nn.BatchNorm2d):
                    nn.init.constant_(m.weight, 1)
                    nn.init.constant_(m.bias, 0)

        def forward(self, x: Any) -> Any:
            x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
            x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
            return self.fc(lib.flatten(self.avgpool(x), 1))

    return Network(
        ResNet(),
        lambda step: (floats(lib, step, 4, 3, 64, 64), ints(lib, step, 10, 4)),
        lambda model, batch: F.cross_entropy(model(batch[0]), batch[1]),
    )


def unet(lib: Any, width: int = 4) -> Network:
    """Ronneberger et al. 2015, with transposed convolutions and skipped connections of odd sizes."""
    nn, F = lib.nn, lib.nn.functional

    def double(inputs: int, outputs: int) -> Any:
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1), nn.GroupNorm(2, outputs), nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1), nn.GroupNorm(2, outputs), nn.ReLU(),
        )  # fmt: skip

    class UNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            sizes = [width, 2 * width, 4 * width]
            self.down = nn.ModuleList(
                [double(i, o) for i, o in zip([1, *sizes], sizes, strict=False)]
            )
            self.middle = double(sizes[-1], 8 * width)
            self.up = nn.ModuleList(
                [nn.ConvTranspose2d(2 * n, n, 2, stride=2) for n in sizes[::-1]]
            )
            self.merge = nn.ModuleList([double(2 * n, n) for n in sizes[::-1]])
            self.head = nn.Conv2d(width, 2, 1)

        def forward(self, x: Any) -> Any:
            skips = []
            for block in self.down:
                x = block(x)
                skips.append(x)
                x = F.max_pool2d(x, 2)
            x = self.middle(x)
            for up, merge in zip(self.up, self.merge, strict=True):
                skip = skips.pop()
                x = up(x)
                x = F.interpolate(x, size=skip.shape[2:], mode="bilinear", align_corners=False)
                x = merge(lib.cat([skip, x], dim=1))
            return self.head(x)

    return Network(
        UNet(),
        lambda step: (floats(lib, step, 2, 1, 22, 19), ints(lib, step, 2, 2, 22, 19)),
        lambda model, batch: F.cross_entropy(model(batch[0]), batch[1]),
    )


def vit(lib: Any, width: int = 16) -> Network:
    """Dosovitskiy et al. 2021: patches as words."""
    nn, F = lib.nn, lib.nn.functional

    class ViT(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv2d(3, width, 4, stride=4)
            self.token = nn.Parameter(lib.zeros(1, 1, width))
            self.position = nn.Parameter(lib.randn(1, 17, width) * 0.02)
            layer = nn.TransformerEncoderLayer(
                width,
                4,
                2 * width,
                dropout=0.1,
                activation="gelu",
                batch_first=True,
                norm_first=True,
            )
            self.encoder = nn.TransformerEncoder(
                layer, 2, norm=nn.LayerNorm(width), enable_nested_tensor=False
            )
            self.head = nn.Linear(width, 5)

        def forward(self, x: Any) -> Any:
            x = self.patches(x).flatten(2).transpose(1, 2)
            x = lib.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1) + self.position
            return self.head(self.encoder(x)[:, 0])

    return Network(
        ViT(),
        lambda step: (floats(lib, step, 3, 3, 16, 16), ints(lib, step, 5, 3)),
        lambda model, batch: F.cross_entropy(model(batch[0]), batch[1], label_smoothing=0.1),
    )


def dcgan(lib: Any, width: int = 4) -> Network:
    """Radford et al. 2016: a generator by transposed convolutions against a critic; both losses are added here."""
    nn, F = lib.nn, lib.nn.functional

    class GAN(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.generator = nn.Sequential(
                nn.ConvTranspose2d(6, 4 * width, 4, 1, 0, bias=False), nn.BatchNorm2d(4 * width), nn.ReLU(True),
                nn.ConvTranspose2d(4 * width, 2 * width, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * width), nn.ReLU(True),
                nn.ConvTranspose2d(2 * width, 3, 4, 2, 1, bias=False), nn.Tanh(),
            )  # fmt: skip
            self.critic = nn.Sequential(
                nn.Conv2d(3, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True),
                nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * width), nn.LeakyReLU(0.2, inplace=True),
                nn.Conv2d(2 * width, 1, 4, 1, 0, bias=False), nn.Flatten(0),
            )  # fmt: skip
            self.apply(self.start)

        def start(self, m: Any) -> None:
            name = m.__class__.__name__
            if name.find("Conv") != -1:
                nn.init.normal_(m.weight.data, 0.0, 0.02)
            elif name.find("BatchNorm") != -1:
                nn.init.normal_(m.weight.data, 1.0, 0.02)
                nn.init.constant_(m.bias.data, 0)

    def loss(model: Any, batch: tuple[Any, ...]) -> Any:
        real, noise = batch
        fake = model.generator(noise)
        judged = [model.critic(real), model.critic(fake.detach()), model.critic(fake)]
        wanted = [1.0, 0.0, 1.0]
        terms = [
            F.binary_cross_entropy_with_logits(x, lib.full_like(x, t))
            for x, t in zip(judged, wanted, strict=True)
        ]
        return terms[0] + terms[1] + terms[2]

    return Network(
        GAN(),
        lambda step: (lib.tanh(floats(lib, step, 4, 3, 16, 16)), floats(lib, step + 9, 4, 6, 1, 1)),
        loss,
    )


def vae(lib: Any, width: int = 24) -> Network:
    """Kingma & Welling 2014, with the library's own random numbers."""
    nn, F = lib.nn, lib.nn.functional

    class VAE(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc1, self.fc21, self.fc22 = (
                nn.Linear(36, width),
                nn.Linear(width, 3),
                nn.Linear(width, 3),
            )
            self.fc3, self.fc4 = nn.Linear(3, width), nn.Linear(width, 36)

        def forward(self, x: Any) -> Any:
            hidden = F.relu(self.fc1(x.view(-1, 36)))
            mu, logvar = self.fc21(hidden), self.fc22(hidden)
            std = lib.exp(0.5 * logvar)
            z = mu + lib.randn_like(std) * std
            return lib.sigmoid(self.fc4(F.relu(self.fc3(z)))), mu, logvar

    def loss(model: Any, batch: tuple[Any, ...]) -> Any:
        out, mu, logvar = model(batch[0])
        bce = F.binary_cross_entropy(out, batch[0].view(-1, 36), reduction="sum")
        kld = -0.5 * lib.sum(1 + logvar - mu.pow(2) - logvar.exp())
        return (bce + kld) / len(batch[0])

    return Network(VAE(), lambda step: (lib.sigmoid(floats(lib, step, 5, 1, 6, 6)),), loss)


# --- sequences ---------------------------------------------------------------------------------

LENGTHS = (7, 3, 5, 1)


def tagger(lib: Any, width: int = 6) -> Network:
    """Two layers of a bidirectional LSTM over packed sequences of several lengths."""
    nn, F = lib.nn, lib.nn.functional

    class Tagger(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(20, width, padding_idx=0)
            self.lstm = nn.LSTM(
                width, width, num_layers=2, batch_first=True, bidirectional=True, dropout=0.2
            )
            self.out = nn.Linear(4 * width, 3)

        def forward(self, words: Any, lengths: Any) -> Any:
            packed = nn.utils.rnn.pack_padded_sequence(
                self.embedding(words), lengths, batch_first=True, enforce_sorted=False
            )
            outputs, (hidden, _) = self.lstm(packed)
            padded, _ = nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True)
            last = lib.cat([hidden[-2], hidden[-1]], dim=1)
            return self.out(
                lib.cat([padded, last.unsqueeze(1).expand(-1, padded.size(1), -1)], dim=2)
            )

    def batch(step: int) -> tuple[Any, ...]:
        mask = lib.arange(7)[None, :] < lib.tensor(LENGTHS)[:, None]
        words = (ints(lib, step, 19, 4, 7) + 1) * mask
        return words, lib.tensor(LENGTHS), ints(lib, step, 3, 4, 7).masked_fill(~mask, -100)

    return Network(
        Tagger(),
        batch,
        lambda model, batch: F.cross_entropy(
            model(*batch[:2]).flatten(0, 1), batch[2].flatten(), ignore_index=-100
        ),
    )


def seq2seq(lib: Any, width: int = 8) -> Network:
    """Bahdanau et al. 2015: a GRU encoder, a GRU cell that attends to its outputs at every step."""
    nn, F = lib.nn, lib.nn.functional

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.Wa, self.Ua, self.Va = (
                nn.Linear(width, width),
                nn.Linear(width, width),
                nn.Linear(width, 1),
            )

        def forward(self, query: Any, keys: Any) -> Any:
            scores = self.Va(lib.tanh(self.Wa(query) + self.Ua(keys))).squeeze(2).unsqueeze(1)
            return lib.bmm(F.softmax(scores, dim=-1), keys)

    class Seq2Seq(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.source, self.target = nn.Embedding(12, width), nn.Embedding(10, width)
            self.encoder = nn.GRU(width, width, batch_first=True)
            self.attention = Attention()
            self.cell = nn.GRUCell(2 * width, width)
            self.out = nn.Linear(width, 10)
            self.dropout = nn.Dropout(0.1)

        def forward(self, source: Any, target: Any) -> Any:
            keys, hidden = self.encoder(self.dropout(self.source(source)))
            state, logits = hidden[-1], []
            for t in range(target.shape[1]):
                context = self.attention(state.unsqueeze(1), keys).squeeze(1)
                state = self.cell(
                    lib.cat([self.dropout(self.target(target[:, t])), context], 1), state
                )
                logits.append(self.out(state))
            return lib.stack(logits, dim=1)

    def loss(model: Any, batch: tuple[Any, ...]) -> Any:
        source, target = batch
        return F.nll_loss(
            F.log_softmax(model(source, target[:, :-1]), dim=-1).transpose(1, 2), target[:, 1:]
        )

    return Network(
        Seq2Seq(), lambda step: (ints(lib, step, 12, 3, 6), ints(lib, step + 7, 10, 3, 5)), loss
    )


def translator(lib: Any, width: int = 8) -> Network:
    """Vaswani et al. 2017: `nn.Transformer` with sines for positions, padding and causal masks."""
    nn, F = lib.nn, lib.nn.functional

    class Positions(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            place = lib.arange(20).unsqueeze(1)
            rate = lib.exp(lib.arange(0, width, 2) * (-np.log(10000.0) / width))
            table = lib.zeros(1, 20, width)
            table[0, :, 0::2] = lib.sin(place * rate)
            table[0, :, 1::2] = lib.cos(place * rate)
            self.register_buffer("table", table)

        def forward(self, x: Any) -> Any:
            return x + self.table[:, : x.size(1)]

    class Translator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.source, self.target = nn.Embedding(12, width), nn.Embedding(10, width)
            self.positions = Positions()
            self.transformer = nn.Transformer(
                width, 2, 2, 2, 3 * width, dropout=0.1, batch_first=True
            )
            self.out = nn.Linear(width, 10)

        def forward(self, source: Any, target: Any) -> Any:
            mask = nn.Transformer.generate_square_subsequent_mask(target.size(1)).to(
                self.out.weight.dtype
            )
            padding = source == 0
            x = self.transformer(
                self.positions(self.source(source)), self.positions(self.target(target)), tgt_mask=mask,
                src_key_padding_mask=padding, memory_key_padding_mask=padding,
            )  # fmt: skip
            return self.out(x)

    def batch(step: int) -> tuple[Any, ...]:
        source = ints(lib, step, 11, 3, 6) + 1
        source[0, 4:] = 0
        source[2, 2:] = 0
        return source, ints(lib, step + 3, 10, 3, 5)

    def loss(model: Any, batch: tuple[Any, ...]) -> Any:
        source, target = batch
        return F.cross_entropy(model(source, target[:, :-1]).transpose(1, 2), target[:, 1:])

    return Network(Translator(), batch, loss)


def gpt(lib: Any, width: int = 16) -> Network:
    """Radford et al. 2019: causal self-attention, GELU, weights of embedding and output shared."""
    nn, F = lib.nn, lib.nn.functional

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width, bias=False)
            self.c_attn, self.c_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.mlp = nn.Sequential(
                nn.Linear(width, 4 * width),
                nn.GELU(approximate="tanh"),
                nn.Linear(4 * width, width),
                nn.Dropout(0.1),
            )

        def forward(self, x: Any) -> Any:
            B, T, C = x.size()
            q, k, v = (
                y.view(B, T, 4, C // 4).transpose(1, 2)
                for y in self.c_attn(self.ln_1(x)).split(C, dim=2)
            )
            y = F.scaled_dot_product_attention(
                q, k, v, dropout_p=0.1 if self.training else 0.0, is_causal=True
            )
            x = x + self.c_proj(y.transpose(1, 2).contiguous().view(B, T, C))
            return x + self.mlp(self.ln_2(x))

    class GPT(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.transformer = nn.ModuleDict(
                {
                    "wte": nn.Embedding(11, width), "wpe": nn.Embedding(9, width), "drop": nn.Dropout(0.1),
                    "h": nn.ModuleList([Block() for _ in range(2)]), "ln_f": nn.LayerNorm(width),
                }
            )  # fmt: skip
            self.lm_head = nn.Linear(width, 11, bias=False)
            self.transformer.wte.weight = self.lm_head.weight
            self.apply(self._init_weights)

        def _init_weights(self, module: Any) -> None:
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, mean=0.0, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, mean=0.0, std=0.02)

        def forward(self, index: Any) -> Any:
            t = self.transformer
            x = t.drop(t.wte(index) + t.wpe(lib.arange(index.size(1))))
            for block in t.h:
                x = block(x)
            return self.lm_head(t.ln_f(x))

    def loss(model: Any, batch: tuple[Any, ...]) -> Any:
        index, target = batch
        logits = model(index)
        return F.cross_entropy(logits.view(-1, logits.size(-1)), target.view(-1), ignore_index=-1)

    return Network(
        GPT(), lambda step: (ints(lib, step, 11, 3, 9), ints(lib, step + 1, 11, 3, 9)), loss
    )


NETWORKS: dict[str, Callable[..., Network]] = {
    f.__name__: f for f in (resnet18, unet, vit, dcgan, vae, tagger, seq2seq, translator, gpt)
}


# --- what is compared --------------------------------------------------------------------------


def make(name: str, lib: Any, seed: int = 0) -> Network:
    """The network with float64 parameters."""
    before = lib.get_default_dtype()
    lib.set_default_dtype(lib.float64)
    try:
        lib.manual_seed(seed)
        return NETWORKS[name](lib)
    finally:
        lib.set_default_dtype(before)


def train(network: Network, lib: Any, steps: int = 10) -> list[float]:
    """The losses of that many steps with Adam, in float64."""
    before = lib.get_default_dtype()
    lib.set_default_dtype(lib.float64)
    try:
        lib.manual_seed(1)
        network.model.train()
        optimizer = lib.optim.Adam(network.model.parameters(), lr=0.003)
        losses = []
        for step in range(steps):
            optimizer.zero_grad()
            loss = network.loss(network.model, network.batch(step))
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses
    finally:
        lib.set_default_dtype(before)
