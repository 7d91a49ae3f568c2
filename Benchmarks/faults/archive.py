"""What a gateway filed, read from the segments by Docs/archive-format.md: a second opinion beside `perigee archive`."""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from faults.octets import Reader, crc32c, packet_head

_HEADER = 16


@dataclass(frozen=True)
class Stored:
    """One record: a packet under its identity."""

    station: str
    epoch: bytes
    number: int
    packet: bytes


@dataclass(frozen=True)
class Buried:
    """One tombstone: numbers that will never come."""

    station: str
    epoch: bytes
    numbers: range
    reason: int
    frames: int


@dataclass
class Filed:
    """All records of an archive."""

    records: list[Stored] = field(default_factory=list)
    tombstones: set[Buried] = field(default_factory=set)
    duplicates: int = 0
    conflicts: int = 0
    damaged: int = 0

    def holes(self, station: str, epoch: bytes, highest: int) -> tuple[list[int], list[int]]:
        """Numbers up to `highest` without a packet: those that a tombstone explains, and those that none does."""
        there = {record.number for record in self.records if (record.station, record.epoch) == (station, epoch)}
        explained: set[int] = set()
        for buried in self.tombstones:
            if (buried.station, buried.epoch) == (station, epoch):
                explained.update(buried.numbers)
        missing = [number for number in range(1, highest + 1) if number not in there]
        return [n for n in missing if n in explained], [n for n in missing if n not in explained]

    def identities(self) -> dict[tuple[str, bytes, int], bytes]:
        """Packet by identity."""
        return {(record.station, record.epoch, record.number): record.packet for record in self.records}

    def frames(self, station: str | None = None) -> Counter[str]:
        """How often each frame (by the group of its part 0) is there, declarations and later parts left out."""
        found: Counter[str] = Counter()
        for record in self.records:
            if station is None or record.station == station:
                head = packet_head(record.packet)
                if head.kind == 0:
                    found[head.group] += 1
        return found


def read_archive(folder: Path) -> Filed:
    """Every whole record of every segment. What is torn or damaged is passed over octet by octet, and counted."""
    filed = Filed()
    known: dict[tuple[str, bytes, int], bytes] = {}
    for path in sorted((folder / "segments").glob("*.seg")):
        octets = path.read_bytes()
        place = _HEADER
        while place + 30 <= len(octets):
            record = _record(octets, place)
            if record is None:
                filed.damaged += 1
                place += 1
                continue
            stored, place = record
            if isinstance(stored, Buried):
                filed.duplicates += stored in filed.tombstones
                filed.tombstones.add(stored)
                continue
            identity = (stored.station, stored.epoch, stored.number)
            if identity in known:
                if known[identity] == stored.packet:
                    filed.duplicates += 1
                else:
                    filed.conflicts += 1
                continue
            known[identity] = stored.packet
            filed.records.append(stored)
    return filed


def _record(octets: bytes, place: int) -> tuple[Stored | Buried, int] | None:
    size = struct.unpack_from("<I", octets, place)[0]
    end = place + 4 + size
    if not 26 <= size <= 8_300 or end > len(octets):
        return None
    body = octets[place : end - 4]
    if crc32c(body) != struct.unpack_from("<I", octets, end - 4)[0]:
        return None
    reader = Reader(body, 4)
    kind = reader.u8()
    station, epoch, number = reader.text(), reader.take(16), reader.varint()
    reader.svarint()
    if kind == 2:
        count, reason, frames = reader.varint(), reader.u8(), reader.varint()
        return Buried(station, epoch, range(number, number + count), reason, frames), end
    return Stored(station, epoch, number, reader.rest()), end
