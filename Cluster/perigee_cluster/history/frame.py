"""The values that history, reconstruction and products share. Suffixes: B bands, H rows, W columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Grade = Literal["measured", "drawn"]
"""measured: the deterministic decode of packets. drawn: what a model made up; never history by default."""


@dataclass(frozen=True)
class Band:
    """A band of a frame; wavelength and width in micrometres, GSD in metres, None where not known."""

    name: str
    wavelength: float | None = None
    width: float | None = None
    gsd: float | None = None
    is_categorical: bool = False


@dataclass(frozen=True)
class Grid:
    """Where samples lie: x = a column + b row + c, y = d column + e row + f in units of the CRS, at corners."""

    crs: str
    """As STAC's `proj:code`: `EPSG:32631`."""
    transform: tuple[float, float, float, float, float, float]
    """a, b, c, d, e, f, as in STAC's `proj:transform`."""
    rows: int
    columns: int

    @property
    def is_north_up(self) -> bool:
        """Whether columns run east and rows south, with square samples."""
        a, b, _, d, e, _ = self.transform
        return b == 0 and d == 0 and a > 0 and e == -a

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Least and greatest x and y of the corners: x0, y0, x1, y1."""
        a, b, c, d, e, f = self.transform
        x = [c + a * column + b * row for column in (0, self.columns) for row in (0, self.rows)]
        y = [f + d * column + e * row for column in (0, self.columns) for row in (0, self.rows)]
        return min(x), min(y), max(x), max(y)


@dataclass(frozen=True)
class Quality:
    """What a frame of history rests on."""

    octets: int
    """Of all packets of the frame that were used, headers included."""
    layers: int
    interval_width: float
    """Mean of `Intervals.width_KHW` where it is bounded, in the codec's normalised units; NaN where nothing is."""
    clear_share: float
    """Share of the ground asked for where some band is valid."""
    packet_ids: tuple[int, ...]
    """Numbers of the packets in the frame's epoch, in rising order."""
    decoder: str
    """Name and version of what decoded it."""
    firmware: int
    """Identity of the bundle that it was coded with."""


@dataclass(frozen=True, eq=False)
class HistoryFrame:
    """One date of a place: what was decoded, what of it counts, and what it rests on."""

    id: str
    """STATION/EPOCH/NUMBER of the frame, the epoch in hexadecimal."""
    samples: NDArray[np.float32]
    """[B, H, W] in the units of the stream (DN). Finite; 0 at nodata; under clouds what was decoded."""
    valid: NDArray[np.bool_]
    """[B, H, W]; false at nodata, under clouds, and in bands that the sensor does not have."""
    time: np.datetime64 | None
    """Of acquisition, UTC, in ms; None where nobody gave it."""
    sensor: str
    """Name of the profile: `sentinel-2-l2a`."""
    bands: tuple[Band, ...]
    grid: Grid | None
    quality: Quality
    grade: Grade = "measured"
    scale: float = 1.0
    """Physical value = sample * scale + offset."""
    offset: float = 0.0

    def __post_init__(self) -> None:
        shape = self.samples.shape
        if len(shape) != 3 or self.valid.shape != shape:
            raise ValueError(f"valid is {self.valid.shape}, samples {shape}: give both [bands, rows, columns]")
        if len(self.bands) != shape[0]:
            raise ValueError(f"bands has {len(self.bands)} entries, samples {shape[0]} bands: name each band once")
        if self.grid is not None and (self.grid.rows, self.grid.columns) != shape[1:]:
            raise ValueError(f"grid is {self.grid.rows} x {self.grid.columns}, samples {shape[1]} x {shape[2]}")
        if self.samples.dtype != np.float32 or self.valid.dtype != np.bool_:
            raise ValueError(f"samples is {self.samples.dtype}, valid {self.valid.dtype}: float32, bool")
