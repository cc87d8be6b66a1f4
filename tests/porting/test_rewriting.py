"""Programs with dlframe's imports: what is changed, what is not, and what they print."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from samples.printed import PROCESSES

from dlframe.cli import main
from dlframe.porting.rewriting import ported

ROOT = Path(__file__).resolve().parents[2]


def changed(folder: Path, program: str) -> tuple[str, list[tuple[int, str]]]:
    path = folder / "program.py"
    path.write_bytes(program.encode())
    text, notes = ported(path)
    return text, [(note.line, note.words) for note in notes]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import torch", "import dlframe as torch"),
        ("import os, torch as th", "import os, dlframe as th"),
        ("import torch.nn as nn", "import dlframe.nn as nn"),
        ("import torch, torch.nn", "import dlframe as torch"),
        ("import torch.optim.adam", "import dlframe.optim.adam, dlframe as torch"),
        ("import torch.utils.data as data", "import dlframe.data as data"),
        ("import torch.utils.data as d\nd.sampler", "import dlframe.utils.data as d\nd.sampler"),
        ("import torchvision", "import dlframe.vision as torchvision"),
        ("import torchvision.transforms as T", "import dlframe.data.transforms as T"),
        ("from torch import nn, optim as o", "from dlframe import nn, optim as o"),
        ("from torch import *", "from dlframe import *"),
        ("from torch.utils.data import Dataset", "from dlframe.data import Dataset"),
        ("from torch.utils.data import sampler", "from dlframe.utils.data import sampler"),
        ("from torchvision import datasets as d", "from dlframe.data import datasets as d"),
        ("from torchvision import datasets, utils", "from dlframe.vision import datasets, utils"),
        ("from torch.cuda.amp import autocast", "from dlframe.cuda.amp import autocast"),
        (
            "from torch.nn import (  # layers\n    Linear,  # one\n    ReLU,\n)",
            "from dlframe.nn import (  # layers\n    Linear,  # one\n    ReLU,\n)",
        ),
        (
            "if 1: import torch; x = torch.ones(2)  # é\r\ny = 'ü', x.dtype.is_complex",
            "if 1: import dlframe as torch; x = torch.ones(2)  # é\r\ny = 'ü', x.is_complex()",
        ),
        ("(x + y) . dtype.is_signed", "(x + y) .is_signed()"),
        ("dtype.is_floating_point", '(dtype.kind == "f")'),
        ("n = (x\n  .shape.numel())  # all", "n = (x\n  .numel())  # all"),
        ("x.is_complex(), x.shape", "x.is_complex(), x.shape"),
        (
            "import torch\nm = torch.optim.adam.Adam, torch.__version__",
            "import dlframe as torch\nm = torch.optim.Adam, '2.13.0+dlframe'",
        ),
    ],
)  # fmt: skip
def test_imports_and_expressions_change_and_nothing_else(
    tmp_path: Path, before: str, after: str
) -> None:
    text, notes = changed(tmp_path, before)
    assert text == after
    assert notes == []
    compile(text, "text", "exec")


def test_what_cannot_be_changed_is_listed(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("import torch\n")
    program = """\
import torch, helper, importlib
from torch.fx import Graph
import torchvision.models as models
torch.stft
torch.add(x, x, out=x)
print(x.shape, f"{x.shape} {torch.__version__}")
importlib.import_module("torch.nn")
thing.is_signed
"""
    text, notes = changed(tmp_path, program)
    compile(text, "text", "exec")
    assert "torch.fx" in text  # as the name of what stands in for it
    assert {line for line, _ in notes} == {1, 2, 3, 4, 5, 6, 7, 8}
    words = dict(notes)
    assert "helper.py" in words[1]
    assert "torch.fx.Graph is not there" in words[2]
    assert "x.copy_" in words[5]
    assert any(line == 6 and "x.size()" in text for line, text in notes)


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path},
        check=False, timeout=120,
    )  # fmt: skip


PROGRAMS = {
    "classifier": """
        import torch
        import torch.nn as nn
        import torch.nn.functional as F
        from torch import optim
        from torch.utils.data import DataLoader, TensorDataset

        torch.manual_seed(0)
        x, y = torch.randn(64, 4), torch.randint(0, 3, (64,))
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
        optimizer = optim.Adam(model.parameters(), lr=1e-2)
        for xb, yb in DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True):
            loss = F.cross_entropy(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            print(f"{loss.item():.6f}", xb.shape.numel(), xb.dtype.is_floating_point)
        print(sum(p.numel() for p in model.parameters()), torch.__version__)
    """,
    "old spellings": """
        import torch, torchvision
        import torch.nn.modules.linear, torch.optim.lr_scheduler as schedules
        from torch.autograd import Variable
        from torch.nn.modules.linear import Linear
        from torchvision import transforms
        from torch.cuda.amp import GradScaler, autocast
        from torch.fx import symbolic_trace

        torch.manual_seed(1)
        x = Variable(torch.FloatTensor(2, 3).normal_())
        layer = torch.nn.modules.linear.Linear(3, 1)
        sgd = torch.optim.sgd.SGD(layer.parameters(), lr=0.1)
        schedule = schedules.StepLR(sgd, 1)
        with autocast(enabled=torch.cuda.is_available()):
            print(layer(x).sum().item(), isinstance(layer, Linear), schedule.get_last_lr())
        print(transforms.Compose([lambda image: image])(3), torch.version.cuda)
        try:
            symbolic_trace(layer)
        except NotImplementedError as error:
            print(str(error).partition("(")[0])
    """,
    "processes": PROCESSES,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_ported_program_prints_the_same(tmp_path: Path, name: str) -> None:
    (tmp_path / "program.py").write_text(textwrap.dedent(PROGRAMS[name]).lstrip())
    assert main(["port", str(tmp_path / "program.py"), "-o", str(tmp_path / "ours.py")]) == 0
    before = python(tmp_path, "-m", "dlframe", "run", "program.py")
    after = python(tmp_path, "ours.py")
    assert before.returncode == 0, before.stderr
    assert after.returncode == 0, after.stderr
    assert after.stdout == before.stdout
    assert after.stdout


def test_the_command_prints_the_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "program.py"
    path.write_text("import torch\ntorch.stft\n")
    assert main(["port", str(path)]) == 0
    shown = capsys.readouterr()
    assert shown.out == "import dlframe as torch\ntorch.stft\n"
    assert f"{path}:2: torch.stft is not there" in shown.err
    assert main(["port", str(tmp_path / "no.py")]) == 2
    path.write_text("x = (")
    assert main(["port", str(path)]) == 1
