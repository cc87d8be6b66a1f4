"""Module: the base class of every layer, loss and network."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import partial
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

import numpy as np

from dlframe.autograd.backward import zero_gradients
from dlframe.base.elsewhere import Elsewhere, without_elsewhere
from dlframe.base.naming import name_inherited
from dlframe.nn import by_hand, state
from dlframe.nn.casting import cast_module, parse_to
from dlframe.nn.hooks import Hookable, call_with_hooks
from dlframe.nn.locating import locate
from dlframe.nn.own_backward import forward_on_arrays
from dlframe.nn.parameter import Buffer, Parameter, is_lazy
from dlframe.nn.registry import HookRegistry, Registry
from dlframe.ops.watching import inside, watched
from dlframe.tensor import Tensor
from dlframe.tensor.devices import check_device
from dlframe.tensor.methods.memory import warn_of_sharing
from dlframe.tensor.types import named_dtype

__all__ = ["Module"]

Kind: TypeAlias = type[Any]  # Parameter, Buffer or Module; inside of Module, `type` is a method
_NO_NAMES: Mapping[str, Any] = MappingProxyType({})


def _forward_missing(self: Module, *input: Any) -> Any:
    similar = get_close_matches("forward", vars(type(self)).keys() - {"forward"}, n=1)
    advice = f"; is {similar[0]} meant to be it?" if similar else ""
    if hasattr(self, "__getitem__"):
        advice = "; it only holds modules: call those one by one, or use nn.Sequential"
    raise NotImplementedError(
        f'Module [{type(self).__name__}] is missing the required "forward" function{advice}'
    )


class Module(Hookable):
    """A piece of a network: its parameters, its buffers, its parts, and a `forward`.

    A `Parameter`, `Buffer` or `Module` that is assigned to an attribute belongs to the
    module, in the order of assignment. `module(x)` runs `forward(x)` between the hooks.

    Called with NumPy arrays, it gives arrays, and `module.backward(g)` gives their gradients:
    see `dlframe.nn.by_hand`. A class that defines `backward(self, grad_output)` itself always
    computes on arrays: see `dlframe.nn.own_backward`.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> class Scale(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = nn.Parameter(dl.tensor(3.0))
    ...
    ...     def forward(self, x):
    ...         return self.factor * x
    >>> scale = Scale()
    >>> scale(dl.tensor([1.0, 2.0])).tolist()
    [3.0, 6.0]
    >>> list(scale.state_dict())
    ['factor']
    """

    # Defaults are on the class, so a subclass that forgets super().__init__() still works.
    training: bool = True
    own_backward: ClassVar[bool] = False  # True: forward and backward take and give plain arrays
    call_super_init: ClassVar[bool] = False
    _buffer_names: Mapping[str, bool] = _NO_NAMES  # name -> does state_dict save it?
    _empty_slots: Mapping[str, Kind] = _NO_NAMES  # name of a None -> Parameter or Module
    _last_call: Any = None  # what a call on arrays keeps for `backward`
    _optional_state: ClassVar[tuple[str, ...]] = ()  # names that a loaded state may lack
    _warned_of_hidden: ClassVar[bool] = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if self.call_super_init:
            super().__init__(*args, **kwargs)
        elif args or kwargs:
            raise TypeError(
                f"{type(self).__name__}.__init__() takes no arguments beyond those that it names; "
                f"got {len(args)} positional, and {sorted(kwargs)}"
            )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        name_inherited(cls, "__init__", "forward")
        if "backward" in cls.__dict__ and "own_backward" not in cls.__dict__:
            cls.own_backward = True
        if cls.own_backward:
            cls._direct_call = False

    # --- calling -------------------------------------------------------------------------------

    forward: Callable[..., Any] = _forward_missing
    backward: Callable[..., Any] = by_hand.backward

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if (not args or args[0].__class__ is not Tensor) and (
                way := by_hand.way_of(self, args, kwargs)
            ):
                return way(self, args, kwargs)
            if self._direct_call and not watched:
                return self.forward(*args, **kwargs)
            return self._call_observed(args, kwargs)
        except RecursionError:
            raise  # there is no room for words
        except Exception as error:
            locate(error)
            raise

    def _call_observed(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The call of a module with hooks, with a backward of its own, or under watchers."""
        forward = partial(forward_on_arrays, self) if self.own_backward else self.forward
        if not watched:
            return call_with_hooks(self, forward, args, kwargs)
        with inside(self) as noted:
            return noted(call_with_hooks(self, forward, args, kwargs))

    def _is_a_row(self) -> bool:
        """Whether a call is one of each part in order, so that arrays can go through them."""
        return False

    # --- the registry --------------------------------------------------------------------------

    def _slot(self, name: str) -> Kind | None:
        """The kind of the registered attribute `name`: Parameter, Buffer, Module, or None."""
        if name in self._buffer_names:
            return Buffer
        value = self.__dict__.get(name)
        if value is None:
            return self._empty_slots.get(name)
        return _kind(value)

    def __setattr__(self, name: str, value: Any) -> None:
        kind, slot = _kind(value), self._slot(name)
        if kind is None and slot is None:
            object.__setattr__(self, name, value)
        elif kind is Parameter or (kind is Module and slot is not Parameter):
            self._register(name, value, kind)
        elif slot is Parameter or slot is Module:
            self._register(name, value, slot)
        else:
            known = self._buffer_names.get(name, True)
            persistent = value.persistent if isinstance(value, Buffer) else known
            self._register(name, value, Buffer)
            self._notes("_buffer_names")[name] = persistent

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        self._forget(name)

    def _register(self, name: str, value: Any, kind: Kind) -> None:
        """Keep `value`, of the right kind or None, under `name`; raises TypeError otherwise."""
        allowed = Tensor if kind is Buffer else kind
        if value is not None and not isinstance(value, allowed):
            raise TypeError(
                f"cannot assign '{type(value).__name__}' object to {kind.__name__.lower()} "
                f"'{name}' ({allowed.__name__} or None required){_advice(value, kind)}"
            )
        if kind is Parameter and value is not None and value.node is not None:
            raise ValueError(
                f"cannot assign a non-leaf Tensor to parameter '{name}': a parameter is what the "
                "graph starts from. Compute the value in forward() instead."
            )
        if self._slot(name) is not kind:
            # as in PyTorch, an attribute that becomes a parameter goes to the end of the order
            self.__dict__.pop(name, None)
            self._forget(name)
        object.__setattr__(self, name, value)
        if value is None and kind is not Buffer:
            self._notes("_empty_slots")[name] = kind

    def _notes(self, attribute: str) -> dict[str, Any]:
        """This module's own copy of a dict that is empty in the class."""
        notes: dict[str, Any] = self.__dict__.setdefault(attribute, {})
        return notes

    def _forget(self, name: str) -> None:
        for attribute in ("_buffer_names", "_empty_slots"):
            self.__dict__.get(attribute, {}).pop(name, None)

    def _check_name(self, name: str, kind: Kind) -> None:
        what = kind.__name__.lower()
        if not isinstance(name, str):
            raise TypeError(f"{what} name should be a string. Got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{what} name can\'t contain ".", got: {name}')
        if not name:
            raise KeyError(f'{what} name can\'t be empty string ""')
        free = name == "backward" and name not in self.__dict__  # as in PyTorch, which has none
        if hasattr(self, name) and self._slot(name) is not kind and not free:
            raise KeyError(f"attribute '{name}' already exists")

    # PyTorch's dicts, for programs that look into them

    @property
    def _modules(self) -> Registry:
        return Registry(self, Module)

    @property
    def _parameters(self) -> Registry:
        return Registry(self, Parameter)

    @property
    def _buffers(self) -> Registry:
        return Registry(self, Buffer)

    @property
    def _forward_hooks(self) -> HookRegistry:
        return HookRegistry(self._own_hooks().forward)

    @property
    def _forward_pre_hooks(self) -> HookRegistry:
        return HookRegistry(self._own_hooks().forward_pre)

    @property
    def _backward_hooks(self) -> HookRegistry:
        return HookRegistry(self._own_hooks().backward)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter; None reserves its place for one that may come later."""
        self._check_name(name, Parameter)
        self._register(name, param, Parameter)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is saved with the module (if `persistent`) but not trained."""
        self._check_name(name, Buffer)
        self._register(name, tensor, Buffer)
        self._notes("_buffer_names")[name] = persistent

    def register_module(self, name: str, module: Module | None) -> None:
        """Add a module as a part of this one; the same as `add_module`."""
        self.add_module(name, module)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a module as a part of this one, under the name `name`."""
        self._check_name(name, Module)
        self._register(name, module, Module)

    # --- looking around ------------------------------------------------------------------------

    def _own_parameters(self) -> list[tuple[str, Parameter]]:
        found = []
        for name, value in self.__dict__.items():
            if isinstance(value, Parameter):
                found.append((name, value))
            elif isinstance(value, (list, tuple, dict)):
                _warn_of_hidden(self, name, value)  # not before: add_module may follow
        return found

    def _own_buffers(self) -> list[tuple[str, Tensor]]:
        values = ((name, self.__dict__[name]) for name in self._buffer_names)
        return [(name, value) for name, value in values if value is not None]

    def _own_modules(self) -> list[tuple[str, Module]]:
        return [(name, v) for name, v in self.__dict__.items() if isinstance(v, Module)]

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The direct parts, each once."""
        seen: set[int] = set()
        for name, module in self._own_modules():
            if id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Module]:
        """The direct parts, each once."""
        for _, module in self.named_children():
            yield module

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and every part of every part, parents first."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._own_modules():
            yield from module.named_modules(memo, _join(prefix, name), remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """This module and every part of every part, parents first."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Names and parameters; a shared parameter comes once, under its first name."""
        yield from self._named_members(Module._own_parameters, prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, each once, for an optimizer."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Names and buffers; a shared buffer comes once, under its first name."""
        yield from self._named_members(Module._own_buffers, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers, each once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def _named_members(
        self,
        members: Callable[[Module], list[tuple[str, Any]]],
        prefix: str,
        recurse: bool,
        remove_duplicate: bool,
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        own: Iterable[tuple[str, Module]] = [(prefix, self)]
        for path, module in (
            self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else own
        ):
            for name, value in members(module):
                if id(value) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(value))
                yield _join(path, name), value

    def get_submodule(self, target: str) -> Module:
        """The part with that dotted name, as in `"encoder.0"`; "" is the module itself."""
        module = self
        for name in target.split(".") if target else ():
            module = module._get(name, Module)
        return module

    def get_parameter(self, target: str) -> Parameter:
        """The parameter with that dotted name."""
        path, _, name = target.rpartition(".")
        parameter: Parameter = self.get_submodule(path)._get(name, Parameter)
        return parameter

    def get_buffer(self, target: str) -> Tensor:
        """The buffer with that dotted name."""
        path, _, name = target.rpartition(".")
        buffer: Tensor = self.get_submodule(path)._get(name, Buffer)
        return buffer

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Replace the part with that dotted name; with `strict` it must be there already."""
        path, _, name = target.rpartition(".")
        if not name:
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Module):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        parent = self.get_submodule(path)
        if strict or hasattr(parent, name):
            parent._get(name, Module)
        setattr(parent, name, module)

    def _get(self, name: str, kind: Kind) -> Any:
        """The attribute `name`, which must be registered as `kind`."""
        if not hasattr(self, name):
            raise AttributeError(
                f"{self._get_name()} has no attribute `{name}`; its parts are "
                f"{[key for key in self.__dict__ if self._slot(key) is not None]}"
            )
        if self._slot(name) is not kind:
            raise AttributeError(f"`{name}` is not an nn.{kind.__name__}")
        return getattr(self, name)

    # --- saving and loading --------------------------------------------------------------------

    def state_dict(
        self,
        *,
        destination: dict[str, Any] | None = None,
        prefix: str = "",
        keep_vars: bool = False,
    ) -> dict[str, Any]:
        """All parameters and persistent buffers by dotted name; they share memory with the module.

        `keep_vars` gives the parameters themselves instead of detached tensors.
        """
        destination = OrderedDict() if destination is None else destination
        return state.save(self, destination, prefix, keep_vars)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> state.IncompatibleKeys:
        """Copy the values of `state_dict`, tensors or arrays, into the module.

        Every missing or unexpected key and every wrong shape or dtype is listed in one
        StateDictError, before anything is changed. `strict=False` ignores wrong keys, not shapes;
        `assign=True` takes the tensors themselves instead of copying.
        """
        return state.load(self, state_dict, strict, assign)

    def get_extra_state(self) -> Any:
        """Override this, with `set_extra_state`, to save more than tensors."""
        raise NotImplementedError(f"{type(self).__name__} has no extra state")

    def set_extra_state(self, state: Any) -> None:
        """Override this to load the result of `get_extra_state`."""
        raise NotImplementedError(f"{type(self).__name__} has no extra state")

    # --- changing all --------------------------------------------------------------------------

    def apply(self, fn: Callable[[Module], None]) -> Self:
        """Call `fn` on every part, and last on the module itself."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Switch to training: dropout is active, batch norm uses the batch's statistics."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        """Switch to evaluation; the same as `train(False)`."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Freeze (False) or unfreeze all parameters."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Set all gradients to None; with `set_to_none=False` fill them with zeros instead."""
        zero_gradients(self.parameters(), set_to_none)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Cast floating-point values to a dtype: `to(dtype)`, `to(tensor)`, `to("cpu")`."""
        dtype = parse_to(args, kwargs)
        if dtype is not None:
            cast_module(self, dtype)
        return self

    def float(self) -> Self:
        """Cast the floating-point parameters and buffers to float32."""
        return self.to(np.dtype(np.float32))

    def double(self) -> Self:
        """Cast the floating-point parameters and buffers to float64."""
        return self.to(np.dtype(np.float64))

    def half(self) -> Self:
        """Cast the floating-point parameters and buffers to float16."""
        return self.to(np.dtype(np.float16))

    def type(self, dst_type: Any) -> Self:
        """Cast all parameters and buffers, integers too: to a dtype or `"torch.DoubleTensor"`."""
        cast_module(self, np.dtype(named_dtype(dst_type)), integers_too=True)
        return self

    def cpu(self) -> Self:
        """The module itself: everything is in the CPU's memory."""
        return self

    def cuda(self, device: Any = None) -> Self:
        """Raises a DeviceError: there is no GPU; ask `dlframe.cuda.is_available` first."""
        return self.to("cuda")

    def xpu(self, device: Any = None) -> Self:
        """Raises a DeviceError: there is no GPU."""
        return self.to("xpu")

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """The module itself, with any values; `device` is the CPU."""
        check_device(device)
        return self

    def share_memory(self) -> Self:
        """The module itself, with a warning: new processes get a copy."""
        warn_of_sharing("share_memory")
        return self

    def compile(
        self,
        *,
        fullgraph: bool = False,
        dynamic: bool | None = None,
        backend: Any = "inductor",
        mode: str | None = None,
        options: Any = None,
        disable: bool = False,
        **others: Any,
    ) -> None:
        """Do nothing: there is no compiler, and the numbers are the same.

        Raises:
            TypeError: what Keras's `compile` takes, such as `loss`.
        """
        if others:
            raise TypeError(
                f"compile() got an unexpected keyword argument {next(iter(others))!r}. Loss and "
                "optimizer go to training.Trainer(model, loss, optimizer)"
            )

    # --- printing, copying ---------------------------------------------------------------------

    def _get_name(self) -> str:
        return self.__class__.__name__

    def extra_repr(self) -> str:
        """The text between the brackets when the module is printed; for subclasses."""
        return ""

    def _repr_html_(self) -> str:
        from dlframe.base import html  # only notebooks need it

        return html.preformatted(repr(self), _remark(self))

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [
            indent(f"({name}): {value!r}")
            for name, value in self.__dict__.items()
            if self._slot(name) is Module
        ]
        if len(lines) == 1 and not children:
            return f"{self._get_name()}({lines[0]})"
        lines += children
        return f"{self._get_name()}(" + ("\n  " + "\n  ".join(lines) + "\n" if lines else "") + ")"

    def __dir__(self) -> list[str]:
        # "0", "1" … are not names that could be completed
        names = (name for name in super().__dir__() if not name[0].isdigit())
        return without_elsewhere(names, self)

    if not TYPE_CHECKING:  # in Keras, scikit-learn, fastai and Hugging Face's libraries
        bfloat16 = Elsewhere("NumPy has no bfloat16: use model.float(), which is more exact")
        ipu = mtia = Elsewhere("There is no such device: leave it out")
        fit = Elsewhere("It is training.Trainer(model, loss, optimizer).fit(x, y, epochs=n)")
        evaluate = score = Elsewhere("It is training.Evaluator(model, loss).evaluate(x, y)")
        predict = Elsewhere("It is model(x), or training.Evaluator(model, loss).predict(x)")
        predict_proba = Elsewhere("It is training.Evaluator(model, loss).predict_proba(x)")
        predict_classes = Elsewhere("It is training.Evaluator(model, loss).predict_classes(x)")
        summary = Elsewhere("It is utils.summary(model, input_shape)")
        count_params = num_parameters = Elsewhere("It is sum(p.numel() for p in m.parameters())")
        save = save_weights = save_pretrained = Elsewhere(
            "It is utils.save(model.state_dict(), path)"
        )
        load = load_weights = from_pretrained = Elsewhere(
            "It is model.load_state_dict(utils.load(path))"
        )
        get_weights = Elsewhere("It is model.state_dict()")
        set_weights = Elsewhere("It is model.load_state_dict(state)")
        layers = Elsewhere("They are list(model.children())")
        get_layer = Elsewhere("It is model.get_submodule(name), or model[i] in a Sequential")
        weights = variables = Elsewhere("They are list(model.parameters())")
        trainable_weights = trainable_variables = Elsewhere(
            "They are [p for p in model.parameters() if p.requires_grad]"
        )
        trainable = Elsewhere("Freeze all parameters with model.requires_grad_(False)")
        device = Elsewhere("There are no devices to choose from")

    def __setstate__(self, state: dict[str, Any]) -> None:
        # not by __setattr__, which would register the attributes again
        self.__dict__.update(state)


def _kind(value: object) -> Kind | None:
    """The kind of an attribute with this value; None for a plain attribute."""
    if isinstance(value, Parameter):
        return Parameter
    if isinstance(value, Module):
        return Module
    return Buffer if isinstance(value, Buffer) else None


def _advice(value: Any, kind: Kind) -> str:
    """What was probably meant by a value of the wrong type."""
    if isinstance(value, type) and issubclass(value, Module):
        return f"; {value.__name__} is a class: call it, {value.__name__}(…)"
    if kind is Module and isinstance(value, (list, tuple)):
        return "; pass the modules one by one: nn.Sequential(*layers)"
    if kind is Parameter and isinstance(value, Tensor):
        return "; wrap it in nn.Parameter, or write into the old one: copy_() under no_grad()"
    return ""


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def indent(text: str) -> str:
    """`text` with all lines except the first moved two columns to the right."""
    return text.replace("\n", "\n  ")


def _warn_of_hidden(module: Module, name: str, value: Any) -> None:
    """Warn once per class that parameters() and state_dict() do not find what a container holds."""
    cls = module.__class__
    if cls._warned_of_hidden:
        return
    # only the first entries, so that a list of a million numbers is not searched to its end
    first = islice(value.values() if isinstance(value, dict) else value, 64)
    held = [entry for entry in first if isinstance(entry, (Module, Parameter))]
    if not held:
        return
    found = {id(x) for part in module.modules() for x in (part, *vars(part).values())}
    held = [entry for entry in held if id(entry) not in found]
    if any(isinstance(entry, Module) for entry in held):
        better = "nn.ModuleDict" if isinstance(value, dict) else "nn.ModuleList"
    elif held:
        better = "nn.ParameterDict" if isinstance(value, dict) else "nn.ParameterList"
    else:
        return
    cls._warned_of_hidden = True
    warnings.warn(
        f"{cls.__name__}.{name} is a plain {type(value).__name__}: what it holds is neither in "
        f"parameters() nor in state_dict(), so it is not trained and not saved. Use {better}, or "
        "register each entry under a name of its own.",
        UserWarning,
        stacklevel=3,
    )


def _remark(module: Module) -> str:
    """What the text of a module does not say, in one line."""
    known = [p for p in module.parameters() if not is_lazy(p)]
    count, trained = sum(p.numel() for p in known), sum(p.numel() for p in known if p.requires_grad)
    parts = [f"{count:,} parameters" + (f", {trained:,} trainable" if trained != count else "")]
    if len(known) < sum(1 for _ in module.parameters()):
        parts.append("others have no sizes before the first call")
    parts.append("in training mode" if module.training else "in evaluation mode")
    return ", ".join(parts)
