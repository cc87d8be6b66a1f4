"""The program that does what a session does: "show the code"."""

from __future__ import annotations

from dlframe.viz.playground.settings import (
    DEFAULT_INIT,
    FEATURES,
    LABEL_LOSSES,
    NO_DECAY,
    OPTIMIZERS,
    OWN,
    POINTS,
    Settings,
)

__all__ = ["program"]

WIDTH = 88


def program(settings: Settings, epochs: int = 50) -> str:
    """A complete program with a loop written by hand, which prints the losses of each epoch.

    They are those of a `Session` with the same settings, to the last bit. `history` has a row for
    each epoch, the one before training first: epoch, training loss and accuracy, and if points are
    held back, their loss and accuracy.

    >>> print(program(Settings(layers=[4]), epochs=10)[:50])
    import dlframe as dl
    from dlframe import nn, optim
    """
    parts = [
        _imports(settings),
        f"dl.manual_seed({settings.seed})",
        _points(settings),
        _network(settings),
        _training(settings),
        _measuring(settings),
        _loop(settings, epochs),
    ]
    return "\n".join(parts)


# --- parts -------------------------------------------------------------------------------------


def _imports(s: Settings) -> str:
    names = "DataLoader, TensorDataset" + ("" if s.data == OWN else ", datasets")
    lines = ["import math", ""] if _needs_math(s) else []
    lines += ["import dlframe as dl", "from dlframe import nn, optim"]
    lines += [f"from dlframe.data import {names}"]
    if s.loss not in LABEL_LOSSES:
        lines.append("from dlframe.nn import functional as F")
    return "\n".join([*lines, ""])


def _needs_math(s: Settings) -> bool:
    return any("math." in FEATURES[name] for name in s.features)


def _points(s: Settings) -> str:
    lines = ["", "# --- points: in the square from -1 to 1 ---"]
    kept = s.made - s.held_back
    if s.data != OWN:
        name, options, centre, half = POINTS[s.data]
        more = "".join(f", {key}={value}" for key, value in options.items())
        lines += [
            f"data = datasets.{name}({s.points}, noise={s.noise}{more})",
            f"points, labels = (data.data - dl.tensor({list(centre)})) / {half}, data.targets",
            f"train_points, train_labels = points[:{kept}], labels[:{kept}]",
        ]
        if s.held_back:
            lines.append(f"test_points, test_labels = points[{kept}:], labels[{kept}:]")
    if s.own:
        own = ("dl.tensor([", [f"[{x}, {y}]" for x, y, _ in s.own], "])")
        own_labels = ("dl.tensor([", [str(label) for _, _, label in s.own], "])")
        if s.data == OWN:
            lines += _wrapped("train_points = ", *own) + _wrapped("train_labels = ", *own_labels)
        else:
            lines += _wrapped("own_points = ", *own) + _wrapped("own_labels = ", *own_labels)
            lines += [
                "train_points = dl.cat([train_points, own_points])",
                "train_labels = dl.cat([train_labels, own_labels])",
            ]
    columns = ", ".join(FEATURES[name] for name in s.features)
    lines += ["", "", "def features(points):"]
    if s.features == ("x", "y"):
        lines += ["    return points"]
    else:
        lines += [
            "    x, y = points[:, 0], points[:, 1]",
            f"    return dl.stack([{columns}], dim=1)",
        ]
    if s.loss not in LABEL_LOSSES:
        lines += ["", "", "def target(labels):", "    return F.one_hot(labels, 2).float()"]
    return "\n".join([*lines, "", ""])


def _wrapped(start: str, opening: str, items: list[str], closing: str) -> list[str]:
    """`start` and a list, over several lines where it is long."""
    line = f"{start}{opening}{', '.join(items)}{closing}"
    if len(line) <= WIDTH:
        return [line]
    lines, row = [f"{start}{opening}"], "   "
    for item in items:
        if len(row) + len(item) + 2 > WIDTH:
            lines.append(row)
            row = "   "
        row += f" {item},"
    return [*lines, row, closing]


def _network(s: Settings) -> str:
    lines = ["# --- network ---", "model = nn.Sequential("]
    inputs = len(s.features)
    for units in s.layers:
        lines.append(f"    nn.Linear({inputs}, {units}{', bias=False' if s.batch_norm else ''}),")
        if s.batch_norm:
            lines.append(f"    nn.BatchNorm1d({units}),")
        lines.append(f"    nn.{s.activation}(),")
        if s.dropout:
            lines.append(f"    nn.Dropout({s.dropout}),")
        inputs = units
    lines += [f"    nn.Linear({inputs}, 2),", ")"]
    if s.init != DEFAULT_INIT:
        lines += [
            "for layer in model:",
            "    if isinstance(layer, nn.Linear):",
            f"        nn.init.{s.init}_(layer.weight)",
        ]
    return "\n".join([*lines, ""])


def _training(s: Settings) -> str:
    name, options = OPTIMIZERS[s.optimizer]
    given = {"lr": s.lr, **options}
    if s.optimizer not in NO_DECAY:
        given["weight_decay"] = s.weight_decay
    text = ", ".join(f"{key}={value}" for key, value in given.items())
    target = "train_labels" if s.loss in LABEL_LOSSES else "target(train_labels)"
    drop = ", drop_last=True" if s.drops_last else ""
    lines = [
        "# --- training ---",
        f"loss_of = nn.{s.loss}()",
        f"optimizer = optim.{name}(model.parameters(), {text})",
    ]
    if s.l1:
        lines.append(f"l1 = optim.L1(model, {s.l1})")
    if s.l2:
        lines.append(f"l2 = optim.L2(model, {s.l2})")
    lines += [
        f"train = TensorDataset(features(train_points), {target})",
        f"loader = DataLoader(train, batch_size={s.batch}, shuffle=True{drop})",
    ]
    return "\n".join([*lines, "", ""])


def _measuring(s: Settings) -> str:
    target = "labels" if s.loss in LABEL_LOSSES else "target(labels)"
    rows = ["train_points, train_labels"]
    if s.held_back:
        rows.append("test_points, test_labels")
    row = ", ".join(f"*measure({one})" for one in rows)
    return f"""def measure(points, labels):
    model.eval()
    with dl.no_grad():
        output = model(features(points))
    right = output.argmax(dim=1) == labels
    return loss_of(output, {target}).item(), right.float().mean().item()


def report(epoch):
    row = (epoch, {row})
    history.append(row)
    print(*row)


history = []
report(0)"""


def _loop(s: Settings, epochs: int) -> str:
    penalties = "".join(f" + {name}()" for name in ("l1", "l2") if getattr(s, name))
    return f"""for epoch in range(1, {epochs + 1}):
    model.train()
    for x, y in loader:
        loss = loss_of(model(x), y){penalties}
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    report(epoch)
"""
