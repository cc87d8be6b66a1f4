"""A small GPT on names: which letter comes next?

Names are read letter by letter, and each model gives the probability of every letter that could
come next, or that the name ends. A table of pairs sees one letter back, a perceptron three, a GRU
and a GPT the whole beginning. What counts is how many bits a letter of unseen names costs: the mean
of -log₂ p.
"""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlframe import nn, optim, random
from dlframe.autograd import no_grad
from dlframe.data import datasets
from dlframe.dtypes import int64
from dlframe.nn import functional as F
from dlframe.nn.modes import evaluating
from dlframe.optim.lr_scheduler import OneCycleLR
from dlframe.study.explanation import Part
from dlframe.study.results import Results
from dlframe.study.seeds import Seeds
from dlframe.study.study import Study
from dlframe.tensor import Tensor
from dlframe.tensor.creation import arange, full, multinomial, ones, randperm, tensor, zeros
from dlframe.tensor.functions import cat
from dlframe.utils import load, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FILE = Path(datasets.__file__).parent / "files" / "names.txt"
END = "."  # before the first letter and after the last
LETTERS = END + "abcdefghijklmnopqrstuvwxyz"
LONGEST = 12  # letters of a name
IGNORED = -100  # a place after the end
BATCH = 32
SAMPLES = 1000
SHOWN = 12  # of the samples that are new

# --- data --------------------------------------------------------------------------------------


def read() -> list[str]:
    """The names, in alphabetical order."""
    return FILE.read_text("ascii").split()


def encoded(names: list[str]) -> tuple[Tensor, Tensor]:
    """For each place the letter there, and the one that comes next, (names, LONGEST + 1)."""
    x, y = [], []
    for name in names:
        numbers = [LETTERS.index(letter) for letter in END + name + END]
        rest = LONGEST - len(name)
        x.append(numbers[:-1] + [0] * rest)
        y.append(numbers[1:] + [IGNORED] * rest)
    return tensor(x), tensor(y)


# --- models ------------------------------------------------------------------------------------


class Bigram(nn.Module):
    """log p(next | letter) from counts of pairs, each of which begins with `more`."""

    counts: Tensor

    def __init__(self, more: float = 0.1) -> None:
        super().__init__()
        self.register_buffer("counts", full((len(LETTERS), len(LETTERS)), more))

    def count(self, x: Tensor, y: Tensor) -> None:
        """See the pairs of training names."""
        there = y != IGNORED
        once = ones(int(there.sum()))
        self.counts.index_put_((x[there], y[there]), once, accumulate=True)

    def forward(self, x: Tensor) -> Tensor:
        """Scores, (n, length, letters)."""
        scores: Tensor = (self.counts / self.counts.sum(dim=1, keepdim=True)).log()[x]
        return scores


class MLP(nn.Module):
    """The last three letters, embedded; one hidden layer. Bengio et al. (2003)."""

    def __init__(self, context: int = 3, features: int = 16, hidden: int = 128) -> None:
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(len(LETTERS), features)
        self.hidden = nn.Linear(context * features, hidden)
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(hidden, len(LETTERS))

    def forward(self, x: Tensor) -> Tensor:
        """Scores, (n, length, letters)."""
        length = x.shape[1]
        before = F.pad(x, (self.context - 1, 0))  # a name begins with several ends
        last = [before[:, i : i + length] for i in range(self.context)]
        seen = cat([self.embedding(letters) for letters in last], dim=2)
        scores: Tensor = self.head(self.dropout(self.hidden(seen).tanh()))
        return scores


class GRU(nn.Module):
    """A state that is carried from letter to letter."""

    def __init__(self, features: int = 32, hidden: int = 64) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(LETTERS), features)
        self.gru = nn.GRU(features, hidden, batch_first=True)
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(hidden, len(LETTERS))

    def forward(self, x: Tensor) -> Tensor:
        """Scores, (n, length, letters)."""
        states, _ = self.gru(self.embedding(x))
        scores: Tensor = self.head(self.dropout(states))
        return scores


class GPT(nn.Module):
    """Each place looks at the places before it and itself, in layers. Radford et al. (2018)."""

    def __init__(
        self, layers: int = 2, features: int = 48, heads: int = 4, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(LETTERS), features)
        self.position = nn.Embedding(LONGEST + 1, features)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                features, heads, 4 * features, dropout, "gelu", batch_first=True, norm_first=True
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(features)
        self.head = nn.Linear(features, len(LETTERS))

    def forward(self, x: Tensor) -> Tensor:
        """Scores, (n, length, letters)."""
        length = x.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        h = self.embedding(x) + self.position(arange(length))
        for layer in self.layers:
            h = layer(h, src_mask=mask, is_causal=True)
        scores: Tensor = self.head(self.norm(h))
        return scores


MODELS: dict[str, type[nn.Module]] = {"bigram": Bigram, "MLP": MLP, "GRU": GRU, "GPT": GPT}


