"""What is sent: passes over a few places, by date."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray

from perigee_cluster.demo.daemons import DemoError, perigee
from perigee_cluster.evaluation.places import CLEAR, MISSING
from perigee_cluster.history.clear import BRIGHTEST

CLOUDS = "0.6"
"""Share of a clouded pass."""
CLOUDED_EACH = 5
"""Counted from the end: the last passes are clear."""
NAME = re.compile(r"(.+)_\d{8}")
"""PLACE_DATE; other files of a folder are no frames."""
LEAST = 4
"""Passes without which there is nothing to show."""


@dataclass(frozen=True)
class Scene:
    """One frame as a file; `x`, `y`: corner of its grid."""

    file: Path
    place: str
    time: np.datetime64
    x: float
    y: float

    @classmethod
    def of(cls, file: Path) -> Scene:
        """What a GeoTIFF says of itself; its name is PLACE_DATE."""
        with rasterio.open(file) as raster:
            tags, transform = raster.tags(), raster.transform
        said = tags.get("datetime") or re.sub(
            r"^(\d{4}):(\d\d):(\d\d) ", r"\1-\2-\3T", tags.get("TIFFTAG_DATETIME", "")
        )
        try:
            time = np.datetime64(said.removesuffix("Z"), "ms")
        except ValueError:
            raise DemoError(f"{file} has no date ({said!r}): give it the item `datetime`") from None
        if np.isnat(time):
            raise DemoError(f"{file} has no date: give it the item `datetime`")
        return cls(file, file.stem.rpartition("_")[0], time, transform.c, transform.f)

    @property
    def day(self) -> str:
        """Of acquisition."""
        return str(self.time)[:10]

    def samples(self, names: Sequence[str]) -> NDArray[np.uint16]:
        """The original [B, H, W] with the bands in the order of `names`."""
        with rasterio.open(self.file) as raster:
            return raster.read([raster.descriptions.index(name) + 1 for name in names])

    @property
    def is_clear(self) -> bool:
        """Whether it serves as the truth: next to nothing missing, next to nothing bright in blue light."""
        with rasterio.open(self.file) as raster:
            blue = raster.read(raster.descriptions.index("B02") + 1)
        return float((blue == 0).mean()) <= MISSING and float((blue > BRIGHTEST * 10_000).mean()) <= CLEAR


@dataclass(frozen=True)
class Passes:
    """Frames by their part in the demo."""

    sent: tuple[tuple[Scene, ...], ...]
    """What the history is made of, pass by pass."""
    unseen: tuple[Scene, ...]
    """A pass between those that is never sent."""
    last: tuple[Scene, ...]

    @property
    def places(self) -> tuple[str, ...]:
        """Names."""
        return tuple(scene.place for scene in self.last)


@dataclass(frozen=True)
class World:
    """What the simulator is asked for: the first place burns before the last pass, some passes are clouded."""

    places: int = 3
    visits: int = 25
    size: int = 256
    seed: int = 12
    start: str = "2023-06-20T10:36:00Z"
    days: int = 15

    def make(self, folder: Path) -> Passes:
        """The frames, written to `folder`."""
        words = (
            "--seed", str(self.seed), "--visits", str(self.visits), "--revisit-days", str(self.days),
            "--start", self.start, "--rows", str(self.size), "--columns", str(self.size),
        )  # fmt: skip
        clear, clouded = folder / "clear", folder / "clouded"
        perigee("simulate", "-o", str(clear), *words, "--clouds", "0", "--event", "fire")
        if self.places > 1:
            rest = ("--first-place", "1", "--places", str(self.places - 1))
            perigee("simulate", "-o", str(clear), *words, "--clouds", "0", *rest)
        perigee("simulate", "-o", str(clouded), *words, "--clouds", CLOUDS, "--places", str(self.places))
        names = [sorted(file.name for file in clear.glob(f"sim-{place}_*.tif")) for place in range(self.places)]
        visits = []
        for visit in range(self.visits):
            is_clouded = (self.visits - visit) % CLOUDED_EACH == 0
            visits.append(tuple(Scene.of((clouded if is_clouded else clear) / own[visit]) for own in names))
        return Passes((*visits[:-3], visits[-2]), visits[-3], visits[-1])


def series(folder: Path) -> Passes:
    """Real places: GeoTIFFs of Sentinel-2, named PLACE_DATE. The last clear date is the last pass, and the clear date
    before the middle of those before it the one that nobody sees."""
    if not folder.is_dir():
        raise DemoError(f"no folder {folder}: name one with GeoTIFFs called PLACE_DATE.tif")
    by_place: dict[str, list[Scene]] = {}
    for file in sorted(folder.glob("*.tif")):
        if NAME.fullmatch(file.stem):
            scene = Scene.of(file)
            by_place.setdefault(scene.place, []).append(scene)
    sent: list[Scene] = []
    unseen, last = [], []
    for place, all_scenes in by_place.items():
        scenes = sorted(all_scenes, key=lambda one: one.time)
        clear = [number for number, scene in enumerate(scenes) if scene.is_clear]
        if len(clear) < LEAST:
            raise DemoError(f"{folder} has {len(clear)} clear dates of {place}: name a folder with {LEAST} or more")
        end, middle = clear[-1], clear[(len(clear) - 1) // 2]
        last.append(scenes[end])
        unseen.append(scenes[middle])
        sent += [scene for number, scene in enumerate(scenes[:end]) if number != middle]
    if not last:
        raise DemoError(f"{folder} holds no GeoTIFF: name one with GeoTIFFs called PLACE_DATE.tif")
    days = sorted({scene.day for scene in sent})
    passes = tuple(tuple(scene for scene in sent if scene.day == day) for day in days)
    return Passes(passes, tuple(unseen), tuple(last))
