from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from dlframe import random
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.random import Generator, sample_rng

Golden = dict[str, np.ndarray]

# How far two builds' log, sin and cos may be apart, relative to the larger of 1 and the value.
TOLERANCE = {"float16": 2e-3, "float32": 1e-6, "float64": 1e-14}
INEXACT = {"normal", "log_normal", "exponential", "cauchy"}


@pytest.fixture(scope="module")
def reference(golden: Callable[[str], Golden]) -> Golden:
    return golden("random")


def call(
    g: Generator, name: str, args: list[Any], kwargs: dict[str, Any], reference: Golden
) -> Any:
    probs = reference["probs"]
    if name == "bernoulli":
        args = [probs / 4]
    elif name == "poisson":
        args = [reference["rates"]]
    elif name == "binomial":
        args = [reference["counts"], reference["rates"] / 60]
    elif name == "multinomial":
        args = [probs, *args]
    elif name == "geometric":
        return g.geometric(*args)
    return getattr(g, name)(*args, **kwargs)


# --- PyTorch's numbers -------------------------------------------------------------------------


@pytest.mark.parametrize("s", range(6))
def test_every_method_gives_pytorchs_numbers_in_any_order_of_calls(reference: Golden, s: int):
    g = Generator().manual_seed(int(reference["seeds"][s]))
    for i, (name, args, kwargs) in enumerate(json.loads(str(reference["calls"]))):
        got, want = call(g, name, args, kwargs, reference), reference[f"{s}_{i}"]
        what = f"call {i}: {name}{args}{kwargs}"
        assert got.shape == want.shape, what
        assert got.dtype == want.dtype, what
        if name in INEXACT:
            tolerance = TOLERANCE[want.dtype.name]
            np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance, err_msg=what)
        else:
            np.testing.assert_array_equal(got, want, err_msg=what)


@pytest.mark.parametrize("s", range(6))
def test_the_state_is_pytorchs_byte_for_byte(reference: Golden, s: int):
    g = Generator().manual_seed(int(reference["seeds"][s]))
    for name, args, kwargs in json.loads(str(reference["calls"])):
        call(g, name, args, kwargs, reference)
    got, want = g.get_state(), reference[f"state_{s}"]
    spare = slice(5024, 5032)  # a normal: equal to rounding
    assert got[spare].view("<f8")[0] == pytest.approx(want[spare].view("<f8")[0], rel=1e-14)
    got[spare] = want[spare]
    np.testing.assert_array_equal(got, want)


def test_a_state_of_pytorch_goes_on_here(reference: Golden):
    seed = int(reference["seeds"][1])
    g = Generator()
    g.set_state(reference["state_1"])
    assert g.initial_seed() == seed
    np.testing.assert_array_equal(g.get_state(), reference["state_1"])


def test_the_first_words_are_those_of_the_original_mersenne_twister():
    # Matsumoto and Nishimura's genrand_int32 after init_genrand(5489); the 10000th is C++'s check.
    words = Generator().manual_seed(5489).raw32(10000)
    assert words[:3].tolist() == [3499211612, 581869302, 3890346734]
    assert words[-1] == 4123659995


# --- the stream --------------------------------------------------------------------------------


@hypothesis.given(st.integers(0, 2**64 - 1), st.lists(st.integers(0, 6000), max_size=6))
@hypothesis.settings(max_examples=40)
def test_raw_draws_do_not_depend_on_how_they_are_split(seed: int, sizes: list[int]):
    whole = Generator().manual_seed(seed).raw32(2 * sum(sizes))
    g = Generator().manual_seed(seed)
    parts = [g.raw32(2 * n) for n in sizes]
    np.testing.assert_array_equal(np.concatenate([*parts, whole[:0]]), whole)

    g.manual_seed(seed)
    wide = np.concatenate([*(g.raw64(n) for n in sizes), np.empty(0, np.uint64)])
    np.testing.assert_array_equal(wide >> np.uint64(32), whole[0::2])
    np.testing.assert_array_equal(wide & np.uint64(2**32 - 1), whole[1::2])


