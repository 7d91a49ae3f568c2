"""What a power cut may leave of a folder, from its state before and the journal of interpose.c.

The model, stricter than most file systems and never kinder than POSIX:
- what was written or cut before a sync of the file began, and the sync came back, is there;
- each later write is there, or absent, or torn: of its sectors of 512 octets any may be there; a later cut is there or
  not;
- a name made, moved or removed is as it was left where its folder was synced since; else the changes of a folder are
  there up to any of them, or any selection of them, or none;
- a file that lost its last name is gone.
Files of shared memory (SQLite's -shm) are not brought back: nothing in them outlives a process.
"""

from __future__ import annotations

import random
import shutil
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

SECTOR = 512
_RECORD = struct.Struct("<IIQQQII")
START, OPENED, CREATED, WRITTEN, CUT, SYNC_BEGIN, SYNC_END, RENAMED, UNLINKED, DIRECTORY_MADE = range(1, 11)
_DIRECTORY = 2


@dataclass(frozen=True)
class Record:
    """One entry of the journal; `end` is the size of the journal behind it."""

    end: int
    operation: int
    thread: int
    inode: int
    offset: int
    name: str
    data: bytes


def read_journal(path: Path, until: int | None = None) -> Iterator[Record]:
    """Whole records that end at `until` or before; a torn last one is left out."""
    octets = path.read_bytes()[:until]
    place = 0
    while place + _RECORD.size <= len(octets):
        size, operation, thread, inode, offset, name_size, data_size = _RECORD.unpack_from(octets, place)
        if size != _RECORD.size + name_size + data_size:
            raise ValueError(f"{path.name}: record at {place} says {size} octets: the journal is damaged")
        if place + size > len(octets):
            return
        name_end = place + _RECORD.size + name_size
        yield Record(
            place + size, operation, thread, inode, offset,
            octets[place + _RECORD.size : name_end].decode(), octets[name_end : place + size],
        )  # fmt: skip
        place += size


@dataclass
class _File:
    """Durable content, and what was done to it since: (offset, octets) or (size, None) for a cut."""

    durable: bytearray
    later: list[tuple[int, bytes | None]] = field(default_factory=list)
    inode: int = 0


@dataclass
class _Folder:
    """Names as of the last sync, and what was done to names since."""

    durable: dict[str, object] = field(default_factory=dict)
    later: list[tuple[str, ...]] = field(default_factory=list)
    objects: list[object] = field(default_factory=list)  # of each entry of `later`


def _apply(content: bytearray, place: int, octets: bytes | None) -> None:
    if octets is None:
        if place < len(content):
            del content[place:]
        else:
            content.extend(b"\0" * (place - len(content)))
        return
    if place > len(content):
        content.extend(b"\0" * (place - len(content)))
    content[place : place + len(octets)] = octets


