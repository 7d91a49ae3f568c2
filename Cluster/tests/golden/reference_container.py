"""Token files, written from Docs/packet-format.md sections 1, 2 and 4 alone. Slow and plain on purpose."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

SAMPLE_TYPES = ("uint8", "uint16", "int16", "int32", "float32")


class FormatError(Exception):
    """The octets are no token file of version 1; the text names the field."""


def crc32c(octets: bytes) -> int:
    """CRC-32C of RFC 3720, bit by bit."""
    value = 0xFFFFFFFF
    for octet in octets:
        value ^= octet
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def refuse_unless(condition: bool, field_name: str, found: object) -> None:
    """Raises where a field has a value that the document does not name."""
    if not condition:
        raise FormatError(f"{field_name} is {found}")


class Reader:
    """Takes fields from octets, in order."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.position = 0

    def take(self, count: int, name: str) -> bytes:
        """The next `count` octets."""
        refuse_unless(count <= len(self.octets) - self.position, name, "truncated")
        self.position += count
        return self.octets[self.position - count : self.position]

    def number(self, code: str, name: str) -> float:
        """A little-endian number by its struct code."""
        return struct.unpack("<" + code, self.take(struct.calcsize("<" + code), name))[0]

    def u8(self, name: str) -> int:
        """One octet."""
        return self.take(1, name)[0]

    def varint(self, name: str, low: int = 0, high: int = (1 << 64) - 1) -> int:
        """Unsigned LEB128 within limits."""
        value = 0
        for index in range(10):
            octet = self.u8(name)
            value |= (octet & 127) << 7 * index
            if octet < 128:
                refuse_unless(index == 0 or octet != 0, name, "longer than needed")
                refuse_unless(low <= value <= high, name, value)
                return value
        raise FormatError(f"{name} has more than 10 octets")

    def svarint(self, name: str) -> int:
        """Zigzag."""
        value = self.varint(name)
        return (value >> 1) ^ -(value & 1)

    def text(self, name: str) -> str:
        """At most 64 octets of UTF-8 without control characters."""
        text = self.take(self.varint(name, high=64), name).decode("utf-8")
        refuse_unless(not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text), name, repr(text))
        return text


@dataclass
class Band:
    """A band of a profile; numbers as doubles, None where not known."""

    name: str
    wavelength: float | None = None
    gsd: float | None = None
    categorical: bool = False


@dataclass
class Profile:
    """What a decoder needs of a sensor."""

    name: str
    sample_type: str
    peak: float
    scale: float
    offset: float
    nodata: float | None
    bands: list[Band]
    known: bool = True


@dataclass
class Declaration:
    """Section 1, resolved against the profile: bands in the order of the samples, with their places in the profile."""

    firmware: int
    profile: Profile
    band_indices: list[int]
    rows: int
    columns: int
    sample_type: str
    nodata: float | None
    scale: float
    offset: float
    verbatim: bool = False
    epsg: int | None = None
    pixel: tuple[float, float, float, float] | None = None
    base_frame: int = 0
    base_time: int = 0
    platform: str | None = None
    instruments: list[str] | None = None

    @property
    def bands(self) -> list[Band]:
        """Bands in the order of the samples."""
        return [self.profile.bands[i] for i in self.band_indices]


@dataclass
class Metadata:
    """Section 2."""

    time: int | None = None
    time_kind: int = 0
    origin: tuple[float, float] | None = None
    sun: float | None = None
    place: str | None = None
    group: str | None = None
    references: list[tuple[int, int]] = field(default_factory=list)
    """(back, layers)"""
    mix: int = 0
    reference_hash: int = 0
    replaced: tuple[int, bytes | None, int] | None = None
    """(back, epoch, number); the latter two of a frame of another epoch"""


@dataclass
class TokenFile:
    """Section 4."""

    epoch: bytes
    declaration: Declaration
    frame: int
    metadata: Metadata
    layers: list[bytes] = field(default_factory=list)


def inline_profile(reader: Reader) -> Profile:
    """A profile spelled out; its bands are in the order of the samples."""
    name = reader.text("profile name")
    kind = reader.u8("profile sample type")
    refuse_unless(kind < len(SAMPLE_TYPES), "profile sample type", kind)
    nodata_flag = reader.u8("profile nodata flag")
    refuse_unless(nodata_flag < 2, "profile nodata flag", nodata_flag)
    peak, scale, offset = (reader.number("d", part) for part in ("peak", "scale", "offset"))
    refuse_unless(peak > 0, "peak", peak)
    nodata = reader.number("d", "profile nodata") if nodata_flag else None
    bands = []
    for _ in range(reader.varint("profile band count", 1, 1024)):
        band = Band(reader.text("band name"))
        flags = reader.u8("band flags")
        refuse_unless(flags < 16, "band flags", flags)
        values = [reader.number("f", "band number") if flags >> bit & 1 else None for bit in range(3)]
        refuse_unless(all(v is None or v > 0 for v in values), "band number", values)
        band.wavelength, band.gsd, band.categorical = values[0], values[2], bool(flags & 8)
        bands.append(band)
    return Profile(name, SAMPLE_TYPES[kind], peak, scale, offset, nodata, bands, known=False)


