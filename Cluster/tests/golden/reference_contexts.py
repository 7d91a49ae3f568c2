"""Tables and contexts of the token stream, written from Docs/packet-format.md section 5.7 alone. Plain and slow."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from reference_coder import Place
from reference_container import refuse_unless

HL, LH, HH, LL = 0, 1, 2, 3
SMALL = 30
BOUNDS = (
    0, 1, 2, 3, 4, 5, 7, 9, 11, 14, 17, 21, 26, 31, 38, 46, 55, 66, 79, 95, 114, 136, 162, 194, 231, 276, 328, 391, 466,
    555, 660, 786, 936, 1113, 1324, 1576, 1875, 2230, 2652, 3155,
)  # fmt: skip
STEPS = [max(j for j in range(40) if BOUNDS[j] <= value) for value in range(8192)]

EVEN = 2097152 << 10
UNTRAINED_CELLS = {
    "significance": ((10, 6, 40), None),
    "significance.position": ((12, 32, 24), 629145 << 10),
    "significance.components": ((14, 8, 8, 6), 629145 << 10),
    "significance.siblings": ((12, 12, 10), 629145 << 10),
    "significance.place": ((40, 12, 32), 629145 << 10),
    "significance.plane": ((14, 24, 10), 629145 << 10),
    "idle": ((10, 6, 24), 41943 << 10),
    "idle.group": ((10, 6, 4, 24), 41943 << 10),
    "idle.place": ((8,), EVEN),
    "sign": ((9, 9, 9), EVEN | 6),
    "sign.inside": ((5, 5, 4, 2), EVEN | 6),
    "sign.components": ((3, 3, 3, 12), EVEN | 6),
    "refinement": ((12, 24, 10), 1835008 << 10),
    "refinement.components": ((12, 12, 4), 1835008 << 10),
    "flags": ((12, 32, 24), 786432 << 10),
    "flags.parent": ((24, 12, 8), 786432 << 10),
    "flags.neighbours": ((10, 10, 10), 786432 << 10),
    "flags.siblings": ((12, 9, 9, 3), 786432 << 10),
}
UNTRAINED_WEIGHTS = {
    "weights/significance": ((10, 6, 4, 7), 13107),
    "weights/significance.plane": ((24, 4, 4, 7), 0),
    "weights/sign": ((10, 6, 4), 26214),
    "weights/refinement": ((10, 6, 3), 32768),
    "weights/flags": ((10, 6, 5), 22937),
}
CENTROIDS = (26, 10, 6, 3)


@dataclass
class Tables:
    """Cells and weights, flat, by the name of their tensor without `tokens/`."""

    cells: dict[str, list[int]]
    weights: dict[str, list[int]]
    centroids: NDArray[np.uint16]

    @classmethod
    def of(cls, tensors: dict[str, NDArray[np.generic]]) -> Tables:
        """From the tensors of a bundle, which has all or none; untrained values where it has none."""
        if not any(name.startswith("tokens/") for name in tensors):
            return cls.untrained()

        def flat(name: str, shape: tuple[int, ...], kind: str) -> list[int]:
            found = tensors.get(f"tokens/{name}")
            refuse_unless(found is not None, f"tokens/{name}", "missing")
            assert found is not None
            refuse_unless(found.dtype == np.dtype(kind), f"tokens/{name}", found.dtype)
            refuse_unless(found.shape == shape, f"tokens/{name}", found.shape)
            return found.reshape(-1).tolist()

        cells = {name: flat(name, shape, "<u4") for name, (shape, _) in UNTRAINED_CELLS.items()}
        weights = {name: flat(name, shape, "<i4") for name, (shape, _) in UNTRAINED_WEIGHTS.items()}
        return cls(cells, weights, np.array(flat("centroids", CENTROIDS, "<u2"), np.uint16).reshape(CENTROIDS))

    @classmethod
    def untrained(cls) -> Tables:
        """The last column of the table."""
        cells = {name: [value] * math.prod(shape) for name, (shape, value) in UNTRAINED_CELLS.items() if value}
        cells["significance"] = [(((e * e + 4) << 22) // 3200) << 10 for _ in range(60) for e in range(40)]
        weights = {
            name: ([value] * (shape[-1] - 1) + [0]) * math.prod(shape[:-1])
            for name, (shape, value) in UNTRAINED_WEIGHTS.items()
        }
        centroids = np.empty(CENTROIDS, np.uint16)
        centroids[...] = (27525, 30802, 32113)
        return cls(cells, weights, centroids)

    def start(self) -> Tables:
        """A tile's own copy, counts lowered to 60."""
        cells = {name: [c - max(0, (c & 1023) - 60) for c in values] for name, values in self.cells.items()}
        return Tables(cells, {name: list(values) for name, values in self.weights.items()}, self.centroids)


