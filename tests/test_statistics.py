"""Statistics: they agree with the libraries, keep their promises, and refuse false claims."""

from __future__ import annotations

import gc
import math

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from harness.scoring.comparisons import MOST_LOST, compare_scores, rank_scores
from harness.scoring.records import EpisodeScore, Verdict
from harness.scoring.statistics import (
    cluster_variance,
    flip_test,
    holm,
    mid_p,
    power_of,
    rate_of_clusters,
    smallest_difference,
    tango,
    tango_z,
    tasks_needed,
    wilson,
)

RANDOM_INPUTS = 1000


def score(
    task: int, right: bool, *, trial: int = 0, cluster: str = "", fault: str = ""
) -> EpisodeScore:
    return EpisodeScore(
        f"t{task:04d}",
        trial,
        "c",
        "en",
        cluster,
        "answered",
        fault,
        right,
        right,
        right,
        5 * right,
        0,
        0,
        0,
        0,
        0,
        Verdict(right, right, "", "string: equal"),
        (),
    )


def run(right: list[bool] | np.ndarray, size: int = 1) -> list[EpisodeScore]:
    """A run over tasks in clusters of that size."""
    return [score(i, bool(r), cluster=f"c{i // size}") for i, r in enumerate(right)]


def discordant(b: int, c: int, n: int) -> tuple[list[EpisodeScore], list[EpisodeScore]]:
    left = [i < b or i >= b + c for i in range(n)]
    right = [i >= b for i in range(n)]
    return run(left), run(right)


# --- agreement with scipy and statsmodels ----------------------------------------------


def test_wilson_is_scipys_and_statsmodels() -> None:
    from statsmodels.stats.proportion import proportion_confint

    random = np.random.default_rng(1)
    for _ in range(RANDOM_INPUTS):
        n = int(random.integers(1, 1000))
        hits = int(random.integers(0, n + 1))
        scipys = binomtest(hits, n).proportion_ci(method="wilson")
        assert wilson(hits, n) == pytest.approx((scipys.low, scipys.high), abs=1e-10)
        assert wilson(hits, n) == pytest.approx(
            proportion_confint(hits, n, method="wilson"), abs=1e-10
        )


def test_mcnemar_is_statsmodels_and_mid_p_takes_half_the_tie_off() -> None:
    from statsmodels.stats.contingency_tables import mcnemar

    random = np.random.default_rng(2)
    for _ in range(RANDOM_INPUTS):
        b, c = (int(x) for x in random.integers(0, 60, size=2))
        exact, middle = flip_test([1] * b + [-1] * c + [0] * 7)
        theirs = mcnemar([[5, b], [c, 5]], exact=True).pvalue if b + c else 1.0
        assert exact == pytest.approx(theirs, abs=1e-10)
        assert middle == pytest.approx(float(mid_p(b, c)), abs=1e-10)
        if b != c:
            assert middle == pytest.approx(theirs - binom.pmf(min(b, c), b + c, 0.5), abs=1e-10)


def test_cluster_variance_is_that_of_regression_with_clustered_errors() -> None:
    from statsmodels.api import OLS

    random = np.random.default_rng(3)
    for _ in range(RANDOM_INPUTS):
        n = int(random.integers(6, 40))
        groups = np.append(random.integers(0, 5, size=n - 2), [0, 1])
        values = random.integers(0, 2, size=n).astype(float)
        sums = [(values[groups == g].sum(), int((groups == g).sum())) for g in np.unique(groups)]
        fit = OLS(values, np.ones(n)).fit(cov_type="cluster", cov_kwds={"groups": groups})
        assert cluster_variance(sums) == pytest.approx(float(fit.cov_params()[0, 0]), abs=1e-10)


def test_holm_is_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    random = np.random.default_rng(4)
    gc.freeze()  # multipletests collects all garbage each time: let there be little
    for _ in range(RANDOM_INPUTS):
        p = list(random.random(int(random.integers(1, 20))))
        assert holm(p) == pytest.approx(list(multipletests(p, method="holm")[1]), abs=1e-10)
    gc.unfreeze()
    assert holm([]) == []


# --- coverage and error rates, as exact sums --------------------------------------------


