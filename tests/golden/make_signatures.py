"""Write signatures.json: PyTorch's public callables and their arguments.

tests/test_public_api.py compares dlframe with it. A call is a list of parameters as text: "input",
"dim=None", "*size", and "*" where the keyword-only ones begin. Functions written in C have no
signature that Python knows; theirs is read from the first lines of the docstring, one call for each
form that is documented, and their names are listed under "from_docstring".
"""

from __future__ import annotations

import ast
import inspect
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

MODULES = [
    "torch",
    *(f"torch.{name}" for name in ("autograd", "fft", "func", "linalg", "nn", "optim", "special")),
    *(f"torch.autograd.{name}" for name in ("functional", "forward_ad")),
    *(f"torch.nn.{name}" for name in ("functional", "init", "utils")),
    *(f"torch.nn.utils.{name}" for name in ("parametrize", "rnn")),
    *(f"torch.optim.{name}" for name in ("lr_scheduler", "swa_utils")),
    "torch.signal.windows",
    *(f"torch.utils.{name}" for name in ("checkpoint", "data")),
]

# Parts of PyTorch that dlframe leaves out: devices, sparse, quantized, compiled and named tensors.
OUTSIDE = re.compile(
    r"sparse|quantiz|cudnn|mkldnn|miopen|fbgemm|cuda|hip|xpu|jit|compile|dynamo|onnx|sym_|Sym[A-Z]|_copy$|"
    r"Storage|Type$|Error$|FutureType|torch_function|autocast|vulkan|names$|rename|align_|refine_|slice_inverse|"
    r"fake_|fused_|fw_primal|Stream$|Event$|Graph|Fallback|Script"
)


def default_text(value: Any) -> str:
    """A default as text that holds for both libraries: numbers, strings, names of functions."""
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return repr(value)
    if isinstance(value, tuple | list):
        return f"({', '.join(default_text(v) for v in value)})"
    return getattr(value, "__name__", None) or str(value).replace("torch.", "")


def describe(function: Callable[..., Any]) -> list[str] | None:
    """The parameters of a callable as text, without `self`; None if Python does not know them."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    out: list[str] = []
    star = False
    for p in signature.parameters.values():
        if p.name == "self" and not out:
            continue
        if p.kind is p.VAR_POSITIONAL:
            out.append(f"*{p.name}")
            star = True
        elif p.kind is p.VAR_KEYWORD:
            out.append(f"**{p.name}")
        else:
            if p.kind is p.KEYWORD_ONLY and not star:
                out.append("*")
                star = True
            out.append(p.name if p.default is p.empty else f"{p.name}={default_text(p.default)}")
    return out


def split_arguments(text: str) -> list[str]:
    """Split at the commas that are outside of brackets and quotes."""
    parts, depth, quote, start = [], 0, "", 0
    for i, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]


def parameter(text: str) -> str | None:
    """One documented parameter, "Tensor input: float = 1", as `describe` writes it."""
    name, _, default = (part.strip() for part in text.partition("="))
    name = name.split(":")[0].split()[-1]  # without annotation, without the type before it
    if not re.fullmatch(r"\*{0,2}\w*", name):
        return None
    if not default:
        return name
    if fraction := re.fullmatch(r"([\d.]+)/([\d.]+)", default):  # "1./8"
        default = str(float(fraction[1]) / float(fraction[2]))
    try:
        return f"{name}={default_text(ast.literal_eval(default))}"
    except (SyntaxError, ValueError):
        return f"{name}={default.replace('torch.', '')}"


def calls_in_docstring(name: str, doc: str | None) -> list[list[str]]:
    """Every form "name(a, b=1) -> Tensor" that begins a line of the docstring."""
    calls = []
    prefix = r"^\s*(?:\.\. function:: )?(?:(?!return_types)\w+\.)*"
    pattern = rf"{prefix}(?:{re.escape(name)}|__init__)\((.*?)\)\s*(?:->.*)?$"
    for match in re.finditer(pattern, doc or "", flags=re.MULTILINE):
        parameters = [parameter(part) for part in split_arguments(match[1])]
        if None in parameters:
            continue
        call = [p for p in parameters if p]
        if "*" in call and any(re.match(r"\*\w", p) for p in call):
            call.remove("*")  # after "*size" everything is keyword-only anyway
        if call not in calls:
            calls.append(call)
    return calls


def main() -> None:
    """Collect, and write the file beside this script."""
    import importlib

    import torch

    known: dict[str, list[list[str]]] = {}
    from_docstring: list[str] = []

    def add(path: str, name: str, value: Any) -> None:
        call = describe(value.__init__ if inspect.isclass(value) else value)
        if call is not None and not any(p.startswith("*args") for p in call):
            known[path] = [call]
        elif calls := calls_in_docstring(name, value.__doc__):
            known[path] = calls
            from_docstring.append(path)

    for module_name in MODULES:
        module = importlib.import_module(module_name)
        for name in dir(module):
            value = getattr(module, name)
            if name.startswith("_") or not callable(value) or OUTSIDE.search(name):
                continue
            home = getattr(value, "__module__", None) or "torch"
            if not home.startswith("torch") or name.endswith("Tensor"):
                continue  # from typing, collections …; tensors of other devices
            add(f"{module_name}.{name}", name, value)
            if inspect.isclass(value) and module_name != "torch" and name != "Tensor":
                for method, member in vars(value).items():
                    if not method.startswith("_") and not OUTSIDE.search(method):
                        function = getattr(member, "__func__", member)
                        if callable(function) and not inspect.isclass(function):
                            add(f"{module_name}.{name}.{method}", method, function)
    for method in dir(torch.Tensor):
        if not method.startswith("_") and not OUTSIDE.search(method) and method not in dir(dict):
            function = getattr(torch.Tensor, method)
            if callable(function):
                add(f"torch.Tensor.{method}", method, function)

    lines = [f"{json.dumps(name)}: {json.dumps(known[name])}" for name in sorted(known)]
    target = Path(__file__).with_name("signatures.json")
    target.write_text(
        "{\n"
        f'"torch": {json.dumps(torch.__version__.split("+")[0])},\n'
        f'"from_docstring": {json.dumps(sorted(set(from_docstring)))},\n'
        '"calls": {\n' + ",\n".join(lines) + "\n}}\n"
    )
    print(f"{len(known)} callables, {target.stat().st_size // 1024} KB in {target}")


if __name__ == "__main__":
    main()
