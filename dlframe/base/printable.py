"""Texts from outside (names in files, of packages, messages of others) made safe to show."""

from __future__ import annotations


def printable(text: object, *, keep: str = "", longest: int | None = None) -> str:
    r"""The text with every character that is not printable as its escape sequence.

    A terminal obeys control characters, so a name could clear the screen, colour other lines or
    write over them; characters that change the direction of writing could hide what a name is.
    Bytes that are no UTF-8 (surrogates) could not be written at all. `keep` lists characters that
    stay as they are, such as a newline; of a text with more than `longest`, the end is left out.

    >>> printable("caf\u00e9 \x1b[2J\n")
    'café \\x1b[2J\\n'
    """
    given = str(text)
    if longest is not None and len(given) > longest:
        given = given[:longest] + "…"
    return "".join(
        c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in given
    )


def error_text(error: BaseException, *, keep: str = "") -> str:
    r"""An exception's type and message in one line, also where its own `__str__` fails.

    `keep` is that of `printable`: with a newline in it, a message keeps its lines.

    >>> error_text(ValueError("no\nsuch disk"))
    'ValueError: no\\nsuch disk'
    """
    name = printable(type(error).__name__)
    try:
        message = printable(error, keep=keep)
    except BaseException as second:  # noqa: BLE001 - the code of whoever wrote the exception
        return f"{name} (its message cannot be shown: {printable(type(second).__name__)})"
    return f"{name}: {message}" if message else name
