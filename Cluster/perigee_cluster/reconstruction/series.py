"""Time: what dates of history say of another date.

A value of a place changes as a random function of time: a constant, a line, the year and the half-year, and what is
forgotten after some days, each with a prior variance, and noise of the single date. The weights of the best linear
estimate follow from the times alone. That is regression on harmonics and a line with a ridge, and smoothing in between.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

DAY = np.timedelta64(86_400_000, "ms")
YEAR = 365.25
MODELS = Path(__file__).with_name("time_models.json")
# Days over which a place forgets, share of it that comes back with the season: what regression begins with.
FORGETS, SEASONAL = 25.0, 0.15


def days(times: Sequence[np.datetime64 | None], origin: np.datetime64) -> Doubles:
    """Days from `origin`; NaN where a time is not known."""
    return np.array([np.nan if time is None else (time - origin) / DAY for time in times])


def season_gap(days_apart: Doubles) -> Doubles:
    """Days between two dates when years do not count."""
    return np.abs((days_apart + YEAR / 2) % YEAR - YEAR / 2)


def weights_near(times: Sequence[np.datetime64 | None], time: np.datetime64 | None) -> Doubles:
    """Weights that sum to 1, most for dates near in time, some for the same season of other years; even ones where
    times are not known."""
    if time is None or any(one is None for one in times):
        return np.full(len(times), 1 / max(len(times), 1))
    gap = np.abs(days(times, time))
    weights = np.exp(-gap / FORGETS) + SEASONAL * np.exp(-season_gap(gap) / FORGETS) + 1e-3
    return weights / weights.sum()


def least_gap(times: Sequence[np.datetime64 | None], time: np.datetime64 | None) -> float | None:
    """Days to the nearest date; None where a time is not known."""
    if time is None or not times or any(one is None for one in times):
        return None
    return float(np.abs(days(times, time)).min())


@dataclass(frozen=True)
class TimeModel:
    """Prior variances beside that of what is forgotten, which is 1."""

    forgets: float
    """Days."""
    is_smooth: bool
    """Whether the forgotten part has no corners."""
    constant: float
    harmonic: float
    """Of the year; half as much of the half-year."""
    line: float
    """A year from the middle."""
    noise: float

    def covariance(self, first: Doubles, second: Doubles) -> Doubles:
        """Between days [m] and days [n], both counted from the date that is asked for."""
        apart = first[:, None] - second[None]
        near = np.abs(apart) / self.forgets
        kept = np.exp(-near) * (1 + near if self.is_smooth else 1)
        year = 2 * np.pi * apart / YEAR
        season = self.harmonic * (np.cos(year) + 0.5 * np.cos(2 * year))
        return kept + season + self.constant + self.line * first[:, None] * second[None] / YEAR**2

    def weights(self, known: Doubles) -> Doubles:
        """Of the known days, for day 0."""
        matrix = self.covariance(known, known) + self.noise * np.eye(len(known))
        return np.linalg.solve(matrix, self.covariance(known, np.zeros(1))[:, 0])


def plain_weights(known: Doubles) -> Doubles:
    """A straight line between the dates on both sides; the nearest one where there is one side only."""
    weights = np.zeros(len(known))
    before, after = np.where(known <= 0, -known, np.inf), np.where(known > 0, known, np.inf)
    first, second = int(before.argmin()), int(after.argmin())
    if not np.isfinite(before[first]) or not np.isfinite(after[second]):
        weights[int(np.abs(known).argmin())] = 1
        return weights
    total = before[first] + after[second]
    weights[first], weights[second] = after[second] / total, before[first] / total
    return weights


@dataclass(frozen=True, eq=False)
class Candidates:
    """Models to choose from, the plain line first; `smoothing_CS` and `forecast_CS` say by scale how the logarithm of
    the squared error of each stood to that of the plain line where models were fitted."""

    models: tuple[TimeModel, ...]
    smoothing_CS: Doubles
    forecast_CS: Doubles

    def weights(self, known: Doubles) -> Doubles:
        """[C, dates]."""
        return np.stack([plain_weights(known), *(model.weights(known) for model in self.models)])

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "models": [asdict(model) for model in self.models],
            "smoothing": self.smoothing_CS.round(4).tolist(),
            "forecast": self.forecast_CS.round(4).tolist(),
        }


@lru_cache(maxsize=1)
def candidates() -> Candidates:
    """Those of the package."""
    read = json.loads(MODELS.read_text())
    models = tuple(TimeModel(**model) for model in read["models"])
    return Candidates(models, np.array(read["smoothing"]), np.array(read["forecast"]))
