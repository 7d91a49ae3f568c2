"""The residual layer, written from Docs/packet-format.md section 5.11 alone. Plain and slow."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from reference_coder import LIMIT, SQUASH, STRETCH, Decoder, OutOfOctets, clipped, updated
from reference_container import Declaration, FormatError, Reader, crc32c, refuse_unless

F = np.float32
CLIP = 1048575
BOUND_LIMITS = {"uint8": 127, "uint16": 32767, "int16": 32767, "int32": 2**30 - 1}
AROUND = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
WIDE = [(-2, 0), (-1, -1), (-1, 0), (-1, 1), (0, -2), (0, -1), (0, 0), (0, 1), (0, 2), (1, -1), (1, 0), (1, 1), (2, 0)]
OWN = [(-2, x) for x in range(-2, 3)] + [(-1, x) for x in range(-2, 3)] + [(0, -2), (0, -1)]
COPY_PAIRS = [
    ((0, -1), (-1, -1)), ((-1, 0), (-1, -1)), ((-1, 0), (-1, 1)), ((0, -1), (0, -2)), ((-2, 0), (-1, 0)),
    ((-1, -1), (-1, -2)), ((0, -2), (-1, -2)), ((-3, 0), (-2, 0)), ((0, -2), (0, -3)),
]  # fmt: skip
U, G, H, C, N = (p << 10 | m for p, m in ((2306867, 0), (2097152, 6), (2097152, 4), (2097152, 2), (2097152, 0)))


@dataclass
class Residual:
    """A residual layer without its head: bounds in coding order, and what follows."""

    bounds: list[float]
    octets: bytes


def residual_layer(layers: list[bytes], number: int, sample_type: str, bands: int) -> Residual | None:
    """The layer of that number; None where it is absent or cut inside of its head."""
    if number >= len(layers) or not layers[number]:
        return None
    refuse_unless(not any(layers[number + 1 :]), "layers", "octets behind the residual layer")
    reader = Reader(layers[number])
    try:
        refuse_unless(reader.u8("marker") == 255, "residual marker", layers[number][0])
        kind = reader.u8("bounds")
        refuse_unless((225 if sample_type == "float32" else 224) <= kind <= 226, "bounds", kind)
        checksum = int(reader.number("I", "checksum"))
        bounds = [_bound(reader, sample_type) for _ in range((0, 1, bands)[kind - 224])]
    except FormatError as error:
        if "truncated" in str(error):
            return None
        raise
    refuse_unless(checksum == crc32c(b"".join(layers[:number])), "transform layers", "others")
    if kind != 226:
        bounds = (bounds or [0.0]) * bands
    return Residual(bounds, layers[number][reader.position :])


def _bound(reader: Reader, sample_type: str) -> float:
    if sample_type != "float32":
        return reader.varint("bound", high=BOUND_LIMITS[sample_type])
    bound = reader.number("f", "bound")
    refuse_unless(math.isfinite(bound) and bound > 0, "bound", bound)
    return bound


def clip(value: int, low: int, high: int) -> int:
    """`value`, or the limit it is beyond."""
    return min(max(value, low), high)


def q(u: int) -> int:
    """Logarithmic step, four an octave."""
    if u < 4:
        return u
    j = u.bit_length() - 1
    return 4 * (j - 1) + (u >> (j - 2) & 3)


def h(u: int) -> int:
    """Half of it."""
    return min(q(u) >> 1, 23)


def sign(value: int) -> int:
    """0, 1, 2 for below, at, above 0."""
    return 1 if value == 0 else 2 if value > 0 else 0


class ResidualTile:
    """One tile: samples [bands in coding order][rows][columns] of the synthesis, and what its octets make of them."""

    def __init__(
        self,
        decoder: Decoder,
        samples: NDArray[np.generic],
        valid: NDArray[np.bool_],
        bounds: list[float],
        declared: Declaration,
    ) -> None:
        self.decoder, self.samples, self.valid = decoder, samples.copy(), valid
        self.rows, self.columns = samples.shape[1:]
        self.bounds, self.is_float = bounds, declared.sample_type == "float32"
        self.nodata = declared.nodata
        info = None if self.is_float else np.iinfo(declared.sample_type)
        self.least, self.greatest = (-(1 << 30), 1 << 30) if info is None else (int(info.min), int(info.max))
        self.cells = {"U0": [U] * 24**3, "U1": [U] * 16 * 40 * 24, "U2": [U] * 24**3, "U3": [U] * 24**3}
        self.cells |= {"G": [G] * 270, "H": [H] * 24 * 64, "C": [C] * 1024, "N": [N]}
        self.mix = [19661] * (20 * 24 * 4)
        shape = (len(bounds), self.rows, self.columns)
        self.r = np.zeros(shape, np.int64).tolist()
        self.e = np.zeros(shape, np.int64).tolist()

    def run(self) -> NDArray[np.generic]:
        """Samples, decided ones exact or within their bounds."""
        try:
            for b in range(len(self.bounds)):
                if self.valid[b].any():
                    self.band(b)
        except OutOfOctets:
            pass
        return self.samples

    def bits(self, count: int) -> int:
        """A number of `count` bits that nothing is known of."""
        value = 0
        for _ in range(count):
            value = value << 1 | self.decoder.choose(32768)
        return value

    def numbers(self, b: int) -> list[list[int]]:
        """S."""
        if not self.is_float:
            return self.samples[b].astype(np.int64).tolist()
        scaled = np.rint(self.samples[b].astype(np.float64) / (self.bounds[b] * 1.9375))
        return np.clip(np.nan_to_num(scaled, nan=0.0), -(2.0**30), 2.0**30).astype(np.int64).tolist()

    def band(self, b: int) -> None:
        """All of a band."""
        shift, copying = self.bits(5), self.bits(1)
        width = (b - 1).bit_length() if b else 0
        references = [max(0, b - 1 - self.bits(width)) for _ in range(min(b, 3))]
        s = self.numbers(b)
        x_hat = [list(row) for row in s]
        n = (20, 33, 42, 43)[min(b, 3)]
        fit = Fit(n)
        for y in range(self.rows):
            features = []
            for x in range(self.columns):
                f = self.features(b, references, s, y, x)
                features.append(f)
                if self.valid[b, y, x]:
                    self.sample(b, references, s, x_hat, y, x, fit.predict(f), copying)
                    self.r[b][y][x] = clip(x_hat[y][x] - s[y][x], -CLIP, CLIP)
            fit.learn(features, self.r[b][y], self.valid[b, y].tolist(), shift)

    def at(self, plane: list[list[int]], y: int, x: int) -> int:
        """0 outside of the tile."""
        return plane[y][x] if 0 <= y < self.rows and 0 <= x < self.columns else 0

    def slope(self, s: list[list[int]], y: int, x: int, dy: int, dx: int) -> int:
        """Difference of the synthesis to a neighbour."""
        other = s[clip(y + dy, 0, self.rows - 1)][clip(x + dx, 0, self.columns - 1)]
        return clip(other - s[y][x], -CLIP, CLIP)

    def features(self, b: int, references: list[int], s: list[list[int]], y: int, x: int) -> list[int]:
        """Features in order."""
        result = [self.slope(s, y, x, dy, dx) for dy, dx in AROUND if dy or dx]
        for reference, places in zip(references, (WIDE, AROUND, [(0, 0)]), strict=False):
            result += [self.at(self.r[reference], y + dy, x + dx) for dy, dx in places]
        return result + [self.at(self.r[b], y + dy, x + dx) for dy, dx in OWN]

    def sample(
        self, b: int, references: list[int], s: list[list[int]], x_hat: list[list[int]], y: int, x: int, p: int,
        copying: int,
    ) -> None:  # fmt: skip
        """One valid sample."""
        source = self.copied(b, x_hat, y, x) if copying else None
        if source:
            x_hat[y][x] = x_hat[source[0]][source[1]]
            self.e[b][y][x] = self.e[b][source[0]][source[1]]
        else:
            spacing = 1 if self.is_float else 2 * int(self.bounds[b]) + 1
            prediction = clip(s[y][x] + p, self.least, self.greatest)
            v = self.level(b, references, s, y, x, spacing)
            value = clip(prediction + v * spacing, self.least, self.greatest)
            if spacing > 1 and self.nodata is not None and value == self.nodata:
                above = self.decoder.direct(self.cells["N"], 0)
                up = value < self.greatest if above else value == self.least
                value += 1 if up else -1
            x_hat[y][x] = value
            self.e[b][y][x] = clip(v, -CLIP, CLIP)
        if self.is_float:
            self.samples[b, y, x] = F(x_hat[y][x] * (self.bounds[b] * 1.9375))
        else:
            self.samples[b, y, x] = x_hat[y][x]

    def copied(self, b: int, x_hat: list[list[int]], y: int, x: int) -> tuple[int, int] | None:
        """Where a copied sample comes from."""

        def value(place: tuple[int, int]) -> int | None:
            row, column = y + place[0], x + place[1]
            return x_hat[row][column] if row >= 0 and 0 <= column < self.columns else None

        context = 0
        for i, (first, second) in enumerate(COPY_PAIRS):
            if value(first) is not None and value(first) == value(second):
                context |= 1 << i
        above = y > 0 and bool(self.valid[b, y - 1, x])
        if above and self.decoder.direct(self.cells["C"], context):
            return y - 1, x
        differs = not above or x_hat[y][x - 1] != x_hat[y - 1][x]
        if x > 0 and self.valid[b, y, x - 1] and differs and self.decoder.direct(self.cells["C"], 512 + context):
            return y, x - 1
        return None

    def level(self, b: int, references: list[int], s: list[list[int]], y: int, x: int, spacing: int) -> int:
        """v."""
        own = self.e[b]

        def a(dy: int, dx: int) -> int:
            return abs(self.at(own, y + dy, x + dx))

        near = 2 * a(0, -1) + 2 * a(-1, 0) + a(-1, -1) + a(-1, 1) + a(0, -2) + a(-2, 0)
        slope = sum(abs(self.slope(s, y, x, dy, dx)) for dy, dx in ((0, -1), (0, 1), (-1, 0), (1, 0))) // spacing
        cross = first = second = 0
        first_sign = 1
        if references:
            other = self.e[references[0]]
            first, first_sign = abs(other[y][x]), sign(other[y][x])
            cross = 2 * first + sum(
                abs(self.at(other, y + dy, x + dx)) for dy, dx in ((0, -1), (0, 1), (-1, 0), (1, 0))
            )
        if len(references) > 1:
            second = abs(self.e[references[1]][y][x])
        energy = min(q((8 * near + 4 * cross + 8 * first + 4 * second) >> 3), 39)
        above, left = a(-1, 0) + a(-1, 1) + a(-1, -1), a(0, -1) + a(0, -2)
        rows = [
            ("U0", h(near) * 24 + h(slope)),
            ("U1", min(b, 15) * 40 + energy),
            ("U2", h(first) * 24 + h(second)),
            ("U3", h(above) * 24 + h(left)),
        ]
        m = 0
        while m < 32 and self.mixed(
            [(name, row * 24 + min(m, 23)) for name, row in rows], (energy >> 1) * 24 + min(m, 23)
        ):
            m += 1
        if m == 0:
            return 0
        left_sign = sign(self.at(own, y, x - 1))
        index = ((min(energy >> 2, 9) * 3 + first_sign) * 3 + left_sign) * 3 + min(m - 1, 2)
        positive = self.decoder.direct(self.cells["G"], index)
        value, z = 1, clip((energy >> 1) - 2 * m + 4, 0, 7)
        for place in range(m - 1):
            if place < 3:
                value = value << 1 | self.decoder.direct(self.cells["H"], (min(m, 23) * 8 + value) * 8 + z)
            else:
                value = value << 1 | self.decoder.choose(32768)
        return value if positive else -value

    def mixed(self, places: list[tuple[str, int]], weight_set: int) -> int:
        """A decision mixed from four cells."""
        inputs = [STRETCH[self.cells[name][index] >> 16] for name, index in places]
        weights = self.mix[4 * weight_set : 4 * weight_set + 4]
        total = sum(w * i for w, i in zip(weights, inputs, strict=True))
        p = clipped(SQUASH[clip(total >> 16, -LIMIT, LIMIT) + LIMIT])
        d = self.decoder.choose(p)
        for place, (w, i) in enumerate(zip(weights, inputs, strict=True)):
            moved = w + ((i * (65536 * d - p) * 3) >> 18)
            self.mix[4 * weight_set + place] = clip(moved, -(1 << 22), 1 << 22)
        for name, index in places:
            self.cells[name][index] = updated(self.cells[name][index], d)
        return d


class Fit:
    """Weights by least squares over the rows before."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.weights = [F(0)] * n
        self.a, self.c = np.zeros((n, n)), np.zeros(n)
        self.block = np.zeros((n + 1, n + 1), np.int64)
        self.count = 0

    def predict(self, features: list[int]) -> int:
        """p, rounded."""
        p = self.weights[0] * F(features[0])
        for w, f in zip(self.weights[1:], features[1:], strict=True):
            p = p + w * F(f)
        return int(np.rint(p))

    def learn(self, features: list[list[int]], residuals: list[int], valid: list[bool], shift: int) -> None:
        """One row."""
        rows = np.column_stack([np.array(features, np.int64), np.array(residuals, np.int64)])
        scaled = np.clip(rows >> shift, -1023, 1023) * np.array(valid, np.int64)[:, None]
        self.block += scaled.T @ scaled
        self.count += len(residuals)
        if self.count >= 64:
            n = self.n
            self.a = self.a * 0.90625 + self.block[:n, :n]
            self.c = self.c * 0.90625 + self.block[:n, n]
            self.block[...], self.count = 0, 0
            self.solve()

    def solve(self) -> None:
        """Cholesky's method in doubles, element by element in the order of the document."""
        n = self.n
        m = self.a.copy()
        for i in range(n):
            m[i, i] = m[i, i] + (300 + m[i, i] * 2.0**-13)
        factor = np.zeros((n, n))
        for j in range(n):
            column = m[j:, j].copy()
            for k in range(j):
                column = column - factor[j:, k] * factor[j, k]
            if not column[0] > 0:
                return
            factor[j, j] = math.sqrt(column[0])
            factor[j + 1 :, j] = column[1:] / factor[j, j]
        z, u = [0.0] * n, [0.0] * n
        for i in range(n):
            value = float(self.c[i])
            for k in range(i):
                value = value - float(factor[i, k]) * z[k]
            z[i] = value / float(factor[i, i])
        for i in range(n - 1, -1, -1):
            value = z[i]
            for k in range(i + 1, n):
                value = value - float(factor[k, i]) * u[k]
            u[i] = value / float(factor[i, i])
        self.weights = [F(min(max(value, -8.0), 8.0)) for value in u]
