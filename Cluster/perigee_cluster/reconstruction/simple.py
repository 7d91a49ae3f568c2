"""What anyone would try first; each is a method to compare with, and a guess where nothing better is at hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.history.frame import HistoryFrame
from perigee_cluster.reconstruction.matching import filled, matched
from perigee_cluster.reconstruction.series import days, plain_weights, season_gap
from perigee_cluster.reconstruction.values import Agreement, Flag, Reconstruction, Request

Weights = Callable[[Sequence[HistoryFrame], np.datetime64 | None], NDArray[np.float64]]


def last_clear(frames: Sequence[HistoryFrame], time: np.datetime64 | None) -> NDArray[np.float64]:
    """All weight on the latest date before; the nearest one where there is none before, the first without times."""
    weights = np.zeros(len(frames))
    gaps = _gaps(frames, time)
    if gaps is None:
        weights[0] = 1
    else:
        before = np.where(gaps <= 0, -gaps, np.inf)
        weights[int(before.argmin()) if np.isfinite(before).any() else int(np.abs(gaps).argmin())] = 1
    return weights


def seasonal_mean(frames: Sequence[HistoryFrame], time: np.datetime64 | None) -> NDArray[np.float64]:
    """Even weights on dates within 45 days of the season, of any year; on all where there are none."""
    gaps = _gaps(frames, time)
    near = np.ones(len(frames), bool) if gaps is None else season_gap(gaps) <= 45
    return (near if near.any() else np.ones(len(frames))) / max(int(near.sum()) or len(frames), 1)


def linear(frames: Sequence[HistoryFrame], time: np.datetime64 | None) -> NDArray[np.float64]:
    """A straight line between the dates on both sides; the nearest date where there is one side only."""
    gaps = _gaps(frames, time)
    if gaps is None:
        return np.full(len(frames), 1 / len(frames))
    return plain_weights(gaps)


def _gaps(frames: Sequence[HistoryFrame], time: np.datetime64 | None) -> NDArray[np.float64] | None:
    if time is None or any(frame.time is None for frame in frames):
        return None
    return days([frame.time for frame in frames], time)


@dataclass(frozen=True)
class Weighted:
    """A weighted mean of history that looks at no packet of the date."""

    name: str
    weights: Weights

    def reconstruct(self, request: Request) -> Reconstruction:
        """The mean; a ValueError where no history serves."""
        frames, samples, masks = matched(request)
        if not frames:
            raise ValueError("history holds no frame for these bands and this grid: nothing is known of the place")
        weights = self.weights(frames, request.time)
        used = np.flatnonzero(weights)
        stack = filled([samples[i] for i in used], [masks[i] for i in used], None)
        made = np.tensordot(weights[used].astype(np.float32), stack, 1)
        spread = stack.std(axis=0) if len(used) > 1 else np.full_like(made, np.nan)
        flag = Flag.SMOOTHED if _is_inside(frames, request.time) else Flag.FORECAST
        flags = np.full(made.shape[1:], flag, np.uint8)
        return Reconstruction(made, spread, flags, Agreement(0, 0), tuple(frames[i].id for i in used), self.name)


def _is_inside(frames: Sequence[HistoryFrame], time: np.datetime64 | None) -> bool:
    gaps = _gaps(frames, time)
    return gaps is not None and bool((gaps <= 0).any() and (gaps > 0).any())
