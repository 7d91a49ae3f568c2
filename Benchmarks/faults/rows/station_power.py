"""Power cuts of the station: its spool as the disk may have it, at any point of what the daemon did."""

from __future__ import annotations

import json
import random
import shutil
import time
from pathlib import Path

from faults.daemons import wait_for
from faults.interposer import Interposer
from faults.pair import Pair
from faults.powercut import Disk, restore
from faults.trial import Row, Trial


def run(trial: Trial) -> None:
    """Lives without a gateway are cut anywhere; lives with one at their end, when both sides are as they were then."""
    for life in trial.cycles("lives"):
        dice = trial.dice("life", life)
        has_gateway = life % 2 == 1
        pair = Pair(trial, f"life-{life}")
        journal = trial.folder / f"journal-{life}"
        interposer = trial.interposer(pair.station.spool, journal)
        pair.source.clock = interposer.journal_size
        try:
            if has_gateway:
                pair.gateway.start_until_ready()
            for _ in range(int(trial["starts"])):
                pair.restart_station(interposer.environment())
                for _ in range(dice.randint(1, 4)):
                    for _ in range(dice.randint(1, 15)):
                        pair.source.give()
                    pair.drive(dice.uniform(0.05, 0.5))
                pair.station.kill()
            if not has_gateway:
                _die_in_sync(pair, interposer)
        finally:
            pair.kill()
        size = journal.stat().st_size
        for cut in range(int(trial["cuts"])):
            until = size if has_gateway or cut == 0 else dice.randint(0, size)
            _cut(trial, pair, journal, f"{life}-{cut}", until, dice, has_gateway)
            trial.add(power_cuts=1)


def _die_in_sync(pair: Pair, interposer: Interposer) -> None:
    """Killed with a frame written and not synced. It is sent again: if the next process says stored, it must be."""
    pair.restart_station(interposer.environment())
    pair.source.give()
    pair.wait_stored()
    pair.drive(1)  # what is tidied up at the start is synced by then
    interposer.fail(1, ("fdatasync", "fsync"), mode="kill")
    pair.source.give()  # one: a commit of others would sync it too

    def is_killed() -> bool:
        pair.source.drive(5)
        return not pair.station.is_running

    wait_for("the station to be killed in a sync", is_killed, 30)
    pair.station.kill()
    interposer.heal()
    interposer.delay(0.5)  # an answer that waits for no sync is given away by coming before one ends
    pair.restart_station(interposer.environment())
    pair.wait_stored()
    pair.station.kill()
    interposer.heal()


def _cut(
    trial: Trial, before: Pair, journal: Path, name: str, until: int, dice: random.Random, has_gateway: bool
) -> None:
    disk = Disk(trial.place("empty"))
    disk.replay(journal, until)
    seed = dice.getrandbits(32)
    pair = Pair(trial, f"cut-{name}")
    put_back(disk, seed, pair.station.spool)
    if has_gateway and before.gateway.archive.exists():
        shutil.copytree(before.gateway.archive, pair.gateway.archive)
    if dice.random() < float(trial["recovery_share"]):
        _cut_recovery(trial, pair, dice)
    known = {frame for size, frame in before.source.stored_at if size <= until}
    try:
        pair.gateway.start_until_ready()
        trial.peak(ready_seconds=pair.restart_station())
        # new frames behind the cut, so that a number that was used before would be seen
        for _ in range(5):
            pair.source.give()
        pair.settle()
        pair.check_archive(known | pair.source.stored)
        pair.check_sound()
    except Exception as error:
        error.add_note(f"cut {name} at {until}, seed {seed}")
        raise
    finally:
        pair.kill()
    trial.add(stored_before_cuts=len(known), lost=0)
    shutil.rmtree(pair.folder)


def put_back(disk: Disk, seed: int, spool: Path) -> None:
    """The spool as the cut left it. Its identity is told the new inode, or it would take itself for a copy."""
    restore(disk.after_cut(seed), spool)
    identity = spool / "identity.json"
    database = spool / "spool.db"
    if not identity.exists() or not database.exists():
        return
    try:
        known = json.loads(identity.read_text())
    except ValueError:
        return
    if known["inode"] == str(disk.inodes["spool.db"]):
        known["inode"] = str(database.stat().st_ino)
        identity.write_text(json.dumps(known))


def _cut_recovery(trial: Trial, pair: Pair, dice: random.Random) -> None:
    """Starts on what the cut left, and cuts again while it recovers."""
    before = pair.folder / "before"
    shutil.copytree(pair.station.spool, before)
    journal = pair.folder / "journal"
    interposer = trial.interposer(pair.station.spool, journal)
    pair.station.start(interposer.environment())
    time.sleep(dice.uniform(0.0, 0.2))
    pair.station.kill()
    disk = Disk(before)
    if journal.exists():
        disk.replay(journal, dice.randint(0, journal.stat().st_size))
    seed = dice.getrandbits(32)
    put_back(disk, seed, pair.station.spool)
    trial.add(cuts_of_recoveries=1)


ROW = Row(
    name="station-power",
    fault="power cut of the station",
    how="as for the gateway; without a gateway at any point of the calls, and at the end after a kill inside a sync;"
    " with one at the end, in several ways; a third of the recoveries cut again",
    passes="0 stored frames lost, 0 twice, 0 numbers reused, holes explained, always starts",
    long={"lives": 20, "cuts": 10, "starts": 3, "recovery_share": 0.33},
    short={"lives": 2, "cuts": 2, "starts": 2, "recovery_share": 0.33},
    run=run,
)
