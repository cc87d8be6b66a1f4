"""What a summary holds: numbers, histograms, texts, curves and charts as TensorBoard's messages.

Each function takes arrays or tensors and returns a `Summary` (a protocol buffer). Imported on first
use, since it needs TensorBoard.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary, SummaryMetadata
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar import metadata as custom_scalar_metadata
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2
from tensorboard.plugins.hparams import metadata as hparams_metadata
from tensorboard.plugins.mesh import metadata as mesh_metadata
from tensorboard.plugins.mesh.plugin_data_pb2 import MeshPluginData
from tensorboard.plugins.pr_curve import metadata as pr_curve_metadata
from tensorboard.plugins.scalar import metadata as scalar_metadata
from tensorboard.plugins.text import metadata as text_metadata
from tensorboard.util import tensor_util

from dlframe.errors import ArgumentError, DTypeError, LabelError, ShapeError
from dlframe.tensor import Tensor, to_array

LEAST, MOST, RATIO = 1e-12, 1e20, 1.1  # of the limits of TensorBoard's histograms


def place(function: str, tag: str) -> str:
    """The function and the tag, for errors; TypeError for a tag that is no str."""
    if not isinstance(tag, str):
        raise TypeError(f"{function}: the tag must be a str; got {type(tag).__name__} {tag!r}")
    return f"{function}, {tag}"


def numbers(where: str, values: Any) -> NDArray[Any]:
    """Values as an array of real numbers; DTypeError for others."""
    array = to_array(values)
    if array.dtype.kind not in "biuf":
        raise DTypeError(f"{where}: expected real numbers, got {array.dtype}")
    return array


def one_number(where: str, value: Any) -> float:
    """A value of one element as a float; ShapeError for several."""
    array = numbers(where, value)
    if array.size != 1:
        raise ShapeError(f"{where}: expected one number, got shape {tuple(array.shape)}")
    return float(array.reshape(()))


def step_number(value: Any) -> int:
    """A step: one whole number that an event can hold, 64 bits; a fraction is cut off."""
    if isinstance(value, int):
        step = value
    else:
        array = numbers("global_step", value)
        if array.dtype.kind in "iu" and array.size == 1:
            step = int(array.reshape(()))  # float64 has 53 bits
        else:
            real = one_number("global_step", array)
            step = int(real) if math.isfinite(real) else 1 << 63
    if not -(1 << 63) <= step < 1 << 63:
        raise ArgumentError(
            "global_step: expected a whole number of 64 bits, got a larger one or none"
        )
    return step


# --- numbers and texts -------------------------------------------------------------------------


def scalar(tag: str, value: Any, *, new_style: bool = False, double_precision: bool = False) -> Any:
    """One number: as a field of its own, or in the new style as a tensor."""
    number = one_number(place("add_scalar", tag), value)
    if not new_style:
        return Summary(value=[Summary.Value(tag=tag, simple_value=number)])
    dtype = np.float64 if double_precision else np.float32
    with np.errstate(over="ignore"):  # a number beyond float32 is inf there
        array = np.asarray(number, dtype)
    metadata = scalar_metadata.create_summary_metadata(display_name="", description="")
    return _of_tensor(tag, array, metadata)


def tensor(tag: str, values: Any) -> Any:
    """An array of any shape and dtype, for programs that read the file; nothing shows it."""
    where, array = place("add_tensor", tag), to_array(values)
    if array.nbytes >= 1 << 31:
        raise ArgumentError(
            f"{where}: {array.nbytes} bytes are more than a record can hold (2 GiB)"
        )
    plugin = SummaryMetadata.PluginData(plugin_name="tensor")
    return _of_tensor(tag, array, SummaryMetadata(plugin_data=plugin))


def text(tag: str, value: str) -> Any:
    """A text, which is shown as Markdown."""
    where = place("add_text", tag)
    if not isinstance(value, str):
        raise TypeError(f"{where}: expected a str, got {type(value).__name__}")
    metadata = text_metadata.create_summary_metadata(display_name="", description="")
    encoded = np.array([value.encode("utf-8", "backslashreplace")], dtype=object)
    return _of_tensor(f"{tag}/text_summary", encoded, metadata)


def _of_tensor(tag: str, array: NDArray[Any], metadata: Any) -> Any:
    message = tensor_util.make_tensor_proto(array)
    return Summary(value=[Summary.Value(tag=tag, tensor=message, metadata=metadata)])


# --- histograms --------------------------------------------------------------------------------


def default_bins() -> list[float]:
    """The limits that TensorBoard uses: 0, and ±10⁻¹² · 1.1ⁿ up to 10²⁰."""
    count = math.ceil(math.log(MOST / LEAST) / math.log(RATIO))
    positive = [LEAST * RATIO**n for n in range(count)]
    return [*(-limit for limit in reversed(positive)), 0.0, *positive]


def histogram(tag: str, values: Any, bins: Any, max_bins: int | None = None) -> Any:
    """The histogram of the values that are finite, with `numpy.histogram`'s bins.

    Of the bins, those from the first to the last that has a value are written, after an empty one
    whose limit is the lower end of the first. `max_bins` joins neighbours until there are no more.
    """
    where = place("add_histogram", tag)
    array = numbers(where, values).astype(np.float64).reshape(-1)
    array = array[np.isfinite(array)]
    if not array.size:
        raise ArgumentError(f"{where}: there is no finite value")
    if isinstance(bins, (str, int)):
        try:
            counts, limits = np.histogram(array, bins=bins)
        except ValueError as error:
            raise ArgumentError(
                f"{where}: bins must be 'tensorflow', limits, or what numpy.histogram takes, such "
                f"as 30 or 'auto'; got {bins!r} ({error})"
            ) from error
    else:
        edges = np.asarray(to_array(bins), np.float64)
        if edges.ndim != 1 or edges.size < 2 or np.any(np.diff(edges) < 0):
            raise ArgumentError(f"{where}: bins must be two or more limits in rising order")
        counts, limits = np.histogram(np.clip(array, edges[0], edges[-1]), bins=edges)
    if max_bins is not None:
        counts, limits = _joined(where, counts, limits, max_bins)
    filled = np.flatnonzero(counts)
    first, last = int(filled[0]), int(filled[-1])
    message = HistogramProto(
        min=array.min(),
        max=array.max(),
        num=array.size,
        sum=array.sum(),
        sum_squares=array @ array,
        bucket_limit=limits[first : last + 2].tolist(),
        bucket=[0.0, *counts[first : last + 1].tolist()],
    )
    return Summary(value=[Summary.Value(tag=tag, histo=message)])


def _joined(
    where: str, counts: NDArray[Any], limits: NDArray[Any], most: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    if most < 1:
        raise ArgumentError(f"{where}: max_bins must be 1 or more; got {most}")
    together = -(-len(counts) // most)
    starts = np.arange(0, len(counts), together)
    return np.add.reduceat(counts, starts), np.append(limits[starts], limits[-1])


def histogram_raw(
    tag: str,
    *,
    least: Any,
    most: Any,
    num: Any,
    total: Any,
    squares: Any,
    bucket_limits: Any,
    bucket_counts: Any,
) -> Any:
    """A histogram that was counted already; each bucket has its upper limit."""
    where = place("add_histogram_raw", tag)
    limits, counts = (
        numbers(where, part).astype(np.float64).reshape(-1)
        for part in (bucket_limits, bucket_counts)
    )
    if limits.size != counts.size:
        raise ShapeError(
            f"{where}: {limits.size} bucket_limits for {counts.size} bucket_counts; each bucket "
            "has one upper limit"
        )
    message = HistogramProto(
        min=one_number(where, least),
        max=one_number(where, most),
        num=one_number(where, num),
        sum=one_number(where, total),
        sum_squares=one_number(where, squares),
        bucket_limit=limits.tolist(),
        bucket=counts.tolist(),
    )
    return Summary(value=[Summary.Value(tag=tag, histo=message)])


# --- precision and recall ----------------------------------------------------------------------


def curve(
    where: str, labels: Any, predictions: Any, thresholds: int, weights: Any
) -> NDArray[np.float64]:
    """Rows of true and false positives, true and false negatives, precision, recall.

    Column i is for the threshold i / (n − 1): what is predicted with at least that is positive.
    """
    scores = numbers(where, predictions).astype(np.float64).reshape(-1)
    truth = numbers(where, labels).reshape(-1)
    if truth.size != scores.size:
        raise ShapeError(f"{where}: {truth.size} labels for {scores.size} predictions")
    if not np.isin(truth, (0, 1)).all():
        raise LabelError(f"{where}: labels must be 0 and 1, or False and True")
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ArgumentError(
            f"{where}: predictions must be probabilities, from 0 to 1; take the sigmoid of logits"
        )
    if thresholds < 2:
        raise ArgumentError(f"{where}: num_thresholds must be 2 or more; got {thresholds}")
    weight = np.float64(1.0) if weights is None else numbers(where, weights).astype(np.float64)
    if weight.size not in (1, scores.size):
        raise ShapeError(f"{where}: {weight.size} weights for {scores.size} predictions")
    weight = np.broadcast_to(weight.reshape(-1), scores.shape)
    places = np.floor(scores * (thresholds - 1)).astype(np.int64)
    positives, negatives = (
        np.bincount(places, weight * chosen, minlength=thresholds)[::-1].cumsum()[::-1]
        for chosen in (truth == 1, truth == 0)
    )
    missed, left = positives[0] - positives, negatives[0] - negatives
    precision = positives / np.maximum(1e-7, positives + negatives)
    recall = positives / np.maximum(1e-7, positives + missed)
    return np.stack([positives, negatives, left, missed, precision, recall])


def pr_curve(tag: str, rows: Sequence[Any], thresholds: int) -> Any:
    """The message of the rows that `curve` makes."""
    where = place("add_pr_curve", tag)
    arrays = [numbers(where, row).astype(np.float32).reshape(-1) for row in rows]
    if len({array.size for array in arrays}) != 1:
        sizes = ", ".join(str(array.size) for array in arrays)
        raise ShapeError(f"{where}: counts, precision and recall differ in length: {sizes}")
    metadata = pr_curve_metadata.create_summary_metadata(
        display_name="", description="", num_thresholds=thresholds
    )
    return _of_tensor(tag, np.stack(arrays), metadata)


# --- charts of several numbers -----------------------------------------------------------------


def custom_scalars(layout: Mapping[str, Mapping[str, Sequence[Any]]]) -> Any:
    """Charts of several scalars: `{"category": {"chart": ["Multiline", ["tag", …]]}}`."""
    categories = []
    for category, charts in _entries("layout", layout):
        made = []
        for title, chart in _entries(category, charts):
            if not _is_chart(chart):
                raise ArgumentError(
                    f'add_custom_scalars, {title}: a chart is ["Multiline", [tag, …]], or '
                    f'["Margin", [value, lower, upper]]; got {chart!r}'
                )
            kind, tags = chart[0], [str(tag) for tag in chart[1]]
            if kind == "Margin":
                if len(tags) != 3:
                    raise ArgumentError(
                        f"add_custom_scalars, {title}: a Margin chart has 3 tags, of the value and "
                        f"its lower and upper limit; got {len(tags)}"
                    )
                value, lower, upper = tags
                series = layout_pb2.MarginChartContent.Series(value=value, lower=lower, upper=upper)
                content: Any = {"margin": layout_pb2.MarginChartContent(series=[series])}
            elif kind == "Multiline":
                content = {"multiline": layout_pb2.MultilineChartContent(tag=tags)}
            else:
                raise ArgumentError(
                    f'add_custom_scalars, {title}: a chart is "Multiline" or "Margin"; got {kind!r}'
                )
            made.append(layout_pb2.Chart(title=title, **content))
        categories.append(layout_pb2.Category(title=category, chart=made))
    encoded = layout_pb2.Layout(category=categories).SerializeToString()
    return _of_tensor(
        custom_scalar_metadata.CONFIG_SUMMARY_TAG,
        np.array(encoded, dtype=object),
        custom_scalar_metadata.create_summary_metadata(),
    )


def _entries(name: str, given: Any) -> list[tuple[str, Any]]:
    if not isinstance(given, Mapping):
        raise TypeError(
            f"add_custom_scalars: {name} must be a dict, {{category: {{title: chart}}}}; got "
            f"{type(given).__name__} {given!r}"
        )
    return [(str(key), value) for key, value in given.items()]


def _is_chart(chart: Any) -> bool:
    """Whether it is a name and some tags; a single str would be taken for its letters."""
    if not isinstance(chart, (list, tuple)) or len(chart) != 2:
        return False
    return isinstance(chart[1], Sequence) and not isinstance(chart[1], str)


# --- hyperparameters ---------------------------------------------------------------------------

_KINDS: dict[type, tuple[str, str]] = {
    bool: ("bool_value", "DATA_TYPE_BOOL"),
    float: ("number_value", "DATA_TYPE_FLOAT64"),
    str: ("string_value", "DATA_TYPE_STRING"),
}


def hparams(
    values: Mapping[str, Any],
    metrics: Sequence[str],
    domains: Mapping[str, Sequence[Any]] | None = None,
) -> tuple[Any, Any]:
    """The messages about an experiment's settings, and that a session with these values begins."""
    domains = domains or {}
    unknown = [name for name in domains if name not in values]
    if unknown:
        raise ArgumentError(
            f"add_hparams: hparam_domain_discrete names {unknown[0]!r}, which hparam_dict has not"
        )
    start, infos = plugin_data_pb2.SessionStartInfo(), []
    for name, value in values.items():
        if value is None:
            continue
        plain = _plain(name, value)
        field, kind = _KINDS[type(plain)]
        setattr(start.hparams[name], field, plain)
        info = api_pb2.HParamInfo(name=name, type=api_pb2.DataType.Value(kind))
        for choice in domains.get(name, ()):
            if type(_plain(name, choice)) is not type(plain):
                raise ArgumentError(
                    f"add_hparams: hparam_domain_discrete[{name!r}] has {choice!r}, which is not "
                    f"of the kind of its value, {value!r}"
                )
            info.domain_discrete.values.add(**{field: _plain(name, choice)})
        infos.append(info)
    named = [api_pb2.MetricInfo(name=api_pb2.MetricName(tag=tag)) for tag in metrics]
    experiment = api_pb2.Experiment(hparam_infos=infos, metric_infos=named)
    return (
        _of_plugin(hparams_metadata.EXPERIMENT_TAG, experiment=experiment),
        _of_plugin(hparams_metadata.SESSION_START_INFO_TAG, session_start_info=start),
    )


