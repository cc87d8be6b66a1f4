"""The numbers of a distribution are NumPy's, also of values that come in parts."""

from __future__ import annotations

import numpy as np
import pytest

from dlframe.training.distributions import (
    BINS,
    QUANTILES,
    Course,
    Pool,
    active_units,
    bin_edges,
    measured,
)


def course(*rows: np.ndarray) -> Course:
    return Course.of(rows, QUANTILES)


def check(c: Course, x: np.ndarray, place: int = 0) -> None:
    """All numbers of `c` are those of the finite values of `x`, by NumPy."""
    every = x.astype(np.float64).ravel()
    x = every[np.isfinite(every)]
    expected = {
        "count": x.size,
        "mean": x.mean(),
        "std": x.std(),
        "mean_abs": np.abs(x).mean(),
        "norm": np.linalg.norm(x),
        "min": x.min(),
        "max": x.max(),
        "zeros": (x == 0).mean(),
        "near_zero": (np.abs(x) < 0.05).mean(),
        "not_finite": 1 - x.size / every.size,
    }
    for name, value in expected.items():
        np.testing.assert_allclose(getattr(c, name)[place], value, 1e-5, 1e-12, err_msg=name)
    quantiles = np.quantile(x, QUANTILES)
    np.testing.assert_allclose(c.quantiles[place], quantiles, 1e-5, 1e-12)
    low, high = np.quantile(x, [0.005, 0.995])
    edges = c.edges[place]
    width = (high - low) / BINS
    is_tailed = low - x.min() >= width, x.max() - high >= width
    low, high = low if is_tailed[0] else x.min(), high if is_tailed[1] else x.max()
    inner = edges[int(is_tailed[0]) : BINS + 1 - int(is_tailed[1])]
    np.testing.assert_allclose(inner, np.linspace(low, high, len(inner)), 1e-5, 1e-7)
    np.testing.assert_allclose(edges[[0, -1]], [x.min(), x.max()], 1e-6)
    counts, _ = np.histogram(x, c.edges[place])
    np.testing.assert_array_equal(c.counts[place], counts)
    assert counts.sum() == x.size
    assert not is_tailed[1] or counts[-1] <= 0.01 * x.size + 2


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_numbers_of_one_array(rng, dtype):
    x = (rng.normal(1.0, 2.0, (40, 30)) * (rng.random((40, 30)) > 0.3)).astype(dtype)
    check(course(measured(x)), x)
    check(course(measured(x.T[::2])), x.T[::2])
    x[3, 4], x[5, 6], x[0] = np.nan, np.inf, -np.inf
    x.flags.writeable = False
    check(course(measured(x)), x)


def test_parts_are_as_one_array(rng):
    x = rng.normal(50.0, 0.1, (6, 7, 5))
    x[..., 2] = 0
    pool = Pool()
    for part in x:
        pool.add(part, units=True, limits=(49.9, 50.1))
    found = course(pool.row())
    check(found, x)
    assert found.dead[0] == pytest.approx(1 / 5)
    assert found.saturated[0] == pytest.approx(((x < 49.9) | (x > 50.1)).mean())
    check(course(pool.row(scale=0.25)), x * 0.25)


def test_of_many_values_some_are_kept(rng):
    x = rng.normal(size=100_000)
    pool = Pool(1000)
    for part in np.split(x, [10, 70_000, 70_001, 99_000]):
        pool.add(part)
    kept = np.concatenate(pool._parts)
    assert 333 <= kept.size <= 1000
    np.testing.assert_array_equal(kept, x[:: pool._every])
    found = course(pool.row())
    assert found.count[0] == 100_000
    np.testing.assert_allclose(
        [found.mean[0], found.std[0], found.max[0]], [x.mean(), x.std(), x.max()]
    )
    np.testing.assert_allclose(found.quantiles[0], np.quantile(kept, QUANTILES))
    # a normal quantile of 411 values has a standard error of 0.06 (0.18 at 1 %)
    np.testing.assert_allclose(found.quantiles[0], np.quantile(x, QUANTILES), atol=0.9)
    assert found.counts[0].sum() == kept.size


