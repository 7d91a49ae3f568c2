"""The token stream of one tile, written from Docs/packet-format.md sections 5.4 to 5.8 alone. Plain and slow."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from reference_transform import sides

U64 = (1 << 64) - 1
HL, LH, HH, LL = 0, 1, 2, 3
SMALL = 30
THRESHOLDS = {2: 14417, 3: 4587, 4: 1310, 6: 0}
BOUNDS = (
    0, 1, 2, 3, 4, 5, 7, 9, 11, 14, 17, 21, 26, 31, 38, 46, 55, 66, 79, 95, 114, 136, 162, 194, 231, 276, 328, 391, 466,
    555, 660, 786, 936, 1113, 1324, 1576, 1875, 2230, 2652, 3155,
)  # fmt: skip
STEPS = [max(j for j in range(40) if BOUNDS[j] <= value) for value in range(8192)]
RATES = [327680 // (5 * m + 8) for m in range(1024)]
OWN = [(0, 1, 16), (0, -1, 16), (1, 0, 16), (-1, 0, 16)]
OWN += [(y, x, 6) for y in (-1, 1) for x in (-1, 1)]
OWN += [(0, 2, 3), (0, -2, 3), (2, 0, 3), (-2, 0, 3)]
OWN += [(y, x, 1) for y in (-1, 1) for x in (-2, 2)] + [(y, x, 1) for y in (-2, 2) for x in (-1, 1)]
BEFORE = [(0, 0, 16), (0, 1, 4), (0, -1, 4), (1, 0, 4), (-1, 0, 4)]
PARENT = {(0, 0): 6, (0, 1): 2, (0, -1): 2, (1, 0): 2, (-1, 0): 2, (1, 1): 1, (1, -1): 1, (-1, 1): 1, (-1, -1): 1}


class OutOfOctets(Exception):
    """The octets at hand leave the next decision open."""


@dataclass
class Tables:
    """Start values out of the firmware, flat."""

    significance: list[int]
    sign: list[int]
    refinement: list[int]
    flags: list[int]
    centroids: NDArray[np.uint16]

    @classmethod
    def of(cls, tensors: dict[str, NDArray[np.generic]]) -> Tables:
        """From the tensors of a bundle; untrained values where it has none."""
        if any(name.startswith("tokens/") for name in tensors):
            cells = [
                tensors[f"tokens/{n}"].reshape(-1).tolist() for n in ("significance", "sign", "refinement", "flags")
            ]
            return cls(*cells, np.asarray(tensors["tokens/centroids"], np.uint16))
        significance = [(((e * e + 4) << 22) // 3200) << 10 for _ in range(60) for e in range(40)]
        centroids = np.empty((26, 10, 6, 3), np.uint16)
        centroids[...] = (27525, 30802, 32113)
        return cls(significance, [2097152 << 10 | 6] * 729, [1835008 << 10] * 2880, [786432 << 10] * 9216, centroids)

    def start(self) -> Tables:
        """A tile's own copy, counts lowered to 60."""
        lists = (self.significance, self.sign, self.refinement, self.flags)
        return Tables(*([c - max(0, (c & 1023) - 60) for c in cells] for cells in lists), self.centroids)


class Decoder:
    """The binary coder of section 5.6, reading."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.position = 0
        self.low, self.high, self.least, self.greatest = 0, U64, 0, 0
        for _ in range(8):
            self._shift()

    def _shift(self) -> None:
        known = self.position < len(self.octets)
        self.least = (self.least << 8 | (self.octets[self.position] if known else 0)) & U64
        self.greatest = (self.greatest << 8 | (self.octets[self.position] if known else 255)) & U64
        self.position += 1

    def decide(self, cells: list[int], index: int) -> int:
        """One decision with one adaptive cell."""
        cell = cells[index]
        p = min(max(cell >> 16, 2), 65533)
        middle = (self.low + ((self.high - self.low) >> 16) * p) & U64
        if self.greatest <= middle:
            d, self.high = 1, middle
        elif self.least > middle:
            d, self.low = 0, middle + 1
        else:
            raise OutOfOctets
        while self.low >> 56 == self.high >> 56:
            self.low = self.low << 8 & U64
            self.high = (self.high << 8 | 255) & U64
            self._shift()
        probability, m = cell >> 10, cell & 1023
        probability += ((d * 4194303 - probability) * RATES[m]) >> 16
        cells[index] = probability << 10 | (m + 1 if m < 400 else m)
        return d


@dataclass
class Subband:
    """A tile's part of a sub-band: its size, and where it lies in the Mallat layout of the frame."""

    level: int
    orientation: int
    rows: int
    columns: int
    row: int
    column: int


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


