"""Arrays as Cloud Optimized GeoTIFF."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

from perigee_cluster.data.grid import Grid

BLOCK = 512


@dataclass(frozen=True)
class Look:
    """What a GeoTIFF says besides its samples."""

    names: Sequence[str]
    grid: Grid | None
    nodata: float | None = None
    scale: float = 1.0
    offset: float = 0.0
    tags: Mapping[str, str] | None = None
    resampling: str = "average"
    """Of overviews."""


def cog(samples_BHW: NDArray[np.generic], look: Look) -> bytes:
    """The octets of a GeoTIFF by GDAL's COG driver: deflate with predictor, tiles of 512, overviews of larger ones."""
    bands, rows, columns = samples_BHW.shape
    options = {"compress": "DEFLATE", "predictor": "YES", "blocksize": BLOCK, "overview_resampling": look.resampling}
    if look.nodata is not None and (not math.isnan(look.nodata) or samples_BHW.dtype.kind == "f"):
        options["nodata"] = look.nodata
    if look.grid is not None:
        options |= {"crs": look.grid.crs, "transform": Affine(*look.grid.transform)}
    # made in memory, since GDAL does not say by an error that a disk was full
    with MemoryFile() as memory:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # frames without a grid are ordinary
            with memory.open(
                driver="COG", dtype=samples_BHW.dtype, count=bands, height=rows, width=columns, **options
            ) as file:
                file.write(np.ascontiguousarray(samples_BHW))
                file.descriptions = tuple(look.names)
                if (look.scale, look.offset) != (1.0, 0.0):
                    file.scales, file.offsets = (look.scale,) * bands, (look.offset,) * bands
                file.update_tags(**(look.tags or {}))
        return memory.read()


def as_sent(samples_BHW: NDArray[np.float32], dtype: np.dtype[np.generic]) -> NDArray[np.generic]:
    """Samples in the type of the stream: rounded half to even and clipped, as Docs/products.md section 4 has it."""
    if dtype.kind == "f":
        return samples_BHW.astype(dtype)
    bounds = np.iinfo(dtype)
    return np.clip(np.rint(samples_BHW.astype(np.float64)), bounds.min, bounds.max).astype(dtype)
