"""Awake time: what a stopped process or a sleeping machine does not pay for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.common.clock import MOST_ADDED, AwakeClock, awake


def clock_over(times: list[float]) -> AwakeClock:
    """A clock that finds these times, one at each look."""
    return AwakeClock(iter(times).__next__)


def test_a_night_costs_a_second() -> None:
    clock = clock_over([100.0, 100.25, 100.5, 100.5 + 8 * 3600, 100.75 + 8 * 3600])
    looks = [clock.look() for _ in range(4)]
    assert looks == [100.25, 100.5, 100.5 + MOST_ADDED, 100.75 + MOST_ADDED]


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_it_never_goes_back_and_never_runs_ahead(gaps: list[float]) -> None:
    now, times = 1.0, [1.0]
    for gap in gaps:
        now += gap
        times.append(now)
    clock = clock_over(times)
    looks = [1.0, *(clock.look() for _ in gaps)]
    assert looks == sorted(looks)
    assert all(look <= time + 1e-6 for look, time in zip(looks, times, strict=True))


def test_the_clock_of_this_process_runs() -> None:
    first = awake()
    while awake() == first:
        pass
    assert awake() > first > 0
