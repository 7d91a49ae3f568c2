"""What is measured: frames of named sets, what sensor saw them, and who codes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.data.frames import RasterFrame, data_folder, read_frame
from perigee_cluster.data.splits import Splits, load_splits
from perigee_cluster.metrics.quality import measure
from perigee_cluster.training.profiles import read_profile
from rd.cache import ROOT
from rd.folds import FOLDER, PLACES, place_of

RATIOS = (100, 300, 1000, 3000, 10000)
PEAK = 10000.0
SEASONS = 4
SERIES, SERIES_STEP, CLEAR = "wc-be2", 6, 0.1


@dataclass(frozen=True)
class Subject:
    """One frame: its set (a table of the report), place, file, sensor profile, and bands for NDVI.

    `fold` says that the codec is a bundle fitted without the place; else it is the shipped one.
    `nodata`: the value that the profile says is missing, where samples have it.
    """

    set_name: str
    place: str
    file: str
    sensor: str
    red: str
    near_infrared: str
    fold: bool = False
    nodata: float | None = None

    @property
    def path(self) -> Path:
        """The GeoTIFF."""
        return data_folder() / self.file

    @property
    def name(self) -> str:
        """Place and date, unique in all sets."""
        return self.path.stem

    @cached_property
    def frame(self) -> RasterFrame:
        """The samples as they are on disk."""
        return read_frame(self.path)

    @property
    def samples(self) -> NDArray[np.generic]:
        """[bands, rows, columns]."""
        return self.frame.samples

    def budget(self, ratio: int) -> int:
        """Octets at a ratio; raw counts what a sample takes in the file."""
        return self.samples.nbytes // ratio

    @property
    def native_share(self) -> float:
        """Samples of the file over samples at each band's own GSD: a ratio over this is the native ratio."""
        bands = read_profile(ROOT / "Config" / "sensors" / f"{self.sensor}.toml")["bands"]
        assert isinstance(bands, list)
        distances = {band["name"]: float(band["groundSamplingDistance"]) for band in bands}
        finest = min(distances[band] for band in self.frame.bands)
        return len(self.frame.bands) / sum((finest / distances[band]) ** 2 for band in self.frame.bands)

    def quality(self, reconstruction: NDArray[np.floating]) -> dict[str, float | None]:
        """PSNR, SSIM, spectral angle and NDVI error over the pixels that no band lacks."""
        valid = None if self.nodata is None else (self.samples != self.nodata).all(axis=0)
        bands = self.frame.band(self.red), self.frame.band(self.near_infrared)
        return measure(self.samples, reconstruction, PEAK, *bands, valid).as_dict()


def fold_subjects(places: tuple[str, ...] = PLACES) -> list[Subject]:
    """The terracodec places, four seasons each, every place by a bundle that has not seen it."""
    return [
        Subject("folds", place, f"{FOLDER}/ssl4eos12-{place}_s{season}.tif", "sentinel-2-l2a", "B04", "B08", fold=True)
        for place in places
        for season in range(SEASONS)
    ]


def shipped_subjects() -> list[Subject]:
    """Every other test place of the split table, by the shipped bundle."""
    splits = load_splits()
    found = [Subject("dolomites", "dolomites", "s2-dolomites/dolomites_nodate.tif", "sentinel-2-l2a", "B04", "B08")]
    for file in dates_of_series(json.loads((data_folder() / "manifest.json").read_text())["files"]):
        found.append(Subject("wc-be2", "wc-be2", file, "sentinel-2-l2a", "B04", "B08"))
    for file in _of_role("eurosat-ms", splits, "test"):
        found.append(Subject("eurosat", place_of(file), file, "sentinel-2-l1c", "B04", "B08"))
    for file in _of_role("hls-water", splits, "test"):
        found.append(Subject("hls", place_of(file), file, "landsat-8-oli", "B04", "B05", nodata=0))
    return found


def dates_of_series(files: list[dict[str, object]]) -> list[str]:
    """Every sixth clear and every sixth cloudy date of wc-be2, by date; clear is less than a tenth of cloud."""
    frames = sorted(str(f["file"]) for f in files if f["place"] == SERIES and f["kind"] == "frame")
    cloud = {
        str(f["file"]): float(str(f["cloud_fraction"])) for f in files if f["place"] == SERIES and "cloud_fraction" in f
    }
    clear = [file for file in frames if cloud[file] < CLEAR]
    cloudy = [file for file in frames if cloud[file] >= CLEAR]
    return sorted(clear[::SERIES_STEP] + cloudy[::SERIES_STEP])


def _of_role(folder: str, splits: Splits, role: str) -> list[str]:
    paths = sorted((data_folder() / folder).glob("*.tif"))
    return [
        f"{folder}/{path.name}"
        for path in paths
        if not path.name.endswith("_stack.tif") and splits.role(place_of(path.name)) == role
    ]


def is_seen(subject: Subject, trained: list[str]) -> bool:
    """Whether a bundle fitted on the files `trained` has seen the place of `subject`."""
    return place_of(subject.file) in {place_of(file) for file in trained}
