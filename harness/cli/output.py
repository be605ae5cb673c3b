"""Prints: results on stdout with ``put``, words about them on stderr with ``tell``.

Text is made safe for a terminal here, so callers pass it as it is.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from harness.common.printable import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PIPE_WIDTH = 200  # columns where the output is no terminal, so that nothing is cut


def put(*blocks: Table | str) -> None:
    """Print each block on stdout: a text as one line or more, a table as wide as the terminal.

    ``report.table.table_of`` makes tables whose cells are safe already.
    """
    for block in blocks:
        if isinstance(block, str):
            print(printable(block))
        else:
            _screen().print(block)


def tell(text: str) -> None:
    """Print one line on stderr: what a person should know beside the result."""
    print(printable(text), file=sys.stderr)


def width() -> int:
    """The columns that a table may take on stdout."""
    return _screen().width


def _screen() -> Console:
    from rich.console import Console

    screen = Console(markup=False, highlight=False)
    if screen.is_terminal:
        return screen
    return Console(markup=False, highlight=False, width=PIPE_WIDTH)
