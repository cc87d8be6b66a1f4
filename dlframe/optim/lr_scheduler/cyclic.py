"""The schedules that rise and fall: triangles, one cycle, and cosines with restarts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar, Literal

from dlframe import states
from dlframe.errors import StateDictError
from dlframe.optim.lr_scheduler.functions import attributes_of, has_attributes
from dlframe.optim.lr_scheduler.momentum import MovesMomentum, for_each_group
from dlframe.optim.lr_scheduler.scheduler import LRScheduler, PerGroup, Rate, flagged, set_lr
from dlframe.optim.optimizer import Optimizer
from dlframe.optim.options import rate

__all__ = ["CosineAnnealingWarmRestarts", "CyclicLR", "OneCycleLR"]


class CyclicLR(MovesMomentum):
    """γ rises from `base_lr` to `max_lr` and falls again, in cycles of straight lines.

    With x from 0 to 1 and back to 0 in each cycle, and s the scale of cycle k or step t::

        γ = base_lr + (max_lr − base_lr) x s        momentum = max − (max − base) x s

        triangular   s = 1
        triangular2  s = 1 / 2ᵏ⁻¹,  k = 1, 2, ...
        exp_range    s = gammaᵗ

    Smith, "Cyclical Learning Rates for Training Neural Networks" (2017). A step is a batch.

    Args:
        optimizer: whose learning rates are changed.
        base_lr: the lowest rate, one for all groups or a list with one per group.
        max_lr: the highest rate, likewise.
        step_size_up: the steps of the rise.
        step_size_down: the steps of the fall; as many by default.
        mode: one of the three above; without effect if there is a `scale_fn`.
        gamma: of "exp_range".
        scale_fn: your own s, a function of k or t.
        scale_mode: whether `scale_fn` gets the number of the "cycle", from 1, or of the step
            ("iterations").
        cycle_momentum: move momentum, or β₁, against the rate: it is low where γ is high.
        base_momentum: the lowest momentum, one for all groups or a list.
        max_momentum: the highest, likewise.
        last_epoch: see `LRScheduler`.

    Raises:
        ValueError: an unknown mode, lists of another length than there are groups, or an optimizer
            without momentum where `cycle_momentum` is on.

    >>> optimizer = optim.SGD([nn.Parameter(dl.zeros(1))], lr=1.0, momentum=0.9)
    >>> scheduler = optim.lr_scheduler.CyclicLR(optimizer, 0.0, 1.0, 2, mode="triangular2")
    >>> [rate for (rate,) in scheduler.course(9)]
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.25, 0.5, 0.25, 0.0]
    >>> [round(momentum, 2) for (momentum,) in scheduler.course(5, option="momentum")]
    [0.9, 0.85, 0.8, 0.85, 0.9]
    """

    _state_forms: ClassVar[dict[str, states.Form]] = {
        "max_lrs": PerGroup(rate),
        "total_size": states.positive,
        "step_ratio": states.positive,
        "mode": states.text,
        "gamma": states.number,
        "_scale_fn_custom": states.optional(states.mapping(states.plain)),
        "scale_mode": states.text,
        "base_momentums": PerGroup(rate),
        "max_momentums": PerGroup(rate),
    }

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: Literal["triangular", "triangular2", "exp_range"] = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: Literal["cycle", "iterations"] = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float = 0.8,
        max_momentum: float = 0.9,
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        base_lrs = for_each_group("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for group, lowest in zip(optimizer.param_groups, base_lrs, strict=True):
                set_lr(group, lowest)
        self.max_lrs = for_each_group("max_lr", optimizer, max_lr)
        up = float(step_size_up)
        down = up if step_size_down is None else float(step_size_down)
        self.total_size = up + down
        self.step_ratio = up / self.total_size
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError(
                "mode is invalid and scale_fn is None; mode is one of 'triangular', 'triangular2' "
                f"and 'exp_range', but got {mode!r}"
            )
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode: str = scale_mode
        if scale_fn is None:
            self.scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.base_momentums, self.max_momentums = self._begin_momentum(
                optimizer, base_momentum, max_momentum, last_epoch
            )
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """The scale of a cycle, or of a step, whichever `scale_mode` says."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular":
            return 1.0
        return 1 / 2.0 ** (x - 1) if self.mode == "triangular2" else float(self.gamma**x)

    def get_lr(self) -> list[Rate]:
        self._check_caller()
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle  # the share of this cycle
        rising = x <= self.step_ratio
        height = x / self.step_ratio if rising else (x - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            ends = zip(self.base_momentums, self.max_momentums, strict=True)
            for group, (low, high) in zip(self.optimizer.param_groups, ends, strict=True):
                self._set_momentum(group, high - (high - low) * height * scale)
        return [
            low + (high - low) * height * scale
            for low, high in zip(self.base_lrs, self.max_lrs, strict=True)
        ]

    def state_dict(self) -> dict[str, Any]:
        state = super().state_dict()
        f = state.pop("_scale_fn_custom")
        state["_scale_fn_custom"] = None if f is None else attributes_of(f)
        return state

    def _take_over(self, state: dict[str, Any]) -> None:
        saved = state.pop("_scale_fn_custom")
        if saved is not None:
            if not has_attributes(self._scale_fn_custom):
                raise ValueError("the state has a scale_fn with attributes, this schedule none")
            self._scale_fn_custom.__dict__.update(saved)
        super()._take_over(state)

    def _state_holders(self) -> list[Any]:
        f = self._scale_fn_custom
        return [self, f] if f is not None and has_attributes(f) else [self]


_PHASE_OPTIONS = ("initial_lr", "max_lr", "min_lr", "max_momentum", "base_momentum")
_PHASES = "OneCycleLR.load_state_dict, _schedule_phases"
_PHASE_NAMES = ("start_lr", "end_lr", "start_momentum", "end_momentum")


def _phase_form(value: Any) -> dict[str, Any]:
    """A phase of a saved state."""
    forms: dict[str, states.Form] = dict.fromkeys(_PHASE_NAMES, states.one_of(*_PHASE_OPTIONS))
    return states.take(value, _PHASES, end_step=states.number, **forms)


def _phases_form(value: Any) -> list[dict[str, Any]]:
    """The phases of a saved state."""
    phases: list[dict[str, Any]] = states.listed(_phase_form)(value)
    if not phases:
        raise StateDictError(f"{_PHASES}: expected at least one phase, got none")
    return phases


class OneCycleLR(MovesMomentum):
    """γ rises from `max_lr / div_factor` to `max_lr` and falls nearly to 0, once in a training.

    Two phases, from initial to maximal and from there to minimal, or three of them, the second
    back to the initial rate and the third down to the minimal one::

        initial = max_lr / div_factor        minimal = initial / final_div_factor
        cos     γ = end + (start − end) (1 + cos πp) / 2
        linear  γ = start + (end − start) p

    with p the share of the phase that is over. Momentum, or β₁, goes the other way. Smith and
    Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates"
    (2018). A step is a batch. `total_steps` has to be the number of steps of the training.

    Args:
        optimizer: whose learning rates are changed; its own rate has no effect.
        max_lr: the highest rate, one for all groups or a list with one per group.
        total_steps: of the whole training.
        epochs: with `steps_per_epoch`, another way to say it.
        steps_per_epoch: the number of batches.
        pct_start: the share of the rise, from 0 to 1.
        anneal_strategy: "cos" or "linear".
        cycle_momentum: move momentum, or β₁, against the rate.
        base_momentum: the lowest momentum, one for all groups or a list.
        max_momentum: the highest, likewise.
        div_factor: how many times lower the first rate is than the highest.
        final_div_factor: how many times lower the last rate is than the first.
        three_phase: fall to the first rate as fast as it rose, and then to the last one.
        last_epoch: see `LRScheduler`.

    Raises:
        ValueError: no number of steps, or not a positive int; another strategy; a share outside of
            0 to 1; an optimizer without momentum where `cycle_momentum` is on; and in `step`, more
            steps than `total_steps`.

    >>> optimizer = optim.SGD([nn.Parameter(dl.zeros(1))], lr=1.0, momentum=0.9)
    >>> scheduler = optim.lr_scheduler.OneCycleLR(
    ...     optimizer, max_lr=1.0, total_steps=6, pct_start=0.5, anneal_strategy="linear"
    ... )
    >>> [round(rate, 2) for (rate,) in scheduler.course(6)]
    [0.04, 0.52, 1.0, 0.67, 0.33, 0.0]
    """

    _state_forms: ClassVar[dict[str, states.Form]] = {
        "total_steps": states.integer(1),
        "_schedule_phases": _phases_form,
        "_anneal_func_type": states.one_of("cos", "linear"),
    }

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        self.total_steps = _number_of_steps(total_steps, epochs, steps_per_epoch)
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase=three_phase)
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        self._anneal_func_type = anneal_strategy
        max_lrs = for_each_group("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for group, highest in zip(optimizer.param_groups, max_lrs, strict=True):
                group["initial_lr"] = highest / div_factor
                group["max_lr"] = highest
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._begin_momentum(optimizer, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        self._check_caller()
        if self.last_epoch > self.total_steps:
            raise ValueError(
                f"Tried to step {self.last_epoch} times. The specified number of total steps is "
                f"{self.total_steps}. Pass the number of all steps of the training, epochs times "
                "batches."
            )
        phase, share = self._phase()
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._between(group, phase["start_lr"], phase["end_lr"], share))
            if self.cycle_momentum:
                names = phase["start_momentum"], phase["end_momentum"]
                self._set_momentum(group, self._between(group, *names, share))
        return rates

    def _checked_state(self, state_dict: dict[str, Any]) -> dict[str, Any]:
        state = super()._checked_state(state_dict)
        if state["last_epoch"] > state["total_steps"]:
            raise StateDictError(
                f"OneCycleLR.load_state_dict: 'last_epoch' is {state['last_epoch']}, after the "
                f"last of {state['total_steps']} steps"
            )
        return state

    def _phase(self) -> tuple[dict[str, Any], float]:
        """The phase of this step, and the share of it that is over."""
        start = 0.0
        for phase in self._schedule_phases[:-1]:
            if self.last_epoch <= phase["end_step"]:
                break
            start = phase["end_step"]
        else:
            phase = self._schedule_phases[-1]
        length = phase["end_step"] - start
        # a share of the rise that is shorter than a step leaves a phase without steps: it is over
        return phase, (self.last_epoch - start) / length if length else 1.0

    def _between(self, group: dict[str, Any], start: str, end: str, share: float) -> Any:
        a, b = group[start], group[end]
        if self._anneal_func_type == "cos":
            return b + (a - b) / 2.0 * (1 + math.cos(math.pi * share))
        return (b - a) * share + a


def _number_of_steps(total: Any, epochs: Any, steps_per_epoch: Any) -> int:
    if total is not None:
        given = {"total_steps": total}
    elif epochs is not None and steps_per_epoch is not None:
        given = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
    else:
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    for name, value in given.items():
        if not isinstance(value, int) or value <= 0:
            raise ValueError(f"Expected positive integer {name}, but got {value}")
    return math.prod(given.values())


def _phases(total: int, rise: float, *, three_phase: bool) -> list[dict[str, Any]]:
    """Where each phase ends, and the options of a group that it leads from and to."""

    def phase(end: float, lr: tuple[str, str], momentum: tuple[str, str]) -> dict[str, Any]:
        return {
            "end_step": end,
            "start_lr": lr[0],
            "end_lr": lr[1],
            "start_momentum": momentum[0],
            "end_momentum": momentum[1],
        }

    down, up = ("max_momentum", "base_momentum"), ("base_momentum", "max_momentum")
    first = phase(float(rise * total) - 1, ("initial_lr", "max_lr"), down)
    if not three_phase:
        return [first, phase(total - 1, ("max_lr", "min_lr"), up)]
    high = ("max_momentum", "max_momentum")
    return [
        first,
        phase(float(2 * rise * total) - 2, ("max_lr", "initial_lr"), up),
        phase(total - 1, ("initial_lr", "min_lr"), high),
    ]


class CosineAnnealingWarmRestarts(LRScheduler):
    """γ falls along half a cosine to `eta_min`, jumps back and falls again, each time for longer.

    γₜ = γ_min + ½ (γ₀ − γ_min) (1 + cos(π t / Tᵢ)), t counted from the last restart; T₀ = `T_0`,
    and Tᵢ₊₁ = `T_mult` Tᵢ. Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm
    Restarts" (2017), equation 5.

    Args:
        optimizer: whose learning rates are changed.
        T_0: the steps to the first restart.
        T_mult: by what the length grows with each restart.
        eta_min: the lowest rate.
        last_epoch: see `LRScheduler`.

    Raises:
        ValueError: `T_0` or `T_mult` is not an int of 1 or more; `eta_min` is not a number.

    `step` takes parts of an epoch: `scheduler.step(epoch + batch / batches)` after each batch.

    >>> optimizer = optim.SGD([nn.Parameter(dl.zeros(1))], lr=1.0)
    >>> scheduler = optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2, T_mult=2)
    >>> [round(rate, 2) for (rate,) in scheduler.course(8)]
    [1.0, 0.5, 1.0, 0.85, 0.5, 0.15, 1.0, 0.96]
    """

    _state_forms: ClassVar[dict[str, states.Form]] = {
        "T_0": states.integer(1),
        "T_i": states.integer(1),
        "T_mult": states.integer(1),
        "eta_min": states.number,
        "T_cur": states.number,
    }

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(T_0, int) or T_0 <= 0:
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if not isinstance(T_mult, int) or T_mult < 1:
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, (float, int)):
            raise ValueError(
                f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}"
            )
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        self._check_caller()
        low, share = self.eta_min, self.T_cur / self.T_i
        return [
            low + (base_lr - low) * (1 + math.cos(math.pi * share)) / 2 for base_lr in self.base_lrs
        ]

    def step(self, epoch: float | None = None) -> None:
        """Set the next learning rates.

        Args:
            epoch: jump to this step, which may lie between two whole ones.

        Raises:
            ValueError: a negative step.
        """
        if epoch is not None and epoch < 0:
            raise ValueError(f"Expected non-negative epoch, but got {epoch}")
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        elif epoch is None and not self._is_initial:
            self._note_step(first=not self._order.used)
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        elif epoch < self.T_0:
            self.T_i, self.T_cur = self.T_0, epoch
        elif self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        else:  # the restarts lie at T₀ (Mⁿ − 1) / (M − 1)
            n = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_cur = epoch - self.T_0 * (self.T_mult**n - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * self.T_mult**n
        self._order.used = True
        self.last_epoch = math.floor(epoch)
        with flagged(self, "_get_lr_called_within_step"):
            values = self.get_lr()
        self._use(values)
