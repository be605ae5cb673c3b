"""Awake time: a clock that stands still while this process is stopped or the machine sleeps.

Deadlines and patience are counted on it, so that a closed lid costs no episode anything.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable

_TICK = 0.25  # seconds between two looks at the clock
MOST_ADDED = 1.0  # seconds that one look may add; what is beyond was spent asleep


class AwakeClock:
    """Adds up the time between looks, at most ``MOST_ADDED`` seconds each.

    ``now`` is the clock underneath, in seconds. Somebody has to look every ``_TICK`` seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._last = self._awake = now()

    def look(self) -> float:
        """Awake seconds since some fixed moment; never 0, never less than before."""
        with self._lock:
            now = self._now()
            self._awake += min(now - self._last, MOST_ADDED)
            self._last = now
            return self._awake


def awake() -> float:
    """Awake seconds of this process since some fixed moment; only differences mean anything."""
    return _running_clock().look()


@functools.cache
def _running_clock() -> AwakeClock:
    """The clock of this process, with a thread that looks at it while nobody else does."""
    clock = AwakeClock()
    threading.Thread(target=_keep_looking, args=(clock,), name="clock", daemon=True).start()
    return clock


def _keep_looking(clock: AwakeClock) -> None:
    while True:
        time.sleep(_TICK)
        clock.look()
