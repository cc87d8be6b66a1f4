"""Numbers with their intervals as text, with as many digits as they tell."""

from __future__ import annotations

import math

from dlframe.study.statistics import Estimate

SMALL, LARGE = 1e-4, 1e7  # below and from here on, numbers are written with a power of ten
LEAST = -300  # powers of ten below it are not normal numbers any more


def interval(found: Estimate | None) -> str:
    """The mean with its interval; "–" where there is none.

    >>> interval(Estimate(0.925, 0.904, 0.946, 0.013, 4, "t"))
    '0.925 [0.904, 0.946]'
    >>> interval(Estimate(2.5e-9, 1.5e-9, 3.5e-9, 1e-9, 4, "t"))
    '2.5e−9 [1.5e−9, 3.5e−9]'
    """
    if found is None:
        return "–"
    numbers, power = digits(found)
    [mean, *ends] = [number + (f"e{power}" if power else "") for number in numbers]
    return _with_ends(mean, ends).replace("-", "\N{MINUS SIGN}")


def tex_interval(found: Estimate | None) -> str:
    r"""The same for LaTeX.

    >>> print(tex_interval(Estimate(-0.01, -0.03, 0.01, 0.013, 4, "t")))
    $-0.010$ [$-0.030$, 0.010]
    >>> print(tex_interval(Estimate(2.5e-9, math.nan, math.nan, math.nan, 1, "t")))
    $2.5\times10^{-9}$
    """
    if found is None:
        return "--"
    numbers, power = digits(found)
    factor = rf"\times10^{{{power}}}" if power else ""
    [mean, *ends] = [f"${n}{factor}$" if factor or n[0] == "-" else n for n in numbers]
    return _with_ends(mean, ends)


def _with_ends(mean: str, ends: list[str]) -> str:
    return f"{mean} [{', '.join(ends)}]" if ends else mean


def digits(found: Estimate) -> tuple[list[str], int]:
    """Mean, low and high, or the mean alone, without the power of ten that is given beside them.

    The power is that of the largest, and 0 where it is not needed.

    >>> digits(Estimate(1234567890.0, 1234566890.0, 1234568890.0, 900.0, 4, "t"))
    (['1.2345679', '1.2345669', '1.2345689'], 9)
    """
    values = [found.mean] if math.isnan(found.low) else [found.mean, found.low, found.high]
    largest = max(map(abs, values))
    power = 0
    if 0 < largest < math.inf and not SMALL <= largest < LARGE:
        power = max(LEAST, math.floor(math.log10(largest)))
        values = [value / 10.0**power for value in values]
    if len(values) == 1:
        return [f"{values[0]:.4g}"], power
    places = decimals(*values)
    return [f"{value:z.{places}f}" for value in values], power


def decimals(mean: float, low: float, high: float) -> int:
    """Digits after the point, so that the interval's half width has two that count.

    >>> decimals(0.925, 0.904, 0.946)
    3
    """
    half = (high - low) / 2
    if math.isfinite(half) and half > 0:
        return min(8, max(0, 1 - math.floor(math.log10(half))))
    if math.isfinite(mean) and mean:
        return min(8, max(4, 3 - math.floor(math.log10(abs(mean)))))
    return 4


def plain(value: float) -> str:
    """Two digits.

    >>> plain(0.0123), plain(1.23e-9)
    ('0.012', '1.2e−9')
    """
    if math.isnan(value):
        return "–"
    number, _, power = f"{value:.2g}".partition("e")
    text = f"{number}e{int(power)}" if power else number
    return text.replace("-", "\N{MINUS SIGN}")


def probability(value: float | None) -> str:
    """Three digits after the point, as far as that says something."""
    if value is None or math.isnan(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
