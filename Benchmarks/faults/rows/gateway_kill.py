"""kill -9 of the gateway at random moments under load: what it acknowledged is in the segments, once."""

from __future__ import annotations

import random
import time

from faults.archive import read_archive
from faults.daemons import Gateway, TrialError, perigee, wait_for
from faults.link import LightStation
from faults.octets import frame_packet
from faults.trial import Row, Trial

READY_SECONDS = 2.0


def run(trial: Trial) -> None:
    """A station sends on while its gateway is killed and started again; a fresh archive each 50 kills."""
    for first in trial.cycles("archives"):
        dice = trial.dice("archive", first)
        gateway = Gateway(trial.place(f"gateway-{first}"), trial.address(f"link-{first}"))
        station = LightStation("alpha", gateway.endpoint)
        station.wait = 0.2
        station.connect()
        try:
            for _ in range(int(trial["kills"])):
                _one_kill(trial, gateway, station, dice)
                trial.add(kills_done=1)
            _finish(trial, gateway, station)
        finally:
            station.close()
            gateway.kill()


def give_some(station: LightStation, count: int, dice: random.Random) -> None:
    """Small frames of this run: the group says which."""
    for _ in range(count):
        number = len(station.packets) + 1
        station.give(frame_packet(number, f"{station.name}-{number}", dice.randbytes(dice.randint(8, 1500))))


def _one_kill(trial: Trial, gateway: Gateway, station: LightStation, dice: random.Random) -> None:
    sessions = station.welcomed
    begun = time.monotonic()
    gateway.start()
    while station.welcomed == sessions:
        station.drive(5)
        if time.monotonic() - begun > 30 or not gateway.is_running:
            raise TrialError(f"no WELCOME after a kill: {gateway.tail()}")
    seconds = time.monotonic() - begun
    trial.peak(ready_seconds=seconds)
    trial.check(seconds < READY_SECONDS, f"the gateway was ready only after {seconds:.2f} s")
    give_some(station, dice.randint(1, 120), dice)
    life = dice.uniform(0.0, 0.25)
    while time.monotonic() - begun - seconds < life:
        station.drive(2)
    gateway.kill()
    check_archive(trial, gateway, station)


def check_archive(trial: Trial, gateway: Gateway, station: LightStation) -> None:
    """Everything the station was told is durable is there, octet by octet, and nothing is there twice."""
    filed = read_archive(gateway.archive)
    there = filed.identities()
    lost = [n for n in station.durable if there.get((station.name, station.epoch, n)) != station.packets[n]]
    trial.check(not lost, f"{len(lost)} acknowledged packets are not in the archive, the first is number {lost[:1]}")
    trial.check(filed.duplicates == 0, f"{filed.duplicates} packets are in the segments twice")
    trial.check(filed.conflicts == 0, f"{filed.conflicts} numbers are in the segments with different packets")


def _finish(trial: Trial, gateway: Gateway, station: LightStation) -> None:
    gateway.start()
    deliver_all(station, gateway)
    gateway.stop()
    check_archive(trial, gateway, station)
    perigee("archive", "verify", "--json", str(gateway.archive))
    trial.add(packets=len(station.packets), lost=0, duplicates=0)


def deliver_all(station: LightStation, gateway: Gateway, timeout: float = 60) -> None:
    """Drives a station until everything it has is acknowledged."""

    def is_done() -> bool:
        station.drive(5)
        return station.waiting == 0

    wait_for(f"{station.waiting} packets of {station.name} to be acknowledged", is_done, timeout, (gateway,))


ROW = Row(
    name="gateway-kill",
    fault="kill -9 of the gateway",
    how="random moments under load; after each kill what was acknowledged is looked for in the segments",
    passes=f"0 acknowledged packets lost, 0 duplicates in the archive, ready within {READY_SECONDS:.0f} s",
    long={"archives": 10, "kills": 50},
    short={"archives": 1, "kills": 10},
    run=run,
)
