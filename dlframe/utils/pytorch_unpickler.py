"""The unpickler of PyTorch's checkpoints: tensors, containers, plain types, and nothing else."""

from __future__ import annotations

import io
import pickle
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

from dlframe.base.printable import error_text, printable
from dlframe.errors import FileFormatError
from dlframe.utils import unpickle
from dlframe.utils.pytorch_names import DTYPES, STORAGES, StorageKind
from dlframe.utils.pytorch_values import (
    FUNCTIONS,
    MAX_SAME_HASH,
    TYPES,
    Refused,
    Storage,
    check_hashable,
    checked_nest,
    is_hashable,
)
from dlframe.utils.sources import Source
from dlframe.utils.unpickle import PlainUnpickler, refused


class TorchUnpickler(PlainUnpickler):
    """Reads one pickle of a checkpoint.

    Args:
        source: the bytes of the pickle, or the file from where it stands.
        find: makes the storage of a key, kind and number of elements, or raises FileFormatError.
    """

    admitted = unpickle.ADMITTED | FUNCTIONS | TYPES | DTYPES | STORAGES
    callables = (*unpickle.CALLABLES, *dict.fromkeys(FUNCTIONS.values()))
    dicts = (dict, OrderedDict)

    def __init__(
        self,
        source: bytes | Source,
        find: Callable[[str, StorageKind, int], Storage] | None = None,
    ) -> None:
        file: Any = io.BytesIO(source) if isinstance(source, bytes) else source
        super().__init__(file, encoding="utf-8")
        self._find = find
        self._by_key: dict[str, Storage] = {}
        self._hashes: Counter[tuple[int, int]] = Counter()
        self._first: FileFormatError | None = None

    def value(self) -> Any:
        """The value of the pickle; FileFormatError with the place of what is refused."""
        try:
            value = self.load()
        except FileFormatError as error:
            raise self._first or error from None
        except Exception as error:
            if self._first is not None:
                raise self._first from None
            raise FileFormatError(
                f"its pickle is damaged: {printable(error_text(error), longest=200)}"
            ) from error
        checked_nest(value)
        if self._first is not None:  # it is in a key, or was thrown away
            raise self._first
        return value

    @property
    def storages(self) -> list[Storage]:
        """The storages that the tensors are in."""
        return list(self._by_key.values())

    def _made(self, make: Callable[..., Any], *arguments: Any) -> Any:
        """What a function makes; where it raises FileFormatError, something that stands for it.

        So the nest is read to its end without it, and the error can name its place.
        """
        for argument in arguments:
            if isinstance(argument, Refused):
                return argument
        try:
            return make(*arguments)
        except FileFormatError as error:
            self._first = self._first or error
            return Refused(str(error))

    def find_class(self, module: str, name: str) -> Any:
        return self._made(super().find_class, module, name)

    def load_reduce(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if isinstance(function, Refused):
            self.stack.append(function)
            return

        def call(*arguments: Any) -> Any:
            if not any(function is one for one in self.callables):
                raise refused("a call of something that cannot be called")
            return function(*arguments)

        self.stack.append(self._made(call, *arguments))

    def load_newobj(self) -> None:
        _, kind = self.stack.pop(), self.stack.pop()
        self.stack.append(self._made(_new_object, kind))

    def refusal(self, module: str, name: str) -> FileFormatError:
        full = printable(f"{module}.{name}", longest=100)
        advice = _advice(module, name)
        if advice:
            return FileFormatError(f"the pickle asks for {full}, {advice}; nothing was executed")
        return FileFormatError(
            f"the pickle asks for {full}, which is neither a tensor nor a plain value; it "
            f"may be an attack and was not executed. Where PyTorch is installed and the file is "
            f"one that you trust, save what you need of it as tensors, numbers, texts, lists and "
            f"dicts"
        )

    def load_binpersid(self) -> None:
        pid = self.stack.pop()
        parts = pid if type(pid) is tuple else (pid,)
        self.stack.append(self._made(self._storage, *parts))

    def _storage(self, *pid: Any) -> Storage:
        if len(pid) not in (5, 6) or pid[0] not in ("storage", b"storage"):
            raise refused("a reference to something else than a storage")
        _, kind, key, _, count, *view = pid
        if not isinstance(kind, StorageKind) or type(key) is not str or self._find is None:
            raise refused("a storage without a kind and a key")
        if kind.dtype is None:
            raise FileFormatError(
                f"a torch.{kind.name}, of a dtype that dlframe does not have. Where PyTorch is "
                f"installed, save it as numbers that it has (torch.view_as_real, .dequantize())"
            )
        if type(count) is not int or not 0 <= count < 1 << 60 or any(view):
            raise FileFormatError(f"a storage of {printable(count, longest=40)} elements")
        if key not in self._by_key:
            self._by_key[key] = self._find(key, kind, count)
        found = self._by_key[key]
        if (found.kind, found.count) != (kind, count):
            raise FileFormatError(
                f"a storage {printable(key, longest=40)!r} of two different kinds"
            )
        return found

    def load_build(self) -> None:
        state, value = self.stack.pop(), self.stack.pop()
        self.stack.append(self._made(self._built, value, state))

    def _built(self, value: Any, state: Any) -> Any:
        if type(value) is not OrderedDict:
            return self.built(value, state)
        if type(state) is not dict or set(state) - {"_metadata"}:
            raise refused("attributes of an OrderedDict")
        for metadata in state.values():  # the versions of a module's parts
            checked_nest(metadata)
            value._metadata = metadata  # type: ignore[attr-defined] # as PyTorch does it
        return value

    def load_empty_set(self) -> None:
        self.stack.append(set())

    def load_additems(self) -> None:
        items = self.pop_mark()
        if type(self.stack[-1]) is not set:
            raise refused("elements of something that is no set")
        for item in items:
            self.check_key(item, self.stack[-1])
        self.stack[-1].update(items)

    def load_frozenset(self) -> None:
        items = self.pop_mark()
        check_hashable(items)
        self.stack.append(frozenset(items))

    def load_append(self) -> None:
        self._extend([self.stack.pop()])

    def load_appends(self) -> None:
        self._extend(self.pop_mark())

    def _extend(self, items: list[Any]) -> None:
        if type(self.stack[-1]) is list:
            self.stack[-1].extend(items)
        elif not isinstance(self.stack[-1], Refused):
            raise refused("elements of something that is no list")

    def set_items(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], Refused):
            super().set_items(items)

    dispatch = PlainUnpickler.dispatch | {
        pickle.BINPERSID[0]: load_binpersid,
        pickle.REDUCE[0]: load_reduce,
        pickle.NEWOBJ[0]: load_newobj,
        pickle.BUILD[0]: load_build,
        pickle.EMPTY_SET[0]: load_empty_set,
        pickle.ADDITEMS[0]: load_additems,
        pickle.FROZENSET[0]: load_frozenset,
        pickle.APPEND[0]: load_append,
        pickle.APPENDS[0]: load_appends,
    }

    def check_key(self, key: Any, target: Any) -> None:
        if type(key) is str:
            return
        if not is_hashable(key):
            raise refused(f"a {type(key).__name__} as a key of a dict or an element of a set")
        at = (id(target), hash(key))
        if key not in target:
            self._hashes[at] += 1
            if self._hashes[at] > MAX_SAME_HASH:
                raise refused("many keys that all have the same hash")


def _new_object(kind: Any) -> Any:
    raise refused("an object of another kind")


def _advice(module: str, name: str) -> str:
    """What to do about a name that is not admitted; empty for one that is not known."""
    if module.startswith(("torch.nn.modules", "torchvision.models")) or module == "__main__":
        return (
            "a class: it is a whole module, not its state_dict, and to rebuild it runs code. Where "
            "PyTorch is installed and the file is one that you trust, save its state: "
            "torch.save(torch.load(file, weights_only=False).state_dict(), path); here, build "
            "the model and pass dlframe.load(path) to its load_state_dict"
        )
    if (module, name) == ("argparse", "Namespace"):
        return "which is no plain value: where it is written, save vars(args) in its place"
    if "sparse" in name or "qtensor" in name or name.startswith(("bits", "float8", "complex")):
        return (
            "a kind of tensor that dlframe does not have: where PyTorch is installed, save it as "
            "an ordinary one (.to_dense(), .dequantize(), .float(), torch.view_as_real)"
        )
    return ""
