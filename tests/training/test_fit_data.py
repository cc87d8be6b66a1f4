"""What fit, evaluate and predict accept as data, and what they refuse."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dlframe as dl
from dlframe import nn, optim
from dlframe.data import ConcatDataset, DataLoader, Dataset, Split, Subset, TensorDataset
from dlframe.errors import ArgumentError, DTypeError, GradientError, LabelError, ShapeError
from dlframe.training import Evaluator, Trainer

RNG = np.random.default_rng(0)
X = RNG.integers(-3, 4, (12, 3)).astype(np.float32)
LABELS = np.arange(12) % 2
NUMBERS = X.sum(axis=1) * np.float32(0.25)


def trainer(loss: Any = None, outputs: int = 2, **options: Any) -> Trainer:
    dl.manual_seed(0)
    model = options.pop("model", None) or nn.Linear(3, outputs)
    loss = nn.CrossEntropyLoss() if loss is None else loss
    return Trainer(model, loss, optim.SGD(model.parameters(), lr=0.1), **options)


def fitted(one: Trainer, *data: Any, **how: Any) -> np.ndarray[Any, Any]:
    """The weights after two epochs, in the order of the data."""
    how = {"epochs": 2, "batch_size": 5, "shuffle": False, "progress": False} | how
    one.fit(*data, **how)
    return one.model.weight.detach().numpy().copy()


def by_hand(loss: Any, x: Any, y: Any, outputs: int = 2) -> np.ndarray[Any, Any]:
    """The weights after two epochs of a loop by hand, on float32 inputs."""
    dl.manual_seed(0)
    model = nn.Linear(3, outputs)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        for i in range(0, len(x), 5):
            optimizer.zero_grad()
            loss(model(dl.tensor(x[i : i + 5])), dl.tensor(y[i : i + 5])).backward()
            optimizer.step()
    return model.weight.detach().numpy().copy()


# --- dtypes, containers ------------------------------------------------------------------------

INPUT_DTYPES = ["<f2", "<f4", "<f8", ">f4", ">f8", "i1", "<i2", ">i2", "<i4", ">i4", "<i8", ">i8"]
LABEL_DTYPES = ["?", "i1", "u1", "<u2", ">u4", "<u8", ">i2", "<i4", ">i8", "<f2", "<f4", ">f8"]
CONTAINERS = {
    "array": lambda a: a,
    "fortran": np.asfortranarray,
    "every second": lambda a: np.repeat(a, 2, axis=0)[::2],
    "read-only": lambda a: _read_only(a),
    "tensor": lambda a: dl.tensor(a.astype(a.dtype.newbyteorder("="))),
    "lists": lambda a: a.tolist(),
    "objects": lambda a: a.astype(object),
    "to_numpy": lambda a: _Frame(a),
    "__array__": lambda a: _Foreign(a),
}
LOSSES: dict[str, tuple[Any, int, Any]] = {
    "cross entropy": (nn.CrossEntropyLoss(), 2, LABELS),
    "mse": (nn.MSELoss(), 1, LABELS[:, None].astype(np.float32)),
    "bce": (nn.BCEWithLogitsLoss(), 1, LABELS[:, None].astype(np.float32)),
    "l1": (nn.functional.l1_loss, 1, LABELS[:, None].astype(np.float32)),
}


def _read_only(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    array = array.copy()
    array.flags.writeable = False
    return array


class _Frame:
    """What a frame of pandas or polars has."""

    def __init__(self, array: Any) -> None:
        self.array, self.shape = array, array.shape

    def to_numpy(self) -> Any:
        return self.array


class _Foreign:
    """An array of another library."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self.array, dtype)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.sampled_from(INPUT_DTYPES), st.sampled_from(sorted(CONTAINERS)),
    st.sampled_from(LABEL_DTYPES), st.sampled_from(sorted(CONTAINERS)),
    st.sampled_from(sorted(LOSSES)), st.booleans(), st.sampled_from(["pair", "two", "y"]),
)  # fmt: skip
def test_every_dtype_and_container_trains_as_float32_by_hand(
    x_dtype: str, x_form: str, y_dtype: str, y_form: str, loss: str, column: bool, how: str
) -> None:
    function, outputs, wanted = LOSSES[loss]
    y = LABELS.astype(y_dtype)
    x, y = CONTAINERS[x_form](X.astype(x_dtype)), CONTAINERS[y_form](y[:, None] if column else y)
    one = trainer(function, outputs)
    if how == "pair":
        weights = fitted(one, (x, y))
    elif how == "two":
        weights = fitted(one, x, y)
    else:
        weights = fitted(one, x, y=y)
    np.testing.assert_allclose(weights, by_hand(function, X, wanted, outputs), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["u1", "<i4", "<i8", ">u2"])