def session_end(status: str = "STATUS_SUCCESS") -> Any:
    """The message that a session ended: STATUS_SUCCESS, STATUS_FAILURE or STATUS_UNKNOWN."""
    ended = plugin_data_pb2.SessionEndInfo(status=api_pb2.Status.Value(status))
    return _of_plugin(hparams_metadata.SESSION_END_INFO_TAG, session_end_info=ended)


def _of_plugin(tag: str, **content: Any) -> Any:
    data = plugin_data_pb2.HParamsPluginData(**content)
    metadata = hparams_metadata.create_summary_metadata(data)
    # without a tensor TensorBoard would take it for a number
    value = Summary.Value(tag=tag, metadata=metadata, tensor=hparams_metadata.NULL_TENSOR)
    return Summary(value=[value])


def _plain(name: str, value: Any) -> bool | float | str:
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float, np.generic, np.ndarray, Tensor)):
        array = to_array(value)
        if array.size == 1 and array.dtype.kind in "biuf":
            return bool(array.reshape(())) if array.dtype.kind == "b" else float(array.reshape(()))
    raise ArgumentError(
        f"add_hparams: {name} must be a number, a bool, a str or None; got {type(value).__name__} "
        f"{value!r}"
    )


# --- meshes ------------------------------------------------------------------------------------


