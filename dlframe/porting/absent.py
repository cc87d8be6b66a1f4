"""PyTorch's names that dlframe does not have: what is said of them, and what stands in for them.

`names.json` lists them; `tools/make_absent.py` writes it, with PyTorch installed.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any, NoReturn

from dlframe.errors import DlframeError, did_you_mean

VERSION = "2.13.0"
"""The PyTorch whose names these are."""

NAMES = Path(__file__).with_name("names.json")

COMPILER = "There is no compiler: the same code without it gives the same numbers"
PROCESSES = "Training runs in one process on one machine; without it the program does the same"
GPU = "There is no GPU here, and `torch.cuda.is_available()` is False: ask it first"
REASONS = {
    "torch.jit": COMPILER,
    "torch.compiler": COMPILER,
    "torch._dynamo": COMPILER,
    "torch._inductor": COMPILER,
    "torch.fx": "Modules are not traced into graphs; `dlframe.viz.graph` draws one",
    "torch.export": COMPILER,
    "torch.onnx": "Models are not exported; `torch.save` writes weights that PyTorch reads, which "
    "can export them",
    "torch.distributed": PROCESSES,
    "torch.distributions": "Draw with `torch.randn`, `torch.rand`, `torch.multinomial` and write "
    "the density as its formula",
    "torch.nn.parallel": PROCESSES,
    "torch.cuda": GPU,
    "torch.mps": GPU,
    "torch.xpu": GPU,
    "torch.mtia": GPU,
    "torch.amp": "Everything is computed in the dtype that tensors have",
    "torch.quantization": "Weights are not quantized; leave it out",
    "torch.ao": "Weights are not quantized; leave it out",
    "torch.nn.quantized": "Weights are not quantized; use the layers of `torch.nn`",
    "torch.sparse": "All tensors are dense: use `x.to_dense()` or ordinary products",
    "torch.nested": "Pad sequences instead: `torch.nn.utils.rnn.pad_sequence`",
    "torch.masked": "Use `torch.where`, or `x.masked_fill`",
    "torch.hub": "Weights are not downloaded; `torch.load` reads a file that you have",
    "torch.profiler": "`python -m cProfile` and `dlframe.utils.summary` say where time goes",
    "torch.fft": "`numpy.fft` has these transforms, without gradients",
    "torch.utils.cpp_extension": "C++ is not compiled here",
    "torch.ops": "Operators written in C++ are not loaded; write them with tensors",
    "torch.classes": "Classes written in C++ are not loaded",
    "torch.bfloat16": "NumPy has no such numbers: use `torch.float32`",
    "torch.testing": "Use `numpy.testing.assert_allclose`, or `torch.allclose`",
    "torchvision.models": "Build it from `torch.nn`; pretrained weights are not downloaded",
}
"""Why something is not there and what to do instead, by the beginning of its name."""

DENSE = "All tensors are dense: use `torch.zeros` and write into it, and ordinary products"
REAL = "There are no complex tensors; keep real and imaginary parts in two"
FOURIER = "NumPy has the transform, without gradients; `x.numpy()` is the array"
FULL = "Weights are not quantized; leave it out"
SIXTEEN = "NumPy has no such dtype: use `torch.float32`, which is more exact, or `torch.float16`"
WORDS = {
    "sparse": DENSE,
    "coo": DENSE,
    "csr": DENSE,
    "csc": DENSE,
    "bsr": DENSE,
    "bsc": DENSE,
    "hspmm": DENSE,
    "smm": DENSE,
    "dsmm": DENSE,
    "spmm": DENSE,
    "saddmm": DENSE,
    "coalesce": DENSE,
    "indices": DENSE,
    "quant": FULL,
    "fbgemm": FULL,
    "qint": FULL,
    "quint": FULL,
    "QInt": FULL,
    "QUInt": FULL,
    "int_repr": FULL,
    "complex": REAL,
    "Complex": REAL,
    "cfloat": REAL,
    "cdouble": REAL,
    "chalf": REAL,
    "polar": REAL,
    "eig": f"{REAL}; for symmetric matrices there is `torch.linalg.eigh`",
    "stft": FOURIER,
    "Storage": "`x.untyped_storage()` says where a tensor's memory is; make tensors of arrays or "
    "lists",
    "bfloat16": SIXTEEN,
    "BFloat16": SIXTEEN,
    "float8": SIXTEEN,
    "float4": SIXTEEN,
    "cudnn": GPU,
    "miopen": GPU,
    "cuda": GPU,
    "Stream": GPU,
    "Event": GPU,
    "mkldnn": "There is one layout of tensors; leave it out",
    "mkl": "There is one layout of tensors; leave it out",
    "Script": COMPILER,
    "Sym": COMPILER,
}
"""The same by words within a name, for those of which `REASONS` says nothing; the first counts."""


CLASSES = ("torch.Tensor", "torch.nn.Module")
"""Of these classes the methods are listed as well."""


@functools.cache
def _listed() -> dict[str, frozenset[str]]:
    read = json.loads(NAMES.read_text("utf-8"))
    return {name: frozenset(names.split()) for name, names in read.items()}


@functools.cache
def _names() -> dict[str, frozenset[str]]:
    return {module: names for module, names in _listed().items() if module not in CLASSES}


def names_of(module: str) -> frozenset[str]:
    """The names of a module of PyTorch's that dlframe has not."""
    return _names().get(module, frozenset())


