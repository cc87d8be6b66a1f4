"""One script for both libraries, which prints the same losses with the same seed.

python examples/same_losses.py           dlframe
python examples/same_losses.py torch     PyTorch, where it is installed
"""

from __future__ import annotations

import importlib
import sys
from typing import Any


def main(lib: Any, data: Any) -> None:
    """Train on shuffled random data with dropout; `lib` is dlframe or torch."""
    nn, optim = lib.nn, lib.optim
    lib.manual_seed(0)
    x = lib.randn(512, 1, 12, 12)
    y = (x.mean(dim=(1, 2, 3)) > 0).long()
    loader = data.DataLoader(data.TensorDataset(x, y), batch_size=64, shuffle=True)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(8 * 5 * 5, 2),
    )  # fmt: skip
    optimizer = optim.AdamW(model.parameters(), lr=3e-3)
    for epoch in range(3):
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), labels)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch + 1}  loss {loss.item():.4f}")


if __name__ == "__main__":
    name = sys.argv[1] if len(sys.argv) > 1 else "dlframe"
    loading = "torch.utils.data" if name == "torch" else f"{name}.data"
    main(importlib.import_module(name), importlib.import_module(loading))
