"""Separable resampling of planes [planes, rows, columns]: box mean down, bicubic (a = -0.5) up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.float64]


def _box_matrix(source: int, target: int) -> Planes:
    edges = np.linspace(0, source, target + 1)
    low, high = edges[:-1, None], edges[1:, None]
    index = np.arange(source)[None, :]
    overlap = np.clip(np.minimum(high, index + 1) - np.maximum(low, index), 0, None)
    return overlap / overlap.sum(axis=1, keepdims=True)


def _cubic(distance: Planes) -> Planes:
    d = np.abs(distance)
    near = 1.5 * d**3 - 2.5 * d**2 + 1
    far = -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
    return np.where(d < 1, near, np.where(d < 2, far, 0.0))


def _bicubic_matrix(source: int, target: int) -> Planes:
    centres = (np.arange(target) + 0.5) * source / target - 0.5
    weights = _cubic(centres[:, None] - np.arange(source)[None, :])
    return weights / weights.sum(axis=1, keepdims=True)


def down(planes: Planes, factor: int) -> Planes:
    """Box means on a grid `factor` times coarser (sizes rounded, at least 1)."""
    if factor == 1:
        return planes
    rows, columns = (max(1, round(size / factor)) for size in planes.shape[1:])
    vertical, horizontal = _box_matrix(planes.shape[1], rows), _box_matrix(planes.shape[2], columns)
    return np.einsum("yr,prc,xc->pyx", vertical, planes, horizontal, optimize=True)


def up(planes: Planes, rows: int, columns: int) -> Planes:
    """Bicubic interpolation to rows x columns; the same size passes through."""
    if planes.shape[1:] == (rows, columns):
        return planes
    vertical, horizontal = _bicubic_matrix(planes.shape[1], rows), _bicubic_matrix(planes.shape[2], columns)
    return np.einsum("yr,prc,xc->pyx", vertical, planes, horizontal, optimize=True)
