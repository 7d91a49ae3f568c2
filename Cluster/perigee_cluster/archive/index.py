"""The archive's index, read beside the gateway that writes it. Source: Docs/archive-format.md section 4."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

VERSION = 2
BATCH = 256


class ArchiveError(RuntimeError):
    """The archive cannot be read; the text ends with the remedy."""

    def __init__(self, text: str, is_missing: bool = False) -> None:
        super().__init__(text)
        self.is_missing = is_missing


@dataclass(frozen=True)
class PacketPlace:
    """Where a packet lies, and what the index knows of it."""

    number: int
    segment: int
    offset: int
    size: int
    part: int = 0
    layer: int = 0
    is_last: bool = False


class FrameKey(NamedTuple):
    """What the index knows a frame by, also without its declaration."""

    station: str
    epoch: bytes
    declaration: int
    frame: int


@dataclass(frozen=True)
class FrameRow:
    """A frame of the index: packets refer to (epoch_row, declaration, frame)."""

    station: str
    epoch: bytes
    epoch_row: int
    declaration: int
    frame: int
    received: int
    """Milliseconds since 1970, of its last packet by the gateway's clock."""
    changed: int

    @property
    def key(self) -> FrameKey:
        """The same in any index of the archive."""
        return FrameKey(self.station, self.epoch, self.declaration, self.frame)


class Index:
    """Queries of one archive. Each opens the file anew: a gateway may have made the index anew meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "index.sqlite"

    @contextmanager
    def session(self) -> Iterator[IndexSession]:
        """A connection that sees one state of the index for each query."""
        if not self.path.is_file():
            raise ArchiveError(
                f"no {self.path}: name the gateway's [archive] directory, or run `perigee archive reindex`",
                True,
            )
        try:
            address = self.path.resolve().as_uri()
            database = sqlite3.connect(f"{address}?mode=ro", uri=True, timeout=30, isolation_level=None)
            try:
                (version,) = database.execute("PRAGMA user_version").fetchone()
                if version != VERSION:
                    raise ArchiveError(
                        f"{self.path} has version {version}, must be {VERSION}: run `perigee archive reindex`"
                    )
                yield IndexSession(database)
            finally:
                database.close()
        except sqlite3.OperationalError as error:
            remedy = "start the gateway, or let this user write to the folder, where SQLite keeps index.sqlite-shm"
            if "unable to open" not in str(error):
                remedy = "look with `perigee archive verify`"
            raise ArchiveError(f"{self.path}: {error}; {remedy}") from error
        except sqlite3.Error as error:
            raise ArchiveError(f"{self.path}: {error}; look with `perigee archive verify`") from error


_PLACE = "p.number, p.segment, p.offset, p.size, p.part, p.layer, p.last"
_FRAME = (
    "SELECT e.station, e.epoch, f.epoch, f.declaration, f.frame, f.last, f.changed"
    " FROM frames f JOIN epochs e ON e.id = f.epoch"
)


class IndexSession:
    """One connection."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def fingerprint(self, change: int) -> int | None:
        """The checksum of the packet that a change number means; None where there is none."""
        found = self._database.execute("SELECT crc FROM packets WHERE id = ?", (change,)).fetchone()
        return None if found is None else found[0]

    def changed_after(self, change: int) -> list[FrameRow]:
        """The next frames that changed, in the order of change."""
        rows = self._database.execute(f"{_FRAME} WHERE f.changed > ? ORDER BY f.changed, f.id LIMIT {BATCH}", (change,))
        return [FrameRow(*row) for row in rows]

    def tied(self, row: FrameRow) -> list[FrameRow]:
        """The other frames that changed with `row`, behind it: a declaration that came late touches many at once."""
        found = self._database.execute(f"{_FRAME} WHERE f.changed = ? ORDER BY f.id", (row.changed,))
        rows = [FrameRow(*fields) for fields in found]
        return rows[rows.index(row) + 1 :] if row in rows else []

    def frame(self, key: FrameKey) -> FrameRow | None:
        """One frame."""
        where = " WHERE e.station = ? AND e.epoch = ? AND f.declaration = ? AND f.frame = ?"
        found = self._database.execute(_FRAME + where, key).fetchone()
        return None if found is None else FrameRow(*found)

    def parts(self, row: FrameRow) -> list[PacketPlace]:
        """Packets of a frame by part; where a station said a part again, the first one counts."""
        rows = self._database.execute(
            f"SELECT {_PLACE} FROM packets p WHERE p.epoch = ? AND p.declaration = ? AND p.frame = ? AND p.kind < 2"
            " ORDER BY p.part, p.id",
            (row.epoch_row, row.declaration, row.frame),
        )
        places: list[PacketPlace] = []
        for fields in rows:
            if not places or places[-1].part != fields[4]:
                places.append(PacketPlace(*fields[:6], bool(fields[6])))
        return places

    def declaration(self, row: FrameRow) -> PacketPlace | None:
        """Where the declaration of a frame lies; None where it has not come."""
        found = self._database.execute(
            "SELECT p.number, p.segment, p.offset, p.size FROM declarations d JOIN packets p ON p.id = d.packet"
            " WHERE d.epoch = ? AND d.declaration = ?",
            (row.epoch_row, row.declaration),
        ).fetchone()
        return None if found is None else PacketPlace(*found)

    def declarations(self, station: str, epoch: bytes) -> list[tuple[int, int, PacketPlace]]:
        """All declarations of an epoch: its row, the number, where the packet lies."""
        found = self._database.execute(
            "SELECT d.epoch, d.declaration, p.number, p.segment, p.offset, p.size FROM epochs e"
            " JOIN declarations d ON d.epoch = e.id JOIN packets p ON p.id = d.packet"
            " WHERE e.station = ? AND e.epoch = ?",
            (station, epoch),
        )
        return [(row, number, PacketPlace(*place)) for row, number, *place in found]
