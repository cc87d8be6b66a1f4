"""What goes on beside a training: `Callback`, and a file for each kind of callback."""

from __future__ import annotations

__all__: list[str] = []
