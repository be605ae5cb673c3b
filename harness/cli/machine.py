"""``doctor``: what this machine can run, and what to install for more."""

from __future__ import annotations

import argparse
import json
from typing import Any

from harness.common.printable import printable
from harness.machine import doctor
from harness.models import registry
from harness.models.registry import Row

HELP = """\
Look at this machine and what is installed: engines and their builds, devices, memory, disk,
load, and which models fit with how many episodes at once. Exit code 1 when something that
the built-in models need is missing.

example:
  python -m harness doctor
"""
MARKS = {"ok": "ok  ", "note": "note", "bad": "BAD "}


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("doctor", help="what this machine can run", description=HELP)
    parser.set_defaults(command=examine)
    parser.add_argument("--json", action="store_true", help="the findings and what fits, as JSON")


def examine(args: argparse.Namespace) -> int:
    """Print the findings; 0 nothing bad, 1 something is."""
    findings = doctor.examine()
    fits = what_fits(list(registry.read_rows().values()) if registry.FILE.exists() else [])
    bad = any(finding.state == "bad" for finding in findings)
    if args.json:
        print(
            json.dumps({"ok": not bad, "findings": doctor.report(findings), "fits": fits}, indent=1)
        )
        return int(bad)
    for finding in findings:
        print(printable(f"{MARKS[finding.state]} {finding.topic:16} {finding.text}"))
        if finding.advice:
            print(printable(f"{'':21} -> {finding.advice}"))
    if fits:
        print("\nmodels that fit here, by episodes at once (estimated where the file is not here):")
    for slots, names in sorted(grouped(fits).items(), reverse=True):
        count = f"{slots:>2}" if slots else "no"
        print(printable(f"  {count}  {', '.join(names)}"))
    return int(bad)


def what_fits(rows: list[Row]) -> dict[str, int]:
    """Episodes at once by model name, of those whose size is known."""
    known = {
        row.model.name: doctor.fitting(row, doctor.facts_of(row), doctor.device()) for row in rows
    }
    return {name: slots for name, slots in known.items() if slots is not None}


def grouped(fits: dict[str, int]) -> dict[int, list[str]]:
    """Models by their number of slots, the variants of one as name-q4/q8."""
    found: dict[int, dict[str, list[str]]] = {}
    for name, slots in fits.items():
        model, _, variant = name.rpartition("-")
        found.setdefault(slots, {}).setdefault(model, []).append(variant)
    return {
        slots: [f"{model}-{'/'.join(variants)}" for model, variants in models.items()]
        for slots, models in found.items()
    }
