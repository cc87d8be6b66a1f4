"""Whole training scripts, run twice with only their import lines changed, print the same losses."""

from __future__ import annotations

import contextlib
import io

import pytest

torch = pytest.importorskip("torch")

HEADER = {
    "torch": """
import torch
from torch import nn, optim
from torch.nn import functional as F
from torch.nn.utils import prune
from torch.utils.data import DataLoader, TensorDataset, random_split
""",
    "dlframe": """
import dlframe as torch
from dlframe import nn, optim
from dlframe.nn import functional as F
from dlframe.nn.utils import prune
from dlframe.data import DataLoader, TensorDataset, random_split
""",
}

SUPERVISED = """
torch.manual_seed(7)
{data}
train, val = random_split(TensorDataset(x, y), [0.8, 0.2])
loader = DataLoader(train, batch_size=32, shuffle=True)
{model}
for epoch in range(3):
    model.train()
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = loss_function(model(xb), yb)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        batches = DataLoader(val, batch_size=64)
        total = sum(loss_function(model(xb), yb).item() * len(xb) for xb, yb in batches)
    lr = scheduler.get_last_lr()[0]
    print(f"{{epoch}} {{loss.item():.4f}} {{total / len(val):.4f}} {{lr:.6f}}")
"""

BLOBS = """
centers = torch.randn(5, 20) * 2
y = torch.randint(0, 5, (600,))
x = centers[y] + torch.randn(600, 20)
"""

IMAGES = """
y = torch.randint(0, 4, (320,))
x = torch.rand(320, 1, 12, 12)
for i in range(4):
    x[y == i, 0, 3 * i : 3 * i + 3] += 0.7
"""

MODELS = {
    "mlp": (
        BLOBS,
        """
model = nn.Sequential(
    nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 5)
)
loss_function = nn.CrossEntropyLoss(label_smoothing=0.1)
options = dict(momentum=0.9, weight_decay=1e-4, nesterov=True)
optimizer = optim.SGD(model.parameters(), lr=0.1, **options)
scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=3)
""",
    ),
    "cnn": (
        IMAGES,
        """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        # a bias before batch norm has no gradient but rounding, which Adam would blow up
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, stride=2)
        self.pool = nn.AdaptiveAvgPool2d(2)
        self.drop = nn.Dropout(0.1)
        self.fc = nn.Linear(64, 4)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.conv1(x))), 2)
        x = self.pool(F.gelu(self.conv2(x)))
        return self.fc(self.drop(x.flatten(1)))

model = Net()
loss_function = nn.CrossEntropyLoss()
optimizer = optim.AdamW(model.parameters(), lr=3e-3)
scheduler = optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5)
""",
    ),
    "embedding": (
        """
x = torch.randint(0, 30, (400, 6))
y = (x.sum(1) % 3).long()
""",
        """
model = nn.Sequential(
    nn.Embedding(30, 16), nn.LayerNorm(16), nn.Flatten(),
    nn.Linear(96, 32), nn.SiLU(), nn.Linear(32, 3),
)
loss_function = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 0.5]))
optimizer = optim.RMSprop(model.parameters(), lr=1e-3, momentum=0.5)
scheduler = optim.lr_scheduler.LinearLR(optimizer, total_iters=3)
""",
    ),
}  # fmt: skip

GRADIENT_PENALTY = """
torch.manual_seed(3)
generator = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
critic = nn.Sequential(nn.Linear(2, 32), nn.SiLU(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
critic_optimizer = optim.RMSprop(critic.parameters(), lr=1e-3)
generator_optimizer = optim.RMSprop(generator.parameters(), lr=1e-3)

def penalty(real, fake):
    share = torch.rand(len(real), 1).expand_as(real)
    x = (share * real + (1 - share) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return ((slope.norm(2, dim=1) - 1) ** 2).mean()

for step in range(40):
    critic.requires_grad_(True)
    for _ in range(3):
        real = torch.randn(64, 2) * torch.tensor([1.0, 0.3]) + 2
        with torch.no_grad():
            fake = generator(torch.randn(64, 8))
        critic_loss = critic(fake).mean() - critic(real).mean() + 10 * penalty(real, fake)
        critic_optimizer.zero_grad()
        critic_loss.backward()
        critic_optimizer.step()
    critic.requires_grad_(False)
    generator_loss = -critic(generator(torch.randn(64, 8))).mean()
    generator_optimizer.zero_grad()
    generator_loss.backward()
    generator_optimizer.step()
    if step % 10 == 9:
        print(f"{step} {critic_loss.item():.4f} {generator_loss:.4f}")
"""

