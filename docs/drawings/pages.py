"""Pages in the browser, as they look: pictures taken by the system's Chromium."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dlframe import viz
from dlframe.cli import main

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def picture_of(
    url: str, ready: str, width: int, height: int, prepare: Callable[[Any], None] | None = None
) -> Path:
    """A PNG of a page, once an element `ready` can be seen and `prepare(page)` is done."""
    from playwright.sync_api import sync_playwright

    path = Path(tempfile.mkdtemp(), "page.png")
    program = next(found for name in BROWSERS if (found := shutil.which(name)))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=1)
        page.goto(url)
        page.wait_for_selector(ready)
        if prepare is not None:
            prepare(page)
        page.wait_for_timeout(500)
        page.screenshot(path=path)
        browser.close()
    return path


def watch() -> Path:
    """Two learning rates with three seeds each, as means with bands."""
    folder = Path(tempfile.mkdtemp(), "runs")
    for rate in ("0.01", "0.001"):
        for seed in ("0", "1", "2"):
            options = f"--data moons --epochs 25 --lr {rate} --seed {seed} --no-pictures --quiet"
            main(["train", *options.split(), "--out", str(folder / f"lr{rate}-seed{seed}")])
    with viz.watch(folder, open_browser=False, block=False) as watching:
        return picture_of(f"{watching.url}#group=1", ".chart-plot svg", 1250, 860)


def playground() -> Path:
    """The disk after 40 epochs, with one of the units large."""

    def train(page: Any) -> None:
        for _ in range(40):
            page.click("#epoch")
        page.wait_for_selector("#n-epoch:text-is('40')")
        page.hover("#network")

    address = "#layers=8,8&points=400"
    with viz.playground(open_browser=False, block=False) as opened:
        return picture_of(f"{opened.url}{address}", "#n-step:text-is('0')", 1500, 860, train)


def report() -> Path:
    """The upper part of the report of a small network of digits."""
    options = "--data digits --model cnn --epochs 12 --no-pictures --quiet --out runs/digits"
    with contextlib.chdir(tempfile.mkdtemp()):
        main(["train", *options.split()])
        main(["report", "runs/digits"])
        file = Path("runs/digits/report.html").resolve()
    return picture_of(file.as_uri(), ".chart-plot svg", 1000, 900)


PICTURES = {"playground": playground, "report": report, "watch": watch}
