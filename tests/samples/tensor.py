"""Samples of what a tensor is and does by itself: attributes, conversion, Python's protocols, dtypes."""

# ruff: noqa: RUF005 - adding sizes is what is tested

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from samples.table import Call, ErrorSample, Named, Numbers, calls

n = Numbers(77)
X = n.away(2, 3)
C = n.away(2, 3, 4)
INTS = n.ints(-5, 5, 2, 3)


def function(name: str, *args: Any, **common: Any) -> Call:
    """What a function says of a tensor, or of two."""
    common = {"order": 0, "dtypes": False, "variants": False, "narrow": 0, **common}
    return Call(name, args or (X,), **common)


_SAID = ["is_complex", "is_conj", "is_neg", "is_signed", "is_inference", "get_device"]
_SAME = ["real", "conj", "conj_physical", "resolve_conj", "resolve_neg"]


def attribute(
    name: str, run: Callable[..., Any] | None = None, *arrays: Any, **common: Any
) -> Call:
    """What an attribute says, or what `run(lib, x)` makes of it."""
    read = run or (lambda lib, x: getattr(x, name))
    common = {"order": 0, "dtypes": False, "variants": False, "narrow": 0, **common}
    return Call(f"Tensor.{name}", arrays or (X,), run=read, **common)


def memory(name: str, run: Callable[..., Any], **common: Any) -> Call:
    """What depends on how the elements lie, of a tensor in order."""
    return Call(f"Tensor.{name}", (), run=lambda lib: run(lib, lib.tensor(X)), **common)


def smooth(name: str, run: Callable[..., Any], *arrays: Any, **common: Any) -> Call:
    """A view or a copy, with its gradients."""
    return Call(f"Tensor.{name}", arrays or (X,), run=run, **common)


def after_backward(run: Callable[..., Any]) -> Callable[..., Any]:
    """`run(lib, x, y)` after the gradient of y = Σ x³ came to x."""

    def call(lib: Any, x: Any) -> Any:
        x = x.detach().requires_grad_()
        y = (x**3).sum()
        return run(lib, x, y)

    return call


def _backward(lib: Any, x: Any, y: Any) -> Any:
    y.backward()
    return x.grad


def _retained(lib: Any, x: Any, y: Any) -> Any:
    z = x * 2
    z.retain_grad()
    z.pow(2).sum().backward()
    return z.grad, x.grad, z.retains_grad


def _hooked(lib: Any, x: Any, y: Any) -> Any:
    handle = x.register_hook(lambda g: 10 * g)
    y.backward(retain_graph=True)
    handle.remove()
    y.backward()
    return x.grad


def _hooked_by(x: Any, factor: float) -> Any:
    x = x.detach().requires_grad_()
    x.register_hook(hook=lambda g: factor * g)
    x.sum().backward()
    return x.grad


def _data(lib: Any, x: Any, y: Any) -> Any:
    x.data[0] = 7.0
    shared = x[0, 0].item()
    x.data = lib.zeros(4, dtype=lib.float64)
    return shared, tuple(x.shape), x.requires_grad, x.data.requires_grad


def _grad_set(lib: Any, x: Any, y: Any) -> Any:
    x.grad = lib.ones_like(x)
    y.backward()
    before = x.grad
    del x.grad
    return before, x.grad is None


def _tied(lib: Any, x: Any) -> Any:
    first, second = copy.deepcopy([x, x.view(-1)])
    first[0, 0] = 9.0
    return second[0], x[0, 0]


def _copied(lib: Any, x: Any) -> Any:
    x = x.detach().requires_grad_()
    x.sum().backward()
    y = copy.deepcopy(x)
    y.grad.zero_()
    return y, y.grad, x.grad, y.requires_grad, y.is_leaf


def _backward_by(lib: Any, x: Any, **options: Any) -> Any:
    x = x.detach().requires_grad_()
    y = x**3
    if "gradient" not in options:
        options["gradient"] = lib.ones_like(y)
    if "inputs" in options:
        options["inputs"] = [x]
    y.backward(**options)
    if options.get("retain_graph"):
        y.backward(lib.ones_like(y))
    return x.grad.detach(), x.grad.requires_grad