# --- measuring ---------------------------------------------------------------------------------


def loss_of(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """The mean of -ln p over all letters and ends."""
    loss: Tensor = F.cross_entropy(model(x).flatten(0, 1), y.flatten(), ignore_index=IGNORED)
    return loss


def bits(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """The mean of -log₂ p."""
    with no_grad(), evaluating(model):
        return float(loss_of(model, x, y)) / math.log(2)


def bits_by_place(model: nn.Module, x: Tensor, y: Tensor) -> list[float]:
    """The same for the first letter, the second, and so on; NaN where no name is so long."""
    with no_grad(), evaluating(model):
        costs = F.cross_entropy(
            model(x).transpose(1, 2), y, ignore_index=IGNORED, reduction="none"
        ) / math.log(2)
    there = y != IGNORED
    return [float(c[t].mean()) for c, t in zip(costs.T, there.T, strict=True) if t.any()]


def sampled(model: nn.Module, count: int) -> list[str]:
    """Names drawn letter by letter, each from the model's probabilities."""
    x = zeros((count, 1), dtype=int64)
    with no_grad(), evaluating(model):
        for _ in range(LONGEST):
            chances = model(x)[:, -1].softmax(dim=1)
            x = cat([x, multinomial(chances, 1)], dim=1)
    rows = ("".join(LETTERS[i] for i in row[1:]) for row in x.tolist())
    return [row.partition(END)[0] for row in rows]


# --- a run -------------------------------------------------------------------------------------


def run(
    seeds: Seeds,
    model: str = "GPT",
    layers: int = 2,
    epochs: int = 30,
    folder: Path | None = None,
) -> dict[str, Any]:
    """How many bits does a letter of an unseen name cost, and what names do models make up?"""
    train, val, test = divided(seeds.split)
    random.manual_seed(seeds.weights)
    network = GPT(layers) if model == "GPT" else MODELS[model]()
    found: dict[str, Any] = {"loss": [], "val_bits": []}
    if isinstance(network, Bigram):
        network.count(*encoded(train))
        found["val_bits"].append(bits(network, *encoded(val)))
    else:
        network, found = trained(network, seeds, encoded(train), encoded(val), epochs)
    random.manual_seed(seeds.noise)
    samples = sampled(network, SAMPLES)
    new = [name for name in samples if name not in set(train)]
    if folder is not None:
        places = bits_by_place(network, *encoded(val))
        kept = {"weights": network.state_dict(), "new": new[:SHOWN], "bits by place": places}
        save(kept, folder / "model.h5")
    tested = functools.cache(lambda: bits(network, *encoded(test)))
    return {
        **found,
        "weights": sum(p.numel() for p in network.parameters()),
        "new samples": len(new) / SAMPLES,
        "test_bits": tested,
        "test_perplexity": lambda: 2 ** tested(),
        "new samples that are unseen names": lambda: (
            sum(name in {*val, *test} for name in new) / max(len(new), 1)
        ),
    }


def divided(seed: int) -> tuple[list[str], list[str], list[str]]:
    """Names for training, validation and test: 80, 10 and 10 %."""
    names = read()
    random.manual_seed(seed)
    order = randperm(len(names)).tolist()
    held = len(names) // 10
    shuffled = [names[i] for i in order]
    return shuffled[2 * held :], shuffled[:held], shuffled[held : 2 * held]


def trained(
    network: nn.Module, seeds: Seeds, train: tuple[Tensor, Tensor], val: tuple[Tensor, Tensor],
    epochs: int,
) -> tuple[nn.Module, dict[str, Any]]:  # fmt: skip
    """The network with the weights of its best epoch, by validation names, and its curves."""
    x, y = train
    optimizer = optim.AdamW(network.parameters(), lr=0.005, weight_decay=0.01)
    schedule = OneCycleLR(optimizer, 0.005, total_steps=epochs * -(-len(x) // BATCH))
    found: dict[str, Any] = {"loss": [], "val_bits": []}
    best = copy.deepcopy(network)
    random.manual_seed(seeds.order)
    for _ in range(epochs):
        total = 0.0
        for batch in randperm(len(x)).split(BATCH):
            loss = loss_of(network, x[batch], y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(batch)
        found["loss"].append(total / len(x))
        found["val_bits"].append(bits(network, *val))
        if found["val_bits"][-1] == min(found["val_bits"]):
            best = copy.deepcopy(network)
    return best, found


made_up_names = Study(
    run, {"model": list(MODELS)}, measure="test_bits", mode="min", seeds=5, data=FILE, name="names"
)


# --- what happens inside -----------------------------------------------------------------------

LOOKED_AT = "alexandra"


def parts(results: Results) -> list[Part]:
    """What the models know and make up, where it helps, and where the GPT looks."""
    kept = _kept(results)
    found = [_numbers(results, kept)]
    if kept:
        found.append(_places(kept))
    run = results.of("GPT")[0] if "GPT" in results.arms else None
    if run is not None and "GPT" in kept:
        model = GPT(run["config"]["layers"])
        model.load_state_dict(kept["GPT"]["weights"])
        found.append(_attention(model))
    return found


def _kept(results: Results) -> dict[str, Mapping[str, Any]]:
    """What the first run of each arm left."""
    found = {}
    for arm in results.arms:
        folder = results.folder_of(results.of(arm)[0])
        if folder is not None and (folder / "model.h5").is_file():
            found[arm] = load(folder / "model.h5")
    return found


def _numbers(results: Results, kept: Mapping[str, Mapping[str, Any]]) -> Part:
    columns = ["test_bits", "test_perplexity", "new samples", "new samples that are unseen names"]
    rows: list[tuple[str, ...]] = [
        ("every letter alike", f"{math.log2(len(LETTERS)):.3f}", f"{len(LETTERS)}", "", "", "")
    ]
    for arm in results.arms:
        done = [run["values"] for run in results.of(arm) if run["status"] == "done"]
        if done:
            bits, perplexity, new, unseen = (
                sum(values[name] for values in done) / len(done) for name in columns
            )
            names = ", ".join(kept[arm]["new"][:6]) if arm in kept else ""
            rows.append(
                (arm, f"{bits:.3f}", f"{perplexity:.2f}", f"{new:.1%}", f"{unseen:.1%}", names)
            )
    return Part(
        "Names: bits, and names that do not exist",
        """
        A model gives the next letter, or the end, a probability. If it gives p to the one that
        comes, a good code needs `-log₂ p` bits for it; their mean over the letters of names that
        were not seen is what the models are compared by. `2` to the power of the bits is the
        perplexity: among so many equally probable letters one would hesitate as much. Whoever
        knows nothing hesitates among 27.

        A bigram model counts pairs of letters, and that is all the training it needs. The MLP
        reads three letters back. The GRU carries a state from letter to letter, and a GPT looks
        at all letters so far. All three learn similar letters to be similar, so that they can
        say something about beginnings that never occurred, where a table of so many letters
        would be empty.

        Drawing letter after letter from these probabilities makes up names. The table has how many
        of them are new, which means not among the names that were learned, how many of the new
        ones are names nevertheless, since they are among those held out, and the first new ones of
        the first run. All models draw with the same random numbers, so some samples begin alike.
        """,
        table=(["model", "bits", "perplexity", "new", "of these names", "samples"], rows),
    )


def _places(kept: Mapping[str, Mapping[str, Any]]) -> Part:
    return Part(
        "Names: where in a name it helps to remember",
        """
        The bits of each place, for the validation names of the first run. At the first letter there
        is nothing to remember, and all models cost nearly the same, about as much as the counts of
        first letters say. What the better models save, they save later, where a beginning such as
        `christ` leaves few ways to go on, and a model that sees only the `t` does not know it.
        Few names are so long that the last places count.
        """,
        figure=_places_figure({arm: found["bits by place"] for arm, found in kept.items()}),
        alt="A line for each model: bits over the place of the letter in the name. All begin at "
        "the same height; the line of the bigram model stays above the others.",
    )


def _places_figure(found: Mapping[str, list[float]]) -> Figure:
    from dlframe.viz import looks, style

    with style.house_style():
        figure = style.new_figure(6.2, 3.4)
        style.lay_out(figure, 3.4)
        axes = figure.subplots()
        for arm, look in looks.looks_of(found).items():
            places = range(1, len(found[arm]) + 1)
            axes.plot(places, found[arm], label=arm, **look)
        axes.set(xlabel="place of the letter in the name, or of the end", ylabel="bits")
        axes.set_xticks(range(1, LONGEST + 2))
        axes.set_ylim(bottom=0)
        axes.grid(axis="y")
        axes.legend()
        return style.finish(figure, None)


def _attention(model: GPT) -> Part:
    from dlframe import viz

    x, _ = encoded([LOOKED_AT])
    seen = viz.attention(model, x[:, : len(LOOKED_AT) + 1])
    return Part(
        "Names: where the GPT looks",
        f"""
        The weights of attention for the name `{LOOKED_AT}`, a row of maps for each layer and a map
        for each head. Each row of a map is a place that asks, `softmax(q · k / √d)` of its query
        with the keys of all places; the columns are the places it looks at, and the dot at the
        beginning stands for the start. What comes later is hidden by the causal mask, so that the
        letter to be predicted is not seen. Heads differ in what they look for: some look mainly at
        the last letters, others far back. Nobody asked them to.
        """,
        figure=seen.plot([END, *LOOKED_AT]),
        alt="Maps of attention weights, lower triangles: each place looks at itself and at those "
        "before it, with different weights in each head.",
    )
