"""Compares what two runs of a program print: the same words, and the same numbers nearly."""

from __future__ import annotations

import math
import re

NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d*)?(?:e[-+]?\d+)?(?![\w])")
PADDING = re.compile(r"(?<=\[) | (?=\])")  # of numbers in arrays, to the longest


def differing_lines(
    wanted: list[str], found: list[str], tolerance: float = 1e-3
) -> list[tuple[str, str]]:
    """The pairs of lines that differ. Whole numbers are equal, others up to `tolerance`.

    What is printed with few places may differ by one in the last of them.
    """
    longest = max(len(wanted), len(found))
    pairs = zip(*(lines + ["(no line)"] * (longest - len(lines)) for lines in (wanted, found)))
    return [(a, b) for a, b in pairs if a != b and not _same(a, b, tolerance)]


def _same(a: str, b: str, tolerance: float) -> bool:
    ours, theirs = NUMBER.findall(a), NUMBER.findall(b)
    words = [NUMBER.sub("#", PADDING.sub("", " ".join(line.split()))) for line in (a, b)]
    return words[0] == words[1] and all(
        x == y or ("." in x and "." in y and _near(x, y, tolerance))
        for x, y in zip(ours, theirs, strict=True)
    )


def _near(x: str, y: str, tolerance: float) -> bool:
    last = max(_last_place(x), _last_place(y)) * 1.01
    return math.isclose(float(x), float(y), rel_tol=tolerance, abs_tol=last)


def _last_place(number: str) -> float:
    """The worth of the last digit: 0.01 for 3.25."""
    digits, _, power = number.partition("e")
    return 10.0 ** (int(power or 0) - len(digits.partition(".")[2]))


PROCESSES = """
import torch
import torch.multiprocessing as mp
from torch.utils.data import DataLoader, Dataset

class Squares(Dataset):
    def __len__(self):
        return 6
    def __getitem__(self, i):
        return torch.full((2,), float(i)) ** 2

def double(x):
    return (2 * torch.tensor(x)).item()

if __name__ == "__main__":
    with mp.get_context("spawn").Pool(1) as pool:
        print(pool.map(double, [1.0, 2.0]))
    for batch in DataLoader(Squares(), 3, num_workers=1):
        print(batch[:, 0].tolist())
"""
"""A program whose own processes, and the workers of whose loader, import torch as well."""
