"""``python -m dlframe``."""

from __future__ import annotations

import sys

from dlframe.cli import main

sys.exit(main())
