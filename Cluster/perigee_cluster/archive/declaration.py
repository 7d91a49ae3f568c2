"""Declarations and the metadata of frames. Source: Docs/packet-format.md sections 1 and 2."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perigee_cluster.archive.octets import FormatError, Reader, refuse_unless
from perigee_cluster.archive.profiles import BAND_LIMIT, SAMPLE_TYPES, Profile
from perigee_cluster.data.grid import Band, Grid

SIDE_LIMIT = 1 << 20
TIME_LIMIT = 1 << 53
"""Milliseconds: beyond it a date has no meaning, and datetime64 could overflow."""


class UnknownFirmwareError(LookupError):
    """A declaration of a firmware that is not here."""

    def __init__(self, firmware: int) -> None:
        super().__init__(f"firmware {firmware:08x} is not here: add the folder of its bundle to --firmware")
        self.firmware = firmware


@dataclass(frozen=True)
class Declaration:
    """Section 1, resolved against the firmware; `bands` in the order of the samples."""

    firmware: int
    profile: Profile
    bands: tuple[Band, ...]
    rows: int
    columns: int
    sample_type: str
    nodata: float | None
    scale: float
    offset: float
    is_verbatim: bool
    crs: str | None
    matrix: tuple[float, float, float, float] | None
    """a, b, d, e of the grid."""
    base_frame: int
    base_time: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Bands, rows, columns."""
        return len(self.bands), self.rows, self.columns


@dataclass(frozen=True)
class Metadata:
    """Section 2."""

    time: np.datetime64 | None
    """Of acquisition; None also where only the reception is known."""
    origin: tuple[float, float] | None
    place: str | None
    group: str | None
    references: tuple[tuple[int, int], ...]
    """(back, layers) of each frame that this one is predicted from."""
    mix: int
    """Quarters of the second of them."""
    reference_hash: int
    replaces: tuple[bytes | None, int] | None
    """Of a frame that was sent again without references: how far back that lies which it stands for, in the same epoch
    (None), or its epoch and number."""


def firmware_of(octets: bytes) -> int:
    """The firmware that the body of a declaration names."""
    reader = Reader(octets)
    if reader.u8("declaration flags") & 128:
        reader.u8("more flags")
    return reader.u32("firmware")


def parse_declaration(octets: bytes, profiles: Sequence[Profile]) -> Declaration:
    """The body of a declaration; `profiles` are those of the firmware that it names."""
    reader = Reader(octets)
    flags = reader.u8("declaration flags")
    more = reader.u8("more flags") if flags & 128 else 0
    refuse_unless(more < 16 and (more != 0 or not flags & 128), "more flags", more)
    refuse_unless((flags >> 3) & 3 < 3, "nodata mode", 3)
    refuse_unless(flags & 3 != 3, "declaration flags", "a band list beside an inline profile")
    firmware = reader.u32("firmware")
    profile, indices = _profile(reader, flags, profiles)
    rows, columns = (reader.varint(side, 1, SIDE_LIMIT) for side in ("rows", "columns"))
    sample_type = profile.sample_type
    if flags & 4:
        kind = reader.u8("sample type")
        refuse_unless(kind < len(SAMPLE_TYPES), "sample type", kind)
        sample_type = SAMPLE_TYPES[kind]
    nodata_mode = (flags >> 3) & 3
    nodata = reader.f64("nodata") if nodata_mode == 2 else None if nodata_mode == 1 else profile.nodata
    scale, offset = profile.scale, profile.offset
    if flags & 32:
        scale, offset = reader.f64("scale"), reader.f64("offset")
        refuse_unless(math.isfinite(scale) and math.isfinite(offset), "scale, offset", (scale, offset))
    crs, matrix = _grid(reader) if flags & 64 else (None, None)
    base_frame, base_time = (reader.varint("base frame"), reader.svarint("base time")) if more & 2 else (0, 0)
    if more & 4:
        reader.text("platform")
    if more & 8:
        for _ in range(reader.varint("instruments", high=8)):
            reader.text("instrument")
    refuse_unless(not reader.rest(), "declaration", "longer than its fields")
    return Declaration(
        firmware, profile, tuple(profile.bands[index] for index in indices), rows, columns, sample_type, nodata, scale,
        offset, bool(more & 1), crs, matrix, base_frame, base_time,
    )  # fmt: skip


