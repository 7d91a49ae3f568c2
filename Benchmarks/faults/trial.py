"""One row's run: its parameters, its counts, its folder, and how it goes on where it was interrupted."""

from __future__ import annotations

import json
import logging
import random
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from faults.daemons import ROOT, TrialError
from faults.interposer import Interposer, build

WORK = ROOT / ".build" / "faults"
log = logging.getLogger("faults")


@dataclass(frozen=True)
class Row:
    """One row of the table: what is done, what must hold, how often in the long and the short run."""

    name: str
    fault: str
    how: str
    passes: str
    long: dict[str, int | float]
    short: dict[str, int | float] | None
    run: Callable[[Trial], None]


class Trial:
    """What a row works with."""

    def __init__(self, row: Row, parameters: dict[str, int | float], key: str, is_short: bool) -> None:
        """`key`: what the counts are of; a state of another key is not gone on from."""
        self.row = row
        self.parameters = parameters
        self.is_short = is_short
        self.counts: dict[str, float] = {}
        self.notes: list[str] = []
        self._done: dict[str, int] = {}
        self._key = key
        self._state = WORK / "state" / f"{row.name}{'-short' if is_short else ''}.json"
        self._saved = 0.0
        if not is_short:
            self._load()
        self.folder = Path(tempfile.mkdtemp(prefix="perigee-faults-"))
        self._links = 0

    def __getitem__(self, name: str) -> int | float:
        """A parameter."""
        return self.parameters[name]

    def _load(self) -> None:
        if self._state.exists():
            state = json.loads(self._state.read_text())
            if state["key"] == self._key and state["parameters"] == self.parameters:
                self.counts, self._done, self.notes = state["counts"], state["done"], state["notes"]

    def save(self) -> None:
        """Keeps counts and places, so that an interrupted run goes on from here."""
        self._state.parent.mkdir(parents=True, exist_ok=True)
        state = {"key": self._key, "parameters": self.parameters, "counts": self.counts, "done": self._done,
                 "notes": self.notes}  # fmt: skip
        fresh = self._state.with_suffix(".new")
        fresh.write_text(json.dumps(state, indent=1) + "\n")
        fresh.rename(self._state)

    def finish(self) -> None:
        """Removes what the row left lying; a failure keeps it, and its place, by not calling this."""
        self._state.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def cycles(self, name: str) -> Iterator[int]:
        """Counts from where it stood to the parameter of that name. A cycle counts when the next one is asked for."""
        total = int(self.parameters[name])
        while (done := self._done.get(name, 0)) < total:
            if time.monotonic() - self._saved > 2:
                self._saved = time.monotonic()
                log.info("%s: %s %d of %d", self.row.name, name, done, total)
            yield done
            self._done[name] = done + 1
            self.counts[name] = done + 1
            self.save()

    def dice(self, *salt: int | str) -> random.Random:
        """Randomness of one cycle: the same in every run."""
        return random.Random(f"{self.row.name}/{'/'.join(map(str, salt))}")

    def add(self, **counts: float) -> None:
        """Adds to the counts of the row."""
        for name, count in counts.items():
            self.counts[name] = self.counts.get(name, 0) + count

    def peak(self, **values: float) -> None:
        """Keeps the largest value seen."""
        for name, value in values.items():
            self.counts[name] = round(max(self.counts.get(name, 0), value), 3)

    def check(self, holds: bool, what: str) -> None:
        """The contract: ends the row where it does not hold."""
        if not holds:
            raise TrialError(what)

    def place(self, name: str) -> Path:
        """A folder of this trial."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def address(self, name: str) -> str:
        """A socket of this trial on this machine."""
        return f"ipc://{self.folder}/{name}.sock"

    def free_port(self) -> int:
        """A port of the loopback that nobody uses now."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    def interposer(self, folder: Path, journal: Path | None = None) -> Interposer:
        """The library below a process that works in `folder`."""
        return Interposer(build(WORK), folder, self.place("control"), journal)
