"""Programs with gradient hooks around and inside an activation checkpoint.

Each takes the library and `part(function, *args)`, which is `checkpoint` or a plain call: the hooks
see the same gradients either way, and as often.
"""

from __future__ import annotations

from typing import Any


def _leaf(lib: Any, factor: float = 10.0) -> Any:
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    x.register_hook(lambda g: g * factor)
    return x


def leaf(lib: Any, part: Any) -> list[Any]:
    x = _leaf(lib)
    part(lambda t: t.sin().exp(), x).sum().backward()
    return [x.grad]


def result(lib: Any, part: Any) -> list[Any]:
    x = _leaf(lib)
    h = x * 2
    h.register_hook(lambda g: g * 3)
    h.retain_grad()
    part(lambda t: t.sin().exp(), h).sum().backward()
    return [x.grad, h.grad]


def weight(lib: Any, part: Any) -> list[Any]:
    x, w = _leaf(lib), _leaf(lib, 7)
    part(lambda t: (t * w).sin(), x).sum().backward()
    return [x.grad, w.grad]


def closure(lib: Any, part: Any) -> list[Any]:
    x, w = _leaf(lib), _leaf(lib, 7)
    scaled = w * 2
    scaled.register_hook(lambda g: g + 1)
    part(lambda t: (t * scaled).sin(), x).sum().backward()
    return [x.grad, w.grad]


def by_grad(lib: Any, part: Any) -> list[Any]:
    x = _leaf(lib)
    h = x * 2
    h.register_hook(lambda g: g * 3)
    return list(lib.autograd.grad(part(lambda t: t.sin().exp(), h).sum(), [x]))


def second_order(lib: Any, part: Any) -> list[Any]:
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    x.register_hook(lambda g: g * g)
    h = x * 2
    h.register_hook(lambda g: g * 3)
    y = part(lambda t: t.sin().exp(), h).sum()
    (g,) = lib.autograd.grad(y, x, create_graph=True)
    return [g, *lib.autograd.grad((g * g).sum(), x)]


def one_after_the_other(lib: Any, part: Any) -> list[Any]:
    x, w = _leaf(lib), _leaf(lib, 7)
    y = part(lambda t: (t * w).sin(), x)
    y.register_hook(lambda g: g * 2)
    part(lambda t: (t * w).exp(), y).sum().backward()
    return [x.grad, w.grad]


def nested(lib: Any, part: Any) -> list[Any]:
    x, w = _leaf(lib), _leaf(lib, 7)
    inner = lambda t: part(lambda s: (s * w).sin(), part(lambda s: (s * w).exp(), t))
    part(inner, x).sum().backward()
    return [x.grad, w.grad]


def inside(lib: Any, part: Any) -> list[Any]:
    seen = []
    x = _leaf(lib)

    def f(t: Any) -> Any:
        h = t * 3
        h.register_hook(lambda g: (seen.append(1), g * 5)[1])
        return h.sin()

    part(f, x).sum().backward()
    return [x.grad, len(seen)]


def of_the_output(lib: Any, part: Any) -> list[Any]:
    seen = []
    x = _leaf(lib)
    y = part(lambda t: t.sin(), x)
    y.register_hook(lambda g: (seen.append(1), g * 5)[1])
    y.retain_grad()
    (y * y).sum().backward()
    return [x.grad, y.grad, len(seen)]


def returned_unchanged(lib: Any, part: Any) -> list[Any]:
    h = _leaf(lib) * 2
    h.register_hook(lambda g: g * 3)
    h.retain_grad()
    a, b = part(lambda t: (t, t.sin()), h)
    (a * b).sum().backward()
    return [h.grad]


def of_nodes(lib: Any, part: Any) -> list[Any]:
    seen = []
    x = _leaf(lib)
    h = x * 2
    h.grad_fn.register_prehook(lambda g: (seen.append("before"), (g[0] * 5,))[1])
    h.grad_fn.register_hook(lambda inputs, outputs: seen.append("after"))
    part(lambda t: t.sin(), h).sum().backward()
    return [x.grad, *seen]


def after_accumulation(lib: Any, part: Any) -> list[Any]:
    seen = []
    x = _leaf(lib)
    x.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.tolist()))
    (part(lambda t: t.sin(), x) * x).sum().backward()
    return [x.grad, len(seen), *seen]


def of_several(lib: Any, part: Any) -> list[Any]:
    seen = []
    x, w = _leaf(lib), _leaf(lib, 7)
    handles = [
        lib.autograd.graph.register_multi_grad_hook([x, w], lambda _, m=mode: seen.append(m), mode=mode)
        for mode in ("all", "any")
    ]  # fmt: skip
    part(lambda t: t.sin() * w, x).sum().backward()
    return [x.grad, w.grad, len(handles), *sorted(seen)]


HOOKS = {
    f.__name__: f
    for f in (
        leaf, result, weight, closure, by_grad, second_order, one_after_the_other, nested, inside,
        of_the_output, returned_unchanged, of_nodes, after_accumulation, of_several,
    )
}  # fmt: skip