def _printed(lib: Any, x: Any, **options: Any) -> str:
    try:
        lib.set_printoptions(**options)
        return repr(x.float() * 1000)
    finally:
        lib.set_printoptions(profile="default", sci_mode=None)


def named(name: str, run: Callable[..., Any], **options: Any) -> Call:
    """A call whose keywords count as tried."""
    passes = tuple(options)
    return Call(
        name, (X,), options, run=run, order=0, dtypes=False, variants=False, narrow=0, passes=passes
    )


CALLS = [
    *[function(name) for name in _SAID],
    function("is_signed", INTS > 0), function("is_same_size", X, X), function("is_same_size", X, C), function("is_same_size", X, INTS),
    *[function(name, order=2) for name in _SAME], function("real", INTS),
    function("detach"), Call("detach_", (X,), run=lambda lib, x: lib.detach_(x * 2), order=0, dtypes=False, variants=False),
    Call("zero_", (X,), run=lambda lib, x: lib.zero_(x * 2), order=1, dtypes=False, variants=False),
    Call("fill_", (X, n.away()), run=lambda lib, x, v: lib.fill_(x * 2, v), passes=("value",), order=1, dtypes=False, variants=False),
    Call("fill_", (X,), run=lambda lib, x: lib.fill_(x * 2, 3), order=1, dtypes=False, variants=False),
    *[Call("Tensor.resize_", (X,), run=lambda lib, x, size=size: x.detach().clone().resize_(*size), order=0, dtypes=False, variants=False) for size in ((3, 2), (4,), (2, 1), (0, 2))],
    Call("Tensor.resize_", (X,), run=lambda lib, x: x.detach().clone().resize_((6,)), order=0, dtypes=False, variants=False),
    Call("resize_as_", (X, n.away(2, 2)), run=lambda lib, x, y: lib.resize_as_(x.detach().clone(), y), passes=("the_template",), order=0, dtypes=False, variants=False),
    Call("Tensor.resize_as_", (X, n.away(2, 2)), run=lambda lib, x, y: x.detach().clone().resize_as_(y), passes=("tensor",), order=0, dtypes=False, variants=False),
    Call("Tensor.set_", (X, C), run=lambda lib, x, y: x.detach().clone().set_(y.detach().contiguous(), 2, (2, 2), (3, 1)), passes=("source", "storage_offset", "size", "stride"), order=0, dtypes=False, variants=False),
    Call("Tensor.set_", (X, C), run=lambda lib, x, y: x.detach().clone().set_(y.detach()), order=0, dtypes=False, variants=False),
    Call("Tensor.map2_", (X, X, X), run=lambda lib, x, y, z: x.detach().clone().map2_(y.detach(), z.detach(), lambda a, b, c: a + b * c), order=0, dtypes=False, variants=False),
    named("Tensor.size", lambda lib, x, dim: x.size(dim=dim), dim=-1),
    named("Tensor.requires_grad_", lambda lib, x, requires_grad: (x.requires_grad_(), x.requires_grad_(requires_grad=requires_grad).requires_grad), requires_grad=False),
    *(named("Tensor.backward", _backward_by, **options) for options in (
        {"gradient": n.away(2, 3)}, {"retain_graph": True}, {"create_graph": True}, {"inputs": True})),
    named("Tensor.numpy", lambda lib, x, force: x.requires_grad_().numpy(force=force), force=True),
    named("Tensor.type", lambda lib, x, dtype: x.type(dtype=dtype), dtype=Named("int8")),
    named("Tensor.type_as", lambda lib, x, tensor: x.type_as(tensor), tensor=INTS),
    named("Tensor.register_hook", lambda lib, x, hook: _hooked_by(x, hook), hook=3.0),
    named("from_dlpack", lambda lib, x: (lib.from_dlpack(x), lib.from_dlpack(x, copy=True).data_ptr() == x.data_ptr(), lib.from_dlpack(x.long()), lib.from_dlpack(x.bool()))),
    *(named("set_printoptions", _printed, **options) for options in (
        {"precision": 2}, {"threshold": 3, "edgeitems": 1}, {"linewidth": 30}, {"profile": "short"}, {"sci_mode": True}, {"sci_mode": False, "precision": 1})),
    named("is_floating_point", lambda lib, x: (lib.is_floating_point(x), lib.is_floating_point(x.long()))),
    Call("get_default_dtype", (), run=lambda lib: lib.get_default_dtype()),
    attribute("shape", lambda lib, x: (tuple(x.shape), tuple(x[0, 0].shape), len(x.shape))),
    attribute("size", lambda lib, x: (tuple(x.size()), x.size(0), x.size(-1), x.size(dim=1), x.size().numel())),
    attribute("dim", lambda lib, x: (x.dim(), x.ndimension())),
    attribute("ndim"),
    attribute("numel", lambda lib, x: (x.numel(), x.nelement(), lib.numel(x))),
    attribute("dtype", lambda lib, x: [t.dtype for t in (x, x.half(), x.float(), x.long(), x.int(), x.short(), x.char(), x.byte(), x.bool())]),
    attribute("device", lambda lib, x: (x.device, x.device.type, x.device == lib.device("cpu"))),
    attribute("requires_grad", lambda lib, x: (x.requires_grad, x.requires_grad_().requires_grad, (x * 2).requires_grad, x.long().requires_grad)),
    attribute("grad", after_backward(_backward)),
    attribute("grad", after_backward(_grad_set), note="set and deleted"),
    attribute("grad_fn", after_backward(lambda lib, x, y: (x.grad_fn, y.grad_fn.name()))),
    attribute("is_leaf", after_backward(lambda lib, x, y: (x.is_leaf, y.is_leaf, y.detach().is_leaf, (y > 0).is_leaf))),
    attribute("retain_grad", after_backward(_retained)),
    attribute("backward", after_backward(_backward)),
    attribute("backward", lambda lib, x: _with_gradient(lib, x), note="of a tensor"),
    attribute("register_hook", after_backward(_hooked)),
    attribute("detach", after_backward(lambda lib, x, y: (y.detach(), y.detach().requires_grad))),
    attribute("detach_", after_backward(lambda lib, x, y: (y.detach_(), y.requires_grad, y.grad_fn))),
    attribute("data", after_backward(_data)),
    attribute("item", lambda lib, x: (x[0, 0].item(), x[:1, :1].item(), x[0, 0].long().item(), (x[0, 0] > 0).item())),
    attribute("tolist", lambda lib, x: str(([round(v, 6) for v in x.tolist()[0]], x.long().tolist(), x[0, 0].long().tolist(), (x > 0).tolist()))),
    attribute("numpy", lambda lib, x: (x.numpy(), x.requires_grad_().numpy(force=True), x.half().detach().numpy().dtype)),
    attribute("__array__", lambda lib, x: (np.asarray(x), np.array(x, np.float32), np.asarray(x, dtype="int64"), x.__array__().dtype)),
    attribute("__dlpack__", lambda lib, x: (lib.from_dlpack(x), np.from_dlpack(x), lib.from_dlpack(np.arange(3.0)), x.__dlpack_device__()[0] == 1)),
    attribute("element_size", lambda lib, x: (x.element_size(), x.half().element_size(), x.bool().element_size())),
    attribute("itemsize"),
    attribute("nbytes", lambda lib, x: (x.nbytes, x[:, :0].nbytes)),
    memory("stride", lambda lib, x: (tuple(x.stride()), x.stride(0), x.stride(-1), tuple(x.T.stride()))),
    memory("storage_offset", lambda lib, x: (x.storage_offset(), x[1].storage_offset(), x[1, 1:].storage_offset())),
    memory("data_ptr", lambda lib, x: (x[1].data_ptr() - x.data_ptr(), x[:0].data_ptr())),
    attribute("get_device", lambda lib, x: x.get_device()),
    memory("is_contiguous", lambda lib, x: (x.is_contiguous(), x.T.is_contiguous(), x.T.contiguous().is_contiguous())),
    attribute("is_floating_point", lambda lib, x: (x.is_floating_point(), x.long().is_floating_point(), lib.is_floating_point(x))),
    attribute("is_complex", lambda lib, x: x.is_complex()),
    attribute("is_signed", lambda lib, x: (x.is_signed(), x.byte().is_signed(), x.bool().is_signed())),
    attribute("is_same_size", lambda lib, x: (x.is_same_size(x * 2), x.is_same_size(x[0]))),
    attribute("is_set_to", lambda lib, x: (x.is_set_to(x.detach()), x.is_set_to(x.clone()), x.is_set_to(x[:1]))),
    attribute("is_cpu", lambda lib, x: (x.is_cpu, x.is_cuda, x.is_meta, x.is_mps, x.is_xpu, x.is_sparse, x.is_quantized, x.is_nested, x.is_mkldnn)),
    attribute("is_conj", lambda lib, x: (x.is_conj(), x.is_neg(), x.conj() is x, x.resolve_conj() is x, x.resolve_neg() is x)),
    attribute("is_pinned", lambda lib, x: (x.is_pinned(), x.is_shared())),
    attribute("is_inference", lambda lib, x: x.is_inference()),
    attribute("apply_", lambda lib, x: x.apply_(lambda v: 2 * v + 1)),
    attribute("map_", lambda lib, x: x.map_(x[0].clone(), lambda a, b: a - b)),
    attribute("new", lambda lib, x: (x.new([1, 2]), tuple(x.new(2, 3).shape), x.long().new([3]).dtype)),
    smooth("T", lambda lib, x: x.T, X),
    smooth("T", lambda lib, x: x.t().T, X, note="of a view"),
    smooth("mT", lambda lib, x: x.mT, C, variants=False),
    smooth("H", lambda lib, x: x.H, X, variants=False),
    smooth("mH", lambda lib, x: x.mH, C, variants=False),
    smooth("adjoint", lambda lib, x: x.adjoint(), C, variants=False),
    smooth("real", lambda lib, x: x.real),
    smooth("conj", lambda lib, x: x.conj().conj_physical()),
    smooth("clone", lambda lib, x: x.clone()),
    # --- conversion ----------------------------------------------------------------------------
    *(smooth(name, lambda lib, x, name=name: getattr(x, name)(), X, tolerance=1e-6 if name == "float" else 1e-2 if name == "half" else 1e-10)
      for name in ("float", "double", "half", "long", "int", "short", "char", "byte", "bool", "cpu")),
    smooth("to", lambda lib, x: x.to(lib.float64), X),
    smooth("to", lambda lib, x: x.to("cpu", lib.float32).to(lib.float64), X, tolerance=1e-5),
    smooth("to", lambda lib, x: (x.to(x), x.to(device="cpu"), x.to(lib.device("cpu")), x.to(None), x.to()), X),
    smooth("to", lambda lib, x: (x.to(dtype=lib.float64, copy=True), x.to(lib.float64, False, True), x.to("cpu", non_blocking=True)), X),
    attribute("to", lambda lib, x: (x.to(lib.float64) is x, x.to("cpu") is x, x.to(x, copy=True) is x, x.to(lib.tensor(1)).dtype, x.to(float).dtype), note="itself"),
    attribute("type", lambda lib, x: (x.type(), x.long().type(), x.half().type(), x.bool().type(), x.type(lib.int8).dtype,
                                      x.type("torch.FloatTensor").dtype, x.type(lib.ByteTensor).dtype)),
    smooth("type_as", lambda lib, x, y: x.type_as(y), X, INTS, order=0),
    # --- Python's protocols --------------------------------------------------------------------
    attribute("__len__", lambda lib, x: (len(x), len(x[:0]), [tuple(row.shape) for row in x])),
    attribute("__iter__", lambda lib, x: [row.sum() for row in x]),
    attribute("__reversed__", lambda lib, x: (reversed(x), reversed(x[0, 0]))),
    attribute("__contains__", lambda lib, x: (x[0, 0].item() in x, 7.5 in x, x[0] in x)),
    attribute("__format__", lambda lib, x: (f"{x[0, 0]:.3f}", f"{x[0, 0].long():4d}", f"{x.long()}", f"{x[0, 0] > 9}")),
    attribute("__repr__", lambda lib, x: (repr(x), str(x.float().requires_grad_()), repr((x.requires_grad_() * 2).float().sum()), repr(x.detach().half()), repr(x[:0].detach()), repr(x.long()))),
    attribute("__bool__", lambda lib, x: (bool(x[0, 0]), bool(x[0, 0] > 9), bool(x[:1, :1] * 0))),
    attribute("__float__", lambda lib, x: (float(x[0, 0]), int(x[0, 0] * 5), complex(x[0, 0]).imag)),
    attribute("__index__", lambda lib, x: ([10, 20, 30][lib.tensor(2)], [10, 20][lib.tensor(True)], [10, 20][lib.tensor([[1]])])),
    attribute("__hash__", lambda lib, x: (hash(x) == hash(x), len({x, x, x.clone()}))),
    attribute("__deepcopy__", _copied),
    memory("__deepcopy__", _tied, note="shared memory"),
    attribute("__reduce_ex__", lambda lib, x: (pickle.loads(pickle.dumps(x)), pickle.loads(pickle.dumps(x.requires_grad_())).requires_grad,
                                               pickle.loads(pickle.dumps(x.detach().T)), pickle.loads(pickle.dumps(x.detach()[1:, ::2].bool())))),
    attribute("__copy__", lambda lib, x: (copy.copy(x), copy.copy(x) is x, copy.copy(x).data_ptr() == x.data_ptr())),
    smooth("numpy on the left", lambda lib, x: (np.ones((2, 3)) * 2 + x, np.float64(3) * x, np.arange(3.0) - x, np.ones((4, 2)) @ x) if lib.__name__ == "dlframe" else
           (lib.ones(2, 3) * 2 + x, 3 * x, lib.arange(3.0) - x, lib.ones(4, 2, dtype=x.dtype) @ x), narrow=0, dtypes=False, variants=False),
    # --- dtypes --------------------------------------------------------------------------------
    *[Call(f"{kind}info", (Named(dtype),), run=lambda lib, d, kind=kind, names=names: [getattr(getattr(lib, f"{kind}info")(d), name) for name in names], variants=False)
      for kind, names, dtypes in (("f", ("bits", "eps", "max", "min", "tiny", "smallest_normal", "resolution", "dtype"), ("float16", "float32", "float64")),
                                  ("i", ("bits", "max", "min", "dtype"), ("uint8", "int8", "int16", "int32", "int64"))) for dtype in dtypes],
    Call("finfo", (), run=lambda lib: (repr(lib.finfo()), repr(lib.iinfo(lib.int8)), lib.finfo(float).dtype)),
    *calls("can_cast", (Named("float32"), Named("int64")), (Named("int64"), Named("float16"))),
    *calls("promote_types", (Named("int64"), Named("float16")), (Named("uint8"), Named("int8")), (Named("bool"), Named("bool"))),
    *calls("result_type", (X, 2), (INTS, 2.5), (INTS, np.asarray(1.5)), (1, 2.0), (X, INTS), order=0, dtypes=False, variants=False, narrow=0),
    Call("set_default_dtype", (), run=lambda lib: _with_default(lib)),
    *calls("is_nonzero", (np.asarray(2.0),), (np.asarray([[0.0]]),), order=0, variants=False, forms=False),
    *calls("is_tensor", (X,), (3,), order=0, dtypes=False, variants=False, forms=False),
    *calls("is_storage", (X,), order=0, dtypes=False, variants=False, forms=False),
    Call("typename", (X,), order=0, dtypes=False, variants=False, narrow=0, run=lambda lib, x: (lib.typename(x), lib.typename(x.long()), lib.typename(3))),
    Call("LongTensor", (), run=lambda lib: tuple(lib.LongTensor(x).shape for x in (lib.ones(2, 3).size(), lib.Size([]), [2, 3])), order=0),
    Call("Size", (), run=lambda lib: (lib.Size([2, 3]).numel(), tuple(lib.Size((2, 3)) + (4,)), tuple(lib.Size((2, 3))[1:]), lib.Size([2, 3]) == (2, 3),
                                      type((1, *lib.Size([2]))).__name__, repr(lib.Size([2, 3])), repr(lib.Size([])), lib.Size((2, 3)) * 2, (1,) + lib.Size((2,)))),
    *[Call(f"{kind}Tensor", (), run=lambda lib, kind=kind: (getattr(lib, f"{kind}Tensor")([[1, 0], [3, 4]]), getattr(lib, f"{kind}Tensor")(np.ones(2)),
                                                          tuple(getattr(lib, f"{kind}Tensor")(2, 3).shape), tuple(getattr(lib, f"{kind}Tensor")().shape),
                                                          isinstance(lib.ones(1), getattr(lib, f"{kind}Tensor"))))
      for kind in ("Float", "Double", "Half", "Byte", "Char", "Short", "Int", "Long", "Bool")],
    Call("are_deterministic_algorithms_enabled", (), run=lambda lib: (lib.use_deterministic_algorithms(True), lib.are_deterministic_algorithms_enabled(), lib.use_deterministic_algorithms(False))[1]),
    Call("get_float32_matmul_precision", (), run=lambda lib: (lib.set_float32_matmul_precision("highest"), lib.get_float32_matmul_precision())),
    Call("set_deterministic_debug_mode", (), run=lambda lib: (lib.set_deterministic_debug_mode("error"), lib.get_deterministic_debug_mode(), lib.set_deterministic_debug_mode(0))),
    Call("set_warn_always", (), run=lambda lib: (lib.set_warn_always(False), lib.is_warn_always_enabled())),
    Call("set_anomaly_enabled", (), run=lambda lib: (lib.set_anomaly_enabled(True, False), lib.is_anomaly_enabled(), lib.is_anomaly_check_nan_enabled(), lib.set_anomaly_enabled(False))),
    Call("get_default_device", (), run=lambda lib: (lib.get_default_device(), lib.set_default_device("cpu"), lib.set_default_device(None))),
    Call("backends", (), run=lambda lib: (lib.backends.mps.is_available(), lib.backends.mps.is_built(), lib.cuda.is_available())),
]  # fmt: skip


