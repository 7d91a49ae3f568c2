"""What all routes share: products, jobs, limits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from perigee_cluster.archive import Archive, ArchivedFrame, NotDecodableError
from perigee_cluster.following import Setup
from perigee_cluster.history.store import History
from perigee_cluster.products import (
    METHODS,
    RECONSTRUCTED,
    NoRoomError,
    Row,
    Shelf,
    make,
    make_unobserved,
    unobserved_name,
)
from perigee_cluster.products.product import MEASURED, METHOD_ID, packets_of
from perigee_cluster.serving.jobs import Job, JobError, Jobs
from perigee_cluster.serving.wants import Wants

MODES = ("deterministic", "reconstruction", "deviation")


class NotFoundError(LookupError):
    """Something that was asked for and is not here."""


class RequestError(ValueError):
    """A request that means nothing; the text names the field and what it may be."""


@dataclass(frozen=True)
class Limits:
    """Of one request and of all."""

    pixels: int = 4_194_304
    """Samples of one band in a picture that is asked for."""
    queue: int = 64
    """Jobs that may wait."""
    workers: int = 1
    """Threads that make products on request."""
    cache: int = 4 << 30
    """Octets of products that were made on request and are nobody's standing ones."""


class Service:
    """One archive's products."""

    def __init__(self, setup: Setup, limits: Limits) -> None:
        self.setup = setup
        self.limits = limits
        self.shelf = setup.shelf()
        self.cache = Shelf(setup.products / "requests", limits.cache)
        self.history = History(setup.history)
        self.wants = Wants(setup.archive)
        self.jobs = Jobs(limits.workers, limits.queue)
        self._local = threading.local()

    @property
    def archive(self) -> Archive:
        """The archive; each thread has its own."""
        if not hasattr(self._local, "archive"):
            self._local.archive = self.setup.open_archive()
        return self._local.archive

    def product(self, collection: str, item: str) -> tuple[Shelf, Row]:
        """A product by the identity of its STAC item. Raises NotFoundError."""
        if METHOD_ID.fullmatch(collection):
            for shelf in (self.shelf, self.cache):
                found = shelf.catalog.row(collection, item)
                if found is not None:
                    return shelf, found
        raise NotFoundError(f"no product {item} of {collection}: /stac/search lists what there is")

    def wanted(self, row: Row, method: str, layers: int | None) -> Row | Job:
        """The product by a method of the frame of which `row` is one: as it is filed, or a job that makes it."""
        if layers is not None and layers >= self.shelf.item(row)["properties"]["perigee:layers"]:
            layers = None
        if layers is None:
            found = self.shelf.catalog.row(method, row.item)
            if found is not None:
                return found
        else:
            found = self.cache.catalog.row(method, f"{row.item}_layers{layers}")
            if found is not None and self._is_current(row, found):
                with self.cache.catalog.session() as session:
                    # what is asked for again is the last to go
                    session.execute("UPDATE products SET created = max(created, ?) WHERE id = ?", (_now(), found.id))
                return found
        key = f"{row.station}/{row.epoch}/{row.frame} {method} {layers}"
        return self.jobs.submit(key, self._maker(row, method, layers))

    def unobserved(self, rows: Sequence[Row], place: str, time: np.datetime64) -> Row | Job:
        """A place at a date that nobody observed: from the cache where nothing came since, or a job."""
        template = self._frame_of(max(rows, key=lambda row: (row.time or 0, row.id)))
        name = unobserved_name(template, place, time)
        found = self.cache.find(name)
        if found is not None and found.created >= max(row.created for row in rows):
            return found

        def run(job: Job) -> Row:
            job.reach("making", 0.2)
            try:
                product = make_unobserved(self.history, template, place, time)
                job.reach("filing", 0.9)
                return self.cache.put(product)
            except (ValueError, NoRoomError) as error:
                raise JobError(str(error)) from error

        return self.jobs.submit(f"{place} {time}", run)

    def _frame_of(self, row: Row) -> ArchivedFrame:
        frame = self.archive.frame(row.station, bytes.fromhex(row.epoch), row.frame)
        if frame is None or frame.declaration is None:
            raise NotFoundError(f"the archive has frame {row.frame} of {row.station} no more")
        return frame

    def _is_current(self, row: Row, found: Row) -> bool:
        """Whether a cached product has the packets and history that are here now. The product of all layers follows new
        packets, so the cached one is compared with it by the time of filing."""
        return found.created >= row.created

    def _maker(self, row: Row, method: str, layers: int | None) -> Callable[[Job], Row]:
        def run(job: Job) -> Row:
            job.reach("reading packets", 0.1)
            frame = self.archive.frame(row.station, bytes.fromhex(row.epoch), row.frame)
            if frame is None:
                raise JobError(f"the archive has frame {row.frame} of {row.station} no more")
            try:
                content = self.archive.content(frame)
                job.reach("making", 0.2)
                product = make(self.archive, self.history, frame, method, layers, content)
                job.reach("filing", 0.9)
                shelf = self.shelf if product.layers is None else self.cache
                if shelf.is_made(product.name, packets_of(product.content), product.version):
                    found = shelf.find(product.name)
                    assert found is not None  # is_made found it
                    return found
                return shelf.put(product)
            except NotDecodableError as error:
                raise JobError(f"{error.state}: {error.reason}") from error
            except NoRoomError as error:
                raise JobError(str(error)) from error
            except ValueError as error:
                raise JobError(f"{method}: {error}") from error

        return run

    def close(self) -> None:
        """Ends the jobs."""
        self.jobs.close()


def method_for(mode: str, method: str | None) -> tuple[str, str]:
    """The method and the asset of a mode."""
    if mode not in MODES:
        raise RequestError(f"mode is {mode[:40]!r}, must be one of {', '.join(MODES)}")
    chosen = method or (MEASURED if mode == MEASURED else RECONSTRUCTED)
    if chosen not in METHODS:
        raise RequestError(f"method is {chosen[:48]!r}, must be one of {', '.join(METHODS)}")
    if mode == MEASURED and chosen != MEASURED:
        raise RequestError(f"mode deterministic has no method {chosen}: ask for mode reconstruction")
    return chosen, "deviation" if mode == "deviation" else "reconstruction"


def parse_moment(text: str) -> tuple[int, int]:
    """The span [from, to) in ms since 1970 that a datetime or a date means."""
    try:
        whole = text.removesuffix("Z")
        start = np.datetime64(whole)
    except ValueError:
        start = np.datetime64("NaT")
    if np.isnat(start) or len(text) > 32 or len(whole) < 10:
        raise RequestError(f"datetime is {text[:40]!r}, must be as 2026-01-31 or 2026-01-31T10:00:00Z")
    step = np.timedelta64(1, "D") if len(whole) == 10 else np.timedelta64(1, "s")
    first = start.astype("datetime64[s]").astype("datetime64[ms]")
    return int(first.astype(np.int64)), int((first + step).astype(np.int64))


def _now() -> int:
    return int(np.datetime64("now", "ms").astype(np.int64))
