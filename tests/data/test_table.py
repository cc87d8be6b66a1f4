"""Tables: what is read from files, how rows are split, and what an encoder learns."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe.data import Table, TableEncoder, read_arrays
from dlframe.data.table import Column
from dlframe.errors import ArgumentError, FileFormatError, StateDictError

FLOWERS = """\
length,width,colour,kind
5.1,3.5,red,setosa
4.9,,red,setosa
7.0,3.2,blue,versicolor
6.4,NA,"dark, blue",versicolor
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def to_file(text: str) -> Path:
        (tmp_path / "rows.csv").write_text(text, "utf-8")
        return tmp_path / "rows.csv"

    return to_file


def test_numbers_texts_and_what_is_missing(write: Callable[[str], Path]) -> None:
    table = Table.read(write(FLOWERS))
    assert (len(table), table.target) == (4, "kind")
    assert [(c.name, c.is_numeric) for c in table.inputs] == [
        ("length", True), ("width", True), ("colour", False),
    ]  # fmt: skip
    np.testing.assert_array_equal(table["width"], [3.5, np.nan, 3.2, np.nan])
    assert table["colour"].tolist() == ["red", "red", "blue", "dark, blue"]
    assert table.counts() == {"setosa": 2, "versicolor": 2}
    assert table.has_classes


@pytest.mark.parametrize(
    ("text", "options", "names", "target"),
    [
        ("a,b\n1,2\n", {}, ["a", "b"], "b"),
        ("1,2\n3,4\n", {}, ["column_0", "column_1"], "column_1"),
        ("\ufeffa;b\n1;2\n", {"target": "a"}, ["a", "b"], "a"),
        ("a\tb\n\n1\t2\n", {"target": 0}, ["a", "b"], "a"),
        ("a|b\n1|2\n", {"target": "0"}, ["a", "b"], "a"),
        ("a,b\n1,2\n", {"header": False}, ["column_0", "column_1"], "column_1"),
        ("1,2\n3,4\n", {"header": True}, ["1", "2"], "2"),
        ("1,2\n3,4\n", {"header": True, "target": "1"}, ["1", "2"], "1"),
        ("a,b\r\n1,2\r\n", {"target": None, "ignore": ["a"]}, ["b"], None),
        ('a,"b\nc"\n1,2', {}, ["a", "b\nc"], "b\nc"),
        ("a:b\n1:2\n", {"delimiter": ":"}, ["a", "b"], "b"),
    ],
)
def test_forms_of_a_file(
    write: Callable[[str], Path], text: str, options: Any, names: list[str], target: str | None
) -> None:
    table = Table.read(write(text), **options)
    assert (table.names, table.target) == (names, target)


HOSTILE = {
    "empty": (b"", "is empty"),
    "blank": (b"\n \n\n", "is empty"),
    "names alone": (b"a,b\n", "no other row"),
    "ragged": (b"a,b\n1,2\n1,2,3\n", r"line 3: 3 cells, and the first row has 2"),
    "short": (b"a,b\n1\n", "line 2: 1 cells"),
    "twice": (b"a,a\n1,2\n", "two columns are named 'a'"),
    "latin": ("name,b\nMüller,2\n".encode("latin-1"), r"not a text in UTF-8 \(byte 8\)"),
    "zeros": (b"a,b\n1,\0\n", "bytes of 0"),
    "quote": (b'a,b\n"1,2\n', r"line 2: a quotation mark .* never closed"),
    "decimal commas": (b"a;b\n1,5;x\n2;y\n", "column 'a' has numbers with commas, such as 1,5"),
    "groups of digits": (b'a,b\n"1,250.00",1\n"12,000,000.5",2\n', "such as 1,250.00, which"),
    "groups and commas": (b"a;b\n1.250,00;1\n", r"such as 1\.250,00, which"),
    "too large": (b"a,b\n1,2\n-1e300,3\n", r"row 3: column 'a' is above 1e\+100: -1e\+300"),
    "infinite": (b"a,b\n1,2\ninf,3\n", "row 3: column 'a' is infinite"),
    "huge": (b"a,b\n1,2\n1e999,3\n", "row 3: column 'a' is infinite"),
}


