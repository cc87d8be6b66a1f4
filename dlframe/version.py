"""The version, in a module of its own so that files and plugins can note it without a cycle."""

from __future__ import annotations

__version__ = "0.1.0"
