"""How far the scene may be from a product, for each sample.

Variances of coefficients become variances of samples; what that model leaves out is mended by factors that were fitted
on validation places so that nine of ten true samples lie within 1.645 deviations (`calibration.json`, made by
`python -m perigee_cluster.evaluation.calibrate`). Suffixes: B bands, K components, N coefficients of a plane, L levels.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.reconstruction.censored import cut, touched
from perigee_cluster.reconstruction.cover import COVERS, cover
from perigee_cluster.reconstruction.mallat import Layout, layout
from perigee_codec import Stream

if TYPE_CHECKING:
    from perigee_cluster.data.grid import Band
    from perigee_cluster.reconstruction.deterministic import Decoded

CALIBRATION = Path(__file__).with_name("calibration.json")
# Deviations to either side that hold nine of ten samples of a normal distribution.
NINE_OF_TEN = 1.645
# Rounding to whole numbers.
ROUNDING_VARIANCE = 1 / 12
# Spectral mode that leaves bands as they are (Docs/packet-format.md, 5.3).
IDENTITY = b"\x0e"
# Ratios of raw octets to octets, and days to the nearest date of history, that the classes begin with.
RATIO_CLASSES = (0, 600, 2_000, 6_000)
GAP_CLASSES = (0, 12, 40)


def of_decode(decoded: Decoded) -> NDArray[np.float32]:
    """Variance [K, N] of coefficients about the decode when nothing is known but the intervals."""
    assert decoded.known is not None
    frame = layout(*decoded.samples_BHW.shape[1:])
    own = decoded.coefficients_KN
    lower, upper = (bounds.reshape(own.shape) for bounds in (decoded.known.lower_KHW, decoded.known.upper_KHW))
    made = np.empty_like(own)
    for k, mean in enumerate(own):
        spread = np.bincount(frame.level_N, mean * mean, frame.levels) / np.maximum(frame.count_L, 1) + 1
        for _ in range(4):
            deviation = np.sqrt(spread)[frame.level_N].astype(np.float32)
            active = touched(mean, deviation, lower[k], upper[k])
            inside = cut(*(plane[active].astype(np.float64) for plane in (mean, deviation, lower[k], upper[k])))
            made[k] = deviation**2
            made[k, active] = inside.variance + (inside.mean - mean[active]) ** 2
            spread = np.bincount(frame.level_N, made[k], frame.levels) / np.maximum(frame.count_L, 1) + 1
    return made


def of_coefficients(decoded: Decoded, variance_KN: NDArray[np.float32]) -> NDArray[np.float32]:
    """Deviation of samples [B, H, W] in DN from variances of coefficients, taken as independent."""
    assert decoded.known is not None
    stream = decoded.tokens.stream
    frame = layout(*stream.shape[1:])
    bases_LBK = _bases(stream, decoded.known.choice)
    total = np.zeros(stream.shape, np.float32)
    for level in range(1, frame.levels):
        blocks = np.einsum("bk,kij->bij", bases_LBK[level] ** 2, frame.energy(variance_KN, level))
        total += frame.spread(blocks, level)
    made = np.empty_like(total)
    rounding = ROUNDING_VARIANCE if stream.dtype.kind in "ui" else 0.0
    made[stream.coding_order] = np.sqrt(total / unit(stream) ** 2 + rounding)
    return made


def _noise(stream: Stream) -> NDArray[np.generic]:
    random = np.random.default_rng(1)
    if stream.dtype.kind in "ui":
        largest = min(int(np.iinfo(stream.dtype).max), 8_000)
        return random.integers(1, largest, stream.shape).astype(stream.dtype)
    return random.uniform(0.1, 1, stream.shape).astype(stream.dtype)


@lru_cache(maxsize=8)
def unit(stream: Stream) -> float:
    """What one DN is in the unit of coefficients: found with noise, since it follows from the strict transform."""
    frame = layout(*stream.shape[1:])
    detail = frame.level_N < frame.low
    if not detail.any():
        return 1.0
    noise = _noise(stream)
    bands = stream.forward(noise, choice=IDENTITY)[0].reshape(stream.shape[0], -1)
    return float(np.sqrt(bands[:, detail].astype(np.float64).var() / max(noise.astype(np.float64).var(), 1e-12))) or 1.0


@lru_cache(maxsize=4)
def _bases(stream: Stream, choice: bytes) -> NDArray[np.float32]:
    """By level the basis [L, B in coding order, K], found with noise. Of frames of several tiles it is a mean of their
    bases."""
    frame: Layout = layout(*stream.shape[1:])
    noise = _noise(stream)
    bands, components = (
        stream.forward(noise, choice=mode)[0].reshape(stream.shape[0], -1).astype(np.float64)
        for mode in (IDENTITY, choice)
    )
    found = np.zeros((frame.levels, stream.shape[0], stream.shape[0]), np.float32)
    basis = np.eye(stream.shape[0])
    for level in range(1, frame.levels):
        here = frame.level_N == level
        if here.sum() >= 3 * stream.shape[0]:
            # components = basis^T bands, exactly
            basis = np.linalg.lstsq(bands[:, here].T, components[:, here].T, rcond=None)[0]
        found[level] = basis
    return found


@dataclass(frozen=True)
class Calibration:
    """Factors of the deviation by method: class of ratio x cover, and class of gap."""

    factors: dict[str, list[list[float]]]
    gaps: dict[str, list[float]]

    def factor(self, method: str, ratio: float | None, gap: float | None) -> NDArray[np.float32]:
        """By cover; 1 for methods that nobody has calibrated."""
        if method not in self.factors:
            return np.ones(len(COVERS), np.float32)
        rows = self.factors[method]
        row = rows[class_of(ratio, RATIO_CLASSES)] if len(rows) > 1 else rows[0]
        return np.array(row, np.float32) * self.gaps[method][class_of(gap, GAP_CLASSES)]


def class_of(value: float | None, edges: tuple[int, ...]) -> int:
    """Number of the last edge that is not above the value; unknown values stand in the last class."""
    if value is None or np.isnan(value):
        return len(edges) - 1
    return max(index for index, edge in enumerate(edges) if value >= edge)


@lru_cache(maxsize=1)
def calibration() -> Calibration:
    """That of the package."""
    if not CALIBRATION.is_file():
        return Calibration({}, {})
    read = json.loads(CALIBRATION.read_text())
    return Calibration(read["factors"], read["gaps"])


def calibrated(
    spread_BHW: NDArray[np.float32],
    made_BHW: NDArray[np.float32],
    bands: tuple[Band, ...],
    method: str,
    *,
    ratio: float | None = None,
    gap: float | None = None,
) -> NDArray[np.float32]:
    """The deviation times the factor of what covers each pixel."""
    factors = calibration().factor(method, ratio, gap)
    if np.ptp(factors) == 0:
        return spread_BHW * factors[0]
    return spread_BHW * factors[cover(made_BHW, bands)]
