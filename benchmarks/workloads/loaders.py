"""Epochs of a loader over images in memory, with the transforms of everyday training.

PyTorch transforms sample by sample, as torchvision does: the functions below are those of its
`to_tensor`, `normalize`, `hflip` and of its random crop, without the checks. dlframe uses its own
transforms, batch by batch. Both have the same data, samplers and labels; the random numbers of
transforms differ, since a sample of dlframe's has a stream of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.workloads.step import Step

MEAN, STD = (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)
PADDING = 4


class Images:
    """Images and labels in memory, with a transform, as a data set of torchvision's is."""

    def __init__(self, images: Any, labels: Any, transform: Callable[[Any], Any]) -> None:
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self.transform(self.images[index]), self.labels[index]


class ImagesByBatch(Images):
    """The same with `__getitems__`, which PyTorch knows, too; the columns are dlframe's."""

    def __getitems__(self, indices: list[int]) -> Any:
        from dlframe.data import Batch

        return Batch((self.transform.batch(self.images[indices]), self.labels[indices]))


# --- PyTorch's transforms ----------------------------------------------------------------------


def _to_tensor(lib: Any, image: Any) -> Any:
    return lib.from_numpy(image.transpose(2, 0, 1)).contiguous().float().div(255)


def _normalize(lib: Any, image: Any) -> Any:
    mean, std = lib.tensor(MEAN).view(-1, 1, 1), lib.tensor(STD).view(-1, 1, 1)
    return image.clone().sub_(mean).div_(std)


def _crop_and_flip(lib: Any, image: Any) -> Any:
    padded = lib.nn.functional.pad(image, [PADDING] * 4)
    top, left = lib.randint(0, 2 * PADDING + 1, (1,)).item(), lib.randint(0, 9, (1,)).item()
    cropped = padded[..., top : top + 32, left : left + 32]
    return cropped.flip(-1) if lib.rand(1) < 0.5 else cropped


def _transforms(lib: Any, kind: str) -> Callable[[Any], Any]:
    """The transform of a library; `kind` names the workload."""
    if hasattr(lib, "data"):
        ours = lib.data.transforms
        return {
            "normalize": ours.Normalize(MEAN, STD),
            "augment": ours.Compose(
                [ours.RandomCrop(32, padding=PADDING), ours.RandomHorizontalFlip()]
            ),
            "bytes": ours.ToTensor(),
        }[kind]
    return partial(
        {"normalize": _normalize, "augment": _crop_and_flip, "bytes": _to_tensor}[kind], lib
    )


# --- workloads ---------------------------------------------------------------------------------


def _epochs(lib: Any, dataset: Any, workers: int) -> Step:
    data = lib.data if hasattr(lib, "data") else lib.utils.data
    batches = data.DataLoader(
        dataset, batch_size=64, shuffle=True, num_workers=workers, persistent_workers=workers > 0
    )

    def step() -> Any:
        total = 0
        for _, labels in batches:
            total = total + labels.sum()
        return total

    return step


def _plain(lib: Any, workers: int) -> Step:
    lib.manual_seed(0)
    data = lib.data if hasattr(lib, "data") else lib.utils.data
    x, y = lib.rand(2048, 3, 32, 32), lib.randint(0, 10, (2048,))
    return _epochs(lib, data.TensorDataset(x, y), workers)


def _transformed(lib: Any, workers: int, kind: str) -> Step:
    lib.manual_seed(0)
    labels = lib.randint(0, 10, (2048,))
    images: Any = lib.rand(2048, 3, 32, 32)
    if kind == "bytes":
        images = np.random.default_rng(0).integers(0, 256, (2048, 32, 32, 3), dtype=np.uint8)
    kept = ImagesByBatch if hasattr(lib, "data") else Images
    return _epochs(lib, kept(images, labels, _transforms(lib, kind)), workers)


def _named() -> dict[str, Callable[[Any], Step]]:
    found: dict[str, Callable[[Any], Step]] = {}
    for workers in (0, 2):
        found[f"load_{workers}_workers"] = partial(_plain, workers=workers)
        for kind in ("normalize", "augment", "bytes"):
            found[f"load_{kind}_{workers}_workers"] = partial(
                _transformed, workers=workers, kind=kind
            )
    return found


LOADERS = _named()
"""2048 images of 3 × 32 × 32 in batches of 64: without a transform, and with each of three."""
