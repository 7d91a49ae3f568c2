"""One place, one worker: locks of the file system, which a process that dies gives back."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from perigee_cluster.archive.places import Cell

BLOCK = 16
"""Cells of a side that share a lock: a frame of a hundred kilometres needs a dozen locks, not two thousand."""


def lock_names(places: Iterable[str]) -> list[str]:
    """Names of the locks of places, in the order in which all take them; a place has one lock."""
    names = set()
    for place in places:
        cell = Cell.parse(place)
        if cell is None:
            names.add(place)
        else:
            names.add(f"{cell.epsg}_{cell.size * BLOCK}_{cell.column // BLOCK}_{cell.row // BLOCK}")
    return sorted(names)


class Locks:
    """Locks by name below a folder; a context that gives all of them back."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._held = contextlib.ExitStack()

    def take(self, names: Iterable[str]) -> bool:
        """Takes all, or none where another process has one; waits for nobody."""
        with contextlib.ExitStack() as taken:
            for name in names:
                file = taken.enter_context((self._folder / name).open("w"))
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return False
            self._held.push(taken.pop_all())
        return True

    def close(self) -> None:
        """Gives all of them back."""
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class PlaceLocks:
    """Locks of one process for several pieces of work: the first at a place takes its lock, the last gives it back."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, tuple[Locks, int]] = {}

    def take(self, names: Iterable[str]) -> bool:
        """Takes all, or none where another process has one; waits for nobody."""
        taken: list[str] = []
        for name in names:
            locks, count = self._held.get(name) or (Locks(self._folder), 0)
            if count == 0 and not locks.take([name]):
                self.give(taken)
                return False
            self._held[name] = locks, count + 1
            taken.append(name)
        return True

    def give(self, names: Iterable[str]) -> None:
        """Gives back what `take` took once."""
        for name in names:
            locks, count = self._held.pop(name)
            if count > 1:
                self._held[name] = locks, count - 1
            else:
                locks.close()
