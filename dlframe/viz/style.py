"""The style of all pictures: colours, type, headings, and how files are saved.

Pictures are matplotlib Figures on the Agg canvas. This package never imports pyplot, so it opens no
window and does not change the user's backend or other global state. matplotlib itself is an extra,
and is imported on first use.

Colours differ in lightness first, so that a grey copy of a picture can still be read; lines differ
in dashes and markers as well.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe.errors import needs
from dlframe.utils.atomic import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

PAPER = "#ffffff"
INK = "#1d2733"
MUTED = "#5d6875"
HAIRLINE = "#dfe3e8"
BLUE = "#1c4f8c"
ORANGE = "#e8871e"
MISSING = "#d81b60"  # pixels that are NaN; the colour is rare in photographs

# Neighbours differ in lightness as well as in hue (Okabe and Ito's palette, reordered and spread).
CLASS_COLOURS = (
    "#1c4f8c",
    "#f2a93b",
    "#b8336a",
    "#7fcdbb",
    "#5b3a29",
    "#f7e26b",
    "#2e8b57",
    "#cfa5d6",
    "#d1495b",
    "#8fb8de",
)
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "<", ">", "p")

DPI = 150
GIF_DPI = 100  # of animations, which hold many pictures
MARGIN = 0.18  # inches of paper around everything
TITLE_SIZE, SUBTITLE_SIZE, LABEL_SIZE, SMALL_SIZE = 12.0, 9.0, 9.5, 8.0

RC: dict[str, Any] = {
    "figure.facecolor": PAPER,
    "savefig.facecolor": "auto",
    "savefig.dpi": "figure",
    "axes.facecolor": PAPER,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.labelcolor": INK,
    "axes.labelpad": 7.0,
    "axes.labelsize": LABEL_SIZE,
    "axes.titlesize": LABEL_SIZE + 1,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.axisbelow": True,
    "axes.formatter.use_mathtext": False,
    "grid.color": HAIRLINE,
    "grid.linewidth": 0.8,
    "font.size": LABEL_SIZE,
    "hatch.linewidth": 0.6,
    "image.interpolation": "antialiased",
    "legend.frameon": False,
    "legend.fontsize": SUBTITLE_SIZE,
    "lines.linewidth": 1.8,
    "text.color": INK,
    # a class may be called "$5-$10", which is not a formula
    "text.parse_math": False,
    "text.usetex": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": SUBTITLE_SIZE,
    "ytick.labelsize": SUBTITLE_SIZE,
    "xtick.minor.visible": False,
    "ytick.minor.visible": False,
}


class _Drawing(threading.local):
    """Whether this thread is in a block of `house_style`."""

    now = False


# matplotlib's settings are of the whole process: the first of the threads that draw at one time
# changes them, and the last restores them
_drawing = _Drawing()
_shared = threading.Lock()
_threads = 0
_settings = ExitStack()


# fonts with the characters that matplotlib's own has not: Chinese, Japanese, Korean and others
WIDE_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Noto Sans JP",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "PingFang SC",
    "Heiti SC",
    "Hiragino Sans",
    "Apple SD Gothic Neo",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "SimHei",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Arial Unicode MS",
)


def _families() -> list[str]:
    """The user's fonts, and behind them those here that have more characters."""
    import matplotlib as mpl

    own = mpl.rcParams["font.family"]
    own = [own] if isinstance(own, str) else list(own)
    return [*own, *(name for name in _wide_fonts() if name not in own)]


@lru_cache(maxsize=1)
def _wide_fonts() -> list[str]:
    from matplotlib.font_manager import fontManager

    there = {font.name for font in fontManager.ttflist}
    return [name for name in WIDE_FONTS if name in there]


@contextmanager
def house_style() -> Iterator[None]:
    """Use matplotlib's settings for our pictures in a block; afterwards restore the user's.

    Several threads can draw at one time.

    Raises MissingExtraError, which names the extra, if matplotlib is not installed.
    """
    global _threads
    with needs("matplotlib", extra="viz"):
        import matplotlib as mpl
    settings: Any = RC | {"font.family": _families()}
    if _drawing.now:  # a block inside of another
        with mpl.rc_context(settings):
            yield
        return
    with _shared:
        if not _threads:
            _settings.enter_context(mpl.rc_context(settings))
        _threads += 1
    _drawing.now = True
    try:
        yield
    finally:
        _drawing.now = False
        with _shared:
            _threads -= 1
            if not _threads:
                _settings.close()


