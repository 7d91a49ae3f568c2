"""Lattices of pixels: frames of one sensor share one, and cells of places cut pieces out of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from perigee_cluster.archive.places import Cell, PlacelessError
from perigee_cluster.data.grid import Grid

PARTS = 1_000
"""Origins are rounded to a thousandth of a pixel."""


@dataclass(frozen=True)
class Window:
    """Rows and columns of a lattice, half-open; columns grow to the east, rows to the south."""

    row: int
    column: int
    rows: int
    columns: int

    def meet(self, other: Window) -> Window:
        """What both cover; no rows or columns where they do not touch."""
        row, column = max(self.row, other.row), max(self.column, other.column)
        end = min(self.row + self.rows, other.row + other.rows)
        right = min(self.column + self.columns, other.column + other.columns)
        return Window(row, column, max(end - row, 0), max(right - column, 0))

    def within(self, outer: Window) -> tuple[slice, slice]:
        """Where this window lies in an array that covers `outer`."""
        row, column = self.row - outer.row, self.column - outer.column
        return slice(row, row + self.rows), slice(column, column + self.columns)

    @property
    def is_empty(self) -> bool:
        """Whether it has no sample."""
        return self.rows <= 0 or self.columns <= 0


@dataclass(frozen=True)
class Lattice:
    """Square north-up pixels of a CRS; the phases are thousandths of a pixel from the CRS' origin to the lattice."""

    crs: str
    pixel: float
    phase_x: int
    phase_y: int

    @classmethod
    def of(cls, grid: Grid) -> tuple[Lattice, Window]:
        """The lattice of a frame, and the frame's window of it."""
        if not grid.is_north_up:
            raise PlacelessError(
                f"grid is {grid.transform}, history needs square north-up pixels: resample, or name the place"
            )
        pixel, _, c, _, _, f = grid.transform
        column, phase_x = divmod(round(c / pixel * PARTS), PARTS)
        row, phase_y = divmod(round(-f / pixel * PARTS), PARTS)
        return cls(grid.crs, pixel, phase_x, phase_y), Window(row, column, grid.rows, grid.columns)

    def window(self, cell: Cell) -> Window:
        """Samples whose centres lie in a cell."""
        x0, y0, x1, y1 = cell.bounds
        column, right = (math.ceil(x / self.pixel - self.phase_x / PARTS - 0.5) for x in (x0, x1))
        row, end = (math.ceil(-y / self.pixel - self.phase_y / PARTS - 0.5) for y in (y1, y0))
        return Window(row, column, end - row, right - column)

    def grid(self, window: Window) -> Grid:
        """A window as the grid of a frame."""
        c = (window.column + self.phase_x / PARTS) * self.pixel
        f = -(window.row + self.phase_y / PARTS) * self.pixel
        return Grid(self.crs, (self.pixel, 0.0, c, 0.0, -self.pixel, f), window.rows, window.columns)
