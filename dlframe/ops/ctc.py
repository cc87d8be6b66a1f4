"""Connectionist temporal classification (Graves et al. 2006): the loss of an unaligned sequence.

A network says at each time how likely each label is, or none (the blank). An alignment is a path of
labels, one per time, that becomes the target when repeats are joined and blanks are dropped. The
probability of the target is the sum over all alignments, which are far too many to list.

The states of the lattice are the labels of the target with a blank before, between and behind:
"cat" has the states -c-a-t-. A path stays in its state, goes to the next one, or jumps over a blank
between two different labels. So the sum over all paths that end in a state is known from
those one time earlier; `log_alpha` runs through the lattice once, in logarithms.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.errors import GradientError
from dlframe.ops.op import op
from dlframe.ops.record import Array

__all__ = ["ctc_gradient", "ctc_loss"]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)

NEVER = -1e290  # the logarithm of 0: with a finite number no difference of two is nan


@op(latex=r"-\ln \sum_{\pi} \prod_t e^{x_{t, \pi_t}}")
def ctc_loss(
    x, *, targets, input_lengths, target_lengths, blank=0, zero_infinity=False
):  # fmt: skip
    """-log of the sum over all alignments, for each sequence.

    Args:
        x: log-probabilities (T, N, C).
        targets: labels (N, S); what lies behind the length of a target is not read.
        input_lengths, target_lengths: (N,), how many times and labels of each sequence count.
        blank: the label that stands for none.
        zero_infinity: give 0 instead of infinity if there is no alignment.
    """
    return _forward(
        x,
        targets=targets,
        input_lengths=input_lengths,
        target_lengths=target_lengths,
        blank=blank,
        zero_infinity=zero_infinity,
    )[0]


@ctc_loss.fast_forward
def _forward(x, *, targets, input_lengths, target_lengths, blank=0, zero_infinity=False):
    lattice = Lattice(x, targets, input_lengths, target_lengths, blank)
    loss = lattice.loss
    given = np.where(np.isinf(loss), 0.0, loss) if zero_infinity else loss
    return given.astype(x.dtype), lattice


@ctc_loss.vjp("x", latex=r"g \left(e^{x_{t k}} - \gamma_{t k}\right)")
def _(g, x, *, targets, input_lengths, target_lengths, blank, zero_infinity):
    # γ, the probability that a path has label k at time t; see `ctc_gradient`
    return ctc_gradient(
        g,
        x,
        targets=targets,
        input_lengths=input_lengths,
        target_lengths=target_lengths,
        blank=blank,
        zero_infinity=zero_infinity,
    )


@ctc_loss.fast_backward
def _(g, needs, x, residuals, *, zero_infinity):
    return (_gradient(g, x, residuals, zero_infinity),)


@op(latex=r"x \left(e^{y_{t k}} - \gamma_{t k}\right)")
def ctc_gradient(x, y, *, targets, input_lengths, target_lengths, blank=0, zero_infinity=False):
    """The gradient of `ctc_loss` for the gradient x (N,) of its result, at log-probabilities y.

    The derivative with respect to y is -γ. As in PyTorch, the gradient is that with respect to the
    scores before the log-softmax, e^y - γ: it sums to 0 over the labels, so that the
    rule of log_softmax lets it through unchanged.
    """
    lattice = Lattice(y, targets, input_lengths, target_lengths, blank)
    return _gradient(x, y, lattice, zero_infinity)


@ctc_gradient.vjp("x", latex=r"\mathrm{undefined}")
@ctc_gradient.vjp("y", latex=r"\mathrm{undefined}")
def _(g):
    raise GradientError(
        "ctc_loss: it has no second derivative (the derivative of its backward is not implemented, "
        "neither in PyTorch); do not differentiate a gradient of it"
    )


def _gradient(g, x, lattice, zero_infinity):
    times, n, classes = x.shape
    rows = np.arange(times * n).reshape(times, n, 1) * classes
    places = (rows + lattice.states).ravel()
    gamma = np.bincount(places, lattice.occupancy().ravel(), times * n * classes)
    slope = np.exp(x, dtype=np.float64) - gamma.reshape(x.shape)
    slope *= g[:, None]
    past = np.arange(times)[:, None] >= lattice.input_lengths
    impossible = np.isinf(lattice.loss)
    if impossible.any():
        slope[:, impossible] = 0.0 if zero_infinity else np.nan
    slope[past] = 0.0
    return slope.astype(x.dtype)


# --- the lattice -------------------------------------------------------------------------------


class Lattice:
    """All alignments of a batch, as paths from state to state, with their probabilities.

    Attributes:
        states: the labels of the states, (N, 2 S + 1): blanks with the target's labels in between.
        emitted: the log-probability of the label of a state at a time, (T, N, 2 S + 1).
        alpha: the logarithm of the sum over all paths that are in a state at a time.
        loss: -log of the sum over all paths that end in the last label or in the blank behind it.
    """

    def __init__(
        self, x: Array, targets: Array, input_lengths: Array, target_lengths: Array, blank: int
    ) -> None:
        self.input_lengths, self.target_lengths = input_lengths, target_lengths
        self.states = states = np.full((len(targets), 2 * targets.shape[1] + 1), blank, np.int64)
        states[:, 1::2] = targets
        # a jump from s - 2 to s passes over a blank between different labels
        self.jumps = np.zeros(states.shape, bool)
        self.jumps[:, 3::2] = targets[:, 1:] != targets[:, :-1]
        (times, n, classes), of = x.shape, np.arange(len(states))[:, None]
        emitted = x.reshape(times, n * classes).take(of * classes + states, axis=1)
        self.emitted = np.maximum(emitted, NEVER, dtype=np.float64)
        self.dtype = np.result_type(x.dtype, np.float32)
        self.alpha = log_alpha(self.emitted, self.jumps, self.dtype)
        self.loss = self._loss()

    def _loss(self) -> Array:
        times, labels = self.input_lengths, self.target_lengths
        alone = np.where(labels == 0, 0.0, np.inf)  # what no times cost
        if not len(self.alpha):
            return alone
        end = self.alpha[times - 1, np.arange(len(times))]
        ends = np.stack([2 * labels, (2 * labels - 1).clip(0)], 1)
        last = np.take_along_axis(end, ends, axis=1)
        last[labels == 0, 1] = NEVER
        loss = -np.logaddexp(last[:, 0], last[:, 1])
        return np.where(times == 0, alone, np.where(loss > -NEVER / 2, np.inf, loss))

    def occupancy(self) -> Array:
        """γ: how probable it is that a path of the target is in a state at a time.

        α counts the ways from the beginning, and β those to the end. β is the α of the sequence
        and the target read backwards. Both contain the label at time t, so one must go:
        γ = α β / p_t, divided by the sum over all paths.
        """
        (times, n, count), lengths = self.alpha.shape, self.input_lengths
        t, s = np.arange(times)[:, None], np.arange(count)
        outside = (t >= lengths)[:, :, None] | (s > 2 * self.target_lengths[:, None])
        # where each time and state is, read backwards; those behind the end go anywhere
        t = (lengths - 1 - t) % max(times, 1)
        s = (2 * self.target_lengths[:, None] - s) % count
        back = (t * n + np.arange(n))[:, :, None] * count + s
        jumps = np.zeros_like(self.jumps)
        jumps[:, 2:] = np.take_along_axis(self.jumps, s[:, :-2], axis=1)
        gamma = log_alpha(self.emitted.take(back), jumps, self.dtype).take(back)  # β
        gamma += self.alpha
        gamma -= self.emitted
        gamma += np.where(np.isinf(self.loss), 0.0, self.loss)[:, None]
        gamma[outside] = NEVER
        occupancy: Array = np.exp(gamma, out=gamma)
        return occupancy


def log_alpha(emitted: Array, jumps: Array, dtype: Any) -> Array:
    """The logarithms of Σ over the paths that are in a state at a time.

    α_t(s) = p_t(s) (α_{t-1}(s) + α_{t-1}(s - 1) + α_{t-1}(s - 2)), the last only where `jumps` is.
    Logarithms are added in float64; `dtype` is that of the exponentials in between.
    """
    times, n, count = emitted.shape
    alpha = np.full((times, n, count + 2), NEVER)  # with two states in front that no path visits
    alpha[:1, :, 2:4] = emitted[:1, :, :2]
    windows = np.lib.stride_tricks.sliding_window_view(alpha, count, axis=2).swapaxes(1, 2)
    barred = np.zeros((3, n, count))  # on the way from s - 2, s - 1 and s
    barred[0][~jumps] = NEVER
    ways, shares = np.empty((3, n, count)), np.empty((3, n, count), dtype)
    largest, total = np.empty((n, count)), np.empty((n, count), dtype)
    for t in range(1, times):
        np.add(windows[t - 1], barred, out=ways)
        np.maximum.reduce(ways, axis=0, out=largest)
        np.subtract(ways, largest, out=shares, casting="same_kind")
        np.exp(shares, out=shares)
        np.add.reduce(shares, axis=0, out=total)
        np.log(total, out=total)
        largest += emitted[t]
        np.add(largest, total, out=alpha[t, :, 2:])
    return alpha[:, :, 2:]
