"""Products on disk: filed whole, never over those of another method, within a quota."""

from __future__ import annotations

import fcntl
import json
import logging
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from perigee_cluster.products.catalog import Catalog, Row, row
from perigee_cluster.products.files import NoRoomError, write_durably
from perigee_cluster.products.item import places_of
from perigee_cluster.products.parcel import Parcel, parcel
from perigee_cluster.products.product import ASSETS, Name, Product

log = logging.getLogger(__name__)


class QuotaError(NoRoomError):
    """A product that is larger than the quota of all."""


class Shelf:
    """A folder of products. Any number of processes may read and write."""

    def __init__(self, folder: Path, quota: int | None = None, keep_days: float | None = None) -> None:
        """`quota`: octets of all products; the oldest go first. `keep_days`: older ones go with the next that comes."""
        self.folder = folder
        self.quota = quota
        self.keep_days = keep_days
        folder.mkdir(parents=True, exist_ok=True)
        catalog = folder / "catalog.sqlite"
        is_new = not catalog.exists()
        self.catalog = Catalog(catalog)
        if is_new:
            self.reindex()

    def put(self, product: Product) -> Row:
        """Files a product, as `file` does."""
        return self.file(parcel(product))

    def file(self, made: Parcel) -> Row:
        """Files a product; what the same method made of the frame before is replaced. The item comes last: before it is
        there, the older one stands with its own files. Raises NoRoomError."""
        name = made.name
        with self._exclusive():
            self._make_room(made.size, name)
            folder = self.folder / name.folder
            paths = {kind: folder / name.asset(kind, made.version) for kind in ASSETS}
            was_there = {kind: path.exists() for kind, path in paths.items()}
            try:
                for kind in ASSETS:
                    write_durably(paths[kind], made.rasters[kind])
                write_durably(folder / f"{name.method}.json", made.item)
            except OSError:
                for kind, path in paths.items():
                    if not was_there[kind]:
                        path.unlink(missing_ok=True)
                raise
            with self.catalog.session() as session:
                found = self._list(session, folder / f"{name.method}.json", made.size)
            self._sweep(folder, name.method, made.version)
        return found

    def find(self, name: Name) -> Row | None:
        """The product of a name."""
        return self.catalog.row(name.method, name.item)

    def is_made(self, product_name: Name, packets: str, version: str | None = None) -> bool:
        """Whether a product of these packets is here; with `version` also of this history and method as they are."""
        found = self.find(product_name)
        if found is None or found.packets != packets or version not in (None, found.version):
            return False
        return (self.folder / found.path).exists() and all(self.asset(found, kind).exists() for kind in ASSETS)

    def item(self, of: Row) -> dict[str, Any]:
        """The STAC item. Raises FileNotFoundError where it went meanwhile."""
        return json.loads((self.folder / of.path).read_bytes())

    def asset(self, of: Row, kind: str) -> Path:
        """The file of an asset."""
        if kind not in ASSETS:
            raise ValueError(f"asset is {kind!r}, must be one of {', '.join(ASSETS)}")
        return (self.folder / of.path).parent / f"{of.collection}-{of.version}-{kind}.tif"

    def prune(self) -> int:
        """Removes what is older than `keep_days`, and the oldest beyond the quota; answers how many."""
        with self._exclusive():
            return self._expire() + self._shrink(self.quota)

    def reindex(self) -> int:
        """Lists all items that lie below the folder; answers how many."""
        count = 0
        with self._exclusive(), self.catalog.session() as session:
            session.execute("DELETE FROM products")
            session.execute("DELETE FROM places")
            for path in sorted(self.folder.glob("*/*/*/*.json")):
                try:
                    size = path.stat().st_size + sum(file.stat().st_size for file in _assets(path))
                    self._list(session, path, size)
                    count += 1
                except (OSError, ValueError, KeyError, TypeError) as error:
                    log.warning("item=%s does not read (%s): reprocess its frame", path, error)
        return count

    def _list(self, session: sqlite3.Connection, path: Path, size: int) -> Row:
        made = json.loads(path.read_bytes())
        fields = made["properties"]
        session.execute(
            "DELETE FROM places WHERE product IN (SELECT id FROM products WHERE collection = ? AND item = ?)",
            (path.stem, made["id"]),
        )
        session.execute(
            "INSERT OR REPLACE INTO products (collection, item, station, epoch, frame, time, west, south, east, north,"
            " version, packets, path, octets, created) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                path.stem, made["id"], fields["perigee:station"], fields["perigee:epoch"],
                fields["perigee:frame"], _milliseconds(fields["datetime"]), *made.get("bbox", (None,) * 4),
                fields["perigee:version"], fields["perigee:packets_digest"], str(path.relative_to(self.folder)), size,
                int(path.stat().st_mtime * 1_000),
            ),
        )  # fmt: skip
        found = row(session, path.stem, made["id"])
        assert found is not None  # it was written within this transaction
        session.executemany(
            "INSERT OR IGNORE INTO places VALUES (?, ?)", [(found.id, place) for place in places_of(made)]
        )
        return found

    def _make_room(self, size: int, name: Name) -> None:
        self._expire()
        if self.quota is None:
            return
        if size > self.quota:
            raise QuotaError(
                0,
                f"a product of {size} octets is larger than [products] quota_bytes = {self.quota}: raise it",
                name.item,
            )
        self._shrink(self.quota - size)

    def _expire(self) -> int:
        if self.keep_days is None:
            return 0
        limit = int((time.time() - self.keep_days * 86_400) * 1_000)
        return self._remove(self.catalog.rows("created < ?", (limit,)))

    def _shrink(self, size: int | None) -> int:
        if size is None:
            return 0
        excess, gone = self.catalog.octets() - size, []
        for found in self.catalog.rows(order="created, id") if excess > 0 else ():
            if excess <= 0:
                break
            gone.append(found)
            excess -= found.octets
        return self._remove(gone)

    def _remove(self, rows: Sequence[Row]) -> int:
        with self.catalog.session() as session:
            for found in rows:
                session.execute("DELETE FROM places WHERE product = ?", (found.id,))
                session.execute("DELETE FROM products WHERE id = ?", (found.id,))
        for found in rows:
            path = self.folder / found.path
            path.unlink(missing_ok=True)
            self._sweep(path.parent, found.collection, None)
        return len(rows)

    def _sweep(self, folder: Path, method: str, kept: str | None) -> None:
        """Takes away files of other versions of a method, and an empty folder."""
        for kind in ASSETS:
            for path in folder.glob(f"{method}-????????????-{kind}.tif"):
                if kept is None or path.name != f"{method}-{kept}-{kind}.tif":
                    path.unlink(missing_ok=True)
        if kept is None and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """One process at a time changes files."""
        with (self.folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _assets(path: Path) -> Iterator[Path]:
    made = json.loads(path.read_bytes())
    for kind in ASSETS:
        yield path.parent / f"{path.stem}-{made['properties']['perigee:version']}-{kind}.tif"


def _milliseconds(text: str | None) -> int | None:
    return None if text is None else int(np.datetime64(text.removesuffix("Z"), "ms").astype(np.int64))
