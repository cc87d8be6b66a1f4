"""Places the boxes of a graph in layers from top to bottom, with few crossings of edges.

This is Sugiyama's scheme. Every box is in a layer below those of its operands. An edge over several
layers has a bend in each. The boxes of a layer are sorted by the places of their neighbours, and
then moved towards them as far as there is room.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 12  # rounds that sort the layers
MOVES = 60  # rounds that bring boxes near their neighbours

Edge = tuple[int, int]


@dataclass
class Layout:
    """The centres of boxes, the corners of edges, and the size of the whole."""

    centres: list[tuple[float, float]]
    routes: dict[Edge, list[tuple[float, float]]]
    width: float
    height: float


def lay_out(
    sizes: Sequence[tuple[float, float]],
    edges: Sequence[Edge],
    layers: Sequence[int],
    *,
    across: float = 0.3,
    down: float = 0.5,
) -> Layout:
    """Place boxes of these sizes; `across` and `down` are the gaps between them.

    `layers[j] > layers[i]` for every edge (i, j).
    """
    widths, level, links, chains = _with_bends(sizes, edges, layers)
    rows: list[list[int]] = [[] for _ in range(max(level, default=0) + 1)]
    for item, layer in enumerate(level):
        rows[layer].append(item)
    above, below = _neighbours(len(level), links)
    _order(rows, above, below)
    x = _columns(rows, widths, above, below, across)
    tops, height = _tops(rows, sizes, down)
    y = [0.0] * len(level)
    for top, row in zip(tops, rows, strict=True):
        tallest = max((sizes[i][1] for i in row if i < len(sizes)), default=0.0)
        for item in row:
            y[item] = top + tallest / 2
    left = min((x[i] - widths[i] / 2 for i in range(len(x))), default=0.0)
    x = [value - left for value in x]
    right = max((x[i] + widths[i] / 2 for i in range(len(x))), default=0.0)
    routes = {edge: [(x[i], y[i]) for i in chain] for edge, chain in chains.items()}
    return Layout(list(zip(x, y, strict=True))[: len(sizes)], routes, right, height)


def _with_bends(
    sizes: Sequence[tuple[float, float]], edges: Sequence[Edge], layers: Sequence[int]
) -> tuple[list[float], list[int], list[Edge], dict[Edge, list[int]]]:
    """Widths and layers of boxes and bends, links between neighbouring layers, bends per edge."""
    widths, level = [w for w, _ in sizes], list(layers)
    links: list[Edge] = []
    chains: dict[Edge, list[int]] = {}
    for i, j in edges:
        chain = [i]
        for layer in range(layers[i] + 1, layers[j]):
            chain.append(len(level))
            level.append(layer)
            widths.append(0.1)
        chain.append(j)
        links += list(pairwise(chain))
        chains[i, j] = chain
    return widths, level, links, chains


def _neighbours(count: int, links: list[Edge]) -> tuple[list[list[int]], list[list[int]]]:
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for i, j in links:
        above[j].append(i)
        below[i].append(j)
    return above, below


def _order(rows: list[list[int]], above: list[list[int]], below: list[list[int]]) -> None:
    """Sort each row by the middle of its neighbours' places, downwards and upwards in turn."""
    place: dict[int, float] = {item: k for row in rows for k, item in enumerate(row)}
    for sweep in range(SWEEPS):
        near = below if sweep % 2 else above
        for row in reversed(rows) if sweep % 2 else rows:
            middle = {
                i: sum(place[n] for n in near[i]) / len(near[i]) if near[i] else place[i]
                for i in row
            }
            row.sort(key=middle.__getitem__)
            for k, item in enumerate(row):
                place[item] = k - len(row) / 2


def _columns(
    rows: list[list[int]],
    widths: list[float],
    above: list[list[int]],
    below: list[list[int]],
    gap: float,
) -> list[float]:
    """The x of every item, as near to the mean of its neighbours as its row has room."""
    x = [0.0] * len(widths)
    for row in rows:
        for item, value in zip(row, _apart([0.0] * len(row), row, widths, gap), strict=True):
            x[item] = value
    both = [a + b for a, b in zip(above, below, strict=True)]
    for sweep in range(MOVES):
        near = both if sweep >= MOVES // 2 else below if sweep % 2 else above
        _move(reversed(rows) if sweep % 2 else rows, x, near, above, widths, gap)
    _move(rows, x, above, above, widths, gap)  # first straight chains, then leaves near their users
    ends = [[] if a else b for a, b in zip(above, below, strict=True)]
    _move(reversed(rows), x, ends, above, widths, gap)
    return x


def _move(
    rows: Iterable[list[int]],
    x: list[float],
    near: list[list[int]],
    above: list[list[int]],
    widths: list[float],
    gap: float,
) -> None:
    """Bring every item as near to its neighbours `near` as its row has room."""
    for row in rows:
        wish = [_wish(x, i, near[i], above) for i in row]
        for item, value in zip(row, _apart(wish, row, widths, gap), strict=True):
            x[item] = value


def _wish(x: list[float], item: int, near: list[int], above: list[list[int]]) -> float:
    """The mean of the neighbours; leaves count less, so that long chains are straight."""
    if not near:
        return x[item]
    says = [4.0 if above[n] else 1.0 for n in near]
    return sum(x[n] * say for n, say in zip(near, says, strict=True)) / sum(says)


def _apart(wish: list[float], row: list[int], widths: list[float], gap: float) -> list[float]:
    """The places nearest to `wish` (by least squares) with room for each item, in this order.

    From each place subtract the room that the items before it need; the results must not decrease.
    This is isotonic regression: neighbours that would decrease are pooled.
    """
    need = [0.0]
    for one, other in pairwise(row):
        need.append(need[-1] + (widths[one] + widths[other]) / 2 + gap)
    pools: list[tuple[float, int]] = []  # mean, how many
    for value, room in zip(wish, need, strict=True):
        mean, count = value - room, 1
        while pools and pools[-1][0] > mean:
            earlier, many = pools.pop()
            mean, count = (mean * count + earlier * many) / (count + many), count + many
        pools.append((mean, count))
    flat = [mean for mean, count in pools for _ in range(count)]
    return [mean + room for mean, room in zip(flat, need, strict=True)]


def _tops(
    rows: list[list[int]], sizes: Sequence[tuple[float, float]], gap: float
) -> tuple[list[float], float]:
    tops, y = [], 0.0
    for row in rows:
        tops.append(y)
        y += max((sizes[i][1] for i in row if i < len(sizes)), default=0.0) + gap
    return tops, max(y - gap, 0.0)


def layer_all(count: int, edges: Sequence[Edge], is_leaf: Callable[[int], bool]) -> list[int]:
    """The layer of each box, below those of its operands; leaves are just above their users."""
    layers = [0] * count
    for i, j in sorted(edges, key=lambda edge: edge[1]):
        layers[j] = max(layers[j], (0 if is_leaf(i) else layers[i]) + 1)
    for k in range(count):
        users = [layers[j] for i, j in edges if i == k]
        if is_leaf(k) and users:
            layers[k] = min(users) - 1
    return layers
