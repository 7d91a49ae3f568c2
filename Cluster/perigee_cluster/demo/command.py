"""`perigee-cluster demo`; what group serve brings is loaded as it runs."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

OURS = "perigee-cluster-demo"
"""A file by which a folder of an earlier demo is known: no other one is emptied."""


def add(groups: Any, define: Callable[..., argparse.ArgumentParser]) -> None:
    """Adds the command; `define(group, name, run, about, *examples)` makes it."""
    command = define(groups, "demo", _demo,
        "Fly a year of passes through the real daemons, and rebuild the last one with what the year taught.",
        "perigee-cluster demo",
        "perigee-cluster demo -o /tmp/demo --json",
        "perigee-cluster demo --series ../shared/data/worldcereal-timeseries-test")  # fmt: skip
    command.add_argument("-o", "--output", metavar="DIR", type=Path, default=Path(".build/cluster-demo"),
        help="folder for archive, history, picture and report.json; that of an earlier demo is emptied"
        " (default .build/cluster-demo)")  # fmt: skip
    command.add_argument("--series", metavar="DIR", type=Path,
        help="GeoTIFFs of Sentinel-2 called PLACE_DATE.tif, in place of simulated ones")  # fmt: skip
    command.add_argument("--places", metavar="N", type=_count(1), default=3, help="simulated places (default 3)")
    command.add_argument("--visits", metavar="N", type=_count(6), default=25, help="simulated passes (default 25)")
    command.add_argument("--size", metavar="N", type=_count(64), default=256, help="side in samples (default 256)")


def _count(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text) if text.isdecimal() else 0
        if number < least:
            raise argparse.ArgumentTypeError(f"{text!r} is too few, must be {least} or more")
        return number

    return read


def _end(number: int, _: object) -> None:
    """Ended from outside, the demo ends its daemons first, once."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def _demo(given: argparse.Namespace) -> int:
    from perigee_cluster.cli import CONFIG, OK, UNAVAILABLE, USAGE, CommandError
    from perigee_codec import library_path

    try:
        library_path()
        from perigee_cluster.demo.sheet import draw
    except FileNotFoundError as error:
        raise CommandError(UNAVAILABLE, str(error)) from None
    except ImportError as error:
        raise CommandError(CONFIG, f"{error}: `make cluster GROUPS=serve` installs it") from None
    from perigee_cluster.demo.daemons import DemoError
    from perigee_cluster.demo.fly import fly
    from perigee_cluster.demo.passes import World, series
    from perigee_cluster.demo.report import table

    folder, begin = given.output, time.monotonic()
    if folder.exists() and any(folder.iterdir()) and not (folder / OURS).exists():
        raise CommandError(USAGE, f"--output is {folder}, which holds other things: name a new folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / OURS).touch()

    def say(text: str) -> None:
        sys.stderr.write(f"{time.monotonic() - begin:5.0f} s  {text}\n")

    signal.signal(signal.SIGTERM, _end)
    try:
        if given.series is None:
            say(f"making {given.visits} passes over {given.places} places")
            passes = World(given.places, given.visits, given.size).make(folder / "frames")
        else:
            passes = series(given.series)
        say(f"{sum(map(len, passes.sent)) + len(passes.last)} frames to send of {', '.join(passes.places)}")
        answers = fly(passes, folder, say)
    except DemoError as error:
        raise CommandError(UNAVAILABLE, str(error)) from None
    picture, report = folder / "demo.png", folder / "report.json"
    draw(answers, picture)
    told = json.dumps(
        {
            "places": list(passes.places), "passes": len(passes.sent), "picture": str(picture),
            "seconds": round(time.monotonic() - begin, 1), "answers": [answer.to_json() for answer in answers],
        },
        indent=1, sort_keys=True,
    )  # fmt: skip
    report.write_text(told + "\n")
    sys.stdout.write(f"{told}\n" if given.json else f"{table(answers)}\n\n{picture}\n{report}\n")
    return OK
