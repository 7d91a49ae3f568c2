"""Octets by Docs/packet-format.md: varints, checksums, packets. Written from the page, not from the Swift sources."""

from __future__ import annotations

import ctypes
import functools
import struct
from collections.abc import Callable
from dataclasses import dataclass

from faults.daemons import ROOT
from faults.interposer import build


def _table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_TABLE = (ctypes.c_uint32 * 256)(*_table())


@functools.cache
def _library() -> Callable[[object, bytes, int], int]:
    function = ctypes.CDLL(str(build(ROOT / ".build" / "faults", "checksum"))).faults_crc32c
    function.restype = ctypes.c_uint32
    function.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t)
    return function


def crc32c(octets: bytes) -> int:
    """CRC-32C of RFC 3720."""
    return _library()(_TABLE, bytes(octets), len(octets))


def varint(value: int) -> bytes:
    """Unsigned LEB128."""
    octets = bytearray()
    while value > 127:
        octets.append(value & 127 | 128)
        value >>= 7
    octets.append(value)
    return bytes(octets)


def svarint(value: int) -> bytes:
    """Zigzag varint."""
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def text(value: str) -> bytes:
    """Count of octets, then UTF-8."""
    octets = value.encode()
    return varint(len(octets)) + octets


class Reader:
    """Reads fields in order; raises IndexError or struct.error where the octets end."""

    def __init__(self, octets: bytes, place: int = 0) -> None:
        self.octets = octets
        self.place = place

    def u8(self) -> int:
        """One octet."""
        self.place += 1
        return self.octets[self.place - 1]

    def u32(self) -> int:
        """Four octets."""
        self.place += 4
        return struct.unpack_from("<I", self.octets, self.place - 4)[0]

    def u64(self) -> int:
        """Eight octets."""
        self.place += 8
        return struct.unpack_from("<Q", self.octets, self.place - 8)[0]

    def varint(self) -> int:
        """Unsigned LEB128."""
        value = shift = 0
        while True:
            octet = self.u8()
            value |= (octet & 127) << shift
            shift += 7
            if octet < 128:
                return value

    def svarint(self) -> int:
        """Zigzag varint."""
        value = self.varint()
        return value >> 1 if value & 1 == 0 else -(value >> 1) - 1

    def take(self, count: int) -> bytes:
        """So many octets as they are."""
        if self.place + count > len(self.octets):
            raise IndexError(f"{count} octets at {self.place} of {len(self.octets)}")
        self.place += count
        return self.octets[self.place - count : self.place]

    def text(self) -> str:
        """Count of octets, then UTF-8."""
        return self.take(self.varint()).decode()

    def rest(self) -> bytes:
        """What is left."""
        return self.take(len(self.octets) - self.place)

    @property
    def left(self) -> int:
        """Octets not read yet."""
        return len(self.octets) - self.place


def frame_packet(frame: int, group: str, payload: bytes, declaration: int = 1) -> bytes:
    """Part 0 of a frame of one layer, its group in the metadata: what a station would send, but for its tokens."""
    body = b"\x04" + varint(declaration) + varint(frame) + b"\x40" + text(group) + payload
    return body + struct.pack("<I", crc32c(body))


@dataclass(frozen=True)
class PacketHead:
    """What the checker reads of a packet."""

    kind: int
    layer: int
    is_last: bool
    declaration: int
    frame: int
    group: str


def packet_head(packet: bytes) -> PacketHead:
    """Flags, numbers and the group of the metadata; ValueError where the checksum does not fit."""
    if crc32c(packet[:-4]) != struct.unpack("<I", packet[-4:])[0]:
        raise ValueError("the checksum of a packet does not fit")
    reader = Reader(packet[:-4])
    flags = reader.u8()
    kind = flags & 3
    declaration = reader.varint()
    frame = reader.varint() if kind != 2 else 0
    group = ""
    if kind == 0:
        group = _group(reader)
    return PacketHead(kind, flags >> 3, bool(flags & 4), declaration, frame, group)


def _group(reader: Reader) -> str:
    flags = reader.u8()
    if flags & 3:
        reader.svarint()
    origin = flags >> 2 & 3
    if origin == 1:
        reader.svarint()
        reader.svarint()
    elif origin == 2:
        reader.take(16)
    if flags & 16:
        reader.u8()
    if flags & 32:
        reader.text()
    return reader.text() if flags & 64 else ""
