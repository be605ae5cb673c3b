"""Computes rates with intervals and tests for pairs, from plain numbers.

The unit is the cluster (a task, or several tasks that are not independent): trials and
twins never count as more evidence than they are. Where clusters have one member each,
everything here is the textbook method; tests compare it with scipy and statsmodels. scipy
is imported on first use.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from math import sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

LEVEL = 0.95
ALPHA = 1 - LEVEL
TARGET_POWER = 0.80


@dataclass(frozen=True)
class Rate:
    """``hits`` of ``n`` with a 95 % interval from ``low`` to ``high``, all as shares.

    ``hits`` may be fractional (a mean over trials). With n = 0 nothing is known: the value
    is nan and the interval is 0 to 1."""

    hits: float
    n: float
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share itself, 0 to 1."""
        return self.hits / self.n if self.n else float("nan")

    def __str__(self) -> str:
        if not self.n:
            return "-"
        return f"{100 * self.value:.1f} % [{100 * self.low:.1f}, {100 * self.high:.1f}]"


@cache
def normal_quantile(p: float) -> float:
    """The point below which a standard normal variable falls with probability ``p``."""
    from scipy.stats import norm

    return float(norm.ppf(p))


def wilson(hits: float, n: float, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's score interval (Wilson 1927) for ``hits`` of ``n``; (0, 1) when n is 0.

    Takes fractions, for an effective sample size."""
    if n <= 0:
        return 0.0, 1.0
    z = normal_quantile(0.5 + level / 2)
    p = hits / n
    middle = p + z * z / (2 * n)
    half = z * sqrt(max(0.0, p * (1 - p)) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def rate_of_clusters(clusters: Iterable[tuple[float, float]], draws: int = 1) -> Rate:
    """A share with its interval, from (hits, size) of each cluster.

    Wilson at the effective sample size n / deff, where deff is the cluster-robust variance
    of the ratio over that of as many independent draws (Kish 1965; for Wilson: Franco et
    al. 2019). Clusters of one give plain Wilson. If every trial hits or every trial misses,
    n is the number of clusters. Where a hit is itself a mean, ``draws`` says of how many.
    """
    pairs = [(hits, size) for hits, size in clusters if size]
    hits, n = sum(h for h, _ in pairs), sum(s for _, s in pairs)
    if not n:
        return Rate(0, 0, 0.0, 1.0)
    size = effective_size(pairs, draws)
    return Rate(hits, n, *wilson(hits / n * size, size))


def by_cluster(members: Iterable[tuple[str, float, float]]) -> list[tuple[float, float]]:
    """(hits, size) of each cluster, from (cluster, hits, size) of each of its members."""
    sums: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for cluster, hits, size in members:
        sums[cluster][0] += hits
        sums[cluster][1] += size
    return [(hits, size) for hits, size in sums.values()]


def effective_size(clusters: Sequence[tuple[float, float]], draws: int = 1) -> float:
    """How many independent draws of 0 or 1 would tell as much as these clusters do.

    At least 1 and at most the number of draws; the number of clusters if all draws are alike.
    """
    n = sum(size for _, size in clusters)
    p = sum(hits for hits, _ in clusters) / n
    return independent_draws(p * (1 - p), clusters, n * draws)


def independent_draws(
    variance: float, clusters: Sequence[tuple[float, float]], most: float
) -> float:
    """The number of independent draws with that variance (each) whose mean is as certain as
    the clusters' ratio of sums is."""
    count, n = len(clusters), sum(size for _, size in clusters)
    if count < 2 or variance <= 1e-12:
        return float(count)
    robust = cluster_variance(clusters)
    unbiased = variance * n / (n - 1) if n > 1 else variance
    return min(most, max(1.0, unbiased / robust)) if robust else most


def cluster_variance(clusters: Sequence[tuple[float, float]]) -> float:
    """The variance of sum / size over all clusters, robust to any dependence within one.

    From (sum, size) of at least two clusters: C/(C-1) times the summed squares of what each
    is off its share, over n squared (Liang and Zeger 1986; for evaluations Miller 2024)."""
    count, n = len(clusters), sum(size for _, size in clusters)
    share = sum(total for total, _ in clusters) / n
    squares = sum((total - share * size) ** 2 for total, size in clusters)
    return squares * count / (count - 1) / n**2


# --- pairs ------------------------------------------------------------------------------


def tango_z(b: ArrayLike, c: ArrayLike, n: ArrayLike, difference: ArrayLike) -> NDArray[np.float64]:
    """Tango's score statistic (Tango 1998, Statistics in Medicine 17:891) for a difference
    of paired shares: ``b`` and ``c`` of ``n`` pairs are discordant. Takes arrays."""
    import numpy as np

    b, c, n, d = (np.asarray(x, dtype=float) for x in (b, c, n, difference))
    linear = -b - c + (2 * n - b + c) * d
    constant = -c * d * (1 - d)
    q = (np.sqrt(np.maximum(linear**2 - 8 * n * constant, 0)) - linear) / (4 * n)
    variance = n * (2 * q + d * (1 - d))
    above = b - c - n * d
    z: NDArray[np.float64] = above / np.sqrt(np.maximum(variance, 1e-300))
    return np.where(np.abs(above) < 1e-12, 0.0, z)


def tango(b: float, c: float, n: float, level: float = LEVEL) -> tuple[float, float]:
    """Tango's score interval for (b - c) / n; (-1, 1) when n is 0. Takes fractions."""
    from scipy.optimize import brentq

    if n <= 0:
        return -1.0, 1.0
    z = normal_quantile(0.5 + level / 2)
    point = (b - c) / n

    def bound(target: float, end: float) -> float:
        def beyond(d: float) -> float:
            return max(-1e9, min(1e9, float(tango_z(b, c, n, d)))) - target

        return end if beyond(end) * target < 0 else float(brentq(beyond, point, end, xtol=1e-13))

    return bound(z, -1.0), bound(-z, 1.0)


def mid_p(b: ArrayLike, c: ArrayLike) -> NDArray[np.float64]:
    """McNemar's test, two-sided mid-p (Fagerland et al. 2013); 1 where b = c. Takes arrays."""
    import numpy as np
    from scipy.stats import binom

    b, c = np.asarray(b), np.asarray(c)
    less = np.minimum(b, c)
    p = 2 * binom.cdf(less, b + c, 0.5) - binom.pmf(less, b + c, 0.5)
    return np.where(b == c, 1.0, np.minimum(p, 1.0))


def flip_test(differences: Sequence[int]) -> tuple[float, float]:
    """Two-sided p-values (exact, mid-p) that the differences are symmetric about 0.

    Each cluster's difference keeps its size and flips its sign at random, all ways counted.
    Differences of -1, 0 and 1 give McNemar's exact and mid-p test; larger ones are its
    extension to clusters. Whole numbers; time grows with their sum times their count.
    """
    import numpy as np

    sizes = [abs(d) for d in differences if d]
    ways = np.zeros(2 * sum(sizes) + 1)
    centre = sum(sizes)
    ways[centre] = 1.0
    for size in sizes:
        ways = 0.5 * (np.roll(ways, size) + np.roll(ways, -size))
    observed = abs(sum(differences))
    distance = np.abs(np.arange(len(ways)) - centre)
    beyond = float(ways[distance > observed].sum())
    exactly = float(ways[distance == observed].sum())
    return min(1.0, beyond + exactly), (1.0 if observed == 0 else min(1.0, beyond + exactly / 2))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment (Holm 1979), in the order given."""
    adjusted, running = [0.0] * len(p_values), 0.0
    for step, i in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        running = max(running, min(1.0, (len(p_values) - step) * p_values[i]))
        adjusted[i] = running
    return adjusted


# --- how much a number of tasks can show ------------------------------------------------


def tasks_needed(
    difference: float, discordance: float, alpha: float = ALPHA, power: float = TARGET_POWER
) -> float:
    """Tasks that show ``difference`` (a share) with that power, two-sided (Connor 1987).

    ``discordance`` is the share of tasks that exactly one of the two gets right; it cannot
    be less than the difference and is taken as that if it is."""
    d = abs(difference)
    if not d:
        return float("inf")
    psi = max(discordance, d)
    za, zb = normal_quantile(1 - alpha / 2), normal_quantile(power)
    return ((za * sqrt(psi) + zb * sqrt(max(0.0, psi - d * d))) / d) ** 2


def smallest_difference(
    n: float, discordance: float, alpha: float = ALPHA, power: float = TARGET_POWER
) -> float:
    """The smallest difference (a share) that ``n`` tasks show with that power; 1 if none."""
    from scipy.optimize import brentq

    def missing(d: float) -> float:
        return tasks_needed(d, discordance, alpha, power) - n

    if n <= 0 or missing(1.0) > 0:
        return 1.0
    return float(brentq(missing, 1e-6, 1.0)) if missing(1e-6) > 0 else 1e-6


def power_of(n: int, difference: float, discordance: float, alpha: float = ALPHA) -> float:
    """The chance that the mid-p test on ``n`` tasks finds that difference: an exact sum."""
    import numpy as np
    from scipy.stats import binom

    psi = max(discordance, abs(difference))
    if not psi:
        return 0.0
    m, b = np.arange(n + 1)[:, None], np.arange(n + 1)[None, :]
    found = (b <= m) & (mid_p(np.minimum(b, m), np.maximum(m - b, 0)) <= alpha)
    chance = binom.pmf(m, n, psi) * binom.pmf(b, m, (psi + difference) / (2 * psi))
    return float(chance[found].sum())
