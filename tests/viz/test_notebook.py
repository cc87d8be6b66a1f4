"""What a fresh kernel shows of the last line of a cell: pictures, tables and texts."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent.parent

SETUP = """
import numpy as np
import dlframe as dl
from dlframe import nn, optim, utils, viz, Trainer
from dlframe.data.datasets import Digits
dl.manual_seed(0)
digits = Digits(train=False)
model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
trainer = Trainer(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1))
"""

# each cell, and the kind of output of its last line
CELLS = {
    "viz.curves({'loss': [2.0, 1.0, 0.5]})": "image/png",
    "viz.sample_grid(digits, limit=4)": "image/png",
    "viz.confusion(model, digits)": "image/png",
    "viz.embedding(digits).plot()": "image/png",
    "viz.graph((dl.ones(2, requires_grad=True) * 2).sum())": "image/png",
    "trainer.fit(digits, epochs=2)": "text/html",
    "trainer.history.plot()": "image/png",
    "trainer.history": "text/html",
    "utils.summary(model, (1, 1, 8, 8))": "text/html",
    "model": "text/html",
    "model[1].bias": "text/html",
    "trainer.check(digits)": "text/html",
    "tracker = viz.Tracker(); tracker.log(1, loss=1.0); tracker.log(2, loss=0.5); tracker.draw()": (
        "image/png"
    ),
    "tracker": "image/png",
    "import matplotlib, sys; 'matplotlib.pyplot' in sys.modules": "text/plain",
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of Jupyter's own packages
def test_every_last_line_shows_itself(tmp_path: Path) -> None:
    pytest.importorskip("ipykernel")
    pytest.importorskip("matplotlib")
    nbclient = pytest.importorskip("nbclient")
    import nbformat

    cells = [nbformat.v4.new_code_cell(code) for code in (SETUP, *CELLS)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(ROOT)
    try:
        nbclient.NotebookClient(notebook, timeout=240, kernel_name="python3").execute(
            cwd=str(tmp_path)
        )
    finally:
        os.environ.pop("PYTHONPATH") if before is None else os.environ.update(PYTHONPATH=before)
    for code, cell in zip(CELLS, notebook.cells[1:], strict=True):
        results = [one for one in cell.outputs if one.output_type == "execute_result"]
        assert [one for one in cell.outputs if one.output_type == "error"] == []
        assert len(results) == 1, code
        data = results[0].data
        kind = CELLS[code]
        assert kind in data, code
        assert "text/plain" in data  # what consoles and plain text exports show
        if kind == "image/png":
            image = Image.open(io.BytesIO(base64.b64decode(data[kind])))
            assert min(image.size) > 200
            shown = results[0].metadata["image/png"]["width"]
            assert image.size[0] == pytest.approx(2 * shown, abs=2)
        elif kind == "text/html":
            assert data[kind].startswith(("<table", "<pre", "<svg", "<p"))
    assert notebook.cells[-1].outputs[0].data["text/plain"] == "False"
