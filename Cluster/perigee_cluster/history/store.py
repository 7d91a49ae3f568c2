"""The history of places on disk: Docs/history-store.md."""

from __future__ import annotations

import fcntl
import hashlib
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import zarr
from numpy.typing import NDArray

from perigee_cluster.archive.declaration import Declaration
from perigee_cluster.archive.places import CELL, Cell, cells, is_place_id
from perigee_cluster.data.grid import Band, Grid
from perigee_cluster.history.choice import choose, surplus
from perigee_cluster.history.frame import Grade, HistoryFrame, Quality
from perigee_cluster.history.lattice import Lattice, Window
from perigee_cluster.history.matching import serve_as
from perigee_cluster.history.record import DamagedHistoryError, Record
from perigee_cluster.history.series import Kind, Series

SIZES = tuple(CELL << doubling for doubling in range(8))
"""Sides of cells that sensors may have."""
log = logging.getLogger(__name__)


class Share(NamedTuple):
    """What a place takes of a frame: samples and mask of all its window, of which the frame covers `part`."""

    place: str
    kind: Kind
    part: Window
    samples: NDArray[Any]
    valid: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Entry:
    """A decoded frame on its way into the history; samples [B, H, W] in the type of the stream."""

    id: str
    time: np.datetime64 | None
    samples: NDArray[Any]
    valid: NDArray[np.bool_]
    sensor: str
    bands: tuple[Band, ...]
    nodata: float | None
    scale: float
    offset: float
    grid: Grid | None
    places: tuple[str, ...]
    quality: Quality
    grade: Grade = "measured"
    replaces: str | None = None
    """Id of a frame that this one was sent again for, without references: it goes, and never comes back."""

    def pieces(self) -> Iterator[Share]:
        """What each place takes of it: the samples of its cell, or all of them for a place with a name."""
        for place in self.places:
            cell = Cell.parse(place)
            if cell is None or self.grid is None:
                whole = Window(0, 0, *self.samples.shape[1:])
                yield Share(place, self._kind(whole, None), whole, self.samples, self.valid)
                continue
            lattice, mine = Lattice.of(self.grid)
            window = lattice.window(cell)
            part = mine.meet(window)
            if part.is_empty:
                continue
            shape = (len(self.bands), window.rows, window.columns)
            samples, valid = np.zeros(shape, self.samples.dtype), np.zeros(shape, np.bool_)
            there, here = part.within(window), part.within(mine)
            samples[(slice(None), *there)] = self.samples[(slice(None), *here)]
            valid[(slice(None), *there)] = self.valid[(slice(None), *here)]
            inner = Window(part.row - window.row, part.column - window.column, part.rows, part.columns)
            yield Share(place, self._kind(window, lattice.grid(window)), inner, samples, valid)

    def _kind(self, window: Window, grid: Grid | None) -> Kind:
        return Kind(
            self.sensor, self.bands, self.samples.dtype.name, self.nodata, self.scale, self.offset, window.rows,
            window.columns, grid,
        )  # fmt: skip


