"""``python -m dlframe.cli``."""

from __future__ import annotations

import sys

from dlframe.cli import main

sys.exit(main())