@hypothesis.given(st.integers(0, 2**32), st.integers(0, 3), st.integers(0, 40))
@hypothesis.settings(max_examples=40)
def test_a_restored_state_gives_the_same_numbers_bit_for_bit(seed: int, before: int, n: int):
    g = Generator().manual_seed(seed)
    g.normal(before)  # an odd number leaves half a pair behind
    state = g.get_state()
    expected = [g.normal(n), g.randperm(n), g.normal(1), g.uniform(n, np.float64)]
    other = Generator()
    other.set_state(state)
    again = [other.normal(n), other.randperm(n), other.normal(1), other.uniform(n, np.float64)]
    for a, b in zip(expected, again):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(g.get_state(), other.get_state())


def test_a_state_is_a_copy():
    g = Generator().manual_seed(1)
    state = g.get_state()
    kept = state.copy()
    g.raw32(1000)
    np.testing.assert_array_equal(state, kept)
    g.set_state(state)
    state[:] = 0
    np.testing.assert_array_equal(g.get_state(), kept)


@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, Generator.clone_state, lambda g: pickle.loads(pickle.dumps(g))],
)
def test_copies_go_on_alike_and_apart(again: Callable[[Generator], Generator]):
    g = Generator().manual_seed(3)
    g.normal(1)
    other = again(g)
    first = g.normal(5)
    np.testing.assert_array_equal(first, other.normal(5))
    g.manual_seed(4)
    assert other.initial_seed() == 3


def test_seeding_drops_the_spare_normal():
    g = Generator().manual_seed(7)
    first = g.normal(1)
    g.manual_seed(7)
    np.testing.assert_array_equal(g.normal(1), first)


def test_only_the_low_32_bits_of_the_seed_choose_the_stream():
    a, b = Generator().manual_seed(5), Generator().manual_seed(2**32 + 5)
    np.testing.assert_array_equal(a.raw32(10), b.raw32(10))
    assert b.initial_seed() == 2**32 + 5


def test_threads_share_a_generator_without_losing_or_repeating_draws():
    g, parts = Generator().manual_seed(0), []

    def draw() -> None:
        # Each call draws twice, and the two must stay together.
        parts.extend([g.normal(17, np.float64) for _ in range(50)])

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = Generator().manual_seed(0)
    expected = {alone.normal(17, np.float64).tobytes() for _ in range(200)}
    assert {part.tobytes() for part in parts} == expected


# --- what the numbers are ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_uniform_never_reaches_its_upper_end(dtype: type):
    for low, high in [(0, 1), (-3, -1), (1, np.nextafter(dtype(1), dtype(2)))]:
        values = Generator().uniform(20000, dtype, low=float(low), high=float(high))
        assert values.dtype == dtype
        assert values.min() >= low
        assert values.max() < high


def test_uniform_between_equal_ends_is_constant():
    assert Generator().uniform(3, low=2, high=2).tolist() == [2, 2, 2]


def test_normal_has_its_mean_and_deviation():
    values = Generator().manual_seed(0).normal(200_000, np.float64, mean=3, std=2)
    assert values.mean() == pytest.approx(3, abs=0.02)
    assert values.std() == pytest.approx(2, abs=0.02)
    assert ((values - 3) ** 3).mean() == pytest.approx(0, abs=0.2)
    assert Generator().normal(20, mean=1, std=0).tolist() == [1] * 20


def test_normal_of_several_cache_blocks_is_the_same_as_of_one(monkeypatch: pytest.MonkeyPatch):
    small = Generator().manual_seed(2).normal(5000)
    monkeypatch.setattr(random.real, "_CACHE_BLOCK", 32)
    monkeypatch.setattr(random.stream, "_CACHE_BLOCK", 32)
    np.testing.assert_allclose(Generator().manual_seed(2).normal(5000), small, rtol=1e-6, atol=1e-6)


