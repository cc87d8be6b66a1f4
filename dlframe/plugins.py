"""One registry of layers, losses, metrics and other things that can be asked for by name.

The core's own names are those that its packages list. Other packages add theirs through entry
points, in their `pyproject.toml`::

    [project.entry-points."dlframe.layers"]
    SqueezeExcite = "dlframe_focus:SqueezeExcite"

and a program adds its own classes with `register`. Names are listed without importing any plugin;
a class is imported when it is first asked for. So a broken plugin never stops `import dlframe`: the
error comes, with the plugin's name and traceback, when somebody asks for it. The same happens if
two packages use the same name; then `"package:Name"` chooses between them. A name of dlframe's own,
in upper or lower case, always means dlframe's.
"""

from __future__ import annotations

import functools
import importlib
import os
import re
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from dlframe.base.printable import error_text, printable
from dlframe.errors import PluginError, did_you_mean
from dlframe.version import __version__

KINDS = (
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "datasets",
    "transforms",
    "callbacks",
    "kernels",
)
"""What can be registered; the entry-point group of layers is `dlframe.layers`, and so on."""

# kind -> the package whose `__all__` lists the core's classes of this kind, their common base, and
# classes that are left out together with their subclasses
_CORE: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "layers": (
        "dlframe.nn",
        "Module",
        ("_Loss", "Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"),
    ),
    "losses": ("dlframe.nn", "_Loss", ()),
    "metrics": ("dlframe.metrics", "Metric", ()),
    "optimizers": ("dlframe.optim", "Optimizer", ("SAM",)),
    "datasets": ("dlframe.data.datasets", "object", ()),
    "transforms": ("dlframe.data.transforms", "object", ()),
    "callbacks": ("dlframe.training", "Callback", ()),
    "kernels": ("dlframe.kernels", "Kernel", ()),
}

if TYPE_CHECKING:
    from importlib.metadata import Distribution

T = TypeVar("T")


class Entry(NamedTuple):
    """One name: its kind, its place (`module:attribute`), and its package.

    `package` is the name of a distribution as pip knows it, `"dlframe"` for names of the core, or
    the module that called `register`, which has no version.
    """

    kind: str
    name: str
    target: str
    package: str
    version: str

    @property
    def owner(self) -> str:
        """The package and its version, as in `dlframe-focus 0.1.0`."""
        return f"{self.package} {self.version}".rstrip()


# The registered objects, which cannot be imported, with their entries.
_registered: dict[tuple[str, str], tuple[Entry, Any]] = {}

# Called when other entries may be there than before.
listeners: list[Callable[[], None]] = []


# --- public functions --------------------------------------------------------------------------


def names(kind: str) -> list[str]:
    """Every name of a kind, sorted; imports no plugin.

    >>> from dlframe import plugins
    >>> plugins.names("losses")[:3]
    ['BCELoss', 'BCEWithLogitsLoss', 'CTCLoss']
    """
    return sorted({entry.name for entry in _entries(kind)})


def core_names(kind: str) -> list[str]:
    """The names of a kind that are dlframe's own, sorted; does not look for plugins.

    >>> from dlframe import plugins
    >>> "SGD" in plugins.core_names("optimizers")
    True
    """
    _check_kind(kind)
    return sorted(entry.name for entry in _core(kind))


def get(kind: str, name: str) -> Any:
    """The class or function of that name, which is imported now if it was not before.

    If the name is unknown as written, upper and lower case are ignored, so `"sgd"` is SGD.
    `"package:Name"` asks for the name of one package. A name that dlframe and a plugin both have is
    dlframe's, with a warning.

    Raises:
        PluginError: there is no such kind or name (the message has the nearest ones), two packages
            use the same name, or a plugin failed to load, with its own error as the cause.

    >>> from dlframe import plugins
    >>> plugins.get("optimizers", "SGD").__name__
    'SGD'
    >>> plugins.get("optimizers", "SDG")
    Traceback (most recent call last):
        ...
    dlframe.errors.PluginError: there is no optimizer 'SDG'. Did you mean 'SGD'? ...
    """
    entry = _the_one(kind, name)
    if (kind, entry.name) in _registered and _registered[kind, entry.name][0] == entry:
        return _registered[kind, entry.name][1]
    return _import(entry)


def full_name(kind: str, name: str) -> str:
    """The name under which `get` finds the same thing again, whatever else gets installed.

    For dlframe's own it is the plain name, for all others `"package:Name"`. Imports nothing.

    Raises:
        PluginError: as for `get`.

    >>> from dlframe import plugins
    >>> plugins.full_name("optimizers", "sgd")
    'SGD'
    """
    entry = _the_one(kind, name)
    return entry.name if entry.package == "dlframe" else _qualified(entry)


