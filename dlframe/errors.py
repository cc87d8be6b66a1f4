"""Every exception that dlframe raises on purpose.

Each one is also the built-in exception that PyTorch raises in the same situation, so
`except RuntimeError` written for PyTorch keeps working::

    DlframeError
    ├── ShapeError        (RuntimeError, ValueError)  shapes that do not fit together
    │   └── AssertedShapeError    (and AssertionError)    where PyTorch asserts it
    ├── DimensionError    (IndexError)                a dim outside the tensor's range
    │   └── OutOfRangeError   (and RuntimeError)      an index outside its dimension
    ├── DTypeError        (NotImplementedError, TypeError)  a dtype that the operation cannot take
    │   └── IndexTypeError    (and IndexError)        an index of a dtype that cannot be one
    ├── ArgumentError     (RuntimeError, ValueError)  an argument whose value makes no sense
    │   └── AssertedArgumentError (and AssertionError)    where PyTorch asserts it
    ├── LinAlgError       (RuntimeError, NumPy's)     a matrix without an inverse, factor, …
    ├── LabelError        (IndexError, RuntimeError, ValueError)  a label outside its range
    ├── GradientError     (RuntimeError)              the graph cannot give that gradient
    ├── AnomalyError      (RuntimeError)              detect_anomaly found a nan or an infinity
    ├── VmapError         (RuntimeError)              a call that `vmap` cannot map
    ├── StateDictError    (RuntimeError, ValueError)  a state that does not fit the object
    ├── FileFormatError   (RuntimeError, OSError)     a truncated, foreign or unsafe file
    ├── DownloadError     (RuntimeError, OSError)     a file that could not be fetched or verified
    ├── DatasetError      (RuntimeError)              a data set that is missing or damaged
    │   └── DatasetMissingError                       its files are in none of the folders
    ├── WorkerError       (RuntimeError)              a sample that a worker could not load
    ├── PluginError       (RuntimeError)              a plugin that cannot be found or loaded
    └── MissingExtraError (ImportError)               a package that is not installed

A message says what went wrong, where, with which shapes or values, and what to try.

Mistakes in a loop of training that raise nothing are warnings, one category for each, so that a
filter of `warnings` can silence it::

    OptimizerWarning  (UserWarning)         said once for each optimizer
    ├── NoGradientWarning                   step(), and no parameter has a gradient
    ├── AccumulatedGradientWarning          nobody clears the gradients between steps
    ├── UnheldParameterWarning              gradients of parameters that no optimizer holds
    └── NonFiniteGradientWarning            a gradient that is nan or infinite
    ScheduleWarning   (UserWarning)         a schedule stepped before its optimizer, twice, never
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


class DlframeError(Exception):
    """The root of the tree: catches everything that dlframe raises on purpose."""


class ShapeError(DlframeError, RuntimeError, ValueError):
    """Shapes that do not fit together."""


class AssertedShapeError(ShapeError, AssertionError):
    """Shapes that do not fit together, where PyTorch raises an AssertionError."""


class DimensionError(DlframeError, IndexError):
    """A dimension outside the range that the tensor has."""


class OutOfRangeError(DimensionError, RuntimeError):
    """An index outside its dimension, where PyTorch raises a RuntimeError."""


class DTypeError(DlframeError, NotImplementedError, TypeError):
    """A dtype that the operation cannot take; a NotImplementedError is a RuntimeError, too."""


class IndexTypeError(DTypeError, IndexError):
    """An index of a dtype that cannot be an index."""


class ArgumentError(DlframeError, RuntimeError, ValueError):
    """An argument whose value makes no sense: a probability of 2, an empty range."""


class AssertedArgumentError(ArgumentError, AssertionError):
    """An argument that makes no sense, where PyTorch raises an AssertionError."""


class DeviceError(ArgumentError, AssertionError):
    """A GPU is needed. PyTorch without one raises an AssertionError, too."""


class LinAlgError(DlframeError, RuntimeError, np.linalg.LinAlgError):
    """A matrix that has no inverse, no Cholesky factor, or whose decomposition failed."""


class LabelError(DlframeError, IndexError, RuntimeError, ValueError):
    """A class label outside its range."""


class GradientError(DlframeError, RuntimeError):
    """A gradient that the graph cannot give."""


class VmapError(DlframeError, RuntimeError):
    """Something that `vmap` cannot compute for all examples at once."""


class AnomalyError(DlframeError, RuntimeError):
    """A value or gradient that is not finite, found by `dlframe.autograd.detect_anomaly`."""


class StateDictError(DlframeError, RuntimeError, ValueError):
    """A state that does not fit the module, optimizer, scheduler, loader, callback or trainer."""


class FileFormatError(DlframeError, RuntimeError, OSError):
    """A file that is truncated, of another kind, or unsafe to load."""


class DownloadError(DlframeError, RuntimeError, OSError):
    """A file that could not be fetched, or whose content is not the expected one."""


class DatasetError(DlframeError, RuntimeError):
    """A data set that is not where it should be, or is damaged.

    `facts` is the message without its advice for Python programs; `key` is the data set's name in
    `DATASETS` if a download may help.
    """

    def __init__(self, message: str, *, facts: str = "", key: str = "") -> None:
        super().__init__(message)
        self.facts = facts or message
        self.key = key


class DatasetMissingError(DatasetError):
    """A data set whose files are in none of the folders where they were looked for."""


class WorkerError(DlframeError, RuntimeError):
    """A sample that a loader's worker failed on."""


