"""The page of `viz.watch` in a real browser, while real trainings write."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dlframe import viz
from dlframe.viz.watch import watching as watching_module
from tests.browser import broken_words

expect = pytest.importorskip("playwright.sync_api", reason="comes with the test extra").expect
pytestmark = pytest.mark.slow  # a browser starts in a second or two

OLD = 1e9  # seconds since 1970

# one run, at a pace that is told by lines on stdin
TRAINING = """
import sys
from dlframe import nn, optim, randn
from dlframe.training import Callback, JSONLogger, Trainer

class Wait(Callback):
    def on_epoch_begin(self, trainer):
        sys.stdin.readline()

model = nn.Linear(2, 1)
loggers = [JSONLogger(sys.argv[1] + "/metrics.jsonl"), Wait()]
trainer = Trainer(model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1), [], loggers)
x = randn(64, 2)
trainer.fit(x, x.sum(dim=1, keepdim=True), validation_split=0.25, epochs=5, progress=False)
"""


def write(folder: Path, *losses: float, **config: Any) -> Path:
    """A run that ended long ago."""
    folder.mkdir(parents=True)
    file = folder / "metrics.jsonl"
    records = [
        {"epoch": n, "loss": loss, "val_loss": 2 * loss, "accuracy": 1 - loss / 9, "seconds": 0.5}
        for n, loss in enumerate(losses, 1)
    ]
    file.write_text("".join(json.dumps(one) + "\n" for one in records))
    if config:
        (folder / "config.json").write_text(json.dumps(config))
    os.utime(file, (OLD, OLD + len(folder.parent.name)))
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Four runs, two of which differ in the seed alone."""
    folder = tmp_path / "runs"
    write(folder / "sgd-1", 3.0, 2.0, 1.0, epochs=3, optimizer="SGD", seed=1)
    write(folder / "sgd-2", 3.0, 2.5, 1.5, epochs=3, optimizer="SGD", seed=2)
    write(folder / "adam-1", 2.0, 1.0, 0.25, epochs=3, optimizer="Adam", seed=1)
    write(folder / "short", 4.0, 3.5, epochs=3, optimizer="SGD", lr=0.5, seed=1)
    return folder


@pytest.fixture
def shown(page: Any, runs: Path) -> Iterator[Any]:
    """The page of these runs, when it has drawn them."""
    with viz.watch(runs, open_browser=False, block=False) as watching:
        page.goto(watching.url)
        page.watching = watching
        expect(page.locator("#runs li")).to_have_count(4)
        eventually(lambda: len(drawn(page)), 8)
        yield page
        page.goto("about:blank")  # a stream that ends would be an error in the console


def lines(page: Any, quantity: str) -> list[dict[str, Any]]:
    """What is drawn in the chart of a quantity."""
    return page.evaluate(
        """(quantity) => {
          for (const box of document.querySelectorAll("#charts > div")) {
            const chart = dlframeCharts.of(box);
            if (chart.options.yLabel !== quantity) continue;
            return chart.lines.map(({name, look, x, y, band}) => ({name, look,
              x: Array.from(x), y: Array.from(y), band: band && band.high.map(Number)}));
          }
          return [];
        }""",
        quantity,
    )


def names(page: Any) -> list[str]:
    return page.locator("#runs li .name").all_inner_texts()


def rows(page: Any) -> list[list[str]]:
    found = page.locator("#compare tbody tr").all()
    return [one.locator("th, td").all_inner_texts() for one in found]


def line_of(page: Any, name: str) -> dict[str, Any]:
    """What is drawn of a run in the chart of the loss."""
    found = [one for one in lines(page, "loss") if one["name"] == name]
    return found[0] if found else {"x": None, "y": None}


def frames(page: Any) -> None:
    """Wait for all that is to be drawn: the page's own frame, that of its charts, and one more."""
    frame = "requestAnimationFrame"
    page.evaluate(f"() => new Promise((done) => {frame}(() => {frame}(() => {frame}(done))))")


def drawn(page: Any, quantity: str = "loss") -> set[str]:
    frames(page)
    return {line["name"] for line in lines(page, quantity)}