def tables(
    n: int, discordance: float, difference: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every (b, c) of n pairs and its probability."""
    m, b = np.arange(n + 1)[:, None], np.arange(n + 1)[None, :]
    possible = b <= m
    chance = binom.pmf(m, n, discordance) * binom.pmf(
        b, m, (discordance + difference) / (2 * discordance)
    )
    return np.where(possible, b, 0), np.where(possible, m - b, 0), np.where(possible, chance, 0.0)


GRID = [(psi, psi * lean) for psi in (0.1, 0.2, 0.3, 0.5, 0.8) for lean in (0, 0.25, 0.5, 0.75)]


@pytest.mark.parametrize("n", [50, 100, 200, 300])
def test_tangos_interval_covers_as_often_as_it_says(n: int) -> None:
    covered = []
    for psi, difference in GRID:
        b, c, chance = tables(n, psi, difference)
        covered.append(
            float(chance[np.abs(tango_z(b, c, n, difference)) <= 1.959963984540054].sum())
        )
    assert min(covered) >= 0.94
    assert 0.945 < np.mean(covered) < 0.96


@pytest.mark.parametrize("n", [50, 100, 200, 300])
def test_mid_p_is_wrong_no_more_often_than_it_says(n: int) -> None:
    for psi, _ in GRID:
        b, c, chance = tables(n, psi, 0.0)
        assert chance[mid_p(b, c) <= 0.05].sum() <= 0.0505


def test_tangos_limits_are_where_its_statistic_says() -> None:
    random = np.random.default_rng(5)
    for _ in range(300):
        n = int(random.integers(1, 300))
        b = int(random.integers(0, n + 1))
        c = int(random.integers(0, n - b + 1))
        low, high = tango(b, c, n)
        assert -1 <= low <= (b - c) / n <= high <= 1
        assert low == -1 or float(tango_z(b, c, n, low)) == pytest.approx(1.959964, abs=1e-5)
        assert high == 1 or float(tango_z(b, c, n, high)) == pytest.approx(-1.959964, abs=1e-5)
        assert tango(c, b, n) == pytest.approx((-high, -low), abs=1e-9)


def test_intervals_of_nothing_are_everything() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert tango(0, 0, 0) == (-1.0, 1.0)
    assert math.isnan(rate_of_clusters([]).value)


# --- how much a number of tasks can show ------------------------------------------------


@pytest.mark.parametrize(
    ("difference", "psi", "needed"), [(0.10, 0.20, 155), (0.10, 0.30, 234), (0.05, 0.30, 940)]
)
def test_tasks_needed_as_in_the_tables(difference: float, psi: float, needed: int) -> None:
    assert round(tasks_needed(difference, psi)) == pytest.approx(needed, abs=1)
    assert smallest_difference(needed, psi) == pytest.approx(difference, rel=0.005)


@pytest.mark.parametrize(("n", "psi"), [(100, 0.3), (200, 0.2), (240, 0.2), (300, 0.5)])
def test_the_smallest_difference_is_found_four_times_out_of_five(n: int, psi: float) -> None:
    assert power_of(n, smallest_difference(n, psi), psi) == pytest.approx(0.80, abs=0.03)
    assert power_of(n, 0.0, psi) <= 0.0505


def test_too_few_tasks_show_nothing() -> None:
    assert smallest_difference(0, 0.2) == smallest_difference(2, 0.2) == 1.0
    assert tasks_needed(0.0, 0.2) == math.inf
    assert smallest_difference(240, 0.0) < 0.05  # models that never disagree: any gap is seen soon


# --- clusters ---------------------------------------------------------------------------


def test_clusters_widen_an_interval_and_singletons_do_not() -> None:
    single = rate_of_clusters([(1, 1)] * 30 + [(0, 1)] * 70)
    assert (single.low, single.high) == pytest.approx(wilson(30, 100), abs=1e-12)
    twins = rate_of_clusters([(2, 2)] * 15 + [(0, 2)] * 35)
    assert twins.high - twins.low > 1.35 * (single.high - single.low)
    assert rate_of_clusters([(2, 2)] * 50).low == pytest.approx(wilson(50, 50)[0])


def test_a_rate_over_clusters_covers_as_often_as_it_says() -> None:
    """60 tasks of 5 dependent steps, as well-formedness is counted."""
    random = np.random.default_rng(6)
    covered = 0
    for _ in range(2000):
        skill = random.beta(1.5, 1.5, size=60)
        hits = random.binomial(5, skill)
        found = rate_of_clusters([(float(h), 5.0) for h in hits])
        covered += found.low <= 0.5 <= found.high
    assert covered / 2000 > 0.93


def test_twins_that_agree_are_one_piece_of_evidence() -> None:
    left, right = [i < 24 for i in range(120)], [i < 8 for i in range(120)]
    alone, twins = (
        compare_scores(run(left), run(right)),
        compare_scores(run(left, 2), run(right, 2)),
    )
    assert twins.independent == pytest.approx(alone.independent / 2, rel=0.02)
    assert twins.high - twins.low > 1.3 * (alone.high - alone.low)
    assert twins.p > alone.p


def test_the_cluster_test_is_wrong_no_more_often_than_it_says() -> None:
    random = np.random.default_rng(7)
    wrong = 0
    for _ in range(2000):
        lean = random.choice([-1, 1], size=30)  # twins always side with the same model
        wrong += flip_test([int(2 * x) for x in lean])[1] <= 0.05
    assert wrong / 2000 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 2000)


# --- comparing two models ---------------------------------------------------------------


def test_a_comparison_is_tango_and_mcnemar_where_tasks_are_independent() -> None:
    found = compare_scores(*discordant(40, 15, 200), names=("big", "small"))
    assert (found.n, found.n10, found.n01, found.difference) == (200, 40, 15, 0.125)
    assert (found.low, found.high) == pytest.approx(tango(40, 15, 200), abs=1e-9)
    assert found.p == pytest.approx(float(mid_p(40, 15)), abs=1e-12)
    assert found.better == "big"
    assert found.words.startswith(
        "big is better than small by 12 points (95 % interval 5.4 to 20, 200 tasks"
    )


def test_what_cannot_be_told_apart_is_said_in_plain_words() -> None:
    found = compare_scores(*discordant(41, 34, 240))
    assert found.better == ""
    assert found.words == "cannot tell them apart: 240 tasks can show 10 points, not 2.9"


def test_the_same_run_twice_shows_no_difference() -> None:
    same = run([True, False] * 60)
    found = compare_scores(same, same)
    assert (found.better, found.p, found.difference) == ("", 1.0, 0.0)
    assert found.low < 0 < found.high
    assert "no difference on 120 tasks" in found.words


def test_nothing_in_common_is_no_comparison() -> None:
    found = compare_scores(run([True]), [score(9, True)])
    assert (found.n, found.unpaired, found.better) == (0, 2, "")
    assert found.words == "nothing to compare: no task was finished by both"


def test_faults_leave_the_pairs_and_too_many_forbid_a_claim() -> None:
    left, right = discordant(40, 5, 100)
    lost = int(MOST_LOST * 100) + 1
    broken = [score(i, False, fault="engine") if i < lost else s for i, s in enumerate(right)]
    found = compare_scores(left, broken)
    assert (found.n, found.lost) == (100 - lost, lost)
    assert (
        found.p < 0.001
        and found.better == ""
        and found.words.startswith("no claim: faults took 3 of 100")
    )
    assert found.worst < found.difference < found.best
    assert found.best - found.worst == pytest.approx(lost / 100)


def test_trials_make_a_comparison_surer_but_the_task_stays_the_unit() -> None:
    random = np.random.default_rng(8)
    chance = random.beta(1, 1, size=80)

    def trials(k: int, bonus: float) -> list[EpisodeScore]:
        return [
            score(i, bool(random.random() < min(1, p + bonus)), trial=t)
            for i, p in enumerate(chance)
            for t in range(k)
        ]

    one, eight = (
        compare_scores(trials(1, 0.1), trials(1, 0.0)),
        compare_scores(trials(8, 0.1), trials(8, 0.0)),
    )
    assert eight.n == one.n == 80
    assert eight.high - eight.low < 0.6 * (one.high - one.low)
    copies = [score(i, i < 30, trial=t) for i in range(80) for t in range(8)]
    others = [score(i, i < 20, trial=t) for i in range(80) for t in range(8)]
    assert compare_scores(copies, others).p == pytest.approx(
        compare_scores(run([i < 30 for i in range(80)]), run([i < 20 for i in range(80)])).p
    )


def test_uneven_trials_are_compared_by_their_means() -> None:
    left = [score(i, True, trial=t) for i in range(20) for t in range(3)]
    right = [score(i, t == 0, trial=t) for i in range(20) for t in range(2)]
    found = compare_scores(left, right)
    assert found.difference == pytest.approx(0.5) and found.n10 == 20 and found.p < 0.001


# --- many models ------------------------------------------------------------------------


def test_ten_equal_models_are_almost_never_ranked() -> None:
    """2,000 ladders of ten models without any difference: a claim in at most 5 % of them."""
    random = np.random.default_rng(9)
    simulations, models, tasks = 2000, 10, 240
    first, second = np.triu_indices(models, 1)
    p_values = np.empty((simulations, len(first)))
    for i in range(simulations):
        hard = random.beta(0.8, 1.2, size=tasks)
        right = (random.random((models, tasks)) < hard).astype(np.float32)
        only = right @ (1 - right).T  # [a, b]: tasks that a gets right and b does not
        p_values[i] = mid_p(only[first, second].astype(int), only[second, first].astype(int))
    claims = sum(min(holm(list(row))) <= 0.05 for row in p_values)
    assert claims / simulations <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / simulations)


def test_a_ranking_claims_what_the_simulation_counts() -> None:
    random = np.random.default_rng(10)
    hard = random.beta(0.8, 1.2, size=240)
    right = random.random((4, 240)) < hard
    found = rank_scores({f"m{i}": run(row) for i, row in enumerate(right)})
    only = [
        (int((a & ~b).sum()), int((b & ~a).sum()))
        for i, a in enumerate(right)
        for b in right[i + 1 :]
    ]
    assert [c.p_adjusted for c in found.comparisons] == pytest.approx(
        holm([float(mid_p(b, c)) for b, c in only])
    )


def test_a_ranking_says_who_cannot_be_told_from_whom() -> None:
    models = {
        "low": run([i < 30 for i in range(200)]),
        "mid": run([i < 100 for i in range(200)]),
        "also mid": run([i < 103 for i in range(200)]),
        "high": run([i < 170 for i in range(200)]),
    }
    found = rank_scores(models)
    assert [place.name for place in found.standings] == ["high", "also mid", "mid", "low"]
    assert found.standings[0].beats == ("low", "mid", "also mid")
    assert found.standings[1].not_distinguishable_from == ("mid",)
    assert not found.holds and found.words == "no full ranking: 5 of 6 pairs can be told apart"
    del models["also mid"]
    assert rank_scores(models).holds
    assert rank_scores({"alone": models["low"]}).words == "nothing to rank"
