"""What the tests of pictures share."""

from __future__ import annotations

import pytest
from browser import browser, page, watched

__all__ = ["browser", "page", "watched"]  # fixtures; the others are below


@pytest.fixture
def texts():
    """All texts of a figure that can be seen, in no particular order."""

    def found(figure):
        from matplotlib.text import Text

        figure.draw_without_rendering()
        return {
            artist.get_text()
            for artist in figure.findobj(Text)
            if artist.get_visible() and artist.get_text()
        }

    return found


@pytest.fixture
def inside():
    """Asserts that nothing of a figure, such as a long name, is cut off at its edges."""

    def check(figure):
        figure.canvas.draw()
        drawn = figure.get_tightbbox(figure.canvas.get_renderer())
        width, height = figure.get_size_inches()
        pixel = 1 / figure.dpi
        assert drawn.x0 >= -pixel
        assert drawn.y0 >= -pixel
        assert drawn.x1 <= width + pixel
        assert drawn.y1 <= height + pixel

    return check
