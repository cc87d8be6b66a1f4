"""The figures that pictures return: matplotlib's, and a notebook shows them.

Imported on first use, since it needs matplotlib.
"""

from __future__ import annotations

import io
from typing import Any

from matplotlib.figure import Figure

from dlframe.viz.style import house_style


class Picture(Figure):
    """A matplotlib Figure that shows itself as the last line of a notebook's cell.

    A notebook shows other figures only after pyplot was imported, which opens windows elsewhere.
    """

    def _repr_png_(self) -> tuple[bytes, dict[str, Any]]:
        """The picture for a notebook, in twice as many pixels as it is wide on the page."""
        file = io.BytesIO()
        with house_style():
            self.savefig(file, format="png", dpi=2 * PAGE_DPI)
        width, height = (round(inches * PAGE_DPI) for inches in self.get_size_inches())
        return file.getvalue(), {"width": width, "height": height}


PAGE_DPI = 80  # of notebooks: a picture of 9 inches fits in a page
