from __future__ import annotations

import importlib
import inspect
import os
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import dlframe
from dlframe import plugins
from dlframe.errors import PluginError

ROOT = Path(dlframe.__file__).resolve().parents[1]


# --- the core's names --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", plugins.KINDS)
def test_every_core_name_loads(kind):
    for entry, status in plugins.describe():
        if entry.kind == kind and status == "core":
            assert plugins.get(kind, entry.name).__name__ == entry.name


@pytest.mark.parametrize(
    ("kinds", "module", "base"),
    [
        (("layers", "losses"), "dlframe.nn", "Module"),
        (("metrics",), "dlframe.metrics", "Metric"),
        (("optimizers",), "dlframe.optim", "Optimizer"),
        (("datasets",), "dlframe.data.datasets", None),
        (("callbacks",), "dlframe.training", "Callback"),
    ],
)
def test_every_public_class_of_the_core_is_registered(kinds, module, base):
    namespace = importlib.import_module(module)
    base = getattr(namespace, base) if base else object
    containers = {"Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"}
    containers.add("SAM")  # it holds an optimizer
    public = {name for name in namespace.__all__ if is_below(getattr(namespace, name), base)}
    missing = public - containers - {name for kind in kinds for name in plugins.names(kind)}
    assert not missing, "which kind are these of? see _CORE in dlframe/plugins.py"


def is_below(value, base):
    return inspect.isclass(value) and issubclass(value, base) and value is not base


def test_lookup_forgives_case_and_tells_what_is_near():
    assert plugins.get("optimizers", "sgd") is dlframe.optim.SGD
    with pytest.raises(PluginError, match=r"no optimizer 'AdmaW'\. Did you mean 'AdamW'"):
        plugins.get("optimizers", "AdmaW")
    with pytest.raises(PluginError, match=r"no loss 'Nothing'\. Known: .*MSELoss"):
        plugins.get("losses", "Nothing")
    with pytest.raises(PluginError, match=r"no kind 'layer'\. Did you mean 'layers'"):
        plugins.names("layer")


def in_new_process(code, *paths):
    env = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (*paths, ROOT)))}
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_listing_imports_no_plugin_and_no_package_of_another_kind(install, tmp_path):
    install(
        "loud", "1", "[dlframe.layers]\nLoud = loud:Loud\n", loud="raise SystemExit('imported')"
    )
    code = """
import sys
from dlframe import plugins
names = plugins.names("layers")
assert "Loud" in names and "Linear" in names
print(sorted({"loud", "dlframe.data", "dlframe.metrics", "dlframe.training"} & set(sys.modules)))
plugins.describe(), plugins.problems()
print("loud" in sys.modules)
"""
    assert in_new_process(code, tmp_path / "site") == "[]\nFalse\n"


# --- plugins of others -------------------------------------------------------------------------


def test_a_plugin_is_loaded_on_first_use(install):
    install(
        "one-plugin",
        "1.2",
        "[console_scripts]\nx = y:z\n[dlframe.layers]\nFancy = one_plugin_a:Outer.Fancy\n",
        one_plugin_a="class Outer:\n    class Fancy: pass\n",
    )
    assert "Fancy" in plugins.names("layers")
    assert "one_plugin_a" not in sys.modules
    fancy = plugins.get("layers", "Fancy")
    assert fancy.__qualname__ == "Outer.Fancy"
    assert plugins.get("layers", "one_plugin:fancy") is fancy
    entry = next(entry for entry, _ in plugins.describe() if entry.name == "Fancy")
    assert entry.owner == "one-plugin 1.2"
    assert plugins.requirement_of(fancy) == ("one-plugin", "1.2")
    assert plugins.requirement_of(type("Mine", (fancy,), {})) == ("one-plugin", "1.2")
    assert plugins.installed_version("one-plugin") == "1.2"
    assert plugins.installed_version("no-such-plugin") is None


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import nothing_like_it", r"ModuleNotFoundError.*nothing_like_it.*broken\.py, line 1"),
        ("\n\n1 / 0", r"ZeroDivisionError: division by zero \(at .*broken\.py, line 3\)"),
        ("def f(:", r"SyntaxError.*broken\.py, line 1"),
        ("raise SystemExit(3)", r"SystemExit: 3"),
        ("x = 1", r"AttributeError.*'Bad'"),
        ("Bad = 7", r"not a class or function, but of type int"),
        ("class E(BaseException): pass\nraise E('own')", r"failed to load: E: own"),
        ("raise KeyboardInterrupt('not the user')", r"KeyboardInterrupt: not the user"),
        ("raise GeneratorExit", r"GeneratorExit"),
        ("raise MemoryError", r"MemoryError"),
        ("class E(Exception):\n def __str__(self): raise self\nraise E", r"E \(its message cannot"),
        ("raise ValueError('\\x1b[2J\\n')", r"ValueError: \\x1b\[2J\\n"),
        ("def f(): f()\nf()", r"RecursionError"),
    ],
)
def test_a_broken_plugin_is_reported_to_whoever_uses_it(install, source, message):
    install("bad-plugin", "0.3", "[dlframe.losses]\nBad = broken:Bad\n", broken=source)
    assert "Bad" in plugins.names("losses")  # and all else works
    assert plugins.get("losses", "MSELoss") is dlframe.nn.MSELoss
    with pytest.raises(PluginError, match=message) as caught:
        plugins.get("losses", "Bad")
    assert "the loss 'Bad' of bad-plugin 0.3 (broken:Bad)" in str(caught.value)
    if source.startswith("\n"):  # the plugin's own traceback is the cause's
        assert caught.value.__cause__.__traceback__ is not None


