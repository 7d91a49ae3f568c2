"""Peers: each band by itself, as these formats see it, or the samples as octets."""

from __future__ import annotations

import imagecodecs
import numpy as np
from numpy.typing import NDArray

JPEG_XL_EFFORT = 7
ZSTD_LEVEL = 19


def _planes(samples_BHW: NDArray[np.generic]) -> list[NDArray[np.generic]]:
    """Bands as these formats take them: signed ones are moved, which loses nothing."""
    if samples_BHW.dtype == np.int16:
        samples_BHW = (samples_BHW.astype(np.int32) + 32_768).astype(np.uint16)
    return [np.ascontiguousarray(plane) for plane in samples_BHW]


def jpeg_xl(samples_BHW: NDArray[np.generic]) -> int:
    """Octets of JPEG XL, lossless, one file a band."""
    files = (imagecodecs.jpegxl_encode(p, lossless=True, effort=JPEG_XL_EFFORT) for p in _planes(samples_BHW))
    return sum(len(file) for file in files)


def jpeg_ls(samples_BHW: NDArray[np.generic], bound: int = 0) -> int:
    """Octets of JPEG-LS, one file a band, no sample wrong by more than `bound`."""
    return sum(len(imagecodecs.jpegls_encode(plane, level=bound)) for plane in _planes(samples_BHW))


def zstd(samples_BHW: NDArray[np.generic]) -> int:
    """Octets of zstd on the samples as they lie in memory."""
    return len(imagecodecs.zstd_encode(np.ascontiguousarray(samples_BHW).tobytes(), level=ZSTD_LEVEL))
