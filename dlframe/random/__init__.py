"""Random numbers, equal to those of PyTorch's CPU generator.

After the same `manual_seed`, a `Generator` gives the numbers that PyTorch 2.13 gives on a CPU, so
initial weights, shuffles and dropout masks are the same. Its methods return ndarrays.
`generator=None`, here and elsewhere, means `default_generator`, which `manual_seed` seeds.

All numbers come from one stream, the Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998),
32 bits a draw; a 64-bit draw is two of them, the high word first. Each distribution uses them thus:

===============  ================================================================================
`uniform`        float32: the low 24 bits of a draw · 2⁻²⁴; float64: the low 53 bits of 64 · 2⁻⁵³
`normal`         Box–Muller: 16 values and more in blocks of 16, fewer in pairs
`randint`        low + draw mod (high − low); a range of 2²⁸ or more takes 64-bit draws
`random`         draw mod (the dtype's maximum + 1): PyTorch's `random_()`
`randperm`       Fisher–Yates from the front: swap i with i + draw mod (n − i)
`bernoulli`      uniform < p, in p's dtype
`keep_mask`      float64 uniform < p: PyTorch's `bernoulli_(p)` for a number p, and its dropout
`multinomial`    several with replacement: where float64 uniforms fall among the cumulative
                 sums; without replacement, or a single one: the largest p / exponential
`poisson`        products of uniforms, or transformed rejection, one value after the other
`binomial`       sums of geometric gaps, or transformed rejection
the rest         the inverse distribution function of a float64 uniform, rounded to the dtype
===============  ================================================================================

Which numbers are equal to PyTorch's, and where that depends on the build:

- On every build: `uniform` on [0, 1), integers, permutations, `bernoulli`, `keep_mask`, `poisson`,
  `binomial`, the state; `multinomial`, unless candidates tie to the last bit (a single
  one, or without replacement, from many float32).
- To rounding: `normal`, `log_normal`, `exponential`, `cauchy` (and `geometric` next to an integer),
  since every build of PyTorch and of NumPy has its own `log`, `sin` and `cos`.
- `uniform` on another [low, high) is x · (high − low) + low, in float32 rounded once: PyTorch on
  x86 with AVX2 (a fused multiply-add); without it PyTorch rounds twice. NumPy cannot fuse in
  float64: there the last bit can differ.
- PyTorch 2.13 does not use the generator of Intel's MKL. Versions up to 2.4 or so, if built with
  MKL and run on an Intel processor, took `bernoulli_(p)`, dropout, `exponential_` and `multinomial`
  from it, and its numbers repeated. They are not reproduced here.

Methods are atomic, so threads may share a generator; but then it depends on chance which thread
gets which numbers. `sample_rng` gives every sample a separate stream instead.
"""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.random.default import (
        default_generator,
        fork_rng,
        get_rng_state,
        initial_seed,
        manual_seed,
        or_default,
        seed,
        set_rng_state,
    )
    from dlframe.random.generator import Generator
    from dlframe.random.samples import sample_rng

__all__ = [
    "Generator",
    "default_generator",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "or_default",
    "sample_rng",
    "seed",
    "set_rng_state",
]

lazily(__name__)