class Disk:
    """A folder as the kernel has it and as the disk may have it."""

    def __init__(self, before: Path) -> None:
        """`before`: a copy of the folder from before the journal began; all of it is durable."""
        self.folders: dict[str, _Folder] = {"": _Folder()}
        self._now: dict[str, object] = {}  # path → file or folder, as the processes see it
        self._by_inode: dict[int, _File] = {}
        self._syncing: dict[tuple[int, int], int] = {}
        self.inodes: dict[str, int] = {}
        """Inode of each file that `after_cut` found last, where the journal names it."""
        for path in sorted(before.rglob("*")):
            name = path.relative_to(before).as_posix()
            made: object = _Folder() if path.is_dir() else _File(bytearray(path.read_bytes()))
            if isinstance(made, _Folder):
                self.folders[name] = made
            self._now[name] = made
            self._parent(name).durable[PurePosixPath(name).name] = made

    def replay(self, journal: Path, until: int | None = None) -> None:
        """Takes the journal up to `until` octets of it."""
        for record in read_journal(journal, until):
            self._take(record)

    def _parent(self, name: str) -> _Folder:
        parent = PurePosixPath(name).parent.as_posix()
        return self.folders["" if parent == "." else parent]

    def _change(self, name: str, change: tuple[str, ...], subject: object) -> None:
        folder = self._parent(name)
        folder.later.append(change)
        folder.objects.append(subject)

    def _take(self, record: Record) -> None:
        name, leaf = record.name, PurePosixPath(record.name).name
        match record.operation:
            case 2:  # OPENED
                subject = self._now.get(name)
                if isinstance(subject, _File):
                    self._by_inode[record.inode] = subject
                    subject.inode = record.inode
            case 3:  # CREATED
                made = _File(bytearray(), inode=record.inode)
                self._now[name] = self._by_inode[record.inode] = made
                self._change(name, ("set", leaf), made)
            case 4:  # WRITTEN
                self._file(record).later.append((record.offset, record.data))
            case 5:  # CUT
                self._file(record).later.append((record.offset, None))
            case 6:  # SYNC_BEGIN
                done = self.folders[name].later if record.offset == _DIRECTORY else self._file(record).later
                self._syncing[record.thread, record.inode] = len(done)
            case 7:  # SYNC_END
                self._synced(record)
            case 8:  # RENAMED
                old, new = name.split("\0")
                self._rename(old, new)
            case 9:  # UNLINKED
                self._now.pop(name, None)
                self._change(name, ("remove", leaf), None)
            case 10:  # DIRECTORY_MADE
                folder = _Folder()
                self._now[name] = self.folders[name] = folder
                self._change(name, ("set", leaf), folder)

    def _file(self, record: Record) -> _File:
        found = self._by_inode.get(record.inode)
        if found is None:
            raise ValueError(f"the journal writes to a file that it never opened: inode {record.inode}")
        return found

    def _synced(self, record: Record) -> None:
        count = self._syncing.pop((record.thread, record.inode))
        if record.offset == _DIRECTORY:
            folder = self.folders[record.name]
            for change, subject in zip(folder.later[:count], folder.objects[:count], strict=True):
                _name(folder.durable, change, subject)
            del folder.later[:count], folder.objects[:count]
            self._drop_counts(record.inode, count)
            return
        file = self._file(record)
        for place, octets in file.later[:count]:
            _apply(file.durable, place, octets)
        del file.later[:count]
        self._drop_counts(record.inode, count)

    def _drop_counts(self, inode: int, count: int) -> None:
        """Another thread's sync of the same file began at a place that has moved."""
        for key in self._syncing:
            if key[1] == inode:
                self._syncing[key] = max(0, self._syncing[key] - count)

    def _rename(self, old: str, new: str) -> None:
        subject = self._now.pop(old, None)
        self._now[new] = subject
        if isinstance(subject, _Folder):
            for path in [path for path in self._now if path.startswith(f"{old}/")]:
                self._now[new + path[len(old) :]] = self._now.pop(path)
            for path in [path for path in self.folders if path == old or path.startswith(f"{old}/")]:
                self.folders[new + path[len(old) :]] = self.folders.pop(path)
        leaf, other = PurePosixPath(old).name, PurePosixPath(new).name
        if self._parent(old) is self._parent(new):
            self._change(new, ("move", leaf, other), subject)
        else:
            self._change(new, ("set", other), subject)
            self._change(old, ("remove", leaf), None)

    def after_cut(self, seed: int) -> dict[str, bytes | None]:
        """What is found after power returns: path → octets, None for a folder. The same seed finds the same."""
        found: dict[str, bytes | None] = {}
        self.inodes = {}
        self._collect("", self.folders[""], random.Random(seed), found)
        return found

    def _collect(self, prefix: str, folder: _Folder, dice: random.Random, found: dict[str, bytes | None]) -> None:
        names = dict(folder.durable)
        for index in _survivors(len(folder.later), dice):
            _name(names, folder.later[index], folder.objects[index])
        for leaf, subject in sorted(names.items()):
            path = f"{prefix}{leaf}"
            if isinstance(subject, _Folder):
                found[path] = None
                self._collect(f"{path}/", subject, dice, found)
            elif isinstance(subject, _File) and not leaf.endswith("-shm"):
                found[path] = _content(subject, dice)
                self.inodes[path] = subject.inode


def _name(names: dict[str, object], change: tuple[str, ...], subject: object) -> None:
    match change:
        case ("set", leaf):
            names[leaf] = subject
        case ("remove", leaf):
            names.pop(leaf, None)
        case ("move", leaf, other):
            if names.get(leaf) is subject:
                del names[leaf]
            names[other] = subject


def _survivors(count: int, dice: random.Random) -> list[int]:
    """Which of the changes of names that nobody synced are there."""
    way = dice.choice(("none", "all", "prefix", "any"))
    if way == "none":
        return []
    if way == "all":
        return list(range(count))
    if way == "prefix":
        return list(range(dice.randint(0, count)))
    return [index for index in range(count) if dice.random() < 0.5]


def _content(file: _File, dice: random.Random) -> bytes:
    content = bytearray(file.durable)
    likelihood = dice.choice((0.0, 0.5, 0.9, 1.0))
    for place, octets in file.later:
        if octets is None:
            if dice.random() < likelihood:
                _apply(content, place, None)
        elif dice.random() < 0.3:
            _tear(content, place, octets, dice)
        elif dice.random() < likelihood:
            _apply(content, place, octets)
    return bytes(content)


def _tear(content: bytearray, place: int, octets: bytes, dice: random.Random) -> None:
    """Sectors of one write, each there or not."""
    start = place
    end = place + len(octets)
    while start < end:
        stop = min((start // SECTOR + 1) * SECTOR, end)
        if dice.random() < 0.5:
            _apply(content, start, octets[start - place : stop - place])
        start = stop


def restore(found: dict[str, bytes | None], folder: Path) -> None:
    """Writes what `after_cut` found into `folder`, which is emptied first."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for path, octets in found.items():
        if octets is None:
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(octets)
