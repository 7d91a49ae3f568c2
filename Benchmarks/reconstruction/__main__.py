"""`make bench-reconstruction`: measures, writes Benchmarks/results/reconstruction.json and the tables of Docs."""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

from history.__main__ import lines_of, rounded  # noqa: E402
from perigee_cluster.evaluation.changes import recall  # noqa: E402
from perigee_cluster.evaluation.places import Place, World, real, simulated  # noqa: E402
from perigee_cluster.evaluation.run import any_date, by_depth, by_ratio_and_gap, wrong  # noqa: E402
from perigee_codec import Model  # noqa: E402
from rd.provenance import commit, firmware_id, machine, write_between  # noqa: E402
from reconstruction import cost, report  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "Firmware" / "perigee-1"
DEFINITIONS = (
    "PSNR over all samples, peak 10000, means over targets; ratio: raw octets over octets of tokens, coded without"
    " memory; history: clear dates decoded at 200x, the nearest one as many days before the target as the gap says,"
    " or the other seasons of a place without times; agreement: share of received intervals that hold the strict"
    " coefficient of the product, no slack; coverage: share of true samples within 1.645 deviations; any date: no"
    " packet of the date, clear dates within 30 days on both sides, or before; wrong: the place's own history mirrored"
    " and moved; changes: 10 x 10 pixels, found where the difference of NDVI to the last clear frame stands out more"
    " than in 95 of 100 blocks of the product; times: processor seconds of one core"
)
# Targets of each simulated place: the last dates; of dates that are left out those in between.
MOST = 2
log = logging.getLogger("reconstruction")
Rows = TypeVar("Rows")


def digest(words: str) -> str:
    """Of all that rows depend on: the package, its JSON, the firmware, and what was asked for."""
    found = hashlib.sha256(f"{words} {firmware_id(BUNDLE)}".encode())
    for file in sorted((ROOT / "Cluster").glob("perigee_c*/**/*.[pj]*")):
        if file.suffix in (".py", ".json"):
            found.update(file.read_bytes())
    return found.hexdigest()[:16]


def kept(file: Path, work: Callable[[], Rows]) -> Rows:
    """What an earlier run with the same digest measured, else measured now: a run that was ended goes on."""
    if file.is_file():
        rows: Rows = pickle.loads(file.read_bytes())
        return rows
    rows = work()
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_bytes(pickle.dumps(rows))
    part.rename(file)
    log.info("%s done", file.stem)
    return rows


def measured(model: Model, name: str, places: list[Place], most: int | None, folder: Path) -> report.Part:
    """All tables of one kind of places; what is measured is kept in `folder`."""

    def rows(work: Callable[[Model, list[Place], int | None], Rows]) -> Rows:
        return kept(folder / f"{work.__name__}.pickle", lambda: work(model, places, most))

    return report.Part(name, rows(by_ratio_and_gap), rows(any_date), rows(by_depth), rows(wrong), rows(recall))


def main() -> None:
    """Runs the whole bench."""
    parser = argparse.ArgumentParser(prog="bench-reconstruction", description=__doc__)
    parser.add_argument("--role", choices=("test", "validation", "train"), default="test", help="whose places")
    parser.add_argument("--simulated", type=int, default=50, help="simulated places")
    parser.add_argument("--size", type=int, default=256, help="rows and columns of a simulated frame")
    parser.add_argument("--scratch", type=Path, default=ROOT / ".build" / "bench-reconstruction")
    parser.add_argument("--program", type=Path, default=ROOT / ".build" / "release" / "perigee")
    parser.add_argument("--output", type=Path, default=ROOT / "Benchmarks" / "results" / "reconstruction.json")
    parser.add_argument("--no-document", action="store_true", help="leave Docs as they are")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("perigee_cluster.evaluation").setLevel(logging.INFO)
    log.setLevel(logging.INFO)

    model = Model.open(BUNDLE)
    world = World(arguments.role, arguments.simulated, visits=12, revisit_days=10, size=arguments.size)
    worlds = simulated(world, arguments.scratch / arguments.role, arguments.program)
    folder = arguments.scratch / digest(" ".join(world.words))
    parts = [
        measured(model, f"real ({arguments.role})", real(arguments.role), None, folder / "real"),
        measured(
            model,
            f"simulated ({arguments.simulated} places, {arguments.size} x {arguments.size})",
            worlds,
            MOST,
            folder / "simulated",
        ),
    ]
    times = cost.timed(model, worlds[0])
    made = {
        "benchmark": "reconstruction", "machine": machine(), "commit": commit(ROOT), "firmware": firmware_id(BUNDLE),
        "definitions": DEFINITIONS, "places": arguments.role, "world": " ".join(world.words), "times": times,
        **{f"{kind}_{name}": rows for part, kind in zip(parts, ("real", "simulated"), strict=True)
           for name, rows in part.as_dict().items()},
    }  # fmt: skip
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(lines_of({name: rounded(value) for name, value in made.items()}))
    text = report.document(parts, times)
    if not arguments.no_document:
        provenance = f"Measured at {made['commit']}, firmware {made['firmware']}.\n"
        write_between(ROOT / "Docs" / "reconstruction.md", "bench-reconstruction", text + provenance)
    log.info("\n%s\nwritten to %s", text, arguments.output)


if __name__ == "__main__":
    main()
