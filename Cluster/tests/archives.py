"""Archives for tests, made by the real programs."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from faults.daemons import Gateway, Station, programs, wait_for
from perigee_cluster.archive import Archive
from perigee_cluster.archive.octets import crc32c

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = [ROOT / "Firmware"]
VISITS = (("2024-06-01", "0"), ("2024-06-06", "0"), ("2024-06-11", "1"), ("2024-06-21", "0"), ("2025-06-02", "0.3"))


def need_programs() -> None:
    """Skips a test where nothing is built; fails it where `CI` is true."""
    if (programs() / "perigee-gateway").exists():
        return
    if os.environ.get("CI") == "true":
        raise FileNotFoundError(f"no programs in {programs()}: run `make build`")
    pytest.skip(f"no programs in {programs()}: run `make build`, or set PERIGEE_PROGRAMS")


def perigee(*words: str) -> str:
    """What the program `perigee` prints."""
    environment = {**os.environ, "PERIGEE_HOME": str(ROOT), "SWIFT_BACKTRACE": "enable=no"}
    done = subprocess.run([str(programs() / "perigee"), *words], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass(frozen=True)
class Year:
    """What a gateway filed of one place, and what the renderer made of it."""

    folder: Path

    @property
    def archive(self) -> Path:
        """The folder of the archive."""
        return self.folder / "gateway" / "archive"

    @property
    def products(self) -> dict[tuple[str, int], Path]:
        """GeoTIFFs of `perigee render`, by epoch and number."""
        found = {}
        for item in (self.folder / "products").glob("*/*/*.json"):
            properties = json.loads(item.read_text())["properties"]
            found[properties["perigee:epoch"], properties["perigee:frame"]] = item.with_suffix(".tif")
        return found

    def copy(self, to: Path) -> Path:
        """An archive of its own, for a test that damages it."""
        return Path(shutil.copytree(self.archive, to / "archive"))

    @classmethod
    def fly(cls, folder: Path) -> Year:
        """Dates of `VISITS`, each sent when the one before is filed, so that it may lean on that."""
        live = Live.start(folder, target="100x")
        try:
            for start, clouds in VISITS:
                live.send("--start", f"{start}T10:00:00Z", "--clouds", clouds, "--rows", "96", "--columns", "96")
        finally:
            live.stop()
        year = cls(folder)
        perigee("render", "--output", str(folder / "products"), "--archive", str(year.archive))
        return year


def opened(folder: Path) -> Archive:
    """An archive with the firmware of the repository."""
    return Archive(folder, FIRMWARE)


def change(folder: Path, statement: str, *values: object) -> None:
    """Changes an archive's index."""
    with sqlite3.connect(folder / "index.sqlite") as database:
        database.execute(statement, values)
    database.close()


def place_of(folder: Path, frame: int, part: int) -> tuple[int, int]:
    """Offset of a part's record in the only segment, and the octets of its packet."""
    with sqlite3.connect(folder / "index.sqlite") as database:
        found = database.execute(
            "SELECT offset, size FROM packets WHERE kind < 2 AND frame = ? AND part = ?",
            (frame, part),
        ).fetchone()
    database.close()
    return found


def flip(folder: Path, offset: int) -> None:
    """Turns one bit of the first segment."""
    path = folder / "segments" / "00000001.seg"
    octets = bytearray(path.read_bytes())
    octets[offset] ^= 4
    path.write_bytes(octets)


def forge(folder: Path, frame: int, old: bytes, new: bytes) -> None:
    """Replaces octets in part 0 of a frame, and makes all checksums right."""
    assert len(old) == len(new)
    offset, size = place_of(folder, frame, 0)
    path = folder / "segments" / "00000001.seg"
    octets = bytearray(path.read_bytes())
    end = offset + 4 + int.from_bytes(octets[offset : offset + 4], "little")
    packet = slice(end - 4 - size, end - 4)
    content = bytes(octets[packet])[:-4]
    assert content.count(old) == 1
    content = content.replace(old, new)
    octets[packet] = content + crc32c(content).to_bytes(4, "little")
    octets[end - 4 : end] = crc32c(bytes(octets[offset : end - 4])).to_bytes(4, "little")
    path.write_bytes(octets)


@dataclass
class Live:
    """A gateway and a station that run."""

    gateway: Gateway
    station: Station
    intake: str

    @classmethod
    def start(cls, folder: Path, target: str = "1000x") -> Live:
        """Starts both."""
        link, intake = f"ipc://{folder}/link", f"ipc://{folder}/intake"
        gateway = Gateway(folder / "gateway", link)
        station = Station(folder / "station", intake, link, mode="pull", target=target)
        gateway.start_until_ready()
        station.start_until_ready()
        return cls(gateway, station, intake)

    def send(self, *words: str) -> int:
        """Sends simulated frames, and waits until the gateway has filed all; answers how many."""
        before = self.station.ledger().get("delivered", 0)
        told = json.loads(perigee("simulate", "--publish", "--json", "--endpoint", self.intake, *words))
        count = told["frames"] if isinstance(told["frames"], int) else len(told["frames"])
        both = (self.gateway, self.station)
        wait_for("delivery", lambda: self.station.ledger().get("delivered", 0) >= before + count, 120, both)
        return count

    def stop(self) -> None:
        """Ends both."""
        self.station.stop()
        self.gateway.stop()
