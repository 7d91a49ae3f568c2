"""Packets, and the records of segments that hold them. Sources: Docs/packet-format.md section 3, Docs/archive-format.md
section 2."""

from __future__ import annotations

from dataclasses import dataclass

from perigee_cluster.archive.octets import FormatError, Reader, crc32c, refuse_unless

PACKET_LIMIT = 8_192
RECORD_SIZES = range(26, 8_301)
DECLARATION_LIMIT = 1 << 20
PART_LIMIT = 1 << 24


@dataclass(frozen=True)
class Packet:
    """One packet, its checksum proven; `body` is a declaration, or metadata and payload, or payload alone."""

    kind: int
    """0 part 0 of a frame, 1 a later part, 2 a declaration."""
    is_last: bool
    layer: int
    declaration: int
    frame: int
    part: int
    body: bytes


def parse_packet(octets: bytes) -> Packet:
    """A packet as it came."""
    refuse_unless(5 < len(octets) <= PACKET_LIMIT, "packet size", len(octets))
    found = int.from_bytes(octets[-4:], "little")
    if crc32c(octets[:-4]) != found:
        raise FormatError(f"checksum of the packet is {found:08x}, its octets have another")
    reader = Reader(octets[:-4])
    flags = reader.u8("packet flags")
    kind = flags & 3
    refuse_unless(kind < 3 and (kind != 2 or flags == 2), "packet flags", flags)
    declaration = reader.varint("declaration", high=DECLARATION_LIMIT)
    frame = reader.varint("frame") if kind < 2 else 0
    part = reader.varint("part", 1, PART_LIMIT) if kind == 1 else 0
    return Packet(kind, bool(flags & 4), flags >> 3, declaration, frame, part, reader.rest())


def parse_record(octets: bytes) -> bytes:
    """The packet in a record at the start of `octets`."""
    size = Reader(octets).u32("record size")
    refuse_unless(size in RECORD_SIZES, "record size", size)
    end = 4 + size
    if len(octets) < end:
        raise FormatError(f"record needs {end} octets, {len(octets)} are left")
    body = octets[: end - 4]
    if crc32c(body) != int.from_bytes(octets[end - 4 : end], "little"):
        raise FormatError("checksum of the record differs")
    reader = Reader(body)
    reader.take(4, "record size")
    kind = reader.u8("record kind")
    refuse_unless(kind == 1, "record kind", f"{kind}, not a packet")
    reader.text("station", 32)
    reader.take(16, "epoch")
    reader.varint("number", 1, (1 << 62) - 1)
    reader.svarint("received")
    return reader.rest()
