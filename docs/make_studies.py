"""Make the pages docs/studies/*.md again, with their pictures, from full runs of the studies.

    python docs/make_studies.py disk engine          those pages; all of them without names
    python docs/make_studies.py mnist --root DATA    with data sets that are not in the package
    python docs/make_studies.py --kept               from runs that are there, by whichever code

The runs lie in --runs (runs/studies-full), and go on where they were interrupted. All of them take
some hours of one processor; each page says how long.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from study_pages import page

from dlframe.cli.parser import data_root
from dlframe.study import Results, Study
from dlframe.study.design import parameters
from dlframe.study.experiments import STUDIES
from dlframe.study.numbers import interval, probability

FOLDER = Path(__file__).resolve().parent / "studies"

# the forms of each study that its page shows; by default, the usual one
FORMS: dict[str, list[dict[str, Any]]] = {
    "mnist": [{"seeds": 4}],
    "modules": [{}, {"data": "mnist", "seeds": 5}, {"data": "cifar10", "seeds": 5}],
}


def main() -> int:
    """Make the chosen pages."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", choices=[*STUDIES, []], metavar="NAME")
    parser.add_argument("--runs", type=Path, default=Path("runs/studies-full"))
    parser.add_argument("--root", help="where data sets lie")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--kept", action="store_true", help="take the runs as they are")
    options = parser.parse_args()
    for name in options.names or STUDIES:
        started = time.perf_counter()
        module = importlib.import_module(f"dlframe.study.experiments.{name}")
        forms = [
            (_command(name, form), _results(module, name, form, options))
            for form in FORMS.get(name, [{}])
        ]
        page(FOLDER, name, module, forms)
        if name == "modules":
            fill_regularization(forms[0][1]["regularization"])
        print(f"{name}.md  {time.perf_counter() - started:.0f} s")
    return 0


def _command(name: str, form: dict[str, Any]) -> str:
    given = "".join(f" --{option} {value}" for option, value in form.items())
    return f"dlframe study {name}{given}"


def _results(
    module: ModuleType, name: str, form: dict[str, Any], options: argparse.Namespace
) -> dict[str, Results]:
    """The results of a module's studies, in one form."""
    folder = options.runs / "-".join([name, *(str(value) for value in form.values())])
    found = {}
    for key, study in vars(module).items():
        if not isinstance(study, Study):
            continue
        changed = _changed(study, key, form, options.root)
        if options.kept:
            found[key] = changed.read(folder)
        else:
            found[key] = changed.run(folder=folder, workers=options.workers)
    return found


def _changed(study: Study, key: str, form: dict[str, Any], root: str | None) -> Study:
    known = parameters(study.function)
    baseline = {name: value for name, value in form.items() if name in known}
    if "root" in known:
        baseline["root"] = data_root(root)
    seeds = {"seeds": form["seeds"]} if "seeds" in form else {}
    return study.changed(baseline=baseline, **seeds, **({} if study.is_named else {"name": key}))


# --- the measured effects on the page of regularization ----------------------------------------

MARKS = ("<!-- made: regularization -->", "<!-- end -->")


def fill_regularization(results: Results) -> None:
    """Put the arms of the factor into the table of docs/reference/regularization.md."""
    path = FOLDER.parent / "reference" / "regularization.md"
    text = path.read_text("utf-8")
    before, rest = text.split(MARKS[0])
    after = rest.split(MARKS[1], 1)[1]
    baseline = results.study.arms[0]
    level = baseline.levels["regularization"]
    gaps = {row.arm: row for row in results.table("gap")}
    lines = [
        "| regularization | test accuracy [95 %] | difference from none [95 %] | p (Holm) | gap |",
        "|---|--:|--:|--:|--:|",
    ]
    for arm, row in zip(results.study.arms, results.table(), strict=True):
        name = arm.levels["regularization"]
        if arm is not baseline and name == level:
            continue
        difference = interval(row.comparison.difference) if row.comparison else "–"
        cells = [name.name, interval(row.estimate), difference, probability(row.p),
                 interval(gaps[row.arm].estimate)]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    table = "\n".join(lines)
    path.write_text(f"{before}{MARKS[0]}\n\n{table}\n\n{MARKS[1]}{after}", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
