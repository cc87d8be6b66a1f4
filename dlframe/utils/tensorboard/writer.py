"""`SummaryWriter`: writes the files that TensorBoard shows, with PyTorch's functions."""

from __future__ import annotations

import numbers
import os
import re
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self

from dlframe.errors import ArgumentError, needs
from dlframe.utils.atomic import make_folder, named


def _summaries() -> ModuleType:
    with needs("tensorboard", extra="tensorboard"):
        from dlframe.utils.tensorboard import summaries
    return summaries


def _images() -> ModuleType:
    from dlframe.utils.tensorboard import images  # on first use: it needs TensorBoard

    return images


class FileWriter:
    """Writes events into one file of a folder; `SummaryWriter` makes the events.

    TensorBoard's own writer takes them in a thread of its own. An error there, such as a full disk,
    is raised by the next call.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        max_queue: int = 10,
        flush_secs: float = 120,
        filename_suffix: str = "",
    ) -> None:
        with needs("tensorboard", extra="tensorboard"):
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        _check_options(max_queue, flush_secs, filename_suffix)
        self._folder = Path(log_dir)
        make_folder(self._folder)  # theirs takes a file in the way for a folder
        with named(self._folder):
            self.event_writer = EventFileWriter(
                os.fspath(log_dir), max_queue, flush_secs, filename_suffix
            )

    def get_logdir(self) -> str:
        """The folder with the file."""
        return str(self.event_writer.get_logdir())

    def add_event(self, event: Any, step: Any = None, walltime: float | None = None) -> None:
        """Add an event, with a step and a time."""
        event.wall_time = time.time() if walltime is None else float(walltime)
        if step is not None:
            event.step = _summaries().step_number(step)
        with named(self._folder):
            self.event_writer.add_event(event)

    def add_summary(
        self, summary: Any, global_step: Any = None, walltime: float | None = None
    ) -> None:
        """Add a summary as an event."""
        from tensorboard.compat.proto.event_pb2 import Event

        self.add_event(Event(summary=summary), global_step, walltime)

    def flush(self) -> None:
        """Wait until all events are in the file."""
        with named(self._folder):
            self.event_writer.flush()

    def close(self) -> None:
        """Write what is left, and close the file."""
        with named(self._folder):
            self.event_writer.close()


class SummaryWriter:
    """Writes numbers, images, texts and graphs for TensorBoard: `torch.utils.tensorboard`'s.

    Wherever PyTorch's takes an array, this takes Tensors (also those that require a gradient),
    arrays and lists. `tensorboard --logdir runs` then shows them in a browser. After `close` the
    next call opens a new file in the same folder. Several threads may use one writer.

    Args:
        log_dir: the folder; `runs/DATE_HOST` with `comment` at its end, unless given.
        comment: the end of that folder's name.
        purge_step: hide what an earlier writer of this folder wrote for this step and later ones,
            for a run that goes on after a crash.
        max_queue: how many events may wait for the thread that writes them.
        flush_secs: how often they are written to the file.
        filename_suffix: the end of the files' names.

    Raises:
        MissingExtraError: TensorBoard is not installed.
        OSError: the folder or the file cannot be written.

    >>> import tempfile
    >>> writer = SummaryWriter(tempfile.mkdtemp())
    >>> writer.add_scalar("loss", dl.tensor(0.5, requires_grad=True), 1)
    >>> writer.add_histogram("weights", dl.randn(100), 1)
    >>> writer.close()
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: float = 120,
        filename_suffix: str = "",
    ) -> None:
        if not log_dir:
            now = datetime.now().strftime("%b%d_%H-%M-%S")  # noqa: DTZ005 - the user's own clock
            log_dir = os.path.join("runs", f"{now}_{socket.gethostname()}{comment}")  # noqa: PTH118 - a str, as in PyTorch
        self.log_dir = os.fspath(log_dir)
        self.purge_step = purge_step
        self.max_queue = max_queue
        self.flush_secs = flush_secs
        self.filename_suffix = filename_suffix
        self.file_writer: FileWriter | None = None
        self.all_writers: dict[str, FileWriter] | None = None
        self._lock = threading.RLock()
        self._get_file_writer()
        self.default_bins: list[float] = _summaries().default_bins()

    def get_logdir(self) -> str:
        """The folder with the files."""
        return self.log_dir

    # --- numbers -------------------------------------------------------------------------------

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: Any = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """Add one number. In the new style it is stored as a tensor, of 64 bits if wanted."""
        summary = _summaries().scalar(
            tag, scalar_value, new_style=new_style, double_precision=double_precision
        )
        self._add(summary, global_step, walltime)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Add several numbers for one chart. Each is a run of its own, in a folder of its own."""
        summaries = _summaries()
        summaries.place("add_scalars", main_tag)
        if not isinstance(tag_scalar_dict, Mapping):
            raise TypeError(
                "add_scalars: expected a dict of tags and numbers; got "
                f"{type(tag_scalar_dict).__name__}"
            )
        made = {tag: summaries.scalar(main_tag, v) for tag, v in tag_scalar_dict.items()}
        walltime = time.time() if walltime is None else walltime
        for tag, summary in made.items():
            folder = f"{self.log_dir}/{main_tag.replace('/', '_')}_{tag}"
            self._writer_of(folder).add_summary(summary, global_step, walltime)

    def add_tensor(
        self, tag: str, tensor: Any, global_step: Any = None, walltime: float | None = None
    ) -> None:
        """Add an array, which TensorBoard does not show, for programs that read the file."""
        self._add(_summaries().tensor(tag, tensor), global_step, walltime)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: Any = None,
        bins: Any = "tensorflow",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """Add the histogram of the values that are finite.

        `bins` is "tensorflow" (the limits 0 and ±10⁻¹² · 1.1ⁿ), what `numpy.histogram` takes, or
        the limits; `max_bins` joins neighbours until there are no more than these. Raises
        ArgumentError if no value is finite.
        """
        if isinstance(bins, str) and bins == "tensorflow":
            bins = self.default_bins
        self._add(_summaries().histogram(tag, values, bins, max_bins), global_step, walltime)

    def add_histogram_raw(
        self,
        tag: str,
        min: Any,
        max: Any,
        num: Any,
        sum: Any,
        sum_squares: Any,
        bucket_limits: Any,
        bucket_counts: Any,
        global_step: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Add a histogram that was counted already; each bucket has its upper limit."""
        summary = _summaries().histogram_raw(
            tag, least=min, most=max, num=num, total=sum, squares=sum_squares,
            bucket_limits=bucket_limits, bucket_counts=bucket_counts,
        )  # fmt: skip
        self._add(summary, global_step, walltime)

    def add_pr_curve(
        self,
        tag: str,
        labels: Any,
        predictions: Any,
        global_step: Any = None,
        num_thresholds: int = 127,
        weights: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Add the curve of precision and recall of two classes.

        Args:
            labels: (N,), 0 and 1.
            predictions: (N,), the probabilities of 1.
            num_thresholds: how many, evenly from 0 to 1.
            weights: (N,), of the samples.
        """
        summaries = _summaries()
        rows = summaries.curve(
            summaries.place("add_pr_curve", tag), labels, predictions, num_thresholds, weights
        )
        self._add(summaries.pr_curve(tag, rows, num_thresholds), global_step, walltime)

    def add_pr_curve_raw(
        self,
        tag: str,
        true_positive_counts: Any,
        false_positive_counts: Any,
        true_negative_counts: Any,
        false_negative_counts: Any,
        precision: Any,
        recall: Any,
        global_step: Any = None,
        num_thresholds: int = 127,
        weights: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Add a curve that was counted already, with a number for each threshold in each row."""
        rows = (
            true_positive_counts, false_positive_counts, true_negative_counts,
            false_negative_counts, precision, recall,
        )  # fmt: skip
        self._add(_summaries().pr_curve(tag, rows, num_thresholds), global_step, walltime)

    # --- pictures, sounds and texts ------------------------------------------------------------

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: Any = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """Add an image of 1, 3 or 4 channels: bytes from 0 to 255, or other numbers from 0 to 1.

        `dataformats` says what the dimensions are: CHW, HWC, HW; or NCHW for a grid.
        """
        self._add(_images().image(tag, img_tensor, dataformats), global_step, walltime)

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: Any = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Add several images as one, in rows of 8."""
        self._add(_images().image(tag, img_tensor, dataformats), global_step, walltime)

    def add_image_with_boxes(
        self,
        tag: str,
        img_tensor: Any,
        box_tensor: Any,
        global_step: Any = None,
        walltime: float | None = None,
        rescale: float = 1,
        dataformats: str = "CHW",
        labels: Any = None,
    ) -> None:
        """Add an image with boxes (N, 4), each x₀, y₀, x₁, y₁ in pixels, and a label for each."""
        summary = _images().image(
            tag, img_tensor, dataformats, boxes=box_tensor, labels=labels, rescale=rescale
        )
        self._add(summary, global_step, walltime)

    def add_figure(
        self,
        tag: str,
        figure: Any,
        global_step: Any = None,
        close: bool = True,
        walltime: float | None = None,
    ) -> None:
        """Add a picture of `dlframe.viz`, or any figure of matplotlib, or a list of equal size.

        `close` lets pyplot forget it, if pyplot made it.
        """
        pixels = _images().figure_pixels(figure, close=close)
        form = "NCHW" if pixels.ndim == 4 else "CHW"
        self._add(_images().image(tag, pixels, form), global_step, walltime)

    def add_video(
        self,
        tag: str,
        vid_tensor: Any,
        global_step: Any = None,
        fps: float = 4,
        walltime: float | None = None,
    ) -> None:
        """Add videos (N, T, C, H, W) beside each other, as an animated GIF."""
        self._add(_images().video(tag, vid_tensor, fps), global_step, walltime)

    def add_audio(
        self,
        tag: str,
        snd_tensor: Any,
        global_step: Any = None,
        sample_rate: int = 44100,
        walltime: float | None = None,
    ) -> None:
        """Add a sound (1, L), from -1 to 1; what is beyond is cut off."""
        self._add(_images().audio(tag, snd_tensor, sample_rate), global_step, walltime)

    def add_text(
        self,
        tag: str,
        text_string: str,
        global_step: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Add a text, which is shown as Markdown."""
        self._add(_summaries().text(tag, text_string), global_step, walltime)

    def add_mesh(
        self,
        tag: str,
        vertices: Any,
        colors: Any = None,
        faces: Any = None,
        config_dict: Mapping[str, Any] | None = None,
        global_step: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Add points in space, (B, N, 3), or a mesh.

        Args:
            colors: (B, N, 3), of the points, from 0 to 255.
            faces: (B, F, 3), the numbers of the points of each triangle.
            config_dict: of three.js, which draws it: its camera, lights and material.
        """
        summary = _summaries().mesh(tag, vertices, colors, faces, config_dict)
        self._add(summary, global_step, walltime)

    # --- models and runs -----------------------------------------------------------------------

    def add_graph(
        self,
        model: Any,
        input_to_model: Any = None,
        verbose: bool = False,
        use_strict_trace: bool = True,
    ) -> None:
        """Add the graph of a model: its operations, in the modules that call them.

        The model is called once with `input_to_model` (a tensor, or a tuple, list or dict of the
        arguments), in evaluation mode and without gradients, and is afterwards as it was. A Tensor
        in its place gives the graph of gradients behind it. `use_strict_trace` has no meaning here.

        Raises:
            ArgumentError: a model without an input; a tensor without a graph.
        """
        with needs("tensorboard", extra="tensorboard"):
            from tensorboard.compat.proto.event_pb2 import Event

            from dlframe.utils.tensorboard.graphs import graph_of
        graph = graph_of(model, input_to_model)
        if verbose:
            print(graph)  # noqa: T201 - what verbose asks for
        self._get_file_writer().add_event(Event(graph_def=graph.SerializeToString()))

    def add_embedding(
        self,
        mat: Any,
        metadata: Sequence[Any] | None = None,
        label_img: Any = None,
        global_step: Any = None,
        tag: str = "default",
        metadata_header: Sequence[str] | None = None,
    ) -> None:
        """Add points (N, D) for the projector, each with a label and an image (N, C, H, W).

        `metadata_header` names the columns where each entry of `metadata` is a list. The same tag
        and step again replace the earlier points. Files are written at once, whole or not at all.
        """
        summaries = _summaries()
        from dlframe.utils.tensorboard import embeddings

        summaries.place("add_embedding", tag)
        step = 0 if global_step is None else summaries.step_number(global_step)
        with self._lock:
            embeddings.write(
                Path(self.log_dir), mat, metadata, label_img, step, tag, metadata_header
            )

    def add_hparams(
        self,
        hparam_dict: Mapping[str, Any],
        metric_dict: Mapping[str, Any],
        hparam_domain_discrete: Mapping[str, Sequence[Any]] | None = None,
        run_name: str | None = None,
        global_step: Any = None,
    ) -> None:
        """Add the settings of a run with its results, for the table of runs.

        They are a run of their own, in a folder within this one: `run_name`, or the present time.
        Values are numbers, bools or texts; None is left out.

        Raises:
            TypeError: an argument that is no dict.
            ArgumentError: a value of another kind.
        """
        for name, given in (("hparam_dict", hparam_dict), ("metric_dict", metric_dict)):
            if not isinstance(given, Mapping):
                raise TypeError(f"add_hparams: {name} must be a dict; got {type(given).__name__}")
        if run_name is not None and not isinstance(run_name, str):
            raise TypeError(
                f"add_hparams: run_name must be a str; got {type(run_name).__name__} {run_name!r}"
            )
        summaries = _summaries()
        messages = summaries.hparams(hparam_dict, list(metric_dict), hparam_domain_discrete)
        numbers = [summaries.scalar(tag, value) for tag, value in metric_dict.items()]
        folder = os.path.join(self.log_dir, run_name or str(time.time()))  # noqa: PTH118 - a str, as log_dir is
        writer = FileWriter(folder, self.max_queue, self.flush_secs, self.filename_suffix)
        try:
            for summary in (*messages, summaries.session_end(), *numbers):
                writer.add_summary(summary, global_step)
        finally:
            writer.close()

    def add_custom_scalars(self, layout: Mapping[str, Mapping[str, Sequence[Any]]]) -> None:
        """Add charts of several scalars, once for a folder.

        `layout` is `{category: {title: ["Multiline", tags]}}`, or "Margin" with three tags: of the
        value and its lower and upper limit.
        """
        self._add(_summaries().custom_scalars(layout), None, None)

    def add_custom_scalars_multilinechart(
        self, tags: Sequence[str], category: str = "default", title: str = "untitled"
    ) -> None:
        """Add one chart of several scalars."""
        self.add_custom_scalars({category: {title: ["Multiline", tags]}})

    def add_custom_scalars_marginchart(
        self, tags: Sequence[str], category: str = "default", title: str = "untitled"
    ) -> None:
        """Add one chart of a scalar between its lower and upper limit."""
        if len(tags) != 3:
            raise ArgumentError(
                "add_custom_scalars_marginchart: tags are three, of the value and its lower and "
                f"upper limit; got {len(tags)}"
            )
        self.add_custom_scalars({category: {title: ["Margin", tags]}})

    # --- files ---------------------------------------------------------------------------------

    def flush(self) -> None:
        """Wait until everything is in the files."""
        with self._lock:
            for writer in (self.all_writers or {}).values():
                writer.flush()

    def close(self) -> None:
        """Write what is left, and close the files; the next call opens new ones."""
        with self._lock:
            writers = list((self.all_writers or {}).values())
            self.file_writer = self.all_writers = None
            for writer in writers:
                writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _add(self, summary: Any, step: Any, walltime: float | None) -> None:
        self._get_file_writer().add_summary(summary, step, walltime)

    def _get_file_writer(self) -> FileWriter:
        with self._lock:
            if self.file_writer is None:
                if self.purge_step is not None:
                    _wait_for_a_later_name(Path(self.log_dir))
                self.file_writer = self._writer_of(self.log_dir)
                if self.purge_step is not None:
                    self._purge(self.file_writer, self.purge_step)
                    self.purge_step = None
            return self.file_writer

    def _writer_of(self, folder: str) -> FileWriter:
        with self._lock:
            if self.all_writers is None:
                self.all_writers = {}
            if folder not in self.all_writers:
                self.all_writers[folder] = FileWriter(
                    folder, self.max_queue, self.flush_secs, self.filename_suffix
                )
            return self.all_writers[folder]

    @staticmethod
    def _purge(writer: FileWriter, step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog

        writer.add_event(Event(file_version="brain.Event:2"), step)
        writer.add_event(Event(session_log=SessionLog(status=SessionLog.START)), step)


def _check_options(max_queue: Any, flush_secs: Any, filename_suffix: Any) -> None:
    """Refuse what would be an error of TensorBoard's thread, without the argument's name."""
    for name, value in (("max_queue", max_queue), ("flush_secs", flush_secs)):
        if not isinstance(value, numbers.Real):
            raise TypeError(f"SummaryWriter: {name} must be a number; got {value!r}")
    if not isinstance(filename_suffix, str):
        raise TypeError(f"SummaryWriter: filename_suffix must be a str; got {filename_suffix!r}")
    if Path(filename_suffix).name != filename_suffix or "\0" in filename_suffix:
        raise ArgumentError(
            "SummaryWriter: filename_suffix is the end of a file's name, not a path; got "
            f"{filename_suffix!r}"
        )


def _wait_for_a_later_name(folder: Path) -> None:
    """Wait until the names of new files come after those that are there.

    Names begin with the second, TensorBoard reads files in the order of their names, and one that
    hides what another wrote must come after it.
    """
    found = [
        re.match(r"events\.out\.tfevents\.(\d+)\.", one.name) for one in folder.glob("events*")
    ]
    newest = max((int(match[1]) for match in found if match), default=0)
    while newest - 1 <= time.time() < newest + 1:
        time.sleep(0.02)