def mesh(tag: str, vertices: Any, colors: Any, faces: Any, config: Mapping[str, Any] | None) -> Any:
    """Points in space (B, N, 3), with their colours (B, N, 3) and triangles (B, F, 3)."""
    parts = {
        MeshPluginData.VERTEX: vertices,
        MeshPluginData.FACE: faces,
        MeshPluginData.COLOR: colors,
    }
    given = {kind: part for kind, part in parts.items() if part is not None}
    components = mesh_metadata.get_components_bitmask(list(given))
    settings = json.dumps(config or {}, sort_keys=True)
    where, values = place("add_mesh", tag), []
    shapes = {}
    for kind, part in given.items():
        array = numbers(where, part)
        if array.ndim != 3 or array.shape[2] != 3:
            what = MeshPluginData.ContentType.Name(kind).lower()
            raise ShapeError(
                f"{where}: each {what} has 3 numbers, in an array (batch, number, 3); got "
                f"shape {tuple(array.shape)}"
            )
        shapes[kind] = tuple(array.shape)
        _check_part(where, kind, array, shapes[MeshPluginData.VERTEX])
        integer = kind == MeshPluginData.FACE or array.dtype.kind in "biu"
        array = array.astype(np.int32 if integer else np.float32)
        metadata = mesh_metadata.create_summary_metadata(
            tag, "", kind, components, list(array.shape), "", json_config=settings
        )
        name = mesh_metadata.get_instance_name(tag, kind)
        message = tensor_util.make_tensor_proto(array)
        values.append(Summary.Value(tag=name, tensor=message, metadata=metadata))
    return Summary(value=values)


def _check_part(where: str, kind: Any, array: NDArray[Any], points: tuple[int, ...]) -> None:
    """Colours must be those of the points (B, N, 3), and triangles count them from 0 to N - 1."""
    shape = tuple(array.shape)
    if kind == MeshPluginData.COLOR and shape != points:
        raise ShapeError(f"{where}: colors{shape} must have the shape of vertices{points}")
    if kind == MeshPluginData.FACE:
        if shape[0] != points[0]:
            raise ShapeError(f"{where}: faces{shape} and vertices{points} differ in the batch")
        if array.size and (array.min() < 0 or array.max() >= points[1]):
            raise ArgumentError(
                f"{where}: faces are numbers of the vertices, from 0 to {points[1] - 1}; got "
                f"{array.min()} to {array.max()}"
            )
