"""Prediction from history, written from Docs/packet-format.md sections 5.1 to 5.3 and 5.12 alone. Plain and slow."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from reference_coder import Decoder, OutOfOctets
from reference_container import Band, Declaration, Metadata, crc32c, refuse_unless
from reference_contexts import LL, Subband, Tables, kappa
from reference_transform import Singles, SpectralTensors, coding_order, normalisation

F = np.float32
LIMIT = F(1 << 20)
PROFILES, CLASSES = 8, 6
CELL_COUNT = 1240
SEND_WEIGHTS, PROFILE, MAP_SIZE, MAP, MOVE_ROW, MOVE_COLUMN, WEIGHT = 3, 11, 19, 23, 32, 36, 40


@dataclass
class HistoryTensors:
    """What the firmware knows of prediction: weights [profile][level][class], cells, tables of predicted tiles."""

    weights: list[list[list[int]]]
    cells: list[int]
    tables: Tables

    @classmethod
    def of(cls, tensors: dict[str, NDArray[np.generic]]) -> HistoryTensors:
        """From the tensors of a bundle, which has all or none; untrained values where it has none."""
        own = {name.removeprefix("history/"): found for name, found in tensors.items() if name.startswith("history/")}
        if not own:
            weights = [[[16 - 2 * profile] * CLASSES for _ in range(10)] for profile in range(PROFILES)]
            return cls(weights, [2097152 << 10] * CELL_COUNT, Tables.of(tensors))
        shapes = {"weights": ((PROFILES, 10, CLASSES), "|u1"), "cells": ((CELL_COUNT,), "<u4")}
        for name, (shape, kind) in shapes.items():
            refuse_unless(name in own, f"history/{name}", "missing")
            refuse_unless(own[name].shape == shape, f"history/{name}", own[name].shape)
            refuse_unless(own[name].dtype == np.dtype(kind), f"history/{name}", own[name].dtype)
        greatest = int(np.asarray(own["weights"], np.int64).max())
        refuse_unless(greatest <= 16, "history/weights", greatest)
        refuse_unless(any(name.startswith("tokens/") for name in own), "history/tokens", "missing")
        return cls(own["weights"].tolist(), own["cells"].tolist(), Tables.of(own))


@dataclass
class Part:
    """One frame of a reference: what it was decoded to, in the order of its own bands, and where its first sample lies
    on the new frame's grid."""

    declared: Declaration
    samples: NDArray[np.generic]
    row: int = 0
    column: int = 0


@dataclass
class Prediction:
    """What a tile says of its prediction; `quarters` by level (0 is LL) and class, `blocks` [rows][columns]."""

    profile: int = 0
    quarters: list[list[int]] | None = None
    size: int = 0
    blocks: list[list[int]] | None = None
    move: tuple[int, int] = (0, 0)


