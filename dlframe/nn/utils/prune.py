"""Pruning: parts of a parameter are held at 0 by a mask, chosen at random or by size.

A pruned parameter `weight` becomes `weight = weight_orig · weight_mask`, computed before each
forward: `weight_orig` is trained, `weight_mask` is a buffer of ones and zeros. `remove` makes it
a plain parameter again, whose zeros are then trained like any other number.

Networks lose little accuracy with most of their weights gone if they are trained on after each
step (Han et al. 2015, "Learning both weights and connections"). Without special hardware only
`*_structured` pruning, which takes whole channels, can save time, and only once those are cut out.
"""

from __future__ import annotations

import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, TypeVar

import numpy as np

from dlframe.base.naming import name_inherited
from dlframe.errors import ArgumentError, DimensionError, ShapeError
from dlframe.nn.hooks import find_pre_hook, remove_pre_hook
from dlframe.nn.module import Module
from dlframe.nn.parameter import Parameter
from dlframe.nn.utils.convert_parameters import parameters_to_vector
from dlframe.tensor import Tensor
from dlframe.tensor.creation import ones_like, rand, rand_like
from dlframe.tensor.functions import kthvalue, norm, topk

__all__ = [
    "BasePruningMethod",
    "CustomFromMask",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "PruningContainer",
    "RandomStructured",
    "RandomUnstructured",
    "custom_from_mask",
    "global_unstructured",
    "identity",
    "is_pruned",
    "l1_unstructured",
    "ln_structured",
    "random_structured",
    "random_unstructured",
    "remove",
]

M = TypeVar("M", bound=Module)


class BasePruningMethod(ABC):
    """The base class of pruning methods; a subclass computes a mask.

    `PRUNING_TYPE` says what a second method on the same parameter sees: `"unstructured"` the
    elements that are left, `"structured"` the channels along `self.dim` that are left, `"global"`
    everything.

    >>> from dlframe import nn
    >>> from dlframe.nn.utils import prune
    >>> class EverySecond(prune.BasePruningMethod):
    ...     PRUNING_TYPE = "unstructured"
    ...
    ...     def compute_mask(self, t, default_mask):
    ...         mask = default_mask.clone()
    ...         mask.view(-1)[::2] = 0
    ...         return mask
    >>> layer = nn.Linear(2, 2)
    >>> _ = EverySecond.apply(layer, "bias")
    >>> layer.bias_mask
    tensor([0., 1.])
    """

    PRUNING_TYPE: ClassVar[str]
    _tensor_name: str

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        name_inherited(cls, "__init__")

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask for the importances `t`, within the mask that is there already."""

    def apply_mask(self, module: Module) -> Tensor:
        """The parameter with zeros where the mask has them."""
        mask: Tensor = getattr(module, f"{self._tensor_name}_mask")
        original: Tensor = getattr(module, f"{self._tensor_name}_orig")
        pruned: Tensor = mask.to(original.dtype) * original
        return pruned

    @classmethod
    def apply(
        cls,
        module: Module,
        name: str,
        *args: Any,
        importance_scores: Tensor | None = None,
        **kwargs: Any,
    ) -> BasePruningMethod:
        """Prune the parameter `name` of `module`, on top of what was pruned before.

        `importance_scores`, of the parameter's shape, stand in for its values.
        """
        method: BasePruningMethod = cls(*args, **kwargs)
        method._tensor_name = name
        value: Tensor = getattr(module, name)
        scores = _scores(importance_scores, value, f"parameter {name} of {module}")
        before = _hook(module, name)
        if before is None:
            mask = method.compute_mask(scores, default_mask=ones_like(value.detach()))
            delattr(module, name)
            module.register_parameter(f"{name}_orig", value)  # type: ignore[arg-type]  # it is one
        else:
            method = _extended(before, method)
            mask = method.compute_mask(scores, getattr(module, f"{name}_mask").detach().clone())
            _remove_hook(module, name)
        module.register_buffer(f"{name}_mask", mask.detach())
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(
        self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None
    ) -> Tensor:
        """A tensor that belongs to no module, pruned."""
        scores = _scores(importance_scores, t, "tensor t")
        mask = ones_like(t.detach()) if default_mask is None else default_mask
        pruned: Tensor = t * self.compute_mask(scores, default_mask=mask)
        return pruned

    def remove(self, module: Module) -> None:
        """Make the pruned tensor a parameter again: the same object, so an optimizer keeps it."""
        name, weight = self._tensor_name, self.apply_mask(module)
        original: Parameter = getattr(module, f"{name}_orig")
        original.data = weight.data
        for each in (name, f"{name}_orig", f"{name}_mask"):
            delattr(module, each)
        setattr(module, name, original)


def _hook(module: Module, name: str) -> BasePruningMethod | None:
    base: Any = BasePruningMethod  # mypy: an abstract class
    found: BasePruningMethod | None = find_pre_hook(module, base, _tensor_name=name)
    return found


def _remove_hook(module: Module, name: str) -> BasePruningMethod | None:
    base: Any = BasePruningMethod  # mypy: an abstract class
    found: BasePruningMethod | None = remove_pre_hook(module, base, _tensor_name=name)
    return found


class PruningError(ShapeError, AssertionError):
    """Shapes that do not fit together; PyTorch raises an AssertionError."""


def _scores(scores: Tensor | None, t: Tensor, what: str) -> Tensor:
    if scores is None:
        return t.detach()
    if scores.shape != t.shape:
        raise PruningError(
            f"importance_scores should have the same shape as {what}, got {list(scores.shape)} vs "
            f"{list(t.shape)}"
        )
    return scores.detach()


def _extended(before: BasePruningMethod, method: BasePruningMethod) -> PruningContainer:
    """A container of the method that was applied before, and one more."""
    container = before if isinstance(before, PruningContainer) else PruningContainer(before)
    container.add_pruning_method(method)
    return container


class PruningContainer(BasePruningMethod):
    """Several pruning methods of one parameter, applied one after another."""

    def __init__(self, *args: BasePruningMethod) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        if args:
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """Add one, of the same parameter."""
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if self._tensor_name != method._tensor_name:
            raise ArgumentError(
                "Can only add pruning methods acting on the parameter named "
                f"'{self._tensor_name}' to PruningContainer {self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: int) -> BasePruningMethod:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask of the last method, computed on what the others left."""
        method = self._pruning_methods[-1]
        left = _left(method, default_mask)
        mask = default_mask.to(t.dtype).clone()
        mask[left] = method.compute_mask(t[left], default_mask=default_mask[left]).to(mask.dtype)
        return mask


