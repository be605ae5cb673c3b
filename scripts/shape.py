"""Prints the shape of the code: rooms, names, sizes, and the way from ``main`` to the engine.

Usage: ``python scripts/shape.py [--names]``. ``--names`` also lists the public names that
several modules define. The sources are read as text; nothing of the project is imported.
``tests/test_shape.py`` holds the figures.
"""

from __future__ import annotations

import argparse
import ast
import io
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HARNESS = ROOT / "harness"
OTHER_CODE = ("benchmarks", "examples", "pico", "scripts", "tests")
MOST_LINES_OF_A_FUNCTION, MOST_LINES_OF_A_FILE = 60, 400
# What stands between two pieces of code and is none itself.
NO_CODE = frozenset(
    {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENCODING,
        tokenize.ENDMARKER,
    }
)
# From the command to one step of the engine: file, function, the words by which it calls the next.
WAY = (
    ("cli/__init__.py", "main", "args.command("),
    ("cli/run.py", "run_models", "run_session("),
    ("cli/live.py", "run_session", "session.events()"),
    ("run/session.py", "events", "worker.supervise("),
    ("run/worker.py", "supervise", "_Child(_main,"),
    ("run/worker.py", "_main", "run_episodes("),
    ("run/scheduler.py", "run_episodes", "engine.step()"),
)


def sources() -> list[Path]:
    """Every Python file of the package, in order."""
    return sorted(HARNESS.rglob("*.py"))


def all_code() -> list[Path]:
    """Every Python file of the repository: the package, tests, benchmarks, scripts."""
    return [*sources(), *(p for f in OTHER_CODE for p in sorted((ROOT / f).rglob("*.py")))]


def entries() -> list[str]:
    """What lies at the top of the package."""
    return sorted(p.name for p in HARNESS.iterdir() if not p.name.startswith("__pycache__"))


def public_names(path: Path) -> set[str]:
    """Functions, classes and constants that a module defines at its top, without underscore."""
    found: set[str] = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {
                n.id for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)
            }
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return {name for name in found if not name.startswith("_")}


def shared_names() -> dict[str, list[str]]:
    """Public names that more than one module defines, and the modules."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for path in sources():
        for name in public_names(path):
            places[name].append(str(path.relative_to(HARNESS)))
    return {name: where for name, where in sorted(places.items()) if len(where) > 1}


def long_functions() -> Iterator[str]:
    """Functions above the limit, as file:line name lines."""
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MOST_LINES_OF_A_FUNCTION:
                    yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name} {lines}"


def long_files() -> list[str]:
    """Files above the limit, as file lines."""
    sizes = {path: len(path.read_text("utf-8").splitlines()) for path in sources()}
    return [f"{p.relative_to(ROOT)} {n}" for p, n in sizes.items() if n > MOST_LINES_OF_A_FILE]


def lines() -> tuple[int, int]:
    """(all lines, lines of code): code is what is neither blank, comment nor docstring."""
    every = [path.read_text("utf-8") for path in sources()]
    return sum(len(text.splitlines()) for text in every), sum(map(_code_lines, every))


def _code_lines(text: str) -> int:
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in NO_CODE:
            code |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if docstring and isinstance(node.value.value, str):
            code -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(code)


def data_lines() -> int:
    """Lines of the files in the package that are no Python: prompts, wordings, tables."""
    files = [
        p for p in HARNESS.rglob("*") if p.suffix in (".toml", ".txt", ".tsv", ".json", ".html")
    ]
    return sum(len(path.read_text("utf-8").splitlines()) for path in files)


def format_skips() -> list[str]:
    """Where the formatter is told to keep off, in all code, as file:line."""
    return [
        f"{path.relative_to(ROOT)}:{token.start[0]}"
        for path in all_code()
        for token in tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline)
        if token.type == tokenize.COMMENT and "fmt: " in token.string
    ]


def way() -> list[str]:
    """The functions between the command and one step of the engine, that step included.
    Raises ValueError where one no longer calls the next, so that this list cannot go stale."""
    for file, name, call in WAY:
        if call not in _function(HARNESS / file, name):
            raise ValueError(f"{file}: {name} has no {call!r}; mend WAY in {__file__}")
    return [*(name for _, name, _ in WAY), "step"]


def _function(path: Path, name: str) -> str:
    text = path.read_text("utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return ast.get_source_segment(text, node) or ""
    raise ValueError(f"{path}: no function {name}; mend WAY in {__file__}")


def figures() -> dict[str, int]:
    """What is printed: each figure with its name."""
    total, code = lines()
    return {
        "entries at the top of harness/": len(entries()),
        "public names in several modules": len(shared_names()),
        "frames from main to engine.step": len(way()),
        "lines of Python in harness/": total,
        "of these, lines of code": code,
        "lines of data in harness/": data_lines(),
        f"functions over {MOST_LINES_OF_A_FUNCTION} lines": len(list(long_functions())),
        f"files over {MOST_LINES_OF_A_FILE} lines": len(long_files()),
        "fmt: skip, tests included": len(format_skips()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--names", action="store_true", help="list the shared names too")
    args = parser.parse_args()
    for name, number in figures().items():
        print(f"{name:33}{number:6,}")
    for line in (*long_functions(), *long_files()):
        print(f"  {line}")
    if args.names:
        for name, where in shared_names().items():
            print(f"  {name}: {', '.join(where)}")


if __name__ == "__main__":
    main()
