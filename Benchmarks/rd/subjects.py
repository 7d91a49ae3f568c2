"""What is measured: frames of named sets, what sensor saw them, and who codes them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.data.frames import RasterFrame, data_folder, read_frame
from rd.folds import FOLDER, PLACES, place_of

RATIOS = (100, 300, 1000, 3000, 10000)
PEAK = 10000.0
SEASONS = 4


@dataclass(frozen=True)
class Subject:
    """One frame: its set (a table of the report), place, file, sensor profile, and bands for NDVI.

    `fold` says that the codec is a bundle fitted without the place; else it is the shipped one.
    """

    set_name: str
    place: str
    file: str
    sensor: str
    red: str
    near_infrared: str
    fold: bool = False

    @property
    def path(self) -> Path:
        """The GeoTIFF."""
        return data_folder() / self.file

    @property
    def name(self) -> str:
        """Place and date, unique in all sets."""
        return self.path.stem

    @cached_property
    def frame(self) -> RasterFrame:
        """The samples as they are on disk."""
        return read_frame(self.path)

    @property
    def samples(self) -> NDArray[np.generic]:
        """[bands, rows, columns]."""
        return self.frame.samples

    def budget(self, ratio: int) -> int:
        """Octets at a ratio; raw counts what a sample takes in the file."""
        return self.samples.nbytes // ratio


def fold_subjects(places: tuple[str, ...] = PLACES) -> list[Subject]:
    """The terracodec places, four seasons each, every place by a bundle that has not seen it."""
    return [
        Subject("folds", place, f"{FOLDER}/ssl4eos12-{place}_s{season}.tif", "sentinel-2-l2a", "B04", "B08", fold=True)
        for place in places
        for season in range(SEASONS)
    ]


def is_seen(subject: Subject, trained: list[str]) -> bool:
    """Whether a bundle fitted on the files `trained` has seen the place of `subject`."""
    return place_of(subject.file) in {place_of(file) for file in trained}