def test_a_unit_is_dead_if_no_sample_moves_it():
    images = np.zeros((4, 3, 2, 2))
    images[1, 2, 0, 1] = -1.0
    assert active_units(images).tolist() == [False, False, True]
    assert active_units(images[:, :, 0]).tolist() == [False, True]  # sequences: features last
    pool = Pool()
    pool.add(images, units=True)
    pool.add(images[:, ::-1], units=True)
    assert course(pool.row()).dead[0] == pytest.approx(1 / 3)
    pool.add(np.zeros((4, 5)), units=True)  # other units
    assert np.isnan(course(pool.row()).dead[0])


@pytest.mark.parametrize(
    "x",
    [np.zeros(5), np.full(3, 7.5), np.array([1e-300, 0.0]), np.array([-1e300, 1e300]), np.ones(()),
     np.array([True, False]), np.arange(9, dtype=np.uint8), np.array([1 + 2j, 0j]),
     np.r_[np.zeros(999), 5.0], np.array([5e-324, 0.0])],
    ids=["zeros", "constant", "tiny", "huge", "scalar", "bool", "uint8", "complex", "one other",
         "denormal"],
)  # fmt: skip
def test_unusual_values(x):
    found = course(measured(x))
    size = x.size * (1 + (x.dtype.kind == "c"))
    assert found.counts[0].sum() == found.count[0] == size
    assert np.all(np.diff(found.edges[0]) >= 0)
    assert found.edges[0][0] <= found.min[0] <= found.max[0] <= found.edges[0][-1]


@pytest.mark.parametrize("x", [np.zeros(0), np.full(3, np.nan)], ids=["empty", "nan"])
def test_no_values(x):
    found = course(measured(x, units=True))
    assert found.count[0] == 0
    assert np.isnan(found.mean[0])
    assert np.isnan(found.counts).all()
    np.testing.assert_equal(found.not_finite[0], 1.0 if x.size else np.nan)


def test_a_frequent_end_has_a_bin_with_a_width():
    x = np.r_[np.zeros(500), np.linspace(-1, 0, 500)]
    found = course(measured(x))
    assert found.counts[0, -1] > 500
    assert np.all(np.diff(found.edges[0]) > 0)


def test_edges():
    assert bin_edges(-9, 0, 2, 50, 4).tolist() == [-9, 0, 1, 2, 50]
    assert bin_edges(0, 1, 1, 4, 4).tolist() == [0, 1, 2, 3, 4]
    assert bin_edges(0, 1, 2, 4, 2).tolist() == [0, 2, 4]
    assert bin_edges(0, 0, 3, 9, 4).tolist() == [0, 1, 2, 3, 9]
    assert bin_edges(-9, 0, 3, 3, 4).tolist() == [-9, 0, 1, 2, 3]
    assert bin_edges(0, 0, 4, 4, 4).tolist() == [0, 1, 2, 3, 4]
    # no tail is narrower than the other bins
    assert bin_edges(0, 0.5, 3.5, 4, 4).tolist() == [0, 1, 2, 3, 4]
    assert bin_edges(0, 0.5, 4, 9, 5).tolist() == [0, 1, 2, 3, 4, 9]
    narrow = bin_edges(1, 1, 1, 1, 2)
    assert narrow[0] < 1 < narrow[2] < 1 + 1e-5
    assert len(Course.of([], QUANTILES)) == 0


def test_the_largest_of_few_values_is_no_tower():
    x = np.r_[np.linspace(-1, 1, 41), 1.3]
    found = course(measured(x, bins=10))
    np.testing.assert_allclose(np.diff(found.edges[0]), 0.23)
    np.testing.assert_array_equal(found.counts[0], np.histogram(x, 10)[0])
