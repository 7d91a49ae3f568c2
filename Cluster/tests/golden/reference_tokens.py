"""The token stream of one tile, written from Docs/packet-format.md sections 5.4 and 5.8 alone. Plain and slow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from reference_coder import Decoder, OutOfOctets
from reference_contexts import HH, HL, LH, LL, Contexts, Plane, Subband, Tables, kappa
from reference_transform import sides

THRESHOLDS = {2: 14417, 3: 4587, 4: 1310, 6: 0}
IDLE = 8
OWN = [(0, 1, 16), (0, -1, 16), (1, 0, 16), (-1, 0, 16)]
OWN += [(y, x, 6) for y in (-1, 1) for x in (-1, 1)]
OWN += [(0, 2, 3), (0, -2, 3), (2, 0, 3), (-2, 0, 3)]
OWN += [(y, x, 1) for y in (-1, 1) for x in (-2, 2)] + [(y, x, 1) for y in (-2, 2) for x in (-1, 1)]
BEFORE = [(0, 0, 16), (0, 1, 4), (0, -1, 4), (1, 0, 4), (-1, 0, 4)]
PARENT = {(0, 0): 6, (0, 1): 2, (0, -1): 2, (1, 0): 2, (-1, 0): 2, (1, 1): 1, (1, -1): 1, (-1, 1): 1, (-1, -1): 1}
PENDING, VISITED, FRESH, SIGNIFICANT, REFINED = range(5)


def tile_edges(count: int, samples: int, tile: int, level: int, length: int) -> tuple[int, int]:
    """Indices that a tile owns along one axis of a sub-band of `length`."""
    begin = min((512 * tile) >> level, length)
    end = length if tile == count - 1 else min((512 * (tile + 1)) >> level, length)
    return begin, end


def tile_count(samples: int) -> int:
    """Tiles along one axis."""
    return max(1, samples // 512 + (1 if samples % 512 >= 256 else 0))


def tile_subbands(rows: int, columns: int, tile: int) -> list[Subband]:
    """The sub-bands of a tile, in order."""
    down, across = tile_count(rows), tile_count(columns)
    ladder = sides(rows, columns)
    levels = len(ladder) - 1
    result = []

    def part(level: int, orientation: int, height: int, width: int, row: int, column: int) -> None:
        y0, y1 = tile_edges(down, rows, tile // across, level, height)
        x0, x1 = tile_edges(across, columns, tile % across, level, width)
        result.append(Subband(level, orientation, max(0, y1 - y0), max(0, x1 - x0), row + y0, column + x0))

    h, w = ladder[levels]
    part(levels, LL, h, w, 0, 0)
    for level in range(levels, 0, -1):
        (height, width), (h, w) = ladder[level - 1], ladder[level]
        part(level, HL, h, width - w, 0, w)
        part(level, LH, height - h, w, h, 0)
        part(level, HH, height - h, width - w, h, w)
    return result


class TileDecoder:
    """Section 5.8, with the energies of section 5.7."""

    def __init__(self, decoder: Decoder, tables: Tables, components: int, subbands: list[Subband], levels: int) -> None:
        self.decoder, self.tables, self.levels = decoder, tables, levels
        self.subbands = subbands
        self.grid = [[Plane(band, c, b, 3 * levels - b) for b, band in enumerate(subbands)] for c in range(components)]
        self.contexts = Contexts(tables, self.grid)
        self.k = 24

    def run(self) -> None:
        """All passes until the octets end."""
        try:
            for self.k in range(24, -1, -1):
                self.contexts.k = self.k
                self.start_plane()
                for number in range(1, 7):
                    for b in range(len(self.subbands)):
                        for column in self.grid:
                            self.run_pass(number, column[b])
        except OutOfOctets:
            pass

    def run_pass(self, number: int, plane: Plane) -> None:
        """One pass over one component of one sub-band."""
        if number == 1:
            if not plane.is_open and plane.band.rows * plane.band.columns:
                plane.is_open = bool(self.decoder.mixed(*self.contexts.flags(plane)))
                plane.first = self.k + 1 if plane.is_open else 0
        elif plane.is_open:
            if number == 5:
                self.refine(plane)
            else:
                self.significance(plane, number)

    def start_plane(self) -> None:
        """Magnitudes as they show in this plane, and the energies that follow."""
        for column in self.grid:
            for plane in column:
                plane.energy = [0] * len(plane.energy)
                for i, value in enumerate(plane.values):
                    plane.state[i] = SIGNIFICANT if value else PENDING
                    plane.shown[i] = min(255, 8 * (value >> (self.k + 1)) + 4) if value else 0
        for c, column in enumerate(self.grid):
            for b, plane in enumerate(column):
                if any(plane.values):
                    for y, x in plane.places():
                        if plane.shown[plane.at(y, x)]:
                            self.spread(c, b, y, x, plane.shown[plane.at(y, x)])

    def add(self, c: int, b: int, y: int, x: int, amount: int) -> None:
        """Adds to the energy of a coefficient, if there is one."""
        if 0 <= c < len(self.grid):
            plane = self.grid[c][b]
            if 0 <= y < plane.band.rows and 0 <= x < plane.band.columns:
                plane.energy[plane.at(y, x)] += amount

    def spread(self, c: int, b: int, y: int, x: int, shown: int) -> None:
        """Section 5.7's energy, turned round: who has this coefficient among those it sums over."""
        band = self.subbands[b]
        for dy, dx, weight in OWN:
            self.add(c, b, y + dy, x + dx, weight * shown)
        for dy, dx, weight in BEFORE:
            self.add(c + 1, b, y + dy, x + dx, weight * shown)
        self.add(c - 1, b, y, x, 8 * shown)
        self.add(c - 2, b, y, x, 6 * shown)
        self.add(c + 2, b, y, x, 6 * shown)
        if band.orientation != LL:
            first = b - band.orientation
            for sibling in range(first, first + 3):
                if sibling != b:
                    self.add(c, sibling, y, x, 5 * shown)
            if band.level > 1:
                for cy in range(2 * y - 2, 2 * y + 4):
                    for cx in range(2 * x - 2, 2 * x + 4):
                        self.add(c, b + 3, cy, cx, PARENT[y - (cy >> 1), x - (cx >> 1)] * shown)
        elif self.levels:
            for child in (1, 2, 3):
                for dy, dx in PARENT:
                    self.add(c, child, y + dy, x + dx, PARENT[dy, dx] * shown)

    def significance(self, plane: Plane, number: int) -> None:
        """One of the passes 2, 3, 4 and 6."""
        for y in range(plane.band.rows):
            x = 0
            while x < plane.band.columns:
                if number == 6 and self.is_idle_group(plane, y, x):
                    x += self.idle_group(plane, y, x)
                else:
                    self.visit(plane, y, x, number)
                    x += 1

    def visit(self, plane: Plane, y: int, x: int, number: int) -> None:
        """One coefficient in one of the significance passes."""
        i = plane.at(y, x)
        if plane.state[i] != PENDING:
            return
        if number == 6 and plane.energy[i] < IDLE:
            d = self.decoder.direct(*self.contexts.idle(plane))
        else:
            cells, index = self.contexts.significance_cell(plane, i)
            if cells[index] >> 16 < THRESHOLDS[number]:
                return
            turn = list(THRESHOLDS).index(number)
            d = self.decoder.mixed(*self.contexts.significance(plane, y, x, turn))
        if d:
            self.becomes_significant(plane, y, x)
        else:
            plane.state[i] = VISITED

    def is_idle_group(self, plane: Plane, y: int, x: int) -> bool:
        """Whether the eight coefficients from x on are decided together."""
        if x % 8 or x + 8 > plane.band.columns:
            return False
        i = plane.at(y, x)
        return all(plane.state[j] == PENDING and plane.energy[j] < IDLE for j in range(i, i + 8))

    def idle_group(self, plane: Plane, y: int, x: int) -> int:
        """Decides a group up to its first significant coefficient; returns how many that are."""
        place = 8
        if self.decoder.direct(*self.contexts.idle_group(plane)):
            node = 1
            for _ in range(3):
                node = 2 * node + self.decoder.direct(self.tables.cells["idle.place"], node)
            place = node - 8
        i = plane.at(y, x)
        plane.state[i : i + place] = [VISITED] * place
        if place == 8:
            return 8
        self.becomes_significant(plane, y, x + place)
        return place + 1

    def becomes_significant(self, plane: Plane, y: int, x: int) -> None:
        """Decodes the sign; only then the coefficient counts."""
        i = plane.at(y, x)
        plane.signs[i] = 1 if self.decoder.mixed(*self.contexts.sign(plane, i)) else -1
        plane.values[i], plane.bits[i], plane.state[i], plane.shown[i] = 1 << self.k, self.k, FRESH, 6
        plane.first = plane.first or self.k + 1
        self.spread(plane.c, plane.b, y, x, 6)

    def refine(self, plane: Plane) -> None:
        """Pass 5."""
        for y, x in plane.places():
            i = plane.at(y, x)
            if plane.state[i] == SIGNIFICANT:
                plane.values[i] |= self.decoder.mixed(*self.contexts.refinement(plane, i)) << self.k
                plane.bits[i], plane.state[i] = self.k, REFINED

    def reconstruct(self, out: NDArray[np.float32], scale: np.float32) -> None:
        """Writes the coefficients to `out` [components][rows][columns] in Mallat layout."""
        inverse = np.float32(1) / scale
        for c, column in enumerate(self.grid):
            for plane in column:
                for y, x in plane.places():
                    i = plane.at(y, x)
                    v, j = plane.values[i], plane.bits[i]
                    if not v:
                        continue
                    high = v >> j
                    e = 0 if high == 1 else 1 if high < 4 else 2
                    centroid = self.tables.centroids[j, min(plane.band.level, 9), kappa(c), e]
                    inside = np.float32(centroid) * np.float32(2.0 ** (j - 16))
                    value = (np.float32(v) + inside) * inverse
                    out[c, plane.band.row + y, plane.band.column + x] = value if plane.signs[i] > 0 else -value