def _left(method: Any, mask: Tensor) -> Any:
    """The index of what is not pruned yet, as a method of this kind sees it."""
    kind = method.PRUNING_TYPE
    if kind == "unstructured":
        return mask == 1
    if kind == "global":
        return ...
    if kind != "structured":
        raise ArgumentError(
            f"Unrecognized PRUNING_TYPE {kind}; use 'unstructured', 'structured' or 'global'"
        )
    if not -mask.ndim <= method.dim < mask.ndim:
        raise DimensionError(f"Index is out of bounds for tensor with dimensions {mask.ndim}")
    dim = method.dim % mask.ndim
    others = [d for d in range(mask.ndim) if d != dim]
    return (*[slice(None)] * dim, mask.sum(dim=others) != 0)


# --- the methods -------------------------------------------------------------------------------


class Identity(BasePruningMethod):
    """Prunes nothing, but makes the mask."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask that is there."""
        return default_mask


class _Amount(BasePruningMethod):
    """The base class of methods with an amount: a share in [0, 1], or a number."""

    def __init__(self, amount: Any) -> None:
        if not isinstance(amount, numbers.Real):
            raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
        if float(amount) < 0 or (not isinstance(amount, numbers.Integral) and float(amount) > 1):
            raise ArgumentError(
                f"amount={amount} should either be a float in the range [0, 1] or a non-negative "
                "integer"
            )
        self.amount: Any = amount

    def _count(self, size: int) -> int:
        """How many of `size` are to be pruned."""
        if isinstance(self.amount, numbers.Integral):
            if int(self.amount) > size:
                raise ArgumentError(
                    f"amount={self.amount} should be smaller than the number of parameters to "
                    f"prune={size}"
                )
            return int(self.amount)
        count: int = round(self.amount * size)
        return count