def test_integers_of_an_embedding_stay_integers(dtype: str) -> None:
    dl.manual_seed(0)
    model = nn.Sequential(nn.Embedding(7, 3), nn.Flatten(), nn.Linear(6, 2))
    x = RNG.integers(0, 7, (12, 2))
    expected = model(dl.tensor(x)).detach().numpy()
    got = Evaluator(model, "cross_entropy").predict(x.astype(dtype))
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-6)
    Trainer(model, "cross_entropy", "sgd").fit(x.astype(dtype), LABELS, progress=False)


def test_a_model_says_of_each_input_whether_it_takes_integers() -> None:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.layer = nn.Embedding(5, 3), nn.Linear(3, 3)

        def forward(self, word: Any, numbers: Any) -> Any:
            return (self.table(word) + self.layer(numbers))[:, :2]

    words, numbers = RNG.integers(0, 5, 12), RNG.integers(0, 9, (12, 3))
    evaluator = Evaluator(Mixed(), "cross_entropy")
    expected = evaluator.model(dl.tensor(words), dl.tensor(numbers.astype(np.float32)))
    np.testing.assert_allclose(
        evaluator.predict([words, numbers]).numpy(), expected.detach().numpy(), rtol=1e-6
    )


def test_asking_the_model_draws_no_random_number_and_changes_nothing() -> None:
    dl.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))
    start = {name: value.clone() for name, value in model.state_dict().items()}
    results = []
    for x in (X, X.astype(np.int64)):
        model.load_state_dict(start)
        dl.manual_seed(1)
        one = Trainer(model, "cross_entropy", "sgd")
        one.fit(x, LABELS, epochs=2, progress=False)
        results.append([value.tolist() for value in model.state_dict().values()])
    assert results[0] == results[1]


def test_bytes_are_scaled_only_on_request() -> None:
    x = RNG.integers(0, 256, (12, 3)).astype(np.uint8)
    x[0] = 255
    with pytest.warns(UserWarning, match=r"holds bytes from .* to 255, .*scale=1 / 255"):
        fitted(trainer(), x, LABELS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        weights = fitted(trainer(scale=1 / 255), x, LABELS)
        fitted(trainer(scale=1), x, LABELS)
        fitted(trainer(), (x > 100).astype(np.uint8), LABELS)
    expected = by_hand(nn.CrossEntropyLoss(), x.astype(np.float32) * (1 / 255), LABELS)
    np.testing.assert_allclose(weights, expected, rtol=1e-5)
    with pytest.raises(ArgumentError, match="scale must be a number"):
        trainer(scale="255")


def test_an_autoencoder_of_bytes_has_a_scaled_target() -> None:
    x = RNG.integers(0, 256, (12, 2, 3, 3)).astype(np.uint8)
    model = nn.Conv2d(2, 2, 1)
    one = Trainer(model, "mse", "sgd", scale=1 / 255)
    scaled = x.astype(np.float32) / 255
    loss = nn.MSELoss()(model(dl.tensor(scaled)), dl.tensor(scaled)).item()
    assert one.evaluate(x, x)["loss"] == pytest.approx(loss, rel=1e-5)


def test_float16_and_float64_models() -> None:
    for dtype in (dl.float16, dl.float64):
        model = nn.Linear(3, 2).to(dtype)
        Trainer(model, "cross_entropy", "sgd").fit(X, LABELS, progress=False)
        assert Evaluator(model, "mse").predict(X.astype(int)).dtype == dtype


def test_sparse_matrices_are_made_dense_batch_by_batch() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    for form in (sparse.csr_matrix, sparse.coo_matrix, sparse.csc_array):
        weights = fitted(trainer(), form(X), LABELS)
        np.testing.assert_allclose(weights, by_hand(nn.CrossEntropyLoss(), X, LABELS), rtol=1e-5)
    one = trainer()
    np.testing.assert_allclose(
        one.predict(sparse.csr_matrix(X)).numpy(), one.predict(X).numpy(), rtol=1e-5, atol=1e-6
    )


def test_frames_and_series_of_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X.astype(np.float64), columns=list("abc"))
    frame["c"] = frame["c"].astype(int)
    series = pandas.Series(LABELS, index=range(100, 112))
    expected = by_hand(nn.CrossEntropyLoss(), X, LABELS)
    np.testing.assert_allclose(fitted(trainer(), frame, series), expected, rtol=1e-5)
    with pytest.raises(DTypeError, match=r"strings are no numbers; the first is 'x'"):
        fitted(trainer(), frame, pandas.Series(["x", "y"] * 6))


