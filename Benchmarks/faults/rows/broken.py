"""Builds in which one promise is broken: the rows must find each of them out, or they prove nothing."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass

from faults.daemons import ROOT, TrialError
from faults.rows import gateway_power, quota
from faults.trial import Row, Trial, log

SCRATCH = ROOT / ".build" / "broken"


@dataclass(frozen=True)
class _Case:
    promise: str
    row: Row
    parameters: dict[str, int | float]
    complaint: str


CASES = (
    _Case(
        "ack-before-sync", gateway_power.ROW, {"lives": 3, "cuts": 12, "bursts": 4, "recovery_share": 0.0},
        r"acknowledged packets are (gone|not in the archive)",
    ),
    _Case(
        "no-directory-sync", gateway_power.ROW, {"lives": 2, "cuts": 20, "bursts": 4, "recovery_share": 0.0},
        r"acknowledged packets are gone",
    ),
    _Case("no-tombstone", quota.ROW, {"lives": 1, "frames": 80}, r"missing without a word|no tombstone"),
)  # fmt: skip


def build() -> None:
    """A debug build with the broken promises compiled in; which one is broken the environment says."""
    log.info("broken: building into %s", SCRATCH)
    command = ["swift", "build", "--scratch-path", str(SCRATCH), "-Xswiftc", "-DPERIGEE_BROKEN"]
    for product in ("perigeed", "perigee-gateway"):
        done = subprocess.run([*command, "--product", product], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise TrialError(f"the broken build does not build: {done.stdout[-1000:]}{done.stderr[-1000:]}")


def run(trial: Trial) -> None:
    """Each broken promise through the row that watches over it."""
    if trial["builds"]:
        build()
    for index in trial.cycles("promises"):
        case = CASES[index]
        found = _run_broken(trial, case)
        trial.check(found is not None, f"{case.promise}: {case.row.name} did not notice")
        trial.check(
            re.search(case.complaint, found or "") is not None, f"{case.promise}: failed for another reason: {found}"
        )
        trial.notes.append(f"{case.promise}: {found}")
        trial.add(found_out=1)


def _run_broken(trial: Trial, case: _Case) -> str | None:
    """What the row complained of; None where it passed."""
    inner = Trial(case.row, case.parameters, "broken", True)
    changed = {"PERIGEE_PROGRAMS": str(SCRATCH / "debug"), "PERIGEE_BREAK": case.promise}
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        case.row.run(inner)
    except TrialError as error:
        return str(error)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value
        inner.finish()
    return None


ROW = Row(
    name="broken",
    fault="a build that breaks its promise",
    how="debug builds that acknowledge before the sync, leave out the sync of a directory, leave out tombstones",
    passes="the bench finds out each of them",
    long={"promises": len(CASES), "builds": 1},
    short={"promises": len(CASES), "builds": 1},
    run=run,
)
