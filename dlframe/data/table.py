"""Tables: rows from a CSV file, split, and encoded as numbers by what the training rows show.

`Table.read` reads a file, `split` divides its rows, and a `TableEncoder` that was fitted on the
training rows turns rows into inputs and targets. `read_arrays` reads the arrays of an .npz file.
"""

from __future__ import annotations

import csv
import io
import math
import os
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dlframe import random, states
from dlframe.base.printable import error_text, printable
from dlframe.data.dataset import TensorDataset
from dlframe.errors import ArgumentError, FileFormatError, did_you_mean
from dlframe.tensor import Tensor

__all__ = ["Column", "Table", "TableEncoder", "read_arrays"]

MISSING = frozenset({"", "?", "na", "n/a", "nan", "null", "none"})
"""The texts, in upper or lower case, that stand for a value that is missing."""

DELIMITERS = ",;\t|"
MOST_CLASSES = 20  # whole numbers of more values than these are measured, not classes
MOST_CATEGORIES = 100  # of a column of texts; one with more is a name or a number of each row
MOST_BYTES = 1 << 32  # of an array in an .npz file
LARGEST = 1e100  # the square of a larger number, which a deviation needs, may be infinite
LARGEST_INPUT = 1e30  # the same for float32, less what layers make of it
WITH_COMMA = re.compile(
    r"[+-]?(\d+,\d+|\d{1,3}(,\d{3})+\.\d*|\d{1,3}(\.\d{3})+,\d*)(e[+-]?\d+)?", re.IGNORECASE
)

Array = np.ndarray[Any, Any]


class Column(NamedTuple):
    """A column of a table: numbers (nan where missing), or texts ("" where missing)."""

    name: str
    values: Array

    @property
    def is_numeric(self) -> bool:
        return bool(self.values.dtype.kind == "f")