# --- forms of fit ------------------------------------------------------------------------------


def test_fit_x_y_is_fit_of_the_pair() -> None:
    expected = fitted(trainer(), (X, LABELS))
    assert np.array_equal(fitted(trainer(), X, LABELS), expected)
    assert np.array_equal(fitted(trainer(), X, LABELS.tolist()), expected)
    assert np.array_equal(fitted(trainer(), X, y=LABELS), expected)
    assert np.array_equal(fitted(trainer(), {"x": X, "y": LABELS}), expected)
    one = trainer()
    fitted(one, X, LABELS, validation_data=(X, LABELS))
    two = trainer()
    fitted(two, (X, LABELS), (X, LABELS))
    assert one.history["val_loss"] == two.history["val_loss"]


def test_what_is_not_certain_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"one array of inputs, and the second a tuple of 2 ar"):
        fitted(trainer(), X, (X, LABELS))
    with pytest.raises(ArgumentError, match="two lists of arrays may be"):
        fitted(trainer(), [X, LABELS], [X, LABELS])
    with pytest.raises(ArgumentError, match="which are the same, not both"):
        fitted(trainer(), (X, LABELS), (X, LABELS), validation_data=(X, LABELS))
    with pytest.raises(DTypeError, match=r"one array of shape \(12, 3\).*fit\(x, y\)"):
        fitted(trainer(), X)
    with pytest.raises(DTypeError, match="the data to validate on must hold inputs and targets"):
        fitted(trainer(), (X, LABELS), validation_data=X)
    with pytest.raises(ArgumentError, match="a DataLoader gives its targets itself"):
        fitted(trainer(), DataLoader(TensorDataset(dl.tensor(X)), 4), y=LABELS)
    with pytest.raises(
        DTypeError, match="expected arrays of inputs and targets; got tuple of Data"
    ):
        fitted(trainer(), (DataLoader(TensorDataset(dl.tensor(X)), 4), 3))


def test_different_lengths_name_both_shapes() -> None:
    message = r"must be the same in all: x has shape (12, 3), y has shape (11,)"
    with pytest.raises(ShapeError, match=re.escape(message)):
        fitted(trainer(), X, LABELS[:11])
    with pytest.raises(ShapeError, match=re.escape("sample_weight has shape (3,)")):
        fitted(trainer(), X, LABELS, sample_weight=np.ones(3))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array(["cat", "dog"] * 6), r"strings are no numbers; the first is .*np\.unique"),
        (np.array(["cat", "dog"] * 6, object), "strings are no numbers; the first is 'cat'"),
        (["cat", "dog"] * 6, "strings are no numbers"),
        (np.array([{}, []] * 6, object), "an array of objects"),
        (np.zeros(12, "M8[s]"), "dtype datetime64"),
        (np.zeros(12, complex), "dtype complex128"),
        (np.array([1, {}] * 6, object), r"not all values are real numbers; one is \{\} \(dict\)"),
    ],
    ids=str,
)
def test_labels_that_are_no_numbers(y: Any, message: str) -> None:
    with pytest.raises(DTypeError, match=message):
        fitted(trainer(), X, y)


