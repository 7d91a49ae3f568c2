"""One worker that follows an archive; any number may do so at once, on any number of processes."""

from __future__ import annotations

import hashlib
import itertools
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from perigee_cluster.archive import Archive, ArchivedFrame, NotDecodableError, PlacelessError, State
from perigee_cluster.following.drawing import LOST, METHOD, Drawn, Gone, Order, Outcome, Refused, Same, draw
from perigee_cluster.following.locks import Locks, PlaceLocks, lock_names
from perigee_cluster.following.tasks import ATTEMPTS, BATCH, Task, Tasks
from perigee_cluster.history.build import build
from perigee_cluster.history.store import History
from perigee_cluster.products import RECONSTRUCTED, NoRoomError, Shelf, method_of, name_of
from perigee_cluster.products.catalog import add
from perigee_cluster.products.product import MEASURED

CHUNK = 256
"""Frames that are noted at once."""
POLL = 1.0
"""Seconds between two looks at an archive in which nothing is due."""
FULL_WAIT = 30.0
"""Seconds that everybody waits for a full disk."""
LAG_BOUNDS = (1, 2, 5, 10, 30, 60, 300, 1_800, 7_200, 86_400)
"""Seconds, of the histogram of lag."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Setup:
    """Where everything lies; the same for all workers."""

    archive: Path
    firmware: tuple[Path, ...]
    history: Path
    products: Path
    segments: str | None = None
    methods: tuple[str, ...] = (MEASURED, RECONSTRUCTED)
    """What is made of each frame; the decode of packets is made first, whatever the order."""
    quota: int | None = None
    keep_days: float | None = None
    keep_dates: int | None = None
    """Dates of history that a place may have."""

    def __post_init__(self) -> None:
        for method in self.methods:
            method_of(method)

    def resolved(self) -> Setup:
        """The same on any machine that has these folders at the same place, whatever its working directory."""
        folders = (self.archive, self.history, self.products)
        archive, history, products = (folder.resolve() for folder in folders)
        firmware = tuple(folder.resolve() for folder in self.firmware)
        return replace(self, archive=archive, firmware=firmware, history=history, products=products)

    def shelf(self) -> Shelf:
        """The products."""
        return Shelf(self.products, self.quota, self.keep_days)

    def open_archive(self) -> Archive:
        """The archive, for one thread."""
        return Archive(self.archive, self.firmware, self.segments)


@dataclass(frozen=True)
class Event:
    """What a worker did with a task."""

    frame: str
    method: str
    outcome: str
    """`made`, `unchanged`, `failed` or `gone`."""
    reason: str | None = None
    made_by: str | None = None
    version: str | None = None
    octets: int = 0
    samples: int = 0
    seconds: float = 0.0
    lag_seconds: float | None = None
    agreement: float | None = None

    def to_json(self) -> dict[str, object]:
        """For people's programs."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class Claim:
    """A task that a worker is at."""

    task: Task
    frame: str
    """As events call it."""
    places: list[str]
    """Names of its locks."""
    order: Order


