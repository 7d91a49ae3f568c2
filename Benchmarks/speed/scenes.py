"""What is timed: single frames of real places, and a mosaic large enough to have several tiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.data.frames import data_folder, read_frame

PLACES = {"validation": ("0121563",), "test": ("0173706", "0193833")}
SEASONS = 4
MOSAIC_ROW = 4


@dataclass(frozen=True)
class Scene:
    """Samples [bands, rows, columns] under a name for the report."""

    name: str
    samples: NDArray[np.uint16]
    bands: tuple[str, ...]

    @property
    def megapixels(self) -> float:
        """Ground pixels, all bands of one counted once, in millions."""
        return self.samples.shape[1] * self.samples.shape[2] / 1e6


def scenes(role: str) -> list[Scene]:
    """One frame of each place of the role, then a mosaic of 4 x 4 of their frames."""
    singles: list[Scene] = []
    frames: list[NDArray[np.uint16]] = []
    bands: tuple[str, ...] = ()
    for place in PLACES[role]:
        for season in range(SEASONS):
            frame = read_frame(data_folder() / "terracodec-ssl4eos12" / f"ssl4eos12-{place}_s{season}.tif")
            samples = frame.samples.astype(np.uint16, copy=False)
            bands = frame.bands
            if season == 1:
                singles.append(Scene(f"{place}_s{season}", samples, bands))
            frames.append(samples)
    grid = [
        [frames[(row * MOSAIC_ROW + column) % len(frames)] for column in range(MOSAIC_ROW)] for row in range(MOSAIC_ROW)
    ]
    return [*singles, Scene("mosaic", np.ascontiguousarray(np.block(grid)), bands)]