def register(kind: str, name: str | None = None) -> Callable[[T], T]:
    """A decorator that registers a class or function of this program under a name.

    Args:
        name: the object's own name unless given.

    Raises:
        PluginError: the name is one of the core's, or was registered for something else. If the
            same class is defined again (as in a notebook cell that is run twice), it replaces the
            old one.

    >>> from dlframe import plugins
    >>> @plugins.register("layers")
    ... class Doubled:
    ...     pass
    >>> plugins.get("layers", "Doubled") is Doubled
    True
    >>> plugins.unregister("layers", "Doubled")
    """
    _check_kind(kind)

    def decorate(obj: T) -> T:
        key = (kind, name or obj.__name__)  # type: ignore[attr-defined] # classes and functions have one
        module, qualname = getattr(obj, "__module__", "?"), getattr(obj, "__qualname__", key[1])
        entry = Entry(*key, f"{module}:{qualname}", module, "")
        _check_free(entry)
        _registered[key] = (entry, obj)
        _tell()
        return obj

    return decorate


def unregister(kind: str, name: str) -> None:
    """Remove a name that was registered by `register`."""
    if _registered.pop((kind, name), None) is None:
        raise PluginError(f"nothing was registered as {kind} {name!r}")
    _tell()


def describe(*kinds: str) -> list[tuple[Entry, str]]:
    """Every entry with its status: "core", "plugin", "registered" or "conflict"; imports no plugin.

    Args:
        kinds: those wanted, of `KINDS`; all of them, if none is given.

    >>> from dlframe import plugins
    >>> next((e.target, status) for e, status in plugins.describe() if e.name == "Linear")
    ('dlframe.nn:Linear', 'core')
    """
    result = []
    for kind in kinds or KINDS:
        entries = sorted(_entries(kind), key=lambda entry: (entry.name, entry.package))
        listed = [entry.name.casefold() for entry in entries]
        for entry in entries:
            conflict = listed.count(entry.name.casefold()) > 1
            result.append((entry, "conflict" if conflict else _status(entry)))
    return result


def problems() -> list[str]:
    """The faults of installed plugins that can be seen without importing them."""
    return list(_scan()[1])


def refresh() -> None:
    """Search the installed packages again; needed after `pip install` in a running program."""
    importlib.invalidate_caches()
    _scan.cache_clear()
    _tell()


def requirement_of(cls: type) -> tuple[str, str] | None:
    """The plugin package, and its version, that a class or one of its bases comes from.

    None for the core's own classes and for those of the program itself. A checkpoint stores this
    for each module of a model, so that loading it can name what is missing.

    >>> from dlframe import plugins
    >>> plugins.requirement_of(dict) is None
    True
    """
    for base in cls.__mro__:
        if base.__module__.split(".")[0] in ("dlframe", "builtins"):
            continue
        # several packages may share one namespace: take the one with the longest common path
        owner = max(
            _scan()[0], key=lambda entry: _common(entry.target, base.__module__), default=None
        )
        if owner and _common(owner.target, base.__module__):
            return owner.package, owner.version
    return None


def installed_version(package: str) -> str | None:
    """The version of an installed distribution, or None."""
    from importlib import metadata  # on first use: it brings the parser of e-mails with it

    try:
        return metadata.version(package)
    except (metadata.PackageNotFoundError, ValueError, KeyError, OSError):  # or it is unreadable
        return None


def is_mentioned(kind: str) -> bool:
    """Whether a plugin of this kind may be there: a quick look, for those who ask at every start.

    It reads a file of each package, and not what the packages say of themselves. A name that was
    registered counts, too.

    >>> from dlframe import plugins
    >>> plugins.is_mentioned("kernels") or not plugins.names("kernels")
    True
    """
    _check_kind(kind)
    if any(of == kind for of, _ in _registered):
        return True
    group = f"dlframe.{kind}".encode()
    for folder in dict.fromkeys(sys.path):
        try:
            inside = os.listdir(folder or ".")  # noqa: PTH208 - paths take ten times as long
        except OSError:
            if os.path.isfile(folder):  # noqa: PTH113 - as above; a zip file: search in full
                return True
            continue
        for name in inside:
            if name.endswith((".dist-info", ".egg-info")) and _says(folder, name, group):
                return True
    return False


