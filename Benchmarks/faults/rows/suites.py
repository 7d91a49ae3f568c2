"""Rows that other tools of the project run: the simulation of both ends by seeds, the fuzzers."""

from __future__ import annotations

import os
import re
import subprocess

from faults.daemons import ROOT
from faults.trial import Row, Trial


def simulate(trial: Trial) -> None:
    """The Swift test of both ends over a lossy network, with as many seeds as asked for."""
    for _ in trial.cycles("runs"):
        command = [
            "swift",
            "test",
            "-c",
            "release",
            "--skip-build",
            "--disable-xctest",
            "--filter",
            "LinkSimulationTests",
        ]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False,
            env={**os.environ, "PERIGEE_SEEDS": str(int(trial["seeds"]))},
        )  # fmt: skip
        said = done.stdout + done.stderr
        trial.check(done.returncode == 0, f"the simulation failed: {said[-1500:]}")
        ran = re.search(r"Test run with (\d+) tests?", said)
        trial.check(ran is not None and int(ran.group(1)) > 0, f"no test of that name ran: {said[-500:]}")
        trial.counts["seeds"] = int(trial["seeds"])


def fuzz(trial: Trial) -> None:
    """Every fuzzer for the seconds named, from its corpus."""
    for _ in trial.cycles("runs"):
        done = subprocess.run(
            [str(ROOT / "Scripts" / "fuzz")], cwd=ROOT, capture_output=True, text=True, check=False,
            env={**os.environ, "TIME": str(int(trial["seconds_each"]))},
        )  # fmt: skip
        said = done.stdout + done.stderr
        trial.check(done.returncode == 0, f"a fuzzer found something: {said[-1500:]}")
        runs = [int(count) for count in re.findall(r"Done (\d+) runs", said)]
        trial.check(len(runs) > 0, f"no fuzzer ran: {said[-500:]}")
        trial.counts["entry_points"] = len(runs)
        trial.counts["inputs"] = sum(runs)


SIMULATION = Row(
    name="simulation",
    fault="everything a network and a disk can do, by seeds",
    how="both ends of the link as values, a lossy network, a clock and a disk of the simulation; crashes, copies,"
    " lost files among the events; the failing seed is printed",
    passes="no number reused, every hole explained, nothing acknowledged before both commits",
    long={"runs": 1, "seeds": 100_000},
    short=None,  # 2,000 seeds are among the Swift tests
    run=simulate,
)
FUZZ = Row(
    name="fuzz",
    fault="hostile octets for every parser",
    how="libFuzzer with the address sanitizer from the corpora in Tests/Fuzz; the corpora are replayed in `make test`",
    passes="0 crashes, 0 hangs over 1 s, memory bounded",
    long={"runs": 1, "seconds_each": 600},
    short=None,
    run=fuzz,
)