def test_a_module_that_is_not_there(install):
    install("gone", "1", "[dlframe.layers]\nGone = gone_module:Gone\n")
    with pytest.raises(PluginError, match=r"ModuleNotFoundError: No module named 'gone_module'$"):
        plugins.get("layers", "Gone")


def test_one_name_from_two_packages(install):
    for name in ("first", "second"):
        entry = f"[dlframe.metrics]\nTwice = {name}_module:Twice\n"
        install(f"{name}-plugin", "1", entry, **{f"{name}_module": "class Twice: pass\n"})
    assert plugins.names("metrics").count("Twice") == 1
    with pytest.raises(PluginError, match=r"first-plugin 1.*second-plugin 1.*Ask for .*:Twice'"):
        plugins.get("metrics", "Twice")
    assert plugins.get("metrics", "second-plugin:Twice").__module__ == "second_module"
    statuses = [status for entry, status in plugins.describe() if entry.name == "Twice"]
    assert statuses == ["conflict", "conflict"]


@pytest.mark.parametrize("own", ["Linear", "linear", "LINEAR"])
@pytest.mark.parametrize("asked", ["Linear", "linear", "LINEAR"])
def test_a_name_of_the_core_stays_the_core_s(install, own, asked):
    entry = f"[dlframe.layers]\n{own} = shadow:Layer\n"
    install("shadow", "1", entry, shadow="class Layer: pass")
    message = rf"'{asked}' is dlframe's own layer Linear; ask for 'shadow:{own}' if you mean"
    with pytest.warns(UserWarning, match=message) as caught:
        assert plugins.get("layers", asked) is dlframe.nn.Linear
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match=message):
        assert plugins.full_name("layers", asked) == "Linear"
    assert plugins.get("layers", "dlframe:Linear") is dlframe.nn.Linear
    assert plugins.get("layers", f"shadow:{own}").__module__ == "shadow"
    assert plugins.get("layers", "Shadow:liNEAR").__module__ == "shadow"
    assert plugins.full_name("layers", "Shadow:liNEAR") == f"shadow:{own}"
    assert plugins.get("layers", "Flatten") is dlframe.nn.Flatten
    statuses = {status for entry, status in plugins.describe() if entry.name.lower() == "linear"}
    assert statuses == {"conflict"}


def test_the_full_name_is_what_was_asked_for_and_not_the_name_of_the_class(install):
    """A class may be called as one of dlframe's; what it is called is nobody's business."""
    entry = "[dlframe.layers]\nGate = gates:ReLU\nSwish = gates:Inner\n"
    install("my.gates", "1", entry, gates="class ReLU: pass\nclass Inner: pass\n")
    for asked in ("Gate", "gate", "my-gates:Gate", "MY_gates:gate"):
        name = plugins.full_name("layers", asked)
        assert name == "my.gates:Gate"
        assert plugins.get("layers", name).__module__ == "gates"
    assert plugins.full_name("layers", "swish") == "my.gates:Swish"
    with pytest.raises(
        PluginError, match="'far:Inner': the package far, which has it, is not inst"
    ):
        plugins.get("layers", "far:Inner")
    with pytest.raises(PluginError, match="there is no layer 'inner'"):
        plugins.full_name("layers", "inner")


