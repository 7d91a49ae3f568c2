"""`make bench-history`: measures, writes Benchmarks/results/history.json, tables of Docs and README, and the figure."""

from __future__ import annotations

import argparse
import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from multiprocessing import Pool
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

from history import cost, files, plots, report  # noqa: E402
from history.gaps import by_gap  # noqa: E402
from history.planted import planted  # noqa: E402
from history.series import DECIDES, VALIDATION  # noqa: E402
from history.wrong import wrong  # noqa: E402
from perigee_codec import Model  # noqa: E402
from rd.provenance import commit, firmware_id, machine, write_between  # noqa: E402
from speed.scenes import PLACES  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "Firmware" / "perigee-1"
DEFINITIONS = (
    "PSNR over all samples, peak 10000, means over dates; series: octets of tokens alone, clear dates, memory of 149 B"
    " frames in closed loop; gap: days to the date that memory shows, its state as it was then; prefix: of a stream"
    " aimed at 149 B; planted: share of the change's amplitude that is decoded; files: every octet, the name of the"
    " place on both sides; times: processor seconds, medians, taking turns"
)
log = logging.getLogger("history")


def _run(work: Callable[[Model], object]) -> object:
    return work(Model.open(BUNDLE))


def measured(places: str, workers: int) -> report.Measured:
    """Everything; series beside each other, then times with the machine to themselves."""
    begin = time.monotonic()
    series = [DECIDES, VALIDATION] if places == "test" else [VALIDATION]
    works = {
        (part.__name__, one[1]): partial(part, folder=one[0], place=one[1])
        for part in (by_gap, planted, wrong)
        for one in series
    }
    found = report.Measured()
    with Pool(workers) as pool:
        for (part, place), rows in zip(works, pool.imap(_run, works.values()), strict=True):
            log.info("%s of %s, %.0f s", part, place, time.monotonic() - begin)
            if part == "by_gap":
                found.gains[place], found.positions[place] = rows  # type: ignore[misc]
            else:
                {"planted": found.kept, "wrong": found.wrong}[part][place] = rows  # type: ignore[assignment]
    for place in PLACES[places]:
        found.files += files.seasons(BUNDLE, place)
        log.info("seasons of %s, %.0f s", place, time.monotonic() - begin)
    if places == "test":
        found.files += files.months(BUNDLE)
        log.info("months, %.0f s", time.monotonic() - begin)
    model = Model.open(BUNDLE)
    for place in PLACES[places]:
        found.times += cost.timed(model, place)
        log.info("times of %s, %.0f s", place, time.monotonic() - begin)
    # octets are budgets: one place says all
    found.stores = cost.stored(model, PLACES[places][0])
    return found


def as_json(found: report.Measured, places: str) -> dict[str, object]:
    """The report."""
    return {
        "benchmark": "history",
        "machine": machine(),
        "commit": commit(ROOT),
        "firmware": firmware_id(BUNDLE),
        "definitions": DEFINITIONS,
        "places": places,
        "bars": [bar.as_dict() for bar in found.bars()],
        "times": found.times,
        "stores": found.stores,
        "files": [row.as_dict() for row in found.files],
        "gains": [row.as_dict() for rows in found.gains.values() for row in rows],
        "positions": [asdict(row) for rows in found.positions.values() for row in rows],
        "planted": [row.as_dict() for rows in found.kept.values() for row in rows],
        "wrong": [row.as_dict() for rows in found.wrong.values() for row in rows],
    }


def main() -> None:
    """Runs the whole bench."""
    parser = argparse.ArgumentParser(prog="bench-history", description=__doc__)
    parser.add_argument("--places", choices=sorted(PLACES), default="test", help="whose series are coded")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="series coded at once")
    parser.add_argument("--output", type=Path, default=ROOT / "Benchmarks" / "results" / "history.json")
    parser.add_argument("--no-document", action="store_true", help="leave Docs and README.md as they are")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    log.setLevel(logging.INFO)

    found = measured(arguments.places, arguments.workers)
    made = as_json(found, arguments.places)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(lines_of({name: rounded(value) for name, value in made.items()}))
    text = report.document(found)
    if not arguments.no_document:
        provenance = f"Measured at {made['commit']}, firmware {made['firmware']}.\n"
        figures = plots.write(found.gains, ROOT / "Docs" / "figures")
        shown = "".join(f"![{title}](figures/{name})\n\n" for name, title in figures)
        write_between(ROOT / "Docs" / "benchmarks.md", "bench-history", shown + text + provenance)
        write_between(ROOT / "README.md", "bench-history", f"{report.readme(found)}\n{provenance}")
        write_between(ROOT / "README.md", "bench-history headline", report.headline(found))
    log.info("\n%s\nwritten to %s", text, arguments.output)


def rounded(value: object) -> object:
    """Numbers to four digits behind the point."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {name: rounded(part) for name, part in value.items()}
    return [rounded(part) for part in value] if isinstance(value, list) else value


def lines_of(made: dict[str, object]) -> str:
    """The report with one line for each entry of its lists."""
    parts = []
    for name, value in made.items():
        if isinstance(value, list):
            entries = ",\n".join(f"  {json.dumps(entry)}" for entry in value)
            parts.append(f" {json.dumps(name)}: [\n{entries}\n ]")
        else:
            parts.append(f" {json.dumps(name)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    main()
