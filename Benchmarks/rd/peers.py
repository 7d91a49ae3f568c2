"""Every peer on one frame at every ratio, both countings; kept in the cache: no change of Perigee changes them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import perigee_cluster.metrics.quality as quality_module
from perigee_cluster.metrics.quality import measure
from rd import cache
from rd.basis import Basis, side_octets
from rd.openjpeg import OpenJPEG
from rd.search import Coder, Peer, grid
from rd.subjects import PEAK, RATIOS, Subject

Row = dict[str, object]

ALL, PAYLOAD = "all", "payload"
COUNTINGS = (ALL, PAYLOAD)
# What a payload must still say: component count, downsampling factor, quantiser.
PAYLOAD_SIDE_OCTETS = 4
SOURCES = ("basis.py", "search.py", "resample.py", "openjpeg.py")


@dataclass(frozen=True)
class PeerKind:
    """A peer: its name in the report, the coder, and which basis it stands on."""

    name: str
    coder: type[Coder]
    basis: str


PEERS = (
    PeerKind("openjpeg", OpenJPEG, "bands"),
    PeerKind("openjpeg-klt", OpenJPEG, "frame"),
)


def rows_of(subject: Subject, kind: PeerKind) -> list[Row]:
    """What `kind` reaches on `subject`: a row for every counting and ratio, from the cache where it is there."""
    here = Path(__file__).resolve().parent
    sources = cache.digest_of_files([*(here / name for name in SOURCES), Path(__file__), Path(quality_module.__file__)])
    frame = hashlib.sha256(subject.path.read_bytes()).hexdigest()
    key = cache.digest(sources, frame, kind.name, kind.coder.version, RATIOS, subject.red, subject.near_infrared)
    rows = cache.remembered("peers", f"{subject.name}-{kind.name}-{key}", lambda: _measured(subject, kind))
    assert isinstance(rows, list)
    return rows


def _basis(subject: Subject, kind: PeerKind, samples: np.ndarray) -> Basis:
    if kind.basis == "frame":
        return Basis.of_frame(samples)
    return Basis.identity(len(samples))


def _measured(subject: Subject, kind: PeerKind) -> list[Row]:
    frame = subject.frame
    samples = frame.samples.astype(np.float64)
    bands = len(samples)
    peer = Peer(kind.coder(), samples, _basis(subject, kind, samples))
    rows: list[Row] = []
    for ratio in RATIOS:
        choices = grid(samples.size, ratio, bands, all_bands=kind.basis == "bands")
        for counting in COUNTINGS:
            omit = counting == PAYLOAD
            side = {
                count: (side_octets(bands, count) if kind.basis == "frame" else 0) + omit * PAYLOAD_SIDE_OCTETS
                for count, _ in choices
            }
            found = peer.best(subject.budget(ratio), choices, side, omit)
            row: Row = {"codec": kind.name, "counting": counting, "ratio": ratio, "fits": found is not None}
            if found is not None:
                row |= {"octets": found.octets, "components": found.components, "factor": found.factor}
                row |= measure(
                    frame.samples, found.reconstruction, PEAK,
                    frame.band(subject.red), frame.band(subject.near_infrared),
                ).as_dict()  # fmt: skip
            rows.append(row)
    return rows
