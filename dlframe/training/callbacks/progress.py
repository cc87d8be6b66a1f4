"""The display of progress: a bar for each epoch and its validation, and a line of results.

What is shown on a terminal fits its width, of 40 columns or more: a bar shows the numbers for which
there is room, and the results take as many lines as they need. No number is cut or broken. In a
file each epoch has one line, of any length.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from dlframe.base.terminals import USUAL_COLUMNS, columns, is_terminal
from dlframe.errors import ArgumentError
from dlframe.training.callbacks.callback import Callback

if TYPE_CHECKING:
    from dlframe.training.trainer import Trainer

REFRESH_SECONDS = 0.2  # numbers that change faster cannot be read
WIDEST_BAR = 30  # columns; what is left is for numbers
GAP = "  "

Field = tuple[str, str]  # a name and a number as it is shown; a time has no name


class ProgressBar(Callback):
    """Shows a bar for the batches of an epoch, and a line with the results after it.

    The bar is drawn on stderr, the lines are printed on stdout. After the batches of training the
    bar shows those of the validation. In a notebook it is a widget where ipywidgets is installed.

    Args:
        bar: whether to draw the bar. With None it is drawn on a terminal that can move its cursor,
            and in a notebook.
        lines: whether to print the lines.

    >>> callback = ProgressBar(bar=False)
    >>> x = dl.linspace(-1, 1, 8).reshape(8, 1)
    >>> model = nn.Linear(1, 1)
    >>> trainer = dl.Trainer(model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.0))
    >>> trainer.callbacks = [callback]
    >>> history = trainer.fit((x, x), epochs=1)  # doctest: +ELLIPSIS
    epoch 1/1  loss ...  lr 0  0.0 s
    """

    def __init__(self, bar: bool | None = None, *, lines: bool = True) -> None:
        self.bar = bar
        self.lines = lines
        self._bar: Any = None
        self._layout = Layout()

    def on_epoch_begin(self, trainer: Trainer) -> None:
        self._begin(trainer, "epoch", trainer.batches_per_epoch, trainer.batch)

    def on_batch_end(self, trainer: Trainer) -> None:
        self._advance(trainer.running_means)

    def on_pass_end(self, trainer: Trainer) -> None:
        self.close()

    def on_validation_begin(self, trainer: Trainer) -> None:
        self._begin(trainer, "validating", trainer.val_batches, 0, delay=REFRESH_SECONDS)

    def on_validation_batch_end(self, trainer: Trainer) -> None:
        self._advance(dict)  # the means are not known before its end

    def on_validation_end(self, trainer: Trainer) -> None:
        if trainer.is_inside_epoch:  # the batches go on
            self.on_epoch_begin(trainer)

    def on_epoch_end(self, trainer: Trainer) -> None:
        self.close()
        if not self.lines or sys.stdout is None:
            return
        width = columns(sys.stdout)
        lead = f"epoch {_of(trainer.epoch, trainer.epochs)}"
        if width is None:
            shown = f"{lead}{GAP}{text_of(trainer.logs)}"
        else:
            short = "…" if shows_unicode(sys.stdout) else ".."
            shown = "\n".join(self._layout.lines(trainer.logs, lead, width, short))
        print(shown, flush=True)  # noqa: T201 - showing progress is what this callback is for

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _begin(
        self, trainer: Trainer, what: str, total: int | None, done: int, delay: float = 0.0
    ) -> None:
        self.close()
        stream = _stream_of_bar()
        # it is None where a program has none: started with 2>&-, or by pythonw
        if stream is None or not (can_draw(stream) if self.bar is None else self.bar):
            return
        lead = f"{what} {_of(trainer.epoch + 1, trainer.epochs)}"
        self._bar = _make_bar(lead, total, done, stream, delay=delay)

    def _advance(self, means: Callable[[], dict[str, Any]]) -> None:
        if self._bar is None:
            return
        if self._bar.is_due():
            self._bar.fields = fields_of(means())
        self._bar.update()


def for_verbose(verbose: bool | int | str | None = None) -> ProgressBar | None:
    """The display for a value of Keras's `verbose`; None for no display.

    0 and False: nothing. 1, "auto" and None: a bar on a terminal or in a notebook, and a line for
    each epoch. 2: the lines alone. True: the bar is drawn wherever stderr leads to.

    Raises:
        ArgumentError: it is none of these.

    >>> for_verbose(0) is None, for_verbose(2).bar, for_verbose(1).bar
    (True, False, None)
    """
    if verbose is None or verbose == "auto":
        return ProgressBar()
    if isinstance(verbose, int) and verbose in (0, 1, 2):
        if not verbose:
            return None
        return ProgressBar(bar=True if verbose is True else {1: None, 2: False}[int(verbose)])
    raise ArgumentError(
        f"verbose must be 0 (nothing), 1 (a bar) or 2 (a line for each epoch); got {verbose!r}"
    )


# --- numbers as text ---------------------------------------------------------------------------


def fields_of(logs: dict[str, Any]) -> list[Field]:
    """The names and numbers of a record; values that are not single numbers are left out."""
    fields = []
    for name, value in logs.items():
        if name == "seconds":
            fields.append(("", f"{value:.1f} s"))
        elif name == "lr" or name.startswith("lr_"):
            fields.append((name, f"{value:.4g}"))
        elif isinstance(value, float):
            plain = value == 0 or 1e-3 <= abs(value) < 1e5 or value != value  # noqa: PLR0124 - nan
            fields.append((name, f"{value:.4f}" if plain else f"{value:.3e}"))
    return fields


def text_of(logs: dict[str, Any]) -> str:
    """The numbers of a record in one line; values that are not single numbers are left out.

    >>> text_of({"loss": 0.12345, "accuracy": 0.5, "lr": 0.001, "seconds": 1.25})
    'loss 0.1235  accuracy 0.5000  lr 0.001  1.2 s'
    """
    return GAP.join(map(_written, fields_of(logs)))


def _written(field: Field) -> str:
    return " ".join(filter(None, field))


def _of(epoch: int, epochs: int) -> str:
    return f"{epoch:>{len(str(epochs))}}/{epochs}"


# --- results within a width --------------------------------------------------------------------


class Layout:
    """Puts the results of epochs into lines, in the same way for all epochs of a run.

    They take one line, if that is wide enough for all epochs so far. Otherwise the numbers of the
    validation stand below those of training. Where even that is too wide, each part takes several
    lines, and a name that is longer than a line is shortened; a number never is.
    """

    def __init__(self) -> None:
        self._width = 0
        self._one_line = True
        self._cells: dict[str, int] = {}  # the widest number of each name so far

    def lines(self, logs: dict[str, Any], lead: str, width: int, short: str = "…") -> list[str]:
        r"""The lines of an epoch, each of them at most `width` wide.

        >>> logs = {"loss": 0.5, "accuracy": 0.75, "val_loss": 0.25, "val_accuracy": 1.0}
        >>> print(*Layout().lines(logs, "epoch 3/9", 46), sep="\n")
        epoch 3/9  loss 0.5000  accuracy 0.7500
              val  loss 0.2500  accuracy 1.0000
        """
        if width != self._width:  # the terminal was resized
            self._width, self._one_line = width, True
        whole = f"{lead}{GAP}{text_of(logs)}"
        self._one_line = self._one_line and len(whole) <= width
        if self._one_line:
            return [whole]
        validation = {k.removeprefix("val_"): v for k, v in logs.items() if k.startswith("val_")}
        training = {name: value for name, value in logs.items() if not name.startswith("val_")}
        indent = min(len(lead), max(0, width // 3))
        rows = self._rows(fields_of(training), lead, indent, width, short)
        if validation:
            named = "val".rjust(indent)
            rows += self._rows(fields_of(validation), named, indent, width, short)
        return rows

    def _rows(
        self, fields: Sequence[Field], lead: str, indent: int, width: int, short: str
    ) -> list[str]:
        """Fields in as many lines as they need, the further ones indented."""
        room = width - indent - len(GAP)
        texts = []
        for name, number in fields:
            wide = self._cells[name] = max(self._cells.get(name, 0), len(number))
            # numbers of the same name stand below each other
            name = _shortened(name, max(1, room - wide - 1), short)
            texts.append(_written((name, number.ljust(wide))))
        lines = [""]
        for text in texts:
            longer = f"{lines[-1]}{GAP}{text}" if lines[-1] else text
            if lines[-1] and len(longer.rstrip()) > room:
                lines.append(text)
            else:
                lines[-1] = longer
        first = f"{lead:<{indent}}{GAP}{lines[0]}".rstrip()
        if len(first) > width:  # a lead that takes more than its share has a line of its own
            first = f"{lead}\n{' ' * indent}{GAP}{lines[0]}".rstrip()
        rest = [f"{' ' * indent}{GAP}{line}".rstrip() for line in lines[1:]]
        return [*first.split("\n"), *rest]


def _shortened(name: str, width: int, short: str) -> str:
    return name if len(name) <= width else name[: max(0, width - len(short))] + short


# --- the bar -----------------------------------------------------------------------------------


def bar_format(
    lead: str, done: int, total: int | None, seconds: float, fields: Sequence[Field], width: int
) -> str:
    """The format of tqdm's for a bar that fits a width, with the numbers that have room.

    >>> bar_format("epoch 3/9", 8, 40, 2.0, [("loss", "0.5000"), ("accuracy", "0.8000")], 60)
    'epoch 3/9  {bar:15}   8/40  0:08 left  loss 0.5000'
    >>> bar_format("epoch 3/9", 8, 40, 2.0, [("loss", "0.5000")], 40)
    'epoch 3/9  {bar:5}   8/40  loss 0.5000'
    """
    if total:
        left = _clock(seconds / done * (total - done)) + " left" if done else ""
        count = f"{done:>{len(str(total))}}/{total}"
        bars = [min(WIDEST_BAR, width // 4), 5, 3, 0]
    else:
        left, count, bars = _clock(seconds), f"{done} batches", [0]
    numbers = [_written(field) for field in fields]
    for bar in bars:  # a shorter one, or none, if otherwise there is no room for the loss
        parts = [lead, " " * bar, count] if bar else [lead, count]
        if len(GAP.join([*parts, *numbers[:1]])) <= width:
            break
    shown: list[str] = []
    for text in filter(None, [*numbers[:1], left, *numbers[1:]]):  # by importance
        if len(GAP.join([*parts, *shown, text])) <= width:
            shown.append(text)
    if len(GAP.join(parts)) > width:
        return count if len(count) <= width else ""
    shown.sort(key=lambda text: text != left)  # the time stands before the numbers
    texts = [part.replace("{", "{{").replace("}", "}}") for part in (*parts, *shown)]
    if bar:
        texts[1] = f"{{bar:{bar}}}"
    return GAP.join(texts)


def _clock(seconds: float) -> str:
    """A time as 0:08 or 1:02:03."""
    minutes, seconds = divmod(int(min(seconds, 1e8)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _make_bar(lead: str, total: int | None, done: int, stream: TextIO, *, delay: float) -> Any:
    """A bar of tqdm's that fits its format to the present width each time it is drawn."""
    import time

    base, is_widget = _kind_of_bar()

    class Bar(base):  # type: ignore[misc, valid-type] # one of two classes of tqdm's
        fields: list[Field] = []  # noqa: RUF012 - replaced, never changed
        _due = 0.0

        def is_due(self) -> bool:
            """Whether the numbers are to be shown anew."""
            now = time.monotonic()
            if now < self._due or self.disable:
                return False
            self._due = now + REFRESH_SECONDS
            return True

        @property
        def format_dict(self) -> dict[str, Any]:
            values = super().format_dict
            width = 1000 if is_widget else columns(stream) or USUAL_COLUMNS
            # the done batches of before a resumption took no time of now
            seconds = values["elapsed"] * (values["n"] / max(1, values["n"] - done))
            form = bar_format(lead, values["n"], values["total"], seconds, self.fields, width)
            if is_widget:
                form = form.replace(f"{{bar:{WIDEST_BAR}}}", "{bar}")
            return {**values, "bar_format": form, "ncols": None}

    return Bar(
        total=total,
        initial=done,
        file=stream,
        leave=False,
        delay=delay,
        ascii=not shows_unicode(stream) or None,
    )


