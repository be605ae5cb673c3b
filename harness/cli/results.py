"""The commands ``report``, ``plot``, ``view`` and ``show``: results, from table to step."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from harness.cli.options import command, flag, option, runs_dir
from harness.cli.output import put, tell, width
from harness.common.hints import hint
from harness.report import data, table
from harness.report.chart import CHARTS, save_chart
from harness.report.data import Result
from harness.types import UserError

_REPORT = """\
Print the result tables: of the runs named, or of every run. Runs of one experiment (suite,
tasks, prompt, mode, repair, world, sampling, limits) stand in one table.

examples:
  python -m harness report
  python -m harness report --details
  python -m harness report runs/20261120-101500-pico-4.5M-q4-generated --json
"""
_PLOT = """\
Draw right answers and well-formed steps against parameters: a mark a run, a pair of panels
an experiment, a colour a bit width.

example:
  python -m harness plot -o chart.png -o chart.svg
"""
_VIEW = """\
Write a run as one HTML file: every step, how it was read, and why it scored as it did.

example:
  python -m harness view runs/20261120-101500-pico-4.5M-q4-generated -o trace.html
"""
_SHOW = """\
Print one episode of a run.

example:
  python -m harness show runs/20261120-101500-pico-4.5M-q4-generated
  python -m harness show runs/20261120-101500-pico-4.5M-q4-generated lookup-003
"""


def add(commands: Any) -> None:
    """Add the commands to the parser."""
    parser = command(commands, "report", print_report, "the result table, with intervals", _REPORT)
    _runs(parser)
    flag(
        parser,
        "--details",
        "each run in full: categories, errors, ladder, tool use, trials, faults",
    )
    flag(parser, "--json", "a list of objects, one a run")
    parser = command(commands, "plot", draw_chart, "the chart for the slide", _PLOT)
    _runs(parser)
    option(
        parser, "--kind KIND", "which chart (default: size)", default="size", choices=sorted(CHARTS)
    )
    many = "a .png, .svg or .pdf file; may be repeated"
    option(parser, "-o --out FILE", many, Path, None, required=True, action="append")
    parser = command(commands, "view", view_run, "the trace viewer, one HTML file", _VIEW)
    _run(parser)
    option(parser, "-o --out FILE", "an .html file", Path, None, required=True)
    parser = command(commands, "show", show_episode, "one episode in the terminal", _SHOW)
    _run(parser)
    parser.add_argument("task", nargs="?", metavar="TASK", help="a task's id (default: list them)")


def _runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "runs", nargs="*", type=Path, metavar="RUN", help="run folders (default: all)"
    )
    runs_dir(parser, "where to look")


def _run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder")


def print_report(args: argparse.Namespace) -> int:
    """Print the table, or each run in full."""
    results = _chosen(args)
    if args.json:
        view = data.details_of if args.details else data.rows
        put(data.json_text(view(results)))
    elif args.details:
        from harness.report.details import detail_blocks

        put(*detail_blocks(results))
    else:
        put(*table.result_blocks(data.rows(results), width()))
    return 0


def draw_chart(args: argparse.Namespace) -> int:
    """Write the chart."""
    save_chart(data.rows(_chosen(args)), args.out, CHARTS[args.kind])
    put(*(f"chart: {path}" for path in args.out))
    return 0


def view_run(args: argparse.Namespace) -> int:
    """Write the trace viewer."""
    from harness.report.viewer import write_viewer

    write_viewer(data.load_result(args.run), args.out)
    put(f"traces: {args.out}")
    return 0


def show_episode(args: argparse.Namespace) -> int:
    """Print one episode, or a line for each episode of the run."""
    from harness.report.transcript import episode_lines, list_lines

    result = data.load_result(args.run)
    if not args.task:
        put(*list_lines(result))
        return 0
    lines = list(episode_lines(result, args.task))
    if not lines:
        near = hint(args.task, [episode.task_id for episode in result.episodes])
        raise UserError(f"{args.run}: no episode of task {args.task!r}; {near}")
    put(*lines)
    return 0


def _chosen(args: argparse.Namespace) -> list[Result]:
    """The runs named, else every run that can be shown. Raises UserError when there is none."""
    if args.runs:
        return [data.load_result(path) for path in args.runs]
    skipped: list[UserError] = []
    results = data.load_results(args.runs_dir, skipped.append)
    if not results and skipped:
        raise skipped[-1]
    if not results:
        raise UserError(
            f"no runs in {args.runs_dir}/; begin with: python -m harness run --model 'pico-*'"
        )
    for error in skipped:
        tell(f"not shown: {error}")
    return results