def _with_gradient(lib: Any, x: Any) -> Any:
    x = x.detach().requires_grad_()
    (x**2).backward(lib.ones_like(x), retain_graph=True)
    (x**2).backward(gradient=2 * lib.ones_like(x), inputs=[x])
    return x.grad


def _with_default(lib: Any) -> Any:
    before = lib.get_default_dtype()
    try:
        found = [before]
        for dtype in (lib.float64, lib.float16):
            lib.set_default_dtype(dtype)
            found += [
                lib.tensor(1.5).dtype,
                lib.ones(1).dtype,
                (lib.tensor([1]) / 2).dtype,
                lib.result_type(1, 2.0),
            ]
        lib.set_default_tensor_type(lib.DoubleTensor)
        return [*found, lib.get_default_dtype()]
    finally:
        lib.set_default_dtype(before)


def error(
    what: str, call: Any, message: str, kind: type[BaseException] = RuntimeError, **more: Any
) -> ErrorSample:
    return ErrorSample(f"tensor: {what}", call, kind, message, **more)


def _set(
    name: str,
    value: Callable[[Any], Any],
    *,
    of: Callable[[Any], Any] = lambda lib: lib.ones(2, 3, requires_grad=True),
) -> Any:
    return lambda lib: setattr(of(lib), name, value(lib))


