"""The values that history, reconstruction and products share. Suffixes: B bands, H rows, W columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.data.grid import Band, Grid

Grade = Literal["measured", "drawn"]
"""measured: the deterministic decode of packets. drawn: what a model made up; never history by default."""


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
