"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import runs


def runs_dir(parser: Any, purpose: str) -> None:
    """Add ``--runs-dir`` to a parser or a group of one."""
    parser.add_argument(
        "--runs-dir",
        type=Path,
        default=runs.FOLDER,
        metavar="D",
        help=f"{purpose} (default {runs.FOLDER}/)",
    )