@dataclass
class _Reader:
    decoder: Decoder
    cells: list[int]
    height: int
    width: int
    levels: int
    components: int
    weights: list[list[list[int]]] = field(repr=False)

    def direct(self, cell: int) -> int:
        """One decision."""
        return self.decoder.direct(self.cells, cell)

    def node(self, bits: int, first: int) -> int:
        """A number as the path through a tree of cells."""
        node = 1
        for _ in range(bits):
            node = 2 * node + self.direct(first + node)
        return node - (1 << bits)

    def unary(self, first: int) -> int:
        """0 to 4: up to four decisions, until one is 0."""
        count = 0
        while count < 4 and self.direct(first + count):
            count += 1
        return count

    def read(self) -> Prediction | None:
        """None for a tile that is not predicted."""
        if not self.direct(0):
            return None
        found = Prediction(self.node(3, PROFILE))
        if self.direct(SEND_WEIGHTS + found.profile):
            found.quarters = [
                [self.quarter(found.profile, level, c) for c in range(kappa(self.components - 1) + 1)]
                for level in range(min(self.levels, 9) + 1)
            ]
        if self.direct(1):
            found.size = self.node(2, MAP_SIZE)
            found.blocks = self.map(16 << found.size)
        if self.direct(2):
            row = self.unary(MOVE_ROW) - 2
            found.move = (row, self.unary(MOVE_COLUMN) - 2)
        return found

    def quarter(self, profile: int, level: int, c: int) -> int:
        """A weight of the tile's own."""
        near = (self.weights[profile][level][c] + 2) // 4
        return self.unary(WEIGHT + 4 * (5 * (6 * level + c) + near))

    def map(self, side: int) -> list[list[int]]:
        """Which blocks are predicted."""
        down, across = -(-self.height // side), -(-self.width // side)
        states = [[0] * (across + 1) for _ in range(down + 1)]
        for y in range(1, down + 1):
            for x in range(1, across + 1):
                states[y][x] = 1 + self.direct(MAP + 3 * states[y][x - 1] + states[y - 1][x])
        return [[state - 1 for state in row[1:]] for row in states[1:]]


def read_prediction(
    decoder: Decoder, tensors: HistoryTensors, size: tuple[int, int], levels: int, components: int
) -> tuple[Prediction | None, bool]:
    """The decisions behind the mask of a tile of `size` rows and columns, None where it is not predicted; and whether
    the tile goes on behind them."""
    cells = [c - max(0, (c & 1023) - 60) for c in tensors.cells]
    try:
        return _Reader(decoder, cells, *size, levels, components, tensors.weights).read(), True
    except OutOfOctets:
        return Prediction(), False


def grid_offset(new: Declaration, at: Metadata, old: Declaration, there: Metadata) -> tuple[int, int] | None:
    """Row and column of an earlier frame's first sample on a frame's grid; None where it does not count."""
    if at.origin is None:
        same = there.origin is None and at.place is not None and at.place == there.place
        return (0, 0) if same and (new.rows, new.columns) == (old.rows, old.columns) else None
    if new.pixel is None or new.pixel[0] <= 0 or there.origin is None:
        return None
    if new.pixel != (new.pixel[0], 0, 0, -new.pixel[0]):
        return None
    if (new.epsg, new.pixel) != (old.epsg, old.pixel):
        return None
    column, row = (there.origin[0] - at.origin[0]) / new.pixel[0], (there.origin[1] - at.origin[1]) / new.pixel[3]
    row, column = round(row), round(column)
    return (row, column) if max(abs(row), abs(column)) < 1 << 31 else None


def assemble(declared: Declaration, parts: list[Part], spectral: SpectralTensors, mix: int = 0) -> Singles:
    """The reference, bands in coding order, filled; `mix`: quarters of the second frame that shows a place."""
    bands = [declared.bands[i] for i in coding_order(declared)]
    shape = (len(bands), declared.rows, declared.columns)
    values, known, mixed = np.zeros(shape, np.float32), np.zeros(shape, bool), np.zeros(shape, bool)
    for part in parts:
        order = coding_order(part.declared)
        theirs = [part.declared.bands[i] for i in order]
        measured, valid = to_values(part, spectral)
        height, width = part.samples.shape[1:]
        y0, y1 = max(0, part.row), min(shape[1], part.row + height)
        x0, x1 = max(0, part.column), min(shape[2], part.column + width)
        if y0 >= y1 or x0 >= x1:
            continue
        here = np.s_[y0:y1, x0:x1]
        there = np.s_[y0 - part.row : y1 - part.row, x0 - part.column : x1 - part.column]
        for b, band in enumerate(bands):
            source = same_band(band, theirs)
            if source is not None:
                own, seen, shown = values[b][here], measured[source][there], valid[source][there]
                second = shown & known[b][here] & ~mixed[b][here]
                blend = own + (seen - own) * F(mix / 4)
                values[b][here] = np.where(shown & ~known[b][here], seen, np.where(second, blend, own))
                known[b][here] |= shown
                mixed[b][here] |= second
    return np.stack([filled(plane, mask) for plane, mask in zip(values, known, strict=True)])


def same_band(band: Band, theirs: list[Band]) -> int | None:
    """The place of a band among those of another frame, which are in coding order."""
    names = [other.name for other in theirs]
    if band.name in names:
        return names.index(band.name)
    if band.wavelength is None:
        return None
    at = band.wavelength
    distances = [math.inf if b.wavelength is None else abs(b.wavelength - at) for b in theirs]
    nearest = min(range(len(theirs)), key=distances.__getitem__)
    return nearest if distances[nearest] < math.inf else None


def to_values(part: Part, spectral: SpectralTensors) -> tuple[Singles, NDArray[np.bool_]]:
    """Section 5.1: values and validity, bands in coding order."""
    declared, order = part.declared, coding_order(part.declared)
    samples = part.samples[order]
    valid = ~np.isnan(samples)
    if declared.nodata is not None:
        exact = samples.dtype.type(declared.nodata) if declared.sample_type == "float32" else declared.nodata
        valid &= samples != exact
    a, shifts = normalisation(declared, spectral)
    scaled = samples.astype(np.float32) * F(a)
    values = np.stack([plane + F(shift) for plane, shift in zip(scaled, shifts, strict=True)])
    return np.clip(np.where(valid, values, F(0)), -LIMIT, LIMIT), valid


def filled(values: Singles, valid: NDArray[np.bool_]) -> Singles:
    """Section 5.1: what is not valid, from the least cell around it that is."""
    if valid.all():
        return values
    rows, columns = values.shape
    if rows == columns == 1:
        return np.zeros_like(values)
    down, across = (rows + 1) // 2, (columns + 1) // 2
    coarse, some = np.zeros((down, across), np.float32), np.zeros((down, across), bool)
    for r in range(down):
        for c in range(across):
            cells = [(y, x) for y in (2 * r, 2 * r + 1) for x in (2 * c, 2 * c + 1) if y < rows and x < columns]
            there = [values[cell] for cell in cells if valid[cell]]
            if there:
                total = there[0]
                for value in there[1:]:
                    total = total + value
                coarse[r, c], some[r, c] = total * F(1 / len(there)), True
    coarse = filled(coarse, some)
    cover = np.repeat(np.repeat(coarse, 2, axis=0), 2, axis=1)[:rows, :columns]
    return np.where(valid, values, cover)


def hash_of(reference: Singles) -> int:
    """Of the whole reference."""
    return crc32c(reference.astype("<f4").tobytes())


def moved(reference: Singles, move: tuple[int, int]) -> Singles:
    """The reference as a tile with this move sees it."""
    rows = np.clip(np.arange(reference.shape[1]) + move[0], 0, reference.shape[1] - 1)
    columns = np.clip(np.arange(reference.shape[2]) + move[1], 0, reference.shape[2] - 1)
    return reference[:, rows][:, :, columns]


def predicted_part(
    found: Prediction, tensors: HistoryTensors, wavelets: Singles, subbands: list[Subband], bases: list[Singles] | None
) -> list[Singles]:
    """What is added to the coefficients of each of a tile's sub-bands, [components][rows][columns]. `wavelets` are
    those of the moved reference; `bases` by level, 0 for the low band, or None for a tile of mode 14."""
    result = []
    n = len(wavelets)
    for band in subbands:
        region = wavelets[:, band.row : band.row + band.rows, band.column : band.column + band.columns]
        level = 0 if band.orientation == LL else band.level
        parts = []
        for k in range(n):
            if bases is None:
                y = region[k]
            else:
                basis = bases[level]
                y = basis[k, 0] * region[0]
                for b in range(1, n):
                    y = y + basis[k, b] * region[b]
            if found.quarters is not None:
                weight = F(found.quarters[min(level, 9)][kappa(k)] / 4)
            else:
                weight = F(tensors.weights[found.profile][min(level, 9)][kappa(k)] / 16)
            part = weight * y
            if found.blocks is not None and band.level <= 4 + found.size:
                part = part * _shares(found, band)
            parts.append(part)
        result.append(np.stack(parts))
    return result


def _shares(found: Prediction, band: Subband) -> Singles:
    assert found.blocks is not None
    shift = 4 + found.size - band.level
    last_row, last_column = len(found.blocks) - 1, len(found.blocks[0]) - 1
    return np.array(
        [
            [found.blocks[min(y >> shift, last_row)][min(x >> shift, last_column)] for x in range(band.columns)]
            for y in range(band.rows)
        ],
        np.float32,
    ).reshape(band.rows, band.columns)
