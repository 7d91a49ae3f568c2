"""An older program finds a newer spool or archive: a clear refusal, nothing touched."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from faults.pair import Pair
from faults.trial import Row, Trial


def run(trial: Trial) -> None:
    """Writes a version from the future into the spool, and looks at how the daemon ends."""
    for _ in trial.cycles("refusals"):
        pair = Pair(trial, "pair")
        try:
            pair.restart_station()
            pair.source.give()
            pair.wait_stored()
            pair.station.stop()
            database = pair.station.spool / "spool.db"
            with sqlite3.connect(database) as connection:
                connection.execute("PRAGMA user_version=99")
            connection.close()
            before = _digest(pair.station.spool)
            pair.station.start()
            code = pair.station.wait(20)
            trial.check(code not in (0, 70), f"ended with {code}")
            said = pair.station.tail()
            trial.check("99" in said and "version" in said, f"the refusal does not name the version: {said}")
            after = _digest(pair.station.spool)
            trial.check(before == after, "the newer spool was touched")
            trial.counts["exit_code"] = code
            with sqlite3.connect(database) as connection:
                connection.execute("PRAGMA user_version=1")
            connection.close()
            pair.gateway.start_until_ready()
            pair.restart_station()
            pair.wait_delivered()
            pair.station.stop()
            pair.gateway.stop()
            pair.check_archive()
        finally:
            pair.kill()


def _digest(folder: Path) -> bytes:
    return (folder / "spool.db").read_bytes()


ROW = Row(
    name="newer-spool",
    fault="older binary on a newer spool",
    how="a spool whose version is from the future",
    passes="refused with the version in the text, nothing touched; delivered by the right binary",
    long={"refusals": 1},
    short={"refusals": 1},
    run=run,
)