def eventually(look: Callable[[], Any], expected: Any) -> None:
    """Assert that `look()` comes to be what is expected: the page may wait for the server."""
    end = time.monotonic() + 15
    while (found := look()) != expected and time.monotonic() < end:
        time.sleep(0.05)
    assert found == expected


# --- what is shown -----------------------------------------------------------------------------


def test_the_curves_of_all_runs(shown: Any) -> None:
    expect(shown.locator("#counts")).to_have_text("4 runs: 1 interrupted, 3 finished")
    found = {line["name"]: line for line in lines(shown, "loss")}
    assert found["adam-1"]["y"] == [4.0, 2.0, 0.5]
    assert found["adam-1, training"]["y"] == [2.0, 1.0, 0.25]
    assert found["adam-1"]["x"] == [1, 2, 3]
    assert len(found) == 8
    assert len({line["look"] for line in found.values()}) == 8
    assert found["adam-1, training"]["look"] == f"{found['adam-1']['look']} is-training"
    assert [line["name"] for line in lines(shown, "accuracy")] == [
        "adam-1",
        "sgd-1",
        "sgd-2",
        "short",
    ]
    assert lines(shown, "seconds") == []
    shown.get_by_text("Quantities", exact=True).click()
    shown.get_by_label("seconds", exact=True).check()
    expect(shown.locator("#charts > div")).to_have_count(3)
    assert lines(shown, "seconds")[0]["y"] == [0.5] * 3


def test_best_values_and_settings(shown: Any) -> None:
    head = shown.locator("#compare thead th").all_inner_texts()
    assert head[:5] == ["run", "status", "epochs done", "seconds", "best val_loss"]
    assert head[5:] == ["optimizer", "seed", "lr", "best loss", "best accuracy"]
    adam = rows(shown)[0]
    assert adam[:5] == ["adam-1", "✓ finished", "3", "1.5", "0.5 at 3"]
    assert adam[5:9] == ["Adam", "1", "", "0.25 at 3"]
    best = shown.locator("#compare .best")
    assert best.all_inner_texts() == ["0.5", "0.25", format(1 - 0.25 / 9, ".5g")]
    marked = shown.locator("#compare .differs").all_inner_texts()
    assert sorted(marked) == ["2", "Adam"]
    shown.get_by_label("settings that are equal").check()
    expect(shown.locator("#compare thead th")).to_have_count(11)
    shown.locator("#compare thead button", has_text="best val_loss").click()
    assert [row[0] for row in rows(shown)] == ["adam-1", "sgd-1", "sgd-2", "short"]
    shown.locator("#compare thead button", has_text="best val_loss").click()
    expect(shown.locator("#compare thead th[aria-sort=descending]")).to_have_count(1)
    assert [row[0] for row in rows(shown)] == ["short", "sgd-2", "sgd-1", "adam-1"]
    shown.locator("#compare thead button", has_text="lr").click()
    assert rows(shown)[0][0] == "short", "those without a value come last"


def test_filters_and_orders(shown: Any) -> None:
    shown.locator("#filter").fill("optimizer=sgd SEED=1")
    expect(shown.locator("#runs li")).to_have_count(2)
    eventually(lambda: drawn(shown), {"sgd-1", "sgd-1, training", "short", "short, training"})
    expect(shown.locator("#compare tbody tr")).to_have_count(2)
    expect(shown.locator("#counts")).to_contain_text("the filter lists 2")
    shown.get_by_label("regular expression").check()
    shown.locator("#filter").fill("^(adam|short)")
    expect(shown.locator("#runs li")).to_have_count(2)
    assert sorted(names(shown)) == ["adam-1", "short"]
    shown.locator("#filter").fill("(")
    expect(shown.locator("#filter-fault")).to_contain_text("This is no regular expression")
    expect(shown.locator("#runs li")).to_have_count(4)
    shown.locator("#filter").fill("nothing like it")
    expect(shown.locator("#no-runs")).to_have_text("No run matches the filter.")
    expect(shown.locator("#nothing")).to_be_visible()
    shown.locator("#filter").fill("")
    for order, expected in {
        "by name": ["adam-1", "sgd-1", "sgd-2", "short"],
        "best first": ["adam-1", "sgd-1", "sgd-2", "short"],
        "by status": ["short", "adam-1", "sgd-1", "sgd-2"],
    }.items():
        shown.locator("#order").select_option(label=order)
        frames(shown)
        assert names(shown) == expected, order