class Table:
    """Rows with named columns, one of which may be the target.

    Args:
        columns: of one length.
        target: the name of the column that is to be predicted, or None.

    >>> table = Table([Column("x", np.array([1.0, 2.0])), Column("y", np.array(["a", "b"]))], "y")
    >>> table
    Table of 2 rows: x, target y
    """

    def __init__(self, columns: Sequence[Column], target: str | None = None) -> None:
        self.columns = list(columns)
        self.target = target
        lengths = {len(column.values) for column in self.columns}
        if len(lengths) > 1:
            raise ArgumentError(f"Table: columns must have one length; got {sorted(lengths)}")
        if target is not None and target not in self.names:
            raise ArgumentError(
                f"Table: there is no column {target!r}.{did_you_mean(target, self.names)} "
                f"There are {', '.join(map(printable, self.names[:30]))}"
            )

    @classmethod
    def read(
        cls,
        path: str | os.PathLike[str],
        target: str | int | None = -1,
        *,
        header: bool | None = None,
        delimiter: str | None = None,
        ignore: Iterable[str | int] = (),
        text: Iterable[str | int] = (),
    ) -> Table:
        """The table in a CSV file, in UTF-8.

        Args:
            target: the column to be predicted, by name or by number (from 0; -1 is the last);
                None for a table without one.
            header: whether the first row has the names of the columns. With None it has if none of
                its cells is a number. Otherwise the names are column_0, column_1, and so on.
            delimiter: what stands between cells. With None it is that of `,;|` and the tabulator
                of which the first row has most.
            ignore: columns to leave out.
            text: columns of numbers that are names of categories, such as postcodes.

        A column is one of numbers if all its cells are numbers or missing (`MISSING`). Numbers have
        a point: a column of numbers with commas, such as 0,5 or 1,250.00, is refused, unless it
        is in `text`.

        Raises:
            FileFormatError: the file is empty or no text, a row has another number of cells than
                the first, two columns have one name, a number is infinite or above 1e100, or
                numbers have commas.
            ArgumentError: there is no such column.
        """
        rows, first = _rows(Path(path), delimiter)
        if header is None:
            header = not any(_is_number(cell) for cell in rows[0])
        names = [cell.strip() for cell in rows[0]] if header else _numbered(len(rows[0]))
        body = rows[1:] if header else rows
        where = printable(path)
        if not body:
            raise FileFormatError(f"{where} has a row of names and no other row")
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise FileFormatError(f"{where}: two columns are named {printable(twice[0])!r}")
        goal = None if target is None else names[_index(names, target, "target")]
        left_out = {_index(names, one, "ignore") for one in ignore}
        as_text = {_index(names, one, "text") for one in text}
        columns = [
            _column(name, [row[i] for row in body], where, first + header, as_text=i in as_text)
            for i, name in enumerate(names)
            if i not in left_out
        ]
        return cls(columns, goal)

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def inputs(self) -> list[Column]:
        """The columns but the target."""
        return [column for column in self.columns if column.name != self.target]

    def __getitem__(self, name: str) -> Array:
        for column in self.columns:
            if column.name == name:
                return column.values
        raise KeyError(name)

    def __len__(self) -> int:
        return len(self.columns[0].values) if self.columns else 0

    def __repr__(self) -> str:
        inputs = ", ".join(column.name for column in self.inputs)
        goal = "" if self.target is None else f", target {self.target}"
        return f"Table of {len(self)} rows: {inputs}{goal}"

    def take(self, rows: Sequence[int] | Array) -> Table:
        """A table of some of the rows."""
        index = np.asarray(rows, dtype=np.int64)
        return Table([Column(c.name, c.values[index]) for c in self.columns], self.target)

    @property
    def has_classes(self) -> bool:
        """Whether the target is one of classes: texts, or at most 20 different whole numbers."""
        return self.target is not None and are_classes(self[self.target])

    def counts(self) -> dict[str, int]:
        """How many rows each class of the target has."""
        if self.target is None:
            raise ArgumentError("Table.counts: this table has no target")
        return dict(sorted(Counter(_class_names(self[self.target])).items()))

    def split(
        self,
        fractions: Sequence[float] = (0.7, 0.15, 0.15),
        *,
        generator: random.Generator | None = None,
        stratify: bool | None = None,
    ) -> list[Table]:
        """Tables with these shares of the rows, drawn at random.

        Args:
            fractions: they sum to 1.
            stratify: whether each class is divided on its own, so that all parts have its share.
                With None it is, where the target has classes.

        Raises:
            ArgumentError: the fractions do not sum to 1, or a part would have no row.
        """
        if any(f < 0 for f in fractions) or not math.isclose(sum(fractions), 1):
            raise ArgumentError(f"Table.split: fractions must sum to 1; got {list(fractions)}")
        generator = random.or_default(generator)
        groups = [np.arange(len(self))]
        if self.has_classes if stratify is None else stratify:
            if self.target is None:
                raise ArgumentError("Table.split: stratify=True needs a target")
            labels = np.array(_class_names(self[self.target]))
            groups = [np.flatnonzero(labels == name) for name in sorted(set(labels.tolist()))]
        parts: list[list[int]] = [[] for _ in fractions]
        ends = np.cumsum(fractions)
        for group in groups:
            order = group[generator.randperm(len(group)).tolist()]
            # at least one of each class to train on
            cuts = [max(1, round(float(end) * len(group))) for end in ends[:-1]]
            for part, piece in zip(parts, np.split(order, cuts), strict=True):
                part += piece.tolist()
        if not all(parts):
            of = f" of {len(groups)} classes" if len(groups) > 1 else ""
            raise ArgumentError(
                f"Table.split: {len(self)} rows{of} are too few for parts of {list(fractions)}"
                + (f": {self._class_advice()}" if len(groups) > 1 else "")
            )
        return [self.take(sorted(part)) for part in parts]

    def _class_advice(self) -> str:
        rarest, rows = min(self.counts().items(), key=lambda pair: pair[1])
        return (
            f"the class {printable(rarest, longest=60)!r} of {printable(self.target)!r}, for "
            f"instance, has {rows}. Is this the right target?"
        )


