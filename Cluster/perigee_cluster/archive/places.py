"""Places: cells of a fixed grid over the ground, or names that a sender gave."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass

from perigee_cluster.data.grid import Grid

CELL = 2_560
"""Units of the CRS, metres for UTM."""
LEAST_SIDE = 64
"""Samples: cells of coarser sensors double until they have as many."""
CELL_LIMIT = 1 << 16
_CELL_ID = re.compile(r"(\d{4,5})_(\d{4,9})_(-?\d{1,9})_(-?\d{1,9})")
_NAME_ID = re.compile(r"named_[0-9a-f]{24}")


class PlacelessError(ValueError):
    """A frame that no place can be told of."""


@dataclass(frozen=True, order=True)
class Cell:
    """The square from (column size, row size) to (column size + size, row size + size) of a CRS."""

    epsg: int
    size: int
    column: int
    row: int

    @property
    def id(self) -> str:
        """EPSG_SIZE_COLUMN_ROW; nothing of it comes from a sender."""
        return f"{self.epsg}_{self.size}_{self.column}_{self.row}"

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1."""
        x, y = self.column * self.size, self.row * self.size
        return x, y, x + self.size, y + self.size

    @classmethod
    def parse(cls, place: str) -> Cell | None:
        """The cell of an id; None of a name's."""
        found = _CELL_ID.fullmatch(place)
        return cls(*map(int, found.groups())) if found else None


def is_place_id(text: str) -> bool:
    """Whether `text` is the id of a place; no other text becomes part of a path."""
    return Cell.parse(text) is not None or _NAME_ID.fullmatch(text) is not None


def name_id(station: str, name: str) -> str:
    """The id of a name that a station's sources gave: what it means only they know, so it is the station's own."""
    return "named_" + hashlib.sha256(f"{station}\0{name}".encode()).hexdigest()[:24]


def cell_size(pixel: float) -> int:
    """Side of the cells of a sensor with pixels of `pixel` units."""
    if not CELL / (1 << 16) <= pixel <= CELL:
        raise PlacelessError(
            f"pixel is {pixel:g} units of the CRS, cells need {CELL / (1 << 16):g} to {CELL}: name the place"
        )
    size = CELL
    while size < LEAST_SIDE * pixel:
        size *= 2
    return size


def cells(grid: Grid, size: int | None = None) -> list[Cell]:
    """Cells that a frame touches, those of its sensor or of side `size`, by row and column."""
    if not grid.is_north_up:
        raise PlacelessError(
            f"grid is {grid.transform}, places need square north-up pixels: resample, or name the place"
        )
    size = size or cell_size(grid.transform[0])
    epsg = int(grid.crs.removeprefix("EPSG:"))
    x0, y0, x1, y1 = grid.bounds
    columns = range(math.floor(x0 / size), math.ceil(x1 / size))
    rows = range(math.floor(y0 / size), math.ceil(y1 / size))
    if len(columns) * len(rows) > CELL_LIMIT or max(abs(x0), abs(y0), abs(x1), abs(y1)) / size >= 1e9:
        raise PlacelessError(f"bounds are {grid.bounds}, a frame has at most {CELL_LIMIT} cells: cut it")
    return [Cell(epsg, size, column, row) for row in rows for column in columns]
