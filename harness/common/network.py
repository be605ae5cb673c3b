"""What every client of a server shares: this machine's names, and waiting for a busy server."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LOOPBACK = ("localhost", "127.0.0.1", "::1")
ATTEMPTS = 4  # a busy server is asked so often before it counts as failed
LONGEST_PAUSE = 60.0  # seconds; a server is not waited for any longer at once
_JITTER = 0.25  # a pause is up to this share longer, so that clients do not return together
_random = random.Random()  # apart from a run's own: what a model reads never depends on it


def pause_before(attempt: int, first: float, asked: float = 0.0) -> float:
    """Seconds to wait after a failed attempt: ``first``, doubled each time, or longer.

    ``attempt`` counts from 0. ``asked`` are the seconds that the server asked for.
    """
    return max(asked, first * 2.0**attempt) * (1 + _JITTER * _random.random())


def retry_after(headers: Mapping[str, str]) -> float:
    """The header Retry-After in seconds, from either of its two forms; 0 where there is none.

    ``headers`` find a name in any case, as those of requests and httpx do.
    """
    value = headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(value)
        return max(0.0, (until - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return 0.0