ERRORS = [
    error("size of a dim that is not there", lambda lib: lib.ones(2, 3).size(2), r"range of \[-2, 1\]", IndexError),
    error("size of a 0-d tensor", lambda lib: lib.ones(()).size(0), "no dimensions", IndexError),
    error("stride of a dim that is not there", lambda lib: lib.ones(2, 3).stride(-3), r"range of \[-2, 1\]", IndexError),
    error("grad of another shape", _set("grad", lambda lib: lib.ones(3)), r"size '?\[3\]"),
    error("grad of another dtype", _set("grad", lambda lib: lib.ones(2, 3).double()), "dtype"),
    error("grad that is a number", _set("grad", lambda lib: 3), "Tensor or None", TypeError),
    error("data of integers", _set("data", lambda lib: lib.ones(2).long()), "floating point"),
    error("data that is a list", _set("data", lambda lib: [1.0]), "has to be a tensor", TypeError),
    error("grad of integers", lambda lib: lib.ones(2).long().requires_grad_(), "floating point"),
    error("requires_grad of a result", lambda lib: (lib.ones(2, requires_grad=True) * 2).requires_grad_(False), "leaf"),
    error("retain_grad without grad", lambda lib: lib.ones(2).retain_grad(), "requires_grad=False|graph|retain"),
    error("backward of a tensor", lambda lib: lib.ones(2, requires_grad=True).mul(2).backward(), "scalar"),
    error("backward without grad", lambda lib: lib.ones(()).backward(), "require"),
    error("hook without grad", lambda lib: lib.ones(2).register_hook(print), "doesn't require gradient"),
    error("detach_ of a view", lambda lib: lib.ones(2, requires_grad=True)[:1].detach_(), "Can't detach views"),
    error("item of two", lambda lib: lib.ones(2).item(), "2 elements"),
    error("item of none", lambda lib: lib.ones(0).item(), "0 elements"),
    error("float of two", lambda lib: float(lib.ones(2)), "Scalar|scalar", ValueError),
    error("int of nan", lambda lib: int(lib.tensor(float("nan"))), "NaN", ValueError),
    error("bool of two", lambda lib: bool(lib.ones(2)), "more than one value"),
    error("bool of none", lambda lib: bool(lib.ones(0)), "no values"),
    error("index of a float", lambda lib: [1, 2][lib.ones(())], "integer tensors", TypeError),
    error("len of a number", lambda lib: len(lib.ones(())), "0-d", TypeError),
    error("iter of a number", lambda lib: list(lib.ones(())), "0-d", TypeError),
    error("contains a text", lambda lib: "a" in lib.ones(2), "__contains__ only supports"),
    error("contains a list", lambda lib: [1.0] in lib.ones(2), "__contains__ only supports"),
    error("format of several", lambda lib: f"{lib.ones(1):.2f}", "unsupported format", TypeError),
    error("delete an item", lambda lib: lib.ones(2).__delitem__(0), "delet|attribute", Exception, in_torch=False),
    error("numpy of a graph", lambda lib: lib.ones(2, requires_grad=True).numpy(), r"detach\(\)\.numpy"),
    error("array of a graph", lambda lib: np.asarray(lib.ones(2, requires_grad=True)), r"detach\(\)\.numpy"),
    error("dlpack of a graph", lambda lib: lib.ones(2, requires_grad=True).__dlpack__(), "require gradient", Exception, in_torch=False),
    error("to another device", lambda lib: lib.ones(2).to("cuda"), "CPU", in_torch=False),
    error("to no device", lambda lib: lib.ones(2).to("foo"), "foo"),
    error("type of no name", lambda lib: lib.ones(2).type("FooTensor"), "invalid type", ValueError),
    error("mT of a vector", lambda lib: lib.ones(2).mT, "matrices"),
    error("mH of a vector", lambda lib: lib.ones(2).mH, "matrices"),
    error("H of a batch", lambda lib: lib.ones(2, 3, 4).H, "2-D"),
    error("adjoint of a vector", lambda lib: lib.ones(2).adjoint(), "matrices"),
    error("imag: real numbers", lambda lib: lib.imag(lib.ones(2)), "non-complex"),
    error("is_complex: a list", lambda lib: lib.is_complex([1.0]), "must be Tensor", TypeError),
    error("resize_: with grad", lambda lib: lib.ones(2, requires_grad=True).resize_(3), "cannot resize variables that require grad"),
    error("resize_: negative", lambda lib: lib.ones(2).resize_(-1), "negative|not allowed|numel"),
    error("set_: another dtype", lambda lib: lib.ones(2).set_(lib.ones(2).double()), "dtype"),
    error("imag of real numbers", lambda lib: lib.ones(2).imag, "non-complex"),
    error("apply_ with grad", lambda lib: lib.ones(2, requires_grad=True).apply_(abs), "apply_"),
    error("deepcopy of a result", lambda lib: copy.deepcopy(lib.ones(2, requires_grad=True) * 2), "graph leaves"),
    error("finfo of integers", lambda lib: lib.finfo(lib.int8), "floating point", TypeError),
    error("iinfo of floats", lambda lib: lib.iinfo(lib.float32), "integer", TypeError),
    error("iinfo of bools", lambda lib: lib.iinfo(lib.bool), "bool", TypeError),
    error("default dtype of integers", lambda lib: lib.set_default_dtype(lib.int8), "floating", TypeError),
    error("Size of fractions", lambda lib: lib.Size([2.0]), "int|whole", TypeError),
    error("matmul precision", lambda lib: lib.set_float32_matmul_precision("low"), "low", in_torch=False),
    error("is_nonzero of two", lambda lib: lib.is_nonzero(lib.ones(2)), "more than one value"),
]  # fmt: skip