@dataclass
class Subband:
    """A tile's part of a sub-band: its size, and where it lies in the Mallat layout of the frame."""

    level: int
    orientation: int
    rows: int
    columns: int
    row: int
    column: int


def kappa(component: int) -> int:
    """Component class."""
    return (0, 1, 2, 3, 3, 4, 4, 4)[component] if component < 8 else 5


@dataclass
class Plane:
    """What is known of sub-band b of component c; lists have a border of two on each side."""

    band: Subband
    c: int
    b: int
    rank: int
    stride: int = 0
    values: list[int] = field(default_factory=list)
    bits: list[int] = field(default_factory=list)
    signs: list[int] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)
    energy: list[int] = field(default_factory=list)
    state: list[int] = field(default_factory=list)
    is_open: bool = False
    first: int = 0

    def __post_init__(self) -> None:
        """Nothing is known at first."""
        self.stride = self.band.columns + 4
        size = (self.band.rows + 4) * self.stride
        self.values, self.bits, self.signs = [0] * size, [0] * size, [0] * size
        self.shown, self.energy, self.state = [0] * size, [0] * size, [0] * size
        self.is_open = 1 <= self.band.rows * self.band.columns <= SMALL
        self.level_class, self.kappa, self.gamma = min(self.band.level, 9), kappa(self.c), min(self.c, 11)

    def at(self, y: int, x: int) -> int:
        """Index of a coefficient."""
        return (y + 2) * self.stride + x + 2

    def places(self) -> list[tuple[int, int]]:
        """All (y, x), in order."""
        return [(y, x) for y in range(self.band.rows) for x in range(self.band.columns)]

    def around(self, i: int) -> int:
        """a of section 5.7: what the eight neighbours show, those at the sides twice."""
        m, s = self.shown, self.stride
        corners = m[i - s - 1] + m[i - s + 1] + m[i + s - 1] + m[i + s + 1]
        return 2 * (m[i - 1] + m[i + 1] + m[i - s] + m[i + s]) + corners


def q(value: int) -> int:
    """0, 1, 2 for below, equal to and above 0."""
    return 1 if value == 0 else 2 if value > 0 else 0


def size_of(value: int, k: int) -> int:
    """Size class of a magnitude that is refined in plane k."""
    m = value >> (k + 1)
    return m - 1 if m <= 3 else 3 if m < 8 else 4 if m < 16 else 5