class Piece(NamedTuple):
    """A date of one series: what one place has of a frame."""

    series: Series
    record: Record

    def read(self) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Samples and mask. Raises DamagedHistoryError."""
        try:
            return self.series.read(self.record)
        except DamagedHistoryError:
            # a writer may have put another date into the slot since the table was read
            series = Series(self.series.path)
            newer = series.record(self.record.id)
            if newer is None or newer == self.record:
                raise
            return series.read(newer)


@dataclass(frozen=True, eq=False)
class Sighting:
    """A frame of history, as far as it shows the ground that was asked for; not read yet."""

    id: str
    time: np.datetime64 | None
    quality: Quality
    """With the clear share of the ground that was asked for."""
    grade: Grade
    kind: Kind
    pieces: tuple[Piece, ...]

    @property
    def sensor(self) -> str:
        """Name of the profile."""
        return self.kind.sensor


class History:
    """All places below one folder of a local or shared file system. Readers and writers may be many."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._places = folder / "places"

    def places(self) -> list[str]:
        """Ids of all places, sorted."""
        found = self._places.iterdir() if self._places.is_dir() else ()
        return sorted(path.name for path in found if is_place_id(path.name))

    def series(self, place: str) -> list[Series]:
        """What is known of a place; empty where nothing is. What does not read is left out and logged."""
        return [series for series in (self._opened(path) for path in self._paths(place)) if series is not None]

    def append(self, entry: Entry, keep: int | None = None) -> int:
        """Adds a frame to its places, or replaces what fewer of its packets gave; answers how many places changed.
        `keep`: dates that a place may have, see `trim`.
        Raises ValueError for a frame that a model drew."""
        if entry.grade != "measured":
            raise ValueError(f"grade of {entry.id} is {entry.grade}: history takes measured frames alone")
        changed = 0
        for place, kind, part, samples, valid in entry.pieces():
            share = float(valid.any(axis=0).sum() / (part.rows * part.columns))
            quality = replace(entry.quality, clear_share=share)
            record = Record(entry.id, entry.time, quality, entry.grade, part, entry.replaces, slot=0, checksum=0)
            with self.locked(place):
                self._make(place)
                series = Series.create(self._places / place, kind)
                known = series.record(entry.id)
                if known is not None and not _is_better(record, known):
                    continue
                if any(other.replaces == entry.id for one in self.series(place) for other in one.records):
                    continue
                series.write(record, samples, valid)
                if entry.replaces is not None:
                    for one in self.series(place):
                        one.drop([entry.replaces])
            changed += 1
            if keep is not None:
                self.trim(place, keep)
        return changed

    def has(self, place: str, frame_id: str, packet_ids: tuple[int, ...], decoder: str) -> bool:
        """Whether a place has a frame as these packets and this decoder give it."""
        for series in self.series(place):
            record = series.record(frame_id)
            if record is not None:
                return (record.quality.packet_ids, record.quality.decoder) == (packet_ids, decoder)
        return False

    def sightings(self, ground: Grid | str, without: str | None = None) -> list[Sighting]:
        """Frames that show some of a grid, or of a place by its id, by time; `without`: the id of one that is left out,
        such as that which is to be reconstructed."""
        found: dict[tuple[str, str, str], list[Piece]] = {}
        for place in [ground] if isinstance(ground, str) else self._cells(ground):
            for series in self.series(place):
                for record in series.records:
                    if record.id != without and not record.is_drawn:
                        key = (record.id, series.kind.sensor, series.kind.dtype)
                        found.setdefault(key, []).append(Piece(series, record))
        made = [_sighting(pieces, ground) for pieces in found.values()]
        return sorted((one for one in made if one is not None), key=lambda one: (str(one.time), one.id))

    def load(self, sighting: Sighting, ground: Grid | None = None) -> HistoryFrame:
        """Reads a sighting, on `ground`'s part of its own lattice (without: the whole of its one piece). Raises
        DamagedHistoryError."""
        kind, shape = sighting.kind, (sighting.kind.rows, sighting.kind.columns)
        window, grid = Window(0, 0, *shape), kind.grid
        if ground is not None and kind.grid is not None:
            lattice, _ = Lattice.of(kind.grid)
            window = _covering(lattice, ground)
            grid = ground if Lattice.of(ground)[0] == lattice else lattice.grid(window)
        samples = np.zeros((len(kind.bands), window.rows, window.columns), np.float32)
        valid = np.zeros(samples.shape, np.bool_)
        for piece in sighting.pieces:
            its, mask = piece.read()
            whole = piece.series.kind.grid
            outer = Lattice.of(whole)[1] if whole is not None and ground is not None else window
            part = outer.meet(window)
            mine, theirs = part.within(window), part.within(outer)
            known = mask[(slice(None), *theirs)]
            samples[(slice(None), *mine)] = np.nan_to_num(its[(slice(None), *theirs)].astype(np.float32))
            valid[(slice(None), *mine)] = known
        return HistoryFrame(
            sighting.id, samples, valid, sighting.time, kind.sensor, kind.bands, grid, sighting.quality, sighting.grade,
            kind.scale, kind.offset,
        )  # fmt: skip

    def frames(
        self, ground: Grid | str, time: np.datetime64 | None, k: int, *, without: str | None = None,
        like: Declaration | None = None,
    ) -> list[HistoryFrame]:  # fmt: skip
        """The `k` best frames for a time (see `choose`), on `ground`. `like`: all on the bands and in the units of that
        stream, so that other sensors may serve; else each as it is, on its own lattice. What is damaged is logged and
        left out."""
        grid = ground if isinstance(ground, Grid) else None
        chosen: list[HistoryFrame] = []
        left = self.sightings(ground, without)
        while left and len(chosen) < k:
            batch = choose(left, time, k - len(chosen))
            if not batch:
                break
            left = [one for one in left if all(one is not other for other in batch)]
            for sighting in batch:
                try:
                    frame = self.load(sighting, grid)
                except DamagedHistoryError as error:
                    log.warning("history left out: %s", error)
                    continue
                served = frame if like is None else _served(frame, like, grid)
                if served is not None:
                    chosen.append(served)
        return chosen

    def drop(self, place: str, frame_ids: Iterable[str]) -> int:
        """Takes frames out of a place; answers how many."""
        gone = list(frame_ids)
        with self.locked(place):
            return sum(series.drop(gone) for series in self.series(place))

    def trim(self, place: str, keep: int) -> int:
        """Leaves a place at most `keep` dates, by `surplus`; answers how many went."""
        with self.locked(place):
            found = self.series(place)
            gone = [record.id for record in surplus([record for one in found for record in one.records], keep)]
            return sum(series.drop(gone) for series in found)

    def digest(self, place: str) -> str:
        """SHA-256 of what the place knows: two histories of the same packets have the same."""
        lines: list[str] = []
        for series in self.series(place):
            for record in series.records:
                fields = {name: value for name, value in record.to_json().items() if name != "slot"}
                lines.append(f"{series.kind.id} {sorted(fields.items())}")
        return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()

    @contextmanager
    def locked(self, place: str) -> Iterator[None]:
        """One writer at a time for a place; waits."""
        _checked(place)
        folder = self.folder / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / place).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _make(self, place: str) -> None:
        path = self._places / place
        if not (path / "zarr.json").is_file():
            zarr.open_group(path, mode="a", zarr_format=3).attrs["perigee:place"] = place

    def _paths(self, place: str) -> list[Path]:
        folder = self._places / _checked(place)
        return sorted(path for path in folder.iterdir() if (path / "zarr.json").is_file()) if folder.is_dir() else []

    def _opened(self, path: Path) -> Series | None:
        try:
            return Series(path)
        except DamagedHistoryError as error:
            log.warning("history left out: %s", error)
            return None

    def _cells(self, ground: Grid) -> list[str]:
        places = (cell.id for size in SIZES for cell in cells(ground, size))
        return [place for place in places if (self._places / place).is_dir()]


