"""Graphs of operations as TensorBoard's GraphDef: those of a model's call, or behind a tensor."""

from __future__ import annotations

from typing import Any

import numpy as np
from tensorboard.compat.proto.attr_value_pb2 import AttrValue
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.node_def_pb2 import NodeDef
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.versions_pb2 import VersionDef

from dlframe.autograd import no_grad
from dlframe.base import nests
from dlframe.errors import ArgumentError
from dlframe.nn import Module
from dlframe.nn.modes import evaluating
from dlframe.nn.parameter import is_lazy
from dlframe.ops.watching import Call, Running, Watcher, running, watched_by
from dlframe.tensor import Tensor, to_array
from dlframe.utils.trial import trial_inputs, unchanged

LONGEST = 200  # characters of an attribute


def graph_of(model: Any, input_to_model: Any) -> Any:
    """The graph of one call of a model, or the one that a tensor is the end of."""
    if isinstance(model, Tensor):
        return _behind(model)
    if not isinstance(model, Module):
        raise TypeError(
            f"add_graph: expected a Module or a Tensor with a graph; got {type(model).__name__}"
        )
    if input_to_model is None:
        raise ArgumentError("add_graph: input_to_model is needed: the model is called with it once")
    args, kwargs = trial_inputs("add_graph", None, _tensors_in(input_to_model), None)
    found = _Calls(model)
    found.note_inputs((args, kwargs))
    with unchanged(model), evaluating(model), watched_by(found), no_grad():
        found.note_outputs(model(*args, **kwargs))
    return found.graph


def _tensors_in(inputs: Any) -> Any:
    return nests.map_leaves(lambda x: Tensor(x) if isinstance(x, np.ndarray) else x, inputs)


class _Calls(Watcher):
    """Makes a node of each operation, in the scope of the modules that were being called."""

    def __init__(self, model: Module) -> None:
        self.graph = GraphDef(versions=VersionDef(producer=22))
        self.names: set[str] = set()
        self.makers: dict[int, str] = {}  # of a tensor, by its id: the name of its node
        self.kept: list[Any] = []  # tensors, so that no id is given twice
        self.root = type(model).__name__
        self.kinds = {path: type(module).__name__ for path, module in model.named_modules()}
        self.own: dict[int, tuple[str, str]] = {}
        for kind, named in (
            ("Parameter", model.named_parameters()),
            ("Buffer", model.named_buffers()),
        ):
            for path, tensor in named:
                if not is_lazy(tensor):
                    self.own.setdefault(id(tensor), (path, kind))

    def add(
        self, name: str, op: str, tensor: Any, sources: list[str], options: dict[str, Any]
    ) -> str:
        """Add a node whose result is `tensor`; returns its name, with a number if it is taken."""
        number, unique = 0, name
        while unique in self.names:
            number += 1
            unique = f"{name}_{number}"
        self.names.add(unique)
        attributes = {key: AttrValue(s=_text(value).encode()) for key, value in options.items()}
        if tensor is not None:
            attributes["_output_shapes"] = _shape(tensor)
            attributes["dtype"] = AttrValue(s=str(to_array(tensor).dtype).encode())
        self.graph.node.append(NodeDef(name=unique, op=op, input=sources, attr=attributes))
        return unique

    def note_inputs(self, inputs: Any) -> None:
        tensors = _tensors(inputs)
        for i, tensor in enumerate(tensors):
            name = "input" if len(tensors) == 1 else f"input/{i}"
            self._made(tensor, self.add(name, "Input", tensor, [], {}))

    def note_outputs(self, outputs: Any) -> None:
        tensors = _tensors(outputs)
        for i, tensor in enumerate(tensors):
            name = "output" if len(tensors) == 1 else f"output/{i}"
            self.add(name, "Output", tensor, [self.maker(tensor, "")], {})

    def called(self, call: Call) -> None:
        if call.note.backward_of is not None:
            return
        scope = self.scope(running())
        sources = [self.maker(x, scope) for x in _tensors(call.inputs)]
        name = f"{scope}/{call.definition.name}" if scope else call.definition.name
        first = call.outputs[0] if call.outputs else None
        node = self.add(name, call.definition.name, first, sources, call.options)
        for tensor in call.outputs:
            self._made(tensor, node)

    def maker(self, tensor: Any, scope: str) -> str:
        """The node that made a tensor: a parameter, a buffer or a constant gets one now."""
        if id(tensor) not in self.makers:
            path, kind = self.own.get(id(tensor), ("", ""))
            if kind:
                name = f"{self.scope_of(path.rpartition('.')[0])}/{path.rpartition('.')[2]}"
            else:
                name, kind = f"{scope}/constant".lstrip("/"), "Constant"
            self._made(tensor, self.add(name, kind, tensor, [], {}))
        return self.makers[id(tensor)]

    def _made(self, tensor: Any, node: str) -> None:
        self.makers[id(tensor)] = node
        self.kept.append(tensor)

    def scope(self, stack: tuple[Running, ...]) -> str:
        """The path of the module that is being called: "Net/Sequential[body]/Linear[0]"."""
        if not stack:
            return ""
        path = stack[-1].path
        inside = path.removeprefix(stack[0].path).lstrip(".")
        return self.scope_of(inside) if " → " not in path else path.replace(" → ", "/")

    def scope_of(self, path: str) -> str:
        parts, scope, before = path.split(".") if path else [], self.root, ""
        for part in parts:
            before = f"{before}.{part}".lstrip(".")
            scope += f"/{self.kinds.get(before, '')}[{part}]"
        return scope


def _tensors(nest: Any) -> list[Tensor]:
    return [leaf for leaf in nests.leaves(nest) if isinstance(leaf, Tensor)]


def _shape(tensor: Any) -> Any:
    sizes = [TensorShapeProto.Dim(size=n) for n in tensor.shape]
    return AttrValue(list=AttrValue.ListValue(shape=[TensorShapeProto(dim=sizes)]))


def _text(value: Any) -> str:
    if isinstance(value, (Tensor, np.ndarray)):
        return f"{type(value).__name__} {tuple(value.shape)}"
    return str(value)[:LONGEST]


def _behind(tensor: Tensor) -> Any:
    """The graph of gradients behind a tensor; leaves have the shapes of their tensors."""
    if tensor.grad_fn is None:
        raise ArgumentError("add_graph: this tensor has no graph; it was not computed with one")
    graph = GraphDef(versions=VersionDef(producer=22))
    names: dict[int, str] = {}  # by the id of a node, or of a leaf
    counts: dict[str, int] = {}
    order: list[Any] = []
    todo: list[Any] = [tensor.grad_fn]
    while todo:
        node = todo.pop()
        if id(node) in names:
            continue
        kind = "Leaf" if isinstance(node, Tensor) else node.name().removesuffix("Backward0")
        count = counts[kind] = counts.get(kind, -1) + 1
        names[id(node)] = f"{kind}_{count}" if count else kind
        order.append((node, kind))
        todo += _sources(node)
    for node, kind in reversed(order):
        sources = [names[id(one)] for one in _sources(node)]
        shown = tensor if node is tensor.grad_fn else node
        attributes = {"_output_shapes": _shape(shown)} if isinstance(shown, Tensor) else {}
        graph.node.append(NodeDef(name=names[id(node)], op=kind, input=sources, attr=attributes))
    return graph


def _sources(node: Any) -> list[Any]:
    if isinstance(node, Tensor):
        return []
    return [one for one, _ in node.next_functions if one is not None]
