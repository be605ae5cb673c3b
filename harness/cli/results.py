"""``report`` and ``plot``: what came out, as a table and as a chart."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness import runs
from harness.report import data, table
from harness.report.data import Result
from harness.types import UserError

REPORT = """\
Print the result table: of the runs named, or of the newest run of every model.

examples:
  python -m harness report
  python -m harness report runs/20261120-* --json
"""
PLOT = """\
Draw accuracy and well-formedness against parameters, one line a bit width.

example:
  python -m harness plot -o chart.png -o chart.svg
"""


def add(commands: Any) -> None:
    """Add the commands to the parser."""
    parser = commands.add_parser("report", help="the result table, with intervals", description=REPORT)
    parser.set_defaults(command=report)
    _runs(parser)
    parser.add_argument("--json", action="store_true", help="a list of objects, one a run")
    parser = commands.add_parser("plot", help="the chart for the slide", description=PLOT)
    parser.set_defaults(command=plot)
    _runs(parser)
    parser.add_argument("-o", "--out", type=Path, action="append", required=True, metavar="FILE",
                        help="a .png, .svg or .pdf file; may be repeated")


def report(args: argparse.Namespace) -> int:
    """Print the table."""
    results = chosen(args)
    if args.json:
        print(json.dumps([data.row(result) for result in results], indent=1))
    else:
        table.show(results)
    return 0


def plot(args: argparse.Namespace) -> int:
    """Write the chart."""
    from harness.report import chart

    chart.save([data.row(result) for result in chosen(args)], args.out)
    for path in args.out:
        print(f"chart: {path}")
    return 0


def chosen(args: argparse.Namespace) -> list[Result]:
    """The runs named; else the newest of every model, suite, prompt and mode."""
    paths: Sequence[Path] = args.runs or newest(args.runs_dir)
    if not paths:
        raise UserError(f"no runs in {args.runs_dir}/; begin with: python -m harness run --model 'pico-*'")
    return [data.load(path) for path in paths]


def newest(folder: Path) -> list[Path]:
    """The last run of each kind that has episodes; partial ones too."""
    last = {}
    for run in runs.find(folder):
        config = run.manifest["config"]
        if run.episodes():
            last[config["model"]["name"], config["suite"]["name"], config["prompt"]["name"], config["mode"]] = run.path
    return list(last.values())


def _runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="run folders (default: the newest of every model)")
    parser.add_argument("--runs-dir", type=Path, default=runs.FOLDER, metavar="D", help="where to look (default runs/)")
