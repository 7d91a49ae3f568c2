"""Every peer on one frame at every ratio, both countings; kept in the cache: no change of Perigee changes them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import perigee_cluster.metrics.quality as quality_module
from rd import cache, fixed
from rd.basis import Basis
from rd.jpegxl import JPEGXL
from rd.openjpeg import OpenJPEG
from rd.search import Candidate, Coder, Peer, grid
from rd.subjects import RATIOS, Subject

Row = dict[str, object]

ALL, PAYLOAD = "all", "payload"
COUNTINGS = (ALL, PAYLOAD)
# What a payload must still say: component count, downsampling factor, quantiser.
PAYLOAD_SIDE_OCTETS = 4
SOURCES = ("basis.py", "search.py", "resample.py", "openjpeg.py", "jpegxl.py")


@dataclass(frozen=True)
class PeerKind:
    """A peer: its name in the report, the coder, and which basis it stands on."""

    name: str
    coder: type[Coder]
    basis: str


PEERS = (
    PeerKind("openjpeg", OpenJPEG, "bands"),
    PeerKind("openjpeg-fixed-klt", OpenJPEG, "fixed"),
    PeerKind("openjpeg-klt", OpenJPEG, "frame"),
    PeerKind("jpegxl-klt", JPEGXL, "frame"),
)


def rows_of(subject: Subject, kind: PeerKind) -> list[Row]:
    """What `kind` reaches on `subject`: a row for every counting and ratio, from the cache where it is there."""
    here = Path(__file__).resolve().parent
    sources = cache.digest_of_files([*(here / name for name in SOURCES), Path(__file__), Path(quality_module.__file__)])
    frame = hashlib.sha256(subject.path.read_bytes()).hexdigest()
    basis = fixed.basis_of(subject)[1] if kind.basis == "fixed" else kind.basis
    bands = (subject.red, subject.near_infrared, subject.nodata)
    key = cache.digest(sources, frame, kind.name, kind.coder.version, RATIOS, basis, bands)
    rows = cache.remembered("peers", f"{subject.name}-{kind.name}-{key}", lambda: _measured(subject, kind))
    assert isinstance(rows, list)
    return rows


def _peers(subject: Subject, kind: PeerKind, samples: np.ndarray) -> list[tuple[Peer, int, int]]:
    """What the peer may stand on: a search in each basis, octets for a component, octets for the whole frame.

    On a fixed basis it has the better of the training means, which are free, and the frame's, 16 bits each.
    """
    bands = len(samples)
    if kind.basis == "frame":
        return [(Peer(kind.coder(), samples, Basis.of_frame(samples)), bands, 2 * bands)]
    if kind.basis == "bands":
        return [(Peer(kind.coder(), samples, Basis.identity(bands)), 0, 0)]
    fitted = fixed.basis_of(subject)[0]
    own = Basis(np.round(samples.mean(axis=(1, 2))), fitted.rows)
    return [(Peer(kind.coder(), samples, fitted), 0, 0), (Peer(kind.coder(), samples, own), 0, 2 * bands)]


def _measured(subject: Subject, kind: PeerKind) -> list[Row]:
    samples = subject.samples.astype(np.float64)
    peers = _peers(subject, kind, samples)
    rows: list[Row] = []
    for ratio in RATIOS:
        choices = grid(kind.coder, samples.size, ratio, len(samples), all_bands=kind.basis == "bands")
        for counting in COUNTINGS:
            omit = counting == PAYLOAD
            found: list[Candidate] = []
            for peer, each, whole in peers:
                side = {count: each * count + whole + omit * PAYLOAD_SIDE_OCTETS for count, _ in choices}
                candidate = peer.best(subject.budget(ratio), choices, side, omit)
                found += [candidate] if candidate else []
            row: Row = {"codec": kind.name, "counting": counting, "ratio": ratio, "fits": bool(found)}
            if found:
                best = min(found, key=lambda candidate: candidate.error)
                row |= {"octets": best.octets, "components": best.components, "factor": best.factor}
                row |= subject.quality(best.reconstruction)
            rows.append(row)
    return rows
