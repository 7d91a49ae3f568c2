"""Time: how much a date of history says of another date."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

DAY = np.timedelta64(86_400_000, "ms")
YEAR = 365.25
# Days over which a place forgets, share of it that comes back with the season.
FORGETS, SEASONAL = 25.0, 0.15


def days(times: Sequence[np.datetime64 | None], origin: np.datetime64) -> NDArray[np.float64]:
    """Days from `origin`; NaN where a time is not known."""
    return np.array([np.nan if time is None else (time - origin) / DAY for time in times])


def season_gap(days_apart: NDArray[np.float64]) -> NDArray[np.float64]:
    """Days between two dates when years do not count."""
    return np.abs((days_apart + YEAR / 2) % YEAR - YEAR / 2)


def weights_near(times: Sequence[np.datetime64 | None], time: np.datetime64 | None) -> NDArray[np.float64]:
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
