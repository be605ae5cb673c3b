"""``models``: what there is to run, what of it fits here, and ``models pull``."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from typing import Any

from harness.cli.live import fetch_model
from harness.cli.options import command, flag
from harness.cli.output import put
from harness.common.printable import printable
from harness.engines import kind_of
from harness.machine.fit import facts_of, slots_that_fit, this_device
from harness.models import registry, weights
from harness.models.registry import Row
from harness.types import Model

_HELP = """\
List the models of models.toml: size, bits, licence, whether they fit this machine and whether
they are here already. ``models pull NAME`` fetches one; so does the first run of it.

examples:
  python -m harness models
  python -m harness models --json
  python -m harness models pull smollm2-135m-q4
"""
_COLUMNS = ("name", "size", "bits", "recipe", "engine", "disk", "fits", "here", "licence", "note")


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = command(commands, "models", list_models, "what can be run; pull NAME", _HELP)
    flag(parser, "--json", "a list of objects: name, params, bits, engine, …")
    below = parser.add_subparsers(metavar="pull", title="commands")
    pull = command(below, "pull", pull_models, "fetch models", _HELP)
    pull.add_argument(
        "names", nargs="+", metavar="NAME", help="as run --model takes it; a glob takes several"
    )


def pull_models(args: argparse.Namespace) -> int:
    """Fetch, check and look into every model named."""
    for row in registry.resolve(args.names):
        put(f"{row.model.name}: {fetch_model(row).model.source}")
    return 0


def list_models(args: argparse.Namespace) -> int:
    """Print the registry."""
    rows = [model_row(row) for row in registry.read_rows().values()]
    if args.json:
        put(json.dumps(rows, indent=1))
        return 0
    cells = [_COLUMNS, *([printable(str(row[column])) for column in _COLUMNS] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0  # piped: whole lines
    for line in cells:
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        put(text.rstrip()[: room or None])
    put("\n~ not checked against a source; NC: not for commercial use; fits: episodes at once")
    return 0


def model_row(row: Row) -> dict[str, object]:
    """A model as ``models --json`` gives it; what its file says counts more than its row.

    ``bits`` is the nominal width of ``recipe`` ("" = not known before the file is here),
    ``bits_per_weight`` measured (0 = not), ``bytes`` 0 = not known; ``fits``: episodes at once
    on this machine ("" = nothing to load here); ``here``: on this machine.
    """
    model, origin = row.model, row.origin
    kind = kind_of(model)
    path = weights.local_path(row) if kind.weights else None
    facts = facts_of(row)
    slots = slots_that_fit(row, facts, this_device())
    params = facts.params if facts else model.params
    unsure = "~" if "params" in row.uncertain and not facts else ""
    size = facts.size_bytes if facts else origin.size
    return {
        "name": model.name,
        "params": params,
        "size": unsure + registry.short_size(params, 3),
        "bits": facts.bits if facts else model.bits,
        "recipe": facts.recipe if facts else _asked(model),
        "recipe_source": facts.recipe_source if facts else "",
        "bits_per_weight": facts.bits_per_weight if facts else 0.0,
        "params_stored": facts.params_stored if facts else 0,
        "engine": model.engine,
        "family": model.family,
        "source": origin.label or model.source,
        "bytes": size,
        "disk": f"{size / 1e9:.2f} GB" if size else "?" if origin.label else "",
        "fits": "" if slots is None else slots or "no",
        "here": "yes" if path or (not origin.label and not kind.weights) else "no",
        "path": str(path or ""),
        "licence": model.licence + (" (NC)" if row.non_commercial else ""),
        "non_commercial": row.non_commercial,
        "context": row.context,
        "stands_for": row.stands_for,
        "note": ": ".join(filter(None, (row.stands_for and f"for {row.stands_for}", model.note))),
        "uncertain": list(row.uncertain),
    }


def _asked(model: Model) -> str:
    """The recipe that transformers is asked for; "" where the file or the device decides."""
    asked = str(model.options.get("quantisation", ""))
    return asked if asked in ("nf4", "int8") else "bf16" if "dtype" in model.options else ""
