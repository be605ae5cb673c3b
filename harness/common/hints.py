"""Suggests what a person may have meant by a name that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MOST_NAMES = 8  # listed where nothing is near


def hint(name: str, known: Iterable[str], most: int = 3) -> str:
    """The end of an error message: ``did you mean react?``, or else what there is.

    ``known`` are the names that exist, in the order to list them; ``most`` is how many near
    ones to name.
    """
    names = list(known)
    lower = {each.lower(): each for each in reversed(names)}
    near = difflib.get_close_matches(name.lower(), lower, n=most, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(lower[each] for each in near)}?"
    if not names:
        return "there are none"
    more = f" … ({len(names)} in all)" if len(names) > MOST_NAMES else ""
    return f"there are {', '.join(names[:MOST_NAMES])}{more}"
