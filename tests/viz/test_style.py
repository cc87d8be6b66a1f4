"""Files are whole, the user's matplotlib is left alone, and a missing extra is named."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import textwrap
import threading

import matplotlib as mpl
import pytest
from PIL import Image

from dlframe.viz import curves, style
from dlframe.viz.style import house_style, new_figure, save


def run(code):
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(code)]
    # a backend chosen for the test run itself would hide one chosen by a picture
    env = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env)


def test_importing_viz_imports_no_matplotlib():
    done = run("""
        import sys
        import dlframe.viz
        assert not [name for name in sys.modules if name.startswith("matplotlib")]
    """)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_no_picture_imports_pyplot_or_chooses_a_backend(tmp_path):
    done = run(f"""
        import sys
        import numpy as np
        from dlframe import nn, optim, viz
        from dlframe.training import lr_range_test
        folder = {str(tmp_path)!r}
        images = np.zeros((4, 8, 8))
        viz.sample_grid(images, path=folder + "/samples.png")
        viz.mistakes_grid(images, [0, 1, 1, 1], [1, 1, 0, 0], path=folder + "/mistakes.svg")
        viz.filters_grid(np.ones((2, 1, 3, 3)), path=folder + "/filters.pdf")
        viz.curves({{"loss": [2.0, 1.0]}}, path=folder + "/curves.png")
        viz.confusion(np.eye(5, dtype=int), path=folder + "/confusion.png")
        viz.decision_boundary(lambda p: p[:, 0], np.eye(2), [1, 0], path=folder + "/plane.png")
        surface, run = viz.surfaces.saddle, {{"SGD": lambda p: optim.SGD(p, lr=0.1)}}
        ways = viz.trajectories(surface, run, steps=3)
        ways.plot(path=folder + "/ways.png")
        ways.animate(folder + "/ways.gif", frames=2)
        model, loss = nn.Linear(2, 1), nn.MSELoss()
        data = np.eye(2, dtype=np.float32), np.ones((2, 1), np.float32)
        viz.landscape(model, loss, data, points=3).plot(path=folder + "/landscape.png")
        found = lr_range_test(model, loss, data, optim.SGD(model.parameters(), lr=0.1), steps=5)
        found.plot(path=folder + "/rates.png")
        with viz.Tracker(folder + "/tracker.png") as tracker:
            tracker.log(1, loss=1.0)
        assert "matplotlib.pyplot" not in sys.modules
        import matplotlib
        # asking for rcParams["backend"] would choose one; the dict beneath tells without
        assert not isinstance(dict.__getitem__(matplotlib.rcParams, "backend"), str)
    """)
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.iterdir())) == 11


def test_without_matplotlib_the_error_names_the_extra():
    done = run("""
        import sys
        sys.modules["matplotlib"] = None  # what an environment without it looks like
        from dlframe import optim, viz
        from dlframe.errors import MissingExtraError
        calls = [
            lambda: viz.curves({"loss": [1.0]}),
            lambda: viz.sample_grid([[[0.0]]]),
            lambda: viz.confusion([[1]]),
            lambda: viz.Tracker().draw(),
            lambda: viz.trajectories(viz.surfaces.beale, {"SGD": optim.SGD}, steps=1).plot(),
        ]
        for call in calls:
            try:
                call()
            except MissingExtraError as error:
                assert "pip install 'dlframe[viz]'" in str(error)
            else:
                raise AssertionError("no error")
    """)
    assert done.returncode == 0, done.stderr


def test_the_users_settings_come_back():
    before = dict(mpl.rcParams)
    with pytest.raises(KeyError), house_style():
        assert mpl.rcParams["axes.spines.top"] is False
        raise KeyError
    assert dict(mpl.rcParams) == before


def figure():
    with house_style():
        return new_figure(2, 1, "A title")


def test_threads_draw_in_one_style_and_the_users_settings_come_back():
    before = dict(mpl.rcParams)
    inside, left = threading.Event(), threading.Event()
    sizes = []

    def early():
        with house_style():
            inside.set()
            assert left.wait(20)
            sizes.append(mpl.rcParams["font.size"])

    def late():  # begins and ends inside of the other block
        assert inside.wait(20)
        with house_style():
            sizes.append(mpl.rcParams["font.size"])
            with house_style():
                sizes.append(mpl.rcParams["font.size"])
        left.set()

    with mpl.rc_context({"font.size": 33.0}):
        threads = [threading.Thread(target=one) for one in (early, late)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sizes == [style.RC["font.size"]] * 3
        assert mpl.rcParams["font.size"] == 33.0
    assert dict(mpl.rcParams) == before


def test_the_first_thread_may_end_first():
    before = dict(mpl.rcParams)
    first, second = house_style(), house_style()
    first.__enter__()
    entered, leave = threading.Event(), threading.Event()

    def other():
        with second:
            entered.set()
            assert leave.wait(20)
            assert mpl.rcParams["font.size"] == style.RC["font.size"]

    thread = threading.Thread(target=other)
    thread.start()
    assert entered.wait(20)
    first.__exit__(None, None, None)
    assert mpl.rcParams["font.size"] == style.RC["font.size"]  # the other still draws
    leave.set()
    thread.join()
    assert dict(mpl.rcParams) == before


def test_short_names_that_differ_stay_different():
    names = [f"a class with a long name {i}" for i in range(12)]
    short = style.shortened_apart([*names, "cat", names[0]], 18)
    assert len(set(short)) == 13
    assert short[-1] == short[0]
    assert short[12] == "cat"
    assert all(len(one) <= 18 for one in short)
    apart = style.shortened_apart(["the first of all", "one other"], 10)
    assert apart == ["the first…", "one other"]


def test_characters_are_of_the_next_font_that_has_them(monkeypatch, texts):
    # of STIX, and not of matplotlib's own font; as Chinese is of others
    name = "a \N{UPPER LEFT OR LOWER RIGHT CURLY BRACKET SECTION} b"
    monkeypatch.setattr(style, "WIDE_FONTS", ("A font that is nowhere", "STIXSizeOneSym"))
    style._wide_fonts.cache_clear()
    try:
        figure = curves({name: [2.0, 1.0]})  # a missing character would warn
        assert name in texts(figure)
        assert figure.axes[0].yaxis.label.get_fontfamily() == [
            *mpl.rcParams["font.family"],
            "STIXSizeOneSym",
        ]
    finally:
        style._wide_fonts.cache_clear()


def test_texts_that_are_too_wide_are_shortened():
    name = "a name\nof many words that would be wider than its place"
    short = style.fitting(name, 2.0, 9.5)
    assert style.text_width(short, 9.5) <= 2.0
    assert short.startswith("a name of many words")
    assert short.endswith("…")
    assert style.fitting("short", 2.0, 9.5) == "short"


def test_save_makes_folders_and_leaves_nothing_else(tmp_path):
    target = tmp_path / "runs" / "one" / "picture.png"
    save(figure(), target)
    assert [path.name for path in target.parent.iterdir()] == ["picture.png"]
    with Image.open(target) as image:
        assert image.size[0] == 2 * style.DPI


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    save(new_figure(1, 1), "~/pictures/one.png")
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]


def test_a_failed_save_keeps_the_old_file_and_no_part_of_the_new(tmp_path):
    from matplotlib.artist import Artist

    class Broken(Artist):
        def draw(self, renderer):
            raise OSError("the disk is full")

    target = tmp_path / "picture.png"
    target.write_bytes(b"old")
    broken = figure()
    broken.add_artist(Broken())
    with pytest.raises(OSError, match="disk is full"):
        save(broken, target)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_saved_file_can_be_read_like_any_other(tmp_path):
    save(figure(), tmp_path / "picture.png")
    (tmp_path / "other").write_bytes(b"")
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1  # not the 0600 of a temporary file


@pytest.mark.parametrize("name", ["picture", "picture.gif2"])
def test_an_unknown_format_is_refused_before_anything_is_written(tmp_path, name):
    with pytest.raises(ValueError, match=r"must end in one of .*\.pdf.*\.png.*\.svg"):
        save(figure(), tmp_path / "folder" / name)
    assert not list(tmp_path.iterdir())


def test_headings_wrap_and_raise_the_figure(inside):
    with house_style():
        plain = new_figure(3, 1)
        long = new_figure(3, 1, "A rather long title about many things " * 2, "and a subtitle")
    assert plain.get_figheight() == 1
    assert long.get_figheight() > 1.5
    assert style.body_top(long, 1) == pytest.approx(1 / long.get_figheight())
    inside(long)


def test_dollars_and_percents_are_just_characters(texts):
    with house_style():
        dollars = new_figure(4, 1, "from $5 to $10 and 100%_")
    assert texts(dollars) == {"from $5 to $10 and 100%_"}


def test_small_words():
    assert style.shortened("a very long class name", 10) == "a very lo…"
    assert style.shortened("short", 10) == "short"
    shares = [0.0, 0.0001, 0.5, 0.98765, 0.9999, 1.0]
    assert [style.percent(s) for s in shares] == [
        "0 %",
        "0.1 %",
        "50.0 %",
        "98.8 %",
        "99.9 %",
        "100 %",
    ]
    with pytest.raises(ValueError, match="2 class names for 3 classes"):
        style.class_names(["a", "b"], 3)


def lightness(colour):
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue


def test_colours_differ_in_grey():
    assert abs(lightness(style.BLUE) - lightness(style.ORANGE)) > 0.25
    neighbours = itertools.pairwise(style.CLASS_COLOURS)
    assert all(abs(lightness(a) - lightness(b)) > 0.1 for a, b in neighbours)
    shades = [0.299 * r + 0.587 * g + 0.114 * b for r, g, b, _ in style.blue_scale()(range(256))]
    assert all(a >= b for a, b in itertools.pairwise(shades))
