"""The next letter guessed by counting: what a network for text has to be better than."""

from __future__ import annotations

import math
from collections import Counter


def bits(train: str, test: str, context: int) -> float:
    """Bits per letter of the test text, with counts of what followed `context` letters.

    Counts of shorter contexts are mixed in, in the manner of Witten and Bell (1991): a context that
    was seen n times, with u different letters after it, has the weight n / (n + u), and the next
    shorter one the rest.

    >>> round(bits("abababab", "abab", 0), 2) > round(bits("abababab", "abab", 1), 2)
    True
    """
    counts = [Counter(_grams(train, size + 1)) for size in range(context + 1)]
    before = [Counter(gram[:-1] for gram in _grams(train, size + 1)) for size in range(context + 1)]
    kinds = [Counter(gram[:-1] for gram in found) for found in counts]
    letters = len(set(train + test))
    total = 0.0
    for place in range(context, len(test)):
        share = 1 / letters
        for size in range(context + 1):
            past = test[place - size : place]
            seen, different = before[size][past], kinds[size][past]
            if seen:
                share = (counts[size][past + test[place]] + different * share) / (seen + different)
        total -= math.log2(share)
    return total / (len(test) - context)


def _grams(text: str, size: int) -> list[str]:
    return [text[i : i + size] for i in range(len(text) - size + 1)]
