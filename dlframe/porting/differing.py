"""Names that dlframe has and that do something else than in PyTorch: what a program notices.

`docs/differences.md` has all differences; here are those that hang on a name.
"""

from __future__ import annotations

NO_COMPILER = "gives back what it is given: there is no compiler"
NO_GPU = "there is no GPU: it raises, as in PyTorch without CUDA; `.to(device)` with a device that "
NO_GPU += "is chosen by `torch.cuda.is_available()` works everywhere"
IN_FLOAT32 = "changes nothing: numbers are those of float32 (PyTorch on a CPU: bfloat16)"
NO_SCALING = "scales nothing: numbers are those of float32"
IDENTITY = "calls the module that it is given: there is one device"
ONE_PROCESS = "there is one process: it is the first of one"
OWN_STREAM = (
    "in a DataLoader it draws from a stream for each sample: other numbers than torchvision's"
)
NO_EFFECT = "is accepted and changes nothing"

DIFFERENT = {
    "torch.compile": NO_COMPILER,
    "torch.jit.script": NO_COMPILER,
    "torch.jit.trace": NO_COMPILER,
    "torch.jit.trace_module": NO_COMPILER,
    "torch.jit.freeze": NO_COMPILER,
    "torch.jit.optimize_for_inference": NO_COMPILER,
    "torch.jit.script_if_tracing": NO_COMPILER,
    "torch.amp.autocast": IN_FLOAT32,
    "torch.cuda.amp.autocast": IN_FLOAT32,
    "torch.amp.GradScaler": NO_SCALING,
    "torch.cuda.amp.GradScaler": NO_SCALING,
    "torch.nn.DataParallel": IDENTITY,
    "torch.nn.parallel.DataParallel": IDENTITY,
    "torch.cuda.is_available": "is False",
    "torch.distributed.is_available": "is False",
    "torch.distributed.get_rank": ONE_PROCESS,
    "torch.distributed.get_world_size": ONE_PROCESS,
    "torch.distributed.init_process_group": "raises: training runs in one process",
    "torch.onnx.export": "raises: `torch.save` writes weights for PyTorch, which can export them",
    "torch.Tensor.cuda": NO_GPU,
    "torch.nn.Module.cuda": NO_GPU,
    "torch.set_float32_matmul_precision": f"{NO_EFFECT}: products are computed in float32",
    "torch.set_num_interop_threads": NO_EFFECT,
    "torch.use_deterministic_algorithms": f"{NO_EFFECT}: results are always the same",
    "torch.autograd.detect_anomaly": "checks the forward pass, too, and infinities as well as nan",
    "torch.autograd.set_detect_anomaly": "checks the forward pass, too, and infinities as well",
    "torch.nn.CrossMapLRN2d": "is LocalResponseNorm: PyTorch adds the first channel to all sums",
    "torch.optim.Muon": "updates of large matrices differ by up to 2⁻⁵: there is no bfloat16",
    "torch.optim.SparseAdam": "takes dense gradients, and skips their zeros",
    "torchvision.transforms.RandomCrop": OWN_STREAM,
    "torchvision.transforms.RandomHorizontalFlip": OWN_STREAM,
    "torchvision.transforms.RandomVerticalFlip": OWN_STREAM,
}  # fmt: skip
"""By the name in PyTorch."""

KEYWORDS = {
    ("torch.nn.Embedding", "sparse"): "gradients are dense",
    ("torch.nn.EmbeddingBag", "sparse"): "gradients are dense",
    ("torch.utils.data.DataLoader", "num_workers"): "workers are threads: `worker_type='process'`",
    ("torch.utils.data.DataLoader", "pin_memory"): NO_EFFECT,
}
"""Arguments that mean something else, by the function and their name."""

METHODS = {"cuda": "torch.Tensor.cuda"}
"""Methods that differ: reported where something of an unknown type has one called."""

OF_DTYPES = "works under `dlframe run`; elsewhere write `x.{0}()`"
ATTRIBUTES = {
    ("dtype", name): OF_DTYPES.format(name)
    for name in ("is_floating_point", "is_complex", "is_signed")
} | {("shape", "numel"): "works under `dlframe run`; elsewhere write `x.numel()`"}
"""Attributes of attributes, such as `x.dtype.is_complex`."""
