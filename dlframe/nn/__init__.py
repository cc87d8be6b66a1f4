"""Networks: modules, layers, losses, and the functions and initial values they are made of."""

from __future__ import annotations

from dlframe.nn import init
from dlframe.nn.container import ModuleDict, ModuleList, Sequential
from dlframe.nn.module import Module
from dlframe.nn.parameter import Buffer, Parameter
from dlframe.nn.parameter_container import ParameterDict, ParameterList

__all__ = [
    "Buffer",
    "Module",
    "ModuleDict",
    "ModuleList",
    "Parameter",
    "ParameterDict",
    "ParameterList",
    "Sequential",
    "init",
]