class TableEncoder:
    """Turns the rows of tables into numbers, by what the rows showed on which it was fitted.

    Of each numeric column it keeps the mean and the standard deviation, by which values are
    scaled, and the median, which takes the place of missing values; where some were missing,
    another input says which. A column of texts becomes an input for each category, 1 for that of
    the row and 0 for the others; missing and unknown texts are 0 everywhere. Of the target it
    keeps the names of the classes, or mean and standard deviation.

    Fit it on training rows only: what it learns from others makes the measured quality too good.

    >>> x, y = np.array([1.0, 3.0, 2.0, np.nan]), np.array(["a", "b", "a", "b"])
    >>> table = Table([Column("x", x), Column("y", y)], "y")
    >>> encoder = TableEncoder.fit(table)
    >>> encoder.features, encoder.inputs(table)[1:, 1].tolist()
    (['x', 'x is missing'], [0.0, 0.0, 1.0])
    >>> encoder.targets(table).tolist(), encoder.classes
    ([0, 1, 0, 1], ['a', 'b'])
    """

    def __init__(self, columns: list[dict[str, Any]], target: dict[str, Any] | None) -> None:
        self.columns = columns
        self.target = target

    @classmethod
    def fit(cls, table: Table, *, classes: bool | None = None) -> TableEncoder:
        """An encoder for tables with these columns.

        Args:
            classes: whether the target has classes; with None, `Table.has_classes`.

        Raises:
            ArgumentError: there is no input, a column of texts has more than 100 categories, the
                target is missing in a row, has one class only, or is no number but should be one.
        """
        if not table.inputs:
            raise ArgumentError("TableEncoder: the table has no column beside the target")
        target = None
        if table.target is not None:
            is_class = table.has_classes if classes is None else classes
            target = _fitted_target(table.target, table[table.target], is_class=is_class)
        return cls([_fitted(column) for column in table.inputs], target)

    @property
    def classes(self) -> list[str]:
        """The names of the classes; none, if the target is a number."""
        names: list[str] = (self.target or {}).get("classes", [])
        return names

    @property
    def features(self) -> list[str]:
        """The names of the inputs."""
        found = []
        for column in self.columns:
            name = column["name"]
            if "categories" in column:
                found += [f"{name}={category}" for category in column["categories"]]
            else:
                found += [name, *([f"{name} is missing"] if column["missing"] else [])]
        return found

    def inputs(self, table: Table) -> Tensor:
        """The inputs of all rows, float32 (rows, features).

        Raises FileFormatError for a column that is missing, or has texts instead of numbers.
        """
        parts: list[Array] = []
        for column in self.columns:
            name = column["name"]
            if name not in table.names:
                raise FileFormatError(
                    f"the rows have no column {printable(name)!r}, on which the model was trained."
                    f"{did_you_mean(name, table.names)} They have "
                    f"{', '.join(printable(n) for n in table.names[:30])}"
                )
            values = table[name]
            if "categories" in column:
                texts = np.array(_class_names(values))
                parts += [texts == category for category in column["categories"]]
                continue
            if values.dtype.kind != "f":
                text = next((v for v in values.tolist() if v), "")
                raise FileFormatError(
                    f"column {printable(name)!r} must have numbers, as in training; got "
                    f"{printable(text, longest=60)!r}"
                )
            is_missing = np.isnan(values)
            filled = np.where(is_missing, column["median"], values)
            parts.append((filled - column["mean"]) / column["std"])
            if column["missing"]:
                parts.append(is_missing)
        return Tensor(np.stack([part.astype(np.float32) for part in parts], axis=1))

    def targets(self, table: Table) -> Tensor:
        """The target of all rows: labels, int64 (rows,), or scaled numbers, float32 (rows, 1).

        Raises FileFormatError for a class that no training row had, and for a missing target.
        """
        if self.target is None or self.target["name"] not in table.names:
            raise FileFormatError("the rows have no target")
        values = table[self.target["name"]]
        if "classes" in self.target:
            labels = {name: i for i, name in enumerate(self.classes)}
            names = _class_names(values)
            unknown = sorted(set(names) - labels.keys())
            if unknown:
                raise FileFormatError(
                    f"the target {printable(self.target['name'])!r} has "
                    f"{printable(unknown[0], longest=60)!r}, which no training row has"
                )
            return Tensor(np.array([labels[name] for name in names], np.int64))
        if values.dtype.kind != "f" or np.isnan(values).any():
            raise FileFormatError(
                f"the target {printable(self.target['name'])!r} must be a number in each row"
            )
        scaled = (values - self.target["mean"]) / self.target["std"]
        return Tensor(scaled.astype(np.float32)[:, None])

    def dataset(self, table: Table) -> TensorDataset:
        """Inputs and targets of all rows."""
        return TensorDataset(self.inputs(table), self.targets(table))

    def decoded(self, outputs: Array) -> Array:
        """Numbers of the target from scaled ones."""
        assert self.target is not None
        numbers: Array = outputs * self.target["std"] + self.target["mean"]
        return numbers

    # --- saving --------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """All that was learned, in plain values."""
        return {"columns": self.columns, "target": self.target}

    @classmethod
    def from_state(cls, state: Any, where: str = "TableEncoder") -> TableEncoder:
        """The encoder of a state; StateDictError if something does not fit."""
        parts = states.take(
            state,
            where,
            columns=states.listed(states.mapping(states.plain)),
            target=states.optional(states.mapping(states.plain)),
        )
        columns = [_checked_column(one, where) for one in parts["columns"]]
        target = parts["target"]
        if target is not None:
            forms: dict[str, states.Form] = {"name": states.text}
            if "classes" in target:
                forms |= {"classes": states.listed(states.text)}
            else:
                forms |= {"mean": states.number, "std": states.positive}
            target = states.take(target, where, **forms)
        return cls(columns, target)


