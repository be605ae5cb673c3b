"""Parts of a suite: every beginning stands for the whole, and a smaller one is part of a larger."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.suites import tasks
from harness.suites.subsets import Subset, choose, ordered
from harness.types import Target, Task, UserError

CORE = tasks.load_suite("core").tasks
some_tasks = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["en", "ja"])), min_size=1, max_size=60
).map(
    lambda kinds: [
        Task(f"t{i}", "?", Target("number", ("1",)), category, language)
        for i, (category, language) in enumerate(kinds)
    ]
)


@given(some_tasks, st.randoms())
def test_the_order_is_the_same_whatever_the_file_says_first(
    some: list[Task], random: object
) -> None:
    shuffled = list(some)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert ordered(shuffled) == ordered(some)
    assert sorted(t.id for t in ordered(some)) == sorted(t.id for t in some)


@given(some_tasks, st.integers(1, 60), st.integers(0, 60))
def test_a_smaller_limit_is_part_of_a_larger(some: list[Task], limit: int, more: int) -> None:
    smaller, larger = choose(some, Subset(limit)), choose(some, Subset(limit + more))
    assert larger[: len(smaller)] == smaller


@pytest.mark.parametrize("limit", [24, 40, 80, 120, 200])
def test_each_category_and_language_has_its_share_of_core(limit: int) -> None:
    whole = Counter((task.category, task.language) for task in CORE)
    part = Counter((task.category, task.language) for task in choose(CORE, Subset(limit)))
    for stratum, count in whole.items():
        assert abs(part[stratum] - count * limit / len(CORE)) <= 1.5, stratum


def test_filters_narrow_and_the_limit_counts_what_is_left() -> None:
    found = choose(CORE, Subset(5, categories=("lookup", "two_hop"), languages=("ja",)))
    assert len(found) == 5
    assert {task.language for task in found} == {"ja"}
    assert {task.category for task in found} == {"lookup", "two_hop"}
    assert choose(CORE, Subset(tasks=(CORE[7].id,))) == (CORE[7],)


@pytest.mark.parametrize(
    ("subset", "said"),
    [
        (Subset(categories=("lookpu",)), "--category lookpu.*did you mean lookup"),
        (Subset(languages=("fr",)), "--language fr.*there are en, ja"),
        (Subset(tasks=("nope",)), "--task nope"),
        (Subset(languages=("ja",), tasks=("en-arith-19",)), "no task together"),
    ],
)
def test_what_the_suite_does_not_have_is_named(subset: Subset, said: str) -> None:
    with pytest.raises(UserError, match=said):
        choose(CORE, subset)