class RandomUnstructured(_Amount):
    """Prunes elements at random."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """0 at the places of the largest of random numbers."""
        count = self._count(t.numel())
        return _without(default_mask, rand_like(t) if count else t, count, largest=True)


class L1Unstructured(_Amount):
    """Prunes the elements of smallest absolute value.

    >>> from dlframe.nn.utils import prune
    >>> prune.L1Unstructured(amount=1).prune(dl.tensor([3.0, -1.0, 2.0]))
    tensor([3., -0., 2.])
    """

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """0 at the places of the smallest |t|."""
        return _without(default_mask, t.abs(), self._count(t.numel()), largest=False)


def _without(mask: Tensor, scores: Tensor, count: int, *, largest: bool) -> Tensor:
    """A copy of the mask with zeros where the `count` largest or smallest scores are."""
    mask = mask.clone()
    if count:
        mask.view(-1)[topk(scores.reshape(-1), count, largest=largest).indices] = 0
    return mask


class _Channels(_Amount):
    """The base class of methods that prune whole channels along `dim`."""

    PRUNING_TYPE = "structured"
    dim: int

    def _channels(self, t: Tensor) -> int:
        if t.ndim <= 1:
            raise ArgumentError(
                "Structured pruning can only be applied to multidimensional tensors. Found "
                f"tensor of shape {list(t.shape)} with {t.ndim} dims"
            )
        if not -t.ndim <= self.dim < t.ndim:
            raise DimensionError(f"Invalid index {self.dim} for tensor of size {list(t.shape)}")
        return t.shape[self.dim]

    def _keeping(self, keep: Any, t: Tensor, mask: Tensor) -> Tensor:
        """The mask with zeros in all channels but those of the index `keep`."""
        channels = np.zeros_like(t.array)
        np.moveaxis(channels, self.dim, 0)[keep.array] = 1
        kept: Tensor = Tensor(channels) * mask.to(t.dtype)
        return kept


class RandomStructured(_Channels):
    """Prunes channels at random."""

    def __init__(self, amount: float, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """0 in the channels of the smallest of random numbers."""
        channels = self._channels(t)
        count = self._count(channels)
        if not count:
            return default_mask
        scores = rand(channels)
        return self._keeping(scores > kthvalue(scores, count).values, t, default_mask)


class LnStructured(_Channels):
    """Prunes the channels of smallest norm.

    >>> from dlframe.nn.utils import prune
    >>> prune.LnStructured(amount=1, n=2, dim=0).prune(dl.tensor([[3.0, 0.0], [1.0, 1.0]]))
    tensor([[3., 0.],
            [0., 0.]])
    """

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        super().__init__(amount)
        self.n = n
        self.dim = dim

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """0 in the channels of the smallest n-norm."""
        channels = self._channels(t)
        count = self._count(channels)
        if not count:
            return default_mask
        others = [d for d in range(t.ndim) if d != self.dim % t.ndim]
        sizes = norm(t, p=self.n, dim=others)
        return self._keeping(topk(sizes, channels - count).indices, t, default_mask)


class CustomFromMask(BasePruningMethod):
    """Prunes by a given mask.

    >>> from dlframe.nn.utils import prune
    >>> prune.CustomFromMask(dl.tensor([1, 0, 1])).prune(dl.tensor([1.0, 2.0, 3.0]))
    tensor([1., 0., 3.])
    """

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Both masks together."""
        if default_mask.shape != self.mask.shape:
            raise PruningError(
                f"the mask must have the parameter's shape {list(default_mask.shape)}, got "
                f"{list(self.mask.shape)}"
            )
        both: Tensor = default_mask * self.mask.to(default_mask.dtype)
        return both


# --- the functions -----------------------------------------------------------------------------


def identity(module: M, name: str) -> M:
    """Make `name` a pruned parameter of which nothing is pruned yet; returns the module.

    >>> from dlframe import nn
    >>> from dlframe.nn.utils import prune
    >>> prune.identity(nn.Linear(2, 2), "bias").bias_mask
    tensor([1., 1.])
    """
    Identity.apply(module, name)
    return module


def random_unstructured(module: M, name: str, amount: float) -> M:
    """Prune `amount` of the elements at random: a share in [0, 1] or a number.

    >>> from dlframe import nn
    >>> from dlframe.nn.utils import prune
    >>> prune.random_unstructured(nn.Linear(2, 3), "weight", amount=2).weight_mask.sum()
    tensor(4.)
    """
    RandomUnstructured.apply(module, name, amount=amount)
    return module


