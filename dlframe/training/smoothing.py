"""Running means of noisy numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def smoothed(y: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    """The running mean m ← weight · m + (1 - weight) · y, corrected for its start at zero.

    The correction is that of Adam (Kingma and Ba, 2015, section 3). Values that are not finite are
    skipped.
    """
    out = np.full_like(y, np.nan)
    mean, total = 0.0, 0.0
    for i in np.flatnonzero(np.isfinite(y)):
        mean = weight * mean + (1 - weight) * float(y[i])
        total = weight * total + (1 - weight)
        out[i] = mean / total
    return out
