"""From an archive to the history of its places."""

from __future__ import annotations

import fcntl
import json
import logging
import math
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

import perigee_cluster
from perigee_cluster.archive import Archive, ArchivedFrame, Cursor, NotDecodableError, PlacelessError, State
from perigee_cluster.archive.frame import frame_id
from perigee_cluster.archive.index import FrameKey
from perigee_cluster.history.clear import clear
from perigee_cluster.history.frame import Quality
from perigee_cluster.history.record import DamagedHistoryError
from perigee_cluster.history.series import SeriesFullError
from perigee_cluster.history.store import Entry, History
from perigee_codec import CodecError

DECODER = f"perigee_cluster {perigee_cluster.__version__}"
RETRIED = {State.WAITING_FOR_REFERENCE, State.REFERENCE_DIFFERS, State.UNKNOWN_FIRMWARE, State.DAMAGED}
"""States that may end without another packet of the frame itself."""
SAVE_EACH = 64
"""Frames between two notes of progress."""
WAITING_LIMIT = 65_536
log = logging.getLogger(__name__)


@dataclass
class Summary:
    """What a look at the archive brought."""

    looked: int = 0
    added: int = 0
    """Frames that changed a place."""
    unchanged: int = 0
    """That were there already, as the same packets gave them."""
    left: Counter[str] = field(default_factory=Counter)
    """That did not enter, by state."""
    waiting: int = 0
    """That will be tried again."""

    def add(self, other: Summary) -> None:
        """Counts another look too."""
        self.looked += other.looked
        self.added += other.added
        self.unchanged += other.unchanged
        self.left += other.left
        self.waiting += other.waiting

    def to_json(self) -> dict[str, Any]:
        """For people's programs."""
        return {
            "looked": self.looked, "added": self.added, "unchanged": self.unchanged, "left": dict(self.left),
            "waiting": self.waiting,
        }  # fmt: skip


@dataclass
class Progress:
    """How far an archive was read, and which of its frames wait."""

    path: Path
    archive: str
    cursor: Cursor | None = None
    waiting: dict[FrameKey, State] = field(default_factory=dict)

    @classmethod
    def load(cls, history: History, archive: Archive) -> Progress:
        """What is noted in a history; the start where nothing is, or where the note does not read."""
        name = str(archive.folder.resolve())
        path = history.folder / "progress" / f"{sha256(name.encode()).hexdigest()[:24]}.json"
        progress = cls(path, name)
        try:
            noted = json.loads(path.read_bytes())
            progress.cursor = Cursor.parse(noted["cursor"]) if noted["cursor"] else None
            for station, epoch, declaration, frame, state in noted["waiting"]:
                progress.waiting[FrameKey(station, bytes.fromhex(epoch), declaration, frame)] = State(state)
        except FileNotFoundError:
            pass
        except (ValueError, KeyError, TypeError) as error:
            log.warning("progress=%s does not read (%s): reading the archive from the start", path, error)
            return cls(path, name)
        return progress

    def save(self) -> None:
        """Notes it, by renaming."""
        waiting = [
            [key.station, key.epoch.hex(), key.declaration, key.frame, state] for key, state in self.waiting.items()
        ]
        noted = {"archive": self.archive, "cursor": str(self.cursor) if self.cursor else None, "waiting": waiting}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(f".{os.getpid()}")
        beside.write_text(json.dumps(noted))
        beside.replace(self.path)


def build(archive: Archive, history: History, keep: int | None = None) -> Summary:
    """Reads what came since the last time, and tries again what waited. `keep`: dates that a place may have. Any number
    may run at once: at worst they do the same work twice."""
    with _shared(history, fcntl.LOCK_SH):
        return _build(archive, history, keep)


def _build(archive: Archive, history: History, keep: int | None) -> Summary:
    progress, summary = Progress.load(history, archive), Summary()
    before = dict(progress.waiting)
    for number, frame in enumerate(archive.frames(progress.cursor)):
        before.pop(frame.row.key, None)
        _take(archive, history, frame, progress, summary, keep)
        progress.cursor = frame.cursor
        if number % SAVE_EACH == SAVE_EACH - 1:
            progress.save()
    for key in before:
        frame = archive.again(key)
        if frame is None:
            del progress.waiting[key]
        else:
            _take(archive, history, frame, progress, summary, keep)
    progress.save()
    summary.waiting = len(progress.waiting)
    return summary


