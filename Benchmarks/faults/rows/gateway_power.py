"""Power cuts of the gateway: the archive as the disk may have it, at any point of what the gateway did."""

from __future__ import annotations

import bisect
import random
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from faults.archive import read_archive
from faults.daemons import Gateway, Stopwatch, perigee
from faults.link import LightStation
from faults.powercut import Disk, restore
from faults.trial import Row, Trial
from faults.work import check_archive, deliver_all, deliver_first, give_some


@dataclass
class _Recording:
    """A life of a gateway: its journal, and when its station learned what."""

    station: LightStation
    before: Path
    journal: Path
    sizes: list[int] = field(default_factory=list)
    durable: list[set[int]] = field(default_factory=list)

    def note(self, size: int) -> None:
        """The journal had so many octets when the station knew what it knows now: all that was synced before."""
        if not self.durable or self.station.durable != self.durable[-1]:
            self.sizes.append(size)
            self.durable.append(set(self.station.durable))

    def known_at(self, size: int) -> set[int]:
        """What the station had been told by then."""
        index = bisect.bisect_right(self.sizes, size)
        return self.durable[index - 1] if index else set()


def run(trial: Trial) -> None:
    """Records lives, then cuts each at random points; sometimes cuts the recovery as well."""
    for life in trial.cycles("lives"):
        dice = trial.dice("life", life)
        recording = _record(trial, life, dice)
        size = recording.journal.stat().st_size
        for cut in range(int(trial["cuts"])):
            _cut(trial, recording, f"{life}-{cut}", dice.randint(0, size), dice)
            trial.add(power_cuts=1)
        trial.add(packets=len(recording.station.packets))


def _record(trial: Trial, life: int, dice: random.Random) -> _Recording:
    gateway = Gateway(trial.place(f"life-{life}"), trial.address(f"life-{life}"))
    before = trial.place(f"before-{life}")
    gateway.archive.mkdir()
    journal = trial.folder / f"journal-{life}"
    interposer = trial.interposer(gateway.archive, journal)
    station = LightStation("alpha", gateway.endpoint)
    station.wait = 0.2
    recording = _Recording(station, before, journal)
    station.connect()
    gateway.start(interposer.environment())
    try:
        for _ in range(int(trial["bursts"])):
            give_some(station, dice.randint(5, 80), dice)
            end = time.monotonic() + dice.uniform(0.02, 0.3)
            while time.monotonic() < end or (station.welcomed == 0 and gateway.is_running):
                station.drive(2)
                # read behind the acknowledgement: the sync it tells of is in the journal by now
                recording.note(interposer.journal_size())
        gateway.kill()
    finally:
        gateway.kill()
        station.close()
    return recording


def _cut(trial: Trial, recording: _Recording, name: str, until: int, dice: random.Random) -> None:
    told = recording.station
    disk = Disk(recording.before)
    disk.replay(recording.journal, until)
    folder = trial.place(f"cut-{name}")
    gateway = Gateway(folder, trial.address(f"cut-{name}"))
    seed = dice.getrandbits(32)
    restore(disk.after_cut(seed), gateway.archive)
    if dice.random() < float(trial["recovery_share"]):
        _cut_recovery(trial, gateway, folder, dice)
    station = LightStation(told.name, gateway.endpoint, epoch=told.epoch, packets=dict(told.packets))
    station.durable = set()
    station.wait = 0.2
    known = recording.known_at(until)
    station.connect()
    watch = Stopwatch()
    gateway.start()
    try:
        deliver_first(station, gateway)
        trial.peak(ready_seconds=watch.seconds(gateway))
        # what it was told is safe it no longer holds: the gateway must have it
        there = read_archive(gateway.archive).identities()
        lost = [n for n in known if there.get((told.name, told.epoch, n)) != told.packets[n]]
        trial.check(
            not lost,
            f"cut {name} at {until}, seed {seed}: {len(lost)} of {len(known)} acknowledged packets are gone",
        )
        deliver_all(station, gateway)
        check_archive(trial, gateway, station)
        gateway.stop()
        perigee("archive", "verify", "--json", str(gateway.archive))
    finally:
        gateway.kill()
        station.close()
    trial.add(acknowledged_before_cuts=len(known), lost=0)
    shutil.rmtree(folder)


def _cut_recovery(trial: Trial, gateway: Gateway, folder: Path, dice: random.Random) -> None:
    """Starts on what the cut left, and cuts again while it recovers."""
    before = folder / "before"
    shutil.copytree(gateway.archive, before)
    journal = folder / "journal"
    interposer = trial.interposer(gateway.archive, journal)
    gateway.start(interposer.environment())
    time.sleep(dice.uniform(0.0, 0.15))
    gateway.kill()
    disk = Disk(before)
    if journal.exists():
        disk.replay(journal, dice.randint(0, journal.stat().st_size))
    restore(disk.after_cut(dice.getrandbits(32)), gateway.archive)
    trial.add(cuts_of_recoveries=1)


ROW = Row(
    name="gateway-power",
    fault="power cut of the gateway",
    how="un-synced writes forgotten, torn at 512 octets or kept, un-synced names too, at any point of its calls, by"
    " seed; a third of the recoveries cut again",
    passes="0 acknowledged packets lost, always starts, index equals segments",
    long={"lives": 10, "cuts": 20, "bursts": 12, "recovery_share": 0.33},
    short={"lives": 1, "cuts": 4, "bursts": 4, "recovery_share": 0.33},
    run=run,
)
