"""How far a prediction from history is to be believed, judged by what was received and was not used to make it.

Suffixes: K components, N coefficients of a plane (flat), L levels, A active coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.reconstruction.censored import cut, touched
from perigee_cluster.reconstruction.mallat import Layout
from perigee_cluster.reconstruction.model import Past, Predicted, Singles, groups

Doubles = NDArray[np.float64]

# Deviation of a gain from that of the next coarser level, before anything of its own is seen.
GAIN_STEP = 0.2
GAIN_VARIANCE = 0.5
GAIN_LIMIT = 1.3
# What two dates of history alone let a finer level keep of the gain of the one above.
DECAY = 0.9
# Evidence for history that is handed from a level to the next finer one, in units of log-likelihood, at most.
HANDED, KEPT = 6.0, 0.9
# What must be seen before history counts more than a coin.
DOUBT = 2.0
# Pixels of a cell for which news is looked for, pseudo-observations of "no news", and limits of the variance's factor.
CELL, CALM, LEAST, MOST = 8, 8.0, 0.25, 100.0
# Levels that tell of news.
NEWS_LEVELS = 5


@dataclass(frozen=True, eq=False)
class Judged:
    """Gains and weights by component and level: 0 means the plain decode, 1 history inside the intervals."""

    gain_KL: Doubles
    weight_KL: Doubles
    plain_KL: Doubles
    """Variance about the decode of what was not seen, without history."""


def judge(
    past: Past,
    predicted: Predicted,
    lower_KN: Singles,
    upper_KN: Singles,
    plain_KN: Singles,
    layout: Layout,
) -> Judged:
    """From the coarsest level to the finest: a gain, and the odds that history says more than `plain_KN`, the mean that
    is expected without it (zeros, or the decode of a predicted frame)."""
    components = past.components
    gain = np.ones((components, layout.levels))
    weight = np.zeros((components, layout.levels))
    plain = np.zeros((components, layout.levels))
    places = [np.flatnonzero(layout.level_N == level) for level in range(layout.levels)]
    energy = _energies(past, predicted, layout)
    for group in groups(components):
        members = range(*group.indices(components))
        again = np.clip(predicted.again_KL[group].mean(axis=0), 0.02, 1.2)
        g, variance, odds = 1.0, 0.01, 0.0
        for level in range(layout.low, 0, -1):
            if not len(places[level]):
                continue
            seen = [_seen(predicted, k, level, places[level], (lower_KN[k], upper_KN[k], plain_KN[k])) for k in members]
            if level < layout.low:
                kept = min(again[level] / again[level + 1], 1.05) if len(past.frames_FKN) > 2 else DECAY
                expected = g * (kept if level < layout.low - 1 else 1.0)
                g, variance = _gain(seen, expected, min(variance + GAIN_STEP**2, GAIN_VARIANCE))
            # never louder than the loudest date of history was
            loudest = np.sqrt((energy[0][group, level].sum() + 1e-9) / (energy[1][group, level].sum() + 1e-9))
            used = min(g, float(loudest))
            gain[group, level] = used
            found = [one.evidence(used) for one in seen]
            plain[group, level] = [spread for _, spread in found]
            odds = float(np.clip(odds, -HANDED, HANDED)) * KEPT + sum(evidence for evidence, _ in found)
            weight[group, level] = 1 / (1 + np.exp(-np.clip(odds - DOUBT, -30, 30)))
    return Judged(gain, weight, plain)


def _energies(past: Past, predicted: Predicted, layout: Layout) -> tuple[Doubles, Doubles]:
    def by_level(planes_KN: Singles) -> Doubles:
        return np.stack([np.bincount(layout.level_N, plane * plane, layout.levels) for plane in planes_KN])

    return np.max([by_level(frame) for frame in past.frames_FKN], axis=0), by_level(predicted.mean_KN)


@dataclass(frozen=True, eq=False)
class _Seen:
    """One component at one level, where its intervals say something."""

    mean_A: Doubles
    lower_A: Doubles
    upper_A: Doubles
    plain_A: Doubles
    noise: float
    count: int
    quiet: float
    """Sum of the squares of what history says elsewhere."""

    def evidence(self, gain: float) -> tuple[float, float]:
        """Log-likelihood of history over that of the plain mean with a variance of its own, and that variance."""
        deviation = np.full_like(self.mean_A, np.sqrt(self.noise))
        with_history = cut(gain * self.mean_A, deviation, self.lower_A, self.upper_A).log_probability.sum()
        everywhere = max(self.count, 1)
        spread = self.noise + gain * gain * float((self.mean_A**2).sum() + self.quiet) / everywhere
        alone = 0.0
        for _ in range(4):
            moments = cut(self.plain_A, np.full_like(deviation, np.sqrt(spread)), self.lower_A, self.upper_A)
            alone = float(moments.log_probability.sum())
            squares = ((moments.mean - self.plain_A) ** 2 + moments.variance).sum()
            spread = float(squares + (everywhere - len(self.mean_A)) * spread) / everywhere + 1
        return float(with_history) - alone, spread


def _seen(
    predicted: Predicted, k: int, level: int, places: NDArray[np.int64], known: tuple[Singles, Singles, Singles]
) -> _Seen:
    mean = predicted.crossed_KN[k, places]
    lower, upper, plain = (plane[places] for plane in known)
    noise = float(predicted.noise_KL[k, level])
    # what matters to the plain mean, whose variance is the larger one, matters here too
    wide = np.float32(np.sqrt(noise + float((mean.astype(np.float64) ** 2).mean())))
    active = np.union1d(touched(mean, wide, lower, upper), touched(plain, wide, lower, upper))
    whole = float((mean.astype(np.float64) ** 2).sum())
    picked = [plane[active].astype(np.float64) for plane in (mean, lower, upper, plain)]
    return _Seen(*picked, noise, len(places), max(whole - float((picked[0] ** 2).sum()), 0.0))


def _gain(seen: list[_Seen], expected: float, variance: float) -> tuple[float, float]:
    """Gain and its variance after what was seen."""
    gain = expected
    curvature = 1 / variance
    for _ in range(3):
        curvature, slope = 1 / variance, (expected - gain) / variance
        for one in seen:
            moments = cut(gain * one.mean_A, np.full_like(one.mean_A, np.sqrt(one.noise)), one.lower_A, one.upper_A)
            learned = np.maximum(1 - moments.variance / one.noise, 0) / one.noise
            curvature += float((learned * one.mean_A**2).sum())
            slope += float(((moments.mean - gain * one.mean_A) / one.noise * one.mean_A).sum())
        gain = float(np.clip(gain + slope / curvature, 0, GAIN_LIMIT))
    return gain, 1 / curvature


def news(
    crossed_KN: Singles, noise_KL: Doubles, lower_KN: Singles, upper_KN: Singles, layout: Layout
) -> tuple[Singles, Doubles]:
    """Factor of the deviation [N] for each coefficient by where it lies, above 1 where what was received contradicts
    history more than its noise explains, so that news keep what the decode shows of them; and the noise by level anew.
    """
    cell_N, (down, across) = layout.cells(CELL)
    found, expected = np.zeros(down * across), np.zeros(down * across)
    fresh = noise_KL.copy()
    for k, mean in enumerate(crossed_KN):
        variance_N = noise_KL[k][layout.level_N]
        active = touched(mean, np.sqrt(variance_N).astype(np.float32), lower_KN[k], upper_KN[k])
        variance, level = variance_N[active], layout.level_N[active]
        here = mean[active].astype(np.float64)
        moments = cut(here, np.sqrt(variance), lower_KN[k, active].astype(float), upper_KN[k, active].astype(float))
        square = (moments.mean - here) ** 2
        seen = np.bincount(level, minlength=layout.levels)
        spread = np.bincount(level, square + moments.variance, layout.levels) + (layout.count_L - seen) * noise_KL[k]
        fresh[k] = spread / np.maximum(layout.count_L, 1)
        tells = level <= NEWS_LEVELS
        cells = cell_N[active][tells]
        found += np.bincount(cells, (square / variance)[tells], down * across)
        expected += np.bincount(cells, (1 - moments.variance / variance)[tells], down * across)
    ratio = (CALM + _around(found.reshape(down, across))) / (CALM + _around(expected.reshape(down, across)))
    return np.sqrt(np.clip(ratio, LEAST, MOST)).astype(np.float32).ravel()[cell_N], fresh


def _around(cells: Doubles) -> Doubles:
    padded = np.pad(cells, 1, mode="edge")
    rows, columns = cells.shape
    return sum((padded[i : i + rows, j : j + columns] for i in range(3) for j in range(3)), np.zeros_like(cells))
