"""The base of all optimizers: parameter groups, state, hooks, and saving them."""

from __future__ import annotations

import functools
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from inspect import signature
from typing import Any, ClassVar

from dlframe import states
from dlframe.autograd.backward import zero_gradients
from dlframe.base.hooks import RemovableHandle, add_hook
from dlframe.optim.loading import UNSPECIFIC, checked_state
from dlframe.optim.options import check_kinds
from dlframe.optim.safety import Watch
from dlframe.tensor import Tensor

__all__ = [
    "Optimizer",
    "ParamGroup",
    "register_optimizer_step_post_hook",
    "register_optimizer_step_pre_hook",
    "required",
]

ParamGroup = dict[str, Any]
StateDict = dict[str, Any]
Hooks = dict[int, Callable[..., Any]]


class _Required:
    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()  # the default of an option that each group has to set


_global_pre_hooks: Hooks = {}
_global_post_hooks: Hooks = {}


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` before every step of every optimizer.

    A step of `SAM` is one step, that of the optimizer that it wraps.
    """
    return add_hook(_global_pre_hooks, hook)


def register_optimizer_step_post_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` after every step of every optimizer.

    A step of `SAM` is one step, that of the optimizer that it wraps.
    """
    return add_hook(_global_post_hooks, hook)


def _advice(given: Any) -> str:
    """Advice for an error, if a model or its method was passed instead of parameters."""
    is_model = callable(getattr(given, "parameters", None))
    is_method = getattr(given, "__name__", "") in ("parameters", "named_parameters")
    if isinstance(given, str):
        return "; the values of a dict are its parameters: pass d.values(), or d.items() with names"
    if isinstance(given, (list, tuple)):
        return "; pass one list of all, or a dict {'params': [...]} for each group"
    return "; pass model.parameters()" if is_model or is_method else ""


class StepCount:
    """How many steps an optimizer made; it outlives the optimizer."""

    made = 0


class Optimizer:
    """The base class: holds parameter groups and state; a subclass writes `step`.

    Args:
        params: parameters, or pairs `(name, parameter)` as from `model.named_parameters()`, or
            dicts `{"params": ..., option: value}`, one for each group with options of its own.
        defaults: the options of every group that does not set them.

    `state` maps each parameter to a dict of what the optimizer remembers about it, and
    `param_groups` is the list of groups; both may be read and changed.

    >>> class SignDescent(optim.Optimizer):
    ...     def __init__(self, params, lr):
    ...         super().__init__(params, {"lr": lr})
    ...
    ...     @dl.no_grad()
    ...     def step(self, closure=None):
    ...         for group in self.param_groups:
    ...             for p in group["params"]:
    ...                 if p.grad is not None:
    ...                     p -= group["lr"] * p.grad.sign()
    >>> p = nn.Parameter(dl.tensor([1.0, -1.0]))
    >>> (p * p).sum().backward()
    >>> SignDescent([p], lr=0.5).step()
    >>> p.tolist()
    [0.5, -0.5]
    """

    # Whether a step computes the loss and its gradients itself, so that it needs a closure.
    needs_closure = False
    # What the options may be in a saved group.
    _option_forms: ClassVar[dict[str, states.Form]] = {}
    # The options that a saved group may lack, such as those that came later, and their values.
    _optional_options: ClassVar[dict[str, Any]] = {}
    # Whether its steps are those of another optimizer, so that global hooks run around these.
    _wraps_another = False
    # Whether the step itself looks for gradients that are not finite, in memory that it reads.
    _looks_at_gradients = False
    # What it has noticed about the loop that it is used in.
    _watch: Watch
    # The steps since a schedule began to watch; None without a schedule.
    _steps: StepCount | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # Hooks run around the step of the subclass, so that it does not have to call them.
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            setattr(cls, "step", _with_hooks(cls.__dict__["step"]))  # noqa: B010 # not a fixed name to mypy

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.state: defaultdict[Any, Any] = defaultdict(dict)
        self.param_groups: list[ParamGroup] = []
        self._make_hook_tables()
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                f"but got one {type(params).__name__}; write [p]"
            )
        if not isinstance(params, Iterable):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                f"but got one {type(params).__name__}{_advice(params)}"
            )
        groups = list(params)
        if not groups:
            raise ValueError(
                "optimizer got an empty parameter list: the model has no parameters. Are its "
                "layers in a plain list or dict? Keep them in nn.ModuleList or nn.ModuleDict. Is "
                "the list of parameters a generator that was used up before?"
            )
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)
        self._watch = Watch(self)

    def _make_hook_tables(self) -> None:
        self._step_pre_hooks: Hooks = {}
        self._step_post_hooks: Hooks = {}
        self._state_dict_pre_hooks: Hooks = {}
        self._state_dict_post_hooks: Hooks = {}
        self._load_state_dict_pre_hooks: Hooks = {}
        self._load_state_dict_post_hooks: Hooks = {}
        self._attached: list[Any] = []  # regularizers, which copies of the optimizer keep

    def __getstate__(self) -> dict[str, Any]:
        names = ("defaults", "state", "param_groups")
        kept = {name: getattr(self, name) for name in names}
        if self._attached:
            kept["attached"] = self._attached
        if self._steps is not None:  # the copy of a schedule counts on those of its optimizer
            kept["_steps"] = self._steps
        return kept

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over `state`, and fill in the options that older files do not have."""
        self.__dict__.update({name: value for name, value in state.items() if name != "attached"})
        if "_step_pre_hooks" not in self.__dict__:  # a copy, or read from a pickle
            self._make_hook_tables()
        for regularizer in state.get("attached", ()):
            self._attach(regularizer)
        for group in self.param_groups:
            for option, value in self._optional_options.items():
                if option in self.defaults:
                    group.setdefault(option, value)
        if not hasattr(self, "_watch"):
            self._watch = Watch(self)

    def __repr__(self) -> str:
        groups = []
        for i, group in enumerate(self.param_groups):
            options = [f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params"]
            groups.append(f"\nParameter Group {i}\n{''.join(options)}")
        return f"{type(self).__name__} ({''.join(groups)})"

    # --- stepping ------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change the parameters once, by their gradients.

        Args:
            closure: computes the loss anew, calls `backward` on it and returns it; called first.

        Returns:
            What `closure` returned, or None.
        """
        raise NotImplementedError(f"{type(self).__name__} has no step()")

    def _look_after_step(self) -> None:
        """Look for mistakes in the loop around the step; see `safety`."""
        self._watch.after_step(self)
        if not self._looks_at_gradients:
            self._watch.look_at_first(self)
        self._watch.steps += 1

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters.

        Args:
            set_to_none: drop them, so that the next step skips a parameter without a new gradient.
                False fills them with zeros instead; momentum still moves such a parameter.
        """
        for group in self.param_groups:
            zero_gradients(group["params"], set_to_none)

    # --- groups --------------------------------------------------------------------------------

    def add_param_group(self, param_group: ParamGroup) -> None:
        """Add a group of parameters, for instance layers that are unfrozen during training.

        Args:
            param_group: `{"params": parameters, option: value}`; the defaults fill the rest.

        Raises:
            KeyError: no `params`.
            TypeError: not a dict; a set (it has no order); a value that is not a tensor; an option
                of another type than it has.
            ValueError: a tensor that is not a leaf; a parameter that another group already has;
                names for some parameters only; a required option that is missing.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        if "params" not in param_group:
            raise KeyError(
                f"params: a parameter group is a dict with the key 'params'; this one has "
                f"{sorted(map(str, param_group))}"
            )
        params, names = _split_names(param_group["params"])
        param_group["params"] = params
        if names:
            param_group["param_names"] = names
        for p in params:
            _check_parameter(p)
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(
                    "parameter group didn't specify a value of required optimization parameter "
                    f"{name}"
                )
            param_group.setdefault(name, default)
        check_kinds(param_group, self._option_forms)
        if len(set(params)) != len(params):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; each step moves "
                "such a parameter twice",
                stacklevel=3,
            )
        self._check_against_groups(param_group)
        self.param_groups.append(param_group)

    def _check_against_groups(self, new: ParamGroup) -> None:
        named = "param_names" in new
        taken: set[Any] = set()
        for group in self.param_groups:
            if ("param_names" in group) != named:
                raise ValueError(
                    "all optimizer param groups should be with/without names. cannot add param "
                    f"group {'with names' if named else 'without names'} to the optimizer"
                )
            taken.update(group["params"])
        if not taken.isdisjoint(new["params"]):
            raise ValueError("some parameters appear in more than one parameter group")

    # --- hooks ---------------------------------------------------------------------------------

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` before each step.

        `args` starts with the optimizer. A hook may return other `(args, kwargs)`.
        """
        return add_hook(self._step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` after each step.

        >>> p = nn.Parameter(dl.zeros(1))
        >>> optimizer = optim.SGD([p])
        >>> handle = optimizer.register_step_post_hook(lambda *_: print("a step"))
        >>> optimizer.step()
        a step
        >>> handle.remove()
        """
        return add_hook(self._step_post_hooks, hook)

    def _attach(self, regularizer: Any) -> RemovableHandle:
        """Let a `StepHook` act before and after each step; see its `attach`."""
        if any(one is regularizer for one in self._attached):
            raise ValueError(
                f"{type(regularizer).__name__}.attach: it is attached to this optimizer already, "
                "and would act twice; make another one if that is meant"
            )
        before = self.register_step_pre_hook(regularizer._before)
        after = self.register_step_post_hook(regularizer._after)

        def removed() -> None:
            before.remove()
            after.remove()
            self._attached = [one for one in self._attached if one is not regularizer]

        self._attached = [*self._attached, regularizer]  # a new list: the old one may be put back
        return RemovableHandle({}, removed)

    def register_state_dict_pre_hook(
        self, hook: Callable[..., None], prepend: bool = False
    ) -> RemovableHandle:
        """Call `hook(optimizer)` before `state_dict`."""
        return add_hook(self._state_dict_pre_hooks, hook, prepend=prepend)

    def register_state_dict_post_hook(
        self, hook: Callable[..., StateDict | None], prepend: bool = False
    ) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` after `state_dict`; it may return another dict."""
        return add_hook(self._state_dict_post_hooks, hook, prepend=prepend)

    def register_load_state_dict_pre_hook(
        self, hook: Callable[..., StateDict | None], prepend: bool = False
    ) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` before loading; it may return another dict."""
        return add_hook(self._load_state_dict_pre_hooks, hook, prepend=prepend)

    def register_load_state_dict_post_hook(
        self, hook: Callable[..., None], prepend: bool = False
    ) -> RemovableHandle:
        """Call `hook(optimizer)` after loading."""
        return add_hook(self._load_state_dict_post_hooks, hook, prepend=prepend)

    # --- saving and loading --------------------------------------------------------------------

    def state_dict(self) -> StateDict:
        """Everything that a new optimizer needs to go on exactly from here.

        Returns:
            `{"state": {index: {...}}, "param_groups": [{..., "params": [index, ...]}]}`,
            PyTorch's layout: parameters are numbered through all groups. `param_names` is in a
            group whose parameters were given with names. Tensors are the optimizer's own, not
            copies: the next step changes them. Copy or save them before it.
        """
        for hook in self._state_dict_pre_hooks.values():
            hook(self)
        number: dict[Any, int] = {}
        groups = []
        start = 0
        for group in self.param_groups:
            for i, p in enumerate(group["params"], start):
                number.setdefault(p, i)
            start += len(group["params"])
            packed = {key: value for key, value in group.items() if key != "params"}
            packed["params"] = [number[p] for p in group["params"]]
            groups.append(packed)
        for key in self.state:
            if isinstance(key, Tensor) and key not in number:
                raise KeyError(
                    f"{type(self).__name__}.state_dict: the state has a parameter of shape "
                    f"{list(key.shape)} that no group holds any more; when a parameter is taken "
                    "out of its group, delete its state too: del optimizer.state[p]"
                )
        state = {number[k] if isinstance(k, Tensor) else k: v for k, v in self.state.items()}
        result: StateDict = {"state": state, "param_groups": groups}
        for hook in self._state_dict_post_hooks.values():
            replaced = hook(self, result)
            result = result if replaced is None else replaced
        return result

    def load_state_dict(self, state_dict: StateDict) -> None:
        """Take over options and state from a `state_dict`, PyTorch's included.

        Groups correspond by position. Parameters do too, unless both sides know names: then the
        names decide, so a model whose layers were reordered loads correctly, and a parameter may
        have moved to another group. Values are copied.

        Raises:
            StateDictError: the number of groups, or of parameters in a group, differs; an option or
                state that the class needs is missing, makes no sense, or has another shape than its
                parameter. The message is a table of all that does not fit. Nothing is changed.

        >>> p = nn.Parameter(dl.ones(2))
        >>> optimizer = optim.Adam([("weight", p)], lr=0.1)
        >>> saved = optimizer.state_dict()
        >>> saved["param_groups"][0]["param_names"], saved["param_groups"][0]["params"]
        (['weight'], [0])
        >>> optim.Adam([("weight", p)]).load_state_dict(saved)
        """
        where = f"{type(self).__name__}.load_state_dict"
        with states.all_or_nothing(where, self):
            state_dict = states.take(state_dict, where) | dict(state_dict)  # a hook may change it
            for hook in self._load_state_dict_pre_hooks.values():
                replaced = hook(self, state_dict)
                state_dict = state_dict if replaced is None else replaced
            self.__setstate__(checked_state(self, state_dict, where))
            if self._steps is not None:  # the steps that led to this state were another optimizer's
                self._steps.made += 1
            for hook in self._load_state_dict_post_hooks.values():
                hook(self)

    def _state_forms(
        self, group: ParamGroup, p: Tensor, entry: Mapping[str, Any]
    ) -> dict[str, states.Form] | None:
        """What a parameter's saved state must have, with the options of its group.

        None of an empty one. A class of one's own may keep anything: then it is not a dict here.
        """
        return None

    @staticmethod
    def _classes_with(options: set[str]) -> list[str]:
        """The optimizers that have certain options, for an error about the state of another."""
        classes, found = [Optimizer], []
        while classes:
            below = classes.pop().__subclasses__()
            classes += below
            found += [cls for cls in below if options == {*signature(cls).parameters} - UNSPECIFIC]
        return sorted(cls.__name__ for cls in found)


def _with_hooks(step: Callable[..., Any]) -> Callable[..., Any]:
    """`step` between the hooks of its optimizer and the global ones."""

    @functools.wraps(step)
    def hooked(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        if self._steps is not None:
            self._steps.made += 1
        if not (
            self._step_pre_hooks or self._step_post_hooks or _global_pre_hooks or _global_post_hooks
        ):
            result = step(self, *args, **kwargs)
            self._look_after_step()
            return result
        args = (self, *args)
        pre: Hooks = {} if self._wraps_another else _global_pre_hooks
        post: Hooks = {} if self._wraps_another else _global_post_hooks
        for hook in (*pre.values(), *self._step_pre_hooks.values()):
            replaced = hook(self, args, kwargs)
            if replaced is None:
                continue
            if not (isinstance(replaced, tuple) and len(replaced) == 2):
                raise RuntimeError(
                    f"a step pre-hook must return None or a tuple of (new_args, new_kwargs), "
                    f"but got {replaced}."
                )
            args, kwargs = replaced
        result = step(*args, **kwargs)
        self._look_after_step()
        for hook in (*self._step_post_hooks.values(), *post.values()):
            hook(self, args, kwargs)
        return result

    hooked.hooked = True  # type: ignore[attr-defined] # tells a scheduler that nobody replaced step
    return hooked


def _split_names(params: Any) -> tuple[list[Any], list[str]]:
    """The parameters as a list, and their names if they came as pairs `(name, parameter)`."""
    if isinstance(params, Tensor):
        return [params], []
    if isinstance(params, set):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but the ordering of "
            "tensors in sets will change between runs. Please use a list instead."
        )
    if not isinstance(params, Iterable):
        raise TypeError(
            "the params of a parameter group are a tensor or an iterable of them; got "
            f"{type(params).__name__}{_advice(params)}"
        )
    entries = list(params)
    names = [entry[0] for entry in entries if isinstance(entry, tuple)]
    if names and len(names) != len(entries):
        raise ValueError(
            "all optimizer params should be with/without names. Some param names are missing"
        )
    return [entry[1] if isinstance(entry, tuple) else entry for entry in entries], names


def _check_parameter(p: Any) -> None:
    if not isinstance(p, Tensor):
        raise TypeError(
            f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}"
            f"{_advice(p)}"
        )
    if not (p.is_leaf or getattr(p, "retains_grad", False)):
        raise ValueError(
            f"can't optimize a non-leaf Tensor: this one, of shape {list(p.shape)}, was computed "
            "from others; optimize those, or take .detach().requires_grad_() of it"
        )