class Contexts:
    """Names the cells and the rows of weights of each decision, for what is known of a tile in plane k."""

    def __init__(self, tables: Tables, grid: list[list[Plane]]) -> None:
        self.cells, self.weights, self.grid = tables.cells, tables.weights, grid
        self.k = 24

    @property
    def theta(self) -> int:
        """Class of the plane."""
        return min(self.k, 23)

    def shown(self, c: int, b: int, i: int) -> int:
        """M at the same place of another component; 0 where there is none."""
        return self.grid[c][b].shown[i] if 0 <= c < len(self.grid) else 0

    def known_sign(self, c: int, b: int, i: int) -> int:
        """Sign at the same place of another component; 0 where there is none."""
        return self.grid[c][b].signs[i] if 0 <= c < len(self.grid) else 0

    def siblings(self, p: Plane, y: int, x: int) -> int:
        """s: what the two other orientations show at this place."""
        if p.band.orientation == LL:
            return 0
        first, total = p.b - p.band.orientation, 0
        for other in self.grid[p.c][first : first + 3]:
            if other is not p and y < other.band.rows and x < other.band.columns:
                total += other.shown[other.at(y, x)]
        return total

    def significance_cell(self, p: Plane, i: int) -> Place:
        """The cell that also says in which pass a coefficient is visited."""
        return self.cells["significance"], (p.level_class * 6 + p.kappa) * 40 + STEPS[p.energy[i] >> 3]

    def significance(self, p: Plane, y: int, x: int, turn: int) -> tuple[list[Place], list[Place]]:
        """Cells and weights of one coefficient; `turn` counts the four significance passes from 0."""
        i, c, b, s = p.at(y, x), p.c, p.b, p.stride
        eta, around = STEPS[p.energy[i] >> 3], STEPS[p.around(i)]
        beside = sum(self.shown(c - 1, b, j) for j in (i - 1, i + 1, i - s, i + s))
        before = min(13, STEPS[4 * self.shown(c - 1, b, i) + beside] // 3)
        far = self.shown(c - 2, b, i) + self.shown(c + 2, b, i)
        after = min(7, STEPS[2 * self.shown(c + 1, b, i) + far] // 3)
        siblings = min(11, STEPS[self.siblings(p, y, x)] // 2)
        indices = {
            "significance.position": (p.gamma * 32 + p.rank) * 24 + self.theta,
            "significance.components": ((before * 8 + after) * 8 + min(7, around // 3)) * 6 + p.kappa,
            "significance.siblings": (siblings * 12 + min(11, around // 3)) * 10 + p.level_class,
            "significance.place": (eta * 12 + p.gamma) * 32 + p.rank,
            "significance.plane": (eta // 3 * 24 + self.theta) * 10 + p.level_class,
        }
        inputs = [self.significance_cell(p, i)] + [(self.cells[name], index) for name, index in indices.items()]
        u = ((p.level_class * 6 + p.kappa) * 4 + min(3, eta // 8)) * 7
        v = ((self.theta * 4 + turn) * 4 + p.band.orientation) * 7
        return inputs, [(self.weights["weights/significance"], u), (self.weights["weights/significance.plane"], v)]

    def idle(self, p: Plane) -> Place:
        """The cell of a coefficient with hardly any energy."""
        return self.cells["idle"], (p.level_class * 6 + p.kappa) * 24 + self.theta

    def idle_group(self, p: Plane) -> Place:
        """The cell of eight such coefficients."""
        index = ((p.level_class * 6 + p.kappa) * 4 + p.band.orientation) * 24 + self.theta
        return self.cells["idle.group"], index

    def sign(self, p: Plane, i: int) -> tuple[list[Place], list[Place]]:
        """Cells and weights of a sign."""
        g, s = p.signs, p.stride
        across, down = g[i - 1] + g[i + 1], g[i - s] + g[i + s]
        corners = g[i - s - 1] + g[i - s + 1] + g[i + s - 1] + g[i + s + 1]
        before, far, after = (q(self.known_sign(c, p.b, i)) for c in (p.c - 1, p.c - 2, p.c + 1))
        first = q(across) * 3 + q(down)
        second = before * 3 + {HL: 0, LL: 0, LH: 1, HH: 2}[p.band.orientation]
        third = q(corners) * 3 + after
        inside = ((across + 2) * 5 + down + 2) * 4 + p.band.orientation
        inputs = [
            (self.cells["sign"], (first * 9 + second) * 9 + third),
            (self.cells["sign.inside"], inside * 2 + (1 if p.band.level > 2 else 0)),
            (self.cells["sign.components"], ((before * 3 + far) * 3 + after) * 12 + p.gamma),
        ]
        return inputs, [(self.weights["weights/sign"], (p.level_class * 6 + p.kappa) * 4)]

    def refinement(self, p: Plane, i: int) -> tuple[list[Place], list[Place]]:
        """Cells and weights of a bit."""
        size = size_of(p.values[i], self.k)
        before, after = self.shown(p.c - 1, p.b, i), self.shown(p.c + 1, p.b, i)
        first = size * 2 + (1 if before > 8 else 0)
        second = min(23, STEPS[p.around(i)] * 2 // 3)
        components = min(11, STEPS[before] // 2) * 12 + min(11, STEPS[after] // 2)
        inputs = [
            (self.cells["refinement"], (first * 24 + second) * 10 + p.level_class),
            (self.cells["refinement.components"], components * 4 + min(3, size)),
        ]
        return inputs, [(self.weights["weights/refinement"], (p.level_class * 6 + size) * 3)]

    def depth(self, first: int) -> int:
        """d(F)."""
        return min(8, max(0, first - self.k)) if first else 0

    def newness(self, first: int) -> int:
        """g(F)."""
        return 0 if first == 0 else 1 if first <= self.k + 1 else 2

    def flags(self, p: Plane) -> tuple[list[Place], list[Place]]:
        """Cells and weights of the flag of a closed sub-band."""
        b, own = p.b, self.grid[p.c]
        up = 0 if b == 0 else self.depth(own[max(0, b - 3)].first)
        left = self.depth(self.grid[p.c - 1][b].first) if p.c else 0
        if p.band.orientation == HL:
            side = self.newness(own[b - 2].first) if b > 1 else 0
        elif p.band.orientation == LH:
            side = self.newness(own[b - 1].first)
        elif p.band.orientation == HH:
            side = min(2, self.newness(own[b - 1].first) + (1 if own[b - 2].first else 0))
        else:
            side = 0
        inputs = [
            (self.cells["flags"], (p.gamma * 32 + p.rank) * 24 + self.theta),
            (self.cells["flags.parent"], (self.theta * 12 + p.gamma) * 8 + min(7, up)),
            (self.cells["flags.neighbours"], (p.level_class * 10 + up) * 10 + left),
            (self.cells["flags.siblings"], ((p.gamma * 9 + left) * 9 + up) * 3 + side),
        ]
        return inputs, [(self.weights["weights/flags"], (p.level_class * 6 + p.kappa) * 5)]
