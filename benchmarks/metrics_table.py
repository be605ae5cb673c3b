"""The table of docs/metrics.md: what the parser, the grammar and the prompt are worth.

Runs (or goes on with) every model in five ways and prints three tables in Markdown:

    python benchmarks/metrics_table.py --model 'pico-*' --runs-dir runs/metrics

text and grammar over one suite, closed book beside them, and the deck-2023 probe beside
its fixed twin. Finished runs are not run again, so the same command prints the same table.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.cli import main as harness
from harness.models import registry
from harness.report import data
from harness.report.data import Result
from harness.run.store import Run, find_runs
from harness.scoring.comparisons import Comparison, Measure, compare_scores
from harness.scoring.statistics import Rate

WAYS = {
    "text": (),
    "grammar": ("--mode", "grammar"),
    "closed book": ("--tools", "none"),
    "deck-2023": ("--prompt", "deck-2023"),
    "deck-2023-fixed": ("--prompt", "deck-2023-fixed"),
}
PROBES = ("deck-2023", "deck-2023-fixed")


@dataclass(frozen=True)
class Bench:
    """One model's runs, by way."""

    model: str
    results: dict[str, Result]

    def versus(self, a: str, b: str, measure: Measure = "correct") -> Comparison:
        """Two ways of the same model, task by task."""
        return compare_scores(
            self.results[a].scores, self.results[b].scores, names=(a, b), measure=measure
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is missing, then print the tables; the worst exit code of the runs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--model", action="append", metavar="NAME", help="default: 'pico-*'")
    parser.add_argument("--suite", default="generated", metavar="S", help="default: generated")
    parser.add_argument("--limit", default="", metavar="N", help="only the first N tasks")
    parser.add_argument(
        "--runs-dir", default="runs/metrics", metavar="D", help="default: runs/metrics"
    )
    args = parser.parse_args(argv)
    benches, code = [], 0
    for name, word in _asked(args.model or ["pico-*"]):
        done = {}
        for way, options in WAYS.items():
            suite = "deck-2023" if way in PROBES else args.suite
            limit = ("--limit", args.limit) if args.limit else ()
            folder = Path(args.runs_dir) / way.replace(" ", "-")
            code = max(code, _run(word, suite, folder, (*options, *limit)))
            done[way] = _newest(folder, name)
        benches.append(Bench(name, done))
    print("\n".join(report(benches)))
    return code


def _asked(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(name, what run --model takes for it) of each model: a glob names several, a path one."""
    for word in words:
        rows = registry.resolve([word])
        for row in rows:
            yield row.model.name, word if len(rows) == 1 else row.model.name


def _run(model: str, suite: str, folder: Path, options: Sequence[str]) -> int:
    """One run, its own table thrown away."""
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()):
        return harness(
            ["run", "--model", model, "--suite", suite, "--runs-dir", str(folder), *options]
        )


def _newest(folder: Path, model: str) -> Result:
    runs = [run for run in find_runs(folder) if _is_of(run, model) and run.episodes()]
    if not runs:
        raise SystemExit(f"{folder}: no finished episode of {model}; see the message above")
    return data.load_result(runs[-1].path)


def _is_of(run: Run, model: str) -> bool:
    return str(run.manifest["config"]["model"]["name"]) == model


# --- the tables -------------------------------------------------------------------------


def report(benches: Sequence[Bench]) -> Iterator[str]:
    """The three tables, as lines of Markdown."""
    suite = benches[0].results["text"].manifest["config"]["suite"]["name"]
    yield from _table(
        f"Suite `{suite}`, prompt `react`, free text. Shares in % with 95 % intervals.",
        (
            "model",
            "right",
            "right, as written",
            "steps strict",
            "steps repaired",
            "gap",
            "ladder",
            "n",
        ),
        [_text_row(bench) for bench in benches],
    )
    yield from _table(
        f"Suite `{suite}`: the same tasks in other ways; differences in points, paired, with Tango's "
        "interval; ? where they cannot be told from none.",
        ("model", "grammar: right", "grammar minus text", "closed book: right", "tools add"),
        [_ways_row(bench) for bench in benches],
    )
    yield from _table(
        "Suite `deck-2023`: the talk's prompt and its twin that says `Action:`. right: tool and input, "
        "after repair; as written: also nothing malformed and no run-on; ran on: went on after the "
        "command, or never ended. The prompt's share: the twin minus the talk's prompt, in points.",
        (
            "model",
            "right",
            "as written",
            "ran on",
            "twin: right",
            "as written",
            "ran on",
            "prompt's share: right",
            "as written",
        ),
        [_probe_row(bench) for bench in benches],
    )


def _text_row(bench: Bench) -> tuple[str, ...]:
    s = bench.results["text"].summary
    return (
        bench.model,
        _rate(s.correct),
        _rate(s.correct_strict),
        _rate(s.steps_strict),
        _rate(s.steps_readable),
        f"{100 * s.step_gap:.1f}",
        f"{s.mean_rung:.2f}",
        str(s.episodes),
    )


def _ways_row(bench: Bench) -> tuple[str, ...]:
    grammar, book = (bench.results[way].summary for way in ("grammar", "closed book"))
    return (
        bench.model,
        _rate(grammar.correct),
        _difference(bench.versus("grammar", "text")),
        _rate(book.correct),
        _difference(bench.versus("text", "closed book")),
    )


def _probe_row(bench: Bench) -> tuple[str, ...]:
    cells = [bench.model]
    for way in PROBES:
        result = bench.results[way]
        rates = result.summary.correct, result.summary.correct_strict, data.run_on(result)
        cells += map(_rate, rates)
    measures: tuple[Measure, ...] = ("correct", "correct_strict")
    cells += [_difference(bench.versus("deck-2023-fixed", "deck-2023", m)) for m in measures]
    return tuple(cells)


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"{title}\n"
    yield f"| {' | '.join(heads)} |"
    yield f"|---|{'---:|' * (len(heads) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _rate(rate: Rate) -> str:
    """A share in % with its interval."""
    return str(rate).replace(" %", "")


def _difference(c: Comparison) -> str:
    """A difference in points with its interval; no other pairs are asked about."""
    sign = "" if c.better else " ?"
    return f"{100 * c.difference:+.1f} [{100 * c.low:+.1f}, {100 * c.high:+.1f}]{sign}"


if __name__ == "__main__":
    raise SystemExit(main())
