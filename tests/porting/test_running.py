"""Programs written for PyTorch, run in processes of their own without PyTorch."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from samples.printed import PROCESSES

ROOT = Path(__file__).resolve().parents[2]


def ran(
    folder: Path, program: str, *arguments: str, **files: str
) -> subprocess.CompletedProcess[str]:
    """`dlframe run program.py arguments…` in a folder, with further files beside it."""
    (folder / "program.py").write_text(textwrap.dedent(program))
    for name, text in files.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, "-m", "dlframe", "run", "program.py", *arguments],
        cwd=folder, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path},
        check=False, timeout=120,
    )  # fmt: skip


def printed(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_program_finds_its_modules_arguments_and_names(tmp_path: Path) -> None:
    done = ran(
        tmp_path,
        """
        import sys
        import torch, torchvision
        import torch.nn as nn, torch.nn.functional as F
        import torch.onnx, torch.jit, torch.utils.data, torch.optim.lr_scheduler
        from torch import optim, Tensor
        from torch.autograd import Variable
        from torch.nn.modules.conv import _ConvNd
        from torch.nn.modules.utils import _pair
        from torch.optim.adam import Adam
        from torchvision import datasets, transforms
        from beside import kind

        print(sys.argv, __name__, __file__, sys.path[0].endswith(sys.argv[1]))
        x = torch.zeros(2, 3)
        print(x.shape.numel(), x.dtype.is_floating_point, kind(x.long()), x.is_floating_point())
        print(isinstance(x, torch.Tensor), Tensor is torch.Tensor, {torch.float32: 1}[x.dtype])
        print(isinstance(nn.Conv2d(1, 1, 1), _ConvNd), _pair(2), Adam is optim.Adam)
        print(isinstance(Variable(x), Variable), torch.__version__.split("+")[0])
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        print(torch.cuda.is_available(), device)
        print(torch.nn is nn, F.relu is torch.nn.functional.relu, torch.version.cuda)
        """,
        tmp_path.name,
        "--lr",
        beside="""
        import torch
        def kind(x):
            return "float" if x.dtype.is_floating_point else "other"
        """,
    )
    assert printed(done) == [
        f"['program.py', '{tmp_path.name}', '--lr'] __main__ program.py True",
        "6 True other True",
        "True True 1",
        "True (2, 2) True",
        "True 2.13.0",
        "False cpu",
        "True True None",
    ]


def test_other_processes_find_it_too(tmp_path: Path) -> None:
    done = ran(
        tmp_path,
        PROCESSES,
    )
    assert printed(done) == ["[2.0, 4.0]", "[0.0, 1.0, 4.0]", "[9.0, 16.0, 25.0]"]


def test_what_is_missing_raises_where_it_is_used(tmp_path: Path) -> None:
    done = ran(
        tmp_path,
        """
        import torch
        from torch.ao.quantization import quantize_dynamic
        from torch.fx import symbolic_trace
        try:
            from torch import nothing_of_this_name
        except ImportError as error:
            print("ImportError:", error)
        try:
            import torch.nothing
        except ModuleNotFoundError as error:
            print("ModuleNotFoundError:", error)
        print(hasattr(torch, "sparse_coo_tensor"), isinstance(3, symbolic_trace))
        for use in (lambda: torch.rellu, lambda: torch.sparse_coo_tensor,
                    lambda: torch.ones(1).cuda(), lambda: torch.nn.Linear(1, 1).cuda(),
                    lambda: torch.cuda.synchronize()):
            try:
                use()
            except Exception as error:
                print(type(error).__name__, error)
        print("used next", flush=True)
        quantize_dynamic(None)
        """,
    )
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("ImportError: cannot import name 'nothing_of_this_name'")
    assert lines[1] == "ModuleNotFoundError: No module named 'torch.nothing'"
    assert lines[2] == "False False"
    assert (
        lines[3] == "AttributeError module 'torch' has no attribute 'rellu'. Did you mean 'relu'?"
    )
    assert lines[4].startswith("AttributeError torch.sparse_coo_tensor: PyTorch has it, dlframe")
    assert [line.split()[0] for line in lines[5:8]] == ["DeviceError"] * 3
    assert lines[8] == "used next"
    last = done.stderr.splitlines()[-1]
    assert "MissingNameError: torch.ao.quantization.quantize_dynamic: PyTorch has it" in last
    assert "program.py:3" in last
    assert "running.py" not in done.stderr  # the traceback begins in the program


@pytest.mark.parametrize(
    ("end", "code", "words"),
    [
        ("raise SystemExit(3)", 3, ""),
        ("raise ValueError('mine')", 1, "ValueError: mine"),
        ("import sys; sys.exit('a reason')", 1, "a reason"),
        ("x = (", 1, "SyntaxError"),
        ("import atexit; atexit.register(print, 'at the end')", 0, ""),
    ],
)
def test_it_ends_as_the_program_ends(tmp_path: Path, end: str, code: int, words: str) -> None:
    done = ran(tmp_path, end)
    assert done.returncode == code
    assert words in done.stderr
    assert ("at the end" in done.stdout) == ("atexit" in end)


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dlframe", "run", str(tmp_path / "no.py")],
        capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 2
    assert "there is no file" in done.stderr


def test_old_mixed_precision_and_shapes_are_as_pytorchs(tmp_path: Path) -> None:
    done = ran(
        tmp_path,
        """
        import torch
        from torch.cuda.amp import GradScaler, autocast

        scaler = torch.cuda.amp.GradScaler(enabled=False)
        with autocast(False), torch.cuda.amp.autocast(enabled=True, dtype=torch.float16):
            x = torch.ones(2, 3)

        @torch.cuda.amp.autocast()
        def double(x):
            return 2 * x

        print(double(x).shape, x.size(), isinstance(scaler, GradScaler))
        """,
    )
    assert printed(done) == ["torch.Size([2, 3]) torch.Size([2, 3]) True"]
