"""Takes a batch apart, and brings the inputs to the dtype that the model computes with."""

from __future__ import annotations

import inspect
import itertools
import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from dlframe import dtypes
from dlframe.autograd import no_grad
from dlframe.errors import ArgumentError, DTypeError, ShapeError, did_you_mean
from dlframe.nn import Embedding, EmbeddingBag, Module
from dlframe.nn.modes import evaluating
from dlframe.nn.parameter import is_lazy
from dlframe.tensor import Tensor
from dlframe.training.data.arrays import as_tensor, is_array, is_nest, mapped
from dlframe.training.data.data_forms import KEYS
from dlframe.training.random_state import random_state, set_random_state

Call = Callable[..., Any]


class Taken(NamedTuple):
    """How many arguments a function takes by position, and which names it takes."""

    least: int
    most: float
    names: frozenset[str]
    any_name: bool

    def fits(self, number: int) -> bool:
        return self.least <= number <= self.most


def taken_by(function: Call) -> Taken:
    """What a function takes, as its signature says; anything, where there is none to read."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return Taken(0, math.inf, frozenset(), True)
    kinds = inspect.Parameter
    named = [
        p for p in parameters if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)
    ]
    least = sum(p.default is kinds.empty for p in named)
    most = math.inf if any(p.kind is kinds.VAR_POSITIONAL for p in parameters) else len(named)
    names = [
        p.name for p in parameters if p.kind in (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY)
    ]
    any_name = any(p.kind is kinds.VAR_KEYWORD for p in parameters)
    return Taken(least, most, frozenset(names), any_name)


# --- taking a batch apart ----------------------------------------------------------------------


class Parts:
    """Which parts of a batch are inputs, target and weight, by name or by position.

    Args:
        inputs, target, weight: keys of a dict, or positions in a tuple; `inputs` may be a list of
            them, or a dict from the arguments of the model to them. None where the batch's form
            says it.
    """

    def __init__(self, owner: str, inputs: Any, target: Any, weight: Any, own_loss: bool) -> None:
        if target is not None and inputs is None:
            raise ArgumentError(
                f"{owner}: target={target!r} says where in a batch the target is; say it of the "
                "inputs, too: inputs="
            )
        if inputs is not None and target is None and not own_loss:
            raise ArgumentError(
                f"{owner}: inputs={inputs!r} says where in a batch the inputs are; say it of the "
                "target, too: target="
            )
        if weight is not None and inputs is None:
            raise ArgumentError(f"{owner}: weight={weight!r} goes with inputs= and target=")
        self.owner, self.own_loss = owner, own_loss
        self.inputs, self.target, self.weight = inputs, target, weight

    @property
    def are_named(self) -> bool:
        """Whether the user said what is what, so that no form of a batch has to say it."""
        return self.inputs is not None

    def of(self, batch: Any, taken: Taken) -> tuple[Any, Any, Any]:
        """Inputs (a list, or a dict of arguments), target and weight of a batch."""
        if self.are_named:
            parts = self._named(batch)
            inputs = self._inputs(parts, taken)
            target = None if self.target is None else self._pick(parts, self.target, "target")
            weight = None if self.weight is None else self._pick(parts, self.weight, "weight")
            return inputs, target, weight
        if isinstance(batch, Mapping):
            if self.own_loss:
                return dict(batch), None, None
            if {"x", "y"} <= set(batch) <= set(KEYS):
                return spread(batch["x"], taken), batch["y"], batch.get("sample_weight")
            raise ArgumentError(
                f"{self.owner}: a batch is a dict with the keys {', '.join(map(repr, batch))}. Say "
                f"which of them are what: {self.owner}(…, inputs=…, target=…)"
            )
        if self.own_loss:
            parts = list(batch) if isinstance(batch, (tuple, list)) else [batch]
            whole = len(parts) == 1 and isinstance(parts[0], Mapping)
            return spread(parts[0] if whole else parts, taken), None, None
        return self._of_tuple(batch, taken)

    def _of_tuple(self, batch: Any, taken: Taken) -> tuple[Any, Any, Any]:
        if not isinstance(batch, (tuple, list)) or len(batch) < 2:
            what = (
                f"{len(batch)} parts" if isinstance(batch, (tuple, list)) else type(batch).__name__
            )
            raise ShapeError(
                f"{self.owner}: a batch must be (inputs, targets), and this one is {what}. Let the "
                "data set give pairs, say where the parts are (inputs=0, target=0 for an "
                f"autoencoder), or override {self.owner}.split"
            )
        *inputs, last = batch
        if len(batch) == 3 and is_nest(batch[0]):
            several, two = taken.fits(len(batch[0])), taken.fits(2)
            if several and two:
                raise ArgumentError(
                    f"{self.owner}: a batch of three parts, the first with {len(batch[0])} arrays, "
                    "may be (inputs, target, weight) or (input, input, target). Give dicts with "
                    f"the keys {', '.join(KEYS)}, or say inputs=, target= and weight="
                )
            if several or not two:
                return spread(batch[0], taken), batch[1], batch[2]
        if len(batch) == 3 and taken.most == 1:
            return [batch[0]], batch[1], batch[2]  # a second input would not be taken
        if len(batch) == 2:
            return spread(batch[0], taken) if is_nest(batch[0]) else inputs, last, None
        return inputs, last, None

    def _named(self, batch: Any) -> Any:
        if isinstance(batch, (Mapping, tuple, list)) and not is_array(batch):
            return batch
        return (batch,)

    def _pick(self, parts: Any, key: Any, what: str) -> Any:
        if isinstance(key, list):
            return [self._pick(parts, one, what) for one in key]
        if isinstance(key, Mapping):
            return {name: self._pick(parts, one, what) for name, one in key.items()}
        try:
            return parts[key]
        except (KeyError, IndexError, TypeError):
            pass
        if isinstance(parts, Mapping):
            hint = did_you_mean(key, map(str, parts))
            there = f"keys {', '.join(map(repr, parts))}"
        else:
            hint, there = "", f"{len(parts)} parts, which have no names"
            if isinstance(key, int):
                there = f"{len(parts)} parts, counted from 0"
        raise ArgumentError(
            f"{self.owner}: {what}={key!r}, and the batch has {there}.{hint}"
        ) from None

    def _inputs(self, parts: Any, taken: Taken) -> Any:
        names = self.inputs
        if isinstance(names, Mapping):
            return self._pick(parts, names, "inputs")
        if isinstance(names, (list, tuple)):
            picked = self._pick(parts, list(names), "inputs")
            if all(isinstance(name, str) and name in taken.names for name in names):
                return dict(zip(names, picked, strict=True))
            return picked
        return spread(self._pick(parts, names, "inputs"), taken)

    def inputs_of(self, batch: Any, taken: Taken) -> Any:
        """The model's inputs of a batch, whether it has a target or not."""
        if self.are_named and self._has_all(batch):
            return self._inputs(self._named(batch), taken)
        if isinstance(batch, Mapping):
            return spread(batch["x"] if {"x"} <= set(batch) <= set(KEYS) else batch, taken)
        if isinstance(batch, (tuple, list)) and not is_array(batch):
            parts = list(batch)
            if len(parts) == 1 or taken.least == len(parts) or self.own_loss:
                return spread(parts[0] if len(parts) == 1 else parts, taken)
            return self._of_tuple(parts, taken)[0]
        return [batch]

    def _has_all(self, batch: Any) -> bool:
        parts = self._named(batch)
        try:
            self._pick(parts, self.inputs, "inputs")
        except ArgumentError:
            # an array alone stands for the only input
            if isinstance(batch, Mapping):
                raise
            return False
        return True


