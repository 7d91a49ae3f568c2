"""`make faults`: breaks things, counts, writes Benchmarks/results/faults.json and the table of Docs/guarantees.md."""

from __future__ import annotations

import argparse
import logging
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from faults import report
from faults.daemons import ROOT, TrialError
from faults.rows import ROWS
from faults.trial import Row, Trial
from rd.provenance import commit

log = logging.getLogger("faults")
AT_ONCE = 4
LONGEST = ("station-kill", "station-errors", "bad-firmware", "broken")  # of the short run: these start first
PROGRESS = re.compile(r"[a-z-]+: \w+ \d+ of \d+")


def main() -> int:
    """Runs the rows that are asked for; 1 where one failed."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--row", action="append", choices=[row.name for row in ROWS], help="only this row (repeatable)")
    parser.add_argument("--short", action="store_true", help="the numbers of `make faults-short`; writes no report")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=N", help="another number than the row's own (repeatable)"
    )
    parser.add_argument("--list", action="store_true", help="name the rows and their numbers")
    parser.add_argument("--output", type=Path, default=ROOT / "Benchmarks" / "results" / "faults.json")
    parser.add_argument("--no-document", action="store_true", help="leave Docs/guarantees.md as it is")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    rows = [row for row in ROWS if not arguments.row or row.name in arguments.row]
    if arguments.short:
        rows = [row for row in rows if row.short is not None]
    if arguments.list:
        for row in rows:
            log.info("%-20s %s", row.name, row.short if arguments.short else row.long)
        return 0
    if arguments.short and len(rows) > 1:
        return _run_at_once(rows)
    at = commit(ROOT)
    changed = {name: float(number) for name, _, number in (text.partition("=") for text in arguments.set)}
    failed = 0
    for row in rows:
        result = _run(row, at, arguments.short, changed)
        failed += result["result"] != "passed"
        if not arguments.short:
            report.keep(arguments.output, row, result)
    if not arguments.short and not arguments.no_document:
        report.write_table(arguments.output)
    return 1 if failed else 0


def _run_at_once(rows: list[Row]) -> int:
    """Short rows in processes of their own, several at a time: most of their time they wait. 1 where one failed."""
    rows = sorted(rows, key=lambda row: row.name not in LONGEST)

    def run(row: Row) -> int:
        words = [sys.executable, "-m", "faults", "--short", "--row", row.name]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
        said = [line for line in done.stderr.splitlines() if not PROGRESS.fullmatch(line)]
        log.info("%s", "\n".join(said))
        return done.returncode

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return max(pool.map(run, rows))


def _run(row: Row, at: str, is_short: bool, changed: dict[str, float]) -> dict[str, object]:
    parameters = dict((row.short if is_short else None) or row.long)
    parameters |= {name: number for name, number in changed.items() if name in parameters}
    trial = Trial(row, parameters, at, is_short)
    start = time.monotonic()
    result: dict[str, object] = {"commit": at, "parameters": parameters}
    try:
        row.run(trial)
        trial.finish()
        result["result"] = "passed"
    except TrialError as error:
        trial.save()
        log.error("%s FAILED: %s\n  its files lie in %s", row.name, error, trial.folder)
        result |= {"result": "failed", "reason": str(error)[:400]}
    seconds = round(time.monotonic() - start, 1)
    log.info("%s %s in %.0f s: %s", row.name, result["result"], seconds, trial.counts)
    return result | {"seconds": seconds, "counts": trial.counts, "notes": trial.notes}


if __name__ == "__main__":
    sys.exit(main())
