"""charts.js in a real browser: what it draws, and what can be read from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlframe.training.smoothing import smoothed
from dlframe.viz.pages.html import asset, element, line_chart
from dlframe.viz.pages.html import page as whole_page

expect = pytest.importorskip("playwright.sync_api", reason="comes with the test extra").expect
pytestmark = pytest.mark.slow  # a browser starts in a second or two

TWO: dict[str, Any] = {
    "series": [
        {"name": "loss", "y": [2.0, 1.0, 0.5, 0.25]},
        {"name": "val_loss", "x": [1, 2, 4], "y": [2.5, None, 1.5]},
    ],
    "xLabel": "epoch",
    "yLabel": "loss",
}


@pytest.fixture
def shown(page: Any, tmp_path: Path) -> Callable[..., Any]:
    """Opens a page with charts from a file; returns the first chart."""

    def show(*options: dict[str, Any], on: Any = page) -> Any:
        charts = [line_chart(one) for one in options]
        text = whole_page("Charts", element("main", charts), scripts=[asset("charts.js")])
        file = tmp_path / "charts.html"
        file.write_text(text, encoding="utf-8")
        on.goto(file.as_uri())
        return on.locator("[data-chart]").first

    return show


def paths(chart: Any, of: str = "chart-line") -> list[list[tuple[float, float]]]:
    """The corners of each line of the plot; a line in several pieces has them one after another."""
    found = chart.locator(f".chart-lines .{of}").evaluate_all(
        "e => e.map(p => p.getAttribute('d'))"
    )
    return [
        [(float(x), float(y)) for x, y in re.findall(r"([-\d.]+) ([-\d.]+)", one)] for one in found
    ]


def rows(chart: Any) -> list[str]:
    return [text.strip() for text in chart.locator(".chart-readout > div").all_text_contents()]


def drawn(chart: Any) -> None:
    """Wait until a change has been drawn."""
    chart.evaluate("() => new Promise(d => requestAnimationFrame(() => requestAnimationFrame(d)))")


def test_values_by_mouse(shown: Callable[..., Any], page: Any) -> None:
    chart = shown(TWO)
    box = chart.locator(".chart-plot").bounding_box()
    first, *_, last = paths(chart)[0]
    for epoch, expected in ((1, ["loss2", "val_loss2.5"]), (2, ["loss1", "val_loss–"])):
        x = first[0] + (last[0] - first[0]) * (epoch - 1) / 3
        page.mouse.move(box["x"] + x + 5, box["y"] + 100)
        assert rows(chart) == [f"epoch {epoch}", *expected]
    page.mouse.move(box["x"] + first[0] + (last[0] - first[0]) * 2 / 3, box["y"] + 50)
    assert rows(chart) == ["epoch 3", "loss0.5", "val_loss– at 2"]
    page.mouse.move(box["x"] + 100, box["y"] - 300)
    expect(chart.locator(".chart-readout")).to_be_hidden()


def test_values_by_keyboard(shown: Callable[..., Any], page: Any) -> None:
    chart = shown(TWO)
    plot = chart.locator(".chart-plot")
    plot.focus()
    assert rows(chart)[0] == "epoch 4"
    for key, epoch in (("ArrowLeft", 3), ("Home", 1), ("ArrowLeft", 1), ("ArrowRight", 2),
                       ("End", 4), ("PageDown", 3), ("PageUp", 4)):  # fmt: skip
        page.keyboard.press(key)
        assert rows(chart)[0] == f"epoch {epoch}", key
    assert plot.get_attribute("aria-valuetext") == "epoch 4, loss 0.25, val_loss 1.5"
    assert plot.get_attribute("aria-label") == "loss over epoch, from 0.25 to 2.5"
    page.keyboard.press("Escape")
    expect(chart.locator(".chart-readout")).to_be_hidden()


def test_values_by_finger(shown: Callable[..., Any], watched: Callable[..., Any]) -> None:
    phone = watched(viewport={"width": 360, "height": 700}, has_touch=True, is_mobile=True)
    chart = shown(TWO, on=phone)
    box = chart.locator(".chart-plot").bounding_box()
    phone.touchscreen.tap(box["x"] + box["width"] - 5, box["y"] + 80)
    assert rows(chart) == ["epoch 4", "loss0.25", "val_loss1.5"]
    readout = chart.locator(".chart-readout").bounding_box()
    assert readout["x"] >= box["x"]
    assert readout["x"] + readout["width"] <= box["x"] + box["width"]
    assert phone.evaluate("document.documentElement.scrollWidth") == 360


def test_the_legend_hides_lines(shown: Callable[..., Any], page: Any) -> None:
    chart = shown(TWO)
    assert len(paths(chart)) == 2
    key = chart.get_by_role("button", name="val_loss")
    key.click()
    drawn(chart)
    assert key.get_attribute("aria-pressed") == "false"
    assert len(paths(chart)) == 1
    chart.locator(".chart-plot").focus()
    assert rows(chart) == ["epoch 4", "loss0.25"]
    key.focus()
    page.keyboard.press("Enter")
    drawn(chart)
    assert len(paths(chart)) == 2
    key.dblclick()
    drawn(chart)
    pressed = chart.locator(".chart-key").evaluate_all("k => k.map(one => one.ariaPressed)")
    assert pressed == ["false", "true"]


def test_gaps_and_lone_points(shown: Callable[..., Any]) -> None:
    y = [1.0, 2.0, None, 4.0, None, None, 7.0, 8.0]
    chart = shown({"series": [{"name": "loss", "y": y}], "xLabel": "epoch"})
    (line,), (dots,) = paths(chart), paths(chart, "chart-dot")
    assert len(line) == 4
    assert len(dots) == 1
    spans = np.diff([x for x, _ in line])
    assert spans[0] == pytest.approx(spans[2], abs=0.2)
    assert spans[1] == pytest.approx(5 * spans[0], abs=0.5)
    expect(chart.locator(".chart-note")).to_have_text(
        "not finite, or missing: loss (3 of 8 values)"
    )


def test_a_constant_is_a_level_line(shown: Callable[..., Any]) -> None:
    noise = [0.1 + 0.2, 0.3, 0.3, 0.1 + 0.2]  # equal, but for the last bit
    for y in ([0.001] * 5, [0.0] * 3, noise, [-7] * 4, [1e300] * 3):
        (line,) = paths(shown({"series": [{"name": "lr", "y": y}]}))
        heights = [y for _, y in line]
        assert max(heights) - min(heights) < 0.1
        assert 26 < heights[0] < 260 - 42


def test_nothing_to_draw(shown: Callable[..., Any]) -> None:
    nothing = {"series": [{"name": "loss", "y": [None, None]}], "xLabel": "epoch"}
    chart = shown(nothing, {"series": []}, {"series": [{"name": "loss", "y": []}]})
    expect(chart.locator(".chart-nothing")).to_have_text("no finite values")
    chart.locator(".chart-plot").focus()
    expect(chart.locator(".chart-readout")).to_be_hidden()
    expect(chart.page.locator(".chart-nothing").nth(1)).to_have_text("nothing yet")
    assert chart.page.locator(".chart-nothing").count() == 3


def test_ten_thousand_points_keep_their_extremes(shown: Callable[..., Any], seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.random(10_000)
    y[1234], y[8765] = 9.0, -9.0
    y[5000:5100] = np.nan
    chart = shown({"series": [{"name": "loss", "y": y}]}, {"series": [{"name": "l", "y": y[:50]}]})
    (line,) = paths(chart)
    assert 900 < len(line) < 4_500
    heights = np.array([height for _, height in line])
    low, high = heights.argmax(), heights.argmin()  # y grows downwards
    left, right = line[0][0], line[-1][0]
    assert line[high][0] == pytest.approx(left + (right - left) * 1234 / 9999, abs=0.2)
    assert line[low][0] == pytest.approx(left + (right - left) * 8765 / 9999, abs=0.2)
    middle = (heights.max() + heights.min()) / 2
    assert sorted(heights)[1] > middle - (middle - heights.min()) * 0.2  # the only such ones
    chart.locator(".chart-plot").focus()
    chart.page.keyboard.press("ArrowLeft")  # each point is still there to be read
    assert rows(chart) == ["x 9999", f"loss{float(f'{y[9998]:.5g}'):g}"]


def test_a_logarithmic_axis(shown: Callable[..., Any]) -> None:
    y = [1000.0, 100.0, 0.0, 10.0, -5.0, 1.0]
    chart = shown({"series": [{"name": "loss", "y": y}], "xLabel": "epoch", "logY": True})
    ((_, a), (_, b)), dots = paths(chart)[0], paths(chart, "chart-dot")[0]
    assert (dots[0][1] - b) == pytest.approx(b - a, abs=0.3)  # decades are equally far apart
    assert (dots[1][1] - dots[0][1]) == pytest.approx(b - a, abs=0.3)
    expect(chart.locator(".chart-note")).to_have_text("not above 0: loss (2 of 6 values)")
    box = chart.get_by_label("log scale")
    expect(box).to_be_checked()
    box.uncheck()
    drawn(chart)
    assert len(paths(chart)[0]) == 6
    assert chart.locator(".chart-text text").all_text_contents()[:3] == ["0", "250", "500"]


def test_a_band_down_to_zero_ends_at_the_foot_of_a_logarithmic_axis(
    shown: Callable[..., Any],
) -> None:
    band = {"low": [0.5, -1.0, -0.1], "high": [2.0, 1.5, 0.2]}
    chart = shown({"series": [{"name": "loss", "y": [1.0, 0.1, 0.01], "band": band}],
                   "xLabel": "epoch", "logY": True})  # fmt: skip
    [corners] = paths(chart, "chart-band")
    assert len(corners) == 6  # three above, and back below
    [line] = paths(chart)
    heights = [y for _, y in corners]
    assert heights[3] == heights[4] > max(y for _, y in line)


def test_smoothing_is_the_library_s(shown: Callable[..., Any], seed: int) -> None:
    y = np.random.default_rng(seed).random(20)
    y[7] = np.nan
    chart = shown({"series": [{"name": "loss", "y": y}], "xLabel": "epoch"})
    chart.get_by_label("smoothing").fill("0.8")
    drawn(chart)
    pale, line = paths(chart)
    assert len(pale) == len(line) == 19
    chart.locator(".chart-plot").focus()
    mean = smoothed(y, 0.8)[-1]
    own, said = re.fullmatch(r"loss([\d.]+) \(mean ([\d.]+)\)", rows(chart)[1]).groups()
    assert float(own) == pytest.approx(y[-1], rel=1e-4)
    assert float(said) == pytest.approx(mean, rel=1e-4)


def test_several_runs_become_a_mean_with_a_band(shown: Callable[..., Any]) -> None:
    runs = [{"y": [1, 2, 3]}, {"y": [3, 4, None]}, {"x": [1, 2, 3, 4], "y": [5, 6, 5, 9]}]
    chart = shown({"series": [{"name": "seeds", "runs": runs}], "xLabel": "epoch"})
    chart.locator(".chart-plot").focus()
    expected = ["9 (9 to 9)", "4 (3 to 5)", "4 (2 to 6)", "3 (1 to 5)"]
    for epoch, text in zip((4, 3, 2, 1), expected, strict=True):
        assert rows(chart) == [f"epoch {epoch}", f"seeds{text}"]
        chart.page.keyboard.press("ArrowLeft")
    assert len(paths(chart, "chart-band")[0]) == 8


def test_an_update_is_drawn_in_place(shown: Callable[..., Any], page: Any) -> None:
    chart = shown(TWO)
    chart.get_by_role("button", name="val_loss").click()
    chart.locator(".chart-plot").focus()
    page.keyboard.press("Home")
    longer = [{"name": "loss", "y": [2, 1, 0.5, 0.25, 0.125]}, {"name": "val_loss", "y": [1, 2]}]
    chart.evaluate("(e, series) => { dlframeCharts.of(e).update({series}); }", longer)
    drawn(chart)
    assert [len(line) for line in paths(chart)] == [5]  # what was hidden stays hidden
    assert rows(chart) == ["epoch 1", "loss2"]  # and what was looked at
    assert page.evaluate("document.activeElement.className") == "chart-plot"
    chart.evaluate("e => dlframeCharts.of(e).destroy()")
    expect(chart).to_be_empty()


def test_a_chart_follows_the_width_of_the_page(shown: Callable[..., Any], page: Any) -> None:
    chart = shown(TWO)
    wide = paths(chart)[0][-1][0]
    page.set_viewport_size({"width": 320, "height": 700})
    drawn(chart)
    narrow = paths(chart)[0][-1][0]
    assert narrow < 320 < wide
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_x_values_in_any_order(shown: Callable[..., Any]) -> None:
    chart = shown({"series": [{"name": "loss", "x": [3, 1, None, 2], "y": [30, 10, 99, 20]}]})
    (line,) = paths(chart)
    assert [x for x, _ in line] == sorted(x for x, _ in line)
    chart.locator(".chart-plot").focus()
    assert rows(chart) == ["x 3", "loss30"]


def test_marks_and_unsuited_options(shown: Callable[..., Any]) -> None:
    chart = shown({**TWO, "marks": [{"x": 3, "text": "best"}, {"x": 99, "text": "outside"}]})
    assert chart.locator(".chart-mark").count() == 1
    assert "best" in chart.locator(".chart-text text").all_text_contents()
    error = chart.evaluate(
        """e => { try { dlframeCharts.line(e, {series: [{name: "a", x: [1], y: [1, 2]}]}); }
        catch (error) { return String(error); } }"""
    )
    assert error == "RangeError: a: 1 x values for 2 y values"


def test_numbers_as_text(shown: Callable[..., Any]) -> None:
    expected = {
        "0": "0", "1 / 3": "0.33333", "123456.7": "123456.7", "1234567": "1234567",
        "1.5e-7": "1.5e−7", "-2.5": "−2.5", "NaN": "–", "null": "–", "-Infinity": "−∞",
        "1234567.8": "1234568", "1e21": "1e+21",
    }  # fmt: skip
    chart = shown(TWO)
    found = {value: chart.evaluate(f"() => dlframeCharts.format({value})") for value in expected}
    assert found == expected
