"""Perigee in this process, through libPerigeeC: the token octets that the program writes, without its file around them.

A test holds both against each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perigee_codec import Model, Stream
from rd.subjects import RATIOS, Subject


@cache
def model_of(bundle: Path) -> Model:
    """The model of a bundle, opened once in a process."""
    return Model.open(bundle)


@dataclass(frozen=True)
class Prefix:
    """Token octets of a frame up to a ratio, and what they decode to."""

    ratio: int
    octets: int
    samples: NDArray[np.generic]


def stream_of(subject: Subject, bundle: Path) -> Stream:
    """The stream that the program would declare for this frame."""
    frame = subject.frame
    return Stream(
        model_of(bundle), subject.sensor, frame.samples.shape, bands=frame.bands, dtype=frame.samples.dtype,
        nodata=frame.nodata,
    )  # fmt: skip


def budgets(subject: Subject, ratio: int) -> list[int]:
    """Token octets at every ratio of the ladder down to `ratio`: the layers of one stream."""
    return [subject.budget(step) for step in sorted(RATIOS, reverse=True) if step >= ratio]


def encoded_for(subject: Subject, bundle: Path, ratio: int) -> Prefix:
    """A stream that was made for one ratio, decoded whole."""
    stream = stream_of(subject, bundle)
    layers = stream.encode(subject.samples, budgets(subject, ratio))
    return Prefix(ratio, sum(map(len, layers)), stream.decode(layers))


def prefixes(subject: Subject, bundle: Path) -> list[Prefix]:
    """One stream made for the finest ratio, decoded after each of its layers."""
    stream = stream_of(subject, bundle)
    layers = stream.encode(subject.samples, budgets(subject, min(RATIOS)))
    return [
        Prefix(ratio, sum(map(len, layers[: index + 1])), stream.decode(layers[: index + 1]))
        for index, ratio in enumerate(sorted(RATIOS, reverse=True))
    ]
