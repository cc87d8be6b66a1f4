"""The sequences to learn: letters to remember over a delay, and marked numbers to add."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dlframe.random import Generator
from dlframe.tensor import Tensor
from dlframe.tensor.creation import full, rand, randint, zeros
from dlframe.tensor.functions import cat, stack

Batch = tuple[Tensor, Tensor]

LETTERS = 8  # to choose from
BLANK, GO = LETTERS, LETTERS + 1
COUNT = 3  # letters to remember


def copying(n: int, delay: int, generator: Generator, count: int = COUNT) -> Batch:
    """`count` letters, a delay of blanks, a sign to go; then the letters are the answer.

    x is (n, delay + 2 · count), numbers of letters; y is (n, count): what to say at the last steps.

    >>> import dlframe as dl
    >>> x, y = copying(1, 4, dl.Generator().manual_seed(0))
    >>> x.tolist(), y.tolist()
    ([[4, 7, 5, 8, 8, 8, 8, 9, 8, 8]], [[4, 7, 5]])
    """
    y = randint(0, LETTERS, (n, count), generator=generator)
    x = cat([y, full((n, delay + count), BLANK)], dim=1)
    x[:, -count] = GO
    return x, y


def adding(n: int, length: int, generator: Generator) -> Batch:
    """Numbers, of which one in each half is marked; the answer is the sum of the marked ones.

    x is (n, length, 2), numbers uniform in [0, 1) and marks 0 or 1; y is (n, 1, 1). Who always
    says 1 has a mean squared error of 2 · 1/12 = 1/6.
    """
    numbers = rand(n, length, generator=generator)
    marks, half = zeros(n, length), length // 2
    for low, high in ((0, half), (half, length)):
        marks.scatter_(1, randint(low, high, (n, 1), generator=generator), 1.0)
    y = (numbers * marks).sum(dim=1).reshape(n, 1, 1)
    return stack([numbers, marks], dim=2), y


class Fresh:
    """The batches of an epoch, which are made anew each time: none is learned by heart."""

    def __init__(self, make: Callable[[], Batch], batches: int) -> None:
        self.make = make
        self.batches = batches

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[Batch]:
        return (self.make() for _ in range(self.batches))
