"""Frames by scale: differences of ever coarser means, each on its own grid, that sum up to the frame again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.float32]

SCALES = 7


def _halved(planes: Planes, axis: int) -> Planes:
    size = planes.shape[axis]
    if size == 1:
        return planes
    if size % 2:
        planes = np.concatenate([planes, planes.take([-1], axis)], axis)
    first, second = (planes.take(np.arange(start, planes.shape[axis], 2), axis) for start in (0, 1))
    return (first + second) / 2


def _doubled(planes: Planes, axis: int, size: int) -> Planes:
    """Linear between the centres of what was halved."""
    count = planes.shape[axis]
    if size == count:
        return planes
    number = np.arange(size)
    own, other = number // 2, np.clip(number // 2 + np.where(number % 2, 1, -1), 0, count - 1)
    return 0.75 * planes.take(own, axis) + 0.25 * planes.take(other, axis)


def split(planes: Planes) -> list[Planes]:
    """[planes, rows, columns] by scale, the finest first; the last one is what remains."""
    parts = []
    for _ in range(SCALES - 1):
        coarse = _halved(_halved(planes, 1), 2)
        parts.append(planes - _doubled(_doubled(coarse, 1, planes.shape[1]), 2, planes.shape[2]))
        planes = coarse
    return [*parts, planes]


def join(parts: Sequence[Planes]) -> Planes:
    """What `split` took apart."""
    planes = parts[-1]
    for part in reversed(parts[:-1]):
        planes = part + _doubled(_doubled(planes, 1, part.shape[1]), 2, part.shape[2])
    return planes