def _says(folder: str, name: str, group: bytes) -> bool:
    """Whether the entry points of an installed package mention a group."""
    # `pathlib` takes as long to import as a training step, and few packages have such a file
    path = os.path.join(folder, name, "entry_points.txt")  # noqa: PTH118 - above
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - above
            return group in file.read()
    except OSError:
        return False


# --- finding -----------------------------------------------------------------------------------


def _entries(kind: str) -> list[Entry]:
    """All entries of a kind; a name of two packages occurs twice."""
    _check_kind(kind)
    ours = [entry for entry, _ in _registered.values() if entry.kind == kind]
    return [*_core(kind), *ours, *(entry for entry in _scan()[0] if entry.kind == kind)]


@functools.cache
def _core(kind: str) -> tuple[Entry, ...]:
    """The core's own entries of a kind, from what its package lists."""
    package, base, others = _CORE[kind]
    module = importlib.import_module(package)
    found = []
    for name in module.__all__:
        bases = [cls.__name__ for cls in getattr(getattr(module, name), "__mro__", ())]
        if base in bases[1:] and not set(others) & set(bases):
            found.append(Entry(kind, name, f"{package}:{name}", "dlframe", __version__))
    return tuple(found)


def _the_one(kind: str, name: str) -> Entry:
    """The entry that a name means; PluginError if there is none, or more than one."""
    found = _find(kind, name)
    if not found:
        raise _unknown(kind, name)
    ours = [entry for entry in found if entry.package == "dlframe"]
    if len(found) > 1 and not ours:
        owners = " and ".join(entry.owner for entry in found)
        raise _error(
            f"two packages give the name {name!r} to {kind}: {owners}. "
            f"Ask for {' or for '.join(repr(_qualified(entry)) for entry in found)}, "
            f"or uninstall one of them"
        )
    if len(found) > 1:
        others = ", ".join(f"{_qualified(e)!r}" for e in found if e not in ours)
        text = f"{name!r} is dlframe's own {_singular(kind)} {ours[0].name}; ask for {others} if "
        warnings.warn(printable(f"{text}you mean the plugin's"), stacklevel=3)
        return ours[0]
    return found[0]


def _find(kind: str, name: str) -> list[Entry]:
    """The entries of a name, without regard to case if dlframe has one of them or none fits."""
    package, _, plain = name.rpartition(":")
    entries = [
        entry
        for entry in _entries(kind)
        if (not package or _normalized(entry.package) == _normalized(package))
        and entry.name.casefold() == plain.casefold()
    ]
    exact = [entry for entry in entries if entry.name == plain]
    if any(entry.package == "dlframe" for entry in entries):
        return entries
    return exact or entries


@functools.cache
def _scan() -> tuple[list[Entry], list[str]]:
    """The entry points of all installed packages, and their faults.

    `metadata.entry_points` is not used, since one unreadable file of any package stops it.
    """
    from importlib import metadata  # on first use: it brings the parser of e-mails with it

    entries: list[Entry] = []
    faults: list[str] = []
    # a second copy later on the path is never imported; a package of our name is ours
    seen = {"dlframe"}
    for distribution in metadata.distributions():
        try:
            new, wrong = _points_of(distribution, seen)
        except Exception as error:  # noqa: BLE001 - whatever is made of a broken file
            # the folder is all that is known of it
            folder = str(getattr(distribution, "_path", "an installed package")).split("/")[-1]
            new, wrong = [], [f"{folder}: its metadata cannot be read ({error_text(error)})"]
        entries += new
        faults += map(printable, wrong)
    # sorted, since the order of folders on a disk is arbitrary
    return sorted(entries, key=lambda entry: entry.package), sorted(faults)


def _points_of(distribution: Distribution, seen: set[str]) -> tuple[list[Entry], list[str]]:
    """The entry points of one package, and its faults; raises whatever a broken file causes."""
    text = distribution.read_text("entry_points.txt")
    if not text or "dlframe." not in text:
        return [], []
    package, version = distribution.metadata["Name"], distribution.version or ""
    if _normalized(package) in seen:
        return [], []
    seen.add(_normalized(package))
    entries: list[Entry] = []
    faults: list[str] = []
    try:
        points = list(distribution.entry_points)
    except Exception as error:  # noqa: BLE001 - whatever the parser makes of a broken file
        return [], [f"{package} {version}: its entry_points.txt cannot be read ({error})"]
    for point in points:
        kind = point.group.removeprefix("dlframe.")
        if any((kind, point.name) == (entry.kind, entry.name) for entry in entries):
            faults.append(f"{package} {version}: two {kind} of the name {point.name!r}")
        elif kind in KINDS and kind != point.group:
            entries.append(Entry(kind, point.name, point.value, package, version))
        elif kind != point.group:
            hint = did_you_mean(kind, KINDS, most=3)
            faults.append(f"{package} {version}: unknown group {point.group!r}.{hint}")
    return entries, faults


