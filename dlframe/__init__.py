"""dlframe: deep learning in readable NumPy, with PyTorch's API and PyTorch's numbers.

>>> import dlframe as dl
>>> x = dl.tensor(3.0, requires_grad=True)
>>> (x**2).backward()
>>> x.grad
tensor(6.)

The parts of a program are `data`, `nn`, `optim`, `viz` and `utils`; around its loop stand
`training`, `metrics`, `models` and `cli`. Beneath them are the tensor (`tensor`), its gradients
(`autograd`) and the formulas (`ops`). PyTorch's paths to these are `linalg`, `special`, `signal`,
`fft`, `func`, `cuda` and `backends`; `amp`, `jit`, `distributed` and their like give the answers of
a machine without, so that programs written for PyTorch run (`porting`). ARCHITECTURE.md is the map.
"""

from __future__ import annotations

from math import e, inf, nan, pi

from dlframe import starting as _starting  # first of all: see there
from dlframe.base import memory as _memory

# isort: split
from dlframe import errors
from dlframe.base.lazily import IN_ADVANCE, lazily
from dlframe.tensor import Tensor  # what every program uses; the rest is imported on first use

if IN_ADVANCE:
    from dlframe import (
        accelerator,
        amp,
        autograd,
        backends,
        cuda,
        data,
        distributed,
        fft,
        func,
        jit,
        linalg,
        metrics,
        models,
        multiprocessing,
        nn,
        onnx,
        optim,
        plugins,
        profiler,
        random,
        signal,
        special,
        study,
        testing,
        training,
        utils,
        viz,
    )
    from dlframe.autograd import (
        enable_grad,
        inference_mode,
        is_anomaly_check_nan_enabled,
        is_anomaly_enabled,
        is_grad_enabled,
        is_inference_mode_enabled,
        no_grad,
        set_grad_enabled,
    )
    from dlframe.autograd.anomaly import set_anomaly_enabled
    from dlframe.dtypes import (
        bool,
        can_cast,
        double,
        dtype,
        finfo,
        float,
        float16,
        float32,
        float64,
        get_default_dtype,
        half,
        iinfo,
        int,
        int8,
        int16,
        int32,
        int64,
        long,
        promote_types,
        result_type,
        set_default_dtype,
        short,
        uint8,
        uint16,
        uint32,
        uint64,
    )
    from dlframe.func import vmap
    from dlframe.nn import top as _top
    from dlframe.nn.top import *
    from dlframe.porting.hook import install_torch
    from dlframe.random import (
        Generator,
        default_generator,
        fork_rng,
        get_rng_state,
        initial_seed,
        manual_seed,
        seed,
        set_rng_state,
    )
    from dlframe.tensor import creation as _creation
    from dlframe.tensor import functions as _functions
    from dlframe.tensor.creation import *
    from dlframe.tensor.devices import (
        channels_last,
        channels_last_3d,
        contiguous_format,
        device,
        layout,
        memory_format,
        preserve_format,
        strided,
    )
    from dlframe.tensor.functions import *
    from dlframe.tensor.functions import return_types
    from dlframe.tensor.printing import set_printoptions
    from dlframe.tensor.settings import (
        are_deterministic_algorithms_enabled,
        compile,
        get_default_device,
        get_deterministic_debug_mode,
        get_float32_matmul_precision,
        get_num_interop_threads,
        get_num_threads,
        is_deterministic_algorithms_warn_only_enabled,
        is_storage,
        is_warn_always_enabled,
        set_default_device,
        set_default_tensor_type,
        set_deterministic_debug_mode,
        set_float32_matmul_precision,
        set_flush_denormal,
        set_num_interop_threads,
        set_num_threads,
        set_warn_always,
        typename,
        use_deterministic_algorithms,
    )
    from dlframe.tensor.size import Size
    from dlframe.tensor.types import (
        BoolTensor,
        ByteTensor,
        CharTensor,
        DoubleTensor,
        FloatTensor,
        HalfTensor,
        IntTensor,
        LongTensor,
        ShortTensor,
    )
    from dlframe.training import Trainer
    from dlframe.utils import load, save
    from dlframe.utils.dlpack import to_dlpack
    from dlframe.version import __version__
    from dlframe.viz.explain import explain

_memory.keep_freed()

# As in NumPy and PyTorch: x[:, newaxis] is x[:, None].
newaxis = None

__all__ = [
    "BoolTensor",
    "ByteTensor",
    "CharTensor",
    "DoubleTensor",
    "FloatTensor",
    "Generator",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "ShortTensor",
    "Size",
    "Tensor",
    "Trainer",
    "__version__",
    "accelerator",
    "amp",
    "are_deterministic_algorithms_enabled",
    "autograd",
    "backends",
    "bool",
    "can_cast",
    "channels_last",
    "channels_last_3d",
    "compile",
    "contiguous_format",
    "cuda",
    "data",
    "default_generator",
    "device",
    "distributed",
    "double",
    "dtype",
    "e",
    "enable_grad",
    "errors",
    "explain",
    "fft",
    "finfo",
    "float",
    "float16",
    "float32",
    "float64",
    "fork_rng",
    "func",
    "get_default_device",
    "get_default_dtype",
    "get_deterministic_debug_mode",
    "get_float32_matmul_precision",
    "get_num_interop_threads",
    "get_num_threads",
    "get_rng_state",
    "half",
    "iinfo",
    "inf",
    "inference_mode",
    "initial_seed",
    "install_torch",
    "int",
    "int8",
    "int16",
    "int32",
    "int64",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "is_deterministic_algorithms_warn_only_enabled",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "is_storage",
    "is_warn_always_enabled",
    "jit",
    "layout",
    "linalg",
    "load",
    "long",
    "manual_seed",
    "memory_format",
    "metrics",
    "models",
    "multiprocessing",
    "nan",
    "newaxis",
    "nn",
    "no_grad",
    "onnx",
    "optim",
    "pi",
    "plugins",
    "preserve_format",
    "profiler",
    "promote_types",
    "random",
    "result_type",
    "return_types",
    "save",
    "seed",
    "set_anomaly_enabled",
    "set_default_device",
    "set_default_dtype",
    "set_default_tensor_type",
    "set_deterministic_debug_mode",
    "set_float32_matmul_precision",
    "set_flush_denormal",
    "set_grad_enabled",
    "set_num_interop_threads",
    "set_num_threads",
    "set_printoptions",
    "set_rng_state",
    "set_warn_always",
    "short",
    "signal",
    "special",
    "strided",
    "study",
    "testing",
    "to_dlpack",
    "training",
    "typename",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "use_deterministic_algorithms",
    "utils",
    "viz",
    "vmap",
]
if IN_ADVANCE:
    __all__ += _creation.__all__ + _functions.__all__ + _top.__all__
else:
    __all__ += [name for name in lazily(__name__) if name not in __all__]
