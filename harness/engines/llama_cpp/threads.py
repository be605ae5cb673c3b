"""Chooses how many threads decode, by timing the work itself.

llama.cpp's threads spin while they wait for each other. So one core that another program uses
slows all of them, and the best count depends on what else runs on the machine. The count never
changes what is computed, so it may be tried again in mid-run, on batches that the run needs
anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

_BLOCK_SECONDS, _BLOCK_CALLS = 0.1, 32  # one look at one count: so long, or so many calls
_ROUNDS = 3  # looks at each count, in turn
_BUDGET = 2.0  # seconds after which no further round begins
_HOPELESS = 0.5  # of the best speed: a count below it is not looked at again
_SAME = 0.97  # of the best speed: so near, and fewer threads are as good
_FALLEN = 0.6  # of the speed when it was chosen: below, fewer threads are tried
_WINDOW = 2.0  # seconds of decoding over which speed is watched
_AGAIN = 30.0  # seconds of decoding after which more threads are tried, if cores are idle
_KEPT, _KEPT_FALLEN = 50, 5  # times what a trial took: its outcome is kept at least so long


def thread_candidates(cores: int) -> tuple[int, ...]:
    """The counts to try on so many cores, most first: all, one less, and powers of two."""
    powers = [1 << i for i in range(cores.bit_length()) if 1 << i < cores]
    return tuple(sorted({cores, max(1, cores - 1), *powers}, reverse=True))


class ThreadChoice:
    """The thread count in use, and the trial of others.

    The engine decodes with ``count`` threads and tells ``note`` how long each batch took.
    ``counts`` are to choose from, most first; ``idle_seconds`` returns how long the cores of this
    machine have been idle, all together, since some fixed moment. Speeds are tokens per second,
    of batches with one token for each sequence.
    """

    def __init__(self, counts: Sequence[int], idle_seconds: Callable[[], float]) -> None:
        self.counts = tuple(counts)
        self.best = counts[0]
        self.speeds: dict[int, float] = {}
        self.again = self.changes = 0  # trials in mid-run, and how many chose another count
        self.started_in = 0.0  # seconds that the choice at the start took
        self._idle_seconds = idle_seconds
        self._idle = 0.0  # idle seconds at the end of the last trial
        self._cost = self._since = 0.0  # seconds of the last trial, and since then
        self._tries: list[int] = []
        self._meter = _Meter()

    @property
    def count(self) -> int:
        """Threads for the next batch."""
        return self._tries[0] if self._tries else self.best

    @property
    def trying(self) -> bool:
        """Whether a trial is under way."""
        return bool(self._tries)

    @property
    def facts(self) -> dict[str, object]:
        """For the record: the count in use, and what the last trial found."""
        if not self.speeds:
            return {"threads": self.best}
        return {
            "threads": self.best,
            "thread_trial": {
                "tokens_per_second": {str(n): round(s, 1) for n, s in self.speeds.items()},
                "seconds": round(self.started_in, 3),
                "again": self.again,
                "changes": self.changes,
            },
        }

    def begin(self, counts: Sequence[int] = (), rounds: int = _ROUNDS) -> None:
        """Begin a trial of these counts (none: all); with one count there is none."""
        counts = counts or self.counts
        self._looks: dict[int, list[float]] = {count: [] for count in counts}
        self._rounds = rounds
        self._tries = list(counts) if len(self.counts) > 1 else []
        self._meter = _Meter()
        self._cost = self._since = 0.0

    def started(self, seconds: float) -> None:
        """Record how many seconds the choice at the start took."""
        self.started_in, self.again, self.changes = seconds, 0, 0

    @property
    def first_look(self) -> bool:
        """Whether the next batch is the first one timed with its thread count."""
        return self.trying and not self._looks[self.count] and not self._meter.calls

    def give_up(self, seconds: float) -> None:
        """Drop the count under trial, whose batch was stopped after so many seconds."""
        self._cost += seconds
        self._looks[self.count].append(0.0)
        self._next()

    def note(self, tokens: int, seconds: float) -> bool:
        """Take in how long a batch of so many tokens took; True when a trial has ended."""
        if len(self.counts) == 1:
            return False
        self._meter.add(tokens, seconds)
        if not self.trying:
            self._since += seconds
            self._watch()
            return False
        self._cost += seconds
        if self._meter.full:
            self._looks[self.count].append(self._meter.speed)
            self._meter = _Meter()
            self._next()
        return not self.trying

    def _watch(self) -> None:
        """Try fewer threads when speed has fallen, now and then more when cores are idle."""
        if self._meter.seconds < _WINDOW or not self.speeds:
            return
        speed, self._meter = self._meter.speed, _Meter()
        if speed < _FALLEN * self.speeds[self.best] and self._since >= _KEPT_FALLEN * self._cost:
            self.begin([n for n in self.counts if n <= self.best])
        elif self._since >= max(_AGAIN, _KEPT * self._cost):
            idle = self._idle_seconds() - self._idle >= self._since / 2
            self._since, self._idle = 0.0, self._idle_seconds()
            if idle and self.best < self.counts[0]:
                self.begin([n for n in self.counts if n >= self.best])

    def _next(self) -> None:
        """The next count to look at; the choice when there is none."""
        count = self._tries.pop(0)
        best = max(max(speeds) for speeds in self._looks.values() if speeds)
        if len(self._looks[count]) == 1 and self._looks[count][0] < _HOPELESS * best:
            self._tries = []  # fewer threads are slower still
        if self._tries:
            return
        hopeful = [
            n for n, found in self._looks.items() if found and max(found) >= _HOPELESS * best
        ]
        rounds = len(self._looks[hopeful[0]])
        if best and len(hopeful) > 1 and rounds < self._rounds and self._cost < _BUDGET:
            self._tries = hopeful
        else:
            self._choose()

    def _choose(self) -> None:
        self.speeds = {n: median(speeds) for n, speeds in self._looks.items() if speeds}
        enough = _SAME * max(self.speeds.values())
        before, fastest = self.best, [n for n, s in self.speeds.items() if s >= enough]
        self.best = min(fastest) if enough else max(fastest)  # nobody came back in time: all
        self.again += 1
        self.changes += self.best != before
        self._idle = self._idle_seconds()


class _Meter:
    """Tokens per second over some batches. The first is left out where others follow, because
    it includes the change of threads."""

    def __init__(self) -> None:
        self.calls = 0
        self.seconds = 0.0
        self._tokens = 0
        self._first = (0, 0.0)

    def add(self, tokens: int, seconds: float) -> None:
        self.calls += 1
        if self.calls == 1:
            self._first = (tokens, seconds)
        else:
            self._tokens += tokens
            self.seconds += seconds

    @property
    def full(self) -> bool:
        """Whether this is enough for one look."""
        seconds = self.seconds if self.calls > 1 else self._first[1]
        return seconds >= _BLOCK_SECONDS or self.calls > _BLOCK_CALLS

    @property
    def speed(self) -> float:
        tokens, seconds = (self._tokens, self.seconds) if self.calls > 1 else self._first
        return tokens / max(seconds, 1e-9)
