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
from torch.utils.data import DataLoader, TensorDataset, random_split
""",
    "dlframe": """
import dlframe as torch
from dlframe import nn, optim
from dlframe.nn import functional as F
from dlframe.data import DataLoader, TensorDataset, random_split
""",
}

TRAIN = """
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

SCRIPTS = {
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


def output_of(library: str, script: str) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(HEADER[library] + script, f"<{library}>", "exec"), {"__name__": library})
    return printed.getvalue()


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_prints_the_same_losses(name):
    data, model = SCRIPTS[name]
    script = TRAIN.format(data=data, model=model)
    ours, theirs = output_of("dlframe", script), output_of("torch", script)
    assert ours == theirs
    assert len(ours.splitlines()) == 3