def spread(value: Any, taken: Taken) -> Any:
    """The arguments of a call: a nest becomes several, if the function takes so many."""
    if isinstance(value, Mapping) and is_nest(value):
        named = all(isinstance(key, str) for key in value)
        if named and (taken.any_name or set(value) <= taken.names):
            return dict(value)
        return [value]
    if is_nest(value) and taken.fits(len(value)):
        return list(value)
    return [value]


# --- the dtype of the inputs -------------------------------------------------------------------


class InputForm:
    """Brings inputs to the dtype of the model; integers stay what they are if the model takes them.

    Args:
        scale: a factor for inputs of integers that become floats, such as 1 / 255 for bytes.
    """

    def __init__(self, scale: float | None) -> None:
        if scale is not None and not (
            isinstance(scale, (int, float)) and math.isfinite(scale) and scale != 0
        ):
            raise ArgumentError(
                f"scale must be a number other than 0, such as 1 / 255; got {scale!r}"
            )
        self.scale = scale
        self._casts: dict[str, bool] = {}  # whether the integers of an input become floats
        self._dtype: tuple[Any, Any] | None = None
        self._model: Any = None
        self._tried: Any = None  # the model that numbers (N,) were tried with
        self._first: Any = None  # parameter of the model
        self.warned = False

    def bring(self, inputs: Any, model: Any, call: Call) -> Any:
        """The inputs as Tensors of the right dtypes."""
        dtype = self._dtype_of(model)
        if isinstance(inputs, list) and all(
            isinstance(one, Tensor) and one.array.dtype == dtype for one in inputs
        ):
            return inputs  # the usual case
        brought = mapped(as_tensor, inputs, "x")
        if dtype is None:
            return brought
        undecided = {
            name: leaf
            for name, leaf in _tensors(brought).items()
            if leaf.array.dtype.kind in "iub" and name not in self._casts
        }
        if undecided:
            self._decide(undecided, brought, model, dtype, call)
        return mapped(lambda leaf, name: self._one(leaf, name, dtype), brought, "x")

    def refuse_swallowed(self, inputs: Any, target: Any, model: Any, call: Call) -> None:
        """Raise ShapeError if the model takes the samples of the first batch, (N,), for features.

        Layers take one sample without a dimension of samples, too: N numbers, of which each is a
        sample, then are one sample with N features. If there are N targets, the sample is N. It is
        tried with one number less, which a model that takes them one by one takes as well.
        """
        if self._tried is model:
            return
        numbers = inputs[0] if isinstance(inputs, list) and len(inputs) == 1 else None
        if isinstance(numbers, Tensor) and numbers.ndim == 1 and isinstance(model, Module):
            size = len(numbers.array)
            targets = next(iter(_tensors(mapped(as_tensor, target, "y")).values()), None)
            one_each = targets is not None and tuple(targets.shape[:1]) == (size,)
            if (target is None or one_each) and _swallows(numbers, model, call):
                raise ShapeError(
                    f"x{[size]} may be {size} samples of one number, and the model takes it for "
                    f"one sample of {size} features. Give each sample a row: x[:, None] are "
                    "samples of one number, for a first layer of one feature; x[None] is one "
                    "sample, with one target"
                )
        self._tried = model

    def _one(self, leaf: Any, name: str, dtype: Any) -> Any:
        if not isinstance(leaf, Tensor) or leaf.dtype == dtype:
            return leaf
        kind = leaf.array.dtype.kind
        if kind == "f":
            return leaf.to(dtype)
        if not self._casts.get(name, False):
            return leaf
        return self.floats(leaf, name, dtype)

    def floats(self, leaf: Tensor, name: str, dtype: Any) -> Tensor:
        """Integers as floats, scaled; bytes that stay as large as they are cause a warning."""
        floats: Tensor = leaf.to(dtype)
        if self.scale is not None:
            return floats if self.scale == 1 else floats * self.scale
        is_bytes = leaf.array.dtype == np.uint8
        if is_bytes and not self.warned and leaf.array.size and leaf.array.max() > 1:
            self.warned = True
            warnings.warn(
                f"{name} holds bytes from {leaf.array.min()} to {leaf.array.max()}, which the "
                "model gets as they are; networks learn badly from such large numbers. Pass "
                "scale=1 / 255 to Trainer or Evaluator, or scale=1 if it is meant",
                stacklevel=2,
            )
        return floats

    def _dtype_of(self, model: Any) -> Any:
        """The one float dtype of the parameters; the default for none, None for several."""
        if self._model is not model:
            parameters = model.parameters() if isinstance(model, Module) else ()
            self._model, self._first = model, next(iter(parameters), None)
        first = self._first
        known = None if first is None else (first.dtype if not is_lazy(first) else "lazy")
        if self._dtype is None or self._dtype[0] != known or known == "lazy":
            found = {
                p.dtype: None
                for p in (model.parameters() if isinstance(model, Module) else ())
                if not is_lazy(p) and p.dtype.kind == "f"
            }
            one = next(iter(found)) if len(found) == 1 else None
            self._dtype = (known, one if found else dtypes.get_default_dtype())
            if not found and first is None:
                self._dtype = (known, None)
        return self._dtype[1]

    def _decide(
        self, undecided: dict[str, Tensor], inputs: Any, model: Any, dtype: Any, call: Call
    ) -> None:
        """Ask the model: does it take these integers, or must they be floats?

        It is called with two samples, in evaluation mode, without gradients.
        """
        names = list(undecided)
        looks_up = any(isinstance(part, (Embedding, EmbeddingBag)) for part in model.modules())
        if any(is_lazy(p) for p in model.parameters()):
            self._casts |= dict.fromkeys(names, not looks_up)
            return
        few = mapped(lambda leaf, _: leaf[:2] if _is_batch(leaf) else leaf, inputs, "x")
        most = names[:4]  # 16 ways are enough to try
        for casts in itertools.product((False, True), repeat=len(most)):
            choice = dict.fromkeys(names, False) | dict(zip(most, casts, strict=True))
            if _is_taken(few, choice, dtype, model, call):
                self._casts |= choice
                return
        # none works: let the true call say why
        self._casts |= dict.fromkeys(names, not looks_up)


