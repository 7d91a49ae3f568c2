"""Real series: every date of a place, in order."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.data.frames import data_folder, read_frame

CLEAR, CLOUDY = 0.1, 0.4
# Share of missing samples above which a date is left out.
MISSING = 0.005
# (folder, place) of the dense series, by the role of the place.
DECIDES = ("worldcereal-timeseries-test", "wc-be2")
VALIDATION = ("worldcereal-timeseries", "wc-be1")
SEASONS = 4


@dataclass(frozen=True)
class Date:
    """One acquisition: day as a number, samples [bands, rows, columns], share of cloud."""

    file: str
    day: int
    samples: NDArray[np.uint16]
    bands: tuple[str, ...]
    cloud: float


def dense(folder: str, place: str) -> list[Date]:
    """All dates of a series that lack next to nothing, by day."""
    found = []
    for entry in json.loads((data_folder() / "manifest.json").read_text())["files"]:
        if entry["kind"] != "frame" or entry["place"] != place or not entry["file"].startswith(f"{folder}/"):
            continue
        frame = read_frame(data_folder() / entry["file"])
        samples = np.asarray(frame.samples, np.uint16)
        if (samples == 0).mean() <= MISSING:
            day = date.fromisoformat(entry["datetime"][:10]).toordinal()
            found.append(Date(entry["file"], day, samples, frame.bands, float(entry.get("cloud_fraction", 0))))
    return sorted(found, key=lambda one: one.day)


def clear(dates: list[Date]) -> list[Date]:
    """Those with less than a tenth of cloud."""
    return [one for one in dates if one.cloud < CLEAR]


def season_files(place: str) -> list[str]:
    """The four seasons of a place of SSL4EO-S12."""
    return [f"terracodec-ssl4eos12/ssl4eos12-{place}_s{season}.tif" for season in range(SEASONS)]


def season_samples(place: str) -> tuple[list[NDArray[np.uint16]], tuple[str, ...]]:
    """Their samples, and the names of their bands."""
    frames = [read_frame(data_folder() / file) for file in season_files(place)]
    return [np.asarray(frame.samples, np.uint16) for frame in frames], frames[0].bands
