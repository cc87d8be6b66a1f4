from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlframe.base.printable import error_text, printable


@given(st.text(st.characters()))  # all of Unicode, surrogates too
def test_the_result_can_be_shown_and_written_anywhere(text):
    shown = printable(text)
    assert shown.isprintable()
    shown.encode()
    assert (shown == text) == text.isprintable()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b", "a b"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("\x9b2J", r"\x9b2J"),  # one byte that some terminals take for an escape sequence
        ("txt.\u202egnp", r"txt.\u202egnp"),  # writes from right to left
        ("a\u2028b\rc", r"a\u2028b\rc"),
        ("\udcff", r"\udcff"),  # the byte 255 in a path
        ("été ≤ 好 🙂", "été ≤ 好 🙂"),
    ],
)
def test_examples(text, shown):
    assert printable(text) == shown


def test_lines_can_be_kept():
    assert printable("a\nb\r", keep="\n") == "a\nb\\r"


class Mute(Exception):
    def __init__(self, how):
        self.how = how

    def __str__(self):
        raise self.how


@pytest.mark.parametrize("how", [ValueError("x"), SystemExit(1), KeyboardInterrupt()])
def test_an_exception_that_cannot_say_what_it_is(how):
    assert error_text(Mute(how)) == (f"Mute (its message cannot be shown: {type(how).__name__})")


def test_an_exception_without_a_message():
    assert error_text(MemoryError()) == "MemoryError"
    assert error_text(OSError("No such\x1bfile")) == r"OSError: No such\x1bfile"