ATTENTION = """
torch.manual_seed(1)
length, width, heads, letters = 12, 24, 3, 16

class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        # a bias of the keys has no gradient but rounding, which Adam would blow up
        self.project = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width)
        later = torch.triu(torch.ones(length, length, dtype=torch.bool), diagonal=1)
        self.register_buffer("later", later, persistent=False)

    def forward(self, x):
        b, t, c = x.shape
        parts = self.project(x).split(c, dim=2)
        q, k, v = (part.view(b, t, heads, c // heads).transpose(1, 2) for part in parts)
        scores = q @ k.transpose(-2, -1) * (c // heads) ** -0.5
        weights = scores.masked_fill(self.later[:t, :t], -torch.inf).softmax(dim=-1)
        y = torch.einsum("bhts,bhsd->bhtd", weights, v)
        return self.out(y.transpose(1, 2).contiguous().view(b, t, c))

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.letter = nn.Embedding(letters, width)
        self.place = nn.Embedding(length, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.attention = Attention()
        self.head = nn.Linear(width, letters, bias=False)
        nn.init.normal_(self.head.weight, std=0.1)
        self.letter.weight = self.head.weight

    def forward(self, x):
        h = self.letter(x) + self.place(torch.arange(x.size(1)))
        h = h + self.attention(self.norms[0](h))
        return self.head(self.norms[1](h))

text = (torch.arange(2000) * 3 + torch.randint(0, 2, (2000,))) % letters
model = Model()
print(len(model.state_dict()), sum(p.numel() for p in model.parameters()))
optimizer = optim.AdamW(model.parameters(), lr=2e-2, betas=(0.9, 0.95))
for step in range(60):
    starts = torch.randint(len(text) - length, (16,)).tolist()
    x = torch.stack([text[i : i + length] for i in starts])
    y = torch.stack([text[i + 1 : i + length + 1] for i in starts])
    loss = F.cross_entropy(model(x).view(-1, letters), y.view(-1))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    if step % 15 == 14:
        print(f"{step} {loss.item():.4f}")
with torch.no_grad():
    for _ in range(8):
        likely = F.softmax(model(x[:2, -length:])[:, -1] / 0.8, dim=-1)
        x = torch.cat([x[:2], torch.multinomial(likely, 1)], dim=1)
print(x[:, length:])
"""

META_LEARNING = """
torch.manual_seed(4)
model = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = optim.Adam(model.parameters(), lr=1e-2)

def forward(x, p):
    return F.linear(torch.tanh(F.linear(x, p["0.weight"], p["0.bias"])), p["2.weight"], p["2.bias"])

def sine():
    height, phase = torch.empty(1).uniform_(0.5, 5).item(), torch.pi * torch.rand(1).item()

    def sample(n):
        x = torch.empty(n, 1).uniform_(-5, 5)
        return x, height * torch.sin(x + phase)

    return sample

for step in range(40):
    total = 0
    for _ in range(4):
        sample, adapted = sine(), dict(model.named_parameters())
        for _ in range(2):
            x, y = sample(10)
            loss = F.mse_loss(forward(x, adapted), y)
            grads = torch.autograd.grad(loss, adapted.values(), create_graph=True)
            adapted = {n: p - 0.02 * g for (n, p), g in zip(adapted.items(), grads)}
        x, y = sample(10)
        total = total + F.mse_loss(forward(x, adapted), y) / 4
    optimizer.zero_grad()
    total.backward()
    optimizer.step()
    if step % 10 == 9:
        print(f"{step} {total.item():.4f}")
"""