def test_runs_are_shown_and_hidden(shown: Any) -> None:
    shown.get_by_label("show adam-1").uncheck()
    assert "adam-1" not in drawn(shown)
    shown.get_by_role("button", name="Show none").click()
    expect(shown.locator("#nothing")).to_have_text("No run is shown: check one in the list.")
    shown.locator("#filter").fill("sgd-")
    shown.get_by_role("button", name="Show all").click()
    shown.locator("#filter").fill("")
    eventually(lambda: {name.partition(",")[0] for name in drawn(shown)}, {"sgd-1", "sgd-2"})
    before = lines(shown, "loss")[0]["look"]
    shown.get_by_label("another look for sgd-1").click()
    drawn(shown)
    assert lines(shown, "loss")[0]["look"] != before


def test_groups_axes_smoothing_and_roles(shown: Any) -> None:
    shown.get_by_label("mean over seeds").check()
    assert "sgd (2 seeds)" in drawn(shown)
    mean = next(one for one in lines(shown, "loss") if one["name"] == "sgd (2 seeds)")
    assert mean["y"] == [6.0, 4.5, 2.5]
    assert mean["band"] == [6.0, 5.0, 3.0]
    shown.locator("#roles").select_option("train")
    eventually(lambda: drawn(shown), {"adam-1", "short", "sgd (2 seeds)"})
    assert next(iter(lines(shown, "loss")))["y"] == [2.0, 1.0, 0.25]
    shown.locator("#x").select_option("time")
    drawn(shown)
    assert lines(shown, "loss")[0]["x"] == [0.5, 1.0, 1.5]
    shown.locator("#log").check()
    shown.locator("#smoothing").fill("0.5")
    drawn(shown)
    expect(shown.locator("#smoothing-is")).to_have_text("0.5")
    expect(shown.locator(".chart-pale").first).to_be_attached()
    assert shown.evaluate("dlframeCharts.of(document.querySelector('#charts > div')).log")
    shown.reload()  # all of it stands in the address
    expect(shown.locator("#runs li")).to_have_count(4)
    eventually(lambda: drawn(shown), {"adam-1", "short", "sgd (2 seeds)"})
    assert shown.locator("#smoothing").input_value() == "0.5"
    mean = next(one for one in lines(shown, "loss") if "seeds" in one["name"])
    assert mean["x"] == [0.5, 1.0, 1.5]
    expect(shown.locator("#band-key")).to_be_visible()
    expect(shown.locator("#x option[value=step]")).to_be_disabled()


