"""A frame of sixteen tiles: the four seasons of one place, a quarter each, every one continued by reflection.

Reflection joins without a step. Seasons meet at a mirror line too, at the same ground on both sides. Mirror lines
stand far from tile borders, so that a border is looked at in the midst of a frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.data.frames import data_folder, read_frame
from seams.strips import Line

TILE = 512
SIZE = 4 * TILE
FRAME_SIZE = 264
SEASONS = 4
# Where in the reflected frame a mosaic begins. Each puts mirror lines away from tile borders and mirror images of
# borders away from all borders; together they put borders at twelve places of the frame, from sample 48 to 215.
PHASES = (96, 160, 360, 424)


def line(phase: int) -> Line:
    """Both axes of a mosaic."""
    return Line(
        size=SIZE,
        borders=tuple(range(TILE, SIZE, TILE)),
        mirrors=tuple(range(-phase % FRAME_SIZE, SIZE, FRAME_SIZE)),
        join=4 * FRAME_SIZE + -phase % FRAME_SIZE,
    )


@dataclass(frozen=True)
class Mosaic:
    """Samples [bands, rows, columns] of one place and the names of the bands."""

    place: str
    phase: int
    samples: NDArray[np.uint16]
    bands: tuple[str, ...]


def reflected(positions: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Where in 0 ..< size a position falls when the line is folded at 0, size, 2 size and so on."""
    folded = positions % (2 * size)
    return np.where(folded < size, folded, 2 * size - 1 - folded)


def mosaic(place: str, phase: int) -> Mosaic:
    """The mosaic of the place's four seasons: two above, two below."""
    indices = reflected(np.arange(SIZE) + phase, FRAME_SIZE)
    join = line(phase).join
    halves = (slice(0, join), slice(join, SIZE))
    samples = np.zeros(0, np.uint16)
    bands: tuple[str, ...] = ()
    for season in range(SEASONS):
        frame = read_frame(data_folder() / "terracodec-ssl4eos12" / f"ssl4eos12-{place}_s{season}.tif")
        if frame.samples.shape[1:] != (FRAME_SIZE, FRAME_SIZE):
            raise ValueError(f"{frame.path.name} is {frame.samples.shape[1:]}, not {FRAME_SIZE} x {FRAME_SIZE}")
        if season == 0:
            samples, bands = np.empty((len(frame.bands), SIZE, SIZE), np.uint16), frame.bands
        rows, columns = halves[season // 2], halves[season % 2]
        samples[:, rows, columns] = frame.samples[:, indices[rows, None], indices[None, columns]]
    return Mosaic(place, phase, samples, bands)