@pytest.mark.parametrize(("content", "message"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_files(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "rows.csv").write_bytes(content)
    with pytest.raises(FileFormatError, match=message) as caught:
        Table.read(tmp_path / "rows.csv")
    assert str(caught.value).isprintable()


def test_columns_that_are_not_there(write: Callable[[str], Path]) -> None:
    path = write(FLOWERS)
    for options in ({"target": "kinds"}, {"ignore": ["kinds"]}, {"text": ["kinds"]}):
        with pytest.raises(ArgumentError, match=r"no column 'kinds'\. Did you mean 'kind'"):
            Table.read(path, **options)  # type: ignore[arg-type] # of several types
    with pytest.raises(ArgumentError, match=r"no column '4'"):
        Table.read(path, 4)
    with pytest.raises(ArgumentError, match="one character"):
        Table.read(path, delimiter="ab")
    with pytest.raises(FileNotFoundError):
        Table.read(path.parent / "nowhere.csv")


def many(rng: np.random.Generator, n: int = 200) -> Table:
    x = rng.normal(3, 2, n)
    x[rng.random(n) < 0.1] = np.nan
    kinds = np.array(["a"] * (n - 20) + ["b"] * 20)
    return Table([Column("x", x), Column("kind", kinds)], "kind")


def test_parts_have_the_share_of_each_class(rng: np.random.Generator) -> None:
    table = many(rng)
    parts = table.split((0.7, 0.15, 0.15), generator=dl.Generator().manual_seed(1))
    assert [part.counts() for part in parts] == [
        {"a": 126, "b": 14}, {"a": 27, "b": 3}, {"a": 27, "b": 3},
    ]  # fmt: skip
    again = table.split(generator=dl.Generator().manual_seed(1))
    for part, same in zip(parts, again, strict=True):
        np.testing.assert_array_equal(part["x"], same["x"])
    known = np.concatenate([part["x"] for part in parts])
    np.testing.assert_array_equal(np.sort(known), np.sort(table["x"]))
    plain = table.split(generator=dl.Generator().manual_seed(1), stratify=False)
    assert [len(part) for part in plain] == [140, 30, 30]


def test_splits_that_cannot_be_made(rng: np.random.Generator) -> None:
    table = many(rng)
    with pytest.raises(ArgumentError, match="sum to 1"):
        table.split((0.5, 0.6))
    with pytest.raises(ArgumentError, match="2 rows are too few"):
        table.take([0, 1]).split()
    names = Column("name", np.array([f"row {i}" for i in range(60)]))
    each = Table([Column("x", rng.normal(size=60)), names], "name")
    message = (
        r"60 rows of 60 classes .* class 'row 0' of 'name', .* has 1\. Is this the right target"
    )
    with pytest.raises(ArgumentError, match=message):
        each.split()


def test_texts_with_commas_are_no_numbers(write: Callable[[str], Path]) -> None:
    rows = "size;kind\n1,5;a\n2,5;b\n"
    assert Table.read(write(rows), text=["size"])["size"].tolist() == ["1,5", "2,5"]
    rows = 'place,kind\n"5,Main Street",a\n"1,2,3",b\n'
    assert Table.read(write(rows))["place"].tolist() == ["5,Main Street", "1,2,3"]


def test_the_training_rows_alone_decide(rng: np.random.Generator) -> None:
    train, test = many(rng).split((0.8, 0.2))
    encoder = TableEncoder.fit(train)
    x = encoder.inputs(train).numpy()
    filled = np.where(np.isnan(train["x"]), np.nanmedian(train["x"]), train["x"])
    np.testing.assert_allclose(x[:, 0], (filled - filled.mean()) / filled.std(), atol=1e-5)
    np.testing.assert_array_equal(x[:, 1], np.isnan(train["x"]))
    assert x.dtype == np.float32
    assert abs(float(encoder.inputs(test).numpy()[:, 0].mean())) > 1e-6
    copied = TableEncoder.from_state(json.loads(json.dumps(encoder.state_dict())))
    np.testing.assert_array_equal(copied.inputs(test).numpy(), encoder.inputs(test).numpy())
    np.testing.assert_array_equal(copied.targets(test).numpy(), encoder.targets(test).numpy())


def test_categories_unknown_and_missing(write: Callable[[str], Path]) -> None:
    encoder = TableEncoder.fit(Table.read(write(FLOWERS)))
    assert encoder.features == [
        "length", "width", "width is missing", "colour=blue", "colour=dark, blue", "colour=red",
    ]  # fmt: skip
    rows = Table.read(write("colour,width,length\nred,,1\ngreen,3,1\n,3,1\n"), None)
    assert encoder.inputs(rows).numpy()[:, 3:].tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]
    with pytest.raises(FileFormatError, match="have no target"):
        encoder.targets(rows)
    for text, message in {
        "colour,width\nred,1\n": "no column 'length', on which the model was trained",
        "colour,width,lenght\nred,1,1\n": "Did you mean 'lenght'",
        "colour,width,length\nred,1,long\n": "'length' must have numbers, as in training; got 'lo",
    }.items():
        with pytest.raises(FileFormatError, match=message):
            encoder.inputs(Table.read(write(text), None))
    with pytest.raises(FileFormatError, match="'rose', which no training row has"):
        encoder.targets(Table.read(write("kind,a\nrose,1\n"), "kind"))


def test_targets_that_are_numbers(write: Callable[[str], Path]) -> None:
    table = Table.read(write("x,y\n" + "".join(f"{i},{i * 0.5}\n" for i in range(40))))
    assert not table.has_classes
    encoder = TableEncoder.fit(table)
    y = encoder.targets(table).numpy()
    assert y.shape == (40, 1)
    assert abs(float(y.mean())) < 1e-6
    np.testing.assert_allclose(encoder.decoded(y)[:, 0], table["y"], atol=1e-5)
    whole = Table.read(write("x,y\n" + "".join(f"{i},{i % 12}\n" for i in range(40))))
    assert TableEncoder.fit(whole).classes == [str(i) for i in range(12)]  # in the order of numbers
    assert TableEncoder.fit(whole, classes=False).classes == []


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("y\n1\n2\n", {}, "no column beside the target"),
        ("x,y\n,1\n,2\n", {}, "'x' has no value in the training rows"),
        ("x,y\n1,a\n2,\n", {}, "missing in 1 training rows"),
        ("x,y\n1,a\n2,a\n", {}, "one class only: a"),
        ("x,y\n1,a\n2,b\n", {"classes": False}, "should be a number, and has texts"),
        ("x,y\n" + "".join(f"name{i},{i % 2}\n" for i in range(101)), {}, "101 different texts"),
    ],
)
def test_rows_from_which_nothing_can_be_learned(
    write: Callable[[str], Path], text: str, options: Any, message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        TableEncoder.fit(Table.read(write(text)), **options)


def test_a_constant_column_is_no_division_by_zero(write: Callable[[str], Path]) -> None:
    table = Table.read(write("x,y\n0.1,a\n0.1,b\n0.1,b\n"))
    assert TableEncoder.fit(table).inputs(table).abs().max().item() < 1e-6


@pytest.mark.parametrize(
    "change",
    [
        {"columns": 3},
        {"columns": [3]},
        {"columns": [{"name": "x"}]},
        {"columns": [{"name": "x", "categories": [1]}]},
        {"target": {"name": "y", "classes": 3}},
        {"target": {"name": "y", "mean": 0.0, "std": 0.0}},
    ],
)
def test_states_of_anybody(write: Callable[[str], Path], change: dict[str, Any]) -> None:
    state = TableEncoder.fit(Table.read(write(FLOWERS))).state_dict()
    with pytest.raises(StateDictError):
        TableEncoder.from_state(state | change)


# --- arrays ------------------------------------------------------------------------------------

X, Y = np.zeros((4, 3), np.float32), np.arange(4)


def test_arrays_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=X, y=Y[:, None])
    found = read_arrays(path)
    assert {name: array.shape for name, array in found.items()} == {"x": (4, 3), "y": (4,)}
    np.savez(path, x_train=X, y_train=Y, x_test=X, y_test=np.array([*"abca"]))
    assert len(read_arrays(path)) == 4


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": X}, "must have the arrays x and y"),
        ({"a": X, "b": Y}, "it has a, b"),
        ({}, "it has none"),
        ({"x": X, "y": Y[:3]}, "x has 4 rows and y has 3"),
        ({"x": X[:0], "y": Y[:0]}, "x has 0 rows"),
        ({"x": X[:, 0], "y": Y}, "must have a row for each sample"),
        ({"x": X, "y": X}, "a value for each"),
        ({"x": X[:, :0], "y": Y}, r"samples of x are empty: its shape is \(4, 0\)"),
        ({"x": np.full((4, 3), 1e200), "y": Y}, r"x has values above 1e\+30"),
        ({"x": X, "y": Y * 1e200}, r"y has values above 1e\+100"),
        ({"x": X + np.nan, "y": Y}, "values that are not finite"),
        ({"x": X.astype(complex), "y": Y}, "must be numbers"),
        ({"x": X.astype(object), "y": Y}, "cannot be read as an .npz file of numbers"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(FileFormatError, match=message) as caught:
        read_arrays(tmp_path / "a.npz")
    assert str(caught.value).isprintable()


def test_files_that_are_no_arrays(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with pytest.raises(FileNotFoundError):
        read_arrays(path)
    buffer = io.BytesIO()
    np.savez(buffer, x=X, y=Y)
    for content in (b"", b"hello", buffer.getvalue()[:100], buffer.getvalue()[:-30]):
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match=r"cannot be read as an \.npz file"):
            read_arrays(path)