def test_the_mean_over_seeds_of_runs_that_are_not_equally_fast(page: Any, tmp_path: Path) -> None:
    for seed in (1, 2):
        folder = tmp_path / "runs" / f"seed{seed}"
        folder.mkdir(parents=True)
        records = [{"epoch": n, "step": 10 * n, "loss": n * seed, "seconds": seed} for n in (1, 2)]
        (folder / "metrics.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
        (folder / "config.json").write_text(json.dumps({"lr": 1, "seed": seed}))
    with viz.watch(tmp_path / "runs", open_browser=False, block=False) as watching:
        page.goto(f"{watching.url}#group=1&x=time")
        eventually(lambda: [one["x"] for one in lines(page, "loss")], [[1.5, 3.0]])
        (mean,) = lines(page, "loss")
        assert (mean["y"], mean["band"]) == ([1.5, 3.0], [2.0, 4.0])
        page.locator("#x").select_option("step")
        eventually(lambda: [one["x"] for one in lines(page, "loss")], [[10, 20]])
        page.goto("about:blank")


def test_hovering_shows_the_same_place_in_all_charts(shown: Any) -> None:
    plot = shown.locator(".chart-plot").first
    box = plot.bounding_box()
    shown.mouse.move(box["x"] + box["width"] - 20, box["y"] + 100)
    expect(shown.locator(".chart-readout:visible")).to_have_count(2)
    where = shown.locator(".chart-where").all_inner_texts()
    assert where == ["epoch 3", "epoch 3"]
    shown.mouse.move(5, 5)
    expect(shown.locator(".chart-readout:visible")).to_have_count(0)


def test_everything_by_keyboard(shown: Any) -> None:
    shown.keyboard.press("/")
    expect(shown.locator("#filter")).to_be_focused()
    shown.keyboard.type("adam")
    expect(shown.locator("#runs li")).to_have_count(1)
    reached = set()
    for _ in range(40):
        shown.keyboard.press("Tab")
        reached.add(
            shown.evaluate("document.activeElement.dataset.id || document.activeElement.id")
        )
        if shown.evaluate("document.activeElement.className") == "chart-plot":
            break
    assert {"regular", "order", "all", "none", "x", "smoothing", "log", "group"} <= reached
    assert any(str(one).startswith("show ") for one in reached)
    shown.keyboard.press("Home")
    assert shown.locator(".chart-where").first.inner_text() == "epoch 1"
    shown.keyboard.press("ArrowRight")
    assert shown.locator(".chart-where").all_inner_texts() == ["epoch 2", "epoch 2"]
    shown.locator("#runs .name").focus()
    shown.keyboard.press("Enter")
    expect(shown.locator("#about")).to_be_visible()
    shown.keyboard.press("Escape")
    expect(shown.locator("#about")).to_be_hidden()
    expect(shown.locator("#runs .name")).to_be_focused()


def test_a_run_with_pictures_and_a_report(shown: Any, runs: Path) -> None:
    viz.sample_grid([[[0.0, 1.0], [1.0, 0.0]]] * 2, path=runs / "adam-1" / "a picture&.png")
    script = "document.title = 'ran'; fetch('/update', {method: 'POST', body: '{}'})"
    (runs / "adam-1" / "report.html").write_text(
        f"<!doctype html><title>x</title><script>{script}.catch(() => 0)</script>"
    )
    shown.locator("#runs .name", has_text="adam-1").click()
    picture = shown.locator("#about img")
    expect(picture).to_be_attached(timeout=10_000)
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("(image) => image.naturalWidth") > 10
    expect(shown.locator("#about-body")).to_contain_text("all 3 epochs are there")
    expect(shown.locator("#about table").last).to_contain_text("Adam")
    with shown.context.expect_page() as opened:
        shown.get_by_text("The report of this run").click()
    report = opened.value
    expect(report).to_have_title("ran")
    report.wait_for_timeout(200)
    assert all("Content Security Policy" in fault for fault in shown.faults), shown.faults
    assert shown.faults, "a report that asks the server is stopped"
    shown.faults.clear()
    report.close()


def test_downloads(shown: Any, runs: Path) -> None:
    with shown.expect_download() as download:
        shown.get_by_role("link", name="Curves as CSV").click()
    text = Path(download.value.path()).read_text()
    assert text.splitlines()[0] == "run,epoch,loss,val_loss,accuracy,seconds"
    assert "adam-1,3,0.25,0.5," in text
    assert len(text.splitlines()) == 12
    with shown.expect_download() as download:
        shown.get_by_role("button", name="Table as CSV").click()
    table = Path(download.value.path()).read_text().splitlines()
    assert table[0].startswith("run,status,epochs done,seconds,best val_loss,optimizer")
    assert table[1].startswith("adam-1,finished,3,1.5,0.5,Adam,1,,0.25,")
    assert len(table) == 5


# --- while training goes on --------------------------------------------------------------------


def test_a_training_in_another_process_is_seen_within_a_second(
    shown: Any, runs: Path, tmp_path: Path
) -> None:
    (tmp_path / "training.py").write_text(TRAINING)
    folder = runs / "new"
    with subprocess.Popen(
        [sys.executable, tmp_path / "training.py", str(folder)], stdin=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        expect(shown.locator("#runs .name", has_text="new")).to_be_visible(timeout=20_000)
        for epoch in range(1, 6):
            process.stdin.write("\n")
            process.stdin.flush()
            item = shown.locator("#runs li", has_text="new")
            expect(item).to_contain_text(f"epoch {epoch}", timeout=10_000)
            eventually(lambda: line_of(shown, "new")["x"], list(range(1, epoch + 1)))
        new = line_of(shown, "new")
        expect(item).to_contain_text("running")
    records = [json.loads(one) for one in (folder / "metrics.jsonl").read_text().splitlines()]
    assert new["y"] == [record["val_loss"] for record in records]
    # how long it takes until the page knows, once nothing else is going on
    started = time.monotonic()
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 6, "loss": 1, "val_loss": 1}\n')
    expect(item).to_contain_text("epoch 6", timeout=10_000)
    print(f"seen after {time.monotonic() - started:.2f} s")


def test_files_that_change_under_the_page(shown: Any, runs: Path) -> None:
    (runs / "sgd-1" / "metrics.jsonl").write_text(
        '{"epoch": 1, "loss": 7, "val_loss": 8}\nbroken\n'
    )
    item = shown.locator("#runs li[data-run=sgd-1]")
    expect(item).to_contain_text("line 2 has no numbers by name: broken")
    eventually(lambda: line_of(shown, "sgd-1")["y"], [8])
    (runs / "sgd-2" / "metrics.jsonl").unlink()
    (runs / "sgd-2" / "config.json").unlink()
    (runs / "sgd-2").rmdir()
    expect(shown.locator("#runs li")).to_have_count(3, timeout=10_000)
    assert not any("sgd-2" in name for name in drawn(shown))


def test_texts_of_runs_are_no_html(page: Any, tmp_path: Path) -> None:
    evil = '<img src=x onerror="document.title=1"><script>document.title=2<'
    write(
        tmp_path / "runs" / evil.replace("/", "") / "\u202eevil",
        1.0,
        0.5,
        **{evil: evil, "epochs": 2, "__proto__": evil, "constructor": "x"},
    )
    folder = tmp_path / "runs" / "quantity"
    folder.mkdir()
    (folder / "metrics.jsonl").write_text(
        json.dumps({"epoch": 1, evil: 1.0, "__proto__": 2.0, "constructor": 3.0}) + "\n<b>\n"
    )
    with viz.watch(tmp_path / "runs", open_browser=False, block=False) as watching:
        page.goto(watching.url)
        expect(page.locator("#runs li")).to_have_count(2)
        expect(page.locator("#charts > div").first).to_be_visible()
        for name in page.locator("#runs .name").all():
            name.click()
            expect(page.locator("#about")).to_be_visible()
            page.keyboard.press("Escape")
        page.wait_for_timeout(200)
        assert "dlframe watch" in page.title()
        assert page.locator("img, script:not([src])").count() == 0
        expect(page.locator("#runs")).to_contain_text("<img src=x onerror=")
        expect(page.locator("#runs")).to_contain_text("\\u202eevil")
        page.goto("about:blank")


def test_an_empty_folder_and_a_server_that_ends(page: Any, tmp_path: Path) -> None:
    with viz.watch(tmp_path / "runs", open_browser=False, block=False) as watching:
        page.goto(watching.url)
        expect(page.locator("#no-runs")).to_contain_text("No run was found.")
        expect(page.locator("#notes")).to_contain_text("is not there yet")
        write(tmp_path / "runs" / "a", 1.0)
        expect(page.locator("#runs li")).to_have_count(1, timeout=10_000)
        expect(page.locator("#notes li")).to_have_count(0)
    expect(page.locator("#link")).to_be_visible(timeout=10_000)
    assert all("ERR_" in fault for fault in page.faults), page.faults
    page.goto("about:blank")
    page.faults.clear()


@pytest.mark.parametrize("width", [400, 800, 1600])
def test_the_page_fits_screens(watched: Any, runs: Path, width: int) -> None:
    write(runs / ("a-very-long-name-" * 12), 1.0, optimizer="x" * 300, list=list(range(100)))
    with viz.watch(runs, open_browser=False, block=False) as watching:
        page = watched(viewport={"width": width, "height": 800}, color_scheme="dark")
        page.goto(watching.url)
        expect(page.locator("#runs li")).to_have_count(5)
        expect(page.locator("#charts > div").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.goto("about:blank")


@pytest.mark.parametrize("width", [320, 800])
def test_long_names_end_their_lines_between_words(watched: Any, tmp_path: Path, width: int) -> None:
    name = "adam-lr0.0001-a_very_long_experiment_name_39"
    for run in (name, "x" * 150, "group/b_c"):
        write(tmp_path / "runs" / run, 3.0, 2.0)
    page = watched(viewport={"width": width, "height": 800})
    with viz.watch(tmp_path / "runs", open_browser=False, block=False) as opened:
        page.goto(opened.url)
        rows = page.locator("#compare tbody th")
        expect(rows).to_have_count(3)
        expect(rows.nth(0)).to_have_text(name)
        assert broken_words(page, "#compare, #runs") == ["x" * 150] * 2
        # the names leave room for what they name
        assert all(one.bounding_box()["width"] < width / 2 for one in rows.all())
        page.goto("about:blank")


def test_on_paper_the_table_is_whole(watched: Any, runs: Path) -> None:
    many = {f"setting{n}": n for n in range(7)}
    write(runs / "a_rather_long_name_of_a_run", 1.0, note="x" * 90, **many)
    page = watched(viewport={"width": 1000, "height": 700})
    with viz.watch(runs, open_browser=False, block=False) as watching:
        page.goto(watching.url)
        expect(page.locator("#compare tbody tr")).to_have_count(5)
        width = "document.querySelector('#compare').getBoundingClientRect().right"
        assert page.evaluate(width) > 1000  # on the screen it scrolls
        page.emulate_media(media="print")
        assert page.evaluate(width) <= 1000
        assert set(broken_words(page, "#compare")) <= {"x" * 90}
        page.goto("about:blank")


def test_200_runs_of_1000_epochs(page: Any, tmp_path: Path) -> None:
    text = "".join(
        json.dumps({"epoch": n, "loss": 1 / n, "val_loss": 2 / n, "lr": 0.1, "seconds": 1.5}) + "\n"
        for n in range(1, 1001)
    )
    for n in range(200):
        folder = tmp_path / f"run{n:03}"
        folder.mkdir()
        (folder / "metrics.jsonl").write_text(text)
        (folder / "config.json").write_text(json.dumps({"seed": n, "lr": n % 7, "epochs": 1000}))
    with viz.watch(tmp_path, open_browser=False, block=False) as watching:
        started = time.monotonic()
        page.goto(watching.url)
        expect(page.locator("#runs li")).to_have_count(200, timeout=60_000)
        eventually(lambda: len(drawn(page)), 20)  # ten runs; the others may be chosen
        print(f"200 runs are listed after {time.monotonic() - started:.1f} s")
        with (tmp_path / "run100" / "metrics.jsonl").open("a") as file:
            file.write('{"epoch": 1001, "loss": 1}\n')
        expect(page.locator("#runs li[data-run=run100]")).to_contain_text("epoch 1001")
        page.get_by_role("button", name="Show all").click()
        expect(page.locator("#charts .chart-line").nth(399)).to_be_attached(timeout=90_000)
        page.goto("about:blank")


# --- the command -------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_the_command(page: Any, runs: Path) -> None:
    command = [sys.executable, "-m", "dlframe", "watch", str(runs), "--no-browser"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(r"dlframe watch: (http://\S+) \(Ctrl-C ends it\)\n", line)
        assert found
        page.goto(found[1])
        expect(page.locator("#runs li")).to_have_count(4)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert time.monotonic() - started < 10
    assert (out, err, process.returncode) == ("", "", 0)
    page.goto("about:blank")
    page.faults.clear()  # that the connection ended


def test_nothing_is_left_of_it(runs: Path) -> None:
    before = threading.active_count()
    for _ in range(2):
        watching = viz.watch(runs, open_browser=False, block=False)
        assert isinstance(watching, watching_module.Watching)
        watching.stop()
    assert threading.active_count() == before
