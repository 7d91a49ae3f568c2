"""`make bench-rd`: measures, writes Benchmarks/results/rd.json, the tables of Docs and README, and the figures."""

from __future__ import annotations

import argparse
import json
import logging
import os
import time
from multiprocessing import Pool
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

from rd import cache, folds, plots, tables  # noqa: E402
from rd.jpegxl import JPEGXL  # noqa: E402
from rd.measure import PERIGEE, PREFIX, SHIPPED, rows_of_subject  # noqa: E402
from rd.openjpeg import OpenJPEG  # noqa: E402
from rd.peers import Row  # noqa: E402
from rd.provenance import commit, firmware_id, machine, write_between  # noqa: E402
from rd.subjects import RATIOS, fold_subjects, shipped_subjects  # noqa: E402
from rd.summary import compact, summarise  # noqa: E402

DEFINITIONS = (
    "peak 10000; ratio is raw octets over the budget that a codec may fill; counting `all`: every octet of the file,"
    " `payload`: peer without headers, Perigee without packet metadata; pixels that a band lacks are left out"
)
log = logging.getLogger("rd")


def measured(workers: int) -> tuple[list[Row], dict[str, list[str]]]:
    """All rows, and what each bundle that coded them was fitted on."""
    begin = time.monotonic()
    rows: list[Row] = []
    subjects = fold_subjects() + shipped_subjects()
    with Pool(workers) as pool:
        bundles = pool.map(folds.bundle_without, folds.PLACES, chunksize=1)
        log.info("folds are fitted, %.0f s", time.monotonic() - begin)
        for done, part in enumerate(pool.imap(rows_of_subject, subjects), start=1):
            rows += part
            log.info("%d of %d frames, %s, %.0f s", done, len(subjects), part[0]["frame"], time.monotonic() - begin)
    trained = {place: folds.training_files(bundle) for place, bundle in zip(folds.PLACES, bundles, strict=True)}
    return rows, trained


def main() -> None:
    """Runs the whole bench."""
    parser = argparse.ArgumentParser(prog="bench-rd", description=__doc__)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="frames measured at once")
    parser.add_argument("--output", type=Path, default=cache.ROOT / "Benchmarks" / "results" / "rd.json")
    parser.add_argument("--no-document", action="store_true", help="leave Docs and README.md as they are")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    log.setLevel(logging.INFO)

    rows, trained = measured(arguments.workers)
    report = {
        "benchmark": "rd",
        "machine": machine(),
        "commit": commit(cache.ROOT),
        "firmware": firmware_id(SHIPPED),
        "peers": {"OpenJPEG": OpenJPEG.version, "JPEG XL": JPEGXL.version},
        "definitions": DEFINITIONS,
        "fold_training_files": trained,
        "summary": summarise(rows, (PERIGEE, PREFIX)),
        "ratios": RATIOS,
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(as_json(report, compact(rows)))
    text = tables.document(rows)
    if not arguments.no_document:
        write_pages(rows, text, f"Measured at {report['commit']}, firmware {report['firmware']}")
    log.info("\n%s\nwritten to %s", text, arguments.output)


def as_json(report: dict[str, object], frames: list[dict[str, object]]) -> str:
    """The report with one line for each entry of `frames`."""
    lines = ",\n".join(f"  {json.dumps(frame)}" for frame in frames)
    return json.dumps(report, indent=1).removesuffix("\n}") + f',\n "frames": [\n{lines}\n ]\n}}\n'


def write_pages(rows: list[Row], text: str, provenance: str) -> None:
    """Tables and figures of Docs/benchmarks.md, and the short table of README.md."""
    figures = plots.write(rows, cache.ROOT / "Docs" / "figures")
    shown = "".join(f"![{title}](figures/{name})\n\n" for name, title in figures)
    peers = f"{OpenJPEG.version}, {JPEGXL.version}"
    write_between(cache.ROOT / "Docs" / "benchmarks.md", "bench-rd", f"{shown}{text}{provenance}, peers {peers}.\n")
    write_between(cache.ROOT / "README.md", "bench-rd", f"{tables.readme(rows)}\n{provenance}.\n")


if __name__ == "__main__":
    main()
