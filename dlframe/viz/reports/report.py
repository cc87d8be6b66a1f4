"""`report`: everything about a run on one page, in one file."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlframe.base.printable import error_text, printable
from dlframe.errors import ArgumentError, MissingExtraError
from dlframe.nn import Module
from dlframe.training.doctor.report import Report as Findings
from dlframe.training.trainer import Trainer
from dlframe.utils.atomic import atomic_write
from dlframe.version import __version__
from dlframe.viz.pages.html import Markup, asset, element, escaped, page
from dlframe.viz.reports import course, facts, network, results
from dlframe.viz.reports.measured import Measured, measured
from dlframe.viz.reports.source import Source, of_folder, of_trainer

Section = Callable[[Source], Markup | None]

SECTIONS: tuple[tuple[str, str, tuple[tuple[str | None, Section], ...]], ...] = (
    ("curves", "Curves", ((None, course.curves),)),
    ("steps", "Inside of epochs", ((None, course.steps),)),
    ("rate", "Learning rate", ((None, course.rates),)),
    (
        "results",
        "Results",
        (
            (None, results.classes),
            ("Confusion matrix", results.confusion),
            (None, results.regression),
            ("Predicted and true numbers", results.residuals),
            ("Where each class is predicted", results.boundary),
            ("Two classes told apart", results.curves_of_two),
        ),
    ),
    ("samples", "Samples", ((None, results.samples),)),
    ("mistakes", "The worst mistakes", ((None, results.mistakes),)),
    ("calibration", "Calibration", ((None, results.calibration),)),
    ("model", "The model", ((None, network.architecture), ("Layers", network.layers))),
    ("norms", "Gradients and weights", ((None, course.norms),)),
    ("time", "Time", ((None, course.times),)),
    ("doctor", "Findings of the doctor", ((None, facts.findings),)),
    ("settings", "Settings", ((None, facts.settings),)),
    ("environment", "Environment", ((None, facts.surroundings),)),
    ("again", "Run it again", ((None, facts.commands),)),
)


@dataclass(frozen=True)
class Report:
    """A report as text; a notebook shows it.

    Attributes:
        html: the page.
        left_out: why a part is missing, by its name.
        path: the file, if it was written.
    """

    html: str = field(repr=False)
    left_out: dict[str, str]
    path: Path | None = None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page, whole or not at all."""
        with atomic_write(path, "w") as file:
            file.write(self.html)

    def _repr_html_(self) -> str:
        """The page in a frame of its own, where its colours and scripts concern nothing else."""
        frame = element(
            "iframe", srcdoc=Markup(escaped(self.html)), width="100%", height="800",
            sandbox="allow-scripts", title="report",
        )  # fmt: skip
        return str(frame)


