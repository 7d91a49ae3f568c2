"""Reads a unit file as far as these tests need it."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path


class Unit:
    """The assignments of a unit file, in their order; an empty one takes back what stood before it."""

    def __init__(self, path: Path) -> None:
        self._values: dict[str, list[str]] = defaultdict(list)
        for line in path.read_text().splitlines():
            name, separator, value = line.partition("=")
            if not separator or name.startswith(("#", ";")):
                continue
            if value:
                self._values[name].append(value)
            else:
                self._values[name] = []

    def all(self, name: str) -> list[str]:
        """Every value of that name."""
        return self._values[name]

    def words(self, name: str) -> list[str]:
        """All words of all values of that name."""
        return [word for value in self._values[name] for word in value.split()]

    def is_on(self, name: str) -> bool:
        """A switch."""
        return self._values[name][-1:] == ["yes"]
