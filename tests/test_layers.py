"""The architecture as a test: a file imports only from the layers above its own.

docs/architecture.md tells the same order; tests/test_architecture.py compares the two.
"""

from __future__ import annotations

import ast
from pathlib import Path

import harness

ROOT = Path(harness.__file__).parent
# Each layer may import the ones before it. Within a layer, only a package's own files.
LAYERS = [
    ["types"],
    ["common"],
    ["protocol"],
    ["prompts"],
    ["engines"],  # the contract and the table, which the registry of models reads
    ["tools", "worlds", "models"],
    ["engines.*", "scoring"],  # the engines themselves, which read model files
    ["suites"],
    ["agent"],
    ["run", "machine"],
    ["report"],
    ["cli"],
    ["__main__"],
]
HEAVY = {
    "llama_cpp",
    "torch",
    "transformers",
    "matplotlib",
    "pandas",
    "scipy",
    "statsmodels",
    "numpy",
}


def layer_of(name: str) -> int:
    return next(i for i, layer in enumerate(LAYERS) if name in layer)


def unit_of(path: Path) -> str:
    return unit_called(".".join(path.relative_to(ROOT.parent).with_suffix("").parts))


def unit_called(module: str) -> str:
    """The unit that a module, such as harness.engines.stops, is part of."""
    unit, _, inner = module.removeprefix("harness.").removesuffix(".__init__").partition(".")
    return "engines.*" if unit == "engines" and inner else unit


def imported_units(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "harness":
            found |= {
                alias.name
                for alias in node.names
                if (ROOT / alias.name).exists() or (ROOT / f"{alias.name}.py").exists()
            }
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("harness."):
            found.add(unit_called(str(node.module)))
        elif isinstance(node, ast.Import):
            found |= {
                unit_called(alias.name) for alias in node.names if alias.name.startswith("harness.")
            }
    return found


def files() -> list[Path]:
    return [path for path in sorted(ROOT.rglob("*.py")) if path != ROOT / "__init__.py"]


def test_imports_only_go_down_the_table() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {unit}"
        for path in files()
        for unit in imported_units(path)
        if unit != unit_of(path) and layer_of(unit) >= layer_of(unit_of(path))
    ]
    assert not wrong


def test_the_loop_knows_no_engine_and_no_tool() -> None:
    assert imported_units(ROOT / "agent.py") == {"types", "prompts", "protocol"}


def test_help_loads_nothing_heavy() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from harness.cli import build_parser; build_parser(); "
        "print(*(m for m in sys.modules if '.' not in m))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "argparse" in loaded and "harness" in loaded
    assert not HEAVY & set(loaded)
