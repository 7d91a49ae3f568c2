"""The Nth call of the daemon on its spool fails: it ends with 74 or goes on, and what it called stored is delivered."""

from __future__ import annotations

import errno
import time

from faults.interposer import FAMILIES, Interposer
from faults.pair import Pair
from faults.trial import Row, Trial

EXIT_IO = 74
WAYS = ((errno.EIO, "once"), (errno.ENOSPC, "from"), (errno.ENOSPC, "once"), (errno.EIO, "from"), (errno.EROFS, "from"))
RECOVERY_SECONDS = 60.0


def run(trial: Trial) -> None:
    """One spool through all faults."""
    pair = Pair(trial, "pair")
    interposer = trial.interposer(pair.station.spool)
    try:
        pair.gateway.start_until_ready()
        for index in trial.cycles("calls"):
            for error, mode in WAYS[: int(trial["ways"])]:
                _one(trial, pair, interposer, index + 1, error, mode)
        interposer.heal()
        pair.restart_station(interposer.environment())
        trial.add(lost_at_crash=pair.settle()["lost_at_crash"])
        pair.check_archive(may_drop=True)
        pair.check_sound()
        trial.add(frames_stored=len(pair.source.stored), lost=0)
    finally:
        pair.kill()


def _one(trial: Trial, pair: Pair, interposer: Interposer, call: int, error: int, mode: str) -> None:
    dice = trial.dice(call, error, mode)
    what = f"call {call}, {errno.errorcode[error]}, {mode}"
    interposer.fail(call, FAMILIES, error, mode)
    pair.station.start(interposer.environment())
    pair.source.connect()
    for _ in range(dice.randint(1, 6)):
        pair.source.give()
    end = time.monotonic() + 20
    while pair.station.is_running and time.monotonic() < end:
        pair.drive(0.01)
        if interposer.injected and (mode == "from" or pair.source.unanswered == 0):
            break
        if pair.source.unanswered == 0:
            pair.source.give()  # the call has not come yet
    if mode == "from" and pair.station.is_running:
        pair.drive(dice.uniform(0, 0.3))
    trial.check(interposer.injected > 0 or not pair.station.is_running, f"{what}: never came within 20 s")
    interposer.heal()
    begun = time.monotonic()
    if pair.station.is_running and mode == "from":
        # by itself, once the disk is well again; it may end and be started for that
        while pair.station.is_running and pair.source.unanswered and time.monotonic() - begun < RECOVERY_SECONDS:
            pair.drive(0.02)
        trial.check(
            not pair.station.is_running or pair.source.unanswered == 0,
            f"{what}: {pair.source.unanswered} frames unanswered {RECOVERY_SECONDS:.0f} s after the disk was well",
        )
        trial.peak(recovery_seconds=time.monotonic() - begun)
    if pair.station.is_running:
        pair.station.ledger()
        pair.station.kill()
        trial.add(went_on=1)
    else:
        code = pair.station.stop()
        trial.check(code == EXIT_IO, f"{what}: ended with {code}, not {EXIT_IO}: {pair.station.tail()}")
        trial.add(ended_with_74=1)


ROW = Row(
    name="station-errors",
    fault="EIO, full, read-only on the Nth call of the station",
    how="interposed errno on call N = 1, 2, … below the spool, once and from there on; one spool through all of them",
    passes="ends with 74 or goes on, every stored frame is delivered once or, on a full disk, dropped with a tombstone,"
    " the ledger holds, recovers by itself",
    long={"calls": 150, "ways": 5},
    short={"calls": 60, "ways": 1},
    run=run,
)