def _kind_of_bar() -> tuple[type, bool]:
    """tqdm's bar for a terminal, or its widget for a notebook that can show widgets."""
    if in_notebook() and importlib.util.find_spec("ipywidgets"):
        from tqdm.notebook import tqdm as widget

        return widget, True
    from tqdm import tqdm  # on first use: `import dlframe` loads no tqdm

    return tqdm, False


# --- what a stream can show --------------------------------------------------------------------


def _stream_of_bar() -> TextIO | None:
    # a notebook shows all of stderr as if it were an error
    return sys.stdout if in_notebook() else sys.stderr


def in_notebook() -> bool:
    """Whether this is the process of a notebook, whose output is no terminal and yet is seen."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return hasattr(shell, "kernel")


def can_draw(stream: TextIO) -> bool:
    """Whether a bar can be drawn: on a terminal that goes back to the start of a line."""
    if in_notebook():
        return True
    return is_terminal(stream) and os.environ.get("TERM") != "dumb"


def shows_unicode(stream: TextIO) -> bool:
    """Whether a stream shows more than ASCII: its encoding and the user's locale both say so."""
    if "utf" not in (getattr(stream, "encoding", None) or "").lower():
        return False
    if os.name == "nt" or in_notebook():
        return True
    get = os.environ.get
    kind = get("LC_CTYPE", "")
    # Python itself has put C.UTF-8 there if the locale is C
    named = get("LC_ALL") or ("" if kind == "C.UTF-8" else kind) or get("LANG") or "C"
    return named not in ("C", "POSIX")
