"""Memory of a place in closed loop: what a decoder has, coded with what it had before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log10

import numpy as np
from numpy.typing import NDArray

from history.series import Date
from perigee_codec import CodecError, Layers, Model, Part, Reference, Stream
from perigee_codec.codec import prefix
from rd.subjects import PEAK

SENSOR = "sentinel-2-l2a"
# Octets of one frame of 64 x 64 with 10 bands: 30x, 100x, 300x, 1,000x and 3,000x of its native samples.
BUDGETS = (1493, 448, 149, 44, 14)
REMEMBERED = 149
# A frame may be predicted from one of this depth: packets allow eight (Docs/packet-format.md, section 5.12).
DEEPEST = 7


@dataclass(frozen=True)
class State:
    """What both ends have of one date: decoded samples, and through how many others it was predicted."""

    day: int
    samples: NDArray[np.uint16]
    depth: int
    psnr: float


@dataclass(frozen=True)
class Coded:
    """One frame coded: dB, and whether its memory was used. None of it where the budget has no room."""

    psnr: float
    is_predicted: bool
    layers: Layers


class Codec:
    """Frames of one size and band list, on one core."""

    def __init__(self, model: Model, samples: NDArray[np.uint16], bands: Sequence[str]) -> None:
        self.stream = Stream(model, SENSOR, samples.shape, bands=bands, nodata="none")

    def reference(self, *samples: NDArray[np.uint16], mix: int = 0) -> Reference:
        """The memory that earlier samples on the same grid make, `mix` quarters of the second."""
        return self.stream.reference([Part(self.stream, one) for one in samples], mix)

    def remembered(self, states: Sequence[State], samples: NDArray[np.uint16]) -> tuple[Reference, int]:
        """What a frame is predicted from, and how deep that is: the last of these dates, mixed with the one before it
        where that comes nearer, as the station does."""
        near = states[-1]
        if len(states) < 2 or states[-2].depth > near.depth + 1:
            return self.reference(near.samples), near.depth
        far = states[-2]
        quarters = self.stream.quarters(samples, self.reference(near.samples), self.reference(far.samples))
        if quarters in (0, 4):
            only = far if quarters else near
            return self.reference(only.samples), only.depth
        first, second, mix = (near, far, quarters) if quarters <= 2 else (far, near, 4 - quarters)
        return self.reference(first.samples, second.samples, mix=mix), max(near.depth, far.depth)

    def decode(self, layers: Layers, reference: Reference | None, size: int | None = None) -> NDArray[np.uint16]:
        """Samples of the first `size` octets, all of them without."""
        kept = layers if size is None else prefix(layers, size)
        return self.stream.decode(kept, reference=reference if layers.is_predicted else None)

    def encode(self, samples: NDArray[np.uint16], budgets: Sequence[int], reference: Reference | None) -> Coded | None:
        """None where a budget is smaller than the smallest frame."""
        try:
            layers = self.stream.encode(samples, budgets, reference=reference)
        except CodecError as error:
            if "smallest" not in str(error):
                raise
            return None
        return Coded(psnr(samples, self.decode(layers, reference)), layers.is_predicted, layers)

    def chain(self, dates: Sequence[Date], budget: int = REMEMBERED) -> list[State]:
        """Every date as it is remembered: coded with the dates before it, plain where the last one is too deep."""
        states: list[State] = []
        for one in dates:
            is_known = bool(states) and states[-1].depth < DEEPEST
            reference, below = self.remembered(states, one.samples) if is_known else (None, -1)
            states.append(self._state(one, budget, reference, below))
        return states

    def alone(self, dates: Sequence[Date], budget: int = REMEMBERED) -> list[State]:
        """Every date coded plain."""
        return [self._state(one, budget, None, -1) for one in dates]

    def _state(self, one: Date, budget: int, reference: Reference | None, below: int) -> State:
        coded = self.encode(one.samples, [budget], reference)
        if coded is None:
            raise ValueError(f"{one.file} cannot be coded in {budget} octets: give memory more")
        depth = below + 1 if coded.is_predicted else 0
        return State(one.day, self.decode(coded.layers, reference), depth, coded.psnr)


def psnr(original: NDArray[np.generic], decoded: NDArray[np.generic]) -> float:
    """dB over all samples."""
    error = float(np.mean((original.astype(np.float64) - decoded) ** 2))
    return 10 * log10(PEAK * PEAK / error) if error else inf
