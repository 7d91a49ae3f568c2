"""`perigee-cluster`: what the data centre does with an archive. Modules of commands alone print."""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

import perigee_cluster
from perigee_cluster import commands
from perigee_cluster.archive import Archive, ArchivedFrame, ArchiveError, Cursor
from perigee_cluster.archive.frame import frame_id
from perigee_cluster.demo import command as demo
from perigee_cluster.history.build import build, rebuild
from perigee_cluster.history.record import DamagedHistoryError, Record
from perigee_cluster.history.store import History
from perigee_codec import library_path

OK, DIFFERS, USAGE, DATA, UNAVAILABLE, INTERNAL, IO, CONFIG = 0, 1, 64, 65, 69, 70, 74, 78
EXIT_CODES = """exit codes
  0   done
  1   a check found damage
  64  the command line is wrong
  65  the archive's index is damaged or of another version
  69  the archive or the history is not there
  70  an error of the program itself
  74  reading or writing failed
  78  the firmware is wrong"""


class CommandError(Exception):
    """What ends a command; the text ends with the remedy."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise CommandError(USAGE, f"{message}; {self.prog} --help explains it")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; answers its exit code."""
    logging.basicConfig(level=logging.WARNING, format="perigee-cluster: %(message)s", stream=sys.stderr)
    try:
        given = _parser().parse_args(arguments)
        code = given.run(given)
        sys.stdout.flush()
        return code
    except CommandError as error:
        return _fail(error.code, str(error))
    except ArchiveError as error:
        return _fail(UNAVAILABLE if error.is_missing else DATA, str(error))
    except DamagedHistoryError as error:
        return _fail(DATA, str(error))
    except BrokenPipeError:
        # who read us has gone; Python must not find that out once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        return _fail(IO, f"{error}; make room or mend the permissions, then run the command again")


