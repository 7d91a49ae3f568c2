"""The Nth call of the gateway on its archive fails: it acknowledges only what it has."""

from __future__ import annotations

import errno
import time

from faults.daemons import Gateway, perigee
from faults.interposer import FAMILIES, Interposer
from faults.link import LightStation
from faults.trial import Row, Trial
from faults.work import check_archive, deliver_all, give_some

EXIT_IO = 74
WAYS = (
    (errno.EIO, "once"),
    (errno.ENOSPC, "from"),
    (errno.EIO, "from"),
    (errno.ENOSPC, "short"),
    (errno.EROFS, "from"),
)


def run(trial: Trial) -> None:
    """One archive through all faults, so that each finds what the ones before left."""
    folder = trial.place("gateway")
    gateway = Gateway(folder, trial.address("link"))
    interposer = trial.interposer(gateway.archive)
    station = LightStation("alpha", gateway.endpoint)
    station.wait = 0.1
    station.connect()
    try:
        for index in trial.cycles("calls"):
            for error, mode in WAYS[: int(trial["ways"])]:
                _one(trial, gateway, interposer, station, index + 1, error, mode)
        interposer.heal()
        gateway.start(interposer.environment())
        deliver_all(station, gateway)
        gateway.stop()
        check_archive(trial, gateway, station)
        perigee("archive", "verify", "--json", str(gateway.archive))
        trial.add(packets=len(station.packets), lost=0)
    finally:
        gateway.kill()
        station.close()


def _one(
    trial: Trial, gateway: Gateway, interposer: Interposer, station: LightStation, call: int, error: int, mode: str
) -> None:
    """The `call`-th call of this life fails."""
    dice = trial.dice(call, error, mode)
    what = f"call {call}, {errno.errorcode[error]}, {mode}"
    give_some(station, dice.randint(1, 20), dice)
    interposer.fail(call, FAMILIES, error, mode)
    gateway.start(interposer.environment())
    end = time.monotonic() + 20
    while gateway.is_running and time.monotonic() < end:
        station.drive(5)
        if station.waiting == 0:
            if interposer.injected:
                break
            give_some(station, 1, dice)  # the call has not come yet
    trial.add(faults=interposer.injected > 0)
    if gateway.is_running:
        trial.check(interposer.injected > 0, f"{what}: never came within 20 s")
        trial.check(mode != "from" or station.waiting == 0, f"{what}: neither ended nor stored within 20 s")
        gateway.kill()
        trial.add(went_on=1)
    else:
        code = gateway.stop()
        trial.check(code == EXIT_IO, f"{what}: ended with {code}, not {EXIT_IO}: {gateway.tail()}")
        trial.add(ended_with_74=1)
    interposer.heal()
    check_archive(trial, gateway, station)


ROW = Row(
    name="gateway-errors",
    fault="EIO, full, read-only on the Nth call of the gateway",
    how="interposed errno on call N = 1, 2, … below the archive, once and from there on, and short writes;"
    " one archive through all of them",
    passes="ends with 74 or goes on, acknowledges only what is stored, sound afterwards",
    long={"calls": 150, "ways": 5},
    short={"calls": 60, "ways": 1},
    run=run,
)
