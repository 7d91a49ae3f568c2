"""What is on the shelf, and what is still to be made: one SQLite file beside the products, shared by all processes.

Products can be listed again from their items (`Shelf.reindex`); tasks come again from the archive.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERSION = 1
SCHEMA = """
CREATE TABLE products (
  id INTEGER PRIMARY KEY, collection TEXT NOT NULL, item TEXT NOT NULL, station TEXT NOT NULL, epoch TEXT NOT NULL,
  frame INTEGER NOT NULL, time INTEGER, west REAL, south REAL, east REAL, north REAL, version TEXT NOT NULL,
  packets TEXT NOT NULL, path TEXT NOT NULL, octets INTEGER NOT NULL, created INTEGER NOT NULL,
  UNIQUE (collection, item));
CREATE INDEX products_time ON products (time, id);
CREATE INDEX products_created ON products (created, id);
CREATE TABLE places (product INTEGER NOT NULL, place TEXT NOT NULL, PRIMARY KEY (place, product)) WITHOUT ROWID;
CREATE INDEX places_product ON places (product);
CREATE TABLE tasks (
  station TEXT NOT NULL, epoch BLOB NOT NULL, declaration INTEGER NOT NULL, frame INTEGER NOT NULL,
  method TEXT NOT NULL, stage INTEGER NOT NULL, time INTEGER, received INTEGER NOT NULL, changed INTEGER NOT NULL,
  is_forced INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, due INTEGER DEFAULT 0, reason TEXT,
  PRIMARY KEY (station, epoch, declaration, frame, method)) WITHOUT ROWID;
CREATE INDEX tasks_order ON tasks (stage, time, changed);
CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE counters (name TEXT NOT NULL, label TEXT NOT NULL, value REAL NOT NULL, PRIMARY KEY (name, label))
  WITHOUT ROWID;
"""


class CatalogError(RuntimeError):
    """The catalog cannot be used; the text ends with the remedy."""


@dataclass(frozen=True)
class Row:
    """A product of the catalog."""

    id: int
    collection: str
    item: str
    station: str
    epoch: str
    frame: int
    time: int | None
    """Milliseconds since 1970."""
    version: str
    packets: str
    path: str
    """Of the item, below the folder of products."""
    octets: int
    created: int


COLUMNS = "id, collection, item, station, epoch, frame, time, version, packets, path, octets, created"


class Catalog:
    """Opens the file anew for each use, so that threads and processes need not share anything."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def session(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all or nothing."""
        try:
            database = sqlite3.connect(self.path, timeout=60, isolation_level=None)
            try:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = NORMAL")
                database.execute("BEGIN IMMEDIATE")
                self._prepare(database)
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise
            finally:
                database.close()
        except sqlite3.DatabaseError as error:
            raise CatalogError(
                f"{self.path}: {error}; where it is damaged remove it, products are listed again from their items"
            ) from error

    def _prepare(self, database: sqlite3.Connection) -> None:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version == 0:
            for statement in SCHEMA.split(";"):
                if statement.strip():
                    database.execute(statement)
            database.execute(f"PRAGMA user_version = {VERSION}")
        elif version != VERSION:
            raise CatalogError(f"{self.path} has version {version}, must be {VERSION}: remove it, it is made anew")

    def count(self, name: str, label: str = "", by: float = 1) -> None:
        """Adds to a counter."""
        with self.session() as session:
            add(session, name, label, by)

    def counters(self) -> dict[tuple[str, str], float]:
        """All counters by name and label."""
        with self.session() as session:
            return {(name, label): value for name, label, value in session.execute("SELECT * FROM counters")}

    def row(self, collection: str, item: str) -> Row | None:
        """One product."""
        with self.session() as session:
            return row(session, collection, item)

    def rows(
        self, where: str = "1", values: tuple[Any, ...] = (), limit: int = -1, order: str = "time, id"
    ) -> list[Row]:
        """Products; `where` and `order` are never text from outside."""
        statement = f"SELECT {COLUMNS} FROM products WHERE {where} ORDER BY {order} LIMIT ?"
        with self.session() as session:
            return [Row(*found) for found in session.execute(statement, (*values, limit))]

    def octets(self) -> int:
        """Of all products."""
        with self.session() as session:
            return session.execute("SELECT coalesce(sum(octets), 0) FROM products").fetchone()[0]


def row(session: sqlite3.Connection, collection: str, item: str) -> Row | None:
    """One product."""
    statement = f"SELECT {COLUMNS} FROM products WHERE collection = ? AND item = ?"
    found = session.execute(statement, (collection, item)).fetchone()
    return None if found is None else Row(*found)


def add(session: sqlite3.Connection, name: str, label: str = "", by: float = 1) -> None:
    """Adds to a counter."""
    session.execute(
        "INSERT INTO counters VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value",
        (name, label, by),
    )