def test_a_second_copy_further_down_the_path_does_not_count(install, tmp_path, monkeypatch):
    entry = "[dlframe.layers]\nCopied = copied:Copied\n"
    install("copied", "1", entry, copied="class Copied: pass")
    other = tmp_path / "other"
    shutil.copytree(tmp_path / "site", other)
    (other / "copied-1.dist-info").rename(other / "copied-0.9.dist-info")
    monkeypatch.setattr(sys, "path", [*sys.path, str(other)])
    plugins.refresh()
    assert plugins.get("layers", "Copied").__module__ == "copied"


def test_one_package_that_gives_a_name_twice(install):
    entries = "[dlframe.layers]\nTwin = twins:A\nTwin = twins:B\n"
    install("twins", "1", entries, twins="class A: pass\nclass B: pass\n")
    assert plugins.get("layers", "Twin").__name__ == "A"
    assert plugins.problems() == ["twins 1: two layers of the name 'Twin'"]


def test_unreadable_entry_points_stop_nobody(install):
    install("mangled", "1", "[dlframe.layers]\nno equals sign here\n")
    install("wrong-group", "2", "[dlframe.layer]\nX = x:X\n")
    install("fine", "3", "[dlframe.layers]\nFine = fine:Fine\n", fine="class Fine: pass")
    assert plugins.get("layers", "Fine").__module__ == "fine"
    listed = "\n".join(plugins.problems())
    assert "mangled 1: its entry_points.txt cannot be read" in listed
    assert "wrong-group 2: unknown group 'dlframe.layer'. Did you mean 'layers'?" in listed
    with pytest.raises(PluginError, match="mangled 1"):  # perhaps it is the one that is looked for
        plugins.get("layers", "Xyz")


# Files of other packages, which may have nothing to do with dlframe.
BROKEN = {
    "entry points that are no UTF-8": {"entry_points.txt": b"[console_scripts]\n\xff = x:y\n"},
    "no name": {"METADATA": b"Metadata-Version: 2.1\n", "entry_points.txt": b"[dlframe.layers]\n"},
    "no metadata": {"entry_points.txt": b"[dlframe.layers]\nX = x:X\n"},
    "metadata that are no UTF-8": {
        "METADATA": b"Name: \xff\n", "entry_points.txt": b"[dlframe.layers]\nX = x:X\n",
    },
    "no version": {"METADATA": b"Name: odd\n", "entry_points.txt": b"[dlframe.layers]\nX = x:X\n"},
    "an escape": {
        "METADATA": b"Name: \x1b[2J\nVersion: \x1b[1A\n",
        "entry_points.txt": b"[dlframe.layers]\n\x1b[2J = \x1b]0;x:X\n[dlframe.\x1b[2J]\nx = x:X\n",
    },
    "a name of ours": {
        "METADATA": b"Name: DLFrame\nVersion: 9\n",
        "entry_points.txt": b"[dlframe.layers]\nReLU = x:X\n",
    },
    "a folder": {},
}  # fmt: skip


@pytest.mark.parametrize("files", BROKEN.values(), ids=BROKEN)
def test_a_broken_package_of_somebody_stops_nothing(install, tmp_path, files):
    info = tmp_path / "site" / "broken-1.dist-info"
    info.mkdir()
    for name, content in files.items():
        (info / name).write_bytes(content)
    if not files:
        (info / "entry_points.txt").mkdir()
    install("fine", "3", "[dlframe.layers]\nFine = fine:Fine\n", fine="class Fine: pass")
    assert plugins.get("layers", "Fine").__module__ == "fine"
    assert plugins.get("layers", "relu") is dlframe.nn.ReLU
    dlframe.models.mlp(2, [3], 2, activation="tanh")
    assert plugins.requirement_of(type("Mine", (dlframe.nn.Module,), {"__module__": "own"})) is None
    dlframe.utils.save_checkpoint(tmp_path / "x.h5", model=dlframe.nn.Linear(1, 1))
    assert all(text.isprintable() for text in plugins.problems())
    with pytest.raises(PluginError) as caught:
        plugins.get("layers", "Xyz")
    assert str(caught.value).isprintable()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_a_real_ctrl_c_is_the_user_s(install):
    source = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nclass Slow: pass\n"
    install("slow", "1", "[dlframe.layers]\nSlow = slow:Slow\n", slow=source)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        plugins.get("layers", "Slow")
    assert signal.getsignal(signal.SIGINT) is before


