"""What a page says beside the numbers: why it came out so, with pictures of what happens inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlframe.study.results import Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Part:
    """A part of a study's page: what happens inside, in words and perhaps a table or a picture.

    Args:
        title: its heading.
        text: paragraphs, with empty lines between them; `backticks` mark code.
        figure: a picture, and `alt` says in words what is seen on it.
        table: the names of columns, and rows of texts or numbers.

    Raises:
        ValueError: a picture without words.
    """

    title: str
    text: str = ""
    figure: Figure | None = None
    alt: str = ""
    table: tuple[Sequence[str], Sequence[Sequence[object]]] | None = None

    def __post_init__(self) -> None:
        if self.figure is not None and not self.alt:
            raise ValueError(
                f"study: the part {self.title!r} has a picture without alt, which says in words "
                "what is seen, for those who cannot see it"
            )


@dataclass(frozen=True)
class Explanation:
    """What a study's page says beside the numbers.

    Args:
        why: why it came out so, in paragraphs with empty lines between them.
        not_shown: what must not be concluded.
        questions: what a reader can find out by changing a line of the study.
        parts: makes the parts from the results, by the variables' names of their studies. It is
            called when a page is written: what it draws comes from the results, from files which
            runs left in their folders, or from something small that it trains again.

    >>> def parts(found):
    ...     return [Part(f"The runs of {name}", f"{len(found[name].runs)} runs.") for name in found]
    >>> text = Explanation("It is so.", "More than this.", ["And with twice as much?"], parts)
    """

    why: str
    not_shown: str
    questions: Sequence[str]
    parts: Callable[[Mapping[str, Results]], Iterable[Part]] | None = None


def paragraphs(text: str) -> list[str]:
    r"""The paragraphs of a text, each on one line.

    >>> paragraphs("one\nline\n\nand another")
    ['one line', 'and another']
    """
    found = (" ".join(part.split()) for part in text.split("\n\n"))
    return [part for part in found if part]
