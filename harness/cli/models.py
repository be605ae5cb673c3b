"""``models``: what there is to run."""

from __future__ import annotations

import argparse
import json
from typing import Any

from rich.console import Console
from rich.table import Table

from harness import models
from harness.printable import printable
from harness.types import Model

HELP = """\
List the models of models.toml: size, bits, licence, and whether the file is here.

example:
  python -m harness models --json
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("models", help="what can be run", description=HELP)
    parser.set_defaults(command=list_models)
    parser.add_argument(
        "--json", action="store_true", help="a list of objects: name, params, bits, engine, …"
    )


def list_models(args: argparse.Namespace) -> int:
    """Print the registry."""
    rows = [describe(model) for model in models.read_models().values()]
    if args.json:
        print(json.dumps(rows, indent=1))
        return 0
    table = Table(
        "model", "params", "bits", "engine", "here", "licence", "note", box=None, pad_edge=False
    )
    for row in rows:
        table.add_row(
            *(
                printable(str(row[key]))
                for key in ("name", "size", "bits", "engine", "here", "licence", "note")
            )
        )
    Console(markup=False, highlight=False).print(table)
    return 0


def describe(model: Model) -> dict[str, object]:
    """A model as ``models --json`` gives it; ``here``: the file need not be downloaded."""
    return {
        "name": model.name,
        "params": model.params,
        "size": size(model.params),
        "bits": model.bits,
        "engine": model.engine,
        "family": model.family,
        "source": model.source,
        "here": "yes" if models.is_here(model) else "no",
        "licence": model.licence,
        "note": model.note,
    }


def size(params: int) -> str:
    """1234567 -> 1.2M; 0 -> ?"""
    for unit, factor in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if params >= factor:
            return f"{params / factor:.3g}{unit}"
    return str(params) if params else "?"
