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

    def reference(self, samples: NDArray[np.uint16]) -> Reference:
        """The memory that earlier samples on the same grid make."""
        return self.stream.reference([Part(self.stream, samples)])

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
        """Every date as it is remembered: coded with the date before it, plain where that is too deep."""
        states: list[State] = []
        for one in dates:
            before = states[-1] if states and states[-1].depth < DEEPEST else None
            reference = self.reference(before.samples) if before else None
            coded = self.encode(one.samples, [budget], reference)
            if coded is None:
                raise ValueError(f"{one.file} cannot be coded in {budget} octets: give memory more")
            depth = before.depth + 1 if before and coded.is_predicted else 0
            states.append(State(one.day, self.decode(coded.layers, reference), depth, coded.psnr))
        return states


def psnr(original: NDArray[np.generic], decoded: NDArray[np.generic]) -> float:
    """dB over all samples."""
    error = float(np.mean((original.astype(np.float64) - decoded) ** 2))
    return 10 * log10(PEAK * PEAK / error) if error else inf
