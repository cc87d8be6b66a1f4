"""Files, summaries and other tools around a model."""

from __future__ import annotations

from dlframe.utils.atomic import atomic_write as atomic_write
from dlframe.utils.hdf5 import inspect as inspect
from dlframe.utils.hdf5 import load as load
from dlframe.utils.hdf5 import save as save