def declaration(reader: Reader, profiles: list[Profile]) -> Declaration:
    """Section 1."""
    flags = reader.u8("declaration flags")
    more = reader.u8("more flags") if flags & 128 else 0
    refuse_unless(more < 16 and (more != 0 or not flags & 128), "more flags", more)
    nodata_mode = flags >> 3 & 3
    refuse_unless(nodata_mode < 3, "nodata mode", nodata_mode)
    refuse_unless(flags & 3 != 3, "declaration flags", "band list beside an inline profile")
    firmware = int(reader.number("I", "firmware"))
    index = 0 if flags & 1 else reader.varint("profile index", high=255)
    indices = None
    if flags & 2:
        indices = [reader.varint("band index") for _ in range(reader.varint("band count", 1, 1024))]
    if flags & 1:
        profile = inline_profile(reader)
    else:
        refuse_unless(index < len(profiles), "profile index", index)
        profile = profiles[index]
    if indices is None:
        indices = list(range(len(profile.bands)))
    refuse_unless(max(indices) < len(profile.bands) and len(set(indices)) == len(indices), "band list", indices)
    rows, columns = (reader.varint(side, 1, 1 << 20) for side in ("rows", "columns"))
    sample_type = profile.sample_type
    if flags & 4:
        kind = reader.u8("sample type")
        refuse_unless(kind < len(SAMPLE_TYPES), "sample type", kind)
        sample_type = SAMPLE_TYPES[kind]
    nodata = (profile.nodata, None, None)[nodata_mode] if nodata_mode < 2 else reader.number("d", "nodata")
    scale, offset = profile.scale, profile.offset
    if flags & 32:
        scale, offset = reader.number("d", "scale"), reader.number("d", "offset")
    result = Declaration(firmware, profile, indices, rows, columns, sample_type, nodata, scale, offset, bool(more & 1))
    if flags & 64:
        grid(reader, result)
    if more & 2:
        result.base_frame, result.base_time = reader.varint("base frame"), reader.svarint("base time")
    if more & 4:
        result.platform = reader.text("platform")
    if more & 8:
        result.instruments = [reader.text("instrument") for _ in range(reader.varint("instruments", high=8))]
    return result


def grid(reader: Reader, result: Declaration) -> None:
    """CRS and pixel size of a declaration."""
    crs = reader.u8("crs")
    refuse_unless(crs <= 120, "crs", crs)
    if crs == 0:
        result.epsg = reader.varint("EPSG code", high=32767)
    else:
        result.epsg = 32600 + crs if crs <= 60 else 32700 + crs - 60
    halves = reader.varint("pixel size")
    if halves:
        result.pixel = (halves / 2, 0.0, 0.0, -halves / 2)
    else:
        a, b, d, e = (reader.number("d", part) for part in "abde")
        result.pixel = (a, b, d, e)


def metadata(reader: Reader, owner: Declaration) -> Metadata:
    """Section 2."""
    flags = reader.u8("metadata flags")
    result = Metadata(time_kind=flags & 3)
    origin = flags >> 2 & 3
    refuse_unless(origin < 3, "origin", origin)
    if result.time_kind:
        unit = 1000 if result.time_kind == 1 else 1
        result.time = owner.base_time + reader.svarint("time") * unit
    if origin == 1:
        refuse_unless(owner.pixel is not None and owner.pixel[1:3] == (0, 0), "origin", "without a north-up grid")
        assert owner.pixel is not None
        x, y = reader.svarint("origin x"), reader.svarint("origin y")
        result.origin = (x * owner.pixel[0], y * abs(owner.pixel[3]))
    elif origin == 2:
        result.origin = (reader.number("d", "origin x"), reader.number("d", "origin y"))
    result.sun = reader.u8("sun elevation") / 2 - 37 if flags & 16 else None
    result.place = reader.text("place") if flags & 32 else None
    result.group = reader.text("group") if flags & 64 else None
    if flags & 128:
        shape = reader.varint("references", 0, 20)
        if shape == 0:
            back = reader.varint("replaced", high=1 << 48)
            epoch = None if back else reader.take(16, "replaced epoch")
            result.replaced = (back, epoch, 0 if back else reader.varint("replaced", high=(1 << 62) - 1))
            return result
        result.mix, count = divmod(shape, 8)
        refuse_unless(1 <= count <= 4 and (count > 1 or not result.mix), "references", count)
        for _ in range(count):
            value = reader.varint("reference", high=(1 << 52) + 14)
            refuse_unless(value & 15 < 15, "layers of a reference", 16)
            result.references.append((value >> 4, (value & 15) + 1))
        result.reference_hash = int(reader.number("I", "reference hash"))
    return result


def token_file(octets: bytes, profiles: list[Profile]) -> TokenFile:
    """Section 4; `profiles` are those of the firmware that the file names."""
    reader = Reader(octets)
    refuse_unless(reader.take(3, "magic") == b"PGT", "magic", octets[:3])
    version = reader.u8("version")
    refuse_unless(version & 15 == 1, "version", version & 15)
    refuse_unless(version >> 4 >= 1, "layer count", 0)
    epoch = reader.take(16, "epoch")
    declared = declaration(reader, profiles)
    frame = reader.varint("frame")
    result = TokenFile(epoch, declared, declared.base_frame + frame, metadata(reader, declared))
    sizes = [reader.varint("layer size") for _ in range(version >> 4)]
    header = octets[: reader.position]
    found = reader.number("H", "header checksum")
    refuse_unless(found == crc32c(header) & 0xFFFF, "header checksum", found)
    result.layers = [reader.take(size, "payload") for size in sizes]
    body = octets[: reader.position]
    found = reader.number("I", "checksum")
    refuse_unless(found == crc32c(body), "checksum", found)
    refuse_unless(reader.position == len(octets), "end", f"{len(octets) - reader.position} octets more")
    return result