def _take(
    archive: Archive, history: History, frame: ArchivedFrame, progress: Progress, summary: Summary, keep: int | None
) -> None:
    summary.looked += 1
    progress.waiting.pop(frame.row.key, None)
    try:
        if all(history.has(place, frame.id, frame.packet_ids, DECODER) for place in frame.places()):
            summary.unchanged += 1
            return
        changed = history.append(_entry(archive, frame), keep)
        if frame.replaces is not None and (earlier := archive.frame(frame.station, *frame.replaces)) is not None:
            progress.waiting.pop(earlier.row.key, None)
        summary.added += changed > 0
        summary.unchanged += changed == 0
    except (DamagedHistoryError, SeriesFullError) as error:
        summary.left["series_full" if isinstance(error, SeriesFullError) else "damaged_history"] += 1
        log.warning("frame=%s: %s", frame.id, error)
    except PlacelessError as error:
        state = frame.state.value if frame.metadata is None else "placeless"
        summary.left[state] += 1
        log.info("frame=%s state=%s: %s", frame.id, state, frame.reason or error)
        _wait(progress, frame, frame.state)
    except NotDecodableError as error:
        summary.left[error.state.value] += 1
        log.info("frame=%s state=%s: %s", frame.id, error.state, error.reason)
        _wait(progress, frame, error.state)


def _wait(progress: Progress, frame: ArchivedFrame, state: State) -> None:
    if state in RETRIED and len(progress.waiting) < WAITING_LIMIT:
        progress.waiting[frame.row.key] = state


def _entry(archive: Archive, frame: ArchivedFrame) -> Entry:
    content = archive.content(frame)
    tokens = archive.tokens(frame, content=content)
    declaration = frame.declaration
    if declaration is None:
        raise NotDecodableError(frame.state, frame.reason or "its declaration has not come")
    try:
        samples, known = tokens.decode(), tokens.intervals()
    except CodecError as error:
        raise NotDecodableError(State.REFUSED, str(error)) from None
    bounded = known.width_KHW[np.isfinite(known.width_KHW)]
    quality = Quality(
        octets=content.octets,
        layers=content.complete,
        interval_width=float(bounded.mean(dtype=np.float64)) if bounded.size else math.nan,
        clear_share=0.0,  # of each place by itself
        packet_ids=tuple(content.packet_ids),
        decoder=DECODER,
        firmware=declaration.firmware,
    )
    return Entry(
        frame.id, frame.time, samples, clear(samples, declaration), declaration.profile.name, declaration.bands,
        declaration.nodata, declaration.scale, declaration.offset, frame.grid, frame.places(), quality,
        replaces=None if frame.replaces is None else frame_id(frame.station, *frame.replaces),
    )  # fmt: skip


@dataclass
class Rebuilt:
    """What came of making a history anew."""

    summary: Summary
    equal: int = 0
    """Places that came out as they were, bit by bit."""
    changed: tuple[str, ...] = ()
    """Places that did not."""


def rebuild(archives: Sequence[Archive], history: History, keep: int | None = None) -> Rebuilt:
    """Makes a history anew from the packets of its archives, beside the old one, and puts it in its place. The old one
    stays in `places.before` until the next time."""
    with _shared(history, fcntl.LOCK_EX):
        given = {str(archive.folder.resolve()) for archive in archives}
        for note in sorted((history.folder / "progress").glob("*.json")):
            try:
                name = json.loads(note.read_bytes())["archive"]
            except (ValueError, KeyError, TypeError) as error:
                log.warning("progress=%s does not read (%s) and is passed over", note, error)
                continue
            if name not in given:
                raise ValueError(f"archive {name} is part of this history and was not named: name all archives")
        scratch = History(history.folder / "rebuild")
        shutil.rmtree(scratch.folder, ignore_errors=True)
        total = Summary()
        for archive in archives:
            total.add(_build(archive, scratch, keep))
        result = Rebuilt(total)
        names = sorted({*history.places(), *scratch.places()})
        same = {name: history.digest(name) == scratch.digest(name) for name in names}
        result.equal = sum(same.values())
        result.changed = tuple(name for name in names if not same[name])
        _swap(history.folder, scratch.folder)
        return result


def _swap(folder: Path, scratch: Path) -> None:
    shutil.rmtree(folder / "places.before", ignore_errors=True)
    if (folder / "places").exists():
        (folder / "places").rename(folder / "places.before")
    for name in ("places", "progress"):
        if (scratch / name).exists():
            if name == "progress":
                shutil.rmtree(folder / name, ignore_errors=True)
            (scratch / name).rename(folder / name)
    shutil.rmtree(scratch)


@contextmanager
def _shared(history: History, mode: int) -> Iterator[None]:
    """Builders share a history; who makes it anew has it alone."""
    history.folder.mkdir(parents=True, exist_ok=True)
    with (history.folder / "lock").open("w") as file:
        fcntl.flock(file, mode)
        yield
