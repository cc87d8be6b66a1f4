"""A report in a real browser: it asks for nothing, its values can be read, and it fits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, viz
from dlframe.training import NormLog, StepLog

expect = pytest.importorskip("playwright.sync_api", reason="comes with the test extra").expect
pytest.importorskip("matplotlib", reason="comes with the viz extra")
pytestmark = pytest.mark.slow  # a browser starts in a second or two


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dl.Trainer]:
    """A report of images with all its sections, and with long names of classes."""
    rng = np.random.default_rng(3)
    y = np.arange(120) % 4
    x = (rng.random((120, 1, 8, 8)) + (y / 4)[:, None, None, None]).astype(np.float32)
    dl.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(108, 4))
    trainer = dl.Trainer(
        model, "cross_entropy", "adam", ["accuracy"], [StepLog(), NormLog()], scheduler="cosine"
    )
    trainer.fit(x[:80], y[:80], validation_data=(x[80:], y[80:]), epochs=5, progress=False)
    path = tmp_path_factory.mktemp("report") / "report.html"
    names = ["cat", "a class with a long name of several words", "W" * 60, "<b>"]
    viz.report(trainer, classes=names, path=path)
    return path, trainer


def read_all(page: Any) -> None:
    """Scroll to the end, so that every picture has been loaded."""
    page.evaluate("""async () => {
        for (const image of document.images) { image.loading = "eager"; await image.decode(); }
    }""")


@pytest.mark.parametrize("width", [320, 400, 800, 1600])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_it_fits_and_all_is_shown(
    written: tuple[Path, Any], watched: Callable[..., Any], width: int, colours: str
) -> None:
    page = watched(viewport={"width": width, "height": 900}, color_scheme=colours)
    page.goto(written[0].as_uri())
    read_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("img").count() == 5
    sizes = page.evaluate("[...document.images].map(one => one.naturalWidth)")
    assert all(size > 0 for size in sizes)
    assert page.locator("[data-chart] svg .chart-lines").count() == 7


def test_it_asks_for_nothing(written: tuple[Path, Any], page: Any) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(written[0].as_uri())
    read_all(page)
    assert [url for url in asked if not url.startswith("data:")] == [written[0].as_uri()]


def test_the_values_of_a_curve(written: tuple[Path, Any], page: Any) -> None:
    path, trainer = written
    page.goto(path.as_uri())
    chart = page.locator("[data-chart]").first
    page.keyboard.press("Tab")
    chart.locator(".chart-plot").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    row = chart.locator(".chart-readout .chart-row")
    assert chart.locator(".chart-where").text_content() == "epoch 3"
    for i, name in enumerate(("loss", "val_loss")):
        shown = float(row.nth(i).locator("b").text_content())
        assert shown == pytest.approx(trainer.history[name][2], rel=1e-4)
    chart.locator(".chart-plot").blur()
    box = chart.locator(".chart-plot").bounding_box()
    page.mouse.move(box["x"] + box["width"] - 16, box["y"] + 120)
    assert chart.locator(".chart-where").text_content() == "epoch 5"
    shown = float(row.first.locator("b").text_content())
    assert shown == pytest.approx(trainer.history["loss"][4], rel=1e-4)


def test_all_of_it_with_the_keyboard(written: tuple[Path, Any], page: Any) -> None:
    """Tab reaches every link, line and table; what has the focus can be seen."""
    page.goto(written[0].as_uri())
    reached = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        found = page.evaluate("""() => {
            const one = document.activeElement;
            const outline = getComputedStyle(one).outlineStyle;
            return [one.tagName, one.className || one.type || "", outline];
        }""")
        if found[0] == "BODY":
            break
        reached.add((found[0], found[1]))
        assert found[2] != "none", found
    expected = {("A", ""), ("DIV", "chart-plot"), ("BUTTON", "chart-key"), ("DIV", "scrolls"),
                ("SUMMARY", ""), ("INPUT", "checkbox")}  # fmt: skip
    assert expected <= {(tag, "" if tag == "A" else name) for tag, name in reached}


CONTRAST = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const light = (text) => {
    const [r, g, b] = rgb(text).map((v) => v / 255).map(
      (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (one) => {
    for (; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (colour !== "rgba(0, 0, 0, 0)") return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const found = {};
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const one = node.parentElement;
    if (!node.data.trim() || one.closest("script, style, .chart-readout")) continue;
    const style = getComputedStyle(one);
    const ink = one.closest("svg") ? style.fill : style.color;
    const [a, b] = [light(ink), light(behind(one))].sort((x, y) => y - x);
    found[`${one.tagName}.${one.getAttribute("class")}`] = (a + 0.05) / (b + 0.05);
  }
  return found;
}"""


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_contrast(written: tuple[Path, Any], watched: Callable[..., Any], colours: str) -> None:
    """WCAG 2.2, level AA: 4.5 for all texts."""
    page = watched(color_scheme=colours)
    page.goto(written[0].as_uri())
    found = page.evaluate(CONTRAST)
    assert len(found) > 15
    assert min(found.values()) >= 4.5, found


def test_on_paper(written: tuple[Path, Any], page: Any) -> None:
    page.goto(written[0].as_uri())
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    expect(page.locator(".chart-controls").first).to_be_hidden()
    assert len(page.pdf()) > 20_000
