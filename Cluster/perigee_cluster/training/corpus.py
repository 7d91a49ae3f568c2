"""Which frames the firmware learns from: Sentinel-2 frames of training places, never another role."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.data.frames import read_frame
from perigee_cluster.data.splits import Splits

# Sentinel-2 in product order, which is the order of wavelengths.
REFERENCE_BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")

# The processing baseline of 2022 adds 1,000 to every sample. Files of this collection do not say so: where not even the
# darkest sample of any band lies below this, the offset is there. It belongs to the frame, so statistics leave it out.
OFFSET_SIGN, OFFSET = 950, 1000

FOLDERS = (
    "terracodec-ssl4eos12",
    "terramind-s2l2a",
    "terramind-s2l1c",
    "eotdl-boadella",
    "eotdl-roads",
    "bigearthnet-s2l2a",
    "eolearn-timeseries",
    "worldfloods-timeseries",
    "eurosat-ms",
)


@dataclass(frozen=True)
class TrainingFrame:
    """Samples [bands, rows, columns], each band's index in REFERENCE_BANDS, and the file they came from."""

    file: str
    sha256: str
    samples: NDArray[np.uint16]
    reference: NDArray[np.intp]


def corpus(folder: Path, splits: Splits, role: str = "train") -> Iterator[TrainingFrame]:
    """All Sentinel-2 frames of `role` in a fixed order. Frames with nodata are cut to their largest whole rectangle."""
    for name in FOLDERS:
        for path in sorted((folder / name).glob("*.tif")):
            if path.name.endswith("_stack.tif") or splits.role(path.name.split("_")[0]) != role:
                continue
            frame = read_frame(path)
            samples = np.asarray(frame.samples, np.uint16)
            if frame.nodata is not None:
                samples = largest_whole(samples, (samples == frame.nodata).any(axis=0))
            if not samples.size:
                continue
            if samples.min() >= OFFSET_SIGN:
                samples = np.clip(samples.astype(np.int32) - OFFSET, 1, None).astype(np.uint16)
            reference = np.array([REFERENCE_BANDS.index(band) for band in frame.bands], np.intp)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            yield TrainingFrame(f"{name}/{path.name}", digest, samples, reference)


def largest_whole(samples: NDArray[np.uint16], missing: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """The largest rectangle of `samples` without a missing pixel; empty if all are missing."""
    rows, columns = missing.shape
    heights = np.zeros(columns, int)
    best = (0, 0, 0, 0, 0)
    for row in range(rows):
        heights = np.where(missing[row], 0, heights + 1)
        stack: list[tuple[int, int]] = []
        for column in range(columns + 1):
            height = int(heights[column]) if column < columns else 0
            start = column
            while stack and stack[-1][1] >= height:
                start, tall = stack.pop()
                best = max(best, (tall * (column - start), row - tall + 1, row + 1, start, column))
            stack.append((start, height))
    _, top, bottom, left, right = best
    return samples[:, top:bottom, left:right]
