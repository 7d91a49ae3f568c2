"""`make bench-rd`: measures, writes Benchmarks/results/rd.json and the tables of Docs/benchmarks.md."""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
from multiprocessing import Pool
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

from rd.frames import PLACES, SEASONS, Job, Row, measure_frame  # noqa: E402
from rd.report import commit, machine, summary, table, write_document  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
log = logging.getLogger("rd")


def firmware_id() -> str:
    """First four octets of the SHA-256 of the manifest, little-endian, as `perigee info` says it."""
    manifest = ROOT / "Firmware" / "perigee-1" / "manifest.json"
    if not manifest.exists():
        return "none"
    return f"{int.from_bytes(hashlib.sha256(manifest.read_bytes()).digest()[:4], 'little'):08x}"


def main() -> None:
    """Runs the whole bench."""
    parser = argparse.ArgumentParser(prog="bench-rd", description=__doc__)
    parser.add_argument("--peers-only", action="store_true", help="do not run Perigee")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="frames measured at once")
    parser.add_argument("--output", type=Path, default=ROOT / "Benchmarks" / "results" / "rd.json")
    parser.add_argument("--no-document", action="store_true", help="leave Docs/benchmarks.md as it is")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    root = None if arguments.peers_only else ROOT
    jobs = [Job(place, season, root) for place in PLACES for season in range(SEASONS)]
    rows: list[Row] = []
    with Pool(arguments.workers) as pool:
        for done, part in enumerate(pool.imap(measure_frame, jobs), start=1):
            rows += part
            log.info("%d of %d frames", done, len(jobs))
    report = {
        "benchmark": "rd",
        "machine": machine(),
        "commit": commit(ROOT),
        "firmware": firmware_id(),
        "definitions": "design section 6; peak 10000; all bytes counted unless the codec is named payload",
        "summary": summary(rows),
        "frames": rows,
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(report, indent=1) + "\n")
    text = table(rows) + f"\nMeasured at {report['commit']}, firmware {report['firmware']}.\n"
    if not arguments.no_document:
        write_document(ROOT / "Docs" / "benchmarks.md", text)
    log.info("\n%s\nwritten to %s", text, arguments.output)


if __name__ == "__main__":
    main()