def new_figure(
    width: float, height: float, title: str | None = None, subtitle: str | None = None
) -> Figure:
    """A figure whose body is `width` × `height` inches, with room for its heading above.

    The body's upper end, as a fraction of the figure, is `body_top(figure, height)`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from dlframe.viz.figure import Picture

    lines = [(line, TITLE_SIZE, "bold", INK) for line in wrapped(title, width, TITLE_SIZE)]
    lines += [
        (line, SUBTITLE_SIZE, "normal", MUTED) for line in wrapped(subtitle, width, SUBTITLE_SIZE)
    ]
    # the body has a margin at the top, so a small gap is enough
    strip = sum(size * 1.5 / 72 for _, size, _, _ in lines) + (0.1 if lines else 0)
    figure = Picture(figsize=(width, height + strip), dpi=DPI)
    FigureCanvasAgg(figure)
    top = height + strip - MARGIN
    for line, size, weight, colour in lines:
        figure.text(
            MARGIN / width,
            top / (height + strip),
            line,
            size=size,
            weight=weight,
            color=colour,
            va="top",
            ha="left",
        )
        top -= size * 1.5 / 72
    return figure


def body_top(figure: Figure, height: float) -> float:
    """The body's height as a fraction of the figure's: the heading is above it."""
    return float(height / figure.get_figheight())


def lay_out(figure: Figure, height: float) -> None:
    """Let matplotlib place axes, labels and colour bars in the body, without overlaps."""
    figure.set_layout_engine(
        "constrained",
        rect=(0, 0, 1, body_top(figure, height)),
        w_pad=MARGIN,
        h_pad=MARGIN * 0.8,
        wspace=0.02,
        hspace=0.04,
    )


def canvas_in_inches(figure: Figure, height: float) -> Axes:
    """One invisible axes over the body; a data unit is an inch, y runs down from the top."""
    width = figure.get_figwidth()
    axes = figure.add_axes((0, 0, 1, body_top(figure, height)))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set(xticks=[], yticks=[])
    axes.set_axis_off()
    return axes


def finish(figure: Figure, path: str | os.PathLike[str] | None) -> Figure:
    """Save the figure if a path is given, otherwise only place its parts, and return it."""
    if path is None:
        # ticks are made when drawn; made here, they have our style and not the user's
        figure.draw_without_rendering()
    else:
        save(figure, path)
    return figure


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure whole or not at all; missing folders are made, and "~" is the home folder.

    The suffix chooses the format: png, pdf, svg … A viewer of the file never sees a part of it.
    """
    form = format_of(path)
    with atomic_write(Path(path).expanduser()) as file:
        figure.savefig(file, format=form)


def format_of(path: str | os.PathLike[str]) -> str:
    """The format that the name of a picture's file chooses; ValueError if it chooses none."""
    with needs("matplotlib", extra="viz"):
        from matplotlib.backends.backend_agg import FigureCanvasAgg

    suffix = Path(path).suffix.lower().removeprefix(".")
    formats = FigureCanvasAgg.get_supported_filetypes()
    if suffix not in formats:
        raise ValueError(
            f"viz: cannot tell the format of {os.fspath(path)!r}; its name must end in one of "
            f"{', '.join('.' + name for name in sorted(formats))}"
        )
    return suffix


