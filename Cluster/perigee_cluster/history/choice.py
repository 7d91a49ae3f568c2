"""Which dates of a place serve a date that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import numpy as np

from perigee_cluster.history.frame import Quality

LEAST_CLEAR = 0.5
"""Share of clear samples below which a date is left out."""
YEAR = 365.2425
DAY = np.timedelta64(1, "D")


class Dated(Protocol):
    """A frame of history, or its record."""

    @property
    def id(self) -> str: ...
    @property
    def time(self) -> np.datetime64 | None: ...
    @property
    def quality(self) -> Quality: ...


D = TypeVar("D", bound=Dated)


def choose(frames: Sequence[D], time: np.datetime64 | None, k: int) -> list[D]:
    """At most `k` dates, the best first: in turns the nearest in time, the nearest in season of other years, and that
    of most octets; clouded ones never. Without `time` those of most octets."""
    clear = sorted((frame for frame in frames if frame.quality.clear_share >= LEAST_CLEAR), key=lambda frame: frame.id)
    rate = sorted(clear, key=lambda frame: -frame.quality.octets)
    if time is None:
        return rate[: max(k, 0)]
    dated = [frame for frame in clear if frame.time is not None]
    near = sorted(dated, key=_days(time))
    season = sorted((frame for frame in dated if _days(time)(frame) > YEAR / 2), key=_season(time))
    queues = [near, season, rate]
    chosen: list[D] = []
    while len(chosen) < k and any(queues):
        for queue in queues:
            while queue and any(queue[0] is frame for frame in chosen):
                queue.pop(0)
            if queue and len(chosen) < k:
                chosen.append(queue.pop(0))
    return chosen


def surplus(frames: Sequence[D], keep: int) -> list[D]:
    """What goes where a place may have `keep` dates: clouded ones first, then the oldest."""
    worth = sorted(frames, key=lambda frame: (frame.quality.clear_share >= LEAST_CLEAR, str(frame.time), frame.id))
    return worth[: max(len(worth) - keep, 0)]


def _days(time: np.datetime64) -> Callable[[Dated], float]:
    return lambda frame: abs(float((frame.time - time) / DAY)) if frame.time is not None else np.inf


def _season(time: np.datetime64) -> Callable[[Dated], float]:
    def apart(frame: Dated) -> float:
        days = _days(time)(frame) % YEAR
        return min(days, YEAR - days)

    return apart
