"""Pairs of frames of one training place, from which prediction is learned: one is coded, the other is its history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.data.frames import RasterFrame, read_frame
from perigee_cluster.data.splits import Splits
from perigee_cluster.training.corpus import OFFSET, OFFSET_SIGN, REFERENCE_BANDS, largest_whole

FOLDERS = (
    "terracodec-ssl4eos12",
    "eotdl-boadella",
    "eolearn-timeseries",
    "worldfloods-timeseries",
    "worldcereal-monthly",
)
SMALLEST = 48


@dataclass(frozen=True)
class HistoryPair:
    """Samples [bands, rows, columns] of a frame and of an earlier one of the same ground, and names of their bands."""

    files: tuple[str, str]
    bands: tuple[str, ...]
    samples: NDArray[np.uint16]
    earlier: NDArray[np.uint16]


def history_pairs(folder: Path, splits: Splits, reach: int, role: str = "train") -> Iterator[HistoryPair]:
    """All pairs of frames of one place that lie at most `reach` acquisitions apart, in both directions of time.

    Both are cut to the largest rectangle in which neither misses a pixel; pairs without one of SMALLEST pixels a side
    are left out.
    """
    for name in FOLDERS:
        places: dict[str, list[RasterFrame]] = defaultdict(list)
        for path in sorted((folder / name).glob("*.tif")):
            place = path.name.split("_")[0]
            if not path.name.endswith("_stack.tif") and splits.role(place) == role:
                places[place].append(read_frame(path))
        for frames in places.values():
            for index, frame in enumerate(frames):
                for other in range(max(0, index - reach), min(len(frames), index + reach + 1)):
                    pair = _pair(frame, frames[other]) if other != index else None
                    if pair is not None:
                        yield pair


def _pair(frame: RasterFrame, earlier: RasterFrame) -> HistoryPair | None:
    if frame.bands != earlier.bands or frame.samples.shape != earlier.samples.shape:
        return None
    if any(band not in REFERENCE_BANDS for band in frame.bands):
        return None
    both = np.concatenate([_plain(frame), _plain(earlier)])
    missing = np.zeros(both.shape[1:], np.bool_)
    for raster, samples in ((frame, frame.samples), (earlier, earlier.samples)):
        if raster.nodata is not None:
            missing |= (samples == raster.nodata).any(axis=0)
    both = largest_whole(both, missing)
    if min(both.shape[1:], default=0) < SMALLEST:
        return None
    files = (f"{frame.path.parent.name}/{frame.path.name}", f"{earlier.path.parent.name}/{earlier.path.name}")
    count = len(frame.bands)
    return HistoryPair(files, frame.bands, np.ascontiguousarray(both[:count]), np.ascontiguousarray(both[count:]))


def _plain(frame: RasterFrame) -> NDArray[np.uint16]:
    """Samples without the offset of newer processing."""
    samples = np.asarray(frame.samples, np.uint16)
    valid = samples if frame.nodata is None else samples[samples != frame.nodata]
    if valid.size and valid.min() >= OFFSET_SIGN:
        samples = np.clip(samples.astype(np.int32) - OFFSET, 1, None).astype(np.uint16)
    return samples