def test_labels_with_fractions_or_nan() -> None:
    with pytest.raises(DTypeError, match=r"CrossEntropyLoss: targets must be labels .* is 0\.5"):
        fitted(trainer(), X, LABELS + 0.5)
    with pytest.raises(DTypeError, match=r"is nan; a sample has no label"):
        fitted(trainer(), X, np.where(LABELS, np.nan, 0.0))


def test_rows_of_different_lengths() -> None:
    with pytest.raises(DTypeError, match="rows are of different lengths"):
        fitted(trainer(), [[1, 2, 3], [1, 2]], [0, 1])
    with pytest.raises(DTypeError, match="rows are of different lengths"):
        fitted(trainer(), [([1, 2, 3], 0), ([3, 4, 5], 1)])


def test_nan_in_inputs_and_targets_is_reported() -> None:
    x = X.copy()
    x[3, 1] = np.nan
    with pytest.raises(FloatingPointError, match="1 values of this batch's input are not finite"):
        fitted(trainer(), x, LABELS)
    y = NUMBERS.copy()
    y[7] = np.nan
    with pytest.raises(FloatingPointError, match="1 values of this batch's target are not finite"):
        fitted(trainer("mse", 1), X, y)


def test_one_sample_and_none() -> None:
    fitted(trainer(), X[:1], LABELS[:1])
    with pytest.raises(ArgumentError, match="0 samples"):
        fitted(trainer(), X[:0], LABELS[:0])
    with pytest.raises(ArgumentError, match="gave no batch: the list is empty"):
        fitted(trainer(), [])


def test_generators_lists_of_batches_and_other_iterables() -> None:
    expected = fitted(trainer(), (X, LABELS), epochs=1)
    pieces = [(X[i : i + 5].astype(np.float64), LABELS[i : i + 5]) for i in range(0, 12, 5)]
    assert np.array_equal(fitted(trainer(), pieces, epochs=1), expected)
    assert np.array_equal(fitted(trainer(), iter(pieces), epochs=1), expected)
    assert np.array_equal(fitted(trainer(), (one for one in pieces), epochs=1), expected)


# --- parts of a batch --------------------------------------------------------------------------


