"""Builds in which one promise is broken: the rows must find each of them out, or they prove nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from faults.daemons import ROOT, TrialError
from faults.rows import gateway_power, quota
from faults.trial import Row, Trial, log

SCRATCH = ROOT / ".build" / "broken"
PLAN = ROOT / ".build" / "release.yaml"
DAEMONS = {"perigee-gateway": ("PerigeeArchive", "PerigeeGateway"), "perigeed": ("PerigeeStation",)}
# words of the compiler, with and without a path behind them, that would write into the release build
WITH_PATH = {"-emit-module-path", "-output-file-map", "-emit-objc-header-path", "-index-store-path", "-num-threads"}
WITHOUT = {"-emit-dependencies", "-emit-module", "-emit-objc-header", "-serialize-diagnostics", "-parseable-output",
           "-O"}  # fmt: skip


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
    """The release daemons with the broken promises compiled in; which one is broken the environment says.

    Only modules that hold a broken promise are compiled, and linked with the objects of the release build: building all
    of it a second time takes longer than the other short rows together.
    """
    log.info("broken: building into %s", SCRATCH)
    if not PLAN.exists():
        raise TrialError(f"{PLAN} is not there: run `swift build -c release` first")
    SCRATCH.mkdir(parents=True, exist_ok=True)
    steps = PLAN.read_text()
    for daemon, modules in DAEMONS.items():
        objects = [_compile(steps, module) for module in modules]
        words = _step(steps, daemon, "exe")
        listed = next(word for word in words if word.startswith("@"))
        sound = Path(listed[1:]).read_text().splitlines()
        own = [name for name in sound if not any(f"/{module}.build/" in name for module in modules)]
        names = SCRATCH / f"{daemon}.objects"
        names.write_text("\n".join([*own, *map(str, objects)]) + "\n")
        words[words.index(listed)] = f"@{names}"
        words[words.index("-o") + 1] = str(SCRATCH / daemon)
        _do(words)


def _compile(steps: str, module: str) -> Path:
    """One module with what SwiftPM gives the compiler for it, apart from where its outputs go."""
    words = iter(_step(steps, module, "module"))
    kept: list[str] = []
    for word in words:
        if word in WITH_PATH:
            next(words)
        elif word not in WITHOUT:
            kept.append(word)
    made = SCRATCH / f"{module}.o"
    _do([*kept, "-Onone", "-DPERIGEE_BROKEN", "-o", str(made)])
    return made


def _step(steps: str, name: str, kind: str) -> list[str]:
    """The command line of one step of SwiftPM's plan."""
    head = rf'^  "C\.{re.escape(name)}-[^"]*-release\.{kind}":\n'
    found = re.search(head + r"(?:    .*\n)*?    args: (\[.*\])$", steps, re.MULTILINE)
    if found is None:
        raise TrialError(f"{PLAN} has no step {kind} of {name}: SwiftPM writes its plan otherwise now")
    return json.loads(found[1])


def _do(words: list[str]) -> None:
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
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
    changed = {"PERIGEE_PROGRAMS": str(SCRATCH), "PERIGEE_BREAK": case.promise}
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
    how="daemons that acknowledge before the sync, leave out the sync of a directory, leave out tombstones",
    passes="the bench finds out each of them",
    long={"promises": len(CASES), "builds": 1},
    short={"promises": len(CASES), "builds": 1},
    run=run,
)
