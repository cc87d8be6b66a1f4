"""What happens inside of the readers of sequences: the parts of the page."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dlframe import nn
from dlframe.autograd import no_grad
from dlframe.data.datasets import Coriolanus
from dlframe.errors import StateDictError
from dlframe.random import Generator
from dlframe.study.experiments.sequences import counting, figures, models, tasks
from dlframe.study.experiments.sequences.models import Reader
from dlframe.study.explanation import Part
from dlframe.study.results import Results
from dlframe.study.working import DONE
from dlframe.tensor import Tensor
from dlframe.utils import load

Run = Mapping[str, Any]

LEFT = "gradient left {}, powers of ten"
NAMED = {"i": "input gate i", "f": "forget gate f", "o": "output gate o",
         "r": "reset gate r", "z": "update gate z"}  # fmt: skip
BEGINNING = "MENENIUS:\n"
WRITTEN = 240  # letters
SHOWN = 8  # the seed of the sequences that are shown, whose marks are well apart


def parts(found: Mapping[str, Results]) -> list[Part]:
    """Gradients over distance, gates, maps of attention, and what each cell writes."""
    made = []
    for make in (_reaching, _needing, _opening, _gating, _attending, _writing):
        made += list(make(found))
    return made


# --- what runs left ----------------------------------------------------------------------------


def _file(results: Results, run: Run, name: str) -> Path | None:
    folder = results.folder_of(run)
    return folder / name if folder and (folder / name).is_file() else None


def _gradients(results: Results, arm: str) -> dict[str, list[float]]:
    """The gradients of an arm by distance, at the start and the end: medians over its runs."""
    files = [_file(results, run, "gradients.json") for run in results.of(arm)]
    read = [json.loads(file.read_text("utf-8")) for file in files if file]
    return {
        when: np.median([one[when] for one in read], axis=0).tolist()
        for when in ("start", "end")
        if read
    }


def _model(results: Results, run: Run, model: Reader) -> Reader | None:
    """The model with the weights that a run left."""
    file = _file(results, run, "model.h5")
    if file is None:
        return None
    try:
        model.load_state_dict(load(file))
    except StateDictError:  # results of other code may be read, and its model be another
        return None
    return model.eval()


def _firsts(results: Results | None, factor: str = "") -> dict[str, dict[float, Run]]:
    """The first run of every arm, by cell and by the value of a factor."""
    runs: dict[str, dict[float, Run]] = {}
    for arm in results.arms if results else []:
        run = results.of(arm)[0] if results else {}
        if run["status"] == DONE:
            runs.setdefault(run["config"]["cell"], {})[run["config"].get(factor, 0)] = run
    return runs


# --- gradients ---------------------------------------------------------------------------------


def _reaching(found: Mapping[str, Results]) -> Iterator[Part]:
    panels: dict[str, dict[str, list[float]]] = {}
    asked = {"copying": ("delay", "copying, delay {}"), "adding": ("length", "adding, length {}"),
             "letters": ("", "text")}  # fmt: skip
    for when, words in (("start", "at the start"), ("end", "after training")):
        for key, (factor, name) in asked.items():
            firsts = _firsts(found.get(key), factor)
            if not firsts:
                continue
            most = max(value for runs in firsts.values() for value in runs)
            lines = {
                cell: _gradients(found[key], runs[most]["arm"])
                for cell, runs in firsts.items()
                if most in runs
            }
            drawn = {cell: line[when] for cell, line in lines.items() if line}
            if drawn:
                panels[f"{name.format(most)}, {words}"] = drawn
    text = """How much does the last state change if something changes d steps earlier? That is
    the size of the derivative `∂h_L / ∂e_{L-d}`, where `e_t` is what enters at step t. In a chain
    it is a product of d Jacobians, one for each step between. If each makes a vector shorter by
    the factor 0.8, a hundredth is left after 20 steps and a millionth after 62: a straight line
    downwards on an axis of powers of ten. A gradient of this size is what the weights learn from.

    In attention the last step reads every earlier one directly, so there is one Jacobian between
    them, not d of them: its line does not fall with the distance. What stands out after training
    are the places that the task needs."""
    columns = max(1, len(panels) // 2)
    figure = figures.over_distance(panels, columns, "How far gradients reach") if panels else None
    yield Part(
        "How far gradients reach",
        text if panels else f"{text}\n\nThese runs left no gradients: results were not kept.",
        figure,
        "Lines of the gradient's size over the steps back, on a logarithmic axis, for each cell at "
        "the start and after training.",
    )


def _needing(found: Mapping[str, Results]) -> Iterator[Part]:
    results = found.get("copying")
    if results is None:
        return
    points: dict[str, tuple[list[float], list[float]]] = {}
    for run in results.runs:
        values = run["values"]
        if run["status"] == DONE and LEFT.format("after training") in values:
            x, y = points.setdefault(run["config"]["cell"], ([], []))
            x.append(values[LEFT.format("after training")])
            y.append(values["test_accuracy"])
    rows = []
    for arm in results.arms:
        done = [run["values"] for run in results.of(arm) if run["status"] == DONE]
        names = (LEFT.format("at the start"), LEFT.format("after training"), "test_accuracy")
        if done:
            means = [np.mean([values[name] for values in done]) for name in names]
            rows.append((arm, *(f"{m:.1f}" for m in means[:2]), f"{means[2]:.3f}"))
    yield Part(
        "Memory and the size of the gradient",
        """Each point is a run on copying: to the right are those whose last state still depends
        on the letter it has to repeat, after training. The numbers are powers of ten: −3 means
        that a thousandth of the gradient is left over the delay, compared with that of the last
        step. A network that guesses is right in 1 of 8 cases.

        Who remembers has a gradient left: a letter that does not change the last state cannot
        decide the answer. It is not enough, since a state may depend on a letter in a way that the
        answer does not use. Nor does the gradient at the start decide alone: compare LSTM and GRU
        at the longest delay, before and after training. Where the accuracy is high, the gradient
        has become about as large as that of the last step, which is 0 powers of ten.""",
        figures.by_gradient(points) if points else None,
        "A point for each run: accuracy over the gradient that is left.",
        (("arm", "left at the start", "left after training", "accuracy"), rows),
    )


def _opening(found: Mapping[str, Results]) -> Iterator[Part]:
    results = found.get("forgetting")
    if results is None:
        return
    panels: dict[str, dict[str, list[float]]] = {}
    for arm in results.arms:
        gradients, bias = _gradients(results, arm), results.of(arm)[0]["config"]["forget_bias"]
        if gradients:
            share = 1 / (1 + math.exp(-bias))
            power = [share**d for d in range(len(gradients["start"]))]
            panels[f"bias {bias:g}"] = {"measured": gradients["start"], "σ(b)ᵈ": power}
    yield Part(
        "An LSTM that begins by keeping",
        """Along the cell state `c' = f · c + i · g` the gradient of a step is multiplied by f. With
        biases near 0 the forget gate begins near σ(0) = ½, and half of the gradient is left after
        each step; with a bias b it begins near σ(b), and `σ(b)^d` is left after d steps. The
        picture has the measured gradients at the start, and that power beside them. Where the bias
        is small the measured gradient falls more slowly after some steps: the gates differ from
        unit to unit, and what is left in the end is in the units whose gates are most open.""",
        figures.over_distance(panels, 2, "Forget gates at the start") if panels else None,
        "A panel for each bias: the measured gradient over the steps back, and the power.",
    )


# --- gates and attention -----------------------------------------------------------------------


def _learned(runs: Mapping[float, Run], limit: float) -> float:
    """The longest sequences whose task was learned, or the shortest there are."""
    good = [length for length, run in runs.items() if run["values"]["test_mse"] < limit]
    return max(good) if good else min(runs)


def _gating(found: Mapping[str, Results]) -> Iterator[Part]:
    firsts = _firsts(found.get("adding"), "length")
    texts = {
        "LSTM": """One sequence of the adding task; the triangles show the two marked numbers, which
        alone matter. A unit whose input gate opens there, and whose forget gate is near 1
        elsewhere, takes a number up and keeps it. A few such units are enough. In each map the
        units are sorted by their mean.""",
        "GRU": """The same for a GRU. Its update gate z says how much of the old state is kept:
        where it is 1 (dark), the state and its gradient pass unchanged. Units that are dark
        except at the triangles are the memory.""",
    }
    for cell, text in texts.items():
        if cell not in firsts:
            continue
        length = _learned(firsts[cell], 0.02)
        run = firsts[cell][length]
        model = _model(found["adding"], run, models.for_adding(cell, int(length)))
        if model is None:
            continue
        x, _ = tasks.adding(1, int(length), Generator().manual_seed(SHOWN))
        with no_grad():
            opened = models.gates(model.body, model.enter(x))
        marked = np.flatnonzero(x[0, :, 1].numpy()).tolist()
        yield Part(
            f"Gates of the {cell}",
            f"{text}\n\nThis network's error is {run['values']['test_mse']:.4f}; who always says 1 "
            "has 0.1667.",
            figures.gate_maps(
                {NAMED[name]: values[0].numpy() for name, values in opened.items()},
                marked,
                f"Gates of the {cell} along {length:g} numbers",
            ),
            f"A map for each gate of the {cell}, units by steps, with the marked steps pointed at.",
        )


def _attending(found: Mapping[str, Results]) -> Iterator[Part]:
    from dlframe import viz

    signs = [*"abcdefgh", "·", ">"]
    for key, factor in (("copying", "delay"), ("adding", "length")):
        firsts = _firsts(found.get(key), factor).get("attention")
        if not firsts:
            continue
        value = min(firsts)
        model, x, words = _asked(found[key], firsts[value], int(value), signs)
        if model is None:
            continue
        yield Part(
            f"What attention looks at: {key}",
            """A row is a step that asks, a column a step that is looked at; darker is more weight.
            The answer is made in the last rows. """
            + (
                "After the sign `>` each of them looks at the letter that it has to say: the path "
                "from there is one step long, whatever the delay."
                if key == "copying"
                else "In the last row the weight should lie on the two marked numbers, which are "
                "those with a star."
            ),
            viz.attention(model, x).plot(words, title=f"Attention in {key}"),
            f"Maps of the weights of each head on {key}, queries by keys.",
        )


def _asked(
    results: Results, run: Run, value: int, signs: list[str]
) -> tuple[Reader | None, Tensor, list[str]]:
    """The model that a run left, one sequence for it, and names for the steps."""
    chance = Generator().manual_seed(SHOWN)
    if "delay" in run["config"]:
        x, _ = tasks.copying(1, value, chance)
        empty = models.for_copying("attention", value, tasks.COUNT)
        return _model(results, run, empty), x, [signs[i] for i in x[0].tolist()]
    x, _ = tasks.adding(1, value, chance)
    words = [f"{'*' if mark else ''}{number:.1f}" for number, mark in x[0].tolist()]
    return _model(results, run, models.for_adding("attention", value)), x, words


# --- text --------------------------------------------------------------------------------------


def write(model: nn.Module, acts: Coriolanus, count: int, generator: Generator) -> str:
    """The text that a model writes after `BEGINNING`: each letter is drawn by its probability."""
    numbers = acts.encode(BEGINNING).tolist()
    with no_grad():
        for _ in range(count):
            scores = model(Tensor(np.array([numbers[-acts.length :]])))[0, :, -1]
            shares = np.cumsum(scores.double().softmax(dim=0).numpy())
            drawn = float(generator.uniform((1,))[0]) * shares[-1]
            numbers.append(int(np.searchsorted(shares, drawn, side="right")))
    return acts.decode(numbers)


def _writing(found: Mapping[str, Results]) -> Iterator[Part]:
    results = found.get("letters")
    if results is None:
        return
    acts, test = Coriolanus(length=64), Coriolanus(train=False, length=64)
    texts = [
        """Each network goes on with a text that begins with `MENENIUS:`. Every letter is drawn by
        its probability, and read again as the next one. A slash is the end of a line."""
    ]
    for cell, runs in _firsts(results).items():
        empty = models.for_text(cell, len(acts.letters), acts.length)
        model = _model(results, runs[0], empty)
        if model is not None:
            written = write(model, acts, WRITTEN, Generator().manual_seed(0)).replace("\n", " / ")
            bits = runs[0]["values"]["test_bits"]
            texts.append(f"{cell}, {bits:.2f} bits per letter: `{written}`")
    yield Part("What they write", "\n\n".join(texts))
    counts = [
        (
            f"{context} letter{'s' * (context != 1)} before",
            f"{counting.bits(acts.text, test.text, context):.2f}",
        )
        for context in range(5)
    ]
    yield Part(
        "What counting reaches",
        """Without any network the next letter can be guessed from how often it followed the same
        few letters in the training text. This table has the bits per letter of such counts on the
        test text. More context is better until most contexts were seen too rarely. What a network
        is better than the best row comes from more than the last few letters, or from knowing
        which contexts are alike.""",
        table=(("what is counted after", "bits per letter"), counts),
    )
