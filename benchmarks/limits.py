"""Where a step of dlframe's has to go: products of matrices, the optimizer, and all else.

    python -m benchmarks.limits NAME SECONDS

Products are BLAS's, in both libraries. So a row of the table can reach what remains when nothing
else takes time: PyTorch's step divided by our products. Each product is timed where it stands in
the step, with the caches as they are there; the time of the clock itself, some 0.1 µs for each of
them, is in it.
"""

from __future__ import annotations

import importlib
import math
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import speed
from benchmarks.children import report, results_of
from benchmarks.workloads import WORKLOADS


class _Spent:
    """Seconds by part of a step, of which no part counts what another inside of it takes."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.inside = 0.0  # of what is called by the part that runs
        self.multiplications = 0

    def on(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, whose time counts for `part`."""

        def timed(*args: Any, **options: Any) -> Any:
            outer, self.inside = self.inside, 0.0
            start = time.perf_counter()
            try:
                return function(*args, **options)
            finally:
                taken = time.perf_counter() - start
                self.seconds[part] += taken - self.inside
                self.inside = outer + taken

        return timed

    def on_products(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same for a product of two arrays, whose multiplications are counted, too."""
        timed = self.on("products", function)

        def counted(x: Any, y: Any, **options: Any) -> Any:
            out = timed(x, y, **options)
            self.multiplications += math.prod(np.shape(out)) * x.shape[-1]
            return out

        return counted


def main() -> None:
    name, seconds = sys.argv[1], float(sys.argv[2])
    import dlframe
    from dlframe.ops import products
    from dlframe.optim.flat import FlatOptimizer

    step = WORKLOADS[name](dlframe)
    step()  # imports what it uses
    spent, dot = _Spent(), products.dot
    for module in [m for key, m in sys.modules.items() if key.startswith("dlframe.ops")]:
        if vars(module).get("dot") is dot:
            vars(module)["dot"] = spent.on_products(dot)
    importlib.import_module("numpy").matmul = spent.on_products(np.matmul)
    FlatOptimizer.step = spent.on("optimizer", FlatOptimizer.step)  # type: ignore[method-assign] # with a clock
    for _ in range(5):
        step()
    steps: list[tuple[float, float, float, float]] = []
    end = time.perf_counter() + 10 * seconds
    while time.perf_counter() < end:
        spent.seconds.clear()
        spent.multiplications = 0
        start = time.perf_counter()
        step()
        taken = time.perf_counter() - start
        parts = spent.seconds["products"], spent.seconds["optimizer"]
        steps.append((taken, *parts, spent.multiplications))
    total, of_products, of_optimizer, count = map(statistics.median, zip(*steps, strict=True))
    report(step=total, products=of_products, optimizer=of_optimizer, multiplications=count)


def measure(name: str, seconds: float, blocks: int) -> dict[str, Any]:
    """The parts of our step on one thread, and PyTorch's step."""
    parts = next(results_of("limits", name, seconds))
    (times,) = speed.measure([name], 1, "wall", blocks, seconds, 2)
    return {"name": name, "speed": times["speed"], "pytorch": times["pytorch"], **parts}


def cells(result: dict[str, Any]) -> tuple[str, ...]:
    """What a line of a table says: name, shares of the step, rate of the products, and limit."""
    step, products = result["step"], result["products"]
    rest = step - products - result["optimizer"]
    shares = [f"{part / step:.0%}" for part in (products, result["optimizer"], rest)]
    if not products:
        return (result["name"], *shares, "", "")
    rate = 2 * result["multiplications"] / products / 1e9
    return (result["name"], *shares, f"{rate:.0f}", f"{result['speed'] * step / products:.1f} ×")


HEADING = ("workload", "products", "optimizer", "all else", "GFLOP/s", "limit")


def line_of(texts: tuple[str, ...], width: int) -> str:
    """The line that people read."""
    name, *others = texts
    return f"{name:{width}} " + " ".join(f"{text:>10}" for text in others)


if __name__ == "__main__":
    main()
