"""What is still to be made. A task goes when its product is filed, so a worker that dies leaves it to the next."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perigee_cluster.archive import ArchivedFrame, Cursor
from perigee_cluster.archive.index import FrameKey
from perigee_cluster.products.catalog import Catalog
from perigee_cluster.products.product import MEASURED

BATCH = 64
LONGEST = 600.0
"""Seconds between two attempts at most."""
ATTEMPTS = 8
"""Of a method that refuses a frame; then the task waits for more packets, or for `reprocess`."""
COLUMNS = "station, epoch, declaration, frame, method, received, changed, is_forced, attempts, reason"


@dataclass(frozen=True)
class Task:
    """One method over one frame."""

    key: FrameKey
    method: str
    received: int
    """When the frame's last packet was filed, in ms since 1970."""
    changed: int
    is_forced: bool
    """Made although a product of the same packets is there: its history may be another."""
    attempts: int
    reason: str | None


class Tasks:
    """The queue in the catalog: the decode of packets before all else, then the others in the order of acquisition."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def cursor(self, of: str) -> Cursor | None:
        """How far a look at an archive came."""
        with self._catalog.session() as session:
            found = session.execute("SELECT value FROM notes WHERE name = ?", (of,)).fetchone()
        return None if found is None else Cursor.parse(found[0])

    def found(
        self, of: str, frames: Sequence[ArchivedFrame], usable: Sequence[ArchivedFrame], methods: Sequence[str]
    ) -> None:
        """Notes methods over what is usable of the frames that came, and how far that was, in one transaction."""
        with self._catalog.session() as session:
            for frame in usable:
                for method in methods:
                    _insert(session, frame, method, is_forced=False)
            session.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (of, str(frames[-1].cursor)))

    def wake(self, frames: Sequence[ArchivedFrame]) -> None:
        """Has tasks tried again now that waited, as for a frame that theirs is predicted from, in these epochs."""
        where = "station = ? AND epoch = ? AND reason IS NOT NULL AND due IS NOT NULL"
        with self._catalog.session() as session:
            for station, epoch in {(frame.station, frame.epoch) for frame in frames}:
                session.execute(f"UPDATE tasks SET due = 0 WHERE {where}", (station, epoch))

    def force(self, frames: Sequence[ArchivedFrame], method: str) -> int:
        """Asks for a method over frames once more; answers how many."""
        with self._catalog.session() as session:
            for frame in frames:
                _insert(session, frame, method, is_forced=True)
        return len(frames)

    def due(self, now: float, methods: Sequence[str] | None = None, limit: int = BATCH) -> list[Task]:
        """The next tasks, the first one first."""
        where = "" if methods is None else f" AND method IN ({','.join('?' * len(methods))})"
        with self._catalog.session() as session:
            rows = session.execute(
                f"SELECT {COLUMNS} FROM tasks WHERE due <= ?{where}"
                f" ORDER BY stage, time IS NULL, time, changed LIMIT ?",
                (now, *(methods or ()), limit),
            )
            return [_task(row) for row in rows]

    def again(self, task: Task) -> Task | None:
        """The task as it is now; None where another worker was faster."""
        with self._catalog.session() as session:
            row = session.execute(f"SELECT {COLUMNS} FROM tasks WHERE {_KEY}", _key(task)).fetchone()
        return None if row is None else _task(row)

    def done(self, task: Task) -> None:
        """Takes it away, but for packets that came since it was read."""
        with self._catalog.session() as session:
            session.execute(f"DELETE FROM tasks WHERE {_KEY} AND changed <= ?", (*_key(task), task.changed))

    def failed(self, task: Task, reason: str, now: float, is_final: bool = False) -> None:
        """Puts it off, longer each time; `is_final`: until more packets of the frame come."""
        wait = min(2.0 ** min(task.attempts, 20), LONGEST)
        due = None if is_final else now + wait
        with self._catalog.session() as session:
            session.execute(
                f"UPDATE tasks SET attempts = attempts + 1, due = ?, reason = ? WHERE {_KEY} AND changed <= ?",
                (due, reason, *_key(task), task.changed),
            )

    def hold(self, until: float) -> None:
        """Puts all off: a full disk is full for everybody."""
        with self._catalog.session() as session:
            session.execute("UPDATE tasks SET due = ? WHERE due < ?", (until, until))

    def count(self) -> dict[str, int]:
        """Tasks that are `ready`, that wait to be tried again, and that were given up."""
        with self._catalog.session() as session:
            rows = session.execute(
                "SELECT CASE WHEN due IS NULL THEN 'given_up' WHEN reason IS NULL THEN 'ready' ELSE 'waiting' END,"
                " count(*) FROM tasks GROUP BY 1"
            ).fetchall()
        return {"ready": 0, "waiting": 0, "given_up": 0, **dict(rows)}


_KEY = "station = ? AND epoch = ? AND declaration = ? AND frame = ? AND method = ?"


def _key(task: Task) -> tuple[str, bytes, int, int, str]:
    return task.key.station, task.key.epoch, task.key.declaration, task.key.frame, task.method


def _task(row: tuple) -> Task:
    return Task(FrameKey(*row[:4]), row[4], row[5], row[6], bool(row[7]), row[8], row[9])


def _insert(session: sqlite3.Connection, frame: ArchivedFrame, method: str, is_forced: bool) -> None:
    key = frame.row.key
    time = None if frame.time is None else int(frame.time.astype("datetime64[ms]").astype(np.int64))
    session.execute(
        "INSERT INTO tasks (station, epoch, declaration, frame, method, stage, time, received, changed, is_forced)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET time = excluded.time,"
        " received = excluded.received, changed = excluded.changed, is_forced = max(is_forced, excluded.is_forced),"
        " attempts = 0, due = 0, reason = NULL",
        (
            key.station, key.epoch, key.declaration, key.frame, method, int(method != MEASURED), time,
            frame.row.received, frame.row.changed, is_forced,
        ),
    )  # fmt: skip
