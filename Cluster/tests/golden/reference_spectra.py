"""Records of tiles' spectra, written from Docs/packet-format.md section 5.10 alone."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from reference_container import refuse_unless

Rotation = tuple[int, int, int, int]


@dataclass
class Spectrum:
    """What the records of a tile said so far; rotations are (level, p, q, tangent)."""

    mode: int
    open_levels: list[bool]
    begun: bool = False
    rotations: list[Rotation] = field(default_factory=list)


class _Bits:
    def __init__(self, octets: bytes) -> None:
        self.text = "".join(f"{octet:08b}" for octet in octets)
        self.position = 0

    def read(self, count: int) -> int:
        """The next bits as a number; EOFError where there are fewer."""
        self.position += count
        if self.position > len(self.text):
            raise EOFError
        return int(self.text[self.position - count : self.position] or "0", 2)


def take_record(segment: bytes, spectrum: Spectrum, n: int, several: bool) -> bytes | None:
    """Reads a record if one stands there; the octets behind it, or None where the segment ends inside of it."""
    if spectrum.begun and not any(spectrum.open_levels):
        return segment
    bits = _Bits(segment)
    try:
        found = _record(bits, spectrum, n, several)
    except EOFError:
        return None
    size = (bits.position + 7) // 8
    refuse_unless("1" not in bits.text[bits.position : 8 * size], "spectral record", "bits behind its end")
    spectrum.mode, spectrum.open_levels, added = found
    spectrum.begun = True
    spectrum.rotations += added
    return segment[size:]


def _record(bits: _Bits, spectrum: Spectrum, n: int, several: bool) -> tuple[int, list[bool], list[Rotation]]:
    more = bits.read(1)
    before = spectrum.open_levels
    later = [bool(more and is_open and bits.read(1)) for is_open in before]
    refuse_unless(not more or any(later), "open levels", later)
    mode = spectrum.mode
    if several and not spectrum.begun and not bits.read(1):
        mode = bits.read(4)
        refuse_unless(mode < 15 and mode != spectrum.mode, "mode of a tile", mode)
    rotations: list[Rotation] = []
    if bits.read(1):
        pairs = [(p, q) for q in range(1, n) for p in range(q)]
        width = math.ceil(math.log2(len(pairs)))
        for level, is_open in enumerate(before, 1):
            while is_open and bits.read(1):
                pair, tangent = bits.read(width), bits.read(5) - 16
                refuse_unless(pair < len(pairs), "pair", pair)
                rotations.append((level, *pairs[pair], tangent))
    return mode, later, rotations


def turned(basis: NDArray[np.float32], level: int, rotations: list[Rotation]) -> NDArray[np.float32]:
    """A basis (rows are components) with the rotations of one level, rounded once."""
    rows = basis.astype(np.float64)
    for _, p, q, tangent in (r for r in rotations if r[0] == level):
        t = tangent / 16
        c = 1 / math.sqrt(t * t + 1)
        s = t * c
        rows[p], rows[q] = c * rows[p] + s * rows[q], c * rows[q] - s * rows[p]
    return rows.astype(np.float32)