def _normalized(package: str) -> str:
    """The form in which pip compares names (PEP 503)."""
    return re.sub(r"[-_.]+", "-", package).lower()


def _common(target: str, module: str) -> int:
    """How many leading parts two dotted paths share."""
    pairs = zip(target.replace(":", ".").split("."), module.split("."), strict=False)
    parts = [a == b for a, b in pairs]
    return parts.index(False) if False in parts else len(parts)


def _status(entry: Entry) -> str:
    if (entry.kind, entry.name) in _registered:
        return "registered"
    return "core" if entry.package == "dlframe" else "plugin"


# --- loading -----------------------------------------------------------------------------------


def _import(entry: Entry) -> Any:
    with _interrupts() as interrupted:
        try:
            module, _, attribute = entry.target.partition(":")
            obj = importlib.import_module(module.strip())
            for part in attribute.partition("[")[0].strip().split("."):
                obj = getattr(obj, part)
        except BaseException as error:  # a plugin may do anything when it is imported
            if interrupted:
                raise
            raise _error(
                f"the {_singular(entry.kind)} {entry.name!r} of {entry.owner} ({entry.target}) "
                f"failed to load: {error_text(error)}{_place(error)}"
            ) from error
    if not callable(obj) and entry.kind != "kernels":
        raise _error(
            f"the {_singular(entry.kind)} {entry.name!r} of {entry.owner} ({entry.target}) is not "
            f"a class or function, but of type {type(obj).__name__}"
        )
    return obj


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """A list that is filled by a Ctrl-C of the user, and not by a KeyboardInterrupt of others."""
    came: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield came  # no signal raises anything here
        return

    def note(number: int, frame: Any) -> None:
        came.append(number)
        before(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield came
    finally:
        if signal.getsignal(signal.SIGINT) is note:
            signal.signal(signal.SIGINT, before)


def _place(error: BaseException) -> str:
    """Where in the plugin's files it happened."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" (at {error.filename}, line {error.lineno})"
    ours = (__file__, importlib.__file__)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename not in ours and not frame.filename.startswith("<frozen"):
            return f" (at {frame.filename}, line {frame.lineno})"
    return ""  # the import itself failed, in no file of the plugin's


def _tell() -> None:
    for listener in listeners:
        listener()


# --- complaints --------------------------------------------------------------------------------


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise PluginError(
            f"there is no kind {kind!r}.{did_you_mean(kind, KINDS, most=3)} "
            f"Known: {', '.join(KINDS)}"
        )


def _check_free(entry: Entry) -> None:
    if any(entry.name.casefold() == core.name.casefold() for core in _core(entry.kind)):
        raise PluginError(
            f"cannot register {entry.target} as {entry.kind} {entry.name!r}: that is dlframe's own "
            f"name. Give it another: register({entry.kind!r}, 'My{entry.name}')"
        )
    old = _registered.get((entry.kind, entry.name))
    if old is not None and old[0].target != entry.target:
        raise PluginError(
            f"cannot register {entry.target} as {entry.kind} {entry.name!r}: "
            f"{old[0].target} has that name. Give it another, or unregister the old one"
        )


def _error(message: str) -> PluginError:
    # names and messages are a plugin's own
    return PluginError(printable(message))


def _unknown(kind: str, name: str) -> PluginError:
    known = names(kind)
    package, colon, _ = name.partition(":")
    if colon and not any(one.startswith(f"{package}:") for one in known):
        return _error(
            f"there is no {_singular(kind)} {name!r}: the package {package}, which has it, is not "
            "installed here"
        )
    listed = ", ".join(known) if known else "none"
    hint = did_you_mean(name, known, most=3)
    message = f"there is no {_singular(kind)} {name!r}.{hint} Known: {listed}."
    if problems():
        message += f" Not all plugins could be read: {'; '.join(problems())}"
    return _error(message)


def _qualified(entry: Entry) -> str:
    return f"{entry.package}:{entry.name}"


def _singular(kind: str) -> str:
    return {"losses": "loss"}.get(kind, kind.removesuffix("s"))
