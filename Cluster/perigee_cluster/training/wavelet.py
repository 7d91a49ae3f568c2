"""The 9/7 wavelet in double precision, for statistics only: what a decoder needs is in the codec, and strict there.

Planes are [planes, rows, columns]. Levels count from 1, the finest; the low band is 1 x 1.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.float64]

LIFTING = (-1.586134342059924, -0.052980118572961, 0.882911075530934, 0.443506852043971)
LOW_GAIN = 2**0.5 / 1.230174104914001


def _neighbours(values: Planes, count: int, *, ahead: bool) -> Planes:
    """values[i] + values[i + 1] (ahead) or values[i - 1] + values[i], for i below `count`, edges repeated."""
    index = np.arange(count)
    other = index + 1 if ahead else index - 1
    last = values.shape[-1] - 1
    return values[..., np.clip(index, 0, last)] + values[..., np.clip(other, 0, last)]


def _analyse(values: Planes) -> tuple[Planes, Planes]:
    """One level along the last axis: low and high band of nearly orthonormal scale."""
    if values.shape[-1] == 1:
        return values, values[..., :0]
    even, odd = values[..., 0::2].copy(), values[..., 1::2].copy()
    for step, factor in enumerate(LIFTING):
        if step % 2 == 0:
            odd += factor * _neighbours(even, odd.shape[-1], ahead=True)
        else:
            even += factor * _neighbours(odd, even.shape[-1], ahead=False)
    return even * LOW_GAIN, odd / LOW_GAIN


def subbands(planes: Planes) -> Iterator[tuple[int, Planes]]:
    """Yields (level, coefficients) of every sub-band that is not empty, finest first; at last (0, low band)."""
    low, level = planes, 0
    while max(low.shape[-2:]) > 1:
        level += 1
        left, right = _analyse(low)
        bands = [part for half in (left, right) for part in _analyse(half.swapaxes(-1, -2))]
        low, *details = (band.swapaxes(-1, -2) for band in bands)
        for detail in details:
            if detail.size:
                yield level, detail
    yield 0, low
