"""kill -9 of the gateway at random moments under load: what it acknowledged is in the segments, once."""

from __future__ import annotations

import random
import time

from faults.daemons import Gateway, Stopwatch, TrialError, perigee
from faults.link import LightStation
from faults.trial import Row, Trial
from faults.work import check_archive, deliver_all, give_some

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


def _one_kill(trial: Trial, gateway: Gateway, station: LightStation, dice: random.Random) -> None:
    sessions = station.welcomed
    begun = time.monotonic()
    watch = Stopwatch()
    gateway.start()
    while station.welcomed == sessions:
        station.drive(5)
        if time.monotonic() - begun > 30 or not gateway.is_running:
            raise TrialError(f"no WELCOME after a kill: {gateway.tail()}")
    seconds = watch.seconds(gateway)
    trial.peak(ready_seconds=seconds)
    trial.check(seconds < READY_SECONDS, f"the gateway was ready only after {seconds:.2f} s")
    give_some(station, dice.randint(1, 120), dice)
    life = dice.uniform(0.0, 0.25)
    ready = time.monotonic()
    while time.monotonic() - ready < life:
        station.drive(2)
    gateway.kill()
    check_archive(trial, gateway, station)


def _finish(trial: Trial, gateway: Gateway, station: LightStation) -> None:
    gateway.start()
    deliver_all(station, gateway)
    gateway.stop()
    check_archive(trial, gateway, station)
    perigee("archive", "verify", "--json", str(gateway.archive))
    trial.add(packets=len(station.packets), lost=0, duplicates=0)


ROW = Row(
    name="gateway-kill",
    fault="kill -9 of the gateway",
    how="random moments under load; after each kill what was acknowledged is looked for in the segments",
    passes=f"0 acknowledged packets lost, 0 duplicates in the archive, ready within {READY_SECONDS:.0f} s",
    long={"archives": 10, "kills": 50},
    short={"archives": 1, "kills": 10},
    run=run,
)
