"""The strongest that a peer can do within a budget: component counts and downsampling factors tried, quality sought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from rd.basis import Basis, Planes
from rd.resample import down, up

TRIES = 14
FULL_ENOUGH = 0.997
SMALLEST_STREAM = 20
RANGE = 65535

# Frames of 264 x 264 and 12 bands, on which the peers were tuned; on others every choice is tried.
TUNED_SIZE = 264 * 264 * 12
TUNED_FACTORS = {100: (1,), 300: (1, 2), 1000: (1, 2, 4), 3000: (2, 4, 8), 10000: (8, 16)}
COMPONENTS, FACTORS = (1, 2, 3, 5, 8), (1, 2, 4, 8, 16)


@dataclass(frozen=True)
class Encoded:
    """Streams of a set of planes, their octets in all, how many of these a fixed profile could leave out, quality."""

    streams: list[bytes]
    octets: int
    header_octets: int
    quality: float


class Coder(Protocol):
    """A still-image codec. Higher quality means more octets.

    `qualities` bounds what is tried, steps below `enough` are not worth a try; `components`: counts tried on frames of
    TUNED_SIZE, by ratio.
    """

    qualities: tuple[float, float]
    enough: float
    version: str
    components: ClassVar[dict[int, tuple[int, ...]]]

    def encode(self, planes: Planes, quality: float) -> Encoded: ...

    def decode(self, encoded: Encoded, shape: tuple[int, ...]) -> Planes: ...


@dataclass(frozen=True)
class Candidate:
    """A reconstruction within a budget, its mean squared error, and how it was made."""

    reconstruction: Planes
    error: float
    octets: int
    components: int
    factor: int


def grid(coder: type[Coder], size: int, ratio: int, bands: int, all_bands: bool) -> list[tuple[int, int]]:
    """Component counts and factors that are tried on a frame of `size` samples."""
    tuned = size == TUNED_SIZE
    counts = coder.components[ratio] if tuned else [*(c for c in COMPONENTS if c < bands), min(bands, COMPONENTS[-1])]
    factors = TUNED_FACTORS[ratio] if tuned else FACTORS
    return [(count, factor) for count in ((bands,) if all_bands else dict.fromkeys(counts)) for factor in factors]


def _between(low: tuple[float, int], high: tuple[float, int], budget: int) -> float:
    """A quality between two whose octets are known (0 where not): octets grow about exponentially with quality."""
    share = 0.5
    if low[1] and high[1] > low[1]:
        goal = budget * (1 + FULL_ENOUGH) / 2
        share = float(np.clip(np.log(goal / low[1]) / np.log(high[1] / low[1]), 0.05, 0.95))
    return low[0] + (high[0] - low[0]) * share


class Peer:
    """One codec on the components of one frame in one basis; streams that were tried are kept for other budgets."""

    def __init__(self, coder: Coder, frame: Planes, basis: Basis) -> None:
        self.coder, self.frame, self.basis = coder, frame, basis
        self.components = basis.forward(frame)
        self.planes: dict[tuple[int, int], Planes] = {}
        self.tried: dict[tuple[int, int, float], Encoded] = {}
        self.errors: dict[tuple[int, int, float], float] = {}

    def _planes(self, count: int, factor: int) -> Planes:
        if (count, factor) not in self.planes:
            self.planes[count, factor] = down(self.components[:count], factor)
        return self.planes[count, factor]

    def _encoded(self, count: int, factor: int, quality: float) -> Encoded:
        key = (count, factor, quality)
        if key not in self.tried:
            self.tried[key] = self.coder.encode(self._planes(count, factor), quality)
        return self.tried[key]

    def _quality(self, count: int, factor: int, budget: int, omit_headers: bool) -> tuple[float, int] | None:
        """The quality that comes closest to `budget` octets from below, and its octets."""

        def size(encoded: Encoded) -> int:
            return encoded.octets - (encoded.header_octets if omit_headers else 0)

        sizes = {key[2]: size(encoded) for key, encoded in self.tried.items() if key[:2] == (count, factor)}
        for _ in range(TRIES):
            fitting = [(octets, quality) for quality, octets in sizes.items() if octets <= budget]
            octets, quality = max(fitting, default=(0, self.coder.qualities[0]))
            if octets > budget * FULL_ENOUGH:
                break
            low = (quality, octets)
            high = min(((q, n) for q, n in sizes.items() if n > budget), default=(self.coder.qualities[1], 0))
            if fitting and high[0] - low[0] < self.coder.enough:
                break
            quality = _between(low, high, budget)
            sizes[quality] = size(self._encoded(count, factor, quality))
        found = max(((n, q) for q, n in sizes.items() if n <= budget), default=None)
        return None if found is None else (found[1], found[0])

    def _reconstruct(self, count: int, factor: int, quality: float) -> Planes:
        rows, columns = self.frame.shape[1:]
        decoded = self.coder.decode(self._encoded(count, factor, quality), self._planes(count, factor).shape)
        return self.basis.inverse(up(decoded, rows, columns))

    def _error(self, count: int, factor: int, quality: float) -> float:
        key = (count, factor, quality)
        if key not in self.errors:
            result = np.clip(np.round(self._reconstruct(*key)), -RANGE, RANGE)
            self.errors[key] = float(((result - self.frame) ** 2).mean())
        return self.errors[key]

    def best(
        self, budget: int, choices: list[tuple[int, int]], side: dict[int, int], omit_headers: bool
    ) -> Candidate | None:
        """The reconstruction of least error; `side` octets of a component count come off the budget first.

        None where even the smallest streams do not fit.
        """
        best: tuple[float, tuple[int, int, float], int] | None = None
        for count, factor in choices:
            room = budget - side[count]
            found = self._quality(count, factor, room, omit_headers) if room >= SMALLEST_STREAM else None
            if found is None:
                continue
            error = self._error(count, factor, found[0])
            if best is None or error < best[0]:
                best = (error, (count, factor, found[0]), found[1] + side[count])
        if best is None:
            return None
        return Candidate(self._reconstruct(*best[1]), best[0], best[2], best[1][0], best[1][1])
