"""`make bench-seams`: measures, writes Benchmarks/results/seams.json and the table of Docs/benchmarks.md."""

from __future__ import annotations

import argparse
import json
import logging
import os
from dataclasses import asdict
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

from perigee_codec import Model  # noqa: E402
from rd.provenance import commit, machine, write_between  # noqa: E402
from seams.measure import Seam, measure  # noqa: E402
from seams.mosaic import PHASES, line, mosaic  # noqa: E402
from seams.report import LIMIT, LIMIT_RATIOS, summary, table  # noqa: E402
from seams.strips import REACH  # noqa: E402
from speed.scenes import PLACES  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "Firmware" / "perigee-1"
log = logging.getLogger("seams")


def main() -> None:
    """Runs the whole bench."""
    parser = argparse.ArgumentParser(prog="bench-seams", description=__doc__)
    parser.add_argument("--places", choices=sorted(PLACES), default="test", help="whose frames make the mosaics")
    parser.add_argument("--output", type=Path, default=ROOT / "Benchmarks" / "results" / "seams.json")
    parser.add_argument("--no-document", action="store_true", help="leave Docs/benchmarks.md as it is")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    model = Model.open(BUNDLE)
    rows: list[Seam] = []
    for place in PLACES[arguments.places]:
        for phase in PHASES:
            rows += measure(mosaic(place, phase), model)
        log.info("%s done", place)
    report = {
        "benchmark": "seams",
        "machine": machine(),
        "commit": commit(ROOT),
        "firmware": f"{model.firmware:08x}",
        "definitions": f"PSNR over all bands, peak 10000; near: within {REACH} pixels of a tile border; from_elsewhere:"
        " near minus everywhere else; from_image: strips around borders minus the same content mirrored, away from"
        " borders; crossings of borders are in no strip; measured: mean squared errors; summary: dB, of the"
        " mean squared errors of all phases of a place",
        "places": arguments.places,
        "geometry": {phase: asdict(line(phase)) for phase in PHASES},
        "limit": {"from_elsewhere": -LIMIT, "ratios": LIMIT_RATIOS},
        "summary": summary(rows),
        "measured": [row.as_dict() for row in rows],
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(report, indent=1) + "\n")
    text = table(rows) + f"\nMeasured at {report['commit']}, firmware {report['firmware']}.\n"
    if not arguments.no_document:
        write_between(ROOT / "Docs" / "benchmarks.md", "bench-seams", text)
    log.info("\n%s\nwritten to %s", text, arguments.output)


if __name__ == "__main__":
    main()
