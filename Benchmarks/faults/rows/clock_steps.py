"""The calendar's clock of the station jumps by days, there and back; nothing expires and no order changes."""

from __future__ import annotations

from faults.pair import Pair
from faults.trial import Row, Trial

DAY = 86_400.0


def run(trial: Trial) -> None:
    """Steps the clock while frames wait, come and go."""
    pair = Pair(trial, "pair", spool="expiry_days = 1")
    interposer = trial.interposer(pair.station.spool)
    try:
        pair.restart_station(interposer.environment())
        for step in trial.cycles("steps"):
            dice = trial.dice(step)
            interposer.step_clock(dice.choice((-400, -2, -0.1, 0, 0.1, 2, 400)) * DAY)
            for _ in range(dice.randint(1, 5)):
                pair.source.give()
            pair.drive(0.3)
            if dice.random() < 0.3:
                pair.station.kill()
                pair.restart_station(interposer.environment())
            if dice.random() < 0.5 and not pair.gateway.is_running:
                pair.gateway.start_until_ready()
            elif dice.random() < 0.3:
                pair.gateway.kill()
        if not pair.gateway.is_running:
            pair.gateway.start_until_ready()
        ledger = pair.settle()
        trial.check(sum(ledger["dropped"].values()) == 0, f"a step of the clock made frames expire: {ledger}")
        filed = pair.check_archive()
        by_epoch: dict[bytes, int] = {}
        for record in filed.records:  # in the order of their coming
            trial.check(record.number > 0, "a number below 1")
            by_epoch[record.epoch] = max(by_epoch.get(record.epoch, 0), record.number)
        trial.check(len(by_epoch) == 1, f"{len(by_epoch)} epochs where one was to be")
        trial.add(frames=len(pair.source.sent), expired=0)
    finally:
        pair.kill()


ROW = Row(
    name="clock-steps",
    fault="clock steps",
    how="the station's calendar jumps by up to 400 days both ways, frames expire after one day; kills between",
    passes="nothing expires, one epoch, everything delivered once",
    long={"steps": 100},
    short={"steps": 6},
    run=run,
)
