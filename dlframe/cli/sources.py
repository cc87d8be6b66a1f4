"""Data of the user's own for `--data`: a CSV file, an .npz file, a folder of images, a plugin's.

`described` reads them once and says in plain values all that a run needs to know of them: the
shape of a sample, the classes, how inputs are scaled. This is stored with the run. `parts` reads
them again in the same way, divided into the same parts.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dlframe import plugins, random, states
from dlframe.base.printable import error_text, printable
from dlframe.cli.names import DATA, UsageError
from dlframe.data.dataset import fetch
from dlframe.data.datasets.images import as_root
from dlframe.data.folders import ImageFolder, default_loader, is_left_behind
from dlframe.data.table import Table, TableEncoder, are_classes, read_arrays
from dlframe.errors import ArgumentError, DatasetError, FileFormatError, PluginError, did_you_mean
from dlframe.tensor import to_array

Array = np.ndarray[Any, Any]
Source = dict[str, Any]

PARTS = (0.7, 0.15, 0.15)  # to train on, to validate and to test
VALIDATION = 0.1  # of the training samples, where test samples are given
SIDE = 32  # pixels, of the images of a folder
TESTS = ("test", "val", "valid", "validation")  # names of the folder beside `train`
FEWEST = 8  # samples


class Samples(NamedTuple):
    """Inputs and targets of a part, not yet scaled."""

    x: Array
    y: Array


class Parts(NamedTuple):
    train: Samples
    validation: Samples
    test: Samples


# --- which form --------------------------------------------------------------------------------


def form_of(name: str) -> str:
    """Which form data have: table, arrays, folder or plugin; UsageError if it is none of these."""
    path = Path(name)
    if not name:  # the path of an empty text is the present folder
        raise UsageError("--data: the name is empty")
    if path.is_dir():
        return "folder"
    if path.is_file():
        return "arrays" if path.suffix.lower() == ".npz" else "table"
    if path.suffix.lower() in (".csv", ".tsv", ".txt", ".npz") or os.sep in name:
        raise UsageError(f"--data: there is no file or folder {printable(name)}")
    own = [n for n in plugins.names("datasets") if n not in plugins.core_names("datasets")]
    try:
        if plugins.full_name("datasets", name) not in plugins.core_names("datasets"):
            return "plugin"
    except PluginError as error:
        if "two packages" in str(error):
            raise UsageError(f"--data: {error}") from None
    known = [*DATA, *own]
    raise UsageError(
        f"--data: there is no data set, file or folder {printable(name)!r}."
        f"{did_you_mean(name, known)} Known: {', '.join(known)}"
    )


def described(name: str, options: Mapping[str, Any], seed: int) -> Source:
    """The description of data: `form`, `shape`, `classes`, `mean`, `std` and what reads them.

    Args:
        options: `target`, `task`, `ignore`, `text`, `header`, `delimiter` of a table, `size` of
            images, `arguments` of a plugin's data set; None for those that are not given.
        seed: by which the parts are drawn; the scales are those of the training part.

    Raises:
        UsageError: an option has no meaning for these data.
        DatasetError, FileFormatError: the data cannot be read.
    """
    form = form_of(name)
    _check_options(name, form, options)
    if form == "plugin":
        name = plugins.full_name("datasets", name)
    source: Source = {
        "form": form,
        "place": name if form == "plugin" else str(Path(name).resolve()),
    }
    source |= {key: value for key, value in options.items() if value is not None}
    source["digest"] = "" if form == "plugin" else digest(source["place"])
    try:
        return source | _SCALED[form](source, seed)
    except ArgumentError as error:
        message = str(error).replace("ignore=", "--ignore")
        raise UsageError(f"--data {printable(name)}: {message}") from None


def parts(source: Source, seed: int) -> Parts:
    """The samples; DatasetError if files are others than those the run was trained on."""
    if source["digest"] and digest(source["place"]) != source["digest"]:
        raise DatasetError(
            f"{printable(source['place'])} has changed since the run began, so its parts would be "
            "others. Put the old content back, or train anew"
        )
    return _PARTS[source["form"]](source, seed)


_OPTIONS = {
    "table": ("target", "task", "ignore", "text", "header", "delimiter"),
    "arrays": ("task",),
    "folder": ("size",),
    "plugin": ("task", "arguments"),
}


def _check_options(name: str, form: str, options: Mapping[str, Any]) -> None:
    for key, value in options.items():
        if value is not None and key not in _OPTIONS[form]:
            option = "KEY=VALUE" if key == "arguments" else f"--{key}"
            what = {"table": "a table", "arrays": "an .npz file", "folder": "a folder of images"}
            raise UsageError(
                f"{option} has no meaning for {what.get(form, 'a data set of a plugin')}"
            )


def digest(place: str) -> str:
    """A checksum of a file, or of the names and sizes of the files below a folder."""
    path = Path(place)
    found = hashlib.sha256()
    try:
        if path.is_dir():
            for folder, _, names in sorted(os.walk(path)):
                for name in sorted(names):
                    file = Path(folder, name)
                    # a look at the folder may write such files
                    if any(map(is_left_behind, file.relative_to(path).parts)):
                        continue
                    size = file.stat().st_size if file.is_file() else -1
                    found.update(f"{file.relative_to(path)}\0{size}\n".encode(errors="replace"))
        else:
            with path.open("rb") as file_object:
                for block in iter(lambda: file_object.read(1 << 20), b""):
                    found.update(block)
    except FileNotFoundError:
        raise DatasetError(
            f"{printable(place)}, on which the run was trained, is not there any more"
        ) from None
    return found.hexdigest()


def _each(function: Callable[[Any], Samples], three: Iterable[Any]) -> Parts:
    train, validation, test = map(function, three)
    return Parts(train, validation, test)


# --- tables ------------------------------------------------------------------------------------


def read_table(source: Source, path: str | None = None, *, target: bool = True) -> Table:
    """The table of a source, or other rows in the same form."""
    return Table.read(
        source["place"] if path is None else path,
        source.get("target", -1) if target else None,
        header=source.get("header"),
        delimiter=source.get("delimiter"),
        ignore=source.get("ignore", ()) if target else (),
        text=source.get("text", ()),
    )


def _scaled_table(source: Source, seed: int) -> Source:
    table = read_table(source)
    if len(table) < FEWEST:
        raise ArgumentError(f"{len(table)} rows are too few: {FEWEST} or more are needed")
    task = source.get("task")
    as_classes = None if task is None else task == "classes"
    if as_classes is None:
        as_classes = table.has_classes
    train = _table_parts(table, seed, as_classes)[0]
    encoder = TableEncoder.fit(train, classes=as_classes)
    assert table.target is not None
    return {
        "target": table.target,
        "shape": [len(encoder.features)],
        "classes": encoder.classes,
        "features": encoder.features,
        "encoder": encoder.state_dict(),
    }


def _table_parts(table: Table, seed: int, as_classes: bool) -> list[Table]:
    generator = random.Generator().manual_seed(seed)
    return table.split(PARTS, generator=generator, stratify=as_classes)


def _parts_of_table(source: Source, seed: int) -> Parts:
    encoder = TableEncoder.from_state(source["encoder"])
    return _each(
        lambda table: Samples(to_array(encoder.inputs(table)), to_array(encoder.targets(table))),
        _table_parts(read_table(source), seed, bool(source["classes"])),
    )


# --- arrays ------------------------------------------------------------------------------------


def _scaled_arrays(source: Source, seed: int) -> Source:
    raw = _raw_parts(source, seed)
    x, y = raw.train
    shape = list(x.shape[1:])
    axes = (0,) if len(shape) == 1 else (0, *range(2, x.ndim))
    whole = x.astype(np.float64)
    std = np.atleast_1d(whole.std(axis=axes))
    found: Source = {
        "shape": shape,
        "mean": np.atleast_1d(whole.mean(axis=axes)).tolist(),
        "std": np.where(std > 1e-12, std, 1.0).tolist(),
        "classes": _classes(source, raw),
    }
    if not found["classes"]:
        numbers = y.astype(np.float64)
        found |= {"scale": [float(numbers.mean()), float(numbers.std()) or 1.0]}
    elif found["classes"] != _names_of(source) and not all(
        set(map(_text, part.y.tolist())) <= set(found["classes"]) for part in (raw.train, raw.test)
    ):
        raise ArgumentError("the test samples have a class that no training sample has")
    return found


def _classes(source: Source, raw: Parts) -> list[str]:
    """The names of the classes; none, if the target is a number."""
    if source["form"] == "folder":
        names = _names_of(source)
        if len(names) < 2:
            raise ArgumentError(
                f"there is one folder of a class only ({_text(names[0])}); to tell classes apart, "
                "give each class a folder"
            )
        return names
    y = np.concatenate([part.y for part in raw])
    task = source.get("task")
    if task == "numbers" or (task is None and not are_classes(y)):
        if y.dtype.kind == "U" or not np.isfinite(y.astype(np.float64)).all():
            raise ArgumentError("the targets must be finite numbers")
        return []
    values = sorted(set(y.tolist()))
    if len(values) < 2:
        raise ArgumentError(f"all samples have the same class ({_text(values[0])})")
    names = _names_of(source)
    if names and values == list(range(len(values))) and len(names) == len(values):
        return names
    return [_text(value) for value in values]


def _names_of(source: Source) -> list[str]:
    """The names of the classes that the labels 0, 1, … stand for, where the data have names."""
    if source["form"] == "folder":
        return list(_folder(source["place"])[0].classes)
    if source["form"] != "plugin":
        return []
    return [str(name) for name in getattr(_opened(source)[0], "classes", ())]


def _text(value: Any) -> str:
    return f"{value:.17g}" if isinstance(value, float) else str(value)


def _parts_of_arrays(source: Source, seed: int) -> Parts:
    return _each(lambda part: _prepared(source, part), _raw_parts(source, seed))


def _prepared(source: Source, part: Samples) -> Samples:
    """Rows scaled; of images the pixels as they are, which a transform scales."""
    x = part.x
    if len(source["shape"]) == 1:
        mean, std = np.asarray(source["mean"]), np.asarray(source["std"])
        x = ((x - mean) / std).astype(np.float32)
    if not source["classes"]:
        mean, std = source["scale"]
        return Samples(x, ((part.y - mean) / std).astype(np.float32)[:, None])
    if part.y.dtype.kind in "iu" and _names_of(source) == source["classes"]:
        return Samples(x, part.y.astype(np.int64))
    labels = {name: label for label, name in enumerate(source["classes"])}
    try:
        return Samples(x, np.array([labels[_text(v)] for v in part.y.tolist()], np.int64))
    except KeyError as error:
        raise DatasetError(f"{printable(source['place'])}: the class {error} is new") from None


def _raw_parts(source: Source, seed: int) -> Parts:
    """Inputs as rows or as images (N, C, H, W) from 0 to 1, and the targets as they are."""
    known = ("form", "place", "digest", "size", "arguments")
    return _read_once(json.dumps({key: source[key] for key in known if key in source}), seed)


@functools.lru_cache(maxsize=1)  # a new run asks for the scales, then for the samples
def _read_once(source: str, seed: int) -> Parts:
    given = json.loads(source)
    train, test = _READ[given["form"]](given)
    generator = random.Generator().manual_seed(seed)
    count = len(train.y)
    if count < FEWEST:
        raise ArgumentError(f"{count} samples are too few: {FEWEST} or more are needed")
    order = np.array(generator.randperm(count).tolist())
    shares = PARTS if test is None else (1 - VALIDATION, VALIDATION)
    ends = [max(1, round(end * count)) for end in np.cumsum(shares)[:-1].tolist()]
    first, *others = [Samples(train.x[i], train.y[i]) for i in np.split(order, ends)]
    return Parts(first, others[0], others[1] if test is None else test)


def _read_arrays(source: Source) -> tuple[Samples, Samples | None]:
    found = read_arrays(source["place"])
    if "x" in found:
        return Samples(_inputs(found["x"]), found["y"]), None
    train = Samples(_inputs(found["x_train"]), found["y_train"])
    test = Samples(_inputs(found["x_test"]), found["y_test"])
    if train.x.shape[1:] != test.x.shape[1:]:
        raise FileFormatError(
            f"{printable(source['place'])}: x_train and x_test have samples of different shapes: "
            f"{train.x.shape[1:]} and {test.x.shape[1:]}"
        )
    return train, test


def _inputs(x: Array) -> Array:
    """Rows, or images as (N, C, H, W); uint8 becomes numbers from 0 to 1."""
    if x.dtype == np.uint8 and x.ndim > 2:
        x = x.astype(np.float32) / 255
    x = x.astype(np.float32)
    if x.ndim == 3:
        return x[:, None]
    if x.ndim == 4 and x.shape[-1] in (1, 3) and x.shape[1] not in (1, 3):
        return np.ascontiguousarray(np.moveaxis(x, -1, 1))
    return x if x.ndim in (2, 4) else x.reshape(len(x), -1)


# --- folders -----------------------------------------------------------------------------------


def _folder(place: str) -> tuple[ImageFolder, ImageFolder | None]:
    """The images of a folder, and those to test with, if they lie apart."""
    root = as_root(place)
    tests = [root / name for name in TESTS if (root / name).is_dir()]
    if not ((root / "train").is_dir() and tests):
        return ImageFolder(root), None
    train, test = ImageFolder(root / "train"), ImageFolder(tests[0])
    if train.classes != test.classes:
        other = sorted(set(train.classes) ^ set(test.classes))
        raise DatasetError(
            f"{printable(root)}: train and {tests[0].name} have different classes: "
            f"{', '.join(map(printable, other[:5]))} is in one of them only"
        )
    return train, test


def _read_folder(source: Source) -> tuple[Samples, Samples | None]:
    train, test = _folder(source["place"])
    side = source.get("size") or SIDE
    return _images(train, side), None if test is None else _images(test, side)


def _images(folder: ImageFolder, side: int) -> Samples:
    from PIL import Image

    x = np.empty((len(folder), 3, side, side), np.float32)
    for i, (path, _) in enumerate(folder.samples):
        image = default_loader(path).resize((side, side), Image.Resampling.BOX)
        x[i] = np.asarray(image, np.uint8).transpose(2, 0, 1) / np.float32(255)
    return Samples(x, np.array(folder.targets, np.int64))


# --- plugins -----------------------------------------------------------------------------------


def _opened(source: Source) -> tuple[Any, Any]:
    """The data set of a plugin, and the one to test with, if it makes two."""
    make = plugins.get("datasets", source["place"])
    given = source.get("arguments", {})
    try:
        known = inspect.signature(make).parameters
    except (TypeError, ValueError):
        known = {}  # type: ignore[assignment] # it does not tell
    unknown = [key for key in given if known and key not in known]
    if unknown:
        raise UsageError(
            f"--data: {printable(source['place'])} has no {unknown[0]!r}."
            f"{did_you_mean(unknown[0], known)} It has {', '.join(known)}"
        )
    try:
        if "train" in known and "train" not in given:
            return make(train=True, **given), make(train=False, **given)
        return make(**given), None
    except (Exception, SystemExit) as error:  # a plugin's code may raise anything
        raise UsageError(
            f"--data: the data set {printable(source['place'])} cannot be made with "
            f"{printable(given)}: {error_text(error)}"
        ) from error


def _read_plugin(source: Source) -> tuple[Samples, Samples | None]:
    train, test = _opened(source)
    return _gathered(source, train), None if test is None else _gathered(source, test)


def _gathered(source: Source, dataset: Any) -> Samples:
    """All samples of a data set, which are pairs of an input and a target."""
    name = printable(source["place"])
    try:
        pairs = [(pair[0], pair[1]) for pair in fetch(dataset, list(range(len(dataset))))]
        x = np.stack([np.asarray(to_array(one)) for one, _ in pairs])
        y = np.array([_plain(target) for _, target in pairs])
    except (Exception, SystemExit) as error:  # a plugin's code may raise anything
        raise DatasetError(
            f"the data set {name} does not give pairs of an array and a target: {error_text(error)}"
        ) from error
    if x.ndim < 2 or x.dtype.kind not in "biuf" or y.ndim != 1 or y.dtype.kind not in "biufU":
        raise DatasetError(
            f"the data set {name} must give pairs of an array and a number; got {x.dtype} of shape "
            f"{x.shape} and {y.dtype} of shape {y.shape}"
        )
    return Samples(_inputs(x), y)


def _plain(target: Any) -> Any:
    return target.item() if hasattr(target, "item") else target


_READ = {"arrays": _read_arrays, "folder": _read_folder, "plugin": _read_plugin}
_SCALED = {
    "table": _scaled_table,
    "arrays": _scaled_arrays,
    "folder": _scaled_arrays,
    "plugin": _scaled_arrays,
}
_PARTS = {
    "table": _parts_of_table,
    "arrays": _parts_of_arrays,
    "folder": _parts_of_arrays,
    "plugin": _parts_of_arrays,
}


# --- checking ----------------------------------------------------------------------------------


def source_form(value: Any) -> Source:
    """The form of a description of data in a checkpoint; `states.Unfit` for anything else."""
    given = states.mapping(states.plain)(value)
    forms: dict[str, states.Form] = {
        "form": states.one_of(*_READ, "table"),
        "place": states.text,
        "digest": states.text,
        "shape": states.listed(states.integer(1, 1 << 20)),
        "classes": states.listed(states.text),
        "features": states.listed(states.text),
        "mean": states.listed(states.number),
        "std": states.listed(states.positive),
        "scale": states.listed(states.number, 2),
        "encoder": states.mapping(states.plain),
        "arguments": states.mapping(states.plain),
        "target": states.text,
        "task": states.one_of("classes", "numbers"),
        "ignore": states.listed(states.text),
        "text": states.listed(states.text),
        "header": states.flag,
        "delimiter": states.text,
        "size": states.integer(1, 1 << 12),
    }
    needed = ["form", "place", "digest", "shape", "classes"]
    wanted = "form" in given and given["form"] == "table"
    needed += ["encoder"] if wanted else ["mean", "std"]
    if not given.get("classes") and not wanted:
        needed.append("scale")
    missing = [name for name in needed if name not in given]
    unknown = [name for name in given if name not in forms]
    if missing or unknown:
        raise states.Unfit(f"a description of data ({(missing or unknown)[0]})", value)
    found = {name: forms[name](entry) for name, entry in given.items()}
    shape, channels = found["shape"], len(found.get("mean", ()))
    fits = len(shape) in (1, 3) and channels == (0 if wanted else shape[0])
    if not fits or len(found.get("std", ())) != channels or math.prod(shape) > 1 << 26:
        raise states.Unfit("a description of data whose shapes fit", value)
    if len(found["classes"]) == 1 or len(set(found["classes"])) < len(found["classes"]):
        raise states.Unfit("a description of data with different classes", value)
    if wanted:
        encoder = TableEncoder.from_state(found["encoder"])
        if len(encoder.features) != shape[0] or encoder.classes != found["classes"]:
            raise states.Unfit("a description of data with an encoder that fits", value)
        found["encoder"] = encoder.state_dict()
    return found