@hypothesis.given(st.integers(0, 300), st.integers(0, 2**32))
def test_randperm_is_a_permutation(n: int, seed: int):
    assert sorted(Generator().manual_seed(seed).randperm(n).tolist()) == list(range(n))


@hypothesis.given(st.integers(1, 40), st.integers(0, 2**32))
def test_shuffling_at_once_is_swapping_one_by_one(n: int, seed: int):
    rng = np.random.default_rng(seed)
    second = np.array([rng.integers(i, n) for i in range(n - 1)], np.int64)
    order = list(range(n))
    for i, j in enumerate(second):
        order[i], order[j] = order[j], order[i]
    assert random.integers._shuffled(second).tolist() == order


def test_counts_have_their_means_and_variances():
    g = Generator().manual_seed(0)
    for mean in (0.5, 7.0, 30.0):
        values = g.poisson(np.full(20_000, mean))
        assert values.mean() == pytest.approx(mean, rel=0.03)
        assert values.var() == pytest.approx(mean, rel=0.05)
    for n, p in ((10, 0.3), (200, 0.4), (200, 0.9)):
        values = g.binomial(np.full(20_000, float(n)), np.array(p))
        assert values.mean() == pytest.approx(n * p, rel=0.02)
        assert values.var() == pytest.approx(n * p * (1 - p), rel=0.05)
    assert g.binomial(np.array([5.0, -1, 5, 5]), np.array([2.0, 0.5, -1, np.nan])).tolist()[:3] == [
        5,
        0,
        0,
    ]


def test_randint_reaches_the_ends_of_its_range():
    assert set(Generator().randint(-2, 2, 200).tolist()) == {-2, -1, 0, 1}
    full = Generator().randint(-(2**63), 2**63, 200)
    assert full.min() < -(2**61)
    assert full.max() > 2**61
    assert Generator().randint(0, 256, 5, np.uint8).dtype == np.uint8


def test_random_of_bool_gives_both():
    assert set(Generator().random(50, bool).tolist()) == {False, True}


@pytest.mark.parametrize("p", [0.0, 1e-300, 0.25, 1 - 2**-53, 1.0])
def test_keep_mask_compares_exactly(p: float):
    g = Generator().manual_seed(1)
    u = Generator().manual_seed(1).uniform(5000, np.float64)
    np.testing.assert_array_equal(g.keep_mask(p, 5000), u < p)


def test_multinomial_draws_in_proportion_and_never_the_impossible():
    probs = np.array([1.0, 0.0, 3.0])
    drawn = Generator().manual_seed(0).multinomial(probs, 40_000, replacement=True)
    assert np.bincount(drawn, minlength=3) / 40_000 == pytest.approx([0.25, 0, 0.75], abs=0.01)
    rows = Generator().manual_seed(0).multinomial(np.tile(probs, (40_000, 1)), 1)
    assert np.bincount(rows[:, 0], minlength=3) / 40_000 == pytest.approx([0.25, 0, 0.75], abs=0.01)


def test_one_sample_is_drawn_in_the_same_way_with_and_without_replacement():
    """The numbers are PyTorch's, of a loop that draws one character after the other."""
    rows = np.full((27, 27), 1 / 27, np.float32)
    g, i, walk = Generator().manual_seed(2147483647), 0, []
    for _ in range(6):
        i = int(g.multinomial(rows[i], 1, replacement=True)[0])
        walk.append(i)
    assert walk == [3, 5, 24, 26, 13, 0]
    probs = np.array([0.1, 0.2, 0.3, 0.4, 0.5], np.float32)
    both = [Generator().manual_seed(0).multinomial(probs, 1, r).item() for r in (False, True)]
    assert both == [2, 2]


@pytest.mark.parametrize("replacement", [False, True])
def test_multinomial_of_no_rows_is_empty(replacement: bool):
    assert Generator().multinomial(np.ones((0, 3)), 2, replacement).shape == (0, 2)