def _swallows(numbers: Tensor, model: Module, call: Call) -> bool:
    """Whether the model takes all numbers together, and not one less."""
    size = len(numbers.array)
    fits = size > 1 and any(
        getattr(part, "in_features", None) == size
        or tuple(getattr(part, "normalized_shape", ())) == (size,)
        or any(map(is_lazy, part.parameters(recurse=False)))
        for part in model.modules()
    )
    return fits and not _fails(numbers, model, call) and _fails(numbers[: size - 1], model, call)


def _fails(numbers: Tensor, model: Any, call: Call) -> bool:
    """Whether the model cannot be called with these numbers, in evaluation mode."""
    saved = random_state()
    try:
        with evaluating(model), no_grad():
            call([numbers])
    except Exception:  # noqa: BLE001 - the true call raises it again, where it can be seen
        return True
    finally:
        set_random_state(saved)
    return False


def _is_batch(leaf: Any) -> bool:
    return isinstance(leaf, Tensor) and leaf.ndim > 0


def _is_taken(few: Any, choice: dict[str, bool], dtype: Any, model: Any, call: Call) -> bool:
    """Whether the model can be called with the chosen inputs as floats."""

    def tried(leaf: Any, name: str) -> Any:
        if not isinstance(leaf, Tensor):
            return leaf
        floats = choice.get(name, leaf.dtype.kind == "f")
        return leaf.to(dtype) if floats else leaf

    saved = random_state()
    try:
        with evaluating(model), no_grad():
            call(mapped(tried, few, "x"))
    except DTypeError:
        return False
    except Exception:  # noqa: BLE001 - the true call will raise it again, where it can be seen
        return True
    finally:
        set_random_state(saved)
    return True


def _tensors(nest: Any, name: str = "x") -> dict[str, Tensor]:
    if isinstance(nest, Mapping):
        parts = [(f"{name}[{key!r}]", part) for key, part in nest.items()]
    elif isinstance(nest, (list, tuple)):
        parts = [(f"{name}[{i}]", part) for i, part in enumerate(nest)]
    else:
        return {name: nest} if isinstance(nest, Tensor) else {}
    return {key: leaf for inner, part in parts for key, leaf in _tensors(part, inner).items()}