def read_arrays(path: str | os.PathLike[str]) -> dict[str, Array]:
    """The arrays of an .npz file: x and y, or x_train, y_train, x_test and y_test.

    No pickle is loaded. The rows of x and y must be as many.

    Raises FileFormatError for another file, other names, or numbers of rows that differ.
    """
    where = printable(path)
    found: dict[str, Array] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            large = [one for one in archive.infolist() if one.file_size > MOST_BYTES]
        if large:
            raise FileFormatError(f"{where}: {printable(large[0].filename)} is too large")
        with np.load(path, allow_pickle=False) as content:
            found = {name: content[name] for name in content.files}
    except FileFormatError:
        raise
    except FileNotFoundError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a damaged file leads to
        raise FileFormatError(
            f"{where} cannot be read as an .npz file of numbers: {error_text(error)}"
        ) from None
    if set(found) not in ({"x", "y"}, {"x_train", "y_train", "x_test", "y_test"}):
        raise FileFormatError(
            f"{where} must have the arrays x and y, or x_train, y_train, x_test and y_test; it has "
            f"{', '.join(printable(name) for name in sorted(found)[:12]) or 'none'}"
        )
    for end in ("", "_train", "_test"):
        if f"x{end}" not in found:
            continue
        x, y = found[f"x{end}"], found[f"y{end}"]
        if x.ndim < 2 or y.ndim not in (1, 2) or (y.ndim == 2 and y.shape[1] != 1):
            raise FileFormatError(
                f"{where}: x{end} must have a row for each sample and y{end} a value for each; got "
                f"the shapes {x.shape} and {y.shape}"
            )
        if len(x) != len(y) or not len(x):
            raise FileFormatError(f"{where}: x{end} has {len(x)} rows and y{end} has {len(y)}")
        if x.dtype.kind not in "biuf" or y.dtype.kind not in "biufU":
            raise FileFormatError(
                f"{where}: x{end} and y{end} must be numbers; got {x.dtype} and {y.dtype}"
            )
        if not x.size:
            raise FileFormatError(
                f"{where}: the samples of x{end} are empty: its shape is {x.shape}"
            )
        if x.dtype.kind == "f" and not np.isfinite(x).all():
            raise FileFormatError(f"{where}: x{end} has values that are not finite")
        # inputs become float32
        for name, values, most in ((f"x{end}", x, LARGEST_INPUT), (f"y{end}", y, LARGEST)):
            if values.dtype.kind == "f" and (np.abs(values) > most).any():
                raise FileFormatError(
                    f"{where}: {name} has values above {most:g}; divide them by a number first"
                )
        found[f"y{end}"] = y.reshape(-1)
    return found


