"""Sensor profiles of `Config/sensors/*.toml` as the manifest of a firmware bundle carries them."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path

Profile = dict[str, object]

# Declarations name a profile by its place in this list, so new ones go to the end.
ORDER = (
    "sentinel-2-l2a",
    "sentinel-2-l1c",
    "landsat-8-oli",
    "landsat-7-etm",
    "modis",
    "naip",
    "sentinel-1",
)
BAND_KEYS = {
    "name": "name",
    "center_wavelength": "centerWavelength",
    "full_width_half_max": "fullWidthHalfMax",
    "gsd": "groundSamplingDistance",
    "categorical": "isCategorical",
}
PROFILE_KEYS = ("name", "platform", "instruments", "scale", "offset", "nodata", "peak")


def read_profile(path: Path) -> Profile:
    """One profile in the words of the manifest; keys that only daemons need (aliases) are left out."""
    table = tomllib.loads(path.read_text())
    profile: Profile = {key: _plain(table[key]) for key in PROFILE_KEYS if key in table}
    profile["sampleType"] = table["dtype"]
    profile["bands"] = [
        {BAND_KEYS[key]: value for key, value in band.items() if key in BAND_KEYS} for band in table["bands"]
    ]
    return profile


def _plain(value: object) -> object:
    return "nan" if isinstance(value, float) and math.isnan(value) else value


def read_profiles(folder: Path) -> list[Profile]:
    """The profiles of a bundle, in the order in which declarations count them."""
    return [read_profile(folder / f"{name}.toml") for name in ORDER]


def wavelengths(profile: Profile) -> dict[str, float]:
    """Centre wavelength in micrometres by band name, for the bands that have one."""
    bands = profile["bands"]
    assert isinstance(bands, list)
    return {band["name"]: float(band["centerWavelength"]) for band in bands if "centerWavelength" in band}
