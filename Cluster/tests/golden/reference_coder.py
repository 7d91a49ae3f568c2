"""The binary coder, its adaptive cells and their mixing, written from Docs/packet-format.md section 5.6 alone."""

from __future__ import annotations

import math

U64 = (1 << 64) - 1
LIMIT = 3072
BIAS = 77
RATES = [327680 // (5 * m + 8) for m in range(1024)]
STRETCH = [
    min(max(round(256 * math.log((2 * chance + 1) / (131071 - 2 * chance))), -LIMIT), LIMIT) for chance in range(65536)
]
SQUASH = [round(65536 / (1 + math.exp(-t / 256))) for t in range(-LIMIT, LIMIT + 1)]

Place = tuple[list[int], int]
"""A cell, or the first weight of a row: the flat tensor and the index in it."""


class OutOfOctets(Exception):
    """The octets at hand leave the next decision open."""


def clipped(chance: int) -> int:
    """A probability that the coder can use."""
    return min(max(chance, 2), 65533)


def wrapped(value: int) -> int:
    """A whole number modulo 2^32, as i32."""
    return ((value + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


def updated(cell: int, d: int) -> int:
    """A cell after the decision d."""
    probability, m = cell >> 10, cell & 1023
    probability += ((d * 4194303 - probability) * RATES[m]) >> 16
    return probability << 10 | (m + 1 if m < 400 else m)


def stretched(cell: int) -> int:
    """What a cell says to a mixture; a cell that has seen little says less."""
    x = STRETCH[cell >> 16]
    return (3 * x) >> 3 if cell & 1023 < 3 else x


class Decoder:
    """Reads decisions from the octets of a tile."""

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

    def choose(self, p: int) -> int:
        """One decision that is 1 with a probability of p in 65,536."""
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
        return d

    def direct(self, cells: list[int], index: int) -> int:
        """A decision with one cell."""
        d = self.choose(clipped(cells[index] >> 16))
        cells[index] = updated(cells[index], d)
        return d

    def mixed(self, inputs: list[Place], rows: list[Place]) -> int:
        """A decision with several cells and one or two rows of weights, a row one longer than the cells."""
        xs = [stretched(cells[index]) for cells, index in inputs]
        xs.append(BIAS)
        total = 0
        for i, x in enumerate(xs):
            total += wrapped(sum(weights[first + i] for weights, first in rows)) * x
        p = clipped(SQUASH[min(max(total >> 16, -LIMIT), LIMIT) + LIMIT])
        d = self.choose(p)
        for i, x in enumerate(xs):
            e = (x * (65536 * d - p) + 131072) >> 18
            for weights, first in rows:
                weights[first + i] = wrapped(weights[first + i] + e)
        for cells, index in inputs:
            cells[index] = updated(cells[index], d)
        return d
