"""Calls of `nn.functional` that must raise, and what the message must say.

tests/nn/functional/test_errors.py runs them; tests/oracle/test_functional.py makes sure that
PyTorch raises too, and that `except` written for its exception catches ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from samples.table import ErrorSample


def case(
    name: str, call: Callable[[Any, Any], Any], message: str, error: Any = ValueError, in_torch: bool = True
) -> ErrorSample:  # fmt: skip
    return ErrorSample(name, lambda lib: call(lib, lib.nn.functional), error, message, in_torch)


def ints(lib: Any, *values: int) -> Any:
    return lib.tensor(list(values))


PAIRS = ("mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "binary_cross_entropy",
         "binary_cross_entropy_with_logits")  # fmt: skip
CLASSES = ("cross_entropy", "nll_loss")

ERRORS = [
    # pairs of numbers
    *(case(f"{name}: shapes", lambda lib, F, f=name: getattr(F, f)(lib.zeros(3, 1), lib.zeros(3)),
           rf"{name}: .*\[3, 1\].*\[3\].*squeeze", in_torch=name.startswith("binary"))
      for name in (*PAIRS, "hinge_loss", "soft_margin_loss")),
    *(case(f"{name}: reduction", lambda lib, F, f=name: getattr(F, f)(lib.ones(2), lib.ones(2), reduction="avg"),
           "avg is not a valid value for reduction")
      for name in PAIRS),
    *(case(f"{name}: integers", lambda lib, F, f=name: getattr(F, f)(ints(lib, 1, 0), ints(lib, 1, 0)),
           rf"{name}: not implemented for int64", RuntimeError)
      for name in PAIRS),
    *(case(f"{name}: weight", lambda lib, F, f=name: getattr(F, f)(lib.ones(2), lib.ones(2), weight=lib.ones(1)),
           rf"{name}: weight and input must have the same shape.*\[1\].*\[2\]")
      for name in PAIRS[:3]),
    *(case(f"{name}: weight does not fit",
           lambda lib, F, f=name: getattr(F, f)(lib.ones(2, 3), lib.ones(2, 3), weight=lib.ones(2)),
           rf"{name}: weight\[2\] does not broadcast to target\[2, 3\]", RuntimeError)
      for name in PAIRS[4:]),
    *(case(f"{name}: weight is larger",
           lambda lib, F, f=name: getattr(F, f)(lib.ones(3), lib.ones(3), weight=lib.ones(2, 3)),
           r"weight\[2, 3\] does not broadcast to target\[3\]", RuntimeError)
      for name in PAIRS[4:]),
    *(case(f"{name}: weight requires grad",
           lambda lib, F, f=name: getattr(F, f)(lib.ones(2), lib.ones(2), weight=lib.ones(2, requires_grad=True)),
           "not differentiable with respect to weight", RuntimeError)
      for name in PAIRS[4:]),
    case("huber_loss: delta", lambda lib, F: F.huber_loss(lib.ones(2), lib.ones(2), delta=0), "non-positive.*got 0", RuntimeError),
    case("smooth_l1_loss: beta", lambda lib, F: F.smooth_l1_loss(lib.ones(2), lib.ones(2), beta=-1), "negative values", RuntimeError),
    case("binary_cross_entropy: input", lambda lib, F: F.binary_cross_entropy(lib.tensor([0.5, 1.5]), lib.ones(2)),
         r"input should be between 0 and 1, got 1.5 at index \[1\].*sigmoid", RuntimeError),
    case("binary_cross_entropy: target", lambda lib, F: F.binary_cross_entropy(lib.ones(2), lib.tensor([0.5, -1.5])),
         r"target should be between 0 and 1, got -1.5 at index \[1\]", RuntimeError),
    case("binary_cross_entropy: dtypes", lambda lib, F: F.binary_cross_entropy(lib.ones(2), ints(lib, 1, 1)),
         "int64 but expected float32", RuntimeError),
    case("hinge_loss: labels", lambda lib, F: F.hinge_loss(lib.ones(3), lib.tensor([1.0, 0.0, -1.0])),
         r"got 0.0 at index \[1\].*2 t - 1", IndexError, in_torch=False),
    case("soft_margin_loss: labels", lambda lib, F: F.soft_margin_loss(lib.ones(3), lib.tensor([1.0, 0.0, -1.0])),
         r"got 0.0 at index \[1\].*2 t - 1", IndexError, in_torch=False),
    case("soft_margin_loss: target requires grad",
         lambda lib, F: F.soft_margin_loss(lib.ones(2), lib.ones(2, requires_grad=True)),
         "not differentiable with respect to", RuntimeError),
    case("hinge_loss: p", lambda lib, F: F.hinge_loss(lib.ones(3), lib.ones(3), p=3), "p must be 1 or 2, got 3", in_torch=False),
    # classes
    *(entry for name in CLASSES for entry in (
        case(f"{name}: label too large", lambda lib, F, f=name: getattr(F, f)(lib.ones(3, 4), ints(lib, 1, 4, 9)),
             r"Target 4 is out of bounds.*4 classes.*0 … 3.*index \[1\] \(2 such", IndexError),
        case(f"{name}: negative label", lambda lib, F, f=name: getattr(F, f)(lib.ones(2, 4), ints(lib, 1, -1)),
             r"Target -1 is out of bounds.*index \[1\]", IndexError),
        case(f"{name}: batch sizes", lambda lib, F, f=name: getattr(F, f)(lib.ones(3, 4), ints(lib, 1, 2)),
             rf"{name}: Expected target size \[3\] for input\[3, 4\], got target\[2\]"),
        case(f"{name}: column of labels", lambda lib, F, f=name: getattr(F, f)(lib.ones(2, 4), ints(lib, 1, 2).reshape(2, 1)),
             r"squeeze\(-1\)", RuntimeError),
        case(f"{name}: labels of floats", lambda lib, F, f=name: getattr(F, f)(lib.ones(2, 4), lib.ones(2)),
             r"integers, got float32.*\.long\(\)", RuntimeError),
        case(f"{name}: no dimension", lambda lib, F, f=name: getattr(F, f)(lib.tensor(1.0), lib.tensor(1)),
             r"\(C,\), \(N, C\) or \(N, C, \*\)", RuntimeError if name == "cross_entropy" else ValueError),
        case(f"{name}: integers", lambda lib, F, f=name: getattr(F, f)(ints(lib, 1, 2).reshape(1, 2), ints(lib, 1)),
             r"not implemented for int64", RuntimeError),
        case(f"{name}: weight", lambda lib, F, f=name: getattr(F, f)(lib.ones(2, 4), ints(lib, 1, 2), weight=lib.ones(3)),
             r"all 4 classes.*\[3\]", RuntimeError),
        case(f"{name}: weight requires grad",
             lambda lib, F, f=name: getattr(F, f)(lib.ones(1, 2), ints(lib, 1), weight=lib.ones(2, requires_grad=True)),
             r"weight, which requires grad; pass weight.detach\(\)", RuntimeError),
        case(f"{name}: reduction", lambda lib, F, f=name: getattr(F, f)(lib.ones(1, 2), ints(lib, 1), reduction="avg"),
             "avg is not a valid value for reduction"),
    )),
    case("cross_entropy: smoothing", lambda lib, F: F.cross_entropy(lib.ones(1, 2), ints(lib, 1), label_smoothing=1.5),
         "between 0.0 and 1.0, got 1.5", RuntimeError),
    case("cross_entropy: probabilities to ignore", lambda lib, F: F.cross_entropy(lib.ones(1, 2), lib.ones(1, 2), ignore_index=1),
         "ignore_index is not supported for floating point target", RuntimeError),
    case("cross_entropy: weight of probabilities",
         lambda lib, F: F.cross_entropy(lib.ones(1, 2), lib.ones(1, 2), weight=lib.ones(3)), r"all 2 classes.*\[3\]", RuntimeError),
    # linear, one_hot
    case("linear: features", lambda lib, F: F.linear(lib.ones(2, 3), lib.ones(5, 4)),
         r"x has 3 features, the weight expects 4; got x\[2, 3\] and weight\[5, 4\]\. Make in_features 3, or give it 4 features\.$",
         RuntimeError),
    case("linear: images", lambda lib, F: F.linear(lib.ones(2, 8, 3, 3), lib.ones(5, 72)), r"add nn.Flatten\(\)", RuntimeError),
    case("linear: dtypes", lambda lib, F: F.linear(lib.ones(2, 3), lib.ones(5, 3, dtype=lib.float64)),
         "same dtype, got float32 and float64", RuntimeError),
    case("linear: bias", lambda lib, F: F.linear(lib.ones(2, 3), lib.ones(5, 3), lib.ones(4)), r"\[5\].*got \[4\]", RuntimeError),
    case("linear: number", lambda lib, F: F.linear(lib.tensor(1.0), lib.ones(5, 3)), "at least one dimension", RuntimeError),
    case("one_hot: too large", lambda lib, F: F.one_hot(ints(lib, 1, 3), 3), r"class value 3.*index \[1\]", RuntimeError),
    case("one_hot: negative", lambda lib, F: F.one_hot(ints(lib, 1, -3)), "class value -3", RuntimeError),
    case("one_hot: nothing", lambda lib, F: F.one_hot(lib.zeros(0, dtype=lib.int64)), "Can not infer total number", RuntimeError),
    case("one_hot: floats", lambda lib, F: F.one_hot(lib.ones(2)), "only applicable to index tensors, got float32", RuntimeError),
]  # fmt: skip
