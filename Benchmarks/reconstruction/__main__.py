"""`make bench-reconstruction`: measures, writes Benchmarks/results/reconstruction.json and the tables of Docs."""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

from history.__main__ import lines_of, rounded  # noqa: E402
from perigee_cluster.evaluation import tables  # noqa: E402
from perigee_cluster.evaluation.places import real  # noqa: E402
from perigee_cluster.evaluation.run import by_ratio_and_gap  # noqa: E402
from perigee_codec import Model  # noqa: E402
from rd.provenance import commit, firmware_id, machine, write_between  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "Firmware" / "perigee-1"
DEFINITIONS = (
    "PSNR over all samples, peak 10000, means over targets; ratio: raw octets over octets of tokens, coded without"
    " memory; history: clear dates decoded at 200x, the nearest one as many days before the target as the gap says,"
    " or the other seasons of a place without times; agreement: share of received intervals that hold the strict"
    " coefficient of the product, no slack; coverage: share of true samples within 1.645 deviations"
)
log = logging.getLogger("reconstruction")


def main() -> None:
    """Runs the whole bench."""
    parser = argparse.ArgumentParser(prog="bench-reconstruction", description=__doc__)
    parser.add_argument("--role", choices=("test", "validation", "train"), default="test", help="whose places")
    parser.add_argument("--output", type=Path, default=ROOT / "Benchmarks" / "results" / "reconstruction.json")
    parser.add_argument("--no-document", action="store_true", help="leave Docs as they are")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("perigee_cluster.evaluation").setLevel(logging.INFO)
    log.setLevel(logging.INFO)

    rows = by_ratio_and_gap(Model.open(BUNDLE), real(arguments.role))
    made = {
        "benchmark": "reconstruction", "machine": machine(), "commit": commit(ROOT), "firmware": firmware_id(BUNDLE),
        "definitions": DEFINITIONS, "places": arguments.role, "rows": [row.as_dict() for row in rows],
    }  # fmt: skip
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(lines_of({name: rounded(value) for name, value in made.items()}))
    text = f"### Real places ({arguments.role})\n{tables.gain_table(rows)}\n{tables.methods_table(rows)}\n"
    if not arguments.no_document:
        provenance = f"Measured at {made['commit']}, firmware {made['firmware']}.\n"
        write_between(ROOT / "Docs" / "reconstruction.md", "bench-reconstruction", text + provenance)
    log.info("\n%s\nwritten to %s", text, arguments.output)


if __name__ == "__main__":
    main()
