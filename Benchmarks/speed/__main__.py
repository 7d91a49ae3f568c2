"""`make bench-speed`: measures, writes Benchmarks/results/speed.json and the table of Docs/benchmarks.md."""

from __future__ import annotations

import argparse
import json
import logging
import os
import time
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

from perigee_codec import Model  # noqa: E402
from rd.openjpeg import OpenJPEG  # noqa: E402
from rd.provenance import commit, machine, write_between  # noqa: E402
from speed import profile  # noqa: E402
from speed.contenders import RATIOS, contenders  # noqa: E402
from speed.report import Measured, profile_table, summary, table  # noqa: E402
from speed.scenes import PLACES, scenes  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "Firmware" / "perigee-1"
log = logging.getLogger("speed")


def measure(role: str, model: Model, repetitions: int, seconds: float) -> list[Measured]:
    """Processor seconds of every contender, round by round: all of a scene take their turn in each round.

    A turn repeats its operation until it has taken `seconds`, so that small frames are not lost in the clock.
    """
    found: list[Measured] = []
    for scene in scenes(role):
        turns = contenders(scene, model)
        times: list[list[float]] = [[] for _ in turns]
        for _ in range(repetitions):
            for turn, mine in zip(turns, times, strict=True):
                begin, count = time.process_time(), 0
                while count == 0 or time.process_time() - begin < seconds:
                    turn.run()
                    count += 1
                mine.append((time.process_time() - begin) / count)
        found += [Measured(turn, mine) for turn, mine in zip(turns, times, strict=True)]
        log.info("%s done", scene.name)
    return found


def profiles(places: str, seconds: float) -> dict[str, dict[str, float]]:
    """Where the time of encode and decode goes at each ratio; empty where this machine cannot tell."""
    if not profile.is_available():
        log.warning("no profile: perf, addr2line and nm are needed, and leave to count")
        return {}
    found = {}
    for operation in ("encode", "decode"):
        for ratio in RATIOS:
            work = [operation, "--ratio", str(ratio), "--places", places]
            work += ["--bundle", str(BUNDLE), "--seconds", str(seconds)]
            found[f"{operation} {ratio}"] = profile.profile(work)
            log.info("profile of %s at %dx done", operation, ratio)
    return found


def main() -> None:
    """Runs the whole bench."""
    parser = argparse.ArgumentParser(prog="bench-speed", description=__doc__)
    parser.add_argument("--places", choices=sorted(PLACES), default="test", help="whose frames are timed")
    parser.add_argument("--repetitions", type=int, default=7, help="rounds; medians are over these")
    parser.add_argument("--seconds", type=float, default=0.1, help="processor time a turn takes at least")
    parser.add_argument("--profile-seconds", type=float, default=4, help="processor time of each profile")
    parser.add_argument("--output", type=Path, default=ROOT / "Benchmarks" / "results" / "speed.json")
    parser.add_argument("--no-document", action="store_true", help="leave Docs/benchmarks.md as it is")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    model = Model.open(BUNDLE)
    shares = profiles(arguments.places, arguments.profile_seconds)
    rows = measure(arguments.places, model, arguments.repetitions, arguments.seconds)
    report = {
        "benchmark": "speed",
        "machine": machine(),
        "commit": commit(ROOT),
        "firmware": f"{model.firmware:08x}",
        "peers": {"OpenJPEG": OpenJPEG.version},
        "definitions": "processor time of one thread; megapixels of ground, all 12 bands of one counted once; seconds"
        " are medians over rounds, spread is (most - least) / median",
        "places": arguments.places,
        "repetitions": arguments.repetitions,
        "summary": summary(rows),
        "profile": shares,
        "measured": [row.as_dict() for row in rows],
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(report, indent=1) + "\n")
    text = (
        table(rows, arguments.repetitions)
        + profile_table(shares)
        + f"\nMeasured at {report['commit']}, firmware {report['firmware']}, on {machine()['processor']};"
        + f" peer {OpenJPEG.version}.\n"
    )
    if not arguments.no_document:
        write_between(ROOT / "Docs" / "benchmarks.md", "bench-speed", text)
    log.info("\n%s\nwritten to %s", text, arguments.output)


if __name__ == "__main__":
    main()