SPATIAL_TRANSFORMER = """
torch.manual_seed(0)

class STN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, kernel_size=3)
        self.drop = nn.Dropout2d()
        self.fc = nn.Linear(100, 3)
        self.localization = nn.Sequential(
            nn.Conv2d(1, 4, kernel_size=3), nn.MaxPool2d(2, stride=2), nn.ReLU(True),
            nn.Conv2d(4, 5, kernel_size=3), nn.MaxPool2d(2, stride=2), nn.ReLU(True))
        self.fc_loc = nn.Sequential(nn.Linear(5, 8), nn.ReLU(True), nn.Linear(8, 6))
        # at the identity every point meets a number of the input, where the slope jumps
        self.fc_loc[2].weight.data.zero_()
        self.fc_loc[2].bias.data.copy_(torch.tensor([1, 0, 0, 0, 1, 0], dtype=torch.float))

    def forward(self, x):
        theta = self.fc_loc(self.localization(x).view(-1, 5)).view(-1, 2, 3)
        grid = F.affine_grid(theta, x.size(), align_corners=False)
        x = F.grid_sample(x, grid, align_corners=False)
        x = F.relu(F.max_pool2d(self.drop(self.conv(x)), 2)).view(-1, 100)
        return F.log_softmax(self.fc(F.dropout(x, training=self.training)), dim=1)

model = STN()
optimizer = optim.SGD(model.parameters(), lr=0.05)
for step in range(5):
    x, y = torch.rand(6, 1, 12, 12), torch.randint(0, 3, (6,))
    loss = F.nll_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"{step} {loss.item():.4f}")
print([f"{v:.4f}" for v in model.fc_loc[2].bias.tolist()])
"""

INSIDES = """
import copy
import math
from collections import OrderedDict
torch.manual_seed(0)

class OldLinear(nn.Module):  # as layers were written for years
    def __init__(self, inputs, outputs):
        super(OldLinear, self).__init__()
        self.weight = nn.Parameter(torch.Tensor(outputs, inputs))
        self.bias = nn.Parameter(torch.Tensor(outputs))
        self.register_parameter("scale", None)
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        fan_in, _ = nn.init._calculate_fan_in_and_fan_out(self.weight)
        nn.init.uniform_(self.bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)

net = nn.Sequential(OrderedDict(
    conv=nn.Conv2d(3, 4, 3), norm=nn.BatchNorm2d(4), act=nn.ReLU(), flat=nn.Flatten(),
    drop=nn.Dropout(0.1), fc1=OldLinear(64, 8), act2=nn.ReLU(), fc2=OldLinear(8, 3)))
print(list(net.fc1._parameters), list(net.norm._buffers))
for name, module in net._modules.items():
    if isinstance(module, nn.ReLU):
        net._modules[name] = nn.GELU()
prune.ln_structured(net.conv, "weight", amount=0.5, n=2, dim=0)
prune.l1_unstructured(net.fc1, "weight", amount=0.3)
for hook in net.conv._forward_pre_hooks.values():
    print(hook._tensor_name)
found = {}
handle = net._modules.get("norm").register_forward_hook(
    lambda module, args, out: found.update(norm=out.detach()))
optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
x, y = torch.randn(8, 3, 6, 6), torch.arange(8) % 3
states = []
for step in range(4):
    loss = nn.CrossEntropyLoss()(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    states.append(copy.deepcopy(net.state_dict()))
    print(f"{step} {loss.item():.4f} {found['norm'].std().item():.4f}")
handle.remove()
net.load_state_dict({k: (states[1][k] + states[3][k]) / 2 for k in states[0]})
print(net.norm.num_batches_tracked, len(net._modules), (net.fc1.weight == 0).sum().item())
renamed = OrderedDict(("module." + k, v) for k, v in net.state_dict().items())
print(net.load_state_dict({k[7:]: v for k, v in renamed.items()}))
net.eval()
print(f"{net(x).logsumexp(1).sum().item():.4f}")
print(net)
"""

SCRIPTS = {
    **{name: SUPERVISED.format(data=data, model=model) for name, (data, model) in MODELS.items()},
    "gradient_penalty": GRADIENT_PENALTY,
    "attention": ATTENTION,
    "meta_learning": META_LEARNING,
    "spatial_transformer": SPATIAL_TRANSFORMER,
    "insides": INSIDES,
}


def output_of(library: str, script: str) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(HEADER[library] + script, f"<{library}>", "exec"), {"__name__": library})
    return printed.getvalue()


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_prints_the_same_losses(name):
    ours, theirs = output_of("dlframe", SCRIPTS[name]), output_of("torch", SCRIPTS[name])
    assert ours == theirs
    assert len(ours.splitlines()) >= 3