class Two(nn.Module):
    """The sum of two linear layers of two inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(3, 2), nn.Linear(3, 2)

    def forward(self, first: Any, second: Any) -> Any:
        return self.a(first) + self.b(second)


def two() -> Trainer:
    dl.manual_seed(0)
    model = Two()
    return Trainer(model, "cross_entropy", optim.SGD(model.parameters(), lr=0.1))


def test_several_inputs_in_every_form() -> None:
    other = X[::-1].copy()
    data: dict[str, Any] = {
        "three parts": ((X, other, LABELS),),
        "list, y": ([X, other], LABELS),
        "a pair with a tuple": (((X, other), LABELS),),
        "dict, y": ({"second": other, "first": X}, LABELS),
        "y=": ((X, other), {"y": LABELS}),
        "batches": ([((X, other), LABELS)],),
        "dict batches": ([{"x": {"first": X, "second": other}, "y": LABELS}],),
    }
    weights = []
    for given_data in data.values():
        one = two()
        named = given_data[1] if len(given_data) > 1 and isinstance(given_data[1], dict) else {}
        plain = given_data[:1] if named else given_data
        one.fit(*plain, **named, epochs=2, batch_size=12, shuffle=False, progress=False)
        weights.append(one.model.b.weight.tolist())
    assert weights == [weights[0]] * len(data)
    one = two()
    expected = one.model(dl.tensor(X), dl.tensor(other)).detach().numpy()
    for given_x in ([X, other], {"first": X, "second": other}, (X, other, LABELS)):
        np.testing.assert_allclose(one.predict(given_x).numpy(), expected, rtol=1e-6)


def test_parts_by_name_and_by_place() -> None:
    batch = {"image": X, "label": LABELS, "id": np.arange(12)}
    expected = fitted(trainer(), [(X, LABELS)])
    one = trainer(inputs="image", target="label")
    assert np.array_equal(fitted(one, [batch]), expected)
    np.testing.assert_array_equal(one.predict([batch]).numpy(), one.predict(X).numpy())
    assert np.array_equal(
        fitted(trainer(inputs={"input": "image"}, target="label"), [batch]), expected
    )
    assert np.array_equal(fitted(trainer(inputs=1, target=0), [(LABELS, X)]), expected)
    with pytest.raises(ArgumentError, match=r"keys 'image', 'label', 'id'\. Say which"):
        fitted(trainer(), [batch])
    with pytest.raises(ArgumentError, match=r"target='lable', and the batch has keys .*'label'\?"):
        fitted(trainer(inputs="image", target="lable"), [batch])
    with pytest.raises(ArgumentError, match="target=4, and the batch has 2 parts"):
        fitted(trainer(inputs=0, target=4), [(X, LABELS)])
    for options in ({"inputs": "image"}, {"target": "label"}, {"weight": "w"}):
        with pytest.raises(ArgumentError, match="inputs"):
            trainer(**options)


def test_an_autoencoder_has_its_input_as_target() -> None:
    expected = fitted(trainer("mse", 3), X, X)
    by_place = {"inputs": 0, "target": 0}
    assert np.array_equal(fitted(trainer("mse", 3, **by_place), X), expected)
    assert np.array_equal(fitted(trainer("mse", 3, **by_place), (X, LABELS)), expected)
    one = trainer("mse", 3, **by_place)
    one.fit(X, X, progress=False)
    assert "val_loss" in one.history  # the second is to validate on: the first is complete


def test_a_model_that_returns_its_loss() -> None:
    class Own(nn.Linear):
        form = "loss"

        def forward(self, x: Any, y: Any) -> Any:  # type: ignore[override] # two inputs
            output = super().forward(x)
            loss = nn.functional.cross_entropy(output, y)
            return loss if self.form == "loss" else {"loss": loss, "output": output}

    expected = fitted(trainer(), [(X, LABELS)])
    for form in ("loss", "dict"):
        for data in ([(X, LABELS)], [{"y": LABELS, "x": X}]):
            dl.manual_seed(0)
            model = Own(3, 2)
            model.form = form
            one = Trainer(model, None, optim.SGD(model.parameters(), lr=0.1))
            np.testing.assert_allclose(fitted(one, data), expected, rtol=1e-6)
    with pytest.raises(ArgumentError, match=r"loss=None is for a model that returns its loss"):
        Trainer(nn.Linear(3, 2), None, "sgd").fit([X], progress=False)


def test_an_unclear_batch_of_three_parts() -> None:
    with pytest.raises(ArgumentError, match=r"may be .inputs, target, weight. or"):
        two().fit([((X, X), LABELS, np.ones(12))], progress=False)


# --- validation_split --------------------------------------------------------------------------


def test_validation_split_takes_the_last_part() -> None:
    one, expected = trainer(), trainer()
    fitted(one, X, LABELS, validation_split=0.25)
    fitted(expected, (X[:9], LABELS[:9]), (X[9:], LABELS[9:]))
    assert one.history["loss"] == expected.history["loss"]
    assert one.history["val_loss"] == expected.history["val_loss"]
    again = trainer()
    fitted(again, TensorDataset(dl.tensor(X), dl.tensor(LABELS)), validation_split=0.25)
    assert again.history["val_loss"] == expected.history["val_loss"]


def test_validation_split_refuses_what_it_cannot_split() -> None:
    loader = DataLoader(TensorDataset(dl.tensor(X), dl.tensor(LABELS)), 4)
    for data in (loader, [(X, LABELS)], iter([(X, LABELS)])):
        with pytest.raises(ArgumentError, match="cannot be split"):
            fitted(trainer(), data, validation_split=0.5)
    for share in (1.0, -0.1, 2, True):
        with pytest.raises(ArgumentError, match="must be between 0 and 1"):
            fitted(trainer(), X, LABELS, validation_split=share)
    with pytest.raises(ArgumentError, match="of 12 samples leaves"):
        fitted(trainer(), X, LABELS, validation_split=0.999)
    with pytest.raises(ArgumentError, match="not both"):
        fitted(trainer(), (X, LABELS), (X, LABELS), validation_split=0.5)


@pytest.mark.parametrize("form", ["arrays", "data set", "columns", "frame of both"])
def test_validation_split_by_class_whatever_holds_the_data(form: str) -> None:
    y = np.array([0] * 8 + [1] * 4)
    split = Split(0.25, stratify=True, seed=3)
    ((first, second),) = split.split(y, y)
    assert sorted(y[second].tolist()) == [0, 0, 1]
    data: Any = {
        "arrays": (X, y),
        "data set": TensorDataset(dl.tensor(X), dl.tensor(y)),
        "columns": {"x": X, "y": y},
        "frame of both": ConcatDataset(
            [TensorDataset(dl.tensor(X[i]), dl.tensor(y[i])) for i in (slice(5), slice(5, 12))]
        ),
    }[form]
    one, by_indices = trainer(), trainer()
    after = fitted(one, data, validation_split=split)
    np.testing.assert_array_equal(after, fitted(by_indices, (X[first], y[first])))
    np.testing.assert_allclose(
        one.history["val_loss"][-1], one.evaluate(X[second], y[second])["loss"], rtol=1e-6
    )


def test_validation_split_by_pairs_of_indices() -> None:
    odd, even = np.arange(1, 12, 2), np.arange(0, 12, 2)
    after = fitted(trainer(), X, LABELS, validation_split=[(even, odd), (odd, even)])
    np.testing.assert_array_equal(after, fitted(trainer(), X[even], LABELS[even]))


def test_validation_split_by_class_needs_classes() -> None:
    split = Split(0.25, stratify=True)
    for y, loss in ((NUMBERS[:, None] + 0.1, nn.MSELoss()), (np.eye(12, 2) * 0.5, nn.MSELoss())):
        with pytest.raises(ArgumentError, match="no classes to stratify by"):
            fitted(trainer(loss, y.shape[1]), X, y, validation_split=split)
    with pytest.raises(ArgumentError, match=r"'7' has 1\. Leave these classes out"):
        fitted(trainer(outputs=8), X, np.array([0] * 11 + [7]), validation_split=split)
    with pytest.raises(ArgumentError, match="stratify=labels"):
        fitted(trainer(), Pairs(), validation_split=split)


class Pairs(Dataset[Any]):
    """Samples that only `__getitem__` gives."""

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> Any:
        return dl.tensor(X[index]), int(LABELS[index])


def test_validation_split_of_a_data_set_that_hides_its_classes() -> None:
    split = Split(0.5, stratify=LABELS)
    ((first, _),) = split.split(LABELS)
    after = fitted(trainer(), Pairs(), validation_split=split)
    np.testing.assert_array_equal(after, fitted(trainer(), X[first], LABELS[first]))


def test_validation_split_of_data_in_the_order_of_their_classes() -> None:
    with pytest.warns(UserWarning, match="the classes 1 are in this part only"):
        fitted(trainer(), X, np.sort(LABELS), validation_split=0.5)


def test_a_subset_keeps_its_labels() -> None:
    data = Subset(TensorDataset(dl.tensor(X), dl.tensor(LABELS)), [0, 2, 4, 5])
    fitted(trainer(), data, class_weight="balanced")


# --- targets and numbers that would pass unnoticed ---------------------------------------------


@pytest.mark.parametrize(
    ("labels", "hint"),
    [
        ([-1, 1, 1, -1], r"from -1 to 1; turn labels -1 and 1 to 0 and 1: \(y \+ 1\) / 2"),
        ([1, 2, 2, 1], "from 1 to 2; turn labels 1 and 2 to 0 and 1: y - 1"),
        ([0, 2, 1, 0], "from 0 to 2; give the model one score for each class"),
        ([0.0, 1.0, 1.5, 0.0], "from 0 to 1.5"),
    ],
)
def test_a_binary_loss_refuses_targets_outside_0_and_1(labels: list[float], hint: str) -> None:
    one = Trainer(nn.Linear(2, 1), "bce_with_logits", "sgd")
    with pytest.raises(LabelError, match=hint):
        one.fit(np.ones((4, 2), np.float32), np.array(labels), progress=False)


def test_a_binary_loss_takes_shares() -> None:
    one = Trainer(nn.Linear(2, 1), "bce_with_logits", "sgd")
    one.fit(np.ones((4, 2), np.float32), np.array([0.0, 0.1, 0.9, 1.0]), progress=False)
    assert one.epoch == 1


@pytest.mark.parametrize("size", [0, -1, 2.5, None, True])
def test_batch_size_is_a_count(size: Any) -> None:
    one = Trainer(nn.Linear(2, 1), "mse", "sgd")
    x, y = np.ones((4, 2), np.float32), np.ones(4)
    for name, call in (
        ("fit", lambda: one.fit(x, y, batch_size=size, progress=False)),
        ("evaluate", lambda: one.evaluate(x, y, batch_size=size)),
        ("predict", lambda: one.predict(x, batch_size=size)),
    ):
        with pytest.raises(ArgumentError, match=f"{name}: batch_size must be an int of 1 or more"):
            call()


def test_batch_size_may_be_an_integer_of_numpy() -> None:
    one = Trainer(nn.Linear(2, 1), "mse", "sgd")
    one.fit(np.ones((4, 2), np.float32), np.ones(4), batch_size=np.int64(2), progress=False)
    assert one.step == 2


def test_a_frozen_model_says_so() -> None:
    one = Trainer(nn.Linear(2, 1), "mse", "sgd")
    one.model.requires_grad_(False)
    with pytest.raises(GradientError, match=r"\(Linear\) are frozen, so there is nothing to train"):
        one.fit(np.ones((4, 2), np.float32), np.ones(4), progress=False)


def test_a_loss_without_a_graph_says_so() -> None:
    def detached(output: Any, target: Any) -> Any:
        return ((output.detach() - target) ** 2).mean()

    one = Trainer(nn.Linear(2, 1), detached, "sgd")
    with pytest.raises(GradientError, match="does not depend on the parameters of the model"):
        one.fit(np.ones((4, 2), np.float32), np.ones((4, 1)), progress=False)


# --- inputs of one dimension -------------------------------------------------------------------


@pytest.mark.parametrize("outputs", [1, 4])
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64])
def test_numbers_that_the_model_takes_for_one_sample_are_refused(outputs: int, kind: Any) -> None:
    x, y = np.arange(4).astype(kind), np.arange(4, dtype=np.float32)
    model = nn.Sequential(nn.Linear(4, outputs), nn.ReLU())
    one = trainer("mse", model=model)
    match = r"x\[4\] may be 4 samples of one number.*x\[:, None\].*x\[None\]"
    with pytest.raises(ShapeError, match=match):
        one.fit(x, y, progress=False)
    with pytest.raises(ShapeError, match=match):
        one.evaluate(x, y)
    with pytest.raises(ShapeError, match=match):
        one.predict(x)


def test_a_lazy_layer_does_not_learn_the_number_of_samples() -> None:
    evaluator = Evaluator(nn.LazyLinear(4), "mse")
    with pytest.raises(ShapeError, match="4 samples of one number"):
        evaluator.evaluate(np.zeros(4, np.float32), np.zeros(4, np.float32))


class OfNumbers(nn.Module):
    """Takes numbers (N,), and has a layer of as many features inside."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.widen = nn.Linear(1, features)
        self.narrow = nn.Linear(features, 1)

    def forward(self, x: dl.Tensor) -> dl.Tensor:
        return self.narrow(self.widen(x[:, None]))[:, 0]