# --- register ----------------------------------------------------------------------------------


def test_register_in_a_program(install):
    @plugins.register("layers")
    class Mine:
        pass

    try:
        assert plugins.get("layers", "Mine") is Mine
        assert plugins.requirement_of(Mine) is None
        first = Mine

        @plugins.register("layers")
        class Mine:  # the same cell of a notebook, run again
            pass

        assert plugins.get("layers", "Mine") is Mine is not first
        with pytest.raises(PluginError, match="has that name"):
            plugins.register("layers", "Mine")(dict)
        for name in ("Linear", "linear"):
            with pytest.raises(PluginError, match="dlframe's own name"):
                plugins.register("layers", name)(dict)
        install("same-name", "1", "[dlframe.layers]\nMine = same:Mine\n", same="class Mine: pass")
        with pytest.raises(PluginError, match="and same-name 1"):
            plugins.get("layers", "Mine")
    finally:
        plugins.unregister("layers", "Mine")
    with pytest.raises(PluginError, match="nothing was registered"):
        plugins.unregister("layers", "Mine")


# --- a real package ----------------------------------------------------------------------------

TRAIN = """
import dlframe as dl
from dlframe import nn, optim, plugins
from dlframe.utils import save_checkpoint

SqueezeExcite = plugins.get("layers", "SqueezeExcite")
FocalLoss = plugins.get("losses", "FocalLoss")
dl.manual_seed(0)
model = nn.Sequential(
    nn.Conv2d(1, 4, 3, padding=1), SqueezeExcite(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    nn.Linear(4, 2),
)
x, y = dl.randn(16, 1, 5, 5), dl.tensor([0, 1] * 8)
optimizer, loss = optim.Adam(model.parameters(), lr=0.01), FocalLoss()
losses = []
for _ in range(10):
    optimizer.zero_grad()
    value = loss(model(x), y)
    value.backward()
    optimizer.step()
    losses.append(value.item())
assert losses[-1] < losses[0]
save_checkpoint("model.h5", model=model, optimizer=optimizer, config={"name": "attentive"})
"""

LOAD = """
from dlframe import plugins, utils
from dlframe.errors import PluginError
try:
    print(sorted(utils.load_checkpoint("model.h5")))
except PluginError as error:
    print(error)
print(len(utils.load("model.h5")["model"]))
print("SqueezeExcite" in plugins.names("layers"))
"""


@pytest.mark.slow
def test_install_train_save_uninstall_load(tmp_path):
    """The package in plugins/, in an environment of its own, from installation to its absence."""
    source = tmp_path / "source"
    ignore = shutil.ignore_patterns("__pycache__", ".*", "*.egg-info", "dist", "build")
    shutil.copytree(ROOT / "plugins" / "dlframe-focus", source, ignore=ignore)
    python = fresh_environment(tmp_path / "env")

    def run(*command):
        command = [str(part) for part in command]
        # without PYTHONPATH and from elsewhere: only the environment decides what is there
        env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        done = subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    # With hatchling at hand nothing is fetched; without it pip gets it into a place of its own.
    isolation = ["--no-build-isolation", "--no-index"] if find_spec("hatchling") else []
    run(*pip, "install", "--quiet", "--no-deps", *isolation, source)
    pytest_there = (python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c")
    run(*pytest_there, source / "pyproject.toml", source / "tests")
    run(*pytest_there, source / "pyproject.toml", "--doctest-modules", "--pyargs", "dlframe_focus")
    run(python, "-W", "error", "-c", TRAIN)
    assert run(python, "-W", "error", "-c", LOAD) == "['config']\n8\nTrue\n"

    run(*pip, "uninstall", "--quiet", "--yes", "dlframe-focus")
    message, arrays, listed = run(python, "-W", "error", "-c", LOAD).splitlines()
    assert "SqueezeExcite (at 1) from dlframe-focus 0.1.0, which is not installed" in message
    assert "pip install 'dlframe-focus==0.1.0'" in message
    assert (arrays, listed) == ("8", "False")


def fresh_environment(folder):
    """A virtual environment that sees this one's packages, so that nothing need be downloaded."""
    venv = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
    subprocess.run(venv, check=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    seen = [path for path in sys.path if path.endswith("-packages")]
    (Path(site.stdout.strip()) / "parent.pth").write_text("\n".join([*seen, str(ROOT), ""]))
    return python