@dataclass
class Follower:
    """Looks for frames, makes products. `now`: seconds since 1970, so that tests have their own clock."""

    setup: Setup
    report: Callable[[Event], None] = field(default=lambda event: None)
    now: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        self.shelf = self.setup.shelf()
        self.tasks = Tasks(self.shelf.catalog)
        self.history = History(self.setup.history)
        self._archive = self.setup.open_archive()
        name = str(self.setup.archive.resolve())
        self._decoded, self._remembered = f"decoded {name}", f"remembered {name}"
        self._locks = self.setup.products / "locks"
        self._places = PlaceLocks(self._locks)
        self._claims: list[Claim] = []

    def look(self) -> int:
        """Notes frames that came, to be decoded; answers how many. Nothing where another worker is at it."""
        with Locks(self._locks) as locks:
            if not locks.take(["look"]):
                return 0
            count = 0
            for frames in _chunks(self._archive.frames(self.tasks.cursor(self._decoded))):
                self._count_refused(frames)
                self.tasks.wake(frames)
                methods = [MEASURED] if MEASURED in self.setup.methods else []
                self.tasks.found(self._decoded, frames, _usable(frames), methods)
                count += len(frames)
            if count:
                self.shelf.prune()
            return count

    def remember(self) -> int:
        """Adds what came to the history, then notes its frames for the other methods; answers how many."""
        with Locks(self._locks) as locks:
            if not locks.take(["remember"]):
                return 0
            newest = self.tasks.cursor(self._decoded)
            if newest is None or newest == self.tasks.cursor(self._remembered):
                return 0
            build(self._archive, self.history, self.setup.keep_dates)
            count = 0
            methods = [method for method in self.setup.methods if method != MEASURED]
            for frames in _chunks(self._archive.frames(self.tasks.cursor(self._remembered))):
                self.tasks.found(self._remembered, frames, _usable(frames), methods)
                count += len(frames)
            return count

    def reprocess(self, method: str, since: np.datetime64 | None, station: str | None = None) -> int:
        """Asks for a method over all frames acquired (without a time: filed) since; answers how many. Earlier products
        of other methods stay."""
        method_of(method)
        chosen: list[ArchivedFrame] = []
        for frame in self._archive.frames():
            when = frame.time if frame.time is not None else np.datetime64(frame.row.received, "ms")
            if frame.state is State.READY and (since is None or when >= since) and station in (None, frame.station):
                chosen.append(frame)
        return self.tasks.force(chosen, method)

    def work(self, methods: Sequence[str] | None = None) -> Event | None:
        """Does the first task whose places nobody else is at; None where there is none."""
        claim = self.claim(methods)
        if claim is None:
            return None
        try:
            return self.finish(claim, draw(self._archive, self.history, claim.order))
        finally:
            self.release(claim)

    def claim(self, methods: Sequence[str] | None = None) -> Claim | None:
        """Takes the first task whose places no other process is at; several may be held at once. To be given to
        `release` in the end."""
        at_work = {(claim.order.key, claim.order.method) for claim in self._claims}
        for task in self.tasks.due(self.now(), methods, BATCH + len(at_work)):
            if (task.key, task.method) in at_work:
                continue
            frame = self._archive.again(task.key)
            places = (lock_names(_places(frame)) if frame else []) or [_own_lock(task)]
            if not self._places.take(places):
                continue
            current = self.tasks.again(task)
            if current is None:  # another worker was faster
                self._places.give(places)
                continue
            order = Order(task.key, task.method, current.is_forced, self._filed(frame, task.method))
            claim = Claim(current, _said(task, frame), places, order)
            self._claims.append(claim)
            return claim
        return None

    def finish(self, claim: Claim, outcome: Outcome) -> Event:
        """Files what came of a claim, and takes its task away or puts it off."""
        event = self._finished(claim, outcome)
        self.report(event)
        return event

    def release(self, claim: Claim) -> None:
        """Gives the places of a claim back; a task that was not finished stays."""
        self._claims.remove(claim)
        self._places.give(claim.places)

    def step(self) -> Event | None:
        """The next thing to do; None where nothing is due now. Decodes go before history and the other methods."""
        self.look()
        event = self.work([MEASURED])
        if event is None:
            self.remember()
            event = self.work()
        return event

    def _filed(self, frame: ArchivedFrame | None, method: str) -> tuple[str, str] | None:
        """Packets and version of a frame's product that is whole."""
        try:
            name = None if frame is None else name_of(frame, method)
        except NotDecodableError:
            return None
        found = None if name is None else self.shelf.find(name)
        if name is None or found is None or not self.shelf.is_made(name, found.packets, found.version):
            return None
        return found.packets, found.version

    def _finished(self, claim: Claim, outcome: Outcome) -> Event:
        task, frame = claim.task, claim.frame
        match outcome:
            case Drawn():
                try:
                    return self._file(claim, outcome)
                except NoRoomError as error:
                    event = self._failed(claim, Refused("no_room", str(error)))
                    self.tasks.hold(self.now() + FULL_WAIT)
                    return event
                except OSError as error:
                    return self._failed(claim, Refused(METHOD, f"{type(error).__name__}: {error}"))
            case Refused():
                return self._failed(claim, outcome)
            case Same():
                self.tasks.done(task)
                return Event(frame, task.method, "unchanged", version=outcome.version)
            case Gone():
                self.tasks.done(task)
                return Event(frame, task.method, "gone")

    def _file(self, claim: Claim, drawn: Drawn) -> Event:
        task, started = claim.task, time.monotonic()
        row = self.shelf.file(drawn.parcel)
        self.tasks.done(task)
        seconds = drawn.seconds + time.monotonic() - started
        lag = max(self.now() - task.received / 1_000, 0.0)
        self._count(task, drawn, seconds, lag)
        return Event(
            claim.frame, task.method, "made", made_by=drawn.made_by, version=row.version, octets=row.octets,
            samples=drawn.samples, seconds=round(seconds, 3), lag_seconds=round(lag, 3),
            agreement=drawn.agreement.share,
        )  # fmt: skip

    def _failed(self, claim: Claim, refused: Refused) -> Event:
        task, reason, text = claim.task, refused.reason, refused.text
        log.warning("frame=%s method=%s reason=%s: %s", claim.frame, task.method, reason, text)
        if task.reason != reason:
            self.shelf.catalog.count("failures", reason)
        # what packets do not decide is tried a few times
        is_given_up = reason in (METHOD, LOST) and task.attempts + 1 >= ATTEMPTS
        self.tasks.failed(task, reason, self.now(), refused.is_final or is_given_up)
        return Event(claim.frame, task.method, "failed", reason=f"{reason}: {text}")

    def _count(self, task: Task, drawn: Drawn, seconds: float, lag: float) -> None:
        method = task.method
        with self.shelf.catalog.session() as session:
            add(session, "products", method)
            add(session, "samples", method, drawn.samples)
            add(session, "seconds", method, seconds)
            add(session, "agreement_sent", method, drawn.agreement.sent)
            add(session, "agreement_held", method, drawn.agreement.held)
            add(session, "fallbacks", method, int(drawn.is_fallback))
            if not task.is_forced:
                add(session, "lag_sum", method, lag)
                add(session, "lag_count", method)
                for bound in LAG_BOUNDS:
                    add(session, "lag", f"{method} {bound}", int(lag <= bound))

    def _count_refused(self, frames: Sequence[ArchivedFrame]) -> None:
        for frame in frames:
            if frame.state in (State.REFUSED, State.VERBATIM):
                log.warning("frame=%s reason=%s: %s", frame.id, frame.state, frame.reason)
                self.shelf.catalog.count("failures", str(frame.state))


def follow(follower: Follower, is_ended: Callable[[], bool], wait: Callable[[float], object], once: bool) -> None:
    """Works until `is_ended`; `once`: until nothing is due."""
    while not is_ended():
        if follower.step() is None:
            if once:
                return
            wait(POLL)


def _usable(frames: Sequence[ArchivedFrame]) -> list[ArchivedFrame]:
    """All but those of which nothing can come: the rest of an incomplete one brings it here again."""
    return [frame for frame in frames if frame.state not in (State.INCOMPLETE, State.REFUSED, State.VERBATIM)]


def _places(frame: ArchivedFrame) -> tuple[str, ...]:
    try:
        return frame.places()
    except PlacelessError:
        return ()


def _said(task: Task, frame: ArchivedFrame | None) -> str:
    key = task.key
    return f"{key.station}/{key.epoch.hex()}/?{key.frame}" if frame is None else frame.id


def _own_lock(task: Task) -> str:
    return "frame_" + hashlib.sha256(repr(tuple(task.key)).encode()).hexdigest()[:24]


def _chunks(frames: Iterator[ArchivedFrame]) -> Iterator[list[ArchivedFrame]]:
    while chunk := list(itertools.islice(frames, CHUNK)):
        yield chunk