def test_numbers_of_a_model_that_takes_them_one_by_one() -> None:
    x = np.arange(4, dtype=np.float32)
    one = trainer("mse", model=OfNumbers(4))
    one.fit(x, x, progress=False)
    assert one.predict(x).shape == (4,)
    embedding = Evaluator(nn.Embedding(4, 4), "mse")
    assert embedding.predict(np.arange(4)).shape == (4, 4)


def test_samples_without_a_dimension_of_samples() -> None:
    """An iterable of single samples: their targets say that each is one."""
    samples = [(X[i], NUMBERS[i : i + 1]) for i in range(4)]
    one = trainer("mse", outputs=1)
    one.fit(samples, progress=False)
    assert one.step == 4
    with pytest.raises(ShapeError, match=r"If x is one sample, write x\[None\]"):
        one.evaluate(X[0], NUMBERS[:1])
    with pytest.raises(ShapeError, match=r"write x\[None\], and \[y\]"):
        one.evaluate(X[0], NUMBERS[0])


# --- data that are not there -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: t.fit(None, LABELS), "fit: the first argument, the inputs, is None"),
        (lambda t: t.fit(None), "fit: the first argument, the inputs, is None"),
        (lambda t: t.fit(None, y=LABELS), "fit: the first argument, the inputs, is None"),
        (lambda t: t.fit((X, None)), r"fit: y of the pair \(x, y\) is None"),
        (lambda t: t.fit((None, None)), r"fit: x and y of the pair \(x, y\) are None"),
        (lambda t: t.fit({"x": None, "y": X}), "fit: 'x' of the dict is None"),
        (lambda t: t.fit((X, LABELS), (None, LABELS)), "fit: x of the pair"),
        (lambda t: t.fit(X, LABELS, validation_data=(X, None)), "fit: y of the pair"),
        (lambda t: t.evaluate(None, LABELS), "evaluate: the first argument, the inputs, is"),
        (lambda t: t.predict(None), "predict: the first argument, what to predict for, is None"),
        (lambda t: t.find_lr(None), "find_lr: the first argument, the inputs, is None"),
    ],
)
def test_data_that_are_none(call: Any, message: str) -> None:
    with pytest.raises(DTypeError, match=f"{message}.*may lack its return"):
        call(trainer())


# --- labels that int64 does not hold -----------------------------------------------------------


@pytest.mark.parametrize("loss", ["cross_entropy", "nll", "mse", "bce_with_logits"])
@pytest.mark.parametrize("large", [np.uint64(2**63), np.uint64(2**64 - 100)])
def test_labels_that_wrap(loss: str, large: Any) -> None:
    """2**64 - 100 would be -100, which cross entropy ignores."""
    y = np.array([large, *LABELS[1:]], np.uint64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the last layer
        evaluator = Evaluator(nn.Linear(3, 2), loss, ["accuracy"])
    with pytest.raises(LabelError, match=str(large)):
        evaluator.evaluate(X, y)


def test_numbers_larger_than_64_bits() -> None:
    with pytest.raises(DTypeError, match=f"y: {2**70} is too large for a number of 64 bits"):
        trainer().fit(X, np.array([2**70] * 12, object), progress=False)
    with pytest.raises(DTypeError, match="not all values are real numbers; one is 1j"):
        trainer().fit(X, np.array([1, 1j] * 6, object), progress=False)
    with pytest.raises(LabelError, match=r"one of y.* is 1e\+30"):
        trainer().fit(X, np.full(12, 1e30), progress=False)