def l1_unstructured(
    module: M, name: str, amount: float, importance_scores: Tensor | None = None
) -> M:
    """Prune the elements of smallest absolute value (or of smallest importance).

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> from dlframe.nn.utils import prune
    >>> layer = nn.Linear(1, 3)
    >>> layer.bias.data = dl.tensor([0.3, -0.1, 0.2])
    >>> prune.l1_unstructured(layer, "bias", amount=2).bias
    tensor([0.3000, -0.0000, 0.0000], grad_fn=<MulBackward0>)
    """
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module: M, name: str, amount: float, dim: int) -> M:
    """Prune `amount` of the channels along `dim` at random.

    >>> from dlframe import nn
    >>> from dlframe.nn.utils import prune
    >>> prune.random_structured(nn.Linear(2, 3), "weight", 1, dim=0).weight_mask.sum()
    tensor(4.)
    """
    RandomStructured.apply(module, name, amount=amount, dim=dim)
    return module


def ln_structured(
    module: M,
    name: str,
    amount: float,
    n: Any,
    dim: int,
    importance_scores: Tensor | None = None,
) -> M:
    """Prune the channels along `dim` whose n-norm is smallest.

    >>> from dlframe import nn
    >>> from dlframe.nn.utils import prune
    >>> prune.ln_structured(nn.Linear(2, 4), "weight", 0.5, n=2, dim=0).weight_mask.sum()
    tensor(4.)
    """
    LnStructured.apply(
        module, name, amount=amount, n=n, dim=dim, importance_scores=importance_scores
    )
    return module


def custom_from_mask(module: M, name: str, mask: Tensor) -> M:
    """Prune by a mask of ones and zeros, of the parameter's shape.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> from dlframe.nn.utils import prune
    >>> prune.custom_from_mask(nn.Linear(5, 3), "bias", dl.tensor([0, 1, 0])).bias_mask
    tensor([0., 1., 0.])
    """
    CustomFromMask.apply(module, name, mask=mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: Mapping[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several parameters as if they were one: where weights are small, more of them go.

    Args:
        parameters: pairs of a module and a parameter's name.
        pruning_method: a class such as `L1Unstructured`.
        importance_scores: for some of the pairs, what stands in for their values.
        kwargs: arguments of the class, such as `amount`.

    >>> from dlframe import nn
    >>> from dlframe.nn.utils import prune
    >>> net = nn.Sequential(nn.Linear(10, 4), nn.Linear(4, 1))
    >>> pairs = [(net[0], "weight"), (net[1], "weight")]
    >>> prune.global_unstructured(pairs, prune.L1Unstructured, amount=10)
    >>> sum(int((module.weight == 0).sum()) for module, _ in pairs)
    10
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    if not isinstance(importance_scores, Mapping | None):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    pairs = list(parameters)
    given = importance_scores or {}
    values = [getattr(module, name) for module, name in pairs]
    masks = [
        getattr(module, f"{name}_mask", ones_like(value.detach()))
        for (module, name), value in zip(pairs, values, strict=True)
    ]
    scores = [given.get(pair, value) for pair, value in zip(pairs, values, strict=True)]
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
            f"{pruning_method} of type {method.PRUNING_TYPE}"
        )
    method._tensor_name = "all"
    together = PruningContainer(method)
    mask = together.compute_mask(
        parameters_to_vector(scores).detach(), parameters_to_vector(masks).detach()
    )
    parts = mask.split([value.numel() for value in values])
    for (module, name), value, part in zip(pairs, values, parts, strict=True):
        custom_from_mask(module, name, part.reshape(value.shape))


def remove(module: M, name: str) -> M:
    """Make a pruned parameter a plain one, which keeps its zeros; returns the module.

    Raises:
        ArgumentError: it is not pruned.

    >>> from dlframe import nn
    >>> from dlframe.nn.utils import prune
    >>> layer = prune.remove(prune.random_unstructured(nn.Linear(2, 3), "weight", 2), "weight")
    >>> list(layer.state_dict())
    ['bias', 'weight']
    """
    hook = _remove_hook(module, name)
    if hook is None:
        raise ArgumentError(
            f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed"
        )
    hook.remove(module)
    return module


def is_pruned(module: Module) -> bool:
    """Whether a parameter of the module, or of one of its parts, is pruned.

    >>> from dlframe import nn
    >>> from dlframe.nn.utils import prune
    >>> prune.is_pruned(nn.Sequential(prune.identity(nn.Linear(2, 2), "bias")))
    True
    """
    base: Any = BasePruningMethod  # mypy: an abstract class
    return any(find_pre_hook(part, base) is not None for part in module.modules())
