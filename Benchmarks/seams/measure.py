"""Codes a mosaic and compares the errors near tile borders with those elsewhere."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import log10
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from perigee_codec import Model, Stream
from rd.subjects import PEAK, RATIOS
from seams.mosaic import Mosaic, line
from seams.strips import Strip, near_and_else, strips

SENSOR = "sentinel-2-l2a"


@dataclass(frozen=True)
class Seam:
    """Mosaics of one place at one ratio: mean squared errors of the four sets of samples, and every strip."""

    place: str
    phases: tuple[int, ...]
    ratio: int
    octets: int
    near: float
    elsewhere: float
    strip: float
    image: float
    strips: tuple[Strip, ...]

    @property
    def from_elsewhere(self) -> float:
        """Near tile borders minus everywhere else, dB."""
        return psnr(self.near) - psnr(self.elsewhere)

    @property
    def from_image(self) -> float:
        """Strips around tile borders minus the mirror images of the same content, dB."""
        return psnr(self.strip) - psnr(self.image)

    def as_dict(self) -> dict[str, object]:
        """One row of the JSON."""
        return asdict(self) | {"from_elsewhere": self.from_elsewhere, "from_image": self.from_image}


def psnr(error: float) -> float:
    """In dB of a mean squared error; infinite without error."""
    return 10 * log10(PEAK * PEAK / error) if error else float("inf")


def measure(mosaic: Mosaic, model: Model) -> list[Seam]:
    """One stream of all ratios, decoded after each of its layers."""
    stream = Stream(model, SENSOR, mosaic.samples.shape, bands=mosaic.bands)
    ladder = sorted(RATIOS, reverse=True)
    layers = stream.encode(mosaic.samples, [mosaic.samples.nbytes // ratio for ratio in ladder])
    found = []
    for count, ratio in enumerate(ladder, start=1):
        decoded = stream.decode(layers[:count])
        octets = sum(map(len, layers[:count]))
        found.append(seam(mosaic.place, mosaic.phase, ratio, octets, squared_error(mosaic.samples, decoded)))
    return found[::-1]


def squared_error(original_BHW: NDArray[np.uint16], decoded_BHW: NDArray[np.generic]) -> NDArray[np.float64]:
    """Mean over bands of the squared error of every pixel."""
    total = np.zeros(original_BHW.shape[1:])
    for original, decoded in zip(original_BHW, decoded_BHW, strict=True):
        total += (original.astype(np.float64) - decoded) ** 2
    return total / len(original_BHW)


def seam(place: str, phase: int, ratio: int, octets: int, error_HW: NDArray[np.float64]) -> Seam:
    """The comparison for a map of squared errors."""
    axis = line(phase)
    near, elsewhere = near_and_else(error_HW, axis)
    found = tuple(strips(error_HW, axis))
    strip, image = fmean(s.error for s in found), fmean(s.image_error for s in found)
    return Seam(place, (phase,), ratio, octets, near, elsewhere, strip, image, found)


def pooled(rows: list[Seam]) -> Seam:
    """All phases of one place and ratio as one; their mosaics are of one size."""
    (place,), (ratio,) = {row.place for row in rows}, {row.ratio for row in rows}
    errors = [fmean(column) for column in zip(*((r.near, r.elsewhere, r.strip, r.image) for r in rows), strict=True)]
    phases = tuple(phase for row in rows for phase in row.phases)
    return Seam(place, phases, ratio, sum(r.octets for r in rows), *errors, tuple(s for r in rows for s in r.strips))