def _profile(reader: Reader, flags: int, profiles: Sequence[Profile]) -> tuple[Profile, list[int]]:
    index = 0 if flags & 1 else reader.varint("profile index", high=255)
    indices = None
    if flags & 2:
        indices = [reader.varint("band index") for _ in range(reader.varint("band count", 1, BAND_LIMIT))]
    if flags & 1:
        profile = Profile.parse(reader)
    elif index < len(profiles):
        profile = profiles[index]
    else:
        raise FormatError(f"profile index is {index}, the firmware has {len(profiles)} profiles")
    if indices is None:
        indices = list(range(len(profile.bands)))
    is_list = max(indices) < len(profile.bands) and len(set(indices)) == len(indices)
    refuse_unless(is_list, "band list", indices)
    return profile, indices


def _grid(reader: Reader) -> tuple[str, tuple[float, float, float, float]]:
    crs = reader.u8("crs")
    refuse_unless(crs <= 120, "crs", crs)
    code = reader.varint("EPSG code", high=32_767) if crs == 0 else 32_600 + crs if crs <= 60 else 32_640 + crs
    halves = reader.varint("pixel size")
    if halves:
        return f"EPSG:{code}", (halves / 2, 0.0, 0.0, -halves / 2)
    a, b, d, e = (reader.f64(f"pixel {name}") for name in "abde")
    refuse_unless(all(map(math.isfinite, (a, b, d, e))) and a * e != b * d, "pixel", (a, b, d, e))
    return f"EPSG:{code}", (a, b, d, e)


def parse_metadata(reader: Reader, owner: Declaration) -> Metadata:
    """The metadata at the reader, of a frame of `owner`."""
    flags = reader.u8("metadata flags")
    kind = flags & 3
    time = None
    if kind:
        milliseconds = owner.base_time + reader.svarint("time") * (1_000 if kind == 1 else 1)
        refuse_unless(abs(milliseconds) < TIME_LIMIT, "time", milliseconds)
        time = np.datetime64(milliseconds, "ms") if kind != 3 else None
    origin = _origin(reader, flags >> 2 & 3, owner)
    if flags & 16:
        reader.u8("sun elevation")
    place = reader.text("place") if flags & 32 else None
    group = reader.text("group") if flags & 64 else None
    references: list[tuple[int, int]] = []
    reference_hash = 0
    mix = 0
    replaces: tuple[bytes | None, int] | None = None
    if flags & 128:
        mix, count = divmod(reader.varint("references", 0, 20), 8)
        refuse_unless(count <= 4 and (count > 1 or not mix), "references", count)
        if count == 0:
            replaces = _replaced(reader)
        for _ in range(count):
            value = reader.varint("reference", high=(1 << 52) + 14)
            refuse_unless(value & 15 < 15, "layers of a reference", 16)
            references.append((value >> 4, (value & 15) + 1))
        if count:
            reference_hash = reader.u32("reference hash")
    return Metadata(time, origin, place, group, tuple(references), mix, reference_hash, replaces)


def _replaced(reader: Reader) -> tuple[bytes | None, int]:
    back = reader.varint("replaced", high=1 << 48)
    if back:
        return None, back
    return reader.take(16, "epoch of the replaced frame"), reader.varint("replaced frame", high=(1 << 62) - 1)


def _origin(reader: Reader, kind: int, owner: Declaration) -> tuple[float, float] | None:
    refuse_unless(kind < 3, "origin", kind)
    if kind == 1:
        refuse_unless(owner.matrix is not None and owner.matrix[1:3] == (0, 0), "origin", "without a north-up grid")
        a, _, _, e = owner.matrix or (0.0, 0.0, 0.0, 0.0)
        return reader.svarint("origin x") * a, reader.svarint("origin y") * abs(e)
    if kind == 2:
        x, y = reader.f64("origin x"), reader.f64("origin y")
        refuse_unless(math.isfinite(x) and math.isfinite(y), "origin", (x, y))
        return x, y
    return None


def grid_of(declaration: Declaration, metadata: Metadata) -> Grid | None:
    """Where the frame's samples lie; None where nobody said it."""
    if declaration.crs is None or declaration.matrix is None or metadata.origin is None:
        return None
    (a, b, d, e), (c, f) = declaration.matrix, metadata.origin
    return Grid(declaration.crs, (a, b, c, d, e, f), declaration.rows, declaration.columns)
