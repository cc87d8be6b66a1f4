"""`dlframe info` and `dlframe plugins`: the installed versions and plugins."""

from __future__ import annotations

import argparse
import sys

from dlframe import kernels, ops, optim
from dlframe.base.printable import printable
from dlframe.cli.words import say, say_table
from dlframe.utils.environment import environment


def info(options: argparse.Namespace) -> int:
    """The command `info`."""
    found = environment()
    facts = {
        "dlframe": found["dlframe"],
        "python": f"{found['python']} ({sys.executable})",
        "platform": found["platform"],
        "processors": f"{found['processors']}, {found['processor']}",
        "BLAS": found["blas"],
        "threads": ", ".join(
            f"{pool['library']} {pool['threads']}" for pool in found["thread_pools"]
        )
        or "one, or threadpoolctl does not know this BLAS",
        "variables": ", ".join(f"{k}={v}" for k, v in found["variables"].items()) or "none set",
        "SIMD": found["simd"],
        "kernels": ("" if found["kernels"]["enabled"] else "switched off: ")
        + (", ".join(found["kernels"]["installed"]) or "none installed"),
    }
    say_table([(name, str(fact)) for name, fact in facts.items()])
    print("packages")
    say_table([(f"  {name}", version) for name, version in found["packages"].items()])
    return 0


def plugins(options: argparse.Namespace) -> int:
    """The command `plugins`."""
    from dlframe import plugins as registry

    entries = [
        (entry, status) for entry, status in registry.describe() if options.all or status != "core"
    ]
    say_table([
        (entry.kind, printable(entry.name), status, printable(entry.owner), printable(entry.target))
        for entry, status in entries
    ])  # fmt: skip
    if not entries:
        count = len(registry.describe())
        say(f"No plugin is installed. --all lists the {count} names that dlframe has itself.")
    for package in (ops, optim):
        for name in package.__all__:
            getattr(package, name)  # imports it, so that the names of kernels are known
    problems = [*registry.problems(), *kernels.problems()]
    for problem in problems:
        say(f"problem: {problem}")
    return 1 if problems else 0
