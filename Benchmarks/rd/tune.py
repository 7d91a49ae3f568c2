"""`python -m rd.tune`: PSNR of Perigee's tokens minus OpenJPEG's payload on a per-frame KLT, fold by fold, in a minute.

For work on the codec: fits the folds with the library as built (again only where it changed), encodes in this process,
takes the peer from the cache. By default the places that may be tuned on: validation 0121563 and training 0080717.
"""

from __future__ import annotations

import argparse
import logging
import os
import time
from multiprocessing import Pool
from statistics import fmean

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import numpy as np  # noqa: E402

from perigee_cluster.metrics.quality import psnr, to_input_type  # noqa: E402
from rd import folds, library  # noqa: E402
from rd.peers import PAYLOAD, PEERS, rows_of  # noqa: E402
from rd.subjects import PEAK, RATIOS, Subject, fold_subjects  # noqa: E402

TUNABLE = ("0080717", "0121563")
PEER = next(kind for kind in PEERS if kind.name == "openjpeg-klt")
log = logging.getLogger("rd")

Gains = dict[int, float]


def gains(subject: Subject) -> tuple[str, Gains, Gains]:
    """Place; PSNR over the peer's payload of streams made for each ratio, and of the prefixes of one stream."""
    peer = {row["ratio"]: row.get("psnr") for row in rows_of(subject, PEER) if row["counting"] == PAYLOAD}
    bundle = folds.bundle_without(subject.place)

    def over_peer(found: library.Prefix) -> float:
        decoded = to_input_type(found.samples.astype(np.float64), subject.samples.dtype)
        theirs = peer[found.ratio]
        mine = psnr(subject.samples.astype(np.float64), decoded, PEAK)
        return mine - float(str(theirs)) if theirs is not None else float("nan")

    alone = {ratio: over_peer(library.encoded_for(subject, bundle, ratio)) for ratio in RATIOS}
    whole = {found.ratio: over_peer(found) for found in library.prefixes(subject, bundle)}
    return subject.place, alone, whole


def line(title: str, found: list[Gains]) -> str:
    """Means over frames at every ratio, and the least of them."""
    cells = [f"{fmean(g[r] for g in found):+7.3f} ({min(g[r] for g in found):+.2f})" for r in RATIOS]
    return f"{title:<26}" + "".join(f"{cell:>18}" for cell in cells)


def main() -> None:
    """Fits, encodes, prints."""
    parser = argparse.ArgumentParser(prog="rd.tune", description=__doc__)
    parser.add_argument(
        "--places", default=",".join(TUNABLE), help="folds, by comma; `all` for the four, test places too"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    log.setLevel(logging.INFO)
    places = folds.PLACES if arguments.places == "all" else tuple(arguments.places.split(","))
    begin = time.monotonic()
    with Pool(arguments.workers) as pool:
        pool.map(folds.bundle_without, places, chunksize=1)
        log.info("folds: %.0f s", time.monotonic() - begin)
        found = pool.map(gains, fold_subjects(places), chunksize=1)
    log.info("%s", " " * 26 + "".join(f"{f'{r:,}x':>18}" for r in RATIOS))
    for title, index in (("each ratio alone", 1), ("prefixes of one stream", 2)):
        for place in places:
            log.info("%s", line(f"{place}, {title[:18]}", [g[index] for g in found if g[0] == place]))
        log.info("%s", line(title, [g[index] for g in found]))
    log.info("mean over frames (least), payload against payload; %.0f s", time.monotonic() - begin)


if __name__ == "__main__":
    main()