def save_animation(
    figure: Figure,
    path: str | os.PathLike[str],
    artists: Sequence[Any],
    frames: Iterable[None],
    seconds: float,
) -> None:
    """Write a GIF whole or not at all: the figure as it is after each step through `frames`.

    Only `artists`, which are above all others, may change. Each picture is shown for `seconds`, the
    last one for a second more; then it begins again. All share the colours of the last, so that the
    file stays small.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    target = Path(path).expanduser()
    if target.suffix.lower() != ".gif":
        raise ValueError(f"viz: an animation is a GIF; {str(target)!r} must end in .gif")
    figure.set_dpi(GIF_DPI)
    canvas: Any = FigureCanvasAgg(figure)
    for artist in artists:
        artist.set_animated(True)  # left out by draw()
    canvas.draw()
    still = canvas.copy_from_bbox(figure.bbox)  # drawn once: contours take a fifth of a second
    pictures = []
    for _ in frames:
        canvas.restore_region(still)
        for artist in artists:
            artist.axes.draw_artist(artist)
        pictures.append(Image.fromarray(np.array(canvas.buffer_rgba())[..., :3]))
    palette = pictures[-1].quantize(64, method=Image.Quantize.MAXCOVERAGE)
    few = [one.quantize(palette=palette, dither=Image.Dither.NONE) for one in pictures]
    # a GIF counts in hundredths of a second, and viewers take less than two for ten
    each = max(20, round(100 * seconds) * 10)
    times = [each] * (len(few) - 1) + [each + 1000]
    with atomic_write(target) as file:
        few[0].save(
            file,
            "GIF",
            save_all=True,
            append_images=few[1:],
            duration=times,
            loop=0,
            optimize=False,
        )


def blue_scale() -> Colormap:
    """A colour map from white for 0 to dark blue for the largest value."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(
        "dlframe_blue", ["#ffffff", "#d5e3f3", "#8db4dc", "#3f78b5", "#123a6b"]
    )


def pale_scale() -> Colormap:
    """A colour map from white for what is low to a pale grey blue, on which lines can be read."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("dlframe_pale", ["#ffffff", "#c3d2e2"])


def shade_between(axes: Axes, x: Any, y: Any, heights: Any, levels: Any) -> None:
    """Fill the areas between every fourth of the contour lines at `levels` with `pale_scale`."""
    areas = np.unique([*levels[::4], levels[-1]])  # few shades, for the small palette of a GIF
    shades = list(pale_scale()(np.linspace(0, 1, len(areas) - 1)))
    axes.contourf(x, y, heights, levels=areas, colors=shades)


@lru_cache(maxsize=4096)
def text_width(text: str, size: float, weight: str = "normal") -> float:
    """The width of a line of text in inches."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    if not text.strip():
        return 0.0
    font = FontProperties(size=size, weight=weight)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width) / 72


def wrapped(text: str | None, width: float, size: float) -> list[str]:
    """The lines of a heading that is `width` inches wide."""
    lines: list[str] = []
    for paragraph in (text or "").splitlines():
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".strip()
            if line and text_width(longer, size, "bold") > width - 2 * MARGIN:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines


def shortened(text: str, limit: int) -> str:
    """The text, cut to at most `limit` characters, of which the last is then an ellipsis."""
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def shortened_apart(texts: Sequence[str], limit: int) -> list[str]:
    """Texts, each cut to at most `limit` characters, so that different ones stay different.

    Those that would be the same without their ends lose their middle instead, as far as it helps.

    >>> shortened_apart(["a golden retriever", "a golden eagle", "cat"], 10)
    ['a go…iever', 'a go…eagle', 'cat']
    """
    texts = [" ".join(text.split()) for text in texts]
    cut = [shortened(text, limit) for text in texts]
    wholes: dict[str, set[str]] = {}
    for text, short in zip(texts, cut, strict=True):
        wholes.setdefault(short, set()).add(text)
    end = limit // 2
    return [
        short
        if len(wholes[short]) == 1
        else f"{text[: limit - 1 - end].rstrip()}…{text[-end:].lstrip()}"
        for text, short in zip(texts, cut, strict=True)
    ]


def fitting(text: str, inches: float, size: float, weight: str = "normal") -> str:
    """The text in one line, shortened to this width."""
    text = " ".join(text.split())
    limit = len(text)
    while limit > 4 and text_width(shortened(text, limit), size, weight) > inches:
        limit -= 1
    return shortened(text, limit)


def class_names(classes: Sequence[object] | None, count: int) -> list[str]:
    """The classes' names, or their numbers where no names were given."""
    names = [str(i) for i in range(count)] if classes is None else [str(c) for c in classes]
    if len(names) < count:
        raise ValueError(f"viz: {len(names)} class names for {count} classes")
    return names


def percent(share: float) -> str:
    """A share in percent: 0.964 is "96.4 %". Only 1 itself, but for last bits, is "100 %"."""
    if min(abs(share), abs(1 - share)) < 1e-12:
        return f"{share * 100:.0f} %"
    return f"{min(max(share * 100, 0.1), 99.9):.1f} %"
