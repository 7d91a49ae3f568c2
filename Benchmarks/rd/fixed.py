"""The basis that the fixed-KLT peer stands on: all training pixels of the sensor, the tested place left out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache as kept

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.data.frames import data_folder, read_frame
from perigee_cluster.data.splits import load_splits
from perigee_cluster.training.corpus import REFERENCE_BANDS, TrainingFrame, corpus
from rd import cache, folds
from rd.basis import Basis
from rd.subjects import Subject

HLS_FOLDER = "hls-water"
# What a name tells apart: more digits than matter, fewer than linear algebra libraries differ in.
DIGITS = 6


def basis_of(subject: Subject) -> tuple[Basis, str]:
    """The basis, and a name for what it is."""
    basis = _basis(subject.file.split("/")[0], subject.place if subject.fold else None, subject.frame.bands)
    return basis, cache.digest(np.round(basis.mean, DIGITS).tolist(), np.abs(np.round(basis.rows, DIGITS)).tolist())


@kept
def _basis(folder: str, place: str | None, bands: tuple[str, ...]) -> Basis:
    return Basis.of_corpus(_hls() if folder == HLS_FOLDER else _with_bands(place, bands))


@kept
def _frames(place: str | None) -> list[TrainingFrame]:
    return folds.frames_without(place, data_folder()) if place else list(corpus(data_folder(), load_splits()))


def _with_bands(place: str | None, bands: tuple[str, ...]) -> Iterator[NDArray[np.generic]]:
    """Frames of the same product where there are any, else of every product that has these bands."""
    wanted = [REFERENCE_BANDS.index(band) for band in bands]
    same = [frame for frame in _frames(place) if set(wanted) == set(frame.reference.tolist())]
    for frame in same or _frames(place):
        if set(wanted) <= set(frame.reference.tolist()):
            order = [int(np.flatnonzero(frame.reference == index)[0]) for index in wanted]
            yield frame.samples[order]


def _hls() -> Iterator[NDArray[np.generic]]:
    splits = load_splits()
    for path in sorted((data_folder() / HLS_FOLDER).glob("*.tif")):
        if not path.name.endswith("_stack.tif") and splits.role(path.name.split("_")[0]) == "train":
            yield read_frame(path).samples