def report(
    run: Trainer | str | os.PathLike[str],
    data: Any = None,
    *,
    model: Any = None,
    classes: Sequence[object] | None = None,
    mean: Any = None,
    std: Any = None,
    findings: Findings | None = None,
    title: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Report:
    """Everything about a run on one page, in one file that needs no network.

    The page has the headline numbers, curves that can be read with mouse, finger and keyboard,
    learning rates, results (of classes: a table with Wilson's 95 % intervals, the confusion matrix,
    calibration; of numbers: residuals), samples and the worst mistakes, the layers with their
    costs, gradients where a `NormLog` recorded them, times, settings, environment, and how to run
    it again. What does not apply is left out; what could not be made is listed with the reason.

    Args:
        run: a `Trainer`; or a run's folder, or a file with a history, as `training.read_history`
            reads it.
        data: what the results are measured on, such as (x, y), a data set or a loader; by default
            of a trainer the validation data of its last `fit`. False measures nothing.
        model: of a folder: the model with its weights, since files do not hold its code.
        classes: the names of the classes; by default those of the data set.
        mean, std: undo a normalization of images, one number or one per channel.
        findings: what `training.check` returned.
        path: the file to write, whole or not at all.

    Pictures need matplotlib; without it the rest of the page is there. Model, data and random
    streams are afterwards as they were.

    Raises:
        TypeError: `run` is neither.
        FileNotFoundError: the folder has no history.
        ArgumentError: data of a folder without a model, or data that cannot be read.

    >>> x = dl.linspace(-1, 1, 32).reshape(32, 1)
    >>> model = nn.Linear(1, 2)
    >>> trainer = dl.Trainer(model, nn.CrossEntropyLoss(), "adam")
    >>> _ = trainer.fit(x, (x[:, 0] > 0).long(), epochs=2, progress=False)
    >>> page = report(trainer, (x, (x[:, 0] > 0).long()), classes=["low", "high"])
    >>> "<h2" in page.html, page.left_out
    (True, {})
    """
    if isinstance(run, Trainer):
        if model is not None:
            raise ArgumentError("report: a Trainer has its model; model= is for a run's folder")
        source, asked = of_trainer(run), run
        if data is None:
            data, name = run._val_loader, "validation data"
        else:
            name = "data given"
    elif isinstance(run, (str, os.PathLike)):
        source, asked, name = of_folder(run), model, "data given"
        source.model = getattr(model, "model", model)
        if model is not None and not isinstance(source.model, Module):
            raise TypeError(f"report: model must be a Module; got {type(model).__name__}")
        if data is not None and data is not False and model is None:
            raise ArgumentError(
                "report: data need a model, and files do not hold its code: pass model=, with the "
                "weights of utils.load_checkpoint. `dlframe report RUN` does so for runs of "
                "`dlframe train`"
            )
    else:
        raise TypeError(f"report: run must be a Trainer or a path; got {type(run).__name__}")
    if data is not None and data is not False:
        source.measured = measured(asked, data, classes, name=name)
    source.mean, source.std, source.findings = mean, std, findings
    source.title = source.title if title is None else title
    return made(source, path)


def made(source: Source, path: str | os.PathLike[str] | None = None) -> Report:
    """The page of what is known; written if a path is given."""
    _notes(source, source.measured)
    sections, contents = [], []
    for name, heading, parts in SECTIONS:
        body = [part for one, write in parts for part in _part(source, heading, one, write)]
        if body:
            sections.append(
                element("section", element("h2", heading, id=name), body, aria_labelledby=name)
            )
            contents.append(element("li", element("a", heading, href=f"#{name}")))
    missing = facts.gaps(source)
    if missing is not None:
        heading = "What is missing"
        sections.append(element("section", element("h2", heading, id="missing"), missing))
        contents.append(element("li", element("a", heading, href="#missing")))
    main = element(
        "main",
        element("h1", source.title),
        element("p", _under_title(source), class_="muted"),
        [element("p", text, class_="warning") for text in source.warnings],
        facts.tiles(source),
        element("nav", element("ul", contents), class_="contents", aria_label="contents"),
        sections,
    )
    text = page(source.title, main, scripts=[asset("charts.js")])
    written = Report(text, dict(source.left_out), None if path is None else Path(path))
    if path is not None:
        written.save(path)
    return written


def _part(source: Source, heading: str, name: str | None, write: Section) -> list[Markup]:
    """A part of a section with its heading; what fails is listed, and the others go on."""
    title = name or heading
    try:
        body = write(source)
    except MissingExtraError as error:
        source.left_out[title] = str(error)
        return [element("p", f"{title}: not drawn. {error}", class_="muted")]
    except Exception as error:  # noqa: BLE001 - models and data of the user's may raise anything
        source.left_out[title] = printable(error_text(error), longest=300)
        return []
    if not body:
        return []
    return [element("h3", name), body] if name else [body]


def _notes(source: Source, one: Measured | None) -> None:
    if one is not None and one.kind == "other":
        source.left_out["Results"] = f"of the {one.name} nothing is measured: {one.why}"
    elif one is None:
        source.left_out["Results"] = "no data were given to measure on"


def _under_title(source: Source) -> str:
    parts = [f"dlframe {source.environment.get('dlframe', __version__)}"]
    if source.environment.get("time"):
        parts.append(str(source.environment["time"]).replace("T", " ").replace("+00:00", " UTC"))
    if source.folder is not None:
        parts.append(printable(source.folder))
    return " · ".join(map(printable, parts))
