"""Which samples show the ground: no nodata, no clouds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.archive.declaration import Declaration
from perigee_cluster.data.grid import Band

BRIGHTEST = 0.175
"""Reflectance in blue light above which a sample is no clear ground: the station's own limit (ClearGround)."""
BLUE = (0.44, 0.52)
"""Micrometres."""
NEAREST = 0.49
LEAST_BRIGHT = 6
"""Of the nine samples around and with a cloud's own: a single roof has fewer."""
REACH = 2
"""Samples around a cloud that count as cloud too: its border is thin, its light spreads."""


def blue_band(bands: Sequence[Band]) -> int | None:
    """The band in blue light that is nearest to 0.49 micrometres."""
    numbers = [
        number
        for number, band in enumerate(bands)
        if not band.is_categorical and band.wavelength is not None and BLUE[0] <= band.wavelength <= BLUE[1]
    ]
    return min(numbers, key=lambda number: abs((bands[number].wavelength or 0) - NEAREST), default=None)


def measured(samples_BHW: NDArray[Any], nodata: float | None) -> NDArray[np.bool_]:
    """Samples that are there: not nodata, not NaN."""
    valid = np.ones(samples_BHW.shape, np.bool_)
    if samples_BHW.dtype.kind == "f":
        valid &= ~np.isnan(samples_BHW)
    if nodata is not None and not np.isnan(nodata):
        valid &= samples_BHW != samples_BHW.dtype.type(nodata)
    return valid


def clear(samples_BHW: NDArray[Any], declaration: Declaration) -> NDArray[np.bool_]:
    """Samples [B, H, W] that are there and show the ground as far as blue light tells: clouds are bright in it, and so
    is snow. Sensors without a blue band of reflectance have no such test."""
    valid = measured(samples_BHW, declaration.nodata)
    band = blue_band(declaration.bands)
    profile = declaration.profile
    if band is None or not 0.5 <= profile.peak * profile.scale <= 2:
        return valid
    reflectance = samples_BHW[band].astype(np.float32) * np.float32(declaration.scale) + np.float32(declaration.offset)
    clouds = _grown(_wide(valid[band] & (reflectance > BRIGHTEST)))
    return valid & ~clouds


def _wide(mask_HW: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without what has few bright neighbours: roofs are small, clouds are not."""
    return mask_HW & (sum(plane.astype(np.uint8) for plane in _shifted(mask_HW, 1)) >= LEAST_BRIGHT)


def _grown(mask_HW: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.logical_or.reduce(_shifted(mask_HW, REACH))


def _shifted(mask_HW: NDArray[np.bool_], reach: int) -> list[NDArray[np.bool_]]:
    """The mask moved by up to `reach` samples each way; beyond the border false."""
    rows, columns = mask_HW.shape
    padded = np.pad(mask_HW, reach)
    span = range(2 * reach + 1)
    return [padded[row : row + rows, column : column + columns] for row in span for column in span]
