"""What covers a pixel, by rules on reflectance: coarse, but it needs no map. Suffixes: B bands, H rows, W columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.data.grid import Band

COVERS = ("other", "water", "vegetation", "bright")
BLUE, RED, NEAR_INFRARED = 0.49, 0.665, 0.84
# Micrometres from those at which a band may still stand for them.
REACH = 0.06
GREEN_NDVI, DARK_NIR, BRIGHT_BLUE = 0.45, 1_200.0, 1_750.0


def nearest(bands: Sequence[Band], wavelength: float) -> int | None:
    """Number of the band nearest to a wavelength, None where none is near; the narrower one is no better."""
    known = [
        (abs(band.wavelength - wavelength), number)
        for number, band in enumerate(bands)
        if band.wavelength is not None and abs(band.wavelength - wavelength) <= REACH and not band.is_categorical
    ]
    return min(known)[1] if known else None


def cover(samples_BHW: NDArray[np.floating], bands: Sequence[Band]) -> NDArray[np.uint8]:
    """Numbers of COVERS [H, W]; *other* everywhere where red or near infrared is missing. Reflectance: DN / 10,000."""
    found = np.zeros(samples_BHW.shape[1:], np.uint8)
    red, near, blue = (nearest(bands, wavelength) for wavelength in (RED, NEAR_INFRARED, BLUE))
    if red is None or near is None:
        return found
    dark, light = samples_BHW[red], samples_BHW[near]
    found[light - dark > GREEN_NDVI * (light + dark)] = COVERS.index("vegetation")
    found[(light < DARK_NIR) & (light < dark * 1.1)] = COVERS.index("water")
    if blue is not None:
        found[samples_BHW[blue] > BRIGHT_BLUE] = COVERS.index("bright")
    return found
