"""A commit that takes ten seconds: nothing is dropped while memory has room, and the watchdog is fed."""

from __future__ import annotations

import time

from faults.daemons import wait_for
from faults.pair import Pair
from faults.trial import Row, Trial


def run(trial: Trial) -> None:
    """Stalls one commit after the other while frames go on coming."""
    pair = Pair(trial, "pair")
    interposer = trial.interposer(pair.station.spool)
    watchdog = float(trial["watchdog_seconds"])
    try:
        pair.gateway.start_until_ready()
        pair.restart_station(interposer.environment() | {"WATCHDOG_USEC": str(int(watchdog * 1e6))})
        pair.source.give()
        pair.wait_stored()
        pair.drive(2)  # what is tidied up at the start is done by then
        for _ in trial.cycles("stalls"):
            interposer.delay(float(trial["seconds"]))
            begun = time.monotonic()
            pair.source.give()
            wait_for("a commit to stall", lambda: interposer.waiting > 0, 10, (pair.station,))
            shown = 0
            fed = time.monotonic()
            while time.monotonic() - begun < float(trial["seconds"]):
                pair.source.give()
                pair.drive(0.1)
                shown = max(shown, pair.station.status().get("spool", {}).get("busy_seconds", 0))
                if "WATCHDOG=1" in pair.station.notices.read():
                    trial.peak(longest_without_watchdog_seconds=time.monotonic() - fed)
                    fed = time.monotonic()
                trial.check(time.monotonic() - fed < watchdog, "the watchdog was not fed")
                trial.check(pair.station.is_running, f"the station ended: {pair.station.tail()}")
            interposer.heal()
            pair.wait_stored()
            trial.check(shown >= 1, "the status showed no stalled commit")
            trial.peak(busy_seconds_shown=shown)
        ledger = pair.settle()
        trial.check(ledger["spooled"] == len(pair.source.sent), f"frames were dropped: {ledger}")
        pair.check_archive()
        trial.add(frames=len(pair.source.sent), dropped=0)
    finally:
        pair.kill()


ROW = Row(
    name="slow-disk",
    fault="slow disk",
    how="each sync of the spool delayed while frames come in",
    passes="nothing dropped, the stall is shown in the status, the watchdog is fed",
    long={"stalls": 5, "seconds": 10, "watchdog_seconds": 20},
    short={"stalls": 1, "seconds": 3, "watchdog_seconds": 10},
    run=run,
)