@dataclass
class Plane:
    """What is known of one sub-band of one component; lists have a border of two on each side."""

    band: Subband
    stride: int = 0
    values: list[int] = field(default_factory=list)
    bits: list[int] = field(default_factory=list)
    signs: list[int] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)
    energy: list[int] = field(default_factory=list)
    state: list[int] = field(default_factory=list)
    is_open: bool = False

    def __post_init__(self) -> None:
        """Nothing is known at first."""
        self.stride = self.band.columns + 4
        size = (self.band.rows + 4) * self.stride
        self.values, self.bits, self.signs = [0] * size, [0] * size, [0] * size
        self.shown, self.energy, self.state = [0] * size, [0] * size, [0] * size
        self.is_open = 1 <= self.band.rows * self.band.columns <= SMALL

    def at(self, y: int, x: int) -> int:
        """Index of a coefficient."""
        return (y + 2) * self.stride + x + 2

    def places(self) -> list[tuple[int, int]]:
        """All (y, x), in order."""
        return [(y, x) for y in range(self.band.rows) for x in range(self.band.columns)]


PENDING, VISITED, FRESH, SIGNIFICANT, REFINED = range(5)


def q(value: int) -> int:
    """0, 1, 2 for below, equal to and above 0."""
    return 1 if value == 0 else 2 if value > 0 else 0


def kappa(component: int) -> int:
    """Component class."""
    return (0, 1, 2, 3, 3, 4, 4, 4)[component] if component < 8 else 5


class TileDecoder:
    """Sections 5.7 and 5.8."""

    def __init__(self, decoder: Decoder, tables: Tables, components: int, subbands: list[Subband], levels: int) -> None:
        self.decoder, self.tables, self.levels = decoder, tables, levels
        self.subbands = subbands
        self.grid = [[Plane(band) for band in subbands] for _ in range(components)]
        self.k = 24

    def run(self) -> None:
        """All passes until the octets end."""
        try:
            for self.k in range(24, -1, -1):
                self.start_plane()
                for number in range(1, 7):
                    for b in range(len(self.subbands)):
                        for c in range(len(self.grid)):
                            self.run_pass(number, c, b)
        except OutOfOctets:
            pass

    def run_pass(self, number: int, c: int, b: int) -> None:
        """One pass over one component of one sub-band."""
        plane = self.grid[c][b]
        if number == 1:
            if not plane.is_open and plane.band.rows * plane.band.columns:
                rank = 3 * self.levels - b
                context = (min(c, 11) * 32 + rank) * 24 + min(self.k, 23)
                plane.is_open = bool(self.decoder.decide(self.tables.flags, context))
        elif plane.is_open:
            if number == 5:
                self.refine(c, b)
            else:
                self.significance(c, b, THRESHOLDS[number])

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

    def significance(self, c: int, b: int, threshold: int) -> None:
        """One of the passes 2, 3, 4 and 6."""
        plane, cells = self.grid[c][b], self.tables.significance
        base = (min(plane.band.level, 9) * 6 + kappa(c)) * 40
        for y in range(plane.band.rows):
            for x in range(plane.band.columns):
                i = plane.at(y, x)
                if plane.state[i] != PENDING:
                    continue
                context = base + STEPS[plane.energy[i] >> 3]
                if cells[context] >> 16 < threshold:
                    continue
                if self.decoder.decide(cells, context):
                    self.sign(c, b, i)
                    plane.values[i], plane.bits[i], plane.state[i], plane.shown[i] = 1 << self.k, self.k, FRESH, 6
                    self.spread(c, b, y, x, 6)
                else:
                    plane.state[i] = VISITED

    def beside(self, c: int, b: int, i: int, name: str) -> int:
        """A number of the same place in another component; 0 beyond the ends."""
        return getattr(self.grid[c][b], name)[i] if 0 <= c < len(self.grid) else 0

    def sign(self, c: int, b: int, i: int) -> None:
        """The sign of a coefficient that became significant."""
        plane, s = self.grid[c][b], self.grid[c][b].stride
        g = plane.signs
        first = q(g[i - 1] + g[i + 1]) * 3 + q(g[i - s] + g[i + s])
        o = {HL: 0, LL: 0, LH: 1, HH: 2}[plane.band.orientation]
        second = q(self.beside(c - 1, b, i, "signs")) * 3 + o
        corners = g[i - s - 1] + g[i - s + 1] + g[i + s - 1] + g[i + s + 1]
        third = q(corners) * 3 + q(self.beside(c + 1, b, i, "signs"))
        g[i] = 1 if self.decoder.decide(self.tables.sign, (first * 9 + second) * 9 + third) else -1

    def refine(self, c: int, b: int) -> None:
        """Pass 5."""
        plane, s = self.grid[c][b], self.grid[c][b].stride
        for y, x in plane.places():
            i = plane.at(y, x)
            if plane.state[i] != SIGNIFICANT:
                continue
            shown = plane.shown
            m = plane.values[i] >> (self.k + 1)
            size = m - 1 if m <= 3 else 3 if m < 8 else 4 if m < 16 else 5
            first = size * 2 + (1 if self.beside(c - 1, b, i, "shown") > 8 else 0)
            a = 2 * (shown[i - 1] + shown[i + 1] + shown[i - s] + shown[i + s])
            a += shown[i - s - 1] + shown[i - s + 1] + shown[i + s - 1] + shown[i + s + 1]
            context = (first * 24 + min(23, STEPS[a] * 2 // 3)) * 10 + min(plane.band.level, 9)
            plane.values[i] |= self.decoder.decide(self.tables.refinement, context) << self.k
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
