"""A station and its gateway with a source: started, broken, and counted together."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from faults.archive import Filed, read_archive
from faults.daemons import Gateway, Station, TrialError, perigee, wait_for
from faults.source import Source
from faults.trial import Trial

QUOTA = 1  # reason of a tombstone
SPOOL = 'quota_bytes = "{quota}"\nreserved_bytes = "1 MiB"\nballast_bytes = "{ballast}"\nsent_ring_bytes = "1 MiB"\n'
SPOOL += 'finer_ring_bytes = "1 MiB"\nraw_ring_bytes = "1 MiB"'


class Pair:
    """One station with a spool, one gateway with an archive, one source at the station's intake."""

    def __init__(
        self, trial: Trial, name: str, *, mode: str = "acknowledged", size: int = 0, quota: str = "64 MiB",
        ballast: str = "1 MiB",
        link: str = "", binaries: Path | None = None, spool: str = "", limits: str = "", gateway: str = "",
        target: str = "300x", firmware: str = "", prefix: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        """`link`: where the station finds its gateway, through a proxy for example; else the gateway's own address."""
        folder = trial.place(name)
        self.trial = trial
        self.folder = folder
        address = trial.address(f"{name}-link")
        self.gateway = Gateway(folder / "gateway", gateway or address, insecure=bool(gateway), binaries=binaries)
        frames = trial.address(f"{name}-frames")
        self.station = Station(
            folder / "station", frames, link or self.gateway.endpoint, mode=mode, limits=limits,
            spool=SPOOL.format(quota=quota, ballast=ballast) + "\n" + spool, target=target, firmware=firmware,
            binaries=binaries,
        )  # fmt: skip
        self.station.prefix = list(prefix)
        self.source = Source(frames, {"pull": "push", "sub": "pub"}.get(mode, mode), size)
        self.ended: list[Source] = []

    def kill(self) -> None:
        """Everything ends at once."""
        self.station.kill()
        self.gateway.kill()
        self.source.close()

    def drive(self, seconds: float) -> None:
        """Lets the source send and listen."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.source.drive(max(1, min(20, int(left * 1000))))

    def wait_stored(self, timeout: float = 60) -> None:
        """Until every frame of the source has its answer."""

        def is_done() -> bool:
            self.source.drive(10)
            return self.source.unanswered == 0

        wait_for(f"{self.source.unanswered} answers of the station", is_done, timeout, (self.station,))

    def wait_delivered(self, timeout: float = 120) -> None:
        """Until the station holds nothing any more, by a status of now; the ledger must hold at every look."""
        begun = time.time()

        def is_done() -> bool:
            self.source.drive(5)
            ledger = self.station.ledger()
            if not ledger or self.station.status_file.stat().st_mtime < begun + 1.2:
                return False  # a status from before
            return ledger["waiting"] == 0 and ledger["in_work"] == 0 and self.source.queued == 0

        wait_for("everything to be delivered", is_done, timeout, (self.station, self.gateway))

    def settle(self, timeout: float = 60) -> dict:
        """Everything answered and delivered, both ends stopped; answers the ledger. Stopping delivers what waits."""
        self.wait_stored(timeout)
        self.station.stop()
        ledger = self.station.ledger()
        if ledger["waiting"] or ledger["in_work"]:
            self.restart_station()
            self.wait_delivered(timeout)
            self.station.stop()
            ledger = self.station.ledger()
        self.gateway.stop()
        return ledger

    def check_archive(self, stored: set[str] | None = None, may_drop: bool = False) -> Filed:
        """What was said to be stored and delivered is in the archive, once; every hole has its tombstone.

        `may_drop`: the disk was full at times, so frames may be missing that a tombstone says were dropped for room.
        """
        stored = self.source.stored.union(*(source.stored for source in self.ended)) if stored is None else stored
        filed = read_archive(self.gateway.archive)
        frames = filed.frames()
        lost = sorted(stored - set(frames))
        dropped = sum(buried.frames for buried in filed.tombstones if buried.reason == QUOTA) if may_drop else 0
        if may_drop:
            self.trial.peak(dropped_for_room=dropped)
        if len(lost) > dropped:
            raise TrialError(f"{len(lost)} of {len(stored)} stored frames never came, the first is {lost[0]}")
        twice = [frame for frame, count in frames.items() if count > 1]
        if twice:
            raise TrialError(f"{len(twice)} frames are in the archive twice, the first is {twice[0]}")
        if filed.duplicates or filed.conflicts:
            raise TrialError(f"the segments hold {filed.duplicates} records twice and {filed.conflicts} numbers reused")
        for epoch, unexplained in holes(filed).items():
            if unexplained:
                raise TrialError(
                    f"{len(unexplained)} numbers of epoch {epoch} are missing without a word: {unexplained[:5]}"
                )
        self.trial.peak(epochs=len(holes(filed)))
        return filed

    def check_sound(self) -> None:
        """The archive's own check."""
        perigee("archive", "verify", "--json", str(self.gateway.archive))

    def restart_station(self, extra: Mapping[str, str] | None = None) -> float:
        """Starts it, and the source anew; answers the seconds until READY."""
        seconds = self.station.start_until_ready(extra)
        self.source.connect()
        return seconds


def holes(filed: Filed) -> dict[str, list[int]]:
    """By epoch: numbers below the highest that neither a packet nor a tombstone explains."""
    highest: Counter[tuple[str, bytes]] = Counter()
    for record in filed.records:
        key = (record.station, record.epoch)
        highest[key] = max(highest[key], record.number)
    for buried in filed.tombstones:
        key = (buried.station, buried.epoch)
        highest[key] = max(highest[key], buried.numbers[-1])
    return {epoch.hex(): filed.holes(name, epoch, last)[1] for (name, epoch), last in highest.items()}
