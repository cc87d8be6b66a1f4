"""Write docs/coverage.md from the tables of samples."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from samples.coverage import class_rows, page, rows  # noqa: E402 - after its folder is on the path


def main() -> None:
    (ROOT / "docs" / "coverage.md").write_text(page(), encoding="utf-8")
    for section, found in rows().items():
        for row in found:
            if row.missing:
                print(f"{section}: {row.name} lacks {', '.join(row.missing)}")
    for row in class_rows():
        if row.missing:
            print(f"nn.{row.name} lacks {', '.join(row.missing)}")


if __name__ == "__main__":
    main()
