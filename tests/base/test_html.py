"""HTML for notebooks: it can be parsed, and no text in it becomes a tag."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, utils
from dlframe.base import html
from dlframe.training import History
from dlframe.training.doctor.report import Finding, Report

EVIL = "<script>alert(1)</script>&\"'"
VOID = {"br", "img"}


class Tags(HTMLParser):
    """The tags that were opened; every one must be closed in its turn."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def parsed(page):
    tags = Tags()
    tags.feed(page)
    tags.close()
    assert tags.open == []
    assert "script" not in tags.seen
    return tags


class Evil(nn.Module):
    """A module whose name and text are tags."""

    def extra_repr(self):
        return EVIL

    def forward(self, x):
        return x


Evil.__name__ = EVIL


def shown():
    model = nn.Sequential()
    model.add_module("<b>", Evil())
    model.add_module("linear", nn.Linear(2, 2))
    history = History({"loss": [1.0, 0.5], EVIL: [1.0, math.nan]})
    finding = Finding("error", EVIL, EVIL, None, EVIL, EVIL, EVIL)
    return {
        "module": model,
        "history": history,
        "summary": utils.summary(model, (1, 2)),
        "report": Report([finding], [EVIL], {EVIL: EVIL}),
    }


@pytest.mark.parametrize("name", ["module", "history", "summary", "report"])
def test_texts_are_escaped(name):
    page = shown()[name]._repr_html_()
    tags = parsed(page)
    assert "alert(1)" in tags.text
    assert not re.search(r"(?<![-\w])(color|background):\s*(#000|#fff|black|white)", page)


def test_a_tensor():
    x = dl.tensor([[1.5, 2.0]], requires_grad=True)
    tags = parsed(x._repr_html_())
    assert repr(x) in tags.text
    assert "shape (1, 2), dlframe.float32, requires grad" in tags.text
    y = (2 * x).sum()
    assert "shape (), dlframe.float32, grad_fn SumBackward0" in parsed(y._repr_html_()).text
    y.backward()
    assert "has a gradient" in parsed(x._repr_html_()).text
    large = parsed(dl.zeros(10_000, 1000)._repr_html_()).text
    assert len(large) < 2000
    pages = []
    dl.func.vmap(lambda x: pages.append(x._repr_html_()) or x)(dl.zeros(2, 3))
    assert "BatchedTensor" in parsed(pages[0]).text


def test_a_module():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    model[0].requires_grad_(False)
    text = parsed(model.eval()._repr_html_()).text
    assert repr(model) in text
    assert "13 parameters, 4 trainable, in evaluation mode" in text
    lazy = parsed(nn.LazyLinear(2)._repr_html_()).text
    assert "others have no sizes before the first call" in lazy


def test_a_summary_has_the_cells_of_its_text():
    model = nn.Sequential(nn.Linear(4, 8), nn.Sequential(nn.ReLU(), nn.Linear(8, 2)))
    summary = utils.summary(model, (16, 4), times=1)
    page = summary._repr_html_()
    tags = parsed(page)
    assert tags.seen.count("tr") == 1 + len(summary.rows)
    for word in ("(16, 8)", "Multiply-adds", "Forward", "Parameters: 58 (58 trainable), 232 B"):
        assert word in tags.text
        assert word in str(summary)
    assert page.count("padding-left") == 4


def test_a_sparkline_leaves_gaps():
    page = html.sparkline({"loss": [1.0, np.nan, 0.5, 0.25, np.inf], "val_loss": [2.0, 1.0]})
    lines = re.findall(r'points="([^"]*)"', page)
    assert [len(line.split()) for line in lines] == [1, 2, 2]
    assert page.count("dasharray") == 1
    assert "from 0.25 to 2" in parsed(page).text
    assert html.sparkline({"loss": [1.0]}) == ""
    assert html.sparkline({"loss": [np.nan] * 5}) == ""
    assert html.sparkline({}) == ""
    assert parsed(html.sparkline({"loss": [3.0, 3.0, 3.0]})).seen.count("polyline") == 1