@functools.cache
def methods() -> dict[str, str]:
    """Methods of PyTorch's tensors and modules that dlframe's lack, each with its class."""
    listed = _listed()
    return {name: cls for cls in reversed(CLASSES) for name in listed.get(cls, ())}


WHOLE = (
    "torch._dynamo.", "torch._inductor.", "torch.ao.", "torch.distributed.", "torch.export.",
    "torch.fx.", "torch.jit.", "torch.onnx.", "torch.package.", "torch.quantization.",
    "torch.nn.intrinsic.", "torch.nn.qat.", "torch.nn.quantizable.", "torch.nn.quantized.",
    "torch.utils.benchmark.",
)  # fmt: skip
"""Where nothing is there, and everything below counts as PyTorch's."""


def is_listed_module(name: str) -> bool:
    """Whether it is a module of PyTorch's that programs name."""
    return name in _names()


def is_module(name: str) -> bool:
    """Whether PyTorch has, or may have, such a module."""
    return is_listed_module(name) or f"{name}.".startswith(WHOLE)


def is_name(name: str) -> bool:
    """Whether PyTorch has such a name, and dlframe has not."""
    module, _, last = name.rpartition(".")
    return last in _listed().get(module, ()) or f"{module}.".startswith(WHOLE)


def reason(name: str) -> str:
    """Why a name is not there, and what to do instead; "" if nothing is known."""
    parts = name.split(".")
    for count in range(len(parts), 1, -1):
        found = REASONS.get(".".join(parts[:count]))
        if found:
            return found
    return next((why for word, why in WORDS.items() if word in parts[-1]), "")


def message(name: str) -> str:
    """What an error says of a name that is not there."""
    module, _, last = name.rpartition(".")
    if is_name(name) or is_module(name):
        why = reason(name)
        text = f"{name}: PyTorch has it, dlframe does not yet. {why}".rstrip()
        return f"{text}." if why else f"{text} docs/differences.md lists what is there."
    return f"module {module!r} has no attribute {last!r}.{did_you_mean(last, _ours(module))}"


PLACES = {
    "dlframe.data.datasets": "torchvision.datasets",
    "dlframe.data.transforms": "torchvision.transforms",
    "dlframe.data": "torch.utils.data",
    "dlframe.vision": "torchvision",
    "dlframe": "torch",
}
"""Where names of dlframe's modules are in PyTorch."""


def why_not(module: str, name: str) -> str:
    """What the error of a name says that a module of dlframe lacks; "" if PyTorch lacks it too.

    >>> why_not("dlframe", "complex64")
    'PyTorch has it, dlframe does not yet. There are no complex tensors; keep real and imaginary...'
    """
    place = next((one for one in PLACES if f"{module}.".startswith(f"{one}.")), module)
    theirs = f"{PLACES.get(place, place)}{module.removeprefix(place)}.{name}"
    if not (is_name(theirs) or is_module(theirs)):
        return ""
    told = message(theirs).removeprefix(f"{theirs}: ")
    return told.replace("`torch.", "`dlframe.")


def _ours(module: str) -> list[str]:
    import sys

    found = sys.modules.get(module)
    return [] if found is None else [name for name in dir(found) if not name.startswith("_")]


class MissingNameError(DlframeError, NotImplementedError):
    """A program used a name of PyTorch's that dlframe does not have."""


class Missing:
    """Stands in for a name that was imported and is not there: raises when it is used.

    It may stand in annotations, after `except`-less checks such as `isinstance(x, name)` (False),
    and as one of several types.
    """

    def __init__(self, name: str, where: str) -> None:
        self.__dict__.update(name=name, where=where)

    def __repr__(self) -> str:
        return f"<{self.name}, which dlframe does not have>"

    def _use(self) -> NoReturn:
        raise MissingNameError(f"{message(self.name)} (It is imported in {self.where})")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._use()

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        self._use()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        self._use()

    def __setattr__(self, name: str, value: Any) -> None:
        self._use()

    def __instancecheck__(self, instance: object) -> bool:
        return False

    def __subclasscheck__(self, subclass: type) -> bool:
        return False

    def __getitem__(self, key: object) -> Missing:
        return self

    def __or__(self, other: object) -> Any:
        return other

    __ror__ = __or__
