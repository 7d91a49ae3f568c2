"""Where the coefficients of a frame lie, and over which pixels (Docs/packet-format.md, 5.2 and 5.4).

Coefficients are handled flat, row by row of the Mallat layout: N = rows x columns. Level 1 is the finest, the low band
has the number after the last level.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

LEVEL_LIMIT = 9
TILE = 512
# Neighbouring blocks of this many to a side take turns in what is fitted and what is judged.
FOLDS_A_SIDE = 8


def ladder(rows: int, columns: int) -> list[tuple[int, int]]:
    """Rows and columns of the low band after 0, 1, 2 ... levels."""
    sizes = [(rows, columns)]
    while max(sizes[-1]) > 1 and len(sizes) <= LEVEL_LIMIT:
        height, width = sizes[-1]
        sizes.append(((height + 1) // 2, (width + 1) // 2))
    return sizes


@dataclass(frozen=True, eq=False)
class Layout:
    """The coefficients of one plane."""

    rows: int
    columns: int
    level_N: NDArray[np.int8]
    count_L: NDArray[np.int64]
    """How many coefficients each level has; index 0 is empty."""
    fold_N: NDArray[np.int8]
    """0 or 1 for blocks that take turns; 2 for the low band, which belongs to both."""

    @property
    def levels(self) -> int:
        """Length of arrays by level: levels, low band, and the empty index 0."""
        return len(self.count_L)

    @property
    def low(self) -> int:
        """Number of the low band."""
        return len(self.count_L) - 1

    def rectangles(self) -> list[tuple[int, slice, slice]]:
        """Level, rows and columns of each sub-band that is not empty, coarse to fine."""
        sizes = ladder(self.rows, self.columns)
        height, width = sizes[-1]
        found = [(self.low, slice(0, height), slice(0, width))]
        for level in range(len(sizes) - 1, 0, -1):
            (above_h, above_w), (h, w) = sizes[level - 1], sizes[level]
            for rows, columns in (
                (slice(0, h), slice(w, above_w)),
                (slice(h, above_h), slice(0, w)),
                (slice(h, above_h), slice(w, above_w)),
            ):
                if rows.start < rows.stop and columns.start < columns.stop:
                    found.append((level, rows, columns))
        return found

    def cells(self, side: int) -> tuple[NDArray[np.int32], tuple[int, int]]:
        """Of each coefficient the number of the cell of `side` x `side` pixels that it begins in, and how many rows and
        columns of cells there are."""
        return self._blocks(side, -(-self.rows // side), -(-self.columns // side))

    def tiles(self) -> tuple[NDArray[np.int32], tuple[int, int]]:
        """Of each coefficient the number of the tile that owns it, and how many rows and columns of tiles there are."""
        down, across = (max(1, size // TILE + (size % TILE >= TILE // 2)) for size in (self.rows, self.columns))
        return self._blocks(TILE, down, across)

    def _blocks(self, side: int, down: int, across: int) -> tuple[NDArray[np.int32], tuple[int, int]]:
        found = np.zeros((self.rows, self.columns), np.int32)
        for level, rows, columns in self.rectangles():
            shift = min(level, self.low - 1)
            i, j = (np.arange(part.stop - part.start) for part in (rows, columns))
            row = np.minimum((i << shift) // side, down - 1)
            column = np.minimum((j << shift) // side, across - 1)
            found[rows, columns] = row[:, None] * across + column
        return found.ravel(), (down, across)

    def energy(self, energy_KN: NDArray[np.float32], level: int) -> NDArray[np.float32]:
        """Energy [K, N] of the coefficients of one level as energy a pixel of each of its blocks [K, rows, columns of
        blocks of 2^level pixels]: the transform is nearly orthonormal."""
        shift = min(level, self.low - 1)
        total = np.zeros((len(energy_KN), -(-self.rows >> shift), -(-self.columns >> shift)), np.float32)
        planes = energy_KN.reshape(-1, self.rows, self.columns)
        for own, rows, columns in self.rectangles():
            if own == level:
                part = planes[:, rows, columns]
                total[:, : part.shape[1], : part.shape[2]] += part
        return total / float(1 << 2 * shift)

    def spread(self, blocks: NDArray[np.float32], level: int) -> NDArray[np.float32]:
        """Blocks of a level as pixels [K, rows, columns]."""
        side = 1 << min(level, self.low - 1)
        return blocks.repeat(side, axis=1).repeat(side, axis=2)[:, : self.rows, : self.columns]


@lru_cache(maxsize=8)
def layout(rows: int, columns: int) -> Layout:
    """The layout of frames of one size."""
    if rows < 1 or columns < 1:
        raise ValueError(f"a frame is {rows} x {columns}: give at least one row and one column")
    sizes = ladder(rows, columns)
    low = len(sizes)
    level_RC = np.zeros((rows, columns), np.int8)
    fold_RC = np.zeros((rows, columns), np.int8)
    empty = Layout(rows, columns, level_RC.ravel(), np.zeros(low + 1, np.int64), fold_RC.ravel())
    side = max(8, min(rows, columns) // FOLDS_A_SIDE)
    for level, where_rows, where_columns in empty.rectangles():
        shift = min(level, low - 1)
        i, j = (np.arange(part.stop - part.start) for part in (where_rows, where_columns))
        if 1 << shift <= side:
            i, j = (i << shift) // side, (j << shift) // side
        level_RC[where_rows, where_columns] = level
        fold_RC[where_rows, where_columns] = 2 if level == low else (i[:, None] + j) % 2
    count_L = np.bincount(level_RC.ravel(), minlength=low + 1)
    return Layout(rows, columns, level_RC.ravel(), count_L, fold_RC.ravel())
