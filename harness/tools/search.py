"""search: the titles and first sentences of the articles that match a query best.

The world decides how well an article matches.
"""

from __future__ import annotations

from harness.common.text import cut, first_sentence, one_line
from harness.types import Observation, World

_HITS = 3
_SNIPPET_CHARS = 120
_ECHO_CHARS = 120


def search(input: str, world: World) -> Observation:
    """search: highest mountain of Japan
    Searches the encyclopedia and returns the titles and first sentences of the articles that match best."""
    query = one_line(input)
    hits = world.search(query, _HITS)
    if not hits:
        return Observation(f'No results for "{cut(query, _ECHO_CHARS)}".', "not_found")
    return Observation(
        " | ".join(
            f'"{hit.title}": {first_sentence(hit.snippet, _SNIPPET_CHARS)}' for hit in hits[:_HITS]
        )
    )
