"""kill -9 of the daemon at random moments, its gateway there or not, its spool full of packets."""

from __future__ import annotations

from faults.pair import Pair
from faults.source import Source
from faults.trial import Row, Trial

READY_SECONDS = 2.0
FILLER = 256 << 10


def run(trial: Trial) -> None:
    """Half of the kills with a full spool and no gateway, half while it drains; both ends are killed now and then."""
    for life in trial.cycles("lives"):
        dice = trial.dice("life", life)
        pair = Pair(trial, f"life-{life}", quota=f"{int(trial['spool_mebibytes']) + 64} MiB")
        try:
            fill(trial, pair, int(trial["spool_mebibytes"]) << 20)
            kills = int(trial["kills"])
            for kill in range(kills):
                if kill >= kills // 2 and not pair.gateway.is_running:
                    pair.gateway.start_until_ready()
                trial.peak(ready_seconds=pair.restart_station())
                trial.check(
                    trial.counts["ready_seconds"] < READY_SECONDS,
                    f"ready only after {trial.counts['ready_seconds']} s",
                )
                for _ in range(dice.randint(0, 12)):
                    pair.source.give()
                pair.drive(dice.uniform(0, 0.4))
                pair.station.kill()
                if dice.random() < 0.15:
                    pair.gateway.kill()
                trial.add(kills_done=1)
            if not pair.gateway.is_running:
                pair.gateway.start_until_ready()
            pair.restart_station()
            pair.wait_delivered(900)
            ledger = pair.settle()
            pair.check_archive()
            pair.check_sound()
            trial.add(frames_stored=len(pair.source.stored), lost=0, lost_at_crash=ledger["lost_at_crash"])
        finally:
            pair.kill()


def fill(trial: Trial, pair: Pair, size: int) -> None:
    """Packets of noise in the spool, with nobody to take them."""
    pair.station.start_until_ready()
    filler = Source(pair.source.endpoint, "acknowledged", FILLER)
    filler.connect()
    try:
        while (len(filler.stored) + 1) * FILLER < size:
            if filler.unanswered < 4 and len(filler.sent) * FILLER < size:
                filler.give()
            filler.drive(5)
            trial.check(pair.station.is_running, f"the station ended while it was filled: {pair.station.tail()}")
    finally:
        filler.close()
    pair.ended.append(filler)
    pair.station.kill()


ROW = Row(
    name="station-kill",
    fault="kill -9 of the daemon",
    how="random moments with a full spool, gateway there or not, both killed now and then; a source keeps what has no"
    " answer",
    passes=f"0 stored frames lost, 0 twice in the archive, 0 numbers reused, holes explained, ready within"
    f" {READY_SECONDS:.0f} s, ledger holds",
    long={"lives": 10, "kills": 100, "spool_mebibytes": 64},
    short={"lives": 1, "kills": 20, "spool_mebibytes": 64},
    run=run,
)
LARGE = Row(
    name="station-kill-large",
    fault="kill -9 with 1 GiB waiting",
    how="the same with a spool of one GiB",
    passes=ROW.passes,
    long={"lives": 1, "kills": 20, "spool_mebibytes": 1024},
    short=None,
    run=run,
)
