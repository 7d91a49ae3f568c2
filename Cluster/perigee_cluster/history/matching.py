"""Dates of one sensor on the bands and the grid of another: Landsat-8 serves Sentinel-2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.data.grid import Band, Grid
from perigee_cluster.history.frame import HistoryFrame

NEAR_WAVELENGTH = 0.025
"""Micrometres between the centres of bands that stand for each other; half the width of the broader one where more."""


def band_numbers(wanted: Sequence[Band], given: Sequence[Band]) -> list[int | None]:
    """For each band that is wanted the number of the one that stands for it: the nearest in wavelength, of several near
    ones that of the most similar width; by name where a wavelength is not known; None where none is near."""
    return [_band_number(band, given) for band in wanted]


def _band_number(band: Band, given: Sequence[Band]) -> int | None:
    distances: list[tuple[float, int]] = []
    for number, other in enumerate(given):
        if band.is_categorical or other.is_categorical:
            continue
        if band.wavelength is None or other.wavelength is None:
            if band.name == other.name:
                return number
            continue
        distance = abs(band.wavelength - other.wavelength)
        if distance <= max(NEAR_WAVELENGTH, max(band.width or 0, other.width or 0) / 2):
            distances.append((distance + abs((band.width or 0) - (other.width or 0)) / 2, number))
    return min(distances)[1] if distances else None


def serve_as(
    frame: HistoryFrame, bands: Sequence[Band], grid: Grid, scale: float = 1.0, offset: float = 0.0
) -> HistoryFrame | None:
    """The frame with other bands, in other units and on another grid; None where no band stands for another, or the
    grids are of different CRSs. Samples of a coarser grid are interpolated, those of a finer one averaged."""
    if frame.grid is None or frame.grid.crs != grid.crs or not (frame.grid.is_north_up and grid.is_north_up):
        return None
    numbers = band_numbers(bands, frame.bands)
    if all(number is None for number in numbers):
        return None
    shape = (len(bands), grid.rows, grid.columns)
    samples, valid = np.zeros(shape, np.float32), np.zeros(shape, np.bool_)
    for band, number in enumerate(numbers):
        if number is None:
            continue
        plane, mask = _resampled(frame.samples[number], frame.valid[number], frame.grid, grid)
        # physical values are the same: DN x scale + offset
        samples[band] = np.where(mask, (plane * frame.scale + (frame.offset - offset)) / scale, 0)
        valid[band] = mask
    return replace(
        frame, samples=samples, valid=valid, bands=tuple(bands), grid=grid, scale=scale, offset=offset
    )  # fmt: skip


def _resampled(
    plane: NDArray[np.float32], mask: NDArray[np.bool_], source: Grid, target: Grid
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    factor = max(1, round(target.transform[0] / source.transform[0]))
    weights = mask.astype(np.float64)
    values = np.where(mask, plane, 0).astype(np.float64)
    if factor > 1:
        values, weights = _averaged(values, factor), _averaged(weights, factor)
    rows = _positions(target.rows, target.transform[4], target.transform[5], source.transform[4], source.transform[5])
    columns = _positions(
        target.columns, target.transform[0], target.transform[2], source.transform[0], source.transform[2]
    )
    total, weight = (_interpolated(array, rows, columns) for array in (values, weights))
    known = weight >= 0.5
    return np.where(known, total / np.where(known, weight, 1), 0), known


def _positions(count: int, step: float, start: float, its_step: float, its_start: float) -> NDArray[np.float64]:
    """Centres of the target's samples in samples of the source, whose first centre is 0."""
    return (start + (np.arange(count) + 0.5) * step - its_start) / its_step - 0.5


def _averaged(plane: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """Each sample as the mean of the `factor` x `factor` around it (an even factor leans half a sample to the
    north-west); beyond the border nothing."""
    before = factor // 2
    sums = np.pad(plane, ((before + 1, factor - 1 - before), (before + 1, factor - 1 - before))).cumsum(0).cumsum(1)
    return (sums[factor:, factor:] - sums[:-factor, factor:] - sums[factor:, :-factor] + sums[:-factor, :-factor]) / (
        factor * factor
    )


def _interpolated(
    plane: NDArray[np.float64], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Bilinear; beyond the border nothing."""
    padded = np.pad(plane, 1)
    (top, down), (left, right) = (
        _ends(places, size) for places, size in zip((rows, columns), plane.shape, strict=True)
    )
    first, second = padded[top], padded[top + 1]
    lines = first * (1 - down)[:, None] + second * down[:, None]
    return lines[:, left] * (1 - right) + lines[:, left + 1] * right


def _ends(places: NDArray[np.float64], size: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Index of the sample before each place in the padded plane, and how far behind it the place lies."""
    inside = np.clip(places + 1, 0, size + 1)
    first = np.minimum(np.floor(inside).astype(np.int64), size)
    return first, inside - first
