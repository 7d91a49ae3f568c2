"""What is measured: a date, coded at a ratio without memory, and what of the place's past the decoder has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.archive.tokens import TokenStream
from perigee_cluster.evaluation.places import SENSOR, Place
from perigee_cluster.history.frame import HistoryFrame, Quality
from perigee_cluster.reconstruction import Request
from perigee_cluster.reconstruction.series import days
from perigee_codec import CodecError, Model, Stream

RATIOS = (1_000, 3_000, 10_000)
DEPTHS = (0, 1, 2, 4, 8)
# Days to the nearest date of history, first and last; None: dates unknown.
GAPS: dict[str, tuple[int, int] | None] = {
    "2-20": (2, 20), "21-60": (21, 60), "over 60": (61, 100_000), "seasons": None,
}  # fmt: skip
# Ratio at which history was coded.
HISTORY_RATIO = 200


@dataclass(frozen=True)
class Case:
    """One target with what is known."""

    place: Place
    target: int
    ratio: int
    depth: int
    gap: str
    history: tuple[int, ...]


@dataclass(eq=False)
class Coder:
    """Frames of a place, coded without memory; history is what came out."""

    model: Model
    place: Place
    history_ratio: int = HISTORY_RATIO
    _history: dict[int, HistoryFrame] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape = self.place.dates[0].samples_BHW.shape
        names = [band.name for band in self.place.bands]
        self.stream = Stream(self.model, SENSOR, shape, bands=names, nodata="none")  # type: ignore[arg-type]

    def tokens(self, samples_BHW: NDArray[np.uint16], ratio: int) -> TokenStream | None:
        """None where the smallest frame is larger."""
        try:
            return TokenStream(self.stream, tuple(self.stream.encode(samples_BHW, [samples_BHW.nbytes // ratio])))
        except CodecError as error:
            if "smallest" not in str(error):
                raise
            return None

    def history(self, number: int) -> HistoryFrame:
        """A date as the cluster remembers it."""
        if number not in self._history:
            date = self.place.dates[number]
            tokens = self.tokens(date.samples_BHW, self.history_ratio)
            if tokens is None:
                raise ValueError(f"{date.name} does not fit {self.history_ratio}x: give history more octets")
            octets = sum(map(len, tokens.layers))
            self._history[number] = HistoryFrame(
                date.name, tokens.decode().astype(np.float32), np.ones(self.stream.shape, np.bool_), date.time, SENSOR,
                self.place.bands, None, Quality(octets, 1, float("nan"), 1.0, (), "perigee", self.model.firmware),
            )  # fmt: skip
        return self._history[number]

    def request(self, case: Case, samples_BHW: NDArray[np.uint16] | None = None) -> Request | None:
        """The case as a request, of other samples than the date's where they are given."""
        date = self.place.dates[case.target]
        tokens = self.tokens(date.samples_BHW if samples_BHW is None else samples_BHW, case.ratio)
        if tokens is None:
            return None
        return Request(tokens, date.time, self.place.bands, [self.history(number) for number in case.history])


def pasts(place: Place, target: int, gap: str, depth: int) -> tuple[int, ...] | None:
    """The latest `depth` dates before the target of which the nearest lies in the class of gap; of places without times
    the other seasons. None where there are not so many."""
    span = GAPS[gap]
    if not place.has_times:
        others = tuple(number for number in range(len(place.dates)) if number != target)
        return others[:depth] if span is None and depth <= len(others) else None
    if span is None:
        return None
    apart = days([date.time for date in place.dates], place.dates[target].time)  # type: ignore[arg-type]
    before = [int(number) for number in np.flatnonzero(apart <= -span[0])]
    if len(before) < depth or not before or -apart[before[-1]] > span[1]:
        return None
    return tuple(before[::-1][:depth])


def cases(
    place: Place, targets: list[int], ratios: tuple[int, ...], depths: tuple[int, ...], gaps: tuple[str, ...]
) -> Iterator[Case]:
    """All of them that the place has dates for."""
    for target in targets:
        for gap in gaps:
            for depth in depths:
                known = pasts(place, target, gap, depth)
                if known is not None:
                    yield from (Case(place, target, ratio, depth, gap, known) for ratio in ratios)
