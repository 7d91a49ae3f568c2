"""Damage to the files of a spool: the daemon starts all the same, delivers the rest, and says what it lost."""

from __future__ import annotations

import json
import re
import shutil
import time
from pathlib import Path

from faults.pair import Pair
from faults.rows.gateway_damage import damage
from faults.trial import Row, Trial

START_SECONDS = 5.0
KINDS = ("bit", "bit", "page", "cut", "noise", "gone")
WHOLE_KINDS = ("page", "cut", "gone")


def run(trial: Trial) -> None:
    """One spool full of frames that wait, damaged anew for each place."""
    whole = Pair(trial, "whole")
    try:
        whole.restart_station()
        for _ in range(int(trial["frames"])):
            whole.source.give()
            whole.source.drive(1)
        whole.wait_stored()
        if trial["kill"]:
            whole.station.kill()  # the write-ahead log is damaged as well
        else:
            whole.station.stop()
    finally:
        whole.kill()
    for place in trial.cycles("places"):
        _damage_and_start(trial, whole, place)


def _damage_and_start(trial: Trial, whole: Pair, place: int) -> None:
    dice = trial.dice("place", place)
    pair = Pair(trial, f"damaged-{place}")
    copy_spool(whole.station.spool, pair.station.spool)
    names = [path for path in sorted(pair.station.spool.iterdir()) if path.is_file() and path.stat().st_size > 0]
    victim = dice.choices(names, [path.stat().st_size + 4096 for path in names])[0]
    kind = dice.choice(KINDS if trial["bits"] else WHOLE_KINDS)
    what = f"place {place}: {kind} in {victim.name}"
    damage(victim, kind, dice)
    try:
        pair.gateway.start_until_ready()
        begun = time.monotonic()
        seconds = pair.restart_station()
        while not pair.station.is_running and time.monotonic() - begun < START_SECONDS:
            seconds = pair.restart_station()
        trial.peak(start_seconds=seconds)
        trial.check(seconds < START_SECONDS, f"{what}: ready only after {seconds:.1f} s")
        for _ in range(3):
            pair.source.give()
        _wait(trial, pair, what)
        filed = pair.check_archive()
        lost = whole.source.stored - set(filed.frames())
        trial.add(places_with_loss=bool(lost), frames_lost=len(lost), frames_stored=len(whole.source.stored))
        trial.peak(**{f"most_lost_by_{kind}": len(lost)})
        if lost:
            said = re.search(r"damag|set_aside|set aside|lost", pair.station.log.read_text())
            trial.check(said is not None, f"{what}: {len(lost)} frames lost, and the log says nothing")
    except Exception as error:
        error.add_note(what)
        raise
    finally:
        pair.kill()
    shutil.rmtree(pair.folder)


def _wait(trial: Trial, pair: Pair, what: str) -> None:
    """Until all is delivered; the daemon may end with 74 at damage that it meets, and is started again."""
    for _ in range(4):
        try:
            pair.settle(30)
            return
        except Exception:
            if pair.station.is_running:
                raise
            code = pair.station.stop()
            trial.check(code == 74, f"{what}: the daemon ended with {code}: {pair.station.tail()}")
            trial.add(ended_with_74=1)
            pair.restart_station()
    trial.check(False, f"{what}: the daemon ends again and again: {pair.station.tail()}")


def copy_spool(source: Path, target: Path) -> None:
    """A copy that takes itself for the original: its identity names the new file."""
    shutil.copytree(source, target)
    identity = target / "identity.json"
    known = json.loads(identity.read_text())
    known["inode"] = str((target / "spool.db").stat().st_ino)
    identity.write_text(json.dumps(known))


ROW = Row(
    name="station-damage",
    fault="damaged file of the station",
    how="one bit, one page, noise, a cut, a missing file at random places of spool, log and identity; frames wait",
    passes=f"ready within {START_SECONDS:.0f} s, the rest delivered, holes explained, what is lost is named in the log",
    long={"places": 200, "frames": 200, "kill": 1, "bits": 1},
    short={"places": 20, "frames": 60, "kill": 1, "bits": 0},
    run=run,
)