class PluginError(DlframeError, RuntimeError):
    """A plugin that cannot be found, is ambiguous, or failed to load."""


class MissingExtraError(DlframeError, ImportError):
    """A package that is not installed; the message has the command that installs it."""


class OptimizerWarning(UserWarning):
    """A mistake in a loop of training that an optimizer noticed."""


class NoGradientWarning(OptimizerWarning):
    """A step that changed nothing, since no parameter has a gradient."""


class AccumulatedGradientWarning(OptimizerWarning):
    """Gradients that are never cleared, so that each step uses the sum over all steps."""


class UnheldParameterWarning(OptimizerWarning):
    """Parameters of a model that get gradients and are in no optimizer."""


class NonFiniteGradientWarning(OptimizerWarning):
    """A gradient that is nan or infinite."""


class ScheduleWarning(UserWarning):
    """A schedule of the learning rate that is stepped at the wrong time.

    Silence it with `warnings.filterwarnings("ignore", category=ScheduleWarning)`.
    """


class needs:
    """A block that imports a package: MissingExtraError, if it is not installed.

    Args:
        package: the name by which it is imported.
        extra: the extra that it comes with; nothing for what each installation should have.

    >>> with needs("no_such_package"):
    ...     import no_such_package
    Traceback (most recent call last):
    dlframe.errors.MissingExtraError: no_such_package is not installed: pip install no_such_package
    """

    def __init__(self, package: str, extra: str = "") -> None:
        self.package, self.extra = package, extra

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        # a module that is missing inside of it: it is installed, but broken, and says so itself
        if isinstance(error, ModuleNotFoundError) and error.name == self.package:
            advice = f": pip install {self.package}"
            if self.extra:
                advice = f"; it comes with an extra: pip install 'dlframe[{self.extra}]'"
            raise MissingExtraError(f"{self.package} is not installed{advice}") from error


def did_you_mean(name: object, known: Iterable[str], *, most: int = 1) -> str:
    """The question after an unknown name, for a message; empty where no known name is near.

    >>> did_you_mean("sdg", ["Adam", "SGD"])
    " Did you mean 'SGD'?"
    """
    import difflib  # on first use: only mistakes need it

    names = {one.lower(): one for one in known}
    near = difflib.get_close_matches(str(name).lower(), names, n=most)
    return f" Did you mean {' or '.join(repr(names[one]) for one in near)}?" if near else ""
