"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.run import store


def runs_dir(parser: Any, purpose: str) -> None:
    """Add ``--runs-dir`` to a parser or a group of one."""
    parser.add_argument(
        "--runs-dir",
        type=Path,
        default=store.FOLDER,
        metavar="D",
        help=f"{purpose} (default {store.FOLDER}/)",
    )
