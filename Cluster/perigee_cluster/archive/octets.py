"""Fields of octets, taken in order, with limits. Source: Docs/packet-format.md, definitions."""

from __future__ import annotations

import struct

import google_crc32c

TEXT_LIMIT = 64


class FormatError(ValueError):
    """Octets that no document names; the text says the field and what was found."""


def crc32c(*octets: bytes) -> int:
    """CRC-32C (RFC 3720) of all octets behind each other."""
    value = 0
    for part in octets:
        value = google_crc32c.extend(value, part)
    return value


def refuse_unless(condition: bool, name: str, found: object) -> None:
    """Raises where a field has a value that the document does not allow."""
    if not condition:
        raise FormatError(f"{name} is {found}, which the format does not allow")


class Reader:
    """Takes fields from octets, in order."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.offset = 0

    def take(self, size: int, name: str) -> bytes:
        """The next `size` octets."""
        left = len(self.octets) - self.offset
        if size > left:
            raise FormatError(f"{name} needs {size} octets, {left} are left")
        self.offset += size
        return self.octets[self.offset - size : self.offset]

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self.octets) - self.offset, "rest")

    def u8(self, name: str) -> int:
        """One octet."""
        return self.take(1, name)[0]

    def u32(self, name: str) -> int:
        """Four octets."""
        return int.from_bytes(self.take(4, name), "little")

    def f32(self, name: str) -> float:
        """A single."""
        return struct.unpack("<f", self.take(4, name))[0]

    def f64(self, name: str) -> float:
        """A double."""
        return struct.unpack("<d", self.take(8, name))[0]

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

    def text(self, name: str, limit: int = TEXT_LIMIT) -> str:
        """UTF-8 without control characters."""
        octets = self.take(self.varint(name, high=limit), name)
        try:
            text = octets.decode("utf-8")
        except UnicodeDecodeError:
            raise FormatError(f"{name} is no UTF-8") from None
        refuse_unless(not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text), name, repr(text))
        return text