def _fail(code: int, text: str) -> int:
    print(f"perigee-cluster: {text}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="perigee-cluster",
        description="What the data centre does with a gateway's archive.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"perigee-cluster {perigee_cluster.__version__}")
    groups = parser.add_subparsers(required=True, metavar="COMMAND")
    archive = _group(groups, "archive", "look into an archive beside its gateway")
    history = _group(groups, "history", "make and look into the history of places")

    command = _command(archive, "ls", _ls, "List the frames of an archive, in the order in which they last changed.",
        "perigee-cluster archive ls /var/lib/perigee-gateway/archive",
        "perigee-cluster archive ls archive --since 1042-9b1c02aa --json",
        "perigee-cluster archive ls archive --place 32631_2560_195_2191 --after 2024-06-01")  # fmt: skip
    archive_options(command)
    command.add_argument("--since", metavar="CURSOR", help="only what changed since; JSON output names the cursor")
    command.add_argument("--place", metavar="ID", help="only frames that show this place")
    command.add_argument("--after", metavar="TIME", type=_time, help="only frames acquired then or later")
    command.add_argument("--before", metavar="TIME", type=_time, help="only frames acquired earlier")

    command = _command(archive, "places", _places, "List the places that an archive's frames show.",
        "perigee-cluster archive places archive")  # fmt: skip
    archive_options(command)

    command = _command(history, "build", _build, "Add to a history what came into an archive since the last time.",
        "perigee-cluster history build archive --history history",
        "perigee-cluster history build archive --history history --keep 64")  # fmt: skip
    archive_options(command)
    _history_options(command)

    command = _command(history, "rebuild", _rebuild, "Make a history anew from the packets of all its archives.",
        "perigee-cluster history rebuild archive --history history")  # fmt: skip
    archive_options(command, several=True)
    _history_options(command)

    command = _command(history, "show", _show, "Show what is known of places.",
        "perigee-cluster history show history",
        "perigee-cluster history show history --place 32631_2560_195_2191",
        "perigee-cluster history show history --check")  # fmt: skip
    command.add_argument("history", metavar="HISTORY", type=Path, help="folder of the history")
    command.add_argument("--place", metavar="ID", help="every date of one place")
    command.add_argument("--check", action="store_true", help="read every date; exit code 1 where one is damaged")
    commands.add(groups, _command)
    demo.add(groups, _command)
    return parser


def _group(groups: Any, name: str, about: str) -> Any:
    group = groups.add_parser(name, help=about, description=about.capitalize() + ".")
    return group.add_subparsers(required=True, metavar="COMMAND")


def _command(
    group: Any, name: str, run: Callable[[argparse.Namespace], int], about: str, *examples: str
) -> argparse.ArgumentParser:
    epilog = "examples\n" + "\n".join(f"  {example}" for example in examples) + "\n\n" + EXIT_CODES
    command = group.add_parser(name, help=about.split(",")[0].rstrip("."), description=about, epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    command.add_argument("--json", action="store_true", help="print JSON instead of text for people")
    command.set_defaults(run=run)
    return command


def archive_options(command: argparse.ArgumentParser, several: bool = False) -> None:
    """ARCHIVE, and what reading it needs."""
    command.add_argument("archive", metavar="ARCHIVE", type=Path, nargs="+" if several else None,
        help="[archive] directory of the gateway")  # fmt: skip
    command.add_argument("--firmware", metavar="DIR", type=Path, action="append",
        help="a bundle, or a folder of bundles, any number of times; else Firmware below $PERIGEE_HOME")  # fmt: skip
    if not several:
        command.add_argument("--segments", metavar="URL", help="where the segments are, if not in the archive's folder")


def _history_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--history", metavar="DIR", type=Path, required=True, help="folder of the history")
    command.add_argument(
        "--keep", metavar="N", type=_count, help="dates that a place may have; clouded and old ones go"
    )


def _count(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no count, must be 1 or more")
    return number


def _time(text: str) -> np.datetime64:
    try:
        return np.datetime64(text.removesuffix("Z"), "ms")
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time, expected 2024-06-01 or 2024-06-01T10:30:00Z") from None


def firmware(given: list[Path] | None) -> list[Path]:
    """Folders of bundles, as given or as installed."""
    home = os.environ.get("PERIGEE_HOME")
    homes = [Path(home)] if home else [Path(__file__).resolve().parents[2], Path("/usr/share/perigee")]
    folders = given or [folder / "Firmware" for folder in homes if (folder / "Firmware").is_dir()]
    for folder in folders:
        if not ((folder / "manifest.json").is_file() or any(folder.glob("*/manifest.json"))):
            raise CommandError(
                CONFIG, f"--firmware is {folder}, which holds no bundle: name a folder with a manifest.json"
            )
    if not folders:
        raise CommandError(CONFIG, "no firmware: give --firmware DIR, or set PERIGEE_HOME")
    return folders


def _need_codec() -> None:
    try:
        library_path()
    except FileNotFoundError as error:
        raise CommandError(UNAVAILABLE, str(error)) from None


def _opened(given: argparse.Namespace) -> Archive:
    _need_codec()
    return Archive(given.archive, firmware(given.firmware), given.segments)


def _ls(given: argparse.Namespace) -> int:
    try:
        since = Cursor.parse(given.since) if given.since else None
    except ValueError as error:
        raise CommandError(USAGE, f"--since: {error}") from None
    archive = _opened(given)
    if since is not None and (given.place or given.after is not None or given.before is not None):
        raise CommandError(
            USAGE, "--since goes by change, --place, --after and --before by content: give the one or the others"
        )
    frames = list(archive.frames(since) if since else archive.frames_of(given.place, given.after, given.before))
    if given.json:
        cursor = str(frames[-1].cursor) if frames else given.since
        _print({"cursor": cursor, "frames": [_described(frame) for frame in frames]})
        return OK
    rows = [
        (
            frame.id,
            _day(frame.time),
            frame.sensor or "?",
            frame.layers,
            frame.octets,
            frame.state.value,
            frame.reason or "",
        )
        for frame in frames
    ]
    _table(("frame", "acquired", "sensor", "layers", "octets", "state", ""), rows, "no frames")
    return OK


def _described(frame: ArchivedFrame) -> dict[str, Any]:
    grid = frame.grid
    return {
        "id": frame.id,
        "station": frame.station,
        "epoch": frame.epoch.hex(),
        "number": frame.number,
        "sensor": frame.sensor,
        "datetime": None if frame.time is None else f"{frame.time}Z",
        "places": list(frame.known_places),
        "proj:code": None if grid is None else grid.crs,
        "proj:transform": None if grid is None else list(grid.transform),
        "layers": frame.layers,
        "octets": frame.octets,
        "packets": list(frame.packet_ids),
        "references": list(frame.references),
        "replaces": None if frame.replaces is None else frame_id(frame.station, *frame.replaces),
        "state": frame.state.value,
        "reason": frame.reason,
        "cursor": str(frame.cursor),
    }


def _places(given: argparse.Namespace) -> int:
    found: dict[str, list[ArchivedFrame]] = {}
    for frame in _opened(given).frames():
        for place in frame.known_places:
            found.setdefault(place, []).append(frame)
    known = []
    for place, frames in sorted(found.items()):
        times = sorted(frame.time for frame in frames if frame.time is not None)
        first, last = (times[0], times[-1]) if times else (None, None)
        sensors = sorted({frame.sensor for frame in frames if frame.sensor})
        known.append((place, len(frames), first, last, sensors))
    if given.json:
        names = ("place", "frames", "first", "last", "sensors")
        _print([dict(zip(names, (p, n, _moment(a), _moment(b), s), strict=True)) for p, n, a, b, s in known])
        return OK
    rows = [(p, n, _day(a), _day(b), ", ".join(s)) for p, n, a, b, s in known]
    _table(("place", "frames", "first", "last", "sensors"), rows, "no places")
    return OK


def _build(given: argparse.Namespace) -> int:
    summary = build(_opened(given), History(given.history), given.keep)
    if given.json:
        _print(summary.to_json())
        return OK
    print(f"{summary.looked} frames looked at: {summary.added} added, {summary.unchanged} there already")
    for state, count in sorted(summary.left.items()):
        print(f"  {count} left out: {state}")
    if summary.waiting:
        print(f"{summary.waiting} wait and will be tried again")
    return OK


def _rebuild(given: argparse.Namespace) -> int:
    _need_codec()
    bundles = firmware(given.firmware)
    try:
        done = rebuild([Archive(folder, bundles) for folder in given.archive], History(given.history), given.keep)
    except ValueError as error:
        raise CommandError(USAGE, str(error)) from None
    if given.json:
        _print({**done.summary.to_json(), "equal": done.equal, "changed": list(done.changed)})
        return OK
    print(f"{done.summary.added} frames; {done.equal} places came out as they were, {len(done.changed)} did not")
    for place in done.changed:
        print(f"  {place}")
    return OK


def _show(given: argparse.Namespace) -> int:
    history = History(given.history)
    if not given.history.is_dir():
        raise CommandError(UNAVAILABLE, f"no history in {given.history}: make one with `perigee-cluster history build`")
    try:
        places = [given.place] if given.place else history.places()
        dates = [date for place in places for date in _dates(history, place, given.check)]
    except ValueError as error:
        raise CommandError(USAGE, f"--place: {error}") from None
    damaged = [date.damage for date in dates if date.damage]
    if given.json:
        _print({"places": places, "dates": [date.to_json() for date in dates], "damaged": damaged})
    elif given.place:
        names = ("acquired", "sensor", "layers", "octets", "interval", "clear", "state", "frame")
        _table(names, [date.to_row() for date in dates], "no dates")
    else:
        names = ("place", "dates", "damaged", "first", "last", "sensors")
        _table(names, [_in_short(place, dates) for place in places], "no places")
    for text in damaged:
        print(f"perigee-cluster: {text}", file=sys.stderr)
    return DIFFERS if damaged else OK


@dataclass(frozen=True)
class _Date:
    place: str
    sensor: str
    record: Record
    damage: str | None

    def to_json(self) -> dict[str, Any]:
        return {"place": self.place, "sensor": self.sensor, "damage": self.damage, **self.record.to_json()}

    def to_row(self) -> tuple[Any, ...]:
        quality = self.record.quality
        width = "-" if math.isnan(quality.interval_width) else f"{quality.interval_width:.0f}"
        state = "damaged" if self.damage else self.record.grade
        when, clear = _day(self.record.time), f"{100 * quality.clear_share:.0f} %"
        return when, self.sensor, quality.layers, quality.octets, width, clear, state, self.record.id


def _dates(history: History, place: str, reads: bool) -> Iterator[_Date]:
    for series in history.series(place):
        for record in series.records:
            damage = None
            if reads:
                try:
                    series.read(record)
                except DamagedHistoryError as error:
                    damage = str(error)
            yield _Date(place, series.kind.sensor, record, damage)


def _in_short(place: str, dates: Sequence[_Date]) -> tuple[Any, ...]:
    mine = [date for date in dates if date.place == place]
    times = sorted(date.record.time for date in mine if date.record.time is not None)
    first, last = (times[0], times[-1]) if times else (None, None)
    damaged = sum(date.damage is not None for date in mine)
    return place, len(mine), damaged, _day(first), _day(last), ", ".join(sorted({date.sensor for date in mine}))


def _print(value: object) -> None:
    print(json.dumps(value, indent=1, sort_keys=True))


def _moment(time: Any) -> str | None:
    return None if time is None else f"{time}Z"


def _day(time: Any) -> str:
    return "undated" if time is None else str(time)[:16].replace("T", " ")


def _table(names: tuple[str, ...], rows: Sequence[tuple[Any, ...]], nothing: str) -> None:
    if not rows:
        print(nothing)
        return
    lines = [names, *[tuple(map(str, row)) for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    numeric = [all(isinstance(row[column], int) for row in rows) for column in range(len(names))]
    for line in lines:
        cells = (
            text.rjust(width) if is_number else text.ljust(width)
            for text, width, is_number in zip(line, widths, numeric, strict=True)
        )
        print("  ".join(cells).rstrip())