def are_classes(values: Array) -> bool:
    """Whether a target is one of classes: texts, or at most 20 different whole numbers."""
    if values.dtype.kind != "f":
        return values.dtype.kind == "U" or len(np.unique(values)) <= MOST_CLASSES
    known = values[~np.isnan(values)]
    different = np.unique(known)
    return bool(len(different) <= MOST_CLASSES and (different == np.round(different)).all())


# --- reading -----------------------------------------------------------------------------------


def _rows(path: Path, delimiter: str | None) -> tuple[list[list[str]], int]:
    """The rows that are not empty, and the number of the first one."""
    where = printable(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileFormatError(
            f"{where} is not a text in UTF-8 (byte {error.start}): save it as CSV in UTF-8"
        ) from None
    if "\0" in text:
        raise FileFormatError(f"{where} is not a text: it has bytes of 0")
    first_line = next((line for line in text.splitlines() if line.strip()), "")
    if not first_line:
        raise FileFormatError(f"{where} is empty")
    if delimiter is None:
        delimiter = max(DELIMITERS, key=first_line.count)
    elif len(delimiter) != 1:
        raise ArgumentError(f"Table.read: the delimiter must be one character; got {delimiter!r}")
    rows: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    first = 0
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            first = first or reader.line_num
            if rows and len(row) != len(rows[0]):
                raise FileFormatError(
                    f"{where}, line {reader.line_num}: {len(row)} cells, and the first row has "
                    f"{len(rows[0])} (between cells stands {delimiter!r})"
                )
            rows.append(row)
    except csv.Error as error:
        what = str(error)
        if "unexpected end" in what:
            what = 'a quotation mark (") is opened and never closed'
        raise FileFormatError(f"{where}, line {reader.line_num}: {what}") from None
    return rows, first


def _numbered(count: int) -> list[str]:
    return [f"column_{i}" for i in range(count)]


def _index(names: Sequence[str], wanted: str | int, what: str) -> int:
    """The number of a column, by its name or number."""
    if wanted in names:
        return names.index(str(wanted))
    try:
        number = int(wanted)
        if -len(names) <= number < len(names):
            return number % len(names)
    except ValueError:
        pass
    raise ArgumentError(
        f"{what}: there is no column {printable(wanted, longest=60)!r}."
        f"{did_you_mean(str(wanted), names)} There are {len(names)}: "
        f"{', '.join(printable(name, longest=40) for name in names[:30])}"
    )


def _is_missing(cell: str) -> bool:
    return cell.strip().lower() in MISSING


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell  # which Python allows in numbers


def _column(name: str, cells: list[str], where: str, first: int, *, as_text: bool) -> Column:
    known = [cell for cell in cells if not _is_missing(cell)]
    if not as_text and all(map(_is_number, known)):
        values = np.array([np.nan if _is_missing(cell) else float(cell) for cell in cells])
        if (np.abs(values) > LARGEST).any():
            row = int(np.flatnonzero(np.abs(values) > LARGEST)[0])
            what = "infinite" if np.isinf(values[row]) else f"above {LARGEST:g}: {values[row]:g}"
            raise FileFormatError(
                f"{where}, row {row + first}: column {printable(name)!r} is {what}"
            )
        return Column(name, values)
    if not as_text and all(
        _is_number(cell) or WITH_COMMA.fullmatch(cell.strip()) for cell in known
    ):
        example = next(cell.strip() for cell in known if not _is_number(cell))
        raise FileFormatError(
            f"{where}: column {printable(name)!r} has numbers with commas, such as "
            f"{printable(example, longest=60)}, which are not read as numbers: write them with a "
            "point only, or pass text=[NAME] if they are categories"
        )
    return Column(name, np.array(["" if _is_missing(cell) else cell.strip() for cell in cells]))


# --- fitting -----------------------------------------------------------------------------------


def _class_names(values: Array) -> list[str]:
    """Values as texts; whole numbers without a point, and "" where one is missing."""
    if values.dtype.kind == "U":
        return [str(value) for value in values.tolist()]
    return ["" if value != value else f"{value:.17g}" for value in values.tolist()]  # noqa: PLR0124 - nan


def _scale(values: Array) -> float:
    """The standard deviation; 1 for values that are all the same."""
    deviation = float(values.std())
    return deviation if deviation > 1e-12 * max(1.0, float(np.abs(values).max())) else 1.0


def _fitted(column: Column) -> dict[str, Any]:
    name, values = column.name, column.values
    if column.is_numeric:
        known = values[~np.isnan(values)]
        if not len(known):
            raise ArgumentError(
                f"TableEncoder: column {printable(name)!r} has no value in the training rows; "
                "leave it out with ignore="
            )
        filled = np.where(np.isnan(values), np.median(known), values)
        return {
            "name": name,
            "mean": float(filled.mean()),
            "std": _scale(filled),
            "median": float(np.median(known)),
            "missing": len(known) < len(values),
        }
    categories = sorted(set(values.tolist()) - {""})
    if len(categories) > MOST_CATEGORIES:
        raise ArgumentError(
            f"TableEncoder: column {printable(name)!r} has {len(categories)} different texts in "
            f"the training rows, more than {MOST_CATEGORIES}. If it names the rows, leave it out "
            "with ignore="
        )
    return {"name": name, "categories": [str(one) for one in categories]}


def _fitted_target(name: str, values: Array, *, is_class: bool) -> dict[str, Any]:
    missing = [i for i, text in enumerate(_class_names(values)) if not text]
    if missing:
        raise ArgumentError(
            f"TableEncoder: the target {printable(name)!r} is missing in {len(missing)} training "
            "rows; fill it in, or delete these rows"
        )
    if is_class:
        names = set(_class_names(values))
        numeric = values.dtype.kind != "U"
        classes = sorted(names, key=float) if numeric else sorted(names)
        if len(classes) < 2:
            raise ArgumentError(
                f"TableEncoder: the target {printable(name)!r} has one class only: {classes[0]}"
            )
        return {"name": name, "classes": classes}
    if values.dtype.kind == "U":
        raise ArgumentError(
            f"TableEncoder: the target {printable(name)!r} should be a number, and has texts, such "
            f"as {printable(str(values[0]), longest=60)!r}"
        )
    return {"name": name, "mean": float(values.mean()), "std": _scale(values)}


def _checked_column(one: Mapping[str, Any], where: str) -> dict[str, Any]:
    forms: dict[str, states.Form] = {"name": states.text}
    if "categories" in one:
        return states.take(one, where, **forms, categories=states.listed(states.text))
    return states.take(
        one,
        where,
        **forms,
        mean=states.number,
        std=states.positive,
        median=states.number,
        missing=states.flag,
    )
