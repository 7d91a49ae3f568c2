"""More comes than the spool may hold: the oldest of the lowest class goes, and each gap has its tombstone."""

from __future__ import annotations

from faults.pair import Pair
from faults.trial import Row, Trial

FRAME = 64 << 10


def run(trial: Trial) -> None:
    """Fills a small spool without a gateway, then lets it drain."""
    for life in trial.cycles("lives"):
        dice = trial.dice("life", life)
        pair = Pair(trial, f"life-{life}", size=FRAME, quota="3 MiB")
        source = pair.source
        try:
            pair.restart_station()
            for _ in range(int(trial["frames"])):
                source.give()
                pair.drive(0.002)
                if dice.random() < 0.03:
                    pair.station.kill()
                    pair.restart_station()
            pair.wait_stored()
            pair.gateway.start_until_ready()
            ledger = pair.settle()
            filed = pair.check_archive(set())
            there = filed.frames()
            missing = [frame for frame in source.sent if frame not in there]
            dropped = sum(ledger["dropped"].values())
            trial.check(dropped > 0, f"nothing was dropped: {ledger}")
            trial.check(len(missing) == dropped, f"{len(missing)} frames are missing, {dropped} counted: {ledger}")
            trial.check(missing == source.sent[: len(missing)], "a newer frame was dropped before an older one")
            trial.check(len(filed.tombstones) > 0, "frames are missing, and there is no tombstone")
            trial.add(frames=len(source.sent), dropped=dropped, explained=dropped)
        finally:
            pair.kill()


ROW = Row(
    name="quota",
    fault="spool full",
    how="more frames than the quota holds, no gateway, kills between; then a gateway",
    passes="oldest first, each missing frame counted once and explained by a tombstone, the ledger holds",
    long={"lives": 10, "frames": 300},
    short={"lives": 1, "frames": 80},
    run=run,
)
