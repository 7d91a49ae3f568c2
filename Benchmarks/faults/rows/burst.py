"""Frames come ten times as fast as they can be taken: a PULL loses none, a SUB counts each."""

from __future__ import annotations

import time

from faults.daemons import wait_for
from faults.pair import Pair
from faults.trial import Row, Trial


def run(trial: Trial) -> None:
    """First measures what the station can take, then publishes ten times that."""
    for mode in ("push", "pub"):
        for _ in trial.cycles(f"bursts_{mode}"):
            _burst(trial, mode)


def _burst(trial: Trial, mode: str) -> None:
    intake = {"push": "pull", "pub": "sub"}[mode]
    pair = Pair(trial, f"{mode}-{time.monotonic_ns()}", mode=intake, limits='intake_bytes = "4 MiB"')
    source = pair.source
    try:
        pair.gateway.start_until_ready()
        source.connect()
        pair.station.start_until_ready()
        wait_for("the station to hear the source", lambda: _is_joined(pair), 60, (pair.station,))
        source.give()  # the first frame is made with all that the others need
        begun = time.monotonic()
        seconds = float(trial["seconds"])
        rate = float(trial["rate"])
        while (passed := time.monotonic() - begun) < seconds:
            if len(source.sent) < passed * rate and source.queued < 50:
                source.give()
            else:
                source.drive(1)
        wait_for("the source to be empty", lambda: _is_empty(pair), 120, (pair.station,))
        # who publishes may lose the word of the end too: it says where it stands until the station knows
        wait_for("the station to know of every frame", lambda: _is_known(pair), 120, (pair.station,))
        source.end()
        pair.wait_delivered(300)
        ledger, intake_counts = pair.station.ledger(), pair.station.status()["intake"]
        sent, spooled = len(source.sent), ledger["spooled"]
        dropped = ledger["rejected"]["queue_full"]
        missed = intake_counts["missed"]
        pair.station.stop()
        pair.gateway.stop()
        there = len(pair.check_archive(set()).frames())
        trial.add(**{f"sent_{mode}": sent, f"archived_{mode}": there})
        trial.peak(**{f"frames_a_second_{mode}": sent / seconds})
        if mode == "push":
            trial.check(there == sent, f"{sent} frames pushed, {there} in the archive: {ledger}")
        else:
            trial.check(there == spooled, f"{spooled} spooled, {there} in the archive")
            trial.check(
                sent == spooled + dropped + missed,
                f"{sent} published, but {spooled} spooled + {dropped} dropped + {missed} missed: {ledger}",
            )
            trial.add(counted_drops=dropped + missed)
    finally:
        pair.kill()


def _is_joined(pair: Pair) -> bool:
    pair.source.heartbeat()
    pair.source.drive(20)
    return pair.station.status().get("intake", {}).get("heartbeats", 0) > 0


def _is_known(pair: Pair) -> bool:
    pair.source.heartbeat()
    pair.drive(0.2)
    status = pair.station.status()
    return status["ledger"]["received"] + status["intake"]["missed"] >= len(pair.source.sent)


def _is_empty(pair: Pair) -> bool:
    pair.source.drive(20)
    return pair.source.queued == 0


ROW = Row(
    name="burst",
    fault="burst",
    how="frames as fast as one core can make them, far above what a lane encodes, for the seconds named; PUSH and PUB",
    passes="PULL: every frame in the archive; SUB: sent = archived + counted drops, exactly",
    long={"bursts_push": 1, "bursts_pub": 1, "seconds": 60, "rate": 3000},
    short={"bursts_push": 1, "bursts_pub": 1, "seconds": 3, "rate": 3000},
    run=run,
)