def _checked(place: str) -> str:
    if not is_place_id(place):
        raise ValueError(
            f"place is {place!r}, expected EPSG_SIZE_COLUMN_ROW or named_DIGITS: see `perigee-cluster archive places`"
        )
    return place


def _is_better(record: Record, known: Record) -> bool:
    """Whether a state of a frame takes the place of another: another decoder's, or that of more packets. So the worker
    that saw less cannot undo the work of one that saw more."""
    if record.quality.decoder != known.quality.decoder:
        return True
    return len(record.quality.packet_ids) > len(known.quality.packet_ids)


def _covering(lattice: Lattice, ground: Grid) -> Window:
    """The samples of a lattice that a grid needs: its own where it lies on the lattice, else with a border."""
    same, window = Lattice.of(ground)
    if same == lattice:
        return window
    x0, y0, x1, y1 = ground.bounds
    pixel = lattice.pixel
    column, row = int(np.floor(x0 / pixel)) - 2, int(np.floor(-y1 / pixel)) - 2
    return Window(row, column, int(np.ceil(-y0 / pixel)) + 2 - row, int(np.ceil(x1 / pixel)) + 2 - column)


def _sighting(pieces: list[Piece], ground: Grid | str) -> Sighting | None:
    """The pieces of one frame as one; None where they show nothing of the ground."""
    kind, record = pieces[0].series.kind, pieces[0].record
    size, window = kind.rows * kind.columns, None
    if isinstance(ground, Grid) and kind.grid is not None:
        lattice, _ = Lattice.of(kind.grid)
        if lattice.crs != ground.crs:
            return None
        window = _covering(lattice, ground)
        size = window.rows * window.columns
    covered = clear = 0.0
    for piece in pieces:
        part, whole = piece.record.part, piece.series.kind.grid
        if window is not None and whole is not None:
            outer = Lattice.of(whole)[1]
            part = Window(outer.row + part.row, outer.column + part.column, part.rows, part.columns).meet(window)
        covered += part.rows * part.columns
        clear += part.rows * part.columns * piece.record.quality.clear_share
    if covered == 0:
        return None
    quality = replace(record.quality, clear_share=clear / size)
    return Sighting(record.id, record.time, quality, record.grade, kind, tuple(pieces))


def _served(frame: HistoryFrame, like: Declaration, grid: Grid | None) -> HistoryFrame | None:
    same = (frame.bands, frame.grid, frame.scale, frame.offset) == (like.bands, grid, like.scale, like.offset)
    if same or grid is None:
        return frame if frame.bands == like.bands else None
    return serve_as(frame, like.bands, grid, like.scale, like.offset)
