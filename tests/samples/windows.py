"""Calls of windows, of `signal.windows` and of the older names."""

from __future__ import annotations

from typing import Any

from samples.table import Call, ErrorSample, Named

# What each takes beyond the length, with other values than the defaults.
SHAPES: dict[str, tuple[dict[str, Any], ...]] = {
    "bartlett": (), "blackman": (), "cosine": (), "hamming": (), "hann": (), "nuttall": (),
    "exponential": ({"tau": 3.0}, {"center": 2, "sym": False, "tau": 0.7}),
    "gaussian": ({"std": 2.5},),
    "general_cosine": ({"a": [0.5]}, {"a": [0.4, 0.3, 0.2, 0.1]}),
    "general_hamming": ({"alpha": 0.7},),
    "kaiser": ({"beta": 3.0}, {"beta": 0.0}, {"beta": 700.0}),
}  # fmt: skip
NEEDED = {"general_cosine": {"a": [0.5, 0.25, 0.25]}}

OLDER: dict[str, list[tuple[Any, ...]]] = {
    "bartlett": [], "blackman": [], "hann": [],
    "hamming": [(8, True, 0.6), (8, False, 0.6, 0.4)],
    "kaiser": [(8, True, 3.0), (7, False, 0.5)],
}  # fmt: skip

wide = {"dtype": Named("float64")}
plain: dict[str, Any] = {"order": 0, "dtypes": False, "variants": False}

CALLS = [
    *[Call(f"signal.windows.{name}", (m,), {**NEEDED.get(name, {}), "sym": sym, **wide}, **plain)
      for name in SHAPES for m in (0, 1, 2, 5, 8) for sym in (True, False)],
    *[Call(f"signal.windows.{name}", (9,), {"sym": False, **options, **wide}, **plain) for name, rows in SHAPES.items() for options in rows],
    *[Call(f"signal.windows.{name}", (6,), NEEDED.get(name, {}), tolerance=1e-6, **plain) for name in SHAPES],
    *[Call(f"{name}_window", (m, periodic), wide, **plain) for name in OLDER for m in (0, 1, 2, 5, 8) for periodic in (True, False)],
    *[Call(f"{name}_window", args, wide, **plain) for name, rows in OLDER.items() for args in rows],
    *[Call(f"{name}_window", (6,), tolerance=1e-6, **plain) for name in OLDER],
    *[Call(f"{name}_window", (), {"window_length": 6, "periodic": False, "dtype": Named("float16")}, tolerance=1e-3, **plain) for name in OLDER],
]  # fmt: skip

ERRORS = [
    *[ErrorSample(f"signal.windows.{name}: length", lambda lib, name=name: getattr(lib.signal.windows, name)(-1, **NEEDED.get(name, {})), ValueError, "non-negative window length") for name in SHAPES],
    *[ErrorSample(f"signal.windows.{name}: dtype", lambda lib, name=name: getattr(lib.signal.windows, name)(3, dtype=lib.float16, **NEEDED.get(name, {})), ValueError, "float32 or float64") for name in SHAPES],
    *[ErrorSample(f"{name}_window: length", lambda lib, name=name: getattr(lib, f"{name}_window")(-1), RuntimeError, "non-negative window_length") for name in OLDER],
    *[ErrorSample(f"{name}_window: dtype", lambda lib, name=name: getattr(lib, f"{name}_window")(3, dtype=lib.int64), RuntimeError, "floating point") for name in OLDER],
    *[ErrorSample(f"{name}_window: a float", lambda lib, name=name: getattr(lib, f"{name}_window")(3.0), TypeError, "window_length") for name in OLDER],
    ErrorSample("signal.windows.exponential: tau", lambda lib: lib.signal.windows.exponential(3, tau=0), ValueError, "Tau"),
    ErrorSample("signal.windows.exponential: center", lambda lib: lib.signal.windows.exponential(3, center=1), ValueError, "Center"),
    ErrorSample("signal.windows.gaussian: std", lambda lib: lib.signal.windows.gaussian(3, std=0), ValueError, "deviation"),
    ErrorSample("signal.windows.kaiser: beta", lambda lib: lib.signal.windows.kaiser(3, beta=-1), ValueError, "beta"),
    ErrorSample("signal.windows.general_cosine: no weights", lambda lib: lib.signal.windows.general_cosine(3, a=[]), ValueError, "empty"),
    ErrorSample("signal.windows.general_cosine: a number", lambda lib: lib.signal.windows.general_cosine(3, a=1.0), TypeError, "list"),
]  # fmt: skip
