"""What is measured: two test places, four seasons each, and what one frame gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from perigee_cluster.data.frames import RasterFrame, data_folder, read_frame
from perigee_cluster.metrics.quality import Quality, measure
from rd.basis import Basis, side_octets
from rd.openjpeg import OpenJPEG
from rd.perigee import Perigee
from rd.search import Candidate, Peer, grid

PLACES = ("0173706", "0193833")
SEASONS = 4
RATIOS = (100, 300, 1000, 3000, 10000)
PAYLOAD_FROM_RATIO = 1000
PEAK = 10000.0
OCTETS_PER_SAMPLE = 2

PLAIN, KLT, PERIGEE = "openjpeg", "openjpeg-klt", "perigee"
KLT_PAYLOAD, PERIGEE_PAYLOAD = "openjpeg-klt-payload", "perigee-payload"


@dataclass(frozen=True)
class Job:
    """One frame of one place, and where the binaries are (None: peers only)."""

    place: str
    season: int
    root: Path | None

    @property
    def path(self) -> Path:
        """The GeoTIFF of the frame."""
        return data_folder() / "terracodec-ssl4eos12" / f"ssl4eos12-{self.place}_s{self.season}.tif"


Row = dict[str, object]


def measure_frame(job: Job) -> list[Row]:
    """All codecs at all ratios on one frame; peers and Perigee take turns ratio by ratio."""
    frame = read_frame(job.path)
    samples = frame.samples.astype(np.float64)
    bands = len(frame.bands)
    plain = Peer(OpenJPEG(), samples, Basis.identity(bands))
    klt = Peer(OpenJPEG(), samples, Basis.of_frame(samples))

    def best(peer: Peer, ratio: int, omit_headers: bool) -> Candidate | None:
        choices = grid(samples.size, ratio, bands, all_bands=peer is plain)
        side = {k: (0 if peer is plain else side_octets(bands, k)) + 4 * omit_headers for k, _ in choices}
        return peer.best(samples.size * OCTETS_PER_SAMPLE // ratio, choices, side, omit_headers)

    rows: list[Row] = []
    with TemporaryDirectory(prefix="perigee-rd-") as scratch:
        perigee = Perigee(job.root, Path(scratch)) if job.root else None
        for ratio in RATIOS:
            budget = samples.size * OCTETS_PER_SAMPLE // ratio
            rows.append(_peer(job, frame, PLAIN, ratio, best(plain, ratio, False)))
            rows.append(_peer(job, frame, KLT, ratio, best(klt, ratio, False)))
            if perigee:
                rows.append(_ours(job, frame, PERIGEE, ratio, perigee, budget))
            if ratio < PAYLOAD_FROM_RATIO:
                continue
            rows.append(_peer(job, frame, KLT_PAYLOAD, ratio, best(klt, ratio, True)))
            if perigee:
                rows.append(_ours(job, frame, PERIGEE_PAYLOAD, ratio, perigee, budget))
    return rows


def _quality(frame: RasterFrame, reconstruction: np.ndarray) -> Quality:
    return measure(frame.samples, reconstruction, PEAK, frame.band("B04"), frame.band("B08"))


def _row(job: Job, codec: str, ratio: int) -> Row:
    return {"place": job.place, "season": job.season, "codec": codec, "ratio": ratio}


def _peer(job: Job, frame: RasterFrame, codec: str, ratio: int, found: Candidate | None) -> Row:
    row = _row(job, codec, ratio)
    if found is None:
        return row | {"fits": False}
    row |= {"fits": True, "octets": found.octets, "components": found.components, "factor": found.factor}
    return row | _quality(frame, found.reconstruction).as_dict()


def _ours(job: Job, frame: RasterFrame, codec: str, ratio: int, perigee: Perigee, budget: int) -> Row:
    found = perigee.round_trip(job.path, budget, by_payload=codec == PERIGEE_PAYLOAD)
    row = _row(job, codec, ratio) | {"fits": True, "octets": found.octets, "payload": found.payload}
    row |= {"encode_seconds": round(found.encode_seconds, 4), "decode_seconds": round(found.decode_seconds, 4)}
    return row | _quality(frame, found.reconstruction.astype(np.float64)).as_dict()
