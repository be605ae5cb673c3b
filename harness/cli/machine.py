"""``doctor``: what this machine can run, and what to install for more."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from harness.cli.options import command, flag
from harness.cli.output import put
from harness.machine.doctor import look_around
from harness.machine.fit import facts_of, slots_that_fit, this_device
from harness.models import registry
from harness.report.data import json_text

_HELP = """\
Look at this machine and what is installed: engines and their builds, devices, memory, disk,
load, and which models fit with how many episodes at once. Exit code 1 when something that
the built-in models need is missing.

example:
  python -m harness doctor
"""
_MARKS = {"ok": "ok  ", "note": "note", "bad": "BAD "}


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = command(commands, "doctor", examine, "what this machine can run", _HELP)
    flag(parser, "--json", "the findings and what fits, as JSON")


def examine(args: argparse.Namespace) -> int:
    """Print the findings; 0 nothing bad, 1 something is."""
    findings = look_around()
    fits = _what_fits()
    bad = any(finding.state == "bad" for finding in findings)
    if args.json:
        found = [asdict(finding) for finding in findings]
        put(json_text({"ok": not bad, "findings": found, "fits": fits}))
        return int(bad)
    for finding in findings:
        put(f"{_MARKS[finding.state]} {finding.topic:16} {finding.text}")
        if finding.advice:
            put(f"{'':21} -> {finding.advice}")
    if fits:
        put("\nmodels that fit here, by episodes at once (estimated where the file is not here):")
        for slots, names in sorted(grouped(fits).items(), reverse=True):
            put(f"  {slots or 'no':>2}  {', '.join(names)}")
    return int(bad)


def _what_fits() -> dict[str, int]:
    """Episodes at once by model name, of those whose size is known."""
    rows = registry.read_rows().values() if registry.FILE.exists() else ()
    known = {row.model.name: slots_that_fit(row, facts_of(row), this_device()) for row in rows}
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
