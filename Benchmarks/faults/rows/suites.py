"""Rows that other tools of the project run: the simulation of both ends by seeds, the fuzzers."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess

from faults.daemons import ROOT
from faults.trial import WORK, Row, Trial, log

FUZZERS = ROOT / "Tests" / "Fuzz"
FUZZED = WORK / "fuzzed.json"


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
    """Every fuzzer for the seconds named, from its corpus; what one did stands until the sources it reads change."""
    seconds = int(trial["seconds_each"])
    known = json.loads(FUZZED.read_text()) if FUZZED.exists() else {}
    digests = {folder.name: parser_digest(folder.name) for folder in sorted((FUZZERS / "Sources").iterdir())}

    def is_done(target: str) -> bool:
        did = known.get(target, {})
        return did.get("sources") == digests[target] and did.get("seconds", 0) >= seconds

    for _ in trial.cycles("runs"):
        left = [target for target in digests if not is_done(target)]
        command = [str(ROOT / "Scripts" / "fuzz"), *left]
        said: list[str] = []
        with subprocess.Popen(
            command if left else ["true"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "TIME": str(seconds)},
        ) as process:  # fmt: skip
            for line in process.stdout or ():
                said.append(line)
                did = re.fullmatch(r"(\w+): (\d+) inputs in \d+ s\n", line)
                if did is not None:
                    known[did[1]] = {"sources": digests[did[1]], "seconds": seconds, "inputs": int(did[2])}
                    FUZZED.parent.mkdir(parents=True, exist_ok=True)
                    FUZZED.write_text(json.dumps(known, indent=1) + "\n")
                    log.info("fuzz: %s", line.strip())
        trial.check(process.returncode == 0, f"a fuzzer found something: {''.join(said)[-1500:]}")
        missing = [target for target in digests if not is_done(target)]
        trial.check(not missing, f"these did not run: {missing}")
        for target in digests:
            trial.counts[target] = known[target]["inputs"]
        trial.counts["seconds_each"] = min(known[target]["seconds"] for target in digests)
        trial.counts["inputs"] = sum(known[target]["inputs"] for target in digests)


def parser_digest(target: str) -> str:
    """SHA-256 of a fuzzer, its corpus, and the sources of every target of the package that it reaches."""
    arrows = {}
    for line in (ROOT / "Scripts" / "dependency-table.txt").read_text().splitlines():
        name, _, names = line.partition(":")
        arrows[name] = names.split()
    folder = FUZZERS / "Sources" / target
    reached: set[str] = set()
    waiting = re.findall(r"^import (\w+)", "".join(p.read_text() for p in folder.glob("*.swift")), re.MULTILINE)
    while waiting:
        if (name := waiting.pop()) in arrows and name not in reached:
            reached.add(name)
            waiting += arrows[name]
    digest = hashlib.sha256()
    for part in [folder, FUZZERS / "Corpus" / target, *(ROOT / "Sources" / name for name in sorted(reached))]:
        for path in sorted(path for path in part.rglob("*") if path.is_file()):
            digest.update(f"{path.relative_to(ROOT)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


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
