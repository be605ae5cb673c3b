"""Spaces requests to a public server: in turn, with a gap, and slower when it asks for that.

One object is shared by all episodes and threads.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

from harness.common.network import LONGEST_PAUSE, pause_before
from harness.types import ToolUnavailable

_GAP_JITTER = 0.5  # a gap is up to this share longer, so that parallel runs drift apart
_FIRST_PAUSE = 1.0  # seconds


class Pace:
    """``gap``: seconds between the starts of two requests, at least."""

    def __init__(
        self,
        gap: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap = gap
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = 0.0
        self._random = random.Random()  # not the run's: what a model reads never depends on it

    def wait(self, deadline: float) -> None:
        """Sleep until it is this request's turn; ToolUnavailable when that is too late."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            if turn > deadline:
                raise ToolUnavailable(
                    f"told to wait {turn - now:.0f} s, longer than a step may take"
                )
            self._next = turn + self._gap * (1 + _GAP_JITTER * self._random.random())
        if turn > now:
            self._sleep(turn - now)

    def back_off(self, attempt: int, asked: float = 0.0) -> None:
        """After throttled request number ``attempt``, counted from 0: no request starts before
        the seconds that the server ``asked`` for, or twice as long as the last time."""
        seconds = min(pause_before(attempt, _FIRST_PAUSE, asked), LONGEST_PAUSE)
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)
