"""Reads frames from GeoTIFF files: samples [bands, rows, columns] and the names of their bands."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

GDAL_METADATA_TAG = 42112
GDAL_NODATA_TAG = 42113


@dataclass(frozen=True)
class RasterFrame:
    """One acquisition: samples [bands, rows, columns] in the type of the file, band names, nodata value if any."""

    path: Path
    samples: NDArray[np.generic]
    bands: tuple[str, ...]
    nodata: float | None

    def band(self, name: str) -> int:
        """Index of the band `name`; a KeyError names the bands there are."""
        try:
            return self.bands.index(name)
        except ValueError:
            raise KeyError(f"{self.path.name} has no band {name}, only {', '.join(self.bands)}") from None


def data_folder() -> Path:
    """The folder of sample data: `$PERIGEE_DATA`, else `../shared/data` beside the repository."""
    given = os.environ.get("PERIGEE_DATA")
    folder = Path(given) if given else Path(__file__).resolve().parents[3] / ".." / "shared" / "data"
    if not folder.is_dir():
        raise FileNotFoundError(f"no sample data in {folder}: set PERIGEE_DATA to the folder that holds manifest.json")
    return folder.resolve()


def read_frame(path: Path) -> RasterFrame:
    """Reads all bands. Files without band descriptions get the names `1`, `2`, and so on."""
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        samples = file.asarray()
        metadata = _tag(page, GDAL_METADATA_TAG)
        nodata = _tag(page, GDAL_NODATA_TAG)
    if samples.ndim == 2:
        samples = samples[None]
    names = _descriptions(metadata) if metadata is not None else {}
    count = len(names) or samples.shape[0]
    if samples.shape[0] != count and samples.shape[-1] == count:
        samples = np.moveaxis(samples, -1, 0)
    bands = tuple(names.get(index, str(index + 1)) for index in range(samples.shape[0]))
    missing = float(nodata) if nodata is not None else None
    return RasterFrame(path, np.ascontiguousarray(samples), bands, missing)


def _tag(page: tifffile.TiffPage | tifffile.TiffFrame, code: int) -> str | None:
    tag = page.tags.get(code) if isinstance(page, tifffile.TiffPage) else None
    return None if tag is None else str(tag.value)


def _descriptions(xml: str) -> dict[int, str]:
    items = ElementTree.fromstring(xml).iter("Item")
    return {int(i.get("sample", "0")): i.text or "" for i in items if i.get("role") == "description"}