# --- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "words", "act"),
    [
        (ArgumentError, "device must be 'cpu'", lambda g: Generator("cuda")),
        (ArgumentError, "seed must lie in", lambda g: g.manual_seed(2**64)),
        (ArgumentError, "seed must lie in", lambda g: g.manual_seed(-(2**63) - 1)),
        (DTypeError, "seed must be an integer, got 1.5", lambda g: g.manual_seed(1.5)),
        (DTypeError, "array of uint8, got float64", lambda g: g.set_state(np.zeros(5056))),
        (ArgumentError, "5056 bytes, got 3", lambda g: g.set_state(np.zeros(3, np.uint8))),
        (ArgumentError, "not the state", lambda g: g.set_state(np.zeros(5056, np.uint8))),
        (ShapeError, r"negative sizes, got \(2, -1\)", lambda g: g.uniform((2, -1))),
        (DTypeError, "float64, got int64", lambda g: g.normal(3, np.int64)),
        (DTypeError, "float64, got int32", lambda g: g.exponential(20, np.int32)),
        (ArgumentError, r"a range .* got \[1, 0\)", lambda g: g.uniform(3, low=1, high=0)),
        (ArgumentError, "a range", lambda g: g.uniform(3, low=float("nan"))),
        (ArgumentError, "a range", lambda g: g.uniform(3, low=-3e38, high=3e38)),
        (ArgumentError, "float16 holds", lambda g: g.uniform(3, np.float16, high=1e5)),
        (ArgumentError, "std must not be negative, got -1", lambda g: g.normal(3, std=-1)),
        (ArgumentError, "std must not be negative, got -1", lambda g: g.normal(30, std=-1)),
        (ArgumentError, "std must be positive", lambda g: g.log_normal(3, std=0)),
        (ArgumentError, "lambd must be positive", lambda g: g.exponential(3, lambd=0)),
        (ArgumentError, "sigma must be positive", lambda g: g.cauchy(3, sigma=-1)),
        (ArgumentError, "strictly between 0 and 1", lambda g: g.geometric(1, 3)),
        (ArgumentError, r"less than high, got \[3, 3\)", lambda g: g.randint(3, 3, 2)),
        (ArgumentError, "uint8 cannot hold", lambda g: g.randint(0, 257, 2, np.uint8)),
        (ArgumentError, r"n must lie in \[0, .* got -1", lambda g: g.randperm(-1)),
        (ArgumentError, "got 1.5 at index", lambda g: g.bernoulli([[0.5, 1.5]])),
        (DTypeError, "got int64", lambda g: g.bernoulli([0, 1])),
        (ArgumentError, r"p must lie in \[0, 1\], got nan", lambda g: g.keep_mask(np.nan, 3)),
        (ShapeError, r"got shape \(1, 1, 2\)", lambda g: g.multinomial([[[0.5, 0.5]]], 1)),
        (DTypeError, "got int64", lambda g: g.multinomial([1, 2], 1)),
        (ArgumentError, "num_samples must be positive", lambda g: g.multinomial([0.5], 0)),
        (ArgumentError, "cannot take 3 of 2", lambda g: g.multinomial([0.5, 0.5], 3)),
        (ArgumentError, "got -1.0 at index", lambda g: g.multinomial([0.5, -1.0], 1)),
        (ArgumentError, "got nan at index", lambda g: g.multinomial([0.5, np.nan], 1, True)),
        (ArgumentError, "positive sum", lambda g: g.multinomial([[1.0, 0], [0, 0]], 1)),
        (ArgumentError, "non-negative, got -1.0", lambda g: g.poisson([2.0, -1.0])),
        (ArgumentError, "non-negative, got nan", lambda g: g.poisson([np.nan])),
        (ArgumentError, "finite, got inf", lambda g: g.poisson([np.inf])),
        (DTypeError, "got int64", lambda g: g.poisson([1])),
        (DTypeError, "got int64", lambda g: g.binomial([1], [0.5])),
        (ArgumentError, "count must be finite", lambda g: g.binomial([np.nan], [0.5])),
        (DTypeError, "float64", lambda g: g.binomial(np.float32(1), np.float64(0.5))),
        (ShapeError, "broadcast", lambda g: g.binomial([1.0, 1.0], [0.5, 0.5, 0.5])),
        (ArgumentError, "negative epoch or index", lambda g: sample_rng(0, -1, 0)),
    ],
)
def test_errors_say_what_is_wrong_and_leave_the_stream_alone(
    error: type[Exception], words: str, act: Callable[[Generator], object]
):
    g = Generator().manual_seed(1)
    state = g.get_state()
    with pytest.raises(error, match=words):
        act(g)
    np.testing.assert_array_equal(g.get_state(), state)


