"""Frames of history on the bands and the grid of what is asked for."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.history.frame import Band, Grid, HistoryFrame
from perigee_cluster.reconstruction.values import Request

log = logging.getLogger(__name__)

# Micrometres between the centres of bands that stand for each other; of broad ones half their width.
NEAR_WAVELENGTH = 0.025
# A frame with less than this share of valid samples on the ground asked for says too little.
LEAST_SHARE = 0.1


def band_numbers(wanted: Sequence[Band], given: Sequence[Band]) -> list[int | None]:
    """For each band that is wanted the number of the one that stands for it: of the same name and about the same
    wavelength, else the nearest in wavelength; None where none is near."""
    return [_one(band, given) for band in wanted]


def _one(band: Band, given: Sequence[Band]) -> int | None:
    distances: list[tuple[float, int]] = []
    for number, other in enumerate(given):
        if other.is_categorical or band.is_categorical:
            continue
        if band.wavelength is None or other.wavelength is None:
            if other.name == band.name:
                return number
            continue
        distance = abs(band.wavelength - other.wavelength)
        reach = max(NEAR_WAVELENGTH, min(band.width or 0, other.width or 0) / 2)
        if distance <= reach:
            # of several in reach the one of the same width, so that B8A is not taken for B08
            apart = abs((band.width or 0) - (other.width or 0)) / 2
            distances.append((distance + apart - 1e-6 * (other.name == band.name), number))
    return min(distances)[1] if distances else None


def offset(wanted: Grid | None, given: Grid | None, shapes_equal: bool) -> tuple[int, int] | None:
    """Rows and columns at which a grid begins in another one; None where they do not share pixels."""
    if wanted is None or given is None:
        return (0, 0) if shapes_equal else None
    if wanted.crs != given.crs:
        return None
    a, b, c, d, e, f = wanted.transform
    if not np.allclose((a, b, d, e), np.array(given.transform)[[0, 1, 3, 4]], rtol=1e-6, atol=1e-9):
        return None
    column, row = np.linalg.solve([[a, b], [d, e]], [given.transform[2] - c, given.transform[5] - f])
    if max(abs(row - round(row)), abs(column - round(column))) > 0.02:
        return None
    return round(row), round(column)


def matched(request: Request) -> tuple[list[HistoryFrame], list[NDArray[np.float32]], list[NDArray[np.bool_]]]:
    """The frames that can serve, their samples [B, H, W] on the bands and grid of the request, and which are valid.

    Frames of grade *drawn* never serve.
    """
    frames, samples, masks = [], [], []
    for frame in request.history:
        if frame.grade != "measured":
            log.debug("history of grade %s left out: frame=%s", frame.grade, frame.id)
            continue
        placed = _placed(request, frame)
        if placed is None or placed[1].mean() < LEAST_SHARE:
            log.debug("history that does not cover the request left out: frame=%s", frame.id)
            continue
        frames.append(frame)
        samples.append(placed[0])
        masks.append(placed[1])
    return frames, samples, masks


def _placed(request: Request, frame: HistoryFrame) -> tuple[NDArray[np.float32], NDArray[np.bool_]] | None:
    bands, rows, columns = request.size
    start = offset(request.grid, frame.grid, frame.samples.shape[1:] == (rows, columns))
    if start is None:
        return None
    numbers = band_numbers(request.bands, frame.bands)
    made = np.zeros((bands, rows, columns), np.float32)
    valid = np.zeros((bands, rows, columns), np.bool_)
    mine, its = [], []
    for begin, size, length in zip(start, (rows, columns), frame.samples.shape[1:], strict=True):
        first, last = max(begin, 0), min(begin + length, size)
        if first >= last:
            return None
        mine.append(slice(first, last))
        its.append(slice(first - begin, last - begin))
    for band, number in enumerate(numbers):
        if number is not None:
            made[(band, *mine)] = frame.samples[(number, *its)]
            valid[(band, *mine)] = frame.valid[(number, *its)]
    return made, valid


def filled(
    samples: Sequence[NDArray[np.float32]],
    masks: Sequence[NDArray[np.bool_]],
    otherwise_BHW: NDArray[np.float32] | None,
) -> NDArray[np.float32]:
    """All frames [K, B, H, W] with something in place of what is not valid: the mean of the frames that have it there,
    moved to the level of the frame; where none has it, `otherwise_BHW` or the mean of the frame's band."""
    stack, valid = np.stack(samples), np.stack(masks)
    if valid.all():
        return stack
    count = valid.sum(axis=0)
    mean = np.where(valid, stack, 0).sum(axis=0) / np.maximum(count, 1)
    for one, mask in zip(stack, valid, strict=True):
        for band in range(len(one)):
            holes = ~mask[band]
            if not holes.any():
                continue
            known, both = count[band] > 0, mask[band] & (count[band] > 1)
            level = float((one[band][both] - mean[band][both]).mean()) if both.any() else 0.0
            rest = otherwise_BHW[band] if otherwise_BHW is not None else _mean(one[band], mask[band], mean[band], known)
            one[band] = np.where(mask[band], one[band], np.where(known, mean[band] + level, rest))
    return stack


def _mean(plane: NDArray, mask: NDArray, mean: NDArray, known: NDArray) -> float:
    if mask.any():
        return float(plane[mask].mean())
    return float(mean[known].mean()) if known.any() else 0.0