# --- the default generator, and the streams of samples -----------------------------------------


def test_the_module_functions_use_the_default_generator():
    assert random.manual_seed(3) is random.default_generator
    assert random.initial_seed() == 3
    first = random.or_default(None).uniform(3)
    random.set_rng_state(Generator().manual_seed(3).get_state())
    np.testing.assert_array_equal(random.default_generator.uniform(3), first)
    own = Generator()
    assert random.or_default(own) is own


def test_seed_is_new_each_time_and_can_be_set_again():
    a, b = random.seed(), random.seed()
    assert a != b
    assert random.initial_seed() == b
    first = random.default_generator.raw32(3)
    np.testing.assert_array_equal(random.manual_seed(b).raw32(3), first)


def test_an_unseeded_generator_starts_from_pytorchs_seed():
    assert Generator().initial_seed() == 67280421310721


def test_fork_rng_restores_the_default_generator_even_after_an_error():
    state = random.get_rng_state()
    with pytest.raises(KeyError), random.fork_rng():
        random.seed()
        raise KeyError
    np.testing.assert_array_equal(random.get_rng_state(), state)
    with random.fork_rng(enabled=False):
        random.manual_seed(99)
    assert random.initial_seed() == 99


def test_sample_streams_are_fixed_forever():
    # Philox is specified; were one of these to change, augmented runs could not be repeated.
    assert sample_rng(0, 0, 0).bit_generator.random_raw() == 213000021201967259
    assert sample_rng(-1, 3, 41).bit_generator.random_raw() == 12187980139356966802


def test_sample_streams_differ_in_every_part_of_their_key():
    keys = [(s, e, i) for s in (0, 1, -1) for e in range(4) for i in range(50)]
    firsts = {tuple(sample_rng(*key).bit_generator.random_raw(2)) for key in keys}
    assert len(firsts) == len(keys)


def test_sample_streams_are_uniform_across_neighbouring_samples():
    firsts = np.array([sample_rng(0, 0, i).random() for i in range(4000)])
    assert np.histogram(firsts, 8, (0, 1))[0] == pytest.approx(np.full(8, 500), abs=90)
    assert np.corrcoef(firsts[:-1], firsts[1:])[0, 1] == pytest.approx(0, abs=0.06)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_child_that_is_forked_during_a_draw_can_draw():
    """In a process of its own: a fork copies everything, pytest too."""
    code = """
import os, threading, time, warnings
import numpy as np
import dlframe as dl
warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads, from 3.12 on
other = dl.Generator()
going = True
def draw():
    while going:
        dl.random.default_generator.raw32(300_000)
        dl.random.default_generator.normal(100_000)
        other.uniform(100_000)
        dl.Generator().manual_seed(3)
threads = [threading.Thread(target=draw) for _ in range(2)]
for thread in threads:
    thread.start()
for _ in range(12):
    child = os.fork()
    if child == 0:
        dl.random.default_generator.normal(20)
        dl.random.default_generator.raw32(5_000)
        other.uniform(3)
        dl.manual_seed(0)
        os._exit(0 if abs(dl.rand(1).item() - 0.4963) < 1e-4 else 1)
    deadline = time.monotonic() + 20
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < deadline:
        time.sleep(0.001)
    if ended[0] == 0:
        os.kill(child, 9)
    print(ended[1] if ended[0] else "hangs")
going = False
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0"] * 12
    assert done.stderr == ""
